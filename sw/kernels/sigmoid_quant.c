/*
 * sigmoid_quant.c - parameters of LOGISTIC and TANH in fixed point.
 *
 * Source: TFLite Micro logistic_common.cc and tanh.cc; TensorFlow Lite CalculateInputRadius().
 */
#include "check.h"
#include <math.h>

rs_status rs_sigmoid_quant_init(float s_in, int32_t zp_in, struct rs_sigmoid_quant *q, struct rs_error *err)
{
    struct rs_sigmoid_quant made = { .zp_in = zp_in };
    int exponent;

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "sigmoid: null output");
    RS_TRY(rs_check_scale("sigmoid: input scale", s_in, err));
    RS_TRY(rs_check_code("sigmoid: zp_in", zp_in, err));
    if (!(s_in >= 0x1p-27f && s_in < 8.0f))
        return rs_fail(err, RS_ERR_RANGE, "sigmoid: input scale %g is not in [2^-27, 8)", (double)s_in);

    RS_TRY(rs_quantize_multiplier((double)s_in * 134217728.0, &made.mult, &exponent, err));
    made.shift = exponent;
    /* The largest code difference that the left shift keeps inside Q4.27: 15 * 2^27 / 2^shift. */
    made.radius = (int32_t)floor(15.0 * 134217728.0 / ldexp(1.0, exponent));
    *q = made;
    return RS_OK;
}
