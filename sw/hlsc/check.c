/* check.c - rules of the dialect that the tree alone can show. */
#include <string.h>
#include "hlsc.h"

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
    default:
        break;
    }
    for (int i = 0; i < n->n; i++)
        walk(n->ch[i]);
}

void check_unit(struct unit *u)
{
    for (int i = 0; i < u->nfunc; i++)
        walk(u->func[i]->body);
}
