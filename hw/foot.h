/* foot.h - the south end of a column: accumulators, requantizer, collector. */
#ifndef RS_FOOT_H
#define RS_FOOT_H
#include "accumulator.h"
#include "column_head.h"
#include "requantize.h"

enum flush_kind {
    FLUSH_FILTERS = 0,        /* the entry holds two filters of pixel `pixel`                */
    FLUSH_POSITIONS = 1,      /* the entry holds channel `index` of both pixels (wide: bytes) */
    FLUSH_POSITION = 2        /* the entry holds channel `index` of pixel `pixel`            */
};

struct flush_op {             /* turn one entry into codes                                   */
    bool     valid;
    bool     bank;            /* of accumulators and parameters                              */
    uint32_t addr  : RS_ACC_BITS;
    uint32_t index : 4;       /* filter pair of the pixel, or channel                        */
    uint32_t param : RS_PARAM_BITS;       /* its parameters                                  */
    uint32_t kind  : 2;       /* enum flush_kind                                             */
    bool     pixel;
    bool     wide;
    uint32_t step  : 2;       /* of the RS_REQUANTIZE_CLOCKS of the entry                     */
    struct requantize_range range;
};
struct param_op {             /* parameters of one filter pair, for the columns of a group   */
    bool     valid;
    bool     bank;
    uint32_t index : RS_PARAM_BITS;
    uint32_t group : 5;
    struct column_place place;
    struct column_shape shape;
    struct requantize_param param[2];
};
struct foot_op {              /* travels east                                                */
    struct acc_op   acc;
    struct flush_op flush;
    struct param_op param;
};

struct pixel_pair { uint8_t byte[2][RS_BLOCK]; };

struct foot_in {
    bool rst;
    struct foot_op op_w;
    struct array_psum psum;
};
struct foot_out {
    struct foot_op op_e;
    struct pixel_pair pair;   /* complete FOOT_EDGES after its last flush_op                 */
};
#define FOOT_EDGES (REQUANTIZE_EDGES + 3)    /* reading the entry takes two, collecting the codes one */
struct foot_place {           /* where a code goes                                           */
    bool     valid;
    uint32_t index : 4;
    uint32_t kind  : 2;
    bool     pixel;
    bool     lane;            /* whose code it is, where they come one after the other       */
};
/* Parameters of a bank's filters: one memory a requantizer lane; for one lane those of a pair come one after the other. */
#define PARAM_DEPTH (2 * RS_MAX_PAIRS * 2 / REQUANTIZE_LANES)

struct foot {
    struct foot_op op;
    struct accumulator acc;
    struct accumulator_out acc_out;
    struct requantize requantize;
    struct requantize_out codes;
    struct requantize_param param[REQUANTIZE_LANES][PARAM_DEPTH];
    struct requantize_param read[REQUANTIZE_LANES], now[REQUANTIZE_LANES];
    bool     param_second;    /* the second of the pair in op is still to be written         */
    struct requantize_range range;
    bool     wide;
    uint32_t step : 2;
    struct foot_place place[FOOT_EDGES - 1];
    struct pixel_pair pair;
};

void foot_clock(struct foot *r, const struct foot_in *in, struct foot_out *out);

#endif
