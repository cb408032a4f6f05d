/*
 * quantize_multiplier.c - a real multiplier as a Q31 integer and a shift.
 *
 * Source: TensorFlow Lite kernels/internal/quantization_util.cc, QuantizeMultiplier().  Where TFLite aborts or
 * leaves the behaviour undefined (negative, NaN, too large) this returns an error.
 */
#include "kernels.h"
#include <math.h>

rs_status rs_quantize_multiplier(double real, int32_t *mult, int *shift, struct rs_error *err)
{
    int64_t q;
    int exponent;

    if (mult == NULL || shift == NULL)
        return rs_fail(err, RS_ERR_ARG, "quantize multiplier: null output");
    if (!(real >= 0.0 && real < 1073741824.0))
        return rs_fail(err, RS_ERR_RANGE, "quantize multiplier: real multiplier %g is not in [0, 2^30)", real);

    q = (int64_t)round(frexp(real, &exponent) * 2147483648.0);
    if (q == INT64_C(1) << 31) {               /* the fraction rounded up to 1.0 */
        q /= 2;
        exponent++;
    }
    if (exponent < -31) {                      /* every product would round to 0: flush, as TFLite does */
        q = 0;
        exponent = 0;
    }
    if (exponent > 30)
        return rs_fail(err, RS_ERR_RANGE, "quantize multiplier: %g rounds to 2^30", real);
    *mult = (int32_t)q;
    *shift = exponent;
    return RS_OK;
}
