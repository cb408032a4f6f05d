/*
 * store__avx2.h - from the accumulators of a tile to codes in memory.  Internal to sw/kernels/.
 *
 * A tile's pixels are two groups of neighbours; 2 vectors of 8 filters.
 */
#ifndef RS_KERNELS_STORE__AVX2_H
#define RS_KERNELS_STORE__AVX2_H
#include "packed.h"
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
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

/* What all channels of a panel need, in registers: a store of codes could otherwise have changed it, for all the compiler knows. */
struct stage8x2 {
    __m256i mult[2], half[2], right[2], rounds[2];
    __m256 scale[2], lean[2];          /* of a line (line.h) */
    __m256i zp;
    __m128i act_min, act_max;
};

AVX2_INLINE struct stage8x2 load_stage(const enum stage_line line, const struct stage *stage, const struct stage_common *c)
{
    struct stage8x2 s = { .zp = _mm256_set1_epi16((short)(line == LINE_TWO_SIDED ? 2 * c->zp_out + 1 : c->zp_out)),
                          .act_min = _mm_set1_epi8((char)c->act_min), .act_max = _mm_set1_epi8((char)c->act_max) };

#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) {
        if (line != LINE_NONE) {
            s.scale[v] = _mm256_loadu_ps(stage->line_scale + 8 * v);
            s.lean[v] = _mm256_loadu_ps(stage->line_lean + 8 * v);
        } else {
            s.mult[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->mult + 8 * v));
            s.half[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->half + 8 * v));
            s.right[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->right + 8 * v));
            s.rounds[v] = _mm256_cmpgt_epi32(s.right[v], _mm256_setzero_si256());
        }
    }
    return s;
}

/* 8 codes, of two sides twice them and less than a half, not clamped; less zp_out but of one side.  Lines: floats round down. */
AVX2_INLINE __m256i codes8(const enum stage_line line, __m256i acc, const struct stage8x2 *s, const int v)
{
    const __m256i sign = _mm256_set1_epi32(INT32_MIN);
    __m256 lean = s->lean[v];

    if (line == LINE_NONE)
        return requantize8(acc, s->mult[v], s->half[v], s->right[v], s->rounds[v]);
    if (line == LINE_TWO_SIDED)
        lean = _mm256_or_ps(lean, _mm256_castsi256_ps(_mm256_and_si256(acc, sign)));
    return _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_cvtepi32_ps(acc), s->scale[v], lean));
}

/* 16 codes of 16 bits to bytes. */
AVX2_INLINE __m128i narrow16(const enum stage_line line, __m256i h, const struct stage8x2 *s)
{
    const __m256i sum = _mm256_adds_epi16(h, s->zp);
    const __m256i codes = line == LINE_ONE_SIDED ? h : line == LINE_NONE ? sum : _mm256_srai_epi16(sum, 1);

    return _mm_min_epi8(_mm_max_epi8(_mm_packs_epi16(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1)), s->act_min),
                        s->act_max);
}

/* The codes of np + nq pixels of up to 16 filters. */
AVX2_INLINE void store_codes(const enum stage_line line, const int np, const int nq, int filters, __m256i acc[][2],
                             const struct stage *stage, const struct stage_common *c, const struct rows *to)
{
    const struct stage8x2 s = load_stage(line, stage, c);

#pragma GCC unroll 16
    for (int i = 0; i < np + nq; i++) {
        const __m256i h = _mm256_packs_epi32(codes8(line, acc[i][0], &s, 0), codes8(line, acc[i][1], &s, 1));
        const __m128i codes = narrow16(line, _mm256_permute4x64_epi64(h, 0xD8), &s);
        int8_t *row = (int8_t *)(i < np ? to->p : to->q) + (size_t)(i < np ? i : i - np) * to->elements;

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

/* The codes (or accumulators) of np + nq pixels of up to 16 filters. */
AVX2_INLINE void store(const int np, const int nq, int filters, __m256i acc[][2], const struct stage *stage,
                       const struct stage_common *c, const struct rows *to)
{
    if (stage->line == LINE_ONE_SIDED) {
        store_codes(LINE_ONE_SIDED, np, nq, filters, acc, stage, c, to);
        return;
    }
    if (stage->line == LINE_TWO_SIDED) {
        store_codes(LINE_TWO_SIDED, np, nq, filters, acc, stage, c, to);
        return;
    }
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
    store_codes(LINE_NONE, np, nq, filters, acc, stage, c, to);
}
#endif
