/*
 * test_plan_cycles.c [emu|sim [PRESET]] - typical layers of real networks on the emulated (or Verilated) array: bit-exact, and the
 * planner's clocks beside the counted ones.  The prediction is a closed form; the test says how far it may be off.
 */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../random_layer.h"

static const char *kind = "emu", *preset = "default";

struct known { const char *name; enum rs_plan_kind kind; int h, w, c, m, r, s, u, pad; };

static const struct known known[] = {
    { "3x3 64-64@28",      RS_PLAN_CONV, 28, 28, 64, 64, 3, 3, 1, 1 },
    { "3x3/2 32-64@28",    RS_PLAN_CONV, 28, 28, 32, 64, 3, 3, 2, 1 },
    { "1x1 64-256@28",     RS_PLAN_CONV, 28, 28, 64, 256, 1, 1, 1, 0 },
    { "1x1 256-64@28",     RS_PLAN_CONV, 28, 28, 256, 64, 1, 1, 1, 0 },
    { "1x1/2 128-256@28",  RS_PLAN_CONV, 28, 28, 128, 256, 1, 1, 2, 0 },
    { "3x3/2 3-32@96",     RS_PLAN_CONV, 96, 96, 3, 32, 3, 3, 2, 1 },
    { "7x7/2 3-64@64",     RS_PLAN_CONV, 64, 64, 3, 64, 7, 7, 2, 3 },
    { "11x11/4 3-96@99",   RS_PLAN_CONV, 99, 99, 3, 96, 11, 11, 4, 0 },
    { "5x5 48-128@13",     RS_PLAN_CONV, 13, 13, 48, 128, 5, 5, 1, 2 },
    { "dw 3x3 64@56",      RS_PLAN_DEPTHWISE, 56, 56, 64, 64, 3, 3, 1, 1 },
    { "dw 3x3/2 64@56",    RS_PLAN_DEPTHWISE, 56, 56, 64, 64, 3, 3, 2, 1 },
    { "dw 5x5 96@14",      RS_PLAN_DEPTHWISE, 14, 14, 96, 96, 5, 5, 1, 2 },
    { "1x1 16-96@56",      RS_PLAN_CONV, 56, 56, 16, 96, 1, 1, 1, 0 },
    { "1x1 512-512@7",     RS_PLAN_CONV, 7, 7, 512, 512, 1, 1, 1, 0 },
    { "3x3 256-256@7",     RS_PLAN_CONV, 7, 7, 256, 256, 3, 3, 1, 1 },
    { "3x3 16-16@112",     RS_PLAN_CONV, 112, 112, 16, 16, 3, 3, 1, 1 },
    { "fc 1024-100",       RS_PLAN_CONV, 1, 1, 1024, 100, 1, 1, 1, 0 },
    { "max pool 3x3/2 @56", RS_PLAN_MAX_POOL, 56, 56, 64, 64, 3, 3, 2, 1 },
    { "avg pool 7x7",      RS_PLAN_AVERAGE_POOL, 7, 7, 512, 512, 7, 7, 1, 0 },
};

TEST(predicted_clocks_are_near_counted_ones)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open(kind, preset, &why);
    struct rs_platform_options options = { .mem_base = 0x4000000000 };
    int64_t all_predicted = 0, all_counted = 0;

    if (api == NULL)
        SKIP("no emulation library of this preset (make emu)");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        struct random_layer l;
        struct rs_conv_shape *s = &l.layer.shape;
        struct job_result result;
        struct rs_plan *plan;
        struct rs_error err = { 0 };
        char text[1024] = "";
        struct rs_platform *p = api->create(&options, text, sizeof text);

        MUST(p != NULL, "%s", text);
        memset(&l, 0, sizeof l);
        l.layer.kind = k->kind;
        *s = (struct rs_conv_shape){ .n = 1, .h = k->h, .w = k->w, .c = k->c, .m = k->m, .r = k->r, .s = k->s, .stride_h = k->u, .stride_w = k->u, .dilation_h = 1,
                                     .dilation_w = 1, .pad_top = k->pad, .pad_left = k->pad, .pad_bottom = k->pad, .pad_right = k->pad };
        s->e = (int32_t)rs_conv_out_extent(s->h, s->r, s->stride_h, 1, k->pad, k->pad);
        s->f = (int32_t)rs_conv_out_extent(s->w, s->s, s->stride_w, 1, k->pad, k->pad);
        const bool dw = k->kind == RS_PLAN_DEPTHWISE, pool = k->kind == RS_PLAN_MAX_POOL || k->kind == RS_PLAN_AVERAGE_POOL;
        const size_t filters = (size_t)s->r * (size_t)s->s * (size_t)s->m * (dw ? 1 : (size_t)s->c);

        l.ifmap_bytes = (size_t)s->h * (size_t)s->w * (size_t)s->c;
        l.ofmap_bytes = (size_t)s->e * (size_t)s->f * (size_t)s->m;
        l.ifmap = malloc(l.ifmap_bytes);
        l.want = malloc(l.ofmap_bytes);
        l.got = malloc(l.ofmap_bytes);
        l.filter = malloc(filters);
        l.mult = malloc(sizeof *l.mult);
        l.shift = malloc(sizeof *l.shift);
        test_rng = i + 1;
        for (size_t n = 0; n < l.ifmap_bytes; n++)
            l.ifmap[n] = (int8_t)rnd();
        for (size_t n = 0; n < filters; n++)
            l.filter[n] = (int8_t)rnd();
        *l.mult = 1500000000;
        *l.shift = -10;
        l.layer.filter = pool ? NULL : l.filter;
        l.layer.quant = (struct rs_quant){ .zp_in = 3, .zp_out = -5, .act_min = -128, .act_max = 127, .rounding = RS_ROUND_DOUBLE, .count = 1, .mult = l.mult, .shift = l.shift };
        CHECK(random_layer_run(&l, api, p, options.mem_base, text, sizeof text, &result), "%s: %s", k->name, text);
        CHECK(rs_plan_layer(&l.layer, &api->config, NULL, &plan, &err) == RS_OK, "%s: %s", k->name, err.text);
        if (plan != NULL) {
            const int64_t counted = (int64_t)result.status[RS_STATUS_COUNTERS + RS_COUNTER_cycles], predicted = plan->cycles;
            const double ratio = (double)predicted / (double)counted;

            if (kind != NULL)
                printf("  %-20s predicted %8lld, counted %8lld (%+5.1f %%), utilization %5.1f %%\n", k->name, (long long)predicted, (long long)counted, 100.0 * (ratio - 1.0),
                       100.0 * (double)plan->macs / (2.0 * api->config.rows * api->config.cols * (double)counted));
            if (getenv("RS_COUNTERS") != NULL) {
                printf("  mode%d e%d fx%d mx%d pairs%d ns%d fp%d q%d rp%d wc%d groups %d\n", plan->steps[0].map.mode, plan->steps[0].map.e, plan->steps[0].map.fx, plan->steps[0].map.mx, plan->steps[0].map.pairs,
                       plan->steps[0].map.ns, plan->steps[0].map.fp, plan->steps[0].map.q, plan->steps[0].map.rp, plan->steps[0].map.wc, plan->steps[0].groups);
#define SHOW(name, what) printf("    %-14s %10llu  %s\n", #name, (unsigned long long)result.status[RS_STATUS_COUNTERS + RS_COUNTER_##name], what);
                RS_COUNTERS(SHOW)
#undef SHOW
            }
            CHECK(ratio > 0.7 && ratio < 1.35, "%s: predicted %lld clocks, counted %lld", k->name, (long long)predicted, (long long)counted);
            all_predicted += predicted;
            all_counted += counted;
        }
        rs_plan_free(plan);
        free(l.ifmap);
        free(l.want);
        free(l.got);
        free(l.filter);
        free(l.mult);
        free(l.shift);
        api->destroy(p);
    }
    printf("  all: predicted %lld, counted %lld\n", (long long)all_predicted, (long long)all_counted);
    CHECK(llabs((long long)(all_predicted - all_counted)) * 10 <= all_counted, "predicted %lld clocks, counted %lld", (long long)all_predicted, (long long)all_counted);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        kind = argv[1];
    if (argc > 2)
        preset = argv[2];
    RUN(predicted_clocks_are_near_counted_ones);
    return test_exit();
}
