/*
 * test_onnx_nodes.c - the ONNX data set's own tests (Debian's libonnx-testdata): every model is read, and each that we
 * claim gives the outputs that come with it.
 *
 * A model whose operands are all network inputs is tried as it is; if it is refused, all inputs but the first become
 * constants, which is what networks have there (filters, scales, shapes).  What is then still refused must say so
 * operation by operation; for an operator that docs/operators.md claims, it must also stand in the table of exceptions
 * below with its reason.
 */
#include <dirent.h>
#include <math.h>
#include "graph.h"
#include "onnx.h"
#include "test.h"

#ifdef RS_HAVE_PROTOBUF
#include "onnx.pb-c.h"

#define DATA "/usr/share/libonnx-testdata/data/"

#define INTEGERS "arithmetic modulo 2^8 and more: codes mean reals here, and activations are codes or float32"
#define WIDTHS   "float16 and float64 activations"
#define TRAINING "training mode"
#define LINEAR   "interpolation"
#define EMPTY    "tensors without elements"

/* Refused variants of operators that are done; @prefix of the test's name. */
static const struct { const char *prefix, *why; } exceptions[] = {
    { "test_add_uint8", INTEGERS }, { "test_sub_uint8", INTEGERS }, { "test_mul_uint8", INTEGERS }, { "test_div_uint8", INTEGERS },
{ "test_max_int16", INTEGERS }, { "test_max_int32", INTEGERS }, { "test_max_int64", INTEGERS }, { "test_max_uint16", INTEGERS },
    { "test_max_uint32", INTEGERS }, { "test_max_uint64", INTEGERS }, { "test_min_int16", INTEGERS }, { "test_min_int32", INTEGERS },
    { "test_min_int64", INTEGERS }, { "test_min_uint16", INTEGERS }, { "test_min_uint32", INTEGERS }, { "test_min_uint64", INTEGERS }, { "test_pow_types_int", INTEGERS }, { "test_pow_types_float", INTEGERS },
    { "test_edge_pad", INTEGERS }, { "test_reflect_pad", INTEGERS },
    { "test_max_float16", WIDTHS }, { "test_max_float64", WIDTHS }, { "test_min_float16", WIDTHS }, { "test_min_float64", WIDTHS },
    { "test_averagepool_3d", "three spatial dimensions" }, { "test_maxpool_3d", "three spatial dimensions" },
    { "test_maxpool_2d_dilations", "a dilated pool" }, { "test_maxpool_with_argmax", "the second output, indices" },
    { "test_batchnorm_epsilon_training_mode", TRAINING }, { "test_batchnorm_example_training_mode", TRAINING },
    { "test_training_dropout", TRAINING }, 
    { "test_identity_opt", "an optional value" }, { "test_identity_sequence", "a sequence" },
    { "test_resize_downsample_scales_cubic", LINEAR }, { "test_resize_downsample_scales_linear", LINEAR }, { "test_resize_upsample_scales_cubic", LINEAR },
    { "test_resize_upsample_scales_linear", LINEAR }, { "test_resize_downsample_sizes_cubic", LINEAR }, { "test_resize_upsample_sizes_cubic", LINEAR },
    { "test_resize_downsample_sizes_linear", LINEAR }, { "test_resize_tf_crop_and_resize", LINEAR },
    { "test_reshape_allowzero", EMPTY }, { "test_slice_start_out_of_bounds", EMPTY }, { "test_split_zero_size", EMPTY },
    { "test_unsqueeze_three_axes", "rank 6" }, { "test_unsqueeze_unsorted_axes", "rank 6" },
};

static uint8_t *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t room = 0;

    *size = 0;
    while (f != NULL && !feof(f) && !ferror(f)) {
        room += 65536;
        bytes = realloc(bytes, room);
        *size += fread(bytes + *size, 1, room - *size, f);
    }
    if (f != NULL)
        fclose(f);
    return bytes;
}

static Onnx__TensorProto *read_tensor(const char *folder, int set, const char *what, int k)
{
    char path[512];
    size_t size;

    snprintf(path, sizeof path, "%s/test_data_set_%d/%s_%d.pb", folder, set, what, k);
    uint8_t *bytes = read_all(path, &size);
    Onnx__TensorProto *t = bytes != NULL ? onnx__tensor_proto__unpack(NULL, size, bytes) : NULL;

    free(bytes);
    return t;
}

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6, INT64 = 7, BOOL = 9 };

/* Elements of a file's tensor as doubles; NULL: a type that no graph has. */
static double *elements(const Onnx__TensorProto *t, size_t *count)
{
    double *x;

    *count = 1;
    for (size_t i = 0; i < t->n_dims; i++)
        *count *= (size_t)t->dims[i];
    x = calloc(*count + 1, sizeof *x);
    for (size_t i = 0; i < *count; i++) {
        const uint8_t *raw = t->has_raw_data ? t->raw_data.data : NULL;

        switch (t->data_type) {
        case FLOAT: {
            float f = 0;

            if (raw != NULL)
                memcpy(&f, raw + i * 4, 4);
            else if (i < t->n_float_data)
                f = t->float_data[i];
            x[i] = (double)f;
            break;
        }
        case UINT8: case BOOL: x[i] = raw != NULL ? raw[i] : t->int32_data[i]; break;
        case INT8:  x[i] = raw != NULL ? ((const int8_t *)raw)[i] : t->int32_data[i]; break;
        case INT32: {
            int32_t v = 0;

            if (raw != NULL)
                memcpy(&v, raw + i * 4, 4);
            else
                v = t->int32_data[i];
            x[i] = v;
            break;
        }
        case INT64: {
            int64_t v = 0;

            if (raw != NULL)
                memcpy(&v, raw + i * 8, 8);
            else
                v = t->int64_data[i];
            x[i] = (double)v;
            break;
        }
        default:
            free(x);
            return NULL;
        }
    }
    return x;
}

static void store(const struct rs_tensor *t, size_t i, double x, void *to)
{
    switch (t->type) {
    case RS_TYPE_F32: ((float *)to)[i] = (float)x; break;
    case RS_TYPE_U8: case RS_TYPE_BOOL: ((uint8_t *)to)[i] = (uint8_t)x; break;
    case RS_TYPE_S8: ((int8_t *)to)[i] = (int8_t)x; break;
    case RS_TYPE_S32: ((int32_t *)to)[i] = (int32_t)x; break;
    case RS_TYPE_S64: ((int64_t *)to)[i] = (int64_t)x; break;
    default: break;
    }
}

static double load(const struct rs_tensor *t, size_t i, const void *from)
{
    switch (t->type) {
    case RS_TYPE_F32: return (double)((const float *)from)[i];
    case RS_TYPE_U8: case RS_TYPE_BOOL: return ((const uint8_t *)from)[i];
    case RS_TYPE_S8: return ((const int8_t *)from)[i];
    case RS_TYPE_S32: return ((const int32_t *)from)[i];
    case RS_TYPE_S64: return (double)((const int64_t *)from)[i];
    default: return NAN;
    }
}

/* Runs the graph on the inputs of a data set and compares; "" is good, else what differs. */
static void run(struct rs_graph *g, const char *folder, int set, char text[300])
{
    struct rs_memory_plan *plan = NULL;
    struct rs_error err = { 0 };
    void *in[16] = { NULL }, *out[16] = { NULL };

    snprintf(text, 300, "%s", "");
    if (g->n_inputs > 16 || g->n_outputs > 16)
        return;
    for (int i = 0; i < g->n_inputs; i++) {
        const struct rs_tensor *t = &g->tensors[g->inputs[i]];
        Onnx__TensorProto *file = read_tensor(folder, set, "input", i);
        size_t count = 0;
        double *x = file != NULL ? elements(file, &count) : NULL;

        in[i] = calloc(rs_tensor_bytes(t) + 1, 1);
        if (x == NULL || count != (size_t)rs_tensor_elements(t))
            snprintf(text, 300, "input %d of the data set has %zu elements, the graph's %lld", i, count, (long long)rs_tensor_elements(t));
        for (size_t k = 0; text[0] == 0 && k < count; k++)
            store(t, k, x[k], in[i]);
        free(x);
        if (file != NULL)
            onnx__tensor_proto__free_unpacked(file, NULL);
    }
    for (int i = 0; i < g->n_outputs; i++)
        out[i] = calloc(rs_tensor_bytes(&g->tensors[g->outputs[i]]) + 1, 1);
    if (text[0] == 0 && rs_memory_plan_create(g, 64, &plan, &err) != RS_OK)
        snprintf(text, 300, "memory plan: %.200s", err.text);
    if (text[0] == 0) {
        void *arena = aligned_alloc(64, plan->arena_bytes + 64);

        memset(arena, 0xA5, plan->arena_bytes + 64);
        if (rs_graph_run_cpu(g, plan, (const void *const *)in, out, arena, plan->arena_bytes, &(struct rs_run_options){ .reference = true }, &err) != RS_OK)
            snprintf(text, 300, "run: %.200s", err.text);
        free(arena);
    }
    for (int i = 0; i < g->n_outputs && text[0] == 0; i++) {
        const struct rs_tensor *t = &g->tensors[g->outputs[i]];
        Onnx__TensorProto *file = read_tensor(folder, set, "output", i);
        size_t count = 0;
        double *want = file != NULL ? elements(file, &count) : NULL;

        if (want == NULL || count != (size_t)rs_tensor_elements(t) || file->n_dims != (size_t)t->rank)
            snprintf(text, 300, "output %d of the data set has %zu elements, the graph's %lld", i, count, (long long)rs_tensor_elements(t));
        for (size_t k = 0; text[0] == 0 && k < file->n_dims; k++)
            if (file->dims[k] != t->dim[k])
                snprintf(text, 300, "output %d: dimension %zu is %d, expected %lld", i, k, t->dim[k], (long long)file->dims[k]);
        for (size_t k = 0; text[0] == 0 && k < count; k++) {
            const double got = load(t, k, out[i]), tolerance = t->type == RS_TYPE_F32 ? 1e-3 * fabs(want[k]) + 1e-6 : 0;

            if (!(fabs(got - want[k]) <= tolerance) && !(got != got && want[k] != want[k]) && got != want[k])
                snprintf(text, 300, "output %d, element %zu: got %g, want %g", i, k, got, want[k]);
        }
        free(want);
        if (file != NULL)
            onnx__tensor_proto__free_unpacked(file, NULL);
    }
    rs_memory_plan_destroy(plan);
    for (int i = 0; i < 16; i++) {
        free(in[i]);
        free(out[i]);
    }
}

/* The model with inputs 1.. as initializers. */
static rs_status read_bound(const uint8_t *bytes, size_t size, const char *folder, int set, struct rs_graph **g, struct rs_error *err)
{
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, size, bytes);
    Onnx__GraphProto *f = m->graph;
    const size_t own = f->n_initializer;
    rs_status status = RS_ERR_UNSUPPORTED;

    f->initializer = realloc(f->initializer, (own + f->n_input + 1) * sizeof *f->initializer);
    for (size_t i = 1; i < f->n_input; i++) {
        Onnx__TensorProto *t = read_tensor(folder, set, "input", (int)i);

        if (t == NULL)
            break;
        free(t->name != (char *)protobuf_c_empty_string ? t->name : NULL);
        t->name = strdup(f->input[i]->name);
        f->initializer[f->n_initializer++] = t;
    }
    if (f->n_initializer > own) {
        const size_t packed = onnx__model_proto__get_packed_size(m);
        uint8_t *again = malloc(packed + 1);

        onnx__model_proto__pack(m, again);
        status = rs_onnx_read(again, packed, RS_ROUND_ONNX, NULL, NULL, g, err);
        free(again);
    }
    onnx__model_proto__free_unpacked(m, NULL);
    return status;
}

/* docs/operators.md has every operator of the data set: done, or with the reason why not. */
static void listed(const Onnx__ModelProto *m, const char *name)
{
    const char *domain, *op, *where, *what;

    for (size_t i = 0; m != NULL && m->graph != NULL && i < m->graph->n_node; i++) {
        const Onnx__NodeProto *n = m->graph->node[i];
        bool found = n->domain != NULL && *n->domain != 0;          /* another domain's */

        for (int k = 0; !found && rs_onnx_operator(k, &domain, &op, &where, &what); k++)
            found = *domain == 0 && strcmp(op, n->op_type) == 0;
        CHECK(found, "%s: operator %s is not in the list", name, n->op_type);
    }
}

static int models, passed, refused, wrong, exceptional;

static bool claimed(const Onnx__ModelProto *m, char name[80])
{
    const char *domain, *op, *where, *what;

    if (m->graph == NULL || m->graph->n_node != 1)
        return false;
    snprintf(name, 80, "%s", m->graph->node[0]->op_type);
    for (int i = 0; rs_onnx_operator(i, &domain, &op, &where, &what); i++)
        if (strcmp(op, name) == 0 && domain[0] == 0)
            return where != NULL && strcmp(where, "constant") != 0;
    return false;
}

static void one_model(const char *group, const char *name)
{
    char folder[400], path[480], text[300] = "", op[80] = "";
    struct rs_graph *g = NULL;
    struct rs_error err = { 0 };
    size_t size;

    snprintf(folder, sizeof folder, DATA "%s/%s", group, name);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    uint8_t *bytes = read_all(path, &size);

    if (bytes == NULL)
        return;
    models++;
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, size, bytes);
    const bool ours = m != NULL && strcmp(group, "node") == 0 && claimed(m, op);
    listed(m, name);
    rs_status status = rs_onnx_read(bytes, size, RS_ROUND_ONNX, NULL, NULL, &g, &err);

    CHECK((status == RS_OK) == (g != NULL) && (status == RS_OK || err.text[0] != 0), "%s: status %s and no message", name, rs_status_name(status));
    if (status == RS_OK)
        run(g, folder, 0, text);
    rs_graph_destroy(g);
    g = NULL;
    if ((status != RS_OK || text[0] != 0) && m != NULL && m->graph->n_input > 1 && strcmp(group, "node") == 0) {
        struct rs_error second = { 0 };
        const rs_status again = read_bound(bytes, size, folder, 0, &g, &second);

        if (again == RS_OK) {
            status = again;
            run(g, folder, 0, text);
        } else if (second.text[0] != 0) {
            err = second;
        }
        rs_graph_destroy(g);
    }
    if (status == RS_OK && text[0] == 0) {
        passed++;
    } else if (status == RS_OK) {
        wrong++;
        CHECK(false, "%s (%s): %s", name, op, text);
    } else {
        bool known = false;

        refused++;
        for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
            known |= strncmp(name, exceptions[i].prefix, strlen(exceptions[i].prefix)) == 0;
        exceptional += known && ours;
        if (getenv("RS_TEST_VERBOSE") != NULL)
            printf("  refused %s%s: %s\n", ours ? "CLAIMED " : "", name, err.text);
        CHECK(!ours || known, "%s: %s is claimed, and refused: %s", name, op, err.text);
    }
    if (m != NULL)
        onnx__model_proto__free_unpacked(m, NULL);
    free(bytes);
}

static void group_of(const char *group)
{
    char path[300];
    struct dirent **list = NULL;

    snprintf(path, sizeof path, DATA "%s", group);
    const int n = scandir(path, &list, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.')
            one_model(group, list[i]->d_name);
        free(list[i]);
    }
    free(list);
}

TEST(every_model_of_the_data_set_is_computed_or_refused_by_name)
{
    group_of("node");
    group_of("pytorch-converted");
    group_of("pytorch-operator");
    group_of("simple");
    if (models == 0)
        SKIP("libonnx-testdata is not installed");
    printf("  %d models: %d give the data set's outputs, %d refused (%d of them variants of operators that are done), %d wrong\n", models, passed,
           refused, exceptional, wrong);
    CHECK(models >= 1000, "%d models only", models);
}

int main(void)
{
    RUN(every_model_of_the_data_set_is_computed_or_refused_by_name);
    return test_exit();
}

#else

TEST(every_model_of_the_data_set_is_computed_or_refused_by_name)
{
    SKIP("built without protobuf-c");
}

int main(void)
{
    RUN(every_model_of_the_data_set_is_computed_or_refused_by_name);
    return test_exit();
}
#endif
