/*
 * test_plan_layers.c - random layers of every kind, planned for every preset and run by the interpreter of docs/isa.md, against
 * the reference kernels, bit for bit; each in program order and in random orders that the waits permit.
 *
 * Usage: test_plan_layers [SEED [COUNT]]
 */
#include "test.h"
#include "plan.h"
#include "plan_interpreter.h"

static int n_cases = 36;
static uint64_t first_seed = 1;

struct layer_case {
    struct rs_plan_layer p;
    int8_t *ifmap, *filter, *res, *want;
    int32_t *bias, *mult, *shift;
    int64_t *bias_s64;
    struct rs_add_quant add;
    size_t ifmap_n, ofmap_n;               /* bytes                                              */
};

static void *must_alloc(size_t n)
{
    void *p = calloc(1, n + 1);

    if (p == NULL)
        exit(2);
    return p;
}

static void random_bytes(int8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (int8_t)rnd();
}

static void case_free(struct layer_case *k)
{
    free(k->ifmap);
    free(k->filter);
    free(k->res);
    free(k->want);
    free(k->bias);
    free(k->bias_s64);
    free(k->mult);
    free(k->shift);
}

/* What is left of an int16 case once its bytes are random. */
static bool case_fill_s16(struct layer_case *k)
{
    const struct rs_conv_shape *s = &k->p.shape;
    const int16_t *x = (const int16_t *)(const void *)k->ifmap;
    int16_t *y = (int16_t *)(void *)k->want;
    const bool dw = k->p.kind == RS_PLAN_DEPTHWISE;
    struct rs_quant *q = &k->p.quant;
    struct rs_error err = { 0 };
    rs_status status;

    q->zp_in = q->zp_out = 0;
    q->act_min = rnd_range(0, 1) ? INT16_MIN : 0;
    q->act_max = rnd_range(0, 1) ? INT16_MAX : 20000;
    for (int i = 0; i < s->m; i++)
        k->bias_s64[i] = rnd_range(-(INT64_C(1) << 34), INT64_C(1) << 34);
    k->p.bias_s64 = rnd_range(0, 5) == 0 ? NULL : k->bias_s64;
    if (k->p.type == RS_PLAN_S16_S16) {
        k->p.filter_s16 = (const int16_t *)(const void *)k->filter;
        k->p.q_shift = (int32_t)rnd_range(10, 26);
        const struct rs_quant_s16s16 fixed = { .act_min = q->act_min, .act_max = q->act_max, .shift = k->p.q_shift };

        status = (dw ? rs_depthwise_conv2d_s16s16_ref : rs_conv2d_s16s16_ref)(s, x, k->p.filter_s16, k->p.bias_s64, &fixed, y, &err);
    } else {
        const struct rs_quant_s16 each = { .act_min = q->act_min, .act_max = q->act_max, .count = q->count, .mult = q->mult, .shift = q->shift };

        status = (dw ? rs_depthwise_conv2d_s16_ref : rs_conv2d_s16_ref)(s, x, k->filter, k->p.bias_s64, &each, y, &err);
    }
    CHECK(status == RS_OK, "reference: %s", err.text);
    return status == RS_OK;
}

/* Fills tensors and parameters for k->p.type, kind and shape, and computes what the kernels say. */
static bool case_fill(struct layer_case *k, bool with_add)
{
    struct rs_conv_shape *s = &k->p.shape;
    const bool pool = k->p.kind == RS_PLAN_MAX_POOL || k->p.kind == RS_PLAN_AVERAGE_POOL, dw = k->p.kind == RS_PLAN_DEPTHWISE;
    const size_t element = k->p.type == RS_PLAN_S8 ? 1 : 2, weight = k->p.type == RS_PLAN_S16_S16 ? 2 : 1;
    const size_t taps = (size_t)s->r * (size_t)s->s * (dw ? 1 : (size_t)s->c);
    struct rs_error err = { 0 };
    rs_status status;

    s->e = (int32_t)rs_conv_out_extent(s->h, s->r, s->stride_h, s->dilation_h, s->pad_top, s->pad_bottom);
    s->f = (int32_t)rs_conv_out_extent(s->w, s->s, s->stride_w, s->dilation_w, s->pad_left, s->pad_right);
    if (s->e < 1 || s->f < 1)
        return false;
    k->ifmap_n = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c * element;
    k->ofmap_n = (size_t)s->n * (size_t)s->e * (size_t)s->f * (size_t)s->m * element;
    k->ifmap = must_alloc(k->ifmap_n);
    k->want = must_alloc(k->ofmap_n);
    k->res = must_alloc(k->ofmap_n);
    k->filter = must_alloc(taps * (size_t)s->m * weight);
    k->bias = must_alloc((size_t)s->m * 4);
    k->bias_s64 = must_alloc((size_t)s->m * 8);
    k->mult = must_alloc((size_t)s->m * 4);
    k->shift = must_alloc((size_t)s->m * 4);
    random_bytes(k->ifmap, k->ifmap_n);
    random_bytes(k->res, k->ofmap_n);
    random_bytes(k->filter, taps * (size_t)s->m * weight);
    for (int i = 0; i < s->m; i++) {
        const int spread = (int)rnd_range(-3, 4);
        int log = 0;

        while (((size_t)1 << log) < taps)
            log++;
        k->bias[i] = (int32_t)rnd_range(-100000, 100000);
        k->mult[i] = (int32_t)rnd_range(1 << 30, INT32_MAX);
        k->shift[i] = -7 - log / 2 + spread;
        if (rnd_range(0, 40) == 0)
            k->mult[i] = 0, k->shift[i] = 0;
    }
    k->p.filter = k->filter;
    k->p.bias = rnd_range(0, 5) == 0 ? NULL : k->bias;
    k->p.quant = (struct rs_quant){ .zp_in = (int32_t)(rnd_range(0, 3) == 0 ? -128 : rnd_range(-128, 127)), .zp_out = (int32_t)rnd_range(-128, 127),
                                    .act_min = -128, .act_max = 127, .rounding = RS_ROUND_DOUBLE, .count = rnd_range(0, 3) == 0 ? 1 : s->m,
                                    .mult = k->mult, .shift = k->shift };
    if (rnd_range(0, 2) == 0) {
        k->p.quant.act_min = (int32_t)rnd_range(-128, 0);
        k->p.quant.act_max = (int32_t)rnd_range(1, 127);
    }
    if (k->p.type != RS_PLAN_S8)
        return case_fill_s16(k);
    if (pool)
        status = k->p.kind == RS_PLAN_MAX_POOL ? rs_max_pool_s8(s, k->ifmap, k->p.quant.act_min, k->p.quant.act_max, k->want, &err)
                                               : rs_average_pool_s8(s, k->ifmap, k->p.quant.act_min, k->p.quant.act_max, k->want, &err);
    else
        status = dw ? rs_depthwise_conv2d_s8_ref(s, k->ifmap, k->filter, k->p.bias, &k->p.quant, k->want, &err)
                    : rs_conv2d_s8_ref(s, k->ifmap, k->filter, k->p.bias, &k->p.quant, k->want, &err);
    if (status == RS_OK && with_add) {
        const struct rs_dims d = { 1, { (int32_t)k->ofmap_n } };
        const float sum = (float)rnd_range(50, 200) / 100.0f;

        status = rs_add_quant_init(0.5f * sum, k->p.quant.zp_out, (float)rnd_range(10, 200) / 100.0f, (int32_t)rnd_range(-128, 127), sum,
                                   (int32_t)rnd_range(-128, 127), (int32_t)rnd_range(-128, 0), (int32_t)rnd_range(1, 127), &k->add, &err);
        if (status == RS_OK)
            status = rs_add_s8(&d, k->want, &d, k->res, &k->add, &d, k->want, &err);
        k->p.add = &k->add;
    }
    CHECK(status == RS_OK, "reference: %s", err.text);
    return status == RS_OK;
}

static const char *case_text(const struct layer_case *k)
{
    static char text[256];
    const struct rs_conv_shape *s = &k->p.shape;

    snprintf(text, sizeof text, "kind %d type %d N%d %dx%dx%d -> %dx%dx%d filter %dx%d stride %d,%d pad %d,%d,%d,%d zp %d%s%s", k->p.kind, k->p.type, s->n, s->h, s->w, s->c, s->e,
             s->f, s->m, s->r, s->s, s->stride_h, s->stride_w, s->pad_top, s->pad_left, s->pad_bottom, s->pad_right, k->p.quant.zp_in,
             k->p.add != NULL ? " add" : "", k->p.bias == NULL ? " no bias" : "");
    return text;
}

/* Plans and runs the case; true if planned. */
static bool case_run(struct layer_case *k, const struct rs_hw_config *c, const struct rs_plan_options *o, int orders)
{
    struct rs_error err = { 0 };
    struct rs_plan *plan;
    const rs_status status = rs_plan_layer(&k->p, c, o, &plan, &err);
    bool right = true;

    CHECK(status == RS_OK || status == RS_ERR_UNSUPPORTED, "%s on %s: %s", case_text(k), c->preset, err.text);
    if (status != RS_OK)
        return false;
    const struct rs_plan_job *j = &plan->jobs[0];
    uint8_t *arena = must_alloc(plan->arena_bytes);
    int8_t *got = must_alloc(k->ofmap_n);

    for (int order = 0; order < orders && right; order++) {
        const uint64_t seed = order == 0 ? 0 : rnd() | 1;
        struct pi_result result;

        memset(arena, 0x77, plan->arena_bytes);
        rs_layout_to_blocked(rs_plan_find(j->inputs, j->n_inputs, 0), (int)c->block, k->ifmap, (int8_t *)arena + rs_plan_find(j->inputs, j->n_inputs, 0)->offset_bytes);
        if (k->p.add != NULL)
            rs_layout_to_blocked(rs_plan_find(j->inputs, j->n_inputs, 1), (int)c->block, k->res, (int8_t *)arena + rs_plan_find(j->inputs, j->n_inputs, 1)->offset_bytes);
        right = plan_interpret_job(plan, 0, arena, seed, &result);
        CHECK(right, "%s on %s, order %llu: command %d: %s", case_text(k), c->preset, (unsigned long long)seed, result.command, result.text);
        if (!right)
            break;
        rs_layout_from_blocked(rs_plan_find(j->outputs, j->n_outputs, 2), (int)c->block, (const int8_t *)arena + j->outputs[0].offset_bytes, got);
        for (size_t i = 0; i < k->ofmap_n && right; i++) {
            right = got[i] == k->want[i];
            CHECK(right, "%s on %s, order %llu: element %zu of %zu: got %d, want %d", case_text(k), c->preset, (unsigned long long)seed, i, k->ofmap_n, got[i], k->want[i]);
        }
    }
    if (!right)
        rs_plan_print(plan, NULL, stdout);
    free(arena);
    free(got);
    rs_plan_free(plan);
    return true;
}

static const char *const preset_names[] = { "default", "small", "tiny" };

static void random_shape(struct layer_case *k, int kind, enum rs_plan_type type, int64_t most_macs)
{
    static const int strides[] = { 1, 1, 1, 2, 2, 4 };
    struct rs_conv_shape *s = &k->p.shape;

    do {
        const int u = strides[rnd_range(0, 5)];

        *k = (struct layer_case){ .p.kind = (enum rs_plan_kind)kind, .p.type = type };
        *s = (struct rs_conv_shape){ .n = rnd_range(0, 4) == 0 ? 2 : 1, .h = (int32_t)rnd_range(1, 40), .w = (int32_t)rnd_range(1, 40), .c = (int32_t)rnd_range(1, rnd_range(0, 1) ? 8 : 80),
                                     .m = (int32_t)rnd_range(1, rnd_range(0, 1) ? 20 : 90), .r = (int32_t)rnd_range(1, rnd_range(0, 2) ? 3 : 11), .s = (int32_t)rnd_range(1, rnd_range(0, 2) ? 3 : 11),
                                     .stride_h = u, .stride_w = u, .dilation_h = 1, .dilation_w = 1 };
        if (kind == RS_PLAN_DEPTHWISE)
            s->m = s->c * (int32_t)(rnd_range(0, 2) == 0 ? rnd_range(1, 5) : 1);
        if (kind == RS_PLAN_MAX_POOL || kind == RS_PLAN_AVERAGE_POOL) {
            s->m = s->c;
            s->stride_h = s->stride_w = (int32_t)rnd_range(1, 5);
        }
        if (rnd_range(0, 1) && kind != RS_PLAN_AVERAGE_POOL) {
            s->pad_top = (int32_t)rnd_range(0, s->r - 1);
            s->pad_bottom = (int32_t)rnd_range(0, s->r - 1);
            s->pad_left = (int32_t)rnd_range(0, s->s - 1);
            s->pad_right = (int32_t)rnd_range(0, s->s - 1);
        }
        s->e = (int32_t)rs_conv_out_extent(s->h, s->r, s->stride_h, 1, s->pad_top, s->pad_bottom);
        s->f = (int32_t)rs_conv_out_extent(s->w, s->s, s->stride_w, 1, s->pad_left, s->pad_right);
    } while (s->e < 1 || s->f < 1 ||
             (int64_t)s->n * s->e * s->f * s->m * s->r * s->s * (kind == RS_PLAN_DEPTHWISE ? 16 : kind >= RS_PLAN_MAX_POOL ? 1 : s->c + 15) > most_macs);
}

static void random_layers_of(int kind, enum rs_plan_type type, bool with_add)
{
    int planned = 0;

    for (int i = 0; i < n_cases; i++) {
        struct layer_case k;
        struct rs_hw_config c;
        struct rs_plan_options o = { .no_snapshots = rnd_range(0, 1) };

        test_rng = first_seed * 1000003 + (uint64_t)i * 977 + (uint64_t)kind * 13 + (uint64_t)type * 131 + with_add;
        random_shape(&k, kind, type, 3000000);
        do {                                             /* int16 on presets that have it */
            if (!rs_hw_config_named(preset_names[rnd_range(0, 2)], &c))
                return;
        } while (type != RS_PLAN_S8 && !c.wide);
        switch (rnd_range(0, 4)) {                       /* small buffers, so that tiles and reloads are needed */
        case 0: o.glb_blocks = (int)rnd_range(1, 8) * 256; break;
        case 1: o.wbuf_words = (int)rnd_range(1, 8) * 64; break;
        case 2: o.glb_blocks = (int)rnd_range(4, 64) * 32; o.wbuf_words = 128; break;
        }
        if (case_fill(&k, with_add))
            planned += case_run(&k, &c, &o, 3);
        case_free(&k);
        if (test_failed_checks != 0) {
            printf("  replay: test_plan_layers %llu (case %d)\n", (unsigned long long)first_seed, i);
            return;
        }
    }
    CHECK(planned * 10 >= n_cases * 7, "only %d of %d layers could be planned", planned, n_cases);
}

static void random_layers(int kind, bool with_add) { random_layers_of(kind, RS_PLAN_S8, with_add); }

TEST(convolutions) { random_layers(RS_PLAN_CONV, false); }
TEST(convolutions_with_residual) { random_layers(RS_PLAN_CONV, true); }
TEST(depthwise) { random_layers(RS_PLAN_DEPTHWISE, false); }
TEST(depthwise_with_residual) { random_layers(RS_PLAN_DEPTHWISE, true); }
TEST(max_pools) { random_layers(RS_PLAN_MAX_POOL, false); }
TEST(average_pools) { random_layers(RS_PLAN_AVERAGE_POOL, false); }
TEST(int16_by_int8) { random_layers_of(RS_PLAN_CONV, RS_PLAN_S16_S8, false); }
TEST(int16_by_int16) { random_layers_of(RS_PLAN_CONV, RS_PLAN_S16_S16, false); }
TEST(depthwise_int16_by_int8) { random_layers_of(RS_PLAN_DEPTHWISE, RS_PLAN_S16_S8, false); }
TEST(depthwise_int16_by_int16) { random_layers_of(RS_PLAN_DEPTHWISE, RS_PLAN_S16_S16, false); }

TEST(matrix_products)
{
    for (int i = 0; i < n_cases; i++) {
        struct layer_case k = { .p.kind = RS_PLAN_CONV };
        struct rs_hw_config c;
        struct rs_plan_options o = { 0 };

        test_rng = first_seed * 7919 + (uint64_t)i;
        k.p.shape = (struct rs_conv_shape){ .n = (int32_t)rnd_range(1, rnd_range(0, 1) ? 4 : 70), .h = 1, .w = 1, .c = (int32_t)rnd_range(1, rnd_range(0, 1) ? 70 : 700),
                                            .m = (int32_t)rnd_range(1, 150), .r = 1, .s = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1 };
        if (!rs_hw_config_named(preset_names[rnd_range(0, 2)], &c))
            return;
        if (rnd_range(0, 2) == 0)
            o.wbuf_words = 128;
        if (rnd_range(0, 3) == 0)
            o.glb_blocks = 1024;
        if (case_fill(&k, false))
            CHECK(case_run(&k, &c, &o, 3) || o.glb_blocks != 0, "%s not planned", case_text(&k));
        case_free(&k);
        if (test_failed_checks != 0)
            return;
    }
}

/* Filters of one row, ifmaps that do not fit: tiles hold every U-th ifmap row only. */
TEST(rows_that_no_filter_meets)
{
    int planned = 0;

    for (int i = 0; i < n_cases; i++) {
        const int u = i % 2 ? 2 : 4, type = i % 5 == 4 ? RS_PLAN_S16_S8 : RS_PLAN_S8;
        struct layer_case k = { .p.kind = RS_PLAN_CONV, .p.type = (enum rs_plan_type)type };
        struct rs_conv_shape *s = &k.p.shape;
        struct rs_hw_config c;
        struct rs_plan_options o = { .glb_blocks = 1024, .wbuf_words = rnd_range(0, 1) ? 256 : 0 };

        test_rng = first_seed * 6151 + (uint64_t)i;
        *s = (struct rs_conv_shape){ .n = (int32_t)rnd_range(1, 3), .h = (int32_t)rnd_range(8, 40), .w = (int32_t)rnd_range(2, 24), .c = (int32_t)rnd_range(16, 100),
                                     .m = (int32_t)rnd_range(1, 100), .r = 1, .s = 1, .stride_h = u, .stride_w = u, .dilation_h = 1, .dilation_w = 1 };
        if (!rs_hw_config_named(preset_names[rnd_range(0, 2)], &c))
            return;
        if (case_fill(&k, type == RS_PLAN_S8 && i % 3 == 0))
            planned += case_run(&k, &c, &o, 3);
        case_free(&k);
        if (test_failed_checks != 0)
            return;
    }
    CHECK(planned * 10 >= n_cases * 5, "only %d of %d layers could be planned", planned, n_cases);
}

/* Every extent at 1, one below, at and above a tile. */
TEST(edges)
{
    static const int extents[] = { 1, 2, 15, 16, 17, 31, 32, 33 };

    for (int i = 0; i < 8 * 8 * 3; i++) {
        struct layer_case k = { .p.kind = i % 3 == 2 ? RS_PLAN_DEPTHWISE : RS_PLAN_CONV };
        const int c = extents[i % 8], m = extents[i / 8 % 8];
        struct rs_hw_config config;

        test_rng = (uint64_t)i + 5;
        k.p.shape = (struct rs_conv_shape){ .n = 1, .h = extents[rnd_range(0, 5)], .w = extents[rnd_range(0, 5)], .c = c, .m = i % 3 == 2 ? c : m, .r = i % 3 == 0 ? 1 : 3, .s = i % 3 == 0 ? 1 : 3,
                                            .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = i % 3 != 0, .pad_left = i % 3 != 0, .pad_bottom = i % 3 != 0, .pad_right = i % 3 != 0 };
        if (rs_hw_config_named("default", &config) && case_fill(&k, false))
            CHECK(case_run(&k, &config, NULL, 2), "%s not planned", case_text(&k));
        case_free(&k);
        if (test_failed_checks != 0)
            return;
    }
}

/* More pixels than 16 bits count. */
TEST(many_pixels)
{
    for (int i = 0; i < 3; i++) {
        struct layer_case k = { .p.kind = i == 1 ? RS_PLAN_DEPTHWISE : RS_PLAN_CONV };
        struct rs_hw_config c;

        test_rng = (uint64_t)i + 3;
        k.p.shape = (struct rs_conv_shape){ .n = i == 2 ? 70000 : 1, .h = i == 2 ? 1 : 270, .w = i == 2 ? 1 : 260, .c = 5, .m = 5, .r = i == 1 ? 3 : 1, .s = i == 1 ? 3 : 1,
                                            .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1 };
        if (rs_hw_config_named("default", &c) && case_fill(&k, i == 0))
            CHECK(case_run(&k, &c, &(struct rs_plan_options){ .quick = true }, 2), "%s not planned", case_text(&k));
        case_free(&k);
    }
}

TEST(refusals_name_the_reason)
{
    struct rs_hw_config c;
    struct rs_plan *plan;
    struct rs_error err;
    int8_t filter[13 * 13 * 4] = { 0 };
    int32_t mult = 1 << 30, shift = -8;
    struct rs_plan_layer p = { .kind = RS_PLAN_CONV, .filter = filter,
                               .shape = { .n = 1, .h = 27, .w = 27, .c = 1, .m = 1, .r = 3, .s = 3, .stride_h = 3, .stride_w = 3, .dilation_h = 1, .dilation_w = 1, .e = 9, .f = 9 },
                               .quant = { .act_min = -128, .act_max = 127, .count = 1, .mult = &mult, .shift = &shift } };

    MUST(rs_hw_config_named("default", &c), "no preset");
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_UNSUPPORTED && strstr(err.text, "stride 3: the array has strides 1, 2, 4") != NULL, "%s", err.text);
    p.shape.stride_w = 1, p.shape.f = 25;
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_UNSUPPORTED && strstr(err.text, "strides 3 and 1") != NULL, "%s", err.text);
    p.shape.stride_h = p.shape.stride_w = 1, p.shape.r = p.shape.s = 13, p.shape.e = p.shape.f = 15;
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_UNSUPPORTED && strstr(err.text, "filter 13x13: at most 11x11") != NULL, "%s", err.text);
    p.shape.e = 14;
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_SHAPE && plan == NULL, "%s", err.text);
    p.shape.r = p.shape.s = 3, p.shape.e = p.shape.f = 25;
    p.type = RS_PLAN_S16_S8, p.quant.zp_in = 3;
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_RANGE && strstr(err.text, "zero points 3, 0: 0") != NULL, "%s", err.text);
    p.quant.zp_in = 0, shift = 8;
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_RANGE && strstr(err.text, "shift 8 of filter 0") != NULL, "%s", err.text);
    p.type = RS_PLAN_S16_S16, p.filter_s16 = (const int16_t *)(const void *)filter, p.q_shift = 47;
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_RANGE && strstr(err.text, "q_shift 47: 0..46") != NULL, "%s", err.text);
    p.type = RS_PLAN_S8, shift = -8;
    p.map = &(struct rs_mapping){ .mode = RS_MODE_CONV, .e = 9, .fx = 2, .mx = 1, .pairs = 1, .ns = 1, .fp = 9, .q = 1, .rp = 3, .wc = 4 };
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_RANGE && strstr(err.text, "e*fx*mx") != NULL, "%s", err.text);
    c.rows = 5;
    CHECK(rs_plan_layer(&p, &c, NULL, &plan, &err) == RS_ERR_RANGE, "%s", err.text);
    CHECK(rs_plan_layer(NULL, &c, NULL, &plan, &err) == RS_ERR_ARG, "%s", err.text);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        n_cases = atoi(argv[2]);
    RUN(convolutions);
    RUN(convolutions_with_residual);
    RUN(depthwise);
    RUN(depthwise_with_residual);
    RUN(matrix_products);
    RUN(max_pools);
    RUN(average_pools);
    RUN(int16_by_int8);
    RUN(int16_by_int16);
    RUN(depthwise_int16_by_int8);
    RUN(depthwise_int16_by_int16);
    RUN(rows_that_no_filter_meets);
    RUN(edges);
    RUN(many_pixels);
    RUN(refusals_name_the_reason);
    return test_exit();
}
