/*
 * test_literature.c [--table] - Eyeriss's published tables against formulas and against preset `eyeriss`, counted.
 *
 * The chip: 12 x 14 PEs, 16 bit, the mapping of JSSC 2017 table III (sw/cost/data/eyeriss.txt holds it with the measured
 * values).  Counted: the same mapping on emu:eyeriss, int16 by int16, results bit for bit.  As on that chip psums count
 * as global buffer: two accesses for each psum of each pass.  RS_TEST_LONG=1 runs the layers whole; else a part of their
 * filters and images, whose counts scale exactly.
 */
#include <math.h>
#include "../random_layer.h"
#include "data.h"
#include "systolic.h"

static bool whole, table;        /* whole: RS_TEST_LONG; table: print it in Markdown                   */
static struct rs_data data;

struct chip_layer {              /* of one group of the convolution                                  */
    char   name[16];
    int    G, N, C, M, H, R, U, E, n, e, p, q, r, t, m;
    double zeros, glb_mb, dram_mb, ms;
};

static bool chip_layers(struct chip_layer *list, int *count)
{
    const struct rs_section *s = rs_data_find(&data, "eyeriss", "alexnet");

    *count = 0;
    for (int i = 0; s != NULL && i < s->n; i++) {
        struct chip_layer *l = &list[*count];
        int W, S;

        if (strncmp(s->entry[i].key, "conv", 4) != 0)
            continue;
        snprintf(l->name, sizeof l->name, "%s", s->entry[i].key);
        if (sscanf(s->entry[i].text, "%d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %lf %lf %lf %lf", &l->G, &l->C, &l->M, &l->H, &W, &l->R, &S, &l->U,
                   &l->n, &l->e, &l->p, &l->q, &l->r, &l->t, &l->m, &l->zeros, &l->glb_mb, &l->dram_mb, &l->ms) != 19 || W != l->H || S != l->R)
            return false;
        l->N = 4;
        l->E = (l->H - l->R + l->U) / l->U;
        ++*count;
    }
    return *count == 5;
}

/* The published mapping in this array's words: sets side by side while columns last, then one above the other. */
static struct rs_mapping mapping_of(const struct chip_layer *l, int cols)
{
    const int segments = (l->e + cols - 1) / cols, beside = segments == 1 && l->e * l->t <= cols ? l->t : 1;

    return (struct rs_mapping){ .mode = RS_MODE_FLATTEN, .e = segments > 1 ? cols : l->e, .fx = 1, .mx = beside, .pairs = l->p, .ns = l->n, .fp = l->E,
                                .q = l->q, .rp = l->R, .wc = 16 / l->q, .chain = l->R * l->r, .chains = segments > 1 ? segments : l->t / beside,
                                .by_rows = segments > 1, .images = l->n, .filters_outer = 0 };
}

static int up(int a, int b) { return (a + b - 1) / b; }

/* Words of the global buffer by the closed form: ifmap, and psums as the chip counts them. */
static void glb_words(const struct chip_layer *l, int n, int m, double *ifmap, double *psum)
{
    *ifmap = (double)n * l->C * up(l->E, l->e) * ((l->e - 1) * l->U + l->R) * l->H * up(m, l->p * l->t);
    *psum = 2.0 * n * m * l->E * l->E * up(l->C, l->q * l->r);
}

struct counted {                 /* sums over the runs of a layer                                    */
    double cycles, macs, gated, uops, ifmap, psum;
};

static struct random_layer conv_layer(int n, int c, int m, int h, int r, int u, int block_channels, double zeros)
{
    struct random_layer l = { .kind = LAYER_S16_S16, .layer = { .kind = RS_PLAN_CONV, .type = RS_PLAN_S16_S16, .block_channels = block_channels } };
    struct rs_conv_shape *s = &l.layer.shape;
    const int e = (h - r + u) / u;

    *s = (struct rs_conv_shape){ .n = n, .h = h, .w = h, .c = c, .m = m, .r = r, .s = r, .e = e, .f = e, .stride_h = u, .stride_w = u, .dilation_h = 1, .dilation_w = 1 };
    l.ifmap_bytes = 2 * (size_t)n * (size_t)h * (size_t)h * (size_t)c;
    l.ofmap_bytes = 2 * (size_t)n * (size_t)e * (size_t)e * (size_t)m;
    l.ifmap = malloc(l.ifmap_bytes);
    l.filter = malloc(2 * (size_t)m * (size_t)r * (size_t)r * (size_t)c);
    l.want = malloc(l.ofmap_bytes);
    l.got = malloc(l.ofmap_bytes);
    for (size_t i = 0; i < l.ifmap_bytes / 2; i++)
        ((int16_t *)(void *)l.ifmap)[i] = (double)rnd_range(0, 9999) < zeros * 100 ? 0 : (int16_t)rnd_range(1, 4000);
    for (size_t i = 0; i < (size_t)m * (size_t)r * (size_t)r * (size_t)c; i++)
        ((int16_t *)(void *)l.filter)[i] = (int16_t)rnd_range(-3000, 3000);
    l.layer.filter_s16 = (const int16_t *)(const void *)l.filter;
    l.layer.q_shift = 14;
    l.layer.quant = (struct rs_quant){ .act_min = INT16_MIN, .act_max = INT16_MAX };
    return l;
}

static void run_layer(const struct rs_platform_api *api, struct random_layer *l, const struct rs_mapping *map, const char *name, struct counted *sum)
{
    struct rs_platform_options options = { .mem_base = 0x4000000000 };
    struct rs_platform *p;
    struct job_result result;
    char text[1024] = "";

    l->layer.map = map;
    p = api->create(&options, text, sizeof text);
    MUST(p != NULL, "%s", text);
    CHECK(random_layer_run(l, api, p, options.mem_base, text, sizeof text, &result), "%s: %s", name, text);
    api->destroy(p);
    const uint64_t *c = &result.status[RS_STATUS_COUNTERS];

    /* Without the transfers before the first and after the last group: the chip's processing latency has none either. */
    sum->cycles += (double)(c[RS_COUNTER_cycles] - c[RS_COUNTER_idle] - c[RS_COUNTER_wait_load]);
    sum->macs += (double)c[RS_COUNTER_macs];
    sum->gated += (double)c[RS_COUNTER_macs_gated];
    sum->uops += (double)c[RS_COUNTER_mac_uops];
    sum->ifmap += (double)c[RS_COUNTER_ifmap_reads] * (map->chain / l->layer.shape.r);        /* a word for each set of channels */
    sum->psum += 2 * (double)c[RS_COUNTER_psums];
}

/* AlexNet, batch 4: formula, chip and count side by side. */
TEST(alexnet_on_the_chip_and_here)
{
    static const double macs_m[] = { 421.66, 895.79, 598.08, 448.56, 299.04 };
    static const int active[] = { 154, 135, 156, 156, 156 };
    static const double out_zeros[] = { 51.02, 80.66, 72.44, 70.18, 90.50 };        /* of ofmaps: manasiumn37/CNNergy, AlexNet_Main.m */
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "eyeriss", &why);
    struct chip_layer list[8];
    int n_layers;

    MUST(chip_layers(list, &n_layers), "sw/cost/data/eyeriss.txt: five layers of 19 numbers");
    MUST(api != NULL, "%s", why);
    if (table)
        printf("| layer | MAC, M (chip) | PEs of the mapping (chip) | GLB MB: formula | counted | chip | DRAM MB: formula | chip | ms at 200 MHz: ideal | counted | chip | gated zeros |\n"
               "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < n_layers; i++) {
        const struct chip_layer *l = &list[i];
        const int cols = (int)api->config.cols, bc = l->C > 16 && 16 % (l->q * l->r) != 0 ? 12 : 16;
        const struct rs_mapping map = mapping_of(l, cols);
        /* What runs: the whole batch and group, in pieces that fit the global buffer, or one set of filters on as many images as a pass has. */
        const int images = l->n, m_once = !whole || i == 0 ? l->p * l->t : i == 2 ? l->M / 2 : l->M;
        const int repeats = whole ? l->N / images * (l->M / m_once) : 1;
        const double scale = (double)l->G * l->N * l->M / ((double)images * m_once * repeats);
        double want_if, want_ps, part_if, part_ps;
        struct counted sum = { 0 };

        glb_words(l, l->N, l->M, &want_if, &want_ps);
        glb_words(l, images, m_once, &part_if, &part_ps);
        for (int k = 0; k < repeats; k++) {
            struct random_layer run = conv_layer(images, l->C, m_once, l->H, l->R, l->U, bc, l->zeros);

            run_layer(api, &run, &map, l->name, &sum);
            random_layer_free(&run);
        }
        const double passes = (double)l->G * up(l->E, l->e) * up(l->C, l->q * l->r) * up(l->M, l->p * l->t) * up(l->N, l->n);
        const double macs = (double)l->G * l->N * l->M * l->E * l->E * l->C * l->R * l->R;
        const double ideal_ms = passes * l->n * l->p * l->q * l->R * l->E / 200e3, ms = sum.cycles * scale / 200e3;
        const double glb = 2e-6 * l->G * (want_if + want_ps), counted = 2e-6 * (sum.ifmap + sum.psum) * scale;
        const double kept = fmin(1, (1 - l->zeros / 100) * 64 / 48), made = fmin(1, (1 - out_zeros[i] / 100) * 64 / 48);
        const double dram = 2e-6 * l->G * ((double)l->R * l->R * l->C * l->M * up(l->N, l->n) * up(l->E, l->e) +
                                           (double)l->N * l->C * l->H * l->H * up(l->M, l->m) * (i == 0 ? 1 : kept) + (double)l->N * l->M * l->E * l->E * made);

        CHECK(fabs(macs / 1e6 - macs_m[i]) < 0.01, "%s: %.2f M MACs, the chip's %.2f", l->name, macs / 1e6, macs_m[i]);
        CHECK(sum.macs * scale == macs, "%s: %.0f MACs counted, %.0f of the layer", l->name, sum.macs * scale, macs);
        CHECK(l->R * l->e * l->r * l->t == active[i], "%s: %d active PEs, the chip's %d", l->name, l->R * l->e * l->r * l->t, active[i]);
        CHECK(sum.macs / sum.uops <= active[i] && sum.macs / sum.uops > 0.97 * active[i], "%s: %.1f PEs busy in a clock, %d active", l->name, sum.macs / sum.uops, active[i]);
        CHECK(fabs(glb - l->glb_mb) < 0.06, "%s: %.2f MB of global buffer by formula, the chip's %.1f", l->name, glb, l->glb_mb);
        CHECK(sum.psum == part_ps * repeats, "%s: %.0f psum words counted, formula %.0f", l->name, sum.psum, part_ps * repeats);
        CHECK(sum.ifmap <= part_if * repeats && sum.ifmap > 0.98 * part_if * repeats, "%s: %.0f ifmap words counted, formula %.0f (rows past the ifmap are not read)", l->name, sum.ifmap, part_if * repeats);
        CHECK(fabs(counted / glb - 1) < 0.005, "%s: %.2f MB counted, formula %.2f", l->name, counted, glb);
        CHECK(fabs(dram / l->dram_mb - 1) < 0.05, "%s: %.2f MB of DRAM by formula, the chip's %.1f", l->name, dram, l->dram_mb);
        CHECK(ms <= l->ms && ms >= 0.97 * ideal_ms, "%s: %.2f ms counted; ideal %.2f, the chip's processing latency %.1f", l->name, ms, ideal_ms, l->ms);
        CHECK(fabs(100 * sum.gated / sum.macs - l->zeros) < 2.5, "%s: %.1f %% of MACs gated, %.1f %% zeros", l->name, 100 * sum.gated / sum.macs, l->zeros);
        if (table)
            printf("| %s | %.2f (%.2f) | %d (%d) | %.2f | %.2f | %.1f | %.2f | %.1f | %.2f | %.2f | %.1f | %.1f %% |\n", l->name, macs / 1e6, macs_m[i], l->R * l->e * l->r * l->t,
                   active[i], glb, counted, l->glb_mb, dram, l->dram_mb, ideal_ms, ms, l->ms, 100 * sum.gated / sum.macs);
    }
}

/* A result every q*S clocks brings e*t psums to a port of B words a clock: max(1, e*t / (q*S*B)). */
TEST(psum_law)
{
    static const struct { int q, r, e, t; } sweep[] = { { 1, 1, 14, 1 }, { 1, 1, 7, 1 }, { 2, 1, 14, 1 }, { 4, 1, 14, 1 }, { 1, 3, 14, 1 }, { 1, 3, 4, 1 }, { 1, 3, 14, 2 },
                                                        { 1, 3, 13, 4 }, { 2, 3, 13, 4 }, { 4, 3, 13, 4 }, { 1, 5, 14, 2 }, { 2, 5, 14, 2 } };
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "eyeriss", &why);

    MUST(api != NULL, "%s", why);
    if (table)
        printf("\n| q | S | e*t | law | counted |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof sweep / sizeof *sweep; i++) {
        const int q = sweep[i].q, r = sweep[i].r, e = sweep[i].e, t = sweep[i].t;
        struct random_layer l = conv_layer(1, 16, 16 * t, 3 * e + r - 1, r, 1, 16, 0);
        /* 1 x 1 filters have all pixels in one row: columns are tiles of it. */
        const struct rs_mapping map = { .mode = RS_MODE_FLATTEN, .e = r == 1 ? 1 : e, .fx = r == 1 ? e : 1, .mx = 1, .pairs = 16, .ns = 1,
                                        .fp = r == 1 ? 9 * e : t > 2 ? 2 * e : 3 * e, .q = q, .rp = r, .wc = 16 / q, .chain = r, .chains = t, .by_rows = t > 2 };
        const double law = fmax(1, (double)e * t / (q * r * (double)api->config.psum_words));
        struct rs_platform_options options = { .mem_base = 0x4000000000 };
        struct rs_platform *p;
        struct job_result result;
        char text[1024] = "";

        l.layer.map = &map;
        p = api->create(&options, text, sizeof text);
        MUST(p != NULL, "%s", text);
        CHECK(random_layer_run(&l, api, p, options.mem_base, text, sizeof text, &result), "%s", text);
        const uint64_t *c = &result.status[RS_STATUS_COUNTERS];
        const double stall = (double)(c[RS_COUNTER_compute] + c[RS_COUNTER_wait_drain]) / (double)c[RS_COUNTER_compute];

        CHECK(fabs(stall / law - 1) < 0.03, "q %d S %d e %d t %d: counted %.3f, law %.3f", q, r, e, t, stall, law);
        if (table)
            printf("| %d | %d | %d | %.3f | %.3f |\n", q, r, e * t, law, stall);
        api->destroy(p);
        random_layer_free(&l);
    }
}

/* VGG-16, batch 3 (JSSC 2017 table VI): its mapping is unpublished; q*r is inferred from latency and volume. */
TEST(vgg16_is_bound_by_psums)
{
    static const struct { const char *name; int C, M, E, qr; double ms, glb_mb, within; } rows[] = {
        { "1-1", 3, 64, 224, 1, 38.0, 112.6, 0.03 },   { "1-2", 64, 64, 224, 1, 810.6, 2402.8, 0.03 },  { "2-1", 64, 128, 112, 1, 405.3, 1201.4, 0.03 },
        { "2-2", 128, 128, 112, 1, 810.8, 2402.8, 0.03 }, { "3-1", 128, 256, 56, 2, 204.0, 607.4, 0.03 }, { "3-2", 256, 256, 56, 2, 408.1, 1214.8, 0.03 },
        { "3-3", 256, 256, 56, 2, 408.1, 1214.8, 0.03 }, { "4-1", 256, 512, 28, 4, 105.1, 321.8, 0.10 }, { "4-2", 512, 512, 28, 4, 210.0, 643.7, 0.10 },
        { "4-3", 512, 512, 28, 4, 210.0, 643.7, 0.10 } };

    if (table)
        printf("\n| layer | psum GLB MB by formula | chip | psum-bound ms | chip | chip / bound |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double psums = 3.0 * rows[i].M * rows[i].E * rows[i].E * up(rows[i].C, rows[i].qr), mb = 2 * psums * 2 / 1e6, ms = psums / 4 / 200e3;

        CHECK(fabs(mb / rows[i].glb_mb - 1) <= rows[i].within, "conv%s: %.1f MB, the chip's %.1f", rows[i].name, mb, rows[i].glb_mb);
        CHECK(rows[i].ms / ms > 1.04 && rows[i].ms / ms < 1.10, "conv%s: bound %.1f ms, the chip's %.1f", rows[i].name, ms, rows[i].ms);
        if (table)
            printf("| conv%s | %.1f | %.1f | %.1f | %.1f | %.2f |\n", rows[i].name, mb, rows[i].glb_mb, ms, rows[i].ms, rows[i].ms / ms);
    }
    /* conv5: psums and 22 readings of the padded ifmap, in MiB. */
    const double conv5 = (2 * 3.0 * 512 * 14 * 14 * up(512, 8) + 22.0 * 3 * 512 * 16 * 16) * 2 / 1048576;

    CHECK(fabs(conv5 / 90.0 - 1) < 0.01, "conv5: %.2f MiB, the chip's 90.0", conv5);
}

/* A weight-stationary systolic array of the same 12 x 14 PEs: SCALE-Sim's clocks, and operands it moves through its SRAM. */
TEST(systolic_baseline_on_the_same_pes)
{
    struct chip_layer list[8];
    int n_layers;

    MUST(chip_layers(list, &n_layers), "sw/cost/data/eyeriss.txt");
    if (table)
        printf("\n| layer | ms systolic, weights stationary | ms row stationary (ideal) | SRAM words systolic, M | global buffer words row stationary, M |\n|---|---|---|---|---|\n");
    for (int i = 0; i < n_layers; i++) {
        const struct chip_layer *l = &list[i];
        const struct rs_systolic machine = { .rows = 12, .cols = 14, .ifmap_kb = 108, .filter_kb = 108, .ofmap_kb = 108, .flow = RS_SYSTOLIC_WS };
        const struct rs_systolic_gemm g = { .N = (int64_t)l->N * l->E * l->E, .M = l->M, .K = (int64_t)l->C * l->R * l->R, .ifmap_words = (int64_t)l->N * l->C * l->H * l->H };
        const int64_t folds = (g.K + 11) / 12 * ((g.M + 13) / 14), want = folds * (2 * 12 + 14 + g.N - 2) - 1;
        struct rs_systolic_result r;
        double ifmap, psum;

        rs_systolic_run(&machine, &g, &r);
        glb_words(l, l->N, l->M, &ifmap, &psum);
        const double filters = (double)l->R * l->R * l->C * l->M * up(l->N, l->n) * up(l->E, l->e);
        const double passes = (double)up(l->E, l->e) * up(l->C, l->q * l->r) * up(l->M, l->p * l->t) * up(l->N, l->n);

        CHECK(r.cycles == want, "%s: %lld clocks, the formula %lld", l->name, (long long)r.cycles, (long long)want);
        /* Every operand of the systolic array comes out of SRAM each time it is used; row stationary reads far fewer. */
        CHECK((double)(r.ifmap_reads + r.filter_reads + r.ofmap_writes) > 1.5 * (ifmap + psum + filters), "%s: systolic %.1f M words, row stationary %.1f M", l->name,
              (double)(r.ifmap_reads + r.filter_reads + r.ofmap_writes) / 1e6, (ifmap + psum + filters) / 1e6);
        if (table)
            printf("| %s | %.2f | %.2f | %.1f | %.1f |\n", l->name, (double)l->G * (double)r.cycles / 200e3, l->G * passes * l->n * l->p * l->q * l->R * l->E / 200e3,
                   l->G * (double)(r.ifmap_reads + r.filter_reads + r.ofmap_writes) / 1e6, l->G * (ifmap + psum + filters) / 1e6);
    }
}

int main(int argc, char **argv)
{
    struct rs_error err;

    table = argc > 1 && strcmp(argv[1], "--table") == 0;
    whole = getenv("RS_TEST_LONG") != NULL;
    if (rs_data_builtin(&data, &err) != RS_OK) {
        printf("%s\n", err.text);
        return 1;
    }
    RUN(alexnet_on_the_chip_and_here);
    RUN(psum_law);
    RUN(vgg16_is_bound_by_psums);
    RUN(systolic_baseline_on_the_same_pes);
    (void)random_layers_check;
    rs_data_free(&data);
    return test_exit();
}
