#include "parent.h"

/* x moves from PE to PE, one a clock; psums are added up. */
void parent_clock(struct parent *r, const struct parent_in *in, struct parent_out *out)
{
    struct pe_in pi[N];
    int32_t sum = 0;

    for (int i = 0; i < N; i++) {
        pi[i] = (struct pe_in){
            .rst = in->rst, .w_valid = in->w_valid[i], .w = in->w, .p_ready = r->pe_out[i].p_valid };
        pi[i].x_valid = i == 0 ? in->x_valid : r->valid[i - 1];
        pi[i].x = i == 0 ? in->x : r->x[i - 1];
        if (r->pe_out[i].p_valid)
            sum += r->pe_out[i].p;
    }
    for (int i = 0; i < N; i++) {
        r->x[i] = pi[i].x;
        r->valid[i] = pi[i].x_valid;
    }
    r->sum = in->rst ? 0 : sum;
    for (int i = 0; i < N; i++)
        pe_clock(&r->pe[i], &pi[i], &r->pe_out[i]);
    out->ready = r->pe_out[0].x_ready;
    out->sum = r->sum;
    for (int i = 0; i < N; i++)
        out->p[i] = r->pe_out[i].p;
}
