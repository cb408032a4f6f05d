/* pool.h - maximum and average pooling: ports and registers. */
#ifndef RS_POOL_H
#define RS_POOL_H
#include "glb.h"
#include "ifmap_reader.h"

#define POOL_META    8                     /* reads that may be on their way                         */
#define POOL_RESULTS 16                    /* windows from their first tap to the global buffer      */
#define POOL_DIVIDE_CLOCKS 9               /* of an average, from window to window                   */

struct pool_in {
    bool     rst;
    bool     push;                         /* a command, only while ready                        */
    uint32_t command[RS_COMMAND_WORDS];
    struct engine_counts counts;
    bool     read_ready;
    struct glb_data data;
    bool     write_ready, write_done;
};
struct pool_out {
    bool     ready;
    bool     idle;
    struct glb_read_req read;
    struct glb_write_req write;
    uint16_t done;
};

/* The command that comes next: what takes products is prepared, a bit of a factor a clock. */
struct pool_next {
    bool     valid;
    bool     ready;                        /* it waits for nothing any more                      */
    uint32_t words[RS_COMMAND_WORDS];
    uint32_t h_bits : 16, u_bits : 7;      /* of |H0| and U, those that are left                 */
    uint32_t row : 16;                     /* an ifmap row, times the power of two of the bits   */
    uint32_t start : 16;                   /* block (0, H0, X0)                                  */
    uint32_t u_rows : 16;                  /* blocks of U ifmap rows                             */
};

/* The command that is executed. */
struct pool_command {
    bool     average;
    uint32_t rows : 7, cols : 7, u : 7;
    uint32_t in_row : 16, in_cb : 16, u_rows : 16, w : 16, h : 16;
    uint32_t e_count : 16, f_count : 16;
    uint32_t out_row : 16, out_cb : 16;
    int32_t  min : 8, max : 8;
    int32_t  h0 : 16, x0 : 16;
    uint32_t taps : 13;                    /* of a window                                        */
    uint32_t offset : 21;                  /* 257 * taps - 1                                     */
};

/* From one read to the next: which of the loops goes on. */
enum pool_step { STEP_TAPS, STEP_TAP_ROW, STEP_WINDOW, STEP_WINDOW_ROW, STEP_CHANNELS, STEP_START };

struct pool_turn {                         /* a read, counted                                    */
    bool     valid;
    uint32_t step : 3;
    uint32_t taps : 4;                     /* of the four columns those that the window has      */
    bool     first, last;                  /* of its window                                      */
};
struct pool_meta {                         /* a read on its way                                  */
    bool     first, last;                  /* of those of its window                             */
    uint32_t taps : 4;                     /* blocks of it that count                            */
};
/* A channel: a number after its edge is the stage that writes it. */
struct pool_lane {
    int32_t  sum_low : 9, sum_high : 9;    /* 1: of two taps each                                */
    int32_t  max_low : 8, max_high : 8;
    int32_t  sum4 : 10, max4 : 8;          /* 2: of all four                                     */
    int32_t  sum : 20, max : 8;            /* 3: of the window so far                            */
    uint32_t rest : 20;                    /* 4: what is left to divide, above the quotient      */
    int32_t  code : 8;                     /* 5: not above the upper bound                       */
};

struct pool_write {
    bool     valid;
    uint32_t addr : 16;
    struct block block;
};

struct pool {
    bool     waiting;                      /* a command behind the next                          */
    uint32_t words[RS_COMMAND_WORDS];
    struct pool_next next;
    struct pool_command c;
    bool     busy;                         /* with c, up to its last write                       */
    bool     active;                       /* up to its last read's count                        */

    uint32_t step : 3;
    uint32_t j : 7, i : 7, f : 16, e : 16, cb : 16;    /* columns, rows, windows, ... that are left */
    struct pool_turn turn;

    struct pool_turn found;                /* with where it is:                                  */
    int32_t  x : 17, x_left : 17, h : 17, h_top : 17;  /* column of its first tap and of its window's, row */
    uint32_t at : 16, at_row : 16, at_window : 16, at_windows : 16, at_channels : 16;      /* block of the read; and of where each loop began */
    uint32_t to : 16, to_row : 16, to_channels : 16;   /* of the result                          */
    bool     some;                         /* the window has had a tap                           */

    struct glb_read_req read;
    struct pool_meta meta[POOL_META];
    uint32_t meta_head : 3, meta_tail : 3, meta_count : 4;
    bool     undivided;                    /* a window's last read has been asked, but is not yet divided */

    struct pool_lane lane[RS_BLOCK];
    struct pool_meta meta1, meta2;
    bool     valid1, valid2, ended;        /* ended: the window in the lanes' sum and max        */
    uint32_t dividing : 4;                 /* clocks to go                                       */
    bool     divided, bounded;             /* a window has passed stage 4 (an average), stage 5  */

    uint16_t result_addr[POOL_RESULTS];
    struct block result[POOL_RESULTS];
    uint32_t addr_tail : 4, head : 4, tail : 4;
    uint32_t held : 5, results : 5;        /* windows that have a place there, and a result      */
    struct pool_write write;
    uint32_t writing : 4;
    uint16_t done;
};

void pool_clock(struct pool *r, const struct pool_in *in, struct pool_out *out);

#endif
