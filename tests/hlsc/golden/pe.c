#include <assert.h>
#include "pe.h"

void pe_clock(struct pe *r, const struct pe_in *in, struct pe_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->filter complete dim=1
    assert(in->rst || !in->w_valid ||
           (!in->x_valid && !r->p_valid && r->tap == 0 && r->taps < PE_TAPS));

    if (in->rst) {
        r->taps = 0;
        r->tap = 0;
        r->p_valid = false;
        r->psum = 0;
    } else if (r->p_valid) {
        if (in->p_ready) {
            r->p_valid = false;
            r->psum = 0;
        }
    } else if (in->w_valid) {
        r->filter[r->taps++] = in->w;
    } else if (in->x_valid && r->taps != 0) {
        r->psum += (int32_t)in->x * r->filter[r->tap];
        r->p_valid = r->tap == r->taps - 1;
        r->tap = r->p_valid ? 0 : (uint8_t)(r->tap + 1);
    }

    out->x_ready = r->taps != 0 && !r->p_valid;
    out->p_valid = r->p_valid;
    out->p = r->psum;
}
