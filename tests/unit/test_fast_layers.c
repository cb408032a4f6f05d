/*
 * test_fast_layers.c - every instruction set this machine has against the _ref functions, bit for bit, over random
 * layers with tails; packed layers run whole and in shares; refusals.
 *
 *   test_fast_layers [seed [cases]]
 */
#include "pack.h"
#include "test_kernels.h"

static uint64_t seed = 3;            /* meets, in 400 cases, a layer of one row some of whose panels have lines in floats, and some not */
static int cases = 400;

static int8_t *codes_new(size_t count, int lo, int hi)
{
    int8_t *p = malloc(count);

    if (p == NULL)
        abort();
    rnd_codes(p, count, lo, hi);
    return p;
}

/* An aligned buffer with GUARD bytes after it. */
static char *aligned_new(size_t bytes)
{
    char *p = aligned_alloc(RS_PACK_ALIGNMENT, (bytes + GUARD + 63) / 64 * 64);

    if (p == NULL)
        abort();
    memset(p, GUARD_BYTE, (bytes + GUARD + 63) / 64 * 64);
    return p;
}

static bool aligned_intact(const char *p, size_t bytes)
{
    for (size_t i = 0; i < GUARD; i++)
        if ((uint8_t)p[bytes + i] != GUARD_BYTE)
            return false;
    return true;
}

/* 1, or one of the sizes around which tiles, chunks and panels end. */
static int32_t edge(int32_t limit)
{
    static const int32_t edges[] = { 1, 2, 3, 4, 5, 7, 8, 9, 13, 14, 15, 16, 17, 28, 29, 31, 32, 33, 47, 48, 63, 64, 65,
                                     96, 127, 128, 129 };
    int32_t x = rnd_range(0, 1) != 0 ? edges[rnd_range(0, 26)] : (int32_t)rnd_range(1, limit);

    return x <= limit ? x : (int32_t)rnd_range(1, limit);
}

static bool random_shape(bool depthwise, struct rs_conv_shape *sh)
{
    const bool point = rnd_range(0, 3) == 0;

    *sh = (struct rs_conv_shape){
        .n = rnd_range(0, 4) == 0 ? 2 : 1, .h = edge(20), .w = edge(34), .c = edge(depthwise ? 140 : 70), .m = edge(80),
        .r = point ? 1 : (int)rnd_range(1, 6), .s = point ? 1 : (int)rnd_range(1, 6),
        .stride_h = (int)rnd_range(1, 3), .stride_w = rnd_range(0, 1) != 0 ? 1 : (int)rnd_range(1, 3),
        .dilation_h = rnd_range(0, 3) == 0 ? (int)rnd_range(1, 3) : 1,
        .dilation_w = rnd_range(0, 3) == 0 ? (int)rnd_range(1, 3) : 1,
        .pad_top = (int)rnd_range(0, 3), .pad_bottom = (int)rnd_range(0, 3),
        .pad_left = (int)rnd_range(0, 3), .pad_right = (int)rnd_range(0, 3),
    };
    if (!depthwise && rnd_range(0, 3) == 0) {          /* few filters: the largest tiles, and dense stores */
        sh->c = 4 * (int)rnd_range(1, 9);
        sh->m = (int)rnd_range(1, 33);
        sh->s = 3;
        sh->stride_w = sh->dilation_w = 1;
    }
    if (!depthwise && rnd_range(0, 7) == 0) {          /* by Winograd's method where that suits */
        sh->n = (int)rnd_range(1, 2);
        sh->h = (int)rnd_range(1, 13);
        sh->w = (int)rnd_range(1, 13);
        sh->c = rnd_range(0, 1) != 0 ? 16 * (int)rnd_range(1, 9) : 32 * (int)rnd_range(2, 4);
        sh->m = rnd_range(0, 1) != 0 ? 16 * (int)rnd_range(1, 3) : 32;
        sh->r = sh->s = 3;
        sh->stride_h = sh->stride_w = sh->dilation_h = sh->dilation_w = 1;
    }
    if (depthwise) {
        sh->m = rnd_range(0, 5) == 0 ? sh->c * 2 : sh->c;
        if (rnd_range(0, 1) != 0)                      /* filters that have a kernel of their own */
            sh->r = sh->s = rnd_range(0, 2) != 0 ? 3 : 5;
    }
    sh->e = (int32_t)rs_conv_out_extent(sh->h, sh->r, sh->stride_h, sh->dilation_h, sh->pad_top, sh->pad_bottom);
    sh->f = (int32_t)rs_conv_out_extent(sh->w, sh->s, sh->stride_w, sh->dilation_w, sh->pad_left, sh->pad_right);
    return sh->e >= 1 && sh->f >= 1;
}

/* 3x3 layers whose sums, and Winograd's numbers on the way to them, are as large as they can be. */
static void extreme_layer(const char *isa, int32_t c, int code_kind, int filter_kind, int32_t zp)
{
    enum { H = 7, W = 9, M = 32 };
    const struct rs_conv_shape sh = { .n = 1, .h = H, .w = W, .c = c, .m = M, .r = 3, .s = 3, .stride_h = 1, .stride_w = 1,
                                      .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_bottom = 1, .pad_left = 1,
                                      .pad_right = 1, .e = H, .f = W };
    const int32_t mult = 1 << 30, shift = -17;
    const struct rs_quant q = { .zp_in = zp, .zp_out = 3, .act_min = -128, .act_max = 127, .count = 1, .mult = &mult, .shift = &shift };
    int8_t *ifmap = malloc((size_t)(H * W * c)), *filter = malloc((size_t)(9 * c * M));
    int8_t *want = guarded_new(H * W * M), *got = guarded_new(H * W * M);
    struct rs_error err;

    MUST(ifmap != NULL && filter != NULL, "no memory");
    /* Signs: all the same, at random, or those of the transforms' own rows, + - + - and + 0 - 0. */
    for (int32_t i = 0; i < H * W * c; i++) {
        const int x = i / c % W, y = i / c / W, sign = code_kind == 0 ? 1 : code_kind == 1 ? (int)rnd_range(0, 1) : (x / 2 + y / 2) % 2;

        ifmap[i] = sign != 0 ? 127 : -128;
    }
    for (int32_t i = 0; i < 9 * c * M; i++) {
        const int tap = i / c % 9, sign = filter_kind == 0 ? 1 : filter_kind == 1 ? (int)rnd_range(0, 1) : tap % 2;

        filter[i] = sign != 0 ? 127 : -128;
    }
    MUST(rs_conv2d_s8_ref(&sh, ifmap, filter, NULL, &q, want, &err) == RS_OK, "ref: %s", err.text);
    MUST(rs_conv2d_s8(&sh, ifmap, filter, NULL, &q, got, &err) == RS_OK, "%s: %s", isa, err.text);
    CHECK(memcmp(got, want, H * W * M) == 0 && guards_intact(got, H * W * M), "%s: C %d, codes %d, filters %d, zero point %d differ",
          isa, c, code_kind, filter_kind, zp);
    free(ifmap);
    free(filter);
    guarded_free(want);
    guarded_free(got);
}

static void extreme_layers(const char *isa)
{
    struct rs_error err;

    if (rs_isa_select(isa, &err) == RS_ERR_UNSUPPORTED)
        SKIP("this machine lacks the instruction set");
    for (int32_t c = 32; c <= 128; c += 32)
        for (int kind = 0; kind < 9; kind++)
            for (int32_t zp = -128; zp <= 127; zp += 255)
                extreme_layer(isa, c, kind % 3, kind / 3, zp);
}

static void random_layers(const char *isa, bool depthwise)
{
    static struct test_quant t;
    struct rs_error err = { RS_OK, "" };
    int done = 0;

    if (rs_isa_select(isa, &err) == RS_ERR_UNSUPPORTED)
        SKIP("this machine lacks the instruction set");
    test_rng = seed;
    for (int n = 0; done < cases; n++) {
        struct rs_conv_shape sh;
        struct rs_pack_sizes sizes;
        int32_t bias[300];
        const uint64_t replay = test_rng;

        if (!random_shape(depthwise, &sh))
            continue;
        done++;

        const size_t in = (size_t)(sh.n * sh.h * sh.w * sh.c), out = (size_t)(sh.n * sh.e * sh.f * sh.m);
        const size_t taps = (size_t)(sh.r * sh.s * (depthwise ? 1 : sh.c)) * (size_t)sh.m;
        int8_t *ifmap = codes_new(in, rnd_range(0, 5) == 0 ? 127 : -128, 127);
        int8_t *filter = codes_new(taps, -128, rnd_range(0, 5) == 0 ? -128 : 127);
        int8_t *want = guarded_new(out), *got = guarded_new(out);
        const int64_t reach = 100 + 60 * sh.r * sh.s * (depthwise ? 1 : sh.c);

        for (int i = 0; i < 300; i++)
            bias[i] = (int32_t)rnd_range(-2 * reach, 2 * reach);
        if (rnd_range(0, 15) == 0)
            bias[0] = 1500000000;              /* beyond what the vector output stage takes */
        rnd_quant(&t, sh.m, 64 * reach, rnd_range(0, 3) != 0 ? RS_ROUND_DOUBLE : (enum rs_rounding)rnd_range(0, 2));

        const int32_t *b = rnd_range(0, 4) == 0 ? NULL : bias;
        const char *what = depthwise ? "depthwise" : "conv";
        rs_status status;

        status = depthwise ? rs_depthwise_conv2d_s8_ref(&sh, ifmap, filter, b, &t.q, want, &err)
                           : rs_conv2d_s8_ref(&sh, ifmap, filter, b, &t.q, want, &err);
        MUST(status == RS_OK, "ref: %s", err.text);
        status = depthwise ? rs_depthwise_conv2d_s8(&sh, ifmap, filter, b, &t.q, got, &err)
                           : rs_conv2d_s8(&sh, ifmap, filter, b, &t.q, got, &err);
        MUST(status == RS_OK, "%s: %s", isa, err.text);
        for (size_t i = 0; i < out; i++)
            MUST(got[i] == want[i],
                 "%s %s: replay %llu: [%zu] %d, want %d; N %d H %d W %d C %d M %d R %d S %d stride %d %d dilation %d %d "
                 "pad %d %d %d %d rounding %d", isa, what, (unsigned long long)replay, i, got[i], want[i], sh.n, sh.h, sh.w,
                 sh.c, sh.m, sh.r, sh.s, sh.stride_h, sh.stride_w, sh.dilation_h, sh.dilation_w, sh.pad_top, sh.pad_bottom,
                 sh.pad_left, sh.pad_right, t.q.rounding);
        CHECK(guards_intact(got, out), "%s %s: wrote outside; replay %llu", isa, what, (unsigned long long)replay);

        /* Packed once, run in shares, memory exactly as large as asked for. */
        status = depthwise ? rs_depthwise_conv2d_s8_pack_bytes(&sh, &sizes, &err)
                           : rs_conv2d_s8_pack_bytes(&sh, &sizes, &err);
        MUST(status == RS_OK, "%s", err.text);

        char *packed = aligned_new(sizes.packed_bytes), *scratch = aligned_new(sizes.scratch_bytes);
        const int parts = (int)rnd_range(1, 4);

        status = depthwise ? rs_depthwise_conv2d_s8_pack(&sh, filter, b, &t.q, packed, sizes.packed_bytes, &err)
                           : rs_conv2d_s8_pack(&sh, filter, b, &t.q, packed, sizes.packed_bytes, &err);
        MUST(status == RS_OK, "%s", err.text);
        memset(got, GUARD_BYTE, out);
        for (int p = parts - 1; p >= 0; p--)
            MUST(rs_packed_run(packed, ifmap, got, p, parts, scratch, sizes.scratch_bytes, &err) == RS_OK, "%s", err.text);
        CHECK(memcmp(got, want, out) == 0, "%s %s: shares differ; replay %llu", isa, what, (unsigned long long)replay);
        CHECK(guards_intact(got, out), "%s %s: shares wrote outside", isa, what);
        CHECK(aligned_intact(packed, sizes.packed_bytes), "%s %s: packed memory overrun", isa, what);
        CHECK(aligned_intact(scratch, sizes.scratch_bytes), "%s %s: scratch overrun", isa, what);
        free(packed);
        free(scratch);
        free(ifmap);
        free(filter);
        guarded_free(want);
        guarded_free(got);
    }
}

/* Packed once, run in shares, memory exactly as large as asked for. */
static void gemm_in_shares(const char *isa, const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                           const struct rs_quant *q, const int8_t *want)
{
    const size_t mn = (size_t)sh->m * (size_t)sh->n;
    const int parts = (int)rnd_range(1, 4);
    int8_t *got = guarded_new(mn);
    struct rs_pack_sizes sizes;
    struct rs_error err;

    MUST(rs_gemm_s8_pack_bytes(sh, &sizes, &err) == RS_OK, "%s", err.text);

    char *packed = aligned_new(sizes.packed_bytes), *scratch = aligned_new(sizes.scratch_bytes);

    MUST(rs_gemm_s8_pack(sh, b, bias, q, packed, sizes.packed_bytes, &err) == RS_OK, "%s", err.text);
    for (int p = parts - 1; p >= 0; p--)
        MUST(rs_packed_run(packed, a, got, p, parts, scratch, sizes.scratch_bytes, &err) == RS_OK, "%s", err.text);
    CHECK(memcmp(got, want, mn) == 0, "%s: %d shares differ: M %d N %d K %d", isa, parts, sh->m, sh->n, sh->k);
    CHECK(guards_intact(got, mn), "%s: shares wrote outside", isa);
    CHECK(aligned_intact(packed, sizes.packed_bytes), "%s: packed memory overrun", isa);
    CHECK(aligned_intact(scratch, sizes.scratch_bytes), "%s: scratch overrun", isa);
    free(packed);
    free(scratch);
    guarded_free(got);
}

static void random_gemms(const char *isa)
{
    static struct test_quant t;
    struct rs_error err = { RS_OK, "" };

    if (rs_isa_select(isa, &err) == RS_ERR_UNSUPPORTED)
        SKIP("this machine lacks the instruction set");
    test_rng = seed;
    for (int n = 0; n < cases; n++) {
        const struct rs_gemm_shape sh = {
            .m = n % 3 == 0 ? 1 : edge(60), .n = n % 3 == 0 ? edge(300) : edge(100), .k = edge(400), .layout = (enum rs_gemm_layout)rnd_range(0, 1),
            .zp_b = rnd_range(0, 9) == 0 ? (int)rnd_range(-128, 127) : 0,
        };
        const size_t mk = (size_t)sh.m * (size_t)sh.k, nk = (size_t)sh.n * (size_t)sh.k, mn = (size_t)sh.m * (size_t)sh.n;
        int8_t *a = codes_new(mk, -128, 127), *b = codes_new(nk, -128, 127);
        int8_t *want = guarded_new(4 * mn), *got = guarded_new(4 * mn);
        int32_t bias[300];

        for (int i = 0; i < 300; i++)
            bias[i] = (int32_t)rnd_range(-100000, 100000);
        if (rnd_range(0, 15) == 0)
            bias[0] = 1500000000;              /* beyond what the vector output stage takes */
        rnd_quant(&t, sh.n, 4000 * sh.k, rnd_range(0, 3) != 0 ? RS_ROUND_DOUBLE : (enum rs_rounding)rnd_range(0, 2));
        const int32_t *bb = rnd_range(0, 4) == 0 ? NULL : bias;

        MUST(rs_gemm_s8_ref(&sh, a, b, bb, &t.q, want, &err) == RS_OK, "ref: %s", err.text);
        MUST(rs_gemm_s8(&sh, a, b, bb, &t.q, got, &err) == RS_OK, "%s", err.text);
        CHECK(memcmp(got, want, mn) == 0, "%s: case %d: M %d N %d K %d layout %d", isa, n, sh.m, sh.n, sh.k, sh.layout);
        CHECK(guards_intact(got, 4 * mn), "wrote outside");
        if (sh.zp_b == 0 && sh.layout == RS_GEMM_B_NK) {
            memset(got, 0, mn);
            MUST(rs_fully_connected_s8(sh.m, sh.k, sh.n, a, b, bb, &t.q, got, &err) == RS_OK, "%s", err.text);
            CHECK(memcmp(got, want, mn) == 0, "%s: FC case %d", isa, n);
        }
        if (sh.zp_b == 0)
            gemm_in_shares(isa, &sh, a, b, bb, &t.q, want);
        MUST(rs_gemm_s8_s32_ref(&sh, a, b, bb, t.q.zp_in, (int32_t *)(void *)want, &err) == RS_OK, "ref: %s", err.text);
        MUST(rs_gemm_s8_s32(&sh, a, b, bb, t.q.zp_in, (int32_t *)(void *)got, &err) == RS_OK, "%s", err.text);
        CHECK(memcmp(got, want, 4 * mn) == 0, "%s: s32 case %d: M %d N %d K %d", isa, n, sh.m, sh.n, sh.k);
        CHECK(guards_intact(got, 4 * mn), "wrote outside");
        free(a);
        free(b);
        guarded_free(want);
        guarded_free(got);
    }
}

TEST(ref_dispatch_equals_ref) { const int n = cases; cases = 10; random_layers("ref", false); random_layers("ref", true); cases = n; }
TEST(portable_conv_equals_ref) { random_layers("portable", false); }
TEST(portable_depthwise_equals_ref) { random_layers("portable", true); }
TEST(portable_gemm_equals_ref) { random_gemms("portable"); }
TEST(avx2_conv_equals_ref) { random_layers("avx2", false); }
TEST(avx2_depthwise_equals_ref) { random_layers("avx2", true); }
TEST(avx2_gemm_equals_ref) { random_gemms("avx2"); }
TEST(avx512vnni_conv_equals_ref) { random_layers("avx512vnni", false); }
TEST(avx512vnni_depthwise_equals_ref) { random_layers("avx512vnni", true); }
TEST(avx512vnni_gemm_equals_ref) { random_gemms("avx512vnni"); }
TEST(neon_conv_equals_ref) { random_layers("neon", false); }
TEST(neon_depthwise_equals_ref) { random_layers("neon", true); }
TEST(neon_gemm_equals_ref) { random_gemms("neon"); }
TEST(avx2_extreme_layers_equal_ref) { extreme_layers("avx2"); }
TEST(avx512vnni_extreme_layers_equal_ref) { extreme_layers("avx512vnni"); }
TEST(neon_extreme_layers_equal_ref) { extreme_layers("neon"); }

/* Filters and B of more than a megabyte take the other loop order. */
TEST(large_filter_small_map_equals_ref)
{
    static struct test_quant t;
    struct rs_conv_shape sh = { .n = 1, .h = 3, .w = 3, .c = 512, .m = 320, .r = 3, .s = 3, .stride_h = 1, .stride_w = 1,
                                .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_bottom = 1, .pad_left = 1,
                                .pad_right = 1, .e = 3, .f = 3 };
    int8_t *ifmap = codes_new(9 * 512, -128, 127), *filter = codes_new(320 * 9 * 512, -128, 127);
    int8_t *want = guarded_new(9 * 320), *got = guarded_new(9 * 320);
    struct rs_error err;

    rnd_quant(&t, 320, 5000000, RS_ROUND_DOUBLE);
    MUST(rs_conv2d_s8_ref(&sh, ifmap, filter, NULL, &t.q, want, &err) == RS_OK, "%s", err.text);
    for (int isa = RS_ISA_PORTABLE; isa < RS_ISA_COUNT; isa++) {
        if (!rs_isa_available((enum rs_isa)isa))
            continue;
        MUST(rs_isa_select(rs_isa_name((enum rs_isa)isa), &err) == RS_OK, "%s", err.text);
        MUST(rs_conv2d_s8(&sh, ifmap, filter, NULL, &t.q, got, &err) == RS_OK, "%s", err.text);
        CHECK(memcmp(got, want, 9 * 320) == 0, "%s differs", rs_isa_name((enum rs_isa)isa));
        CHECK(guards_intact(got, 9 * 320), "wrote outside");
    }
    free(ifmap);
    free(filter);
    guarded_free(want);
    guarded_free(got);
}

/* Every residue of an accumulator that the output stage can tie on, for every shift it vectorizes. */
TEST(output_stage_ties_equal_ref)
{
    enum { N = 64 };
    static int32_t mult[N], shift[N], bias[N];
    static float scale[N];
    const struct rs_gemm_shape sh = { .m = 15, .n = N, .k = 1 };
    int8_t a[15], b[N], want[15 * N], got[15 * N];
    struct rs_error err;

    for (int n = 0; n < 32 * 3; n++) {
        const int right = n / 3;
        struct rs_quant q = { .zp_in = 0, .zp_out = 3, .act_min = -128, .act_max = 127, .count = N, .mult = mult,
                              .shift = shift, .scale = scale, .rounding = (enum rs_rounding)(n % 3) };

        for (int j = 0; j < N; j++) {
            /* multiplier 1/2: an odd accumulator ties in SRDHM, then in RDBP */
            mult[j] = j % 3 == 0 ? 1 << 30 : j % 3 == 1 ? 3 << 29 : INT32_MAX;
            shift[j] = -right;
            scale[j] = 1.0f / (float)(UINT32_C(1) << right);
            b[j] = (int8_t)(j % 2 == 0 ? 1 : -1);
            bias[j] = (j / 2 - 16) * (right > 0 && right < 24 ? 1 << (right - 1) : 1) * (j % 4 < 2 ? 1 : 2) + j % 5 - 2;
        }
        for (int i = 0; i < 15; i++)
            a[i] = (int8_t)(i - 7);
        MUST(rs_gemm_s8_ref(&sh, a, b, bias, &q, want, &err) == RS_OK, "%s", err.text);
        for (int isa = RS_ISA_PORTABLE; isa < RS_ISA_COUNT; isa++) {
            if (!rs_isa_available((enum rs_isa)isa))
                continue;
            MUST(rs_isa_select(rs_isa_name((enum rs_isa)isa), &err) == RS_OK, "%s", err.text);
            MUST(rs_gemm_s8(&sh, a, b, bias, &q, got, &err) == RS_OK, "%s", err.text);
            for (int i = 0; i < 15 * N; i++)
                CHECK(got[i] == want[i], "%s: rounding %d shift -%d [%d] %d, want %d", rs_isa_name((enum rs_isa)isa), n % 3, right, i, got[i],
                      want[i]);
        }
    }
}

TEST(selects_by_name_and_refuses_unknown_ones)
{
    struct rs_error err;
    enum rs_isa isa = RS_ISA_COUNT;

    CHECK(rs_isa_select("portable", &err) == RS_OK && rs_isa_current(&isa, &err) == RS_OK && isa == RS_ISA_PORTABLE, "%d", isa);
    CHECK(rs_isa_select("neon9", &err) == RS_ERR_ARG, "unknown name");
    CHECK(strstr(err.text, "neon9") != NULL, "message: %s", err.text);
    CHECK(rs_isa_current(&isa, &err) == RS_OK && isa == RS_ISA_PORTABLE, "the choice stays: %d", isa);
    CHECK(rs_isa_name(RS_ISA_COUNT) == NULL && rs_isa_available(RS_ISA_COUNT) == false, "no such member");
    CHECK(rs_isa_current(NULL, &err) == RS_ERR_ARG, "null");

    setenv("RS_ISA", "ref", 1);
    CHECK(rs_isa_select(NULL, &err) == RS_OK && rs_isa_current(&isa, &err) == RS_OK && isa == RS_ISA_REF, "%d", isa);
    setenv("RS_ISA", "mmx", 1);
    CHECK(rs_isa_select(NULL, &err) == RS_ERR_ARG && strstr(err.text, "RS_ISA") != NULL, "%s", err.text);
    setenv("RS_ISA", "", 1);
    CHECK(rs_isa_select(NULL, &err) == RS_OK && rs_isa_current(&isa, &err) == RS_OK && isa != RS_ISA_REF, "%d", isa);
    unsetenv("RS_ISA");
}

TEST(pack_and_run_refuse_bad_memory)
{
    static struct test_quant t;
    struct rs_conv_shape sh = { .n = 1, .h = 4, .w = 4, .c = 3, .m = 5, .r = 1, .s = 1, .stride_h = 1, .stride_w = 1,
                                .dilation_h = 1, .dilation_w = 1, .e = 4, .f = 4 };
    const struct rs_gemm_shape gemm = { .m = 4, .n = 5, .k = 3, .zp_b = 1 };
    struct rs_pack_sizes sizes, none;
    struct rs_error err;
    int8_t ifmap[48] = { 0 }, filter[15] = { 0 }, *out = guarded_new(80);

    MUST(rs_isa_select(NULL, &err) == RS_OK, "%s", err.text);
    rnd_quant(&t, 5, 1000, RS_ROUND_DOUBLE);
    MUST(rs_conv2d_s8_pack_bytes(&sh, &sizes, &err) == RS_OK, "%s", err.text);

    char *packed = aligned_new(sizes.packed_bytes + 64), *scratch = aligned_new(sizes.scratch_bytes + 64);

    CHECK(rs_conv2d_s8_pack_bytes(NULL, &none, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_conv2d_s8_pack_bytes(&sh, NULL, &err) == RS_ERR_ARG, "null sizes");
    CHECK(rs_gemm_s8_pack_bytes(NULL, &none, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_packed_run(packed, ifmap, out, 0, 1, scratch, sizes.scratch_bytes, &err) == RS_ERR_ARG, "nothing packed");
    CHECK(rs_conv2d_s8_pack(&sh, filter, NULL, &t.q, packed, sizes.packed_bytes - 1, &err) == RS_ERR_SHAPE, "too small");
    CHECK(rs_conv2d_s8_pack(&sh, filter, NULL, &t.q, packed + 1, sizes.packed_bytes, &err) == RS_ERR_ARG, "not aligned");
    CHECK(rs_conv2d_s8_pack(&sh, filter, NULL, &t.q, NULL, sizes.packed_bytes, &err) == RS_ERR_ARG, "null");
    CHECK(rs_conv2d_s8_pack(&sh, NULL, NULL, &t.q, packed, sizes.packed_bytes, &err) == RS_ERR_ARG, "null filter");
    CHECK((uint8_t)packed[0] == GUARD_BYTE, "packed written on error");
    CHECK(rs_depthwise_conv2d_s8_pack_bytes(&sh, &none, &err) == RS_ERR_SHAPE, "M 5 of C 3");
    CHECK(rs_gemm_s8_pack(&gemm, filter, NULL, &t.q, packed, sizes.packed_bytes, &err) == RS_ERR_UNSUPPORTED, "zp_b 1");
    CHECK(rs_gemm_s8_pack(NULL, filter, NULL, &t.q, packed, sizes.packed_bytes, &err) == RS_ERR_ARG, "null shape");
    CHECK(rs_gemm_s8_s32_pack(&gemm, filter, NULL, 300, packed, sizes.packed_bytes, &err) == RS_ERR_RANGE, "zp_a");
    MUST(rs_conv2d_s8_pack(&sh, filter, NULL, &t.q, packed, sizes.packed_bytes, &err) == RS_OK, "%s", err.text);
    CHECK(rs_packed_run(packed, NULL, out, 0, 1, scratch, sizes.scratch_bytes, &err) == RS_ERR_ARG, "null in");
    CHECK(rs_packed_run(packed, ifmap, NULL, 0, 1, scratch, sizes.scratch_bytes, &err) == RS_ERR_ARG, "null out");
    CHECK(rs_packed_run(packed, ifmap, out, 1, 1, scratch, sizes.scratch_bytes, &err) == RS_ERR_ARG, "share 1 of 1");
    CHECK(rs_packed_run(packed, ifmap, out, 0, 0, scratch, sizes.scratch_bytes, &err) == RS_ERR_ARG, "0 shares");
    CHECK(rs_packed_run(packed, ifmap, out, 0, 1, scratch + 4, sizes.scratch_bytes, &err) == RS_ERR_ARG, "not aligned");
    CHECK(rs_packed_run(packed, ifmap, out, 0, 1, scratch, sizes.scratch_bytes - 1, &err) == RS_ERR_SHAPE, "too small");
    CHECK(untouched(out, 80), "output written");
    CHECK(rs_packed_run(packed, ifmap, out, 0, 1, scratch, sizes.scratch_bytes, &err) == RS_OK, "%s", err.text);
    free(packed);
    free(scratch);
    guarded_free(out);
}

TEST(fast_functions_refuse_as_ref_does)
{
    static struct test_quant t;
    struct rs_conv_shape sh = { .n = 1, .h = 4, .w = 4, .c = 2, .m = 2, .r = 1, .s = 1, .stride_h = 1, .stride_w = 1,
                                .dilation_h = 1, .dilation_w = 1, .e = 4, .f = 5 };
    struct rs_gemm_shape gemm = { .m = 2, .n = 2, .k = 0 };
    struct rs_error err;
    int8_t in[64] = { 0 }, *out = guarded_new(64);

    MUST(rs_isa_select(NULL, &err) == RS_OK, "%s", err.text);
    rnd_quant(&t, 2, 1000, RS_ROUND_DOUBLE);
    CHECK(rs_conv2d_s8(&sh, in, in, NULL, &t.q, out, &err) == RS_ERR_SHAPE, "F 5");
    CHECK(rs_depthwise_conv2d_s8(&sh, in, in, NULL, &t.q, out, &err) == RS_ERR_SHAPE, "F 5");
    sh.f = 4;
    CHECK(rs_conv2d_s8(&sh, NULL, in, NULL, &t.q, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_conv2d_s8(&sh, in, in, NULL, NULL, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_conv2d_s8(NULL, in, in, NULL, &t.q, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_depthwise_conv2d_s8(&sh, in, NULL, NULL, &t.q, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_gemm_s8(&gemm, in, in, NULL, &t.q, out, &err) == RS_ERR_ARG, "K 0");
    CHECK(rs_gemm_s8(NULL, in, in, NULL, &t.q, out, &err) == RS_ERR_ARG, "null");
    gemm.k = 3;
    CHECK(rs_gemm_s8(&gemm, in, in, NULL, NULL, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_gemm_s8(&gemm, NULL, in, NULL, &t.q, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_fully_connected_s8(1, 1, 0, in, in, NULL, &t.q, out, &err) == RS_ERR_ARG, "M 0");
    t.q.zp_in = 128;
    CHECK(rs_gemm_s8(&gemm, in, in, NULL, &t.q, out, &err) == RS_ERR_RANGE, "zp_in");
    CHECK(untouched(out, 64), "output written");
    guarded_free(out);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        cases = atoi(argv[2]);
    RUN(ref_dispatch_equals_ref);
    RUN(portable_conv_equals_ref);
    RUN(portable_depthwise_equals_ref);
    RUN(portable_gemm_equals_ref);
    RUN(avx2_conv_equals_ref);
    RUN(avx2_depthwise_equals_ref);
    RUN(avx2_gemm_equals_ref);
    RUN(avx512vnni_conv_equals_ref);
    RUN(avx512vnni_depthwise_equals_ref);
    RUN(avx512vnni_gemm_equals_ref);
    RUN(neon_conv_equals_ref);
    RUN(neon_depthwise_equals_ref);
    RUN(neon_gemm_equals_ref);
    RUN(avx2_extreme_layers_equal_ref);
    RUN(avx512vnni_extreme_layers_equal_ref);
    RUN(neon_extreme_layers_equal_ref);
    RUN(large_filter_small_map_equals_ref);
    RUN(output_stage_ties_equal_ref);
    RUN(selects_by_name_and_refuses_unknown_ones);
    RUN(pack_and_run_refuse_bad_memory);
    RUN(fast_functions_refuse_as_ref_does);
    return test_exit();
}
