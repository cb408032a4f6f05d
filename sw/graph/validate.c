/*
 * validate.c - what the kernels and the planner trust: types, quantization, attributes, ranges of accumulators.
 *
 * Runs on a graph whose sizes are inferred.  What is well-formed and not done is RS_ERR_UNSUPPORTED, with the numbers
 * that are asked for; what contradicts itself is RS_ERR_RANGE or RS_ERR_SHAPE.
 */
#include <math.h>
#include <stdlib.h>
#include "graph_internal.h"

#define TRY(expression) do { rs_status try_ = (expression); if (try_ != RS_OK) return try_; } while (0)

static rs_status want_type(const struct rs_graph *g, const struct rs_node *n, const char *what, int tensor,
                           enum rs_type type, struct rs_error *err)
{
    const struct rs_tensor *t = &g->tensors[tensor];

    if (t->type != type)
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "%s '%.60s' is %s, only %s is supported", what, t->name,
                            rs_type_name(t->type), rs_type_name(type));
    return RS_OK;
}

/* An int8 activation or constant with one scale and zero point. */
static rs_status want_s8(const struct rs_graph *g, const struct rs_node *n, const char *what, int tensor, struct rs_error *err)
{
    const struct rs_tensor *t = &g->tensors[tensor];

    TRY(want_type(g, n, what, tensor, RS_TYPE_S8, err));
    if (t->quant.channels != 1)
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "%s '%.60s' has %d scales, exactly one is supported", what,
                            t->name, t->quant.channels);
    if (t->quant.zero_point[0] < -128 || t->quant.zero_point[0] > 127)
        return rs_node_fail(g, n, err, RS_ERR_RANGE, "%s '%.60s' has zero point %d, expected -128 to 127", what, t->name,
                            t->quant.zero_point[0]);
    return RS_OK;
}

/* Same codes mean the same reals on both sides (TFLite's tolerance). */
static bool near_quant(const struct rs_tensor *a, const struct rs_tensor *b)
{
    return fabs((double)a->quant.scale[0] - (double)b->quant.scale[0]) <= 1e-6 && a->quant.zero_point[0] == b->quant.zero_point[0];
}

static rs_status want_same_quant(const struct rs_graph *g, const struct rs_node *n, int a, int b, struct rs_error *err)
{
    const struct rs_tensor *x = &g->tensors[a], *y = &g->tensors[b];

    if (!near_quant(x, y))
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "input has scale %g zero point %d, output %g and %d: they must be equal",
                            (double)x->quant.scale[0], x->quant.zero_point[0], (double)y->quant.scale[0], y->quant.zero_point[0]);
    return RS_OK;
}

static rs_status want_output_quant(const struct rs_graph *g, const struct rs_node *n, double scale, int32_t zp, struct rs_error *err)
{
    const struct rs_tensor *out = &g->tensors[n->outputs[0]];

    if (fabs((double)out->quant.scale[0] - scale) > scale * 0.001 || out->quant.zero_point[0] != zp)
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "the output has scale %g zero point %d, only %g and %d are supported",
                            (double)out->quant.scale[0], out->quant.zero_point[0], scale, zp);
    return RS_OK;
}

/*
 * CONV2D, DEPTHWISE_CONV2D, FULLY_CONNECTED: filter and bias.
 * The accumulator: |bias[m]| + SUM |filter[m]| * max |x - zp_in| < 2^31, the kernels' and the array's promise.
 */
static rs_status check_filter(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *w = &g->tensors[n->inputs[1]];
    const struct rs_tensor *bias = n->n_inputs > 2 && n->inputs[2] >= 0 ? &g->tensors[n->inputs[2]] : NULL;
    const bool depthwise = n->op == RS_OP_DEPTHWISE_CONV2D;
    const int32_t m = depthwise ? w->dim[3] : w->dim[0];
    const int axis = depthwise ? 3 : 0;
    const size_t taps = (size_t)(rs_tensor_elements(w) / m);
    const int32_t zp = in->quant.zero_point[0];
    const int64_t reach = zp + 128 > 127 - zp ? zp + 128 : 127 - zp;
    const int8_t *codes = w->data;

    TRY(want_type(g, n, "filter", n->inputs[1], RS_TYPE_S8, err));
    if (w->data == NULL)
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "filter '%.60s' is not constant", w->name);
    if (w->quant.channels != 1 && (w->quant.channels != m || w->quant.axis != axis))
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "filter '%.60s' has %d scales along dimension %d, expected 1, or M=%d along dimension %d",
                            w->name, w->quant.channels, w->quant.axis, m, axis);
    for (int i = 0; i < w->quant.channels; i++)
        if (w->quant.zero_point[i] != 0)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "filter '%.60s' has zero point %d, only 0 is supported",
                                w->name, w->quant.zero_point[i]);
    if (bias != NULL) {
        TRY(want_type(g, n, "bias", n->inputs[2], RS_TYPE_S32, err));
        if (bias->data == NULL)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "bias '%.60s' is not constant", bias->name);
        if (rs_tensor_elements(bias) != m)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "bias '%.60s' has %lld elements, expected M=%d", bias->name,
                                (long long)rs_tensor_elements(bias), m);
    }
    for (int32_t i = 0; i < m; i++) {
        const int64_t b = bias != NULL ? ((const int32_t *)bias->data)[i] : 0;
        int64_t bound = b < 0 ? -b : b;

        for (size_t t = 0; t < taps; t++)
            bound += reach * abs(codes[depthwise ? t * (size_t)m + (size_t)i : (size_t)i * taps + t]);
        if (bound > INT32_MAX)
            return rs_node_fail(g, n, err, RS_ERR_RANGE, "channel %d: bias %lld and %zu taps can overflow a 32-bit accumulator",
                                i, (long long)b, taps);
    }
    return RS_OK;
}

static rs_status check_window(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err)
{
    if (n->pad_top >= n->kernel_h || n->pad_bottom >= n->kernel_h || n->pad_left >= n->kernel_w || n->pad_right >= n->kernel_w)
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "pads %d,%d,%d,%d with a %dx%d window: a window could lie outside the ifmap",
                            n->pad_top, n->pad_left, n->pad_bottom, n->pad_right, n->kernel_h, n->kernel_w);
    return RS_OK;
}

/* A float node: every operand is float32; what the kernels do not check is checked here. */
static rs_status validate_f32(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err)
{
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] >= 0)
            TRY(want_type(g, n, "input", n->inputs[i], RS_TYPE_F32, err));
    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
    case RS_OP_FULLY_CONNECTED: {
        const struct rs_tensor *w = &g->tensors[n->inputs[1]];
        const int32_t m = n->op == RS_OP_DEPTHWISE_CONV2D ? w->dim[3] : w->dim[0];
        const struct rs_tensor *bias = n->n_inputs > 2 && n->inputs[2] >= 0 ? &g->tensors[n->inputs[2]] : NULL;

        if (bias != NULL && rs_tensor_elements(bias) != m)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "bias '%.60s' has %lld elements, expected M=%d", bias->name,
                                (long long)rs_tensor_elements(bias), m);
        return RS_OK;
    }
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D:
        return check_window(g, n, err);
    case RS_OP_SOFTMAX:
        if (g->tensors[n->inputs[0]].rank < 1)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "the input is a scalar");
        return RS_OK;
    case RS_OP_BATCH_NORM:
    case RS_OP_LAYER_NORM:
        if (!(n->epsilon >= 0) || !isfinite(n->epsilon))
            return rs_node_fail(g, n, err, RS_ERR_RANGE, "epsilon is %g, expected a number >= 0", (double)n->epsilon);
        return RS_OK;
    default:
        return RS_OK;
    }
}

/* An int16 activation: one scale, zero point 0. */
static rs_status want_s16(const struct rs_graph *g, const struct rs_node *n, const char *what, int tensor, struct rs_error *err)
{
    const struct rs_tensor *t = &g->tensors[tensor];

    TRY(want_type(g, n, what, tensor, RS_TYPE_S16, err));
    if (t->quant.channels != 1 || t->quant.zero_point[0] != 0)
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "%s '%.60s' is int16 with %d scales and zero point %d, exactly one and 0 are supported",
                            what, t->name, t->quant.channels, t->quant.channels > 0 ? t->quant.zero_point[0] : 0);
    return RS_OK;
}

/* 16x8: what the kernels do not check when they run, or would say without a name. */
static rs_status check_filter_s16(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err)
{
    const struct rs_tensor *w = &g->tensors[n->inputs[1]];
    const struct rs_tensor *bias = n->n_inputs > 2 && n->inputs[2] >= 0 ? &g->tensors[n->inputs[2]] : NULL;
    const int axis = n->op == RS_OP_DEPTHWISE_CONV2D ? 3 : 0;
    const int32_t m = w->dim[axis];

    TRY(want_type(g, n, "filter", n->inputs[1], RS_TYPE_S8, err));
    if (w->data == NULL)
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "filter '%.60s' is not constant", w->name);
    if (w->quant.channels != 1 && (w->quant.channels != m || w->quant.axis != axis))
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "filter '%.60s' has %d scales, expected 1 or M=%d", w->name, w->quant.channels, m);
    for (int i = 0; i < w->quant.channels; i++)
        if (w->quant.zero_point[i] != 0)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "filter '%.60s' has zero point %d, only 0 is supported", w->name, w->quant.zero_point[i]);
    if (bias == NULL)
        return RS_OK;
    if (bias->type != RS_TYPE_S32)
        TRY(want_type(g, n, "bias", n->inputs[2], RS_TYPE_S64, err));
    if (bias->data == NULL || rs_tensor_elements(bias) != m)
        return rs_node_fail(g, n, err, bias->data == NULL ? RS_ERR_UNSUPPORTED : RS_ERR_SHAPE, "bias '%.60s' is not M=%d constants", bias->name, m);
    return RS_OK;
}

static rs_status validate_s16(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err)
{
    const enum rs_type in = g->tensors[n->inputs[0]].type, out = g->tensors[n->outputs[0]].type;

    if (n->op == RS_OP_QUANTIZE) {
        if (in != RS_TYPE_F32)
            TRY(in == RS_TYPE_S8 ? want_s8(g, n, "input", n->inputs[0], err) : want_s16(g, n, "input", n->inputs[0], err));
        return out == RS_TYPE_S8 ? want_s8(g, n, "output", n->outputs[0], err) : want_s16(g, n, "output", n->outputs[0], err);
    }
    TRY(want_s16(g, n, "input", n->inputs[0], err));
    if (n->op == RS_OP_DEQUANTIZE)
        return want_type(g, n, "output", n->outputs[0], RS_TYPE_F32, err);
    TRY(want_s16(g, n, "output", n->outputs[0], err));
    switch (n->op) {
    case RS_OP_ADD:
    case RS_OP_SUB:
    case RS_OP_MUL:
        return want_s16(g, n, "input", n->inputs[1], err);
    case RS_OP_MAXIMUM:
    case RS_OP_MINIMUM:
        TRY(want_s16(g, n, "input", n->inputs[1], err));
        TRY(want_same_quant(g, n, n->inputs[0], n->outputs[0], err));
        return want_same_quant(g, n, n->inputs[1], n->outputs[0], err);
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D:
        TRY(want_same_quant(g, n, n->inputs[0], n->outputs[0], err));
        return check_window(g, n, err);
    case RS_OP_SOFTMAX:
        if (g->tensors[n->inputs[0]].rank < 1 || g->tensors[n->inputs[0]].dim[g->tensors[n->inputs[0]].rank - 1] > 65535)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "rows of 1 to 65535 codes are supported");
        return want_output_quant(g, n, 1.0 / 32768, 0, err);
    case RS_OP_LOGISTIC:
    case RS_OP_TANH:
        return want_output_quant(g, n, 1.0 / 32768, 0, err);
    case RS_OP_RELU:
    case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1:
        return RS_OK;
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
    case RS_OP_FULLY_CONNECTED:
        return check_filter_s16(g, n, err);
    case RS_OP_CONCAT:
        for (int i = 0; i < n->n_inputs; i++) {
            TRY(want_s16(g, n, "input", n->inputs[i], err));
            TRY(want_same_quant(g, n, n->inputs[i], n->outputs[0], err));
        }
        return RS_OK;
    case RS_OP_PAD: case RS_OP_TRANSPOSE: case RS_OP_SLICE: case RS_OP_RESIZE_NEAREST:
        if (n->pad_code < INT16_MIN || n->pad_code > INT16_MAX)
            return rs_node_fail(g, n, err, RS_ERR_RANGE, "the pad code %d is no int16", n->pad_code);
        return want_same_quant(g, n, n->inputs[0], n->outputs[0], err);
    default:
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "the activations are int16, only int8 is supported");
    }
}

static rs_status validate(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *out = &g->tensors[n->outputs[0]];

    switch (n->op) {
    case RS_OP_RESHAPE:                                 /* copies bytes: any type */
        if (in->type != out->type)
            return rs_node_fail(g, n, err, RS_ERR_FORMAT, "input is %s, output %s", rs_type_name(in->type), rs_type_name(out->type));
        return RS_OK;
    case RS_OP_QUANTIZE:
        if (rs_is_s16_node(g, n))
            return validate_s16(g, n, err);
        if (in->type != RS_TYPE_F32 && in->type != RS_TYPE_U8)
            TRY(want_s8(g, n, "input", n->inputs[0], err));
        if (in->type == RS_TYPE_U8 && (in->quant.channels != 1 || in->quant.zero_point[0] < 0 || in->quant.zero_point[0] > 255))
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "the uint8 input needs one scale and a zero point of 0 to 255");
        if (out->type != RS_TYPE_U8)
            return want_s8(g, n, "output", n->outputs[0], err);
        if (in->type != RS_TYPE_S8 || out->quant.channels != 1 || out->quant.scale[0] != in->quant.scale[0] ||
            out->quant.zero_point[0] != in->quant.zero_point[0] + 128)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "a uint8 output needs an int8 input of the same scale, and a zero point 128 more");
        return RS_OK;
    case RS_OP_DEQUANTIZE:
        if (rs_is_s16_node(g, n))
            return validate_s16(g, n, err);
        TRY(want_s8(g, n, "input", n->inputs[0], err));
        return want_type(g, n, "output", n->outputs[0], RS_TYPE_F32, err);
    default:
        break;
    }
    if (rs_is_float_node(g, n))
        return validate_f32(g, n, err);
    if (rs_is_s16_node(g, n))
        return validate_s16(g, n, err);
    TRY(want_s8(g, n, "input", n->inputs[0], err));
    TRY(want_s8(g, n, "output", n->outputs[0], err));
    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
    case RS_OP_FULLY_CONNECTED:
        return check_filter(g, n, err);
    case RS_OP_BATCH_MATMUL: {
        enum { MAX_K = 33025 };                         /* K * 255 * 255 < 2^31 */
        const int32_t k = in->dim[in->rank - (n->adjoint_x ? 2 : 1)];

        TRY(want_s8(g, n, "input", n->inputs[1], err));
        if (k > MAX_K)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "depth %d can overflow a 32-bit accumulator, at most %d is supported", k, MAX_K);
        return RS_OK;
    }
    case RS_OP_ADD:
    case RS_OP_SUB:
    case RS_OP_MUL:
        return want_s8(g, n, "input", n->inputs[1], err);
    case RS_OP_MAXIMUM:
    case RS_OP_MINIMUM:
        TRY(want_s8(g, n, "input", n->inputs[1], err));
        TRY(want_same_quant(g, n, n->inputs[0], n->outputs[0], err));
        return want_same_quant(g, n, n->inputs[1], n->outputs[0], err);
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D:
        TRY(want_same_quant(g, n, n->inputs[0], n->outputs[0], err));
        return check_window(g, n, err);
    case RS_OP_PAD:
        TRY(want_same_quant(g, n, n->inputs[0], n->outputs[0], err));
        if (n->pad_code < -128 || n->pad_code > 127)
            return rs_node_fail(g, n, err, RS_ERR_RANGE, "the pad code is %d, expected -128 to 127", n->pad_code);
        return RS_OK;
    case RS_OP_CONCAT:
        for (int i = 1; i < n->n_inputs; i++)
            TRY(want_s8(g, n, "input", n->inputs[i], err));
        if (n->act != RS_ACT_NONE)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "a fused activation is not supported");
        return RS_OK;
    case RS_OP_SOFTMAX:
        if (in->rank < 1 || in->dim[in->rank - 1] > 4095)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "a row of %d codes, 1 to 4095 are supported",
                                in->rank < 1 ? 0 : in->dim[in->rank - 1]);
        return want_output_quant(g, n, 1.0 / 256, -128, err);
    case RS_OP_LOGISTIC:
        return want_output_quant(g, n, 1.0 / 256, -128, err);
    case RS_OP_TANH:
        return want_output_quant(g, n, 1.0 / 128, 0, err);
    case RS_OP_LEAKY_RELU:
        if (!isfinite(n->beta))
            return rs_node_fail(g, n, err, RS_ERR_RANGE, "alpha is not finite");
        return RS_OK;
    case RS_OP_DIV:
    case RS_OP_SQUARED_DIFFERENCE:
    case RS_OP_POW:
    case RS_OP_GELU:
    case RS_OP_ERF:
    case RS_OP_EXP:
    case RS_OP_SQRT:
    case RS_OP_RSQRT:
    case RS_OP_BATCH_NORM:
    case RS_OP_LAYER_NORM:
        return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "the activations are int8, only float32 is supported");
    default:
        return RS_OK;
    }
}

rs_status rs_graph_validate_node(const struct rs_graph *g, int node, struct rs_error *err)
{
    if (g == NULL || node < 0 || node >= g->n_nodes)
        return rs_fail(err, RS_ERR_ARG, "rs_graph_validate_node: node %d of %d", node, g == NULL ? 0 : g->n_nodes);
    return validate(g, &g->nodes[node], err);
}

rs_status rs_graph_validate(const struct rs_graph *g, struct rs_error *err)
{
    for (int i = 0; i < g->n_nodes; i++)
        TRY(validate(g, &g->nodes[i], err));
    return RS_OK;
}
