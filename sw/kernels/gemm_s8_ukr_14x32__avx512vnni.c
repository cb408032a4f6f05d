/*
 * gemm_s8_ukr_14x32__avx512vnni.c - int8 GEMM tile with VPDPBUSD.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[i][k] * b[k][j]        i < np + nq <= 14, j < 32; or <= 28, j < 16
 *
 * VPDPBUSD multiplies unsigned by signed bytes, four of each into a 32-bit lane.  Activations are made unsigned by
 * x ^ 0x80 = x + 128, and bias[j] holds -(128 + zp_in) * SUM b[.][j] for it.  Sums wrap modulo 2^32 on the way
 * (the instruction does not saturate), and end in range because the accumulator proper does.
 * 28 accumulators, 1 or 2 registers of b, 1 of a: 31 of 32.  Layouts: packed.h, kr = 4.
 * The output stage is in store__avx512.h; packed.h says why the quick one is exact.
 */
#if defined(__x86_64__)
#include "fixedpoint.h"
#include "depthwise_isa.h"
#include "gemv_isa.h"
#include "packed.h"
#include "store__avx512.h"
#include "winograd.h"
#include <string.h>

enum { MR = 14, MR_NARROW = STORE_MOST, NR = 32 };

/* @count codes of real zero. */
AVX512_INLINE void fill(__m512i zero, int64_t count, char *a)
{
    for (; count >= 64; count -= 64, a += 64)
        _mm512_storeu_si512(a, zero);
    if (count > 0)
        _mm512_mask_storeu_epi8(a, _bzhi_u64(~UINT64_C(0), (unsigned)count), zero);
}

/* @count codes with their sign bits flipped. */
AVX512_INLINE void flip(const int8_t *src, int64_t count, char *a)
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);

    for (; count >= 64; count -= 64, src += 64, a += 64)
        _mm512_storeu_si512(a, _mm512_xor_si512(_mm512_loadu_si512(src), sign));
    if (count > 0) {
        const __mmask64 mask = _bzhi_u64(~UINT64_C(0), (unsigned)count);

        _mm512_mask_storeu_epi8(a, mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, src), sign));
    }
}

AVX512 static void copy(const struct packed_layer *l, const struct copy *c)
{
    const __m512i zero = _mm512_set1_epi8((char)(l->zp_in + 128));
    const int64_t rows = c->rows, before = c->before, inside = c->inside, after = c->after;
    const int8_t *src = c->src;
    char *a = c->a;

    for (int64_t i = 0; i < rows; i++, src += c->src_row, a += c->a_row) {
        fill(zero, before, a);
        flip(src, inside, a + before);
        fill(zero, after, a + before + inside);
    }
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
AVX512_INLINE void sum_one(const int nv, const struct gemm_operands *g, const char *first, __m512i acc[2])
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
        const char *p = first + g->run_offset[run], *end = p + 4 * g->run_steps;

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

AVX512_INLINE void tile(const int np, const int nq, const int nv, int filters, const struct gemm_operands *g, const char *first_p,
                        const char *first_q, const struct rows *to)
{
    const int mr = np + nq;
    const char *b = g->b;
    __m512i acc[MR_NARROW][2];
    size_t at[SHARED];

#pragma GCC unroll 7
    for (int i = 0; i < np && i < SHARED; i++)
        at[i] = (size_t)i * g->step;
    if (mr == 1) {
        sum_one(nv, g, first_p, acc[0]);
    } else {
#pragma GCC unroll 28
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
            for (int v = 0; v < nv; v++)
                acc[i][v] = _mm512_loadu_si512(g->bias + 16 * v);

        for (int64_t run = 0; run < g->runs; run++) {
            const char *p = first_p + g->run_offset[run], *q = first_q + g->run_offset[run], *end = p + 4 * g->run_steps;
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
    store(np, nq, nv, filters, acc, g->stage, g->common, to);
}

AVX512_INLINE void tiles(const int np, const int nq, const int nv, int filters, const struct gemm_operands *g)
{
    for (int64_t row = 0; row < g->rows; row++) {
        const char *p = g->p + row * g->row_bytes, *q = g->q + row * g->row_bytes;
        struct rows to = { (char *)g->out_p + row * g->out_row_bytes, (char *)g->out_q + row * g->out_row_bytes, g->row_elements };

        for (int64_t i = 0; i < g->tiles; i++) {
            tile(np, nq, nv, filters, g, p, q, &to);
            p += g->tile_bytes;
            q += g->tile_bytes;
            to.p = (char *)to.p + g->out_tile_bytes;
            to.q = (char *)to.q + g->out_tile_bytes;
        }
    }
}

#define TILE16(np, nq)                                                                                             \
    AVX512 static void tile_##np##_##nq##x16(int f, const struct gemm_operands *g) { tiles(np, nq, 1, f, g); }
#define TILE32(np, nq)                                                                                             \
    AVX512 static void tile_##np##_##nq##x32(int f, const struct gemm_operands *g) { tiles(np, nq, 2, f, g); }
#define UP_TO_14(X)                                                                                                 \
    X(1, 0) X(1, 1) X(2, 1) X(2, 2) X(3, 2) X(3, 3) X(4, 3) X(4, 4) X(5, 4) X(5, 5) X(6, 5) X(6, 6) X(7, 6) X(7, 7)
#define UP_TO_28(X)                                                                                                 \
    UP_TO_14(X)                                                                                                     \
    X(8, 7) X(8, 8) X(9, 8) X(9, 9) X(10, 9) X(10, 10) X(11, 10) X(11, 11) X(12, 11) X(12, 12) X(13, 12) X(13, 13)  \
    X(14, 13) X(14, 14)
UP_TO_28(TILE16)
UP_TO_14(TILE32)

static void strip(int np, int nq, int filters, const struct gemm_operands *g)
{
#define NAME16(np, nq) tile_##np##_##nq##x16,
#define NAME32(np, nq) tile_##np##_##nq##x32,
    static gemm_tile *const narrow[MR_NARROW] = { UP_TO_28(NAME16) }, *const wide[MR] = { UP_TO_14(NAME32) };

    assert(np >= 1 && np + nq <= (filters <= 16 ? MR_NARROW : MR) && (nq == np || nq == np - 1) && filters >= 1 && filters <= NR);
    if (filters <= 16)
        narrow[np + nq - 1](filters, g);
    else
        wide[np + nq - 1](filters, g);
}

const struct kernel_isa rs_kernel_isa_avx512vnni = {
    .mr = MR, .mr_narrow = MR_NARROW, .nr = NR, .kr = 4, .narrow = 16, .element_bytes = 1, .offset = 128, .lines = true, .strip = strip,
    .copy = copy, .row = rs_gemv_s8__avx512vnni, .dw = RS_DEPTHWISE_ISA_AVX512VNNI,
    .winograd = RS_WINOGRAD_AVX512VNNI,
};
#else
typedef int rs_gemm_s8_ukr_14x32__avx512vnni_is_empty;
#endif
