/*
 * test_golden_cpu.c - public trained networks, end to end on the CPU, bit for bit.
 *
 * Models, inputs and expected outputs are others' (shared/models/README.md); nothing here makes an expected value.
 * The folder is $RS_SHARED/models, or ../shared/models of the repository root; without it everything is skipped.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include "graph.h"
#include "pool.h"
#include "kernels.h"
#include "test.h"
#include "tflite.h"

static char folder[400];

static bool find_folder(void)
{
    const char *shared = getenv("RS_SHARED");
    const char *places[] = { shared, "../shared", "../../shared", "../../../shared" };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        DIR *d;

        if (places[i] == NULL)
            continue;
        snprintf(folder, sizeof folder, "%s/models", places[i]);
        if ((d = opendir(folder)) != NULL) {
            closedir(d);
            return true;
        }
    }
    return false;
}

static int8_t *read_codes(const char *path, size_t bytes)
{
    FILE *f = fopen(path, "rb");
    int8_t *codes = malloc(bytes + 1);

    if (f == NULL || codes == NULL || fread(codes, 1, bytes + 1, f) != bytes) {
        free(codes);
        codes = NULL;
    }
    if (f != NULL)
        fclose(f);
    return codes;
}

struct variant { bool reference, packed; unsigned passes; int batch, threads; };

/* Every case of one model; with batch n, the case n times over. */
static void run_model(const char *model, int cases, int64_t macs, const struct variant *v)
{
    char path[1200];
    struct rs_error err = { 0 };
    struct rs_graph *g = NULL;
    struct rs_memory_plan *plan = NULL;
    struct rs_packed_graph *packed = NULL;
    struct rs_pool *pool = NULL;
    const char suffix[] = ".golden.i8";
    int found = 0;

    snprintf(path, sizeof path, "%s/%s/model.tflite", folder, model);
    MUST(rs_tflite_load(path, &g, &err) == RS_OK, "%s", err.text);
    CHECK(rs_graph_total_macs(g) == macs, "%s: %lld MACs, want %lld", model, (long long)rs_graph_total_macs(g), (long long)macs);
    MUST(rs_graph_optimize(g, v->passes, NULL, &err) == RS_OK, "%s", err.text);
    MUST(rs_graph_set_batch(g, v->batch, &err) == RS_OK, "%s", err.text);
    CHECK(rs_graph_total_macs(g) == macs * v->batch, "batch %d: %lld MACs", v->batch, (long long)rs_graph_total_macs(g));
    MUST(rs_memory_plan_create(g, 64, &plan, &err) == RS_OK, "%s", err.text);
    CHECK(plan->arena_bytes >= plan->lower_bound_bytes, "%zu < %zu", plan->arena_bytes, plan->lower_bound_bytes);
    MUST(!v->packed || rs_packed_graph_create(g, &packed, &err) == RS_OK, "%s", err.text);
    MUST(v->threads == 1 || rs_pool_create(v->threads, &pool, &err) == RS_OK, "%s", err.text);
    MUST(g->n_inputs == 1 && g->n_outputs == 1, "%d inputs, %d outputs", g->n_inputs, g->n_outputs);

    const size_t batch = (size_t)v->batch;
    const size_t in_bytes = rs_tensor_bytes(&g->tensors[g->inputs[0]]), out_bytes = rs_tensor_bytes(&g->tensors[g->outputs[0]]);
    const size_t arena_bytes = rs_graph_arena_bytes(plan, packed, v->threads);
    void *arena = aligned_alloc(64, (arena_bytes + 127) / 64 * 64);
    int8_t *in = malloc(in_bytes), *out = malloc(out_bytes);
    const struct rs_run_options options = { .reference = v->reference, .packed = packed, .pool = pool };
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/%s", folder, model);
    DIR *dir = opendir(path);

    MUST(dir != NULL && arena != NULL && in != NULL && out != NULL, "no folder %s, or no memory", path);
    while ((entry = readdir(dir)) != NULL) {
        const size_t n = strlen(entry->d_name);

        if (n <= sizeof suffix - 1 || strcmp(entry->d_name + n - (sizeof suffix - 1), suffix) != 0)
            continue;
        const int stem = (int)(n - (sizeof suffix - 1));

        snprintf(path, sizeof path, "%s/%s/%s", folder, model, entry->d_name);
        int8_t *want = read_codes(path, out_bytes / batch);

        snprintf(path, sizeof path, "%s/%s/%.*s.i8", folder, model, stem, entry->d_name);
        int8_t *one = read_codes(path, in_bytes / batch);

        CHECK(want != NULL && one != NULL, "%s/%s: missing, or of another size", model, entry->d_name);
        if (want != NULL && one != NULL) {
            for (size_t b = 0; b < batch; b++)
                memcpy(in + b * (in_bytes / batch), one, in_bytes / batch);
            memset(arena, 0xA5, arena_bytes);
            const rs_status s = rs_graph_run_cpu(g, plan, (const void *const[]){ in }, (void *const[]){ out }, arena,
                                                 arena_bytes, &options, &err);

            CHECK(s == RS_OK, "%s", err.text);
            for (size_t i = 0; s == RS_OK && i < out_bytes; i++)
                CHECK(out[i] == want[i % (out_bytes / batch)], "%s/%.*s: code %zu: got %d, want %d", model, stem,
                      entry->d_name, i, out[i], want[i % (out_bytes / batch)]);
            found++;
        }
        free(want);
        free(one);
    }
    closedir(dir);
    CHECK(found == cases, "%s: %d cases, expected %d", model, found, cases);
    free(arena);
    free(in);
    free(out);
    rs_pool_destroy(pool);
    rs_packed_graph_destroy(packed);
    rs_memory_plan_destroy(plan);
    rs_graph_destroy(g);
}

static void run_variant(const char *model, int cases, int64_t macs, const struct variant *v)
{
    if (folder[0] == 0)
        SKIP("no shared/models folder (set RS_SHARED)");
    run_model(model, cases, macs, v);
}

static const struct variant variants[] = {
    { true, false, 0, 1, 1 }, { true, false, RS_PASS_ALL, 1, 1 }, { false, false, RS_PASS_ALL, 1, 1 }, { false, true, RS_PASS_ALL, 1, 1 },
    { false, true, RS_PASS_ALL, 3, 1 }, { false, true, RS_PASS_ALL, 1, 3 },
};

/* Packed, by every instruction set that this machine has; then by the best again. */
static void run_each_isa(const char *model, int cases, int64_t macs)
{
    for (int isa = RS_ISA_PORTABLE; isa < RS_ISA_COUNT; isa++)
        if (rs_isa_select(rs_isa_name((enum rs_isa)isa), NULL) == RS_OK)
            run_variant(model, cases, macs, &variants[3]);
    MUST(rs_isa_select(NULL, NULL) == RS_OK, "environment RS_ISA");
}

#define MODEL(name, cases, macs) \
    TEST(name##_reference_as_read)   { run_variant(#name, cases, macs, &variants[0]); } \
    TEST(name##_reference_optimized) { run_variant(#name, cases, macs, &variants[1]); } \
    TEST(name##_fast)                { run_variant(#name, cases, macs, &variants[2]); } \
    TEST(name##_fast_packed)         { run_variant(#name, cases, macs, &variants[3]); } \
    TEST(name##_batch_of_3)          { run_variant(#name, cases, macs, &variants[4]); } \
    TEST(name##_by_three_threads)    { run_variant(#name, cases, macs, &variants[5]); } \
    TEST(name##_by_each_instruction_set) { run_each_isa(#name, cases, macs); }
MODEL(resnet8, 10, 12501632)
MODEL(kws, 12, 2656768)
MODEL(ad01, 6, 264192)

int main(void)
{
    if (!find_folder())
        folder[0] = 0;
#define RUN_MODEL(name) RUN(name##_reference_as_read); RUN(name##_reference_optimized); RUN(name##_fast); \
        RUN(name##_fast_packed); RUN(name##_batch_of_3); RUN(name##_by_three_threads); RUN(name##_by_each_instruction_set)
    RUN_MODEL(resnet8);
    RUN_MODEL(kws);
    RUN_MODEL(ad01);
    return test_exit();
}
