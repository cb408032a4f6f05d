/* builtin.h - the files of sw/cost/data/ as text inside the program (builtin.c). */
#ifndef RS_COST_BUILTIN_H
#define RS_COST_BUILTIN_H
struct rs_builtin { const char *name, *text; };
extern const struct rs_builtin rs_builtin[];       /* ends with a NULL name */
#endif
