/* compare.c - how far the quantized network is from the float one, layer by layer; which layers matter most. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "quant_internal.h"

struct comparison {
    const struct rs_graph *g, *q;
    float **real;                      /* [tensor of g]: what the float network computed in this batch */
    double *signal, *noise;            /* [tensor of g]: sums of squares                               */
};

static rs_status keep(void *context, const struct rs_graph *g, int node, const void *output)
{
    struct comparison *c = context;
    const int t = g->nodes[node].outputs[0];
    const size_t bytes = rs_tensor_bytes(&g->tensors[t]);

    if (c->real[t] == NULL && (c->real[t] = malloc(bytes)) == NULL)
        return RS_ERR_NOMEM;
    memcpy(c->real[t], output, bytes);
    return RS_OK;
}

static double decoded(const struct rs_tensor *t, const void *codes, int64_t i)
{
    switch (t->type) {
    case RS_TYPE_F32: return ((const float *)codes)[i];
    case RS_TYPE_S8:  return (double)t->quant.scale[0] * (((const int8_t *)codes)[i] - t->quant.zero_point[0]);
    case RS_TYPE_S16: return (double)t->quant.scale[0] * (((const int16_t *)codes)[i] - t->quant.zero_point[0]);
    default:          return 0;
    }
}

static rs_status measure(void *context, const struct rs_graph *q, int node, const void *output)
{
    struct comparison *c = context;
    const int t = q->nodes[node].outputs[0];

    if (t >= c->g->n_tensors || c->real[t] == NULL)
        return RS_OK;
    for (int64_t i = 0; i < rs_tensor_elements(&q->tensors[t]); i++) {
        const double x = c->real[t][i], e = x - decoded(&q->tensors[t], output, i);

        c->signal[t] += x * x;
        c->noise[t] += e * e;
    }
    return RS_OK;
}

static double decibel(double signal, double noise)
{
    return noise == 0 ? INFINITY : 10 * log10(signal / noise);
}

/* One batch of the float network, its inputs quantized, then the quantized one. */
static rs_status compare_batch(struct comparison *c, const struct rs_memory_plan *pg, const struct rs_memory_plan *pq,
                               const float *const *samples, int first, void *arena, void **codes, void **out, struct rs_error *err)
{
    const struct rs_run_options float_run = { .hook = keep, .hook_context = c };
    const struct rs_run_options code_run = { .hook = measure, .hook_context = c };
    const int batch = c->g->tensors[c->g->inputs[0]].dim[0];
    const void **in = calloc((size_t)c->g->n_inputs + 1, sizeof *in);
    rs_status status = in != NULL ? RS_OK : RS_ERR_NOMEM;

    for (int i = 0; i < c->g->n_inputs && status == RS_OK; i++) {
        const struct rs_tensor *t = &c->q->tensors[c->q->inputs[i]];
        const float *x = samples[i] + rs_tensor_elements(t) / batch * first;

        in[i] = x;
        if (t->type == RS_TYPE_S8)
            status = rs_quantize_f32_s8((size_t)rs_tensor_elements(t), x, t->quant.scale[0], t->quant.zero_point[0],
                                        RS_ROUND_DOUBLE, codes[i], err);
        else
            memcpy(codes[i], x, rs_tensor_bytes(t));
    }
    if (status == RS_OK)
        status = rs_graph_run_cpu(c->g, pg, in, out, arena, pg->arena_bytes, &float_run, err);
    for (int i = 0; i < c->g->n_inputs && status == RS_OK; i++)
        in[i] = codes[i];
    if (status == RS_OK)
        status = rs_graph_run_cpu(c->q, pq, in, out, arena, pq->arena_bytes, &code_run, err);
    free(in);
    return status;
}

/* Room for the inputs and outputs of the larger of two networks of equal shapes. */
static void **buffers(const struct rs_graph *g, const int *ids, int n)
{
    void **all = calloc((size_t)n + 1, sizeof *all);

    for (int i = 0; all != NULL && i < n; i++)
        if ((all[i] = malloc(4 * (size_t)rs_tensor_elements(&g->tensors[ids[i]]))) == NULL) {
            while (i-- > 0)
                free(all[i]);
            free(all);
            return NULL;
        }
    return all;
}

static void free_buffers(void **all, int n)
{
    for (int i = 0; all != NULL && i < n; i++)
        free(all[i]);
    free(all);
}

rs_status quant_compare(const struct rs_graph *g, const struct rs_graph *q, const float *const *samples, int n,
                        struct rs_quant_report *report, struct rs_error *err)
{
    const size_t nt = (size_t)g->n_tensors + 1;
    struct comparison c = { .g = g, .q = q, .real = calloc(nt, sizeof *c.real), .signal = calloc(nt, sizeof *c.signal),
                            .noise = calloc(nt, sizeof *c.noise) };
    struct rs_memory_plan *pg = NULL, *pq = NULL;
    void **codes = buffers(g, g->inputs, g->n_inputs), **out = buffers(g, g->outputs, g->n_outputs), *arena = NULL;
    rs_status status = rs_memory_plan_create(g, 64, &pg, err);

    if (status == RS_OK)
        status = rs_memory_plan_create(q, 64, &pq, err);
    if (status == RS_OK) {
        const size_t bytes = pg->arena_bytes > pq->arena_bytes ? pg->arena_bytes : pq->arena_bytes;

        arena = aligned_alloc(64, (bytes + 127) / 64 * 64);
        if (arena == NULL || c.real == NULL || c.signal == NULL || c.noise == NULL || codes == NULL || out == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "no memory to compare the networks");
    }
    for (int first = 0; first < n && status == RS_OK; first += g->tensors[g->inputs[0]].dim[0])
        status = compare_batch(&c, pg, pq, samples, first, arena, codes, out, err);
    for (int i = 0; i < report->n_layers && status == RS_OK; i++) {
        const int t = q->nodes[report->layers[i].node].outputs[0];

        report->layers[i].sqnr_db = t < g->n_tensors ? decibel(c.signal[t], c.noise[t]) : NAN;
    }
    for (int t = 0; c.real != NULL && t < g->n_tensors; t++)
        free(c.real[t]);
    free(c.real);
    free(c.signal);
    free(c.noise);
    free(arena);
    free_buffers(codes, g->n_inputs);
    free_buffers(out, g->n_outputs);
    rs_memory_plan_destroy(pg);
    rs_memory_plan_destroy(pq);
    return status;
}

/* ---- sensitivity ---- */

struct rounding {
    const struct quant_range *ranges;
    int in, out;                       /* tensors that are rounded to int8 codes; -1: none */
    const float *want;                 /* the float network's outputs, or NULL: @got is filled */
    float *got;
    size_t elements;                   /* of a batch                                       */
    int batch;
    double signal, noise;
};

/* Rounds what the node has written, in place: the arena is ours. */
static rs_status round_output(void *context, const struct rs_graph *g, int node, const void *output)
{
    const struct rounding *r = context;
    const int t = g->nodes[node].outputs[0];
    float *x = (float *)(uintptr_t)output, scale;
    int32_t zp;

    if (t != r->in && t != r->out)
        return RS_OK;
    quant_scale_of(r->ranges[t].low, r->ranges[t].high, &scale, &zp);
    for (int64_t i = 0; i < rs_tensor_elements(&g->tensors[t]); i++)
        x[i] = scale * (float)(fmin(fmax(rint((double)x[i] / (double)scale) + zp, -128), 127) - zp);
    return RS_OK;
}

static rs_status judge(void *context, int first, void *const *data)
{
    struct rounding *r = context;
    const size_t at = (size_t)(first / r->batch) * r->elements;

    if (r->want == NULL) {
        memcpy(r->got + at, data[0], r->elements * sizeof *r->got);
        return RS_OK;
    }
    for (size_t i = 0; i < r->elements; i++) {
        const double x = r->want[at + i], e = x - ((const float *)data[0])[i];

        r->signal += x * x;
        r->noise += e * e;
    }
    return RS_OK;
}

rs_status quant_sensitivity(const struct rs_graph *g, const struct quant_range *ranges, const float *const *samples, int n,
                            double *sensitivity, struct rs_error *err)
{
    const int batch = g->tensors[g->inputs[0]].dim[0], runs = n / batch < 2 ? n / batch : 2;
    const size_t elements = (size_t)rs_tensor_elements(&g->tensors[g->outputs[0]]);
    float *want = malloc((size_t)runs * elements * sizeof *want);
    struct rounding r = { .ranges = ranges, .in = -1, .out = -1, .got = want, .elements = elements, .batch = batch };
    rs_status status = want == NULL ? rs_fail(err, RS_ERR_NOMEM, "no memory for %zu outputs", elements)
                                    : quant_run(g, samples, runs * batch, NULL, judge, &r, err);

    for (int i = 0; i < g->n_nodes && status == RS_OK; i++) {
        struct quant_filter f;

        sensitivity[i] = NAN;
        if (!quant_filter(g, i, &f))
            continue;
        r = (struct rounding){ .ranges = ranges, .in = g->nodes[i].inputs[0], .out = g->nodes[i].outputs[0], .want = want,
                               .elements = elements, .batch = batch };
        status = quant_run(g, samples, runs * batch, round_output, judge, &r, err);
        sensitivity[i] = decibel(r.signal, r.noise);
    }
    free(want);
    return status;
}
