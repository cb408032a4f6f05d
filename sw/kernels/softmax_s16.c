/*
 * softmax_s16.c - SOFTMAX of int16 by two tables: exp on [-10, 0] and 1 / (1 + x) on [0, 1], 513 entries each, straight
 * lines between them.
 *
 * Source: TensorFlow Lite reference_ops::SoftmaxInt16 and the table rules of kernels/internal/common.h (the definitions).
 */
#include "check.h"
#include "fixedpoint.h"
#include <math.h>

enum { SEGMENTS = 512, SEGMENT_BITS = 7 };

/* Each entry gives up half the error that its segment has in the middle. */
static void make_table(double (*function)(double), double from, double to, int16_t table[SEGMENTS + 1])
{
    const double step = (to - from) / SEGMENTS;

    for (int i = 0; i < SEGMENTS; i++) {
        const double here = round(function(from + i * step) * 32768.0), next = function(from + (i + 1) * step) * 32768.0;
        const double middle = round((next + here) / 2.0) - round(function(from + i * step + step / 2.0) * 32768.0);

        table[i] = (int16_t)fmin(fmax(here - round(middle / 2.0), INT16_MIN), INT16_MAX);
    }
    table[SEGMENTS] = (int16_t)fmin(fmax(round(function(to) * 32768.0), INT16_MIN), INT16_MAX);
}

static double one_over_one_plus(double x) { return 1.0 / (1.0 + x); }

static int32_t look_up(const int16_t table[SEGMENTS + 1], int32_t value)
{
    const int32_t at = SEGMENTS / 2 + (value >> SEGMENT_BITS), between = value & ((1 << SEGMENT_BITS) - 1);
    const int32_t slope = table[at + 1] - table[at];

    return table[at] + ((slope * between + (1 << (SEGMENT_BITS - 1))) >> SEGMENT_BITS);
}

rs_status rs_softmax_s16(int32_t rows, int32_t depth, const int16_t *in, const struct rs_softmax_s16_quant *q, int16_t *out, struct rs_error *err)
{
    int16_t exp_table[SEGMENTS + 1], reciprocal_table[SEGMENTS + 1];

    if (in == NULL || q == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "int16 softmax: null argument");
    RS_TRY(rs_check_range("int16 softmax: rows", rows, 1, INT32_MAX, err));
    RS_TRY(rs_check_range("int16 softmax: depth", depth, 1, 65535, err));
    RS_TRY(rs_check_multiplier("int16 softmax", q->mult, q->shift, err));
    make_table(exp, -10.0, 0.0, exp_table);
    make_table(one_over_one_plus, 0.0, 1.0, reciprocal_table);
    for (int64_t row = 0; row < rows; row++, in += depth, out += depth) {
        int32_t most = INT16_MIN, sum = 0;

        for (int32_t i = 0; i < depth; i++)
            most = fx_max(most, in[i]);
        for (int32_t i = 0; i < depth; i++) {
            const int32_t difference = fx_multiply_double(in[i] - most, q->mult, q->shift);        /* 65535 steps on [-10, 0] */
            const int32_t code = fx_clamp(fx_saturate_s64((int64_t)difference + INT16_MAX), INT16_MIN, INT16_MAX);

            out[i] = (int16_t)look_up(exp_table, code);
            sum += out[i];
        }
        /* The sum in [1, 2) times a power of two; its fraction in 16 bits, from -32768 on. */
        const int zeros = __builtin_clz((unsigned)sum);
        const int32_t fraction = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14) - (1 << 15) - (1 << 16);
        const int32_t reciprocal = look_up(reciprocal_table, fx_clamp(fraction, INT16_MIN, INT16_MAX));
        const int right = 31 - zeros;

        for (int32_t i = 0; i < depth; i++)
            out[i] = fx_clamp_s16(((int64_t)out[i] * reciprocal + (INT64_C(1) << (right - 1))) >> right, 0, INT16_MAX);
    }
    return RS_OK;
}

rs_status rs_softmax_s16_quant_init(float beta, float s_in, struct rs_softmax_s16_quant *q, struct rs_error *err)
{
    struct rs_softmax_s16_quant made;
    int exponent;

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "int16 softmax: null output");
    RS_TRY(rs_check_scale("int16 softmax: beta", beta, err));
    RS_TRY(rs_check_scale("int16 softmax: input scale", s_in, err));
    RS_TRY(rs_quantize_multiplier((double)s_in * (double)beta / (10.0 / 65535.0), &made.mult, &exponent, err));
    made.shift = exponent;
    *q = made;
    return RS_OK;
}
