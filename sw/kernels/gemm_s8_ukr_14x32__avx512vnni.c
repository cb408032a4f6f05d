/*
 * gemm_s8_ukr_14x32__avx512vnni.c - int8 GEMM tile with VPDPBUSD.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[i][k] * b[k][j]        i < np + nq <= 14, j < 32; or <= 28, j < 16
 *
 * VPDPBUSD multiplies unsigned by signed bytes, four of each into a 32-bit lane.  Activations are made unsigned by
 * x ^ 0x80 = x + 128, and bias[j] holds -(128 + zp_in) * SUM b[.][j] for it.  Sums wrap modulo 2^32 on the way
 * (the instruction does not saturate), and end in range because the accumulator proper does.
 * 28 accumulators, 1 or 2 registers of b, 1 of a: 31 of 32.  Layouts: packed.h, kr = 4.
 * The output stage is in requantize__avx512.h; packed.h says why the quick one is exact.
 */
#if defined(__x86_64__)
#include "fixedpoint.h"
#include "depthwise_isa.h"
#include "gemv_isa.h"
#include "packed.h"
#include "requantize__avx512.h"
#include <string.h>

enum { MR = 14, MR_NARROW = 28, NR = 32 };

AVX512 static void copy(const struct packed_layer *l, const int8_t *src, int64_t count, void *a)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80), zero = _mm512_set1_epi8((char)(l->zp_in + 128));
    char *dst = a;

    for (int64_t at = 0; at < count; at += 64) {
        const __mmask64 mask = count - at < 64 ? _bzhi_u64(~UINT64_C(0), (unsigned)(count - at)) : ~UINT64_C(0);

        _mm512_mask_storeu_epi8(dst + at, mask,
                                src == NULL ? zero : _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, src + at), flip));
    }
}

/* ------------------------------------------------------------- output stage */

/* In registers: a store of codes could otherwise have changed them, for all the compiler knows. */
struct bounds {
    bool clamps;                       /* a branch costs less than two instructions of the busy ports */
    __m512i zp, act_min, act_max;
};

/* Two rows of up to 32 codes: 32-bit lanes to bytes with saturation, zero point, clamp, lanes back in order. */
AVX512_INLINE void store_rows32(const __m512i row0[2], const __m512i row1[2], const struct bounds *c, bool dense,
                                int8_t *out0, int8_t *out1, __mmask32 mask)
{
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i h0 = _mm512_adds_epi16(_mm512_packs_epi32(row0[0], row0[1]), c->zp);
    const __m512i h1 = _mm512_adds_epi16(_mm512_packs_epi32(row1[0], row1[1]), c->zp);
    __m512i q = _mm512_packs_epi16(h0, h1);

    if (c->clamps)
        q = _mm512_min_epi8(_mm512_max_epi8(q, c->act_min), c->act_max);
    q = _mm512_permutexvar_epi32(order, q);
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
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i h0 = _mm512_adds_epi16(_mm512_packs_epi32(rows[0], rows[1]), c->zp);
    const __m512i h1 = _mm512_adds_epi16(_mm512_packs_epi32(rows[2], rows[3]), c->zp);
    __m512i q = _mm512_packs_epi16(h0, h1);

    if (c->clamps)
        q = _mm512_min_epi8(_mm512_max_epi8(q, c->act_min), c->act_max);
    q = _mm512_permutexvar_epi32(order, q);
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

AVX512 void rs_store_plain__avx512(int rows, int filters, const int32_t *acc, const struct stage *stage,
                                   const struct stage_common *c, void *out, size_t row_elements)
{
    const __m512i lo = _mm512_set1_epi32(c->act_min - c->zp_out), hi = _mm512_set1_epi32(c->act_max - c->zp_out);
    int8_t *to = out;

    if (c->mode != STAGE_DOUBLE && c->rounding != RS_ROUND_ONNX) {
        rs_stage_general(rows, filters, acc, stage, c, out, row_elements);
        return;
    }
    for (int j = 0; j < filters; j += 16) {
        const __mmask16 mask = (__mmask16)_bzhi_u32(0xFFFF, (unsigned)(filters - j < 16 ? filters - j : 16));
        const struct lanes t = load_lanes(stage, j / 16);

        for (int i = 0; i < rows; i++) {
            const __m512i a = _mm512_loadu_si512(acc + i * GEMM_MAX_NR + j);
            const __m512i y = c->mode == STAGE_DOUBLE
                                  ? _mm512_min_epi32(_mm512_max_epi32(requantize16(a, &t), lo), hi)
                                  : requantize16_onnx(a, stage->scale + j, c);

            _mm512_mask_cvtepi32_storeu_epi8(to + (size_t)i * row_elements + j, mask,
                                             _mm512_add_epi32(y, _mm512_set1_epi32(c->zp_out)));
        }
    }
}

/* The tile's codes by the quick stage; false: in doubt, what was stored may be wrong. */
AVX512_INLINE bool store_quick(const int np, const int nq, const int nv, int filters, __m512i acc[MR_NARROW][2],
                               const struct gemm_operands *g)
{
    const float *scale = g->stage->scale, *slant = g->stage->slant;
    const struct stage_common *c = g->common;
    const int mr = np + nq;
    const uint32_t mask = _bzhi_u32(~UINT32_C(0), (unsigned)filters);
    const struct bounds bounds = { c->clamps, _mm512_set1_epi16((short)c->zp_out),
                                   _mm512_set1_epi8((char)c->act_min), _mm512_set1_epi8((char)c->act_max) };
    const size_t ldo = g->row_elements;
    int8_t *const out_p = g->out_p, *const out_q = g->out_q;
    const bool dense = (int)ldo == 16 * nv && filters == 16 * nv && out_q == out_p + (size_t)np * ldo;     /* one vector, one store */
    __m512 doubt[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };          /* two chains: latency counts */
#define ROW(i) ((i) < np ? out_p + (size_t)(i) * ldo : out_q + (size_t)((i) - np) * ldo)
#define CODES(i, v) requantize16_quick(acc[i][v], scale + 16 * (v), slant + 16 * (v), &doubt[((i) + (v)) % 2])

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
    return !doubtful(_mm512_max_ps(doubt[0], doubt[1]));
}

/* --------------------------------------------------------------------- tile */

AVX512_INLINE int load32(const char *p)
{
    int x;

    memcpy(&x, p, sizeof x);
    return x;
}

/*
 * The sums of a single pixel.  Its two accumulators alone would wait for each other's latency at every step, so four
 * steps have their own.
 */
AVX512_INLINE void sum_one(const int nv, const struct gemm_operands *g, __m512i acc[2])
{
    enum { CHAINS = 4 };
    const char *b = g->b;
    __m512i part[CHAINS][2];

#pragma GCC unroll 4
    for (int c = 0; c < CHAINS; c++)
#pragma GCC unroll 2
        for (int v = 0; v < nv; v++)
            part[c][v] = c == 0 ? _mm512_loadu_si512(g->bias + 16 * v) : _mm512_setzero_si512();
    for (int64_t run = 0; run < g->runs; run++) {
        const char *p = g->p + g->run_offset[run], *end = p + 4 * g->run_steps;

        for (; end - p >= 4 * CHAINS; p += 4 * CHAINS, b += 64 * nv * CHAINS)
#pragma GCC unroll 4
            for (int c = 0; c < CHAINS; c++)
#pragma GCC unroll 2
                for (int v = 0; v < nv; v++)
                    part[c][v] = _mm512_dpbusd_epi32(part[c][v], _mm512_set1_epi32(load32(p + 4 * c)),
                                                     _mm512_loadu_si512(b + 64 * (c * nv + v)));
        for (; p != end; p += 4, b += 64 * nv)
#pragma GCC unroll 2
            for (int v = 0; v < nv; v++)
                part[0][v] = _mm512_dpbusd_epi32(part[0][v], _mm512_set1_epi32(load32(p)), _mm512_loadu_si512(b + 64 * v));
    }
#pragma GCC unroll 2
    for (int v = 0; v < nv; v++)
        acc[v] = _mm512_add_epi32(_mm512_add_epi32(part[0][v], part[1][v]), _mm512_add_epi32(part[2][v], part[3][v]));
}

/*
 * np, nq and nv (vectors of 16 filters) are constants at every use: all loops over them unroll.  Two groups share
 * their offsets i * step, up to 7 pixels each: 7 registers and two bases address 14 pixels, two more bases 28.
 */
enum { SHARED = 7 };

AVX512_INLINE void tile(const int np, const int nq, const int nv, int filters, const struct gemm_operands *g)
{
    const struct stage_common *c = g->common;
    const int mr = np + nq;
    const char *b = g->b;
    __m512i acc[MR_NARROW][2];
    size_t at[SHARED];

#pragma GCC unroll 7
    for (int i = 0; i < np && i < SHARED; i++)
        at[i] = (size_t)i * g->step;
    if (mr == 1) {
        sum_one(nv, g, acc[0]);
    } else {
#pragma GCC unroll 28
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
            for (int v = 0; v < nv; v++)
                acc[i][v] = _mm512_loadu_si512(g->bias + 16 * v);

        for (int64_t run = 0; run < g->runs; run++) {
            const char *p = g->p + g->run_offset[run], *q = g->q + g->run_offset[run], *end = p + 4 * g->run_steps;
            const char *p7 = p + SHARED * g->step, *q7 = q + SHARED * g->step;

            for (; p != end; p += 4, q += 4, p7 += 4, q7 += 4, b += 64 * nv) {
                __m512i w[2];

#pragma GCC unroll 2
                for (int v = 0; v < nv; v++)
                    w[v] = _mm512_loadu_si512(b + 64 * v);
#pragma GCC unroll 28
                for (int i = 0; i < mr; i++) {
                    const int j = i < np ? i : i - np;
                    const char *at_p = j < SHARED ? p + at[j % SHARED] : p7 + at[j % SHARED];
                    const char *at_q = j < SHARED ? q + at[j % SHARED] : q7 + at[j % SHARED];
                    const __m512i x = _mm512_set1_epi32(load32(i < np ? at_p : at_q));

#pragma GCC unroll 2
                    for (int v = 0; v < nv; v++)
                        acc[i][v] = _mm512_dpbusd_epi32(acc[i][v], x, w[v]);
                }
            }
        }
    }
    if (c->quick && store_quick(np, nq, nv, filters, acc, g))
        return;

    int32_t plain[MR_NARROW][GEMM_MAX_NR];

#pragma GCC unroll 28
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
        for (int v = 0; v < nv; v++)
            _mm512_storeu_si512(&plain[i][16 * v], acc[i][v]);
    rs_store_plain__avx512(np, filters, plain[0], g->stage, c, g->out_p, g->row_elements);
    if (nq > 0)
        rs_store_plain__avx512(nq, filters, plain[np], g->stage, c, g->out_q, g->row_elements);
}

#define TILE16(np, nq)                                                                                             \
    AVX512 static void tile_##np##_##nq##x16(int f, const struct gemm_operands *g) { tile(np, nq, 1, f, g); }
#define TILE32(np, nq)                                                                                             \
    AVX512 static void tile_##np##_##nq##x32(int f, const struct gemm_operands *g) { tile(np, nq, 2, f, g); }
#define UP_TO_14(X)                                                                                                 \
    X(1, 0) X(1, 1) X(2, 1) X(2, 2) X(3, 2) X(3, 3) X(4, 3) X(4, 4) X(5, 4) X(5, 5) X(6, 5) X(6, 6) X(7, 6) X(7, 7)
#define UP_TO_28(X)                                                                                                 \
    UP_TO_14(X)                                                                                                     \
    X(8, 7) X(8, 8) X(9, 8) X(9, 9) X(10, 9) X(10, 10) X(11, 10) X(11, 11) X(12, 11) X(12, 12) X(13, 12) X(13, 13)  \
    X(14, 13) X(14, 14)
UP_TO_28(TILE16)
UP_TO_14(TILE32)

static void any_tile(int np, int nq, int filters, const struct gemm_operands *g)
{
    typedef void tile_fixed(int, const struct gemm_operands *);
#define NAME16(np, nq) tile_##np##_##nq##x16,
#define NAME32(np, nq) tile_##np##_##nq##x32,
    static tile_fixed *const narrow[MR_NARROW] = { UP_TO_28(NAME16) }, *const wide[MR] = { UP_TO_14(NAME32) };

    assert(np >= 1 && np + nq <= (filters <= 16 ? MR_NARROW : MR) && (nq == np || nq == np - 1) && filters >= 1 && filters <= NR);
    if (filters <= 16)
        narrow[np + nq - 1](filters, g);
    else
        wide[np + nq - 1](filters, g);
}

const struct kernel_isa rs_kernel_isa_avx512vnni = {
    .mr = MR, .mr_narrow = MR_NARROW, .nr = NR, .kr = 4, .narrow = 16, .element_bytes = 1, .offset = 128, .tile = any_tile,
    .copy = copy, .row = rs_gemv_s8__avx512vnni, .dw = RS_DEPTHWISE_ISA_AVX512VNNI,
};
#else
typedef int rs_gemm_s8_ukr_14x32__avx512vnni_is_empty;
#endif
