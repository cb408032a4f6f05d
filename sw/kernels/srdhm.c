/* srdhm.c - saturating rounding doubling high multiply, gemmlowp's and NEON's VQRDMULH. */
#include "kernels.h"
#include "fixedpoint.h"

int32_t rs_srdhm(int32_t a, int32_t b)
{
    return fx_srdhm(a, b);
}
