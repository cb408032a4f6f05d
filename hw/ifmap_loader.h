/* ifmap_loader.h - ifmap words from the lanes into the windows: ports and registers. */
#ifndef RS_IFMAP_LOADER_H
#define RS_IFMAP_LOADER_H
#include "column_head.h"
#include "group_queue.h"

/* What decides where a word lies in the window; while it is the same, groups follow without a gap. */
struct window_layout {
    uint32_t flatten : 1;
    uint32_t wc : 5;                       /* word columns                                       */
    uint32_t rp : 4;                       /* filter rows of a channel block                     */
    uint32_t q  : 5;                       /* channel blocks                                     */
};

static inline struct window_layout window_layout_of(const uint32_t *w)
{
    struct window_layout l;

    l.flatten = RS_GET_U(w, MODE) == RS_MODE_FLATTEN;
    l.wc = RS_GET_U(w, WC);
    l.rp = RS_GET_U(w, MODE) == RS_MODE_FLATTEN ? 1 : RS_GET_U(w, RP);
    l.q = RS_GET_U(w, Q);
    return l;
}

static inline bool window_layout_same(struct window_layout a, struct window_layout b)
{
    return a.flatten == b.flatten && a.wc == b.wc && a.rp == b.rp && a.q == b.q;
}

struct ifmap_loader_in {
    bool     rst;
    struct group_view group;
    bool     push[RS_ROWS];                /* words that reach the lanes at this edge            */
    uint16_t freed;                        /* word columns no multiply needs any more            */
};
struct ifmap_loader_out {
    bool     group_take;
    struct load_op op;                     /* op.valid: every lane gives its word                */
    uint16_t loaded;                       /* word columns all of whose words have been sent     */
};
struct ifmap_loader {
    bool     group_take, active;
    struct window_layout layout;
    uint32_t u : 3, u_wc : 5, rp_wc : 8;
    uint32_t log2_u : 2;
    struct column_shape shape;
    uint32_t strips : 6, q_last : 5, rp_last : 4, n_rc : 4, n_cb : 12, nj : 10;
    uint32_t span : 8;
    uint32_t cb : 12, rc : 4, strip : 6, j : 10, f : 5, qi : 5, hh : 8;
    uint32_t ring : 5;                     /* window column of the word column being loaded      */
    uint32_t addr_q : 5, addr : 5;         /* window address of d = 0 of block qi; of d = hh     */
    uint8_t  level[RS_ROWS];                /* words in each lane, at most 32                     */
    uint16_t started, loaded;              /* word columns                                       */
    struct load_op op;
};

void ifmap_loader_clock(struct ifmap_loader *r, const struct ifmap_loader_in *in,
                        struct ifmap_loader_out *out);

#endif
