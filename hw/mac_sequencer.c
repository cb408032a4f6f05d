/*
 * mac_sequencer.c - issues one multiply-accumulate a clock to the whole array, or says why not.
 *
 * Nothing stalls inside the array: an operation leaves here only when its words are in the windows
 * and spads and its psums have a place.  Since every operation travels with the same skew,
 * counting what has been sent is exact for every PE.  The results of a step leave a column in `slots` drain
 * slots, one for each chain of its rows, which must not meet the slots of the next results: only the tap that
 * finishes a result waits for them, and where a preset has fewer psum words a clock than columns, for those.
 */
#include "mac_sequencer.h"

void mac_sequencer_clock(struct mac_sequencer *r, const struct mac_sequencer_in *in,
                         struct mac_sequencer_out *out)
{
#pragma HLS PIPELINE II=1
    const uint32_t *w = in->group.words;
    const bool took = r->group_take;
    const bool last_cb = r->cb + 1u == r->n_cb;
    const bool last_rc = r->rc + 1u == r->n_rc;
    const uint32_t nq = last_cb ? r->q_last : r->layout.q;
    const uint32_t nr = last_rc ? r->rp_last : r->layout.rp;
    const bool first_tap = r->qi == 0 && r->i == 0 && r->j == 0;
    const bool last_tap = r->qi + 1u == nq && r->i + 1u == nr && r->j + 1u == r->s;
    const uint32_t column_max = (r->pixel + r->reach + (r->two ? 1u : 0u)) >> 1;
    const bool bank_ok = (uint16_t)(r->started - 1u - in->flushed) <= 1;
    const bool filter_ok = in->passes != r->passes_done;
    const bool ifmap_ok = (uint16_t)(in->loaded - r->column0 - column_max - 1u) < 0x8000u;
    const bool drain_ok = !last_tap || (r->drain_wait == 0 && (RS_PSUM_WORDS >= RS_COLS || r->psum_debt < RS_PSUM_WORDS));
    const bool issue = r->active && bank_ok && filter_ok && ifmap_ok && drain_ok;

    /* Where the tap's pixels are. */
    const uint32_t n = (r->pixel & 1u) + (r->wide ? 2u * r->j : r->j);
    const uint32_t odd_column = r->ring0 + (n >> 1);
    const uint32_t even_column = odd_column + (r->two && (n & 1u) != 0 ? 1u : 0u);
    const bool last_rows = last_cb && (r->flatten || r->qi + 1u == nq);
    const uint32_t rows = last_rows ? r->rows_last : r->chain;
    struct drain_slot slot;

    r->op.mac.valid = issue;
    r->op.mac.first = first_tap;
    r->op.mac.last = last_tap;
    r->op.mac.depthwise = r->two;
    r->op.mac.wide = r->wide;
    r->op.mac.odd = n & 1u;
    r->op.mac.filter_addr = ((r->passes_done & 1u) != 0 ? (uint32_t)RS_FILTER_WORDS : 0u) +
                            r->filter_addr;
    r->op.mac.even_addr = r->slot +
                          (even_column >= r->layout.wc ? even_column - r->layout.wc : even_column);
    r->op.mac.odd_addr = r->slot +
                         (odd_column >= r->layout.wc ? odd_column - r->layout.wc : odd_column);
    r->op.columns = r->columns;
    for (int d = COUNT_DELAY - 1; d > 0; d--)
        r->count_rows[d] = r->count_rows[d - 1];
    r->count_rows[0] = r->rows;
    r->rows = last_rows ? r->mask_last : r->mask;

    r->state = issue ? MAC_COMPUTE : !r->active ? (in->group.valid ? MAC_OVERHEAD : MAC_NO_GROUP)
             : !bank_ok ? MAC_WAIT_PSUM : !filter_ok ? MAC_WAIT_FILTER
             : !ifmap_ok ? MAC_WAIT_IFMAP : MAC_WAIT_DRAIN;

    /* The result that this tap finishes leaves in one or more slots. */
    slot = r->drain;
    slot.valid = r->drain_left != 0;
    slot.group_end = r->drain_left == 1 && r->drain_end;
    if (slot.valid) {
        r->drain.chain_row = r->drain.chain_row - (int32_t)r->drain.chain;
        r->drain.acc.addr = r->drain.acc.addr + r->drain_step;
        r->drain_left = r->drain_left - 1;
    }
    if (r->drain_wait != 0)
        r->drain_wait = r->drain_wait - 1;
    const int32_t debt = (int32_t)r->psum_debt - RS_PSUM_WORDS;        /* negative: room for words of the next result */

    r->psum_debt = debt < 0 ? 0 : debt;

    if (issue && r->strip == 0 && r->x == 0 && r->k == 0)
        r->macs += r->depthwise ? 1 : rows;
    if (issue) {
        const bool last_k = r->k + 1u == r->pairs;
        const uint32_t step = r->two ? 2 : 1;
        const bool last_x = r->x + step == r->fp;
        const bool last_strip = r->strip + 1u == r->strips;
        const bool group_ends = last_tap && last_k && last_x && last_strip && last_cb && last_rc;

        if (last_tap) {
            slot.valid = true;
            slot.chain_row = 0;
            slot.chain = r->depthwise ? 1 : r->chain;
            slot.acc.valid = true;
            slot.acc.bank = r->bank;
            slot.acc.init = r->cb == 0 && r->rc == 0;
            slot.acc.addr = r->entry;
            slot.group_end = group_ends && r->slots == 1;
            r->drain = slot;
            r->drain.chain_row = -(int32_t)slot.chain;
            r->drain.acc.addr = slot.acc.addr + r->slot_step;
            r->drain_step = r->slot_step;
            r->drain_left = r->slots - 1u;
            r->drain_wait = r->slots - 1u;
            r->drain_end = group_ends;
            r->entry = r->entry + r->entry_step;
            r->psum_debt = debt + r->slot_psums;
        }
        r->filter_addr = r->filter_addr + 1;

        if (r->j + 1u != r->s) {
            r->j = r->j + 1;
        } else {
            r->j = 0;
            if (r->i + 1u != nr) {
                r->i = r->i + 1;
                r->slot = r->slot + r->layout.wc;
            } else {
                r->i = 0;
                if (r->qi + 1u != nq) {
                    r->qi = r->qi + 1;
                    r->slot_q = r->slot_q + r->rp_wc;
                } else {
                    r->qi = 0;
                    r->slot_q = 0;
                    if (!last_k) {
                        r->k = r->k + 1;
                    } else {
                        /* The step is over: word columns before the next one's first are free. */
                        const uint32_t pixel = r->pixel + (r->two ? 2u : r->u);
                        const uint32_t moved = (pixel >> 1) - (r->pixel >> 1);
                        const uint32_t rest = r->nj - (r->pixel >> 1);
                        const uint32_t ahead = r->ring0 + (last_x ? rest : moved);

                        r->k = 0;
                        r->filter_addr = 0;
                        r->ring0 = ahead >= r->layout.wc ? ahead - r->layout.wc : ahead;
                        r->freed = r->freed + (uint16_t)(last_x ? rest : moved);
                        if (!last_x) {
                            r->x = r->x + step;
                            r->pixel = pixel;
                        } else {
                            r->x = 0;
                            r->pixel = 0;
                            r->column0 = r->column0 + (uint16_t)r->nj;
                            if (!last_strip) {
                                r->strip = r->strip + 1;
                            } else {
                                r->strip = 0;
                                r->entry = 0;
                                r->passes_done++;
                                if (!last_rc) {
                                    r->rc = r->rc + 1;
                                } else {
                                    r->rc = 0;
                                    r->cb = r->cb + 1;
                                }
                                if (group_ends) {
                                    r->active = false;
                                    r->end_macs[r->end_tail] = r->macs;
                                    r->end_tail = r->end_tail + 1;
                                }
                            }
                        }
                    }
                }
                r->slot = r->slot_q;
            }
        }
    }

    for (int d = ACC_DELAY; d > 0; d--)
        r->line[d] = r->line[d - 1];
    r->line[0] = slot;

    r->group_take = false;
    if (!r->active && !took && in->group.valid) {
        const struct window_layout layout = window_layout_of(w);

        r->group_take = true;
        r->active = true;
        r->started++;
        r->bank = !r->bank;
        r->ring0 = window_layout_same(layout, r->layout) ? r->ring0 : 0;
        r->layout = layout;
        r->flatten = RS_GET_U(w, MODE) == RS_MODE_FLATTEN;
        r->depthwise = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE;
        r->wide = RS_GET_U(w, WIDE) != 0;
        r->two = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE && RS_GET_U(w, LOG2_U) == 0 && RS_GET_U(w, WIDE) == 0;
        r->slots = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, CHAINS);
        r->slot_step = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? 1 : RS_GET_U(w, CHAIN_ENTRIES);
        r->entry_step = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : 1;
        r->mask = RS_GET_U(w, ROWS_MASK);
        r->mask_last = RS_GET_U(w, ROWS_MASK_LAST);
        r->slot_psums = RS_GET_U(w, E) * RS_GET_U(w, FX) * RS_GET_U(w, MX) *
                        (RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, CHAINS));
        r->u = 1u << RS_GET_U(w, LOG2_U) << RS_GET_U(w, WIDE);
        r->s = RS_GET_U(w, S);
        r->reach = RS_GET_U(w, WIDE) != 0 ? 2 * RS_GET_U(w, S) - 1 : RS_GET_U(w, S) - 1;
        r->q_last = RS_GET_U(w, Q_LAST);
        r->rp_last = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? 1 : RS_GET_U(w, RP_LAST);
        r->n_rc = RS_GET_U(w, N_RC);
        r->n_cb = RS_GET_U(w, N_CB);
        r->pairs = RS_GET_U(w, PAIRS);
        r->strips = RS_GET_U(w, NS);
        r->fp = RS_GET_U(w, FP);
        r->nj = RS_GET_U(w, NJ);
        r->chain = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, CHAIN);
        r->rows_last = RS_GET_U(w, ROWS_LAST);
        r->columns = RS_GET_U(w, E) * RS_GET_U(w, FX) * RS_GET_U(w, MX);
        r->rp_wc = layout.rp * layout.wc;
        r->cb = 0;
        r->rc = 0;
        r->strip = 0;
        r->x = 0;
        r->k = 0;
        r->qi = 0;
        r->i = 0;
        r->j = 0;
        r->filter_addr = 0;
        r->slot_q = 0;
        r->slot = 0;
        r->pixel = 0;
        r->entry = 0;
        r->macs = 0;
    }

    if (r->line[ACC_DELAY].valid && r->line[ACC_DELAY].group_end) {
        r->macs_out = r->end_macs[r->end_head];
        r->end_head = r->end_head + 1;
    }

    if (in->rst) {
        r->group_take = false;
        r->active = false;
        r->layout.wc = 0;
        r->bank = true;                    /* the first group goes to bank 0                     */
        r->column0 = 0;
        r->started = 0;
        r->passes_done = 0;
        r->freed = 0;
        r->op.mac.valid = false;
        r->drain_left = 0;
        r->drain_wait = 0;
        r->psum_debt = 0;
        r->end_head = 0;
        r->end_tail = 0;
        r->state = MAC_NO_GROUP;
        for (int d = 0; d <= ACC_DELAY; d++)
            r->line[d].valid = false;
    }

    out->group_take = r->group_take;
    out->op = r->op;
    out->freed = r->freed;
    out->passes_done = r->passes_done;
    out->inject = r->line[INJECT_DELAY].valid;
    out->chain_row = r->line[INJECT_DELAY].chain_row;
    out->chain = r->line[INJECT_DELAY].chain;
    out->count_rows = r->count_rows[COUNT_DELAY - 1];
    out->acc = r->line[ACC_DELAY].acc;
    out->acc.valid = r->line[ACC_DELAY].valid;
    out->group_end = r->line[ACC_DELAY].valid && r->line[ACC_DELAY].group_end;
    out->group_macs = r->macs_out;
    out->state = r->state;
    out->drained = r->line[ACC_DELAY].valid;
    out->idle = !r->active && r->drain_left == 0;
}
