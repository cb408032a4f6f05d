/*
 * test_tflite_ops.c - every operation that the TFLite reader knows, from file to output, against values worked out here
 * by hand or by plain loops that share nothing with the reader or the kernels.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include "graph.h"
#include "test.h"
#include "test_tflite_writer.h"
#include "tflite.h"

static struct writer file;
static struct tw_model m;

static struct tw_tensor codes(const char *name, int rank, const int32_t *dim, float scale, int64_t zp)
{
    struct tw_tensor t = { .name = name, .type = 9, .rank = rank, .scales = 1, .scale = { scale }, .zero = { zp } };

    memcpy(t.dim, dim, (size_t)rank * sizeof *dim);
    return t;
}

static struct tw_tensor ints(const char *name, const int32_t *v, int n)
{
    return (struct tw_tensor){ .name = name, .type = 2, .rank = 1, .dim = { n }, .data = v, .bytes = (size_t)n * sizeof *v };
}

#define D(...) (const int32_t[]){ __VA_ARGS__ }

static int add(struct tw_tensor t)
{
    m.tensor[m.n_tensors] = t;
    return m.n_tensors++;
}

static void op(struct tw_op o)
{
    m.op[m.n_ops++] = o;
}

static void begin(struct tw_tensor in)
{
    memset(&m, 0, sizeof m);
    m.n_in = m.n_out = 1;
    m.in[0] = add(in);
}

/* Runs the model; @out gets the first output (and, if there are more, the others after it). */
static bool run(const void *in, void *out, size_t out_bytes)
{
    struct rs_error err = { 0 };
    struct rs_graph *g = NULL;
    struct rs_memory_plan *plan = NULL;
    void *to[4];
    size_t at = 0;

    tw_write(&file, &m);
    if (rs_tflite_read(file.bytes, file.size, &g, &err) != RS_OK || rs_memory_plan_create(g, 64, &plan, &err) != RS_OK) {
        CHECK(false, "%s", err.text);
        rs_graph_destroy(g);
        return false;
    }
    uint8_t *all = calloc(1, 65536);

    for (int i = 0; i < g->n_outputs; i++) {
        to[i] = all + at;
        at += rs_tensor_bytes(&g->tensors[g->outputs[i]]);
    }
    void *arena = aligned_alloc(64, (plan->arena_bytes + 127) / 64 * 64);
    bool ok = rs_graph_run_cpu(g, plan, (const void *const[]){ in }, to, arena, plan->arena_bytes, NULL, &err) == RS_OK;

    CHECK(ok, "%s", err.text);
    CHECK(at == out_bytes, "%zu bytes of output, want %zu", at, out_bytes);
    if (at == out_bytes)
        memcpy(out, all, out_bytes);
    else
        ok = false;
    free(all);
    free(arena);
    rs_memory_plan_destroy(plan);
    rs_graph_destroy(g);
    return ok;
}

#define EXPECT(in, ...) do {                                                                        \
        const int8_t want_[] = { __VA_ARGS__ };                                                     \
        int8_t got_[sizeof want_];                                                                  \
        if (run(in, got_, sizeof want_))                                                            \
            for (size_t i_ = 0; i_ < sizeof want_; i_++)                                            \
                CHECK(got_[i_] == want_[i_], "code %zu: got %d, want %d", i_, got_[i_], want_[i_]); \
    } while (0)

static const int8_t count24[24] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 };

TEST(strided_slice_with_masks_and_shrinking)
{
    static const int32_t from[3] = { 1, -2, 9 }, to[3] = { 2, 7, 1 }, step[3] = { 1, 1, 2 };

    begin(codes("in", 3, D(2, 3, 4), 0.5f, 0));
    const int b = add(ints("begin", from, 3)), e = add(ints("end", to, 3)), s = add(ints("step", step, 3));

    m.out[0] = add(codes("out", 2, D(2, 2), 0.5f, 0));
    /* begin_mask 4: all of the last dimension from its start; end_mask 6; shrink 1: the first dimension vanishes. */
    op((struct tw_op){ 45, 4, { 0, b, e, s }, 1, { m.out[0] }, 32, 3, { { 0, 4 }, { 1, 6 }, { 4, 1 } } });
    EXPECT(count24, 16, 18, 20, 22);
}

TEST(slice_with_minus_one)
{
    static const int32_t from[2] = { 1, 2 }, size[2] = { -1, 2 };

    begin(codes("in", 2, D(3, 4), 0.5f, 0));
    const int b = add(ints("begin", from, 2)), s = add(ints("size", size, 2));

    m.out[0] = add(codes("out", 2, D(2, 2), 0.5f, 0));
    op((struct tw_op){ 65, 3, { 0, b, s }, 1, { m.out[0] }, 0, 0, { { 0, 0 } } });
    EXPECT(count24, 6, 7, 10, 11);
}

TEST(split_into_equal_and_unequal_parts)
{
    static const int32_t axis[1] = { -1 }, sizes[2] = { 1, 3 };

    begin(codes("in", 2, D(2, 4), 0.5f, 0));
    const int a = add(ints("axis", axis, 1));

    m.n_out = 2;
    m.out[0] = add(codes("left", 2, D(2, 2), 0.5f, 0));
    m.out[1] = add(codes("right", 2, D(2, 2), 0.5f, 0));
    op((struct tw_op){ 49, 2, { a, 0 }, 2, { m.out[0], m.out[1] }, 35, 1, { { 0, 2 } } });
    EXPECT(count24, 0, 1, 4, 5, 2, 3, 6, 7);

    begin(codes("in", 2, D(2, 4), 0.5f, 0));
    const int v = add(ints("sizes", sizes, 2)), x = add(ints("axis", axis, 1));

    m.n_out = 2;
    m.out[0] = add(codes("left", 2, D(2, 1), 0.5f, 0));
    m.out[1] = add(codes("right", 2, D(2, 3), 0.5f, 0));
    op((struct tw_op){ 102, 3, { 0, v, x }, 2, { m.out[0], m.out[1] }, 79, 1, { { 0, 2 } } });
    EXPECT(count24, 0, 4, 1, 2, 3, 5, 6, 7);
}

TEST(pad_and_padv2)
{
    static const int32_t pads[4] = { 0, 1, 2, 0 };
    static const int8_t nine = 9;

    begin(codes("in", 2, D(1, 2), 0.5f, -7));
    int p = add((struct tw_tensor){ .name = "pads", .type = 2, .rank = 2, .dim = { 2, 2 }, .data = pads, .bytes = sizeof pads });

    m.out[0] = add(codes("out", 2, D(2, 4), 0.5f, -7));
    op((struct tw_op){ 34, 2, { 0, p }, 1, { m.out[0] }, 22, 0, { { 0, 0 } } });
    EXPECT(count24 + 3, -7, -7, 3, 4, -7, -7, -7, -7);
    m.op[0] = (struct tw_op){ 60, 3, { 0, p, 3 }, 1, { m.out[0] }, 43, 0, { { 0, 0 } } };
    m.tensor[3] = codes("value", 1, D(1), 0.5f, -7);
    m.tensor[3].data = &nine;
    m.tensor[3].bytes = 1;
    m.n_tensors = 4;
    EXPECT(count24 + 3, 9, 9, 3, 4, 9, 9, 9, 9);
}

TEST(transpose_squeeze_and_expand_dims)
{
    static const int32_t perm[3] = { 2, 0, 1 }, axis[1] = { 1 };

    begin(codes("in", 3, D(1, 2, 3), 0.5f, 0));
    const int p = add(ints("perm", perm, 3)), a = add(ints("axis", axis, 1));
    const int t = add(codes("t", 3, D(3, 1, 2), 0.5f, 0)), s = add(codes("s", 2, D(3, 2), 0.5f, 0));

    m.out[0] = add(codes("out", 3, D(3, 1, 2), 0.5f, 0));
    op((struct tw_op){ 39, 2, { 0, p }, 1, { t }, 26, 0, { { 0, 0 } } });
    op((struct tw_op){ 43, 1, { t }, 1, { s }, 30, 0, { { 0, 0 } } });
    op((struct tw_op){ 70, 2, { s, a }, 1, { m.out[0] }, 52, 0, { { 0, 0 } } });
    EXPECT(count24, 0, 3, 1, 4, 2, 5);
}

TEST(concatenation_along_a_negative_axis)
{
    begin(codes("in", 2, D(2, 2), 0.5f, 3));
    m.out[0] = add(codes("out", 2, D(2, 4), 0.5f, 3));
    op((struct tw_op){ 2, 2, { 0, 0 }, 1, { m.out[0] }, 10, 1, { { 0, (uint32_t)-1 } } });
    EXPECT(count24, 0, 1, 0, 1, 2, 3, 2, 3);
}

TEST(resize_nearest_neighbor)
{
    static const int32_t size[2] = { 4, 3 };

    begin(codes("in", 4, D(1, 2, 2, 1), 0.5f, 3));
    const int s = add(ints("size", size, 2));

    m.out[0] = add(codes("out", 4, D(1, 4, 3, 1), 0.5f, 3));
    op((struct tw_op){ 97, 2, { 0, s }, 1, { m.out[0] }, 74, 0, { { 0, 0 } } });
    EXPECT(count24, 0, 0, 1, 0, 0, 1, 2, 2, 3, 2, 2, 3);             /* floor(f * 2/3) = 0, 0, 1 */
    m.op[0] = (struct tw_op){ 97, 2, { 0, s }, 1, { m.out[0] }, 74, 1, { { 0, 1 } } };
    EXPECT(count24, 0, 1, 1, 0, 1, 1, 2, 3, 3, 2, 3, 3);             /* align corners: round(f * 1/2) = 0, 1 (half away), 1 */
    m.op[0] = (struct tw_op){ 97, 2, { 0, s }, 1, { m.out[0] }, 74, 1, { { 1, 1 } } };
    EXPECT(count24, 0, 1, 1, 0, 1, 1, 2, 3, 3, 2, 3, 3);             /* half pixel: floor((f + .5) * 2/3) = 0, 1, 1 */
}

TEST(maximum_and_minimum_broadcast)
{
    static const int8_t row[2] = { 1, 2 };

    begin(codes("in", 2, D(2, 2), 0.5f, 3));
    struct tw_tensor c = codes("row", 1, D(2), 0.5f, 3);

    c.data = row;
    c.bytes = 2;
    const int k = add(c);

    m.out[0] = add(codes("out", 2, D(2, 2), 0.5f, 3));
    op((struct tw_op){ 55, 2, { 0, k }, 1, { m.out[0] }, 39, 0, { { 0, 0 } } });
    EXPECT(count24, 1, 2, 2, 3);
    m.op[0].builtin = 57;
    EXPECT(count24, 0, 1, 1, 2);
}

TEST(leaky_relu_and_relu_to_another_scale)
{
    static const int8_t in[5] = { -100, -10, 0, 10, 100 };

    begin(codes("in", 1, D(5), 0.5f, 0));
    m.out[0] = add(codes("out", 1, D(5), 0.25f, 10));
    op((struct tw_op){ 98, 1, { 0 }, 1, { m.out[0] }, 75, 1, { { 0, 0x3DCCCCCD } } });             /* alpha 0.1 */
    EXPECT(in, -10, 8, 10, 30, 127);                                  /* -50 * 0.1 / 0.25 + 10, -5 * 0.1 / 0.25 + 10, ... */
    m.op[0] = (struct tw_op){ 19, 1, { 0 }, 1, { m.out[0] }, 0, 0, { { 0, 0 } } };
    EXPECT(in, 10, 10, 10, 30, 127);
    m.op[0].builtin = 21;
    EXPECT(in, 10, 10, 10, 30, 34);                                   /* 6 / 0.25 + 10 */
    m.op[0].builtin = 20;
    EXPECT(in, 6, 6, 10, 14, 14);
}

TEST(hard_swish_as_litert_computes_it)
{
    static const int8_t in[16] = { -128, -100, -71, -70, -60, -41, -40, -25, -11, -10, -9, 10, 33, 50, 51, 127 };

    begin(codes("in", 2, D(1, 16), 0.05f, -10));
    m.out[0] = add(codes("out", 2, D(1, 16), 0.03f, -90));
    op((struct tw_op){ 117, 1, { 0 }, 1, { m.out[0] }, 0, 0, { { 0, 0 } } });
    /* What ai-edge-litert 1.2.0's reference kernel returns. */
    EXPECT(in, -90, -90, -90, -90, -97, -102, -103, -99, -91, -90, -89, -68, -28, 10, 12, 127);
}

TEST(batch_matmul_of_activations_with_zero_points)
{
    static const int32_t perm[3] = { 0, 2, 1 };
    int8_t in[12], got[18];

    for (int i = 0; i < 12; i++)
        in[i] = (int8_t)(i * 5 - 30);
    for (int variant = 0; variant < 4; variant++) {                   /* x^T by transposing first; adjoint flags undo it */
        const bool tx = variant & 1, ty = variant & 2;

        begin(codes("in", 3, D(2, 3, 2), 0.5f, 7));
        const int p = add(ints("perm", perm, 3));
        const int t = add(codes("t", 3, D(2, 2, 3), 0.5f, 7));

        m.out[0] = add(codes("out", 3, tx != ty ? D(2, 3, 3) : D(2, 3, 3), 4.0f, -5));
        op((struct tw_op){ 39, 2, { 0, p }, 1, { t }, 26, 0, { { 0, 0 } } });
        op((struct tw_op){ 126, 2, { tx ? t : 0, ty ? 0 : t }, 1, { m.out[0] }, 101, 2, { { 0, tx }, { 1, ty } } });
        if (!run(in, got, sizeof got))
            return;
        for (int b = 0; b < 2; b++)
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++) {
                    int acc = 0;

                    for (int k = 0; k < 2; k++)
                        acc += (in[b * 6 + i * 2 + k] - 7) * (in[b * 6 + j * 2 + k] - 7);
                    const double want = fmax(-128, fmin(127, acc * 0.25 / 4.0 - 5));

                    /* Two roundings: to 1/8 first, then to 1. */
                    CHECK(fabs(got[b * 9 + i * 3 + j] - want) <= 0.5 + 1.0 / 16, "variant %d [%d][%d][%d]: got %d, want %g", variant, b, i, j,
                          got[b * 9 + i * 3 + j], want);
                }
    }
}

TEST(float_and_uint8_at_the_edges)
{
    static const float in[4] = { -1.0f, 0.24f, 0.26f, 1000.0f };
    static const uint8_t bytes[4] = { 0, 127, 128, 255 };
    float got[4];

    begin((struct tw_tensor){ .name = "in", .rank = 1, .dim = { 4 } });
    const int q = add(codes("q", 1, D(4), 0.5f, 10));

    m.out[0] = add((struct tw_tensor){ .name = "out", .rank = 1, .dim = { 4 } });
    op((struct tw_op){ 114, 1, { 0 }, 1, { q }, 0, 0, { { 0, 0 } } });
    op((struct tw_op){ 6, 1, { q }, 1, { m.out[0] }, 0, 0, { { 0, 0 } } });
    if (run(in, got, sizeof got))
        CHECK(got[0] == -1.0f && got[1] == 0.0f && got[2] == 0.5f && got[3] == 58.5f, "%g %g %g %g", (double)got[0],
              (double)got[1], (double)got[2], (double)got[3]);
    begin(codes("in", 1, D(4), 0.5f, 128));
    m.tensor[0].type = 3;
    m.out[0] = add(codes("out", 1, D(4), 0.5f, 0));
    op((struct tw_op){ 114, 1, { 0 }, 1, { m.out[0] }, 0, 0, { { 0, 0 } } });
    EXPECT(bytes, -128, -1, 0, 127);
}

TEST(mean_over_negative_and_repeated_axes)
{
    static const int32_t axes[3] = { -1, 1, 2 };

    begin(codes("in", 3, D(2, 3, 4), 0.5f, 0));
    const int a = add(ints("axes", axes, 3));

    m.out[0] = add(codes("out", 1, D(2), 0.25f, 0));
    op((struct tw_op){ 40, 2, { 0, a }, 1, { m.out[0] }, 27, 1, { { 0, 0 } } });
    EXPECT(count24, 11, 35);                                          /* 5.5 / 0.5, 17.5 / 0.5 */
}

TEST(fully_connected_keeps_dimensions)
{
    static const int8_t w[4] = { 1, 0, 0, 2 };

    begin(codes("in", 3, D(1, 3, 2), 0.5f, 0));
    struct tw_tensor f = codes("w", 2, D(2, 2), 1.0f, 0);

    f.data = w;
    f.bytes = 4;
    const int k = add(f);

    m.out[0] = add(codes("out", 3, D(1, 3, 2), 0.5f, 0));
    op((struct tw_op){ 9, 3, { 0, k, -1 }, 1, { m.out[0] }, 8, 1, { { 2, 1 } } });
    EXPECT(count24, 0, 2, 2, 6, 4, 10);
}

/* Plain loops in double; the last bit is the kernels' business and is proven by the golden vectors. */
TEST(convolution_with_every_option)
{
    int8_t in[2 * 5 * 6 * 3], w[4 * 3 * 2 * 3];
    int32_t bias[4] = { 100, -50, 0, 7 };

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (int8_t)rnd_range(-128, 127);
    for (size_t i = 0; i < sizeof w; i++)
        w[i] = (int8_t)rnd_range(-127, 127);
    for (int variant = 0; variant < 16; variant++) {
        const bool depthwise = variant & 1, same = variant & 2, per_channel = variant & 4;
        const int dil = variant & 8 ? 2 : 1, uh = variant & 8 ? 1 : 2, uw = 1, mm = depthwise ? 6 : 4;
        const int rr = (3 - 1) * dil + 1, ss = (2 - 1) * dil + 1;
        const int e = same ? (5 + uh - 1) / uh : (5 - rr) / uh + 1, f = same ? 6 : 6 - ss + 1;
        const int total_h = same && (e - 1) * uh + rr > 5 ? (e - 1) * uh + rr - 5 : 0, total_w = same ? (f - 1) * uw + ss - 6 : 0;
        static const float scales[8] = { 0.011f, 0.017f, 0.013f, 0.019f, 0.023f, 0.029f, 0, 0 };
        static int8_t got[2 * 5 * 6 * 6];

        begin(codes("in", 4, D(2, 5, 6, 3), 0.37f, -11));
        struct tw_tensor k = { .name = "w", .type = 9, .rank = 4, .data = w, .bytes = depthwise ? 3 * 2 * 6 : 4 * 3 * 2 * 3,
                               .scales = per_channel ? mm : 1, .axis = per_channel && depthwise ? 3 : 0 };
        const int32_t dims[2][4] = { { 4, 3, 2, 3 }, { 1, 3, 2, 6 } };

        memcpy(k.dim, dims[depthwise], sizeof dims[0]);
        memcpy(k.scale, scales, sizeof scales);
        const int weights = add(k), b = depthwise ? -1 : add(ints("b", bias, 4));

        m.out[0] = add(codes("out", 4, D(2, e, f, mm), 1.9f, 20));
        op((struct tw_op){ depthwise ? 4 : 3, 3, { 0, weights, b }, 1, { m.out[0] }, depthwise ? 2 : 1, 6,
                           { { 0, !same }, { 1, (uint32_t)uw }, { 2, (uint32_t)uh }, { depthwise ? 4 : 3, 1 },
                             { depthwise ? 5 : 4, (uint32_t)dil }, { depthwise ? 6 : 5, (uint32_t)dil } } });
        if (!run(in, got, (size_t)(2 * e * f * mm)))
            return;
        for (int i = 0; i < 2 * e * f * mm; i++) {
            const int mi = i % mm, fi = i / mm % f, ei = i / mm / f % e, n = i / mm / f / e;
            double acc = depthwise ? 0 : bias[mi];

            for (int r = 0; r < 3; r++)
                for (int s = 0; s < 2; s++) {
                    const int y = ei * uh + r * dil - total_h / 2, x = fi * uw + s * dil - total_w / 2;

                    if (y < 0 || y >= 5 || x < 0 || x >= 6)
                        continue;
                    for (int c = 0; c < 3; c++) {
                        const int8_t *at = &in[((n * 5 + y) * 6 + x) * 3];

                        if (depthwise && c == mi / 2)
                            acc += (at[c] + 11.0) * w[(r * 2 + s) * 6 + mi];
                        else if (!depthwise)
                            acc += (at[c] + 11.0) * w[((mi * 3 + r) * 2 + s) * 3 + c];
                    }
                }
            const double real = acc * (double)0.37f * (double)scales[per_channel ? mi : 0] / (double)1.9f + 20;
            const double want = fmax(20, fmin(127, real));

            /* Two roundings, to 1/64 or finer first: half a code and a little. */
            CHECK(fabs(got[i] - want) <= 0.5 + 1.0 / 128, "variant %d code %d: got %d, want %.9f", variant, i, got[i], want);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        test_rng = strtoull(argv[1], NULL, 0);
    RUN(strided_slice_with_masks_and_shrinking);
    RUN(slice_with_minus_one);
    RUN(split_into_equal_and_unequal_parts);
    RUN(pad_and_padv2);
    RUN(transpose_squeeze_and_expand_dims);
    RUN(concatenation_along_a_negative_axis);
    RUN(resize_nearest_neighbor);
    RUN(maximum_and_minimum_broadcast);
    RUN(leaky_relu_and_relu_to_another_scale);
    RUN(hard_swish_as_litert_computes_it);
    RUN(batch_matmul_of_activations_with_zero_points);
    RUN(float_and_uint8_at_the_edges);
    RUN(mean_over_negative_and_repeated_axes);
    RUN(fully_connected_keeps_dimensions);
    RUN(convolution_with_every_option);
    return test_exit();
}
