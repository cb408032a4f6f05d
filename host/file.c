/* file.c - whole files in and out. */
#include "file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

rs_status rs_file_read(const char *path, size_t max, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t n = 0, room = 65536;
    struct stat info;
    rs_status status = RS_OK;

    *bytes = NULL;
    if (file == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    if (fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        if ((uint64_t)info.st_size > max) {
            fclose(file);
            return rs_fail(err, RS_ERR_FORMAT, "%s: %lld bytes, more than the %zu allowed", path, (long long)info.st_size, max);
        }
        room = (size_t)info.st_size + 1;           /* one read sees the end                          */
    }
    for (;;) {
        uint8_t *grown = realloc(data, room + 1);

        if (grown == NULL) {
            status = rs_fail(err, RS_ERR_NOMEM, "%s: no memory for %zu bytes", path, room);
            break;
        }
        data = grown;
        n += fread(data + n, 1, room - n, file);
        if (n < room)
            break;
        if (room > max) {
            status = rs_fail(err, RS_ERR_FORMAT, "%s: larger than the %zu bytes allowed", path, max);
            break;
        }
        room *= 2;
    }
    if (status == RS_OK && ferror(file))
        status = rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    fclose(file);
    if (status != RS_OK) {
        free(data);
        return status;
    }
    data[n] = 0;
    *bytes = data;
    *size = n;
    return RS_OK;
}

rs_status rs_file_write(const char *path, const void *bytes, size_t size, struct rs_error *err)
{
    FILE *file = fopen(path, "wb");
    bool good;

    if (file == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    good = fwrite(bytes, 1, size, file) == size;
    if (fclose(file) != 0 || !good)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    return RS_OK;
}
