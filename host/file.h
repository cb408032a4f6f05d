/* file.h - whole files in and out. */
#ifndef RS_FILE_H
#define RS_FILE_H
#include "status.h"

/* The whole of a file of at most @max bytes; *bytes: free().  One byte more than *size is there, 0. */
RS_MUST_CHECK rs_status rs_file_read(const char *path, size_t max, uint8_t **bytes, size_t *size, struct rs_error *err);
RS_MUST_CHECK rs_status rs_file_write(const char *path, const void *bytes, size_t size, struct rs_error *err);
#endif
