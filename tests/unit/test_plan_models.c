/*
 * test_plan_models.c - the shared networks, planned and run by the interpreter of docs/isa.md, against their published outputs.
 */
#include "test.h"
#include "tflite.h"
#include "plan.h"
#include "plan_interpreter.h"
#include <dirent.h>

#ifndef RS_SHARED_MODELS
#define RS_SHARED_MODELS "../shared/models"     /* from the root of the repository */
#endif

static bool read_file(const char *path, void *data, size_t bytes)
{
    FILE *f = fopen(path, "rb");
    const bool ok = f != NULL && fread(data, 1, bytes, f) == bytes;

    if (f != NULL)
        fclose(f);
    return ok;
}

static void network(const char *name, const char *preset, const struct rs_plan_options *o, int orders, int most_cases)
{
    char path[512], *dot;
    struct rs_graph *g;
    struct rs_plan *plan;
    struct rs_hw_config c;
    struct rs_error err = { 0 };
    struct dirent *entry;
    DIR *dir;
    int cases = 0;

    snprintf(path, sizeof path, "%s/%s", RS_SHARED_MODELS, name);
    dir = opendir(path);
    if (dir == NULL)
        SKIP("no " RS_SHARED_MODELS);
    snprintf(path, sizeof path, "%s/%s/model.tflite", RS_SHARED_MODELS, name);
    if (rs_tflite_load(path, &g, &err) != RS_OK || rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) != RS_OK || !rs_hw_config_named(preset, &c) ||
        rs_plan_graph(g, &c, o, &plan, &err) != RS_OK) {
        CHECK(false, "%s: %s", name, err.text);
        closedir(dir);
        return;
    }
    for (int i = 0; i < plan->n_steps; i++)
        CHECK(plan->steps[i].macs == 0 || plan->steps[i].where == RS_PLAN_ARRAY, "%s: node %d on the CPU: %s", name, i, plan->steps[i].reason);
    while (test_failed_checks == 0 && cases < most_cases && (entry = readdir(dir)) != NULL) {
        static int8_t in[65536], got[4096], want[4096];
        const size_t in_bytes = rs_tensor_bytes(&g->tensors[g->inputs[0]]), out_bytes = rs_tensor_bytes(&g->tensors[g->outputs[0]]);
        struct pi_result result = { .command = -1 };

        dot = strstr(entry->d_name, ".golden.i8");
        if (dot == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s/%.*s.i8", RS_SHARED_MODELS, name, (int)(dot - entry->d_name), entry->d_name);
        CHECK(read_file(path, in, in_bytes), "cannot read %s", path);
        snprintf(path, sizeof path, "%s/%s/%s", RS_SHARED_MODELS, name, entry->d_name);
        CHECK(read_file(path, want, out_bytes), "cannot read %s", path);
        for (int order = 0; order < orders && test_failed_checks == 0; order++) {
            const uint64_t seed = order == 0 && cases == 0 ? 0 : rnd() | 1;

            CHECK(plan_interpret_graph(plan, g, (const void *[]){ in }, (void *[]){ got }, seed, &result), "%s order %llu: command %d: %s", path, (unsigned long long)seed,
                  result.command, result.text);
            CHECK(test_failed_checks != 0 || memcmp(got, want, out_bytes) == 0, "%s order %llu: not the golden output", path, (unsigned long long)seed);
        }
        cases++;
    }
    CHECK(cases > 0, "no cases of %s", name);
    closedir(dir);
    if (test_failed_checks != 0)
        rs_plan_print(plan, g, stdout);
    printf("  %s on %s: %d cases, predicted %lld cycles\n", name, preset, cases, (long long)plan->cycles);
    rs_plan_free(plan);
    rs_graph_destroy(g);
}

static const struct rs_plan_options barrier = { .barrier = true, .no_snapshots = true }, no_fusion = { .no_fusion = true },
                                    cramped = { .glb_blocks = 1536, .wbuf_words = 300 };

TEST(resnet8_on_default) { network("resnet8", "default", NULL, 1, 10); }
TEST(kws_on_default) { network("kws", "default", NULL, 2, 12); }
TEST(ad01_on_default) { network("ad01", "default", NULL, 4, 6); }
TEST(resnet8_on_small) { network("resnet8", "small", NULL, 1, 1); }
TEST(kws_on_small) { network("kws", "small", NULL, 1, 2); }
TEST(ad01_on_small) { network("ad01", "small", NULL, 1, 2); }
TEST(resnet8_on_tiny) { network("resnet8", "tiny", NULL, 1, 1); }
TEST(kws_on_tiny) { network("kws", "tiny", NULL, 1, 2); }
TEST(ad01_on_tiny) { network("ad01", "tiny", NULL, 1, 2); }
TEST(resnet8_with_barriers) { network("resnet8", "default", &barrier, 1, 1); }
TEST(resnet8_without_fusion) { network("resnet8", "default", &no_fusion, 1, 1); }
TEST(resnet8_in_little_memory) { network("resnet8", "default", &cramped, 2, 1); }
TEST(kws_in_little_memory) { network("kws", "default", &cramped, 2, 1); }

int main(void)
{
    RUN(resnet8_on_default);
    RUN(kws_on_default);
    RUN(ad01_on_default);
    RUN(resnet8_on_small);
    RUN(kws_on_small);
    RUN(ad01_on_small);
    RUN(resnet8_on_tiny);
    RUN(kws_on_tiny);
    RUN(ad01_on_tiny);
    RUN(resnet8_with_barriers);
    RUN(resnet8_without_fusion);
    RUN(resnet8_in_little_memory);
    RUN(kws_in_little_memory);
    return test_exit();
}
