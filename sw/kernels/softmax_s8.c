/*
 * softmax_s8.c - int8 softmax in gemmlowp fixed point.
 *
 * exp of each difference to the row's maximum in Q0.31, their sum in Q12.19, one reciprocal a row.  There are 256
 * differences at most: each one's exp is computed when it first comes up.
 * Source: TensorFlow Lite reference_ops::Softmax<int8, int8>, PreprocessSoftmaxScaling(), GetReciprocal().
 */
#include "check.h"
#include "fixedpoint.h"
#include "fixedpoint_exp.h"
#include <math.h>

rs_status rs_softmax_quant_init(float beta, float s_in, struct rs_softmax_quant *q, struct rs_error *err)
{
    struct rs_softmax_quant made;
    int exponent;

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "softmax: null output");
    RS_TRY(rs_check_scale("softmax: beta", beta, err));
    RS_TRY(rs_check_scale("softmax: input scale", s_in, err));

    /* 2^31 - 1 would round to shift 31: the cap is just under 2^30, where a difference of 1 is exp(-16) already
       and TFLite's result is the same. */
    const double real = (double)beta * (double)s_in * 67108864.0;

    if (!(real > 1.0))
        return rs_fail(err, RS_ERR_RANGE, "softmax: beta * scale = %g is not above 2^-26",
                       (double)beta * (double)s_in);
    RS_TRY(rs_quantize_multiplier(fmin(real, 1073741823.0), &made.mult, &exponent, err));
    made.shift = exponent;
    made.diff_min = -(int32_t)floor(31.0 * 67108864.0 / ldexp(1.0, exponent));
    *q = made;
    return RS_OK;
}

/* exp of -d by d; 0 where it has not come up yet, or is that small. */
static int32_t exp_of(int32_t d, const struct rs_softmax_quant *q, int32_t exps[256])
{
    if (exps[d] == 0)                  /* the left shift cannot overflow down to diff_min */
        exps[d] = rs_fx_exp_on_negative(fx_srdhm(fx_saturating_left_shift(-d, q->shift), q->mult), 5);
    return exps[d];
}

static void softmax_row(int32_t depth, const int8_t *in, const struct rs_softmax_quant *q, int32_t exps[256], int8_t *out)
{
    int32_t max = INT8_MIN, sum = 0;

    for (int32_t i = 0; i < depth; i++)
        max = fx_max(max, in[i]);
    for (int32_t i = 0; i < depth; i++)
        if (in[i] - max >= q->diff_min)
            sum += fx_rounding_divide_by_pot(exp_of(max - in[i], q, exps), 12);

    /* sum = 2^over * (1 + x), 0 <= x < 1; the reciprocal is taken of 1 + x. */
    const int headroom_plus_one = __builtin_clz((uint32_t)sum);
    const int over = 12 - headroom_plus_one;
    const int32_t scale = rs_fx_one_over_one_plus_x(
        (int32_t)(((uint32_t)sum << headroom_plus_one) - (UINT32_C(1) << 31)));

    assert(over + 23 >= 0 && over + 23 <= 31);
    for (int32_t i = 0; i < depth; i++) {
        int32_t y = INT8_MIN;

        if (in[i] - max >= q->diff_min)
            y += fx_rounding_divide_by_pot(fx_srdhm(scale, exps[max - in[i]]), over + 23);
        out[i] = fx_code(fx_clamp(y, INT8_MIN, INT8_MAX));
    }
}

rs_status rs_softmax_s8(int32_t rows, int32_t depth, const int8_t *in, const struct rs_softmax_quant *q,
                        int8_t *out, struct rs_error *err)
{
    int64_t size;
    int32_t exps[256] = {0};

    if (in == NULL || q == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "softmax: null argument");
    RS_TRY(rs_check_extent("softmax: rows", rows, err));
    RS_TRY(rs_check_extent("softmax: depth", depth, err));
    RS_TRY(rs_check_product("softmax", rows, depth, &size, err));
    RS_TRY(rs_check_range("softmax: depth", depth, 1, 4095, err));
    RS_TRY(rs_check_range("softmax: multiplier", q->mult, INT32_C(1) << 30, INT32_MAX, err));
    RS_TRY(rs_check_range("softmax: shift", q->shift, 0, 30, err));
    RS_TRY(rs_check_range("softmax: diff_min", q->diff_min, INT32_MIN, 0, err));

    for (int64_t r = 0; r < rows; r++)
        softmax_row(depth, in + r * depth, q, exps, out + r * depth);
    return RS_OK;
}
