/* axi_read.h - the read half of m_axi for two clients: ports and registers. */
#ifndef RS_AXI_READ_H
#define RS_AXI_READ_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"

enum axi_client { AXI_COMMANDS, AXI_LOADS, AXI_CLIENTS };

#define AXI_BURSTS 16                       /* outstanding                                       */
#define AXI_BEATS  2                        /* beats that may wait for their client              */

struct axi_burst {
    bool     valid;
    uint64_t addr : RS_ADDRESS_BITS;        /* of the first beat, beat-aligned                   */
    uint32_t beats : 9;                     /* 1..256, not across 4 KiB                          */
};
struct axi_beat { uint8_t byte[RS_AXI_BYTES]; };

struct axi_read_in {
    bool     rst;
    struct axi_burst burst[AXI_CLIENTS];    /* held until `taken`                                */
    bool     beat_ready[AXI_CLIENTS];
    bool     arready;
    bool     rvalid;
    struct axi_beat rdata;
    uint32_t rresp : 2;
    bool     rlast;
};
struct axi_read_out {
    bool     taken[AXI_CLIENTS];            /* the burst has been taken: withdraw it             */
    bool     beat_valid[AXI_CLIENTS];       /* moves at an edge where beat_ready was high too    */
    struct axi_beat beat;
    bool     error;                         /* the beat that moved at the last edge was no good: its response was not OKAY */
    uint64_t error_addr : RS_ADDRESS_BITS;
    bool     arvalid;
    uint64_t araddr : RS_ADDRESS_BITS;
    uint32_t arlen : 8;
    bool     rready;
    bool     idle;
    bool     moved;                         /* a beat came in at the last edge                   */
};
struct axi_origin { uint64_t addr : RS_ADDRESS_BITS; };
struct axi_read {
    bool     taken[AXI_CLIENTS];
    bool     arvalid;
    uint64_t araddr : RS_ADDRESS_BITS;
    uint32_t arlen : 8;
    struct axi_origin origin[AXI_BURSTS];   /* of each burst under way, oldest first             */
    bool     owner[AXI_BURSTS];             /* its client                                        */
    uint32_t offset : 12;                   /* bytes of the oldest that have moved               */
    bool     error;
    uint64_t error_addr : RS_ADDRESS_BITS;
    uint32_t owner_head : 4, owner_tail : 4, owner_count : 5;
    struct axi_beat beat[AXI_BEATS];
    bool     beat_last[AXI_BEATS], beat_error[AXI_BEATS];
    uint32_t beat_head : 1, beat_tail : 1, beat_count : 2;
    bool     moved;
};

void axi_read_clock(struct axi_read *r, const struct axi_read_in *in, struct axi_read_out *out);

#endif
