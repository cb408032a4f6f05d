/*
 * f32.h - what the float kernels share: the clamp, and the matrix product of rs_gemm_f32() and rs_conv2d_f32().
 * Internal to sw/kernels/.
 *
 *   b as [K][N] is reordered into panels of NR = 8 columns, k-major:     b: k |0 1 2 .. 7|
 *   Columns past N hold zero.                                               k |8 9 A .. F|
 */
#ifndef RS_KERNELS_F32_INTERNAL_H
#define RS_KERNELS_F32_INTERNAL_H
#include "kernels.h"

enum { GEMM_F32_NR = 8 };

/* Reorders b, element (k, j) at b[k * step_k + j * step_n]; NULL if there is no memory.  free() it. */
float *rs_gemm_f32_pack(int64_t n, int64_t k, const float *b, int64_t step_k, int64_t step_n);

/* c[i][j] = clamp(bias[j] + SUM a[i][k] * b[k][j]) for dense a [m][k], c [m][n], and packed b. */
void rs_gemm_f32_packed(int64_t m, int64_t n, int64_t k, const float *a, const float *packed, const float *bias,
                        float low, float high, float *c);

static inline float clamp_f32(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;           /* a NaN stays one */
}
#endif
