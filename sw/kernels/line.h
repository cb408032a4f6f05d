/*
 * line.h - an output stage of one multiply-add in floats that is proven when a layer is packed.  Internal to sw/kernels/.
 *
 *      code = clamp(floor((acc + shift) * scale + lean))                                    of one side
 *      code = clamp(zp_out + (floor(acc * scale + copysign(lean, acc)) + 1 >> 1))           of two sides
 *
 * in place of an integer rounding, whichever it is.  The multiply-add and its conversion to an integer both round down.  A float
 * that is rounded down is an integer or more exactly where it was before: what comes out is the floor of the true sum, and
 * no rounding has to be reckoned with but those of scale and lean themselves.
 *
 * All of these are monotonic in acc.  So they agree everywhere if they agree on either side of each step, where the code becomes k:
 * at most 255 steps, by clamping.  rs_line_find() looks for a scale and a lean near the true ones, and tries all steps: 510
 * accumulators are the whole proof.
 *
 * One side is enough where the rounding is that of a line: with RS_ROUND_SINGLE and RS_ROUND_ONNX, or where only positive
 * values matter (act_min >= zp_out: ReLU); then zp_out is in the shift, which keeps numbers small.  RS_ROUND_DOUBLE leans away from
 * zero (packed.h, slant); of two sides, all is doubled, so that halves are integers.
 */
#ifndef RS_KERNELS_LINE_H
#define RS_KERNELS_LINE_H
#include "kernels.h"

struct line {
    float scale, lean;
    int32_t shift;                     /* 0 of two sides */
};

static inline bool rs_line_one_sided(const struct rs_quant *q)
{
    return q->rounding != RS_ROUND_DOUBLE || q->act_min >= q->zp_out;
}

/*
 * rs_line_find() - the line of @q, which has a single channel, for accumulators of at most @reach either way.
 *
 * @reach: >= 0, such that no code is 2^22 or more before it is clamped; scale and lean are normal, or 0
 * Returns whether there is one; else *line is not written.
 */
bool rs_line_find(const struct rs_quant *q, int64_t reach, struct line *line);
#endif
