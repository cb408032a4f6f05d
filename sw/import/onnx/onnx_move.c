/*
 * onnx_move.c - operators that move elements: Reshape and its like, Transpose, Slice, Split, Pad, Concat, Resize.
 *
 * After a DequantizeLinear they move the codes, and what comes out is a DequantizeLinear again.
 */
#include <limits.h>
#include <math.h>
#include <string.h>
#include "onnx_internal.h"

rs_status onnx_moved(struct onnx_importer *im, int from, int to, int rank, const int32_t *dim, bool codes_too, int *f, int *t)
{
    struct onnx_value *v = &im->values[from], *r = &im->values[to];
    struct onnx_quant q;
    int codes;

    *f = from;
    *t = to;
    if (!codes_too || v->n_layouts > 0 || !onnx_dequantizes(im, from, &codes, &q) || im->values[codes].constant != NULL)
        return onnx_define(im, to, v->type, rank, dim);
    TRY(onnx_define(im, to, OX_FLOAT, rank, dim));
    TRY(onnx_new_value(im, im->values[codes].type, rank, dim, t));
    im->values[*t].name = r->name;
    r->codes = *t;
    r->scale = v->scale;
    r->zero_point = v->zero_point;
    *f = codes;
    /* What the codes mean goes with them. */
    const struct onnx_layout lies = onnx_lies(im, codes);
    int tensor;

    return onnx_codes(im, codes, &lies, q.scale, q.zero_point, &tensor);
}

rs_status onnx_output_like(struct onnx_importer *im, int value, const struct onnx_layout *layout, int like, int *tensor)
{
    const struct onnx_value *v = &im->values[value];

    if (!onnx_is_codes(v))
        return onnx_output(im, value, layout, tensor);
    const float scale = im->g->tensors[like].quant.scale[0];
    const int32_t zp = im->g->tensors[like].quant.zero_point[0];

    return onnx_codes_output(im, value, layout, scale, v->type == OX_UINT8 ? zp + 128 : zp, tensor);
}

/* A tensor like @like, with @extent along @axis. */
static rs_status tensor_like(struct onnx_importer *im, int like, int axis, int32_t extent, int *tensor)
{
    const struct rs_tensor t = im->g->tensors[like];
    int32_t dim[RS_MAX_RANK];

    memcpy(dim, t.dim, sizeof dim);
    dim[axis] = extent;
    TRY(onnx_tensor(im, t.name, t.type, t.rank, dim, NULL, 0, tensor));
    return t.quant.channels == 0 ? RS_OK : rs_graph_set_quant(im->g, *tensor, 1, 0, t.quant.scale, t.quant.zero_point, im->err);
}

/* Indices in equal steps are one SLICE; a CONCAT puts the slices together. */
rs_status onnx_pick(struct onnx_importer *im, int from, int axis, const int32_t *index, int32_t count, int to)
{
    enum { MOST = 4096 };
    const struct rs_tensor t = im->g->tensors[from];
    int *part = onnx_alloc(im, (uint64_t)count, sizeof *part), parts = 0;

    if (part == NULL)
        return im->err->status;
    if (count > MOST)
        return onnx_unsupported(im, "%d indices, at most %d are supported", count, MOST);
    for (int32_t i = 0, run; i < count; i += run) {
        const int32_t step = i + 1 < count && index[i + 1] != index[i] ? index[i + 1] - index[i] : 1;
        struct rs_node n = { .op = RS_OP_SLICE, .n_shape = t.rank };

        for (run = 1; i + run < count && index[i + run] == index[i] + run * step; run++)
            continue;
        for (int d = 0; d < t.rank; d++) {
            n.shape[d] = d == axis ? run : t.dim[d];
            n.after[d] = d == axis ? step : 1;
        }
        n.before[axis] = index[i];
        part[parts] = to;
        if (run != count)
            TRY(tensor_like(im, from, axis, run, &part[parts]));
        TRY(onnx_emit(im, &n, &from, 1, part[parts++]));
    }
    return parts == 1 ? RS_OK : onnx_emit(im, &(struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1, .axis = { axis } }, part, parts, to);
}

/* ---- Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Identity ---- */

rs_status onnx_reshaped_dims(struct onnx_importer *im, const struct onnx_node *n, int rank, const int32_t *dim, int *out_rank, int32_t *out)
{
    int64_t list[OX_MAX_RANK], known = 1, elements = 1;
    bool marked[2 * OX_MAX_RANK] = { false };
    int count, unknown = -1, axis;

    for (int d = 0; d < rank; d++)
        elements *= dim[d];
    if (strcmp(n->op->name, "Flatten") == 0) {
        const int64_t a = onnx_int(n, "axis", 1);

        axis = (int)a;
        if (a != rank)                                   /* all of it before the axis */
            TRY(onnx_axis(im, a, rank, &axis));
        out[0] = out[1] = 1;
        for (int d = 0; d < rank; d++)
            out[d >= axis] *= dim[d];
        *out_rank = 2;
        return RS_OK;
    }
    if (strcmp(n->op->name, "Reshape") == 0) {
        TRY(onnx_ints(im, n, 1, "shape", list, OX_MAX_RANK, &count));
        if (count < 0)
            return onnx_malformed(im, "it has no shape");
        for (int d = 0; d < count; d++) {
            if (list[d] == 0 && onnx_int(n, "allowzero", 0) == 0) {
                if (d >= rank)
                    return onnx_malformed(im, "dimension %d is copied from an input of rank %d", d, rank);
                list[d] = dim[d];
            }
            if (list[d] < -1 || list[d] > INT32_MAX || (list[d] == -1 && unknown >= 0))
                return onnx_malformed(im, "dimension %d of the new shape is %lld", d, (long long)list[d]);
            if (list[d] == -1)
                unknown = d;
            else if ((known *= list[d]) > INT32_MAX)
                return onnx_malformed(im, "the new shape has more than 2^31 - 1 elements");
        }
        if (unknown >= 0) {
            if (known == 0 || elements % known != 0)
                return onnx_malformed(im, "%lld elements cannot have the new shape", (long long)elements);
            list[unknown] = elements / known;
            known *= list[unknown];
        }
        if (known != elements)
            return onnx_malformed(im, "%lld elements cannot become %lld", (long long)elements, (long long)known);
        for (int d = 0; d < count; d++)
            out[d] = (int32_t)list[d];
        *out_rank = count;
        return RS_OK;
    }
    TRY(onnx_ints(im, n, 1, "axes", list, OX_MAX_RANK, &count));
    *out_rank = 0;
    if (strcmp(n->op->name, "Squeeze") == 0) {
        for (int i = 0; i < count; i++) {
            TRY(onnx_axis(im, list[i], rank, &axis));
            if (dim[axis] != 1)
                return onnx_malformed(im, "dimension %d is %d, expected 1", axis, dim[axis]);
            marked[axis] = true;
        }
        for (int d = 0; d < rank; d++)
            if (count < 0 ? dim[d] != 1 : !marked[d])
                out[(*out_rank)++] = dim[d];
        return RS_OK;
    }
    if (count < 0 || rank + count > OX_MAX_RANK)
        return onnx_unsupported(im, "%d new dimensions for rank %d, rank %d is supported", count, rank, OX_MAX_RANK);
    for (int i = 0; i < count; i++) {
        TRY(onnx_axis(im, list[i], rank + count, &axis));
        if (marked[axis])
            return onnx_malformed(im, "axis %d is given twice", axis);
        marked[axis] = true;
    }
    for (int d = 0; *out_rank < rank + count; ++*out_rank)
        out[*out_rank] = marked[*out_rank] ? 1 : dim[d++];
    return RS_OK;
}

rs_status onnx_read_perm(struct onnx_importer *im, const struct onnx_node *n, int rank, int *perm)
{
    const Onnx__AttributeProto *a = onnx_attribute(n, "perm");
    bool seen[OX_MAX_RANK] = { false };

    if (a != NULL && a->n_ints != (size_t)rank)
        return onnx_malformed(im, "a permutation of %zu axes for rank %d", a->n_ints, rank);
    for (int i = 0; i < rank; i++) {
        const int64_t axis = a != NULL ? a->ints[i] : rank - 1 - i;

        if (axis < 0 || axis >= rank || seen[axis])
            return onnx_malformed(im, "axis %d of the permutation is %lld", i, (long long)axis);
        seen[axis] = true;
        perm[i] = (int)axis;
    }
    return RS_OK;
}

rs_status onnx_reshaping(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    int32_t dim[OX_MAX_RANK];
    int rank, from, to;

    TRY(onnx_reshaped_dims(im, n, x->rank, x->dim, &rank, dim));
    TRY(onnx_moved(im, n->in[0], n->out[0], rank, dim, true, &from, &to));
    return onnx_reshape(im, from, to);
}

rs_status onnx_transpose(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    int32_t dim[OX_MAX_RANK];
    int perm[OX_MAX_RANK], from, to;

    TRY(onnx_read_perm(im, n, x->rank, perm));
    for (int i = 0; i < x->rank; i++)
        dim[i] = x->dim[perm[i]];
    TRY(onnx_moved(im, n->in[0], n->out[0], x->rank, dim, true, &from, &to));
    return onnx_relabel(im, from, to, perm);
}

rs_status onnx_alias(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    int perm[OX_MAX_RANK], from, to;

    if (n->n_out > 1 && n->out[1] >= 0 && im->values[n->out[1]].readers > 0) {
        struct onnx_constant *kept;                      /* Dropout's mask: nothing is dropped */

        TRY(onnx_constant_new(im, OX_BOOL, x->rank, x->dim, &kept));
        for (int64_t i = 0; i < kept->count; i++)
            onnx_constant_set(kept, i, 1, 1);
        onnx_define_constant(im, n->out[1], kept);
    }
    if (strcmp(n->op->name, "Dropout") == 0 && onnx_has(n, 2)) {
        const struct onnx_constant *training = im->values[n->in[2]].constant;
        const struct onnx_constant *ratio = onnx_has(n, 1) ? im->values[n->in[1]].constant : NULL;

        if (training == NULL || (onnx_constant_int(training, 0) != 0 && (ratio == NULL || onnx_constant_real(ratio, 0) != 0)))
            return onnx_unsupported(im, "training mode");
    }
    for (int i = 0; i < x->rank; i++)
        perm[i] = i;
    if (x->constant != NULL) {
        onnx_define_constant(im, n->out[0], x->constant);
        return RS_OK;
    }
    TRY(onnx_moved(im, n->in[0], n->out[0], x->rank, x->dim, true, &from, &to));
    return onnx_relabel(im, from, to, perm);
}

/* ---- Slice, Split, Gather ---- */

rs_status onnx_read_slice(struct onnx_importer *im, const struct onnx_node *n, int rank, const int32_t *dim, struct onnx_slice *s)
{
    int64_t start[OX_MAX_RANK], end[OX_MAX_RANK], axes[OX_MAX_RANK], step[OX_MAX_RANK];
    int n_start, n_end, n_axes, n_step;

    TRY(onnx_ints(im, n, 1, "starts", start, OX_MAX_RANK, &n_start));
    TRY(onnx_ints(im, n, 2, "ends", end, OX_MAX_RANK, &n_end));
    TRY(onnx_ints(im, n, 3, "axes", axes, OX_MAX_RANK, &n_axes));
    TRY(onnx_ints(im, n, 4, "steps", step, OX_MAX_RANK, &n_step));
    if (n_start < 0 || n_end != n_start || n_start > rank || (n_axes >= 0 && n_axes != n_start) || (n_step >= 0 && n_step != n_start))
        return onnx_malformed(im, "%d starts, %d ends, %d axes, %d steps for rank %d", n_start, n_end, n_axes, n_step, rank);
    for (int d = 0; d < rank; d++) {
        s->begin[d] = 0;
        s->size[d] = dim[d];
        s->step[d] = 1;
    }
    for (int i = 0; i < n_start; i++) {
        const int64_t by = n_step >= 0 ? step[i] : 1;
        int axis = i;

        if (n_axes >= 0)
            TRY(onnx_axis(im, axes[i], rank, &axis));
        if (by == 0 || by > INT32_MAX || by < -INT32_MAX)
            return onnx_malformed(im, "a step of %lld", (long long)by);
        const int64_t extent = dim[axis], low = by > 0 ? 0 : -1, high = by > 0 ? extent : extent - 1;
        int64_t from = start[i] < 0 ? start[i] + extent : start[i], till = end[i] < 0 ? end[i] + extent : end[i];

        if (start[i] < -extent)
            from = by > 0 ? 0 : -1;
        if (end[i] < -extent)
            till = low;
        from = from < (by > 0 ? 0 : -1) ? low : from > high ? high : from;
        till = till < low ? low : till > extent ? extent : till;
        const int64_t count = by > 0 ? (till - from + by - 1) / by : (from - till - by - 1) / -by;

        s->begin[axis] = (int32_t)(count > 0 ? from : 0);
        s->size[axis] = (int32_t)(count > 0 ? count : 0);
        s->step[axis] = (int32_t)by;
    }
    return RS_OK;
}

/* One SLICE, in the layout in which the input lies. */
static rs_status emit_slice(struct onnx_importer *im, int source, int target, const struct onnx_slice *s)
{
    const struct onnx_value *x = &im->values[source];
    struct rs_node n = { .op = RS_OP_SLICE, .n_shape = x->rank };
    int from, to, in, out;

    TRY(onnx_moved(im, source, target, x->rank, s->size, true, &from, &to));
    const struct onnx_layout layout = onnx_lies(im, from);

    TRY(onnx_input(im, from, &layout, &in));
    for (int d = 0; d < x->rank; d++) {
        n.before[d] = s->begin[layout.axis[d]];
        n.shape[d] = s->size[layout.axis[d]];
        n.after[d] = s->step[layout.axis[d]];
    }
    TRY(onnx_output_like(im, to, &layout, in, &out));
    return onnx_emit(im, &n, &in, 1, out);
}

static rs_status small_enough(struct onnx_importer *im, const struct onnx_value *x)
{
    return x->rank <= RS_MAX_RANK ? RS_OK : onnx_unsupported(im, "a tensor of rank %d, at most %d is supported", x->rank, RS_MAX_RANK);
}

rs_status onnx_slicing(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    struct onnx_slice s;

    TRY(small_enough(im, x));
    TRY(onnx_read_slice(im, n, x->rank, x->dim, &s));
    return emit_slice(im, n->in[0], n->out[0], &s);
}

rs_status onnx_split(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const struct onnx_constant *sizes = onnx_has(n, 1) ? im->values[n->in[1]].constant : NULL;
    const Onnx__AttributeProto *a = onnx_attribute(n, "split");
    struct onnx_slice s = { .begin = { 0 } };
    int axis;
    int64_t at = 0;

    TRY(small_enough(im, x));
    TRY(onnx_axis(im, onnx_int(n, "axis", 0), x->rank, &axis));
    if (onnx_has(n, 1) && sizes == NULL)
        return onnx_unsupported(im, "its sizes are computed at run time, only constants are supported");
    if ((sizes != NULL && sizes->count != n->n_out) || (a != NULL && a->n_ints != (size_t)n->n_out))
        return onnx_malformed(im, "%d outputs and another number of sizes", n->n_out);
    for (int d = 0; d < x->rank; d++) {
        s.size[d] = x->dim[d];
        s.step[d] = 1;
    }
    const int64_t equal = (x->dim[axis] + n->n_out - 1) / n->n_out;

    for (int k = 0; k < n->n_out; k++) {
        const int64_t left = x->dim[axis] - at, size = sizes != NULL ? onnx_constant_int(sizes, k) : a != NULL ? a->ints[k] : left < equal ? left : equal;

        if (size < 0 || size > left)
            return onnx_malformed(im, "output %d has %lld of %lld elements left", k, (long long)size, (long long)left);
        s.begin[axis] = (int32_t)at;
        s.size[axis] = (int32_t)size;
        at += size;
        if (n->out[k] >= 0)
            TRY(emit_slice(im, n->in[0], n->out[k], &s));
    }
    return RS_OK;
}

rs_status onnx_gather(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    const struct onnx_constant *index = onnx_has(n, 1) ? im->values[n->in[1]].constant : NULL;
    int32_t dim[OX_MAX_RANK], picked[OX_MAX_RANK], *at;
    int axis, rank = 0, slice, from, to, in, out;

    TRY(small_enough(im, x));
    if (index == NULL)
        return onnx_unsupported(im, "its indices are computed at run time, only constants are supported");
    TRY(onnx_axis(im, onnx_int(n, "axis", 0), x->rank, &axis));
    if (x->rank - 1 + index->rank > OX_MAX_RANK)
        return onnx_unsupported(im, "a result of rank %d", x->rank - 1 + index->rank);
    at = onnx_alloc(im, (uint64_t)index->count, sizeof *at);
    if (at == NULL)
        return im->err->status;
    for (int64_t i = 0; i < index->count; i++) {
        const int64_t k = onnx_constant_int(index, i);

        if (k < -x->dim[axis] || k >= x->dim[axis])
            return onnx_malformed(im, "index %lld of %d", (long long)k, x->dim[axis]);
        at[i] = (int32_t)(k < 0 ? k + x->dim[axis] : k);
    }
    memcpy(picked, x->dim, sizeof picked);
    picked[axis] = (int32_t)index->count;
    for (int d = 0; d < axis; d++)
        dim[rank++] = x->dim[d];
    for (int d = 0; d < index->rank; d++)
        dim[rank++] = index->dim[d];
    for (int d = axis + 1; d < x->rank; d++)
        dim[rank++] = x->dim[d];
    TRY(onnx_new_value(im, x->type, x->rank, picked, &slice));
    TRY(onnx_moved(im, n->in[0], slice, x->rank, picked, true, &from, &to));
    const struct onnx_layout layout = onnx_lies(im, from);

    TRY(onnx_input(im, from, &layout, &in));
    TRY(onnx_output_like(im, to, &layout, in, &out));
    TRY(onnx_pick(im, in, onnx_position(&layout, axis), at, (int32_t)index->count, out));
    TRY(onnx_moved(im, slice, n->out[0], rank, dim, true, &from, &to));
    return onnx_reshape(im, from, to);
}

/* ---- Pad ---- */

/* Edge and reflect, one dimension after the other: @layout's dimensions, ONNX's pads. */
static rs_status pad_by_copies(struct onnx_importer *im, const struct onnx_layout *layout, const int32_t *before, const int32_t *after,
                               bool reflect, int in, int out)
{
    int last = layout->rank - 1;

    while (last > 0 && before[layout->axis[last]] + after[layout->axis[last]] == 0)
        last--;
    for (int d = 0; d <= last; d++) {
        const int32_t b = before[layout->axis[d]], extent = im->g->tensors[in].dim[d], count = extent + b + after[layout->axis[d]];
        const int32_t period = extent > 1 ? 2 * (extent - 1) : 1;
        int32_t *index;
        int to = out;

        if (count == extent && d != last)
            continue;
        index = onnx_alloc(im, (uint64_t)count, sizeof *index);
        if (index == NULL)
            return im->err->status;
        for (int32_t i = 0; i < count; i++) {
            const int32_t at = i - b, folded = (at % period + period) % period;

            index[i] = reflect ? (folded < extent ? folded : period - folded) : at < 0 ? 0 : at >= extent ? extent - 1 : at;
        }
        if (d != last)
            TRY(tensor_like(im, in, d, count, &to));
        TRY(onnx_pick(im, in, d, index, count, to));
        in = to;
    }
    return RS_OK;
}

rs_status onnx_pad(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *x = &im->values[n->in[0]];
    struct rs_node node = { .op = RS_OP_PAD, .pad_value = onnx_float(n, "value", 0) };
    int64_t pads[2 * OX_MAX_RANK], axes[OX_MAX_RANK];
    int32_t dim[OX_MAX_RANK], before[OX_MAX_RANK] = { 0 }, after[OX_MAX_RANK] = { 0 };
    int count, n_axes, from, to, in, out;
    const struct onnx_constant *value = onnx_has(n, 2) ? im->values[n->in[2]].constant : NULL;

    TRY(small_enough(im, x));
    const bool edge = onnx_string_is(n, "mode", "edge", "constant"), reflect = onnx_string_is(n, "mode", "reflect", "constant");

    if (!edge && !reflect && !onnx_string_is(n, "mode", "constant", "constant"))
        return onnx_unsupported(im, "a mode other than 'constant', 'edge' and 'reflect'");
    TRY(onnx_ints(im, n, 1, "pads", pads, 2 * OX_MAX_RANK, &count));
    TRY(onnx_ints(im, n, 3, "axes", axes, OX_MAX_RANK, &n_axes));
    if (n_axes > x->rank || count != 2 * (n_axes >= 0 ? n_axes : x->rank))
        return onnx_malformed(im, "%d pads for rank %d", count, x->rank);
    if (onnx_has(n, 2) && (value == NULL || value->count != 1))
        return onnx_unsupported(im, "a value that is not one constant");
    if (value != NULL)
        node.pad_value = (float)onnx_constant_real(value, 0);
    for (int d = 0; d < x->rank; d++)
        dim[d] = x->dim[d];
    for (int i = 0; i < count / 2; i++) {
        int axis = i;

        if (n_axes >= 0)
            TRY(onnx_axis(im, axes[i], x->rank, &axis));
        if (pads[i] < 0 || pads[count / 2 + i] < 0 || pads[i] + pads[count / 2 + i] > INT32_MAX - dim[axis] || pads[i] > INT32_MAX || pads[count / 2 + i] > INT32_MAX)
            return onnx_unsupported(im, "pads of %lld and %lld, negative ones are not supported", (long long)pads[i], (long long)pads[count / 2 + i]);
        before[axis] = (int32_t)pads[i];
        after[axis] = (int32_t)pads[count / 2 + i];
        dim[axis] += before[axis] + after[axis];
    }
    TRY(onnx_moved(im, n->in[0], n->out[0], x->rank, dim, node.pad_value == 0 || edge || reflect, &from, &to));
    const struct onnx_layout layout = onnx_lies(im, from);

    TRY(onnx_input(im, from, &layout, &in));
    if (edge || reflect) {
        TRY(onnx_output_like(im, to, &layout, in, &out));
        return pad_by_copies(im, &layout, before, after, reflect, in, out);
    }
    for (int d = 0; d < x->rank; d++) {
        node.before[d] = before[layout.axis[d]];
        node.after[d] = after[layout.axis[d]];
    }
    if (onnx_is_codes(&im->values[from]))                /* codes of their own get the code, codes of reals the zero point */
        node.pad_code = x->type == OX_FLOAT ? im->g->tensors[in].quant.zero_point[0]
                                            : (int32_t)node.pad_value - (x->type == OX_UINT8 ? 128 : 0);
    TRY(onnx_output_like(im, to, &layout, in, &out));
    return onnx_emit(im, &node, &in, 1, out);
}

/* ---- Concat ---- */

rs_status onnx_concat(struct onnx_importer *im, struct onnx_node *n)
{
    const struct onnx_value *first = onnx_has(n, 0) ? &im->values[n->in[0]] : NULL;
    struct onnx_quant q[2];
    bool all_codes = true;
    int axis, codes, target = n->out[0], out, *in = onnx_alloc(im, (uint64_t)n->n_in + 1, sizeof *in);
    int32_t dim[OX_MAX_RANK];
    int64_t extent = 0;

    if (in == NULL)
        return im->err->status;
    if (first == NULL || first->rank < 1)
        return onnx_malformed(im, "its first input is absent or a scalar");
    TRY(small_enough(im, first));
    TRY(onnx_axis(im, onnx_int(n, "axis", 1), first->rank, &axis));
    for (int k = 0; k < n->n_in; k++) {
        const struct onnx_value *v = onnx_has(n, k) ? &im->values[n->in[k]] : NULL;

        for (int d = 0; d < first->rank; d++)
            if (v == NULL || v->rank != first->rank || v->type != first->type || (d != axis && v->dim[d] != first->dim[d]))
                return onnx_malformed(im, "input %d does not fit the first", k);
        extent += v->dim[axis];
        all_codes &= onnx_dequantizes(im, n->in[k], &codes, &q[0]) && im->values[codes].constant == NULL;
    }
    if (extent > INT32_MAX)
        return onnx_malformed(im, "more than 2^31 - 1 elements");
    memcpy(dim, first->dim, sizeof dim);
    dim[axis] = (int32_t)extent;
    /* Codes of reals: requantized to one scale, or all of one scale already. */
    struct onnx_layout layout = onnx_lies(im, n->in[0]);
    struct onnx_quant to = { 1, 0 };
    bool integer = all_codes && onnx_quantized_later(im, n->out[0], &target, &to, NULL);

    for (int k = 0; k < n->n_in && layout.rank == first->rank; k++)
        if (im->values[n->in[k]].constant == NULL) {
            layout = onnx_lies(im, n->in[k]);
            break;
        }
    if (integer) {
        onnx_take_quantize(im, n->out[0], target);
        TRY(onnx_define(im, target, im->values[target].type, first->rank, dim));
        for (int k = 0; k < n->n_in; k++) {
            (void)onnx_dequantizes(im, n->in[k], &codes, &q[0]);
            if (im->g->rounding == RS_ROUND_ONNX && (q[0].scale != to.scale || q[0].zero_point != to.zero_point)) {
                int same;                                /* by a table, as ONNX rounds */

                TRY(onnx_new_value(im, im->values[target].type, first->rank, im->values[codes].dim, &same));
                TRY(onnx_requantize(im, codes, q[0], same, to));
                codes = same;
                q[0] = to;
            }
            TRY(onnx_codes(im, codes, &layout, q[0].scale, q[0].zero_point, &in[k]));
        }
        TRY(onnx_codes_output(im, target, &layout, to.scale, to.zero_point, &out));
    } else {
        TRY(onnx_define(im, n->out[0], first->type, first->rank, dim));
        for (int k = 0; k < n->n_in; k++) {
            if (onnx_is_codes(first) && k > 0)           /* bare codes keep their numbers */
                TRY(onnx_codes(im, n->in[k], &layout, im->g->tensors[in[0]].quant.scale[0],
                               im->g->tensors[in[0]].quant.zero_point[0] + (first->type == OX_UINT8 ? 128 : 0), &in[k]));
            else
                TRY(onnx_input(im, n->in[k], &layout, &in[k]));
        }
        TRY(onnx_output_like(im, n->out[0], &layout, in[0], &out));
    }
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1, .axis = { onnx_position(&layout, axis) } }, in, n->n_in, out);
}

/* ---- Resize, Upsample ---- */

/* Which of @extent elements becomes element @at of @size: ONNX's formulas. */
static rs_status nearest(struct onnx_importer *im, const struct onnx_node *n, bool old, int32_t at, int32_t extent, int32_t size, double scale,
                         int32_t *index)
{
    const char *mode = "coordinate_transformation_mode", *round = "nearest_mode";
    const double i = at;
    double x;

    if (old || onnx_string_is(n, mode, "asymmetric", "half_pixel"))
        x = i / scale;
    else if (onnx_string_is(n, mode, "half_pixel", "half_pixel"))
        x = (i + 0.5) / scale - 0.5;
    else if (onnx_string_is(n, mode, "pytorch_half_pixel", "half_pixel"))
        x = size > 1 ? (i + 0.5) / scale - 0.5 : 0;
    else if (onnx_string_is(n, mode, "tf_half_pixel_for_nn", "half_pixel"))
        x = (i + 0.5) / scale;
    else if (onnx_string_is(n, mode, "align_corners", "half_pixel"))
        x = size > 1 ? i * (extent - 1) / (size - 1) : 0;
    else
        return onnx_unsupported(im, "a coordinate_transformation_mode that is not done");
    x = old || onnx_string_is(n, round, "floor", "round_prefer_floor") ? floor(x) :
        onnx_string_is(n, round, "ceil", "round_prefer_floor") ? ceil(x) :
        onnx_string_is(n, round, "round_prefer_ceil", "round_prefer_floor") ? floor(x + 0.5) : ceil(x - 0.5);
    *index = x < 0 ? 0 : x > extent - 1 ? extent - 1 : (int32_t)x;
    return RS_OK;
}

rs_status onnx_resize(struct onnx_importer *im, struct onnx_node *n)
{
    const bool upsample = strcmp(n->op->name, "Upsample") == 0, old = im->opset < 11;
    const struct onnx_value *x = &im->values[n->in[0]];
    const struct onnx_layout nhwc = onnx_channels_last(4);
    const int k_scales = upsample || old ? 1 : 2;
    const struct onnx_constant *scales = onnx_has(n, k_scales) ? im->values[n->in[k_scales]].constant : NULL;
    const struct onnx_constant *sizes = !upsample && !old && onnx_has(n, 3) ? im->values[n->in[3]].constant : NULL;
    const Onnx__AttributeProto *list = onnx_attribute(n, "scales");
    struct rs_node node = { .op = RS_OP_RESIZE_NEAREST, .n_shape = 2 };
    int32_t dim[4];
    int from, to, in, out;

    if (x->rank != 4)
        return onnx_unsupported(im, "an input of rank %d, only rank 4 is supported", x->rank);
    if (!onnx_string_is(n, "mode", "nearest", "nearest"))
        return onnx_unsupported(im, "a mode other than 'nearest'");
    if (scales != NULL && scales->count == 0)
        scales = NULL;
    if ((scales == NULL) == (sizes == NULL) && !(upsample && list != NULL))
        return onnx_unsupported(im, "neither constant scales nor constant sizes, or both");
    if (onnx_attribute(n, "axes") != NULL || onnx_int(n, "antialias", 0) != 0 || !onnx_string_is(n, "keep_aspect_ratio_policy", "stretch", "stretch"))
        return onnx_unsupported(im, "axes, antialiasing, or an aspect ratio kept");
    for (int d = 0; d < 4; d++) {
        double extent;

        if (sizes != NULL)
            extent = sizes->count == 4 ? (double)onnx_constant_int(sizes, d) : 0;
        else if (scales != NULL)
            extent = scales->count == 4 ? (double)x->dim[d] * onnx_constant_real(scales, d) : 0;
        else
            extent = list->n_floats == 4 ? (double)x->dim[d] * (double)list->floats[d] : 0;
        if (!(extent >= 1) || extent > INT32_MAX || (d < 2 && (int64_t)extent != x->dim[d]))
            return onnx_unsupported(im, "dimension %d would become %g; height and width can change", d, extent);
        dim[d] = (int32_t)extent;
    }
    int32_t *index[2];
    bool kernel = true;                                  /* RESIZE_NEAREST takes the same ones */

    for (int i = 0; i < 2; i++) {
        const double scale = scales != NULL ? onnx_constant_real(scales, i + 2) : list != NULL && sizes == NULL ? (double)list->floats[i + 2]
                                                                                : (double)dim[i + 2] / x->dim[i + 2];

        index[i] = onnx_alloc(im, (uint64_t)dim[i + 2], sizeof *index[i]);
        if (index[i] == NULL)
            return im->err->status;
        for (int32_t at = 0; at < dim[i + 2]; at++) {
            const float own = floorf((float)at * ((float)x->dim[i + 2] / (float)dim[i + 2]));

            TRY(nearest(im, n, upsample || old, at, x->dim[i + 2], dim[i + 2], scale, &index[i][at]));
            kernel &= index[i][at] == (own < (float)x->dim[i + 2] ? (int32_t)own : x->dim[i + 2] - 1);
        }
    }
    TRY(onnx_moved(im, n->in[0], n->out[0], 4, dim, true, &from, &to));
    TRY(onnx_input(im, from, &nhwc, &in));
    TRY(onnx_output_like(im, to, &nhwc, in, &out));
    if (!kernel) {
        int high;

        TRY(tensor_like(im, in, 1, dim[2], &high));
        TRY(onnx_pick(im, in, 1, index[0], dim[2], high));
        return onnx_pick(im, high, 2, index[1], dim[3], out);
    }
    node.shape[0] = dim[2];
    node.shape[1] = dim[3];
    return onnx_emit(im, &node, &in, 1, out);
}
