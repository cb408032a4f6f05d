/* requantize.h - int32 psum to int8 code, one value a clock: ports and registers. */
#ifndef RS_REQUANTIZE_H
#define RS_REQUANTIZE_H
#include <stdbool.h>
#include <stdint.h>

struct requantize_param {         /* of one filter                                           */
    int32_t bias;
    int32_t mult;                 /* Q31, 0 or in [2^30, 2^31)                               */
    int32_t shift : 6;            /* [-31, 30], positive shifts left                         */
};
struct requantize_range {
    int32_t zp  : 8;
    int32_t min : 8;
    int32_t max : 8;
};
struct requantize_in {
    int32_t psum;
    struct requantize_param param;
    struct requantize_range range;
};
struct requantize_out {
    int32_t code : 8;             /* REQUANTIZE_EDGES after its psum                          */
};
#define REQUANTIZE_EDGES 4
struct requantize {
    int32_t value;                /* edge 1: psum + bias, shifted left                       */
    int32_t mult;
    uint32_t right1 : 5, right2 : 5, right3 : 5;
    struct requantize_range range1, range2, range3;
    int64_t product;              /* edge 2                                                  */
    int32_t high;                 /* edge 3                                                  */
    int32_t code : 8;             /* edge 4                                                  */
};

void requantize_clock(struct requantize *r, const struct requantize_in *in,
                      struct requantize_out *out);

#endif
