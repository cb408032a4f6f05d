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
        pi[x].even_w = x == 0 ? in->west.even : r->pe_out[x - 1].even_e;
        pi[x].odd_w = x == 0 ? in->west.odd : r->pe_out[x - 1].odd_e;
        pi[x].filter0_w = x == 0 ? in->west.filter0 : r->pe_out[x - 1].filter0_e;
        pi[x].filter1_w = x == 0 ? in->west.filter1 : r->pe_out[x - 1].filter1_e;
        pi[x].inject_w = x == 0 ? in->west.inject : r->pe_out[x - 1].inject_e;
        pi[x].count_w = x == 0 ? in->west.count : r->pe_out[x - 1].count_e;
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
