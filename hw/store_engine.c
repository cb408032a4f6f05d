/*
 * store_engine.c - STORE and SNAPSHOT commands: beats out of the global buffer, or the counters,
 * into memory.
 *
 * `read_walk` reads beats ahead into a small queue, `write_walk` follows with bursts.  A burst's
 * address goes out when its first beat is there.  A command is done when the responses to all its bursts have
 * come; the next one does not wait for them.
 */
#include "store_engine.h"

void store_engine_clock(struct store_engine *r, const struct store_engine_in *in,
                        struct store_engine_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->queue type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->data type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->burst_addr type=ram_2p impl=lutram
    uint32_t words[MOVE_WORDS];
    const struct axi_beat front = r->data[r->head];
    const struct store_strobe front_strobe = r->strobe[r->head];
    const struct axi_origin answered = r->burst_addr[r->answered & (STORE_BURSTS - 1u)];
    bool asked = false, gone = false, mark = false, issued = false;
    const bool w_free = !r->wvalid || in->wready;
    const bool handing = r->burst_left != 0;
    const bool start = !r->write_walk.active && !r->read_walk.active && !handing && r->due;

    for (int i = 0; i < MOVE_WORDS; i++)
        words[i] = r->queue[r->next & (STORE_QUEUE - 1u)][i];

    /* Reads. */
    if (r->read.valid && in->read_ready)
        r->read.valid = false;
    if (r->read_walk.active && !r->read.valid && r->asked != STORE_DATA) {
        asked = true;
        r->read.valid = true;
        r->read.addr = r->read_walk.buf;
        r->strobe[r->strobe_tail].offset = r->read_walk.offset;
        r->strobe[r->strobe_tail].end = beat_walk_end(&r->read_walk);
        r->strobe_tail = r->strobe_tail + 1;
        beat_walk_advance(&r->read_walk);
    }

    /* Writes. */
    r->moved = r->wvalid && in->wready;
    if (r->wvalid && in->wready)
        r->wvalid = false;
    if (r->awvalid && in->awready)
        r->awvalid = false;
    if (!handing && r->write_walk.active && r->write_walk.sized && !r->awvalid && (r->snapshot || r->count != 0) &&
        r->mark_count != STORE_MARKS && r->flying != STORE_BURSTS) {
        r->awvalid = true;
        r->awaddr = r->write_walk.addr;
        r->awlen = r->write_walk.size - 1u;
        r->burst_left = r->write_walk.size;
        r->burst_addr[r->bursts & (STORE_BURSTS - 1u)].addr = r->write_walk.addr;
        r->bursts = r->bursts + 1;
        burst_walk_advance(&r->write_walk);
        mark = !r->write_walk.active;
        issued = true;
    } else {
        burst_walk_settle(&r->write_walk);
    }
    if (handing && w_free && (r->snapshot || r->count != 0)) {
        r->wvalid = true;
        r->wlast = r->burst_left == 1;
        r->burst_left = r->burst_left - 1;
        if (r->snapshot) {
            for (uint32_t b = 0; b < RS_AXI_BYTES; b++)
                r->wdata.byte[b] = (uint8_t)(r->status[r->status_beat][b / 8] >> (8 * (b % 8)));
            r->status_beat = (r->status_beat + 1u) & (STATUS_BEATS - 1u);
            r->wstrb = ~(uint64_t)0;
        } else {
            uint64_t strobe = 0;

            gone = true;
            r->wdata = front;
            for (uint32_t i = 0; i < RS_BEAT_BLOCKS; i++)
                if (i >= front_strobe.offset && i < front_strobe.end)
                    strobe |= (uint64_t)((1u << RS_BLOCK) - 1u) << (i * RS_BLOCK);
            r->wstrb = strobe;
        }
    }
    if (in->data.valid) {
        for (uint32_t i = 0; i < RS_BEAT_BLOCKS; i++)
            for (int b = 0; b < RS_BLOCK; b++)
                r->data[r->data_tail].byte[i * RS_BLOCK + b] = in->data.block[i].byte[b];
    }
    r->data_tail += in->data.valid;
    r->head += gone;
    r->asked = r->asked + asked - gone;
    r->count = r->count + in->data.valid - gone;

    /* Responses. */
    r->error = in->bvalid && in->bresp != 0;
    r->error_addr = answered.addr;
    r->answered = r->answered + in->bvalid;
    r->flying = r->flying + issued - in->bvalid;
    if (r->mark_count != 0 && ((r->answered - r->mark[r->mark_head]) & 63u) < 32u) {
        r->mark_head = r->mark_head + 1;
        r->mark_count = r->mark_count - 1;
        r->done++;
    }
    if (mark) {
        r->mark[r->mark_tail] = (uint8_t)r->bursts;
        r->mark_tail = r->mark_tail + 1;
        r->mark_count = r->mark_count + 1;
    }

    /* The next command, when the last one's beats are all on their way; the counters a clock later. */
    if (r->snap) {
        for (uint32_t i = 0; i < RS_STATUS_WORDS; i++)
            r->status[i / (RS_AXI_BYTES / 8)][i % (RS_AXI_BYTES / 8)] = in->status[i];
        r->status_beat = 0;
    }
    r->snap = false;
    if (start) {
        r->snapshot = RS_GET_U(r->words, OP) == RS_OP_SNAPSHOT;
        r->snap = r->snapshot;
        burst_walk_start(&r->write_walk, r->words, r->at, r->snapshot ? 1 : RS_GET_U(r->words, RUNS),
                         r->snapshot ? RS_STATUS_BYTES / RS_BLOCK : RS_GET_U(r->words, LENGTH));
        beat_walk_start(&r->read_walk, r->words, place_in_beat(r->at));
        r->read_walk.active = !r->snapshot;
        r->next = r->next + 1;
    }
    r->at = in->base[RS_GET_U(words, BASE)] + RS_GET_U(words, OFFSET);
    for (int i = 0; i < MOVE_WORDS; i++)
        r->words[i] = words[i];
    r->due = !start && r->next != r->tail && waits_over(words, in->counts);

    if (in->push)
        for (int i = 0; i < MOVE_WORDS; i++)
            r->queue[r->tail & (STORE_QUEUE - 1u)][i] = in->command[i];
    r->tail = r->tail + in->push;

    if (in->rst) {
        r->tail = 0;
        r->next = 0;
        r->snapshot = false;
        r->read_walk.active = false;
        r->write_walk.active = false;
        r->read.valid = false;
        r->strobe_tail = 0;
        r->data_tail = 0;
        r->head = 0;
        r->asked = 0;
        r->count = 0;
        r->awvalid = false;
        r->burst_left = 0;
        r->wvalid = false;
        r->bursts = 0;
        r->answered = 0;
        r->flying = 0;
        r->mark_head = 0;
        r->mark_tail = 0;
        r->mark_count = 0;
        r->done = 0;
        r->error = false;
        r->moved = false;
        r->due = false;
        r->snap = false;
    }

    out->ready = ((r->tail - r->next) & 7u) < STORE_QUEUE;
    out->idle = r->tail == r->next && !r->read_walk.active && !r->write_walk.active &&
                r->burst_left == 0 && !r->wvalid && !r->awvalid && r->flying == 0 &&
                r->mark_count == 0;
    out->read = r->read;
    out->awvalid = r->awvalid;
    out->awaddr = r->awaddr;
    out->awlen = r->awlen;
    out->wvalid = r->wvalid;
    out->wlast = r->wlast;
    out->wdata = r->wdata;
    out->wstrb = r->wstrb;
    out->bready = true;
    out->done = r->done;
    out->error = r->error;
    out->error_addr = r->error_addr;
    out->moved = r->moved;
}
