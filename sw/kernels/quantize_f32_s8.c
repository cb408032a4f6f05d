/*
 * quantize_f32_s8.c - real numbers to codes.
 *
 * Source: TensorFlow Lite reference_ops::AffineQuantize; ONNX QuantizeLinear (half to even).
 */
#include "check.h"
#include <math.h>

rs_status rs_quantize_f32_s8(size_t count, const float *in, float scale, int32_t zp, enum rs_rounding rounding,
                             int8_t *out, struct rs_error *err)
{
    if (in == NULL || out == NULL || count < 1)
        return rs_fail(err, RS_ERR_ARG, "quantize: null tensor or no codes");
    if (rounding != RS_ROUND_DOUBLE && rounding != RS_ROUND_SINGLE && rounding != RS_ROUND_ONNX)
        return rs_fail(err, RS_ERR_ARG, "quantize: unknown rounding %d", (int)rounding);
    RS_TRY(rs_check_scale("quantize: scale", scale, err));
    RS_TRY(rs_check_code("quantize: zp", zp, err));
    for (size_t i = 0; i < count; i++)
        if (isnan(in[i]))
            return rs_fail(err, RS_ERR_RANGE, "quantize: element %zu is not a number", i);

    for (size_t i = 0; i < count; i++) {
        const float steps = in[i] / scale;
        const float rounded = rounding == RS_ROUND_ONNX ? rintf(steps) : roundf(steps);

        /* Clamp before the conversion: int32 holds 256 codes around zp, not every float. */
        out[i] = (int8_t)(zp + (int32_t)fminf(fmaxf(rounded, (float)(INT8_MIN - zp)), (float)(INT8_MAX - zp)));
    }
    return RS_OK;
}
