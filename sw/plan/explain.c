/* explain.c - the mappings that a layer could have had, side by side (explain.h). */
#include "explain.h"
#include <stdlib.h>
#include <string.h>
#include "plan_internal.h"
#include "status.h"

const char *rs_bound_name(enum rs_bound bound)
{
    static const char *const names[] = { "compute", "ifmap", "filter", "output", "memory", "overhead" };

    return (unsigned)bound < RS_N_BOUNDS ? names[bound] : "?";
}

/* How often make_instances() (schedule.c) lets the filters be fetched: once if all fit, else once a run of groups that share them. */
static int filter_fetches(const struct rs_hw_config *c, const struct layer *l)
{
    int64_t words = 0;
    int changes = 0;

    for (int i = 0; i < l->n_chunks / rs_filter_sets(l); i++)
        words += l->chunks[i].words;
    if (rs_wbuf_keeps(rs_wbuf_room((int)c->wbuf_words), words))
        return 1;
    for (int i = 0; i < l->n_groups; i++)
        changes += i == 0 || l->groups[i].chunk != l->groups[i - 1].chunk;
    return rs_div_up(changes, l->n_chunks);
}

/* Everything but job_cycles.  @shape: the layer, without groups. */
static rs_status cost_of(const struct rs_hw_config *c, const struct layer *shape, int64_t spilled_bytes, const struct rs_mapping *map,
                         struct rs_mapping_cost *x, struct rs_error *err)
{
    const int block = (int)c->block, pes = (int)(c->rows * c->cols), rows = (int)c->rows;
    const bool depthwise = map->mode == RS_MODE_DEPTHWISE;
    struct layer l = *shape;
    struct timeline t = { 0 };
    int64_t done, filters = 0, filter_bytes = 0, drained = 0, lanes = 0;
    rs_status status;

    l.groups = NULL;
    l.chunks = NULL;
    l.costs = NULL;
    l.need_in = l.need_res = NULL;
    l.map = *map;
    *x = (struct rs_mapping_cost){ .map = *map };
    status = rs_plan_groups(c, &l, err);
    if (status != RS_OK)
        return status;
    x->groups = l.n_groups;
    for (int i = 0; i < l.n_groups; i++) {
        const struct group *g = &l.groups[i];
        const struct group_cost *k = &l.costs[i];
        const struct passes p = rs_map_passes(&l, map, block);

        (void)rs_timeline_group(&t, 0, k, &done);
        x->cycles = rs_max64(x->cycles, done);
        x->need[RS_BOUND_COMPUTE] += k->mac;
        x->need[RS_BOUND_IFMAP] += k->ifmap;
        x->need[RS_BOUND_FILTER] += k->filters;
        x->need[RS_BOUND_OUTPUT] += k->flush;
        filters += k->filters - k->params;
        drained += (int64_t)p.n_cb * p.n_rc * g->ns * g->fp * g->pairs * (depthwise ? block : 1);
        x->buffer += 2 * k->ifmap + (int64_t)g->ne * g->nf * rs_div_up(g->nm, block) * rs_layer_px(&l) * (l.add ? 2 : 1);
    }
    for (int i = 0; i < l.n_chunks; i++) {
        filter_bytes += (int64_t)l.chunks[i].words * 2 * block;
        lanes += depthwise ? block : (int64_t)l.chunks[i].mx * rs_layer_lanes(&l) * l.chunks[i].pairs;
    }
    x->filter_fetches = filter_fetches(c, &l);
    x->memory_bytes = filter_bytes * x->filter_fetches + spilled_bytes;
    x->need[RS_BOUND_MEMORY] = x->memory_bytes / c->axi_bytes;
    for (int b = 0; b < RS_BOUND_OVERHEAD; b++)
        if (x->need[b] > x->need[x->bound])
            x->bound = (enum rs_bound)b;
    x->need[RS_BOUND_OVERHEAD] = rs_max64(0, x->cycles - x->need[x->bound]);
    if (x->need[RS_BOUND_OVERHEAD] > x->need[x->bound])
        x->bound = RS_BOUND_OVERHEAD;

    const struct passes p = rs_map_passes(&l, map, block);
    const int taps = l.R * l.S;
    const double all = (double)x->need[RS_BOUND_COMPUTE] * 2 * pes;

    x->fill_rows = depthwise ? (double)l.M / ((double)rs_div_up(l.M, block) * block)
                 : map->mode == RS_MODE_FLATTEN ? (double)l.C * l.R / ((double)p.n_cb * block)
                                                : (double)l.C / ((double)rs_div_up(l.C, block) * block);
    x->fill_lanes = depthwise ? (l.U == 1 && !l.wide ? (double)l.F / (l.F + l.F % 2) : 0.5)
                              : (double)rs_min64(l.M, lanes) / (double)lanes * (l.wide ? 0.5 : 1);
    x->fill_steps = depthwise && taps < block ? (double)taps / block : 1;
    x->fill_cols = all > 0 ? (double)l.macs / all / (x->fill_rows * x->fill_lanes * x->fill_steps) : 0;
    x->spad = 2 * x->need[RS_BOUND_COMPUTE] * pes;
    x->links = (x->need[RS_BOUND_IFMAP] + filters) * pes + drained * (int64_t)c->cols * rows;
    x->filter_buffer = x->need[RS_BOUND_FILTER];
    rs_layer_free_groups(&l);
    return RS_OK;
}

static int by_cycles(const void *a, const void *b)
{
    const struct rs_mapping_cost *x = a, *y = b;

    return x->cycles < y->cycles ? -1 : x->cycles > y->cycles;
}

static bool same(const struct rs_mapping *a, const struct rs_mapping *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

rs_status rs_explain_layer(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j, int i, struct rs_error *err)
{
    struct rs_explanation *x = o->explain;
    const struct layer *l = &j->layers[i];
    const struct act *acts[3] = { &j->acts[l->in], l->res >= 0 ? &j->acts[l->res] : NULL, &j->acts[l->out] };
    const struct rs_mapping chosen = l->map;
    struct rs_mapping map[RS_EXPLAIN_ROWS + 1], unused;
    int64_t cost[RS_EXPLAIN_ROWS], ends[RS_EXPLAIN_ROWS + 1], spilled = 0;
    struct considered all = { .max = rs_max(1, rs_min(x->max, RS_EXPLAIN_ROWS)), .map = map, .cost = cost };
    rs_status status = RS_OK;
    bool there = false;

    (void)rs_map_candidates(c, l, &unused, 1, &all, NULL);
    x->considered = all.tried;
    x->pinned = l->pinned;
    x->in_resident = !acts[0]->spilled;
    x->res_resident = acts[1] != NULL && !acts[1]->spilled;
    x->out_resident = !acts[2]->spilled;
    x->tiles = l->N * rs_div_up(l->E > 1 ? l->E : l->F, l->tile_rows);
    x->node_before = i > 0 ? j->layers[i - 1].node : -1;
    x->node_after = i + 1 < j->n_layers ? j->layers[i + 1].node : -1;
    for (int k = 0; k < 3; k++)
        if (acts[k] != NULL && (acts[k]->spilled || (k < 2 ? acts[k]->from_host || acts[k]->from_job : acts[k]->to_host || acts[k]->to_job)))
            spilled += (int64_t)acts[k]->cbs * acts[k]->stride * c->block;
    x->n = all.n;
    for (int k = 0; k < all.n; k++)
        there |= same(&map[k], &chosen);
    if (!there)
        map[x->n++] = chosen;
    for (int k = 0; status == RS_OK && k < x->n; k++)
        status = cost_of(c, l, spilled, &map[k], &x->row[k], err);
    if (status != RS_OK)
        return status;
    qsort(x->row, (size_t)x->n, sizeof *x->row, by_cycles);
    for (int k = 0; k < x->n; k++) {
        map[k] = x->row[k].map;
        if (same(&map[k], &chosen))
            x->chosen = k;
    }
    status = rs_order_ends(c, o, j, i, map, x->n, ends, err);
    for (int k = 0; status == RS_OK && k < x->n; k++)
        x->row[k].job_cycles = ends[k];
    x->done = status == RS_OK;
    return status;
}
