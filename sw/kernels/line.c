/* line.c - finds the line of an output stage, and proves it; see line.h. */
#include "line.h"
#include <math.h>
#include <stdlib.h>

enum { CODES = 256, ULPS = 16, LEANS = 5, MOST_EXACT = 1 << 24 };      /* scales tried either way; leans with each */

/* A step: accumulators (shifted) of up to below have codes less than code, those from below + 1 on have not. */
struct step { int64_t below; int32_t code; };

struct search {
    const struct rs_quant *q;
    int64_t least, most, shift;        /* bounds are of shifted accumulators */
    bool one_sided;
    int count, refuter;                /* steps; the one that refuted the last line: likely the next too */
    struct step step[CODES];
};

static double true_scale(const struct rs_quant *q)
{
    return q->rounding == RS_ROUND_ONNX ? q->scale[0] : ldexp(q->mult[0], q->shift[0] - 31);
}

static bool reaches(const struct search *s, int64_t acc, int32_t code)
{
    return acc > s->most || (acc >= s->least && rs_requantize_s32_s8((int32_t)(acc - s->shift), s->q, 0) >= code);
}

/* The first accumulator that reaches @code, most + 1 if none: near @guess, or else by bisection. */
static int64_t first_reaching(const struct search *s, int64_t guess, int32_t code)
{
    int64_t low = s->least, high = s->most + 1;

    for (int i = 0; i < 3; i++, guess++)
        if (reaches(s, guess, code)) {
            if (!reaches(s, guess - 1, code))
                return guess < s->least ? s->least : guess <= high ? guess : high;
            break;
        }
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;

        if (reaches(s, middle, code))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void find_steps(struct search *s, double scale)
{
    const int32_t right = s->q->rounding == RS_ROUND_DOUBLE && s->q->shift[0] < 0 ? -s->q->shift[0] : 0;
    const double slant = right > 0 ? ldexp(0.5, -right) : 0.0;

    for (int32_t code = s->q->act_min + 1; code <= s->q->act_max; code++) {
        const double value = code - s->q->zp_out - 0.5, at = scale > 0.0 ? (value - copysign(slant, value)) / scale : 0.0;
        const int64_t guess = fabs(at) < 0x1p40 ? (int64_t)ceil(at) + s->shift : s->most;

        s->step[s->count++] = (struct step){ first_reaching(s, guess, code) - 1, code };
    }
}

static float turned(const struct search *s, int64_t acc, float lean)
{
    return s->one_sided || acc >= 0 ? lean : -lean;
}

/* The integer that a line's sum must not be less than for @code. */
static int32_t edge(const struct search *s, int32_t code)
{
    return s->one_sided ? code : 2 * (code - s->q->zp_out) - 1;
}

/* Whether a line gives @code or more.  Exact: 24 times 25 bits; lean is a multiple of 2^-32. */
static bool line_reaches(const struct search *s, const struct line *l, int64_t acc, int32_t code)
{
    return (double)acc * (double)l->scale >= edge(s, code) - (double)turned(s, acc, l->lean);
}

static bool holds(const struct search *s, const struct line *l, const struct step *t)
{
    return (t->below < s->least || !line_reaches(s, l, t->below, t->code)) &&
           (t->below >= s->most || line_reaches(s, l, t->below + 1, t->code));
}

static bool proven(struct search *s, const struct line *l)
{
    if (s->refuter < s->count && !holds(s, l, &s->step[s->refuter]))
        return false;
    for (int i = 0; i < s->count; i++)
        if (!holds(s, l, &s->step[i])) {
            s->refuter = i;
            return false;
        }
    return true;
}

/* The leans that exact arithmetic would allow with this scale; *low > *high: none. */
static void leans(const struct search *s, double scale, double *low, double *high)
{
    *low = 2 * INT8_MIN;
    *high = 2 * INT8_MAX;
    for (int i = 0; i < s->count; i++)
        for (int side = 0; side < 2; side++) {         /* must be below the edge; on it or above */
            const int64_t acc = s->step[i].below + side;
            const double lean = edge(s, s->step[i].code) - scale * (double)acc;
            const bool negative = !s->one_sided && acc < 0;

            if (acc < s->least || acc > s->most)
                continue;
            const double bound = negative ? -lean : lean;

            if ((side == 0) != negative)
                *high = bound < *high ? bound : *high;
            else
                *low = bound > *low ? bound : *low;
        }
    if (!s->one_sided && *low < 0.0)   /* its sign is the accumulator's */
        *low = 0.0;
}

/* Leans from the middle outwards. */
static bool find_lean(struct search *s, float scale, struct line *line)
{
    double low, high;

    leans(s, scale, &low, &high);
    if (low > high)
        return false;
    for (int i = 0; i < LEANS; i++) {
        const double part = 0.5 + (i % 2 != 0 ? -0.12 : 0.12) * ((i + 1) / 2);

        *line = (struct line){ scale, (float)ldexp(rint(ldexp(low + (high - low) * part, 32)), -32), (int32_t)s->shift };
        if (proven(s, line))
            return true;
    }
    return false;
}

bool rs_line_find(const struct rs_quant *q, int64_t reach, struct line *line)
{
    const double scale = true_scale(q), shift = scale > 0.0 ? rint(q->zp_out / scale) : 0.0;
    const bool one_sided = rs_line_one_sided(q);
    struct search s = { .q = q, .one_sided = one_sided };
    struct line found;
    float up = (float)(one_sided ? scale : 2.0 * scale), down = up;

    if (one_sided && fabs(shift) + (double)reach >= 0x1p31)
        return false;
    s.shift = one_sided ? (int64_t)shift : 0;
    s.least = s.shift - reach;
    s.most = s.shift + reach;
    find_steps(&s, scale);
    for (int i = 0; i < s.count; i++)  /* others are not floats */
        if ((s.step[i].below >= s.least && llabs(s.step[i].below) > MOST_EXACT) ||
            (s.step[i].below < s.most && llabs(s.step[i].below + 1) > MOST_EXACT))
            return false;
    for (int n = 0; n <= ULPS; n++, up = nextafterf(up, INFINITY), down = nextafterf(down, 0.0f))
        if (find_lean(&s, up, &found) || (n > 0 && find_lean(&s, down, &found))) {
            *line = found;
            return true;
        }
    return false;
}
