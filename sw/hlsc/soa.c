/*
 * soa.c - the whole design as one C function over structures of arrays: what `emu` runs.
 *
 * All instances of a module are clocked together.  A register of a module with T instances is an array of T,
 * so that the C compiler's loops over instances become vector code; wires between modules are
 * copies of runs, or nothing at all where a port shows another module's array as it is (a view).
 * What is computed is what emit.c writes as Verilog, in the same order, from the same flat program:
 *
 *   1. inputs of the children, from registers and children's outputs before the edge
 *   2. the clocked block
 *   3. the children
 *   4. outputs that are wires, from registers and children's outputs after the edge
 *
 * Two styles for 2: `if` as C has it, for one or few instances or many memory writes; else every statement
 * a select under a predicate, memory accesses in loops of their own, and what is much skipped while no instance needs it.
 * A module of which there is one runs in C's order altogether: its wires would compute what no `if` asks for.  Values never leave
 * their width: a 5-bit register in a uint8_t holds 0 to 31, so a comparison needs no mask.
 *
 * An index that no `if` guards any more is kept inside its array; C says that it is, where it matters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hlsc.h"

enum {
    SELECT_MIN = 8,                /* instances, from which on a module is written in the select style */
    SELECT_MEMORY_MAX = 12,        /* memory writes, to which                                         */
    SKIP_MIN = 8,                  /* statements of an `if` that may be skipped as a whole            */
    BRANCH_MIN = 32,               /* statements of an `if` in which few instances branch faster      */
    BRANCH_MAX = 32,               /* than all of them select: at most so many                        */
    BIT_TESTS_MIN = 4              /* `if`s that test bits of one word, from which on one tests the word first */
};

struct net {                       /* a port of all instances: element e of instance i at [i * n + e] */
    const char *name, *text;
    int n, w; bool s;
};
struct kid { struct mod *m; struct instance **inst; int n, cap; };         /* children of one kind */
struct mod {                       /* a module under one kind of parent                       */
    struct design *d;
    const char *name;              /* the module's; numbered where it has parents of several kinds */
    int total;                     /* instances in the design                                   */
    bool in_order, select;
    struct map port;               /* name -> struct net; outputs start with '>'                */
    struct kid *kid; int nkid, capkid;
};

/* A statement of the select style (`whole`: for all instances, no loop around it), and where its local values live. */
struct op { const char *text, *guard; bool memory, whole; };
struct local { const char *name, *type; int n; int segment; bool crosses; };

struct soa {
    FILE *f;
    struct mod **mod; int nmod, capmod;
    struct mod *m;                 /* the one being written                                     */
    bool select, memory;           /* style; did the expression read a memory?                  */
    bool branch;                   /* within the select style: an `if` that is written as one   */
    int depth, names;
    const char *guard;             /* predicate of an `if` that is skipped as a whole, or NULL  */
    const char *any;               /* does any instance's guard hold?                           */
    struct { const struct var *word; const char *index, *guard, *to; int op; } read;   /* the last memory read in the select style */
    int calls;                     /* children clocked so far, in C's order                     */
    struct op *op; int nop, capop;
    struct local *local; int nlocal, caplocal;
    struct { const char *flag, *why; } *fail; int nfail, capfail;   /* assertions of the select style */
};

/* ---- types ---- */

/* Of a value that is computed with. */
static const char *base_type(int w, bool s) { return w <= 32 ? s ? "int32_t" : "uint32_t" : s ? "int64_t" : "uint64_t"; }

/* Of one that is kept. */
static int kept_bits(int w) { return w <= 8 ? 8 : w <= 16 ? 16 : w <= 32 ? 32 : 64; }

static const char *kept_type(int w, bool s) { return fmt("%sint%d_t", s ? "" : "u", kept_bits(w)); }

/* Text of type (w, s) with bits beyond w dropped and the sign extended. */
static const char *wrapped(const char *t, int w, bool s)
{
    const int bits = w <= 32 ? 32 : 64;

    if (w == bits)
        return fmt("(%s)(%s)", base_type(w, s), t);
    if (!s)
        return fmt("((%s)(%s) & 0x%llx)", base_type(w, s), t, (unsigned long long)(((uint64_t)1 << w) - 1));
    if (w == 8 || w == 16)
        return fmt("(int32_t)(int%d_t)(%s)", w, t);
    return fmt("((%s)((%s)(%s) << %d) >> %d)", base_type(w, true), base_type(w, false), t, bits - w, bits - w);
}

static const char *constant(i128 v, int w, bool s)
{
    if (w <= 32)
        return s ? fmt(v == -2147483648LL ? "(int32_t)0x80000000" : v < 0 ? "(%lld)" : "%lld", (long long)v)
                 : fmt("%lluu", (unsigned long long)v);
    return fmt("(%s)0x%llxu", base_type(w, s), (unsigned long long)(uint64_t)v);
}

/* ---- places ---- */

static struct net *net_of(struct mod *m, bool out, const char *port)
{
    return map_get(&m->port, out ? fmt(">%s", port) : port);
}

static struct kid *kid_of(const struct mod *m, const struct instance *inst, int *c)
{
    for (int k = 0; k < m->nkid; k++)
        for (int i = 0; i < m->kid[k].n; i++)
            if (m->kid[k].inst[i] == inst) {
                *c = i;
                return &m->kid[k];
            }
    abort();
}

static const char *put(struct soa *o, struct expr *e);

/* A row-major index as an int expression that is inside [0, n). */
static const char *index_of(struct soa *o, struct expr *const *idx, const int *dim, int nidx, int n)
{
    const char *t = NULL;
    bool inside = true;
    long known = 0;
    bool constant_index = true;

    for (int i = 0; i < nidx; i++) {
        inside = inside && idx[i]->lo >= 0 && idx[i]->hi < dim[i];
        if (idx[i]->k == E_CONST) {
            known = known * dim[i] + (long)idx[i]->lo;
            t = t == NULL ? fmt("%d", (int)idx[i]->lo) : fmt("(%s) * %d + %d", t, dim[i], (int)idx[i]->lo);
        } else {
            const char *x = fmt("(int32_t)(%s)", put(o, idx[i]));

            constant_index = false;
            t = t == NULL ? x : fmt("(%s) * %d + %s", t, dim[i], x);
        }
    }
    if (t == NULL)
        return "0";
    if (constant_index)
        return fmt("%ld", known);
    if (inside)
        return t;
    return (n & (n - 1)) == 0 ? fmt("((%s) & %d)", t, n - 1) : fmt("rs_inside(%s, %d)", t, n);
}

/* All elements of an instance, then those of the next; otherwise all instances' first elements, then the second ones. */
static bool in_rows(const struct mod *m, const struct var *v)
{
    return m->total == 1 || v->mem != NULL || v->varying || (!m->select && v->n > 1);
}

/* Elements of a register's array for one instance. */
static int elements(const struct var *v) { return v->mem != NULL ? v->n * v->word->nleaf : v->n; }

static struct local *local_of(struct soa *o, const char *name)
{
    for (int i = 0; i < o->nlocal; i++)
        if (strcmp(o->local[i].name, name) == 0)
            return &o->local[i];
    return NULL;
}

static void declare(struct soa *o, const char *name, const char *type, int n)
{
    struct local l = { .name = name, .type = type, .n = n, .segment = -1 };

    PUSH(o->local, o->nlocal, o->caplocal, l);
}

/* Names of locals stand between these marks until it is known where they live. */
static const char *mark(struct soa *o, const char *name) { return o->select ? fmt("\1%s\2", name) : name; }

/* The word of a memory that a leaf reads or writes; where all instances are clocked together, all first words, then all second ones. */
static const char *word_index(struct soa *o, const struct expr *e)
{
    const char *i = index_of(o, e->idx, e->v->dim, e->nidx, e->v->n);

    return o->m->select ? fmt("(%s) * %d + j", i, o->m->total) : i;
}

static void need_wire(struct soa *o, struct var *w);

/* The wire that has a local's value; in C's order locals are assigned as they stand. */
static struct var *wire_of(const struct soa *o, const struct var *v) { return o->m->in_order ? NULL : v->as_wire; }

static const char *place(struct soa *o, const struct expr *e)
{
    struct var *v = e->v;
    struct mod *m = o->m;
    int c;

    if (wire_of(o, v) != NULL)
        v = wire_of(o, v);
    switch (v->k) {
    case V_IN:
    case V_OUT: {
        const struct net *p = net_of(m, v->k == V_OUT, v->name);
        const char *i = index_of(o, e->idx, v->dim, e->nidx, v->n);

        return fmt("%s[%s]", p->text, m->total == 1 ? i : p->n == 1 ? "j" : fmt("j * %d + %s", p->n, i));
    }
    case V_CHILD_OUT: {
        const struct kid *k = kid_of(m, v->inst, &c);
        const struct net *p = net_of(k->m, true, v->port);
        const char *i = index_of(o, e->idx, v->dim, e->nidx, v->n);

        if (m->total == 1)
            return fmt("%s[%d + %s]", p->text, c * p->n, i);
        return fmt("%s[(j * %d + %d) * %d + %s]", p->text, k->n, c, p->n, i);
    }
    case V_CHILD_IN: {
        const struct kid *k = kid_of(m, v->inst, &c);
        const struct net *p = net_of(k->m, false, v->port);

        return fmt("%s[%d + %s]", p->text, c * p->n, index_of(o, e->idx, v->dim, e->nidx, v->n));
    }
    case V_STATE: {
        const char *i = v->mem != NULL ? word_index(o, e) : index_of(o, e->idx, v->dim, e->nidx, v->n);

        if (v->mem != NULL) {
            o->memory = true;
            if (v->word->nleaf > 1)
                i = fmt("(%s) * %d + %d", i, v->word->nleaf, v->leaf);
            v = v->word;
            if (m->select)
                return fmt("s->%s_%s[%s]", m->name, v->name, i);
        }
        if (m->total == 1)
            return fmt("s->%s_%s[%s]", m->name, v->name, i);
        if (in_rows(m, v))
            return fmt("s->%s_%s[j * %d + %s]", m->name, v->name, elements(v), i);
        return fmt("s->%s_%s[%s][j]", m->name, v->name, i);
    }
    case V_TABLE:
        return fmt("%s_%s[%s]", m->name, v->name, index_of(o, e->idx, v->dim, e->nidx, v->n));
    case V_WIRE:
        need_wire(o, v);
        /* fall through */
    default: {
        const char *name = mark(o, v->name);

        if (local_of(o, v->name) == NULL)
            declare(o, v->name, v->n == 1 ? base_type(v->w, v->s) : kept_type(v->w, v->s), v->n);
        return v->n == 1 ? name : fmt("%s[%s]", name, index_of(o, e->idx, v->dim, e->nidx, v->n));
    }
    }
}

/* ---- lines of a module's function ---- */

static bool selects(const struct soa *o) { return o->select && !o->branch; }

static void line(struct soa *o, const char *text)
{
    if (!o->select) {
        fprintf(o->f, "%*s%s\n", 4 * o->depth, "", text);
        return;
    }
    struct op p = { text, o->guard, o->memory && !o->branch, false };

    PUSH(o->op, o->nop, o->capop, p);
    o->memory = false;
}

static const char *temporary(struct soa *o, const char *what, const char *type)
{
    const char *name = fmt("%s_%d", what, o->names++);

    declare(o, name, type, 1);
    return name;
}

/* Is a leaf read for all instances at once?  Vector registers have instructions for it, which compilers do not find. */
static bool is_gathered(const struct soa *o, const struct var *v) { return selects(o) && v->k == V_STATE && v->mem != NULL && v->w <= 32; }

/* Does the last read hold the same word still: does nothing since assign what its index is made of? */
static bool read_holds(const struct soa *o, const struct var *word, const char *index)
{
    if (o->read.word != word || strcmp(o->read.index, index) != 0 || o->read.guard != o->guard)
        return false;
    for (int i = o->read.op; i < o->nop; i++) {
        const char *text = o->op[i].text, *end = strstr(text, " = ");

        if (end == NULL || strncmp(text, "if ", 3) == 0 || strstr(index, fmt("%.*s", (int)(end - text), text)) != NULL)
            return false;
    }
    return true;
}

/* A memory's leaf for each instance; two leaves of a word that fit 32 bits are read as one. */
static const char *gathered(struct soa *o, const struct expr *e)
{
    const struct var *word = e->v->word;
    const int bits = kept_bits(e->v->w), total = o->m->total;
    const char *index = word_index(o, e), *type = kept_type(e->v->w, e->v->s);
    const bool pair = word->nleaf == 2 && bits <= 16;

    if (!pair || !read_holds(o, word, index)) {
        const char *at = mark(o, temporary(o, "at", "int32_t")), *to = temporary(o, "word", type), *high = "";
        struct op p = { NULL, o->guard, false, true };

        line(o, word->nleaf > 1 && !pair ? fmt("%s = (%s) * %d + %d;", at, index, word->nleaf, e->v->leaf) : fmt("%s = %s;", at, index));
        if (pair) {
            declare(o, fmt("%s_1", to), type, 1);
            high = fmt("%s, ", mark(o, fmt("%s_1", to)));
        }
        p.text = fmt("rs_gather_%d%s(%s, %ss->%s_%s, %s, %d);", bits, pair ? "x2" : "", mark(o, to), high, o->m->name, word->name, at, total);
        PUSH(o->op, o->nop, o->capop, p);
        o->read.word = word;
        o->read.index = index;
        o->read.guard = o->guard;
        o->read.to = to;
        o->read.op = o->nop;
    }
    return mark(o, pair && e->v->leaf == 1 ? fmt("%s_1", o->read.to) : o->read.to);
}

/* ---- expressions: each text has the base type of its expression ---- */

static const char *as(struct soa *o, struct expr *e, int w, bool s)
{
    return fmt("(%s)%s", base_type(w, s), put(o, e));
}

static const char *compare(struct soa *o, struct expr *e, const char *op)
{
    const i128 lo = e->a->lo < e->b->lo ? e->a->lo : e->b->lo, hi = e->a->hi > e->b->hi ? e->a->hi : e->b->hi;
    const bool s = lo < 0 || hi < 0x80000000LL;
    const int w = s ? bits_signed(lo, hi) : bits_unsigned(hi);

    return fmt("(%s %s %s)", as(o, e->a, w, s), op, as(o, e->b, w, s));
}

static bool is_zero(const struct expr *e) { return e->k == E_CONST && e->lo == 0; }

/* One of the choices is 0: gcc makes branches of nested ones, and then no vectors. */
static const char *masked(struct soa *o, struct expr *e)
{
    struct expr *c = mk_bool(e->c), *x = is_zero(e->a) ? e->b : e->a;
    const char *when = is_zero(e->a) ? fmt("(%s ^ 1u)", put(o, c)) : put(o, c), *type = base_type(e->w, e->s);

    return x->k == E_CONST && x->lo == 1 ? fmt("(%s)%s", type, when) : fmt("(%s & -(%s)%s)", as(o, x, e->w, e->s), type, when);
}

static const char *put(struct soa *o, struct expr *e)
{
    static const char *const op[] = {
        [E_ADD] = "+", [E_SUB] = "-", [E_MUL] = "*", [E_DIV] = "/", [E_MOD] = "%", [E_AND] = "&", [E_OR] = "|", [E_XOR] = "^",
        [E_EQ] = "==", [E_NE] = "!=", [E_LT] = "<", [E_LE] = "<=", [E_GT] = ">", [E_GE] = ">=" };
    const char *t;

    switch (e->k) {
    case E_CONST:
        return constant(e->lo, e->w, e->s);
    case E_LEAF:
        return fmt("(%s)%s", base_type(e->v->w, e->v->s), is_gathered(o, e->v) ? gathered(o, e) : place(o, e));
    case E_CAST:
        return e->exact ? fmt("(%s)%s", base_type(e->w, e->s), put(o, e->a)) : wrapped(put(o, e->a), e->w, e->s);
    case E_COND:
        if (selects(o) && (is_zero(e->a) || is_zero(e->b)))
            return masked(o, e);
        return fmt("(%s ? %s : %s)", put(o, mk_bool(e->c)), as(o, e->a, e->w, e->s), as(o, e->b, e->w, e->s));
    case E_LNOT:
        return fmt("(%s ^ 1u)", put(o, mk_bool(e->a)));
    case E_LAND:
    case E_LOR:
        return fmt("(%s %s %s)", put(o, mk_bool(e->a)), e->k == E_LAND ? "&" : "|", put(o, mk_bool(e->b)));
    case E_EQ: case E_NE: case E_LT: case E_LE: case E_GT: case E_GE:
        return fmt("(uint32_t)%s", compare(o, e, op[e->k]));
    case E_NEG:
        t = fmt("-%s", as(o, e->a, e->w, e->s));
        break;
    case E_NOT:
        t = fmt("~%s", as(o, e->a, e->w, e->s));
        break;
    case E_SHL:
        t = fmt("%s << (%s)", as(o, e->a, e->w, e->s), put(o, e->b));
        break;
    case E_SHR: {
        const int w = e->w > e->a->w ? e->w : e->a->w;

        t = fmt("%s >> (%s)", as(o, e->a, w, e->a->lo < 0), put(o, e->b));
        break;
    }
    case E_DIV:
    case E_MOD: {
        const i128 lo = e->a->lo < e->b->lo ? e->a->lo : e->b->lo;

        t = fmt("%s %s %s", as(o, e->a, 64, lo < 0), op[e->k], as(o, e->b, 64, lo < 0));
        break;
    }
    default:
        t = fmt("%s %s %s", as(o, e->a, e->w, e->s), op[e->k], as(o, e->b, e->w, e->s));
        break;
    }
    if (e->exact || e->w == 32 || e->w == 64 || e->k == E_AND || e->k == E_OR || e->k == E_XOR)
        return fmt("(%s)(%s)", base_type(e->w, e->s), t);
    return wrapped(t, e->w, e->s);
}

/* Element k of a vector expression; a run over a memory's word may cross the fields of a struct. */
static struct expr *lane_at(struct soa *o, struct expr *e, int k)
{
    struct expr *x = arena(sizeof *x);

    if (e->k == E_COND) {
        *x = *e;
        x->lanes = 0;
        x->a = lane_at(o, e->a, k);
        x->b = lane_at(o, e->b, k);
        return x;
    }
    if (e->k != E_LEAF || e->v->mem == NULL)
        return lane_of(e, k);
    const struct memory *m = e->v->mem;
    int64_t at = 0;

    *x = *e;
    x->lanes = 0;
    for (int i = m->last + 1; i < m->ndim; i++)
        if (!m->split[i])
            at = at * m->dim[i] + (int64_t)e->idx[i]->lo;
    at = at * m->elem_bits + e->v->lsb + (int64_t)k * e->v->w;
    for (int i = 0; i < o->m->d->nvar; i++) {
        struct var *v = o->m->d->var[i];

        if (v->mem == m && v->lsb == at % m->elem_bits && v->w == e->v->w)
            x->v = v;
    }
    at /= m->elem_bits;
    for (int i = m->ndim - 1; i > m->last; i--)
        if (!m->split[i]) {
            x->idx[i] = mk_const(32, true, at % m->dim[i], e->at);
            at /= m->dim[i];
        }
    return x;
}

/* ---- statements ---- */

static void need_wire(struct soa *o, struct var *w)
{
    if (local_of(o, w->name) != NULL)
        return;
    const bool memory = o->memory;
    const char **text = arena(sizeof *text * (size_t)w->n);

    declare(o, w->name, w->n == 1 ? base_type(w->w, w->s) : kept_type(w->w, w->s), w->n);
    o->memory = false;
    for (int k = 0; k < w->n; k++) {
        struct expr *e = w->n == 1 ? w->def : w->def != NULL ? lane_at(o, w->def, k) : w->value[k];

        text[k] = put(o, e);
    }
    const bool reads = o->memory;

    for (int k = 0; k < w->n; k++) {
        o->memory = reads;
        line(o, w->n == 1 ? fmt("%s = %s;", mark(o, w->name), text[k]) : fmt("%s[%d] = %s;", mark(o, w->name), k, text[k]));
    }
    o->memory = memory;
}

/* Wires that expression e reads, before the statement that needs them. */
static void wires_of(struct expr *e, void *ctx)
{
    struct soa *o = ctx;

    if (e->k == E_LEAF && wire_of(o, e->v) != NULL)
        need_wire(o, wire_of(o, e->v));
    else if (e->k == E_LEAF && e->v->k == V_WIRE)
        need_wire(o, e->v);
}

/* In C's order, what the wires compute is computed too. */
static bool wanted(const struct soa *o, const struct stmt *s) { return s->live[0] || (o->m->in_order && (s->live[1] || s->k == S_CALL)); }

static bool wanted_in(const struct soa *o, const struct block *b)
{
    for (int i = 0; i < b->n; i++)
        if (wanted(o, b->s[i]))
            return true;
    return false;
}

static void wires_in(struct soa *o, const struct block *b)
{
    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];

        if (!wanted(o, s))
            continue;
        if (s->rhs != NULL)
            visit_expr(s->rhs, wires_of, o);
        for (int k = 0; s->lhs != NULL && k < s->lhs->nidx; k++)
            visit_expr(s->lhs->idx[k], wires_of, o);
        wires_in(o, &s->a);
        wires_in(o, &s->b);
        for (int j = 0; j < s->narm; j++)
            wires_in(o, &s->arm[j].body);
    }
}

/* The array and place of a leaf with constant indices whose elements are contiguous: a source or target of memcpy. */
struct run { const char *text; int at, step; };                 /* [at + step * j] */

static bool run_of(struct soa *o, const struct expr *e, struct run *r)
{
    const struct var *v = e->v;
    struct mod *m = o->m;
    const int i = e->k == E_LEAF && v->mem == NULL ? flat_index(e) : -1;
    int c;

    if (i < 0 || wire_of(o, v) != NULL)
        return false;
    if (v->k == V_IN || v->k == V_OUT) {
        const struct net *p = net_of(m, v->k == V_OUT, v->name);

        *r = (struct run){ p->text, i, p->n };
        return true;
    }
    if (v->k == V_CHILD_OUT) {
        const struct kid *k = kid_of(m, v->inst, &c);
        const struct net *p = net_of(k->m, true, v->port);

        *r = (struct run){ p->text, c * p->n + i, k->n * p->n };
        return true;
    }
    if (v->k == V_STATE && (v->n == 1 || in_rows(m, v))) {
        *r = (struct run){ fmt(in_rows(m, v) ? "s->%s_%s" : "s->%s_%s[0]", m->name, v->name), i, v->n };
        return true;
    }
    return false;
}

static bool same_kept(const struct var *v, int w, bool s)
{
    return v->w == w && (v->s == s || w == 8 || w == 16 || w == 32 || w == 64);
}

/* The element of an array that a value copies, or NULL. */
static struct expr *copy_of(struct expr *e, const struct net *p)
{
    struct expr *x = as_copy(e, p->w);

    return x != NULL && x->k == E_LEAF && x->lanes < 2 && same_kept(x->v, p->w, p->s) ? x : NULL;
}

/* Has the input port an array of its own? */
static bool is_array(const struct net *p, const struct mod *m)
{
    return strcmp(p->text, fmt("s->%s_in_%s", m->name, p->name)) == 0;
}

/* Is the port's element wired before the block runs, or no more than a name of another array? */
static bool wired(struct soa *o, const struct expr *lhs)
{
    const struct var *v = lhs->v;
    struct expr *x;
    struct run r;
    int c;

    if (v->k == V_OUT && v->wire_out)
        return strcmp(net_of(o->m, true, v->name)->text, fmt("s->%s_out_%s", o->m->name, v->name)) != 0;
    if (v->k != V_CHILD_IN)
        return false;
    const struct kid *k = kid_of(o->m, v->inst, &c);
    const struct net *p = net_of(k->m, false, v->port);

    if (!is_array(p, k->m))
        return true;
    x = copy_of(v->value[flat_index(lhs)], p);
    return x != NULL && run_of(o, x, &r);
}

/* Are all lanes of e contiguous elements of one array of the structure, or of a local one? */
static bool contiguous(struct soa *o, struct expr *e, int lanes)
{
    if (e->k != E_LEAF || wire_of(o, e->v) != NULL || e->v->k == V_WIRE || e->v->k == V_TABLE)
        return false;
    if (e->v->mem == NULL)
        return e->v->k != V_STATE || in_rows(o->m, e->v);
    for (int k = 1; k < lanes; k++)
        if (lane_at(o, e, k)->v->word != lane_at(o, e, 0)->v->word)
            return false;
    return true;
}

static void assign(struct soa *o, const struct stmt *s, const char *under)
{
    const int lanes = s->lhs->lanes > 1 ? s->lhs->lanes : 1;
    const struct var *v = s->lhs->v;
    bool plain = lanes > 1 && !o->select && contiguous(o, s->lhs, lanes);

    for (int k = 0; k < lanes && plain; k++)
        plain = !wired(o, lane_at(o, s->lhs, k));
    if (plain && s->rhs->k == E_CONST) {
        line(o, fmt("memset(&%s, 0, %d * sizeof(%s));", place(o, lane_at(o, s->lhs, 0)), lanes, kept_type(v->w, v->s)));
        return;
    }
    if (plain && contiguous(o, s->rhs, lanes) && same_kept(s->rhs->v, v->w, v->s) && v != s->rhs->v) {
        line(o, fmt("memcpy(&%s, &%s, %d * sizeof(%s));", place(o, lane_at(o, s->lhs, 0)), place(o, lane_at(o, s->rhs, 0)), lanes,
                    kept_type(v->w, v->s)));
        return;
    }
    for (int k = 0; k < lanes; k++) {
        struct expr *l = lanes > 1 ? lane_at(o, s->lhs, k) : s->lhs, *r = lanes > 1 ? lane_at(o, s->rhs, k) : s->rhs;
        const bool fresh = l->v->k == V_LOCAL && l->v->n == 1 && local_of(o, l->v->name) == NULL;

        if (wired(o, l))
            continue;
        const char *rhs = put(o, r), *lhs = place(o, l);

        if (under == NULL || fresh)
            line(o, fmt("%s = %s;", lhs, rhs));
        else if (l->v->mem != NULL)
            line(o, fmt("if (%s) %s = %s;", under, lhs, rhs));
        else if (is_zero(r))
            line(o, fmt("%s = %s & -(%s)(%s ^ 1u);", lhs, lhs, base_type(l->v->w, true), under));
        else
            line(o, fmt("%s = %s ? %s : %s;", lhs, under, rhs, lhs));
    }
}

static const char *case_test(const struct stmt *s, const struct arm *a, const char *sel)
{
    const char *t = NULL;

    for (int k = 0; k < a->nlabel; k++)
        if (a->label[k]->lo >= s->rhs->lo && a->label[k]->lo <= s->rhs->hi) {
            const char *one = fmt("(%s == %s)", sel, constant(a->label[k]->lo, s->rhs->w, s->rhs->s));

            t = t == NULL ? one : fmt("%s | %s", t, one);
        }
    return t;
}

static const char *also(struct soa *o, const char *under, const char *test)
{
    const char *p = temporary(o, "when", "uint32_t");

    line(o, under == NULL ? fmt("%s = %s;", mark(o, p), test) : fmt("%s = %s & (%s);", mark(o, p), under, test));
    return mark(o, p);
}

static void block(struct soa *o, const struct block *b, const char *under);

static void clock_kids(struct soa *o, int columns)
{
    for (int k = 0; k < o->m->nkid; k++)
        fprintf(o->f, "%*sclock_%s(s);\n", columns, "", o->m->kid[k].m->name);
}

static int statements(const struct block *b, int memory)
{
    int n = 0;

    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];

        if (s->live[0])
            n += s->k == S_ASSIGN && s->lhs->v->mem != NULL ? memory : 1;
        n += statements(&s->a, memory) + statements(&s->b, memory);
        for (int j = 0; j < s->narm; j++)
            n += statements(&s->arm[j].body, memory);
    }
    return n;
}

/* Written as C has it: selects of much that is rarely due cost few instances more than branches. */
static void branched(struct soa *o, const struct block *b, const char *under)
{
    const char *guard = o->guard;

    o->branch = true;
    o->guard = under;
    line(o, fmt("if (%s) {", under));
    block(o, b, NULL);
    line(o, "}");
    o->guard = guard;
    o->branch = false;
}

/* What is much, or writes memories, is skipped while no instance's predicate holds. */
static void guarded(struct soa *o, const struct block *b, const char *under)
{
    const char *guard = o->guard;

    if (guard == NULL && o->m->total <= BRANCH_MAX && statements(b, 1) >= BRANCH_MIN) {
        branched(o, b, under);
        return;
    }
    if (guard == NULL && statements(b, SKIP_MIN) >= SKIP_MIN)
        o->guard = under;
    block(o, b, under);
    o->guard = guard;
}

/* The register or port that a condition tests bits of: where it is 0, the condition is false. */
static struct expr *tested(struct expr *e)
{
    struct expr *l;

    switch (e->k) {
    case E_LEAF:
        return e->v->mem == NULL && flat_index(e) >= 0 ? e : NULL;
    case E_CAST:
    case E_SHR:
        return tested(e->a);
    case E_NE:
        return is_false(e->b) ? tested(e->a) : NULL;
    case E_AND:
        return (l = tested(e->a)) != NULL ? l : tested(e->b);
    default:
        return NULL;
    }
}

/* How many of the `if`s from b->s[i] on test bits of one word, which none of them writes (byte enables)?  No `else`, one assignment each. */
static int bit_tests(const struct soa *o, const struct block *b, int i)
{
    struct expr *word = NULL;
    int n = 0;

    for (; i + n < b->n; n++) {
        const struct stmt *s = b->s[i + n];
        struct expr *l = s->k == S_IF ? tested(s->rhs) : NULL;

        if (l == NULL || !wanted(o, s) || s->a.n != 1 || s->a.s[0]->k != S_ASSIGN || s->a.s[0]->lhs->v == l->v || wanted_in(o, &s->b) ||
            (word != NULL && !same_expr(word, l)))
            break;
        word = l;
    }
    return n;
}

static void block(struct soa *o, const struct block *b, const char *under)
{
    int tests_end = 0;                                       /* of `if`s under one that tests their whole word */

    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];
        const int tests = selects(o) || i < tests_end ? 0 : bit_tests(o, b, i);

        if (tests_end != 0 && i == tests_end) {
            o->depth--;
            line(o, "}");
            tests_end = 0;
        }
        if (tests >= BIT_TESTS_MIN) {
            line(o, fmt("if (%s != 0) {", put(o, tested(s->rhs))));
            o->depth++;
            tests_end = i + tests;
        }
        if (!wanted(o, s))
            continue;
        switch (s->k) {
        case S_ASSIGN:
            assign(o, s, under);
            break;
        case S_CALL:
            if (++o->calls == o->m->d->ninst)                /* all children of a kind at once */
                clock_kids(o, 4 * o->depth);
            break;
        case S_IF: {
            const char *c = put(o, mk_bool(s->rhs));

            if (selects(o)) {
                const char *p = also(o, NULL, c), *q = under == NULL ? p : also(o, under, p);

                guarded(o, &s->a, q);
                if (wanted_in(o, &s->b))
                    guarded(o, &s->b, also(o, under, fmt("%s ^ 1u", p)));
                break;
            }
            line(o, fmt("if (%s) {", c));
            o->depth++;
            block(o, &s->a, NULL);
            o->depth--;
            if (wanted_in(o, &s->b)) {
                line(o, "} else {");
                o->depth++;
                block(o, &s->b, NULL);
                o->depth--;
            }
            line(o, "}");
            break;
        }
        case S_CASE: {
            const char *sel = mark(o, temporary(o, "sel", base_type(s->rhs->w, s->rhs->s))), *none = NULL;

            line(o, fmt("%s = %s;", sel, put(o, s->rhs)));
            if (!selects(o))
                line(o, fmt("switch (%s) {", sel));
            for (int j = 0; j < s->narm; j++) {
                const struct arm *a = &s->arm[j];
                const char *t = case_test(s, a, sel);

                if (!a->is_default && t != NULL)
                    none = none == NULL ? t : fmt("%s | %s", none, t);
                if (selects(o)) {
                    if (!a->is_default && t != NULL)
                        block(o, &a->body, also(o, under, t));
                    continue;
                }
                if (a->is_default)
                    line(o, "default:");
                for (int k = 0; k < a->nlabel && !a->is_default; k++)
                    if (a->label[k]->lo >= s->rhs->lo && a->label[k]->lo <= s->rhs->hi)
                        line(o, fmt("case %s:", constant(a->label[k]->lo, s->rhs->w, s->rhs->s)));
                if (!a->is_default && t == NULL)
                    continue;
                o->depth++;
                block(o, &a->body, NULL);
                line(o, "break;");
                o->depth--;
            }
            for (int j = 0; j < s->narm && selects(o); j++)
                if (s->arm[j].is_default)
                    block(o, &s->arm[j].body, none == NULL ? under : also(o, under, fmt("(%s) ^ 1u", none)));
            if (!selects(o))
                line(o, "}");
            break;
        }
        case S_ASSERT: {
            const char *base = strrchr(s->at.file, '/'), *msg = s->msg + strspn(s->msg, " \t"), *c = put(o, mk_bool(s->rhs));
            char *quoted = arena(2 * strlen(msg) + 1), *q = quoted;

            for (; *msg != 0; msg++) {
                if (*msg == '"' || *msg == '\\')
                    *q++ = '\\';
                *q++ = *msg;
            }
            const char *why = fmt("%s:%d: assertion failed: %s", base ? base + 1 : s->at.file, s->at.line, quoted);

            if (!selects(o)) {
                line(o, fmt("if (!%s)", c));
                line(o, fmt("    rs_failed(\"%s\");", why));
                break;
            }
            const char *f = fmt("failed_%d", o->names++);

            const __typeof__(*o->fail) fail = { f, why };

            PUSH(o->fail, o->nfail, o->capfail, fail);
            line(o, under == NULL ? fmt("%s |= %s ^ 1u;", f, c) : fmt("%s |= %s & (%s ^ 1u);", f, under, c));
            break;
        }
        default:
            break;
        }
    }
    if (tests_end != 0) {
        o->depth--;
        line(o, "}");
    }
}

/* ---- the select style: loops over instances, and where locals live ---- */

static void each_mark(struct soa *o, const char *text, int segment)
{
    for (const char *p = strchr(text, '\1'); p != NULL; p = strchr(p + 1, '\1')) {
        struct local *l = local_of(o, fmt("%.*s", (int)(strchr(p, '\2') - p - 1), p + 1));

        if (l->segment == -1)
            l->segment = segment;
        else if (l->segment != segment)
            l->crosses = true;
    }
}

static void put_marked(struct soa *o, const char *text, const char *element)
{
    for (; *text != 0; text++) {
        if (*text != '\1') {
            fputc(*text, o->f);
            continue;
        }
        const char *end = strchr(text, '\2');
        const struct local *l = local_of(o, fmt("%.*s", (int)(end - text - 1), text + 1));

        fprintf(o->f, "%s%s", l->name, l->crosses ? element : "");
        text = end;
    }
}

static void declare_locals(struct soa *o, int segment, int depth)
{
    for (int i = 0; i < o->nlocal; i++) {
        const struct local *l = &o->local[i];

        if (segment >= 0 ? l->crosses || l->segment != segment : !l->crosses)
            continue;
        fprintf(o->f, "%*s%s %s", 4 * depth, "", l->type, l->name);
        if (segment < 0)
            fprintf(o->f, "[%d]", o->m->total);
        if (l->n > 1)
            fprintf(o->f, "[%d]", l->n);
        fprintf(o->f, segment < 0 ? ";\n" : l->n > 1 ? " = { 0 };\n" : " = 0;\n");
    }
}

/* Operations that share a loop. */
static bool same_loop(const struct op *a, const struct op *b)
{
    return !a->whole && !b->whole && a->memory == b->memory && (a->guard == b->guard || (a->guard != NULL && b->guard != NULL && strcmp(a->guard, b->guard) == 0));
}

/* Is all that the loop from operation i on does under its guard, one `if` an operation?  Then it goes from one instance that needs it to the next. */
static const char *sparse(const struct soa *o, int i)
{
    const char *guard = o->op[i].guard, *prefix;

    if (guard == NULL || o->op[i].whole || !o->op[i].memory)
        return NULL;
    prefix = fmt("if (%s) ", guard);
    for (int k = i; k < o->nop && (k == i || same_loop(&o->op[k - 1], &o->op[k])); k++)
        if (strncmp(o->op[k].text, prefix, strlen(prefix)) != 0)
            return NULL;
    return prefix;
}

static void write_ops(struct soa *o)
{
    const char *under = NULL;                                /* prefix of the operations of a sparse loop */
    int segment = 0;

    for (int i = 0; i < o->nop; i++) {
        segment += i != 0 && !same_loop(&o->op[i - 1], &o->op[i]);
        each_mark(o, o->op[i].text, segment);
        if (o->op[i].whole)                                  /* outside of all loops, even if nothing reads it */
            each_mark(o, o->op[i].text, -2);
        if (o->op[i].guard != NULL)                          /* read in a loop of its own */
            each_mark(o, o->op[i].guard, -2);
    }
    declare_locals(o, -1, 1);
    for (int i = 0; i < o->nfail; i++)
        fprintf(o->f, "    uint32_t %s = 0;\n", o->fail[i].flag);
    segment = 0;
    for (int i = 0; i < o->nop; i++) {
        const struct op *p = &o->op[i], *before = i == 0 ? NULL : p - 1;
        const bool first = i == 0 || !same_loop(before, p);

        segment += first && i != 0;
        if (first && i != 0 && !before->whole)
            fprintf(o->f, "    }\n");
        if (first)
            under = sparse(o, i);
        if (first && under == NULL && p->guard != NULL && (i == 0 || before->guard != p->guard || o->any == NULL)) {
            const char *any = fmt("any_%d", o->names++);

            fprintf(o->f, "    uint32_t %s = 0;\n    for (int j = 0; j < %d; j++)\n        %s |= ", any, o->m->total, any);
            put_marked(o, p->guard, "[j]");
            fprintf(o->f, ";\n");
            o->any = any;
        }
        if (first && under != NULL) {
            fprintf(o->f, "    for (int k = 0; k < %d; k += 64)\n    for (uint64_t set = rs_set(&", o->m->total);
            put_marked(o, p->guard, "[k]");
            fprintf(o->f, ", %d - k); set != 0; set &= set - 1) {\n        const int j = k + __builtin_ctzll(set);\n\n", o->m->total);
            o->any = NULL;
        } else if (first && p->guard != NULL) {
            fprintf(o->f, "    if (%s)\n", o->any);
        }
        if (first && !p->whole) {
            if (under == NULL)
                fprintf(o->f, "    for (int j = 0; j < %d; j++) {\n", o->m->total);
            declare_locals(o, segment, 2);
        }
        fprintf(o->f, p->whole ? "    " : "        ");
        put_marked(o, p->text + (under != NULL ? strlen(under) : 0), p->whole ? "" : "[j]");
        fputc('\n', o->f);
    }
    if (o->nop != 0 && !o->op[o->nop - 1].whole)
        fprintf(o->f, "    }\n");
    for (int i = 0; i < o->nfail; i++)
        fprintf(o->f, "    if (%s != 0)\n        rs_failed(\"%s\");\n", o->fail[i].flag, o->fail[i].why);
    o->nop = o->nlocal = o->nfail = 0;
    o->read.word = NULL;
}

/* ---- wiring ---- */

/* The value that input `port` of child c of a kind gets, element e. */
static struct expr *input_value(const struct kid *k, const char *port, int c, int e)
{
    const struct instance *in = k->inst[c];

    for (int i = 0; i < in->ninv; i++)
        if (strcmp(in->inv[i]->port, port) == 0)
            return in->inv[i]->value[e];
    abort();
}

/* Does an output show one register, or the children's outputs, element by element? */
static const char *output_view(struct soa *o, struct mod *m, const struct var *v, const struct net *p)
{
    const char *text = NULL;

    o->m = m;
    for (int e = 0; e < p->n; e++) {
        struct expr *x = copy_of(v->value[e], p);
        struct run r;

        if (x == NULL || (x->v->k != V_STATE && x->v->k != V_CHILD_OUT) || x->v->s != p->s || !run_of(o, x, &r) || r.at != e || r.step != p->n ||
            (text != NULL && strcmp(text, r.text) != 0))
            return NULL;
        text = r.text;
    }
    return text;
}

/* Do the inputs of all children of a kind show one of the parent's inputs as it is? */
static const char *input_view(struct soa *o, struct mod *m, const struct kid *k, const struct net *p)
{
    const char *text = NULL;

    if (k->n != k->m->total / m->total)
        return NULL;
    o->m = m;
    for (int c = 0; c < k->n; c++)
        for (int e = 0; e < p->n; e++) {
            struct expr *x = copy_of(input_value(k, p->name, c, e), p);
            struct run r;

            if (x == NULL || x->v->k != V_IN || x->v->s != p->s || !run_of(o, x, &r) || r.at != c * p->n + e || r.step != k->n * p->n ||
                (text != NULL && strcmp(text, r.text) != 0))
                return NULL;
            text = r.text;
        }
    return text;
}

/* Declares a member of the structure; a vector register must not reach from one cache line into the next. */
static void array(struct soa *o, const struct mod *m, int w, bool s, const char *name, const char *dims, int n)
{
    const int bytes = n * kept_bits(w) / 8;

    fprintf(o->f, "    %s%s %s_%s%s;\n", bytes >= 64 ? "_Alignas(64) " : bytes >= 16 ? "_Alignas(16) " : "", kept_type(w, s), m->name, name, dims);
}

/* Ports of one module, children first for outputs, parents first for inputs. */
static void name_ports(struct soa *o, struct mod *m, bool out)
{
    struct port *p = NULL;
    int n = 0, cap = 0;

    flat_ports(out ? m->d->out : m->d->in, out, false, &p, &n, &cap);
    for (int i = 0; i < n; i++) {
        struct net *net = arena(sizeof *net);
        const char *view = NULL;

        *net = (struct net){ .name = p[i].name, .n = p[i].n, .w = p[i].w, .s = p[i].s };
        if (out) {
            for (int j = 0; j < m->d->nvar; j++)
                if (m->d->var[j]->k == V_OUT && m->d->var[j]->wire_out && strcmp(m->d->var[j]->name, p[i].name) == 0)
                    view = output_view(o, m, m->d->var[j], net);
        } else {
            for (int q = 0; q < o->nmod && view == NULL; q++)
                for (int k = 0; k < o->mod[q]->nkid; k++)
                    if (o->mod[q]->kid[k].m == m)
                        view = input_view(o, o->mod[q], &o->mod[q]->kid[k], net);
        }
        net->text = view != NULL ? view : fmt("s->%s_%s_%s", m->name, out ? "out" : "in", p[i].name);
        map_set(&m->port, out ? fmt(">%s", p[i].name) : p[i].name, net);
        if (view == NULL)
            array(o, m, net->w, net->s, fmt("%s_%s", out ? "out" : "in", p[i].name), fmt("[%d]", net->n * m->total), net->n * m->total);
    }
}

/* The run of a parent's array that an input copies from its element q on: its length, 0 where there is none. */
static int copied_run(struct soa *o, const struct kid *k, const struct net *p, int q, struct run *r)
{
    const int n = k->n * p->n;
    struct expr *x = copy_of(input_value(k, p->name, q / p->n, q % p->n), p);
    struct run next;
    int len = 1;

    if (x == NULL || !run_of(o, x, r))
        return 0;
    for (; q + len < n; len++) {
        x = copy_of(input_value(k, p->name, (q + len) / p->n, (q + len) % p->n), p);
        if (x == NULL || !run_of(o, x, &next) || strcmp(next.text, r->text) != 0 || next.at != r->at + len)
            break;
    }
    return len;
}

/*
 * Inputs that are copies: as few memcpy as there are runs.  Where every instance of the parent copies the same run at the same
 * distance, one memcpy reaches over all of them, and what lies between the runs is set after it.
 */
static void copy_inputs(struct soa *o, const struct kid *k, const struct net *p)
{
    const int n = k->n * p->n, total = o->m->total;
    const char *size = fmt("sizeof(%s)", kept_type(p->w, p->s)), *dst = p->text;
    struct run r, all;
    int longest = 0, whole = -1;

    for (int q = 0, len; q < n; q += len > 0 ? len : 1) {
        len = copied_run(o, k, p, q, &r);
        if (len > longest && r.step == n) {
            longest = len;
            whole = q;
        }
    }
    if (total > 1 && longest > 1 && n == k->m->total / total * p->n) {
        longest = copied_run(o, k, p, whole, &all);
        fprintf(o->f, "    memcpy(&%s[%d], &%s[%d], %d * %s);\n", dst, whole, all.text, all.at, (total - 1) * n + longest, size);
    } else {
        whole = -1;
    }
    for (int q = 0, len; q < n; q += len > 0 ? len : 1) {
        len = copied_run(o, k, p, q, &r);
        if (len == 0 || q == whole)
            continue;
        if (total == 1 && len == 1)
            fprintf(o->f, "    %s[%d] = %s[%d];\n", dst, q, r.text, r.at);
        else if (total == 1)
            fprintf(o->f, "    memcpy(&%s[%d], &%s[%d], %d * %s);\n", dst, q, r.text, r.at, len, size);
        else if (len == 1)
            fprintf(o->f, "    for (int j = 0; j < %d; j++)\n        %s[%d * j + %d] = %s[%d * j + %d];\n", total, dst, n, q, r.text, r.step, r.at);
        else
            fprintf(o->f, "    for (int j = 0; j < %d; j++)\n        memcpy(&%s[%d * j + %d], &%s[%d * j + %d], %d * %s);\n", total, dst, n, q,
                    r.text, r.step, r.at, len, size);
    }
}

/* Inputs that are computed, in the parent's loop. */
static void compute_inputs(struct soa *o, const struct kid *k, const struct net *p)
{
    const int n = k->n * p->n;

    for (int q = 0; q < n; q++) {
        struct expr *e = input_value(k, p->name, q / p->n, q % p->n), *x = copy_of(e, p);
        struct run r;

        if (x != NULL && run_of(o, x, &r))
            continue;
        const char *rhs = wrapped(put(o, e), p->w, p->s);

        if (e->w == p->w && e->s == p->s)
            rhs = put(o, e);
        line(o, o->m->total == 1 ? fmt("%s[%d] = %s;", p->text, q, rhs)
                                        : fmt("%s[%d * j + %d] = %s;", p->text, n, q, rhs));
    }
}

static void each_net(struct soa *o, const struct kid *k, void (*f)(struct soa *, const struct kid *, const struct net *))
{
    struct port *p = NULL;
    int n = 0, cap = 0;

    flat_ports(k->m->d->in, false, false, &p, &n, &cap);
    for (int i = 0; i < n; i++) {
        const struct net *net = net_of(k->m, false, p[i].name);

        if (is_array(net, k->m))
            f(o, k, net);
    }
}

static int memory_accesses(const struct block *b)
{
    int n = 0;

    for (int i = 0; i < b->n; i++) {
        const struct stmt *s = b->s[i];

        if (s->live[0] && s->k == S_ASSIGN)
            n += (s->lhs->v->mem != NULL) * (s->lhs->lanes > 1 ? s->lhs->lanes : 1);
        n += memory_accesses(&s->a) + memory_accesses(&s->b);
        for (int j = 0; j < s->narm; j++)
            n += memory_accesses(&s->arm[j].body);
    }
    return n;
}

/* Lines that `write` makes, with their locals declared above them: one loop for each instance. */
static void in_order(struct soa *o, void (*write)(struct soa *))
{
    FILE *file = o->f;
    char *text = NULL;
    size_t size = 0;
    const bool loop = o->m->total > 1;

    o->f = open_memstream(&text, &size);
    o->depth = loop ? 2 : 1;
    write(o);
    fclose(o->f);
    o->f = file;
    if (size != 0) {
        if (loop)
            fprintf(o->f, "    for (int j = 0; j < %d; j++) {\n", o->m->total);
        for (int i = 0; i < o->nlocal; i++)
            fprintf(o->f, o->local[i].n > 1 ? "%*s%s %s[%d] = { 0 };\n" : "%*s%s %s = 0;\n", loop ? 8 : 4, "", o->local[i].type, o->local[i].name,
                    o->local[i].n);
        fwrite(text, 1, size, o->f);
        if (loop)
            fprintf(o->f, "    }\n");
    }
    free(text);
    o->nlocal = 0;
}

static void write_inputs_and_block(struct soa *o)
{
    for (int k = 0; k < o->m->nkid && !o->m->in_order; k++)
        each_net(o, &o->m->kid[k], compute_inputs);
    wires_in(o, &o->m->d->body);
    block(o, &o->m->d->body, NULL);
}

/* The run of one array that an output shows from its element e on: its length; 1 for what is no run. */
static int copied_output(struct soa *o, const struct var *v, int e)
{
    struct expr *first = as_copy(v->value[e], v->w), *last = first;
    int len = 1;

    if (o->select || first == NULL || first->k != E_LEAF || !same_kept(first->v, v->w, v->s))
        return 1;
    for (; e + len < v->n; len++) {
        struct expr *next = as_copy(v->value[e + len], v->w);

        if (next == NULL || !next_lane(last, next))
            break;
        last = next;
    }
    return contiguous(o, widen_lanes(first, len), len) ? len : 1;
}

static void write_outputs(struct soa *o)
{
    for (int i = 0; i < o->m->d->nvar; i++) {
        struct var *v = o->m->d->var[i];

        if (v->k != V_OUT || !v->wire_out)
            continue;
        const struct net *p = net_of(o->m, true, v->name);

        if (strcmp(p->text, fmt("s->%s_out_%s", o->m->name, v->name)) != 0)
            continue;
        for (int e = 0, len; e < v->n; e += len) {
            const char *to = o->m->total == 1 ? fmt("%s[%d]", p->text, e) : fmt("%s[j * %d + %d]", p->text, p->n, e);

            len = copied_output(o, v, e);
            line(o, len == 1 ? fmt("%s = %s;", to, put(o, v->value[e]))
                             : fmt("memcpy(&%s, &%s, %d * sizeof(%s));", to, place(o, as_copy(v->value[e], v->w)), len, kept_type(v->w, v->s)));
        }
    }
}

static void find_post(struct expr *e, void *ctx) { *(bool *)ctx |= e->k == E_LEAF && e->post; }

/* Is every child clocked before a child's new output is read? */
static bool calls_first(const struct design *d, const struct block *b, int *calls)
{
    bool ok = true;

    for (int i = 0; i < b->n && ok; i++) {
        const struct stmt *s = b->s[i];
        bool post = false;

        if (s->k == S_CALL)
            ++*calls;
        if (s->rhs != NULL)
            visit_expr(s->rhs, find_post, &post);
        ok = (!post || *calls == d->ninst) && calls_first(d, &s->a, calls) && calls_first(d, &s->b, calls);
        for (int j = 0; j < s->narm && ok; j++)
            ok = calls_first(d, &s->arm[j].body, calls);
    }
    return ok;
}

static void write_module(struct soa *o, struct mod *m)
{
    o->m = m;
    o->names = o->calls = 0;
    for (int i = 0; i < m->d->nvar; i++) {
        const struct var *v = m->d->var[i];

        if (v->k != V_TABLE || v->reads == 0)
            continue;
        fprintf(o->f, "static const %s %s_%s[%d] = {", kept_type(v->w, v->s), m->name, v->name, v->n);
        for (int j = 0; j < v->n; j++)
            fprintf(o->f, "%s%s", j % 8 == 0 ? "\n    " : " ", fmt("%s,", constant(v->init[j]->lo, v->w, v->s)));
        fprintf(o->f, "\n};\n");
    }
    fprintf(o->f, "/* %d x %s */\nstatic void clock_%s(struct rs_soa *restrict s)\n{\n", m->total, m->name, m->name);
    for (int k = 0; k < m->nkid; k++)
        each_net(o, &m->kid[k], copy_inputs);
    o->select = m->select;
    if (m->select) {
        write_inputs_and_block(o);
        write_ops(o);
    } else {
        in_order(o, write_inputs_and_block);
    }
    if (m->in_order) {
        fprintf(o->f, "}\n\n");
        return;
    }
    clock_kids(o, 4);
    if (m->select) {
        write_outputs(o);
        write_ops(o);
    } else {
        in_order(o, write_outputs);
    }
    o->select = false;
    fprintf(o->f, "}\n\n");
}

/* ---- the top module's C structs ---- */

static void top_ports(struct soa *o, const struct type *t, int bits, const char *path, const char *port, const char *elem, int depth, bool out)
{
    if (t->k == T_ARRAY) {
        fprintf(o->f, "%*sfor (int i%d = 0; i%d < %d; i%d++) {\n", 4 * depth, "", depth, depth, t->n, depth);
        top_ports(o, t->elem, 0, fmt("%s[i%d]", path, depth), port, *elem ? fmt("(%s) * %d + i%d", elem, t->n, depth) : fmt("i%d", depth), depth + 1, out);
        fprintf(o->f, "%*s}\n", 4 * depth, "");
    } else if (t->k == T_STRUCT) {
        for (int i = 0; i < t->rec->n; i++) {
            const struct field *x = &t->rec->f[i];

            top_ports(o, x->t, x->bits, x->name ? fmt("%s.%s", path, x->name) : path,
                      x->name == NULL ? port : *port ? fmt("%s_%s", port, x->name) : x->name, elem, depth, out);
        }
    } else {
        const char *net = fmt("%s[%s]", net_of(o->m, out, port)->text, *elem ? elem : "0");

        (void)bits;
        fprintf(o->f, "%*s%s = %s;\n", 4 * depth, "", out ? path : net, out ? net : path);
    }
}

/* ---- the design ---- */

/* For vectors.  to[j] = from[at[j]], j < n; x2: low[j], high[j] = from[2 at[j]], from[2 at[j] + 1].  Signs do not matter. */
static const char helpers[] =
    "#ifdef __AVX512F__\n#include <immintrin.h>\n#define RS_WIDE(statement) for (; j + 16 <= n; j += 16) { statement; }\n"
    "#else\n#define RS_WIDE(statement)\n#endif\n"
    "#define RS_GATHER(bits, scale, store) \\\n"
    "static inline void rs_gather_##bits(void *restrict to, const void *restrict from, const int32_t *restrict at, int n) \\\n"
    "{ \\\n"
    "    uint##bits##_t *const t = to; const uint##bits##_t *const f = from; int j = 0; \\\n"
    "    RS_WIDE(store((void *)(t + j), _mm512_i32gather_epi32(_mm512_loadu_si512(at + j), f, scale))) \\\n"
    "    for (; j < n; j++) t[j] = f[at[j]]; \\\n"
    "}\n"
    "#define RS_GATHER_PAIR(bits, scale, store) \\\n"
    "static inline void rs_gather_##bits##x2(void *restrict low, void *restrict high, const void *restrict from, const int32_t *restrict at, int n) \\\n"
    "{ \\\n"
    "    uint##bits##_t *const a = low, *const b = high; const uint##bits##_t *const f = from; int j = 0; \\\n"
    "    RS_WIDE(const __m512i x = _mm512_i32gather_epi32(_mm512_loadu_si512(at + j), f, scale); \\\n"
    "            store((void *)(a + j), x); store((void *)(b + j), _mm512_srli_epi32(x, bits))) \\\n"
    "    for (; j < n; j++) { a[j] = f[2 * at[j]]; b[j] = f[2 * at[j] + 1]; } \\\n"
    "}\n"
    "#define RS_STORE_8(to, x) _mm_storeu_si128(to, _mm512_cvtepi32_epi8(x))\n"
    "#define RS_STORE_16(to, x) _mm256_storeu_si256(to, _mm512_cvtepi32_epi16(x))\n"
    "RS_GATHER(8, 1, RS_STORE_8)\nRS_GATHER(16, 2, RS_STORE_16)\nRS_GATHER(32, 4, _mm512_storeu_si512)\n"
    "RS_GATHER_PAIR(8, 2, RS_STORE_8)\nRS_GATHER_PAIR(16, 4, RS_STORE_16)\n\n"
    "/* Bit j: flag[j] is not 0, j < n and j < 64. */\n"
    "static inline uint64_t rs_set(const uint32_t *flag, int n)\n{\n    uint64_t set = 0;\n    int j = 0;\n\n"
    "    n = n < 64 ? n : 64;\n"
    "    RS_WIDE(const __m512i x = _mm512_loadu_si512(flag + j); set |= (uint64_t)_mm512_test_epi32_mask(x, x) << j)\n"
    "    for (; j < n; j++)\n        set |= (uint64_t)(flag[j] != 0) << j;\n    return set;\n}\n\n";

static void count_instances(struct mod *m, int n)
{
    m->total += n;
    for (int k = 0; k < m->nkid; k++)
        count_instances(m->kid[k].m, n * m->kid[k].n);
}

/* The module under one kind of parent, and below it what it instantiates: instances are numbered parent by parent. */
static struct mod *make_mod(struct soa *o, struct design *const *d, int nd, const char *name, struct loc at)
{
    struct mod *m = arena(sizeof *m);
    int alike = 0;

    for (int i = 0; i < nd; i++)
        if (strcmp(d[i]->name, name) == 0)
            m->d = d[i];
    if (m->d == NULL)
        error(at, "give hlsc all files of the design in one call", "no file defines module '%s'", name);
    for (int i = 0; i < o->nmod; i++)
        alike += o->mod[i]->d == m->d;
    m->name = alike == 0 ? name : fmt("%s__%d", name, alike + 1);
    PUSH(o->mod, o->nmod, o->capmod, m);
    for (int i = 0; i < m->d->ninst; i++) {
        struct instance *in = m->d->inst[i];
        int k = 0;

        while (k < m->nkid && strcmp(m->kid[k].m->d->name, in->module) != 0)
            k++;
        if (k == m->nkid) {
            struct kid kid = { .m = make_mod(o, d, nd, in->module, in->at) };

            PUSH(m->kid, m->nkid, m->capkid, kid);
        }
        PUSH(m->kid[k].inst, m->kid[k].n, m->kid[k].cap, in);
    }
    return m;
}

/*
 * A memory's leaves of one C type are one array, word by word: they are read together, so they share cache lines, and a
 * word that is copied is a run.
 */
static void pack_words(struct mod *m)
{
    for (int i = 0; i < m->d->nvar; i++) {
        struct var *v = m->d->var[i];
        bool alike = true;
        int leaf = 0, n = 0;

        if (v->mem == NULL)
            continue;
        v->word = v;
        for (int j = 0; j < m->d->nvar; j++) {
            struct var *u = m->d->var[j];

            if (u->mem != v->mem)
                continue;
            alike = alike && strcmp(kept_type(u->w, u->s), kept_type(v->w, v->s)) == 0;
            leaf += u->lsb < v->lsb;
            n++;
            if (u->lsb < v->word->lsb)
                v->word = u;
        }
        v->leaf = alike ? leaf : 0;
        v->nleaf = alike ? n : 1;
        if (!alike)
            v->word = v;
    }
}

/* Children before their parents. */
static void list(struct mod *m, struct mod **order, int *n)
{
    for (int k = 0; k < m->nkid; k++)
        list(m->kid[k].m, order, n);
    order[(*n)++] = m;
}

void emit_soa(const char *path, const char *top, struct design **d, int nd)
{
    struct soa o = { .f = fopen(path, "w") };
    int n = 0;

    if (o.f == NULL) {
        fprintf(stderr, "hlsc: cannot write %s\n", path);
        diag_free();
        exit(1);
    }
    struct mod *root = make_mod(&o, d, nd, top, (struct loc){ d[0]->u->file, 1, 1 });
    struct mod **order = arena(sizeof *order * (size_t)o.nmod);

    count_instances(root, 1);
    list(root, order, &n);
    for (int i = 0; i < n; i++) {
        int calls = 0;

        pack_words(order[i]);
        order[i]->select = order[i]->total >= SELECT_MIN && memory_accesses(&order[i]->d->body) <= SELECT_MEMORY_MAX;
        order[i]->in_order = order[i]->total == 1 && order[i]->nkid != 0 && calls_first(order[i]->d, &order[i]->d->body, &calls) &&
                             calls == order[i]->d->ninst;
    }
    fprintf(o.f, "// Made by hlsc; do not edit.  All modules under %s, clocked as structures of arrays (sw/hlsc/soa.c).\n"
                 "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include \"%s.h\"\n\n"
                 "struct rs_soa {\n", top, top);
    for (int i = 0; i < n; i++) {
        const struct mod *m = order[i];

        for (int j = 0; j < m->d->nvar; j++) {
            const struct var *v = m->d->var[j];

            if (v->k != V_STATE || (v->mem != NULL ? !v->mem->seen_read || v->word != v : !v->live[0] && !v->live[1]))
                continue;
            array(&o, m, v->w, v->s, v->name, in_rows(m, v) ? fmt("[%d]", elements(v) * m->total) : fmt("[%d][%d]", v->n, m->total),
                  elements(v) * m->total);
        }
    }
    for (int i = 0; i < n; i++)
        name_ports(&o, order[i], true);
    for (int i = n - 1; i >= 0; i--)
        name_ports(&o, order[i], false);
    fprintf(o.f, "    uint64_t end;                  /* a gather of narrow elements reads past the last one */\n};\n\n%s"
                 "static inline int32_t rs_inside(int32_t i, int32_t n) { return i >= 0 && i < n ? i : 0; }\n\n"
                 "static _Noreturn void rs_failed(const char *what)\n{\n    fprintf(stderr, \"%%s\\n\", what);\n    abort();\n}\n\n", helpers);
    for (int i = 0; i < n; i++)
        write_module(&o, order[i]);
    fprintf(o.f, "size_t %s_soa_bytes(void);\nsize_t %s_soa_bytes(void) { return sizeof(struct rs_soa); }\n\n"
                 "void %s_soa_clock(void *r, const struct %s_in *in, struct %s_out *out);\n"
                 "void %s_soa_clock(void *r, const struct %s_in *in, struct %s_out *out)\n{\n    struct rs_soa *s = r;\n\n",
            top, top, top, top, top, top, top, top);
    const struct type ti = { .k = T_STRUCT, .rec = root->d->in }, to = { .k = T_STRUCT, .rec = root->d->out };

    o.m = root;
    top_ports(&o, &ti, 0, "(*in)", "", "", 1, false);
    fprintf(o.f, "    clock_%s(s);\n", top);
    top_ports(&o, &to, 0, "(*out)", "", "", 1, true);
    fprintf(o.f, "}\n");
    fclose(o.f);
}
