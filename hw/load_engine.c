/*
 * load_engine.c - LOAD commands: asks for bursts well ahead of the data, and puts what comes where
 * it belongs.
 *
 * Two walks over the same commands: `ask` issues the bursts, `take` follows with the data.  A command
 * is done when its last write is in the buffer.  Loads of filters are asked for only when the filter
 * buffer has room for the burst, so nothing that has been asked for ever waits.
 */
#include "load_engine.h"

void load_engine_clock(struct load_engine *r, const struct load_engine_in *in,
                       struct load_engine_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->queue type=ram_2p impl=lutram
    uint32_t ask_words[MOVE_WORDS], take_words[MOVE_WORDS];
    const bool consume = in->beat_valid && r->beat_ready;
    const bool room = !r->to_wbuf || r->room >= 2u * r->ask.size;
    bool started = false;

    for (int i = 0; i < MOVE_WORDS; i++) {
        ask_words[i] = r->queue[r->ask_next & (LOAD_QUEUE - 1u)][i];
        take_words[i] = r->queue[r->take_next & (LOAD_QUEUE - 1u)][i];
    }

    /* Bursts.  The next one is not issued at the next edge, so `room` will know of this one. */
    r->room = (uint16_t)(in->released + RS_WBUF_WORDS - r->asked);
    if (in->taken)
        r->burst.valid = false;
    if (r->ask.active) {
        if (r->ask.sized && !r->burst.valid && !in->taken && room) {
            r->burst.valid = true;
            r->burst.addr = r->ask.addr;
            r->burst.beats = r->ask.size;
            if (r->to_wbuf)
                r->asked = r->asked + (uint16_t)(2u * r->ask.size);
            burst_walk_advance(&r->ask);
        } else {
            burst_walk_settle(&r->ask);
        }
    } else if (r->due) {
        burst_walk_start(&r->ask, r->ask_words, r->ask_at, RS_GET_U(r->ask_words, RUNS), move_blocks(r->ask_words));
        r->to_wbuf = RS_GET_U(r->ask_words, TO_WBUF) != 0;
        r->ask_next = r->ask_next + 1;
        started = true;
    }
    r->ask_at = in->base[RS_GET_U(ask_words, BASE)] + RS_GET_U(ask_words, OFFSET);
    r->due = !started && r->ask_next != r->tail && waits_over(ask_words, in->counts);

    /* Data: one beat a clock, taken only if the buffer has a place for it. */
    if (r->write.valid && in->write_ready) {
        r->write.valid = false;
        r->writing = r->writing + 1;
    }
    if (in->write_done)
        r->writing = r->writing - 1;
    r->wbuf_write = consume && r->take.to_wbuf;
    if (consume) {
        r->wbuf_line = r->take.buf >> 1;
        if (r->take.to_wbuf)
            r->loaded = r->take.buf + 2u;
        r->write.valid = !r->take.to_wbuf;
        r->write.addr = r->take.buf;
        for (uint32_t i = 0; i < RS_BEAT_BLOCKS; i++) {
            r->write.mask[i] = i >= r->take.offset && i < beat_walk_end(&r->take) ? (1u << RS_BLOCK) - 1u : 0;
            for (int b = 0; b < RS_BLOCK; b++)
                r->write.block[i].byte[b] = in->beat.byte[i * RS_BLOCK + b];
        }
        beat_walk_advance(&r->take);
        r->finishing = !r->take.active;
    } else if (r->finishing) {
        if (!r->write.valid && r->writing == 0) {
            r->finishing = false;
            r->done++;
        }
    } else if (!r->take.active && r->take_next != r->ask_next) {
        beat_walk_start(&r->take, r->take_words, r->take_offset);
        r->take_next = r->take_next + 1;
    }
    r->take_offset = place_in_beat(in->base[RS_GET_U(take_words, BASE)] + RS_GET_U(take_words, OFFSET));

    for (int i = 0; i < MOVE_WORDS; i++) {
        r->ask_words[i] = ask_words[i];
        r->take_words[i] = take_words[i];
    }
    r->beat_ready = r->take.active && (r->take.to_wbuf || r->writing + r->write.valid < GLB_DEPTH);

    if (in->push)
        for (int i = 0; i < MOVE_WORDS; i++)
            r->queue[r->tail & (LOAD_QUEUE - 1u)][i] = in->command[i];
    r->tail = r->tail + in->push;

    if (in->rst) {
        r->tail = 0;
        r->ask_next = 0;
        r->take_next = 0;
        r->ask.active = false;
        r->take.active = false;
        r->burst.valid = false;
        r->asked = 0;
        r->beat_ready = false;
        r->write.valid = false;
        r->writing = 0;
        r->wbuf_write = false;
        r->loaded = 0;
        r->done = 0;
        r->finishing = false;
        r->due = false;
    }

    out->ready = ((r->tail - r->take_next) & 7u) < LOAD_QUEUE;
    out->idle = r->tail == r->take_next && !r->take.active && !r->finishing;
    out->burst = r->burst;
    out->beat_ready = r->beat_ready;
    out->write = r->write;
    out->wbuf_write = r->wbuf_write;
    out->wbuf_line = r->wbuf_line;
    for (int b = 0; b < RS_BEAT_BLOCKS * RS_BLOCK; b++)
        out->wbuf_data[b / (2 * RS_BLOCK)].byte[b % (2 * RS_BLOCK)] = r->write.block[b / RS_BLOCK].byte[b % RS_BLOCK];
    out->loaded = r->loaded;
    out->done = r->done;
}
