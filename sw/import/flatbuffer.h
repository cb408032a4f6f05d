/*
 * flatbuffer.h - reading a FlatBuffers file without trusting it.
 *
 * A reader remembers its first failure: every later read gives a default, so callers check r->status once in a while
 * and never see a byte outside the file.  Numbers are little endian and need no alignment.
 * Source of the layout: FlatBuffers internals document (vtables, uoffset_t, soffset_t).
 */
#ifndef RS_FLATBUFFER_H
#define RS_FLATBUFFER_H
#include "status.h"

struct fb_reader {
    const uint8_t   *bytes;
    size_t           size;
    uint64_t         budget;         /* bytes that vectors may still claim: a file that lists the same vector over and
                                        over must not make more work or memory than its size allows */
    rs_status        status;
    struct rs_error *err;
};

struct fb_table  { size_t at; size_t vtable; uint16_t vtable_bytes, bytes; };
struct fb_vector { size_t at; uint32_t count; };                    /* at: first element; count 0 when absent */

void fb_fail(struct fb_reader *r, const char *what, size_t at, const char *why);

/* The root table.  @identifier: 4 characters expected at byte 4. */
struct fb_table fb_root(struct fb_reader *r, const char *identifier);

/* Fields by index; an absent field gives @value.  A table opened from a failed reader has only absent fields. */
bool     fb_has(struct fb_reader *r, const struct fb_table *t, int field);
uint8_t  fb_u8(struct fb_reader *r, const struct fb_table *t, int field, uint8_t value);
int32_t  fb_i32(struct fb_reader *r, const struct fb_table *t, int field, int32_t value);
uint64_t fb_u64(struct fb_reader *r, const struct fb_table *t, int field, uint64_t value);
float    fb_f32(struct fb_reader *r, const struct fb_table *t, int field, float value);
bool     fb_table(struct fb_reader *r, const struct fb_table *t, int field, struct fb_table *out);   /* false: absent */
struct fb_vector fb_vector(struct fb_reader *r, const struct fb_table *t, int field, size_t element_bytes);

/* Elements; i < count. */
int32_t  fb_at_i32(const struct fb_reader *r, const struct fb_vector *v, uint32_t i);
int64_t  fb_at_i64(const struct fb_reader *r, const struct fb_vector *v, uint32_t i);
float    fb_at_f32(const struct fb_reader *r, const struct fb_vector *v, uint32_t i);
struct fb_table fb_at_table(struct fb_reader *r, const struct fb_vector *v, uint32_t i);
/* A string, cut to @size - 1 bytes, whatever is not printable as '?'. */
void     fb_string(struct fb_reader *r, const struct fb_table *t, int field, char *text, size_t size);
#endif
