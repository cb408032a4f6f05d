/* lane.h - the west end of a row: ports and registers. */
#ifndef RS_LANE_H
#define RS_LANE_H
#include "pe_row.h"

#define LANE_DEPTH 32             /* a queue holds LANE_DEPTH - 1 words: never looks empty when full */

/* What the sequencer tells every row, one row a clock from north to south. */
struct lane_op {
    bool     ifmap_pop;
    bool     filter_pop;
    bool     inject;              /* rows 0 <= row - chain_start < chain inject              */
    int32_t  chain_row : 6;       /* row less the first of the chain                         */
    uint32_t chain     : 5;
    uint32_t count_rows : RS_ROWS;        /* bit i: i rows from here holds a real channel    */
};

struct lane_in {
    bool     rst;
    struct lane_op op_n;
    bool     ifmap_push;
    int32_t  even : 9;
    int32_t  odd  : 9;
    bool     filter_push;
    int32_t  filter0 : 8;
    int32_t  filter1 : 8;
};
struct lane_out {
    struct lane_op op_s;
    struct pe_row_link east;
};
/* Words in a queue or free in it, after one more, one less, or both. */
static inline uint32_t level_after(uint32_t level, bool more, bool less)
{
    return (level + (more == less ? 0 : more ? 1u : 2u * LANE_DEPTH - 1u)) & (2u * LANE_DEPTH - 1u);
}

struct lane_word { int16_t even, odd; };
struct lane {
    struct lane_word ifmap[LANE_DEPTH];
    struct pe_filter filter[LANE_DEPTH];
    uint32_t ifmap_head : 5, ifmap_tail : 5, filter_head : 5, filter_tail : 5;
    struct lane_op op;
    struct pe_row_link east;
};

void lane_clock(struct lane *r, const struct lane_in *in, struct lane_out *out);

#endif
