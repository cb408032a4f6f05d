/*
 * emit.c - one readable Verilog module for each C module.
 *
 * One posedge block in C order: registers and locals with blocking assignments, as C has them; output
 * ports with nonblocking ones.  A register that anything outside the block reads (a child's input, a wire
 * output) is written with <=, or copied to <name>_q at the end, so that no simulator sees a race.
 *
 * Every expression is written so that its self-determined width is the width asked for: modulo
 * 2^width, arithmetic needs no more than that, and no tool has to extend anything by itself.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hlsc.h"

enum { P_COND = 1, P_LOR, P_LAND, P_OR, P_XOR, P_AND, P_EQ, P_REL, P_SHIFT, P_ADD, P_MUL, P_UNARY, P_ATOM };

/* sgn: 1 signed, 0 unsigned, 2 either (a constant).  fragile: its sign decides its value. */
struct text { const char *s; int prec, sgn; bool fragile; };

struct out {
    FILE *f;
    struct design *d;
    int last_line;
    const char *last_file;
    bool wires;                            /* outside the clocked block */
    int arith;                             /* under an operator that can leave the range of a C++ int */
    struct { const char *name, *text; int w; } *hoist;
    int nhoist, caphoist;
    struct var **temp;                     /* what hoisting declared */
    int ntemp, captemp;
};

static struct text put(struct out *o, struct expr *e, int w);

static struct text atom(const char *s, int sgn) { return (struct text){ s, P_ATOM, sgn, false }; }

static const char *paren(struct text t, int prec) { return t.prec < prec ? fmt("(%s)", t.s) : t.s; }

static struct text constant(i128 v, int w, int sgn)
{
    unsigned __int128 u = (unsigned __int128)v & (((unsigned __int128)1 << w) - 1);
    const uint64_t lo = (uint64_t)u;

    if (lo > 9 && w > 8 && (lo > 4096 || v < 0))
        return atom(fmt("%d'%sh%llx", w, sgn == 1 ? "s" : "", (unsigned long long)lo), sgn);
    if (v < 0)
        return atom(fmt("%d'%sh%llx", w, sgn == 1 ? "s" : "", (unsigned long long)lo), sgn);
    return atom(fmt("%d'%sd%llu", w, sgn == 1 ? "s" : "", (unsigned long long)lo), sgn);
}

static struct text to_signed(struct text t)
{
    return t.sgn == 1 ? t : atom(fmt("$signed(%s)", t.s), 1);
}

static struct text to_unsigned(struct text t)
{
    return t.sgn != 1 ? t : atom(fmt("$unsigned(%s)", t.s), 0);
}

/* Yosys reads ~8'(x) as (~8)'(x): a cast is no atom. */
static struct text cast(int w, const char *s, int sgn)
{
    return (struct text){ fmt("%d'(%s)", w, s), P_UNARY, sgn, false };
}

/* From w bits to more; value by its sign. */
static struct text widen(struct text t, int w, int to, bool sgn)
{
    if (to == w)
        return t;
    if (!sgn)
        return atom(fmt("{%d'd0, %s}", to - w, t.s), 0);
    if (t.prec == P_ATOM && t.sgn == 1)
        return cast(to, t.s, 1);
    return cast(to, fmt("$signed(%s)", t.s), 1);
}

static struct text narrow(struct text t, int w, int to)
{
    return w == to ? t : cast(to, t.s, t.sgn);
}

static struct text emit_const(const struct expr *e, int w)
{
    struct text t = constant(e->lo, w, 0);

    return t;
}

/* Both operands at one width: signed only if both are, so that nothing changes its sign by surprise. */
static void agree(struct text *a, struct text *b, const struct expr *ea, const struct expr *eb, int w)
{
    if (ea->k == E_CONST && b->sgn == 1) {
        *a = constant(ea->lo, w, 1);
    } else if (eb->k == E_CONST && a->sgn == 1) {
        *b = constant(eb->lo, w, 1);
    } else if (a->sgn != b->sgn) {
        if (a->sgn == 1 && a->fragile)
            *a = to_unsigned(*a);
        if (b->sgn == 1 && b->fragile)
            *b = to_unsigned(*b);
    }
}

static struct text join(struct text a, struct text b, const char *op, int prec, bool assoc)
{
    const bool s = a.sgn == 1 && b.sgn == 1;

    return (struct text){ fmt("%s %s %s", paren(a, prec), op, paren(b, assoc ? prec : prec + 1)), prec, s,
                          s && (a.fragile || b.fragile) };
}

/* ---- leaves ---- */

static const char *index_text(struct out *o, struct expr *e, int n, int *known)
{
    if (e->k == E_CONST) {
        *known = (int)e->lo;
        return fmt("%d", (int)e->lo);
    }
    *known = -1;
    const int arith = o->arith;

    o->arith = 0;
    const char *s = put(o, e, n <= 1 ? 1 : bits_unsigned(n - 1)).s;

    o->arith = arith;
    return s;
}

/* Row-major element number of dimensions [from, to) as an expression. */
static struct expr *flatten(struct expr *const *idx, const int *dim, const bool *skip, int from, int to)
{
    struct expr *e = NULL;

    for (int i = from; i < to; i++) {
        if (skip != NULL && skip[i])
            continue;
        struct expr *x = mk_cast(idx[i], 32, false);

        if (x->lo < 0 || x->hi >= dim[i]) {                 /* C says it stays inside */
            struct expr *y = mk_cast(idx[i], 32, false);

            if (y == idx[i]) {
                y = arena(sizeof *y);
                *y = *idx[i];
            }
            x = y;
        }
        if (e == NULL) {
            e = x;
        } else {
            e = mk_bin(E_MUL, e, mk_const(32, false, dim[i], e->at), 32, false, e->at);
            e = mk_bin(E_ADD, e, x, 32, false, e->at);
        }
    }
    return e;
}

/* The text of a place: bits [lsb, lsb + w) of base, which has `bits`; the whole of it if lsb < 0. */
struct place { const char *base; int lsb, w, bits; bool sgn; const char *var_lsb; };

static const char *visible(struct out *o, const struct var *v)
{
    if (v->as_wire != NULL)
        return v->as_wire->name;
    return o->wires && v->shadow && v->mem == NULL ? fmt("%s_q", v->name) : v->name;
}

static struct place place_of(struct out *o, const struct expr *e)
{
    struct var *v = e->v;
    struct place p = { .w = v->w, .lsb = -1 };
    int known;

    if (v->mem != NULL) {
        const struct memory *m = v->mem;
        const char *name = m->name;
        int lane = 0;

        for (int i = 0; i < m->ndim; i++)
            if (m->split[i])
                name = fmt("%s_%d", name, (int)e->idx[i]->lo);
        for (int i = m->last + 1; i < m->ndim; i++)
            if (!m->split[i])
                lane = lane * m->dim[i] + (int)e->idx[i]->lo;
        struct expr *a = flatten(e->idx, m->dim, m->split, m->first, m->last + 1);

        p.base = fmt("%s[%s]", name, index_text(o, a, m->depth, &known));
        p.lsb = lane * m->elem_bits + v->lsb;
        p.bits = m->word_bits;
        if (v->w == m->word_bits)
            p.lsb = -1;
        return p;
    }
    if (v->bundle != NULL) {
        struct expr *i = v->n == 1 ? mk_const(32, false, 0, e->at) : flatten(e->idx, v->dim, NULL, 0, v->ndim);

        p.base = v->bundle->name;
        p.bits = v->n * v->bundle->w;
        if (i->k == E_CONST) {
            p.lsb = (int)i->lo * v->bundle->w + v->bundle_lsb;
        } else {
            i = mk_bin(E_MUL, i, mk_const(32, false, v->bundle->w, i->at), 32, false, i->at);
            i = mk_bin(E_ADD, i, mk_const(32, false, v->bundle_lsb, i->at), 32, false, i->at);
            p.var_lsb = put(o, i, bits_unsigned(p.bits - 1)).s;
        }
        return p;
    }
    if (v->n == 1 && v->k != V_CHILD_OUT) {
        p.base = visible(o, v);
        p.sgn = v->s;
        return p;
    }
    if (v->n == 1) {
        p.base = v->name;
        p.sgn = v->s;
        return p;
    }
    struct expr *i = flatten(e->idx, v->dim, NULL, 0, v->ndim);

    if (v->k == V_IN || v->k == V_OUT || v->k == V_CHILD_OUT || v->k == V_CHILD_IN || v->k == V_WIRE) {   /* packed vector */
        p.base = v->name;
        p.bits = v->n * v->w;
        if (i->k == E_CONST) {
            p.lsb = (int)i->lo * v->w;
        } else {
            struct expr *b = mk_bin(E_MUL, i, mk_const(32, false, v->w, i->at), 32, false, i->at);

            p.var_lsb = put(o, b, bits_unsigned((i128)v->n * v->w - 1)).s;
        }
        return p;
    }
    if (v->packed) {
        struct expr *row = flatten(e->idx, v->dim, NULL, 0, v->tail);
        int depth = 1, lane = 0;

        for (int k = 0; k < v->tail; k++)
            depth *= v->dim[k];
        for (int k = v->tail; k < v->ndim; k++)
            lane = lane * v->dim[k] + (int)e->idx[k]->lo;
        p.base = row == NULL ? visible(o, v) : fmt("%s[%s]", visible(o, v), index_text(o, row, depth, &known));
        p.lsb = lane * v->w;
        p.bits = v->w * (v->n / depth);
        return p;
    }
    p.sgn = v->s;
    if (!v->varying && v->k != V_TABLE) {
        p.base = fmt("%s_%d", v->name, (int)i->lo);
        if (o->wires && v->shadow)
            p.base = fmt("%s_q", p.base);
    } else {
        p.base = fmt("%s[%s]", visible(o, v), index_text(o, i, v->n, &known));
    }
    return p;
}

/* Bits [lo, lo + w) of a place. */
static const char *bits_of(const struct place *p, int lo, int w)
{
    if (p->var_lsb != NULL && lo == 0)
        return fmt("%s[%s +: %d]", p->base, p->var_lsb, w);
    const int at = (p->lsb >= 0 ? p->lsb : 0) + lo;

    if (p->lsb < 0 && lo == 0 && w == p->w)
        return p->base;
    if (w == 1)
        return fmt("%s[%d]", p->base, at);
    return fmt("%s[%d:%d]", p->base, at + w - 1, at);
}

static bool as_word(const struct var *v)
{
    if (v->bundle != NULL)
        return false;
    return v->mem != NULL || v->packed || v->k == V_IN || v->k == V_OUT || v->k == V_CHILD_OUT || v->k == V_CHILD_IN ||
           v->k == V_WIRE;
}

/* lanes consecutive elements as one text. */
static const char *word_text(struct out *o, const struct expr *e)
{
    if (!as_word(e->v)) {
        const char *s = NULL;

        for (int k = 0; k < e->lanes; k++) {
            const struct place q = place_of(o, lane_of(e, k));
            const char *t = bits_of(&q, 0, q.w);

            s = s == NULL ? t : fmt("%s, %s", t, s);
        }
        return fmt("{%s}", s);
    }
    struct place p = place_of(o, e);
    const int w = p.w * e->lanes;

    if (p.var_lsb != NULL)
        return fmt("%s[%s +: %d]", p.base, p.var_lsb, w);
    if (p.lsb <= 0 && w == p.bits)
        return p.base;
    return fmt("%s[%d:%d]", p.base, p.lsb + w - 1, p.lsb);
}

static struct text put_word(struct out *o, struct expr *e, int bits)
{
    if (e->k == E_CONST)
        return atom(fmt("%d'd0", bits), 0);
    if (e->k == E_LEAF)
        return atom(word_text(o, e), 0);
    const struct text c = put(o, mk_bool(e->c), 1), a = put_word(o, e->a, bits), b = put_word(o, e->b, bits);

    return (struct text){ fmt("%s ? %s : %s", paren(c, P_COND + 1), paren(a, P_COND + 1), paren(b, P_COND)), P_COND, 0, false };
}

/* n element values as one text, element 0 low. */
static const char *elements(struct out *o, struct expr **v, int n, int w)
{
    const char *s = NULL;
    int pieces = 0;

    for (int i = 0; i < n;) {
        struct expr *first = as_copy(v[i], w), *last = first;
        int m = 1;
        const char *t;

        while (last != NULL && i + m < n) {
            struct expr *e = as_copy(v[i + m], w);

            if (e == NULL || !next_lane(last, e))
                break;
            last = e;
            m++;
        }
        t = m > 1 ? put_word(o, widen_lanes(first, m), m * w).s : put(o, v[i], w).s;
        s = s == NULL ? t : fmt("%s, %s", t, s);
        pieces++;
        i += m;
    }
    return pieces == 1 ? s : fmt("{%s}", s);
}

/* Values one above the other as one text, the first low; parts of one vector that meet there are one part. */
static const char *stacked(struct out *o, struct expr *const *v, const int *w, int n)
{
    const char *s = NULL;
    struct place last = { .lsb = -1 };
    int pieces = 0;

    for (int i = 0; i <= n; i++) {
        struct expr *e = i < n ? as_copy(v[i], w[i]) : NULL;
        struct place p = { .lsb = -1 };

        if (e != NULL && e->k == E_LEAF && e->lanes < 2 && !(o->wires && e->v->shadow && e->v->mem == NULL))
            p = place_of(o, e);
        if (p.var_lsb != NULL)
            p.lsb = -1;
        if (last.lsb >= 0 && p.lsb == last.lsb + last.w && strcmp(p.base, last.base) == 0) {
            last.w += p.w;
            continue;
        }
        if (last.lsb >= 0) {
            const char *t = last.w == last.bits ? last.base : bits_of(&last, 0, last.w);

            s = s == NULL ? t : fmt("%s, %s", t, s);
            pieces++;
        }
        last = p;
        if (i < n && p.lsb < 0) {
            const char *t = put(o, v[i], w[i]).s;

            s = s == NULL ? t : fmt("%s, %s", t, s);
            pieces++;
        }
    }
    return pieces == 1 ? s : fmt("{%s}", s);
}

/*
 * Verilator 5.006 computes on narrow elements of unpacked arrays as C++ int: ~a[i] >> 4 shifts in ones.
 * (V3Cast casts variables to unsigned, array elements not; other widths are masked, signed elements go
 * through a function.)  So an element that -, *, << or ~ uses in 32 bits is first put into a variable.
 */
static const char *hoist(struct out *o, const char *text, int w)
{
    for (int i = 0; i < o->nhoist; i++)
        if (strcmp(o->hoist[i].text, text) == 0)
            return o->hoist[i].name;
    struct var *v = NULL;

    for (int i = 0; i < o->ntemp && !o->wires; i++) {        /* one that this statement does not use */
        bool used = o->temp[i]->w != w;

        for (int j = 0; j < o->nhoist; j++)
            used |= strcmp(o->hoist[j].name, o->temp[i]->name) == 0;
        if (!used)
            v = o->temp[i];
    }
    if (v == NULL) {
        v = new_var(o->d, V_WIRE, "element", w, false);
        if (!o->wires)
            PUSH(o->temp, o->ntemp, o->captemp, v);
    }
    __typeof__(*o->hoist) h = { v->name, text, w };

    PUSH(o->hoist, o->nhoist, o->caphoist, h);
    return v->name;
}

static bool narrow_element(const struct var *v)
{
    return v->mem != NULL ? v->w == v->mem->word_bits && v->w <= 16
                          : v->w <= 16 && v->n > 1 && !v->packed && (v->varying || v->k == V_TABLE) &&
                                (v->k == V_STATE || v->k == V_LOCAL || v->k == V_TABLE);
}

/* e's low w bits, from bit lo on, extended by its sign. */
static struct text leaf(struct out *o, struct expr *e, int lo, int w)
{
    const struct place p = place_of(o, e);
    const bool s = e->v->s;
    const int have = p.w - lo;
    const bool whole = lo == 0 && p.lsb < 0 && p.var_lsb == NULL;

    if (p.var_lsb != NULL && lo != 0)                        /* shift a varying part instead */
        return narrow(widen(atom(fmt("%s[%s + %d +: %d]", p.base, p.var_lsb, lo, have), 0), have,
                            have > w ? have : w, s), have > w ? have : w, w);
    if (o->arith > 0 && w == 32 && !s && whole && narrow_element(e->v))
        return widen(atom(hoist(o, p.base, p.w), 0), have, w, s);
    if (w < have)
        return atom(bits_of(&p, lo, w), 0);
    return widen(atom(bits_of(&p, lo, have), whole && p.sgn), have, w, s);
}

/* ---- expressions ---- */

static int width_of(const struct expr *e)
{
    return e->lo >= 0 ? bits_unsigned(e->hi) : bits_signed(e->lo, e->hi);
}

static struct text put_bool(struct out *o, struct expr *e)
{
    return put(o, mk_bool(e), 1);
}

static struct text compare(struct out *o, struct expr *e)
{
    static const struct { enum ekind k; const char *op; int prec; } ops[] = {
        { E_EQ, "==", P_EQ }, { E_NE, "!=", P_EQ }, { E_LT, "<", P_REL }, { E_LE, "<=", P_REL },
        { E_GT, ">", P_REL }, { E_GE, ">=", P_REL } };
    struct expr *x = e->a, *y = e->b;
    const i128 lo = x->lo < y->lo ? x->lo : y->lo, hi = x->hi > y->hi ? x->hi : y->hi;
    const bool sgn = lo < 0;
    const int w = sgn ? bits_signed(lo, hi) : bits_unsigned(hi);
    struct text a = put(o, x, w), b = put(o, y, w);
    int i = 0;

    while (ops[i].k != e->k)
        i++;
    if (e->k == E_NE && y->k == E_CONST && y->lo == 0 && w == 1)
        return a;
    if (ops[i].prec == P_REL && sgn) {
        a = x->k == E_CONST ? constant(x->lo, w, 1) : to_signed(a);
        b = y->k == E_CONST ? constant(y->lo, w, 1) : to_signed(b);
    } else if (ops[i].prec == P_REL) {
        a = to_unsigned(a);
        b = to_unsigned(b);
    } else {
        agree(&a, &b, x, y, w);
    }
    struct text t = join(a, b, ops[i].op, ops[i].prec, false);

    t.sgn = 0;
    t.fragile = false;
    return t;
}

static struct text put_inner(struct out *o, struct expr *e, int w);

static struct text put(struct out *o, struct expr *e, int w)
{
    const int arith = o->arith;

    if (e->k == E_NEG || e->k == E_NOT || e->k == E_SUB || e->k == E_MUL || e->k == E_SHL)
        o->arith = 1;
    else if (e->k == E_LNOT || e->k == E_LAND || e->k == E_LOR || (e->k >= E_EQ && e->k <= E_GE))
        o->arith = 0;
    struct text t = put_inner(o, e, w);

    o->arith = arith;
    return t;
}

static struct text put_inner(struct out *o, struct expr *e, int w)
{
    struct text a, b;
    int n;

    if (e->lo >= 0 && e->k != E_CONST && (e->k == E_EQ || e->k == E_NE || e->k == E_LT || e->k == E_LE || e->k == E_GT ||
                                          e->k == E_GE || e->k == E_LAND || e->k == E_LOR || e->k == E_LNOT)) {
        if (e->k == E_LAND || e->k == E_LOR) {
            a = to_unsigned(put(o, e->a, 1));
            b = to_unsigned(put(o, e->b, 1));
            a = join(a, b, e->k == E_LAND ? "&&" : "||", e->k == E_LAND ? P_LAND : P_LOR, true);
        } else if (e->k == E_LNOT) {
            a = (struct text){ fmt("!%s", paren(put(o, e->a, 1), P_UNARY + 1)), P_UNARY, 0, false };
        } else {
            a = compare(o, e);
        }
        return widen(a, 1, w, false);
    }
    switch (e->k) {
    case E_CONST:
        return emit_const(e, w);
    case E_LEAF:
        return leaf(o, e, 0, w);
    case E_CAST:
        if (e->exact || w <= e->w)
            return put(o, e->a, w);
        return widen(put(o, e->a, e->w), e->w, w, e->s);
    case E_COND: {
        struct text c = put_bool(o, e->c);

        a = put(o, e->a, w);
        b = put(o, e->b, w);
        agree(&a, &b, e->a, e->b, w);
        return (struct text){ fmt("%s ? %s : %s", paren(c, P_COND + 1), paren(a, P_COND + 1), paren(b, P_COND)), P_COND,
                              a.sgn == 1 && b.sgn == 1, a.fragile || b.fragile };
    }
    default:
        break;
    }
    if ((e->k == E_ADD || e->k == E_SUB || e->k == E_MUL || e->k == E_NEG || e->k == E_NOT || e->k == E_SHL ) &&
        !e->exact && w > e->w)
        return widen(put(o, e, e->w), e->w, w, e->s);
    switch (e->k) {
    case E_NEG:
    case E_NOT:
        a = put(o, e->a, w);
        return (struct text){ fmt("%s%s", e->k == E_NEG ? "-" : "~", paren(a, P_UNARY + 1)), P_UNARY, a.sgn == 1, a.fragile };
    case E_MUL: {
        const bool neg = e->a->lo < 0 || e->b->lo < 0;

        a = put(o, e->a, w);
        b = put(o, e->b, w);
        if (neg) {                                          /* signed, so that tools see the narrow operands */
            a = e->a->k == E_CONST ? constant(e->a->lo, w, 1) : to_signed(a);
            b = e->b->k == E_CONST ? constant(e->b->lo, w, 1) : to_signed(b);
        } else {
            a = to_unsigned(a);
            b = to_unsigned(b);
        }
        a = join(a, b, "*", P_MUL, false);
        a.fragile = neg;
        return a;
    }
    case E_ADD:
    case E_SUB:
    case E_AND:
    case E_OR:
    case E_XOR: {
        static const struct { enum ekind k; const char *op; int prec; } ops[] = {
            { E_ADD, "+", P_ADD }, { E_SUB, "-", P_ADD }, { E_AND, "&", P_AND }, { E_OR, "|", P_OR }, { E_XOR, "^", P_XOR } };
        int i = 0;

        while (ops[i].k != e->k)
            i++;
        if (e->k == E_AND && e->b->k == E_CONST && (e->b->lo & (((i128)1 << w) - 1)) == ((i128)1 << w) - 1)
            return put(o, e->a, w);                          /* the mask keeps all of these bits */
        a = put(o, e->a, w);
        b = put(o, e->b, w);
        agree(&a, &b, e->a, e->b, w);
        return join(a, b, ops[i].op, ops[i].prec, e->k != E_SUB);
    }
    case E_SHL:
        a = put(o, e->a, w);
        if (e->b->k == E_CONST)
            return (struct text){ fmt("%s << %d", paren(a, P_SHIFT), (int)e->b->lo), P_SHIFT, a.sgn == 1, a.fragile };
        b = put(o, e->b, e->w == 64 ? 6 : 5);
        return (struct text){ fmt("%s << %s", paren(a, P_SHIFT), paren(b, P_SHIFT + 1)), P_SHIFT, a.sgn == 1, a.fragile };
    case E_SHR: {
        struct expr *x = e->a;
        const bool sgn = x->lo < 0;
        const int aw = width_of(x);

        if (e->b->k == E_CONST) {
            const int s = (int)e->b->lo;
            struct expr *l = x;

            while (l->k == E_CAST && l->exact)
                l = l->a;
            if (l->k == E_LEAF && l->v->mem == NULL && s < l->v->w && (l->v->n == 1 || !l->v->varying) && l->v->s == sgn)
                return leaf(o, l, s, w);
            n = s + w < aw ? s + w : aw > w ? aw : w;
            if (n < w)
                n = w;
        } else {
            n = aw > w ? aw : w;
        }
        a = put(o, x, n);
        a = sgn ? to_signed(a) : to_unsigned(a);
        if (e->b->k == E_CONST)
            b = atom(fmt("%d", (int)e->b->lo), 0);
        else
            b = put(o, e->b, e->w == 64 ? 6 : 5);
        a = (struct text){ fmt("%s %s %s", paren(a, P_SHIFT), sgn ? ">>>" : ">>", paren(b, P_SHIFT + 1)), P_SHIFT, sgn, sgn };
        if (n > w)
            return narrow(a.sgn == 1 ? to_unsigned(a) : a, n, w);
        return a;
    }
    case E_DIV:
    case E_MOD: {
        const i128 lo = e->a->lo < e->b->lo ? e->a->lo : e->b->lo, hi = e->a->hi > e->b->hi ? e->a->hi : e->b->hi;
        const bool sgn = lo < 0;

        n = sgn ? bits_signed(lo, hi) + 1 : bits_unsigned(hi);  /* no wider: a divider costs n^2 */
        a = put(o, e->a, n);
        b = put(o, e->b, n);
        if (sgn) {
            a = e->a->k == E_CONST ? constant(e->a->lo, n, 1) : to_signed(a);
            b = e->b->k == E_CONST ? constant(e->b->lo, n, 1) : to_signed(b);
        } else {
            a = to_unsigned(a);
            b = to_unsigned(b);
        }
        a = (struct text){ fmt("%s %s %s", paren(a, P_MUL), e->k == E_DIV ? "/" : "%", paren(b, P_MUL + 1)), P_MUL, sgn, sgn };
        if (!e->exact && w > e->w)
            return widen(narrow(a.sgn == 1 ? to_unsigned(a) : a, n, e->w), e->w, w, e->s);
        return n > w ? narrow(a.sgn == 1 ? to_unsigned(a) : a, n, w) : widen(a, n, w, sgn);
    }
    default:
        abort();
    }
}

/* ---- statements ---- */

static void indent(struct out *o, int n) { fprintf(o->f, "%*s", 4 * n, ""); }

/* "// pe.c:42" where the line differs from the last one shown. */
static void end_line(struct out *o, struct loc at)
{
    const char *base = strrchr(at.file ? at.file : "", '/');

    if (at.file == NULL || (at.line == o->last_line && at.file == o->last_file)) {
        fputc('\n', o->f);
        return;
    }
    o->last_line = at.line;
    o->last_file = at.file;
    fprintf(o->f, "  // %s:%d\n", base ? base + 1 : at.file, at.line);
}

static void flush(struct out *o, int depth)
{
    for (int i = 0; i < o->nhoist; i++) {
        if (o->wires)
            fprintf(o->f, "    wire [%d:0] %s /* verilator public_flat_rd */ = %s;\n", o->hoist[i].w - 1, o->hoist[i].name,
                    o->hoist[i].text);
        else
            fprintf(o->f, "%*s%s = %s;\n", 4 * depth, "", o->hoist[i].name, o->hoist[i].text);
    }
    o->nhoist = 0;
}

static bool nonblocking(const struct var *v)
{
    return v->k == V_OUT || v->nba || (v->mem != NULL && v->mem->nba);
}

static bool live_in(const struct block *b)
{
    for (int i = 0; i < b->n; i++)
        if (b->s[i]->live[0])
            return true;
    return false;
}

static void emit_block(struct out *o, const struct block *b, int depth);

static bool words_in(const struct expr *e)
{
    return e->k == E_LEAF ? as_word(e->v) : e->k == E_COND && (words_in(e->a) || words_in(e->b));
}

static struct expr *lane_value(struct expr *e, int k)
{
    if (e->k != E_COND)
        return lane_of(e, k);
    struct expr *x = arena(sizeof *x);

    *x = *e;
    x->lanes = 0;
    x->a = lane_value(e->a, k);
    x->b = lane_value(e->b, k);
    return x;
}

static void emit_assign(struct out *o, const struct stmt *s, int depth)
{
    if (s->lhs->lanes > 1) {
        if (as_word(s->lhs->v) || words_in(s->rhs)) {
            const char *l = word_text(o, s->lhs), *r = put_word(o, s->rhs, s->lhs->lanes * s->lhs->v->w).s;

            flush(o, depth);
            indent(o, depth);
            fprintf(o->f, "%s %s %s;", l, nonblocking(s->lhs->v) ? "<=" : "=", r);
            end_line(o, s->at);
            return;
        }
        for (int k = 0; k < s->lhs->lanes; k++) {
            struct stmt one = *s;

            one.lhs = lane_of(s->lhs, k);
            one.rhs = lane_value(s->rhs, k);
            emit_assign(o, &one, depth);
        }
        return;
    }
    const struct place p = place_of(o, s->lhs);
    const char *lhs = p.var_lsb != NULL ? fmt("%s[%s +: %d]", p.base, p.var_lsb, p.w) : bits_of(&p, 0, p.w);

    const char *rhs = put(o, s->rhs, s->lhs->v->w).s;

    flush(o, depth);
    indent(o, depth);
    fprintf(o->f, "%s %s %s;", lhs, nonblocking(s->lhs->v) ? "<=" : "=", rhs);
    end_line(o, s->at);
}

struct reads_bundle { const struct bundle *b; bool hit; };

static void find_bundle(struct expr *e, void *ctx)
{
    struct reads_bundle *r = ctx;

    if (e->k == E_LEAF && e->v->bundle == r->b)
        r->hit = true;
}

/* From b->s[i] on: assignments to neighbouring parts of one register as one assignment.  Returns how many statements these are, or 0. */
static int emit_bundle(struct out *o, const struct block *b, int i, int depth)
{
    enum { MOST = 64 };
    struct expr *value[MOST];
    const struct stmt *s = b->s[i];
    struct bundle *to = s->lhs->v->bundle;
    int w[MOST], n = 0, used = 0, bits = 0;

    if (to == NULL || s->lhs->v->k != V_STATE)
        return 0;
    for (int j = i; j < b->n && n < MOST; j++) {
        const struct stmt *t = b->s[j];
        struct reads_bundle r = { to, false };

        if (!t->live[0])
            continue;
        if (t->k != S_ASSIGN || t->lhs->v->bundle != to || t->lhs->v->bundle_lsb != s->lhs->v->bundle_lsb + bits)
            break;
        visit_expr(t->rhs, find_bundle, &r);
        if (n > 0 && r.hit)                                  /* in C, it reads what was just written */
            break;
        value[n] = t->rhs;
        w[n] = t->lhs->v->w;
        bits += w[n++];
        used = j + 1 - i;
    }
    const struct place p = { .base = to->name, .lsb = s->lhs->v->bundle_lsb, .w = bits, .bits = to->w };
    const char *rhs = stacked(o, value, w, n);

    flush(o, depth);
    indent(o, depth);
    fprintf(o->f, "%s %s %s;", bits == to->w ? to->name : bits_of(&p, 0, bits), nonblocking(s->lhs->v) ? "<=" : "=", rhs);
    end_line(o, s->at);
    return used;
}

static void emit_if(struct out *o, const struct stmt *s, int depth)
{
    const bool yes = live_in(&s->a);
    const char *c = yes ? put_bool(o, s->rhs).s : put(o, mk_un(E_LNOT, s->rhs, 1, false, s->at), 1).s;

    flush(o, depth);
    indent(o, depth);
    for (;;) {
        fprintf(o->f, "if (%s) begin", c);
        end_line(o, s->at);
        emit_block(o, live_in(&s->a) ? &s->a : &s->b, depth + 1);
        if (!live_in(&s->a) || !live_in(&s->b))
            break;
        struct stmt *only = NULL;
        int n = 0;

        for (int i = 0; i < s->b.n; i++)
            if (s->b.s[i]->live[0]) {
                only = s->b.s[i];
                n++;
            }
        indent(o, depth);
        if (n == 1 && only->k == S_IF && live_in(&only->a)) {
            c = put_bool(o, only->rhs).s;
            if (o->nhoist == 0) {
                fprintf(o->f, "end else ");
                s = only;
                continue;
            }
            o->nhoist = 0;                                   /* needs statements of its own */
        }
        fprintf(o->f, "end else begin\n");
        emit_block(o, &s->b, depth + 1);
        break;
    }
    indent(o, depth);
    fprintf(o->f, "end\n");
}

static const char *escaped(const char *s)
{
    char *out = arena(2 * strlen(s) + 1), *p = out;

    for (; *s != 0; s++) {
        if (*s == '"' || *s == '\\')
            *p++ = '\\';
        if (*s == '%')
            *p++ = '%';
        *p++ = *s == '\t' ? ' ' : *s;
    }
    return out;
}

static void emit_block(struct out *o, const struct block *b, int depth)
{
    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];

        if (!s->live[0])
            continue;
        switch (s->k) {
        case S_ASSIGN: {
            const int n = emit_bundle(o, b, i, depth);

            if (n == 0)
                emit_assign(o, s, depth);
            else
                i += n - 1;
            break;
        }
        case S_IF:
            emit_if(o, s, depth);
            break;
        case S_CASE: {
            const int w = width_of(s->rhs);

            const char *sel = put(o, s->rhs, w).s;

            flush(o, depth);
            indent(o, depth);
            fprintf(o->f, "case (%s)", sel);
            end_line(o, s->at);
            bool dflt = false;

            for (int j = 0; j < s->narm; j++) {
                const struct arm *a = &s->arm[j];
                int n = 0;

                if (!live_in(&a->body) && !a->is_default && a->nlabel == 0)
                    continue;
                indent(o, depth);
                if (a->is_default) {
                    fprintf(o->f, "default");
                    dflt = true;
                    n++;
                } else {
                    for (int k = 0; k < a->nlabel; k++)
                        if (a->label[k]->lo >= s->rhs->lo && a->label[k]->lo <= s->rhs->hi)
                            fprintf(o->f, "%s%s", n++ ? ", " : "", constant(a->label[k]->lo, w, 0).s);
                    if (n == 0) {
                        fprintf(o->f, "// label out of range\n");
                        continue;
                    }
                }
                fprintf(o->f, ": begin\n");
                emit_block(o, &a->body, depth + 1);
                indent(o, depth);
                fprintf(o->f, "end\n");
            }
            if (!dflt) {
                indent(o, depth);
                fprintf(o->f, "default: ;\n");
            }
            indent(o, depth);
            fprintf(o->f, "endcase\n");
            break;
        }
        case S_ASSERT: {
            const char *base = strrchr(s->at.file, '/');

            const char *cond = put_bool(o, s->rhs).s;

            flush(o, depth);
            fprintf(o->f, "`ifndef SYNTHESIS\n");
            indent(o, depth);
            fprintf(o->f, "assert (%s) else $fatal(1, \"%s:%d: assertion failed: %s\");\n", cond,
                    base ? base + 1 : s->at.file, s->at.line, escaped(s->msg + strspn(s->msg, " \t")));
            fprintf(o->f, "`endif\n");
            break;
        }
        default:
            break;
        }
    }
}

/* ---- declarations ---- */

static const char *range(int w, bool s)
{
    return w == 1 ? s ? " signed [0:0]" : "" : fmt("%s [%d:0]", s ? " signed" : "", w - 1);
}

static void declare_array(struct out *o, const char *kw, const struct var *v, const char *suffix, struct loc at)
{
    if (v->n == 1) {
        fprintf(o->f, "    %s%s %s%s;", kw, range(v->w, v->s), v->name, suffix);
        end_line(o, at);
    } else if (v->packed) {
        int depth = 1;

        for (int k = 0; k < v->tail; k++)
            depth *= v->dim[k];
        if (depth == 1)
            fprintf(o->f, "    %s%s %s%s;", kw, range(v->w * v->n, false), v->name, suffix);
        else
            fprintf(o->f, "    (* mem2reg *) %s%s %s%s [0:%d];", kw, range(v->w * v->n / depth, false), v->name, suffix, depth - 1);
        end_line(o, at);
        for (int i = 0; i < v->n && *suffix == 0 && !v->varying; i++)
            if (!v->ever_written[i])                         /* whatever it held */
                fprintf(o->f, "    initial %s[%d:%d] = %d'd0;\n", v->name, (i + 1) * v->w - 1, i * v->w, v->w);
    } else if (v->varying) {
        fprintf(o->f, "    (* mem2reg *) %s%s %s%s [0:%d];", kw, range(v->w, v->s), v->name, suffix, v->n - 1);
        end_line(o, at);
    } else {
        for (int i = 0; i < v->n; i++) {
            if (v->ever_written[i])
                fprintf(o->f, "    %s%s %s_%d%s;", kw, range(v->w, v->s), v->name, i, suffix);
            else                                             /* never written: whatever it held */
                fprintf(o->f, "    wire%s %s_%d%s = %d'd0;", range(v->w, v->s), v->name, i, suffix, v->w);
            end_line(o, at);
        }
    }
}

static void mark_wires(struct expr *e, void *ctx)
{
    (void)ctx;
    if (e->k == E_LEAF && e->v->k == V_WIRE && !e->v->live[1]) {
        e->v->live[1] = true;
        visit_expr(e->v->def, mark_wires, NULL);
        for (int i = 0; i < e->v->n && e->v->value != NULL; i++)
            visit_expr(e->v->value[i], mark_wires, NULL);
    }
    if (e->k == E_LEAF && e->v->k == V_TABLE)
        e->v->live[0] = true;
    if (e->k == E_LEAF && e->v->k == V_CHILD_OUT)
        e->v->live[0] = true;
}

static void emit_memory(struct out *o, const struct memory *m)
{
    static const char *const style[] = { "", "distributed", "block", "ultra" };
    const char *names[1] = { m->name };
    int idx[MAXDIM] = { 0 };

    (void)names;
    for (int k = 0; k < m->nsplit; k++) {
        const char *name = m->name;

        for (int i = 0; i < m->ndim; i++)
            if (m->split[i])
                name = fmt("%s_%d", name, idx[i]);
        fprintf(o->f, "    (* ram_style = \"%s\" *) reg%s %s [0:%d];", style[m->st], range(m->word_bits, false), name, m->depth - 1);
        end_line(o, m->at);
        for (int i = m->ndim - 1; i >= 0; i--)
            if (m->split[i]) {
                if (++idx[i] < m->dim[i])
                    break;
                idx[i] = 0;
            }
    }
}

static const char *net_name(const struct var *v) { return v->bundle != NULL ? v->bundle->name : v->name; }

/* All parts of v's bundle that are in list, all elements, as one text. */
static const char *bundle_value(struct out *o, struct var *const *list, int nlist, const struct bundle *b, int n)
{
    struct expr **value = arena((size_t)nlist * (size_t)n * sizeof *value);
    int *w = arena((size_t)nlist * (size_t)n * sizeof *w), k = 0;

    for (int e = 0; e < n; e++)
        for (int i = 0; i < nlist; i++)
            if (list[i]->bundle == b) {
                value[k] = list[i]->value[e];
                w[k++] = list[i]->w;
            }
    return stacked(o, value, w, k);
}

static struct var *find_var(const struct design *d, enum vkind k, const char *name)
{
    for (int i = 0; i < d->nvar; i++)
        if (d->var[i]->k == k && strcmp(d->var[i]->name, name) == 0)
            return d->var[i];
    return NULL;
}

/* Is output v a part of a port? */
static bool in_bundle(const struct port *p, int np, const struct var *v)
{
    for (int i = 0; i < np; i++)
        if (p[i].is_out && p[i].bundle != NULL && strcmp(p[i].name, v->name) == 0)
            return true;
    return false;
}

/* What drives the output port whose parts are p[0] and those that follow with the same bundle. */
static const char *out_bundle(struct out *o, const struct port *p, int np)
{
    int parts = 0, k = 0;

    while (parts < np && p[parts].bundle == p->bundle)
        parts++;
    struct expr **value = arena((size_t)(parts * p->n) * sizeof *value);
    int *w = arena((size_t)(parts * p->n) * sizeof *w);

    for (int e = 0; e < p->n; e++)
        for (int i = 0; i < parts; i++, k++) {
            struct var *v = find_var(o->d, V_OUT, p[i].name);
            struct expr *at[MAXDIM];
            int rest = e;

            for (int x = v->ndim - 1; x >= 0; rest /= v->dim[x--])
                at[x] = mk_const(32, false, rest % v->dim[x], v->at);
            value[k] = v->wire_out ? v->value[e] : mk_leaf(v, v->ndim, at, v->at);
            w[k] = v->w;
        }
    return stacked(o, value, w, k);
}

static const char *child_value(struct out *o, const struct var *v)
{
    return elements(o, v->value, v->n, v->w);
}

static bool direct(const struct expr *e)
{
    while (e->k == E_CAST && e->exact)
        e = e->a;
    return e->k == E_CONST || (e->k == E_LEAF && flat_index(e) >= 0);
}

/*
 * The registers in the order of the C struct: what moves together (a struct passed from child to child) lies together, in Verilator's
 * classes too, whose compiler then moves words instead of bytes.
 */
static struct var **registers(const struct design *d, int *n)
{
    struct var **list = arena((size_t)d->nvar * sizeof *list);
    struct map seen = { 0 };
    struct port *p = NULL;
    int np = 0, cap = 0;

    flat_ports(d->state, false, false, &p, &np, &cap);
    for (int i = 0; i <= np; i++)                            /* last: those whose names had to change */
        for (int j = 0; j < d->nvar; j++) {
            struct var *v = d->var[j];

            if (v->k == V_STATE && v->mem == NULL && v->live[0] && map_get(&seen, v->name) == NULL &&
                (i == np || strcmp(v->name, fmt("r_%s", p[i].name)) == 0)) {
                map_set(&seen, v->name, v);
                list[(*n)++] = v;
            }
        }
    return list;
}

/* Registers of one struct that are written in one way are one vector, without those that nothing needs. */
static void bundle_registers(struct design *d)
{
    struct port *p = NULL;
    int np = 0, cap = 0;

    flat_ports(d->state, false, d->aggregate[0], &p, &np, &cap);
    for (int i = 0, end; i < np; i = end) {
        struct var *part[64];
        int n = 0;
        bool alike = true, nba = false, raw = false;

        for (end = i + 1; p[i].bundle != NULL && end < np && p[end].bundle == p[i].bundle;)
            end++;
        for (int j = i; j < end && p[i].bundle != NULL; j++) {
            struct var *v = find_var(d, V_STATE, fmt("r_%s", p[j].name));

            if (v == NULL || v->mem != NULL || !v->live[0])
                continue;
            alike &= v->n == 1 && !v->shadow && !v->use_dsp;
            nba |= v->nba;
            raw |= v->raw;
            part[n++] = v;
        }
        if (n < 2 || !alike || (nba && raw))
            continue;
        p[i].bundle->name = fresh_name(d, fmt("r_%s", p[i].bundle->port));
        p[i].bundle->w = 0;
        for (int j = 0; j < n; j++) {
            part[j]->bundle = p[i].bundle;
            part[j]->bundle_lsb = p[i].bundle->w;
            part[j]->nba = nba;
            p[i].bundle->w += part[j]->w;
        }
    }
}

static const struct module_ports *module_ports(const struct options *opt, const char *module)
{
    static const struct module_ports none;
    const struct module_ports *m = map_get(&opt->module, module);

    return m != NULL ? m : &none;
}

/* A child's ports: what drives them, and the wires that it drives, are one vector where the port is. */
static void bundle_child(struct design *d, struct instance *in, const struct options *opt)
{
    const struct module_ports *m = module_ports(opt, in->module);
    struct port *p = NULL;
    int np = 0, cap = 0;

    flat_ports(in->in, false, m->aggregate_in, &p, &np, &cap);
    flat_ports(in->out, true, m->aggregate_out, &p, &np, &cap);
    for (int i = 0; i < np; i++) {
        struct var **list = p[i].is_out ? in->outv : in->inv;
        const int n = p[i].is_out ? in->noutv : in->ninv;

        for (int j = 0; j < n && p[i].bundle != NULL; j++)
            if (strcmp(list[j]->port, p[i].name) == 0) {
                list[j]->bundle = p[i].bundle;
                list[j]->bundle_lsb = p[i].lsb;
            }
        if (p[i].bundle != NULL && p[i].is_out && p[i].lsb == 0)
            p[i].bundle->name = fresh_name(d, fmt("r_%s_%s", in->name, p[i].bundle->port));
    }
}

static void bundle_all(struct design *d, const struct options *opt)
{
    struct port *p = NULL;
    int np = 0, cap = 0;

    flat_ports(d->in, false, d->aggregate[1], &p, &np, &cap);
    for (int i = 0; i < np; i++) {
        struct var *v = find_var(d, V_IN, p[i].name);

        if (v != NULL && p[i].bundle != NULL) {
            v->bundle = p[i].bundle;
            v->bundle_lsb = p[i].lsb;
        }
    }
    if (d->aggregate[0])
        bundle_registers(d);
    for (int i = 0; i < d->ninst; i++)
        bundle_child(d, d->inst[i], opt);
}

/* "valid[0] addr[5:1]" */
static const char *parts_of(const struct design *d, const struct bundle *b)
{
    const char *s = "";

    for (int lsb = 0; lsb < b->w;) {
        int i = 0;

        while (d->var[i]->k != V_STATE || d->var[i]->bundle != b || d->var[i]->bundle_lsb != lsb)
            i++;
        const struct var *v = d->var[i];
        const struct place p = { .base = v->name + strlen("r_") + strlen(b->port) + 1, .lsb = lsb, .w = v->w, .bits = b->w };

        s = fmt("%s%s%s", s, *s ? " " : "", bits_of(&p, 0, v->w));
        lsb += v->w;
    }
    return s;
}

/* Locals by name that are first written under a condition; `seen` are all. */
static void conditional_locals(const struct block *b, bool condition, struct map *seen, struct map *conditional)
{
    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];

        if (!s->live[0])
            continue;
        if (s->k == S_ASSIGN && s->lhs->v->k == V_LOCAL) {
            if (condition && (s->lhs->v->n > 1 || map_get(seen, s->lhs->v->name) == NULL))
                map_set(conditional, s->lhs->v->name, s->lhs->v);
            map_set(seen, s->lhs->v->name, s->lhs->v);
        }
        conditional_locals(&s->a, true, seen, conditional);
        conditional_locals(&s->b, true, seen, conditional);
        for (int j = 0; j < s->narm; j++)
            conditional_locals(&s->arm[j].body, true, seen, conditional);
    }
}

/*
 * No local is read before it is written, but where that is under a condition, Verilator keeps it from clock to clock, in memory.
 * A value at the start makes it a variable of the function, and costs nothing.
 */
static void emit_first_values(struct out *o, const struct block *b, int depth)
{
    struct map seen = { 0 }, conditional = { 0 };

    conditional_locals(b, false, &seen, &conditional);
    for (int i = 0; i < o->ntemp; i++) {
        indent(o, depth);
        fprintf(o->f, "%s = %d'd0;\n", o->temp[i]->name, o->temp[i]->w);
    }
    for (int i = 0; i < o->d->nvar; i++) {
        const struct var *v = o->d->var[i];

        if (v->k != V_LOCAL || !v->live[0] || v->as_wire != NULL || map_get(&conditional, v->name) != v || v->varying)
            continue;
        if (v->n == 1 || v->packed) {
            indent(o, depth);
            fprintf(o->f, "%s = %d'd0;\n", v->name, v->w * v->n);
        }
        for (int j = 0; j < v->n && v->n > 1 && !v->packed; j++)
            if (v->ever_written[j]) {
                indent(o, depth);
                fprintf(o->f, "%s_%d = %d'd0;\n", v->name, j, v->w);
            }
    }
}

void emit(struct design *d, const struct options *opt)
{
    const char *path = fmt("%s/%s.v", opt->outdir, d->name);
    struct out o = { .f = fopen(path, "w"), .d = d };
    struct port *p = NULL;
    int np = 0, cap = 0;
    /* Only wires: dissolved, so that its children's ports meet without words packed and unpacked between. */
    const bool many = map_get(&opt->replicated, d->name) != NULL && (d->ninst == 0 || live_in(&d->body));

    if (o.f == NULL) {
        fprintf(stderr, "hlsc: cannot write %s\n", path);
        diag_free();
        exit(1);
    }
    for (int i = 0; i < d->nvar; i++) {
        struct var *v = d->var[i];

        if (v->as_wire != NULL) {
            v->as_wire->live[1] = true;
            visit_expr(v->as_wire->def, mark_wires, NULL);
        }
        if ((v->k == V_CHILD_IN || v->wire_out) && v->value != NULL)
            for (int j = 0; j < v->n; j++)
                if (v->value[j] != NULL)
                    visit_expr(v->value[j], mark_wires, NULL);
    }
    bundle_all(d, opt);
    const char *base = strrchr(d->u->file, '/');

    fprintf(o.f, "// %s.v - made by hlsc from %s; do not edit.\n// Blocking assignments keep C's order, and only the block that makes them reads their results:\n/* verilator lint_off BLKSEQ */\n// C decides which bits of a value matter:\n/* verilator lint_off UNUSEDSIGNAL */\n// Names are C's, of fields that may be called like a module or like a word of C++:\n/* verilator lint_off VARHIDDEN */\n/* verilator lint_off SYMRSVDWORD */\n`default_nettype none\n\nmodule %s (\n    input  wire %s", d->name,
            base ? base + 1 : d->u->file, d->name, d->clock);
    flat_ports(d->in, false, d->aggregate[1], &p, &np, &cap);
    flat_ports(d->out, true, d->aggregate[2], &p, &np, &cap);
    for (int i = 0; i < np; i++) {
        const struct var *v = find_var(d, V_OUT, p[i].name);
        const bool wire = p[i].bundle != NULL || (v != NULL && v->wire_out);

        if (!first_of_port(&p[i]))
            continue;
        fprintf(o.f, ",\n    %s%s %s%s", p[i].is_out ? wire ? "output wire" : "output reg " : "input  wire",
                range(port_bits(&p[i]), p[i].bundle == NULL && p[i].s && p[i].n == 1), port_name(&p[i]),
                many && !p[i].is_out ? " /* verilator public_flat_rd */" : "");
    }
    fprintf(o.f, "\n);%s\n", many ? " /* verilator no_inline_module */" : "");

    /* registers and memories */
    int any = 0;

    for (int i = 0; i < d->nmem; i++) {
        if (!d->mem[i]->seen_read)
            continue;
        if (any++ == 0)
            fprintf(o.f, "\n    // struct %s\n", d->name);
        emit_memory(&o, d->mem[i]);
    }
    int nreg = 0;
    struct var **reg = registers(d, &nreg);

    for (int i = 0; i < nreg; i++) {
        const struct var *v = reg[i];

        if (any++ == 0)
            fprintf(o.f, "\n    // struct %s\n", d->name);
        if (v->bundle != NULL) {
            if (v->bundle_lsb == 0)
                fprintf(o.f, "    reg%s %s;  // %s\n", range(v->bundle->w, false), v->bundle->name, parts_of(d, v->bundle));
            continue;
        }
        declare_array(&o, v->use_dsp ? "(* use_dsp = \"yes\" *) reg" : "reg", v, "", v->at);
        if (v->shadow)
            declare_array(&o, "reg", v, "_q", v->at);
    }
    for (int i = 0; i < np; i++) {                           /* outputs that are registers and parts of a port */
        const struct var *v = p[i].bundle != NULL ? find_var(d, V_OUT, p[i].name) : NULL;

        if (v != NULL && !v->wire_out)
            fprintf(o.f, "    reg%s %s;\n", range(v->w * v->n, v->s && v->n == 1), v->name);
    }
    any = 0;
    for (int i = 0; i < d->nvar; i++) {
        const struct var *v = d->var[i];

        if (v->k != V_LOCAL || !v->live[0] || v->as_wire != NULL)
            continue;
        if (any++ == 0)
            fprintf(o.f, "\n    // locals\n");
        declare_array(&o, v->use_dsp ? "(* use_dsp = \"yes\" *) reg" : "reg", v, "", v->at);
    }
    any = 0;
    for (int i = 0; i < d->nvar; i++) {
        const struct var *v = d->var[i];

        if (v->k != V_TABLE || v->reads == 0)
            continue;
        if (any++ == 0)
            fprintf(o.f, "\n    // tables\n");
        fprintf(o.f, "    reg%s %s [0:%d];\n    initial begin\n", range(v->w, v->s), v->name, v->n - 1);
        for (int j = 0; j < v->n; j++)
            fprintf(o.f, "        %s[%d] = %s;\n", v->name, j, constant(v->init[j]->lo, v->w, v->s ? 1 : 0).s);
        fprintf(o.f, "    end\n");
    }

    /* children */
    o.wires = true;
    for (int i = 0; i < d->ninst; i++) {
        const struct instance *in = d->inst[i];

        for (int j = 0; j < in->noutv; j++) {
            const struct var *v = in->outv[j];

            if (v->bundle != NULL && v->bundle_lsb != 0)
                continue;
            fprintf(o.f, "%s    wire%s %s;", i == 0 && j == 0 ? "\n    // outputs of children\n" : "",
                    v->bundle != NULL ? range(v->bundle->w * v->n, false) : range(v->w * v->n, v->s && v->n == 1), net_name(v));
            end_line(&o, in->at);
        }
    }
    any = 0;
    for (int i = 0; i < d->nvar; i++) {
        const struct var *v = d->var[i];

        if (v->k != V_WIRE || !v->live[1])
            continue;
        if (any++ == 0)
            fprintf(o.f, "\n");
        const char *def = v->n == 1 ? put(&o, v->def, v->w).s : v->def != NULL ? put_word(&o, v->def, v->n * v->w).s
                                                                       : elements(&o, v->value, v->n, v->w);

        flush(&o, 1);
        fprintf(o.f, "    wire%s %s = %s;", range(v->w * v->n, v->s && v->n == 1), v->name, def);
        end_line(&o, v->at);
    }
    for (int i = 0; i < d->ninst; i++) {
        const struct instance *in = d->inst[i];
        const char *name = fresh_name(d, in->name);

        fprintf(o.f, "\n");
        for (int j = 0; j < in->ninv; j++) {
            struct var *v = in->inv[j];
            bool plain = true;

            if (v->bundle != NULL)
                continue;
            for (int k = 0; k < v->n; k++)
                plain &= direct(v->value[k]);
            if (!plain) {
                v->name = fresh_name(d, v->name);
                const char *value = child_value(&o, v);

                flush(&o, 1);
                fprintf(o.f, "    wire%s %s = %s;", range(v->w * v->n, false), v->name, value);
                end_line(&o, v->value[0]->at);
            } else {
                v->name = child_value(&o, v);
            }
        }
        for (int j = 0; j < in->ninv; j++) {
            const struct var *v = in->inv[j];

            if (v->bundle == NULL || v->bundle_lsb != 0)
                continue;
            v->bundle->name = bundle_value(&o, in->inv, in->ninv, v->bundle, v->n);
            flush(&o, 1);
        }
        fprintf(o.f, "    %s %s (", in->module, name);
        end_line(&o, in->at);
        fprintf(o.f, "        .ap_clk(%s)", d->clock);
        for (int j = 0; j < in->ninv + in->noutv; j++) {
            const struct var *v = j < in->ninv ? in->inv[j] : in->outv[j - in->ninv];

            if (v->bundle == NULL || v->bundle_lsb == 0)
                fprintf(o.f, ",\n        .%s(%s)", v->bundle != NULL ? v->bundle->port : v->port, net_name(v));
        }
        fprintf(o.f, "\n    );\n");
    }
    any = 0;
    for (int i = 0; i < d->nvar; i++) {
        const struct var *v = d->var[i];

        if (!v->wire_out || in_bundle(p, np, v))
            continue;
        if (any++ == 0)
            fprintf(o.f, "\n");
        const char *value = child_value(&o, v);

        flush(&o, 1);
        fprintf(o.f, "    assign %s = %s;\n", v->name, value);
    }
    for (int i = 0; i < np; i++) {
        if (!p[i].is_out || p[i].bundle == NULL || p[i].lsb != 0)
            continue;
        const char *value = out_bundle(&o, p + i, np - i);

        fprintf(o.f, "%s    assign %s = %s;\n", any++ == 0 ? "\n" : "", port_name(&p[i]), value);
    }
    o.wires = false;

    if (live_in(&d->body)) {
        FILE *file = o.f;
        char *text = NULL;
        size_t size = 0;

        o.f = open_memstream(&text, &size);
        emit_block(&o, &d->body, 2);
        fclose(o.f);
        o.f = file;
        fputc('\n', o.f);
        for (int i = 0; i < o.ntemp; i++)
            fprintf(o.f, "    reg%s %s;\n", range(o.temp[i]->w, false), o.temp[i]->name);
        fprintf(o.f, "    always @(posedge %s) begin\n", d->clock);
        emit_first_values(&o, &d->body, 2);
        fputs(text, o.f);
        free(text);
        for (int i = 0; i < d->nvar; i++) {
            const struct var *v = d->var[i];

            if (v->k != V_STATE || !v->shadow || v->mem != NULL)
                continue;
            int depth = v->n;

            if (v->packed) {
                depth = 1;
                for (int k = 0; k < v->tail; k++)
                    depth *= v->dim[k];
            }
            for (int j = 0; j < depth; j++) {
                if (!v->varying && !v->packed && !v->ever_written[j])
                    continue;
                if (v->packed && depth == 1) {
                    fprintf(o.f, "        %s_q <= %s;\n", v->name, v->name);
                    continue;
                }
                if (v->n == 1)
                    fprintf(o.f, "        %s_q <= %s;\n", v->name, v->name);
                else if (v->varying)
                    fprintf(o.f, "        %s_q[%d] <= %s[%d];\n", v->name, j, v->name, j);
                else
                    fprintf(o.f, "        %s_%d_q <= %s_%d;\n", v->name, j, v->name, j);
            }
        }
        fprintf(o.f, "    end\n");
    }
    fprintf(o.f, "endmodule\n\n`default_nettype wire\n/* verilator lint_on BLKSEQ */\n/* verilator lint_on UNUSEDSIGNAL */\n"
                 "/* verilator lint_on VARHIDDEN */\n/* verilator lint_on SYMRSVDWORD */\n");
    fclose(o.f);
}
