/* transpose_s8.c - axes in another order. */
#include "check.h"

rs_status rs_transpose_s8(const struct rs_dims *d, const int8_t *in, const int32_t *perm, int8_t *out,
                          struct rs_error *err)
{
    int64_t size, step[RS_MAX_RANK];
    uint32_t seen = 0;

    if (in == NULL || perm == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "transpose: null argument");
    RS_TRY(rs_check_dims("transpose: input", d, &size, err));
    for (int axis = 0; axis < d->rank; axis++) {
        if (perm[axis] < 0 || perm[axis] >= d->rank || (seen >> perm[axis] & 1) != 0)
            return rs_fail(err, RS_ERR_ARG, "transpose: entry %d, axis %d, makes no permutation of %d axes",
                           axis, (int)perm[axis], (int)d->rank);
        seen |= UINT32_C(1) << perm[axis];
    }

    for (int axis = d->rank - 1, below = 1; axis >= 0; axis--) {
        step[axis] = below;
        below *= d->extent[axis];
    }
    for (int64_t o = 0; o < size; o++) {
        int64_t rest = o, from = 0;

        for (int axis = d->rank - 1; axis >= 0; axis--) {
            from += rest % d->extent[perm[axis]] * step[perm[axis]];
            rest /= d->extent[perm[axis]];
        }
        out[o] = in[from];
    }
    return RS_OK;
}
