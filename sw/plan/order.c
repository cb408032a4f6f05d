/*
 * order.c - in which order the groups of a job run, and which mapping each layer gets.
 *
 * A group needs the first so many groups of the layers that make its operands: its need_in and need_res, found block by
 * block.  List scheduling over that: of the few layers that are open, the next group is the one whose first MAC can be
 * soonest, the earlier layer when they are close.  So a layer's last groups overlap the next layer's first ones, and nobody waits
 * for a whole layer.  The mappings are then chosen by coordinate descent on the end of the whole job and, a little, on what it fetches:
 * layer after layer, every candidate of map.c, until nothing gets better; then again from random neighbours, within a fixed budget of work.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "plan_internal.h"

enum {
    OPEN_LAYERS = 4,             /* layers that may run among each other                             */
    CLOSE_CLOCKS = 12,           /* an earlier layer goes first if it loses no more than this        */
    CANDIDATES = 14,
    START_CLOCKS = 260,          /* ap_start to the first data                                       */
    END_CLOCKS = 120,
    SEARCH_BUDGET = 1500000,     /* groups ordered during the search                                 */
    FETCH_WORTH = 64             /* filter words that weigh as much as a clock: half as many clocks of a memory that has time */
};

static bool is_pool(const struct layer *l) { return l->kind == RS_PLAN_MAX_POOL || l->kind == RS_PLAN_AVERAGE_POOL; }

int rs_first_block(const struct layer *l, const struct group *g)
{
    if (is_pool(l))
        return g->cg;
    if (l->filter_layout != FILTER_RSM)
        return 0;
    return l->map.mode == RS_MODE_DEPTHWISE ? g->cg / l->multiplier : g->cg;
}

/* For each block of layer @i's ofmap: its last writing group, plus one. */
static rs_status map_writers(struct job *j, int i, struct rs_error *err)
{
    const struct layer *l = &j->layers[i];
    struct act *a = &j->acts[l->out];

    assert(is_pool(l) || rs_map_images(&l->map) == 1 || a->to_host);       /* read by no layer */
    free(a->writers);
    const int cbs = rs_div_up(a->channels, l->block);

    a->writers = calloc((size_t)cbs * (size_t)a->pixels, sizeof *a->writers);
    if (a->writers == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for the writers of %d blocks", cbs * a->pixels);
    for (int k = 0; k < l->n_groups; k++) {
        const struct group *g = &l->groups[k];
        const int cb0 = g->m0 / l->block, cb1 = is_pool(l) ? cb0 + g->nm : (g->m0 + g->nm - 1) / l->block + 1;

        for (int cb = cb0; cb < cb1; cb++)
            for (int e = g->e0; e < g->e0 + g->ne; e++)
                for (int f = g->f0; f < g->f0 + g->nf; f++)
                    a->writers[(size_t)cb * (size_t)a->pixels + (size_t)(g->image * l->out_image + e * l->F + f)] = k + 1;
    }
    return RS_OK;
}

/* Groups (of an input: pixels) that must be there before rows [h0, h1), columns [w0, w1) of blocks [cb0, cb1) are. */
static int need_of(const struct act *a, int image, int width, int cb0, int cb1, int h0, int h1, int w0, int w1)
{
    int need = 0;

    if (a->writers == NULL)
        return h1 > h0 && w1 > w0 ? image + (h1 - 1) * width + w1 : 0;
    for (int cb = cb0; cb < cb1; cb++)
        for (int h = h0; h < h1; h++)
            for (int w = w0; w < w1; w++)
                need = rs_max(need, a->writers[(size_t)cb * (size_t)a->pixels + (size_t)(image + h * width + w)]);
    return need;
}

static void find_needs(struct job *j, int i)
{
    struct layer *l = &j->layers[i];
    const struct act *in = &j->acts[l->in], *res = l->res >= 0 ? &j->acts[l->res] : NULL;

    for (int k = 0; k < l->n_groups; k++) {
        const struct group *g = &l->groups[k];
        const int cb = rs_first_block(l, g), y = g->e0 * l->U - l->pad_top, x = g->f0 * l->U - l->pad_left;

        if (l->filter_layout == FILTER_LINEAR && !is_pool(l))
            l->need_in[k] = need_of(in, 0, in->pixels, 0, in->cbs, 0, 1, 0, in->pixels);
        else
            l->need_in[k] = need_of(in, (g->image + (rs_map_images(&l->map) > 1 ? g->ns - 1 : 0)) * l->in_image, l->W, cb, cb + (is_pool(l) ? g->nm : l->cbs), rs_max(0, y),
                                    rs_min(l->H, y + (g->ne - 1) * l->U + l->R), rs_max(0, x), rs_min(l->W, x + (g->nf - 1) * l->U + l->S));
        if (res != NULL)
            l->need_res[k] = need_of(res, g->image * l->out_image, l->F, g->m0 / l->block, (g->m0 + g->nm - 1) / l->block + 1, g->e0, g->e0 + g->ne,
                                     g->f0, g->f0 + g->nf);
    }
}

/* ---- which layers must be over before another may begin --------------------------------------------------------------------- */

struct area { int64_t from, to; int act; };

enum { MOST_AREAS = 6 };
#define IN_ARENA (INT64_C(1) << 40)              /* where its bytes begin, past all blocks of the global buffer */

/* What a layer writes, or, with @writes false, touches. */
static int areas_of(const struct job *j, const struct layer *l, bool writes, struct area *list)
{
    const int acts[3] = { l->in, l->res, l->out }, bufs[3] = { l->in_buf, l->res_buf, l->out_buf }, tiles[3] = { l->in_tile, l->res_tile, l->out_tile };
    int n = 0;

    for (int k = 0; k < 3; k++) {
        const struct act *a = acts[k] >= 0 ? &j->acts[acts[k]] : NULL;

        if (a == NULL)
            continue;
        if (a->arena >= 0 && (k == 2 || !writes))
            list[n++] = (struct area){ IN_ARENA + a->arena, IN_ARENA + a->arena + (int64_t)a->cbs * a->stride * l->block, acts[k] };
        if (a->spilled)
            list[n++] = (struct area){ bufs[k], bufs[k] + 2 * (int64_t)tiles[k] * a->cbs, -1 };
        else if (k == 2 || !writes)
            list[n++] = (struct area){ a->glb, a->glb + (int64_t)a->cbs * a->stride, acts[k] };
    }
    return n;
}

static int maker_of(const struct job *j, int act)
{
    for (int i = 0; i < j->n_layers; i++)
        if (j->layers[i].out == act)
            return i;
    return -1;
}

/* after[i * n + k]: all of layer k comes before any of layer i. */
static void find_after(const struct job *j, bool *after)
{
    const int n = j->n_layers;

    for (int i = 0; i < n; i++) {
        const struct layer *l = &j->layers[i];
        struct area mine[MOST_AREAS], theirs[MOST_AREAS];
        const int n_mine = areas_of(j, l, true, mine);

        for (int k = 0; k < i; k++) {
            const int n_theirs = areas_of(j, &j->layers[k], false, theirs);

            for (int a = 0; a < n_mine; a++)
                for (int b = 0; b < n_theirs; b++)
                    if (mine[a].from < theirs[b].to && theirs[b].from < mine[a].to && (mine[a].act < 0 || mine[a].act != theirs[b].act))
                        after[i * n + k] = true;
            if ((j->layers[k].out == l->in && j->acts[l->in].spilled) || (l->res >= 0 && j->layers[k].out == l->res && j->acts[l->res].spilled))
                after[i * n + k] = true;
        }
    }
}

/* ---- ordering ---------------------------------------------------------------------------------------------------------------- */

struct ordering {
    const struct rs_hw_config *c;
    const struct rs_plan_options *o;
    struct job *j;
    int n;
    bool *after;
    int *maker_in, *maker_res, *next;
    bool **seen;                 /* [layer][chunk]: its filters are on their way                     */
    int64_t **done;              /* [layer][group]                                                   */
    int64_t *set_words;          /* [layer]                                                          */
    int64_t fetched;             /* filter words of the last ordering                                */
    int64_t work;                /* groups ordered so far                                            */
};

static bool may_start(const struct ordering *x, int i)
{
    for (int k = 0; k < i; k++)
        if (x->after[i * x->n + k] && x->next[k] < x->j->layers[k].n_groups)
            return false;
    return true;
}

/* When everything is there that group @g of layer @i reads; false: something has not even been ordered. */
static bool ready_at(const struct ordering *x, int i, int g, int64_t *ready)
{
    const struct layer *l = &x->j->layers[i];
    const int makers[2] = { x->maker_in[i], x->maker_res[i] }, needs[2] = { l->need_in[g], l->res >= 0 ? l->need_res[g] : 0 };
    const int acts[2] = { l->in, l->res };

    *ready = START_CLOCKS;
    for (int k = 0; k < 2; k++) {
        if (needs[k] == 0)
            continue;
        if (makers[k] < 0) {                               /* loaded at the start, in order */
            *ready = rs_max64(*ready, START_CLOCKS + (int64_t)needs[k] * x->j->acts[acts[k]].cbs * x->j->acts[acts[k]].px / 4);
            continue;
        }
        if (x->next[makers[k]] < needs[k])
            return false;
        *ready = rs_max64(*ready, x->done[makers[k]][needs[k] - 1]);
    }
    return true;
}

/* Orders all groups into @order (may be NULL); returns the clock at which the last one is done. */
static int64_t order_all(struct ordering *x, struct group_ref *order, int *n_order)
{
    const int64_t room = (x->o->wbuf_words > 0 ? rs_min(x->o->wbuf_words, (int)x->c->wbuf_words) : (int)x->c->wbuf_words) - 16;
    struct timeline t = { 0 };
    int64_t fetched = 0, total = 0;
    int lo = 0, n = 0, last = -1;

    x->fetched = 0;
    for (int i = 0; i < x->n; i++) {
        x->next[i] = 0;
        memset(x->seen[i], 0, (size_t)x->j->layers[i].n_chunks * sizeof **x->seen);
    }
    for (;;) {
        int best = -1;
        int64_t best_begin = 0, best_ready = 0, words = 0;

        while (lo < x->n && x->next[lo] == x->j->layers[lo].n_groups)
            lo++;
        if (lo == x->n)
            break;
        for (int i = lo; i < x->n && i < lo + (x->o->barrier ? 1 : OPEN_LAYERS); i++) {
            struct layer *l = &x->j->layers[i];
            const int g = x->next[i];
            struct timeline copy = t;
            int64_t ready, begin, done;

            words += x->set_words[i];
            if (i > lo && words > room)
                break;
            if (g == l->n_groups || !may_start(x, i) || !ready_at(x, i, g, &ready))
                continue;
            if (is_pool(l)) {                              /* another engine: as soon as may be */
                best = i;
                best_ready = ready;
                break;
            }
            if (!x->seen[i][l->groups[g].chunk])
                ready = rs_max64(ready, START_CLOCKS + (fetched + l->costs[g].first_filters) / 2 - l->costs[g].first);
            begin = rs_timeline_group(&copy, ready, &l->costs[g], &done);
            if (best < 0 || begin + CLOSE_CLOCKS < best_begin) {
                best = i;
                best_begin = begin;
                best_ready = ready;
            }
        }
        assert(best >= 0);
        struct layer *l = &x->j->layers[best];
        const int g = x->next[best]++;
        int64_t *done = &x->done[best][g];

        if (is_pool(l)) {
            (void)rs_timeline_pool(&t, best_ready, l->costs[g].run, done);
        } else {
            (void)rs_timeline_group(&t, best_ready, &l->costs[g], done);
            const int chunk = l->groups[g].chunk;

            if (!x->seen[best][chunk]) {
                x->seen[best][chunk] = true;
                fetched += l->chunks[chunk].words;
                x->fetched += l->chunks[chunk].words;
            } else if (x->set_words[best] > room &&
                       (best != last || l->groups[g - 1].chunk != chunk || l->chunks[chunk].words > room)) {
                x->fetched += l->chunks[chunk].words;      /* again: make_instances() (schedule.c) */
            }
            last = best;
        }
        total = rs_max64(total, *done);
        if (order != NULL)
            order[n] = (struct group_ref){ best, g };
        n++;
    }
    x->work += n;
    if (n_order != NULL)
        *n_order = n;
    return total + END_CLOCKS;
}

/* What the search makes small. */
static int64_t order_cost(struct ordering *x)
{
    const int64_t end = order_all(x, NULL, NULL);

    return end + x->fetched / FETCH_WORTH;
}

static void ordering_free(struct ordering *x)
{
    for (int i = 0; i < x->n; i++) {
        if (x->seen != NULL)
            free(x->seen[i]);
        if (x->done != NULL)
            free(x->done[i]);
    }
    free(x->seen);
    free(x->done);
    free(x->after);
    free(x->maker_in);
    free(x->maker_res);
    free(x->next);
    free(x->set_words);
}

/* Groups, writers and room for times of layer @i, after its mapping has changed; needs of it and of who reads it. */
static rs_status remap(struct ordering *x, int i, bool all, struct rs_error *err)
{
    struct layer *l = &x->j->layers[i];
    rs_status s = rs_plan_groups(x->c, l, err);

    if (s != RS_OK || (s = map_writers(x->j, i, err)) != RS_OK)
        return s;
    free(x->seen[i]);
    free(x->done[i]);
    x->seen[i] = calloc((size_t)l->n_chunks + 1, sizeof **x->seen);
    x->done[i] = calloc((size_t)l->n_groups + 1, sizeof **x->done);
    if (x->seen[i] == NULL || x->done[i] == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d groups", l->n_groups);
    x->set_words[i] = 0;
    for (int k = 0; k < l->n_chunks; k++)
        x->set_words[i] += l->chunks[k].words;
    if (all)
        return RS_OK;
    for (int k = i; k < x->n; k++)
        if (k == i || x->j->layers[k].in == l->out || x->j->layers[k].res == l->out)
            find_needs(x->j, k);
    return RS_OK;
}

static rs_status ordering_init(struct ordering *x, struct rs_error *err)
{
    const size_t n = (size_t)x->n + 1;
    rs_status s = RS_OK;

    x->after = calloc(n * n, sizeof *x->after);
    x->maker_in = calloc(n, sizeof *x->maker_in);
    x->maker_res = calloc(n, sizeof *x->maker_res);
    x->next = calloc(n, sizeof *x->next);
    x->seen = calloc(n, sizeof *x->seen);
    x->done = calloc(n, sizeof *x->done);
    x->set_words = calloc(n, sizeof *x->set_words);
    if (x->after == NULL || x->maker_in == NULL || x->maker_res == NULL || x->next == NULL || x->seen == NULL || x->done == NULL || x->set_words == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d layers", x->n);
    find_after(x->j, x->after);
    for (int i = 0; s == RS_OK && i < x->n; i++) {
        x->maker_in[i] = maker_of(x->j, x->j->layers[i].in);
        x->maker_res[i] = x->j->layers[i].res >= 0 ? maker_of(x->j, x->j->layers[i].res) : -1;
        s = remap(x, i, true, err);
    }
    for (int i = 0; s == RS_OK && i < x->n; i++)
        find_needs(x->j, i);
    return s;
}

/* One descent: layer after layer, every candidate, until nothing gets better.  @best: its cost, in and out. */
static rs_status descend(struct ordering *x, struct rs_mapping (*list)[CANDIDATES], const int *n_list, int64_t *best, struct rs_error *err)
{
    rs_status s = RS_OK;

    for (bool better = true; s == RS_OK && better && x->work < SEARCH_BUDGET;) {
        better = false;
        for (int i = 0; s == RS_OK && i < x->n && x->work < SEARCH_BUDGET; i++) {
            struct layer *l = &x->j->layers[i];
            struct rs_mapping keep = l->map;

            for (int k = 0; s == RS_OK && k < n_list[i]; k++) {
                if (memcmp(&list[i][k], &keep, sizeof keep) == 0)
                    continue;
                l->map = list[i][k];
                s = remap(x, i, false, err);
                if (s == RS_OK) {
                    const int64_t cost = order_cost(x);

                    if (cost < *best) {
                        *best = cost;
                        keep = list[i][k];
                        better = true;
                    }
                }
            }
            l->map = keep;
            if (s == RS_OK && n_list[i] > 0)
                s = remap(x, i, false, err);
        }
    }
    return s;
}

/* Descents from the best so far with two or three neighbours changed at random, while the budget lasts. */
static rs_status search_mappings(struct ordering *x, struct rs_error *err)
{
    struct rs_mapping (*list)[CANDIDATES] = calloc((size_t)x->n + 1, sizeof *list);
    struct rs_mapping *champion = calloc((size_t)x->n + 1, sizeof *champion);
    int *n_list = calloc((size_t)x->n + 1, sizeof *n_list);
    int64_t best = 0, round;
    uint32_t random = 12345;
    rs_status s = RS_OK;

    if (list == NULL || champion == NULL || n_list == NULL)
        s = rs_fail(err, RS_ERR_NOMEM, "no memory for a search over %d layers", x->n);
    for (int i = 0; s == RS_OK && i < x->n; i++)
        if (!is_pool(&x->j->layers[i]) && !x->j->layers[i].pinned)
            n_list[i] = rs_map_candidates(x->c, &x->j->layers[i], list[i], CANDIDATES, NULL, NULL);
    if (s == RS_OK) {
        best = order_cost(x);
        s = descend(x, list, n_list, &best, err);
    }
    for (int i = 0; s == RS_OK && i < x->n; i++)
        champion[i] = x->j->layers[i].map;
    for (int tries = 0; s == RS_OK && tries < 40 && x->work < SEARCH_BUDGET; tries++) {
        const int at = (int)((random = random * 1664525u + 1013904223u) >> 8) % x->n;

        for (int i = at; s == RS_OK && i < x->n && i < at + 3; i++) {
            if (n_list[i] == 0)
                continue;
            x->j->layers[i].map = list[i][((random = random * 1664525u + 1013904223u) >> 8) % (uint32_t)n_list[i]];
            s = remap(x, i, false, err);
        }
        if (s != RS_OK)
            break;
        round = order_cost(x);
        s = descend(x, list, n_list, &round, err);
        for (int i = 0; s == RS_OK && i < x->n; i++) {
            if (round < best) {
                champion[i] = x->j->layers[i].map;
            } else if (memcmp(&x->j->layers[i].map, &champion[i], sizeof *champion) != 0) {
                x->j->layers[i].map = champion[i];
                s = remap(x, i, false, err);
            }
        }
        if (round < best)
            best = round;
    }
    free(list);
    free(champion);
    free(n_list);
    return s;
}

rs_status rs_order_job(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j, bool search,
                       struct group_ref **order, int *n_order, struct rs_error *err)
{
    struct ordering x = { .c = c, .o = o, .j = j, .n = j->n_layers };
    rs_status s = ordering_init(&x, err);
    int64_t room = 0;

    *order = NULL;
    if (s == RS_OK && search && !o->quick)
        s = search_mappings(&x, err);
    for (int i = 0; s == RS_OK && i < x.n; i++)
        room += j->layers[i].n_groups;
    if (s == RS_OK) {
        *order = calloc((size_t)room + 1, sizeof **order);
        if (*order == NULL)
            s = rs_fail(err, RS_ERR_NOMEM, "no memory for %lld groups", (long long)room);
        else
            (void)order_all(&x, *order, n_order);
    }
    ordering_free(&x);
    return s;
}

rs_status rs_order_ends(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j, int i, const struct rs_mapping *maps,
                        int n, int64_t *ends, struct rs_error *err)
{
    struct ordering x = { .c = c, .o = o, .j = j, .n = j->n_layers };
    const struct rs_mapping keep = j->layers[i].map;
    rs_status s = ordering_init(&x, err), restored;

    for (int k = 0; s == RS_OK && k < n; k++) {
        j->layers[i].map = maps[k];
        s = remap(&x, i, false, err);
        if (s == RS_OK)
            ends[k] = order_all(&x, NULL, NULL);
    }
    j->layers[i].map = keep;
    restored = s == RS_OK ? remap(&x, i, false, err) : s;
    ordering_free(&x);
    return restored;
}
