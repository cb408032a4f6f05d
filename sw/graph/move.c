/*
 * move.c - SLICE, RESIZE_NEAREST_NEIGHBOR, MAXIMUM and MINIMUM: no arithmetic on codes, so no kernel.
 * Source of the index arithmetic: TensorFlow Lite reference/resize_nearest_neighbor.h.
 */
#include <math.h>
#include "move.h"

/* Extents and strides right-aligned to RS_MAX_RANK; an extent that is repeated gets stride 0. */
static void strides(const struct rs_dims *d, const struct rs_dims *out, int64_t *stride)
{
    int64_t s = 1;

    for (int i = RS_MAX_RANK - 1; i >= 0; i--) {
        const int k = i - (RS_MAX_RANK - d->rank);

        stride[i] = 0;
        if (k < 0)
            continue;
        stride[i] = d->extent[k] == 1 && out != NULL ? 0 : s;
        s *= d->extent[k];
    }
}

static void extents(const struct rs_dims *d, int32_t *extent)
{
    for (int i = 0; i < RS_MAX_RANK; i++)
        extent[i] = i < RS_MAX_RANK - d->rank ? 1 : d->extent[i - (RS_MAX_RANK - d->rank)];
}

#define FOR_EACH(i, e) \
    for (int32_t i##0 = 0; i##0 < e[0]; i##0++) for (int32_t i##1 = 0; i##1 < e[1]; i##1++) \
    for (int32_t i##2 = 0; i##2 < e[2]; i##2++) for (int32_t i##3 = 0; i##3 < e[3]; i##3++) \
    for (int32_t i##4 = 0; i##4 < e[4]; i##4++)
#define AT(s, i) (s[0] * i##0 + s[1] * i##1 + s[2] * i##2 + s[3] * i##3 + s[4] * i##4)

void rs_move_slice(const struct rs_dims *d, const int8_t *in, const int32_t *begin, const int32_t *step,
                   const struct rs_dims *d_out, int8_t *out)
{
    int32_t e[RS_MAX_RANK];
    int64_t s[RS_MAX_RANK];

    extents(d_out, e);
    strides(d, NULL, s);
    for (int i = 0; i < d->rank; i++) {
        const int k = RS_MAX_RANK - d->rank + i;

        in += s[k] * begin[i];
        s[k] *= step[i];
    }
    FOR_EACH(i, e)
        *out++ = in[AT(s, i)];
}

void rs_move_extremum(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                      bool maximum, const struct rs_dims *d_out, int8_t *out)
{
    int32_t e[RS_MAX_RANK];
    int64_t s1[RS_MAX_RANK], s2[RS_MAX_RANK];

    extents(d_out, e);
    strides(d1, d_out, s1);
    strides(d2, d_out, s2);
    FOR_EACH(i, e) {
        const int8_t a = in1[AT(s1, i)], b = in2[AT(s2, i)];

        *out++ = (a > b) == maximum ? a : b;
    }
}

static int32_t nearest(int32_t at, int32_t in, int32_t out, bool align_corners, bool half_pixel)
{
    const float scale = align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    const float x = ((float)at + (half_pixel ? 0.5f : 0.0f)) * scale;
    const float r = align_corners ? roundf(x) : floorf(x);

    return r >= (float)(in - 1) ? in - 1 : r < 0 ? 0 : (int32_t)r;
}

void rs_move_resize_nearest(const struct rs_dims *d, const int8_t *in, bool align_corners, bool half_pixel,
                            const struct rs_dims *d_out, int8_t *out)
{
    const int32_t h = d->extent[1], w = d->extent[2], c = d->extent[3];

    for (int32_t n = 0; n < d_out->extent[0]; n++)
        for (int32_t e = 0; e < d_out->extent[1]; e++) {
            const int64_t row = (int64_t)n * h + nearest(e, h, d_out->extent[1], align_corners, half_pixel);

            for (int32_t f = 0; f < d_out->extent[2]; f++) {
                const int8_t *from = in + (row * w + nearest(f, w, d_out->extent[2], align_corners, half_pixel)) * c;

                for (int32_t i = 0; i < c; i++)
                    *out++ = from[i];
            }
        }
}
