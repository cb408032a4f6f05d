/* unary_f32.c - float functions of one element. */
#include <math.h>
#include "check.h"
#include "f32.h"
#include "kernels_f32.h"

static float apply(enum rs_unary op, float x, float alpha, float low, float high)
{
    switch (op) {
    case RS_UNARY_CLAMP:      return clamp_f32(x, low, high);
    case RS_UNARY_LEAKY_RELU: return x >= 0 ? x : alpha * x;
    case RS_UNARY_LOGISTIC:   return 1 / (1 + expf(-x));
    case RS_UNARY_TANH:       return tanhf(x);
    case RS_UNARY_HARD_SWISH: return x * clamp_f32(x + 3, 0, 6) / 6;
    case RS_UNARY_GELU:       return 0.5f * x * (1 + erff(x * 0.70710678f));
    case RS_UNARY_GELU_TANH:  return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case RS_UNARY_ERF:        return erff(x);
    case RS_UNARY_EXP:        return expf(x);
    case RS_UNARY_SQRT:       return sqrtf(x);
    case RS_UNARY_RSQRT:      return 1 / sqrtf(x);
    case RS_UNARY_COUNT:      break;
    }
    return 0;
}

rs_status rs_unary_f32(enum rs_unary op, size_t count, const float *in, float alpha, float low, float high, float *out,
                       struct rs_error *err)
{
    if ((unsigned)op >= RS_UNARY_COUNT || in == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "function of an element: null argument or operation %d", (int)op);
    for (size_t i = 0; i < count; i++)
        out[i] = apply(op, in[i], alpha, low, high);
    return RS_OK;
}
