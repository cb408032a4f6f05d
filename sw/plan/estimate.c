/* estimate.c - clocks of one layer for sweeps (estimate.h). */
#include "estimate.h"
#include <stdlib.h>
#include "plan_internal.h"
#include "status.h"

rs_status rs_estimate_layer(const struct rs_hw_config *c, const struct rs_estimate_shape *s, struct rs_estimate *out,
                            struct rs_error *err)
{
    const int block = (int)c->block;
    struct layer l = { .kind = s->depthwise ? RS_PLAN_DEPTHWISE : RS_PLAN_CONV, .N = s->N, .C = s->C, .H = s->H, .W = s->W, .M = s->M,
                       .R = s->R, .S = s->S, .U = s->U, .E = s->E, .F = s->F, .pad_top = s->pad_top, .pad_left = s->pad_left,
                       .block = block, .bc = block, .in_image = s->H * s->W, .out_image = s->E * s->F, .cbs = rs_div_up(s->C, block), .n_cg = 1,
                       .cg_m = s->M, .in = -1, .res = -1, .out = -1,
                       .filter_layout = s->depthwise ? FILTER_RSM : FILTER_MRSC, .multiplier = s->depthwise ? s->M / s->C : 0 };
    struct timeline t = { 0 };
    int64_t done = 0;
    rs_status status;

    *out = (struct rs_estimate){ 0 };
    if (s->N < 1 || s->C < 1 || s->M < 1 || s->E < 1 || s->F < 1 || s->tile_rows < 0)
        return rs_fail(err, RS_ERR_ARG, "rs_estimate_layer: an extent below 1");
    if (s->R > 11 || s->S > 11 || (s->U != 1 && s->U != 2 && s->U != 4))
        return RS_OK;
    if (s->depthwise) {
        l.n_cg = l.cbs;
        l.cg_m = l.multiplier * block;
        l.cbs = 1;
    } else if (s->R == 1 && s->S == 1 && s->U == 1 && s->E == s->H && s->F == s->W) {
        l.W = l.F = s->N * s->H * s->W;
        l.N = l.H = l.E = 1;
        l.in_image = l.out_image = l.W;
    }
    l.tile_rows = l.E > 1 ? l.E : l.F;
    if (s->tile_rows > 0 && s->tile_rows < l.tile_rows)
        l.tile_rows = s->tile_rows;
    if (rs_map_candidates(c, &l, &l.map, 1, NULL, NULL) == 0)
        return RS_OK;
    status = rs_plan_groups(c, &l, err);
    if (status != RS_OK)
        return status;
    out->fits = true;
    out->groups = l.n_groups;
    for (int i = 0; i < l.n_groups; i++) {
        int64_t one;
        const int64_t first = rs_timeline_group(&t, 0, &l.costs[i], &one);

        if (i == 0)
            out->start = first;
        done = rs_max64(done, one);
        out->mac_cycles += l.costs[i].mac;
    }
    out->cycles = done;
    out->end = done - t.mac_end;
    for (int i = 0; i < l.n_chunks; i++)
        out->filter_bytes += (int64_t)l.chunks[i].words * 2 * block;
    rs_layer_free_groups(&l);
    return RS_OK;
}
