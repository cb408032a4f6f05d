/* filter_loader.h - filter words from the lanes into the filter spads: ports and registers. */
#ifndef RS_FILTER_LOADER_H
#define RS_FILTER_LOADER_H
#include "column_head.h"
#include "group_queue.h"
#include "lane.h"
#include "steps.h"

struct filter_loader_in {
    bool     rst;
    struct group_view group;
    bool     push;                         /* a word reaches the lanes at this edge              */
    uint16_t passes_done;                  /* passes whose multiplies have all been issued       */
};
struct filter_loader_out {
    bool     group_take;
    struct filter_op op;                   /* op.valid: every lane gives its word                */
    uint16_t passes;                       /* passes whose filters have all been sent            */
};
struct filter_loader {
    bool     group_take, active;
    bool     sized;                        /* nq and nr are this pass's                          */
    struct column_shape shape;
    uint32_t mx : 5, pairs : 5, s : 4;
    uint32_t q : 5, q_last : 5, rp : 4, rp_last : 4, n_rc : 4;
    uint32_t nq : 5, nr : 4;               /* channel blocks and filter rows of this pass        */

    /* Loops, from the outside: passes, filter groups, and the words of a filter group in a pass. */
    struct steps cb;
    struct few_steps rc, g, i, qi, k, j;   /* filter rows, channel blocks, pairs, columns        */
    uint32_t group : 5;                    /* filter group                                       */
    uint32_t index : RS_FILTER_BITS;       /* word of it                                         */
    uint32_t level : 6;
    uint16_t passes;
    struct filter_op op;
};

void filter_loader_clock(struct filter_loader *r, const struct filter_loader_in *in,
                         struct filter_loader_out *out);

#endif
