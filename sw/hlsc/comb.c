/*
 * comb.c - child inputs, and outputs that show children's outputs, as single-assignment wires.
 *
 * Runs the slice of the flat program that they depend on, symbolically: every variable stands for an
 * expression over inputs, registers before the edge and children's outputs; branches become ?:.
 */
#include "hlsc.h"

struct undo { struct var *v; int i; struct expr *old; };
struct comb {
    struct design *d;
    struct undo *t;
    int n, cap;
    bool post;                             /* outputs: registers and children after the edge */
    int seq;
};


static struct expr *element(struct comb *c, const struct expr *e, int i, struct expr **idx);

static int size(const struct expr *e)
{
    if (e == NULL || e->k == E_CONST)
        return 0;
    int n = e->k == E_CAST ? 0 : 1;

    for (int i = 0; i < e->nidx; i++)
        n += size(e->idx[i]);
    return n + size(e->a) + size(e->b) + size(e->c);
}

static void poke(struct comb *c, struct var *v, int i, struct expr *e)
{
    if (v->value == NULL)
        v->value = arena((size_t)v->n * sizeof *v->value);
    struct undo u = { v, i, v->value[i] };

    PUSH(c->t, c->n, c->cap, u);
    v->value[i] = e;
}

static struct expr *poisoned(struct loc at, int w, bool s)
{
    struct var *v = arena(sizeof *v);                        /* no two are the same value */

    *v = (struct var){ .name = "?", .w = w, .s = s, .n = 1, .k = V_IN, .poison = true };
    return mk_leaf(v, 0, NULL, at);
}

static struct expr *element(struct comb *c, const struct expr *e, int i, struct expr **idx);

static struct expr *subst(struct comb *c, struct expr *e)
{
    if (e == NULL || e->k == E_CONST)
        return e;
    if (e->k == E_LEAF) {
        struct expr *idx[MAXDIM];
        int flat = 0;

        for (int i = 0; i < e->nidx; i++) {
            idx[i] = subst(c, e->idx[i]);
            flat = flat < 0 || idx[i]->k != E_CONST ? -1 : flat * e->v->dim[i] + (int)idx[i]->lo;
        }
        return element(c, e, flat, idx);
    }
    struct expr *a = subst(c, e->a), *b = subst(c, e->b), *x = subst(c, e->c);

    switch (e->k) {
    case E_CAST:
        return e->w == 1 && !e->s ? mk_cast(a, 1, false) : mk_cast(a, e->w, e->s);
    case E_NEG:
    case E_NOT:
    case E_LNOT:
        return mk_un(e->k, a, e->w, e->s, e->at);
    case E_COND:
        return mk_cond(x, a, b, e->at);
    default:
        return mk_bin(e->k, a, b, e->w, e->s, e->at);
    }
}

static struct expr *leaf(const struct expr *e, struct expr **idx)
{
    struct expr *l = mk_leaf(e->v, e->nidx, idx, e->at);

    l->post = e->post;
    l->lanes = e->lanes;
    return l;
}

/* A wire of m elements; the caller fills in what it is. */
static struct var *word_wire(struct comb *c, const char *want, int m, int w, bool s, struct loc at)
{
    struct var *x = new_var(c->d, V_WIRE, want, w, s);

    x->n = m;
    x->ndim = 1;
    x->dim[0] = m;
    x->at = at;
    return x;
}

static struct expr *wire_lane(struct var *x, int k, int lanes, struct loc at)
{
    struct expr *i = mk_const(32, true, k, at), *l = mk_leaf(x, 1, &i, at);

    l->lanes = lanes;
    return l;
}

/* m element values as one vector. */
static struct expr *group(struct comb *c, struct expr **val, int m, const struct var *of, struct loc at)
{
    struct expr *first = as_copy(val[0], of->w), *last = first;
    int k = 1;

    for (; last != NULL && k < m; k++) {
        struct expr *e = as_copy(val[k], of->w);

        if (e == NULL || !next_lane(last, e))
            break;
        last = e;
    }
    if (last != NULL && k == m)
        return widen_lanes(first, m);
    struct var *x = word_wire(c, of->name, m, of->w, of->s, at);

    x->value = arena((size_t)m * sizeof *x->value);
    for (k = 0; k < m; k++)
        x->value[k] = mk_cast(val[k], of->w, of->s);
    return wire_lane(x, 0, m, at);
}

static void poke(struct comb *c, struct var *v, int i, struct expr *e);

/* Stores vector e to elements i.. of v. */
static void poke_word(struct comb *c, struct var *v, int i, struct expr *e, int m)
{
    if (e->k != E_CONST && (e->k != E_LEAF || e->v->mem != NULL || e->v->poison)) {
        struct var *x = word_wire(c, v->name, m, v->w, v->s, e->at);

        x->def = e;
        e = wire_lane(x, 0, m, e->at);
    }
    for (int k = 0; k < m; k++)
        poke(c, v, i + k, mk_cast(lane_of(e, k), v->w, v->s));
}

static struct expr *element(struct comb *c, const struct expr *e, int i, struct expr **idx)
{
    struct var *v = e->v;
    bool known = false;

    if (v->mem == NULL && (v->k == V_LOCAL || (v->k == V_STATE && !c->post)))
        for (int j = 0; j < v->n && v->value != NULL; j++)
            known |= v->value[j] != NULL;
    if (e->lanes > 1 && i >= 0 && known) {
        struct expr **val = arena(sizeof *val * (size_t)e->lanes);

        for (int k = 0; k < e->lanes; k++) {
            struct expr *at_k = lane_of(e, k);

            val[k] = element(c, at_k, i + k, at_k->idx);
        }
        return group(c, val, e->lanes, v, e->at);
    }
    if (e->lanes > 1 && i >= 0 && v->k == V_LOCAL && v->value == NULL)
        return c->post ? poisoned(e->at, v->w, v->s) : mk_const(v->w, v->s, 0, e->at);
    switch (v->k) {
    case V_IN:
        return c->post ? poisoned(e->at, v->w, v->s) : leaf(e, idx);
    case V_CHILD_OUT:
        if (c->post)
            return e->post ? leaf(e, idx) : poisoned(e->at, v->w, v->s);
        return e->post ? poisoned(e->at, v->w, v->s) : leaf(e, idx);   /* flow.c refuses such uses */
    case V_STATE:
        if (c->post) {
            if (v->last_write > c->seq)
                return poisoned(e->at, v->w, v->s);
            v->shadow = true;
            return leaf(e, idx);
        }
        if (!known) {
            v->shadow = true;
            return leaf(e, idx);
        }
        break;
    case V_LOCAL:
        break;
    default:
        return leaf(e, idx);
    }
    if (i >= 0) {
        if (v->value != NULL && v->value[i] != NULL)
            return v->value[i];
        if (v->k == V_STATE) {
            v->shadow = true;
            return leaf(e, idx);
        }
        return c->post ? poisoned(e->at, v->w, v->s) : mk_const(v->w, v->s, 0, e->at);
    }
    struct expr *out = NULL;                                 /* a varying index: choose */

    for (int j = v->n - 1; j >= 0; j--) {
        struct expr *here = NULL, *ix[MAXDIM], *test = mk_const(1, false, 1, e->at);
        int rest = j;

        for (int k = e->nidx - 1; k >= 0; k--) {
            ix[k] = mk_const(idx[k]->w, idx[k]->s, rest % v->dim[k], e->at);
            rest /= v->dim[k];
            test = mk_bin(E_LAND, mk_bin(E_EQ, idx[k], ix[k], 1, false, e->at), test, 1, false, e->at);
        }
        if (is_false(test))
            continue;
        struct expr at_j = *e;

        for (int k = 0; k < e->nidx; k++)
            at_j.idx[k] = ix[k];
        here = element(c, &at_j, j, ix);
        out = out == NULL ? here : mk_cond(test, here, out, e->at);
    }
    return out;
}

/* Gives a large expression a name, from the variable that it is for. */
static struct expr *name_it(struct comb *c, struct expr *e, struct var *of, const char *want)
{
    if (size(e) <= 3)
        return e;
    struct var *w;

    if (of != NULL && of->k == V_LOCAL && !of->live[0] && !of->name_used && of->n == 1) {
        w = new_var(c->d, V_WIRE, "hlsc_unused_name", e->w, e->s);
        map_set(&c->d->names, w->name, NULL);
        w->name = of->name;
        of->name_used = true;
    } else {
        w = new_var(c->d, V_WIRE, want, e->w, e->s);
    }
    w->def = e;
    w->at = e->at;
    struct expr *l = mk_leaf(w, 0, NULL, e->at);

    l->lo = e->lo;
    l->hi = e->hi;
    return l;
}

static void run(struct comb *c, struct block *b);

static void run_alternatives(struct comb *c, struct block **alt, struct expr **test, int n, struct loc at)
{
    /* last alternative is the default; merge from the back */
    struct undo *acc = NULL;
    int nacc = 0, cap = 0;

    for (int k = n - 1; k >= 0; k--) {
        const int mark = c->n;
        struct undo *mine = NULL;
        int nmine = 0, capmine = 0;

        run(c, alt[k]);
        for (int j = mark; j < c->n; j++) {
            struct undo u = { c->t[j].v, c->t[j].i, c->t[j].v->value[c->t[j].i] };
            bool seen = false;

            for (int m = 0; m < nmine; m++)
                seen |= mine[m].v == u.v && mine[m].i == u.i;
            if (!seen)
                PUSH(mine, nmine, capmine, u);
        }
        while (c->n > mark) {
            c->n--;
            c->t[c->n].v->value[c->t[c->n].i] = c->t[c->n].old;
        }
        if (test[k] == NULL) {
            acc = mine;
            nacc = nmine;
            cap = capmine;
            continue;
        }
        for (int m = 0; m < nacc; m++) {                     /* only in the others */
            bool seen = false;

            for (int j = 0; j < nmine; j++)
                seen |= mine[j].v == acc[m].v && mine[j].i == acc[m].i;
            if (!seen) {
                struct undo u = { acc[m].v, acc[m].i, NULL };

                PUSH(mine, nmine, capmine, u);
            }
        }
        for (int j = 0; j < nmine; j++) {
            struct var *v = mine[j].v;
            const int i = mine[j].i;
            struct expr *idx[MAXDIM], *before;
            int rest = i;

            for (int q = v->ndim - 1; q >= 0; q--) {
                idx[q] = mk_const(32, true, rest % v->dim[q], at);
                rest /= v->dim[q];
            }
            struct expr *l = mk_leaf(v, v->ndim, idx, at);

            before = v->value != NULL && v->value[i] != NULL ? v->value[i] : NULL;
            if (before == NULL && v->k == V_STATE)
                before = element(c, l, i, idx);
            struct expr *yes = mine[j].old != NULL ? mine[j].old : before, *no = before;

            for (int m = 0; m < nacc; m++)
                if (acc[m].v == v && acc[m].i == i && acc[m].old != NULL)
                    no = acc[m].old;
            if (yes == NULL)                                 /* unassigned there: never read */
                yes = no;
            if (no == NULL)
                no = yes;
            mine[j].old = mk_cond(test[k], yes, no, at);
        }
        acc = mine;
        nacc = nmine;
        cap = capmine;
    }
    (void)cap;
    for (int j = 0; j < nacc;) {                             /* neighbours that move alike: one word */
        struct var *v = acc[j].v;
        struct expr *first = v->n > 1 ? as_copy(acc[j].old, v->w) : NULL, *last = first;
        int m = 1;

        while (last != NULL && j + m < nacc && acc[j + m].v == v && acc[j + m].i == acc[j].i + m) {
            struct expr *e = as_copy(acc[j + m].old, v->w);

            if (e == NULL || !next_lane(last, e))
                break;
            last = e;
            m++;
        }
        if (m > 1)
            poke_word(c, v, acc[j].i, widen_lanes(first, m), m);
        else
            poke(c, v, acc[j].i, name_it(c, acc[j].old, v, v->name));
        j += m;
    }
}

static void run(struct comb *c, struct block *b)
{
    static struct block nothing;

    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];

        if (!s->live[1])
            continue;
        c->seq = s->seq;
        if (s->k == S_ASSIGN) {
            struct var *v = s->lhs->v;

            if (c->post ? v->k == V_CHILD_IN || v->k == V_STATE : v->k == V_OUT)
                continue;
            const int m = s->lhs->lanes;
            struct expr *e = subst(c, s->rhs);
            struct expr *idx[MAXDIM];
            int flat = 0;

            if (m < 2)
                e = mk_cast(e, v->w, v->s);

            for (int k = 0; k < s->lhs->nidx; k++) {
                idx[k] = subst(c, s->lhs->idx[k]);
                flat = flat < 0 || idx[k]->k != E_CONST ? -1 : flat * v->dim[k] + (int)idx[k]->lo;
            }
            if (m < 2 && v->k != V_CHILD_IN && v->k != V_OUT) {
                const int before = c->d->nvar;

                e = name_it(c, e, v, v->name);
                if (!c->post && v->k == V_LOCAL && v->n == 1 && c->d->nvar > before)
                    v->as_wire = c->d->var[c->d->nvar - 1];
            }
            if (flat >= 0) {
                if (m > 1)
                    poke_word(c, v, flat, e, m);
                else
                    poke(c, v, flat, e);
                continue;
            }
            for (int j = 0; j < v->n; j++) {                 /* a varying index: each may change */
                struct expr *ix[MAXDIM], *test = mk_const(1, false, 1, s->at);
                int rest = j;

                for (int k = s->lhs->nidx - 1; k >= 0; k--) {
                    ix[k] = mk_const(idx[k]->w, idx[k]->s, rest % v->dim[k], s->at);
                    rest /= v->dim[k];
                    test = mk_bin(E_LAND, mk_bin(E_EQ, idx[k], ix[k], 1, false, s->at), test, 1, false, s->at);
                }
                if (is_false(test))
                    continue;
                struct expr at_j = *s->lhs;

                for (int k = 0; k < at_j.nidx; k++)
                    at_j.idx[k] = ix[k];
                struct expr *n = mk_cond(test, e, element(c, &at_j, j, ix), s->at);

                if (m > 1)
                    poke_word(c, v, j, n, m);
                else
                    poke(c, v, j, n);
            }
        } else if (s->k == S_IF) {
            struct block *alt[2] = { &s->a, &s->b };
            struct expr *test[2] = { name_it(c, subst(c, s->rhs), NULL, "cond"), NULL };

            run_alternatives(c, alt, test, 2, s->at);
        } else if (s->k == S_CASE) {
            struct block **alt = arena(sizeof *alt * (size_t)(s->narm + 1));
            struct expr **test = arena(sizeof *test * (size_t)(s->narm + 1));
            struct expr *e = name_it(c, subst(c, s->rhs), NULL, "sel");
            struct block *dflt = &nothing;
            int n = 0;

            for (int j = 0; j < s->narm; j++) {
                if (s->arm[j].is_default) {
                    dflt = &s->arm[j].body;
                    continue;
                }
                struct expr *t = mk_const(1, false, 0, s->at);

                for (int k = 0; k < s->arm[j].nlabel; k++)
                    t = mk_bin(E_LOR, t, mk_bin(E_EQ, e, s->arm[j].label[k], 1, false, s->at), 1, false, s->at);
                alt[n] = &s->arm[j].body;
                test[n++] = t;
            }
            alt[n] = dflt;
            test[n++] = NULL;
            run_alternatives(c, alt, test, n, s->at);
        }
    }
}

struct poison_search { const struct var *out; bool hit; };

static void find_poison(struct expr *e, void *ctx)
{
    struct poison_search *p = ctx;

    if (e->k != E_LEAF)
        return;
    if (e->v->poison && p->out->must_wire)
        error(e->at, "keep it in a register, and compute outputs from registers and children's outputs at the end",
              "output '%s' mixes a child's new output with a value from before the edge", p->out->name);
    p->hit |= e->v->poison;
    if (e->v->k == V_WIRE && e->v->def != NULL)
        visit_expr(e->v->def, find_poison, ctx);
    for (int i = 0; e->v->k == V_WIRE && e->v->value != NULL && i < e->v->n; i++)
        visit_expr(e->v->value[i], find_poison, ctx);
}

static void find_shadow(struct expr *e, void *ctx)
{
    (void)ctx;
    if (e->k == E_LEAF && e->v->k == V_STATE)
        e->v->shadow = true;
    if (e->k == E_LEAF && e->v->k == V_WIRE && !e->v->name_used) {
        e->v->name_used = true;
        visit_expr(e->v->def, find_shadow, NULL);
        for (int i = 0; e->v->value != NULL && i < e->v->n; i++)
            visit_expr(e->v->value[i], find_shadow, NULL);
    }
}

static void count_assigns(struct block *b)
{
    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];

        if (s->k == S_ASSIGN && s->lhs->v->k == V_LOCAL && (s->live[0] || s->live[1]))
            s->lhs->v->nassign++;
        count_assigns(&s->a);
        count_assigns(&s->b);
        for (int j = 0; j < s->narm; j++)
            count_assigns(&s->arm[j].body);
    }
}

/* A local that is assigned once and has become a wire is read from the wire in the clocked block too. */
static void drop_assigns(struct block *b)
{
    for (int i = 0; i < b->n; i++) {
        struct stmt *s = b->s[i];

        if (s->k == S_ASSIGN && s->lhs->v->as_wire != NULL) {
            s->live[0] = false;
            s->overwritten = true;
        }
        drop_assigns(&s->a);
        drop_assigns(&s->b);
        for (int j = 0; j < s->narm; j++)
            drop_assigns(&s->arm[j].body);
    }
}

void comb(struct design *d)
{
    struct comb c = { .d = d };
    bool any = false;

    if (d->ninst != 0)
        run(&c, &d->body);
    for (int i = 0; i < d->nvar; i++) {
        if (d->var[i]->k == V_LOCAL || d->var[i]->k == V_STATE)
            d->var[i]->value = NULL;
        any |= d->var[i]->wire_out;
    }
    if (any) {
        struct comb p = { .d = d, .post = true };

        run(&p, &d->body);
        for (int i = 0; i < d->nvar; i++)
            if (d->var[i]->wire_out) {
                struct poison_search s = { .out = d->var[i] };

                for (int j = 0; j < d->var[i]->n; j++)
                    visit_expr(d->var[i]->value[j], find_poison, &s);
                if (s.hit) {                                 /* a registered output then */
                    d->var[i]->wire_out = false;
                    d->var[i]->value = NULL;
                }
            }
    }
    /* Registers that these wires read: seen from outside the clocked block. */
    for (int i = 0; i < d->nvar; i++)
        d->var[i]->shadow = false;
    for (int i = 0; i < d->nvar; i++)
        if ((d->var[i]->k == V_CHILD_IN || d->var[i]->wire_out) && d->var[i]->value != NULL)
            for (int j = 0; j < d->var[i]->n; j++)
                visit_expr(d->var[i]->value[j], find_shadow, NULL);
    /* Locals that are such wires anyhow. */
    count_assigns(&d->body);
    for (int i = 0; i < d->nvar; i++) {
        struct var *v = d->var[i];

        if (v->as_wire != NULL && (v->nassign != 1 || !v->live[0] || v->tainted || !v->as_wire->name_used))
            v->as_wire = NULL;
        if (v->as_wire != NULL)
            v->as_wire->name = v->name;
    }
    drop_assigns(&d->body);
    for (int i = 0; i < d->nvar; i++)
        if (d->var[i]->shadow && d->var[i]->mem != NULL)
            d->var[i]->mem->nba = true;
}
