/*
 * requantize_s32_s8.c - one int32 accumulator to one int8 code.
 *
 * Source: TensorFlow Lite reference_integer_ops (DOUBLE, SINGLE); ONNX QLinearConv and ONNX Runtime's
 * MlasRequantizeOutput (ONNX).  Trusts rs_quant_check().
 */
#include "kernels.h"
#include "fixedpoint.h"
#include <math.h>

/*
 * rintf() rounds half to even in the default rounding mode.  Clamping before the conversion changes nothing
 * (the bounds are integers), and keeps a huge product from overflowing it.
 */
static int32_t round_half_even_clamped(float x, int32_t lo, int32_t hi)
{
    return (int32_t)rintf(fminf(fmaxf(x, (float)lo), (float)hi));
}

int8_t rs_requantize_s32_s8(int32_t acc, const struct rs_quant *q, size_t channel)
{
    const size_t i = q->count == 1 ? 0 : channel;

    assert(i < (size_t)q->count);
    if (q->rounding == RS_ROUND_ONNX)
        return fx_code(q->zp_out + round_half_even_clamped((float)acc * q->scale[i], q->act_min - q->zp_out,
                                                           q->act_max - q->zp_out));

    const int32_t x = q->rounding == RS_ROUND_SINGLE ? fx_multiply_single(acc, q->mult[i], q->shift[i])
                                                     : fx_multiply_double(acc, q->mult[i], q->shift[i]);
    /* Clamp around zp_out, not after adding it: x may be as large as int32 itself. */
    return fx_code(q->zp_out + fx_clamp(x, q->act_min - q->zp_out, q->act_max - q->zp_out));
}
