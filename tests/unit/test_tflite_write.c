/* test_tflite_write.c - what is written is read back as a network that computes the same bits. */
#define _POSIX_C_SOURCE 200809L
#include "test_graph_build.h"
#include "tflite.h"
#include "tflite_write.h"

static void round_trip(struct rs_graph *g, const char *what)
{
    uint8_t *file = NULL;
    size_t size = 0, n, m;
    struct rs_graph *back = NULL;
    struct rs_error err = { 0 };

    MUST(rs_tflite_write(g, "a test", &file, &size, &err) == RS_OK, "%s: %s", what, err.text);
    const bool read = rs_tflite_read(file, size, &back, &err) == RS_OK;

    CHECK(read, "%s: %s", what, err.text);
    if (read) {
        int8_t *in = b_random_input(g), *want = b_run(g, in, &n), *got = b_run(back, in, &m);

        CHECK(n == m && memcmp(want, got, n) == 0, "%s: %zu bytes of output, want %zu, or they differ", what, m, n);
        CHECK(back->n_inputs == 1 && strcmp(back->tensors[back->inputs[0]].name, g->tensors[g->inputs[0]].name) == 0, "%s: names", what);
        free(in);
        free(want);
        free(got);
        rs_graph_destroy(back);
    }
    free(file);
}

TEST(random_networks_come_back)
{
    for (int i = 0; i < 600; i++) {
        char what[60];

        test_rng = 77 * (uint64_t)i + 5;
        struct rs_graph *g = b_random((int)rnd_range(1, 20));

        snprintf(what, sizeof what, "graph %d", i);
        if (i % 2 == 1)
            OK(rs_graph_optimize(g, RS_PASS_ALL, NULL, &build_err));       /* pads that TFLite does not have */
        round_trip(g, what);
        rs_graph_destroy(g);
    }
}

TEST(explicit_pads_become_a_pad)
{
    for (int i = 0; i < 3; i++) {
        static const enum rs_op ops[] = { RS_OP_CONV2D, RS_OP_DEPTHWISE_CONV2D, RS_OP_MAX_POOL_2D };
        struct rs_graph *g = b_graph();
        const int in = b_tensor(g, "in", 4, B_DIMS(1, 5, 6, 2), 0.5f, 3, NULL);
        const int w = i == 0 ? b_weights(g, 4, B_DIMS(4, 3, 3, 2), 0) : b_weights(g, 4, B_DIMS(1, 3, 3, 2), 3);
        const int out = b_node(g, (struct rs_node){ .op = ops[i], .kernel_h = 3, .kernel_w = 3, .pad_top = 2, .pad_left = 1, .pad_right = 2,
                                                    .stride_h = 2, .stride_w = 1 },
                               (const int[]){ in, w }, i == 2 ? 1 : 2, 0.5f, 3);

        b_finish(g, in, &out, 1);
        round_trip(g, rs_op_name(ops[i]));
        rs_graph_destroy(g);
    }
}

TEST(refuses_by_name_what_tflite_has_not)
{
    const int32_t dim[2] = { 2, 3 };
    struct rs_graph *g = b_graph();
    struct rs_error err = { 0 };
    int in, out;
    uint8_t *file = NULL;
    size_t size;

    OK(rs_graph_add_tensor(g, "x", RS_TYPE_F32, 2, dim, NULL, 0, &in, &build_err));
    OK(rs_graph_add_tensor(g, "y", RS_TYPE_F32, 2, dim, NULL, 0, &out, &build_err));
    OK(rs_graph_add_node(g, &(struct rs_node){ .op = RS_OP_ERF }, &in, 1, &out, 1, NULL, &build_err));
    b_finish(g, in, &out, 1);
    CHECK(rs_tflite_write(g, NULL, &file, &size, &err) == RS_ERR_UNSUPPORTED &&
          strcmp(err.text, "ERF (output 'y'): TFLite has no such operation") == 0, "%s", err.text);
    CHECK(file == NULL, "a file all the same");
    g->nodes[0].op = RS_OP_GELU;
    round_trip(g, "GELU");
    rs_graph_destroy(g);
}

int main(void)
{
    RUN(random_networks_come_back);
    RUN(explicit_pads_become_a_pad);
    RUN(refuses_by_name_what_tflite_has_not);
    return test_exit();
}
