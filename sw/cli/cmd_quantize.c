/* cmd_quantize.c - `rowstation quantize`: a float model and some of its inputs become an int8 model; what it cost. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "input.h"
#include "quant.h"

#define COMMAND "quantize"

struct job {
    const char *model, *out, *target, *expect;
    struct words calib, input, beside;
    struct rs_quant_options options;
    bool layers;
    int max_samples;
};

/* The network's input as the readers of files know it: reals, one item. */
static struct rs_tensor_info input_info(const struct rs_graph *g)
{
    const struct rs_tensor *t = &g->tensors[g->inputs[0]];
    struct rs_tensor_info info = {.name = t->name, .type = rs_type_name(RS_TYPE_F32), .rank = t->rank};

    for (int i = 0; i < t->rank && i < 5; i++)
        info.dim[i] = i == 0 ? 1 : t->dim[i];
    info.elements = (size_t)(rs_tensor_elements(t) / (t->rank > 0 ? t->dim[0] : 1));
    info.bytes = info.elements * sizeof(float);
    return info;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Everything in a folder, in the order of names. */
static rs_status add_folder(struct inputs *in, DIR *dir, const char *path, const struct rs_tensor_info *info, struct rs_error *err)
{
    struct words names = {0};
    rs_status status = RS_OK;

    for (const struct dirent *e; status == RS_OK && (e = readdir(dir)) != NULL;) {
        char *full;

        if (e->d_name[0] == '.')
            continue;
        full = malloc(strlen(path) + strlen(e->d_name) + 2);
        if (full == NULL || !words_add(&names, full)) {
            free(full);
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        } else {
            sprintf(full, "%s/%s", path, e->d_name);
        }
    }
    if (names.n > 0)
        qsort(names.word, (size_t)names.n, sizeof *names.word, by_name);
    for (int i = 0; i < names.n; i++) {
        if (status == RS_OK)
            status = inputs_add(in, names.word[i], info, err);
        free((char *)(uintptr_t)names.word[i]);
    }
    free(names.word);
    if (status == RS_OK && names.n == 0)
        status = rs_fail(err, RS_ERR_IO, "%s: an empty folder", path);
    return status;
}

static rs_status read_inputs(const struct words *specs, const struct rs_tensor_info *info, struct inputs *in, struct rs_error *err)
{
    rs_status status = RS_OK;

    for (int i = 0; i < specs->n && status == RS_OK; i++) {
        DIR *dir = opendir(specs->word[i]);

        if (dir != NULL) {
            status = add_folder(in, dir, specs->word[i], info, err);
            closedir(dir);
        } else {
            status = inputs_add(in, specs->word[i], info, err);
        }
    }
    return status;
}

/* All items, one after another; free(). */
static float *gather(const struct inputs *in, size_t elements, int n)
{
    float *all = malloc((size_t)n * elements * sizeof *all);

    for (int i = 0; all != NULL && i < n; i++)
        memcpy(all + (size_t)i * elements, in->item[i].codes, elements * sizeof *all);
    return all;
}

/* ---- accuracy ----------------------------------------------------------------------------------------- */

static int greatest(const struct rs_tensor *t, const void *data, int64_t count)
{
    int64_t best = 0;

    for (int64_t i = 1; i < count; i++)
        if (t->type == RS_TYPE_F32 ? ((const float *)data)[i] > ((const float *)data)[best]
            : t->type == RS_TYPE_S16 ? ((const int16_t *)data)[i] > ((const int16_t *)data)[best]
                                     : ((const int8_t *)data)[i] > ((const int8_t *)data)[best])
            best = i;
    return (int)best;
}

/* Input codes of @t for the reals @x. */
static rs_status encode(const struct rs_tensor *t, const float *x, void *codes, struct rs_error *err)
{
    const size_t count = (size_t)rs_tensor_elements(t);

    if (t->type == RS_TYPE_F32) {
        memcpy(codes, x, count * sizeof *x);
        return RS_OK;
    }
    if (t->type == RS_TYPE_S8)
        return rs_quantize_f32_s8(count, x, t->quant.scale[0], t->quant.zero_point[0], RS_ROUND_DOUBLE, codes, err);
    return rs_fail(err, RS_ERR_UNSUPPORTED, "input '%s' is %s", t->name, rs_type_name(t->type));
}

/* Top-1 of a graph with one input and one output, on the CPU, in batches where the graph allows it. */
static rs_status accuracy(struct rs_graph *g, const struct inputs *in, const uint8_t *labels, int *correct, struct rs_error *err)
{
    struct rs_packed_graph *packed = NULL;
    struct rs_memory_plan *plan = NULL;
    void *arena = NULL, *codes = NULL, *out = NULL;
    float *real = NULL;
    rs_status status = RS_OK;
    int batch = 50;

    *correct = 0;
    while (in->n % batch != 0)
        batch--;
    if (rs_graph_set_batch(g, batch, NULL) != RS_OK)
        batch = 1;
    const struct rs_tensor *ti = &g->tensors[g->inputs[0]], *to = &g->tensors[g->outputs[0]];
    const size_t elements = (size_t)rs_tensor_elements(ti) / (size_t)batch;
    const int64_t classes = rs_tensor_elements(to) / batch;

    status = rs_memory_plan_create(g, 64, &plan, err);
    if (status == RS_OK)
        status = rs_packed_graph_create(g, &packed, err);
    if (status == RS_OK) {
        arena = aligned_alloc(64, (rs_graph_arena_bytes(plan, packed, 1) + 127) / 64 * 64);
        codes = malloc(rs_tensor_bytes(ti));
        out = malloc(rs_tensor_bytes(to));
        real = malloc((size_t)batch * elements * sizeof *real);
        if (arena == NULL || codes == NULL || out == NULL || real == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    for (int first = 0; first < in->n && status == RS_OK; first += batch) {
        const struct rs_run_options options = {.packed = packed};

        for (int i = 0; i < batch; i++)
            memcpy(real + (size_t)i * elements, in->item[first + i].codes, elements * sizeof *real);
        status = encode(ti, real, codes, err);
        if (status == RS_OK)
            status = rs_graph_run_cpu(g, plan, (const void *const[]){codes}, (void *const[]){out}, arena,
                                      rs_graph_arena_bytes(plan, packed, 1), &options, err);
        for (int i = 0; i < batch && status == RS_OK; i++)
            *correct += greatest(to, (const char *)out + (size_t)(i * classes) * rs_type_bytes(to->type), classes) == labels[first + i];
    }
    free(arena);
    free(codes);
    free(out);
    free(real);
    rs_packed_graph_destroy(packed);
    rs_memory_plan_destroy(plan);
    if (rs_graph_set_batch(g, 1, NULL) != RS_OK && status == RS_OK)
        status = rs_fail(err, RS_ERR_SHAPE, "the batch size cannot be set back to 1");
    return status;
}

/* ---- what is printed ---------------------------------------------------------------------------------- */

static void print_decibel(double x)
{
    if (isnan(x))
        printf(" %8s", "-");
    else if (isinf(x))
        printf(" %8s", "equal");
    else
        printf(" %8.1f", x);
}

static void print_layers(const struct rs_graph *q, const struct rs_quant_report *r, bool sensitivity)
{
    printf("  # %-24s %-30s %-5s  SQNR dB%s\n", "operation", "output", "type", sensitivity ? "  alone dB" : "");
    for (int i = 0; i < r->n_layers; i++) {
        const struct rs_node *n = &q->nodes[r->layers[i].node];
        const struct rs_tensor *t = &q->tensors[n->outputs[0]];

        printf("%3d %-24.24s %-30.30s %-5.5s", r->layers[i].node, rs_op_name(n->op), t->name,
               r->layers[i].wide ? "16x8" : rs_type_name(t->type));
        print_decibel(r->layers[i].sqnr_db);
        if (sensitivity)
            print_decibel(r->layers[i].sensitivity_db);
        printf("\n");
    }
}

/* One row: name, accuracy on the labelled inputs, predicted cycles of the array, MACs that stay on the CPU. */
static rs_status print_row(const char *name, struct rs_graph *g, const struct rs_hw_config *config, const struct inputs *in,
                           const uint8_t *labels, double *percent, struct rs_error *err)
{
    struct rs_plan *plan = NULL;
    int correct = 0;
    rs_status status = labels != NULL ? accuracy(g, in, labels, &correct, err) : RS_OK;

    if (status == RS_OK)
        status = rs_plan_graph(g, config, NULL, &plan, err);
    if (status != RS_OK)
        return status;
    *percent = in->n > 0 ? 100.0 * correct / in->n : NAN;
    printf("%-30.30s", name);
    if (labels != NULL)
        printf(" %8.2f %%", *percent);
    else
        printf(" %10s", "-");
    if (plan->array_macs > 0)
        printf(" %14s", cli_count((uint64_t)plan->cycles));
    else
        printf(" %14s", "not on it");
    printf(" %16s\n", cli_count((uint64_t)(plan->macs - plan->array_macs)));
    rs_plan_free(plan);
    return RS_OK;
}

/* ---- the command -------------------------------------------------------------------------------------- */

static rs_status write_model(const struct job *j, struct rs_graph *q, const struct rs_quant_report *r, struct rs_error *err)
{
    static const char *const methods[] = {"min-max", "percentile", "least squared error"};
    char about[160];
    size_t size = 0;

    snprintf(about, sizeof about, "Quantized by rowstation %s: %s over %d samples%s%s", rs_version(), methods[j->options.calibration],
             r->samples, r->equalized > 0 ? ", layers equalized" : "", r->corrected > 0 ? ", biases corrected" : "");
    const rs_status status = cli_export(q, j->out, about, &size, err);

    if (status == RS_OK)
        printf("%s: %zu bytes; %s over %d samples, %d pairs of layers equalized, biases of %d channels corrected\n", j->out, size,
               methods[j->options.calibration], r->samples, r->equalized, r->corrected);
    return status;
}

static rs_status print_table(const struct job *j, struct rs_graph *plain, struct rs_graph *q, const struct rs_tensor_info *info,
                             struct rs_error *err)
{
    struct rs_hw_config config;
    struct inputs in = {0};
    uint8_t *labels = NULL;
    double before, after, other;
    int n = 0;
    rs_status status = cli_config(j->target, &config, err);

    if (status == RS_OK)
        status = read_inputs(&j->input, info, &in, err);
    if (status == RS_OK && j->expect != NULL)
        status = idx_labels(j->expect, &n, &labels, err);
    if (status == RS_OK && j->expect != NULL && n != in.n)
        status = rs_fail(err, RS_ERR_SHAPE, "%s: %d labels for %d inputs", j->expect, n, in.n);
    if (status == RS_OK) {
        printf("%-30s %10s %14s %16s\n", "network", in.n > 0 ? "top-1" : "", "cycles", "MACs on the CPU");
        status = print_row("float32, before", plain, &config, &in, labels, &before, err);
    }
    if (status == RS_OK)
        status = print_row(j->options.keep16 > 0 ? "int8 and 16x8, after training" : "int8, after training", q, &config, &in, labels, &after, err);
    for (int i = 0; i < j->beside.n && status == RS_OK; i++) {
        struct rs_graph *g = NULL;

        status = cli_graph(j->beside.word[i], &g, NULL, NULL, err);
        if (status == RS_OK)
            status = print_row(j->beside.word[i], g, &config, &in, labels, &other, err);
        rs_graph_destroy(g);
    }
    if (status == RS_OK && labels != NULL)
        printf("%d labelled inputs, counted; %+.2f points by quantizing. ", in.n, after - before);
    if (status == RS_OK)
        printf("Cycles are predicted, for preset %s.\n", config.preset);
    inputs_free(&in);
    free(labels);
    return status;
}

static rs_status quantize(struct job *j, struct rs_error *err)
{
    struct rs_graph *g = NULL, *plain = NULL, *q = NULL;
    struct rs_quant_report *report = NULL;
    struct inputs calib = {0};
    float *samples = NULL;
    rs_status status = cli_graph(j->model, &g, NULL, NULL, err);

    if (status == RS_OK)
        status = cli_graph(j->model, &plain, NULL, NULL, err);         /* the other one is equalized */
    if (status == RS_OK && (g->n_inputs != 1 || g->tensors[g->inputs[0]].type != RS_TYPE_F32))
        status = rs_fail(err, RS_ERR_UNSUPPORTED, "%s: one float32 input is expected, found %d of %s", j->model, g->n_inputs,
                         g->n_inputs > 0 ? rs_type_name(g->tensors[g->inputs[0]].type) : "nothing");
    if (status != RS_OK)
        goto done;
    const struct rs_tensor_info info = input_info(g);

    status = read_inputs(&j->calib, &info, &calib, err);
    if (status == RS_OK) {
        const int n = j->max_samples > 0 && j->max_samples < calib.n ? j->max_samples : calib.n;

        samples = gather(&calib, info.elements, n);
        status = samples == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory")
                                 : rs_quant_graph(g, (const float *const[]){samples}, n, &j->options, &q, &report, err);
    }
    if (status == RS_OK && j->layers)
        print_layers(q, report, j->options.keep16 > 0);
    if (status == RS_OK)
        status = write_model(j, q, report, err);
    if (status == RS_OK)
        status = print_table(j, plain, q, &info, err);
done:
    free(samples);
    inputs_free(&calib);
    rs_quant_report_free(report);
    rs_graph_destroy(q);
    rs_graph_destroy(plain);
    rs_graph_destroy(g);
    return status;
}

/* "minmax", "mse", "percentile" or "percentile=99.9". */
static bool method(const char *text, struct rs_quant_options *o)
{
    char *end;

    o->percentile = 0;
    if (strcmp(text, "minmax") == 0 || strcmp(text, "mse") == 0 || strcmp(text, "percentile") == 0) {
        o->calibration = text[1] == 'i' ? RS_CALIBRATE_MINMAX : text[1] == 's' ? RS_CALIBRATE_MSE : RS_CALIBRATE_PERCENTILE;
        return true;
    }
    if (strncmp(text, "percentile=", 11) != 0)
        return false;
    o->calibration = RS_CALIBRATE_PERCENTILE;
    o->percentile = strtod(text + 11, &end);
    return end != text + 11 && *end == '\0' && o->percentile > 50 && o->percentile <= 100;
}

int cmd_quantize(int argc, char **argv)
{
    enum { CALIB = 256, METHOD, MAX, KEEP16, NO_EQUALIZE, NO_BIAS, INPUT, EXPECT, BESIDE, TARGET, LAYERS };
    static const struct option options[] = {
        {"calib", 1, NULL, CALIB}, {"method", 1, NULL, METHOD}, {"samples", 1, NULL, MAX}, {"keep16", 1, NULL, KEEP16},
        {"no-equalization", 0, NULL, NO_EQUALIZE}, {"no-bias-correction", 0, NULL, NO_BIAS}, {"input", 1, NULL, INPUT},
        {"expect", 1, NULL, EXPECT}, {"beside", 1, NULL, BESIDE}, {"target", 1, NULL, TARGET}, {"layers", 0, NULL, LAYERS},
        {NULL, 0, NULL, 0}};
    struct job j = {0};
    struct rs_error err = {0};
    int c, code = CLI_GOOD;
    char *end;

    while (code == CLI_GOOD && (c = getopt_long(argc, argv, "-:o:", options, NULL)) != -1)
        switch (c) {
        case 1:
            if (j.model != NULL)
                code = cli_usage(COMMAND, "one MODEL is expected, found '%s' and '%s'", j.model, optarg);
            j.model = optarg;
            break;
        case 'o':    j.out = optarg; break;
        case TARGET: j.target = optarg; break;
        case EXPECT: j.expect = optarg; break;
        case LAYERS: j.layers = true; break;
        case NO_EQUALIZE: j.options.no_equalization = true; break;
        case NO_BIAS:     j.options.no_bias_correction = true; break;
        case CALIB: case INPUT: case BESIDE:
            if (!words_add(c == CALIB ? &j.calib : c == INPUT ? &j.input : &j.beside, optarg))
                code = cli_fail(COMMAND, "out of memory");
            break;
        case METHOD:
            if (!method(optarg, &j.options))
                code = cli_usage(COMMAND, "--method %s: minmax, mse, percentile or percentile=P with P from 50 to 100 is expected", optarg);
            break;
        case MAX: case KEEP16: {
            const long n = strtol(optarg, &end, 10);

            if (end == optarg || *end != '\0' || n < (c == MAX) || n > 1000000)
                code = cli_usage(COMMAND, "%s %s: a number is expected", c == MAX ? "--samples" : "--keep16", optarg);
            *(c == MAX ? &j.max_samples : &j.options.keep16) = (int)n;
            break;
        }
        default: code = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (code == CLI_GOOD && (j.model == NULL || j.out == NULL || j.calib.n == 0))
        code = cli_usage(COMMAND, "a MODEL, --calib and -o are expected");
    if (code == CLI_GOOD && (j.expect != NULL) != (j.input.n > 0))
        code = cli_usage(COMMAND, "--input and --expect belong together");
    if (code == CLI_GOOD && quantize(&j, &err) != RS_OK)
        code = cli_fail(COMMAND, "%s", err.text);
    free(j.calib.word);
    free(j.input.word);
    free(j.beside.word);
    return code;
}
