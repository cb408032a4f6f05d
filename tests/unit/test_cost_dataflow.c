/*
 * test_cost_dataflow.c - the dataflow study: against published values, against every blocking tried one by one, and refusals.
 *
 * The expected table was computed by others from the same closed forms (facts/row_stationary.md, 3.3); the program finds each
 * cell by its own search, and nothing of the table is in it.
 */
#include <math.h>
#include "study.h"
#include "test.h"

static struct rs_data data;
static struct rs_flow_study study;
static struct rs_flow_network alexnet;

static bool load(void)
{
    struct rs_error err = {0};

    if (rs_data_builtin(&data, &err) == RS_OK && rs_flow_study(&data, "isca16", &study, &err) == RS_OK &&
        rs_flow_network_named(&data, "alexnet", &alexnet, &err) == RS_OK)
        return true;
    printf("  %s\n", err.text);
    return false;
}

TEST(finds_the_published_table_within_one_percent)
{
    enum { NO = 0 };
    static const struct { enum rs_flow_part part; int J, N; double rs, energy[5]; } rows[] = {     /* WS OSA OSB OSC NLR */
        {RS_FLOW_CONV, 256, 1, 6.50, {13.91, 9.19, 9.42, 16.22, 15.24}},
        {RS_FLOW_CONV, 256, 16, 6.11, {13.25, 8.53, 8.71, 10.53, 14.78}},
        {RS_FLOW_CONV, 256, 64, 6.10, {NO, 8.50, 8.68, 10.44, 14.78}},
        {RS_FLOW_CONV, 512, 1, 6.40, {11.97, 8.89, 8.90, 15.50, 15.01}},
        {RS_FLOW_CONV, 512, 16, 5.90, {11.31, 8.23, 8.19, 9.47, 14.46}},
        {RS_FLOW_CONV, 512, 64, 5.88, {14.71, 8.20, 8.15, 9.42, 14.46}},
        {RS_FLOW_CONV, 1024, 1, 6.36, {10.90, 8.78, 8.74, 15.38, 14.85}},
        {RS_FLOW_CONV, 1024, 16, 5.75, {10.25, 8.12, 7.94, 9.15, 14.24}},
        {RS_FLOW_CONV, 1024, 64, 5.74, {11.10, 8.09, 7.90, 9.02, 14.24}},
        {RS_FLOW_FC, 256, 16, 18.09, {2.30 * 18.09, 2.35 * 18.09, 1.86 * 18.09, 1.78 * 18.09, 1.48 * 18.09}},
        {RS_FLOW_FC, 512, 16, 18.03, {1.77 * 18.03, 1.87 * 18.03, 1.47 * 18.03, 1.43 * 18.03, 1.47 * 18.03}},
        {RS_FLOW_FC, 1024, 16, 18.02, {1.49 * 18.02, 1.65 * 18.02, 1.28 * 18.02, 1.26 * 18.02, 1.45 * 18.02}},
        {RS_FLOW_FC, 1024, 256, 6.40, {2.37 * 6.40, 2.80 * 6.40, 1.75 * 6.40, 1.70 * 6.40, 2.28 * 6.40}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int f = 0; f < RS_N_FLOWS; f++) {
            const double want = f == 0 ? rows[i].rs : rows[i].energy[f - 1];
            struct rs_flow_sum sum;

            rs_flow_network_search(&alexnet, rows[i].part, rows[i].N, (enum rs_flow)f, rows[i].J, &study, NULL, &sum, NULL);
            CHECK(sum.feasible == (want != NO), "%s J=%d N=%d: feasible %d", rs_flow_name((enum rs_flow)f), rows[i].J, rows[i].N,
                  sum.feasible);
            if (want != NO)
                CHECK(fabs(sum.energy / sum.macs / want - 1) <= 0.01, "%s J=%d N=%d: got %.3f, want %.3f",
                      rs_flow_name((enum rs_flow)f), rows[i].J, rows[i].N, sum.energy / sum.macs, want);
        }
}

TEST(breaks_rs_down_as_published)
{
    const double want[RS_N_LEVELS] = {1, 0.83, 0.09, 0.29, 3.89};      /* J = 256, N = 16 */
    struct rs_flow_sum sum;
    double all = 0;                                /* array against RF is a near tie: the published split has another q */

    rs_flow_network_search(&alexnet, RS_FLOW_CONV, 16, RS_FLOW_RS, 256, &study, NULL, &sum, NULL);
    for (int k = 0; k < RS_N_LEVELS; k++) {
        CHECK(fabs(sum.level[k] / sum.macs - want[k]) < 0.025, "%s: got %.4f, want %.2f", rs_flow_level_name((enum rs_flow_level)k),
              sum.level[k] / sum.macs, want[k]);
        all += sum.level[k];
    }
    CHECK(fabs(all / sum.energy - 1) < 1e-12, "levels sum to %g of %g", all, sum.energy);
    CHECK(fabs(sum.accesses[RS_LEVEL_DRAM] / sum.macs - 0.00417) < 0.00002, "DRAM %g", sum.accesses[RS_LEVEL_DRAM] / sum.macs);
}

TEST(buffers_of_equal_area)
{
    const double want_kb[RS_N_FLOWS] = {128, 334, 244, 304, 334, 338};

    for (int f = 0; f < RS_N_FLOWS; f++) {
        struct rs_flow_machine m;

        rs_flow_machine(&study.area, (enum rs_flow)f, 256, &m);
        CHECK(fabs(m.glb_bytes / 1024 - want_kb[f]) < 0.6, "%s: got %.1f KB, want %.0f", rs_flow_name((enum rs_flow)f),
              m.glb_bytes / 1024, want_kb[f]);
    }
}

/* Every RS and NLR blocking, plainly: the closed forms written a second time, with no thought about which values matter. */
static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static double slow_rs(const struct rs_flow_layer *l, int64_t N, int64_t J, int64_t Q, int64_t RF)
{
    const double I = (double)(l->G * N * l->C * l->H * l->W), W = (double)(l->G * l->M * l->C * l->R * l->S),
                 O = (double)(l->G * N * l->M * l->E * l->F), ah = (double)l->F / (double)l->W, macs = O * (double)(l->C * l->R * l->S);
    double best = INFINITY;

    for (int64_t n = 1; n <= N; n++)
        for (int64_t f = 1; f <= l->F; f++)
            for (int64_t m = 1; m <= l->M; m++)
                for (int64_t p = 1; p <= m; p++)
                    for (int64_t q = 1; q <= l->C && p * q * l->S + q * l->S + p <= RF; q++)
                        for (int64_t r = 1; q * r <= l->C && l->R * f * r <= J; r++)
                            for (int64_t t = 1; p * t <= m && l->R * f * r * t <= J; t++) {
                                const int64_t w = l->U * f + l->S - l->U;
                                const double over = ah / ((double)f / (double)w);

                                if (n * m * l->E * f + n * q * r * l->H * w > Q)
                                    continue;
                                best = fmin(best, macs
                                    + 200 * (W * (double)(up(N, n) * up(l->F, f)) + I * (double)up(l->M, m) * over + O)
                                    + 6 * (I * (double)up(l->M, p * t) * over + 2 * O * (double)(up(l->C, q * r) - 1))
                                    + 2 * (W * (double)(up(N, n) * l->F) + I * (double)(up(l->M, p) * l->S) * ah
                                           + 2 * O * (double)(up(l->C, q) * l->S - up(l->C, q * r)))
                                    + 2 * macs + 2 * O * (double)(l->C * l->R * l->S - up(l->C, q) * l->S));
                            }
    return best;
}

static double slow_nlr(const struct rs_flow_layer *l, int64_t N, int64_t J, int64_t Q)
{
    const double I = (double)(l->G * N * l->C * l->H * l->W), W = (double)(l->G * l->M * l->C * l->R * l->S),
                 O = (double)(l->G * N * l->M * l->E * l->F), ah = (double)l->F / (double)l->W, av = (double)l->E / (double)l->H,
                 macs = O * (double)(l->C * l->R * l->S);
    double best = INFINITY;

    for (int64_t n = 1; n <= N; n++)
        for (int64_t e = 1; e <= l->E; e++)
            for (int64_t f = 1; f <= l->F; f++)
                for (int64_t m = 1; m <= l->M; m++)
                    for (int64_t p = 1; p <= m; p++)
                        for (int64_t q = 1; q <= l->C && p * q <= J; q++) {
                            const int64_t h = l->U * e + l->R - l->U, w = l->U * f + l->S - l->U;
                            const double over = av * (double)h / (double)e * ah * (double)w / (double)f;

                            if (n * q * h * w + m * q * l->R * l->S + n * m * e * f > Q)
                                continue;
                            best = fmin(best, macs
                                + 200 * (W * (double)(up(N, n) * up(l->E, e) * up(l->F, f)) + I * (double)up(l->M, m) * over + O)
                                + 6 * (macs + I * (double)(up(l->M, p) * l->R * l->S) * av * ah
                                       + 2 * O * (double)(up(l->C, q) * l->R * l->S - 1))
                                + 2 * (macs + 2 * O * (double)(l->C * l->R * l->S - up(l->C, q) * l->R * l->S)));
                        }
    return best;
}

TEST(search_is_exact_on_random_layers)
{
    for (int i = 0; i < 60; i++) {
        const int64_t k = rnd_range(1, 3), u = rnd_range(1, 2), e = rnd_range(1, 6), f = rnd_range(1, 6), N = rnd_range(1, 4);
        struct rs_flow_layer l = {.G = rnd_range(1, 2), .C = rnd_range(1, 9), .M = rnd_range(1, 11), .R = k, .S = k, .U = u, .E = e,
                                  .F = f, .H = (e - 1) * u + k, .W = (f - 1) * u + k};
        const struct rs_flow_machine machine = {.J = rnd_range(k, 40), .glb_words = rnd_range(20, 600), .rf_words = rnd_range(6, 40)};
        struct rs_flow_result r;
        double want = slow_rs(&l, N, machine.J, machine.glb_words, machine.rf_words);

        rs_flow_search(&l, N, RS_FLOW_RS, &machine, &study.energy, NULL, &r);
        CHECK(r.feasible == isfinite(want) && (!r.feasible || fabs(r.energy / want - 1) < 1e-12),
              "RS layer %d: C=%d M=%d R=%d U=%d E=%d F=%d N=%d J=%d Q=%d RF=%d: got %g, want %g", i, (int)l.C, (int)l.M, (int)k, (int)u,
              (int)e, (int)f, (int)N, (int)machine.J, (int)machine.glb_words, (int)machine.rf_words, r.energy, want);
        want = slow_nlr(&l, N, machine.J, machine.glb_words);
        rs_flow_search(&l, N, RS_FLOW_NLR, &machine, &study.energy, NULL, &r);
        CHECK(r.feasible == isfinite(want) && (!r.feasible || fabs(r.energy / want - 1) < 1e-12), "NLR layer %d: got %g, want %g", i,
              r.energy, want);
    }
}

TEST(best_over_fixed_blockings_is_never_below_the_free_best)
{
    const struct rs_flow_layer *l = &alexnet.layer[2];
    struct rs_flow_question q;
    struct rs_error err;

    MUST(rs_flow_ask(l, 4, 256, &study, &q, &err) == RS_OK, "%s", err.text);
    CHECK(q.fitting > 0 && q.best <= q.median && q.median <= q.worst, "%d fit: %g %g %g", q.fitting, q.best, q.median, q.worst);
    for (int f = 0; f < RS_N_FLOWS; f++) {
        struct rs_flow_machine machine;
        struct rs_flow_result r;

        rs_flow_machine(&study.area, (enum rs_flow)f, 256, &machine);
        rs_flow_search(l, 4, (enum rs_flow)f, &machine, &study.energy, NULL, &r);
        CHECK(q.flow_best[f] >= r.energy / r.macs * (1 - 1e-12), "%s: %g on the grid, %g free", rs_flow_name((enum rs_flow)f),
              q.flow_best[f], r.energy / r.macs);
    }
}

/* ---- files of constants ---------------------------------------------------------------------------------- */

static void refuse(const char *text, const char *want)
{
    struct rs_data d = {0};
    struct rs_error err = {0};
    const rs_status status = rs_data_parse(&d, text, "file", &err);

    CHECK(status == RS_ERR_FORMAT && strstr(err.text, want) != NULL, "'%s': status %s, '%s'; want '%s'", text,
          rs_status_name(status), err.text, want);
    rs_data_free(&d);
}

TEST(refuses_files_that_are_wrong)
{
    refuse("a = 1 W | published | 2020 | s\n", "before the first");
    refuse("[device]\n", "line 1");
    refuse("[device x\n", "line 1");
    refuse("[device x]\nnonsense\n", "line 2");
    refuse("[device x]\na = W | published | 2020 | s\n", "a number is expected");
    refuse("[device x]\na = 1 W | surely | 2020 | s\n", "confidence is");
    refuse("[device x]\na = 1 W | published | 2020\n", "VALUE UNIT");
    refuse("[device x]\na = 1 W | published | 2020 | \n", "source");
    refuse("[device x]\na = 3 (1..2) W | published | 2020 | s\n", "band");
    refuse("[device x]\na = inf W | published | 2020 | s\n", "number");
}

TEST(reads_constants_and_lets_a_second_file_replace_them)
{
    struct rs_data d = {0};
    struct rs_error err;
    struct rs_constant c;
    char text[40];

    MUST(rs_data_parse(&d, "# c\n[device x]\ntitle = An X\na = 10 (8..14) W | recall | 2020 | me | myself\n", "one", &err) == RS_OK,
         "%s", err.text);
    MUST(rs_section_constant(rs_data_find(&d, "device", "x"), "a", "W", &c, &err) == RS_OK, "%s", err.text);
    CHECK(c.value == 10 && c.low == 8 && c.high == 14 && c.confidence == RS_RECALL && strcmp(c.source, "me | myself") == 0,
          "%g %g %g '%s'", c.value, c.low, c.high, c.source);
    CHECK(strcmp(rs_constant_text(&c, text, sizeof text), "[10 W]") == 0, "'%s'", text);
    CHECK(rs_section_constant(rs_data_find(&d, "device", "x"), "a", "V", &c, &err) == RS_ERR_FORMAT && strstr(err.text, "'V'") != NULL,
          "%s", err.text);
    CHECK(rs_section_constant(rs_data_find(&d, "device", "x"), "b", "V", &c, &err) == RS_ERR_FORMAT &&
          strstr(err.text, "'b' is missing") != NULL, "%s", err.text);
    MUST(rs_data_parse(&d, "[device x]\na = 11 W | measured | 2026 | us\n", "two", &err) == RS_OK, "%s", err.text);
    MUST(rs_section_constant(rs_data_find(&d, "device", "x"), "a", "W", &c, &err) == RS_OK, "%s", err.text);
    CHECK(c.value == 11 && c.low == 11 && c.confidence == RS_MEASURED, "%g", c.value);
    rs_data_free(&d);
}

TEST(names_a_missing_constant)
{
    struct rs_data d = {0};
    struct rs_flow_study s;
    struct rs_error err;

    MUST(rs_data_parse(&d, "[dataflow mine]\nalu = 1 MAC | assumed | 2026 | me\n", "one", &err) == RS_OK, "%s", err.text);
    CHECK(rs_flow_study(&d, "mine", &s, &err) == RS_ERR_FORMAT && strstr(err.text, "'dram' is missing") != NULL, "%s", err.text);
    CHECK(rs_flow_study(&d, "yours", &s, &err) == RS_ERR_FORMAT, "%s", err.text);
    rs_data_free(&d);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        test_rng = strtoull(argv[1], NULL, 0);
    if (!load())
        return 1;
    RUN(finds_the_published_table_within_one_percent);
    RUN(breaks_rs_down_as_published);
    RUN(buffers_of_equal_area);
    RUN(search_is_exact_on_random_layers);
    RUN(best_over_fixed_blockings_is_never_below_the_free_best);
    RUN(refuses_files_that_are_wrong);
    RUN(reads_constants_and_lets_a_second_file_replace_them);
    RUN(names_a_missing_constant);
    free(alexnet.layer);
    rs_data_free(&data);
    return test_exit();
}
