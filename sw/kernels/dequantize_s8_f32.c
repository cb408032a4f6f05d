/* dequantize_s8_f32.c - codes to real numbers.  The 9-bit difference times a float rounds once. */
#include "check.h"

rs_status rs_dequantize_s8_f32(size_t count, const int8_t *in, float scale, int32_t zp, float *out,
                               struct rs_error *err)
{
    if (in == NULL || out == NULL || count < 1)
        return rs_fail(err, RS_ERR_ARG, "dequantize: null tensor or no codes");
    RS_TRY(rs_check_scale("dequantize: scale", scale, err));
    RS_TRY(rs_check_code("dequantize: zp", zp, err));

    for (size_t i = 0; i < count; i++)
        out[i] = scale * (float)(in[i] - zp);
    return RS_OK;
}
