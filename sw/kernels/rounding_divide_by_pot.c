/* rounding_divide_by_pot.c - division by a power of two, nearest, ties away from zero; gemmlowp's. */
#include "kernels.h"
#include "fixedpoint.h"

int32_t rs_rounding_divide_by_pot(int32_t x, int exponent)
{
    return fx_rounding_divide_by_pot(x, exponent);
}
