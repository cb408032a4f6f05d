/* requantize.h - psums to codes, two int8 or one int16 a clock: ports and registers. */
#ifndef RS_REQUANTIZE_H
#define RS_REQUANTIZE_H
#include <stdbool.h>
#include <stdint.h>

struct requantize_param {         /* of one filter (isa.h)                                   */
    int32_t bias;
    int32_t mult;                 /* Q31, 0 or in [2^30, 2^31); wide: Q15 in [0, 2^15)       */
    int32_t shift : 6;            /* [-31, 30], positive shifts left; wide: [-31, 15]        */
};
struct requantize_range {
    int32_t zp  : 8;
    int32_t min : 16;
    int32_t max : 16;
};
struct requantize_in {
    int32_t psum[2];
    struct requantize_param param[2];
    struct requantize_range range;
    bool wide;                    /* psum[1] * 2^16 + psum[0] is one int16 code               */
};
struct requantize_out {
    uint8_t code[2];              /* REQUANTIZE_EDGES after its psum; wide: low, high byte    */
};
#define REQUANTIZE_EDGES 4
struct requantize {
    int32_t value[2];             /* edge 1: psum + bias, shifted left                       */
    int32_t mult[2];
    uint8_t right1[2], right2[2], right3[2];                       /* below 64              */
    bool    wide1, wide2, wide3;
    struct requantize_range range1, range2, range3;
    int64_t product[2];           /* edge 2                                                  */
    int32_t high[2];              /* edge 3                                                  */
    int64_t sum;
    uint8_t code[2];              /* edge 4                                                  */
};

void requantize_clock(struct requantize *r, const struct requantize_in *in,
                      struct requantize_out *out);

#endif
