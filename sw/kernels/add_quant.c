/*
 * add_quant.c - TFLite's parameters of ADD and SUB.
 *
 * The scales are floats; the ratios are taken in double.  Doubling and multiplying by 2^20 are exact, so where
 * TFLite rounds to float in between, nothing changes.
 * Source: TensorFlow Lite kernels/add.cc, Prepare().
 */
#include "check.h"
#include <math.h>

/* TFLite's QuantizeMultiplierSmallerThanOneExp(): it aborts where we return an error. */
static rs_status quantize_below_one(const char *what, double real, int32_t *mult, int32_t *shift,
                                    struct rs_error *err)
{
    int exponent;

    if (!(real > 0.0 && real < 1.0))
        return rs_fail(err, RS_ERR_RANGE, "%s: multiplier %g is not in (0, 1)", what, real);
    RS_TRY(rs_quantize_multiplier(real, mult, &exponent, err));
    if (exponent > 0)
        return rs_fail(err, RS_ERR_RANGE, "%s: multiplier %g rounds to 1", what, real);
    *shift = exponent;
    return RS_OK;
}

/* The three multipliers, for codes shifted left by q->left_shift. */
static rs_status set_multipliers(float s1, float s2, float s_out, struct rs_add_quant *q, struct rs_error *err)
{
    RS_TRY(rs_check_scale("add: scale 1", s1, err));
    RS_TRY(rs_check_scale("add: scale 2", s2, err));
    RS_TRY(rs_check_scale("add: output scale", s_out, err));

    const double twice_max = 2.0 * (double)fmaxf(s1, s2);

    RS_TRY(quantize_below_one("add: input 1", (double)s1 / twice_max, &q->mult1, &q->shift1, err));
    RS_TRY(quantize_below_one("add: input 2", (double)s2 / twice_max, &q->mult2, &q->shift2, err));
    return quantize_below_one("add: output", twice_max / ((double)(1 << q->left_shift) * (double)s_out), &q->mult_out, &q->shift_out, err);
}

rs_status rs_add_quant_init_s16(float s1, float s2, float s_out, int32_t act_min, int32_t act_max, struct rs_add_quant *q,
                                struct rs_error *err)
{
    struct rs_add_quant made = { .act_min = act_min, .act_max = act_max, .left_shift = 15, .rounding = RS_ROUND_DOUBLE };

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "add: null output");
    RS_TRY(set_multipliers(s1, s2, s_out, &made, err));
    *q = made;
    return RS_OK;
}

rs_status rs_add_quant_init(float s1, int32_t zp1, float s2, int32_t zp2, float s_out, int32_t zp_out,
                            int32_t act_min, int32_t act_max, struct rs_add_quant *q, struct rs_error *err)
{
    struct rs_add_quant made = {
        .zp1 = zp1, .zp2 = zp2, .zp_out = zp_out, .act_min = act_min, .act_max = act_max,
        .left_shift = 20, .rounding = RS_ROUND_DOUBLE,
    };

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "add: null output");
    RS_TRY(rs_check_code("add: zp1", zp1, err));
    RS_TRY(rs_check_code("add: zp2", zp2, err));
    RS_TRY(rs_check_code("add: zp_out", zp_out, err));
    RS_TRY(rs_check_activation(act_min, act_max, err));
    RS_TRY(set_multipliers(s1, s2, s_out, &made, err));
    *q = made;
    return RS_OK;
}
