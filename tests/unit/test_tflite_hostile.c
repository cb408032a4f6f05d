/*
 * test_tflite_hostile.c - the TFLite reader against files that are wrong: cut short, flipped, or just not for us.
 *
 * Whatever a file holds, reading, optimizing, planning and running it must end in a status; the sanitizers that the
 * tests are built with say whether a byte was touched that should not be.  An argument replays a seed.
 */
#include "graph.h"
#include "test.h"
#include "test_tflite_writer.h"
#include "tflite.h"

static struct writer file;

/* input 1x6x6x2 -> CONV_2D 3x3 SAME RELU -> ADD with itself through MAX_POOL -> MEAN -> RESHAPE -> FULLY_CONNECTED -> SOFTMAX. */
static int8_t conv_filter[4 * 3 * 3 * 2], dense_filter[3 * 4];
static int32_t conv_bias[4] = { 10, -20, 30, -40 }, dense_bias[3] = { 5, 0, -5 }, axes[2] = { 1, 2 }, shape[2] = { -1, 4 };
static int32_t pads[8] = { 0, 0, 1, 1, 1, 1, 0, 0 };

enum { T_IN, T_PADDED, T_PADS, T_CONV, T_CONV_W, T_CONV_B, T_POOL, T_SUM, T_MEAN, T_AXES, T_FLAT, T_SHAPE, T_DENSE, T_DENSE_W,
       T_DENSE_B, T_OUT, T_COUNT };

static struct tw_model small_model(void)
{
    struct tw_model m = {
        .n_tensors = T_COUNT, .n_ops = 8, .n_in = 1, .n_out = 1, .in = { T_IN }, .out = { T_OUT },
        .tensor = {
            [T_IN]      = { "image", 9, 4, { 1, 6, 6, 2 }, NULL, 0, 1, { 0.5f }, { 3 }, 0 },
            [T_PADDED]  = { "padded", 9, 4, { 1, 8, 8, 2 }, NULL, 0, 1, { 0.5f }, { 3 }, 0 },
            [T_PADS]    = { "pads", 2, 2, { 4, 2 }, pads, sizeof pads, 0, { 0 }, { 0 }, 0 },
            [T_CONV]    = { "conv", 9, 4, { 1, 6, 6, 4 }, NULL, 0, 1, { 0.25f }, { -128 }, 0 },
            [T_CONV_W]  = { "conv/filter", 9, 4, { 4, 3, 3, 2 }, conv_filter, sizeof conv_filter, 4, { 0.01f, 0.02f, 0.03f, 0.04f }, { 0 }, 0 },
            [T_CONV_B]  = { "conv/bias", 2, 1, { 4 }, conv_bias, sizeof conv_bias, 0, { 0 }, { 0 }, 0 },
            [T_POOL]    = { "pool", 9, 4, { 1, 6, 6, 4 }, NULL, 0, 1, { 0.25f }, { -128 }, 0 },
            [T_SUM]     = { "sum", 9, 4, { 1, 6, 6, 4 }, NULL, 0, 1, { 0.5f }, { -128 }, 0 },
            [T_MEAN]    = { "mean", 9, 4, { 1, 1, 1, 4 }, NULL, 0, 1, { 0.25f }, { 0 }, 0 },
            [T_AXES]    = { "axes", 2, 1, { 2 }, axes, sizeof axes, 0, { 0 }, { 0 }, 0 },
            [T_FLAT]    = { "flat", 9, 2, { 1, 4 }, NULL, 0, 1, { 0.25f }, { 0 }, 0 },
            [T_SHAPE]   = { "shape", 2, 1, { 2 }, shape, sizeof shape, 0, { 0 }, { 0 }, 0 },
            [T_DENSE]   = { "dense", 9, 2, { 1, 3 }, NULL, 0, 1, { 0.125f }, { 4 }, 0 },
            [T_DENSE_W] = { "dense/filter", 9, 2, { 3, 4 }, dense_filter, sizeof dense_filter, 1, { 0.05f }, { 0 }, 0 },
            [T_DENSE_B] = { "dense/bias", 2, 1, { 3 }, dense_bias, sizeof dense_bias, 0, { 0 }, { 0 }, 0 },
            [T_OUT]     = { "out", 9, 2, { 1, 3 }, NULL, 0, 1, { 1.0f / 256 }, { -128 }, 0 },
        },
        .op = {
            { 34, 2, { T_IN, T_PADS }, 1, { T_PADDED }, 22, 0, { { 0, 0 } } },
            { 3, 3, { T_PADDED, T_CONV_W, T_CONV_B }, 1, { T_CONV }, 1, 4, { { 0, 1 }, { 1, 1 }, { 2, 1 }, { 3, 1 } } },
            { 17, 1, { T_CONV }, 1, { T_POOL }, 5, 5, { { 0, 0 }, { 1, 1 }, { 2, 1 }, { 3, 3 }, { 4, 3 } } },
            { 0, 2, { T_CONV, T_POOL }, 1, { T_SUM }, 11, 1, { { 0, 0 } } },
            { 40, 2, { T_SUM, T_AXES }, 1, { T_MEAN }, 27, 1, { { 0, 1 } } },
            { 22, 2, { T_MEAN, T_SHAPE }, 1, { T_FLAT }, 17, 0, { { 0, 0 } } },
            { 9, 3, { T_FLAT, T_DENSE_W, T_DENSE_B }, 1, { T_DENSE }, 8, 1, { { 0, 0 } } },
            { 25, 1, { T_DENSE }, 1, { T_OUT }, 9, 1, { { 0, 0x3F800000 } } },
        },
    };

    for (size_t i = 0; i < sizeof conv_filter; i++)
        conv_filter[i] = (int8_t)(i * 37 % 255 - 127);
    for (size_t i = 0; i < sizeof dense_filter; i++)
        dense_filter[i] = (int8_t)(i * 91 % 255 - 127);
    return m;
}

/* Everything a program does with a model; too large ones are not run.  0: refused, 1: read, 2: also run. */
static int use(const uint8_t *bytes, size_t size, struct rs_error *err, int8_t out[3])
{
    struct rs_graph *g = NULL;
    struct rs_memory_plan *plan = NULL;
    int stage = 0;
    uint8_t *exact = malloc(size == 0 ? 1 : size);                   /* so that one byte past the end is seen */

    memcpy(exact, bytes, size);
    memset(err, 0, sizeof *err);
    const rs_status status = rs_tflite_read(exact, size, &g, err);

    free(exact);                                                     /* the graph must not keep a pointer */
    if ((status == RS_OK) != (g != NULL) || (status != RS_OK && (err->status != status || err->text[0] == 0))) {
        printf("  status %s, graph %p, message '%s'\n", rs_status_name(status), (void *)g, err->text);
        abort();
    }
    if (status != RS_OK)
        return 0;
    stage = 1;
    if (rs_graph_optimize(g, RS_PASS_ALL, NULL, err) == RS_OK && rs_memory_plan_create(g, 64, &plan, err) == RS_OK &&
        plan->arena_bytes < 1 << 22 && g->n_inputs < 4 && g->n_outputs < 4) {
        void *in[4] = { NULL }, *to[4] = { NULL }, *arena = aligned_alloc(64, plan->arena_bytes + 64);
        bool fits = rs_graph_total_macs(g) < 1 << 22;

        for (int i = 0; i < g->n_inputs; i++)
            if ((fits = fits && rs_tensor_bytes(&g->tensors[g->inputs[i]]) < 1 << 22))
                in[i] = calloc(rs_tensor_bytes(&g->tensors[g->inputs[i]]), 1);
        for (int i = 0; i < g->n_outputs; i++)
            if ((fits = fits && rs_tensor_bytes(&g->tensors[g->outputs[i]]) < 1 << 22))
                to[i] = calloc(rs_tensor_bytes(&g->tensors[g->outputs[i]]), 1);
        if (fits && rs_graph_run_cpu(g, plan, (const void *const *)in, to, arena, plan->arena_bytes,
                                     &(struct rs_run_options){ .reference = true }, err) == RS_OK) {
            stage = 2;
            if (out != NULL && rs_tensor_bytes(&g->tensors[g->outputs[0]]) == 3)
                memcpy(out, to[0], 3);
        }
        free(arena);
        for (int i = 0; i < 4; i++) {
            free(in[i]);
            free(to[i]);
        }
    }
    rs_memory_plan_destroy(plan);
    rs_graph_destroy(g);
    return stage;
}

TEST(reads_and_runs_the_model_as_it_is)
{
    const struct tw_model m = small_model();
    struct rs_error err;
    int8_t out[3] = { 0 };

    tw_write(&file, &m);
    MUST(use(file.bytes, file.size, &err, out) == 2, "%s", err.text);
    CHECK(out[0] + out[1] + out[2] + 3 * 128 >= 250 && out[0] + out[1] + out[2] + 3 * 128 <= 260,
          "softmax gives %d %d %d, which are no probabilities", out[0], out[1], out[2]);
}

TEST(refuses_every_truncation)
{
    const struct tw_model m = small_model();
    struct rs_error err;

    tw_write(&file, &m);
    for (size_t n = 0; n < file.size; n++) {
        const int stage = use(file.bytes, n, &err, NULL);

        /* The options of the last operation end the file: cutting less than a whole field from them cannot pass either. */
        CHECK(stage == 0, "cut to %zu of %zu bytes: accepted", n, file.size);
        CHECK(stage != 0 || err.status == RS_ERR_FORMAT, "cut to %zu bytes: %s: %s", n, rs_status_name(err.status), err.text);
    }
}

static uint64_t seed = 1;

TEST(survives_flipped_bytes)
{
    const struct tw_model m = small_model();
    static struct writer bad;
    int stages[3] = { 0 };

    tw_write(&file, &m);
    for (int i = 0; i < 20000; i++) {
        struct rs_error err;

        test_rng = seed + (uint64_t)i;
        memcpy(bad.bytes, file.bytes, file.size);
        for (int64_t n = rnd_range(1, 4); n > 0; n--) {
            const size_t at = (size_t)rnd_range(0, (int64_t)file.size - 1);

            switch (rnd_range(0, 3)) {
            case 0: bad.bytes[at] ^= (uint8_t)(1u << rnd_range(0, 7)); break;
            case 1: bad.bytes[at] = (uint8_t)rnd(); break;
            case 2: bad.bytes[at] = (uint8_t)(rnd_range(0, 1) ? 0xFF : 0x80); break;
            default:                                                  /* a whole aligned word */
                for (size_t k = at & ~(size_t)3; k < file.size && k < (at & ~(size_t)3) + 4; k++)
                    bad.bytes[k] = (uint8_t)(rnd_range(0, 1) ? rnd() : k % 4 == 0 ? rnd() : 0);
            }
        }
        stages[use(bad.bytes, file.size, &err, NULL)]++;
    }
    CHECK(stages[0] > 1000 && stages[2] > 1000, "%d refused, %d read, %d run: the flips test little", stages[0], stages[1], stages[2]);
}

TEST(survives_lengths_that_lie)
{
    struct tw_model m = small_model();
    struct rs_error err;

    tw_write(&file, &m);
    /* Any aligned word may be a length: a huge one, and one that just reaches the end. */
    for (size_t at = 8; at + 4 < file.size; at += 4) {
        static struct writer bad;

        memcpy(bad.bytes, file.bytes, file.size);
        w_put(&bad, at, 0x3FFFFFFF, 4);
        use(bad.bytes, file.size, &err, NULL);
        w_put(&bad, at, (uint64_t)(file.size - at) / 4, 4);
        use(bad.bytes, file.size, &err, NULL);
    }
}

static void refused_bytes(const char *want)
{
    struct rs_error err;

    CHECK(use(file.bytes, file.size, &err, NULL) == 0, "accepted, want: %s", want);
    CHECK(strcmp(err.text, want) == 0, "message\n    %s\n  want\n    %s", err.text, want);
}

/* A header and a root table at byte 8 of 4 bytes, whose vtable is at @vtable. */
static void header(uint32_t vtable, uint16_t vtable_bytes, uint16_t table_bytes)
{
    memset(&file, 0, sizeof file);
    w_append(&file, 8, 4);
    w_append(&file, 0x334C4654, 4);
    w_append(&file, 8 - vtable, 4);
    w_append(&file, vtable_bytes, 2);
    w_append(&file, table_bytes, 2);
}

TEST(refuses_vtables_that_cannot_be)
{
    header(12, 10, 4);
    refused_bytes("malformed file of 16 bytes: vtable at byte 12: lies past the end of the file");
    header(12, 4, 5);
    file.size = 16;
    w_put(&file, 14, 9, 2);
    refused_bytes("malformed file of 16 bytes: table at byte 8: lies past the end of the file");
    header(12, 3, 4);
    refused_bytes("malformed file of 16 bytes: vtable at byte 12: its sizes are impossible");
    header(12, 4, 3);
    refused_bytes("malformed file of 16 bytes: vtable at byte 12: its sizes are impossible");
    header((uint32_t)-20, 4, 4);
    refused_bytes("malformed file of 16 bytes: vtable at byte 18446744073709551596: lies past the end of the file");
    header(13, 4, 4);
    refused_bytes("malformed file of 16 bytes: vtable at byte 13: lies past the end of the file");
}

TEST(refuses_a_vector_listed_over_and_over)
{
    enum { OPS = 3000, INPUTS = 5000 };

    memset(&file, 0, sizeof file);
    w_append(&file, 0, 4);
    w_append(&file, 0x334C4654, 4);
    const struct w_table model = w_begin(&file, 5);

    w_put(&file, 0, model.at, 4);
    w_field(&file, model, 0, 3);
    const size_t codes = w_field(&file, model, 1, 0), subgraphs = w_field(&file, model, 2, 0);
    size_t slot = w_vector(&file, codes, 1);

    w_append(&file, 0, 4);
    w_here_table(&file, slot, w_begin(&file, 4));
    slot = w_vector(&file, subgraphs, 1);
    w_append(&file, 0, 4);
    const struct w_table sub = w_begin(&file, 5);

    w_here_table(&file, slot, sub);
    const size_t tensors = w_field(&file, sub, 0, 0), out = w_field(&file, sub, 2, 0), ops = w_field(&file, sub, 3, 0);

    slot = w_vector(&file, tensors, 1);
    w_append(&file, 0, 4);
    w_here_table(&file, slot, w_begin(&file, 6));
    w_vector(&file, out, 1);
    w_append(&file, 0, 4);
    slot = w_vector(&file, ops, OPS);
    file.size += 4 * OPS;
    const struct w_table op = w_begin(&file, 5);

    for (size_t i = 0; i < OPS; i++)
        w_here_table(&file, slot + 4 * i, op);
    w_vector(&file, w_field(&file, op, 1, 0), INPUTS);
    file.size += 4 * INPUTS;
    struct rs_error err;

    CHECK(use(file.bytes, file.size, &err, NULL) == 0 && err.status == RS_ERR_FORMAT &&
          strstr(err.text, "the file lists the same bytes too many times") != NULL, "%s", err.text);
}

static void refused(const struct tw_model *m, rs_status status, const char *text)
{
    struct rs_error err;

    tw_write(&file, m);
    CHECK(use(file.bytes, file.size, &err, NULL) == 0, "accepted, want: %s", text);
    CHECK(err.status == status, "%s, want %s", rs_status_name(err.status), rs_status_name(status));
    CHECK(strcmp(err.text, text) == 0, "message\n    %s\n  want\n    %s", err.text, text);
}

TEST(refuses_another_identifier)
{
    struct tw_model m = small_model();

    m.identifier = "ONNX";
    tw_write(&file, &m);
    char want[200];

    snprintf(want, sizeof want, "malformed file of %zu bytes: header at byte 4: expected the identifier 'TFL3', found 4f 4e 4e 58", file.size);
    refused(&m, RS_ERR_FORMAT, want);
}

TEST(refuses_another_schema_version)
{
    struct tw_model m = small_model();

    m.version = 4;
    refused(&m, RS_ERR_UNSUPPORTED, "TFLite schema version 4, only 3 is supported");
}

TEST(refuses_a_file_of_four_bytes)
{
    struct rs_graph *g;
    struct rs_error err;

    CHECK(rs_tflite_read("TFL3", 4, &g, &err) == RS_ERR_FORMAT && g == NULL, "accepted");
    CHECK(strcmp(err.text, "malformed file of 4 bytes: header at byte 0: a model has at least 8 bytes") == 0, "%s", err.text);
    CHECK(rs_tflite_read(NULL, 4, &g, &err) == RS_ERR_ARG, "NULL accepted");
}

struct listing { int n; char text[4][200]; };

static void note(void *context, int operation, const char *op, const char *output, const char *why)
{
    struct listing *l = context;

    if (l->n < 4)
        snprintf(l->text[l->n], sizeof l->text[0], "%d %s %s %s", operation, op, output, why);
    l->n++;
}

TEST(lists_every_unsupported_operation)
{
    struct tw_model m = small_model();
    struct listing l = { 0 };
    struct rs_graph *g;
    struct rs_error err;

    m.op[2].builtin = 111;                                           /* ELU */
    m.op[3].option[0].value = 4;                                     /* fused TANH */
    m.op[4].builtin = 126 + 50;
    refused(&m, RS_ERR_UNSUPPORTED,
            "3 of 8 operations not supported; operation 2 ELU (output 'pool'): no such operation here; "
            "operation 4 builtin operator 176 (output 'mean'): no such operation here; "
            "operation 3 ADD (output 'sum'): fused activation TANH");
    CHECK(rs_tflite_read_listing(file.bytes, file.size, note, &l, &g, &err) == RS_ERR_UNSUPPORTED, "accepted");
    CHECK(l.n == 3 && strcmp(l.text[0], "2 ELU pool no such operation here") == 0, "%d: %s", l.n, l.text[0]);
}

TEST(refuses_a_convolution_that_reads_float_and_writes_codes)
{
    struct tw_model m = small_model();

    m.tensor[T_IN].type = m.tensor[T_PADDED].type = 0;
    refused(&m, RS_ERR_UNSUPPORTED,
            "1 of 8 operations not supported; operation 1 CONV_2D (output 'conv'): input 'padded' is float32, only int8 is supported");
}

TEST(refuses_float16_weights)
{
    struct tw_model m = small_model();

    m.tensor[T_DENSE_W].type = 1;
    refused(&m, RS_ERR_UNSUPPORTED,
            "1 of 8 operations not supported; operation 6 FULLY_CONNECTED (output 'dense'): tensor 'dense/filter' is float16, which is not supported");
}

TEST(refuses_a_filter_with_a_zero_point)
{
    struct tw_model m = small_model();

    m.tensor[T_CONV_W].zero[2] = 7;
    refused(&m, RS_ERR_UNSUPPORTED,
            "1 of 8 operations not supported; operation 1 CONV_2D (output 'conv'): filter 'conv/filter' has zero point 7, only 0 is supported");
}

TEST(refuses_a_filter_quantized_along_the_wrong_dimension)
{
    struct tw_model m = small_model();

    m.tensor[T_CONV_W].axis = 3;
    refused(&m, RS_ERR_SHAPE, "operation 1 CONV_2D: tensor 'conv/filter': 4 scales along dimension 3, which has extent 2");
}

TEST(refuses_declared_dims_that_do_not_fit)
{
    struct tw_model m = small_model();

    m.tensor[T_CONV].dim[2] = 5;
    refused(&m, RS_ERR_SHAPE, "CONV_2D (operation 1, output 'conv'): the output is declared 1x6x5x4, the inputs make it 1x6x6x4");
}

TEST(refuses_a_bias_that_can_overflow_the_accumulator)
{
    struct tw_model m = small_model();
    static int32_t big[4] = { 0, 0, INT32_MAX - 3, 0 };

    m.tensor[T_CONV_B].data = big;
    refused(&m, RS_ERR_RANGE,
            "CONV_2D (operation 1, output 'conv'): channel 2: bias 2147483644 and 18 taps can overflow a 32-bit accumulator");
}

TEST(refuses_data_of_another_size)
{
    struct tw_model m = small_model();

    m.tensor[T_DENSE_B].bytes = 8;
    refused(&m, RS_ERR_SHAPE, "operation 6 FULLY_CONNECTED: tensor 'dense/bias': 8 bytes of data, its type and dimensions need 12");
}

TEST(refuses_a_cycle)
{
    struct tw_model m = small_model();

    m.op[2].in[0] = T_POOL;
    refused(&m, RS_ERR_FORMAT, "MAX_POOL_2D (operation 2, output 'pool'): reads tensor 'pool', which depends on this operation: a cycle");
}

TEST(refuses_two_writers_and_no_writer)
{
    struct tw_model m = small_model();

    m.tensor[m.n_tensors++] = (struct tw_tensor){ "elsewhere", 9, 4, { 1, 6, 6, 4 }, NULL, 0, 1, { 0.25f }, { -128 }, 0 };
    m.op[2].out[0] = T_COUNT;
    refused(&m, RS_ERR_FORMAT, "ADD (operation 3, output 'sum'): reads tensor 'pool', which no operation writes and which has no data");
    m = small_model();
    m.op[4].in[0] = T_POOL;
    m.op[3].out[0] = T_POOL;
    m.op[3].in[1] = T_CONV;
    refused(&m, RS_ERR_FORMAT, "operation 3 writes tensor 6, which operation 2 writes too");
}

TEST(refuses_options_of_another_operation)
{
    struct tw_model m = small_model();

    m.op[1].options_type = 9;
    refused(&m, RS_ERR_FORMAT, "operation 1 CONV_2D: its options are of kind 9, expected 1");
}

TEST(refuses_an_operator_code_past_the_list)
{
    struct tw_model m = small_model();
    struct rs_error err;

    m.code_shift[3] = 5;
    tw_write(&file, &m);
    CHECK(use(file.bytes, file.size, &err, NULL) == 0 && err.status == RS_ERR_FORMAT &&
          strstr(err.text, "its code index is past the list of operator codes") != NULL, "%s", err.text);
}

TEST(refuses_a_stride_of_zero)
{
    struct tw_model m = small_model();

    m.op[1].option[2].value = 0;
    refused(&m, RS_ERR_RANGE, "CONV_2D (operation 1, output 'conv'): stride_h is 0, expected 1 to 65535");
}

TEST(refuses_a_tensor_id_past_the_list)
{
    struct tw_model m = small_model();

    m.op[3].in[1] = 99;
    refused(&m, RS_ERR_FORMAT, "operation 3: input 1 is tensor 99, the file has 16 tensors");
    m = small_model();
    m.out[0] = -1;
    refused(&m, RS_ERR_FORMAT, "a network output is tensor -1, the file has 16 tensors");
}

TEST(says_which_file_cannot_be_opened)
{
    struct rs_graph *g;
    struct rs_error err;

    CHECK(rs_tflite_load("/nonexistent/model.tflite", &g, &err) == RS_ERR_IO, "opened");
    CHECK(strcmp(err.text, "cannot open /nonexistent/model.tflite: No such file or directory") == 0, "%s", err.text);
}

TEST(does_not_need_operations_that_no_output_needs)
{
    struct tw_model m = small_model();
    struct rs_error err;

    m.tensor[m.n_tensors++] = (struct tw_tensor){ "unused", 9, 2, { 1, 4 }, NULL, 0, 1, { 0.25f }, { 0 }, 0 };
    m.op[m.n_ops++] = (struct tw_op){ 111, 1, { T_FLAT }, 1, { T_COUNT }, 0, 0, { { 0, 0 } } };
    tw_write(&file, &m);
    CHECK(use(file.bytes, file.size, &err, NULL) == 2, "%s", err.text);
}

TEST(takes_a_computed_reshape_from_the_declared_dims)
{
    struct tw_model m = small_model();
    struct rs_error err;

    m.tensor[T_SHAPE].data = NULL;                                   /* PACK of SHAPE, as converters write for a dynamic batch */
    m.op[m.n_ops++] = (struct tw_op){ 83, 1, { T_MEAN }, 1, { T_SHAPE }, 59, 0, { { 0, 0 } } };
    tw_write(&file, &m);
    CHECK(use(file.bytes, file.size, &err, NULL) == 2, "%s", err.text);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    RUN(reads_and_runs_the_model_as_it_is);
    RUN(refuses_every_truncation);
    RUN(survives_flipped_bytes);
    RUN(survives_lengths_that_lie);
    RUN(refuses_vtables_that_cannot_be);
    RUN(refuses_a_vector_listed_over_and_over);
    RUN(refuses_another_identifier);
    RUN(refuses_another_schema_version);
    RUN(refuses_a_file_of_four_bytes);
    RUN(lists_every_unsupported_operation);
    RUN(refuses_a_convolution_that_reads_float_and_writes_codes);
    RUN(refuses_float16_weights);
    RUN(refuses_a_filter_with_a_zero_point);
    RUN(refuses_a_filter_quantized_along_the_wrong_dimension);
    RUN(refuses_declared_dims_that_do_not_fit);
    RUN(refuses_a_bias_that_can_overflow_the_accumulator);
    RUN(refuses_data_of_another_size);
    RUN(refuses_a_cycle);
    RUN(refuses_two_writers_and_no_writer);
    RUN(refuses_options_of_another_operation);
    RUN(refuses_an_operator_code_past_the_list);
    RUN(refuses_a_stride_of_zero);
    RUN(refuses_a_tensor_id_past_the_list);
    RUN(says_which_file_cannot_be_opened);
    RUN(does_not_need_operations_that_no_output_needs);
    RUN(takes_a_computed_reshape_from_the_declared_dims);
    return test_exit();
}
