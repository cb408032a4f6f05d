/*
 * storage.h - the bytes of a simulated card's memory: zero at first, and taken from the host
 * only where they are written.  A file descriptor makes them common to two processes.
 */
#ifndef RS_SIM_STORAGE_H
#define RS_SIM_STORAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct storage {
    uint8_t *data;
    uint64_t bytes;
};

/* @fd: a memory file (memfd_create) of at least @bytes, or -1 for private memory.  false: the
 * host refuses so much; errno says why. */
bool storage_open(struct storage *s, uint64_t bytes, int fd);
void storage_close(struct storage *s);                  /* a zeroed struct is fine          */

/* Callbacks for memory.h; @context is a struct storage. */
void storage_read(void *context, uint64_t offset, uint8_t *to, uint32_t bytes);
void storage_write(void *context, uint64_t offset, const uint8_t *from, uint64_t strobe,
                   uint32_t bytes);

/* For the host; false, and nothing is copied, if not all of it is inside. */
bool storage_copy_in(struct storage *s, uint64_t offset, const void *from, size_t bytes);
bool storage_copy_out(const struct storage *s, uint64_t offset, void *to, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
