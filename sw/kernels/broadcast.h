/*
 * broadcast.h - walking two broadcast inputs and their output.  Internal to sw/kernels/.
 *
 * Extents are aligned at the last axis and filled up with 1 to RS_MAX_RANK; an input axis of extent 1 gets
 * step 0, so that it is repeated.
 */
#ifndef RS_KERNELS_BROADCAST_H
#define RS_KERNELS_BROADCAST_H
#include "kernels.h"

struct broadcast {
    int32_t extent[RS_MAX_RANK];       /* of the output                              */
    int64_t step1[RS_MAX_RANK];        /* codes between neighbours of input 1's axis */
    int64_t step2[RS_MAX_RANK];
};

/* Checks the three extents against each other: RS_ERR_SHAPE if d_out is not the broadcast result. */
RS_MUST_CHECK
rs_status rs_broadcast_init(const struct rs_dims *d1, const struct rs_dims *d2, const struct rs_dims *d_out,
                            struct broadcast *b, struct rs_error *err);

/* Offsets into input 1 and input 2 of the row (all axes but the last) number @row. */
void rs_broadcast_row(const struct broadcast *b, int64_t row, int64_t *offset1, int64_t *offset2);

/* Number of rows, and codes in a row. */
int64_t rs_broadcast_rows(const struct broadcast *b);
#define BROADCAST_ROW_CODES(b) ((b)->extent[RS_MAX_RANK - 1])
#endif
