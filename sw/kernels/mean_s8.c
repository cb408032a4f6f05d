/*
 * mean_s8.c - mean over any axes.
 *
 * The division by the count goes into the multiplier, in integers: as many bits as the count has are shifted
 * in first, so that the quotient keeps about 31 bits.
 * Source: TensorFlow Lite reference_ops::QuantizedMeanOrSum (2022 on; older versions divided afterwards).
 */
#include "check.h"
#include "fixedpoint.h"

rs_status rs_mean_quant_init(float s_in, int32_t zp_in, float s_out, int32_t zp_out, struct rs_mean_quant *q,
                             struct rs_error *err)
{
    struct rs_mean_quant made = { .zp_in = zp_in, .zp_out = zp_out };
    int exponent;

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "mean: null output");
    RS_TRY(rs_check_scale("mean: input scale", s_in, err));
    RS_TRY(rs_check_scale("mean: output scale", s_out, err));
    RS_TRY(rs_check_code("mean: zp_in", zp_in, err));
    RS_TRY(rs_check_code("mean: zp_out", zp_out, err));
    RS_TRY(rs_quantize_multiplier((double)s_in / (double)s_out, &made.mult, &exponent, err));
    made.shift = exponent;
    *q = made;
    return RS_OK;
}

/* Sum of code - zp over the axes in @axes, for the output element that starts at @in. */
static int32_t sum_axes(const struct rs_dims *d, const int64_t *step, uint32_t axes, int axis, const int8_t *in,
                        int32_t zp)
{
    int32_t sum = 0;

    while (axis < d->rank && (axes >> axis & 1) == 0)
        axis++;
    if (axis == d->rank)
        return *in - zp;
    for (int64_t i = 0; i < d->extent[axis]; i++)
        sum += sum_axes(d, step, axes, axis + 1, in + i * step[axis], zp);
    return sum;
}

rs_status rs_mean_s8(const struct rs_dims *d, const int8_t *in, uint32_t axes, const struct rs_mean_quant *q,
                     int8_t *out, struct rs_error *err)
{
    int64_t size, count = 1, step[RS_MAX_RANK];

    if (in == NULL || q == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "mean: null argument");
    RS_TRY(rs_check_dims("mean: input", d, &size, err));
    if (axes == 0 || axes >> d->rank != 0)
        return rs_fail(err, RS_ERR_ARG, "mean: axes 0x%x of an input of rank %d", (unsigned)axes, (int)d->rank);
    RS_TRY(rs_check_code("mean: zp_in", q->zp_in, err));
    RS_TRY(rs_check_code("mean: zp_out", q->zp_out, err));
    RS_TRY(rs_check_multiplier("mean", q->mult, q->shift, err));
    for (int axis = d->rank - 1, below = 1; axis >= 0; axis--) {
        step[axis] = below;
        below *= d->extent[axis];
        if ((axes >> axis & 1) != 0)
            count *= d->extent[axis];
    }
    RS_TRY(rs_check_range("mean: codes in one mean", count, 1, INT32_MAX / 255, err));

    const int floor_log2 = 63 - __builtin_clzll((unsigned long long)count);
    const int bits = floor_log2 < 31 + q->shift ? floor_log2 : 31 + q->shift;
    const int32_t mult = (int32_t)(((int64_t)q->mult << bits) / count);
    const int shift = q->shift - bits;

    for (int64_t o = 0; o < size / count; o++) {
        int64_t rest = o, start = 0;

        for (int axis = d->rank - 1; axis >= 0; axis--)
            if ((axes >> axis & 1) == 0) {
                start += rest % d->extent[axis] * step[axis];
                rest /= d->extent[axis];
            }
        const int32_t sum = sum_axes(d, step, axes, 0, in + start, q->zp_in);

        out[o] = fx_code(q->zp_out + fx_clamp(fx_multiply_double(sum, mult, shift), INT8_MIN - q->zp_out,
                                              INT8_MAX - q->zp_out));
    }
    return RS_OK;
}
