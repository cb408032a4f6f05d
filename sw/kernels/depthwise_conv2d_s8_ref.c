/*
 * depthwise_conv2d_s8_ref.c - depthwise int8 convolution, the plain loops.
 *
 * Source: TensorFlow Lite reference_integer_ops::DepthwiseConvPerChannel.
 */
#include "check.h"

static int32_t accumulate(const struct rs_conv_shape *sh, const int8_t *image, const int8_t *filter,
                          int32_t zp_in, int64_t e, int64_t f, int64_t m)
{
    const int64_t c = m / (sh->m / sh->c);
    int32_t acc = 0;

    for (int64_t r = 0; r < sh->r; r++) {
        const int64_t y = e * sh->stride_h + r * sh->dilation_h - sh->pad_top;

        if (y < 0 || y >= sh->h)
            continue;
        for (int64_t s = 0; s < sh->s; s++) {
            const int64_t x = f * sh->stride_w + s * sh->dilation_w - sh->pad_left;

            if (x >= 0 && x < sh->w)
                acc += filter[(r * sh->s + s) * sh->m + m] * (image[(y * sh->w + x) * sh->c + c] - zp_in);
        }
    }
    return acc;
}

rs_status rs_depthwise_conv2d_s8_ref(const struct rs_conv_shape *sh, const int8_t *ifmap, const int8_t *filter,
                                     const int32_t *bias, const struct rs_quant *q, int8_t *ofmap,
                                     struct rs_error *err)
{
    RS_TRY(rs_depthwise_conv2d_s8_check(sh, filter, bias, q, err));
    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "depthwise: null ifmap or ofmap");

    for (int64_t n = 0; n < sh->n; n++)
        for (int64_t e = 0; e < sh->e; e++)
            for (int64_t f = 0; f < sh->f; f++)
                for (int64_t m = 0; m < sh->m; m++) {
                    const int32_t acc = accumulate(sh, ifmap + n * sh->h * sh->w * sh->c, filter, q->zp_in,
                                                   e, f, m);

                    ofmap[((n * sh->e + e) * sh->f + f) * sh->m + m] =
                        rs_requantize_s32_s8((bias == NULL ? 0 : bias[m]) + acc, q, (size_t)m);
                }
    return RS_OK;
}
