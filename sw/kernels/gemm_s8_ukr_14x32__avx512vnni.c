/*
 * gemm_s8_ukr_14x32__avx512vnni.c - int8 GEMM tile with VPDPBUSD.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[i][k] * b[k][j]        i < np + nq <= 14, j < 32
 *
 * VPDPBUSD multiplies unsigned by signed bytes, four of each into a 32-bit lane.  Activations are made unsigned by
 * x ^ 0x80 = x + 128, and bias[j] holds -(128 + zp_in) * SUM b[.][j] for it.  Sums wrap modulo 2^32 on the way
 * (the instruction does not saturate), and end in range because the accumulator proper does.
 * 28 accumulators, 2 registers of b, 1 of a: 31 of 32.  Layouts: packed.h, kr = 4.
 *
 * The output stage is gemmlowp's double rounding in 32-bit lanes.  SRDHM: two 64-bit products for even and odd
 * lanes, plus 2^30, bits 31 to 62.  RDBP: (y + half - (y < 0)) >> right, where right > 0.  |acc| < 2^30
 * (STAGE_DOUBLE), so no sum leaves 32 bits.
 */
#if defined(__x86_64__)
#include "fixedpoint.h"
#include "depthwise_isa.h"
#include "packed.h"
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { MR = 14, NR = 32 };

TARGET static void copy(const struct packed_layer *l, const int8_t *src, int64_t count, void *a)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    char *dst = a;

    if (src == NULL) {
        memset(dst, l->zp_in + 128, (size_t)count);
        return;
    }
    for (; count >= 64; count -= 64, src += 64, dst += 64)
        _mm512_storeu_si512(dst, _mm512_xor_si512(_mm512_loadu_si512(src), flip));
    if (count > 0) {
        const __mmask64 mask = _bzhi_u64(~UINT64_C(0), (unsigned)count);

        _mm512_mask_storeu_epi8(dst, mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, src), flip));
    }
}

/* ------------------------------------------------------------- output stage */

struct lanes {                         /* of 16 filters */
    __m512i mult_even, mult_odd, half, right;
    __mmask16 rounds;                  /* right > 0 */
};

INLINE struct lanes load_lanes(const struct stage *stage, int v)
{
    struct lanes t;

    t.mult_even = _mm512_loadu_si512(stage->mult + 16 * v);
    t.mult_odd = _mm512_srli_epi64(t.mult_even, 32);
    t.half = _mm512_loadu_si512(stage->half + 16 * v);
    t.right = _mm512_loadu_si512(stage->right + 16 * v);
    t.rounds = _mm512_test_epi32_mask(t.right, t.right);
    return t;
}

INLINE __m512i requantize16(__m512i acc, const struct lanes *t, __m512i nudge)
{
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, t->mult_even), nudge);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(acc, 32), t->mult_odd), nudge);
    __m512i y = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_add_epi64(odd, odd));

    y = _mm512_mask_add_epi32(y, t->rounds, y, _mm512_srai_epi32(y, 31));
    return _mm512_srav_epi32(_mm512_add_epi32(y, t->half), t->right);
}

/* Two rows of up to 32 codes: 32-bit lanes to bytes with saturation, zero point, clamp, lanes back in order. */
INLINE void store_rows32(const __m512i row0[2], const __m512i row1[2], const struct stage_common *c, int8_t *out0,
                         int8_t *out1, __mmask32 mask)
{
    const __m512i zp = _mm512_set1_epi16((short)c->zp_out);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i h0 = _mm512_adds_epi16(_mm512_packs_epi32(row0[0], row0[1]), zp);
    const __m512i h1 = _mm512_adds_epi16(_mm512_packs_epi32(row1[0], row1[1]), zp);
    __m512i q = _mm512_packs_epi16(h0, h1);

    q = _mm512_max_epi8(q, _mm512_set1_epi8((char)c->act_min));
    q = _mm512_min_epi8(q, _mm512_set1_epi8((char)c->act_max));
    q = _mm512_permutexvar_epi32(order, q);
    _mm256_mask_storeu_epi8(out0, mask, _mm512_castsi512_si256(q));
    if (out1 != NULL)
        _mm256_mask_storeu_epi8(out1, mask, _mm512_extracti64x4_epi64(q, 1));
}

/* Four rows of up to 16 codes, likewise; @out NULL: no such row. */
INLINE void store_rows16(const __m512i rows[4], const struct stage_common *c, int8_t *const out[4], __mmask16 mask)
{
    const __m512i zp = _mm512_set1_epi16((short)c->zp_out);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i h0 = _mm512_adds_epi16(_mm512_packs_epi32(rows[0], rows[1]), zp);
    const __m512i h1 = _mm512_adds_epi16(_mm512_packs_epi32(rows[2], rows[3]), zp);
    __m512i q = _mm512_packs_epi16(h0, h1);

    q = _mm512_max_epi8(q, _mm512_set1_epi8((char)c->act_min));
    q = _mm512_min_epi8(q, _mm512_set1_epi8((char)c->act_max));
    q = _mm512_permutexvar_epi32(order, q);
    _mm_mask_storeu_epi8(out[0], mask, _mm512_castsi512_si128(q));
    if (out[1] != NULL)
        _mm_mask_storeu_epi8(out[1], mask, _mm512_extracti32x4_epi32(q, 1));
    if (out[2] != NULL)
        _mm_mask_storeu_epi8(out[2], mask, _mm512_extracti32x4_epi32(q, 2));
    if (out[3] != NULL)
        _mm_mask_storeu_epi8(out[3], mask, _mm512_extracti32x4_epi32(q, 3));
}

/* --------------------------------------------------------------------- tile */

INLINE int load32(const char *p)
{
    int x;

    memcpy(&x, p, sizeof x);
    return x;
}

/*
 * np, nq and nv (vectors of 16 filters) are constants at every use: all loops over them unroll.  Two groups share
 * their offsets i * step: 7 registers and two bases address 14 pixels.
 */
INLINE void tile(const int np, const int nq, const int nv, int filters, const struct gemm_operands *g)
{
    const struct stage *stage = g->stage;
    const struct stage_common *c = g->common;
    const int mr = np + nq;
    const char *b = g->b;
    __m512i acc[MR][2];
    size_t at[MR / 2];

#pragma GCC unroll 7
    for (int i = 0; i < np; i++)
        at[i] = (size_t)i * g->step;
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
        for (int v = 0; v < nv; v++)
            acc[i][v] = _mm512_loadu_si512(stage->bias + 16 * v);

    for (int64_t run = 0; run < g->runs; run++) {
        const char *p = g->p + g->run_offset[run], *q = g->q + g->run_offset[run], *end = p + 4 * g->run_steps;

        for (; p != end; p += 4, q += 4, b += 64 * nv) {
            __m512i w[2];

#pragma GCC unroll 2
            for (int v = 0; v < nv; v++)
                w[v] = _mm512_loadu_si512(b + 64 * v);
#pragma GCC unroll 16
            for (int i = 0; i < mr; i++) {
                const __m512i x = _mm512_set1_epi32(load32(i < np ? p + at[i] : q + at[i - np]));

#pragma GCC unroll 2
                for (int v = 0; v < nv; v++)
                    acc[i][v] = _mm512_dpbusd_epi32(acc[i][v], x, w[v]);
            }
        }
    }

    if (c->mode != STAGE_DOUBLE) {
        int32_t plain[MR][GEMM_MAX_NR];

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
            for (int v = 0; v < nv; v++)
                _mm512_storeu_si512(&plain[i][16 * v], acc[i][v]);
        rs_stage_general(np, filters, plain[0], stage, c, g->out_p, g->row_elements);
        if (nq > 0)
            rs_stage_general(nq, filters, plain[np], stage, c, g->out_q, g->row_elements);
        return;
    }

    const __m512i nudge = _mm512_set1_epi64(1 << 30);
    const uint32_t mask = _bzhi_u32(~UINT32_C(0), (unsigned)filters);
    const size_t ldo = g->row_elements;
    int8_t *const out_p = g->out_p, *const out_q = g->out_q;
#define ROW(i) ((i) < np ? out_p + (size_t)(i) * ldo : out_q + (size_t)((i) - np) * ldo)

    if (nv == 2) {
        const struct lanes t0 = load_lanes(stage, 0), t1 = load_lanes(stage, 1);

#pragma GCC unroll 8
        for (int i = 0; i < mr; i += 2) {
            const int j = i + 1 < mr ? i + 1 : i;
            const __m512i row0[2] = { requantize16(acc[i][0], &t0, nudge), requantize16(acc[i][1], &t1, nudge) };

            if (j == i) {
                store_rows32(row0, row0, c, ROW(i), NULL, mask);
            } else {
                const __m512i row1[2] = { requantize16(acc[j][0], &t0, nudge), requantize16(acc[j][1], &t1, nudge) };

                store_rows32(row0, row1, c, ROW(i), ROW(j), mask);
            }
        }
    } else {
        const struct lanes t0 = load_lanes(stage, 0);

#pragma GCC unroll 4
        for (int i = 0; i < mr; i += 4) {
            __m512i rows[4];
            int8_t *out[4];

#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                rows[j] = i + j < mr ? requantize16(acc[i + j][0], &t0, nudge) : rows[0];
                out[j] = i + j < mr ? ROW(i + j) : NULL;
            }
            store_rows16(rows, c, out, (__mmask16)mask);
        }
    }
#undef ROW
}

#define TILE(np, nq)                                                                                               \
    TARGET static void tile_##np##_##nq##x16(int f, const struct gemm_operands *g) { tile(np, nq, 1, f, g); }         \
    TARGET static void tile_##np##_##nq##x32(int f, const struct gemm_operands *g) { tile(np, nq, 2, f, g); }
TILE(1, 0) TILE(1, 1) TILE(2, 1) TILE(2, 2) TILE(3, 2) TILE(3, 3) TILE(4, 3) TILE(4, 4) TILE(5, 4) TILE(5, 5) TILE(6, 5)
TILE(6, 6) TILE(7, 6) TILE(7, 7)

static void any_tile(int np, int nq, int filters, const struct gemm_operands *g)
{
    typedef void tile_fixed(int, const struct gemm_operands *);
#define BOTH(np, nq) { tile_##np##_##nq##x16, tile_##np##_##nq##x32 }
    static tile_fixed *const tiles[MR][2] = {
        BOTH(1, 0), BOTH(1, 1), BOTH(2, 1), BOTH(2, 2), BOTH(3, 2), BOTH(3, 3), BOTH(4, 3), BOTH(4, 4), BOTH(5, 4),
        BOTH(5, 5), BOTH(6, 5), BOTH(6, 6), BOTH(7, 6), BOTH(7, 7)
    };

    assert(np >= 1 && np <= MR / 2 && (nq == np || nq == np - 1) && filters >= 1 && filters <= NR);
    tiles[np + nq - 1][filters > 16](filters, g);
}

const struct kernel_isa rs_kernel_isa_avx512vnni = {
    .mr = MR, .nr = NR, .kr = 4, .narrow = 16, .element_bytes = 1, .offset = 128, .tile = any_tile, .copy = copy,
    .dw = RS_DEPTHWISE_ISA_AVX512VNNI,
};
#else
typedef int rs_gemm_s8_ukr_14x32__avx512vnni_is_empty;
#endif
