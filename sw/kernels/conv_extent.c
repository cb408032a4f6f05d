/*
 * conv_extent.c - output extent of a convolution, and SAME padding.
 *
 * Source: TensorFlow Lite kernels/padding.h, ComputeOutSize() and ComputePaddingWithOffset().
 */
#include "check.h"

int64_t rs_conv_out_extent(int32_t in, int32_t taps, int32_t stride, int32_t dilation,
                           int32_t pad_before, int32_t pad_after)
{
    const int64_t reach = ((int64_t)taps - 1) * dilation + 1;
    const int64_t room = (int64_t)in + pad_before + pad_after - reach;

    return room < 0 ? 0 : room / stride + 1;
}

rs_status rs_conv_same_padding(int32_t in, int32_t taps, int32_t stride, int32_t dilation,
                               int32_t *pad_before, int32_t *pad_after, struct rs_error *err)
{
    if (pad_before == NULL || pad_after == NULL)
        return rs_fail(err, RS_ERR_ARG, "same padding: null output");
    RS_TRY(rs_check_extent("same padding: input", in, err));
    RS_TRY(rs_check_extent("same padding: taps", taps, err));
    RS_TRY(rs_check_extent("same padding: stride", stride, err));
    RS_TRY(rs_check_extent("same padding: dilation", dilation, err));

    const int64_t out = ((int64_t)in + stride - 1) / stride;
    const int64_t total = (out - 1) * stride + ((int64_t)taps - 1) * dilation + 1 - in;

    if (total > INT32_MAX)
        return rs_fail(err, RS_ERR_SHAPE, "same padding: taps %d with dilation %d need more than 2^31 - 1 codes",
                       (int)taps, (int)dilation);
    *pad_before = total > 0 ? (int32_t)(total / 2) : 0;
    *pad_after = total > 0 ? (int32_t)(total - total / 2) : 0;
    return RS_OK;
}
