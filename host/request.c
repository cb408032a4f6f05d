/* request.c - submitting, waiting, ending; and the report of what a request cost. */
#include "request.h"
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* struct rs_counters of the public header is RS_COUNTERS of isa.h, in its order: the status block is copied into it. */
#define SAME_PLACE(name, what)                                                                       \
    _Static_assert(offsetof(struct rs_counters, name) == 8 * RS_COUNTER_##name, "order of counters: " #name);
RS_COUNTERS(SAME_PLACE)
_Static_assert(sizeof(struct rs_counters) == 8 * RS_N_COUNTERS, "number of counters");
_Static_assert(RS_STATUS_COUNTERS + RS_N_COUNTERS <= RS_STATUS_WORDS, "counters fit the status block");

void rs_counters_add(struct rs_counters *sum, const struct rs_counters *now, const struct rs_counters *before)
{
#define ADD(name, what) sum->name += now->name - before->name;
    RS_COUNTERS(ADD)
}

/* ---- for the workers; lock is held ------------------------------------------------------------------- */

static void finish(struct rs_request *r)
{
    const struct rs_device *d = r->device;
    const double per_cycle = 2.0 * d->config.rows * d->config.cols;
    struct rs_report *t = &r->report;

    t->fallback = r->on_cpu || d->fallback;
    t->fallback_reason = r->on_cpu ? r->fallback_reason : d->fallback_reason;
    t->cycles = t->counters.cycles;
    t->seconds = rs_seconds() - r->start_seconds;
    t->macs *= r->batch;
    if (t->cycles != 0)
        t->utilization = (double)(t->macs - t->macs_cpu) / (per_cycle * (double)t->cycles);
    for (int i = 0; i < r->model->n_layers; i++) {
        struct rs_layer_report *layer = &r->layers[i];

        layer->macs *= r->batch;
        layer->cycles_predicted *= r->batch;
        if (r->on_cpu && layer->where == RS_WHERE_ARRAY) {
            layer->where = RS_WHERE_CPU;
            layer->reason = r->fallback_reason;
        }
        if (layer->counters.cycles != 0 && layer->where == RS_WHERE_ARRAY)
            layer->utilization = (double)layer->macs / (per_cycle * (double)layer->counters.cycles);
    }
    r->done = true;
    r->device->unfinished--;
    pthread_cond_broadcast(&r->device->changed);
}

void rs_request_item_ended(struct rs_request *r)
{
    r->ended++;
    if (r->ended == r->batch)
        finish(r);
    else
        pthread_cond_broadcast(&r->device->changed);
}

void rs_request_stop(struct rs_request *r, rs_status status, const char *text)
{
    struct rs_device *d = r->device;

    if (r->status == RS_OK)
        r->status = rs_fail(&r->err, status, "%s", text);
    r->cancelled = true;
    if (r->begun == r->batch)
        return;
    for (struct rs_request **link = &d->first_request, *before = NULL; *link != NULL; before = *link, link = &(*link)->next)
        if (*link == r) {
            *link = r->next;
            if (d->last_request == r)
                d->last_request = before;
            break;
        }
    r->ended += r->batch - r->begun;               /* never all: the caller ends one, or see below   */
    r->begun = r->batch;
}

static void stop_and_finish(struct rs_request *r, const char *text)
{
    if (r->done)
        return;
    rs_request_stop(r, RS_ERR_DEVICE, text);
    if (r->ended == r->batch)
        finish(r);
}

void rs_requests_stop_all(struct rs_device *d)
{
    static const char text[] = "the device was closed";

    for (struct rs_request *r = d->running; r != NULL; r = r->next_running)
        stop_and_finish(r, text);
}

/* ---- for users ---------------------------------------------------------------------------------------- */

/* @items of @m; with @whole, whose model @m is, one item, which is a batch. */
static rs_status submit(struct rs_model *m, struct rs_batch *whole, const void *const *inputs, void *const *outputs, uint32_t items,
                        struct rs_request **request, struct rs_error *err)
{
    struct rs_device *d = m->device;
    struct rs_request *r = calloc(1, sizeof *r);
    bool closing;

    if (r == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    r->inputs = malloc((size_t)(m->graph->n_inputs + 1) * sizeof *r->inputs);
    r->outputs = malloc((size_t)(m->n_outputs + 1) * sizeof *r->outputs);
    r->layers = malloc((size_t)(m->n_layers + 1) * sizeof *r->layers);
    if (r->inputs == NULL || r->outputs == NULL || r->layers == NULL) {
        free(r->inputs);
        free(r->outputs);
        free(r->layers);
        free(r);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    memcpy(r->inputs, inputs, (size_t)m->graph->n_inputs * sizeof *inputs);
    memcpy(r->outputs, outputs, (size_t)m->n_outputs * sizeof *outputs);
    memcpy(r->layers, m->layers, (size_t)m->n_layers * sizeof *m->layers);
    r->device = d;
    r->model = m;
    r->whole = whole;
    r->batch = items;
    r->start_seconds = rs_seconds();
    r->report = (struct rs_report){
        .target = d->target, .preset = d->config.preset, .batch = items * rs_batch_size(whole), .clock_mhz = d->uri.clock_mhz,
        .axi_bytes = d->config.axi_bytes, .n_layers = (uint32_t)m->n_layers, .layers = r->layers,
        .macs = (uint64_t)rs_graph_total_macs(m->graph)};
    pthread_mutex_lock(&d->lock);
    closing = d->closing;
    if (!closing) {
        d->references++;
        d->unfinished++;
        if (d->last_request != NULL)
            d->last_request->next = r;
        else
            d->first_request = r;
        d->last_request = r;
        r->next_running = d->running;
        d->running = r;
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    if (closing) {
        free(r->inputs);
        free(r->outputs);
        free(r->layers);
        free(r);
        return rs_fail(err, RS_ERR_DEVICE, "the device has been closed");
    }
    *request = r;
    return RS_OK;
}

rs_status rs_submit(struct rs_model *m, const void *const *inputs, void *const *outputs, uint32_t batch,
                    struct rs_request **request, struct rs_error *err)
{
    struct rs_batch *whole;
    rs_status status;

    if (request != NULL)
        *request = NULL;
    if (m == NULL || inputs == NULL || outputs == NULL || request == NULL || batch == 0)
        return rs_fail(err, RS_ERR_ARG, "rs_submit: %s", batch == 0 ? "a batch of 0" : "null pointer");
    for (int i = 0; i < m->graph->n_inputs; i++)
        if (inputs[i] == NULL)
            return rs_fail(err, RS_ERR_ARG, "rs_submit: input %d is a null pointer", i);
    for (int i = 0; i < m->n_outputs; i++)
        if (outputs[i] == NULL)
            return rs_fail(err, RS_ERR_ARG, "rs_submit: output %d is a null pointer", i);
    whole = rs_batch_take(m, batch);
    if (whole != NULL)
        status = submit(rs_batch_model(whole), whole, inputs, outputs, 1, request, err);
    else
        status = submit(m, NULL, inputs, outputs, batch, request, err);
    if (status != RS_OK)
        rs_batch_give(whole);
    return status;
}

rs_status rs_wait(struct rs_request *r, int64_t timeout_ms, struct rs_error *err)
{
    struct rs_device *d;
    struct timespec until;
    rs_status status;
    int waited = 0;

    if (r == NULL || timeout_ms < -1)
        return rs_fail(err, RS_ERR_ARG, "rs_wait: %s", r == NULL ? "null pointer" : "negative timeout");
    d = r->device;
    clock_gettime(CLOCK_MONOTONIC, &until);
    if (timeout_ms > 0) {
        until.tv_sec += (time_t)(timeout_ms / 1000);
        until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
    }
    pthread_mutex_lock(&d->lock);
    while (!r->done && waited != ETIMEDOUT)
        waited = timeout_ms < 0 ? pthread_cond_wait(&d->changed, &d->lock)
                                : pthread_cond_timedwait(&d->changed, &d->lock, &until);
    status = !r->done ? rs_fail(err, RS_ERR_BUSY, "still running after %lld ms: %u of %u items done",
                                (long long)timeout_ms, r->ended, r->batch)
           : r->status != RS_OK ? rs_fail(err, r->status, "%s", r->err.text) : RS_OK;
    pthread_mutex_unlock(&d->lock);
    return status;
}

bool rs_poll(struct rs_request *r)
{
    bool done;

    if (r == NULL)
        return true;
    pthread_mutex_lock(&r->device->lock);
    done = r->done;
    pthread_mutex_unlock(&r->device->lock);
    return done;
}

void rs_request_free(struct rs_request *r)
{
    struct rs_device *d;

    if (r == NULL)
        return;
    d = r->device;
    pthread_mutex_lock(&d->lock);
    stop_and_finish(r, "the run was ended");
    pthread_cond_broadcast(&d->changed);
    while (!r->done)
        pthread_cond_wait(&d->changed, &d->lock);
    for (struct rs_request **link = &d->running; *link != NULL; link = &(*link)->next_running)
        if (*link == r) {
            *link = r->next_running;
            break;
        }
    pthread_mutex_unlock(&d->lock);
    free(r->inputs);
    free(r->outputs);
    free(r->layers);
    rs_batch_give(r->whole);
    free(r);
    rs_device_put(d);
}

rs_status rs_run(struct rs_model *m, const void *const *inputs, void *const *outputs, uint32_t batch, int64_t timeout_ms,
                 struct rs_error *err)
{
    struct rs_request *r;
    rs_status status = rs_submit(m, inputs, outputs, batch, &r, err);

    if (status != RS_OK)
        return status;
    status = rs_wait(r, timeout_ms, err);
    if (status == RS_ERR_BUSY)
        status = rs_fail(err, RS_ERR_TIMEOUT, "not finished after %lld ms; the run was ended", (long long)timeout_ms);
    rs_request_free(r);
    return status;
}

rs_status rs_request_report(struct rs_request *r, const struct rs_report **report, struct rs_error *err)
{
    rs_status status = RS_OK;

    if (r == NULL || report == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_request_report: null pointer");
    *report = NULL;
    pthread_mutex_lock(&r->device->lock);
    if (!r->done)
        status = rs_fail(err, RS_ERR_BUSY, "the request has not ended");
    else if (r->status != RS_OK)
        status = rs_fail(err, r->status, "%s", r->err.text);
    else
        *report = &r->report;
    pthread_mutex_unlock(&r->device->lock);
    return status;
}
