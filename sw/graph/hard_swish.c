/*
 * hard_swish.c - HARD_SWISH as a table of 256 codes, TensorFlow Lite's 16-bit fixed point bit for bit.
 *
 *   x * min(max(x + 3, 0), 6) / 6
 *
 * A function of one code: the table is made once, when the graph is prepared.
 * Source: TensorFlow Lite reference/hard_swish.h; gemmlowp fixedpoint.h for the 16-bit multiplications.
 */
#include "graph_internal.h"

static int16_t saturate16(int64_t x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

/* (a * b * 2 + rounding) / 2^16, nearest; truncated instead of rounded if not @rounding. */
static int16_t doubling_high_mul16(int16_t a, int16_t b, bool rounding)
{
    const int32_t ab = (int32_t)a * b;
    const int32_t nudge = !rounding ? 0 : ab >= 0 ? 1 << 14 : 1 - (1 << 14);

    return saturate16((ab + nudge) / (1 << 15));         /* saturates for a = b = -2^15 only */
}

static int16_t rounding_divide_by_pot16(int16_t x, int exponent)
{
    const int32_t mask = (1 << exponent) - 1, remainder = x & mask, threshold = (mask >> 1) + (x < 0);

    return (int16_t)((x >> exponent) + (remainder > threshold));
}

static int16_t to_int16(int32_t multiplier)
{
    return multiplier >= INT32_MAX - (1 << 15) ? INT16_MAX : (int16_t)((multiplier + (1 << 15)) >> 16);
}

rs_status rs_hard_swish_table(float s_in, int32_t zp_in, float s_out, int32_t zp_out, int8_t table[256], struct rs_error *err)
{
    const float hires_scale = 1.0f / 128.0f * s_in;      /* inputs are shifted left by 7: 8 bits become 15 */
    int32_t out_mult, relu_mult;
    int out_exp, relu_exp;
    rs_status status = rs_quantize_multiplier((double)(hires_scale / s_out), &out_mult, &out_exp, err);

    if (status == RS_OK)
        status = rs_quantize_multiplier((double)(hires_scale / (3.0f / 32768.0f)), &relu_mult, &relu_exp, err);
    if (status != RS_OK)
        return status;
    if (out_exp > 0 || out_exp < -15 || relu_exp < -15 || relu_exp > 15)
        return rs_fail(err, RS_ERR_RANGE, "input scale %g and output scale %g: their ratio must lie between 2^-9 and 2^7",
                       (double)s_in, (double)s_out);
    for (int i = 0; i < 256; i++) {
        const int16_t hires = saturate16((int64_t)(i - 128 - zp_in) * 128);
        int16_t relu = hires;

        if (relu_exp > 0)
            relu = saturate16((int64_t)relu * (1 << (relu_exp - 1)));
        relu = doubling_high_mul16(relu, to_int16(relu_mult), true);
        if (relu_exp > 0)
            relu = saturate16((int64_t)relu * 2);
        if (relu_exp < 0)
            relu = rounding_divide_by_pot16(relu, -relu_exp);
        relu = (int16_t)((relu + (1 << 15)) >> 1);       /* from [-1, 1] to [0, 1] */
        const int16_t product = doubling_high_mul16(relu, doubling_high_mul16(hires, to_int16(out_mult), true), false);
        const int32_t code = rounding_divide_by_pot16(product, -out_exp) + zp_out;

        table[i] = (int8_t)(code > 127 ? 127 : code < -128 ? -128 : code);
    }
    return RS_OK;
}
