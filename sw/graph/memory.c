/*
 * memory.c - where every activation lives: lifetimes, views, offsets in one arena.
 *
 * Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020): the largest
 * tensor first, each in the tightest gap between the ones that live at the same time.  Two other orders are tried as
 * well and the smallest arena is kept; the peak and the bound that no allocation can beat are both reported.
 */
#include <stdlib.h>
#include <string.h>
#include "graph_internal.h"

struct item { size_t bytes, offset; int first, last, id; };

static int by_size(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->id - y->id;
}

static int by_area(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    const double p = (double)x->bytes * (x->last - x->first + 1), q = (double)y->bytes * (y->last - y->first + 1);

    if (p != q)
        return p > q ? -1 : 1;
    return x->id - y->id;
}

static int by_time(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return by_size(a, b);
}

/* Places items in the order given; @live is room for n pointers.  Gives the peak. */
static size_t place(struct item *items, int n, struct item **live)
{
    size_t peak = 0;
    int placed = 0;                                     /* live[0..placed) is sorted by offset */

    for (int i = 0; i < n; i++) {
        struct item *it = &items[i];
        size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;

        for (int k = 0; k < placed; k++) {
            const struct item *o = live[k];

            if (o->last < it->first || o->first > it->last)
                continue;
            if (o->offset > end && o->offset - end >= it->bytes && o->offset - end < best_gap) {
                best_gap = o->offset - end;
                best = end;
            }
            if (o->offset + o->bytes > end)
                end = o->offset + o->bytes;
        }
        it->offset = best != SIZE_MAX ? best : end;
        if (it->offset + it->bytes > peak)
            peak = it->offset + it->bytes;
        int at = placed++;

        for (; at > 0 && live[at - 1]->offset > it->offset; at--)
            live[at] = live[at - 1];
        live[at] = it;
    }
    return peak;
}

rs_status rs_pack_lifetimes(int n, const size_t *bytes, const int *first, const int *last,
                            size_t alignment, size_t *offset, size_t *peak, struct rs_error *err)
{
    int (*const orders[])(const void *, const void *) = { by_size, by_area, by_time };
    size_t total = 0;
    int used = 0;

    if (n < 0 || peak == NULL || (n > 0 && (bytes == NULL || first == NULL || last == NULL || offset == NULL)))
        return rs_fail(err, RS_ERR_ARG, "rs_pack_lifetimes: n=%d, or a null pointer", n);
    if (alignment == 0 || (alignment & (alignment - 1)) != 0)
        return rs_fail(err, RS_ERR_ARG, "alignment %zu is not a power of two", alignment);
    for (int i = 0; i < n; i++) {
        size_t rounded;

        if (first[i] > last[i])
            return rs_fail(err, RS_ERR_ARG, "item %d lives from %d to %d", i, first[i], last[i]);
        if (__builtin_add_overflow(bytes[i], alignment - 1, &rounded) ||
            __builtin_add_overflow(total, rounded & ~(alignment - 1), &total))
            return rs_fail(err, RS_ERR_RANGE, "the sizes of %d items overflow", n);
    }
    struct item *items = rs_alloc((size_t)n, sizeof *items);
    struct item **live = rs_alloc((size_t)n, sizeof *live);

    if (items == NULL || live == NULL) {
        free(items);
        free(live);
        return rs_fail(err, RS_ERR_NOMEM, "no memory to place %d tensors", n);
    }
    *peak = SIZE_MAX;
    for (int i = 0; i < n; i++) {
        offset[i] = 0;
        if (bytes[i] != 0)
            items[used++] = (struct item){ .bytes = (bytes[i] + alignment - 1) & ~(alignment - 1), .first = first[i],
                                           .last = last[i], .id = i };
    }
    for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
        if (used > 0)
            qsort(items, (size_t)used, sizeof *items, orders[o]);
        const size_t p = place(items, used, live);

        if (p < *peak) {
            *peak = p;
            for (int i = 0; i < used; i++)
                offset[items[i].id] = items[i].offset;
        }
    }
    free(items);
    free(live);
    return RS_OK;
}

void rs_memory_plan_destroy(struct rs_memory_plan *p)
{
    if (p == NULL)
        return;
    free(p->offset_bytes);
    free(p->scratch_offset);
    free(p->root);
    free(p->first);
    free(p->last);
    free(p);
}

rs_status rs_memory_plan_create(const struct rs_graph *g, size_t alignment,
                                struct rs_memory_plan **out, struct rs_error *err)
{
    if (g == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_memory_plan_create: null pointer");
    *out = NULL;
    if (alignment == 0 || (alignment & (alignment - 1)) != 0)
        return rs_fail(err, RS_ERR_ARG, "alignment %zu is not a power of two", alignment);
    const int nt = g->n_tensors, nn = g->n_nodes;
    /* One item a tensor, then one a node for its scratch. */
    const size_t n = (size_t)nt + (size_t)nn;
    rs_status status = RS_ERR_NOMEM;
    struct rs_memory_plan *p = calloc(1, sizeof *p);
    size_t *bytes = rs_alloc(n, sizeof *bytes), *offset = rs_alloc(n, sizeof *offset);
    size_t *live = rs_alloc((size_t)nn + 2, sizeof *live);          /* change of live bytes at a step, mod 2^64 */
    int *first = rs_alloc(n, sizeof *first), *last = rs_alloc(n, sizeof *last);

    if (p == NULL || bytes == NULL || offset == NULL || live == NULL || first == NULL || last == NULL)
        goto done;
    p->offset_bytes = rs_alloc((size_t)nt, sizeof *p->offset_bytes);
    p->scratch_offset = rs_alloc((size_t)nn, sizeof *p->scratch_offset);
    p->root = rs_alloc((size_t)nt, sizeof *p->root);
    p->first = rs_alloc((size_t)nt, sizeof *p->first);
    p->last = rs_alloc((size_t)nt, sizeof *p->last);
    if (p->offset_bytes == NULL || p->scratch_offset == NULL || p->root == NULL || p->first == NULL || p->last == NULL)
        goto done;
    p->alignment = alignment;
    p->n_tensors = nt;
    for (int t = 0; t < nt; t++) {
        p->offset_bytes[t] = RS_NO_OFFSET;
        p->root[t] = t;
        p->first[t] = p->last[t] = -1;
    }
    for (int i = 0; i < nn; i++) {
        const struct rs_node *node = &g->nodes[i];

        for (int k = 0; k < node->n_outputs; k++) {
            const int t = node->outputs[k];

            if (node->op == RS_OP_RESHAPE) {
                p->root[t] = p->root[node->inputs[0]];
                continue;
            }
            bytes[t] = rs_tensor_bytes(&g->tensors[t]);
            p->first[t] = p->last[t] = i;
        }
        for (int k = 0; k < node->n_inputs; k++)
            if (node->inputs[k] >= 0 && p->first[p->root[node->inputs[k]]] >= 0)
                p->last[p->root[node->inputs[k]]] = i;
        bytes[nt + i] = rs_graph_node_scratch_bytes(g, i);
        first[nt + i] = last[nt + i] = i;
    }
    for (int i = 0; i < g->n_outputs; i++)
        if (p->first[p->root[g->outputs[i]]] >= 0)
            p->last[p->root[g->outputs[i]]] = nn;
    for (int t = 0; t < nt; t++) {
        first[t] = p->first[t] < 0 ? 0 : p->first[t];
        last[t] = p->last[t] < 0 ? 0 : p->last[t];
    }
    status = rs_pack_lifetimes((int)n, bytes, first, last, alignment, offset, &p->arena_bytes, err);
    if (status != RS_OK)
        goto done;
    for (size_t i = 0; i < n; i++) {                    /* rs_pack_lifetimes() has seen to it that sums do not overflow */
        const size_t rounded = (bytes[i] + alignment - 1) & ~(alignment - 1);

        live[first[i]] += rounded;
        live[last[i] + 1] -= rounded;
    }
    for (size_t now = 0, i = 0; i <= (size_t)nn; i++) {
        now += live[i];
        if (now > p->lower_bound_bytes)
            p->lower_bound_bytes = now;
    }
    for (int t = 0; t < nt; t++) {
        const int r = p->root[t];

        if (p->first[r] >= 0)
            p->offset_bytes[t] = offset[r];
        p->first[t] = p->first[r];
        p->last[t] = p->last[r];
    }
    for (int i = 0; i < nn; i++)
        p->scratch_offset[i] = bytes[nt + i] != 0 ? offset[nt + i] : RS_NO_OFFSET;
    *out = p;
    p = NULL;
done:
    if (status == RS_ERR_NOMEM)
        rs_fail(err, RS_ERR_NOMEM, "no memory to plan %d tensors", nt);
    rs_memory_plan_destroy(p);
    free(bytes);
    free(offset);
    free(live);
    free(first);
    free(last);
    return status;
}
