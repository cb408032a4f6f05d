/*
 * onnx_quantize.c - QuantizeLinear and DequantizeLinear, and how operators between them are found.
 *
 * A DequantizeLinear emits nothing until somebody wants real numbers.  An operator whose operands are such values, and
 * whose only reader is a QuantizeLinear, becomes one operation on codes; everything else runs in float32.
 */
#include <math.h>
#include <string.h>
#include "onnx_internal.h"

bool onnx_scalar_quant(const struct onnx_importer *im, int scale, int zero_point, struct onnx_quant *q)
{
    const struct onnx_constant *s = scale >= 0 ? im->values[scale].constant : NULL;
    const struct onnx_constant *z = zero_point >= 0 ? im->values[zero_point].constant : NULL;

    if (s == NULL || s->count != 1 || s->type != OX_FLOAT || (zero_point >= 0 && (z == NULL || z->count != 1)))
        return false;
    q->scale = (float)onnx_constant_real(s, 0);
    q->zero_point = z == NULL ? 0 : (int32_t)onnx_constant_int(z, 0);
    return isfinite(q->scale) && q->scale > 0;
}

bool onnx_dequantizes(const struct onnx_importer *im, int value, int *codes, struct onnx_quant *q)
{
    const struct onnx_value *v = &im->values[value];

    if (v->codes < 0 || !onnx_is_codes(&im->values[v->codes]) || !onnx_scalar_quant(im, v->scale, v->zero_point, q))
        return false;
    *codes = v->codes;
    return true;
}

static bool is(const struct onnx_node *n, const char *op)
{
    return n->op != NULL && !n->op->microsoft && strcmp(n->op->name, op) == 0;
}

/* What QuantizeLinear makes: the zero point's type, uint8 without one. */
static rs_status quantized_type(struct onnx_importer *im, const struct onnx_node *n, enum onnx_type *type)
{
    *type = onnx_has(n, 2) ? im->values[n->in[2]].type : (enum onnx_type)onnx_int(n, "output_dtype", OX_UINT8);
    if (*type != OX_UINT8 && *type != OX_INT8)
        return onnx_unsupported(im, "codes of %s, only int8 and uint8 are supported", onnx_type_name(*type));
    return RS_OK;
}

/* The activation that Relu, or Clip with these bounds, is; NONE: it is another function. */
static enum rs_activation activation_of(const struct onnx_importer *im, const struct onnx_node *n)
{
    const struct onnx_constant *low = onnx_has(n, 1) ? im->values[n->in[1]].constant : NULL;
    const struct onnx_constant *high = onnx_has(n, 2) ? im->values[n->in[2]].constant : NULL;
    double least, greatest;

    if (is(n, "Relu"))
        return RS_ACT_RELU;
    if (!is(n, "Clip") || (im->opset >= 11 && (low == NULL || high == NULL || low->count != 1 || high->count != 1)))
        return RS_ACT_NONE;
    least = im->opset < 11 ? (double)onnx_float(n, "min", 1) : onnx_constant_real(low, 0);
    greatest = im->opset < 11 ? (double)onnx_float(n, "max", 0) : onnx_constant_real(high, 0);
    return least == 0 && greatest == 6 ? RS_ACT_RELU6 : least == -1 && greatest == 1 ? RS_ACT_RELU_N1_TO_1 : RS_ACT_NONE;
}

enum onnx_type onnx_quantized_type(const struct onnx_importer *im, int out)
{
    const struct onnx_node *n = &im->nodes[im->values[out].producer];

    return onnx_has(n, 2) ? im->values[n->in[2]].type : OX_UINT8;
}

bool onnx_quantized_later(const struct onnx_importer *im, int value, int *out, struct onnx_quant *q, enum rs_activation *act)
{
    const struct onnx_value *v = &im->values[value];

    if (act != NULL)
        *act = RS_ACT_NONE;
    if (v->readers != 1 || v->is_output)
        return false;
    const struct onnx_node *n = &im->nodes[v->reader];

    if (act != NULL && n->n_out == 1 && activation_of(im, n) != RS_ACT_NONE) {
        *act = activation_of(im, n);
        value = n->out[0];
        v = &im->values[value];
        if (v->readers != 1 || v->is_output)
            return false;
        n = &im->nodes[v->reader];
    }
    if (!is(n, "QuantizeLinear") || n->n_in < 2 || n->n_out != 1 || n->in[0] != value ||
        !onnx_scalar_quant(im, n->in[1], onnx_has(n, 2) ? n->in[2] : -1, q))
        return false;
    const enum onnx_type type = onnx_quantized_type(im, n->out[0]);

    *out = n->out[0];
    return type == OX_UINT8 || type == OX_INT8;
}

void onnx_take_quantize(struct onnx_importer *im, int value, int out)
{
    while (value != out) {
        struct onnx_node *n = &im->nodes[im->values[value].reader];

        n->done = true;
        value = n->out[0];
        if (value == out)
            im->values[out].type = onnx_quantized_type(im, out);
    }
}

rs_status onnx_requantize(struct onnx_importer *im, int codes, struct onnx_quant from, int out, struct onnx_quant to)
{
    const struct onnx_value *v = &im->values[codes], *r = &im->values[out];
    struct onnx_layout layout = onnx_lies(im, codes);
    int in, tensor;

    if (v->type == r->type && from.scale == to.scale && from.zero_point == to.zero_point && v->constant == NULL) {
        int same[OX_MAX_RANK];

        if (v->flat_of >= 0 && v->n_layouts == 0) {      /* not made yet, and whoever reads it says what it means */
            im->values[out].flat_of = v->flat_of;
            return RS_OK;
        }
        TRY(onnx_codes(im, codes, &layout, from.scale, from.zero_point, &in));
        for (int i = 0; i < v->rank; i++)
            same[i] = i;
        return onnx_relabel(im, codes, out, same);
    }
    TRY(onnx_codes(im, codes, &layout, from.scale, from.zero_point, &in));
    TRY(onnx_codes_output(im, out, &layout, to.scale, to.zero_point, &tensor));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_QUANTIZE }, &in, 1, tensor);
}

/* A scale for each index of one axis: every slice on its own, then together again. */
static rs_status quantize_slices(struct onnx_importer *im, const struct onnx_node *n, int axis)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const struct onnx_constant *scale = im->values[n->in[1]].constant;
    const struct onnx_constant *zero = onnx_has(n, 2) ? im->values[n->in[2]].constant : NULL;
    const struct onnx_layout plain = onnx_identity(x->rank);
    const float one = 1;
    const int32_t none = im->values[n->out[0]].type == OX_UINT8 ? -128 : 0;
    enum { MOST = 4096 };
    int in, whole, *part;

    if (scale->count != x->dim[axis] || (zero != NULL && zero->count != scale->count) || scale->count > MOST)
        return onnx_malformed(im, "%lld scales along a dimension of %d", (long long)scale->count, x->dim[axis]);
    part = onnx_alloc(im, (uint64_t)scale->count, sizeof *part);
    if (part == NULL)
        return im->err->status;
    TRY(onnx_input(im, n->in[0], &plain, &in));
    for (int64_t i = 0; i < scale->count; i++) {
        struct rs_node slice = { .op = RS_OP_SLICE, .n_shape = x->rank }, view = { .op = RS_OP_RESHAPE, .n_shape = x->rank };
        const float s = (float)onnx_constant_real(scale, i);
        const int32_t zp = (zero == NULL ? 0 : (int32_t)onnx_constant_int(zero, i)) + none;
        int real, codes;

        for (int d = 0; d < x->rank; d++) {
            view.shape[d] = slice.shape[d] = d == axis ? 1 : x->dim[d];
            slice.after[d] = 1;
        }
        slice.before[axis] = (int32_t)i;
        TRY(onnx_tensor(im, x->name, RS_TYPE_F32, x->rank, slice.shape, NULL, 0, &real));
        TRY(onnx_emit(im, &slice, &in, 1, real));
        TRY(onnx_tensor(im, x->name, RS_TYPE_S8, x->rank, slice.shape, NULL, 0, &codes));
        TRY(rs_graph_set_quant(im->g, codes, 1, 0, &s, &zp, im->err));
        TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_QUANTIZE }, &real, 1, codes));
        TRY(onnx_tensor(im, x->name, RS_TYPE_S8, x->rank, slice.shape, NULL, 0, &part[i]));
        TRY(rs_graph_set_quant(im->g, part[i], 1, 0, &one, &none, im->err));
        TRY(onnx_emit(im, &view, &codes, 1, part[i]));
    }
    TRY(onnx_codes_output(im, n->out[0], &plain, 1, 0, &whole));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1, .axis = { axis } }, part, (int)scale->count, whole);
}

rs_status onnx_quantize_linear(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    struct onnx_quant from, to;
    enum onnx_type type;
    int codes, in, out;

    if (!onnx_has(n, 1) || im->values[n->in[1]].constant == NULL || (onnx_has(n, 2) && im->values[n->in[2]].constant == NULL))
        return onnx_unsupported(im, "its scale or zero point is computed at run time, only constants are supported");
    if (onnx_int(n, "block_size", 0) != 0)
        return onnx_unsupported(im, "a scale a block, one or one along an axis is supported");
    if (x->type != OX_FLOAT)
        return onnx_unsupported(im, "its input is %s, only float32 is supported", onnx_type_name(x->type));
    TRY(quantized_type(im, n, &type));
    TRY(onnx_define(im, n->out[0], type, x->rank, x->dim));
    if (!onnx_scalar_quant(im, n->in[1], onnx_has(n, 2) ? n->in[2] : -1, &to)) {
        int axis;

        TRY(onnx_axis(im, onnx_int(n, "axis", 1), x->rank, &axis));
        return quantize_slices(im, n, axis);
    }
    if (onnx_dequantizes(im, n->in[0], &codes, &from) && x->n_layouts == 0)
        return onnx_requantize(im, codes, from, n->out[0], to);
    const struct onnx_layout layout = onnx_lies(im, n->in[0]);

    TRY(onnx_input(im, n->in[0], &layout, &in));
    TRY(onnx_codes_output(im, n->out[0], &layout, to.scale, to.zero_point, &out));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_QUANTIZE }, &in, 1, out);
}

/* A vector along @axis of @rank dimensions, as a float constant. */
static rs_status vector(struct onnx_importer *im, const struct onnx_constant *c, int rank, int axis, int *tensor)
{
    int32_t dim[RS_MAX_RANK] = { 1, 1, 1, 1, 1 };
    float *data = onnx_alloc(im, (uint64_t)c->count, sizeof *data);

    if (data == NULL)
        return im->err->status;
    for (int64_t i = 0; i < c->count; i++)
        data[i] = (float)onnx_constant_real(c, i);
    dim[axis] = (int32_t)c->count;
    return onnx_tensor(im, "scales", RS_TYPE_F32, rank, dim, data, (size_t)c->count * sizeof *data, tensor);
}

/* (codes - zero_point) * scale, both vectors along one axis: exact, since the difference is. */
static rs_status dequantize_axis(struct onnx_importer *im, const struct onnx_node *n, int axis)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const struct onnx_constant *scale = im->values[n->in[1]].constant;
    const struct onnx_constant *zero = onnx_has(n, 2) ? im->values[n->in[2]].constant : NULL;
    const struct onnx_layout plain = onnx_identity(x->rank);
    int in, pair[2], out;

    if (scale->count != x->dim[axis] || (zero != NULL && zero->count != scale->count))
        return onnx_malformed(im, "%lld scales along a dimension of %d", (long long)scale->count, x->dim[axis]);
    TRY(onnx_codes(im, n->in[0], &plain, 1, 0, &in));
    TRY(onnx_tensor(im, x->name, RS_TYPE_F32, x->rank, x->dim, NULL, 0, &pair[0]));
    TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_DEQUANTIZE }, &in, 1, pair[0]));
    if (zero != NULL) {
        TRY(vector(im, zero, x->rank, axis, &pair[1]));
        TRY(onnx_tensor(im, x->name, RS_TYPE_F32, x->rank, x->dim, NULL, 0, &out));
        TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_SUB }, pair, 2, out));
        pair[0] = out;
    }
    TRY(vector(im, scale, x->rank, axis, &pair[1]));
    TRY(onnx_output(im, n->out[0], &plain, &out));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_MUL }, pair, 2, out);
}

rs_status onnx_dequantize_linear(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    struct onnx_value *y = &im->values[n->out[0]];
    struct onnx_quant q;
    int axis = 0;

    if (!onnx_has(n, 1) || im->values[n->in[1]].constant == NULL || (onnx_has(n, 2) && im->values[n->in[2]].constant == NULL))
        return onnx_unsupported(im, "its scale or zero point is computed at run time, only constants are supported");
    const bool scalar = onnx_scalar_quant(im, n->in[1], onnx_has(n, 2) ? n->in[2] : -1, &q);

    if (!scalar && x->rank > 0)
        TRY(onnx_axis(im, onnx_int(n, "axis", 1), x->rank, &axis));
    if (onnx_int(n, "block_size", 0) != 0)
        return onnx_unsupported(im, "a scale a block, one or one along an axis is supported");
    if (im->values[n->in[1]].type != OX_FLOAT)
        return onnx_unsupported(im, "a scale of %s, only float32 is supported", onnx_type_name(im->values[n->in[1]].type));
    if (x->constant == NULL && !onnx_is_codes(x))
        return onnx_unsupported(im, "its input is %s, only int8, uint8 and constants are supported", onnx_type_name(x->type));
    TRY(onnx_define(im, n->out[0], OX_FLOAT, x->rank, x->dim));
    if (x->constant == NULL && !scalar)
        return dequantize_axis(im, n, axis);
    y->codes = n->in[0];
    y->scale = n->in[1];
    y->zero_point = onnx_has(n, 2) ? n->in[2] : -1;
    y->axis = axis;
    return RS_OK;
}
