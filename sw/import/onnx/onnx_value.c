/*
 * onnx_value.c - values as tensors of the graph: types, layouts, quantization, RESHAPE.
 *
 * The graph knows int8 codes only: those of a uint8 value are held 128 less, and so is its zero point.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_internal.h"

struct onnx_layout onnx_identity(int rank)
{
    struct onnx_layout l = { .rank = rank };

    for (int i = 0; i < rank && i < RS_MAX_RANK; i++)
        l.axis[i] = (int8_t)i;
    return l;
}

struct onnx_layout onnx_channels_last(int rank)
{
    struct onnx_layout l = { .rank = rank };

    for (int i = 1; i < rank; i++)
        l.axis[i] = (int8_t)(i == rank - 1 ? 1 : i + 1);
    return l;
}

bool onnx_same_layout(const struct onnx_layout *a, const struct onnx_layout *b)
{
    return a->rank == b->rank && memcmp(a->axis, b->axis, (size_t)a->rank) == 0;
}

int onnx_position(const struct onnx_layout *layout, int axis)
{
    for (int i = 0; i < layout->rank; i++)
        if (layout->axis[i] == axis)
            return i;
    return -1;
}

bool onnx_is_codes(const struct onnx_value *v)
{
    return v->type == OX_INT8 || v->type == OX_UINT8;
}

static rs_status type_of(struct onnx_importer *im, const struct onnx_value *v, enum rs_type *type)
{
    switch ((int)v->type) {
    case OX_FLOAT: *type = RS_TYPE_F32; return RS_OK;
    case OX_INT8:
    case OX_UINT8: *type = RS_TYPE_S8; return RS_OK;
    case OX_INT16: *type = RS_TYPE_S16; return RS_OK;
    case OX_INT32: *type = RS_TYPE_S32; return RS_OK;
    case OX_INT64: *type = RS_TYPE_S64; return RS_OK;
    case OX_BOOL:  *type = RS_TYPE_BOOL; return RS_OK;
    default:
        return onnx_unsupported(im, "tensor '%.80s' is %s, which is not supported", v->name, onnx_type_name(v->type));
    }
}

rs_status onnx_define(struct onnx_importer *im, int value, enum onnx_type type, int rank, const int32_t *dim)
{
    struct onnx_value *v = &im->values[value];

    if (rank > OX_MAX_RANK)
        return onnx_unsupported(im, "a tensor of rank %d, at most %d is supported", rank, OX_MAX_RANK);
    for (int i = 0; i < rank; i++)
        if (dim[i] < 1)
            return onnx_unsupported(im, "a tensor whose dimension %d is %d: empty tensors are not supported", i, dim[i]);
    v->type = type;
    v->known = true;
    v->rank = rank;
    memcpy(v->dim, dim, (size_t)rank * sizeof *dim);
    return RS_OK;
}

rs_status onnx_tensor(struct onnx_importer *im, const char *name, enum rs_type type, int rank, const int32_t *dim,
                      const void *data, size_t bytes, int *tensor)
{
    char text[OX_NAME];

    snprintf(text, sizeof text, "%s", name);
    for (char *c = text; *c != 0; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return rs_graph_add_tensor(im->g, text, type, rank, dim, data, bytes, tensor, im->err);
}

rs_status onnx_emit(struct onnx_importer *im, const struct rs_node *n, const int *in, int n_in, int out)
{
    struct rs_node node = *n;

    node.source = im->node;
    return rs_graph_add_node(im->g, &node, in, n_in, &out, 1, NULL, im->err);
}

static rs_status remember(struct onnx_value *v, const struct onnx_layout *layout, int tensor)
{
    if (v->n_layouts < OX_LAYOUTS) {
        v->in[v->n_layouts].layout = *layout;
        v->in[v->n_layouts++].tensor = tensor;
    }
    return RS_OK;
}

/* A new tensor of the graph with the type and dims of @v, codes without a quantization of their own yet. */
static rs_status new_tensor(struct onnx_importer *im, const struct onnx_value *v, const struct onnx_layout *layout, const void *data,
                            size_t bytes, int *tensor)
{
    int32_t dim[RS_MAX_RANK] = { 0 };
    enum rs_type type = RS_TYPE_F32;

    TRY(type_of(im, v, &type));
    if (v->rank > RS_MAX_RANK)
        return onnx_unsupported(im, "tensor '%.80s' has rank %d, at most %d is supported", v->name, v->rank, RS_MAX_RANK);
    for (int i = 0; i < v->rank; i++)
        dim[i] = v->dim[layout->axis[i]];
    return onnx_tensor(im, v->name, type, v->rank, dim, data, bytes, tensor);
}

rs_status onnx_codes_output(struct onnx_importer *im, int value, const struct onnx_layout *layout, float scale, int32_t zero_point, int *tensor)
{
    struct onnx_value *v = &im->values[value];
    const int32_t zp = v->type == OX_UINT8 ? zero_point - 128 : zero_point;

    TRY(new_tensor(im, v, layout, NULL, 0, tensor));
    TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, &scale, &zp, im->err));
    return remember(v, layout, *tensor);
}

/* What the operator that reads these codes says of them; else real == code. */
static struct onnx_quant hinted(const struct onnx_importer *im, const struct onnx_value *v)
{
    struct onnx_quant q = { 1.0f, 0 };

    if (v->hint_scale >= 0 && !onnx_scalar_quant(im, v->hint_scale, v->hint_zero_point, &q))
        q = (struct onnx_quant){ 1.0f, 0 };
    return q;
}

rs_status onnx_output(struct onnx_importer *im, int value, const struct onnx_layout *layout, int *tensor)
{
    struct onnx_value *v = &im->values[value];

    if (onnx_is_codes(v)) {
        const struct onnx_quant q = hinted(im, v);

        return onnx_codes_output(im, value, layout, q.scale, q.zero_point, tensor);
    }
    TRY(new_tensor(im, v, layout, NULL, 0, tensor));
    return remember(v, layout, *tensor);
}

/* Bytes of @c in another layout; those of uint8 become int8, 128 less. */
static rs_status permuted(struct onnx_importer *im, const struct onnx_constant *c, const struct onnx_layout *layout, const uint8_t **out)
{
    const size_t width = onnx_type_bytes(c->type);
    uint8_t *to = onnx_alloc(im, (uint64_t)c->count, width);
    int64_t stride[RS_MAX_RANK], s = 1;
    int32_t extent[RS_MAX_RANK], at[RS_MAX_RANK] = { 0 };

    if (to == NULL)
        return im->err->status;
    for (int a = c->rank - 1; a >= 0; a--) {
        stride[onnx_position(layout, a)] = s;
        extent[onnx_position(layout, a)] = c->dim[a];
        s *= c->dim[a];
    }
    for (int64_t i = 0; i < c->count; i++) {
        int64_t from = 0;

        for (int d = 0; d < c->rank; d++)
            from += at[d] * stride[d];
        memcpy(to + (size_t)i * width, (const uint8_t *)c->data + (size_t)from * width, width);
        for (int d = c->rank - 1; d >= 0 && ++at[d] == extent[d]; d--)
            at[d] = 0;
    }
    if (c->type == OX_UINT8)
        for (int64_t i = 0; i < c->count; i++)
            to[i] ^= 0x80;
    *out = to;
    return RS_OK;
}

static rs_status constant_tensor(struct onnx_importer *im, int value, const struct onnx_layout *layout, int *tensor)
{
    struct onnx_value *v = &im->values[value];
    const uint8_t *bytes = NULL;

    if (v->rank > RS_MAX_RANK)
        return onnx_unsupported(im, "constant '%.80s' has rank %d, at most %d is supported", v->name, v->rank, RS_MAX_RANK);
    TRY(permuted(im, v->constant, layout, &bytes));
    TRY(new_tensor(im, v, layout, bytes, (size_t)v->constant->count * onnx_type_bytes(v->type), tensor));
    if (onnx_is_codes(v)) {
        const struct onnx_quant q = hinted(im, v);
        const int32_t zp = v->type == OX_UINT8 ? q.zero_point - 128 : q.zero_point;

        TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, &q.scale, &zp, im->err));
    }
    return remember(v, layout, *tensor);
}

/* DequantizeLinear of what the graph computes: the codes are put in the layout asked for, which is less to move. */
static rs_status make_real(struct onnx_importer *im, int value, const struct onnx_layout *wanted)
{
    struct onnx_value *v = &im->values[value];
    struct onnx_quant q;
    int codes, from, to;

    if (!onnx_dequantizes(im, value, &codes, &q))
        return onnx_unsupported(im, "'%.80s' is read as real and has more than one scale, or one that is no constant", v->name);
    const struct onnx_layout layout = wanted != NULL ? *wanted : onnx_lies(im, codes);

    TRY(onnx_codes(im, codes, &layout, q.scale, q.zero_point, &from));
    TRY(onnx_output(im, value, &layout, &to));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_DEQUANTIZE }, &from, 1, to);
}

/* Its elements as they lie, whatever the dims are called. */
static rs_status make_flat(struct onnx_importer *im, int value)
{
    struct onnx_value *v = &im->values[value];
    const struct onnx_layout before = onnx_identity(im->values[v->flat_of].rank), after = onnx_identity(v->rank);
    struct rs_node n = { .op = RS_OP_RESHAPE, .n_shape = v->rank };
    int from, to;

    memcpy(n.shape, v->dim, (size_t)v->rank * sizeof n.shape[0]);
    TRY(onnx_input(im, v->flat_of, &before, &from));
    if (onnx_is_codes(v)) {
        const struct rs_tensor_quant *q = &im->g->tensors[from].quant;

        TRY(onnx_codes_output(im, value, &after, q->scale[0], q->zero_point[0] + (v->type == OX_UINT8 ? 128 : 0), &to));
    } else {
        TRY(onnx_output(im, value, &after, &to));
    }
    return onnx_emit(im, &n, &from, 1, to);
}

static rs_status make(struct onnx_importer *im, int value, const struct onnx_layout *layout)
{
    struct onnx_value *v = &im->values[value];
    const struct onnx_layout plain = onnx_identity(v->rank);
    int tensor;

    if (v->n_layouts > 0)
        return RS_OK;
    if (v->constant == NULL && v->codes >= 0 && im->values[v->codes].constant != NULL) {
        struct onnx_constant *c;

        TRY(onnx_dequantized(im, v, &c));
        v->constant = c;
    }
    if (v->constant != NULL)
        return constant_tensor(im, value, layout != NULL ? layout : &plain, &tensor);
    if (v->codes >= 0)
        return make_real(im, value, layout);
    if (v->flat_of >= 0)
        return make_flat(im, value);
    return onnx_malformed(im, "'%.80s' was not made", v->name);
}

struct onnx_layout onnx_lies(const struct onnx_importer *im, int value)
{
    const struct onnx_value *v = &im->values[value];

    if (v->n_layouts > 0)
        return v->in[0].layout;
    if (v->codes >= 0 && im->values[v->codes].constant == NULL)
        return onnx_lies(im, v->codes);                  /* codes are never codes of codes: no deeper */
    return onnx_identity(v->rank < RS_MAX_RANK ? v->rank : RS_MAX_RANK);
}

rs_status onnx_input(struct onnx_importer *im, int value, const struct onnx_layout *layout, int *tensor)
{
    struct onnx_value *v = &im->values[value];

    if (!v->known)
        return onnx_malformed(im, "'%.80s' was not made", v->name);
    if (layout != NULL && layout->rank != v->rank)
        return onnx_malformed(im, "'%.80s' has rank %d, expected %d", v->name, v->rank, layout->rank);
    TRY(make(im, value, layout));
    if (layout == NULL) {
        *tensor = v->in[0].tensor;
        return RS_OK;
    }
    for (int i = 0; i < v->n_layouts; i++)
        if (onnx_same_layout(&v->in[i].layout, layout)) {
            *tensor = v->in[i].tensor;
            return RS_OK;
        }
    const int from = v->in[0].tensor;
    struct rs_node n = { .op = RS_OP_TRANSPOSE, .n_axes = v->rank };

    for (int i = 0; i < v->rank; i++)
        n.axis[i] = onnx_position(&v->in[0].layout, layout->axis[i]);
    TRY(new_tensor(im, v, layout, NULL, 0, tensor));
    if (onnx_is_codes(v)) {
        const float scale = im->g->tensors[from].quant.scale[0];
        const int32_t zp = im->g->tensors[from].quant.zero_point[0];

        TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, &scale, &zp, im->err));
    }
    TRY(onnx_emit(im, &n, &from, 1, *tensor));
    return remember(v, layout, *tensor);
}

rs_status onnx_codes(struct onnx_importer *im, int value, const struct onnx_layout *layout, float scale, int32_t zero_point, int *tensor)
{
    const struct onnx_value *v = &im->values[value];

    if (!onnx_is_codes(v))
        return onnx_unsupported(im, "'%.80s' is %s, only int8 and uint8 codes are supported", v->name, onnx_type_name(v->type));
    TRY(onnx_input(im, value, layout, tensor));
    const struct rs_tensor t = im->g->tensors[*tensor];
    const int32_t zp = v->type == OX_UINT8 ? zero_point - 128 : zero_point;
    const int from = *tensor;

    if (t.quant.scale[0] == scale && t.quant.zero_point[0] == zp)
        return RS_OK;
    /* Somebody else reads the same codes another way. */
    struct rs_node n = { .op = RS_OP_RESHAPE, .n_shape = t.rank };

    memcpy(n.shape, t.dim, sizeof n.shape);
    TRY(onnx_tensor(im, v->name, RS_TYPE_S8, t.rank, t.dim, NULL, 0, tensor));
    TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, &scale, &zp, im->err));
    return onnx_emit(im, &n, &from, 1, *tensor);
}

rs_status onnx_operand(struct onnx_importer *im, int value, const struct onnx_layout *layout, int *tensor)
{
    const struct onnx_value *v = &im->values[value];
    const struct onnx_layout plain = onnx_identity(layout->rank), own = onnx_identity(v->rank);
    int32_t dim[OX_MAX_RANK];
    int wide;

    if (v->rank == layout->rank)
        return onnx_input(im, value, layout, tensor);
    if (onnx_same_layout(layout, &plain))
        return onnx_input(im, value, &own, tensor);      /* kernels broadcast leading dimensions themselves */
    for (int i = 0; i < layout->rank; i++)
        dim[i] = i < layout->rank - v->rank ? 1 : v->dim[i - (layout->rank - v->rank)];
    TRY(onnx_new_value(im, v->type, layout->rank, dim, &wide));
    if (v->constant != NULL) {
        struct onnx_constant *c = onnx_alloc(im, 1, sizeof *c);

        if (c == NULL)
            return im->err->status;
        *c = *v->constant;
        c->rank = layout->rank;
        memcpy(c->dim, dim, sizeof dim);
        onnx_define_constant(im, wide, c);
    } else {
        TRY(onnx_reshape(im, value, wide));
    }
    return onnx_input(im, wide, layout, tensor);
}

/* ---- RESHAPE ---- */

/*
 * Factors a reshape into groups of dimensions with equal products, in which extents of 1 do not count: [2, 6, 5] to
 * [2, 2, 3, 5] is [2|6|5] to [2|2 3|5].  If each group's dimensions lie together and in order in the graph's tensor,
 * the memory needs no new order: the result has the new dimensions in the groups' places.
 */
static bool regrouped(const struct onnx_value *v, const struct onnx_layout *lies, int rank, const int32_t *dim, struct onnx_layout *out)
{
    int from[OX_MAX_RANK], to[OX_MAX_RANK], n_from = 0, n_to = 0;
    struct { int first, count, to_first, to_count, at; } group[OX_MAX_RANK];
    int n_groups = 0, i = 0, k = 0, order[OX_MAX_RANK], n_order = 0;

    if (rank > RS_MAX_RANK)
        return false;
    for (int a = 0; a < v->rank; a++)
        if (v->dim[a] != 1)
            from[n_from++] = a;
    for (int a = 0; a < rank; a++)
        if (dim[a] != 1)
            to[n_to++] = a;
    while (i < n_from && k < n_to) {
        int64_t p = v->dim[from[i]], q = dim[to[k]];
        const int first = i++, to_first = k++;

        while (p != q) {
            if (p < q && i < n_from)
                p *= v->dim[from[i++]];
            else if (q < p && k < n_to)
                q *= dim[to[k++]];
            else
                return false;
        }
        group[n_groups].first = first;
        group[n_groups].count = i - first;
        group[n_groups].to_first = to_first;
        group[n_groups++].to_count = k - to_first;
    }
    for (int a = 0; a < lies->rank; a++)                 /* the graph's order of what is not 1 */
        if (v->dim[lies->axis[a]] != 1)
            order[n_order++] = lies->axis[a];
    for (int g = 0; g < n_groups; g++) {
        int at = 0;

        while (order[at] != from[group[g].first])
            at++;
        for (int a = 0; a < group[g].count; a++)
            if (at + a >= n_order || order[at + a] != from[group[g].first + a])
                return false;
        group[g].at = at;
    }
    *out = (struct onnx_layout){ .rank = 0 };
    for (int at = 0; at < n_order; at++)
        for (int g = 0; g < n_groups; g++)
            for (int a = 0; group[g].at == at && a < group[g].to_count; a++)
                out->axis[out->rank++] = (int8_t)to[group[g].to_first + a];
    for (int a = 0; a < rank; a++) {                     /* extents of 1 lie anywhere: behind the one before them */
        if (dim[a] != 1)
            continue;
        const int at = a == 0 ? 0 : onnx_position(out, a - 1) + 1;

        memmove(&out->axis[at + 1], &out->axis[at], (size_t)(out->rank - at));
        out->axis[at] = (int8_t)a;
        out->rank++;
    }
    return true;
}

rs_status onnx_reshape(struct onnx_importer *im, int from, int to)
{
    struct onnx_value *v = &im->values[from], *r = &im->values[to];
    struct onnx_layout lies = onnx_lies(im, from), after;
    int in, out;

    if (r->rank > RS_MAX_RANK || v->rank > RS_MAX_RANK)
        return onnx_unsupported(im, "a tensor of rank %d, at most %d is supported", r->rank > v->rank ? r->rank : v->rank, RS_MAX_RANK);
    if (!regrouped(v, &lies, r->rank, r->dim, &after)) {
        const struct onnx_layout plain = onnx_identity(v->rank);

        if (!onnx_same_layout(&lies, &plain) && lies.axis[0] == 0 && r->rank == 2 && r->dim[0] == v->dim[0]) {
            r->flat_of = from;                           /* a matrix product may take it as it lies */
            return RS_OK;
        }
        lies = plain;
        after = onnx_identity(r->rank);
    }
    TRY(onnx_input(im, from, &lies, &in));
    struct rs_node n = { .op = RS_OP_RESHAPE, .n_shape = r->rank };

    for (int i = 0; i < r->rank; i++)
        n.shape[i] = r->dim[after.axis[i]];
    if (onnx_is_codes(r)) {
        const struct rs_tensor_quant q = im->g->tensors[in].quant;

        TRY(onnx_codes_output(im, to, &after, q.scale[0], q.zero_point[0] + (r->type == OX_UINT8 ? 128 : 0), &out));
    } else {
        TRY(onnx_output(im, to, &after, &out));
    }
    return onnx_emit(im, &n, &in, 1, out);
}

rs_status onnx_relabel(struct onnx_importer *im, int from, int to, const int *perm)
{
    struct onnx_value *v = &im->values[from], *r = &im->values[to];
    int new_axis[OX_MAX_RANK], unused;

    TRY(onnx_input(im, from, NULL, &unused));
    for (int i = 0; i < r->rank; i++)
        new_axis[perm[i]] = i;
    r->n_layouts = 0;
    for (int k = 0; k < v->n_layouts; k++) {
        struct onnx_layout l = { .rank = r->rank };

        for (int i = 0; i < r->rank; i++)
            l.axis[i] = (int8_t)new_axis[v->in[k].layout.axis[i]];
        TRY(remember(r, &l, v->in[k].tensor));
    }
    return RS_OK;
}

rs_status onnx_broadcast(struct onnx_importer *im, const struct onnx_value *a, const struct onnx_value *b, int *rank, int32_t *dim)
{
    const int n = a->rank > b->rank ? a->rank : b->rank;

    for (int i = 0; i < n; i++) {
        const int32_t x = i < n - a->rank ? 1 : a->dim[i - (n - a->rank)], y = i < n - b->rank ? 1 : b->dim[i - (n - b->rank)];

        if (x != y && x != 1 && y != 1)
            return onnx_malformed(im, "'%.60s' and '%.60s' do not fit each other: dimension %d is %d and %d", a->name, b->name, i, x, y);
        dim[i] = x == 1 ? y : x;
    }
    *rank = n;
    return RS_OK;
}
