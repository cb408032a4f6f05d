/*
 * infer.c - execution order, and the dims of every tensor from the network's inputs on.
 *
 * Order: depth first from each node in file order, so a list that is in order already stays as it is.
 * No recursion: a hostile file could make it as deep as it is long.
 */
#include <stdlib.h>
#include <string.h>
#include "graph_internal.h"

static rs_status check_operands(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err)
{
    const struct rs_op_info *op = &rs_op_table[n->op];

    if (n->n_inputs < op->min_inputs || (op->max_inputs >= 0 && n->n_inputs > op->max_inputs))
        return rs_node_fail(g, n, err, RS_ERR_FORMAT, "%d inputs, expected %d%s", n->n_inputs, op->min_inputs,
                            op->max_inputs < 0 ? " or more" : op->max_inputs > op->min_inputs ? " or one more" : "");
    if (n->n_outputs != 1)
        return rs_node_fail(g, n, err, RS_ERR_FORMAT, "%d outputs, expected 1", n->n_outputs);
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] < 0 && (i < op->min_inputs || op->max_inputs < 0))
            return rs_node_fail(g, n, err, RS_ERR_FORMAT, "input %d is absent, it is not optional", i);
    return RS_OK;
}

rs_status rs_graph_sort(struct rs_graph *g, struct rs_error *err)
{
    rs_status status = RS_ERR_NOMEM;
    const size_t nodes = (size_t)g->n_nodes;
    bool *is_input = rs_alloc((size_t)g->n_tensors, sizeof *is_input);
    int *stack = rs_alloc(nodes, sizeof *stack), *next = rs_alloc(nodes, sizeof *next);
    char *state = rs_alloc(nodes, 1);                   /* 0 untouched, 1 on the stack, 2 placed */
    struct rs_node *order = rs_alloc(nodes, sizeof *order);
    int *producer = rs_alloc((size_t)g->n_tensors, sizeof *producer);
    int placed = 0;

    if (is_input == NULL || stack == NULL || next == NULL || state == NULL || order == NULL || producer == NULL) {
        rs_fail(err, RS_ERR_NOMEM, "no memory to sort %d operations", g->n_nodes);
        goto done;
    }
    status = RS_ERR_FORMAT;
    for (int i = 0; i < g->n_inputs; i++)
        is_input[g->inputs[i]] = true;
    for (int t = 0; t < g->n_tensors; t++)
        producer[t] = -1;
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_outputs; k++) {
            const int t = g->nodes[i].outputs[k];

            if (producer[t] >= 0 || is_input[t] || g->tensors[t].data != NULL) {
                rs_node_fail(g, &g->nodes[i], err, status, "writes tensor '%.80s', which %s", g->tensors[t].name,
                             producer[t] >= 0 ? "another operation writes too" :
                             is_input[t] ? "is an input of the network" : "is constant");
                goto done;
            }
            producer[t] = i;
        }
    for (int i = 0; i < g->n_outputs; i++) {
        const int t = g->outputs[i];

        if (producer[t] < 0 && !is_input[t] && g->tensors[t].data == NULL) {
            rs_fail(err, status, "network output '%.80s' is made by no operation", g->tensors[t].name);
            goto done;
        }
    }
    for (int root = 0; root < g->n_nodes; root++) {
        int depth = 0;

        if (state[root] != 0)
            continue;
        stack[depth++] = root;
        state[root] = 1;
        while (depth > 0) {
            const int i = stack[depth - 1];
            const struct rs_node *n = &g->nodes[i];

            if (next[i] == n->n_inputs) {
                order[placed++] = *n;
                state[i] = 2;
                depth--;
                continue;
            }
            const int t = n->inputs[next[i]++];

            if (t < 0 || is_input[t] || g->tensors[t].data != NULL)
                continue;
            const int p = producer[t];

            if (p < 0) {
                rs_node_fail(g, n, err, status, "reads tensor '%.80s', which no operation writes and which has no data",
                             g->tensors[t].name);
                goto done;
            }
            if (state[p] == 1) {
                rs_node_fail(g, n, err, status, "reads tensor '%.80s', which depends on this operation: a cycle",
                             g->tensors[t].name);
                goto done;
            }
            if (state[p] == 0) {
                state[p] = 1;
                stack[depth++] = p;
            }
        }
    }
    if (nodes > 0)
        memcpy(g->nodes, order, nodes * sizeof *order);
    status = RS_OK;
done:
    free(is_input);
    free(stack);
    free(next);
    free(state);
    free(order);
    free(producer);
    return status;
}

/* The window of a convolution or pool: checks its attributes, sets SAME pads, gives E and F. */
static rs_status infer_window(const struct rs_graph *g, struct rs_node *n, const struct rs_tensor *in,
                              int32_t *e, int32_t *f, struct rs_error *err)
{
    enum { LIMIT = 65535 };
    const struct { const char *name; int32_t value, min; } field[] = {
        { "filter rows R", n->kernel_h, 1 }, { "filter columns S", n->kernel_w, 1 },
        { "stride_h", n->stride_h, 1 }, { "stride_w", n->stride_w, 1 },
        { "dilation_h", n->dilation_h, 1 }, { "dilation_w", n->dilation_w, 1 },
        { "pad_top", n->pad_top, 0 }, { "pad_left", n->pad_left, 0 },
        { "pad_bottom", n->pad_bottom, 0 }, { "pad_right", n->pad_right, 0 },
    };

    if (in->rank != 4)
        return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the ifmap has rank %d, expected 4 (NHWC)", in->rank);
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
        if (field[i].value < field[i].min || field[i].value > LIMIT)
            return rs_node_fail(g, n, err, RS_ERR_RANGE, "%s is %d, expected %d to %d", field[i].name, field[i].value,
                                field[i].min, LIMIT);
    if (n->pad_same) {
        rs_status s = rs_conv_same_padding(in->dim[1], n->kernel_h, n->stride_h, n->dilation_h,
                                           &n->pad_top, &n->pad_bottom, err);

        if (s == RS_OK)
            s = rs_conv_same_padding(in->dim[2], n->kernel_w, n->stride_w, n->dilation_w,
                                     &n->pad_left, &n->pad_right, err);
        if (s != RS_OK)
            return s;
    }
    const int64_t rows = rs_conv_out_extent(in->dim[1], n->kernel_h, n->stride_h, n->dilation_h, n->pad_top, n->pad_bottom);
    const int64_t cols = rs_conv_out_extent(in->dim[2], n->kernel_w, n->stride_w, n->dilation_w, n->pad_left, n->pad_right);

    if (rows < 1 || cols < 1)
        return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the %dx%d filter (dilation %dx%d) is larger than the %dx%d ifmap with its pads",
                            n->kernel_h, n->kernel_w, n->dilation_h, n->dilation_w, in->dim[1], in->dim[2]);
    if (rows > INT32_MAX || cols > INT32_MAX)
        return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the ofmap would have more than 2^31 - 1 elements");
    *e = (int32_t)rows;
    *f = (int32_t)cols;
    return RS_OK;
}

/* NumPy's broadcast of two lists of extents. */
static bool broadcast(const int32_t *a, int na, const int32_t *b, int nb, int32_t *out, int *n_out)
{
    const int n = na > nb ? na : nb;

    for (int i = 0; i < n; i++) {
        const int32_t x = i < n - na ? 1 : a[i - (n - na)], y = i < n - nb ? 1 : b[i - (n - nb)];

        if (x != y && x != 1 && y != 1)
            return false;
        out[i] = x == 1 ? y : x;
    }
    *n_out = n;
    return true;
}

rs_status rs_infer_node(struct rs_graph *g, struct rs_node *n, int k, int32_t dim[RS_MAX_RANK], int *rank, struct rs_error *err)
{
    (void)k;                                            /* every op has one output */
    rs_status status = check_operands(g, n, err);

    if (status != RS_OK)
        return status;
    const struct rs_tensor *in = &g->tensors[n->inputs[0]];
    const struct rs_tensor *in2 = n->n_inputs > 1 && n->inputs[1] >= 0 ? &g->tensors[n->inputs[1]] : NULL;
    char text1[80], text2[80];

    memcpy(dim, in->dim, sizeof in->dim);               /* most ops keep the extents */
    *rank = in->rank;
    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
        if (in2->rank != 4)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the filter has rank %d, expected 4", in2->rank);
        n->kernel_h = in2->dim[1];
        n->kernel_w = in2->dim[2];
        status = infer_window(g, n, in, &dim[1], &dim[2], err);
        if (status != RS_OK)
            return status;
        if (n->op == RS_OP_CONV2D) {
            if (in2->dim[3] != in->dim[3])
                return rs_node_fail(g, n, err, in->dim[3] % in2->dim[3] == 0 ? RS_ERR_UNSUPPORTED : RS_ERR_SHAPE,
                                    "the filter has C=%d, the ifmap C=%d%s", in2->dim[3], in->dim[3],
                                    in->dim[3] % in2->dim[3] == 0 ? ": grouped convolution is not supported" : "");
            dim[3] = in2->dim[0];
        } else {
            if (in2->dim[0] != 1 || in2->dim[3] % in->dim[3] != 0)
                return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the filter is %s, expected 1xRxSxM with M a multiple of C=%d",
                                    rs_tensor_dims(in2, text1, sizeof text1), in->dim[3]);
            n->depth_multiplier = in2->dim[3] / in->dim[3];
            dim[3] = in2->dim[3];
        }
        break;
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D:
        n->dilation_h = n->dilation_w = 1;
        status = infer_window(g, n, in, &dim[1], &dim[2], err);
        if (status != RS_OK)
            return status;
        break;
    case RS_OP_FULLY_CONNECTED:
        if (in2->rank != 2)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the filter has rank %d, expected 2 (MxC)", in2->rank);
        if (rs_tensor_elements(in) % in2->dim[1] != 0 || (n->keep_dims && (in->rank < 1 || in->dim[in->rank - 1] != in2->dim[1])))
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the ifmap is %s, not rows of C=%d",
                                rs_tensor_dims(in, text1, sizeof text1), in2->dim[1]);
        if (n->keep_dims) {
            dim[in->rank - 1] = in2->dim[0];
        } else {
            *rank = 2;
            dim[0] = (int32_t)(rs_tensor_elements(in) / in2->dim[1]);
            dim[1] = in2->dim[0];
        }
        break;
    case RS_OP_BATCH_MATMUL: {
        if (in->rank < 2 || in2->rank < 2)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "operands of rank %d and %d, at least 2 is needed", in->rank, in2->rank);
        const int32_t *x = &in->dim[in->rank - 2], *y = &in2->dim[in2->rank - 2];

        if (x[!n->adjoint_x] != y[n->adjoint_y] ||
            !broadcast(in->dim, in->rank - 2, in2->dim, in2->rank - 2, dim, rank))
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "%s%s and %s%s cannot be multiplied",
                                rs_tensor_dims(in, text1, sizeof text1), n->adjoint_x ? " transposed" : "",
                                rs_tensor_dims(in2, text2, sizeof text2), n->adjoint_y ? " transposed" : "");
        dim[(*rank)++] = x[n->adjoint_x];
        dim[(*rank)++] = y[!n->adjoint_y];
        break;
    }
    case RS_OP_ADD:
    case RS_OP_SUB:
    case RS_OP_MUL:
    case RS_OP_MAXIMUM:
    case RS_OP_MINIMUM:
    case RS_OP_DIV:
    case RS_OP_SQUARED_DIFFERENCE:
    case RS_OP_POW:
        if (!broadcast(in->dim, in->rank, in2->dim, in2->rank, dim, rank))
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "%s and %s do not fit each other",
                                rs_tensor_dims(in, text1, sizeof text1), rs_tensor_dims(in2, text2, sizeof text2));
        break;
    case RS_OP_MEAN: {
        bool reduced[RS_MAX_RANK] = { false };

        if (n->n_axes < 1 || n->n_axes > in->rank)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "%d axes for an input of rank %d", n->n_axes, in->rank);
        for (int i = 0; i < n->n_axes; i++) {
            if (n->axis[i] < 0 || n->axis[i] >= in->rank || (i > 0 && n->axis[i] <= n->axis[i - 1]))
                return rs_node_fail(g, n, err, RS_ERR_RANGE, "axis %d is %d, expected ascending axes below %d", i,
                                    n->axis[i], in->rank);
            reduced[n->axis[i]] = true;
        }
        *rank = 0;
        for (int i = 0; i < in->rank; i++)
            if (!reduced[i])
                dim[(*rank)++] = in->dim[i];
            else if (n->keep_dims)
                dim[(*rank)++] = 1;
        break;
    }
    case RS_OP_RESHAPE: {
        int64_t known = 1;
        int unknown = -1;

        if (n->n_shape < 0 || n->n_shape > RS_MAX_RANK)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the new shape has rank %d, at most %d is supported", n->n_shape, RS_MAX_RANK);
        for (int i = 0; i < n->n_shape; i++) {
            dim[i] = n->shape[i];
            if (dim[i] == -1 && unknown < 0)
                unknown = i;
            else if (dim[i] < 1)
                return rs_node_fail(g, n, err, RS_ERR_SHAPE, "dimension %d of the new shape is %d", i, dim[i]);
            else if ((known *= dim[i]) > INT32_MAX)
                break;
        }
        if (unknown >= 0 && known <= INT32_MAX && rs_tensor_elements(in) % known == 0) {
            dim[unknown] = (int32_t)(rs_tensor_elements(in) / known);
            known *= dim[unknown];
        }
        if (known != rs_tensor_elements(in))
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "%s has %lld elements, the new shape %lld",
                                rs_tensor_dims(in, text1, sizeof text1), (long long)rs_tensor_elements(in), (long long)known);
        *rank = n->n_shape;
        break;
    }
    case RS_OP_PAD:
        for (int i = 0; i < in->rank; i++) {
            const int64_t extent = (int64_t)in->dim[i] + n->before[i] + n->after[i];

            if (n->before[i] < 0 || n->after[i] < 0 || extent > INT32_MAX)
                return rs_node_fail(g, n, err, RS_ERR_RANGE, "pads of dimension %d are %d and %d", i, n->before[i], n->after[i]);
            dim[i] = (int32_t)extent;
        }
        break;
    case RS_OP_TRANSPOSE: {
        bool seen[RS_MAX_RANK] = { false };

        if (n->n_axes != in->rank)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "a permutation of %d axes for an input of rank %d", n->n_axes, in->rank);
        for (int i = 0; i < in->rank; i++) {
            if (n->axis[i] < 0 || n->axis[i] >= in->rank || seen[n->axis[i]])
                return rs_node_fail(g, n, err, RS_ERR_RANGE, "axis %d of the permutation is %d, used twice or out of range", i, n->axis[i]);
            seen[n->axis[i]] = true;
            dim[i] = in->dim[n->axis[i]];
        }
        break;
    }
    case RS_OP_CONCAT: {
        const int axis = n->axis[0];
        int64_t extent = 0;

        if (axis < 0 || axis >= in->rank)
            return rs_node_fail(g, n, err, RS_ERR_RANGE, "axis is %d, the inputs have rank %d", axis, in->rank);
        for (int i = 0; i < n->n_inputs; i++) {
            const struct rs_tensor *t = &g->tensors[n->inputs[i]];

            for (int d = 0; d < in->rank || t->rank != in->rank; d++)
                if (t->rank != in->rank || (d != axis && t->dim[d] != in->dim[d]))
                    return rs_node_fail(g, n, err, RS_ERR_SHAPE, "input %d is %s, which does not fit %s along axis %d", i,
                                        rs_tensor_dims(t, text1, sizeof text1), rs_tensor_dims(in, text2, sizeof text2), axis);
            extent += t->dim[axis];
        }
        if (extent > INT32_MAX)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the output would have more than 2^31 - 1 elements");
        dim[axis] = (int32_t)extent;
        break;
    }
    case RS_OP_SLICE:
        if (n->n_shape != in->rank)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "%d sizes for an input of rank %d", n->n_shape, in->rank);
        for (int i = 0; i < in->rank; i++) {
            const int64_t last = n->before[i] + (int64_t)(n->shape[i] - 1) * n->after[i];

            if (n->shape[i] < 1 || n->after[i] == 0 || n->before[i] < 0 || n->before[i] >= in->dim[i] || last < 0 || last >= in->dim[i])
                return rs_node_fail(g, n, err, RS_ERR_RANGE, "dimension %d: %d elements from %d in steps of %d do not lie within %d",
                                    i, n->shape[i], n->before[i], n->after[i], in->dim[i]);
            dim[i] = n->shape[i];
        }
        break;
    case RS_OP_RESIZE_NEAREST:
        if (in->rank != 4 || n->n_shape != 2 || n->shape[0] < 1 || n->shape[1] < 1)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "expected a rank 4 input and a new height and width >= 1");
        dim[1] = n->shape[0];
        dim[2] = n->shape[1];
        break;
    case RS_OP_BATCH_NORM:
    case RS_OP_LAYER_NORM:
        if (in->rank < 1)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the input is a scalar");
        for (int i = 1; i < n->n_inputs; i++)
            if (n->inputs[i] >= 0 && rs_tensor_elements(&g->tensors[n->inputs[i]]) != in->dim[in->rank - 1])
                return rs_node_fail(g, n, err, RS_ERR_SHAPE, "input %d is %s, expected %d elements", i,
                                    rs_tensor_dims(&g->tensors[n->inputs[i]], text1, sizeof text1), in->dim[in->rank - 1]);
        break;
    default:
        break;
    }
    int64_t elements = 1;

    for (int i = 0; i < *rank; i++)
        if ((elements *= dim[i]) > INT32_MAX)
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the output would have more than 2^31 - 1 elements");
    for (int i = *rank; i < RS_MAX_RANK; i++)
        dim[i] = 1;
    return RS_OK;
}

rs_status rs_graph_infer(struct rs_graph *g, bool check, struct rs_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        struct rs_node *n = &g->nodes[i];
        struct rs_tensor want;
        rs_status status = rs_infer_node(g, n, 0, want.dim, &want.rank, err);

        if (status != RS_OK)
            return status;
        struct rs_tensor *out = &g->tensors[n->outputs[0]];

        if (check && out->rank != 0 && !rs_same_dims(out, &want)) {
            char is[80], has[80];

            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the output is declared %s, the inputs make it %s",
                                rs_tensor_dims(out, has, sizeof has), rs_tensor_dims(&want, is, sizeof is));
        }
        if (out->quant.channels > 1 && (out->quant.axis >= want.rank || want.dim[out->quant.axis] != out->quant.channels))
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "the output has %d scales along dimension %d, which does not fit its size",
                                out->quant.channels, out->quant.axis);
        memcpy(out->dim, want.dim, sizeof out->dim);
        out->rank = want.rank;
    }
    return RS_OK;
}

rs_status rs_graph_prepare(struct rs_graph *g, struct rs_error *err)
{
    rs_status status = rs_graph_sort(g, err);

    if (status == RS_OK)
        status = rs_graph_infer(g, true, err);
    if (status == RS_OK)
        status = rs_graph_validate(g, err);
    if (status == RS_OK)
        status = rs_graph_requantize(g, err);
    return status;
}
