/*
 * flow.c - rules that hold on every path through the flat program, and facts for the emitter.
 *
 * Locals and outputs assigned before use; memories read before they are written, by one write
 * address, block RAM into registers; what is live; which registers are read after being written.
 */
#include <string.h>
#include "hlsc.h"

int flat_index(const struct expr *e)
{
    i128 flat = 0;

    for (int i = 0; i < e->nidx; i++) {
        if (e->idx[i]->k != E_CONST)
            return -1;
        flat = flat * e->v->dim[i] + e->idx[i]->lo;
    }
    return (int)flat;
}

/* ---- assigned before read ---- */

struct trail { struct var *v; int i; bool old; };
struct paths { struct trail *t; int n, cap; };

static void set_defined(struct paths *p, struct var *v, int i, bool val)
{
    if (v->defined[i] == val)
        return;
    struct trail t = { v, i, v->defined[i] };

    PUSH(p->t, p->n, p->cap, t);
    v->defined[i] = val;
}

/* "A local is assigned before it is read, on every path." */
static void check_read(struct expr *e, void *ctx)
{
    (void)ctx;
    if (e->k != E_LEAF || e->v->k != V_LOCAL)
        return;
    const int i = flat_index(e);

    for (int j = 0; j < e->v->n; j++)
        if ((i < 0 || i == j) && !e->v->defined[j])
            error(e->at, "initialise it where it is declared, or assign it in every branch",
                  "'%s' may be read before it is assigned", e->v->cname);
}

static void assigned(struct block *b, struct paths *p);

/* Runs n alternatives; afterwards a variable is defined if it is so after each of them. */
static void alternatives(struct block **alt, int n, struct paths *p)
{
    const int mark = p->n;
    struct trail *all = NULL;
    int nall = 0, cap = 0;
    struct { struct var *v; int i, hits; bool old; } *count = NULL;
    int ncount = 0, capcount = 0;

    for (int k = 0; k < n; k++) {
        assigned(alt[k], p);
        for (int j = mark; j < p->n; j++) {
            struct trail t = { p->t[j].v, p->t[j].i, p->t[j].v->defined[p->t[j].i] };

            PUSH(all, nall, cap, t);
        }
        while (p->n > mark) {
            p->n--;
            p->t[p->n].v->defined[p->t[p->n].i] = p->t[p->n].old;
        }
        for (int j = 0; j < nall; j++)                      /* true after this one, false before */
            if (all[j].old && !all[j].v->defined[all[j].i]) {
                int c = 0;

                while (c < ncount && (count[c].v != all[j].v || count[c].i != all[j].i))
                    c++;
                if (c == ncount) {
                    __typeof__(*count) x = { all[j].v, all[j].i, 0, false };

                    PUSH(count, ncount, capcount, x);
                }
                if (count[c].hits == k)                      /* once for each alternative */
                    count[c].hits = k + 1;
            }
        nall = 0;
    }
    for (int c = 0; c < ncount; c++)
        if (count[c].hits == n)
            set_defined(p, count[c].v, count[c].i, true);
}

static bool complete(const struct stmt *s)
{
    i128 labels = 0;

    for (int i = 0; i < s->narm; i++) {
        if (s->arm[i].is_default)
            return true;
        for (int j = 0; j < s->arm[i].nlabel; j++)
            labels += s->arm[i].label[j]->lo >= s->rhs->lo && s->arm[i].label[j]->lo <= s->rhs->hi;
    }
    return labels == s->rhs->hi - s->rhs->lo + 1;
}

static void assigned(struct block *b, struct paths *p)
{
    static struct block nothing;

    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];

        visit_expr(s->rhs, check_read, NULL);
        switch (s->k) {
        case S_ASSIGN:
            for (int j = 0; j < s->lhs->nidx; j++)
                visit_expr(s->lhs->idx[j], check_read, NULL);
            if ((s->lhs->v->k == V_LOCAL || s->lhs->v->k == V_OUT) && flat_index(s->lhs) >= 0)
                set_defined(p, s->lhs->v, flat_index(s->lhs), true);
            break;
        case S_UNDEF:
            for (int j = 0; j < s->var->n; j++)
                set_defined(p, s->var, j, false);
            break;
        case S_IF: {
            struct block *alt[2] = { &s->a, &s->b };

            alternatives(alt, 2, p);
            break;
        }
        case S_CASE: {
            struct block **alt = arena(sizeof *alt * (size_t)(s->narm + 1));
            int n = 0;

            for (int j = 0; j < s->narm; j++)
                alt[n++] = &s->arm[j].body;
            if (!complete(s))
                alt[n++] = &nothing;
            alternatives(alt, n, p);
            break;
        }
        default:
            break;
        }
    }
}

/* ---- memories ---- */

/* "The first varying dimension starts the address; constant ones before it make separate memories." */
static void layout(struct memory *m)
{
    m->first = m->ndim;
    for (int i = 0; i < m->ndim; i++)
        if (m->varying[i]) {
            if (m->split[i])
                error(m->at, "index the partitioned dimension by constants", "'%s' is partitioned along a dimension that varies", m->name);
            m->first = m->first == m->ndim ? i : m->first;
            m->last = i;
        }
    if (m->first == m->ndim)
        m->first = m->last = 0;
    m->depth = 1;
    m->nsplit = 1;
    m->word_bits = m->elem_bits;
    for (int i = 0; i < m->ndim; i++) {
        m->split[i] |= i < m->first;
        if (m->split[i])
            m->nsplit *= m->dim[i];
        else if (i <= m->last)
            m->depth *= m->dim[i];
        else
            m->word_bits *= m->dim[i];
    }
}

static int split_index(const struct expr *e)
{
    const struct memory *m = e->v->mem;
    int flat = 0;

    for (int i = 0; i < m->ndim; i++)
        if (m->split[i])
            flat = flat * m->dim[i] + (int)e->idx[i]->lo;
    return flat;
}

static bool same_address(const struct expr *a, const struct expr *b)
{
    const struct memory *m = a->v->mem;

    for (int i = m->first; i <= m->last; i++)
        if (!m->split[i] && !same_expr(a->idx[i], b->idx[i]))
            return false;
    return true;
}

struct written { struct expr *lhs; };
struct memflow { struct written *w; int n, cap; };          /* writes that may have happened */

static void mem_read(struct expr *e, void *ctx)
{
    struct memflow *f = ctx;

    if (e->k != E_LEAF)
        return;
    if (e->v->mem == NULL)
        return;
    e->v->mem->seen_read = true;
    /* "A memory is read before it is written: the read sees the value before the edge." */
    for (int i = 0; i < f->n; i++)
        if (f->w[i].lhs->v->mem == e->v->mem && split_index(f->w[i].lhs) == split_index(e))
            error(e->at, "read before you write; bypass explicitly if you need the new value",
                  "memory '%s' is read after it was written", e->v->cname);
}

/* "Block RAM reads land directly in a register: r->q = r->mem[address];" */
static void no_block_ram(struct expr *e, void *ctx)
{
    (void)ctx;
    if (e->k == E_LEAF && e->v->mem != NULL && e->v->mem->st != ST_LUTRAM)
        error(e->at, "r->q = r->mem[address]; and use r->q from the next edge on",
              "a read of %s '%s' that does not go straight into a register",
              e->v->mem->st == ST_BRAM ? "block RAM" : "UltraRAM", e->v->cname);
}

static void memories(struct block *b, struct memflow *f)
{
    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];

        visit_expr(s->rhs, mem_read, f);
        if (s->k != S_ASSIGN) {
            visit_expr(s->rhs, no_block_ram, NULL);
        } else {
            struct expr *e = s->rhs;
            const bool to_reg = s->lhs->v->k == V_STATE && s->lhs->v->mem == NULL;

            while (e->k == E_CAST && e->exact)
                e = e->a;
            if (to_reg && e->k == E_LEAF && e->v->mem != NULL && e->v->mem->st != ST_LUTRAM)
                s->lhs->v->from_bram = true;
            if (to_reg && e->k == E_LEAF) {
                for (int j = 0; j < e->nidx; j++)
                    visit_expr(e->idx[j], no_block_ram, NULL);
            } else {
                visit_expr(s->rhs, no_block_ram, NULL);
            }
            for (int j = 0; j < s->lhs->nidx; j++) {
                visit_expr(s->lhs->idx[j], mem_read, f);
                visit_expr(s->lhs->idx[j], no_block_ram, NULL);
            }
            if (s->lhs->v->mem != NULL) {
                /* "One write port: one address on each path." */
                for (int j = 0; j < f->n; j++)
                    if (f->w[j].lhs->v->mem == s->lhs->v->mem && split_index(f->w[j].lhs) == split_index(s->lhs) &&
                        !same_address(f->w[j].lhs, s->lhs))
                        error(s->at, "choose the address first, then write once",
                              "memory '%s' is written at two addresses in one edge", s->lhs->v->cname);
                struct written w = { s->lhs };

                PUSH(f->w, f->n, f->cap, w);
                s->lhs->v->mem->seen_write = true;
            }
        }
        if (s->k == S_IF || s->k == S_CASE) {
            const int mark = f->n, nalt = s->k == S_IF ? 2 : s->narm;
            struct memflow sum = { 0 };

            for (int k = 0; k < nalt; k++) {
                memories(s->k == S_CASE ? &s->arm[k].body : k == 0 ? &s->a : &s->b, f);
                for (int j = mark; j < f->n; j++)
                    PUSH(sum.w, sum.n, sum.cap, f->w[j]);
                f->n = mark;
            }
            for (int j = 0; j < sum.n; j++)
                PUSH(f->w, f->n, f->cap, sum.w[j]);
        }
    }
}

/* ---- stores that a later store hides ---- */

struct kills { struct expr **e; int n, cap; };

static void keep_read(struct expr *e, void *ctx)
{
    (void)ctx;
    if (e->k != E_LEAF || e->v->mem != NULL || e->v->killed == NULL)
        return;
    const int i = flat_index(e);

    if (i >= 0)
        e->v->killed[i] = false;
    else
        memset(e->v->killed, 0, (size_t)e->v->n);
}

static void kill_block(struct block *b)
{
    struct kills mine = { 0 };

    for (int i = b->n - 1; i >= 0; i--) {
        struct stmt *s = b->s[i];

        if (s->k == S_ASSIGN) {
            struct var *v = s->lhs->v;
            const int e = v->mem != NULL || v->k == V_CHILD_IN ? -1 : flat_index(s->lhs);

            if (e >= 0 && v->killed[e]) {
                s->overwritten = true;
                continue;
            }
            if (e >= 0) {
                v->killed[e] = true;
                PUSH(mine.e, mine.n, mine.cap, s->lhs);
            }
            for (int j = 0; j < s->lhs->nidx; j++)
                visit_expr(s->lhs->idx[j], keep_read, NULL);
        } else if (s->k == S_IF) {
            kill_block(&s->a);
            kill_block(&s->b);
        } else if (s->k == S_CASE) {
            for (int j = 0; j < s->narm; j++)
                kill_block(&s->arm[j].body);
        }
        visit_expr(s->rhs, keep_read, NULL);
    }
    for (int i = 0; i < mine.n; i++)
        mine.e[i]->v->killed[flat_index(mine.e[i])] = false;
}

/* ---- what is live ---- */

struct livectx { int which; bool changed; };

static void mark_var(struct expr *e, void *ctx)
{
    struct livectx *c = ctx;

    if (e->k == E_LEAF && !e->v->live[c->which]) {
        e->v->live[c->which] = true;
        c->changed = true;
    }
}

static bool root(const struct stmt *s, int which)
{
    if (s->k == S_ASSERT)
        return which == 0;
    if (s->k != S_ASSIGN || s->overwritten)
        return false;
    const enum vkind k = s->lhs->v->k;

    if (which == 0)
        return (k == V_STATE && s->lhs->v->mem != NULL && s->lhs->v->mem->seen_read) || (k == V_OUT && !s->lhs->v->wire_out);
    return k == V_CHILD_IN || (k == V_OUT && s->lhs->v->wire_out);
}

static bool live_block(struct block *b, struct livectx *c)
{
    bool any = false;

    for (int i = b->n - 1; i >= 0; i--) {
        struct stmt *s = b->s[i];
        bool l = s->live[c->which];

        if (s->k == S_IF) {
            l = live_block(&s->a, c);
            l |= live_block(&s->b, c);
        } else if (s->k == S_CASE) {
            l = false;
            for (int j = 0; j < s->narm; j++)
                l |= live_block(&s->arm[j].body, c);
        } else if (!l) {
            l = root(s, c->which) || (s->k == S_ASSIGN && !s->overwritten && s->lhs->v->mem == NULL &&
                                      (s->lhs->v->k == V_LOCAL || s->lhs->v->k == V_STATE) && s->lhs->v->live[c->which]);
        }
        if (l && !s->live[c->which]) {
            s->live[c->which] = true;
            c->changed = true;
            visit_expr(s->rhs, mark_var, c);
            for (int j = 0; s->k == S_ASSIGN && j < s->lhs->nidx; j++)
                visit_expr(s->lhs->idx[j], mark_var, c);
        }
        any |= l;
    }
    return any;
}

static void forget(struct block *b, int which)
{
    for (int i = 0; i < b->n; i++) {
        b->s[i]->live[which] = false;
        forget(&b->s[i]->a, which);
        forget(&b->s[i]->b, which);
        for (int j = 0; j < b->s[i]->narm; j++)
            forget(&b->s[i]->arm[j].body, which);
    }
}

void live(struct design *d, int which)
{
    struct livectx c = { .which = which };

    forget(&d->body, which);
    for (int i = 0; i < d->nvar; i++)                        /* registers that wires read are needed */
        d->var[i]->live[which] = which == 0 && d->var[i]->k == V_STATE && d->var[i]->live[1];

    do {
        c.changed = false;
        live_block(&d->body, &c);
    } while (c.changed);
}

/* ---- new outputs of children ---- */

static void find_post(struct expr *e, void *ctx)
{
    bool *hit = ctx;

    if (e->k == E_LEAF && (e->post || e->v->tainted))
        *hit = true;
}

static bool taint(struct block *b, bool under)
{
    bool changed = false;

    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];
        bool hit = under;

        visit_expr(s->rhs, find_post, &hit);
        if (s->k == S_IF) {
            changed |= taint(&s->a, hit);
            changed |= taint(&s->b, hit);
        } else if (s->k == S_CASE) {
            for (int j = 0; j < s->narm; j++)
                changed |= taint(&s->arm[j].body, hit);
        } else if (s->k == S_ASSIGN && hit) {
            struct var *v = s->lhs->v;

            /* "A child's output after its edge may drive the parent's outputs, nothing else." */
            if (v->k != V_OUT && v->k != V_LOCAL)
                error(s->at, "read the child's outputs before you clock any child: compute all child inputs and registers first",
                      "a child's output is read after its clock call");
            if (!v->tainted) {
                v->tainted = changed = true;
                v->wire_out = v->must_wire = v->k == V_OUT;
            }
        }
    }
    return changed;
}

/*
 * "An output is a function of registers."  One that copies a register is a register too, which tools
 * merge with the first; one that computes, or shows what a block RAM has read, is wires behind them.
 */
static void find_bram(struct expr *e, void *ctx)
{
    bool *hit = ctx;

    *hit |= e->k == E_LEAF && e->v->from_bram;
}

static void wire_outputs(struct block *b, bool under)
{
    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];

        if (s->k == S_ASSIGN && s->lhs->v->k == V_OUT && !s->overwritten) {
            struct expr *e = as_copy(s->rhs, s->lhs->v->w);
            bool bram = false;

            visit_expr(s->rhs, find_bram, &bram);
            if (under || bram || e == NULL || (e->k != E_CONST && (e->k != E_LEAF || e->v->k != V_STATE || flat_index(e) < 0)))
                s->lhs->v->wire_out = true;
        }
        wire_outputs(&s->a, true);
        wire_outputs(&s->b, true);
        for (int j = 0; j < s->narm; j++)
            wire_outputs(&s->arm[j].body, true);
    }
}

static int number(struct block *b, int seq)
{
    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];

        s->seq = seq++;
        if (s->k == S_ASSIGN) {
            const int e = flat_index(s->lhs);

            s->lhs->v->last_write = s->seq;
            memset(s->lhs->v->ever_written + (e < 0 ? 0 : e), 1, e < 0 ? (size_t)s->lhs->v->n : 1);
        }
        seq = number(&s->a, seq);
        seq = number(&s->b, seq);
        for (int j = 0; j < s->narm; j++)
            seq = number(&s->arm[j].body, seq);
    }
    return seq;
}

static void copy_outputs(struct design *d);

void flow(struct design *d)
{
    struct paths p = { 0 };
    struct memflow f = { 0 };

    for (int i = 0; i < d->nvar; i++)
        d->var[i]->defined = arena((size_t)d->var[i]->n + 1);
    for (int i = 0; i < d->nvar; i++)
        d->var[i]->killed = arena((size_t)d->var[i]->n + 1);
    for (int i = 0; i < d->nvar; i++)
        d->var[i]->ever_written = arena((size_t)d->var[i]->n + 1);
    assigned(&d->body, &p);
    /* "Every output is written at every call." */
    struct port *port = NULL;
    int np = 0, cap = 0;

    flat_ports(d->out, true, false, &port, &np, &cap);
    for (int i = 0; i < np; i++) {
        bool ok = false;

        for (int j = 0; j < d->nvar; j++)
            if (d->var[j]->k == V_OUT && strcmp(d->var[j]->name, port[i].name) == 0) {
                ok = true;
                for (int e = 0; e < d->var[j]->n; e++)
                    ok = ok && d->var[j]->defined[e];
            }
        if (!ok)
            error(d->func->at, "assign every field of *out at the end of the function",
                  "output '%s' is not assigned on every path", port[i].name);
    }
    for (int i = 0; i < d->nmem; i++)
        layout(d->mem[i]);
    memories(&d->body, &f);
    kill_block(&d->body);
    number(&d->body, 0);
    while (taint(&d->body, false))
        ;
    wire_outputs(&d->body, false);
    /* A register is kept if an output, a child or an assertion depends on it. */
    live(d, 1);
    live(d, 0);
    copy_outputs(d);
    live(d, 1);
    live(d, 0);
    /* "A register that is read is written somewhere." */
    for (int i = 0; i < d->nvar; i++)
        if (d->var[i]->k == V_STATE && d->var[i]->live[0] && d->var[i]->last_write < 0 &&
            (d->var[i]->mem == NULL || !d->var[i]->mem->seen_write))
            error(d->var[i]->at, "assign it, or make it a constant", "register '%s' is read but never written",
                  d->var[i]->cname);
}

static bool copies_raw(const struct block *b, const struct var *out)
{
    for (int i = 0; i < b->n; i++)
        if (b->s[i]->k == S_ASSIGN && b->s[i]->lhs->v == out) {
            const struct expr *e = b->s[i]->rhs;

            while (e->k == E_CAST)
                e = e->a;
            if (e->k == E_LEAF && e->v->raw)
                return true;
        }
    return false;
}

static void raw_read(struct expr *e, void *ctx)
{
    (void)ctx;
    if (e->k == E_LEAF && e->v->k == V_STATE && e->v->mem == NULL && e->v->written)
        e->v->raw = true;
}

static void raw_block(const struct block *b, bool outputs)
{
    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];

        if (!s->live[0])
            continue;
        if (outputs || s->k != S_ASSIGN || s->lhs->v->k != V_OUT)
            visit_expr(s->rhs, raw_read, NULL);
        if (s->k == S_ASSIGN) {
            for (int j = 0; j < s->lhs->nidx; j++)
                visit_expr(s->lhs->idx[j], raw_read, NULL);
            if (s->lhs->v->k == V_STATE)
                s->lhs->v->written = true;
        }
        raw_block(&s->a, outputs);
        raw_block(&s->b, outputs);
        for (int j = 0; j < s->narm; j++)
            raw_block(&s->arm[j].body, outputs);
    }
}

/* A register that is read again after it was written keeps its blocking assignments and is copied. */
static void copy_outputs(struct design *d)
{
    raw_block(&d->body, false);
    for (int i = 0; i < d->nvar; i++) {
        struct var *v = d->var[i];

        if (v->k == V_OUT && !v->wire_out && !copies_raw(&d->body, v))
            v->wire_out = true;
    }
    for (int i = 0; i < d->nvar; i++)
        d->var[i]->raw = d->var[i]->written = false;
}

void finish(struct design *d)
{
    live(d, 0);
    raw_block(&d->body, true);
    for (int i = 0; i < d->nvar; i++) {
        struct var *v = d->var[i];

        if (v->k != V_STATE || !v->shadow)
            continue;
        if (v->mem != NULL) {
            v->mem->nba = true;
        } else if (!v->raw) {
            v->nba = true;
            v->shadow = false;
        }
    }
}
