/*
 * pool.c - POOL commands: up to four taps of a window row a clock.
 *
 *   next command -> count reads -> find their blocks -> global buffer -> pairs -> fours -> window -> (divide) -> global buffer
 *
 * Taps outside the ifmap are left out, so a maximum never sees them; the planner sends averages only
 * where every tap is inside.  Average of n taps whose sum is s: floor((2 * s + 257 * n - (s < 0)) / (2 * n)) - 128, which is s / n
 * with ties away from zero, as in TensorFlow Lite's reference.  The quotient has eight bits, one a clock; a window's
 * last read waits until the division before has begun, and takes as long to come as that needs.
 * Products are sums: U ifmap rows and H0 ifmap rows a bit of the factor a clock, while the command before is executed.
 */
#include <assert.h>
#include "pool.h"

/* A command becomes the next. */
static inline void prepare(struct pool_next *n, const uint32_t *words)
{
    const int32_t h0 = RS_GET_S(words, POOL_H0);

    n->valid = true;
    for (int i = 0; i < RS_COMMAND_WORDS; i++)
        n->words[i] = words[i];
    n->h_bits = (uint32_t)(h0 < 0 ? -h0 : h0);
    n->u_bits = RS_GET_U(words, POOL_U);
    n->row = RS_GET_U(words, POOL_IN_ROW);
    n->start = RS_GET_U(words, POOL_IN) + (uint32_t)RS_GET_S(words, POOL_X0);
    n->u_rows = 0;
}

static inline void prepare_bit(struct pool_next *n)
{
    if ((n->h_bits & 1u) != 0)
        n->start = RS_GET_S(n->words, POOL_H0) < 0 ? n->start - n->row : n->start + n->row;
    if ((n->u_bits & 1u) != 0)
        n->u_rows = n->u_rows + n->row;
    n->h_bits = n->h_bits >> 1;
    n->u_bits = n->u_bits >> 1;
    n->row = n->row << 1;
}

/* The next command is executed. */
static inline void start(struct pool *r)
{
    const uint32_t *w = r->next.words;
    const uint32_t taps = 2 * RS_GET_U(w, POOL_HALF) + (RS_GET_U(w, POOL_R) & RS_GET_U(w, POOL_S) & 1u);

    r->c.average = RS_GET_U(w, AVERAGE) != 0;
    r->c.rows = RS_GET_U(w, POOL_R);
    r->c.cols = RS_GET_U(w, POOL_S);
    r->c.u = RS_GET_U(w, POOL_U);
    r->c.in_row = RS_GET_U(w, POOL_IN_ROW);
    r->c.in_cb = RS_GET_U(w, POOL_IN_CB);
    r->c.u_rows = r->next.u_rows;
    r->c.w = RS_GET_U(w, POOL_W);
    r->c.h = RS_GET_U(w, POOL_H);
    r->c.e_count = RS_GET_U(w, POOL_E);
    r->c.f_count = RS_GET_U(w, POOL_F);
    r->c.out_row = RS_GET_U(w, POOL_OUT_ROW);
    r->c.out_cb = RS_GET_U(w, POOL_OUT_CB);
    r->c.min = RS_GET_S(w, POOL_MIN);
    r->c.max = RS_GET_S(w, POOL_MAX);
    r->c.h0 = RS_GET_S(w, POOL_H0);
    r->c.x0 = RS_GET_S(w, POOL_X0);
    r->c.taps = taps;
    r->c.offset = 256 * taps + (taps - 1);
    r->next.valid = false;
    r->next.ready = false;
    r->busy = true;
    r->active = true;
    r->step = STEP_START;
    r->j = RS_GET_U(w, POOL_S);
    r->i = RS_GET_U(w, POOL_R);
    r->f = RS_GET_U(w, POOL_F);
    r->e = RS_GET_U(w, POOL_E);
    r->cb = RS_GET_U(w, POOL_N_CB);
    r->at_channels = r->next.start;
    r->to_channels = RS_GET_U(w, POOL_OUT);
}

/* Counts one read. */
static inline void count(struct pool *r)
{
    const bool last_j = r->j <= 4;
    const bool last_i = r->i == 1;

    r->turn.valid = r->active;
    r->turn.step = r->step;
    r->turn.taps = r->j >= 4 ? 15u : (1u << r->j) - 1u;
    r->turn.first = r->step != STEP_TAPS && r->step != STEP_TAP_ROW;
    r->turn.last = last_j && last_i;
    if (!last_j) {
        r->step = STEP_TAPS;
        r->j = r->j - 4;
        return;
    }
    r->j = r->c.cols;
    if (!last_i) {
        r->step = STEP_TAP_ROW;
        r->i = r->i - 1;
        return;
    }
    r->i = r->c.rows;
    if (r->f != 1) {
        r->step = STEP_WINDOW;
        r->f = r->f - 1;
        return;
    }
    r->f = r->c.f_count;
    if (r->e != 1) {
        r->step = STEP_WINDOW_ROW;
        r->e = r->e - 1;
        return;
    }
    r->e = r->c.e_count;
    r->step = STEP_CHANNELS;
    r->active = r->cb != 1;
    r->cb = r->cb - 1;
}

/* Where that read and its result go. */
static inline void find(struct pool *r)
{
    const uint32_t step = r->turn.step;
    uint32_t from, by;

    switch (step) {
    case STEP_TAPS:
        from = r->at;
        by = 4;
        r->x = r->x + 4;
        break;
    case STEP_TAP_ROW:
        from = r->at_row;
        by = r->c.in_row;
        r->x = r->x_left;
        r->h = r->h + 1;
        break;
    case STEP_WINDOW:
        from = r->at_window;
        by = r->c.u;
        r->x_left = r->x_left + (int32_t)r->c.u;
        r->x = r->x_left;
        r->h = r->h_top;
        r->to = r->to + 1;
        break;
    case STEP_WINDOW_ROW:
        from = r->at_windows;
        by = r->c.u_rows;
        r->x_left = r->c.x0;
        r->x = r->c.x0;
        r->h_top = r->h_top + (int32_t)r->c.u;
        r->h = r->h_top;
        r->to_row = r->to_row + r->c.out_row;
        r->to = r->to_row;
        break;
    default:
        from = r->at_channels;
        by = step == STEP_START ? 0 : r->c.in_cb;
        r->x_left = r->c.x0;
        r->x = r->c.x0;
        r->h_top = r->c.h0;
        r->h = r->c.h0;
        r->to_channels = r->to_channels + (step == STEP_START ? 0 : r->c.out_cb);
        r->to_row = r->to_channels;
        r->to = r->to_channels;
        break;
    }
    r->at = from + by;
    if (step >= STEP_TAP_ROW)
        r->at_row = r->at;
    if (step >= STEP_WINDOW)
        r->at_window = r->at;
    if (step >= STEP_WINDOW_ROW)
        r->at_windows = r->at;
    if (step >= STEP_CHANNELS)
        r->at_channels = r->at;
    r->found = r->turn;
}

/* Bit i: i < n. */
static inline uint32_t below(int32_t n)
{
    return n < 0 ? 0 : n >> 2 != 0 ? 15u : (1u << n) - 1u;
}

/* The taps of a read that are in the ifmap. */
static inline uint32_t taps_inside(const struct pool *r)
{
    const uint32_t from_left = r->x >= 0 ? 15u : r->x >> 2 == -1 ? 15u << (4 - (r->x & 3)) : 0;
    const uint32_t to_right = below((int32_t)r->c.w - r->x);

    return r->h >= 0 && r->h - (int32_t)r->c.h < 0 ? r->found.taps & from_left & to_right : 0;
}

static inline int8_t larger(int8_t a, int8_t b)
{
    return a > b ? a : b;
}

static inline int8_t smaller(int8_t a, int8_t b)
{
    return a < b ? a : b;
}

/* What one bit of the quotient leaves of the dividend, above the bits that there are. */
static inline uint32_t divide_bit(uint32_t rest, uint32_t taps)
{
    const uint32_t top = rest >> 7;
    const bool fits = top >= taps;

    return (fits ? top - taps : top) << 8 | (rest & 127u) << 1 | fits;
}

/* Stages 1 to 3: taps into their window. */
static inline void take_pairs(struct pool_lane *l, const int8_t *code, uint32_t taps)
{
    int8_t add[4], most[4];

    for (uint32_t i = 0; i < 4; i++) {
        const bool counts = ((taps >> i) & 1u) != 0;

        add[i] = counts ? code[i] : 0;
        most[i] = counts ? code[i] : -128;
    }
    l->sum_low = add[0] + add[1];
    l->sum_high = add[2] + add[3];
    l->max_low = larger(most[0], most[1]);
    l->max_high = larger(most[2], most[3]);
}

static inline void take_fours(struct pool_lane *l)
{
    l->sum4 = l->sum_low + l->sum_high;
    l->max4 = larger((int8_t)l->max_low, (int8_t)l->max_high);
}

static inline void take_window(struct pool_lane *l, bool first)
{
    l->sum = (first ? 0 : l->sum) + l->sum4;
    l->max = first || l->max4 > l->max ? l->max4 : l->max;
}

void pool_clock(struct pool *r, const struct pool_in *in, struct pool_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->meta type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->result_addr type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->result type=ram_2p impl=lutram
    const struct pool_meta meta = r->meta[r->meta_head];
    const uint16_t addr = r->result_addr[r->head];
    const struct block block = r->result[r->head];
    const uint32_t taps = taps_inside(r);
    const bool can = (!r->read.valid || in->read_ready) && r->meta_count != POOL_META &&
                     !(r->found.first && r->held == POOL_RESULTS) && !(r->found.last && r->c.average && r->undivided);
    const bool begin = r->found.valid && r->found.first && can;
    const bool ask = r->found.valid && (taps != 0 || r->found.last) && can;    /* a window's last read ends it, with taps or without */
    const bool ready = r->next.valid && r->next.h_bits == 0 && r->next.u_bits == 0 && waits_over(r->next.words, in->counts);
    const bool quiet = r->busy && !r->active && !r->turn.valid && !r->found.valid && r->held == 0 && !r->write.valid && r->writing == 0;
    bool sent = false;

    /* Results to the global buffer. */
    if (r->write.valid && in->write_ready) {
        r->write.valid = false;
        r->writing = r->writing + 1;
    }
    if (in->write_done)
        r->writing = r->writing - 1;
    if (!r->write.valid && r->results != 0) {
        sent = true;
        r->write.valid = true;
        r->write.addr = addr;
        r->write.block = block;
    }
    if (r->bounded) {
        struct block codes;

        for (int b = 0; b < RS_BLOCK; b++)
            codes.byte[b] = (uint8_t)larger((int8_t)r->c.min, (int8_t)r->lane[b].code);
        r->result[r->tail] = codes;
    }
    if (begin)
        r->result_addr[r->addr_tail] = (uint16_t)r->to;
    r->head += sent;
    r->tail += r->bounded;
    r->addr_tail += begin;
    r->results = r->results + r->bounded - sent;
    r->held = r->held + begin - sent;

    /* Stage 5: the code, with its upper bound. */
    r->bounded = r->c.average ? r->divided : r->ended;
    for (int b = 0; b < RS_BLOCK; b++)
        r->lane[b].code = smaller((int8_t)r->c.max, r->c.average ? (int8_t)(r->lane[b].rest ^ 128u) : (int8_t)r->lane[b].max);

    /* Stage 4: divide. */
    r->divided = r->dividing == 1;
    if (r->dividing != 0) {
        r->dividing = r->dividing - 1;
        for (int b = 0; b < RS_BLOCK; b++)
            r->lane[b].rest = divide_bit(r->lane[b].rest, r->c.taps);
    }
    if (r->ended && r->c.average) {
        assert(r->dividing == 0);
        r->dividing = POOL_DIVIDE_CLOCKS - 1;
        r->undivided = false;
        for (int b = 0; b < RS_BLOCK; b++)
            r->lane[b].rest = (((uint32_t)r->lane[b].sum << 1 | (r->lane[b].sum >= 0)) + r->c.offset) >> 1;
    }

    /* Stages 3 to 1: taps into their window. */
    r->ended = r->valid2 && r->meta2.last;
    if (r->valid2)
        for (int b = 0; b < RS_BLOCK; b++)
            take_window(&r->lane[b], r->meta2.first);
    if (r->valid1)
        for (int b = 0; b < RS_BLOCK; b++)
            take_fours(&r->lane[b]);
    if (in->data.valid)
        for (int b = 0; b < RS_BLOCK; b++) {
            int8_t code[4];

            for (int i = 0; i < 4; i++)
                code[i] = (int8_t)in->data.block[i].byte[b];
            take_pairs(&r->lane[b], code, meta.taps);
        }
    r->valid2 = r->valid1;
    r->meta2 = r->meta1;
    r->valid1 = in->data.valid;
    r->meta1 = meta;

    /* Reads. */
    if (r->read.valid && in->read_ready)
        r->read.valid = false;
    if (ask) {
        struct pool_meta asked;

        asked.first = r->found.first || !r->some;
        asked.last = r->found.last;
        asked.taps = taps;
        r->meta[r->meta_tail] = asked;
        r->read.valid = true;
        r->read.addr = r->at;
        r->undivided = r->undivided || (r->found.last && r->c.average);
    }
    if (r->found.valid && can)
        r->some = (r->some && !r->found.first) || ask;
    r->meta_tail += ask;
    r->meta_head += in->data.valid;
    r->meta_count = r->meta_count + ask - in->data.valid;
    if (!r->found.valid || can) {
        if (r->turn.valid)
            find(r);
        r->found.valid = r->turn.valid;
        r->turn.valid = false;
        if (r->active)
            count(r);
    }

    /* Commands. */
    if (r->next.ready && !r->busy) {
        start(r);
    } else if (!r->next.valid && r->waiting) {
        prepare(&r->next, r->words);
        r->waiting = false;
    } else {
        r->next.ready = ready;
        if (r->next.valid)
            prepare_bit(&r->next);
    }
    if (quiet) {
        r->busy = false;
        r->done++;
    }
    if (in->push) {
        r->waiting = true;
        for (int i = 0; i < RS_COMMAND_WORDS; i++)
            r->words[i] = in->command[i];
    }

    if (in->rst) {
        r->waiting = false;
        r->next.valid = false;
        r->next.ready = false;
        r->busy = false;
        r->active = false;
        r->turn.valid = false;
        r->found.valid = false;
        r->read.valid = false;
        r->meta_head = 0;
        r->meta_tail = 0;
        r->meta_count = 0;
        r->undivided = false;
        r->valid1 = false;
        r->valid2 = false;
        r->ended = false;
        r->dividing = 0;
        r->divided = false;
        r->bounded = false;
        r->head = 0;
        r->tail = 0;
        r->addr_tail = 0;
        r->held = 0;
        r->results = 0;
        r->write.valid = false;
        r->writing = 0;
        r->done = 0;
    }

    out->ready = !r->waiting;
    out->idle = !r->waiting && !r->next.valid && !r->busy;
    out->read = r->read;
    out->write.valid = r->write.valid;
    out->write.addr = r->write.addr;
    for (int i = 0; i < 4; i++) {
        out->write.mask[i] = i == 0 ? (1u << RS_BLOCK) - 1u : 0;
        out->write.block[i] = r->write.block;
    }
    out->done = r->done;
}
