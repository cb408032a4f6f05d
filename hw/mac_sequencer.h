/* mac_sequencer.h - the multiply-accumulates of every pass, in order: ports and registers. */
#ifndef RS_MAC_SEQUENCER_H
#define RS_MAC_SEQUENCER_H
#include "accumulator.h"
#include "column_head.h"
#include "group_queue.h"
#include "ifmap_loader.h"
#include "steps.h"

#define INJECT_DELAY 4                     /* clocks from a multiply to its injection (pe.c)     */
#define COUNT_DELAY  1                     /* clocks to its zero count                           */
#define ACC_DELAY    (RS_ROWS + 6)         /* clocks until its psum is at the foot of column 0   */

enum mac_state {                           /* what a clock was spent on                          */
    MAC_COMPUTE, MAC_WAIT_IFMAP, MAC_WAIT_FILTER, MAC_WAIT_PSUM, MAC_WAIT_DRAIN, MAC_OVERHEAD,
    MAC_NO_GROUP
};

/* A result leaves a chain of the columns. */
struct drain_slot {
    bool     valid;
    int32_t  chain_row : 6;                /* minus the first row of the chain                   */
    uint32_t chain : 5;
    struct acc_op acc;
    bool     group_end;
};

struct mac_sequencer_in {
    bool     rst;
    struct group_view group;
    uint16_t loaded;                       /* word columns in the windows                        */
    uint16_t passes;                       /* passes in the filter spads                         */
    uint16_t flushed;                      /* groups that have left the accumulators             */
};
struct mac_sequencer_out {
    bool     group_take;
    struct mac_op op;
    uint16_t freed;
    uint16_t passes_done;
    bool     inject;
    int32_t  chain_row : 6;
    uint32_t chain : 5;
    uint32_t count_rows : RS_ROWS;         /* a bit a row                                        */
    struct acc_op acc;
    bool     group_end;
    uint32_t group_macs;                   /* with group_end: row taps of one ofmap value        */
    uint32_t state : 3;                    /* enum mac_state                                     */
    bool     drained;                      /* a psum left every column                           */
    bool     idle;
};
struct mac_sequencer {
    bool     group_take, active;
    bool     ahead;                        /* what is derived from the next group: known         */
    uint32_t ahead_columns : 5, ahead_rp_wc : 8, ahead_need : 5, ahead_need_odd : 5, ahead_psums : 9;
    struct window_layout layout;
    bool     depthwise, two;               /* DEPTHWISE; its lanes are two positions             */
    bool     flatten;
    bool     wide;                         /* a pixel is a word: its two bytes                    */
    uint32_t u : 4, s : 4, q_last : 5, rp_last : 4, n_rc : 4;
    uint32_t nq : 5, nr : 4;               /* of this pass                                       */
    uint32_t pairs : 5, strips : 6, row_steps : 9, nj : 10, chain : 5, rows_last : 5, columns : 5;
    uint32_t rp_wc : 8;
    uint32_t need : 5, need_odd : 5;       /* word columns of a step, from the first pixel's on  */
    bool     bank;
    uint32_t slots : 5;                    /* drains of a result                                 */
    uint32_t slot_step : 13, entry_step : 5;       /* entries between them; between steps        */
    uint32_t slot_psums : 9, psum_debt : 10;       /* psums of a result; that the port has still to move */
    uint32_t mask : RS_ROWS, mask_last : RS_ROWS;  /* rows whose zeros count                     */

    /* Loops, from the outside: passes, strips, steps of a strip, filter pairs, channel blocks, filter rows, columns. */
    struct steps cb, rc, strip, x, k, qi, i, j;
    bool     first_pass, first_result, first_tap;  /* of the group, of the pass, of the result   */
    uint32_t filter_addr : RS_FILTER_BITS;
    uint32_t slot_q : 8, slot : 8;         /* window address of (qi, 0), (qi, i), column 0       */
    bool     odd;                          /* the step's first pixel is the odd one of its word column */
    uint32_t rest : 10;                    /* word columns from there to the strip's end         */
    uint32_t ring0 : 5;                    /* window column of the step's first word column      */
    uint32_t ring : 5;                     /* of the tap's, whose pixel is the odd one if tap_odd */
    bool     tap_odd;
    uint8_t  bound;                        /* freed + need: number behind the step's last word column, modulo 2^8 */
    uint32_t entry : RS_ACC_BITS + 1;
    uint32_t drain_wait : 5;
    uint32_t macs, macs_out;

    uint16_t started;                      /* groups                                             */
    uint16_t passes_done, freed;
    struct mac_op op;
    uint32_t rows : RS_ROWS;
    uint32_t count_rows[COUNT_DELAY];      /* a bit a row                                        */
    struct drain_slot drain;               /* the slot after this one                            */
    uint32_t drain_step : 13;              /* entries to the one after it                        */
    uint32_t drain_left : 5;
    bool     drain_end;
    struct drain_slot line[ACC_DELAY + 1];
    uint32_t end_macs[4];
    uint32_t end_head : 2, end_tail : 2;
    uint32_t state : 3;
};

void mac_sequencer_clock(struct mac_sequencer *r, const struct mac_sequencer_in *in,
                         struct mac_sequencer_out *out);

#endif
