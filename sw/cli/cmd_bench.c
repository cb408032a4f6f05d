/* cmd_bench.c - `rowstation bench`: layers on random data, each result checked, cycles counted and held against a baseline. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "file.h"
#include "layers.h"
#include "network_csv.h"
#include "report.h"
#include "runtime.h"
#include "workload.h"

#define COMMAND "bench"
#define MAX_TENSORS 16

enum verdict { GOOD, DIFFERS, FAILED, SLOWER };

struct result {                        /* of a layer alone, or of one in a network                 */
    char     name[128], type[12], where[8], op[48];
    enum verdict verdict;
    char     text[300];                /* what is wrong                                            */
    uint64_t macs, cycles, cycles_predicted, baseline_cycles;
    double   utilization, seconds, seconds_simulated;
    struct rs_counters counters;
};

/* What is run at once: one layer, or a network from a table. */
struct job { const struct bench_layer *layer; const char *path; };

struct bench {
    const char *target, *json, *junit, *baseline, *latency, *mapping, *trace;
    uint64_t seed;
    int32_t batch;                     /* items that the array works on together                   */
    struct rs_device *device, *reference;
    struct rs_device_info info;
    struct bench_layers layers;
    struct words networks;
    struct result *result;
    int n, bad;
    int *first;                        /* [layers.n + 1]: where each layer's results begin         */
    uint8_t *baseline_text;
};

static const char *const where_names[] = {[RS_WHERE_CPU] = "cpu", [RS_WHERE_ARRAY] = "array", [RS_WHERE_NOWHERE] = "none"};

/* ---- running ------------------------------------------------------------------------------------------ */

static rs_status make_graph(const struct job *job, uint64_t seed, int32_t batch, struct rs_graph **graph, struct rs_error *err)
{
    rs_status status = job->layer != NULL ? layer_graph(job->layer, seed, graph, err) : rs_network_csv_load(job->path, seed, graph, err);

    if (status != RS_OK)
        return status;
    if (job->layer == NULL)
        status = rs_graph_optimize(*graph, RS_PASS_ALL, NULL, err);
    if (status == RS_OK && batch > 1)
        status = rs_graph_set_batch(*graph, batch, err);
    if (status != RS_OK)
        rs_graph_destroy(*graph);
    return status;
}

/* All inputs (random codes) or all outputs of a model in one piece of memory; *at[i]: where each lies. */
static rs_status make_room(const struct rs_model *model, bool outputs, void *at[MAX_TENSORS], int8_t **all, size_t *bytes,
                           struct rs_error *err)
{
    const int n = outputs ? rs_model_outputs(model) : rs_model_inputs(model);
    struct rs_tensor_info info[MAX_TENSORS];
    size_t sum = 0;
    rs_status status = n <= MAX_TENSORS ? RS_OK : rs_fail(err, RS_ERR_UNSUPPORTED, "more than %d inputs or outputs", MAX_TENSORS);

    for (int i = 0; i < n && status == RS_OK; i++) {
        status = outputs ? rs_model_output(model, i, &info[i], err) : rs_model_input(model, i, &info[i], err);
        sum += status == RS_OK ? info[i].bytes : 0;
    }
    if (status != RS_OK)
        return status;
    *all = malloc(sum + 1);
    if (*all == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    *bytes = sum;
    sum = 0;
    for (int i = 0; i < n; i++) {
        at[i] = *all + sum;
        sum += info[i].bytes;
    }
    return RS_OK;
}

static rs_status add_result(struct bench *b, struct result **r, struct rs_error *err)
{
    struct result *grown = realloc(b->result, (size_t)(b->n + 1) * sizeof *grown);

    if (grown == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    b->result = grown;
    *r = &grown[b->n++];
    **r = (struct result){.where = "-"};
    return RS_OK;
}

static void layer_result(struct result *r, const struct rs_report *report)
{
    bool array = false, cpu = false;
    size_t used = 0;

    r->macs = report->macs;
    r->cycles = report->cycles;
    r->cycles_predicted = report->cycles_predicted;
    r->utilization = report->utilization;
    r->seconds = report->seconds;
    r->seconds_simulated = report->seconds_simulated;
    r->counters = report->counters;
    for (uint32_t i = 0; i < report->n_layers; i++) {
        array = array || report->layers[i].where == RS_WHERE_ARRAY;
        cpu = cpu || report->layers[i].where == RS_WHERE_CPU;
        if (report->layers[i].where == RS_WHERE_CPU)
            snprintf(r->text, sizeof r->text, "%.290s", report->layers[i].reason);
        if (used < sizeof r->op)
            used += (size_t)snprintf(r->op + used, sizeof r->op - used, "%s%s", i != 0 ? "," : "", report->layers[i].op);
    }
    strcpy(r->where, array && cpu ? "both" : array ? "array" : "cpu");
}

/* A network's layers; their names get the table's name before them. */
static rs_status network_results(struct bench *b, const struct job *job, const struct rs_report *report, struct rs_error *err)
{
    const char *slash = strrchr(job->path, '/'), *file = slash != NULL ? slash + 1 : job->path;

    for (uint32_t i = 0; i < report->n_layers; i++) {
        const struct rs_layer_report *l = &report->layers[i];
        struct result *r;
        rs_status status;

        if (l->where == RS_WHERE_NOWHERE)
            continue;
        status = add_result(b, &r, err);
        if (status != RS_OK)
            return status;
        snprintf(r->name, sizeof r->name, "%.*s/%.70s", (int)(strcspn(file, ".") < 50 ? strcspn(file, ".") : 50), file, l->name);
        strcpy(r->type, "network");
        snprintf(r->op, sizeof r->op, "%.47s", l->op);
        strcpy(r->where, where_names[l->where]);
        if (l->where == RS_WHERE_CPU)
            snprintf(r->text, sizeof r->text, "%.290s", l->reason);
        r->macs = l->macs;
        r->cycles = l->counters.cycles;
        r->cycles_predicted = l->cycles_predicted;
        r->utilization = l->utilization;
        r->seconds = l->host_seconds;
        r->counters = l->counters;
    }
    return RS_OK;
}

/* The job on @device, once; *output: free().  With @b, its results are added. */
static rs_status run_on(struct rs_device *device, struct bench *b, const struct job *job, uint64_t seed, int32_t batch, bool reference,
                        int8_t **output, size_t *bytes, struct rs_error *err)
{
    struct rs_graph *graph;
    struct rs_model *model = NULL;
    struct rs_request *request = NULL;
    const struct rs_report *report;
    void *inputs[MAX_TENSORS], *outputs[MAX_TENSORS];
    int8_t *input = NULL;
    size_t input_bytes;
    rs_status status = make_graph(job, seed, batch, &graph, err);

    *output = NULL;
    if (status == RS_OK)
        status = rs_model_from_graph(device, graph, &(struct rs_load_options){.reference = reference, .mapping = b != NULL ? b->mapping : NULL},
                                     &model, err);
    if (status == RS_OK)
        status = make_room(model, false, inputs, &input, &input_bytes, err);
    if (status == RS_OK)
        status = make_room(model, true, outputs, output, bytes, err);
    if (status == RS_OK) {
        layer_fill(seed, input, input_bytes);
        status = rs_submit(model, (const void *const *)inputs, outputs, 1, &request, err);
    }
    if (status == RS_OK)
        status = rs_wait(request, -1, err);
    cli_progress_end();
    if (status == RS_OK && b != NULL) {
        status = rs_request_report(request, &report, err);
        if (status == RS_OK && job->layer != NULL)
            layer_result(&b->result[b->n - 1], report);
        else if (status == RS_OK)
            status = network_results(b, job, report, err);
    }
    if (status == RS_OK && b != NULL && b->trace != NULL)
        status = rs_trace_write(device, model, b->trace, err);
    rs_request_free(request);
    rs_model_free(model);
    free(input);
    if (status != RS_OK) {
        free(*output);
        *output = NULL;
    }
    return status;
}

/* Runs a job on both sides and compares; its results stand at b->result[*first] and after. */
static rs_status run_job(struct bench *b, const struct job *job, int *first, struct rs_error *err)
{
    struct rs_error why = {0};
    int8_t *got = NULL, *want = NULL;
    size_t n = 0, n_want = 0;
    struct result *r;
    rs_status status;

    *first = b->n;
    if (job->layer != NULL) {
        status = add_result(b, &r, err);
        if (status != RS_OK)
            return status;
        snprintf(r->name, sizeof r->name, "%s", job->layer->name);
        strcpy(r->type, layer_type_name(job->layer->type));
    }
    status = run_on(b->device, b, job, b->seed, b->batch, false, &got, &n, &why);
    if (status == RS_OK)
        status = run_on(b->reference, NULL, job, b->seed, b->batch, true, &want, &n_want, &why);
    if (status != RS_OK) {
        if (b->n == *first && add_result(b, &r, err) != RS_OK)
            return err->status;
        r = &b->result[*first];
        r->verdict = FAILED;
        if (job->layer == NULL)
            snprintf(r->name, sizeof r->name, "%.127s", job->path);
        snprintf(r->text, sizeof r->text, "%.290s", why.text);
    }
    for (size_t i = 0; status == RS_OK && i < n; i++)
        if (got[i] != want[i]) {
            for (int k = *first; k < b->n; k++) {
                b->result[k].verdict = DIFFERS;
                snprintf(b->result[k].text, sizeof b->result[k].text, "%s byte %zu of %zu: got %d, the reference kernels %d",
                         job->layer != NULL ? "output" : "the network's output", i, n, got[i], want[i]);
            }
            break;
        }
    free(got);
    free(want);
    return RS_OK;
}

/* ---- baseline --------------------------------------------------------------------------------------------- */

/* The number after "key": at or after @at, before @end; false: not there. */
static bool find_number(const char *at, const char *end, const char *key, uint64_t *value)
{
    const char *found = strstr(at, key);

    if (found == NULL || found >= end)
        return false;
    *value = strtoull(found + strlen(key), NULL, 10);
    return true;
}

/* Cycles of a layer in what write_json() wrote, where each layer is one line; 0: not in it. */
static uint64_t baseline_cycles(const struct bench *b, const char *name)
{
    const char *key = "{\"name\": \"";

    for (const char *at = (const char *)b->baseline_text; (at = strstr(at, key)) != NULL;) {
        const char *end = at + strcspn(at, "\n");
        uint64_t cycles;

        at += strlen(key);
        if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == '"' && find_number(at, end, "\"cycles\": ", &cycles))
            return cycles;
        at = end;
    }
    return 0;
}

static void judge(struct bench *b, struct result *r)
{
    if (b->baseline_text != NULL)
        r->baseline_cycles = baseline_cycles(b, r->name);
    if (r->verdict == GOOD && r->baseline_cycles != 0 && r->cycles > r->baseline_cycles) {
        r->verdict = SLOWER;
        snprintf(r->text, sizeof r->text, "%llu cycles, %llu in the baseline", (unsigned long long)r->cycles,
                 (unsigned long long)r->baseline_cycles);
    }
    b->bad += r->verdict != GOOD;
}

/* ---- output ------------------------------------------------------------------------------------------------ */

static const char *const verdicts[] = {"ok", "DIFFERS", "FAILED", "SLOWER"};

static void show(FILE *to, const struct bench *b, const struct result *r)
{
    fprintf(to, "%-28.28s %-9s %-5s %13s %11s %11s %6.1f  %s", r->name, r->type, r->where,
            cli_count(r->macs), r->cycles != 0 ? cli_count(r->cycles) : "-",
            r->cycles_predicted != 0 ? cli_count(r->cycles_predicted) : "-", 100 * r->utilization, verdicts[r->verdict]);
    if (b->info.macs_per_cycle == 0 && r->verdict == GOOD)
        fprintf(to, ", %.3f ms", 1e3 * r->seconds);
    else if (r->text[0] != '\0')
        fprintf(to, ": %s", r->text);
    fputc('\n', to);
    fflush(to);
}

/* Of everything that ran on the array; MACs of the CPU count as none. */
static uint64_t sums(const struct bench *b, struct rs_counters *all)
{
    uint64_t macs = 0;

    *all = (struct rs_counters){0};
    for (int i = 0; i < b->n; i++) {
        const uint64_t *from = (const uint64_t *)&b->result[i].counters;

        for (size_t k = 0; k < sizeof *all / sizeof *from; k++)
            ((uint64_t *)all)[k] += from[k];
        macs += strcmp(b->result[i].where, "array") == 0 ? b->result[i].macs : 0;
    }
    return macs;
}

static double utilization_of(const struct bench *b, uint64_t macs, uint64_t cycles)
{
    return cycles != 0 ? (double)macs / ((double)b->info.macs_per_cycle * (double)cycles) : 0;
}

static rs_status write_json(const struct bench *b, struct rs_error *err)
{
    struct json j;
    struct rs_counters all;
    const uint64_t macs = sums(b, &all);
    FILE *file = cli_create(b->json, err);

    if (file == NULL)
        return RS_ERR_IO;
    json_begin(&j, file);
    json_string(&j, "target", b->info.target);
    json_string(&j, "preset", b->info.preset);
    json_uint(&j, "clock_mhz_assumed", b->info.clock_mhz);
    json_uint(&j, "macs_per_cycle", b->info.macs_per_cycle);
    json_uint(&j, "seed", b->seed);
    json_int(&j, "batch", b->batch);
    json_uint(&j, "cycles", all.cycles);
    json_uint(&j, "macs", macs);
    json_real(&j, "utilization", utilization_of(b, macs, all.cycles));
    json_uint(&j, "compute", all.compute);
    report_json_stalls(&j, &all, 1);
    report_json_bytes(&j, &all, &b->info, 1);
    report_json_accesses(&j, &all, &b->info, 1);
    json_array(&j, "layers", false);
    for (int i = 0; i < b->n; i++) {
        const struct result *r = &b->result[i];

        json_object(&j, NULL, true);
        json_string(&j, "name", r->name);
        json_string(&j, "type", r->type);
        json_string(&j, "op", r->op);
        json_string(&j, "where", r->where);
        json_string(&j, "verdict", verdicts[r->verdict]);
        if (r->text[0] != '\0')
            json_string(&j, "text", r->text);
        json_uint(&j, "macs", r->macs);
        json_uint(&j, "macs_counted", r->counters.macs);
        json_uint(&j, "macs_gated", r->counters.macs_gated);
        json_uint(&j, "cycles", r->cycles);
        json_uint(&j, "cycles_predicted", r->cycles_predicted);
        json_real(&j, "utilization", r->utilization);
        json_real(&j, "seconds", r->seconds);
        json_real(&j, "seconds_simulated", r->seconds_simulated);
        json_uint(&j, "compute", r->counters.compute);
        report_json_stalls(&j, &r->counters, 1);
        report_json_bytes(&j, &r->counters, &b->info, 1);
        report_json_accesses(&j, &r->counters, &b->info, 1);
        json_close(&j);
    }
    json_close(&j);
    json_end(&j);
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", b->json, strerror(errno));
}

static rs_status write_junit(const struct bench *b, struct rs_error *err)
{
    FILE *file = cli_create(b->junit, err);

    if (file == NULL)
        return RS_ERR_IO;
    fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"rowstation bench %s\" tests=\"%d\" failures=\"%d\">\n",
            b->info.target, b->n, b->bad);
    for (int i = 0; i < b->n; i++) {
        const struct result *r = &b->result[i];

        fputs("  <testcase name=\"", file);
        xml_text(file, r->name);
        fprintf(file, "\" classname=\"%s\" time=\"%.6f\"", r->type, r->seconds);
        if (r->verdict == GOOD) {
            fputs("/>\n", file);
            continue;
        }
        fprintf(file, ">\n    <failure message=\"%s: ", verdicts[r->verdict]);
        xml_text(file, r->text);
        fputs("\"/>\n  </testcase>\n", file);
    }
    fputs("</testsuite>\n", file);
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", b->junit, strerror(errno));
}

/* One row for each operator shape, for hardware-aware network search; layers of the same shape share it. */
static rs_status write_latency(const struct bench *b, struct rs_error *err)
{
    FILE *file = cli_create(b->latency, err);

    if (file == NULL)
        return RS_ERR_IO;
    fprintf(file, "# %s; seconds at an assumed %u MHz on emu and sim, measured on cpu\n"
            "type,N,C,H,W,M,R,S,stride_h,stride_w,pad_top,pad_left,pad_bottom,pad_right,dilation,add,macs,cycles,seconds,number\n",
            b->info.target, b->info.clock_mhz);
    for (int i = 0; i < b->layers.n; i++) {
        struct bench_layer l = b->layers.layer[i];
        uint64_t macs = 0, cycles = 0;
        double seconds = 0;
        bool seen = false, good = true;

        for (int k = 0; k < i && !seen; k++) {
            struct bench_layer before = b->layers.layer[k];

            memcpy(before.name, l.name, sizeof before.name);
            seen = memcmp(&before, &l, sizeof l) == 0;
        }
        for (int k = b->first[i]; k < b->first[i + 1]; k++) {
            macs += b->result[k].macs;
            cycles += b->result[k].cycles;
            seconds += b->result[k].seconds;
            good = good && (b->result[k].verdict == GOOD || b->result[k].verdict == SLOWER);
        }
        if (seen || !good)
            continue;
        if (cycles != 0)
            seconds = (double)cycles / (b->info.clock_mhz * 1e6);
        fprintf(file, "%s,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%llu,%llu,%.9g,%s\n", layer_type_name(l.type), l.N, l.C, l.H, l.W, l.M,
                l.R, l.S, l.stride_h, l.stride_w, l.pad_top, l.pad_left, l.pad_bottom, l.pad_right, l.dilation, l.add,
                (unsigned long long)macs, (unsigned long long)cycles, seconds, cycles != 0 ? "counted" : "measured");
    }
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", b->latency, strerror(errno));
}

static rs_status bench(struct bench *b, struct rs_error *err)
{
    FILE *text = b->json != NULL && strcmp(b->json, "-") == 0 ? stderr : stdout;
    struct rs_counters all;
    uint64_t macs;
    size_t size;
    rs_status status = cli_open_trace(b->target, b->trace != NULL, false, &b->device, err);

    if (status == RS_OK)
        status = rs_device_info(b->device, &b->info, err);
    if (status == RS_OK)
        status = rs_open("cpu", NULL, &b->reference, err);
    if (status == RS_OK && b->baseline != NULL)
        status = rs_file_read(b->baseline, 1 << 26, &b->baseline_text, &size, err);
    if (status == RS_OK && b->baseline != NULL && strstr((char *)b->baseline_text, "{\"name\": \"") == NULL)
        status = rs_fail(err, RS_ERR_FORMAT, "%s: no layers in it; a file of --json is expected", b->baseline);
    if (status != RS_OK)
        return status;
    b->first = calloc((size_t)b->layers.n + 1, sizeof *b->first);
    if (b->first == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    fprintf(text, "%-28s %-9s %-5s %13s %11s %11s %6s\n", "layer", "type", "where", "MACs", "cycles", "predicted", "util%");
    for (int i = 0; i < b->layers.n + b->networks.n; i++) {
        const bool network = i >= b->layers.n;
        const struct job job = {.layer = network ? NULL : &b->layers.layer[i],
                                .path = network ? b->networks.word[i - b->layers.n] : NULL};
        int first;

        status = run_job(b, &job, &first, err);
        if (status != RS_OK)
            return status;
        if (!network)
            b->first[i + 1] = b->n;
        for (int k = first; k < b->n; k++) {
            judge(b, &b->result[k]);
            show(text, b, &b->result[k]);
        }
    }
    fprintf(text, "%d layers on %s, %d of them not good", b->n, b->info.target, b->bad);
    macs = sums(b, &all);
    if (all.cycles != 0)
        fprintf(text, "; %s cycles, utilization %.1f %%", cli_count(all.cycles), 100 * utilization_of(b, macs, all.cycles));
    fputc('\n', text);
    if (all.cycles != 0)
        report_breakdown(text, &all, &b->info);
    if (b->json != NULL)
        status = write_json(b, err);
    if (status == RS_OK && b->junit != NULL)
        status = write_junit(b, err);
    if (status == RS_OK && b->latency != NULL)
        status = write_latency(b, err);
    return status;
}

/* For --latency-table: a list's layers, or a network's shapes, each alone. */
static rs_status add_shapes(struct bench *b, const char *path, struct rs_error *err)
{
    struct workload w;
    int others;
    rs_status status = workload_read(path, b->seed, &w, err);

    if (status == RS_OK && !w.network)
        status = layers_read(path, &b->layers, err);
    else if (status == RS_OK)
        status = layers_add_graph(&b->layers, w.graph[0], &others, err);
    if (status == RS_OK && w.network && others > 0)
        fprintf(stderr, "rowstation bench: %s: %d operations are no convolution, FC or pool, and have no row\n", path, others);
    workload_free(&w);
    return status;
}

int cmd_bench(int argc, char **argv)
{
    enum { TARGET = 256, GEMM, CONV, SEED, JSON, JUNIT, BASELINE, LATENCY, MAPPING, BATCH, TRACE };
    static const struct option options[] = {
        {"target", 1, NULL, TARGET}, {"gemm", 1, NULL, GEMM}, {"conv", 1, NULL, CONV}, {"seed", 1, NULL, SEED},
        {"json", 1, NULL, JSON}, {"junit", 1, NULL, JUNIT}, {"baseline", 1, NULL, BASELINE},
        {"latency-table", 1, NULL, LATENCY}, {"mapping", 1, NULL, MAPPING}, {"batch", 1, NULL, BATCH}, {"trace", 1, NULL, TRACE}, {NULL, 0, NULL, 0}};
    struct bench b = {.seed = 1, .batch = 1};
    struct rs_error err = {0};
    rs_status status = RS_OK;
    char *end;
    int c, result = CLI_GOOD;

    while (status == RS_OK && result == CLI_GOOD && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case TARGET:   b.target = optarg; break;
        case JSON:     b.json = optarg; break;
        case JUNIT:    b.junit = optarg; break;
        case BASELINE: b.baseline = optarg; break;
        case LATENCY:  b.latency = optarg; break;
        case MAPPING:  b.mapping = optarg; break;
        case TRACE:    b.trace = optarg; break;
        case GEMM:     status = layers_add_gemm(&b.layers, optarg, &err); break;
        case CONV:     status = layers_add_conv(&b.layers, optarg, &err); break;
        case SEED:
            b.seed = strtoull(optarg, &end, 0);
            if (end == optarg || *end != '\0')
                result = cli_usage(COMMAND, "--seed %s: a number is expected", optarg);
            break;
        case BATCH: {
            const long n = strtol(optarg, &end, 10);

            if (end == optarg || *end != '\0' || n < 1 || n > 1024)
                result = cli_usage(COMMAND, "--batch %s: a number from 1 to 1024 is expected", optarg);
            b.batch = (int32_t)n;
            break;
        }
        default:
            result = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (result == CLI_GOOD && status != RS_OK)
        result = cli_usage(COMMAND, "%s", err.text);
    for (; result == CLI_GOOD && optind < argc; optind++)
        if (b.latency != NULL ? add_shapes(&b, argv[optind], &err) != RS_OK : rs_network_csv_is(argv[optind]) ? !words_add(&b.networks, argv[optind])
                                            : layers_read(argv[optind], &b.layers, &err) != RS_OK)
            result = cli_fail(COMMAND, "%s", err.text);
    if (result == CLI_GOOD && b.layers.n + b.networks.n == 0)
        result = cli_usage(COMMAND, "no layers: LAYERS.csv, --gemm or --conv is expected");
    if (result == CLI_GOOD && b.trace != NULL && b.layers.n + b.networks.n != 1)
        result = cli_usage(COMMAND, "--trace is for one network or one layer, found %d", b.layers.n + b.networks.n);
    if (result == CLI_GOOD && b.mapping != NULL && b.layers.n + b.networks.n != 1)
        result = cli_usage(COMMAND, "--mapping is for one network or one layer, found %d", b.layers.n + b.networks.n);
    if (result == CLI_GOOD && bench(&b, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    if (result == CLI_GOOD && b.bad != 0)
        result = CLI_FAILED;
    free(b.result);
    free(b.networks.word);
    free(b.baseline_text);
    free(b.first);
    free(b.layers.layer);
    rs_close(b.device);
    rs_close(b.reference);
    return result;
}
