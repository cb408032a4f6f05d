/* kernels_onnx.h - kernels whose bits are ONNX Runtime's, for graphs with RS_ROUND_ONNX. */
#ifndef RS_KERNELS_ONNX_H
#define RS_KERNELS_ONNX_H
#include "kernels.h"

struct rs_onnx_binary {
    int32_t zp1, zp2, zp_out;          /* [-128, 127]                                             */
    int32_t act_min, act_max;          /* [-128, 127], act_min <= act_max                         */
    int32_t offset;                    /* 0, or 128: the file's codes and zero points are uint8, 128 more; shows in float */
    float   ratio1, ratio2;            /* sum: s1 / s_out, s2 / s_out; product: (s1 * s2) / s_out in ratio1 */
};

/**
 * rs_binary_s8_onnx() - ONNX Runtime's QLinearAdd (@product false) and QLinearMul.
 *
 *   sum:     x * ratio1 + (y * ratio2 + (zp_out - (ratio1 * zp1 + ratio2 * zp2))), each + with the * before it rounded once
 *   product: (x - zp1) * (y - zp2) * ratio1 + zp_out, every operation rounded to float
 *   out = clamp(round_half_even(that), act_min, act_max)
 *
 * Extents and overlap as rs_add_s8().
 */
RS_MUST_CHECK
rs_status rs_binary_s8_onnx(bool product, const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                            const struct rs_onnx_binary *q, const struct rs_dims *d_out, int8_t *out, struct rs_error *err);
#endif
