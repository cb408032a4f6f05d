/*
 * mul2.c - both lanes of a PE multiplied, two register stages: the generic body of the target cell.
 *
 * Latency: operands are registered at one edge, the product at the next.  Targets put a DSP48E2,
 * MULT18X18Ds or SB_MAC16s behind the same ports and the same latency.  Without `enable` the operands stay as they are, which
 * costs no energy, and the product's register is reset.
 * One multiplier (RS_MULTIPLIERS): 27 x 18 bits, signed; a packs two 9-bit (or 8-bit) lanes 18 bits apart, or is one
 * int16.  27 bits are needed: 26 fail when the high lane is negative and b = -128 (docs/numerics.md).
 * Two multipliers: 9 x 9 bits each, where none is wide enough for both lanes.
 */
#include "mul2.h"

static inline int32_t operand(int32_t packed)         /* its low 9 bits                        */
{
    return (int32_t)((uint32_t)packed << 23) >> 23;
}

void mul2_clock(struct mul2 *r, const struct mul2_in *in, struct mul2_out *out)
{
#pragma HLS PIPELINE II=1
    if (RS_MULTIPLIERS == 1) {
        r->product = (int64_t)r->a * r->b;
    } else {
        const int32_t low = operand(r->a) * operand(r->b);
        const int32_t high = operand(r->a >> 18) * operand(r->b);

        r->product = (int64_t)high * 262144 + (low & 0x3ffff);
    }
    if (!r->live)
        r->product = 0;
    r->live = in->enable;
    if (in->enable) {
        r->a = in->a;
        r->b = in->b;
    }
    out->product = r->product;
}
