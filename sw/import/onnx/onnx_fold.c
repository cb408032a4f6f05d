/*
 * onnx_fold.c - operators on constants: what exporters write to compute a shape, and filters that are made by a
 * Transpose, Reshape or QuantizeLinear.
 *
 * Results are charged to the importer's budget, so that a small file cannot ask for much.
 */
#include <math.h>
#include <string.h>
#include "onnx_internal.h"

static const struct onnx_constant *constant_in(const struct onnx_importer *im, const struct onnx_node *n, int k)
{
    return onnx_has(n, k) ? im->values[n->in[k]].constant : NULL;
}

static rs_status copied(struct onnx_importer *im, const struct onnx_constant *c, int rank, const int32_t *dim, struct onnx_constant **out)
{
    int64_t count = 1;

    for (int i = 0; i < rank; i++)
        count *= dim[i];
    if (count != c->count)
        return onnx_malformed(im, "%lld elements cannot become %lld", (long long)c->count, (long long)count);
    *out = onnx_alloc(im, 1, sizeof **out);
    if (*out == NULL)
        return im->err->status;
    **out = *c;
    (*out)->rank = rank;
    memcpy((*out)->dim, dim, (size_t)rank * sizeof *dim);
    return RS_OK;
}

static void copy_element(struct onnx_constant *to, int64_t at, const struct onnx_constant *from, int64_t i)
{
    const size_t width = onnx_type_bytes(from->type);

    memcpy((char *)(uintptr_t)to->data + (size_t)at * width, (const char *)from->data + (size_t)i * width, width);
}

/* ---- Shape, Size, Constant, ConstantOfShape, Range ---- */

static rs_status fold_shape(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_value *v = &im->values[n->in[0]];
    int64_t start = onnx_int(n, "start", 0), end = onnx_int(n, "end", v->rank);

    start += start < 0 ? v->rank : 0;
    end += end < 0 ? v->rank : 0;
    start = start < 0 ? 0 : start > v->rank ? v->rank : start;
    end = end < start ? start : end > v->rank ? v->rank : end;
    TRY(onnx_constant_new(im, OX_INT64, 1, (int32_t[]){ (int32_t)(end - start) }, out));
    for (int64_t i = start; i < end; i++)
        onnx_constant_set(*out, i - start, v->dim[i], 0);
    return RS_OK;
}

static rs_status fold_size(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_value *v = &im->values[n->in[0]];
    int64_t count = 1;

    for (int i = 0; i < v->rank; i++)
        count *= v->dim[i];
    TRY(onnx_constant_new(im, OX_INT64, 0, NULL, out));
    onnx_constant_set(*out, 0, count, 0);
    return RS_OK;
}

static rs_status fold_constant(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const Onnx__AttributeProto *a;

    if ((a = onnx_attribute(n, "value")) != NULL && a->t != NULL)
        return onnx_constant_of_proto(im, a->t, out);
    if ((a = onnx_attribute(n, "value_float")) != NULL && a->has_f) {
        TRY(onnx_constant_new(im, OX_FLOAT, 0, NULL, out));
        onnx_constant_set(*out, 0, 0, (double)a->f);
        return RS_OK;
    }
    if ((a = onnx_attribute(n, "value_int")) != NULL && a->has_i) {
        TRY(onnx_constant_new(im, OX_INT64, 0, NULL, out));
        onnx_constant_set(*out, 0, a->i, 0);
        return RS_OK;
    }
    if ((a = onnx_attribute(n, "value_floats")) != NULL && a->n_floats <= INT32_MAX) {
        TRY(onnx_constant_new(im, OX_FLOAT, 1, (int32_t[]){ (int32_t)a->n_floats }, out));
        for (size_t i = 0; i < a->n_floats; i++)
            onnx_constant_set(*out, (int64_t)i, 0, (double)a->floats[i]);
        return RS_OK;
    }
    if ((a = onnx_attribute(n, "value_ints")) != NULL && a->n_ints <= INT32_MAX) {
        TRY(onnx_constant_new(im, OX_INT64, 1, (int32_t[]){ (int32_t)a->n_ints }, out));
        for (size_t i = 0; i < a->n_ints; i++)
            onnx_constant_set(*out, (int64_t)i, a->ints[i], 0);
        return RS_OK;
    }
    return onnx_unsupported(im, "a constant that is neither a dense tensor nor numbers");
}

static rs_status dims_of(struct onnx_importer *im, const struct onnx_constant *c, int32_t dim[OX_MAX_RANK])
{
    if (c->rank != 1 || c->count > OX_MAX_RANK || onnx_type_real(c->type))
        return onnx_unsupported(im, "a shape of %lld dimensions, at most %d are supported", (long long)c->count, OX_MAX_RANK);
    for (int i = 0; i < (int)c->count; i++) {
        const int64_t d = onnx_constant_int(c, i);

        if (d < 0 || d > INT32_MAX)
            return onnx_malformed(im, "dimension %d of a shape is %lld", i, (long long)d);
        dim[i] = (int32_t)d;
    }
    return RS_OK;
}

static rs_status fold_constant_of_shape(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const Onnx__AttributeProto *a = onnx_attribute(n, "value");
    const struct onnx_constant *shape = constant_in(im, n, 0);
    struct onnx_constant *value = NULL;
    int32_t dim[OX_MAX_RANK];

    TRY(dims_of(im, shape, dim));
    if (a != NULL && a->t != NULL)
        TRY(onnx_constant_of_proto(im, a->t, &value));
    if (value != NULL && value->count != 1)
        return onnx_malformed(im, "its value has %lld elements, expected 1", (long long)value->count);
    TRY(onnx_constant_new(im, value != NULL ? value->type : OX_FLOAT, (int)shape->count, dim, out));
    for (int64_t i = 0; value != NULL && i < (*out)->count; i++)
        copy_element(*out, i, value, 0);
    return RS_OK;
}

static rs_status fold_range(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *start = constant_in(im, n, 0), *limit = constant_in(im, n, 1), *delta = constant_in(im, n, 2);

    if (start->count != 1 || limit->count != 1 || delta->count != 1 || onnx_constant_real(delta, 0) == 0)
        return onnx_malformed(im, "start, limit and delta are not three numbers, or delta is 0");
    const double count = ceil((onnx_constant_real(limit, 0) - onnx_constant_real(start, 0)) / onnx_constant_real(delta, 0));

    if (!(count < (double)INT32_MAX))
        return onnx_malformed(im, "a range of %g elements", count);
    TRY(onnx_constant_new(im, start->type, 1, (int32_t[]){ count > 0 ? (int32_t)count : 0 }, out));
    for (int64_t i = 0; i < (*out)->count; i++)
        onnx_constant_set(*out, i, (int64_t)((uint64_t)onnx_constant_int(start, 0) + (uint64_t)i * (uint64_t)onnx_constant_int(delta, 0)),
                          onnx_constant_real(start, 0) + (double)i * onnx_constant_real(delta, 0));
    return RS_OK;
}

/* ---- Cast, Gather, Concat, Slice, Transpose, Reshape and its like, Expand ---- */

static rs_status fold_cast(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0);

    TRY(onnx_constant_new(im, (enum onnx_type)onnx_int(n, "to", OX_NONE), c->rank, c->dim, out));
    for (int64_t i = 0; i < c->count; i++)
        onnx_constant_set(*out, i, (*out)->type == OX_BOOL ? onnx_constant_real(c, i) != 0 : onnx_constant_int(c, i), onnx_constant_real(c, i));
    return RS_OK;
}

static rs_status fold_gather(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *data = constant_in(im, n, 0), *index = constant_in(im, n, 1);
    int32_t dim[2 * OX_MAX_RANK];
    int axis, rank = 0;
    int64_t inner = 1, outer = 1;

    TRY(onnx_axis(im, onnx_int(n, "axis", 0), data->rank, &axis));
    for (int i = 0; i < axis; i++)
        outer *= dim[rank++] = data->dim[i];
    for (int i = 0; i < index->rank; i++)
        dim[rank++] = index->dim[i];
    for (int i = axis + 1; i < data->rank; i++)
        inner *= dim[rank++] = data->dim[i];
    TRY(onnx_constant_new(im, data->type, rank, dim, out));
    for (int64_t i = 0; i < index->count; i++) {
        int64_t at = onnx_constant_int(index, i);

        at += at < 0 ? data->dim[axis] : 0;
        if (at < 0 || at >= data->dim[axis])
            return onnx_malformed(im, "index %lld of %d", (long long)onnx_constant_int(index, i), data->dim[axis]);
        for (int64_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < inner; k++)
                copy_element(*out, (o * index->count + i) * inner + k, data, (o * data->dim[axis] + at) * inner + k);
    }
    return RS_OK;
}

static rs_status fold_concat(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *first = constant_in(im, n, 0);
    int32_t dim[OX_MAX_RANK];
    int64_t extent = 0, outer = 1, inner = 1, at = 0;
    int axis;

    TRY(onnx_axis(im, onnx_int(n, "axis", 0), first->rank, &axis));
    for (int k = 0; k < n->n_in; k++) {
        const struct onnx_constant *c = constant_in(im, n, k);

        for (int i = 0; i < first->rank; i++)
            if (c->type != first->type || c->rank != first->rank || (i != axis && c->dim[i] != first->dim[i]))
                return onnx_malformed(im, "input %d does not fit the first", k);
        extent += c->dim[axis];
    }
    memcpy(dim, first->dim, sizeof dim);
    dim[axis] = extent > INT32_MAX ? INT32_MAX : (int32_t)extent;
    for (int i = 0; i < first->rank; i++)
        *(i < axis ? &outer : &inner) *= i == axis ? 1 : first->dim[i];
    TRY(onnx_constant_new(im, first->type, first->rank, dim, out));
    for (int k = 0; k < n->n_in; k++) {
        const struct onnx_constant *c = constant_in(im, n, k);
        const int64_t run = c->dim[axis] * inner;

        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < run; i++)
                copy_element(*out, o * extent * inner + at + i, c, o * run + i);
        at += run;
    }
    return RS_OK;
}

/* Elements of @c at begin + step * index, dimension by dimension of the result. */
static void gather_strided(const struct onnx_constant *c, const int64_t *begin, const int64_t *stride, struct onnx_constant *out)
{
    int32_t at[OX_MAX_RANK] = { 0 };

    for (int64_t i = 0; i < out->count; i++) {
        int64_t from = 0;

        for (int d = 0; d < out->rank; d++)
            from += begin[d] + at[d] * stride[d];
        copy_element(out, i, c, from);
        for (int d = out->rank - 1; d >= 0 && ++at[d] == out->dim[d]; d--)
            at[d] = 0;
    }
}

static rs_status fold_slice(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0);
    struct onnx_slice s;
    int64_t inner = 1, begin[OX_MAX_RANK], stride[OX_MAX_RANK];

    TRY(onnx_read_slice(im, n, c->rank, c->dim, &s));
    TRY(onnx_constant_new(im, c->type, c->rank, s.size, out));
    for (int d = c->rank - 1; d >= 0; d--) {
        begin[d] = s.begin[d] * inner;
        stride[d] = s.step[d] * inner;
        inner *= c->dim[d];
    }
    gather_strided(c, begin, stride, *out);
    return RS_OK;
}

static rs_status fold_transpose(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0);
    int perm[OX_MAX_RANK];
    int32_t dim[OX_MAX_RANK];
    int64_t own[OX_MAX_RANK], begin[OX_MAX_RANK] = { 0 }, stride[OX_MAX_RANK], inner = 1;

    TRY(onnx_read_perm(im, n, c->rank, perm));
    for (int d = c->rank - 1; d >= 0; d--) {
        own[d] = inner;
        inner *= c->dim[d];
    }
    for (int d = 0; d < c->rank; d++) {
        dim[d] = c->dim[perm[d]];
        stride[d] = own[perm[d]];
    }
    TRY(onnx_constant_new(im, c->type, c->rank, dim, out));
    gather_strided(c, begin, stride, *out);
    return RS_OK;
}

static rs_status fold_reshape(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0);
    int32_t dim[OX_MAX_RANK];
    int rank;

    TRY(onnx_reshaped_dims(im, n, c->rank, c->dim, &rank, dim));
    return copied(im, c, rank, dim, out);
}

static rs_status fold_expand(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0), *shape = constant_in(im, n, 1);
    struct onnx_value a = { .name = "input", .rank = c->rank }, b = { .name = "shape" };
    int32_t dim[OX_MAX_RANK];
    int64_t begin[OX_MAX_RANK] = { 0 }, stride[OX_MAX_RANK] = { 0 }, inner = 1;
    int rank;

    TRY(dims_of(im, shape, b.dim));
    b.rank = (int)shape->count;
    memcpy(a.dim, c->dim, sizeof a.dim);
    TRY(onnx_broadcast(im, &a, &b, &rank, dim));
    TRY(onnx_constant_new(im, c->type, rank, dim, out));
    for (int d = c->rank - 1; d >= 0; d--) {
        stride[d + rank - c->rank] = c->dim[d] == 1 ? 0 : inner;
        inner *= c->dim[d];
    }
    gather_strided(c, begin, stride, *out);
    return RS_OK;
}

/* ---- arithmetic ---- */

static bool arithmetic(const char *op, int64_t a, int64_t b, double x, double y, int64_t *integer, double *real)
{
    const uint64_t u = (uint64_t)a, v = (uint64_t)b;

    if (strcmp(op, "Add") == 0)      { *integer = (int64_t)(u + v); *real = x + y; }
    else if (strcmp(op, "Sub") == 0) { *integer = (int64_t)(u - v); *real = x - y; }
    else if (strcmp(op, "Mul") == 0) { *integer = (int64_t)(u * v); *real = x * y; }
    else if (strcmp(op, "Div") == 0) { *integer = b == 0 ? 0 : b == -1 ? (int64_t)(0 - u) : a / b; *real = x / y; }
    else if (strcmp(op, "Mod") == 0) { *integer = b == 0 || b == -1 ? 0 : a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0); *real = fmod(x, y); }
    else if (strcmp(op, "Max") == 0) { *integer = a > b ? a : b; *real = x > y ? x : y; }
    else if (strcmp(op, "Min") == 0) { *integer = a < b ? a : b; *real = x < y ? x : y; }
    else if (strcmp(op, "Pow") == 0) { *integer = 0; *real = pow(x, y); }
    else if (strcmp(op, "Equal") == 0)          *integer = a == b && x == y;
    else if (strcmp(op, "Greater") == 0)        *integer = x > y;
    else if (strcmp(op, "Less") == 0)           *integer = x < y;
    else if (strcmp(op, "GreaterOrEqual") == 0) *integer = x >= y;
    else if (strcmp(op, "LessOrEqual") == 0)    *integer = x <= y;
    else if (strcmp(op, "And") == 0)            *integer = a && b;
    else if (strcmp(op, "Or") == 0)             *integer = a || b;
    else return false;
    return true;
}

static int64_t broadcast_at(const struct onnx_constant *c, const struct onnx_constant *out, int64_t i)
{
    int64_t from = 0, inner = 1;

    for (int d = out->rank - 1, e = c->rank - 1; e >= 0; d--, e--) {
        from += c->dim[e] == 1 ? 0 : i % out->dim[d] * inner;
        inner *= c->dim[e];
        i /= out->dim[d];
    }
    return from;
}

static rs_status fold_binary(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *a = constant_in(im, n, 0), *b = constant_in(im, n, 1);
    const bool logical = strstr("Equal Greater Less GreaterOrEqual LessOrEqual And Or", n->op->name) != NULL;
    int32_t dim[OX_MAX_RANK];
    int rank;

    if (n->n_in != 2 || (a->type != b->type && strcmp(n->op->name, "Pow") != 0))
        return onnx_unsupported(im, "%d constants, expected two of one type", n->n_in);
    if (strcmp(n->op->name, "Pow") == 0 && !onnx_type_real(a->type))
        return onnx_unsupported(im, "a power of %s, only reals are supported", onnx_type_name(a->type));
    TRY(onnx_broadcast(im, &im->values[n->in[0]], &im->values[n->in[1]], &rank, dim));
    TRY(onnx_constant_new(im, logical ? OX_BOOL : a->type, rank, dim, out));
    for (int64_t i = 0; i < (*out)->count; i++) {
        const int64_t p = broadcast_at(a, *out, i), q = broadcast_at(b, *out, i);
        int64_t integer = 0;
        double real = 0;

        if (!arithmetic(n->op->name, onnx_constant_int(a, p), onnx_constant_int(b, q), onnx_constant_real(a, p), onnx_constant_real(b, q),
                        &integer, &real))
            return onnx_unsupported(im, "not folded");
        onnx_constant_set(*out, i, integer, real);
    }
    return RS_OK;
}

static rs_status fold_where(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0), *a = constant_in(im, n, 1), *b = constant_in(im, n, 2);
    struct onnx_value all = { .name = "condition" };

    TRY(onnx_broadcast(im, &im->values[n->in[1]], &im->values[n->in[2]], &all.rank, all.dim));
    TRY(onnx_broadcast(im, &all, &im->values[n->in[0]], &all.rank, all.dim));
    if (a->type != b->type)
        return onnx_malformed(im, "%s and %s", onnx_type_name(a->type), onnx_type_name(b->type));
    TRY(onnx_constant_new(im, a->type, all.rank, all.dim, out));
    for (int64_t i = 0; i < (*out)->count; i++) {
        const struct onnx_constant *from = onnx_constant_int(c, broadcast_at(c, *out, i)) != 0 ? a : b;

        copy_element(*out, i, from, broadcast_at(from, *out, i));
    }
    return RS_OK;
}

static double function(const char *op, double x)
{
    return strcmp(op, "Sqrt") == 0 ? sqrt(x) : strcmp(op, "Neg") == 0 ? -x : strcmp(op, "Abs") == 0 ? fabs(x) : strcmp(op, "Floor") == 0 ? floor(x) :
           strcmp(op, "Ceil") == 0 ? ceil(x) : strcmp(op, "Exp") == 0 ? exp(x) : strcmp(op, "Log") == 0 ? log(x) :
           strcmp(op, "Not") == 0 ? x == 0 : 1 / x;
}

static rs_status fold_unary(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0);

    TRY(onnx_constant_new(im, c->type, c->rank, c->dim, out));
    for (int64_t i = 0; i < c->count; i++) {
        const double y = function(n->op->name, onnx_constant_real(c, i));

        onnx_constant_set(*out, i, fabs(y) < 9e15 ? (int64_t)y : 0, y);
    }
    return RS_OK;
}

static rs_status fold_product(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0);
    uint64_t product = 1;
    double real = 1;

    if (c->rank > 1)
        return onnx_unsupported(im, "not folded");
    for (int64_t i = 0; i < c->count; i++) {
        product *= (uint64_t)onnx_constant_int(c, i);
        real *= onnx_constant_real(c, i);
    }
    TRY(onnx_constant_new(im, c->type, onnx_int(n, "keepdims", 1) != 0 ? 1 : 0, (int32_t[]){ 1 }, out));
    onnx_constant_set(*out, 0, (int64_t)product, real);
    return RS_OK;
}

static rs_status fold_quantize(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *x = constant_in(im, n, 0), *scale = constant_in(im, n, 1), *zero = constant_in(im, n, 2);
    const enum onnx_type type = zero != NULL ? zero->type : OX_UINT8;
    int axis = 0;
    int64_t inner = 1;

    if ((type != OX_UINT8 && type != OX_INT8) || scale->type != OX_FLOAT || x->type != OX_FLOAT || scale->count < 1 ||
        (zero != NULL && zero->count != scale->count))
        return onnx_unsupported(im, "not folded");
    if (scale->count > 1) {
        TRY(onnx_axis(im, onnx_int(n, "axis", 1), x->rank, &axis));
        if (x->dim[axis] != scale->count)
            return onnx_malformed(im, "%lld scales along a dimension of %d", (long long)scale->count, x->dim[axis]);
    }
    for (int d = axis + 1; d < x->rank; d++)
        inner *= x->dim[d];
    TRY(onnx_constant_new(im, type, x->rank, x->dim, out));
    for (int64_t i = 0; i < x->count; i++) {
        const int64_t k = scale->count > 1 ? i / inner % scale->count : 0;
        const float steps = rintf((float)onnx_constant_real(x, i) / (float)onnx_constant_real(scale, k));
        const float code = steps + (zero != NULL ? (float)onnx_constant_int(zero, k) : 0);
        const float low = type == OX_UINT8 ? 0 : -128, high = type == OX_UINT8 ? 255 : 127;

        onnx_constant_set(*out, i, (int64_t)(code >= high ? high : code > low ? code : low), 0);
    }
    return RS_OK;
}

static rs_status fold_identity(struct onnx_importer *im, const struct onnx_node *n, struct onnx_constant **out)
{
    const struct onnx_constant *c = constant_in(im, n, 0);

    return copied(im, c, c->rank, c->dim, out);
}

rs_status onnx_fold(struct onnx_importer *im, const struct onnx_node *n, bool *done)
{
    static const struct { const char *name; rs_status (*fold)(struct onnx_importer *, const struct onnx_node *, struct onnx_constant **); int inputs; } folds[] = {
        { "Shape", fold_shape, 1 }, { "Size", fold_size, 1 }, { "Constant", fold_constant, 0 }, { "ConstantOfShape", fold_constant_of_shape, 1 },
        { "Range", fold_range, 3 }, { "Cast", fold_cast, 1 }, { "Gather", fold_gather, 2 }, { "Concat", fold_concat, 1 },
        { "Slice", fold_slice, 1 }, { "Transpose", fold_transpose, 1 }, { "Reshape", fold_reshape, 1 }, { "Squeeze", fold_reshape, 1 },
        { "Unsqueeze", fold_reshape, 1 }, { "Flatten", fold_reshape, 1 }, { "Expand", fold_expand, 2 }, { "Identity", fold_identity, 1 },
        { "Add", fold_binary, 2 }, { "Sub", fold_binary, 2 }, { "Mul", fold_binary, 2 }, { "Div", fold_binary, 2 }, { "Mod", fold_binary, 2 },
        { "Max", fold_binary, 2 }, { "Min", fold_binary, 2 }, { "Pow", fold_binary, 2 }, { "Equal", fold_binary, 2 }, { "Greater", fold_binary, 2 },
        { "Less", fold_binary, 2 }, { "GreaterOrEqual", fold_binary, 2 }, { "LessOrEqual", fold_binary, 2 }, { "And", fold_binary, 2 },
        { "Or", fold_binary, 2 }, { "Where", fold_where, 3 }, { "Sqrt", fold_unary, 1 }, { "Neg", fold_unary, 1 }, { "Abs", fold_unary, 1 },
        { "Floor", fold_unary, 1 }, { "Ceil", fold_unary, 1 }, { "Exp", fold_unary, 1 }, { "Log", fold_unary, 1 }, { "Not", fold_unary, 1 },
        { "Reciprocal", fold_unary, 1 }, { "ReduceProd", fold_product, 1 }, { "QuantizeLinear", fold_quantize, 2 },
    };
    const bool by_shape = strcmp(n->op->name, "Shape") == 0 || strcmp(n->op->name, "Size") == 0;
    struct onnx_constant *c = NULL;

    *done = false;
    for (int k = 0; k < n->n_in; k++)
        if (!by_shape && n->in[k] >= 0 && constant_in(im, n, k) == NULL)
            return RS_OK;
    for (size_t i = 0; i < sizeof folds / sizeof folds[0]; i++) {
        if (n->op->microsoft || strcmp(folds[i].name, n->op->name) != 0)
            continue;
        for (int k = 0; k < folds[i].inputs; k++)
            if (!onnx_has(n, k))
                return onnx_malformed(im, "input %d is absent, it is not optional", k);
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] < 0 && folds[i].fold == fold_concat)
                return onnx_malformed(im, "input %d is absent", k);
        if (n->n_out != 1 || n->out[0] < 0)
            return onnx_malformed(im, "%d outputs, expected 1", n->n_out);
        const rs_status status = folds[i].fold(im, n, &c);

        if (status == RS_ERR_UNSUPPORTED && strcmp(im->err->text, "not folded") == 0)
            return RS_OK;
        if (status != RS_OK)
            return status;
        onnx_define_constant(im, n->out[0], c);
        *done = true;
        return RS_OK;
    }
    return RS_OK;
}
