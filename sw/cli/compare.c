/* compare.c - gathers a comparison (compare.h): runs the workload on the array and the CPU, models the rest. */
#include "compare.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "calibrate.h"
#include "cli.h"
#include "measure.h"
#include "runtime.h"
#include "status.h"
#include "study.h"
#include "workload.h"

enum { CPU_RUNS = 30 };

const char *const compare_stall_names[COMPARE_STALLS] = {"computing", "ifmap", "filters", "psum bank", "drain", "sequencer", "load",
                                                         "other engines", "idle"};

/* ---- numbers as text -------------------------------------------------------------------------------------- */

const char *compare_number(double value, const char *unit)
{
    static const struct { double from; const char *prefix; } prefixes[] = {
        {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
    static char texts[16][32];
    static unsigned turn;
    char *text = texts[turn++ % 16];
    size_t at = 4;

    if (!isfinite(value)) {
        strcpy(text, "-");
        return text;
    }
    for (size_t i = 0; value > 0 && i < sizeof prefixes / sizeof prefixes[0]; i++) {
        at = i;
        if (value >= prefixes[i].from * 0.9995)
            break;
    }
    value /= prefixes[at].from;
    snprintf(text, sizeof texts[0], "%.*f%s%s%s", value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, value,
             *prefixes[at].prefix != '\0' || *unit != '\0' ? " " : "", prefixes[at].prefix, unit);
    return text;
}

const char *compare_seconds(double seconds) { return compare_number(seconds, "s"); }

/* ---- the array ------------------------------------------------------------------------------------------- */

static void add_counters(struct rs_counters *to, const struct rs_counters *from)
{
    const uint64_t *f = (const uint64_t *)from;
    uint64_t *t = (uint64_t *)to;

    _Static_assert(sizeof(struct rs_counters) % sizeof(uint64_t) == 0, "counters are 64-bit words");
    for (size_t i = 0; i < sizeof *to / sizeof *t; i++)
        t[i] += f[i];
}

static double filter_bytes_of(const struct compare *c, int first, int n, int node)
{
    for (int i = first; i < first + n; i++)
        if (c->works[i].node == node && (c->works[i].kind == RS_WORK_CONV || c->works[i].kind == RS_WORK_FC ||
                                         c->works[i].kind == RS_WORK_DEPTHWISE))
            return c->works[i].filter_bytes;
    return 0;
}

/* Lines of one run; @first, @n: its works. */
static rs_status keep_layers(struct compare *c, const struct measured *m, int first, int n, const char *alone, struct rs_error *err)
{
    struct compare_layer *grown = realloc(c->layer, (size_t)(c->n_layers + (int)m->report.n_layers) * sizeof *grown);

    if (grown == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    c->layer = grown;
    for (uint32_t i = 0; i < m->report.n_layers; i++) {
        const struct rs_layer_report *r = &m->layers[i];
        const struct rs_counters *k = &r->counters;
        const uint64_t stalls[COMPARE_STALLS] = {k->compute, k->wait_ifmap, k->wait_filter, k->wait_psum, k->wait_drain, k->overhead,
                                                 k->wait_load, k->wait_depend, k->idle};
        struct compare_layer *l = &c->layer[c->n_layers++];
        struct rs_energy_counts counts;
        struct rs_energy e;

        *l = (struct compare_layer){.macs = (double)r->macs, .cycles = (double)k->cycles, .seconds = r->host_seconds,
                                    .utilization = r->utilization,
                                    .bytes = (double)(k->axi_read + k->axi_write) * m->report.axi_bytes};
        snprintf(l->name, sizeof l->name, "%.63s", alone != NULL ? alone : r->name);
        snprintf(l->op, sizeof l->op, "%.47s", r->op);
        strcpy(l->where, r->where == RS_WHERE_ARRAY ? "array" : r->where == RS_WHERE_CPU ? "cpu" : "-");
        for (int s = 0; s < COMPARE_STALLS; s++)
            l->stall[s] = k->cycles != 0 ? (double)stalls[s] / (double)k->cycles : 0;
        rs_energy_counts(k, &c->info, filter_bytes_of(c, first, n, r->node), &counts);
        rs_energy(&counts, &c->table[0], 1, &e);
        memcpy(l->energy, e.level, sizeof l->energy);
    }
    return RS_OK;
}

static rs_status add_works(struct compare *c, const struct rs_graph *g, int *first, int *n, struct rs_error *err)
{
    struct rs_work *works, *grown;
    rs_status status = rs_work_of_graph(g, &works, n, err);

    if (status != RS_OK)
        return status;
    *first = c->n_works;
    grown = realloc(c->works, (size_t)(c->n_works + *n + 1) * sizeof *grown);
    if (grown == NULL) {
        free(works);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    memcpy(grown + c->n_works, works, (size_t)*n * sizeof *grown);
    free(works);
    c->works = grown;
    c->n_works += *n;
    for (int i = 0; i < g->n_inputs; i++)
        c->in_bytes += (double)rs_tensor_bytes(&g->tensors[g->inputs[i]]);
    for (int i = 0; i < g->n_outputs; i++)
        c->out_bytes += (double)rs_tensor_bytes(&g->tensors[g->outputs[i]]);
    for (int i = *first; i < c->n_works; i++)
        c->macs += c->works[i].macs;
    return RS_OK;
}

/* The dataflows' closed forms for the same layers, on as many PEs: sums of energy into c->flow. */
static rs_status add_flows(struct compare *c, const struct rs_graph *g, struct rs_error *err)
{
    struct rs_flow_network network;
    struct rs_flow_study study;
    struct rs_error why;
    rs_status status = rs_flow_study(&c->data, "isca16", &study, err);

    if (status != RS_OK || rs_flow_network_graph(g, &network, &why) != RS_OK)
        return status;                             /* a graph without MACs adds nothing */
    for (int f = 0; f < RS_N_FLOWS; f++) {
        struct rs_flow_sum sum;

        rs_flow_network_search(&network, RS_FLOW_ALL, 1, (enum rs_flow)f, (int64_t)c->info.rows * c->info.cols, &study, NULL, &sum, NULL);
        c->flow[f] += sum.feasible ? sum.energy : INFINITY;
    }
    free(network.layer);
    return RS_OK;
}

static rs_status run_array(struct compare *c, struct rs_error *err)
{
    struct rs_device *device = NULL;
    struct workload w;
    rs_status status = workload_read(c->path, c->seed, &w, err);

    if (status != RS_OK)
        return status;
    strcpy(c->name, w.name);
    c->network = w.network;
    status = cli_open(c->target, false, &device, err);
    if (status == RS_OK)
        status = rs_device_info(device, &c->info, err);
    if (status == RS_OK && c->info.macs_per_cycle == 0)
        status = rs_fail(err, RS_ERR_ARG, "--target cpu has no array to count; expected emu[:PRESET] or sim[:PRESET]");
    for (int i = 0; status == RS_OK && i < w.n; i++) {
        struct measured m;
        int first = 0, n = 0;

        status = add_works(c, w.graph[i], &first, &n, err);
        if (status == RS_OK)
            status = add_flows(c, w.graph[i], err);
        if (status == RS_OK)
            status = measure_graph(device, workload_take(&w, i), c->seed, 1, 1, false, &m, err);
        if (status != RS_OK)
            break;
        c->cycles += m.report.cycles;
        c->cycles_predicted += m.report.cycles_predicted;
        c->macs_cpu += (double)m.report.macs_cpu;
        c->simulated_seconds += m.report.seconds_simulated;
        add_counters(&c->counters, &m.report.counters);
        for (uint32_t k = 0; k < m.report.n_layers; k++)
            c->host_seconds += m.layers[k].host_seconds;
        status = keep_layers(c, &m, first, n, w.network || m.report.n_layers != 1 ? NULL : w.layers.layer[i].name, err);
        measured_free(&m);
    }
    if (status == RS_OK && rs_power(device, &c->watts, NULL) != RS_OK)
        c->watts = 0;
    workload_free(&w);
    rs_close(device);
    return status;
}

/* The same on this machine's CPU: the median of the runs, summed over the graphs. */
static rs_status run_cpu(struct compare *c, struct rs_error *err)
{
    const int runs = c->macs < 5e7 ? CPU_RUNS : 3;
    struct rs_device *device = NULL;
    struct workload w;
    rs_status status = workload_read(c->path, c->seed, &w, err);

    if (status != RS_OK)
        return status;
    status = cli_open("cpu", false, &device, err);
    for (int i = 0; status == RS_OK && i < w.n; i++) {
        struct measured m;

        status = measure_graph(device, workload_take(&w, i), c->seed, 1, runs, false, &m, err);
        if (status == RS_OK) {
            c->cpu_seconds += m.report.seconds;
            measured_free(&m);
        }
    }
    workload_free(&w);
    rs_close(device);
    return status;
}

/* Predicted cycles of another preset. */
static rs_status predict(struct compare *c, const struct rs_hw_config *config, double *cycles, struct rs_error *err)
{
    struct workload w;
    rs_status status = workload_read(c->path, c->seed, &w, err);

    *cycles = 0;
    for (int i = 0; status == RS_OK && i < w.n; i++) {
        struct rs_plan *plan;

        status = rs_plan_graph(w.graph[i], config, NULL, &plan, err);
        if (status == RS_OK) {
            *cycles += (double)plan->cycles;
            rs_plan_free(plan);
        }
    }
    if (status == RS_OK)
        workload_free(&w);
    return status;
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static struct compare_row *new_row(struct compare *c)
{
    struct compare_row *grown = realloc(c->row, (size_t)(c->n_rows + 1) * sizeof *grown);

    if (grown == NULL)
        return NULL;
    c->row = grown;
    c->row[c->n_rows] = (struct compare_row){.dollars = NAN, .joules_low = NAN, .joules_high = NAN};
    return &c->row[c->n_rows++];
}

static void price(const struct compare *c, struct compare_row *r, double dollars_an_hour)
{
    double best = 0;

    for (int b = 0; b < c->n_batches; b++)
        best = fmax(best, r->throughput[b]);
    if (dollars_an_hour > 0 && best > 0)
        r->dollars = dollars_an_hour / 3600 / best * 1e6;
}

/* "Alveo U50, preset default, 250 MHz (150-300 assumed)" */
static void board_name(const struct rs_cost_board *b, char *name, size_t size)
{
    char clock[128], power[32] = "";

    if (b->clock.confidence == RS_MEASURED)
        snprintf(clock, sizeof clock, "%g MHz (measured)", b->clock.value);
    else
        snprintf(clock, sizeof clock, "%.5g MHz (%.5g-%.5g %.9s%s%.30s)", b->clock.value, b->clock.low, b->clock.high, rs_confidence_name(b->clock.confidence),
                 b->note[0] != '\0' ? "; " : "", b->note);
    if (b->power.value > 0)
        snprintf(power, sizeof power, ", %.5g W measured", b->power.value);
    snprintf(name, size, "%.32s, preset %.16s, %.72s%.24s", b->title, b->preset, clock, power);
}

static rs_status board_row(struct compare *c, const struct rs_cost_board *board, struct rs_error *err)
{
    const bool counted = strcmp(board->preset, c->info.preset) == 0;
    const double transfer = board->link.value > 0 ? (c->in_bytes + c->out_bytes) / (board->link.value * 1e9) : 0;
    const struct rs_energy *e = NULL;
    double cycles = (double)c->cycles;
    struct rs_hw_config config;
    struct compare_row *r;

    if (!counted) {
        struct rs_error why;

        if (!rs_hw_config_named(board->preset, &config))
            return rs_fail(err, RS_ERR_FORMAT, "[board %s]: preset '%s' is not known", board->name, board->preset);
        if (predict(c, &config, &cycles, &why) != RS_OK)
            return RS_OK;                              /* does not fit that preset: no row */
    }
    for (int i = 0; i < c->n_tables; i++)
        if (strcmp(c->table[i].unit, "pJ") == 0 && strcmp(c->table[i].name, "ultrascale") == 0)
            e = &c->energy_of[i][1];
    r = new_row(c);
    if (r == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    board_name(board, r->name, sizeof r->name);
    r->kind = counted ? "counted" : "predicted";
    r->ours = true;
    for (int b = 0; b < c->n_batches; b++) {
        const double B = c->batch[b], rest = board->request.value * 1e-6 + B * (transfer + c->host_seconds);
        const double clocks[3] = {board->clock.value, board->clock.high, board->clock.low};
        double seconds[3];

        for (int k = 0; k < 3; k++)
            seconds[k] = rest + B * cycles / (clocks[k] * 1e6);
        r->latency[b] = seconds[0];
        r->low[b] = seconds[1];
        r->high[b] = seconds[2];
        r->throughput[b] = B / seconds[0];
        r->joules[b] = board->static_power.value * seconds[0] / B + (e != NULL ? e->total * 1e-12 : 0);
        if (b == 0) {
            r->joules_low = board->static_power.low * seconds[1] / B + (e != NULL ? e->low * 1e-12 : 0);
            r->joules_high = board->static_power.high * seconds[2] / B + (e != NULL ? e->high * 1e-12 : 0);
        }
        if (board->power.value > 0) {                  /* measured: nothing is estimated beside it */
            r->joules[b] = board->power.value * seconds[0] / B;
            if (b == 0) {
                r->joules_low = board->power.value * seconds[1] / B;
                r->joules_high = board->power.value * seconds[2] / B;
            }
        }
    }
    price(c, r, board->price.value);
    if (c->clock.value == 0) {
        c->clock = board->clock;
        c->part[0] = board->request.value * 1e-6 + c->host_seconds;
        c->part[1] = transfer;
        c->part[2] = cycles / (board->clock.value * 1e6);
    }
    return RS_OK;
}

static rs_status device_row(struct compare *c, const struct rs_cost_device *device, const char *kind, struct rs_error *err)
{
    struct compare_row *r = new_row(c);

    if (r == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    snprintf(r->name, sizeof r->name, "%s", device->title);
    r->kind = kind;
    r->unverified = !device->headline;
    for (int b = 0; b < c->n_batches; b++) {
        struct rs_cost_time t;

        rs_cost_device_time(device, c->works, c->n_works, c->in_bytes, c->out_bytes, c->batch[b], &t);
        r->latency[b] = r->low[b] = r->high[b] = t.seconds;
        r->throughput[b] = c->batch[b] / t.seconds;
        r->joules[b] = t.joules / c->batch[b];
    }
    price(c, r, device->price.value);
    return RS_OK;
}

/* A row's modelled latencies give way to measured ones, where the table has all of them. */
static rs_status measured_row(struct compare *c, const struct rs_section *s, struct compare_row *r, const struct rs_cost_device *device,
                              struct rs_error *err)
{
    double seconds[COMPARE_BATCHES];

    for (int b = 0; b < c->n_batches; b++) {
        const rs_status status = rs_cost_device_measured(s, c->name, c->batch[b], &seconds[b], err);

        if (status != RS_OK || seconds[b] == 0)
            return status;
    }
    for (int b = 0; b < c->n_batches; b++) {
        r->joules[b] = r->joules[b] / r->latency[b] * seconds[b];      /* at the model's power */
        r->latency[b] = r->low[b] = r->high[b] = seconds[b];
        r->throughput[b] = c->batch[b] / seconds[b];
    }
    r->kind = "measured";
    r->unverified = false;
    price(c, r, device->price.value);
    return RS_OK;
}

/* The card that ran it, if it says what it draws: its own clock and power. */
static rs_status card_row(struct compare *c, struct rs_error *err)
{
    struct rs_cost_board card = {.power = {.value = c->watts, .low = c->watts, .high = c->watts, .confidence = RS_MEASURED},
                                 .clock = {.value = c->info.clock_mhz, .low = c->info.clock_mhz, .high = c->info.clock_mhz,
                                           .confidence = RS_MEASURED}};

    if (c->watts <= 0)
        return RS_OK;
    snprintf(card.title, sizeof card.title, "This card, %.24s", c->info.target);
    snprintf(card.preset, sizeof card.preset, "%s", c->info.preset);
    return board_row(c, &card, err);
}

static rs_status rows(struct compare *c, struct rs_error *err)
{
    rs_status status = card_row(c, err);

    for (int i = 0; i < c->data.n && status == RS_OK; i++)
        if (strcmp(c->data.section[i].kind, "board") == 0) {
            struct rs_cost_board board;

            status = rs_cost_board(&c->data.section[i], &board, err);
            if (status == RS_OK)
                status = board_row(c, &board, err);
        }
    if (status == RS_OK) {
        struct compare_row *r = new_row(c);

        if (r == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "out of memory");
        snprintf(r->name, sizeof r->name, "This machine's CPU, one thread, our kernels");
        r->kind = "measured";
        for (int b = 0; b < c->n_batches; b++) {
            r->latency[b] = r->low[b] = r->high[b] = c->cpu_seconds * c->batch[b];
            r->throughput[b] = 1 / c->cpu_seconds;
            r->joules[b] = NAN;
        }
    }
    if (status == RS_OK && c->has_model) {
        struct rs_cost_device device = {.kind = RS_DEVICE_CALIBRATED, .headline = true, .cpu = c->cpu};
        struct rs_cost_time t;

        snprintf(device.title, sizeof device.title, "The same, calibrated model (%.60s)", c->cpu.machine);
        status = device_row(c, &device, "modelled", err);
        rs_cost_device_time(&device, c->works, c->n_works, c->in_bytes, c->out_bytes, 1, &t);
        c->cpu_modelled = t.seconds;
        for (int b = 0; status == RS_OK && b < c->n_batches; b++)
            c->row[c->n_rows - 1].joules[b] = NAN;
    }
    for (int i = 0; i < c->data.n && status == RS_OK; i++)
        if (strcmp(c->data.section[i].kind, "device") == 0) {
            struct rs_cost_device device;

            status = rs_cost_device(&c->data.section[i], &device, err);
            if (status == RS_OK && device.kind == RS_DEVICE_SYSTOLIC && device.clock.value == 0)
                device.clock = c->clock;               /* a machine at this array's clock */
            if (status == RS_OK)
                status = device_row(c, &device, "modelled", err);
            if (status == RS_OK)
                status = measured_row(c, &c->data.section[i], &c->row[c->n_rows - 1], &device, err);
        }
    return status;
}

/* "2.1 times faster", "1.3 times slower" */
static const char *times(double ratio)
{
    static char texts[4][40];
    static unsigned turn;
    char *text = texts[turn++ % 4];

    snprintf(text, sizeof texts[0], "%.*f times %s", fmax(ratio, 1 / ratio) < 10 ? 1 : 0, fmax(ratio, 1 / ratio),
             ratio >= 1 ? "faster" : "slower");
    return text;
}

static void headlines(struct compare *c)
{
    const double MHz = c->clock.value;
    const struct compare_row *best = NULL;

    for (int i = 0; i < c->n_rows && best == NULL; i++)
        best = c->row[i].ours && strcmp(c->row[i].kind, "counted") == 0 ? &c->row[i] : NULL;
    if (best != NULL) {
        const double known = c->part[2] + c->host_seconds, with = best->latency[0];     /* without and with what is from memory */

        snprintf(c->headline[c->n_headlines++], sizeof c->headline[0],
                 "One inference: %s on the array at an assumed %g MHz (%s at %g, %s at %g) and in the host's operations, measured; the CPU of "
                 "this machine takes %s on one thread, measured: the array is %s. With driver and link as estimated it is [%s], [%s].",
                 compare_seconds(known), MHz, compare_seconds(known + c->part[2] * (MHz / c->clock.low - 1)), c->clock.low,
                 compare_seconds(known + c->part[2] * (MHz / c->clock.high - 1)), c->clock.high, compare_seconds(c->cpu_seconds),
                 times(c->cpu_seconds / known), compare_seconds(with), times(c->cpu_seconds / with));
    }
    for (int i = 0; i < c->n_rows; i++)
        if (strncmp(c->row[i].name, "Weight-stationary", 17) == 0 && c->info.macs_per_cycle == 512 && c->n_headlines < 3)
            snprintf(c->headline[c->n_headlines++], sizeof c->headline[0],
                     "A weight-stationary systolic array of as many MACs, same clock, same memory port, would take %s (modelled); this one's clocks "
                     "take %s (counted): %s.", compare_seconds(c->row[i].latency[0]), compare_seconds(c->part[2]),
                     times(c->row[i].latency[0] / c->part[2]));
    snprintf(c->headline[c->n_headlines++], sizeof c->headline[0],
             "The array itself needs %s clocks, counted: %.1f %% of its %u MACs a clock%s.", cli_count(c->cycles),
             100 * (c->macs - c->macs_cpu) / ((double)c->info.macs_per_cycle * (double)c->cycles), c->info.macs_per_cycle,
             c->network ? "" : "; every layer runs alone, from memory to memory");
    if (c->part[0] + c->part[1] > 0)
        snprintf(c->headline[c->n_headlines++], sizeof c->headline[0],
                 "Of an inference the array is %.0f %%: an infinitely fast one would make it %.1f times faster (Amdahl), no more.",
                 100 * c->part[2] / (c->part[0] + c->part[1] + c->part[2]),
                 (c->part[0] + c->part[1] + c->part[2]) / (c->part[0] + c->part[1]));
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

rs_status compare_gather(struct compare *c, struct rs_error *err)
{
    static const char *const names[] = {"eyeriss", "horowitz45", "ultrascale"};
    rs_status status = rs_data_builtin(&c->data, err);

    if (status == RS_OK && c->devices != NULL)
        status = rs_data_add(&c->data, c->devices, err);
    for (int i = 0; status == RS_OK && i < COMPARE_TABLES; i++) {
        /* The one that is asked for goes first; it colours the pictures. */
        const char *name = c->energy == NULL ? names[i] : i == 0 ? c->energy : strcmp(names[i - 1], c->energy) == 0 ? names[2] : names[i - 1];

        status = rs_energy_table(&c->data, name, &c->table[c->n_tables++], err);
    }
    if (status == RS_OK && c->calibrate) {
        status = calibrate(NULL, &c->cpu, err);
        c->has_model = status == RS_OK;
        if (status == RS_OK && c->calibration != NULL)
            status = rs_cpu_model_write(&c->cpu, c->calibration, err);
    } else if (status == RS_OK && c->calibration != NULL) {
        status = rs_cpu_model_read(c->calibration, &c->cpu, err);
        c->has_model = status == RS_OK;
    }
    if (status == RS_OK)
        status = run_array(c, err);
    if (status == RS_OK)
        status = run_cpu(c, err);
    if (status != RS_OK)
        return status;
    for (int i = 0; i < c->n_tables; i++) {
        static const double scale[3] = {0.5, 1, 2};
        struct rs_energy_counts counts;
        double filters = 0;

        for (int k = 0; k < c->n_works; k++)
            if (c->works[k].kind == RS_WORK_CONV || c->works[k].kind == RS_WORK_FC || c->works[k].kind == RS_WORK_DEPTHWISE)
                filters += c->works[k].filter_bytes;
        rs_energy_counts(&c->counters, &c->info, filters, &counts);
        for (int k = 0; k < 3; k++)
            rs_energy(&counts, &c->table[i], scale[k], &c->energy_of[i][k]);
    }
    for (int i = 0; i < c->n_tables; i++)
        if (strcmp(c->table[i].name, "eyeriss") == 0)
            c->flow_ours = c->energy_of[i][1].total / fmax(1, c->macs - c->macs_cpu);
    for (int f = 0; f < RS_N_FLOWS; f++)
        c->flow[f] /= fmax(1, c->macs);
    status = rows(c, err);
    if (status == RS_OK)
        headlines(c);
    return status;
}

void compare_free(struct compare *c)
{
    free(c->works);
    free(c->row);
    free(c->layer);
    rs_data_free(&c->data);
}
