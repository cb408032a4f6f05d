/*
 * ifmap_loader.c - lets the words that wait in the lanes into the array, and says whose they are.
 *
 * The window of a PE is a ring of word columns (two pixels wide).  A column may be loaded when the
 * ring has room, that is when the multiplies that need the column it replaces have all been issued:
 * operations keep their order in the array, so issued is as good as done.  With a stride wider than the
 * filter, columns are free before they are loaded: then `started` is behind `freed`.
 */
#include "ifmap_loader.h"

void ifmap_loader_clock(struct ifmap_loader *r, const struct ifmap_loader_in *in,
                        struct ifmap_loader_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->level complete
    const uint32_t *w = in->group.words;
    const bool took = r->group_take;
    const bool last_cb = r->cb + 1u == r->n_cb;
    const bool last_rc = r->rc + 1u == r->n_rc;
    const uint32_t nq = last_cb ? r->q_last : r->layout.q;
    const uint32_t nr = last_rc ? r->rp_last : r->layout.rp;
    const bool first_word = r->hh == 0 && r->qi == 0 && r->f == 0;
    bool words = true, issue;

    for (int row = 0; row < RS_ROWS; row++)
        words = words && r->level[row] != 0;
    issue = r->active && words &&
            (!first_word || (int16_t)(r->started - in->freed) < (int32_t)r->layout.wc);
    for (int row = 0; row < RS_ROWS; row++)
        r->level[row] = (uint8_t)(r->level[row] + in->push[row] - issue) & 63u;

    r->op.valid = issue;
    r->op.tile = r->f;
    r->op.d = (int32_t)r->hh;
    r->op.d0 = (int32_t)r->hh;
    r->op.addr = r->addr + r->ring;
    r->op.addr0 = r->addr + r->ring;
    r->op.rows = r->layout.flatten ? 1 : nr;
    r->op.u = r->layout.flatten ? 1 : r->u;
    r->op.u_wc = r->layout.flatten ? 0 : r->u_wc;
    r->op.place.y = 0;
    r->op.place.f = 0;
    r->op.place.g = 0;
    r->op.shape = r->shape;

    if (issue) {
        const uint32_t rows = r->layout.flatten ? r->shape.e : r->span + nr;

        if (first_word)
            r->started++;
        if (r->hh + 1u != rows) {
            r->hh = r->hh + 1;
            r->addr = r->layout.flatten ? r->addr : r->addr + r->layout.wc;
        } else {
            r->hh = 0;
            if (r->qi + 1u != nq) {
                r->qi = r->qi + 1;
                r->addr_q = r->addr_q + r->rp_wc;
            } else {
                r->qi = 0;
                r->addr_q = 0;
                if (r->f + 1u != r->shape.fx) {
                    r->f = r->f + 1;
                } else {
                    r->f = 0;
                    r->loaded++;
                    r->ring = r->ring + 1u == r->layout.wc ? 0 : r->ring + 1;
                    if (r->j + 1u != r->nj) {
                        r->j = r->j + 1;
                    } else {
                        r->j = 0;
                        if (r->strip + 1u != r->strips) {
                            r->strip = r->strip + 1;
                        } else {
                            r->strip = 0;
                            if (!last_rc) {
                                r->rc = r->rc + 1;
                            } else {
                                r->rc = 0;
                                r->cb = r->cb + 1;
                                r->active = !last_cb;
                            }
                        }
                    }
                }
            }
            r->addr = r->addr_q;
        }
    }

    /* The next group; a new window layout waits until the old one is not needed any more. */
    r->group_take = false;
    if (!r->active && !took && in->group.valid) {
        const struct window_layout layout = window_layout_of(w);
        const bool same = window_layout_same(layout, r->layout);

        if (same || r->started == in->freed) {
            r->group_take = true;
            r->active = true;
            r->ring = same ? r->ring : 0;
            r->layout = layout;
            r->log2_u = RS_GET_U(w, LOG2_U);
            r->u = 1u << RS_GET_U(w, LOG2_U);
            r->u_wc = RS_GET_U(w, WC) << RS_GET_U(w, LOG2_U);
            r->rp_wc = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? RS_GET_U(w, WC) : RS_GET_U(w, RP) * RS_GET_U(w, WC);
            r->shape.e = RS_GET_U(w, E);
            r->shape.fx = RS_GET_U(w, FX);
            r->strips = RS_GET_U(w, NS);
            r->q_last = RS_GET_U(w, Q_LAST);
            r->rp_last = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? 1 : RS_GET_U(w, RP_LAST);
            r->n_rc = RS_GET_U(w, N_RC);
            r->n_cb = RS_GET_U(w, N_CB);
            r->nj = RS_GET_U(w, NJ);
            r->span = RS_GET_U(w, SPAN);
            r->cb = 0;
            r->rc = 0;
            r->strip = 0;
            r->j = 0;
            r->f = 0;
            r->qi = 0;
            r->hh = 0;
            r->addr_q = 0;
            r->addr = 0;
        }
    }

    if (in->rst) {
        r->group_take = false;
        r->active = false;
        r->layout.wc = 0;                  /* like no group's: the first one starts afresh       */
        r->started = 0;
        r->loaded = 0;
        r->op.valid = false;
        for (int row = 0; row < RS_ROWS; row++)
            r->level[row] = 0;
    }

    out->group_take = r->group_take;
    out->op = r->op;
    out->loaded = r->loaded;
}
