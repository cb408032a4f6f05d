/*
 * average_pool_s8.c - average pooling over the taps inside the ifmap.
 *
 * Source: TensorFlow Lite reference_integer_ops::AveragePool.
 */
#include "check.h"
#include "fixedpoint.h"
#include "packed.h"

/* The channels of a pixel are summed so many at a time, tap by tap: neighbours in memory, and no heap. */
enum { AT_ONCE = 64 };

/* One ofmap pixel whose window starts at ifmap position (y0, x0). */
static void pool_pixel(enum rs_isa isa, const struct rs_conv_shape *sh, const int8_t *image, int64_t y0, int64_t x0, int32_t act_min,
                       int32_t act_max, int8_t *out)
{
    (void)isa;                         /* other machines have one way */
    const int64_t y_from = y0 < 0 ? 0 : y0, y_to = y0 + sh->r < sh->h ? y0 + sh->r : sh->h;
    const int64_t x_from = x0 < 0 ? 0 : x0, x_to = x0 + sh->s < sh->w ? x0 + sh->s : sh->w;
    const int32_t count = (int32_t)((y_to - y_from) * (x_to - x_from));

    for (int64_t c0 = 0; c0 < sh->c; c0 += AT_ONCE) {
        const int64_t channels = sh->c - c0 < AT_ONCE ? sh->c - c0 : AT_ONCE;
        int32_t sum[AT_ONCE] = { 0 };

#if defined(__x86_64__)
        if (isa == RS_ISA_AVX512VNNI)
            rs_sum_s8__avx512(y_to - y_from, x_to - x_from, channels, (int64_t)sh->w * sh->c, sh->c,
                              image + (y_from * sh->w + x_from) * sh->c + c0, sum);
        else
#endif
        for (int64_t y = y_from; y < y_to; y++)
            for (int64_t x = x_from; x < x_to; x++)
                for (int64_t c = 0; c < channels; c++)
                    sum[c] += image[(y * sh->w + x) * sh->c + c0 + c];
        /* C's division truncates: adding half the count with the sum's sign rounds half away from zero. */
        for (int64_t c = 0; c < channels; c++)
            out[c0 + c] = fx_code(fx_clamp((sum[c] > 0 ? sum[c] + count / 2 : sum[c] - count / 2) / count,
                                           act_min, act_max));
    }
}

rs_status rs_average_pool_s8(const struct rs_conv_shape *sh, const int8_t *ifmap,
                             int32_t act_min, int32_t act_max, int8_t *ofmap, struct rs_error *err)
{
    int64_t taps;
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    RS_TRY(rs_check_pool_shape(sh, err));
    RS_TRY(rs_check_product("average pool window", sh->r, sh->s, &taps, err));
    RS_TRY(rs_check_range("average pool window", taps, 1, INT32_MAX / 128 - 1, err));
    RS_TRY(rs_check_activation(act_min, act_max, err));
    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "average pool: null ifmap or ofmap");

    for (int64_t p = 0; p < (int64_t)sh->n * sh->e * sh->f; p++) {
        const int64_t f = p % sh->f, e = p / sh->f % sh->e, n = p / sh->f / sh->e;

        pool_pixel(isa, sh, ifmap + n * sh->h * sh->w * sh->c, e * sh->stride_h - sh->pad_top,
                   f * sh->stride_w - sh->pad_left, act_min, act_max, ofmap + p * sh->c);
    }
    return RS_OK;
}
