/*
 * bench.h - how fast the kernels are: 17 layers of known networks, timed on this machine.
 *
 * The layers and the way of measuring are those under which other libraries were measured (README, docs): batch 1,
 * warm caches, one layer called again and again on the same buffers, packed filters, bias and requantization
 * included, int8 in and out with zero points, per-channel multipliers.
 */
#ifndef RS_KERNELS_BENCH_H
#define RS_KERNELS_BENCH_H
#include "pack.h"
#include "pool.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rs_bench_kind { RS_BENCH_CONV, RS_BENCH_DEPTHWISE, RS_BENCH_GEMM };

struct rs_bench_workload {
    const char *name;                  /* "r50_conv2_3x3_56x56x64", ...                              */
    enum rs_bench_kind kind;
    struct rs_conv_shape sh;           /* GEMM: a 1x1 convolution of M pixels, C = K, M = N           */
    int64_t macs;                      /* nominal: padding taps counted                              */
};

struct rs_bench_result {
    double ns;                         /* of one call, median of the samples                         */
    double best_ns;                    /* least sample                                               */
    double peak_ratio;                 /* of the VPDPBUSD rate measured right after each sample, median; 0 if the */
                                       /* machine has none                                           */
    int64_t calls;
    size_t packed_bytes, scratch_bytes;
};

/* A workload with its data, packed for the instruction set in force; for comparisons with other libraries. */
struct rs_bench_layer {
    const struct rs_bench_workload *workload;
    int8_t *ifmap, *filter, *ofmap;    /* GEMM: filter [N][K]                                          */
    int32_t *bias, *mult, *shift;
    float *scale;                      /* [M], mult * 2^(shift - 31)                                   */
    struct rs_quant q;
    struct rs_pack_sizes sizes;
    void *packed, *scratch;
    struct rs_pool *pool;
};

/**
 * rs_bench_layer_create() - random codes, the same on each call, per-channel multipliers, zero points -5 and 7.
 *
 * @threads: [1, 256].  Errors: as rs_bench_run() and rs_pool_create().
 */
RS_MUST_CHECK
rs_status rs_bench_layer_create(int index, int threads, struct rs_bench_layer **layer, struct rs_error *err);
void rs_bench_layer_destroy(struct rs_bench_layer *layer);             /* NULL is allowed */

/* One run, on the layer's threads, into layer->ofmap. */
RS_MUST_CHECK
rs_status rs_bench_layer_run(struct rs_bench_layer *layer, struct rs_error *err);

int rs_bench_count(void);
/* NULL past the last. */
const struct rs_bench_workload *rs_bench_workload_at(int index);

/**
 * rs_bench_run() - time one workload on the instruction set in force, one thread, for about @seconds.
 *
 * Time is the thread's CPU time: other processes take none of it, but share the caches.
 * @seconds: (0, 60].  @reference: time the _ref function instead (at least one call).
 * Errors: RS_ERR_ARG, RS_ERR_RANGE, RS_ERR_NOMEM, and those of rs_isa_current().  Allocates, and frees all of it.
 */
RS_MUST_CHECK
rs_status rs_bench_run(int index, bool reference, double seconds, struct rs_bench_result *result,
                       struct rs_error *err);

/* int8 multiply-accumulates a nanosecond of VPDPBUSD on registers, by a burst of some 16 us; 0 without AVX-512 VNNI. */
double rs_bench_peak_macs_per_ns(void);

/* Bytes a nanosecond that 64-byte loads, which do nothing else, get of @bytes bytes read over and over (some 20 us); 0 likewise. */
double rs_bench_load_bytes_per_ns(const void *from, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
