#include "memory.h"

void memory_clock(struct memory *r, const struct memory_in *in, struct memory_out *out)
{
#pragma HLS BIND_STORAGE variable=r->block type=ram_2p impl=bram
#pragma HLS BIND_STORAGE variable=r->spad type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->bank type=ram_2p impl=lutram
    for (int i = 0; i < 4; i++)
        r->q[i] = r->block[in->addr & 63][i];
    for (int i = 0; i < 4; i++)
        if ((in->we >> i) & 1)
            r->block[in->addr & 63][i] = in->lane[i];

    r->e = r->spad[in->addr & 15];
    if (in->we & 16)
        r->spad[in->lane[0] & 15] = in->e;

    r->b = (uint8_t)(r->bank[0][in->addr & 7] + r->bank[1][in->addr >> 5]);
    r->bank[0][in->addr & 7] = in->lane[0];
    r->bank[1][in->addr & 7] = in->lane[1];

    /* Rows that an index chooses: a copy over all of them is a copy each. */
    for (int i = 0; i < 4; i++)
        r->r[i] = r->row[in->addr & 1][i];
    for (int i = 0; i < 8; i++)
        r->row[i / 4][i % 4] = in->lanes[i];

    for (int i = 0; i < 4; i++)
        out->word[i] = r->q[i];
    for (int i = 0; i < 4; i++)
        out->row[i] = r->r[i];
    out->found = r->e;
    out->sum = r->b;
}
