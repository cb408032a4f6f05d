/* quant_check.c - every bound of an output stage, checked once, so that the inner loops can trust it. */
#include "check.h"
#include <math.h>

rs_status rs_quant_check(const struct rs_quant *q, int32_t channels, struct rs_error *err)
{
    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "null quantization");
    RS_TRY(rs_check_code("zp_in", q->zp_in, err));
    RS_TRY(rs_check_code("zp_out", q->zp_out, err));
    RS_TRY(rs_check_activation(q->act_min, q->act_max, err));
    if (q->count != 1 && q->count != channels)
        return rs_fail(err, RS_ERR_SHAPE, "%d multipliers for %d output channels; must be as many or 1",
                       (int)q->count, (int)channels);

    switch (q->rounding) {
    case RS_ROUND_DOUBLE:
    case RS_ROUND_SINGLE:
        if (q->mult == NULL || q->shift == NULL)
            return rs_fail(err, RS_ERR_ARG, "null multiplier or shift table");
        for (int32_t i = 0; i < q->count; i++)
            RS_TRY(rs_check_multiplier("output stage", q->mult[i], q->shift[i], err));
        return RS_OK;
    case RS_ROUND_ONNX:
        if (q->scale == NULL)
            return rs_fail(err, RS_ERR_ARG, "null scale table");
        for (int32_t i = 0; i < q->count; i++)
            if (!(q->scale[i] >= 0.0f && isfinite(q->scale[i])))
                return rs_fail(err, RS_ERR_RANGE, "scale %g of channel %d is not finite and >= 0",
                               (double)q->scale[i], (int)i);
        return RS_OK;
    }
    return rs_fail(err, RS_ERR_ARG, "unknown rounding %d", (int)q->rounding);
}
