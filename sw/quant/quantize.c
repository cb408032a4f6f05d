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

/* The @keep layers whose rounding alone costs the outputs most. */
static void choose_wide(const struct rs_graph *g, const double *sensitivity, int keep, bool *wide)
{
    for (; keep > 0; keep--) {
        int worst = -1;

        for (int i = 0; i < g->n_nodes; i++)
            if (!wide[i] && !isnan(sensitivity[i]) && (worst < 0 || sensitivity[i] < sensitivity[worst]))
                worst = i;
        if (worst < 0)
            break;                                       /* there are fewer layers: all are kept */
        wide[worst] = true;
    }
}

/* What is known of the layers of @g goes into the report on @q, whose tensors have the same ids. */
static void report_wide(const struct rs_graph *g, const struct rs_graph *q, const double *sensitivity, const bool *wide,
                        struct rs_quant_report *r)
{
    for (int k = 0; k < r->n_layers; k++)
        for (int i = 0; i < g->n_nodes; i++)
            if (q->nodes[r->layers[k].node].outputs[0] == g->nodes[i].outputs[0]) {
                r->layers[k].sensitivity_db = sensitivity[i];
                r->layers[k].wide = wide[i];
            }
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
    double *sensitivity = NULL;
    bool *wide = NULL;
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
    if (status == RS_OK && o.keep16 > 0) {
        sensitivity = calloc((size_t)g->n_nodes + 1, sizeof *sensitivity);
        wide = calloc((size_t)g->n_nodes + 1, sizeof *wide);
        status = sensitivity == NULL || wide == NULL ? rs_fail(err, RS_ERR_NOMEM, "no memory for %d layers", g->n_nodes)
                                                     : quant_sensitivity(g, ranges, samples, n, sensitivity, err);
        if (status == RS_OK)
            choose_wide(g, sensitivity, o.keep16, wide);
    }
    if (status == RS_OK)
        status = quant_convert(g, ranges, wide, o.calibration == RS_CALIBRATE_MSE, o.no_bias_correction ? NULL : &corrected, out, err);
    if (status == RS_OK && report != NULL) {
        status = make_report(*out, n, report, err);
        if (status == RS_OK) {
            (*report)->equalized = equalized;
            (*report)->corrected = corrected;
            if (wide != NULL)
                report_wide(g, *out, sensitivity, wide, *report);
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
    free(sensitivity);
    free(wide);
    return status;
}
