/* status.c - names of the status codes; recording an error message. */
#include "status.h"
#include <stdarg.h>
#include <stdio.h>

const char *rs_status_name(rs_status status)
{
    switch (status) {
    case RS_OK:              return "ok";
    case RS_ERR_ARG:         return "bad argument";
    case RS_ERR_SHAPE:       return "bad shape";
    case RS_ERR_RANGE:       return "value out of range";
    case RS_ERR_FORMAT:      return "malformed file";
    case RS_ERR_UNSUPPORTED: return "not supported";
    case RS_ERR_NOMEM:       return "out of memory";
    case RS_ERR_IO:          return "file error";
    case RS_ERR_DEVICE:      return "device error";
    case RS_ERR_TIMEOUT:     return "timed out";
    case RS_ERR_BUSY:        return "busy";
    case RS_ERR_MISMATCH:    return "mismatch";
    }
    return "unknown status";
}

rs_status rs_fail(struct rs_error *err, rs_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;

        err->status = status;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}
