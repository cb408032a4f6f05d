/* plan_explain.h - `plan --explain` as text and as JSON. */
#ifndef RS_CLI_PLAN_EXPLAIN_H
#define RS_CLI_PLAN_EXPLAIN_H
#include "explain.h"
#include "json.h"

/* The node whose output is called @name, or ends so after a slash, or has that number.  RS_ERR_ARG: none, or several. */
RS_MUST_CHECK rs_status explain_find(const struct rs_graph *g, const char *name, int *node, struct rs_error *err);

/* The table of mappings, and why the chosen one won. */
void explain_text(FILE *to, const struct rs_explanation *x, const struct rs_plan *plan, const struct rs_graph *g);
/* The same into an open object, as "explain". */
void explain_json(struct json *j, const struct rs_explanation *x, const struct rs_plan *plan, const struct rs_graph *g);
/* The knobs of a mapping into an open object. */
void mapping_json(struct json *j, const struct rs_mapping *m);
#endif
