/*
 * convert.c - the quantized graph.
 *
 * Tensor ids are the float graph's: tensor t holds codes of what float tensor t holds.  What has no such twin (filters,
 * biases, float copies, int16 copies) comes after them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "quant_internal.h"

struct converter {
    const struct rs_graph *g;
    struct rs_graph *q;
    const struct quant_range *ranges;
    bool *wide;                        /* [node]: in 16 bits                                          */
    bool least_error;
    int *corrected;
    int *group;                        /* [tensor]: union-find parent: tensors that share one scale   */
    float *scale;                      /* [tensor]: of int8 codes                                     */
    int32_t *zp;
    struct rs_error *err;
    int *as_f32, *as_s16, *as_s8;      /* [tensor]: the same in another type, or -1                   */
};

#define TRY(expression) do { rs_status try_ = (expression); if (try_ != RS_OK) return try_; } while (0)

/* ---- which operations, which scales ---- */

static bool keeps_scale(enum rs_op op)
{
    switch (op) {
    case RS_OP_MAXIMUM: case RS_OP_MINIMUM: case RS_OP_AVERAGE_POOL_2D: case RS_OP_MAX_POOL_2D: case RS_OP_RESHAPE:
    case RS_OP_PAD: case RS_OP_TRANSPOSE: case RS_OP_CONCAT: case RS_OP_SLICE: case RS_OP_RESIZE_NEAREST:
        return true;
    default:
        return false;
    }
}

/* Whether there is an int8 kernel for what the float node does. */
static bool has_int8(const struct rs_graph *g, int node)
{
    const struct rs_node *n = &g->nodes[node];
    const struct rs_tensor *in = &g->tensors[n->inputs[0]];
    struct quant_filter f;

    if (in->type != RS_TYPE_F32 || g->tensors[n->outputs[0]].type != RS_TYPE_F32)
        return false;
    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
    case RS_OP_FULLY_CONNECTED:
        return quant_filter(g, node, &f);
    case RS_OP_BATCH_MATMUL:
        return in->dim[in->rank - (n->adjoint_x ? 2 : 1)] <= 33025 && n->act == RS_ACT_NONE;   /* K * 255 * 255 < 2^31 */
    case RS_OP_SOFTMAX:
        return in->dim[in->rank - 1] <= 4095;
    case RS_OP_CONCAT:
        return n->act == RS_ACT_NONE;
    case RS_OP_LEAKY_RELU:
        return isfinite(n->beta);
    case RS_OP_ADD: case RS_OP_SUB: case RS_OP_MUL: case RS_OP_MAXIMUM: case RS_OP_MINIMUM: case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D: case RS_OP_MEAN: case RS_OP_RESHAPE: case RS_OP_PAD: case RS_OP_TRANSPOSE: case RS_OP_SLICE:
    case RS_OP_RESIZE_NEAREST: case RS_OP_LOGISTIC: case RS_OP_TANH: case RS_OP_HARD_SWISH: case RS_OP_RELU: case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1:
        return true;
    default:
        return false;
    }
}

static int group_of(struct converter *c, int t)
{
    while (c->group[t] != t)
        t = c->group[t] = c->group[c->group[t]];
    return t;
}

/* Range of the values of constant @t. */
static void constant_range(const struct rs_tensor *t, float *low, float *high)
{
    const float *x = t->data;

    for (int64_t i = 0; i < rs_tensor_elements(t); i++) {
        *low = x[i] < *low ? x[i] : *low;
        *high = x[i] > *high ? x[i] : *high;
    }
}

/* Scale and zero point of every float tensor; those of one group are equal. */
static rs_status choose_scales(struct converter *c, float *scale, int32_t *zp)
{
    const struct rs_graph *g = c->g;
    float *low = calloc((size_t)g->n_tensors + 1, sizeof *low), *high = calloc((size_t)g->n_tensors + 1, sizeof *high);
    float *fixed = calloc((size_t)g->n_tensors + 1, sizeof *fixed);     /* [group]: prescribed scale, 0: none */

    if (low == NULL || high == NULL || fixed == NULL) {
        free(low);
        free(high);
        free(fixed);
        return rs_fail(c->err, RS_ERR_NOMEM, "no memory for %d ranges", g->n_tensors);
    }
    for (int t = 0; t < g->n_tensors; t++)
        c->group[t] = t;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *n = &g->nodes[i];

        if (!keeps_scale(n->op) || !has_int8(g, i))
            continue;
        for (int k = 0; k < n->n_inputs; k++)
            c->group[group_of(c, n->inputs[k])] = group_of(c, n->outputs[0]);
    }
    for (int t = 0; t < g->n_tensors; t++) {
        const int r = group_of(c, t);

        if (g->tensors[t].type != RS_TYPE_F32)
            continue;
        if (g->tensors[t].data != NULL)
            constant_range(&g->tensors[t], &low[r], &high[r]);
        low[r] = c->ranges[t].low < low[r] ? c->ranges[t].low : low[r];
        high[r] = c->ranges[t].high > high[r] ? c->ranges[t].high : high[r];
    }
    for (int i = 0; i < g->n_nodes; i++) {
        const enum rs_op op = g->nodes[i].op;

        if (has_int8(g, i) && (op == RS_OP_SOFTMAX || op == RS_OP_LOGISTIC || op == RS_OP_TANH))
            fixed[group_of(c, g->nodes[i].outputs[0])] = op == RS_OP_TANH ? 1.0f / 128 : 1.0f / 256;
    }
    for (int t = 0; t < g->n_tensors; t++) {
        const int r = group_of(c, t);

        if (fixed[r] != 0) {
            scale[t] = fixed[r];
            zp[t] = fixed[r] == 1.0f / 128 ? 0 : -128;
        } else {
            quant_scale_of(low[r], high[r], &scale[t], &zp[t]);
        }
    }
    free(low);
    free(high);
    free(fixed);
    return RS_OK;
}

/* ---- 16 bits ---- */

/* Whether @node does without filters in 16 bits what it does in 8, on activations alone. */
static bool has_int16(const struct rs_graph *g, int node)
{
    const struct rs_node *n = &g->nodes[node];

    switch (n->op) {
    case RS_OP_ADD: case RS_OP_SUB: case RS_OP_MUL: case RS_OP_MAXIMUM: case RS_OP_MINIMUM: case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D: case RS_OP_RESHAPE: case RS_OP_PAD: case RS_OP_TRANSPOSE: case RS_OP_CONCAT: case RS_OP_SLICE:
    case RS_OP_RESIZE_NEAREST: case RS_OP_RELU: case RS_OP_RELU6:
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] >= 0 && g->tensors[n->inputs[k]].data != NULL)
                return false;
        return has_int8(g, node);
    default:
        return false;
    }
}

static bool is_wide(const struct converter *c, int tensor)
{
    const int producer = rs_graph_producer(c->g, tensor);

    return producer >= 0 && c->wide[producer];
}

/* Whether all that read the output of @node are in 16 bits, and the network's caller does not. */
static bool only_wide_readers(const struct converter *c, int node)
{
    const int out = c->g->nodes[node].outputs[0];
    int readers = 0;

    for (int i = 0; i < c->g->n_nodes; i++)
        for (int k = 0; k < c->g->nodes[i].n_inputs; k++)
            if (c->g->nodes[i].inputs[k] == out) {
                readers++;
                if (!c->wide[i])
                    return false;
            }
    return readers == rs_graph_consumers(c->g, out);
}

/* What lies between layers in 16 bits stays in 16 bits: all that can, less what leads to or comes from 8. */
static void spread_wide(struct converter *c, const bool *layers)
{
    const struct rs_graph *g = c->g;
    bool changed = true;

    for (int i = 0; i < g->n_nodes; i++)
        c->wide[i] = layers != NULL && (layers[i] || has_int16(g, i));
    while (layers != NULL && changed) {
        changed = false;
        for (int i = 0; i < g->n_nodes; i++) {
            bool keeps = layers[i] || (c->wide[i] && only_wide_readers(c, i));

            for (int k = 0; k < g->nodes[i].n_inputs && keeps && !layers[i]; k++)
                keeps = g->nodes[i].inputs[k] < 0 || is_wide(c, g->nodes[i].inputs[k]);
            changed |= keeps != c->wide[i];
            c->wide[i] = keeps;
        }
    }
}

/* ---- tensors ---- */

/* The scale of int16 codes that cover what the int8 codes do. */
static float scale_s16(float scale, int32_t zp)
{
    return scale * (float)(128 + zp > 127 - zp ? 128 + zp : 127 - zp) / 32767;
}

/* Tensor @t of the float graph in another type; for codes, with its scale. */
static rs_status add_twin(struct converter *c, int t, enum rs_type type, const char *suffix, int *id)
{
    const struct rs_tensor like = c->q->tensors[t];      /* copied: adding may move the array */
    char name[300];

    snprintf(name, sizeof name, "%.280s%s", like.name, suffix);
    TRY(rs_graph_add_tensor(c->q, name, type, like.rank, like.dim, NULL, 0, id, c->err));
    if (type == RS_TYPE_F32)
        return RS_OK;
    const float scale = type == RS_TYPE_S8 ? c->scale[t] : scale_s16(c->scale[t], c->zp[t]);

    return rs_graph_set_quant(c->q, *id, 1, 0, &scale, type == RS_TYPE_S8 ? &c->zp[t] : NULL, c->err);
}

static rs_status quantize_constant(struct converter *c, const struct rs_tensor *t, float scale, int32_t zp, int *id)
{
    const int64_t count = rs_tensor_elements(t);
    int8_t *codes = malloc((size_t)count);
    rs_status status;

    if (codes == NULL)
        return rs_fail(c->err, RS_ERR_NOMEM, "no memory for constant '%.80s'", t->name);
    status = rs_quantize_f32_s8((size_t)count, t->data, scale, zp, RS_ROUND_DOUBLE, codes, c->err);
    if (status == RS_OK)
        status = rs_graph_add_tensor(c->q, t->name, RS_TYPE_S8, t->rank, t->dim, codes, (size_t)count, id, c->err);
    if (status == RS_OK)
        status = rs_graph_set_quant(c->q, *id, 1, 0, &scale, &zp, c->err);
    free(codes);
    return status;
}

/* All tensors of the float graph, with the same ids.  What a 16x8 layer writes is int16. */
static rs_status add_tensors(struct converter *c)
{
    for (int t = 0; t < c->g->n_tensors; t++) {
        const struct rs_tensor *x = &c->g->tensors[t];
        const int producer = x->data == NULL ? rs_graph_producer(c->g, t) : -1;
        const bool wide = producer >= 0 && c->wide[producer];
        const float scale = wide ? scale_s16(c->scale[t], c->zp[t]) : c->scale[t];
        int id;

        if (x->type != RS_TYPE_F32) {
            TRY(rs_graph_add_tensor(c->q, x->name, x->type, x->rank, x->dim, x->data, x->data_bytes, &id, c->err));
            continue;
        }
        if (x->data != NULL && !x->dead) {
            TRY(quantize_constant(c, x, scale, c->zp[t], &id));
            continue;
        }
        TRY(rs_graph_add_tensor(c->q, x->name, wide ? RS_TYPE_S16 : RS_TYPE_S8, x->rank, x->dim, NULL, 0, &id, c->err));
        TRY(rs_graph_set_quant(c->q, id, 1, 0, &scale, wide ? NULL : &c->zp[t], c->err));
    }
    return RS_OK;
}

static rs_status add_node(struct converter *c, const struct rs_node *proto, const int *in, int n_in, int out)
{
    return rs_graph_add_node(c->q, proto, in, n_in, &out, 1, NULL, c->err);
}

/* Tensor @t as float32. */
static rs_status as_f32(struct converter *c, int t, int *id)
{
    const struct rs_tensor *x = &c->g->tensors[t];

    if (c->as_f32[t] < 0 && x->data != NULL) {
        TRY(rs_graph_add_tensor(c->q, x->name, RS_TYPE_F32, x->rank, x->dim, x->data, x->data_bytes, &c->as_f32[t], c->err));
    } else if (c->as_f32[t] < 0) {
        TRY(add_twin(c, t, RS_TYPE_F32, "/float", &c->as_f32[t]));
        TRY(add_node(c, &(struct rs_node){ .op = RS_OP_DEQUANTIZE, .source = -1 }, &t, 1, c->as_f32[t]));
    }
    *id = c->as_f32[t];
    return RS_OK;
}

/* Tensor @t as codes of @type. */
static rs_status as_codes(struct converter *c, int t, enum rs_type type, int *id)
{
    int *twin = type == RS_TYPE_S8 ? c->as_s8 : c->as_s16;

    *id = t;
    if (c->q->tensors[t].type == type)
        return RS_OK;
    if (twin[t] < 0) {
        TRY(add_twin(c, t, type, type == RS_TYPE_S8 ? "/int8" : "/int16", &twin[t]));
        TRY(add_node(c, &(struct rs_node){ .op = RS_OP_QUANTIZE, .source = -1 }, &t, 1, twin[t]));
    }
    *id = twin[t];
    return RS_OK;
}

/* ---- filters and biases ---- */

/* The scale of one filter row: the greatest weight gets code 127, or the scale with the least squared error. */
static float filter_scale(const struct quant_filter *f, int64_t m, bool least_error)
{
    enum { STEPS = 26 };
    float greatest = 0, scale;
    double best = INFINITY;

    for (int64_t t = 0; t < f->taps; t++)
        greatest = fmaxf(greatest, fabsf(f->data[m * f->step_m + t * f->step_tap]));
    scale = greatest / 127;
    for (int step = 0; least_error && greatest > 0 && step < STEPS; step++) {
        const double s = greatest / 127 * (1 - 0.02 * step);
        double error = 0;

        for (int64_t t = 0; t < f->taps; t++) {
            const double x = f->data[m * f->step_m + t * f->step_tap], code = fmin(fmax(rint(x / s), -127), 127);

            error += (x - s * code) * (x - s * code);
        }
        if (error < best) {
            best = error;
            scale = (float)s;
        }
    }
    return scale;
}

/*
 * What quantizing the filter adds to channel @m on the average: SUM over taps of (w' - w) * mean of the activation.
 * A convolution's means are taken over the whole map, as if no tap lay in the pads.
 */
static double filter_bias(const struct rs_graph *g, const struct rs_node *n, const struct quant_filter *f, int64_t m,
                          const int8_t *codes, float scale, const double *mean)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]];
    const int64_t channels = in->dim[in->rank - 1];
    double sum = 0;

    for (int64_t t = 0; t < f->taps; t++) {
        const int64_t at = m * f->step_m + t * f->step_tap;
        const int64_t c = n->op == RS_OP_DEPTHWISE_CONV2D ? m / (f->m / channels) : n->op == RS_OP_CONV2D ? t % channels : t;

        sum += ((double)scale * codes[at] - f->data[at]) * mean[c];
    }
    return sum;
}

/* Means by channel for convolutions, by place in the row for FULLY_CONNECTED. */
static double *means_of(const struct rs_graph *g, const struct rs_node *n, const struct quant_filter *f, const double *mean)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]];
    const int64_t sample = rs_tensor_elements(in) / g->tensors[g->inputs[0]].dim[0];
    const int64_t period = n->op == RS_OP_FULLY_CONNECTED ? f->taps : in->dim[in->rank - 1];
    double *by = calloc((size_t)period, sizeof *by);

    for (int64_t i = 0; by != NULL && i < sample; i++)
        by[i % period] += mean[i] * (double)period / (double)sample;
    return by;
}

static rs_status convert_layer(struct converter *c, int node, const struct quant_filter *f)
{
    const struct rs_graph *g = c->g;
    const struct rs_node *n = &g->nodes[node];
    const struct rs_tensor *w = &g->tensors[n->inputs[1]];
    const float *bias = n->n_inputs > 2 && n->inputs[2] >= 0 ? g->tensors[n->inputs[2]].data : NULL;
    const bool per_tensor = n->op == RS_OP_FULLY_CONNECTED, wide = c->wide[node];
    const int32_t m = (int32_t)f->m;
    const double *mean = c->corrected != NULL ? c->ranges[n->inputs[0]].mean : NULL;
    double *by = mean != NULL ? means_of(g, n, f, mean) : NULL;
    int8_t *codes = calloc((size_t)(f->m * f->taps), 1);
    float *scale = calloc((size_t)m, sizeof *scale);
    int64_t *bias_code = calloc((size_t)m, sizeof *bias_code);
    int in[3] = { -1, -1, -1 };
    char name[300];
    rs_status status = as_codes(c, n->inputs[0], wide ? RS_TYPE_S16 : RS_TYPE_S8, &in[0]);

    if (status != RS_OK)
        goto done;
    const double s_in = (double)c->q->tensors[in[0]].quant.scale[0];

    status = RS_ERR_NOMEM;
    if (codes == NULL || scale == NULL || bias_code == NULL || (mean != NULL && by == NULL)) {
        rs_fail(c->err, status, "no memory for filter '%.80s'", w->name);
        goto done;
    }
    for (int32_t i = 0; i < m; i++) {
        scale[i] = filter_scale(f, i, c->least_error && !per_tensor);
        if (!isfinite(scale[i])) {
            status = rs_fail(c->err, RS_ERR_RANGE, "filter '%.80s', channel %d: a weight is infinite or not a number", w->name, i);
            goto done;
        }
        if (per_tensor && scale[i] > scale[0])
            scale[0] = scale[i];
    }
    for (int32_t i = 0; i < m; i++) {
        /* A bias must fit: with filters so small that it does not, coarser filter codes lose nothing that shows. */
        const double least = bias != NULL ? fabs((double)bias[i]) / (s_in * (wide ? 0x1p45 : 0x1p29)) : 0;

        scale[i] = fmaxf(per_tensor ? scale[0] : scale[i], fmaxf((float)least, 1e-12f));
        if (per_tensor && scale[i] > scale[0]) {
            scale[0] = scale[i];
            i = -1;                                      /* once more with the scale that fits this one */
        }
    }
    for (int32_t i = 0; i < m; i++) {
        for (int64_t t = 0; t < f->taps; t++) {
            const int64_t at = i * f->step_m + t * f->step_tap;

            codes[at] = (int8_t)fmin(fmax(rint((double)f->data[at] / (double)scale[i]), -127), 127);
        }
        double b = bias != NULL ? bias[i] : 0;

        if (by != NULL) {
            const double add = filter_bias(g, n, f, i, codes, scale[i], by);

            b -= add;
            *c->corrected += fabs(add) > s_in * scale[i] / 2;
        }
        const double code = rint(b / (s_in * scale[i]));

        if (!(fabs(code) < (wide ? 0x1p46 : 0x1p30))) {
            status = rs_fail(c->err, RS_ERR_RANGE, "bias %g of layer '%.80s', channel %d, does not fit its scale", b,
                             g->tensors[n->outputs[0]].name, i);
            goto done;
        }
        if (wide)
            bias_code[i] = (int64_t)code;
        else
            ((int32_t *)bias_code)[i] = (int32_t)code;
    }
    status = rs_graph_add_tensor(c->q, w->name, RS_TYPE_S8, w->rank, w->dim, codes, (size_t)(f->m * f->taps), &in[1], c->err);
    if (status == RS_OK)
        status = rs_graph_set_quant(c->q, in[1], per_tensor ? 1 : m, f->axis, scale, NULL, c->err);
    snprintf(name, sizeof name, "%.280s/bias", g->tensors[n->outputs[0]].name);
    if (status == RS_OK)
        status = rs_graph_add_tensor(c->q, name, wide ? RS_TYPE_S64 : RS_TYPE_S32, 1, &m, bias_code,
                                     (size_t)m * (wide ? sizeof(int64_t) : sizeof(int32_t)), &in[2], c->err);
    for (int32_t i = 0; i < m; i++)
        scale[i] = (float)(s_in * scale[i]);
    if (status == RS_OK)
        status = rs_graph_set_quant(c->q, in[2], per_tensor ? 1 : m, 0, scale, NULL, c->err);
    if (status == RS_OK)
        status = add_node(c, n, in, 3, n->outputs[0]);
done:
    free(by);
    free(codes);
    free(scale);
    free(bias_code);
    return status;
}

/* A node without an int8 kernel: floats in, floats out, codes for whoever wants them. */
static rs_status convert_float(struct converter *c, int node)
{
    const struct rs_node *n = &c->g->nodes[node];
    const int out = n->outputs[0];
    int *in = calloc((size_t)n->n_inputs + 1, sizeof *in), f32;
    rs_status status = in != NULL ? RS_OK : rs_fail(c->err, RS_ERR_NOMEM, "no memory for %d operands", n->n_inputs);

    for (int k = 0; k < n->n_inputs && status == RS_OK; k++) {
        in[k] = n->inputs[k];
        if (in[k] >= 0 && c->g->tensors[in[k]].type == RS_TYPE_F32)
            status = as_f32(c, n->inputs[k], &in[k]);
    }
    if (status == RS_OK)
        status = add_twin(c, out, RS_TYPE_F32, "/float", &f32);
    if (status == RS_OK)
        status = add_node(c, n, in, n->n_inputs, f32);
    if (status == RS_OK)
        status = add_node(c, &(struct rs_node){ .op = RS_OP_QUANTIZE, .source = -1 }, &f32, 1, out);
    if (status == RS_OK)
        c->as_f32[out] = f32;
    free(in);
    return status;
}

static rs_status convert_node(struct converter *c, int node)
{
    struct rs_node n = c->g->nodes[node];
    struct quant_filter f;

    if (!has_int8(c->g, node))
        return convert_float(c, node);
    if (quant_filter(c->g, node, &f))
        return convert_layer(c, node, &f);
    const bool wide = c->wide[node];

    if (n.op == RS_OP_PAD) {
        const struct rs_tensor_quant *q = &c->q->tensors[n.outputs[0]].quant;
        const double code = rint((double)n.pad_value / (double)q->scale[0]) + q->zero_point[0];

        const double most = wide ? INT16_MAX : INT8_MAX;

        n.pad_code = (int32_t)fmin(fmax(code, -most - 1), most);
    }
    int *in = calloc((size_t)n.n_inputs + 1, sizeof *in);
    rs_status status = in != NULL ? RS_OK : rs_fail(c->err, RS_ERR_NOMEM, "no memory for %d operands", n.n_inputs);

    for (int k = 0; k < n.n_inputs && status == RS_OK; k++)
        status = as_codes(c, n.inputs[k], wide ? RS_TYPE_S16 : RS_TYPE_S8, &in[k]);
    if (status == RS_OK)
        status = add_node(c, &n, in, n.n_inputs, n.outputs[0]);
    free(in);
    return status;
}

rs_status quant_convert(const struct rs_graph *g, const struct quant_range *ranges, const bool *wide, bool least_error,
                        int *corrected, struct rs_graph **out, struct rs_error *err)
{
    const size_t nt = (size_t)g->n_tensors + 1;
    struct converter c = { .g = g, .ranges = ranges, .wide = calloc((size_t)g->n_nodes + 1, sizeof *c.wide), .least_error = least_error, .corrected = corrected,
                           .group = calloc(nt, sizeof *c.group), .err = err, .as_f32 = calloc(nt, sizeof *c.as_f32),
                           .as_s16 = calloc(nt, sizeof *c.as_s16), .as_s8 = calloc(nt, sizeof *c.as_s8),
                           .scale = calloc(nt, sizeof *c.scale), .zp = calloc(nt, sizeof *c.zp) };
    rs_status status = RS_ERR_NOMEM;

    *out = NULL;
    if (c.group == NULL || c.as_f32 == NULL || c.as_s16 == NULL || c.as_s8 == NULL || c.scale == NULL || c.zp == NULL || c.wide == NULL) {
        rs_fail(err, status, "no memory to quantize %d tensors", g->n_tensors);
        goto done;
    }
    for (int t = 0; t < g->n_tensors; t++)
        c.as_f32[t] = c.as_s16[t] = c.as_s8[t] = -1;
    if (corrected != NULL)
        *corrected = 0;
    spread_wide(&c, wide);
    status = rs_graph_create(g->name, &c.q, err);
    if (status == RS_OK)
        status = choose_scales(&c, c.scale, c.zp);
    if (status == RS_OK)
        status = add_tensors(&c);
    for (int i = 0; i < g->n_nodes && status == RS_OK; i++)
        status = convert_node(&c, i);
    if (status == RS_OK)
        status = rs_graph_set_io(c.q, g->inputs, g->n_inputs, g->outputs, g->n_outputs, err);
    if (status == RS_OK)
        status = rs_graph_prepare(c.q, err);
    if (status == RS_OK)
        status = rs_graph_optimize(c.q, RS_PASS_DEAD, NULL, err);
    if (status == RS_OK) {
        *out = c.q;
        c.q = NULL;
    }
done:
    rs_graph_destroy(c.q);
    free(c.wide);
    free(c.group);
    free(c.as_f32);
    free(c.as_s16);
    free(c.as_s8);
    free(c.scale);
    free(c.zp);
    return status;
}
