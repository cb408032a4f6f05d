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
#include "depthwise_isa.h"
#include "store__avx2.h"
#include "winograd.h"
#include <assert.h>
#include <string.h>

enum { MR = 6, NR = 16 };

AVX2 static void run(const struct packed_layer *l, const int8_t *src, int64_t count, void *a)
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

static void copy(const struct packed_layer *l, const struct copy *c)
{
    copy_by_runs(run, sizeof(int16_t), l, c);
}

AVX2_INLINE int load32(const char *p)
{
    int x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* np and nq are constants at every use: all loops over them unroll. */
AVX2_INLINE void tile(const int np, const int nq, int filters, const struct gemm_operands *g)
{
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

    const struct rows to = { g->out_p, g->out_q, g->row_elements };

    store(np, nq, filters, acc, g->stage, g->common, &to);
}

#define TILE(np, nq) \
    AVX2 static void tile_##np##_##nq(int filters, const struct gemm_operands *g) { tile(np, nq, filters, g); }
TILE(1, 0) TILE(1, 1) TILE(2, 1) TILE(2, 2) TILE(3, 2) TILE(3, 3)

static void strip(int np, int nq, int filters, const struct gemm_operands *g)
{
    static gemm_tile *const tiles[MR] = { tile_1_0, tile_1_1, tile_2_1, tile_2_2, tile_3_2, tile_3_3 };

    assert(np >= 1 && np <= MR / 2 && (nq == np || nq == np - 1) && filters >= 1 && filters <= NR);
    gemm_each_tile(tiles[np + nq - 1], filters, g);
}

const struct kernel_isa rs_kernel_isa_avx2 = {
    .mr = MR, .nr = NR, .kr = 2, .narrow = NR, .element_bytes = 2, .offset = 0, .lines = true, .rounds_down = true, .strip = strip, .copy = copy,
    .dw = RS_DEPTHWISE_ISA_AVX2, .winograd = RS_WINOGRAD_AVX2,
};
#else
typedef int rs_gemm_s8_ukr_6x16__avx2_is_empty;
#endif
