/* glb.h - the global buffer: ports and registers. */
#ifndef RS_GLB_H
#define RS_GLB_H
#include "glb_bank.h"

/*
 * Block address a lies in bank a mod 4 of segment a / (4 * depth).  An access of up to
 * four consecutive blocks never meets itself; accesses to different segments never meet.  A request
 * is taken at an edge where valid and ready (from before it) are high.  Every write has a mask; port by port
 * they are at most 2, 1 and 4 blocks, and only the first port's leaves bytes out of a block: a mask of another is all or nothing.
 *
 * Ports share a path between queues and banks where one of them has little to move, or seldom at the same time: then one
 * request a clock of both is served.
 */
#define GLB_DEPTH 4                         /* requests a port can hold                      */
#define GLB_LANES 4                         /* banks of a segment                            */
#define GLB_READ_PATHS 3                    /* ifmap; residual; pooling and stores           */
#define GLB_WRITE_PATHS 2                   /* ofmap and pooling; loads                      */

enum glb_reader { GLB_READ_IFMAP, GLB_READ_RESIDUAL, GLB_READ_POOL, GLB_READ_STORE, GLB_READERS };
enum glb_writer { GLB_WRITE_OFMAP, GLB_WRITE_POOL, GLB_WRITE_LOAD, GLB_WRITERS };

struct glb_read_req {
    bool     valid;
    uint32_t addr : 16;                     /* first block                                   */
};
struct glb_data {
    bool     valid;
    struct block block[4];                  /* as many of them as the port reads             */
};
struct glb_write_req {
    bool     valid;
    uint32_t addr : 16;
    uint32_t mask[4];                       /* byte masks of up to four consecutive blocks   */
    struct block block[4];
};

struct glb_in {
    bool rst;
    struct glb_read_req  read[GLB_READERS];
    struct glb_write_req write[GLB_WRITERS];
};
struct glb_out {
    bool     read_ready[GLB_READERS];
    struct glb_data read_data[GLB_READERS];
    bool     write_ready[GLB_WRITERS];
    bool     write_done[GLB_WRITERS];       /* one more write of this port is in the memory  */
    uint32_t blocks_read : 5;               /* by all ports at the last edge                 */
    uint32_t blocks_written : 5;
};

/* Where the blocks of an access lie: at most one in each lane, that is in each bank of its segment. */
struct glb_place {
    uint32_t lanes : GLB_LANES;             /* those it has a block in                       */
    uint32_t first : 2;                     /* lane of the first block                       */
    uint16_t quad[GLB_LANES];               /* row of the lane's bank; above it, the segment */
};
/* The way back of a read's blocks. */
struct glb_way {
    bool     valid;
    bool     second;                        /* of the path's ports                           */
    uint32_t first : 2;
    uint32_t segment[GLB_LANES];
};
struct glb_read_port {
    uint16_t addr[GLB_DEPTH];
    uint32_t head : 2, tail : 2, count : 3;
    bool     valid;
    struct glb_place place;                 /* the oldest request                            */
};
/* A write in its queue: the blocks stand where their lanes are, modulo the blocks that the port writes. */
struct glb_write_lane {
    uint16_t quad;
    uint16_t mask;
    struct block block;
};
struct glb_write_entry {
    uint8_t lanes;
    struct glb_write_lane lane[GLB_LANES];
};
struct glb_write_port {
    uint32_t head : 2, tail : 2, count : 3;
    bool     done;                          /* a write was served at the last edge           */
};
struct glb {
    struct glb_bank bank[RS_GLB_BANKS];
    struct glb_bank_out bank_out[RS_GLB_BANKS];
    struct glb_read_port reader[GLB_READERS];
    struct glb_way asked[GLB_READ_PATHS], read[GLB_READ_PATHS], come[GLB_READ_PATHS];  /* served at the last edge, the one before, and that before: the banks have it */
    struct glb_write_entry entry[GLB_WRITERS][GLB_DEPTH];
    struct glb_write_port writer[GLB_WRITERS];
    struct glb_write_entry served[GLB_WRITE_PATHS];        /* at the last edge: to the banks at this one */
    uint32_t blocks_read : 5;
    uint32_t blocks_written : 5;
};

void glb_clock(struct glb *r, const struct glb_in *in, struct glb_out *out);

#endif
