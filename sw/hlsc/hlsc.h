/*
 * hlsc.h - the translator's shared types: syntax tree, expressions, flat program, design.
 *
 * One file a phase: read.c (clang's JSON -> tree), check.c (rules that need only the tree),
 * lower.c (tree -> flat program: loops unrolled, calls inlined, structs split into leaves),
 * flow.c (rules and facts that need the flat program), comb.c (child inputs and wire outputs as
 * single-assignment wires), emit.c (Verilog), soa.c (C for emu), glue.c (C++ glue).  Memory comes from one arena that is freed
 * at exit.  The first error ends the run: error() does not return.
 */
#ifndef HLSC_H
#define HLSC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 i128;

struct loc { const char *file; int line, col; };

/* ---- diag.c ---- */
void *arena(size_t bytes);                       /* zeroed, lives until exit */
char *fmt(const char *f, ...) __attribute__((format(printf, 1, 2)));
const char *intern(const char *s);
void diag_free(void);
const char *source_line(const char *file, int line, int *len);  /* NULL past the end */
/* Prints file:line:col: error: what; source line; caret; advice ("instead: ..."), then exits 1. */
_Noreturn void error(struct loc at, const char *advice, const char *f, ...)
    __attribute__((format(printf, 3, 4)));

#define PUSH(arr, n, cap, x) do {                                                     \
        if ((n) == (cap)) {                                                           \
            (cap) = (cap) ? 2 * (cap) : 8;                                            \
            (arr) = grow((arr), (size_t)(n) * sizeof *(arr), (size_t)(cap) * sizeof *(arr)); \
        }                                                                             \
        (arr)[(n)++] = (x);                                                           \
    } while (0)
void *grow(void *old, size_t old_bytes, size_t new_bytes);

/* String-keyed map with pointer values. */
struct map { struct slot { const char *key; void *val; } *slot; size_t n, cap; };
void *map_get(const struct map *m, const char *key);
void map_set(struct map *m, const char *key, void *val);

/* ---- types ---- */
enum tkind { T_VOID, T_INT, T_ARRAY, T_STRUCT, T_PTR, T_FLOAT, T_OTHER };
struct type {
    enum tkind k;
    int width;                     /* T_INT: value bits: bool 1, else 8..64                    */
    bool sgn, is_bool, is_enum, cnst;
    struct type *elem;             /* T_ARRAY, T_PTR                                           */
    int n;                         /* T_ARRAY; -1: not constant                                */
    struct record *rec;
    const char *text;
};
struct field {
    const char *name, *id;
    struct type *t;
    int bits;                      /* bit-field width, 0: not a bit-field                      */
    struct loc at;
    bool child_out;                /* written by an X_clock() call only: the child's wires     */
};
struct record {
    const char *tag;
    bool is_union;
    int n, cap;
    struct field *f;
    struct loc at;
};

/* ---- syntax tree ---- */
enum nkind {
    N_OTHER, N_COMPOUND, N_DECLSTMT, N_IF, N_FOR, N_WHILE, N_DO, N_SWITCH, N_CASE, N_DEFAULT, N_BREAK,
    N_CONTINUE, N_RETURN, N_NULL, N_GOTO, N_LABEL, N_VAR, N_PARAM, N_FUNC, N_INT, N_PAREN,
    N_CAST, N_REF, N_MEMBER, N_INDEX, N_UNARY, N_BINARY, N_COMPASSIGN, N_COND, N_CALL, N_SIZEOF,
    N_INITLIST, N_COMPLIT, N_ZERO, N_ENUMCONST, N_STMTEXPR, N_FLOAT, N_STRING, N_CONSTEXPR, N_FILLER,
    N_STATICASSERT
};
struct node {
    enum nkind k;
    const char *kind;              /* clang's name                                             */
    struct loc at, end;
    struct type *t;
    struct node **ch;              /* NULL entries: absent parts of a for                      */
    int n, cap;
    const char *name;              /* declaration's or member's name                           */
    const char *op;                /* operator or cast kind                                    */
    int64_t val;
    struct node *ref;              /* declaration that an N_REF names                          */
    struct field *field;           /* N_MEMBER                                                 */
    bool arrow, postfix, has_else, is_static, is_extern, in_main;
    struct type *aux;              /* sizeof's type; compound assignment's computation type    */
    struct type *ret;              /* N_FUNC                                                   */
    struct node *body;             /* N_FUNC                                                   */
    /* lowering's bindings of a declaration */
    struct expr *bound;            /* known constant or substituted value                      */
    struct object *obj;
    struct lval *alias;
    int assigned;                  /* number of assignments besides the initialiser            */
};
struct pragma { struct loc at; const char *text; bool used; };
struct unit {                      /* one translation unit                                     */
    const char *file;
    int nfunc, capfunc;
    struct node **func;            /* functions with bodies, outside system headers            */
    int npragma, cappragma;
    struct pragma *pragma;
    struct map decl;               /* function name -> N_FUNC (any declaration)                */
    struct map tag;                /* "struct x" -> record                                     */
    struct map globals;
};
struct unit *read_unit(const char *file, char *const *clang_args, int nargs);
bool is_module(const struct unit *u, const char *clock_name, struct record **state, struct record **in,
               struct record **out);             /* X_clock with the module signature declared? */
void check_unit(struct unit *u);

/* ---- expressions ---- */
enum ekind {
    E_CONST, E_LEAF, E_CAST, E_NEG, E_NOT, E_LNOT, E_ADD, E_SUB, E_MUL, E_DIV, E_MOD, E_SHL, E_SHR,
    E_AND, E_OR, E_XOR, E_EQ, E_NE, E_LT, E_LE, E_GT, E_GE, E_LAND, E_LOR, E_COND
};
#define MAXDIM 6
struct expr {
    enum ekind k;
    int w; bool s;                 /* C type                                                   */
    bool exact;                    /* arithmetic that cannot leave the C type                  */
    i128 lo, hi;                   /* values it can have                                       */
    struct expr *a, *b, *c;
    struct var *v;                 /* E_LEAF                                                   */
    int nidx;
    struct expr *idx[MAXDIM];
    bool post;                     /* a child's output after its clock edge                    */
    int lanes;                     /* > 1: that many consecutive elements, moved as one        */
    struct loc at;
};
struct expr *mk_const(int w, bool s, i128 v, struct loc at);
struct expr *mk_leaf(struct var *v, int nidx, struct expr **idx, struct loc at);
struct expr *mk_cast(struct expr *a, int w, bool s);
struct expr *mk_bool(struct expr *a);
struct expr *mk_un(enum ekind k, struct expr *a, int w, bool s, struct loc at);
struct expr *mk_bin(enum ekind k, struct expr *a, struct expr *b, int w, bool s, struct loc at);
struct expr *mk_cond(struct expr *c, struct expr *a, struct expr *b, struct loc at);
bool same_expr(const struct expr *a, const struct expr *b);
bool is_true(const struct expr *e);              /* constant and not 0 */
bool is_false(const struct expr *e);
i128 type_min(int w, bool s);
i128 type_max(int w, bool s);
int bits_unsigned(i128 hi);
int bits_signed(i128 lo, i128 hi);

/* ---- flat variables ---- */
enum vkind { V_IN, V_OUT, V_STATE, V_LOCAL, V_CHILD_IN, V_CHILD_OUT, V_TABLE, V_WIRE };
enum storage { ST_REG, ST_LUTRAM, ST_BRAM, ST_URAM };
struct memory {                    /* a state array with BIND_STORAGE                          */
    const char *name;
    enum storage st;
    int ndim, dim[MAXDIM];         /* the array's own dimensions                               */
    bool varying[MAXDIM], split[MAXDIM];
    int elem_bits;
    int first, last;               /* dimensions [first, last] make the address                */
    int depth, word_bits, nsplit;
    struct loc at;
    bool nba;
    bool seen_read, seen_write;
};
struct var {
    const char *name;
    const char *cname;             /* as the user wrote it: r->psum                            */
    enum vkind k;
    int w; bool s;
    int ndim, dim[MAXDIM], n;      /* n: elements, 1 for a scalar                              */
    struct memory *mem; int lsb;   /* a leaf of a memory's element, and where in the element   */
    bool varying, vdim[MAXDIM];    /* indexed by a non-constant somewhere; along which         */
    bool packed; int tail;         /* dimensions from tail on are one word                     */
    int nvec, nscalar;
    bool shadow, nba;              /* read outside its block: via x_q, or written with <=      */
    bool use_dsp;
    int reads, last_write;
    struct expr **init;            /* V_TABLE                                                  */
    struct expr *def;              /* V_WIRE                                                   */
    struct instance *inst; const char *port; int part;   /* V_CHILD_*                          */
    struct loc at;
    int id;
    bool wire_out;                 /* V_OUT driven by an assign                                */
    bool must_wire;                /* ... because a child's output or a block RAM is behind it */
    bool copies;                   /* V_OUT: of registers, unconditionally                     */
    bool from_bram;                /* loaded from a block RAM's read port                      */
    struct var *as_wire; int nassign;  /* V_LOCAL assigned once: the wire that has its value       */
    bool poison;                   /* stands for a value that an output wire cannot have       */
    bool raw;                      /* read after a write on some path                          */
    bool live[2], name_used, tainted, written;
    bool *killed, *ever_written;
    bool *defined;                 /* per element, while checking assignment                   */
    struct expr **value;           /* V_CHILD_IN, wire_out: per element                        */
    struct bundle *bundle; int bundle_lsb; /* emit.c: the vector that it is a part of, and where */
    struct var *word; int leaf, nleaf; /* soa.c: which array holds a memory's leaf, and where in its words */
};

/* ---- flat program ---- */
enum skind { S_ASSIGN, S_IF, S_CASE, S_ASSERT, S_UNDEF, S_CALL };
struct block { struct stmt **s; int n, cap; };
struct arm { int nlabel, caplabel; struct expr **label; bool is_default; struct block body; };
struct stmt {
    enum skind k;
    struct expr *lhs, *rhs;        /* S_IF, S_CASE, S_ASSERT: condition in rhs                 */
    struct block a, b;             /* S_IF                                                     */
    struct arm *arm; int narm, caparm;
    struct var *var;               /* S_UNDEF                                                  */
    struct instance *inst;         /* S_CALL                                                   */
    const char *msg;
    struct loc at;
    int seq;
    bool live[2];                  /* in the clocked block; in the wires                       */
    bool overwritten;              /* before anything reads it                                 */
};
struct instance {
    const char *name, *module;
    struct record *in, *out;
    struct loc at;
    struct var **inv; int ninv, capinv;    /* input port variables                             */
    struct var **outv; int noutv, capoutv; /* output port variables                            */
    bool called;
};
/* A struct of at most 64 bits that is one vector (pragma AGGREGATE), its first field low: a port, a wire or a register. */
struct bundle { const char *port, *name; int w; };
struct port { const char *name; int w; bool s; int n; bool is_out; struct bundle *bundle; int lsb; };
struct design {                    /* one module                                               */
    const char *name;
    struct unit *u;
    struct node *func;
    struct record *state, *in, *out;
    struct block body;
    struct var **var; int nvar, capvar;
    struct instance **inst; int ninst, capinst;
    struct memory **mem; int nmem, capmem;
    struct block seqbody;          /* what is left for the clocked block                       */
    struct map names;              /* Verilog names taken                                      */
    const char *clock;
    bool aggregate[3];             /* its registers, inputs, outputs                           */
};
void flat_ports(struct record *r, bool is_out, bool aggregate, struct port **p, int *n, int *cap);
bool first_of_port(const struct port *p);        /* of the leaves that share a vector: the one that is low */
const char *port_name(const struct port *p);     /* of the vector, if it is a part of one; its bits */
int port_bits(const struct port *p);
bool aggregates(const struct unit *u, const struct node *clock_func, int param);  /* AGGREGATE of r (0), in (1) or out (2)? */
struct design *lower(struct unit *u, struct node *clock_func);
const char *fresh_name(struct design *d, const char *want);
struct var *new_var(struct design *d, enum vkind k, const char *name, int w, bool s);
void flow(struct design *d);                     /* rules that need every path; live[0] */
void live(struct design *d, int which);
void comb(struct design *d);                     /* child inputs and wire outputs as expressions */
void vectorize(struct design *d);                /* element copies -> word copies */
struct expr *as_copy(struct expr *e, int w);
bool next_lane(const struct expr *a, const struct expr *b);
struct expr *widen_lanes(const struct expr *e, int n);
struct expr *lane_of(const struct expr *e, int k);
void finish(struct design *d);                   /* how registers that others read are written */
int flat_index(const struct expr *leaf);         /* element of a leaf with constant indices, or -1 */

struct module_ports { bool aggregate_in, aggregate_out; };
struct options { const char *outdir; const char *glue; const char *soa; const char *top; struct map replicated; struct map blackbox; struct map module; };
void emit(struct design *d, const struct options *o);
void emit_soa(const char *path, const char *top, struct design **d, int nd);
void emit_glue(const char *path, struct unit **u, int nu, char *const *clang_args, int nargs);

/* Walks every expression of a statement itself (not of nested blocks). */
typedef void visit_fn(struct expr *e, void *ctx);
void visit_expr(struct expr *e, visit_fn *f, void *ctx);
#endif
