/*
 * array.c - RS_ROWS x RS_COLS PEs; psums run south and leave at the foot of each column.
 *
 * PE (y, x) sees an operation y + x clocks after PE (0, 0): the same skew for control, ifmap
 * and filter words and psums, so a psum meets the result it is added to.
 */
#include "array.h"

void array_clock(struct array *r, const struct array_in *in, struct array_out *out)
{
    struct pe_row_in ri[RS_ROWS];
    uint32_t gated = 0;

    for (int y = 0; y < RS_ROWS; y++) {
        ri[y].west = in->west[y];
        for (int x = 0; x < RS_COLS; x++) {
            if (y == 0) {
                ri[y].north[x].load = in->load[x];
                ri[y].north[x].mac = in->mac[x];
                ri[y].north[x].psum0 = 0;
                ri[y].north[x].psum1 = 0;
                ri[y].north[x].gated = 0;
            } else {
                ri[y].north[x] = r->row_out[y - 1].south[x];
            }
        }
    }
    for (int x = 0; x < RS_COLS; x++)
        gated += r->row_out[RS_ROWS - 1].south[x].gated;
    for (int y = 0; y < RS_ROWS; y++)
        pe_row_clock(&r->row[y], &ri[y], &r->row_out[y]);
    r->gated = gated;

    for (int x = 0; x < RS_COLS; x++) {
        out->psum[x].lane0 = r->row_out[RS_ROWS - 1].south[x].psum0;
        out->psum[x].lane1 = r->row_out[RS_ROWS - 1].south[x].psum1;
    }
    out->gated = r->gated;
}
