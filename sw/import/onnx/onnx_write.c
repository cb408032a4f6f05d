/*
 * onnx_write.c - writing ONNX models: names, constants, values in layouts, QuantizeLinear and DequantizeLinear, the file.
 *
 * Operators are in onnx_write_operators.c.  The wire format is protobuf-c's.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_write.h"
#include "onnx_write_internal.h"

struct ow_block { struct ow_block *next; };

enum { BASE_OPSET = 17, GELU_OPSET = 20, INT16_OPSET = 21, MOST_BYTES = INT32_MAX };

/* ---- memory and messages ---- */

static rs_status no_memory(struct onnx_writer *w)
{
    return rs_fail(w->err, RS_ERR_NOMEM, "no memory to write %d operations", w->g->n_nodes);
}

void *ow_alloc(struct onnx_writer *w, size_t count, size_t size)
{
    const size_t most = (size_t)INT32_MAX * 4;
    struct ow_block *block = size == 0 || count <= most / size ? calloc(1, sizeof(max_align_t) + sizeof *block + count * size) : NULL;

    if (block == NULL) {
        (void)no_memory(w);
        return NULL;
    }
    block->next = w->blocks;
    w->blocks = block;
    return (char *)block + sizeof(max_align_t);
}

rs_status ow_refuse(struct onnx_writer *w, const struct rs_node *n, const char *format, ...)
{
    char why[200];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return rs_fail(w->err, RS_ERR_UNSUPPORTED, "%s (output '%.80s'): %s", rs_op_name(n->op), w->g->tensors[n->outputs[0]].name, why);
}

/* ---- names ---- */

static char **slot_of(char **names, size_t slots, const char *name)
{
    uint64_t h = 0xCBF29CE484222325u;

    for (const char *c = name; *c != 0; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001B3u;
    size_t at = h & (slots - 1);

    while (names[at] != NULL && strcmp(names[at], name) != 0)
        at = (at + 1) & (slots - 1);
    return &names[at];
}

static rs_status grow_names(struct onnx_writer *w)
{
    const size_t slots = w->name_slots == 0 ? 1024 : 2 * w->name_slots;
    char **names = calloc(slots, sizeof *names);

    if (names == NULL)
        return no_memory(w);
    for (size_t i = 0; i < w->name_slots; i++)
        if (w->names[i] != NULL)
            *slot_of(names, slots, w->names[i]) = w->names[i];
    free(w->names);
    w->names = names;
    w->name_slots = slots;
    return RS_OK;
}

rs_status ow_name(struct onnx_writer *w, const char *base, const char *suffix, char **name)
{
    const size_t room = strlen(base) + (suffix != NULL ? strlen(suffix) : 0) + 24;
    char *text = ow_alloc(w, room, 1);

    if (text == NULL)
        return RS_ERR_NOMEM;
    if (2 * (w->n_names + 1) > w->name_slots)
        TRY(grow_names(w));
    const int n = snprintf(text, room, "%s%s%s", base, suffix != NULL ? "/" : "", suffix != NULL ? suffix : "");
    char **slot = slot_of(w->names, w->name_slots, text);

    for (size_t k = w->n_names; *slot != NULL; k++) {    /* taken: a number after it */
        snprintf(text + n, room - (size_t)n, "_%zu", k);
        slot = slot_of(w->names, w->name_slots, text);
    }
    *slot = *name = text;
    w->n_names++;
    return RS_OK;
}

/* ---- constants ---- */

/* Room for one more pointer in a list of the file. */
static rs_status room_for(struct onnx_writer *w, void **list, size_t count, size_t *cap)
{
    if (count < *cap)
        return RS_OK;
    void *grown = realloc(*list, (2 * *cap + 64) * sizeof(void *));

    if (grown == NULL)
        return no_memory(w);
    *list = grown;
    *cap = 2 * *cap + 64;
    return RS_OK;
}

rs_status ow_constant(struct onnx_writer *w, const char *base, const char *suffix, enum onnx_type type, int rank, const int32_t *dim,
                      const void *data, char **name)
{
    void *list = w->file.initializer;
    Onnx__TensorProto *t = ow_alloc(w, 1, sizeof *t);
    int64_t *dims = ow_alloc(w, (size_t)rank, sizeof *dims);
    size_t bytes = onnx_type_bytes(type);

    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dim[i];
    uint8_t *copy = ow_alloc(w, bytes, 1);

    if (t == NULL || dims == NULL || copy == NULL)
        return RS_ERR_NOMEM;
    if ((w->constant_bytes += bytes) > MOST_BYTES)
        return rs_fail(w->err, RS_ERR_RANGE, "the file would have 2 GiB or more");
    TRY(ow_name(w, base, suffix, name));
    onnx__tensor_proto__init(t);
    for (int i = 0; i < rank; i++)
        dims[i] = dim[i];
    if (bytes != 0)
        memcpy(copy, data, bytes);
    t->name = *name;
    t->has_data_type = true;
    t->data_type = (int32_t)type;
    t->dims = dims;
    t->n_dims = (size_t)rank;
    t->has_raw_data = true;
    t->raw_data = (ProtobufCBinaryData){ bytes, copy };              /* little endian, as the machines that we run on */
    TRY(room_for(w, &list, w->file.n_initializer, &w->cap_constants));
    w->file.initializer = list;
    w->file.initializer[w->file.n_initializer++] = t;
    return RS_OK;
}

static const char *name_of(const struct onnx_writer *w, int tensor) { return w->g->tensors[tensor].name; }

rs_status ow_floats(struct onnx_writer *w, int tensor, const char *suffix, const float *x, int count, char **name)
{
    return ow_constant(w, name_of(w, tensor), suffix, OX_FLOAT, count != 0, &count, x, name);
}

rs_status ow_int64s(struct onnx_writer *w, int tensor, const char *suffix, const int64_t *x, int count, char **name)
{
    return ow_constant(w, name_of(w, tensor), suffix, OX_INT64, 1, &count, x, name);
}

/* ---- nodes ---- */

rs_status ow_node(struct onnx_writer *w, const char *op, char *const *in, int n_in, struct ow_node **out)
{
    void *list = w->file.node;
    struct ow_node *n = ow_alloc(w, 1, sizeof *n + (size_t)n_in * sizeof *in);

    if (n == NULL)
        return RS_ERR_NOMEM;
    onnx__node_proto__init(&n->proto);
    n->proto.op_type = (char *)(uintptr_t)op;
    n->proto.input = n->input;
    n->proto.n_input = (size_t)n_in;
    n->proto.output = &n->output;
    n->proto.n_output = 1;
    n->proto.attribute = n->list;
    for (int i = 0; i < n_in; i++)
        n->input[i] = in[i];
    TRY(room_for(w, &list, w->file.n_node, &w->cap_nodes));
    w->file.node = list;
    w->file.node[w->file.n_node++] = &n->proto;
    *out = n;
    return RS_OK;
}

static Onnx__AttributeProto *attribute(struct ow_node *n, const char *name, int type)
{
    const size_t at = n->proto.n_attribute++;
    Onnx__AttributeProto *a = &n->attribute[at];

    onnx__attribute_proto__init(a);
    n->list[at] = a;
    a->name = (char *)(uintptr_t)name;
    a->has_type = true;
    a->type = type;
    return a;
}

enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_STRING = 3, TYPE_INTS = 7 };

void ow_set_int(struct ow_node *n, const char *name, int64_t x)
{
    Onnx__AttributeProto *a = attribute(n, name, TYPE_INT);

    a->has_i = true;
    a->i = x;
}

void ow_set_float(struct ow_node *n, const char *name, float x)
{
    Onnx__AttributeProto *a = attribute(n, name, TYPE_FLOAT);

    a->has_f = true;
    a->f = x;
}

void ow_set_string(struct ow_node *n, const char *name, const char *text)
{
    Onnx__AttributeProto *a = attribute(n, name, TYPE_STRING);

    a->has_s = true;
    a->s = (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

void ow_set_ints(struct ow_node *n, const char *name, const int64_t *x, int count)
{
    int64_t *ints = n->ints[n->proto.n_attribute];
    Onnx__AttributeProto *a = attribute(n, name, TYPE_INTS);

    memcpy(ints, x, (size_t)count * sizeof *x);
    a->ints = ints;
    a->n_ints = (size_t)count;
}

rs_status ow_step(struct onnx_writer *w, int tensor, const char *op, char *const *in, int n_in, char **out)
{
    struct ow_node *n;

    TRY(ow_node(w, op, in, n_in, &n));
    TRY(ow_name(w, name_of(w, tensor), op, &n->output));
    *out = n->output;
    return RS_OK;
}

/* ---- values ---- */

enum onnx_type ow_type(enum rs_type type)
{
    return type == RS_TYPE_F32 ? OX_FLOAT : type == RS_TYPE_S8 ? OX_INT8 : type == RS_TYPE_S16 ? OX_INT16 : OX_NONE;
}

static void remember(struct onnx_writer *w, int tensor, const struct onnx_layout *layout, char *real, char *codes)
{
    struct ow_tensor *t = &w->tensor[tensor];

    if (t->n_forms < OX_LAYOUTS)
        t->form[t->n_forms++] = (struct ow_form){ *layout, real, codes };
}

static const struct ow_form *form_in(const struct ow_tensor *t, const struct onnx_layout *layout)
{
    for (int i = 0; i < t->n_forms; i++)
        if (onnx_same_layout(&t->form[i].layout, layout))
            return &t->form[i];
    return NULL;
}

struct onnx_layout ow_lies(const struct onnx_writer *w, int tensor)
{
    return w->tensor[tensor].n_forms > 0 ? w->tensor[tensor].form[0].layout : onnx_identity(w->g->tensors[tensor].rank);
}

/* Zero points as the codes' type has them. */
static rs_status zero_points(struct onnx_writer *w, const char *base, enum onnx_type type, const int32_t *zero_point, int count, char **name)
{
    const int32_t rank = count > 1 ? 1 : 0;
    int16_t *wide = ow_alloc(w, (size_t)count, sizeof *wide);

    if (wide == NULL)
        return RS_ERR_NOMEM;
    for (int i = 0; i < count; i++) {
        if (type == OX_INT16)
            wide[i] = (int16_t)zero_point[i];
        else
            ((int8_t *)wide)[i] = (int8_t)zero_point[i];
    }
    return ow_constant(w, base, "zero_point", type, rank, &count, wide, name);
}

rs_status ow_dequantized(struct onnx_writer *w, const char *base, enum onnx_type type, int rank, const int32_t *dim, const void *codes,
                         const float *scale, int channels, int axis, const int32_t *zero_point, char **real)
{
    char *in[3];
    struct ow_node *n;

    TRY(ow_constant(w, base, "codes", type, rank, dim, codes, &in[0]));
    TRY(ow_constant(w, base, "scale", OX_FLOAT, channels > 1, &channels, scale, &in[1]));
    if (zero_point != NULL)
        TRY(zero_points(w, base, type, zero_point, channels, &in[2]));
    TRY(ow_node(w, "DequantizeLinear", in, zero_point != NULL ? 3 : 2, &n));
    if (channels > 1)
        ow_set_int(n, "axis", axis);
    TRY(ow_name(w, base, NULL, &n->output));
    *real = n->output;
    return RS_OK;
}

void ow_permute(int rank, const int32_t *dim, size_t width, const struct onnx_layout *layout, const void *from, void *to)
{
    int32_t at[RS_MAX_RANK] = { 0 }, extent[RS_MAX_RANK] = { 0 };
    int64_t stride[RS_MAX_RANK] = { 0 }, count = 1;

    for (int i = 0; i < rank; i++)
        extent[layout->axis[i]] = dim[i];
    for (int a = rank - 1; a >= 0; a--) {                /* strides of the value's order, by the graph's dimensions */
        stride[onnx_position(layout, a)] = count;
        count *= extent[a];
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t place = 0;

        for (int d = 0; d < rank; d++)
            place += at[d] * stride[d];
        memcpy((char *)to + (size_t)place * width, (const char *)from + (size_t)i * width, width);
        for (int d = rank - 1; d >= 0 && ++at[d] == dim[d]; d--)
            at[d] = 0;
    }
}

/* Integers that stand for themselves, as a file's may. */
static rs_status no_scale(struct onnx_writer *w, const struct rs_tensor *t)
{
    return rs_fail(w->err, RS_ERR_UNSUPPORTED, "tensor '%.80s' is %s without a scale: only codes of reals are written", t->name, rs_type_name(t->type));
}

static rs_status take_constant(struct onnx_writer *w, int tensor, const struct onnx_layout *layout)
{
    const struct rs_tensor *t = &w->g->tensors[tensor];
    const size_t width = rs_type_bytes(t->type);
    int32_t dim[RS_MAX_RANK] = { 0 };
    char *real;
    void *data = ow_alloc(w, (size_t)rs_tensor_elements(t), width);

    if (data == NULL)
        return RS_ERR_NOMEM;
    if (t->type != RS_TYPE_F32 && t->quant.channels < 1)
        return no_scale(w, t);
    ow_permute(t->rank, t->dim, width, layout, t->data, data);
    for (int i = 0; i < t->rank; i++)
        dim[layout->axis[i]] = t->dim[i];
    if (t->type == RS_TYPE_F32)
        TRY(ow_constant(w, t->name, NULL, OX_FLOAT, t->rank, dim, data, &real));
    else
        TRY(ow_dequantized(w, t->name, ow_type(t->type), t->rank, dim, data, t->quant.scale, t->quant.channels,
                           t->quant.channels > 1 ? layout->axis[t->quant.axis] : 0, t->quant.zero_point, &real));
    remember(w, tensor, layout, real, NULL);
    return RS_OK;
}

/* Scale and zero point of @tensor's codes, written once. */
static rs_status quantization(struct onnx_writer *w, int tensor, char **scale, char **zero_point)
{
    const struct rs_tensor *t = &w->g->tensors[tensor];
    struct ow_tensor *own = &w->tensor[tensor];

    if (t->quant.channels != 1)
        return no_scale(w, t);
    if (own->scale == NULL) {
        TRY(ow_floats(w, tensor, "scale", t->quant.scale, 0, &own->scale));
        TRY(zero_points(w, t->name, ow_type(t->type), t->quant.zero_point, 1, &own->zero_point));
    }
    *scale = own->scale;
    *zero_point = own->zero_point;
    return RS_OK;
}

static rs_status dequantize(struct onnx_writer *w, int tensor, char *codes, const struct onnx_layout *layout, bool own_name)
{
    struct ow_tensor *t = &w->tensor[tensor];
    char *in[3] = { codes, NULL, NULL };
    struct ow_node *n;

    TRY(quantization(w, tensor, &in[1], &in[2]));
    TRY(ow_node(w, "DequantizeLinear", in, 3, &n));
    if (own_name)
        n->output = t->own;
    else
        TRY(ow_name(w, name_of(w, tensor), "DequantizeLinear", &n->output));
    remember(w, tensor, layout, n->output, codes);
    return RS_OK;
}

static rs_status quantize(struct onnx_writer *w, int tensor, char *real, const struct onnx_layout *layout, bool own_name)
{
    char *in[3] = { real, NULL, NULL }, *codes;

    TRY(quantization(w, tensor, &in[1], &in[2]));
    TRY(ow_step(w, tensor, "QuantizeLinear", in, 3, &codes));
    return dequantize(w, tensor, codes, layout, own_name);
}

/* The name that network outputs and other users of the file look for; chosen where none has been. */
static rs_status own_name(struct onnx_writer *w, int tensor, char **name)
{
    struct ow_tensor *t = &w->tensor[tensor];

    if (t->own == NULL)
        TRY(ow_name(w, name_of(w, tensor), NULL, &t->own));
    *name = t->own;
    return RS_OK;
}

static rs_status transpose(struct onnx_writer *w, int tensor, const struct onnx_layout *layout)
{
    const struct ow_form from = w->tensor[tensor].form[0];
    const int rank = layout->rank;
    int64_t perm[RS_MAX_RANK] = { 0 };
    char *in = from.real;
    struct ow_node *n;

    for (int i = 0; i < rank; i++)
        perm[layout->axis[i]] = from.layout.axis[i];
    TRY(ow_node(w, "Transpose", &in, 1, &n));
    ow_set_ints(n, "perm", perm, rank);
    TRY(ow_name(w, name_of(w, tensor), "Transpose", &n->output));
    if (w->g->tensors[tensor].type != RS_TYPE_F32)
        return quantize(w, tensor, n->output, layout, false);
    remember(w, tensor, layout, n->output, NULL);
    return RS_OK;
}

rs_status ow_take(struct onnx_writer *w, int tensor, const struct onnx_layout *layout, char **name)
{
    const struct rs_tensor *t = &w->g->tensors[tensor];
    struct ow_tensor *own = &w->tensor[tensor];

    if (form_in(own, layout) == NULL) {
        if (own->n_forms == OX_LAYOUTS)
            return rs_fail(w->err, RS_ERR_UNSUPPORTED, "tensor '%.80s' is read in more than %d layouts", t->name, OX_LAYOUTS);
        if (ow_type(t->type) == OX_NONE)
            return rs_fail(w->err, RS_ERR_UNSUPPORTED, "tensor '%.80s' is %s: only int8, int16 and float32 are written", t->name,
                           rs_type_name(t->type));
        if (t->data == NULL && own->n_forms == 0)
            return rs_fail(w->err, RS_ERR_ARG, "tensor '%.80s' is read before it is made: the graph is not prepared", t->name);
        TRY(t->data != NULL ? take_constant(w, tensor, layout) : transpose(w, tensor, layout));
    }
    *name = form_in(own, layout)->real;
    return RS_OK;
}

/* Whether the elements of a value in @layout lie in the graph's order: the dimensions that are not 1 do. */
static bool in_order(const struct rs_tensor *t, const struct onnx_layout *layout)
{
    int last = -1;

    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] == 1)
            continue;
        if (layout->axis[i] < last)
            return false;
        last = layout->axis[i];
    }
    return true;
}

rs_status ow_take_in_order(struct onnx_writer *w, int tensor, char **name, char **codes)
{
    const struct ow_tensor *t = &w->tensor[tensor];
    const struct onnx_layout plain = onnx_identity(w->g->tensors[tensor].rank);
    const struct ow_form *form = NULL;

    for (int i = 0; i < t->n_forms && form == NULL; i++)
        if (in_order(&w->g->tensors[tensor], &t->form[i].layout))
            form = &t->form[i];
    if (form == NULL) {
        TRY(ow_take(w, tensor, &plain, name));
        form = form_in(t, &plain);
    }
    *name = form->real;
    *codes = form->codes;
    return RS_OK;
}

rs_status ow_result_value(struct onnx_writer *w, int tensor, char *real, const struct onnx_layout *layout)
{
    char *unused;

    if (w->g->tensors[tensor].type == RS_TYPE_F32) {
        remember(w, tensor, layout, real, NULL);
        return RS_OK;
    }
    TRY(own_name(w, tensor, &unused));
    return quantize(w, tensor, real, layout, true);
}

rs_status ow_result_codes(struct onnx_writer *w, int tensor, char *codes, const struct onnx_layout *layout)
{
    char *unused;

    TRY(own_name(w, tensor, &unused));
    return dequantize(w, tensor, codes, layout, true);
}

static rs_status activation(struct onnx_writer *w, int tensor, enum rs_activation act, char *real, struct ow_node **out)
{
    const float low = act == RS_ACT_RELU6 ? 0 : -1, high = act == RS_ACT_RELU6 ? 6 : 1;
    char *in[3] = { real, NULL, NULL };

    if (act == RS_ACT_RELU)
        return ow_node(w, "Relu", in, 1, out);
    TRY(ow_floats(w, tensor, "least", &low, 0, &in[1]));
    TRY(ow_floats(w, tensor, "greatest", &high, 0, &in[2]));
    return ow_node(w, "Clip", in, 3, out);
}

rs_status ow_requantized(struct onnx_writer *w, int tensor, char *real, char **out)
{
    char *in[3] = { real, NULL, NULL };

    TRY(quantization(w, tensor, &in[1], &in[2]));
    TRY(ow_step(w, tensor, "QuantizeLinear", in, 3, &in[0]));
    return ow_step(w, tensor, "DequantizeLinear", in, 3, out);
}

rs_status ow_inner_result(struct onnx_writer *w, const struct rs_node *n, struct ow_node *last, char **out)
{
    const int tensor = n->outputs[0];

    TRY(ow_name(w, name_of(w, tensor), last->proto.op_type, &last->output));
    if (n->act != RS_ACT_NONE) {
        TRY(activation(w, tensor, n->act, last->output, &last));
        TRY(ow_name(w, name_of(w, tensor), last->proto.op_type, &last->output));
    }
    *out = last->output;
    return w->g->tensors[tensor].type == RS_TYPE_F32 ? RS_OK : ow_requantized(w, tensor, last->output, out);
}

rs_status ow_result(struct onnx_writer *w, const struct rs_node *n, struct ow_node *last, const struct onnx_layout *layout)
{
    const int tensor = n->outputs[0];

    if (n->act != RS_ACT_NONE) {
        TRY(ow_name(w, name_of(w, tensor), last->proto.op_type, &last->output));
        TRY(activation(w, tensor, n->act, last->output, &last));
    }
    if (w->g->tensors[tensor].type == RS_TYPE_F32)
        TRY(own_name(w, tensor, &last->output));
    else
        TRY(ow_name(w, name_of(w, tensor), last->proto.op_type, &last->output));
    return ow_result_value(w, tensor, last->output, layout);
}

void ow_alias(struct onnx_writer *w, int from, int to, const int32_t *perm)
{
    const struct ow_tensor *f = &w->tensor[from];

    for (int k = 0; k < f->n_forms; k++) {
        struct onnx_layout layout = f->form[k].layout;

        for (int i = 0; perm != NULL && i < layout.rank; i++)
            layout.axis[i] = f->form[k].layout.axis[perm[i]];
        remember(w, to, &layout, f->form[k].real, perm == NULL ? NULL : f->form[k].codes);
    }
}

/* ---- the network's inputs and outputs ---- */

static rs_status value_info(struct onnx_writer *w, int tensor, const struct onnx_layout *layout, char *name, Onnx__ValueInfoProto **out)
{
    const struct rs_tensor *t = &w->g->tensors[tensor];
    const size_t rank = (size_t)t->rank;
    struct info {
        Onnx__ValueInfoProto info;
        Onnx__TypeProto type;
        Onnx__TypeProto__Tensor tensor;
        Onnx__TensorShapeProto shape;
        Onnx__TensorShapeProto__Dimension dim[RS_MAX_RANK], *list[RS_MAX_RANK];
    } *x = ow_alloc(w, 1, sizeof *x);

    if (x == NULL)
        return RS_ERR_NOMEM;
    onnx__value_info_proto__init(&x->info);
    onnx__type_proto__init(&x->type);
    onnx__type_proto__tensor__init(&x->tensor);
    onnx__tensor_shape_proto__init(&x->shape);
    x->info.name = name;
    x->info.type = &x->type;
    x->type.tensor_type = &x->tensor;
    x->tensor.has_elem_type = true;
    x->tensor.elem_type = OX_FLOAT;
    x->tensor.shape = &x->shape;
    x->shape.n_dim = rank;
    x->shape.dim = x->list;
    for (size_t i = 0; i < rank; i++) {
        const int axis = layout->axis[i];
        Onnx__TensorShapeProto__Dimension *d = &x->dim[axis];

        onnx__tensor_shape_proto__dimension__init(d);
        x->list[axis] = d;
        d->has_dim_value = i != 0 || !w->any_batch;
        d->dim_value = t->dim[i];
        if (d->has_dim_value)
            continue;
        const int32_t batch = w->g->tensors[w->g->inputs[0]].dim[0];

        d->dim_param = ow_alloc(w, 16, 1);
        if (d->dim_param == NULL)
            return RS_ERR_NOMEM;
        snprintf(d->dim_param, 16, t->dim[0] == batch ? "N" : "%d*N", t->dim[0] / batch);
    }
    *out = &x->info;
    return RS_OK;
}

/* Whether a window reads @input in its order: through operations that keep it, if at all. */
static bool reaches_window(const struct rs_graph *g, int input, bool *reached)
{
    memset(reached, 0, (size_t)g->n_tensors * sizeof *reached);
    reached[input] = true;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *n = &g->nodes[i];
        bool reads = reached[n->inputs[0]];

        if (n->op == RS_OP_ADD || n->op == RS_OP_SUB || n->op == RS_OP_MUL || n->op == RS_OP_DIV)
            reads |= reached[n->inputs[1]];
        if (!reads)
            continue;
        if (ow_is_window(n->op))
            return true;
        switch (n->op) {
        case RS_OP_RESHAPE: case RS_OP_TRANSPOSE: case RS_OP_FULLY_CONNECTED: case RS_OP_BATCH_MATMUL: case RS_OP_MEAN: case RS_OP_LAYER_NORM:
            break;
        default:
            reached[n->outputs[0]] = true;
        }
    }
    return false;
}

static rs_status write_inputs(struct onnx_writer *w)
{
    const struct rs_graph *g = w->g;
    bool *reached = ow_alloc(w, (size_t)g->n_tensors + 1, sizeof *reached);

    w->file.input = ow_alloc(w, (size_t)g->n_inputs + 1, sizeof *w->file.input);
    if (reached == NULL || w->file.input == NULL)
        return RS_ERR_NOMEM;
    for (int i = 0; i < g->n_inputs; i++) {
        const int t = g->inputs[i];
        const struct rs_tensor *x = &g->tensors[t];
        const struct onnx_layout layout = x->rank == 4 && reaches_window(g, t, reached) ? onnx_channels_last(4) : onnx_identity(x->rank);
        char *name;

        if (ow_type(x->type) == OX_NONE || x->data != NULL)
            return rs_fail(w->err, RS_ERR_UNSUPPORTED, "network input '%.80s' is %s: only int8, int16 and float32 are written", x->name,
                           x->data != NULL ? "constant" : rs_type_name(x->type));
        TRY(own_name(w, t, &name));
        TRY(value_info(w, t, &layout, name, &w->file.input[w->file.n_input++]));
        if (x->type == RS_TYPE_F32)
            remember(w, t, &layout, name, NULL);
        else
            TRY(quantize(w, t, name, &layout, false));
    }
    return RS_OK;
}

/* What makes an output gets its name, if it is nobody else's already: TRANSPOSE and DEQUANTIZE write no operator. */
static rs_status name_outputs(struct onnx_writer *w)
{
    const struct rs_graph *g = w->g;

    for (int i = 0; i < g->n_inputs; i++) {
        char *unused;

        TRY(own_name(w, g->inputs[i], &unused));
    }
    for (int i = 0; i < g->n_outputs; i++) {
        int t = g->outputs[i];

        for (int p = rs_graph_producer(g, t); p >= 0 && (g->nodes[p].op == RS_OP_TRANSPOSE || g->nodes[p].op == RS_OP_DEQUANTIZE);
             p = rs_graph_producer(g, t))
            t = g->nodes[p].inputs[0];
        if (w->tensor[t].own == NULL)
            TRY(ow_name(w, name_of(w, g->outputs[i]), NULL, &w->tensor[t].own));
    }
    return RS_OK;
}

static rs_status write_outputs(struct onnx_writer *w)
{
    const struct rs_graph *g = w->g;

    w->file.output = ow_alloc(w, (size_t)g->n_outputs + 1, sizeof *w->file.output);
    if (w->file.output == NULL)
        return RS_ERR_NOMEM;
    for (int i = 0; i < g->n_outputs; i++) {
        const int t = g->outputs[i];
        const struct onnx_layout lies = ow_lies(w, t), nhwc = onnx_channels_last(4);
        const struct onnx_layout layout = onnx_same_layout(&lies, &nhwc) ? nhwc : onnx_identity(lies.rank);
        bool taken = g->tensors[t].data != NULL;
        char *name;

        TRY(ow_take(w, t, &layout, &name));
        for (size_t k = 0; k < w->file.n_input; k++)
            taken |= w->file.input[k]->name == name;
        for (size_t k = 0; k < w->file.n_output; k++)
            taken |= w->file.output[k]->name == name;
        if (taken) {                                     /* an input or another output has this value's name */
            struct ow_node *n;

            TRY(ow_node(w, "Identity", &name, 1, &n));
            TRY(ow_name(w, name_of(w, t), NULL, &n->output));
            name = n->output;
        }
        TRY(value_info(w, t, &layout, name, &w->file.output[w->file.n_output++]));
    }
    return RS_OK;
}

/* ---- the file ---- */

static int opset_of(const struct rs_graph *g)
{
    int opset = BASE_OPSET;

    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *n = &g->nodes[i];
        const bool gelu = n->op == RS_OP_GELU ||
                          (n->op == RS_OP_FUNCTION && (n->function == RS_FUNCTION_GELU || n->function == RS_FUNCTION_GELU_TANH));

        if (g->tensors[n->inputs[0]].type == RS_TYPE_S16 || g->tensors[n->outputs[0]].type == RS_TYPE_S16)
            return INT16_OPSET;
        opset = gelu ? GELU_OPSET : opset;
    }
    return opset;
}

static bool fixes_batch(const struct rs_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *n = &g->nodes[i];

        if (n->op == RS_OP_RESIZE_NEAREST && !ow_whole_multiple(&g->tensors[n->inputs[0]], &g->tensors[n->outputs[0]]))
            return true;
    }
    return false;
}

static rs_status serialize(struct onnx_writer *w, const char *description, uint8_t **bytes, size_t *size)
{
    Onnx__ModelProto model;
    Onnx__OperatorSetIdProto set, *sets = &set;

    onnx__model_proto__init(&model);
    onnx__operator_set_id_proto__init(&set);
    set.domain = (char *)(uintptr_t)"";
    set.has_version = true;
    set.version = w->opset;
    model.has_ir_version = true;
    model.ir_version = w->opset >= INT16_OPSET ? 10 : w->opset >= GELU_OPSET ? 9 : 8;
    model.producer_name = (char *)(uintptr_t)"rowstation";
    model.producer_version = (char *)(uintptr_t)RS_VERSION;
    model.doc_string = (char *)(uintptr_t)(description != NULL ? description : "");
    model.graph = &w->file;
    model.opset_import = &sets;
    model.n_opset_import = 1;
    w->file.name = w->g->name;
    *size = onnx__model_proto__get_packed_size(&model);
    if (*size > MOST_BYTES)
        return rs_fail(w->err, RS_ERR_RANGE, "the file would have 2 GiB or more");
    *bytes = malloc(*size);
    if (*bytes == NULL)
        return no_memory(w);
    onnx__model_proto__pack(&model, *bytes);
    return RS_OK;
}

static rs_status write_all(struct onnx_writer *w, const char *description, uint8_t **bytes, size_t *size)
{
    w->tensor = ow_alloc(w, (size_t)w->g->n_tensors + 1, sizeof *w->tensor);
    if (w->tensor == NULL)
        return RS_ERR_NOMEM;
    TRY(name_outputs(w));
    TRY(write_inputs(w));
    for (int i = 0; i < w->g->n_nodes; i++)
        TRY(ow_write_node(w, &w->g->nodes[i]));
    TRY(write_outputs(w));
    return serialize(w, description, bytes, size);
}

rs_status rs_onnx_write(const struct rs_graph *g, bool any_batch, const char *description, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    if (g == NULL || bytes == NULL || size == NULL || g->n_inputs < 1 || g->n_outputs < 1)
        return rs_fail(err, RS_ERR_ARG, "rs_onnx_write: null pointer, or a network without input or output");
    struct onnx_writer w = { .g = g, .any_batch = any_batch && !fixes_batch(g), .opset = opset_of(g), .err = err };
    uint8_t *made = NULL;

    onnx__graph_proto__init(&w.file);
    *bytes = NULL;
    const rs_status status = write_all(&w, description, &made, size);

    for (struct ow_block *b = w.blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    free(w.file.node);
    free(w.file.initializer);
    free(w.names);
    if (status == RS_OK)
        *bytes = made;
    return status;
}
