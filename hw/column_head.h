/* column_head.h - the north end of a column: ports and registers. */
#ifndef RS_COLUMN_HEAD_H
#define RS_COLUMN_HEAD_H
#include "pe.h"

/*
 * Place of a column in the group: column x has y = x mod E, f = x / E mod FX, g = x / (E*FX).
 * Operations that travel east carry the place of the column they are in and step it at each hop,
 * so a column needs no configuration.
 */
struct column_place {
    uint32_t y : 5;
    uint32_t f : 5;
    uint32_t g : 5;
};
struct column_shape {
    uint32_t e  : 5;
    uint32_t fx : 5;
};

static inline struct column_place column_place_next(struct column_place p, struct column_shape s)
{
    struct column_place n = p;

    if (p.y + 1 != s.e) {
        n.y = p.y + 1;
    } else {
        n.y = 0;
        if (p.f + 1 != s.fx) {
            n.f = p.f + 1;
        } else {
            n.f = 0;
            n.g = p.g + 1;
        }
    }
    return n;
}

/* Load an ifmap word: the columns of tile f whose ofmap row uses ifmap row d (0 <= d < rows). */
struct load_op {
    bool     valid;
    uint32_t tile : 5;             /* f it belongs to                                        */
    int32_t  d    : 8;             /* ifmap row less the first that this column needs        */
    int32_t  d0   : 8;             /* the same in a column with y = 0                        */
    uint32_t addr : 5;             /* window address if this column keeps it, modulo 32      */
    uint32_t addr0 : 5;
    uint32_t rows : 4;
    uint32_t u    : 3;             /* d falls by u, addr by u * wc with each y               */
    uint32_t u_wc : 5;
    struct column_place place;
    struct column_shape shape;
};

/* Load a filter word: all columns of filter group g. */
struct filter_op {
    bool     valid;
    uint32_t addr : RS_FILTER_BITS;
    uint32_t group : 5;
    struct column_place place;
    struct column_shape shape;
};

/* Multiply-accumulate: the first `columns` columns. */
struct mac_op {
    struct pe_mac mac;
    uint32_t columns : 5;
};

struct column_op {
    struct load_op   load;
    struct filter_op filter;
    struct mac_op    mac;
};

struct column_head_in {
    struct column_op op_w;
};
struct column_head_out {
    struct column_op op_e;
    struct pe_load load;
    struct pe_mac  mac;
};
struct column_head {
    struct column_op op;           /* as the next column has to see it                       */
    struct pe_load load;
    struct pe_mac  mac;
};

void column_head_clock(struct column_head *r, const struct column_head_in *in,
                       struct column_head_out *out);

#endif
