/* concat_s8.c - tensors one after another along an axis, copied or requantized. */
#include "check.h"
#include <string.h>

static rs_status check_input(int32_t number, const struct rs_concat_input *in, const struct rs_concat_input *first,
                             int32_t axis, int64_t *sum, struct rs_error *err)
{
    int64_t size;

    RS_TRY(rs_check_dims("concat: input", &in->dims, &size, err));
    if (in->data == NULL)
        return rs_fail(err, RS_ERR_ARG, "concat: null input %d", (int)number);
    if (in->dims.rank != first->dims.rank)
        return rs_fail(err, RS_ERR_SHAPE, "concat: input %d of rank %d, input 0 of rank %d",
                       (int)number, (int)in->dims.rank, (int)first->dims.rank);
    for (int i = 0; i < in->dims.rank; i++)
        if (i != axis && in->dims.extent[i] != first->dims.extent[i])
            return rs_fail(err, RS_ERR_SHAPE, "concat: input %d has extent %d at axis %d, input 0 has %d",
                           (int)number, (int)in->dims.extent[i], i, (int)first->dims.extent[i]);
    if (in->requant != NULL)
        RS_TRY(rs_quant_check(in->requant, 1, err));
    *sum += size;
    if (*sum > INT32_MAX)
        return rs_fail(err, RS_ERR_SHAPE, "concat: the output exceeds 2^31 - 1 codes");
    return RS_OK;
}

rs_status rs_concat_s8(int32_t count, const struct rs_concat_input *inputs, int32_t axis, int8_t *out,
                       struct rs_error *err)
{
    int64_t sum = 0, outer = 1;

    if (inputs == NULL || out == NULL || count < 1)
        return rs_fail(err, RS_ERR_ARG, "concat: null argument or no inputs");
    for (int32_t i = 0; i < count; i++)
        RS_TRY(check_input(i, &inputs[i], &inputs[0], axis, &sum, err));
    if (axis < 0 || axis >= inputs[0].dims.rank)
        return rs_fail(err, RS_ERR_ARG, "concat: axis %d of rank %d", (int)axis, (int)inputs[0].dims.rank);

    for (int i = 0; i < axis; i++)
        outer *= inputs[0].dims.extent[i];
    for (int64_t o = 0; o < outer; o++)
        for (int32_t i = 0; i < count; i++) {
            int64_t run = 1;

            for (int a = axis; a < inputs[i].dims.rank; a++)
                run *= inputs[i].dims.extent[a];
            if (inputs[i].requant == NULL)
                memcpy(out, inputs[i].data + o * run, (size_t)run);
            else
                RS_TRY(rs_requantize_s8((size_t)run, inputs[i].data + o * run, inputs[i].requant, out, err));
            out += run;
        }
    return RS_OK;
}
