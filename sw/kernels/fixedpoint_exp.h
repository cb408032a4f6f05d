/* fixedpoint_exp.h - exp, reciprocal, logistic and tanh in gemmlowp fixed point.  Internal to sw/kernels/. */
#ifndef RS_KERNELS_FIXEDPOINT_EXP_H
#define RS_KERNELS_FIXEDPOINT_EXP_H
#include <stdint.h>

/* exp(a) for a <= 0.  @a: Q(integer_bits).(31 - integer_bits), integer_bits 4 or 5.  Result Q0.31. */
int32_t rs_fx_exp_on_negative(int32_t a, int integer_bits);

/* 1 / (1 + x) for x in [0, 1), Q0.31 to Q0.31. */
int32_t rs_fx_one_over_one_plus_x(int32_t x);

/* 1 / (1 + exp(-a)) and tanh(a) for any a in Q4.27, not INT32_MIN.  Result Q0.31. */
int32_t rs_fx_logistic(int32_t a);
int32_t rs_fx_tanh(int32_t a);
#endif
