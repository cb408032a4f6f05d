/*
 * command.c - the command processor: fetch, hand out in order, finish.
 *
 * Four commands a burst, eight waiting, as the beats they came in.  A command is put together beat by beat, and its
 * last beat comes in when its engine's queue has room: the engine gets it at that edge.  That is at
 * most every second clock, so that `ready` is never out of date.  After END everything has to be
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
    const uint32_t waiting = (r->tail - r->head) & (2u * COMMAND_RING - 1u);
    const bool dry = waiting == 0 && r->promised == 0 && r->fetch_left == 0;
    const bool last_beat = r->beat + 1u == COMMAND_BEATS;
    const struct axi_beat front = r->slot[r->head & (COMMAND_RING - 1u)];
    bool take = false, end = false;

    /* Fetch. */
    if (in->taken)
        r->burst.valid = false;
    if (r->state == COMMAND_RUN && !r->burst.valid && !in->taken && r->fetch_left != 0 &&
        waiting + r->promised + COMMAND_BATCH * COMMAND_BEATS <= COMMAND_RING) {
        const uint32_t n = r->fetch_left < COMMAND_BATCH ? r->fetch_left : COMMAND_BATCH;

        r->burst.valid = true;
        r->burst.addr = r->fetch_addr;
        r->burst.beats = n * COMMAND_BEATS;
        r->fetch_addr = r->fetch_addr + RS_COMMAND_BYTES * COMMAND_BATCH;
        r->fetch_left = r->fetch_left - n;
        r->promised = r->promised + n * COMMAND_BEATS;
    }
    const bool beat_bad = in->beat_valid && r->beat_ready && in->beat_error;
    const uint64_t beat_bad_addr = r->beat_addr;

    if (in->beat_valid && r->beat_ready) {
        r->beat_addr = r->beat_addr + RS_AXI_BYTES;
        r->slot[r->tail & (COMMAND_RING - 1u)] = in->beat;
        r->tail = r->tail + 1;
        r->promised = r->promised - 1;
    }
    r->beat_ready = true;

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
            r->promised = 0;
            r->fetch_addr = in->base;
            r->beat_addr = in->base;
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
        if (waiting != 0 && !last_beat) {
            take = true;
        } else if (waiting != 0) {
            switch (RS_GET_U(r->command, OP)) {
            case RS_OP_LOAD:
                r->push[ENGINE_LOAD] = in->ready[ENGINE_LOAD];
                break;
            case RS_OP_COMPUTE:
                r->push[ENGINE_COMPUTE] = in->ready[ENGINE_COMPUTE];
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
            for (int w = 0; w < RS_COMMAND_WORDS; w++)
                if (w / (RS_AXI_BYTES / 4) == (int)r->beat)
                    r->command[w] = beat_word(front, w % (RS_AXI_BYTES / 4));
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
            for (int i = 0; i < RS_COMMAND_WORDS; i++)
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

    if (r->status == RS_HW_OK && (in->load_error || beat_bad)) {
        r->status = RS_HW_READ_ERROR;
        r->error_addr = in->load_error ? in->load_error_addr : beat_bad_addr;
    } else if (r->status == RS_HW_OK && in->store_error) {
        r->status = RS_HW_WRITE_ERROR;
        r->error_addr = in->store_error_addr;
    }

    if (in->rst) {
        r->state = COMMAND_IDLE;
        r->burst.valid = false;
        r->beat_ready = false;
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
    for (int i = 0; i < RS_COMMAND_WORDS; i++)
        out->command[i] = r->command[i];
    out->clear = r->clear;
    out->starting = r->starting;
    out->running = r->state != COMMAND_IDLE && r->state != COMMAND_DONE;
    out->finished = r->finished;
    out->status = r->status;
    out->error_addr = r->error_addr;
    out->taken_commands = r->dispatched;
}
