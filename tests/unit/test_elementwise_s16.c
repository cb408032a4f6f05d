/*
 * test_elementwise_s16.c - int16 operations besides layers: outputs of TensorFlow Lite's reference kernels, the real functions, graphs of
 * them through the writer and the reader, and every error code.
 */
#include <math.h>
#include "kernels.h"
#include "test_graph_build.h"
#include "tflite.h"
#include "tflite_write.h"

/* Made by ai-edge-litert 2.3.0, OpResolverType.BUILTIN_REF; 12 codes each, scales as in the calls below. */
enum { N = 12 };
static const int16_t codes_a[N] = { -32768, 32767, -1, 0, 1, 12345, -23456, 777, -32767, 31000, -5, 20000 };
static const int16_t codes_b[N] = { 32767, 32767, 3, -7, -32768, -999, -12345, 32000, 5, -31000, 16384, 1 };
static const int16_t sum[N] = { -8193, 32767, 1, -4, -19114, 9705, -26748, 19314, -27303, 7750, 9553, 16667 };
static const int16_t difference[N] = { 0, 8192, 0, 4, 19115, 10870, 0, 0, 0, 32767, 0, 16666 };
static const int16_t product[N] = { -32768, 32767, 0, 0, -1, -432, 10135, 870, -6, -32768, -3, 1 };
static const int16_t logistic[N] = { 2, 32766, 16381, 16384, 16387, 31980, 29, 18285, 2, 32765, 16372, 32687 };
static const int16_t logistic_pot[N] = { 11, 32757, 16382, 16384, 16386, 31234, 107, 17933, 11, 32751, 16374, 32521 };
static const int16_t tanh_codes[N] = { -32767, 32767, -11, 0, 11, 32729, -32767, 7502, -32767, 32767, -48, 32767 };
static const int16_t tanh_pot[N] = { -32767, 32767, -16, 0, 16, 32767, -32767, 11868, -32767, 32767, -80, 32767 };
static const int16_t softmax[N] = { 108, 10632, 1073, 1073, 1073, 2545, 208, 1133, 108, 9394, 1073, 4350 };
static const int16_t relu6_codes[N] = { 0, 30000, 0, 0, 2, 18518, 0, 1166, 0, 30000, 0, 30000 };
static const int16_t average[N] = { -22248, 16136, -8193, 15836, -2, 16173, -28112, 15889, -16386, 25500, -5, 20000 };
static const int16_t maximum[N] = { -1, 32767, 1, 31000, 1, 20000, -23456, 31000, -5, 31000, -5, 20000 };

static int b_tensor_s16(struct rs_graph *g, int rank, const int32_t *dim, float scale, const int16_t *data)
{
    int id;
    size_t bytes = sizeof(int16_t);

    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dim[i];
    OK(rs_graph_add_tensor(g, "t", RS_TYPE_S16, rank, dim, data, data != NULL ? bytes : 0, &id, &build_err));
    OK(rs_graph_set_quant(g, id, 1, 0, &scale, NULL, &build_err));
    return id;
}

/* One node on codes_a (and codes_b), as built and as written and read again. */
static void check_node(const char *what, struct rs_node n, float s1, float s2, float s_out, const int16_t *want)
{
    struct rs_graph *g = b_graph(), *back;
    const int32_t *dim = B_DIMS(1, 2, 3, 2);
    const int ids[2] = { b_tensor_s16(g, 4, dim, s1, NULL), s2 != 0 ? b_tensor_s16(g, 4, dim, s2, codes_b) : -1 };
    const int out = b_tensor_s16(g, 4, dim, s_out, NULL);
    uint8_t *file;
    size_t size;

    n.stride_h = n.stride_w = n.dilation_h = n.dilation_w = 1;
    OK(rs_graph_add_node(g, &n, ids, s2 != 0 ? 2 : 1, &out, 1, NULL, &build_err));
    b_finish(g, ids[0], &out, 1);
    OK(rs_tflite_write(g, NULL, &file, &size, &build_err));
    OK(rs_tflite_read(file, size, &back, &build_err));
    for (int read = 0; read < 2; read++) {
        size_t bytes;
        int8_t *got = b_run(read ? back : g, (const int8_t *)codes_a, &bytes);

        CHECK(bytes == sizeof codes_a && memcmp(got, want, bytes) == 0, "%s%s: other codes than TensorFlow Lite's", what, read ? ", read from a file" : "");
        free(got);
    }
    free(file);
    rs_graph_destroy(back);
    rs_graph_destroy(g);
}

TEST(gives_tensorflow_lites_codes)
{
    const struct rs_node window = { .kernel_h = 2, .kernel_w = 2, .pad_same = true };
    struct rs_node pool = window, most = window;

    pool.op = RS_OP_AVERAGE_POOL_2D;
    most.op = RS_OP_MAX_POOL_2D;
    check_node("ADD", (struct rs_node){ .op = RS_OP_ADD }, 0.001f, 0.0007f, 0.0012f, sum);
    check_node("SUB", (struct rs_node){ .op = RS_OP_SUB, .act = RS_ACT_RELU }, 0.001f, 0.0007f, 0.0012f, difference);
    check_node("MUL", (struct rs_node){ .op = RS_OP_MUL }, 0.001f, 0.0007f, 0.02f, product);
    check_node("LOGISTIC", (struct rs_node){ .op = RS_OP_LOGISTIC }, 0.0003f, 0, 1.0f / 32768, logistic);
    check_node("LOGISTIC, a power of two", (struct rs_node){ .op = RS_OP_LOGISTIC }, 1.0f / 4096, 0, 1.0f / 32768, logistic_pot);
    check_node("TANH", (struct rs_node){ .op = RS_OP_TANH }, 0.0003f, 0, 1.0f / 32768, tanh_codes);
    check_node("TANH, a power of two", (struct rs_node){ .op = RS_OP_TANH }, 1.0f / 2048, 0, 1.0f / 32768, tanh_pot);
    check_node("RELU6", (struct rs_node){ .op = RS_OP_RELU6 }, 0.0003f, 0, 0.0002f, relu6_codes);
    check_node("AVERAGE_POOL_2D", pool, 0.01f, 0, 0.01f, average);
    check_node("MAX_POOL_2D", most, 0.01f, 0, 0.01f, maximum);

    struct rs_softmax_s16_quant q;
    int16_t got[N];

    OK(rs_softmax_s16_quant_init(0.7f, 0.0001f, &q, &build_err));
    OK(rs_softmax_s16(1, N, codes_a, &q, got, &build_err));
    CHECK(memcmp(got, softmax, sizeof got) == 0, "SOFTMAX: other codes than TensorFlow Lite's");
}

/* All 65536 codes: the tables are within 3 steps of 2^-15 of the functions, softmax's within 12. */
TEST(functions_are_near_the_real_ones)
{
    static const float scales[] = { 1e-5f, 1.0f / 8192, 1.0f / 4096, 3e-4f, 0.004f, 0.9f };
    static int16_t x[65536], y[65536];

    for (int i = 0; i < 65536; i++)
        x[i] = (int16_t)(i - 32768);
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        struct rs_sigmoid_s16_quant q;
        double far = 0;

        OK(rs_sigmoid_s16_quant_init(scales[s], 0, &q, &build_err));
        OK(rs_logistic_s16(65536, x, &q, y, &build_err));
        for (int i = 0; i < 65536; i++)
            far = fmax(far, fabs(y[i] - 32768 / (1 + exp(-(double)scales[s] * x[i]))));
        OK(rs_sigmoid_s16_quant_init(scales[s], 1, &q, &build_err));
        OK(rs_tanh_s16(65536, x, &q, y, &build_err));
        for (int i = 0; i < 65536; i++)
            far = fmax(far, fabs(y[i] - 32768 * tanh((double)scales[s] * x[i])));
        CHECK(far < 3, "scale %g: %g steps from the real function", (double)scales[s], far);
    }
    struct rs_softmax_s16_quant q;
    double total = 0, far = 0;

    OK(rs_softmax_s16_quant_init(1.0f, 2e-4f, &q, &build_err));
    OK(rs_softmax_s16(64, 1024, x, &q, y, &build_err));
    for (int i = 0; i < 1024; i++)
        total += exp(2e-4 * (x[i] - x[1023]));
    for (int i = 0; i < 1024; i++)
        far = fmax(far, fabs(y[i] - 32768 * exp(2e-4 * (x[i] - x[1023])) / total));
    CHECK(far < 12, "softmax: %g steps from the real function", far);
}

TEST(refuses_what_is_not_in_the_header)
{
    static int16_t x[64], y[64];
    const struct rs_dims d = { .rank = 1, .extent = { 4 } }, wrong = { .rank = 1, .extent = { 3 } };
    const struct rs_conv_shape sh = { .n = 1, .h = 2, .w = 2, .c = 1, .m = 1, .r = 2, .s = 2, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .e = 1, .f = 1 };
    struct rs_add_quant a;
    struct rs_mul_quant m = { .act_min = 1, .act_max = 0, .mult = 1 << 30, .rounding = RS_ROUND_DOUBLE };
    struct rs_sigmoid_s16_quant s;
    struct rs_softmax_s16_quant z = { .mult = 1 << 30 };

    CHECK(rs_add_quant_init_s16(1, 1, 1e-9f, -32768, 32767, &a, NULL) == RS_ERR_RANGE, "an output scale far below");
    OK(rs_add_quant_init_s16(1, 1, 1, -32768, 32767, &a, &build_err));
    CHECK(rs_add_s16(&d, x, &d, x, NULL, &d, y, NULL) == RS_ERR_ARG && rs_sub_s16(&d, NULL, &d, x, &a, &d, y, NULL) == RS_ERR_ARG, "null");
    CHECK(rs_add_s16(&d, x, &wrong, x, &a, &d, y, NULL) == RS_ERR_SHAPE, "extents");
    a.left_shift = 16;
    CHECK(rs_add_s16(&d, x, &d, x, &a, &d, y, NULL) == RS_ERR_RANGE, "a shift past 31 bits");
    CHECK(rs_mul_s16(&d, x, &d, x, &m, &d, y, NULL) == RS_ERR_RANGE, "an empty range");
    CHECK(rs_average_pool_s16(&sh, x, 40000, 40001, y, NULL) == RS_ERR_RANGE && rs_max_pool_s16(&sh, NULL, 0, 1, y, NULL) == RS_ERR_ARG, "pools");
    CHECK(rs_sigmoid_s16_quant_init(1.0f, 0, &s, NULL) == RS_ERR_RANGE && rs_sigmoid_s16_quant_init(0.1f, 2, &s, NULL) == RS_ERR_RANGE, "scales");
    s = (struct rs_sigmoid_s16_quant){ .mult = 40000 };
    CHECK(rs_logistic_s16(4, x, &s, y, NULL) == RS_ERR_RANGE && rs_tanh_s16(4, x, NULL, y, NULL) == RS_ERR_ARG, "sigmoid");
    CHECK(rs_softmax_s16(1, 70000, x, &z, y, NULL) == RS_ERR_RANGE && rs_softmax_s16(0, 4, x, &z, y, NULL) == RS_ERR_RANGE, "softmax");
    CHECK(rs_softmax_s16_quant_init(0, 1, &z, NULL) == RS_ERR_RANGE && rs_softmax_s16_quant_init(1, 1, NULL, NULL) == RS_ERR_ARG, "softmax");
}

int main(void)
{
    RUN(gives_tensorflow_lites_codes);
    RUN(functions_are_near_the_real_ones);
    RUN(refuses_what_is_not_in_the_header);
    return test_exit();
}
