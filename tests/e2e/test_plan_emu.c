/*
 * test_plan_emu.c [emu|sim [PRESET [NETWORK]]] - the shared networks on the emulated (or Verilated) array: golden outputs, MACs
 * counted = MACs of the network, and clocks predicted by the planner beside clocks counted, layer by layer.
 */
#pragma GCC diagnostic ignored "-Wunused-function"        /* of random_layer.h this test uses the platform part only */
#include "../random_layer.h"
#include <dirent.h>
#include "tflite.h"

#ifndef RS_SHARED_MODELS
#define RS_SHARED_MODELS "../shared/models"     /* from the root of the repository */
#endif

static const char *kind = "emu", *preset = "default", *only;
static bool verbose;

static bool read_exactly(const char *path, void *data, size_t bytes)
{
    FILE *f = fopen(path, "rb");
    const bool ok = f != NULL && fread(data, 1, bytes, f) == bytes;

    if (f != NULL)
        fclose(f);
    return ok;
}

static void print_layers(const struct rs_plan *plan, const struct rs_graph *g, const struct rs_platform_api *api, struct rs_platform *p, uint64_t base)
{
    const struct rs_plan_job *job = &plan->jobs[0];
    uint64_t before[RS_STATUS_WORDS] = { 0 };

    printf("  %-22s %8s %8s %6s | %6s %6s %6s %6s %6s %6s %6s %6s %6s\n", "layer", "predict", "counted", "util%", "mac", "ifmap", "filter", "psum", "drain", "overh", "load", "depend", "idle");
    for (int i = 0; i < job->n_snapshots; i++) {
        uint64_t block[RS_STATUS_WORDS], d[RS_N_COUNTERS];
        const struct rs_plan_step *s = &plan->steps[job->snapshots[i].node];

        api->mem_read(p, base + JOB_STATUS + job->snapshots[i].offset_bytes, block, sizeof block);
        for (int c = 0; c < RS_N_COUNTERS; c++)
            d[c] = block[RS_STATUS_COUNTERS + c] - before[RS_STATUS_COUNTERS + c];
        printf("  %2d %-19s %8lld %8llu %6.1f | %6llu %6llu %6llu %6llu %6llu %6llu %6llu %6llu %6llu\n", job->snapshots[i].node, rs_op_name(g->nodes[job->snapshots[i].node].op),
               (long long)s->cycles, (unsigned long long)d[RS_COUNTER_cycles], 100.0 * (double)s->macs / (2.0 * plan->config.rows * plan->config.cols * (double)d[RS_COUNTER_cycles]),
               (unsigned long long)d[RS_COUNTER_compute], (unsigned long long)d[RS_COUNTER_wait_ifmap], (unsigned long long)d[RS_COUNTER_wait_filter], (unsigned long long)d[RS_COUNTER_wait_psum],
               (unsigned long long)d[RS_COUNTER_wait_drain], (unsigned long long)d[RS_COUNTER_overhead], (unsigned long long)d[RS_COUNTER_wait_load], (unsigned long long)d[RS_COUNTER_wait_depend],
               (unsigned long long)d[RS_COUNTER_idle]);
        memcpy(before, block, sizeof before);
    }
}

/* @most_clocks: what this network may take on this preset; 0: not checked. */
static void network(const char *name, uint64_t most_clocks)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open(kind, preset, &why);
    struct rs_platform_options options = { .mem_base = 0x4000000000 };
    struct rs_graph *g = NULL;
    struct rs_plan *plan = NULL;
    struct rs_platform *p = NULL;
    struct rs_error err = { 0 };
    struct dirent *entry;
    char path[512], text[512] = "", *dot;
    DIR *dir;
    int cases = 0;

    if (only != NULL && strcmp(only, name) != 0)
        SKIP("not asked for");
    if (api == NULL)
        SKIP("no emulation library of this preset (make emu)");
    snprintf(path, sizeof path, "%s/%s", RS_SHARED_MODELS, name);
    dir = opendir(path);
    if (dir == NULL)
        SKIP("no " RS_SHARED_MODELS);
    snprintf(path, sizeof path, "%s/%s/model.tflite", RS_SHARED_MODELS, name);
    if (rs_tflite_load(path, &g, &err) != RS_OK || rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) != RS_OK ||
        rs_plan_graph(g, &api->config, NULL, &plan, &err) != RS_OK || (p = api->create(&options, text, sizeof text)) == NULL) {
        CHECK(false, "%s: %s %s", name, err.text, text);
        goto out;
    }
    CHECK(plan->n_jobs == 1, "%s has %d jobs", name, plan->n_jobs);
    while (test_failed_checks == 0 && (entry = readdir(dir)) != NULL) {
        static int8_t in[65536], got[4096], want[4096];
        const struct rs_plan_job *job = &plan->jobs[0];
        const struct rs_plan_tensor *ti = &job->inputs[0], *to = &job->outputs[0];
        struct job_result result;
        void **data;

        dot = strstr(entry->d_name, ".golden.i8");
        if (dot == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s/%.*s.i8", RS_SHARED_MODELS, name, (int)(dot - entry->d_name), entry->d_name);
        CHECK(read_exactly(path, in, rs_tensor_bytes(&g->tensors[g->inputs[0]])), "cannot read %s", path);
        snprintf(path, sizeof path, "%s/%s/%s", RS_SHARED_MODELS, name, entry->d_name);
        CHECK(read_exactly(path, want, rs_tensor_bytes(&g->tensors[g->outputs[0]])), "cannot read %s", path);

        int8_t *blocked = calloc(1, ti->bytes + to->bytes);

        rs_layout_to_blocked(ti, (int)api->config.block, in, blocked);
        api->mem_write(p, options.mem_base + JOB_ARENA + ti->offset_bytes, blocked, ti->bytes);
        CHECK(platform_run(api, p, options.mem_base, plan, 100000 + 20 * (uint64_t)plan->cycles, &result), "%s: did not finish in %llu clocks", path, (unsigned long long)result.clocks);
        api->mem_read(p, options.mem_base + JOB_ARENA + to->offset_bytes, blocked, to->bytes);
        data = calloc((size_t)g->n_tensors, sizeof *data);
        for (int t = 0; t < g->n_tensors; t++)
            data[t] = g->tensors[t].data == NULL ? calloc(1, rs_tensor_bytes(&g->tensors[t]) + 64) : NULL;
        rs_layout_from_blocked(to, (int)api->config.block, blocked, data[to->tensor]);
        for (int a = 0; a < plan->n_actions; a++)
            if (!plan->actions[a].is_job)
                CHECK(rs_graph_run_node(g, plan->actions[a].index, data, NULL, true, &err) == RS_OK, "%s", err.text);
        memcpy(got, data[g->outputs[0]], rs_tensor_bytes(&g->tensors[g->outputs[0]]));
        for (int t = 0; t < g->n_tensors; t++)
            free(data[t]);
        free(data);
        free(blocked);
        CHECK(memcmp(got, want, rs_tensor_bytes(&g->tensors[g->outputs[0]])) == 0, "%s: not the golden output", path);
        CHECK(result.status[RS_STATUS_COUNTERS + RS_COUNTER_macs] == (uint64_t)plan->array_macs, "%s: %llu MACs counted, %lld in the network", path,
              (unsigned long long)result.status[RS_STATUS_COUNTERS + RS_COUNTER_macs], (long long)plan->array_macs);
        if (cases++ == 0) {
            const uint64_t clocks = result.status[RS_STATUS_COUNTERS + RS_COUNTER_cycles];

            if (verbose)
                print_layers(plan, g, api, p, options.mem_base);
            printf("  %s on %s: predicted %lld clocks, counted %llu, %.1f %% utilization\n", name, preset, (long long)plan->cycles, (unsigned long long)clocks,
                   100.0 * (double)plan->macs / (2.0 * api->config.rows * api->config.cols * (double)clocks));
            CHECK(most_clocks == 0 || strcmp(preset, "default") != 0 || clocks <= most_clocks, "%s took %llu clocks, at most %llu wanted", name, (unsigned long long)clocks, (unsigned long long)most_clocks);
            CHECK(llabs((long long)clocks - (long long)plan->cycles) * 4 <= (long long)clocks, "%s: predicted %lld, counted %llu: more than a quarter apart", name, (long long)plan->cycles, (unsigned long long)clocks);
        }
    }
    CHECK(cases > 0, "no cases of %s", name);
out:
    closedir(dir);
    if (p != NULL)
        api->destroy(p);
    rs_plan_free(plan);
    rs_graph_destroy(g);
}

TEST(resnet8_on_the_array) { network("resnet8", 45000); }
TEST(kws_on_the_array) { network("kws", 20000); }
TEST(ad01_on_the_array) { network("ad01", 0); }

int main(int argc, char **argv)
{
    if (argc > 1)
        kind = argv[1];
    if (argc > 2)
        preset = argv[2];
    if (argc > 3)
        only = argv[3];
    verbose = argc > 1;
    RUN(resnet8_on_the_array);
    RUN(kws_on_the_array);
    RUN(ad01_on_the_array);
    return test_exit();
}
