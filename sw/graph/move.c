/*
 * move.c - operations without arithmetic, so without a kernel: elements of any size are moved, int8 codes compared.
 * Source of the index arithmetic: TensorFlow Lite reference/resize_nearest_neighbor.h.
 */
#include <math.h>
#include <string.h>
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

/* Copies one element at each index of @e, with steps in elements. */
static void copy(const int32_t e[RS_MAX_RANK], const char *in, const int64_t s_in[RS_MAX_RANK], char *out,
                 const int64_t s_out[RS_MAX_RANK], size_t bytes)
{
    const int64_t n = (int64_t)bytes;

    if (bytes == 1)
        FOR_EACH(i, e)
            out[AT(s_out, i)] = in[AT(s_in, i)];
    else
        FOR_EACH(i, e)
            memcpy(out + AT(s_out, i) * n, in + AT(s_in, i) * n, bytes);
}

void rs_move_slice(const struct rs_dims *d, const void *in, const int32_t *begin, const int32_t *step,
                   const struct rs_dims *d_out, size_t bytes, void *out)
{
    int32_t e[RS_MAX_RANK];
    int64_t s_in[RS_MAX_RANK], s_out[RS_MAX_RANK], from = 0;

    extents(d_out, e);
    strides(d, NULL, s_in);
    strides(d_out, NULL, s_out);
    for (int i = 0; i < d->rank; i++) {
        const int k = RS_MAX_RANK - d->rank + i;

        from += s_in[k] * begin[i];
        s_in[k] *= step[i];
    }
    copy(e, (const char *)in + from * (int64_t)bytes, s_in, out, s_out, bytes);
}

void rs_move_pad(const struct rs_dims *d, const void *in, const int32_t *before, const struct rs_dims *d_out,
                 const void *value, size_t bytes, void *out)
{
    int32_t e[RS_MAX_RANK];
    int64_t s_in[RS_MAX_RANK], s_out[RS_MAX_RANK], at = 0, count = 1;

    for (int i = 0; i < d_out->rank; i++)
        count *= d_out->extent[i];
    for (int64_t i = 0; i < count; i++)
        memcpy((char *)out + i * (int64_t)bytes, value, bytes);
    extents(d, e);
    strides(d, NULL, s_in);
    strides(d_out, NULL, s_out);
    for (int i = 0; i < d->rank; i++)
        at += s_out[RS_MAX_RANK - d->rank + i] * before[i];
    copy(e, in, s_in, (char *)out + at * (int64_t)bytes, s_out, bytes);
}

void rs_move_transpose(const struct rs_dims *d, const void *in, const int32_t *perm, size_t bytes, void *out)
{
    const int first = RS_MAX_RANK - d->rank;
    struct rs_dims d_out = { .rank = d->rank };
    int32_t e[RS_MAX_RANK];
    int64_t s[RS_MAX_RANK], s_in[RS_MAX_RANK] = { 0 }, s_out[RS_MAX_RANK];

    strides(d, NULL, s);
    for (int i = 0; i < d->rank; i++) {
        d_out.extent[i] = d->extent[perm[i]];
        s_in[first + i] = s[first + perm[i]];
    }
    extents(&d_out, e);
    strides(&d_out, NULL, s_out);
    copy(e, in, s_in, out, s_out, bytes);
}

void rs_move_into(const struct rs_dims *d, const void *in, int32_t axis, int32_t at, const struct rs_dims *d_out,
                  size_t bytes, void *out)
{
    int64_t rows = 1, run = (int64_t)bytes;

    for (int i = 0; i < axis; i++)
        rows *= d->extent[i];
    for (int i = axis + 1; i < d->rank; i++)
        run *= d->extent[i];
    for (int64_t r = 0; r < rows; r++)
        memcpy((char *)out + (r * d_out->extent[axis] + at) * run, (const char *)in + r * d->extent[axis] * run,
               (size_t)(d->extent[axis] * run));
}

void rs_move_extremum(const struct rs_dims *d1, const void *in1, const struct rs_dims *d2, const void *in2,
                      bool maximum, const struct rs_dims *d_out, size_t bytes, void *out)
{
    int32_t e[RS_MAX_RANK];
    int64_t s1[RS_MAX_RANK], s2[RS_MAX_RANK], at = 0;

    extents(d_out, e);
    strides(d1, d_out, s1);
    strides(d2, d_out, s2);
    FOR_EACH(i, e) {
        const int64_t at1 = AT(s1, i), at2 = AT(s2, i);
        const int16_t a = bytes == 2 ? ((const int16_t *)in1)[at1] : ((const int8_t *)in1)[at1];
        const int16_t b = bytes == 2 ? ((const int16_t *)in2)[at2] : ((const int8_t *)in2)[at2];
        const int16_t chosen = (a > b) == maximum ? a : b;

        if (bytes == 2)
            ((int16_t *)out)[at++] = chosen;
        else
            ((int8_t *)out)[at++] = (int8_t)chosen;
    }
}

static int32_t nearest(int32_t at, int32_t in, int32_t out, bool align_corners, bool half_pixel)
{
    const float scale = align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    const float x = ((float)at + (half_pixel ? 0.5f : 0.0f)) * scale;
    const float r = align_corners ? roundf(x) : floorf(x);

    return r >= (float)(in - 1) ? in - 1 : r < 0 ? 0 : (int32_t)r;
}

void rs_move_resize_nearest(const struct rs_dims *d, const void *in, bool align_corners, bool half_pixel,
                            const struct rs_dims *d_out, size_t bytes, void *out)
{
    const int32_t h = d->extent[1], w = d->extent[2];
    const size_t pixel = (size_t)d->extent[3] * bytes;
    char *to = out;

    for (int32_t n = 0; n < d_out->extent[0]; n++)
        for (int32_t e = 0; e < d_out->extent[1]; e++) {
            const int64_t row = (int64_t)n * h + nearest(e, h, d_out->extent[1], align_corners, half_pixel);

            for (int32_t f = 0; f < d_out->extent[2]; f++, to += pixel) {
                const int64_t at = row * w + nearest(f, w, d_out->extent[2], align_corners, half_pixel);

                memcpy(to, (const char *)in + at * (int64_t)pixel, pixel);
            }
        }
}
