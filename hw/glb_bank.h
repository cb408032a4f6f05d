/* glb_bank.h - one bank of the global buffer: ports and registers. */
#ifndef RS_GLB_BANK_H
#define RS_GLB_BANK_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"

struct block { uint8_t byte[RS_BLOCK]; };

struct glb_bank_in {
    uint32_t read_row  : RS_GLB_ROW_BITS;
    bool     write;
    uint32_t write_row : RS_GLB_ROW_BITS;
    uint32_t write_mask : RS_BLOCK;    /* bit b: byte b                                      */
    struct block data_in;
};
struct glb_bank_out {
    struct block data;                 /* what read_row named three edges ago                */
};
struct glb_bank {
    uint8_t mem[RS_GLB_BANK_DEPTH][RS_BLOCK];
    struct block read, data;           /* out of the memory; a clock later, out of the bank  */
    uint32_t read_row : RS_GLB_ROW_BITS;
    uint32_t write_mask : RS_BLOCK;    /* of the write that is on its way                    */
    uint32_t write_row : RS_GLB_ROW_BITS;
    struct block data_in;
#ifdef RS_COLLISION_GARBAGE
    uint32_t hit : RS_BLOCK;           /* bytes of `read` that were written when they were read */
#endif
};

void glb_bank_clock(struct glb_bank *r, const struct glb_bank_in *in, struct glb_bank_out *out);

#endif
