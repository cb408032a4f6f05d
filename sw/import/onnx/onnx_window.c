/*
 * onnx_window.c - convolutions and pools: Conv, QLinearConv, MaxPool, AveragePool, the global ones.
 *
 * ONNX's ifmap is [N][C][H][W], its filter [M][C][R][S]; the graph's are [N][H][W][C] and [M][R][S][C], depthwise
 * [1][R][S][M].  One spatial dimension is a height of 1.
 */
#include <limits.h>
#include <math.h>
#include <string.h>
#include "onnx_internal.h"

/* ---- the window ---- */

static rs_status pair(struct onnx_importer *im, const struct onnx_node *n, const char *name, int spatial, int32_t absent, int32_t out[2])
{
    const Onnx__AttributeProto *a = onnx_attribute(n, name);

    out[0] = spatial == 1 && strcmp(name, "kernel_shape") != 0 ? 1 : absent;
    out[1] = absent;
    if (spatial == 1)
        out[0] = 1;
    if (a == NULL)
        return RS_OK;
    if (a->n_ints != (size_t)spatial)
        return onnx_malformed(im, "%s has %zu numbers for %d spatial dimensions", name, a->n_ints, spatial);
    for (int i = 0; i < spatial; i++) {
        if (a->ints[i] < 1 || a->ints[i] > 65535)
            return onnx_unsupported(im, "%s is %lld, 1 to 65535 are supported", name, (long long)a->ints[i]);
        out[2 - spatial + i] = (int32_t)a->ints[i];
    }
    return RS_OK;
}

/* Strides, dilations and pads; the kernel's extents and the ifmap's (spatial ones, two of each) are known. */
static rs_status read_window(struct onnx_importer *im, const struct onnx_node *n, int spatial, const int32_t kernel[2], const int32_t extent[2],
                             struct rs_node *w)
{
    const Onnx__AttributeProto *pads = onnx_attribute(n, "pads");
    int32_t stride[2], dilation[2];
    int64_t before[2] = { 0, 0 }, after[2] = { 0, 0 };

    TRY(pair(im, n, "strides", spatial, 1, stride));
    TRY(pair(im, n, "dilations", spatial, 1, dilation));
    if (onnx_string_is(n, "auto_pad", "NOTSET", "NOTSET")) {
        if (pads != NULL && pads->n_ints != 2 * (size_t)spatial)
            return onnx_malformed(im, "pads has %zu numbers for %d spatial dimensions", pads->n_ints, spatial);
        for (int i = 0; pads != NULL && i < spatial; i++) {
            before[2 - spatial + i] = pads->ints[i];
            after[2 - spatial + i] = pads->ints[spatial + i];
        }
    } else if (!onnx_string_is(n, "auto_pad", "VALID", "NOTSET")) {
        const bool lower = onnx_string_is(n, "auto_pad", "SAME_LOWER", "NOTSET");

        if (!lower && !onnx_string_is(n, "auto_pad", "SAME_UPPER", "NOTSET"))
            return onnx_malformed(im, "auto_pad is none of NOTSET, VALID, SAME_UPPER, SAME_LOWER");
        for (int i = 2 - spatial; i < 2; i++) {
            int32_t b, a;

            TRY(rs_conv_same_padding(extent[i], kernel[i], stride[i], dilation[i], &b, &a, im->err));
            before[i] = lower ? a : b;                   /* the odd one goes before */
            after[i] = lower ? b : a;
        }
    }
    for (int i = 0; i < 2; i++)
        if (before[i] < 0 || after[i] < 0 || before[i] > 65535 || after[i] > 65535)
            return onnx_unsupported(im, "pads %lld and %lld, 0 to 65535 are supported", (long long)before[i], (long long)after[i]);
    w->stride_h = stride[0], w->stride_w = stride[1];
    w->dilation_h = dilation[0], w->dilation_w = dilation[1];
    w->pad_top = (int32_t)before[0], w->pad_left = (int32_t)before[1];
    w->pad_bottom = (int32_t)after[0], w->pad_right = (int32_t)after[1];
    w->kernel_h = kernel[0], w->kernel_w = kernel[1];
    return RS_OK;
}

/* Output rows and columns; with ceil_mode the pads grow until the last window fits. */
static rs_status out_extents(struct onnx_importer *im, const int32_t extent[2], bool ceil_mode, struct rs_node *w, int32_t out[2])
{
    for (int i = 0; i < 2; i++) {
        const int32_t kernel = i == 0 ? w->kernel_h : w->kernel_w, stride = i == 0 ? w->stride_h : w->stride_w;
        const int32_t dilation = i == 0 ? w->dilation_h : w->dilation_w, before = i == 0 ? w->pad_top : w->pad_left;
        int32_t *after = i == 0 ? &w->pad_bottom : &w->pad_right;
        int64_t e = rs_conv_out_extent(extent[i], kernel, stride, dilation, before, *after);
        const int64_t rest = (int64_t)extent[i] + before + *after - ((int64_t)(kernel - 1) * dilation + 1) - (e - 1) * stride;

        if (ceil_mode && e >= 1 && rest > 0 && e * stride < (int64_t)extent[i] + before) {
            *after += (int32_t)(stride - rest);          /* the last window starts inside: it is one more */
            e++;
        }
        if (e < 1 || e > INT32_MAX)
            return onnx_malformed(im, "the %dx%d window is larger than the %dx%d ifmap with its pads", w->kernel_h, w->kernel_w, extent[0], extent[1]);
        out[i] = (int32_t)e;
    }
    return RS_OK;
}

/* The value with a height of 1 if it has one spatial dimension only. */
static rs_status as_2d(struct onnx_importer *im, int value, int *wide)
{
    const struct onnx_value *v = &im->values[value];

    *wide = value;
    if (v->rank == 4)
        return RS_OK;
    if (v->rank != 3)
        return onnx_unsupported(im, "a tensor of rank %d: one or two spatial dimensions are supported", v->rank);
    TRY(onnx_new_value(im, v->type, 4, (int32_t[]){ v->dim[0], v->dim[1], 1, v->dim[2] }, wide));
    im->values[*wide].hint_scale = v->hint_scale;
    im->values[*wide].hint_zero_point = v->hint_zero_point;
    return onnx_reshape(im, value, *wide);
}

/* The value to make with a height of 1 in place of @out, and its dims. */
static rs_status out_2d(struct onnx_importer *im, int out, enum onnx_type type, int rank, const int32_t dim[4], int *wide)
{
    *wide = out;
    if (rank == 4)
        return onnx_define(im, out, type, 4, dim);
    TRY(onnx_define(im, out, type, 3, (int32_t[]){ dim[0], dim[1], dim[3] }));
    return onnx_new_value(im, type, 4, dim, wide);
}

static rs_status back_to_1d(struct onnx_importer *im, int wide, int out)
{
    return wide == out ? RS_OK : onnx_reshape(im, wide, out);
}

/* ---- convolution ---- */

struct convolution {
    int x, out;                      /* values of rank 4                                             */
    struct rs_node window;
    int32_t groups, M, C, R, S;      /* C: channels of the filter, the ifmap's over groups           */
    /* Float: */
    int filter, bias;                /* values; bias -1 absent                                       */
    /* Integer: */
    const struct onnx_constant *codes;
    struct onnx_scales { const struct onnx_constant *scale, *zero_point; } w;
    const int32_t *bias_codes;       /* [M] or NULL                                                  */
    struct onnx_quant in, to;
};

static float scale_of(const struct onnx_constant *c, int64_t m)
{
    return (float)onnx_constant_real(c, c->count > 1 ? m : 0);
}

static int64_t tap(const struct convolution *c, int64_t m, int64_t i)
{
    const struct onnx_constant *z = c->w.zero_point;
    const int64_t taps = c->codes->count / c->M;

    return onnx_constant_int(c->codes, m * taps + i) - (z == NULL ? 0 : onnx_constant_int(z, z->count > 1 ? m : 0));
}

/*
 * The filter of output channels [first, first + count) as the graph wants it.  Codes less their zero point that need 9 bits (uint8 filters
 * whose zero point is not 128) are the sum of two: the second half of twice as many input channels.
 */
static rs_status filter_tensor(struct onnx_importer *im, const struct convolution *c, int32_t first, int32_t count, bool depthwise, bool wide, int *tensor)
{
    const int32_t C = wide ? 2 * c->C : c->C, RS = c->R * c->S;
    const int32_t dim[4] = { depthwise ? 1 : count, c->R, c->S, depthwise ? count : C };
    int8_t *data = onnx_alloc(im, (uint64_t)count * (uint64_t)C * (uint64_t)RS, 1);
    float *scale = onnx_alloc(im, (uint64_t)count, sizeof *scale);

    if (data == NULL || scale == NULL)
        return im->err->status;
    for (int64_t m = 0; m < count; m++)
        for (int64_t ch = 0; ch < c->C; ch++)
            for (int64_t rs = 0; rs < RS; rs++) {
                const int64_t w = tap(c, first + m, ch * RS + rs), low = w < -128 ? -128 : w > 127 ? 127 : w;

                if (depthwise)
                    data[rs * count + m] = (int8_t)w;
                else
                    data[(m * RS + rs) * C + ch] = (int8_t)low;
                if (wide)
                    data[(m * RS + rs) * C + c->C + ch] = (int8_t)(w - low);
            }
    const int channels = c->w.scale->count > 1 ? count : 1;

    for (int m = 0; m < channels; m++)
        scale[m] = scale_of(c->w.scale, first + m);
    TRY(onnx_tensor(im, "filter", RS_TYPE_S8, 4, dim, data, (size_t)count * (size_t)C * (size_t)RS, tensor));
    return rs_graph_set_quant(im->g, *tensor, channels, depthwise ? 3 : 0, scale, NULL, im->err);
}

static rs_status emit_integer(struct onnx_importer *im, struct convolution *c)
{
    const struct onnx_layout nhwc = onnx_channels_last(4);
    const struct onnx_value *v = &im->values[c->x];
    const int32_t group_m = c->M / c->groups;
    const bool depthwise = c->groups > 1 && c->C == 1;
    const int parts = depthwise ? 1 : c->groups;
    bool wide = false;
    int x, out, *part = onnx_alloc(im, (uint64_t)parts, sizeof *part);

    if (part == NULL)
        return im->err->status;
    for (int32_t m = 0; m < c->M; m++)
        for (int64_t i = 0; i < c->codes->count / c->M; i++)
            wide |= tap(c, m, i) < -128 || tap(c, m, i) > 127;
    if (wide && depthwise)
        return onnx_unsupported(im, "a depthwise filter whose codes less its zero point need 9 bits; quantize filters symmetrically");
    TRY(onnx_codes(im, c->x, &nhwc, c->in.scale, c->in.zero_point, &x));
    TRY(onnx_codes_output(im, c->out, &nhwc, c->to.scale, c->to.zero_point, &out));
    const struct rs_tensor to = im->g->tensors[out], from = im->g->tensors[x];

    for (int g = 0; g < parts; g++) {
        const int32_t first = g * group_m, count = depthwise ? c->M : group_m;
        int in[3] = { x, -1, -1 }, y = out;

        if (parts > 1) {
            struct rs_node slice = { .op = RS_OP_SLICE, .n_shape = 4, .after = { 1, 1, 1, 1 },
                                     .shape = { from.dim[0], from.dim[1], from.dim[2], c->C }, .before = { 0, 0, 0, g * c->C } };

            TRY(onnx_tensor(im, v->name, RS_TYPE_S8, 4, slice.shape, NULL, 0, &in[0]));
            TRY(rs_graph_set_quant(im->g, in[0], 1, 0, &c->in.scale, from.quant.zero_point, im->err));
            TRY(onnx_emit(im, &slice, &x, 1, in[0]));
            TRY(onnx_tensor(im, to.name, RS_TYPE_S8, 4, (int32_t[]){ to.dim[0], to.dim[1], to.dim[2], count }, NULL, 0, &y));
            TRY(rs_graph_set_quant(im->g, y, 1, 0, to.quant.scale, to.quant.zero_point, im->err));
        }
        if (wide) {
            const int twice[2] = { in[0], in[0] };
            int both;

            TRY(onnx_tensor(im, v->name, RS_TYPE_S8, 4, (int32_t[]){ from.dim[0], from.dim[1], from.dim[2], 2 * c->C }, NULL, 0, &both));
            TRY(rs_graph_set_quant(im->g, both, 1, 0, &c->in.scale, from.quant.zero_point, im->err));
            TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1, .axis = { 3 } }, twice, 2, both));
            in[0] = both;
        }
        TRY(filter_tensor(im, c, first, count, depthwise, wide, &in[1]));
        if (c->bias_codes != NULL)
            TRY(onnx_tensor(im, "bias", RS_TYPE_S32, 1, &count, c->bias_codes + first, (size_t)count * sizeof(int32_t), &in[2]));
        c->window.op = depthwise ? RS_OP_DEPTHWISE_CONV2D : RS_OP_CONV2D;
        TRY(onnx_emit(im, &c->window, in, c->bias_codes != NULL ? 3 : 2, y));
        part[g] = y;
    }
    if (parts == 1)
        return RS_OK;
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1, .axis = { 3 } }, part, parts, out);
}

/* @tensor from @begin on along @axis, @size elements. */
static rs_status slice_float(struct onnx_importer *im, int tensor, int axis, int32_t begin, int32_t size, int *out)
{
    const struct rs_tensor t = im->g->tensors[tensor];
    struct rs_node n = { .op = RS_OP_SLICE, .n_shape = t.rank };

    for (int d = 0; d < t.rank; d++) {
        n.shape[d] = d == axis ? size : t.dim[d];
        n.after[d] = 1;
    }
    n.before[axis] = begin;
    TRY(onnx_tensor(im, t.name, t.type, t.rank, n.shape, NULL, 0, out));
    return onnx_emit(im, &n, &tensor, 1, *out);
}

static rs_status emit_float(struct onnx_importer *im, struct convolution *c)
{
    const struct onnx_layout nhwc = onnx_channels_last(4), filter = { 4, { 0, 2, 3, 1 } }, depthwise_filter = { 4, { 1, 2, 3, 0 } };
    const bool depthwise = c->groups > 1 && c->C == 1;
    const int parts = depthwise ? 1 : c->groups;
    const int32_t group_m = c->M / c->groups;
    int in[3] = { -1, -1, -1 }, out, *part = onnx_alloc(im, (uint64_t)parts, sizeof *part);

    if (part == NULL)
        return im->err->status;
    TRY(onnx_input(im, c->x, &nhwc, &in[0]));
    TRY(onnx_input(im, c->filter, depthwise ? &depthwise_filter : &filter, &in[1]));
    if (c->bias >= 0)
        TRY(onnx_input(im, c->bias, NULL, &in[2]));
    TRY(onnx_output(im, c->out, &nhwc, &out));
    c->window.op = depthwise ? RS_OP_DEPTHWISE_CONV2D : RS_OP_CONV2D;
    if (parts == 1)
        return onnx_emit(im, &c->window, in, c->bias >= 0 ? 3 : 2, out);
    for (int g = 0; g < parts; g++) {
        int operand[3] = { -1, -1, -1 };
        const struct rs_tensor to = im->g->tensors[out];

        TRY(slice_float(im, in[0], 3, g * c->C, c->C, &operand[0]));
        TRY(slice_float(im, in[1], 0, g * group_m, group_m, &operand[1]));
        if (c->bias >= 0)
            TRY(slice_float(im, in[2], 0, g * group_m, group_m, &operand[2]));
        TRY(onnx_tensor(im, to.name, RS_TYPE_F32, 4, (int32_t[]){ to.dim[0], to.dim[1], to.dim[2], group_m }, NULL, 0, &part[g]));
        TRY(onnx_emit(im, &c->window, operand, c->bias >= 0 ? 3 : 2, part[g]));
    }
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1, .axis = { 3 } }, part, parts, out);
}

/* A bias as int32 of scale s_in * s_filter: constant codes of that scale, or constant reals. */
rs_status onnx_bias_codes(struct onnx_importer *im, int value, int32_t m, float s_in, const struct onnx_constant *s_filter, const int32_t **out)
{
    const struct onnx_value *v = &im->values[value];
    const struct onnx_constant *codes = v->codes >= 0 ? im->values[v->codes].constant : v->constant;
    const struct onnx_constant *scale = v->codes >= 0 ? im->values[v->scale].constant : NULL;
    int32_t *bias = onnx_alloc(im, (uint64_t)m, sizeof *bias);

    if (bias == NULL)
        return im->err->status;
    if (codes == NULL || codes->count != m || (scale != NULL && scale->count != 1 && scale->count != m))
        return onnx_unsupported(im, "a bias that is not %d constants", m);
    for (int32_t i = 0; i < m; i++) {
        const double unit = (double)s_in * (double)scale_of(s_filter, i);
        double real = onnx_constant_real(codes, i);

        if (scale != NULL && fabs((double)scale_of(scale, i) - unit) > unit * 1e-3)
            real *= (double)scale_of(scale, i) / unit;   /* codes of another scale */
        else if (codes->type == OX_FLOAT)
            real /= unit;
        real = rint(real);
        if (!(fabs(real) <= INT32_MAX))
            return onnx_unsupported(im, "bias %d is %g codes, which is no int32", i, real);
        bias[i] = (int32_t)real;
    }
    *out = bias;
    return RS_OK;
}

/* The operands of the integer form, if it is one: QLinearConv, or Conv between DequantizeLinear and QuantizeLinear. */
static rs_status integer_operands(struct onnx_importer *im, const struct onnx_node *n, struct convolution *c, int *target, bool *integer)
{
    const bool qlinear = strcmp(n->op->name, "QLinearConv") == 0;
    const struct onnx_value *w = &im->values[n->in[qlinear ? 3 : 1]];
    int x = n->in[0];

    *integer = false;
    *target = n->out[0];
    if (qlinear) {
        for (int k = 0; k < 8; k++)
            if (!onnx_has(n, k) || (k != 0 && im->values[n->in[k]].constant == NULL))
                return onnx_unsupported(im, "input %d is not constant, only the ifmap may be", k);
        if (!onnx_scalar_quant(im, n->in[1], n->in[2], &c->in) || !onnx_scalar_quant(im, n->in[6], n->in[7], &c->to))
            return onnx_unsupported(im, "the ifmap's or ofmap's scale is not one number > 0");
        c->codes = w->constant;
        c->w.scale = im->values[n->in[4]].constant;
        c->w.zero_point = im->values[n->in[5]].constant;
        if (onnx_has(n, 8))
            TRY(onnx_bias_codes(im, n->in[8], c->M, c->in.scale, c->w.scale, &c->bias_codes));
    } else {
        if (!onnx_dequantizes(im, c->x, &x, &c->in) || w->codes < 0 || im->values[w->codes].constant == NULL ||
            !onnx_quantized_later(im, n->out[0], target, &c->to, &c->window.act))
            return RS_OK;
        c->codes = im->values[w->codes].constant;
        c->w.scale = im->values[w->scale].constant;
        c->w.zero_point = w->zero_point >= 0 ? im->values[w->zero_point].constant : NULL;
        if ((c->w.scale->count > 1 && w->axis != 0) || (c->codes->type != OX_INT8 && c->codes->type != OX_UINT8))
            return RS_OK;
        if (onnx_has(n, 2)) {
            const struct onnx_value *b = &im->values[n->in[2]];

            if (b->constant == NULL && (b->codes < 0 || im->values[b->codes].constant == NULL))
                return RS_OK;
            TRY(onnx_bias_codes(im, n->in[2], c->M, c->in.scale, c->w.scale, &c->bias_codes));
        }
        c->x = x;
    }
    if ((c->w.scale->count != 1 && c->w.scale->count != c->M) ||
        (c->w.zero_point != NULL && c->w.zero_point->count != 1 && c->w.zero_point->count != c->M))
        return onnx_malformed(im, "%lld filter scales for M=%d", (long long)c->w.scale->count, c->M);
    *integer = true;
    return RS_OK;
}

rs_status onnx_conv(struct onnx_importer *im, struct onnx_node *n)
{
    const bool qlinear = strcmp(n->op->name, "QLinearConv") == 0;
    struct convolution c = { .x = n->in[0], .bias = -1 };
    bool integer;
    int target;

    if (!onnx_has(n, qlinear ? 3 : 1))
        return onnx_malformed(im, "it has no filter");
    c.filter = n->in[qlinear ? 3 : 1];
    const struct onnx_value *x = &im->values[c.x], *w = &im->values[c.filter];
    const int spatial = x->rank - 2, rank = x->rank;

    if ((spatial != 1 && spatial != 2) || w->rank != rank)
        return onnx_unsupported(im, "an ifmap of rank %d and a filter of rank %d: one or two spatial dimensions are supported", x->rank, w->rank);
    const int64_t groups = onnx_int(n, "group", 1);

    c.M = w->dim[0];
    c.C = w->dim[1];
    c.R = spatial == 2 ? w->dim[2] : 1;
    c.S = w->dim[rank - 1];
    if (groups < 1 || x->dim[1] != groups * c.C || c.M % groups != 0)
        return onnx_malformed(im, "the ifmap has C=%d, the filter %dx%d with %lld groups", x->dim[1], c.M, c.C, (long long)groups);
    c.groups = (int32_t)groups;
    const int32_t kernel[2] = { c.R, c.S }, extent[2] = { spatial == 2 ? x->dim[2] : 1, x->dim[rank - 1] };
    int32_t out[2];

    TRY(read_window(im, n, spatial, kernel, extent, &c.window));
    TRY(out_extents(im, extent, false, &c.window, out));
    const int32_t dim[4] = { x->dim[0], c.M, out[0], out[1] };

    TRY(integer_operands(im, n, &c, &target, &integer));
    if (integer) {
        const enum onnx_type type = qlinear ? im->values[n->in[7]].type : OX_NONE;

        if (!qlinear)
            onnx_take_quantize(im, n->out[0], target);
        TRY(out_2d(im, target, qlinear ? type : im->values[target].type, rank, dim, &c.out));
        TRY(as_2d(im, c.x, &c.x));
        TRY(emit_integer(im, &c));
        return back_to_1d(im, c.out, target);
    }
    c.window.act = RS_ACT_NONE;
    c.bias = onnx_has(n, 2) ? n->in[2] : -1;
    TRY(out_2d(im, n->out[0], OX_FLOAT, rank, dim, &c.out));
    TRY(as_2d(im, c.x, &c.x));
    if (spatial == 1) {
        int wide;

        TRY(onnx_new_value(im, w->type, 4, (int32_t[]){ c.M, c.C, 1, c.S }, &wide));
        if (w->constant != NULL) {
            struct onnx_constant *copy = onnx_alloc(im, 1, sizeof *copy);

            if (copy == NULL)
                return im->err->status;
            *copy = *w->constant;
            copy->rank = 4;
            memcpy(copy->dim, im->values[wide].dim, 4 * sizeof copy->dim[0]);
            onnx_define_constant(im, wide, copy);
        } else {
            TRY(onnx_reshape(im, c.filter, wide));
        }
        c.filter = wide;
    }
    TRY(emit_float(im, &c));
    return back_to_1d(im, c.out, n->out[0]);
}

/* ---- pools ---- */

/* Pads that count as values: they become a PAD of the ifmap. */
static rs_status pad_explicitly(struct onnx_importer *im, struct rs_node *w, int *tensor)
{
    const struct rs_tensor t = im->g->tensors[*tensor];
    struct rs_node pad = { .op = RS_OP_PAD, .before = { 0, w->pad_top, w->pad_left, 0 }, .after = { 0, w->pad_bottom, w->pad_right, 0 } };
    const int32_t dim[4] = { t.dim[0], t.dim[1] + w->pad_top + w->pad_bottom, t.dim[2] + w->pad_left + w->pad_right, t.dim[3] };
    const int from = *tensor;

    TRY(onnx_tensor(im, t.name, t.type, 4, dim, NULL, 0, tensor));
    if (t.type == RS_TYPE_S8) {
        pad.pad_code = t.quant.zero_point[0];
        TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, t.quant.scale, t.quant.zero_point, im->err));
    }
    w->pad_top = w->pad_bottom = w->pad_left = w->pad_right = 0;
    return onnx_emit(im, &pad, &from, 1, *tensor);
}

/* A mean of codes that stays at their scale: the array's pool, which rounds as TensorFlow Lite does. */
static bool pooled_as_codes(const struct onnx_importer *im, const struct onnx_node *n, int *codes, struct onnx_quant *q, int *target,
                            enum rs_activation *act)
{
    struct onnx_quant to;

    if (im->g->rounding == RS_ROUND_ONNX || !onnx_dequantizes(im, n->in[0], codes, q) || !onnx_quantized_later(im, n->out[0], target, &to, act) ||
        q->scale != to.scale || q->zero_point != to.zero_point)
        return false;
    return im->values[*codes].type == onnx_quantized_type(im, *target);
}

rs_status onnx_pool(struct onnx_importer *im, struct onnx_node *n)
{
    const bool average = strcmp(n->op->name, "AveragePool") == 0;
    const struct onnx_layout nhwc = onnx_channels_last(4);
    const struct onnx_value *x = &im->values[n->in[0]];
    const int spatial = x->rank - 2, rank = x->rank;
    struct rs_node w = { .op = average ? RS_OP_AVERAGE_POOL_2D : RS_OP_MAX_POOL_2D };
    const bool ceil_mode = onnx_int(n, "ceil_mode", 0) != 0, count_pads = average && onnx_int(n, "count_include_pad", 0) != 0;
    int32_t kernel[2], out[2];
    struct onnx_quant q;
    int from, to, in, wide, tensor, codes, target;

    if (n->n_out > 1 && n->out[1] >= 0 && im->values[n->out[1]].readers > 0)
        return onnx_unsupported(im, "its second output, the indices, is not supported");
    if (spatial != 1 && spatial != 2)
        return onnx_unsupported(im, "an ifmap of rank %d: one or two spatial dimensions are supported", x->rank);
    if (onnx_attribute(n, "kernel_shape") == NULL)
        return onnx_malformed(im, "it has no kernel_shape");
    TRY(pair(im, n, "kernel_shape", spatial, 1, kernel));
    const int32_t extent[2] = { spatial == 2 ? x->dim[2] : 1, x->dim[rank - 1] };

    TRY(read_window(im, n, spatial, kernel, extent, &w));
    const bool padded = w.pad_top + w.pad_left + w.pad_bottom + w.pad_right > 0;

    if (w.dilation_h != 1 || w.dilation_w != 1)
        return onnx_unsupported(im, "dilations %d and %d, pools are done without", w.dilation_h, w.dilation_w);
    if (count_pads && ceil_mode && padded)
        return onnx_unsupported(im, "count_include_pad together with ceil_mode");
    TRY(out_extents(im, extent, ceil_mode, &w, out));
    const int32_t dim[4] = { x->dim[0], x->dim[1], out[0], out[1] };
    const int32_t narrow[4] = { dim[0], dim[1], spatial == 2 ? dim[2] : dim[3], dim[3] };

    if (average && !(count_pads && padded) && pooled_as_codes(im, n, &codes, &q, &target, &w.act)) {
        onnx_take_quantize(im, n->out[0], target);
        TRY(out_2d(im, target, im->values[target].type, rank, dim, &wide));
        TRY(as_2d(im, codes, &from));
        TRY(onnx_codes(im, from, &nhwc, q.scale, q.zero_point, &in));
        TRY(onnx_codes_output(im, wide, &nhwc, q.scale, q.zero_point, &tensor));
        TRY(onnx_emit(im, &w, &in, 1, tensor));
        return back_to_1d(im, wide, target);
    }
    w.act = RS_ACT_NONE;
    TRY(onnx_moved(im, n->in[0], n->out[0], rank, narrow, !average, &from, &to));
    TRY(as_2d(im, from, &from));
    TRY(onnx_input(im, from, &nhwc, &in));
    if (count_pads && padded)
        TRY(pad_explicitly(im, &w, &in));
    TRY(out_2d(im, to, im->values[from].type, rank, dim, &wide));
    TRY(onnx_output_like(im, wide, &nhwc, in, &tensor));
    TRY(onnx_emit(im, &w, &in, 1, tensor));
    return back_to_1d(im, wide, to);
}

rs_status onnx_global_pool(struct onnx_importer *im, struct onnx_node *n)
{
    const bool average = strcmp(n->op->name, "GlobalAveragePool") == 0;
    const struct onnx_layout nhwc = onnx_channels_last(4);
    const struct onnx_value *x = &im->values[n->in[0]];
    const int rank = x->rank;
    int from, to, in, wide, tensor;

    if (rank != 3 && rank != 4)
        return onnx_unsupported(im, "an ifmap of rank %d: one or two spatial dimensions are supported", rank);
    const int32_t H = rank == 4 ? x->dim[2] : 1, W = x->dim[rank - 1], dim[4] = { x->dim[0], x->dim[1], 1, 1 };
    struct onnx_quant q, q_to;
    int codes, target;

    if (average && im->g->rounding != RS_ROUND_ONNX && onnx_dequantizes(im, n->in[0], &codes, &q) &&
        onnx_quantized_later(im, n->out[0], &target, &q_to, NULL)) {
        const bool same = q.scale == q_to.scale && q.zero_point == q_to.zero_point;      /* the array's pool does not rescale */

        onnx_take_quantize(im, n->out[0], target);
        TRY(out_2d(im, target, im->values[target].type, rank, dim, &wide));
        TRY(as_2d(im, codes, &from));
        TRY(onnx_codes(im, from, &nhwc, q.scale, q.zero_point, &in));
        TRY(onnx_codes_output(im, wide, &nhwc, q_to.scale, q_to.zero_point, &tensor));
        const struct rs_node mean = { .op = RS_OP_MEAN, .n_axes = 2, .axis = { 1, 2 }, .keep_dims = true };
        const struct rs_node pool = { .op = RS_OP_AVERAGE_POOL_2D, .kernel_h = H, .kernel_w = W, .stride_h = 1, .stride_w = 1 };

        TRY(onnx_emit(im, same && im->values[codes].type == im->values[target].type ? &pool : &mean, &in, 1, tensor));
        return back_to_1d(im, wide, target);
    }
    TRY(onnx_moved(im, n->in[0], n->out[0], rank, dim, !average, &from, &to));
    TRY(as_2d(im, from, &from));
    TRY(onnx_input(im, from, &nhwc, &in));
    TRY(out_2d(im, to, im->values[from].type, rank, dim, &wide));
    TRY(onnx_output_like(im, wide, &nhwc, in, &tensor));
    if (average)
        TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_MEAN, .n_axes = 2, .axis = { 1, 2 }, .keep_dims = true }, &in, 1, tensor));
    else
        TRY(onnx_emit(im, &(struct rs_node){ .op = RS_OP_MAX_POOL_2D, .kernel_h = H, .kernel_w = W, .stride_h = 1, .stride_w = 1 }, &in, 1, tensor));
    return back_to_1d(im, wide, to);
}
