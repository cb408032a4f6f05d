/*
 * vec.c - runs of element copies become one copy of a wide word.
 *
 * C moves a 16-byte block one byte at a time; hardware and simulators want one 128-bit move.  A run is
 * consecutive assignments to consecutive elements whose values are consecutive elements, zeros, or
 * ?: of these under one condition.  Only bits are moved: no arithmetic is ever widened.
 */
#include "hlsc.h"

/* The value as a pure copy of w-bit elements, casts dropped; NULL if it computes. */
struct expr *as_copy(struct expr *e, int w)
{
    while (e->k == E_CAST && e->w >= w)
        e = e->a;
    switch (e->k) {
    case E_CONST:
        return e->lo == 0 && e->w >= w ? e : NULL;
    case E_LEAF:
        return e->v->w == w && e->v->k != V_TABLE ? e : NULL;
    case E_COND: {
        struct expr *a = as_copy(e->a, w), *b = as_copy(e->b, w);

        if (a == NULL || b == NULL || (a->k == E_CONST && b->k == E_CONST))
            return NULL;
        struct expr *c = arena(sizeof *c);

        *c = *e;
        c->a = a;
        c->b = b;
        return c;
    }
    default:
        return NULL;
    }
}

/* First of the dimensions that only constants follow. */
static int tail(const struct expr *e)
{
    int t = e->nidx;

    while (t > 0 && e->idx[t - 1]->k == E_CONST)
        t--;
    return t;
}

static int64_t position(const struct expr *e, int from)
{
    int64_t flat = 0;

    for (int i = from; i < e->nidx; i++)
        flat = flat * e->v->dim[i] + (int64_t)e->idx[i]->lo;
    return flat;
}

static int lanes_of(const struct expr *e) { return e->lanes > 1 ? e->lanes : 1; }

/* Leading dimensions that make rows of their own: all up to the last one that anything but a constant indexes. */
static int rows(const struct var *v)
{
    int n = v->ndim;

    while (n > 0 && !v->vdim[n - 1])
        n--;
    return n;
}

/* Is b the element that follows a's (last) one? */
bool next_lane(const struct expr *a, const struct expr *b)
{
    if (a->k != b->k)
        return false;
    if (a->k == E_CONST)
        return a->lo == 0 && b->lo == 0;
    if (a->k == E_COND)
        return same_expr(a->c, b->c) && next_lane(a->a, b->a) && next_lane(a->b, b->b);
    if (a->k != E_LEAF || a->post != b->post || a->v->w != b->v->w)
        return false;
    if (a->v->mem != NULL) {
        const struct memory *m = a->v->mem;
        int64_t pa = 0, pb = 0;

        if (b->v->mem != m)
            return false;
        for (int i = 0; i < m->ndim; i++)
            if (i <= m->last || m->split[i]) {
                if (!same_expr(a->idx[i], b->idx[i]))
                    return false;
            } else {
                pa = pa * m->dim[i] + (int64_t)a->idx[i]->lo;
                pb = pb * m->dim[i] + (int64_t)b->idx[i]->lo;
            }
        return pb * m->elem_bits + b->v->lsb == pa * m->elem_bits + a->v->lsb + lanes_of(a) * a->v->w;
    }
    if (a->v != b->v || a->nidx == 0 || a->nidx != b->nidx)
        return false;
    const int t = tail(a);

    if (t != tail(b) || t == a->nidx)
        return false;
    for (int i = 0; i < t || i < rows(a->v); i++)           /* a copy does not go over the end of a row */
        if (!same_expr(a->idx[i], b->idx[i]))
            return false;
    return position(b, t) == position(a, t) + lanes_of(a);
}

/* The vector of n elements that starts with e. */
struct expr *widen_lanes(const struct expr *e, int n)
{
    struct expr *x = arena(sizeof *x);

    *x = *e;
    x->lanes = n;
    if (e->k == E_COND) {
        x->a = widen_lanes(e->a, n);
        x->b = widen_lanes(e->b, n);
    }
    return x;
}

/* Element k of a vector leaf or constant. */
struct expr *lane_of(const struct expr *e, int k)
{
    struct expr *x = arena(sizeof *x);

    *x = *e;
    x->lanes = 0;
    if (e->k != E_LEAF || k == 0)
        return x;
    const int t = tail(e);
    int64_t p = position(e, t) + k;

    for (int i = e->nidx - 1; i >= t; i--) {
        x->idx[i] = mk_const(e->idx[i]->w, e->idx[i]->s, p % e->v->dim[i], e->at);
        p /= e->v->dim[i];
    }
    return x;
}

struct reads { const struct var *v; const struct memory *m; bool hit; };

static void find(struct expr *e, void *ctx)
{
    struct reads *r = ctx;

    if (e->k == E_LEAF && (e->v == r->v || (r->m != NULL && e->v->mem == r->m)))
        r->hit = true;
}

static bool candidate(const struct stmt *s)
{
    if (s->k != S_ASSIGN || (s->lhs->v->n < 2 && s->lhs->v->mem == NULL))
        return false;
    struct reads r = { s->lhs->v, s->lhs->v->mem, false };

    visit_expr(s->rhs, find, &r);
    for (int i = 0; i < s->lhs->nidx; i++)
        visit_expr(s->lhs->idx[i], find, &r);
    return !r.hit;
}

static void block(struct block *b)
{
    int n = 0;

    for (int i = 0; i < b->n; i++)                           /* what is dead would break runs */
        if ((b->s[i]->k != S_ASSIGN && b->s[i]->k != S_UNDEF) || b->s[i]->live[0] || b->s[i]->live[1])
            b->s[n++] = b->s[i];
    b->n = n;
    n = 0;
    for (int i = 0; i < b->n;) {
        struct stmt *s = b->s[i];
        struct expr *first, *last;
        int m = 1;

        b->s[n++] = s;
        if (s->k == S_IF) {
            block(&s->a);
            block(&s->b);
        } else if (s->k == S_CASE) {
            for (int j = 0; j < s->narm; j++)
                block(&s->arm[j].body);
        }
        if (!candidate(s) || (first = last = as_copy(s->rhs, s->lhs->v->w)) == NULL) {
            i++;
            continue;
        }
        for (; i + m < b->n; m++) {
            struct stmt *t = b->s[i + m];
            struct expr *e;

            if (!candidate(t) || t->live[0] != s->live[0] || t->live[1] != s->live[1] ||
                !next_lane(b->s[i + m - 1]->lhs, t->lhs) || (e = as_copy(t->rhs, s->lhs->v->w)) == NULL ||
                !next_lane(last, e))
                break;
            last = e;
        }
        /* a memory's word has no further index to step: its lanes are contiguous bits */
        if (m > 1) {
            s->lhs = widen_lanes(s->lhs, m);
            s->rhs = widen_lanes(first, m);
        }
        i += m;
    }
    b->n = n;
}

static void count(struct expr *e, void *ctx)
{
    (void)ctx;
    if (e->k != E_LEAF)
        return;
    if (e->lanes > 1)
        e->v->nvec += e->lanes;
    else
        e->v->nscalar++;
}

static void count_block(const struct block *b)
{
    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];

        if (!s->live[0] && !s->live[1] && s->k != S_IF && s->k != S_CASE)
            continue;
        visit_expr(s->rhs, count, NULL);
        if (s->lhs != NULL)
            visit_expr(s->lhs, count, NULL);
        count_block(&s->a);
        count_block(&s->b);
        for (int j = 0; j < s->narm; j++)
            count_block(&s->arm[j].body);
    }
}

/*
 * Arrays with varying rows and constant columns are words of columns.  Arrays that only constants
 * index are one word if they are mostly moved as one; else a register an element.
 */
void vectorize(struct design *d)
{
    block(&d->body);
    count_block(&d->body);
    for (int i = 0; i < d->nvar; i++) {
        struct var *v = d->var[i];

        if ((v->k != V_STATE && v->k != V_LOCAL) || v->mem != NULL || v->n < 2)
            continue;
        v->tail = rows(v);
        if (v->tail == v->ndim)
            continue;
        v->packed = v->varying || (v->nvec > 0 && (v->w <= 16 ? 1 : 2) * v->nvec >= 2 * v->nscalar);
    }
}
