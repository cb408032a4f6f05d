/*
 * onnx_constant.c - tensors of the file whose elements are known.
 *
 * Their bytes stay where protobuf-c put them when the file has them raw; the typed lists become the same form.
 * The machine is little endian, as the format is.
 */
#include <stdio.h>
#include <string.h>
#include "onnx_internal.h"

size_t onnx_type_bytes(enum onnx_type type)
{
    switch ((int)type) {
    case OX_UINT8: case OX_INT8: case OX_BOOL: return 1;
    case OX_UINT16: case OX_INT16: return 2;
    case OX_FLOAT: case OX_INT32: case OX_UINT32: return 4;
    case OX_DOUBLE: case OX_INT64: case OX_UINT64: return 8;
    default: return 0;
    }
}

bool onnx_type_real(enum onnx_type type)
{
    return type == OX_FLOAT || type == OX_DOUBLE;
}

#define LOAD(type, field) do { type x_; memcpy(&x_, (const char *)c->data + (size_t)i * sizeof x_, sizeof x_); return (field)x_; } while (0)

int64_t onnx_constant_int(const struct onnx_constant *c, int64_t i)
{
    switch ((int)c->type) {
    case OX_BOOL: case OX_UINT8: LOAD(uint8_t, int64_t);
    case OX_INT8:   LOAD(int8_t, int64_t);
    case OX_UINT16: LOAD(uint16_t, int64_t);
    case OX_INT16:  LOAD(int16_t, int64_t);
    case OX_INT32:  LOAD(int32_t, int64_t);
    case OX_UINT32: LOAD(uint32_t, int64_t);
    case OX_INT64: case OX_UINT64: LOAD(int64_t, int64_t);
    default: {
        const double x = onnx_constant_real(c, i);

        return x >= 9.2e18 ? INT64_MAX : x <= -9.2e18 ? INT64_MIN : x != x ? 0 : (int64_t)x;
    }
    }
}

double onnx_constant_real(const struct onnx_constant *c, int64_t i)
{
    switch ((int)c->type) {
    case OX_FLOAT:  LOAD(float, double);
    case OX_DOUBLE: LOAD(double, double);
    default: return (double)onnx_constant_int(c, i);
    }
}

#define STORE(type, x) do { const type x_ = (type)(x); memcpy((char *)(uintptr_t)c->data + (size_t)i * sizeof x_, &x_, sizeof x_); } while (0)

void onnx_constant_set(struct onnx_constant *c, int64_t i, int64_t integer, double real)
{
    switch ((int)c->type) {
    case OX_BOOL:   STORE(uint8_t, integer != 0); break;
    case OX_UINT8: case OX_INT8: STORE(uint8_t, integer); break;
    case OX_UINT16: case OX_INT16: STORE(uint16_t, integer); break;
    case OX_INT32: case OX_UINT32: STORE(uint32_t, integer); break;
    case OX_INT64: case OX_UINT64: STORE(int64_t, integer); break;
    case OX_FLOAT:  STORE(float, real); break;
    case OX_DOUBLE: STORE(double, real); break;
    default: break;
    }
}

rs_status onnx_constant_new(struct onnx_importer *im, enum onnx_type type, int rank, const int32_t *dim, struct onnx_constant **out)
{
    struct onnx_constant *c = onnx_alloc(im, 1, sizeof *c);
    uint64_t count = 1;

    if (c == NULL)
        return im->err->status;
    if (rank > OX_MAX_RANK || onnx_type_bytes(type) == 0)
        return onnx_unsupported(im, "a constant of rank %d of %s", rank, onnx_type_name(type));
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0)
            return onnx_malformed(im, "dimension %d of a constant is %d", i, dim[i]);
        count *= (uint32_t)dim[i];
        if (count > INT32_MAX)
            return onnx_malformed(im, "a constant of more than 2^31 - 1 elements");
        c->dim[i] = dim[i];
    }
    c->type = type;
    c->rank = rank;
    c->count = (int64_t)count;
    void *data = onnx_alloc(im, count, onnx_type_bytes(type));

    if (data == NULL)
        return im->err->status;
    c->data = data;
    *out = c;
    return RS_OK;
}

/* Elements that the file lists one by one. */
static rs_status listed(struct onnx_importer *im, const Onnx__TensorProto *t, struct onnx_constant *c, uint64_t count)
{
    const bool as_int32 = onnx_type_bytes(c->type) <= 2 || c->type == OX_INT32;
    const size_t have = c->type == OX_FLOAT ? t->n_float_data : c->type == OX_DOUBLE ? t->n_double_data : c->type == OX_INT64 ? t->n_int64_data :
                        as_int32 ? t->n_int32_data : t->n_uint64_data;

    if (have != count)
        return onnx_malformed(im, "%zu elements are listed, the dimensions make it %llu", have, (unsigned long long)count);
    if (c->type == OX_FLOAT || c->type == OX_DOUBLE || c->type == OX_INT64 || c->type == OX_INT32 || c->type == OX_UINT64) {
        c->data = c->type == OX_FLOAT ? (const void *)t->float_data : c->type == OX_DOUBLE ? (const void *)t->double_data :
                  c->type == OX_INT64 ? (const void *)t->int64_data : c->type == OX_INT32 ? (const void *)t->int32_data : (const void *)t->uint64_data;
        return RS_OK;
    }
    void *data = onnx_alloc(im, count, onnx_type_bytes(c->type));

    if (data == NULL)
        return im->err->status;
    c->data = data;
    for (uint64_t i = 0; i < count; i++)
        onnx_constant_set(c, (int64_t)i, as_int32 ? t->int32_data[i] : (int64_t)t->uint64_data[i], 0);
    return RS_OK;
}

rs_status onnx_constant_of_proto(struct onnx_importer *im, const Onnx__TensorProto *t, struct onnx_constant **out)
{
    struct onnx_constant *c = onnx_alloc(im, 1, sizeof *c);
    uint64_t count = 1;

    if (c == NULL)
        return im->err->status;
    c->type = (enum onnx_type)t->data_type;
    if (t->n_external_data != 0 || t->data_location == 1)
        return onnx_unsupported(im, "its data are in another file, which is not supported");
    if (onnx_type_bytes(c->type) == 0)
        return onnx_unsupported(im, "constants of %s are not supported", onnx_type_name(c->type));
    if (t->n_dims > OX_MAX_RANK)
        return onnx_unsupported(im, "rank %zu, at most %d is supported", t->n_dims, OX_MAX_RANK);
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || t->dims[i] > INT32_MAX)
            return onnx_malformed(im, "dimension %zu is %lld", i, (long long)t->dims[i]);
        c->dim[c->rank++] = (int32_t)t->dims[i];
        count *= (uint64_t)t->dims[i];
        if (count > INT32_MAX)
            return onnx_malformed(im, "more than 2^31 - 1 elements");
    }
    c->count = (int64_t)count;
    *out = c;
    if (!t->has_raw_data)
        return listed(im, t, c, count);
    if (t->raw_data.len != count * onnx_type_bytes(c->type))
        return onnx_malformed(im, "%zu bytes of data, the dimensions make it %llu", t->raw_data.len,
                              (unsigned long long)(count * onnx_type_bytes(c->type)));
    c->data = t->raw_data.data;
    return RS_OK;
}

void onnx_define_constant(struct onnx_importer *im, int value, const struct onnx_constant *c)
{
    struct onnx_value *v = &im->values[value];

    v->type = c->type;
    v->known = true;
    v->rank = c->rank;
    memcpy(v->dim, c->dim, sizeof v->dim);
    v->constant = c;
}

rs_status onnx_dequantized(struct onnx_importer *im, const struct onnx_value *v, struct onnx_constant **out)
{
    const struct onnx_constant *codes = im->values[v->codes].constant, *scale = im->values[v->scale].constant;
    const struct onnx_constant *zero = v->zero_point >= 0 ? im->values[v->zero_point].constant : NULL;
    int64_t inner = 1;

    TRY(onnx_constant_new(im, OX_FLOAT, codes->rank, codes->dim, out));
    if (scale->count == 0 || (zero != NULL && zero->count != scale->count) ||
        (scale->count > 1 && (v->axis >= codes->rank || codes->dim[v->axis] != scale->count)))
        return onnx_malformed(im, "'%.80s': %lld scales and %lld zero points do not fit its size", v->name, (long long)scale->count,
                              (long long)(zero != NULL ? zero->count : 0));
    for (int i = v->axis + 1; i < codes->rank; i++)
        inner *= codes->dim[i];
    for (int64_t i = 0; i < codes->count; i++) {
        const int64_t k = scale->count > 1 ? i / inner % scale->count : 0;
        const int64_t x = onnx_constant_int(codes, i) - (zero != NULL ? onnx_constant_int(zero, k) : 0);

        onnx_constant_set(*out, i, 0, (double)((float)onnx_constant_real(scale, k) * (float)x));
    }
    return RS_OK;
}
