/* device_memory.c - first fit over a list of blocks in use; a process has a handful of them. */
#include "device_memory.h"
#include <stdlib.h>

struct rs_device_block {
    uint64_t address, bytes;
    struct rs_device_block *next;
};

void rs_device_memory_init(struct rs_device_memory *memory, uint64_t base, uint64_t bytes)
{
    *memory = (struct rs_device_memory){.base = base, .bytes = bytes};
}

void rs_device_memory_clear(struct rs_device_memory *memory)
{
    while (memory->blocks != NULL)
        rs_device_memory_release(memory, memory->blocks->address);
}

rs_status rs_device_memory_alloc(struct rs_device_memory *memory, uint64_t bytes, uint64_t *address,
                                 struct rs_error *err)
{
    struct rs_device_block **link = &memory->blocks, *block;
    uint64_t at = memory->base, used = 0;

    if (bytes == 0)
        return rs_fail(err, RS_ERR_ARG, "device buffer of 0 bytes");
    if (bytes > memory->bytes)
        return rs_fail(err, RS_ERR_NOMEM, "device buffer of %llu bytes, the device memory has %llu",
                       (unsigned long long)bytes, (unsigned long long)memory->bytes);
    bytes = (bytes + RS_DEVICE_PAGE - 1) / RS_DEVICE_PAGE * RS_DEVICE_PAGE;
    while (*link != NULL && (*link)->address - at < bytes) {
        at = (*link)->address + (*link)->bytes;
        used += (*link)->bytes;
        link = &(*link)->next;
    }
    if (*link == NULL && bytes > memory->base + memory->bytes - at)
        return rs_fail(err, RS_ERR_NOMEM, "device buffer of %llu bytes: no room, %llu of %llu bytes are in use",
                       (unsigned long long)bytes, (unsigned long long)used, (unsigned long long)memory->bytes);
    block = malloc(sizeof *block);
    if (block == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of host memory");
    *block = (struct rs_device_block){.address = at, .bytes = bytes, .next = *link};
    *link = block;
    *address = at;
    return RS_OK;
}

void rs_device_memory_release(struct rs_device_memory *memory, uint64_t address)
{
    for (struct rs_device_block **link = &memory->blocks; *link != NULL; link = &(*link)->next)
        if ((*link)->address == address) {
            struct rs_device_block *block = *link;

            *link = block->next;
            free(block);
            return;
        }
}
