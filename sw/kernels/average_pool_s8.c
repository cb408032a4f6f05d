/*
 * average_pool_s8.c - average pooling over the taps inside the ifmap.
 *
 * Source: TensorFlow Lite reference_integer_ops::AveragePool.
 */
#include "check.h"
#include "fixedpoint.h"

rs_status rs_average_pool_s8(const struct rs_conv_shape *sh, const int8_t *ifmap,
                             int32_t act_min, int32_t act_max, int8_t *ofmap, struct rs_error *err)
{
    int64_t taps;

    RS_TRY(rs_check_pool_shape(sh, err));
    RS_TRY(rs_check_product("average pool window", sh->r, sh->s, &taps, err));
    RS_TRY(rs_check_range("average pool window", taps, 1, INT32_MAX / 128 - 1, err));
    RS_TRY(rs_check_activation(act_min, act_max, err));
    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "average pool: null ifmap or ofmap");

    for (int64_t i = 0; i < (int64_t)sh->n * sh->e * sh->f * sh->c; i++) {
        const int64_t c = i % sh->c, f = i / sh->c % sh->f, e = i / sh->c / sh->f % sh->e;
        const int64_t n = i / sh->c / sh->f / sh->e;
        int32_t sum = 0, count = 0;

        for (int64_t y = e * sh->stride_h - sh->pad_top, r = 0; r < sh->r; r++, y++)
            for (int64_t x = f * sh->stride_w - sh->pad_left, s = 0; s < sh->s; s++, x++)
                if (y >= 0 && y < sh->h && x >= 0 && x < sh->w) {
                    sum += ifmap[((n * sh->h + y) * sh->w + x) * sh->c + c];
                    count++;
                }
        /* C's division truncates: adding half the count with the sum's sign rounds half away from zero. */
        const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;

        ofmap[i] = fx_code(fx_clamp(mean, act_min, act_max));
    }
    return RS_OK;
}
