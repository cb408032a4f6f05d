/* accumulator.h - two banks of psums at the foot of a column: ports and registers. */
#ifndef RS_ACCUMULATOR_H
#define RS_ACCUMULATOR_H
#include "array.h"

struct acc_op {                   /* a psum arrives                                          */
    bool     valid;
    bool     bank;
    bool     init;                /* first pass: start the entry instead of adding           */
    uint32_t addr : RS_ACC_BITS;
};
struct acc_read {                 /* the output stage wants an entry of the other bank       */
    bool     bank;
    uint32_t addr : RS_ACC_BITS;
};
struct acc_entry { int32_t lane0, lane1; };

struct accumulator_in {
    bool rst;
    struct acc_op op;
    struct array_psum psum;
    struct acc_read read;
};
struct accumulator_out {
    struct acc_entry entry;       /* what `read` asked for at the edge before the last       */
};
struct accumulator {
    struct acc_entry bank0[RS_ACC_ENTRIES];
    struct acc_entry bank1[RS_ACC_ENTRIES];
    struct acc_entry read0, read1;
    struct acc_op op1, op2;       /* edge 0: asked for; edge 1: here, or 0 to start with     */
    struct array_psum psum1, psum2;
    struct acc_entry old;
    bool     read_bank;
    struct acc_entry entry;
};

void accumulator_clock(struct accumulator *r, const struct accumulator_in *in,
                       struct accumulator_out *out);

#endif
