/*
 * axi_read.c - bursts of two clients on one read channel, data back to whom they belong.
 *
 * One ID, so data return in the order of the addresses; the owners wait in a queue.  Commands go
 * before loads.  A client is asked again at the earliest two clocks after its burst was taken.
 */
#include "axi_read.h"

void axi_read_clock(struct axi_read *r, const struct axi_read_in *in, struct axi_read_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->beat complete
#pragma HLS BIND_STORAGE variable=r->origin type=ram_2p impl=lutram
    const struct axi_origin origin = r->origin[r->owner_head];
    const bool owner = r->owner[r->owner_head];
    const bool beat = r->beat_count != 0;
    const bool pop = beat && in->beat_ready[owner ? AXI_LOADS : AXI_COMMANDS];
    const bool retire = pop && r->beat_last[r->beat_head];
    const bool beat_error = r->beat_error[r->beat_head];
    const bool push = in->rvalid && r->beat_count != AXI_BEATS;
    bool take = false, loads = false;

    if (r->arvalid && in->arready)
        r->arvalid = false;
    if (!r->arvalid && r->owner_count != AXI_BURSTS) {
        if (in->burst[AXI_COMMANDS].valid && !r->taken[AXI_COMMANDS]) {
            take = true;
        } else if (in->burst[AXI_LOADS].valid && !r->taken[AXI_LOADS]) {
            take = true;
            loads = true;
        }
    }
    r->taken[AXI_COMMANDS] = take && !loads;
    r->taken[AXI_LOADS] = take && loads;
    if (take) {
        r->arvalid = true;
        r->araddr = in->burst[loads ? AXI_LOADS : AXI_COMMANDS].addr;
        r->origin[r->owner_tail].addr = in->burst[loads ? AXI_LOADS : AXI_COMMANDS].addr;
        r->arlen = in->burst[loads ? AXI_LOADS : AXI_COMMANDS].beats - 1u;
        r->owner[r->owner_tail] = loads;
    }
    r->owner_tail += take;
    r->owner_head += retire;
    r->owner_count = r->owner_count + take - retire;

    if (push) {
        r->beat[r->beat_tail] = in->rdata;
        r->beat_last[r->beat_tail] = in->rlast;
        r->beat_error[r->beat_tail] = in->rresp != 0;
    }
    r->error = pop && beat_error;
    r->error_addr = (uint64_t)origin.addr + r->offset;
    r->offset = retire ? 0 : r->offset + (pop ? RS_AXI_BYTES : 0);
    r->moved = push;
    r->beat_tail += push;
    r->beat_head += pop;
    r->beat_count = r->beat_count + push - pop;

    if (in->rst) {
        r->taken[AXI_COMMANDS] = false;
        r->taken[AXI_LOADS] = false;
        r->arvalid = false;
        r->owner_head = 0;
        r->owner_tail = 0;
        r->owner_count = 0;
        r->beat_head = 0;
        r->beat_tail = 0;
        r->beat_count = 0;
        r->offset = 0;
        r->error = false;
        r->moved = false;
    }

    out->taken[AXI_COMMANDS] = r->taken[AXI_COMMANDS];
    out->taken[AXI_LOADS] = r->taken[AXI_LOADS];
    out->arvalid = r->arvalid;
    out->araddr = r->araddr;
    out->arlen = r->arlen;
    out->rready = r->beat_count != AXI_BEATS;
    out->beat_valid[AXI_COMMANDS] = r->beat_count != 0 && !r->owner[r->owner_head];
    out->beat_valid[AXI_LOADS] = r->beat_count != 0 && r->owner[r->owner_head];
    out->beat = r->beat[r->beat_head];
    out->error = r->error;
    out->error_addr = r->error_addr;
    out->idle = r->owner_count == 0;
    out->moved = r->moved;
}
