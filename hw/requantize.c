/*
 * requantize.c - code = clamp(zp + (((psum + bias) << left) * mult >> 31) >> right), both rounded.
 *
 * Bit-exact with TensorFlow Lite's MultiplyByQuantizedMultiplier (gemmlowp double rounding).
 * Four edges, one value a clock.  No reset: the output stage knows when a code is due.
 */
#include "requantize.h"
#include "rounding.h"

void requantize_clock(struct requantize *r, const struct requantize_in *in,
                      struct requantize_out *out)
{
#pragma HLS PIPELINE II=1
    const int32_t shift = in->param.shift;

    r->code = clamp_code((int64_t)round_shift(r->high, r->right3) + r->range3.zp,
                         r->range3.min, r->range3.max);

    r->high = round_high(r->product);
    r->right3 = r->right2;
    r->range3 = r->range2;

    r->product = (int64_t)r->value * r->mult;
    r->right2 = r->right1;
    r->range2 = r->range1;

    r->value = (int32_t)(((uint32_t)in->psum + (uint32_t)in->param.bias)
                         << (shift > 0 ? (uint32_t)shift : 0u));
    r->mult = in->param.mult;
    r->right1 = shift < 0 ? (uint32_t)-shift : 0u;
    r->range1 = in->range;

    out->code = r->code;
}
