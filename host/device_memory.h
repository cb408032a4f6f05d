/* device_memory.h - first-fit allocator over an address range, for back ends that manage memory themselves. */
#ifndef RS_DEVICE_MEMORY_H
#define RS_DEVICE_MEMORY_H
#include "status.h"

#define RS_DEVICE_PAGE 4096u

struct rs_device_memory {
    uint64_t base, bytes;
    struct rs_device_block *blocks;        /* in use, by address */
};

/* @base and @bytes are multiples of RS_DEVICE_PAGE. */
void rs_device_memory_init(struct rs_device_memory *memory, uint64_t base, uint64_t bytes);
void rs_device_memory_clear(struct rs_device_memory *memory);
/* @bytes >= 1, rounded up to pages.  RS_ERR_NOMEM says how much is asked for and there. */
RS_MUST_CHECK rs_status rs_device_memory_alloc(struct rs_device_memory *memory, uint64_t bytes, uint64_t *address,
                                               struct rs_error *err);
void rs_device_memory_release(struct rs_device_memory *memory, uint64_t address);
#endif
