/* pad_s8.c - a border of one code around a tensor. */
#include "check.h"

rs_status rs_pad_s8(const struct rs_dims *d, const int8_t *in, const int32_t *before, const int32_t *after,
                    int32_t value, int8_t *out, struct rs_error *err)
{
    int64_t size, out_size = 1;
    int64_t extent[RS_MAX_RANK];

    if (in == NULL || before == NULL || after == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "pad: null argument");
    RS_TRY(rs_check_dims("pad: input", d, &size, err));
    RS_TRY(rs_check_code("pad: value", value, err));
    for (int axis = 0; axis < d->rank; axis++) {
        if (before[axis] < 0 || after[axis] < 0)
            return rs_fail(err, RS_ERR_ARG, "pad: negative pad %d, %d at axis %d",
                           (int)before[axis], (int)after[axis], axis);
        extent[axis] = (int64_t)d->extent[axis] + before[axis] + after[axis];
        RS_TRY(rs_check_product("pad: output", out_size, extent[axis], &out_size, err));
    }

    for (int64_t o = 0; o < out_size; o++) {
        int64_t rest = o, from = 0, step = 1;
        bool inside = true;

        for (int axis = d->rank - 1; axis >= 0; axis--) {
            const int64_t i = rest % extent[axis] - before[axis];

            rest /= extent[axis];
            inside = inside && i >= 0 && i < d->extent[axis];
            from += i * step;
            step *= d->extent[axis];
        }
        out[o] = inside ? in[from] : (int8_t)value;
    }
    return RS_OK;
}
