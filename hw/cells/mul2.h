/* mul2.h - the multiplier of a PE: two int8 lanes or one 16-bit product. */
#ifndef RS_MUL2_H
#define RS_MUL2_H
#include <stdbool.h>
#include <stdint.h>
#include "../config/config.h"

struct mul2_in {
    bool     enable;          /*  1  take a and b at this edge, else their product is 0    */
    int32_t  a : 27;          /* 27  two lanes, mul2_pack()                                */
    int32_t  b : 18;          /* 18  the operand that both lanes share                     */
};
struct mul2_out {
    int64_t  product : 45;    /* 45  two lanes, two edges after they were taken            */
};
struct mul2 {
    bool     live;
    int32_t  a : 27;
    int32_t  b : 18;
    int64_t  product : 45;
};

/* Operands of 9 bits, 18 bits apart: added up for one multiplier, side by side for two. */
static inline int32_t mul2_pack(int32_t high, int32_t low)
{
    return RS_MULTIPLIERS == 1 ? high * 262144 + low : (int32_t)((uint32_t)high << 18 | ((uint32_t)low & 0x3ffffu));
}

/* What the high lane of a product (bits 18 and up) lacks, since the low one was added to it. */
static inline uint32_t mul2_borrow(int64_t product)
{
    return RS_MULTIPLIERS == 1 ? (uint32_t)(product >> 17) & 1u : 0;
}

void mul2_clock(struct mul2 *r, const struct mul2_in *in, struct mul2_out *out);

#endif
