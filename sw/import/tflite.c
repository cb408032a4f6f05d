/*
 * tflite.c - TensorFlow Lite's schema (version 3) on top of flatbuffer.c: tensors, operations, their options.
 *
 * Only what the outputs need is read: operations that merely compute a shape (SHAPE, PACK...) are skipped when the
 * file states the result's dims, as converters leave them there for a dynamic batch.
 * Field numbers are those of tensorflow/lite/schema/schema.fbs.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "flatbuffer.h"
#include "tflite.h"

/* Builtin operator codes. */
enum {
    B_ADD = 0, B_AVERAGE_POOL_2D = 1, B_CONCATENATION = 2, B_CONV_2D = 3, B_DEPTHWISE_CONV_2D = 4, B_DEQUANTIZE = 6,
    B_FULLY_CONNECTED = 9, B_LOGISTIC = 14, B_MAX_POOL_2D = 17, B_MUL = 18, B_RELU = 19, B_RELU_N1_TO_1 = 20,
    B_RELU6 = 21, B_RESHAPE = 22, B_SOFTMAX = 25, B_TANH = 28, B_CUSTOM = 32, B_PAD = 34, B_TRANSPOSE = 39, B_MEAN = 40,
    B_SUB = 41, B_DIV = 42, B_SQUEEZE = 43, B_STRIDED_SLICE = 45, B_EXP = 47, B_SPLIT = 49, B_MAXIMUM = 55, B_MINIMUM = 57, B_PADV2 = 60,
    B_SLICE = 65, B_EXPAND_DIMS = 70, B_SQRT = 75, B_RSQRT = 76, B_RESIZE_NEAREST_NEIGHBOR = 97, B_LEAKY_RELU = 98,
    B_SQUARED_DIFFERENCE = 99, B_SPLIT_V = 102,
    B_QUANTIZE = 114, B_HARD_SWISH = 117, B_BATCH_MATMUL = 126, B_GELU = 150, B_LAST = 206
};

/* Names, for messages; the ones we do not import too. */
static const char *const builtin_names[B_LAST] = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE",
    "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1",
    "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH", "CONCAT_EMBEDDINGS",
    "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER",
    "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2", "SPLIT",
    "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX", "MINIMUM", "LESS",
    "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT", "SLICE", "SIN", "TRANSPOSE_CONV",
    "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW",
    "ARG_MIN", "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND",
    "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE", "FILL", "FLOOR_MOD",
    "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE", "MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE",
    "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS", "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG",
    "QUANTIZE", "MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM", "BATCH_MATMUL", [128] = "CUMSUM",
    "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D", [142] = "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE",
    [150] = "GELU",
};

/* What an operation becomes, which member of the options union it carries (0: any or none), and how many of its
 * leading inputs are data (the others are constants such as axes and paddings). */
static const struct mapping { int16_t builtin, op, options, data_inputs; } mappings[] = {
    { B_CONV_2D, RS_OP_CONV2D, 1, 3 },           { B_DEPTHWISE_CONV_2D, RS_OP_DEPTHWISE_CONV2D, 2, 3 },
    { B_FULLY_CONNECTED, RS_OP_FULLY_CONNECTED, 8, 3 }, { B_BATCH_MATMUL, RS_OP_BATCH_MATMUL, 101, 2 },
    { B_ADD, RS_OP_ADD, 11, 2 },                 { B_SUB, RS_OP_SUB, 28, 2 },         { B_MUL, RS_OP_MUL, 21, 2 },
    { B_MAXIMUM, RS_OP_MAXIMUM, 0, 2 },          { B_MINIMUM, RS_OP_MINIMUM, 0, 2 },
    { B_AVERAGE_POOL_2D, RS_OP_AVERAGE_POOL_2D, 5, 1 }, { B_MAX_POOL_2D, RS_OP_MAX_POOL_2D, 5, 1 },
    { B_MEAN, RS_OP_MEAN, 27, 1 },               { B_RESHAPE, RS_OP_RESHAPE, 17, 1 },
    { B_SQUEEZE, RS_OP_RESHAPE, 0, 1 },          { B_EXPAND_DIMS, RS_OP_RESHAPE, 0, 1 },
    { B_PAD, RS_OP_PAD, 0, 1 },                  { B_PADV2, RS_OP_PAD, 0, 1 },        { B_TRANSPOSE, RS_OP_TRANSPOSE, 0, 1 },
    { B_CONCATENATION, RS_OP_CONCAT, 10, INT16_MAX },   { B_SLICE, RS_OP_SLICE, 0, 1 },
    { B_STRIDED_SLICE, RS_OP_SLICE, 32, 1 },     { B_SPLIT, RS_OP_SLICE, 35, -1 },    { B_SPLIT_V, RS_OP_SLICE, 79, 1 },
    { B_RESIZE_NEAREST_NEIGHBOR, RS_OP_RESIZE_NEAREST, 74, 1 }, { B_SOFTMAX, RS_OP_SOFTMAX, 9, 1 },
    { B_LOGISTIC, RS_OP_LOGISTIC, 0, 1 },        { B_TANH, RS_OP_TANH, 0, 1 },        { B_LEAKY_RELU, RS_OP_LEAKY_RELU, 75, 1 },
    { B_HARD_SWISH, RS_OP_HARD_SWISH, 0, 1 },
    { B_RELU, RS_OP_RELU, 0, 1 },                { B_RELU6, RS_OP_RELU6, 0, 1 },      { B_RELU_N1_TO_1, RS_OP_RELU_N1_TO_1, 0, 1 },
    { B_DIV, RS_OP_DIV, 29, 2 },                 { B_SQUARED_DIFFERENCE, RS_OP_SQUARED_DIFFERENCE, 0, 2 },
    { B_EXP, RS_OP_EXP, 0, 1 },                  { B_SQRT, RS_OP_SQRT, 0, 1 },        { B_RSQRT, RS_OP_RSQRT, 0, 1 },
    { B_GELU, RS_OP_GELU, 116, 1 },
    { B_QUANTIZE, RS_OP_QUANTIZE, 0, 1 },        { B_DEQUANTIZE, RS_OP_DEQUANTIZE, 0, 1 },
};

bool rs_tflite_operator(int index, const char **name, const char **where, const char **what)
{
    if (index < 0 || index >= (int)(sizeof mappings / sizeof mappings[0]))
        return false;
    *name = builtin_names[mappings[index].builtin];
    *what = "int8, int16, float32";
    switch (mappings[index].op) {
    case RS_OP_CONV2D: case RS_OP_DEPTHWISE_CONV2D: case RS_OP_FULLY_CONNECTED:
        *where = "array or CPU";
        *what = "int8, int16 with int8 filters (16x8), float32";
        break;
    case RS_OP_AVERAGE_POOL_2D: case RS_OP_MAX_POOL_2D:
        *where = "array or CPU";
        *what = "int8, int16 (CPU), float32";
        break;
    case RS_OP_BATCH_MATMUL:
        *where = "array or CPU";
        *what = "int8, float32; two activations: the host packs the second as filters";
        break;
    case RS_OP_ADD:
        *where = "array or CPU";
        *what = "int8, int16 (CPU), float32; on the array behind a convolution";
        break;
    case RS_OP_RELU: case RS_OP_RELU6: case RS_OP_RELU_N1_TO_1: case RS_OP_PAD:
        *where = "array or CPU";
        *what = "int8, int16, float32; on the array as a part of a convolution";
        break;
    case RS_OP_RESHAPE:
        *where = "none";
        *what = "any type";
        break;
    case RS_OP_DIV: case RS_OP_SQUARED_DIFFERENCE: case RS_OP_EXP: case RS_OP_SQRT: case RS_OP_RSQRT: case RS_OP_GELU:
        *where = "CPU";
        *what = "float32";
        break;
    case RS_OP_QUANTIZE:
        *where = "CPU";
        *what = "float32, int8 or uint8 to int8; float32, int8 or int16 to int16; int16 to int8";
        break;
    case RS_OP_DEQUANTIZE:
        *where = "CPU";
        *what = "int8 or int16 to float32";
        break;
    case RS_OP_MEAN: case RS_OP_HARD_SWISH: case RS_OP_LEAKY_RELU:
        *where = "CPU";
        *what = "int8, float32";
        break;
    default:
        *where = "CPU";
    }
    return true;
}

struct operation {
    struct fb_table  table;
    struct fb_vector inputs, outputs;
    int32_t builtin;
    const struct mapping *map;       /* NULL: not supported */
    bool needed;
};

struct importer {
    struct fb_reader r;
    struct fb_vector tensors, buffers, codes, operators;
    struct rs_graph *g;
    int *id;                         /* [tensor of the file]: tensor of the graph, or -1 */
    int *producer;                   /* [tensor of the file]: operation, or -1 */
    struct operation *ops;
    int refused;
    char refusals[360];
    rs_tflite_refusal each;
    void *context;
};

enum { NAME = 256 };

static void tensor_name(struct importer *im, int tensor, char text[NAME])
{
    const struct fb_table t = fb_at_table(&im->r, &im->tensors, (uint32_t)tensor);

    fb_string(&im->r, &t, 3, text, NAME);
    if (text[0] == 0)
        snprintf(text, NAME, "tensor %d", tensor);
}

static void builtin_name(struct importer *im, int op, char text[NAME])
{
    const struct operation *o = &im->ops[op];
    const char *name = o->builtin >= 0 && o->builtin < B_LAST ? builtin_names[o->builtin] : NULL;

    if (o->builtin == B_CUSTOM) {
        const struct fb_table code = fb_at_table(&im->r, &im->codes, (uint32_t)fb_i32(&im->r, &o->table, 0, 0));
        char custom[64];

        fb_string(&im->r, &code, 1, custom, sizeof custom);
        snprintf(text, NAME, "CUSTOM '%s'", custom);
    } else if (name != NULL) {
        snprintf(text, NAME, "%s", name);
    } else {
        snprintf(text, NAME, "builtin operator %d", o->builtin);
    }
}

/* Notes an operation that is not supported; the listing becomes one message in the end. */
static void refuse(struct importer *im, int op, const char *why)
{
    char name[NAME], output[NAME] = "";
    const size_t used = strlen(im->refusals);

    builtin_name(im, op, name);
    if (im->ops[op].outputs.count > 0)
        tensor_name(im, fb_at_i32(&im->r, &im->ops[op].outputs, 0), output);
    if (im->each != NULL)
        im->each(im->context, op, name, output, why);
    im->refused++;
    if (used + 40 < sizeof im->refusals)
        snprintf(im->refusals + used, sizeof im->refusals - used, "; operation %d %s (output '%.60s'): %s", op, name, output, why);
}

static rs_status refusals(struct importer *im, int needed)
{
    if (im->refused == 0)
        return RS_OK;
    return rs_fail(im->r.err, RS_ERR_UNSUPPORTED, "%d of %d operations not supported%.400s", im->refused, needed, im->refusals);
}

/* ---- tensors ---- */

static const int8_t type_map[] = {       /* TensorType -> enum rs_type, -1 unsupported */
    [0] = RS_TYPE_F32, [1] = -1, [2] = RS_TYPE_S32, [3] = RS_TYPE_U8, [4] = RS_TYPE_S64, [5] = -1, [6] = RS_TYPE_BOOL,
    [7] = RS_TYPE_S16, [8] = -1, [9] = RS_TYPE_S8,
};
static const char *const type_names[] = { "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16",
    "complex64", "int8", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4" };

/* Constant data of a tensor: count bytes, or count 0. */
static struct fb_vector constant_of(struct importer *im, const struct fb_table *t)
{
    struct fb_reader *r = &im->r;
    const uint32_t index = (uint32_t)fb_i32(r, t, 2, 0);

    if (index == 0 && im->buffers.count == 0)
        return (struct fb_vector){ 0, 0 };
    if (index >= im->buffers.count) {
        fb_fail(r, "tensor", t->at, "its buffer index is past the list of buffers");
        return (struct fb_vector){ 0, 0 };
    }
    const struct fb_table b = fb_at_table(r, &im->buffers, index);
    const uint64_t offset = fb_u64(r, &b, 1, 0), bytes = fb_u64(r, &b, 2, 0);

    if (r->status != RS_OK)
        return (struct fb_vector){ 0, 0 };
    if (offset > 1) {                                    /* data behind the flatbuffer, schema 3c */
        if (offset > r->size || bytes > r->size - offset || bytes > UINT32_MAX || bytes > r->budget) {
            fb_fail(r, "buffer", b.at, "its data lie past the end of the file");
            return (struct fb_vector){ 0, 0 };
        }
        r->budget -= bytes;
        return (struct fb_vector){ .at = (size_t)offset, .count = (uint32_t)bytes };
    }
    return fb_vector(r, &b, 0, 1);
}

static rs_status read_quant(struct importer *im, const struct fb_table *t, int id)
{
    struct fb_reader *r = &im->r;
    struct rs_error *err = r->err;
    const struct rs_tensor *tensor = &im->g->tensors[id];
    struct fb_table q;

    if (tensor->type != RS_TYPE_S8 && tensor->type != RS_TYPE_U8 && tensor->type != RS_TYPE_S16)
        return RS_OK;                                    /* a bias has the scale s_in * s_filter by definition */
    if (!fb_table(r, t, 4, &q))
        return r->status;
    if (fb_u8(r, &q, 4, 0) != 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "tensor '%.80s': custom quantization, only scales and zero points are supported", tensor->name);
    const struct fb_vector scale = fb_vector(r, &q, 2, 4), zero = fb_vector(r, &q, 3, 8);
    const int32_t axis = fb_i32(r, &q, 6, 0);

    if (r->status != RS_OK || scale.count == 0)
        return r->status;
    if (zero.count != 0 && zero.count != scale.count)
        return rs_fail(err, RS_ERR_FORMAT, "tensor '%.80s': %u scales and %u zero points", tensor->name, scale.count, zero.count);
    if (scale.count > INT_MAX / 8)
        return rs_fail(err, RS_ERR_FORMAT, "tensor '%.80s': %u scales", tensor->name, scale.count);
    float *s = calloc(scale.count, sizeof *s);
    int32_t *z = calloc(scale.count, sizeof *z);
    rs_status status = RS_OK;

    if (s == NULL || z == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "no memory for %u scales", scale.count);
    for (uint32_t i = 0; status == RS_OK && i < scale.count; i++) {
        const int64_t zp = fb_at_i64(r, &zero, i);

        if (zp < INT16_MIN || zp > INT16_MAX)
            status = rs_fail(err, RS_ERR_RANGE, "tensor '%.80s': zero point %lld fits no 8- or 16-bit code", tensor->name, (long long)zp);
        s[i] = fb_at_f32(r, &scale, i);
        z[i] = (int32_t)zp;
    }
    if (status == RS_OK)
        status = rs_graph_set_quant(im->g, id, (int)scale.count, axis, s, z, err);
    free(s);
    free(z);
    return status;
}

/* The graph's tensor for a tensor of the file, made at its first use. */
static rs_status use_tensor(struct importer *im, int tensor, int *id)
{
    struct fb_reader *r = &im->r;
    struct rs_error *err = r->err;
    char name[NAME];
    int32_t dim[RS_MAX_RANK];
    struct fb_table sparsity;

    if (im->id[tensor] >= 0) {
        *id = im->id[tensor];
        return RS_OK;
    }
    const struct fb_table t = fb_at_table(r, &im->tensors, (uint32_t)tensor);
    const struct fb_vector shape = fb_vector(r, &t, 0, 4);
    const uint8_t type = fb_u8(r, &t, 1, 0);
    const struct fb_vector data = constant_of(im, &t);

    tensor_name(im, tensor, name);
    const bool variable = fb_u8(r, &t, 5, 0) != 0, sparse = fb_table(r, &t, 6, &sparsity);

    if (r->status != RS_OK)
        return r->status;
    if (variable || sparse)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "tensor '%.80s' is %s, only plain dense tensors are supported", name,
                       variable ? "a variable" : "sparse");
    if (type >= sizeof type_map || type_map[type] < 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "tensor '%.80s' is %s, which is not supported", name,
                       type < sizeof type_names / sizeof type_names[0] ? type_names[type] : "of an unknown type");
    if (shape.count > RS_MAX_RANK)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "tensor '%.80s' has rank %u, at most %d is supported", name, shape.count, RS_MAX_RANK);
    for (uint32_t i = 0; i < shape.count; i++)
        dim[i] = fb_at_i32(r, &shape, i);
    rs_status status = rs_graph_add_tensor(im->g, name, (enum rs_type)type_map[type], (int)shape.count, dim,
                                           data.count > 0 ? r->bytes + data.at : NULL, data.count, id, err);

    if (status == RS_OK)
        status = read_quant(im, &t, *id);
    if (status == RS_OK)
        im->id[tensor] = *id;
    return status;
}

/* ---- constants that are attributes: axes, paddings, sizes ---- */

/* Reads operand @k as at most @max integers.  false: absent or not constant (and nothing is recorded). */
static bool constant_ints(struct importer *im, const struct operation *o, uint32_t k, int32_t *value, int max, int *count)
{
    struct fb_reader *r = &im->r;

    *count = 0;
    if (k >= o->inputs.count || fb_at_i32(r, &o->inputs, k) < 0)
        return false;
    const struct fb_table t = fb_at_table(r, &im->tensors, (uint32_t)fb_at_i32(r, &o->inputs, k));
    const uint8_t type = fb_u8(r, &t, 1, 0);
    const struct fb_vector data = constant_of(im, &t);
    const uint32_t width = type == 2 ? 4 : type == 4 ? 8 : 0;

    if (r->status != RS_OK || data.count == 0 || width == 0 || data.count % width != 0 || data.count / width > (uint32_t)max)
        return false;
    for (uint32_t i = 0; i < data.count / width; i++) {
        const struct fb_vector v = { .at = data.at, .count = data.count / width };
        const int64_t x = width == 4 ? fb_at_i32(r, &v, i) : fb_at_i64(r, &v, i);

        if (x < INT32_MIN || x > INT32_MAX)
            return false;
        value[i] = (int32_t)x;
    }
    *count = (int)(data.count / width);
    return true;
}

static rs_status unsupported(struct importer *im, const char *why)
{
    return rs_fail(im->r.err, RS_ERR_UNSUPPORTED, "%s", why);
}

static rs_status malformed(struct importer *im, const char *why)
{
    return rs_fail(im->r.err, RS_ERR_FORMAT, "%s", why);
}

/* ---- operations ---- */

static rs_status read_activation(struct importer *im, const struct fb_table *options, int field, enum rs_activation *act)
{
    static const int8_t map[] = { RS_ACT_NONE, RS_ACT_RELU, RS_ACT_RELU_N1_TO_1, RS_ACT_RELU6 };
    const uint8_t code = fb_u8(&im->r, options, field, 0);

    if (code >= sizeof map)
        return unsupported(im, code == 4 ? "fused activation TANH" : code == 5 ? "fused activation SIGN_BIT" : "unknown fused activation");
    *act = (enum rs_activation)map[code];
    return RS_OK;
}

static rs_status read_padding(struct importer *im, const struct fb_table *options, struct rs_node *n)
{
    const uint8_t code = fb_u8(&im->r, options, 0, 0);

    if (code > 1)
        return malformed(im, "padding is neither SAME nor VALID");
    n->pad_same = code == 0;
    return RS_OK;
}

static rs_status emit(struct importer *im, const struct rs_node *n, const int *in, int n_in, int out)
{
    return rs_graph_add_node(im->g, n, in, n_in, &out, 1, NULL, im->r.err);
}

/* MEAN's axes: any order, negative counts from the end, twice is once. */
static rs_status read_axes(struct importer *im, const struct operation *o, const struct rs_tensor *in, struct rs_node *n)
{
    int32_t axes[8];
    int count;
    bool reduced[RS_MAX_RANK] = { false };

    if (!constant_ints(im, o, 1, axes, 8, &count))
        return unsupported(im, "the axes are not constant");
    for (int i = 0; i < count; i++) {
        const int32_t a = axes[i] < 0 ? axes[i] + in->rank : axes[i];

        if (a < 0 || a >= in->rank)
            return malformed(im, "an axis is out of range");
        reduced[a] = true;
    }
    for (int a = 0; a < in->rank; a++)
        if (reduced[a])
            n->axis[n->n_axes++] = a;
    return RS_OK;
}

static rs_status read_pads(struct importer *im, const struct operation *o, int in, int out, struct rs_node *n)
{
    const struct rs_tensor *t = &im->g->tensors[in], *to = &im->g->tensors[out];
    int32_t pads[2 * RS_MAX_RANK];
    int count;

    if (!constant_ints(im, o, 1, pads, 2 * RS_MAX_RANK, &count))
        return unsupported(im, "the paddings are not constant");
    if (count != 2 * t->rank)
        return malformed(im, "the paddings do not fit the rank of the input");
    for (int i = 0; i < t->rank; i++) {
        n->before[i] = pads[2 * i];
        n->after[i] = pads[2 * i + 1];
    }
    n->pad_code = to->quant.channels == 1 ? to->quant.zero_point[0] : 0;
    if (o->builtin == B_PADV2) {
        int id;
        const int32_t value = o->inputs.count > 2 ? fb_at_i32(&im->r, &o->inputs, 2) : -1;

        if (value < 0)
            return malformed(im, "PADV2 without a pad value");
        const rs_status status = use_tensor(im, value, &id);

        if (status != RS_OK)
            return status;
        const struct rs_tensor *v = &im->g->tensors[id];

        if (v->data == NULL || v->data_bytes != rs_type_bytes(v->type) || (v->type != RS_TYPE_S8 && v->type != RS_TYPE_S16 && v->type != RS_TYPE_F32))
            return unsupported(im, "the pad value is not one constant int8, int16 or float32");
        if (v->type == RS_TYPE_F32)
            n->pad_value = *(const float *)v->data;
        else
            n->pad_code = v->type == RS_TYPE_S16 ? *(const int16_t *)v->data : *(const int8_t *)v->data;
    }
    return RS_OK;
}

static rs_status read_reshape(struct importer *im, const struct operation *o, const struct fb_table *options, int out, struct rs_node *n)
{
    const struct rs_tensor *to = &im->g->tensors[out];
    const struct fb_vector wanted = o->builtin == B_RESHAPE ? fb_vector(&im->r, options, 0, 4) : (struct fb_vector){ 0, 0 };
    int count;

    if (o->builtin == B_RESHAPE && constant_ints(im, o, 1, n->shape, RS_MAX_RANK, &count)) {
        n->n_shape = count;
    } else if (o->builtin == B_RESHAPE && o->inputs.count < 2 && wanted.count > 0) {
        if (wanted.count > RS_MAX_RANK)
            return unsupported(im, "the new shape has too many dimensions");
        n->n_shape = (int32_t)wanted.count;
        for (uint32_t i = 0; i < wanted.count; i++)
            n->shape[i] = fb_at_i32(&im->r, &wanted, i);
    } else {                                             /* computed at run time, or SQUEEZE, EXPAND_DIMS: the file says the result */
        n->n_shape = to->rank;
        memcpy(n->shape, to->dim, sizeof to->dim);
    }
    return RS_OK;
}

/* A new activation like @like, with other dims. */
static rs_status add_like(struct importer *im, int like, int rank, const int32_t *dim, const char *suffix, int *id)
{
    const struct rs_tensor t = im->g->tensors[like];     /* copied: adding may move the array */
    char name[NAME];
    rs_status status;

    snprintf(name, sizeof name, "%.200s%s", t.name, suffix);
    status = rs_graph_add_tensor(im->g, name, t.type, rank, dim, NULL, 0, id, im->r.err);
    if (status == RS_OK && t.quant.channels == 1)
        status = rs_graph_set_quant(im->g, *id, 1, 0, t.quant.scale, t.quant.zero_point, im->r.err);
    return status;
}

static rs_status read_slice(struct importer *im, const struct operation *o, struct rs_node *n, int in, int out)
{
    const struct rs_tensor *t = &im->g->tensors[in];
    int32_t begin[RS_MAX_RANK], size[RS_MAX_RANK];
    int n_begin, n_size;

    if (!constant_ints(im, o, 1, begin, RS_MAX_RANK, &n_begin) || !constant_ints(im, o, 2, size, RS_MAX_RANK, &n_size))
        return unsupported(im, "begin or size is not constant");
    if (n_begin != t->rank || n_size != t->rank)
        return malformed(im, "begin and size do not fit the rank of the input");
    n->n_shape = t->rank;
    for (int i = 0; i < t->rank; i++) {
        if (begin[i] < 0 || begin[i] >= t->dim[i])
            return malformed(im, "begin lies outside the input");
        n->before[i] = begin[i];
        n->after[i] = 1;
        n->shape[i] = size[i] == -1 ? t->dim[i] - begin[i] : size[i];
    }
    return emit(im, n, &in, 1, out);
}

static rs_status read_strided_slice(struct importer *im, const struct operation *o, const struct fb_table *options,
                                    struct rs_node *n, int in, int out)
{
    struct fb_reader *r = &im->r;
    const struct rs_tensor *t = &im->g->tensors[in];
    int32_t begin[RS_MAX_RANK], end[RS_MAX_RANK], step[RS_MAX_RANK];
    int n_begin, n_end, n_step, whole;
    const int32_t begin_mask = fb_i32(r, options, 0, 0), end_mask = fb_i32(r, options, 1, 0);
    const int32_t other = fb_i32(r, options, 2, 0) | fb_i32(r, options, 3, 0) | fb_u8(r, options, 5, 0);
    const int32_t shrink = fb_i32(r, options, 4, 0);

    if (other != 0)
        return unsupported(im, "ellipsis, new axis or offset");
    if (!constant_ints(im, o, 1, begin, RS_MAX_RANK, &n_begin) || !constant_ints(im, o, 2, end, RS_MAX_RANK, &n_end) ||
        !constant_ints(im, o, 3, step, RS_MAX_RANK, &n_step))
        return unsupported(im, "begin, end or strides is not constant");
    if (n_begin != n_end || n_begin != n_step || n_begin > t->rank)
        return malformed(im, "begin, end and strides do not fit the rank of the input");
    n->n_shape = t->rank;
    for (int i = 0; i < t->rank; i++) {
        int64_t from = 0, to = t->dim[i];

        n->after[i] = 1;
        if (i < n_begin) {
            const bool shrunk = shrink >> i & 1;

            if (step[i] < 1)
                return unsupported(im, "a stride below 1");
            if (shrunk || !(begin_mask >> i & 1))
                from = begin[i] < 0 ? (int64_t)begin[i] + t->dim[i] : begin[i];
            if (shrunk)
                to = from + 1;
            else if (!(end_mask >> i & 1))
                to = end[i] < 0 ? (int64_t)end[i] + t->dim[i] : end[i];
            from = from < 0 ? 0 : from;
            to = to > t->dim[i] ? t->dim[i] : to;
            n->after[i] = step[i];
        }
        if (from >= to)
            return unsupported(im, "an empty slice");
        n->before[i] = (int32_t)from;
        n->shape[i] = (int32_t)((to - from + n->after[i] - 1) / n->after[i]);
    }
    if ((shrink & ((1 << n_begin) - 1)) == 0)
        return emit(im, n, &in, 1, out);
    rs_status status = add_like(im, out, t->rank, n->shape, "/slice", &whole);

    if (status == RS_OK)
        status = emit(im, n, &in, 1, whole);
    if (status != RS_OK)
        return status;
    struct rs_node squeeze = { .op = RS_OP_RESHAPE, .source = n->source };

    for (int i = 0; i < n->n_shape; i++)
        if (i >= n_begin || !(shrink >> i & 1))
            squeeze.shape[squeeze.n_shape++] = n->shape[i];
    return emit(im, &squeeze, &whole, 1, out);
}

/* One SLICE for each output. */
static rs_status read_split(struct importer *im, const struct operation *o, struct rs_node *n, int in)
{
    const struct rs_tensor in_tensor = im->g->tensors[in];
    const uint32_t parts = o->outputs.count;
    int32_t axis;
    int count;
    int64_t from = 0;

    if (!constant_ints(im, o, o->builtin == B_SPLIT ? 0 : 2, &axis, 1, &count) || count != 1)
        return unsupported(im, "the axis is not constant");
    axis += axis < 0 ? in_tensor.rank : 0;
    if (axis < 0 || axis >= in_tensor.rank)
        return malformed(im, "the axis is out of range");
    for (uint32_t i = 0; i < parts; i++) {
        int out;
        rs_status status = use_tensor(im, fb_at_i32(&im->r, &o->outputs, i), &out);

        if (status != RS_OK)
            return status;
        const struct rs_tensor *to = &im->g->tensors[out];

        n->n_shape = in_tensor.rank;
        for (int d = 0; d < in_tensor.rank; d++) {
            n->before[d] = 0;
            n->after[d] = 1;
            n->shape[d] = in_tensor.dim[d];
        }
        if (o->builtin == B_SPLIT && in_tensor.dim[axis] % (int64_t)parts != 0)
            return malformed(im, "the parts of SPLIT are not equal");
        if (to->rank != in_tensor.rank || from > in_tensor.dim[axis])
            return malformed(im, "an output does not fit the input");
        n->before[axis] = (int32_t)from;
        n->shape[axis] = to->dim[axis];
        from += to->dim[axis];
        status = emit(im, n, &in, 1, out);
        if (status != RS_OK)
            return status;
    }
    return from == in_tensor.dim[axis] ? RS_OK : malformed(im, "the outputs do not add up to the input");
}

static rs_status convert(struct importer *im, int index)
{
    struct fb_reader *r = &im->r;
    const struct operation *o = &im->ops[index];
    struct rs_node n = { .op = (enum rs_op)o->map->op, .source = index, .stride_h = 1, .stride_w = 1, .dilation_h = 1,
                         .dilation_w = 1, .beta = 1 };
    const uint8_t options_type = fb_u8(r, &o->table, 3, 0);
    struct fb_table p;
    rs_status status = RS_OK;
    int n_in = 0, out, count;

    fb_table(r, &o->table, 4, &p);
    if (r->status != RS_OK)
        return r->status;
    if (o->map->options != 0 && options_type != 0 && options_type != o->map->options)
        return rs_fail(r->err, RS_ERR_FORMAT, "its options are of kind %d, expected %d", options_type, o->map->options);
    if (o->inputs.count == 0 || o->outputs.count == 0)
        return malformed(im, "no inputs or no outputs");
    if (o->builtin != B_SPLIT && o->builtin != B_SPLIT_V && o->outputs.count != 1)
        return malformed(im, "more than one output");

    /* Operands that are data. */
    const uint32_t first = o->map->data_inputs < 0 ? 1 : 0;          /* SPLIT: the axis comes first */
    const uint32_t limit = o->map->data_inputs < 0 ? 1 : (uint32_t)o->map->data_inputs;
    int *in = calloc(o->inputs.count, sizeof *in);

    if (in == NULL)
        return rs_fail(r->err, RS_ERR_NOMEM, "no memory for %u operands", o->inputs.count);
    for (uint32_t i = first; i < o->inputs.count && i - first < limit && status == RS_OK; i++) {
        const int32_t t = fb_at_i32(r, &o->inputs, i);

        in[n_in] = -1;
        if (t >= 0)
            status = use_tensor(im, t, &in[n_in]);
        n_in++;
    }
    if (status == RS_OK && (n_in == 0 || in[0] < 0))
        status = malformed(im, "its first input is absent");
    if (status == RS_OK)
        status = use_tensor(im, fb_at_i32(r, &o->outputs, 0), &out);
    if (status != RS_OK)
        goto done;
    const struct rs_tensor *t = &im->g->tensors[in[0]];

    switch (o->builtin) {
    case B_CONV_2D:
    case B_DEPTHWISE_CONV_2D: {
        const bool depthwise = o->builtin == B_DEPTHWISE_CONV_2D;

        n.stride_w = fb_i32(r, &p, 1, 0);
        n.stride_h = fb_i32(r, &p, 2, 0);
        n.dilation_w = fb_i32(r, &p, depthwise ? 5 : 4, 1);
        n.dilation_h = fb_i32(r, &p, depthwise ? 6 : 5, 1);
        status = read_padding(im, &p, &n);
        if (status == RS_OK)
            status = read_activation(im, &p, depthwise ? 4 : 3, &n.act);
        break;
    }
    case B_AVERAGE_POOL_2D:
    case B_MAX_POOL_2D:
        n.stride_w = fb_i32(r, &p, 1, 0);
        n.stride_h = fb_i32(r, &p, 2, 0);
        n.kernel_w = fb_i32(r, &p, 3, 0);
        n.kernel_h = fb_i32(r, &p, 4, 0);
        status = read_padding(im, &p, &n);
        if (status == RS_OK)
            status = read_activation(im, &p, 5, &n.act);
        break;
    case B_FULLY_CONNECTED:
        if (fb_u8(r, &p, 1, 0) != 0)
            status = unsupported(im, "a shuffled filter layout");
        else
            status = read_activation(im, &p, 0, &n.act);
        n.keep_dims = fb_u8(r, &p, 2, 0) != 0;
        break;
    case B_ADD:
    case B_SUB:
    case B_MUL:
    case B_DIV:
        status = read_activation(im, &p, 0, &n.act);
        /* A flag for int16 that is true unless the file says otherwise: scales of powers of two, summed by shifts. */
        if (status == RS_OK && (o->builtin == B_ADD || o->builtin == B_SUB) && t->type == RS_TYPE_S16 && fb_u8(r, &p, 1, 1) != 0)
            status = unsupported(im, "pot_scale_int16");
        break;
    case B_BATCH_MATMUL:
        n.adjoint_x = fb_u8(r, &p, 0, 0) != 0;
        n.adjoint_y = fb_u8(r, &p, 1, 0) != 0;
        break;
    case B_SOFTMAX:
        n.beta = fb_f32(r, &p, 0, 0);
        n.axis[0] = t->rank - 1;
        n.n_axes = 1;
        break;
    case B_GELU:
        n.approximate = fb_u8(r, &p, 0, 0) != 0;
        break;
    case B_LEAKY_RELU:
        n.beta = fb_f32(r, &p, 0, 0);
        break;
    case B_CONCATENATION:
        n.axis[0] = fb_i32(r, &p, 0, 0);
        n.axis[0] += n.axis[0] < 0 ? t->rank : 0;
        n.n_axes = 1;
        status = read_activation(im, &p, 1, &n.act);
        break;
    case B_MEAN:
        n.keep_dims = fb_u8(r, &p, 0, 0) != 0;
        status = read_axes(im, o, t, &n);
        break;
    case B_RESHAPE:
    case B_SQUEEZE:
    case B_EXPAND_DIMS:
        status = read_reshape(im, o, &p, out, &n);
        break;
    case B_PAD:
    case B_PADV2:
        status = read_pads(im, o, in[0], out, &n);
        break;
    case B_TRANSPOSE:
        if (!constant_ints(im, o, 1, n.axis, RS_MAX_RANK, &count))
            status = unsupported(im, "the permutation is not constant");
        n.n_axes = count;
        break;
    case B_RESIZE_NEAREST_NEIGHBOR:
        n.align_corners = fb_u8(r, &p, 0, 0) != 0;
        n.half_pixel = fb_u8(r, &p, 1, 0) != 0;
        if (!constant_ints(im, o, 1, n.shape, 2, &count) || count != 2)
            status = unsupported(im, "the new size is not two constants");
        n.n_shape = 2;
        break;
    case B_SLICE:
        status = read_slice(im, o, &n, in[0], out);
        goto done;
    case B_STRIDED_SLICE:
        status = read_strided_slice(im, o, &p, &n, in[0], out);
        goto done;
    case B_SPLIT:
    case B_SPLIT_V:
        status = read_split(im, o, &n, in[0]);
        goto done;
    default:
        break;
    }
    if (status == RS_OK)
        status = emit(im, &n, in, n_in, out);
done:
    free(in);
    return r->status != RS_OK ? r->status : status;
}

/* ---- the file ---- */

/* Marks what the outputs need, without recursion.  Attribute operands do not count. */
static rs_status mark_needed(struct importer *im, const struct fb_vector *outputs)
{
    int *stack = calloc((size_t)im->operators.count + 1, sizeof *stack);
    int depth = 0;

    if (stack == NULL)
        return rs_fail(im->r.err, RS_ERR_NOMEM, "no memory for %u operations", im->operators.count);
    for (uint32_t i = 0; i < outputs->count; i++) {
        const int p = im->producer[fb_at_i32(&im->r, outputs, i)];

        if (p >= 0 && !im->ops[p].needed) {
            im->ops[p].needed = true;
            stack[depth++] = p;
        }
    }
    while (depth > 0) {
        const struct operation *o = &im->ops[stack[--depth]];
        const uint32_t first = o->map != NULL && o->map->data_inputs < 0 ? 1 : 0;
        const uint32_t last = o->map == NULL || o->map->data_inputs > 3 ? o->inputs.count : o->map->data_inputs < 0 ? 2 :
                              (uint32_t)o->map->data_inputs;

        for (uint32_t i = first; i < o->inputs.count && i < last; i++) {
            const int32_t t = fb_at_i32(&im->r, &o->inputs, i);
            const int p = t >= 0 ? im->producer[t] : -1;

            if (p >= 0 && !im->ops[p].needed) {
                im->ops[p].needed = true;
                stack[depth++] = p;                      /* each operation is pushed once: the stack cannot overflow */
            }
        }
    }
    free(stack);
    return RS_OK;
}

static rs_status read_operations(struct importer *im)
{
    struct fb_reader *r = &im->r;

    for (uint32_t i = 0; i < im->operators.count; i++) {
        struct operation *o = &im->ops[i];

        o->table = fb_at_table(r, &im->operators, i);
        o->inputs = fb_vector(r, &o->table, 1, 4);
        o->outputs = fb_vector(r, &o->table, 2, 4);
        const uint32_t code = (uint32_t)fb_i32(r, &o->table, 0, 0);

        if (r->status == RS_OK && code >= im->codes.count)
            fb_fail(r, "operation", o->table.at, "its code index is past the list of operator codes");
        const struct fb_table c = fb_at_table(r, &im->codes, code);
        const int32_t narrow = (int8_t)fb_u8(r, &c, 0, 0), wide = fb_i32(r, &c, 3, 0);

        if (r->status != RS_OK)
            return r->status;
        o->builtin = wide > narrow ? wide : narrow;
        for (size_t k = 0; k < sizeof mappings / sizeof mappings[0]; k++)
            if (mappings[k].builtin == o->builtin)
                o->map = &mappings[k];
        for (uint32_t k = 0; k < o->inputs.count + o->outputs.count; k++) {
            const bool output = k >= o->inputs.count;
            const int32_t t = output ? fb_at_i32(r, &o->outputs, k - o->inputs.count) : fb_at_i32(r, &o->inputs, k);

            if (t < (output ? 0 : -1) || (t >= 0 && (uint32_t)t >= im->tensors.count))
                return rs_fail(r->err, RS_ERR_FORMAT, "operation %u: %s %u is tensor %d, the file has %u tensors", i,
                               output ? "output" : "input", output ? k - o->inputs.count : k, t, im->tensors.count);
            if (output && im->producer[t] >= 0)
                return rs_fail(r->err, RS_ERR_FORMAT, "operation %u writes tensor %d, which operation %d writes too", i, t, im->producer[t]);
            if (output)
                im->producer[t] = (int)i;
        }
    }
    return RS_OK;
}

static rs_status use_io(struct importer *im, const struct fb_vector *list, const char *what, int **ids)
{
    *ids = calloc((size_t)list->count + 1, sizeof **ids);
    if (*ids == NULL)
        return rs_fail(im->r.err, RS_ERR_NOMEM, "no memory for %u tensors", list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const rs_status status = use_tensor(im, fb_at_i32(&im->r, list, i), &(*ids)[i]);

        if (status != RS_OK)
            return status;
        if (what[0] == 'i' && im->g->tensors[(*ids)[i]].data != NULL)
            return rs_fail(im->r.err, RS_ERR_FORMAT, "network input '%.80s' is constant", im->g->tensors[(*ids)[i]].name);
    }
    return RS_OK;
}

static rs_status read_model(struct importer *im)
{
    struct fb_reader *r = &im->r;
    struct rs_error *err = r->err;
    const struct fb_table model = fb_root(r, "TFL3");
    const int32_t version = fb_i32(r, &model, 0, 0);
    int *in = NULL, *out = NULL;
    char name[NAME];
    int needed = 0;
    rs_status status;

    if (r->status != RS_OK)
        return r->status;
    if (version != 3)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "TFLite schema version %d, only 3 is supported", version);
    im->codes = fb_vector(r, &model, 1, 4);
    im->buffers = fb_vector(r, &model, 4, 4);
    const struct fb_vector subgraphs = fb_vector(r, &model, 2, 4);

    if (r->status == RS_OK && subgraphs.count == 0)
        fb_fail(r, "model", model.at, "it has no subgraph");
    const struct fb_table sub = fb_at_table(r, &subgraphs, 0);      /* others are reached by IF, WHILE: refused by name */
    const struct fb_vector inputs = fb_vector(r, &sub, 1, 4), outputs = fb_vector(r, &sub, 2, 4);

    im->tensors = fb_vector(r, &sub, 0, 4);
    im->operators = fb_vector(r, &sub, 3, 4);
    fb_string(r, &sub, 4, name, sizeof name);
    if (r->status != RS_OK)
        return r->status;
    if (outputs.count == 0)
        return rs_fail(err, RS_ERR_FORMAT, "the model has no outputs");
    for (uint32_t i = 0; i < inputs.count + outputs.count; i++) {
        const int32_t t = i < inputs.count ? fb_at_i32(r, &inputs, i) : fb_at_i32(r, &outputs, i - inputs.count);

        if (t < 0 || (uint32_t)t >= im->tensors.count)
            return rs_fail(err, RS_ERR_FORMAT, "a network %s is tensor %d, the file has %u tensors",
                           i < inputs.count ? "input" : "output", t, im->tensors.count);
    }
    im->id = calloc((size_t)im->tensors.count + 1, sizeof *im->id);
    im->producer = calloc((size_t)im->tensors.count + 1, sizeof *im->producer);
    im->ops = calloc((size_t)im->operators.count + 1, sizeof *im->ops);
    if (im->id == NULL || im->producer == NULL || im->ops == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %u tensors and %u operations", im->tensors.count, im->operators.count);
    for (uint32_t t = 0; t < im->tensors.count; t++)
        im->id[t] = im->producer[t] = -1;
    status = rs_graph_create(name[0] != 0 ? name : "model", &im->g, err);
    if (status == RS_OK)
        status = read_operations(im);
    if (status == RS_OK)
        status = mark_needed(im, &outputs);
    if (status != RS_OK)
        return status;

    for (uint32_t i = 0; i < im->operators.count; i++) {
        needed += im->ops[i].needed;
        if (im->ops[i].needed && im->ops[i].map == NULL)
            refuse(im, (int)i, "no such operation here");
    }
    if (r->status == RS_OK)
        status = use_io(im, &inputs, "input", &in);
    if (status == RS_OK)
        status = use_io(im, &outputs, "output", &out);
    for (uint32_t i = 0; i < im->operators.count && status == RS_OK; i++) {
        struct rs_error why = { 0 };

        if (!im->ops[i].needed || im->ops[i].map == NULL)
            continue;
        r->err = &why;
        status = convert(im, (int)i);
        r->err = err;
        if (status == RS_ERR_UNSUPPORTED) {
            refuse(im, (int)i, why.text);
            status = RS_OK;
        } else if (status != RS_OK) {
            char op[NAME];

            r->status = RS_OK;
            builtin_name(im, (int)i, op);
            rs_fail(err, status, "operation %u %.80s: %.350s", i, op, why.text);
            r->status = status;
        }
    }
    if (status == RS_OK)
        status = r->status;
    if (status == RS_OK)
        status = refusals(im, needed);
    if (status == RS_OK)
        status = rs_graph_set_io(im->g, in, (int)inputs.count, out, (int)outputs.count, err);
    if (status == RS_OK)
        status = rs_graph_sort(im->g, err);
    if (status == RS_OK)
        status = rs_graph_infer(im->g, true, err);
    for (int i = 0; status == RS_OK && i < im->g->n_nodes; i++) {
        struct rs_error why = { 0 };

        status = rs_graph_validate_node(im->g, i, &why);
        if (status == RS_ERR_UNSUPPORTED) {
            const char *text = strstr(why.text, "): ");

            refuse(im, im->g->nodes[i].source, text != NULL ? text + 3 : why.text);
            status = RS_OK;
        } else if (status != RS_OK) {
            rs_fail(err, status, "%s", why.text);
        }
    }
    if (status == RS_OK)
        status = refusals(im, needed);
    if (status == RS_OK)
        status = rs_graph_requantize(im->g, err);
    free(in);
    free(out);
    return status;
}

rs_status rs_tflite_read_listing(const void *bytes, size_t size, rs_tflite_refusal each, void *context,
                                 struct rs_graph **out, struct rs_error *err)
{
    if (bytes == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_tflite_read: null pointer");
    struct rs_error mine = { 0 };
    struct importer im = { .r = { .bytes = bytes, .size = size, .budget = 64 * (uint64_t)size + 65536,
                                  .err = err != NULL ? err : &mine }, .each = each, .context = context };

    *out = NULL;
    const rs_status status = read_model(&im);

    free(im.id);
    free(im.producer);
    free(im.ops);
    if (status == RS_OK)
        *out = im.g;
    else
        rs_graph_destroy(im.g);
    return status;
}

rs_status rs_tflite_read(const void *bytes, size_t size, struct rs_graph **out, struct rs_error *err)
{
    return rs_tflite_read_listing(bytes, size, NULL, NULL, out, err);
}

rs_status rs_tflite_load(const char *path, struct rs_graph **out, struct rs_error *err)
{
    rs_status status = RS_ERR_IO;
    uint8_t *bytes = NULL;
    long size = -1;

    if (path == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_tflite_load: null pointer");
    *out = NULL;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return rs_fail(err, RS_ERR_IO, "cannot open %.300s: %s", path, strerror(errno));
    if (fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
        rs_fail(err, status, "cannot read %.300s: %s", path, strerror(errno));
        goto close_file;
    }
    bytes = malloc((size_t)size + 1);
    if (bytes == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "no memory for the %ld bytes of %.300s", size, path);
        goto close_file;
    }
    if (fread(bytes, 1, (size_t)size, f) != (size_t)size) {
        rs_fail(err, status, "cannot read the %ld bytes of %.300s: %s", size, path, ferror(f) ? strerror(errno) : "the file ends early");
        goto close_file;
    }
    struct rs_error why = { 0 };

    status = rs_tflite_read(bytes, (size_t)size, out, &why);
    if (status != RS_OK)
        rs_fail(err, status, "%.120s: %.380s", path, why.text);
close_file:
    free(bytes);
    fclose(f);
    return status;
}
