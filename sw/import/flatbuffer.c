/* flatbuffer.c - see flatbuffer.h. */
#include <stdio.h>
#include <string.h>
#include "flatbuffer.h"

void fb_fail(struct fb_reader *r, const char *what, size_t at, const char *why)
{
    if (r->status == RS_OK)
        r->status = rs_fail(r->err, RS_ERR_FORMAT, "malformed file of %zu bytes: %s at byte %zu: %s", r->size, what, at, why);
}

/* n bytes at @at lie in the file. */
static bool inside(struct fb_reader *r, const char *what, size_t at, uint64_t n)
{
    if (r->status != RS_OK)
        return false;
    if (at > r->size || n > r->size - at) {
        fb_fail(r, what, at, "lies past the end of the file");
        return false;
    }
    return true;
}

static uint64_t load(const struct fb_reader *r, size_t at, int n)
{
    uint64_t v = 0;

    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | r->bytes[at + (size_t)i];
    return v;
}

static float as_float(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static struct fb_table open_table(struct fb_reader *r, size_t at)
{
    struct fb_table t = { .at = at };

    if (!inside(r, "table", at, 4))
        return t;
    const size_t vtable = at - (size_t)(int64_t)(int32_t)load(r, at, 4);      /* before the file: wraps to past its end */

    if (!inside(r, "vtable", vtable, 4))
        return t;
    const uint16_t vtable_bytes = (uint16_t)load(r, vtable, 2), bytes = (uint16_t)load(r, vtable + 2, 2);

    if (vtable_bytes < 4 || vtable_bytes % 2 != 0 || bytes < 4) {
        fb_fail(r, "vtable", vtable, "its sizes are impossible");
        return t;
    }
    if (!inside(r, "vtable", vtable, vtable_bytes) || !inside(r, "table", at, bytes))
        return t;
    return (struct fb_table){ .at = at, .vtable = vtable, .vtable_bytes = vtable_bytes, .bytes = bytes };
}

struct fb_table fb_root(struct fb_reader *r, const char *identifier)
{
    char text[128];

    if (r->size < 8) {
        fb_fail(r, "header", 0, "a model has at least 8 bytes");
        return (struct fb_table){ 0 };
    }
    if (memcmp(r->bytes + 4, identifier, 4) != 0) {
        const uint8_t *b = r->bytes + 4;

        snprintf(text, sizeof text, "expected the identifier '%s', found %02x %02x %02x %02x", identifier, b[0], b[1], b[2], b[3]);
        fb_fail(r, "header", 4, text);
        return (struct fb_table){ 0 };
    }
    return open_table(r, (size_t)load(r, 0, 4));
}

/* Place of a field of n bytes, 0 when absent. */
static size_t place_of(struct fb_reader *r, const struct fb_table *t, int field, unsigned n)
{
    const unsigned entry = 4 + 2 * (unsigned)field;

    if (r->status != RS_OK || entry + 2 > t->vtable_bytes)
        return 0;
    const uint16_t offset = (uint16_t)load(r, t->vtable + entry, 2);

    if (offset == 0)
        return 0;
    if (offset < 4 || offset + n > t->bytes) {
        fb_fail(r, "field", t->at, "lies outside its table");
        return 0;
    }
    return t->at + offset;
}

bool fb_has(struct fb_reader *r, const struct fb_table *t, int field)
{
    return place_of(r, t, field, 1) != 0;
}

uint8_t fb_u8(struct fb_reader *r, const struct fb_table *t, int field, uint8_t value)
{
    const size_t at = place_of(r, t, field, 1);

    return at != 0 ? (uint8_t)load(r, at, 1) : value;
}

int32_t fb_i32(struct fb_reader *r, const struct fb_table *t, int field, int32_t value)
{
    const size_t at = place_of(r, t, field, 4);

    return at != 0 ? (int32_t)load(r, at, 4) : value;
}

uint64_t fb_u64(struct fb_reader *r, const struct fb_table *t, int field, uint64_t value)
{
    const size_t at = place_of(r, t, field, 8);

    return at != 0 ? load(r, at, 8) : value;
}

float fb_f32(struct fb_reader *r, const struct fb_table *t, int field, float value)
{
    const size_t at = place_of(r, t, field, 4);

    return at != 0 ? as_float((uint32_t)load(r, at, 4)) : value;
}

bool fb_table(struct fb_reader *r, const struct fb_table *t, int field, struct fb_table *out)
{
    const size_t at = place_of(r, t, field, 4);

    *out = (struct fb_table){ 0 };
    if (at == 0)
        return false;
    *out = open_table(r, at + (size_t)load(r, at, 4));
    return r->status == RS_OK;
}

struct fb_vector fb_vector(struct fb_reader *r, const struct fb_table *t, int field, size_t element_bytes)
{
    const struct fb_vector none = { 0, 0 };
    size_t at = place_of(r, t, field, 4);

    if (at == 0)
        return none;
    at += (size_t)load(r, at, 4);
    if (!inside(r, "vector", at, 4))
        return none;
    const uint32_t count = (uint32_t)load(r, at, 4);
    const uint64_t bytes = (uint64_t)count * element_bytes;

    if (!inside(r, "vector", at + 4, bytes))
        return none;
    if (bytes > r->budget) {
        fb_fail(r, "vector", at, "the file lists the same bytes too many times");
        return none;
    }
    r->budget -= bytes;
    return (struct fb_vector){ .at = at + 4, .count = count };
}

int32_t fb_at_i32(const struct fb_reader *r, const struct fb_vector *v, uint32_t i)
{
    return i < v->count ? (int32_t)load(r, v->at + 4 * (size_t)i, 4) : 0;
}

int64_t fb_at_i64(const struct fb_reader *r, const struct fb_vector *v, uint32_t i)
{
    return i < v->count ? (int64_t)load(r, v->at + 8 * (size_t)i, 8) : 0;
}

float fb_at_f32(const struct fb_reader *r, const struct fb_vector *v, uint32_t i)
{
    return i < v->count ? as_float((uint32_t)load(r, v->at + 4 * (size_t)i, 4)) : 0;
}

struct fb_table fb_at_table(struct fb_reader *r, const struct fb_vector *v, uint32_t i)
{
    if (r->status != RS_OK || i >= v->count)
        return (struct fb_table){ 0 };
    const size_t at = v->at + 4 * (size_t)i;

    return open_table(r, at + (size_t)load(r, at, 4));
}

void fb_string(struct fb_reader *r, const struct fb_table *t, int field, char *text, size_t size)
{
    const struct fb_vector v = fb_vector(r, t, field, 1);
    size_t n = 0;

    for (; n < v.count && n + 1 < size; n++) {
        const uint8_t c = r->bytes[v.at + n];

        text[n] = c >= 0x20 && c < 0x7F ? (char)c : '?';
    }
    text[n] = 0;
}
