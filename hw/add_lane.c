/*
 * add_lane.c - TensorFlow Lite's int8 ADD: both operands to a common scale at 20 extra bits, sum, rescale.
 *
 * Bit-exact with the reference kernel.  Range: |code - zp| <= 255, so the shifted operands stay
 * below 2^28 and their sum below 2^29.  Six edges, one result a clock.
 */
#include "add_lane.h"
#include "rounding.h"

void add_lane_clock(struct add_lane *r, const struct add_lane_in *in, struct add_lane_out *out)
{
#pragma HLS PIPELINE II=1
    r->code = clamp_code((int64_t)round_shift(r->high, in->param.shift_out) + in->param.zp_out,
                         in->param.min, in->param.max);
    r->high = round_high(r->product);
    r->product = (int64_t)r->sum * in->param.mult_out;
    r->sum = round_shift(round_high(r->product_acc), in->param.shift_acc) +
             round_shift(round_high(r->product_res), in->param.shift_res);
    r->product_acc = (int64_t)r->acc * in->param.mult_acc;
    r->product_res = (int64_t)r->res * in->param.mult_res;
    r->acc = (in->acc - in->param.zp_acc) * 1048576;
    r->res = (in->res - in->param.zp_res) * 1048576;

    out->code = r->code;
}
