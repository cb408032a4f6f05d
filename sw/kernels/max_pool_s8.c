/*
 * max_pool_s8.c - greatest code of the taps inside the ifmap.
 *
 * Source: TensorFlow Lite reference_integer_ops::MaxPool.
 */
#include "check.h"
#include "fixedpoint.h"

rs_status rs_max_pool_s8(const struct rs_conv_shape *sh, const int8_t *ifmap,
                         int32_t act_min, int32_t act_max, int8_t *ofmap, struct rs_error *err)
{
    RS_TRY(rs_check_pool_shape(sh, err));
    RS_TRY(rs_check_activation(act_min, act_max, err));
    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "max pool: null ifmap or ofmap");

    for (int64_t i = 0; i < (int64_t)sh->n * sh->e * sh->f * sh->c; i++) {
        const int64_t c = i % sh->c, f = i / sh->c % sh->f, e = i / sh->c / sh->f % sh->e;
        const int64_t n = i / sh->c / sh->f / sh->e;
        int32_t max = INT8_MIN;

        for (int64_t y = e * sh->stride_h - sh->pad_top, r = 0; r < sh->r; r++, y++)
            for (int64_t x = f * sh->stride_w - sh->pad_left, s = 0; s < sh->s; s++, x++)
                if (y >= 0 && y < sh->h && x >= 0 && x < sh->w)
                    max = fx_max(max, ifmap[((n * sh->h + y) * sh->w + x) * sh->c + c]);
        ofmap[i] = fx_code(fx_clamp(max, act_min, act_max));
    }
    return RS_OK;
}
