/* ladder.h - one matrix product, from the loops of a textbook to the kernel that is used, each measured. */
#ifndef RS_CLI_LADDER_H
#define RS_CLI_LADDER_H
#include "json.h"
#include "status.h"

enum { LADDER_RUNGS = 7 };

struct ladder {
    int size;                          /* M = N = K                                          */
    int rungs;
    struct {
        const char *name, *what;
        double us;                     /* best of a few runs, CPU time of the thread         */
    } rung[LADDER_RUNGS];
};

/* Measures.  All rungs must give the same codes; RS_ERR_MISMATCH names one that does not. */
RS_MUST_CHECK
rs_status ladder_climb(int size, struct ladder *ladder, struct rs_error *err);
void ladder_print(FILE *to, const struct ladder *ladder);
void ladder_json(struct json *j, const struct ladder *ladder);
#endif
