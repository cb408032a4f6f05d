/*
 * test_cost_systolic.c - SCALE-Sim's machine against SCALE-Sim's own outputs.
 *
 * Expected cycles, utilizations and SRAM accesses of the 4 x 4 machine are lines of a run of SCALE-Sim that its repository
 * keeps (edgeTPU_experiment_results/edgeTPU_ws); 112283 is facts/row_stationary.md 3.4.
 */
#include <math.h>
#include "systolic.h"
#include "test.h"

static const char google[] =
    "[general]\nrun_name = tpu\n\n[architecture_presets]\nArrayHeight:    32\nArrayWidth:     32\nIfmapSramSzkB:    64\n"
    "FilterSramSzkB:   64\nOfmapSramSzkB:    64\nIfmapOffset:    0\nDataflow : ws\nBandwidth : 10\nReadRequestBuffer: 512\n\n"
    "[sparsity]\nSparsitySupport : false\n\n[run_presets]\nInterfaceBandwidth: CALC\n";

TEST(reads_a_configuration)
{
    struct rs_systolic m;
    struct rs_error err;

    MUST(rs_systolic_parse(google, "g", &m, &err) == RS_OK, "%s", err.text);
    CHECK(m.rows == 32 && m.cols == 32 && m.ifmap_kb == 64 && m.flow == RS_SYSTOLIC_WS && !m.user_bandwidth && m.bandwidth == 10,
          "%d %d %d", (int)m.rows, (int)m.cols, (int)m.bandwidth);
    CHECK(strcmp(m.run_name, "tpu") == 0, "'%s'", m.run_name);
}

static void refuse(const char *from, const char *to, const char *want)
{
    char text[1024], *at;
    struct rs_systolic m;
    struct rs_error err = {0};

    strcpy(text, google);
    at = strstr(text, from);
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, strlen(to));
    CHECK(rs_systolic_parse(text, "g", &m, &err) == RS_ERR_FORMAT && strstr(err.text, want) != NULL, "%s -> %s: '%s'", from, to, err.text);
}

TEST(refuses_configurations_that_are_wrong)
{
    refuse("Dataflow : ws", "Dataflow : rs", "ws, os or is");
    refuse("Dataflow : ws", "", "Dataflow is missing");
    refuse("ArrayHeight:    32", "ArrayHeight: many", "line 5");
    refuse("ArrayHeight:    32", "ArrayHeight: 0", "line 5");
    refuse("ArrayWidth:     32\n", "", "ArrayWidth is missing");
    refuse("CALC", "SOME", "USER or CALC");
    refuse("run_name = tpu", "run_name tpu", "KEY: VALUE");
}

TEST(equals_the_published_formula)
{
    const struct rs_systolic m = {.rows = 32, .cols = 32, .ifmap_kb = 64, .filter_kb = 64, .ofmap_kb = 64, .flow = RS_SYSTOLIC_WS};
    struct rs_systolic_result r;

    rs_systolic_run(&m, &(struct rs_systolic_gemm){.N = 3025, .M = 96, .K = 363, .ifmap_words = 224 * 224 * 3}, &r);
    CHECK(r.cycles == 112283, "got %lld", (long long)r.cycles);
}

TEST(equals_scale_sim_on_its_own_run)
{
    static const struct { int64_t N, M, K, cycles; double overall, mapping, compute; int64_t ifmap, filter, ofmap; } rows[] = {
        {2304, 8, 27, 32395, 96.01481710140453, 96.42857142857143, 95.88753930575251, 124416, 216, 129024},
        {2304, 16, 8, 18511, 99.5732267300524, 100, 99.43892965041002, 73728, 128, 73728},
        {576, 32, 16, 18751, 98.29875739960535, 100, 97.79286926994907, 73728, 512, 73728},
        {576, 32, 32, 37503, 98.29613630909527, 100, 97.79286926994907, 147456, 1024, 147456},
        {9, 256, 256, 77823, 47.36902972129062, 100, 40.909090909090914, 147456, 65536, 147456},
        {1, 2, 256, 703, 4.551920341394026, 50, 3.571428571428571, 256, 512, 128},
    };
    const struct rs_systolic m = {.rows = 4, .cols = 4, .ifmap_kb = 1536, .filter_kb = 256, .ofmap_kb = 1536, .flow = RS_SYSTOLIC_WS};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rs_systolic_result r;

        rs_systolic_run(&m, &(struct rs_systolic_gemm){.N = rows[i].N, .M = rows[i].M, .K = rows[i].K, .ifmap_words = 1}, &r);
        CHECK(r.cycles == rows[i].cycles, "row %zu: %lld cycles, want %lld", i, (long long)r.cycles, (long long)rows[i].cycles);
        CHECK(fabs(r.overall_util - rows[i].overall) < 1e-9 && fabs(r.mapping_efficiency - rows[i].mapping) < 1e-9 &&
              fabs(r.compute_util - rows[i].compute) < 1e-9, "row %zu: %.9f %.9f %.9f", i, r.overall_util, r.mapping_efficiency,
              r.compute_util);
        CHECK(r.ifmap_reads == rows[i].ifmap && r.filter_reads == rows[i].filter && r.ofmap_writes == rows[i].ofmap,
              "row %zu: %lld %lld %lld", i, (long long)r.ifmap_reads, (long long)r.filter_reads, (long long)r.ofmap_writes);
    }
}

/* A plain walk over the folds, clock by clock, for the other two dataflows. */
TEST(equals_a_walk_over_the_folds)
{
    for (int i = 0; i < 200; i++) {
        struct rs_systolic m = {.rows = rnd_range(1, 9), .cols = rnd_range(1, 9), .ifmap_kb = 1, .filter_kb = 1, .ofmap_kb = 1};
        const struct rs_systolic_gemm g = {.N = rnd_range(1, 40), .M = rnd_range(1, 40), .K = rnd_range(1, 40), .ifmap_words = 1};
        int64_t clocks = 0, macs = 0;
        struct rs_systolic_result r;

        m.flow = rnd_range(0, 1) ? RS_SYSTOLIC_OS : RS_SYSTOLIC_IS;
        const int64_t a = m.flow == RS_SYSTOLIC_OS ? g.N : g.K, b = m.flow == RS_SYSTOLIC_OS ? g.M : g.N,
                      t = m.flow == RS_SYSTOLIC_OS ? g.K : g.M;
        for (int64_t x = 0; x < b; x += m.cols)
            for (int64_t y = 0; y < a; y += m.rows) {
                if (m.flow == RS_SYSTOLIC_IS)
                    clocks += m.rows;                                    /* the operand that stays goes in          */
                clocks += t + (m.rows - 1) + (m.cols - 1);               /* the last word reaches the last PE       */
                macs += (a - y < m.rows ? a - y : m.rows) * (b - x < m.cols ? b - x : m.cols) * t;
            }
        rs_systolic_run(&m, &g, &r);
        CHECK(r.cycles == clocks - 1 && r.macs == macs, "%d: %lld cycles, want %lld", i, (long long)r.cycles, (long long)clocks - 1);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        test_rng = strtoull(argv[1], NULL, 0);
    RUN(reads_a_configuration);
    RUN(refuses_configurations_that_are_wrong);
    RUN(equals_the_published_formula);
    RUN(equals_scale_sim_on_its_own_run);
    RUN(equals_a_walk_over_the_folds);
    return test_exit();
}
