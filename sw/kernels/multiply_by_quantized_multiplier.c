/*
 * multiply_by_quantized_multiplier.c - x * mult * 2^(shift - 31) in integers, two named roundings.
 *
 * Source: TensorFlow Lite kernels/internal/common.h, MultiplyByQuantizedMultiplier().
 */
#include "kernels.h"
#include "fixedpoint.h"

int32_t rs_multiply_by_quantized_multiplier(int32_t x, int32_t mult, int shift, enum rs_rounding rounding)
{
    assert(mult >= 0 && shift >= -31 && shift <= 30);
    assert(rounding == RS_ROUND_DOUBLE || rounding == RS_ROUND_SINGLE);
    return rounding == RS_ROUND_SINGLE ? fx_multiply_single(x, mult, shift)
                                       : fx_multiply_double(x, mult, shift);
}
