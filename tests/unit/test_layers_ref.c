/*
 * test_layers_ref.c - convolution, depthwise, FC and GEMM, the reference versions: golden outputs of TFLite, a
 * scatter-form oracle over random shapes, and every error code.
 */
#include "test_kernels.h"
#include "test_kernels_golden.h"

static struct rs_conv_shape shape(int h, int w, int c, int m, int r, int s)
{
    return (struct rs_conv_shape){
        .n = 1, .h = h, .w = w, .c = c, .m = m, .r = r, .s = s, .stride_h = 1, .stride_w = 1,
        .dilation_h = 1, .dilation_w = 1, .e = h - r + 1, .f = w - s + 1,
    };
}

static void set_out(struct rs_conv_shape *sh)
{
    sh->e = (int32_t)rs_conv_out_extent(sh->h, sh->r, sh->stride_h, sh->dilation_h, sh->pad_top, sh->pad_bottom);
    sh->f = (int32_t)rs_conv_out_extent(sh->w, sh->s, sh->stride_w, sh->dilation_w, sh->pad_left, sh->pad_right);
}

/* Tables of a per-channel output stage from float scales, as an importer makes them. */
static void golden_quant(struct test_quant *t, int channels, const float *s_filter, float s_out, int32_t zp_out,
                         int32_t act_min, int32_t act_max)
{
    t->q = (struct rs_quant){ .zp_in = -6, .zp_out = zp_out, .act_min = act_min, .act_max = act_max,
                              .count = channels, .mult = t->mult, .shift = t->shift };
    for (int i = 0; i < channels; i++) {
        int shift;

        if (rs_quantize_multiplier(rs_conv_real_multiplier(0.04f, s_filter[i], s_out), &t->mult[i], &shift, NULL))
            abort();
        t->shift[i] = shift;
    }
}

TEST(conv_equals_tflite_golden)
{
    static const float s_filter[] = { 0.01f, 0.013f, 0.002f, 0.02f, 0.009f };
    static const int32_t bias[] = { 100, -2000, 7, 0, 900 };
    struct rs_conv_shape sh = shape(7, 6, 3, 5, 3, 2);
    static struct test_quant t;
    struct rs_error err;
    int8_t ifmap[7 * 6 * 3], filter[5 * 3 * 2 * 3];
    int8_t *ofmap = guarded_new(sizeof golden_conv);
    int32_t act_min, act_max;

    sh.stride_h = 2;
    sh.dilation_w = 2;
    MUST(rs_conv_same_padding(7, 3, 2, 1, &sh.pad_top, &sh.pad_bottom, &err) == RS_OK, "%s", err.text);
    MUST(rs_conv_same_padding(6, 2, 1, 2, &sh.pad_left, &sh.pad_right, &err) == RS_OK, "%s", err.text);
    set_out(&sh);
    MUST(sh.e == 4 && sh.f == 6, "E %d F %d", sh.e, sh.f);
    ramp(ifmap, sizeof ifmap, 41, 9);
    ramp(filter, sizeof filter, 23, 7);
    for (size_t i = 0; i < sizeof filter; i++)
        if (filter[i] == -128)
            filter[i] = -127;
    MUST(rs_activation_range(RS_ACT_RELU6, 0.06f, -100, &act_min, &act_max, &err) == RS_OK, "%s", err.text);
    golden_quant(&t, 5, s_filter, 0.06f, -100, act_min, act_max);
    MUST(rs_conv2d_s8_ref(&sh, ifmap, filter, bias, &t.q, ofmap, &err) == RS_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof golden_conv; i++)
        CHECK(ofmap[i] == golden_conv[i], "[%zu] %d, want %d", i, ofmap[i], golden_conv[i]);
    CHECK(guards_intact(ofmap, sizeof golden_conv), "wrote outside");
    guarded_free(ofmap);
}

TEST(depthwise_equals_tflite_golden)
{
    static const float s_filter[] = { 0.01f, 0.013f, 0.002f, 0.02f, 0.009f, 0.03f };
    static const int32_t bias[] = { 100, -2000, 7, 0, 900, -5 };
    struct rs_conv_shape sh = shape(7, 6, 3, 6, 3, 3);
    static struct test_quant t;
    struct rs_error err;
    int8_t ifmap[7 * 6 * 3], filter[3 * 3 * 6];
    int8_t *ofmap = guarded_new(sizeof golden_depthwise);

    sh.stride_w = 2;
    MUST(rs_conv_same_padding(7, 3, 1, 1, &sh.pad_top, &sh.pad_bottom, &err) == RS_OK, "%s", err.text);
    MUST(rs_conv_same_padding(6, 3, 2, 1, &sh.pad_left, &sh.pad_right, &err) == RS_OK, "%s", err.text);
    set_out(&sh);
    ramp(ifmap, sizeof ifmap, 41, 9);
    ramp(filter, sizeof filter, 23, 7);
    for (size_t i = 0; i < sizeof filter; i++)
        if (filter[i] == -128)
            filter[i] = -127;
    golden_quant(&t, 6, s_filter, 0.06f, 11, -128, 127);
    MUST(rs_depthwise_conv2d_s8_ref(&sh, ifmap, filter, bias, &t.q, ofmap, &err) == RS_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof golden_depthwise; i++)
        CHECK(ofmap[i] == golden_depthwise[i], "[%zu] %d, want %d", i, ofmap[i], golden_depthwise[i]);
    CHECK(guards_intact(ofmap, sizeof golden_depthwise), "wrote outside");
    guarded_free(ofmap);
}

TEST(padding_is_code_zp_in)
{
    /* A 3x3 filter of ones over one pixel of code 10, zp_in -128: real 138, padding real 0. */
    struct rs_conv_shape sh = shape(1, 1, 1, 1, 3, 3);
    const int32_t mult = 1 << 30, shift = 0;      /* one half */
    const struct rs_quant q = { .zp_in = -128, .zp_out = 3, .act_min = -128, .act_max = 127, .count = 1,
                                .mult = &mult, .shift = &shift };
    const int8_t pixel = 10, ones[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    int8_t out[1] = { 0 };

    sh.pad_top = sh.pad_bottom = sh.pad_left = sh.pad_right = 1;
    set_out(&sh);
    CHECK(rs_conv2d_s8_ref(&sh, &pixel, ones, NULL, &q, out, NULL) == RS_OK && out[0] == 72, "got %d", out[0]);
    CHECK(rs_depthwise_conv2d_s8_ref(&sh, &pixel, ones, NULL, &q, out, NULL) == RS_OK && out[0] == 72, "got %d",
          out[0]);
}

/* Scatter form: each (pixel, tap) adds to the psum it belongs to, if there is one.  groups = C for depthwise. */
static void oracle_conv(const struct rs_conv_shape *sh, bool depthwise, const int8_t *ifmap, const int8_t *filter,
                        const int32_t *bias, const struct rs_quant *q, int8_t *ofmap)
{
    const size_t psums = (size_t)sh->n * (size_t)sh->e * (size_t)sh->f * (size_t)sh->m;
    int64_t *psum = calloc(psums, sizeof *psum);

    if (psum == NULL)
        abort();
    for (int n = 0; n < sh->n; n++)
        for (int y = 0; y < sh->h; y++)
            for (int x = 0; x < sh->w; x++)
                for (int r = 0; r < sh->r; r++)
                    for (int s = 0; s < sh->s; s++) {
                        const int ey = y + sh->pad_top - r * sh->dilation_h;
                        const int fx = x + sh->pad_left - s * sh->dilation_w;

                        if (ey < 0 || fx < 0 || ey % sh->stride_h != 0 || fx % sh->stride_w != 0 ||
                            ey / sh->stride_h >= sh->e || fx / sh->stride_w >= sh->f)
                            continue;
                        for (int m = 0; m < sh->m; m++)
                            for (int c = 0; c < sh->c; c++) {
                                if (depthwise && m / (sh->m / sh->c) != c)
                                    continue;
                                const int w = depthwise ? filter[(r * sh->s + s) * sh->m + m]
                                                        : filter[((m * sh->r + r) * sh->s + s) * sh->c + c];

                                psum[((n * sh->e + ey / sh->stride_h) * sh->f + fx / sh->stride_w) * sh->m + m] +=
                                    w * (ifmap[((n * sh->h + y) * sh->w + x) * sh->c + c] - q->zp_in);
                            }
                    }
    for (size_t i = 0; i < psums; i++) {
        const size_t m = i % (size_t)sh->m;

        ofmap[i] = oracle_code((int32_t)(psum[i] + (bias == NULL ? 0 : bias[m])), q, m);
    }
    free(psum);
}

static void random_layers(bool depthwise)
{
    static struct test_quant t;

    for (int n = 0; n < 400; n++) {
        struct rs_conv_shape sh = {
            .n = (int)rnd_range(1, 2), .h = (int)rnd_range(1, 9), .w = (int)rnd_range(1, 9),
            .c = (int)rnd_range(1, 5), .m = (int)rnd_range(1, 6), .r = (int)rnd_range(1, 4),
            .s = (int)rnd_range(1, 4), .stride_h = (int)rnd_range(1, 3), .stride_w = (int)rnd_range(1, 3),
            .dilation_h = (int)rnd_range(1, 3), .dilation_w = (int)rnd_range(1, 3),
            .pad_top = (int)rnd_range(0, 3), .pad_bottom = (int)rnd_range(0, 3),
            .pad_left = (int)rnd_range(0, 3), .pad_right = (int)rnd_range(0, 3),
        };

        if (depthwise)
            sh.m = sh.c * (int)rnd_range(1, 3);
        set_out(&sh);
        if (sh.e < 1 || sh.f < 1)
            continue;

        const size_t in = (size_t)(sh.n * sh.h * sh.w * sh.c), out = (size_t)(sh.n * sh.e * sh.f * sh.m);
        const size_t taps = (size_t)(sh.r * sh.s * (depthwise ? 1 : sh.c)) * (size_t)sh.m;
        int8_t *ifmap = malloc(in), *filter = malloc(taps), *want = malloc(out), *got = guarded_new(out);
        int32_t bias[32];
        struct rs_error err = { RS_OK, "" };
        rs_status status;

        if (ifmap == NULL || filter == NULL || want == NULL)
            abort();
        rnd_codes(ifmap, in, -128, 127);
        rnd_codes(filter, taps, -128, 127);
        for (int i = 0; i < 32; i++)
            bias[i] = (int32_t)rnd_range(-5000, 5000);
        rnd_quant(&t, sh.m, 2000 * sh.r * sh.s, (enum rs_rounding)(n % 3));

        const int32_t *b = rnd_range(0, 3) == 0 ? NULL : bias;

        oracle_conv(&sh, depthwise, ifmap, filter, b, &t.q, want);
        status = depthwise ? rs_depthwise_conv2d_s8_ref(&sh, ifmap, filter, b, &t.q, got, &err)
                           : rs_conv2d_s8_ref(&sh, ifmap, filter, b, &t.q, got, &err);
        CHECK(status == RS_OK, "case %d: %s", n, err.text);
        CHECK(memcmp(got, want, out) == 0, "case %d differs: N %d H %d W %d C %d M %d R %d S %d", n, sh.n, sh.h, sh.w,
              sh.c, sh.m, sh.r, sh.s);
        CHECK(guards_intact(got, out), "case %d wrote outside", n);
        free(ifmap);
        free(filter);
        free(want);
        guarded_free(got);
    }
}

TEST(conv_equals_scatter_form) { random_layers(false); }
TEST(depthwise_equals_scatter_form) { random_layers(true); }

TEST(gemm_and_fc_by_hand)
{
    /* [1 2; 3 4] * [5 6; 7 8] = [19 22; 43 50] with zero points 1 and -1 added to the codes. */
    const int8_t a[] = { 2, 3, 4, 5 }, kn[] = { 4, 5, 6, 7 }, nk[] = { 4, 6, 5, 7 };
    const int32_t bias[] = { 100, -100 };
    int32_t c[4];
    struct rs_gemm_shape sh = { .m = 2, .n = 2, .k = 2, .layout = RS_GEMM_B_KN, .zp_b = -1 };
    struct rs_error err;

    MUST(rs_gemm_s8_s32_ref(&sh, a, kn, NULL, 1, c, &err) == RS_OK, "%s", err.text);
    CHECK(c[0] == 19 && c[1] == 22 && c[2] == 43 && c[3] == 50, "%d %d %d %d", c[0], c[1], c[2], c[3]);
    sh.layout = RS_GEMM_B_NK;
    MUST(rs_gemm_s8_s32_ref(&sh, a, nk, bias, 1, c, &err) == RS_OK, "%s", err.text);
    CHECK(c[0] == 119 && c[1] == -78 && c[2] == 143 && c[3] == -50, "%d %d %d %d", c[0], c[1], c[2], c[3]);

    const int32_t mult[] = { 1 << 30, 1 << 30 }, shift[] = { 0, 1 };      /* 1/2 and 1 */
    const struct rs_quant q = { .zp_in = 1, .zp_out = -1, .act_min = -60, .act_max = 70, .count = 2, .mult = mult,
                                .shift = shift };
    int8_t out[4];

    MUST(rs_gemm_s8_ref(&sh, a, nk, bias, &q, out, &err) == RS_OK, "%s", err.text);
    CHECK(out[0] == 59 && out[1] == -60 && out[2] == 70 && out[3] == -51, "%d %d %d %d", out[0], out[1], out[2],
          out[3]);
    /* FC is the same with zp_b 0. */
    MUST(rs_fully_connected_s8_ref(2, 2, 2, a, nk, bias, &q, out, &err) == RS_OK, "%s", err.text);
    CHECK(out[0] == 57, "%d", out[0]);          /* (100 + 1*4 + 2*6) / 2 - 1 = 57 */
}

TEST(extreme_codes_and_depths_stay_exact)
{
    /* K * 128 * 255 just fits: 65793 taps of -128 against zp 127 give 255 * 128 * 65793 = 2147483520. */
    enum { K = 65793 };
    struct rs_gemm_shape sh = { .m = 1, .n = 1, .k = K, .layout = RS_GEMM_B_NK };
    int8_t *a = malloc(K + 1), *b = malloc(K + 1);
    int32_t bias = 127, c = 0;
    struct rs_error err;

    MUST(a != NULL && b != NULL, "memory");
    memset(a, -128, K + 1);
    memset(b, -128, K + 1);
    CHECK(rs_gemm_s8_s32_ref(&sh, a, b, &bias, 127, &c, &err) == RS_OK && c == INT32_MAX, "%d %s", c, err.text);
    c = 5;
    bias = 128;
    CHECK(rs_gemm_s8_s32_ref(&sh, a, b, &bias, 127, &c, &err) == RS_ERR_RANGE && c == 5, "bias one too many");
    bias = -128;
    CHECK(rs_gemm_s8_s32_ref(&sh, a, b, &bias, 127, &c, &err) == RS_ERR_RANGE, "the bound is symmetric");
    b[7] = 0;          /* the true filter fits again, though the quick bound does not */
    CHECK(rs_gemm_s8_s32_ref(&sh, a, b, &bias, 127, &c, &err) == RS_OK, "%s", err.text);
    b[7] = -128;
    sh.k = K + 1;
    CHECK(rs_gemm_s8_s32_ref(&sh, a, b, NULL, 127, &c, &err) == RS_ERR_RANGE, "one tap too many");
    free(a);
    free(b);
}

TEST(conv_refuses_each_bad_argument_and_writes_nothing)
{
    static struct test_quant t;
    struct rs_conv_shape sh;
    struct rs_error err;
    int8_t ifmap[64] = { 0 }, filter[64] = { 0 };
    int32_t bias[4] = { 0 };
    int8_t *out = guarded_new(64);

#define REFUSES(statement, status) do {                                                            \
        sh = shape(4, 4, 2, 2, 2, 2);                                                              \
        rnd_quant(&t, 2, 1000, RS_ROUND_DOUBLE);                                                   \
        memset(bias, 0, sizeof bias);                                                              \
        statement;                                                                                 \
        CHECK(rs_conv2d_s8_ref(&sh, ifmap, filter, bias, &t.q, out, &err) == (status),             \
              "conv, " #statement ": %s", err.text);                                               \
        CHECK(rs_depthwise_conv2d_s8_ref(&sh, ifmap, filter, bias, &t.q, out, NULL) == (status),   \
              "depthwise, " #statement);                                                           \
        CHECK(untouched(out, 64), #statement ": ofmap written");                                   \
    } while (0)

    REFUSES(sh.n = 0, RS_ERR_ARG);
    REFUSES(sh.h = 0, RS_ERR_ARG);
    REFUSES(sh.w = -1, RS_ERR_ARG);
    REFUSES(sh.c = 0, RS_ERR_ARG);
    REFUSES(sh.m = 0, RS_ERR_ARG);
    REFUSES(sh.r = 0, RS_ERR_ARG);
    REFUSES(sh.s = 0, RS_ERR_ARG);
    REFUSES(sh.stride_h = 0, RS_ERR_ARG);
    REFUSES(sh.stride_w = 0, RS_ERR_ARG);
    REFUSES(sh.dilation_h = 0, RS_ERR_ARG);
    REFUSES(sh.dilation_w = 0, RS_ERR_ARG);
    REFUSES(sh.pad_top = -1, RS_ERR_ARG);
    REFUSES(sh.pad_right = -1, RS_ERR_ARG);
    REFUSES(sh.e = 4, RS_ERR_SHAPE);
    REFUSES(sh.f = 2, RS_ERR_SHAPE);
    REFUSES(sh.r = 5, RS_ERR_SHAPE);
    REFUSES(sh.dilation_h = INT32_MAX, RS_ERR_SHAPE);
    REFUSES((sh.n = 70000, sh.h = 70000, sh.e = 69999), RS_ERR_SHAPE);
    REFUSES(t.q.zp_in = 200, RS_ERR_RANGE);
    REFUSES(t.q.count = 3, RS_ERR_SHAPE);
    REFUSES(bias[1] = INT32_MIN, RS_ERR_RANGE);
#undef REFUSES

    sh = shape(4, 4, 2, 2, 2, 2);
    rnd_quant(&t, 2, 1000, RS_ROUND_DOUBLE);
    memset(bias, 0, sizeof bias);
    CHECK(rs_conv2d_s8_ref(NULL, ifmap, filter, bias, &t.q, out, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_conv2d_s8_ref(&sh, NULL, filter, bias, &t.q, out, &err) == RS_ERR_ARG, "null ifmap");
    CHECK(rs_conv2d_s8_ref(&sh, ifmap, NULL, bias, &t.q, out, &err) == RS_ERR_ARG, "null filter");
    CHECK(rs_conv2d_s8_ref(&sh, ifmap, filter, bias, NULL, out, &err) == RS_ERR_ARG, "null quantization");
    CHECK(rs_conv2d_s8_ref(&sh, ifmap, filter, bias, &t.q, NULL, &err) == RS_ERR_ARG, "null ofmap");
    CHECK(rs_depthwise_conv2d_s8_ref(&sh, NULL, filter, bias, &t.q, out, &err) == RS_ERR_ARG, "null ifmap");
    CHECK(rs_depthwise_conv2d_s8_ref(&sh, ifmap, NULL, bias, &t.q, out, &err) == RS_ERR_ARG, "null filter");
    CHECK(rs_depthwise_conv2d_s8_ref(&sh, ifmap, filter, bias, &t.q, NULL, &err) == RS_ERR_ARG, "null ofmap");
    sh = shape(4, 4, 2, 3, 2, 2);
    t.q.count = 1;
    CHECK(rs_depthwise_conv2d_s8_ref(&sh, ifmap, filter, bias, &t.q, out, &err) == RS_ERR_SHAPE, "M 3 of C 2");
    CHECK(untouched(out, 64), "ofmap written");
    guarded_free(out);
}

TEST(gemm_refuses_each_bad_argument_and_writes_nothing)
{
    static struct test_quant t;
    struct rs_gemm_shape sh;
    struct rs_error err;
    int8_t a[16] = { 0 }, b[16] = { 0 };
    int8_t *out = guarded_new(64);
    int32_t *out32 = (int32_t *)(void *)out;

#define REFUSES(statement, status) do {                                                            \
        sh = (struct rs_gemm_shape){ .m = 2, .n = 2, .k = 3 };                                     \
        rnd_quant(&t, 2, 1000, RS_ROUND_DOUBLE);                                                   \
        t.q.zp_in = 0;                                                                             \
        statement;                                                                                 \
        CHECK(rs_gemm_s8_ref(&sh, a, b, NULL, &t.q, out, &err) == (status), #statement ": %s", err.text); \
        CHECK(rs_gemm_s8_s32_ref(&sh, a, b, NULL, t.q.zp_in, out32, NULL) == (status), #statement); \
        CHECK(untouched(out, 64), #statement ": output written");                                  \
    } while (0)

    REFUSES(sh.m = 0, RS_ERR_ARG);
    REFUSES(sh.n = 0, RS_ERR_ARG);
    REFUSES(sh.k = 0, RS_ERR_ARG);
    REFUSES(sh.k = INT32_MIN, RS_ERR_ARG);
    REFUSES(sh.layout = (enum rs_gemm_layout)2, RS_ERR_ARG);
    REFUSES(sh.zp_b = 128, RS_ERR_RANGE);
    REFUSES(t.q.zp_in = -129, RS_ERR_RANGE);
    REFUSES((sh.m = 1 << 20, sh.k = 1 << 12), RS_ERR_SHAPE);
#undef REFUSES
    sh = (struct rs_gemm_shape){ .m = 2, .n = 2, .k = 3 };
    CHECK(rs_gemm_s8_ref(NULL, a, b, NULL, &t.q, out, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_gemm_s8_ref(&sh, NULL, b, NULL, &t.q, out, &err) == RS_ERR_ARG, "null a");
    CHECK(rs_gemm_s8_ref(&sh, a, NULL, NULL, &t.q, out, &err) == RS_ERR_ARG, "null b");
    CHECK(rs_gemm_s8_ref(&sh, a, b, NULL, NULL, out, &err) == RS_ERR_ARG, "null quantization");
    CHECK(rs_gemm_s8_ref(&sh, a, b, NULL, &t.q, NULL, &err) == RS_ERR_ARG, "null c");
    CHECK(rs_gemm_s8_s32_ref(&sh, a, b, NULL, 0, NULL, &err) == RS_ERR_ARG, "null c");
    CHECK(rs_fully_connected_s8_ref(0, 3, 2, a, b, NULL, &t.q, out, &err) == RS_ERR_ARG, "n 0");
    CHECK(rs_fully_connected_s8_ref(2, 3, 2, NULL, b, NULL, &t.q, out, &err) == RS_ERR_ARG, "null ifmap");
    CHECK(untouched(out, 64), "output written");
    guarded_free(out);
}

TEST(extents_and_same_padding)
{
    int32_t before = -1, after = -1;
    struct rs_error err;

    CHECK(rs_conv_out_extent(224, 7, 2, 1, 3, 3) == 112, "conv1");
    CHECK(rs_conv_out_extent(5, 3, 1, 2, 0, 0) == 1, "dilated");
    CHECK(rs_conv_out_extent(4, 3, 1, 2, 0, 0) == 0, "does not fit");
    CHECK(rs_conv_out_extent(1, INT32_MAX, 1, INT32_MAX, 0, 0) == 0, "huge");
    CHECK(rs_conv_out_extent(INT32_MAX, 1, 1, 1, INT32_MAX, INT32_MAX) == 3 * (int64_t)INT32_MAX, "huge pads");
    MUST(rs_conv_same_padding(224, 7, 2, 1, &before, &after, &err) == RS_OK, "%s", err.text);
    CHECK(before == 2 && after == 3, "%d %d", before, after);          /* the odd one goes after */
    MUST(rs_conv_same_padding(6, 3, 3, 1, &before, &after, &err) == RS_OK, "%s", err.text);
    CHECK(before == 0 && after == 0, "%d %d", before, after);
    MUST(rs_conv_same_padding(5, 1, 3, 1, &before, &after, &err) == RS_OK, "%s", err.text);
    CHECK(before == 0 && after == 0, "%d %d", before, after);
    CHECK(rs_conv_same_padding(0, 1, 1, 1, &before, &after, &err) == RS_ERR_ARG, "input 0");
    CHECK(rs_conv_same_padding(1, 1, 0, 1, &before, &after, &err) == RS_ERR_ARG, "stride 0");
    CHECK(rs_conv_same_padding(1, 1, 1, 1, NULL, &after, &err) == RS_ERR_ARG, "null");
    CHECK(rs_conv_same_padding(1, INT32_MAX, 1, INT32_MAX, &before, &after, &err) == RS_ERR_SHAPE, "huge");
}

int main(void)
{
    RUN(conv_equals_tflite_golden);
    RUN(depthwise_equals_tflite_golden);
    RUN(padding_is_code_zp_in);
    RUN(conv_equals_scatter_form);
    RUN(depthwise_equals_scatter_form);
    RUN(gemm_and_fc_by_hand);
    RUN(extreme_codes_and_depths_stay_exact);
    RUN(conv_refuses_each_bad_argument_and_writes_nothing);
    RUN(gemm_refuses_each_bad_argument_and_writes_nothing);
    RUN(extents_and_same_padding);
    return test_exit();
}
