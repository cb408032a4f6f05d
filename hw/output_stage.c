/*
 * output_stage.c - the groups whose psums are complete, entry by entry into the global buffer.
 *
 *   entries --foot--> codes, pixel pairs --drain--> items --(adders)--> global buffer
 *
 * The entries of a pixel pair are read from all columns, one clock later each; then the pairs are
 * picked up column by column in the same skew, so one set of collectors suffices.  A pair starts
 * only when every item it may bring has a place, and ends only when the columns of the one before it
 * have been visited.
 */
#include "output_stage.h"
#include "rounding.h"

static inline uint32_t ones(uint32_t n)             /* n low bits set, n <= 16               */
{
    return (1u << n) - 1u;
}

void output_stage_clock(struct output_stage *r, const struct output_stage_in *in,
                        struct output_stage_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->item type=ram_2p impl=lutram
    const uint32_t *w = in->group.words;
    struct foot_in fi[RS_COLS];
    struct add_lane_in li[RS_ADD_LANES];
    const struct output_item head = r->item[r->item_head];
    const struct output_item asked = r->item[(r->item_head + r->asked) & (ITEM_DEPTH - 1u)];
    const struct output_item feed = r->item[(r->item_head + r->fed) & (ITEM_DEPTH - 1u)];
    const struct add_time sum_time = r->add_time[ADD_EDGES - 1];
    struct output_item new_item;
    struct glb_write_req new_sum;
    bool push = false, pop = false, ask = false, feeding, fed = false, sum_push = false, sum_pop = false;
    bool write_free = !r->write.valid || in->write_ready;
    bool drained = false, start_pair = false;
    uint32_t columns = r->columns;

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

    /* Drain: the pair of column r->column, if any of it exists, becomes an item. */
    {
        const uint32_t left = r->m_valid > r->filter ? r->m_valid - r->filter : 0;
        const uint32_t n = left < r->filters ? left : r->filters;
        const bool row_exists = r->drain.row + r->y < r->out_e;
        const bool first = row_exists && n != 0 && r->x_f < r->out_f;
        const bool second = row_exists && n != 0 && r->drain.two && r->x_f + 1 < r->out_f;

        new_item.end = false;
        new_item.addr = r->addr_y;
        new_item.res_addr = r->res_y;
        new_item.mask[0] = first ? ones(n) << r->byte : 0;
        new_item.mask[1] = second ? ones(n) << r->byte : 0;
        new_item.pair = r->foot_out[0].pair;
        for (int x = 1; x < RS_COLS; x++)
            if ((uint32_t)x == r->column)
                new_item.pair = r->foot_out[x].pair;
        for (int p = 0; p < 2; p++) {
            uint8_t turned[RS_BLOCK];

            for (uint32_t b = 0; b < RS_BLOCK; b++)
                turned[b] = new_item.pair.byte[p][(b - r->byte) & (RS_BLOCK - 1u)];
            for (uint32_t b = 0; b < RS_BLOCK; b++)
                new_item.pair.byte[p][b] = turned[b];
        }
        r->bytes_written = 0;
        r->macs = 0;
        r->psums = 0;
        if (r->draining) {
            drained = true;
            push = first || second;
            r->bytes_written = (first ? n : 0) + (second ? n : 0);
            r->macs = r->macs_each * ((first ? n : 0) + (second && !r->wide ? n : 0));
            r->psums = r->passes * ((first ? n : 0) + (second && !r->wide ? n : 0));
        } else if (r->end_due) {
            push = true;
            new_item.end = true;
            new_item.mask[0] = 0;
            new_item.mask[1] = 0;
            r->end_due = false;
        }
    }
    if (drained) {
        if (r->column + 1 == r->columns) {
            r->draining = false;
            r->end_due = r->drain.end;
        }
        r->column = r->column + 1;
        if (r->y + 1 != r->e) {
            r->y = r->y + 1;
            r->addr_y = r->addr_y + r->out_row;
            r->res_y = r->res_y + r->res_row;
        } else {
            r->y = 0;
            if (r->f + 1 != r->fx) {
                r->f = r->f + 1;
                r->addr_f = r->addr_f + r->fp;
                r->res_f = r->res_f + r->fp;
                r->x_f = r->x_f + r->fp;
            } else {
                r->f = 0;
                r->filter = r->filter + r->filters;
                if (r->byte + r->filters == RS_BLOCK) {
                    r->byte = 0;
                    r->addr_g = r->addr_g + r->out_mb;
                    r->res_g = r->res_g + r->res_mb;
                } else {
                    r->byte = r->byte + r->filters;
                }
                r->addr_f = r->addr_g;
                r->res_f = r->res_g;
                r->x_f = r->drain.x;
            }
            r->addr_y = r->addr_f;
            r->res_y = r->res_f;
        }
    }
    if (r->start[DRAIN_DELAY - 1].valid) {
        const struct drain_start s = r->start[DRAIN_DELAY - 1];

        r->drain = s;
        r->draining = true;
        r->column = 0;
        r->y = 0;
        r->f = 0;
        r->filter = s.filter;
        r->byte = r->out_byte;
        r->addr_y = s.addr;
        r->addr_f = s.addr;
        r->addr_g = s.addr;
        r->res_y = s.res_addr;
        r->res_f = s.res_addr;
        r->res_g = s.res_addr;
        r->x_f = s.x;
    }
    for (int i = DRAIN_DELAY - 1; i > 0; i--)
        r->start[i] = r->start[i - 1];
    r->start[0].valid = false;

    /* Entries: one a clock while a pair is under way. */
    r->flush.valid = false;
    if (r->active) {
        const bool first = r->index == 0 && !r->pixel && r->step == 0;
        const bool done = r->step + 1u == RS_REQUANTIZE_CLOCKS;
        const bool two = r->x + 1 < r->fp;
        const bool last = done && r->index + 1u == r->sweep && (r->kind == FLUSH_POSITIONS || r->pixel || !two);
        const bool room = ITEM_DEPTH >= r->item_count + r->promised + columns + 1;

        if ((!first || room) && (!last || r->gap == 0)) {
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
                r->gap = columns;
                r->index = 0;
                r->pixel = false;
                if (r->x + 2 < r->fp) {
                    r->x = r->x + 2;
                } else {
                    r->x = 0;
                    r->row0 = r->row0 + r->rows_strip;
                    r->addr0 = r->addr0 + r->out_strip;
                    r->res0 = r->res0 + r->res_strip;
                    r->strip = r->strip - 1;
                    if (r->strip == 0 && r->chains == 0) {
                        r->start[0].end = true;
                        r->active = false;
                        r->flushed++;
                    } else if (r->strip == 0) {
                        r->chains = r->chains - 1;
                        r->strip = r->strips_all;
                        r->chain_row0 = r->chain_row0 + r->chain_rows;
                        r->chain_addr0 = r->chain_addr0 + r->chain_out;
                        r->row0 = r->chain_row0;
                        r->addr0 = r->chain_addr0;
                        r->filter0 = r->filter0 + r->chain_filters;
                        r->param = r->param + r->chain_params;
                    }
                }
            } else if (done && r->index + 1u == r->sweep) {
                r->index = 0;
                r->pixel = true;
            } else if (done) {
                r->index = r->index + 1;
            }
        }
    }
    if (r->gap != 0)
        r->gap = r->gap - 1;
    r->promised = r->promised + (start_pair ? columns : 0) - (drained ? 1 : 0);

    /* The next group, when nothing of the last one is still in the columns. */
    {
        bool quiet = !r->active && !r->draining && !r->end_due && r->flush.valid == false;
        const bool adds = r->add || RS_GET_U(w, ADD) != 0;

        for (int i = 0; i < DRAIN_DELAY; i++)
            quiet = quiet && !r->start[i].valid;
        if (adds && (r->item_count != 0 || push))
            quiet = false;
        if (quiet && in->group.valid && !r->group_take &&
            r->complete != r->started && r->params != r->started) {
            const uint32_t mode = RS_GET_U(w, MODE);

            r->group_take = true;
            r->macs_each = r->macs_of[r->started & 3u];
            r->started++;
            r->active = true;
            r->bank = !r->bank;
            r->passes = (uint16_t)(RS_GET_U(w, N_CB) * RS_GET_U(w, N_RC));
            r->e = RS_GET_U(w, E);
            r->fx = RS_GET_U(w, FX);
            r->columns = RS_GET_U(w, E) * RS_GET_U(w, FX) * RS_GET_U(w, MX);
            r->strip = RS_GET_U(w, NS);
            r->strips_all = RS_GET_U(w, NS);
            r->chains = RS_GET_U(w, CHAINS) - 1;
            r->fp = RS_GET_U(w, FP) << RS_GET_U(w, WIDE);
            r->wide = RS_WIDE && RS_GET_U(w, WIDE) != 0;
            r->m_valid = RS_GET_U(w, M_VALID);
            r->sweep = mode == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, PAIRS);
            r->filters = mode == RS_MODE_DEPTHWISE ? RS_BLOCK
                       : RS_GET_U(w, WIDE) != 0 ? RS_GET_U(w, PAIRS) : 2 * RS_GET_U(w, PAIRS);
            r->kind = RS_GET_U(w, WIDE) != 0 ? FLUSH_POSITIONS
                    : mode != RS_MODE_DEPTHWISE ? FLUSH_FILTERS
                    : RS_GET_U(w, LOG2_U) == 0 ? FLUSH_POSITIONS : FLUSH_POSITION;
            r->out_e = RS_GET_U(w, OUT_E);
            r->out_f = RS_GET_U(w, OUT_F);
            r->out_row = RS_GET_U(w, OUT_ROW);
            r->out_mb = RS_GET_U(w, OUT_MB);
            r->out_strip = RS_GET_U(w, OUT_ROW) * RS_GET_U(w, OUT_STRIP);
            r->rows_strip = RS_GET_U(w, OUT_STRIP);
            r->chain_out = RS_GET_U(w, CHAIN_OUT);
            r->chain_rows = RS_GET_U(w, CHAIN_ROWS);
            r->chain_filters = RS_GET_U(w, CHAIN_FILTERS);
            r->chain_params = RS_GET_U(w, CHAIN_PARAMS);
            r->out_byte = RS_GET_U(w, OUT_BYTE);
            r->res_row = RS_GET_U(w, RES_ROW);
            r->res_mb = RS_GET_U(w, RES_MB);
            r->res_strip = RS_GET_U(w, RES_ROW) * RS_GET_U(w, OUT_STRIP);
            r->add = RS_GET_U(w, ADD) != 0;
            r->range.zp = RS_GET_S(w, ZP_OUT);
            r->range.min = RS_GET_U(w, WIDE) != 0 ? RS_GET_S(w, WIDE_MIN) : RS_GET_S(w, ACT_MIN);
            r->range.max = RS_GET_U(w, WIDE) != 0 ? RS_GET_S(w, WIDE_MAX) : RS_GET_S(w, ACT_MAX);
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
        } else {
            r->group_take = false;
        }
    }
    if (in->group_end)
        r->macs_of[r->complete & 3u] = in->group_macs;
    r->complete += in->group_end;
    r->params += in->param_end;

    /* Adders: residual operands come in the order of the items, so do the sums. */
    if (in->residual.valid) {
        for (int p = 0; p < 2; p++)
            for (int b = 0; b < RS_BLOCK; b++)
                r->res[r->res_tail].byte[p][b] = in->residual.block[p].byte[b];
    }
    ask = r->add && r->asked < r->item_count && !asked.end &&
          r->res_count + r->res_flying < RES_DEPTH && (!r->read.valid || in->read_ready);
    feeding = r->add && r->fed < r->item_count && !feed.end && r->res_count != 0 &&
              (r->chunk != 0 || r->sum_count + r->sum_flying < READY_DEPTH);
    for (uint32_t i = 0; i < RS_ADD_LANES; i++) {
        const uint32_t at = r->chunk * RS_ADD_LANES + i;

        li[i].acc = (int8_t)feed.pair.byte[at / RS_BLOCK][at % RS_BLOCK];
        li[i].res = (int8_t)r->res[r->res_head].byte[at / RS_BLOCK][at % RS_BLOCK];
        li[i].param = r->add_param;
    }
    if (sum_time.valid) {
        for (uint32_t i = 0; i < RS_ADD_LANES; i++) {
            const uint32_t at = sum_time.chunk * RS_ADD_LANES + i;

            r->sum.byte[at / RS_BLOCK][at % RS_BLOCK] = (uint8_t)r->add_lane_out[i].code;
        }
        sum_push = sum_time.last;
    }
    for (int i = ADD_EDGES - 1; i > 0; i--)
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
        r->read.addr = asked.res_addr;
    }

    new_sum.valid = true;
    new_sum.addr = head.addr;
    for (int i = 0; i < 4; i++) {
        new_sum.mask[i] = i < 2 ? head.mask[i & 1] : 0;
        for (int b = 0; b < RS_BLOCK; b++)
            new_sum.block[i].byte[b] = i >= 2 ? 0 : r->add ? r->sum.byte[i & 1][b]
                                                           : head.pair.byte[i & 1][b];
    }
    if (write_free && r->sum_count != 0) {
        r->write = r->sum_req[r->sum_head];
        sum_pop = true;
    }
    if (r->item_count != 0) {
        if (head.end) {
            if (!r->write.valid && r->writing == 0 && r->sum_count == 0) {
                pop = true;
                r->done++;
            }
        } else if (r->add) {
            pop = sum_push;
        } else if (write_free && r->sum_count == 0) {
            r->write = new_sum;
            pop = true;
        }
    }
    if (sum_push) {
        r->sum_req[r->sum_tail] = new_sum;
        r->sum_flying = r->sum_flying - 1;
    }
    if (push)
        r->item[r->item_tail] = new_item;

    r->sum_head += sum_pop;
    r->sum_tail += sum_push;
    r->sum_count = r->sum_count + sum_push - sum_pop;
    r->res_flying = r->res_flying + ask - in->residual.valid;
    r->res_tail += in->residual.valid;
    r->res_head += fed;
    r->res_count = r->res_count + in->residual.valid - fed;
    r->item_head += pop;
    r->item_tail += push;
    r->item_count = r->item_count + push - pop;
    r->asked = r->asked + ask - (pop && r->add && !head.end ? 1 : 0);
    r->fed = r->fed + fed - (pop && r->add && !head.end ? 1 : 0);

    for (int x = 0; x < RS_COLS; x++)
        foot_clock(&r->foot[x], &fi[x], &r->foot_out[x]);

    if (in->rst) {
        r->active = false;
        r->add = false;
        r->bank = true;                    /* the first group goes to bank 0                    */
        r->columns = 0;
        r->flush.valid = false;
        r->draining = false;
        r->end_due = false;
        r->gap = 0;
        for (int i = 0; i < DRAIN_DELAY; i++)
            r->start[i].valid = false;
        for (int i = 0; i < ADD_EDGES; i++)
            r->add_time[i].valid = false;
        r->item_head = 0;
        r->item_tail = 0;
        r->item_count = 0;
        r->promised = 0;
        r->asked = 0;
        r->fed = 0;
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
        r->started = 0;
        r->flushed = 0;
        r->done = 0;
        r->complete = 0;
        r->params = 0;
        r->group_take = false;
        r->bytes_written = 0;
    }

    out->group_take = r->group_take;
    out->flushed = r->flushed;
    out->done = r->done;
    out->idle = !r->active && !r->draining && !r->end_due && r->item_count == 0 &&
                r->started == r->done;
    out->write = r->write;
    out->read = r->read;
    out->bytes_written = r->bytes_written;
    out->macs = r->macs;
    out->psums = r->psums;
}
