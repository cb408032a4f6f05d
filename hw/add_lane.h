/* add_lane.h - residual addition of two int8 codes, one a clock: ports and registers. */
#ifndef RS_ADD_LANE_H
#define RS_ADD_LANE_H
#include <stdbool.h>
#include <stdint.h>
#include "rounding.h"

struct add_param {
    int32_t  zp_acc : 8, zp_res : 8, zp_out : 8;
    int32_t  min : 8, max : 8;
    int32_t  mult_acc, mult_res, mult_out;       /* Q31                                      */
    uint32_t shift_acc : 5, shift_res : 5, shift_out : 5;       /* to the right              */
};
struct add_lane_in {
    int32_t acc : 8;               /* this layer's own code                                  */
    int32_t res : 8;               /* the residual operand                                   */
    struct add_param param;        /* steady while codes are in the lane                     */
};
struct add_lane_out {
    int32_t code : 8;              /* ADD_EDGES after its operands                           */
};
#define ADD_EDGES 8
struct add_lane {
    int32_t acc : 10, res : 10;    /* edge 1: code - zp                                      */
    int64_t product_acc : 41, product_res : 41;
    int64_t shifted_acc : 33, shifted_res : 33;                 /* edge 3                    */
    int32_t sum;                   /* edge 4                                                 */
    struct product_parts parts;    /* edge 5                                                 */
    int64_t product;               /* edge 6: with what rounds it                            */
    bool    negative5, negative6;
    int64_t shifted;               /* edge 7                                                 */
    int32_t code : 8;              /* edge 8                                                 */
};

void add_lane_clock(struct add_lane *r, const struct add_lane_in *in, struct add_lane_out *out);

#endif
