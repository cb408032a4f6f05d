/* sum_s8__avx512.c - sums of a window's codes for up to 64 neighbouring channels: what average pooling divides. */
#if defined(__x86_64__)
#include "requantize__avx512.h"

AVX512 void rs_sum_s8__avx512(int64_t rows, int64_t pixels, int64_t channels, int64_t row_step, int64_t pixel_step,
                              const int8_t *at, int32_t *sum)
{
    const __mmask64 mask = _bzhi_u64(~UINT64_C(0), (unsigned)channels);
    __m512i acc[4];

#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
        acc[v] = _mm512_setzero_si512();
    for (int64_t y = 0; y < rows; y++, at += row_step) {
        const int8_t *p = at;

        for (int64_t x = 0; x < pixels; x++, p += pixel_step) {
            const __m512i codes = _mm512_maskz_loadu_epi8(mask, p);

            acc[0] = _mm512_add_epi32(acc[0], _mm512_cvtepi8_epi32(_mm512_castsi512_si128(codes)));
            acc[1] = _mm512_add_epi32(acc[1], _mm512_cvtepi8_epi32(_mm512_extracti32x4_epi32(codes, 1)));
            acc[2] = _mm512_add_epi32(acc[2], _mm512_cvtepi8_epi32(_mm512_extracti32x4_epi32(codes, 2)));
            acc[3] = _mm512_add_epi32(acc[3], _mm512_cvtepi8_epi32(_mm512_extracti32x4_epi32(codes, 3)));
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
        _mm512_mask_storeu_epi32(sum + 16 * v, (__mmask16)(mask >> (16 * v)), acc[v]);
}
#else
typedef int rs_sum_s8__avx512_is_empty;
#endif
