/* pe_row.c - RS_COLS processing elements: row words pass east, columns pass through to the south. */
#include "pe_row.h"

void pe_row_clock(struct pe_row *r, const struct pe_row_in *in, struct pe_row_out *out)
{
    struct pe_in pi[RS_COLS];

    for (int x = 0; x < RS_COLS; x++) {
        pi[x].load_n = in->north[x].load;
        pi[x].mac_n = in->north[x].mac;
        pi[x].psum0_n = in->north[x].psum0;
        pi[x].psum1_n = in->north[x].psum1;
        pi[x].gated_n = in->north[x].gated;
        pi[x].west = x == 0 ? in->west : r->pe_out[x - 1].east;
    }
    for (int x = 0; x < RS_COLS; x++)
        pe_clock(&r->pe[x], &pi[x], &r->pe_out[x]);

    for (int x = 0; x < RS_COLS; x++) {
        out->south[x].load = r->pe_out[x].load_s;
        out->south[x].mac = r->pe_out[x].mac_s;
        out->south[x].psum0 = r->pe_out[x].psum0_s;
        out->south[x].psum1 = r->pe_out[x].psum1_s;
        out->south[x].gated = r->pe_out[x].gated_s;
    }
}
