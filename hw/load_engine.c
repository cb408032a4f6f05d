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
#pragma HLS ARRAY_PARTITION variable=r->beat complete
    uint32_t ask_words[MOVE_WORDS], take_words[MOVE_WORDS];
    bool accept, consume = false;
    const struct axi_beat beat = r->beat[0];
    const bool beat_bad = r->beat_error[0];

    for (int i = 0; i < MOVE_WORDS; i++) {
        ask_words[i] = r->queue[r->ask_next & (LOAD_QUEUE - 1u)][i];
        take_words[i] = r->queue[r->take_next & (LOAD_QUEUE - 1u)][i];
    }

    /* Bursts. */
    if (in->taken)
        r->burst.valid = false;
    if (r->ask.active) {
        const uint32_t beats = move_burst(&r->ask);
        const uint16_t alive = r->asked + (uint16_t)(2 * beats) - in->released;

        if (!r->burst.valid && !in->taken && (!r->ask.to_wbuf || alive <= RS_WBUF_WORDS)) {
            r->burst.valid = true;
            r->burst.addr = r->ask.addr;
            r->burst.beats = beats;
            if (r->ask.to_wbuf)
                r->asked = r->asked + (uint16_t)(2 * beats);
            move_advance(&r->ask, beats);
        }
    } else if (r->ask_next != r->tail && waits_over(ask_words, in->counts)) {
        move_start(&r->ask, ask_words, in->base[RS_GET_U(ask_words, BASE)]);
        r->ask_next = r->ask_next + 1;
    }

    /* Data: one beat a clock. */
    if (r->write.valid && in->write_ready) {
        r->write.valid = false;
        r->writing = r->writing + 1;
    }
    if (in->write_done)
        r->writing = r->writing - 1;
    r->wbuf_write = false;
    r->error = false;
    if (r->take.active) {
        if (r->beat_count != 0 && (r->take.to_wbuf || !r->write.valid)) {
            consume = true;
            if (r->take.to_wbuf) {
                r->wbuf_write = true;
                r->wbuf_line = r->take.buf >> 1;
                r->loaded = r->take.buf + 2u;
                for (int b = 0; b < 2 * RS_BLOCK; b++) {
                    r->wbuf_data[0].byte[b] = beat.byte[b];
                    r->wbuf_data[1].byte[b] = beat.byte[2 * RS_BLOCK + b];
                }
            } else {
                r->write.valid = true;
                r->write.addr = r->take.buf;
                for (uint32_t i = 0; i < RS_BEAT_BLOCKS; i++) {
                    r->write.mask[i] = i >= r->take.offset && i < r->take.left ? (1u << RS_BLOCK) - 1u : 0;
                    for (int b = 0; b < RS_BLOCK; b++)
                        r->write.block[i].byte[b] = beat.byte[i * RS_BLOCK + b];
                }
            }
            r->error = beat_bad;
            r->error_addr = r->take.addr;
            r->take.offset = 0;
            move_advance(&r->take, 1);
            if (!r->take.active)
                r->finishing = true;
        }
    } else if (r->finishing) {
        if (!r->write.valid && r->writing == 0) {
            r->finishing = false;
            r->done++;
        }
    } else if (r->take_next != r->ask_next) {
        move_start(&r->take, take_words, in->base[RS_GET_U(take_words, BASE)]);
        r->take_next = r->take_next + 1;
    }

    accept = in->beat_valid && r->beat_ready;
    if (consume) {
        r->beat[0] = r->beat[1];
        r->beat_error[0] = r->beat_error[1];
    }
    r->beat_count = r->beat_count - consume;
    if (accept) {
        r->beat[r->beat_count & 1u] = in->beat;
        r->beat_error[r->beat_count & 1u] = in->beat_error;
    }
    r->beat_count = r->beat_count + accept;
    r->beat_ready = r->beat_count != 2;

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
        r->beat_count = 0;
        r->beat_ready = false;
        r->write.valid = false;
        r->writing = 0;
        r->wbuf_write = false;
        r->loaded = 0;
        r->done = 0;
        r->finishing = false;
        r->error = false;
    }

    out->ready = ((r->tail - r->take_next) & 7u) < LOAD_QUEUE;
    out->idle = r->tail == r->take_next && !r->take.active && !r->finishing;
    out->burst = r->burst;
    out->beat_ready = r->beat_ready;
    out->write = r->write;
    out->wbuf_write = r->wbuf_write;
    out->wbuf_line = r->wbuf_line;
    for (int i = 0; i < 2; i++)
        out->wbuf_data[i] = r->wbuf_data[i];
    out->loaded = r->loaded;
    out->done = r->done;
    out->error = r->error;
    out->error_addr = r->error_addr;
}
