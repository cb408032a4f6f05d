/* bench_network.c - whole networks on one thread of the CPU, beside TFLite and ONNX Runtime; see bench_network.h. */
#include "bench_network.h"
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"
#include "cli.h"
#include "find.h"

enum { SAMPLES = 101, ALIGNMENT = 64, BOUND_BURSTS = 10 };

/* ---- ours ----------------------------------------------------------------------------------------------- */

struct ours {
    struct rs_graph *graph;
    struct rs_memory_plan *plan;
    struct rs_packed_graph *packed;
    void *arena, **in, **out;
    size_t arena_bytes;
};

static void ours_free(struct ours *o)
{
    for (int i = 0; o->graph != NULL && i < o->graph->n_inputs; i++)
        free(o->in != NULL ? o->in[i] : NULL);
    for (int i = 0; o->graph != NULL && i < o->graph->n_outputs; i++)
        free(o->out != NULL ? o->out[i] : NULL);
    free(o->in);
    free(o->out);
    free(o->arena);
    rs_packed_graph_destroy(o->packed);
    rs_memory_plan_destroy(o->plan);
    rs_graph_destroy(o->graph);
}

static rs_status ours_make(const char *path, struct ours *o, struct rs_error *err)
{
    rs_status status = cli_graph(path, &o->graph, NULL, NULL, err);

    if (status == RS_OK)
        status = rs_memory_plan_create(o->graph, ALIGNMENT, &o->plan, err);
    if (status == RS_OK)
        status = rs_packed_graph_create(o->graph, &o->packed, err);
    if (status != RS_OK)
        return status;
    o->arena_bytes = rs_graph_arena_bytes(o->plan, o->packed, 1);
    o->arena = aligned_alloc(ALIGNMENT, (o->arena_bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
    o->in = calloc((size_t)o->graph->n_inputs, sizeof *o->in);
    o->out = calloc((size_t)o->graph->n_outputs, sizeof *o->out);

    bool room = o->arena != NULL && o->in != NULL && o->out != NULL;
    uint32_t x = 1;

    for (int i = 0; room && i < o->graph->n_inputs; i++) {
        const size_t bytes = rs_tensor_bytes(&o->graph->tensors[o->graph->inputs[i]]);

        room = (o->in[i] = malloc(bytes)) != NULL;
        for (size_t b = 0; room && b < bytes; b++)
            ((uint8_t *)o->in[i])[b] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    }
    for (int i = 0; room && i < o->graph->n_outputs; i++)
        room = (o->out[i] = malloc(rs_tensor_bytes(&o->graph->tensors[o->graph->outputs[i]]))) != NULL;
    return room ? RS_OK : rs_fail(err, RS_ERR_NOMEM, "no memory for the network's tensors");
}

static double thread_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static rs_status ours_sample(struct ours *o, int count, double *us, struct rs_error *err)
{
    const struct rs_run_options options = { .packed = o->packed };
    const int warm = count / 4 > 3 ? count / 4 : 3;
    double start = 0.0;

    for (int i = -warm; i < count; i++) {
        if (i == 0)                    /* until now another process had the caches */
            start = thread_us();
        const rs_status status = rs_graph_run_cpu(o->graph, o->plan, (const void *const *)o->in, o->out, o->arena,
                                                  o->arena_bytes, &options, err);

        if (status != RS_OK)
            return status;
    }
    *us = (thread_us() - start) / count;
    return RS_OK;
}

/* ---- theirs --------------------------------------------------------------------------------------------- */

struct helper { pid_t pid; FILE *ask, *answer; };

/* false: not started; nobody to compare with. */
static bool helper_start(const char *model, struct helper *h)
{
    char script[PATH_MAX], tried[PATH_MAX];
    int to[2], from[2];

    if (!rs_find_file("peers/networks.py", script, tried, sizeof tried) || pipe(to) != 0)
        return false;
    if (pipe(from) != 0) {
        close(to[0]);
        close(to[1]);
        return false;
    }
    h->pid = fork();
    if (h->pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execlp("python3", "python3", script, model, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    h->ask = fdopen(to[1], "w");
    h->answer = fdopen(from[0], "r");
    return h->pid > 0 && h->ask != NULL && h->answer != NULL;
}

static void helper_end(struct helper *h)
{
    if (h->ask != NULL)
        fclose(h->ask);
    if (h->answer != NULL)
        fclose(h->answer);
    if (h->pid > 0)
        waitpid(h->pid, NULL, 0);
}

static void helper_ways(struct helper *h, struct network_result *r)
{
    char line[600];

    while (fgets(line, sizeof line, h->answer) != NULL && strncmp(line, "end", 3) != 0)
        if (sscanf(line, "ready %31s %199[^\n]", r->way[r->ways].name, r->way[r->ways].version) >= 1) {
            if (++r->ways == NETWORK_WAYS)
                break;
        } else {
            fprintf(stderr, "%s: %s", r->path, line);
        }
}

static bool helper_sample(struct helper *h, const char *way, int count, double *us)
{
    char line[100];

    fprintf(h->ask, "run %s %d\n", way, count);
    fflush(h->ask);
    return fgets(line, sizeof line, h->answer) != NULL && (*us = atof(line)) > 0.0;
}

/* ---- what no kernel undercuts ---------------------------------------------------------------------------- */

/*
 * MACs at the full rate of VPDPBUSD, filters loaded once from where they stay, each right after our sample: the processor is
 * awake and has the clock that we had.  The best of several.
 */
static void bounds(const struct rs_graph *g, const void *filters, struct network_result *r, double *full_rate_us, double *loads_us)
{
    double rate = 0.0, loads = 0.0;

    for (int i = 0; i < BOUND_BURSTS; i++) {
        rate = fmax(rate, rs_bench_peak_macs_per_ns());
        loads = fmax(loads, rs_bench_load_bytes_per_ns(filters, (size_t)r->filter_bytes));
    }
    r->macs = (double)rs_graph_total_macs(g);
    *full_rate_us = rate > 0.0 ? r->macs / rate * 1e-3 : 0.0;
    *loads_us = loads > 0.0 ? r->filter_bytes / loads * 1e-3 : 0.0;
}

static size_t filter_bytes(const struct rs_graph *g)
{
    struct rs_layer l;
    size_t bytes = 0;

    for (int i = 0; i < g->n_nodes; i++)
        if (rs_graph_macs(g, i) > 0 && rs_graph_layer(g, i, &l) && l.filter >= 0)
            bytes += rs_tensor_bytes(&g->tensors[l.filter]);
    return bytes;
}

/* ---- together ------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *us, int n)
{
    qsort(us, (size_t)n, sizeof us[0], by_value);
    return us[n / 2];
}

/* Samples of about a millisecond, ours and theirs in turn.  @filters: as many bytes as the network's. */
static rs_status sample_all(struct ours *o, struct helper *h, const void *filters, double seconds, struct network_result *r,
                            struct rs_error *err)
{
    static double us[1 + NETWORK_WAYS][SAMPLES], full_rate[SAMPLES], loads[SAMPLES];
    int count[1 + NETWORK_WAYS], n = 0;
    double end = 0.0, one;
    rs_status status = ours_sample(o, 3, &one, err);

    if (status == RS_OK)
        status = ours_sample(o, 3, &one, err);
    if (status != RS_OK)
        return status;
    count[0] = (int)fmax(1.0, 1000.0 / one);
    for (int w = 0; w < r->ways; w++) {
        if (!helper_sample(h, r->way[w].name, 3, &one))
            return rs_fail(err, RS_ERR_DEVICE, "%s: %s stopped", r->path, r->way[w].name);
        count[1 + w] = (int)fmax(1.0, 1000.0 / one);
    }
    end = thread_us() + seconds * 1e6;
    do {
        status = ours_sample(o, count[0], &us[0][n], err);
        bounds(o->graph, filters, r, &full_rate[n], &loads[n]);
        for (int w = 0; w < r->ways && status == RS_OK; w++)
            if (!helper_sample(h, r->way[w].name, count[1 + w], &us[1 + w][n]))
                status = rs_fail(err, RS_ERR_DEVICE, "%s: %s stopped", r->path, r->way[w].name);
    } while (status == RS_OK && ++n < SAMPLES && (n < 5 || thread_us() < end));
    if (status != RS_OK)
        return status;
    r->ours_us = median(us[0], n);
    r->full_rate_us = median(full_rate, n);
    r->loads_us = median(loads, n);
    for (int w = 0; w < r->ways; w++)
        r->way[w].us = median(us[1 + w], n);
    return RS_OK;
}

rs_status network_run(const char *path, double seconds, struct network_result *r, struct rs_error *err)
{
    struct ours o = { 0 };
    struct helper h = { 0 };
    rs_status status = ours_make(path, &o, err);

    *r = (struct network_result){ .path = path };
    void *filters = NULL;

    if (status == RS_OK) {
        r->filter_bytes = (double)filter_bytes(o.graph);
        const size_t bytes = ((size_t)r->filter_bytes / ALIGNMENT + 1) * ALIGNMENT;

        filters = aligned_alloc(ALIGNMENT, bytes);
        if (filters != NULL)           /* pages of their own: those never written are one and the same */
            memset(filters, 1, bytes);
        else
            status = rs_fail(err, RS_ERR_NOMEM, "no memory for %g bytes", r->filter_bytes);
    }
    if (status == RS_OK) {
        signal(SIGPIPE, SIG_IGN);      /* a helper that dies is a message, not our end */
        if (helper_start(path, &h))
            helper_ways(&h, r);
        status = sample_all(&o, &h, filters, seconds, r, err);
    }
    helper_end(&h);
    ours_free(&o);
    free(filters);
    return status;
}

double network_ratio(const struct network_result *r)
{
    double least = 1e30;

    for (int w = 0; w < r->ways; w++)
        least = fmin(least, r->way[w].us);
    return r->ways != 0 ? least / r->ours_us : 0.0;
}

void network_print(FILE *to, const struct network_result *r)
{
    fprintf(to, "%s\n  %-16s %10.2f us\n", r->path, "ours", r->ours_us);
    for (int w = 0; w < r->ways; w++)
        fprintf(to, "  %-16s %10.2f us  %6.2f times ours   %s\n", r->way[w].name, r->way[w].us, r->way[w].us / r->ours_us,
                r->way[w].version);
    if (r->full_rate_us > 0.0)
        fprintf(to, "  %-16s %10.2f us  %6.2f times ours   %.2f million products by VPDPBUSD on registers\n"
                    "  %-16s %10.2f us  %6.2f times ours   %.0f KiB of filters, nothing else\n",
                "full rate", r->full_rate_us, r->full_rate_us / r->ours_us, r->macs * 1e-6, "loads", r->loads_us,
                r->loads_us / r->ours_us, r->filter_bytes / 1024.0);
}

void network_json(struct json *j, const struct network_result *r)
{
    json_object(j, NULL, false);
    json_string(j, "name", r->path);
    json_real(j, "ours", r->ours_us);
    json_real(j, "full_rate", r->full_rate_us > 0.0 ? r->full_rate_us : NAN);
    json_real(j, "loads", r->loads_us > 0.0 ? r->loads_us : NAN);
    json_object(j, "peers", true);
    for (int w = 0; w < r->ways; w++)
        json_real(j, r->way[w].name, r->way[w].us);
    json_close(j);
    json_real(j, "ratio", r->ways != 0 ? network_ratio(r) : NAN);
    json_close(j);
}
