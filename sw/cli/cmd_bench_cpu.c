/*
 * cmd_bench_cpu.c - `rowstation bench-cpu`: our CPU kernels beside other libraries, interleaved in one run.
 *
 * Every contestant gets the same codes and is asked for the same answers.  A round times each in turn, for some 200 us;
 * the numbers are medians over the rounds.  One thread: CPU time of the thread.  More: wall time of the samples during
 * which the system took no processor away (if there are three such; else the shortest), after a pause until the threads of
 * the contestant before have fallen asleep.
 */
#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"
#include "bench_network.h"
#include "cli.h"
#include "find.h"
#include "hold_cpu.h"
#include "json.h"
#include "ladder.h"
#include "peers/peer.h"

#define COMMAND "bench-cpu"

enum { MOST_PEERS = 4, MOST_CONTESTANTS = 10, MOST_SAMPLES = 256, MOST_THREAD_COUNTS = 4, MOST_WORKLOADS = 32, MOST_NETWORKS = 16 };
/* Rounds of several threads at least; a contestant that took so many times the budget sits the rest out. */
enum { MANY_ROUNDS = 30, PATIENCE = 4 };
static const char *const peer_names[MOST_PEERS] = { "onednn", "xnnpack", "onnxruntime", "gemmlowp" };
static const char *const isa_of_peers = "avx2";        /* that --isa which the peers are held to as well */

struct peer {
    const char *name;
    void *library;
    const struct rs_peer *is;          /* NULL: not here */
    char why[300];
};

/* A variant of a peer in one workload. */
struct contestant {
    const struct rs_peer *peer;
    int variant;
    void *handle;
    int calls, samples;
    bool clean[MOST_SAMPLES];          /* no processor was taken away */
    double us[MOST_SAMPLES], result_us, spent_us;
    int worst;                         /* greatest difference from the exact codes */
    double differing;                  /* share of codes that differ               */
};

struct workload_result {
    const char *name;
    int threads, contestants;
    double ours_us, gops;
    struct { char name[48]; double us, differing; int worst; bool same_semantics; const char *peer; } peer[MOST_CONTESTANTS];
};

struct bench_cpu {
    const char *isa, *json, *only;
    double seconds;
    int thread_counts[MOST_THREAD_COUNTS], n_thread_counts;
    bool climb;
    int ladder_size;
    struct ladder ladder;
    struct peer peers[MOST_PEERS];
    struct workload_result results[MOST_WORKLOADS * MOST_THREAD_COUNTS];
    int n_results;
    const char *networks[MOST_NETWORKS];
    struct network_result network[MOST_NETWORKS];
    int n_networks;
};

/* ---- peers --------------------------------------------------------------------------------------------- */

static void open_peer(struct peer *p, const char *name)
{
    char path[PATH_MAX], tried[PATH_MAX], file[64];
    rs_peer_function *open;

    p->name = name;
    snprintf(file, sizeof file, "peers/librs_peer_%s.so", name);
    if (!rs_find_file(file, path, tried, sizeof tried)) {
        snprintf(p->why, sizeof p->why, "%s was not built: its library is not installed", file);
        return;
    }
    p->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (p->library == NULL) {
        snprintf(p->why, sizeof p->why, "%s", dlerror());
        return;
    }
    open = (rs_peer_function *)dlsym(p->library, "rs_peer");
    if (open == NULL)
        snprintf(p->why, sizeof p->why, "%s exports no rs_peer", file);
    else
        p->is = open(p->why, sizeof p->why);
}

/* ---- one workload -------------------------------------------------------------------------------------- */

static double now_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static long interruptions(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return use.ru_nivcsw;
}

static bool run_once(const struct contestant *c, struct rs_bench_layer *ours)
{
    return c->peer == NULL ? rs_bench_layer_run(ours, NULL) == RS_OK : c->peer->run(c->handle);
}

/*
 * Until the threads of the contestant before look no longer for work (some do so for 40 ms): at most 0.2 s.  The system
 * brings their time up to date with its clock tick only, every 4 ms or so.
 */
static void wait_for_sleep(void)
{
    double spent = now_us(CLOCK_PROCESS_CPUTIME_ID);

    for (int i = 0; i < 20; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);

        const double now = now_us(CLOCK_PROCESS_CPUTIME_ID);

        if (now - spent < 500.0)
            return;
        spent = now;
    }
}

static bool sample(struct contestant *c, struct rs_bench_layer *ours, int threads)
{
    const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;

    if (threads > 1) {
        wait_for_sleep();
        if (!run_once(c, ours))
            return false;
    }
    const long before = interruptions();
    const double start = now_us(clock);

    for (int i = 0; i < c->calls; i++)
        if (!run_once(c, ours))
            return false;

    const double took = now_us(clock) - start;
    const int at = c->samples++ % MOST_SAMPLES;

    c->us[at] = took / c->calls;
    c->clean[at] = threads == 1 || interruptions() == before;
    c->spent_us += took;
    return true;
}

/* Twice to warm up; then as many calls as take 200 us make a sample. */
static bool warm(struct contestant *c, struct rs_bench_layer *ours, int threads)
{
    const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    double one = 1e30;

    for (int i = 0; i < 3; i++) {
        const double start = now_us(clock);

        if (!run_once(c, ours))
            return false;
        one = fmin(one, now_us(clock) - start);
    }
    c->calls = one >= 200.0 ? 1 : (int)(200.0 / fmax(one, 0.1)) + 1;
    return true;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double settle(const struct contestant *c)
{
    const int n = c->samples < MOST_SAMPLES ? c->samples : MOST_SAMPLES;
    double kept[MOST_SAMPLES], least = 1e30;
    int k = 0;

    for (int i = 0; i < n; i++) {
        least = fmin(least, c->us[i]);
        if (c->clean[i])
            kept[k++] = c->us[i];
    }
    if (k < 3)
        return least;
    qsort(kept, (size_t)k, sizeof kept[0], by_value);
    return k % 2 != 0 ? kept[k / 2] : (kept[k / 2 - 1] + kept[k / 2]) / 2;
}

/* What a variant must answer: by our own kernels (bit-exact with the reference functions) with its zero points. */
static rs_status compare(struct contestant *c, const struct rs_bench_layer *l, struct rs_error *err)
{
    const struct rs_conv_shape *sh = &l->workload->sh;
    const size_t count = (size_t)sh->e * (size_t)sh->f * (size_t)sh->m;
    const enum rs_peer_codes codes = c->peer->variant[c->variant].codes;
    struct rs_quant q = l->q;
    int8_t *want = malloc(count), *got = malloc(count);
    rs_status status = want == NULL || got == NULL ? rs_fail(err, RS_ERR_NOMEM, "no memory") : RS_OK;
    size_t differ = 0;

    if (codes == RS_PEER_S8)
        q.zp_in = q.zp_out = 0;
    else if (codes == RS_PEER_U8)
        q.zp_in = q.zp_out = -128;
    if (status == RS_OK)
        status = (l->workload->kind == RS_BENCH_DEPTHWISE ? rs_depthwise_conv2d_s8 : rs_conv2d_s8)(
            sh, l->ifmap, l->filter, l->bias, &q, want, err);
    if (status == RS_OK) {
        c->peer->read(c->handle, got);
        for (size_t i = 0; i < count; i++) {
            const int d = abs(got[i] - want[i]);

            differ += d != 0;
            c->worst = d > c->worst ? d : c->worst;
        }
        c->differing = (double)differ / (double)count;
    }
    free(want);
    free(got);
    return status;
}

static rs_status run_workload(struct bench_cpu *b, int index, int threads, struct rs_error *err)
{
    static struct contestant all[MOST_CONTESTANTS];
    struct workload_result *r = &b->results[b->n_results];
    struct rs_bench_layer *ours = NULL;
    int n = 1;
    rs_status status = rs_bench_layer_create(index, threads, &ours, err);

    if (status != RS_OK)
        return status;
    memset(all, 0, sizeof all);

    const struct rs_peer_layer layer = {
        .kind = ours->workload->kind, .sh = ours->workload->sh, .ifmap = ours->ifmap, .filter = ours->filter, .bias = ours->bias,
        .scale = ours->scale, .zp_in = ours->q.zp_in, .zp_out = ours->q.zp_out, .threads = threads,
    };

    for (int p = 0; p < MOST_PEERS; p++)
        for (int v = 0; b->peers[p].is != NULL && v < b->peers[p].is->variants && n < MOST_CONTESTANTS; v++) {
            char why[300] = "";

            all[n] = (struct contestant){ .peer = b->peers[p].is, .variant = v };
            all[n].handle = b->peers[p].is->create(&layer, v, why, sizeof why);
            if (all[n].handle != NULL)
                n++;
            else
                fprintf(stderr, "%s: %s %s cannot: %s\n", ours->workload->name, b->peers[p].name, b->peers[p].is->variant[v].name, why);
        }
    for (int i = 0; i < n && status == RS_OK; i++)
        if (!warm(&all[i], ours, threads))
            status = rs_fail(err, RS_ERR_DEVICE, "%s: a run of %s failed", ours->workload->name, i == 0 ? "ours" : all[i].peer->name);

    /* Several threads: as many calls for all, since one that waits for a processor says nothing about its speed. */
    for (int i = 1; i < n && threads > 1; i++)
        all[i].calls = all[0].calls;

    const double budget = b->seconds * 1e6;
    const int rounds = threads > 1 ? MANY_ROUNDS : 1;

    for (int round = 0; status == RS_OK && (round < rounds || all[0].spent_us < budget); round++)
        for (int i = 0; i < n && status == RS_OK; i++)
            if (i == 0 || all[i].samples < 3 || all[i].spent_us < PATIENCE * budget)
                if (!sample(&all[i], ours, threads))
                    status = rs_fail(err, RS_ERR_DEVICE, "%s: a run failed", ours->workload->name);
    for (int i = 1; i < n && status == RS_OK; i++)
        status = compare(&all[i], ours, err);
    if (status == RS_OK) {
        *r = (struct workload_result){ .name = ours->workload->name, .threads = threads, .ours_us = settle(&all[0]) };
        r->gops = 2e-3 * (double)ours->workload->macs / r->ours_us;
        for (int i = 1; i < n; i++) {
            const struct rs_peer_variant *v = &all[i].peer->variant[all[i].variant];

            snprintf(r->peer[r->contestants].name, sizeof r->peer[0].name, "%s_%s", all[i].peer->name, v->name);
            r->peer[r->contestants].us = settle(&all[i]);
            r->peer[r->contestants].worst = all[i].worst;
            r->peer[r->contestants].differing = all[i].differing;
            r->peer[r->contestants].same_semantics = v->codes == RS_PEER_S8_ZP;
            r->peer[r->contestants++].peer = all[i].peer->name;
        }
        b->n_results++;
    }
    for (int i = 1; i < n; i++)
        all[i].peer->destroy(all[i].handle);
    rs_bench_layer_destroy(ours);
    return status;
}

/* ---- what comes out ------------------------------------------------------------------------------------ */

/* Their time over ours: more than 1, we are faster.  @peer NULL: the fastest of all; 0: none. */
static double ratio_of(const struct workload_result *r, const char *peer, bool same_semantics)
{
    double us = 1e30;

    for (int i = 0; i < r->contestants; i++)
        if ((peer == NULL || strcmp(r->peer[i].peer, peer) == 0) && (!same_semantics || r->peer[i].same_semantics))
            us = fmin(us, r->peer[i].us);
    return us < 1e30 ? us / r->ours_us : 0.0;
}

/*
 * The columns: a peer with our semantics (s8 codes, zero points), with any; all of them.  Of ONNX Runtime, whose s8 path
 * is a plain loop, the faster is the one to be held against.
 */
static const struct column { const char *name, *peer; bool same; } columns[] = {
    { "onednn", "onednn", true }, { "onednn_best", "onednn", false }, { "xnnpack", "xnnpack", true },
    { "onnxruntime", "onnxruntime", false }, { "gemmlowp", "gemmlowp", false }, { "best_same", NULL, true }, { "best", NULL, false },
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static double geomean(const struct bench_cpu *b, const struct column *c, int threads, double *least)
{
    double sum = 0.0;
    int n = 0;

    *least = 1e30;
    for (int i = 0; i < b->n_results; i++) {
        const double ratio = b->results[i].threads == threads ? ratio_of(&b->results[i], c->peer, c->same) : 0.0;

        if (ratio > 0.0) {
            sum += log(ratio);
            *least = fmin(*least, ratio);
            n++;
        }
    }
    return n != 0 ? exp(sum / n) : 0.0;
}

/* For each library its worst variant: "onednn 63 (72%)". */
static void print_differences(FILE *to, const struct workload_result *r)
{
    for (int n = 0; n < MOST_PEERS; n++) {
        int worst = -1;

        for (int p = 0; p < r->contestants; p++)
            if (strcmp(r->peer[p].peer, peer_names[n]) == 0 &&
                (worst < 0 || r->peer[p].worst > r->peer[worst].worst ||
                 (r->peer[p].worst == r->peer[worst].worst && r->peer[p].differing > r->peer[worst].differing)))
                worst = p;
        if (worst >= 0)
            fprintf(to, "  %s %d (%.2g%%)", peer_names[n], r->peer[worst].worst, 100.0 * r->peer[worst].differing);
    }
}

static void print_table(FILE *to, const struct bench_cpu *b, int threads)
{
    fprintf(to, "\n%d thread%s, isa %s: our time, and how many times theirs it is faster\n%-30s %10s %8s", threads,
            threads == 1 ? "" : "s", b->isa, "", "us", "GOPS");
    for (int c = 0; c < COLUMNS; c++)
        fprintf(to, " %11s", columns[c].name);
    fprintf(to, "    furthest from the exact codes, and how many are not exact\n");
    for (int i = 0; i < b->n_results; i++) {
        const struct workload_result *r = &b->results[i];

        if (r->threads != threads)
            continue;
        fprintf(to, "%-30s %10.2f %8.1f", r->name, r->ours_us, r->gops);
        for (int c = 0; c < COLUMNS; c++) {
            const double ratio = ratio_of(r, columns[c].peer, columns[c].same);

            if (ratio > 0.0)
                fprintf(to, " %11.2f", ratio);
            else
                fprintf(to, " %11s", "-");
        }
        fprintf(to, "  ");
        print_differences(to, r);
        fputc('\n', to);
    }
    for (int least = 0; least < 2; least++) {
        fprintf(to, "%-30s %10s %8s", least ? "least" : "geometric mean", "", "");
        for (int c = 0; c < COLUMNS; c++) {
            double smallest;
            const double mean = geomean(b, &columns[c], threads, &smallest);

            if (mean > 0.0)
                fprintf(to, " %11.2f", least ? smallest : mean);
            else
                fprintf(to, " %11s", "-");
        }
        fputc('\n', to);
    }
}

static rs_status write_json(const struct bench_cpu *b, struct rs_error *err)
{
    FILE *to = cli_create(b->json, err);
    struct json j;
    char key[16];

    if (to == NULL)
        return RS_ERR_IO;
    json_begin(&j, to);
    json_string(&j, "isa", b->isa);
    json_object(&j, "versions", true);
    for (int p = 0; p < MOST_PEERS; p++)
        json_string(&j, b->peers[p].name, b->peers[p].is != NULL ? b->peers[p].is->version() : NULL);
    json_close(&j);
    json_array(&j, "workloads", false);
    for (int i = 0; i < b->n_results; i++) {
        const struct workload_result *r = &b->results[i];

        json_object(&j, NULL, false);
        json_string(&j, "name", r->name);
        json_int(&j, "threads", r->threads);
        json_real(&j, "ours", r->ours_us);
        json_real(&j, "gops", r->gops);
        json_object(&j, "peers", true);
        for (int p = 0; p < r->contestants; p++)
            json_real(&j, r->peer[p].name, r->peer[p].us);
        json_close(&j);
        json_object(&j, "ratio", true);
        for (int c = 0; c < COLUMNS; c++) {
            const double ratio = ratio_of(r, columns[c].peer, columns[c].same);

            json_real(&j, columns[c].name, ratio > 0.0 ? ratio : NAN);
        }
        json_close(&j);
        json_object(&j, "differences", true);
        for (int p = 0; p < r->contestants; p++)
            json_int(&j, r->peer[p].name, r->peer[p].worst);
        json_close(&j);
        json_object(&j, "differing", true);
        for (int p = 0; p < r->contestants; p++)
            json_real(&j, r->peer[p].name, r->peer[p].differing);
        json_close(&j);
        json_close(&j);
    }
    json_close(&j);
    for (int least = 0; least < 2; least++) {
        json_object(&j, least ? "least" : "geomean", false);
        for (int c = 0; c < COLUMNS; c++) {
            json_object(&j, columns[c].name, true);
            for (int t = 0; t < b->n_thread_counts; t++) {
                double smallest;
                const double mean = geomean(b, &columns[c], b->thread_counts[t], &smallest);

                snprintf(key, sizeof key, "%d", b->thread_counts[t]);
                json_real(&j, key, mean > 0.0 ? (least ? smallest : mean) : NAN);
            }
            json_close(&j);
        }
        json_close(&j);
    }
    if (b->climb)
        ladder_json(&j, &b->ladder);
    if (b->n_networks != 0) {
        json_array(&j, "networks", false);
        for (int i = 0; i < b->n_networks; i++)
            network_json(&j, &b->network[i]);
        json_close(&j);
    }
    json_end(&j);
    return cli_finish(to) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: could not be written", b->json);
}

/* ---- the command --------------------------------------------------------------------------------------- */

static rs_status bench_cpu(struct bench_cpu *b, struct rs_error *err)
{
    enum rs_isa isa;
    rs_status status = b->isa != NULL ? rs_isa_select(b->isa, err) : RS_OK;

    if (status == RS_OK)
        status = rs_isa_current(&isa, err);
    if (status != RS_OK)
        return status;
    b->isa = rs_isa_name(isa);
    if (strcmp(b->isa, isa_of_peers) == 0) {
        status = hold_to_avx2(err);
        if (status != RS_OK)
            return status;
        setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
    }
    if (b->n_networks != 0) {
        for (int i = 0; i < b->n_networks && status == RS_OK; i++) {
            status = network_run(b->networks[i], b->seconds, &b->network[i], err);
            if (status == RS_OK)
                network_print(stdout, &b->network[i]);
        }
    } else if (b->climb) {
        status = ladder_climb(b->ladder_size, &b->ladder, err);
        if (status == RS_OK)
            ladder_print(stdout, &b->ladder);
    } else {
        for (int p = 0; p < MOST_PEERS; p++) {
            open_peer(&b->peers[p], peer_names[p]);
            printf("%s: %s\n", peer_names[p], b->peers[p].is != NULL ? b->peers[p].is->version() : b->peers[p].why);
        }
        for (int t = 0; t < b->n_thread_counts && status == RS_OK; t++) {
            for (int i = 0; i < rs_bench_count() && status == RS_OK; i++)
                if (strstr(rs_bench_workload_at(i)->name, b->only) != NULL)
                    status = run_workload(b, i, b->thread_counts[t], err);
            if (status == RS_OK)
                print_table(stdout, b, b->thread_counts[t]);
        }
    }
    if (status == RS_OK && b->json != NULL)
        status = write_json(b, err);
    return status;
}

/* "1,2" */
static bool parse_threads(const char *text, struct bench_cpu *b)
{
    char *end;

    b->n_thread_counts = 0;
    do {
        const long n = strtol(text, &end, 10);

        if (end == text || n < 1 || n > 256 || b->n_thread_counts == MOST_THREAD_COUNTS)
            return false;
        b->thread_counts[b->n_thread_counts++] = (int)n;
        text = end + 1;
    } while (*end == ',');
    return *end == '\0';
}

int cmd_bench_cpu(int argc, char **argv)
{
    enum { THREADS = 256, ISA, SECONDS, ONLY, LADDER, NETWORK, JSON };
    static const struct option options[] = {
        {"threads", 1, NULL, THREADS}, {"isa", 1, NULL, ISA}, {"seconds", 1, NULL, SECONDS}, {"only", 1, NULL, ONLY},
        {"ladder", 2, NULL, LADDER}, {"network", 1, NULL, NETWORK}, {"json", 1, NULL, JSON},
        {NULL, 0, NULL, 0}};
    static struct bench_cpu b;
    struct rs_error err = {0};
    char *end = NULL;
    int c;

    b = (struct bench_cpu){.seconds = 0.05, .only = "", .ladder_size = 512, .thread_counts = {1, 2},
                           .n_thread_counts = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1};
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case ISA:  b.isa = optarg; break;
        case JSON: b.json = optarg; break;
        case ONLY: b.only = optarg; break;
        case NETWORK:
            if (b.n_networks == MOST_NETWORKS)
                return cli_usage(COMMAND, "--network: at most %d", MOST_NETWORKS);
            b.networks[b.n_networks++] = optarg;
            break;
        case THREADS:
            if (!parse_threads(optarg, &b))
                return cli_usage(COMMAND, "--threads %s: up to %d numbers in [1, 256] are expected", optarg, MOST_THREAD_COUNTS);
            break;
        case SECONDS:
            b.seconds = strtod(optarg, &end);
            if (*end != '\0' || !(b.seconds > 0.0 && b.seconds <= 60.0))
                return cli_usage(COMMAND, "--seconds %s: a number in (0, 60] is expected", optarg);
            break;
        case LADDER:
            b.climb = true;
            if (optarg != NULL) {
                b.ladder_size = (int)strtol(optarg, &end, 10);
                if (*end != '\0' || b.ladder_size < 16 || b.ladder_size > 4096)
                    return cli_usage(COMMAND, "--ladder=%s: a size in [16, 4096] is expected", optarg);
            }
            break;
        default:
            return cli_bad_option(COMMAND, argc, argv, c);
        }
    if (optind < argc)
        return cli_usage(COMMAND, "unexpected '%s'", argv[optind]);
    return bench_cpu(&b, &err) == RS_OK ? CLI_GOOD : cli_fail(COMMAND, "%s", err.text);
}
