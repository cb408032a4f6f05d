/*
 * lower.c - a module's C function -> flat program over scalar and array leaves.
 *
 * Loops are unrolled, helper functions inlined, structs split into their fields, pointers resolved to what
 * they point at, constants folded; a child's call becomes assignments to its input ports and a
 * mark.  Refuses here what only shows up on the way: bounds, aliases, children, memories' shapes.
 */
#include <ctype.h>
#include <string.h>
#include "hlsc.h"

enum okind { O_STATE, O_IN, O_OUT, O_LOCAL, O_TABLE };
struct object {
    enum okind k;
    const char *prefix, *cname;
    struct type *t;
    struct map vars;                       /* C path -> variable */
    struct node *decl;
    const struct design *d;                /* a helper's locals belong to one module at a time */
};

struct lval {
    struct object *o;
    const char *path, *cpath;              /* Verilog name part; path in C words */
    struct type *t;
    int bits;
    int nidx, ndim, dim[MAXDIM];
    struct expr *idx[MAXDIM];
    struct memory *mem;
    int memidx, lsb;
    bool child_out, child;                 /* inside a child's wires / its state */
    int child_dims;                        /* indices that are part of the instance's name */
    struct loc at;
};

enum { FALL = 1, BREAK = 2, CONT = 4, RET = 8 };

struct scope { struct scope *up; struct var *brk, *cont; bool is_switch; };
struct frame {
    struct frame *up;
    struct node *func;
    struct object *ret;
    struct var *retflag;
    struct scope *scope;
};

struct lower {
    struct design *d;
    struct unit *u;
    struct block *cur;
    struct block pend;
    struct frame *frame;
    int cond;                              /* how many run-time conditions we stand under */
    struct object *in, *out, *state;
    struct map mems, partition, useop;
    int depth;
    bool declaring;
};

static const struct design *lowering;

static int lower_stmt(struct lower *L, struct node *n);
static struct expr *rval(struct lower *L, struct node *n);
static void lval_of(struct lower *L, struct node *n, struct lval *v);
static void ptr_of(struct lower *L, struct node *n, struct lval *v);
static void agg_lval(struct lower *L, struct node *n, struct lval *v);
static void assign_agg(struct lower *L, struct lval *dst, struct node *src);
static bool call(struct lower *L, struct node *n, struct lval *ret);

static struct node *strip(struct node *n)
{
    while (n != NULL && (n->k == N_PAREN || n->k == N_CONSTEXPR))
        n = n->ch[0];
    return n;
}

/* ---- names ---- */

static const char *const keywords[] = {
    "always", "and", "assign", "assert", "automatic", "begin", "bind", "bit", "break", "buf", "byte", "case", "casex",
    "casez", "cell", "checker", "class", "clocking", "config", "const", "context", "continue", "cover", "deassign",
    "default", "defparam", "disable", "dist", "do", "edge", "else", "end", "endcase", "endfunction", "endmodule",
    "enum", "event", "expect", "export", "extends", "extern", "final", "first_match", "for", "force", "foreach",
    "forever", "fork", "function", "generate", "genvar", "global", "if", "iff", "import", "initial", "inout",
    "input", "inside", "instance", "int", "integer", "interface", "join", "large", "let", "liblist", "library",
    "local", "localparam", "logic", "longint", "macromodule", "matches", "medium", "modport", "module", "nand",
    "negedge", "new", "nexttime", "nmos", "nor", "not", "null", "or", "output", "package", "packed", "parameter",
    "pmos", "posedge", "primitive", "priority", "program", "property", "protected", "pull0", "pull1", "pure",
    "rand", "randc", "real", "realtime", "ref", "reg", "release", "repeat", "restrict", "return", "scalared",
    "sequence", "shortint", "shortreal", "showcancelled", "signed", "small", "solve", "specify", "specparam",
    "static", "string", "strong", "strong0", "strong1", "struct", "super", "supply0", "supply1", "table",
    "tagged", "task", "this", "throughout", "time", "timeprecision", "timeunit", "tran", "tri", "tri0", "tri1",
    "type", "typedef", "union", "unique", "unsigned", "until", "use", "uwire", "var", "vectored", "virtual",
    "void", "wait", "wand", "weak", "weak0", "weak1", "while", "wildcard", "wire", "with", "within", "wor",
    "xnor", "xor",
};

static bool keyword(const char *s)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcmp(s, keywords[i]) == 0)
            return true;
    return false;
}

const char *fresh_name(struct design *d, const char *want)
{
    const char *name = want;

    for (int i = 2; map_get(&d->names, name) != NULL || keyword(name); i++)
        name = fmt("%s__%d", want, i);
    map_set(&d->names, name, d);
    return intern(name);
}

struct var *new_var(struct design *d, enum vkind k, const char *name, int w, bool s)
{
    struct var *v = arena(sizeof *v);

    *v = (struct var){ .k = k, .w = w, .s = s, .n = 1, .id = d->nvar, .last_write = -1 };
    v->name = fresh_name(d, name);
    v->cname = v->name;
    PUSH(d->var, d->nvar, d->capvar, v);
    return v;
}

/* ---- flat statements ---- */

static struct stmt *add(struct lower *L, enum skind k, struct loc at)
{
    struct stmt *s = arena(sizeof *s);

    s->k = k;
    s->at = at;
    PUSH(L->cur->s, L->cur->n, L->cur->cap, s);
    return s;
}

static void assign_var(struct lower *L, struct var *v, struct expr *e, struct loc at)
{
    struct stmt *s = add(L, S_ASSIGN, at);

    s->lhs = mk_leaf(v, 0, NULL, at);
    s->rhs = e;
}

static void flush(struct lower *L)
{
    for (int i = 0; i < L->pend.n; i++)
        PUSH(L->cur->s, L->cur->n, L->cur->cap, L->pend.s[i]);
    L->pend = (struct block){ 0 };
}

/* A condition that will be read after pending increments: keep its value. */
static struct expr *settle(struct lower *L, struct expr *e)
{
    if (L->pend.n == 0)
        return e;
    struct var *t = new_var(L->d, V_LOCAL, "cond", e->w, e->s);

    assign_var(L, t, e, e->at);
    flush(L);
    return mk_leaf(t, 0, NULL, e->at);
}

/* ---- places ---- */

static int type_bits(const struct type *t, int bits)
{
    if (t->k == T_INT)
        return bits ? bits : t->width;
    if (t->k == T_ARRAY)
        return t->n * type_bits(t->elem, 0);
    int sum = 0;

    for (int i = 0; i < t->rec->n; i++)
        sum += type_bits(t->rec->f[i].t, t->rec->f[i].bits);
    return sum;
}

static struct object *new_object(enum okind k, const char *prefix, struct type *t)
{
    struct object *o = arena(sizeof *o);

    *o = (struct object){ .k = k, .prefix = prefix, .cname = prefix, .t = t, .d = lowering };
    return o;
}

static void lval_object(struct lval *v, struct object *o, struct loc at)
{
    *v = (struct lval){ .o = o, .path = "", .cpath = "", .t = o->t, .at = at };
}

static bool is_child_state(struct lower *L, const struct type *t)
{
    struct record *s, *i, *o;

    while (t->k == T_ARRAY)
        t = t->elem;
    return t->k == T_STRUCT && is_module(L->u, fmt("%s_clock", t->rec->tag), &s, &i, &o) && s == t->rec;
}

static void lval_field(struct lower *L, struct lval *v, const struct field *f)
{
    if (v->mem != NULL && v->memidx == v->mem->ndim) {
        for (int i = 0; i < v->t->rec->n && &v->t->rec->f[i] != f; i++)
            v->lsb += type_bits(v->t->rec->f[i].t, v->t->rec->f[i].bits);
    }
    if (v->child)
        error(v->at, "give the child an output port and read that", "a child's registers are its own");
    if (f->name != NULL) {
        v->path = *v->path ? fmt("%s_%s", v->path, f->name) : f->name;
        v->cpath = *v->cpath ? fmt("%s.%s", v->cpath, f->name) : f->name;
    }
    v->t = f->t;
    v->bits = f->bits;
    if (v->o->k == O_STATE) {
        if (f->child_out) {
            v->child_out = true;
            for (const struct type *t = f->t; t->k == T_ARRAY; t = t->elem)
                v->child_dims++;
        }
        if (v->mem == NULL && (v->mem = map_get(&L->mems, v->cpath)) != NULL)
            v->memidx = 0;
        if (is_child_state(L, f->t) && !v->child_out) {
            v->child = true;
            for (const struct type *t = f->t; t->k == T_ARRAY; t = t->elem)
                v->child_dims++;
        }
    }
}

static void lval_index(struct lower *L, struct lval *v, struct expr *i)
{
    (void)L;
    const int n = v->t->n;

    if (i->k == E_CONST && (i->lo < 0 || i->lo >= n))
        error(v->at, "stay inside the array", "index %lld is outside %s[%d]", (long long)i->lo, v->o->cname, n);
    if (v->child_dims > 0) {
        if (i->k != E_CONST)
            error(v->at, "loop over the children with constant bounds and select by comparing the counter",
                  "children are indexed by constants only");
        v->child_dims--;
        v->path = fmt("%s_%d", v->path, (int)i->lo);
        v->cpath = fmt("%s[%d]", v->cpath, (int)i->lo);
    } else if (v->mem != NULL && v->memidx == v->mem->ndim) {
        if (i->k != E_CONST)
            error(v->at, "make it a further dimension of the memory, or index it with constants",
                  "an array inside a memory's element needs a constant index");
        v->lsb += (int)i->lo * type_bits(v->t->elem, 0);
        v->cpath = fmt("%s[%d]", v->cpath, (int)i->lo);
    } else {
        if (v->nidx == MAXDIM)
            error(v->at, "use fewer dimensions", "more than %d dimensions", MAXDIM);
        v->dim[v->ndim++] = n;
        v->idx[v->nidx++] = i;
        if (v->mem != NULL)
            v->memidx++;
        v->cpath = fmt("%s[]", v->cpath);
    }
    v->t = v->t->elem;
    v->bits = 0;
}

static void table_init(struct lower *L, struct var *v, struct object *o, const char *cpath);

static struct var *var_of(struct lower *L, struct lval *v)
{
    struct var *x = map_get(&v->o->vars, v->cpath);

    if (x != NULL)
        return x;
    if (v->t->k != T_INT)
        error(v->at, "use integers, bool, enums and structs of them", "type '%s' has no hardware",
              v->t->text ? v->t->text : "?");
    static const enum vkind kind[] = { V_STATE, V_IN, V_OUT, V_LOCAL, V_TABLE };
    const int w = v->bits ? v->bits : v->t->width;
    const char *name = *v->path ? *v->o->prefix ? fmt("%s_%s", v->o->prefix, v->path) : v->path : v->o->prefix;

    if (v->o->k == O_IN || v->o->k == O_OUT) {              /* the port's name is taken already */
        x = arena(sizeof *x);
        *x = (struct var){ .k = kind[v->o->k], .w = w, .s = v->t->sgn, .n = 1, .id = L->d->nvar,
                           .last_write = -1, .name = intern(name) };
        PUSH(L->d->var, L->d->nvar, L->d->capvar, x);
    } else {
        x = new_var(L->d, v->child_out ? V_CHILD_OUT : kind[v->o->k], name, w, v->t->sgn);
        int n = v->mem != NULL || v->child_out || v->o->k == O_TABLE ? 0 : 1;

        for (int i = 0; i < v->ndim; i++)
            n *= v->dim[i];
        for (int i = 0; i < n && v->ndim != 0; i++)          /* names of elements that become registers */
            if (map_get(&L->d->names, fmt("%s_%d", x->name, i)) != NULL) {
                x->name = fresh_name(L->d, fmt("%s_", x->name));
                i = -1;
            }
        for (int i = 0; i < n && v->ndim != 0; i++)
            map_set(&L->d->names, fmt("%s_%d", x->name, i), L->d);
    }
    x->at = v->at;
    x->ndim = v->ndim;
    x->cname = v->o->k == O_LOCAL || v->o->k == O_TABLE
                   ? *v->cpath ? fmt("%s.%s", v->o->cname, v->cpath) : v->o->cname
                   : fmt("%s->%s", v->o->k == O_STATE ? "r" : v->o->k == O_IN ? "in" : "out", v->cpath);
    for (int i = 0; i < v->ndim; i++) {
        x->dim[i] = v->dim[i];
        x->n *= v->dim[i];
    }
    x->mem = v->mem;
    x->lsb = v->lsb;
    x->use_dsp = v->o->k == O_LOCAL ? map_get(&L->useop, v->o->cname) != NULL
                                    : map_get(&L->useop, fmt("r->%s", v->cpath)) != NULL;
    map_set(&v->o->vars, v->cpath, x);
    if (v->o->k == O_TABLE)
        table_init(L, x, v->o, v->cpath);
    return x;
}

static void note_index(struct lower *L, struct var *x, const struct lval *v)
{
    (void)L;
    for (int i = 0; i < v->nidx; i++)
        if (v->idx[i]->k != E_CONST) {
            x->varying = x->vdim[i] = true;
            if (x->mem != NULL && i < x->mem->ndim)
                x->mem->varying[i] = true;
        }
}

/* "Outputs are written, never read: keep the value in a register." */
static struct expr *load(struct lower *L, struct lval *v, struct loc at)
{
    if (v->o->k == O_OUT)
        error(at, "read the register (r->...) that the output shows", "'out' is read");
    if (v->child)
        error(at, "give the child an output port and read that", "a child's registers are its own");
    v->at = at;
    struct var *x = var_of(L, v);

    note_index(L, x, v);
    if (x->k == V_TABLE) {
        i128 flat = 0;
        bool known = true;

        for (int i = 0; i < v->nidx; i++) {
            known = known && v->idx[i]->k == E_CONST;
            flat = flat * v->dim[i] + v->idx[i]->lo;
        }
        if (known)
            return mk_const(x->w, x->s, x->init[flat]->lo, at);
        x->reads++;
    }
    struct expr *e = mk_leaf(x, v->nidx, v->idx, at);

    e->post = x->k == V_CHILD_OUT && x->inst != NULL && x->inst->called;
    return e;
}

/* "Inputs are sampled, never written." */
static void store(struct lower *L, struct lval *v, struct expr *e, struct loc at)
{
    v->at = at;
    if (v->o->k == O_IN)
        error(at, "copy it to a local variable and change that", "'in' is written");
    if (v->child_out)
        error(at, "let the child's clock function write it; hold values in a register of your own",
              "'r->%s' is a child's output", v->cpath);
    if (v->child)
        error(at, "give the child an input port", "a child's registers are its own");
    struct var *x = var_of(L, v);

    note_index(L, x, v);
    struct stmt *s = add(L, S_ASSIGN, at);

    s->lhs = mk_leaf(x, v->nidx, v->idx, at);
    s->rhs = x->w == 1 && v->t->is_bool ? mk_bool(e) : mk_cast(e, x->w, x->s);
}

/* Calls f for every scalar inside v, with constant indices for the arrays on the way. */
typedef void leaf_fn(struct lower *L, struct lval *leaf, void *ctx);

static void each_leaf(struct lower *L, const struct lval *v, leaf_fn *f, void *ctx)
{
    if (v->t->k == T_ARRAY) {
        for (int i = 0; i < v->t->n; i++) {
            struct lval e = *v;

            lval_index(L, &e, mk_const(32, true, i, v->at));
            each_leaf(L, &e, f, ctx);
        }
    } else if (v->t->k == T_STRUCT) {
        for (int i = 0; i < v->t->rec->n; i++) {
            struct lval e = *v;

            lval_field(L, &e, &v->t->rec->f[i]);
            each_leaf(L, &e, f, ctx);
        }
    } else {
        struct lval e = *v;

        f(L, &e, ctx);
    }
}

struct leaves { struct lval *v; int n, cap; };

static void collect(struct lower *L, struct lval *leaf, void *ctx)
{
    struct leaves *l = ctx;

    (void)L;
    PUSH(l->v, l->n, l->cap, *leaf);
}

static struct leaves leaves_of(struct lower *L, const struct lval *v)
{
    struct leaves l = { 0 };

    each_leaf(L, v, collect, &l);
    return l;
}

/* dst = src, struct or array; both of one type. */
static void copy_agg(struct lower *L, const struct lval *dst, const struct lval *src, struct loc at)
{
    struct leaves d = leaves_of(L, dst), s = leaves_of(L, src);

    for (int i = 0; i < d.n; i++) {
        struct expr *e = load(L, &s.v[i], at);

        store(L, &d.v[i], e, at);
    }
}

/* ---- constants and tables ---- */

static i128 const_of(struct lower *L, struct node *n, const char *what)
{
    struct expr *e = rval(L, n);

    if (e->k != E_CONST)
        error(n->at, "use a constant: a literal, an enum, a macro, or arithmetic on them", "%s is not constant", what);
    return e->lo;
}

/* Walks a table's initialiser; clang has put every element in its place. */
static void table_walk(struct lower *L, struct node *n, struct type *t, int bits, const char *cpath,
                       const char *want, i128 flat, struct var *v)
{
    n = strip(n);
    if (t->k == T_ARRAY) {
        const char *p = fmt("%s[]", cpath);

        if (strncmp(want, p, strlen(p)) != 0)
            return;
        for (int i = 0; i < t->n; i++)
            table_walk(L, n != NULL && n->k == N_INITLIST && i < n->n ? n->ch[i] : NULL, t->elem, 0, p, want,
                       flat * t->n + i, v);
    } else if (t->k == T_STRUCT) {
        for (int i = 0; i < t->rec->n; i++) {
            const struct field *f = &t->rec->f[i];
            const char *p = f->name == NULL ? cpath : *cpath ? fmt("%s.%s", cpath, f->name) : f->name;

            if (strncmp(want, p, strlen(p)) == 0)
                table_walk(L, n != NULL && n->k == N_INITLIST && i < n->n ? n->ch[i] : NULL, f->t, f->bits, p,
                           want, flat, v);
        }
    } else if (strcmp(cpath, want) == 0) {
        const i128 x = n == NULL || n->k == N_ZERO ? 0 : const_of(L, n, "a table's entry");

        v->init[flat] = mk_const(bits ? bits : t->width, t->sgn, x, v->at);
    }
}

static void table_init(struct lower *L, struct var *v, struct object *o, const char *cpath)
{
    v->init = arena((size_t)v->n * sizeof *v->init);
    table_walk(L, o->decl->n != 0 ? o->decl->ch[0] : NULL, o->t, 0, "", cpath, 0, v);
}

/* "Mutable globals and statics are refused: state lives in the module's struct." */
static struct object *global_object(struct node *decl, struct loc at)
{
    struct type *t = decl->t;

    while (t->k == T_ARRAY)
        t = t->elem;
    if (!t->cnst)
        error(at, "make it a field of the module's state, or 'static const'",
              "'%s' is a variable outside the module's state", decl->name);
    if (decl->obj == NULL || decl->obj->d != lowering) {
        decl->obj = new_object(O_TABLE, decl->name, decl->t);
        decl->obj->decl = decl;
    }
    return decl->obj;
}

static struct object *object_of(struct lower *L, struct node *ref)
{
    struct node *d = ref->ref;

    if (d == NULL || (d->k != N_VAR && d->k != N_PARAM))
        error(ref->at, "use fields of the state, locals, parameters or tables", "'%s' is not a variable",
              ref->name ? ref->name : "?");
    if (d->k == N_VAR && (map_get(&L->u->globals, d->name) == d || d->is_static))
        return global_object(d, ref->at);
    if (d->obj == NULL)
        error(ref->at, "pass it by '&' of a variable", "'%s' has no place here", d->name);
    return d->obj;
}

/* ---- lvalues ---- */

static void lval_of(struct lower *L, struct node *n, struct lval *v)
{
    n = strip(n);
    switch (n->k) {
    case N_REF:
        lval_object(v, object_of(L, n), n->at);
        return;
    case N_MEMBER:
        if (n->arrow)
            ptr_of(L, n->ch[0], v);
        else
            agg_lval(L, n->ch[0], v);
        if (v->t->k == T_ARRAY && n->arrow)
            lval_index(L, v, mk_const(32, true, 0, n->at));
        v->at = n->at;
        if (n->field == NULL)
            error(n->at, NULL, "unknown field");
        lval_field(L, v, n->field);
        return;
    case N_INDEX: {
        ptr_of(L, n->ch[0], v);
        v->at = n->at;
        struct expr *i = rval(L, n->ch[1]);

        if (v->t->k != T_ARRAY)
            error(n->at, "pass the array itself and index it here",
                  "pointer arithmetic: this pointer is to one object, not to an array");
        lval_index(L, v, i);
        return;
    }
    case N_UNARY:
        if (strcmp(n->op, "*") == 0) {
            ptr_of(L, n->ch[0], v);
            if (v->t->k == T_ARRAY)
                lval_index(L, v, mk_const(32, true, 0, n->at));
            return;
        }
        break;
    case N_COMPLIT:
    case N_CALL:
        agg_lval(L, n, v);
        return;
    case N_CAST:
        if (strcmp(n->op, "NoOp") == 0 || strcmp(n->op, "LValueToRValue") == 0) {
            lval_of(L, n->ch[0], v);
            return;
        }
        break;
    default:
        break;
    }
    error(n->at, "name a variable, a field or an array element", "not something that can be stored in");
}

/* "Pointers only pass structs and arrays to helpers: no arithmetic, no casts, no storage." */
static void ptr_of(struct lower *L, struct node *n, struct lval *v)
{
    n = strip(n);
    switch (n->k) {
    case N_UNARY:
        if (strcmp(n->op, "&") == 0) {
            lval_of(L, n->ch[0], v);
            return;
        }
        break;
    case N_CAST:
        if (strcmp(n->op, "ArrayToPointerDecay") == 0) {
            lval_of(L, n->ch[0], v);
            return;
        }
        if (strcmp(n->op, "LValueToRValue") == 0 || strcmp(n->op, "NoOp") == 0) {
            ptr_of(L, n->ch[0], v);
            return;
        }
        break;
    case N_REF:
        if (n->ref != NULL && n->ref->alias != NULL) {
            *v = *n->ref->alias;
            v->at = n->at;
            return;
        }
        break;
    default:
        break;
    }
    error(n->at, "pass '&' of a variable, a field or an element, or an array's name", "pointer arithmetic or stored pointer");
}

/* A struct value as a place: its own place, or a temporary. */
static void agg_lval(struct lower *L, struct node *n, struct lval *v)
{
    n = strip(n);
    if (n->k == N_CAST && (strcmp(n->op, "LValueToRValue") == 0 || strcmp(n->op, "NoOp") == 0)) {
        agg_lval(L, n->ch[0], v);
        return;
    }
    if (n->k == N_CALL) {
        if (!call(L, n, v))
            error(n->at, NULL, "a function without a value");
        return;
    }
    if (n->k == N_COMPLIT || n->k == N_INITLIST || n->k == N_COND || n->k == N_ZERO) {
        struct object *o = new_object(O_LOCAL, "tmp", n->t);

        lval_object(v, o, n->at);
        assign_agg(L, v, n);
        return;
    }
    lval_of(L, n, v);
}

struct inits { struct lval *v; struct expr **e; int n, cap, cap2; };

static void add_init(struct inits *l, struct lval *v, struct expr *e)
{
    int n = l->n;

    PUSH(l->v, l->n, l->cap, *v);
    PUSH(l->e, n, l->cap2, e);
}

static void gather(struct lower *L, struct lval *dst, struct node *src, struct inits *l)
{
    if (src != NULL)
        src = strip(src);
    if (src == NULL || src->k == N_ZERO) {
        struct leaves z = leaves_of(L, dst);

        for (int i = 0; i < z.n; i++)
            add_init(l, &z.v[i], mk_const(32, true, 0, dst->at));
    } else if (dst->t->k == T_INT) {
        add_init(l, dst, rval(L, src));
    } else if (src->k == N_INITLIST && dst->t->k == T_ARRAY) {
        for (int i = 0; i < dst->t->n; i++) {
            struct lval e = *dst;

            lval_index(L, &e, mk_const(32, true, i, src->at));
            gather(L, &e, i < src->n ? src->ch[i] : NULL, l);
        }
    } else if (src->k == N_INITLIST) {
        for (int i = 0; i < dst->t->rec->n; i++) {
            struct lval e = *dst;

            lval_field(L, &e, &dst->t->rec->f[i]);
            gather(L, &e, i < src->n ? src->ch[i] : NULL, l);
        }
    } else if (src->k == N_COMPLIT) {
        gather(L, dst, src->ch[0], l);
    } else {
        struct lval s;

        agg_lval(L, src, &s);
        struct leaves a = leaves_of(L, dst), b = leaves_of(L, &s);

        for (int i = 0; i < a.n; i++)
            add_init(l, &a.v[i], load(L, &b.v[i], src->at));
    }
}

struct reads_ctx { const struct lval *v; int n; struct lower *L; bool hit; };

static void find_read(struct expr *e, void *ctx)
{
    struct reads_ctx *c = ctx;

    if (e->k == E_LEAF)
        for (int i = 0; i < c->n; i++)
            if (map_get(&c->v[i].o->vars, c->v[i].cpath) == e->v)
                c->hit = true;
}

static void assign_agg(struct lower *L, struct lval *dst, struct node *src)
{
    src = strip(src);
    while (src->k == N_CAST && (strcmp(src->op, "LValueToRValue") == 0 || strcmp(src->op, "NoOp") == 0))
        src = strip(src->ch[0]);
    if (src->k == N_COND) {
        struct expr *c = settle(L, mk_bool(rval(L, src->ch[0])));
        struct lval a, b;

        if (c->k == E_CONST) {
            assign_agg(L, dst, src->ch[is_true(c) ? 1 : 2]);
            return;
        }
        L->cond++;
        agg_lval(L, src->ch[1], &a);
        agg_lval(L, src->ch[2], &b);
        L->cond--;
        struct leaves d = leaves_of(L, dst), la = leaves_of(L, &a), lb = leaves_of(L, &b);

        for (int i = 0; i < d.n; i++) {
            struct expr *x = load(L, &la.v[i], src->at), *y = load(L, &lb.v[i], src->at);

            store(L, &d.v[i], mk_cond(c, x, y, src->at), src->at);
        }
        return;
    }
    if (src->k != N_COMPLIT && src->k != N_INITLIST && src->k != N_ZERO) {
        struct lval s;

        agg_lval(L, src, &s);
        copy_agg(L, dst, &s, src->at);
        return;
    }
    struct inits l = { 0 };

    gather(L, dst, src, &l);
    struct reads_ctx c = { .v = l.v, .n = l.n, .L = L };

    if (!L->declaring)
        for (int i = 0; i < l.n; i++)
            visit_expr(l.e[i], find_read, &c);
    if (c.hit)
        for (int i = 0; i < l.n; i++)
            if (l.e[i]->k != E_CONST) {
                struct var *t = new_var(L->d, V_LOCAL, "tmp", l.e[i]->w, l.e[i]->s);

                assign_var(L, t, l.e[i], src->at);
                l.e[i] = mk_leaf(t, 0, NULL, src->at);
            }
    for (int i = 0; i < l.n; i++)
        store(L, &l.v[i], l.e[i], src->at);
}

/* ---- expressions ---- */

static int size_of(struct type *t, int *align, struct loc at)
{
    int a = 1, size = 0;

    switch (t->k) {
    case T_INT:
        a = size = t->width == 1 ? 1 : t->width / 8;
        break;
    case T_ARRAY:
        size = t->n * size_of(t->elem, &a, at);
        break;
    case T_PTR:
        a = size = 8;
        break;
    case T_STRUCT:
        for (int i = 0; i < t->rec->n; i++) {
            int fa = 1;
            const int fs = size_of(t->rec->f[i].t, &fa, at);

            if (t->rec->f[i].bits)
                error(at, "name the size with an enum or a macro", "sizeof a struct with bit-fields");
            size = (size + fa - 1) / fa * fa + fs;
            a = fa > a ? fa : a;
        }
        size = (size + a - 1) / a * a;
        break;
    default:
        error(at, "name the size with an enum or a macro", "sizeof this type");
    }
    if (align != NULL)
        *align = a;
    return size;
}

static struct type *plain(struct node *n)
{
    if (n->t == NULL || n->t->k != T_INT)
        error(n->at, "use integers, bool, enums and structs of them", "type '%s' has no hardware",
              n->t && n->t->text ? n->t->text : "?");
    return n->t;
}

static struct expr *to_type(struct expr *e, const struct type *t)
{
    return t->is_bool ? mk_bool(e) : mk_cast(e, t->width, t->sgn);
}

static const struct { const char *op; enum ekind k; } binops[] = {
    { "+", E_ADD }, { "-", E_SUB }, { "*", E_MUL }, { "/", E_DIV }, { "%", E_MOD }, { "<<", E_SHL },
    { ">>", E_SHR }, { "&", E_AND }, { "|", E_OR }, { "^", E_XOR }, { "==", E_EQ }, { "!=", E_NE },
    { "<", E_LT }, { "<=", E_LE }, { ">", E_GT }, { ">=", E_GE }, { "&&", E_LAND }, { "||", E_LOR },
};

static enum ekind binop(struct node *n, size_t len)
{
    for (size_t i = 0; i < sizeof binops / sizeof *binops; i++)
        if (strlen(binops[i].op) == len && strncmp(binops[i].op, n->op, len) == 0)
            return binops[i].k;
    error(n->at, "write it with the ordinary operators", "operator '%s'", n->op);
}

/*
 * "Divide by what cannot be zero: hardware has no trap, and C leaves x / 0 undefined."
 * "Shift by 0 to width - 1: beyond that C leaves the result undefined."
 */
static struct expr *arith(struct node *n, enum ekind k, struct expr *a, struct expr *b, const struct type *t)
{
    if ((k == E_DIV || k == E_MOD) && b->lo <= 0 && b->hi >= 0)
        error(n->at, "divide by a constant, or by a value that cannot be 0, such as (x | 1)",
              "division by something that can be 0");
    if ((k == E_SHL || k == E_SHR) && b->k == E_CONST && (b->lo < 0 || b->lo >= t->width))
        error(n->at, "shift by less than the operand's width", "shift by %lld of a %d-bit value",
              (long long)b->lo, t->width);
    return mk_bin(k, a, b, t->width, t->sgn, n->at);
}

/*
 * "Cast a bit-field wider than int before arithmetic": gcc computes in the field's own width,
 * clang in its declared type.
 */
static void check_wide_field(struct node *n)
{
    struct node *s = strip(n);

    while (s->k == N_CAST && strcmp(s->op, "IntegralCast") == 0 && s->t->width == 64)
        if (strcmp(s->kind, "CStyleCastExpr") == 0)
            return;
        else
            s = strip(s->ch[0]);
    if (s->k == N_CAST && strcmp(s->op, "LValueToRValue") == 0) {
        s = strip(s->ch[0]);
        if (s->k == N_MEMBER && s->field != NULL && s->field->bits > 32 && s->field->bits < 64)
            error(n->at, "cast it first, such as (uint64_t)x, or copy it to a uint64_t",
                  "arithmetic on the %d-bit bit-field '%s': gcc and clang compute it in different widths",
                  s->field->bits, s->field->name);
    }
}

static bool arithmetic(enum ekind k)
{
    return k == E_ADD || k == E_SUB || k == E_MUL || k == E_SHL;
}

/* x op= y, x++, --x; returns the place. */
static void modify(struct lower *L, struct node *n, struct lval *v, bool later)
{
    struct expr *old, *e;
    struct type *ct;

    lval_of(L, n->ch[0], v);
    old = load(L, v, n->at);
    if (n->k == N_UNARY) {
        ct = v->t->width < 32 ? NULL : v->t;
        e = mk_bin(n->op[0] == '+' ? E_ADD : E_SUB, mk_cast(old, ct ? ct->width : 32, ct ? ct->sgn : true),
                   mk_const(ct ? ct->width : 32, ct ? ct->sgn : true, 1, n->at), ct ? ct->width : 32,
                   ct ? ct->sgn : true, n->at);
        if (v->t->is_bool && n->op[0] == '-')
            error(n->at, "write x = !x or x = false", "-- on a bool");
    } else {
        const enum ekind k = binop(n, strlen(n->op) - 1);

        ct = n->aux;
        if (arithmetic(k))
            check_wide_field(n->ch[1]);
        struct expr *b = rval(L, n->ch[1]);
        struct type *lt = ct;

        e = arith(n, k, mk_cast(old, lt->width, lt->sgn), b, ct);
    }
    if (later) {
        struct block *cur = L->cur;

        L->cur = &L->pend;
        store(L, v, e, n->at);
        L->cur = cur;
    } else {
        store(L, v, e, n->at);
    }
}

static void no_effect_under(struct lower *L, struct node *n, int cond_before, const char *what)
{
    (void)cond_before;
    if (L->depth > 0)
        error(n->at, "write it as an if statement", "%s inside '?:', '&&' or '||'", what);
}

static struct expr *rval(struct lower *L, struct node *n)
{
    struct lval v;
    struct expr *a, *b;
    struct type *t;

    switch (n->k) {
    case N_PAREN:
    case N_CONSTEXPR:
        return rval(L, n->ch[0]);
    case N_INT:
        t = plain(n);
        return mk_const(t->width, t->sgn, t->sgn ? (i128)n->val : (i128)(uint64_t)n->val, n->at);
    case N_ZERO:
        t = plain(n);
        return mk_const(t->width, t->sgn, 0, n->at);
    case N_INITLIST:                                        /* int x = {0} */
        return n->n != 0 ? rval(L, n->ch[0]) : mk_const(plain(n)->width, n->t->sgn, 0, n->at);
    case N_REF:
        if (n->ref != NULL && n->ref->k == N_ENUMCONST)
            return mk_const(plain(n)->width, n->t->sgn, n->ref->val, n->at);
        break;
    case N_CAST:
        if (strcmp(n->op, "LValueToRValue") == 0) {
            struct node *s = strip(n->ch[0]);

            if (s->k == N_REF && s->ref != NULL && s->ref->bound != NULL)
                return to_type(s->ref->bound, plain(n));
            lval_of(L, n->ch[0], &v);
            return to_type(load(L, &v, s->at), plain(n));
        }
        if (strcmp(n->op, "IntegralCast") == 0)
            return to_type(rval(L, n->ch[0]), plain(n));
        if (strcmp(n->op, "IntegralToBoolean") == 0)
            return mk_bool(rval(L, n->ch[0]));
        if (strcmp(n->op, "NoOp") == 0)
            return rval(L, n->ch[0]);
        error(n->at, "convert between integers only", "conversion '%s'", n->op);
    case N_UNARY:
        if (strcmp(n->op, "++") == 0 || strcmp(n->op, "--") == 0) {
            no_effect_under(L, n, 0, "an increment");
            modify(L, n, &v, n->postfix);
            return to_type(load(L, &v, n->at), plain(n));
        }
        t = plain(n);
        if (strcmp(n->op, "+") == 0 || strcmp(n->op, "__extension__") == 0)
            return rval(L, n->ch[0]);
        if (strcmp(n->op, "-") == 0 || strcmp(n->op, "~") == 0)
            check_wide_field(n->ch[0]);
        if (strcmp(n->op, "*") == 0)
            break;
        a = rval(L, n->ch[0]);
        if (strcmp(n->op, "-") == 0)
            return mk_un(E_NEG, a, t->width, t->sgn, n->at);
        if (strcmp(n->op, "~") == 0)
            return mk_un(E_NOT, a, t->width, t->sgn, n->at);
        if (strcmp(n->op, "!") == 0)
            return mk_un(E_LNOT, a, t->width, t->sgn, n->at);
        break;
    case N_BINARY: {
        if (strcmp(n->op, "=") == 0) {
            no_effect_under(L, n, 0, "an assignment");
            lval_of(L, n->ch[0], &v);
            store(L, &v, rval(L, n->ch[1]), n->at);
            return to_type(load(L, &v, n->at), plain(n));
        }
        if (strcmp(n->op, ",") == 0) {
            no_effect_under(L, n, 0, "a comma");
            rval(L, n->ch[0]);
            return rval(L, n->ch[1]);
        }
        const enum ekind k = binop(n, strlen(n->op));

        t = plain(n);
        if (k == E_LAND || k == E_LOR) {
            a = mk_bool(rval(L, n->ch[0]));
            if (a->k == E_CONST && is_true(a) == (k == E_LOR))
                return mk_const(t->width, t->sgn, k == E_LOR, n->at);
            L->depth += a->k != E_CONST;
            b = mk_bool(rval(L, n->ch[1]));
            L->depth -= a->k != E_CONST;
            return mk_bin(k, a, b, t->width, t->sgn, n->at);
        }
        if (arithmetic(k)) {
            check_wide_field(n->ch[0]);
            if (k != E_SHL)
                check_wide_field(n->ch[1]);
        }
        if (n->ch[0]->t->k == T_PTR)
            error(n->at, "compare and compute indices, not pointers", "pointer arithmetic");
        a = rval(L, n->ch[0]);
        b = rval(L, n->ch[1]);
        return arith(n, k, a, b, t);
    }
    case N_COMPASSIGN:
        no_effect_under(L, n, 0, "an assignment");
        modify(L, n, &v, false);
        return to_type(load(L, &v, n->at), plain(n));
    case N_COND:
        t = plain(n);
        a = mk_bool(rval(L, n->ch[0]));
        if (a->k == E_CONST)
            return rval(L, n->ch[is_true(a) ? 1 : 2]);
        L->depth++;
        b = rval(L, n->ch[1]);
        struct expr *c = rval(L, n->ch[2]);

        L->depth--;
        return mk_cond(a, mk_cast(b, t->width, t->sgn), mk_cast(c, t->width, t->sgn), n->at);
    case N_SIZEOF:
        t = n->aux ? n->aux : n->n != 0 ? n->ch[0]->t : NULL;
        if (t == NULL || strcmp(n->name ? n->name : "", "sizeof") != 0)
            error(n->at, "name the size with an enum or a macro", "this kind of sizeof");
        return mk_const(64, false, size_of(t, NULL, n->at), n->at);
    case N_CALL: {
        if (!call(L, n, &v))
            error(n->at, "return a value", "this call has no value");
        if (v.o == NULL)                                    /* substituted: bound in idx[0] */
            return to_type(v.idx[0], plain(n));
        return to_type(load(L, &v, n->at), plain(n));
    }
    case N_COMPLIT:
        agg_lval(L, n, &v);
        return load(L, &v, n->at);
    case N_FLOAT:
        error(n->at, "use integers with a binary point of your own", "floating point");
    default:
        break;
    }
    if (n->k == N_MEMBER || n->k == N_INDEX || n->k == N_UNARY || n->k == N_REF) {
        if (n->k == N_REF && n->ref != NULL && n->ref->bound != NULL)
            return n->ref->bound;
        lval_of(L, n, &v);
        return load(L, &v, n->at);
    }
    error(n->at, "use integer expressions", "%s has no hardware", n->kind);
}

/* ---- calls ---- */

static void count_writes(struct node *n)
{
    if (n == NULL)
        return;
    struct node *t = NULL;

    if ((n->k == N_BINARY && strcmp(n->op, "=") == 0) || n->k == N_COMPASSIGN ||
        (n->k == N_UNARY && (strcmp(n->op, "++") == 0 || strcmp(n->op, "--") == 0 || strcmp(n->op, "&") == 0)))
        t = strip(n->ch[0]);
    if (t != NULL && t->k == N_REF && t->ref != NULL)
        t->ref->assigned++;
    for (int i = 0; i < n->n; i++)
        count_writes(n->ch[i]);
}

static int uses_of(struct node *n, struct node *decl)
{
    int c = 0;

    if (n == NULL)
        return 0;
    if (n->k == N_REF && n->ref == decl)
        return 1;
    for (int i = 0; i < n->n; i++)
        c += uses_of(n->ch[i], decl);
    return c;
}

static bool simple(const struct expr *e)
{
    while (e->k == E_CAST)
        e = e->a;
    return e->k == E_CONST || (e->k == E_LEAF && e->nidx == 0);
}

static struct lval *alias_of(struct lower *L, const struct lval *v)
{
    struct lval *a = arena(sizeof *a);

    *a = *v;
    for (int i = 0; i < a->nidx; i++)                       /* the index at the time of the call */
        if (a->idx[i]->k != E_CONST) {
            struct var *t = new_var(L->d, V_LOCAL, "index", a->idx[i]->w, a->idx[i]->s);

            assign_var(L, t, a->idx[i], a->at);
            a->idx[i] = mk_leaf(t, 0, NULL, a->at);
        }
    return a;
}

static struct node *callee(struct lower *L, struct node *n)
{
    struct node *f = strip(n->ch[0]);

    while (f->k == N_CAST)
        f = strip(f->ch[0]);
    if (f->k != N_REF || f->name == NULL || f->ref == NULL || f->ref->k != N_FUNC)
        error(n->at, "call the function by its name", "function pointer");
    struct node *d = map_get(&L->u->decl, f->name);

    return d ? d : f->ref;
}

static void child_call(struct lower *L, struct node *n, const char *module, struct record *in, struct record *out)
{
    struct lval st, ci, co;

    /* "A child is clocked at every edge: not under an if." */
    if (L->cond != 0 || L->depth != 0)
        error(n->at, "call it always and give it an enable input", "child '%s' is clocked under a condition", module);
    ptr_of(L, n->ch[1], &st);
    if (st.o->k != O_STATE || !st.child || st.t->k != T_STRUCT)
        error(n->ch[1]->at, "pass '&r->child', one element of the parent's state",
              "a child's state must be a field of the parent's state");
    ptr_of(L, n->ch[2], &ci);
    ptr_of(L, n->ch[3], &co);
    if (!co.child_out || co.t->k != T_STRUCT)
        error(n->ch[3]->at, fmt("give the parent's state a field 'struct %s_out' and pass its address", module),
              "a child's outputs must go to a field of the parent's state");
    if (ci.t->k != T_STRUCT || ci.t->rec != in)
        error(n->ch[2]->at, "pass the address of one struct", "not a 'struct %s_in'", module);

    struct instance *inst = arena(sizeof *inst);

    for (int i = 0; i < L->d->ninst; i++)
        if (strcmp(L->d->inst[i]->name, st.path) == 0)
            error(n->at, "clock each child once", "child '%s' is clocked twice in one edge", st.cpath);
    *inst = (struct instance){ .name = st.path, .module = module, .in = in, .out = out, .at = n->at };
    PUSH(L->d->inst, L->d->ninst, L->d->capinst, inst);

    struct leaves l = leaves_of(L, &ci);
    struct map ports = { 0 };
    struct object *po = new_object(O_LOCAL, "", ci.t);      /* names the ports */

    for (int i = 0; i < l.n; i++) {
        struct lval port;
        char *pname;
        struct expr *e = load(L, &l.v[i], n->at);

        (void)po;
        /* the port's name: the leaf's path without the argument's own */
        const size_t skip = strlen(ci.path);

        pname = fmt("%s", l.v[i].path + skip + (skip != 0 && l.v[i].path[skip] == '_'));
        struct var *v = map_get(&ports, pname);

        (void)port;
        if (v == NULL) {
            v = arena(sizeof *v);
            *v = (struct var){ .k = V_CHILD_IN, .w = l.v[i].bits ? l.v[i].bits : l.v[i].t->width,
                               .s = l.v[i].t->sgn, .n = 0, .id = L->d->nvar, .at = n->at, .inst = inst,
                               .port = intern(pname), .name = intern(fmt("%s_%s", st.path, pname)) };
            v->cname = v->name;
            PUSH(L->d->var, L->d->nvar, L->d->capvar, v);
            map_set(&ports, pname, v);
            PUSH(inst->inv, inst->ninv, inst->capinv, v);
        }
        struct expr *ix[1] = { mk_const(32, true, v->n, n->at) };
        struct stmt *s = add(L, S_ASSIGN, n->at);

        v->n++;
        s->lhs = mk_leaf(v, 1, ix, n->at);
        s->rhs = mk_cast(e, v->w, v->s);
    }
    for (int i = 0; i < inst->ninv; i++) {
        inst->inv[i]->ndim = 1;
        inst->inv[i]->dim[0] = inst->inv[i]->n;
    }
    struct leaves o = leaves_of(L, &co);

    for (int i = 0; i < o.n; i++) {
        struct var *v = var_of(L, &o.v[i]);
        const size_t skip = strlen(co.path);

        if (v->inst == inst)
            continue;                                       /* further elements of an array port */
        if (v->inst != NULL)
            error(n->at, "give each child a field of its own", "two children write one output field");
        v->inst = inst;
        v->port = intern(o.v[i].path + skip + 1);
        PUSH(inst->outv, inst->noutv, inst->capoutv, v);
    }
    add(L, S_CALL, n->at)->inst = inst;
    inst->called = true;
}

static struct lval call_ret;

/* Inlines a call; true and *ret if it has a value.  ret->o NULL: the value is ret->idx[0]. */
static bool call(struct lower *L, struct node *n, struct lval *ret)
{
    struct node *f = callee(L, n);
    struct record *st, *in, *out;

    if (is_module(L->u, f->name, &st, &in, &out)) {
        child_call(L, n, st->tag, in, out);
        return false;
    }
    if (f->body == NULL) {
        static const char *const heap[] = { "malloc", "calloc", "realloc", "free", "alloca" };

        for (size_t i = 0; i < sizeof heap / sizeof *heap; i++)
            if (strcmp(f->name, heap[i]) == 0)
                error(n->at, "make it a field of the module's state", "the heap ('%s')", f->name);
        error(n->at, "define it as 'static' in this file or a header", "'%s' has no body here", f->name);
    }
    /* "No recursion." */
    for (struct frame *fr = L->frame; fr != NULL; fr = fr->up)
        if (fr->func == f)
            error(n->at, "write a loop with constant bounds", "recursion: '%s' calls itself", f->name);
    if (f->assigned == 0) {
        f->assigned = 1;
        count_writes(f->body);
    }
    const bool value = f->ret != NULL && f->ret->k != T_VOID;
    const bool one_liner = value && f->ret->k == T_INT && f->body->n == 1 && f->body->ch[0]->k == N_RETURN;
    struct expr **old_bound = arena(sizeof *old_bound * 32);
    struct lval **old_alias = arena(sizeof *old_alias * 32);
    struct object **old_obj = arena(sizeof *old_obj * 32);
    struct expr **arg = arena(sizeof *arg * 32);
    struct lval **al = arena(sizeof *al * 32);
    struct object **ob = arena(sizeof *ob * 32);

    if (f->n > 32 || n->n - 1 != f->n)
        error(n->at, "pass a struct", "a call with other or more than 32 arguments");
    for (int i = 0; i < f->n; i++) {
        struct node *p = f->ch[i], *a = n->ch[i + 1];
        struct lval v;

        if (p->k != N_PARAM)
            error(n->at, NULL, "odd parameter");
        if (p->t->k == T_PTR) {
            ptr_of(L, a, &v);
            al[i] = alias_of(L, &v);
        } else if (p->t->k == T_STRUCT) {
            ob[i] = new_object(O_LOCAL, p->name, p->t);
            lval_object(&v, ob[i], a->at);
            assign_agg(L, &v, a);
        } else {
            struct expr *e = to_type(rval(L, a), plain(p));

            if (p->assigned == 0 && (e->k == E_CONST ||
                                     (one_liner && (simple(e) || uses_of(f->body, p) <= 1)))) {
                arg[i] = e;
            } else {
                ob[i] = new_object(O_LOCAL, p->name, p->t);
                lval_object(&v, ob[i], a->at);
                store(L, &v, e, a->at);
            }
        }
    }
    for (int i = 0; i < f->n; i++) {
        old_bound[i] = f->ch[i]->bound;
        old_alias[i] = f->ch[i]->alias;
        old_obj[i] = f->ch[i]->obj;
        f->ch[i]->bound = arg[i];
        f->ch[i]->alias = al[i];
        f->ch[i]->obj = ob[i];
    }
    struct frame fr = { .up = L->frame, .func = f };

    L->frame = &fr;
    if (one_liner) {
        *ret = (struct lval){ .idx = { to_type(rval(L, f->body->ch[0]->ch[0]), f->ret) } };
    } else {
        struct block *cur = L->cur;
        const int cond = L->cond, depth = L->depth;

        L->depth = 0;
        if (value) {
            fr.ret = new_object(O_LOCAL, f->name, f->ret);
            lval_object(ret, fr.ret, n->at);
            call_ret = *ret;
        }
        fr.retflag = new_var(L->d, V_LOCAL, fmt("%s_done", f->name), 1, false);
        assign_var(L, fr.retflag, mk_const(1, false, 0, n->at), n->at);
        const int m = lower_stmt(L, f->body);

        if (value && (m & FALL))
            error(f->at, "end it with a return statement", "'%s' may end without returning a value", f->name);
        L->cur = cur;
        L->cond = cond;
        L->depth = depth;
    }
    L->frame = fr.up;
    for (int i = 0; i < f->n; i++) {
        f->ch[i]->bound = old_bound[i];
        f->ch[i]->alias = old_alias[i];
        f->ch[i]->obj = old_obj[i];
    }
    return value;
}

/* ---- statements ---- */

static struct expr *flag_read(struct var *v, struct loc at)
{
    return mk_leaf(v, 0, NULL, at);
}

/* Continues under "none of these jumps happened". */
static void guard(struct lower *L, int kinds, struct loc at)
{
    struct expr *c = mk_const(1, false, 0, at);
    struct scope *loop = L->frame->scope;

    while (loop != NULL && loop->is_switch)
        loop = loop->up;
    if (kinds & RET)
        c = mk_bin(E_LOR, c, flag_read(L->frame->retflag, at), 1, false, at);
    if (kinds & BREAK)
        c = mk_bin(E_LOR, c, flag_read(L->frame->scope->brk, at), 1, false, at);
    if ((kinds & CONT) && loop != NULL)
        c = mk_bin(E_LOR, c, flag_read(loop->cont, at), 1, false, at);
    if (c->k == E_CONST)
        return;
    struct stmt *s = add(L, S_IF, at);

    s->rhs = mk_un(E_LNOT, c, 1, false, at);
    L->cur = &s->a;
    L->cond++;
}

static void declare(struct lower *L, struct node *d)
{
    if (d->k == N_STATICASSERT || d->k == N_OTHER)
        return;
    if (d->k != N_VAR)
        error(d->at, "declare variables only", "declaration '%s'", d->kind);
    if (d->is_static) {
        global_object(d, d->at);
        return;
    }
    struct node *init = d->n != 0 ? d->ch[0] : NULL;

    d->bound = NULL;
    d->alias = NULL;
    if (d->t->k == T_PTR) {
        struct lval v;

        if (init == NULL || d->assigned != 0)
            error(d->at, "initialise it once with '&' of a variable, a field or an element", "stored pointer '%s'", d->name);
        ptr_of(L, init, &v);
        flush(L);
        d->alias = alias_of(L, &v);
        return;
    }
    if (d->t->k == T_INT && init != NULL) {
        struct expr *e = to_type(rval(L, init), d->t);

        if (d->assigned == 0 && e->k == E_CONST) {
            d->bound = e;
            flush(L);
            return;
        }
        if (d->obj == NULL || d->obj->d != lowering)
            d->obj = new_object(O_LOCAL, d->name, d->t);
        struct lval v;

        lval_object(&v, d->obj, d->at);
        store(L, &v, e, d->at);
        flush(L);
        return;
    }
    if (d->t->k == T_FLOAT)
        error(d->at, "use integers with a binary point of your own", "floating point");
    if (d->t->k != T_INT && d->t->k != T_STRUCT && d->t->k != T_ARRAY)
        error(d->at, "use integers, bool, enums and structs of them", "type '%s' has no hardware", d->t->text);
    if (d->obj == NULL || d->obj->d != lowering)
        d->obj = new_object(O_LOCAL, d->name, d->t);
    struct lval v;

    lval_object(&v, d->obj, d->at);
    if (init != NULL) {
        L->declaring = init->k == N_INITLIST;
        assign_agg(L, &v, init);
        L->declaring = false;
        flush(L);
    } else {
        for (size_t i = 0; i < d->obj->vars.cap; i++)       /* seen before: unassigned again */
            if (d->obj->vars.slot[i].key != NULL)
                add(L, S_UNDEF, d->at)->var = d->obj->vars.slot[i].val;
    }
}

static int branch(struct lower *L, struct node *n, struct block *b, struct block **end, int *cond_end)
{
    const int cond = L->cond;

    L->cur = b;
    L->cond = cond + 1;
    const int m = n != NULL ? lower_stmt(L, n) : FALL;

    *end = L->cur;
    *cond_end = L->cond;
    L->cond = cond;
    return m;
}

static int lower_if(struct lower *L, struct node *n)
{
    struct expr *c = mk_bool(rval(L, n->ch[0]));

    c = settle(L, c);
    if (c->k == E_CONST) {
        if (is_true(c))
            return lower_stmt(L, n->ch[1]);
        return n->n > 2 ? lower_stmt(L, n->ch[2]) : FALL;
    }
    struct block *saved = L->cur, *enda, *endb;
    int ca, cb;
    struct stmt *s = add(L, S_IF, n->at);

    s->rhs = c;
    const int ma = branch(L, n->ch[1], &s->a, &enda, &ca);
    const int mb = branch(L, n->n > 2 ? n->ch[2] : NULL, &s->b, &endb, &cb);

    L->cur = saved;
    if (ma == FALL && mb == FALL)
        return FALL;
    if (!(ma & FALL) && !(mb & FALL))
        return ma | mb;
    if (!(ma & FALL)) {
        L->cur = endb;
        L->cond = cb;
    } else if (!(mb & FALL)) {
        L->cur = enda;
        L->cond = ca;
    } else {
        guard(L, (ma | mb) & ~FALL, n->end);
    }
    return ma | mb;
}

static struct node *loop_var(struct node *n)
{
    n = strip(n);
    if (n == NULL)
        return NULL;
    if ((n->k == N_BINARY && strcmp(n->op, "=") == 0) || n->k == N_COMPASSIGN ||
        (n->k == N_UNARY && (strcmp(n->op, "++") == 0 || strcmp(n->op, "--") == 0))) {
        struct node *t = strip(n->ch[0]);

        return t->k == N_REF ? t->ref : NULL;
    }
    return NULL;
}

static int writes_in(struct node *n, struct node *decl)
{
    int c = 0;

    if (n == NULL)
        return 0;
    if (loop_var(n) == decl)
        c++;
    for (int i = 0; i < n->n; i++)
        c += writes_in(n->ch[i], decl);
    return c;
}

/* "Loops have constant bounds: the counter starts, ends and steps by constants." */
static int lower_for(struct lower *L, struct node *n)
{
    static const char advice[] = "for (int i = 0; i < CONSTANT; i++), with an if inside for the rest";
    struct node *init = n->ch[0], *cond = n->ch[2], *inc = n->ch[3], *body = n->ch[4], *var = NULL;

    if (init == NULL || cond == NULL || inc == NULL)
        error(n->at, advice, "a loop without start, bound or step");
    if (init->k == N_DECLSTMT && init->n == 1 && init->ch[0]->k == N_VAR && init->ch[0]->n == 1) {
        var = init->ch[0];
        if (var->t->k != T_INT)
            error(var->at, advice, "a loop counter that is not an integer");
        var->bound = to_type(rval(L, var->ch[0]), var->t);
    } else if ((var = loop_var(init)) != NULL && strip(init)->k == N_BINARY) {
        var->bound = to_type(rval(L, strip(init)->ch[1]), var->t);
    } else {
        error(init->at, advice, "a loop that does not set one counter");
    }
    if (var->bound->k != E_CONST)
        error(init->at, advice, "the loop starts at a value that is not constant");
    if (loop_var(inc) != var)
        error(inc->at, advice, "the loop does not step its counter");
    if (writes_in(body, var) != 0)
        error(body->at, "use 'continue', 'break' or an if", "the loop's body changes its counter '%s'", var->name);

    struct scope sc = { .up = L->frame->scope };
    struct block *saved = L->cur;
    const int saved_cond = L->cond;
    int all = 0;
    bool open = true;                                       /* the bound can be reached */

    sc.brk = new_var(L->d, V_LOCAL, "broke", 1, false);
    sc.cont = new_var(L->d, V_LOCAL, "skipped", 1, false);
    assign_var(L, sc.brk, mk_const(1, false, 0, n->at), n->at);
    L->frame->scope = &sc;
    for (int turn = 0;; turn++) {
        struct expr *c = mk_bool(rval(L, cond));

        if (c->k != E_CONST)
            error(cond->at, advice, "the loop's bound is not constant");
        if (is_false(c))
            break;
        if (turn > 65536)
            error(n->at, advice, "more than 65536 turns");
        struct block *iter = L->cur;
        const int iter_cond = L->cond;

        assign_var(L, sc.cont, mk_const(1, false, 0, n->at), n->at);
        struct expr *keep = var->bound;
        const int m = lower_stmt(L, body);

        var->bound = keep;
        all |= m;
        if (!(m & (FALL | CONT))) {
            open = false;
            break;
        }
        if (m & CONT) {
            L->cur = iter;
            L->cond = iter_cond;
            guard(L, m & (BREAK | RET), n->at);
        }
        struct node *i = strip(inc);
        const struct type *t = var->t;
        struct expr *one = mk_const(32, true, 1, n->at), *v = var->bound;

        if (i->k == N_UNARY)
            v = mk_bin(i->op[0] == '+' ? E_ADD : E_SUB, v, one, t->width, t->sgn, n->at);
        else if (i->k == N_BINARY)
            v = rval(L, i->ch[1]);
        else
            v = arith(i, binop(i, strlen(i->op) - 1), v, rval(L, i->ch[1]), t);
        v = to_type(v, t);
        if (v->k != E_CONST)
            error(inc->at, advice, "the loop's step is not constant");
        var->bound = v;
    }
    L->frame->scope = sc.up;
    if (init->k == N_DECLSTMT)
        var->bound = NULL;
    if (all & (BREAK | CONT)) {
        L->cur = saved;
        L->cond = saved_cond;
        guard(L, all & RET, n->at);
    }
    if (!open && !(all & BREAK))
        return all & RET;
    return FALL | (all & RET);
}

struct case_arm { struct expr **label; int nlabel, caplabel; bool is_default; struct node **s; int n, cap; struct loc at; };

/* "Switch: each case ends with break or return; only empty cases fall through." */
static int lower_switch(struct lower *L, struct node *n)
{
    struct expr *e = settle(L, rval(L, n->ch[0]));
    struct node *body = n->ch[1];
    struct case_arm *arm = NULL;
    int narm = 0, cap = 0;

    if (body->k != N_COMPOUND)
        error(body->at, "put the cases in braces", "a switch without a block");
    for (int i = 0; i < body->n; i++) {
        struct node *s = body->ch[i];

        if (s->k == N_CASE || s->k == N_DEFAULT) {
            if (narm != 0) {
                struct case_arm *p = &arm[narm - 1];
                struct node *last = p->n != 0 ? p->s[p->n - 1] : NULL;

                while (last != NULL && last->k == N_COMPOUND)
                    last = last->n != 0 ? last->ch[last->n - 1] : NULL;
                if (last == NULL || (last->k != N_BREAK && last->k != N_RETURN && last->k != N_CONTINUE))
                    error(s->at, "end the case above with break", "the case above falls through");
            }
            struct case_arm a = { .at = s->at };

            PUSH(arm, narm, cap, a);
            while (s->k == N_CASE || s->k == N_DEFAULT) {
                struct case_arm *p = &arm[narm - 1];

                if (s->k == N_DEFAULT) {
                    p->is_default = true;
                    s = s->ch[0];
                } else {
                    if (s->n != 2)
                        error(s->at, "list the values", "a case range");
                    PUSH(p->label, p->nlabel, p->caplabel,
                         mk_const(e->w, e->s, const_of(L, s->ch[0], "a case label"), s->at));
                    s = s->ch[1];
                }
            }
        } else if (narm == 0) {
            error(s->at, "move it before the switch", "a statement before the first case");
        }
        PUSH(arm[narm - 1].s, arm[narm - 1].n, arm[narm - 1].cap, s);
    }
    struct scope sc = { .up = L->frame->scope, .is_switch = true };
    int all = 0;
    bool has_default = false;

    sc.brk = new_var(L->d, V_LOCAL, "broke", 1, false);
    assign_var(L, sc.brk, mk_const(1, false, 0, n->at), n->at);
    L->frame->scope = &sc;
    struct block *saved = L->cur;
    const int cond = L->cond;

    if (e->k == E_CONST) {
        int pick = -1;

        for (int i = 0; i < narm; i++) {
            if (arm[i].is_default && pick < 0)
                pick = i;
            for (int j = 0; j < arm[i].nlabel; j++)
                if (arm[i].label[j]->lo == e->lo)
                    pick = i;
        }
        for (int i = 0; i < narm; i++)                       /* a label beats default */
            for (int j = 0; j < arm[i].nlabel; j++)
                if (arm[i].label[j]->lo == e->lo)
                    pick = i;
        int m = FALL;

        if (pick >= 0)
            for (int i = 0; i < arm[pick].n && (m & FALL); i++)
                m = (m & ~FALL) | lower_stmt(L, arm[pick].s[i]);
        L->frame->scope = sc.up;
        if ((m & BREAK) && (m & ~BREAK & ~FALL)) {
            L->cur = saved;
            L->cond = cond;
            guard(L, m & (RET | CONT), n->at);
        } else if (m & BREAK) {
            L->cur = saved;
            L->cond = cond;
        }
        return m & BREAK ? (m & ~BREAK) | FALL : m;
    }
    struct stmt *s = add(L, S_CASE, n->at);

    s->rhs = e;
    for (int i = 0; i < narm; i++) {
        struct arm a = { .label = arm[i].label, .nlabel = arm[i].nlabel, .is_default = arm[i].is_default };

        PUSH(s->arm, s->narm, s->caparm, a);
    }
    for (int i = 0; i < narm; i++) {
        int m = FALL;

        has_default |= arm[i].is_default;
        L->cur = &s->arm[i].body;
        L->cond = cond + 1;
        for (int j = 0; j < arm[i].n && (m & FALL); j++)
            m = (m & ~FALL) | lower_stmt(L, arm[i].s[j]);
        all |= m & BREAK ? (m & ~BREAK) | FALL : m;
    }
    if (!has_default)
        all |= FALL;
    L->frame->scope = sc.up;
    L->cur = saved;
    L->cond = cond;
    if ((all & FALL) && (all & ~FALL))
        guard(L, all & ~FALL, n->at);
    return all;
}

/* assert(e) is glibc's "e ? (void)0 : __assert_fail(...)". */
static struct node *assertion(struct node *n)
{
    n = strip(n);
    if (n->k != N_COND || n->n != 3)
        return NULL;
    struct node *c = strip(n->ch[2]);

    if (c->k != N_CALL)
        return NULL;
    struct node *f = strip(c->ch[0]);

    while (f->k == N_CAST)
        f = strip(f->ch[0]);
    return f->k == N_REF && f->name != NULL && strcmp(f->name, "__assert_fail") == 0 ? n->ch[0] : NULL;
}

static void expr_stmt(struct lower *L, struct node *n)
{
    struct lval v;

    n = strip(n);
    struct node *a = assertion(n);

    if (a != NULL) {
        struct expr *c = settle(L, mk_bool(rval(L, a)));
        struct stmt *s;

        if (is_true(c))
            return;
        s = add(L, S_ASSERT, n->at);
        s->rhs = c;
        int len = 0;
        const char *line = source_line(n->at.file, n->at.line, &len);

        s->msg = line ? fmt("%.*s", len, line) : "";
        return;
    }
    if (n->k == N_BINARY && strcmp(n->op, "=") == 0) {
        if (n->t->k == T_STRUCT) {
            lval_of(L, n->ch[0], &v);
            assign_agg(L, &v, n->ch[1]);
        } else {
            struct expr *e = rval(L, n->ch[1]);

            if (n->ch[0]->t->k == T_PTR)
                error(n->at, "initialise it where it is declared", "stored pointer");
            lval_of(L, n->ch[0], &v);
            store(L, &v, e, n->at);
        }
    } else if (n->k == N_BINARY && strcmp(n->op, ",") == 0) {
        expr_stmt(L, n->ch[0]);
        expr_stmt(L, n->ch[1]);
        return;
    } else if (n->k == N_COMPASSIGN || (n->k == N_UNARY && (strcmp(n->op, "++") == 0 || strcmp(n->op, "--") == 0))) {
        modify(L, n, &v, false);
    } else if (n->k == N_CALL) {
        call(L, n, &v);
    } else if (n->k == N_CAST && n->t->k == T_VOID) {
        struct node *s = strip(n->ch[0]);

        if (s->k == N_CALL)
            expr_stmt(L, s);
    } else {
        rval(L, n);                                         /* no effect, but its errors count */
    }
    flush(L);
}

static int lower_stmt(struct lower *L, struct node *n)
{
    struct lval v;

    switch (n->k) {
    case N_COMPOUND: {
        int m = FALL;

        for (int i = 0; i < n->n && (m & FALL); i++)
            m = (m & ~FALL) | lower_stmt(L, n->ch[i]);
        return m;
    }
    case N_DECLSTMT:
        for (int i = 0; i < n->n; i++)
            declare(L, n->ch[i]);
        return FALL;
    case N_IF:
        return lower_if(L, n);
    case N_FOR:
        return lower_for(L, n);
    case N_SWITCH:
        return lower_switch(L, n);
    case N_NULL:
        return FALL;
    case N_BREAK:
        assign_var(L, L->frame->scope->brk, mk_const(1, false, 1, n->at), n->at);
        return BREAK;
    case N_CONTINUE: {
        struct scope *s = L->frame->scope;

        while (s->is_switch)
            s = s->up;
        assign_var(L, s->cont, mk_const(1, false, 1, n->at), n->at);
        return CONT;
    }
    case N_RETURN:
        if (L->frame->ret != NULL && n->n != 0) {
            lval_object(&v, L->frame->ret, n->at);
            if (v.t->k == T_STRUCT)
                assign_agg(L, &v, n->ch[0]);
            else
                store(L, &v, rval(L, n->ch[0]), n->at);
            flush(L);
        }
        assign_var(L, L->frame->retflag, mk_const(1, false, 1, n->at), n->at);
        return RET;
    default:
        expr_stmt(L, n);
        return FALL;
    }
}

/* ---- pragmas ---- */

static const char *word_after(const char *text, const char *key)
{
    for (const char *p = text; (p = strstr(p, key)) != NULL; p++)
        if ((p == text || isspace((unsigned char)p[-1])) && p[strlen(key)] == '=') {
            p += strlen(key) + 1;
            return fmt("%.*s", (int)strcspn(p, " \t"), p);
        }
    return NULL;
}

/* All words of a pragma must be among those listed. */
static void only(const struct pragma *p, const char *args, const char *const *ok)
{
    while (*(args += strspn(args, " \t")) != 0) {
        const int len = (int)strcspn(args, " \t");
        bool found = false;

        for (int i = 0; ok[i] != NULL; i++) {
            const size_t n = strlen(ok[i]);

            found |= ok[i][n - 1] == '=' ? strncmp(args, ok[i], n) == 0
                                         : (int)n == len && strncmp(args, ok[i], n) == 0;
        }
        if (!found)
            error(p->at, "see docs/dialect.md for the arguments that hlsc takes", "pragma argument '%.*s'", len, args);
        args += len;
    }
}

/* r->a.b -> its type; errors name the pragma's line. */
static struct type *pragma_var(struct lower *L, const struct pragma *p, const char *var, const char **cpath)
{
    const char *r = L->d->func->ch[0]->name;
    const size_t n = strlen(r);
    struct record *rec = L->d->state;
    struct type *t = NULL;

    if (var == NULL || strncmp(var, r, n) != 0 || strncmp(var + n, "->", 2) != 0)
        error(p->at, fmt("variable=%s->field", r), "this pragma needs a field of the state");
    *cpath = intern(var + n + 2);
    for (const char *s = *cpath; *s != 0;) {
        const int len = (int)strcspn(s, ".");
        struct field *f = NULL;

        for (int i = 0; rec != NULL && i < rec->n; i++)
            if (rec->f[i].name != NULL && (int)strlen(rec->f[i].name) == len && strncmp(rec->f[i].name, s, (size_t)len) == 0)
                f = &rec->f[i];
        if (f == NULL)
            error(p->at, "name a field of the module's state", "the state has no '%s'", *cpath);
        t = f->t;
        rec = t->k == T_STRUCT ? t->rec : NULL;
        s += len + (s[len] == '.');
    }
    return t;
}

/* "A pragma that hlsc does not support is an error, never ignored." */
static void read_pragma(struct lower *L, struct pragma *p, bool clock_func)
{
    static const char *const pipeline[] = { "II=1", "ii=1", NULL };
    static const char *const none[] = { "recursive", NULL };
    static const char *const bind[] = { "variable=", "type=ram_1p", "type=ram_2p", "type=ram_s2p", "impl=lutram", "impl=bram",
                                        "impl=uram", "impl=LUTRAM", "impl=BRAM", "impl=URAM", NULL };
    static const char *const part[] = { "variable=", "complete", "type=complete", "dim=", NULL };
    static const char *const aggregate[] = { "variable=", "compact=bit", NULL };
    static const char *const op[] = { "variable=", "op=mul", "impl=dsp", NULL };
    static const char *const iface[] = { "mode=", "port=", "ap_ctrl_none", "ap_none", "register", "bundle=", "name=", NULL };
    static const char *const unroll[] = { "complete", NULL };
    const char *t = p->text;

    p->used = true;
    if (strncmp(t, "HLS", 3) != 0)
        error(p->at, "remove it", "unsupported pragma");
    t += 3;
    t += strspn(t, " \t");
    const int len = (int)strcspn(t, " \t");
    const char *name = fmt("%.*s", len, t), *args = t + len, *cpath;

    for (char *s = (char *)(uintptr_t)name; *s != 0; s++)
        *s = (char)toupper((unsigned char)*s);
    if (strcmp(name, "PIPELINE") == 0) {
        only(p, args, pipeline);
    } else if (strcmp(name, "INLINE") == 0) {
        only(p, args, none + 1);
    } else if (strcmp(name, "UNROLL") == 0) {
        only(p, args, unroll + 1);
    } else if (strcmp(name, "INTERFACE") == 0 && clock_func) {
        only(p, args, iface);
    } else if (strcmp(name, "BIND_OP") == 0) {
        only(p, args, op);
        if (word_after(t, "variable") == NULL || word_after(t, "op") == NULL || word_after(t, "impl") == NULL)
            error(p->at, "BIND_OP variable=x op=mul impl=dsp", "an argument is missing");
        map_set(&L->useop, word_after(t, "variable"), p);
    } else if (strcmp(name, "BIND_STORAGE") == 0 && clock_func) {
        only(p, args, bind);
        const char *impl = word_after(t, "impl");
        struct type *vt = pragma_var(L, p, word_after(t, "variable"), &cpath);
        struct memory *m = arena(sizeof *m);

        if (impl == NULL || word_after(t, "type") == NULL)
            error(p->at, "BIND_STORAGE variable=r->x type=ram_2p impl=lutram|bram|uram", "an argument is missing");
        if (vt->k != T_ARRAY)
            error(p->at, "leave it a plain register", "'%s' is not an array", cpath);
        m->at = p->at;
        m->st = tolower((unsigned char)impl[0]) == 'l' ? ST_LUTRAM : tolower((unsigned char)impl[0]) == 'b' ? ST_BRAM : ST_URAM;
        for (; vt->k == T_ARRAY; vt = vt->elem)
            m->dim[m->ndim++] = vt->n;
        m->elem_bits = type_bits(vt, 0);
        char *vn = fmt("r_%s", cpath);

        for (char *s = vn; *s != 0; s++)
            *s = *s == '.' ? '_' : *s;
        m->name = fresh_name(L->d, vn);
        if (map_get(&L->mems, cpath) != NULL)
            error(p->at, "keep one", "two BIND_STORAGE for one array");
        map_set(&L->mems, cpath, m);
        PUSH(L->d->mem, L->d->nmem, L->d->capmem, m);
    } else if (strcmp(name, "ARRAY_PARTITION") == 0 && clock_func) {
        only(p, args, part);
        struct type *vt = pragma_var(L, p, word_after(t, "variable"), &cpath);

        if (strstr(args, "complete") == NULL)
            error(p->at, "ARRAY_PARTITION variable=r->x complete", "only complete partitions");
        if (vt->k != T_ARRAY)
            error(p->at, "leave it a plain register", "'%s' is not an array", cpath);
        map_set(&L->partition, cpath, p);
    } else if (strcmp(name, "AGGREGATE") == 0 && clock_func) {
        only(p, args, aggregate);
        const char *v = word_after(t, "variable");
        struct node *const *param = L->d->func->ch;

        if (v == NULL || (strcmp(v, param[0]->name) != 0 && strcmp(v, param[1]->name) != 0 && strcmp(v, param[2]->name) != 0))
            error(p->at, fmt("variable=%s, %s or %s", param[0]->name, param[1]->name, param[2]->name),
                  "AGGREGATE is about all structs of a parameter");
    } else {
        error(p->at, clock_func ? "see docs/dialect.md for the pragmas that hlsc takes"
                                : "only INLINE, UNROLL and BIND_OP stand in helpers",
              "unsupported pragma 'HLS %s'", name);
    }
}

static bool inside(const struct pragma *p, const struct node *f)
{
    return strcmp(p->at.file, f->at.file) == 0 && p->at.line >= f->at.line && p->at.line <= f->end.line;
}

bool aggregates(const struct unit *u, const struct node *f, int param)
{
    for (int i = 0; i < u->npragma; i++) {
        const char *t = u->pragma[i].text, *v = word_after(t, "variable");

        if (inside(&u->pragma[i], f) && strstr(t, "AGGREGATE") != NULL && v != NULL && strcmp(v, f->ch[param]->name) == 0)
            return true;
    }
    return false;
}

static void read_module_pragmas(struct lower *L)
{
    for (int i = 0; i < L->u->npragma; i++) {
        struct pragma *p = &L->u->pragma[i];

        if (inside(p, L->d->func)) {
            read_pragma(L, p, true);
            continue;
        }
        bool other = false, helper = false;

        for (int j = 0; j < L->u->nfunc; j++) {
            struct node *f = L->u->func[j];
            struct record *a, *b, *c;

            if (inside(p, f)) {
                other = is_module(L->u, f->name, &a, &b, &c);
                helper = !other;
            }
        }
        if (helper)
            read_pragma(L, p, false);
        else if (!other && strcmp(p->text, "once") != 0)
            error(p->at, "remove it, or put it into the function it is about", "a pragma outside of functions");
    }
    for (int i = 0; i < L->d->nmem; i++) {                  /* partitioned dimensions of a memory */
        struct memory *m = L->d->mem[i];

        for (size_t j = 0; j < L->partition.cap; j++) {
            const char *key = L->partition.slot[j].key;

            if (key != NULL && map_get(&L->mems, key) == m) {
                const struct pragma *p = L->partition.slot[j].val;
                const char *dim = word_after(p->text, "dim");
                const int n = dim != NULL ? dim[0] - '0' : 1;

                if (n < 1 || n > m->ndim)
                    error(p->at, "dim=1 is the first", "no such dimension");
                m->split[n - 1] = true;
            }
        }
    }
}

/* ---- modules ---- */

struct ports { struct port **p; int *n, *cap; bool is_out, aggregate; };

/* Nothing but scalars, in structs at most? */
static bool no_arrays(const struct type *t)
{
    for (int i = 0; t->k == T_STRUCT && i < t->rec->n; i++)
        if (!no_arrays(t->rec->f[i].t))
            return false;
    return t->k != T_ARRAY;
}

static void ports_of(const struct type *t, int bits, const char *name, int n, struct bundle *bundle, const struct ports *to)
{
    if (t->k == T_ARRAY) {
        ports_of(t->elem, 0, name, n * t->n, bundle, to);
    } else if (t->k == T_STRUCT) {
        if (to->aggregate && bundle == NULL && *name && no_arrays(t) && type_bits(t, 0) <= 64) {
            bundle = arena(sizeof *bundle);
            bundle->port = bundle->name = name;
        }
        for (int i = 0; i < t->rec->n; i++) {
            const struct field *f = &t->rec->f[i];
            const char *sub = f->name == NULL ? name : *name ? fmt("%s_%s", name, f->name) : f->name;

            ports_of(f->t, f->bits, sub, n, bundle, to);
        }
    } else {
        struct port x = { .name = name, .w = bits ? bits : t->width, .s = t->sgn, .n = n, .is_out = to->is_out,
                          .bundle = bundle, .lsb = bundle != NULL ? bundle->w : 0 };

        if (bundle != NULL)
            bundle->w += x.w;
        PUSH(*to->p, *to->n, *to->cap, x);
    }
}

bool first_of_port(const struct port *p) { return p->bundle == NULL || p->lsb == 0; }

const char *port_name(const struct port *p) { return p->bundle != NULL ? p->bundle->port : p->name; }

int port_bits(const struct port *p) { return p->n * (p->bundle != NULL ? p->bundle->w : p->w); }

void flat_ports(struct record *r, bool is_out, bool aggregate, struct port **p, int *n, int *cap)
{
    const struct type t = { .k = T_STRUCT, .rec = r };
    const struct ports to = { p, n, cap, is_out, aggregate };

    ports_of(&t, 0, "", 1, NULL, &to);
}

static void mark_child_outs(struct lower *L, struct node *n)
{
    if (n == NULL)
        return;
    if (n->k == N_CALL && n->n == 4) {
        struct node *f = strip(n->ch[0]);
        struct record *a, *b, *c;

        while (f->k == N_CAST)
            f = strip(f->ch[0]);
        if (f->k == N_REF && f->name != NULL && is_module(L->u, f->name, &a, &b, &c)) {
            struct node *o = strip(n->ch[3]);

            if (o->k == N_UNARY && strcmp(o->op, "&") == 0) {
                o = strip(o->ch[0]);
                while (o->k == N_INDEX || o->k == N_CAST || o->k == N_PAREN)
                    o = o->ch[0];
                if (o->k == N_MEMBER && o->field != NULL)
                    o->field->child_out = true;
            }
        }
    }
    for (int i = 0; i < n->n; i++)
        mark_child_outs(L, n->ch[i]);
}

static void bind_root(struct lower *L, struct node *param, struct object **o, enum okind k, const char *prefix, struct record *rec)
{
    struct type *t = arena(sizeof *t);

    (void)L;
    *t = (struct type){ .k = T_STRUCT, .rec = rec };
    *o = new_object(k, prefix, t);
    (*o)->cname = param->name;
    param->alias = arena(sizeof *param->alias);
    lval_object(param->alias, *o, param->at);
}

struct design *lower(struct unit *u, struct node *f)
{
    struct design *d = arena(sizeof *d);
    struct lower L = { .d = d, .u = u };
    struct frame fr = { .func = f };
    struct port *p = NULL;
    int np = 0, cap = 0;

    lowering = d;
    d->u = u;
    d->func = f;
    d->name = fmt("%.*s", (int)strlen(f->name) - 6, f->name);
    d->clock = "ap_clk";
    is_module(u, f->name, &d->state, &d->in, &d->out);
    map_set(&d->names, "ap_clk", d);
    for (int i = 0; i < 3; i++)
        d->aggregate[i] = aggregates(u, f, i);
    flat_ports(d->in, false, d->aggregate[1], &p, &np, &cap);
    flat_ports(d->out, true, d->aggregate[2], &p, &np, &cap);
    /* "Port names: fields joined with '_'; a name may be an input or an output, not both." */
    for (int i = 0; i < np; i++)
        for (int whole = 0; whole < 1 + (p[i].bundle != NULL && first_of_port(&p[i])); whole++) {
            const char *name = whole ? port_name(&p[i]) : p[i].name;

            if (map_get(&d->names, name) != NULL)
                error(f->at, "rename one of the fields", "two ports of '%s' are named '%s'", d->name, name);
            if (keyword(name))
                error(f->at, "rename the field", "port name '%s' is a Verilog keyword", name);
            map_set(&d->names, name, d);
        }
    bind_root(&L, f->ch[0], &L.state, O_STATE, "r", d->state);
    bind_root(&L, f->ch[1], &L.in, O_IN, "", d->in);
    bind_root(&L, f->ch[2], &L.out, O_OUT, "", d->out);
    count_writes(f->body);
    read_module_pragmas(&L);
    for (int i = 0; i < u->nfunc; i++)
        mark_child_outs(&L, u->func[i]->body);
    L.cur = &d->body;
    L.frame = &fr;
    fr.retflag = new_var(d, V_LOCAL, "done", 1, false);
    assign_var(&L, fr.retflag, mk_const(1, false, 0, f->at), f->at);
    lower_stmt(&L, f->body);
    for (int i = 0; i < d->nvar; i++)
        if (d->var[i]->k == V_CHILD_OUT && d->var[i]->inst == NULL)
            error(d->var[i]->at, "clock that child too", "'%s' is read, but no child writes it", d->var[i]->cname);
    return d;
}
