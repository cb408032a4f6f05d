/*
 * column_head.c - decides what its column does with an operation, and passes it on east.
 *
 * Row stationary in one subtraction: the column of ofmap row y needs ifmap rows U*y .. U*y + rows - 1,
 * so word row d0 is its row d = d0 - U*y, kept if 0 <= d < rows.
 */
#include "column_head.h"

void column_head_clock(struct column_head *r, const struct column_head_in *in,
                       struct column_head_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS AGGREGATE variable=in compact=bit
#pragma HLS AGGREGATE variable=out compact=bit
#pragma HLS AGGREGATE variable=r compact=bit
    const struct load_op load = in->op_w.load;
    const struct filter_op filter = in->op_w.filter;
    const struct mac_op mac = in->op_w.mac;
    const struct column_place load_next = column_place_next(load.place, load.shape);

    r->load.ifmap_we = load.valid && load.place.f == load.tile &&
                       load.d >= 0 && load.d < (int32_t)load.rows;
    r->load.ifmap_addr = load.addr;
    r->load.filter_we = filter.valid && filter.place.g == filter.group;
    r->load.filter_addr = filter.addr;
    r->mac = mac.mac;
    r->mac.valid = mac.mac.valid && mac.columns != 0;

    r->op = in->op_w;
    r->op.load.place = load_next;
    r->op.load.d = load_next.y == 0 ? load.d0 : load.d - (int32_t)load.u;
    r->op.load.addr = load_next.y == 0 ? load.addr0 : load.addr - load.u_wc;
    r->op.filter.place = column_place_next(filter.place, filter.shape);
    r->op.mac.columns = mac.columns == 0 ? 0 : mac.columns - 1;

    out->op_e = r->op;
    out->load = r->load;
    out->mac = r->mac;
}
