/*
 * onnx_write_operators.c - the graph's operations as ONNX operators on float32 values.
 *
 * An operation that does not care about layout is done in the one in which its input lies, its axes renamed.
 */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include "onnx_write_internal.h"

bool ow_is_window(enum rs_op op)
{
    return op == RS_OP_CONV2D || op == RS_OP_DEPTHWISE_CONV2D || op == RS_OP_AVERAGE_POOL_2D || op == RS_OP_MAX_POOL_2D ||
           op == RS_OP_RESIZE_NEAREST || op == RS_OP_BATCH_NORM;
}

static const struct rs_tensor *input_of(const struct onnx_writer *w, const struct rs_node *n, int k)
{
    return k < n->n_inputs && n->inputs[k] >= 0 ? &w->g->tensors[n->inputs[k]] : NULL;
}

static const struct rs_tensor *output_of(const struct onnx_writer *w, const struct rs_node *n)
{
    return &w->g->tensors[n->outputs[0]];
}

/* ---- convolutions, pools ---- */

static void set_window(struct ow_node *to, const struct rs_node *n)
{
    ow_set_ints(to, "kernel_shape", (int64_t[]){ n->kernel_h, n->kernel_w }, 2);
    ow_set_ints(to, "strides", (int64_t[]){ n->stride_h, n->stride_w }, 2);
    ow_set_ints(to, "pads", (int64_t[]){ n->pad_top, n->pad_left, n->pad_bottom, n->pad_right }, 4);
}

/* The real bias of a layer on codes: int32 of scale s_in * s_filter; float32 where it is wider than that. */
static rs_status take_bias(struct onnx_writer *w, const struct rs_node *n, int32_t m, char **name)
{
    const struct rs_tensor *x = input_of(w, n, 0), *f = input_of(w, n, 1), *b = input_of(w, n, 2);
    const struct onnx_layout plain = onnx_identity(1);
    float *scale, *real;
    int32_t *codes;
    bool narrow = true;

    if (b->type == RS_TYPE_F32)
        return ow_take(w, n->inputs[2], &plain, name);
    scale = ow_alloc(w, (size_t)m, sizeof *scale);
    real = ow_alloc(w, (size_t)m, sizeof *real);
    codes = ow_alloc(w, (size_t)m, sizeof *codes);
    if (scale == NULL || real == NULL || codes == NULL)
        return RS_ERR_NOMEM;
    for (int32_t i = 0; i < m; i++) {
        const int64_t code = b->type == RS_TYPE_S64 ? ((const int64_t *)b->data)[i] : ((const int32_t *)b->data)[i];
        const double unit = (double)x->quant.scale[0] * (double)f->quant.scale[f->quant.channels > 1 ? i : 0];

        scale[i] = (float)unit;
        real[i] = (float)(unit * (double)code);
        codes[i] = (int32_t)code;
        narrow &= code >= INT32_MIN && code <= INT32_MAX;
    }
    if (!narrow)
        return ow_constant(w, b->name, NULL, OX_FLOAT, 1, &m, real, name);
    return ow_dequantized(w, b->name, OX_INT32, 1, &m, codes, scale, f->quant.channels > 1 ? m : 1, 0, NULL, name);
}

static rs_status write_convolution(struct onnx_writer *w, const struct rs_node *n)
{
    const bool depthwise = n->op == RS_OP_DEPTHWISE_CONV2D;
    const struct onnx_layout nhwc = onnx_channels_last(4), filter = depthwise ? (struct onnx_layout){ 4, { 1, 2, 3, 0 } } : nhwc;
    const bool bias = input_of(w, n, 2) != NULL;
    struct ow_node *conv;
    char *in[3];

    TRY(ow_take(w, n->inputs[0], &nhwc, &in[0]));
    TRY(ow_take(w, n->inputs[1], &filter, &in[1]));
    if (bias)
        TRY(take_bias(w, n, output_of(w, n)->dim[3], &in[2]));
    TRY(ow_node(w, "Conv", in, bias ? 3 : 2, &conv));
    set_window(conv, n);
    ow_set_ints(conv, "dilations", (int64_t[]){ n->dilation_h, n->dilation_w }, 2);
    ow_set_int(conv, "group", depthwise ? input_of(w, n, 0)->dim[3] : 1);
    return ow_result(w, n, conv, &nhwc);
}

static rs_status write_pool(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout nhwc = onnx_channels_last(4);
    struct ow_node *pool;
    char *in;

    TRY(ow_take(w, n->inputs[0], &nhwc, &in));
    TRY(ow_node(w, n->op == RS_OP_MAX_POOL_2D ? "MaxPool" : "AveragePool", &in, 1, &pool));
    set_window(pool, n);
    return ow_result(w, n, pool, &nhwc);
}

/* ---- matrix products ---- */

/* The rows of FULLY_CONNECTED's input; *order: how the columns of the filter are to lie for it. */
static rs_status take_rows(struct onnx_writer *w, const struct rs_node *n, char **name, struct onnx_layout *order)
{
    const struct rs_tensor *x = input_of(w, n, 0), *f = input_of(w, n, 1);
    const struct onnx_layout lies = ow_lies(w, n->inputs[0]), plain = onnx_identity(x->rank);
    const bool whole = x->rank > 2 && f->data != NULL && rs_tensor_elements(x) / x->dim[0] == f->dim[1] && lies.axis[0] == 0;
    struct ow_node *flat;
    char *rows, *codes, *shape;

    *order = onnx_identity(2);
    if (x->rank == 2 && x->dim[1] == f->dim[1])
        return ow_take(w, n->inputs[0], &plain, name);
    if (whole && !onnx_same_layout(&lies, &plain)) {     /* [N][C][H][W] as it is: its filter can lie as it does */
        *order = lies;
        TRY(ow_take(w, n->inputs[0], &lies, &rows));
    } else {
        TRY(ow_take_in_order(w, n->inputs[0], &rows, &codes));
    }
    TRY(ow_int64s(w, n->inputs[0], "rows", (int64_t[]){ -1, f->dim[1] }, 2, &shape));
    TRY(ow_node(w, "Reshape", (char *[]){ rows, shape }, 2, &flat));
    TRY(ow_name(w, x->name, "Reshape", &flat->output));
    *name = flat->output;
    if (x->type == RS_TYPE_F32)
        return RS_OK;
    return ow_requantized(w, n->inputs[0], flat->output, name);
}

static rs_status take_filter(struct onnx_writer *w, const struct rs_node *n, const struct onnx_layout *order, char **name)
{
    const struct rs_tensor *x = input_of(w, n, 0), *f = input_of(w, n, 1);
    const struct onnx_layout plain = onnx_identity(2);
    const size_t width = rs_type_bytes(f->type);
    int32_t dim[RS_MAX_RANK];
    char *data;

    if (order->rank == 2)
        return ow_take(w, n->inputs[1], &plain, name);
    memcpy(dim, x->dim, sizeof dim);
    dim[0] = f->dim[0];
    data = ow_alloc(w, (size_t)rs_tensor_elements(f), width);
    if (data == NULL)
        return RS_ERR_NOMEM;
    ow_permute(x->rank, dim, width, order, f->data, data);
    if (f->type == RS_TYPE_F32)
        return ow_constant(w, f->name, NULL, OX_FLOAT, 2, f->dim, data, name);
    return ow_dequantized(w, f->name, ow_type(f->type), 2, f->dim, data, f->quant.scale, f->quant.channels, f->quant.axis, f->quant.zero_point, name);
}

static rs_status write_fully_connected(struct onnx_writer *w, const struct rs_node *n)
{
    const struct rs_tensor *f = input_of(w, n, 1), *y = output_of(w, n);
    const struct onnx_layout plain = onnx_identity(y->rank);
    const bool bias = input_of(w, n, 2) != NULL, keeps_rank = y->rank != 2;
    struct onnx_layout order;
    struct ow_node *gemm, *back;
    char *in[3], *shape, *rows;
    int64_t dim[RS_MAX_RANK];

    TRY(take_rows(w, n, &in[0], &order));
    TRY(take_filter(w, n, &order, &in[1]));
    if (bias)
        TRY(take_bias(w, n, f->dim[0], &in[2]));
    TRY(ow_node(w, "Gemm", in, bias ? 3 : 2, &gemm));
    ow_set_int(gemm, "transB", 1);
    if (!keeps_rank)
        return ow_result(w, n, gemm, &plain);
    TRY(ow_inner_result(w, n, gemm, &rows));
    for (int i = 0; i < y->rank; i++)
        dim[i] = i == 0 ? -1 : y->dim[i];
    TRY(ow_int64s(w, n->outputs[0], "shape", dim, y->rank, &shape));
    TRY(ow_node(w, "Reshape", (char *[]){ rows, shape }, 2, &back));
    return ow_result(w, &(struct rs_node){ .outputs = n->outputs }, back, &plain);
}

static rs_status write_batch_matmul(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout plain = onnx_identity(output_of(w, n)->rank);
    const bool adjoint[2] = { n->adjoint_x, n->adjoint_y };
    struct ow_node *product;
    char *in[2];

    for (int k = 0; k < 2; k++) {
        struct onnx_layout layout = onnx_identity(input_of(w, n, k)->rank);

        if (adjoint[k]) {
            layout.axis[layout.rank - 1] = (int8_t)(layout.rank - 2);
            layout.axis[layout.rank - 2] = (int8_t)(layout.rank - 1);
        }
        TRY(ow_take(w, n->inputs[k], &layout, &in[k]));
    }
    TRY(ow_node(w, "MatMul", in, 2, &product));
    return ow_result(w, n, product, &plain);
}

/* ---- element by element ---- */

/* The layout of a binary operation: that of an operand of full rank which does not lie in the graph's order, if all others can follow. */
static struct onnx_layout common_layout(const struct onnx_writer *w, const struct rs_node *n)
{
    const int rank = output_of(w, n)->rank;
    struct onnx_layout common = onnx_identity(rank);
    bool chosen = false;

    for (int k = 0; k < n->n_inputs; k++) {
        const struct rs_tensor *t = input_of(w, n, k);

        if (t->data == NULL && t->rank != rank)
            return onnx_identity(rank);
        if (t->data == NULL && !chosen) {
            common = ow_lies(w, n->inputs[k]);
            chosen = true;
        }
    }
    return common;
}

/* An operand in @layout; a constant of lower rank gets the leading dimensions of 1 that a permutation needs. */
static rs_status take_operand(struct onnx_writer *w, const struct rs_node *n, int k, const struct onnx_layout *layout, char **name)
{
    const struct rs_tensor *t = input_of(w, n, k);
    const struct onnx_layout plain = onnx_identity(layout->rank), own = onnx_identity(t->rank);
    int32_t dim[RS_MAX_RANK], moved[RS_MAX_RANK];
    const size_t width = rs_type_bytes(t->type);
    void *data;

    if (t->rank == layout->rank)
        return ow_take(w, n->inputs[k], layout, name);
    if (onnx_same_layout(layout, &plain) || t->rank == 0)
        return ow_take(w, n->inputs[k], &own, name);
    data = ow_alloc(w, (size_t)rs_tensor_elements(t), width);
    if (data == NULL)
        return RS_ERR_NOMEM;
    for (int i = 0; i < layout->rank; i++) {
        dim[i] = i < layout->rank - t->rank ? 1 : t->dim[i - (layout->rank - t->rank)];
        moved[layout->axis[i]] = dim[i];
    }
    ow_permute(layout->rank, dim, width, layout, t->data, data);
    if (t->type == RS_TYPE_F32)
        return ow_constant(w, t->name, NULL, OX_FLOAT, layout->rank, moved, data, name);
    return ow_dequantized(w, t->name, ow_type(t->type), layout->rank, moved, data, t->quant.scale, 1, 0, t->quant.zero_point, name);
}

static const char *binary_name(enum rs_op op)
{
    switch (op) {
    case RS_OP_ADD:     return "Add";
    case RS_OP_MUL:     return "Mul";
    case RS_OP_DIV:     return "Div";
    case RS_OP_POW:     return "Pow";
    case RS_OP_MAXIMUM: return "Max";
    case RS_OP_MINIMUM: return "Min";
    default:            return "Sub";
    }
}

static rs_status write_binary(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout layout = common_layout(w, n);
    struct ow_node *last;
    char *in[2];

    for (int k = 0; k < 2; k++)
        TRY(take_operand(w, n, k, &layout, &in[k]));
    if (n->op == RS_OP_SQUARED_DIFFERENCE) {
        char *difference;

        TRY(ow_step(w, n->outputs[0], "Sub", in, 2, &difference));
        TRY(ow_node(w, "Mul", (char *[]){ difference, difference }, 2, &last));
    } else {
        TRY(ow_node(w, binary_name(n->op), in, 2, &last));
    }
    return ow_result(w, n, last, &layout);
}

/* An operator on @in and constant @x. */
static rs_status with_scalar(struct onnx_writer *w, int tensor, const char *op, char *in, float x, struct ow_node **out)
{
    char *pair[2] = { in, NULL };

    TRY(ow_floats(w, tensor, op, &x, 0, &pair[1]));
    return ow_node(w, op, pair, 2, out);
}

static rs_status clip(struct onnx_writer *w, int tensor, char *in, float low, float high, struct ow_node **out)
{
    char *list[3] = { in, NULL, NULL };

    TRY(ow_floats(w, tensor, "least", &low, 0, &list[1]));
    TRY(ow_floats(w, tensor, "greatest", &high, 0, &list[2]));
    return ow_node(w, "Clip", list, 3, out);
}

/* a * x + b */
static rs_status linear(struct onnx_writer *w, int tensor, char *in, float a, float b, struct ow_node **out)
{
    TRY(with_scalar(w, tensor, "Mul", in, a, out));
    if (b == 0)
        return RS_OK;
    TRY(ow_name(w, w->g->tensors[tensor].name, "Mul", &(*out)->output));
    return with_scalar(w, tensor, "Add", (*out)->output, b, out);
}

static rs_status gelu(struct onnx_writer *w, char *in, bool approximate, struct ow_node **out)
{
    TRY(ow_node(w, "Gelu", &in, 1, out));
    ow_set_string(*out, "approximate", approximate ? "tanh" : "none");
    return RS_OK;
}

/* FUNCTION: ONNX's operator of that definition. */
static rs_status function(struct onnx_writer *w, const struct rs_node *n, char *in, struct ow_node **out)
{
    const struct onnx_function *f = onnx_function_of(n->function);

    switch (n->function) {
    case RS_FUNCTION_GELU: case RS_FUNCTION_GELU_TANH:
        return gelu(w, in, n->function == RS_FUNCTION_GELU_TANH, out);
    case RS_FUNCTION_LINEAR:
        return linear(w, n->outputs[0], in, n->beta, n->gamma, out);
    case RS_FUNCTION_POW:
        return with_scalar(w, n->outputs[0], "Pow", in, n->beta, out);
    case RS_FUNCTION_CLIP:
        return clip(w, n->outputs[0], in, n->beta, n->gamma, out);
    default:
        break;
    }
    if (n->function == RS_FUNCTION_IDENTITY)
        return ow_node(w, "Identity", &in, 1, out);
    if (f == NULL)
        return ow_refuse(w, n, "ONNX has no such function");
    TRY(ow_node(w, f->name, &in, 1, out));
    if (f->first_name[0] != 0)
        ow_set_float(*out, f->first_name, n->beta);
    if (f->second_name[0] != 0)
        ow_set_float(*out, f->second_name, n->gamma);
    return RS_OK;
}

static rs_status write_unary(struct onnx_writer *w, const struct rs_node *n)
{
    static const char *const names[RS_OP_COUNT] = {
        [RS_OP_RELU] = "Relu", [RS_OP_LOGISTIC] = "Sigmoid", [RS_OP_TANH] = "Tanh", [RS_OP_HARD_SWISH] = "HardSwish",
        [RS_OP_LEAKY_RELU] = "LeakyRelu", [RS_OP_ERF] = "Erf", [RS_OP_EXP] = "Exp", [RS_OP_SQRT] = "Sqrt", [RS_OP_RSQRT] = "Reciprocal",
    };
    const struct onnx_layout layout = ow_lies(w, n->inputs[0]);
    const int out = n->outputs[0];
    struct ow_node *last;
    char *in;

    TRY(ow_take(w, n->inputs[0], &layout, &in));
    if (n->op == RS_OP_RSQRT)
        TRY(ow_step(w, out, "Sqrt", &in, 1, &in));
    if (n->op == RS_OP_FUNCTION)
        TRY(function(w, n, in, &last));
    else if (n->op == RS_OP_GELU)
        TRY(gelu(w, in, n->approximate, &last));
    else if (n->op == RS_OP_RELU6 || n->op == RS_OP_RELU_N1_TO_1)
        TRY(clip(w, out, in, n->op == RS_OP_RELU6 ? 0 : -1, n->op == RS_OP_RELU6 ? 6 : 1, &last));
    else
        TRY(ow_node(w, names[n->op], &in, 1, &last));
    if (n->op == RS_OP_LEAKY_RELU)
        ow_set_float(last, "alpha", n->beta);
    return ow_result(w, n, last, &layout);
}

/* ---- along an axis ---- */

static rs_status write_softmax(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout layout = ow_lies(w, n->inputs[0]);
    struct ow_node *last;
    char *in;

    TRY(ow_take(w, n->inputs[0], &layout, &in));
    if (n->beta != 1) {
        TRY(with_scalar(w, n->outputs[0], "Mul", in, n->beta, &last));
        TRY(ow_name(w, output_of(w, n)->name, "Mul", &last->output));
        in = last->output;
    }
    TRY(ow_node(w, "Softmax", &in, 1, &last));
    ow_set_int(last, "axis", layout.axis[layout.rank - 1]);
    return ow_result(w, n, last, &layout);
}

static rs_status write_mean(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout layout = ow_lies(w, n->inputs[0]);
    struct onnx_layout after = { .rank = 0 };
    bool reduced[RS_MAX_RANK] = { false };               /* by the value's axes */
    int64_t axes[RS_MAX_RANK];
    int count = 0;
    struct ow_node *last;
    char *in[2];

    for (int i = 0; i < n->n_axes; i++)
        reduced[layout.axis[n->axis[i]]] = true;
    for (int a = 0; a < layout.rank; a++)
        if (reduced[a])
            axes[count++] = a;
    for (int d = 0; d < layout.rank; d++) {
        int8_t kept = 0;

        if (reduced[layout.axis[d]] && !n->keep_dims)
            continue;
        for (int a = 0; a < layout.axis[d]; a++)
            kept = (int8_t)(kept + (n->keep_dims || !reduced[a]));
        after.axis[after.rank++] = kept;
    }
    TRY(ow_take(w, n->inputs[0], &layout, &in[0]));
    if (w->opset >= 18)
        TRY(ow_int64s(w, n->outputs[0], "axes", axes, count, &in[1]));
    TRY(ow_node(w, "ReduceMean", in, w->opset >= 18 ? 2 : 1, &last));
    if (w->opset < 18)
        ow_set_ints(last, "axes", axes, count);
    ow_set_int(last, "keepdims", n->keep_dims);
    return ow_result(w, n, last, &after);
}

static rs_status write_batch_norm(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout layout = onnx_channels_last(input_of(w, n, 0)->rank);
    struct ow_node *last;
    char *in[5];

    if (layout.rank < 2)
        return ow_refuse(w, n, "a tensor of rank %d, ONNX wants 2 or more", layout.rank);
    TRY(ow_take(w, n->inputs[0], &layout, &in[0]));
    for (int k = 1; k < 5; k++) {
        const struct onnx_layout plain = onnx_identity(input_of(w, n, k)->rank);

        if (plain.rank != 1)
            return ow_refuse(w, n, "operand %d has rank %d, ONNX wants 1", k, plain.rank);
        TRY(ow_take(w, n->inputs[k], &plain, &in[k]));
    }
    TRY(ow_node(w, "BatchNormalization", in, 5, &last));
    ow_set_float(last, "epsilon", n->epsilon);
    return ow_result(w, n, last, &layout);
}

static rs_status write_layer_norm(struct onnx_writer *w, const struct rs_node *n)
{
    const struct rs_tensor *x = input_of(w, n, 0);
    const struct onnx_layout plain = onnx_identity(x->rank);
    const int32_t count = x->dim[x->rank - 1];
    struct ow_node *last;
    char *in[3];
    int n_in = 2;

    TRY(ow_take(w, n->inputs[0], &plain, &in[0]));
    for (int k = 1; k < 3; k++) {
        const struct rs_tensor *t = input_of(w, n, k);
        const struct onnx_layout own = onnx_identity(t != NULL ? t->rank : 1);

        if (t == NULL && k == 2)
            continue;
        if (t == NULL) {                                 /* ONNX has no normalization without a gain */
            float *ones = ow_alloc(w, (size_t)count, sizeof *ones);

            if (ones == NULL)
                return RS_ERR_NOMEM;
            for (int32_t i = 0; i < count; i++)
                ones[i] = 1;
            TRY(ow_floats(w, n->outputs[0], "gain", ones, count, &in[k]));
            continue;
        }
        n_in = k + 1;
        TRY(ow_take(w, n->inputs[k], &own, &in[k]));
    }
    TRY(ow_node(w, "LayerNormalization", in, n_in, &last));
    ow_set_int(last, "axis", -1);
    ow_set_float(last, "epsilon", n->epsilon);
    return ow_result(w, n, last, &plain);
}

/* ---- moving elements ---- */

static bool same_quant(const struct rs_tensor *a, const struct rs_tensor *b)
{
    return a->type == RS_TYPE_F32 || (a->quant.channels == 1 && b->quant.channels == 1 && a->quant.scale[0] == b->quant.scale[0] && a->quant.zero_point[0] == b->quant.zero_point[0]);
}

static rs_status write_reshape(struct onnx_writer *w, const struct rs_node *n)
{
    const struct rs_tensor *x = input_of(w, n, 0), *y = output_of(w, n);
    const struct onnx_layout plain = onnx_identity(y->rank);
    struct ow_node *last;
    int64_t dim[RS_MAX_RANK];
    char *real, *codes, *shape;

    TRY(ow_take_in_order(w, n->inputs[0], &real, &codes));
    for (int i = 0; i < y->rank; i++)
        dim[i] = i == 0 && w->any_batch ? -1 : y->dim[i];
    TRY(ow_int64s(w, n->outputs[0], "shape", dim, y->rank, &shape));
    if (same_quant(x, y)) {
        TRY(ow_node(w, "Reshape", (char *[]){ real, shape }, 2, &last));
        return ow_result(w, n, last, &plain);
    }
    if (codes == NULL)
        return ow_refuse(w, n, "a constant whose codes mean something else after it");
    TRY(ow_step(w, n->outputs[0], "Reshape", (char *[]){ codes, shape }, 2, &codes));      /* the same codes mean something else */
    return ow_result_codes(w, n->outputs[0], codes, &plain);
}

static rs_status write_transpose(struct onnx_writer *w, const struct rs_node *n)
{
    const struct rs_tensor *x = input_of(w, n, 0), *y = output_of(w, n);
    const struct onnx_layout lies = ow_lies(w, n->inputs[0]);
    struct onnx_layout after = lies;
    char *real;

    TRY(ow_take(w, n->inputs[0], &lies, &real));         /* a constant is written now */
    if (same_quant(x, y)) {
        ow_alias(w, n->inputs[0], n->outputs[0], n->axis);
        return RS_OK;
    }
    for (int i = 0; i < lies.rank; i++)
        after.axis[i] = lies.axis[n->axis[i]];
    return ow_result_value(w, n->outputs[0], real, &after);
}

static rs_status write_concat(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout layout = common_layout(w, n);
    char **in = ow_alloc(w, (size_t)n->n_inputs, sizeof *in);
    struct ow_node *last;

    if (in == NULL)
        return RS_ERR_NOMEM;
    for (int k = 0; k < n->n_inputs; k++)
        TRY(ow_take(w, n->inputs[k], &layout, &in[k]));
    TRY(ow_node(w, "Concat", in, n->n_inputs, &last));
    ow_set_int(last, "axis", layout.axis[n->axis[0]]);
    return ow_result(w, n, last, &layout);
}

static rs_status write_slice(struct onnx_writer *w, const struct rs_node *n)
{
    const struct rs_tensor *x = input_of(w, n, 0);
    const struct onnx_layout layout = ow_lies(w, n->inputs[0]);
    int64_t start[RS_MAX_RANK], end[RS_MAX_RANK], axis[RS_MAX_RANK], step[RS_MAX_RANK];
    struct ow_node *last;
    char *in[5];
    int count = 0;

    for (int d = 0; d < x->rank; d++) {
        if (n->before[d] == 0 && n->after[d] == 1 && n->shape[d] == x->dim[d])
            continue;
        start[count] = n->before[d];
        end[count] = n->before[d] + (int64_t)n->shape[d] * n->after[d];
        if (end[count] < 0)
            end[count] = INT64_MIN / 2;                  /* down to the first element: -1 would be the last */
        axis[count] = layout.axis[d];
        step[count++] = n->after[d];
    }
    TRY(ow_take(w, n->inputs[0], &layout, &in[0]));
    if (count == 0) {
        TRY(ow_node(w, "Identity", in, 1, &last));
        return ow_result(w, n, last, &layout);
    }
    TRY(ow_int64s(w, n->outputs[0], "start", start, count, &in[1]));
    TRY(ow_int64s(w, n->outputs[0], "end", end, count, &in[2]));
    TRY(ow_int64s(w, n->outputs[0], "axes", axis, count, &in[3]));
    TRY(ow_int64s(w, n->outputs[0], "step", step, count, &in[4]));
    TRY(ow_node(w, "Slice", in, 5, &last));
    return ow_result(w, n, last, &layout);
}

static rs_status write_pad(struct onnx_writer *w, const struct rs_node *n)
{
    const struct rs_tensor *x = input_of(w, n, 0);
    const struct onnx_layout layout = ow_lies(w, n->inputs[0]);
    float value = n->pad_value;
    int64_t pads[2 * RS_MAX_RANK] = { 0 };
    struct ow_node *last;
    char *in[3];

    for (int d = 0; d < x->rank; d++) {
        pads[layout.axis[d]] = n->before[d];
        pads[x->rank + layout.axis[d]] = n->after[d];
    }
    TRY(ow_take(w, n->inputs[0], &layout, &in[0]));
    if (x->type != RS_TYPE_F32)
        value = x->quant.scale[0] * (float)(n->pad_code - x->quant.zero_point[0]);
    TRY(ow_int64s(w, n->outputs[0], "pads", pads, 2 * x->rank, &in[1]));
    TRY(ow_floats(w, n->outputs[0], "value", &value, 0, &in[2]));
    TRY(ow_node(w, "Pad", in, 3, &last));
    return ow_result(w, n, last, &layout);
}

bool ow_whole_multiple(const struct rs_tensor *x, const struct rs_tensor *y)
{
    return y->dim[1] % x->dim[1] == 0 && y->dim[2] % x->dim[2] == 0;
}

static rs_status write_resize(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout nhwc = onnx_channels_last(4);
    const struct rs_tensor *x = input_of(w, n, 0), *y = output_of(w, n);
    const bool whole = ow_whole_multiple(x, y);
    const float scales[4] = { 1, 1, (float)(y->dim[1] / x->dim[1]), (float)(y->dim[2] / x->dim[2]) };
    const int64_t sizes[4] = { y->dim[0], y->dim[3], y->dim[1], y->dim[2] };
    static char absent[1] = "";
    struct ow_node *last;
    char *in[4] = { NULL, absent, absent, NULL };

    TRY(ow_take(w, n->inputs[0], &nhwc, &in[0]));
    if (whole)
        TRY(ow_floats(w, n->outputs[0], "scales", scales, 4, &in[2]));
    else
        TRY(ow_int64s(w, n->outputs[0], "sizes", sizes, 4, &in[3]));
    TRY(ow_node(w, "Resize", in, whole ? 3 : 4, &last));
    ow_set_string(last, "mode", "nearest");
    ow_set_string(last, "coordinate_transformation_mode", n->align_corners ? "align_corners" : n->half_pixel ? "half_pixel" : "asymmetric");
    ow_set_string(last, "nearest_mode", n->align_corners || n->half_pixel ? "round_prefer_ceil" : "floor");
    return ow_result(w, n, last, &nhwc);
}

/* ---- all of them ---- */

/* To codes: of other codes' reals, or of reals. */
static rs_status write_quantize(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout layout = ow_lies(w, n->inputs[0]);
    char *real;

    TRY(ow_take(w, n->inputs[0], &layout, &real));
    return ow_result_value(w, n->outputs[0], real, &layout);
}

static rs_status write_dequantize(struct onnx_writer *w, const struct rs_node *n)
{
    const struct onnx_layout layout = ow_lies(w, n->inputs[0]);
    char *real;

    TRY(ow_take(w, n->inputs[0], &layout, &real));
    ow_alias(w, n->inputs[0], n->outputs[0], NULL);
    return RS_OK;
}

rs_status ow_write_node(struct onnx_writer *w, const struct rs_node *n)
{
    if (ow_type(output_of(w, n)->type) == OX_NONE)
        return ow_refuse(w, n, "its output is %s, only int8, int16 and float32 are written", rs_type_name(output_of(w, n)->type));
    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:   return write_convolution(w, n);
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D:        return write_pool(w, n);
    case RS_OP_FULLY_CONNECTED:    return write_fully_connected(w, n);
    case RS_OP_BATCH_MATMUL:       return write_batch_matmul(w, n);
    case RS_OP_ADD: case RS_OP_SUB: case RS_OP_MUL: case RS_OP_DIV: case RS_OP_MAXIMUM: case RS_OP_MINIMUM: case RS_OP_POW:
    case RS_OP_SQUARED_DIFFERENCE: return write_binary(w, n);
    case RS_OP_MEAN:               return write_mean(w, n);
    case RS_OP_SOFTMAX:            return write_softmax(w, n);
    case RS_OP_BATCH_NORM:         return write_batch_norm(w, n);
    case RS_OP_LAYER_NORM:         return write_layer_norm(w, n);
    case RS_OP_RESHAPE:            return write_reshape(w, n);
    case RS_OP_TRANSPOSE:          return write_transpose(w, n);
    case RS_OP_CONCAT:             return write_concat(w, n);
    case RS_OP_SLICE:              return write_slice(w, n);
    case RS_OP_PAD:                return write_pad(w, n);
    case RS_OP_RESIZE_NEAREST:     return write_resize(w, n);
    case RS_OP_QUANTIZE:           return write_quantize(w, n);
    case RS_OP_DEQUANTIZE:         return write_dequantize(w, n);
    case RS_OP_LOGISTIC: case RS_OP_TANH: case RS_OP_HARD_SWISH: case RS_OP_LEAKY_RELU: case RS_OP_RELU: case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1: case RS_OP_GELU: case RS_OP_ERF: case RS_OP_EXP: case RS_OP_SQRT: case RS_OP_RSQRT:
    case RS_OP_FUNCTION:           return write_unary(w, n);
    case RS_OP_COUNT:              break;
    }
    return ow_refuse(w, n, "no such operation");
}
