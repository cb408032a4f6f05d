/*
 * test_graph_batch.c - a batch of n gives what n single images give; where that cannot be, it is refused.
 */
#define _POSIX_C_SOURCE 200809L
#include "test_graph_build.h"

static uint64_t seed = 1;

TEST(a_batch_is_that_many_images_side_by_side)
{
    int done = 0, refused = 0;

    for (int round = 0; round < 1200; round++) {
        struct rs_error err;

        test_rng = seed * 15485863 + (uint64_t)round;
        struct rs_graph *g = b_random((int)rnd_range(1, 12));
        const int32_t batch = (int32_t)rnd_range(2, 4);
        const size_t one = rs_tensor_bytes(&g->tensors[g->inputs[0]]);
        int8_t *in = malloc(one * (size_t)batch), *want[4];
        size_t bytes, all, size[3], at = 0;
        const int64_t macs = rs_graph_total_macs(g);

        for (size_t i = 0; i < one * (size_t)batch; i++)
            in[i] = (int8_t)rnd_range(-128, 127);
        for (int b = 0; b < batch; b++)
            want[b] = b_run(g, in + one * (size_t)b, &bytes);
        for (int o = 0; o < g->n_outputs; o++)
            size[o] = rs_tensor_bytes(&g->tensors[g->outputs[o]]);
        if (rs_graph_set_batch(g, batch, &err) == RS_OK) {
            int8_t *got = b_run(g, in, &all);

            done++;
            CHECK(all == bytes * (size_t)batch && rs_graph_total_macs(g) == macs * batch, "round %d: %zu bytes", round, all);
            for (int o = 0; o < g->n_outputs; o++)
                for (int b = 0; b < batch; b++) {
                    size_t before = 0;

                    for (int k = 0; k < o; k++)
                        before += size[k];
                    CHECK(memcmp(got + at, want[b] + before, size[o]) == 0, "round %d: output %d of image %d of %d differs", round, o, b, batch);
                    at += size[o];
                }
            free(got);
            MUST(rs_graph_set_batch(g, 1, &err) == RS_OK, "round %d: not back to 1: %s", round, err.text);
            CHECK(rs_graph_total_macs(g) == macs, "round %d: %lld MACs", round, (long long)rs_graph_total_macs(g));
        } else {
            refused++;
        }
        free(b_run(g, in, &all));                        /* as before, also after a refusal */
        CHECK(all == bytes, "round %d: not what it was", round);
        for (int b = 0; b < batch; b++)
            free(want[b]);
        free(in);
        rs_graph_destroy(g);
    }
    CHECK(done > 1000 && refused == 0, "%d done, %d refused", done, refused);
}

static void refused(int in, struct rs_graph *g, int out, const char *text)
{
    struct rs_error err;

    b_finish(g, in, &out, 1);
    CHECK(rs_graph_set_batch(g, 4, &err) == RS_ERR_SHAPE, "accepted, want: %s", text);
    CHECK(strcmp(err.text, text) == 0, "message\n    %s\n  want\n    %s", err.text, text);
    CHECK(g->tensors[in].dim[0] == 1 && rs_graph_infer(g, true, &err) == RS_OK, "the graph was changed");
    rs_graph_destroy(g);
}

TEST(refuses_what_mixes_images)
{
    struct rs_graph *g = b_graph();
    int in = b_tensor(g, "in", 2, B_DIMS(1, 4), 0.5f, 3, NULL);

    refused(in, g, b_node(g, (struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1 }, (const int[]){ in, in }, 2, 0.5f, 3),
            "CONCATENATION (operation 0, output 'CONCATENATION_1'): works along dimension 0, so the batch cannot be changed");
    g = b_graph();
    in = b_tensor(g, "in", 2, B_DIMS(1, 4), 0.5f, 3, NULL);
    int a = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 1, .shape = { 4 } }, &in, 1, 0.5f, 3);

    refused(in, g, b_node(g, (struct rs_node){ .op = RS_OP_SOFTMAX, .beta = 1 }, &a, 1, 1.0f / 256, -128),
            "SOFTMAX (operation 1, output 'SOFTMAX_2'): works along dimension 0, so the batch cannot be changed");
    g = b_graph();
    in = b_tensor(g, "in", 3, B_DIMS(1, 4, 5), 0.5f, 3, NULL);
    a = b_node(g, (struct rs_node){ .op = RS_OP_MEAN, .n_axes = 1, .axis = { 1 } }, &in, 1, 0.5f, 3);     /* 1x5: against 1x4x5 its batch meets the 4 */
    refused(in, g, b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ in, a }, 2, 0.5f, 3),
            "ADD (operation 1, output 'ADD_2'): joins activations of rank 3 and 2, so the batch cannot be changed");
    g = b_graph();
    in = b_tensor(g, "in", 2, B_DIMS(1, 4), 0.5f, 3, NULL);
    const int8_t four[16] = { 0 };

    a = b_tensor(g, "constant", 2, B_DIMS(4, 4), 0.5f, 0, four);
    refused(in, g, b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ in, a }, 2, 0.5f, 3),
            "batch 4: tensor 'ADD_2' would become 4x4; only dimension 0 may grow, from 4 by 4/1");
    g = b_graph();
    in = b_tensor(g, "in", 2, B_DIMS(1, 4), 0.5f, 3, NULL);
    refused(in, g, b_node(g, (struct rs_node){ .op = RS_OP_PAD, .after = { 1 } }, &in, 1, 0.5f, 3),
            "batch 4: tensor 'PAD_1' would become 5x4; only dimension 0 may grow, from 2 by 4/1");
}

TEST(a_refusal_leaves_reshapes_and_slices_as_they_were)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 3, B_DIMS(1, 4, 6), 0.5f, 3, NULL);
    const int r = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 2, 12 } }, &in, 1, 0.5f, 3);
    const int s = b_node(g, (struct rs_node){ .op = RS_OP_SLICE, .n_shape = 2, .shape = { 2, 5 }, .after = { 1, 1 } }, &r, 1, 0.5f, 3);
    const int out = b_node(g, (struct rs_node){ .op = RS_OP_TRANSPOSE, .n_axes = 2, .axis = { 1, 0 } }, &s, 1, 0.5f, 3);

    refused(in, g, out, "batch 4: tensor 'TRANSPOSE_3' would become 5x8; only dimension 0 may grow, from 5 by 4/1");
}

TEST(rejects_a_batch_below_one_and_one_that_is_too_large)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "in", 2, B_DIMS(1, 4), 0.5f, 3, NULL);
    const int out = b_node(g, (struct rs_node){ .op = RS_OP_RELU }, &in, 1, 0.5f, 3);
    struct rs_error err;

    b_finish(g, in, &out, 1);
    CHECK(rs_graph_set_batch(g, 0, &err) == RS_ERR_ARG, "0");
    CHECK(rs_graph_set_batch(g, 1 << 30, &err) == RS_ERR_SHAPE, "2^30");
    CHECK(strcmp(err.text, "batch 1073741824: input 'in' would have more than 2^31 - 1 elements") == 0, "%s", err.text);
    rs_graph_destroy(g);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    RUN(a_batch_is_that_many_images_side_by_side);
    RUN(refuses_what_mixes_images);
    RUN(a_refusal_leaves_reshapes_and_slices_as_they_were);
    RUN(rejects_a_batch_below_one_and_one_that_is_too_large);
    return test_exit();
}
