/*
 * onnx_read.c - the file: names, values, the order of nodes, what is refused.
 *
 * Nodes become operations one by one, in the file's order, which ONNX demands to be an order of execution; so every
 * value's size is known when a node that reads it is converted, and expressions of constants (the shape of a Reshape,
 * as exporters write it) are constants by then.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_internal.h"

struct onnx_block { struct onnx_block *next; };

enum { FIRST_OPSET = 1, LAST_OPSET = 21, MAX_BYTES = 1 << 30, OWN_VALUES = 6 };

rs_status onnx_unsupported(struct onnx_importer *im, const char *format, ...)
{
    char text[320];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rs_fail(im->err, RS_ERR_UNSUPPORTED, "%s", text);
}

rs_status onnx_malformed(struct onnx_importer *im, const char *format, ...)
{
    char text[320];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rs_fail(im->err, RS_ERR_FORMAT, "%s", text);
}

void *onnx_alloc(struct onnx_importer *im, uint64_t count, size_t size)
{
    if (count > im->budget / (size == 0 ? 1 : size)) {
        rs_fail(im->err, RS_ERR_RANGE, "%llu elements of %zu bytes: more than a file of this size may make",
                (unsigned long long)count, size);
        return NULL;
    }
    struct onnx_block *block = calloc(1, sizeof(max_align_t) + sizeof *block + (size_t)count * size);

    if (block == NULL) {
        rs_fail(im->err, RS_ERR_NOMEM, "no memory for %llu elements", (unsigned long long)count);
        return NULL;
    }
    im->budget -= count * size;
    block->next = im->blocks;
    im->blocks = block;
    return (char *)block + sizeof(max_align_t);
}

const char *onnx_type_name(enum onnx_type type)
{
    static const char *const name[] = { "of no type", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string",
                                        "bool", "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16" };

    return (unsigned)type < sizeof name / sizeof name[0] ? name[type] : "of an unknown type";
}

/* A name of the file, fit to be printed. */
static const char *printable(const char *name, char text[OX_NAME])
{
    snprintf(text, OX_NAME, "%s", name == NULL ? "" : name);
    for (char *c = text; *c != 0; c++)
        if (!isprint((unsigned char)*c))
            *c = '?';
    return text;
}

/* ---- names ---- */

static size_t slot_of(const struct onnx_importer *im, const char *name)
{
    uint64_t h = 0xCBF29CE484222325u;

    for (const char *c = name; *c != 0; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001B3u;
    size_t at = h & (im->table_slots - 1);

    while (im->table[at] != 0 && strcmp(im->values[im->table[at] - 1].name, name) != 0)
        at = (at + 1) & (im->table_slots - 1);
    return at;
}

static int add_value(struct onnx_importer *im, const char *name)
{
    const int id = im->n_values++;

    im->values[id] = (struct onnx_value){ .name = name, .codes = -1, .scale = -1, .zero_point = -1, .flat_of = -1, .reader = -1,
                                          .producer = -1, .hint_scale = -1, .hint_zero_point = -1 };
    return id;
}

/* The value called @name, made at its first use; -1 for the empty name, which is an absent operand. */
static int value_of(struct onnx_importer *im, const char *name)
{
    if (name == NULL || *name == 0)
        return -1;
    const size_t at = slot_of(im, name);

    if (im->table[at] == 0)
        im->table[at] = add_value(im, name) + 1;
    return im->table[at] - 1;
}

rs_status onnx_new_value(struct onnx_importer *im, enum onnx_type type, int rank, const int32_t *dim, int *value)
{
    if (im->n_values == im->cap_values)                  /* the table must not move: pointers into it are all over */
        return onnx_unsupported(im, "more steps than expected from %d operations", im->n_nodes);
    *value = add_value(im, "value");
    return onnx_define(im, *value, type, rank, dim);
}

/* ---- refusals ---- */

static void refuse(struct onnx_importer *im, int node, const char *why)
{
    const struct onnx_node *n = &im->nodes[node];
    char op[OX_NAME], output[OX_NAME];
    const size_t used = strlen(im->refusals);

    printable(n->shown, op);
    printable(n->n_out > 0 && n->out[0] >= 0 ? im->values[n->out[0]].name : "", output);
    if (im->each != NULL)
        im->each(im->context, n->source, op, output, why);
    im->refused++;
    if (used + 40 < sizeof im->refusals)
        snprintf(im->refusals + used, sizeof im->refusals - used, "; operation %d %.40s (output '%.60s'): %s", n->source, op, output, why);
}

static rs_status refusals(struct onnx_importer *im, int needed)
{
    if (im->refused == 0)
        return RS_OK;
    return rs_fail(im->err, RS_ERR_UNSUPPORTED, "%d of %d operations not supported%.400s", im->refused, needed, im->refusals);
}

/* ---- the file's parts ---- */

/* How many nodes stand for an operation: QLinearAdd is DequantizeLinear twice, Add, QuantizeLinear. */
static size_t nodes_for(const Onnx__NodeProto *p)
{
    const char *between = onnx_between_quantizers(p->domain, p->op_type);

    if (between == NULL)
        return 1;
    return 2 + (strcmp(between, "Concat") == 0 ? p->n_input / 3 : strcmp(between, "Add") == 0 || strcmp(between, "Mul") == 0 ? 2 : 1);
}

static rs_status add_node(struct onnx_importer *im, const Onnx__NodeProto *proto, int source, const char *shown, int n_in, int n_out,
                          struct onnx_node **out)
{
    struct onnx_node *n = &im->nodes[im->n_nodes++];

    n->proto = proto;
    n->source = source;
    n->shown = shown;
    n->n_in = n_in;
    n->n_out = n_out;
    n->in = onnx_alloc(im, (uint64_t)n_in + 1, sizeof *n->in);
    n->out = onnx_alloc(im, (uint64_t)n_out + 1, sizeof *n->out);
    if (n->in == NULL || n->out == NULL)
        return im->err->status;
    *out = n;
    return RS_OK;
}

static rs_status made_by(struct onnx_importer *im, const struct onnx_node *n)
{
    for (int k = 0; k < n->n_out; k++) {
        struct onnx_value *v = n->out[k] >= 0 ? &im->values[n->out[k]] : NULL;
        char text[OX_NAME];

        if (v != NULL && v->producer >= 0)
            return onnx_malformed(im, "operations %d and %d both make '%s'", im->nodes[v->producer].source, n->source, printable(v->name, text));
        if (v != NULL)
            v->producer = (int)(n - im->nodes);
    }
    return RS_OK;
}

/* A node that the file does not have, with the attributes of one that it has. */
static rs_status add_own(struct onnx_importer *im, const char *op, const struct onnx_node *like, const int *in, int n_in, int out)
{
    Onnx__NodeProto *proto = onnx_alloc(im, 1, sizeof *proto);
    struct onnx_node *n;

    if (proto == NULL)
        return im->err->status;
    onnx__node_proto__init(proto);
    proto->op_type = (char *)(uintptr_t)op;
    proto->attribute = like->proto->attribute;
    proto->n_attribute = like->proto->n_attribute;
    TRY(add_node(im, proto, like->source, like->shown, n_in, 1, &n));
    memcpy(n->in, in, (size_t)n_in * sizeof *in);
    n->out[0] = out;
    return made_by(im, n);
}

/* Operands: codes, scale, zero point, of each input; scale and zero point of the output, which QLinearConcat has first. */
static rs_status expand(struct onnx_importer *im, const Onnx__NodeProto *p, int source, const char *between)
{
    const bool concat = strcmp(between, "Concat") == 0;
    const size_t inputs = nodes_for(p) - 2, first = concat ? 2 : 0, to = concat ? 0 : 3 * inputs;
    const struct onnx_node like = { .proto = p, .source = source, .shown = p->op_type };
    int *real = onnx_alloc(im, inputs + 1, sizeof *real), result, operand[3];

    if (real == NULL)
        return im->err->status;
    if (p->n_input != 3 * inputs + 2 || inputs == 0 || p->n_output != 1)
        return onnx_malformed(im, "operation %d %.40s has %zu inputs and %zu outputs", source, p->op_type, p->n_input, p->n_output);
    for (size_t i = 0; i < inputs; i++) {
        for (size_t k = 0; k < 3; k++)
            operand[k] = value_of(im, p->input[first + 3 * i + k]);
        real[i] = add_value(im, p->output[0]);
        TRY(add_own(im, "DequantizeLinear", &like, operand, 3, real[i]));
    }
    result = add_value(im, p->output[0]);
    TRY(add_own(im, between, &like, real, (int)inputs, result));
    operand[0] = result;
    operand[1] = value_of(im, p->input[to]);
    operand[2] = value_of(im, p->input[to + 1]);
    return add_own(im, "QuantizeLinear", &like, operand, 3, value_of(im, p->output[0]));
}

static rs_status read_nodes(struct onnx_importer *im)
{
    const Onnx__GraphProto *f = im->file;
    uint64_t names = f->n_input + f->n_output + f->n_initializer + 16, nodes = 0;     /* and OWN_VALUES a node of our own */

    for (size_t i = 0; i < f->n_node; i++) {
        names += f->node[i]->n_input + f->node[i]->n_output;
        nodes += nodes_for(f->node[i]);
    }
    if (names > INT32_MAX / 16 || nodes > INT32_MAX / 16)
        return onnx_malformed(im, "%llu names", (unsigned long long)names);
    for (im->table_slots = 64; im->table_slots < 2 * names; )
        im->table_slots *= 2;
    im->cap_values = (int)(names + OWN_VALUES * nodes);
    im->values = malloc((size_t)im->cap_values * sizeof *im->values);
    im->table = calloc(im->table_slots, sizeof *im->table);
    im->nodes = calloc(nodes + 1, sizeof *im->nodes);
    if (im->values == NULL || im->table == NULL || im->nodes == NULL)
        return rs_fail(im->err, RS_ERR_NOMEM, "no memory for %llu names", (unsigned long long)names);
    for (size_t i = 0; i < f->n_node; i++) {
        const Onnx__NodeProto *p = f->node[i];
        const char *between = onnx_between_quantizers(p->domain, p->op_type);
        struct onnx_node *n;

        if (between != NULL) {
            TRY(expand(im, p, (int)i, between));
            continue;
        }
        TRY(add_node(im, p, (int)i, p->op_type, (int)p->n_input, (int)p->n_output, &n));
        for (int k = 0; k < n->n_in; k++)
            n->in[k] = value_of(im, p->input[k]);
        for (int k = 0; k < n->n_out; k++)
            n->out[k] = value_of(im, p->output[k]);
        TRY(made_by(im, n));
    }
    return RS_OK;
}

/* Marks what the outputs need, without recursion; counts readers among the marked. */
static rs_status mark_needed(struct onnx_importer *im)
{
    int *stack = onnx_alloc(im, (uint64_t)im->n_nodes + 1, sizeof *stack);
    int depth = 0;

    if (stack == NULL)
        return im->err->status;
    for (size_t i = 0; i < im->file->n_output; i++) {
        const int v = value_of(im, im->file->output[i]->name);

        if (v < 0)
            return onnx_malformed(im, "network output %zu has no name", i);
        im->values[v].is_output = true;
        im->values[v].readers++;
        const int p = im->values[v].producer;

        if (p >= 0 && !im->nodes[p].needed) {
            im->nodes[p].needed = true;
            stack[depth++] = p;
        }
    }
    while (depth > 0) {
        const int i = stack[--depth];
        const struct onnx_node *n = &im->nodes[i];

        for (int k = 0; k < n->n_in; k++) {
            if (n->in[k] < 0)
                continue;
            struct onnx_value *v = &im->values[n->in[k]];

            v->readers++;
            v->reader = i;
            if (v->producer >= 0 && !im->nodes[v->producer].needed) {
                im->nodes[v->producer].needed = true;
                stack[depth++] = v->producer;            /* each node is pushed once: the stack cannot overflow */
            }
        }
    }
    return RS_OK;
}

/* Which inputs of an integer operator carry codes, and where their scale and zero point stand. */
static void hint(struct onnx_importer *im, const struct onnx_node *n, int codes, int scale, int zero_point)
{
    if (!onnx_has(n, codes) || !onnx_has(n, scale))
        return;
    struct onnx_value *v = &im->values[n->in[codes]];

    if (v->hint_scale < 0) {
        v->hint_scale = n->in[scale];
        v->hint_zero_point = onnx_has(n, zero_point) ? n->in[zero_point] : -1;
    }
}

static void collect_hints(struct onnx_importer *im)
{
    for (int i = 0; i < im->n_nodes; i++) {
        const struct onnx_node *n = &im->nodes[i];
        const char *op = n->proto->op_type;

        if (!n->needed || op == NULL)
            continue;
        if (strcmp(op, "DequantizeLinear") == 0 || (strncmp(op, "QLinear", 7) == 0 && strcmp(op, "QLinearConcat") != 0) ||
            strcmp(op, "QGemm") == 0)
            hint(im, n, 0, 1, 2);
        if (strcmp(op, "QLinearMatMul") == 0 || strcmp(op, "QLinearAdd") == 0 || strcmp(op, "QLinearMul") == 0)
            hint(im, n, 3, 4, 5);
    }
}

static rs_status read_initializers(struct onnx_importer *im)
{
    for (size_t i = 0; i < im->file->n_initializer; i++) {
        const Onnx__TensorProto *t = im->file->initializer[i];
        const int v = value_of(im, t->name);
        struct onnx_constant *c;
        struct rs_error why = { 0 }, *err = im->err;
        char text[OX_NAME];

        if (v < 0 || im->values[v].readers == 0)
            continue;                                    /* nobody needs it: its type may be anything */
        if (im->values[v].producer >= 0 || im->values[v].constant != NULL)
            return onnx_malformed(im, "initializer '%s' is made twice", printable(t->name, text));
        im->err = &why;
        const rs_status status = onnx_constant_of_proto(im, t, &c);

        im->err = err;
        if (status != RS_OK)
            return rs_fail(err, status, "initializer '%s': %.300s", printable(t->name, text), why.text);
        onnx_define_constant(im, v, c);
    }
    return RS_OK;
}

/* A network input: its tensor in the graph, in ONNX's order, and int8 codes where it is uint8. */
static rs_status read_input(struct onnx_importer *im, const Onnx__ValueInfoProto *info, int *tensor)
{
    const int id = value_of(im, info->name);
    char text[OX_NAME];
    int32_t dim[OX_MAX_RANK];

    printable(info->name, text);
    if (id < 0)
        return onnx_malformed(im, "a network input has no name");
    if (info->type == NULL || info->type->tensor_type == NULL)
        return onnx_unsupported(im, "network input '%s' is not a dense tensor", text);
    const Onnx__TypeProto__Tensor *type = info->type->tensor_type;

    if (im->values[id].producer >= 0 || im->values[id].known)
        return onnx_malformed(im, "network input '%s' is made twice", text);
    if (type->shape == NULL)
        return onnx_unsupported(im, "network input '%s' has no shape", text);
    if (type->shape->n_dim > RS_MAX_RANK)
        return onnx_unsupported(im, "network input '%s' has rank %zu, at most %d is supported", text, type->shape->n_dim, RS_MAX_RANK);
    for (size_t i = 0; i < type->shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *d = type->shape->dim[i];

        if (d->has_dim_value && (d->dim_value > INT32_MAX || d->dim_value < 0 || (d->dim_value == 0 && i > 0)))
            return onnx_unsupported(im, "network input '%s': dimension %zu is %lld", text, i, (long long)d->dim_value);
        if ((!d->has_dim_value || d->dim_value == 0) && i > 0) {
            char symbol[OX_NAME];

            return onnx_unsupported(im, "network input '%s': dimension %zu is '%s', only the first, the batch, may be symbolic", text, i,
                                    printable(d->dim_param, symbol));
        }
        dim[i] = d->has_dim_value && d->dim_value > 0 ? (int32_t)d->dim_value : 1;
    }
    const int rank = (int)type->shape->n_dim;
    const enum onnx_type t = (enum onnx_type)type->elem_type;
    const struct onnx_layout layout = onnx_identity(rank);

    TRY(onnx_define(im, id, t, rank, dim));
    if (t != OX_UINT8)
        return onnx_output(im, id, &layout, tensor);
    /* uint8 outside, int8 inside. */
    int inside;

    TRY(onnx_tensor(im, text, RS_TYPE_U8, rank, dim, NULL, 0, tensor));
    TRY(onnx_output(im, id, &layout, &inside));
    const float scale = im->g->tensors[inside].quant.scale[0];
    const int32_t zero_point = im->g->tensors[inside].quant.zero_point[0] + 128;

    TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, &scale, &zero_point, im->err));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_QUANTIZE }, tensor, 1, inside);
}

static rs_status read_output(struct onnx_importer *im, const char *name, int *tensor)
{
    const int id = value_of(im, name);
    const struct onnx_value *v = &im->values[id];
    char text[OX_NAME];

    printable(name, text);
    if (!v->known)
        return onnx_malformed(im, "network output '%s' is made by no operation", text);
    if (v->rank > RS_MAX_RANK)
        return onnx_unsupported(im, "network output '%s' has rank %d, at most %d is supported", text, v->rank, RS_MAX_RANK);
    const struct onnx_layout layout = onnx_identity(v->rank);
    int inside;

    TRY(onnx_input(im, id, &layout, &inside));
    *tensor = inside;
    if (im->values[id].type != OX_UINT8)
        return RS_OK;
    const struct rs_tensor t = im->g->tensors[inside];
    const int32_t zero_point = t.quant.zero_point[0] + 128;
    char outside[OX_NAME + 16];

    snprintf(outside, sizeof outside, "%s (uint8)", text);
    TRY(onnx_tensor(im, outside, RS_TYPE_U8, t.rank, t.dim, NULL, 0, tensor));
    TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, t.quant.scale, &zero_point, im->err));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_QUANTIZE }, &inside, 1, *tensor);
}

/* Every input that is there has been made; false: an operation before it was refused. */
static rs_status operands_made(struct onnx_importer *im, const struct onnx_node *n, bool *made)
{
    char text[OX_NAME];

    *made = true;
    for (int k = 0; k < n->n_in; k++) {
        const struct onnx_value *v = n->in[k] < 0 ? NULL : &im->values[n->in[k]];

        if (v == NULL || v->known)
            continue;
        *made = false;
        if (im->refused == 0)
            return onnx_malformed(im, "reads '%s', which no operation before it makes", printable(v->name, text));
    }
    return RS_OK;
}

static rs_status convert(struct onnx_importer *im, struct onnx_node *n)
{
    bool folded;

    for (int k = 0; k < n->n_out; k++)
        if (n->out[k] >= 0 && im->values[n->out[k]].known)
            return onnx_malformed(im, "an output is also an input or constant of the network");
    TRY(onnx_fold(im, n, &folded));
    if (folded)
        return RS_OK;
    if (!onnx_has(n, 0) || n->n_out < 1 || n->out[0] < 0)
        return onnx_malformed(im, "its first input or output is absent");
    return n->op->convert(im, n);
}

static rs_status convert_all(struct onnx_importer *im)
{
    for (int i = 0; i < im->n_nodes; i++) {
        struct onnx_node *n = &im->nodes[i];
        struct rs_error why = { 0 }, *err = im->err;
        bool made;
        char op[OX_NAME];

        if (!n->needed || n->done || n->op == NULL)
            continue;
        im->err = &why;
        im->node = n->source;
        rs_status status = operands_made(im, n, &made);

        if (status == RS_OK && made)
            status = convert(im, n);
        im->err = err;
        if (status == RS_ERR_UNSUPPORTED)
            refuse(im, i, why.text);
        else if (status != RS_OK)
            return rs_fail(err, status, "operation %d %.80s: %.350s", n->source, printable(n->shown, op), why.text);
    }
    return RS_OK;
}

/* The last of the nodes that stand for an operation of the file: it has its output. */
static int node_of(const struct onnx_importer *im, int source)
{
    int i = 0;

    while (i + 1 < im->n_nodes && im->nodes[i + 1].source <= source)
        i++;
    return i;
}

/* Validation names the graph's operation; the listing wants the file's. */
static rs_status validate_all(struct onnx_importer *im)
{
    int last = -1;                                       /* one refusal an operation of the file */

    for (int i = 0; i < im->g->n_nodes; i++) {
        struct rs_error why = { 0 };
        const rs_status status = rs_graph_validate_node(im->g, i, &why);
        const char *text = strstr(why.text, "): ");
        const int source = im->g->nodes[i].source;

        if (status == RS_ERR_UNSUPPORTED && source >= 0 && source == last)
            continue;
        if (status == RS_ERR_UNSUPPORTED)
            last = source;
        if (status == RS_ERR_UNSUPPORTED && source >= 0)
            refuse(im, node_of(im, source), text != NULL ? text + 3 : why.text);
        else if (status != RS_OK)
            return rs_fail(im->err, status, "%s", why.text);
    }
    return RS_OK;
}

static rs_status read_opset(struct onnx_importer *im, const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = model->opset_import[i];

        if (o->domain == NULL || *o->domain == 0 || strcmp(o->domain, "ai.onnx") == 0)
            im->opset = o->version > 0 && o->version < 1000 ? (int)o->version : 1000;
    }
    if (im->opset < FIRST_OPSET || im->opset > LAST_OPSET)
        return onnx_unsupported(im, "operator set %d, %d to %d are supported", im->opset, FIRST_OPSET, LAST_OPSET);
    return RS_OK;
}

static rs_status read_model(struct onnx_importer *im, const Onnx__ModelProto *model, enum rs_rounding rounding)
{
    int *in, *out;
    int n_in = 0, needed = 0;
    char text[OX_NAME];

    if (model->graph == NULL)
        return onnx_malformed(im, "the model has no graph");
    if (model->graph->n_output == 0)
        return onnx_malformed(im, "the model has no outputs");
    im->file = model->graph;
    TRY(read_opset(im, model));
    TRY(rs_graph_create(im->file->name != NULL && *im->file->name != 0 ? printable(im->file->name, text) : "model", &im->g, im->err));
    im->g->rounding = rounding;
    im->node = -1;
    TRY(read_nodes(im));
    TRY(mark_needed(im));
    collect_hints(im);
    in = onnx_alloc(im, im->file->n_input + 1, sizeof *in);
    out = onnx_alloc(im, im->file->n_output + 1, sizeof *out);
    if (in == NULL || out == NULL)
        return im->err->status;
    for (int i = 0; i < im->n_nodes; i++) {
        struct onnx_node *n = &im->nodes[i];
        const char *why = NULL;

        if (!n->needed)
            continue;
        needed += i == 0 || im->nodes[i - 1].source != n->source || !im->nodes[i - 1].needed;
        n->op = onnx_find_operator(n->proto->domain, n->proto->op_type, &why);
        if (n->op == NULL)
            refuse(im, i, why);
    }
    TRY(read_initializers(im));
    for (size_t i = 0; i < im->file->n_input; i++) {
        const int v = value_of(im, im->file->input[i]->name);

        if (v >= 0 && im->values[v].constant != NULL)
            continue;                                    /* an initializer is its value */
        const rs_status status = read_input(im, im->file->input[i], &in[n_in++]);

        if (status != RS_OK)
            return im->refused != 0 ? refusals(im, needed) : status;
    }
    TRY(convert_all(im));
    TRY(refusals(im, needed));
    im->node = -1;
    for (size_t i = 0; i < im->file->n_output; i++)
        TRY(read_output(im, im->file->output[i]->name, &out[i]));
    TRY(rs_graph_set_io(im->g, in, n_in, out, (int)im->file->n_output, im->err));
    TRY(rs_graph_sort(im->g, im->err));
    TRY(rs_graph_infer(im->g, true, im->err));
    TRY(validate_all(im));
    TRY(refusals(im, needed));
    return rs_graph_requantize(im->g, im->err);
}

/* ---- protobuf-c, with its memory bounded ---- */

static void *bounded_alloc(void *budget, size_t bytes)
{
    uint64_t *left = budget;

    if (bytes > *left)
        return NULL;
    *left -= bytes;
    return malloc(bytes == 0 ? 1 : bytes);
}

static void bounded_free(void *budget, void *block)
{
    (void)budget;
    free(block);
}

rs_status rs_onnx_read(const void *bytes, size_t size, enum rs_rounding rounding, rs_import_refusal each, void *context,
                       struct rs_graph **out, struct rs_error *err)
{
    if (bytes == NULL || out == NULL || (unsigned)rounding > RS_ROUND_ONNX)
        return rs_fail(err, RS_ERR_ARG, "rs_onnx_read: null pointer, or unknown rounding");
    *out = NULL;
    if (size > MAX_BYTES)
        return rs_fail(err, RS_ERR_FORMAT, "a model of %zu bytes, at most %d are read", size, MAX_BYTES);
    /* A message of two bytes in the file becomes one of about 150 here. */
    uint64_t parse_budget = 256 * (uint64_t)size + 65536;
    ProtobufCAllocator allocator = { bounded_alloc, bounded_free, &parse_budget };
    Onnx__ModelProto *model = onnx__model_proto__unpack(&allocator, size, bytes);

    if (model == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "not an ONNX model, or cut short: %zu bytes that are no such protobuf message", size);
    struct rs_error mine = { 0 };
    struct onnx_importer im = { .budget = 64 * (uint64_t)size + (1 << 20), .each = each, .context = context,
                                .err = err != NULL ? err : &mine };
    const rs_status status = read_model(&im, model, rounding);

    for (struct onnx_block *b = im.blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    free(im.values);
    free(im.table);
    free(im.nodes);
    onnx__model_proto__free_unpacked(model, &allocator);
    if (status == RS_OK)
        *out = im.g;
    else
        rs_graph_destroy(im.g);
    return status;
}
