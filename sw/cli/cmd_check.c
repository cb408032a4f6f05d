/*
 * cmd_check.c - `rowstation check`: outputs against golden files, layers against another target.
 *
 * The outputs are compared with the golden ones as the network normally runs.  If they differ, or if there is no golden file,
 * or if --against is given, it runs again with every layer's output brought back, here and on the other target (the
 * reference kernels for `cpu`), and the first element that differs is explained.
 */
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "file.h"
#include "input.h"
#include "runtime.h"

#define COMMAND "check"

struct capture {                       /* of one node: what its output held                       */
    void  *data;
    size_t bytes;
};

/* A target, with the model on it twice: as it runs, and with all layers kept. */
struct side {
    const char *target;
    struct rs_device *device;
    struct rs_device_info info;
    struct rs_model *model, *keeping;
    struct capture *node;              /* [n_nodes], of the last run                               */
    int n_nodes;
    int8_t *output;
    size_t output_bytes;               /* of all outputs, one after another                        */
};

struct check {
    const char *model_path;
    struct words inputs, goldens;
    bool against_given;
    struct side side[2];               /* the target; what it is held against                      */
};

/* ---- running -------------------------------------------------------------------------------------- */

static rs_status keep(void *context, uint32_t item, int node, const char *name, const void *data, size_t bytes)
{
    struct side *s = context;
    struct capture *c;

    (void)item;
    (void)name;
    if (node < 0 || node >= s->n_nodes)
        return RS_OK;
    c = &s->node[node];
    free(c->data);
    c->data = malloc(bytes);
    if (c->data == NULL)
        return RS_ERR_NOMEM;
    memcpy(c->data, data, bytes);
    c->bytes = bytes;
    return RS_OK;
}

static rs_status side_open(struct side *s, const char *model, struct rs_error *err)
{
    rs_status status = cli_open(s->target, false, &s->device, err);

    if (status == RS_OK)
        status = rs_device_info(s->device, &s->info, err);
    if (status == RS_OK)
        status = rs_model_load(s->device, model, &(struct rs_load_options){.reference = true}, &s->model, err);
    for (int k = 0; status == RS_OK && k < rs_model_outputs(s->model); k++) {
        struct rs_tensor_info info;

        status = rs_model_output(s->model, k, &info, err);
        if (status == RS_OK)
            s->output_bytes += info.bytes;
    }
    if (status != RS_OK)
        return status;
    s->output = malloc(s->output_bytes + 1);
    s->n_nodes = s->model->graph->n_nodes;
    s->node = calloc((size_t)s->n_nodes + 1, sizeof *s->node);
    return s->output != NULL && s->node != NULL ? RS_OK : rs_fail(err, RS_ERR_NOMEM, "out of memory");
}

static void forget(struct side *s)
{
    for (int i = 0; s->node != NULL && i < s->n_nodes; i++) {
        free(s->node[i].data);
        s->node[i] = (struct capture){0};
    }
}

static void side_close(struct side *s)
{
    forget(s);
    free(s->node);
    free(s->output);
    rs_model_free(s->model);
    rs_model_free(s->keeping);
    rs_close(s->device);
}

static rs_status side_run(struct side *s, struct rs_model *model, const void *const *inputs, struct rs_error *err)
{
    void *outputs[16];
    size_t at = 0;
    rs_status status;

    if (rs_model_outputs(model) > 16)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "a model of more than 16 outputs");
    for (int k = 0; k < rs_model_outputs(model); k++) {
        struct rs_tensor_info info;

        status = rs_model_output(model, k, &info, err);
        if (status != RS_OK)
            return status;
        outputs[k] = s->output + at;
        at += info.bytes;
    }
    status = rs_run(model, inputs, outputs, 1, -1, err);
    cli_progress_end();
    return status;
}

static rs_status run_keeping(struct side *s, const char *path, const void *const *inputs, struct rs_error *err)
{
    rs_status status = RS_OK;

    if (s->keeping == NULL)
        status = rs_model_load(s->device, path, &(struct rs_load_options){
            .reference = true, .keep_all = true, .hook = keep, .hook_context = s}, &s->keeping, err);
    forget(s);
    return status != RS_OK ? status : side_run(s, s->keeping, inputs, err);
}

/* ---- explaining a difference ---------------------------------------------------------------------- */

/* Where the reference has a tensor's elements: a network input, or what a node made. */
static const int8_t *elements_of(const struct side *s, int tensor, const void *const *inputs)
{
    const struct rs_graph *g = s->keeping->graph;
    const int producer = rs_graph_producer(g, tensor);

    for (int i = 0; i < g->n_inputs; i++)
        if (g->inputs[i] == tensor)
            return inputs[i];
    if (producer >= 0)
        return s->node[producer].data;
    return g->tensors[tensor].data;
}

static void explain_accumulator(const struct side *reference, const struct rs_layer *l, int node, const int32_t at[4],
                                const void *const *inputs)
{
    const struct rs_graph *g = reference->keeping->graph;
    const struct rs_node *n = &g->nodes[node];
    const int8_t *ifmap = elements_of(reference, l->ifmap, inputs), *filter = g->tensors[l->filter].data;
    const bool depthwise = n->op == RS_OP_DEPTHWISE_CONV2D;
    const int32_t m = at[3], bias = l->bias >= 0 ? ((const int32_t *)g->tensors[l->bias].data)[m] : 0;
    int64_t sum = 0;

    if (ifmap == NULL || filter == NULL)
        return;
    for (int32_t r = 0; r < l->R; r++)
        for (int32_t s = 0; s < l->S; s++) {
            const int64_t h = (int64_t)at[1] * l->Uh + (int64_t)r * l->dilation_h - l->pad_top;
            const int64_t w = (int64_t)at[2] * l->Uw + (int64_t)s * l->dilation_w - l->pad_left;

            if (h < 0 || h >= l->H || w < 0 || w >= l->W)
                continue;
            for (int32_t c = depthwise ? m / (l->M / l->C) : 0; c < (depthwise ? m / (l->M / l->C) + 1 : l->C); c++) {
                const size_t x = (((size_t)at[0] * (size_t)l->H + (size_t)h) * (size_t)l->W + (size_t)w) * (size_t)l->C + (size_t)c;
                const size_t f = depthwise ? ((size_t)r * (size_t)l->S + (size_t)s) * (size_t)l->M + (size_t)m
                    : (((size_t)m * (size_t)l->R + (size_t)r) * (size_t)l->S + (size_t)s) * (size_t)l->C + (size_t)c;

                sum += (int64_t)(ifmap[x] - l->zp_in) * filter[f];
            }
        }
    printf("  accumulator  %lld wanted (bias %d + products %lld)\n", (long long)(bias + sum), bias, (long long)sum);
    if (m < n->n_requant)
        printf("  requantize   mult %d, shift %d, zp_in %d, zp_out %d, clamp %d..%d\n", n->mult[m], n->shift[m], l->zp_in,
               l->zp_out, l->act_min, l->act_max);
}

static void explain_tile(const struct rs_plan_step *step, const struct rs_layer *l, const int32_t at[4])
{
    const struct rs_mapping *map = &step->map;
    const int32_t rows = map->ns * map->e, columns = map->fx * map->fp, filters = map->mx * 2 * map->pairs;
    const int32_t e = at[1], f = at[2];

    if (step->where != RS_PLAN_ARRAY || rows < 1 || columns < 1 || map->fp < 1)
        return;
    if (l->E == 1 && l->F == 1 && l->R == 1 && l->S == 1) {
        printf("  tile         pixels and filters flattened: e %d, fx %d, mx %d, pairs %d, ns %d, fp %d; %d groups\n", map->e,
               map->fx, map->mx, map->pairs, map->ns, map->fp, step->groups);
        return;
    }
    printf("  tile         ofmap rows %d-%d, columns %d-%d", e / rows * rows, e / rows * rows + rows - 1, f / columns * columns,
           f / columns * columns + columns - 1);
    if (map->mode == RS_MODE_CONV || map->mode == RS_MODE_FLATTEN)
        printf(", filters %d-%d; array column %d", at[3] / filters * filters, at[3] / filters * filters + filters - 1,
               e % rows % map->e + map->e * (f % columns / map->fp) + map->e * map->fx * (at[3] % filters / (2 * map->pairs)));
    else if (map->mode == RS_MODE_DEPTHWISE)
        printf("; array column %d", e % rows % map->e + map->e * (f % columns / map->fp));
    printf("\n");
}

static void explain(const struct check *c, const char *input, int node, size_t element, size_t different,
                    const void *const *inputs)
{
    const struct side *got = &c->side[0], *want = &c->side[1];
    const struct rs_graph *g = got->keeping->graph;
    const struct rs_plan *plan = got->keeping->plan;
    const struct rs_tensor *t = &g->tensors[g->nodes[node].outputs[0]];
    int carrier = node;
    int32_t at[4] = {0, 0, 0, 0};
    struct rs_layer l;
    size_t rest = element;
    int32_t coordinate[RS_MAX_RANK] = {0};

    if (plan != NULL && plan->steps[node].where == RS_PLAN_FUSED)
        carrier = plan->steps[node].carrier;
    for (int i = t->rank - 1; i >= 0; i--) {
        coordinate[i] = (int32_t)(rest % (size_t)t->dim[i]);
        rest /= (size_t)t->dim[i];
    }
    printf("DIFFERENT: input '%s': first at layer %d, %s%s%s '%s'\n", input, node, rs_op_name(g->nodes[node].op),
           carrier != node ? " fused into " : "", carrier != node ? rs_op_name(g->nodes[carrier].op) : "", t->name);
    printf("  ran          %s: %s; against %s\n", got->info.target,
           plan == NULL || plan->steps[node].where == RS_PLAN_CPU ? "on the CPU" : "on the array", want->info.target);
    printf("  coordinate   [");
    for (int i = 0; i < t->rank; i++)
        printf("%s%d", i != 0 ? "][" : "", coordinate[i]);
    printf("] of ");
    for (int i = 0; i < t->rank; i++)
        printf("%s%d", i != 0 ? "x" : "", t->dim[i]);
    printf(", element %zu; %zu of %zu differ\n", element, different, (size_t)rs_tensor_elements(t));
    if (rs_graph_layer(g, carrier, &l)) {
        rest = element;
        at[3] = (int32_t)(rest % (size_t)l.M);
        rest /= (size_t)l.M;
        at[2] = (int32_t)(rest % (size_t)l.F);
        rest /= (size_t)l.F;
        at[1] = (int32_t)(rest % (size_t)l.E);
        at[0] = (int32_t)(rest / (size_t)l.E);
        if (plan != NULL)
            explain_tile(&plan->steps[carrier], &l, at);
        if (l.filter >= 0)
            explain_accumulator(want, &l, carrier, at, inputs);
    }
    if (t->type == RS_TYPE_S8)
        printf("  got %d, want %d\n", ((const int8_t *)got->node[node].data)[element],
               ((const int8_t *)want->node[node].data)[element]);
}

/* Finds the first node whose output differs; true: there is one, and it is explained. */
static bool compare_layers(const struct check *c, const char *input, const void *const *inputs, int *compared)
{
    const struct side *got = &c->side[0], *want = &c->side[1];

    *compared = 0;
    for (int i = 0; i < got->n_nodes; i++) {
        const struct capture *a = &got->node[i], *b = &want->node[i];
        const size_t element_bytes = rs_type_bytes(got->keeping->graph->tensors[got->keeping->graph->nodes[i].outputs[0]].type);
        size_t different = 0, first = 0;

        if (a->data == NULL || b->data == NULL || a->bytes != b->bytes)
            continue;
        ++*compared;
        if (memcmp(a->data, b->data, a->bytes) == 0)
            continue;
        for (size_t k = a->bytes / element_bytes; k-- > 0;)
            if (memcmp((char *)a->data + k * element_bytes, (char *)b->data + k * element_bytes, element_bytes) != 0) {
                first = k;
                different++;
            }
        explain(c, input, i, first, different, inputs);
        return true;
    }
    return false;
}

/* ---- one input -------------------------------------------------------------------------------------- */

/* RS_OK with *equal; everything about a difference is printed here. */
static rs_status check_one(struct check *c, const char *input, const void *const *inputs, const char *golden_path, bool *equal,
                           struct rs_error *err)
{
    struct side *got = &c->side[0], *want = &c->side[1];
    uint8_t *golden = NULL;
    size_t size = 0, first = 0;
    bool golden_differs = false, layers_differ;
    int compared;
    rs_status status;

    *equal = true;
    if (golden_path != NULL) {
        status = rs_file_read(golden_path, (size_t)1 << 30, &golden, &size, err);
        if (status == RS_OK && size != got->output_bytes)
            status = rs_fail(err, RS_ERR_SHAPE, "%s: %zu bytes, the model's output has %zu", golden_path, size, got->output_bytes);
        if (status == RS_OK)
            status = side_run(got, got->model, inputs, err);
        if (status != RS_OK) {
            free(golden);
            return status;
        }
        while (first < size && got->output[first] == (int8_t)golden[first])
            first++;
        golden_differs = first < size;
        if (golden_differs) {
            *equal = false;
            printf("DIFFERENT: input '%s': output byte %zu of %zu: got %d, golden %d\n", input, first, size, got->output[first],
                   (int8_t)golden[first]);
        }
        free(golden);
        if (!golden_differs && !c->against_given) {
            printf("equal      '%s': %zu bytes, %s and golden\n", input, size, got->info.target);
            return RS_OK;
        }
    }
    if (want->model == NULL) {
        status = side_open(want, c->model_path, err);
        if (status != RS_OK)
            return status;
    }
    status = run_keeping(want, c->model_path, inputs, err);
    if (status == RS_OK)
        status = run_keeping(got, c->model_path, inputs, err);
    if (status != RS_OK)
        return status;
    layers_differ = compare_layers(c, input, inputs, &compared);
    if (layers_differ)
        *equal = false;
    else if (golden_differs)
        printf("  all %d layers that were compared are equal on %s and %s: either the golden file was made with other arithmetic, or "
               "the\n  difference shows only while intermediate results stay on the device\n", compared, got->info.target,
               want->info.target);
    else
        printf("equal      '%s': %d layers, %s and %s%s\n", input, compared, got->info.target, want->info.target,
               golden_path != NULL ? ", and golden" : "");
    return RS_OK;
}

static rs_status check(struct check *c, int *different, struct rs_error *err)
{
    struct inputs *in;
    int n_inputs, n;
    rs_status status = side_open(&c->side[0], c->model_path, err);

    if (status != RS_OK)
        return status;
    n_inputs = rs_model_inputs(c->side[0].model);
    in = calloc((size_t)n_inputs + 1, sizeof *in);
    if (in == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int i = 0; i < c->inputs.n && status == RS_OK; i++) {
        struct rs_tensor_info info;

        status = rs_model_input(c->side[0].model, i % n_inputs, &info, err);
        if (status == RS_OK)
            status = inputs_add(&in[i % n_inputs], c->inputs.word[i], &info, err);
    }
    n = in[0].n;
    for (int k = 1; k < n_inputs && status == RS_OK; k++)
        if (in[k].n != n)
            status = rs_fail(err, RS_ERR_ARG, "the model has %d inputs, in turn; %d files were given", n_inputs, c->inputs.n);
    if (status == RS_OK && c->goldens.n != 0 && c->goldens.n != n)
        status = rs_fail(err, RS_ERR_ARG, "%d inputs and %d golden files; as many of one as of the other are expected", n,
                         c->goldens.n);
    for (int i = 0; i < n && status == RS_OK; i++) {
        const void *inputs[16];
        bool equal = true;

        for (int k = 0; k < n_inputs && k < 16; k++)
            inputs[k] = in[k].item[i].codes;
        status = n_inputs > 16 ? rs_fail(err, RS_ERR_UNSUPPORTED, "a model of more than 16 inputs")
            : check_one(c, in[0].item[i].name, inputs, c->goldens.n != 0 ? c->goldens.word[i] : NULL, &equal, err);
        if (status == RS_OK && !equal)
            ++*different;
    }
    for (int k = 0; k < n_inputs; k++)
        inputs_free(&in[k]);
    free(in);
    if (status == RS_OK)
        printf("%d of %d equal\n", n - *different, n);
    return status;
}

int cmd_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"target", 1, NULL, 't'}, {"against", 1, NULL, 'a'}, {"input", 1, NULL, 'i'}, {"golden", 1, NULL, 'g'}, {NULL, 0, NULL, 0}};
    struct check c = {.side[1].target = "cpu"};
    struct rs_error err = {0};
    int o, different = 0, result;

    while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (o) {
        case 't': c.side[0].target = optarg; break;
        case 'a':
            c.side[1].target = optarg;
            c.against_given = true;
            break;
        case 'i':
        case 'g':
            if (!words_add(o == 'i' ? &c.inputs : &c.goldens, optarg))
                return cli_fail(COMMAND, "out of memory");
            break;
        default:
            result = cli_bad_option(COMMAND, argc, argv, o);
            goto done;
        }
    if (argc - optind != 1)
        result = cli_usage(COMMAND, "one MODEL is expected, found %d", argc - optind);
    else if (c.inputs.n == 0)
        result = cli_usage(COMMAND, "no --input FILE given");
    else {
        c.model_path = argv[optind];
        result = check(&c, &different, &err) != RS_OK ? cli_fail(COMMAND, "%s", err.text)
               : different != 0 ? CLI_FAILED : CLI_GOOD;
        side_close(&c.side[0]);
        side_close(&c.side[1]);
    }
done:
    free(c.inputs.word);
    free(c.goldens.word);
    return result;
}
