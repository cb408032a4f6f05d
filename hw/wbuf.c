/* wbuf.c - one word read and one beat written a clock; a read sees what was there before. */
#include "wbuf.h"

void wbuf_clock(struct wbuf *r, const struct wbuf_in *in, struct wbuf_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->even type=ram_2p impl=bram
#pragma HLS BIND_STORAGE variable=r->odd type=ram_2p impl=bram
    const uint32_t line = (in->read_addr >> 1) % RS_WBUF_DEPTH;

    r->data_even = r->even[line];
    r->data_odd = r->odd[line];
    r->read_odd = (in->read_addr & 1u) != 0;
    if (in->write) {
        r->even[in->write_line % RS_WBUF_DEPTH] = in->data_in[0];
        r->odd[in->write_line % RS_WBUF_DEPTH] = in->data_in[1];
    }
#ifndef RS_COLLISION_GARBAGE
    out->data = r->read_odd ? r->data_odd : r->data_even;
#else
    r->hit = in->write && in->write_line % RS_WBUF_DEPTH == line;
    for (int b = 0; b < 2 * RS_BLOCK; b++)
        out->data.byte[b] = (uint8_t)((r->read_odd ? r->data_odd.byte[b] : r->data_even.byte[b]) ^ (r->hit ? 0x55 : 0));
#endif
}
