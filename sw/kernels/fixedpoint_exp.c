/*
 * fixedpoint_exp.c - exp, reciprocal, logistic and tanh in gemmlowp fixed point.
 *
 * The order of operations and each rounding is gemmlowp's, so that the last bit agrees.  Qm.n: m integer bits,
 * n fraction bits, a sign.  A product of Qa and Qb by rs_srdhm() is Q(a+b).
 * Source: gemmlowp fixedpoint/fixedpoint.h.
 */
#include "fixedpoint_exp.h"
#include "fixedpoint.h"
#include <stdbool.h>

/* a + b where the mathematics keeps it in range. */
static int32_t plus(int32_t a, int32_t b)
{
    assert((int64_t)a + b == (int32_t)((int64_t)a + b));
    return a + b;
}

/* exp(a) for a in [-1/4, 0), Q0.31: Taylor around -1/8 to the fourth power. */
static int32_t exp_quarter(int32_t a)
{
    const int32_t exp_minus_eighth = 1895147668, third = 715827883;
    const int32_t x = plus(a, 1 << 28);
    const int32_t x2 = fx_srdhm(x, x);
    const int32_t x3 = fx_srdhm(x2, x);
    const int32_t x4 = fx_srdhm(x2, x2);
    const int32_t x4_over_4 = fx_rounding_divide_by_pot(x4, 2);
    const int32_t tail = fx_rounding_divide_by_pot(plus(fx_srdhm(plus(x4_over_4, x3), third), x2), 1);

    return plus(exp_minus_eighth, fx_srdhm(exp_minus_eighth, plus(x, tail)));
}

int32_t rs_fx_exp_on_negative(int32_t a, int integer_bits)
{
    /* exp(-2^i) in Q0.31 for i = -2 .. 4 */
    static const int32_t exp_minus_pot[7] = {
        1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242
    };
    const int fraction_bits = 31 - integer_bits;
    const int32_t quarter = 1 << (fraction_bits - 2);
    const int32_t a_mod_quarter = (a & (quarter - 1)) - quarter;
    const int32_t remainder = a_mod_quarter - a;
    int32_t result = exp_quarter(fx_saturating_left_shift(a_mod_quarter, integer_bits));

    assert(a <= 0 && integer_bits >= 0 && integer_bits <= 5);
    if (a == 0)
        return INT32_MAX;
    for (int i = -2; i < integer_bits; i++)
        if ((remainder & (1 << (fraction_bits + i))) != 0)
            result = fx_srdhm(result, exp_minus_pot[i + 2]);
    return result;
}

/* (a + b) / 2 rounded away from zero when odd. */
static int32_t rounding_half_sum(int32_t a, int32_t b)
{
    const int64_t sum = (int64_t)a + b;

    return (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
}

/* 1 / d in Q2.29 for d in [1/2, 1) by three Newton-Raphson steps from 48/17 - 32/17 d. */
static int32_t newton_reciprocal(int32_t half_denominator)
{
    int32_t x = plus(1515870810, fx_srdhm(half_denominator, -1010580540));

    for (int i = 0; i < 3; i++) {
        const int32_t error = (1 << 29) - fx_srdhm(half_denominator, x);

        x = plus(x, fx_saturating_left_shift(fx_srdhm(x, error), 2));      /* Q4 product back to Q2 */
    }
    return x;
}

int32_t rs_fx_one_over_one_plus_x(int32_t x)
{
    return fx_saturating_left_shift(newton_reciprocal(rounding_half_sum(x, INT32_MAX)), 1);
}

int32_t rs_fx_logistic(int32_t a)
{
    assert(a != INT32_MIN);
    if (a == 0)
        return 1 << 30;

    const int32_t positive = rs_fx_one_over_one_plus_x(rs_fx_exp_on_negative(a > 0 ? -a : a, 4));

    return a > 0 ? positive : INT32_MAX - positive;
}

int32_t rs_fx_tanh(int32_t a)
{
    assert(a != INT32_MIN);
    if (a == 0)
        return 0;

    /* (1 - e) / (1 + e) = 2 / (1 + e) - 1 with e = exp(-2|a|): the same bits of a read as Q5.26 are 2a. */
    const int32_t e = rs_fx_exp_on_negative(a > 0 ? -a : a, 5);
    const int32_t x = newton_reciprocal(rounding_half_sum(e, INT32_MAX));
    const int32_t t = fx_saturating_left_shift(x - (1 << 29), 2);

    return a > 0 ? t : -t;
}
