/* measure.c - one graph, some runs, one report (measure.h). */
#include "measure.h"
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "runtime.h"
#include "status.h"

#define AWAKE_SECONDS 3e-3                         /* a processor has its clock then: runs before are not in the median */

static uint64_t next(uint64_t *state)              /* splitmix64                                     */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The report with its texts. */
static rs_status keep(const struct rs_report *report, struct measured *m, struct rs_error *err)
{
    size_t bytes = strlen(report->target) + strlen(report->preset) + 2;
    char *at;

    for (uint32_t i = 0; i < report->n_layers; i++)
        bytes += strlen(report->layers[i].name) + strlen(report->layers[i].op) + strlen(report->layers[i].reason) + 3;
    free(m->texts);
    free(m->layers);
    m->texts = malloc(bytes);
    m->layers = malloc((report->n_layers + 1) * sizeof *m->layers);
    if (m->texts == NULL || m->layers == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    at = m->texts;
    m->report = *report;
    m->report.layers = m->layers;
    m->report.fallback_reason = NULL;
    m->report.target = strcpy(at, report->target);
    at += strlen(at) + 1;
    m->report.preset = strcpy(at, report->preset);
    at += strlen(at) + 1;
    for (uint32_t i = 0; i < report->n_layers; i++) {
        m->layers[i] = report->layers[i];
        m->layers[i].name = strcpy(at, report->layers[i].name);
        at += strlen(at) + 1;
        m->layers[i].op = strcpy(at, report->layers[i].op);
        at += strlen(at) + 1;
        m->layers[i].reason = strcpy(at, report->layers[i].reason);
        at += strlen(at) + 1;
    }
    return RS_OK;
}

static rs_status one_run(struct rs_model *model, void **inputs, void **outputs, uint32_t batch, struct rs_request **request,
                         const struct rs_report **report, struct rs_error *err)
{
    rs_status status = rs_submit(model, (const void *const *)inputs, outputs, batch, request, err);

    if (status == RS_OK)
        status = rs_wait(*request, -1, err);
    cli_progress_end();
    return status != RS_OK ? status : rs_request_report(*request, report, err);
}

static rs_status buffers(struct rs_model *model, bool inputs, uint32_t batch, uint64_t seed, void **to, struct rs_error *err)
{
    const int n = inputs ? rs_model_inputs(model) : rs_model_outputs(model);
    rs_status status = RS_OK;

    for (int i = 0; status == RS_OK && i < n; i++) {
        struct rs_tensor_info info;
        uint64_t state = seed + (uint64_t)i;

        status = inputs ? rs_model_input(model, i, &info, err) : rs_model_output(model, i, &info, err);
        if (status != RS_OK)
            break;
        to[i] = calloc(batch, info.bytes);
        if (to[i] == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        if (status == RS_OK && inputs && strcmp(info.type, "float32") != 0)
            for (size_t k = 0; k < batch * info.bytes; k++)
                ((int8_t *)to[i])[k] = (int8_t)(next(&state) & 0xFF);
    }
    return status;
}

rs_status measure_graph(struct rs_device *device, struct rs_graph *graph, uint64_t seed, uint32_t batch, int runs, bool reference,
                        struct measured *m, struct rs_error *err)
{
    const struct rs_load_options options = {.reference = reference};
    struct rs_request *request = NULL;
    struct rs_model *model = NULL;
    const struct rs_report *report = NULL;
    void **inputs = NULL, **outputs = NULL;
    double *seconds = calloc((size_t)runs, sizeof *seconds), awake = 0, least = 0;
    rs_status status = rs_model_from_graph(device, graph, &options, &model, err);

    *m = (struct measured){.runs = runs};
    if (status == RS_OK) {
        inputs = calloc((size_t)rs_model_inputs(model), sizeof *inputs);
        outputs = calloc((size_t)rs_model_outputs(model), sizeof *outputs);
        if (inputs == NULL || outputs == NULL || seconds == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    if (status == RS_OK)
        status = buffers(model, true, batch, seed, inputs, err);
    if (status == RS_OK)
        status = buffers(model, false, batch, seed, outputs, err);
    for (int i = 0; status == RS_OK && i < runs; i += awake >= AWAKE_SECONDS) {
        status = one_run(model, inputs, outputs, batch, &request, &report, err);
        if (status == RS_OK) {
            const double now = report->seconds / batch;

            awake += report->seconds;
            seconds[i] = now;
            if (least == 0 || now < least) {                /* layer times of the least disturbed run */
                least = now;
                status = keep(report, m, err);
            }
        }
        rs_request_free(request);
        request = NULL;
    }
    if (status == RS_OK) {
        qsort(seconds, (size_t)runs, sizeof *seconds, ascending);
        m->seconds = seconds[runs / 2];
    }
    for (int i = 0; inputs != NULL && i < rs_model_inputs(model); i++)
        free(inputs[i]);
    for (int i = 0; outputs != NULL && i < rs_model_outputs(model); i++)
        free(outputs[i]);
    free(inputs);
    free(outputs);
    free(seconds);
    rs_model_free(model);
    if (status != RS_OK)
        measured_free(m);
    return status;
}

void measured_free(struct measured *m)
{
    free(m->layers);
    free(m->texts);
    *m = (struct measured){0};
}
