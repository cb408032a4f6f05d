/*
 * move.h - operations that only move or compare elements; all arguments are checked by rs_graph_infer() and _validate().
 * @bytes is the size of an element.
 */
#ifndef RS_MOVE_H
#define RS_MOVE_H
#include "kernels.h"

/* out[i] = in[begin + step * i], in every dimension; out's extents are the slice's. */
void rs_move_slice(const struct rs_dims *d, const void *in, const int32_t *begin, const int32_t *step,
                   const struct rs_dims *d_out, size_t bytes, void *out);

/* Element @value wherever the output, @before[i] larger at the near end of axis i, lies outside the input. */
void rs_move_pad(const struct rs_dims *d, const void *in, const int32_t *before, const struct rs_dims *d_out,
                 const void *value, size_t bytes, void *out);

/* Output axis i is input axis perm[i]. */
void rs_move_transpose(const struct rs_dims *d, const void *in, const int32_t *perm, size_t bytes, void *out);

/* One input of a concatenation goes to @at along @axis of the output. */
void rs_move_into(const struct rs_dims *d, const void *in, int32_t axis, int32_t at, const struct rs_dims *d_out,
                  size_t bytes, void *out);

/* Nearest neighbour, NHWC, indices as TFLite's GetNearestNeighbor() computes them, in float. */
void rs_move_resize_nearest(const struct rs_dims *d, const void *in, bool align_corners, bool half_pixel,
                            const struct rs_dims *d_out, size_t bytes, void *out);

/* out = max (or min) of two broadcast operands with one scale and zero point; @bytes: 1 or 2, int8 or int16. */
void rs_move_extremum(const struct rs_dims *d1, const void *in1, const struct rs_dims *d2, const void *in2,
                      bool maximum, const struct rs_dims *d_out, size_t bytes, void *out);
#endif
