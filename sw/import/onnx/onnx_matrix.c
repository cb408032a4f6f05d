/*
 * onnx_matrix.c - matrix products: MatMul, Gemm, QLinearMatMul, QGemm.
 *
 * A constant right operand of two dimensions makes a FULLY_CONNECTED, whose filter is [M][C]; if the left one is the
 * Flatten of channels-last activations, the filter's columns are put in their order instead of the activations in ONNX's.
 * Two activations make a BATCH_MATMUL; who takes off the second one's zero point is in docs/operators.md.
 */
#include <limits.h>
#include <string.h>
#include "onnx_internal.h"

struct product {
    int a, b, bias, out;             /* values; bias -1 absent                                       */
    bool transposed_a, transposed_b;
    float alpha, beta;
    bool integer;
    struct onnx_quant qa, qb, to;
    const struct onnx_constant *b_scale, *b_zero;     /* one or one a column                        */
    const int32_t *bias_codes;
    enum rs_activation act;
};

/* Row @k of the filter is column order[k] of the activations as they lie. */
static rs_status flat_order(struct onnx_importer *im, int value, int64_t k, int32_t **order)
{
    const struct onnx_value *v = &im->values[value];
    const struct onnx_layout l = onnx_lies(im, value);
    int64_t stride[RS_MAX_RANK], s = 1;
    int32_t at[RS_MAX_RANK] = { 0 };

    *order = onnx_alloc(im, (uint64_t)k, sizeof **order);
    if (*order == NULL)
        return im->err->status;
    for (int a = v->rank - 1; a >= 1; a--) {             /* strides of ONNX's order, at the graph's positions */
        stride[onnx_position(&l, a)] = s;
        s *= v->dim[a];
    }
    for (int64_t i = 0; i < k; i++) {
        int64_t from = 0;

        for (int d = 1; d < v->rank; d++)
            from += at[d] * stride[d];
        (*order)[i] = (int32_t)from;
        for (int d = v->rank - 1; d >= 1 && ++at[d] == v->dim[l.axis[d]]; d--)
            at[d] = 0;
    }
    return RS_OK;
}

/* The left operand as rows of K, last dimension fastest; *order set if its columns are not in ONNX's order. */
static rs_status rows(struct onnx_importer *im, const struct product *p, int32_t k, int *tensor, int32_t **order)
{
    const struct onnx_value *a = &im->values[p->a];
    struct onnx_layout l = onnx_identity(a->rank);

    *order = NULL;
    if (p->transposed_a) {
        const int8_t last = l.axis[a->rank - 1];

        l.axis[a->rank - 1] = l.axis[a->rank - 2];
        l.axis[a->rank - 2] = last;
        return p->integer ? onnx_codes(im, p->a, &l, p->qa.scale, p->qa.zero_point, tensor) : onnx_input(im, p->a, &l, tensor);
    }
    if (a->flat_of >= 0 && a->n_layouts == 0) {
        const struct onnx_layout lies = onnx_lies(im, a->flat_of);
        int from;

        TRY(flat_order(im, a->flat_of, k, order));
        TRY(p->integer ? onnx_codes(im, a->flat_of, &lies, p->qa.scale, p->qa.zero_point, &from) : onnx_input(im, a->flat_of, &lies, &from));
        TRY(onnx_tensor(im, a->name, im->g->tensors[from].type, 2, a->dim, NULL, 0, tensor));
        if (p->integer)
            TRY(rs_graph_set_quant(im->g, *tensor, 1, 0, im->g->tensors[from].quant.scale, im->g->tensors[from].quant.zero_point, im->err));
        return onnx_emit(im, &(struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { a->dim[0], a->dim[1] } }, &from, 1, *tensor);
    }
    return p->integer ? onnx_codes(im, p->a, &l, p->qa.scale, p->qa.zero_point, tensor) : onnx_input(im, p->a, &l, tensor);
}

static rs_status emit_fc(struct onnx_importer *im, struct product *p, int32_t k, int32_t m)
{
    const struct onnx_value *out = &im->values[p->out];
    const struct onnx_constant *b = im->values[p->b].constant;
    const struct onnx_layout plain = onnx_identity(out->rank);
    int32_t *order;
    int in[3] = { -1, -1, -1 }, y;

    TRY(rows(im, p, k, &in[0], &order));
    const int64_t count = (int64_t)k * m;
    int8_t *codes = p->integer ? onnx_alloc(im, (uint64_t)count, 1) : NULL;
    float *reals = p->integer ? NULL : onnx_alloc(im, (uint64_t)count, sizeof *reals);

    if (codes == NULL && reals == NULL)
        return im->err->status;
    for (int64_t j = 0; j < m; j++)
        for (int64_t i = 0; i < k; i++) {
            const int64_t row = order != NULL ? order[i] : i, at = p->transposed_b ? j * k + row : row * m + j;

            if (p->integer)
                codes[j * k + i] = (int8_t)(onnx_constant_int(b, at) -
                                            (p->b_zero == NULL ? 0 : onnx_constant_int(p->b_zero, p->b_zero->count > 1 ? j : 0)));
            else
                reals[j * k + i] = p->alpha * (float)onnx_constant_real(b, at);
        }
    if (p->integer) {
        const int channels = p->b_scale->count > 1 ? m : 1;
        float *scale = onnx_alloc(im, (uint64_t)channels, sizeof *scale);

        if (scale == NULL)
            return im->err->status;
        for (int i = 0; i < channels; i++)
            scale[i] = (float)onnx_constant_real(p->b_scale, i);
        TRY(onnx_tensor(im, im->values[p->b].name, RS_TYPE_S8, 2, (int32_t[]){ m, k }, codes, (size_t)count, &in[1]));
        TRY(rs_graph_set_quant(im->g, in[1], channels, 0, scale, NULL, im->err));
        if (p->bias_codes != NULL)
            TRY(onnx_tensor(im, "bias", RS_TYPE_S32, 1, &m, p->bias_codes, (size_t)m * sizeof *p->bias_codes, &in[2]));
        TRY(onnx_codes_output(im, p->out, &plain, p->to.scale, p->to.zero_point, &y));
    } else {
        TRY(onnx_tensor(im, im->values[p->b].name, RS_TYPE_F32, 2, (int32_t[]){ m, k }, reals, (size_t)count * sizeof *reals, &in[1]));
        if (p->bias >= 0) {
            const struct onnx_constant *c = im->values[p->bias].constant;
            float *bias = onnx_alloc(im, (uint64_t)m, sizeof *bias);

            if (bias == NULL)
                return im->err->status;
            for (int i = 0; i < m; i++)
                bias[i] = p->beta * (float)onnx_constant_real(c, c->count > 1 ? i : 0);
            TRY(onnx_tensor(im, "bias", RS_TYPE_F32, 1, &m, bias, (size_t)m * sizeof *bias, &in[2]));
        }
        TRY(onnx_output(im, p->out, &plain, &y));
    }
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_FULLY_CONNECTED, .keep_dims = out->rank != 2, .act = p->act }, in, in[2] >= 0 ? 3 : 2, y);
}

/* An operand of BATCH_MATMUL: as it lies if only its matrix is transposed. */
static rs_status matrix_operand(struct onnx_importer *im, int value, bool transposed, bool integer, struct onnx_quant q, int *tensor, bool *adjoint)
{
    const int rank = im->values[value].rank;
    const struct onnx_layout lies = onnx_lies(im, value), plain = onnx_identity(rank);
    struct onnx_layout swapped = plain;

    swapped.axis[rank - 1] = plain.axis[rank - 2];
    swapped.axis[rank - 2] = plain.axis[rank - 1];
    const bool as_swapped = onnx_same_layout(&lies, &swapped);
    const struct onnx_layout *l = as_swapped ? &swapped : &plain;

    *adjoint = as_swapped != transposed;
    return integer ? onnx_codes(im, value, l, q.scale, q.zero_point, tensor) : onnx_input(im, value, l, tensor);
}

static rs_status emit_batch(struct onnx_importer *im, const struct product *p)
{
    const struct onnx_layout plain = onnx_identity(im->values[p->out].rank);
    struct rs_node n = { .op = RS_OP_BATCH_MATMUL, .act = p->act };
    int in[2], out;

    TRY(matrix_operand(im, p->a, p->transposed_a, p->integer, p->qa, &in[0], &n.adjoint_x));
    TRY(matrix_operand(im, p->b, p->transposed_b, p->integer, p->qb, &in[1], &n.adjoint_y));
    TRY(p->integer ? onnx_codes_output(im, p->out, &plain, p->to.scale, p->to.zero_point, &out) : onnx_output(im, p->out, &plain, &out));
    return onnx_emit(im, &n, in, 2, out);
}

/* A vector operand of MatMul becomes a matrix of one row or column. */
static rs_status as_matrix(struct onnx_importer *im, int value, bool column, int *matrix)
{
    const struct onnx_value *v = &im->values[value];

    *matrix = value;
    if (v->rank != 1)
        return RS_OK;
    TRY(onnx_new_value(im, v->type, 2, column ? (int32_t[]){ v->dim[0], 1 } : (int32_t[]){ 1, v->dim[0] }, matrix));
    if (v->constant == NULL)
        return onnx_reshape(im, value, *matrix);
    struct onnx_constant *c = onnx_alloc(im, 1, sizeof *c);

    if (c == NULL)
        return im->err->status;
    *c = *v->constant;
    c->rank = 2;
    memcpy(c->dim, im->values[*matrix].dim, 2 * sizeof c->dim[0]);
    onnx_define_constant(im, *matrix, c);
    return RS_OK;
}

/* alpha, beta and the third operand of a Gemm that FULLY_CONNECTED cannot take. */
static rs_status scaled(struct onnx_importer *im, int tensor, float factor, int *out)
{
    const struct rs_tensor t = im->g->tensors[tensor];
    int pair[2] = { tensor, -1 };

    *out = tensor;
    if (factor == 1)
        return RS_OK;
    TRY(onnx_tensor(im, "factor", RS_TYPE_F32, 0, NULL, &factor, sizeof factor, &pair[1]));
    TRY(onnx_tensor(im, t.name, RS_TYPE_F32, t.rank, t.dim, NULL, 0, out));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_MUL }, pair, 2, *out);
}

static rs_status gemm_in_steps(struct onnx_importer *im, struct product *p)
{
    const struct onnx_value *v = &im->values[p->out];
    const struct onnx_layout plain = onnx_identity(2);
    int product, pair[2], out;

    TRY(onnx_new_value(im, OX_FLOAT, 2, v->dim, &product));
    struct product inner = *p;

    inner.out = product;
    inner.bias = -1;
    TRY(emit_batch(im, &inner));
    TRY(onnx_input(im, product, &plain, &pair[0]));
    TRY(scaled(im, pair[0], p->alpha, &pair[0]));
    if (p->bias >= 0) {
        const struct onnx_layout own = onnx_identity(im->values[p->bias].rank);

        TRY(onnx_input(im, p->bias, &own, &pair[1]));
        TRY(scaled(im, pair[1], p->beta, &pair[1]));
        TRY(onnx_output(im, p->out, &plain, &out));
        return onnx_emit(im, &(struct rs_node){ .op = RS_OP_ADD }, pair, 2, out);
    }
    TRY(onnx_output(im, p->out, &plain, &out));
    return onnx_emit(im, &(struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { v->dim[0], v->dim[1] } }, pair, 1, out);
}

/* Codes less their zero points fit int8, so that FULLY_CONNECTED can have them. */
static bool fits(const struct onnx_constant *b, const struct onnx_constant *zero, int32_t k, int32_t m, bool transposed)
{
    for (int64_t j = 0; j < m; j++)
        for (int64_t i = 0; i < k; i++) {
            const int64_t w = onnx_constant_int(b, transposed ? j * k + i : i * m + j) -
                              (zero == NULL ? 0 : onnx_constant_int(zero, zero->count > 1 ? j : 0));

            if (w < -128 || w > 127)
                return false;
        }
    return true;
}

/* What the integer forms state, operand by operand: a, its scale, its zero point; the same of b. */
static rs_status integer_product(struct onnx_importer *im, struct onnx_node *n, struct product *p, int *target)
{
    const bool gemm = strcmp(n->op->name, "QGemm") == 0, qlinear = n->op->name[0] == 'Q';
    int a, b;

    *target = n->out[0];
    if (qlinear) {
        const int to = gemm ? 7 : 6;

        for (int k = 0; k < 6; k++)
            if (!onnx_has(n, k) || (k != 0 && k != 3 && im->values[n->in[k]].constant == NULL))
                return onnx_unsupported(im, "scale or zero point %d is not constant", k);
        if (!onnx_has(n, to) || !onnx_has(n, to + 1))
            return onnx_unsupported(im, "a product that stays int32 or becomes float32");
        if (!onnx_scalar_quant(im, n->in[1], n->in[2], &p->qa) || !onnx_scalar_quant(im, n->in[to], n->in[to + 1], &p->to))
            return onnx_unsupported(im, "a scale or zero point that is not one constant number");
        p->b = n->in[3];
        p->b_scale = im->values[n->in[4]].constant;
        p->b_zero = im->values[n->in[5]].constant;
        p->integer = true;
    } else if (onnx_dequantizes(im, p->a, &a, &p->qa) && im->values[p->b].codes >= 0 &&
               onnx_quantized_later(im, n->out[0], target, &p->to, &p->act)) {
        const struct onnx_value *w = &im->values[p->b];

        b = w->codes;
        p->b_scale = im->values[w->scale].constant;
        p->b_zero = w->zero_point >= 0 ? im->values[w->zero_point].constant : NULL;
        if (!onnx_is_codes(&im->values[b]) || (p->b_scale->count > 1 && w->axis != (p->transposed_b ? w->rank - 2 : w->rank - 1)))
            return RS_OK;
        p->a = a;
        p->b = b;
        p->integer = true;
    }
    if (!p->integer)
        return RS_OK;
    if (p->b_scale->count < 1 || (p->b_zero != NULL && p->b_zero->count != 1 && p->b_zero->count != p->b_scale->count))
        return onnx_malformed(im, "%lld scales of the right operand", (long long)p->b_scale->count);
    p->qb.scale = (float)onnx_constant_real(p->b_scale, 0);
    p->qb.zero_point = p->b_zero == NULL ? 0 : (int32_t)onnx_constant_int(p->b_zero, 0);
    return RS_OK;
}

rs_status onnx_matmul(struct onnx_importer *im, struct onnx_node *n)
{
    const bool gemm = strcmp(n->op->name, "Gemm") == 0 || strcmp(n->op->name, "QGemm") == 0;
    struct product p = { .a = n->in[0], .b = onnx_has(n, 1) ? n->in[1] : -1, .bias = -1, .alpha = 1, .beta = 1 };
    int target, real_a, real_b;
    int32_t dim[OX_MAX_RANK];
    int rank;

    if (!onnx_has(n, 0) || !onnx_has(n, 1))
        return onnx_malformed(im, "an operand is absent");
    if (gemm) {
        p.transposed_a = onnx_int(n, "transA", 0) != 0;
        p.transposed_b = onnx_int(n, "transB", 0) != 0;
        p.alpha = onnx_float(n, "alpha", 1);
        p.beta = onnx_float(n, "beta", 1);
    }
    struct onnx_value *a = &im->values[p.a];

    TRY(integer_product(im, n, &p, &target));
    real_a = p.a, real_b = p.b;
    a = &im->values[real_a];
    const struct onnx_value *b = &im->values[real_b];

    if (a->rank < 1 || b->rank < 1 || (gemm && (a->rank != 2 || b->rank != 2)) || a->rank > RS_MAX_RANK || b->rank > RS_MAX_RANK)
        return onnx_malformed(im, "operands of rank %d and %d", a->rank, b->rank);
    const bool vector_a = a->rank == 1, vector_b = b->rank == 1;

    TRY(as_matrix(im, p.a, false, &p.a));
    TRY(as_matrix(im, p.b, true, &p.b));
    a = &im->values[p.a];
    b = &im->values[p.b];
    const int32_t rows_a = a->dim[a->rank - (p.transposed_a ? 1 : 2)], k = a->dim[a->rank - (p.transposed_a ? 2 : 1)];
    const int32_t k_b = b->dim[b->rank - (p.transposed_b ? 1 : 2)], m = b->dim[b->rank - (p.transposed_b ? 2 : 1)];
    struct onnx_value lead_a = { .name = a->name, .rank = a->rank - 2 }, lead_b = { .name = b->name, .rank = b->rank - 2 };

    if (k != k_b)
        return onnx_malformed(im, "rows of %d and columns of %d", k, k_b);
    memcpy(lead_a.dim, a->dim, sizeof lead_a.dim);
    memcpy(lead_b.dim, b->dim, sizeof lead_b.dim);
    TRY(onnx_broadcast(im, &lead_a, &lead_b, &rank, dim));
    dim[rank++] = rows_a;
    dim[rank++] = m;

    /* The third operand: a constant vector along the columns is a bias. */
    const int third = strcmp(n->op->name, "QGemm") == 0 ? 6 : 2;
    const bool bias_there = gemm && onnx_has(n, third) && p.beta != 0;
    bool bias_fits = true;

    if (bias_there) {
        const struct onnx_value *c = &im->values[n->in[third]];

        p.bias = n->in[third];
        bias_fits = (c->constant != NULL || (c->codes >= 0 && im->values[c->codes].constant != NULL)) && c->rank <= 2 &&
                    (c->rank < 1 || c->dim[c->rank - 1] == m || c->dim[c->rank - 1] == 1) && (c->rank < 2 || c->dim[0] == 1);
    }
    const bool constant_b = b->constant != NULL && b->rank == 2;
    const bool filter = constant_b && a->rank >= 2 && a->constant == NULL && bias_fits &&
                        (!p.integer || fits(b->constant, p.b_zero, k, m, p.transposed_b));

    if (p.integer && (p.alpha != 1 || (p.beta != 1 && bias_there)))
        return onnx_unsupported(im, "alpha and beta other than 1 on codes");
    if (p.integer && !filter && (bias_there || p.b_scale->count != 1 || (p.b_zero != NULL && p.b_zero->count != 1))) {
        if (n->op->name[0] == 'Q')
            return onnx_unsupported(im, "this product of codes needs a bias or a scale a column, which only a constant int8 filter can have");
        p = (struct product){ .a = n->in[0], .b = n->in[1], .bias = p.bias, .transposed_a = p.transposed_a, .transposed_b = p.transposed_b,
                              .alpha = p.alpha, .beta = p.beta };
        target = n->out[0];
    }
    if (p.integer) {
        if (filter && p.b_scale->count != 1 && p.b_scale->count != m)
            return onnx_malformed(im, "%lld scales for %d columns", (long long)p.b_scale->count, m);
        if (bias_there)
            TRY(onnx_bias_codes(im, p.bias, m, p.qa.scale, p.b_scale, &p.bias_codes));
        if (n->op->name[0] != 'Q')
            onnx_take_quantize(im, n->out[0], target);
    } else {
        p.act = RS_ACT_NONE;
        if (p.bias >= 0 && bias_fits) {
            int unused;

            TRY(onnx_input(im, p.bias, NULL, &unused));  /* codes of a constant become its reals */
        }
        if (p.b >= 0 && im->values[p.b].codes >= 0 && im->values[im->values[p.b].codes].constant != NULL) {
            int unused;

            TRY(onnx_input(im, p.b, NULL, &unused));
        }
        b = &im->values[p.b];
    }
    const enum onnx_type type = !p.integer ? OX_FLOAT : n->op->name[0] == 'Q' ? im->values[n->in[gemm ? 8 : 7]].type : im->values[target].type;
    const bool full = !vector_a && !vector_b;

    if (full) {
        TRY(onnx_define(im, target, type, rank, dim));
        p.out = target;
    } else {
        int32_t narrow[OX_MAX_RANK];
        int narrow_rank = 0;

        for (int i = 0; i < rank; i++)
            if (!(vector_a && i == rank - 2) && !(vector_b && i == rank - 1))
                narrow[narrow_rank++] = dim[i];
        TRY(onnx_define(im, target, type, narrow_rank, narrow));
        TRY(onnx_new_value(im, type, rank, dim, &p.out));
    }
    const bool real_filter = !p.integer && b->constant != NULL && b->rank == 2 && im->values[p.a].constant == NULL && bias_fits;

    if (p.integer ? filter : real_filter)
        TRY(emit_fc(im, &p, k, m));
    else if (p.alpha != 1 || p.bias >= 0)
        TRY(gemm_in_steps(im, &p));
    else
        TRY(emit_batch(im, &p));
    return full ? RS_OK : onnx_reshape(im, p.out, target);
}
