/*
 * requantize.c - psums of one entry to codes, both roundings of TensorFlow Lite.
 *
 * int8, two lanes: code = clamp(zp + (((psum + bias) << left) * mult >> 31) >> right), both shifts rounded:
 * bit-exact with MultiplyByQuantizedMultiplier (gemmlowp double rounding).
 * int16 (wide): the lanes are the halves of one sum, code = clamp((sum + bias) * mult >> (15 - shift)), rounded
 * once, mult 15 bits: bit-exact with the same function of an int64.  The two multipliers take 16 and 32 bits of the sum.
 * Four edges, one entry a clock.  No reset: the output stage knows when a code is due.
 */
#include "requantize.h"
#include "rounding.h"

void requantize_clock(struct requantize *r, const struct requantize_in *in,
                      struct requantize_out *out)
{
#pragma HLS PIPELINE II=1
    const int64_t bias = ((int64_t)in->param[1].bias << 32) | (uint32_t)in->param[0].bias;
    const int64_t psum = ((int64_t)in->psum[1] * 65536) + in->psum[0] + bias;

    /* Edge 4. */
    const int32_t wide_code = clamp_code(r->sum >> r->right3[0], r->range3.min, r->range3.max);

    for (int l = 0; l < 2; l++)
        r->code[l] = (uint8_t)clamp_code((int64_t)round_shift(r->high[l], r->right3[l] & 31u) + r->range3.zp,
                                         r->range3.min, r->range3.max);
    if (r->wide3) {
        r->code[0] = (uint8_t)wide_code;
        r->code[1] = (uint8_t)(wide_code >> 8);
    }

    /* Edge 3. */
    r->sum = (int64_t)((uint64_t)r->product[1] << 16) + r->product[0] +
             (int64_t)((1uLL << r->right2[0]) >> 1);
    for (int l = 0; l < 2; l++) {
        r->high[l] = round_high(r->product[l]);
        r->right3[l] = r->right2[l];
    }
    r->wide3 = r->wide2;
    r->range3 = r->range2;

    /* Edge 2. */
    for (int l = 0; l < 2; l++) {
        r->product[l] = (int64_t)r->value[l] * r->mult[l];
        r->right2[l] = r->right1[l];
    }
    r->wide2 = r->wide1;
    r->range2 = r->range1;

    /* Edge 1. */
    for (int l = 0; l < 2; l++) {
        const int32_t shift = in->param[l].shift;

        r->value[l] = (int32_t)(((uint32_t)in->psum[l] + (uint32_t)in->param[l].bias)
                                << (shift > 0 ? (uint32_t)shift : 0u));
        r->mult[l] = in->param[l].mult;
        r->right1[l] = shift < 0 ? (uint8_t)-shift : 0;
    }
    if (in->wide) {
        r->value[0] = (int32_t)(psum & 0xFFFF);
        r->value[1] = (int32_t)(psum >> 16);
        r->mult[1] = in->param[0].mult;
        r->right1[0] = (uint8_t)(15 - in->param[0].shift);
    }
    r->wide1 = in->wide;
    r->range1 = in->range;

    out->code[0] = r->code[0];
    out->code[1] = r->code[1];
}
