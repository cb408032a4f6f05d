/* mul2.h - the multiplier of a PE: one DSP, two int8 lanes or one 16-bit product. */
#ifndef RS_MUL2_H
#define RS_MUL2_H
#include <stdbool.h>
#include <stdint.h>

struct mul2_in {
    bool     enable;          /*  1  take a and b at this edge, else keep the old ones     */
    int32_t  a : 27;          /* 27  two lanes packed: high * 2^18 + low                   */
    int32_t  b : 18;          /* 18  the operand that both lanes share                     */
};
struct mul2_out {
    int64_t  product : 45;    /* 45  a * b, two edges after they were taken                */
};
struct mul2 {
    int32_t  a : 27;
    int32_t  b : 18;
    int64_t  product : 45;
};

void mul2_clock(struct mul2 *r, const struct mul2_in *in, struct mul2_out *out);

#endif
