/* graph.c - graphs themselves: making, growing, destroying, naming; questions about neighbours. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "graph_internal.h"

/* Far above real networks; the memory planner takes seconds at this size. */
enum { MAX_NODES = 1 << 15, MAX_TENSORS = 1 << 19 };

const struct rs_op_info rs_op_table[RS_OP_COUNT] = {
    [RS_OP_CONV2D]           = { "CONV_2D",                 2, 3, true  },
    [RS_OP_DEPTHWISE_CONV2D] = { "DEPTHWISE_CONV_2D",       2, 3, true  },
    [RS_OP_FULLY_CONNECTED]  = { "FULLY_CONNECTED",         2, 3, true  },
    [RS_OP_BATCH_MATMUL]     = { "BATCH_MATMUL",            2, 2, true  },
    [RS_OP_ADD]              = { "ADD",                     2, 2, false },
    [RS_OP_SUB]              = { "SUB",                     2, 2, false },
    [RS_OP_MUL]              = { "MUL",                     2, 2, false },
    [RS_OP_MAXIMUM]          = { "MAXIMUM",                 2, 2, false },
    [RS_OP_MINIMUM]          = { "MINIMUM",                 2, 2, false },
    [RS_OP_AVERAGE_POOL_2D]  = { "AVERAGE_POOL_2D",         1, 1, false },
    [RS_OP_MAX_POOL_2D]      = { "MAX_POOL_2D",             1, 1, false },
    [RS_OP_MEAN]             = { "MEAN",                    1, 1, false },
    [RS_OP_RESHAPE]          = { "RESHAPE",                 1, 1, false },
    [RS_OP_PAD]              = { "PAD",                     1, 1, false },
    [RS_OP_TRANSPOSE]        = { "TRANSPOSE",               1, 1, false },
    [RS_OP_CONCAT]           = { "CONCATENATION",           1, -1, false },
    [RS_OP_SLICE]            = { "SLICE",                   1, 1, false },
    [RS_OP_RESIZE_NEAREST]   = { "RESIZE_NEAREST_NEIGHBOR", 1, 1, false },
    [RS_OP_SOFTMAX]          = { "SOFTMAX",                 1, 1, false },
    [RS_OP_LOGISTIC]         = { "LOGISTIC",                1, 1, false },
    [RS_OP_TANH]             = { "TANH",                    1, 1, false },
    [RS_OP_HARD_SWISH]       = { "HARD_SWISH",              1, 1, false },
    [RS_OP_LEAKY_RELU]       = { "LEAKY_RELU",              1, 1, false },
    [RS_OP_RELU]             = { "RELU",                    1, 1, false },
    [RS_OP_RELU6]            = { "RELU6",                   1, 1, false },
    [RS_OP_RELU_N1_TO_1]     = { "RELU_N1_TO_1",            1, 1, false },
    [RS_OP_QUANTIZE]         = { "QUANTIZE",                1, 1, false },
    [RS_OP_DEQUANTIZE]       = { "DEQUANTIZE",              1, 1, false },
    [RS_OP_DIV]              = { "DIV",                     2, 2, false },
    [RS_OP_SQUARED_DIFFERENCE] = { "SQUARED_DIFFERENCE",    2, 2, false },
    [RS_OP_GELU]             = { "GELU",                    1, 1, false },
    [RS_OP_ERF]              = { "ERF",                     1, 1, false },
    [RS_OP_EXP]              = { "EXP",                     1, 1, false },
    [RS_OP_SQRT]             = { "SQRT",                    1, 1, false },
    [RS_OP_RSQRT]            = { "RSQRT",                   1, 1, false },
    [RS_OP_BATCH_NORM]       = { "BATCH_NORM",              5, 5, false },
    [RS_OP_POW]              = { "POW",                     2, 2, false },
    [RS_OP_FUNCTION]         = { "FUNCTION",                1, 1, false },
    [RS_OP_LAYER_NORM]       = { "LAYER_NORM",              1, 3, false },
};

static const struct { const char *name; size_t bytes; } type_table[RS_TYPE_COUNT] = {
    [RS_TYPE_S8]  = { "int8", 1 },  [RS_TYPE_U8]  = { "uint8", 1 },  [RS_TYPE_S16]  = { "int16", 2 },
    [RS_TYPE_S32] = { "int32", 4 }, [RS_TYPE_S64] = { "int64", 8 },  [RS_TYPE_F32]  = { "float32", 4 },
    [RS_TYPE_BOOL] = { "bool", 1 },
};

const char *rs_type_name(enum rs_type type)
{
    return (unsigned)type < RS_TYPE_COUNT ? type_table[type].name : "unknown type";
}

size_t rs_type_bytes(enum rs_type type)
{
    return (unsigned)type < RS_TYPE_COUNT ? type_table[type].bytes : 0;
}

const char *rs_op_name(enum rs_op op)
{
    return (unsigned)op < RS_OP_COUNT ? rs_op_table[op].name : "unknown operation";
}

bool rs_op_has_macs(enum rs_op op)
{
    return (unsigned)op < RS_OP_COUNT && rs_op_table[op].macs;
}

int64_t rs_tensor_elements(const struct rs_tensor *t)
{
    int64_t elements = 1;                       /* < 2^31: rs_graph_add_tensor() and inference see to it */

    for (int i = 0; i < t->rank; i++)
        elements *= t->dim[i];
    return elements;
}

size_t rs_tensor_bytes(const struct rs_tensor *t)
{
    return (size_t)rs_tensor_elements(t) * rs_type_bytes(t->type);
}

const char *rs_tensor_dims(const struct rs_tensor *t, char *text, size_t size)
{
    size_t used = 0;

    if (size == 0)
        return text;
    snprintf(text, size, "scalar");
    for (int i = 0; i < t->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%d", i == 0 ? "" : "x", t->dim[i]);
    return text;
}

struct rs_dims rs_dims_of(const struct rs_tensor *t)
{
    struct rs_dims d = { .rank = t->rank };

    for (int i = 0; i < t->rank; i++)
        d.extent[i] = t->dim[i];
    return d;
}

bool rs_same_dims(const struct rs_tensor *a, const struct rs_tensor *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof a->dim) == 0;
}

bool rs_is_float_node(const struct rs_graph *g, const struct rs_node *n)
{
    return g->tensors[n->inputs[0]].type == RS_TYPE_F32 && g->tensors[n->outputs[0]].type == RS_TYPE_F32;
}

bool rs_is_s16_node(const struct rs_graph *g, const struct rs_node *n)
{
    return g->tensors[n->inputs[0]].type == RS_TYPE_S16 || g->tensors[n->outputs[0]].type == RS_TYPE_S16;
}

bool rs_same_quant(const struct rs_tensor *a, const struct rs_tensor *b)
{
    if (a->quant.channels != b->quant.channels || (a->quant.channels > 1 && a->quant.axis != b->quant.axis))
        return false;
    for (int i = 0; i < a->quant.channels; i++)
        if (a->quant.scale[i] != b->quant.scale[i] || a->quant.zero_point[i] != b->quant.zero_point[i])
            return false;
    return true;
}

rs_status rs_node_fail(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err, rs_status status,
                       const char *format, ...)
{
    char text[sizeof err->text];
    const int out = n->n_outputs > 0 ? n->outputs[0] : -1;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rs_fail(err, status, "%s (operation %d, output '%.80s'): %s", rs_op_name(n->op), n->source,
                   out >= 0 && out < g->n_tensors ? g->tensors[out].name : "", text);
}

void *rs_alloc(size_t count, size_t size)
{
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - 128)
        return NULL;
    bytes = (bytes + 63 + (bytes == 0)) / 64 * 64;
    p = aligned_alloc(64, bytes);
    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

static char *copy_text(const char *text)
{
    const size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    return copy != NULL ? memcpy(copy, text, n) : NULL;
}

/* Room for one more element of @size bytes; doubles.  false: no memory. */
static bool grow(void **array, int *cap, int used, size_t size)
{
    if (used < *cap)
        return true;
    const int new_cap = *cap == 0 ? 16 : *cap * 2;
    void *p = realloc(*array, (size_t)new_cap * size);

    if (p == NULL)
        return false;
    *array = p;
    *cap = new_cap;
    return true;
}

rs_status rs_graph_create(const char *name, struct rs_graph **out, struct rs_error *err)
{
    if (name == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_graph_create: name and out must not be NULL");
    *out = NULL;
    struct rs_graph *g = calloc(1, sizeof *g);

    if (g == NULL || (g->name = copy_text(name)) == NULL) {
        free(g);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for a graph");
    }
    *out = g;
    return RS_OK;
}

void rs_tensor_free(struct rs_tensor *t)
{
    free(t->name);
    free(t->quant.scale);
    free(t->quant.zero_point);
    free(t->data);
    memset(t, 0, sizeof *t);
}

void rs_node_free(struct rs_node *n)
{
    free(n->inputs);
    free(n->outputs);
    free(n->mult);
    free(n->shift);
    free(n->real);
    memset(n, 0, sizeof *n);
}

void rs_graph_destroy(struct rs_graph *g)
{
    if (g == NULL)
        return;
    for (int i = 0; i < g->n_tensors; i++)
        rs_tensor_free(&g->tensors[i]);
    for (int i = 0; i < g->n_nodes; i++)
        rs_node_free(&g->nodes[i]);
    free(g->tensors);
    free(g->nodes);
    free(g->inputs);
    free(g->outputs);
    free(g->name);
    free(g);
}

rs_status rs_graph_add_tensor(struct rs_graph *g, const char *name, enum rs_type type, int rank,
                              const int32_t *dim, const void *data, size_t data_bytes,
                              int *id, struct rs_error *err)
{
    struct rs_tensor t = { .type = type, .rank = rank, .dim = { 1, 1, 1, 1, 1 } };
    int64_t elements = 1;

    if (g == NULL || name == NULL || (rank > 0 && dim == NULL))
        return rs_fail(err, RS_ERR_ARG, "rs_graph_add_tensor: g, name and dim must not be NULL");
    if ((unsigned)type >= RS_TYPE_COUNT)
        return rs_fail(err, RS_ERR_ARG, "tensor '%.80s': type %d does not exist", name, (int)type);
    if (rank < 0 || rank > RS_MAX_RANK)
        return rs_fail(err, RS_ERR_SHAPE, "tensor '%.80s': rank %d, at most %d is supported", name, rank, RS_MAX_RANK);
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 1)
            return rs_fail(err, RS_ERR_SHAPE, "tensor '%.80s': dimension %d is %d, at least 1 is needed", name, i, dim[i]);
        t.dim[i] = dim[i];
        elements *= dim[i];
        if (elements > INT32_MAX)
            return rs_fail(err, RS_ERR_SHAPE, "tensor '%.80s': more than 2^31 - 1 elements", name);
    }
    if (data != NULL && data_bytes != rs_tensor_bytes(&t))
        return rs_fail(err, RS_ERR_SHAPE, "tensor '%.80s': %zu bytes of data, its type and dimensions need %zu",
                       name, data_bytes, rs_tensor_bytes(&t));
    if (g->n_tensors >= MAX_TENSORS)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "more than %d tensors", MAX_TENSORS);
    if ((t.name = copy_text(name)) == NULL)
        goto err_nomem;
    if (data != NULL) {
        if ((t.data = rs_alloc(data_bytes, 1)) == NULL)
            goto err_nomem;
        memcpy(t.data, data, data_bytes);
        t.data_bytes = data_bytes;
    }
    if (!grow((void **)&g->tensors, &g->cap_tensors, g->n_tensors, sizeof t))
        goto err_nomem;
    if (id != NULL)
        *id = g->n_tensors;
    g->tensors[g->n_tensors++] = t;
    return RS_OK;

err_nomem:
    rs_tensor_free(&t);
    return rs_fail(err, RS_ERR_NOMEM, "no memory for tensor '%.80s' of %zu bytes", name, data_bytes);
}

rs_status rs_graph_set_quant(struct rs_graph *g, int tensor, int channels, int axis,
                             const float *scale, const int32_t *zero_point, struct rs_error *err)
{
    if (g == NULL || tensor < 0 || tensor >= g->n_tensors || channels < 0 || (channels > 0 && scale == NULL))
        return rs_fail(err, RS_ERR_ARG, "rs_graph_set_quant: bad graph, tensor id %d, %d channels or scale", tensor, channels);
    struct rs_tensor *t = &g->tensors[tensor];

    if (channels > 1 && (axis < 0 || axis >= t->rank || t->dim[axis] != channels))
        return rs_fail(err, RS_ERR_SHAPE, "tensor '%.80s': %d scales along dimension %d, which has extent %d", t->name,
                       channels, axis, axis >= 0 && axis < t->rank ? t->dim[axis] : 0);
    for (int i = 0; i < channels; i++)
        if (!isfinite(scale[i]) || scale[i] <= 0)
            return rs_fail(err, RS_ERR_RANGE, "tensor '%.80s': scale[%d] is %g, it must be finite and > 0",
                           t->name, i, (double)scale[i]);
    float *s = rs_alloc((size_t)channels, sizeof *s);
    int32_t *z = rs_alloc((size_t)channels, sizeof *z);

    if (s == NULL || z == NULL) {
        free(s);
        free(z);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d scales", channels);
    }
    for (int i = 0; i < channels; i++) {
        s[i] = scale[i];
        z[i] = zero_point != NULL ? zero_point[i] : 0;
    }
    free(t->quant.scale);
    free(t->quant.zero_point);
    t->quant = (struct rs_tensor_quant){ .channels = channels, .axis = axis, .scale = s, .zero_point = z };
    return RS_OK;
}

static int *copy_ids(const int *ids, int n)
{
    int *copy = rs_alloc((size_t)n, sizeof *copy);

    if (copy != NULL && n > 0)
        memcpy(copy, ids, (size_t)n * sizeof *copy);
    return copy;
}

rs_status rs_graph_add_node(struct rs_graph *g, const struct rs_node *proto,
                            const int *inputs, int n_inputs, const int *outputs, int n_outputs,
                            int *index, struct rs_error *err)
{
    if (g == NULL || proto == NULL || n_inputs < 0 || n_outputs < 1 || (n_inputs > 0 && inputs == NULL) || outputs == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_graph_add_node: bad graph, prototype or operand list");
    struct rs_node n = *proto;

    n.inputs = n.outputs = NULL;
    n.mult = n.shift = NULL;
    n.real = NULL;
    n.n_requant = 0;
    n.n_inputs = n_inputs;
    n.n_outputs = n_outputs;
    if ((unsigned)n.op >= RS_OP_COUNT)
        return rs_fail(err, RS_ERR_ARG, "operation code %d does not exist", (int)n.op);
    for (int i = 0; i < n_inputs; i++)
        if (inputs[i] < -1 || inputs[i] >= g->n_tensors)
            return rs_fail(err, RS_ERR_ARG, "%s (operation %d): input %d is tensor %d of %d", rs_op_name(n.op),
                           n.source, i, inputs[i], g->n_tensors);
    for (int i = 0; i < n_outputs; i++)
        if (outputs[i] < 0 || outputs[i] >= g->n_tensors)
            return rs_fail(err, RS_ERR_ARG, "%s (operation %d): output %d is tensor %d of %d", rs_op_name(n.op),
                           n.source, i, outputs[i], g->n_tensors);
    if (g->n_nodes >= MAX_NODES)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "more than %d operations", MAX_NODES);
    n.inputs = copy_ids(inputs, n_inputs);
    n.outputs = copy_ids(outputs, n_outputs);
    if (n.inputs == NULL || n.outputs == NULL || !grow((void **)&g->nodes, &g->cap_nodes, g->n_nodes, sizeof n)) {
        rs_node_free(&n);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for a node");
    }
    if (index != NULL)
        *index = g->n_nodes;
    g->nodes[g->n_nodes++] = n;
    return RS_OK;
}

rs_status rs_graph_set_io(struct rs_graph *g, const int *inputs, int n_inputs,
                          const int *outputs, int n_outputs, struct rs_error *err)
{
    if (g == NULL || n_inputs < 0 || n_outputs < 0 || (n_inputs > 0 && inputs == NULL) || (n_outputs > 0 && outputs == NULL))
        return rs_fail(err, RS_ERR_ARG, "rs_graph_set_io: bad graph or operand list");
    for (int i = 0; i < n_inputs + n_outputs; i++) {
        const int id = i < n_inputs ? inputs[i] : outputs[i - n_inputs];

        if (id < 0 || id >= g->n_tensors)
            return rs_fail(err, RS_ERR_ARG, "network %s %d is tensor %d of %d", i < n_inputs ? "input" : "output",
                           i < n_inputs ? i : i - n_inputs, id, g->n_tensors);
    }
    int *in = copy_ids(inputs, n_inputs), *out = copy_ids(outputs, n_outputs);

    if (in == NULL || out == NULL) {
        free(in);
        free(out);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for the list of inputs and outputs");
    }
    free(g->inputs);
    free(g->outputs);
    g->inputs = in;
    g->outputs = out;
    g->n_inputs = n_inputs;
    g->n_outputs = n_outputs;
    return RS_OK;
}

void rs_graph_remove_nodes(struct rs_graph *g, const bool *remove)
{
    int kept = 0;

    for (int i = 0; i < g->n_nodes; i++) {
        if (remove[i])
            rs_node_free(&g->nodes[i]);
        else
            g->nodes[kept++] = g->nodes[i];
    }
    g->n_nodes = kept;
}

rs_status rs_uses_create(const struct rs_graph *g, struct rs_uses *u, struct rs_error *err)
{
    u->producer = rs_alloc((size_t)g->n_tensors, sizeof *u->producer);
    u->count = rs_alloc((size_t)g->n_tensors, sizeof *u->count);
    if (u->producer == NULL || u->count == NULL) {
        rs_uses_destroy(u);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for the uses of %d tensors", g->n_tensors);
    }
    for (int t = 0; t < g->n_tensors; t++)
        u->producer[t] = -1;
    for (int i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i].n_outputs; k++)
            u->producer[g->nodes[i].outputs[k]] = i;
        for (int k = 0; k < g->nodes[i].n_inputs; k++)
            if (g->nodes[i].inputs[k] >= 0)
                u->count[g->nodes[i].inputs[k]]++;
    }
    for (int i = 0; i < g->n_outputs; i++)
        u->count[g->outputs[i]]++;
    return RS_OK;
}

void rs_uses_destroy(struct rs_uses *u)
{
    free(u->producer);
    free(u->count);
    u->producer = u->count = NULL;
}

int rs_graph_producer(const struct rs_graph *g, int tensor)
{
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_outputs; k++)
            if (g->nodes[i].outputs[k] == tensor)
                return i;
    return -1;
}

int rs_graph_consumers(const struct rs_graph *g, int tensor)
{
    int count = 0;

    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_inputs; k++)
            count += g->nodes[i].inputs[k] == tensor;
    for (int i = 0; i < g->n_outputs; i++)
        count += g->outputs[i] == tensor;
    return count;
}

int rs_graph_sole_consumer(const struct rs_graph *g, int tensor)
{
    int sole = -1;

    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == tensor)
            return -1;
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_inputs; k++)
            if (g->nodes[i].inputs[k] == tensor) {
                if (sole >= 0)
                    return -1;               /* a second reader, or the same node twice */
                sole = i;
            }
    return sole;
}

int rs_graph_fusable_add(const struct rs_graph *g, int node, int *residual)
{
    if (node < 0 || node >= g->n_nodes || g->nodes[node].n_outputs != 1)
        return -1;
    const int out = g->nodes[node].outputs[0];
    const int add = rs_graph_sole_consumer(g, out);

    if (add < 0 || g->nodes[add].op != RS_OP_ADD)
        return -1;
    const struct rs_node *n = &g->nodes[add];
    const int other = n->inputs[0] == out ? n->inputs[1] : n->inputs[0];

    if (!rs_same_dims(&g->tensors[out], &g->tensors[n->outputs[0]]) ||
        !rs_same_dims(&g->tensors[other], &g->tensors[n->outputs[0]]) || g->tensors[other].data != NULL)
        return -1;
    if (residual != NULL)
        *residual = other;
    return add;
}

int rs_graph_fusable_pool(const struct rs_graph *g, int node)
{
    struct rs_layer layer;

    if (node < 0 || node >= g->n_nodes || g->nodes[node].n_outputs != 1)
        return -1;
    const int pool = rs_graph_sole_consumer(g, g->nodes[node].outputs[0]);

    if (pool < 0 || (g->nodes[pool].op != RS_OP_AVERAGE_POOL_2D && g->nodes[pool].op != RS_OP_MAX_POOL_2D &&
                     g->nodes[pool].op != RS_OP_MEAN))
        return -1;
    return rs_graph_layer(g, pool, &layer) ? pool : -1;
}

bool rs_graph_layer(const struct rs_graph *g, int node, struct rs_layer *l)
{
    if (node < 0 || node >= g->n_nodes)
        return false;
    const struct rs_node *n = &g->nodes[node];
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *out = &g->tensors[n->outputs[0]];

    *l = (struct rs_layer){
        .N = in->dim[0], .H = in->dim[1], .W = in->dim[2], .C = in->dim[3],
        .M = out->dim[3], .R = n->kernel_h, .S = n->kernel_w, .E = out->dim[1], .F = out->dim[2],
        .Uh = n->stride_h, .Uw = n->stride_w, .dilation_h = n->dilation_h, .dilation_w = n->dilation_w,
        .pad_top = n->pad_top, .pad_left = n->pad_left, .pad_bottom = n->pad_bottom, .pad_right = n->pad_right,
        .zp_in = in->quant.channels > 0 ? in->quant.zero_point[0] : 0,
        .zp_out = out->quant.channels > 0 ? out->quant.zero_point[0] : 0,
        .act_min = n->act_min, .act_max = n->act_max,
        .ifmap = n->inputs[0], .ofmap = n->outputs[0],
        .filter = n->n_inputs > 1 ? n->inputs[1] : -1, .bias = n->n_inputs > 2 ? n->inputs[2] : -1,
    };
    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D:
        return true;
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D:
        l->dilation_h = l->dilation_w = 1;
        l->filter = l->bias = -1;
        return true;
    case RS_OP_FULLY_CONNECTED: {
        const struct rs_tensor *w = &g->tensors[n->inputs[1]];

        l->C = w->dim[1];
        l->M = w->dim[0];
        l->N = (int32_t)(rs_tensor_elements(in) / l->C);
        l->H = l->W = l->R = l->S = l->E = l->F = l->Uh = l->Uw = l->dilation_h = l->dilation_w = 1;
        return true;
    }
    case RS_OP_MEAN:                                    /* over H and W of a map: a global average pool */
        if (in->rank != 4 || n->n_axes != 2 || n->axis[0] != 1 || n->axis[1] != 2)
            return false;
        l->R = l->H;
        l->S = l->W;
        l->M = l->C;
        l->E = l->F = l->Uh = l->Uw = l->dilation_h = l->dilation_w = 1;
        l->filter = l->bias = -1;
        return true;
    default:
        return false;
    }
}

int64_t rs_graph_macs(const struct rs_graph *g, int node)
{
    struct rs_layer l;

    if (node < 0 || node >= g->n_nodes)
        return 0;
    const struct rs_node *n = &g->nodes[node];

    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_FULLY_CONNECTED:
        return rs_graph_layer(g, node, &l) ? rs_tensor_elements(&g->tensors[l.ofmap]) * l.R * l.S * l.C : 0;
    case RS_OP_DEPTHWISE_CONV2D:
        return rs_graph_layer(g, node, &l) ? rs_tensor_elements(&g->tensors[l.ofmap]) * l.R * l.S : 0;
    case RS_OP_BATCH_MATMUL: {
        const struct rs_tensor *x = &g->tensors[n->inputs[0]];

        return rs_tensor_elements(&g->tensors[n->outputs[0]]) * x->dim[x->rank - (n->adjoint_x ? 2 : 1)];
    }
    default:
        return 0;
    }
}

int64_t rs_graph_total_macs(const struct rs_graph *g)
{
    int64_t total = 0;

    for (int i = 0; i < g->n_nodes; i++)
        if (__builtin_add_overflow(total, rs_graph_macs(g, i), &total))
            return INT64_MAX;
    return total;
}

void rs_graph_print(const struct rs_graph *g, FILE *to)
{
    char dims[80];

    fprintf(to, "%s: %d operations, %.2f M MACs\n", g->name, g->n_nodes, (double)rs_graph_total_macs(g) * 1e-6);
    for (int i = 0; i < g->n_inputs; i++)
        fprintf(to, "  input  %d %s %s '%s'\n", i, rs_tensor_dims(&g->tensors[g->inputs[i]], dims, sizeof dims),
                rs_type_name(g->tensors[g->inputs[i]].type), g->tensors[g->inputs[i]].name);
    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *n = &g->nodes[i];

        fprintf(to, "  %3d %-18s", i, rs_op_name(n->op));
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] < 0)
                fprintf(to, " -");
            else
                fprintf(to, " %%%d:%s%s", n->inputs[k], rs_tensor_dims(&g->tensors[n->inputs[k]], dims, sizeof dims),
                        g->tensors[n->inputs[k]].data != NULL ? "c" : "");
        fprintf(to, " ->");
        for (int k = 0; k < n->n_outputs; k++)
            fprintf(to, " %%%d:%s", n->outputs[k], rs_tensor_dims(&g->tensors[n->outputs[k]], dims, sizeof dims));
        if (n->kernel_h != 0)
            fprintf(to, " %dx%d/%d pad %d,%d,%d,%d", n->kernel_h, n->kernel_w, n->stride_h, n->pad_top, n->pad_left,
                    n->pad_bottom, n->pad_right);
        if (rs_graph_macs(g, i) != 0)
            fprintf(to, " %lld MACs", (long long)rs_graph_macs(g, i));
        fprintf(to, "\n");
    }
    for (int i = 0; i < g->n_outputs; i++)
        fprintf(to, "  output %d %s %s '%s'\n", i, rs_tensor_dims(&g->tensors[g->outputs[i]], dims, sizeof dims),
                rs_type_name(g->tensors[g->outputs[i]].type), g->tensors[g->outputs[i]].name);
}
