/*
 * gemm_s8_ukr_8x8__neon.c - int8 GEMM tile for AArch64 without the dot-product instructions.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[i][k] * b[k][j]        i < np + nq <= 8, j < 8
 *
 * Operands are int16, activations less zp_in (9 bits): SMLAL adds a 25-bit product to 32 bits, nothing can saturate.
 * 16 accumulators, 8 registers of a (four depth steps of a pixel each), 1 of b.  Layouts: packed.h, kr = 1.
 */
#if defined(__aarch64__)
#include "depthwise_isa.h"
#include "fixedpoint.h"
#include "packed.h"
#include "requantize__neon.h"
#include <string.h>

#define INLINE __attribute__((always_inline)) static inline

enum { MR = 8, NR = 8, AT_ONCE = 4 };

static void run(const struct packed_layer *l, const int8_t *src, int64_t count, void *a)
{
    const int16x8_t zp = vdupq_n_s16((int16_t)l->zp_in);
    int16_t *dst = a;
    int64_t i = 0;

    if (src == NULL) {
        memset(dst, 0, (size_t)count * sizeof *dst);
        return;
    }
    for (; i + 8 <= count; i += 8)
        vst1q_s16(dst + i, vsubq_s16(vmovl_s8(vld1_s8(src + i)), zp));
    for (; i < count; i++)
        dst[i] = (int16_t)(src[i] - l->zp_in);
}

static void copy(const struct packed_layer *l, const struct copy *c)
{
    copy_by_runs(run, sizeof(int16_t), l, c);
}

/* np and nq are constants at every use: all loops over them unroll. */
INLINE void tile(const int np, const int nq, int filters, const struct gemm_operands *g)
{
    const int mr = np + nq;
    const int16_t *b = (const int16_t *)(const void *)g->b;
    int32x4_t acc[MR][2];

#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        acc[i][0] = vld1q_s32(g->bias);
        acc[i][1] = vld1q_s32(g->bias + 4);
    }
    for (int64_t run = 0; run < g->runs; run++) {
        const char *p = g->p + g->run_offset[run], *q = g->q + g->run_offset[run];
        int64_t steps = g->run_steps;

#define A(i) ((const int16_t *)(const void *)((i) < np ? p + (size_t)(i) * g->step : q + (size_t)((i) - np) * g->step))
#define STEP(lane) do {                                                                     \
            const int16x8_t w = vld1q_s16(b + NR * (lane));                                 \
                                                                                            \
            _Pragma("GCC unroll 8")                                                         \
            for (int i = 0; i < mr; i++) {                                                  \
                acc[i][0] = vmlal_lane_s16(acc[i][0], vget_low_s16(w), x[i], lane);         \
                acc[i][1] = vmlal_lane_s16(acc[i][1], vget_high_s16(w), x[i], lane);        \
            }                                                                               \
        } while (0)
        for (; steps >= AT_ONCE; steps -= AT_ONCE, p += 2 * AT_ONCE, q += 2 * AT_ONCE, b += NR * AT_ONCE) {
            int16x4_t x[MR];

#pragma GCC unroll 8
            for (int i = 0; i < mr; i++)
                x[i] = vld1_s16(A(i));
            STEP(0);
            STEP(1);
            STEP(2);
            STEP(3);
        }
        for (; steps > 0; steps--, p += 2, q += 2, b += NR) {
            int16x4_t x[MR];

#pragma GCC unroll 8
            for (int i = 0; i < mr; i++)
                x[i] = vld1_dup_s16(A(i));
            STEP(0);
        }
#undef STEP
#undef A
    }

    if (g->common->mode != STAGE_DOUBLE) {
        int32_t plain[MR][GEMM_MAX_NR];

#pragma GCC unroll 8
        for (int i = 0; i < mr; i++) {
            vst1q_s32(&plain[i][0], acc[i][0]);
            vst1q_s32(&plain[i][4], acc[i][1]);
        }
        rs_stage_general(np, filters, plain[0], g->stage, g->common, g->out_p, g->row_elements);
        if (nq > 0)
            rs_stage_general(nq, filters, plain[np], g->stage, g->common, g->out_q, g->row_elements);
        return;
    }
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        int8_t *row = (int8_t *)(i < np ? g->out_p : g->out_q) + (size_t)(i < np ? i : i - np) * g->row_elements;

        store_codes(requantize8(acc[i], g->stage, 0, g->common), filters, row);
    }
}

#define TILE(np, nq) static void tile_##np##_##nq(int filters, const struct gemm_operands *g) { tile(np, nq, filters, g); }
TILE(1, 0) TILE(1, 1) TILE(2, 1) TILE(2, 2) TILE(3, 2) TILE(3, 3) TILE(4, 3) TILE(4, 4)

static void strip(int np, int nq, int filters, const struct gemm_operands *g)
{
    static gemm_tile *const tiles[MR] = { tile_1_0, tile_1_1, tile_2_1, tile_2_2, tile_3_2, tile_3_3, tile_4_3, tile_4_4 };

    assert(np >= 1 && np <= MR / 2 && (nq == np || nq == np - 1) && filters >= 1 && filters <= NR);
    gemm_each_tile(tiles[np + nq - 1], filters, g);
}

const struct kernel_isa rs_kernel_isa_neon = {
    .mr = MR, .nr = NR, .kr = 1, .narrow = NR, .element_bytes = 2, .offset = 0, .strip = strip, .copy = copy,
    .dw = RS_DEPTHWISE_ISA_NEON,
};
#else
typedef int rs_gemm_s8_ukr_8x8__neon_is_empty;
#endif
