/* cmd_run.c - `rowstation run`: a model on inputs; results, layer table, JSON; --verify compares with the CPU. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "file.h"
#include "input.h"
#include "report.h"

#define COMMAND "run"

struct run {
    const char *model_path, *target, *labels_path, *expect, *output, *json, *wave, *mapping, *trace;
    struct words inputs;
    FILE *text;                        /* where people read: stdout, unless the JSON goes there    */
    int top;
    bool verify, fallback;

    struct rs_device *device;
    struct rs_device_info info;
    struct rs_model *model;
    int n_inputs, n_outputs;           /* tensors of the model                                     */
    struct inputs *input;              /* [n_inputs]; all of equal length n                        */
    int n;
    void **packed_in, **packed_out;    /* [n_inputs], [n_outputs]: n items, dense                  */
    char  **label;                     /* class names                                              */
    int    n_labels;
    char  *label_text;
    uint8_t *expected;                 /* [n] or NULL                                              */
};

/* ---- the command line ----------------------------------------------------------------------------- */

static int parse(int argc, char **argv, struct run *r)
{
    enum { TARGET = 256, INPUT, LABELS, EXPECT, TOP, OUTPUT, JSON, WAVE, MAPPING, TRACE, VERIFY, FALLBACK };
    static const struct option options[] = {
        {"target", 1, NULL, TARGET}, {"input", 1, NULL, INPUT}, {"labels", 1, NULL, LABELS}, {"expect", 1, NULL, EXPECT},
        {"top", 1, NULL, TOP}, {"output", 1, NULL, OUTPUT}, {"json", 1, NULL, JSON}, {"wave", 1, NULL, WAVE},
        {"mapping", 1, NULL, MAPPING}, {"trace", 1, NULL, TRACE},
        {"verify", 0, NULL, VERIFY}, {"fallback", 0, NULL, FALLBACK}, {NULL, 0, NULL, 0}};
    bool more_inputs = false;          /* words after --input FILE are inputs too                  */
    char *end;
    int c;

    while ((c = getopt_long(argc, argv, "-:", options, NULL)) != -1) {
        const bool was = more_inputs;

        more_inputs = c == INPUT || (c == 1 && was);
        switch (c) {
        case 1:
            if (was) {
                if (!words_add(&r->inputs, optarg))
                    return cli_fail(COMMAND, "out of memory");
            } else if (r->model_path == NULL) {
                r->model_path = optarg;
            } else {
                return cli_usage(COMMAND, "one MODEL is expected, found '%s' and '%s'", r->model_path, optarg);
            }
            break;
        case INPUT:
            if (!words_add(&r->inputs, optarg))
                return cli_fail(COMMAND, "out of memory");
            break;
        case TARGET:   r->target = optarg; break;
        case LABELS:   r->labels_path = optarg; break;
        case EXPECT:   r->expect = optarg; break;
        case OUTPUT:   r->output = optarg; break;
        case JSON:     r->json = optarg; break;
        case WAVE:     r->wave = optarg; break;
        case MAPPING:  r->mapping = optarg; break;
        case TRACE:    r->trace = optarg; break;
        case VERIFY:   r->verify = true; break;
        case FALLBACK: r->fallback = true; break;
        case TOP:
            r->top = (int)strtol(optarg, &end, 10);
            if (*end != '\0' || end == optarg || r->top < 0 || r->top > 1000)
                return cli_usage(COMMAND, "--top %s: a number from 0 to 1000 is expected", optarg);
            break;
        default:
            return cli_bad_option(COMMAND, argc, argv, c);
        }
    }
    if (optind < argc && r->model_path == NULL)
        r->model_path = argv[optind++];
    if (r->model_path == NULL)
        return cli_usage(COMMAND, "no MODEL given (name it before --input, whose FILE... takes all words that follow)");
    if (r->inputs.n == 0)
        return cli_usage(COMMAND, "no --input FILE given");
    return CLI_GOOD;
}

/* ---- before the run -------------------------------------------------------------------------------- */

static rs_status read_labels(struct run *r, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size;
    rs_status status = rs_file_read(r->labels_path, 1 << 24, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    r->label_text = (char *)bytes;
    for (char *at = r->label_text; *at != '\0';) {
        char *end = at + strcspn(at, "\r\n"), **grown = realloc(r->label, (size_t)(r->n_labels + 1) * sizeof *grown);

        if (grown == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "out of memory");
        r->label = grown;
        r->label[r->n_labels++] = at;
        if (*end == '\r')
            *end++ = '\0';
        if (*end == '\n')
            *end++ = '\0';
        at = end;
    }
    return RS_OK;
}

/* The folder exists, was made now, or cannot be: said before hours of simulation, not after. */
static rs_status prepare_folder(const char *folder, struct rs_error *err)
{
    struct stat s;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return rs_fail(err, RS_ERR_IO, "output folder %s: %s", folder, strerror(errno));
    if (stat(folder, &s) != 0 || !S_ISDIR(s.st_mode))
        return rs_fail(err, RS_ERR_IO, "output folder %s: not a folder", folder);
    if (access(folder, W_OK | X_OK) != 0)
        return rs_fail(err, RS_ERR_IO, "output folder %s: %s", folder, strerror(errno));
    return RS_OK;
}

static rs_status read_inputs(struct run *r, struct rs_error *err)
{
    struct rs_tensor_info info;
    rs_status status = RS_OK;

    r->n_inputs = rs_model_inputs(r->model);
    r->n_outputs = rs_model_outputs(r->model);
    r->input = calloc((size_t)r->n_inputs + 1, sizeof *r->input);
    r->packed_in = calloc((size_t)r->n_inputs + 1, sizeof *r->packed_in);
    r->packed_out = calloc((size_t)r->n_outputs + 1, sizeof *r->packed_out);
    if (r->input == NULL || r->packed_in == NULL || r->packed_out == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int i = 0; i < r->inputs.n && status == RS_OK; i++) {
        const int k = i % r->n_inputs;

        status = rs_model_input(r->model, k, &info, err);
        if (status == RS_OK)
            status = inputs_add(&r->input[k], r->inputs.word[i], &info, err);
    }
    if (status != RS_OK)
        return status;
    r->n = r->input[0].n;
    for (int k = 0; k < r->n_inputs; k++) {
        if (r->input[k].n != r->n)
            return rs_fail(err, RS_ERR_ARG, "the model has %d inputs, in turn; %d files were given", r->n_inputs, r->inputs.n);
        status = rs_model_input(r->model, k, &info, err);
        if (status != RS_OK)
            return status;
        r->packed_in[k] = malloc((size_t)r->n * info.bytes);
        if (r->packed_in[k] == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "out of memory");
        for (int i = 0; i < r->n; i++)
            memcpy((char *)r->packed_in[k] + (size_t)i * info.bytes, r->input[k].item[i].codes, info.bytes);
    }
    for (int k = 0; k < r->n_outputs; k++) {
        status = rs_model_output(r->model, k, &info, err);
        if (status != RS_OK)
            return status;
        r->packed_out[k] = malloc((size_t)r->n * info.bytes);
        if (r->packed_out[k] == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    for (int i = 0; r->output != NULL && i < r->n; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(r->input[0].item[i].name, r->input[0].item[k].name) == 0)
                return rs_fail(err, RS_ERR_ARG, "two inputs are named '%s': one result would overwrite the other",
                               r->input[0].item[i].name);
    return RS_OK;
}

static rs_status read_expected(struct run *r, struct rs_error *err)
{
    int n;
    rs_status status = idx_labels(r->expect, &n, &r->expected, err);

    if (status == RS_OK && n != r->n)
        status = rs_fail(err, RS_ERR_SHAPE, "%s: %d labels for %d inputs", r->expect, n, r->n);
    return status;
}

static rs_status start_wave(struct run *r, struct rs_error *err)
{
    const char *colon = strrchr(r->wave, ':');
    char *file;
    rs_status status;

    if (colon == NULL)
        return rs_wave(r->device, r->wave, NULL, err);
    file = strndup(r->wave, (size_t)(colon - r->wave));
    if (file == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    status = rs_wave(r->device, file, colon + 1, err);
    free(file);
    return status;
}

/* ---- after the run --------------------------------------------------------------------------------- */

static rs_status write_outputs(const struct run *r, struct rs_error *err)
{
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->n_outputs; k++) {
            struct rs_tensor_info info;
            char path[4096], number[16] = "";
            rs_status status = rs_model_output(r->model, k, &info, err);

            if (k != 0)
                snprintf(number, sizeof number, "%d", k);
            if (status == RS_OK && snprintf(path, sizeof path, "%s/%s.out%s.i8", r->output, r->input[0].item[i].name, number) >=
                                       (int)sizeof path)
                status = rs_fail(err, RS_ERR_RANGE, "output file name too long");
            if (status == RS_OK)
                status = rs_file_write(path, (char *)r->packed_out[k] + (size_t)i * info.bytes, info.bytes, err);
            if (status != RS_OK)
                return status;
        }
    return RS_OK;
}

static const char *class_name(const struct run *r, size_t i, char text[24])
{
    if (i < (size_t)r->n_labels)
        return r->label[i];
    snprintf(text, 24, "class %zu", i);
    return text;
}

/* The index of the greatest code of @codes that is not in @taken; ties: the lower index. */
static size_t greatest(const int8_t *codes, size_t n, const size_t *taken, int n_taken)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < n; i++) {
        bool used = false;

        for (int k = 0; k < n_taken; k++)
            used = used || taken[k] == i;
        if (!used && (best == SIZE_MAX || codes[i] > codes[best]))
            best = i;
    }
    return best;
}

/* Best results of each input; returns how many were as expected. */
static int show_results(const struct run *r)
{
    struct rs_tensor_info info;
    int correct = 0;

    if (rs_model_output(r->model, 0, &info, NULL) != RS_OK || strcmp(info.type, "int8") != 0)
        return 0;
    for (int i = 0; i < r->n; i++) {
        const int8_t *codes = (const int8_t *)r->packed_out[0] + (size_t)i * info.bytes;
        size_t best[8];
        char text[24];
        const int top = r->top < 8 ? r->top : 8;
        const bool good = r->expected != NULL && greatest(codes, info.elements, NULL, 0) == r->expected[i];

        correct += good;
        if (top == 0)
            continue;
        fprintf(r->text, "%-20s", r->input[0].item[i].name);
        for (int k = 0; k < top && (size_t)k < info.elements; k++) {
            best[k] = greatest(codes, info.elements, best, k);
            fprintf(r->text, "%s %s %.3f", k != 0 ? "," : "", class_name(r, best[k], text),
                   (double)info.scale * (codes[best[k]] - info.zero_point));
        }
        if (r->expected != NULL)
            fprintf(r->text, "%s (label: %s)", good ? "" : "  WRONG", class_name(r, r->expected[i], text));
        fputc('\n', r->text);
    }
    if (r->expected != NULL)
        fprintf(r->text, "%d of %d as labelled\n", correct, r->n);
    return correct;
}

/* The same inputs on the CPU: every byte must be equal. */
static rs_status verify(const struct run *r, struct rs_error *err)
{
    struct rs_device *cpu = NULL;
    struct rs_model *model = NULL;
    void **want = calloc((size_t)r->n_outputs + 1, sizeof *want);
    rs_status status = want != NULL ? rs_open("cpu", NULL, &cpu, err) : rs_fail(err, RS_ERR_NOMEM, "out of memory");

    if (status == RS_OK)
        status = rs_model_load(cpu, r->model_path, NULL, &model, err);
    for (int k = 0; k < r->n_outputs && status == RS_OK; k++) {
        struct rs_tensor_info info;

        status = rs_model_output(model, k, &info, err);
        want[k] = status == RS_OK ? malloc((size_t)r->n * info.bytes) : NULL;
        if (status == RS_OK && want[k] == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    if (status == RS_OK)
        status = rs_run(model, (const void *const *)r->packed_in, want, (uint32_t)r->n, -1, err);
    for (int k = 0; k < r->n_outputs && status == RS_OK; k++) {
        struct rs_tensor_info info;

        status = rs_model_output(model, k, &info, err);
        for (size_t i = 0; status == RS_OK && i < (size_t)r->n * info.bytes; i++) {
            const int got = ((int8_t *)r->packed_out[k])[i], wanted = ((int8_t *)want[k])[i];

            if (got != wanted)
                status = rs_fail(err, RS_ERR_MISMATCH, "DIFFERENT: %s, input '%s', output %d, byte %zu: got %d, the CPU %d "
                                 "(`rowstation check` finds the first layer that differs)", r->info.target,
                                 r->input[0].item[i / info.bytes].name, k, i % info.bytes, got, wanted);
        }
    }
    for (int k = 0; want != NULL && k < r->n_outputs; k++)
        free(want[k]);
    free(want);
    rs_model_free(model);
    rs_close(cpu);
    return status;
}

static rs_status write_json(const struct run *r, const struct rs_report *report, int correct, bool verified, struct rs_error *err)
{
    struct json j;
    FILE *file = cli_create(r->json, err);

    if (file == NULL)
        return RS_ERR_IO;
    json_begin(&j, file);
    json_string(&j, "model", r->model_path);
    report_json(&j, report, &r->info);
    json_array(&j, "results", false);
    for (int i = 0; i < r->n; i++) {
        struct rs_tensor_info info;

        json_object(&j, NULL, true);
        json_string(&j, "input", r->input[0].item[i].name);
        if (rs_model_output(r->model, 0, &info, NULL) == RS_OK && strcmp(info.type, "int8") == 0) {
            const size_t best = greatest((const int8_t *)r->packed_out[0] + (size_t)i * info.bytes, info.elements, NULL, 0);

            json_uint(&j, "top", best);
            if (best < (size_t)r->n_labels)
                json_string(&j, "label", r->label[best]);
            if (r->expected != NULL)
                json_uint(&j, "expected", r->expected[i]);
        }
        json_close(&j);
    }
    json_close(&j);
    if (r->expected != NULL)
        json_int(&j, "correct", correct);
    if (r->verify)
        json_bool(&j, "equal_to_cpu", verified);
    json_end(&j);
    if (!cli_finish(file))
        return rs_fail(err, RS_ERR_IO, "%s: %s", r->json, strerror(errno));
    return RS_OK;
}

static rs_status run(struct run *r, struct rs_error *err)
{
    struct rs_request *request = NULL;
    const struct rs_report *report;
    struct rs_error difference;
    bool verified = true;
    int correct;
    rs_status status = r->labels_path != NULL ? read_labels(r, err) : RS_OK;

    if (status == RS_OK && r->output != NULL)
        status = prepare_folder(r->output, err);
    if (r->wave != NULL && strchr(r->wave, ':') != NULL)
        (void)setenv("RS_SIM_TRACE", "1", 1);      /* the tracing simulator from the start: docs/simulation.md */
    if (status == RS_OK)
        status = cli_open_trace(r->target, r->trace != NULL, r->fallback, &r->device, err);
    if (status == RS_OK)
        status = rs_device_info(r->device, &r->info, err);
    if (status == RS_OK)
        status = rs_model_load(r->device, r->model_path, &(struct rs_load_options){.mapping = r->mapping}, &r->model, err);
    if (status == RS_OK)
        status = read_inputs(r, err);
    if (status == RS_OK && r->expect != NULL)
        status = read_expected(r, err);
    if (status == RS_OK && r->wave != NULL)
        status = start_wave(r, err);
    if (status == RS_OK)
        status = rs_submit(r->model, (const void *const *)r->packed_in, r->packed_out, (uint32_t)r->n, &request, err);
    if (status == RS_OK)
        status = rs_wait(request, -1, err);
    cli_progress_end();
    if (status == RS_OK)
        status = rs_request_report(request, &report, err);
    if (status == RS_OK && r->trace != NULL)
        status = rs_trace_write(r->device, r->model, r->trace, err);
    if (status == RS_OK && r->wave != NULL)
        status = rs_wave(r->device, NULL, NULL, err);
    if (status != RS_OK)
        goto done;
    correct = show_results(r);
    report_table(r->text, report, &r->info);
    if (r->output != NULL)
        status = write_outputs(r, err);
    if (status == RS_OK && r->verify) {
        const rs_status compared = verify(r, &difference);

        verified = compared == RS_OK;
        if (verified)
            fprintf(r->text, "Bit-exact with the CPU: all %d outputs.\n", r->n);
    }
    if (status == RS_OK && r->json != NULL)
        status = write_json(r, report, correct, verified, err);
    if (status == RS_OK && !verified)
        status = rs_fail(err, difference.status, "%s", difference.text);
done:
    rs_request_free(request);
    return status;
}

int cmd_run(int argc, char **argv)
{
    struct run r = {.top = 3};
    struct rs_error err = {0};
    int result = parse(argc, argv, &r);

    r.text = r.json != NULL && strcmp(r.json, "-") == 0 ? stderr : stdout;
    if (result == CLI_GOOD && run(&r, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    if (result == CLI_GOOD && fflush(stdout) != 0)
        result = cli_fail(COMMAND, "standard output: %s", strerror(errno));
    for (int k = 0; k < r.n_inputs; k++) {
        if (r.input != NULL)
            inputs_free(&r.input[k]);
        if (r.packed_in != NULL)
            free(r.packed_in[k]);
    }
    for (int k = 0; k < r.n_outputs && r.packed_out != NULL; k++)
        free(r.packed_out[k]);
    free(r.input);
    free(r.packed_in);
    free(r.packed_out);
    free(r.label);
    free(r.label_text);
    free(r.expected);
    free(r.inputs.word);
    rs_model_free(r.model);
    rs_close(r.device);
    return result;
}
