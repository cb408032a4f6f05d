/* requantize.h - psums to codes, two int8 or one int16 a clock: ports and registers. */
#ifndef RS_REQUANTIZE_H
#define RS_REQUANTIZE_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "rounding.h"

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
/* Both psums of an entry at one edge, or one after the other; with RS_REQUANTIZE_CLOCKS of 4 each comes twice. */
#define REQUANTIZE_LANES  (RS_REQUANTIZE_CLOCKS == 1 ? 2 : 1)
#define REQUANTIZE_HALVES (RS_REQUANTIZE_CLOCKS == 4 ? 2 : 1)

struct requantize_in {
    int32_t psum[REQUANTIZE_LANES];
    struct requantize_param param[REQUANTIZE_LANES];
    struct requantize_range range;
    bool half;                    /* of two, the second: times the multiplier's upper bits   */
    bool wide;                    /* psum[1] * 2^16 + psum[0] is one int16 code               */
};
struct requantize_out {
    uint8_t code[REQUANTIZE_LANES];       /* REQUANTIZE_EDGES after its psum, or its second half; wide: low, high byte */
};
#define REQUANTIZE_EDGES 5
struct requantize_lane {          /* a number after its edge is the edge that wrote it        */
    struct factors factors;       /* edge 1: psum + bias, shifted left                       */
    struct product_parts parts;   /* edge 2                                                  */
    int64_t  product;             /* edge 3: with what rounds it; halves: without the low 16 bits */
    int64_t  shifted;             /* edge 4: shifted right                                   */
    bool     negative1, negative2, negative3;
    uint32_t right1 : 6, right2 : 6, right3 : 6;
};
struct requantize {
    struct requantize_lane lane[REQUANTIZE_LANES];
    bool     half1, half2;
    int64_t  round;               /* edge 2, wide                                            */
    bool     wide1, wide2, wide3, wide4;
    struct requantize_range range1, range2, range3, range4;
    uint8_t  code[REQUANTIZE_LANES];      /* edge 5                                                  */
};

void requantize_clock(struct requantize *r, const struct requantize_in *in,
                      struct requantize_out *out);

#endif
