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
    const uint32_t u = 1u << r->log2_u;
    const struct reader_meta head = r->meta[r->meta_head];
    const struct reader_pair front = r->data[r->data_head];
    const bool head_ready = r->meta_count != 0 && (!head.read || r->data_count != 0);
    bool room = true, meta_push = false;
    struct reader_meta meta;

    /* Words whose data are there go to the lanes. */
    for (uint32_t row = 0; row < RS_ROWS; row++) {
        const struct row_pair pair = r->pair[row];
        const uint32_t from = head.row - pair.row;
        const bool match = !r->flatten || (head.row >= pair.row && (from & (u - 1u)) == 0 &&
                                           (from >> r->log2_u) < r->e);
        const uint32_t channel = r->flatten ? pair.channel + head.qi : r->mapped ? pair.channel : row;
        const bool real = !r->flatten || pair.real;
        const int32_t even = (int8_t)front.even.byte[channel & (RS_BLOCK - 1u)];
        const int32_t odd = (int8_t)front.odd.byte[channel & (RS_BLOCK - 1u)];

        room = room && r->room[row] > r->meta_count;
        r->push[row] = head_ready && match;
        r->word[row].even = (int16_t)(head.real0 && real ? even - r->zp : 0);
        r->word[row].odd = (int16_t)(head.real1 && real ? odd - r->zp : 0);
        r->room[row] = (uint8_t)(r->room[row] + in->popped - r->push[row]) & 63u;
    }
    if (in->data.valid) {
        r->data[r->data_tail].even = in->data.block[0];
        r->data[r->data_tail].odd = in->data.block[1];
    }

    /* The next word. */
    const bool last_cb = r->cb + 1u == r->n_cb;
    const bool last_rc = r->rc + 1u == r->n_rc;
    const uint32_t nq = last_cb ? r->q_last : r->q;
    const uint32_t nr = last_rc ? r->rp_last : r->rp;
    const bool h_in = r->h >= 0 && (uint32_t)r->h < r->if_h;

    meta.real0 = h_in && r->x >= 0 && (uint32_t)r->x < r->if_w;
    meta.real1 = h_in && r->x >= -1 && (uint32_t)(r->x + 1) < r->if_w;
    meta.read = meta.real0 || meta.real1;
    meta.row = r->hh;
    meta.qi = r->qi;

    r->read_taken = r->read.valid && in->read_ready;
    if (r->read_taken)
        r->read.valid = false;
    if (r->active && !r->programming && room && r->meta_count != READER_META && !r->read.valid) {
        meta_push = true;
        r->read.valid = meta.read;
        r->read.addr = r->addr + (uint32_t)r->x;

        if (r->hh + 1u != r->span + nr) {
            r->hh = r->hh + 1;
            r->h = r->h + 1;
            r->addr = r->addr + r->if_row;
        } else {
            r->hh = 0;
            if (r->qi + 1u != nq) {
                r->qi = r->qi + 1;
                r->addr_q = r->addr_q + (r->flatten ? 0 : r->if_cb);
            } else {
                r->qi = 0;
                if (r->f + 1u != r->fx) {
                    r->f = r->f + 1;
                    r->x = r->x + (int32_t)r->tile_step;
                } else {
                    r->f = 0;
                    if (r->j + 1u != r->nj) {
                        r->j = r->j + 1;
                        r->x_word = r->x_word + 2;
                    } else {
                        r->j = 0;
                        r->x_word = r->x0;
                        if (r->strip + 1u != r->strips) {
                            r->strip = r->strip + 1;
                            r->h_strip = r->h_strip + (int32_t)r->rows_strip;
                            r->addr_strip = r->addr_strip + r->step_strip;
                        } else {
                            r->strip = 0;
                            if (!last_rc) {
                                r->rc = r->rc + 1;
                                r->h_rc = r->h_rc + (int32_t)r->rp;
                                r->addr_rc = r->addr_rc + r->step_rc;
                            } else {
                                r->rc = 0;
                                r->h_rc = r->h0;
                                if (!r->flatten || r->block_ends)
                                    r->addr_cb = r->addr_cb + r->step_cb;
                                r->addr_rc = r->addr_cb;
                                r->cb = r->cb + 1;
                                r->active = !last_cb;
                                r->programming = r->flatten && !last_cb;
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
    } else if (r->programming && r->meta_count == 0) {
        /* One row a clock, once the words of the last pass have gone. */
        const bool real = r->prog_i < (last_cb ? r->rows_last : r->chain) && r->prog_chain < r->chains;

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
            const bool wraps = r->prog_r + 1u == r->rp;
            const uint32_t next_channel = r->prog_channel + (wraps ? nq : 0);
            const uint32_t next_r = wraps ? 0 : r->prog_r + 1u;

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
    r->meta_head += head_ready;
    r->meta_count = r->meta_count + meta_push - head_ready;
    r->data_tail += in->data.valid;
    r->data_head += head_ready && head.read;
    r->data_count = r->data_count + in->data.valid - (head_ready && head.read);

    /* The next group: its mode must not change under words that are still on their way. */
    r->waiting_load = false;
    r->waiting_other = false;
    const bool took = r->group_take;

    r->group_take = false;
    if (!r->active && !took && in->group.valid && r->meta_count == 0) {
        if (waits_over(w, in->counts)) {
            r->group_take = true;
            r->active = true;
            r->flatten = RS_GET_U(w, MODE) == RS_MODE_FLATTEN;
            r->mapped = RS_GET_U(w, MODE) == RS_MODE_FLATTEN || RS_GET_U(w, MULTIPLIER) > 1;
            r->programming = RS_GET_U(w, MODE) == RS_MODE_FLATTEN || RS_GET_U(w, MULTIPLIER) > 1;
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
            r->log2_u = RS_GET_U(w, LOG2_U);
            r->e = RS_GET_U(w, E);
            r->fx = RS_GET_U(w, FX);
            r->strips = RS_GET_U(w, NS);
            r->q = RS_GET_U(w, Q);
            r->q_last = RS_GET_U(w, Q_LAST);
            r->rp = RS_GET_U(w, RP);
            r->rp_last = RS_GET_U(w, RP_LAST);
            r->chain = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? RS_GET_U(w, CHAIN) : RS_ROWS;
            r->chains = RS_GET_U(w, CHAINS);
            r->block_channels = RS_GET_U(w, BLOCK_CHANNELS);
            r->rows_chain = RS_GET_U(w, CHAIN_ROWS) << RS_GET_U(w, LOG2_U);
            r->rows_last = RS_GET_U(w, ROWS_LAST);
            r->nj = RS_GET_U(w, NJ);
            r->n_cb = RS_GET_U(w, N_CB);
            r->n_rc = RS_GET_U(w, N_RC);
            r->tile_step = RS_GET_U(w, FP) << RS_GET_U(w, LOG2_U) << RS_GET_U(w, WIDE);
            r->span = RS_GET_U(w, SPAN);
            r->rows_strip = RS_GET_U(w, IF_STRIP);
            r->if_row = RS_GET_U(w, IF_ROW);
            r->if_cb = RS_GET_U(w, IF_CB);
            r->if_w = RS_GET_U(w, IF_W);
            r->if_h = RS_GET_U(w, IF_H);
            r->step_cb = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? RS_GET_U(w, IF_CB)
                       : RS_GET_U(w, IF_CB) * RS_GET_U(w, Q);
            r->step_rc = RS_GET_U(w, IF_ROW) * RS_GET_U(w, RP);
            r->step_strip = RS_GET_U(w, IF_ROW) * RS_GET_U(w, IF_STRIP);
            r->x0 = RS_GET_S(w, X0);
            r->h0 = RS_GET_S(w, H0);
            r->zp = RS_GET_S(w, ZP_IN);
            r->cb = 0;
            r->rc = 0;
            r->strip = 0;
            r->j = 0;
            r->f = 0;
            r->qi = 0;
            r->hh = 0;
            r->h_rc = r->h0;
            r->h_strip = r->h0;
            r->h = r->h0;
            r->x_word = r->x0;
            r->x = r->x0;
            r->addr_cb = RS_GET_U(w, IF_BASE) + (uint32_t)RS_GET_S(w, H0) * RS_GET_U(w, IF_ROW);
            r->addr_rc = r->addr_cb;
            r->addr_strip = r->addr_cb;
            r->addr_q = r->addr_cb;
            r->addr = r->addr_cb;
        } else {
            r->waiting_load = (uint16_t)(in->counts.load - RS_GET_U(w, WAIT_LOAD)) >= 0x8000u;
            r->waiting_other = !r->waiting_load;
        }
    }

    if (in->rst) {
        r->group_take = false;
        r->active = false;
        r->programming = false;
        r->read.valid = false;
        r->read_taken = false;
        r->meta_head = 0;
        r->meta_tail = 0;
        r->meta_count = 0;
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
