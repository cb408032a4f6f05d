/*
 * add_lane.c - TensorFlow Lite's int8 ADD: both operands to a common scale at 20 extra bits, sum, rescale.
 *
 * Bit-exact with the reference kernel.  Range: |code - zp| <= 255, so the operands times 2^20 stay below 2^28 and their sum
 * below 2^29.  The 20 bits join an operand after its product, which so takes two multipliers.
 * Eight edges, one result a clock.
 */
#include "add_lane.h"

/* An operand's product * 2^20, rounded and shifted right. */
static inline int64_t scaled(int64_t product, uint32_t right)
{
    return shift_rounded(product * 1048576 + round_half(product < 0), product < 0, right);
}

void add_lane_clock(struct add_lane *r, const struct add_lane_in *in, struct add_lane_out *out)
{
#pragma HLS PIPELINE II=1
    r->code = finish_code(r->shifted, in->param.zp_out, in->param.min, in->param.max);
    r->shifted = shift_rounded(r->product, r->negative6, in->param.shift_out);
    r->product = sum_parts(r->parts, round_half(r->negative5));
    r->negative6 = r->negative5;
    r->parts = multiply_parts(factors_of(r->sum, in->param.mult_out));
    r->negative5 = r->sum < 0;
    r->sum = (int32_t)((((int64_t)r->shifted_acc + 1) >> 1) + (((int64_t)r->shifted_res + 1) >> 1));
    r->shifted_acc = scaled(r->product_acc, in->param.shift_acc);
    r->shifted_res = scaled(r->product_res, in->param.shift_res);
    r->product_acc = (int64_t)r->acc * in->param.mult_acc;
    r->product_res = (int64_t)r->res * in->param.mult_res;
    r->acc = in->acc - in->param.zp_acc;
    r->res = in->res - in->param.zp_res;

    out->code = r->code;
}
