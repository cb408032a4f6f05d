/*
 * test_plan_graph.c [SEED [COUNT]] - random graphs of all operations, planned and run (jobs by the interpreter of docs/isa.md, the rest by
 * the reference kernels), against the reference kernels alone; and what the planner says about single nodes.
 */
#include "test_graph_build.h"
#include "plan.h"
#include "plan_interpreter.h"

static uint64_t first_seed = 1;
static int n_graphs = 160;

static bool same_as_reference(struct rs_graph *g, const struct rs_hw_config *c, const struct rs_plan_options *o, int orders, struct rs_plan **keep)
{
    struct rs_plan *plan = NULL;
    struct rs_error err = { 0 };
    struct pi_result result = { .command = -1 };
    size_t bytes = 0, at = 0;
    int8_t *in = b_random_input(g), *want = b_run(g, in, &bytes), *got = calloc(1, bytes + 1);
    void *out[4] = { NULL };
    bool ok = rs_plan_graph(g, c, o, &plan, &err) == RS_OK;

    CHECK(ok, "%s", err.text);
    for (int i = 0; i < g->n_outputs; i++) {
        out[i] = got + at;
        at += rs_tensor_bytes(&g->tensors[g->outputs[i]]);
    }
    for (int order = 0; order < orders && ok; order++) {
        memset(got, 0x33, bytes);
        ok = plan_interpret_graph(plan, g, (const void *[]){ in }, out, order == 0 ? 0 : rnd() | 1, &result);
        CHECK(ok, "order %d, command %d: %s", order, result.command, result.text);
        ok = ok && memcmp(got, want, bytes) == 0;
        CHECK(ok, "order %d: outputs differ", order);
    }
    if (!ok && plan != NULL) {
        rs_graph_print(g, stdout);
        rs_plan_print(plan, g, stdout);
    }
    free(in);
    free(want);
    free(got);
    if (keep != NULL)
        *keep = plan;
    else
        rs_plan_free(plan);
    return ok;
}

TEST(random_graphs)
{
    static const char *const presets[] = { "default", "small", "tiny" };
    int array_nodes = 0, fused = 0, views = 0, jobs = 0, graphs = 0;

    for (int i = 0; i < n_graphs; i++) {
        struct rs_hw_config c;
        struct rs_plan_options o = { 0 };
        struct rs_plan *plan = NULL;
        struct rs_graph *g;

        test_rng = first_seed * 1000003 + (uint64_t)i;
        g = b_random((int)rnd_range(2, 12));
        if (rnd_range(0, 1))
            OK(rs_graph_optimize(g, RS_PASS_ALL, NULL, &build_err));
        if (rnd_range(0, 3) == 0 && rs_graph_set_batch(g, (int32_t)rnd_range(2, 4), &build_err) != RS_OK) {
            rs_graph_destroy(g);
            continue;
        }
        o.no_fusion = rnd_range(0, 5) == 0;
        o.no_snapshots = rnd_range(0, 1);
        o.barrier = rnd_range(0, 5) == 0;
        o.quick = rnd_range(0, 2) == 0;
        if (rnd_range(0, 2) == 0)
            o.glb_blocks = (int)rnd_range(16, 300);
        if (rnd_range(0, 2) == 0)
            o.wbuf_words = 128;
        if (!rs_hw_config_named(presets[rnd_range(0, 2)], &c))
            return;
        const bool ok = same_as_reference(g, &c, &o, 3, &plan);

        for (int k = 0; plan != NULL && k < plan->n_steps; k++) {
            array_nodes += plan->steps[k].where == RS_PLAN_ARRAY;
            fused += plan->steps[k].where == RS_PLAN_FUSED;
            views += plan->steps[k].where == RS_PLAN_VIEW;
        }
        jobs += plan != NULL ? plan->n_jobs : 0;
        graphs++;
        rs_plan_free(plan);
        rs_graph_destroy(g);
        if (!ok) {
            printf("  replay: test_plan_graph %llu (graph %d)\n", (unsigned long long)first_seed, i);
            return;
        }
    }
    printf("  %d graphs: %d jobs, %d nodes on the array, %d fused, %d views\n", graphs, jobs, array_nodes, fused, views);
    CHECK(n_graphs < 100 || (jobs > n_graphs / 3 && array_nodes > n_graphs / 3 && views > 0), "too little on the array");
}

/* Random residual networks: convolutions, strided shortcuts, adds of both orders, pools, FC over pixels. */
TEST(residual_networks)
{
    int fused = 0;

    for (int i = 0; i < n_graphs / 8 && test_failed_checks == 0; i++) {
        struct rs_hw_config c;
        struct rs_plan *plan = NULL;
        struct rs_graph *g;

        test_rng = first_seed * 7777 + (uint64_t)i;
        g = b_graph();
        const int input = b_tensor(g, "in", 4, B_DIMS(1, (int32_t)rnd_range(6, 17), (int32_t)rnd_range(6, 17), (int32_t)rnd_range(1, 20)), b_scale(), b_zp(), NULL);
        int x = b_conv(g, input, (int32_t)rnd_range(8, 40), 3, 1, true, RS_ACT_RELU, b_scale(), b_zp());

        for (int block = 0; block < (int)rnd_range(1, 4); block++) {
            const int32_t u = (int32_t)rnd_range(1, 2), m = u == 2 || rnd_range(0, 1) ? (int32_t)rnd_range(8, 40) : g->tensors[x].dim[3];
            const bool project = u == 2 || m != g->tensors[x].dim[3], first = rnd_range(0, 1);
            int side = x, y;

            if (project && first)
                side = b_conv(g, x, m, 1, u, true, RS_ACT_NONE, b_scale(), b_zp());
            y = b_conv(g, x, (int32_t)rnd_range(4, 30), 3, u, true, RS_ACT_RELU, b_scale(), b_zp());
            y = b_conv(g, y, m, rnd_range(0, 1) ? 3 : 1, 1, true, RS_ACT_NONE, b_scale(), b_zp());
            if (project && !first)
                side = b_conv(g, x, m, 1, u, true, RS_ACT_NONE, b_scale(), b_zp());
            x = b_node(g, (struct rs_node){ .op = RS_OP_ADD, .act = (enum rs_activation)rnd_range(0, 1) }, rnd_range(0, 1) ? (const int[]){ side, y } : (const int[]){ y, side }, 2, b_scale(), b_zp());
        }
        if (rnd_range(0, 1))
            x = b_node(g, (struct rs_node){ .op = rnd_range(0, 1) ? RS_OP_MAX_POOL_2D : RS_OP_AVERAGE_POOL_2D, .kernel_h = g->tensors[x].dim[1], .kernel_w = g->tensors[x].dim[2] }, &x, 1,
                       g->tensors[x].quant.scale[0], g->tensors[x].quant.zero_point[0]);
        const int32_t k = (int32_t)rs_tensor_elements(&g->tensors[x]);
        const int w = b_weights(g, 2, B_DIMS(7, k), -1);

        x = b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED }, (const int[]){ x, w, -1 }, 3, b_scale(), b_zp());
        b_finish(g, input, &x, 1);
        const struct rs_plan_options o = { .glb_blocks = rnd_range(0, 2) ? (int)rnd_range(60, 900) : 0, .quick = rnd_range(0, 1) };

        if (rs_hw_config_named(rnd_range(0, 1) ? "default" : "tiny", &c) && same_as_reference(g, &c, &o, 4, &plan)) {
            for (int n = 0; n < plan->n_steps; n++) {
                fused += plan->steps[n].where == RS_PLAN_FUSED;
                CHECK(o.glb_blocks != 0 || plan->steps[n].where != RS_PLAN_CPU || g->nodes[n].op == RS_OP_ADD, "%s on the CPU: %s", rs_op_name(g->nodes[n].op), plan->steps[n].reason);
            }
        } else {
            printf("  replay: test_plan_graph %llu (network %d)\n", (unsigned long long)first_seed, i);
        }
        rs_plan_free(plan);
        rs_graph_destroy(g);
    }
    CHECK(fused > n_graphs / 16, "only %d adds fused", fused);
}

/* Matrices [P][rows][cols] of codes at a zero point of their own: made by the CPU, or by a convolution of the array. */
static int b_matrices(struct rs_graph *g, int input, int32_t p, int32_t rows, int32_t cols, bool on_array, int32_t zp)
{
    const int32_t offset = (int32_t)rnd_range(0, 20);
    int x = b_node(g, (struct rs_node){ .op = RS_OP_SLICE, .n_shape = 1, .before = { offset }, .after = { 1 }, .shape = { p * rows * cols } }, &input, 1,
                   g->tensors[input].quant.scale[0], g->tensors[input].quant.zero_point[0]);

    x = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 4, .shape = { p, 1, rows, cols } }, &x, 1, g->tensors[x].quant.scale[0], g->tensors[x].quant.zero_point[0]);
    x = on_array ? b_conv(g, x, cols, 1, 1, false, RS_ACT_NONE, 0.5f, zp) : b_node(g, (struct rs_node){ .op = RS_OP_QUANTIZE }, &x, 1, b_scale(), zp);
    return b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 3, .shape = { p, rows, cols } }, &x, 1, g->tensors[x].quant.scale[0], zp);
}

/* Matrix products of two activations: every zero point, matrices transposed or shared, operands that the CPU or the array has made. */
TEST(products_of_activations)
{
    static const char *const presets[] = { "default", "eyeriss", "small", "tiny" };
    static const int32_t extremes[] = { 0, 1, -1, -127, -128, 127, 31, -60 };
    int shared = 0, split = 0, fused = 0;

    for (int i = 0; i < n_graphs / 2 && test_failed_checks == 0; i++) {
        struct rs_hw_config c;
        struct rs_plan *plan = NULL;

        test_rng = first_seed * 31337 + (uint64_t)i;
        struct rs_graph *g = b_graph();
        const int32_t p = (int32_t)rnd_range(1, 4), rows = (int32_t)rnd_range(1, 40), k = (int32_t)rnd_range(1, 70), n = (int32_t)rnd_range(1, 50), one = rnd_range(0, 3) == 0 ? 1 : p;
        const bool adj_x = rnd_range(0, 3) == 0, adj_y = rnd_range(0, 1);
        const int input = b_tensor(g, "in", 1, B_DIMS(p * (rows > n ? rows : n) * k + 20), 0.1f, b_zp(), NULL);
        const int x = b_matrices(g, input, p, adj_x ? k : rows, adj_x ? rows : k, rnd_range(0, 1), extremes[rnd_range(0, 7)]);
        const int y = rnd_range(0, 7) == 0 ? b_weights(g, 3, adj_y ? B_DIMS(one, n, k) : B_DIMS(one, k, n), -1)
                    : b_matrices(g, input, one, adj_y ? n : k, adj_y ? k : n, rnd_range(0, 1), extremes[rnd_range(0, 7)]);
        const int residual = n <= k && rnd_range(0, 1) ? b_matrices(g, input, p, rows, n, false, b_zp()) : -1;
        int z = b_node(g, (struct rs_node){ .op = RS_OP_BATCH_MATMUL, .adjoint_x = adj_x, .adjoint_y = adj_y }, (const int[]){ x, y }, 2, 1.0f, b_zp());

        if (residual >= 0) {
            z = b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ z, residual }, 2, 1.0f, b_zp());
        } else if (rnd_range(0, 1)) {  /* and its result times itself: on the array without a conversion, and packed after a job of its own */
            z = b_node(g, (struct rs_node){ .op = RS_OP_BATCH_MATMUL, .adjoint_y = true }, (const int[]){ z, z }, 2, 8.0f, b_zp());
        }
        b_finish(g, input, &z, 1);
        const struct rs_plan_options o = { .glb_blocks = rnd_range(0, 2) == 0 ? (int)rnd_range(100, 300) : 0, .wbuf_words = rnd_range(0, 2) == 0 ? 128 : 0, .quick = rnd_range(0, 1) };

        if (!rs_hw_config_named(presets[rnd_range(0, 3)], &c) || !same_as_reference(g, &c, &o, 3, &plan))
            printf("  replay: test_plan_graph %llu (product %d)\n", (unsigned long long)first_seed, i);
        for (int a = 0; plan != NULL && a < plan->n_steps; a++) {
            fused += plan->steps[a].where == RS_PLAN_FUSED;
            CHECK(g->nodes[a].op != RS_OP_BATCH_MATMUL || plan->steps[a].where == RS_PLAN_ARRAY || o.glb_blocks != 0, "on the CPU: %s", plan->steps[a].reason);
        }
        for (int a = 0; plan != NULL && a + 1 < plan->n_actions; a++)
            split += plan->actions[a].is_job && plan->actions[a + 1].is_job;
        shared += one != p;
        rs_plan_free(plan);
        rs_graph_destroy(g);
    }
    CHECK(n_graphs < 100 || (shared > 5 && split > 10 && fused > 2), "%d with a shared operand, %d jobs split for one, %d adds fused", shared, split, fused);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        n_graphs = atoi(argv[2]);
    RUN(random_graphs);
    RUN(residual_networks);
    RUN(products_of_activations);
    return test_exit();
}
