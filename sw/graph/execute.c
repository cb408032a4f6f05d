/*
 * execute.c - a graph on the CPU: each node calls its kernel.
 *
 * Policy only: arithmetic is in sw/kernels; the few operations that only move elements and have no kernel there are in
 * move.c.  Float nodes are in execute_f32.c, those of int16 in execute_s16.c.  The array's host runtime calls rs_graph_run_node() for whatever it does not map.
 */
#include <stdlib.h>
#include <string.h>
#include "graph_internal.h"
#include "kernels_onnx.h"
#include "move.h"
#include "pack.h"
#include "pool.h"

struct operands {
    const struct rs_graph *g;
    const struct rs_node *n;
    const struct rs_tensor *in, *in2, *out;
    const int8_t *x, *y;                                /* data of in, in2 */
    int8_t *z;
    const int32_t *bias;
    void *scratch;
    bool reference;
};

const void *rs_data_of(const struct rs_graph *g, int tensor, void *const *data)
{
    if (tensor < 0)
        return NULL;
    return data[tensor] != NULL ? data[tensor] : g->tensors[tensor].data;
}

struct rs_conv_shape rs_conv_shape_of(const struct rs_layer *l)
{
    return (struct rs_conv_shape){
        .n = l->N, .h = l->H, .w = l->W, .c = l->C, .m = l->M, .r = l->R, .s = l->S, .stride_h = l->Uh, .stride_w = l->Uw,
        .dilation_h = l->dilation_h, .dilation_w = l->dilation_w, .pad_top = l->pad_top, .pad_bottom = l->pad_bottom,
        .pad_left = l->pad_left, .pad_right = l->pad_right, .e = l->E, .f = l->F,
    };
}

static struct rs_quant quant_of(const struct operands *o)
{
    return (struct rs_quant){
        .zp_in = o->in->quant.zero_point[0], .zp_out = o->out->quant.zero_point[0],
        .act_min = o->n->act_min, .act_max = o->n->act_max, .rounding = o->g->rounding,
        .count = o->n->n_requant, .mult = o->n->mult, .shift = o->n->shift, .scale = o->n->real,
    };
}

int64_t rs_matrices(const struct rs_tensor *t)
{
    int64_t n = 1;

    for (int i = 0; i < t->rank - 2; i++)
        n *= t->dim[i];
    return n;
}

int64_t rs_matrix_index(const struct rs_tensor *t, const struct rs_tensor *out, int64_t i)
{
    int64_t index = 0, scale = 1;

    for (int d = out->rank - 3, e = t->rank - 3; d >= 0; d--, e--) {
        const int64_t at = i % out->dim[d];

        i /= out->dim[d];
        if (e >= 0) {
            index += (t->dim[e] == 1 ? 0 : at) * scale;
            scale *= t->dim[e];
        }
    }
    return index;
}

static rs_status batch_matmul(const struct operands *o, struct rs_error *err)
{
    const struct rs_quant q = quant_of(o);
    const int32_t rows = o->out->dim[o->out->rank - 2], cols = o->out->dim[o->out->rank - 1];
    const int32_t k = o->in->dim[o->in->rank - (o->n->adjoint_x ? 2 : 1)];
    const struct rs_gemm_shape sh = { .m = rows, .n = cols, .k = k, .zp_b = o->in2->quant.zero_point[0],
                                      .layout = o->n->adjoint_y ? RS_GEMM_B_NK : RS_GEMM_B_KN };

    for (int64_t i = 0; i < rs_matrices(o->out); i++) {
        const int8_t *a = o->x + rs_matrix_index(o->in, o->out, i) * rows * k;
        const int8_t *b = o->y + rs_matrix_index(o->in2, o->out, i) * k * cols;
        int8_t *c = o->z + i * rows * cols;
        rs_status status;

        if (o->n->adjoint_x) {                          /* the kernel wants a as [rows][k] */
            int8_t *t = o->scratch;

            for (int32_t r = 0; r < rows; r++)
                for (int32_t j = 0; j < k; j++)
                    t[(int64_t)r * k + j] = a[(int64_t)j * rows + r];
            a = t;
        }
        status = (o->reference ? rs_gemm_s8_ref : rs_gemm_s8)(&sh, a, b, NULL, &q, c, err);
        if (status != RS_OK)
            return status;
    }
    return RS_OK;
}

static rs_status onnx_binary(const struct operands *o, struct rs_error *err)
{
    const struct rs_node *n = o->n;
    const struct rs_dims d1 = rs_dims_of(o->in), d2 = rs_dims_of(o->in2), d_out = rs_dims_of(o->out);
    const struct rs_onnx_binary q = {
        .zp1 = o->in->quant.zero_point[0], .zp2 = o->in2->quant.zero_point[0], .zp_out = o->out->quant.zero_point[0],
        .act_min = n->act_min, .act_max = n->act_max, .offset = n->codes_u8 ? 128 : 0,
        .ratio1 = n->real[0], .ratio2 = n->op == RS_OP_MUL ? 0 : n->op == RS_OP_SUB ? -n->real[1] : n->real[1],
    };

    return rs_binary_s8_onnx(n->op == RS_OP_MUL, &d1, o->x, &d2, o->y, &q, &d_out, o->z, err);
}

static rs_status concat(const struct operands *o, void *const *data, struct rs_error *err)
{
    const struct rs_node *n = o->n;
    struct rs_concat_input *inputs = rs_alloc((size_t)n->n_inputs, sizeof *inputs);
    struct rs_quant *quant = rs_alloc((size_t)n->n_inputs, sizeof *quant);
    rs_status status;

    if (inputs == NULL || quant == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "no memory for %d inputs", n->n_inputs);
    } else {
        for (int i = 0; i < n->n_inputs; i++) {
            const struct rs_tensor *t = &o->g->tensors[n->inputs[i]];

            inputs[i].dims = rs_dims_of(t);
            inputs[i].data = rs_data_of(o->g, n->inputs[i], data);
            if (n->n_requant != 0 && !rs_same_quant(t, o->out)) {
                quant[i] = quant_of(o);
                quant[i].zp_in = t->quant.zero_point[0];
                quant[i].count = 1;
                quant[i].mult += i;
                quant[i].shift += i;
                quant[i].scale += i;
                inputs[i].requant = &quant[i];
            }
        }
        status = rs_concat_s8(n->n_inputs, inputs, n->axis[0], o->z, err);
    }
    free(inputs);
    free(quant);
    return status;
}

static rs_status quantize(const struct operands *o, struct rs_error *err)
{
    const size_t count = (size_t)rs_tensor_elements(o->in);

    if (o->out->type == RS_TYPE_U8) {                   /* the same reals: 128 more */
        for (size_t i = 0; i < count; i++)
            o->z[i] = (int8_t)(o->x[i] ^ -128);
        return RS_OK;
    }
    const struct rs_quant q = o->in->type == RS_TYPE_F32 ? (struct rs_quant){ 0 } : quant_of(o);

    if (o->in->type == RS_TYPE_F32)
        return rs_quantize_f32_s8(count, (const float *)(const void *)o->x, o->out->quant.scale[0],
                                  o->out->quant.zero_point[0], o->g->rounding, o->z, err);
    if (o->in->type == RS_TYPE_S8)
        return rs_requantize_s8(count, o->x, &q, o->z, err);
    const uint8_t *u = (const uint8_t *)o->x;

    for (size_t i = 0; i < count; i++)
        o->z[i] = rs_requantize_s32_s8((int32_t)u[i] - q.zp_in, &q, 0);
    return RS_OK;
}

static rs_status mean(const struct operands *o, struct rs_error *err)
{
    const struct rs_dims d = rs_dims_of(o->in);
    uint32_t axes = 0;

    for (int i = 0; i < o->n->n_axes; i++)
        axes |= 1u << o->n->axis[i];
    return rs_mean_s8(&d, o->x, axes, &o->n->u.mean, o->z, err);
}

static rs_status run(const struct operands *o, int node, void *const *data, struct rs_error *err)
{
    const struct rs_node *n = o->n;
    const struct rs_quant q = n->n_requant > 0 ? quant_of(o) : (struct rs_quant){ 0 };
    const struct rs_dims d1 = rs_dims_of(o->in), d_out = rs_dims_of(o->out);
    const struct rs_dims d2 = o->in2 != NULL ? rs_dims_of(o->in2) : d1;
    const size_t count = (size_t)rs_tensor_elements(o->in);
    const bool ref = o->reference;
    struct rs_layer l = { 0 };
    const bool is_layer = rs_graph_layer(o->g, node, &l);
    const struct rs_conv_shape sh = is_layer ? rs_conv_shape_of(&l) : (struct rs_conv_shape){ 0 };

    switch (n->op) {
    case RS_OP_CONV2D:
        return (ref ? rs_conv2d_s8_ref : rs_conv2d_s8)(&sh, o->x, o->y, o->bias, &q, o->z, err);
    case RS_OP_DEPTHWISE_CONV2D:
        return (ref ? rs_depthwise_conv2d_s8_ref : rs_depthwise_conv2d_s8)(&sh, o->x, o->y, o->bias, &q, o->z, err);
    case RS_OP_FULLY_CONNECTED:
        return (ref ? rs_fully_connected_s8_ref : rs_fully_connected_s8)(l.N, l.C, l.M, o->x, o->y, o->bias, &q, o->z, err);
    case RS_OP_BATCH_MATMUL:
        return batch_matmul(o, err);
    case RS_OP_ADD:
        if (o->g->rounding == RS_ROUND_ONNX)
            return onnx_binary(o, err);
        return rs_add_s8(&d1, o->x, &d2, o->y, &n->u.add, &d_out, o->z, err);
    case RS_OP_SUB:
        if (o->g->rounding == RS_ROUND_ONNX)
            return onnx_binary(o, err);
        return rs_sub_s8(&d1, o->x, &d2, o->y, &n->u.add, &d_out, o->z, err);
    case RS_OP_MUL:
        if (o->g->rounding == RS_ROUND_ONNX)
            return onnx_binary(o, err);
        return rs_mul_s8(&d1, o->x, &d2, o->y, &n->u.mul, &d_out, o->z, err);
    case RS_OP_MAXIMUM:
    case RS_OP_MINIMUM:
        rs_move_extremum(&d1, o->x, &d2, o->y, n->op == RS_OP_MAXIMUM, &d_out, 1, o->z);
        return RS_OK;
    case RS_OP_AVERAGE_POOL_2D:
        return rs_average_pool_s8(&sh, o->x, n->act_min, n->act_max, o->z, err);
    case RS_OP_MAX_POOL_2D:
        return rs_max_pool_s8(&sh, o->x, n->act_min, n->act_max, o->z, err);
    case RS_OP_MEAN:
        return mean(o, err);
    case RS_OP_RESHAPE:
        if (o->z != o->x)
            memcpy(o->z, o->x, rs_tensor_bytes(o->in));
        return RS_OK;
    case RS_OP_PAD:
        return rs_pad_s8(&d1, o->x, n->before, n->after, n->pad_code, o->z, err);
    case RS_OP_TRANSPOSE:
        return rs_transpose_s8(&d1, o->x, n->axis, o->z, err);
    case RS_OP_CONCAT:
        return concat(o, data, err);
    case RS_OP_SLICE:
        rs_move_slice(&d1, o->x, n->before, n->after, &d_out, 1, o->z);
        return RS_OK;
    case RS_OP_RESIZE_NEAREST:
        rs_move_resize_nearest(&d1, o->x, n->align_corners, n->half_pixel, &d_out, 1, o->z);
        return RS_OK;
    case RS_OP_SOFTMAX: {
        const int32_t depth = o->in->dim[o->in->rank - 1];

        return rs_softmax_s8((int32_t)(count / (size_t)depth), depth, o->x, &n->u.softmax, o->z, err);
    }
    case RS_OP_LOGISTIC:
        return rs_logistic_s8(count, o->x, &n->u.sigmoid, o->z, err);
    case RS_OP_TANH:
        return rs_tanh_s8(count, o->x, &n->u.sigmoid, o->z, err);
    case RS_OP_HARD_SWISH:
    case RS_OP_FUNCTION:
        for (size_t i = 0; i < count; i++)
            o->z[i] = n->u.table[o->x[i] + 128];
        return RS_OK;
    case RS_OP_LEAKY_RELU: {
        struct rs_quant negative = q;

        negative.count = 1;
        negative.mult++;
        negative.shift++;
        negative.scale++;
        struct rs_quant positive = q;

        positive.count = 1;
        for (size_t i = 0; i < count; i++) {
            const int32_t x = o->x[i] - q.zp_in;

            o->z[i] = rs_requantize_s32_s8(x, x >= 0 ? &positive : &negative, 0);
        }
        return RS_OK;
    }
    case RS_OP_RELU:
    case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1:
        return rs_requantize_s8(count, o->x, &q, o->z, err);
    case RS_OP_QUANTIZE:
        return quantize(o, err);
    case RS_OP_DEQUANTIZE:
        return rs_dequantize_s8_f32(count, o->x, o->in->quant.scale[0], o->in->quant.zero_point[0],
                                    (float *)(void *)o->z, err);
    case RS_OP_DIV: case RS_OP_POW: case RS_OP_SQUARED_DIFFERENCE: case RS_OP_GELU: case RS_OP_ERF: case RS_OP_EXP: case RS_OP_SQRT:
    case RS_OP_RSQRT: case RS_OP_BATCH_NORM: case RS_OP_LAYER_NORM: case RS_OP_COUNT:
        break;                                          /* of float32 only: rs_graph_validate() has refused them */
    }
    return rs_fail(err, RS_ERR_UNSUPPORTED, "no CPU kernel");
}

size_t rs_graph_node_scratch_bytes(const struct rs_graph *g, int node)
{
    const struct rs_node *n = &g->nodes[node];

    if (n->op != RS_OP_BATCH_MATMUL || !n->adjoint_x)
        return 0;
    const struct rs_tensor *x = &g->tensors[n->inputs[0]];

    return (size_t)x->dim[x->rank - 1] * (size_t)x->dim[x->rank - 2] * rs_type_bytes(x->type);
}

rs_status rs_graph_run_node(const struct rs_graph *g, int node, void *const *data, void *scratch,
                            bool reference, struct rs_error *err)
{
    if (g == NULL || data == NULL || node < 0 || node >= g->n_nodes)
        return rs_fail(err, RS_ERR_ARG, "rs_graph_run_node: null pointer, or node %d of %d", node, g == NULL ? 0 : g->n_nodes);
    const struct rs_node *n = &g->nodes[node];
    struct rs_error why = { 0 };

    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] >= 0 && rs_data_of(g, n->inputs[i], data) == NULL)
            return rs_node_fail(g, n, err, RS_ERR_ARG, "no data for input '%.80s'", g->tensors[n->inputs[i]].name);
    if (data[n->outputs[0]] == NULL || (scratch == NULL && rs_graph_node_scratch_bytes(g, node) != 0))
        return rs_node_fail(g, n, err, RS_ERR_ARG, "no memory given for the output or the scratch");
    const int in2 = n->n_inputs > 1 ? n->inputs[1] : -1;
    const struct operands o = {
        .g = g, .n = n, .in = &g->tensors[n->inputs[0]], .in2 = in2 >= 0 ? &g->tensors[in2] : NULL,
        .out = &g->tensors[n->outputs[0]], .x = rs_data_of(g, n->inputs[0], data), .y = rs_data_of(g, in2, data),
        .z = data[n->outputs[0]], .bias = n->n_inputs > 2 ? rs_data_of(g, n->inputs[2], data) : NULL,
        .scratch = scratch, .reference = reference,
    };
    const bool is_float = rs_is_float_node(g, n) && n->op != RS_OP_RESHAPE;
    const bool is_s16 = rs_is_s16_node(g, n) && n->op != RS_OP_RESHAPE;
    const rs_status status = is_float ? rs_run_node_f32(g, node, data, scratch, &why) :
                             is_s16 ? rs_run_node_s16(g, node, data, reference, &why) : run(&o, node, data, &why);

    return status == RS_OK ? RS_OK : rs_node_fail(g, n, err, status, "%.300s", why.text);
}

void rs_packed_graph_destroy(struct rs_packed_graph *p)
{
    if (p == NULL)
        return;
    for (int i = 0; i < p->n_nodes; i++) {
        free(p->layer[i]);
        free(p->plane[i]);
    }
    free(p->layer);
    free(p->plane);
    free(p);
}

/* ADD of two tensors of the same extents. */
static rs_status pack_add(const struct rs_graph *g, int node, struct rs_packed_graph *p, struct rs_error *err)
{
    const struct rs_node *n = &g->nodes[node];
    const struct rs_tensor *x = &g->tensors[n->inputs[0]], *y = &g->tensors[n->inputs[1]];
    const struct rs_dims d1 = rs_dims_of(x), d2 = rs_dims_of(y);
    struct rs_add_plane plane;

    if (x->type != RS_TYPE_S8 || g->rounding == RS_ROUND_ONNX || memcmp(&d1, &d2, sizeof d1) != 0 ||
        !rs_add_s8_plane_find(&n->u.add, &plane))
        return RS_OK;
    if ((p->plane[node] = rs_alloc(1, sizeof plane)) == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for a packed ADD");
    *p->plane[node] = plane;
    p->packed_bytes += sizeof plane;
    return RS_OK;
}

static rs_status pack_layer(const struct rs_graph *g, int node, struct rs_packed_graph *p, struct rs_error *err)
{
    const struct rs_node *n = &g->nodes[node];
    struct rs_layer l;

    if (n->op == RS_OP_ADD)
        return pack_add(g, node, p, err);
    if ((n->op != RS_OP_CONV2D && n->op != RS_OP_DEPTHWISE_CONV2D && n->op != RS_OP_FULLY_CONNECTED) ||
        g->tensors[n->inputs[0]].type != RS_TYPE_S8 || !rs_graph_layer(g, node, &l))
        return RS_OK;
    const struct operands o = { .g = g, .n = n, .in = &g->tensors[l.ifmap], .out = &g->tensors[l.ofmap] };
    const struct rs_conv_shape sh = rs_conv_shape_of(&l);
    const struct rs_gemm_shape gemm = { .m = l.N, .n = l.M, .k = l.C, .layout = RS_GEMM_B_NK };
    const struct rs_quant q = quant_of(&o);
    const int8_t *filter = g->tensors[l.filter].data;
    const int32_t *bias = l.bias >= 0 ? g->tensors[l.bias].data : NULL;
    struct rs_pack_sizes sizes;
    rs_status status = n->op == RS_OP_CONV2D ? rs_conv2d_s8_pack_bytes(&sh, &sizes, err) :
                       n->op == RS_OP_DEPTHWISE_CONV2D ? rs_depthwise_conv2d_s8_pack_bytes(&sh, &sizes, err) :
                       rs_gemm_s8_pack_bytes(&gemm, &sizes, err);

    if (status != RS_OK)
        return status;
    void *packed = rs_alloc(sizes.packed_bytes, 1);

    if (packed == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for a packed layer of %zu bytes", sizes.packed_bytes);
    status = n->op == RS_OP_CONV2D ? rs_conv2d_s8_pack(&sh, filter, bias, &q, packed, sizes.packed_bytes, err) :
             n->op == RS_OP_DEPTHWISE_CONV2D ? rs_depthwise_conv2d_s8_pack(&sh, filter, bias, &q, packed, sizes.packed_bytes, err) :
             rs_gemm_s8_pack(&gemm, filter, bias, &q, packed, sizes.packed_bytes, err);
    if (status != RS_OK) {
        free(packed);
        return status;
    }
    p->layer[node] = packed;
    p->packed_bytes += sizes.packed_bytes;
    if (sizes.scratch_bytes > p->scratch_bytes)
        p->scratch_bytes = sizes.scratch_bytes;
    return RS_OK;
}

rs_status rs_packed_graph_create(const struct rs_graph *g, struct rs_packed_graph **out, struct rs_error *err)
{
    if (g == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_packed_graph_create: null pointer");
    *out = NULL;
    struct rs_packed_graph *p = calloc(1, sizeof *p);

    if (p == NULL || (p->layer = rs_alloc((size_t)g->n_nodes, sizeof *p->layer)) == NULL ||
        (p->plane = rs_alloc((size_t)g->n_nodes, sizeof *p->plane)) == NULL) {
        rs_packed_graph_destroy(p);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d packed layers", g->n_nodes);
    }
    p->n_nodes = g->n_nodes;
    for (int i = 0; i < g->n_nodes; i++) {
        struct rs_error why = { 0 };
        const rs_status status = pack_layer(g, i, p, &why);

        if (status != RS_OK) {
            rs_packed_graph_destroy(p);
            return rs_node_fail(g, &g->nodes[i], err, status, "%.300s", why.text);
        }
    }
    *out = p;
    return RS_OK;
}

size_t rs_graph_arena_bytes(const struct rs_memory_plan *plan, const struct rs_packed_graph *packed, int threads)
{
    return plan->arena_bytes + (packed == NULL || packed->scratch_bytes == 0 ? 0 : (size_t)threads * packed->scratch_bytes + RS_PACK_ALIGNMENT);
}

enum { FEW_TENSORS = 256 };            /* for so many the table of pointers needs no heap */

rs_status rs_graph_run_cpu(const struct rs_graph *g, const struct rs_memory_plan *plan,
                           const void *const *inputs, void *const *outputs,
                           void *arena, size_t arena_bytes,
                           const struct rs_run_options *options, struct rs_error *err)
{
    const struct rs_run_options defaults = { 0 };
    rs_status status = RS_OK;

    if (options == NULL)
        options = &defaults;
    if (g == NULL || plan == NULL || (g->n_inputs > 0 && inputs == NULL) || (g->n_outputs > 0 && outputs == NULL))
        return rs_fail(err, RS_ERR_ARG, "rs_graph_run_cpu: null pointer");
    if (plan->n_tensors != g->n_tensors)
        return rs_fail(err, RS_ERR_ARG, "the memory plan has %d tensors, the graph %d: it belongs to another graph",
                       plan->n_tensors, g->n_tensors);
    const struct rs_packed_graph *packed = options->reference ? NULL : options->packed;
    const int threads = rs_pool_threads(options->pool);
    const size_t needed = rs_graph_arena_bytes(plan, packed, threads);

    if (packed != NULL && packed->n_nodes != g->n_nodes)
        return rs_fail(err, RS_ERR_ARG, "the packed layers belong to a graph of %d operations, this one has %d",
                       packed->n_nodes, g->n_nodes);
    if (arena_bytes < needed || (arena == NULL && needed != 0))
        return rs_fail(err, RS_ERR_ARG, "the arena has %zu bytes, %zu are needed", arena == NULL ? (size_t)0 : arena_bytes, needed);
    if (((uintptr_t)arena & (plan->alignment - 1)) != 0)
        return rs_fail(err, RS_ERR_ARG, "the arena is not aligned to %zu bytes", plan->alignment);
    for (int i = 0; i < g->n_inputs + g->n_outputs; i++)
        if ((i < g->n_inputs ? inputs[i] : outputs[i - g->n_inputs]) == NULL)
            return rs_fail(err, RS_ERR_ARG, "no buffer for network %s %d", i < g->n_inputs ? "input" : "output",
                           i < g->n_inputs ? i : i - g->n_inputs);
    void *const packed_scratch = arena == NULL ? NULL :
        (void *)(((uintptr_t)arena + plan->arena_bytes + RS_PACK_ALIGNMENT - 1) & ~(uintptr_t)(RS_PACK_ALIGNMENT - 1));
    void *few[FEW_TENSORS], **data = g->n_tensors <= FEW_TENSORS ? few : rs_alloc((size_t)g->n_tensors, sizeof *data);

    if (data == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d pointers", g->n_tensors);
    for (int t = 0; t < g->n_tensors; t++)
        data[t] = plan->offset_bytes[t] != RS_NO_OFFSET ? (char *)arena + plan->offset_bytes[t] : g->tensors[t].data;
    for (int i = 0; i < g->n_inputs; i++)
        data[g->inputs[i]] = (void *)(uintptr_t)inputs[i];          /* read only: no node writes a network input */
    for (int t = 0; t < g->n_tensors; t++)
        if (data[t] == NULL)
            data[t] = data[plan->root[t]];                          /* a view of an input or a constant */

    for (int i = 0; i < g->n_nodes && status == RS_OK; i++) {
        void *scratch = plan->scratch_offset[i] != RS_NO_OFFSET ? (char *)arena + plan->scratch_offset[i] : NULL;

        if (packed != NULL && packed->layer[i] != NULL) {
            struct rs_error why = { 0 };

            status = rs_packed_run_pool(packed->layer[i], data[g->nodes[i].inputs[0]], data[g->nodes[i].outputs[0]], options->pool,
                                        packed_scratch, (size_t)threads * packed->scratch_bytes, &why);
            if (status != RS_OK)
                rs_node_fail(g, &g->nodes[i], err, status, "%.300s", why.text);
        } else if (packed != NULL && packed->plane[i] != NULL) {
            const struct rs_node *n = &g->nodes[i];

            rs_add_s8_plane_run((size_t)rs_tensor_elements(&g->tensors[n->outputs[0]]), rs_data_of(g, n->inputs[0], data),
                                rs_data_of(g, n->inputs[1], data), &n->u.add, packed->plane[i], data[n->outputs[0]]);
        } else {
            status = rs_graph_run_node(g, i, data, scratch, options->reference, err);
        }
        if (status == RS_OK && options->hook != NULL)
            status = options->hook(options->hook_context, g, i, data[g->nodes[i].outputs[0]]);
    }
    for (int i = 0; i < g->n_outputs && status == RS_OK; i++)
        memcpy(outputs[i], data[g->outputs[i]], rs_tensor_bytes(&g->tensors[g->outputs[i]]));
    if (data != few)
        free(data);
    return status;
}
