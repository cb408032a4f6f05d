/*
 * rounding.h - gemmlowp's two roundings, as the hardware computes them (docs/numerics.md).
 *
 * The reference rounds twice: x = floor((p + 2^30) / 2^31) of the product p, then x / 2^right with ties away from zero.
 * That is ((z >> right) + 1) >> 1 with z = 2 * floor((p + h) / 2^31) + (h < 0), h = 2^30 with the sign of p: one addition
 * before the shift, one after it, no comparison.  Where p is 0, either sign of h gives 0, so that of the factor will do.
 * The one product that saturates, (-2^31)^2, cannot occur: a multiplier is not negative.
 * Each function is one edge.
 */
#ifndef RS_ROUNDING_H
#define RS_ROUNDING_H
#include <stdbool.h>
#include <stdint.h>

/* The factors of a product of 32 and 31 bits, cut at bit 16, as four multipliers of at most 17 x 17 bits take them. */
struct factors {
    uint32_t low : 16;
    int32_t  middle : 17, high : 16;             /* the same, but for products of more bits  */
    uint32_t mult_low : 16, mult_middle : 15, mult_high : 15;
};
struct product_parts {
    uint32_t low;
    int64_t  middle0 : 34, middle1 : 34;         /* times 2^16                               */
    int32_t  high;                               /* times 2^32                               */
};

/* Of value * mult; mult in [0, 2^31). */
static inline struct factors factors_of(int32_t value, int32_t mult)
{
    struct factors f;

    f.low = (uint32_t)value & 0xFFFFu;
    f.middle = value >> 16;
    f.high = value >> 16;
    f.mult_low = (uint32_t)mult & 0xFFFFu;
    f.mult_middle = (uint32_t)mult >> 16;
    f.mult_high = (uint32_t)mult >> 16;
    return f;
}

static inline struct product_parts multiply_parts(struct factors f)
{
    struct product_parts p;

    p.low = f.low * f.mult_low;
    p.middle0 = (int64_t)f.middle * f.mult_low;
    p.middle1 = (int64_t)f.low * f.mult_middle;
    p.high = f.high * (int32_t)f.mult_high;
    return p;
}

/* Their sum and @round. */
static inline int64_t sum_parts(struct product_parts p, int64_t round)
{
    return ((int64_t)p.high * 4294967296 | (int64_t)p.low) + ((int64_t)p.middle0 + (int64_t)p.middle1) * 65536 + round;
}

/* h: what rounds the product of a factor of this sign. */
static inline int64_t round_half(bool negative)
{
    return negative ? -(1LL << 30) : 1LL << 30;
}

/* z >> right, from p + h; right in [0, 31]. */
static inline int64_t shift_rounded(int64_t sum, bool negative, uint32_t right)
{
    return ((sum >> 31) * 2 | negative) >> right;
}

/* zero_point + x / 2^right, from z >> right, between min and max. */
static inline int32_t finish_code(int64_t shifted, int32_t zero_point, int32_t min, int32_t max)
{
    const int64_t code = (shifted + 2 * zero_point + 1) >> 1;

    return code < min ? min : code > max ? max : (int32_t)code;
}

/* x between min and max. */
static inline int32_t clamp_code(int64_t x, int32_t min, int32_t max)
{
    return x < min ? min : x > max ? max : (int32_t)x;
}

#endif
