/* rounding.h - gemmlowp's two roundings, as the hardware computes them (docs/numerics.md). */
#ifndef RS_ROUNDING_H
#define RS_ROUNDING_H
#include <stdint.h>

/*
 * SaturatingRoundingDoublingHighMul of factors whose product is given.  The reference divides
 * (p + (p < 0 ? 1 - 2^30 : 2^30)) by 2^31 towards zero; floor((p + 2^30) / 2^31) is the same.
 * The one product that saturates, (-2^31)^2, cannot occur: a multiplier is not negative.
 */
static inline int32_t round_high(int64_t product)
{
    return (int32_t)((product + (1LL << 30)) >> 31);
}

/* RoundingDivideByPOT: x / 2^right, ties away from zero; right in [0, 31]. */
static inline int32_t round_shift(int32_t x, uint32_t right)
{
    const uint32_t mask = (1u << right) - 1u;
    const uint32_t rest = (uint32_t)x & mask;
    const uint32_t half = (mask >> 1) + (x < 0 ? 1u : 0u);

    return (x >> right) + (rest > half ? 1 : 0);
}

/* x is wider than a code by far: 33 bits, so that adding a zero point cannot overflow. */
static inline int32_t clamp_code(int64_t x, int32_t min, int32_t max)
{
    return x < min ? min : x > max ? max : (int32_t)x;
}

#endif
