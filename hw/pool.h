/* pool.h - maximum and average pooling: ports and registers. */
#ifndef RS_POOL_H
#define RS_POOL_H
#include "glb.h"
#include "ifmap_reader.h"

#define POOL_QUEUE 2
#define POOL_META  8

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

struct pool_meta {                         /* a read on its way                                  */
    bool     first, last;                  /* of its window                                      */
    bool     final;                        /* of the command                                     */
    uint32_t taps : 4;                     /* blocks of it that count                            */
    uint32_t addr : 16;                    /* where the result goes                              */
};
struct pool_sum { int32_t lane[RS_BLOCK]; };       /* |sum| < 2^20                               */

struct pool {
    uint32_t queue[POOL_QUEUE][RS_COMMAND_WORDS];
    uint32_t tail : 2, next : 2;
    bool     active;
    bool     average;
    uint32_t rows : 7, cols : 7, u : 7;
    uint32_t in_row : 16, in_cb : 16, w : 16, h : 16;
    uint32_t e_count : 16, f_count : 16, cb_count : 16;
    uint32_t out_row : 16, out_cb : 16;
    int32_t  min : 8, max : 8;
    uint32_t recip;
    uint32_t half : 16;
    int32_t  h0 : 16, x0 : 16;

    uint32_t cb : 16, e : 16, f : 16, i : 7, j : 7;
    int32_t  h_top : 16, x_left : 16;
    uint32_t base_cb : 16;                 /* block (cb, 0, 0)                                   */
    uint32_t out_at_cb : 16, out_at_e : 16;
    bool     some;                         /* the window has had a tap                           */

    struct glb_read_req read;
    struct pool_meta meta[POOL_META];
    uint32_t meta_head : 3, meta_tail : 3, meta_count : 4;

    struct pool_sum sum;                   /* stage 1: running maximum or sum                    */
    struct pool_meta m1, m2, m3;
    bool     valid1, valid2, valid3;
    struct pool_sum raw;                   /* stage 2: a finished window                         */
    struct pool_sum mean;                  /* stage 3: divided                                   */
    struct glb_write_req queue_write[4];
    uint32_t out_head : 2, out_tail : 2, out_count : 3, flying : 3;
    struct glb_write_req write;
    uint32_t writing : 4;
    bool     final_sent;
    uint16_t done;
};

void pool_clock(struct pool *r, const struct pool_in *in, struct pool_out *out);

#endif
