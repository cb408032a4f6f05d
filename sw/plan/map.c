/*
 * map.c - how a layer is cut over the array: limits, clocks, search.
 *
 * The limits are those of docs/isa.md.  The clocks are closed forms of what the sequencer does for one group; they are
 * predictions, held against counted cycles by tests/e2e.  The search tries every split that fits and keeps the cheapest
 * for each number of row tiles, since the best one for the layer alone need not be the best between its neighbours.
 */
#include <stdlib.h>
#include <string.h>
#include "plan_internal.h"
#include "add_lane.h"

enum {
    STRIP_GAP = 0,               /* sequencer clocks between strips, passes, groups                   */
    PASS_GAP = 0,
    GROUP_GAP = 1,
    FLUSH_GAP = REQUANTIZE_EDGES + 11,       /* the columns of one group are empty before the next one's are read */
    FIRST_FILL = 20,             /* wait over to first MAC, without the words themselves              */
    FILTER_FILL = 8,             /* the same for filter words                                         */
    ADD_FILL = REQUANTIZE_EDGES + ADD_EDGES + 17,    /* first psum to first sum: a group with residuals starts when the adders are empty */
    POOL_FILL = 26,              /* wait over to the first window, and the last one's way out         */
    POOL_DIVISION = 9,           /* clocks from average to average, if they have no more to read      */
    POOL_COMMANDS = 4,           /* a pool's channel blocks go into at most so many                   */
    MOST_GROUPS = 1000000,
    MAX_CANDIDATES = 64
};

static int lanes_step(const struct layer *l, const struct rs_mapping *m)      /* ofmap columns a step makes */
{
    return m->mode == RS_MODE_DEPTHWISE && l->U == 1 && !l->wide ? 2 : 1;
}

struct passes rs_map_passes(const struct layer *l, const struct rs_mapping *m, int rows)
{
    struct passes p = { 1, 1, 1, l->R, rows };
    const int chain = rs_map_chain(m, rows);

    if (m->mode == RS_MODE_CONV) {
        p.n_cb = rs_div_up(l->cbs, m->q);
        p.q_last = l->cbs - (p.n_cb - 1) * m->q;
        p.n_rc = rs_div_up(l->R, m->rp);
        p.rp_last = l->R - (p.n_rc - 1) * m->rp;
    } else if (m->mode == RS_MODE_FLATTEN) {
        if (m->q > 1) {                                    /* whole filters: chain / R sets of q channels */
            const int sets = chain / l->R;

            p.n_cb = rs_div_up(l->C, sets * m->q);
            p.q_last = rs_div_up(l->C - (p.n_cb - 1) * sets * m->q, sets);
            p.rows_last = chain;
        } else {
            p.n_cb = rs_div_up(l->C * l->R, chain);
            p.rows_last = l->C * l->R - (p.n_cb - 1) * chain;
        }
    }
    return p;
}

int rs_map_taps(const struct layer *l, const struct rs_mapping *m, const struct passes *p, int cb, int rc)
{
    if (m->mode == RS_MODE_FLATTEN)
        return (cb == p->n_cb - 1 ? p->q_last : m->q) * l->S;
    if (m->mode == RS_MODE_DEPTHWISE)
        return l->R * l->S;
    return (cb == p->n_cb - 1 ? p->q_last : m->q) * (rc == p->n_rc - 1 ? p->rp_last : m->rp) * l->S;
}

static int min_taps(const struct layer *l, const struct rs_mapping *m, int rows)
{
    const struct passes p = rs_map_passes(l, m, rows);

    return rs_map_taps(l, m, &p, p.n_cb - 1, p.n_rc - 1);
}

/* Pairs of pixels that wait for the adders, when the last entries have been read. */
static int adders_queue(const struct rs_hw_config *c)
{
    return c->cols <= 8 ? 24 : 48;
}

void rs_map_group_cost(const struct rs_hw_config *c, const struct layer *l, const struct group *g, struct group_cost *cost)
{
    const struct rs_mapping *m = &l->map;
    const int block = (int)c->block, rows = (int)c->rows, chains = rs_map_chains(m);
    const struct passes p = rs_map_passes(l, m, rows);
    const int nj = rs_word_columns(l, g->fp), used = g->e * m->fx * g->mx;
    const int results = m->mode == RS_MODE_DEPTHWISE ? rows : chains;      /* of a step; the port of the accumulators moves them */
    const int drain = c->psum_words < c->cols ? rs_max(results, rs_div_up(used * results, (int)c->psum_words)) : results;
    /* Word columns of a strip's first step that find no room in the window while the last step of the strip before it runs. */
    const int late = rs_max(0, rs_div_up(l->S * rs_layer_px(l), 2) - (m->wc - (nj - (g->fp - lanes_step(l, m)) * l->U * rs_layer_px(l) / 2)));
    int64_t total = 0, before = 0;

    *cost = (struct group_cost){ .params = (m->mode == RS_MODE_DEPTHWISE ? rows : (int64_t)g->mx * g->pairs * rs_map_filter_chains(m)) * (16 / block) };
    for (int cb = 0; cb < p.n_cb; cb++) {
        for (int rc = 0; rc < p.n_rc; rc++) {
            const int64_t taps = rs_map_taps(l, m, &p, cb, rc);
            const int64_t filter = (int64_t)g->mx * g->pairs * taps;
            int64_t mac, column, pass, strip;              /* column: ifmap reads of one word column of all tiles */

            if (m->mode == RS_MODE_DEPTHWISE) {
                mac = (int64_t)(g->fp / lanes_step(l, m)) * rs_max((int)taps, drain);
                column = (int64_t)m->fx * ((g->e - 1) * l->U + l->R);
            } else if (m->mode == RS_MODE_FLATTEN) {
                const int q = cb == p.n_cb - 1 ? p.q_last : m->q;

                mac = (int64_t)g->fp * g->pairs * rs_max((int)taps, drain);
                column = (int64_t)m->fx * q * rs_max((g->e * (rs_map_strip_rows(m) / m->e) - 1) * l->U + l->R, g->e);
            } else {
                const int rp = rc == p.n_rc - 1 ? p.rp_last : m->rp, q = cb == p.n_cb - 1 ? p.q_last : m->q;

                mac = (int64_t)g->fp * g->pairs * rs_max((int)taps, drain);
                column = (int64_t)m->fx * q * ((g->e - 1) * l->U + rp);
            }
            strip = rs_max64(mac + late * column, nj * column);
            pass = g->ns * (strip + STRIP_GAP) + PASS_GAP;
            if (m->mode == RS_MODE_FLATTEN || l->multiplier > 1)   /* rows' channels are programmed between passes, one a clock */
                pass = rs_max64(pass, g->ns * nj * column + rows);
            cost->ifmap += g->ns * nj * column;
            cost->mac += g->ns * mac;
            cost->filters += filter;
            if (cb == 0 && rc == 0) {
                cost->first = FIRST_FILL + column * rs_div_up(l->S + 1, 2) + (m->mode == RS_MODE_FLATTEN ? rows : 0);
                cost->first_filters = filter;
                total += pass;
            } else {
                /* This pass's filters came while the last one computed; the parameters come between the first two. */
                const int64_t words = filter + (cb * p.n_rc + rc == 1 ? cost->params : 0);

                total += words > before ? pass + words - before : pass;
            }
            before = pass;
        }
    }
    cost->last = before;
    cost->filters += cost->params;
    cost->run = total + GROUP_GAP;
    cost->flush = (int64_t)g->ns * chains * rs_div_up(g->fp * rs_layer_px(l), 2) *
                  rs_max((m->mode == RS_MODE_DEPTHWISE ? rows : rs_layer_lanes(l) * g->pairs) * (int)c->requantize_clocks, used);
    if (l->add) {                /* the adders' clocks for each pair of pixels, most of them after its entries have been read */
        const int64_t adders = (int64_t)g->ns * rs_div_up(g->fp * rs_layer_px(l), 2) * used * (2 * block / (int)c->add_lanes);

        cost->added = rs_min64(rs_max64(0, adders - cost->flush), adders_queue(c) * (2 * block / (int)c->add_lanes)) + ADD_FILL;
        cost->flush = rs_max64(cost->flush, adders) + ADD_FILL;
    }
}

int64_t rs_timeline_group(struct timeline *t, int64_t ready, const struct group_cost *cost, int64_t *done)
{
    const int64_t filters = rs_max64(t->filter_free, 0) + cost->first_filters + FILTER_FILL;
    const int64_t begin = rs_max64(rs_max64(ready + cost->first, t->mac_end), rs_max64(t->flush_before, filters));
    const int64_t end = begin + cost->run;

    t->filter_free = rs_max64(t->filter_free + cost->filters + 3, end - cost->last - FILTER_FILL);
    t->flush_before = t->read_end;
    t->mac_end = end;
    t->flush_end = rs_max64(rs_max64(end, filters + cost->params) + RS_MAP_LATENCY, t->flush_end + FLUSH_GAP) + cost->flush;
    t->read_end = t->flush_end - cost->added;
    *done = t->flush_end;
    return begin;
}

int64_t rs_timeline_pool(struct timeline *t, int64_t ready, int64_t cost, int64_t *done)
{
    const int64_t begin = rs_max64(ready, t->pool_free);

    t->pool_free = *done = begin + cost;
    return begin;
}

int64_t rs_pool_cost(const struct layer *l, const struct group *g)
{
    const int window = l->R * rs_div_up(l->S, 4);                                        /* four columns a clock */

    return POOL_FILL + (int64_t)g->ne * g->nf * (l->kind == RS_PLAN_AVERAGE_POOL ? rs_max(window, POOL_DIVISION) : window) * g->nm;
}

#define REFUSE(...) do { (void)rs_fail(why, RS_ERR_RANGE, __VA_ARGS__); return false; } while (0)

bool rs_map_check(const struct rs_hw_config *c, const struct layer *l, const struct rs_mapping *m, struct rs_error *why)
{
    const int block = (int)c->block, cols = (int)c->cols, rows = (int)c->rows, chains = rs_map_chains(m);
    const int need_wc = rs_least_window(l);
    const bool depthwise = m->mode == RS_MODE_DEPTHWISE;
    const int lanes = rs_layer_lanes(l);
    int taps, rows_in_window;

    if (m->mode != RS_MODE_CONV && m->mode != RS_MODE_FLATTEN && !depthwise)
        REFUSE("mode %d: 0, 1 or 2", m->mode);
    if (m->e < 1 || m->fx < 1 || m->mx < 1 || m->pairs < 1 || m->ns < 1 || m->fp < 1 || m->q < 1 || m->rp < 1 || m->wc < 1)
        REFUSE("a mapping's numbers are at least 1");
    if (m->e > cols || m->fx > cols || m->mx > cols || m->e * m->fx * m->mx > cols)
        REFUSE("e*fx*mx = %d*%d*%d: the array has %d columns", m->e, m->fx, m->mx, cols);
    if (m->ns > 63 || m->fp > 256)
        REFUSE("ns = %d, fp = %d: at most 63 and 256", m->ns, m->fp);
    if (rs_word_columns(l, m->fp) > 1023)
        REFUSE("fp = %d at stride %d: at most 1023 word columns a strip", m->fp, l->U);
    if (lanes * m->pairs > block)
        REFUSE("pairs = %d: at most %d", m->pairs, block / lanes);
    if ((m->pairs & (m->pairs - 1)) != 0)
        REFUSE("pairs = %d: a power of two", m->pairs);
    if (m->wc < need_wc || m->wc > 31)
        REFUSE("wc = %d: %d to 31 for filter width %d", m->wc, need_wc, l->S);
    switch (m->mode) {
    case RS_MODE_CONV:
        if (l->filter_layout == FILTER_RSM && lanes * m->pairs * m->mx > l->multiplier * block)
            REFUSE("mx*%d*pairs = %d filters: a block of channels has %d", lanes, lanes * m->pairs * m->mx, l->multiplier * block);
        if (l->bc != rows)
            REFUSE("channels in rows: %d rows, but %d channels in a block", rows, l->bc);
        if (m->q > 16 || m->q > l->cbs || m->rp > l->R)
            REFUSE("q = %d, rp = %d: at most %d and %d", m->q, m->rp, rs_min(16, l->cbs), l->R);
        taps = m->q * m->rp * l->S;
        rows_in_window = m->q * m->rp;
        if (rs_map_passes(l, m, rows).n_cb > 4095 || rs_map_passes(l, m, rows).n_rc > 15)
            REFUSE("%d channel blocks by %d: too many passes", l->cbs, m->q);
        break;
    case RS_MODE_FLATTEN:
        if (l->filter_layout != FILTER_MRSC)
            REFUSE("flattened rows are for plain convolutions");
        if (m->rp != l->R || m->q > 16)
            REFUSE("flattened rows: rp = %d, q = %d: R, and at most 16", m->rp, m->q);
        if (rs_map_chain(m, rows) * chains > rows)
            REFUSE("chain*chains = %d*%d: the array has %d rows", rs_map_chain(m, rows), chains, rows);
        if ((m->q > 1 || l->C > l->bc) && (rs_map_chain(m, rows) % l->R != 0 || l->bc % (rs_map_chain(m, rows) / l->R * m->q) != 0))
            REFUSE("flattened rows: chain = %d, q = %d: sets of %d rows whose channels divide a block of %d", rs_map_chain(m, rows), m->q, l->R, l->bc);
        if (m->q > 1 && (l->C - (rs_map_passes(l, m, rows).n_cb - 1) * (rs_map_chain(m, rows) / l->R * m->q)) % (rs_map_chain(m, rows) / l->R) != 0)
            REFUSE("flattened rows: %d channels do not end with whole sets of %d", l->C, rs_map_chain(m, rows) / l->R);
        if (rs_map_filter_chains(m) > 1 && (m->mx * lanes * m->pairs) % block != 0)
            REFUSE("chains of other filters: mx*%d*pairs = %d filters: a multiple of %d", lanes, m->mx * lanes * m->pairs, block);
        if (rs_map_filter_chains(m) * m->pairs > (int)c->max_pairs)
            REFUSE("chains*pairs = %d*%d: parameters of %u", chains, m->pairs, c->max_pairs);
        if (chains > 1 && l->add)
            REFUSE("chains = %d: one, where a residual is added", chains);
        if (rs_map_images(m) > 1 && l->own_filters)
            REFUSE("images = %d: each has filters of its own", rs_map_images(m));
        if (rs_map_images(m) > 1 && (l->pad_top != 0 || m->ns != rs_map_images(m) || rs_map_strip_rows(m) != l->E || (l->E - 1) * l->U + l->R > l->H))
            REFUSE("images = %d: ns the same, e*chains = %d all ofmap rows, no padding", rs_map_images(m), rs_map_strip_rows(m));
        if ((rs_map_strip_rows(m) - 1) * l->U + l->R > 255)
            REFUSE("e*chains = %d ofmap rows: %d ifmap rows, at most 255", rs_map_strip_rows(m), (rs_map_strip_rows(m) - 1) * l->U + l->R);
        if (rs_map_passes(l, m, rows).n_cb > 4095)
            REFUSE("%d passes: at most 4095", rs_map_passes(l, m, rows).n_cb);
        taps = m->q * l->S;
        rows_in_window = m->q;
        break;
    default:
        if (rows != block)
            REFUSE("depthwise mode: %d rows, but %d channels in a block", rows, block);
        if (l->filter_layout != FILTER_RSM || l->multiplier > 255)
            REFUSE("depthwise mode: for depthwise convolutions with a multiplier up to 255");
        if (m->q != 1 || m->rp != l->R || m->mx != 1 || m->pairs != 1)
            REFUSE("depthwise mode: q = mx = pairs = 1 and rp = R");
        if (lanes_step(l, m) == 2 && (m->fp & 1) != 0)
            REFUSE("depthwise mode, stride 1: fp is even");
        taps = l->R * l->S;
        rows_in_window = l->R;
        break;
    }
    if (m->pairs * taps > (int)c->filter_words)
        REFUSE("pairs*taps = %d*%d: filter spad of %u words", m->pairs, taps, c->filter_words);
    if (rows_in_window * m->wc > (int)c->window_words)
        REFUSE("%d rows of %d words: window of %u words", rows_in_window, m->wc, c->window_words);
    if (m->ns * (m->fp / lanes_step(l, m)) * (depthwise ? rows : m->pairs * chains) > (int)c->acc_entries)
        REFUSE("ns*fp*%s = %d*%d*%d: %u accumulator entries", depthwise ? "rows" : chains > 1 ? "pairs*chains" : "pairs", m->ns,
               m->fp / lanes_step(l, m), depthwise ? rows : m->pairs * chains, c->acc_entries);
    if (!depthwise && m->ns * m->fp * m->pairs * min_taps(l, m, rows) < 4)
        REFUSE("the shortest pass has %d steps: at least 4", m->ns * m->fp * m->pairs * min_taps(l, m, rows));
    return true;
}

/* ---- groups ---- */

/* Smallest fp that keeps the shortest pass at 4 steps. */
static int fp_for_four(const struct layer *l, const struct rs_mapping *m, int ns, int pairs, int fp, int rows)
{
    const int taps = min_taps(l, m, rows);

    while (m->mode != RS_MODE_DEPTHWISE && ns * fp * pairs * taps < 4)
        fp++;
    return fp;
}

void rs_layer_free_groups(struct layer *l)
{
    free(l->groups);
    free(l->chunks);
    free(l->costs);
    free(l->need_in);
    free(l->need_res);
    l->groups = NULL;
    l->chunks = NULL;
    l->costs = NULL;
    l->need_in = l->need_res = NULL;
    l->n_groups = l->n_chunks = 0;
}

rs_status rs_plan_groups(const struct rs_hw_config *c, struct layer *l, struct rs_error *err)
{
    const struct rs_mapping *m = &l->map;
    const int block = (int)c->block, lanes = rs_layer_lanes(l);
    const bool pool = l->kind == RS_PLAN_MAX_POOL || l->kind == RS_PLAN_AVERAGE_POOL;
    const bool by_row = l->E > 1;
    const int cg_filters = pool ? 1 : m->mode == RS_MODE_DEPTHWISE ? block : l->cg_m;
    const int fc = rs_map_filter_chains(m), images = rs_map_images(m);
    const int rows = images > 1 ? l->E : m->ns * rs_map_strip_rows(m), cols = m->fx * m->fp, filters = pool ? 1 : m->mode == RS_MODE_DEPTHWISE ? block : rs_min(m->mx * lanes * m->pairs * fc, cg_filters);
    const int n_tiles = rs_div_up(by_row ? l->E : l->F, l->tile_rows);
    const int pool_cbs = pool ? rs_div_up(l->cbs, POOL_COMMANDS) : 1;              /* blocks a POOL command does */
    const int n_cg = pool ? rs_div_up(l->cbs, pool_cbs) : m->mode == RS_MODE_DEPTHWISE ? rs_div_up(l->M, block) : l->n_cg;
    int per_cg, n = 0;
    int64_t room;

    rs_layer_free_groups(l);
    per_cg = m->mode == RS_MODE_DEPTHWISE || pool ? 1 : rs_div_up(cg_filters, m->mx * lanes * m->pairs * fc);
    room = 0;
    for (int t = 0; t < n_tiles; t++) {
        const int n_space = by_row ? rs_div_up(rs_min(l->tile_rows, l->E - t * l->tile_rows), rows) * rs_div_up(l->F, cols)
                                   : rs_div_up(l->E, rows) * rs_div_up(rs_min(l->tile_rows, l->F - t * l->tile_rows), cols);

        room += (int64_t)l->N * n_space * n_cg * per_cg;
    }
    if (room > MOST_GROUPS)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "%lld commands for one layer", (long long)room);
    l->chunks = calloc((size_t)(rs_filter_sets(l) * n_cg * per_cg), sizeof *l->chunks);
    l->groups = calloc((size_t)room, sizeof *l->groups);
    l->costs = calloc((size_t)room, sizeof *l->costs);
    l->need_in = calloc((size_t)room, sizeof *l->need_in);
    l->need_res = calloc((size_t)room, sizeof *l->need_res);
    if (l->chunks == NULL || l->groups == NULL || l->costs == NULL || l->need_in == NULL || l->need_res == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %lld groups", (long long)room);

    /* Filter tiles. */
    for (int set_cg = 0; set_cg < rs_filter_sets(l) * n_cg && !pool; set_cg++)
        for (int k = 0; k < per_cg; k++) {
            struct chunk *h = &l->chunks[l->n_chunks++];
            const int cg = set_cg % n_cg, first = cg * cg_filters, in_cg = rs_min(cg_filters, l->M - first);
            const int left = in_cg - k * filters;

            h->cg = cg;
            h->m0 = first + k * filters;
            h->nm = rs_min(filters, left);
            h->pairs = m->pairs;
            h->mx = m->mx;
            if (m->mode != RS_MODE_DEPTHWISE) {
                if (h->nm <= 0) {
                    l->n_chunks--;
                    break;
                }
                h->mx = fc > 1 ? m->mx : rs_div_up(h->nm, lanes * m->pairs);
                while (fc == 1 && h->mx == 1 && h->pairs > 1 && 2 * h->nm <= lanes * h->pairs)
                    h->pairs /= 2;
            }
            (void)rs_chunk_words(c, l, h);
        }

    for (int image = 0; image < l->N; image += images)
        for (int t = 0; t < n_tiles; t++) {
            const int lo_e = by_row ? t * l->tile_rows : 0, hi_e = by_row ? rs_min(l->E, lo_e + l->tile_rows) : l->E;
            const int lo_f = by_row ? 0 : t * l->tile_rows, hi_f = by_row ? l->F : rs_min(l->F, lo_f + l->tile_rows);
            const int n_et = rs_div_up(hi_e - lo_e, rows), n_ft = rs_div_up(hi_f - lo_f, cols);
            const int n_f = pool ? n_cg : l->n_chunks / rs_filter_sets(l), n_space = n_et * n_ft;
            const int first_chunk = l->own_filters ? image * n_f : 0;

            for (int i = 0; i < n_space * n_f; i++) {
                const int space = m->filters_outer ? i % n_space : i / n_f;
                const int k = first_chunk + (m->filters_outer ? i / n_space : i % n_f);
                struct group *g = &l->groups[n++];

                g->image = image;
                g->tile = image * n_tiles + t;
                g->e0 = lo_e + space / n_ft * rows;
                g->ne = rs_min(rows, hi_e - g->e0);
                g->f0 = lo_f + space % n_ft * cols;
                g->nf = rs_min(cols, hi_f - g->f0);
                g->chunk = k;
                if (pool) {
                    g->cg = k * pool_cbs;
                    g->m0 = g->cg * block;
                    g->nm = rs_min(pool_cbs, l->cbs - g->cg);
                    g->e = g->mx = g->pairs = g->ns = g->fp = 1;
                    l->costs[n - 1].run = rs_pool_cost(l, g);
                    continue;
                }
                g->cg = l->chunks[k].cg;
                g->m0 = l->chunks[k].m0;
                g->nm = l->chunks[k].nm;
                g->mx = l->chunks[k].mx;
                g->pairs = l->chunks[k].pairs;
                g->ns = images > 1 ? rs_min(images, l->N - image) : rs_div_up(g->ne, rs_map_strip_rows(m));
                g->e = g->ns == 1 && rs_map_chains(m) == 1 ? rs_min(m->e, g->ne) : m->e;
                g->fp = rs_div_up(g->nf, m->fx);
                if (lanes_step(l, m) == 2)
                    g->fp += g->fp & 1;
                g->fp = fp_for_four(l, m, g->ns, g->pairs, g->fp, (int)c->rows);
                rs_map_group_cost(c, l, g, &l->costs[n - 1]);
            }
        }
    l->n_groups = n;
    return RS_OK;
}

/* ---- search ---- */

struct candidate { struct rs_mapping map; int64_t cost; int tiles; };

/* The best mapping for each number of tiles; with @all, the best of all that were tried as well. */
struct found { struct candidate list[MAX_CANDIDATES]; int n; struct considered *all; };

/* Clocks of the whole layer under @m, between neighbours of the same kind. */
static int64_t layer_cost(const struct rs_hw_config *c, const struct layer *l, const struct rs_mapping *m)
{
    struct layer shape = *l;
    const int block = (int)c->block, lanes = rs_layer_lanes(l);
    const bool depthwise = m->mode == RS_MODE_DEPTHWISE;
    const int fc = rs_map_filter_chains(m);
    const int rows = m->ns * rs_map_strip_rows(m), cols = m->fx * m->fp, filters = m->mx * lanes * m->pairs * fc;
    const int n_et = rs_div_up(l->E, rows), n_ft = rs_div_up(l->F, cols);
    const int n_m = depthwise ? 1 : rs_div_up(l->cg_m, filters), n_cg = depthwise ? rs_div_up(l->M, block) : l->n_cg;
    const int64_t n = (int64_t)l->N * n_et * n_ft * n_m * n_cg;
    int64_t total = 0;
    struct group_cost one;

    shape.map = *m;
    /* Up to 8 kinds of groups: full and last in rows, columns, filters. */
    for (int k = 0; k < 8; k++) {
        const int te = k & 1 ? 1 : n_et - 1, tf = k & 2 ? 1 : n_ft - 1, tm = k & 4 ? 1 : n_m - 1;
        const int ne = k & 1 ? l->E - (n_et - 1) * rows : rows, nf = k & 2 ? l->F - (n_ft - 1) * cols : cols;
        const int nm = depthwise ? block : k & 4 ? l->cg_m - (n_m - 1) * filters : filters;
        struct group g = { 0 };
        int64_t each;

        if (te == 0 || tf == 0 || tm == 0)
            continue;
        g.ns = rs_div_up(ne, rs_map_strip_rows(m));
        g.e = g.ns == 1 && rs_map_chains(m) == 1 ? rs_min(m->e, ne) : m->e;
        g.fp = rs_div_up(nf, m->fx);
        if (lanes_step(l, m) == 2)
            g.fp += g.fp & 1;
        g.mx = depthwise ? 1 : fc > 1 ? m->mx : rs_div_up(nm, lanes * m->pairs);
        g.pairs = m->pairs;
        while (!depthwise && fc == 1 && g.mx == 1 && g.pairs > 1 && 2 * nm <= lanes * g.pairs)
            g.pairs /= 2;
        g.fp = fp_for_four(l, m, g.ns, g.pairs, g.fp, (int)c->rows);
        rs_map_group_cost(c, &shape, &g, &one);
        each = rs_max64(rs_max64(one.run, one.flush), rs_max64(one.filters, (one.run + one.flush + RS_MAP_LATENCY) / 2));
        total += (int64_t)l->N * n_cg * te * tf * tm * each;
    }
    /* What the neighbours cannot hide: start-up, and the last group's way out. */
    rs_map_group_cost(c, &shape, &(struct group){ .e = m->e, .ns = m->ns, .fp = m->fp, .mx = m->mx, .pairs = m->pairs }, &one);
    total += (one.first + RS_MAP_LATENCY + one.flush) / (n > 3 ? 4 : n > 1 ? 2 : 1);
    if (n_et * n_ft > 1) {                                 /* filters that must be fetched again, with their parameters */
        const int64_t words = ((int64_t)l->M * l->cbs * l->R * l->S + (int64_t)l->M * 16 / block) / 2;

        if (!rs_wbuf_keeps(rs_wbuf_room((int)c->wbuf_words), m->filters_outer ? words / n_m : words))
            total += words * (n_et * n_ft - 1) / 2;
    }
    return total;
}

/* Keeps the @all->max cheapest, cheapest first; equals in the order in which they came. */
static void consider(struct considered *all, const struct rs_mapping *m, int64_t cost)
{
    int at = all->n;

    all->tried++;
    while (at > 0 && all->cost[at - 1] > cost)
        at--;
    if (at == all->max)
        return;
    all->n = rs_min(all->n + 1, all->max);
    memmove(&all->map[at + 1], &all->map[at], (size_t)(all->n - 1 - at) * sizeof *all->map);
    memmove(&all->cost[at + 1], &all->cost[at], (size_t)(all->n - 1 - at) * sizeof *all->cost);
    all->map[at] = *m;
    all->cost[at] = cost;
}

static void offer(struct found *f, const struct rs_mapping *m, int64_t cost, int tiles)
{
    if (f->all != NULL && (!m->filters_outer || (tiles & 2) != 0))         /* one filter tile: both orders are the same */
        consider(f->all, m, cost);
    for (int i = 0; i < f->n; i++)
        if (f->list[i].tiles == tiles) {
            if (cost < f->list[i].cost)
                f->list[i] = (struct candidate){ *m, cost, tiles };
            return;
        }
    if (f->n < MAX_CANDIDATES)
        f->list[f->n++] = (struct candidate){ *m, cost, tiles };
}

static void try_spatial(const struct rs_hw_config *c, const struct layer *l, struct rs_mapping m, struct found *f)
{
    const int step = lanes_step(l, &m);
    const int per_entry = m.mode == RS_MODE_DEPTHWISE ? (int)c->rows : m.pairs * rs_map_chains(&m);
    const int strips = rs_div_up(l->E, rs_map_strip_rows(&m));
    int last_fp = 0;

    for (int nct = 1; nct <= l->F; nct++) {
        int last_ns = 0;

        m.fp = rs_div_up(l->F, m.fx * nct);
        m.fp = (m.fp + step - 1) / step * step;
        if (m.fp == last_fp)
            continue;
        last_fp = m.fp;
        if (m.fp > 256 || m.fp / step * per_entry > (int)c->acc_entries)
            continue;
        for (int nrt = 1; nrt <= strips; nrt++) {
            struct rs_mapping t = m;
            const int tiles = rs_div_up(l->E, rs_div_up(strips, nrt) * rs_map_strip_rows(&m)) * rs_div_up(l->F, m.fx * m.fp);

            t.ns = rs_div_up(strips, nrt);
            if (t.ns == last_ns)
                continue;
            last_ns = t.ns;
            t.fp = fp_for_four(l, &t, t.ns, t.pairs, t.fp, (int)c->rows);
            if (!rs_map_check(c, l, &t, NULL))
                continue;
            for (t.filters_outer = 0; t.filters_outer < 2; t.filters_outer++) {
                offer(f, &t, layer_cost(c, l, &t), 4 * rs_min(tiles, 10) + 2 * (t.mode == RS_MODE_DEPTHWISE ? 1 : rs_div_up(l->cg_m, t.mx * rs_layer_lanes(l) * t.pairs * rs_map_filter_chains(&t)) > 1) + t.filters_outer);
                if (tiles == 1 || (l->N > 1 && !l->own_filters))
                    break;
            }
            if (nrt > 24 && nrt < strips - 1)
                nrt = strips - 1;
        }
        if (nct > 48)
            break;
    }
}

/* Every split of the columns over e, fx, mx, at most one step from using them as well as possible. */
static void try_columns(const struct rs_hw_config *c, const struct layer *l, struct rs_mapping m, struct found *f)
{
    const int cols = (int)c->cols, filters = rs_layer_lanes(l) * m.pairs * rs_map_filter_chains(&m);
    const int most_mx = m.mode == RS_MODE_DEPTHWISE ? 1 : l->filter_layout == FILTER_RSM ? rs_max(1, l->multiplier * (int)c->block / filters)
                                                                                        : rs_div_up(l->M, filters);

    for (m.e = 1; m.e <= rs_min(cols, l->E); m.e++)
        for (m.fx = 1; m.fx <= rs_min(cols / m.e, l->F); m.fx++) {
            const int room = cols / (m.e * m.fx);
            int last = 0;

            for (int cut = 1; cut <= 3; cut++) {           /* mx that divides the filter tiles evenly */
                m.mx = rs_min(room, most_mx);
                m.mx = rs_div_up(most_mx, rs_div_up(most_mx, m.mx) * cut);
                if (m.mx < 1 || m.mx == last)
                    break;
                last = m.mx;
                try_spatial(c, l, m, f);
            }
        }
}

/* Rows of one chain, or of several that make other filters or further rows of the ofmap. */
static void try_chains(const struct rs_hw_config *c, const struct layer *l, struct rs_mapping m, struct found *f)
{
    const int lanes = rs_layer_lanes(l), window = (int)c->window_words;

    m.wc = rs_min(31, window / m.q);
    if (m.wc < rs_least_window(l))
        return;
    for (m.pairs = 1; lanes * m.pairs <= rs_min((int)c->block, 16); m.pairs *= 2) {
        if (m.pairs * m.q * l->S > (int)c->filter_words)
            break;
        for (m.by_rows = m.chains > 1; m.by_rows >= 0; m.by_rows--)
            try_columns(c, l, m, f);
    }
}

static void try_flatten(const struct rs_hw_config *c, const struct layer *l, struct found *f)
{
    const int rows = (int)c->rows;
    struct rs_mapping m = { .mode = RS_MODE_FLATTEN, .q = 1, .rp = l->R };
    int last = 0;

    for (m.chains = 1; m.chains <= rs_min(rows, 2 * l->S) && l->C <= l->bc; m.chains++) {         /* pairs in any order: within a block */
        const int most = rs_min(rows / m.chains, l->C * l->R);

        m.chain = rs_div_up(l->C * l->R, rs_div_up(l->C * l->R, most));
        if (m.chain != last)
            try_chains(c, l, m, f);
        last = m.chain;
    }
    for (int sets = 1; sets * l->R <= rows && l->C > l->bc; sets++)        /* whole filters: channels that divide a block */
        for (m.q = 1; sets * m.q <= l->bc; m.q++) {
            if (l->bc % (sets * m.q) != 0)
                continue;
            m.chain = sets * l->R;
            for (m.chains = 1; m.chains <= rows / m.chain; m.chains++)
                try_chains(c, l, m, f);
        }
}

static int by_cost(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return x->cost < y->cost ? -1 : x->cost > y->cost;
}

int rs_map_search(const struct rs_hw_config *c, const struct layer *l, struct rs_mapping *out, int max, struct considered *all, struct rs_error *why)
{
    struct found f = { .all = all };
    const int block = (int)c->block, filter_words = (int)c->filter_words, window = (int)c->window_words, lanes = rs_layer_lanes(l);
    const int need_wc = rs_least_window(l);

    if (l->filter_layout == FILTER_RSM && l->multiplier <= 255) {
        const int wc = rs_min(31, window / l->R);
        struct rs_mapping m = { .mode = RS_MODE_DEPTHWISE, .mx = 1, .pairs = 1, .q = 1, .rp = l->R, .wc = wc };

        if (wc >= need_wc && l->R * l->S <= filter_words)
            try_columns(c, l, m, &f);
    }
    if (l->filter_layout == FILTER_MRSC && (l->C < block || l->bc != (int)c->rows))
        try_flatten(c, l, &f);
    if (l->bc == (int)c->rows && (f.n == 0 || l->filter_layout != FILTER_RSM)) {
        for (int pairs = 1; lanes * pairs <= rs_min(block, 16); pairs *= 2) {
            int last_q = 0;

            for (int n_cb = 1; n_cb <= l->cbs; n_cb++) {
                const int q = rs_div_up(l->cbs, n_cb);
                int last_rp = 0;

                if (q == last_q || q > 16)
                    continue;
                last_q = q;
                for (int n_rc = 1; n_rc <= l->R; n_rc++) {
                    struct rs_mapping m = { .mode = RS_MODE_CONV, .pairs = pairs, .q = q, .rp = rs_div_up(l->R, n_rc) };

                    if (m.rp == last_rp)
                        continue;
                    last_rp = m.rp;
                    m.wc = rs_min(31, window / (q * m.rp));
                    if (m.wc < need_wc || pairs * q * m.rp * l->S > filter_words)
                        continue;
                    try_columns(c, l, m, &f);
                    if (f.n != 0 && pairs * q * m.rp * l->S * 8 < filter_words)
                        break;                             /* shorter passes only get worse */
                }
                if (f.n != 0 && q * 16 < rs_min(l->cbs, 16))
                    break;
            }
        }
    }
    if (f.n == 0) {
        if (l->filter_layout == FILTER_RSM && l->bc != (int)c->rows)
            (void)rs_fail(why, RS_ERR_UNSUPPORTED, "depthwise: %u rows do not hold the %d channels of a block", c->rows, l->bc);
        else if (l->S * 1 > filter_words || need_wc > window)
            (void)rs_fail(why, RS_ERR_UNSUPPORTED, "filter width S=%d exceeds the PE's window of %d words", l->S, window);
        else
            (void)rs_fail(why, RS_ERR_UNSUPPORTED, "no mapping fits: filter %dx%d, stride %d", l->R, l->S, l->U);
        return 0;
    }
    qsort(f.list, (size_t)f.n, sizeof *f.list, by_cost);
    for (int i = 0; i < f.n && i < max; i++)
        out[i] = f.list[i].map;
    return rs_min(f.n, max);
}

int rs_map_candidates(const struct rs_hw_config *c, const struct layer *l, struct rs_mapping *out, int max, struct considered *all, struct rs_error *why)
{
    struct layer cut = *l;

    if (l->E > 1)
        cut.E = rs_min(l->E, l->tile_rows);
    else
        cut.F = rs_min(l->F, l->tile_rows);
    return rs_map_search(c, &cut, out, max, all, why);
}
