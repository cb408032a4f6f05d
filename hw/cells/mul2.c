/*
 * mul2.c - 27 x 18 signed multiply, two register stages: the generic body of the target cell.
 *
 * Latency: operands are registered at one edge, the product at the next.  Targets put a DSP48E2,
 * a MULT18X18D or SB_MAC16s behind the same ports and the same latency.
 * Range: a packs two 9-bit (or 8-bit) lanes 18 bits apart; 27 bits are needed: 26 fail when the
 * high lane is negative and b = -128 (docs/numerics.md).
 */
#include "mul2.h"

void mul2_clock(struct mul2 *r, const struct mul2_in *in, struct mul2_out *out)
{
#pragma HLS PIPELINE II=1
    r->product = (int64_t)r->a * r->b;
    if (in->enable) {
        r->a = in->a;
        r->b = in->b;
    }
    out->product = r->product;
}
