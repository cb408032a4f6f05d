/*
 * test_workloads.c [NETWORK...] - published networks (tests/workloads) on the emulated array: bit-exact with the CPU, counters that
 * add up, and utilization no lower than its floor.  Memory: 64 B a clock each way, 100 clocks.
 *
 * Utilization is design 3.3's: the network's MACs over MACs a clock times clocks from ap_start to ap_done.  The large
 * networks (minutes) run with RS_TEST_LONG=1.
 */
#include "../random_layer.h"
#include "network_csv.h"

struct workload {
    const char *name;
    bool large;
    double floor_percent;          /* of 512 MAC a clock                                  */
    uint64_t most_clocks;          /* or a bound of clocks; 0: none                       */
};

static const struct workload workloads[] = {
    { "resnet8",      false, 72, 0 },
    { "kws",          false, 40, 0 },
    { "ad",           false,  0, 10000 },
    { "vww",          false, 40, 0 },
    { "mobilenet_v2", false, 60, 0 },
    { "mobilenet_v1", true,  75, 0 },
    { "resnet18",     true,  90, 0 },
    { "resnet50",     true,  90, 0 },
    { "vgg16",        true,  95, 0 },
    { "alexnet",      true,   0, 0 },
};

static char **only;
static int n_only;

/* Runs the plan's one job; false with a message. */
static bool run_network(const struct rs_graph *g, const struct rs_platform_api *api, const struct rs_plan *plan,
                        const int8_t *input, int8_t *output, struct job_result *result, char *text, size_t size)
{
    const struct rs_platform_options options = { .mem_base = 0x4000000000 };
    const struct rs_plan_job *job = &plan->jobs[0];
    struct rs_platform *p = api->create(&options, text, size);
    const struct rs_plan_tensor *in = &job->inputs[0], *out = &job->outputs[0];
    int8_t *blocked = malloc(in->bytes > out->bytes ? in->bytes : out->bytes);
    bool ok = p != NULL && blocked != NULL;

    (void)g;
    if (ok) {
        rs_layout_to_blocked(in, (int)api->config.block, input, blocked);
        ok = api->mem_write(p, options.mem_base + JOB_ARENA + in->offset_bytes, blocked, in->bytes) &&
             platform_run(api, p, options.mem_base, plan, 100 * (uint64_t)plan->cycles + 1000000, result);
        if (!ok)
            snprintf(text, size, "did not finish in %llu clocks", (unsigned long long)result->clocks);
    }
    if (ok) {
        ok = api->mem_read(p, options.mem_base + JOB_ARENA + out->offset_bytes, blocked, out->bytes);
        rs_layout_from_blocked(out, (int)api->config.block, blocked, output);
    }
    free(blocked);
    api->destroy(p);
    return ok;
}

/* @batch items at once; *clocks: what they took. */
static void check_workload(const struct workload *x, int batch, uint64_t *clocks)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "default", &why);
    struct rs_memory_plan *memory = NULL;
    struct rs_graph *g = NULL;
    struct rs_plan *plan = NULL;
    struct rs_error err = { 0 };
    struct job_result result = { 0 };
    int8_t *input = NULL, *want = NULL, *got = NULL;
    void *arena = NULL;
    char path[256], text[512] = "";

    MUST(api != NULL, "%s", why);
    snprintf(path, sizeof path, "tests/workloads/%s.csv", x->name);
    MUST(rs_network_csv_load(path, 7, &g, &err) == RS_OK && rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK, "%s", err.text);
    MUST(batch == 1 || rs_graph_set_batch(g, batch, &err) == RS_OK, "%s", err.text);
    MUST(rs_plan_graph(g, &api->config, NULL, &plan, &err) == RS_OK, "%s", err.text);
    CHECK(plan->n_jobs == 1 && plan->array_macs == rs_graph_total_macs(g), "%s: %d jobs, %lld of %lld MACs on the array", x->name,
          plan->n_jobs, (long long)plan->array_macs, (long long)rs_graph_total_macs(g));

    const size_t in_bytes = rs_tensor_bytes(&g->tensors[g->inputs[0]]), out_bytes = rs_tensor_bytes(&g->tensors[g->outputs[0]]);

    input = malloc(in_bytes);
    want = malloc(out_bytes);
    got = malloc(out_bytes);
    test_rng = 11;
    for (size_t i = 0; i < in_bytes; i++)
        input[i] = (int8_t)rnd_range(-60, 60);
    MUST(rs_memory_plan_create(g, 64, &memory, &err) == RS_OK, "%s", err.text);
    const size_t arena_bytes = (rs_graph_arena_bytes(memory, NULL, 1) + 63) / 64 * 64;
    arena = aligned_alloc(64, arena_bytes);
    MUST(input != NULL && want != NULL && got != NULL && arena != NULL, "out of memory");
    MUST(rs_graph_run_cpu(g, memory, (const void *const[]){ input }, (void *const[]){ want }, arena, arena_bytes, NULL, &err) == RS_OK,
         "%s", err.text);
    CHECK(run_network(g, api, plan, input, got, &result, text, sizeof text), "%s: %s", x->name, text);

    const uint64_t *c = &result.status[RS_STATUS_COUNTERS];
    const double percent = 100.0 * (double)rs_graph_total_macs(g) / ((double)result.clocks * 2.0 * api->config.rows * api->config.cols);

    CHECK(memcmp(want, got, out_bytes) == 0, "%s: ofmaps of emu and CPU differ", x->name);
    CHECK((int64_t)c[RS_COUNTER_macs] == rs_graph_total_macs(g), "%s: %llu MACs counted, %lld in the network", x->name,
          (unsigned long long)c[RS_COUNTER_macs], (long long)rs_graph_total_macs(g));
    CHECK(percent >= x->floor_percent, "%s: %.2f %% utilization, floor %.0f %%", x->name, percent, x->floor_percent);
    CHECK(x->most_clocks == 0 || result.clocks <= x->most_clocks, "%s: %llu clocks, at most %llu", x->name,
          (unsigned long long)result.clocks, (unsigned long long)x->most_clocks);
    CHECK(llabs((long long)plan->cycles - (long long)result.clocks) * 100 <= 3 * (long long)result.clocks,
          "%s: %lld clocks predicted, %llu counted: more than 3 %% apart", x->name, (long long)plan->cycles, (unsigned long long)result.clocks);
    printf("  %-13s %9llu clocks counted, %9lld predicted, utilization %5.2f %%", x->name, (unsigned long long)result.clocks,
           (long long)plan->cycles, percent);
    printf(batch > 1 ? ", batch of %d\n" : "\n", batch);
    *clocks = result.clocks;
    free(input);
    free(want);
    free(got);
    free(arena);
    rs_memory_plan_destroy(memory);
    rs_plan_free(plan);
    rs_graph_destroy(g);
}

TEST(networks_are_exact_and_keep_the_array_busy)
{
    const bool all = getenv("RS_TEST_LONG") != NULL;
    uint64_t clocks;

    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        bool wanted = n_only == 0 && (all || !workloads[i].large);

        for (int k = 0; k < n_only; k++)
            wanted |= strcmp(only[k], workloads[i].name) == 0;
        if (wanted)
            check_workload(&workloads[i], 1, &clocks);
    }
}

/* A fully connected network waits for its weights: fifteen more items cost little. */
TEST(sixteen_items_of_the_autoencoder_cost_at_most_half_more_than_one)
{
    const struct workload ad = { "ad", false, 0, 10000 }, ad16 = { "ad", false, 70, 15000 };
    uint64_t one = 0, sixteen = 0;

    if (n_only > 0)
        SKIP("not asked for");
    check_workload(&ad, 1, &one);
    check_workload(&ad16, 16, &sixteen);
    CHECK(2 * sixteen <= 3 * one, "%llu clocks for 16 items, %llu for one", (unsigned long long)sixteen, (unsigned long long)one);
}

/* c[n][n] = a[n][n] * b: a goes into the device's memory as it is, row by row, and c comes out so; b is packed when it is planned. */
static void check_gemm(int n, double floor_percent)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "default", &why);
    const struct rs_platform_options options = { .mem_base = 0x4000000000 };
    const size_t bytes = (size_t)n * (size_t)n;
    int8_t *a = malloc(bytes), *b = malloc(bytes), *c = malloc(bytes), *want = malloc(bytes);
    int32_t mult = 1518500250, shift = -11;
    struct rs_plan_layer layer = { .kind = RS_PLAN_CONV, .filter = b };
    struct rs_plan *plan = NULL;
    struct rs_error err = { 0 };
    struct job_result result = { 0 };
    struct rs_platform *p;
    char text[512] = "";

    MUST(api != NULL, "%s", why);
    MUST(a != NULL && b != NULL && c != NULL && want != NULL, "out of memory");
    test_rng = (uint64_t)n;
    for (size_t i = 0; i < bytes; i++) {
        a[i] = (int8_t)rnd();
        b[i] = (int8_t)rnd_range(-127, 127);
    }
    layer.shape = (struct rs_conv_shape){ .n = n, .h = 1, .w = 1, .c = n, .m = n, .r = 1, .s = 1, .e = 1, .f = 1, .stride_h = 1, .stride_w = 1,
                                          .dilation_h = 1, .dilation_w = 1 };
    layer.quant = (struct rs_quant){ .zp_in = 3, .zp_out = -7, .act_min = -128, .act_max = 127, .rounding = RS_ROUND_DOUBLE, .count = 1,
                                     .mult = &mult, .shift = &shift };
    MUST(rs_fully_connected_s8_ref(n, n, n, a, b, NULL, &layer.quant, want, &err) == RS_OK, "%s", err.text);
    MUST(rs_plan_layer(&layer, &api->config, NULL, &plan, &err) == RS_OK, "%s", err.text);
    MUST(plan->jobs[0].inputs[0].bytes == bytes && plan->jobs[0].outputs[0].bytes == bytes, "operands are not of %zu bytes", bytes);
    p = api->create(&options, text, sizeof text);
    MUST(p != NULL, "%s", text);
    CHECK(api->mem_write(p, options.mem_base + JOB_ARENA + plan->jobs[0].inputs[0].offset_bytes, a, bytes) &&
          platform_run(api, p, options.mem_base, plan, 100 * (uint64_t)plan->cycles, &result) &&
          api->mem_read(p, options.mem_base + JOB_ARENA + plan->jobs[0].outputs[0].offset_bytes, c, bytes), "GEMM %d did not run", n);
    const double percent = 100.0 * (double)n * (double)bytes / ((double)result.clocks * 2.0 * api->config.rows * api->config.cols);

    CHECK(memcmp(c, want, bytes) == 0, "GEMM %d: not the reference's result", n);
    CHECK(percent >= floor_percent, "GEMM %d: %.2f %% utilization, floor %.0f %%", n, percent, floor_percent);
    CHECK(llabs((long long)plan->cycles - (long long)result.clocks) * 100 <= 3 * (long long)result.clocks, "GEMM %d: %lld clocks predicted, %llu counted",
          n, (long long)plan->cycles, (unsigned long long)result.clocks);
    printf("  GEMM %-8d %9llu clocks counted, %9lld predicted, utilization %5.2f %%\n", n, (unsigned long long)result.clocks, (long long)plan->cycles, percent);
    api->destroy(p);
    rs_plan_free(plan);
    free(a);
    free(b);
    free(c);
    free(want);
}

TEST(matrix_products_read_and_write_rows)
{
    if (n_only > 0 && strcmp(only[0], "gemm") != 0)
        SKIP("not asked for");
    check_gemm(512, 94);
    if (n_only > 0 || getenv("RS_TEST_LONG") != NULL)
        check_gemm(1024, 97);
}

int main(int argc, char **argv)
{
    only = argv + 1;
    n_only = argc - 1;
    (void)random_layers_check;
    RUN(networks_are_exact_and_keep_the_array_busy);
    RUN(matrix_products_read_and_write_rows);
    RUN(sixteen_items_of_the_autoencoder_cost_at_most_half_more_than_one);
    return test_exit();
}
