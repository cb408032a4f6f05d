/* mean_f32.c - float mean over any axes. */
#include "check.h"
#include "kernels_f32.h"

/* Sum over the axes in @axes from @axis on, for the output element that starts at @in. */
static double sum_axes(const struct rs_dims *d, const int64_t *step, uint32_t axes, int axis, const float *in)
{
    double sum = 0;

    while (axis < d->rank && (axes >> axis & 1) == 0)
        axis++;
    if (axis == d->rank)
        return *in;
    for (int64_t i = 0; i < d->extent[axis]; i++)
        sum += sum_axes(d, step, axes, axis + 1, in + i * step[axis]);
    return sum;
}

rs_status rs_mean_f32(const struct rs_dims *d, const float *in, uint32_t axes, float *out, struct rs_error *err)
{
    int64_t size, count = 1, step[RS_MAX_RANK];

    if (in == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "mean: null argument");
    RS_TRY(rs_check_dims("mean: input", d, &size, err));
    if (axes == 0 || axes >> d->rank != 0)
        return rs_fail(err, RS_ERR_ARG, "mean: axes 0x%x of an input of rank %d", (unsigned)axes, (int)d->rank);
    for (int64_t axis = d->rank - 1, below = 1; axis >= 0; axis--) {
        step[axis] = below;
        below *= d->extent[axis];
        if ((axes >> axis & 1) != 0)
            count *= d->extent[axis];
    }
    for (int64_t o = 0; o < size / count; o++) {
        int64_t rest = o, start = 0;

        for (int axis = d->rank - 1; axis >= 0; axis--)
            if ((axes >> axis & 1) == 0) {
                start += rest % d->extent[axis] * step[axis];
                rest /= d->extent[axis];
            }
        out[o] = (float)(sum_axes(d, step, axes, 0, in + start) / (double)count);
    }
    return RS_OK;
}
