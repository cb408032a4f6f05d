/*
 * fixedpoint.h - gemmlowp's integer primitives as inline functions, for the inner loops of sw/kernels/.
 *
 * Internal.  The public names in kernels.h (rs_srdhm and friends) are these, checked by asserts.
 * Right shifts of negative numbers are arithmetic here, as on every compiler we support.
 * Source: gemmlowp fixedpoint/fixedpoint.h (the definitions, not the code).
 */
#ifndef RS_KERNELS_FIXEDPOINT_H
#define RS_KERNELS_FIXEDPOINT_H
#include <assert.h>
#include <stdint.h>

_Static_assert((-3 >> 1) == -2, "right shift of a negative int must be arithmetic");

static inline int32_t fx_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t fx_max(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t fx_clamp(int32_t x, int32_t lo, int32_t hi) { return fx_min(fx_max(x, lo), hi); }

static inline int32_t fx_saturate_s64(int64_t x)
{
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* Narrow a value that is known to be a code. */
static inline int8_t fx_code(int32_t x)
{
    assert(x >= INT8_MIN && x <= INT8_MAX);
    return (int8_t)x;
}

/*
 * gemmlowp truncates (ab + (ab >= 0 ? 2^30 : 1 - 2^30)) / 2^31; that is floor((ab + 2^30) / 2^31) for
 * every ab, so one shift does.  Only INT32_MIN * INT32_MIN leaves int32: 2^31, which saturates.
 */
static inline int32_t fx_srdhm(int32_t a, int32_t b)
{
    return fx_saturate_s64(((int64_t)a * b + (1 << 30)) >> 31);
}

static inline int32_t fx_rounding_divide_by_pot(int32_t x, int exponent)
{
    const int32_t mask = (int32_t)((INT64_C(1) << exponent) - 1);
    const int32_t remainder = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0);

    assert(exponent >= 0 && exponent <= 31);
    return (x >> exponent) + (remainder > threshold);
}

/* x * 2^exponent, saturated: the left shift of a value that may not fit. */
static inline int32_t fx_saturating_left_shift(int32_t x, int exponent)
{
    assert(exponent >= 0 && exponent <= 31);
    return fx_saturate_s64((int64_t)x * (INT64_C(1) << exponent));
}

static inline int32_t fx_multiply_double(int32_t x, int32_t mult, int shift)
{
    return shift > 0 ? fx_srdhm(fx_saturating_left_shift(x, shift), mult)
                     : fx_rounding_divide_by_pot(fx_srdhm(x, mult), -shift);
}

/* |x * mult| < 2^62 and the rounding term is at most 2^61, so the sum cannot overflow. */
static inline int32_t fx_multiply_single(int32_t x, int32_t mult, int shift)
{
    const int total = 31 - shift;

    return fx_saturate_s64(((int64_t)x * mult + (INT64_C(1) << (total - 1))) >> total);
}

/* The multiplier that TFLite's 16x8 kernels use: the upper 16 bits, rounded, never 2^15. */
static inline int32_t fx_reduced_multiplier(int32_t mult)
{
    return mult < 0x7FFF0000 ? (mult + (1 << 15)) >> 16 : 0x7FFF;
}

/* |x| < 2^47 and reduced < 2^15: the product is less than 2^62, the rounding term at most 2^45. */
static inline int64_t fx_multiply_s64(int64_t x, int32_t mult, int shift)
{
    const int total = 15 - shift;

    assert(total >= 8 && total <= 46 && x > -(INT64_C(1) << 47) && x < INT64_C(1) << 47);
    return (x * fx_reduced_multiplier(mult) + (INT64_C(1) << (total - 1))) >> total;
}

/* Nearest, half up; |x| < 2^47. */
static inline int64_t fx_rounding_shift_s64(int64_t x, int shift)
{
    assert(shift >= 0 && shift <= 47);
    return shift == 0 ? x : (x + (INT64_C(1) << (shift - 1))) >> shift;
}

static inline int16_t fx_clamp_s16(int64_t x, int32_t lo, int32_t hi)
{
    return (int16_t)(x < lo ? lo : x > hi ? hi : x);
}
#endif
