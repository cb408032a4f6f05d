/*
 * test_layers_s16.c - layers of int16 activations: roundings against 128-bit division, the reference versions against a
 * scatter-form oracle over random shapes, each instruction set against them, the ends of every range, and every error code.
 */
#include "test_kernels.h"

/* TFLite's 16x8 output stage, said with floor division: x * m / 2^n to the nearest, ties up. */
static int64_t oracle_nearest_up(__int128 x, int64_t m, int n)
{
    const __int128 d = (__int128)1 << n;

    return (int64_t)floor_div(2 * x * m + d, 2 * d);
}

static int64_t oracle_reduced(int64_t mult)
{
    const int64_t nearest = (2 * mult + 65536) / 131072;

    return nearest > 32767 ? 32767 : nearest;
}

static int64_t rnd_acc(void)
{
    const int64_t top = (INT64_C(1) << 47) - 1;

    switch (rnd_range(0, 7)) {
    case 0:  return top - rnd_range(0, 3);
    case 1:  return -top + rnd_range(0, 3);
    case 2:  return rnd_range(-3, 3);
    default: return rnd_range(-top, top) >> rnd_range(0, 46);
    }
}

TEST(multiplier_equals_wide_division)
{
    static const int32_t mults[] = { 0, 1 << 30, (1 << 30) + 0x7FFF, (1 << 30) + 0x8000, 0x7FFEFFFF, 0x7FFF0000, INT32_MAX };

    for (int n = 0; n < 400000; n++) {
        const int64_t x = rnd_acc();
        const int shift = (int)rnd_range(-31, 7);
        const int32_t mult = n % 2 == 0 ? mults[rnd_range(0, 6)] : (int32_t)rnd_range(1 << 30, INT32_MAX);
        const int64_t want = oracle_nearest_up(x, oracle_reduced(mult), 15 - shift);
        const int64_t got = rs_multiply_by_quantized_multiplier_s64(x, mult, shift);
        const struct rs_quant_s16 q = { .act_min = -1000, .act_max = 32767, .count = 1, .mult = &mult, .shift = &shift };

        CHECK(got == want, "%lld * %d, shift %d: %lld, want %lld", (long long)x, mult, shift, (long long)got,
              (long long)want);
        CHECK(rs_requantize_s64_s16(x, &q, 3) == oracle_clamp(want, -1000, 32767), "%lld", (long long)x);
    }
}

TEST(shift_equals_wide_division)
{
    for (int n = 0; n < 400000; n++) {
        const int64_t x = rnd_acc();
        const struct rs_quant_s16s16 q = { .act_min = -32768, .act_max = 32766, .shift = (int32_t)rnd_range(0, 47) };
        const int64_t want = oracle_clamp(oracle_nearest_up(x, 1, q.shift), -32768, 32766);

        CHECK(rs_shift_s64_s16(x, &q) == want, "%lld >> %d: %d, want %lld", (long long)x, q.shift, rs_shift_s64_s16(x, &q),
              (long long)want);
    }
}

TEST(ties_go_up)
{
    const struct rs_quant_s16s16 q = { .act_min = -32768, .act_max = 32767, .shift = 1 };
    const int32_t half = 1 << 30, none = 0;
    const struct rs_quant_s16 h = { .act_min = -32768, .act_max = 32767, .count = 1, .mult = &half, .shift = &none };

    for (int x = -5; x <= 5; x += 2) {
        CHECK(rs_shift_s64_s16(x, &q) == (x + 1) / 2, "%d: %d", x, rs_shift_s64_s16(x, &q));
        CHECK(rs_requantize_s64_s16(x, &h, 0) == (x + 1) / 2, "%d: %d", x, rs_requantize_s64_s16(x, &h, 0));
    }
}

/* Tables of both output stages, for up to 16 channels. */
struct stages {
    struct rs_quant_s16 q8;
    struct rs_quant_s16s16 q16;
    int32_t mult[16], shift[16];
};

static void rnd_stages(struct stages *t, int channels, int64_t reach)
{
    int bits = 0;

    while (reach >> bits > 20000)
        bits++;
    t->q8 = (struct rs_quant_s16){ .act_min = -32768, .act_max = 32767, .count = rnd_range(0, 3) == 0 ? 1 : channels,
                                   .mult = t->mult, .shift = t->shift };
    if (rnd_range(0, 1) == 0) {
        t->q8.act_min = (int32_t)rnd_range(-32768, 100);
        t->q8.act_max = (int32_t)rnd_range(t->q8.act_min, 32767);
    }
    t->q16 = (struct rs_quant_s16s16){ .act_min = t->q8.act_min, .act_max = t->q8.act_max,
                                       .shift = bits > 2 ? bits - (int)rnd_range(0, 3) : (int)rnd_range(0, 2) };
    for (int i = 0; i < channels; i++) {
        t->mult[i] = (int32_t)rnd_range(1 << 30, INT32_MAX);
        t->shift[i] = -bits + (int32_t)rnd_range(-1, 2);
    }
}

static int16_t oracle_stage(__int128 acc, const struct stages *t, bool wide, size_t m)
{
    const size_t i = t->q8.count == 1 ? 0 : m;
    const int64_t y = wide ? oracle_nearest_up(acc, 1, t->q16.shift)
                           : oracle_nearest_up(acc, oracle_reduced(t->mult[i]), 15 - t->shift[i]);

    return (int16_t)oracle_clamp(y, t->q8.act_min, t->q8.act_max);
}

static int64_t code(const void *filter, bool wide, size_t i)
{
    return wide ? ((const int16_t *)filter)[i] : ((const int8_t *)filter)[i];
}

/* Scatter form: each (pixel, tap) adds to the psum it belongs to, if there is one. */
static void oracle_conv(const struct rs_conv_shape *sh, bool depthwise, bool wide, const int16_t *ifmap,
                        const void *filter, const int64_t *bias, const struct stages *t, int16_t *ofmap)
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
                        const int ey = y + sh->pad_top - r * sh->dilation_h, fx = x + sh->pad_left - s * sh->dilation_w;

                        if (ey < 0 || fx < 0 || ey % sh->stride_h != 0 || fx % sh->stride_w != 0 ||
                            ey / sh->stride_h >= sh->e || fx / sh->stride_w >= sh->f)
                            continue;
                        for (int m = 0; m < sh->m; m++)
                            for (int c = 0; c < sh->c; c++) {
                                if (depthwise && m / (sh->m / sh->c) != c)
                                    continue;
                                const int i = depthwise ? (r * sh->s + s) * sh->m + m : ((m * sh->r + r) * sh->s + s) * sh->c + c;

                                psum[((n * sh->e + ey / sh->stride_h) * sh->f + fx / sh->stride_w) * sh->m + m] +=
                                    code(filter, wide, (size_t)i) * ifmap[((n * sh->h + y) * sh->w + x) * sh->c + c];
                            }
                    }
    for (size_t i = 0; i < psums; i++) {
        const size_t m = i % (size_t)sh->m;

        ofmap[i] = oracle_stage((__int128)psum[i] + (bias == NULL ? 0 : bias[m]), t, wide, m);
    }
    free(psum);
}

/* Random int16 codes, or one in eight times only the ends of the range. */
static void rnd_codes16(int16_t *p, size_t count)
{
    const bool ends = rnd_range(0, 7) == 0;

    for (size_t i = 0; i < count; i++)
        p[i] = (int16_t)(ends ? (rnd_range(0, 1) != 0 ? 32767 : -32768) : rnd_range(-32768, 32767));
}

static void random_layers(bool depthwise, bool wide)
{
    for (int n = 0; n < 300; n++) {
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
        sh.e = (int32_t)rs_conv_out_extent(sh.h, sh.r, sh.stride_h, sh.dilation_h, sh.pad_top, sh.pad_bottom);
        sh.f = (int32_t)rs_conv_out_extent(sh.w, sh.s, sh.stride_w, sh.dilation_w, sh.pad_left, sh.pad_right);
        if (sh.e < 1 || sh.f < 1)
            continue;

        const size_t in = (size_t)(sh.n * sh.h * sh.w * sh.c), out = (size_t)(sh.n * sh.e * sh.f * sh.m);
        const size_t taps = (size_t)(sh.r * sh.s * (depthwise ? 1 : sh.c)), filters = taps * (size_t)sh.m;
        const int64_t reach = (int64_t)(wide ? 20000 : 80) * 20000 * (sh.r * sh.s);
        int16_t *ifmap = malloc(2 * in), *filter = malloc(2 * filters), *want = malloc(2 * out);
        int16_t *got = (int16_t *)(void *)guarded_new(2 * out);
        int64_t bias[16];
        struct stages t;
        struct rs_error err = { RS_OK, "" };
        rs_status status;

        if (ifmap == NULL || filter == NULL || want == NULL)
            abort();
        rnd_codes16(ifmap, in);
        rnd_codes16(filter, filters);
        for (int i = 0; i < 16; i++)
            bias[i] = rnd_range(-reach, reach);
        rnd_stages(&t, sh.m, reach);

        const int64_t *b = rnd_range(0, 3) == 0 ? NULL : bias;
        const int8_t *filter8 = (const int8_t *)(const void *)filter;

        oracle_conv(&sh, depthwise, wide, ifmap, filter, b, &t, want);
        status = depthwise ? wide ? rs_depthwise_conv2d_s16s16_ref(&sh, ifmap, filter, b, &t.q16, got, &err)
                                  : rs_depthwise_conv2d_s16_ref(&sh, ifmap, filter8, b, &t.q8, got, &err)
                           : wide ? rs_conv2d_s16s16_ref(&sh, ifmap, filter, b, &t.q16, got, &err)
                                  : rs_conv2d_s16_ref(&sh, ifmap, filter8, b, &t.q8, got, &err);
        CHECK(status == RS_OK, "case %d: %s", n, err.text);
        CHECK(memcmp(got, want, 2 * out) == 0, "case %d differs: N %d H %d W %d C %d M %d R %d S %d", n, sh.n, sh.h,
              sh.w, sh.c, sh.m, sh.r, sh.s);
        CHECK(guards_intact((int8_t *)(void *)got, 2 * out), "case %d wrote outside", n);
        free(ifmap);
        free(filter);
        free(want);
        guarded_free((int8_t *)(void *)got);
    }
}

TEST(conv_s16_equals_scatter_form) { random_layers(false, false); }
TEST(conv_s16s16_equals_scatter_form) { random_layers(false, true); }
TEST(depthwise_s16_equals_scatter_form) { random_layers(true, false); }
TEST(depthwise_s16s16_equals_scatter_form) { random_layers(true, true); }

/* Column by column, b transposed or not. */
static void random_gemms(bool wide)
{
    for (int n = 0; n < 300; n++) {
        const struct rs_gemm_shape sh = { .m = (int)rnd_range(1, 7), .n = (int)rnd_range(1, 9), .k = (int)rnd_range(1, 40),
                                          .layout = (enum rs_gemm_layout)rnd_range(0, 1) };
        const size_t m = (size_t)sh.m, cols = (size_t)sh.n, k = (size_t)sh.k;
        const int64_t reach = (int64_t)(wide ? 20000 : 80) * 20000 * 6;
        int16_t a[7 * 40], b[9 * 40], want[7 * 9], *got = (int16_t *)(void *)guarded_new(2 * m * cols);
        const int8_t *b8 = (const int8_t *)(const void *)b;
        int64_t bias[9];
        struct stages t;
        struct rs_error err = { RS_OK, "" };
        rs_status status;

        rnd_codes16(a, m * k);
        rnd_codes16(b, cols * k);
        for (int i = 0; i < 9; i++)
            bias[i] = rnd_range(-reach, reach);
        rnd_stages(&t, sh.n, reach);

        const int64_t *given = rnd_range(0, 3) == 0 ? NULL : bias;

        for (size_t j = 0; j < cols; j++)
            for (size_t i = 0; i < m; i++) {
                __int128 acc = given == NULL ? 0 : bias[j];

                for (size_t d = 0; d < k; d++)
                    acc += (__int128)a[i * k + d] * code(b, wide, sh.layout == RS_GEMM_B_KN ? d * cols + j : j * k + d);
                want[i * cols + j] = oracle_stage(acc, &t, wide, j);
            }
        status = wide ? rs_gemm_s16s16_ref(&sh, a, b, given, &t.q16, got, &err)
                      : rs_gemm_s16_ref(&sh, a, b8, given, &t.q8, got, &err);
        CHECK(status == RS_OK, "case %d: %s", n, err.text);
        CHECK(memcmp(got, want, 2 * m * cols) == 0, "case %d differs: %d x %d x %d", n, sh.m, sh.n, sh.k);
        if (sh.layout == RS_GEMM_B_NK) {
            memset(got, 0, 2 * m * cols);
            status = wide ? rs_fully_connected_s16s16_ref(sh.m, sh.k, sh.n, a, b, given, &t.q16, got, &err)
                          : rs_fully_connected_s16_ref(sh.m, sh.k, sh.n, a, b8, given, &t.q8, got, &err);
            CHECK(status == RS_OK && memcmp(got, want, 2 * m * cols) == 0, "case %d, FC: %s", n, err.text);
        }
        CHECK(guards_intact((int8_t *)(void *)got, 2 * m * cols), "case %d wrote outside", n);
        guarded_free((int8_t *)(void *)got);
    }
}

TEST(gemm_s16_equals_columns) { random_gemms(false); }
TEST(gemm_s16s16_equals_columns) { random_gemms(true); }

/* Extents around which vectors and tiles end. */
static int edge(int limit)
{
    static const int edges[] = { 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130 };
    const int x = edges[rnd_range(0, 17)];

    return x <= limit ? x : (int)rnd_range(1, limit);
}

static void rnd_table(struct rs_quant_s16 *q, struct rs_quant_s16s16 *q16, int32_t *mult, int32_t *shift, int channels, int64_t reach)
{
    struct stages t;

    rnd_stages(&t, 1, reach);
    for (int i = 0; i < channels; i++) {
        mult[i] = (int32_t)rnd_range(1 << 30, INT32_MAX);
        shift[i] = t.shift[0];
    }
    *q = (struct rs_quant_s16){ .act_min = t.q8.act_min, .act_max = t.q8.act_max, .count = channels, .mult = mult, .shift = shift };
    *q16 = t.q16;
}

enum { MOST = 140 };

/* The fast function against the plain one, from memory that ends where the operands do. */
static void fast_layer(const char *isa, const struct rs_conv_shape *sh, bool depthwise, bool wide)
{
    static int32_t mult[MOST], shift[MOST];
    static int64_t bias[MOST];
    const size_t in = (size_t)(sh->n * sh->h * sh->w * sh->c), out = (size_t)(sh->n * sh->e * sh->f * sh->m);
    const size_t filters = (size_t)(sh->r * sh->s * (depthwise ? 1 : sh->c)) * (size_t)sh->m;
    const int64_t reach = (int64_t)(wide ? 20000 : 80) * 20000 * (sh->r * sh->s);
    int16_t *ifmap = malloc(2 * in), *filter = malloc((wide ? 2 : 1) * filters + 1), *want = malloc(2 * out);
    int16_t *got = (int16_t *)(void *)guarded_new(2 * out);
    const int8_t *filter8 = (const int8_t *)(const void *)filter;
    const int64_t *b = rnd_range(0, 3) == 0 ? NULL : bias;
    struct rs_quant_s16 q8;
    struct rs_quant_s16s16 q16;
    struct rs_error err = { RS_OK, "" };
    rs_status plain, fast;

    if (ifmap == NULL || filter == NULL || want == NULL)
        abort();
    rnd_codes16(ifmap, in);
    rnd_codes16(filter, wide ? filters : filters / 2);
    if (!wide && filters % 2 != 0)
        ((int8_t *)(void *)filter)[filters - 1] = -128;
    for (int i = 0; i < sh->m; i++)
        bias[i] = rnd_range(-reach, reach);
    rnd_table(&q8, &q16, mult, shift, sh->m, reach);
    if (depthwise) {
        plain = wide ? rs_depthwise_conv2d_s16s16_ref(sh, ifmap, filter, b, &q16, want, &err)
                     : rs_depthwise_conv2d_s16_ref(sh, ifmap, filter8, b, &q8, want, &err);
        fast = wide ? rs_depthwise_conv2d_s16s16(sh, ifmap, filter, b, &q16, got, &err)
                    : rs_depthwise_conv2d_s16(sh, ifmap, filter8, b, &q8, got, &err);
    } else {
        plain = wide ? rs_conv2d_s16s16_ref(sh, ifmap, filter, b, &q16, want, &err)
                     : rs_conv2d_s16_ref(sh, ifmap, filter8, b, &q8, want, &err);
        fast = wide ? rs_conv2d_s16s16(sh, ifmap, filter, b, &q16, got, &err)
                    : rs_conv2d_s16(sh, ifmap, filter8, b, &q8, got, &err);
    }
    CHECK(plain == RS_OK && fast == RS_OK, "%s: %s", isa, err.text);
    CHECK(memcmp(got, want, 2 * out) == 0, "%s, %s%s differs: N %d H %d W %d C %d M %d R %d S %d", isa, depthwise ? "depthwise " : "",
          wide ? "s16s16" : "s16", sh->n, sh->h, sh->w, sh->c, sh->m, sh->r, sh->s);
    CHECK(guards_intact((int8_t *)(void *)got, 2 * out), "%s wrote outside", isa);
    free(ifmap);
    free(filter);
    free(want);
    guarded_free((int8_t *)(void *)got);
}

static void fast_layers(bool depthwise)
{
    struct rs_error err;

    for (int isa = RS_ISA_REF; isa < RS_ISA_COUNT; isa++) {
        const char *name = rs_isa_name((enum rs_isa)isa);

        if (!rs_isa_available((enum rs_isa)isa))
            continue;
        MUST(rs_isa_select(name, &err) == RS_OK, "%s", err.text);
        for (int n = 0; n < (isa <= RS_ISA_PORTABLE ? 10 : 150); n++) {
            struct rs_conv_shape sh = {
                .n = (int)rnd_range(1, 2), .h = (int)rnd_range(1, 7), .w = (int)rnd_range(1, 11), .c = edge(depthwise ? MOST : 70),
                .m = edge(20), .r = (int)rnd_range(1, 4), .s = (int)rnd_range(1, 4), .stride_h = (int)rnd_range(1, 2),
                .stride_w = (int)rnd_range(1, 3), .dilation_h = (int)rnd_range(1, 2), .dilation_w = (int)rnd_range(1, 2),
                .pad_top = (int)rnd_range(0, 3), .pad_bottom = (int)rnd_range(0, 3),
                .pad_left = (int)rnd_range(0, 3), .pad_right = (int)rnd_range(0, 3),
            };

            if (rnd_range(0, 3) == 0) {        /* one that needs no copy of the ifmap, if C fits */
                sh.r = sh.s = sh.stride_h = sh.stride_w = 1;
                sh.pad_top = sh.pad_bottom = sh.pad_left = sh.pad_right = 0;
            }
            if (depthwise)
                sh.m = sh.c;
            sh.e = (int32_t)rs_conv_out_extent(sh.h, sh.r, sh.stride_h, sh.dilation_h, sh.pad_top, sh.pad_bottom);
            sh.f = (int32_t)rs_conv_out_extent(sh.w, sh.s, sh.stride_w, sh.dilation_w, sh.pad_left, sh.pad_right);
            if (sh.e >= 1 && sh.f >= 1)
                fast_layer(name, &sh, depthwise, n % 2 != 0);
        }
    }
    MUST(rs_isa_select(NULL, &err) == RS_OK, "%s", err.text);
}

TEST(each_instruction_set_convolves_as_the_plain_loops) { fast_layers(false); }
TEST(each_instruction_set_does_depthwise_as_the_plain_loops) { fast_layers(true); }

/* Depths at which 32-bit lanes would overflow, the greatest products there are; either layout of b; FC. */
TEST(each_instruction_set_multiplies_as_the_plain_loops)
{
    static const int depths[] = { 1, 15, 16, 32, 33, 127 * 8, 127 * 16 + 1, 127 * 32, 127 * 64, 9000 };
    enum { K = 9000, M = 5, N = 7 };
    int16_t *a = malloc(2 * M * K), *b = malloc(2 * N * K), want[M * N];
    const int8_t *b8 = (const int8_t *)(const void *)b;
    int32_t mult[N], shift[N];
    struct rs_quant_s16 q8;
    struct rs_quant_s16s16 q16;
    struct rs_error err;

    MUST(a != NULL && b != NULL, "memory");
    for (int isa = RS_ISA_PORTABLE; isa < RS_ISA_COUNT; isa++) {
        if (!rs_isa_available((enum rs_isa)isa))
            continue;
        MUST(rs_isa_select(rs_isa_name((enum rs_isa)isa), &err) == RS_OK, "%s", err.text);
        for (int n = 0; n < 80; n++) {
            const struct rs_gemm_shape sh = { .m = (int)rnd_range(1, M), .n = (int)rnd_range(1, N), .k = depths[n % 10],
                                              .layout = (enum rs_gemm_layout)rnd_range(0, 1) };
            const size_t bytes = 2 * (size_t)(sh.m * sh.n);
            const bool wide = n / 10 % 2 != 0;
            int16_t *got = (int16_t *)(void *)guarded_new(bytes);

            rnd_codes16(a, M * K);
            rnd_codes16(b, N * K);
            if (n >= 40)
                for (int i = 0; i < M * K; i++)
                    a[i] = -32768;
            if (n >= 60)
                for (int i = 0; i < N * K; i++)
                    b[i] = n % 3 == 0 ? -32768 : n % 3 == 1 ? 0x00FF : (int16_t)0x8080;
            rnd_table(&q8, &q16, mult, shift, sh.n, (int64_t)(wide ? 20000 : 80) * 20000 * (n >= 40 ? sh.k : 100));
            CHECK((wide ? rs_gemm_s16s16_ref(&sh, a, b, NULL, &q16, want, &err) : rs_gemm_s16_ref(&sh, a, b8, NULL, &q8, want, &err)) == RS_OK &&
                  (wide ? rs_gemm_s16s16(&sh, a, b, NULL, &q16, got, &err) : rs_gemm_s16(&sh, a, b8, NULL, &q8, got, &err)) == RS_OK,
                  "%s", err.text);
            CHECK(memcmp(got, want, bytes) == 0, "%s, %s, case %d: K %d", rs_isa_name((enum rs_isa)isa), wide ? "s16s16" : "s16", n, sh.k);
            if (sh.layout == RS_GEMM_B_NK) {
                memset(got, 0, bytes);
                CHECK((wide ? rs_fully_connected_s16s16(sh.m, sh.k, sh.n, a, b, NULL, &q16, got, &err)
                            : rs_fully_connected_s16(sh.m, sh.k, sh.n, a, b8, NULL, &q8, got, &err)) == RS_OK, "%s", err.text);
                CHECK(memcmp(got, want, bytes) == 0, "FC, case %d", n);
            }
            CHECK(guards_intact((int8_t *)(void *)got, bytes), "case %d wrote outside", n);
            guarded_free((int8_t *)(void *)got);
        }
    }
    MUST(rs_isa_select(NULL, &err) == RS_OK, "%s", err.text);
    free(a);
    free(b);
}

TEST(accumulators_up_to_48_bits)
{
    /* 2^17 - 1 taps of 2^30 and a bias of 2^30 - 1 make 2^47 - 1. */
    enum { K = (1 << 17) - 1 };
    struct rs_gemm_shape sh = { .m = 1, .n = 1, .k = K, .layout = RS_GEMM_B_NK };
    const struct rs_quant_s16s16 q = { .act_min = -32768, .act_max = 32767, .shift = 33 };
    int16_t *a = malloc(2 * (K + 1)), *b = malloc(2 * (K + 1)), c = 5;
    int64_t bias = (1 << 30) - 1;
    struct rs_error err;

    MUST(a != NULL && b != NULL, "memory");
    for (int i = 0; i <= K; i++)
        a[i] = b[i] = -32768;
    CHECK(rs_gemm_s16s16_ref(&sh, a, b, &bias, &q, &c, &err) == RS_OK && c == 16384, "%d %s", c, err.text);
    a[0] = a[1] = a[2] = 32767;        /* less 3 * (2^31 - 2^15): 16383.25 units of 2^33 */
    CHECK(rs_gemm_s16s16_ref(&sh, a, b, &bias, &q, &c, &err) == RS_OK && c == 16383, "%d %s", c, err.text);
    c = 5;
    bias = 1 << 30;
    CHECK(rs_gemm_s16s16_ref(&sh, a, b, &bias, &q, &c, &err) == RS_ERR_RANGE && c == 5, "bias one too many");
    bias = -(1 << 30);
    CHECK(rs_gemm_s16s16_ref(&sh, a, b, &bias, &q, &c, &err) == RS_ERR_RANGE && c == 5, "the bound is symmetric");
    bias = INT64_MIN;
    CHECK(rs_gemm_s16s16_ref(&sh, a, b, &bias, &q, &c, &err) == RS_ERR_RANGE && c == 5, "no negation of INT64_MIN");
    sh.k = K + 1;
    CHECK(rs_gemm_s16s16_ref(&sh, a, b, NULL, &q, &c, &err) == RS_ERR_RANGE && c == 5, "one tap too many");
    free(a);
    free(b);
}

TEST(refuses_each_bad_argument_and_writes_nothing)
{
    struct rs_conv_shape sh;
    struct rs_gemm_shape g;
    struct stages t;
    struct rs_error err;
    int16_t ifmap[64] = { 0 }, filter[64] = { 0 };
    const int8_t *filter8 = (const int8_t *)(const void *)filter;
    int64_t bias[4];
    int8_t *guarded = guarded_new(128);
    int16_t *out = (int16_t *)(void *)guarded;

#define RESET() do {                                                                                            \
        sh = (struct rs_conv_shape){ .n = 1, .h = 4, .w = 4, .c = 2, .m = 2, .r = 2, .s = 2, .stride_h = 1,      \
                                     .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .e = 3, .f = 3 };          \
        g = (struct rs_gemm_shape){ .m = 2, .n = 2, .k = 3 };                                                    \
        rnd_stages(&t, 2, 100000);                                                                               \
        t.q8.count = 2;                                                                                          \
        memset(bias, 0, sizeof bias);                                                                            \
    } while (0)
#define CONV_REFUSES(statement, status) do {                                                                     \
        RESET();                                                                                                 \
        statement;                                                                                               \
        CHECK(rs_conv2d_s16_ref(&sh, ifmap, filter8, bias, &t.q8, out, &err) == (status), #statement ": %s", err.text); \
        CHECK(rs_depthwise_conv2d_s16_ref(&sh, ifmap, filter8, bias, &t.q8, out, NULL) == (status), #statement);  \
        CHECK(rs_conv2d_s16(&sh, ifmap, filter8, bias, &t.q8, out, NULL) == (status), "fast: " #statement);      \
        CHECK(rs_depthwise_conv2d_s16(&sh, ifmap, filter8, bias, &t.q8, out, NULL) == (status), "fast: " #statement); \
        CHECK(untouched(guarded, 128), #statement ": written");                                                  \
    } while (0)
#define CONV16_REFUSES(statement, status) do {                                                                   \
        RESET();                                                                                                 \
        statement;                                                                                               \
        CHECK(rs_conv2d_s16s16_ref(&sh, ifmap, filter, bias, &t.q16, out, &err) == (status), #statement ": %s", err.text); \
        CHECK(rs_depthwise_conv2d_s16s16_ref(&sh, ifmap, filter, bias, &t.q16, out, NULL) == (status), #statement); \
        CHECK(rs_conv2d_s16s16(&sh, ifmap, filter, bias, &t.q16, out, NULL) == (status), "fast: " #statement);   \
        CHECK(rs_depthwise_conv2d_s16s16(&sh, ifmap, filter, bias, &t.q16, out, NULL) == (status), "fast: " #statement); \
        CHECK(untouched(guarded, 128), #statement ": written");                                                  \
    } while (0)
#define GEMM_REFUSES(statement, status) do {                                                                     \
        RESET();                                                                                                 \
        statement;                                                                                               \
        CHECK(rs_gemm_s16_ref(&g, ifmap, filter8, bias, &t.q8, out, &err) == (status), #statement ": %s", err.text); \
        CHECK(rs_gemm_s16s16_ref(&g, ifmap, filter, bias, &t.q16, out, NULL) == (status), #statement);           \
        CHECK(rs_gemm_s16(&g, ifmap, filter8, bias, &t.q8, out, NULL) == (status), "fast: " #statement);         \
        CHECK(rs_gemm_s16s16(&g, ifmap, filter, bias, &t.q16, out, NULL) == (status), "fast: " #statement);      \
        CHECK(untouched(guarded, 128), #statement ": written");                                                  \
    } while (0)

    CONV_REFUSES(sh.n = 0, RS_ERR_ARG);
    CONV_REFUSES(sh.e = 4, RS_ERR_SHAPE);
    CONV_REFUSES(t.q8.count = 3, RS_ERR_SHAPE);
    CONV_REFUSES(t.q8.mult = NULL, RS_ERR_ARG);
    CONV_REFUSES(t.mult[1] = 5, RS_ERR_RANGE);
    CONV_REFUSES(t.shift[1] = 8, RS_ERR_RANGE);
    CONV_REFUSES(t.shift[1] = -32, RS_ERR_RANGE);
    CONV_REFUSES(t.q8.act_max = 32768, RS_ERR_RANGE);
    CONV_REFUSES((t.q8.act_min = 3, t.q8.act_max = 2), RS_ERR_RANGE);
    CONV_REFUSES(bias[1] = INT64_C(1) << 47, RS_ERR_RANGE);
    CONV16_REFUSES(sh.stride_w = 0, RS_ERR_ARG);
    CONV16_REFUSES(t.q16.shift = -1, RS_ERR_RANGE);
    CONV16_REFUSES(t.q16.shift = 48, RS_ERR_RANGE);
    CONV16_REFUSES(t.q16.act_min = -32769, RS_ERR_RANGE);
    CONV16_REFUSES(bias[0] = -(INT64_C(1) << 47), RS_ERR_RANGE);
    GEMM_REFUSES(g.m = 0, RS_ERR_ARG);
    GEMM_REFUSES(g.n = 0, RS_ERR_ARG);
    GEMM_REFUSES(g.k = -1, RS_ERR_ARG);
    GEMM_REFUSES(g.layout = (enum rs_gemm_layout)2, RS_ERR_ARG);
    GEMM_REFUSES(g.zp_b = 1, RS_ERR_RANGE);
    GEMM_REFUSES((g.m = 1 << 20, g.k = 1 << 12), RS_ERR_SHAPE);
    RESET();
    CHECK(rs_conv2d_s16_ref(NULL, ifmap, filter8, bias, &t.q8, out, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_conv2d_s16_ref(&sh, NULL, filter8, bias, &t.q8, out, &err) == RS_ERR_ARG, "null ifmap");
    CHECK(rs_conv2d_s16_ref(&sh, ifmap, NULL, bias, &t.q8, out, &err) == RS_ERR_ARG, "null filter");
    CHECK(rs_conv2d_s16_ref(&sh, ifmap, filter8, bias, NULL, out, &err) == RS_ERR_ARG, "null quantization");
    CHECK(rs_conv2d_s16_ref(&sh, ifmap, filter8, bias, &t.q8, NULL, &err) == RS_ERR_ARG, "null ofmap");
    CHECK(rs_conv2d_s16s16_ref(&sh, ifmap, filter, bias, NULL, out, &err) == RS_ERR_ARG, "null quantization");
    CHECK(rs_gemm_s16_ref(NULL, ifmap, filter8, bias, &t.q8, out, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_gemm_s16s16_ref(NULL, ifmap, filter, bias, &t.q16, out, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_gemm_s16_ref(&g, ifmap, filter8, bias, &t.q8, NULL, &err) == RS_ERR_ARG, "null c");
    sh.m = 3;
    t.q8.count = 1;
    CHECK(rs_depthwise_conv2d_s16_ref(&sh, ifmap, filter8, NULL, &t.q8, out, &err) == RS_ERR_SHAPE, "M 3 of C 2");
    CHECK(untouched(guarded, 128), "written");
    guarded_free(guarded);
}

int main(void)
{
    RUN(multiplier_equals_wide_division);
    RUN(shift_equals_wide_division);
    RUN(ties_go_up);
    RUN(conv_s16_equals_scatter_form);
    RUN(conv_s16s16_equals_scatter_form);
    RUN(depthwise_s16_equals_scatter_form);
    RUN(depthwise_s16s16_equals_scatter_form);
    RUN(gemm_s16_equals_columns);
    RUN(gemm_s16s16_equals_columns);
    RUN(each_instruction_set_convolves_as_the_plain_loops);
    RUN(each_instruction_set_does_depthwise_as_the_plain_loops);
    RUN(each_instruction_set_multiplies_as_the_plain_loops);
    RUN(accumulators_up_to_48_bits);
    RUN(refuses_each_bad_argument_and_writes_nothing);
    return test_exit();
}
