/*
 * requantize.c - scales, zero points and fused activations become the integers that kernels and array use.
 *
 * Which products are rounded to float before the division is TensorFlow Lite's choice, op by op, and shows in the last
 * bit of a multiplier: rs_conv_real_multiplier() and rs_fc_real_multiplier() hold the two cases.
 */
#include <math.h>
#include <stdlib.h>
#include "graph_internal.h"

#define TRY(expression) do { const rs_status try_ = (expression); if (try_ != RS_OK) return try_; } while (0)

static rs_status add_requant(const struct rs_graph *g, struct rs_node *n, const double *real, int count, struct rs_error *err)
{
    int32_t *mult = rs_alloc((size_t)count, sizeof *mult), *shift = rs_alloc((size_t)count, sizeof *shift);
    float *f = rs_alloc((size_t)count, sizeof *f);
    rs_status status = RS_ERR_NOMEM;

    if (mult == NULL || shift == NULL || f == NULL) {
        rs_fail(err, RS_ERR_NOMEM, "no memory for %d multipliers", count);
        goto err_free;
    }
    for (int i = 0; i < count; i++) {
        struct rs_error why = { 0 };
        int s;

        status = rs_quantize_multiplier(real[i], &mult[i], &s, &why);
        if (status != RS_OK) {
            rs_node_fail(g, n, err, status, "multiplier %d: %.200s", i, why.text);
            goto err_free;
        }
        shift[i] = s;
        f[i] = (float)real[i];
    }
    free(n->mult);
    free(n->shift);
    free(n->real);
    n->mult = mult;
    n->shift = shift;
    n->real = f;
    n->n_requant = count;
    return RS_OK;

err_free:
    free(mult);
    free(shift);
    free(f);
    return status;
}

/* What kernels say, with the node's name before it. */
static rs_status named(const struct rs_graph *g, const struct rs_node *n, rs_status status, const struct rs_error *why,
                       struct rs_error *err)
{
    return status == RS_OK ? RS_OK : rs_node_fail(g, n, err, status, "%.300s", why->text);
}

/* ONNX Runtime's: float products, rounded each. */
static double onnx_multiplier(float s_in, float s_filter, float s_out)
{
    const float product = s_in * s_filter;

    return (double)(product / s_out);
}

static rs_status filter_multipliers(const struct rs_graph *g, struct rs_node *n, struct rs_error *err)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *w = &g->tensors[n->inputs[1]], *out = &g->tensors[n->outputs[0]];
    const int m = n->op == RS_OP_DEPTHWISE_CONV2D ? w->dim[3] : w->dim[0];
    double *real = rs_alloc((size_t)m, sizeof *real);

    if (real == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d multipliers", m);
    for (int i = 0; i < m; i++) {
        const float s_filter = w->quant.scale[w->quant.channels > 1 ? i : 0];

        if (g->rounding == RS_ROUND_ONNX)
            real[i] = onnx_multiplier(in->quant.scale[0], s_filter, out->quant.scale[0]);
        else
            real[i] = n->op == RS_OP_FULLY_CONNECTED && w->quant.channels == 1
                    ? rs_fc_real_multiplier(in->quant.scale[0], s_filter, out->quant.scale[0])
                    : rs_conv_real_multiplier(in->quant.scale[0], s_filter, out->quant.scale[0]);
    }
    const rs_status status = add_requant(g, n, real, m, err);

    free(real);
    return status;
}

static rs_status concat_multipliers(const struct rs_graph *g, struct rs_node *n, struct rs_error *err)
{
    const struct rs_tensor *out = &g->tensors[n->outputs[0]];
    double *real = rs_alloc((size_t)n->n_inputs, sizeof *real);
    bool needed = false;
    rs_status status = RS_OK;

    if (real == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d multipliers", n->n_inputs);
    for (int i = 0; i < n->n_inputs; i++) {
        const struct rs_tensor *t = &g->tensors[n->inputs[i]];

        real[i] = (double)t->quant.scale[0] / (double)out->quant.scale[0];
        needed |= !rs_same_quant(t, out);
    }
    if (needed)
        status = add_requant(g, n, real, n->n_inputs, err);
    else
        n->n_requant = 0;
    free(real);
    return status;
}

/* What has no filters, after its clamp has been set. */
static rs_status function_s16(const struct rs_graph *g, struct rs_node *n, struct rs_error *err)
{
    const float s_in = g->tensors[n->inputs[0]].quant.scale[0], s_out = g->tensors[n->outputs[0]].quant.scale[0];
    const float s_in2 = n->n_inputs > 1 && n->inputs[1] >= 0 ? g->tensors[n->inputs[1]].quant.scale[0] : 0;
    struct rs_error why = { 0 };
    double real = (double)s_in / (double)s_out;
    int shift;

    switch (n->op) {
    case RS_OP_ADD:
    case RS_OP_SUB:
        return named(g, n, rs_add_quant_init_s16(s_in, s_in2, s_out, n->act_min, n->act_max, &n->u.add, &why), &why, err);
    case RS_OP_MUL:
        real = (double)s_in * (double)s_in2 / (double)s_out;
        n->u.mul = (struct rs_mul_quant){ .act_min = n->act_min, .act_max = n->act_max, .rounding = RS_ROUND_DOUBLE };
        TRY(named(g, n, rs_quantize_multiplier(real, &n->u.mul.mult, &shift, &why), &why, err));
        n->u.mul.shift = shift;
        return RS_OK;
    case RS_OP_SOFTMAX:
        return named(g, n, rs_softmax_s16_quant_init(n->beta, s_in, &n->u.softmax_s16, &why), &why, err);
    case RS_OP_LOGISTIC:
    case RS_OP_TANH:
        return named(g, n, rs_sigmoid_s16_quant_init(s_in, n->op == RS_OP_TANH, &n->u.sigmoid_s16, &why), &why, err);
    case RS_OP_RELU:
    case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1:
        return add_requant(g, n, &real, 1, err);
    default:
        return RS_OK;
    }
}

/* 16x8: zero points are 0, so an activation's codes are its reals over the scale. */
static rs_status requantize_s16(const struct rs_graph *g, struct rs_node *n, struct rs_error *err)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *out = &g->tensors[n->outputs[0]];
    double real;

    n->act_min = out->type == RS_TYPE_S16 ? INT16_MIN : INT8_MIN;
    n->act_max = out->type == RS_TYPE_S16 ? INT16_MAX : INT8_MAX;
    if (n->op == RS_OP_QUANTIZE) {
        if (in->type == RS_TYPE_F32)
            return RS_OK;
        real = (double)in->quant.scale[0] / (double)out->quant.scale[0];
        return add_requant(g, n, &real, 1, err);
    }
    const enum rs_activation act = n->op == RS_OP_RELU ? RS_ACT_RELU : n->op == RS_OP_RELU6 ? RS_ACT_RELU6 : n->op == RS_OP_RELU_N1_TO_1 ? RS_ACT_RELU_N1_TO_1 : n->act;
    const double top = act == RS_ACT_RELU6 ? 6 : act == RS_ACT_RELU_N1_TO_1 ? 1 : INFINITY;
    const double highest = round(top / (double)out->quant.scale[0]);

    if (act != RS_ACT_NONE)
        n->act_min = act == RS_ACT_RELU_N1_TO_1 ? (int32_t)-fmin(highest, 32768) : 0;
    n->act_max = (int32_t)fmin(highest, INT16_MAX);
    if (n->op != RS_OP_CONV2D && n->op != RS_OP_DEPTHWISE_CONV2D && n->op != RS_OP_FULLY_CONNECTED)
        return function_s16(g, n, err);
    const rs_status status = filter_multipliers(g, n, err);

    for (int i = 0; status == RS_OK && i < n->n_requant; i++)
        if (n->shift[i] > 7)
            return rs_node_fail(g, n, err, RS_ERR_UNSUPPORTED, "channel %d: multiplier %g, at most 128 is supported in 16 bits", i, (double)n->real[i]);
    return status;
}

rs_status rs_requantize_node(struct rs_graph *g, struct rs_node *n, struct rs_error *err)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *out = &g->tensors[n->outputs[0]];
    const struct rs_tensor *in2 = n->n_inputs > 1 && n->inputs[1] >= 0 ? &g->tensors[n->inputs[1]] : NULL;
    enum rs_activation act = n->op == RS_OP_RELU ? RS_ACT_RELU : n->op == RS_OP_RELU6 ? RS_ACT_RELU6 :
                             n->op == RS_OP_RELU_N1_TO_1 ? RS_ACT_RELU_N1_TO_1 : n->act;
    struct rs_error why = { 0 };
    rs_status status;
    double real[2];

    n->act_min = -128;
    n->act_max = 127;
    if (rs_is_s16_node(g, n) && n->op != RS_OP_RESHAPE)
        return requantize_s16(g, n, err);
    if (out->type != RS_TYPE_S8 || n->op == RS_OP_RESHAPE)
        return RS_OK;
    const float s_out = out->quant.scale[0];
    const int32_t zp_out = out->quant.zero_point[0];

    status = named(g, n, rs_activation_range(act, s_out, zp_out, &n->act_min, &n->act_max, &why), &why, err);
    if (status != RS_OK || in->type == RS_TYPE_F32)
        return status;
    const float s_in = in->quant.scale[0];
    const int32_t zp_in = in->quant.zero_point[0];

    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
    case RS_OP_FULLY_CONNECTED:
        return filter_multipliers(g, n, err);
    case RS_OP_BATCH_MATMUL:
        real[0] = g->rounding == RS_ROUND_ONNX ? onnx_multiplier(s_in, in2->quant.scale[0], s_out)
                                               : rs_fc_real_multiplier(s_in, in2->quant.scale[0], s_out);
        return add_requant(g, n, real, 1, err);
    case RS_OP_ADD:
    case RS_OP_SUB:
        if (g->rounding == RS_ROUND_ONNX) {
            real[0] = (double)(s_in / s_out);
            real[1] = (double)(in2->quant.scale[0] / s_out);
            return add_requant(g, n, real, 2, err);
        }
        status = rs_add_quant_init(s_in, zp_in, in2->quant.scale[0], in2->quant.zero_point[0], s_out, zp_out,
                                   n->act_min, n->act_max, &n->u.add, &why);
        n->u.add.rounding = g->rounding;
        return named(g, n, status, &why, err);
    case RS_OP_MUL:
        if (g->rounding == RS_ROUND_ONNX) {
            real[0] = onnx_multiplier(s_in, in2->quant.scale[0], s_out);
            return add_requant(g, n, real, 1, err);
        }
        status = rs_mul_quant_init(s_in, zp_in, in2->quant.scale[0], in2->quant.zero_point[0], s_out, zp_out,
                                   n->act_min, n->act_max, &n->u.mul, &why);
        n->u.mul.rounding = g->rounding;
        return named(g, n, status, &why, err);
    case RS_OP_MEAN:
        return named(g, n, rs_mean_quant_init(s_in, zp_in, s_out, zp_out, &n->u.mean, &why), &why, err);
    case RS_OP_SOFTMAX:
        return named(g, n, rs_softmax_quant_init(n->beta, s_in, &n->u.softmax, &why), &why, err);
    case RS_OP_LOGISTIC:
    case RS_OP_TANH:
        return named(g, n, rs_sigmoid_quant_init(s_in, zp_in, &n->u.sigmoid, &why), &why, err);
    case RS_OP_HARD_SWISH:
        return named(g, n, rs_hard_swish_table(s_in, zp_in, s_out, zp_out, n->u.table, &why), &why, err);
    case RS_OP_FUNCTION:
        return named(g, n, rs_function_table(n->function, n->beta, n->gamma, s_in, zp_in, s_out, zp_out, n->u.table, &why), &why, err);
    case RS_OP_LEAKY_RELU:                              /* TFLite: float arithmetic; a negative alpha has no multiplier */
        real[0] = (double)(s_in / s_out);
        real[1] = (double)(s_in * n->beta / s_out);
        return add_requant(g, n, real, 2, err);
    case RS_OP_RELU:
    case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1:
    case RS_OP_QUANTIZE:
        real[0] = (double)s_in / (double)s_out;
        return add_requant(g, n, real, 1, err);
    case RS_OP_CONCAT:
        return concat_multipliers(g, n, err);
    default:
        return RS_OK;
    }
}

rs_status rs_graph_requantize(struct rs_graph *g, struct rs_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const rs_status status = rs_requantize_node(g, &g->nodes[i], err);

        if (status != RS_OK)
            return status;
    }
    return RS_OK;
}
