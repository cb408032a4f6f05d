/*
 * max_pool_s8.c - greatest code of the taps inside the ifmap.
 *
 * Source: TensorFlow Lite reference_integer_ops::MaxPool.
 */
#include "check.h"
#include <string.h>

/* One ofmap pixel whose window starts at ifmap position (y0, x0); tap by tap, over all channels. */
static void pool_pixel(const struct rs_conv_shape *sh, const int8_t *image, int64_t y0, int64_t x0, int8_t act_min,
                       int8_t act_max, int8_t *restrict out)
{
    const int64_t y_from = y0 < 0 ? 0 : y0, y_to = y0 + sh->r < sh->h ? y0 + sh->r : sh->h;
    const int64_t x_from = x0 < 0 ? 0 : x0, x_to = x0 + sh->s < sh->w ? x0 + sh->s : sh->w;

    memset(out, act_min, (size_t)sh->c);
    for (int64_t y = y_from; y < y_to; y++)
        for (int64_t x = x_from; x < x_to; x++) {
            const int8_t *in = image + (y * sh->w + x) * sh->c;

            for (int64_t c = 0; c < sh->c; c++)
                out[c] = in[c] > out[c] ? in[c] : out[c];
        }
    for (int64_t c = 0; c < sh->c; c++)
        out[c] = out[c] < act_max ? out[c] : act_max;
}

rs_status rs_max_pool_s8(const struct rs_conv_shape *sh, const int8_t *ifmap,
                         int32_t act_min, int32_t act_max, int8_t *ofmap, struct rs_error *err)
{
    RS_TRY(rs_check_pool_shape(sh, err));
    RS_TRY(rs_check_activation(act_min, act_max, err));
    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "max pool: null ifmap or ofmap");

    for (int64_t p = 0; p < (int64_t)sh->n * sh->e * sh->f; p++) {
        const int64_t f = p % sh->f, e = p / sh->f % sh->e, n = p / sh->f / sh->e;

        pool_pixel(sh, ifmap + n * sh->h * sh->w * sh->c, e * sh->stride_h - sh->pad_top,
                   f * sh->stride_w - sh->pad_left, (int8_t)act_min, (int8_t)act_max, ofmap + p * sh->c);
    }
    return RS_OK;
}
