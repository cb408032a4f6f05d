/*
 * binary_s8_onnx.c - sums and products of codes as ONNX Runtime rounds them.
 *
 * It computes in float, on an x86-64 with fused multiply and add, in an order that was found by comparing all pairs of
 * codes at random scales: tests/e2e/onnx_runtime.py repeats that.
 */
#include <math.h>
#include "broadcast.h"
#include "check.h"
#include "kernels_onnx.h"

static int8_t code_of(float x, const struct rs_onnx_binary *q)
{
    const float code = rintf(x) - (float)q->offset;

    return (int8_t)(code <= (float)q->act_min ? q->act_min : code >= (float)q->act_max ? q->act_max : (int32_t)code);
}

rs_status rs_binary_s8_onnx(bool product, const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                            const struct rs_onnx_binary *q, const struct rs_dims *d_out, int8_t *out, struct rs_error *err)
{
    struct broadcast b;

    if (in1 == NULL || in2 == NULL || q == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "sum or product of codes: null argument");
    RS_TRY(rs_broadcast_init(d1, d2, d_out, &b, err));
    const float zp1 = (float)(q->zp1 + q->offset), zp2 = (float)(q->zp2 + q->offset), zp_out = (float)(q->zp_out + q->offset);
    const float fixed = zp_out - fmaf(q->ratio1, zp1, q->ratio2 * zp2);
    const int64_t step1 = b.step1[RS_MAX_RANK - 1], step2 = b.step2[RS_MAX_RANK - 1];

    for (int64_t row = 0; row < rs_broadcast_rows(&b); row++) {
        int64_t at1, at2;

        rs_broadcast_row(&b, row, &at1, &at2);
        for (int32_t i = 0; i < BROADCAST_ROW_CODES(&b); i++) {
            const float x = (float)(in1[at1 + i * step1] + q->offset), y = (float)(in2[at2 + i * step2] + q->offset);

            *out++ = code_of(product ? (x - zp1) * (y - zp2) * q->ratio1 + zp_out
                                     : fmaf(x, q->ratio1, fmaf(y, q->ratio2, fixed)), q);
        }
    }
    return RS_OK;
}
