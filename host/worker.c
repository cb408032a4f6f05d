/* worker.c - the threads of a device: items of requests go by turns through host threads and the array thread. */
#include <assert.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "replay.h"
#include "request.h"

#define STEP_CYCLES       10000u       /* clocked at a time: a cancelled job ends within one step */
#define WAVE_STEP_CYCLES  100u         /* when the waveform waits for a layer                    */
#define PROGRESS_SECONDS  0.25
#define LIMIT_FACTOR      20           /* a job that takes this many times its prediction hangs  */
#define LIMIT_FLOOR       2000000u
#define HOLD_SECONDS      0.01         /* slept at a time while an answer is held back           */
#define SPIN_SECONDS      1e-4         /* what a sleep may be late                               */
#define NOT_ANSWERED      -1.0         /* of due_seconds                                         */
#define POISON            0xA5         /* status area before a job: what is not written shows    */

/* ---- queues; lock is held -------------------------------------------------------------------------- */

static void push(struct rs_queue *q, struct rs_slot *s)
{
    s->next = NULL;
    if (q->last != NULL)
        q->last->next = s;
    else
        q->first = s;
    q->last = s;
}

static void push_front(struct rs_queue *q, struct rs_slot *s)
{
    s->next = q->first;
    q->first = s;
    if (q->last == NULL)
        q->last = s;
}

static struct rs_slot *pop(struct rs_queue *q)
{
    struct rs_slot *s = q->first;

    if (s != NULL) {
        q->first = s->next;
        if (q->first == NULL)
            q->last = NULL;
    }
    return s;
}

/* The next item of the oldest request whose model has a free slot. */
static struct rs_slot *begin_item(struct rs_device *d)
{
    for (struct rs_request **link = &d->first_request, *before = NULL; *link != NULL; link = &(*link)->next) {
        struct rs_request *r = *link;

        for (int i = 0; i < r->model->n_slots; i++) {
            struct rs_slot *s = &r->model->slots[i];

            if (s->request != NULL)
                continue;
            s->request = r;
            s->item = r->begun++;
            s->action = 0;
            s->job_done = false;
            if (r->begun == r->batch) {
                *link = r->next;
                if (d->last_request == r)
                    d->last_request = before;
            }
            return s;
        }
        before = r;
    }
    return NULL;
}

static bool stopped(struct rs_device *d, const struct rs_request *r)
{
    bool yes;

    pthread_mutex_lock(&d->lock);
    yes = r->cancelled;
    pthread_mutex_unlock(&d->lock);
    return yes;
}

/* The slot's item has ended; the slot is free. */
static void end_item(struct rs_slot *s, rs_status status, const struct rs_error *why)
{
    struct rs_request *r = s->request;
    struct rs_device *d = r->device;

    pthread_mutex_lock(&d->lock);
    s->request = NULL;
    if (status != RS_OK)
        rs_request_stop(r, status, why != NULL ? why->text : rs_status_name(status));
    rs_request_item_ended(r);
    pthread_mutex_unlock(&d->lock);
}

/* ---- host stages ----------------------------------------------------------------------------------- */

struct cpu_run {
    struct rs_slot *slot;
    double last_seconds;
    struct rs_error err;
};

static rs_status call_hook(struct rs_slot *s, int node, int tensor, const void *data)
{
    const struct rs_model *m = s->model;
    rs_status status;

    if (m->options.hook == NULL)
        return RS_OK;
    pthread_mutex_lock(&m->device->hook_lock);
    status = m->options.hook(m->options.hook_context, s->item, node, m->graph->tensors[tensor].name, data,
                             rs_tensor_bytes(&m->graph->tensors[tensor]));
    pthread_mutex_unlock(&m->device->hook_lock);
    return status;
}

static void count_cpu(struct rs_slot *s, int node, double seconds)
{
    struct rs_request *r = s->request;
    struct rs_device *d = r->device;

    pthread_mutex_lock(&d->lock);
    r->layers[s->model->layer_of[node]].host_seconds += seconds;
    r->report.macs_cpu += (uint64_t)rs_graph_macs(s->model->graph, node);
    pthread_mutex_unlock(&d->lock);
}

/* Host threads' time since @start. */
static void count_host(struct rs_slot *s, double start)
{
    struct rs_device *d = s->request->device;

    pthread_mutex_lock(&d->lock);
    s->request->report.seconds_host += rs_seconds() - start;
    pthread_mutex_unlock(&d->lock);
}

static rs_status cpu_hook(void *context, const struct rs_graph *g, int node, const void *output)
{
    struct cpu_run *run = context;
    const double now = rs_seconds();
    rs_status status;

    count_cpu(run->slot, node, now - run->last_seconds);
    status = call_hook(run->slot, node, g->nodes[node].outputs[0], output);
    if (status == RS_OK && stopped(run->slot->request->device, run->slot->request))
        status = RS_ERR_DEVICE;
    run->last_seconds = rs_seconds();
    return status;
}

static rs_status run_on_cpu(struct rs_slot *s, struct rs_error *err)
{
    struct rs_request *r = s->request;
    const struct rs_model *m = s->model;
    const struct rs_graph *g = m->graph;
    struct cpu_run run = {.slot = s, .last_seconds = rs_seconds()};
    const struct rs_run_options options = {.reference = m->options.reference, .packed = m->packed, .pool = r->device->pool,
                                           .hook = cpu_hook, .hook_context = &run};
    const size_t arena_bytes = rs_graph_arena_bytes(m->memory, m->packed, rs_pool_threads(options.pool));
    const void **inputs = calloc((size_t)g->n_inputs + 1, sizeof *inputs);
    void **outputs = calloc((size_t)g->n_outputs + 1, sizeof *outputs);
    const bool own = m->arena_bytes >= arena_bytes && s->arena != NULL;
    void *arena = own ? s->arena : aligned_alloc(64, (arena_bytes + 64) / 64 * 64);
    rs_status status;

    if (inputs == NULL || outputs == NULL || arena == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "no host memory for %zu bytes of activations", arena_bytes);
    } else {
        for (int i = 0; i < g->n_inputs; i++)
            inputs[i] = (const uint8_t *)r->inputs[i] + s->item * rs_tensor_bytes(&g->tensors[g->inputs[i]]);
        for (int i = 0; i < g->n_outputs; i++)
            outputs[i] = (uint8_t *)r->outputs[i] + s->item * rs_tensor_bytes(&g->tensors[g->outputs[i]]);
        status = rs_graph_run_cpu(g, m->memory, inputs, outputs, arena, arena_bytes, &options, err);
    }
    free(inputs);
    free(outputs);
    if (!own)
        free(arena);
    return status;
}

/* Memory and pointers for the slot's new item. */
static rs_status prepare(struct rs_slot *s, struct rs_error *err)
{
    const struct rs_model *m = s->model;
    const struct rs_graph *g = m->graph;
    const size_t n = (size_t)g->n_tensors;

    if (s->arena == NULL) {
        s->arena = aligned_alloc(64, (m->arena_bytes + 64) / 64 * 64);
        s->staging = calloc(1, m->staging_bytes + 64);
        s->data = calloc(n + 1, sizeof *s->data);
        if (s->arena == NULL || s->staging == NULL || s->data == NULL) {
            free(s->arena);
            free(s->staging);
            free(s->data);
            s->arena = s->staging = NULL;
            s->data = NULL;
            return rs_fail(err, RS_ERR_NOMEM, "no host memory for %zu bytes of activations", m->arena_bytes);
        }
    }
    if (m->plan == NULL || m->plan->n_jobs == 0)
        return RS_OK;
    for (size_t t = 0; t < n; t++) {
        const int root = m->root[t];

        s->data[t] = m->offset[root] != RS_NO_OFFSET ? s->arena + m->offset[root] : NULL;
    }
    for (int i = 0; i < g->n_inputs; i++)
        for (size_t t = 0; t < n; t++)
            if (m->root[t] == g->inputs[i])
                s->data[t] = (uint8_t *)(uintptr_t)s->request->inputs[i] +
                             s->item * rs_tensor_bytes(&g->tensors[g->inputs[i]]);
    return RS_OK;
}

static void stage_inputs(struct rs_slot *s, const struct rs_plan_job *job)
{
    uint8_t *to = s->staging;

    for (int i = 0; i < job->n_inputs; i++) {
        const int tensor = job->inputs[i].tensor;
        const void *from = s->data[tensor] != NULL ? s->data[tensor] : s->model->graph->tensors[tensor].data;

        rs_layout_to_blocked(&job->inputs[i], (int)s->model->plan->config.block, from, to);
        to += (job->inputs[i].bytes + 63) / 64 * 64;
    }
}

static size_t staged_bytes(const struct rs_plan_tensor *list, int n)
{
    size_t bytes = 0;

    for (int i = 0; i < n; i++)
        bytes += (list[i].bytes + 63) / 64 * 64;
    return bytes;
}

static uint8_t *staged_outputs(struct rs_slot *s, const struct rs_plan_job *job)
{
    return s->staging + staged_bytes(job->inputs, job->n_inputs);
}

static rs_status unstage_outputs(struct rs_slot *s, const struct rs_plan_job *job)
{
    const struct rs_model *m = s->model;
    const uint8_t *from = staged_outputs(s, job);
    rs_status status = RS_OK;

    for (int i = 0; i < job->n_outputs && status == RS_OK; i++) {
        const int tensor = job->outputs[i].tensor;

        if (s->data[tensor] != NULL)
            rs_layout_from_blocked(&job->outputs[i], (int)m->plan->config.block, (const int8_t *)from, s->data[tensor]);
        from += (job->outputs[i].bytes + 63) / 64 * 64;
        if (s->data[tensor] != NULL)
            status = call_hook(s, rs_graph_producer(m->graph, tensor), tensor, s->data[tensor]);
    }
    return status;
}

static void copy_outputs(struct rs_slot *s)
{
    const struct rs_graph *g = s->model->graph;

    for (int i = 0; i < g->n_outputs; i++) {
        const struct rs_tensor *t = &g->tensors[g->outputs[i]];
        const void *from = s->data[g->outputs[i]] != NULL ? s->data[g->outputs[i]] : t->data;

        memcpy((uint8_t *)s->request->outputs[i] + s->item * rs_tensor_bytes(t), from, rs_tensor_bytes(t));
    }
}

/* All host work up to the next job, or to the end.  false: the item has not ended, it waits for the array. */
static bool host_stages(struct rs_slot *s, rs_status *status, struct rs_error *err)
{
    struct rs_request *r = s->request;
    struct rs_device *d = r->device;
    const struct rs_model *m = s->model;
    const struct rs_plan *p = m->plan;
    const double begun = rs_seconds();
    bool on_cpu, stop;

    pthread_mutex_lock(&d->lock);
    on_cpu = r->on_cpu;
    stop = r->cancelled;
    pthread_mutex_unlock(&d->lock);
    if (stop)
        return true;                               /* the request's status says why                  */
    if (s->action == 0 && !s->job_done)
        *status = prepare(s, err);
    if (*status != RS_OK)
        return true;
    if (on_cpu || p == NULL || p->n_jobs == 0) {
        *status = run_on_cpu(s, err);
        count_host(s, begun);
        return true;
    }
    if (s->job_done) {
        *status = unstage_outputs(s, &p->jobs[p->actions[s->action].index]);
        s->job_done = false;
        s->action++;
    }
    for (; *status == RS_OK && s->action < p->n_actions; s->action++) {
        const struct rs_plan_action *a = &p->actions[s->action];
        const double start = rs_seconds();

        if (stopped(d, r))
            return true;
        if (a->is_job) {
            stage_inputs(s, &p->jobs[a->index]);
            pthread_mutex_lock(&d->lock);
            s->ready_seconds = rs_seconds();
            r->report.seconds_host += s->ready_seconds - begun;    /* once pushed, the request may end */
            push(&d->array_ready, s);
            pthread_cond_broadcast(&d->changed);
            pthread_mutex_unlock(&d->lock);
            return false;
        }
        *status = rs_graph_run_node(m->graph, a->index, s->data, s->arena + m->scratch_offset, m->options.reference, err);
        count_cpu(s, a->index, rs_seconds() - start);
        if (*status == RS_OK)
            *status = call_hook(s, a->index, m->graph->nodes[a->index].outputs[0],
                                s->data[m->graph->nodes[a->index].outputs[0]]);
    }
    if (*status == RS_OK)
        copy_outputs(s);
    count_host(s, begun);
    return true;
}

static void *host_thread(void *argument)
{
    struct rs_device *d = argument;

    pthread_mutex_lock(&d->lock);
    for (;;) {
        struct rs_slot *s = pop(&d->host_ready);
        struct rs_error why = {0};
        rs_status status = RS_OK;

        if (s == NULL)
            s = begin_item(d);
        if (s == NULL) {
            if (d->closing && d->unfinished == 0)         /* else the array may still hand a slot back */
                break;
            pthread_cond_wait(&d->changed, &d->lock);
            continue;
        }
        pthread_mutex_unlock(&d->lock);
        if (host_stages(s, &status, &why))
            end_item(s, status, why.text[0] != '\0' ? &why : NULL);
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* ---- jobs on the array; turn is held ---------------------------------------------------------------- */

static const struct rs_plan_job *job_of(const struct rs_slot *s)
{
    const struct rs_plan *p = s->model->plan;

    return &p->jobs[p->actions[s->action].index];
}

static const char *layer_name(const struct rs_slot *s, int snapshot)
{
    const struct rs_plan_job *job = job_of(s);

    if (snapshot >= job->n_snapshots)
        return "";
    return s->model->layers[s->model->layer_of[job->snapshots[snapshot].node]].name;
}

static uint64_t get64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, 8);
    return value;
}

/* How many of the job's snapshots have been written. */
static void count_layers_done(struct rs_device *d, struct rs_slot *s)
{
    const struct rs_plan_job *job = job_of(s);
    uint8_t word[8];

    while (s->layers_done < job->n_snapshots) {
        if (d->backend->read(d->handle, s->device_status + job->snapshots[s->layers_done].offset_bytes, word, 8, NULL) !=
                RS_OK || (uint32_t)get64(word) != RS_ISA_MAGIC)
            return;
        s->layers_done++;
    }
}

static rs_status recover(struct rs_device *d, struct rs_error *err)
{
    rs_status status = d->backend->reset(d->handle, err);

    pthread_mutex_lock(&d->lock);
    d->generation++;
    d->reset_wanted = false;
    d->dead = status != RS_OK;
    pthread_mutex_unlock(&d->lock);
    return status;
}

/*
 * The device has the answer, after @cycles; what holds it back is the pace.  The modelled core took the job up as soon as it was handed
 * over and the core was free: it does not wait for a thread of ours to wake up.
 */
static void answered(struct rs_device *d, struct rs_slot *s, uint32_t core, uint64_t cycles)
{
    s->due_seconds = d->free_seconds[core] = fmax(s->ready_seconds, d->free_seconds[core]) + d->pace * (double)cycles / (1e6 * d->uri.clock_mhz);
}

static rs_status begin_job(struct rs_device *d, struct rs_slot *s, uint32_t core, struct rs_error *err)
{
    struct rs_model *m = s->model;
    const struct rs_plan *p = m->plan;
    const struct rs_plan_job *job = job_of(s);
    const uint32_t latency = d->uri.latency != 0 ? d->uri.latency : 100;
    const uint8_t *from = s->staging;
    uint8_t *poison;
    rs_status status;

    if (d->dead)
        return rs_fail(err, RS_ERR_DEVICE, "%s: the device is gone, its last reset failed", d->target);
    s->transfer_seconds = rs_seconds();
    s->step_seconds = 0;
    s->due_seconds = NOT_ANSWERED;
    s->answer = rs_replays(m) && !d->wave_on && !d->wave_wanted ? rs_answer_find(m, s->staging, staged_bytes(job->inputs, job->n_inputs)) : NULL;
    if (s->answer != NULL) {
        s->start_seconds = rs_seconds();
        s->transfer_seconds = s->start_seconds - s->transfer_seconds;
        answered(d, s, core, s->answer->job.cycles);
        return RS_OK;
    }
    status = rs_model_upload(m, err);
    if (status != RS_OK)
        return status;
    if (!s->on_device) {
        status = d->backend->alloc(d->handle, p->arena_bytes != 0 ? p->arena_bytes : 64, &s->device_arena, err);
        if (status != RS_OK)
            return status;
        status = d->backend->alloc(d->handle, p->status_bytes, &s->device_status, err);
        if (status != RS_OK) {
            d->backend->release(d->handle, s->device_arena);
            return status;
        }
        s->on_device = true;
    }
    for (int i = 0; i < job->n_inputs && status == RS_OK; i++) {
        status = d->backend->write(d->handle, s->device_arena + job->inputs[i].offset_bytes, from, job->inputs[i].bytes, err);
        from += (job->inputs[i].bytes + 63) / 64 * 64;
    }
    if (status != RS_OK)
        return status;
    poison = malloc(p->status_bytes);
    if (poison == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    memset(poison, POISON, p->status_bytes);
    status = d->backend->write(d->handle, s->device_status, poison, p->status_bytes, err);
    free(poison);
    if (status != RS_OK)
        return status;

    s->limit_cycles = d->uri.timeout_cycles != 0 ? d->uri.timeout_cycles
        : LIMIT_FLOOR + LIMIT_FACTOR * (uint64_t)job->cycles + 4 * (uint64_t)job->n_commands * latency;
    s->layers_done = 0;
    s->start_seconds = rs_seconds();
    s->transfer_seconds = s->start_seconds - s->transfer_seconds;
    s->start_clock = d->backend->clocks(d->handle);
    s->start_contention = d->backend->contention(d->handle, core);
    return d->backend->start(d->handle, core, (const uint64_t[RS_N_BASES]){
        m->commands_address + job->commands_offset_bytes, m->image_address, s->device_arena, s->device_status},
        (uint32_t)job->n_commands, err);
}

static void read_counters(const uint8_t *block, struct rs_counters *c)
{
    memcpy(c, block + 8 * RS_STATUS_COUNTERS, sizeof *c);
}

/* What the job cost, into its request's report; @layers: of each snapshot. */
static void credit(struct rs_device *d, struct rs_slot *s, const struct rs_counters *job_counters, const struct rs_counters *layers)
{
    const struct rs_plan_job *job = job_of(s);
    const struct rs_counters none = {0};
    struct rs_request *r = s->request;

    pthread_mutex_lock(&d->lock);
    for (int i = 0; i < job->n_snapshots; i++)
        rs_counters_add(&r->layers[s->model->layer_of[job->snapshots[i].node]].counters, &layers[i], &none);
    rs_counters_add(&r->report.counters, job_counters, &none);
    r->report.cycles_predicted += (uint64_t)job->cycles;
    r->report.seconds_simulated += s->step_seconds;
    r->report.seconds_transfer += s->transfer_seconds;
    pthread_mutex_unlock(&d->lock);
}

/* Counters of the job and, as differences, of its layers.  @block: the status block. */
static rs_status read_layers(struct rs_device *d, struct rs_slot *s, const uint8_t *block, struct rs_counters *job_counters,
                             struct rs_counters *layers, struct rs_error *err)
{
    const struct rs_plan_job *job = job_of(s);
    struct rs_counters before = {0}, now;

    for (int i = 0; i < job->n_snapshots; i++) {
        uint8_t snapshot[RS_STATUS_BYTES];
        const bool last = i + 1 == job->n_snapshots;     /* what comes after belongs to the last layer    */
        rs_status status = d->backend->read(d->handle, last ? s->device_status : s->device_status + job->snapshots[i].offset_bytes,
                                            snapshot, sizeof snapshot, err);

        if (status != RS_OK)
            return status;
        if ((uint32_t)get64(snapshot) != RS_ISA_MAGIC)
            return rs_fail(err, RS_ERR_DEVICE, "%s: no counters were written after layer '%s'", d->target, layer_name(s, i));
        read_counters(snapshot, &now);
        layers[i] = (struct rs_counters){0};
        rs_counters_add(&layers[i], &now, &before);
        before = now;
    }
    read_counters(block, job_counters);
    return RS_OK;
}

/* The job has finished: its status, counters and outputs. */
static rs_status finish_job(struct rs_device *d, struct rs_slot *s, uint32_t core, struct rs_error *err)
{
    struct rs_model *m = s->model;
    const struct rs_plan_job *job = job_of(s);
    const struct rs_backend *b = d->backend;
    const size_t in_bytes = staged_bytes(job->inputs, job->n_inputs), out_bytes = staged_bytes(job->outputs, job->n_outputs);
    const double start = rs_seconds();
    struct rs_counters job_counters, *layers;
    uint8_t block[RS_STATUS_BYTES], *to = staged_outputs(s, job);
    struct rs_core_status core_status = {0};
    rs_status status;
    uint32_t hash, error;

    if (s->answer != NULL) {
        memcpy(to, s->answer->staging + in_bytes, out_bytes);
        s->transfer_seconds += rs_seconds() - start;
        credit(d, s, &s->answer->job, s->answer->layers);
        pthread_mutex_lock(&d->lock);
        s->request->report.replayed++;
        pthread_mutex_unlock(&d->lock);
        return RS_OK;
    }
    status = b->read(d->handle, s->device_status, block, sizeof block, err);
    if (status != RS_OK)
        return status;
    if ((uint32_t)get64(block) != RS_ISA_MAGIC) {
        count_layers_done(d, s);
        if (b->status(d->handle, core, &core_status, err) != RS_OK)
            return RS_ERR_DEVICE;
        return rs_fail(err, RS_ERR_DEVICE, "%s: the core ended without writing its status block; register: %s at address "
                       "0x%llx, %d of %d layers done", d->target, rs_core_error_text(core_status.error),
                       (unsigned long long)core_status.error_address, s->layers_done, job->n_snapshots);
    }
    hash = (uint32_t)get64(block + 8);
    error = (uint32_t)(get64(block + 8) >> 32);
    if (error != 0)
        return rs_fail(err, RS_ERR_DEVICE, "%s: %s at address 0x%llx", d->target, rs_core_error_text(error),
                       (unsigned long long)get64(block + 16));
    if (hash != d->config.config_hash)
        return rs_fail(err, RS_ERR_MISMATCH, "%s: status block of configuration 0x%08x, expected 0x%08x", d->target, hash,
                       d->config.config_hash);
    for (int i = 0; i < job->n_outputs; i++) {
        status = b->read(d->handle, s->device_arena + job->outputs[i].offset_bytes, to, job->outputs[i].bytes, err);
        if (status != RS_OK)
            return status;
        to += (job->outputs[i].bytes + 63) / 64 * 64;
    }
    layers = malloc(((size_t)job->n_snapshots + 1) * sizeof *layers);
    if (layers == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for the counters of %d layers", job->n_snapshots);
    status = read_layers(d, s, block, &job_counters, layers, err);
    if (status == RS_OK) {
        s->transfer_seconds += rs_seconds() - start;
        credit(d, s, &job_counters, layers);
        pthread_mutex_lock(&d->lock);
        s->request->report.contention += b->contention(d->handle, core) - s->start_contention;
        pthread_mutex_unlock(&d->lock);
        if (rs_replays(m))
            rs_answer_keep(m, s->staging, in_bytes + out_bytes, &job_counters, layers, job->n_snapshots);
    }
    free(layers);
    return status;
}

static rs_status timed_out(struct rs_device *d, struct rs_slot *s, uint32_t core, uint64_t cycles, struct rs_error *err)
{
    struct rs_core_status core_status = {0};
    const struct rs_plan_job *job = job_of(s);

    count_layers_done(d, s);
    if (d->backend->status(d->handle, core, &core_status, NULL) != RS_OK)
        return rs_fail(err, RS_ERR_TIMEOUT, "%s: no ap_done after %llu cycles (expected %lld), and its registers do not answer; "
                       "the device is reset before the next job", d->target, (unsigned long long)cycles,
                       (long long)job->cycles);
    return rs_fail(err, RS_ERR_TIMEOUT, "%s: no ap_done after %llu cycles (expected %lld): %s, %d of %d layers done, next '%s', "
                   "core counts %llu cycles; outputs not returned; the device is reset before the next job", d->target,
                   (unsigned long long)cycles, (long long)job->cycles, rs_core_error_text(core_status.error),
                   s->layers_done, job->n_snapshots, layer_name(s, s->layers_done),
                   (unsigned long long)core_status.cycles);
}

static void show_progress(struct rs_device *d, struct rs_slot *s, uint64_t cycles)
{
    const struct rs_plan_job *job = job_of(s);
    struct rs_progress progress;

    count_layers_done(d, s);
    progress = (struct rs_progress){
        .layer = layer_name(s, s->layers_done), .layers_done = (uint32_t)s->layers_done,
        .layers = (uint32_t)job->n_snapshots, .cycles = cycles, .cycles_expected = (uint64_t)job->cycles,
        .seconds = rs_seconds() - s->start_seconds,
        .cycles_per_second = s->step_seconds > 0 ? (double)cycles / s->step_seconds : 0};
    d->options.progress(d->options.context, &progress);
}

/* Waveform of one layer: on while it is the oldest unfinished one. */
static void follow_wave(struct rs_device *d, struct rs_slot *s)
{
    const struct rs_plan_job *job = job_of(s);
    char number[16] = "";
    bool here;

    count_layers_done(d, s);
    if (s->layers_done < job->n_snapshots)
        snprintf(number, sizeof number, "%d", job->snapshots[s->layers_done].node);
    here = strcmp(layer_name(s, s->layers_done), d->wave_layer) == 0 || strcmp(number, d->wave_layer) == 0;
    if (here == d->wave_on)
        return;
    if (d->backend->wave(d->handle, here ? d->wave_file : NULL, NULL) != RS_OK) {
        char text[1200];

        snprintf(text, sizeof text, "no waveform could be written to %s", d->wave_file);
        rs_device_message(d, text);
        d->wave_wanted = false;
        return;
    }
    d->wave_seen = true;
    d->wave_on = here;
    if (!here)
        d->wave_wanted = false;
}

/* ---- the array thread ------------------------------------------------------------------------------- */

/* The job of @s failed: its request fails, or goes on on the CPU. */
static void job_failed(struct rs_device *d, struct rs_slot *s, rs_status status, const struct rs_error *why)
{
    struct rs_request *r = s->request;
    char text[320];
    bool said = true;

    pthread_mutex_lock(&d->lock);
    if (!d->options.cpu_fallback || r->cancelled) {
        pthread_mutex_unlock(&d->lock);
        end_item(s, status, why);
        return;
    }
    if (!r->on_cpu) {
        said = false;
        r->on_cpu = true;
        snprintf(r->fallback_reason, sizeof r->fallback_reason, "%.255s", why->text);
    }
    s->action = 0;
    s->job_done = false;
    push(&d->host_ready, s);
    snprintf(text, sizeof text, "running on the CPU instead: %s", r->fallback_reason);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    if (!said)
        rs_device_message(d, text);
}

/* Whether the device itself is at work on @s. */
static bool clocked(const struct rs_slot *s) { return s != NULL && s->due_seconds == NOT_ANSWERED; }

/* One round over the cores: finished, stopped, timed out.  Turn is held. */
static void look_at_cores(struct rs_device *d, struct rs_slot *active[RS_MAX_CORES], rs_status step_status, struct rs_error *step_error)
{
    const uint64_t now = step_status == RS_OK ? d->backend->clocks(d->handle) : 0;
    bool broken = false;

    for (uint32_t core = 0; core < d->uri.cores; core++) {
        struct rs_slot *s = active[core];
        struct rs_error why = {0};
        rs_status status = clocked(s) ? step_status : RS_OK;

        if (s == NULL)
            continue;
        if (status != RS_OK) {
            why = *step_error;
        } else if (!clocked(s) && rs_seconds() >= s->due_seconds) {
            status = finish_job(d, s, core, &why);
            if (status == RS_OK) {
                active[core] = NULL;
                pthread_mutex_lock(&d->lock);
                s->job_done = true;
                push(&d->host_ready, s);
                pthread_cond_broadcast(&d->changed);
                pthread_mutex_unlock(&d->lock);
                continue;
            }
        } else if (stopped(d, s->request)) {
            status = rs_fail(&why, RS_ERR_DEVICE, "the run was ended");
        } else if (clocked(s) && now - s->start_clock > s->limit_cycles) {
            status = timed_out(d, s, core, now - s->start_clock, &why);
        } else {
            continue;
        }
        active[core] = NULL;
        broken = broken || s->answer == NULL;
        job_failed(d, s, status, &why);
    }
    if (!broken)
        return;
    for (uint32_t core = 0; core < d->uri.cores; core++)     /* the reset takes these with it: again */
        if (active[core] != NULL && active[core]->answer == NULL) {
            pthread_mutex_lock(&d->lock);
            push_front(&d->array_ready, active[core]);
            pthread_mutex_unlock(&d->lock);
            active[core] = NULL;
        }
    (void)recover(d, NULL);
}

static void start_jobs(struct rs_device *d, struct rs_slot *active[RS_MAX_CORES])
{
    for (uint32_t core = 0; core < d->uri.cores; core++) {
        struct rs_slot *s;
        struct rs_error why = {0};
        rs_status status;
        bool elsewhere;

        if (active[core] != NULL)
            continue;
        pthread_mutex_lock(&d->lock);
        s = pop(&d->array_ready);
        elsewhere = s != NULL && (s->request->cancelled || s->request->on_cpu);
        if (elsewhere) {
            s->action = 0;
            push(&d->host_ready, s);
            pthread_cond_broadcast(&d->changed);
        }
        pthread_mutex_unlock(&d->lock);
        if (s == NULL)
            return;
        if (elsewhere)
            continue;
        rs_turn_take(&d->turn);
        status = begin_job(d, s, core, &why);
        if (status == RS_OK) {
            active[core] = s;
            if (d->wave_wanted)
                follow_wave(d, s);
        } else {
            job_failed(d, s, status, &why);
            /* A card that went away: another core's job would notice it in its next step. */
            if ((status == RS_ERR_DEVICE || status == RS_ERR_TIMEOUT) && !d->dead && active[0] == NULL && active[1] == NULL)
                (void)recover(d, NULL);
        }
        rs_turn_give(&d->turn);
    }
}

static bool any(struct rs_slot *const active[RS_MAX_CORES])
{
    return active[0] != NULL || active[1] != NULL;
}

/* With nothing to clock, sleeps until the next answer is due, or something changes. */
static void hold(struct rs_device *d, struct rs_slot *const active[RS_MAX_CORES])
{
    double due = INFINITY, until;
    int held = 0;

    for (uint32_t core = 0; core < d->uri.cores; core++) {
        if (clocked(active[core]))
            return;
        if (active[core] != NULL) {
            due = fmin(due, active[core]->due_seconds);
            held++;
        }
    }
    until = fmin(due - SPIN_SECONDS, rs_seconds() + HOLD_SECONDS);
    if (held == 0 || rs_seconds() >= until) {
        (void)sched_yield();
        return;
    }
    pthread_mutex_lock(&d->lock);
    if (held == (int)d->uri.cores || d->array_ready.first == NULL)
        pthread_cond_timedwait(&d->changed, &d->lock, &(struct timespec){.tv_sec = (time_t)until, .tv_nsec = (long)(1e9 * (until - floor(until)))});
    pthread_mutex_unlock(&d->lock);
}

static void *array_thread(void *argument)
{
    struct rs_device *d = argument;
    struct rs_slot *active[RS_MAX_CORES] = {NULL, NULL};
    double shown = rs_seconds();

    for (;;) {
        struct rs_error why = {0};
        uint32_t done = 0;
        rs_status status = RS_OK;
        double start;

        pthread_mutex_lock(&d->lock);
        while (!any(active) && d->array_ready.first == NULL && !(d->closing && d->unfinished == 0))
            pthread_cond_wait(&d->changed, &d->lock);
        if (!any(active) && d->array_ready.first == NULL) {
            pthread_mutex_unlock(&d->lock);
            return NULL;
        }
        pthread_mutex_unlock(&d->lock);
        start_jobs(d, active);
        if (!any(active))
            continue;

        rs_turn_take(&d->turn);
        if (clocked(active[0]) || clocked(active[1])) {
            start = rs_seconds();
            status = d->backend->step(d->handle, d->wave_wanted ? WAVE_STEP_CYCLES : STEP_CYCLES, &done, &why);
            start = (rs_seconds() - start) / (clocked(active[0]) + clocked(active[1]));     /* shared by the jobs */
            for (uint32_t core = 0; core < d->uri.cores; core++)
                if (clocked(active[core]))
                    active[core]->step_seconds += start;
        }
        if (status == RS_OK && d->wave_wanted && active[0] != NULL)
            follow_wave(d, active[0]);
        if (status == RS_OK && d->options.progress != NULL && rs_seconds() - shown > PROGRESS_SECONDS) {
            shown = rs_seconds();
            for (uint32_t core = 0; core < d->uri.cores; core++)
                if (clocked(active[core]) && (done >> core & 1) == 0)
                    show_progress(d, active[core], d->backend->clocks(d->handle) - active[core]->start_clock);
        }
        for (uint32_t core = 0; core < d->uri.cores && status == RS_OK; core++)
            if (clocked(active[core]) && (done >> core & 1) != 0)
                answered(d, active[core], core, d->backend->clocks(d->handle) - active[core]->start_clock);
        look_at_cores(d, active, status, &why);
        rs_turn_give(&d->turn);
        hold(d, active);
    }
}

/* ---- starting and stopping ---------------------------------------------------------------------------- */

rs_status rs_workers_start(struct rs_device *d, struct rs_error *err)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int wanted = d->backend != NULL || processors < 1 ? 1
                     : processors > RS_MAX_HOST_THREADS ? RS_MAX_HOST_THREADS : (int)processors;

    const rs_status status = d->backend == NULL && d->uri.threads > 1 ? rs_pool_create((int)d->uri.threads, &d->pool, err) : RS_OK;

    if (status != RS_OK)
        return status;
    for (; d->n_host_threads < wanted; d->n_host_threads++)
        if (pthread_create(&d->host_thread[d->n_host_threads], NULL, host_thread, d) != 0)
            return rs_fail(err, RS_ERR_NOMEM, "no thread to be had");
    if (d->backend != NULL) {
        if (pthread_create(&d->array_thread, NULL, array_thread, d) != 0)
            return rs_fail(err, RS_ERR_NOMEM, "no thread to be had");
        d->has_array_thread = true;
    }
    return RS_OK;
}

void rs_workers_stop(struct rs_device *d)
{
    pthread_mutex_lock(&d->lock);
    d->closing = true;
    rs_requests_stop_all(d);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    if (d->has_array_thread)
        pthread_join(d->array_thread, NULL);
    pthread_mutex_lock(&d->lock);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    for (int i = 0; i < d->n_host_threads; i++)
        pthread_join(d->host_thread[i], NULL);
    d->has_array_thread = false;
    d->n_host_threads = 0;
    rs_pool_destroy(d->pool);
    d->pool = NULL;
}
