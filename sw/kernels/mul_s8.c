/*
 * mul_s8.c - quantized MUL with broadcasting.
 *
 * Source: TensorFlow Lite reference_integer_ops::Mul, kernels/mul.cc; TFLite Micro mul_common.cc.
 */
#include "broadcast.h"
#include "check.h"
#include "fixedpoint.h"

rs_status rs_mul_quant_init(float s1, int32_t zp1, float s2, int32_t zp2, float s_out, int32_t zp_out,
                            int32_t act_min, int32_t act_max, struct rs_mul_quant *q, struct rs_error *err)
{
    struct rs_mul_quant made = {
        .zp1 = zp1, .zp2 = zp2, .zp_out = zp_out, .act_min = act_min, .act_max = act_max,
        .rounding = RS_ROUND_DOUBLE,
    };
    int exponent;

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "mul: null output");
    RS_TRY(rs_check_scale("mul: scale 1", s1, err));
    RS_TRY(rs_check_scale("mul: scale 2", s2, err));
    RS_TRY(rs_check_scale("mul: output scale", s_out, err));
    RS_TRY(rs_check_code("mul: zp1", zp1, err));
    RS_TRY(rs_check_code("mul: zp2", zp2, err));
    RS_TRY(rs_check_code("mul: zp_out", zp_out, err));
    RS_TRY(rs_check_activation(act_min, act_max, err));
    RS_TRY(rs_quantize_multiplier((double)s1 * (double)s2 / (double)s_out, &made.mult, &exponent, err));
    made.shift = exponent;
    *q = made;
    return RS_OK;
}

static rs_status check_quant(const struct rs_mul_quant *q, struct rs_error *err)
{
    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "mul: null quantization");
    RS_TRY(rs_check_code("mul: zp1", q->zp1, err));
    RS_TRY(rs_check_code("mul: zp2", q->zp2, err));
    RS_TRY(rs_check_code("mul: zp_out", q->zp_out, err));
    RS_TRY(rs_check_activation(q->act_min, q->act_max, err));
    RS_TRY(rs_check_multiplier("mul", q->mult, q->shift, err));
    if (q->rounding != RS_ROUND_DOUBLE && q->rounding != RS_ROUND_SINGLE)
        return rs_fail(err, RS_ERR_ARG, "mul: rounding %d is neither double nor single", (int)q->rounding);
    return RS_OK;
}

rs_status rs_mul_s8(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                    const struct rs_mul_quant *q, const struct rs_dims *d_out, int8_t *out, struct rs_error *err)
{
    struct broadcast b;

    if (in1 == NULL || in2 == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "mul: null tensor");
    RS_TRY(check_quant(q, err));
    RS_TRY(rs_broadcast_init(d1, d2, d_out, &b, err));

    const int64_t rows = rs_broadcast_rows(&b), codes = BROADCAST_ROW_CODES(&b);
    const int64_t step1 = b.step1[RS_MAX_RANK - 1], step2 = b.step2[RS_MAX_RANK - 1];
    const int32_t lo = q->act_min - q->zp_out, hi = q->act_max - q->zp_out;

    for (int64_t row = 0; row < rows; row++) {
        int64_t i1, i2;

        rs_broadcast_row(&b, row, &i1, &i2);
        for (int64_t i = 0; i < codes; i++, i1 += step1, i2 += step2) {
            const int32_t x = (in1[i1] - q->zp1) * (in2[i2] - q->zp2);
            const int32_t y = rs_multiply_by_quantized_multiplier(x, q->mult, q->shift, q->rounding);

            out[row * codes + i] = fx_code(q->zp_out + fx_clamp(y, lo, hi));
        }
    }
    return RS_OK;
}
