/*
 * requantize.c - psums of one entry to codes, both roundings of TensorFlow Lite.
 *
 * int8, two lanes: code = clamp(zp + (((psum + bias) << left) * mult >> 31) >> right), both shifts rounded:
 * bit-exact with MultiplyByQuantizedMultiplier (gemmlowp double rounding).
 * int16 (wide): the lanes are the halves of one sum, code = clamp((sum + bias) * mult >> (15 - shift)), rounded
 * once, mult 15 bits: bit-exact with the same function of an int64.  Lane 0 computes it, from three pieces of the sum.
 * Where an entry may take several clocks (RS_REQUANTIZE_CLOCKS), one lane does both psums, and where it may take four, two multipliers
 * take the halves of a Q31 multiplier one after the other.
 * Five edges, one entry a clock, or one psum, or half of one.  No reset: the output stage knows when a code is due.
 */
#include "requantize.h"

/* Of bits 0 to 47 of (psum[1] * 2^16 + psum[0] + bias) * mult. */
static inline struct factors wide_factors(const struct requantize_in *in)
{
    const int64_t low = (int64_t)in->psum[0] + (uint32_t)in->param[0].bias;
    const uint32_t upper = (uint32_t)in->psum[REQUANTIZE_LANES - 1] + ((uint32_t)in->param[REQUANTIZE_LANES - 1].bias << 16) +
                           (uint32_t)(low >> 16);
    struct factors f;

    f.low = (uint32_t)low & 0xFFFFu;
    f.middle = (int32_t)(upper & 0xFFFFu);
    f.high = (int32_t)upper >> 16;
    f.mult_low = (uint32_t)in->param[0].mult & 0x7FFFu;
    f.mult_middle = 0;
    f.mult_high = f.mult_low;
    return f;
}

void requantize_clock(struct requantize *r, const struct requantize_in *in,
                      struct requantize_out *out)
{
#pragma HLS PIPELINE II=1
    /* Edge 5: zero point and clamp. */
    for (int l = 0; l < REQUANTIZE_LANES; l++)
        r->code[l] = (uint8_t)finish_code(r->lane[l].shifted, r->range4.zp, r->range4.min, r->range4.max);
    if (RS_WIDE && r->wide4) {
        const int32_t code = clamp_code(r->lane[0].shifted, r->range4.min, r->range4.max);

        r->code[0] = (uint8_t)code;
        r->code[REQUANTIZE_LANES - 1] = (uint8_t)(code >> 8);
    }
    r->wide4 = r->wide3;
    r->range4 = r->range3;

    /* Edge 4: shift right. */
    for (int l = 0; l < REQUANTIZE_LANES; l++)
        r->lane[l].shifted = shift_rounded(REQUANTIZE_HALVES == 2 ? r->lane[l].product * 65536 : r->lane[l].product, r->lane[l].negative3, r->lane[l].right3 & 31u);
    if (RS_WIDE && r->wide3)
        r->lane[0].shifted = r->lane[0].product >> r->lane[0].right3;
    r->wide3 = r->wide2;
    r->range3 = r->range2;

    /* Edge 3: product. */
    for (int l = 0; l < REQUANTIZE_LANES; l++) {
        struct requantize_lane *lane = &r->lane[l];

        lane->product = sum_parts(lane->parts, REQUANTIZE_HALVES == 2 && r->half2 ? lane->product >> 16
                                             : RS_WIDE && r->wide2 && l == 0 ? r->round : round_half(lane->negative2));
        lane->negative3 = lane->negative2;
        lane->right3 = lane->right2;
    }
    r->half2 = r->half1;
    r->wide2 = r->wide1;
    r->range2 = r->range1;

    /* Edge 2: partial products. */
    for (int l = 0; l < REQUANTIZE_LANES; l++) {
        struct requantize_lane *lane = &r->lane[l];

        lane->parts = multiply_parts(lane->factors);
        if (REQUANTIZE_HALVES == 2) {                    /* of a multiplier's 16 bits there are two      */
            lane->parts.middle1 = 0;
            lane->parts.high = 0;
        }
        lane->negative2 = lane->negative1;
        lane->right2 = lane->right1;
    }
    r->round = (int64_t)((1uLL << r->lane[0].right1) >> 1);
    r->half1 = in->half;
    r->wide1 = RS_WIDE && in->wide;
    r->range1 = in->range;

    /* Edge 1: add the bias, shift left. */
    for (int l = 0; l < REQUANTIZE_LANES; l++) {
        struct requantize_lane *lane = &r->lane[l];
        const int32_t shift = in->param[l].shift;
        const int32_t value = (int32_t)(((uint32_t)in->psum[l] + (uint32_t)in->param[l].bias) << (shift > 0 ? (uint32_t)shift : 0u));

        lane->factors = factors_of(value, REQUANTIZE_HALVES == 1 ? in->param[l].mult
                                          : (int32_t)(in->half ? (uint32_t)in->param[l].mult >> 16 : (uint32_t)in->param[l].mult & 0xFFFFu));
        lane->negative1 = value < 0;
        lane->right1 = shift < 0 ? (uint32_t)-shift : 0u;
    }
    if (RS_WIDE && in->wide) {
        r->lane[0].factors = wide_factors(in);
        r->lane[0].right1 = (uint32_t)(15 - in->param[0].shift);
    }

    for (int l = 0; l < REQUANTIZE_LANES; l++)
        out->code[l] = r->code[l];
}
