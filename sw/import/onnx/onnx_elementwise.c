/*
 * onnx_elementwise.c - functions of one or more elements, softmax, means, normalization.
 *
 * On codes, a function of one element is a table.  Means of codes are the graph's integer operation where it rounds as
 * the array does; a graph that rounds as ONNX does computes them in float32, as ONNX defines them.
 */
#include <float.h>
#include <math.h>
#include <string.h>
#include "onnx_internal.h"

/* ---- two or more operands ---- */

/* The layout in which the first operand of full rank lies that is not ONNX's order already. */
static struct onnx_layout common_layout(const struct onnx_importer *im, const int *value, int count, int rank)
{
    for (int i = 0; i < count; i++) {
        const struct onnx_value *v = &im->values[value[i]];
        const struct onnx_layout l = onnx_lies(im, value[i]), plain = onnx_identity(rank);

        if (v->rank == rank && v->constant == NULL && !onnx_same_layout(&l, &plain))
            return l;
    }
    return onnx_identity(rank);
}

static rs_status float_pair(struct onnx_importer *im, enum rs_op op, int a, int b, int out)
{
    const int operands[2] = { a, b };
    const struct onnx_value *v = &im->values[out];
    const struct onnx_layout layout = common_layout(im, operands, 2, v->rank);
    int in[2], tensor;

    TRY(onnx_operand(im, a, &layout, &in[0]));
    TRY(onnx_operand(im, b, &layout, &in[1]));
    for (int i = 0; i < 2; i++)
        if (im->g->tensors[in[i]].type != RS_TYPE_F32)
            return onnx_unsupported(im, "arithmetic on %s, only float32, and int8 and uint8 between QuantizeLinear and DequantizeLinear, are supported",
                                    onnx_type_name(im->values[operands[i]].type));
    TRY(onnx_output(im, out, &layout, &tensor));
    return onnx_emit(im, &(struct rs_node){ .op = op }, in, 2, tensor);
}

/* Add, Sub and Mul of codes in the graph's integers; *done false: not such operands. */
static rs_status integer_pair(struct onnx_importer *im, const struct onnx_node *n, enum rs_op op, bool *done)
{
    struct onnx_quant q[2], to;
    enum rs_activation act;
    int codes[2], target, in[2], tensor, rank;
    int32_t dim[OX_MAX_RANK];

    *done = false;
    if ((op != RS_OP_ADD && op != RS_OP_SUB && op != RS_OP_MUL) ||
        !onnx_dequantizes(im, n->in[0], &codes[0], &q[0]) || !onnx_dequantizes(im, n->in[1], &codes[1], &q[1]) ||
        !onnx_quantized_later(im, n->out[0], &target, &to, &act))
        return RS_OK;
    TRY(onnx_broadcast(im, &im->values[codes[0]], &im->values[codes[1]], &rank, dim));
    onnx_take_quantize(im, n->out[0], target);
    TRY(onnx_define(im, target, im->values[target].type, rank, dim));
    const struct onnx_layout layout = common_layout(im, codes, 2, rank);

    for (int i = 0; i < 2; i++) {
        TRY(onnx_operand(im, codes[i], &layout, &in[i]));
        const struct rs_tensor t = im->g->tensors[in[i]];
        const int32_t zp = q[i].zero_point - (im->values[codes[i]].type == OX_UINT8 ? 128 : 0);

        if (t.quant.scale[0] != q[i].scale || t.quant.zero_point[0] != zp) {
            const int from = in[i];
            struct rs_node view = { .op = RS_OP_RESHAPE, .n_shape = t.rank };

            memcpy(view.shape, t.dim, sizeof view.shape);
            TRY(onnx_tensor(im, t.name, RS_TYPE_S8, t.rank, t.dim, NULL, 0, &in[i]));
            TRY(rs_graph_set_quant(im->g, in[i], 1, 0, &q[i].scale, &zp, im->err));
            TRY(onnx_emit(im, &view, &from, 1, in[i]));
        }
    }
    TRY(onnx_codes_output(im, target, &layout, to.scale, to.zero_point, &tensor));
    *done = true;
    const bool u8 = im->values[target].type == OX_UINT8;

    return onnx_emit(im, &(struct rs_node){ .op = op, .act = act, .codes_u8 = u8 }, in, 2, tensor);
}

/* The greater or lesser of integers that are no codes of reals: each stands for itself. */
static rs_status bare_extremum(struct onnx_importer *im, const struct onnx_node *n, enum rs_op op)
{
    const struct onnx_value *a = &im->values[n->in[0]], *b = &im->values[n->in[1]];
    const struct onnx_layout own_a = onnx_identity(a->rank), own_b = onnx_identity(b->rank);
    struct onnx_layout layout;
    int32_t dim[OX_MAX_RANK];
    int rank, in[2], out;

    if (a->type != b->type)
        return onnx_malformed(im, "%s and %s", onnx_type_name(a->type), onnx_type_name(b->type));
    TRY(onnx_broadcast(im, a, b, &rank, dim));
    TRY(onnx_define(im, n->out[0], a->type, rank, dim));
    layout = onnx_identity(rank);
    TRY(onnx_codes(im, n->in[0], &own_a, 1, 0, &in[0]));
    TRY(onnx_codes(im, n->in[1], &own_b, 1, 0, &in[1]));
    TRY(onnx_codes_output(im, n->out[0], &layout, 1, 0, &out));
    return onnx_emit(im, &(struct rs_node){ .op = op }, in, 2, out);
}

rs_status onnx_binary(struct onnx_importer *im, struct onnx_node *n)
{
    static const struct { const char *name; enum rs_op op; } ops[] = {
        { "Add", RS_OP_ADD }, { "Sub", RS_OP_SUB }, { "Mul", RS_OP_MUL }, { "Div", RS_OP_DIV }, { "Max", RS_OP_MAXIMUM },
        { "Min", RS_OP_MINIMUM }, { "Sum", RS_OP_ADD }, { "Mean", RS_OP_ADD },
    };
    enum rs_op op = RS_OP_COUNT;
    int sum = n->n_in > 0 ? n->in[0] : -1;
    bool done = false;

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(ops[i].name, n->op->name) == 0)
            op = ops[i].op;
    for (int k = 0; k < n->n_in; k++)
        if (!onnx_has(n, k))
            return onnx_malformed(im, "operand %d is absent", k);
    if (n->n_in < 1)
        return onnx_malformed(im, "it has no operand");
    if (im->opset < 7 && onnx_int(n, "broadcast", 0) != 0)
        return onnx_unsupported(im, "the broadcast of operator sets before 7");
    if (n->n_in == 2)
        TRY(integer_pair(im, n, op, &done));
    if (done)
        return RS_OK;
    if (onnx_is_codes(&im->values[n->in[0]]) && n->n_in == 2 && (op == RS_OP_MAXIMUM || op == RS_OP_MINIMUM))
        return bare_extremum(im, n, op);
    for (int k = 0; k < n->n_in; k++)
        if (im->values[n->in[k]].type != OX_FLOAT)
            return onnx_unsupported(im, "arithmetic on %s, only float32, and int8 and uint8 between QuantizeLinear and DequantizeLinear, are supported",
                                    onnx_type_name(im->values[n->in[k]].type));
    const bool mean = strcmp(n->op->name, "Mean") == 0;
    const float share = 1.0f / (float)n->n_in;

    for (int k = 1; k < n->n_in; k++) {
        int32_t dim[OX_MAX_RANK];
        int rank, out = n->out[0];

        TRY(onnx_broadcast(im, &im->values[sum], &im->values[n->in[k]], &rank, dim));
        if (k == n->n_in - 1 && !mean)
            TRY(onnx_define(im, out, OX_FLOAT, rank, dim));
        else
            TRY(onnx_new_value(im, OX_FLOAT, rank, dim, &out));
        TRY(float_pair(im, op, sum, n->in[k], out));
        sum = out;
    }
    if (n->n_in > 1 && !mean)
        return RS_OK;
    TRY(onnx_define(im, n->out[0], OX_FLOAT, im->values[sum].rank, im->values[sum].dim));
    return onnx_function(im, sum, n->out[0], mean ? RS_FUNCTION_LINEAR : RS_FUNCTION_IDENTITY, share, 0);
}

/* ---- one operand ---- */

/* The graph's own operation for functions that it had before RS_OP_FUNCTION: the quantizer knows these. */
static enum rs_op own_op(enum rs_function f)
{
    switch (f) {
    case RS_FUNCTION_RELU:       return RS_OP_RELU;
    case RS_FUNCTION_SIGMOID:    return RS_OP_LOGISTIC;
    case RS_FUNCTION_TANH:       return RS_OP_TANH;
    case RS_FUNCTION_HARD_SWISH: return RS_OP_HARD_SWISH;
    case RS_FUNCTION_LEAKY_RELU: return RS_OP_LEAKY_RELU;
    case RS_FUNCTION_GELU: case RS_FUNCTION_GELU_TANH: return RS_OP_GELU;
    case RS_FUNCTION_ERF:        return RS_OP_ERF;
    case RS_FUNCTION_EXP:        return RS_OP_EXP;
    case RS_FUNCTION_SQRT:       return RS_OP_SQRT;
    default:                     return RS_OP_FUNCTION;
    }
}

rs_status onnx_function(struct onnx_importer *im, int from, int to, enum rs_function f, float a, float b)
{
    const struct onnx_layout layout = onnx_lies(im, from);
    struct rs_node n = { .op = own_op(f), .beta = a, .gamma = b, .function = f, .approximate = f == RS_FUNCTION_GELU_TANH };
    int in, out;

    if (im->values[from].type != OX_FLOAT)
        return onnx_unsupported(im, "a function of %s, only float32, and int8 and uint8 after DequantizeLinear, are supported",
                                onnx_type_name(im->values[from].type));
    if (f == RS_FUNCTION_CLIP && a == 0 && b == 6)
        n.op = RS_OP_RELU6;
    TRY(onnx_input(im, from, &layout, &in));
    TRY(onnx_output(im, to, &layout, &out));
    return onnx_emit(im, &n, &in, 1, out);
}

static rs_status bound(struct onnx_importer *im, const struct onnx_node *n, int k, const char *name, float absent, float *out)
{
    *out = onnx_float(n, name, absent);
    if (!onnx_has(n, k))
        return RS_OK;
    const struct onnx_constant *c = im->values[n->in[k]].constant;

    if (c == NULL || c->count != 1)
        return onnx_unsupported(im, "its '%s' (input %d) is computed at run time, only constants are supported", name, k);
    *out = (float)onnx_constant_real(c, 0);
    return RS_OK;
}

/* Operators that are functions of one element; names and defaults of their attributes. */
static const struct onnx_function functions[] = {
    { "HardSigmoid", RS_FUNCTION_HARD_SIGMOID, "alpha", "beta", 0.2f, 0.5f },
    { "LeakyRelu", RS_FUNCTION_LEAKY_RELU, "alpha", "", 0.01f, 0 },
    { "Elu", RS_FUNCTION_ELU, "alpha", "", 1, 0 },
    { "Selu", RS_FUNCTION_SELU, "alpha", "gamma", 1.67326319217681884765625f, 1.05070102214813232421875f },
    { "Celu", RS_FUNCTION_CELU, "alpha", "", 1, 0 },
    { "ThresholdedRelu", RS_FUNCTION_THRESHOLDED_RELU, "alpha", "", 1, 0 },
    { "Relu", RS_FUNCTION_RELU, "", "", 0, 0 }, { "Sigmoid", RS_FUNCTION_SIGMOID, "", "", 0, 0 },
    { "Tanh", RS_FUNCTION_TANH, "", "", 0, 0 }, { "HardSwish", RS_FUNCTION_HARD_SWISH, "", "", 0, 0 },
    { "Softplus", RS_FUNCTION_SOFTPLUS, "", "", 0, 0 }, { "Softsign", RS_FUNCTION_SOFTSIGN, "", "", 0, 0 },
    { "Abs", RS_FUNCTION_ABS, "", "", 0, 0 }, { "Neg", RS_FUNCTION_NEG, "", "", 0, 0 }, { "Sign", RS_FUNCTION_SIGN, "", "", 0, 0 },
    { "Reciprocal", RS_FUNCTION_RECIPROCAL, "", "", 0, 0 }, { "Ceil", RS_FUNCTION_CEIL, "", "", 0, 0 },
    { "Floor", RS_FUNCTION_FLOOR, "", "", 0, 0 }, { "Round", RS_FUNCTION_ROUND, "", "", 0, 0 }, { "Sqrt", RS_FUNCTION_SQRT, "", "", 0, 0 },
    { "Exp", RS_FUNCTION_EXP, "", "", 0, 0 }, { "Log", RS_FUNCTION_LOG, "", "", 0, 0 }, { "Erf", RS_FUNCTION_ERF, "", "", 0, 0 },
    { "Sin", RS_FUNCTION_SIN, "", "", 0, 0 }, { "Cos", RS_FUNCTION_COS, "", "", 0, 0 }, { "Tan", RS_FUNCTION_TAN, "", "", 0, 0 },
    { "Asin", RS_FUNCTION_ASIN, "", "", 0, 0 }, { "Acos", RS_FUNCTION_ACOS, "", "", 0, 0 }, { "Atan", RS_FUNCTION_ATAN, "", "", 0, 0 },
    { "Sinh", RS_FUNCTION_SINH, "", "", 0, 0 }, { "Cosh", RS_FUNCTION_COSH, "", "", 0, 0 }, { "Asinh", RS_FUNCTION_ASINH, "", "", 0, 0 },
    { "Acosh", RS_FUNCTION_ACOSH, "", "", 0, 0 }, { "Atanh", RS_FUNCTION_ATANH, "", "", 0, 0 }, { "Clip", RS_FUNCTION_CLIP, "", "", 0, 0 },
    { "Gelu", RS_FUNCTION_GELU, "", "", 0, 0 },
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

const struct onnx_function *onnx_function_of(enum rs_function f)
{
    if (f == RS_FUNCTION_SIGMOID_ONNX)                   /* the same function, in other bits */
        f = RS_FUNCTION_SIGMOID;
    for (int i = 0; i < FUNCTIONS; i++)
        if (functions[i].f == f)
            return &functions[i];
    return NULL;
}

/*
 * The graph's own operation on codes, whose bits are TensorFlow Lite's, unless the graph rounds as ONNX does; a function by its table where
 * the scales are not those that the operation is made for.
 */
static enum rs_op integer_op(const struct onnx_importer *im, enum rs_function f, float a, float b, int in, int out)
{
    const struct rs_tensor_quant *from = &im->g->tensors[in].quant, *to = &im->g->tensors[out].quant;
    const float ratio = from->scale[0] / to->scale[0];
    const bool same = ratio == 1 && from->zero_point[0] == to->zero_point[0], rescales = im->g->rounding != RS_ROUND_ONNX;
    struct rs_sigmoid_quant unused;

    if (f == RS_FUNCTION_RELU && same)
        return RS_OP_RELU;
    if (!rescales || !(ratio > 0x1p-20f && ratio < 0x1p20f))
        return RS_OP_FUNCTION;
    switch (f) {
    case RS_FUNCTION_RELU:
        return RS_OP_RELU;
    case RS_FUNCTION_CLIP:
        return a == 0 && b == 6 ? RS_OP_RELU6 : a == -1 && b == 1 ? RS_OP_RELU_N1_TO_1 : RS_OP_FUNCTION;
    case RS_FUNCTION_SIGMOID:
    case RS_FUNCTION_TANH: {
        const bool sigmoid = f == RS_FUNCTION_SIGMOID;

        if (to->scale[0] != (sigmoid ? 1.0f / 256 : 1.0f / 128) || to->zero_point[0] != (sigmoid ? -128 : 0) ||
            rs_sigmoid_quant_init(from->scale[0], from->zero_point[0], &unused, NULL) != RS_OK)
            return RS_OP_FUNCTION;
        return sigmoid ? RS_OP_LOGISTIC : RS_OP_TANH;
    }
    default:
        return RS_OP_FUNCTION;
    }
}

rs_status onnx_unary(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = onnx_has(n, 0) ? &im->values[n->in[0]] : NULL;
    enum rs_function f = RS_FUNCTION_COUNT;
    float a = 0, b = 0;
    struct onnx_quant from, to;
    int codes, target;

    if (x == NULL)
        return onnx_malformed(im, "its operand is absent");
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(functions[i].name, n->op->name) == 0) {
            f = functions[i].f;
            a = onnx_float(n, functions[i].first_name, functions[i].first);
            b = onnx_float(n, functions[i].second_name, functions[i].second);
        }
    if (f == RS_FUNCTION_CLIP) {
        TRY(bound(im, n, 1, "min", -FLT_MAX, &a));
        TRY(bound(im, n, 2, "max", FLT_MAX, &b));
    }
    if (f == RS_FUNCTION_SIGMOID && im->g->rounding == RS_ROUND_ONNX)
        f = RS_FUNCTION_SIGMOID_ONNX;
    if (f == RS_FUNCTION_GELU && onnx_string_is(n, "approximate", "tanh", "none"))
        f = RS_FUNCTION_GELU_TANH;
    if (onnx_dequantizes(im, n->in[0], &codes, &from) && onnx_quantized_later(im, n->out[0], &target, &to, NULL)) {
        const struct onnx_layout layout = onnx_lies(im, codes);
        int in, out;

        onnx_take_quantize(im, n->out[0], target);
        TRY(onnx_define(im, target, im->values[target].type, x->rank, x->dim));
        TRY(onnx_codes(im, codes, &layout, from.scale, from.zero_point, &in));
        TRY(onnx_codes_output(im, target, &layout, to.scale, to.zero_point, &out));
        const enum rs_op op = integer_op(im, f, a, b, in, out);

        return onnx_emit(im, op == RS_OP_FUNCTION ? &(struct rs_node){ .op = op, .function = f, .beta = a, .gamma = b }
                                                  : &(struct rs_node){ .op = op }, &in, 1, out);
    }
    if (onnx_is_codes(x) && (f == RS_FUNCTION_CLIP || f == RS_FUNCTION_RELU)) {      /* integers that stand for themselves */
        const struct onnx_layout layout = onnx_lies(im, n->in[0]);
        int in, out;

        TRY(onnx_define(im, n->out[0], x->type, x->rank, x->dim));
        TRY(onnx_codes(im, n->in[0], &layout, 1, 0, &in));
        TRY(onnx_codes_output(im, n->out[0], &layout, 1, 0, &out));
        return onnx_emit(im, &(struct rs_node){ .op = RS_OP_FUNCTION, .function = f, .beta = a, .gamma = b }, &in, 1, out);
    }
    TRY(onnx_define(im, n->out[0], OX_FLOAT, x->rank, x->dim));
    return onnx_function(im, n->in[0], n->out[0], f, a, b);
}

/* ---- softmax ---- */

/* TensorFlow Lite's softmax of codes, with the output's scale that it has. */
static rs_status softmax_of_codes(struct onnx_importer *im, const struct onnx_node *n, int axis, bool *done)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    struct rs_softmax_quant unused;
    struct onnx_layout layout;
    struct onnx_quant from, to;
    int codes, target, in, out;

    *done = false;
    if (im->g->rounding == RS_ROUND_ONNX || axis != x->rank - 1 || x->dim[axis] > 4095 || !onnx_dequantizes(im, n->in[0], &codes, &from) ||
        !onnx_quantized_later(im, n->out[0], &target, &to, NULL) || to.scale != 1.0f / 256 || to.zero_point != (onnx_quantized_type(im, target) == OX_UINT8 ? 0 : -128) ||
        rs_softmax_quant_init(1, from.scale, &unused, NULL) != RS_OK)
        return RS_OK;
    layout = onnx_lies(im, codes);
    if (layout.axis[x->rank - 1] != axis)
        layout = onnx_identity(x->rank);
    onnx_take_quantize(im, n->out[0], target);
    TRY(onnx_define(im, target, im->values[target].type, x->rank, x->dim));
    TRY(onnx_codes(im, codes, &layout, from.scale, from.zero_point, &in));
    TRY(onnx_codes_output(im, target, &layout, to.scale, to.zero_point, &out));
    *done = true;
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_SOFTMAX, .beta = 1, .n_axes = 1, .axis = { x->rank - 1 } }, &in, 1, out);
}

rs_status onnx_softmax(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    struct onnx_layout layout;
    int axis, in, out, from = n->in[0], to = n->out[0];
    bool done;

    if (x->type != OX_FLOAT || x->rank < 1 || x->rank > RS_MAX_RANK)
        return onnx_unsupported(im, "a softmax of rank %d of %s", x->rank, onnx_type_name(x->type));
    TRY(onnx_axis(im, onnx_int(n, "axis", im->opset < 13 ? 1 : -1), x->rank, &axis));
    TRY(softmax_of_codes(im, n, axis, &done));
    if (done)
        return RS_OK;
    TRY(onnx_define(im, to, OX_FLOAT, x->rank, x->dim));
    if (im->opset < 13 && axis != x->rank - 1) {         /* once over all dimensions from the axis on */
        int32_t dim[2] = { 1, 1 };

        for (int d = 0; d < x->rank; d++)
            dim[d >= axis] *= x->dim[d];
        TRY(onnx_new_value(im, OX_FLOAT, 2, dim, &from));
        TRY(onnx_reshape(im, n->in[0], from));
        TRY(onnx_new_value(im, OX_FLOAT, 2, dim, &to));
        axis = 1;
    }
    const int rank = im->values[from].rank;

    layout = onnx_lies(im, from);
    if (layout.axis[rank - 1] != axis) {
        layout = onnx_identity(rank);
        layout.axis[rank - 1] = (int8_t)axis;
        for (int d = axis; d < rank - 1; d++)
            layout.axis[d] = (int8_t)(d + 1);
    }
    TRY(onnx_input(im, from, &layout, &in));
    TRY(onnx_output(im, to, &layout, &out));
    TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_SOFTMAX, .beta = 1, .n_axes = 1, .axis = { rank - 1 } }, &in, 1, out));
    return to == n->out[0] ? RS_OK : onnx_reshape(im, to, n->out[0]);
}

/* ---- means ---- */

rs_status onnx_reduce(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const bool keep = onnx_int(n, "keepdims", 1) != 0;
    struct rs_node node = { .op = RS_OP_MEAN, .keep_dims = keep };
    struct onnx_layout layout, after;
    struct onnx_quant from, to;
    bool reduced[OX_MAX_RANK] = { false };
    int64_t axes[OX_MAX_RANK];
    int count, codes, target, in, out, rank = 0;
    int32_t dim[OX_MAX_RANK];

    TRY(onnx_ints(im, n, 1, "axes", axes, OX_MAX_RANK, &count));
    if (x->type != OX_FLOAT || x->rank > RS_MAX_RANK)
        return onnx_unsupported(im, "a mean of rank %d of %s, only float32 is supported", x->rank, onnx_type_name(x->type));
    for (int i = 0; i < count; i++) {
        int axis;

        TRY(onnx_axis(im, axes[i], x->rank, &axis));
        reduced[axis] = true;
    }
    if (count <= 0 && onnx_int(n, "noop_with_empty_axes", 0) != 0) {
        TRY(onnx_define(im, n->out[0], OX_FLOAT, x->rank, x->dim));
        return onnx_function(im, n->in[0], n->out[0], RS_FUNCTION_IDENTITY, 0, 0);
    }
    for (int d = 0; d < x->rank; d++) {
        reduced[d] |= count <= 0;
        if (!reduced[d] || keep)
            dim[rank++] = reduced[d] ? 1 : x->dim[d];
    }
    const bool integer = im->g->rounding != RS_ROUND_ONNX && onnx_dequantizes(im, n->in[0], &codes, &from) &&
                         onnx_quantized_later(im, n->out[0], &target, &to, NULL);

    layout = onnx_lies(im, n->in[0]);
    after = (struct onnx_layout){ .rank = 0 };
    for (int d = 0; d < x->rank; d++) {                  /* the graph's dimensions, in its order */
        const int axis = layout.axis[d];
        int kept = 0;

        if (reduced[axis])
            node.axis[node.n_axes++] = d;
        if (reduced[axis] && !keep)
            continue;
        for (int e = 0; e < axis; e++)
            kept += keep || !reduced[e];
        after.axis[after.rank++] = (int8_t)kept;
    }
    if (integer) {
        onnx_take_quantize(im, n->out[0], target);
        TRY(onnx_define(im, target, im->values[target].type, rank, dim));
        TRY(onnx_codes(im, codes, &layout, from.scale, from.zero_point, &in));
        TRY(onnx_codes_output(im, target, &after, to.scale, to.zero_point, &out));
    } else {
        TRY(onnx_define(im, n->out[0], OX_FLOAT, rank, dim));
        TRY(onnx_input(im, n->in[0], &layout, &in));
        TRY(onnx_output(im, n->out[0], &after, &out));
    }
    return onnx_emit(im, &node, &in, 1, out);
}

/* ---- normalization ---- */

/* Operand @k as a constant or computed vector of @count elements. */
static rs_status vector_operand(struct onnx_importer *im, const struct onnx_node *n, int k, int32_t count, int *tensor)
{
    const struct onnx_value *v = onnx_has(n, k) ? &im->values[n->in[k]] : NULL;
    int64_t elements = 1;

    if (v == NULL || v->type != OX_FLOAT)
        return onnx_unsupported(im, "operand %d is absent or not float32", k);
    for (int d = 0; d < v->rank; d++)
        elements *= v->dim[d];
    if (elements != count)
        return onnx_malformed(im, "operand %d has %lld elements, expected %d", k, (long long)elements, count);
    return onnx_input(im, n->in[k], NULL, tensor);
}

rs_status onnx_batch_norm(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const int rank = x->rank;
    const struct onnx_layout layout = onnx_channels_last(rank);
    int in[5], out;

    if (x->type != OX_FLOAT || rank < 2 || rank > RS_MAX_RANK)
        return onnx_unsupported(im, "rank %d of %s, rank 2 to %d of float32 is supported", rank, onnx_type_name(x->type), RS_MAX_RANK);
    if (onnx_int(n, "training_mode", 0) != 0 || onnx_int(n, "spatial", 1) == 0 || (im->opset < 7 && onnx_int(n, "is_test", 0) == 0))
        return onnx_unsupported(im, "training mode, or statistics of each element");
    for (int k = 1; k < n->n_out; k++)
        if (n->out[k] >= 0 && im->values[n->out[k]].readers > 0)
            return onnx_unsupported(im, "its output %d, a running statistic, is read", k);
    TRY(onnx_input(im, n->in[0], &layout, &in[0]));
    for (int k = 1; k < 5; k++)
        TRY(vector_operand(im, n, k, x->dim[1], &in[k]));
    TRY(onnx_define(im, n->out[0], OX_FLOAT, rank, x->dim));
    TRY(onnx_output(im, n->out[0], &layout, &out));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_BATCH_NORM, .epsilon = onnx_float(n, "epsilon", 1e-5f) }, in, 5, out);
}

/* The second and third output of LayerNormalization: mean and 1 / sqrt(variance + epsilon) of each of dim[0] rows. */
static rs_status statistics_of(struct onnx_importer *im, const struct onnx_node *n, int axis, int rows, const int32_t dim[2], float epsilon)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const struct rs_node mean = { .op = RS_OP_MEAN, .n_axes = 1, .axis = { 1 }, .keep_dims = true };
    const int32_t column[2] = { dim[0], 1 };
    const struct onnx_layout plain = onnx_identity(2);
    int32_t kept[OX_MAX_RANK];
    int value[2], pair[2] = { rows, -1 }, square, variance, sum, result;

    for (int d = 0; d < x->rank; d++)
        kept[d] = d < axis ? x->dim[d] : 1;
    TRY(onnx_new_value(im, OX_FLOAT, 2, column, &value[0]));
    TRY(onnx_new_value(im, OX_FLOAT, 2, column, &value[1]));
    TRY(onnx_output(im, value[0], &plain, &pair[1]));
    TRY(onnx_emit(im, &mean, &rows, 1, pair[1]));
    TRY(onnx_tensor(im, "squares", RS_TYPE_F32, 2, dim, NULL, 0, &square));
    TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_SQUARED_DIFFERENCE }, pair, 2, square));
    TRY(onnx_tensor(im, "variance", RS_TYPE_F32, 2, column, NULL, 0, &variance));
    TRY(onnx_emit(im, &mean, &square, 1, variance));
    TRY(onnx_tensor(im, "variance", RS_TYPE_F32, 2, column, NULL, 0, &sum));
    TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_FUNCTION, .function = RS_FUNCTION_LINEAR, .beta = 1, .gamma = epsilon }, &variance, 1, sum));
    TRY(onnx_output(im, value[1], &plain, &result));
    TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_RSQRT }, &sum, 1, result));
    for (int k = 1; k < 3 && k < n->n_out; k++) {
        if (n->out[k] < 0)
            continue;
        TRY(onnx_define(im, n->out[k], OX_FLOAT, x->rank, kept));
        TRY(onnx_reshape(im, value[k - 1], n->out[k]));
    }
    return RS_OK;
}

rs_status onnx_layer_norm(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    struct rs_node node = { .op = RS_OP_LAYER_NORM, .epsilon = onnx_float(n, "epsilon", 1e-5f) };
    int axis, in[3] = { -1, -1, -1 }, out, from = n->in[0], to = n->out[0], count = 1;
    int32_t dim[2] = { 1, 1 };

    if (x->type != OX_FLOAT || x->rank < 1 || x->rank > RS_MAX_RANK)
        return onnx_unsupported(im, "rank %d of %s, up to rank %d of float32 is supported", x->rank, onnx_type_name(x->type), RS_MAX_RANK);
    TRY(onnx_axis(im, onnx_int(n, "axis", -1), x->rank, &axis));
    for (int d = 0; d < x->rank; d++)
        dim[d >= axis] *= x->dim[d];
    TRY(onnx_define(im, to, OX_FLOAT, x->rank, x->dim));
    const bool statistics = (n->n_out > 1 && n->out[1] >= 0) || (n->n_out > 2 && n->out[2] >= 0);

    if (axis != x->rank - 1 || statistics) {
        TRY(onnx_new_value(im, OX_FLOAT, 2, dim, &from));
        TRY(onnx_reshape(im, n->in[0], from));
        TRY(onnx_new_value(im, OX_FLOAT, 2, dim, &to));
    }
    const struct onnx_layout plain = onnx_identity(im->values[from].rank);

    TRY(onnx_input(im, from, &plain, &in[0]));
    for (int k = 1; k < 3 && onnx_has(n, k); k++, count++)
        TRY(vector_operand(im, n, k, dim[1], &in[k]));
    TRY(onnx_output(im, to, &plain, &out));
    TRY(onnx_emit(im, &node, in, count, out));
    if (statistics)
        TRY(statistics_of(im, n, axis, in[0], dim, node.epsilon));
    return to == n->out[0] ? RS_OK : onnx_reshape(im, to, n->out[0]);
}

rs_status onnx_pow(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const struct onnx_constant *c = onnx_has(n, 1) ? im->values[n->in[1]].constant : NULL;

    if (!onnx_has(n, 1) || x->type != OX_FLOAT)
        return onnx_unsupported(im, "powers of %s, only of float32 are supported", onnx_type_name(x->type));
    if (c != NULL && c->count == 1 && c->rank <= x->rank) {
        TRY(onnx_define(im, n->out[0], x->type, x->rank, x->dim));
        return onnx_function(im, n->in[0], n->out[0], RS_FUNCTION_POW, (float)onnx_constant_real(c, 0), 0);
    }
    int power = n->in[1], rank;
    int32_t dim[OX_MAX_RANK];

    if (c != NULL && c->type != OX_FLOAT) {              /* whole powers, as reals */
        struct onnx_constant *real;

        TRY(onnx_constant_new(im, OX_FLOAT, c->rank, c->dim, &real));
        for (int64_t i = 0; i < c->count; i++)
            onnx_constant_set(real, i, 0, onnx_constant_real(c, i));
        TRY(onnx_new_value(im, OX_FLOAT, c->rank, c->dim, &power));
        onnx_define_constant(im, power, real);
    }
    TRY(onnx_broadcast(im, x, &im->values[power], &rank, dim));
    TRY(onnx_define(im, n->out[0], OX_FLOAT, rank, dim));
    return float_pair(im, RS_OP_POW, n->in[0], power, n->out[0]);
}

/* What onnx_fold() could not do. */
rs_status onnx_only_constant(struct onnx_importer *im, struct onnx_node *n)
{
    (void)n;
    return onnx_unsupported(im, "it is done on constants only, and an operand is computed at run time");
}
