/* quantize.c - the steps of post-training quantization, in order. */
#include <math.h>
#include <stdlib.h>
#include "quant_internal.h"

void rs_quant_report_free(struct rs_quant_report *report)
{
    if (report != NULL)
        free(report->layers);
    free(report);
}

static rs_status check(const struct rs_graph *g, const float *const *samples, int n, const struct rs_quant_options *o,
                       struct rs_graph **out, struct rs_error *err)
{
    if (g == NULL || samples == NULL || out == NULL || n < 1)
        return rs_fail(err, RS_ERR_ARG, "rs_quant_graph: null pointer, or %d samples", n);
    if ((unsigned)o->calibration > RS_CALIBRATE_MSE || o->keep16 < 0)
        return rs_fail(err, RS_ERR_ARG, "calibration method %d, %d layers in 16 bits", (int)o->calibration, o->keep16);
    if (!(o->percentile > 50 && o->percentile <= 100))
        return rs_fail(err, RS_ERR_RANGE, "percentile %g, expected more than 50 and at most 100", o->percentile);
    if (g->n_inputs == 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "the network has no input");
    for (int i = 0; i < g->n_inputs + g->n_outputs; i++) {
        const struct rs_tensor *t = &g->tensors[i < g->n_inputs ? g->inputs[i] : g->outputs[i - g->n_inputs]];

        if (t->type != RS_TYPE_F32)
            return rs_fail(err, RS_ERR_UNSUPPORTED, "%s '%.80s' is %s: only float32 networks can be quantized",
                           i < g->n_inputs ? "input" : "output", t->name, rs_type_name(t->type));
        if (t->data != NULL)
            return rs_fail(err, RS_ERR_UNSUPPORTED, "'%.80s' is constant", t->name);
        if (i < g->n_inputs && samples[i] == NULL)
            return rs_fail(err, RS_ERR_ARG, "no samples of input %d", i);
    }
    return RS_OK;
}

static rs_status make_report(const struct rs_graph *q, int n, struct rs_quant_report **report, struct rs_error *err)
{
    struct rs_quant_report *r = calloc(1, sizeof *r);

    if (r == NULL || (r->layers = calloc((size_t)q->n_nodes + 1, sizeof *r->layers)) == NULL) {
        free(r);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for a report on %d operations", q->n_nodes);
    }
    r->samples = n;
    for (int i = 0; i < q->n_nodes; i++)
        if (q->nodes[i].op != RS_OP_RESHAPE)             /* a view has no error of its own */
            r->layers[r->n_layers++] = (struct rs_quant_layer){ .node = i, .sqnr_db = NAN, .sensitivity_db = NAN };
    *report = r;
    return RS_OK;
}

/* The largest batch that divides @n, within reason: fewer, larger steps. */
static rs_status enlarge_batch(struct rs_graph *g, int n)
{
    int batch = 32;

    while (n % batch != 0)
        batch--;
    return rs_graph_set_batch(g, batch, NULL);
}

rs_status rs_quant_graph(struct rs_graph *g, const float *const *samples, int n, const struct rs_quant_options *options,
                         struct rs_graph **out, struct rs_quant_report **report, struct rs_error *err)
{
    struct rs_quant_options o = options != NULL ? *options : (struct rs_quant_options){ 0 };
    struct quant_range *ranges = NULL;
    int equalized = 0, corrected = 0, old_batch = 1;
    rs_status status;

    if (o.percentile == 0)
        o.percentile = 99.99;
    if (report != NULL)
        *report = NULL;
    status = check(g, samples, n, &o, out, err);
    if (status != RS_OK)
        return status;
    *out = NULL;
    old_batch = g->tensors[g->inputs[0]].rank > 0 ? g->tensors[g->inputs[0]].dim[0] : 1;
    if (enlarge_batch(g, n) != RS_OK && (old_batch != 1 || g->tensors[g->inputs[0]].rank == 0))
        return rs_fail(err, RS_ERR_SHAPE, "the network's batch size %d cannot be changed", old_batch);
    status = rs_quant_fold_batch_norm(g, NULL, err);
    if (status == RS_OK)
        status = rs_graph_optimize(g, RS_PASS_ALL, NULL, err);
    if (status == RS_OK && !o.no_equalization)
        equalized = quant_equalize(g);
    if (status == RS_OK && (ranges = calloc((size_t)g->n_tensors + 1, sizeof *ranges)) == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "no memory for %d ranges", g->n_tensors);
    if (status == RS_OK)
        status = quant_calibrate(g, samples, n, &o, ranges, err);
    if (status == RS_OK)
        status = quant_convert(g, ranges, NULL, o.calibration == RS_CALIBRATE_MSE, o.no_bias_correction ? NULL : &corrected, out, err);
    if (status == RS_OK && report != NULL) {
        status = make_report(*out, n, report, err);
        if (status == RS_OK) {
            (*report)->equalized = equalized;
            (*report)->corrected = corrected;
            status = quant_compare(g, *out, samples, n, *report, err);
        }
    }
    if (rs_graph_set_batch(g, old_batch, NULL) != RS_OK || (*out != NULL && rs_graph_set_batch(*out, old_batch, NULL) != RS_OK))
        status = status == RS_OK ? rs_fail(err, RS_ERR_SHAPE, "the batch size cannot be set back to %d", old_batch) : status;
    if (status != RS_OK) {
        rs_graph_destroy(*out);
        *out = NULL;
        if (report != NULL) {
            rs_quant_report_free(*report);
            *report = NULL;
        }
    }
    for (int t = 0; ranges != NULL && t < g->n_tensors; t++)
        free(ranges[t].mean);
    free(ranges);
    return status;
}
