/*
 * calibrate.c - the float network on the samples: ranges, histograms, means.
 *
 * Two passes: least and greatest values first, then, where the method wants them, histograms between those.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "quant_internal.h"

enum { BINS = 2048 };

struct pass {
    const struct rs_graph *g;
    struct quant_range *ranges;
    double *histogram;                 /* [tensor][BINS] in the second pass, else NULL */
    int bad;                           /* a tensor with a NaN or infinity              */
};

rs_status quant_run(const struct rs_graph *g, const float *const *samples, int n, rs_node_hook hook,
                    rs_status (*outputs)(void *context, int first, void *const *data), void *context, struct rs_error *err)
{
    const int batch = g->tensors[g->inputs[0]].dim[0];
    const struct rs_run_options options = { .hook = hook, .hook_context = context };
    struct rs_memory_plan *plan = NULL;
    rs_status status = rs_memory_plan_create(g, 64, &plan, err);
    const void **in = calloc((size_t)g->n_inputs + 1, sizeof *in);
    void **out = calloc((size_t)g->n_outputs + 1, sizeof *out);
    void *arena = NULL;
    bool enough = in != NULL && out != NULL;

    if (status == RS_OK) {
        arena = aligned_alloc(64, (plan->arena_bytes + 127) / 64 * 64);
        enough = enough && arena != NULL;
    }
    for (int i = 0; enough && i < g->n_outputs; i++)
        enough = (out[i] = malloc(rs_tensor_bytes(&g->tensors[g->outputs[i]]))) != NULL;
    if (status == RS_OK && !enough)
        status = rs_fail(err, RS_ERR_NOMEM, "no memory to run %d samples", batch);
    for (int first = 0; first < n && status == RS_OK; first += batch) {
        for (int i = 0; i < g->n_inputs; i++)
            in[i] = samples[i] + rs_tensor_elements(&g->tensors[g->inputs[i]]) / batch * first;
        status = rs_graph_run_cpu(g, plan, in, out, arena, plan->arena_bytes, &options, err);
        if (status == RS_OK && outputs != NULL)
            status = outputs(context, first, out);
    }
    for (int i = 0; out != NULL && i < g->n_outputs; i++)
        free(out[i]);
    free(arena);
    free(in);
    free(out);
    rs_memory_plan_destroy(plan);
    return status;
}

static rs_status look(struct pass *p, int tensor, const float *x)
{
    const struct rs_tensor *t = &p->g->tensors[tensor];
    const int64_t count = rs_tensor_elements(t), sample = count / p->g->tensors[p->g->inputs[0]].dim[0];
    struct quant_range *r = &p->ranges[tensor];

    if (t->type != RS_TYPE_F32)
        return RS_OK;
    if (p->histogram != NULL) {
        double *bin = p->histogram + (size_t)tensor * BINS;
        const float width = (r->high - r->low) / BINS;

        for (int64_t i = 0; i < count && width > 0; i++) {
            const int at = (int)((x[i] - r->low) / width);

            bin[at < 0 ? 0 : at < BINS ? at : BINS - 1]++;
        }
        return RS_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) {
            p->bad = tensor;
            return RS_ERR_RANGE;
        }
        r->low = x[i] < r->low ? x[i] : r->low;
        r->high = x[i] > r->high ? x[i] : r->high;
    }
    for (int64_t i = 0; r->mean != NULL && i < count; i++)
        r->mean[i % sample] += x[i];
    return RS_OK;
}

static rs_status after_node(void *context, const struct rs_graph *g, int node, const void *output)
{
    return look(context, g->nodes[node].outputs[0], output);
}

/* One pass over everything, the network's inputs too. */
static rs_status watch(struct pass *p, const float *const *samples, int n, struct rs_error *err)
{
    const struct rs_graph *g = p->g;
    const int batch = g->tensors[g->inputs[0]].dim[0];
    rs_status status = RS_OK;

    for (int i = 0; i < g->n_inputs && status == RS_OK; i++)
        for (int first = 0; first < n && status == RS_OK; first += batch)
            status = look(p, g->inputs[i], samples[i] + rs_tensor_elements(&g->tensors[g->inputs[i]]) / batch * first);
    if (status == RS_OK)
        status = quant_run(g, samples, n, after_node, NULL, p, err);
    if (status == RS_ERR_RANGE && p->bad >= 0)
        rs_fail(err, status, "activation '%.80s' is infinite or not a number", g->tensors[p->bad].name);
    return status;
}

static void clip_tails(const double *bin, double percentile, float *low, float *high)
{
    const float width = (*high - *low) / BINS, from = *low;             /* which holds 0 */
    double total = 0, sum = 0;
    int first = 0, last = BINS - 1;

    for (int i = 0; i < BINS; i++)
        total += bin[i];
    const double tail = total * (1 - percentile / 100);

    while (first < last && sum + bin[first] <= tail)
        sum += bin[first++];
    sum = 0;
    while (last > first && sum + bin[last] <= tail)
        sum += bin[last--];
    *low = from + width * (float)first;
    *high = from + width * (float)(last + 1);
}

rs_status quant_calibrate(const struct rs_graph *g, const float *const *samples, int n, const struct rs_quant_options *options,
                          struct quant_range *ranges, struct rs_error *err)
{
    struct pass p = { .g = g, .ranges = ranges, .bad = -1 };
    const int batch = g->tensors[g->inputs[0]].dim[0];
    rs_status status = RS_OK;

    for (int i = 0; i < g->n_nodes; i++) {               /* bias correction wants means of what layers read */
        struct quant_filter f;
        const int in = g->nodes[i].inputs[0];
        const struct rs_tensor *t = &g->tensors[in];

        if (!quant_filter(g, i, &f) || ranges[in].mean != NULL)
            continue;
        ranges[in].mean = calloc((size_t)(rs_tensor_elements(t) / batch), sizeof *ranges[in].mean);
        if (ranges[in].mean == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "no memory for the means of '%.80s'", t->name);
    }
    status = watch(&p, samples, n, err);
    if (status == RS_OK && options->calibration != RS_CALIBRATE_MINMAX) {
        p.histogram = calloc((size_t)g->n_tensors, BINS * sizeof *p.histogram);
        status = p.histogram == NULL ? rs_fail(err, RS_ERR_NOMEM, "no memory for %d histograms", g->n_tensors)
                                     : watch(&p, samples, n, err);
    }
    for (int t = 0; t < g->n_tensors && status == RS_OK; t++) {
        struct quant_range *r = &ranges[t];
        const double *bin = p.histogram != NULL ? p.histogram + (size_t)t * BINS : NULL;

        for (int64_t i = 0; r->mean != NULL && i < rs_tensor_elements(&g->tensors[t]) / batch; i++)
            r->mean[i] /= n;
        if (bin != NULL && r->high > r->low && options->calibration == RS_CALIBRATE_PERCENTILE)
            clip_tails(bin, options->percentile, &r->low, &r->high);
        r->low = r->low < 0 ? r->low : 0;                /* real 0 has a code: padding needs it */
        r->high = r->high > 0 ? r->high : 0;
    }
    if (status == RS_OK && options->calibration == RS_CALIBRATE_MSE) {
        for (int t = 0; t < g->n_tensors; t++)
            quant_least_error(p.histogram + (size_t)t * BINS, BINS, &ranges[t].low, &ranges[t].high);
    }
    free(p.histogram);
    return status;
}
