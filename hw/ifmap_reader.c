/*
 * ifmap_reader.c - walks the ifmap of every pass and fills the row lanes with it.
 *
 * A word is two neighbouring pixels of one channel.  One read of a pixel pair gives every row its
 * word (row r: channel r of the block).  In FLATTEN mode a read is offered to all rows, and a
 * row takes it if its (channel, filter row) has a use for that ifmap row: the lanes then hold, for
 * every row, the word of column y = 0, then of y = 1, and so on, and leave the array's diagonal to the
 * lanes' order.  Each chain of a column has the same pairs, or those of ofmap rows further down.  With a
 * depthwise multiplier several rows take the same channel.  Pixels outside the ifmap are real zero,
 * which the zero point, subtracted here, makes 0; they are not read.
 */
#include "ifmap_reader.h"

void ifmap_reader_clock(struct ifmap_reader *r, const struct ifmap_reader_in *in,
                        struct ifmap_reader_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->meta type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->data type=ram_2p impl=lutram
#pragma HLS ARRAY_PARTITION variable=r->room complete
    const uint32_t *w = in->group.words;
    const bool took = r->group_take;
    const struct reader_meta head = r->head;
    const struct reader_meta next = r->meta[r->meta_head];
    const struct reader_pair front = r->data[r->data_head];
    const bool head_ready = r->head_valid && (!head.read || r->data_count != 0);
    const bool pop = (head_ready || !r->head_valid) && r->meta_head != r->meta_tail;
    const bool idle = !r->active && (r->meta_count == 0 || (r->meta_count == 1 && head_ready));
    const bool tile_ends = r->h_last && r->q_steps.last;
    const bool strip_ends = tile_ends && r->f.last && r->j.last;
    bool one = true, two = true, meta_push;        /* words for which every lane has room          */
    struct reader_meta meta;

    /* A group that was taken at the last edge: its products. */
    if (took) {
        r->addr_cb = r->ahead;
        r->addr_rc = r->ahead;
        r->addr_strip = r->ahead;
        r->addr_q = r->ahead;
        r->addr = r->ahead;
    }
    if (r->took)
        r->step_strip = r->ahead;
    r->took = took;
    r->ahead = (took ? 0 : RS_GET_U(w, IF_BASE)) +
               (took ? RS_GET_U(w, IF_STRIP) : (uint32_t)RS_GET_S(w, H0)) % (1u << RS_GLB_ADDR_BITS) *
                   (RS_GET_U(w, IF_ROW) % (1u << RS_GLB_ADDR_BITS));

    /* The next word. */
    const bool h_in = (uint16_t)r->h < r->if_h;

    meta.real0 = h_in && (uint16_t)r->x < r->if_w;
    meta.real1 = h_in && (uint16_t)(r->x + 1) < r->if_w;
    meta.read = meta.real0 || meta.real1;
    meta.qi = r->flatten ? r->qi : 0;
    meta.rows = 0;
    for (uint32_t row = 0; row < RS_ROWS; row++) {
        const uint32_t from = (r->hh - r->pair[row].row) & 511u;

        if (!r->flatten || (from < r->e_u && (from & (r->u - 1u)) == 0))
            meta.rows = meta.rows | 1u << row;
    }
    r->read_taken = r->read.valid && in->read_ready;
    if (r->read_taken)
        r->read.valid = false;
    meta_push = r->active && !r->programming && r->roomy && r->meta_count != READER_META && !r->read.valid &&
                !r->unstepped;
    r->unstepped = false;

    /* Words whose data are there go to the lanes. */
    for (uint32_t row = 0; row < RS_ROWS; row++) {
        const uint32_t channel = r->channel[row] & (RS_BLOCK - 1u);
        const uint32_t left = ((uint32_t)r->room[row] - r->meta_count) & 63u;   /* after what is on its way     */
        const bool real = r->pair[row].real;

        one = one && left != 0;
        two = two && left > 1;
        r->push[row] = head_ready && ((head.rows >> row) & 1u) != 0;
        r->word[row].even = head.real0 && real ? front.even[channel].code : 0;
        r->word[row].odd = head.real1 && real ? front.odd[channel].code : 0;
        r->room[row] = (uint8_t)level_after(r->room[row], in->popped, r->push[row]);
        if (pop)
            r->channel[row] = (r->pair[row].channel + next.qi) & (RS_BLOCK - 1u);
    }
    r->roomy = meta_push ? two : one;
    if (pop)
        r->head = next;
    r->head_valid = pop || (r->head_valid && !head_ready);
    if (in->data.valid) {
        for (uint32_t b = 0; b < RS_BLOCK; b++) {
            r->data[r->data_tail].even[b].code = (int8_t)in->data.block[0].byte[b] - r->zp;
            r->data[r->data_tail].odd[b].code = (int8_t)in->data.block[1].byte[b] - r->zp;
        }
    }

    if (meta_push) {
        const bool column_ends = tile_ends && r->f.last, chunk_ends = strip_ends && r->strip.last;
        const bool pass_ends = chunk_ends && r->rc.last;
        const uint32_t row_addr = r->addr + r->if_row, block_addr = r->addr_q + r->if_cb;

        r->read.valid = meta.read;
        r->read.addr = (r->addr + (uint32_t)r->x) % (1u << RS_GLB_ADDR_BITS);

        /* Loops that start again start where the first turn of them has passed. */
        if (r->first_strip && r->qi == 0 && r->hh + 1u == r->rp)
            r->next_rc = row_addr;
        if (r->first_strip && r->first_rc && tile_ends)
            r->next_cb = block_addr;

        if (!r->h_last) {
            r->hh = r->hh + 1;
            r->h = r->h + 1;
            r->addr = row_addr;
        } else {
            r->hh = 0;
            if (!tile_ends) {
                r->qi = r->qi + 1;
                r->addr_q = r->flatten ? r->addr_q : block_addr;
            } else {
                r->qi = 0;
                if (!r->f.last) {
                    r->x = r->x + (int32_t)r->tile_step;
                } else {
                    if (!r->j.last) {
                        r->x_word = r->x_word + 2;
                    } else {
                        r->x_word = r->x0;
                        if (!r->strip.last) {
                            r->h_strip = r->h_strip + (int32_t)r->rows_strip;
                            r->addr_strip = r->addr_strip + r->step_strip;
                        } else {
                            if (!r->rc.last) {
                                r->h_rc = r->h_rc + (int32_t)r->rp;
                                r->addr_rc = r->next_rc;
                            } else {
                                r->h_rc = r->h0;
                                if (!r->flatten || r->block_ends)
                                    r->addr_cb = r->next_cb;
                                r->addr_rc = r->addr_cb;
                            }
                            r->h_strip = r->h_rc;
                            r->addr_strip = r->addr_rc;
                        }
                    }
                    r->x = r->x_word;
                }
                r->addr_q = r->addr_strip;
            }
            r->h = r->h_strip;
            r->addr = r->addr_q;
        }

        if (pass_ends) {
            r->active = !r->cb.last;
            r->programming = r->flatten && !r->cb.last;
            r->cb = steps_next(r->cb, 0);
            r->nq = r->cb.last ? r->q_last : r->q;
        }
        if (chunk_ends) {
            r->first_rc = r->rc.last;
            r->rc = few_steps_next(r->rc, r->n_rc);
        }
        if (strip_ends) {
            r->first_strip = r->strip.last;
            r->strip = few_steps_next(r->strip, r->strips);
        }
        if (column_ends)
            r->j = steps_next(r->j, r->nj);
        if (tile_ends)
            r->f = few_steps_next(r->f, r->fx);
        if (r->h_last)
            r->q_steps = few_steps_next(r->q_steps, r->nq);
        r->h_last = r->hh == (r->rc.last ? r->span_end_last : r->span_end);
    } else if (r->programming && r->meta_count == 0) {
        /* One row a clock, once the words of the last pass have gone. */
        const bool real = !r->flatten || (r->prog_i < (r->cb.last ? r->rows_last : r->chain) && r->prog_chain < r->chains);

        for (uint32_t row = 0; row < RS_ROWS; row++) {
            if (row == r->prog_row) {
                r->pair[row].real = real;
                r->pair[row].channel = r->prog_channel;
                r->pair[row].row = real ? r->prog_base + r->prog_r : 0;
            }
        }
        if (!r->flatten) {
            if (r->phase + 1u != r->multiplier) {
                r->phase = r->phase + 1;
            } else {
                r->phase = 0;
                r->prog_channel = r->prog_channel + 1;
            }
        } else {
            const uint32_t next_channel = r->prog_channel + (r->wraps ? r->nq : 0);
            const uint32_t next_r = r->wraps ? 0 : r->prog_r + 1u;

            if (r->prog_i + 1u != r->chain) {
                r->prog_i = r->prog_i + 1;
                r->prog_channel = next_channel;
                r->prog_r = next_r;
            } else {
                /* The next chain starts as this one did; the next pass where the first one ends. */
                if (r->prog_chain == 0) {
                    r->block_ends = next_channel == r->block_channels;
                    r->next_channel = next_channel == r->block_channels ? 0 : next_channel;
                    r->next_r = next_r;
                }
                r->prog_i = 0;
                r->prog_chain = r->prog_chain + 1;
                r->prog_base = r->prog_base + r->rows_chain;
                r->prog_channel = r->pass_channel;
                r->prog_r = r->pass_r;
            }
        }
        if (r->prog_row + 1u == RS_ROWS) {
            r->prog_row = 0;
            r->prog_i = 0;
            r->prog_chain = 0;
            r->prog_base = 0;
            if (r->flatten) {
                r->pass_channel = r->next_channel;
                r->pass_r = r->next_r;
                r->prog_channel = r->next_channel;
                r->prog_r = r->next_r;
            }
            r->programming = false;
        } else {
            r->prog_row = r->prog_row + 1;
        }
    }

    if (meta_push)
        r->meta[r->meta_tail] = meta;
    r->meta_tail += meta_push;
    r->meta_head += pop;
    r->meta_count = r->meta_count + meta_push - head_ready;
    r->data_tail += in->data.valid;
    r->data_head += head_ready && head.read;
    r->data_count = r->data_count + in->data.valid - (head_ready && head.read);

    /* The next group: its mode must not change under words that are still on their way. */
    r->waiting_load = false;
    r->waiting_other = false;
    r->group_take = false;
    if (idle && !took && in->group.valid) {
        if (waits_over(w, in->counts)) {
            r->group_take = true;
            r->active = true;
            r->flatten = RS_GET_U(w, MODE) == RS_MODE_FLATTEN;
            r->programming = RS_GET_U(w, MODE) == RS_MODE_FLATTEN || RS_GET_U(w, MULTIPLIER) > 1;
            for (uint32_t row = 0; row < RS_ROWS; row++) {
                r->pair[row].real = true;
                r->pair[row].channel = row;
            }
            r->multiplier = RS_GET_U(w, MULTIPLIER);
            r->phase = RS_GET_U(w, PHASE0);
            r->prog_row = 0;
            r->prog_i = 0;
            r->prog_chain = 0;
            r->prog_base = 0;
            r->prog_channel = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? 0 : RS_GET_U(w, CHANNEL0);
            r->prog_r = 0;
            r->pass_channel = 0;
            r->pass_r = 0;
            r->u = 1u << RS_GET_U(w, LOG2_U);
            r->e_u = RS_GET_U(w, E) << RS_GET_U(w, LOG2_U);
            r->fx = RS_GET_U(w, FX);
            r->strips = RS_GET_U(w, NS);
            r->q = RS_GET_U(w, Q);
            r->q_last = RS_GET_U(w, Q_LAST);
            r->rp = RS_GET_U(w, RP);
            r->chain = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? RS_GET_U(w, CHAIN) : RS_ROWS;
            r->chains = RS_GET_U(w, CHAINS);
            r->block_channels = RS_GET_U(w, BLOCK_CHANNELS);
            r->rows_chain = RS_GET_U(w, CHAIN_ROWS) << RS_GET_U(w, LOG2_U);
            r->rows_last = RS_GET_U(w, ROWS_LAST);
            r->nj = RS_GET_U(w, NJ);
            r->n_rc = RS_GET_U(w, N_RC);
            r->tile_step = RS_GET_U(w, FP) << RS_GET_U(w, LOG2_U) << RS_GET_U(w, WIDE);
            r->span_end = RS_GET_U(w, SPAN) + RS_GET_U(w, RP) - 1u;
            r->span_end_last = RS_GET_U(w, SPAN) + RS_GET_U(w, RP_LAST) - 1u;
            r->rows_strip = RS_GET_U(w, IF_STRIP);
            r->if_row = RS_GET_U(w, IF_ROW) % (1u << RS_GLB_ADDR_BITS);
            r->if_cb = RS_GET_U(w, IF_CB) % (1u << RS_GLB_ADDR_BITS);
            r->if_w = RS_GET_U(w, IF_W);
            r->if_h = RS_GET_U(w, IF_H);
            r->x0 = RS_GET_S(w, X0);
            r->h0 = RS_GET_S(w, H0);
            r->zp = RS_GET_S(w, ZP_IN);
            r->cb = steps_of(RS_GET_U(w, N_CB));
            r->rc = few_steps_of(RS_GET_U(w, N_RC));
            r->strip = few_steps_of(RS_GET_U(w, NS));
            r->j = steps_of(RS_GET_U(w, NJ));
            r->f = few_steps_of(RS_GET_U(w, FX));
            r->nq = r->cb.last ? r->q_last : r->q;
            r->q_steps = few_steps_of(r->nq);
            r->qi = 0;
            r->hh = 0;
            r->h_last = (r->rc.last ? r->span_end_last : r->span_end) == 0;
            r->first_strip = true;
            r->first_rc = true;
            r->unstepped = r->h_last && r->q_steps.last && r->f.last && r->j.last;
            r->h_rc = r->h0;
            r->h_strip = r->h0;
            r->h = r->h0;
            r->x_word = r->x0;
            r->x = r->x0;
        } else {
            r->waiting_load = (uint16_t)(in->counts.load - RS_GET_U(w, WAIT_LOAD)) >= 0x8000u;
            r->waiting_other = !r->waiting_load;
        }
    }

    r->wraps = r->prog_r + 1u == r->rp;
    if (in->rst) {
        r->group_take = false;
        r->active = false;
        r->programming = false;
        r->read.valid = false;
        r->read_taken = false;
        r->roomy = false;
        r->unstepped = false;
        r->meta_head = 0;
        r->meta_tail = 0;
        r->meta_count = 0;
        r->head_valid = false;
        r->data_head = 0;
        r->data_tail = 0;
        r->data_count = 0;
        for (int row = 0; row < RS_ROWS; row++) {
            r->room[row] = LANE_DEPTH - 1;
            r->push[row] = false;
        }
    }

    out->group_take = r->group_take;
    out->read = r->read;
    out->read_taken = r->read_taken;
    for (int row = 0; row < RS_ROWS; row++) {
        out->push[row] = r->push[row];
        out->word[row] = r->word[row];
    }
    out->idle = !r->active && r->meta_count == 0;
    out->waiting_load = r->waiting_load;
    out->waiting_other = r->waiting_other;
}
