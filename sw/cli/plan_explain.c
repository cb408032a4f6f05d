/* plan_explain.c - the mappings that a layer could have had, for people and machines (plan_explain.h). */
#include "plan_explain.h"
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "mapping_file.h"
#include "status.h"

static const char *name_of(const struct rs_graph *g, int node)
{
    return g->tensors[g->nodes[node].outputs[0]].name;
}

rs_status explain_find(const struct rs_graph *g, const char *name, int *node, struct rs_error *err)
{
    char *end;
    const long number = strtol(name, &end, 10);
    int ends = 0;

    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(name_of(g, i), name) == 0) {
            *node = i;
            return RS_OK;
        }
    if (end != name && *end == '\0') {
        if (number < 0 || number >= g->n_nodes)
            return rs_fail(err, RS_ERR_ARG, "layer %s: the network has nodes 0 to %d", name, g->n_nodes - 1);
        *node = (int)number;
        return RS_OK;
    }
    for (int i = 0; i < g->n_nodes; i++) {
        const char *slash = strrchr(name_of(g, i), '/');

        if (slash != NULL && strcmp(slash + 1, name) == 0) {
            *node = i;
            ends++;
        }
    }
    if (ends != 1)
        return rs_fail(err, RS_ERR_ARG, ends == 0 ? "no layer '%s' in this network; `plan --json` lists the names"
                                                  : "several layers end in '%s'; `plan --json` lists the names", name);
    return RS_OK;
}

static int64_t cycles_of(const struct rs_explanation *x, int row) { return x->row[row].cycles; }

/* The row with the earliest end of the job. */
static int best_for_job(const struct rs_explanation *x)
{
    int best = 0;

    for (int i = 1; i < x->n; i++)
        if (x->row[i].job_cycles < x->row[best].job_cycles)
            best = i;
    return best;
}

static void why(FILE *to, const struct rs_explanation *x, const struct rs_graph *g)
{
    const struct rs_mapping_cost *c = &x->row[x->chosen];
    const int best = best_for_job(x);

    if (x->pinned)
        fprintf(to, "Chosen (*): given by hand. ");
    else if (x->chosen == 0)
        fprintf(to, "Chosen (*): the fastest alone; the job ends at %s. ", cli_count((uint64_t)c->job_cycles));
    else
        fprintf(to, "Chosen (*): number %d alone (%s clocks behind the first), but the job ends at %s, with the first at %s: its groups fit "
                "better between its neighbours'. ", x->chosen + 1, cli_count((uint64_t)(c->cycles - cycles_of(x, 0))),
                cli_count((uint64_t)c->job_cycles), cli_count((uint64_t)x->row[0].job_cycles));
    if (x->row[best].job_cycles < c->job_cycles)
        fprintf(to, "Number %d would end the job at %s: the search keeps one mapping for each number of tiles and stops at its budget. ",
                best + 1, cli_count((uint64_t)x->row[best].job_cycles));
    fprintf(to, "\nIt comes after %s and before %s. ", x->node_before >= 0 ? name_of(g, x->node_before) : "the start",
            x->node_after >= 0 ? name_of(g, x->node_after) : "the end");
    fprintf(to, "Its ifmap %s, its ofmap %s%s.", x->in_resident ? "is in the global buffer" : "passes through tile buffers",
            x->out_resident ? "stays there" : "goes out to device memory by tiles", x->res_resident ? ", so does its residual operand" : "");
    if (x->tiles > 1)
        fprintf(to, " %d load/store tiles.", x->tiles);
    if (c->filter_fetches > 1)
        fprintf(to, " Its filters do not fit the filter buffer and are fetched %d times.", c->filter_fetches);
    fputc('\n', to);
}

void explain_text(FILE *to, const struct rs_explanation *x, const struct rs_plan *plan, const struct rs_graph *g)
{
    const struct rs_plan_step *s = &plan->steps[x->node];

    fprintf(to, "\nlayer %s (node %d, %s), %s MACs\n", name_of(g, x->node), x->node, rs_op_name(g->nodes[x->node].op), cli_count((uint64_t)s->macs));
    if (!x->done) {
        fprintf(to, "has no mapping: %s\n", s->reason);
        return;
    }
    fprintf(to, "%lld mappings keep every limit. The best, predicted, by clocks of the layer alone with its operands on the chip:\n"
            "%-3s %10s %11s %-8s| clocks needed: %9s %9s %9s %9s %9s %9s | %5s %5s %5s %5s | %6s %9s %9s %9s %9s %9s | mapping\n",
            (long long)x->considered, "", "cycles", "job ends", "bound", "compute", "ifmap", "filter", "output", "memory", "overhead",
            "rows%", "cols%", "lane%", "step%", "groups", "spad k", "links k", "buffer k", "filter k", "memory KB");
    for (int i = 0; i < x->n; i++) {
        const struct rs_mapping_cost *c = &x->row[i];
        const struct rs_mapping *m = &c->map;

        fprintf(to, "%2d%c %10lld %11lld %-8s|               ", i + 1, i == x->chosen ? '*' : ' ', (long long)c->cycles, (long long)c->job_cycles,
                rs_bound_name(c->bound));
        for (int b = 0; b < RS_N_BOUNDS; b++)
            fprintf(to, " %9lld", (long long)c->need[b]);
        fprintf(to, " | %5.1f %5.1f %5.1f %5.1f | %6d %9.1f %9.1f %9.1f %9.1f %9.1f | %s e=%d fx=%d mx=%d pairs=%d ns=%d fp=%d q=%d rp=%d wc=%d filters=%s",
                100 * c->fill_rows, 100 * c->fill_cols, 100 * c->fill_lanes, 100 * c->fill_steps, c->groups, 1e-3 * (double)c->spad,
                1e-3 * (double)c->links, 1e-3 * (double)c->buffer, 1e-3 * (double)c->filter_buffer, (double)c->memory_bytes / 1024,
                rs_mode_name(m->mode), m->e, m->fx, m->mx, m->pairs, m->ns, m->fp, m->q, m->rp, m->wc, m->filters_outer ? "outer" : "inner");
        if (m->mode == RS_MODE_FLATTEN && m->chain > 0)
            fprintf(to, " chain=%d chains=%d split=%s", m->chain, m->chains, m->by_rows ? "rows" : "filters");
        fputc('\n', to);
    }
    why(to, x, g);
}

void mapping_json(struct json *j, const struct rs_mapping *m)
{
    json_object(j, "mapping", true);
    json_string(j, "mode", rs_mode_name(m->mode));
#define KNOB(name) json_int(j, #name, m->name);
    KNOB(e) KNOB(fx) KNOB(mx) KNOB(pairs) KNOB(ns) KNOB(fp) KNOB(q) KNOB(rp) KNOB(wc) KNOB(filters_outer) KNOB(chain) KNOB(chains) KNOB(by_rows)
#undef KNOB
    json_close(j);
}

void explain_json(struct json *j, const struct rs_explanation *x, const struct rs_plan *plan, const struct rs_graph *g)
{
    json_object(j, "explain", false);
    json_string(j, "layer", name_of(g, x->node));
    json_int(j, "node", x->node);
    if (!x->done) {
        json_string(j, "no_mapping", plan->steps[x->node].reason);
        json_close(j);
        return;
    }
    json_int(j, "considered", x->considered);
    json_bool(j, "pinned", x->pinned);
    json_int(j, "chosen", x->chosen);
    json_int(j, "best_for_job", best_for_job(x));
    json_string(j, "before", x->node_before >= 0 ? name_of(g, x->node_before) : NULL);
    json_string(j, "after", x->node_after >= 0 ? name_of(g, x->node_after) : NULL);
    json_bool(j, "ifmap_resident", x->in_resident);
    json_bool(j, "ofmap_resident", x->out_resident);
    json_int(j, "tiles", x->tiles);
    json_array(j, "mappings", false);
    for (int i = 0; i < x->n; i++) {
        const struct rs_mapping_cost *c = &x->row[i];

        json_object(j, NULL, true);
        json_int(j, "cycles", c->cycles);
        json_int(j, "job_cycles", c->job_cycles);
        json_string(j, "bound", rs_bound_name(c->bound));
        json_object(j, "clocks_needed", true);
        for (int b = 0; b < RS_N_BOUNDS; b++)
            json_int(j, rs_bound_name((enum rs_bound)b), c->need[b]);
        json_close(j);
        json_object(j, "fill", true);
        json_real(j, "rows", c->fill_rows);
        json_real(j, "columns", c->fill_cols);
        json_real(j, "lanes", c->fill_lanes);
        json_real(j, "steps", c->fill_steps);
        json_close(j);
        json_int(j, "groups", c->groups);
        json_object(j, "accesses", true);
        json_int(j, "spad_words", c->spad);
        json_int(j, "link_words", c->links);
        json_int(j, "buffer_blocks", c->buffer);
        json_int(j, "filter_buffer_words", c->filter_buffer);
        json_int(j, "memory_bytes", c->memory_bytes);
        json_close(j);
        json_int(j, "filter_fetches", c->filter_fetches);
        mapping_json(j, &c->map);
        json_close(j);
    }
    json_close(j);
    json_close(j);
}
