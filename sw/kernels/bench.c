/* bench.c - 17 layers of known networks, timed; see bench.h. */
#include "bench.h"
#include "check.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONV(name_, h_, c_, m_, r_, stride_, before, after, e_)                                                   \
    { .name = name_, .kind = RS_BENCH_CONV,                                                                      \
      .sh = { .n = 1, .h = h_, .w = h_, .c = c_, .m = m_, .r = r_, .s = r_, .stride_h = stride_, .stride_w = stride_, \
              .dilation_h = 1, .dilation_w = 1, .pad_top = before, .pad_bottom = after, .pad_left = before,       \
              .pad_right = after, .e = e_, .f = e_ },                                                            \
      .macs = (int64_t)(e_) * (e_) * (m_) * (r_) * (r_) * (c_) }
#define DEPTHWISE(name_, h_, w_, c_)                                                                              \
    { .name = name_, .kind = RS_BENCH_DEPTHWISE,                                                                 \
      .sh = { .n = 1, .h = h_, .w = w_, .c = c_, .m = c_, .r = 3, .s = 3, .stride_h = 1, .stride_w = 1,           \
              .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1,     \
              .e = h_, .f = w_ },                                                                                \
      .macs = (int64_t)(h_) * (w_) * (c_) * 9 }
#define GEMM(size)                                                                                                \
    { .name = "gemm_" #size, .kind = RS_BENCH_GEMM,                                                              \
      .sh = { .n = 1, .h = 1, .w = size, .c = size, .m = size, .r = 1, .s = 1, .stride_h = 1, .stride_w = 1,      \
              .dilation_h = 1, .dilation_w = 1, .e = 1, .f = size },                                             \
      .macs = (int64_t)(size) * (size) * (size) }

static const struct rs_bench_workload workloads[] = {
    CONV("r50_conv2_3x3_56x56x64", 56, 64, 64, 3, 1, 1, 1, 56),
    CONV("r50_conv2_1x1_56x56x64_256", 56, 64, 256, 1, 1, 0, 0, 56),
    CONV("r50_conv4_3x3_14x14x256", 14, 256, 256, 3, 1, 1, 1, 14),
    CONV("r50_conv5_3x3_7x7x512", 7, 512, 512, 3, 1, 1, 1, 7),
    CONV("r50_conv1_7x7s2_224x224x3_64", 224, 3, 64, 7, 2, 3, 3, 112),
    DEPTHWISE("mbv1_dw3x3_112x112x32", 112, 112, 32),
    DEPTHWISE("mbv1_dw3x3_14x14x512", 14, 14, 512),
    CONV("mbv1_pw_14x14x512_512", 14, 512, 512, 1, 1, 0, 0, 14),
    CONV("rn8_3x3_32x32x16", 32, 16, 16, 3, 1, 1, 1, 32),
    CONV("rn8_3x3_16x16x32", 16, 32, 32, 3, 1, 1, 1, 16),
    CONV("rn8_3x3_8x8x64", 8, 64, 64, 3, 1, 1, 1, 8),
    { .name = "dscnn_10x4s2_49x10x1_64", .kind = RS_BENCH_CONV,
      .sh = { .n = 1, .h = 49, .w = 10, .c = 1, .m = 64, .r = 10, .s = 4, .stride_h = 2, .stride_w = 2,
              .dilation_h = 1, .dilation_w = 1, .pad_top = 4, .pad_bottom = 5, .pad_left = 1, .pad_right = 1,
              .e = 25, .f = 5 },
      .macs = (int64_t)25 * 5 * 64 * 40 },
    DEPTHWISE("dscnn_dw3x3_25x5x64", 25, 5, 64),
    { .name = "dscnn_pw_25x5x64_64", .kind = RS_BENCH_CONV,
      .sh = { .n = 1, .h = 25, .w = 5, .c = 64, .m = 64, .r = 1, .s = 1, .stride_h = 1, .stride_w = 1,
              .dilation_h = 1, .dilation_w = 1, .e = 25, .f = 5 },
      .macs = (int64_t)25 * 5 * 64 * 64 },
    GEMM(256), GEMM(512), GEMM(1024),
};

int rs_bench_count(void)
{
    return (int)(sizeof workloads / sizeof workloads[0]);
}

const struct rs_bench_workload *rs_bench_workload_at(int index)
{
    return index >= 0 && index < rs_bench_count() ? &workloads[index] : NULL;
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void rs_bench_layer_destroy(struct rs_bench_layer *l)
{
    if (l == NULL)
        return;
    rs_pool_destroy(l->pool);
    free(l->ifmap);
    free(l->filter);
    free(l->ofmap);
    free(l->bias);
    free(l->mult);
    free(l->shift);
    free(l->scale);
    free(l->packed);
    free(l->scratch);
    free(l);
}

/* xorshift; the values do not matter, but all of the code range should occur. */
static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void *aligned(size_t bytes)
{
    return aligned_alloc(RS_PACK_ALIGNMENT, (bytes + RS_PACK_ALIGNMENT - 1) / RS_PACK_ALIGNMENT * RS_PACK_ALIGNMENT);
}

/* Memory and data; l is zero but for its workload.  On failure the caller still frees it. */
static rs_status layer_make(struct rs_bench_layer *l, int threads, struct rs_error *err)
{
    const struct rs_conv_shape *sh = &l->workload->sh;
    const bool depthwise = l->workload->kind == RS_BENCH_DEPTHWISE;
    const size_t in = (size_t)sh->h * (size_t)sh->w * (size_t)sh->c, m = (size_t)sh->m;
    const size_t taps = (size_t)sh->r * (size_t)sh->s * (depthwise ? 1 : (size_t)sh->c);
    uint32_t state = 12345;

    RS_TRY(rs_pool_create(threads, &l->pool, err));
    l->ifmap = aligned(in);
    l->filter = aligned(taps * m);
    l->ofmap = aligned((size_t)sh->e * (size_t)sh->f * m);
    l->bias = aligned(4 * m);
    l->mult = aligned(4 * m);
    l->shift = aligned(4 * m);
    l->scale = aligned(4 * m);
    if (l->ifmap == NULL || l->filter == NULL || l->ofmap == NULL || l->bias == NULL || l->mult == NULL ||
        l->shift == NULL || l->scale == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "bench: no memory for %s", l->workload->name);
    for (size_t i = 0; i < in; i++)
        l->ifmap[i] = (int8_t)(next(&state) >> 24);
    for (size_t i = 0; i < taps * m; i++)
        l->filter[i] = (int8_t)((int)(next(&state) % 255) - 127);
    for (size_t i = 0; i < m; i++) {
        int shift;

        l->bias[i] = (int32_t)(next(&state) % 20001) - 10000;
        RS_TRY(rs_quantize_multiplier(0.01 / sqrt((double)taps) * (1.0 + 0.001 * (double)(next(&state) % 1000)),
                                      &l->mult[i], &shift, err));
        l->shift[i] = shift;
        l->scale[i] = (float)ldexp((double)l->mult[i], shift - 31);
    }
    l->q = (struct rs_quant){ .zp_in = -5, .zp_out = 7, .act_min = -128, .act_max = 127, .count = sh->m,
                              .mult = l->mult, .shift = l->shift };

    RS_TRY(depthwise ? rs_depthwise_conv2d_s8_pack_bytes(sh, &l->sizes, err)
                     : rs_conv2d_s8_pack_bytes(sh, &l->sizes, err));
    l->sizes.scratch_bytes = (l->sizes.scratch_bytes + RS_PACK_ALIGNMENT - 1) / RS_PACK_ALIGNMENT * RS_PACK_ALIGNMENT;
    l->packed = aligned(l->sizes.packed_bytes);
    l->scratch = aligned(l->sizes.scratch_bytes * (size_t)threads);
    if (l->packed == NULL || l->scratch == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "bench: no memory for %s packed", l->workload->name);
    return depthwise ? rs_depthwise_conv2d_s8_pack(sh, l->filter, l->bias, &l->q, l->packed, l->sizes.packed_bytes, err)
                     : rs_conv2d_s8_pack(sh, l->filter, l->bias, &l->q, l->packed, l->sizes.packed_bytes, err);
}

rs_status rs_bench_layer_create(int index, int threads, struct rs_bench_layer **layer, struct rs_error *err)
{
    const struct rs_bench_workload *w = rs_bench_workload_at(index);
    struct rs_bench_layer *l = calloc(1, sizeof *l);
    rs_status status;

    if (layer != NULL)
        *layer = NULL;
    if (w == NULL || layer == NULL || l == NULL) {
        free(l);
        return w == NULL || layer == NULL ? rs_fail(err, RS_ERR_ARG, "bench: no workload %d, or null output", index)
                                          : rs_fail(err, RS_ERR_NOMEM, "bench: no memory");
    }
    l->workload = w;
    status = layer_make(l, threads, err);
    if (status != RS_OK)
        rs_bench_layer_destroy(l);
    else
        *layer = l;
    return status;
}

rs_status rs_bench_layer_run(struct rs_bench_layer *l, struct rs_error *err)
{
    return rs_packed_run_pool(l->packed, l->ifmap, l->ofmap, l->pool, l->scratch,
                              l->sizes.scratch_bytes * (size_t)rs_pool_threads(l->pool), err);
}

static rs_status layer_run(struct rs_bench_layer *l, bool reference, struct rs_error *err)
{
    const struct rs_conv_shape *sh = &l->workload->sh;

    if (!reference)
        return rs_bench_layer_run(l, err);
    return l->workload->kind == RS_BENCH_DEPTHWISE
               ? rs_depthwise_conv2d_s8_ref(sh, l->ifmap, l->filter, l->bias, &l->q, l->ofmap, err)
               : rs_conv2d_s8_ref(sh, l->ifmap, l->filter, l->bias, &l->q, l->ofmap, err);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum { SAMPLES = 64 };

/* Samples of about 200 us, each followed by a burst of the peak. */
static rs_status measure(struct rs_bench_layer *l, bool reference, double seconds, struct rs_bench_result *result, struct rs_error *err)
{
    double ns[SAMPLES], ratio[SAMPLES], t0 = now_ns();
    int samples = 0;

    RS_TRY(layer_run(l, reference, err));         /* warm, and how many calls make a sample */

    const double one = now_ns() - t0;
    const int64_t calls = one > 200e3 ? 1 : (int64_t)(200e3 / (one > 50.0 ? one : 50.0)) + 1;
    const double budget = seconds * 1e9;
    double spent = 0.0;

    do {
        t0 = now_ns();
        for (int64_t i = 0; i < calls; i++)
            RS_TRY(layer_run(l, reference, err));

        const double took = now_ns() - t0;
        double peak = 0.0;

        for (int i = 0; i < 3; i++)    /* the best of three: a burst may be interrupted */
            peak = fmax(peak, rs_bench_peak_macs_per_ns());

        spent += took;
        ns[samples % SAMPLES] = took / (double)calls;
        ratio[samples % SAMPLES] = peak > 0.0 ? (double)l->workload->macs * (double)calls / took / peak : 0.0;
        samples++;
    } while (spent < budget);

    const int kept = samples < SAMPLES ? samples : SAMPLES;

    qsort(ns, (size_t)kept, sizeof ns[0], by_value);
    qsort(ratio, (size_t)kept, sizeof ratio[0], by_value);
    *result = (struct rs_bench_result){
        .ns = ns[kept / 2], .best_ns = ns[0], .peak_ratio = ratio[kept / 2], .calls = (int64_t)samples * calls,
        .packed_bytes = l->sizes.packed_bytes, .scratch_bytes = l->sizes.scratch_bytes,
    };
    return RS_OK;
}

rs_status rs_bench_run(int index, bool reference, double seconds, struct rs_bench_result *result,
                       struct rs_error *err)
{
    struct rs_bench_layer *l;
    rs_status status;

    if (result == NULL)
        return rs_fail(err, RS_ERR_ARG, "bench: null output");
    if (!(seconds > 0.0 && seconds <= 60.0))
        return rs_fail(err, RS_ERR_RANGE, "bench: %g seconds, must be in (0, 60]", seconds);
    RS_TRY(rs_bench_layer_create(index, 1, &l, err));
    status = measure(l, reference, seconds, result, err);
    rs_bench_layer_destroy(l);
    return status;
}
