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
#include "times.h"

void mac_sequencer_clock(struct mac_sequencer *r, const struct mac_sequencer_in *in,
                         struct mac_sequencer_out *out)
{
#pragma HLS PIPELINE II=1
    const uint32_t *w = in->group.words;
    const bool took = r->group_take;
    const bool last_rows = r->cb.last && (r->flatten || r->qi.last);
    const uint32_t rows = last_rows ? r->rows_last : r->chain;
    const bool last_tap = r->qi.last && r->i.last && r->j.last;
    /* Counts that differ by less than 128, 8 and 8. */
    const bool ifmap_ok = (uint8_t)(in->loaded - r->bound) < 128;
    const bool filter_ok = ((in->passes ^ r->passes_done) & 7u) != 0;
    const bool bank_ok = ((r->started - 1u - in->flushed) & 7u) <= 1;
    const bool drain_ok = !last_tap || (r->drain_wait == 0 && (RS_PSUM_WORDS >= RS_COLS || r->psum_debt < RS_PSUM_WORDS));
    const bool issue = r->active && bank_ok && filter_ok && ifmap_ok && drain_ok;

    /* Where the tap's pixels are: in one word column, or the even one in the next. */
    const uint32_t next_ring = r->ring + 1u == r->layout.wc ? 0 : r->ring + 1u;
    struct drain_slot slot;

    r->op.mac.valid = issue;
    r->op.mac.first = r->first_tap;
    r->op.mac.last = last_tap;
    r->op.mac.depthwise = r->two;
    r->op.mac.wide = r->wide;
    r->op.mac.odd = r->tap_odd;
    r->op.mac.filter_addr = ((r->passes_done & 1u) != 0 ? (uint32_t)RS_FILTER_WORDS : 0u) +
                            r->filter_addr;
    r->op.mac.even_addr = r->slot + (r->two && r->tap_odd ? next_ring : r->ring);
    r->op.mac.odd_addr = r->slot + r->ring;
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

    if (issue && r->first_result)
        r->macs += r->depthwise ? 1 : rows;
    if (issue) {
        const bool group_ends = last_tap && r->k.last && r->x.last && r->strip.last && r->cb.last && r->rc.last;

        if (last_tap) {
            slot.valid = true;
            slot.chain_row = 0;
            slot.chain = r->depthwise ? 1 : r->chain;
            slot.acc.valid = true;
            slot.acc.bank = r->bank;
            slot.acc.init = r->first_pass;
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
            r->first_result = false;
        }
        r->filter_addr = r->filter_addr + 1;
        r->first_tap = last_tap;
        if (!r->j.last) {
            r->ring = r->wide || r->tap_odd ? next_ring : r->ring;
            r->tap_odd = !r->wide && !r->tap_odd;
        } else {
            const uint32_t next_q = r->qi.last ? 0 : r->slot_q + r->rp_wc;

            r->ring = r->ring0;
            r->tap_odd = r->odd;
            r->slot = r->slot + r->layout.wc;
            if (r->i.last) {
                r->slot_q = next_q;
                r->slot = next_q;
            }
        }
        if (last_tap && r->k.last) {
            /* The step is over: word columns before the next one's first are free. */
            const uint32_t step = r->two ? 1u : r->u == 1 ? (r->odd ? 1u : 0u) : (uint32_t)r->u >> 1;
            const uint32_t moved = r->x.last ? (uint32_t)r->rest : step;
            const bool odd = !r->x.last && !r->two && r->u == 1 && !r->odd;
            const uint32_t ahead = r->ring0 + moved;

            r->filter_addr = 0;
            r->ring0 = ahead >= r->layout.wc ? ahead - r->layout.wc : ahead;
            r->freed = r->freed + (uint16_t)moved;
            r->odd = odd;
            r->ring = r->ring0;
            r->tap_odd = odd;
            r->bound = r->freed + (odd ? r->need_odd : r->need);
            r->rest = r->x.last ? r->nj : r->rest - moved;
            if (r->x.last && r->strip.last) {
                const struct steps cb = r->rc.last ? steps_next(r->cb, 0) : r->cb;
                const struct steps rc = steps_next(r->rc, r->n_rc);

                r->entry = 0;
                r->first_pass = false;
                r->first_result = true;
                r->passes_done++;
                r->cb = cb;
                r->rc = rc;
                r->nq = cb.last ? r->q_last : r->layout.q;
                r->nr = rc.last ? r->rp_last : r->layout.rp;
                if (group_ends) {
                    r->active = false;
                    r->end_macs[r->end_tail] = r->macs;
                    r->end_tail = r->end_tail + 1;
                }
            }
            if (r->x.last)
                r->strip = steps_next(r->strip, r->strips);
            r->x = steps_next(r->x, r->row_steps);
        }
        if (last_tap)
            r->k = steps_next(r->k, r->pairs);
        if (r->j.last && r->i.last)
            r->qi = steps_next(r->qi, r->nq);
        if (r->j.last)
            r->i = steps_next(r->i, r->nr);
        r->j = steps_next(r->j, r->s);
    }

    for (int d = ACC_DELAY; d > 0; d--)
        r->line[d] = r->line[d - 1];
    r->line[0] = slot;

    r->group_take = false;
    if (!r->active && r->ahead) {
        const struct window_layout layout = window_layout_of(w);

        r->group_take = true;
        r->active = true;
        r->started++;
        r->bank = !r->bank;
        r->ring0 = window_layout_same(layout, r->layout) ? r->ring0 : 0;
        r->layout = layout;
        r->flatten = RS_GET_U(w, MODE) == RS_MODE_FLATTEN;
        r->depthwise = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE;
        r->wide = RS_WIDE && RS_GET_U(w, WIDE) != 0;
        r->two = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE && RS_GET_U(w, LOG2_U) == 0 && RS_GET_U(w, WIDE) == 0;
        r->slots = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, CHAINS);
        r->slot_step = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? 1 : RS_GET_U(w, CHAIN_ENTRIES);
        r->entry_step = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : 1;
        r->mask = RS_GET_U(w, ROWS_MASK);
        r->mask_last = RS_GET_U(w, ROWS_MASK_LAST);
        r->slot_psums = r->ahead_psums;
        r->u = 1u << RS_GET_U(w, LOG2_U) << RS_GET_U(w, WIDE);
        r->s = RS_GET_U(w, S);
        r->q_last = RS_GET_U(w, Q_LAST);
        r->rp_last = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? 1 : RS_GET_U(w, RP_LAST);
        r->n_rc = RS_GET_U(w, N_RC);
        r->pairs = RS_GET_U(w, PAIRS);
        r->strips = RS_GET_U(w, NS);
        r->row_steps = r->two ? RS_GET_U(w, FP) >> 1 : RS_GET_U(w, FP);
        r->nj = RS_GET_U(w, NJ);
        r->chain = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, CHAIN);
        r->rows_last = RS_GET_U(w, ROWS_LAST);
        r->columns = r->ahead_columns;
        r->rp_wc = r->ahead_rp_wc;
        r->need = r->ahead_need;
        r->need_odd = r->ahead_need_odd;
        r->bound = r->freed + r->ahead_need;
        r->cb = steps_of(RS_GET_U(w, N_CB));
        r->rc = steps_of(RS_GET_U(w, N_RC));
        r->nq = r->cb.last ? r->q_last : layout.q;
        r->nr = r->rc.last ? r->rp_last : layout.rp;
        r->strip = steps_of(r->strips);
        r->x = steps_of(r->row_steps);
        r->k = steps_of(r->pairs);
        r->qi = steps_of(r->nq);
        r->i = steps_of(r->nr);
        r->j = steps_of(r->s);
        r->first_pass = true;
        r->first_result = true;
        r->first_tap = true;
        r->odd = false;
        r->ring = r->ring0;
        r->tap_odd = false;
        r->rest = r->nj;
        r->filter_addr = 0;
        r->slot_q = 0;
        r->slot = 0;
        r->entry = 0;
        r->macs = 0;
    }
    {
        const uint32_t columns = times(times(RS_GET_U(w, E), RS_GET_U(w, FX)) & 31u, RS_GET_U(w, MX)) & 31u;
        const uint32_t results = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE ? RS_ROWS : RS_GET_U(w, CHAINS);
        const uint32_t bytes = RS_GET_U(w, S) << RS_GET_U(w, WIDE);
        const bool two = RS_GET_U(w, MODE) == RS_MODE_DEPTHWISE && RS_GET_U(w, LOG2_U) == 0 && RS_GET_U(w, WIDE) == 0;

        r->ahead = in->group.valid && !took && !r->group_take;
        r->ahead_columns = columns;
        r->ahead_psums = RS_PSUM_WORDS < RS_COLS ? times(columns, results) : 0;
        r->ahead_rp_wc = times(RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? 1 : RS_GET_U(w, RP), RS_GET_U(w, WC));
        r->ahead_need = (bytes + 1u + two) >> 1;
        r->ahead_need_odd = (bytes + 2u + two) >> 1;
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
        r->ahead = false;
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
