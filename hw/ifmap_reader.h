/* ifmap_reader.h - global buffer to ifmap lanes: ports and registers. */
#ifndef RS_IFMAP_READER_H
#define RS_IFMAP_READER_H
#include "glb.h"
#include "group_queue.h"
#include "lane.h"
#include "steps.h"

#define READER_META 8                      /* words between address and lanes                    */

struct engine_counts {                     /* commands finished, modulo 2^16                     */
    uint16_t load, compute, pool, store;
};

/* The counters have reached what a command waits for. */
static inline bool waits_over(const uint32_t *w, struct engine_counts c)
{
    return (uint16_t)(c.load - RS_GET_U(w, WAIT_LOAD)) < 0x8000u &&
           (uint16_t)(c.compute - RS_GET_U(w, WAIT_COMPUTE)) < 0x8000u &&
           (uint16_t)(c.pool - RS_GET_U(w, WAIT_POOL)) < 0x8000u &&
           (uint16_t)(c.store - RS_GET_U(w, WAIT_STORE)) < 0x8000u;
}

struct ifmap_reader_in {
    bool     rst;
    struct group_view group;
    struct engine_counts counts;
    bool     read_ready;
    struct glb_data data;
    bool     popped;                       /* the last row took an ifmap word                    */
};
struct ifmap_reader_out {
    bool     group_take;
    struct glb_read_req read;
    bool     read_taken;                   /* a read has been taken at the last edge             */
    bool     push[RS_ROWS];
    struct lane_word word[RS_ROWS];
    bool     idle;
    bool     waiting_load;                 /* the next group waits: for a load,                  */
    bool     waiting_other;                /* for another engine                                 */
};

/* A word on its way: which pixels are real, and which array rows take it. */
struct reader_meta {
    bool     read;                         /* data will come from the global buffer              */
    bool     real0, real1;
    uint32_t rows : RS_ROWS;               /* a bit a row                                        */
    uint32_t qi : 4;                       /* FLATTEN: channel less the row's first              */
};
struct reader_pixel { int32_t code : 9; };         /* less the zero point                         */
struct reader_pair { struct reader_pixel even[RS_BLOCK], odd[RS_BLOCK]; };
struct row_pair {                          /* what an array row takes                            */
    bool     real;
    uint32_t channel : 4;
    uint32_t row : 8;                      /* FLATTEN: first ifmap row it needs                  */
};

struct ifmap_reader {
    bool     group_take;
    bool     active, programming;
    bool     flatten;
    uint32_t multiplier : 8, phase : 8;
    uint32_t u : 3;
    uint32_t e_u : 8;                      /* E * U                                              */
    uint32_t fx : 5, strips : 6, q : 5, q_last : 5, rp : 4, chain : 5, chains : 5;
    uint32_t rows_last : 5, block_channels : 5;
    uint32_t nq : 5;                       /* channel blocks of this pass                        */
    uint32_t nj : 10, n_rc : 4;
    uint32_t tile_step : 16;               /* columns between tiles: FP * U                      */
    uint32_t span_end : 8, span_end_last : 8;      /* last ifmap row of a strip; in the last row chunk */
    uint32_t if_row : RS_GLB_ADDR_BITS, if_cb : RS_GLB_ADDR_BITS;
    uint32_t if_w : 16, if_h : 16;
    uint32_t step_strip : RS_GLB_ADDR_BITS;
    uint32_t rows_strip : 16;              /* ifmap rows between strips                          */
    uint32_t rows_chain : 8;               /* between the first rows of two chains               */
    int32_t  x0 : 16, h0 : 16;
    int32_t  zp : 8;
    uint32_t ahead : RS_GLB_ADDR_BITS;     /* IF_BASE + H0 * IF_ROW of the next group; once taken, IF_STRIP * IF_ROW */
    bool     took;                         /* the group was taken at the last edge but one       */
    bool     unstepped;                    /* its first word ends a strip: not before step_strip is known */

    /* Loops, from the outside: passes, strips, word columns, tiles, channel blocks, ifmap rows. */
    struct steps cb, j;
    struct few_steps rc, strip, f, q_steps;
    uint32_t qi : 5, hh : 8;               /* steps that are over                                */
    bool     h_last;
    bool     first_strip, first_rc;        /* of the row chunk; of the pass                      */
    /* Addresses in blocks, column left out: of the innermost loops that are not at their start.  */
    uint32_t addr_cb : RS_GLB_ADDR_BITS, addr_rc : RS_GLB_ADDR_BITS, addr_strip : RS_GLB_ADDR_BITS;
    uint32_t addr_q : RS_GLB_ADDR_BITS, addr : RS_GLB_ADDR_BITS;
    uint32_t next_cb : RS_GLB_ADDR_BITS, next_rc : RS_GLB_ADDR_BITS;      /* where the next of them start */
    int32_t  h_rc : 16, h_strip : 16, h : 16;
    int32_t  x_word : 16, x : 16;

    /* FLATTEN: programming of the rows, carried on from pass to pass. */
    struct row_pair pair[RS_ROWS];         /* in other modes: its channel                        */
    uint32_t prog_row : 5, prog_i : 5, prog_chain : 5;     /* row, its place in its chain, the chain */
    uint32_t prog_channel : 5, prog_r : 4;
    bool     wraps;                        /* prog_r is the last filter row                      */
    uint32_t prog_base : 8;                /* first ifmap row of the chain                       */
    uint32_t pass_channel : 5, pass_r : 4; /* where the pass starts                              */
    uint32_t next_channel : 5, next_r : 4; /* the same, while this pass is programmed            */
    bool     block_ends;                   /* the next pass starts a block                       */

    struct glb_read_req read;
    bool     read_taken;
    struct reader_meta meta[READER_META];
    uint32_t meta_head : 3, meta_tail : 3;
    struct reader_meta head;               /* the oldest, out of the queue                       */
    bool     head_valid;
    uint32_t channel[RS_ROWS];             /* of its data, modulo RS_BLOCK                       */
    uint32_t meta_count : 4;               /* in the queue and at its head                       */
    struct reader_pair data[READER_META];
    uint32_t data_head : 3, data_tail : 3, data_count : 4;

    uint8_t  room[RS_ROWS];                /* words each lane can still take, at most 32         */
    bool     roomy;                        /* every lane has room for one more than is on its way */
    bool     push[RS_ROWS];
    struct lane_word word[RS_ROWS];
    bool     waiting_load, waiting_other;
};

void ifmap_reader_clock(struct ifmap_reader *r, const struct ifmap_reader_in *in,
                        struct ifmap_reader_out *out);

#endif
