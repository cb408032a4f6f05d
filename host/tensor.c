/* tensor.c - numbers in and out of codes: the kernels' own functions under the public names. */
#include "kernels.h"

rs_status rs_quantize(size_t count, const float *real, float scale, int32_t zero_point, int8_t *codes, struct rs_error *err)
{
    return rs_quantize_f32_s8(count, real, scale, zero_point, RS_ROUND_DOUBLE, codes, err);
}

rs_status rs_dequantize(size_t count, const int8_t *codes, float scale, int32_t zero_point, float *real,
                        struct rs_error *err)
{
    return rs_dequantize_s8_f32(count, codes, scale, zero_point, real, err);
}

rs_status rs_requant_from_real(double real, int32_t *mult, int32_t *shift, struct rs_error *err)
{
    int s = 0;
    rs_status status;

    if (mult == NULL || shift == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_requant_from_real: null pointer");
    status = rs_quantize_multiplier(real, mult, &s, err);
    if (status == RS_OK)
        *shift = s;
    return status;
}
