/*
 * lane.c - the words that wait to enter a row, and the operations that let them in.
 *
 * All rows are filled at once and emptied one clock later each, which is the skew of the array:
 * a word waits in the row's queue instead of in a triangle of registers.  Whoever fills a
 * queue counts its words; pushing into a full one or popping an empty one cannot happen.
 */
#include "lane.h"
#include <assert.h>

void lane_clock(struct lane *r, const struct lane_in *in, struct lane_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS AGGREGATE variable=in compact=bit
#pragma HLS AGGREGATE variable=out compact=bit
#pragma HLS AGGREGATE variable=r compact=bit
#pragma HLS BIND_STORAGE variable=r->ifmap type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->filter type=ram_2p impl=lutram
    assert(in->rst || !in->op_n.ifmap_pop || r->ifmap_head != r->ifmap_tail);
    assert(in->rst || !in->op_n.filter_pop || r->filter_head != r->filter_tail);

    const struct lane_word word = r->ifmap[r->ifmap_head];
    const struct pe_filter filter = r->filter[r->filter_head];

    r->east.even = word.even;
    r->east.odd = word.odd;
    r->east.filter0 = filter.lane0;
    r->east.filter1 = filter.lane1;
    r->east.inject = in->op_n.inject && in->op_n.chain_row >= 0 &&
                     in->op_n.chain_row < (int32_t)in->op_n.chain;
    r->east.count = (in->op_n.count_rows & 1u) != 0;

    if (in->ifmap_push) {
        r->ifmap[r->ifmap_tail].even = in->even;
        r->ifmap[r->ifmap_tail].odd = in->odd;
    }
    if (in->filter_push) {
        r->filter[r->filter_tail].lane0 = in->filter0;
        r->filter[r->filter_tail].lane1 = in->filter1;
    }

    r->op = in->op_n;
    r->op.chain_row = in->op_n.chain_row + 1;
    r->op.count_rows = in->op_n.count_rows >> 1;
    if (in->rst) {
        r->ifmap_head = 0;
        r->ifmap_tail = 0;
        r->filter_head = 0;
        r->filter_tail = 0;
        r->op.ifmap_pop = false;
        r->op.filter_pop = false;
        r->op.inject = false;
    } else {
        r->ifmap_head += in->op_n.ifmap_pop;
        r->ifmap_tail += in->ifmap_push;
        r->filter_head += in->op_n.filter_pop;
        r->filter_tail += in->filter_push;
    }

    out->op_s = r->op;
    out->east = r->east;
}
