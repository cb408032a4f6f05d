/* execute_f32.c - float nodes on the CPU: each calls its kernel of kernels_f32.h. */
#include <math.h>
#include "graph_internal.h"
#include "kernels_f32.h"
#include "move.h"

static void activation_bounds(enum rs_activation act, float *low, float *high)
{
    *low = act == RS_ACT_NONE ? -INFINITY : act == RS_ACT_RELU_N1_TO_1 ? -1 : 0;
    *high = act == RS_ACT_RELU6 ? 6 : act == RS_ACT_RELU_N1_TO_1 ? 1 : INFINITY;
}

static rs_status batch_matmul(const struct rs_graph *g, const struct rs_node *n, const float *x, const float *y,
                              float *scratch, float low, float high, float *z, struct rs_error *err)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *in2 = &g->tensors[n->inputs[1]], *out = &g->tensors[n->outputs[0]];
    const int32_t rows = out->dim[out->rank - 2], cols = out->dim[out->rank - 1], k = in->dim[in->rank - (n->adjoint_x ? 2 : 1)];
    const struct rs_gemm_shape sh = { .m = rows, .n = cols, .k = k, .layout = n->adjoint_y ? RS_GEMM_B_NK : RS_GEMM_B_KN };
    rs_status status = RS_OK;

    for (int64_t i = 0; i < rs_matrices(out) && status == RS_OK; i++) {
        const float *a = x + rs_matrix_index(in, out, i) * rows * k;

        if (n->adjoint_x) {                              /* the kernel wants a as [rows][k] */
            for (int32_t r = 0; r < rows; r++)
                for (int32_t j = 0; j < k; j++)
                    scratch[(int64_t)r * k + j] = a[(int64_t)j * rows + r];
            a = scratch;
        }
        status = rs_gemm_f32(&sh, a, y + rs_matrix_index(in2, out, i) * k * cols, NULL, low, high, z + i * rows * cols, err);
    }
    return status;
}

static bool binary_of(enum rs_op op, enum rs_binary *binary)
{
    switch (op) {
    case RS_OP_ADD:                *binary = RS_BINARY_ADD; return true;
    case RS_OP_SUB:                *binary = RS_BINARY_SUB; return true;
    case RS_OP_MUL:                *binary = RS_BINARY_MUL; return true;
    case RS_OP_DIV:                *binary = RS_BINARY_DIV; return true;
    case RS_OP_MAXIMUM:            *binary = RS_BINARY_MAXIMUM; return true;
    case RS_OP_MINIMUM:            *binary = RS_BINARY_MINIMUM; return true;
    case RS_OP_POW:                *binary = RS_BINARY_POW; return true;
    case RS_OP_SQUARED_DIFFERENCE: *binary = RS_BINARY_SQUARED_DIFFERENCE; return true;
    default:                       return false;
    }
}

/* RELU and its like are clamps: @low and @high are set as a fused activation sets them. */
static bool unary_of(const struct rs_node *n, enum rs_unary *unary, float *low, float *high)
{
    switch (n->op) {
    case RS_OP_RELU:         activation_bounds(RS_ACT_RELU, low, high); *unary = RS_UNARY_CLAMP; return true;
    case RS_OP_RELU6:        activation_bounds(RS_ACT_RELU6, low, high); *unary = RS_UNARY_CLAMP; return true;
    case RS_OP_RELU_N1_TO_1: activation_bounds(RS_ACT_RELU_N1_TO_1, low, high); *unary = RS_UNARY_CLAMP; return true;
    case RS_OP_LEAKY_RELU:   *unary = RS_UNARY_LEAKY_RELU; return true;
    case RS_OP_LOGISTIC:     *unary = RS_UNARY_LOGISTIC; return true;
    case RS_OP_TANH:         *unary = RS_UNARY_TANH; return true;
    case RS_OP_HARD_SWISH:   *unary = RS_UNARY_HARD_SWISH; return true;
    case RS_OP_GELU:         *unary = n->approximate ? RS_UNARY_GELU_TANH : RS_UNARY_GELU; return true;
    case RS_OP_ERF:          *unary = RS_UNARY_ERF; return true;
    case RS_OP_EXP:          *unary = RS_UNARY_EXP; return true;
    case RS_OP_SQRT:         *unary = RS_UNARY_SQRT; return true;
    case RS_OP_RSQRT:        *unary = RS_UNARY_RSQRT; return true;
    default:                 return false;
    }
}

rs_status rs_run_node_f32(const struct rs_graph *g, int node, void *const *data, void *scratch, struct rs_error *err)
{
    const struct rs_node *n = &g->nodes[node];
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *out = &g->tensors[n->outputs[0]];
    const int id2 = n->n_inputs > 1 ? n->inputs[1] : -1, id3 = n->n_inputs > 2 ? n->inputs[2] : -1;
    const float *x = rs_data_of(g, n->inputs[0], data), *y = rs_data_of(g, id2, data), *bias = rs_data_of(g, id3, data);
    const struct rs_dims d1 = rs_dims_of(in), d2 = id2 >= 0 ? rs_dims_of(&g->tensors[id2]) : d1, d_out = rs_dims_of(out);
    const int32_t depth = in->rank > 0 ? in->dim[in->rank - 1] : 1;
    const int64_t count = rs_tensor_elements(in);
    float *z = data[n->outputs[0]], low, high;
    struct rs_layer l = { 0 };
    const bool is_layer = rs_graph_layer(g, node, &l);
    const struct rs_conv_shape sh = is_layer ? rs_conv_shape_of(&l) : (struct rs_conv_shape){ 0 };
    enum rs_binary binary;
    enum rs_unary unary;

    activation_bounds(n->act, &low, &high);
    if (binary_of(n->op, &binary))
        return rs_binary_f32(binary, &d1, x, &d2, y, low, high, &d_out, z, err);
    if (unary_of(n, &unary, &low, &high))
        return rs_unary_f32(unary, (size_t)count, x, n->beta, low, high, z, err);
    switch (n->op) {
    case RS_OP_CONV2D:
        return rs_conv2d_f32(&sh, x, y, bias, low, high, z, err);
    case RS_OP_DEPTHWISE_CONV2D:
        return rs_depthwise_conv2d_f32(&sh, x, y, bias, low, high, z, err);
    case RS_OP_FULLY_CONNECTED: {
        const struct rs_gemm_shape rows = { .m = l.N, .n = l.M, .k = l.C, .layout = RS_GEMM_B_NK };

        return rs_gemm_f32(&rows, x, y, bias, low, high, z, err);
    }
    case RS_OP_BATCH_MATMUL:
        return batch_matmul(g, n, x, y, scratch, low, high, z, err);
    case RS_OP_AVERAGE_POOL_2D:
        return rs_average_pool_f32(&sh, x, low, high, z, err);
    case RS_OP_MAX_POOL_2D:
        return rs_max_pool_f32(&sh, x, low, high, z, err);
    case RS_OP_MEAN: {
        uint32_t axes = 0;

        for (int i = 0; i < n->n_axes; i++)
            axes |= 1u << n->axis[i];
        return rs_mean_f32(&d1, x, axes, z, err);
    }
    case RS_OP_FUNCTION:
        return rs_function_f32(n->function, (size_t)count, x, n->beta, n->gamma, z, err);
    case RS_OP_SOFTMAX:
        return rs_softmax_f32(count / depth, depth, x, n->beta, z, err);
    case RS_OP_BATCH_NORM:
        return rs_batch_norm_f32(count / depth, depth, x, y, bias, rs_data_of(g, n->inputs[3], data),
                                 rs_data_of(g, n->inputs[4], data), n->epsilon, z, err);
    case RS_OP_LAYER_NORM:
        return rs_layer_norm_f32(count / depth, depth, x, y, bias, n->epsilon, z, err);
    case RS_OP_PAD:
        rs_move_pad(&d1, x, n->before, &d_out, &n->pad_value, sizeof *x, z);
        return RS_OK;
    case RS_OP_TRANSPOSE:
        rs_move_transpose(&d1, x, n->axis, sizeof *x, z);
        return RS_OK;
    case RS_OP_SLICE:
        rs_move_slice(&d1, x, n->before, n->after, &d_out, sizeof *x, z);
        return RS_OK;
    case RS_OP_RESIZE_NEAREST:
        rs_move_resize_nearest(&d1, x, n->align_corners, n->half_pixel, &d_out, sizeof *x, z);
        return RS_OK;
    case RS_OP_CONCAT:
        for (int i = 0, at = 0; i < n->n_inputs; i++) {
            const struct rs_dims d = rs_dims_of(&g->tensors[n->inputs[i]]);

            rs_move_into(&d, rs_data_of(g, n->inputs[i], data), n->axis[0], at, &d_out, sizeof *x, z);
            at += d.extent[n->axis[0]];
        }
        return RS_OK;
    default:
        return rs_fail(err, RS_ERR_UNSUPPORTED, "no float32 kernel");
    }
}
