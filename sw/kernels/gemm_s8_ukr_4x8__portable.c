/*
 * gemm_s8_ukr_4x8__portable.c - int8 GEMM tile in portable C.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[i][k] * b[k][j]        i < np + nq <= 4, j < 8
 *
 * Operands are int16, activations less zp_in: a compiler turns the inner loop into 16-bit multiplies.  Layouts:
 * packed.h, kr = 1.
 */
#include "depthwise_isa.h"
#include "fixedpoint.h"
#include "packed.h"
#include <string.h>

enum { MR = 4, NR = 8 };

static void run(const struct packed_layer *l, const int8_t *src, int64_t count, void *a)
{
    int16_t *dst = a;

    if (src == NULL) {
        memset(dst, 0, (size_t)count * sizeof *dst);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        dst[i] = (int16_t)(src[i] - l->zp_in);
}

static void copy(const struct packed_layer *l, const struct copy *c)
{
    copy_by_runs(run, sizeof(int16_t), l, c);
}

/* @pixels is a constant at every use, so that the accumulators can be registers. */
static inline void group(const int pixels, int filters, const struct gemm_operands *g, const char *first, void *out)
{
    int32_t acc[MR / 2][NR], wide[MR / 2][GEMM_MAX_NR];
    const int16_t *b = (const int16_t *)(const void *)g->b;
    const size_t step = g->step / 2;

    for (int i = 0; i < pixels; i++)
        for (int j = 0; j < NR; j++)
            acc[i][j] = g->bias[j];
    for (int64_t run = 0; run < g->runs; run++) {
        const int16_t *a = (const int16_t *)(const void *)(first + g->run_offset[run]), *end = a + g->run_steps;

        for (; a != end; a++, b += NR)
            for (int i = 0; i < pixels; i++)
                for (int j = 0; j < NR; j++)
                    acc[i][j] += a[(size_t)i * step] * b[j];
    }
    for (int i = 0; i < pixels; i++)
        memcpy(wide[i], acc[i], sizeof acc[i]);
    rs_stage_general(pixels, filters, wide[0], g->stage, g->common, out, g->row_elements);
}

static void any_group(int64_t pixels, int filters, const struct gemm_operands *g, const char *first, void *out)
{
    if (pixels == 2)
        group(2, filters, g, first, out);
    else if (pixels == 1)
        group(1, filters, g, first, out);
}

#define TILE(np, nq)                                                                  \
    static void tile_##np##_##nq(int filters, const struct gemm_operands *g)          \
    {                                                                                 \
        any_group(np, filters, g, g->p, g->out_p);                                    \
        any_group(nq, filters, g, g->q, g->out_q);                                    \
    }
TILE(1, 0) TILE(1, 1) TILE(2, 1) TILE(2, 2)

static void strip(int np, int nq, int filters, const struct gemm_operands *g)
{
    static gemm_tile *const tiles[MR] = { tile_1_0, tile_1_1, tile_2_1, tile_2_2 };

    assert(np >= 1 && np <= MR / 2 && (nq == np || nq == np - 1) && filters >= 1 && filters <= NR);
    gemm_each_tile(tiles[np + nq - 1], filters, g);
}

const struct kernel_isa rs_kernel_isa_portable = {
    .mr = MR, .nr = NR, .kr = 1, .narrow = NR, .element_bytes = 2, .offset = 0, .strip = strip, .copy = copy,
    .dw = RS_DEPTHWISE_ISA_PORTABLE,
};
