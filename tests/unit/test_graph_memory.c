/*
 * test_graph_memory.c - the memory planner: no two live tensors overlap, by brute force; peaks against the bound.
 */
#define _POSIX_C_SOURCE 200809L
#include "network_csv.h"
#include "test_graph_build.h"
#include "tflite.h"

static uint64_t seed = 1;

TEST(random_lifetimes_never_overlap)
{
    enum { N = 60 };
    size_t peaks = 0, bounds = 0;

    for (int round = 0; round < 3000; round++) {
        size_t bytes[N], offset[N], peak, at[N + 2] = { 0 };
        int first[N], last[N];
        struct rs_error err;

        test_rng = seed * 7919 + (uint64_t)round;
        const int n = (int)rnd_range(0, N), steps = (int)rnd_range(1, N);
        const size_t alignment = (size_t)1 << rnd_range(0, 7);

        for (int i = 0; i < n; i++) {
            bytes[i] = rnd_range(0, 9) == 0 ? 0 : (size_t)rnd_range(1, rnd_range(0, 1) ? 50 : 5000);
            first[i] = (int)rnd_range(0, steps - 1);
            last[i] = (int)rnd_range(first[i], rnd_range(0, 1) ? steps - 1 : first[i]);
        }
        MUST(rs_pack_lifetimes(n, bytes, first, last, alignment, offset, &peak, &err) == RS_OK, "%s", err.text);
        size_t highest = 0, bound = 0;

        for (int i = 0; i < n; i++) {
            CHECK(offset[i] % alignment == 0, "round %d: offset %zu, alignment %zu", round, offset[i], alignment);
            if (bytes[i] == 0) {
                CHECK(offset[i] == 0, "round %d: an empty item at %zu", round, offset[i]);
                continue;
            }
            highest = offset[i] + bytes[i] > highest ? offset[i] + bytes[i] : highest;
            for (int t = first[i]; t <= last[i]; t++)
                at[t] += (bytes[i] + alignment - 1) / alignment * alignment;
            for (int k = 0; k < i; k++)
                if (bytes[k] != 0 && first[i] <= last[k] && first[k] <= last[i])
                    CHECK(offset[i] + bytes[i] <= offset[k] || offset[k] + bytes[k] <= offset[i],
                          "round %d: items %d [%zu, +%zu) and %d [%zu, +%zu) live together and overlap", round, i, offset[i],
                          bytes[i], k, offset[k], bytes[k]);
        }
        for (int t = 0; t < steps; t++)
            bound = at[t] > bound ? at[t] : bound;
        CHECK(highest <= peak && peak < highest + alignment && peak >= bound, "round %d: peak %zu, highest %zu, bound %zu", round, peak, highest, bound);
        peaks += peak;
        bounds += bound;
    }
    CHECK(peaks < bounds * 21 / 20, "arenas are %.3f of the bound", (double)peaks / (double)bounds);
}

TEST(rejects_sizes_that_overflow_and_lifetimes_that_end_before_they_start)
{
    const size_t bytes[2] = { SIZE_MAX / 2, SIZE_MAX / 2 + 2 };
    const int first[2] = { 0, 1 }, last[2] = { 1, 1 }, early[2] = { 1, 0 };
    size_t offset[2], peak;
    struct rs_error err;

    CHECK(rs_pack_lifetimes(2, bytes, first, last, 64, offset, &peak, &err) == RS_ERR_RANGE, "sum overflows");
    CHECK(rs_pack_lifetimes(2, bytes, first, early, 64, offset, &peak, &err) == RS_ERR_ARG, "lifetime");
    CHECK(strcmp(err.text, "item 1 lives from 1 to 0") == 0, "%s", err.text);
    CHECK(rs_pack_lifetimes(2, bytes, first, last, 48, offset, &peak, &err) == RS_ERR_ARG, "alignment");
}

/* Plan of a random graph, against lifetimes counted here in the plainest way; then a run in the arena against a run in
 * separate buffers. */
TEST(random_graphs_run_in_one_arena_as_in_separate_buffers)
{
    for (int round = 0; round < 800; round++) {
        struct rs_memory_plan *plan;
        struct rs_error err;

        test_rng = seed * 104729 + (uint64_t)round;
        struct rs_graph *g = b_random((int)rnd_range(1, 30));

        if (rnd_range(0, 1))
            OK(rs_graph_optimize(g, RS_PASS_ALL, NULL, &build_err));
        MUST(rs_memory_plan_create(g, 32, &plan, &err) == RS_OK, "%s", err.text);
        CHECK(plan->arena_bytes >= plan->lower_bound_bytes, "round %d: peak below the bound", round);
        for (int a = 0; a < g->n_tensors; a++)
            for (int b = 0; b < a; b++) {
                const size_t x = plan->offset_bytes[a], y = plan->offset_bytes[b];
                const size_t nx = rs_tensor_bytes(&g->tensors[a]), ny = rs_tensor_bytes(&g->tensors[b]);
                bool together = false;

                if (x == RS_NO_OFFSET || y == RS_NO_OFFSET || plan->root[a] == plan->root[b] || x + nx <= y || y + ny <= x)
                    continue;
                for (int i = 0; i <= g->n_nodes; i++)
                    together |= plan->first[a] <= i && i <= plan->last[a] && plan->first[b] <= i && i <= plan->last[b];
                CHECK(!together, "round %d: '%s' and '%s' live together and overlap", round, g->tensors[a].name, g->tensors[b].name);
            }
        for (int i = 0; i < g->n_nodes; i++) {
            const struct rs_node *n = &g->nodes[i];

            for (int k = 0; k < n->n_inputs; k++)
                if (n->inputs[k] >= 0 && plan->offset_bytes[n->inputs[k]] != RS_NO_OFFSET)
                    CHECK(plan->first[n->inputs[k]] < i && plan->last[n->inputs[k]] >= i, "round %d: node %d reads a tensor that is gone", round, i);
        }
        int8_t *in = b_random_input(g);
        size_t bytes, at = 0;
        int8_t *got = b_run(g, in, &bytes);
        void **data = calloc((size_t)g->n_tensors, sizeof *data);

        for (int t = 0; t < g->n_tensors; t++)
            data[t] = malloc(rs_tensor_bytes(&g->tensors[t]) + 1);
        for (int t = 0; t < g->n_tensors; t++)
            if (g->tensors[t].data != NULL)
                memcpy(data[t], g->tensors[t].data, g->tensors[t].data_bytes);
        memcpy(data[g->inputs[0]], in, rs_tensor_bytes(&g->tensors[g->inputs[0]]));
        for (int i = 0; i < g->n_nodes; i++)
            OK(rs_graph_run_node(g, i, data, NULL, true, &build_err));
        for (int o = 0; o < g->n_outputs; o++) {
            const size_t n = rs_tensor_bytes(&g->tensors[g->outputs[o]]);

            CHECK(memcmp(got + at, data[g->outputs[o]], n) == 0, "round %d: output %d differs", round, o);
            at += n;
        }
        for (int t = 0; t < g->n_tensors; t++)
            free(data[t]);
        free(data);
        free(in);
        free(got);
        rs_memory_plan_destroy(plan);
        rs_graph_destroy(g);
    }
}

TEST(a_view_shares_its_storage_and_keeps_it_alive)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 4, 4, 2), 0.5f, 3, NULL);
    const int a = b_conv(g, in, 2, 3, 1, true, RS_ACT_NONE, 0.25f, 0);
    const int v = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 1, 32 } }, &a, 1, 0.25f, 0);
    const int b = b_conv(g, in, 2, 3, 1, true, RS_ACT_NONE, 0.25f, 0);
    const int c = b_conv(g, b, 2, 3, 1, true, RS_ACT_NONE, 0.25f, 0);
    const int w = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 1, 32 } }, &in, 1, 0.5f, 3);
    const int s = b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ v, w }, 2, 0.25f, 0);
    const int out[2] = { s, c };
    struct rs_memory_plan *plan;
    struct rs_error err;

    b_finish(g, in, out, 2);
    MUST(rs_memory_plan_create(g, 1, &plan, &err) == RS_OK, "%s", err.text);
    CHECK(plan->root[v] == a && plan->offset_bytes[v] == plan->offset_bytes[a] && plan->first[v] == 0 && plan->last[a] == 5, "view");
    CHECK(plan->root[w] == in && plan->offset_bytes[w] == RS_NO_OFFSET, "a view of the input needs no room");
    CHECK(plan->last[s] == g->n_nodes && plan->last[c] == g->n_nodes, "outputs live to the end");
    CHECK(plan->arena_bytes == 96 && plan->lower_bound_bytes == 96, "arena %zu, bound %zu", plan->arena_bytes, plan->lower_bound_bytes);
    rs_memory_plan_destroy(plan);
    rs_graph_destroy(g);
}

static rs_status stop_at_two(void *context, const struct rs_graph *g, int node, const void *output)
{
    (void)g;
    (void)output;
    *(int *)context = node;
    return node == 1 ? RS_ERR_MISMATCH : RS_OK;
}

TEST(run_checks_its_arguments_and_obeys_the_hook)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 4, 4, 2), 0.5f, 3, NULL);
    const int a = b_conv(g, in, 2, 3, 1, true, RS_ACT_NONE, 0.25f, 0);
    const int b = b_conv(g, a, 2, 3, 1, true, RS_ACT_NONE, 0.25f, 0);
    const int c = b_conv(g, b, 2, 3, 1, true, RS_ACT_NONE, 0.25f, 0);
    struct rs_memory_plan *plan;
    struct rs_error err;
    int8_t x[32] = { 0 }, y[32];
    _Alignas(64) static int8_t arena[4096];
    int last = -1;
    const struct rs_run_options options = { .reference = true, .hook = stop_at_two, .hook_context = &last };

    b_finish(g, in, &c, 1);
    MUST(rs_memory_plan_create(g, 64, &plan, &err) == RS_OK, "%s", err.text);
    CHECK(rs_graph_run_cpu(g, plan, (const void *const[]){ x }, (void *const[]){ y }, arena, 127, NULL, &err) == RS_ERR_ARG &&
          strcmp(err.text, "the arena has 127 bytes, 128 are needed") == 0, "%s", err.text);
    CHECK(rs_graph_run_cpu(g, plan, (const void *const[]){ x }, (void *const[]){ y }, arena + 8, 4000, NULL, &err) == RS_ERR_ARG, "unaligned");
    CHECK(rs_graph_run_cpu(g, plan, (const void *const[]){ NULL }, (void *const[]){ y }, arena, 4096, NULL, &err) == RS_ERR_ARG, "no input");
    CHECK(rs_graph_run_cpu(g, plan, (const void *const[]){ x }, (void *const[]){ y }, arena, 4096, &options, &err) == RS_ERR_MISMATCH && last == 1,
          "the hook's status, after node %d", last);
    rs_memory_plan_destroy(plan);
    rs_graph_destroy(g);
}

TEST(networks_take_at_most_a_fifth_more_than_what_lives_at_once)
{
    static const char *const names[] = { "alexnet", "vgg16", "resnet8", "resnet18", "resnet50", "mobilenet_v1", "mobilenet_v2", "kws", "vww", "ad" };

    for (size_t i = 0; i <= sizeof names / sizeof names[0]; i++) {
        const bool own = i == sizeof names / sizeof names[0];
        char path[80] = "models/fashion_resnet.tflite";
        struct rs_graph *g;
        struct rs_memory_plan *plan;
        struct rs_error err;

        if (!own)
            snprintf(path, sizeof path, "tests/workloads/%s.csv", names[i]);
        MUST((own ? rs_tflite_load(path, &g, &err) : rs_network_csv_load(path, 1, &g, &err)) == RS_OK, "%s", err.text);
        MUST(rs_memory_plan_create(g, 64, &plan, &err) == RS_OK, "%s: %s", path, err.text);
        CHECK(plan->lower_bound_bytes > 0 && plan->arena_bytes <= plan->lower_bound_bytes * 6 / 5, "%s: %zu bytes, %zu live at once", path,
              plan->arena_bytes, plan->lower_bound_bytes);
        rs_memory_plan_destroy(plan);
        rs_graph_destroy(g);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    RUN(random_lifetimes_never_overlap);
    RUN(rejects_sizes_that_overflow_and_lifetimes_that_end_before_they_start);
    RUN(random_graphs_run_in_one_arena_as_in_separate_buffers);
    RUN(a_view_shares_its_storage_and_keeps_it_alive);
    RUN(networks_take_at_most_a_fifth_more_than_what_lives_at_once);
    RUN(run_checks_its_arguments_and_obeys_the_hook);
    return test_exit();
}
