/*
 * cmd_scenario.c - `rowstation scenario`: MLPerf-style load on the asynchronous runtime.
 *
 *   singlestream   one query after the other; p90 of the latency
 *   multistream    queries of 8 samples, one after the other; p99
 *   offline        all samples at once; throughput
 *   server         Poisson arrivals, a batcher, a bound on p99; the highest rate that meets it, by halving
 *
 * On `cpu` queries go through the runtime in real time.  On simulated targets a profile is taken through the runtime, several
 * requests in flight; then time is virtual: an item holds the device for its counted cycles at the stated clock, and a
 * host thread for the time that a request takes beside the clocked device; the two overlap between items as in the runtime.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "cli.h"
#include "json.h"
#include "runtime.h"
#include "status.h"
#include "workload.h"

#define COMMAND "scenario"

enum { SINGLE, MULTI, OFFLINE, SERVER, N_SCENARIOS, MAX_BATCH = 64, PROFILE = 16, MAX_FLIGHT = 64, STREAMS = 8, MAX_SCALES = 8 };
static const char *const scenario_names[] = {"SingleStream", "MultiStream", "Offline", "Server"};

struct scenario {
    const char *path, *target, *json, *results;
    int    which, queries, in_flight, batch, n_scales;
    double bound, wait, scale[MAX_SCALES], clock_mhz;
    uint64_t seed;
    struct rs_device *device;
    struct rs_device_info info;
    struct rs_model *model;
    char   name[96];
    bool   virtual_time;
    int    n_profile;
    double cycles[PROFILE], host[PROFILE];         /* of an item */
    int    n_in, n_out;
    void **in;                                     /* [n_in]: MAX_BATCH items each */
    void ***out;                                   /* [MAX_FLIGHT][n_out]          */
};

struct query { double arrive, done; };

struct outcome {
    int    n;
    double p50, p90, p99, most, seconds, rate;     /* rate: samples a second       */
};

static bool simulated(const struct scenario *s) { return strncmp(s->info.target, "emu", 3) == 0 || strncmp(s->info.target, "sim", 3) == 0; }

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Least value that at least @share of the values do not exceed. */
static double percentile(const double *sorted, int n, double share)
{
    const int at = (int)ceil(share * n) - 1;

    return sorted[at < 0 ? 0 : at >= n ? n - 1 : at];
}

static bool summarize(const struct query *q, int n, int samples, struct outcome *o)
{
    double *latency = malloc((size_t)n * sizeof *latency), first = INFINITY, last = 0;

    if (latency == NULL)
        return false;
    for (int i = 0; i < n; i++) {
        latency[i] = q[i].done - q[i].arrive;
        first = fmin(first, q[i].arrive);
        last = fmax(last, q[i].done);
    }
    qsort(latency, (size_t)n, sizeof *latency, ascending);
    *o = (struct outcome){.n = n, .p50 = percentile(latency, n, 0.5), .p90 = percentile(latency, n, 0.9),
                          .p99 = percentile(latency, n, 0.99), .most = latency[n - 1], .seconds = last - first};
    o->rate = (double)n * samples / o->seconds;
    free(latency);
    return true;
}

static double uniform(uint64_t *state)             /* (0, 1] */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((double)((z ^ (z >> 31)) >> 11) + 1) / 9007199254740992.0;
}

/* ---- real time: through the runtime -------------------------------------------------------------------------- */

static rs_status submit(struct scenario *s, int slot, int samples, struct rs_request **request, struct rs_error *err)
{
    return rs_submit(s->model, (const void *const *)s->in, (void *const *)s->out[slot], (uint32_t)samples, request, err);
}

static rs_status one_by_one(struct scenario *s, struct query *q, int n, int samples, struct rs_error *err)
{
    rs_status status = RS_OK;

    for (int i = 0; i < n && status == RS_OK; i++) {
        struct rs_request *request = NULL;

        q[i].arrive = rs_seconds();
        status = submit(s, 0, samples, &request, err);
        if (status == RS_OK)
            status = rs_wait(request, -1, err);
        q[i].done = rs_seconds();
        rs_request_free(request);
    }
    return status;
}

/* Queries at their times from now (rising), gathered into batches; at most in_flight requests at a time. */
static rs_status as_they_come(struct scenario *s, struct query *q, int n, struct rs_error *err)
{
    struct { struct rs_request *request; int first, n; } flight[MAX_FLIGHT] = {{0}};
    const double start = rs_seconds();
    int next = 0, finished = 0;
    rs_status status = RS_OK;

    while (finished < n && status == RS_OK) {
        const double now = rs_seconds() - start;
        int ready = 0, slot = -1;

        for (int i = 0; i < s->in_flight; i++)
            if (flight[i].request == NULL) {
                slot = i;
            } else if (rs_poll(flight[i].request)) {
                status = rs_wait(flight[i].request, -1, err);
                for (int k = 0; k < flight[i].n; k++)
                    q[flight[i].first + k].done = now;
                finished += flight[i].n;
                rs_request_free(flight[i].request);
                flight[i].request = NULL;
                slot = i;
            }
        while (next + ready < n && ready < s->batch && q[next + ready].arrive <= now)
            ready++;
        if (status == RS_OK && slot >= 0 && ready > 0 &&
            (ready == s->batch || next + ready == n || now - q[next].arrive >= s->wait)) {
            status = submit(s, slot, ready, &flight[slot].request, err);
            flight[slot].first = next;
            flight[slot].n = ready;
            next += ready;
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
    for (int i = 0; i < s->in_flight; i++)
        rs_request_free(flight[i].request);
    return status;
}

/* ---- virtual time ------------------------------------------------------------------------------------------------ */

struct server { double device_free, host_free; int item; };

/* One submission of @samples at @now: when its last item is done. */
static double serve(const struct scenario *s, struct server *v, double now, int samples)
{
    double done = now;

    for (int i = 0; i < samples; i++, v->item++) {
        const int k = v->item % s->n_profile;

        v->device_free = fmax(now, v->device_free) + s->cycles[k] / (s->clock_mhz * 1e6);
        v->host_free = fmax(v->device_free, v->host_free) + s->host[k];
        done = v->host_free;
    }
    return done;
}

static void as_they_come_virtually(const struct scenario *s, struct query *q, int n)
{
    struct server v = {0};
    double done[MAX_FLIGHT] = {0};                 /* of the requests in flight, oldest first */
    int flying = 0;

    for (int next = 0; next < n;) {
        double now = q[next].arrive + s->wait;     /* the batch leaves when its oldest has waited, is full, or is all there is */
        int ready = 1;

        while (next + ready < n && ready < s->batch && q[next + ready].arrive <= now)
            ready++;
        if (ready == s->batch || next + ready == n)
            now = q[next + ready - 1].arrive;
        if (flying == s->in_flight) {              /* and not before a request has come back */
            now = fmax(now, done[0]);
            memmove(done, done + 1, sizeof done - sizeof done[0]);
            flying--;
            while (next + ready < n && ready < s->batch && q[next + ready].arrive <= now)
                ready++;
        }
        done[flying++] = serve(s, &v, now, ready);
        for (int i = 0; i < ready; i++)
            q[next + i].done = done[flying - 1];
        next += ready;
    }
}

/* ---- device time scaled: predicted from one profile, and measured ----------------------------------------------------- */

/* Of a request, means over a run: host threads; array thread around the device; the device at the stated clock. */
struct stages { double host, transfer, device; };

/* Stages that work beside each other: the slowest sets the rate, the others add once. */
static double pipelined(const struct stages *p, double scale, int n)
{
    const double device = scale * p->device, slowest = fmax(fmax(p->host, p->transfer), device);

    return (n - 1) * slowest + p->host + p->transfer + device;
}

/* @n requests, at most in_flight at a time, on a device held to @scale of its modelled time; *took: wall time. */
static rs_status run_scaled(struct scenario *s, double scale, int n, double *took, struct stages *p, struct rs_error *err)
{
    struct rs_request *flight[MAX_FLIGHT] = {NULL};
    double start;
    rs_status status = RS_OK;

    *p = (struct stages){0};
    rs_device_pace(s->device, scale * s->info.clock_mhz / s->clock_mhz, 1);
    start = rs_seconds();
    for (int i = 0; i < n + s->in_flight && status == RS_OK; i++) {
        struct rs_request **slot = &flight[i % s->in_flight];
        const struct rs_report *report;

        if (*slot != NULL) {
            status = rs_wait(*slot, -1, err);
            if (status == RS_OK)
                status = rs_request_report(*slot, &report, err);
            if (status == RS_OK) {
                p->host += report->seconds_host / n;
                p->transfer += report->seconds_transfer / n;
                p->device += (double)report->cycles / (1e6 * s->clock_mhz) / n;
                if (report->replayed == 0)
                    status = rs_fail(err, RS_ERR_UNSUPPORTED, "--scale: the array part of %s is more than one job, and cannot be replayed", s->name);
            }
            rs_request_free(*slot);
            *slot = NULL;
        }
        if (i < n && status == RS_OK)
            status = submit(s, i % s->in_flight, 1, slot, err);
    }
    *took = rs_seconds() - start;
    for (int i = 0; i < s->in_flight; i++)
        rs_request_free(flight[i]);
    return status;
}

static rs_status scales(struct scenario *s, FILE *to, struct json *j, struct rs_error *err)
{
    struct stages first = {0}, p;
    double took;
    rs_status status;

    if (!simulated(s))
        return rs_fail(err, RS_ERR_ARG, "--scale: %s has no modelled device time; emu[:PRESET] or sim[:PRESET] is expected", s->info.target);
    rs_device_pace(s->device, 0, 1);
    status = rs_run(s->model, (const void *const *)s->in, s->out[0], 1, -1, err);          /* clocked; then replayed */
    cli_progress_end();
    if (status == RS_OK)
        status = run_scaled(s, s->scale[0], s->queries, &took, &first, err);
    if (status != RS_OK)
        return status;
    fprintf(to, "Device time scaled: the answer is replayed from memory, and held back for its counted cycles at the clock. A request of the first\n"
            "run, means: host %.1f us, transfers %.1f us (measured), array %.1f us at %g MHz (counted). Prediction: the slowest of the\n"
            "three for each request, the others once.\n", 1e6 * first.host, 1e6 * first.transfer, 1e6 * first.device, s->clock_mhz);
    for (int i = 0; i < s->n_scales && status == RS_OK; i++) {
        const double predicted = pipelined(&first, s->scale[i], s->queries), array = s->scale[i] * first.device;

        status = run_scaled(s, s->scale[i], s->queries, &took, &p, err);
        if (status != RS_OK)
            break;
        fprintf(to, "  x %-5g  %d pipelined requests: predicted %9.2f ms, measured %9.2f ms (%+.1f %%), bound by %s\n", s->scale[i], s->queries,
                1e3 * predicted, 1e3 * took, 100 * (took / predicted - 1), array > fmax(first.host, first.transfer) ? "the array" : first.host > first.transfer ? "the host" : "transfers");
        if (j != NULL) {
            json_object(j, NULL, true);
            json_string(j, "scenario", "scaled");
            json_real(j, "scale", s->scale[i]);
            json_int(j, "queries", s->queries);
            json_real(j, "host_s", first.host);
            json_real(j, "transfer_s", first.transfer);
            json_real(j, "array_s", first.device);
            json_real(j, "predicted_s", predicted);
            json_real(j, "measured_s", took);
            json_close(j);
        }
    }
    rs_device_pace(s->device, 0, 0);
    return status;
}

/* ---- scenarios ------------------------------------------------------------------------------------------------------ */

static rs_status streams(struct scenario *s, int samples, int n, struct outcome *o, struct rs_error *err)
{
    struct query *q = calloc((size_t)n, sizeof *q);
    rs_status status = q == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory") : RS_OK;

    if (status == RS_OK && s->virtual_time) {
        struct server v = {0};
        double now = 0;

        for (int i = 0; i < n; i++) {
            q[i].arrive = now;
            q[i].done = now = serve(s, &v, now, samples);
        }
    } else if (status == RS_OK) {
        status = one_by_one(s, q, n, samples, err);
    }
    if (status == RS_OK && !summarize(q, n, samples, o))
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    free(q);
    return status;
}

/* @rate: arrivals a second; 0: all at once. */
static rs_status arrivals(struct scenario *s, double rate, int n, struct outcome *o, struct rs_error *err)
{
    struct query *q = calloc((size_t)n, sizeof *q);
    uint64_t state = s->seed;
    double at = 0;
    rs_status status = q == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory") : RS_OK;

    for (int i = 0; i < n && status == RS_OK; i++) {
        if (rate > 0)
            at -= log(uniform(&state)) / rate;
        q[i].arrive = at;
    }
    if (status == RS_OK && s->virtual_time)
        as_they_come_virtually(s, q, n);
    else if (status == RS_OK)
        status = as_they_come(s, q, n, err);
    if (status == RS_OK && !summarize(q, n, 1, o))
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    free(q);
    return status;
}

/* The highest rate whose p99 meets the bound; *o: at that rate.  0: none does. */
static rs_status highest_rate(struct scenario *s, double offline, struct outcome *o, double *found, struct rs_error *err)
{
    double low = 0, high = offline;
    rs_status status = RS_OK;

    *found = 0;
    for (int i = 0; i < 10 && status == RS_OK; i++) {
        const double rate = i == 0 ? high * 0.5 : (low + high) / 2;
        struct outcome one;

        status = arrivals(s, rate, s->queries, &one, err);
        if (status == RS_OK && one.p99 <= s->bound) {
            low = *found = rate;
            *o = one;
        } else {
            high = rate;
        }
    }
    return status;
}

/* ---- the profile ------------------------------------------------------------------------------------------------------ */

/*
 * Cycles of requests in flight together; then host time of requests alone: all of a request that is not the clocked device.
 * All have the same input, so on one simulated core the first is clocked and the others are replayed; two cores would wait for each
 * other's memory, and are clocked.
 */
static rs_status profile(struct scenario *s, struct rs_error *err)
{
    struct rs_request *request[PROFILE] = {NULL};
    const struct rs_report *report;
    rs_status status = RS_OK;

    if (simulated(s) && s->info.cores == 1) {
        rs_device_pace(s->device, 0, 1);
        status = rs_run(s->model, (const void *const *)s->in, s->out[0], 1, -1, err);
    }
    for (int i = 0; i < PROFILE && status == RS_OK; i++)
        status = submit(s, i % MAX_FLIGHT, 1, &request[i], err);
    for (int i = 0; i < PROFILE && status == RS_OK; i++) {
        status = rs_wait(request[i], -1, err);
        if (status == RS_OK)
            status = rs_request_report(request[i], &report, err);
        if (status == RS_OK)
            s->cycles[s->n_profile++] = (double)report->cycles;
    }
    for (int i = 0; i < PROFILE; i++)
        rs_request_free(request[i]);
    for (int i = 0; i < PROFILE && status == RS_OK; i++) {
        struct rs_request *alone = NULL;

        status = submit(s, 0, 1, &alone, err);
        if (status == RS_OK)
            status = rs_wait(alone, -1, err);
        if (status == RS_OK)
            status = rs_request_report(alone, &report, err);
        if (status == RS_OK)
            s->host[i] = fmax(0, report->seconds - report->seconds_simulated);
        rs_request_free(alone);
    }
    cli_progress_end();
    return status;
}

static rs_status open_all(struct scenario *s, struct rs_error *err)
{
    struct workload w;
    rs_status status = workload_read(s->path, s->seed, &w, err);
    uint64_t state = s->seed;

    if (status != RS_OK)
        return status;
    strcpy(s->name, w.name);
    if (!w.network)
        status = rs_fail(err, RS_ERR_ARG, "%s: a network is expected, not a list of layers", s->path);
    if (status == RS_OK)
        status = cli_open(s->target, false, &s->device, err);
    if (status == RS_OK)
        status = rs_device_info(s->device, &s->info, err);
    if (status == RS_OK)
        status = rs_model_from_graph(s->device, workload_take(&w, 0), &(struct rs_load_options){0}, &s->model, err);
    workload_free(&w);
    if (status != RS_OK)
        return status;
    s->n_in = rs_model_inputs(s->model);
    s->n_out = rs_model_outputs(s->model);
    s->in = calloc((size_t)s->n_in, sizeof *s->in);
    s->out = calloc(MAX_FLIGHT, sizeof *s->out);
    for (int slot = -1; slot < MAX_FLIGHT && status == RS_OK; slot++) {
        const int n = slot < 0 ? s->n_in : s->n_out;

        if (slot >= 0 && s->out != NULL)
            s->out[slot] = calloc((size_t)n, sizeof **s->out);
        for (int i = 0; i < n && status == RS_OK; i++) {
            struct rs_tensor_info info;
            void **to = slot < 0 ? s->in : s->out != NULL ? s->out[slot] : NULL;

            status = slot < 0 ? rs_model_input(s->model, i, &info, err) : rs_model_output(s->model, i, &info, err);
            if (status == RS_OK && (to == NULL || (to[i] = malloc(MAX_BATCH * info.bytes)) == NULL))
                status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
            for (size_t k = 0; status == RS_OK && slot < 0 && k < MAX_BATCH * info.bytes; k++)
                ((int8_t *)to[i])[k] = (int8_t)(int)(uniform(&state) * 255 - 128);
        }
    }
    s->virtual_time = s->info.macs_per_cycle != 0;
    if (s->clock_mhz == 0)
        s->clock_mhz = s->info.clock_mhz;
    return status != RS_OK ? status : profile(s, err);
}

static void close_all(struct scenario *s)
{
    for (int i = 0; s->in != NULL && i < s->n_in; i++)
        free(s->in[i]);
    for (int slot = 0; s->out != NULL && slot < MAX_FLIGHT; slot++) {
        for (int i = 0; s->out[slot] != NULL && i < s->n_out; i++)
            free(s->out[slot][i]);
        free(s->out[slot]);
    }
    free(s->in);
    free(s->out);
    rs_model_free(s->model);
    rs_close(s->device);
}

/* ---- output -------------------------------------------------------------------------------------------------------------- */

static void line(FILE *to, struct json *j, const char *name, const struct outcome *o, double rate, const char *what)
{
    fprintf(to, "%-13s %7d  p50 %9.3f ms  p90 %9.3f ms  p99 %9.3f ms  %10.1f samples/s  %s\n", name, o->n, 1e3 * o->p50, 1e3 * o->p90,
            1e3 * o->p99, o->rate, what);
    if (j == NULL)
        return;
    json_object(j, NULL, true);
    json_string(j, "scenario", name);
    json_int(j, "queries", o->n);
    json_real(j, "p50_s", o->p50);
    json_real(j, "p90_s", o->p90);
    json_real(j, "p99_s", o->p99);
    json_real(j, "max_s", o->most);
    json_real(j, "samples_per_s", o->rate);
    if (rate > 0)
        json_real(j, "highest_rate_per_s", rate);
    json_close(j);
}

static rs_status scenario(struct scenario *s, struct rs_error *err)
{
    FILE *to = s->json != NULL && strcmp(s->json, "-") == 0 ? stderr : stdout, *file = NULL;
    struct outcome single = {0}, o = {0}, offline = {0};
    struct json j, *json = NULL;
    char what[120];
    double rate, host, sorted[PROFILE];
    rs_status status = open_all(s, err);

    if (status == RS_OK && s->json != NULL) {
        file = cli_create(s->json, err);
        if (file == NULL)
            return RS_ERR_IO;
        json = &j;
        json_begin(json, file);
        json_string(json, "note", "MLPerf-style, not a submission");
        json_string(json, "model", s->name);
        json_string(json, "target", s->info.target);
        json_string(json, "time", s->virtual_time ? "virtual: counted cycles at the clock, and measured host time" : "measured");
        json_real(json, "clock_mhz_assumed", s->virtual_time ? s->clock_mhz : NAN);
        json_array(json, "runs", false);
    }
    if (status != RS_OK)
        return status;
    memcpy(sorted, s->host, sizeof sorted);
    qsort(sorted, PROFILE, sizeof *sorted, ascending);
    host = sorted[PROFILE / 2];
    fprintf(to, "%s on %s. MLPerf-style, not a submission.\n", s->name, s->info.target);
    if (s->virtual_time)
        fprintf(to, "Virtual time: %.0f cycles an inference (counted) at an assumed %g MHz, %.1f us of host time around them (measured, median); up to %d requests in "
                "flight, batches of up to %d after at most %g ms.\n", s->cycles[0], s->clock_mhz, 1e6 * host, s->in_flight, s->batch,
                1e3 * s->wait);
    else
        fprintf(to, "Wall time (measured); up to %d requests in flight, batches of up to %d after at most %g ms.\n", s->in_flight, s->batch,
                1e3 * s->wait);
    if (s->which < 0 || s->which == SINGLE || s->results != NULL) {
        status = streams(s, 1, s->queries, &single, err);
        if (status == RS_OK)
            line(to, json, scenario_names[SINGLE], &single, 0, "p90 is the result");
    }
    if (status == RS_OK && (s->which < 0 || s->which == MULTI)) {
        status = streams(s, STREAMS, s->queries, &o, err);
        if (status == RS_OK)
            line(to, json, scenario_names[MULTI], &o, 0, "8 samples a query, p99 is the result");
    }
    if (status == RS_OK && (s->which < 0 || s->which == OFFLINE || s->which == SERVER)) {
        status = arrivals(s, 0, s->queries, &offline, err);
        if (status == RS_OK)
            line(to, json, scenario_names[OFFLINE], &offline, 0, "samples a second are the result");
    }
    if (status == RS_OK && (s->which < 0 || s->which == SERVER)) {
        if (s->bound == 0)
            s->bound = 10 * (single.p99 > 0 ? single.p99 : offline.seconds / offline.n);
        status = highest_rate(s, offline.rate, &o, &rate, err);
        snprintf(what, sizeof what, "Poisson, highest rate with p99 <= %.3f ms: %.1f/s", 1e3 * s->bound, rate);
        if (status == RS_OK && rate > 0)
            line(to, json, scenario_names[SERVER], &o, rate, what);
        else if (status == RS_OK)
            fprintf(to, "%-13s no rate meets p99 <= %.3f ms\n", scenario_names[SERVER], 1e3 * s->bound);
    }
    if (status == RS_OK && s->n_scales > 0)
        status = scales(s, to, json, err);
    if (json != NULL) {
        json_close(json);
        json_end(json);
        if (!cli_finish(file) && status == RS_OK)
            status = rs_fail(err, RS_ERR_IO, "%s: %s", s->json, strerror(errno));
    }
    if (status == RS_OK && s->results != NULL) {
        file = cli_create(s->results, err);
        if (file == NULL)
            return RS_ERR_IO;
        fprintf(file, "Performance results for %s on %s (MLPerf-style, not a submission; %s):\n---------------------------------------------------------\n"
                "Median throughput is %.3f inf./sec.\n---------------------------------------------------------\n", s->name, s->info.target,
                s->virtual_time ? "virtual time: counted cycles at an assumed clock, measured host time" : "measured", 1 / single.p50);
        if (!cli_finish(file))
            status = rs_fail(err, RS_ERR_IO, "%s: %s", s->results, strerror(errno));
    }
    return status;
}

/* A number from @low to @high; false: something else. */
static bool real(const char *text, double low, double high, double *to)
{
    char *end;

    *to = strtod(text, &end);
    return end != text && *end == '\0' && *to >= low && *to <= high;
}

int cmd_scenario(int argc, char **argv)
{
    enum { TARGET = 256, SCENARIO, QUERIES, IN_FLIGHT, BOUND, WAIT, BATCH, SCALE, SEED, CLOCK, JSON, RESULTS };
    static const struct option options[] = {
        {"target", 1, NULL, TARGET}, {"scenario", 1, NULL, SCENARIO}, {"queries", 1, NULL, QUERIES}, {"in-flight", 1, NULL, IN_FLIGHT},
        {"bound", 1, NULL, BOUND}, {"wait", 1, NULL, WAIT}, {"batch", 1, NULL, BATCH}, {"scale", 1, NULL, SCALE}, {"seed", 1, NULL, SEED},
        {"clock", 1, NULL, CLOCK}, {"json", 1, NULL, JSON}, {"results", 1, NULL, RESULTS}, {NULL, 0, NULL, 0}};
    struct scenario s = {.which = -1, .queries = 200, .in_flight = 8, .batch = 8, .wait = 1e-4, .seed = 1};
    struct rs_error err = {0};
    double v = 0;
    int c, result = CLI_GOOD;

    while (result == CLI_GOOD && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case TARGET:  s.target = optarg; break;
        case JSON:    s.json = optarg; break;
        case RESULTS: s.results = optarg; break;
        case SCENARIO:
            for (int i = 0; i < N_SCENARIOS; i++)
                if (strcasecmp(optarg, scenario_names[i]) == 0)
                    s.which = i;
            if (s.which < 0)
                result = cli_usage(COMMAND, "--scenario %s: SingleStream, MultiStream, Offline or Server is expected", optarg);
            break;
        case QUERIES: case IN_FLIGHT: case BATCH: {
            const double most = c == QUERIES ? 1e6 : c == IN_FLIGHT ? MAX_FLIGHT : MAX_BATCH;

            if (!real(optarg, 1, most, &v) || v != floor(v))
                result = cli_usage(COMMAND, "'%s': a whole number from 1 to %g is expected", optarg, most);
            *(c == QUERIES ? &s.queries : c == IN_FLIGHT ? &s.in_flight : &s.batch) = (int)v;
            break;
        }
        case BOUND: case WAIT:
            if (!real(optarg, 0, 1e6, &v))
                result = cli_usage(COMMAND, "'%s': milliseconds from 0 to 10^6 are expected", optarg);
            *(c == BOUND ? &s.bound : &s.wait) = v / 1e3;
            break;
        case CLOCK:
            if (!real(optarg, 1, 10000, &s.clock_mhz))
                result = cli_usage(COMMAND, "--clock %s: MHz from 1 to 10000 are expected", optarg);
            break;
        case SEED:
            if (!real(optarg, 0, 9e15, &v))
                result = cli_usage(COMMAND, "--seed %s: a number is expected", optarg);
            s.seed = (uint64_t)v;
            break;
        case SCALE: {
            char *at = optarg;

            while (result == CLI_GOOD && *at != '\0') {
                char *end;

                v = strtod(at, &end);
                if (end == at || v < 0 || v > 1000 || s.n_scales == MAX_SCALES || (*end != '\0' && *end != ','))
                    result = cli_usage(COMMAND, "--scale %s: up to %d factors from 0 to 1000 are expected", optarg, MAX_SCALES);
                s.scale[s.n_scales++] = v;
                at = *end == ',' ? end + 1 : end;
            }
            break;
        }
        default:
            result = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (result == CLI_GOOD && optind + 1 != argc)
        result = cli_usage(COMMAND, "one MODEL is expected");
    if (result != CLI_GOOD)
        return result;
    s.path = argv[optind];
    if (scenario(&s, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    close_all(&s);
    return result;
}
