/* cmd_bench.c - `rowstation bench`: layers on random data, each result checked, cycles counted and held against a baseline. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "file.h"
#include "layers.h"
#include "report.h"
#include "runtime.h"

#define COMMAND "bench"

enum verdict { GOOD, DIFFERS, FAILED, SLOWER };

struct result {
    const struct bench_layer *layer;
    enum verdict verdict;
    char     text[300];                /* what is wrong                                            */
    char     where[8], op[48];
    uint64_t macs, cycles, cycles_predicted, baseline_cycles;
    double   utilization, seconds, seconds_simulated;
    struct rs_counters counters;
};

struct bench {
    const char *target, *json, *junit, *baseline;
    uint64_t seed;
    struct rs_device *device, *reference;
    struct rs_device_info info;
    struct bench_layers layers;
    struct result *result;
};

/* ---- running ------------------------------------------------------------------------------------------ */

/* The layer on @device, once; *output: free(). */
static rs_status run_on(struct rs_device *device, const struct bench_layer *l, uint64_t seed, bool reference, int8_t **output,
                        size_t *bytes, struct result *r, struct rs_error *err)
{
    struct rs_graph *graph;
    struct rs_model *model = NULL;
    struct rs_request *request = NULL;
    const struct rs_report *report;
    int8_t *inputs[2] = {NULL, NULL};
    struct rs_tensor_info info;
    rs_status status = layer_graph(l, seed, &graph, err);

    *output = NULL;
    if (status == RS_OK)
        status = rs_model_from_graph(device, graph, &(struct rs_load_options){.reference = reference}, &model, err);
    for (int i = 0; status == RS_OK && i < rs_model_inputs(model); i++) {
        status = rs_model_input(model, i, &info, err);
        inputs[i] = status == RS_OK ? malloc(info.bytes) : NULL;
        if (status == RS_OK && inputs[i] == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        if (status == RS_OK)
            layer_fill(l, seed, i, inputs[i], info.bytes);
    }
    if (status == RS_OK)
        status = rs_model_output(model, 0, &info, err);
    if (status == RS_OK) {
        *bytes = info.bytes;
        *output = malloc(info.bytes);
        if (*output == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    if (status == RS_OK)
        status = rs_submit(model, (const void *const *)inputs, (void *const *)output, 1, &request, err);
    if (status == RS_OK)
        status = rs_wait(request, -1, err);
    cli_progress_end();
    if (status == RS_OK && r != NULL) {
        status = rs_request_report(request, &report, err);
        if (status == RS_OK) {
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
                if (report->layers[i].where == RS_WHERE_CPU && array == false)
                    snprintf(r->text, sizeof r->text, "%.290s", report->layers[i].reason);
                if (used < sizeof r->op)
                    used += (size_t)snprintf(r->op + used, sizeof r->op - used, "%s%s", i != 0 ? "," : "", report->layers[i].op);
            }
            strcpy(r->where, array && cpu ? "both" : array ? "array" : "cpu");
        }
    }
    rs_request_free(request);
    rs_model_free(model);
    free(inputs[0]);
    free(inputs[1]);
    if (status != RS_OK) {
        free(*output);
        *output = NULL;
    }
    return status;
}

static void run_layer(struct bench *b, struct result *r)
{
    struct rs_error err = {0};
    int8_t *got = NULL, *want = NULL;
    size_t n = 0, n_want = 0;
    rs_status status = run_on(b->device, r->layer, b->seed, false, &got, &n, r, &err);

    if (status == RS_OK)
        status = run_on(b->reference, r->layer, b->seed, true, &want, &n_want, NULL, &err);
    if (status != RS_OK) {
        r->verdict = FAILED;
        snprintf(r->text, sizeof r->text, "%.290s", err.text);
    }
    for (size_t i = 0; status == RS_OK && i < n; i++)
        if (got[i] != want[i]) {
            r->verdict = DIFFERS;
            snprintf(r->text, sizeof r->text, "byte %zu of %zu: got %d, the reference kernel %d", i, n, got[i], want[i]);
            break;
        }
    free(got);
    free(want);
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

/* Reads what write_json() wrote: each layer is one line with its name and cycles. */
static rs_status read_baseline(struct bench *b, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size;
    int found = 0;
    rs_status status = rs_file_read(b->baseline, 1 << 26, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    for (char *at = (char *)bytes; (at = strstr(at, "{\"name\": \"")) != NULL;) {
        char *name = at + strlen("{\"name\": \""), *end = at + strcspn(at, "\n"), *close = name;
        uint64_t cycles;

        while (*close != '"' && close < end)
            close++;
        for (int i = 0; i < b->layers.n; i++) {
            struct result *r = &b->result[i];

            if (strlen(r->layer->name) == (size_t)(close - name) && memcmp(name, r->layer->name, (size_t)(close - name)) == 0 &&
                find_number(close, end, "\"cycles\": ", &cycles)) {
                r->baseline_cycles = cycles;
                found++;
            }
        }
        at = end;
    }
    free(bytes);
    return found != 0 ? RS_OK : rs_fail(err, RS_ERR_FORMAT, "%s: none of these layers is in it (a file of --json is expected)",
                                        b->baseline);
}

/* ---- output ------------------------------------------------------------------------------------------------ */

static const char *const verdicts[] = {"ok", "DIFFERS", "FAILED", "SLOWER"};

static void show(FILE *to, const struct bench *b, const struct result *r)
{
    fprintf(to, "%-28.28s %-9s %-5s %13s %11s %11s %6.1f  %s", r->layer->name, layer_type_name(r->layer->type), r->where,
            cli_count(r->macs), r->cycles != 0 ? cli_count(r->cycles) : "-",
            r->cycles_predicted != 0 ? cli_count(r->cycles_predicted) : "-", 100 * r->utilization, verdicts[r->verdict]);
    if (b->info.macs_per_cycle == 0 && r->verdict == GOOD)
        fprintf(to, ", %.3f ms", 1e3 * r->seconds);
    else if (r->text[0] != '\0')
        fprintf(to, ": %s", r->text);
    fputc('\n', to);
    fflush(to);
}

static rs_status write_json(const struct bench *b, struct rs_error *err)
{
    struct json j;
    FILE *file = cli_create(b->json, err);

    if (file == NULL)
        return RS_ERR_IO;
    json_begin(&j, file);
    json_string(&j, "target", b->info.target);
    json_string(&j, "preset", b->info.preset);
    json_uint(&j, "clock_mhz_assumed", b->info.clock_mhz);
    json_uint(&j, "macs_per_cycle", b->info.macs_per_cycle);
    json_uint(&j, "seed", b->seed);
    json_array(&j, "layers", false);
    for (int i = 0; i < b->layers.n; i++) {
        const struct result *r = &b->result[i];

        json_object(&j, NULL, true);
        json_string(&j, "name", r->layer->name);
        json_string(&j, "type", layer_type_name(r->layer->type));
        json_string(&j, "op", r->op);
        json_string(&j, "where", r->where);
        json_string(&j, "verdict", verdicts[r->verdict]);
        if (r->text[0] != '\0')
            json_string(&j, "text", r->text);
        json_uint(&j, "macs", r->macs);
        json_uint(&j, "macs_counted", r->counters.macs);
        json_uint(&j, "cycles", r->cycles);
        json_uint(&j, "cycles_predicted", r->cycles_predicted);
        json_real(&j, "utilization", r->utilization);
        json_real(&j, "seconds", r->seconds);
        json_real(&j, "seconds_simulated", r->seconds_simulated);
        json_uint(&j, "compute", r->counters.compute);
        report_json_stalls(&j, &r->counters, 1);
        report_json_bytes(&j, &r->counters, &b->info, 1);
        json_close(&j);
    }
    json_close(&j);
    json_end(&j);
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", b->json, strerror(errno));
}

static rs_status write_junit(const struct bench *b, int bad, struct rs_error *err)
{
    FILE *file = cli_create(b->junit, err);

    if (file == NULL)
        return RS_ERR_IO;
    fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"rowstation bench %s\" tests=\"%d\" failures=\"%d\">\n",
            b->info.target, b->layers.n, bad);
    for (int i = 0; i < b->layers.n; i++) {
        const struct result *r = &b->result[i];

        fputs("  <testcase name=\"", file);
        xml_text(file, r->layer->name);
        fprintf(file, "\" classname=\"%s\" time=\"%.6f\"", layer_type_name(r->layer->type), r->seconds);
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

static rs_status bench(struct bench *b, int *bad, struct rs_error *err)
{
    FILE *text = b->json != NULL && strcmp(b->json, "-") == 0 ? stderr : stdout;
    uint64_t macs = 0, cycles = 0;
    rs_status status = cli_open(b->target, false, &b->device, err);

    if (status == RS_OK)
        status = rs_device_info(b->device, &b->info, err);
    if (status == RS_OK)
        status = rs_open("cpu", NULL, &b->reference, err);
    if (status != RS_OK)
        return status;
    b->result = calloc((size_t)b->layers.n, sizeof *b->result);
    if (b->result == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int i = 0; i < b->layers.n; i++)
        b->result[i].layer = &b->layers.layer[i];
    if (b->baseline != NULL)
        status = read_baseline(b, err);
    if (status != RS_OK)
        return status;
    fprintf(text, "%-28s %-9s %-5s %13s %11s %11s %6s\n", "layer", "type", "where", "MACs", "cycles", "predicted", "util%");
    for (int i = 0; i < b->layers.n; i++) {
        struct result *r = &b->result[i];

        run_layer(b, r);
        if (r->verdict == GOOD && r->baseline_cycles != 0 && r->cycles > r->baseline_cycles) {
            r->verdict = SLOWER;
            snprintf(r->text, sizeof r->text, "%llu cycles, %llu in the baseline", (unsigned long long)r->cycles,
                     (unsigned long long)r->baseline_cycles);
        }
        *bad += r->verdict != GOOD;
        macs += strcmp(r->where, "array") == 0 ? r->macs : 0;
        cycles += r->cycles;
        show(text, b, r);
    }
    fprintf(text, "%d layers on %s, %d of them not good", b->layers.n, b->info.target, *bad);
    if (cycles != 0)
        fprintf(text, "; %s cycles, utilization %.1f %%", cli_count(cycles),
                100 * (double)macs / ((double)b->info.macs_per_cycle * (double)cycles));
    fputc('\n', text);
    if (b->json != NULL)
        status = write_json(b, err);
    if (status == RS_OK && b->junit != NULL)
        status = write_junit(b, *bad, err);
    return status;
}

int cmd_bench(int argc, char **argv)
{
    enum { TARGET = 256, GEMM, CONV, SEED, JSON, JUNIT, BASELINE };
    static const struct option options[] = {
        {"target", 1, NULL, TARGET}, {"gemm", 1, NULL, GEMM}, {"conv", 1, NULL, CONV}, {"seed", 1, NULL, SEED},
        {"json", 1, NULL, JSON}, {"junit", 1, NULL, JUNIT}, {"baseline", 1, NULL, BASELINE}, {NULL, 0, NULL, 0}};
    struct bench b = {.seed = 1};
    struct rs_error err = {0};
    rs_status status = RS_OK;
    char *end;
    int c, bad = 0, result = CLI_GOOD;

    while (status == RS_OK && result == CLI_GOOD && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case TARGET:   b.target = optarg; break;
        case JSON:     b.json = optarg; break;
        case JUNIT:    b.junit = optarg; break;
        case BASELINE: b.baseline = optarg; break;
        case GEMM:     status = layers_add_gemm(&b.layers, optarg, &err); break;
        case CONV:     status = layers_add_conv(&b.layers, optarg, &err); break;
        case SEED:
            b.seed = strtoull(optarg, &end, 0);
            if (end == optarg || *end != '\0')
                result = cli_usage(COMMAND, "--seed %s: a number is expected", optarg);
            break;
        default:
            result = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (result == CLI_GOOD && status != RS_OK)
        result = cli_usage(COMMAND, "%s", err.text);
    for (; result == CLI_GOOD && optind < argc; optind++)
        if (layers_read(argv[optind], &b.layers, &err) != RS_OK)
            result = cli_fail(COMMAND, "%s", err.text);
    if (result == CLI_GOOD && b.layers.n == 0)
        result = cli_usage(COMMAND, "no layers: LAYERS.csv, --gemm or --conv is expected");
    if (result == CLI_GOOD && bench(&b, &bad, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    if (result == CLI_GOOD && bad != 0)
        result = CLI_FAILED;
    free(b.result);
    free(b.layers.layer);
    rs_close(b.device);
    rs_close(b.reference);
    return result;
}
