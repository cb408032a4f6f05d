/*
 * tflite_write.c - writing TensorFlow Lite's schema (version 3).
 *
 * The file grows forward only: a table's inline fields come first, then what they point to, whose place is patched in.
 * Field numbers are those of tensorflow/lite/schema/schema.fbs; layout: FlatBuffers internals document.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include "tflite_write.h"

struct out {
    uint8_t *bytes;
    size_t   size, room;
    bool     failed;                     /* no memory, or too large: every later write does nothing */
};

/* ---- flatbuffers ---- */

static void put(struct out *o, size_t at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n && !o->failed; i++)
        o->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

/* @n bytes of zeros at the end; their place. */
static size_t extend(struct out *o, size_t n)
{
    const size_t at = o->size;

    if (!o->failed && n > o->room - o->size) {
        size_t room = o->room + o->room / 2 + n + 4096;
        uint8_t *grown = room <= INT32_MAX ? realloc(o->bytes, room) : NULL;

        o->failed = grown == NULL;
        if (grown != NULL) {
            o->bytes = grown;
            o->room = room;
        }
    }
    if (o->failed)
        return 0;
    memset(o->bytes + at, 0, n);
    o->size += n;
    return at;
}

static size_t append(struct out *o, uint64_t value, size_t n)
{
    const size_t at = extend(o, n);

    put(o, at, value, n);
    return at;
}

/* Makes @ahead bytes from the end a multiple of @alignment. */
static void align(struct out *o, size_t ahead, size_t alignment)
{
    extend(o, (alignment - (o->size + ahead) % alignment) % alignment);
}

struct table { size_t vtable, at; };

static struct table begin(struct out *o, size_t fields)
{
    struct table t;

    align(o, 0, 4);
    t.vtable = extend(o, 4 + 2 * fields);
    put(o, t.vtable, 4 + 2 * fields, 2);
    put(o, t.vtable + 2, 4, 2);
    align(o, 0, 4);
    t.at = extend(o, 4);
    put(o, t.at, t.at - t.vtable, 4);
    return t;
}

/* An inline field in 4 bytes; bytes and bools too: little endian. */
static size_t field(struct out *o, struct table t, size_t index, uint32_t value)
{
    const size_t at = append(o, value, 4);

    put(o, t.vtable + 4 + 2 * index, at - t.at, 2);
    put(o, t.vtable + 2, o->size - t.at, 2);
    return at;
}

static void point(struct out *o, size_t at, struct table to) { put(o, at, to.at - at, 4); }

/* The vector that the offset at @at points to comes next; place of its first element, which has @alignment. */
static size_t vector(struct out *o, size_t at, size_t count, size_t element_bytes, size_t alignment)
{
    align(o, 4, alignment);
    put(o, at, o->size - at, 4);
    append(o, count, 4);
    return extend(o, count * element_bytes);
}

static void text(struct out *o, size_t at, const char *s)
{
    const size_t n = strlen(s), to = vector(o, at, n, 1, 4);

    if (!o->failed)
        memcpy(o->bytes + to, s, n);
    extend(o, 1);
}

static void ints(struct out *o, size_t at, const int32_t *v, int n)
{
    const size_t to = vector(o, at, (size_t)n, 4, 4);

    for (int i = 0; i < n; i++)
        put(o, to + 4 * (size_t)i, (uint32_t)v[i], 4);
}

static uint32_t bits(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

/* ---- the model, as lists ---- */

enum { OPERANDS = 5 };

struct tensor {                          /* of the file */
    const struct rs_tensor *like;        /* name, type, scale; and, without @data, dims and data */
    enum rs_type type;
    int rank;
    int32_t dim[RS_MAX_RANK];
    const void *data; size_t bytes;
    int32_t own[2 * RS_MAX_RANK];        /* data of a constant made here */
    char suffix[8];
};
struct option { int field; uint32_t value; };
struct operation {
    int builtin, version, n_in, *in, out;
    int options_type, n_options, shape_rank;
    struct option option[8];
    int32_t shape[RS_MAX_RANK];          /* RESHAPE */
};
struct writer {
    const struct rs_graph *g;
    struct tensor *tensor;
    struct operation *op;
    int n_tensors, n_ops, cap_tensors, cap_ops;
    int *id;                             /* [tensor of the graph]: tensor of the file, or -1 */
    struct rs_error *err;
};

/* Builtin code, kind of options (0: none), version for float32, int8 and int16 activations; code -1: TFLite has none. */
static const struct builtin { int16_t code, options; int8_t version[3]; } builtins[RS_OP_COUNT] = {
    [RS_OP_CONV2D] = { 3, 1, { 1, 3, 4 } },            [RS_OP_DEPTHWISE_CONV2D] = { 4, 2, { 1, 3, 5 } },
    [RS_OP_FULLY_CONNECTED] = { 9, 8, { 1, 4, 7 } },   [RS_OP_BATCH_MATMUL] = { 126, 101, { 1, 2, 3 } },
    [RS_OP_ADD] = { 0, 11, { 1, 2, 4 } },              [RS_OP_SUB] = { 41, 28, { 1, 2, 5 } },
    [RS_OP_MUL] = { 18, 21, { 1, 2, 5 } },             [RS_OP_MAXIMUM] = { 55, 39, { 1, 2, 4 } },
    [RS_OP_MINIMUM] = { 57, 39, { 1, 2, 4 } },         [RS_OP_AVERAGE_POOL_2D] = { 1, 5, { 1, 2, 3 } },
    [RS_OP_MAX_POOL_2D] = { 17, 5, { 1, 2, 3 } },      [RS_OP_MEAN] = { 40, 27, { 1, 2, 3 } },
    [RS_OP_RESHAPE] = { 22, 17, { 1, 1, 1 } },         [RS_OP_PAD] = { 34, 22, { 1, 2, 3 } },
    [RS_OP_TRANSPOSE] = { 39, 26, { 1, 2, 4 } },       [RS_OP_CONCAT] = { 2, 10, { 1, 2, 3 } },
    [RS_OP_SLICE] = { 65, 0, { 1, 2, 4 } },            [RS_OP_RESIZE_NEAREST] = { 97, 74, { 1, 2, 4 } },
    [RS_OP_SOFTMAX] = { 25, 9, { 1, 2, 3 } },          [RS_OP_LOGISTIC] = { 14, 0, { 1, 2, 3 } },
    [RS_OP_TANH] = { 28, 0, { 1, 2, 3 } },             [RS_OP_HARD_SWISH] = { 117, 0, { 1, 1, 1 } },
    [RS_OP_LEAKY_RELU] = { 98, 75, { 1, 2, 2 } },      [RS_OP_RELU] = { 19, 0, { 1, 2, 3 } },
    [RS_OP_RELU6] = { 21, 0, { 1, 2, 3 } },            [RS_OP_RELU_N1_TO_1] = { 20, 0, { 1, 1, 1 } },
    [RS_OP_QUANTIZE] = { 114, 0, { 1, 2, 2 } },        [RS_OP_DEQUANTIZE] = { 6, 0, { 1, 2, 3 } },
    [RS_OP_DIV] = { 42, 29, { 1, 1, 1 } },             [RS_OP_SQUARED_DIFFERENCE] = { 99, 0, { 1, 1, 1 } },
    [RS_OP_GELU] = { 150, 0, { 1, 1, 1 } },            [RS_OP_ERF] = { -1, 0, { 0 } },
    [RS_OP_EXP] = { 47, 0, { 1, 1, 1 } },              [RS_OP_SQRT] = { 75, 0, { 1, 1, 1 } },
    [RS_OP_RSQRT] = { 76, 0, { 1, 1, 1 } },            [RS_OP_BATCH_NORM] = { -1, 0, { 0 } },
    [RS_OP_LAYER_NORM] = { -1, 0, { 0 } },
};
enum { B_STRIDED_SLICE = 45, B_PADV2 = 60 };

static rs_status no_memory(struct writer *w)
{
    return rs_fail(w->err, RS_ERR_NOMEM, "no memory to write %d operations", w->g->n_nodes);
}

static rs_status refused(struct writer *w, const struct rs_node *n, const char *why)
{
    return rs_fail(w->err, RS_ERR_UNSUPPORTED, "%s (output '%.80s'): %s", rs_op_name(n->op), w->g->tensors[n->outputs[0]].name, why);
}

static rs_status add_tensor(struct writer *w, const struct tensor *t, int *id)
{
    if (w->n_tensors == w->cap_tensors) {
        const int cap = w->cap_tensors * 2 + 64;
        struct tensor *grown = realloc(w->tensor, (size_t)cap * sizeof *grown);

        if (grown == NULL)
            return no_memory(w);
        w->tensor = grown;
        w->cap_tensors = cap;
    }
    *id = w->n_tensors;
    w->tensor[w->n_tensors++] = *t;
    return RS_OK;
}

static rs_status use(struct writer *w, int graph_tensor, int *id)
{
    const struct rs_tensor *t = graph_tensor >= 0 ? &w->g->tensors[graph_tensor] : NULL;
    rs_status status = RS_OK;

    *id = -1;
    if (t == NULL)
        return RS_OK;
    if (w->id[graph_tensor] < 0) {
        struct tensor x = { .like = t, .type = t->type, .rank = t->rank, .data = t->data, .bytes = t->data_bytes };

        memcpy(x.dim, t->dim, sizeof x.dim);
        status = add_tensor(w, &x, &w->id[graph_tensor]);
    }
    *id = w->id[graph_tensor];
    return status;
}

/* A constant of int32, as axes, sizes and paddings are; @rows 0: a vector, else a matrix. */
static rs_status constant(struct writer *w, const struct rs_tensor *like, const char *suffix, const int32_t *v, int n, int rows, int *id)
{
    struct tensor x = { .like = like, .type = RS_TYPE_S32, .rank = rows != 0 ? 2 : 1, .dim = { rows != 0 ? rows : n, rows != 0 ? n / rows : 1 },
                        .bytes = (size_t)n * sizeof *v };

    memcpy(x.own, v, x.bytes);
    snprintf(x.suffix, sizeof x.suffix, "%s", suffix);
    return add_tensor(w, &x, id);
}

static struct operation *add_op(struct writer *w, int n_in)
{
    if (w->n_ops == w->cap_ops) {
        const int cap = w->cap_ops * 2 + 64;
        struct operation *grown = realloc(w->op, (size_t)cap * sizeof *grown);

        if (grown == NULL)
            return NULL;
        w->op = grown;
        w->cap_ops = cap;
    }
    struct operation *o = &w->op[w->n_ops];

    *o = (struct operation){ .in = calloc((size_t)n_in + 1, sizeof *o->in) };
    if (o->in == NULL)
        return NULL;
    w->n_ops++;
    return o;
}

static void option(struct operation *o, int index, uint32_t value)
{
    o->option[o->n_options++] = (struct option){ index, value };
}

static uint32_t activation(enum rs_activation act)
{
    return act == RS_ACT_RELU ? 1 : act == RS_ACT_RELU_N1_TO_1 ? 2 : act == RS_ACT_RELU6 ? 3 : 0;
}

static int version_of(const struct rs_graph *g, const struct rs_node *n)
{
    const enum rs_type in = g->tensors[n->inputs[0]].type, out = g->tensors[n->outputs[0]].type;
    const bool s16 = in == RS_TYPE_S16 || out == RS_TYPE_S16, s8 = in == RS_TYPE_S8 || out == RS_TYPE_S8;

    return builtins[n->op].version[s16 ? 2 : s8 ? 1 : 0];
}

/* TFLite's padding of a window, 0 SAME or 1 VALID, and if it is neither a PAD before it: then *@in becomes its output. */
static rs_status padding(struct writer *w, const struct rs_node *n, int *in, uint32_t *code)
{
    static const int8_t lowest_s8 = INT8_MIN;
    static const int16_t lowest_s16 = INT16_MIN;
    static const float lowest_f32 = -FLT_MAX;
    const struct rs_tensor *t = &w->g->tensors[n->inputs[0]];
    const int32_t pads[8] = { 0, 0, n->pad_top, n->pad_bottom, n->pad_left, n->pad_right, 0, 0 };
    int32_t same[4];

    *code = 1;
    if (n->pad_top == 0 && n->pad_bottom == 0 && n->pad_left == 0 && n->pad_right == 0)
        return RS_OK;
    rs_status status = rs_conv_same_padding(t->dim[1], n->kernel_h, n->stride_h, n->dilation_h, &same[0], &same[1], w->err);

    if (status == RS_OK)
        status = rs_conv_same_padding(t->dim[2], n->kernel_w, n->stride_w, n->dilation_w, &same[2], &same[3], w->err);
    if (status != RS_OK)
        return status;
    if (memcmp(same, pads + 2, sizeof same) == 0) {
        *code = 0;
        return RS_OK;
    }
    if (n->op == RS_OP_AVERAGE_POOL_2D)
        return refused(w, n, "its pads are neither SAME nor VALID, and TFLite's PAD would count in the mean");
    const bool max = n->op == RS_OP_MAX_POOL_2D;
    struct tensor padded = { .like = t, .type = t->type, .rank = 4, .suffix = "/padded" };
    struct tensor least = { .like = t, .type = t->type, .suffix = "/least", .bytes = rs_type_bytes(t->type),
                            .data = t->type == RS_TYPE_S8 ? (const void *)&lowest_s8 : t->type == RS_TYPE_S16 ? (const void *)&lowest_s16
                                                                                                         : (const void *)&lowest_f32 };
    int pad_id, out, value = -1;

    for (int i = 0; i < 4; i++)
        padded.dim[i] = t->dim[i] + pads[2 * i] + pads[2 * i + 1];
    status = constant(w, t, "/pads", pads, 8, 4, &pad_id);
    if (status == RS_OK)
        status = add_tensor(w, &padded, &out);
    if (status == RS_OK && max)
        status = add_tensor(w, &least, &value);
    struct operation *o = status == RS_OK ? add_op(w, 3) : NULL;

    if (o == NULL)
        return status != RS_OK ? status : no_memory(w);
    o->builtin = max ? B_PADV2 : builtins[RS_OP_PAD].code;
    o->version = t->type == RS_TYPE_F32 ? 1 : 2;
    o->n_in = max ? 3 : 2;
    o->in[0] = *in;
    o->in[1] = pad_id;
    o->in[2] = value;
    o->out = *in = out;
    return RS_OK;
}

/* Attributes that TFLite has as constant operands, and those that it has as options. */
static rs_status attributes(struct writer *w, const struct rs_node *n, struct operation *o, uint32_t pad)
{
    const struct rs_tensor *in = &w->g->tensors[n->inputs[0]], *out = &w->g->tensors[n->outputs[0]];
    const int rank = in->rank;
    int32_t v[2 * RS_MAX_RANK];
    rs_status status = RS_OK;

    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_DEPTHWISE_CONV2D: {
        const bool depthwise = n->op == RS_OP_DEPTHWISE_CONV2D;

        option(o, 0, pad);
        option(o, 1, (uint32_t)n->stride_w);
        option(o, 2, (uint32_t)n->stride_h);
        if (depthwise)
            option(o, 3, (uint32_t)n->depth_multiplier);
        option(o, depthwise ? 4 : 3, activation(n->act));
        option(o, depthwise ? 5 : 4, (uint32_t)n->dilation_w);
        option(o, depthwise ? 6 : 5, (uint32_t)n->dilation_h);
        return RS_OK;
    }
    case RS_OP_AVERAGE_POOL_2D:
    case RS_OP_MAX_POOL_2D:
        option(o, 0, pad);
        option(o, 1, (uint32_t)n->stride_w);
        option(o, 2, (uint32_t)n->stride_h);
        option(o, 3, (uint32_t)n->kernel_w);
        option(o, 4, (uint32_t)n->kernel_h);
        option(o, 5, activation(n->act));
        return RS_OK;
    case RS_OP_FULLY_CONNECTED:
        option(o, 0, activation(n->act));
        option(o, 2, n->keep_dims);
        return RS_OK;
    case RS_OP_BATCH_MATMUL:
        option(o, 0, n->adjoint_x);
        option(o, 1, n->adjoint_y);
        return RS_OK;
    case RS_OP_ADD: case RS_OP_SUB:
        option(o, 1, 0);                                /* pot_scale_int16, true if it is not written */
        option(o, 0, activation(n->act));
        return RS_OK;
    case RS_OP_MUL: case RS_OP_DIV:
        option(o, 0, activation(n->act));
        return RS_OK;
    case RS_OP_SOFTMAX:
    case RS_OP_LEAKY_RELU:
        option(o, 0, bits(n->beta));
        return RS_OK;
    case RS_OP_CONCAT:
        option(o, 0, (uint32_t)n->axis[0]);
        option(o, 1, activation(n->act));
        return RS_OK;
    case RS_OP_MEAN:
        option(o, 0, n->keep_dims);
        return constant(w, out, "/axes", n->axis, n->n_axes, 0, &o->in[o->n_in++]);
    case RS_OP_RESHAPE:
        o->shape_rank = out->rank;
        memcpy(o->shape, out->dim, sizeof o->shape);
        return out->rank == 0 ? RS_OK : constant(w, out, "/shape", out->dim, out->rank, 0, &o->in[o->n_in++]);
    case RS_OP_PAD:
        for (int i = 0; i < rank; i++) {
            v[2 * i] = n->before[i];
            v[2 * i + 1] = n->after[i];
        }
        status = constant(w, out, "/pads", v, 2 * rank, rank, &o->in[o->n_in++]);
        if (status == RS_OK && (in->type == RS_TYPE_F32 ? n->pad_value != 0 : n->pad_code != in->quant.zero_point[0])) {
            struct tensor value = { .like = out, .type = in->type, .bytes = rs_type_bytes(in->type), .suffix = "/value" };

            o->builtin = B_PADV2;
            o->options_type = 0;
            if (in->type == RS_TYPE_F32)
                memcpy(value.own, &n->pad_value, sizeof n->pad_value);
            else
                memcpy(value.own, &n->pad_code, value.bytes);          /* little endian, as everything in the file */
            status = add_tensor(w, &value, &o->in[o->n_in++]);
        }
        return status;
    case RS_OP_TRANSPOSE:
        return constant(w, out, "/perm", n->axis, n->n_axes, 0, &o->in[o->n_in++]);
    case RS_OP_SLICE: {
        bool strided = false;

        for (int i = 0; i < rank; i++) {
            strided |= n->after[i] != 1;
            v[i] = n->before[i] + (n->shape[i] - 1) * n->after[i] + 1;
        }
        status = constant(w, out, "/begin", n->before, rank, 0, &o->in[o->n_in++]);
        if (status == RS_OK)
            status = constant(w, out, strided ? "/end" : "/size", strided ? v : n->shape, rank, 0, &o->in[o->n_in++]);
        if (status == RS_OK && strided) {
            o->builtin = B_STRIDED_SLICE;
            o->options_type = 32;
            status = constant(w, out, "/step", n->after, rank, 0, &o->in[o->n_in++]);
        }
        return status;
    }
    case RS_OP_RESIZE_NEAREST:
        option(o, 0, n->align_corners);
        option(o, 1, n->half_pixel);
        o->version = n->half_pixel && o->version < 3 ? 3 : o->version;
        return constant(w, out, "/size", n->shape, 2, 0, &o->in[o->n_in++]);
    case RS_OP_GELU:
        option(o, 0, n->approximate);
        o->options_type = 116;
        return RS_OK;
    default:
        return RS_OK;
    }
}

static rs_status add_node(struct writer *w, const struct rs_node *n)
{
    const struct builtin *b = &builtins[n->op];
    const bool window = n->op == RS_OP_CONV2D || n->op == RS_OP_DEPTHWISE_CONV2D || n->op == RS_OP_AVERAGE_POOL_2D || n->op == RS_OP_MAX_POOL_2D;
    int first, id;
    uint32_t pad = 1;
    rs_status status = use(w, n->inputs[0], &first);

    if (b->version[0] == 0)
        return refused(w, n, "TFLite has no such operation");
    if (status == RS_OK && window)
        status = padding(w, n, &first, &pad);
    struct operation *o = status == RS_OK ? add_op(w, n->n_inputs + OPERANDS) : NULL;

    if (o == NULL)
        return status != RS_OK ? status : no_memory(w);
    o->builtin = b->code;
    o->options_type = b->options;
    o->version = version_of(w->g, n);
    o->in[o->n_in++] = first;
    for (int k = 1; k < n->n_inputs && status == RS_OK; k++)
        status = use(w, n->inputs[k], &o->in[o->n_in++]);
    if (status == RS_OK)
        status = use(w, n->outputs[0], &id);
    if (status != RS_OK)
        return status;
    o->out = id;
    return attributes(w, n, o, pad);
}

/* ---- the model, as bytes ---- */

static uint8_t type_code(enum rs_type type)
{
    static const uint8_t codes[RS_TYPE_COUNT] = { [RS_TYPE_F32] = 0, [RS_TYPE_S32] = 2, [RS_TYPE_U8] = 3, [RS_TYPE_S64] = 4,
                                                  [RS_TYPE_BOOL] = 6, [RS_TYPE_S16] = 7, [RS_TYPE_S8] = 9 };

    return codes[type];
}

static const void *data_of(const struct tensor *t)
{
    return t->data != NULL ? t->data : t->bytes != 0 ? t->own : NULL;
}

static void put_tensor(struct out *o, size_t slot, const struct tensor *x, uint32_t buffer)
{
    const struct table t = begin(o, 5);
    const size_t shape = field(o, t, 0, 0);
    const struct rs_tensor_quant *q = &x->like->quant;
    const bool quantized = x->type == x->like->type && q->channels > 0;
    char name[320];

    point(o, slot, t);
    field(o, t, 1, type_code(x->type));
    field(o, t, 2, buffer);
    const size_t name_at = field(o, t, 3, 0), quant_at = quantized ? field(o, t, 4, 0) : 0;

    snprintf(name, sizeof name, "%.300s%s", x->like->name, x->suffix);
    ints(o, shape, x->dim, x->rank);
    text(o, name_at, name);
    if (!quantized)
        return;
    const struct table p = begin(o, 7);
    const size_t scale = field(o, p, 2, 0), zero = field(o, p, 3, 0), n = (size_t)q->channels;

    point(o, quant_at, p);
    field(o, p, 6, (uint32_t)q->axis);
    size_t at = vector(o, scale, n, 4, 4);

    for (size_t i = 0; i < n; i++)
        put(o, at + 4 * i, bits(q->scale[i]), 4);
    at = vector(o, zero, n, 8, 8);
    for (size_t i = 0; i < n; i++)
        put(o, at + 8 * i, (uint64_t)(int64_t)q->zero_point[i], 8);
}

static void put_operation(struct out *o, size_t slot, const struct operation *x, uint32_t code)
{
    const struct table t = begin(o, 5);
    const int32_t out = x->out;

    point(o, slot, t);
    field(o, t, 0, code);
    const size_t in_at = field(o, t, 1, 0), out_at = field(o, t, 2, 0);

    field(o, t, 3, (uint32_t)x->options_type);
    const size_t options = x->options_type != 0 ? field(o, t, 4, 0) : 0;

    ints(o, in_at, x->in, x->n_in);
    ints(o, out_at, &out, 1);
    if (x->options_type == 0)
        return;
    const struct table p = begin(o, 8);

    point(o, options, p);
    for (int i = 0; i < x->n_options; i++)
        field(o, p, (size_t)x->option[i].field, x->option[i].value);
    if (x->shape_rank != 0)
        ints(o, field(o, p, 0, 0), x->shape, x->shape_rank);
}

/* Operator codes in order of first use; code[op] is the index of the operation's. */
static int list_codes(const struct writer *w, int *code, int *first)
{
    int n = 0;

    for (int i = 0; i < w->n_ops; i++) {
        int k = 0;

        while (k < n && (w->op[first[k]].builtin != w->op[i].builtin || w->op[first[k]].version != w->op[i].version))
            k++;
        if (k == n)
            first[n++] = i;
        code[i] = k;
    }
    return n;
}

static rs_status serialize(struct writer *w, const char *description, const int *in, const int *outputs, uint8_t **bytes, size_t *size)
{
    struct out o = { 0 };
    int *code = calloc((size_t)w->n_ops + 1, sizeof *code), *first = calloc((size_t)w->n_ops + 1, sizeof *first);

    if (code == NULL || first == NULL) {
        free(code);
        free(first);
        return no_memory(w);
    }
    const int n_codes = list_codes(w, code, first);

    extend(&o, 4);
    append(&o, 0x334C4654, 4);                           /* "TFL3" */
    const struct table model = begin(&o, 5);

    put(&o, 0, model.at, 4);
    field(&o, model, 0, 3);
    const size_t codes = field(&o, model, 1, 0), subgraphs = field(&o, model, 2, 0), about = field(&o, model, 3, 0),
                 buffers = field(&o, model, 4, 0);

    text(&o, about, description != NULL ? description : "");
    size_t slot = vector(&o, codes, (size_t)n_codes, 4, 4);

    for (int i = 0; i < n_codes; i++) {
        const struct operation *x = &w->op[first[i]];
        const struct table t = begin(&o, 4);

        point(&o, slot + 4 * (size_t)i, t);
        field(&o, t, 0, (uint32_t)(x->builtin < 127 ? x->builtin : 127));
        field(&o, t, 2, (uint32_t)x->version);
        field(&o, t, 3, (uint32_t)x->builtin);
    }
    slot = vector(&o, subgraphs, 1, 4, 4);
    const struct table sub = begin(&o, 5);

    point(&o, slot, sub);
    const size_t tensors = field(&o, sub, 0, 0), in_at = field(&o, sub, 1, 0), out_at = field(&o, sub, 2, 0), ops = field(&o, sub, 3, 0),
                 name = field(&o, sub, 4, 0);

    ints(&o, in_at, in, w->g->n_inputs);
    ints(&o, out_at, outputs, w->g->n_outputs);
    text(&o, name, w->g->name);
    slot = vector(&o, tensors, (size_t)w->n_tensors, 4, 4);
    for (int i = 0, buffer = 1; i < w->n_tensors; i++)   /* buffer 0 is empty: of what is not constant */
        put_tensor(&o, slot + 4 * (size_t)i, &w->tensor[i], data_of(&w->tensor[i]) != NULL ? (uint32_t)buffer++ : 0);
    slot = vector(&o, ops, (size_t)w->n_ops, 4, 4);
    for (int i = 0; i < w->n_ops; i++)
        put_operation(&o, slot + 4 * (size_t)i, &w->op[i], (uint32_t)code[i]);
    int constants = 0;

    for (int i = 0; i < w->n_tensors; i++)
        constants += data_of(&w->tensor[i]) != NULL;
    slot = vector(&o, buffers, (size_t)constants + 1, 4, 4);
    point(&o, slot, begin(&o, 1));
    for (int i = 0; i < w->n_tensors; i++) {
        const struct tensor *x = &w->tensor[i];

        if (data_of(x) == NULL)
            continue;
        const struct table t = begin(&o, 1);

        point(&o, slot += 4, t);
        const size_t at = vector(&o, field(&o, t, 0, 0), x->bytes, 1, 16);

        if (!o.failed)
            memcpy(o.bytes + at, data_of(x), x->bytes);
    }
    free(code);
    free(first);
    if (o.failed) {
        free(o.bytes);
        return rs_fail(w->err, RS_ERR_RANGE, "the file would have 2 GiB or more, or there is no memory for it");
    }
    *bytes = o.bytes;
    *size = o.size;
    return RS_OK;
}

rs_status rs_tflite_write(const struct rs_graph *g, const char *description, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    struct writer w = { .g = g, .err = err };
    int *in = NULL, *out = NULL;
    rs_status status = RS_OK;

    if (g == NULL || bytes == NULL || size == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_tflite_write: null pointer");
    *bytes = NULL;
    w.id = malloc(((size_t)g->n_tensors + 1) * sizeof *w.id);
    in = calloc((size_t)g->n_inputs + 1, sizeof *in);
    out = calloc((size_t)g->n_outputs + 1, sizeof *out);
    if (w.id == NULL || in == NULL || out == NULL)
        status = no_memory(&w);
    for (int t = 0; status == RS_OK && t < g->n_tensors; t++)
        w.id[t] = -1;
    for (int i = 0; i < g->n_inputs && status == RS_OK; i++)
        status = use(&w, g->inputs[i], &in[i]);
    for (int i = 0; i < g->n_nodes && status == RS_OK; i++)
        status = add_node(&w, &g->nodes[i]);
    for (int i = 0; i < g->n_outputs && status == RS_OK; i++)
        status = use(&w, g->outputs[i], &out[i]);
    if (status == RS_OK)
        status = serialize(&w, description, in, out, bytes, size);
    for (int i = 0; i < w.n_ops; i++)
        free(w.op[i].in);
    free(w.op);
    free(w.tensor);
    free(w.id);
    free(in);
    free(out);
    return status;
}
