/*
 * rowstation.h - the public C API of Rowstation: one header, C11.
 */
#ifndef ROWSTATION_H
#define ROWSTATION_H
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RS_MUST_CHECK __attribute__((warn_unused_result))

typedef enum rs_status {
    RS_OK = 0,
    RS_ERR_ARG,           /* a null pointer, a value that can never be right           */
    RS_ERR_SHAPE,         /* extents that do not fit each other                        */
    RS_ERR_RANGE,         /* a number outside its stated range                         */
    RS_ERR_FORMAT,        /* a file or command stream that is not what it should be    */
    RS_ERR_UNSUPPORTED,   /* well-formed, and not something we do                      */
    RS_ERR_NOMEM,
    RS_ERR_IO,            /* open, read or write failed                                */
    RS_ERR_DEVICE,        /* the device is absent, refused or failed                   */
    RS_ERR_TIMEOUT,
    RS_ERR_BUSY,
    RS_ERR_MISMATCH       /* two results, hashes or versions differ                    */
} rs_status;

/* Short English name of a status, never NULL. */
const char *rs_status_name(rs_status status);

/* What went wrong, for people; written only when a call fails.  The caller owns it. */
struct rs_error {
    rs_status status;
    char      text[508];
};

#ifdef __cplusplus
}
#endif
#endif
