/* onnx_attribute.c - attributes of a node, and operands that newer operator sets have instead of them. */
#include <string.h>
#include "onnx_internal.h"

const Onnx__AttributeProto *onnx_attribute(const struct onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->proto->n_attribute; i++)
        if (n->proto->attribute[i]->name != NULL && strcmp(n->proto->attribute[i]->name, name) == 0)
            return n->proto->attribute[i];
    return NULL;
}

int64_t onnx_int(const struct onnx_node *n, const char *name, int64_t absent)
{
    const Onnx__AttributeProto *a = onnx_attribute(n, name);

    return a != NULL && a->has_i ? a->i : absent;
}

float onnx_float(const struct onnx_node *n, const char *name, float absent)
{
    const Onnx__AttributeProto *a = onnx_attribute(n, name);

    return a != NULL && a->has_f ? a->f : absent;
}

bool onnx_string_is(const struct onnx_node *n, const char *name, const char *value, const char *absent)
{
    const Onnx__AttributeProto *a = onnx_attribute(n, name);

    if (a == NULL || !a->has_s)
        return strcmp(value, absent) == 0;
    return a->s.len == strlen(value) && memcmp(a->s.data, value, a->s.len) == 0;
}

bool onnx_has(const struct onnx_node *n, int k)
{
    return k >= 0 && k < n->n_in && n->in[k] >= 0;
}

rs_status onnx_ints(struct onnx_importer *im, const struct onnx_node *n, int k, const char *name, int64_t *value, int max, int *count)
{
    *count = -1;
    if (onnx_has(n, k)) {
        const struct onnx_constant *c = im->values[n->in[k]].constant;

        if (c == NULL)
            return onnx_unsupported(im, "its '%s' (input %d) is computed at run time, only constants are supported", name, k);
        if (onnx_type_real(c->type) || c->count > max)
            return onnx_malformed(im, "its '%s' (input %d) is %s with %lld elements", name, k, onnx_type_name(c->type), (long long)c->count);
        for (*count = 0; *count < c->count; ++*count)
            value[*count] = onnx_constant_int(c, *count);
        return RS_OK;
    }
    const Onnx__AttributeProto *a = onnx_attribute(n, name);

    if (a == NULL)
        return RS_OK;
    if (a->n_ints > (size_t)max)
        return onnx_malformed(im, "attribute '%s' has %zu elements, at most %d fit", name, a->n_ints, max);
    for (*count = 0; *count < (int)a->n_ints; ++*count)
        value[*count] = a->ints[*count];
    return RS_OK;
}

rs_status onnx_axis(struct onnx_importer *im, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return onnx_malformed(im, "axis %lld of a tensor of rank %d", (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return RS_OK;
}
