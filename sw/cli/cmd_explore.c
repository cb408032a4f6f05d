/*
 * cmd_explore.c - `rowstation explore`: hardware configurations over a set of networks: predicted cycles, energy, FPGA
 * resources; the Pareto front, a plot, the winner as a preset file.
 *
 * A point is one configuration with the planner's best mapping of every layer (estimate.h), in the tiles that its global buffer
 * asks for (explore_memory.c), each layer taking the longest of array, reads and writes.  --check plans the
 * best and some random points in full (rs_plan_graph), --count builds them and counts (explore_count.c), and both say how far off
 * the estimates are.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "explore.h"
#include "json.h"
#include "runtime.h"
#include "status.h"
#include "workload.h"

#define COMMAND "explore"

enum { START = 380, LATENCY = 150 };               /* clocks: ap_start to the first data and the last to ap_done; a tile's own */

/* Limits are those of hw/config/config.h. */
static const struct explore_key default_keys[EXPLORE_KEYS] = {
    {"rows", "RS_ROWS", "PE rows", 4, 16, 3, {4, 8, 16}},
    {"cols", "RS_COLS", "PE columns", 2, 16, 7, {4, 6, 8, 10, 12, 14, 16}},
    {"filter", "RS_FILTER_WORDS", "filter spad of a PE, words a bank", 16, 64, 2, {32, 64}},
    {"window", "RS_WINDOW_WORDS", "window of a PE, words", 16, 32, 2, {24, 32}},
    {"acc", "RS_ACC_ENTRIES", "accumulator entries a bank", 16, 256, 2, {128, 256}},
    {"glb", "RS_GLB_BANK_DEPTH", "blocks in a bank of the global buffer", 64, 2048, 3, {512, 1024, 2048}},
    {"wbuf", "RS_WBUF_DEPTH", "lines of the filter buffer", 64, 16384, 4, {512, 1024, 2048, 4096}},
    {"adders", "RS_ADD_LANES", "residual adders", 1, 32, 1, {8}},
};

uint64_t explore_random(uint64_t *state)
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
                                 .add_lanes = (uint32_t)p->v[ADDERS],
                                 .psum_words = (uint32_t)p->v[COLS], .max_pairs = 16, .wide = 1, .requantize_clocks = 1};
}

/* ---- networks ------------------------------------------------------------------------------------------------ */

static int add_shape(struct explore_network *w, const struct rs_estimate_shape *s)
{
    for (int k = 0; k < w->n_shapes; k++)
        if (memcmp(&w->shape[k], s, sizeof *s) == 0)
            return k;
    w->shape[w->n_shapes] = *s;
    return w->n_shapes++;
}

/* The tensor of the network that graph tensor @t is; one that nothing has made yet is an input. */
static int tensor_of(struct explore_network *w, int *same, int t)
{
    const struct rs_tensor *tensor = &w->graph->tensors[t];

    if (same[t] < 0) {
        const int channels = tensor->rank > 0 ? tensor->dim[tensor->rank - 1] : 1;

        w->tensor[w->n_tensors] = (struct explore_tensor){.channels = channels, .pixels = (int)(rs_tensor_elements(tensor) / channels),
                                                          .first = w->n_layers, .last = -1};
        same[t] = w->n_tensors++;
    }
    return same[t];
}

/* Node @i, whose extents are @n; no multiplications: a pool. */
static void add_layer(struct explore_network *w, int *same, int i, const struct rs_layer *n)
{
    const enum rs_op op = w->graph->nodes[i].op;
    const bool line = n->R == 1 && n->S == 1 && n->Uh == 1 && n->E == n->H && n->F == n->W;      /* pixels, as the planner has them */
    const int pixels = n->N * n->H * n->W;
    struct rs_estimate_shape s = {.depthwise = op == RS_OP_DEPTHWISE_CONV2D, .N = n->N, .C = n->C, .H = n->H, .W = n->W, .M = n->M, .R = n->R,
                                  .S = n->S, .U = n->Uh, .E = n->E, .F = n->F, .pad_top = n->pad_top, .pad_left = n->pad_left};
    struct explore_layer l = {.in = tensor_of(w, same, n->ifmap), .res = -1, .out = tensor_of(w, same, n->ofmap), .H = line ? 1 : n->H,
                              .W = line ? pixels : n->W, .R = n->R, .S = n->S, .U = n->Uh, .E = line ? 1 : n->E, .F = line ? pixels : n->F,
                              .pad_top = n->pad_top, .pad_left = n->pad_left};

    if (op == RS_OP_FULLY_CONNECTED)
        s = (struct rs_estimate_shape){.N = 1, .C = n->C, .H = 1, .W = n->N, .M = n->M, .R = 1, .S = 1, .U = 1, .E = 1, .F = n->N};
    l.shape = rs_op_has_macs(op) ? add_shape(w, &s) : -1;
    w->macs += (double)rs_graph_macs(w->graph, i);
    w->tensor[l.in].last = w->tensor[l.out].last = w->n_layers;
    w->layer[w->n_layers++] = l;
}

/* Node @i, an ADD: the convolution that alone feeds it adds the other operand as it writes; the later one, if both could. */
static void add_residual(struct explore_network *w, int *same, int i)
{
    const struct rs_node *node = &w->graph->nodes[i];
    int carrier = -1, other = -1;

    for (int k = 0; k < 2; k++) {
        const int producer = rs_graph_producer(w->graph, node->inputs[k]);
        int residual;

        if (producer > carrier && rs_op_has_macs(w->graph->nodes[producer].op) && rs_graph_fusable_add(w->graph, producer, &residual) == i) {
            carrier = producer;
            other = residual;
        }
    }
    same[node->outputs[0]] = tensor_of(w, same, carrier < 0 ? node->inputs[0] : w->graph->nodes[carrier].outputs[0]);
    for (int k = 0; carrier >= 0 && k < w->n_layers; k++)
        if (w->layer[k].out == same[node->outputs[0]]) {
            struct explore_tensor *t = &w->tensor[w->layer[k].res = tensor_of(w, same, other)];

            t->last = t->last < k ? k : t->last;
        }
}

static rs_status add_network(struct explore *x, const char *path, struct rs_error *err)
{
    struct explore_network *w = &x->network[x->n_networks];
    struct workload load;
    int *same;
    rs_status status = workload_read(path, 1, &load, err);

    if (status == RS_OK && !load.network)
        status = rs_fail(err, RS_ERR_ARG, "%s: a network is expected, not a list of layers", path);
    if (status != RS_OK) {
        workload_free(&load);
        return status;
    }
    snprintf(w->path, sizeof w->path, "%s", path);
    strcpy(w->name, load.name);
    w->graph = workload_take(&load, 0);
    workload_free(&load);
    x->n_networks++;
    w->shape = calloc((size_t)w->graph->n_nodes + 1, sizeof *w->shape);
    w->layer = calloc((size_t)w->graph->n_nodes + 1, sizeof *w->layer);
    w->tensor = calloc((size_t)w->graph->n_tensors + 1, sizeof *w->tensor);
    same = malloc(((size_t)w->graph->n_tensors + 1) * sizeof *same);
    if (w->shape == NULL || w->layer == NULL || w->tensor == NULL || same == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int t = 0; status == RS_OK && t < w->graph->n_tensors; t++)
        same[t] = -1;
    for (int i = 0; status == RS_OK && i < w->graph->n_nodes; i++) {
        const struct rs_node *node = &w->graph->nodes[i];
        struct rs_layer layer;

        if (rs_graph_layer(w->graph, i, &layer))
            add_layer(w, same, i, &layer);
        else if (node->op == RS_OP_ADD && node->n_inputs == 2)
            add_residual(w, same, i);
        else if (node->n_inputs > 0 && node->n_outputs > 0)        /* another shape, or the host's business */
            same[node->outputs[0]] = tensor_of(w, same, node->inputs[0]);
    }
    free(same);
    return status != RS_OK || w->n_shapes > 0 ? status : rs_fail(err, RS_ERR_FORMAT, "%s: no convolution and no matrix product in it", path);
}

/* ---- one group of points: the same array, all memories ------------------------------------------------------------- */

static double up(double a, double b) { return ceil(a / b); }

/* Resources of an UltraScale+ part; estimates by shape, nothing synthesized. */
static void resources(struct point *p)
{
    const double rows = p->v[ROWS], cols = p->v[COLS];

    p->dsp = rows * cols + 2 * cols * 4 + 3 * p->v[ADDERS];                  /* PEs; four a requantize lane; adders */
    p->bram = 16 * up(8 * rows, 72) * up(p->v[GLB], 512) + up(32 * rows, 72) * up(p->v[WBUF], 512) + cols * 2 * up(p->v[ACC], 512);
    /* A PE: 311 LUT and one for 48 bits of spads by Yosys (docs/performance.md), 75 for its share of the wires between. */
    p->lut = (386 + 32.0 * (p->v[FILTER] + p->v[WINDOW]) / 48) * rows * cols + 400 * cols + 20000;
}

/*
 * Clocks of a layer whose tensors partly go through memory: array, reads and writes go on beside each other; what nothing hides
 * is the first tile on its way in and the last on its way out, since a layer then waits for the whole one before it.
 */
static double layer_cycles(const struct rs_estimate *e, const struct explore_traffic *t, double filters, double port)
{
    const double first = t->load_bytes > 0 ? t->first_bytes / port + LATENCY : 0, last = t->store_bytes > 0 ? t->last_bytes / port + LATENCY : 0;

    return fmax(fmax((double)e->cycles, (t->load_bytes + filters) / port), t->store_bytes / port) + first + last;
}

struct known { int shape, rows; struct rs_estimate e; };

/* The estimate of @l in tiles of @rows, made once an array and kept in @list. */
static rs_status estimate_layer(const struct rs_hw_config *config, const struct explore_network *net, const struct explore_layer *l, int rows,
                                struct known **list, int *n_list, const struct known **found, struct rs_error *err)
{
    struct rs_estimate_shape s = net->shape[l->shape];
    struct known *grown;
    rs_status status;

    for (int i = 0; i < *n_list; i++)
        if ((*list)[i].shape == l->shape && (*list)[i].rows == rows) {
            *found = &(*list)[i];
            return RS_OK;
        }
    grown = realloc(*list, (size_t)(*n_list + 1) * sizeof *grown);
    if (grown == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    *list = grown;
    grown[*n_list] = (struct known){.shape = l->shape, .rows = rows};
    s.tile_rows = rows;
    status = rs_estimate_layer(config, &s, &grown[*n_list].e, err);
    *found = &grown[(*n_list)++];
    return status;
}

/* Points of one array, sorted: those with one size of the global buffer follow each other. */
static rs_status estimate_network(const struct explore *x, int w, int first, int n, struct rs_error *err)
{
    const struct explore_network *net = &x->network[w];
    const struct rs_hw_config config = config_of(&x->point[first]);
    struct explore_traffic *traffic = calloc((size_t)net->n_layers, sizeof *traffic);
    struct known *list = NULL;
    const double port = config.axi_bytes;
    rs_status status = traffic == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory") : RS_OK;
    bool fits = true;
    int n_list = 0;

    for (int k = 0; k < n && status == RS_OK; k++) {
        struct point *p = &x->point[first + k];
        const double wbuf = 4.0 * p->v[WBUF] * p->v[ROWS];

        if (k == 0 || p->v[GLB] != p[-1].v[GLB])
            status = explore_memory(net, (int)config.block, 16 * (int64_t)p->v[GLB], traffic, &fits, err);
        p->fits = p->fits && fits;
        p->cycles[w] = START;
        for (int i = 0; i < net->n_layers && status == RS_OK && p->fits; i++) {
            const struct explore_traffic *t = &traffic[i];
            const struct known *one = NULL;
            double filters;

            if (net->layer[i].shape < 0)
                continue;
            status = estimate_layer(&config, net, &net->layer[i], t->tiles > 1 ? (int)t->rows : 0, &list, &n_list, &one, err);
            if (one == NULL || !one->e.fits) {
                p->fits = false;
                continue;
            }
            filters = (double)one->e.filter_bytes * (t->tiles > 1 && (double)one->e.filter_bytes > wbuf ? 2 : 1);
            p->cycles[w] += layer_cycles(&one->e, t, filters, port);
            p->energy += 2 * (double)one->e.mac_cycles * p->v[ROWS] * p->v[COLS] * x->table.cost[RS_E_SPAD] +
                         (t->load_bytes + t->store_bytes + filters) * x->table.cost[RS_E_DRAM];
        }
        p->energy += net->macs * x->table.cost[RS_E_MAC];
        p->score *= pow(p->cycles[w], 1.0 / x->n_networks);
    }
    free(list);
    free(traffic);
    return status;
}

static rs_status estimate_group(struct explore *x, int first, int n, struct rs_error *err)
{
    rs_status status = RS_OK;

    for (int k = 0; k < n; k++) {
        x->point[first + k].fits = true;
        x->point[first + k].score = 1;
        resources(&x->point[first + k]);
    }
    for (int w = 0; w < x->n_networks && status == RS_OK; w++)
        status = estimate_network(x, w, first, n, err);
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

static int by_array(const void *a, const void *b) { return memcmp(((const struct point *)a)->v, ((const struct point *)b)->v, sizeof(int) * EXPLORE_KEYS); }

static rs_status make_points(struct explore *x, struct rs_error *err)
{
    int64_t all = 1, at = 0;
    uint64_t state = x->seed;

    for (int k = 0; k < EXPLORE_KEYS; k++)
        all *= x->key[k].n;
    if (all > 1000000)
        return rs_fail(err, RS_ERR_RANGE, "%lld points; at most 10^6 are expected", (long long)all);
    x->point = calloc((size_t)all, sizeof *x->point);
    if (x->point == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int64_t i = 0; i < all; i++) {
        struct point p = {.fits = true};
        int64_t rest = i;

        for (int k = EXPLORE_KEYS - 1; k >= 0; k--) {
            p.v[k] = x->key[k].value[rest % x->key[k].n];
            rest /= x->key[k].n;
        }
        if (p.v[ADDERS] > 2 * p.v[ROWS])                   /* no more than a pair of blocks has channels */
            p.v[ADDERS] = 2 * p.v[ROWS];
        x->point[at++] = p;
    }
    if (x->max_points > 0 && x->max_points < at) {          /* random arrays, each with all its memories: those cost next to nothing */
        int64_t of_array = 1, kept = 0;

        for (int k = GLB; k < EXPLORE_KEYS; k++)
            of_array *= x->key[k].n;
        for (int64_t i = 0; i < at / of_array && kept < x->max_points; i++) {
            const int64_t k = i + (int64_t)(explore_random(&state) % (uint64_t)(at / of_array - i));

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

void explore_compare(const double *estimated, const double *real, int n, struct explore_error *e)
{
    const double middle = (n - 1) / 2.0;
    double both = 0, one = 0, other = 0;

    *e = (struct explore_error){.n = n};
    for (int i = 0; i < n; i++) {
        const double error = fabs(estimated[i] / real[i] - 1), a = rank_of(estimated, n, i) - middle, b = rank_of(real, n, i) - middle;

        e->mean += error / n;
        e->worst = fmax(e->worst, error);
        both += a * b;
        one += a * a;
        other += b * b;
    }
    e->rho = n > 2 && one > 0 && other > 0 ? both / sqrt(one * other) : NAN;
}

/* A number of the configuration alone, so that the drawn points do not depend on how they were ranked. */
static uint64_t lot_of(const struct explore *x, const struct point *p)
{
    uint64_t state = x->seed;

    for (int k = 0; k < EXPLORE_KEYS; k++)
        state = explore_random(&state) + (uint64_t)p->v[k];
    return explore_random(&state);
}

/* The next to choose: of the front the best, or the least lot; NULL: none is left. */
static struct point *next_choice(struct explore *x, bool random)
{
    struct point *best = NULL;

    for (int i = 0; i < x->n_points && x->point[i].fits; i++) {
        struct point *p = &x->point[i];

        if (p->chosen || p->planned < 0 || (!random && !p->front))
            continue;
        if (best == NULL || (random && lot_of(x, p) < lot_of(x, best)))
            best = p;
        if (!random)
            break;
    }
    return best;
}

rs_status explore_choose(struct explore *x, int n_best, struct point **chosen, int *n, int *off, struct rs_error *err)
{
    rs_status status = RS_OK;
    struct point *p;

    *n = *off = 0;
    for (int random = 0; random < 2; random++)
        while (status == RS_OK && *n < n_best * (random + 1) && (p = next_choice(x, random)) != NULL) {
            if (p->planned == 0)
                status = plan_point(x, p, err);
            *off += p->planned < 0;
            if (status != RS_OK || p->planned < 0)
                continue;
            p->chosen = true;
            p->random = random;
            chosen[(*n)++] = p;
        }
    return status;
}

/* Plans @x->check best and as many random points in full. */
static rs_status check(struct explore *x, FILE *to, struct rs_error *err)
{
    struct point **chosen = calloc((size_t)(2 * x->check), sizeof *chosen);
    double *estimated = calloc((size_t)(2 * x->check), sizeof *estimated), *planned = calloc((size_t)(2 * x->check), sizeof *planned);
    struct explore_error e;
    int n = 0, off = 0;
    rs_status status = chosen == NULL || estimated == NULL || planned == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory")
                     : explore_choose(x, x->check, chosen, &n, &off, err);

    for (int i = 0; i < n; i++) {
        estimated[i] = chosen[i]->score;
        planned[i] = chosen[i]->planned;
        chosen[i]->chosen = false;
    }
    if (status == RS_OK) {
        explore_compare(estimated, planned, n, &e);
        fprintf(to, "\nAgainst the full planner, best and random points: %d compared, error %.1f %% on average, %.1f %% at most, rank correlation\n"
                "%.3f; %d others leave layers to the CPU for lack of buffer.\n", n, 100 * e.mean, 100 * e.worst, e.rho, off);
    }
    free(chosen);
    free(estimated);
    free(planned);
    return status;
}

/* ---- output ------------------------------------------------------------------------------------------------------------ */

rs_status explore_write_preset(const struct explore *x, const struct point *p, const char *path, const char *name, const char *what,
                               struct rs_error *err)
{
    FILE *file = cli_create(path, err);

    if (file == NULL)
        return RS_ERR_IO;
    fprintf(file, "/* %s.h - preset `%s`: %s of rowstation explore over", name, name, what);
    for (int w = 0; w < x->n_networks; w++)
        fprintf(file, " %s", x->network[w].name);
    fprintf(file, ". */\n#define RS_PRESET_NAME    \"%s\"\n", name);
    for (int k = 0; k < EXPLORE_KEYS; k++)
        fprintf(file, "#define %-17s %4d   /* %s */\n", x->key[k].macro, p->v[k], x->key[k].what);
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
}

static rs_status write_winner(const struct explore *x, const struct point *p, struct rs_error *err)
{
    const char *base = strrchr(x->winner, '/');
    char name[64];

    snprintf(name, sizeof name, "%.60s", base != NULL ? base + 1 : x->winner);
    if (strrchr(name, '.') != NULL)
        *strrchr(name, '.') = '\0';
    return explore_write_preset(x, p, x->winner, name, "the winner", err);
}

static void point_json(struct json *j, const struct explore *x, const struct point *p)
{
    json_object(j, NULL, true);
    for (int k = 0; k < EXPLORE_KEYS; k++)
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
    if (p->counted[0] > 0) {
        json_bool(j, "random", p->random);
        json_object(j, "counted", true);
        for (int w = 0; w < x->n_networks; w++)
            json_real(j, x->network[w].name, p->counted[w]);
        json_close(j);
    }
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
          "{:root{--a:#5aa9f5;--b:#75808f}}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}figure{margin:0;overflow-x:auto}"
          "svg{width:100%;min-width:56rem;height:auto}@media print{svg{min-width:0}}"
          "svg text{fill:currentColor;font:12px system-ui}</style></head><body>\n<h1>Configurations, by cycles and multipliers</h1>\n"
          "<figure><svg viewBox=\"0 0 960 460\" role=\"img\" aria-label=\"Cycles against DSP slices\">\n"
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
          "<text transform=\"translate(20 210) rotate(-90)\" text-anchor=\"middle\">cycles, geometric mean (predicted), log</text>\n</svg></figure>\n"
          "<p>Large: on the Pareto front of cycles, energy and area. All predicted, nothing measured.</p>\n</body></html>\n", to);
    return cli_finish(to) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", x->html, strerror(errno));
}

static rs_status explore(struct explore *x, struct rs_error *err)
{
    FILE *to = x->json != NULL && strcmp(x->json, "-") == 0 ? stderr : stdout;
    pthread_t thread[EXPLORE_THREADS];
    struct rs_data data;
    double started, seconds, processor;
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
    processor = (double)clock() / CLOCKS_PER_SEC;
    pthread_mutex_init(&x->lock, NULL);
    while (n_threads < x->threads && pthread_create(&thread[n_threads], NULL, work, x) == 0)
        n_threads++;
    if (n_threads == 0)
        work(x);
    for (int i = 0; i < n_threads; i++)
        pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&x->lock);
    seconds = rs_seconds() - started;
    processor = (double)clock() / CLOCKS_PER_SEC - processor;
    if (x->status != RS_OK)
        return rs_fail(err, x->status, "%s", x->err.text);
    qsort(x->point, (size_t)x->n_points, sizeof *x->point, by_score);
    for (int i = 0; i < x->n_points && x->point[i].fits; i++, fitting++) {
        x->point[i].front = true;
        for (int k = 0; k < x->n_points && x->point[k].fits && x->point[i].front; k++)
            x->point[i].front = !better(&x->point[k], &x->point[i]);
        n_front += x->point[i].front;
    }
    fprintf(to, "%d points, %d with a mapping of every layer, %.1f s on %d threads, %.0f points a minute (%.1f s of processor time: %.0f a minute and\n"
            "processor). Predicted, nothing counted; resources are estimates for UltraScale+, nothing synthesized. Energy: MACs, spads and DRAM by\n"
            "%s.\n\n", x->n_points, fitting, seconds, n_threads, 60 * x->n_points / seconds, processor, 60 * x->n_points / processor, x->table.title);
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
    if (x->check > 0)
        status = check(x, to, err);
    if (status == RS_OK && x->count > 0)
        status = explore_count(x, to, err);
    if (status != RS_OK)
        return status;
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
        json_real(&j, "points_per_minute_and_processor", 60 * x->n_points / processor);
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
    struct explore_key *key = NULL;

    for (int k = 0; equals != NULL && k < EXPLORE_KEYS; k++)
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
        const bool doubled = key == &x->key[ROWS] || key == &x->key[GLB] || key == &x->key[WBUF] || key == &x->key[ADDERS];

        if (end == at || v < key->least || v > key->most || (doubled && (v & (v - 1)) != 0) || key->n == EXPLORE_VALUES || (*end != ',' && *end != '\0')) {
            (void)rs_fail(err, RS_ERR_RANGE, "--sweep %.60s: %s: up to %d %s from %d to %d are expected", text, key->what, EXPLORE_VALUES,
                          doubled ? "powers of two" : "numbers", key->least, key->most);
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
    enum { POINTS = 256, SEED, SWEEP, CHECK, COUNT, FOLDER, JSON, HTML, WINNER };
    static const struct option options[] = {{"points", 1, NULL, POINTS}, {"seed", 1, NULL, SEED}, {"sweep", 1, NULL, SWEEP}, {"check", 1, NULL, CHECK},
                                            {"count", 1, NULL, COUNT}, {"folder", 1, NULL, FOLDER}, {"json", 1, NULL, JSON}, {"html", 1, NULL, HTML}, {"winner", 1, NULL, WINNER}, {NULL, 0, NULL, 0}};
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct explore x = {.seed = 1, .folder = "build/explore", .threads = cores < 1 ? 1 : cores > EXPLORE_THREADS ? EXPLORE_THREADS : (int)cores};
    struct rs_error err = {0};
    char *end;
    int c, result = CLI_GOOD;

    memcpy(x.key, default_keys, sizeof x.key);
    while (result == CLI_GOOD && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case JSON:   x.json = optarg; break;
        case HTML:   x.html = optarg; break;
        case WINNER: x.winner = optarg; break;
        case FOLDER: x.folder = optarg; break;
        case SWEEP:
            if (!sweep(&x, optarg, &err))
                result = cli_usage(COMMAND, "%s", err.text);
            break;
        case POINTS: case SEED: case CHECK: case COUNT: {
            const long long v = strtoll(optarg, &end, 10);

            if (end == optarg || *end != '\0' || v < 0 || v > (c == CHECK || c == COUNT ? 1000 : 1000000))
                result = cli_usage(COMMAND, "'%s': a whole number from 0 to %d is expected", optarg, c == CHECK || c == COUNT ? 1000 : 1000000);
            if (c == SEED)
                x.seed = (uint64_t)v;
            else
                *(c == POINTS ? &x.max_points : c == CHECK ? &x.check : &x.count) = (int)v;
            break;
        }
        default:
            result = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (result == CLI_GOOD && (optind == argc || argc - optind > EXPLORE_NETWORKS))
        result = cli_usage(COMMAND, "1 to %d networks are expected", EXPLORE_NETWORKS);
    for (; result == CLI_GOOD && optind < argc; optind++)
        if (add_network(&x, argv[optind], &err) != RS_OK)
            result = cli_fail(COMMAND, "%s", err.text);
    if (result == CLI_GOOD && explore(&x, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    for (int w = 0; w < x.n_networks; w++) {
        rs_graph_destroy(x.network[w].graph);
        free(x.network[w].shape);
        free(x.network[w].layer);
        free(x.network[w].tensor);
    }
    free(x.point);
    return result;
}
