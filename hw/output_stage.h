/* output_stage.h - psums to codes to the global buffer: ports and registers. */
#ifndef RS_OUTPUT_STAGE_H
#define RS_OUTPUT_STAGE_H
#include "add_lane.h"
#include "foot.h"
#include "glb.h"
#include "group_queue.h"

#define ITEM_BITS   (RS_COLS <= 8 ? 5 : 6)
#define ITEM_DEPTH  (1 << ITEM_BITS)       /* pixel pairs that may wait: three rounds of the columns, so */
                                           /* that one can drain while the next is promised places    */
#define ITEM_CHUNKS (2 * RS_BLOCK / RS_ADD_LANES)   /* clocks of the adders for a pixel pair  */
#define READY_DEPTH 4                      /* sums that may wait for the global buffer          */
#define RES_DEPTH   4

struct output_stage_in {
    bool rst;
    struct group_view group;               /* next group to flush, when its psums are complete  */
    struct acc_op   acc;                   /* for column 0; group_end with the group's last     */
    bool            group_end;
    uint32_t        group_macs;            /* with group_end                                    */
    struct param_op param;                 /* for column 0                                      */
    bool            param_end;             /* the last of a group's parameters is in param      */
    struct array_psum psum[RS_COLS];
    bool            write_ready;
    bool            write_done;
    bool            read_ready;
    struct glb_data residual;
};
struct output_stage_out {
    bool     group_take;                   /* the group at `group` has been taken               */
    uint16_t flushed;                      /* groups whose last entry has been read             */
    uint16_t done;                         /* groups whose ofmap is in the global buffer        */
    bool     idle;
    struct glb_write_req write;
    struct glb_read_req  read;
    uint32_t bytes_written : 6;            /* ofmap bytes that left the columns at the last edge */
    uint32_t macs;                         /* multiply-accumulates that made them                */
    uint32_t psums;                        /* psums that made them: one a pass                   */
};

/* A pixel pair on its way to the global buffer. */
struct output_item {
    bool     end;                          /* marks the end of a group, holds no data           */
    uint32_t addr : 16;
    uint32_t res_addr : 16;
    uint32_t mask[2];                      /* byte masks of the two pixels                      */
    struct pixel_pair pair;
};

/* Chunk of an item that is in the adders. */
struct add_time {
    bool     valid;
    bool     last;
    uint32_t chunk : 4;
};

/* Where the next pair to be drained from the columns starts. */
struct drain_start {
    bool     valid;
    bool     end;                          /* last pair of the group                            */
    bool     two;                          /* the pair's second pixel is in the tile            */
    uint32_t row : 16;                     /* ofmap row of y = 0                                */
    uint32_t filter : 9;                   /* first filter of column 0                          */
    uint32_t x   : 16;                     /* ofmap column of f = 0                             */
    uint32_t addr : 16;                    /* block of both                                     */
    uint32_t res_addr : 16;
};

#define DRAIN_DELAY FOOT_EDGES

struct output_stage {
    struct foot foot[RS_COLS];
    struct foot_out foot_out[RS_COLS];

    /* The group that is being flushed. */
    bool     active;
    uint32_t e : 5, fx : 5, columns : 5, strips : 6;
    uint32_t fp : 10, m_valid : 9;          /* fp: byte columns                                 */
    uint32_t filters : 5;                  /* of a column                                       */
    uint32_t sweep : 5;                    /* entries of a pixel (pair)                         */
    uint32_t kind : 2;
    bool     wide;
    bool     add;
    uint32_t out_e : 16, out_f : 16;
    uint32_t strips_all : 6;
    uint32_t out_row : 16, out_mb : 16, out_strip : 16, rows_strip : 16;
    uint32_t res_row : 16, res_mb : 16, res_strip : 16;
    uint32_t chain_out : 16, chain_rows : 8, chain_filters : 9, chain_params : 6;   /* from chain to chain */
    uint32_t out_byte : 4;
    bool     bank;
    struct requantize_range range;
    struct add_param add_param;

    /* Reading entries. */
    uint32_t chains : 5, strip : 6, x : 10, index : 5;
    uint32_t step : 2;                     /* of an entry                                       */
    bool     pixel;
    uint32_t entry : RS_ACC_BITS, param : RS_PARAM_BITS;   /* param: of the chain's first pair  */
    uint32_t gap : 5;                      /* clocks until a pair may end                       */
    uint32_t row0 : 16, addr0 : 16, res0 : 16;     /* of the strip                              */
    uint32_t chain_row0 : 16, chain_addr0 : 16, filter0 : 9;        /* of the chain             */
    struct flush_op flush;
    struct drain_start start[DRAIN_DELAY];

    /* Draining columns. */
    bool     draining;
    struct drain_start drain;
    uint32_t column : 5, y : 5, f : 5;
    uint32_t filter : 9;                   /* first filter of the column                        */
    uint32_t byte : 4;
    uint32_t addr_y : 16, addr_f : 16, addr_g : 16;
    uint32_t res_y : 16, res_f : 16, res_g : 16;
    uint32_t x_f : 16;
    bool     end_due;

    struct output_item item[ITEM_DEPTH];
    uint32_t item_head : ITEM_BITS, item_tail : ITEM_BITS, item_count : 7, promised : 7;
    uint32_t asked : 7;                    /* items from the head whose residual was asked for  */
    uint32_t fed : 7;                      /* items from the head that are in the adders        */

    /* Residual operands and adders. */
    struct pixel_pair res[RES_DEPTH];
    uint32_t res_head : 2, res_tail : 2, res_count : 3, res_flying : 3;
    struct add_lane add_lane[RS_ADD_LANES];
    struct add_lane_out add_lane_out[RS_ADD_LANES];
    uint32_t chunk : 4;
    struct add_time add_time[ADD_EDGES];
    struct pixel_pair sum;
    struct glb_write_req sum_req[READY_DEPTH];
    uint32_t sum_head : 2, sum_tail : 2, sum_count : 3, sum_flying : 3;

    struct glb_write_req write;
    uint32_t writing : 4;                  /* writes handed over and not yet done               */
    uint16_t started, flushed, done;
    uint16_t passes;                       /* of the group                                        */
    uint32_t psums;
    uint32_t macs_of[4], macs_each, macs;  /* multiply-accumulates of one ofmap value, by group   */
    uint16_t complete, params;             /* groups with all psums, all parameters             */
    uint32_t bytes_written : 6;
    struct glb_read_req read;
    bool     group_take;
};

void output_stage_clock(struct output_stage *r, const struct output_stage_in *in,
                        struct output_stage_out *out);

#endif
