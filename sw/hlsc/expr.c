/*
 * expr.c - expressions with C's types and value ranges, folded as they are built.
 *
 * Every node's value is the mathematical value that C gives it: arithmetic that leaves its C type
 * wraps (for signed types C leaves that undefined; we wrap, as gcc does without optimising on it).
 */
#include <string.h>
#include "hlsc.h"

i128 type_min(int w, bool s) { return s ? -((i128)1 << (w - 1)) : 0; }
i128 type_max(int w, bool s) { return ((i128)1 << (s ? w - 1 : w)) - 1; }

int bits_unsigned(i128 hi)
{
    int n = 1;

    while (n < 100 && (hi >> n) != 0)
        n++;
    return n;
}

int bits_signed(i128 lo, i128 hi)
{
    int n = 1;

    while (n < 100 && (lo < -((i128)1 << (n - 1)) || hi >= ((i128)1 << (n - 1))))
        n++;
    return n;
}

static i128 wrap(i128 v, int w, bool s)
{
    v &= ((i128)1 << w) - 1;
    return s && (v >> (w - 1)) != 0 ? v - ((i128)1 << w) : v;
}

static struct expr *mk(enum ekind k, int w, bool s, struct loc at)
{
    struct expr *e = arena(sizeof *e);

    *e = (struct expr){ .k = k, .w = w, .s = s, .at = at, .lo = type_min(w, s), .hi = type_max(w, s) };
    return e;
}

struct expr *mk_const(int w, bool s, i128 v, struct loc at)
{
    struct expr *e = mk(E_CONST, w, s, at);

    e->lo = e->hi = wrap(v, w, s);
    return e;
}

struct expr *mk_leaf(struct var *v, int nidx, struct expr **idx, struct loc at)
{
    struct expr *e = mk(E_LEAF, v->w, v->s, at);

    e->v = v;
    e->nidx = nidx;
    for (int i = 0; i < nidx; i++)
        e->idx[i] = idx[i];
    return e;
}

bool is_true(const struct expr *e) { return e->k == E_CONST && e->lo != 0; }
bool is_false(const struct expr *e) { return e->k == E_CONST && e->lo == 0; }

/* Keeps [lo, hi] if it fits the type; else the operation may wrap. */
static void set_range(struct expr *e, i128 lo, i128 hi)
{
    e->exact = lo >= type_min(e->w, e->s) && hi <= type_max(e->w, e->s);
    if (e->exact) {
        e->lo = lo;
        e->hi = hi;
    }
}

struct expr *mk_cast(struct expr *a, int w, bool s)
{
    if (a->w == w && a->s == s)
        return a;
    if (a->k == E_CONST)
        return mk_const(w, s, a->lo, a->at);
    struct expr *e = mk(E_CAST, w, s, a->at);

    e->a = a;
    set_range(e, a->lo, a->hi);
    if (a->k == E_CAST && a->exact && e->exact)             /* value kept twice: once is enough */
        e->a = a->a;
    return e;
}

struct expr *mk_bool(struct expr *a)
{
    if (a->w == 1 && !a->s)
        return a;
    if (a->lo >= 0 && a->hi <= 1) {                         /* int that holds 0 or 1 */
        while (a->k == E_CAST && a->exact && a->a->lo >= 0 && a->a->hi <= 1)
            a = a->a;
        return mk_cast(a, 1, false);
    }
    return mk_bin(E_NE, a, mk_const(a->w, a->s, 0, a->at), 1, false, a->at);
}

struct expr *mk_un(enum ekind k, struct expr *a, int w, bool s, struct loc at)
{
    struct expr *e;

    if (k == E_LNOT) {
        a = mk_bool(a);
        if (a->k == E_CONST)
            return mk_const(w, s, a->lo == 0, at);
        if (a->k == E_LNOT)
            return mk_cast(a->a, w, s);
        e = mk(E_LNOT, 1, false, at);
        e->a = a;
        return mk_cast(e, w, s);
    }
    if (a->k == E_CONST)
        return mk_const(w, s, k == E_NEG ? -a->lo : ~a->lo, at);
    e = mk(k, w, s, at);
    e->a = a;
    if (k == E_NEG)
        set_range(e, -a->hi, -a->lo);
    else
        set_range(e, ~a->hi, ~a->lo);
    return e;
}

static i128 min4(const i128 *v) { i128 m = v[0]; for (int i = 1; i < 4; i++) if (v[i] < m) m = v[i]; return m; }
static i128 max4(const i128 *v) { i128 m = v[0]; for (int i = 1; i < 4; i++) if (v[i] > m) m = v[i]; return m; }

static i128 fold(enum ekind k, i128 a, i128 b)
{
    switch (k) {
    case E_ADD: return a + b;
    case E_SUB: return a - b;
    case E_MUL: return (i128)((unsigned __int128)a * (unsigned __int128)b);
    case E_DIV: return b == 0 ? 0 : a / b;
    case E_MOD: return b == 0 ? 0 : a % b;
    case E_SHL: return b < 0 || b > 63 ? 0 : (i128)((unsigned __int128)a << b);
    case E_SHR: return b < 0 || b > 63 ? 0 : a >> b;
    case E_AND: return a & b;
    case E_OR: return a | b;
    case E_XOR: return a ^ b;
    case E_EQ: return a == b;
    case E_NE: return a != b;
    case E_LT: return a < b;
    case E_LE: return a <= b;
    case E_GT: return a > b;
    case E_GE: return a >= b;
    default: return 0;
    }
}

static void range_of(struct expr *e)
{
    const struct expr *a = e->a, *b = e->b;

    switch (e->k) {
    case E_ADD: set_range(e, a->lo + b->lo, a->hi + b->hi); break;
    case E_SUB: set_range(e, a->lo - b->hi, a->hi - b->lo); break;
    case E_MUL: {
        if (bits_signed(a->lo, a->hi) + bits_signed(b->lo, b->hi) > 120)
            break;
        const i128 v[4] = { a->lo * b->lo, a->lo * b->hi, a->hi * b->lo, a->hi * b->hi };

        set_range(e, min4(v), max4(v));
        break;
    }
    case E_DIV:
        if (b->lo > 0 || b->hi < 0) {
            const i128 v[4] = { a->lo / b->lo, a->lo / b->hi, a->hi / b->lo, a->hi / b->hi };

            set_range(e, min4(v) < 0 ? min4(v) : 0, max4(v) > 0 ? max4(v) : 0);
        }
        break;
    case E_MOD: {
        const i128 ma = b->lo < 0 ? -b->lo : b->lo, mb = b->hi < 0 ? -b->hi : b->hi;
        const i128 m = (ma > mb ? ma : mb) - 1;

        set_range(e, a->lo < 0 ? (-m > a->lo ? -m : a->lo) : 0, a->hi > 0 ? (m < a->hi ? m : a->hi) : 0);
        break;
    }
    case E_SHL:
        if (b->lo >= 0 && b->hi < 64)
            set_range(e, a->lo < 0 ? a->lo * ((i128)1 << b->hi) : 0, a->hi > 0 ? a->hi * ((i128)1 << b->hi) : 0);
        break;
    case E_SHR: {
        const int n = b->lo < 0 ? 0 : b->lo > 63 ? 63 : (int)b->lo;

        set_range(e, a->lo < 0 ? a->lo >> n : 0, a->hi < 0 ? -1 : a->hi >> n);
        break;
    }
    case E_AND:
        if (a->lo >= 0 && b->lo >= 0)
            set_range(e, 0, a->hi < b->hi ? a->hi : b->hi);
        else if (a->lo >= 0)
            set_range(e, 0, a->hi);
        else if (b->lo >= 0)
            set_range(e, 0, b->hi);
        else
            set_range(e, type_min(e->w, e->s), type_max(e->w, e->s));
        break;
    case E_OR:
    case E_XOR:
        if (a->lo >= 0 && b->lo >= 0) {
            set_range(e, e->k == E_XOR ? 0 : a->lo > b->lo ? a->lo : b->lo,
                      ((i128)1 << bits_unsigned(a->hi > b->hi ? a->hi : b->hi)) - 1);
        } else {
            const int n = bits_signed(a->lo < b->lo ? a->lo : b->lo, a->hi > b->hi ? a->hi : b->hi);

            set_range(e, -((i128)1 << (n - 1)), ((i128)1 << (n - 1)) - 1);
        }
        break;
    default:
        break;
    }
}

/* Operands come converted to their common type, as clang's tree has them. */
struct expr *mk_bin(enum ekind k, struct expr *a, struct expr *b, int w, bool s, struct loc at)
{
    struct expr *e;

    if (k == E_LAND || k == E_LOR) {
        a = mk_bool(a);
        b = mk_bool(b);
        if (a->k == E_CONST)
            return mk_cast(is_true(a) == (k == E_LAND) ? b : a, w, s);
        if (b->k == E_CONST && is_true(b) == (k == E_LAND))
            return mk_cast(a, w, s);
        if (b->k == E_CONST)                                 /* a && 0: a has no effect */
            return mk_const(w, s, k == E_LOR, at);
        e = mk(k, 1, false, at);
        e->a = a;
        e->b = b;
        return mk_cast(e, w, s);
    }
    if (a->k == E_CONST && b->k == E_CONST)
        return mk_const(w, s, fold(k, a->lo, b->lo), at);
    if (((k >= E_EQ && k <= E_GE) || k == E_SUB || k == E_XOR) && same_expr(a, b))
        return mk_const(w, s, k == E_EQ || k == E_LE || k == E_GE, at);
    if (k >= E_EQ && k <= E_GE) {
        int known = -1;

        if (a->hi < b->lo)
            known = k == E_NE || k == E_LT || k == E_LE;
        else if (a->lo > b->hi)
            known = k == E_NE || k == E_GT || k == E_GE;
        else if (a->hi <= b->lo && (k == E_LE || k == E_GT))
            known = k == E_LE;
        else if (a->lo >= b->hi && (k == E_GE || k == E_LT))
            known = k == E_GE;
        if (known >= 0)
            return mk_const(w, s, known, at);
        if (b->k == E_CONST && a->lo >= 0 && a->hi <= 1 && (k == E_EQ || k == E_NE)) {
            struct expr *t = mk_bool(a);                     /* b is 0 or 1 here */

            if ((b->lo == 1) != (k == E_EQ))
                return mk_un(E_LNOT, t, w, s, at);
            return mk_cast(t, w, s);
        }
        e = mk(k, 1, false, at);
        e->a = a;
        e->b = b;
        return mk_cast(e, w, s);
    }
    if (is_false(b) && (k == E_ADD || k == E_SUB || k == E_SHL || k == E_SHR || k == E_OR || k == E_XOR))
        return mk_cast(a, w, s);
    if (is_false(a) && (k == E_ADD || k == E_OR || k == E_XOR))
        return mk_cast(b, w, s);
    if ((k == E_MUL || k == E_AND) && (is_false(a) || is_false(b)))
        return mk_const(w, s, 0, at);
    if ((k == E_MUL || k == E_DIV) && b->k == E_CONST && b->lo == 1)
        return mk_cast(a, w, s);
    if (k == E_MUL && a->k == E_CONST && a->lo == 1)
        return mk_cast(b, w, s);
    if (k == E_AND && b->k == E_CONST && a->lo >= 0 && b->lo >= 0 &&
        (b->lo & (((i128)1 << bits_unsigned(a->hi)) - 1)) == ((i128)1 << bits_unsigned(a->hi)) - 1)
        return mk_cast(a, w, s);                             /* the mask takes nothing away */
    if (a->lo >= 0 && b->k == E_CONST && b->lo > 0 && (b->lo & (b->lo - 1)) == 0) {
        if (k == E_MOD)
            return mk_bin(E_AND, a, mk_const(b->w, b->s, b->lo - 1, at), w, s, at);
        if (k == E_DIV)
            return mk_bin(E_SHR, a, mk_const(32, true, bits_unsigned(b->lo) - 1, at), w, s, at);
        if (k == E_MUL)
            return mk_bin(E_SHL, a, mk_const(32, true, bits_unsigned(b->lo) - 1, at), w, s, at);
    }
    e = mk(k, w, s, at);
    e->a = a;
    e->b = b;
    range_of(e);
    return e;
}

struct expr *mk_cond(struct expr *c, struct expr *a, struct expr *b, struct loc at)
{
    c = mk_bool(c);
    if (c->k == E_CONST)
        return is_true(c) ? a : b;
    if (same_expr(a, b))
        return a;
    struct expr *e = mk(E_COND, a->w, a->s, at);

    e->c = c;
    e->a = a;
    e->b = b;
    e->lanes = a->lanes > b->lanes ? a->lanes : b->lanes;
    e->lo = a->lo < b->lo ? a->lo : b->lo;
    e->hi = a->hi > b->hi ? a->hi : b->hi;
    return e;
}

bool same_expr(const struct expr *a, const struct expr *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->k != b->k || a->w != b->w || a->s != b->s)
        return false;
    if (a->k == E_CONST)
        return a->lo == b->lo;
    if (a->k == E_LEAF) {
        if (a->v != b->v || a->nidx != b->nidx || a->post != b->post || a->lanes != b->lanes)
            return false;
        for (int i = 0; i < a->nidx; i++)
            if (!same_expr(a->idx[i], b->idx[i]) &&
                !(a->idx[i]->k == E_CONST && b->idx[i]->k == E_CONST && a->idx[i]->lo == b->idx[i]->lo))
                return false;
        return true;
    }
    return same_expr(a->a, b->a) && same_expr(a->b, b->b) && same_expr(a->c, b->c);
}

void visit_expr(struct expr *e, visit_fn *f, void *ctx)
{
    if (e == NULL)
        return;
    f(e, ctx);
    for (int i = 0; i < e->nidx; i++)
        visit_expr(e->idx[i], f, ctx);
    visit_expr(e->c, f, ctx);
    visit_expr(e->a, f, ctx);
    visit_expr(e->b, f, ctx);
}
