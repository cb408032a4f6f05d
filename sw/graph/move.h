/* move.h - operations that only move or compare codes; all arguments are checked by rs_graph_infer() and _validate(). */
#ifndef RS_MOVE_H
#define RS_MOVE_H
#include "kernels.h"

/* out[i] = in[begin + step * i], in every dimension; out's extents are the slice's. */
void rs_move_slice(const struct rs_dims *d, const int8_t *in, const int32_t *begin, const int32_t *step,
                   const struct rs_dims *d_out, int8_t *out);

/* Nearest neighbour, NHWC, indices as TFLite's GetNearestNeighbor() computes them, in float. */
void rs_move_resize_nearest(const struct rs_dims *d, const int8_t *in, bool align_corners, bool half_pixel,
                            const struct rs_dims *d_out, int8_t *out);

/* out = max (or min) of two broadcast operands with one scale and zero point. */
void rs_move_extremum(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                      bool maximum, const struct rs_dims *d_out, int8_t *out);
#endif
