/*
 * random_layer.h - a random layer of a given kind, run on a platform (emu or sim) and compared with
 * the reference kernel, byte by byte.
 */
#ifndef RANDOM_LAYER_H
#define RANDOM_LAYER_H
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "isa.h"
#include "kernels.h"
#include "plan.h"
#include "platform.h"
#include "test.h"

enum layer_kind {
    LAYER_CONV, LAYER_CONV_1X1, LAYER_CONV_FEW_CHANNELS, LAYER_CONV_BIG_FILTER, LAYER_CONV_ADD,
    LAYER_DEPTHWISE, LAYER_DEPTHWISE_MULTIPLIER, LAYER_FC, LAYER_GEMM, LAYER_MAX_POOL,
    LAYER_AVERAGE_POOL, LAYER_S16_S8, LAYER_S16_S16, LAYER_KINDS
};
static const char *const layer_kind_name[LAYER_KINDS] = {
    "conv", "1x1", "few channels", "big filter", "conv+add", "depthwise", "depthwise multiplier",
    "fc", "gemm", "max pool", "average pool", "int16 x int8", "int16 x int16"
};

struct random_layer {
    enum layer_kind kind;
    struct rs_plan_layer layer;
    int8_t  *ifmap, *filter, *residual, *want, *got;       /* int16 elements where layer.type has them */
    int32_t *bias, *mult, *shift;
    int64_t *bias_s64;
    struct rs_add_quant add;
    size_t   ifmap_bytes, ofmap_bytes;
};

/* One of the values that bugs like, or anything in [lo, hi]. */
static int32_t edge_range(int32_t lo, int32_t hi)
{
    static const int32_t edges[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 32, 33, 47, 48, 49, 64, 65};
    const int32_t e = edges[rnd_range(0, (int64_t)(sizeof edges / sizeof edges[0]) - 1)];

    return rnd_range(0, 1) && e >= lo && e <= hi ? e : (int32_t)rnd_range(lo, hi);
}

static int32_t random_zp(void)
{
    static const int32_t edges[] = {-128, 127, 0, -1, 1};

    return rnd_range(0, 1) ? edges[rnd_range(0, 4)] : (int32_t)rnd_range(-128, 127);
}

static void random_layer_free(struct random_layer *l)
{
    free(l->ifmap);
    free(l->filter);
    free(l->residual);
    free(l->want);
    free(l->got);
    free(l->bias);
    free(l->bias_s64);
    free(l->mult);
    free(l->shift);
}

/* The parameters of an int8 layer become those of one of 16 bits; activations and filters are random bytes already. */
static void random_layer_widen(struct random_layer *l, int sparse, int log2_taps)
{
    struct rs_quant *q = &l->layer.quant;
    int16_t *x = (int16_t *)(void *)l->ifmap;

    for (size_t i = 0; i < l->ifmap_bytes / 2; i++)
        x[i] = (int16_t)(sparse == 0 && rnd_range(0, 2) ? 0 : sparse == 1 ? (rnd_range(0, 1) ? INT16_MIN : INT16_MAX)
                                                                         : rnd_range(INT16_MIN, INT16_MAX));
    for (int32_t m = 0; m < l->layer.shape.m; m++) {
        l->bias_s64[m] = rnd_range(0, 9) == 0 ? rnd_range(-(INT64_C(1) << 40), INT64_C(1) << 40) : rnd_range(-2000000, 2000000);
        if (rnd_range(0, 15) == 0)
            l->shift[m] = (int32_t)rnd_range(-31, 7);
    }
    q->zp_in = q->zp_out = 0;
    q->act_min = rnd_range(0, 1) ? INT16_MIN : (int32_t)rnd_range(INT16_MIN, 0);
    q->act_max = rnd_range(0, 1) ? INT16_MAX : (int32_t)rnd_range(0, INT16_MAX);
    l->layer.bias_s64 = rnd_range(0, 5) == 0 ? NULL : l->bias_s64;
    if (l->layer.type == RS_PLAN_S16_S16) {
        l->layer.filter_s16 = (const int16_t *)(const void *)l->filter;
        l->layer.q_shift = rnd_range(0, 5) == 0 ? (int32_t)rnd_range(0, 46) : 14 + log2_taps / 2;
    }
}

/* @max_extent: of H and W; @max_channels: of C and M. */
static void random_layer_make(struct random_layer *l, enum layer_kind kind, int max_extent, int max_channels)
{
    static const int32_t strides[] = {1, 1, 1, 2, 2, 4};
    struct rs_conv_shape *s = &l->layer.shape;
    size_t filters;
    enum rs_plan_type type = kind == LAYER_S16_S8 ? RS_PLAN_S16_S8 : kind == LAYER_S16_S16 ? RS_PLAN_S16_S16 : RS_PLAN_S8;
    size_t element = type == RS_PLAN_S8 ? 1 : 2, weight = type == RS_PLAN_S16_S16 ? 2 : 1;

    memset(l, 0, sizeof *l);
    l->kind = kind;
    l->layer.type = type;
    if (type != RS_PLAN_S8) {                              /* any layer with filters, but no residual */
        kind = (enum layer_kind)rnd_range(LAYER_CONV, LAYER_GEMM - 1);
        kind = kind >= LAYER_CONV_ADD ? (enum layer_kind)(kind + 1) : kind;
    }
    bool pool = kind == LAYER_MAX_POOL || kind == LAYER_AVERAGE_POOL;
    bool depthwise = kind == LAYER_DEPTHWISE || kind == LAYER_DEPTHWISE_MULTIPLIER;

    do {
        const int32_t stride = strides[rnd_range(0, 5)];

        s->n = 1;
        s->h = edge_range(1, max_extent);
        s->w = edge_range(1, max_extent);
        s->c = edge_range(1, max_channels);
        s->m = edge_range(1, max_channels);
        s->r = (int32_t)rnd_range(1, 5);
        s->s = (int32_t)rnd_range(1, 5);
        s->stride_h = s->stride_w = stride;
        s->dilation_h = s->dilation_w = 1;
        s->pad_top = s->pad_left = s->pad_bottom = s->pad_right = 0;
        switch (kind) {
        case LAYER_CONV: case LAYER_CONV_ADD: break;
        case LAYER_CONV_1X1: s->r = s->s = 1; break;
        case LAYER_CONV_FEW_CHANNELS: s->c = (int32_t)rnd_range(1, 4); break;
        case LAYER_CONV_BIG_FILTER: s->r = (int32_t)rnd_range(1, 11); s->s = (int32_t)rnd_range(1, 11); s->c = edge_range(1, max_channels / 2); break;
        case LAYER_DEPTHWISE: s->m = s->c; break;
        case LAYER_DEPTHWISE_MULTIPLIER: s->c = edge_range(1, max_channels / 4); s->m = s->c * (int32_t)rnd_range(2, 4); break;
        case LAYER_FC: s->h = s->w = s->r = s->s = 1; s->stride_h = s->stride_w = 1; s->c = edge_range(1, 4 * max_channels); s->m = edge_range(1, 4 * max_channels); break;
        case LAYER_GEMM: s->n = edge_range(1, 4 * max_extent); s->h = s->w = s->r = s->s = 1; s->stride_h = s->stride_w = 1; s->c = edge_range(1, 2 * max_channels); break;
        case LAYER_MAX_POOL: s->m = s->c; break;
        case LAYER_AVERAGE_POOL: s->m = s->c; break;
        case LAYER_S16_S8: case LAYER_S16_S16: case LAYER_KINDS: break;
        }
        if (kind != LAYER_FC && kind != LAYER_GEMM && kind != LAYER_AVERAGE_POOL && rnd_range(0, 2) != 0) {
            const int32_t most_h = pool ? s->r - 1 : s->r, most_w = pool ? s->s - 1 : s->s;

            s->pad_top = (int32_t)rnd_range(0, most_h);
            s->pad_bottom = (int32_t)rnd_range(0, most_h);
            s->pad_left = (int32_t)rnd_range(0, most_w);
            s->pad_right = (int32_t)rnd_range(0, most_w);
        }
        s->e = (int32_t)rs_conv_out_extent(s->h, s->r, stride, 1, s->pad_top, s->pad_bottom);
        s->f = (int32_t)rs_conv_out_extent(s->w, s->s, stride, 1, s->pad_left, s->pad_right);
    } while (s->e < 1 || s->f < 1);

    l->layer.kind = depthwise ? RS_PLAN_DEPTHWISE : kind == LAYER_MAX_POOL ? RS_PLAN_MAX_POOL
                  : kind == LAYER_AVERAGE_POOL ? RS_PLAN_AVERAGE_POOL : RS_PLAN_CONV;
    filters = pool ? 1 : depthwise ? (size_t)s->r * (size_t)s->s * (size_t)s->m
                                   : (size_t)s->m * (size_t)s->r * (size_t)s->s * (size_t)s->c;
    filters *= weight;
    l->ifmap_bytes = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c * element;
    l->ofmap_bytes = (size_t)s->n * (size_t)s->e * (size_t)s->f * (size_t)s->m * element;
    l->ifmap = malloc(l->ifmap_bytes);
    l->filter = malloc(filters);
    l->residual = malloc(l->ofmap_bytes);
    l->want = malloc(l->ofmap_bytes);
    l->got = malloc(l->ofmap_bytes);
    l->bias = malloc((size_t)s->m * sizeof *l->bias);
    l->bias_s64 = malloc((size_t)s->m * sizeof *l->bias_s64);
    l->mult = malloc((size_t)s->m * sizeof *l->mult);
    l->shift = malloc((size_t)s->m * sizeof *l->shift);

    const int sparse = (int)rnd_range(0, 3);
    const int32_t zp_in = random_zp();
    for (size_t i = 0; i < l->ifmap_bytes; i++)
        l->ifmap[i] = (int8_t)(sparse == 0 && rnd_range(0, 2) ? zp_in : (int32_t)rnd_range(-128, 127));
    for (size_t i = 0; i < filters; i++)
        l->filter[i] = (int8_t)(sparse == 1 ? (rnd_range(0, 1) ? 127 : -127) : (int32_t)rnd_range(-127, 127));
    for (size_t i = 0; i < l->ofmap_bytes; i++)
        l->residual[i] = (int8_t)rnd_range(-128, 127);
    const double taps = depthwise ? s->r * s->s : (double)s->r * s->s * s->c;
    int log2_taps = 0;
    while ((1 << log2_taps) < taps)
        log2_taps++;
    for (int32_t m = 0; m < s->m; m++) {
        l->bias[m] = (int32_t)rnd_range(-20000, 20000);
        l->mult[m] = rnd_range(0, 30) == 0 ? 0 : rnd_range(0, 9) == 0 ? INT32_MAX : (int32_t)rnd_range(1 << 30, INT32_MAX);
        l->shift[m] = -(int32_t)rnd_range(5, 8) - log2_taps / 2 + (rnd_range(0, 15) == 0 ? 7 : 0);
        if (l->shift[m] < -31)
            l->shift[m] = -31;
    }
    struct rs_quant *q = &l->layer.quant;
    q->zp_in = zp_in;
    q->zp_out = random_zp();
    q->act_min = rnd_range(0, 1) ? -128 : (int32_t)rnd_range(-128, 0);
    q->act_max = rnd_range(0, 1) ? 127 : (int32_t)rnd_range(0, 127);
    q->rounding = RS_ROUND_DOUBLE;
    q->count = s->m;
    q->mult = l->mult;
    q->shift = l->shift;
    l->layer.filter = l->filter;
    l->layer.bias = rnd_range(0, 5) == 0 ? NULL : l->bias;
    if (type != RS_PLAN_S8)
        random_layer_widen(l, sparse, log2_taps);
    if (kind == LAYER_CONV_ADD) {
        struct rs_error err;

        if (rs_add_quant_init(0.05f * (float)rnd_range(1, 9), q->zp_out, 0.04f * (float)rnd_range(1, 9), random_zp(),
                              0.05f * (float)rnd_range(3, 12), random_zp(), -128, (int32_t)rnd_range(0, 127),
                              &l->add, &err) != RS_OK)
            abort();
        l->layer.add = &l->add;
    }
}

static rs_status random_layer_reference_s16(struct random_layer *l, struct rs_error *err)
{
    const struct rs_conv_shape *s = &l->layer.shape;
    const struct rs_quant *q = &l->layer.quant;
    const struct rs_quant_s16 per_channel = {.act_min = q->act_min, .act_max = q->act_max, .count = q->count,
                                             .mult = q->mult, .shift = q->shift};
    const struct rs_quant_s16s16 fixed = {.act_min = q->act_min, .act_max = q->act_max, .shift = l->layer.q_shift};
    const int16_t *x = (const int16_t *)(const void *)l->ifmap;
    int16_t *y = (int16_t *)(void *)l->want;

    if (l->layer.type == RS_PLAN_S16_S16)
        return (l->layer.kind == RS_PLAN_DEPTHWISE ? rs_depthwise_conv2d_s16s16_ref : rs_conv2d_s16s16_ref)
               (s, x, l->layer.filter_s16, l->layer.bias_s64, &fixed, y, err);
    return (l->layer.kind == RS_PLAN_DEPTHWISE ? rs_depthwise_conv2d_s16_ref : rs_conv2d_s16_ref)
           (s, x, l->filter, l->layer.bias_s64, &per_channel, y, err);
}

static rs_status random_layer_reference(struct random_layer *l, struct rs_error *err)
{
    const struct rs_conv_shape *s = &l->layer.shape;
    const struct rs_quant *q = &l->layer.quant;
    rs_status status;

    if (l->layer.type != RS_PLAN_S8)
        return random_layer_reference_s16(l, err);
    switch (l->layer.kind) {
    case RS_PLAN_DEPTHWISE:
        return rs_depthwise_conv2d_s8_ref(s, l->ifmap, l->filter, l->layer.bias, q, l->want, err);
    case RS_PLAN_MAX_POOL:
        return rs_max_pool_s8(s, l->ifmap, q->act_min, q->act_max, l->want, err);
    case RS_PLAN_AVERAGE_POOL:
        return rs_average_pool_s8(s, l->ifmap, q->act_min, q->act_max, l->want, err);
    case RS_PLAN_CONV:
        break;
    }
    status = rs_conv2d_s8_ref(s, l->ifmap, l->filter, l->layer.bias, q, l->want, err);
    if (status == RS_OK && l->layer.add != NULL) {
        const struct rs_dims d = {4, {s->n, s->e, s->f, s->m}};

        status = rs_add_s8(&d, l->want, &d, l->residual, &l->add, &d, l->want, err);
    }
    return status;
}

static void random_layer_describe(const struct random_layer *l, char *text, size_t size)
{
    const struct rs_conv_shape *s = &l->layer.shape;

    snprintf(text, size, "%s%s N%d H%d W%d C%d M%d R%d S%d U%d pad %d,%d,%d,%d E%d F%d zp %d,%d",
             layer_kind_name[l->kind], l->layer.type != RS_PLAN_S8 && l->layer.kind == RS_PLAN_DEPTHWISE ? " depthwise" : "", s->n, s->h, s->w, s->c, s->m, s->r, s->s, s->stride_h, s->pad_top,
             s->pad_left, s->pad_bottom, s->pad_right, s->e, s->f, l->layer.quant.zp_in, l->layer.quant.zp_out);
}

/* The platform of one kind and preset, or NULL with the reason. */
static const struct rs_platform_api *platform_open(const char *kind, const char *preset, const char **why)
{
    static char path[512];
    const char *folder = getenv("RS_PLATFORM_PATH");
    const struct rs_platform_api *(*get)(void);
    void *library;

    snprintf(path, sizeof path, "%s/librs_%s_%s.so", folder != NULL ? folder : "build", kind, preset);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        *why = dlerror();
        return NULL;
    }
    *(void **)&get = dlsym(library, "rs_platform_get");
    if (get == NULL) {
        *why = "no rs_platform_get in it";
        return NULL;
    }
    return get();
}

struct job_result { uint64_t clocks; uint64_t status[RS_STATUS_WORDS]; };

/* Run job 0 of @plan as the driver would: buffers at the base addresses below, ap_start, interrupt, status. */
enum { JOB_COMMANDS = 0x01000000, JOB_IMAGE = 0x02000000, JOB_ARENA = 0x10000000, JOB_STATUS = 0x00100000 };

static bool platform_run(const struct rs_platform_api *api, struct rs_platform *p, uint64_t base,
                         const struct rs_plan *plan, uint64_t max_clocks, struct job_result *result)
{
    const struct rs_plan_job *job = &plan->jobs[0];
    const uint64_t at[4] = {base + JOB_COMMANDS, base + JOB_IMAGE, base + JOB_ARENA, base + JOB_STATUS};
    static const uint32_t reg[4] = {RS_REG_BASE0, RS_REG_BASE1, RS_REG_BASE2, RS_REG_BASE3};
    uint32_t value = 0;
    bool ok = api->mem_write(p, at[0], plan->commands, plan->commands_bytes) &&
              api->mem_write(p, at[1], plan->image, plan->image_bytes);

    for (int i = 0; i < 4; i++) {
        const uint64_t a = at[i] + (i == 0 ? job->commands_offset_bytes : 0);

        ok = ok && api->reg_write(p, 0, reg[i], (uint32_t)a) && api->reg_write(p, 0, reg[i] + 4, (uint32_t)(a >> 32));
    }
    ok = ok && api->reg_write(p, 0, RS_REG_COUNT, (uint32_t)job->n_commands) &&
         api->reg_write(p, 0, RS_REG_GIE, 1) && api->reg_write(p, 0, RS_REG_IER, 1) &&
         api->reg_write(p, 0, RS_REG_CTRL, 1);
    result->clocks = 0;
    while (ok && !api->interrupts(p) && result->clocks < max_clocks)
        result->clocks += api->advance(p, max_clocks - result->clocks);
    ok = ok && api->interrupts(p) != 0;
    ok = ok && api->reg_write(p, 0, RS_REG_ISR, 1) && api->reg_read(p, 0, RS_REG_CTRL, &value) && (value & 2u);
    return api->mem_read(p, at[3], result->status, sizeof result->status) && ok;
}

/* Plans, runs and compares.  false: something to report is in @text. */
static bool random_layer_run(struct random_layer *l, const struct rs_platform_api *api, struct rs_platform *p,
                             uint64_t base, char *text, size_t size, struct job_result *result)
{
    struct rs_error err = {0};
    struct rs_plan *plan = NULL;
    const struct rs_conv_shape *s = &l->layer.shape;
    const size_t element = l->layer.type == RS_PLAN_S8 ? 1 : 2;
    int8_t *blocked = NULL;
    bool ok = false;
    char what[256];

    random_layer_describe(l, what, sizeof what);
    if (random_layer_reference(l, &err) != RS_OK || rs_plan_layer(&l->layer, &api->config, NULL, &plan, &err) != RS_OK) {
        snprintf(text, size, "%s: %s", what, err.text);
        return false;
    }
    const struct rs_plan_job *job = &plan->jobs[0];
    for (int i = 0; i < job->n_inputs; i++) {
        const struct rs_plan_tensor *t = &job->inputs[i];

        blocked = calloc(1, t->bytes);
        rs_layout_to_blocked(t, (int)api->config.block, t->tensor == 0 ? l->ifmap : l->residual, blocked);
        api->mem_write(p, base + JOB_ARENA + t->offset_bytes, blocked, t->bytes);
        free(blocked);
    }
    const struct rs_plan_tensor *t = &job->outputs[0];
    blocked = malloc(t->bytes);
    memset(blocked, 0x5A, t->bytes);
    api->mem_write(p, base + JOB_ARENA + t->offset_bytes, blocked, t->bytes);
    if (!platform_run(api, p, base, plan, 200000 + 40 * (uint64_t)(plan->cycles > 0 ? plan->cycles : 0), result)) {
        snprintf(text, size, "%s: did not finish in %llu clocks (%d commands)", what, (unsigned long long)result->clocks, job->n_commands);
        goto out;
    }
    api->mem_read(p, base + JOB_ARENA + t->offset_bytes, blocked, t->bytes);
    rs_layout_from_blocked(t, (int)api->config.block, blocked, l->got);
    for (size_t i = 0; i < l->ofmap_bytes; i++) {
        if (l->got[i] != l->want[i]) {
            size_t wrong = 0;

            for (size_t j = 0; j < l->ofmap_bytes; j++)
                wrong += l->got[j] != l->want[j];
            const size_t at = i / element;

            snprintf(text, size, "%s: ofmap[%zu][%zu][%zu] byte %zu got %d want %d; %zu of %zu bytes wrong", what,
                     at / (size_t)s->m / (size_t)s->f, at / (size_t)s->m % (size_t)s->f, at % (size_t)s->m, i % element,
                     l->got[i], l->want[i], wrong, l->ofmap_bytes);
            goto out;
        }
    }
    if ((uint32_t)(result->status[1] >> 32) != 0) {
        snprintf(text, size, "%s: error code %u", what, (unsigned)(result->status[1] >> 32));
        goto out;
    }
    const uint64_t *c = &result->status[RS_STATUS_COUNTERS];
    const uint64_t sum = c[RS_COUNTER_compute] + c[RS_COUNTER_wait_ifmap] + c[RS_COUNTER_wait_filter] + c[RS_COUNTER_wait_psum] +
                         c[RS_COUNTER_wait_drain] + c[RS_COUNTER_overhead] + c[RS_COUNTER_wait_load] +
                         c[RS_COUNTER_wait_depend] + c[RS_COUNTER_idle];
    const uint64_t macs = l->layer.kind == RS_PLAN_CONV || l->layer.kind == RS_PLAN_DEPTHWISE
        ? (uint64_t)(l->ofmap_bytes / element) * (uint64_t)(s->r * s->s) * (uint64_t)(l->layer.kind == RS_PLAN_CONV ? s->c : 1) : 0;
    if (sum != c[RS_COUNTER_cycles] || c[RS_COUNTER_macs] != macs) {
        snprintf(text, size, "%s: categories sum to %llu of %llu clocks; %llu MACs counted, %llu in the layer", what,
                 (unsigned long long)sum, (unsigned long long)c[RS_COUNTER_cycles],
                 (unsigned long long)c[RS_COUNTER_macs], (unsigned long long)macs);
        goto out;
    }
    ok = true;
out:
    free(blocked);
    rs_plan_free(plan);
    return ok;
}

/*
 * @count layers of all kinds in turn (or of one, @kind >= 0), each on a new platform of @api with random memory latency,
 * every fourth with hostile memory; layer i has seed @seed + i.  With @twin every layer runs there too and must take the
 * same clocks and leave the same status block.
 */
static void random_layers_check(const struct rs_platform_api *api, const struct rs_platform_api *twin, uint64_t seed,
                                int count, int kind, int max_extent, int max_channels)
{
    for (int i = 0; i < count; i++) {
        struct rs_platform_options options = {.mem_base = 0x4000000000};
        const uint64_t layer_seed = seed + (uint64_t)i;
        struct job_result result[2] = {{0}};
        struct random_layer l;
        char text[1024] = "";

        test_rng = layer_seed;
        options.timing.latency_cycles = (uint32_t)rnd_range(1, 200);
        options.timing.hostile_seed = rnd_range(0, 3) == 0 ? rnd() : 0;
        random_layer_make(&l, kind >= 0 ? (enum layer_kind)kind : (enum layer_kind)(i % LAYER_KINDS), max_extent, max_channels);
        if (l.layer.type != RS_PLAN_S8 && !api->config.wide) {
            struct rs_plan *plan;
            struct rs_error err;

            CHECK(rs_plan_layer(&l.layer, &api->config, NULL, &plan, &err) == RS_ERR_UNSUPPORTED, "seed %llu: int16 without RS_WIDE",
                  (unsigned long long)layer_seed);
            random_layer_free(&l);
            continue;
        }
        for (int t = 0; t < (twin != NULL ? 2 : 1); t++) {
            const struct rs_platform_api *a = t == 0 ? api : twin;
            struct rs_platform *p = a->create(&options, text, sizeof text);

            CHECK(p != NULL, "%s: %s", a->kind, text);
            if (p != NULL)
                CHECK(random_layer_run(&l, a, p, options.mem_base, text, sizeof text, &result[t]), "seed %llu on %s: %s%s",
                      (unsigned long long)layer_seed, a->kind, text, options.timing.hostile_seed ? " (hostile memory)" : "");
            a->destroy(p);
        }
        if (twin != NULL) {
            CHECK(result[0].clocks == result[1].clocks, "seed %llu: %llu clocks on %s, %llu on %s", (unsigned long long)layer_seed,
                  (unsigned long long)result[0].clocks, api->kind, (unsigned long long)result[1].clocks, twin->kind);
            CHECK(memcmp(result[0].status, result[1].status, sizeof result[0].status) == 0, "seed %llu: status blocks differ",
                  (unsigned long long)layer_seed);
        }
        random_layer_free(&l);
    }
}

#endif
