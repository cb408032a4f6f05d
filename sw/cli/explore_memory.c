/*
 * explore_memory.c - what a global buffer of so many blocks makes of a network: which tensors stay in it, which go through device
 * memory in tiles (explore.h).
 *
 * The planner's rule (sw/plan/schedule.c): every tensor lives in the buffer from its maker to its last reader; while they do not
 * fit, the largest leaves; a layer with such a tensor keeps two tiles of it, of as many ofmap rows as half the buffer takes.
 */
#include <stdlib.h>
#include "explore.h"
#include "status.h"

enum { BEAT_BLOCKS = 4, SLACK = 2 };               /* a beat of the port; layers that may run among each other */

struct place { int64_t size, at; int first, last; };

static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t blocks_of(const struct explore_tensor *t, int block)
{
    return up(t->channels, block) * (t->pixels < 16 ? t->pixels : up(t->pixels, BEAT_BLOCKS) * BEAT_BLOCKS);
}

/* Pixels of the ifmap (@in) or ofmap that tile @n, @rows ofmap rows high, touches. */
static int64_t tile_pixels(const struct explore_layer *l, int64_t rows, int64_t n, bool in)
{
    const int64_t all = l->E > 1 ? l->E : l->F, lo = n * rows, hi = least(all, lo + rows);
    const int64_t extent = l->E > 1 ? l->H : l->W, across = l->E > 1 ? (in ? l->W : l->F) : 1, taps = l->E > 1 ? l->R : l->S;
    const int64_t pad = l->E > 1 ? l->pad_top : l->pad_left;

    if (!in)
        return (hi - lo) * across;
    return (least(extent, (hi - 1) * l->U - pad + taps) - most(0, lo * l->U - pad)) * across;
}

static int64_t tile_blocks(const struct explore_layer *l, int64_t rows, bool in)
{
    int64_t largest = 1;

    for (int64_t n = 0; n * rows < (l->E > 1 ? l->E : l->F); n++)
        largest = most(largest, tile_pixels(l, rows, n, in));
    return largest < 16 ? largest : up(largest, BEAT_BLOCKS) * BEAT_BLOCKS;
}

/* The tile's ofmap rows so that @l's tiles take at most @budget blocks; 0: not even one row's do. */
static int64_t tile_rows(const struct explore_network *net, const struct explore_layer *l, const bool *leaves, int block, int64_t budget,
                         int64_t *taken)
{
    const int64_t all = l->E > 1 ? l->E : l->F, in = leaves[l->in] ? up(net->tensor[l->in].channels, block) : 0;
    const int64_t out = up(net->tensor[l->out].channels, block), outs = (leaves[l->out] ? out : 0) + (l->res >= 0 && leaves[l->res] ? out : 0);

    for (int64_t n = 1;; n++) {
        const int64_t rows = up(all, n);

        *taken = 2 * ((in > 0 ? in * tile_blocks(l, rows, true) : 0) + (outs > 0 ? outs * tile_blocks(l, rows, false) : 0));
        if (*taken <= budget)
            return rows;
        if (rows == 1)
            return 0;
    }
}

static int by_size(const void *a, const void *b)
{
    const struct place *p = a, *q = b;

    return p->size != q->size ? (p->size < q->size) - (p->size > q->size) : p->first - q->first;
}

/* First fit, largest first, as the planner does. */
static bool places_fit(struct place *p, int n, int64_t room, int slack)
{
    for (int i = 0; i < n; i++) {
        p[i].at = 0;
        for (bool moved = true; moved;) {
            moved = false;
            for (int k = 0; k < i; k++)
                if (p[k].first <= p[i].last + slack && p[i].first <= p[k].last + slack && p[i].at < p[k].at + p[k].size &&
                    p[k].at < p[i].at + p[i].size) {
                    p[i].at = up(p[k].at + p[k].size, BEAT_BLOCKS) * BEAT_BLOCKS;
                    moved = true;
                }
        }
        if (p[i].at + p[i].size > room)
            return false;
    }
    return true;
}

rs_status explore_memory(const struct explore_network *net, int block, int64_t room, struct explore_traffic *traffic, bool *fits,
                         struct rs_error *err)
{
    bool *leaves = calloc((size_t)net->n_tensors, sizeof *leaves);
    struct place *place = calloc((size_t)(net->n_tensors + net->n_layers), sizeof *place);
    bool done = false;

    *fits = true;
    if (leaves == NULL || place == NULL) {
        free(leaves);
        free(place);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    while (!done && *fits) {
        int n = 0, largest = -1;

        for (int t = 0; t < net->n_tensors; t++) {
            if (leaves[t] || net->tensor[t].last < 0)
                continue;
            place[n++] = (struct place){.size = blocks_of(&net->tensor[t], block), .first = net->tensor[t].first, .last = net->tensor[t].last};
            if (largest < 0 || place[n - 1].size > blocks_of(&net->tensor[largest], block))
                largest = t;
        }
        for (int i = 0; i < net->n_layers && *fits; i++) {
            int64_t taken;

            traffic[i].rows = tile_rows(net, &net->layer[i], leaves, block, room / 2, &taken);
            if (traffic[i].rows == 0)
                traffic[i].rows = tile_rows(net, &net->layer[i], leaves, block, room, &taken);
            *fits = traffic[i].rows > 0;
            if (taken > 0)
                place[n++] = (struct place){.size = taken, .first = i, .last = i};
        }
        qsort(place, (size_t)n, sizeof *place, by_size);
        for (int slack = SLACK; *fits && !done && slack >= 0; slack--)
            done = places_fit(place, n, room, slack);
        if (!done && largest < 0)
            *fits = false;
        else if (!done)
            leaves[largest] = true;
    }
    for (int i = 0; i < net->n_layers && *fits; i++) {
        const struct explore_layer *l = &net->layer[i];
        const int64_t rows = traffic[i].rows, tiles = up(l->E > 1 ? l->E : l->F, rows);
        const double in = (double)(block * up(net->tensor[l->in].channels, block)), out = (double)(block * up(net->tensor[l->out].channels, block));
        struct explore_traffic *t = &traffic[i];

        *t = (struct explore_traffic){.rows = rows, .tiles = tiles};
        for (int64_t k = 0; k < tiles; k++) {
            const double pixels = (double)tile_pixels(l, rows, k, false);

            t->load_bytes += leaves[l->in] ? in * (double)tile_pixels(l, rows, k, true) : 0;
            t->load_bytes += l->res >= 0 && leaves[l->res] ? out * pixels : 0;
            t->store_bytes += leaves[l->out] ? out * pixels : 0;
            if (k == 0)
                t->first_bytes = t->load_bytes;
            if (k + 1 == tiles)
                t->last_bytes = leaves[l->out] ? out * pixels : 0;
        }
    }
    free(leaves);
    free(place);
    return RS_OK;
}
