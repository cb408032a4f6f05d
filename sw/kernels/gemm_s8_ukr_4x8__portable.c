/*
 * gemm_s8_ukr_4x8__portable.c - int8 GEMM tile in portable C.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[k][i] * b[k][j]        i < mr <= 4, j < 8
 *
 * Operands are int16, activations less zp_in: a compiler turns the inner loop into 16-bit multiplies.  Layouts:
 * packed.h, kr = 1.
 */
#include "fixedpoint.h"
#include "depthwise_isa.h"
#include "packed.h"

enum { MR = 4, NR = 8 };

struct packer {
    int16_t *row;
    int mr;
    int32_t zp;
};

#define PACK_TARGET
#define PACK_ELEMENT_BYTES 2

static inline size_t pack_offset(int mr, int64_t k);

static inline void pack_copy(struct packer *p, int64_t k, const int8_t *src, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        p->row[pack_offset(p->mr, k + i) / 2] = (int16_t)(src[i] - p->zp);
}

static inline void pack_fill(struct packer *p, int64_t k, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        p->row[pack_offset(p->mr, k + i) / 2] = 0;
}

#include "gemm_pack_a.inc.h"

static void pack_a(const struct packed_layer *l, const int8_t *ifmap, int64_t first, int mr, void *a)
{
    struct packer p = { NULL, mr, l->zp_in };

    pack_pixels(l, ifmap, first, mr, &p, a);
}

static void tile(int mr, int filters, size_t steps, const void *a, const void *b, const struct stage *stage,
                 const struct stage_common *common, void *out, size_t row_elements)
{
    enum { CHUNK = GEMM_CHUNK / 2 };
    int32_t acc[MR][GEMM_MAX_NR];
    const int16_t *pa = a, *pb = b;

    assert(mr >= 1 && mr <= MR && filters >= 1 && filters <= NR);
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < NR; j++)
            acc[i][j] = stage->bias[j];
    for (size_t k = 0; k < steps; k++, pb += NR) {
        const int16_t *ak = pa + k / CHUNK * (size_t)mr * CHUNK + k % CHUNK;

        for (int i = 0; i < mr; i++)
            for (int j = 0; j < NR; j++)
                acc[i][j] += (int32_t)ak[i * CHUNK] * pb[j];
    }
    rs_stage_general(mr, filters, acc[0], stage, common, out, row_elements);
}

const struct kernel_isa rs_kernel_isa_portable = {
    .mr = MR, .nr = NR, .kr = 1, .narrow = NR, .element_bytes = 2, .offset = 0, .tile = tile, .pack_a = pack_a,
    .dw = RS_DEPTHWISE_ISA_PORTABLE,
};
