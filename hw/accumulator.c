/*
 * accumulator.c - read, add, write: one psum pair a clock into one bank, reads from the other.
 *
 * Edge 0 reads the entry, edge 1 chooses its bank (a block RAM is slow), edge 2 adds and writes it back: the same entry must
 * not come again at the next two edges (the planner keeps passes at least 4 clocks long).
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
    struct acc_entry sum;

    assert(in->rst || !(r->op1.valid && in->op.valid && r->op1.addr == in->op.addr && r->op1.bank == in->op.bank));
    assert(in->rst || !(r->op2.valid && in->op.valid && r->op2.addr == in->op.addr && r->op2.bank == in->op.bank));

    /* Edge 2. */
    sum.lane0 = (int32_t)((uint32_t)r->old.lane0 + (uint32_t)r->psum2.lane0);
    sum.lane1 = (int32_t)((uint32_t)r->old.lane1 + (uint32_t)r->psum2.lane1);

    /* Edge 1. */
    r->old.lane0 = r->op1.init ? 0 : r->op1.bank ? r->read1.lane0 : r->read0.lane0;
    r->old.lane1 = r->op1.init ? 0 : r->op1.bank ? r->read1.lane1 : r->read0.lane1;

    r->entry = r->read_bank ? r->read1 : r->read0;
    r->read_bank = in->read.bank;

    /* Edge 0, and the write of edge 2. */
    r->read0 = r->bank0[in->op.valid && !in->op.bank ? in->op.addr : in->read.addr];
    r->read1 = r->bank1[in->op.valid && in->op.bank ? in->op.addr : in->read.addr];
    if (r->op2.valid && !r->op2.bank)
        r->bank0[r->op2.addr] = sum;
    if (r->op2.valid && r->op2.bank)
        r->bank1[r->op2.addr] = sum;

    r->op2 = r->op1;
    r->op1 = in->op;
    if (in->rst) {
        r->op1.valid = false;
        r->op2.valid = false;
    }
    r->psum2 = r->psum1;
    r->psum1 = in->psum;
    out->entry = r->entry;
}
