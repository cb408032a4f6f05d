/* layout.c - NHWC on the host, blocks on the device (plan.h): the only conversion of activations there is. */
#include <assert.h>
#include <string.h>
#include "plan_internal.h"

static void wide_to_blocked(const struct rs_plan_tensor *t, size_t b, const int16_t *nhwc, uint8_t *blocked)
{
    const size_t c = (size_t)t->channels, bc = (size_t)t->block_channels, stride = (size_t)t->block_stride * b;

    for (size_t c0 = 0; c0 < c; c0 += bc) {
        const size_t n = c - c0 < bc ? c - c0 : bc;
        uint8_t *to = blocked + c0 / bc * stride;
        const int16_t *from = nhwc + c0;

        for (int32_t p = 0; p < t->pixels; p++, to += 2 * b, from += c) {
            memset(to, 0, 2 * b);
            for (size_t i = 0; i < n; i++) {
                to[i] = (uint8_t)((uint16_t)from[i] & 0xFF);
                to[b + i] = (uint8_t)((uint16_t)from[i] >> 8);
            }
        }
    }
}

static void wide_from_blocked(const struct rs_plan_tensor *t, size_t b, const uint8_t *blocked, int16_t *nhwc)
{
    const size_t c = (size_t)t->channels, bc = (size_t)t->block_channels, stride = (size_t)t->block_stride * b;

    for (size_t c0 = 0; c0 < c; c0 += bc) {
        const size_t n = c - c0 < bc ? c - c0 : bc;
        const uint8_t *from = blocked + c0 / bc * stride;
        int16_t *to = nhwc + c0;

        for (int32_t p = 0; p < t->pixels; p++, to += c, from += 2 * b)
            for (size_t i = 0; i < n; i++)
                to[i] = (int16_t)(uint16_t)(from[i] | from[b + i] << 8);
    }
}

/* Matrices [C][rows] to blocks of [rows][C]. */
static void transposed_to_blocked(const struct rs_plan_tensor *t, size_t b, const int8_t *from, int8_t *blocked)
{
    const size_t c = (size_t)t->channels, rows = (size_t)t->transposed_rows, stride = (size_t)t->block_stride * b;

    for (size_t p = 0; p < (size_t)t->pixels; p++) {
        const int8_t *column = from + p / rows * rows * c + p % rows;

        for (size_t at = 0; at < (c + b - 1) / b * b; at++)
            blocked[at / b * stride + p * b + at % b] = at < c ? column[at * rows] : (int8_t)t->zero_point;
    }
}

void rs_layout_to_blocked(const struct rs_plan_tensor *t, int block, const void *nhwc, void *blocked)
{
    const size_t b = (size_t)block, bc = (size_t)t->block_channels, c = (size_t)t->channels, stride = (size_t)t->block_stride * b;

    if (t->filter != NULL) {
        rs_pack_filters(t, block, nhwc, blocked);
        return;
    }
    if (t->transposed_rows != 0) {
        transposed_to_blocked(t, b, nhwc, blocked);
        return;
    }
    if (t->element_bytes == 2) {
        wide_to_blocked(t, b, nhwc, blocked);
        return;
    }
    for (size_t c0 = 0; c0 < c; c0 += bc) {
        const size_t n = c - c0 < bc ? c - c0 : bc;
        int8_t *to = (int8_t *)blocked + c0 / bc * stride;
        const int8_t *from = (const int8_t *)nhwc + c0;

        for (int32_t p = 0; p < t->pixels; p++, to += b, from += c) {
            memcpy(to, from, n);
            if (n < b)
                memset(to + n, t->zero_point, b - n);
        }
    }
}

void rs_layout_from_blocked(const struct rs_plan_tensor *t, int block, const void *blocked, void *nhwc)
{
    const size_t b = (size_t)block, bc = (size_t)t->block_channels, c = (size_t)t->channels, stride = (size_t)t->block_stride * b;

    if (t->element_bytes == 2) {
        wide_from_blocked(t, b, blocked, nhwc);
        return;
    }
    for (size_t c0 = 0; c0 < c; c0 += bc) {
        const size_t n = c - c0 < bc ? c - c0 : bc;
        const int8_t *from = (const int8_t *)blocked + c0 / bc * stride;
        int8_t *to = (int8_t *)nhwc + c0;

        for (int32_t p = 0; p < t->pixels; p++, to += c, from += b)
            memcpy(to, from, n);
    }
}
