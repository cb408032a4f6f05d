/* test_rounding.c - the integer rounding functions, multipliers and the output stage. */
#include "test_kernels.h"
#include <math.h>

TEST(srdhm_rounds_ties_up_and_saturates_its_one_overflow)
{
    static const struct { int32_t a, b, want; } cases[] = {
        { 0, 0, 0 }, { INT32_MIN, INT32_MIN, INT32_MAX }, { INT32_MIN, INT32_MAX, -INT32_MAX },
        { INT32_MAX, INT32_MAX, 2147483646 }, { 1 << 30, 1, 1 },       /*  0.5 ->  1 */
        { -(1 << 30), 1, 0 },                                          /* -0.5 ->  0 */
        { 1 << 30, 3, 2 }, { -(1 << 30), 3, -1 },                      /* +-1.5      */
        { 1 << 30, -3, -1 }, { (1 << 30) - 1, 1, 0 }, { -(1 << 30) - 1, 1, -1 },
        { 1 << 30, 1 << 30, 1 << 29 }, { 1000, 1 << 30, 500 }, { -1001, 1 << 30, -500 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(rs_srdhm(cases[i].a, cases[i].b) == cases[i].want, "srdhm(%d, %d) = %d, want %d", cases[i].a,
              cases[i].b, rs_srdhm(cases[i].a, cases[i].b), cases[i].want);
}

TEST(divide_by_pot_rounds_ties_away_from_zero)
{
    static const struct { int32_t x; int exponent; int32_t want; } cases[] = {
        { 1, 1, 1 }, { -1, 1, -1 }, { 3, 1, 2 }, { -3, 1, -2 }, { 5, 2, 1 }, { 6, 2, 2 }, { -5, 2, -1 },
        { -6, 2, -2 }, { -7, 2, -2 }, { 7, 0, 7 }, { -7, 0, -7 }, { INT32_MIN, 0, INT32_MIN },
        { INT32_MAX, 31, 1 }, { INT32_MIN, 31, -1 }, { 1 << 30, 31, 1 }, { (1 << 30) - 1, 31, 0 },
        { -(1 << 30), 31, -1 }, { -(1 << 30) + 1, 31, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK(rs_rounding_divide_by_pot(cases[i].x, cases[i].exponent) == cases[i].want, "%d / 2^%d = %d, want %d",
              cases[i].x, cases[i].exponent, rs_rounding_divide_by_pot(cases[i].x, cases[i].exponent),
              cases[i].want);
}

TEST(multiply_agrees_with_wide_arithmetic)
{
    static const int32_t xs[] = { 0, 1, -1, 2, -2, 127, -128, 65535, INT32_MAX, INT32_MIN, INT32_MAX - 1,
                                  1 << 30, -(1 << 30), 388620, -388620 };
    static const int32_t mults[] = { 0, 1 << 30, (1 << 30) + 1, INT32_MAX, INT32_MAX - 1, 1518500250, 3 << 29, 1 };

    for (int shift = -31; shift <= 30; shift++)
        for (size_t m = 0; m < sizeof mults / sizeof mults[0]; m++)
            for (int n = 0; n < 400; n++) {
                const int32_t x = n < 15 ? xs[n] : (int32_t)(rnd() >> (32 + rnd_range(0, 24))) *
                                                   (rnd_range(0, 1) != 0 ? 1 : -1);
                const int32_t d = rs_multiply_by_quantized_multiplier(x, mults[m], shift, RS_ROUND_DOUBLE);
                const int32_t s = rs_multiply_by_quantized_multiplier(x, mults[m], shift, RS_ROUND_SINGLE);

                CHECK(d == oracle_double(x, mults[m], shift), "double %d * %d << %d: %d, want %lld", x, mults[m],
                      shift, d, (long long)oracle_double(x, mults[m], shift));
                CHECK(s == oracle_single(x, mults[m], shift), "single %d * %d << %d: %d, want %lld", x, mults[m],
                      shift, s, (long long)oracle_single(x, mults[m], shift));
            }
}

TEST(double_and_single_rounding_differ_where_they_should)
{
    /* x/4 with x = 5, multiplier 1/2 then shift 1: 2.5 -> 3 -> 3/2 -> 2 away; once: 1.25 -> 1. */
    CHECK(rs_multiply_by_quantized_multiplier(5, 1 << 30, -1, RS_ROUND_DOUBLE) == 2, "double");
    CHECK(rs_multiply_by_quantized_multiplier(5, 1 << 30, -1, RS_ROUND_SINGLE) == 1, "single");
    /* -2/4 = -0.5: away from zero gives -1, up gives 0. */
    CHECK(rs_multiply_by_quantized_multiplier(-2, 1 << 30, -1, RS_ROUND_DOUBLE) == -1, "double");
    CHECK(rs_multiply_by_quantized_multiplier(-2, 1 << 30, -1, RS_ROUND_SINGLE) == 0, "single");
}

TEST(quantizes_multipliers_like_tflite)
{
    static const struct { double real; int32_t mult; int shift; } cases[] = {
        { 0.0, 0, 0 }, { 1.0, 1 << 30, 1 }, { 0.5, 1 << 30, 0 }, { 0.25, 1 << 30, -1 }, { 0.75, 3 << 29, 0 },
        { 1.5, 3 << 29, 1 }, { 0x1p-32, 1 << 30, -31 }, { 0x1p-33, 0, 0 },
        { 0x1.fffffffffp-33, 1 << 30, -31 },     /* rounds up to 2^-32, and so survives the flush */
        { 0.999999999999, 1 << 30, 1 },          /* the fraction rounds up to 1                   */
        { 0x1.fffffffcp28, INT32_MAX, 29 }, { 536870912.0, 1 << 30, 30 }, { 0x1.fffffffcp29, INT32_MAX, 30 },
    };
    struct rs_error err;
    int32_t mult;
    int shift;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MUST(rs_quantize_multiplier(cases[i].real, &mult, &shift, &err) == RS_OK, "%g: %s", cases[i].real, err.text);
        CHECK(mult == cases[i].mult && shift == cases[i].shift, "%g: %d, %d, want %d, %d", cases[i].real, mult,
              shift, cases[i].mult, cases[i].shift);
    }
}

TEST(refuses_multipliers_that_have_no_q31_form)
{
    static const double bad[] = { -1e-9, -1.0, 1073741824.0, 1073741823.9, 1e300 };
    struct rs_error err;
    int32_t mult = 77;
    int shift = 77;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(rs_quantize_multiplier(bad[i], &mult, &shift, &err) == RS_ERR_RANGE, "%g accepted", bad[i]);
    CHECK(rs_quantize_multiplier(NAN, &mult, &shift, &err) == RS_ERR_RANGE, "NaN accepted");
    CHECK(rs_quantize_multiplier(INFINITY, &mult, &shift, NULL) == RS_ERR_RANGE, "infinity accepted");
    CHECK(rs_quantize_multiplier(0.5, NULL, &shift, &err) == RS_ERR_ARG, "null accepted");
    CHECK(rs_quantize_multiplier(0.5, &mult, NULL, &err) == RS_ERR_ARG, "null accepted");
    CHECK(mult == 77 && shift == 77, "outputs written on error: %d, %d", mult, shift);
}

TEST(fc_multiplier_rounds_the_product_to_float)
{
    const float a = 0.1f, b = 0.3f, c = 0.7f;

    CHECK(rs_conv_real_multiplier(a, b, c) == (double)a * (double)b / (double)c, "conv");
    CHECK(rs_fc_real_multiplier(a, b, c) != rs_conv_real_multiplier(a, b, c), "both equal");
    CHECK(fabs(rs_fc_real_multiplier(a, b, c) / rs_conv_real_multiplier(a, b, c) - 1.0) < 1e-7, "far apart");
}

TEST(activation_ranges)
{
    static const struct { enum rs_activation act; float scale; int32_t zp, lo, hi; } cases[] = {
        { RS_ACT_NONE, 0.1f, 5, -128, 127 }, { RS_ACT_RELU, 0.1f, -128, -128, 127 },
        { RS_ACT_RELU, 0.1f, 5, 5, 127 }, { RS_ACT_RELU6, 0.1f, -128, -128, -68 },
        { RS_ACT_RELU6, 0.01f, 0, 0, 127 }, { RS_ACT_RELU6, 4.0f, 3, 3, 5 },     /* 1.5 rounds away: 2 */
        { RS_ACT_RELU_N1_TO_1, 0.1f, 0, -10, 10 }, { RS_ACT_RELU_N1_TO_1, 2.0f, 0, -1, 1 },
        { RS_ACT_RELU_N1_TO_1, 1e-30f, 0, -128, 127 }, { RS_ACT_RELU6, 1e-38f, 127, 127, 127 },
    };
    struct rs_error err;
    int32_t lo = 99, hi = 99;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MUST(rs_activation_range(cases[i].act, cases[i].scale, cases[i].zp, &lo, &hi, &err) == RS_OK, "%s", err.text);
        CHECK(lo == cases[i].lo && hi == cases[i].hi, "case %zu: [%d, %d], want [%d, %d]", i, lo, hi, cases[i].lo,
              cases[i].hi);
    }
    lo = hi = 99;
    CHECK(rs_activation_range(RS_ACT_RELU, 0.0f, 0, &lo, &hi, &err) == RS_ERR_RANGE, "scale 0");
    CHECK(rs_activation_range(RS_ACT_RELU, -1.0f, 0, &lo, &hi, &err) == RS_ERR_RANGE, "scale -1");
    CHECK(rs_activation_range(RS_ACT_RELU, NAN, 0, &lo, &hi, &err) == RS_ERR_RANGE, "scale NaN");
    CHECK(rs_activation_range(RS_ACT_RELU, 1.0f, 128, &lo, &hi, &err) == RS_ERR_RANGE, "zp 128");
    CHECK(rs_activation_range((enum rs_activation)9, 1.0f, 0, &lo, &hi, &err) == RS_ERR_ARG, "activation 9");
    CHECK(rs_activation_range(RS_ACT_RELU, 1.0f, 0, NULL, &hi, &err) == RS_ERR_ARG, "null");
    CHECK(lo == 99 && hi == 99, "outputs written on error");
}

TEST(requantize_agrees_with_wide_arithmetic_in_every_rounding)
{
    static struct test_quant t;

    for (int n = 0; n < 20000; n++) {
        const int64_t reach = INT64_C(1) << rnd_range(4, 30);
        const int32_t acc = n % 50 == 0 ? INT32_MIN : n % 50 == 1 ? INT32_MAX : (int32_t)rnd_range(-reach, reach);

        rnd_quant(&t, 7, reach, (enum rs_rounding)(n % 3));
        for (size_t channel = 0; channel < 7; channel++)
            CHECK(rs_requantize_s32_s8(acc, &t.q, channel) == oracle_code(acc, &t.q, channel),
                  "acc %d mult %d shift %d zp %d rounding %d: %d, want %d", acc, t.mult[t.q.count == 1 ? 0 : channel],
                  t.shift[t.q.count == 1 ? 0 : channel], t.q.zp_out, t.q.rounding,
                  rs_requantize_s32_s8(acc, &t.q, channel), oracle_code(acc, &t.q, channel));
    }
}

TEST(onnx_rounds_half_to_even)
{
    const float scale = 0.5f;
    const struct rs_quant q = { .act_min = -128, .act_max = 127, .rounding = RS_ROUND_ONNX, .count = 1, .scale = &scale };
    static const int want[] = { -4, -4, -3, -2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2, 3, 4, 4 };

    for (int acc = -8; acc <= 8; acc++)
        CHECK(rs_requantize_s32_s8(acc, &q, 0) == want[acc + 8], "%d / 2 = %d, want %d", acc,
              rs_requantize_s32_s8(acc, &q, 0), want[acc + 8]);
}

TEST(quant_check_refuses_each_bound)
{
    static struct test_quant t;
    struct rs_error err;
    const struct rs_quant *q = &t.q;

#define REFUSES(field, value, status) do {                                                         \
        rnd_quant(&t, 4, 1000, RS_ROUND_DOUBLE);                                                   \
        t.q.count = 4;                                                                             \
        for (int i = 0; i < 4; i++) { t.mult[i] = 1 << 30; t.shift[i] = 0; t.scale[i] = 0.1f; }    \
        CHECK(rs_quant_check(q, 4, &err) == RS_OK, "the valid one: %s", err.text);                 \
        t.field = (value);                                                                         \
        CHECK(rs_quant_check(q, 4, &err) == (status), #field " = " #value " accepted");            \
        CHECK(rs_quant_check(q, 4, NULL) == (status), "null error");                               \
    } while (0)

    REFUSES(q.zp_in, 128, RS_ERR_RANGE);
    REFUSES(q.zp_in, -129, RS_ERR_RANGE);
    REFUSES(q.zp_out, 128, RS_ERR_RANGE);
    REFUSES(q.act_min, -129, RS_ERR_RANGE);
    REFUSES(q.act_max, 128, RS_ERR_RANGE);
    REFUSES(q.act_max, t.q.act_min - 1, RS_ERR_RANGE);
    REFUSES(q.count, 3, RS_ERR_SHAPE);
    REFUSES(q.count, 0, RS_ERR_SHAPE);
    REFUSES(q.mult, NULL, RS_ERR_ARG);
    REFUSES(q.shift, NULL, RS_ERR_ARG);
    REFUSES(q.rounding, (enum rs_rounding)3, RS_ERR_ARG);
    REFUSES(mult[3], (1 << 30) - 1, RS_ERR_RANGE);
    REFUSES(mult[3], -1, RS_ERR_RANGE);
    REFUSES(shift[3], 31, RS_ERR_RANGE);
    REFUSES(shift[3], -32, RS_ERR_RANGE);
    CHECK(rs_quant_check(NULL, 4, &err) == RS_ERR_ARG, "null accepted");

    rnd_quant(&t, 4, 1000, RS_ROUND_ONNX);
    t.q.count = 1;
    CHECK(rs_quant_check(q, 4, &err) == RS_OK, "%s", err.text);
    t.scale[0] = NAN;
    CHECK(rs_quant_check(q, 4, &err) == RS_ERR_RANGE, "NaN scale");
    t.scale[0] = -0.5f;
    CHECK(rs_quant_check(q, 4, &err) == RS_ERR_RANGE, "negative scale");
    t.q.scale = NULL;
    CHECK(rs_quant_check(q, 4, &err) == RS_ERR_ARG, "null scale");
}

int main(void)
{
    RUN(srdhm_rounds_ties_up_and_saturates_its_one_overflow);
    RUN(divide_by_pot_rounds_ties_away_from_zero);
    RUN(multiply_agrees_with_wide_arithmetic);
    RUN(double_and_single_rounding_differ_where_they_should);
    RUN(quantizes_multipliers_like_tflite);
    RUN(refuses_multipliers_that_have_no_q31_form);
    RUN(fc_multiplier_rounds_the_product_to_float);
    RUN(activation_ranges);
    RUN(requantize_agrees_with_wide_arithmetic_in_every_rounding);
    RUN(onnx_rounds_half_to_even);
    RUN(quant_check_refuses_each_bound);
    return test_exit();
}
