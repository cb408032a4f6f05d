/* quantize.c - rs_quantize_model(): a float file in, an int8 file out, of the kind that its name says. */
#include <math.h>
#include <stdlib.h>
#include "export.h"
#include "file.h"
#include "import.h"
#include "model_file.h"
#include "quant.h"

static void report_layers(const struct rs_graph *q, const struct rs_quant_report *report, const struct rs_quantize_options *o)
{
    for (int i = 0; o->layer != NULL && i < report->n_layers; i++) {
        const struct rs_node *n = &q->nodes[report->layers[i].node];

        o->layer(o->context, q->tensors[n->outputs[0]].name, rs_op_name(n->op), report->layers[i].sqnr_db);
    }
}

rs_status rs_quantize_model(const char *path, const float *const *samples, uint32_t n,
                            const struct rs_quantize_options *options, const char *out, struct rs_error *err)
{
    const struct rs_quantize_options o = options != NULL ? *options : (struct rs_quantize_options){0};
    const struct rs_quant_options quant = {.calibration = (enum rs_calibration)o.method, .percentile = o.percentile,
                                           .no_equalization = o.no_equalization, .no_bias_correction = o.no_bias_correction,
                                           .keep16 = o.keep16 < INT32_MAX ? (int)o.keep16 : INT32_MAX};
    struct rs_graph *g = NULL, *q = NULL;
    struct rs_quant_report *report = NULL;
    uint8_t *bytes, *written = NULL;
    size_t size, written_bytes;
    struct rs_error why = {0};
    rs_status status;

    if (path == NULL || samples == NULL || out == NULL || n < 1 || n > INT32_MAX)
        return rs_fail(err, RS_ERR_ARG, "rs_quantize_model: null pointer, or %u samples", n);
    status = rs_file_read(path, MODEL_FILE_MAX_BYTES, &bytes, &size, err);
    if (status != RS_OK)
        return status;
    status = rs_import(bytes, size, NULL, &g, &why);
    if (status == RS_OK)
        status = rs_graph_optimize(g, RS_PASS_ALL, NULL, &why);
    if (status == RS_OK)
        status = rs_quant_graph(g, samples, (int)n, &quant, &q, &report, &why);
    if (status == RS_OK)
        status = rs_export(q, out, "Quantized by rowstation " RS_VERSION, &written, &written_bytes, &why);
    if (status != RS_OK) {
        rs_fail(err, status, "%.200s: %.300s", path, why.text);
    } else {
        status = rs_file_write(out, written, written_bytes, err);
        if (status == RS_OK)
            report_layers(q, report, &o);
    }
    free(bytes);
    free(written);
    rs_quant_report_free(report);
    rs_graph_destroy(g);
    rs_graph_destroy(q);
    return status;
}
