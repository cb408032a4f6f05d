/*
 * store__avx2.h - from the accumulators of a tile to codes in memory.  Internal to sw/kernels/.
 *
 * A tile's pixels are two groups of neighbours; 2 vectors of 8 filters.
 */
#ifndef RS_KERNELS_STORE__AVX2_H
#define RS_KERNELS_STORE__AVX2_H
#include "packed.h"
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

enum { STORE_MOST = 16 };              /* pixels */

/* 8 lanes of gemmlowp's double rounding; see requantize__avx512.h.  @rounds: -1 where right > 0. */
AVX2_INLINE __m256i requantize8(__m256i acc, __m256i mult, __m256i half, __m256i right, __m256i rounds)
{
    const __m256i nudge = _mm256_set1_epi64x(1 << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(acc, mult), nudge);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(acc, 32), _mm256_srli_epi64(mult, 32)),
                                         nudge);
    __m256i y = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_add_epi64(odd, odd), 0xAA);

    y = _mm256_add_epi32(y, _mm256_and_si256(rounds, _mm256_srai_epi32(y, 31)));
    return _mm256_srav_epi32(_mm256_add_epi32(y, half), right);
}

/* The codes (or accumulators) of np + nq pixels of up to 16 filters. */
AVX2_INLINE void store(const int np, const int nq, int filters, __m256i acc[][2], const struct stage *stage,
                       const struct stage_common *c, const struct rows *to)
{
    if (c->mode != STAGE_DOUBLE) {
        int32_t plain[STORE_MOST][GEMM_MAX_NR];

#pragma GCC unroll 16
        for (int i = 0; i < np + nq; i++) {
            _mm256_storeu_si256((__m256i *)(void *)&plain[i][0], acc[i][0]);
            _mm256_storeu_si256((__m256i *)(void *)&plain[i][8], acc[i][1]);
        }
        rs_stage_general(np, filters, plain[0], stage, c, to->p, to->elements);
        if (nq > 0)
            rs_stage_general(nq, filters, plain[np], stage, c, to->q, to->elements);
        return;
    }

    /* In registers: a store of codes could otherwise have changed them, for all the compiler knows. */
    const __m256i zp = _mm256_set1_epi16((short)c->zp_out), zero = _mm256_setzero_si256();
    const __m128i act_min = _mm_set1_epi8((char)c->act_min), act_max = _mm_set1_epi8((char)c->act_max);
    __m256i mult[2], half[2], right[2], rounds[2];

#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) {
        mult[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->mult + 8 * v));
        half[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->half + 8 * v));
        right[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->right + 8 * v));
        rounds[v] = _mm256_cmpgt_epi32(right[v], zero);
    }
#pragma GCC unroll 16
    for (int i = 0; i < np + nq; i++) {
        const __m256i y0 = requantize8(acc[i][0], mult[0], half[0], right[0], rounds[0]);
        const __m256i y1 = requantize8(acc[i][1], mult[1], half[1], right[1], rounds[1]);
        /* packs works in 128-bit halves: y0 low, y1 low | y0 high, y1 high */
        const __m256i h = _mm256_adds_epi16(_mm256_permute4x64_epi64(_mm256_packs_epi32(y0, y1), 0xD8), zp);
        __m128i codes = _mm_packs_epi16(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
        int8_t *row = (int8_t *)(i < np ? to->p : to->q) + (size_t)(i < np ? i : i - np) * to->elements;

        codes = _mm_min_epi8(_mm_max_epi8(codes, act_min), act_max);
        if (filters == 16) {
            _mm_storeu_si128((__m128i *)(void *)row, codes);
        } else {
            int8_t plain[16];

            _mm_storeu_si128((__m128i *)(void *)plain, codes);
            for (int j = 0; j < filters; j++)
                row[j] = plain[j];
        }
    }
}
#endif
