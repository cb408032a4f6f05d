/* glb_bank.c - one read and one byte-masked write a clock; a read sees what was there before. */
#include "glb_bank.h"

void glb_bank_clock(struct glb_bank *r, const struct glb_bank_in *in, struct glb_bank_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->mem type=ram_2p impl=bram
    for (int b = 0; b < RS_BLOCK; b++)
        r->data.byte[b] = r->mem[in->read_row][b];
    for (int b = 0; b < RS_BLOCK; b++)
        if (in->write && ((in->write_mask >> b) & 1u))
            r->mem[in->write_row][b] = in->data_in.byte[b];
    out->data = r->data;
}
