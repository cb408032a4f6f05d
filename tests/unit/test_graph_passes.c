/*
 * test_graph_passes.c - rewrites: each does what it should, refuses what would change a bit, and none changes a bit of
 * random networks.
 */
#define _POSIX_C_SOURCE 200809L
#include "test_graph_build.h"

static uint64_t seed = 1;

/* Optimizes @g with @passes and checks that the outputs stay what they were. */
static void check_same(struct rs_graph *g, unsigned passes, const char *what)
{
    int8_t *in = b_random_input(g);
    size_t n, m;
    struct rs_error err = { 0 };
    int8_t *want = b_run(g, in, &n), *got = NULL;

    CHECK(rs_graph_optimize(g, passes, NULL, &err) == RS_OK, "%s: %s", what, err.text);
    CHECK(rs_graph_sort(g, &err) == RS_OK && rs_graph_infer(g, true, &err) == RS_OK && rs_graph_validate(g, &err) == RS_OK,
          "%s: no longer valid: %s", what, err.text);
    got = b_run(g, in, &m);
    CHECK(n == m, "%s: %zu bytes of output, want %zu", what, m, n);
    for (size_t i = 0; i < n && i < m; i++)
        CHECK(got[i] == want[i], "%s: output byte %zu: got %d, want %d", what, i, got[i], want[i]);
    free(in);
    free(want);
    free(got);
}

TEST(no_pass_changes_a_bit_of_random_networks)
{
    int before = 0, after = 0;

    for (int i = 0; i < 1500; i++) {
        char what[60];

        test_rng = seed * 1000003 + (uint64_t)i;
        struct rs_graph *g = b_random((int)rnd_range(1, 24));
        const unsigned passes = i % 4 == 0 ? 1u << (i / 4 % 6) : RS_PASS_ALL;

        snprintf(what, sizeof what, "seed %llu graph %d passes %u", (unsigned long long)seed, i, passes);
        before += g->n_nodes;
        check_same(g, passes, what);
        after += g->n_nodes;
        rs_graph_destroy(g);
    }
    CHECK(after < before * 3 / 4, "%d of %d nodes left: the passes did little", after, before);
}

/* in 1x5x5x2 -> PAD -> window op */
static struct rs_graph *padded(enum rs_op op, enum rs_activation before, int32_t pad_code, int32_t pad, bool same_scale)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 5, 5, 2), 0.5f, 3, NULL);
    const int first = b_conv(g, in, 2, 1, 1, true, before, 0.25f, -20);
    const int p = b_node(g, (struct rs_node){ .op = RS_OP_PAD, .pad_code = pad_code, .before = { 0, pad, 1, 0 }, .after = { 0, 1, 2, 0 } },
                         &first, 1, same_scale ? 0.25f : 0.2500001f, -20);
    int out;

    if (op == RS_OP_CONV2D)
        out = b_conv(g, p, 3, 3, 2, false, RS_ACT_NONE, 1.0f, 0);
    else if (op == RS_OP_DEPTHWISE_CONV2D)
        out = b_node(g, (struct rs_node){ .op = op }, (const int[]){ p, b_weights(g, 4, B_DIMS(1, 3, 3, 4), 3), -1 }, 3, 1.0f, 0);
    else
        out = b_node(g, (struct rs_node){ .op = op, .kernel_h = 3, .kernel_w = 3, .stride_h = 1, .stride_w = 1 }, &p, 1,
                     same_scale ? 0.25f : 0.2500001f, -20);
    b_finish(g, in, &out, 1);
    return g;
}

static void pads_left(enum rs_op op, enum rs_activation before, int32_t code, int32_t pad, bool same_scale, int want, const char *what)
{
    struct rs_graph *g = padded(op, before, code, pad, same_scale);

    check_same(g, RS_PASS_ALL, what);
    CHECK(b_count(g, RS_OP_PAD) == want, "%s: %d PAD left, want %d", what, b_count(g, RS_OP_PAD), want);
    if (want == 0) {
        const struct rs_node *n = &g->nodes[g->n_nodes - 1];

        CHECK(n->op == op && n->pad_top == pad && n->pad_left == 1 && n->pad_bottom == 1 && n->pad_right == 2 && !n->pad_same,
              "%s: pads %d,%d,%d,%d", what, n->pad_top, n->pad_left, n->pad_bottom, n->pad_right);
    }
    rs_graph_destroy(g);
}

TEST(pad_goes_into_a_window_only_where_exact)
{
    pads_left(RS_OP_CONV2D, RS_ACT_NONE, -20, 1, true, 0, "convolution");
    pads_left(RS_OP_CONV2D, RS_ACT_NONE, -20, 2, true, 0, "convolution, 2 rows");
    pads_left(RS_OP_CONV2D, RS_ACT_NONE, -20, 3, true, 1, "convolution, more rows than taps reach");
    pads_left(RS_OP_CONV2D, RS_ACT_NONE, -19, 1, true, 1, "convolution, pad code is not real 0");
    pads_left(RS_OP_CONV2D, RS_ACT_NONE, -20, 1, false, 1, "convolution, another scale");
    pads_left(RS_OP_DEPTHWISE_CONV2D, RS_ACT_NONE, -20, 1, true, 0, "depthwise");
    pads_left(RS_OP_MAX_POOL_2D, RS_ACT_RELU, -20, 1, true, 0, "max pool after RELU");
    pads_left(RS_OP_MAX_POOL_2D, RS_ACT_NONE, -20, 1, true, 1, "max pool of negative numbers");
    pads_left(RS_OP_AVERAGE_POOL_2D, RS_ACT_RELU, -20, 1, true, 1, "average pool");
}

TEST(pad_read_twice_stays_for_the_other_reader)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 5, 5, 2), 0.5f, 3, NULL);
    const int p = b_node(g, (struct rs_node){ .op = RS_OP_PAD, .pad_code = 3, .before = { 0, 1, 1, 0 }, .after = { 0, 1, 1, 0 } }, &in, 1, 0.5f, 3);
    const int out[2] = { b_conv(g, p, 3, 3, 1, false, RS_ACT_NONE, 1.0f, 0),
                         b_node(g, (struct rs_node){ .op = RS_OP_MEAN, .n_axes = 2, .axis = { 1, 2 } }, &p, 1, 0.5f, 3) };

    b_finish(g, in, out, 2);
    check_same(g, RS_PASS_ALL, "two readers");
    CHECK(b_count(g, RS_OP_PAD) == 1 && g->n_nodes == 3, "%d nodes", g->n_nodes);
    rs_graph_destroy(g);
}

/* conv -> RELU6, also read by another node if @two; the RELU at another scale if @rescale. */
static int relus_left(bool two, bool rescale, enum rs_activation fused, enum rs_op relu)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 5, 5, 2), 0.5f, 3, NULL);
    const int c = b_conv(g, in, 3, 3, 1, true, fused, 0.25f, -20);
    const int out[2] = { b_node(g, (struct rs_node){ .op = relu }, &c, 1, rescale ? 0.1f : 0.25f, -20), c };

    b_finish(g, in, out, two ? 2 : 1);
    check_same(g, RS_PASS_ALL, "relu");
    const int left = b_count(g, relu);

    if (left == 0)
        CHECK(strncmp(g->tensors[g->nodes[0].outputs[0]].name, "RELU", 4) == 0, "the output lost its name: %s", g->tensors[g->outputs[0]].name);
    rs_graph_destroy(g);
    return left;
}

TEST(relu_goes_into_its_producer_only_where_exact)
{
    CHECK(relus_left(false, false, RS_ACT_NONE, RS_OP_RELU6) == 0, "plain");
    CHECK(relus_left(false, false, RS_ACT_RELU, RS_OP_RELU6) == 0, "after RELU");
    CHECK(relus_left(false, false, RS_ACT_RELU6, RS_OP_RELU) == 0, "RELU after RELU6");
    CHECK(relus_left(false, false, RS_ACT_RELU, RS_OP_RELU_N1_TO_1) == 1, "no activation is both");
    CHECK(relus_left(true, false, RS_ACT_NONE, RS_OP_RELU6) == 1, "another reader sees the negative numbers");
    CHECK(relus_left(false, true, RS_ACT_NONE, RS_OP_RELU6) == 1, "another scale");
}

TEST(reshapes_merge_and_vanish_before_fully_connected)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 2, 3, 4), 0.5f, 3, NULL);
    const int a = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 6, 4 } }, &in, 1, 0.5f, 3);
    const int b = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 1, -1 } }, &a, 1, 0.5f, 3);
    const int fc = b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED }, (const int[]){ b, b_weights(g, 2, B_DIMS(5, 24), -1), -1 }, 3, 0.5f, 3);
    const int r = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 1, .shape = { 5 } }, &fc, 1, 0.5f, 3);

    b_finish(g, in, &r, 1);
    check_same(g, RS_PASS_ALL, "reshapes");
    CHECK(g->n_nodes == 2 && g->nodes[0].op == RS_OP_FULLY_CONNECTED && g->nodes[0].inputs[0] == in, "%d nodes", g->n_nodes);
    CHECK(g->tensors[g->outputs[0]].rank == 1, "the output's rank changed");
    rs_graph_destroy(g);
}

TEST(constants_fold_but_do_not_explode)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 1, B_DIMS(1), 0.5f, 3, NULL);
    const int8_t one = 1;
    const int k = b_tensor(g, "k", 1, B_DIMS(1), 0.5f, 0, &one);
    const int small = b_node(g, (struct rs_node){ .op = RS_OP_PAD, .after = { 100 } }, &k, 1, 0.5f, 0);
    const int large = b_node(g, (struct rs_node){ .op = RS_OP_PAD, .after = { 100000000 } }, &k, 1, 0.5f, 0);
    const int out[2] = { b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ in, small }, 2, 0.5f, 0),
                         b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ in, large }, 2, 0.5f, 0) };

    b_finish(g, in, out, 2);
    struct rs_error err;

    MUST(rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK, "%s", err.text);
    CHECK(g->tensors[small].data != NULL && ((int8_t *)g->tensors[small].data)[0] == 1 && ((int8_t *)g->tensors[small].data)[100] == 0, "not folded");
    CHECK(g->tensors[large].data == NULL && b_count(g, RS_OP_PAD) == 1, "a constant of 100 MB from 1 byte");
    rs_graph_destroy(g);
}

TEST(equal_nodes_and_constants_become_one)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 5, 5, 2), 0.5f, 3, NULL);
    const uint64_t same = test_rng;
    const int a = b_conv(g, in, 3, 3, 1, true, RS_ACT_RELU, 0.25f, -20);

    test_rng = same;
    const int b = b_conv(g, in, 3, 3, 1, true, RS_ACT_RELU, 0.25f, -20);

    test_rng = same;
    const int c = b_conv(g, in, 3, 3, 1, true, RS_ACT_NONE, 0.25f, -20);
    const int ab = b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ a, b }, 2, 0.25f, 0);
    const int out = b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ ab, c }, 2, 0.25f, 0);

    b_finish(g, in, &out, 1);
    check_same(g, RS_PASS_ALL, "equal nodes");
    CHECK(b_count(g, RS_OP_CONV2D) == 2 && g->n_nodes == 4, "%d nodes", g->n_nodes);
    CHECK(g->nodes[0].inputs[1] == g->nodes[1].inputs[1] || g->nodes[0].inputs[1] == g->nodes[2].inputs[1], "two copies of one filter");
    rs_graph_destroy(g);
}

TEST(nodes_that_differ_in_one_attribute_stay_two)
{
    struct rs_node n[][2] = {
        { { .op = RS_OP_SLICE, .n_shape = 4, .shape = { 1, 2, 2, 2 }, .after = { 1, 1, 1, 1 } },
          { .op = RS_OP_SLICE, .n_shape = 4, .shape = { 1, 2, 2, 2 }, .after = { 1, 1, 1, 1 }, .before = { 0, 1 } } },
        { { .op = RS_OP_SLICE, .n_shape = 4, .shape = { 1, 2, 2, 2 }, .after = { 1, 1, 1, 1 } },
          { .op = RS_OP_SLICE, .n_shape = 4, .shape = { 1, 2, 2, 2 }, .after = { 1, 2, 1, 1 } } },
        { { .op = RS_OP_PAD, .before = { 0, 1 }, .pad_code = 3 }, { .op = RS_OP_PAD, .before = { 0, 1 }, .pad_code = 4 } },
        { { .op = RS_OP_PAD, .before = { 0, 1 } }, { .op = RS_OP_PAD, .after = { 0, 1 } } },
        { { .op = RS_OP_TRANSPOSE, .n_axes = 4, .axis = { 0, 2, 1, 3 } }, { .op = RS_OP_TRANSPOSE, .n_axes = 4, .axis = { 0, 2, 3, 1 } } },
        { { .op = RS_OP_MAX_POOL_2D, .kernel_h = 2, .kernel_w = 2 }, { .op = RS_OP_MAX_POOL_2D, .kernel_h = 2, .kernel_w = 2, .pad_same = true } },
        { { .op = RS_OP_MAX_POOL_2D, .kernel_h = 2, .kernel_w = 1 }, { .op = RS_OP_MAX_POOL_2D, .kernel_h = 1, .kernel_w = 2 } },
        { { .op = RS_OP_LEAKY_RELU, .beta = 0.25f }, { .op = RS_OP_LEAKY_RELU, .beta = 0.5f } },
        { { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2, .shape = { 5, 9 } }, { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2, .shape = { 5, 9 }, .half_pixel = true } },
        { { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2, .shape = { 5, 9 } }, { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2, .shape = { 5, 9 }, .align_corners = true } },
    };

    for (size_t i = 0; i < sizeof n / sizeof n[0]; i++) {
        char what[40];
        struct rs_graph *g = b_graph();
        const int in = b_tensor(g, "in", 4, B_DIMS(1, 4, 4, 2), 0.5f, 3, NULL);
        const int out[2] = { b_node(g, n[i][0], &in, 1, 0.5f, 3), b_node(g, n[i][1], &in, 1, 0.5f, 3) };
        /* Read through a node, for a network output is never merged. */
        const int ends[2] = { b_node(g, (struct rs_node){ .op = RS_OP_MEAN, .n_axes = 1, .axis = { 3 } }, &out[0], 1, 0.25f, 3),
                              b_node(g, (struct rs_node){ .op = RS_OP_MEAN, .n_axes = 1, .axis = { 3 } }, &out[1], 1, 0.25f, 3) };

        snprintf(what, sizeof what, "pair %zu", i);
        b_finish(g, in, ends, 2);
        check_same(g, RS_PASS_ALL, what);
        CHECK(g->n_nodes == 4, "pair %zu: %d nodes", i, g->n_nodes);
        rs_graph_destroy(g);
    }
}

TEST(reshape_to_another_scale_stays_before_fully_connected)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 2, 3, 4), 0.5f, 3, NULL);
    const int r = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 1, 24 } }, &in, 1, 0.25f, -3);
    const int out = b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED }, (const int[]){ r, b_weights(g, 2, B_DIMS(5, 24), -1), -1 }, 3, 0.5f, 3);

    b_finish(g, in, &out, 1);
    check_same(g, RS_PASS_ALL, "another scale");
    CHECK(g->n_nodes == 2, "%d nodes", g->n_nodes);
    rs_graph_destroy(g);
}

TEST(network_outputs_keep_their_tensors)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 5, 5, 2), 0.5f, 3, NULL);
    const int c = b_conv(g, in, 3, 3, 1, true, RS_ACT_NONE, 0.25f, -20);
    const int q = b_node(g, (struct rs_node){ .op = RS_OP_QUANTIZE }, &c, 1, 0.25f, -20);           /* does nothing */
    const int same_as_in = b_node(g, (struct rs_node){ .op = RS_OP_QUANTIZE }, &in, 1, 0.5f, 3);
    const int out[2] = { q, same_as_in };

    b_finish(g, in, out, 2);
    check_same(g, RS_PASS_ALL, "outputs");
    CHECK(g->outputs[0] == q && g->outputs[1] == same_as_in && g->n_nodes == 2 && g->nodes[0].outputs[0] == q,
          "outputs %d %d of %d nodes", g->outputs[0], g->outputs[1], g->n_nodes);
    rs_graph_destroy(g);
}

TEST(fusion_candidates_for_the_array_are_found)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 6, 6, 3), 0.5f, 3, NULL);
    const int a = b_conv(g, in, 3, 3, 1, true, RS_ACT_NONE, 0.25f, -20);                            /* node 0: alone read by ADD */
    const int sum = b_node(g, (struct rs_node){ .op = RS_OP_ADD, .act = RS_ACT_RELU }, (const int[]){ in, a }, 2, 0.25f, -20);
    const int b = b_conv(g, sum, 3, 3, 1, true, RS_ACT_NONE, 0.25f, -20);                           /* node 2: read twice */
    const int twice = b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ b, b }, 2, 0.25f, -20);
    const int c = b_conv(g, twice, 4, 3, 1, true, RS_ACT_RELU, 0.25f, -20);                         /* node 4: pooled */
    const int out = b_node(g, (struct rs_node){ .op = RS_OP_MEAN, .n_axes = 2, .axis = { 1, 2 } }, &c, 1, 0.25f, -20);
    int residual = -7;

    b_finish(g, in, &out, 1);
    CHECK(rs_graph_fusable_add(g, 0, &residual) == 1 && residual == in, "residual %d", residual);
    CHECK(rs_graph_fusable_add(g, 2, &residual) == -1, "a tensor added to itself is no residual");
    CHECK(rs_graph_fusable_add(g, 4, &residual) == -1 && rs_graph_fusable_pool(g, 4) == 5 && rs_graph_fusable_pool(g, 0) == -1, "pool");
    CHECK(rs_graph_sole_consumer(g, in) == -1 && rs_graph_consumers(g, in) == 2 && rs_graph_producer(g, sum) == 1, "neighbours");
    CHECK(rs_graph_macs(g, 0) == 6 * 6 * 3 * 3 * 3 * 3 && rs_graph_macs(g, 1) == 0, "%lld MACs", (long long)rs_graph_macs(g, 0));
    struct rs_layer l;

    CHECK(rs_graph_layer(g, 4, &l) && l.N == 1 && l.C == 3 && l.M == 4 && l.R == 3 && l.E == 6 && l.pad_top == 1 && l.zp_in == -20 &&
          l.act_min == -20 && l.ifmap == twice && l.ofmap == c, "layer");
    CHECK(rs_graph_layer(g, 5, &l) && l.R == 6 && l.S == 6 && l.E == 1 && !rs_graph_layer(g, 1, &l), "global pool");
    rs_graph_destroy(g);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    RUN(no_pass_changes_a_bit_of_random_networks);
    RUN(pad_goes_into_a_window_only_where_exact);
    RUN(pad_read_twice_stays_for_the_other_reader);
    RUN(relu_goes_into_its_producer_only_where_exact);
    RUN(reshapes_merge_and_vanish_before_fully_connected);
    RUN(constants_fold_but_do_not_explode);
    RUN(equal_nodes_and_constants_become_one);
    RUN(nodes_that_differ_in_one_attribute_stay_two);
    RUN(reshape_to_another_scale_stays_before_fully_connected);
    RUN(network_outputs_keep_their_tensors);
    RUN(fusion_candidates_for_the_array_are_found);
    return test_exit();
}
