/*
 * output_stage.c - the groups whose psums are complete, entry by entry into the global buffer.
 *
 *   entries --foot--> codes, pixel pairs --drain--> turned --> items --(adders)--> global buffer
 *
 * The entries of a pixel pair are read from all columns, one clock later each; then the pairs are
 * picked up column by column in the same skew, so one set of collectors suffices.  A pair starts
 * only when every item it may bring has a place, and ends only when the columns of the one before it
 * have been visited.  What a group needs of products is added up while the one before is flushed.
 */
#include "output_stage.h"
#include "times.h"

static inline uint32_t ones(uint32_t n)             /* n low bits set, n <= 16               */
{
    return (1u << n) - 1u;
}

/* ---- the next group ---- */

static inline void prepare(struct output_prepared *p, const uint32_t *w)
{
    if (!p->begun) {
        p->begun = true;
        p->bits = RS_GET_U(w, OUT_STRIP);
        p->out_row = RS_GET_U(w, OUT_ROW);
        p->res_row = RS_GET_U(w, RES_ROW);
        p->out_strip = 0;
        p->res_strip = 0;
    } else {
        if ((p->bits & 1u) != 0) {
            p->out_strip = p->out_strip + p->out_row;
            p->res_strip = p->res_strip + p->res_row;
        }
        p->bits = p->bits >> 1;
        p->out_row = p->out_row << 1;
        p->res_row = p->res_row << 1;
        p->ready = p->bits == 0;
    }
    p->columns = times(p->rows_columns, RS_GET_U(w, MX));
    p->rows_columns = times(RS_GET_U(w, E), RS_GET_U(w, FX));
    p->passes = (uint16_t)times(RS_GET_U(w, N_CB), RS_GET_U(w, N_RC));
}

static inline void start_group(struct output_stage *r, const uint32_t *w)
{
    const uint32_t mode = RS_GET_U(w, MODE);
    const bool wide = RS_GET_U(w, WIDE) != 0;

    r->active = true;
    r->bank = !r->bank;
    r->macs_each = r->macs_of[r->macs_head];
    r->passes = r->prepared.passes;
    r->e = RS_GET_U(w, E);
    r->fx = RS_GET_U(w, FX);
    r->columns = r->prepared.columns;
    r->strip = RS_GET_U(w, NS);
    r->strips_all = RS_GET_U(w, NS);
    r->chains = RS_GET_U(w, CHAINS) - 1;
    r->fp = RS_GET_U(w, FP) << RS_GET_U(w, WIDE);
    r->wide = RS_WIDE && wide;
    r->m_valid = RS_GET_U(w, M_VALID);
    r->sweep = mode == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, PAIRS);
    r->filters = mode == RS_MODE_DEPTHWISE ? RS_BLOCK : wide ? RS_GET_U(w, PAIRS) : 2 * RS_GET_U(w, PAIRS);
    r->kind = wide ? FLUSH_POSITIONS
            : mode != RS_MODE_DEPTHWISE ? FLUSH_FILTERS
            : RS_GET_U(w, LOG2_U) == 0 ? FLUSH_POSITIONS : FLUSH_POSITION;
    r->out_e = RS_GET_U(w, OUT_E);
    r->out_f = RS_GET_U(w, OUT_F);
    r->out_row = RS_GET_U(w, OUT_ROW);
    r->out_mb = RS_GET_U(w, OUT_MB);
    r->out_strip = r->prepared.out_strip;
    r->rows_strip = RS_GET_U(w, OUT_STRIP);
    r->chain_out = RS_GET_U(w, CHAIN_OUT);
    r->chain_rows = RS_GET_U(w, CHAIN_ROWS);
    r->chain_filters = RS_GET_U(w, CHAIN_FILTERS);
    r->chain_params = RS_GET_U(w, CHAIN_PARAMS);
    r->out_byte = RS_GET_U(w, OUT_BYTE);
    r->res_row = RS_GET_U(w, RES_ROW);
    r->res_mb = RS_GET_U(w, RES_MB);
    r->res_strip = r->prepared.res_strip;
    r->add = RS_GET_U(w, ADD) != 0;
    r->range.zp = RS_GET_S(w, ZP_OUT);
    r->range.min = wide ? RS_GET_S(w, WIDE_MIN) : RS_GET_S(w, ACT_MIN);
    r->range.max = wide ? RS_GET_S(w, WIDE_MAX) : RS_GET_S(w, ACT_MAX);
    r->add_param.zp_acc = RS_GET_S(w, ZP_OUT);
    r->add_param.zp_res = RS_GET_S(w, ADD_ZP_RES);
    r->add_param.zp_out = RS_GET_S(w, ADD_ZP_OUT);
    r->add_param.min = RS_GET_S(w, ADD_MIN);
    r->add_param.max = RS_GET_S(w, ADD_MAX);
    r->add_param.mult_acc = RS_GET_S(w, ADD_MULT_ACC);
    r->add_param.mult_res = RS_GET_S(w, ADD_MULT_RES);
    r->add_param.mult_out = RS_GET_S(w, ADD_MULT_OUT);
    r->add_param.shift_acc = RS_GET_U(w, ADD_SHIFT_ACC);
    r->add_param.shift_res = RS_GET_U(w, ADD_SHIFT_RES);
    r->add_param.shift_out = RS_GET_U(w, ADD_SHIFT_OUT);
    r->x = 0;
    r->x_left = r->fp;
    r->index = 0;
    r->step = 0;
    r->pixel = false;
    r->entry = 0;
    r->param = 0;
    r->filter0 = 0;
    r->row0 = 0;
    r->chain_row0 = 0;
    r->addr0 = RS_GET_U(w, OUT_BASE);
    r->chain_addr0 = RS_GET_U(w, OUT_BASE);
    r->res0 = RS_GET_U(w, RES_BASE);
}

/* ---- entries ---- */

/* After the last entry of a pair. */
static inline void next_pair(struct output_stage *r)
{
    r->index = 0;
    r->pixel = false;
    if (r->x_left > 2) {
        r->x = r->x + 2;
        r->x_left = r->x_left - 2;
        return;
    }
    r->x = 0;
    r->x_left = r->fp;
    r->row0 = r->row0 + r->rows_strip;
    r->addr0 = r->addr0 + r->out_strip;
    r->res0 = r->res0 + r->res_strip;
    r->strip = r->strip - 1;
    if (r->strip != 0)
        return;
    if (r->chains == 0) {
        r->start[0].end = true;
        r->active = false;
        r->flushed++;
        return;
    }
    r->chains = r->chains - 1;
    r->strip = r->strips_all;
    r->chain_row0 = r->chain_row0 + r->chain_rows;
    r->chain_addr0 = r->chain_addr0 + r->chain_out;
    r->row0 = r->chain_row0;
    r->addr0 = r->chain_addr0;
    r->filter0 = r->filter0 + r->chain_filters;
    r->param = r->param + r->chain_params;
}

/* ---- draining ---- */

static inline void start_drain(struct output_stage *r, struct drain_start s)
{
    r->drain = s;
    r->draining = true;
    r->column = 0;
    r->y = 0;
    r->f = 0;
    r->left = (int32_t)r->m_valid - (int32_t)s.filter;
    r->byte = r->out_byte;
    r->row = s.row;
    r->x_f = s.x;
    r->addr_y = s.addr;
    r->addr_f = s.addr;
    r->addr_g = s.addr;
    r->res_y = s.res_addr;
    r->res_f = s.res_addr;
    r->res_g = s.res_addr;
}

/* The pair of column r->column. */
static inline void drain_column(struct output_stage *r)
{
    struct pixel_pair pair[COLUMN_PLACES];
    const bool exists = r->row < r->out_e && r->left > 0;

    for (int x = 0; x < COLUMN_PLACES; x++)
        pair[x] = r->foot_out[x % RS_COLS].pair;
    r->drained.last = r->drain.end && r->column + 1 == r->columns;
    r->drained.first = exists && r->x_f < r->out_f;
    r->drained.second = exists && r->drain.two && r->x_f + 1 < r->out_f;
    r->drained.n = r->left < (int32_t)r->filters ? (uint32_t)r->left & 31u : r->filters;
    r->drained.byte = r->byte;
    r->drained.addr = r->addr_y;
    r->drained.res_addr = r->res_y;
    r->drained.pair = pair[r->column & (COLUMN_PLACES - 1u)];
}

static inline void next_column(struct output_stage *r)
{
    const bool next_y = r->y + 1 != r->e, next_f = r->f + 1 != r->fx;
    const bool next_block = r->byte + r->filters == RS_BLOCK;
    uint32_t from, by, res_from, res_by;

    r->draining = r->column + 1 != r->columns;
    r->column = r->column + 1;
    if (next_y) {
        r->y = r->y + 1;
        r->row = r->row + 1;
        from = r->addr_y;
        by = r->out_row;
        res_from = r->res_y;
        res_by = r->res_row;
    } else {
        r->y = 0;
        r->row = r->drain.row;
        if (next_f) {
            r->f = r->f + 1;
            r->x_f = r->x_f + r->fp;
            from = r->addr_f;
            by = r->fp;
            res_from = r->res_f;
            res_by = r->fp;
        } else {
            r->f = 0;
            r->x_f = r->drain.x;
            r->left = r->left - (int32_t)r->filters;
            r->byte = next_block ? 0 : r->byte + r->filters;
            from = r->addr_g;
            by = next_block ? r->out_mb : 0;
            res_from = r->res_g;
            res_by = next_block ? r->res_mb : 0;
        }
    }
    r->addr_y = from + by;
    r->res_y = res_from + res_by;
    if (!next_y) {
        r->addr_f = r->addr_y;
        r->res_f = r->res_y;
    }
    if (!next_y && !next_f) {
        r->addr_g = r->addr_y;
        r->res_g = r->res_y;
    }
}

/* Its bytes where they belong in a block; without int16 a column has an even number of filters. */
static inline struct pixel_pair turned(const struct drained_pair *d)
{
    const uint32_t byte = RS_WIDE ? d->byte : d->byte & ~1u;
    struct pixel_pair pair;

    for (int p = 0; p < 2; p++)
        for (uint32_t b = 0; b < RS_BLOCK; b++)
            pair.byte[p][b] = d->pair.byte[p][(b - byte) & (RS_BLOCK - 1u)];
    return pair;
}

void output_stage_clock(struct output_stage *r, const struct output_stage_in *in,
                        struct output_stage_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->item type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->item_pair type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->item_res type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->res type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->sum type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->sum_place type=ram_2p impl=lutram
    const uint32_t *w = in->group.words;
    struct foot_in fi[RS_COLS];
    struct add_lane_in li[RS_ADD_LANES];
    const struct output_item head = r->item[r->item_head];
    const struct pixel_pair feed = r->item_pair[r->feed_at];       /* without an adder, the head's  */
    const uint16_t res_addr = r->item_res[r->ask_at];
    const struct pixel_pair res = r->res[r->res_head];
    const struct pixel_pair sum = r->sum[r->sum_head];
    const struct pair_place sum_place = r->sum_place[r->sum_head];
    const struct add_time sum_time = r->add_time[ADD_TIME - 1];
    const bool add = r->add;               /* of the items: there are none when it changes          */
    const bool adds = add || RS_GET_U(w, ADD) != 0;
    const bool take = r->emptied && r->prepared.ready && r->complete != 0 && r->params != 0 &&
                      !(adds && (r->item_count != 0 || r->drained.valid || r->drained.end));
    struct output_item new_item;
    bool push, push_pair, pop = false, ask, feeding, fed = false, sum_push, sum_pop = false, group_done = false;
    bool write_free = !r->write.valid || in->write_ready;
    bool start_pair = false;

    for (int x = 0; x < RS_COLS; x++) {
        if (x == 0) {
            fi[x].op_w.acc = in->acc;
            fi[x].op_w.flush = r->flush;
            fi[x].op_w.param = in->param;
        } else {
            fi[x].op_w = r->foot_out[x - 1].op_e;
        }
        fi[x].rst = in->rst;
        fi[x].psum = in->psum[x];
    }

    for (int i = 0; i < RS_ADD_LANES; i++) {
        li[i].acc = r->operand[i].acc;
        li[i].res = r->operand[i].res;
        li[i].param = r->add_param;
    }

    /* A drained pair, if any of it exists, becomes an item. */
    {
        const struct drained_pair *d = &r->drained;
        const uint32_t values = (d->first ? d->n : 0u) + (d->second && !r->wide ? d->n : 0u);

        push_pair = d->valid && (d->first || d->second);
        push = push_pair || d->end;
        new_item.end = d->end;
        new_item.place.addr = d->addr;
        new_item.place.mask = (ones(d->n) << d->byte) & ones(RS_BLOCK);
        new_item.place.first = d->first;
        new_item.place.second = d->second;
        r->bytes_written = d->valid ? (d->first ? d->n : 0u) + (d->second ? d->n : 0u) : 0;
        r->macs = d->valid ? r->macs_each * values : 0;
        r->psums = d->valid ? r->passes * values : 0;
        if (push) {
            r->item[r->item_tail] = new_item;
            r->item_pair[r->item_tail] = turned(d);
            r->item_res[r->item_tail] = (uint16_t)d->res_addr;
        }
    }
    const bool missing = r->drained.valid && !push_pair;     /* a promised place is not needed        */
    const bool push_end = r->drained.end;

    /* The columns, one a clock. */
    r->drained.end = r->drained.valid && r->drained.last;
    r->drained.valid = r->draining;
    if (r->draining) {
        drain_column(r);
        next_column(r);
    }
    if (r->start[DRAIN_DELAY - 1].valid)
        start_drain(r, r->start[DRAIN_DELAY - 1]);
    for (int i = DRAIN_DELAY - 1; i > 0; i--)
        r->start[i] = r->start[i - 1];
    r->start[0].valid = false;

    /* Entries: one a clock while a pair is under way. */
    r->flush.valid = false;
    if (r->active) {
        const bool first = r->index == 0 && !r->pixel && r->step == 0;
        const bool done = r->step + 1u == RS_REQUANTIZE_CLOCKS;
        const bool swept = done && r->index + 1u == r->sweep;
        const bool two = r->x_left > 1;
        const bool last = swept && (r->kind == FLUSH_POSITIONS || r->pixel || !two);

        if ((!first || r->free >= r->columns) && (!last || r->gap == 0)) {
            r->flush.valid = true;
            r->flush.bank = r->bank;
            r->flush.addr = r->entry;
            r->flush.index = r->index;
            r->flush.param = r->param + r->index;
            r->flush.kind = r->kind;
            r->flush.pixel = r->pixel;
            r->flush.wide = r->wide;
            r->flush.range = r->range;
            r->flush.step = r->step;
            r->step = done ? 0 : r->step + 1u;
            r->entry = done ? r->entry + 1u : r->entry;
            start_pair = first;
            if (last) {
                r->start[0].valid = true;
                r->start[0].end = false;
                r->start[0].two = two;
                r->start[0].row = r->row0;
                r->start[0].filter = r->filter0;
                r->start[0].x = r->x;
                r->start[0].addr = r->addr0 + r->x;
                r->start[0].res_addr = r->res0 + r->x;
                next_pair(r);
            } else if (swept) {
                r->index = 0;
                r->pixel = true;
            } else if (done) {
                r->index = r->index + 1;
            }
        }
    }
    r->gap = r->start[0].valid ? r->columns - 1u : r->gap != 0 ? r->gap - 1u : 0;
    const uint32_t promised = start_pair ? r->columns : 0;

    /* The next group, when nothing of the last one is still in the columns. */
    if (in->group.valid && !r->group_take && !take) {
        prepare(&r->prepared, w);
    } else {
        r->prepared.begun = false;
        r->prepared.ready = false;
    }
    r->group_take = take;
    if (take)
        start_group(r, w);
    r->emptied = !r->active && !r->draining && !r->flush.valid;
    for (int i = 0; i < DRAIN_DELAY; i++)
        r->emptied = r->emptied && !r->start[i].valid;
    if (in->group_end)
        r->macs_of[r->macs_tail] = in->group_macs & ((1u << MACS_BITS) - 1u);
    r->macs_head += take;
    r->macs_tail += in->group_end;
    r->complete = r->complete + in->group_end - take;
    r->params = r->params + in->param_end - take;

    /* Adders: residual operands come in the order of the items, so do the sums. */
    ask = r->to_ask != 0 && r->res_count + r->res_flying < RES_DEPTH && (!r->read.valid || in->read_ready);
    feeding = r->to_feed != 0 && r->res_count != 0 && (r->chunk != 0 || r->sum_count + r->sum_flying < READY_DEPTH);
    for (uint32_t i = 0; i < RS_ADD_LANES; i++) {
        const uint32_t at = r->chunk * RS_ADD_LANES + i;

        r->operand[i].acc = (int8_t)feed.byte[at / RS_BLOCK][at % RS_BLOCK];
        r->operand[i].res = (int8_t)res.byte[at / RS_BLOCK][at % RS_BLOCK];
    }
    if (in->residual.valid) {
        struct pixel_pair pair;

        for (int p = 0; p < 2; p++)
            for (int b = 0; b < RS_BLOCK; b++)
                pair.byte[p][b] = in->residual.block[p].byte[b];
        r->res[r->res_tail] = pair;
    }
    if (sum_time.valid)
        for (uint32_t at = 0; at < 2 * RS_BLOCK; at++)
            if (sum_time.chunk == at / RS_ADD_LANES)
                r->sum[r->sum_tail].byte[at / RS_BLOCK][at % RS_BLOCK] = (uint8_t)r->add_lane_out[at % RS_ADD_LANES].code;
    sum_push = sum_time.valid && sum_time.last;
    if (sum_push)
        r->sum_place[r->sum_tail] = head.place;
    for (int i = ADD_TIME - 1; i > 0; i--)
        r->add_time[i] = r->add_time[i - 1];
    r->add_time[0].valid = feeding;
    r->add_time[0].chunk = r->chunk;
    r->add_time[0].last = r->chunk + 1 == ITEM_CHUNKS;
    if (feeding) {
        fed = r->chunk + 1 == ITEM_CHUNKS;
        r->sum_flying = r->sum_flying + (r->chunk == 0 ? 1 : 0);
        r->chunk = fed ? 0 : r->chunk + 1;
    }
    for (int i = 0; i < RS_ADD_LANES; i++)
        add_lane_clock(&r->add_lane[i], &li[i], &r->add_lane_out[i]);

    /* To the global buffer. */
    if (r->write.valid && in->write_ready) {
        r->write.valid = false;
        r->writing = r->writing + 1;
    }
    if (in->write_done)
        r->writing = r->writing - 1;
    if (r->read.valid && in->read_ready)
        r->read.valid = false;
    if (ask) {
        r->read.valid = true;
        r->read.addr = res_addr;
    }
    if (write_free && r->sum_count != 0) {
        r->write.valid = true;
        r->write.place = sum_place;
        r->write.pair = sum;
        sum_pop = true;
    }
    if (r->item_count != 0) {
        if (head.end) {
            group_done = !r->write.valid && r->writing == 0 && r->sum_count == 0;
            pop = group_done;
        } else if (add) {
            pop = sum_push;
        } else if (write_free && r->sum_count == 0) {
            r->write.valid = true;
            r->write.place = head.place;
            r->write.pair = feed;
            pop = true;
        }
    }
    r->done += group_done;
    r->flying = r->flying + take - group_done;

    r->sum_head += sum_pop;
    r->sum_tail += sum_push;
    r->sum_count = r->sum_count + sum_push - sum_pop;
    r->sum_flying = r->sum_flying - (sum_push ? 1 : 0);
    r->res_flying = r->res_flying + ask - in->residual.valid;
    r->res_tail += in->residual.valid;
    r->res_head += fed;
    r->res_count = r->res_count + in->residual.valid - fed;
    r->free = r->free + pop + missing - push_end - promised;
    r->item_head += pop;
    r->item_tail += push;
    r->item_count = r->item_count + push - pop;
    r->to_ask = r->to_ask + (push_pair && add) - ask;
    r->to_feed = r->to_feed + (push_pair && add) - fed;
    r->ask_at += ask || (pop && (head.end || !add));
    r->feed_at += fed || (pop && (head.end || !add));

    for (int x = 0; x < RS_COLS; x++)
        foot_clock(&r->foot[x], &fi[x], &r->foot_out[x]);

    if (in->rst) {
        r->prepared.begun = false;
        r->prepared.ready = false;
        r->active = false;
        r->emptied = true;
        r->add = false;
        r->bank = true;                    /* the first group goes to bank 0                    */
        r->columns = 0;
        r->flush.valid = false;
        r->draining = false;
        r->drained.valid = false;
        r->drained.end = false;
        r->gap = 0;
        for (int i = 0; i < DRAIN_DELAY; i++)
            r->start[i].valid = false;
        for (int i = 0; i < ADD_TIME; i++)
            r->add_time[i].valid = false;
        r->item_head = 0;
        r->item_tail = 0;
        r->item_count = 0;
        r->free = ITEM_DEPTH - 1;
        r->ask_at = 0;
        r->to_ask = 0;
        r->feed_at = 0;
        r->to_feed = 0;
        r->res_head = 0;
        r->res_tail = 0;
        r->res_count = 0;
        r->res_flying = 0;
        r->chunk = 0;
        r->sum_head = 0;
        r->sum_tail = 0;
        r->sum_count = 0;
        r->sum_flying = 0;
        r->write.valid = false;
        r->writing = 0;
        r->read.valid = false;
        r->flushed = 0;
        r->done = 0;
        r->complete = 0;
        r->params = 0;
        r->flying = 0;
        r->macs_head = 0;
        r->macs_tail = 0;
        r->group_take = false;
        r->bytes_written = 0;
    }

    out->group_take = r->group_take;
    out->flushed = r->flushed;
    out->done = r->done;
    out->idle = !r->active && !r->draining && !r->drained.valid && !r->drained.end && r->item_count == 0 && r->flying == 0;
    out->write.valid = r->write.valid;
    out->write.addr = r->write.place.addr;
    for (int i = 0; i < 4; i++) {
        out->write.mask[i] = (i == 0 && r->write.place.first) || (i == 1 && r->write.place.second) ? r->write.place.mask : 0;
        for (int b = 0; b < RS_BLOCK; b++)
            out->write.block[i].byte[b] = r->write.pair.byte[i & 1][b];
    }
    out->read = r->read;
    out->bytes_written = r->bytes_written;
    out->macs = r->macs;
    out->psums = r->psums;
}
