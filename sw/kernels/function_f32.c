/* function_f32.c - functions of one real number, and their tables on codes. */
#include <math.h>
#include "check.h"
#include "function_f32.h"

/*
 * x times a polynomial of x^2 over another one, plus a half: the rational approximation that Eigen and, with fused
 * multiply and add, ONNX Runtime use.  Of 20,000 random numbers none differs (tests/e2e/onnx_runtime.py: all codes).
 */
static float sigmoid_onnx(float x)
{
    static const float above[] = { 4.37031012579801e-11f, 1.15627324459942e-07f, 6.08574864600143e-05f, 8.51377133304701e-03f,
                                   2.48287947061529e-01f };
    static const float below[] = { 6.10247389755681e-13f, 5.76102136993427e-09f, 6.29106785017040e-06f, 1.70198817374094e-03f,
                                   1.16817656904453e-01f, 9.93151921023180e-01f };
    const float v = x < -18 ? -18 : x > 18 ? 18 : x, square = v * v;
    float p = above[0], q = below[0];

    for (size_t i = 1; i < sizeof above / sizeof above[0]; i++)
        p = fmaf(p, square, above[i]);
    for (size_t i = 1; i < sizeof below / sizeof below[0]; i++)
        q = fmaf(q, square, below[i]);
    const float y = p * v / q + 0.5f;

    return y < 0 ? 0 : y > 1 ? 1 : y;
}

float rs_function(enum rs_function f, float x, float a, float b)
{
    switch (f) {
    case RS_FUNCTION_IDENTITY:     return x;
    case RS_FUNCTION_ABS:          return fabsf(x);
    case RS_FUNCTION_NEG:          return -x;
    case RS_FUNCTION_SIGN:         return x > 0 ? 1 : x < 0 ? -1 : x;
    case RS_FUNCTION_RECIPROCAL:   return 1 / x;
    case RS_FUNCTION_CEIL:         return ceilf(x);
    case RS_FUNCTION_FLOOR:        return floorf(x);
    case RS_FUNCTION_ROUND:        return rintf(x);
    case RS_FUNCTION_SQRT:         return sqrtf(x);
    case RS_FUNCTION_EXP:          return expf(x);
    case RS_FUNCTION_LOG:          return logf(x);
    case RS_FUNCTION_ERF:          return erff(x);
    case RS_FUNCTION_SIN:          return sinf(x);
    case RS_FUNCTION_COS:          return cosf(x);
    case RS_FUNCTION_TAN:          return tanf(x);
    case RS_FUNCTION_ASIN:         return asinf(x);
    case RS_FUNCTION_ACOS:         return acosf(x);
    case RS_FUNCTION_ATAN:         return atanf(x);
    case RS_FUNCTION_SINH:         return sinhf(x);
    case RS_FUNCTION_COSH:         return coshf(x);
    case RS_FUNCTION_ASINH:        return asinhf(x);
    case RS_FUNCTION_ACOSH:        return acoshf(x);
    case RS_FUNCTION_ATANH:        return atanhf(x);
    case RS_FUNCTION_RELU:         return x > 0 || x != x ? x : 0;
    case RS_FUNCTION_SIGMOID:      return 1 / (1 + expf(-x));
    case RS_FUNCTION_TANH:         return tanhf(x);
    case RS_FUNCTION_HARD_SWISH:   return x * fmaxf(0, fminf(1, x / 6 + 0.5f));
    case RS_FUNCTION_GELU:         return 0.5f * x * (1 + erff(x * 0.70710678f));
    case RS_FUNCTION_GELU_TANH:    return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case RS_FUNCTION_SIGMOID_ONNX: return sigmoid_onnx(x);
    case RS_FUNCTION_SOFTPLUS:     return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
    case RS_FUNCTION_SOFTSIGN:     return x / (1 + fabsf(x));
    case RS_FUNCTION_LINEAR:       return a * x + b;
    case RS_FUNCTION_HARD_SIGMOID: return fmaxf(0, fminf(1, a * x + b));
    case RS_FUNCTION_LEAKY_RELU:   return x < 0 ? a * x : x;
    case RS_FUNCTION_ELU:          return x < 0 ? a * expm1f(x) : x;
    case RS_FUNCTION_SELU:         return b * (x < 0 ? a * expm1f(x) : x);
    case RS_FUNCTION_CELU:         return fmaxf(0, x) + fminf(0, a * expm1f(x / a));
    case RS_FUNCTION_THRESHOLDED_RELU: return x > a ? x : 0;
    case RS_FUNCTION_CLIP:         return x < a ? a : x > b ? b : x;
    case RS_FUNCTION_SHRINK:       return x < -b ? x + a : x > b ? x - a : 0;
    case RS_FUNCTION_POW:          return powf(x, a);
    case RS_FUNCTION_COUNT:        break;
    }
    return 0;
}

rs_status rs_function_f32(enum rs_function f, size_t count, const float *in, float a, float b, float *out, struct rs_error *err)
{
    if ((unsigned)f >= RS_FUNCTION_COUNT || in == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "function of an element: null argument or function %d", (int)f);
    for (size_t i = 0; i < count; i++)
        out[i] = rs_function(f, in[i], a, b);
    return RS_OK;
}

rs_status rs_function_table(enum rs_function f, float a, float b, float s_in, int32_t zp_in, float s_out, int32_t zp_out,
                            int8_t table[256], struct rs_error *err)
{
    if ((unsigned)f >= RS_FUNCTION_COUNT || table == NULL)
        return rs_fail(err, RS_ERR_ARG, "function of a code: null argument or function %d", (int)f);
    if (!(s_in > 0) || !(s_out > 0) || !isfinite(s_in) || !isfinite(s_out))
        return rs_fail(err, RS_ERR_RANGE, "function of a code: scales %g and %g, expected numbers > 0", (double)s_in, (double)s_out);
    for (int i = 0; i < 256; i++) {
        const float real = s_in * (float)(i - 128 - zp_in), steps = rs_function(f, real, a, b) / s_out;

        if (steps != steps)
            return rs_fail(err, RS_ERR_RANGE, "function of a code: %g has no image", (double)real);
        const float code = rintf(steps) + (float)zp_out;

        table[i] = (int8_t)(code >= 127 ? 127 : code > -128 ? code : -128);
    }
    return RS_OK;
}
