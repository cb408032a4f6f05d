/*
 * pool_s16.c - average and maximum of the taps inside the ifmap, int16.
 *
 * Source: TensorFlow Lite reference_integer_ops::AveragePool and MaxPool.
 */
#include "check.h"
#include "fixedpoint.h"

struct taps { int64_t y0, y1, x0, x1; };

/* The average rounds half away from zero: C's division truncates. */
static int32_t pool_taps(bool average, const struct rs_conv_shape *sh, const int16_t *image, const struct taps *t, int64_t c)
{
    const int32_t count = (int32_t)((t->y1 - t->y0) * (t->x1 - t->x0));
    int32_t sum = 0, most = INT16_MIN;

    for (int64_t y = t->y0; y < t->y1; y++)
        for (int64_t x = t->x0; x < t->x1; x++) {
            const int16_t code = image[(y * sh->w + x) * sh->c + c];

            sum += code;
            most = fx_max(most, code);
        }
    return !average ? most : (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static rs_status pool(bool average, const struct rs_conv_shape *sh, const int16_t *ifmap, int32_t act_min, int32_t act_max,
                      int16_t *ofmap, struct rs_error *err)
{
    int64_t taps;

    RS_TRY(rs_check_pool_shape(sh, err));
    RS_TRY(rs_check_product("int16 pool window", sh->r, sh->s, &taps, err));
    RS_TRY(rs_check_range("int16 pool window", taps, 1, INT32_MAX / 32768 - 1, err));
    RS_TRY(rs_check_range("act_min", act_min, INT16_MIN, act_max, err));
    RS_TRY(rs_check_range("act_max", act_max, act_min, INT16_MAX, err));
    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "int16 pool: null ifmap or ofmap");
    for (int64_t p = 0; p < (int64_t)sh->n * sh->e * sh->f; p++) {
        const int64_t f = p % sh->f, e = p / sh->f % sh->e, n = p / sh->f / sh->e;
        const int64_t y = e * sh->stride_h - sh->pad_top, x = f * sh->stride_w - sh->pad_left;
        const struct taps t = { y < 0 ? 0 : y, y + sh->r < sh->h ? y + sh->r : sh->h, x < 0 ? 0 : x, x + sh->s < sh->w ? x + sh->s : sh->w };

        for (int64_t c = 0; c < sh->c; c++)
            ofmap[p * sh->c + c] = fx_clamp_s16(pool_taps(average, sh, ifmap + n * sh->h * sh->w * sh->c, &t, c), act_min, act_max);
    }
    return RS_OK;
}

rs_status rs_average_pool_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, int32_t act_min, int32_t act_max, int16_t *ofmap,
                              struct rs_error *err)
{
    return pool(true, sh, ifmap, act_min, act_max, ofmap, err);
}

rs_status rs_max_pool_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, int32_t act_min, int32_t act_max, int16_t *ofmap,
                          struct rs_error *err)
{
    return pool(false, sh, ifmap, act_min, act_max, ofmap, err);
}
