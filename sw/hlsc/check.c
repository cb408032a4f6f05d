/*
 * check.c - rules of the dialect that the tree alone shows; the others are quoted in lower.c and flow.c.
 */
#include <string.h>
#include "hlsc.h"

static const char integers[] = "use integers; keep the binary point in your head, or in a name";

/* "Types: bool, integers, enums, structs and arrays of these.  No floating point, no unions, no
 * pointers in structs, no arrays of variable length." */
static void check_type(const struct type *t, struct loc at, bool field)
{
    switch (t->k) {
    case T_FLOAT:
        error(at, integers, "floating point");
    case T_ARRAY:
        if (t->n < 0)
            error(at, "give it the largest size, as a constant", "an array of variable length");
        check_type(t->elem, at, field);
        break;
    case T_PTR:
        if (field)
            error(at, "keep an index, or the thing itself", "a pointer in a struct");
        if (t->elem->k == T_FLOAT)
            error(at, integers, "floating point");
        break;
    case T_STRUCT:
        if (t->rec->is_union)
            error(at, "use a struct, or shifts and masks on one integer", "a union");
        for (int i = 0; i < t->rec->n; i++)
            check_type(t->rec->f[i].t, t->rec->f[i].at, true);
        break;
    case T_OTHER:
        if (t->text != NULL && strstr(t->text, "(*") != NULL)
            error(at, "call the functions by name, under if or switch", "a function pointer");
        break;
    default:
        break;
    }
}

static struct node *called(struct node *n)
{
    while (n->n != 0 && (n->k == N_CAST || n->k == N_PAREN))
        n = n->ch[0];
    return n;
}

static void walk(struct node *n)
{
    if (n == NULL)
        return;
    switch (n->k) {
    /* "Loops are 'for' with constant bounds." */
    case N_WHILE:
    case N_DO:
        error(n->at, "for (int i = 0; i < CONSTANT; i++), with an if inside for the rest", "a loop without a constant bound");
    /* "No goto." */
    case N_GOTO:
    case N_LABEL:
        error(n->at, "use if, switch or an early return", "goto");
    case N_FLOAT:
        error(n->at, integers, "floating point");
    case N_STMTEXPR:
        error(n->at, "write a static function", "a statement expression");
    case N_VAR:
        check_type(n->t, n->at, false);
        break;
    case N_CALL: {
        /* "No heap." */
        static const char *const heap[] = { "malloc", "calloc", "realloc", "free", "alloca", "aligned_alloc" };
        const struct node *f = called(n->ch[0]);

        for (size_t i = 0; i < sizeof heap / sizeof *heap; i++)
            if (f->name != NULL && strcmp(f->name, heap[i]) == 0)
                error(n->at, "make it a field of the module's state", "the heap: '%s'", f->name);
        break;
    }
    /* "Pointers are not cast." */
    case N_CAST:
        walk(n->ch[0]);
        if (n->t != NULL && n->t->k == T_PTR && strcmp(n->op, "BitCast") == 0)
            error(n->at, "pass the struct or the array as what it is", "a pointer is cast to another type");
        if (strcmp(n->op, "PointerToIntegral") == 0 || strcmp(n->op, "IntegralToPointer") == 0)
            error(n->at, "compute indices", "a pointer is taken as a number");
        break;
    default:
        break;
    }
    for (int i = 0; i < n->n; i++)
        walk(n->ch[i]);
}

void check_unit(struct unit *u)
{
    for (int i = 0; i < u->nfunc; i++) {
        struct node *f = u->func[i];
        struct record *r[3];

        for (int j = 0; j < f->n; j++)
            if (f->ch[j]->k == N_PARAM)
                check_type(f->ch[j]->t, f->ch[j]->at, false);
        if (f->ret != NULL)
            check_type(f->ret, f->at, false);
        if (is_module(u, f->name, &r[0], &r[1], &r[2]))
            for (int j = 0; j < 3; j++) {
                const struct type t = { .k = T_STRUCT, .rec = r[j] };

                check_type(&t, r[j]->at, false);
            }
        walk(f->body);
    }
}
