/*
 * layer_s16.h - layers of int16 activations inside: what the plain loops and the fast ones share, and what an instruction
 * set brings.  Internal to sw/kernels/.
 *
 * Convolution, 1x1, FC and GEMM are products of rows: an ofmap pixel's codes, in runs of neighbours as in packed.h, by each
 * filter's.  Both lie along the depth, so that nothing is transposed; runs are filled up with filter codes of 0 to whole
 * vectors.
 *
 * Exactness: 16 x 8 bits are 2^22 at most, 16 x 16 bits 2^30.  Two neighbouring products go to one 32-bit lane (VPMADDWD and
 * its kind).  Filters of 16 bits are split, w = 256 * high + low with high in [-128, 127] and low in [0, 255], so that a step
 * adds less than 2^24 to a lane of either sum; after S16_STEPS steps the lanes are added up in 64 bits.
 */
#ifndef RS_KERNELS_LAYER_S16_H
#define RS_KERNELS_LAYER_S16_H
#include "kernels.h"

/* A layer of either kind: @wide: int16 filters and @stage16; else int8 filters and @stage8. */
struct layer_s16 {
    const struct rs_conv_shape *sh;
    bool depthwise, wide;
    const int16_t *ifmap;
    const void *filter;
    int64_t step_m, step_k;            /* filter codes from one channel, one depth to the next (not depthwise) */
    const int64_t *bias;
    const struct rs_quant_s16 *stage8;
    const struct rs_quant_s16s16 *stage16;
    int16_t *ofmap;
};

/* Every guard of a convolution; null and range as kernels.h says. */
rs_status rs_layer_s16_check(const struct layer_s16 *l, const char *what, struct rs_error *err);
rs_status rs_gemm_s16_check(const struct rs_gemm_shape *sh, const int16_t *a, const void *b, bool wide, const int64_t *bias,
                            const int16_t *c, const char *what, struct rs_error *err);

enum { S16_FILTERS = 4, S16_STEPS = 127, S16_MOST_LANES = 32, S16_MOST_PIXELS = 4 };

/* Some pixels, @step codes apart, by S16_FILTERS filters, @filter_codes apart. */
struct s16_products {
    const int16_t *a, *w;
    int64_t step, filter_codes;
    const int64_t *run_offset;         /* [runs], codes of a     */
    int64_t runs, run_steps;           /* vectors in a run       */
};

/* Taps of a depthwise pixel: what stands at channel 0 of each. */
struct s16_taps {
    int64_t taps;                      /* at most S16_STEPS      */
    const int16_t *const *x;
    const void *const *w;              /* int8_t, or int16_t     */
};

struct s16_isa {
    int lanes;                         /* int16 codes in a vector                             */
    int pixels;                        /* of a tile; half as many by filters of 16 bits       */
    /* sum[pixel][filter] = the products of @pixels (as above, or 1) pixels and S16_FILTERS filters. */
    void (*products)(int pixels, bool wide, const struct s16_products *p, int64_t *sum);
    /* sum[0 .. lanes / 2) of channels from @c on. */
    void (*depthwise)(bool wide, const struct s16_taps *t, int64_t c, int64_t *sum);
};
#if defined(__x86_64__)
extern const struct s16_isa rs_s16_isa_avx2, rs_s16_isa_avx512vnni;
#elif defined(__aarch64__)
extern const struct s16_isa rs_s16_isa_neon;
#endif
#endif
