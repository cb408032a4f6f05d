/*
 * glb_bank.c - one read and one byte-masked write a clock; a read sees what was there before.
 *
 * Both are registered first, beside the memory: it is far from where the rows are chosen.  So is what was read, for
 * a block RAM takes half a clock to give it.
 */
#include "glb_bank.h"

void glb_bank_clock(struct glb_bank *r, const struct glb_bank_in *in, struct glb_bank_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->mem type=ram_2p impl=bram
    r->data = r->read;
#ifdef RS_COLLISION_GARBAGE
    for (int b = 0; b < RS_BLOCK; b++)
        r->data.byte[b] = (uint8_t)(r->data.byte[b] ^ ((r->hit >> b & 1u) != 0 ? 0x55 : 0));
    r->hit = r->read_row == r->write_row ? r->write_mask : 0;
#endif
    for (int b = 0; b < RS_BLOCK; b++)
        r->read.byte[b] = r->mem[r->read_row][b];
    for (int b = 0; b < RS_BLOCK; b++)
        if ((r->write_mask >> b) & 1u)
            r->mem[r->write_row][b] = r->data_in.byte[b];
    r->read_row = in->read_row;
    r->write_mask = in->write ? in->write_mask : 0;
    r->write_row = in->write_row;
    r->data_in = in->data_in;
    out->data = r->data;
}
