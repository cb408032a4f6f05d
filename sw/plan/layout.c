/* layout.c - NHWC on the host, [C/B][P][B] on the device: the only conversion there is. */
#include <assert.h>
#include <string.h>
#include "plan.h"

void rs_layout_to_blocked(const struct rs_plan_tensor *t, int block, const int8_t *nhwc, int8_t *blocked)
{
    const size_t b = (size_t)block, c = (size_t)t->channels, stride = (size_t)t->block_stride * b;

    for (size_t c0 = 0; c0 < c; c0 += b) {
        const size_t n = c - c0 < b ? c - c0 : b;
        int8_t *to = blocked + c0 / b * stride;
        const int8_t *from = nhwc + c0;

        for (int32_t p = 0; p < t->pixels; p++, to += b, from += c) {
            memcpy(to, from, n);
            if (n < b)
                memset(to + n, t->zero_point, b - n);
        }
    }
}

void rs_layout_from_blocked(const struct rs_plan_tensor *t, int block, const int8_t *blocked, int8_t *nhwc)
{
    const size_t b = (size_t)block, c = (size_t)t->channels, stride = (size_t)t->block_stride * b;

    for (size_t c0 = 0; c0 < c; c0 += b) {
        const size_t n = c - c0 < b ? c - c0 : b;
        const int8_t *from = blocked + c0 / b * stride;
        int8_t *to = nhwc + c0;

        for (int32_t p = 0; p < t->pixels; p++, to += c, from += b)
            memcpy(to, from, n);
    }
}
