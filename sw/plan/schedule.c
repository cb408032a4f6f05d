/*
 * schedule.c - one device job: addresses in the global buffer, the order of commands, and what each waits for.
 *
 * 1. Addresses.  Every activation is resident over its life if that fits; else the largest are spilled to the arena and
 *    pass through double tile buffers, a tile of ofmap rows (columns when E = 1) at a time.
 * 2. Mappings and groups (map.c), filters and parameters into the image (pack.c).
 * 3. Order: groups, tile loads and stores; then filter loads, as early as the filter buffer and the queues allow: never
 *    before the group that gives up the room they need, so that a load that waits for room waits for earlier commands only.
 * 4. Waits: for every block, who wrote and who read it last.  Engines work in order, so the latest command of an
 *    engine stands for all before it.  Computing groups overlap each other: a group that reads what another wrote waits.
 *
 * Every wait is for a command earlier in the stream, so the oldest unfinished command can always run: no deadlock.
 */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "explain.h"
#include "plan_internal.h"

enum { LOAD_ENGINE, COMPUTE_ENGINE, POOL_ENGINE, STORE_ENGINE, N_ENGINES };
enum { SPACE_GLB, SPACE_ARENA, N_SPACES };
enum {
    QUEUE_DEPTH = 4,             /* commands that wait in an engine's queue                          */
    MEMORY_LATENCY = 100,
    FETCH = 4,                   /* commands that the command processor fetches at once              */
    ASKED_AHEAD = 160,           /* clocks of data that the load engine has asked for, at most       */
    MOVE_FILL = 10,              /* clocks between the data of two LOADs, and of fetching a command   */
    UNIT_WORDS = 512,            /* words that one LOAD of filters fetches at most, if it can         */
    FIRST_WORDS = 192,           /* of filters before the network's input                            */
    INPUT_PIECE = 160,           /* blocks of a network input that one LOAD fetches                  */
    ALIGN_BLOCKS = 4             /* blocks in a beat of m_axi */
};

struct region { int space; bool write; int64_t base; int len, n1, s1, n2, s2; };

struct cmd {
    uint32_t w[RS_COMMAND_WORDS];
    int engine, layer, n_regions;
    struct region region[4];
    struct group_cost time;      /* run: clocks of the transfer for LOAD, STORE                      */
    int chunk, set;              /* COMPUTE: its filter tile, -1; instance of it in the stream       */
};

/* A filter tile on its way through the filter buffer: once for all groups that use it while it stays there. */
struct instance {
    int64_t image, at;           /* byte offset in the image, or in the arena; running word address  */
    int words, used;             /* in the stream, of those not padding                              */
    int first, last;             /* positions of the sequence that use it                            */
    int last_below;              /* the last use of this one and all before it                       */
    int layer;
};

struct build {
    const struct rs_hw_config *c;
    const struct rs_plan_options *o;
    struct job *j;
    struct growing *image;
    struct cmd *seq;             /* without filter loads                                             */
    int n_seq, room_seq;
    struct cmd *prog;
    int n_prog, room_prog;
    struct group_ref *order;
    int n_order;
    int *next_tile;              /* [layer]: the first tile without its loads                        */
    int *loaded_blocks;          /* [activation]: of each channel block of an input of the job, with LOADs in the sequence */
    struct instance *inst;
    int n_inst;
    int64_t loaded;              /* running address: filter words with a LOAD in the program         */
    int loading;                 /* the instance that it is in                                       */
    int64_t arena_blocks;
    int32_t *wr[N_SPACES], *rd[N_SPACES];       /* [address * N_ENGINES + engine]: commands of that engine up to the last one, 0: none */
    int count[N_ENGINES];
    int waited[N_ENGINES][N_ENGINES];
    struct rs_error *err;
    rs_status status;            /* first failure of put()                                           */
};

rs_status rs_grow(struct growing *g, size_t more, struct rs_error *err)
{
    if (g->used + more > g->room) {
        const size_t room = (g->used + more) * 2 + 4096;
        uint8_t *data = realloc(g->data, room);

        if (data == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "no memory for %zu bytes", room);
        memset(data + g->room, 0, room - g->room);
        g->data = data;
        g->room = room;
    }
    return RS_OK;
}

static void put(struct build *b, struct cmd *k, enum rs_field field, int64_t value)
{
    if (b->status == RS_OK)
        b->status = rs_encode(k->w, field, value, b->err);
}
#define PUT(k, name, value) put(b, k, RS_FIELD_##name, value)

static int64_t modulo(int64_t a, int64_t n) { return ((a % n) + n) % n; }

static rs_status append(struct cmd **list, int *n, int *room, const struct cmd *k, struct rs_error *err)
{
    if (*n == *room) {
        const int more = *room * 2 + 64;
        struct cmd *p = realloc(*list, (size_t)more * sizeof *p);

        if (p == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "no memory for %d commands", more);
        *list = p;
        *room = more;
    }
    (*list)[(*n)++] = *k;
    return RS_OK;
}

/* ---- 1. addresses ------------------------------------------------------------------------------------------------- */

static bool is_pool(const struct layer *l) { return l->kind == RS_PLAN_MAX_POOL || l->kind == RS_PLAN_AVERAGE_POOL; }

struct interval { int64_t from, to; };          /* pixels, int16: their halves, [from, to) of every channel block */

static int tiles_of(const struct layer *l) { return rs_div_up(l->E > 1 ? l->E : l->F, l->tile_rows); }

static struct interval in_blocks(int px, int64_t from, int64_t to)
{
    return (struct interval){ from * px, to * px };
}

static struct interval out_pixels(const struct layer *l, int tile)
{
    const int n = tiles_of(l), image = tile / n, t = tile % n, lo = t * l->tile_rows;
    const int64_t base = (int64_t)image * l->out_image;

    if (l->E > 1)
        return in_blocks(l->out_px, base + (int64_t)lo * l->F, base + (int64_t)rs_min(l->E, lo + l->tile_rows) * l->F);
    return in_blocks(l->out_px, base + lo, base + rs_min(l->F, lo + l->tile_rows));
}

/* In the tile buffer, if only the rows are kept that filters meet: those rows, one after another (kept_row). */
static struct interval in_pixels(const struct layer *l, int tile)
{
    const int n = tiles_of(l), image = tile / n, t = tile % n, lo = t * l->tile_rows;
    const int64_t base = (int64_t)image * l->in_image;

    if (l->filter_layout == FILTER_LINEAR && !is_pool(l))
        return in_blocks(l->in_px, 0, l->linear_pixels);
    if (l->kept_row > 0)
        return (struct interval){ ((int64_t)image * l->E + lo) * l->kept_row, ((int64_t)image * l->E + rs_min(l->E, lo + l->tile_rows)) * l->kept_row };
    if (l->E > 1) {
        const int hi = rs_min(l->E, lo + l->tile_rows);
        const int a = rs_max(0, lo * l->U - l->pad_top), z = rs_min(l->H, (hi - 1) * l->U - l->pad_top + l->R);

        return in_blocks(l->in_px, base + (int64_t)a * l->W, base + (int64_t)rs_max(z, a + 1) * l->W);
    }
    if (l->H > 1)
        return in_blocks(l->in_px, base, base + (int64_t)l->H * l->W);
    const int hi = rs_min(l->F, lo + l->tile_rows);
    const int a = rs_max(0, lo * l->U - l->pad_left), z = rs_min(l->W, (hi - 1) * l->U - l->pad_left + l->S);

    return in_blocks(l->in_px, base + a, base + rs_max(z, a + 1));
}

/* Where ofmap row @row of all images, counted through, finds its one ifmap row in the activation. */
static struct interval kept_row(const struct layer *l, int64_t row)
{
    const int64_t from = row / l->E * l->in_image + row % l->E * l->U * l->W;

    return in_blocks(l->in_px, from, from + l->W);
}

/* Blocks per channel block of the largest tile. */
static int tile_blocks(const struct layer *l, bool in)
{
    const int n = tiles_of(l);
    int64_t most = 1;

    for (int t = 0; t < n; t++) {
        const struct interval p = in ? in_pixels(l, t) : out_pixels(l, t);

        most = rs_max64(most, p.to - p.from);
    }
    if (most < 16 || (in && l->filter_layout == FILTER_LINEAR))
        return (int)most;
    return (int)((most + ALIGN_BLOCKS - 1) / ALIGN_BLOCKS * ALIGN_BLOCKS);
}

struct slot { int size, first, last, *address; };

static int by_size(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;

    return x->size != y->size ? (x->size < y->size) - (x->size > y->size) : x->first - y->first;
}

/* The first address from @at on where slot @i meets nothing that lives at the same time, give or take @slack layers. */
static int first_fit(const struct slot *s, int i, int at, int slack)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (int k = 0; k < i; k++)
            if (s[k].first <= s[i].last + slack && s[i].first <= s[k].last + slack &&
                at < *s[k].address + s[k].size && *s[k].address < at + s[i].size) {
                at = (*s[k].address + s[k].size + ALIGN_BLOCKS - 1) / ALIGN_BLOCKS * ALIGN_BLOCKS;
                moved = true;
            }
    }
    return at;
}

/* Blocks of slot @i at @at that lie in a segment of the buffer with something a layer uses together with it. */
static int64_t shared_segments(const struct slot *s, int i, int at, int segment)
{
    int64_t sum = 0;

    for (int g = at / segment; g <= (at + s[i].size - 1) / segment; g++) {
        const int mine = rs_min(at + s[i].size, (g + 1) * segment) - rs_max(at, g * segment);

        for (int k = 0; k < i; k++)
            if (s[k].first <= s[i].last && s[i].first <= s[k].last && *s[k].address < (g + 1) * segment &&
                *s[k].address + s[k].size > g * segment)
                sum += mine;
    }
    return sum;
}

/* @segment: tensors that a layer uses together go to different segments if they can, since the banks of a segment serve one reader and
 * one writer a clock; 0: as low as can be. */
static bool place(struct slot *s, int n, int room, int slack, int segment)
{
    for (int i = 0; i < n; i++) {
        int best = first_fit(s, i, 0, slack);

        for (int from = segment; segment > 0 && from < room; from += segment) {
            const int at = first_fit(s, i, from, slack);

            if (at + s[i].size <= room && (best + s[i].size > room || shared_segments(s, i, at, segment) < shared_segments(s, i, best, segment)))
                best = at;
        }
        if (best + s[i].size > room)
            return false;
        *s[i].address = best;
    }
    return true;
}

static bool allocate(struct job *j, int room, int segment)
{
    struct slot *s = calloc((size_t)(j->n_acts + 3 * j->n_layers), sizeof *s);
    bool ok = false;
    int n = 0;

    if (s == NULL)
        return false;
    for (int i = 0; i < j->n_acts; i++) {
        struct act *a = &j->acts[i];

        if (!a->spilled)
            s[n++] = (struct slot){ a->cbs * a->stride, a->first, a->last, &a->glb };
    }
    for (int i = 0; i < j->n_layers; i++) {
        struct layer *l = &j->layers[i];

        if (j->acts[l->in].spilled)
            s[n++] = (struct slot){ 2 * l->in_tile * j->acts[l->in].cbs, i, i, &l->in_buf };
        if (l->res >= 0 && j->acts[l->res].spilled)
            s[n++] = (struct slot){ 2 * l->res_tile * j->acts[l->res].cbs, i, i, &l->res_buf };
        if (j->acts[l->out].spilled)
            s[n++] = (struct slot){ 2 * l->out_tile * j->acts[l->out].cbs, i, i, &l->out_buf };
    }
    qsort(s, (size_t)n, sizeof *s, by_size);
    for (int slack = 2; slack >= 0 && !ok; slack--)
        ok = place(s, n, room, slack, segment) || place(s, n, room, slack, 0);
    free(s);
    return ok;
}

/* Ofmap rows (columns) of a tile so that the tile buffers of layer @l take at most @budget blocks. */
static bool choose_tile(const struct job *j, struct layer *l, int64_t budget)
{
    const bool in = j->acts[l->in].spilled, out = j->acts[l->out].spilled, res = l->res >= 0 && j->acts[l->res].spilled;
    const int all = l->E > 1 ? l->E : l->F;

    /* Filters of one row meet every U-th ifmap row only.  A multiple of U blocks apart, the kept ones stand where IF_ROW = kept_row / U finds them. */
    l->kept_row = in && !is_pool(l) && l->E > 1 && l->R == 1 && l->U > 1 && l->pad_top == 0 ? rs_div_up(l->W * l->in_px, l->U) * l->U : 0;
    for (int n = 1;; n++) {
        int64_t need = 0;

        l->tile_rows = rs_div_up(all, n);
        l->in_tile = in ? tile_blocks(l, true) : 0;
        l->out_tile = out ? tile_blocks(l, false) : 0;
        l->res_tile = res ? tile_blocks(l, false) : 0;
        need = 2 * ((int64_t)l->in_tile * j->acts[l->in].cbs + (int64_t)(l->out_tile + l->res_tile) * j->acts[l->out].cbs);
        if (need <= budget)
            return true;
        if (l->tile_rows == 1)
            return false;
    }
}

/* Tiles as large as still fit for layers whose filters exceed their buffer, and are fetched again for each tile. */
static void grow_tiles(const struct rs_hw_config *c, struct job *j, int room)
{
    for (int i = 0; i < j->n_layers; i++) {
        struct layer *l = &j->layers[i];
        const struct layer before = *l;

        if (is_pool(l) || tiles_of(l) == 1 || (int64_t)l->M * l->C * l->R * l->S <= (int64_t)c->wbuf_words * 2 * c->block)
            continue;
        for (int part = 4; part > 2; part--) {             /* of a quarter of the buffer each */
            if (choose_tile(j, l, (int64_t)room * part / 4) && tiles_of(l) < tiles_of(&before) && allocate(j, room, (int)c->glb_blocks / 4))
                break;
            *l = before;
        }
    }
    (void)allocate(j, room, (int)c->glb_blocks / 4);       /* as it was before the last attempt, if that failed */
}

static rs_status addresses(const struct rs_plan_options *o, const struct rs_hw_config *c, struct job *j, struct rs_error *err)
{
    const int room = o->glb_blocks > 0 && o->glb_blocks < (int)c->glb_blocks ? o->glb_blocks : (int)c->glb_blocks;

    for (;;) {
        int worst = -1;

        for (int i = 0; i < j->n_layers; i++)
            if (!choose_tile(j, &j->layers[i], room / 2) && !choose_tile(j, &j->layers[i], room))
                return j->bad = i, rs_fail(err, RS_ERR_UNSUPPORTED, "one row of its tensors does not fit twice into %d blocks of global buffer", room);
        if (allocate(j, room, (int)c->glb_blocks / 4)) {
            grow_tiles(c, j, room);
            return RS_OK;
        }
        for (int i = 0; i < j->n_acts; i++)
            if (!j->acts[i].spilled && (worst < 0 || (int64_t)j->acts[i].cbs * j->acts[i].stride >
                                                     (int64_t)j->acts[worst].cbs * j->acts[worst].stride))
                worst = i;
        if (worst < 0)
            return j->bad = 0, rs_fail(err, RS_ERR_UNSUPPORTED, "its tile buffers do not fit %d blocks of global buffer", room);
        j->acts[worst].spilled = true;
    }
}

static size_t bytes_of(const struct rs_hw_config *c, const struct act *a)
{
    return ((size_t)a->cbs * (size_t)a->stride * c->block + 63) / 64 * 64;
}

static size_t dense_bytes_of(const struct act *a)
{
    return (size_t)a->pixels * (size_t)a->channels * (size_t)(a->row_major ? 1 : a->px);
}

/* A place that no kept tensor has, the first that is large enough. */
static rs_status keep(struct arena *arena, const struct rs_hw_config *c, struct act *a, struct rs_error *err)
{
    const struct kept new = { .bytes = bytes_of(c, a), .dense = dense_bytes_of(a), .last = a->last_node };
    size_t place = 0;
    int at = 0;

    if (arena->n_kept == arena->cap_kept) {
        struct kept *grown = realloc(arena->kept, (size_t)(2 * arena->cap_kept + 16) * sizeof *grown);

        if (grown == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "no memory for %d activations that cross between jobs", arena->n_kept);
        arena->kept = grown;
        arena->cap_kept = 2 * arena->cap_kept + 16;
    }
    for (; at < arena->n_kept && arena->kept[at].at < place + new.bytes; at++)
        place = arena->kept[at].at + arena->kept[at].bytes;
    memmove(&arena->kept[at + 1], &arena->kept[at], (size_t)(arena->n_kept++ - at) * sizeof *arena->kept);
    arena->kept[at] = new;
    arena->kept[at].at = place;
    a->arena = (int64_t)place;
    return RS_OK;
}

/* Those whose last reader is before node @from make room. */
static void forget(struct arena *arena, int from)
{
    int n = 0;

    for (int i = 0; i < arena->n_kept; i++)
        if (arena->kept[i].last >= from)
            arena->kept[n++] = arena->kept[i];
    arena->n_kept = n;
}

static void raise_live(const struct job *j, struct arena *arena)
{
    arena->live = j->live > arena->live ? j->live : arena->live;
    arena->live_dense = j->live_dense > arena->live_dense ? j->live_dense : arena->live_dense;
}

/* The most that lives in the arena at once while the job runs: kept tensors, and its own over their layers. */
static void count_live(const struct rs_hw_config *c, struct job *j, struct arena *arena)
{
    size_t kept = 0, kept_dense = 0;

    for (int i = 0; i < arena->n_kept; i++) {
        kept += arena->kept[i].bytes;
        kept_dense += arena->kept[i].dense;
    }
    for (int k = 0; k < j->n_layers; k++) {
        size_t live = kept, dense = kept_dense;

        for (int i = 0; i < j->n_acts; i++) {
            const struct act *a = &j->acts[i];
            const int last_node = a->last_node, until = a->to_host ? j->n_layers : a->last;
            const bool crosses = a->to_job || a->from_job;
            const bool lives = a->first <= k && k <= until, outlives = a->to_job || (a->from_job && last_node > j->layers[j->n_layers - 1].node);

            if (a->arena < 0)
                continue;
            if (!crosses && lives) {
                live += bytes_of(c, a);
                dense += dense_bytes_of(a);
            } else if (crosses && (outlives ? k < a->first : !lives)) {          /* kept, and not yet made, or read for the last time */
                live -= bytes_of(c, a);
                dense -= dense_bytes_of(a);
            }
        }
        j->live = live > j->live ? live : j->live;
        j->live_dense = dense > j->live_dense ? dense : j->live_dense;
    }
    raise_live(j, arena);
}

/* Places of activations in the arena: those that other jobs read until the last of them, the others while they live.  What the host writes
 * is there when the job starts, what it reads when it has ended. */
static rs_status arena_addresses(const struct rs_hw_config *c, struct job *j, struct arena *arena, struct rs_error *err)
{
    const size_t n = (size_t)j->n_acts + 1;
    size_t *bytes = calloc(n, sizeof *bytes), *offset = calloc(n, sizeof *offset), above = 0, most = 0;
    int *first = calloc(n, sizeof *first), *last = calloc(n, sizeof *last);
    rs_status status = RS_OK;

    if (bytes == NULL || offset == NULL || first == NULL || last == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "no memory for %d activations", j->n_acts);
    else
        forget(arena, j->layers[0].node);
    for (int i = 0; i < j->n_acts && status == RS_OK; i++) {
        struct act *a = &j->acts[i];

        if (a->arena >= 0 || !(a->spilled || a->from_host || a->to_host || a->from_job || a->to_job))
            continue;
        if (a->to_job || a->from_job) {
            status = keep(arena, c, a, err);
            continue;
        }
        bytes[i] = bytes_of(c, a);
        first[i] = a->first;
        last[i] = a->to_host ? j->n_layers : a->last;
    }
    if (status == RS_OK)
        status = rs_pack_lifetimes(j->n_acts, bytes, first, last, 64, offset, &most, err);
    if (status == RS_OK && arena->n_kept > 0)
        above = arena->kept[arena->n_kept - 1].at + arena->kept[arena->n_kept - 1].bytes;
    for (int i = 0; i < j->n_acts && status == RS_OK; i++)
        if (bytes[i] != 0)
            j->acts[i].arena = (int64_t)(above + offset[i]);
    if (status == RS_OK) {
        j->arena_end = (int64_t)(above + most);
        arena->most = above + most > arena->most ? above + most : arena->most;
        count_live(c, j, arena);
    }
    free(bytes);
    free(offset);
    free(first);
    free(last);
    return status;
}

/* ---- 3. the sequence ---------------------------------------------------------------------------------------------- */

static void add_region(struct cmd *k, int space, bool write, int64_t base, int len, int n1, int s1, int n2, int s2)
{
    assert(k->n_regions < 4);
    k->region[k->n_regions++] = (struct region){ space, write, base, len, n1, s1, n2, s2 };
}

/* Moves pixels of an activation between arena and global buffer. */
static void make_move(struct build *b, struct cmd *k, bool load, const struct act *a, struct interval p, int64_t to, int to_stride, int layer)
{
    const int block = (int)b->c->block, glb = (int)b->c->glb_blocks;
    int64_t length = p.to - p.from, runs = a->cbs;
    const int64_t arena = a->arena / block;

    memset(k, 0, sizeof *k);
    k->engine = load ? LOAD_ENGINE : STORE_ENGINE;
    k->layer = layer;
    k->chunk = -1;
    if (length == a->stride && to_stride == a->stride) {
        length *= runs;
        runs = 1;
    }
    PUT(k, OP, load ? RS_OP_LOAD : RS_OP_STORE);
    PUT(k, LAYER, b->j->layers[layer].node & 0xFFFF);
    PUT(k, BASE, 2);
    PUT(k, OFFSET, a->arena + p.from * block);
    PUT(k, LENGTH, length);
    PUT(k, RUNS, runs);
    PUT(k, STRIDE, (int64_t)a->stride * block);
    PUT(k, BUF_ADDR, modulo(to, glb));
    PUT(k, BUF_STRIDE, to_stride);
    add_region(k, SPACE_GLB, load, to, (int)length, (int)runs, to_stride, 1, 0);
    add_region(k, SPACE_ARENA, !load, arena + p.from, (int)length, (int)runs, a->stride, 1, 0);
    k->time.run = runs * (((a->arena + p.from * block) % b->c->axi_bytes + length * block + b->c->axi_bytes - 1) / b->c->axi_bytes) + MOVE_FILL;
}

struct view { int64_t base; int cb; };          /* block of (channel block 0, pixel 0), and between channel blocks */

static struct view view_of(const struct act *a, int buf, int tile_blocks_, int tile, struct interval p)
{
    if (!a->spilled)
        return (struct view){ a->glb, a->row_major ? 1 : a->stride };
    return (struct view){ (int64_t)buf + (tile & 1 ? (int64_t)tile_blocks_ * a->cbs : 0) - p.from, a->row_major ? 1 : tile_blocks_ };
}

static void make_group(struct build *b, struct cmd *k, int layer, const struct group *g)
{
    const struct layer *l = &b->j->layers[layer];
    const struct rs_mapping *m = &l->map;
    const struct act *in = &b->j->acts[l->in], *out = &b->j->acts[l->out];
    const int block = (int)b->c->block, glb = (int)b->c->glb_blocks, px = rs_layer_px(l), ip = l->in_px, op = l->out_px;
    const struct view iv = view_of(in, l->in_buf, l->in_tile, g->tile, in_pixels(l, g->tile));
    const struct view ov = view_of(out, l->out_buf, l->out_tile, g->tile, out_pixels(l, g->tile));
    const int h0 = g->e0 * l->U - l->pad_top, x0 = g->f0 * l->U - l->pad_left;
    const int h_lo = rs_max(0, h0), h_hi = rs_min(l->H, h0 + (g->ne - 1) * l->U + l->R);
    const int w_lo = rs_max(0, x0), w_hi = rs_min(l->W, x0 + (g->nf - 1) * l->U + l->S);
    const bool linear = l->filter_layout == FILTER_LINEAR && !is_pool(l);
    const int if_cb = linear ? px : iv.cb;
    const int64_t in_row = l->kept_row > 0 ? l->kept_row / l->U : l->W * ip, in_image = l->kept_row > 0 ? (int64_t)l->kept_row * l->E : (int64_t)l->in_image * ip;
    const int in_rows = l->kept_row > 0 ? l->E * l->U : l->own_filters ? rs_max(l->H, l->R) : l->H;     /* of an image; planes meet its one row again */
    const int64_t if_base = iv.base + (int64_t)g->image * in_image + (int64_t)rs_first_block(l, g) * iv.cb;
    const int rows = (int)b->c->rows, images = is_pool(l) ? 1 : rs_map_images(m), tall = (images > 1 ? g->ns - 1 : 0);    /* images after the first */
    const int64_t out_base = ov.base + ((int64_t)g->image * l->out_image + (int64_t)g->e0 * l->F + g->f0) * op + (int64_t)(g->m0 / block) * ov.cb;
    const int out_blocks = is_pool(l) ? g->nm : rs_div_up(g->m0 % block + g->nm, block);

    memset(k, 0, sizeof *k);
    k->layer = layer;
    k->chunk = is_pool(l) ? -1 : g->chunk;
    if (h_hi > h_lo && w_hi > w_lo)
        add_region(k, SPACE_GLB, false, if_base + h_lo * in_row + w_lo * ip, (w_hi - w_lo) * px, l->kept_row > 0 ? g->ne + tall * l->E : h_hi - h_lo + tall * l->H,
                   l->kept_row > 0 ? l->kept_row : l->W * ip, is_pool(l) ? g->nm : l->cbs, if_cb);
    add_region(k, SPACE_GLB, true, out_base, g->nf * px, g->ne + tall * l->E, l->F * op, out_blocks, ov.cb);
    PUT(k, LAYER, b->j->layers[layer].node & 0xFFFF);
    if (is_pool(l)) {
        const int window = l->R * l->S;

        k->engine = POOL_ENGINE;
        k->time.run = rs_pool_cost(l, g);
        PUT(k, OP, RS_OP_POOL);
        PUT(k, AVERAGE, l->kind == RS_PLAN_AVERAGE_POOL && window > 1);
        PUT(k, POOL_R, l->R);
        PUT(k, POOL_S, l->S);
        PUT(k, POOL_U, l->U);
        PUT(k, POOL_IN, modulo(if_base, glb));
        PUT(k, POOL_IN_ROW, l->W);
        PUT(k, POOL_IN_CB, if_cb);
        PUT(k, POOL_W, l->W);
        PUT(k, POOL_H, l->H);
        PUT(k, POOL_H0, h0);
        PUT(k, POOL_X0, x0);
        PUT(k, POOL_E, g->ne);
        PUT(k, POOL_F, g->nf);
        PUT(k, POOL_N_CB, g->nm);
        PUT(k, POOL_OUT, modulo(out_base, glb));
        PUT(k, POOL_OUT_ROW, l->F);
        PUT(k, POOL_OUT_CB, ov.cb);
        PUT(k, POOL_MIN, l->act_min);
        PUT(k, POOL_MAX, l->act_max);
        if (window > 1) {
            PUT(k, POOL_RECIP, (INT64_C(1) << 32) / window + 1);
            PUT(k, POOL_HALF, window / 2);
        }
        return;
    }
    const struct passes p = rs_map_passes(l, m, rows);
    const int chain = rs_map_chain(m, rows), chains = rs_map_chains(m);

    k->engine = COMPUTE_ENGINE;
    rs_map_group_cost(b->c, l, g, &k->time);
    PUT(k, OP, RS_OP_COMPUTE);
    PUT(k, MODE, m->mode);
    PUT(k, LOG2_U, l->U == 4 ? 2 : l->U == 2 ? 1 : 0);
    PUT(k, S, l->S);
    PUT(k, RP, m->rp);
    PUT(k, RP_LAST, p.rp_last);
    PUT(k, Q, m->q);
    PUT(k, Q_LAST, p.q_last);
    PUT(k, WC, m->wc);
    PUT(k, E, g->e);
    PUT(k, FX, m->fx);
    PUT(k, MX, g->mx);
    PUT(k, PAIRS, g->pairs);
    PUT(k, NS, g->ns);
    PUT(k, CHAIN, m->mode == RS_MODE_DEPTHWISE ? 1 : chain);
    PUT(k, CHAINS, chains);
    PUT(k, PARAMS, m->mode == RS_MODE_DEPTHWISE ? rows : g->pairs * rs_map_filter_chains(m));
    PUT(k, BLOCK_CHANNELS, l->bc);
    PUT(k, SPAN, (g->e * (rs_map_strip_rows(m) / m->e) - 1) * l->U);
    PUT(k, IF_STRIP, images > 1 ? in_rows : rs_map_strip_rows(m) * l->U);
    PUT(k, OUT_STRIP, images > 1 ? l->E : rs_map_strip_rows(m));
    if (chains > 1) {
        const int apart = g->mx * g->pairs * rs_layer_lanes(l);            /* filters, a multiple of a block */

        PUT(k, CHAIN_ENTRIES, g->ns * g->fp * g->pairs);
        PUT(k, CHAIN_FILTERS, m->by_rows ? 0 : apart);
        PUT(k, CHAIN_ROWS, m->by_rows ? m->e : 0);
        PUT(k, CHAIN_OUT, m->by_rows ? m->e * l->F * op : apart / block * ov.cb);
        PUT(k, CHAIN_PARAMS, m->by_rows ? 0 : g->pairs);
    }
    PUT(k, FP, g->fp);
    PUT(k, NJ, rs_word_columns(l, g->fp));
    PUT(k, WIDE, l->wide);
    PUT(k, M_VALID, g->nm);
    PUT(k, N_CB, p.n_cb);
    PUT(k, N_RC, p.n_rc);
    if (m->mode == RS_MODE_FLATTEN)
        PUT(k, ROWS_LAST, p.rows_last);
    else if (m->mode == RS_MODE_DEPTHWISE)
        PUT(k, ROWS_LAST, g->nm);
    else if (l->filter_layout == FILTER_RSM)
        PUT(k, ROWS_LAST, rs_min(block, l->C - g->cg * block));
    else
        PUT(k, ROWS_LAST, l->C - (rs_div_up(l->C, l->bc) - 1) * l->bc);
    const uint32_t last = RS_GET_U(k->w, ROWS_LAST);
    uint32_t mask = 0, mask_last = 0;

    for (int i = 0; i < chain * chains; i++) {
        mask |= 1u << i;
        mask_last |= i % chain < (int)last ? 1u << i : 0;
    }
    PUT(k, ROWS_MASK, mask);
    PUT(k, ROWS_MASK_LAST, mask_last);
    if (m->mode == RS_MODE_DEPTHWISE && l->multiplier > 1) {
        PUT(k, MULTIPLIER, l->multiplier);
        PUT(k, CHANNEL0, g->m0 / l->multiplier % block);
        PUT(k, PHASE0, g->m0 % l->multiplier);
    }
    PUT(k, ZP_IN, l->zp_in);
    /* One row of very many pixels: the group's first one is the origin, so that the 16-bit fields hold. */
    const bool flat = l->H == 1 && l->R == 1 && l->S == 1 && l->U == 1 && l->pad_top == 0 && l->pad_left == 0;

    PUT(k, IF_BASE, modulo(if_base + (flat ? x0 * px : 0), glb));
    PUT(k, IF_ROW, l->H == 1 ? 0 : in_row);
    PUT(k, IF_CB, if_cb);
    PUT(k, IF_W, flat ? rs_min((l->W - x0) * px, 65534) : l->W * px);
    PUT(k, IF_H, in_rows * (tall + 1));
    PUT(k, H0, h0);
    PUT(k, X0, flat ? 0 : x0 * px);
    PUT(k, OUT_E, g->ne + tall * l->E);
    PUT(k, OUT_F, g->nf * px);
    PUT(k, OUT_BASE, modulo(out_base, glb));
    PUT(k, OUT_ROW, l->E == 1 ? 0 : l->F * op);
    PUT(k, OUT_MB, ov.cb);
    PUT(k, OUT_BYTE, g->m0 % block);
    PUT(k, ZP_OUT, l->zp_out);
    if (l->wide) {
        PUT(k, WIDE_MIN, l->act_min);
        PUT(k, WIDE_MAX, l->act_max);
    } else {
        PUT(k, ACT_MIN, l->act_min);
        PUT(k, ACT_MAX, l->act_max);
    }
    PUT(k, FILTER_FIRST, l->chunks[g->chunk].first_words);
    PUT(k, FILTER_WORDS, l->chunks[g->chunk].filter_words);
    if (l->add) {
        const struct act *res = &b->j->acts[l->res];
        const struct view rv = view_of(res, l->res_buf, l->res_tile, g->tile, out_pixels(l, g->tile));
        const int64_t res_base = rv.base + (out_base - ov.base) + (int64_t)(g->m0 / block) * (rv.cb - ov.cb);

        add_region(k, SPACE_GLB, false, res_base, g->nf, g->ne, l->F, out_blocks, rv.cb);
        PUT(k, ADD, 1);
        PUT(k, RES_BASE, modulo(res_base, glb));
        PUT(k, RES_ROW, l->E == 1 ? 0 : l->F);
        PUT(k, RES_MB, rv.cb);
        PUT(k, ADD_ZP_RES, l->add_zp_res);
        PUT(k, ADD_ZP_OUT, l->add_zp_out);
        PUT(k, ADD_MULT_ACC, l->add_mult_acc);
        PUT(k, ADD_MULT_RES, l->add_mult_res);
        PUT(k, ADD_MULT_OUT, l->add_mult_out);
        PUT(k, ADD_SHIFT_ACC, l->add_shift_acc);
        PUT(k, ADD_SHIFT_RES, l->add_shift_res);
        PUT(k, ADD_SHIFT_OUT, l->add_shift_out);
        PUT(k, ADD_MIN, l->add_min);
        PUT(k, ADD_MAX, l->add_max);
    }
}

/* Places for the filters that the host packs, above the job's activations and for all of the job: no command writes there. */
static void place_own_filters(struct build *b, struct layer *l, struct arena *arena)
{
    l->own_image = b->j->arena_end;
    for (int k = 0; k < l->n_chunks; k++) {
        l->chunks[k].image = b->j->arena_end;
        b->j->arena_end += (int64_t)l->chunks[k].words * 2 * b->c->block;
    }
    b->j->arena_end = (b->j->arena_end + 63) / 64 * 64;
    b->j->live += (size_t)(b->j->arena_end - l->own_image);
    b->j->live_dense += (size_t)(b->j->arena_end - l->own_image);
    raise_live(b->j, arena);
    arena->most = (size_t)rs_max64((int64_t)arena->most, b->j->arena_end);
}

/* Filters and parameters into the image, in the order of the layers. */
static rs_status pack_all(struct build *b, struct arena *arena)
{
    for (int i = 0; i < b->j->n_layers; i++) {
        struct layer *l = &b->j->layers[i];

        if (l->own_filters) {
            place_own_filters(b, l, arena);
            continue;
        }

        for (int k = 0; k < l->n_chunks; k++) {
            struct chunk *h = &l->chunks[k];
            const rs_status s = rs_grow(b->image, (size_t)h->words * 2 * b->c->block, b->err);

            if (s != RS_OK)
                return s;
            h->image = (int64_t)b->image->used;
            rs_pack_chunk(b->c, l, h, b->image->data + b->image->used);
            b->image->used += (size_t)h->words * 2 * b->c->block;
        }
    }
    return RS_OK;
}

static void snapshot(struct build *b, struct cmd *k, int layer, int64_t offset)
{
    memset(k, 0, sizeof *k);
    k->engine = STORE_ENGINE;
    k->layer = layer;
    k->chunk = -1;
    k->time.run = 4;
    PUT(k, OP, RS_OP_SNAPSHOT);
    PUT(k, LAYER, b->j->layers[layer].node & 0xFFFF);
    PUT(k, BASE, 3);
    PUT(k, OFFSET, offset);
}

static rs_status sequence(struct build *b, size_t *status_used, struct rs_plan_job *out)
{
    struct cmd k;
    rs_status s = RS_OK;

#define EMIT() do { if (b->status != RS_OK) return b->status; \
                    if ((s = append(&b->seq, &b->n_seq, &b->room_seq, &k, b->err)) != RS_OK) return s; } while (0)
    for (int n = 0; n < b->n_order; n++) {
        const int i = b->order[n].layer, g = b->order[n].group;
        const struct layer *l = &b->j->layers[i];
        const struct act *in = &b->j->acts[l->in], *o = &b->j->acts[l->out], *res = l->res >= 0 ? &b->j->acts[l->res] : NULL;
        const int tiles = tiles_of(l) * l->N, tile = l->groups[g].tile;

        for (; b->next_tile[i] < tiles && b->next_tile[i] <= tile + 1; b->next_tile[i]++) {        /* this tile and the next one */
            const int next = b->next_tile[i];

            if (in->spilled) {
                const int64_t to = l->in_buf + (int64_t)(next & 1) * l->in_tile * in->cbs;
                const struct interval all = in_pixels(l, next);
                const int rows = l->kept_row > 0 ? (int)((all.to - all.from) / l->kept_row) : 1;

                for (int r = 0; r < rows; r++) {
                    make_move(b, &k, true, in, l->kept_row > 0 ? kept_row(l, all.from / l->kept_row + r) : all, to + (int64_t)r * l->kept_row, l->in_tile, i);
                    EMIT();
                }
            }
            if (res != NULL && res->spilled) {
                make_move(b, &k, true, res, out_pixels(l, next), l->res_buf + (int64_t)(next & 1) * l->res_tile * res->cbs, l->res_tile, i);
                EMIT();
            }
        }
        for (int operand = 0; operand < 2; operand++) {                        /* the network's inputs, as far as they are needed */
            const int act = operand == 0 ? l->in : l->res;
            const struct act *a = act >= 0 ? &b->j->acts[act] : NULL;

            if (a == NULL || a->spilled || !(a->from_host || a->from_job))
                continue;
            const int need = operand == 0 ? l->need_in[g] : l->need_res[g];

            while (b->loaded_blocks[act] < rs_min(need, a->pixels) * a->px) {
                const int lo = b->loaded_blocks[act], left = a->stride - lo;
                const int hi = left * a->cbs <= 2 * INPUT_PIECE ? a->stride : rs_min(a->stride, lo + rs_max(32, INPUT_PIECE / a->cbs / ALIGN_BLOCKS * ALIGN_BLOCKS));

                make_move(b, &k, true, a, (struct interval){ lo, hi }, a->glb + lo, a->stride, i);
                b->loaded_blocks[act] = hi;
                EMIT();
            }
        }
        make_group(b, &k, i, &l->groups[g]);
        EMIT();
        if (o->spilled && (g == l->n_groups - 1 || l->groups[g + 1].tile != tile)) {
            make_move(b, &k, false, o, out_pixels(l, tile), l->out_buf + (int64_t)(tile & 1) * l->out_tile * o->cbs, l->out_tile, i);
            EMIT();
        }
        if (g < l->n_groups - 1)
            continue;
        if ((o->to_host || o->to_job) && !o->spilled) {
            make_move(b, &k, false, o, (struct interval){ 0, o->stride }, o->glb, o->stride, i);
            EMIT();
        }
        if (!b->o->no_snapshots) {
            snapshot(b, &k, i, (int64_t)*status_used);
            out->snapshots[out->n_snapshots++] = (struct rs_plan_snapshot){ l->node, *status_used };
            *status_used += RS_STATUS_BYTES;
            EMIT();
        }
    }
#undef EMIT
    return RS_OK;
}

/* ---- 4. waits ------------------------------------------------------------------------------------------------------ */

static int64_t space_size(const struct build *b, int space)
{
    return space == SPACE_GLB ? b->c->glb_blocks : b->arena_blocks;
}

/* Sets the WAIT_* fields of @k, records what it touches, appends it to the program. */
static rs_status emit(struct build *b, struct cmd *k)
{
    static const enum rs_field field[N_ENGINES] = { RS_FIELD_WAIT_LOAD, RS_FIELD_WAIT_COMPUTE, RS_FIELD_WAIT_POOL, RS_FIELD_WAIT_STORE };
    int need[N_ENGINES] = { 0 };
    const int e = k->engine, self = b->count[e] + 1;

    for (int record = 0; record < 2; record++)
        for (int r = 0; r < k->n_regions; r++) {
            const struct region *g = &k->region[r];
            const int64_t size = space_size(b, g->space);

            for (int64_t i2 = 0; i2 < g->n2; i2++)
                for (int64_t i1 = 0; i1 < g->n1; i1++)
                    for (int64_t i0 = 0; i0 < g->len; i0++) {
                        const size_t at = (size_t)modulo(g->base + i2 * g->s2 + i1 * g->s1 + i0, size) * N_ENGINES;
                        int32_t *wr = b->wr[g->space] + at, *rd = b->rd[g->space] + at;

                        if (record) {
                            (g->write ? wr : rd)[e] = self;
                            continue;
                        }
                        for (int x = 0; x < N_ENGINES; x++) {
                            if ((!g->write || x != e) && wr[x] > need[x])
                                need[x] = wr[x];
                            if (g->write && x != e && rd[x] > need[x])
                                need[x] = rd[x];
                        }
                    }
        }
    if (RS_GET_U(k->w, OP) == RS_OP_SNAPSHOT) {                    /* after everything of its layer */
        need[COMPUTE_ENGINE] = b->count[COMPUTE_ENGINE];
        need[POOL_ENGINE] = b->count[POOL_ENGINE];
    }
    if (b->o->barrier && (e == COMPUTE_ENGINE || e == POOL_ENGINE) && b->n_prog != 0) {
        int last = -1;

        for (int i = b->n_prog - 1; i >= 0 && last < 0; i--)
            if (b->prog[i].engine == COMPUTE_ENGINE || b->prog[i].engine == POOL_ENGINE)
                last = b->prog[i].layer;
        if (last >= 0 && last != k->layer) {
            need[COMPUTE_ENGINE] = b->count[COMPUTE_ENGINE];
            need[POOL_ENGINE] = b->count[POOL_ENGINE];
        }
    }
    for (int x = 0; x < N_ENGINES; x++) {
        /* Engines are in order: what an earlier command of this engine waited for has come.  Staying within 2^14 of the
         * newest command keeps the 16-bit comparison right whatever has finished by then. */
        need[x] = rs_max(need[x], b->waited[e][x]);
        need[x] = rs_max(need[x], b->count[x] - 16384);
        b->waited[e][x] = need[x];
        put(b, k, field[x], need[x] & 0xFFFF);
    }
    b->count[e] = self;
    if (b->status != RS_OK)
        return b->status;
    return append(&b->prog, &b->n_prog, &b->room_prog, k, b->err);
}

/* ---- filter loads --------------------------------------------------------------------------------------------------- */

static int64_t wbuf_room(const struct build *b)
{
    const int all = (int)b->c->wbuf_words, some = b->o->wbuf_words;

    return rs_wbuf_room(some > 0 && some < all ? some : all);
}

/*
 * Which groups share a filter tile while it is in the buffer.  A layer whose filters all fit keeps them for all its tiles;
 * else consecutive groups of one filter tile share it, and the others fetch it again.
 */
static rs_status make_instances(struct build *b)
{
    const int64_t room = wbuf_room(b);
    int **latest = calloc((size_t)b->j->n_layers + 1, sizeof *latest);
    int64_t at = 0;
    rs_status s = RS_OK;

    b->inst = calloc((size_t)b->n_seq + 1, sizeof *b->inst);
    if (latest == NULL || b->inst == NULL)
        s = rs_fail(b->err, RS_ERR_NOMEM, "no memory for %d filter tiles", b->n_seq);
    for (int i = 0; s == RS_OK && i < b->j->n_layers; i++) {
        latest[i] = malloc(((size_t)b->j->layers[i].n_chunks + 1) * sizeof **latest);
        if (latest[i] == NULL)
            s = rs_fail(b->err, RS_ERR_NOMEM, "no memory for filter tiles");
        for (int k = 0; s == RS_OK && k < b->j->layers[i].n_chunks; k++)
            latest[i][k] = -1;
    }
    for (int p = 0, last_layer = -1, last_chunk = -1; s == RS_OK && p < b->n_seq; p++) {
        struct cmd *k = &b->seq[p];
        const struct layer *l = &b->j->layers[k->layer];
        int64_t all = 0;

        if (k->chunk < 0)
            continue;
        const struct chunk *h = &l->chunks[k->chunk];
        int *known = &latest[k->layer][k->chunk];

        for (int i = 0; i < l->n_chunks / rs_filter_sets(l) && all <= room; i++)
            all += l->chunks[i].words;
        if (*known < 0 || !(rs_wbuf_keeps(room, all) || (last_layer == k->layer && last_chunk == k->chunk && rs_wbuf_keeps(room, h->words)))) {
            *known = b->n_inst;
            b->inst[b->n_inst++] = (struct instance){ .image = h->image, .at = at, .words = h->words, .used = h->used, .first = p, .layer = k->layer };
            at += h->words;
        }
        last_layer = k->layer;
        last_chunk = k->chunk;
        k->set = *known;
        b->inst[k->set].last = p;
    }
    for (int i = 0; i < b->n_inst; i++)
        b->inst[i].last_below = i == 0 ? b->inst[0].last : rs_max(b->inst[i - 1].last_below, b->inst[i].last);
    for (int i = 0; latest != NULL && i < b->j->n_layers; i++)
        free(latest[i]);
    free(latest);
    return s;
}

static bool host_packs(const struct build *b, int instance) { return b->j->layers[b->inst[instance].layer].own_filters; }

/* The next LOAD of filters: up to @limit (running address), as much as lies together in the image. */
static rs_status load_filters(struct build *b, int64_t limit)
{
    const struct instance *x = &b->inst[b->loading];
    struct cmd k = { .engine = LOAD_ENGINE, .layer = x->layer, .chunk = -1 };
    const int64_t from = b->loaded, offset = x->image + (from - x->at) * 2 * b->c->block;

    while (b->loaded < limit) {
        x = &b->inst[b->loading];
        b->loaded = x->at + x->words < limit ? x->at + x->words : limit;
        if (b->loaded < x->at + x->words)
            break;
        b->loading++;
        if (b->loading == b->n_inst || host_packs(b, b->loading) != host_packs(b, b->loading - 1) || b->inst[b->loading].image != x->image + (int64_t)x->words * 2 * b->c->block)
            break;
    }
    PUT(&k, OP, RS_OP_LOAD);
    PUT(&k, LAYER, b->j->layers[k.layer].node & 0xFFFF);
    PUT(&k, BASE, b->j->layers[k.layer].own_filters ? 2 : 1);
    PUT(&k, TO_WBUF, 1);
    PUT(&k, OFFSET, offset);
    PUT(&k, LENGTH, b->loaded - from);
    PUT(&k, RUNS, 1);
    PUT(&k, BUF_ADDR, from & 0xFFFF);
    k.time.run = (b->loaded - from) / 2 + MOVE_FILL;
    return emit(b, &k);
}

static rs_status program(struct build *b)
{
    const int64_t room = wbuf_room(b);
    int64_t released = 0;                                  /* words below have been given up by what is in the program */
    int ahead[QUEUE_DEPTH];                                /* first uses of the LOADs placed early                     */
    int n_ahead = 0;
    rs_status s = make_instances(b);
    const int first_group = b->n_inst > 0 ? b->inst[0].first : 0;

    for (int p = 0; s == RS_OK && p < b->n_seq; p++) {
        struct cmd *k = &b->seq[p];

        if (p == 0 && b->n_inst > 0)                       /* the first filters come before the network's input */
            s = load_filters(b, rs_min(b->inst[0].words, FIRST_WORDS));
        if (k->chunk >= 0) {
            const struct instance *x = &b->inst[k->set];
            const int64_t end = x->at + x->words;
            const bool release = x->last_below <= p;

            /* What the group still misses: in full LOADs while there is room, the rest, for which it makes room itself, in one. */
            while (s == RS_OK && b->loaded < end)
                s = load_filters(b, end - released <= room && b->loaded + UNIT_WORDS < end ? b->loaded + UNIT_WORDS : end);
            if (!release && end - released > room)
                return rs_fail(b->err, RS_ERR_UNSUPPORTED, "layer %d: kept filters do not fit the filter buffer", k->layer);
            PUT(k, FILTER_ADDR, x->at & 0xFFFF);
            PUT(k, RELEASE, release);
        }
        if (s == RS_OK)
            s = emit(b, k);
        if (k->chunk >= 0 && b->inst[k->set].last_below <= p)
            released = rs_max64(released, b->inst[k->set].at + b->inst[k->set].used);
        for (int i = 0; i < n_ahead;)
            if (ahead[i] <= p)
                ahead[i] = ahead[--n_ahead];
            else
                i++;
        /* Filters of what comes next, while there is room in buffer and queue; at first the network's input has precedence. */
        while (s == RS_OK && p >= first_group && (p >= first_group + 4 || p + 1 == b->n_seq || b->seq[p + 1].engine != LOAD_ENGINE) && n_ahead < QUEUE_DEPTH - 1 && b->loading < b->n_inst) {
            const struct instance *x = &b->inst[b->loading];
            int64_t end = x->at + x->words < b->loaded + UNIT_WORDS ? x->at + x->words : b->loaded + UNIT_WORDS;

            if (end - released > room || x->first > p + 256)
                break;
            for (int i = b->loading + 1; i < b->n_inst && b->inst[i].layer == x->layer; i++) {
                const int64_t more = b->inst[i].at + b->inst[i].words;

                if (more - released > room || more - b->loaded > UNIT_WORDS)
                    break;
                end = more;
            }
            ahead[n_ahead++] = x->first;
            s = load_filters(b, end);
        }
    }
    struct cmd end = { .engine = STORE_ENGINE, .chunk = -1 };

    PUT(&end, OP, RS_OP_END);
    PUT(&end, BASE, 3);
    if (s == RS_OK)
        s = b->status != RS_OK ? b->status : append(&b->prog, &b->n_prog, &b->room_prog, &end, b->err);
    return s;
}

/* ---- prediction ------------------------------------------------------------------------------------------------------ */

/* Plays the program: one command handed out every few clocks, queues of QUEUE_DEPTH, engines in order.  Writes the layers'
 * ends into @layer_end, returns the total. */
static int64_t predict(const struct build *b, int64_t *layer_end)
{
    int64_t *done[N_ENGINES], *start[N_ENGINES];
    struct timeline t = { 0 };
    int64_t handed = 0, free_at[N_ENGINES] = { 0 }, total = 0;
    int64_t *group_end = calloc((size_t)b->n_prog + 1, sizeof *group_end), *arrived = calloc((size_t)b->n_prog + 1, sizeof *arrived);
    int64_t *handed_at = calloc((size_t)b->n_prog + 1, sizeof *handed_at);
    int64_t *upto = calloc((size_t)b->n_prog + 1, sizeof *upto);      /* filter words by LOAD: when the last is there, and which it is */
    int n[N_ENGINES] = { 0 }, n_arrived = 0, seen = 0;

    for (int e = 0; e < N_ENGINES; e++) {
        done[e] = calloc((size_t)b->n_prog + 1, sizeof **done);
        start[e] = calloc((size_t)b->n_prog + 1, sizeof **start);
    }
    for (int i = 0; i < b->n_prog; i++) {
        const struct cmd *k = &b->prog[i];
        const int e = k->engine;
        int64_t ready, finish;

        if (RS_GET_U(k->w, OP) == RS_OP_END || done[e] == NULL || start[e] == NULL || group_end == NULL || arrived == NULL || upto == NULL || handed_at == NULL)
            break;
        /* Four commands a fetch, eight waiting: the next four are asked for when four have gone, and come behind what loads asked for. */
        if (i % FETCH == 0) {
            const int64_t asked = i < 2 * FETCH ? 10 : handed_at[i - FETCH - 1];

            handed = rs_max64(handed, rs_max64(asked, rs_min64(free_at[LOAD_ENGINE], asked + ASKED_AHEAD)) + MEMORY_LATENCY + 2 * FETCH);
        }
        handed += 2;
        if (e == COMPUTE_ENGINE && n[e] >= QUEUE_DEPTH)                    /* a group keeps its place until its last MAC */
            handed = rs_max64(handed, group_end[n[e] - QUEUE_DEPTH]);
        else if (n[e] >= (e == POOL_ENGINE ? 2 : QUEUE_DEPTH))
            handed = rs_max64(handed, start[e][n[e] - (e == POOL_ENGINE ? 2 : QUEUE_DEPTH)]);
        ready = handed_at[i] = handed;
        static const int wait_of[N_ENGINES] = { LOAD_ENGINE, COMPUTE_ENGINE, POOL_ENGINE, STORE_ENGINE };
        const uint32_t wait[N_ENGINES] = { RS_GET_U(k->w, WAIT_LOAD), RS_GET_U(k->w, WAIT_COMPUTE), RS_GET_U(k->w, WAIT_POOL), RS_GET_U(k->w, WAIT_STORE) };

        for (int x = 0; x < N_ENGINES; x++) {
            const int y = wait_of[x], behind = (int)((uint32_t)(n[y] - (int)wait[x]) & 0xFFFF);     /* within 2^15 */

            if (n[y] - behind > 0)
                ready = rs_max64(ready, done[y][n[y] - behind - 1]);
        }
        if (e == COMPUTE_ENGINE) {
            const int64_t need = b->inst[k->set].at + k->time.first_filters;

            while (seen < n_arrived - 1 && upto[seen] < need)
                seen++;
            if (seen < n_arrived && upto[seen] >= need)
                t.filter_free = rs_max64(t.filter_free, arrived[seen] - (upto[seen] - need) / 2 - k->time.first_filters);
            const int64_t before = t.mac_end, begin = rs_timeline_group(&t, ready, &k->time, &finish);

            start[e][n[e]] = rs_max64(begin - k->time.first, before);
            group_end[n[e]] = t.mac_end;
        } else if (e == POOL_ENGINE) {
            start[e][n[e]] = rs_timeline_pool(&t, ready, k->time.run, &finish);
        } else {
            const int64_t begin = rs_max64(ready, free_at[e]);

            start[e][n[e]] = begin;
            free_at[e] = begin + k->time.run;
            finish = begin + k->time.run + MEMORY_LATENCY;
            if (e == LOAD_ENGINE && RS_GET_U(k->w, TO_WBUF)) {
                upto[n_arrived] = (n_arrived > 0 ? upto[n_arrived - 1] : 0) + RS_GET_U(k->w, LENGTH);
                arrived[n_arrived++] = finish;
            }
        }
        done[e][n[e]++] = finish;
        total = rs_max64(total, finish);
        if (layer_end != NULL && (e == COMPUTE_ENGINE || e == POOL_ENGINE))
            layer_end[k->layer] = rs_max64(layer_end[k->layer], finish);
    }
    for (int e = 0; e < N_ENGINES; e++) {
        free(done[e]);
        free(start[e]);
    }
    free(group_end);
    free(arrived);
    free(handed_at);
    free(upto);
    return total + 100;                                    /* END's status block */
}

/* ---- the job ------------------------------------------------------------------------------------------------------------ */

static rs_status map_layer(const struct rs_hw_config *c, const struct rs_plan_options *o, struct layer *l, const struct rs_mapping *forced, struct rs_error *err)
{
    if (is_pool(l)) {
        l->map = (struct rs_mapping){ .mode = -1, .e = l->E > 1 ? rs_min(l->tile_rows, l->E) : 1, .fx = 1, .mx = 1, .pairs = 1, .ns = 1,
                                      .fp = l->E > 1 ? l->F : rs_min(l->tile_rows, l->F), .q = 1, .rp = 1, .wc = 1 };
        return RS_OK;
    }
    for (int i = 0; forced == NULL && i < o->n_pins; i++)
        if (o->pins[i].node == l->node)
            forced = &o->pins[i].map;
    if (forced != NULL) {
        l->map = *forced;
        l->pinned = true;
        return rs_map_check(c, l, forced, err) ? RS_OK : RS_ERR_RANGE;
    }
    return rs_map_candidates(c, l, &l->map, 1, NULL, err) > 0 ? RS_OK : RS_ERR_UNSUPPORTED;
}

static void build_free(struct build *b)
{
    for (int s = 0; s < N_SPACES; s++) {
        free(b->wr[s]);
        free(b->rd[s]);
    }
    free(b->inst);
    free(b->order);
    free(b->next_tile);
    free(b->loaded_blocks);
    free(b->seq);
    free(b->prog);
}

rs_status rs_plan_job(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j,
                      struct growing *commands, struct growing *image, struct arena *arena, size_t *status_used,
                      const struct rs_mapping *forced, struct rs_plan_job *out, struct rs_plan_step *steps, struct rs_error *err)
{
    struct build b = { .c = c, .o = o, .j = j, .image = image, .err = err };
    int64_t *layer_end = calloc((size_t)j->n_layers + 1, sizeof *layer_end);
    rs_status s = layer_end == NULL ? rs_fail(err, RS_ERR_NOMEM, "no memory for %d layers", j->n_layers)
                                    : addresses(o, c, j, err);

    for (int i = 0; s == RS_OK && i < j->n_layers; i++) {
        s = map_layer(c, o, &j->layers[i], forced, err);
        if (s != RS_OK)
            j->bad = i;
    }
    b.next_tile = calloc((size_t)j->n_layers + 1, sizeof *b.next_tile);
    b.loaded_blocks = calloc((size_t)j->n_acts + 1, sizeof *b.loaded_blocks);
    if (s == RS_OK)
        s = b.next_tile == NULL || b.loaded_blocks == NULL ? rs_fail(err, RS_ERR_NOMEM, "no memory for %d layers", j->n_layers)
                                : arena_addresses(c, j, arena, err);
    if (s == RS_OK)
        s = rs_order_job(c, o, j, forced == NULL, &b.order, &b.n_order, err);
    for (int i = 0; s == RS_OK && o->explain != NULL && i < j->n_layers; i++)
        if (j->layers[i].node == o->explain->node && !is_pool(&j->layers[i]))
            s = rs_explain_layer(c, o, j, i, err);
    b.arena_blocks = (int64_t)(arena->most / c->block) + 1;
    for (int x = 0; s == RS_OK && x < N_SPACES; x++) {
        b.wr[x] = calloc((size_t)space_size(&b, x) * N_ENGINES, sizeof **b.wr);
        b.rd[x] = calloc((size_t)space_size(&b, x) * N_ENGINES, sizeof **b.rd);
        if (b.wr[x] == NULL || b.rd[x] == NULL)
            s = rs_fail(err, RS_ERR_NOMEM, "no memory to follow %lld addresses", (long long)space_size(&b, x));
    }
    if (s == RS_OK)
        s = pack_all(&b, arena);
    if (s == RS_OK) {
        out->snapshots = calloc((size_t)j->n_layers + 1, sizeof *out->snapshots);
        s = out->snapshots == NULL ? rs_fail(err, RS_ERR_NOMEM, "no memory for %d snapshots", j->n_layers)
                                   : sequence(&b, status_used, out);
    }
    if (s == RS_OK)
        s = program(&b);
    /* Four commands a fetch, and no burst may cross 4 KiB: a job starts at a multiple of a fetch. */
    const size_t fetch = 4 * RS_COMMAND_BYTES, gap = (fetch - commands->used % fetch) % fetch;

    if (s == RS_OK)
        s = rs_grow(commands, gap + (size_t)b.n_prog * RS_COMMAND_BYTES, err);
    if (s == RS_OK) {
        int64_t before = 0;

        commands->used += gap;
        out->commands_offset_bytes = commands->used;
        out->n_commands = b.n_prog;
        for (int i = 0; i < b.n_prog; i++) {
            const struct cmd *k = &b.prog[i];

            memcpy(commands->data + commands->used, k->w, RS_COMMAND_BYTES);
            commands->used += RS_COMMAND_BYTES;
            if (k->engine == LOAD_ENGINE)
                out->read_bytes += (int64_t)RS_GET_U(k->w, LENGTH) * RS_GET_U(k->w, RUNS) * (RS_GET_U(k->w, TO_WBUF) ? 2 : 1) * c->block;
            else if (RS_GET_U(k->w, OP) == RS_OP_STORE)
                out->write_bytes += (int64_t)RS_GET_U(k->w, LENGTH) * RS_GET_U(k->w, RUNS) * c->block;
        }
        out->loads = b.count[LOAD_ENGINE];
        out->computes = b.count[COMPUTE_ENGINE];
        out->pools = b.count[POOL_ENGINE];
        out->stores = b.count[STORE_ENGINE];
        out->cycles = predict(&b, layer_end);
        for (int i = 0; i < j->n_layers; i++) {
            const struct layer *l = &j->layers[i];
            struct rs_plan_step *step = &steps[l->node];

            step->map = l->map;
            step->groups = l->n_groups;
            step->macs = l->macs;
            out->macs += l->macs;
            step->cycles = rs_max64(0, layer_end[i] - before);
            before = rs_max64(before, layer_end[i]);
            step->busy_cycles = 0;
            step->filter_bytes = 0;
            for (int g = 0; g < l->n_groups; g++)
                step->busy_cycles += l->costs[g].run;
            for (int k = 0; k < l->n_chunks; k++)
                step->filter_bytes += (int64_t)l->chunks[k].words * 2 * c->block;
        }
    }
    free(layer_end);
    build_free(&b);
    return s;
}
