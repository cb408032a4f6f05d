/* pe_row.h - one array row: ports and registers. */
#ifndef RS_PE_ROW_H
#define RS_PE_ROW_H
#include "pe.h"

/* What passes from row to row in one column. */
struct pe_column_link {
    struct pe_load load;
    struct pe_mac  mac;
    int32_t  psum0 : PE_PSUM_BITS;
    int32_t  psum1 : PE_PSUM_BITS;
    uint32_t gated : 6;
};

struct pe_row_in {
    struct pe_column_link north[RS_COLS];
    struct pe_row_link west;
};
struct pe_row_out {
    struct pe_column_link south[RS_COLS];
};
struct pe_row {
    struct pe pe[RS_COLS];
    struct pe_out pe_out[RS_COLS];
};

void pe_row_clock(struct pe_row *r, const struct pe_row_in *in, struct pe_row_out *out);

#endif
