/*
 * estimate.h - predicted clocks of one layer on a configuration, without data, commands or neighbours: for sweeps.
 *
 * The best mapping is the planner's, its groups run through the planner's clockwork; what is missing is the layer's
 * neighbours: memory traffic and waits between layers are the caller's to add.
 */
#ifndef RS_ESTIMATE_H
#define RS_ESTIMATE_H
#include "plan.h"

struct rs_estimate_shape {
    bool depthwise;
    int  N, C, H, W, M, R, S, U, E, F, pad_top, pad_left;
    int  tile_rows;                    /* ofmap rows (pixels, where E is 1) that a pass may hold; 0: all of them */
};

struct rs_estimate {
    bool    fits;                      /* false: no mapping                                         */
    int64_t cycles;                    /* first wait over to last byte, operands on the chip        */
    int64_t start, end;                /* of these, before the first MAC and after the last         */
    int64_t mac_cycles;                /* clocks in which MACs are issued                           */
    int64_t filter_bytes;              /* packed, with parameters                                   */
    int     groups;
};

/* RS_ERR_NOMEM; RS_ERR_ARG.  A shape without a mapping is no error. */
RS_MUST_CHECK rs_status rs_estimate_layer(const struct rs_hw_config *config, const struct rs_estimate_shape *shape,
                                          struct rs_estimate *out, struct rs_error *err);
#endif
