/* broadcast.c - walking two broadcast inputs and their output; see broadcast.h. */
#include "broadcast.h"
#include "check.h"

static int32_t extent_from_last(const struct rs_dims *d, int axis)
{
    const int i = axis - (RS_MAX_RANK - d->rank);

    return i < 0 ? 1 : d->extent[i];
}

rs_status rs_broadcast_init(const struct rs_dims *d1, const struct rs_dims *d2, const struct rs_dims *d_out,
                            struct broadcast *b, struct rs_error *err)
{
    int64_t count, size1 = 1, size2 = 1;

    RS_TRY(rs_check_dims("input 1", d1, &count, err));
    RS_TRY(rs_check_dims("input 2", d2, &count, err));
    RS_TRY(rs_check_dims("output", d_out, &count, err));
    if (d_out->rank != (d1->rank > d2->rank ? d1->rank : d2->rank))
        return rs_fail(err, RS_ERR_SHAPE, "output rank %d of inputs of rank %d and %d",
                       (int)d_out->rank, (int)d1->rank, (int)d2->rank);

    for (int axis = RS_MAX_RANK - 1; axis >= 0; axis--) {
        const int32_t e1 = extent_from_last(d1, axis), e2 = extent_from_last(d2, axis);
        const int32_t out = extent_from_last(d_out, axis);

        if ((e1 != e2 && e1 != 1 && e2 != 1) || out != (e1 > e2 ? e1 : e2))
            return rs_fail(err, RS_ERR_SHAPE, "extents %d and %d do not broadcast to %d at axis %d from the last",
                           (int)e1, (int)e2, (int)out, RS_MAX_RANK - 1 - axis);
        b->extent[axis] = out;
        b->step1[axis] = e1 == 1 ? 0 : size1;
        b->step2[axis] = e2 == 1 ? 0 : size2;
        size1 *= e1;
        size2 *= e2;
    }
    return RS_OK;
}

void rs_broadcast_row(const struct broadcast *b, int64_t row, int64_t *offset1, int64_t *offset2)
{
    *offset1 = *offset2 = 0;
    for (int axis = RS_MAX_RANK - 2; axis >= 0; axis--) {
        const int64_t i = row % b->extent[axis];

        row /= b->extent[axis];
        *offset1 += i * b->step1[axis];
        *offset2 += i * b->step2[axis];
    }
}

int64_t rs_broadcast_rows(const struct broadcast *b)
{
    int64_t rows = 1;

    for (int axis = 0; axis < RS_MAX_RANK - 1; axis++)
        rows *= b->extent[axis];
    return rows;
}
