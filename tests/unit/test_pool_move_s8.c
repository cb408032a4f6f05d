/* test_pool_move_s8.c - pooling, mean, pad, transpose, concat, reshape. */
#include "test_kernels.h"
#include "test_kernels_golden.h"

static struct rs_conv_shape pool(int h, int w, int c, int r, int s, int stride, int pad)
{
    return (struct rs_conv_shape){
        .n = 1, .h = h, .w = w, .c = c, .m = c, .r = r, .s = s, .stride_h = stride, .stride_w = stride,
        .dilation_h = 1, .dilation_w = 1, .pad_top = pad, .pad_bottom = pad, .pad_left = pad, .pad_right = pad,
        .e = (int)rs_conv_out_extent(h, r, stride, 1, pad, pad), .f = (int)rs_conv_out_extent(w, s, stride, 1, pad, pad),
    };
}

TEST(average_rounds_half_away_and_counts_inside_taps_only)
{
    const int8_t in[] = { 1, 2, -1, -2 };         /* 2 x 2 */
    struct rs_conv_shape sh = pool(2, 2, 1, 2, 2, 1, 1);
    int8_t *out = guarded_new(9);
    struct rs_error err;

    MUST(rs_average_pool_s8(&sh, in, -128, 127, out, &err) == RS_OK, "%s", err.text);
    CHECK(out[0] == 1 && out[1] == 2 && out[2] == 2, "%d %d %d", out[0], out[1], out[2]);
    CHECK(out[3] == 0 && out[4] == 0 && out[5] == 0, "%d %d %d", out[3], out[4], out[5]);
    CHECK(out[6] == -1 && out[7] == -2 && out[8] == -2, "%d %d %d", out[6], out[7], out[8]);
    MUST(rs_average_pool_s8(&sh, in, -1, 1, out, &err) == RS_OK, "%s", err.text);
    CHECK(out[2] == 1 && out[8] == -1, "clamp: %d %d", out[2], out[8]);
    MUST(rs_max_pool_s8(&sh, in, -128, 1, out, &err) == RS_OK, "%s", err.text);
    CHECK(out[0] == 1 && out[1] == 1 && out[6] == -1 && out[8] == -2, "max: %d %d %d %d", out[0], out[1], out[6], out[8]);
    CHECK(guards_intact(out, 9), "wrote outside");
    guarded_free(out);
}

static void pools_equal_plain_loops(int C)
{
    enum { N = 2, H = 5, W = 4, MOST = 200 };
    struct rs_conv_shape sh = pool(H, W, C, 3, 2, 2, 0);
    int8_t in[N * H * W * MOST], *avg, *max;
    struct rs_error err;

    sh.n = N;
    const size_t out = (size_t)(N * sh.e * sh.f * C);

    rnd_codes(in, sizeof in, -128, 127);
    avg = guarded_new(out);
    max = guarded_new(out);
    MUST(rs_average_pool_s8(&sh, in, -128, 127, avg, &err) == RS_OK, "%s", err.text);
    MUST(rs_max_pool_s8(&sh, in, -128, 127, max, &err) == RS_OK, "%s", err.text);
    for (size_t i = 0; i < out; i++) {
        const int c = (int)i % C, f = (int)i / C % sh.f, e = (int)i / C / sh.f % sh.e, n = (int)i / C / sh.f / sh.e;
        int sum = 0, top = -128;

        for (int k = 0; k < 6; k++) {
            const int x = in[((n * H + e * 2 + k / 2) * W + f * 2 + k % 2) * C + c];

            sum += x;
            top = x > top ? x : top;
        }
        /* round half away: floor((2|s| + 6) / 12) with the sign of s */
        const int mean = sum < 0 ? -((-2 * sum + 6) / 12) : (2 * sum + 6) / 12;

        CHECK(avg[i] == mean && max[i] == top, "[%zu] %d %d, want %d %d", i, avg[i], max[i], mean, top);
    }
    CHECK(guards_intact(avg, out) && guards_intact(max, out), "wrote outside");
    guarded_free(avg);
    guarded_free(max);
}

TEST(pools_keep_channels_and_images_apart)
{
    static const int channels[] = { 1, 3, 63, 64, 65, 128, 131 };

    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        pools_equal_plain_loops(channels[i]);
}

TEST(pools_refuse_bad_arguments)
{
    struct rs_conv_shape sh;
    int8_t in[64] = { 0 }, *out = guarded_new(64);
    struct rs_error err;

#define REFUSES(statement, lo, hi, status) do {                                                    \
        sh = pool(4, 4, 2, 2, 2, 2, 0);                                                            \
        statement;                                                                                 \
        CHECK(rs_average_pool_s8(&sh, in, lo, hi, out, &err) == (status), #statement ": %s", err.text); \
        CHECK(rs_max_pool_s8(&sh, in, lo, hi, out, NULL) == (status), #statement);                 \
        CHECK(untouched(out, 64), #statement ": written");                                         \
    } while (0)
    REFUSES(sh.m = 3, -128, 127, RS_ERR_SHAPE);
    REFUSES(sh.dilation_h = 2, -128, 127, RS_ERR_SHAPE);
    REFUSES((sh.dilation_w = 2, sh.f = 1), -128, 127, RS_ERR_SHAPE);
    REFUSES((sh.pad_top = 2, sh.e = 3), -128, 127, RS_ERR_SHAPE);
    REFUSES((sh.pad_right = 4, sh.f = 4), -128, 127, RS_ERR_SHAPE);
    REFUSES(sh.stride_h = 0, -128, 127, RS_ERR_ARG);
    REFUSES(sh.e = 3, -128, 127, RS_ERR_SHAPE);
    REFUSES((void)0, 5, 4, RS_ERR_RANGE);
    REFUSES((void)0, -129, 4, RS_ERR_RANGE);
    CHECK(rs_average_pool_s8(NULL, in, -128, 127, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_average_pool_s8(&sh, NULL, -128, 127, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_max_pool_s8(&sh, in, -128, 127, NULL, &err) == RS_ERR_ARG, "null");
#undef REFUSES
    guarded_free(out);
}

TEST(mean_equals_tflite_golden)
{
    const struct rs_dims d = { 4, { 2, 3, 5, 4 } };
    struct rs_mean_quant q;
    struct rs_error err;
    int8_t in[120], *out = guarded_new(8);

    ramp(in, 120, 53, 1);
    MUST(rs_mean_quant_init(0.1f, 5, 0.021f, -30, &q, &err) == RS_OK, "%s", err.text);
    MUST(rs_mean_s8(&d, in, 1u << 1 | 1u << 2, &q, out, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 8; i++)
        CHECK(out[i] == golden_mean[i], "[%d] %d, want %d", i, out[i], golden_mean[i]);
    CHECK(guards_intact(out, 8), "wrote outside");
    guarded_free(out);
}

TEST(mean_over_each_set_of_axes)
{
    const struct rs_dims d = { 3, { 2, 3, 4 } };
    struct rs_mean_quant q;
    struct rs_error err;
    int8_t in[24], *out = guarded_new(24);

    MUST(rs_mean_quant_init(1.0f, 0, 0.25f, 0, &q, &err) == RS_OK, "%s", err.text);     /* codes count quarters */
    for (int i = 0; i < 24; i++)
        in[i] = (int8_t)i;
    for (unsigned axes = 1; axes < 8; axes++) {
        double sums[24] = { 0 };
        int counts[24] = { 0 }, outs = 0;

        memset(out, GUARD_BYTE, 24);
        MUST(rs_mean_s8(&d, in, axes, &q, out, &err) == RS_OK, "%s", err.text);
        for (int i = 0; i < 24; i++) {
            const int at[3] = { i / 12, i / 4 % 3, i % 4 };
            int o = 0;

            for (int axis = 0; axis < 3; axis++)
                if ((axes >> axis & 1) == 0)
                    o = o * d.extent[axis] + at[axis];
            sums[o] += i;
            counts[o]++;
            outs = o + 1 > outs ? o + 1 : outs;
        }
        for (int o = 0; o < outs; o++) {
            const double error = out[o] - 4.0 * sums[o] / counts[o];

            CHECK(error > -0.51 && error < 0.51, "axes %u [%d]: %d, want %g", axes, o, out[o], 4.0 * sums[o] / counts[o]);
        }
        for (int o = outs; o < 24; o++)
            CHECK((uint8_t)out[o] == GUARD_BYTE, "axes %u: more than %d written", axes, outs);
    }
    guarded_free(out);
}

TEST(mean_with_a_tiny_multiplier_is_the_zero_point)
{
    /* Dividing by the count may not push the shift below -31. */
    const struct rs_dims d = { 2, { 1024, 2 } };
    static int8_t in[2048];
    int8_t out[2] = { 0, 0 };
    struct rs_mean_quant q;
    struct rs_error err;

    memset(in, 127, sizeof in);
    for (int exponent = 20; exponent <= 34; exponent++) {
        float s_in = 1.0f;

        for (int i = 0; i < exponent; i++)
            s_in *= 0.5f;
        MUST(rs_mean_quant_init(s_in, -128, 1.0f, -9, &q, &err) == RS_OK, "%s", err.text);
        MUST(rs_mean_s8(&d, in, 1, &q, out, &err) == RS_OK, "%s", err.text);
        CHECK(out[0] == -9 && out[1] == -9, "2^-%d: %d %d", exponent, out[0], out[1]);
    }
}

TEST(mean_refuses_bad_arguments)
{
    struct rs_dims d = { 3, { 2, 3, 4 } };
    struct rs_mean_quant q, good;
    struct rs_error err;
    int8_t in[24] = { 0 }, *out = guarded_new(24);

    MUST(rs_mean_quant_init(1.0f, 0, 1.0f, 0, &good, &err) == RS_OK, "%s", err.text);
    CHECK(rs_mean_s8(&d, in, 0, &good, out, &err) == RS_ERR_ARG, "no axes");
    CHECK(rs_mean_s8(&d, in, 8, &good, out, &err) == RS_ERR_ARG, "axis 3");
    CHECK(rs_mean_s8(NULL, in, 1, &good, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_mean_s8(&d, NULL, 1, &good, out, &err) == RS_ERR_ARG, "null");
    CHECK(rs_mean_s8(&d, in, 1, NULL, out, &err) == RS_ERR_ARG, "null");
    q = good, q.zp_in = 200;
    CHECK(rs_mean_s8(&d, in, 1, &q, out, &err) == RS_ERR_RANGE, "zp");
    q = good, q.mult = 3;
    CHECK(rs_mean_s8(&d, in, 1, &q, out, &err) == RS_ERR_RANGE, "multiplier");
    d.extent[1] = 0;
    CHECK(rs_mean_s8(&d, in, 1, &good, out, &err) == RS_ERR_ARG, "extent 0");
    d.extent[1] = 1 << 24;
    CHECK(rs_mean_s8(&d, in, 2, &good, out, &err) == RS_ERR_RANGE, "a mean of 2^24");
    CHECK(untouched(out, 24), "written");
    CHECK(rs_mean_quant_init(0.0f, 0, 1.0f, 0, &q, &err) == RS_ERR_RANGE, "scale");
    CHECK(rs_mean_quant_init(1.0f, 0, 1.0f, -129, &q, &err) == RS_ERR_RANGE, "zp");
    CHECK(rs_mean_quant_init(1.0f, 0, 1.0f, 0, NULL, &err) == RS_ERR_ARG, "null");
    guarded_free(out);
}

TEST(pads_each_side)
{
    const struct rs_dims d = { 2, { 2, 2 } };
    const int8_t in[] = { 1, 2, 3, 4 };
    const int32_t before[] = { 1, 0 }, after[] = { 0, 2 }, negative[] = { 0, -1 };
    static const int8_t want[] = { -5, -5, -5, -5, 1, 2, -5, -5, 3, 4, -5, -5 };
    int8_t *out = guarded_new(12);
    struct rs_error err;

    CHECK(rs_pad_s8(&d, in, before, negative, -5, out, &err) == RS_ERR_ARG, "negative");
    CHECK(rs_pad_s8(&d, in, before, after, 128, out, &err) == RS_ERR_RANGE, "value");
    CHECK(rs_pad_s8(&d, in, NULL, after, 0, out, &err) == RS_ERR_ARG, "null");
    CHECK(untouched(out, 12), "written");
    MUST(rs_pad_s8(&d, in, before, after, -5, out, &err) == RS_OK, "%s", err.text);
    CHECK(memcmp(out, want, 12) == 0, "wrong codes");
    CHECK(guards_intact(out, 12), "wrote outside");

    const int32_t huge[] = { INT32_MAX, INT32_MAX };

    CHECK(rs_pad_s8(&d, in, huge, huge, 0, out, &err) == RS_ERR_SHAPE, "huge");
    guarded_free(out);
}

TEST(transposes_five_axes)
{
    const struct rs_dims d = { 5, { 2, 3, 1, 4, 5 } };
    const int32_t perm[] = { 4, 2, 0, 3, 1 }, twice[] = { 4, 2, 0, 3, 4 }, far[] = { 5, 2, 0, 3, 1 };
    int8_t in[120], *out = guarded_new(120);
    struct rs_error err;

    ramp(in, 120, 1, 0);
    CHECK(rs_transpose_s8(&d, in, twice, out, &err) == RS_ERR_ARG, "twice");
    CHECK(rs_transpose_s8(&d, in, far, out, &err) == RS_ERR_ARG, "far");
    CHECK(rs_transpose_s8(&d, in, NULL, out, &err) == RS_ERR_ARG, "null");
    CHECK(untouched(out, 120), "written");
    MUST(rs_transpose_s8(&d, in, perm, out, &err) == RS_OK, "%s", err.text);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 3; b++)
            for (int e = 0; e < 4; e++)
                for (int f = 0; f < 5; f++)
                    CHECK(out[((f * 2 + a) * 4 + e) * 3 + b] == in[((a * 3 + b) * 4 + e) * 5 + f], "%d %d %d %d", a, b, e, f);
    CHECK(guards_intact(out, 120), "wrote outside");
    guarded_free(out);
}

TEST(concatenates_with_and_without_requantization)
{
    const int32_t mult = 1 << 30, shift = 1;
    const struct rs_quant q = { .zp_in = 1, .zp_out = -1, .act_min = -128, .act_max = 127, .count = 1, .mult = &mult,
                                .shift = &shift };
    const int8_t a[] = { 1, 2, 3, 4 }, b[] = { 11, 12, 13, 14, 15, 16 };
    struct rs_concat_input in[] = { { { 2, { 2, 2 } }, a, NULL }, { { 2, { 2, 3 } }, b, &q } };
    static const int8_t want[] = { 1, 2, 9, 10, 11, 3, 4, 12, 13, 14 };
    int8_t *out = guarded_new(10);
    struct rs_error err;

    CHECK(rs_concat_s8(2, in, 0, out, &err) == RS_ERR_SHAPE, "axis 0");
    CHECK(rs_concat_s8(2, in, 2, out, &err) != RS_OK, "axis 2");
    CHECK(rs_concat_s8(0, in, 1, out, &err) == RS_ERR_ARG, "count 0");
    in[1].data = NULL;
    CHECK(rs_concat_s8(2, in, 1, out, &err) == RS_ERR_ARG, "null");
    in[1].data = b;
    in[1].dims.rank = 1;
    CHECK(rs_concat_s8(2, in, 1, out, &err) == RS_ERR_SHAPE, "rank");
    in[1].dims.rank = 2;
    CHECK(untouched(out, 10), "written");
    MUST(rs_concat_s8(2, in, 1, out, &err) == RS_OK, "%s", err.text);
    CHECK(memcmp(out, want, 10) == 0, "wrong codes: %d %d %d", out[2], out[3], out[7]);
    CHECK(rs_concat_s8(1, in, -1, out, &err) == RS_ERR_ARG, "axis -1");
    CHECK(guards_intact(out, 10), "wrote outside");
    MUST(rs_reshape_s8(4, a, out, &err) == RS_OK && memcmp(out, a, 4) == 0, "reshape");
    CHECK(rs_reshape_s8(0, a, out, &err) == RS_ERR_ARG, "reshape 0");
    CHECK(rs_reshape_s8(4, NULL, out, &err) == RS_ERR_ARG, "reshape null");
    guarded_free(out);
}

int main(void)
{
    RUN(average_rounds_half_away_and_counts_inside_taps_only);
    RUN(pools_keep_channels_and_images_apart);
    RUN(pools_refuse_bad_arguments);
    RUN(mean_equals_tflite_golden);
    RUN(mean_over_each_set_of_axes);
    RUN(mean_with_a_tiny_multiplier_is_the_zero_point);
    RUN(mean_refuses_bad_arguments);
    RUN(pads_each_side);
    RUN(transposes_five_axes);
    RUN(concatenates_with_and_without_requantization);
    return test_exit();
}
