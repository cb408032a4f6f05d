/*
 * test_rounding_campaign.c - every rounding, on every instruction set, against 128-bit arithmetic: 10^6 accumulators each in
 * make test, 10^8 in make test-long (RS_TEST_LONG).
 *
 * Accumulators come out of layers of depth 1: bias[m] + filter[m] * (x - zp) for all 256 codes x.  Half of the channels are
 * aimed: their accumulators cross a tie of the rounding, one by one, which is where a stage that computes in floats
 * (packed.h, "the quick output stage") has to notice that it cannot tell.
 */
#include <math.h>
#include <time.h>
#include "pack.h"
#include "test_kernels.h"

enum { CHANNELS = 96, CODES = 256 };

static int64_t wanted = 1000000;

/*
 * Multiplier and shift of a channel.  @wild: all kinds, and accumulators of any size, which leave the quick stage out for
 * all channels; else such that codes come out.
 */
static void rnd_channel(struct test_quant *t, int m, bool wild, int32_t *bias, int8_t *filter)
{
    static const int32_t corner_mults[] = { 1 << 30, INT32_MAX, (1 << 30) + 1, 0, 1518500250 };
    const int32_t zp = t->q.zp_in;
    double scale;

    t->mult[m] = rnd_range(0, 7) == 0 ? corner_mults[rnd_range(0, 4)] : (int32_t)rnd_range(1 << 30, INT32_MAX);
    t->shift[m] = wild && rnd_range(0, 9) == 0 ? (int32_t)rnd_range(-31, 30) : (int32_t)rnd_range(-22, 1);
    scale = ldexp((double)t->mult[m], t->shift[m] - 31);
    t->scale[m] = (float)scale;
    filter[m] = (int8_t)(rnd_range(0, 1) != 0 ? rnd_range(-127, 127) : rnd_range(0, 1) != 0 ? 1 : -1);
    if (rnd_range(0, 1) != 0 && scale > 0.0) {
        /* acc = (k + 1/2) / scale near the middle of the codes */
        const double tie = ((double)rnd_range(-140, 140) + 0.5) / scale;

        bias[m] = fabs(tie) < 2e9 ? (int32_t)(tie - filter[m] * (double)(rnd_range(-60, 60) - zp)) : (int32_t)rnd_range(-1000, 1000);
    } else if (!wild) {
        bias[m] = (int32_t)((double)rnd_range(-200000, 200000) * 0.001 / (scale > 0.0 ? scale : 1.0));
    } else {
        bias[m] = (int32_t)(rnd_range(-INT32_MAX, INT32_MAX) >> rnd_range(0, 31));
    }
    /* As the contract of a layer asks: |bias| + |filter| * 255 < 2^31. */
    bias[m] = (int32_t)oracle_clamp(bias[m], -(INT32_MAX - 33000), INT32_MAX - 33000);
}

static void campaign(enum rs_rounding rounding)
{
    static struct test_quant t;
    static int32_t bias[CHANNELS];
    static int8_t filter[CHANNELS], x[CODES], xs[CODES * CHANNELS], want[CODES * CHANNELS];
    const struct rs_gemm_shape gemm = { .m = CODES, .n = CHANNELS, .k = 1, .layout = RS_GEMM_B_NK };
    const struct rs_conv_shape dw = { .n = 1, .h = 1, .w = CODES, .c = CHANNELS, .m = CHANNELS, .r = 1, .s = 1, .stride_h = 1,
                                      .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .e = 1, .f = CODES };
    struct rs_error err = { RS_OK, "" };
    int8_t *got = guarded_new(sizeof want);

    for (int i = 0; i < CODES; i++) {
        x[i] = (int8_t)(i - 128);
        memset(xs + i * CHANNELS, x[i], CHANNELS);
    }
    for (int64_t done = 0; done < wanted; done += CODES * CHANNELS) {
        const uint64_t replay = test_rng;
        const bool wild = rnd_range(0, 3) == 0;

        rnd_quant(&t, CHANNELS, 1000, rounding);
        t.q.count = CHANNELS;
        for (int m = 0; m < CHANNELS; m++)
            rnd_channel(&t, m, wild, bias, filter);
        for (int i = 0; i < CODES; i++)
            for (int m = 0; m < CHANNELS; m++)
                want[i * CHANNELS + m] = oracle_code(bias[m] + filter[m] * (x[i] - t.q.zp_in), &t.q, (size_t)m);
        for (int isa = RS_ISA_REF; isa < RS_ISA_COUNT; isa++) {
            if (rs_isa_select(rs_isa_name((enum rs_isa)isa), NULL) != RS_OK)
                continue;
            for (int depthwise = 0; depthwise < 2; depthwise++) {
                const rs_status status = depthwise ? rs_depthwise_conv2d_s8(&dw, xs, filter, bias, &t.q, got, &err)
                                                   : rs_gemm_s8(&gemm, x, filter, bias, &t.q, got, &err);

                MUST(status == RS_OK, "%s", err.text);
                for (int i = 0; i < CODES * CHANNELS; i++)
                    MUST(got[i] == want[i], "replay %llu: %s %s: acc %d * %d, shift %d: %d, want %d", (unsigned long long)replay,
                         rs_isa_name((enum rs_isa)isa), depthwise ? "depthwise" : "gemm",
                         bias[i % CHANNELS] + filter[i % CHANNELS] * (x[i / CHANNELS] - t.q.zp_in), t.mult[i % CHANNELS],
                         t.shift[i % CHANNELS], got[i], want[i]);
                MUST(guards_intact(got, sizeof want), "wrote outside");
            }
        }
    }
    guarded_free(got);
}

TEST(double_rounding_is_exact) { campaign(RS_ROUND_DOUBLE); }
TEST(single_rounding_is_exact) { campaign(RS_ROUND_SINGLE); }
TEST(onnx_rounding_is_exact) { campaign(RS_ROUND_ONNX); }

TEST(sixteen_bit_stages_are_exact)
{
    const int64_t top = (INT64_C(1) << 47) - 1;

    for (int64_t n = 0; n < wanted; n++) {
        const int shift = (int)rnd_range(-31, 7);
        const int32_t mult = (int32_t)rnd_range(1 << 30, INT32_MAX);
        const int64_t nearest = ((int64_t)mult + 32768) / 65536, reduced = nearest > 32767 ? 32767 : nearest;
        const __int128 d = (__int128)1 << (15 - shift);
        /* One in two near a tie. */
        const int64_t aimed = (int64_t)(((__int128)rnd_range(-33000, 33000) * 2 + 1) * d / 2 / reduced) + rnd_range(-2, 2);
        const int64_t acc = n % 2 != 0 && aimed > -top && aimed < top ? aimed : rnd_range(-top, top) >> rnd_range(0, 46);
        const int64_t want = (int64_t)floor_div(2 * (__int128)acc * reduced + d, 2 * d);
        const struct rs_quant_s16s16 q = { .act_min = -32768, .act_max = 32767, .shift = (int)rnd_range(0, 47) };
        const __int128 e = (__int128)1 << q.shift;

        MUST(rs_multiply_by_quantized_multiplier_s64(acc, mult, shift) == want, "%lld * %d, shift %d", (long long)acc, mult, shift);
        MUST(rs_shift_s64_s16(acc, &q) == oracle_clamp(floor_div(2 * (__int128)acc + e, 2 * e), -32768, 32767), "%lld >> %d",
             (long long)acc, q.shift);
    }
}

int main(void)
{
    const char *seed = getenv("RS_TEST_SEED");

    if (getenv("RS_TEST_LONG") != NULL)
        wanted = 100000000;
    if (seed != NULL)
        test_rng = strcmp(seed, "time") == 0 ? (uint64_t)time(NULL) : strtoull(seed, NULL, 0);
    printf("%lld accumulators for each, seed %llu\n", (long long)wanted, (unsigned long long)test_rng);
    RUN(double_rounding_is_exact);
    RUN(single_rounding_is_exact);
    RUN(onnx_rounding_is_exact);
    RUN(sixteen_bit_stages_are_exact);
    return test_exit();
}
