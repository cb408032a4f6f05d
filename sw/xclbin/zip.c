/* zip.c - zip archives of stored members: enough for XRT's `unzip`, and to look into one. */
#include "zip.h"
#include <string.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22, DATE_1980 = 0x21 };

static uint32_t get16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static uint8_t *put(uint8_t *p, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *p++ = (uint8_t)(value >> (8 * i));
    return p;
}

static uint32_t crc32_of(const uint8_t *p, size_t bytes)
{
    uint32_t crc = 0xFFFFFFFFu;

    while (bytes-- != 0) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

size_t rs_zip_bytes(const struct rs_zip_file *files, size_t n)
{
    size_t sum = END;

    for (size_t i = 0; i < n; i++)
        sum += LOCAL + CENTRAL + 2 * strlen(files[i].name) + files[i].bytes;
    return sum;
}

/* What local and central header share, from "version needed" to the length of the name. */
static uint8_t *put_common(uint8_t *p, const struct rs_zip_file *f)
{
    p = put(p, 10, 2);
    p = put(p, 0, 2);                                  /* flags                        */
    p = put(p, 0, 2);                                  /* stored                       */
    p = put(p, 0, 2);
    p = put(p, DATE_1980, 2);
    p = put(p, crc32_of(f->data, f->bytes), 4);
    p = put(p, (uint32_t)f->bytes, 4);
    p = put(p, (uint32_t)f->bytes, 4);
    p = put(p, (uint32_t)strlen(f->name), 2);
    return put(p, 0, 2);                               /* extra field                  */
}

void rs_zip_write(const struct rs_zip_file *files, size_t n, uint8_t *to)
{
    uint8_t *p = to, *central;

    for (size_t i = 0; i < n; i++) {
        p = put_common(put(p, 0x04034B50, 4), &files[i]);
        memcpy(p, files[i].name, strlen(files[i].name));
        p += strlen(files[i].name);
        memcpy(p, files[i].data, files[i].bytes);
        p += files[i].bytes;
    }
    central = p;
    for (size_t i = 0, offset = 0; i < n; i++) {
        p = put(put(p, 0x02014B50, 4), 3 << 8 | 20, 2);                      /* made by: Unix */
        p = put_common(p, &files[i]);
        p = put(put(put(p, 0, 2), 0, 2), 0, 2);
        p = put(p, (0100000u | (files[i].executable ? 0755u : 0644u)) << 16, 4);
        p = put(p, (uint32_t)offset, 4);
        memcpy(p, files[i].name, strlen(files[i].name));
        p += strlen(files[i].name);
        offset += LOCAL + strlen(files[i].name) + files[i].bytes;
    }
    const uint32_t central_bytes = (uint32_t)(p - central);
    p = put(put(put(p, 0x06054B50, 4), 0, 2), 0, 2);
    p = put(put(p, (uint32_t)n, 2), (uint32_t)n, 2);
    p = put(put(p, central_bytes, 4), (uint32_t)(central - to), 4);
    put(p, 0, 2);
}

bool rs_zip_find(const uint8_t *zip, size_t size, const char *name, const uint8_t **data, size_t *bytes, bool *executable)
{
    const size_t length = strlen(name);
    size_t at, left;

    if (size < END || get32(zip + size - END) != 0x06054B50)
        return false;
    left = get16(zip + size - END + 10);
    at = get32(zip + size - END + 16);
    for (; left != 0; left--) {
        const uint8_t *c = zip + at;
        size_t name_bytes, local, start;

        if (at > size || size - at < CENTRAL || get32(c) != 0x02014B50)
            return false;
        name_bytes = get16(c + 28);
        at += CENTRAL + name_bytes + get16(c + 30) + get16(c + 32);
        if (name_bytes > size - (size_t)(c - zip) - CENTRAL || name_bytes != length || memcmp(c + CENTRAL, name, length) != 0)
            continue;
        local = get32(c + 42);
        if (get16(c + 10) != 0 || local > size || size - local < LOCAL || get32(zip + local) != 0x04034B50)
            return false;
        start = local + LOCAL + get16(zip + local + 26) + get16(zip + local + 28);
        if (start > size || get32(c + 24) > size - start ||
            crc32_of(zip + start, get32(c + 24)) != get32(c + 16))
            return false;
        *data = zip + start;
        *bytes = get32(c + 24);
        *executable = (get32(c + 38) >> 16 & 0111u) != 0;
        return true;
    }
    return false;
}
