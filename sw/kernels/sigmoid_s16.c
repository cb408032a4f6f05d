/*
 * sigmoid_s16.c - LOGISTIC and TANH of int16 by one table: the sigmoid at multiples of 1/24 up to 10.6, 16 bits, straight lines
 * between; tanh(x) = 2 sigmoid(2x) - 1.
 *
 * Source: TensorFlow Lite reference_integer_ops::Logistic and Tanh for int16, kernels/activations.cc (the definitions).
 */
#include "check.h"
#include "fixedpoint.h"
#include <math.h>

enum { LAST = 255 };

static double sigmoid_at(double step) { return 65536.0 / (1.0 + exp(-step / 24.0)); }

/* Each entry makes up for half of what the straight line to the next one lacks in its middle; the last is what it saturates to. */
static void make_table(uint32_t table[LAST + 1])
{
    for (int i = 0; i < LAST; i++)
        table[i] = (uint32_t)round(sigmoid_at(i) + (sigmoid_at(i + 0.5) - (sigmoid_at(i) + sigmoid_at(i + 1)) / 2.0) / 2.0);
    table[LAST] = 65535;
}

rs_status rs_sigmoid_s16_quant_init(float s_in, int most_pot_shift, struct rs_sigmoid_s16_quant *q, struct rs_error *err)
{
    int exponent;

    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "int16 sigmoid: null output");
    RS_TRY(rs_check_scale("int16 sigmoid: input scale", s_in, err));
    RS_TRY(rs_check_range("int16 sigmoid: shift of a power of two", most_pot_shift, 0, 1, err));
    if (!(s_in < 1.0f))
        return rs_fail(err, RS_ERR_RANGE, "int16 sigmoid: input scale %g is not below 1", (double)s_in);
    if (frexpf(s_in, &exponent) == 0.5f && exponent - 1 + 12 >= 0 && exponent - 1 + 12 <= most_pot_shift) {
        *q = (struct rs_sigmoid_s16_quant){ .mult = 3 << (exponent - 1 + 12), .shift = 0 };
        return RS_OK;
    }
    double multiplier = (double)s_in * 4096.0 * 3.0;
    int32_t shift = 0;

    for (; multiplier <= 32767.0 / 2.0 && shift <= 30; shift++)
        multiplier *= 2.0;
    *q = (struct rs_sigmoid_s16_quant){ .mult = (int32_t)multiplier, .shift = shift };
    return RS_OK;
}

/* Sigmoid of |x| / (24 * 2^@bits) as 16 bits and @bits more. */
static uint32_t look_up(const uint32_t table[LAST + 1], uint32_t x, int bits, uint32_t beyond)
{
    const uint32_t at = x >> bits, between = x & ((1u << bits) - 1);

    return at >= LAST ? beyond : (table[at] << bits) + between * (table[at + 1] - table[at]);
}

static rs_status apply(bool tanh, size_t count, const int16_t *in, const struct rs_sigmoid_s16_quant *q, int16_t *out, struct rs_error *err)
{
    uint32_t table[LAST + 1];

    if (in == NULL || q == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "int16 sigmoid: null argument");
    RS_TRY(rs_check_range("int16 sigmoid: multiplier", q->mult, 0, 32767, err));
    RS_TRY(rs_check_range("int16 sigmoid: shift", q->shift, 0, 31, err));
    make_table(table);
    for (size_t i = 0; i < count; i++) {
        const int64_t x = ((int64_t)in[i] * q->mult + (q->shift > 0 ? INT64_C(1) << (q->shift - 1) : 0)) >> q->shift;
        const uint32_t size = (uint32_t)(x < 0 ? -x : x);
        int32_t y;

        if (tanh) {
            y = (int32_t)look_up(table, size, 8, 0xFFFFu << 8);
            y = (x >= 0 ? y - (1 << 23) + (1 << 7) : (1 << 23) - y + (1 << 7) - 1) >> 8;
        } else {
            y = (int32_t)look_up(table, size, 9, 0x7FFFu << 10);
            y = (x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10;
        }
        out[i] = (int16_t)y;
    }
    return RS_OK;
}

rs_status rs_logistic_s16(size_t count, const int16_t *in, const struct rs_sigmoid_s16_quant *q, int16_t *out, struct rs_error *err)
{
    return apply(false, count, in, q, out, err);
}

rs_status rs_tanh_s16(size_t count, const int16_t *in, const struct rs_sigmoid_s16_quant *q, int16_t *out, struct rs_error *err)
{
    return apply(true, count, in, q, out, err);
}
