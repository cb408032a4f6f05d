/*
 * accumulator.c - read, add, write: one psum pair a clock into one bank, reads from the other.
 *
 * Edge 0 reads the entry, edge 1 adds and writes it back: the same entry must not come again at
 * the next edge (the planner keeps passes at least 4 clocks long).
 * Range: 32 bits, as TensorFlow Lite's int32 accumulator; the planner checks the bound.
 */
#include "accumulator.h"
#include <assert.h>

void accumulator_clock(struct accumulator *r, const struct accumulator_in *in,
                       struct accumulator_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->bank0 type=ram_2p impl=bram
#pragma HLS BIND_STORAGE variable=r->bank1 type=ram_2p impl=bram
    const struct acc_entry old = r->op.bank ? r->read1 : r->read0;
    struct acc_entry sum;

    assert(in->rst || !(r->op.valid && in->op.valid && r->op.addr == in->op.addr && r->op.bank == in->op.bank));

    sum.lane0 = (int32_t)((uint32_t)(r->op.init ? 0 : old.lane0) + (uint32_t)r->psum.lane0);
    sum.lane1 = (int32_t)((uint32_t)(r->op.init ? 0 : old.lane1) + (uint32_t)r->psum.lane1);

    r->read0 = r->bank0[in->op.valid && !in->op.bank ? in->op.addr : in->read.addr];
    r->read1 = r->bank1[in->op.valid && in->op.bank ? in->op.addr : in->read.addr];
    if (r->op.valid && !r->op.bank)
        r->bank0[r->op.addr] = sum;
    if (r->op.valid && r->op.bank)
        r->bank1[r->op.addr] = sum;

    r->op = in->op;
    if (in->rst)
        r->op.valid = false;
    r->psum = in->psum;
    r->read_bank = in->read.bank;
    out->entry = r->read_bank ? r->read1 : r->read0;
}
