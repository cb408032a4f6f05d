/* zip.h - writing zip archives of stored members; reading is rs_zip_find() in xclbin.h. */
#ifndef RS_ZIP_H
#define RS_ZIP_H
#include "xclbin.h"

size_t rs_zip_bytes(const struct rs_zip_file *files, size_t n);
void rs_zip_write(const struct rs_zip_file *files, size_t n, uint8_t *to);      /* [rs_zip_bytes()] */
#endif
