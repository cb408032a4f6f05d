/* test_elementwise_s8.c - ADD, SUB, MUL, requantize, quantize, dequantize, softmax, logistic, tanh. */
#include "pack.h"
#include "test_kernels.h"
#include "test_kernels_golden.h"
#include <math.h>

static struct rs_dims dims(int rank, int a, int b, int c, int d)
{
    return (struct rs_dims){ rank, { a, b, c, d, 1 } };
}

TEST(add_sub_mul_equal_tflite_golden)
{
    const struct rs_dims d1 = dims(3, 3, 4, 5, 0), d2 = dims(2, 4, 1, 0, 0);
    int8_t a[60], b[4], *out = guarded_new(60);
    struct rs_add_quant q;
    struct rs_mul_quant qm;
    struct rs_error err;

    ramp(a, 60, 29, 3);
    ramp(b, 4, 71, 90);
    MUST(rs_add_quant_init(0.05f, -4, 0.037f, 17, 0.081f, -21, -128, 127, &q, &err) == RS_OK, "%s", err.text);
    MUST(rs_mul_quant_init(0.05f, -4, 0.037f, 17, 1.7f, -21, -128, 127, &qm, &err) == RS_OK, "%s", err.text);
    MUST(rs_add_s8(&d1, a, &d2, b, &q, &d1, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 60; i++)
        CHECK(out[i] == golden_add[i], "add [%d] %d, want %d", i, out[i], golden_add[i]);
    MUST(rs_sub_s8(&d1, a, &d2, b, &q, &d1, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 60; i++)
        CHECK(out[i] == golden_sub[i], "sub [%d] %d, want %d", i, out[i], golden_sub[i]);
    MUST(rs_mul_s8(&d1, a, &d2, b, &qm, &d1, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 60; i++)
        CHECK(out[i] == golden_mul[i], "mul [%d] %d, want %d", i, out[i], golden_mul[i]);
    CHECK(guards_intact(out, 60), "wrote outside");
    guarded_free(out);
}

/* Every pair of codes, all extreme zero points, against wide arithmetic; in place, too. */
static void add_all_pairs(enum rs_rounding rounding)
{
    static const int zps[] = { -128, 0, 127, -3 };
    static int8_t a[256 * 256], b[256];
    const struct rs_dims d1 = dims(2, 256, 256, 0, 0), d2 = dims(1, 256, 0, 0, 0);
    struct rs_error err;

    for (int z = 0; z < 4; z++) {
        struct rs_add_quant q;

        for (int i = 0; i < 65536; i++)
            a[i] = (int8_t)(i / 256 - 128);
        for (int i = 0; i < 256; i++)
            b[i] = (int8_t)(i - 128);
        MUST(rs_add_quant_init(0.11f, zps[z], 0.023f, zps[3 - z], 0.12f, zps[(z + 1) % 4], -100, 120, &q, &err) == RS_OK,
             "%s", err.text);
        q.rounding = rounding;
        q.left_shift = z == 3 ? 22 : 20;
        MUST(rs_add_s8(&d1, a, &d2, b, &q, &d1, a, &err) == RS_OK, "%s", err.text);     /* out == in1 */
        for (int i = 0; i < 65536; i++) {
            int64_t (*m)(int64_t, int64_t, int) = rounding == RS_ROUND_SINGLE ? oracle_single : oracle_double;
            const int64_t x1 = m((int64_t)(i / 256 - 128 - q.zp1) * (1 << q.left_shift), q.mult1, q.shift1);
            const int64_t x2 = m((int64_t)(i % 256 - 128 - q.zp2) * (1 << q.left_shift), q.mult2, q.shift2);
            const int64_t want = oracle_clamp(q.zp_out + m(x1 + x2, q.mult_out, q.shift_out), -100, 120);

            CHECK(a[i] == want, "zp case %d: %d + %d = %d, want %d", z, i / 256 - 128, i % 256 - 128, a[i], (int)want);
        }
    }
}

TEST(add_equals_wide_arithmetic_on_all_pairs) { add_all_pairs(RS_ROUND_DOUBLE); }
TEST(add_single_rounding_equals_wide_arithmetic) { add_all_pairs(RS_ROUND_SINGLE); }

/* Whether there is a plane; if so, it gives what rs_add_s8() has put to @want, tails included, and writes nothing else. */
static int add_by_plane(const int8_t *a, const int8_t *b, size_t count, const struct rs_add_quant *q, const int8_t *want)
{
    struct rs_add_plane plane;

    if (!rs_add_s8_plane_find(q, &plane))
        return 0;
    int8_t *got = guarded_new(count);

    rs_add_s8_plane_run(count, a, b, q, &plane, got);
    CHECK(memcmp(got, want, count) == 0 && guards_intact(got, count), "a plane differs: %g %g %g", (double)plane.scale1,
          (double)plane.scale2, (double)plane.offset);
    guarded_free(got);
    return 1;
}

/* Scales at random, equal ones and such whose sums tie often among them: each instruction set against wide arithmetic. */
TEST(add_of_any_scales_equals_wide_arithmetic)
{
    enum { N = 65536 + 37 };
    static int8_t a[N], b[N];
    const struct rs_dims d = dims(1, N, 0, 0, 0);
    int8_t *out = guarded_new(N);
    struct rs_error err;
    int planes = 0;

    for (int n = 0; n < 24; n++) {
        const float s1 = (float)rnd_range(1, 4000) * 0x1p-14f, s2 = n % 4 == 0 ? s1 : (float)rnd_range(1, 4000) * 0x1p-14f;
        const float s_out = n % 8 == 0 ? s1 : n % 8 == 4 ? 2.0f * s1 : (s1 + s2) * (float)rnd_range(1, 4000) * 0x1p-10f;
        struct rs_add_quant q;

        MUST(rs_add_quant_init(s1, rnd_range(-128, 127), s2, rnd_range(-128, 127), s_out, rnd_range(-128, 127),
                               n % 3 == 0 ? -128 : rnd_range(-128, 0), n % 3 == 0 ? 127 : rnd_range(0, 127), &q, &err) == RS_OK,
             "%s", err.text);
        for (int i = 0; i < N; i++) {
            a[i] = (int8_t)(i / 256 - 128);
            b[i] = (int8_t)(i - 128);
        }
        for (int isa = RS_ISA_REF; isa < RS_ISA_COUNT; isa++) {
            if (!rs_isa_available((enum rs_isa)isa))
                continue;
            MUST(rs_isa_select(rs_isa_name((enum rs_isa)isa), &err) == RS_OK, "%s", err.text);
            MUST(rs_add_s8(&d, a, &d, b, &q, &d, out, &err) == RS_OK, "%s", err.text);
            for (int i = 0; i < N; i++) {
                const int64_t x1 = oracle_double((int64_t)(a[i] - q.zp1) * (1 << 20), q.mult1, q.shift1);
                const int64_t x2 = oracle_double((int64_t)(b[i] - q.zp2) * (1 << 20), q.mult2, q.shift2);
                const int64_t want = oracle_clamp(q.zp_out + oracle_double(x1 + x2, q.mult_out, q.shift_out), q.act_min, q.act_max);

                MUST(out[i] == want, "%s: scales %g, %g, %g: %d + %d = %d, want %d", rs_isa_name((enum rs_isa)isa), (double)s1,
                     (double)s2, (double)s_out, a[i], b[i], out[i], (int)want);
            }
            CHECK(guards_intact(out, N), "%s: wrote outside", rs_isa_name((enum rs_isa)isa));
            planes += add_by_plane(a, b, N, &q, out);
        }
        MUST(rs_isa_select(NULL, &err) == RS_OK, "%s", err.text);
    }
    CHECK(planes >= 12 || !rs_isa_available(RS_ISA_AVX512VNNI), "%d planes for 24 ADDs", planes);
    guarded_free(out);
}

TEST(broadcasts_as_numpy)
{
    /* out[i][j][k] = a[i][0][k] + b[j][0], with scales and zero points that make it a plain sum. */
    const struct rs_dims d1 = dims(3, 2, 1, 3, 0), d2 = dims(2, 4, 1, 0, 0), d_out = dims(3, 2, 4, 3, 0);
    const struct rs_dims scalar = { 0, { 0 } };
    const int8_t a[] = { 1, 2, 3, 10, 20, 30 }, b[] = { 0, 5, -7, 40 };
    int8_t *out = guarded_new(24);
    struct rs_add_quant q;
    struct rs_error err;

    MUST(rs_add_quant_init(1.0f, 0, 1.0f, 0, 1.0f, 0, -128, 127, &q, &err) == RS_OK, "%s", err.text);
    MUST(rs_add_s8(&d1, a, &d2, b, &q, &d_out, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 24; i++)
        CHECK(out[i] == a[i / 12 * 3 + i % 3] + b[i / 3 % 4], "[%d] %d", i, out[i]);
    MUST(rs_sub_s8(&d2, b, &d1, a, &q, &d_out, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 24; i++)
        CHECK(out[i] == b[i / 3 % 4] - a[i / 12 * 3 + i % 3], "[%d] %d", i, out[i]);
    MUST(rs_add_s8(&scalar, b + 1, &d2, b, &q, &d2, out, &err) == RS_OK, "%s", err.text);
    CHECK(out[0] == 5 && out[3] == 45, "%d %d", out[0], out[3]);
    CHECK(guards_intact(out, 24), "wrote outside");
    guarded_free(out);
}

TEST(add_and_mul_refuse_bad_arguments_and_write_nothing)
{
    const struct rs_dims d = dims(2, 2, 3, 0, 0), row = dims(1, 3, 0, 0, 0);
    struct rs_dims bad;
    const int8_t in[6] = { 0 };
    int8_t *out = guarded_new(16);
    struct rs_add_quant q, good;
    struct rs_mul_quant qm, mgood;
    struct rs_error err;

    MUST(rs_add_quant_init(1, 0, 1, 0, 1, 0, -128, 127, &good, &err) == RS_OK, "%s", err.text);
    MUST(rs_mul_quant_init(1, 0, 1, 0, 1, 0, -128, 127, &mgood, &err) == RS_OK, "%s", err.text);
#define ADD_REFUSES(statement, status) do {                                                          \
        q = good;                                                                                    \
        bad = d;                                                                                     \
        statement;                                                                                   \
        CHECK(rs_add_s8(&d, in, &row, in, &q, &bad, out, &err) == (status), #statement ": %s", err.text); \
        CHECK(rs_sub_s8(&d, in, &row, in, &q, &bad, out, NULL) == (status), #statement);             \
        CHECK(untouched(out, 16), #statement ": output written");                                    \
    } while (0)
    ADD_REFUSES(q.zp1 = 128, RS_ERR_RANGE);
    ADD_REFUSES(q.zp2 = -129, RS_ERR_RANGE);
    ADD_REFUSES(q.zp_out = 1000, RS_ERR_RANGE);
    ADD_REFUSES(q.act_min = 128, RS_ERR_RANGE);
    ADD_REFUSES(q.left_shift = 23, RS_ERR_RANGE);
    ADD_REFUSES(q.left_shift = -1, RS_ERR_RANGE);
    ADD_REFUSES(q.mult1 = -1, RS_ERR_RANGE);
    ADD_REFUSES(q.shift2 = 1, RS_ERR_RANGE);
    ADD_REFUSES(q.shift_out = -32, RS_ERR_RANGE);
    ADD_REFUSES(q.rounding = RS_ROUND_ONNX, RS_ERR_ARG);
    ADD_REFUSES(bad.extent[0] = 3, RS_ERR_SHAPE);
    ADD_REFUSES(bad.rank = 1, RS_ERR_SHAPE);
    ADD_REFUSES(bad.rank = 6, RS_ERR_ARG);
    ADD_REFUSES(bad.rank = -1, RS_ERR_ARG);
    ADD_REFUSES(bad.extent[1] = 0, RS_ERR_ARG);
    ADD_REFUSES((bad.extent[0] = INT32_MAX), RS_ERR_SHAPE);
#define MUL_REFUSES(statement, status) do {                                                          \
        qm = mgood;                                                                                  \
        statement;                                                                                   \
        CHECK(rs_mul_s8(&d, in, &row, in, &qm, &d, out, &err) == (status), #statement ": %s", err.text); \
        CHECK(untouched(out, 16), #statement ": output written");                                    \
    } while (0)
    MUL_REFUSES(qm.zp1 = 128, RS_ERR_RANGE);
    MUL_REFUSES(qm.mult = 5, RS_ERR_RANGE);
    MUL_REFUSES(qm.shift = 31, RS_ERR_RANGE);
    MUL_REFUSES(qm.act_max = -200, RS_ERR_RANGE);
    MUL_REFUSES(qm.rounding = RS_ROUND_ONNX, RS_ERR_ARG);
    CHECK(rs_add_s8(&d, NULL, &row, in, &good, &d, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_add_s8(&d, in, &row, in, NULL, &d, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_add_s8(&d, in, &row, in, &good, &d, NULL, &err) == RS_ERR_ARG, "null");
    CHECK(rs_add_s8(NULL, in, &row, in, &good, &d, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_mul_s8(&d, in, &row, NULL, &mgood, &d, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_mul_s8(&d, in, &row, in, NULL, &d, out, &err) == RS_ERR_ARG, "null");

    q = good;
    CHECK(rs_add_quant_init(0, 0, 1, 0, 1, 0, -128, 127, &q, &err) == RS_ERR_RANGE, "scale 0");
    CHECK(rs_add_quant_init(1, 0, NAN, 0, 1, 0, -128, 127, &q, &err) == RS_ERR_RANGE, "NaN");
    CHECK(rs_add_quant_init(1, 0, 1, 0, 1e-7f, 0, -128, 127, &q, &err) == RS_ERR_RANGE, "output multiplier above 1");
    CHECK(rs_add_quant_init(1, 0, 1, 0, 1, 128, -128, 127, &q, &err) == RS_ERR_RANGE, "zp 128");
    CHECK(rs_add_quant_init(1, 0, 1, 0, 1, 0, 1, 0, &q, &err) == RS_ERR_RANGE, "empty range");
    CHECK(rs_add_quant_init(1, 0, 1, 0, 1, 0, -128, 127, NULL, &err) == RS_ERR_ARG, "null");
    CHECK(memcmp(&q, &good, sizeof q) == 0, "parameters written on error");
    CHECK(rs_mul_quant_init(1, 0, 1, 0, 1e-30f, 0, -128, 127, &qm, &err) == RS_ERR_RANGE, "multiplier 1e30");
    CHECK(rs_mul_quant_init(1, 0, -1, 0, 1, 0, -128, 127, &qm, &err) == RS_ERR_RANGE, "scale -1");
    CHECK(rs_mul_quant_init(1, 0, 1, 0, 1, 0, -128, 127, NULL, &err) == RS_ERR_ARG, "null");
    guarded_free(out);
}

TEST(mul_equals_wide_arithmetic_on_all_pairs)
{
    static int8_t a[256], b[256], out[65536];
    const struct rs_dims d1 = dims(2, 256, 1, 0, 0), d2 = dims(1, 256, 0, 0, 0), d = dims(2, 256, 256, 0, 0);
    struct rs_error err;

    for (int n = 0; n < 4; n++) {
        struct rs_mul_quant q;

        ramp(a, 256, 1, 0);
        ramp(b, 256, 1, 0);
        MUST(rs_mul_quant_init(0.11f, n * 85 - 128, 0.023f, 127 - n * 85, n == 3 ? 1e-4f : 0.4f, n - 2, -128, 127, &q,
                               &err) == RS_OK, "%s", err.text);
        q.rounding = n % 2 == 0 ? RS_ROUND_DOUBLE : RS_ROUND_SINGLE;
        MUST(rs_mul_s8(&d1, a, &d2, b, &q, &d, out, &err) == RS_OK, "%s", err.text);
        for (int i = 0; i < 65536; i++) {
            const int64_t x = (int64_t)(a[i / 256] - q.zp1) * (b[i % 256] - q.zp2);
            const int64_t y = n % 2 == 0 ? oracle_double(x, q.mult, q.shift) : oracle_single(x, q.mult, q.shift);

            CHECK(out[i] == oracle_clamp(y + q.zp_out, -128, 127), "case %d: %d * %d = %d", n, a[i / 256], b[i % 256],
                  out[i]);
        }
    }
}

TEST(requantizes_codes)
{
    const int32_t mult = 3 << 29, shift = 0;      /* 0.75 */
    struct rs_quant q = { .zp_in = -128, .zp_out = 10, .act_min = 10, .act_max = 100, .count = 1, .mult = &mult,
                          .shift = &shift };
    int8_t in[256], *out = guarded_new(256);
    struct rs_error err;

    ramp(in, 256, 1, 0);
    MUST(rs_requantize_s8(256, in, &q, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 256; i++)
        CHECK(out[i] == oracle_code(i, &q, 0), "%d: %d, want %d", i, out[i], oracle_code(i, &q, 0));
    CHECK(out[2] == 12 && out[0] == 10 && out[255] == 100, "%d %d %d", out[2], out[0], out[255]);   /* 1.5 -> 2 */
    CHECK(rs_requantize_s8(256, in, &q, in, &err) == RS_OK && memcmp(in, out, 256) == 0, "in place");
    CHECK(guards_intact(out, 256), "wrote outside");
    CHECK(rs_requantize_s8(0, in, &q, out, &err) == RS_ERR_ARG, "count 0");
    CHECK(rs_requantize_s8(1, NULL, &q, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_requantize_s8(1, in, &q, NULL, &err) == RS_ERR_ARG, "null");
    q.count = 2;
    CHECK(rs_requantize_s8(1, in, &q, out, &err) == RS_ERR_SHAPE, "count 2");
    guarded_free(out);
}

TEST(quantizes_and_dequantizes)
{
    static const float in[] = { 0.0f, 0.25f, -0.25f, 0.75f, -0.75f, 1.25f, 63.0f, -65.0f, 1e30f, -INFINITY, INFINITY,
                                0.24999999f };
    static const int8_t away[] = { 3, 4, 2, 5, 1, 6, 127, -127, 127, -128, 127, 3 };
    static const int8_t even[] = { 3, 3, 3, 5, 1, 5, 127, -127, 127, -128, 127, 3 };
    float back[12];
    int8_t *out = guarded_new(12);
    const float bad[2] = { 1.0f, NAN };
    struct rs_error err;

    MUST(rs_quantize_f32_s8(12, in, 0.5f, 3, RS_ROUND_DOUBLE, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 12; i++)
        CHECK(out[i] == away[i], "away: %g -> %d, want %d", (double)in[i], out[i], away[i]);
    MUST(rs_dequantize_s8_f32(12, out, 0.5f, 3, back, &err) == RS_OK, "%s", err.text);
    CHECK(back[0] == 0.0f && back[7] == -65.0f && back[8] == 62.0f, "%g %g %g", (double)back[0], (double)back[7],
          (double)back[8]);
    MUST(rs_quantize_f32_s8(12, in, 0.5f, 3, RS_ROUND_ONNX, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 12; i++)
        CHECK(out[i] == even[i], "even: %g -> %d, want %d", (double)in[i], out[i], even[i]);
    memset(out, GUARD_BYTE, 12);
    CHECK(rs_quantize_f32_s8(2, bad, 0.5f, 3, RS_ROUND_ONNX, out, &err) == RS_ERR_RANGE, "NaN");
    CHECK(rs_quantize_f32_s8(2, in, 0.0f, 3, RS_ROUND_ONNX, out, &err) == RS_ERR_RANGE, "scale 0");
    CHECK(rs_quantize_f32_s8(2, in, 1.0f, 128, RS_ROUND_ONNX, out, &err) == RS_ERR_RANGE, "zp");
    CHECK(rs_quantize_f32_s8(2, in, 1.0f, 0, (enum rs_rounding)7, out, &err) == RS_ERR_ARG, "rounding");
    CHECK(rs_quantize_f32_s8(0, in, 1.0f, 0, RS_ROUND_ONNX, out, &err) == RS_ERR_ARG, "count");
    CHECK(rs_quantize_f32_s8(1, NULL, 1.0f, 0, RS_ROUND_ONNX, out, &err) == RS_ERR_ARG, "null");
    CHECK(untouched(out, 12), "written on error");
    CHECK(rs_dequantize_s8_f32(1, out, NAN, 0, back, &err) == RS_ERR_RANGE, "scale");
    CHECK(rs_dequantize_s8_f32(1, out, 1.0f, -129, back, &err) == RS_ERR_RANGE, "zp");
    CHECK(rs_dequantize_s8_f32(1, NULL, 1.0f, 0, back, &err) == RS_ERR_ARG, "null");
    guarded_free(out);
}

TEST(softmax_equals_tflite_golden)
{
    int8_t in[32], *out = guarded_new(32);
    struct rs_softmax_quant q;
    struct rs_error err;

    ramp(in, 32, 37, 5);
    MUST(rs_softmax_quant_init(1.0f, 0.03125f, &q, &err) == RS_OK, "%s", err.text);
    MUST(rs_softmax_s8(2, 16, in, &q, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 32; i++)
        CHECK(out[i] == golden_softmax_fine[i], "[%d] %d, want %d", i, out[i], golden_softmax_fine[i]);
    ramp(in, 30, 11, 5);
    MUST(rs_softmax_quant_init(1.0f, 0.75f, &q, &err) == RS_OK, "%s", err.text);
    MUST(rs_softmax_s8(3, 10, in, &q, in, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 30; i++)
        CHECK(in[i] == golden_softmax_coarse[i], "[%d] %d, want %d", i, in[i], golden_softmax_coarse[i]);
    CHECK(guards_intact(out, 32), "wrote outside");
    guarded_free(out);
}

TEST(softmax_is_near_the_real_one_up_to_its_depth_limit)
{
    static int8_t in[4096], out[4096];
    struct rs_softmax_quant q;
    struct rs_error err;

    for (int n = 0; n < 60; n++) {
        const int depth = n == 0 ? 1 : n == 1 ? 4095 : (int)rnd_range(1, 300);
        const float s = 0.001f * (float)rnd_range(1, 500);
        double sum = 0.0;
        int max = -128;

        rnd_codes(in, (size_t)depth, -128, (int)rnd_range(-128, 127));
        MUST(rs_softmax_quant_init(1.0f, s, &q, &err) == RS_OK, "%s", err.text);
        MUST(rs_softmax_s8(1, depth, in, &q, out, &err) == RS_OK, "%s", err.text);
        for (int i = 0; i < depth; i++)
            max = in[i] > max ? in[i] : max;
        for (int i = 0; i < depth; i++)
            sum += exp((double)s * (in[i] - max));
        for (int i = 0; i < depth; i++) {
            const double want = 256.0 * exp((double)s * (in[i] - max)) / sum - 128.0;

            CHECK(fabs((want > 127.0 ? 127.0 : want) - out[i]) < 0.51, "depth %d scale %g: %d, want %g", depth,
                  (double)s, out[i], want);
        }
    }
}

TEST(softmax_refuses_bad_arguments)
{
    int8_t in[8] = { 0 }, *out = guarded_new(8);
    struct rs_softmax_quant good, q;
    struct rs_error err;

    MUST(rs_softmax_quant_init(1.0f, 1e30f, &good, &err) == RS_OK, "%s", err.text);      /* capped */
    CHECK(rs_softmax_s8(1, 8, in, &good, out, &err) == RS_OK && out[0] == -96, "%d", out[0]);
    memset(out, GUARD_BYTE, 8);
    CHECK(rs_softmax_s8(0, 8, in, &good, out, &err) == RS_ERR_ARG, "rows 0");
    CHECK(rs_softmax_s8(1, 0, in, &good, out, &err) == RS_ERR_ARG, "depth 0");
    CHECK(rs_softmax_s8(1, 4096, in, &good, out, &err) == RS_ERR_RANGE, "depth 4096");
    CHECK(rs_softmax_s8(1 << 20, 4095, in, &good, out, &err) == RS_ERR_SHAPE, "size");
    CHECK(rs_softmax_s8(1, 8, NULL, &good, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_softmax_s8(1, 8, in, NULL, out, &err) == RS_ERR_ARG, "null");
    q = good, q.mult = 1;
    CHECK(rs_softmax_s8(1, 8, in, &q, out, &err) == RS_ERR_RANGE, "multiplier");
    q = good, q.shift = 31;
    CHECK(rs_softmax_s8(1, 8, in, &q, out, &err) == RS_ERR_RANGE, "shift");
    q = good, q.diff_min = 1;
    CHECK(rs_softmax_s8(1, 8, in, &q, out, &err) == RS_ERR_RANGE, "diff_min");
    CHECK(untouched(out, 8), "written on error");
    CHECK(rs_softmax_quant_init(1.0f, 1e-9f, &q, &err) == RS_ERR_RANGE, "tiny");
    CHECK(rs_softmax_quant_init(0.0f, 1.0f, &q, &err) == RS_ERR_RANGE, "beta 0");
    CHECK(rs_softmax_quant_init(1.0f, NAN, &q, &err) == RS_ERR_RANGE, "NaN");
    CHECK(rs_softmax_quant_init(1.0f, 1.0f, NULL, &err) == RS_ERR_ARG, "null");
    guarded_free(out);
}

TEST(logistic_and_tanh_equal_tflite_golden)
{
    int8_t in[256], *out = guarded_new(256);
    struct rs_sigmoid_quant q;
    struct rs_error err;

    ramp(in, 256, 1, 0);
    MUST(rs_sigmoid_quant_init(0.047f, -9, &q, &err) == RS_OK, "%s", err.text);
    MUST(rs_logistic_s8(256, in, &q, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 256; i++)
        CHECK(out[i] == golden_logistic[i], "logistic [%d] %d, want %d", i, out[i], golden_logistic[i]);
    MUST(rs_tanh_s8(256, in, &q, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 256; i++)
        CHECK(out[i] == golden_tanh[i], "tanh [%d] %d, want %d", i, out[i], golden_tanh[i]);
    CHECK(guards_intact(out, 256), "wrote outside");
    guarded_free(out);
}

TEST(logistic_and_tanh_are_near_the_real_ones_at_every_scale)
{
    static const float scales[] = { 0x1p-27f, 1e-6f, 0.001f, 0.02f, 0.1f, 0.5f, 2.0f, 7.9f };
    int8_t in[256], out[256];
    struct rs_sigmoid_quant q;
    struct rs_error err;

    ramp(in, 256, 1, 0);
    for (int n = 0; n < 8 * 3; n++) {
        const int zp = n % 3 == 0 ? -128 : n % 3 == 1 ? 127 : 4;
        const double s = (double)scales[n / 3];

        MUST(rs_sigmoid_quant_init(scales[n / 3], zp, &q, &err) == RS_OK, "%s", err.text);
        MUST(rs_logistic_s8(256, in, &q, out, &err) == RS_OK, "%s", err.text);
        for (int i = 0; i < 256; i++)
            /* From scale 2 on the radius of 15 * 2^27 / 2^shift codes ends before the last code that counts. */
            CHECK(fabs(fmin(256.0 / (1.0 + exp(-s * (in[i] - zp))) - 128.0, 127.0) - out[i]) < (s < 1.9 ? 0.51 : 0.64),
                  "logistic scale %g zp %d code %d: %d", s, zp, in[i], out[i]);
        MUST(rs_tanh_s8(256, in, &q, out, &err) == RS_OK, "%s", err.text);
        for (int i = 0; i < 256; i++)
            CHECK(fabs(fmin(128.0 * tanh(s * (in[i] - zp)), 127.0) - out[i]) < 0.51,
                  "tanh scale %g zp %d code %d: %d", s, zp, in[i], out[i]);
    }
    CHECK(rs_sigmoid_quant_init(8.0f, 0, &q, &err) == RS_ERR_RANGE, "scale 8");
    CHECK(rs_sigmoid_quant_init(0x1p-28f, 0, &q, &err) == RS_ERR_RANGE, "scale 2^-28");
    CHECK(rs_sigmoid_quant_init(1.0f, 128, &q, &err) == RS_ERR_RANGE, "zp");
    CHECK(rs_sigmoid_quant_init(1.0f, 0, NULL, &err) == RS_ERR_ARG, "null");
    CHECK(rs_logistic_s8(0, in, &q, out, &err) == RS_ERR_ARG, "count 0");
    CHECK(rs_tanh_s8(1, in, NULL, out, &err) == RS_ERR_ARG, "null");
    q.shift = 31;
    CHECK(rs_tanh_s8(1, in, &q, out, &err) == RS_ERR_RANGE, "shift");
    q.shift = 0, q.radius = -1;
    CHECK(rs_logistic_s8(1, in, &q, out, &err) == RS_ERR_RANGE, "radius");
}

int main(void)
{
    RUN(add_sub_mul_equal_tflite_golden);
    RUN(add_equals_wide_arithmetic_on_all_pairs);
    RUN(add_single_rounding_equals_wide_arithmetic);
    RUN(add_of_any_scales_equals_wide_arithmetic);
    RUN(broadcasts_as_numpy);
    RUN(add_and_mul_refuse_bad_arguments_and_write_nothing);
    RUN(mul_equals_wide_arithmetic_on_all_pairs);
    RUN(requantizes_codes);
    RUN(quantizes_and_dequantizes);
    RUN(softmax_equals_tflite_golden);
    RUN(softmax_is_near_the_real_one_up_to_its_depth_limit);
    RUN(softmax_refuses_bad_arguments);
    RUN(logistic_and_tanh_equal_tflite_golden);
    RUN(logistic_and_tanh_are_near_the_real_ones_at_every_scale);
    return test_exit();
}
