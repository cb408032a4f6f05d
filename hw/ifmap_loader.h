/* ifmap_loader.h - ifmap words from the lanes into the windows: ports and registers. */
#ifndef RS_IFMAP_LOADER_H
#define RS_IFMAP_LOADER_H
#include "column_head.h"
#include "group_queue.h"
#include "lane.h"
#include "steps.h"

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
    uint32_t u : 3, u_wc : 5;
    uint32_t rp_wc : 5, ahead_rp_wc : 5;   /* window words of a channel block; of the next group's */
    struct column_shape shape;
    uint32_t strips : 6, q_last : 5, rp_last : 4, n_rc : 4, nj : 10;
    uint32_t nq : 5, nr : 4;               /* channel blocks and filter rows of this pass        */
    uint32_t rows : 9, rows_last : 9;      /* ifmap rows of a strip; in the last row chunk       */

    /* Loops, from the outside: passes, strips, word columns, tiles, channel blocks, ifmap rows. */
    struct steps cb, j, h;
    struct few_steps rc, strip, f, qi;
    uint32_t tile : 5, hh : 8;             /* steps of f and h that are over                     */
    bool     first;                        /* of the words of a word column                      */
    uint32_t ring : 5;                     /* window column of the word column being loaded      */
    uint32_t addr_q : 5, addr : 5;         /* window address of d = 0 of block qi; of d = hh     */
    uint8_t  level[RS_ROWS];               /* words in each lane, at most 32                     */
    uint8_t  started, loaded;              /* word columns, modulo 2^8                           */
    uint8_t  bound;                        /* columns that must be free to start the next one    */
    struct load_op op;
};

void ifmap_loader_clock(struct ifmap_loader *r, const struct ifmap_loader_in *in,
                        struct ifmap_loader_out *out);

#endif
