/* ranges.c - from a range of reals to scale and zero point; the range with the least error. */
#include <math.h>
#include "quant_internal.h"

void quant_scale_of(float low, float high, float *scale, int32_t *zero_point)
{
    *scale = high > low ? (float)(((double)high - low) / 255) : 1;
    const double zp = rint(-128 - low / (double)*scale);

    *zero_point = zp < -128 ? -128 : zp > 127 ? 127 : (int32_t)zp;
}

/* Squared error of all the values in the histogram over [from, from + bins * width) when [low, high] gets the codes. */
static double error_of(const double *count, int bins, double from, double width, float low, float high)
{
    float scale;
    int32_t zp;
    double sum = 0;

    quant_scale_of(low, high, &scale, &zp);
    for (int i = 0; i < bins; i++) {
        if (count[i] == 0)
            continue;
        const double x = from + width * (i + 0.5);
        double code = rint(x / scale) + zp;

        code = code < -128 ? -128 : code > 127 ? 127 : code;
        const double e = x - scale * (code - zp);

        sum += count[i] * e * e;
    }
    return sum;
}

void quant_least_error(const double *count, int bins, float *low, float *high)
{
    enum { STEPS = 40 };
    const double from = *low, width = ((double)*high - *low) / bins;
    const float full_low = *low, full_high = *high;
    double best = error_of(count, bins, from, width, *low, *high);

    /* The two ends in turn: each is drawn in to a fortieth of its distance from 0 at most. */
    for (int turn = 0; turn < 4; turn++) {
        for (int step = 1; step < STEPS; step++) {
            const float part = 1 - (float)step / STEPS;
            const float l = turn % 2 == 1 ? full_low * part : *low, h = turn % 2 == 0 ? full_high * part : *high;
            const double e = error_of(count, bins, from, width, l, h);

            if (h > l && e < best) {
                best = e;
                *low = l;
                *high = h;
            }
        }
    }
}
