/*
 * logistic_s8.c - LOGISTIC and TANH of int8 codes, by gemmlowp fixed point; 256 values, so by table.
 *
 * Source: TensorFlow Lite reference_integer_ops::Logistic and ::Tanh for int8, which TFLite Micro runs.
 */
#include "check.h"
#include "fixedpoint.h"
#include "fixedpoint_exp.h"

static rs_status check(size_t count, const int8_t *in, const struct rs_sigmoid_quant *q, const int8_t *out,
                       struct rs_error *err)
{
    if (in == NULL || q == NULL || out == NULL || count < 1)
        return rs_fail(err, RS_ERR_ARG, "sigmoid: null argument or no codes");
    RS_TRY(rs_check_code("sigmoid: zp_in", q->zp_in, err));
    RS_TRY(rs_check_multiplier("sigmoid", q->mult, q->shift, err));
    return rs_check_range("sigmoid: radius", q->radius, 0, INT32_MAX, err);
}

static int8_t logistic(int32_t x, const struct rs_sigmoid_quant *q)
{
    if (x <= -q->radius)
        return INT8_MIN;
    if (x >= q->radius)
        return INT8_MAX;

    const int32_t y = rs_fx_logistic(fx_multiply_double(x, q->mult, q->shift));

    return fx_code(fx_clamp(fx_rounding_divide_by_pot(y, 23) - 128, INT8_MIN, INT8_MAX));
}

static int8_t tanh_code(int32_t x, const struct rs_sigmoid_quant *q)
{
    if (x <= -q->radius)
        return INT8_MIN;
    if (x >= q->radius)
        return INT8_MAX;

    const int32_t y = rs_fx_tanh(fx_multiply_double(x, q->mult, q->shift));

    return fx_code(fx_clamp(fx_rounding_divide_by_pot(y, 24), INT8_MIN, INT8_MAX));
}

static void map(size_t count, const int8_t *in, int8_t (*function)(int32_t, const struct rs_sigmoid_quant *),
                const struct rs_sigmoid_quant *q, int8_t *out)
{
    int8_t table[256];

    for (int32_t code = INT8_MIN; code <= INT8_MAX; code++)
        table[code + 128] = function(code - q->zp_in, q);
    for (size_t i = 0; i < count; i++)
        out[i] = table[in[i] + 128];
}

rs_status rs_logistic_s8(size_t count, const int8_t *in, const struct rs_sigmoid_quant *q, int8_t *out,
                         struct rs_error *err)
{
    RS_TRY(check(count, in, q, out, err));
    map(count, in, logistic, q, out);
    return RS_OK;
}

rs_status rs_tanh_s8(size_t count, const int8_t *in, const struct rs_sigmoid_quant *q, int8_t *out,
                     struct rs_error *err)
{
    RS_TRY(check(count, in, q, out, err));
    map(count, in, tanh_code, q, out);
    return RS_OK;
}
