/*
 * command.c - the command processor: fetch, hand out in order, finish.
 *
 * Half of the slots are filled with one burst; commands wait as the beats they came in.  A command is put together beat by
 * beat, and its last beat comes in when its engine's queue has room: the engine gets it at that edge.  That is at
 * most every second clock, so that `ready` is never out of date.  The array's queue gets each beat by itself, and the next one waits
 * until it has it.  After END everything has to be
 * quiet, then the status block is written through the store engine, then the run has ended.
 */
#include "command.h"

static inline uint32_t beat_word(struct axi_beat beat, int w)
{
    return (uint32_t)beat.byte[4 * w] | (uint32_t)beat.byte[4 * w + 1] << 8 |
           (uint32_t)beat.byte[4 * w + 2] << 16 | (uint32_t)beat.byte[4 * w + 3] << 24;
}

void command_clock(struct command *r, const struct command_in *in, struct command_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->slot type=ram_2p impl=lutram
    const bool waiting = r->waiting != 0;
    const bool dry = r->held == 0 && r->fetch_left == 0;
    const bool stuck = r->fresh && RS_GET_U(r->command, OP) == RS_OP_COMPUTE && !in->ready[ENGINE_COMPUTE];
    const bool come = in->beat_valid && r->beat_ready;
    const bool last_beat = r->beat + 1u == RS_COMMAND_BEATS;
    const struct axi_beat front = r->slot[r->head & (COMMAND_RING - 1u)];
    bool take = false, end = false;

    /* Fetch. */
    if (in->taken)
        r->burst.valid = false;
    if (r->state == COMMAND_RUN && !r->burst.valid && !in->taken && r->fetch_left != 0 &&
        r->held <= COMMAND_RING - COMMAND_BATCH * RS_COMMAND_BEATS) {
        const uint32_t n = r->fetch_left < COMMAND_BATCH ? r->fetch_left : COMMAND_BATCH;

        r->burst.valid = true;
        r->burst.addr = r->fetch_addr;
        r->burst.beats = n * RS_COMMAND_BEATS;
        r->fetch_addr = (uint64_t)r->fetch_addr + RS_COMMAND_BYTES * COMMAND_BATCH;
        r->fetch_left = r->fetch_left - n;
        r->held = r->held + n * RS_COMMAND_BEATS;
    }
    if (come) {
        r->slot[r->tail & (COMMAND_RING - 1u)] = in->beat;
        r->tail = r->tail + 1;
    }
    r->beat_ready = true;
    r->fresh = stuck;

    /* Hand out. */
    for (int e = 0; e < ENGINES; e++)
        r->push[e] = false;
    r->finished = false;
    r->clear = false;
    r->starting = false;
    switch (r->state) {
    case COMMAND_IDLE:
        if (in->start) {
            r->state = COMMAND_CLEAR;
            r->clear = true;
            r->starting = true;
            r->head = 0;
            r->tail = 0;
            r->beat = 0;
            r->waiting = 0;
            r->held = 0;
            r->fresh = false;
            r->fetch_addr = in->base;
            r->fetch_left = in->count;
            r->quiet = 0;
            r->status = RS_HW_OK;
            r->error_addr = 0;
            r->dispatched = 0;
        }
        break;
    case COMMAND_CLEAR:
        r->quiet = r->quiet + 1;
        r->clear = r->quiet != 3;
        if (r->quiet == 3) {
            r->state = COMMAND_RUN;
            r->quiet = 0;
        }
        break;
    case COMMAND_RUN:
        if (stuck) {
            /* the queue of the array is full */
        } else if (waiting && !last_beat) {
            take = true;
        } else if (waiting) {
            switch (RS_GET_U(r->command, OP)) {
            case RS_OP_LOAD:
                r->push[ENGINE_LOAD] = in->ready[ENGINE_LOAD];
                break;
            case RS_OP_COMPUTE:
                take = true;
                break;
            case RS_OP_POOL:
                r->push[ENGINE_POOL] = in->ready[ENGINE_POOL];
                break;
            case RS_OP_STORE:
            case RS_OP_SNAPSHOT:
                r->push[ENGINE_STORE] = in->ready[ENGINE_STORE];
                break;
            case RS_OP_END:
                end = true;
                break;
            default:
                end = true;
                if (r->status == RS_HW_OK) {
                    r->status = RS_HW_BAD_OPCODE;
                    r->error_addr = r->dispatched;
                }
                break;
            }
            for (int e = 0; e < ENGINES; e++)
                take = take || r->push[e];
            if (take)
                r->dispatched++;
        } else if (dry) {
            end = true;                    /* the stream ended without END                       */
            if (r->status == RS_HW_OK) {
                r->status = RS_HW_BAD_OPCODE;
                r->error_addr = r->dispatched;
            }
        }
        if (take) {
            for (int w = 0; w < RS_BEAT_WORDS; w++)
                r->front[w] = beat_word(front, w);
            for (int w = 0; w < COMMAND_WORDS; w++)
                if (w / RS_BEAT_WORDS == (int)r->beat)
                    r->command[w] = beat_word(front, w % RS_BEAT_WORDS);
            r->fresh = true;
            r->front_beat = r->beat;
            r->head = r->head + 1;
            r->beat = last_beat ? 0 : r->beat + 1;
        }
        if (end)
            r->state = COMMAND_END;
        break;
    case COMMAND_END:
        r->quiet = in->idle ? r->quiet + 1 : 0;
        if (r->quiet == QUIET_CLOCKS) {
            r->quiet = 0;
            r->state = COMMAND_LAST;
            for (int i = 0; i <= RS_WORD_OFFSET; i++)
                r->command[i] = 0;
            r->command[RS_WORD_OP] = RS_OP_SNAPSHOT;
            r->command[RS_WORD_BASE] = 3u << RS_LSB_BASE;
            r->push[ENGINE_STORE] = true;
        }
        break;
    case COMMAND_LAST:
        r->quiet = in->store_idle ? r->quiet + 1 : 0;
        if (r->quiet == QUIET_CLOCKS) {
            r->finished = true;
            r->state = COMMAND_DONE;
        }
        break;
    default:
        if (!in->start)
            r->state = COMMAND_IDLE;
        break;
    }

    if (r->state != COMMAND_IDLE) {
        r->waiting = r->waiting + come - take;
        r->held = r->held - take;
    }
    if (r->status == RS_HW_OK && in->read_error) {
        r->status = RS_HW_READ_ERROR;
        r->error_addr = in->read_error_addr;
    } else if (r->status == RS_HW_OK && in->store_error) {
        r->status = RS_HW_WRITE_ERROR;
        r->error_addr = in->store_error_addr;
    }

    if (in->rst) {
        r->state = COMMAND_IDLE;
        r->burst.valid = false;
        r->beat_ready = false;
        r->fresh = false;
        r->clear = true;
        r->starting = false;
        r->finished = false;
        r->status = RS_HW_OK;
        r->error_addr = 0;
        r->dispatched = 0;
    }

    out->burst = r->burst;
    out->beat_ready = r->beat_ready;
    for (int e = 0; e < ENGINES; e++)
        out->push[e] = r->push[e];
    for (int i = 0; i < COMMAND_WORDS; i++)
        out->command[i] = r->command[i];
    out->write = r->fresh && RS_GET_U(r->command, OP) == RS_OP_COMPUTE;
    out->beat = r->front_beat;
    for (int w = 0; w < RS_BEAT_WORDS; w++)
        out->words[w] = r->front[w];
    out->clear = r->clear;
    out->starting = r->starting;
    out->running = r->state != COMMAND_IDLE && r->state != COMMAND_DONE;
    out->finished = r->finished;
    out->status = r->status;
    out->error_addr = r->error_addr;
    out->taken_commands = r->dispatched;
}
