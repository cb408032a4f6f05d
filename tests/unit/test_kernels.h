/*
 * test_kernels.h - what the tests of sw/kernels/ share: guarded buffers, and an oracle for the output stage that
 * is written another way than the code under test (128-bit floor division instead of nudges and shifts).
 */
#ifndef TEST_KERNELS_H
#define TEST_KERNELS_H
#include "kernels.h"
#include "test.h"

enum { GUARD = 64, GUARD_BYTE = 0xA5 };

/* Room for @count codes with GUARD bytes of GUARD_BYTE on each side; the room itself is filled with them too. */
static inline int8_t *guarded_new(size_t count)
{
    uint8_t *p = malloc(count + 2 * GUARD);

    if (p == NULL)
        abort();
    memset(p, GUARD_BYTE, count + 2 * GUARD);
    return (int8_t *)p + GUARD;
}

static inline void guarded_free(int8_t *p)
{
    if (p != NULL)
        free(p - GUARD);
}

static inline bool guards_intact(const int8_t *p, size_t count)
{
    for (size_t i = 0; i < GUARD; i++)
        if ((uint8_t)p[-(ptrdiff_t)i - 1] != GUARD_BYTE || (uint8_t)p[count + i] != GUARD_BYTE)
            return false;
    return true;
}

/* "On any error the outputs are untouched." */
static inline bool untouched(const int8_t *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((uint8_t)p[i] != GUARD_BYTE)
            return false;
    return guards_intact(p, count);
}

/* The codes start, start + step, ... modulo 256: ramp() of golden_litert.py. */
static inline void ramp(int8_t *p, size_t count, int step, int start)
{
    for (size_t i = 0; i < count; i++)
        p[i] = (int8_t)((int)((i * (size_t)step + (size_t)start) % 256) - 128);
}

static inline void rnd_codes(int8_t *p, size_t count, int lo, int hi)
{
    for (size_t i = 0; i < count; i++)
        p[i] = (int8_t)rnd_range(lo, hi);
}

/* floor(a / b), b > 0 */
static inline __int128 floor_div(__int128 a, __int128 b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static inline int64_t oracle_clamp(__int128 x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : (int64_t)x;
}

/* x * mult * 2^(shift - 31): nearest with ties up at 2^31, then nearest with ties away at 2^-shift. */
static inline int64_t oracle_double(int64_t x, int64_t mult, int shift)
{
    __int128 y = x;

    if (shift > 0)
        y = oracle_clamp(y * ((__int128)1 << shift), INT32_MIN, INT32_MAX);
    y = oracle_clamp(floor_div(2 * y * mult + ((__int128)1 << 31), (__int128)1 << 32), INT32_MIN, INT32_MAX);
    if (shift < 0) {
        const __int128 d = (__int128)1 << -shift;
        const __int128 magnitude = floor_div(2 * (y < 0 ? -y : y) + d, 2 * d);

        y = y < 0 ? -magnitude : magnitude;
    }
    return (int64_t)y;
}

/* x * mult * 2^(shift - 31): nearest once, ties up. */
static inline int64_t oracle_single(int64_t x, int64_t mult, int shift)
{
    const __int128 d = (__int128)1 << (31 - shift);

    return oracle_clamp(floor_div(2 * (__int128)x * mult + d, 2 * d), INT32_MIN, INT32_MAX);
}

/* Nearest, ties to even, of a float: no rintf(). */
static inline int64_t oracle_half_even(float x)
{
    if (x > 1e6f)
        return 1000000;
    if (x < -1e6f)
        return -1000000;

    const double fl = (double)(int64_t)x - (x < (float)(int64_t)x ? 1.0 : 0.0), rest = (double)x - fl;
    const int64_t down = (int64_t)fl;

    return rest < 0.5 ? down : rest > 0.5 ? down + 1 : down % 2 == 0 ? down : down + 1;
}

static inline int8_t oracle_code(int32_t acc, const struct rs_quant *q, size_t channel)
{
    const size_t i = q->count == 1 ? 0 : channel;
    int64_t y;

    if (q->rounding == RS_ROUND_ONNX)
        y = oracle_half_even((float)acc * q->scale[i]);
    else if (q->rounding == RS_ROUND_SINGLE)
        y = oracle_single(acc, q->mult[i], q->shift[i]);
    else
        y = oracle_double(acc, q->mult[i], q->shift[i]);
    return (int8_t)oracle_clamp(y + q->zp_out, q->act_min, q->act_max);
}

/* An output stage with its tables, for up to 512 channels. */
struct test_quant {
    struct rs_quant q;
    int32_t mult[512], shift[512];
    float scale[512];
};

/* Random output stage that brings accumulators of about +-@reach into the codes, most of the time. */
static inline void rnd_quant(struct test_quant *t, int32_t channels, int64_t reach, enum rs_rounding rounding)
{
    static const int32_t zps[] = { -128, 127, 0, -1, 5, -77 };

    t->q = (struct rs_quant){
        .zp_in = zps[rnd_range(0, 5)], .zp_out = zps[rnd_range(0, 5)], .act_min = -128, .act_max = 127,
        .rounding = rounding, .count = rnd_range(0, 3) == 0 ? 1 : channels,
        .mult = t->mult, .shift = t->shift, .scale = t->scale,
    };
    if (rnd_range(0, 2) == 0) {
        t->q.act_min = (int32_t)rnd_range(-128, 0);
        t->q.act_max = (int32_t)rnd_range(t->q.act_min, 127);
    }
    for (int i = 0; i < t->q.count; i++) {
        int shift = 7;

        for (int64_t r = reach; r > 0; r >>= 1)
            shift--;
        shift += (int)rnd_range(-2, 3);
        t->mult[i] = (int32_t)rnd_range(INT64_C(1) << 30, INT32_MAX);
        t->shift[i] = shift < -31 ? -31 : shift;
        if (rnd_range(0, 15) == 0)
            t->shift[i] = (int32_t)rnd_range(-31, 30);
        if (rnd_range(0, 31) == 0)
            t->mult[i] = rnd_range(0, 1) != 0 ? 1 << 30 : 0;
        t->scale[i] = (float)t->mult[i] * 4.656612873e-10f;
        for (int s = t->shift[i]; s < 0; s++)
            t->scale[i] *= 0.5f;
        for (int s = t->shift[i]; s > 0; s--)
            t->scale[i] *= 2.0f;
    }
}
#endif
