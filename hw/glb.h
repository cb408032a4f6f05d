/* glb.h - the global buffer: ports and registers. */
#ifndef RS_GLB_H
#define RS_GLB_H
#include "glb_bank.h"

/*
 * 16 banks: block address a lies in bank a mod 4 of segment a / (4 * depth).  An access of up to
 * four consecutive blocks never meets itself; accesses to different segments never meet.  A request
 * is taken at an edge where valid and ready (from before it) are high.  Every write has a mask.
 */
#define GLB_DEPTH 4                         /* requests a port can hold                      */

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

struct glb_read_port {
    uint32_t addr[GLB_DEPTH];
    uint32_t head : 2, tail : 2, count : 3;
    bool     pending;                       /* banks were read at the last edge              */
    uint32_t pending_addr : 16;
    struct glb_data data;
};
struct glb_write_port {
    struct glb_write_req req[GLB_DEPTH];
    uint32_t head : 2, tail : 2, count : 3;
    bool     done;
};
struct glb {
    struct glb_bank bank[RS_GLB_BANKS];
    struct glb_bank_out bank_out[RS_GLB_BANKS];
    struct glb_read_port reader[GLB_READERS];
    struct glb_write_port writer[GLB_WRITERS];
    uint32_t blocks_read : 5;
    uint32_t blocks_written : 5;
};

void glb_clock(struct glb *r, const struct glb_in *in, struct glb_out *out);

#endif
