/* requantize_s8.c - codes from one scale and zero point to another, with clamping; TFLite's QUANTIZE and RELU. */
#include "check.h"

rs_status rs_requantize_s8(size_t count, const int8_t *in, const struct rs_quant *q, int8_t *out,
                           struct rs_error *err)
{
    int8_t table[256];

    if (in == NULL || out == NULL || count < 1)
        return rs_fail(err, RS_ERR_ARG, "requantize: null tensor or no codes");
    RS_TRY(rs_quant_check(q, 1, err));

    for (int32_t code = INT8_MIN; code <= INT8_MAX; code++)
        table[code + 128] = rs_requantize_s32_s8(code - q->zp_in, q, 0);
    for (size_t i = 0; i < count; i++)
        out[i] = table[in[i] + 128];
    return RS_OK;
}
