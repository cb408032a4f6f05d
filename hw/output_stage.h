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

/* Where a pixel pair goes. */
struct pair_place {
    uint32_t addr : 16;
    uint32_t mask : 16;                    /* bytes of its pixels                               */
    bool     first, second;                /* the pixels that exist                             */
};
/* A pixel pair on its way to the global buffer, but for the pixels. */
struct output_item {
    bool     end;                          /* marks the end of a group, holds no data           */
    struct pair_place place;
};
struct pair_write {
    bool     valid;
    struct pair_place place;
    struct pixel_pair pair;
};

/* Of the next group: products, by additions, made while the group before is flushed. */
struct output_prepared {
    bool     begun, ready;
    uint32_t bits : 16;                    /* of OUT_STRIP, those that are left                 */
    uint32_t out_row : 16, res_row : 16;   /* times the power of two of the bits                */
    uint32_t out_strip : 16, res_strip : 16;
    uint32_t rows_columns : 5;             /* E * FX                                            */
    uint32_t columns : 5;                  /* E * FX * MX                                       */
    uint16_t passes;
};

#define ADD_TIME (ADD_EDGES + 1)           /* clocks from a pair's place to its sum: its operands have a register before the adders */
struct add_operands { int32_t acc : 8, res : 8; };

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

/* A column's pair, not yet turned to its bytes of a block. */
struct drained_pair {
    bool     valid;
    bool     last;                         /* of its group                                      */
    bool     end;                          /* no pair: the last one left at the edge before     */
    bool     first, second;                /* the pixels that exist                             */
    uint32_t n : 5, byte : 4;              /* bytes, and where they go                          */
    uint32_t addr : 16, res_addr : 16;
    struct pixel_pair pair;
};

#define DRAIN_DELAY FOOT_EDGES
#define COLUMN_PLACES (RS_COLS <= 4 ? 4 : RS_COLS <= 8 ? 8 : 16)        /* as the number of a column has */
#define MACS_BITS   17                     /* multiply-accumulates of an ofmap value: below 2^31 / (127 * 255), or 2^16 of int16 */

struct output_stage {
    struct foot foot[RS_COLS];
    struct foot_out foot_out[RS_COLS];

    /* The group that is being flushed. */
    struct output_prepared prepared;
    bool     active;
    bool     emptied;                      /* nothing of it is in the columns any more          */
    uint32_t e : 5, fx : 5, columns : 5;
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
    uint32_t chains : 5, strip : 6, index : 5;
    uint32_t x : 10, x_left : 10;          /* byte column of the pair, and those left with it   */
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
    int32_t  left : 11;                    /* filters from the column's first on                */
    uint32_t byte : 4;
    uint32_t row : 16, x_f : 16;           /* ofmap row and column                              */
    uint32_t addr_y : 16, addr_f : 16, addr_g : 16;        /* block of the column; and where its tile of columns, its filters begin */
    uint32_t res_y : 16, res_f : 16, res_g : 16;
    struct drained_pair drained;

    struct output_item item[ITEM_DEPTH];
    struct pixel_pair item_pair[ITEM_DEPTH];
    uint16_t item_res[ITEM_DEPTH];         /* block of the residual operand                     */
    uint32_t item_head : ITEM_BITS, item_tail : ITEM_BITS, item_count : 7;
    uint32_t free : 7;                     /* places that are neither taken nor promised, less one for the end */
    uint32_t ask_at : ITEM_BITS, to_ask : 7;       /* items whose residual is still to be asked for */
    uint32_t feed_at : ITEM_BITS, to_feed : 7;     /* items that are still to enter the adders  */

    /* Residual operands and adders. */
    struct pixel_pair res[RES_DEPTH];
    uint32_t res_head : 2, res_tail : 2, res_count : 3, res_flying : 3;
    struct add_lane add_lane[RS_ADD_LANES];
    struct add_lane_out add_lane_out[RS_ADD_LANES];
    uint32_t chunk : 4;
    struct add_operands operand[RS_ADD_LANES];
    struct add_time add_time[ADD_TIME];
    struct pixel_pair sum[READY_DEPTH];
    struct pair_place sum_place[READY_DEPTH];
    uint32_t sum_head : 2, sum_tail : 2, sum_count : 3, sum_flying : 3;

    struct pair_write write;
    uint32_t writing : 4;                  /* writes handed over and not yet done               */
    uint16_t flushed, done;
    uint32_t complete : 4, params : 4;     /* groups with all psums, all parameters, not yet started */
    uint32_t flying : 4;                   /* groups started and not yet done                   */
    uint16_t passes;                       /* of the group                                      */
    uint32_t macs_of[4];                   /* multiply-accumulates of one ofmap value, by group */
    uint32_t macs_each : MACS_BITS;        /* of the group                                      */
    uint32_t macs_head : 2, macs_tail : 2;
    uint32_t bytes_written : 6;
    uint32_t macs, psums;
    struct glb_read_req read;
    bool     group_take;
};

void output_stage_clock(struct output_stage *r, const struct output_stage_in *in,
                        struct output_stage_out *out);

#endif
