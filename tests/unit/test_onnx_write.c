/* test_onnx_write.c - what is written as ONNX is read back as a network that computes the same bits. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include "onnx.h"
#include "onnx_write.h"
#include "test_graph_build.h"

#ifdef RS_HAVE_PROTOBUF

enum { MOST = 4096 };

/* Reals of the tensors' elements, those of codes too; [N][C][H][W] order for [N][H][W][C] if @channels_first. */
static void reals(const struct rs_tensor *t, const void *data, bool channels_first, float *out)
{
    const int64_t n = rs_tensor_elements(t), c = t->rank == 4 ? t->dim[3] : 1, map = t->rank == 4 ? (int64_t)t->dim[1] * t->dim[2] : 1;

    for (int64_t i = 0; i < n; i++) {
        const int64_t image = i / (map * c), pixel = i / c % map, channel = i % c;
        const float x = t->type == RS_TYPE_F32 ? ((const float *)data)[i]
                      : t->type == RS_TYPE_S16 ? t->quant.scale[0] * (float)((const int16_t *)data)[i]
                                               : t->quant.scale[0] * (float)(((const int8_t *)data)[i] - t->quant.zero_point[0]);

        out[channels_first && t->rank == 4 ? (image * c + channel) * map + pixel : i] = x;
    }
}

static bool dims_are(const struct rs_tensor *t, const struct rs_tensor *like, bool channels_first)
{
    static const int order[4] = { 0, 3, 1, 2 };

    for (int i = 0; i < t->rank && t->rank == like->rank; i++)
        if (t->dim[i] != like->dim[channels_first && t->rank == 4 ? order[i] : i])
            return false;
    return t->rank == like->rank;
}

static struct rs_graph *rewritten(const struct rs_graph *g, bool any_batch, const char *what)
{
    uint8_t *file = NULL;
    size_t size = 0;
    struct rs_graph *back = NULL;
    struct rs_error err = { 0 };
    rs_status status = rs_onnx_write(g, any_batch, "a test", &file, &size, &err);

    if (status == RS_OK)
        status = rs_onnx_read(file, size, g->rounding, NULL, NULL, &back, &err);
    CHECK(status == RS_OK, "%s: %s", what, err.text);
    free(file);
    return back;
}

/* Runs both on the same input; the greatest difference of an output in steps of its scale, INFINITY where they do not fit. */
static double difference(const struct rs_graph *g, const struct rs_graph *back, bool channels_first, const char *what)
{
    const struct rs_tensor *x = &g->tensors[g->inputs[0]];
    float *in = calloc((size_t)rs_tensor_elements(x), sizeof *in);
    void *codes = x->type == RS_TYPE_F32 ? calloc((size_t)rs_tensor_elements(x), sizeof *in) : b_random_input(g);
    double worst = 0;
    size_t n, m, at = 0, at_back = 0;

    for (int64_t i = 0; x->type == RS_TYPE_F32 && i < rs_tensor_elements(x); i++)
        ((float *)codes)[i] = (float)rnd_range(-1000, 1000) / 500;
    reals(x, codes, channels_first, in);
    int8_t *want = b_run(g, codes, &n), *got = b_run(back, (const int8_t *)in, &m);

    for (int i = 0; i < g->n_outputs; i++) {
        const struct rs_tensor *t = &g->tensors[g->outputs[i]], *b = &back->tensors[back->outputs[i]];
        const double step = t->type == RS_TYPE_F32 ? 1 : (double)t->quant.scale[0];
        double best = INFINITY;

        CHECK(b->type == RS_TYPE_F32, "%s: output %d is %s", what, i, rs_type_name(b->type));
        for (int order = 0; order < 2; order++) {
            float expected[MOST];
            double d = 0;

            if (!dims_are(b, t, order == 1) || rs_tensor_elements(t) > MOST)
                continue;
            reals(t, want + at, order == 1, expected);
            for (int64_t k = 0; k < rs_tensor_elements(t); k++)
                d = fmax(d, fabs((double)expected[k] - (double)((const float *)(const void *)(got + at_back))[k]) / step);
            best = d < best ? d : best;
        }
        worst = fmax(worst, best);
        at += rs_tensor_bytes(t);
        at_back += rs_tensor_bytes(b);
    }
    free(in);
    free(codes);
    free(want);
    free(got);
    return worst;
}

/* The greatest difference after a round trip, whichever order the input has. */
static double round_trip(const struct rs_graph *g, bool any_batch, const char *what)
{
    const struct rs_tensor *x = &g->tensors[g->inputs[0]];
    struct rs_graph *back = rewritten(g, any_batch, what);
    double best = INFINITY;

    if (back == NULL)
        return best;
    CHECK(back->n_inputs == 1 && back->n_outputs == g->n_outputs && strcmp(back->tensors[back->inputs[0]].name, x->name) == 0,
          "%s: inputs or outputs", what);
    for (int order = 0; order < 2; order++)
        if (dims_are(&back->tensors[back->inputs[0]], x, order == 1))
            best = fmin(best, difference(g, back, order == 1, what));
    rs_graph_destroy(back);
    return best;
}

TEST(random_networks_come_back)
{
    for (int i = 0; i < 600; i++) {
        char what[60];

        test_rng = 77 * (uint64_t)i + 5;
        struct rs_graph *g = b_random((int)rnd_range(1, 20));

        snprintf(what, sizeof what, "graph %d", i);
        if (i % 2 == 1)
            OK(rs_graph_optimize(g, RS_PASS_ALL, NULL, &build_err));
        const bool any_batch = rs_graph_set_batch(g, 3, NULL) == RS_OK && rs_graph_set_batch(g, 1, NULL) == RS_OK;
        const double d = round_trip(g, any_batch, what);

        CHECK(d < 1e-4, "%s: outputs differ by %g steps", what, d);
        if (d >= 1e-4)
            rs_graph_print(g, stdout);
        rs_graph_destroy(g);
    }
}

/* ---- every operation ---- */

static int f32_tensor(struct rs_graph *g, const char *name, int rank, const int32_t *dim, bool constant)
{
    float data[600];
    int id;
    int64_t n = 1;

    for (int i = 0; i < rank; i++)
        n *= dim[i];
    for (int64_t i = 0; constant && i < n; i++)
        data[i] = (float)rnd_range(1, 1000) / 700;       /* > 0: variances and divisors too */
    OK(rs_graph_add_tensor(g, name, RS_TYPE_F32, rank, dim, constant ? data : NULL, constant ? (size_t)n * sizeof *data : 0, &id, &build_err));
    return id;
}

enum { NO_CONSTANT = -1 };                               /* the input again */
struct operand { int rank; int32_t dim[4]; };

/* A float network of one operation on [1][3][4][6] (or @rank 3: [1][5][8]) and constants. */
static struct rs_graph *one_float(struct rs_node n, int rank, const struct operand *constant, int constants)
{
    struct rs_graph *g = b_graph();
    int in[6] = { f32_tensor(g, "x", rank, rank == 4 ? B_DIMS(1, 3, 4, 6) : B_DIMS(1, 5, 8), false) }, out;

    for (int i = 0; i < constants; i++)
        in[i + 1] = constant[i].rank == NO_CONSTANT ? in[0] : f32_tensor(g, "c", constant[i].rank, constant[i].dim, true);
    out = f32_tensor(g, "y", 0, NULL, false);
    n.stride_h = n.stride_h == 0 ? 1 : n.stride_h;
    n.stride_w = n.stride_w == 0 ? 1 : n.stride_w;
    n.dilation_h = n.dilation_w = 1;
    OK(rs_graph_add_node(g, &n, in, constants + 1, &out, 1, NULL, &build_err));
    OK(rs_graph_infer(g, false, &build_err));
    b_finish(g, in[0], &out, 1);
    return g;
}

static void comes_back(struct rs_graph *g, double most, const char *what)
{
    const double d = round_trip(g, g->tensors[g->inputs[0]].dim[0] == 1, what);

    CHECK(d <= most, "%s: outputs differ by %g, at most %g is expected", what, d, most);
    rs_graph_destroy(g);
}

TEST(every_float_operation_comes_back)
{
    static const struct { struct rs_node n; int rank, constants; struct operand c[4]; } cases[] = {
        { { .op = RS_OP_CONV2D, .stride_h = 2, .pad_top = 1, .act = RS_ACT_RELU6 }, 4, 2, { { 4, { 5, 3, 2, 6 } }, { 1, { 5 } } } },
        { { .op = RS_OP_DEPTHWISE_CONV2D, .pad_left = 1 }, 4, 1, { { 4, { 1, 2, 2, 12 } } } },
        { { .op = RS_OP_FULLY_CONNECTED, .act = RS_ACT_RELU }, 4, 2, { { 2, { 7, 72 } }, { 1, { 7 } } } },
        { { .op = RS_OP_FULLY_CONNECTED, .keep_dims = true, .act = RS_ACT_RELU_N1_TO_1 }, 3, 1, { { 2, { 7, 8 } } } },
        { { .op = RS_OP_BATCH_MATMUL, .adjoint_y = true }, 3, 1, { { NO_CONSTANT, { 0 } } } },
        { { .op = RS_OP_BATCH_MATMUL, .adjoint_x = true }, 3, 1, { { NO_CONSTANT, { 0 } } } },
        { { .op = RS_OP_ADD, .act = RS_ACT_RELU }, 4, 1, { { 1, { 6 } } } }, { { .op = RS_OP_SUB }, 4, 1, { { 4, { 1, 3, 1, 6 } } } },
        { { .op = RS_OP_MUL }, 4, 1, { { 0 } } }, { { .op = RS_OP_DIV }, 3, 1, { { 1, { 8 } } } },
        { { .op = RS_OP_MAXIMUM }, 4, 1, { { 2, { 4, 6 } } } }, { { .op = RS_OP_MINIMUM }, 3, 1, { { 2, { 5, 1 } } } },
        { { .op = RS_OP_SQUARED_DIFFERENCE }, 3, 1, { { 1, { 8 } } } },
        { { .op = RS_OP_AVERAGE_POOL_2D, .kernel_h = 2, .kernel_w = 3, .pad_right = 1, .stride_w = 2 }, 4, 0, { { 0 } } },
        { { .op = RS_OP_MAX_POOL_2D, .kernel_h = 3, .kernel_w = 2, .pad_bottom = 2, .act = RS_ACT_RELU }, 4, 0, { { 0 } } },
        { { .op = RS_OP_MEAN, .n_axes = 2, .axis = { 1, 3 } }, 4, 0, { { 0 } } },
        { { .op = RS_OP_MEAN, .n_axes = 1, .axis = { 2 }, .keep_dims = true }, 3, 0, { { 0 } } },
        { { .op = RS_OP_RESHAPE, .n_shape = 3, .shape = { 1, 12, 6 } }, 4, 0, { { 0 } } },
        { { .op = RS_OP_PAD, .before = { 0, 1, 0, 2 }, .after = { 0, 0, 3, 0 }, .pad_value = 0.25f }, 4, 0, { { 0 } } },
        { { .op = RS_OP_TRANSPOSE, .n_axes = 4, .axis = { 0, 3, 1, 2 } }, 4, 0, { { 0 } } },
        { { .op = RS_OP_TRANSPOSE, .n_axes = 3, .axis = { 0, 2, 1 } }, 3, 0, { { 0 } } },
        { { .op = RS_OP_CONCAT, .n_axes = 1, .axis = { 2 } }, 3, 1, { { 3, { 1, 5, 2 } } } },
        { { .op = RS_OP_SLICE, .n_shape = 4, .before = { 0, 2, 1, 0 }, .shape = { 1, 3, 2, 6 }, .after = { 1, -1, 2, 1 } }, 4, 0, { { 0 } } },
        { { .op = RS_OP_SLICE, .n_shape = 3, .shape = { 1, 5, 8 }, .after = { 1, 1, 1 } }, 3, 0, { { 0 } } },
        { { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2, .shape = { 6, 4 } }, 4, 0, { { 0 } } },
        { { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2, .shape = { 7, 3 }, .half_pixel = true }, 4, 0, { { 0 } } },
        { { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2, .shape = { 5, 9 }, .align_corners = true }, 4, 0, { { 0 } } },
        { { .op = RS_OP_SOFTMAX, .beta = 1 }, 4, 0, { { 0 } } }, { { .op = RS_OP_SOFTMAX, .beta = 0.5f }, 3, 0, { { 0 } } },
        { { .op = RS_OP_LOGISTIC }, 3, 0, { { 0 } } }, { { .op = RS_OP_TANH }, 4, 0, { { 0 } } },
        { { .op = RS_OP_HARD_SWISH }, 4, 0, { { 0 } } }, { { .op = RS_OP_LEAKY_RELU, .beta = 0.1f }, 3, 0, { { 0 } } },
        { { .op = RS_OP_RELU }, 3, 0, { { 0 } } }, { { .op = RS_OP_RELU6 }, 3, 0, { { 0 } } },
        { { .op = RS_OP_RELU_N1_TO_1 }, 3, 0, { { 0 } } }, { { .op = RS_OP_GELU }, 3, 0, { { 0 } } },
        { { .op = RS_OP_GELU, .approximate = true }, 4, 0, { { 0 } } }, { { .op = RS_OP_ERF }, 3, 0, { { 0 } } },
        { { .op = RS_OP_EXP }, 3, 0, { { 0 } } },
        { { .op = RS_OP_BATCH_NORM, .epsilon = 1e-3f }, 4, 4, { { 1, { 6 } }, { 1, { 6 } }, { 1, { 6 } }, { 1, { 6 } } } },
        { { .op = RS_OP_LAYER_NORM, .epsilon = 1e-5f }, 3, 2, { { 1, { 8 } }, { 1, { 8 } } } },
        { { .op = RS_OP_LAYER_NORM, .epsilon = 1e-5f }, 3, 0, { { 0 } } },
        { { .op = RS_OP_FUNCTION, .function = RS_FUNCTION_HARD_SIGMOID, .beta = 0.3f, .gamma = 0.4f }, 3, 0, { { 0 } } },
        { { .op = RS_OP_FUNCTION, .function = RS_FUNCTION_CLIP, .beta = -0.5f, .gamma = 0.75f }, 3, 0, { { 0 } } },
        { { .op = RS_OP_FUNCTION, .function = RS_FUNCTION_LINEAR, .beta = -2, .gamma = 0.75f }, 3, 0, { { 0 } } },
        { { .op = RS_OP_FUNCTION, .function = RS_FUNCTION_SOFTSIGN }, 4, 0, { { 0 } } },
        { { .op = RS_OP_FUNCTION, .function = RS_FUNCTION_SELU, .beta = 1.5f, .gamma = 1.25f }, 3, 0, { { 0 } } },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[80];

        test_rng = 1000 + i;
        snprintf(what, sizeof what, "case %zu, %s", i, rs_op_name(cases[i].n.op));
        comes_back(one_float(cases[i].n, cases[i].rank, cases[i].c, cases[i].constants), 1e-5, what);
    }
}

TEST(functions_of_codes_come_back_within_a_step)
{
    static const struct { struct rs_node n; float scale; int32_t zp; double most; } cases[] = {
        { { .op = RS_OP_SOFTMAX, .beta = 1 }, 1.0f / 256, -128, 0 }, { { .op = RS_OP_LOGISTIC }, 1.0f / 256, -128, 0 },
        { { .op = RS_OP_TANH }, 1.0f / 128, 0, 0 }, { { .op = RS_OP_RELU }, 0.02f, -100, 0 }, { { .op = RS_OP_RELU6 }, 0.05f, -128, 0 },
        { { .op = RS_OP_HARD_SWISH }, 0.05f, -90, 1 }, { { .op = RS_OP_LEAKY_RELU, .beta = 0.2f }, 0.07f, 3, 1 },
        { { .op = RS_OP_FUNCTION, .function = RS_FUNCTION_ELU, .beta = 1 }, 0.05f, 1, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rs_graph *g = b_graph();
        const int in = b_tensor(g, "x", 3, B_DIMS(1, 9, 11), 0.06f, 4, NULL), out = b_node(g, cases[i].n, &in, 1, cases[i].scale, cases[i].zp);

        b_finish(g, in, &out, 1);
        comes_back(g, cases[i].most + 1e-4, rs_op_name(cases[i].n.op));
    }
}

TEST(matrix_products_of_codes_come_back)
{
    for (int i = 0; i < 8; i++) {
        struct rs_graph *g = b_graph();
        const bool adjoint_x = i & 1, adjoint_y = i & 2, rows = i & 4;
        const int in = b_tensor(g, "x", 3, B_DIMS(2, 6, 6), 0.06f, 4, NULL);
        const int w = b_weights(g, 2, B_DIMS(6, 6), -1), b = b_bias(g, 6);
        const int left = rows ? b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED, .keep_dims = true, .act = RS_ACT_RELU },
                                       (const int[]){ in, w, b }, 3, 0.1f, -20) : in;
        const int out = b_node(g, (struct rs_node){ .op = RS_OP_BATCH_MATMUL, .adjoint_x = adjoint_x, .adjoint_y = adjoint_y },
                               (const int[]){ left, in }, 2, 0.2f, 7);

        b_finish(g, in, &out, 1);
        comes_back(g, 1e-4, "BATCH_MATMUL");
    }
}

TEST(interface_is_float32_and_channels_first_and_has_the_names)
{
    struct rs_graph *g = b_graph();
    const int in = b_tensor(g, "image", 4, B_DIMS(1, 5, 6, 3), 0.5f, 3, NULL);
    const int map = b_conv(g, in, 4, 3, 1, true, RS_ACT_RELU, 0.25f, -128);
    const int out[2] = { map, b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED },
                                     (const int[]){ map, b_weights(g, 2, B_DIMS(7, 120), -1) }, 2, 0.5f, 1) };

    b_finish(g, in, out, 2);
    struct rs_graph *back = rewritten(g, true, "names");

    MUST(back != NULL, "not read");
    const struct rs_tensor *x = &back->tensors[back->inputs[0]], *y = &back->tensors[back->outputs[0]], *z = &back->tensors[back->outputs[1]];

    CHECK(x->type == RS_TYPE_F32 && x->dim[1] == 3 && x->dim[2] == 5 && strcmp(x->name, "image") == 0, "input %s", x->name);
    CHECK(y->type == RS_TYPE_F32 && y->dim[1] == 4 && y->dim[2] == 5 && strcmp(y->name, g->tensors[map].name) == 0, "output %s", y->name);
    CHECK(z->rank == 2 && z->dim[1] == 7 && strcmp(z->name, g->tensors[out[1]].name) == 0, "output %s", z->name);
    CHECK(rs_graph_set_batch(back, 3, &build_err) == RS_OK && x->dim[0] == 3, "%s", build_err.text);
    rs_graph_destroy(back);
    rs_graph_destroy(g);
}

TEST(refuses_by_name_what_is_no_network_of_reals)
{
    struct rs_graph *g = b_graph();
    const int32_t dim[2] = { 2, 3 };
    struct rs_error err = { 0 };
    uint8_t *file = NULL;
    size_t size;
    int in, out;

    OK(rs_graph_add_tensor(g, "x", RS_TYPE_S32, 2, dim, NULL, 0, &in, &build_err));
    OK(rs_graph_add_tensor(g, "y", RS_TYPE_S32, 2, dim, NULL, 0, &out, &build_err));
    OK(rs_graph_add_node(g, &(struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 2, 3 } }, &in, 1, &out, 1, NULL, &build_err));
    b_finish(g, in, &out, 1);
    CHECK(rs_onnx_write(g, false, NULL, &file, &size, &err) == RS_ERR_UNSUPPORTED && file == NULL &&
          strcmp(err.text, "network input 'x' is int32: only int8, int16 and float32 are written") == 0, "%s", err.text);
    rs_graph_destroy(g);
    g = b_graph();                                       /* int16 as some files have it: numbers, not codes */
    OK(rs_graph_add_tensor(g, "x", RS_TYPE_S16, 2, dim, NULL, 0, &in, &build_err));
    OK(rs_graph_add_tensor(g, "y", RS_TYPE_S16, 2, dim, NULL, 0, &out, &build_err));
    OK(rs_graph_add_node(g, &(struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { 2, 3 } }, &in, 1, &out, 1, NULL, &build_err));
    b_finish(g, in, &out, 1);
    CHECK(rs_onnx_write(g, false, NULL, &file, &size, &err) == RS_ERR_UNSUPPORTED && file == NULL &&
          strcmp(err.text, "tensor 'x' is int16 without a scale: only codes of reals are written") == 0, "%s", err.text);
    rs_graph_destroy(g);
}

int main(void)
{
    RUN(every_float_operation_comes_back);
    RUN(functions_of_codes_come_back_within_a_step);
    RUN(matrix_products_of_codes_come_back);
    RUN(interface_is_float32_and_channels_first_and_has_the_names);
    RUN(refuses_by_name_what_is_no_network_of_reals);
    RUN(random_networks_come_back);
    return test_exit();
}

#else

TEST(random_networks_come_back)
{
    SKIP("built without protobuf-c");
}

int main(void)
{
    RUN(random_networks_come_back);
    return test_exit();
}
#endif
