/*
 * function_f32.h - functions of one real number, with up to two parameters, element by element.
 *
 * On int8 codes such a function is a table of 256: rs_function_table().  Definitions are ONNX's.
 */
#ifndef RS_FUNCTION_F32_H
#define RS_FUNCTION_F32_H
#include "kernels.h"

enum rs_function {
    RS_FUNCTION_IDENTITY = 0,
    RS_FUNCTION_ABS, RS_FUNCTION_NEG, RS_FUNCTION_SIGN, RS_FUNCTION_RECIPROCAL,
    RS_FUNCTION_CEIL, RS_FUNCTION_FLOOR, RS_FUNCTION_ROUND,       /* half to even                        */
    RS_FUNCTION_SQRT, RS_FUNCTION_EXP, RS_FUNCTION_LOG, RS_FUNCTION_ERF,
    RS_FUNCTION_SIN, RS_FUNCTION_COS, RS_FUNCTION_TAN, RS_FUNCTION_ASIN, RS_FUNCTION_ACOS, RS_FUNCTION_ATAN,
    RS_FUNCTION_SINH, RS_FUNCTION_COSH, RS_FUNCTION_ASINH, RS_FUNCTION_ACOSH, RS_FUNCTION_ATANH,
    RS_FUNCTION_RELU, RS_FUNCTION_SIGMOID, RS_FUNCTION_TANH, RS_FUNCTION_HARD_SWISH, RS_FUNCTION_GELU, RS_FUNCTION_GELU_TANH,
    RS_FUNCTION_SIGMOID_ONNX,          /* SIGMOID, with ONNX Runtime's bits                              */
    RS_FUNCTION_SOFTPLUS, RS_FUNCTION_SOFTSIGN,
    RS_FUNCTION_LINEAR,                /* a * x + b                                                      */
    RS_FUNCTION_HARD_SIGMOID,          /* clamp(a * x + b, 0, 1)                                         */
    RS_FUNCTION_LEAKY_RELU,            /* x < 0 ? a * x : x                                              */
    RS_FUNCTION_ELU,                   /* x < 0 ? a * (exp(x) - 1) : x                                   */
    RS_FUNCTION_SELU,                  /* b * ELU                                                        */
    RS_FUNCTION_CELU,                  /* max(0, x) + min(0, a * (exp(x / a) - 1))                       */
    RS_FUNCTION_THRESHOLDED_RELU,      /* x > a ? x : 0                                                  */
    RS_FUNCTION_CLIP,                  /* min(max(x, a), b)                                              */
    RS_FUNCTION_SHRINK,                /* x < -b ? x + a : x > b ? x - a : 0                             */
    RS_FUNCTION_POW,                   /* x to the power of a                                            */
    RS_FUNCTION_COUNT
};

/* @f: below RS_FUNCTION_COUNT. */
float rs_function(enum rs_function f, float x, float a, float b);

/* rs_function_f32() - out[i] = f(in[i]); out == in is allowed. */
RS_MUST_CHECK
rs_status rs_function_f32(enum rs_function f, size_t count, const float *in, float a, float b, float *out, struct rs_error *err);

/**
 * rs_function_table() - f between codes: what DequantizeLinear, f in float, QuantizeLinear give.
 *
 *   table[i] = clamp(zp_out + round_half_even(f(s_in * (i - 128 - zp_in)) / s_out), -128, 127)
 *
 * @s_in, @s_out: > 0, finite.  Errors: RS_ERR_RANGE also where f gives no number.
 */
RS_MUST_CHECK
rs_status rs_function_table(enum rs_function f, float a, float b, float s_in, int32_t zp_in, float s_out, int32_t zp_out,
                            int8_t table[256], struct rs_error *err);
#endif
