/*
 * pool.c - POOL commands: up to four taps of a window row a clock.
 *
 * Taps outside the ifmap are left out, so a maximum never sees them; the planner sends averages only
 * where every tap is inside.  Average: (|sum| + half) * recip >> 32 with recip = floor(2^32 / n) + 1 is
 * floor((|sum| + half) / n) exactly, because |sum| + half < 2^20 and n < 2^12; the sign is put back, so
 * ties go away from zero, as in TensorFlow Lite's reference.
 */
#include "pool.h"
#include "rounding.h"

void pool_clock(struct pool *r, const struct pool_in *in, struct pool_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->queue complete dim=0
    uint32_t words[RS_COMMAND_WORDS];
    const struct pool_meta head = r->meta[r->meta_head];
    const bool h_in = r->h_top + r->i >= 0 && r->h_top + r->i < (int32_t)r->h;
    uint32_t taps = 0;                       /* of the four from column j on: those there are      */
    struct pool_meta meta;
    bool ask = false, sent = false, out_push, out_pop = false;

    for (int i = 0; i < RS_COMMAND_WORDS; i++)
        words[i] = r->queue[r->next & (POOL_QUEUE - 1u)][i];

    for (int32_t i = 0; i < 4; i++) {
        const int32_t x = r->x_left + r->j + i;

        if (h_in && r->j + i < (int32_t)r->cols && x >= 0 && x < (int32_t)r->w)
            taps |= 1u << i;
    }

    /* Stage 4: to the global buffer. */
    if (r->write.valid && in->write_ready) {
        r->write.valid = false;
        r->writing = r->writing + 1;
    }
    if (in->write_done)
        r->writing = r->writing - 1;
    if (!r->write.valid && r->out_count != 0) {
        r->write = r->queue_write[r->out_head];
        out_pop = true;
    }
    out_push = r->valid3;
    if (r->valid3) {
        struct glb_write_req req;

        req.valid = true;
        req.addr = r->m3.addr;
        for (int i = 0; i < 4; i++) {
            req.mask[i] = i == 0 ? (1u << RS_BLOCK) - 1u : 0;
            for (int b = 0; b < RS_BLOCK; b++)
                req.block[i].byte[b] = (uint8_t)clamp_code(r->mean.lane[b], r->min, r->max);
        }
        r->queue_write[r->out_tail] = req;
        r->flying = r->flying - 1;
        if (r->m3.final)
            r->final_sent = true;
    }

    /* Stage 3: divide. */
    r->valid3 = r->valid2;
    r->m3 = r->m2;
    for (int b = 0; b < RS_BLOCK; b++) {
        const int32_t raw = r->raw.lane[b];
        const uint32_t size = (uint32_t)(raw < 0 ? -raw : raw) + r->half;
        const int32_t mean = (int32_t)(((uint64_t)size * r->recip) >> 32);

        r->mean.lane[b] = !r->average ? raw : raw < 0 ? -mean : mean;
    }

    /* Stage 2: a window is complete. */
    r->valid2 = r->valid1 && r->m1.last;
    r->m2 = r->m1;
    for (int b = 0; b < RS_BLOCK; b++)
        r->raw.lane[b] = r->sum.lane[b];

    /* Stage 1: take taps in. */
    r->valid1 = in->data.valid;
    r->m1 = head;
    if (in->data.valid) {
        for (int b = 0; b < RS_BLOCK; b++) {
            int32_t sum = head.first ? (r->average ? 0 : -128) : r->sum.lane[b];

            for (uint32_t i = 0; i < 4; i++) {
                const int32_t code = (int8_t)in->data.block[i].byte[b];

                if ((head.taps >> i) & 1u)
                    sum = r->average ? sum + code : code > sum ? code : sum;
            }
            r->sum.lane[b] = sum;
        }
    }

    /* Stage 0: the next taps. */
    if (r->read.valid && in->read_ready)
        r->read.valid = false;
    if (r->active && !r->read.valid && r->meta_count != POOL_META) {
        const bool last_j = r->j + 4u >= r->cols;
        const bool last_i = r->i + 1u == r->rows;
        const bool last_tap = last_j && last_i;
        const bool first_tap = r->i == 0 && r->j == 0;
        const bool room = r->out_count + r->flying < 4;

        if (!first_tap || room) {
            const bool some = !first_tap && r->some;

            /* The last read of a window ends it, with taps or without. */
            ask = taps != 0 || last_tap;
            meta.first = !some;
            meta.last = last_tap;
            meta.taps = taps;
            meta.addr = r->out_at_e + r->f;
            meta.final = false;
            r->some = some || ask;
            if (ask) {
                r->read.valid = true;
                r->read.addr = r->base_cb + (uint32_t)(r->h_top + r->i) * r->in_row + (uint32_t)(r->x_left + r->j);
            }
            if (first_tap)
                r->flying = r->flying + 1;
            if (!last_j) {
                r->j = r->j + 4;
            } else {
                r->j = 0;
                if (!last_i) {
                    r->i = r->i + 1;
                } else {
                    r->i = 0;
                    if (r->f + 1u != r->f_count) {
                        r->f = r->f + 1;
                        r->x_left = r->x_left + (int32_t)r->u;
                    } else {
                        r->f = 0;
                        r->x_left = r->x0;
                        if (r->e + 1u != r->e_count) {
                            r->e = r->e + 1;
                            r->h_top = r->h_top + (int32_t)r->u;
                            r->out_at_e = r->out_at_e + r->out_row;
                        } else {
                            r->e = 0;
                            r->h_top = r->h0;
                            r->base_cb = r->base_cb + r->in_cb;
                            r->out_at_cb = r->out_at_cb + r->out_cb;
                            r->out_at_e = r->out_at_cb;
                            r->cb = r->cb + 1;
                            if (r->cb == r->cb_count) {
                                r->active = false;
                                meta.final = true;
                            }
                        }
                    }
                }
            }
            if (ask)
                r->meta[r->meta_tail] = meta;
        }
    } else if (!r->active && r->final_sent && !out_push && r->out_count == 0 && !r->write.valid && r->writing == 0) {
        r->final_sent = false;
        r->done++;
    } else if (!r->active && !r->final_sent && r->flying == 0 && r->meta_count == 0 &&
               r->next != r->tail && waits_over(words, in->counts)) {
        r->active = true;
        sent = true;
        r->average = RS_GET_U(words, AVERAGE) != 0;
        r->rows = RS_GET_U(words, POOL_R);
        r->cols = RS_GET_U(words, POOL_S);
        r->u = RS_GET_U(words, POOL_U);
        r->in_row = RS_GET_U(words, POOL_IN_ROW);
        r->in_cb = RS_GET_U(words, POOL_IN_CB);
        r->w = RS_GET_U(words, POOL_W);
        r->h = RS_GET_U(words, POOL_H);
        r->e_count = RS_GET_U(words, POOL_E);
        r->f_count = RS_GET_U(words, POOL_F);
        r->cb_count = RS_GET_U(words, POOL_N_CB);
        r->out_row = RS_GET_U(words, POOL_OUT_ROW);
        r->out_cb = RS_GET_U(words, POOL_OUT_CB);
        r->min = RS_GET_S(words, POOL_MIN);
        r->max = RS_GET_S(words, POOL_MAX);
        r->recip = RS_GET_U(words, POOL_RECIP);
        r->half = RS_GET_U(words, POOL_HALF);
        r->h0 = RS_GET_S(words, POOL_H0);
        r->x0 = RS_GET_S(words, POOL_X0);
        r->cb = 0;
        r->e = 0;
        r->f = 0;
        r->i = 0;
        r->j = 0;
        r->h_top = RS_GET_S(words, POOL_H0);
        r->x_left = RS_GET_S(words, POOL_X0);
        r->base_cb = RS_GET_U(words, POOL_IN);
        r->out_at_cb = RS_GET_U(words, POOL_OUT);
        r->out_at_e = RS_GET_U(words, POOL_OUT);
    }

    r->meta_tail += ask;
    r->meta_head += in->data.valid;
    r->meta_count = r->meta_count + ask - in->data.valid;
    r->out_head += out_pop;
    r->out_tail += out_push;
    r->out_count = r->out_count + out_push - out_pop;
    if (in->push)
        for (int i = 0; i < RS_COMMAND_WORDS; i++)
            r->queue[r->tail & (POOL_QUEUE - 1u)][i] = in->command[i];
    r->tail = r->tail + in->push;
    r->next = r->next + sent;

    if (in->rst) {
        r->tail = 0;
        r->next = 0;
        r->active = false;
        r->read.valid = false;
        r->meta_head = 0;
        r->meta_tail = 0;
        r->meta_count = 0;
        r->valid1 = false;
        r->valid2 = false;
        r->valid3 = false;
        r->out_head = 0;
        r->out_tail = 0;
        r->out_count = 0;
        r->flying = 0;
        r->write.valid = false;
        r->writing = 0;
        r->final_sent = false;
        r->done = 0;
    }

    out->ready = ((r->tail - r->next) & 3u) < POOL_QUEUE;
    out->idle = r->tail == r->next && !r->active && !r->final_sent && r->flying == 0;
    out->read = r->read;
    out->write = r->write;
    out->done = r->done;
}
