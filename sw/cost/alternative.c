/* alternative.c - devices from the table, and what they take (alternative.h). */
#include "alternative.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "status.h"
#include "systolic.h"

static void texts(const struct rs_section *s, char *name, size_t name_size, char *title, size_t title_size)
{
    const char *text = rs_section_text(s, "title");

    snprintf(name, name_size, "%.31s", s->name);
    snprintf(title, title_size, "%.119s", text != NULL ? text : s->name);
}

struct wanted { const char *key, *unit; struct rs_constant *to; double least; };

static rs_status constants(const struct rs_section *s, const struct wanted *w, size_t n, struct rs_error *err)
{
    for (size_t i = 0; i < n; i++) {
        rs_status status = rs_section_constant(s, w[i].key, w[i].unit, w[i].to, err);

        if (status != RS_OK)
            return status;
        if (w[i].to->low < w[i].least)
            return rs_fail(err, RS_ERR_RANGE, "[%s %s] %s = %g %s: at least %g is expected", s->kind, s->name, w[i].key, w[i].to->low,
                           w[i].unit, w[i].least);
    }
    return RS_OK;
}

rs_status rs_cost_device(const struct rs_section *s, struct rs_cost_device *d, struct rs_error *err)
{
    const char *kind = rs_section_text(s, "kind");
    const struct wanted common[] = {{"memory", "GB/s", &d->memory, 1e-6}, {"idle", "W", &d->idle, 0}, {"max", "W", &d->max, 0},
                                    {"price", "$/h", &d->price, 0}};
    const struct wanted roofline[] = {{"peak", "TOPS", &d->peak, 1e-9}, {"ceiling", "ratio", &d->ceiling, 1e-6},
                                      {"fill", "outputs", &d->fill, 1}, {"launch", "us", &d->launch, 0},
                                      {"request", "us", &d->request, 0}, {"link", "GB/s", &d->link, 0}};
    const struct wanted array[] = {{"rows", "PEs", &d->rows, 1}, {"cols", "PEs", &d->cols, 1}};
    rs_status status;

    *d = (struct rs_cost_device){0};
    texts(s, d->name, sizeof d->name, d->title, sizeof d->title);
    if (kind == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "[device %s]: 'kind' is missing", s->name);
    if (strcmp(kind, "cpu") == 0)
        d->kind = RS_DEVICE_CPU;
    else if (strcmp(kind, "gpu") == 0)
        d->kind = RS_DEVICE_GPU;
    else if (strcmp(kind, "chip") == 0)
        d->kind = RS_DEVICE_CHIP;
    else if (strcmp(kind, "systolic") == 0)
        d->kind = RS_DEVICE_SYSTOLIC;
    else
        return rs_fail(err, RS_ERR_FORMAT, "[device %s] kind = '%.20s': cpu, gpu, systolic or chip is expected", s->name, kind);
    status = constants(s, common, sizeof common / sizeof common[0], err);
    if (status == RS_OK && d->kind == RS_DEVICE_SYSTOLIC) {
        status = constants(s, array, sizeof array / sizeof array[0], err);
        if (status == RS_OK && rs_section_entry(s, "clock") != NULL)
            status = constants(s, &(struct wanted){"clock", "MHz", &d->clock, 1e-3}, 1, err);
        d->headline = d->rows.confidence != RS_RECALL && d->memory.confidence != RS_RECALL;
    } else if (status == RS_OK) {
        status = constants(s, roofline, sizeof roofline / sizeof roofline[0], err);
        if (status == RS_OK && d->ceiling.high > 1)
            status = rs_fail(err, RS_ERR_RANGE, "[device %s] ceiling = %g: at most 1 is expected", s->name, d->ceiling.high);
        d->headline = d->peak.confidence != RS_RECALL && d->memory.confidence != RS_RECALL;
    }
    if (status == RS_OK && d->max.value < d->idle.value)
        status = rs_fail(err, RS_ERR_RANGE, "[device %s]: max %g W is below idle %g W", s->name, d->max.value, d->idle.value);
    return status;
}

rs_status rs_cost_device_measured(const struct rs_section *s, const char *network, int batch, double *seconds, struct rs_error *err)
{
    struct rs_constant c;
    char key[160];
    rs_status status;

    *seconds = 0;
    snprintf(key, sizeof key, "latency_%.100s_b%d", network, batch);
    if (rs_section_entry(s, key) == NULL)
        return RS_OK;
    status = constants(s, &(struct wanted){key, "us", &c, 1e-6}, 1, err);
    if (status == RS_OK && c.confidence != RS_MEASURED)
        status = rs_fail(err, RS_ERR_FORMAT, "[device %s] %s: only a measured latency stands here, found '%s'", s->name, key,
                         rs_confidence_name(c.confidence));
    if (status == RS_OK)
        *seconds = 1e-6 * c.value;
    return status;
}

rs_status rs_cost_board(const struct rs_section *s, struct rs_cost_board *b, struct rs_error *err)
{
    const char *preset = rs_section_text(s, "preset"), *note = rs_section_text(s, "note");
    const struct wanted all[] = {{"clock", "MHz", &b->clock, 1e-3}, {"link", "GB/s", &b->link, 0}, {"request", "us", &b->request, 0},
                                 {"static", "W", &b->static_power, 0}, {"price", "$/h", &b->price, 0}};

    *b = (struct rs_cost_board){0};
    texts(s, b->name, sizeof b->name, b->title, sizeof b->title);
    if (preset == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "[board %s]: 'preset' is missing", s->name);
    snprintf(b->preset, sizeof b->preset, "%.31s", preset);
    snprintf(b->note, sizeof b->note, "%.79s", note != NULL ? note : "");
    if (rs_section_entry(s, "power") != NULL) {
        const rs_status status = constants(s, &(struct wanted){"power", "W", &b->power, 1e-3}, 1, err);

        if (status != RS_OK)
            return status;
        if (b->power.confidence != RS_MEASURED)
            return rs_fail(err, RS_ERR_FORMAT, "[board %s] power: only a measured power stands here, found '%s'; estimates go to 'static'",
                           s->name, rs_confidence_name(b->power.confidence));
    }
    return constants(s, all, sizeof all / sizeof all[0], err);
}

void rs_cost_device_time(const struct rs_cost_device *d, const struct rs_work *works, int n, double in_bytes, double out_bytes,
                         int batch, struct rs_cost_time *t)
{
    double macs = 0, busy;

    *t = (struct rs_cost_time){0};
    for (int i = 0; i < n; i++) {
        const struct rs_work *w = &works[i];
        const double B = batch, bytes = w->filter_bytes + B * (w->in_bytes + w->out_bytes);

        if (w->kind == RS_WORK_VIEW)
            continue;
        macs += w->macs * B;
        if (d->kind == RS_DEVICE_CALIBRATED) {
            t->operations += B * rs_cpu_model_seconds(&d->cpu, w);
        } else if (d->kind == RS_DEVICE_SYSTOLIC) {
            const struct rs_systolic machine = {.rows = (int64_t)d->rows.value, .cols = (int64_t)d->cols.value, .ifmap_kb = 1 << 20,
                                                .filter_kb = 1 << 20, .ofmap_kb = 1 << 20, .flow = RS_SYSTOLIC_WS};
            const bool depthwise = w->kind == RS_WORK_DEPTHWISE;
            struct rs_systolic_result r;

            if (w->macs > 0) {                 /* a depthwise layer is M products of one filter each */
                rs_systolic_run(&machine, &(struct rs_systolic_gemm){.N = (int64_t)(w->P * B), .M = depthwise ? 1 : (int64_t)w->M,
                                .K = (int64_t)w->K, .ifmap_words = 1}, &r);
                busy = (double)r.cycles * (depthwise ? w->M : 1) / (d->clock.value * 1e6);
                t->operations += fmax(busy, bytes / (d->memory.value * 1e9));
            }
        } else {
            const double outputs = w->P * w->M * B, filled = fmin(1, outputs / d->fill.value);

            busy = 2 * w->macs * B / (d->peak.value * 1e12 * d->ceiling.value * filled);
            t->operations += fmax(busy, bytes / (d->memory.value * 1e9));
            t->launches += d->launch.value * 1e-6;
        }
    }
    t->request = d->kind == RS_DEVICE_CALIBRATED ? d->cpu.request * batch : d->request.value * 1e-6;
    t->transfer = d->link.value > 0 ? (in_bytes + out_bytes) * batch / (d->link.value * 1e9) : 0;
    t->seconds = t->operations + t->launches + t->request + t->transfer;
    {
        const double peak = d->kind == RS_DEVICE_SYSTOLIC ? d->rows.value * d->cols.value * d->clock.value * 1e6 : d->peak.value * 0.5e12;
        const double used = peak > 0 ? fmin(1, macs / (peak * t->seconds)) : 1;

        t->joules = (d->idle.value + (d->max.value - d->idle.value) * used) * t->seconds;
    }
}
