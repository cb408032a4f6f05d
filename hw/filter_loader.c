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
    const bool last_cb = r->cb + 1u == r->n_cb;
    const bool last_rc = r->rc + 1u == r->n_rc;
    const bool bank_free = (uint16_t)(r->passes - in->passes_done) < 2;
    const bool issue = r->active && r->sized && r->level != 0 && bank_free;

    r->level = r->level + in->push - issue;
    r->op.valid = issue;
    r->op.addr = ((r->passes & 1u) != 0 ? (uint32_t)RS_FILTER_WORDS : 0u) + r->index;
    r->op.group = r->g;
    r->op.place.y = 0;
    r->op.place.f = 0;
    r->op.place.g = 0;
    r->op.shape = r->shape;

    if (r->active && !r->sized) {
        r->length = r->pairs_s * (last_cb ? r->q_last : r->q) * (last_rc ? r->rp_last : r->rp);
        r->sized = true;
    } else if (issue) {
        if (r->index + 1u != r->length) {
            r->index = r->index + 1;
        } else {
            r->index = 0;
            if (r->g + 1u != r->mx) {
                r->g = r->g + 1;
            } else {
                r->g = 0;
                r->passes++;
                r->sized = false;
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

    r->group_take = false;
    if (!r->active && !took && in->group.valid) {
        const bool flatten = RS_GET_U(w, MODE) == RS_MODE_FLATTEN;

        r->group_take = true;
        r->active = true;
        r->sized = false;
        r->shape.e = RS_GET_U(w, E);
        r->shape.fx = RS_GET_U(w, FX);
        r->mx = RS_GET_U(w, MX);
        r->pairs_s = RS_GET_U(w, PAIRS) * RS_GET_U(w, S);
        r->q = RS_GET_U(w, Q);
        r->q_last = RS_GET_U(w, Q_LAST);
        r->rp = flatten ? 1 : RS_GET_U(w, RP);
        r->rp_last = flatten ? 1 : RS_GET_U(w, RP_LAST);
        r->n_rc = RS_GET_U(w, N_RC);
        r->n_cb = RS_GET_U(w, N_CB);
        r->cb = 0;
        r->rc = 0;
        r->g = 0;
        r->index = 0;
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
