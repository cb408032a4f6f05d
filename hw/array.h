/* array.h - the PE array: ports and registers. */
#ifndef RS_ARRAY_H
#define RS_ARRAY_H
#include "pe_row.h"

struct array_in {
    struct pe_load load[RS_COLS];          /* from the column heads                         */
    struct pe_mac  mac[RS_COLS];
    struct pe_row_link west[RS_ROWS];      /* from the row lanes                            */
};
struct array_psum { int32_t lane0 : PE_PSUM_BITS; int32_t lane1 : PE_PSUM_BITS; };
struct array_out {
    struct array_psum psum[RS_COLS];
    uint32_t gated;                        /* zero activations, all columns, skewed         */
};
struct array {
    struct pe_row row[RS_ROWS];
    struct pe_row_out row_out[RS_ROWS];
    uint32_t gated;
};

void array_clock(struct array *r, const struct array_in *in, struct array_out *out);

#endif
