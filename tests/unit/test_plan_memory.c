/* test_plan_memory.c - device memory of planned networks: at most a fifth more than what must live there at once. */
#define _POSIX_C_SOURCE 200809L
#include "network_csv.h"
#include "plan.h"
#include "test_graph_build.h"
#include "tflite.h"

static void check_arena(const struct rs_plan *p, const char *what)
{
    CHECK(p->live_bytes > 0 && p->live_dense_bytes <= p->live_bytes && p->live_bytes <= p->used_bytes &&
          p->used_bytes <= p->live_bytes * 6 / 5 && p->used_bytes <= p->arena_bytes, "%s: %zu bytes, %zu live at once, %zu without padding", what,
          p->used_bytes, p->live_bytes, p->live_dense_bytes);
}

TEST(networks_take_at_most_a_fifth_more_than_what_lives_at_once)
{
    static const char *const names[] = { "alexnet", "vgg16", "resnet8", "resnet18", "resnet50", "mobilenet_v1", "mobilenet_v2", "kws", "vww", "ad" };

    for (size_t i = 0; i <= sizeof names / sizeof names[0]; i++) {
        const bool own = i == sizeof names / sizeof names[0];
        char path[80] = "models/fashion_resnet.tflite";
        struct rs_hw_config c;
        struct rs_graph *g;
        struct rs_plan *p;
        struct rs_error err;

        if (!own)
            snprintf(path, sizeof path, "tests/workloads/%s.csv", names[i]);
        MUST(rs_hw_config_named("default", &c), "no preset default");
        MUST((own ? rs_tflite_load(path, &g, &err) : rs_network_csv_load(path, 1, &g, &err)) == RS_OK, "%s", err.text);
        MUST(rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK, "%s", err.text);
        MUST(rs_plan_graph(g, &c, &(struct rs_plan_options){ .quick = true }, &p, &err) == RS_OK, "%s: %s", path, err.text);
        check_arena(p, path);
        rs_plan_free(p);
        rs_graph_destroy(g);
    }
}

/* Residual blocks with an operation for the CPU in each: every block's input crosses to the next job, and only there. */
TEST(places_of_tensors_that_cross_between_jobs_are_used_again)
{
    enum { BLOCKS = 8 };
    struct rs_graph *g = b_graph();
    struct rs_hw_config c;
    struct rs_plan *p;
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 16, 16, 16), 0.1f, 0, NULL);
    int x = b_conv(g, in, 16, 3, 1, true, RS_ACT_NONE, 0.1f, 0);

    test_rng = 3;
    for (int i = 0; i < BLOCKS; i++) {
        const int a = b_conv(g, x, 16, 3, 1, true, RS_ACT_NONE, 0.1f, 0);
        const int h = b_node(g, (struct rs_node){ .op = RS_OP_HARD_SWISH }, &a, 1, 0.1f, 0);
        const int b = b_conv(g, h, 16, 3, 1, true, RS_ACT_NONE, 0.1f, 0);

        x = b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ b, x }, 2, 0.1f, 0);
    }
    b_finish(g, in, &x, 1);
    MUST(rs_hw_config_named("default", &c), "no preset default");
    OK(rs_plan_graph(g, &c, &(struct rs_plan_options){ .quick = true }, &p, &build_err));
    CHECK(p->n_jobs == BLOCKS + 1, "%d jobs", p->n_jobs);
    CHECK(p->live_bytes == 3 * 4096, "%zu live at once, expected an input, an output and a residual", p->live_bytes);
    CHECK(p->used_bytes <= p->live_bytes + 4096, "%zu bytes for %zu live at once", p->used_bytes, p->live_bytes);     /* at most one gap below */
    rs_plan_free(p);
    rs_graph_destroy(g);
}

int main(void)
{
    RUN(networks_take_at_most_a_fifth_more_than_what_lives_at_once);
    RUN(places_of_tensors_that_cross_between_jobs_are_used_again);
    return test_exit();
}
