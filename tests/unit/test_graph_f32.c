/*
 * test_graph_f32.c - float networks on the CPU, node by node, against plain loops in double and values known by hand.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include "kernels_f32.h"
#include "test_graph_build.h"

static struct rs_graph *g;

static int tensor(const char *name, int rank, const int32_t *dim, const float *data)
{
    int id;
    size_t bytes = sizeof *data;

    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dim[i];
    OK(rs_graph_add_tensor(g, name, RS_TYPE_F32, rank, dim, data, data != NULL ? bytes : 0, &id, &build_err));
    return id;
}

static float rnd_float(void) { return (float)rnd_range(-1000, 1000) / 500; }

static float *rnd_floats(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);

    for (int64_t i = 0; i < n; i++)
        x[i] = rnd_float();
    return x;
}

/* One node on constants and the input; the result, owned by the caller; dims[] of it.  NULL: refused, see build_err. */
static float *run(struct rs_node n, const int *in, int n_in, const float *x, struct rs_tensor *result)
{
    const int out = tensor("out", 0, NULL, NULL);
    struct rs_memory_plan *plan;
    float *z;

    n.stride_h += n.stride_h == 0;
    n.stride_w += n.stride_w == 0;
    n.dilation_h += n.dilation_h == 0;
    n.dilation_w += n.dilation_w == 0;
    OK(rs_graph_add_node(g, &n, in, n_in, &out, 1, NULL, &build_err));
    OK(rs_graph_set_io(g, in, 1, &out, 1, &build_err));
    if (rs_graph_prepare(g, &build_err) != RS_OK)
        return NULL;
    OK(rs_memory_plan_create(g, 64, &plan, &build_err));
    void *arena = aligned_alloc(64, plan->arena_bytes + 64);

    *result = g->tensors[out];
    z = malloc(rs_tensor_bytes(result));
    OK(rs_graph_run_cpu(g, plan, (const void *const[]){ x }, (void *const[]){ z }, arena, plan->arena_bytes, NULL, &build_err));
    free(arena);
    rs_memory_plan_destroy(plan);
    return z;
}

static void near(const char *what, int64_t i, float got, double want)
{
    CHECK(fabs((double)got - want) <= 1e-4 * (1 + fabs(want)), "%s: element %lld: got %g, want %g", what, (long long)i, (double)got, want);
}

TEST(convolutions_of_random_shapes)
{
    for (int round = 0; round < 300; round++) {
        test_rng = (uint64_t)round;
        const bool depthwise = round % 3 == 0;
        const int32_t N = (int32_t)rnd_range(1, 3), H = (int32_t)rnd_range(1, 9), W = (int32_t)rnd_range(1, 40), C = (int32_t)rnd_range(1, 9);
        const int32_t k = (int32_t)rnd_range(1, 2), M = depthwise ? C * k : (int32_t)rnd_range(1, 19);
        const int32_t R = (int32_t)rnd_range(1, 3), S = (int32_t)rnd_range(1, 3);
        struct rs_node n = { .op = depthwise ? RS_OP_DEPTHWISE_CONV2D : RS_OP_CONV2D, .stride_h = (int32_t)rnd_range(1, 2),
                             .stride_w = (int32_t)rnd_range(1, 3), .dilation_h = (int32_t)rnd_range(1, 2), .dilation_w = (int32_t)rnd_range(1, 2),
                             .pad_top = (int32_t)rnd_range(0, 2), .pad_left = (int32_t)rnd_range(0, 2), .pad_bottom = 4, .pad_right = 4,
                             .act = (enum rs_activation)rnd_range(0, 3) };
        float *x = rnd_floats((int64_t)N * H * W * C), *w = rnd_floats((int64_t)R * S * M * (depthwise ? 1 : C)), *b = rnd_floats(M);
        struct rs_tensor out;

        g = b_graph();
        const int in = tensor("in", 4, B_DIMS(N, H, W, C), NULL);
        const int filter = depthwise ? tensor("w", 4, B_DIMS(1, R, S, M), w) : tensor("w", 4, B_DIMS(M, R, S, C), w);
        const bool biased = rnd_range(0, 3) != 0;
        const int bias = biased ? tensor("b", 1, B_DIMS(M), b) : -1;
        float *z = run(n, (const int[]){ in, filter, bias }, 3, x, &out);

        MUST(z != NULL, "round %d: %s", round, build_err.text);
        for (int64_t o = 0; o < rs_tensor_elements(&out); o++) {
            const int64_t m = o % M, f = o / M % out.dim[2], e = o / M / out.dim[2] % out.dim[1], i = o / M / out.dim[2] / out.dim[1];
            double sum = biased ? b[m] : 0;

            for (int64_t r = 0; r < R; r++)
                for (int64_t s = 0; s < S; s++)
                    for (int64_t c = 0; c < C; c++) {
                        const int64_t y = e * n.stride_h + r * n.dilation_h - n.pad_top, v = f * n.stride_w + s * n.dilation_w - n.pad_left;

                        if (y < 0 || y >= H || v < 0 || v >= W || (depthwise && c != m / k))
                            continue;
                        sum += (double)x[((i * H + y) * W + v) * C + c] * (depthwise ? w[(r * S + s) * M + m] : w[((m * R + r) * S + s) * C + c]);
                    }
            if (n.act != RS_ACT_NONE)
                sum = fmin(fmax(sum, n.act == RS_ACT_RELU_N1_TO_1 ? -1 : 0), n.act == RS_ACT_RELU ? INFINITY : n.act == RS_ACT_RELU6 ? 6 : 1);
            near("convolution", o, z[o], sum);
        }
        free(x);
        free(w);
        free(b);
        free(z);
        rs_graph_destroy(g);
    }
}

TEST(matrix_products_transposed_and_broadcast)
{
    for (int round = 0; round < 100; round++) {
        test_rng = (uint64_t)round;
        const int32_t A = (int32_t)rnd_range(1, 3), B = (int32_t)rnd_range(1, 3), M = (int32_t)rnd_range(1, 9), N = (int32_t)rnd_range(1, 17),
                      K = (int32_t)rnd_range(1, 20);
        const bool tx = rnd_range(0, 1), ty = rnd_range(0, 1), shared = rnd_range(0, 1);
        float *x = rnd_floats((int64_t)A * B * M * K), *y = rnd_floats((int64_t)(shared ? 1 : A * B) * K * N);
        struct rs_tensor out;

        g = b_graph();
        const int in = tensor("x", 4, B_DIMS(A, B, tx ? K : M, tx ? M : K), NULL);
        const int in2 = shared ? tensor("y", 2, B_DIMS(ty ? N : K, ty ? K : N), y) : tensor("y", 4, B_DIMS(A, B, ty ? N : K, ty ? K : N), y);
        float *z = run((struct rs_node){ .op = RS_OP_BATCH_MATMUL, .adjoint_x = tx, .adjoint_y = ty }, (const int[]){ in, in2 }, 2, x, &out);

        MUST(z != NULL, "%s", build_err.text);
        MUST(out.rank == 4 && out.dim[2] == M && out.dim[3] == N, "output dims");
        for (int64_t o = 0; o < rs_tensor_elements(&out); o++) {
            const int64_t j = o % N, i = o / N % M, p = o / N / M;
            const float *a = x + p * M * K, *b = y + (shared ? 0 : p) * K * N;
            double sum = 0;

            for (int64_t c = 0; c < K; c++)
                sum += (double)(tx ? a[c * M + i] : a[i * K + c]) * (ty ? b[j * K + c] : b[c * N + j]);
            near("product", o, z[o], sum);
        }
        free(x);
        free(y);
        free(z);
        rs_graph_destroy(g);
    }
}

/* @n on a rank 2 input of 2 x 3 and up to four constants of @constants (each 3 wide). */
static void expect(const char *what, struct rs_node n, const float *x, const float *const *constants, int n_constants, const float *want, int n_want)
{
    int in[5];
    struct rs_tensor out;

    g = b_graph();
    in[0] = tensor("x", 2, B_DIMS(2, 3), NULL);
    for (int i = 0; i < n_constants; i++)
        in[i + 1] = tensor("c", 1, B_DIMS(3), constants[i]);
    float *z = run(n, in, n_constants + 1, x, &out);

    MUST(z != NULL, "%s: %s", what, build_err.text);
    MUST(rs_tensor_elements(&out) == n_want, "%s: %lld elements", what, (long long)rs_tensor_elements(&out));
    for (int i = 0; i < n_want; i++)
        near(what, i, z[i], want[i]);
    free(z);
    rs_graph_destroy(g);
}

#define EXPECT(node, constants, n_constants, ...) \
    expect(#node, (struct rs_node){ .op = node }, x, constants, n_constants, (const float[]){ __VA_ARGS__ }, 6)

TEST(elementwise_functions_have_known_values)
{
    const float x[6] = { -4, -1, 0, 0.5f, 2, 8 }, y[3] = { 2, -4, 0.5f }, one[3] = { 1, 1, 1 }, zero[3] = { 0 };
    const float *const by[1] = { y }, *const with[4] = { y, one, zero, one };
    const float positive[6] = { 0.25f, 1, 4, 9, 16, 100 };

    EXPECT(RS_OP_ADD, by, 1, -2, -5, 0.5f, 2.5f, -2, 8.5f);
    EXPECT(RS_OP_SUB, by, 1, -6, 3, -0.5f, -1.5f, 6, 7.5f);
    EXPECT(RS_OP_MUL, by, 1, -8, 4, 0, 1, -8, 4);
    EXPECT(RS_OP_DIV, by, 1, -2, 0.25f, 0, 0.25f, -0.5f, 16);
    EXPECT(RS_OP_MAXIMUM, by, 1, 2, -1, 0.5f, 2, 2, 8);
    EXPECT(RS_OP_MINIMUM, by, 1, -4, -4, 0, 0.5f, -4, 0.5f);
    EXPECT(RS_OP_SQUARED_DIFFERENCE, by, 1, 36, 9, 0.25f, 2.25f, 36, 56.25f);
    EXPECT(RS_OP_RELU, NULL, 0, 0, 0, 0, 0.5f, 2, 8);
    EXPECT(RS_OP_RELU6, NULL, 0, 0, 0, 0, 0.5f, 2, 6);
    EXPECT(RS_OP_RELU_N1_TO_1, NULL, 0, -1, -1, 0, 0.5f, 1, 1);
    EXPECT(RS_OP_HARD_SWISH, NULL, 0, 0, -1.0f / 3, 0, 0.2916667f, 5.0f / 3, 8);
    EXPECT(RS_OP_LOGISTIC, NULL, 0, 0.01798621f, 0.26894142f, 0.5f, 0.62245933f, 0.88079708f, 0.99966465f);
    EXPECT(RS_OP_TANH, NULL, 0, -0.9993293f, -0.7615942f, 0, 0.46211716f, 0.96402758f, 0.99999977f);
    EXPECT(RS_OP_ERF, NULL, 0, -0.99999998f, -0.84270079f, 0, 0.52049988f, 0.99532227f, 1);
    EXPECT(RS_OP_EXP, NULL, 0, 0.01831564f, 0.36787944f, 1, 1.6487213f, 7.3890561f, 2980.958f);
    EXPECT(RS_OP_GELU, NULL, 0, -0.00012669f, -0.15865525f, 0, 0.34573123f, 1.9544997f, 8);
    expect("GELU by tanh", (struct rs_node){ .op = RS_OP_GELU, .approximate = true }, x, NULL, 0,
           (const float[]){ -0.00007025f, -0.15880801f, 0, 0.34571401f, 1.9545977f, 8 }, 6);
    expect("LEAKY_RELU", (struct rs_node){ .op = RS_OP_LEAKY_RELU, .beta = 0.25f }, x, NULL, 0, (const float[]){ -1, -0.25f, 0, 0.5f, 2, 8 }, 6);
    expect("SQRT", (struct rs_node){ .op = RS_OP_SQRT }, positive, NULL, 0, (const float[]){ 0.5f, 1, 2, 3, 4, 10 }, 6);
    expect("RSQRT", (struct rs_node){ .op = RS_OP_RSQRT }, positive, NULL, 0, (const float[]){ 2, 1, 0.5f, 1.0f / 3, 0.25f, 0.1f }, 6);
    expect("SOFTMAX", (struct rs_node){ .op = RS_OP_SOFTMAX, .beta = 1 }, (const float[]){ 0, 0, 0, 0, 1, 1000 }, NULL, 0,
           (const float[]){ 1.0f / 3, 1.0f / 3, 1.0f / 3, 0, 0, 1 }, 6);
    expect("BATCH_NORM", (struct rs_node){ .op = RS_OP_BATCH_NORM, .epsilon = 3 }, x, with, 4, (const float[]){ -3, 3, 1, 1.5f, -3, 3 }, 6);
    expect("LAYER_NORM", (struct rs_node){ .op = RS_OP_LAYER_NORM, .epsilon = 0 }, (const float[]){ 1, 2, 3, 10, 20, 30 }, with, 2,
           (const float[]){ -1.4494897f, 1, 1.6123724f, -1.4494897f, 1, 1.6123724f }, 6);
    expect("MEAN", (struct rs_node){ .op = RS_OP_MEAN, .n_axes = 1, .axis = { 1 } }, x, NULL, 0, (const float[]){ -5.0f / 3, 3.5f }, 2);
}

TEST(elements_move_as_int8_codes_do)
{
    for (int round = 0; round < 200; round++) {
        test_rng = (uint64_t)round;
        const int32_t dim[4] = { (int32_t)rnd_range(1, 3), (int32_t)rnd_range(1, 5), (int32_t)rnd_range(1, 5), (int32_t)rnd_range(1, 5) };
        int64_t count = (int64_t)dim[0] * dim[1] * dim[2] * dim[3];
        struct rs_node n = { .op = (enum rs_op[]){ RS_OP_PAD, RS_OP_TRANSPOSE, RS_OP_SLICE, RS_OP_RESIZE_NEAREST, RS_OP_CONCAT }[round % 5] };
        float *x = malloc((size_t)count * sizeof *x);
        int8_t *codes = malloc((size_t)count);

        for (int64_t i = 0; i < count; i++)
            x[i] = codes[i] = (int8_t)rnd_range(-128, 127);
        n.pad_value = (float)(n.pad_code = (int32_t)rnd_range(-9, 9));
        n.n_axes = n.op == RS_OP_TRANSPOSE ? 4 : 0;
        n.n_shape = n.op == RS_OP_SLICE ? 4 : 2;
        for (int i = 0; i < 4; i++) {
            n.axis[i] = (i + round) % 4;
            n.before[i] = n.op == RS_OP_SLICE ? (int32_t)rnd_range(0, dim[i] - 1) : (int32_t)rnd_range(0, 2);
            n.after[i] = (int32_t)rnd_range(1, 2);
            n.shape[i] = n.op == RS_OP_SLICE ? (dim[i] - 1 - n.before[i]) / n.after[i] + 1 : (int32_t)rnd_range(1, 9);
        }
        struct rs_tensor out;

        g = b_graph();
        const int in = tensor("in", 4, dim, NULL);
        float *z = run(n, (const int[]){ in, in, in }, n.op == RS_OP_CONCAT ? 3 : 1, x, &out);

        MUST(z != NULL, "round %d: %s", round, build_err.text);
        rs_graph_destroy(g);
        g = b_graph();
        const int in8 = b_tensor(g, "in", 4, dim, 1, 0, NULL);
        const int out8 = b_node(g, n, (const int[]){ in8, in8, in8 }, n.op == RS_OP_CONCAT ? 3 : 1, 1, 0);
        struct rs_memory_plan *plan;
        int8_t *want = malloc((size_t)rs_tensor_elements(&out));

        b_finish(g, in8, &out8, 1);
        OK(rs_memory_plan_create(g, 64, &plan, &build_err));
        void *arena = aligned_alloc(64, plan->arena_bytes + 64);

        OK(rs_graph_run_cpu(g, plan, (const void *const[]){ codes }, (void *const[]){ want }, arena, plan->arena_bytes, NULL, &build_err));
        for (int64_t i = 0; i < rs_tensor_elements(&out); i++)
            CHECK(z[i] == want[i], "round %d, %s: element %lld: got %g, want %d", round, rs_op_name(n.op), (long long)i, (double)z[i], want[i]);
        free(arena);
        free(want);
        free(codes);
        free(x);
        free(z);
        rs_memory_plan_destroy(plan);
        rs_graph_destroy(g);
    }
}

TEST(pools_leave_out_what_lies_outside)
{
    const float x[4] = { 1, -2, 3, -4 };
    const struct rs_node pool = { .kernel_h = 2, .kernel_w = 2, .pad_bottom = 1, .pad_right = 1 };
    struct rs_node n = pool;
    struct rs_tensor out;
    const struct { enum rs_op op; float want[4]; } cases[] = {
        { RS_OP_AVERAGE_POOL_2D, { -0.5f, -3, -0.5f, -4 } }, { RS_OP_MAX_POOL_2D, { 3, -2, 3, -4 } } };

    for (int i = 0; i < 2; i++) {
        g = b_graph();
        const int in = tensor("in", 4, B_DIMS(1, 2, 2, 1), NULL);

        n.op = cases[i].op;
        float *z = run(n, &in, 1, x, &out);

        MUST(z != NULL, "%s", build_err.text);
        for (int k = 0; k < 4; k++)
            CHECK(z[k] == cases[i].want[k], "%s, element %d: got %g, want %g", rs_op_name(n.op), k, (double)z[k], (double)cases[i].want[k]);
        free(z);
        rs_graph_destroy(g);
    }
}

/* conv -> RELU -> PAD -> conv: passes must not touch a value. */
TEST(passes_keep_float_results)
{
    float *w1 = rnd_floats(4 * 9 * 2), *w2 = rnd_floats(3 * 9 * 4), *x = rnd_floats(2 * 6 * 6 * 2), z[2][2 * 6 * 6 * 3];
    int changed = 0;

    for (int optimized = 0; optimized < 2; optimized++) {
        struct rs_memory_plan *plan;
        struct rs_node conv = { .op = RS_OP_CONV2D, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_same = true };

        g = b_graph();
        const int in = tensor("in", 4, B_DIMS(2, 6, 6, 2), NULL), f1 = tensor("f1", 4, B_DIMS(4, 3, 3, 2), w1), f2 = tensor("f2", 4, B_DIMS(3, 3, 3, 4), w2);
        const int t[4] = { tensor("a", 0, NULL, NULL), tensor("b", 0, NULL, NULL), tensor("c", 0, NULL, NULL), tensor("d", 0, NULL, NULL) };

        OK(rs_graph_add_node(g, &conv, (const int[]){ in, f1 }, 2, &t[0], 1, NULL, &build_err));
        OK(rs_graph_add_node(g, &(struct rs_node){ .op = RS_OP_RELU }, &t[0], 1, &t[1], 1, NULL, &build_err));
        OK(rs_graph_add_node(g, &(struct rs_node){ .op = RS_OP_PAD, .before = { 0, 1, 1 }, .after = { 0, 1, 1 } }, &t[1], 1, &t[2], 1, NULL, &build_err));
        conv.pad_same = false;
        OK(rs_graph_add_node(g, &conv, (const int[]){ t[2], f2 }, 2, &t[3], 1, NULL, &build_err));
        b_finish(g, in, &t[3], 1);
        if (optimized)
            OK(rs_graph_optimize(g, RS_PASS_ALL, &changed, &build_err));
        CHECK(!optimized || g->n_nodes == 2, "%d nodes left, RELU and PAD join their neighbours", g->n_nodes);
        OK(rs_memory_plan_create(g, 64, &plan, &build_err));
        void *arena = aligned_alloc(64, plan->arena_bytes + 64);

        OK(rs_graph_run_cpu(g, plan, (const void *const[]){ x }, (void *const[]){ z[optimized] }, arena, plan->arena_bytes, NULL, &build_err));
        free(arena);
        rs_memory_plan_destroy(plan);
        rs_graph_destroy(g);
    }
    CHECK(memcmp(z[0], z[1], sizeof z[0]) == 0, "the optimized graph computes something else");
    free(w1);
    free(w2);
    free(x);
}

TEST(rejects_mixed_types_and_float_operations_on_codes)
{
    const int8_t code = 1;
    struct rs_tensor out;
    struct rs_node div = { .op = RS_OP_DIV };

    g = b_graph();
    const int x = tensor("x", 1, B_DIMS(1), NULL), y = b_tensor(g, "y", 1, B_DIMS(1), 1, 0, &code);

    CHECK(run(div, (const int[]){ x, y }, 2, NULL, &out) == NULL && strstr(build_err.text, "is int8, only float32") != NULL, "%s", build_err.text);
    rs_graph_destroy(g);
    g = b_graph();
    const int a = b_tensor(g, "a", 1, B_DIMS(1), 1, 0, NULL), b = b_node(g, div, (const int[]){ a, a }, 2, 1, 0);

    OK(rs_graph_set_io(g, &a, 1, &b, 1, &build_err));
    CHECK(rs_graph_prepare(g, &build_err) == RS_ERR_UNSUPPORTED && strstr(build_err.text, "only float32") != NULL, "%s", build_err.text);
    rs_graph_destroy(g);
}

int main(void)
{
    RUN(convolutions_of_random_shapes);
    RUN(matrix_products_transposed_and_broadcast);
    RUN(elementwise_functions_have_known_values);
    RUN(elements_move_as_int8_codes_do);
    RUN(pools_leave_out_what_lies_outside);
    RUN(passes_keep_float_results);
    RUN(rejects_mixed_types_and_float_operations_on_codes);
    return test_exit();
}
