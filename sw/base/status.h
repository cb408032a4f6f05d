/* status.h - the status codes and the error message that every function of sw/ and host/ uses. */
#ifndef RS_STATUS_H
#define RS_STATUS_H
#include "rowstation.h"

/**
 * rs_fail() - record a message and return its status, in one expression.
 *
 *   return rs_fail(err, RS_ERR_SHAPE, "filter row S=%d exceeds window depth %d", s, depth);
 *
 * @err: receives the formatted text, cut to its size; may be NULL
 * Returns @status.  A message says what was expected and what was found.
 */
__attribute__((format(printf, 3, 4)))
rs_status rs_fail(struct rs_error *err, rs_status status, const char *format, ...);

#endif
