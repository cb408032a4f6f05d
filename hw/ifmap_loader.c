/*
 * ifmap_loader.c - lets the words that wait in the lanes into the array, and says whose they are.
 *
 * The window of a PE is a ring of word columns (two pixels wide).  A column may be loaded when the
 * ring has room, that is when the multiplies that need the column it replaces have all been issued:
 * operations keep their order in the array, so issued is as good as done.  With a stride wider than the
 * filter, columns are free before they are loaded: then `started` is behind `freed`.  Both count word columns, which
 * differ by less than 128.
 */
#include "ifmap_loader.h"
#include "times.h"

void ifmap_loader_clock(struct ifmap_loader *r, const struct ifmap_loader_in *in,
                        struct ifmap_loader_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->level complete
    const uint32_t *w = in->group.words;
    const bool took = r->group_take;
    const bool last = r->h.last && r->qi.last && r->f.last && r->j.last && r->strip.last && r->rc.last && r->cb.last;
    const bool room = (uint8_t)(in->freed - r->bound) < 128;
    const uint8_t started = r->started;
    const bool drained = started == (uint8_t)in->freed;
    bool words = true, issue;

    for (int row = 0; row < RS_ROWS; row++)
        words = words && r->level[row] != 0;
    issue = r->active && words && (!r->first || room);
    for (int row = 0; row < RS_ROWS; row++)
        r->level[row] = (uint8_t)level_after(r->level[row], in->push[row], issue);
    if (took)
        r->rp_wc = r->ahead_rp_wc;

    r->op.valid = issue;
    r->op.tile = r->tile;
    r->op.d = (int32_t)r->hh;
    r->op.d0 = (int32_t)r->hh;
    r->op.addr = r->addr + r->ring;
    r->op.addr0 = r->addr + r->ring;
    r->op.rows = r->layout.flatten ? 1 : r->nr;
    r->op.u = r->layout.flatten ? 1 : r->u;
    r->op.u_wc = r->layout.flatten ? 0 : r->u_wc;
    r->op.place.y = 0;
    r->op.place.f = 0;
    r->op.place.g = 0;
    r->op.shape = r->shape;

    if (issue) {
        const bool block_ends = r->h.last, tile_ends = block_ends && r->qi.last;
        const bool column_ends = tile_ends && r->f.last, strip_ends = column_ends && r->j.last;
        const bool pass_ends = strip_ends && r->strip.last;

        if (r->first) {
            r->started = (uint8_t)(r->started + 1u);
            r->bound = (uint8_t)(r->bound + 1u);
        }
        r->first = column_ends;
        r->hh = block_ends ? 0 : r->hh + 1;
        if (block_ends) {
            r->addr_q = tile_ends ? 0 : r->addr_q + r->rp_wc;
            r->addr = r->addr_q;
        } else if (!r->layout.flatten) {
            r->addr = r->addr + r->layout.wc;
        }
        if (tile_ends)
            r->tile = r->f.last ? 0 : r->tile + 1;
        if (column_ends) {
            r->loaded = (uint8_t)(r->loaded + 1u);
            r->ring = r->ring + 1u == r->layout.wc ? 0 : r->ring + 1;
        }
        if (pass_ends) {
            const struct steps cb = r->rc.last ? steps_next(r->cb, 0) : r->cb;
            const struct few_steps rc = few_steps_next(r->rc, r->n_rc);

            r->active = !last;
            r->cb = cb;
            r->rc = rc;
            r->nq = cb.last ? r->q_last : r->layout.q;
            r->nr = rc.last ? r->rp_last : r->layout.rp;
        }
        if (strip_ends)
            r->strip = few_steps_next(r->strip, r->strips);
        if (column_ends)
            r->j = steps_next(r->j, r->nj);
        if (tile_ends)
            r->f = few_steps_next(r->f, r->shape.fx);
        if (block_ends)
            r->qi = few_steps_next(r->qi, r->nq);
        r->h = steps_next(r->h, r->rc.last ? r->rows_last : r->rows);
    }

    /* The next group; a new window layout waits until the old one is not needed any more. */
    r->group_take = false;
    if (!r->active && !took && in->group.valid) {
        const struct window_layout layout = window_layout_of(w);
        const bool same = window_layout_same(layout, r->layout);

        if (same || (drained && !issue)) {
            r->group_take = true;
            r->active = true;
            r->ring = same ? r->ring : 0;
            r->layout = layout;
            r->bound = same ? r->bound : (uint8_t)(started + 1u - layout.wc);
            r->u = 1u << RS_GET_U(w, LOG2_U);
            r->u_wc = RS_GET_U(w, WC) << RS_GET_U(w, LOG2_U);
            r->shape.e = RS_GET_U(w, E);
            r->shape.fx = RS_GET_U(w, FX);
            r->strips = RS_GET_U(w, NS);
            r->q_last = RS_GET_U(w, Q_LAST);
            r->rp_last = layout.flatten ? 1 : RS_GET_U(w, RP_LAST);
            r->n_rc = RS_GET_U(w, N_RC);
            r->nj = RS_GET_U(w, NJ);
            r->rows = layout.flatten ? RS_GET_U(w, E) : RS_GET_U(w, SPAN) + RS_GET_U(w, RP);
            r->rows_last = layout.flatten ? RS_GET_U(w, E) : RS_GET_U(w, SPAN) + RS_GET_U(w, RP_LAST);
            r->cb = steps_of(RS_GET_U(w, N_CB));
            r->rc = few_steps_of(RS_GET_U(w, N_RC));
            r->nq = r->cb.last ? r->q_last : layout.q;
            r->nr = r->rc.last ? r->rp_last : layout.rp;
            r->strip = few_steps_of(r->strips);
            r->j = steps_of(r->nj);
            r->f = few_steps_of(r->shape.fx);
            r->qi = few_steps_of(r->nq);
            r->h = steps_of(r->rc.last ? r->rows_last : r->rows);
            r->tile = 0;
            r->hh = 0;
            r->first = true;
            r->addr_q = 0;
            r->addr = 0;
        }
    }
    r->ahead_rp_wc = times(RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? 1 : RS_GET_U(w, RP), RS_GET_U(w, WC));

    if (in->rst) {
        r->group_take = false;
        r->active = false;
        r->layout.wc = 0;                  /* like no group's: the first one starts afresh       */
        r->started = 0;
        r->bound = 1;
        r->loaded = 0;
        r->op.valid = false;
        for (int row = 0; row < RS_ROWS; row++)
            r->level[row] = 0;
    }

    out->group_take = r->group_take;
    out->op = r->op;
    out->loaded = r->loaded;
}
