/*
 * cmd_explore.c - `rowstation explore`: hardware configurations over a set of networks: predicted cycles, energy, FPGA
 * resources; the Pareto front, a plot, the winner as a preset file.
 *
 * A point is one configuration with the planner's best mapping of every layer (estimate.h), plus memory traffic: filters once,
 * tensors that do not fit the global buffer twice, each layer taking the longer of array and memory port.  --check plans the
 * best and some random points in full (rs_plan_graph), and says how far off the estimates are.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"
#include "energy.h"
#include "estimate.h"
#include "json.h"
#include "runtime.h"
#include "status.h"
#include "workload.h"

#define COMMAND "explore"

enum { MAX_NETWORKS = 8, MAX_VALUES = 16, N_KEYS = 8, MAX_THREADS = 8 };
enum { ROWS, COLS, FILTER, WINDOW, ACC, GLB, WBUF, ADDERS };

/* Limits are those of hw/config/config.h; the first five decide mappings, the others only memory. */
static const struct key {
    const char *name, *macro, *what;
    int least, most, n, value[MAX_VALUES];
} default_keys[N_KEYS] = {
    {"rows", "RS_ROWS", "PE rows", 4, 16, 3, {4, 8, 16}},
    {"cols", "RS_COLS", "PE columns", 2, 16, 7, {4, 6, 8, 10, 12, 14, 16}},
    {"filter", "RS_FILTER_WORDS", "filter spad of a PE, words a bank", 16, 64, 2, {32, 64}},
    {"window", "RS_WINDOW_WORDS", "window of a PE, words", 16, 32, 2, {24, 32}},
    {"acc", "RS_ACC_ENTRIES", "accumulator entries a bank", 16, 256, 2, {128, 256}},
    {"glb", "RS_GLB_BANK_DEPTH", "blocks in a bank of the global buffer", 64, 2048, 3, {512, 1024, 2048}},
    {"wbuf", "RS_WBUF_DEPTH", "lines of the filter buffer", 64, 16384, 4, {512, 1024, 2048, 4096}},
    {"adders", "RS_ADD_LANES", "residual adders", 1, 32, 1, {8}},
};

struct shape { struct rs_estimate_shape s; double in_bytes, out_bytes; int times; };
struct network { char name[96]; int n; struct shape *shape; double macs, work; struct rs_graph *graph; };

struct point {
    int    v[N_KEYS];
    bool   fits, front;
    double cycles[MAX_NETWORKS], score;            /* score: geometric mean over the networks               */
    double energy;                                 /* a MAC, by the first table; MACs, spads, DRAM only      */
    double dsp, bram, lut;
    double planned;                                /* geometric mean by the full planner; 0: not asked, -1: not all on the array */
};

struct explore {
    struct key key[N_KEYS];
    const char *json, *html, *winner;
    int    n_networks, max_points, check, n_points, threads;
    uint64_t seed;
    struct network network[MAX_NETWORKS];
    struct point *point;
    struct rs_energy_table table;
    int    next;                                   /* group of points to do, under lock                      */
    pthread_mutex_t lock;
    rs_status status;
    struct rs_error err;
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static struct rs_hw_config config_of(const struct point *p)
{
    return (struct rs_hw_config){.preset = "explore", .isa_version = RS_ISA_VERSION, .rows = (uint32_t)p->v[ROWS], .cols = (uint32_t)p->v[COLS], .block = (uint32_t)p->v[ROWS],
                                 .axi_bytes = 4 * (uint32_t)p->v[ROWS], .filter_words = (uint32_t)p->v[FILTER],
                                 .window_words = (uint32_t)p->v[WINDOW], .acc_entries = (uint32_t)p->v[ACC],
                                 .glb_blocks = 16 * (uint32_t)p->v[GLB], .wbuf_words = 2 * (uint32_t)p->v[WBUF],
                                 .add_lanes = (uint32_t)p->v[ADDERS]};
}

/* ---- networks ------------------------------------------------------------------------------------------------ */

static rs_status add_network(struct explore *x, const char *path, struct rs_error *err)
{
    struct network *w = &x->network[x->n_networks];
    struct workload load;
    rs_status status = workload_read(path, 1, &load, err);

    if (status == RS_OK && !load.network)
        status = rs_fail(err, RS_ERR_ARG, "%s: a network is expected, not a list of layers", path);
    if (status != RS_OK) {
        workload_free(&load);
        return status;
    }
    strcpy(w->name, load.name);
    w->graph = workload_take(&load, 0);
    workload_free(&load);
    x->n_networks++;
    for (int i = 0; i < w->graph->n_nodes && status == RS_OK; i++) {
        const struct rs_graph *g = w->graph;
        const struct rs_node *node = &g->nodes[i];
        struct shape one = {.times = 1, .s = {.N = 1, .H = 1, .W = 1, .R = 1, .S = 1, .U = 1, .E = 1, .F = 1}}, *grown;
        bool known = false;

        if (node->op != RS_OP_CONV2D && node->op != RS_OP_DEPTHWISE_CONV2D && node->op != RS_OP_FULLY_CONNECTED)
            continue;
        const struct rs_tensor *in = &g->tensors[node->inputs[0]], *f = &g->tensors[node->inputs[1]], *out = &g->tensors[node->outputs[0]];
        if (node->op == RS_OP_FULLY_CONNECTED) {
            one.s.C = f->dim[1];
            one.s.M = f->dim[0];
            one.s.W = one.s.F = (int)(rs_tensor_elements(in) / f->dim[1]);
        } else {
            one.s = (struct rs_estimate_shape){.depthwise = node->op == RS_OP_DEPTHWISE_CONV2D, .N = in->dim[0], .C = in->dim[3],
                                               .H = in->dim[1], .W = in->dim[2], .M = out->dim[3], .R = f->dim[1], .S = f->dim[2],
                                               .U = node->stride_h, .E = out->dim[1], .F = out->dim[2], .pad_top = node->pad_top,
                                               .pad_left = node->pad_left};
        }
        one.in_bytes = (double)rs_tensor_bytes(in);
        one.out_bytes = (double)rs_tensor_bytes(out);
        w->macs += (double)one.s.N * one.s.E * one.s.F * one.s.M * one.s.R * one.s.S * (one.s.depthwise ? 1 : one.s.C);
        for (int k = 0; k < w->n && !known; k++)
            if (memcmp(&w->shape[k].s, &one.s, sizeof one.s) == 0) {
                w->shape[k].times++;
                known = true;
            }
        if (known)
            continue;
        grown = realloc(w->shape, (size_t)(w->n + 1) * sizeof *grown);
        if (grown == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "out of memory");
        w->shape = grown;
        w->shape[w->n++] = one;
    }
    return status != RS_OK || w->n > 0 ? status : rs_fail(err, RS_ERR_FORMAT, "%s: no convolution and no matrix product in it", path);
}

/* ---- one group of points: the same array, all memories ------------------------------------------------------------- */

static double up(double a, double b) { return ceil(a / b); }

/* Resources of an UltraScale+ part; estimates by shape, nothing synthesized. */
static void resources(struct point *p)
{
    const double rows = p->v[ROWS], cols = p->v[COLS];

    p->dsp = rows * cols + 2 * cols * 4 + 3 * p->v[ADDERS];                  /* PEs; four a requantize lane; adders */
    p->bram = 16 * up(8 * rows, 72) * up(p->v[GLB], 512) + up(32 * rows, 72) * up(p->v[WBUF], 512) + cols * 2 * up(p->v[ACC], 512);
    p->lut = 450 * rows * cols + 400 * cols + 20000;                         /* facts/array_model.md: 450 a PE */
}

static rs_status estimate_group(struct explore *x, int first, int n, struct rs_error *err)
{
    const struct rs_hw_config config = config_of(&x->point[first]);
    rs_status status = RS_OK;

    for (int k = 0; k < n; k++) {
        x->point[first + k].fits = true;
        x->point[first + k].score = 1;
        resources(&x->point[first + k]);
    }
    for (int w = 0; w < x->n_networks && status == RS_OK; w++) {
        const struct network *net = &x->network[w];

        for (int i = 0; i < net->n && status == RS_OK; i++) {
            const struct shape *s = &net->shape[i];
            struct rs_estimate e;

            status = rs_estimate_layer(&config, &s->s, &e, err);
            for (int k = 0; k < n && status == RS_OK; k++) {
                struct point *p = &x->point[first + k];
                const double glb = 16.0 * p->v[GLB] * p->v[ROWS], wbuf = 4.0 * p->v[WBUF] * p->v[ROWS], port = 4.0 * p->v[ROWS];
                const bool in_stays = s->in_bytes < glb / 2, out_stays = s->out_bytes < glb / 2;
                const double moved = (double)e.filter_bytes * (!in_stays && (double)e.filter_bytes > wbuf ? 2 : 1) +
                                     (in_stays ? 0 : s->in_bytes) + (out_stays ? 0 : s->out_bytes);
                const double memory = moved / port;

                if (!e.fits)
                    p->fits = false;
                /* The port hides behind the array where both are busy; what cannot overlap is a tile at each end. */
                p->cycles[w] += s->times * (fmax((double)e.cycles, memory) + (in_stays && out_stays ? 0 : 0.25 * fmin((double)e.cycles, memory)));
                p->energy += s->times * (2 * (double)e.mac_cycles * p->v[ROWS] * p->v[COLS] * x->table.cost[RS_E_SPAD] +
                                         moved * x->table.cost[RS_E_DRAM]);
            }
        }
        for (int k = 0; k < n; k++) {
            struct point *p = &x->point[first + k];

            p->energy += net->macs * x->table.cost[RS_E_MAC];
            p->score *= pow(p->cycles[w], 1.0 / x->n_networks);
        }
    }
    return status;
}

static bool same_array(const struct point *a, const struct point *b) { return memcmp(a->v, b->v, GLB * sizeof a->v[0]) == 0; }

static void *work(void *context)
{
    struct explore *x = context;

    for (;;) {
        struct rs_error err = {0};
        int first, n = 0;
        rs_status status;

        pthread_mutex_lock(&x->lock);
        first = x->next;
        while (first + n < x->n_points && same_array(&x->point[first], &x->point[first + n]))
            n++;
        x->next = x->status == RS_OK ? first + n : x->n_points;
        pthread_mutex_unlock(&x->lock);
        if (n == 0)
            return NULL;
        status = estimate_group(x, first, n, &err);
        if (status != RS_OK) {
            pthread_mutex_lock(&x->lock);
            x->status = status;
            x->err = err;
            x->next = x->n_points;
            pthread_mutex_unlock(&x->lock);
            return NULL;
        }
    }
}

/* ---- the points ------------------------------------------------------------------------------------------------------- */

static int by_array(const void *a, const void *b) { return memcmp(((const struct point *)a)->v, ((const struct point *)b)->v, sizeof(int) * N_KEYS); }

static rs_status make_points(struct explore *x, struct rs_error *err)
{
    int64_t all = 1, at = 0;
    uint64_t state = x->seed;

    for (int k = 0; k < N_KEYS; k++)
        all *= x->key[k].n;
    if (all > 1000000)
        return rs_fail(err, RS_ERR_RANGE, "%lld points; at most 10^6 are expected", (long long)all);
    x->point = calloc((size_t)all, sizeof *x->point);
    if (x->point == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int64_t i = 0; i < all; i++) {
        struct point p = {.fits = true};
        int64_t rest = i;

        for (int k = N_KEYS - 1; k >= 0; k--) {
            p.v[k] = x->key[k].value[rest % x->key[k].n];
            rest /= x->key[k].n;
        }
        while (2 * p.v[ROWS] % p.v[ADDERS] != 0)           /* adders divide a pair of blocks */
            p.v[ADDERS]--;
        x->point[at++] = p;
    }
    if (x->max_points > 0 && x->max_points < at) {          /* random arrays, each with all its memories: those cost next to nothing */
        int64_t of_array = 1, kept = 0;

        for (int k = GLB; k < N_KEYS; k++)
            of_array *= x->key[k].n;
        for (int64_t i = 0; i < at / of_array && kept < x->max_points; i++) {
            const int64_t k = i + (int64_t)(next_random(&state) % (uint64_t)(at / of_array - i));

            for (int64_t m = 0; m < of_array; m++) {
                const struct point keep = x->point[i * of_array + m];

                x->point[i * of_array + m] = x->point[k * of_array + m];
                x->point[k * of_array + m] = keep;
            }
            kept += of_array;
        }
        at = kept < x->max_points ? kept : x->max_points;
    }
    x->n_points = (int)at;
    qsort(x->point, (size_t)at, sizeof *x->point, by_array);
    return RS_OK;
}

static bool better(const struct point *a, const struct point *b)     /* in nothing worse, in something better */
{
    const double area_a = a->lut / 450 + a->dsp + 2 * a->bram, area_b = b->lut / 450 + b->dsp + 2 * b->bram;

    return a->score <= b->score && a->energy <= b->energy && area_a <= area_b &&
           (a->score < b->score || a->energy < b->energy || area_a < area_b);
}

static int by_score(const void *a, const void *b)
{
    const struct point *p = a, *q = b;

    if (p->fits != q->fits)
        return p->fits ? -1 : 1;
    return (p->score > q->score) - (p->score < q->score);
}

/* ---- against the full planner ------------------------------------------------------------------------------------------- */

static rs_status plan_point(struct explore *x, struct point *p, struct rs_error *err)
{
    const struct rs_hw_config config = config_of(p);

    p->planned = 1;
    for (int w = 0; w < x->n_networks; w++) {
        const struct rs_plan_options options = {.no_snapshots = true};
        struct rs_plan *plan;
        rs_status status = rs_plan_graph(x->network[w].graph, &config, &options, &plan, err);

        if (status != RS_OK)
            return status;
        p->planned = plan->array_macs < plan->macs || p->planned < 0 ? -1 : p->planned * pow((double)plan->cycles, 1.0 / x->n_networks);
        rs_plan_free(plan);
    }
    return RS_OK;
}

static double rank_of(const double *v, int n, int i)
{
    double rank = 0;

    for (int k = 0; k < n; k++)
        rank += v[k] < v[i] ? 1 : k != i && v[k] == v[i] ? 0.5 : 0;
    return rank;
}

/* Plans @n best and @n random points; *worst: largest relative error; *rho: Spearman's rank correlation. */
static rs_status check(struct explore *x, int *n_checked, int *off, double *worst, double *mean, double *rho, struct rs_error *err)
{
    double *estimated = calloc((size_t)(2 * x->check), sizeof *estimated), *planned = calloc((size_t)(2 * x->check), sizeof *planned);
    uint64_t state = x->seed + 1;
    int fitting = 0, n = 0;
    rs_status status = estimated == NULL || planned == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory") : RS_OK;

    while (fitting < x->n_points && x->point[fitting].fits)
        fitting++;
    *off = 0;
    *worst = *mean = 0;
    for (int i = 0; i < 2 * x->check && status == RS_OK && fitting > 0; i++) {
        struct point *p = &x->point[i < x->check ? i % fitting : (int)(next_random(&state) % (uint64_t)fitting)];

        if (p->planned == 0)
            status = plan_point(x, p, err);
        else
            continue;
        if (status == RS_OK && p->planned < 0) {
            (*off)++;
        } else if (status == RS_OK) {
            estimated[n] = p->score;
            planned[n++] = p->planned;
            *worst = fmax(*worst, fabs(p->score / p->planned - 1));
            *mean += fabs(p->score / p->planned - 1);
        }
    }
    *n_checked = n;
    *rho = NAN;
    if (n > 2) {
        double sum = 0;

        *mean /= n;
        for (int i = 0; i < n; i++) {
            const double d = rank_of(estimated, n, i) - rank_of(planned, n, i);

            sum += d * d;
        }
        *rho = 1 - 6 * sum / ((double)n * ((double)n * n - 1));
    }
    free(estimated);
    free(planned);
    return status;
}

/* ---- output ------------------------------------------------------------------------------------------------------------ */

static rs_status write_winner(const struct explore *x, const struct point *p, struct rs_error *err)
{
    const char *base = strrchr(x->winner, '/');
    char name[64];
    FILE *file = cli_create(x->winner, err);

    if (file == NULL)
        return RS_ERR_IO;
    snprintf(name, sizeof name, "%.60s", base != NULL ? base + 1 : x->winner);
    if (strrchr(name, '.') != NULL)
        *strrchr(name, '.') = '\0';
    fprintf(file, "/* %s.h - preset `%s`: the winner of rowstation explore over", name, name);
    for (int w = 0; w < x->n_networks; w++)
        fprintf(file, " %s", x->network[w].name);
    fprintf(file, ". */\n#define RS_PRESET_NAME    \"%s\"\n", name);
    for (int k = 0; k < N_KEYS; k++)
        fprintf(file, "#define %-17s %4d   /* %s */\n", x->key[k].macro, p->v[k], x->key[k].what);
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", x->winner, strerror(errno));
}

static void point_json(struct json *j, const struct explore *x, const struct point *p)
{
    json_object(j, NULL, true);
    for (int k = 0; k < N_KEYS; k++)
        json_int(j, x->key[k].name, p->v[k]);
    json_bool(j, "front", p->front);
    for (int w = 0; w < x->n_networks; w++)
        json_real(j, x->network[w].name, p->cycles[w]);
    json_real(j, "cycles_mean", p->score);
    json_real(j, "energy", p->energy);
    json_real(j, "dsp", p->dsp);
    json_real(j, "bram36", p->bram);
    json_real(j, "lut", p->lut);
    if (p->planned != 0)
        json_real(j, "cycles_mean_planned", p->planned);
    json_close(j);
}

static rs_status write_html(const struct explore *x, struct rs_error *err)
{
    double c0 = INFINITY, c1 = 0, a0 = INFINITY, a1 = 0;
    FILE *to = cli_create(x->html, err);

    if (to == NULL)
        return RS_ERR_IO;
    for (int i = 0; i < x->n_points && x->point[i].fits; i++) {
        c0 = fmin(c0, x->point[i].score);
        c1 = fmax(c1, x->point[i].score);
        a0 = fmin(a0, x->point[i].dsp);
        a1 = fmax(a1, x->point[i].dsp);
    }
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
          "<title>rowstation explore</title>\n<style>:root{color-scheme:light dark;--a:#0b66c3;--b:#8a94a3}@media(prefers-color-scheme:dark)"
          "{:root{--a:#5aa9f5;--b:#75808f}}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}svg{width:100%;height:auto}"
          "svg text{fill:currentColor;font:12px system-ui}</style></head><body>\n<h1>Configurations, by cycles and multipliers</h1>\n"
          "<svg viewBox=\"0 0 960 460\" role=\"img\" aria-label=\"Cycles against DSP slices\">\n"
          "<rect x=\"60\" y=\"10\" width=\"880\" height=\"400\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\".3\"/>\n", to);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < x->n_points && x->point[i].fits; i++) {
            const struct point *p = &x->point[i];
            const double px = 60 + 880 * log(p->dsp / a0 * 1.05) / log(a1 / a0 * 1.1), py = 410 - 400 * log(p->score / c0 * 1.05) / log(c1 / c0 * 1.1);

            if (p->front != (pass == 1))
                continue;
            fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" fill=\"var(--%c)\" fill-opacity=\"%s\"><title>%d x %d, filter %d, window %d, acc %d, "
                    "glb %d, wbuf %d: %.0f cycles</title></circle>\n", px, py, pass ? 5 : 2, pass ? 'a' : 'b', pass ? "1" : ".5", p->v[ROWS], p->v[COLS],
                    p->v[FILTER], p->v[WINDOW], p->v[ACC], p->v[GLB], p->v[WBUF], p->score);
        }
    fputs("<text x=\"500\" y=\"440\" text-anchor=\"middle\">DSP slices (estimate), log</text>\n"
          "<text transform=\"translate(20 210) rotate(-90)\" text-anchor=\"middle\">cycles, geometric mean (predicted), log</text>\n</svg>\n"
          "<p>Large: on the Pareto front of cycles, energy and area. All predicted, nothing measured.</p>\n</body></html>\n", to);
    return cli_finish(to) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", x->html, strerror(errno));
}

static rs_status explore(struct explore *x, struct rs_error *err)
{
    FILE *to = x->json != NULL && strcmp(x->json, "-") == 0 ? stderr : stdout;
    pthread_t thread[MAX_THREADS];
    struct rs_data data;
    double started, seconds;
    int n_threads = 0, n_front = 0, shown = 0, fitting = 0;
    rs_status status = rs_data_builtin(&data, err);

    if (status != RS_OK)
        return status;
    status = rs_energy_table(&data, "eyeriss", &x->table, err);
    rs_data_free(&data);
    if (status == RS_OK)
        status = make_points(x, err);
    if (status != RS_OK)
        return status;
    started = rs_seconds();
    pthread_mutex_init(&x->lock, NULL);
    while (n_threads < x->threads && pthread_create(&thread[n_threads], NULL, work, x) == 0)
        n_threads++;
    if (n_threads == 0)
        work(x);
    for (int i = 0; i < n_threads; i++)
        pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&x->lock);
    seconds = rs_seconds() - started;
    if (x->status != RS_OK)
        return rs_fail(err, x->status, "%s", x->err.text);
    qsort(x->point, (size_t)x->n_points, sizeof *x->point, by_score);
    for (int i = 0; i < x->n_points && x->point[i].fits; i++, fitting++) {
        x->point[i].front = true;
        for (int k = 0; k < x->n_points && x->point[k].fits && x->point[i].front; k++)
            x->point[i].front = !better(&x->point[k], &x->point[i]);
        n_front += x->point[i].front;
    }
    fprintf(to, "%d points, %d with a mapping of every layer, %.1f s, %.0f points a minute on %d threads. Predicted, nothing counted; resources are\n"
            "estimates for UltraScale+, nothing synthesized. Energy: MACs, spads and DRAM by %s.\n\n", x->n_points, fitting, seconds,
            60 * x->n_points / seconds, n_threads, x->table.title);
    fprintf(to, "Pareto front of cycles, energy, area: %d points\n%4s %4s %6s %6s %4s %5s %5s", n_front, "rows", "cols", "filter", "window", "acc",
            "glb", "wbuf");
    for (int w = 0; w < x->n_networks; w++)
        fprintf(to, " %14.14s", x->network[w].name);
    fprintf(to, " %10s %5s %6s %7s\n", "energy", "DSP", "BRAM36", "LUT");
    for (int i = 0; i < fitting && shown < 30; i++) {
        const struct point *p = &x->point[i];

        if (!p->front)
            continue;
        shown++;
        fprintf(to, "%4d %4d %6d %6d %4d %5d %5d", p->v[ROWS], p->v[COLS], p->v[FILTER], p->v[WINDOW], p->v[ACC], p->v[GLB], p->v[WBUF]);
        for (int w = 0; w < x->n_networks; w++)
            fprintf(to, " %14s", cli_count((uint64_t)p->cycles[w]));
        fprintf(to, " %8.0f M %5.0f %6.0f %7.0f\n", p->energy / 1e6, p->dsp, p->bram, p->lut);
    }
    if (n_front > shown)
        fprintf(to, "... and %d more (--json has all)\n", n_front - shown);
    if (x->check > 0) {
        double worst, mean, rho;
        int n, off;

        status = check(x, &n, &off, &worst, &mean, &rho, err);
        if (status != RS_OK)
            return status;
        fprintf(to, "\nAgainst the full planner, %d best and %d random points: %d compared, error %.1f %% on average, %.1f %% at most, rank correlation\n"
                "%.3f; %d more leave layers to the CPU for lack of buffer.\n", x->check, x->check, n, 100 * mean, 100 * worst, rho, off);
    }
    if (x->winner != NULL) {
        const struct point *best = NULL;

        for (int i = 0; i < fitting; i++)
            if (x->point[i].front && x->point[i].planned >= 0 &&
                (best == NULL || x->point[i].score * x->point[i].energy < best->score * best->energy))
                best = &x->point[i];
        if (best == NULL)
            return rs_fail(err, RS_ERR_UNSUPPORTED, "no point can do every layer: no winner to write");
        status = write_winner(x, best, err);
        if (status == RS_OK)
            fprintf(to, "\nWinner by cycles times energy: %d x %d, written to %s (make emu PRESET=%s)\n", best->v[ROWS], best->v[COLS], x->winner,
                    x->winner);
    }
    if (status == RS_OK && x->html != NULL)
        status = write_html(x, err);
    if (status == RS_OK && x->json != NULL) {
        struct json j;
        FILE *file = cli_create(x->json, err);

        if (file == NULL)
            return RS_ERR_IO;
        json_begin(&j, file);
        json_string(&j, "numbers", "predicted");
        json_real(&j, "points_per_minute", 60 * x->n_points / seconds);
        json_array(&j, "points", false);
        for (int i = 0; i < fitting; i++)
            point_json(&j, x, &x->point[i]);
        json_close(&j);
        json_end(&j);
        status = cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", x->json, strerror(errno));
    }
    return status;
}

/* KEY=V,V,... */
static bool sweep(struct explore *x, const char *text, struct rs_error *err)
{
    const char *equals = strchr(text, '='), *at;
    struct key *key = NULL;

    for (int k = 0; equals != NULL && k < N_KEYS; k++)
        if (strlen(x->key[k].name) == (size_t)(equals - text) && strncmp(text, x->key[k].name, (size_t)(equals - text)) == 0)
            key = &x->key[k];
    if (key == NULL) {
        (void)rs_fail(err, RS_ERR_ARG, "--sweep %.60s: KEY=V,... with rows, cols, filter, window, acc, glb, wbuf or adders is expected", text);
        return false;
    }
    key->n = 0;
    for (at = equals + 1;; at++) {
        char *end;
        const long v = strtol(at, &end, 10);
        const bool rows_ok = key != &x->key[ROWS] || v == 4 || v == 8 || v == 16;

        if (end == at || v < key->least || v > key->most || !rows_ok || key->n == MAX_VALUES || (*end != ',' && *end != '\0')) {
            (void)rs_fail(err, RS_ERR_RANGE, "--sweep %.60s: %s%s: up to %d numbers from %d to %d are expected", text, key->what,
                          key == &x->key[ROWS] ? " (4, 8 or 16)" : "", MAX_VALUES, key->least, key->most);
            return false;
        }
        key->value[key->n++] = (int)v;
        if (*end == '\0')
            return true;
        at = end;
    }
}

int cmd_explore(int argc, char **argv)
{
    enum { POINTS = 256, SEED, SWEEP, CHECK, JSON, HTML, WINNER };
    static const struct option options[] = {{"points", 1, NULL, POINTS}, {"seed", 1, NULL, SEED}, {"sweep", 1, NULL, SWEEP}, {"check", 1, NULL, CHECK},
                                            {"json", 1, NULL, JSON}, {"html", 1, NULL, HTML}, {"winner", 1, NULL, WINNER}, {NULL, 0, NULL, 0}};
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct explore x = {.seed = 1, .threads = cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (int)cores};
    struct rs_error err = {0};
    char *end;
    int c, result = CLI_GOOD;

    memcpy(x.key, default_keys, sizeof x.key);
    while (result == CLI_GOOD && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case JSON:   x.json = optarg; break;
        case HTML:   x.html = optarg; break;
        case WINNER: x.winner = optarg; break;
        case SWEEP:
            if (!sweep(&x, optarg, &err))
                result = cli_usage(COMMAND, "%s", err.text);
            break;
        case POINTS: case SEED: case CHECK: {
            const long long v = strtoll(optarg, &end, 10);

            if (end == optarg || *end != '\0' || v < 0 || v > (c == CHECK ? 1000 : 1000000))
                result = cli_usage(COMMAND, "'%s': a whole number from 0 to %d is expected", optarg, c == CHECK ? 1000 : 1000000);
            if (c == SEED)
                x.seed = (uint64_t)v;
            else
                *(c == POINTS ? &x.max_points : &x.check) = (int)v;
            break;
        }
        default:
            result = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (result == CLI_GOOD && (optind == argc || argc - optind > MAX_NETWORKS))
        result = cli_usage(COMMAND, "1 to %d networks are expected", MAX_NETWORKS);
    for (; result == CLI_GOOD && optind < argc; optind++)
        if (add_network(&x, argv[optind], &err) != RS_OK)
            result = cli_fail(COMMAND, "%s", err.text);
    if (result == CLI_GOOD && explore(&x, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    for (int w = 0; w < x.n_networks; w++) {
        rs_graph_destroy(x.network[w].graph);
        free(x.network[w].shape);
    }
    free(x.point);
    return result;
}
