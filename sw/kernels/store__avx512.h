/*
 * store__avx512.h - from the accumulators of a tile to codes in memory.  Internal to sw/kernels/.
 *
 * A tile's pixels are two groups of neighbours; nv vectors of 16 filters.  packed.h says why the quick stage is exact.
 */
#ifndef RS_KERNELS_STORE__AVX512_H
#define RS_KERNELS_STORE__AVX512_H
#include "gemv_isa.h"
#include "requantize__avx512.h"

enum { STORE_MOST = 28 };              /* pixels */

/* In registers: a store of codes could otherwise have changed them, for all the compiler knows. */
struct bounds {
    bool clamps;                       /* a branch costs less than two instructions of the busy ports */
    enum stage_line line;
    __m512i zp, act_min, act_max;
};

/* 64 codes of 16 bits to bytes with saturation, clamped, lanes back in order. */
AVX512_INLINE __m512i pack64(__m512i low, __m512i high, const struct bounds *c)
{
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512i q = _mm512_packs_epi16(low, high);

    if (c->clamps)
        q = _mm512_min_epi8(_mm512_max_epi8(q, c->act_min), c->act_max);
    return _mm512_permutexvar_epi32(order, q);
}

/* Two rows of up to 32 codes: 32-bit lanes, zero point, bytes. */
AVX512_INLINE void store_rows32(const __m512i row0[2], const __m512i row1[2], const struct bounds *c, bool dense,
                                int8_t *out0, int8_t *out1, __mmask32 mask)
{
    const __m512i q = pack64(narrow16(c->line, row0[0], row0[1], c->zp), narrow16(c->line, row1[0], row1[1], c->zp), c);

    if (dense) {
        _mm512_storeu_si512(out0, q);
        return;
    }
    _mm256_mask_storeu_epi8(out0, mask, _mm512_castsi512_si256(q));
    if (out1 != NULL)
        _mm256_mask_storeu_epi8(out1, mask, _mm512_extracti64x4_epi64(q, 1));
}

/* Four rows of up to 16 codes, likewise; @out NULL: no such row. */
AVX512_INLINE void store_rows16(const __m512i rows[4], const struct bounds *c, bool dense,
                                int8_t *const out[4], __mmask16 mask)
{
    const __m512i q = pack64(narrow16(c->line, rows[0], rows[1], c->zp), narrow16(c->line, rows[2], rows[3], c->zp), c);

    if (dense) {
        _mm512_storeu_si512(out[0], q);
        return;
    }
    _mm_mask_storeu_epi8(out[0], mask, _mm512_castsi512_si128(q));
    if (out[1] != NULL)
        _mm_mask_storeu_epi8(out[1], mask, _mm512_extracti32x4_epi32(q, 1));
    if (out[2] != NULL)
        _mm_mask_storeu_epi8(out[2], mask, _mm512_extracti32x4_epi32(q, 2));
    if (out[3] != NULL)
        _mm_mask_storeu_epi8(out[3], mask, _mm512_extracti32x4_epi32(q, 3));
}

/* The tile's codes by floats: by lines, or by the quick stage; false: in doubt, what was stored may be wrong. */
AVX512_INLINE bool store_floats(const enum stage_line line, const int np, const int nq, const int nv, int filters, __m512i acc[][2],
                                const struct stage *stage, const struct stage_common *c, const struct rows *to)
{
    const float *scale = line == LINE_NONE ? stage->scale : stage->line_scale;
    const float *slant = line == LINE_NONE ? stage->slant : stage->line_lean;
    const int mr = np + nq;
    const uint32_t mask = _bzhi_u32(~UINT32_C(0), (unsigned)filters);
    const struct bounds bounds = { c->clamps, line, zp_addend(line, c->zp_out),
                                   _mm512_set1_epi8((char)c->act_min), _mm512_set1_epi8((char)c->act_max) };
    const size_t ldo = to->elements;
    int8_t *const out_p = to->p, *const out_q = to->q;
    const bool dense = (int)ldo == 16 * nv && filters == 16 * nv && out_q == out_p + (size_t)np * ldo;     /* one vector, one store */
    __m512 doubt[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };          /* two chains: latency counts */
#define ROW(i) ((i) < np ? out_p + (size_t)(i) * ldo : out_q + (size_t)((i) - np) * ldo)
#define CODES(i, v)                                                                                                  \
    (line == LINE_NONE ? requantize16_quick(acc[i][v], scale + 16 * (v), slant + 16 * (v), &doubt[((i) + (v)) % 2])  \
                       : requantize16_line(line, acc[i][v], scale + 16 * (v), slant + 16 * (v)))

    if (nv == 2) {
#pragma GCC unroll 8
        for (int i = 0; i < mr; i += 2) {
            const __m512i row0[2] = { CODES(i, 0), CODES(i, 1) };

            if (i + 1 == mr) {
                store_rows32(row0, row0, &bounds, false, ROW(i), NULL, mask);
            } else {
                const __m512i row1[2] = { CODES(i + 1, 0), CODES(i + 1, 1) };

                store_rows32(row0, row1, &bounds, dense, ROW(i), ROW(i + 1), mask);
            }
        }
    } else {
#pragma GCC unroll 7
        for (int i = 0; i < mr; i += 4) {
            __m512i rows[4];
            int8_t *out[4];

#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                rows[j] = i + j < mr ? CODES(i + j, 0) : rows[0];
                out[j] = i + j < mr ? ROW(i + j) : NULL;
            }
            store_rows16(rows, &bounds, dense && i + 4 <= mr, out, (__mmask16)mask);
        }
    }
#undef CODES
#undef ROW
    return line != LINE_NONE || !doubtful(_mm512_max_ps(doubt[0], doubt[1]));
}

/* The codes (or accumulators) of np + nq pixels. */
AVX512_INLINE void store(const int np, const int nq, const int nv, int filters, __m512i acc[][2], const struct stage *stage,
                         const struct stage_common *c, const struct rows *to)
{
    int32_t plain[STORE_MOST][GEMM_MAX_NR];

    if (stage->line == LINE_ONE_SIDED) {
        store_floats(LINE_ONE_SIDED, np, nq, nv, filters, acc, stage, c, to);
        return;
    }
    if (stage->line == LINE_TWO_SIDED) {
        store_floats(LINE_TWO_SIDED, np, nq, nv, filters, acc, stage, c, to);
        return;
    }
    if (c->quick && store_floats(LINE_NONE, np, nq, nv, filters, acc, stage, c, to))
        return;
#pragma GCC unroll 28
    for (int i = 0; i < np + nq; i++)
#pragma GCC unroll 2
        for (int v = 0; v < nv; v++)
            _mm512_storeu_si512(&plain[i][16 * v], acc[i][v]);
    rs_store_plain__avx512(np, filters, plain[0], stage, c, to->p, to->elements);
    if (nq > 0)
        rs_store_plain__avx512(nq, filters, plain[np], stage, c, to->q, to->elements);
}
#endif
