/*
 * test_attention.c [SEED [PRODUCTS]] - matrix products of two activations through the public API: the host packs one operand, the array
 * multiplies; on emu, sim and from a compiled model, against the reference kernels on the CPU.
 */
#include <unistd.h>
#include "rowstation.h"
#include "tflite_write.h"
#include "../unit/test_graph_build.h"

static uint64_t seed = 20261121;
static int products = 40;

static char path[64] = "/tmp/rs_attention_XXXXXX";     /* of compiled models */

enum { ITEMS = 2 };

/* @graph as a model of @target; NULL with a message. */
static struct rs_model *load(struct rs_device *d, const struct rs_graph *graph, bool reference)
{
    struct rs_model *m = NULL;
    struct rs_error err;
    uint8_t *bytes;
    size_t size;

    OK(rs_tflite_write(graph, NULL, &bytes, &size, &build_err));
    CHECK(rs_model_load_memory(d, bytes, size, &(struct rs_load_options){ .reference = reference }, &m, &err) == RS_OK, "%s", err.text);
    free(bytes);
    return m;
}

/* On preset default, clocks within 10 % or 200 a layer of the prediction. */
static bool run(struct rs_model *m, const int8_t *input, int8_t *output)
{
    struct rs_request *request = NULL;
    const struct rs_report *report = NULL;
    struct rs_error err;
    const bool ok = rs_submit(m, (const void *[]){ input }, (void *[]){ output }, ITEMS, &request, &err) == RS_OK && rs_wait(request, 600000, &err) == RS_OK &&
                    rs_request_report(request, &report, &err) == RS_OK;

    CHECK(ok, "%s", err.text);
    if (ok) {
        const uint64_t counted = report->cycles, predicted = report->cycles_predicted, apart = counted > predicted ? counted - predicted : predicted - counted;
        int layers = 0;

        for (uint32_t i = 0; i < report->n_layers; i++)
            layers += report->layers[i].where == RS_WHERE_ARRAY;
        CHECK(strcmp(report->preset, "default") != 0 || 10 * apart <= counted || apart <= 200 * ITEMS * (uint64_t)layers, "%llu clocks predicted, %llu counted", (unsigned long long)predicted, (unsigned long long)counted);
    }
    rs_request_free(request);
    return ok;
}

static int array_products(const struct rs_model *m)
{
    uint32_t n = 0;
    const struct rs_layer_report *layers = rs_model_layers(m, &n);
    int found = 0;

    for (uint32_t i = 0; i < n; i++)
        found += layers[i].where == RS_WHERE_ARRAY && strncmp(layers[i].op, "BATCH_MATMUL", 12) == 0;
    return found;
}

/* Two items of @graph on @target, straight and compiled, bit for bit what the reference kernels give.  @wanted: products on the array. */
static void check_graph(const char *target, const struct rs_graph *graph, int wanted)
{
    const size_t in_bytes = rs_tensor_bytes(&graph->tensors[graph->inputs[0]]), out_bytes = rs_tensor_bytes(&graph->tensors[graph->outputs[0]]);
    int8_t *input = malloc(ITEMS * in_bytes), *want = malloc(ITEMS * out_bytes), *got = malloc(ITEMS * out_bytes);
    struct rs_device *cpu = NULL, *d = NULL;
    struct rs_model *model = NULL, *reference = NULL, *compiled = NULL;
    struct rs_error err;

    for (size_t i = 0; i < ITEMS * in_bytes; i++)
        input[i] = (int8_t)rnd_range(-128, 127);
    if (rs_open("cpu", NULL, &cpu, &err) != RS_OK || rs_open(target, NULL, &d, &err) != RS_OK)
        CHECK(false, "%s", err.text);
    else if ((reference = load(cpu, graph, true)) != NULL && (model = load(d, graph, false)) != NULL && run(reference, input, want)) {
        CHECK(array_products(model) == wanted, "%d products on the array, %d wanted", array_products(model), wanted);
        CHECK(run(model, input, got) && memcmp(got, want, ITEMS * out_bytes) == 0, "%s: other codes than the reference's", target);
        memset(got, 0x55, ITEMS * out_bytes);
        CHECK(rs_model_save(model, path, &err) == RS_OK && rs_model_load(d, path, NULL, &compiled, &err) == RS_OK, "%s", err.text);
        CHECK(compiled == NULL || (run(compiled, input, got) && memcmp(got, want, ITEMS * out_bytes) == 0), "%s, compiled: other codes than the reference's", target);
    }
    rs_model_free(reference);
    rs_model_free(model);
    rs_model_free(compiled);
    rs_close(cpu);
    rs_close(d);
    free(input);
    free(want);
    free(got);
}

/* Part @index of @parts of the input, by way of a requantization to a zero point of its own. */
static int b_part(struct rs_graph *g, int input, const int32_t *begin, const int32_t *dim, float scale, int32_t zp)
{
    struct rs_node slice = { .op = RS_OP_SLICE, .n_shape = 4, .after = { 1, 1, 1, 1 } };

    memcpy(slice.before, begin, sizeof *begin * 4);
    memcpy(slice.shape, dim, sizeof *dim * 4);
    const int x = b_node(g, slice, &input, 1, g->tensors[input].quant.scale[0], g->tensors[input].quant.zero_point[0]);

    return b_node(g, (struct rs_node){ .op = RS_OP_QUANTIZE }, &x, 1, scale, zp);
}

/* A random product: shapes, matrices transposed or shared, zero points with their extremes. */
static struct rs_graph *random_product(void)
{
    static const int32_t extremes[] = { 0, -128, 127, -127, 1 };
    struct rs_graph *g = b_graph();
    const int32_t heads = (int32_t)rnd_range(1, 4), rows = (int32_t)rnd_range(1, 80), k = (int32_t)rnd_range(1, 80), n = (int32_t)rnd_range(1, 80);
    const int32_t others = rnd_range(0, 3) == 0 ? 1 : heads, tall = rows > n ? rows : n;
    const bool adj_x = rnd_range(0, 3) == 0, adj_y = rnd_range(0, 1);
    const int32_t zp_x = rnd_range(0, 1) ? extremes[rnd_range(0, 4)] : (int32_t)rnd_range(-128, 127);
    const int32_t zp_y = rnd_range(0, 1) ? extremes[rnd_range(0, 4)] : (int32_t)rnd_range(-128, 127);
    const int input = b_tensor(g, "in", 4, B_DIMS(1, 2 * heads, tall > k ? tall : k, tall > k ? tall : k), 0.05f, 3, NULL);
    const int x = b_part(g, input, B_DIMS(0, 0, 0, 0), adj_x ? B_DIMS(1, heads, k, rows) : B_DIMS(1, heads, rows, k), 0.07f, zp_x);
    const int y = b_part(g, input, B_DIMS(0, heads, 0, 0), adj_y ? B_DIMS(1, others, n, k) : B_DIMS(1, others, k, n), 0.06f, zp_y);
    const int z = b_node(g, (struct rs_node){ .op = RS_OP_BATCH_MATMUL, .adjoint_x = adj_x, .adjoint_y = adj_y }, (const int[]){ x, y }, 2, 0.3f, b_zp());

    b_finish(g, input, &z, 1);
    return g;
}

/* softmax(Q K^T) V between two fully connected layers, as a transformer has it; zero points other than 0. */
static struct rs_graph *attention_block(int32_t tokens, int32_t heads, int32_t each)
{
    struct rs_graph *g = b_graph();
    const int32_t depth = heads * each;
    const int input = b_tensor(g, "tokens", 2, B_DIMS(tokens, depth), 0.05f, -5, NULL);
    int part[3], x;

    for (int i = 0; i < 3; i++) {
        const int w = b_weights(g, 2, B_DIMS(depth, depth), 0), b = b_bias(g, depth);
        const float scale = 0.05f;
        const int32_t zp = 3 - 4 * i;

        x = b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED }, (const int[]){ input, w, b }, 3, scale, zp);
        x = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 4, .shape = { 1, tokens, heads, each } }, &x, 1, scale, zp);
        part[i] = b_node(g, (struct rs_node){ .op = RS_OP_TRANSPOSE, .n_axes = 4, .axis = { 0, 2, 1, 3 } }, &x, 1, scale, zp);
    }
    x = b_node(g, (struct rs_node){ .op = RS_OP_BATCH_MATMUL, .adjoint_y = true }, part, 2, 0.4f, 7);
    x = b_node(g, (struct rs_node){ .op = RS_OP_SOFTMAX, .beta = 0.5f, .n_axes = 1, .axis = { 3 } }, &x, 1, 1.0f / 256, -128);
    x = b_node(g, (struct rs_node){ .op = RS_OP_BATCH_MATMUL }, (const int[]){ x, part[2] }, 2, 0.05f, -9);
    x = b_node(g, (struct rs_node){ .op = RS_OP_TRANSPOSE, .n_axes = 4, .axis = { 0, 2, 1, 3 } }, &x, 1, 0.05f, -9);
    x = b_node(g, (struct rs_node){ .op = RS_OP_RESHAPE, .n_shape = 2, .shape = { tokens, depth } }, &x, 1, 0.05f, -9);
    const int w = b_weights(g, 2, B_DIMS(depth, depth), 0), b = b_bias(g, depth);

    x = b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED }, (const int[]){ x, w, b }, 3, 0.2f, 11);
    b_finish(g, input, &x, 1);
    return g;
}

static bool there(const char *target)
{
    struct rs_device *d = NULL;
    const bool yes = rs_open(target, NULL, &d, NULL) == RS_OK;

    rs_close(d);
    return yes;
}

static void check_random(const char *target, int n)
{
    for (int i = 0; i < n && test_failed_checks == 0; i++) {
        test_rng = seed * 7919 + (uint64_t)i;
        struct rs_graph *g = random_product();

        check_graph(target, g, 1);
        rs_graph_destroy(g);
        if (test_failed_checks != 0)
            printf("  %s: replay: test_attention %llu (product %d)\n", target, (unsigned long long)seed, i);
    }
}

static void check_block(const char *target, int32_t tokens, int32_t heads, int32_t each)
{
    test_rng = seed;
    struct rs_graph *g = attention_block(tokens, heads, each);

    check_graph(target, g, 2);
    rs_graph_destroy(g);
}

TEST(random_products_on_emu)
{
    if (!there("emu:default"))
        SKIP("emu:default is not built");
    check_random("emu:default", products);
}

TEST(random_products_on_emu_of_few_rows)
{
    if (!there("emu:eyeriss"))
        SKIP("emu:eyeriss is not built");
    check_random("emu:eyeriss", products / 4);
}

TEST(random_products_on_sim)
{
    if (!there("sim:default"))
        SKIP("sim:default is not built");
    check_random("sim:default", 3);
}

TEST(attention_block_on_emu)
{
    if (!there("emu:default"))
        SKIP("emu:default is not built");
    check_block("emu:default", 50, 3, 32);
    check_block("emu:default", 17, 2, 20);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        products = atoi(argv[2]);
    const int file = mkstemp(path);

    if (file < 0)
        return 1;
    close(file);
    RUN(random_products_on_emu);
    RUN(random_products_on_emu_of_few_rows);
    RUN(random_products_on_sim);
    RUN(attention_block_on_emu);
    remove(path);
    return test_exit();
}
