/*
 * gemm_s8_ukr_6x16__avx2.c - int8 GEMM tile with VPMADDWD, exact.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[i][k] * b[k][j]        i < np + nq <= 6, j < 16
 *
 * Operands are int16: activations less zp_in (9 bits), and filters.  VPMADDWD adds two 17-bit products in 32 bits:
 * nothing can saturate, unlike VPMADDUBSW, whose 16-bit sums do.  12 accumulators, 2 registers of b, 1 of a, 1
 * product: all 16.  Layouts: packed.h, kr = 2.
 */
#if defined(__x86_64__)
#include "fixedpoint.h"
#include "depthwise_isa.h"
#include "packed.h"
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { MR = 6, NR = 16 };

TARGET static void copy(const struct packed_layer *l, const int8_t *src, int64_t count, void *a)
{
    const __m256i zp = _mm256_set1_epi16((short)l->zp_in);
    int16_t *dst = a;
    int64_t i = 0;

    if (src == NULL) {
        memset(dst, 0, (size_t)count * sizeof *dst);
        return;
    }
    for (; i + 16 <= count; i += 16) {
        const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(src + i));

        _mm256_storeu_si256((__m256i *)(void *)(dst + i), _mm256_sub_epi16(_mm256_cvtepi8_epi16(x), zp));
    }
    for (; i < count; i++)
        dst[i] = (int16_t)(src[i] - l->zp_in);
}

/* 8 lanes of gemmlowp's double rounding; see gemm_s8_ukr_14x32__avx512vnni.c.  @rounds: -1 where right > 0. */
INLINE __m256i requantize8(__m256i acc, __m256i mult, __m256i half, __m256i right, __m256i rounds)
{
    const __m256i nudge = _mm256_set1_epi64x(1 << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(acc, mult), nudge);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(acc, 32), _mm256_srli_epi64(mult, 32)),
                                         nudge);
    __m256i y = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_add_epi64(odd, odd), 0xAA);

    y = _mm256_add_epi32(y, _mm256_and_si256(rounds, _mm256_srai_epi32(y, 31)));
    return _mm256_srav_epi32(_mm256_add_epi32(y, half), right);
}

INLINE int load32(const char *p)
{
    int x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* np and nq are constants at every use: all loops over them unroll. */
INLINE void tile(const int np, const int nq, int filters, const struct gemm_operands *g)
{
    const struct stage *stage = g->stage;
    const struct stage_common *c = g->common;
    const int mr = np + nq;
    const char *b = g->b;
    __m256i acc[MR][2];

#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
        acc[i][0] = _mm256_loadu_si256((const __m256i *)(const void *)g->bias);
        acc[i][1] = _mm256_loadu_si256((const __m256i *)(const void *)(g->bias + 8));
    }
    for (int64_t run = 0; run < g->runs; run++) {
        const char *p = g->p + g->run_offset[run], *q = g->q + g->run_offset[run], *end = p + 4 * g->run_steps;

        for (; p != end; p += 4, q += 4, b += 64) {
            const __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)b);
            const __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)(b + 32));

#pragma GCC unroll 6
            for (int i = 0; i < mr; i++) {
                const size_t at = (size_t)(i < np ? i : i - np) * g->step;
                const __m256i x = _mm256_set1_epi32(load32(i < np ? p + at : q + at));

                acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(x, w0));
                acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(x, w1));
            }
        }
    }

    if (c->mode != STAGE_DOUBLE) {
        int32_t plain[MR][GEMM_MAX_NR];

#pragma GCC unroll 6
        for (int i = 0; i < mr; i++) {
            _mm256_storeu_si256((__m256i *)(void *)&plain[i][0], acc[i][0]);
            _mm256_storeu_si256((__m256i *)(void *)&plain[i][8], acc[i][1]);
        }
        rs_stage_general(np, filters, plain[0], stage, c, g->out_p, g->row_elements);
        if (nq > 0)
            rs_stage_general(nq, filters, plain[np], stage, c, g->out_q, g->row_elements);
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
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
        const __m256i y0 = requantize8(acc[i][0], mult[0], half[0], right[0], rounds[0]);
        const __m256i y1 = requantize8(acc[i][1], mult[1], half[1], right[1], rounds[1]);
        /* packs works in 128-bit halves: y0 low, y1 low | y0 high, y1 high */
        const __m256i h = _mm256_adds_epi16(_mm256_permute4x64_epi64(_mm256_packs_epi32(y0, y1), 0xD8), zp);
        __m128i codes = _mm_packs_epi16(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
        int8_t *row = (int8_t *)(i < np ? g->out_p : g->out_q) + (size_t)(i < np ? i : i - np) * g->row_elements;

        codes = _mm_min_epi8(_mm_max_epi8(codes, act_min), act_max);
        if (filters == NR) {
            _mm_storeu_si128((__m128i *)(void *)row, codes);
        } else {
            int8_t plain[NR];

            _mm_storeu_si128((__m128i *)(void *)plain, codes);
            for (int j = 0; j < filters; j++)
                row[j] = plain[j];
        }
    }
}

#define TILE(np, nq) \
    TARGET static void tile_##np##_##nq(int filters, const struct gemm_operands *g) { tile(np, nq, filters, g); }
TILE(1, 0) TILE(1, 1) TILE(2, 1) TILE(2, 2) TILE(3, 2) TILE(3, 3)

static void any_tile(int np, int nq, int filters, const struct gemm_operands *g)
{
    typedef void tile_fixed(int, const struct gemm_operands *);
    static tile_fixed *const tiles[MR] = { tile_1_0, tile_1_1, tile_2_1, tile_2_2, tile_3_2, tile_3_3 };

    assert(np >= 1 && np <= MR / 2 && (nq == np || nq == np - 1) && filters >= 1 && filters <= NR);
    tiles[np + nq - 1](filters, g);
}

const struct kernel_isa rs_kernel_isa_avx2 = {
    .mr = MR, .nr = NR, .kr = 2, .narrow = NR, .element_bytes = 2, .offset = 0, .tile = any_tile, .copy = copy,
    .dw = RS_DEPTHWISE_ISA_AVX2,
};
#else
typedef int rs_gemm_s8_ukr_6x16__avx2_is_empty;
#endif
