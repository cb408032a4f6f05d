/* store_engine.h - global buffer and counters to memory: ports and registers. */
#ifndef RS_STORE_ENGINE_H
#define RS_STORE_ENGINE_H
#include "load_engine.h"

#define STORE_QUEUE 4
#define STORE_DATA  8                      /* beats read ahead of the write channel              */
#define STORE_MARKS 8                      /* commands whose responses are still to come         */
#define STATUS_BEATS (RS_STATUS_BYTES / RS_AXI_BYTES)
#define STORE_BURSTS 16                    /* bursts whose responses are still to come           */

struct store_engine_in {
    bool     rst;
    bool     push;                         /* a command, only while ready                        */
    uint32_t command[MOVE_WORDS];
    uint64_t base[4];
    struct engine_counts counts;
    uint64_t status[RS_STATUS_WORDS];      /* what a snapshot writes                             */
    bool     read_ready;
    struct glb_data data;
    bool     awready, wready, bvalid;
    uint32_t bresp : 2;
};
struct store_engine_out {
    bool     ready;
    bool     idle;
    struct glb_read_req read;
    bool     awvalid;
    uint64_t awaddr : RS_ADDRESS_BITS;
    uint32_t awlen : 8;
    bool     wvalid, wlast;
    struct axi_beat wdata;
    uint64_t wstrb : RS_AXI_BYTES;
    bool     bready;
    uint16_t done;
    bool     error;
    uint64_t error_addr : RS_ADDRESS_BITS;                   /* of the burst that was answered with an error       */
    bool     moved;                        /* a beat went out at the last edge                   */
};

struct store_strobe {                      /* of a beat that has been read                       */
    uint32_t offset : 2;                   /* first block of it that is ours                     */
    uint32_t end    : 3;                   /* the block after the last                           */
};

struct store_engine {
    uint32_t queue[STORE_QUEUE][MOVE_WORDS];
    uint32_t tail : 3, next : 3;
    uint32_t words[MOVE_WORDS];            /* out of the queue                                   */
    bool     snapshot;
    bool     snap;                         /* it started at the last edge                        */
    uint64_t status[STATUS_BEATS][RS_AXI_BYTES / 8];
    uint32_t status_beat : 4;              /* the one that goes out next                         */
    bool     due;                          /* what the next command waits for has come           */
    uint64_t at : RS_ADDRESS_BITS;         /* its first byte                                     */
    struct beat_walk read_walk;
    struct burst_walk write_walk;
    struct glb_read_req read;
    struct store_strobe strobe[STORE_DATA];
    struct axi_beat data[STORE_DATA];
    uint32_t strobe_tail : 3, data_tail : 3, head : 3;
    uint32_t asked : 4, count : 4;         /* beats read or being read; beats here               */
    bool     awvalid;
    uint64_t awaddr : RS_ADDRESS_BITS;
    uint32_t awlen : 8;
    uint32_t burst_left : 7;               /* beats of the burst still to hand over              */
    bool     wvalid, wlast;
    struct axi_beat wdata;
    uint64_t wstrb : RS_AXI_BYTES;
    uint32_t bursts : 6, answered : 6;     /* modulo 64                                          */
    uint32_t flying : 5;                   /* between them                                       */
    struct axi_origin burst_addr[STORE_BURSTS];
    uint64_t error_addr : RS_ADDRESS_BITS;
    uint8_t  mark[STORE_MARKS];            /* bursts issued up to the end of a command, modulo 64 */
    uint32_t mark_head : 3, mark_tail : 3, mark_count : 4;
    uint16_t done;
    bool     error, moved;
};

void store_engine_clock(struct store_engine *r, const struct store_engine_in *in,
                        struct store_engine_out *out);

#endif
