/*
 * elementwise_s16.c - ADD, SUB and MUL of int16, with broadcasting.
 *
 * Zero points are 0.  A sum's inputs are shifted left by 15, not by 20 as int8 codes are: |x| <= 2^30.
 * Source: TensorFlow Lite kernels/add.cc and sub.cc (general scales, pot_scale_int16 false), kernels/mul.cc.
 */
#include "broadcast.h"
#include "check.h"
#include "fixedpoint.h"

static rs_status check_range_s16(const char *what, int32_t act_min, int32_t act_max, struct rs_error *err)
{
    RS_TRY(rs_check_range("act_min", act_min, INT16_MIN, INT16_MAX, err));
    RS_TRY(rs_check_range("act_max", act_max, INT16_MIN, INT16_MAX, err));
    return act_min <= act_max ? RS_OK : rs_fail(err, RS_ERR_RANGE, "%s: act_min %d exceeds act_max %d", what, (int)act_min, (int)act_max);
}

static rs_status add(int32_t sign2, const struct rs_dims *d1, const int16_t *in1, const struct rs_dims *d2, const int16_t *in2,
                     const struct rs_add_quant *q, const struct rs_dims *d_out, int16_t *out, struct rs_error *err)
{
    struct broadcast b;

    if (in1 == NULL || in2 == NULL || out == NULL || q == NULL)
        return rs_fail(err, RS_ERR_ARG, "int16 add: null argument");
    RS_TRY(check_range_s16("int16 add", q->act_min, q->act_max, err));
    RS_TRY(rs_check_range("int16 add: left shift", q->left_shift, 0, 15, err));
    RS_TRY(rs_check_multiplier("int16 add: input 1", q->mult1, q->shift1, err));
    RS_TRY(rs_check_multiplier("int16 add: input 2", q->mult2, q->shift2, err));
    RS_TRY(rs_check_multiplier("int16 add: output", q->mult_out, q->shift_out, err));
    RS_TRY(rs_broadcast_init(d1, d2, d_out, &b, err));

    const int64_t rows = rs_broadcast_rows(&b), codes = BROADCAST_ROW_CODES(&b);
    const int64_t step1 = b.step1[RS_MAX_RANK - 1], step2 = b.step2[RS_MAX_RANK - 1];

    for (int64_t row = 0; row < rows; row++) {
        int64_t i1, i2;

        rs_broadcast_row(&b, row, &i1, &i2);
        for (int64_t i = 0; i < codes; i++, i1 += step1, i2 += step2) {
            const int32_t x1 = fx_multiply_double(in1[i1] * (1 << q->left_shift), q->mult1, q->shift1);
            const int32_t x2 = fx_multiply_double(in2[i2] * (1 << q->left_shift), sign2 * q->mult2, q->shift2);

            out[row * codes + i] = fx_clamp_s16(fx_multiply_double(x1 + x2, q->mult_out, q->shift_out), q->act_min, q->act_max);
        }
    }
    return RS_OK;
}

rs_status rs_add_s16(const struct rs_dims *d1, const int16_t *in1, const struct rs_dims *d2, const int16_t *in2,
                     const struct rs_add_quant *q, const struct rs_dims *d_out, int16_t *out, struct rs_error *err)
{
    return add(1, d1, in1, d2, in2, q, d_out, out, err);
}

rs_status rs_sub_s16(const struct rs_dims *d1, const int16_t *in1, const struct rs_dims *d2, const int16_t *in2,
                     const struct rs_add_quant *q, const struct rs_dims *d_out, int16_t *out, struct rs_error *err)
{
    return add(-1, d1, in1, d2, in2, q, d_out, out, err);
}

rs_status rs_mul_s16(const struct rs_dims *d1, const int16_t *in1, const struct rs_dims *d2, const int16_t *in2,
                     const struct rs_mul_quant *q, const struct rs_dims *d_out, int16_t *out, struct rs_error *err)
{
    struct broadcast b;

    if (in1 == NULL || in2 == NULL || out == NULL || q == NULL)
        return rs_fail(err, RS_ERR_ARG, "int16 mul: null argument");
    RS_TRY(check_range_s16("int16 mul", q->act_min, q->act_max, err));
    RS_TRY(rs_check_multiplier("int16 mul", q->mult, q->shift, err));
    RS_TRY(rs_broadcast_init(d1, d2, d_out, &b, err));

    const int64_t rows = rs_broadcast_rows(&b), codes = BROADCAST_ROW_CODES(&b);
    const int64_t step1 = b.step1[RS_MAX_RANK - 1], step2 = b.step2[RS_MAX_RANK - 1];

    for (int64_t row = 0; row < rows; row++) {
        int64_t i1, i2;

        rs_broadcast_row(&b, row, &i1, &i2);
        for (int64_t i = 0; i < codes; i++, i1 += step1, i2 += step2)
            out[row * codes + i] = fx_clamp_s16(fx_multiply_double(in1[i1] * in2[i2], q->mult, q->shift), q->act_min, q->act_max);
    }
    return RS_OK;
}
