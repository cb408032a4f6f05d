/* test_quant.c - the quantizer: each step does what it says, and the whole gives networks close to the float ones. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include "quant.h"
#include "tflite.h"
#include "tflite_write.h"
#include "../../sw/quant/quant_internal.h"
#include "test_graph_build.h"

enum { SAMPLES = 24, SIDE = 8, PIXELS = SIDE * SIDE * 3 };

static struct rs_graph *g;

static int tensor(const char *name, int rank, const int32_t *dim, const float *data)
{
    int id;
    size_t bytes = sizeof *data;

    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dim[i];
    OK(rs_graph_add_tensor(g, name, RS_TYPE_F32, rank, dim, data, data != NULL ? bytes : 0, &id, &build_err));
    return id;
}

/* A constant uniform in [low, high). */
static int constant(int rank, const int32_t *dim, float low, float high)
{
    int64_t n = 1;

    for (int i = 0; i < rank; i++)
        n *= dim[i];
    float *x = malloc((size_t)n * sizeof *x);

    for (int64_t i = 0; i < n; i++)
        x[i] = low + (high - low) * (float)rnd_range(0, 65535) / 65536;
    const int id = tensor("c", rank, dim, x);

    free(x);
    return id;
}

static int node(struct rs_node n, const int *in, int n_in)
{
    char name[32];

    snprintf(name, sizeof name, "t%d", g->n_tensors);
    const int out = tensor(name, 0, NULL, NULL);

    n.stride_h = n.stride_w = n.dilation_h = n.dilation_w = 1;
    n.source = g->n_nodes;
    OK(rs_graph_add_node(g, &n, in, n_in, &out, 1, NULL, &build_err));
    OK(rs_graph_infer(g, false, &build_err));
    return out;
}

static int conv(int in, int32_t m, int32_t r, enum rs_activation act)
{
    const int32_t c = g->tensors[in].dim[3];

    return node((struct rs_node){ .op = RS_OP_CONV2D, .pad_same = true, .act = act },
                (const int[]){ in, constant(4, B_DIMS(m, r, r, c), -1.0f / (float)c, 1.0f / (float)c), constant(1, B_DIMS(m), -0.2f, 0.2f) }, 3);
}

static int batch_norm(int in)
{
    const int32_t c = g->tensors[in].dim[3];

    return node((struct rs_node){ .op = RS_OP_BATCH_NORM, .epsilon = 1e-3f },
                (const int[]){ in, constant(1, B_DIMS(c), 0.1f, 3), constant(1, B_DIMS(c), -1, 1), constant(1, B_DIMS(c), -0.5f, 0.5f),
                               constant(1, B_DIMS(c), 0.05f, 2) }, 5);
}

/* conv, BN, RELU; depthwise, BN, RELU; conv; ADD; pool; FC; SOFTMAX.  @odd: GELU and LAYER_NORM on the way. */
static void build(bool odd)
{
    test_rng = 99;
    g = b_graph();
    const int in = tensor("image", 4, B_DIMS(1, SIDE, SIDE, 3), NULL);
    const int a = node((struct rs_node){ .op = RS_OP_RELU }, (const int[]){ batch_norm(conv(in, 12, 3, RS_ACT_NONE)) }, 1);
    const int dw = node((struct rs_node){ .op = RS_OP_DEPTHWISE_CONV2D, .pad_same = true },
                        (const int[]){ a, constant(4, B_DIMS(1, 3, 3, 12), -1, 1) }, 2);
    int b = node((struct rs_node){ .op = RS_OP_RELU }, (const int[]){ batch_norm(dw) }, 1);

    if (odd) {
        b = node((struct rs_node){ .op = RS_OP_GELU }, &b, 1);
        b = node((struct rs_node){ .op = RS_OP_LAYER_NORM, .epsilon = 1e-5f }, &b, 1);
    }
    const int sum = node((struct rs_node){ .op = RS_OP_ADD, .act = RS_ACT_RELU }, (const int[]){ a, conv(b, 12, 1, RS_ACT_NONE) }, 2);
    const int pool = node((struct rs_node){ .op = RS_OP_AVERAGE_POOL_2D, .kernel_h = SIDE, .kernel_w = SIDE }, &sum, 1);
    const int fc = node((struct rs_node){ .op = RS_OP_FULLY_CONNECTED }, (const int[]){ pool, constant(2, B_DIMS(7, 12), -1, 1) }, 2);
    const int out = node((struct rs_node){ .op = RS_OP_SOFTMAX, .beta = 1 }, &fc, 1);

    b_finish(g, in, &out, 1);
}

static float *samples(float outlier)
{
    float *x = malloc(SAMPLES * PIXELS * sizeof *x);

    test_rng = 5;
    for (int i = 0; i < SAMPLES * PIXELS; i++)
        x[i] = (float)rnd_range(0, 255) / 255;
    x[17] += outlier;
    return x;
}

/* Outputs of the float graph, one after another. */
static float *run(const float *x)
{
    struct rs_memory_plan *plan;
    const size_t out = rs_tensor_bytes(&g->tensors[g->outputs[0]]);
    float *all = malloc(SAMPLES * out);

    OK(rs_memory_plan_create(g, 64, &plan, &build_err));
    void *arena = aligned_alloc(64, plan->arena_bytes + 64);

    for (int i = 0; i < SAMPLES; i++)
        OK(rs_graph_run_cpu(g, plan, (const void *const[]){ x + i * PIXELS }, (void *const[]){ (char *)all + (size_t)i * out }, arena,
                            plan->arena_bytes, NULL, &build_err));
    free(arena);
    rs_memory_plan_destroy(plan);
    return all;
}

static void same_outputs(const float *want, const float *x, const char *what)
{
    float *got = run(x);

    for (int i = 0; i < 7 * SAMPLES; i++)
        CHECK(fabsf(got[i] - want[i]) < 1e-5f, "%s: output %d: got %g, want %g", what, i, (double)got[i], (double)want[i]);
    free(got);
}

TEST(folding_and_equalizing_change_no_output)
{
    float *x = samples(0), *want;
    int folded = 0;

    build(false);
    want = run(x);
    CHECK(rs_quant_fold_batch_norm(g, &folded, &build_err) == RS_OK && folded == 2 && b_count(g, RS_OP_BATCH_NORM) == 0 &&
          b_count(g, RS_OP_RELU) == 0, "%d normalizations folded: %s", folded, build_err.text);
    same_outputs(want, x, "folded");
    /* conv -> depthwise is no pair: the ADD reads the conv too.  depthwise -> conv is one. */
    CHECK(quant_equalize(g) == 1, "pairs");
    same_outputs(want, x, "equalized");
    for (int i = 0; i < g->n_nodes; i++) {
        struct quant_filter a, b;

        if (g->nodes[i].op != RS_OP_DEPTHWISE_CONV2D)
            continue;
        MUST(quant_filter(g, i, &a) && quant_filter(g, i + 1, &b), "the pair");
        for (int64_t c = 0; c < a.m; c++) {
            float r1 = 0, r2 = 0;

            for (int64_t t = 0; t < a.taps; t++)
                r1 = fmaxf(r1, fabsf(a.data[c * a.step_m + t * a.step_tap]));
            for (int64_t m = 0; m < b.m; m++)
                r2 = fmaxf(r2, fabsf(b.data[m * b.step_m + c * b.step_tap]));
            CHECK(fabsf(r1 / r2 - 1) < 0.01f, "channel %lld: greatest weights %g and %g", (long long)c, (double)r1, (double)r2);
        }
    }
    free(x);
    free(want);
    rs_graph_destroy(g);
}

static double output_sqnr(const struct rs_quant_report *r)
{
    return r->layers[r->n_layers - 2].sqnr_db;           /* the logits: SOFTMAX flattens errors */
}

TEST(every_method_stays_close_to_the_float_network)
{
    float *x = samples(0);

    for (int m = RS_CALIBRATE_MINMAX; m <= RS_CALIBRATE_MSE; m++) {
        const struct rs_quant_options o = { .calibration = (enum rs_calibration)m };
        struct rs_quant_report *r;
        struct rs_graph *q;

        build(false);
        MUST(rs_quant_graph(g, (const float *const[]){ x }, SAMPLES, &o, &q, &r, &build_err) == RS_OK, "%s", build_err.text);
        CHECK(output_sqnr(r) > 25, "method %d: %.1f dB at the logits", m, output_sqnr(r));
        CHECK(r->samples == SAMPLES && r->equalized == 1 && r->n_layers == q->n_nodes, "%d samples, %d pairs, %d layers", r->samples, r->equalized, r->n_layers);
        CHECK(q->tensors[q->inputs[0]].type == RS_TYPE_S8 && q->tensors[q->inputs[0]].dim[0] == 1, "the input");
        CHECK(q->tensors[q->inputs[0]].quant.zero_point[0] == -128, "zero point %d for reals from 0 on", q->tensors[q->inputs[0]].quant.zero_point[0]);
        for (int i = 0; i < q->n_nodes; i++) {
            const struct rs_node *n = &q->nodes[i];
            const struct rs_tensor *in = &q->tensors[n->inputs[0]], *out = &q->tensors[n->outputs[0]];

            CHECK(out->type == RS_TYPE_S8, "%s is %s", out->name, rs_type_name(out->type));
            if (n->op == RS_OP_AVERAGE_POOL_2D)
                CHECK(in->quant.scale[0] == out->quant.scale[0] && in->quant.zero_point[0] == out->quant.zero_point[0], "the pool rescales");
            if (n->op == RS_OP_CONV2D)
                CHECK(q->tensors[n->inputs[1]].quant.channels == 12 && q->tensors[n->inputs[1]].quant.axis == 0, "one scale a channel");
        }
        rs_quant_report_free(r);
        rs_graph_destroy(q);
        rs_graph_destroy(g);
    }
    free(x);
}

/* One value of 200 among thousands below 1: min-max spends its codes on it. */
TEST(clipping_methods_ignore_an_outlier)
{
    double db[3];
    float *x = samples(200);

    for (int m = RS_CALIBRATE_MINMAX; m <= RS_CALIBRATE_MSE; m++) {
        const struct rs_quant_options o = { .calibration = (enum rs_calibration)m, .percentile = m == RS_CALIBRATE_PERCENTILE ? 99.9 : 0 };
        struct rs_graph *q;

        build(false);
        MUST(rs_quant_graph(g, (const float *const[]){ x }, SAMPLES, &o, &q, NULL, &build_err) == RS_OK, "%s", build_err.text);
        db[m] = (double)q->tensors[q->inputs[0]].quant.scale[0] * 255;
        rs_graph_destroy(q);
        rs_graph_destroy(g);
    }
    CHECK(db[RS_CALIBRATE_MINMAX] > 199, "min-max covers %g", db[RS_CALIBRATE_MINMAX]);
    CHECK(db[RS_CALIBRATE_PERCENTILE] < 1.2, "percentile covers %g", db[RS_CALIBRATE_PERCENTILE]);
    free(x);
}

TEST(least_error_of_a_known_histogram)
{
    double count[1000] = { 0 };
    float low = 0, high = 100;

    for (int i = 0; i < 100; i++)                        /* nearly everything below 10, one value at 99.95 */
        count[i] = 1e6;
    count[999] = 1;
    quant_least_error(count, 1000, &low, &high);
    CHECK(low == 0 && high >= 9 && high < 30, "[%g, %g]", (double)low, (double)high);
}

/* Coarse filters make an error of the mean; its correction takes most of it away. */
TEST(bias_correction_brings_the_mean_back)
{
    double off[2];
    float *x = samples(0);

    for (int correct = 0; correct < 2; correct++) {
        struct rs_graph *q;
        double sum = 0;

        test_rng = 4;
        g = b_graph();
        const int in = tensor("image", 4, B_DIMS(1, SIDE, SIDE, 3), NULL);
        float w[9];

        for (int i = 0; i < 9; i++)                      /* 100 sets the scale; the others lie between codes */
            w[i] = i % 3 == 0 ? 100 : 100.0f / 127 * 0.49f;
        const int out = node((struct rs_node){ .op = RS_OP_CONV2D }, (const int[]){ in, tensor("w", 4, B_DIMS(3, 1, 1, 3), w) }, 2);

        b_finish(g, in, &out, 1);
        const struct rs_quant_options o = { .no_bias_correction = !correct, .no_equalization = true };

        MUST(rs_quant_graph(g, (const float *const[]){ x }, SAMPLES, &o, &q, NULL, &build_err) == RS_OK, "%s", build_err.text);
        const struct rs_tensor *bias = &q->tensors[q->nodes[0].inputs[2]];

        for (int i = 0; i < 3; i++)
            sum += (double)bias->quant.scale[i] * ((const int32_t *)bias->data)[i];
        off[correct] = sum / 3;
        rs_graph_destroy(q);
        rs_graph_destroy(g);
    }
    /* Two weights of 0.386 are lost, on activations of mean 1/2. */
    CHECK(off[0] == 0 && fabs(off[1] - 0.386) < 0.02, "biases %g without, %g with correction", off[0], off[1]);
    free(x);
}

/* The layers kept wide are those that hurt most; they help; the file says the same network. */
TEST(sensitive_layers_keep_16_bits)
{
    double db[3];
    float *x = samples(0);

    for (int step = 0; step < 3; step++) {
        const int keep = (const int[]){ 0, 2, 9 }[step];
        struct rs_quant_report *r;
        struct rs_graph *q, *back;
        double least_wide = INFINITY, most_wide = -INFINITY, least = INFINITY;
        int wide = 0;
        uint8_t *file;
        size_t size, n, m;

        build(false);
        MUST(rs_quant_graph(g, (const float *const[]){ x }, SAMPLES, &(struct rs_quant_options){ .keep16 = keep }, &q, &r, &build_err) == RS_OK,
             "%s", build_err.text);
        for (int i = 0; i < r->n_layers; i++) {
            const struct rs_quant_layer *l = &r->layers[i];
            const struct rs_node *node = &q->nodes[l->node];

            CHECK(l->wide == (rs_op_has_macs(node->op) && q->tensors[node->outputs[0]].type == RS_TYPE_S16), "%s: wide, or not", rs_op_name(node->op));
            wide += l->wide;
            if (l->wide) {
                least_wide = fmin(least_wide, l->sensitivity_db);
                most_wide = fmax(most_wide, l->sensitivity_db);
                CHECK(q->tensors[node->inputs[0]].type == RS_TYPE_S16 && q->tensors[node->inputs[2]].type == RS_TYPE_S64, "operands");
            } else if (!isnan(l->sensitivity_db)) {
                least = fmin(least, l->sensitivity_db);
            }
            if (node->op == RS_OP_FULLY_CONNECTED)
                db[step] = l->sqnr_db;
        }
        for (int i = 0; i < q->n_nodes && keep > 4; i++)
            CHECK((q->nodes[i].op != RS_OP_ADD && q->nodes[i].op != RS_OP_AVERAGE_POOL_2D) || q->tensors[q->nodes[i].outputs[0]].type == RS_TYPE_S16,
                  "%s between layers of 16 bits is int8", rs_op_name(q->nodes[i].op));
        CHECK(wide == (keep < 4 ? keep : 4), "%d layers of 4 are wide, %d were asked for", wide, keep);
        CHECK(wide == 0 || wide == 4 || most_wide <= least, "a layer of %g dB is wide, one of %g dB is not", most_wide, least);
        MUST(rs_tflite_write(q, NULL, &file, &size, &build_err) == RS_OK, "%s", build_err.text);
        MUST(rs_tflite_read(file, size, &back, &build_err) == RS_OK, "%s", build_err.text);
        int8_t *in = b_random_input(q), *want = b_run(q, in, &n), *got = b_run(back, in, &m);

        CHECK(n == m && memcmp(want, got, n) == 0, "the file computes something else");
        free(in);
        free(want);
        free(got);
        free(file);
        rs_graph_destroy(back);
        rs_quant_report_free(r);
        rs_graph_destroy(q);
        rs_graph_destroy(g);
    }
    CHECK(db[2] > db[0] + 1, "logits: %.1f dB in int8, %.1f dB with two layers in 16 bits, %.1f dB with all", db[0], db[1], db[2]);
    free(x);
}

TEST(what_has_no_int8_kernel_stays_float)
{
    float *x = samples(0);
    struct rs_quant_report *r;
    struct rs_graph *q;

    build(true);
    MUST(rs_quant_graph(g, (const float *const[]){ x }, SAMPLES, NULL, &q, &r, &build_err) == RS_OK, "%s", build_err.text);
    CHECK(b_count(q, RS_OP_DEQUANTIZE) == 1 && b_count(q, RS_OP_QUANTIZE) == 1 && b_count(q, RS_OP_GELU) == 1 && b_count(q, RS_OP_LAYER_NORM) == 1,
          "%d DEQUANTIZE, %d QUANTIZE around two float operations", b_count(q, RS_OP_DEQUANTIZE), b_count(q, RS_OP_QUANTIZE));
    CHECK(output_sqnr(r) > 20, "%.1f dB at the logits", output_sqnr(r));
    rs_quant_report_free(r);
    rs_graph_destroy(q);
    rs_graph_destroy(g);
    free(x);
}

TEST(refuses_what_is_no_float_network_and_values_that_are_no_numbers)
{
    float *x = samples(0);
    struct rs_graph *q;
    struct rs_error err = { 0 };

    build(false);
    x[3] = NAN;
    CHECK(rs_quant_graph(g, (const float *const[]){ x }, SAMPLES, NULL, &q, NULL, &err) == RS_ERR_RANGE && q == NULL &&
          strcmp(err.text, "activation 'image' is infinite or not a number") == 0, "%s", err.text);
    CHECK(rs_quant_graph(g, (const float *const[]){ x }, 0, NULL, &q, NULL, &err) == RS_ERR_ARG, "no samples");
    CHECK(rs_quant_graph(g, (const float *const[]){ x }, 1, &(struct rs_quant_options){ .percentile = 101 }, &q, NULL, &err) == RS_ERR_RANGE, "percentile");
    rs_graph_destroy(g);
    g = b_graph();
    const int in = b_tensor(g, "in", 4, B_DIMS(1, 4, 4, 2), 1, 0, NULL), out = b_conv(g, in, 2, 1, 1, true, RS_ACT_NONE, 1, 0);

    b_finish(g, in, &out, 1);
    CHECK(rs_quant_graph(g, (const float *const[]){ x }, SAMPLES, NULL, &q, NULL, &err) == RS_ERR_UNSUPPORTED &&
          strcmp(err.text, "input 'in' is int8: only float32 networks can be quantized") == 0, "%s", err.text);
    rs_graph_destroy(g);
    free(x);
}

int main(void)
{
    RUN(folding_and_equalizing_change_no_output);
    RUN(every_method_stays_close_to_the_float_network);
    RUN(clipping_methods_ignore_an_outlier);
    RUN(least_error_of_a_known_histogram);
    RUN(bias_correction_brings_the_mean_back);
    RUN(sensitive_layers_keep_16_bits);
    RUN(what_has_no_int8_kernel_stays_float);
    RUN(refuses_what_is_no_float_network_and_values_that_are_no_numbers);
    return test_exit();
}
