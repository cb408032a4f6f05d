/*
 * requantize_s64_s16.c - from the accumulator of a layer with int16 activations to its code, and the guards of both
 * output stages.
 *
 * Source: TensorFlow Lite kernels/internal/common.cc, MultiplyByQuantizedMultiplier(int64_t, ...) (the definition).
 */
#include "check.h"
#include "fixedpoint.h"

int64_t rs_multiply_by_quantized_multiplier_s64(int64_t x, int32_t mult, int shift)
{
    assert(mult >= 0);
    return fx_multiply_s64(x, mult, shift);
}

int16_t rs_requantize_s64_s16(int64_t acc, const struct rs_quant_s16 *q, size_t channel)
{
    const size_t i = q->count == 1 ? 0 : channel;

    return fx_clamp_s16(fx_multiply_s64(acc, q->mult[i], q->shift[i]), q->act_min, q->act_max);
}

int16_t rs_shift_s64_s16(int64_t acc, const struct rs_quant_s16s16 *q)
{
    return fx_clamp_s16(fx_rounding_shift_s64(acc, q->shift), q->act_min, q->act_max);
}

static rs_status check_activation(int32_t act_min, int32_t act_max, struct rs_error *err)
{
    RS_TRY(rs_check_range("act_min", act_min, INT16_MIN, INT16_MAX, err));
    RS_TRY(rs_check_range("act_max", act_max, INT16_MIN, INT16_MAX, err));
    if (act_min > act_max)
        return rs_fail(err, RS_ERR_RANGE, "act_min %d exceeds act_max %d", (int)act_min, (int)act_max);
    return RS_OK;
}

rs_status rs_quant_s16_check(const struct rs_quant_s16 *q, int32_t channels, struct rs_error *err)
{
    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "null quantization");
    RS_TRY(check_activation(q->act_min, q->act_max, err));
    if (q->count != 1 && q->count != channels)
        return rs_fail(err, RS_ERR_SHAPE, "%d multipliers for %d output channels; must be as many or 1",
                       (int)q->count, (int)channels);
    if (q->mult == NULL || q->shift == NULL)
        return rs_fail(err, RS_ERR_ARG, "null multiplier or shift table");
    for (int32_t i = 0; i < q->count; i++) {
        RS_TRY(rs_check_multiplier("16-bit output stage", q->mult[i], q->shift[i], err));
        RS_TRY(rs_check_range("16-bit output stage: shift", q->shift[i], -31, 7, err));
    }
    return RS_OK;
}

rs_status rs_quant_s16s16_check(const struct rs_quant_s16s16 *q, struct rs_error *err)
{
    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "null quantization");
    RS_TRY(check_activation(q->act_min, q->act_max, err));
    return rs_check_range("Q-format shift", q->shift, 0, 47, err);
}
