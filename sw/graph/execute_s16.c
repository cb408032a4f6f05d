/*
 * execute_s16.c - nodes that read or write int16 on the CPU: TFLite's 16x8, and the ways in and out of it.
 */
#include <math.h>
#include <stdlib.h>
#include "graph_internal.h"
#include "move.h"

static int16_t clamp_s16(int64_t x)
{
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}

/* TFLite's QUANTIZE between codes: int8 and int16 either way, and int16 to another scale. */
static rs_status requantize(const struct rs_node *n, const struct rs_tensor *in, const struct rs_tensor *out, const void *x, void *z)
{
    const int64_t count = rs_tensor_elements(in);
    const int32_t zp_in = in->quant.zero_point[0], zp_out = out->quant.zero_point[0];

    for (int64_t i = 0; i < count; i++) {
        const int32_t code = (in->type == RS_TYPE_S16 ? ((const int16_t *)x)[i] : ((const int8_t *)x)[i]) - zp_in;
        const int64_t y = (int64_t)rs_multiply_by_quantized_multiplier(code, n->mult[0], n->shift[0], RS_ROUND_DOUBLE) + zp_out;

        if (out->type == RS_TYPE_S16)
            ((int16_t *)z)[i] = clamp_s16(y);
        else
            ((int8_t *)z)[i] = (int8_t)(y < -128 ? -128 : y > 127 ? 127 : y);
    }
    return RS_OK;
}

/* RELU and its kind: another scale, and a clamp. */
static void relu(const struct rs_node *n, int64_t count, const int16_t *x, int16_t *z)
{
    for (int64_t i = 0; i < count; i++) {
        const int32_t y = rs_multiply_by_quantized_multiplier(x[i], n->mult[0], n->shift[0], RS_ROUND_DOUBLE);

        z[i] = (int16_t)(y < n->act_min ? n->act_min : y > n->act_max ? n->act_max : y);
    }
}

static rs_status quantize_f32(const struct rs_tensor *out, const float *x, int16_t *z, struct rs_error *err)
{
    for (int64_t i = 0; i < rs_tensor_elements(out); i++) {
        const float y = roundf(x[i] / out->quant.scale[0]);

        if (isnan(y))
            return rs_fail(err, RS_ERR_RANGE, "element %lld is not a number", (long long)i);
        z[i] = y <= INT16_MIN ? INT16_MIN : y >= INT16_MAX ? INT16_MAX : (int16_t)y;
    }
    return RS_OK;
}

/* A bias of int32 is as good as one of int64. */
static int64_t *wide_bias(const struct rs_tensor *bias)
{
    const int64_t m = rs_tensor_elements(bias);
    int64_t *wide = rs_alloc((size_t)m, sizeof *wide);

    for (int64_t i = 0; wide != NULL && i < m; i++)
        wide[i] = bias->type == RS_TYPE_S64 ? ((const int64_t *)bias->data)[i] : ((const int32_t *)bias->data)[i];
    return wide;
}

static rs_status layer(const struct rs_graph *g, int node, const int16_t *x, const int8_t *filter, int16_t *z, bool reference,
                       struct rs_error *err)
{
    const struct rs_node *n = &g->nodes[node];
    const struct rs_quant_s16 q = { .act_min = n->act_min, .act_max = n->act_max, .count = n->n_requant, .mult = n->mult, .shift = n->shift };
    struct rs_layer l;

    if (!rs_graph_layer(g, node, &l))
        return rs_fail(err, RS_ERR_UNSUPPORTED, "no geometry");
    const struct rs_conv_shape sh = rs_conv_shape_of(&l);
    int64_t *bias = l.bias >= 0 ? wide_bias(&g->tensors[l.bias]) : NULL;
    rs_status status;

    if (l.bias >= 0 && bias == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for a bias of %d channels", l.M);
    if (n->op == RS_OP_CONV2D)
        status = (reference ? rs_conv2d_s16_ref : rs_conv2d_s16)(&sh, x, filter, bias, &q, z, err);
    else if (n->op == RS_OP_DEPTHWISE_CONV2D)
        status = (reference ? rs_depthwise_conv2d_s16_ref : rs_depthwise_conv2d_s16)(&sh, x, filter, bias, &q, z, err);
    else
        status = (reference ? rs_fully_connected_s16_ref : rs_fully_connected_s16)(l.N, l.C, l.M, x, filter, bias, &q, z, err);
    free(bias);
    return status;
}

rs_status rs_run_node_s16(const struct rs_graph *g, int node, void *const *data, bool reference, struct rs_error *err)
{
    const struct rs_node *n = &g->nodes[node];
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *out = &g->tensors[n->outputs[0]];
    const bool binary = n->n_inputs > 1 && n->inputs[1] >= 0;
    const struct rs_dims d1 = rs_dims_of(in), d2 = binary ? rs_dims_of(&g->tensors[n->inputs[1]]) : d1, d_out = rs_dims_of(out);
    const void *x = rs_data_of(g, n->inputs[0], data), *y = binary ? rs_data_of(g, n->inputs[1], data) : NULL;
    void *z = data[n->outputs[0]];

    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
    case RS_OP_FULLY_CONNECTED:
        return layer(g, node, x, rs_data_of(g, n->inputs[1], data), z, reference, err);
    case RS_OP_QUANTIZE:
        return in->type == RS_TYPE_F32 ? quantize_f32(out, x, z, err) : requantize(n, in, out, x, z);
    case RS_OP_DEQUANTIZE:
        for (int64_t i = 0; i < rs_tensor_elements(in); i++)
            ((float *)z)[i] = in->quant.scale[0] * (float)((const int16_t *)x)[i];
        return RS_OK;
    case RS_OP_ADD:
        return rs_add_s16(&d1, x, &d2, y, &n->u.add, &d_out, z, err);
    case RS_OP_SUB:
        return rs_sub_s16(&d1, x, &d2, y, &n->u.add, &d_out, z, err);
    case RS_OP_MUL:
        return rs_mul_s16(&d1, x, &d2, y, &n->u.mul, &d_out, z, err);
    case RS_OP_MAXIMUM:
    case RS_OP_MINIMUM:
        rs_move_extremum(&d1, x, &d2, y, n->op == RS_OP_MAXIMUM, &d_out, sizeof(int16_t), z);
        return RS_OK;
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D: {
        struct rs_layer l;

        if (!rs_graph_layer(g, node, &l))
            return rs_fail(err, RS_ERR_UNSUPPORTED, "no geometry");
        const struct rs_conv_shape sh = rs_conv_shape_of(&l);

        return (n->op == RS_OP_MAX_POOL_2D ? rs_max_pool_s16 : rs_average_pool_s16)(&sh, x, n->act_min, n->act_max, z, err);
    }
    case RS_OP_SOFTMAX: {
        const int32_t depth = in->dim[in->rank - 1];

        return rs_softmax_s16((int32_t)(rs_tensor_elements(in) / depth), depth, x, &n->u.softmax_s16, z, err);
    }
    case RS_OP_LOGISTIC:
        return rs_logistic_s16((size_t)rs_tensor_elements(in), x, &n->u.sigmoid_s16, z, err);
    case RS_OP_TANH:
        return rs_tanh_s16((size_t)rs_tensor_elements(in), x, &n->u.sigmoid_s16, z, err);
    case RS_OP_RELU:
    case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1:
        relu(n, rs_tensor_elements(in), x, z);
        return RS_OK;
    case RS_OP_PAD: {
        const int16_t value = (int16_t)n->pad_code;

        rs_move_pad(&d1, x, n->before, &d_out, &value, sizeof value, z);
        return RS_OK;
    }
    case RS_OP_TRANSPOSE:
        rs_move_transpose(&d1, x, n->axis, sizeof(int16_t), z);
        return RS_OK;
    case RS_OP_SLICE:
        rs_move_slice(&d1, x, n->before, n->after, &d_out, sizeof(int16_t), z);
        return RS_OK;
    case RS_OP_RESIZE_NEAREST:
        rs_move_resize_nearest(&d1, x, n->align_corners, n->half_pixel, &d_out, sizeof(int16_t), z);
        return RS_OK;
    case RS_OP_CONCAT:
        for (int i = 0, at = 0; i < n->n_inputs; i++) {
            const struct rs_dims d = rs_dims_of(&g->tensors[n->inputs[i]]);

            rs_move_into(&d, rs_data_of(g, n->inputs[i], data), n->axis[0], at, &d_out, sizeof(int16_t), z);
            at += d.extent[n->axis[0]];
        }
        return RS_OK;
    default:
        return rs_fail(err, RS_ERR_UNSUPPORTED, "no int16 kernel");
    }
}
