/* test_line.c - lines of the output stage, in floats that round down, against the integer roundings: every accumulator of a range. */
#include <fenv.h>
#include <math.h>
#include "line.h"
#include "test.h"

/* What line.h says a line gives. */
static int32_t line_code(const struct line *l, const struct rs_quant *q, int32_t acc)
{
    const volatile float x = (float)(acc + l->shift), scale = l->scale;        /* volatile: computed now, rounding down */
    const volatile float lean = rs_line_one_sided(q) || acc >= 0 ? l->lean : -l->lean;
    const volatile float v = fmaf(x, scale, lean);
    const int32_t whole = (int32_t)floorf(v), code = rs_line_one_sided(q) ? whole : q->zp_out + ((whole + 1) >> 1);

    return code < q->act_min ? q->act_min : code > q->act_max ? q->act_max : code;
}

static void every_accumulator(const struct rs_quant *q, int64_t reach, int *found)
{
    struct line line;
    int wrong = 0;

    if (!rs_line_find(q, reach, &line))
        return;
    ++*found;
    for (int64_t acc = -reach; acc <= reach; acc++) {
        const int32_t want = rs_requantize_s32_s8((int32_t)acc, q, 0);
        int32_t got;

        fesetround(FE_DOWNWARD);
        got = line_code(&line, q, (int32_t)acc);
        fesetround(FE_TONEAREST);
        if (got != want && wrong++ == 0)
            CHECK(false, "acc %d: %d, want %d; rounding %d mult %d shift %d scale %g zp %d act %d..%d", (int)acc, got, want,
                  q->rounding, q->mult[0], q->shift[0], (double)q->scale[0], q->zp_out, q->act_min, q->act_max);
    }
}

/* @least, @most: shifts.  Lines are found for at least @share in a hundred. */
static void random_channels(enum rs_rounding rounding, bool relu, int least, int most, int share)
{
    enum { CASES = 100 };
    int found = 0;

    test_rng = 7;
    for (int i = 0; i < CASES; i++) {
        const int32_t mult = (int32_t)rnd_range(1 << 30, INT32_MAX), shift = (int32_t)rnd_range(least, most);
        const float scale = ldexpf((float)mult, shift - 31);
        struct rs_quant q = { .zp_out = (int32_t)rnd_range(-128, 127), .act_min = -128, .act_max = 127, .rounding = rounding,
                              .count = 1, .mult = &mult, .shift = &shift, .scale = &scale };

        if (relu)
            q.act_min = q.zp_out;
        if (rnd_range(0, 3) == 0)
            q.act_max = (int32_t)rnd_range(q.act_min, 127);
        every_accumulator(&q, (int64_t)fmin(300.0 / scale, 400000.0), &found);
    }
    CHECK(found >= share, "lines for %d of %d channels", found, CASES);
}

TEST(lines_of_one_side_equal_the_rounding_everywhere) { random_channels(RS_ROUND_DOUBLE, true, -10, 0, 95); }
TEST(lines_of_two_sides_equal_the_rounding_everywhere) { random_channels(RS_ROUND_DOUBLE, false, -10, 0, 95); }
TEST(lines_of_single_rounding_equal_it_everywhere) { random_channels(RS_ROUND_SINGLE, false, -10, 0, 95); }
TEST(lines_of_onnx_rounding_equal_it_everywhere) { random_channels(RS_ROUND_ONNX, false, -10, 0, 50); }
TEST(left_shifts_have_lines_too) { random_channels(RS_ROUND_DOUBLE, false, 0, 6, 50); }

TEST(multiplier_0_gives_the_zero_point)
{
    const int32_t mult = 0, shift = -3;
    const float scale = 0.0f;

    for (int32_t zp = -128; zp <= 127; zp += 51)
        for (int rounding = 0; rounding < 3; rounding++) {
            const struct rs_quant q = { .zp_out = zp, .act_min = -128, .act_max = 127, .rounding = (enum rs_rounding)rounding,
                                        .count = 1, .mult = &mult, .shift = &shift, .scale = &scale };
            int found = 0;

            every_accumulator(&q, 1000, &found);
            CHECK(found == 1, "zero point %d, rounding %d: no line", zp, rounding);
        }
}

/* Steps beyond 2^24 are no floats: no line, rather than a wrong one. */
TEST(refuses_what_floats_cannot_hold)
{
    const int32_t mult = (1 << 30) + 12345, shift = -24;
    const struct rs_quant q = { .zp_out = 0, .act_min = -128, .act_max = 127, .count = 1, .mult = &mult, .shift = &shift };
    struct line line = { 1.0f, 2.0f, 3 };

    CHECK(!rs_line_find(&q, INT32_MAX, &line) && line.scale == 1.0f && line.lean == 2.0f && line.shift == 3, "found %g %g %d",
          (double)line.scale, (double)line.lean, line.shift);
}

int main(void)
{
    RUN(lines_of_one_side_equal_the_rounding_everywhere);
    RUN(lines_of_two_sides_equal_the_rounding_everywhere);
    RUN(lines_of_single_rounding_equal_it_everywhere);
    RUN(lines_of_onnx_rounding_equal_it_everywhere);
    RUN(left_shifts_have_lines_too);
    RUN(multiplier_0_gives_the_zero_point);
    RUN(refuses_what_floats_cannot_hold);
    return test_exit();
}
