/*
 * activation_range.c - the codes that a fused activation clamps to.
 *
 * Source: TensorFlow Lite kernels/kernel_util.cc, CalculateActivationRangeQuantized(): the bound divided by the
 * scale in float, rounded half away from zero.
 */
#include "check.h"
#include "fixedpoint.h"
#include <math.h>

/* The code of @real, kept within [-1000, 1000] so that a tiny scale cannot overflow the conversion. */
static int32_t code_of(float real, float scale, int32_t zp)
{
    const float steps = roundf(real / scale);

    return zp + (int32_t)fminf(fmaxf(steps, -1000.0f), 1000.0f);
}

rs_status rs_activation_range(enum rs_activation act, float scale, int32_t zp,
                              int32_t *act_min, int32_t *act_max, struct rs_error *err)
{
    int32_t lo = INT8_MIN, hi = INT8_MAX;

    if (act_min == NULL || act_max == NULL)
        return rs_fail(err, RS_ERR_ARG, "activation range: null output");
    if (act != RS_ACT_NONE && act != RS_ACT_RELU && act != RS_ACT_RELU6 && act != RS_ACT_RELU_N1_TO_1)
        return rs_fail(err, RS_ERR_ARG, "activation range: unknown activation %d", (int)act);
    RS_TRY(rs_check_scale("activation range: scale", scale, err));
    RS_TRY(rs_check_code("activation range: zero point", zp, err));

    if (act == RS_ACT_RELU || act == RS_ACT_RELU6)
        lo = fx_max(lo, code_of(0.0f, scale, zp));
    if (act == RS_ACT_RELU6)
        hi = fx_min(hi, code_of(6.0f, scale, zp));
    if (act == RS_ACT_RELU_N1_TO_1) {
        lo = fx_max(lo, code_of(-1.0f, scale, zp));
        hi = fx_min(hi, code_of(1.0f, scale, zp));
    }
    *act_min = lo;
    *act_max = hi;
    return RS_OK;
}
