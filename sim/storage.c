/* storage.c - a mapping that the kernel fills page by page, when a page is first written. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include "storage.h"

bool storage_open(struct storage *s, uint64_t bytes, int fd)
{
    const int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | MAP_NORESERVE;
    void *data = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (data == MAP_FAILED)
        return false;
    s->data = data;
    s->bytes = bytes;
    return true;
}

void storage_close(struct storage *s)
{
    if (s->data != NULL)
        munmap(s->data, (size_t)s->bytes);
    s->data = NULL;
    s->bytes = 0;
}

void storage_read(void *context, uint64_t offset, uint8_t *to, uint32_t bytes)
{
    const struct storage *s = context;

    memcpy(to, s->data + offset, bytes);
}

void storage_write(void *context, uint64_t offset, const uint8_t *from, uint64_t strobe,
                   uint32_t bytes)
{
    struct storage *s = context;
    const uint64_t all = bytes == 64 ? UINT64_MAX : (UINT64_C(1) << bytes) - 1;

    if ((strobe & all) == all)
        memcpy(s->data + offset, from, bytes);
    else
        for (uint32_t i = 0; i < bytes; i++)
            if (strobe >> i & 1)
                s->data[offset + i] = from[i];
}

static bool inside(const struct storage *s, uint64_t offset, size_t bytes)
{
    return offset <= s->bytes && bytes <= s->bytes - offset;
}

bool storage_copy_in(struct storage *s, uint64_t offset, const void *from, size_t bytes)
{
    if (!inside(s, offset, bytes))
        return false;
    memcpy(s->data + offset, from, bytes);
    return true;
}

bool storage_copy_out(const struct storage *s, uint64_t offset, void *to, size_t bytes)
{
    if (!inside(s, offset, bytes))
        return false;
    memcpy(to, s->data + offset, bytes);
    return true;
}
