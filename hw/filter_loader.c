/*
 * filter_loader.c - fills one bank of the filter spads while the other is in use.
 *
 * Pass n goes to bank n mod 2 and may start when all multiplies of pass n - 2 have been issued.
 */
#include "filter_loader.h"

void filter_loader_clock(struct filter_loader *r, const struct filter_loader_in *in,
                         struct filter_loader_out *out)
{
#pragma HLS PIPELINE II=1
    const uint32_t *w = in->group.words;
    const bool took = r->group_take;
    /* Passes sent and not done: 0, 1 or 2. */
    const bool bank_free = ((r->passes ^ in->passes_done) & 3u) != 2u;
    const bool issue = r->active && r->sized && r->level != 0 && bank_free;
    const bool group_ends = r->j.last && r->k.last && r->qi.last && r->i.last;

    r->level = level_after(r->level, in->push, issue);
    r->op.valid = issue;
    r->op.addr = ((r->passes & 1u) != 0 ? (uint32_t)RS_FILTER_WORDS : 0u) + r->index;
    r->op.group = r->group;
    r->op.place.y = 0;
    r->op.place.f = 0;
    r->op.place.g = 0;
    r->op.shape = r->shape;

    if (r->active && !r->sized) {
        r->nq = r->cb.last ? r->q_last : r->q;
        r->nr = r->rc.last ? r->rp_last : r->rp;
        r->j = few_steps_of(r->s);
        r->k = few_steps_of(r->pairs);
        r->qi = few_steps_of(r->nq);
        r->i = few_steps_of(r->nr);
        r->g = few_steps_of(r->mx);
        r->index = 0;
        r->group = 0;
        r->sized = true;
    } else if (issue) {
        r->index = group_ends ? 0 : r->index + 1;
        if (group_ends) {
            r->group = r->group + 1;
            if (r->g.last) {
                r->passes++;
                r->sized = false;
                if (r->rc.last) {
                    r->active = !r->cb.last;
                    r->cb = steps_next(r->cb, 0);
                }
                r->rc = few_steps_next(r->rc, r->n_rc);
            }
            r->g = few_steps_next(r->g, r->mx);
        }
        if (r->j.last && r->k.last && r->qi.last)
            r->i = few_steps_next(r->i, r->nr);
        if (r->j.last && r->k.last)
            r->qi = few_steps_next(r->qi, r->nq);
        if (r->j.last)
            r->k = few_steps_next(r->k, r->pairs);
        r->j = few_steps_next(r->j, r->s);
    }

    r->group_take = false;
    if (!r->active && !took && in->group.valid) {
        const bool flatten = RS_GET_U(w, MODE) == RS_MODE_FLATTEN;

        r->group_take = true;
        r->active = true;
        r->sized = false;
        r->shape.e = RS_GET_U(w, E);
        r->shape.fx = RS_GET_U(w, FX);
        r->mx = RS_GET_U(w, MX);
        r->pairs = RS_GET_U(w, PAIRS);
        r->s = RS_GET_U(w, S);
        r->q = RS_GET_U(w, Q);
        r->q_last = RS_GET_U(w, Q_LAST);
        r->rp = flatten ? 1 : RS_GET_U(w, RP);
        r->rp_last = flatten ? 1 : RS_GET_U(w, RP_LAST);
        r->n_rc = RS_GET_U(w, N_RC);
        r->rc = few_steps_of(RS_GET_U(w, N_RC));
        r->cb = steps_of(RS_GET_U(w, N_CB));
    }

    if (in->rst) {
        r->group_take = false;
        r->active = false;
        r->level = 0;
        r->passes = 0;
        r->op.valid = false;
    }

    out->group_take = r->group_take;
    out->op = r->op;
    out->passes = r->passes;
}
