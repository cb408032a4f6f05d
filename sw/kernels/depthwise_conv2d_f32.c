/* depthwise_conv2d_f32.c - depthwise float convolution with a channel multiplier, the plain loops. */
#include "check.h"
#include "f32.h"
#include "kernels_f32.h"

rs_status rs_depthwise_conv2d_f32(const struct rs_conv_shape *sh, const float *ifmap, const float *filter, const float *bias,
                                  float low, float high, float *ofmap, struct rs_error *err)
{
    RS_TRY(rs_check_conv_shape(sh, err));
    if (ifmap == NULL || filter == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "depthwise conv2d: null ifmap, filter or ofmap");
    if (sh->m % sh->c != 0)
        return rs_fail(err, RS_ERR_SHAPE, "depthwise conv2d: M=%d is no multiple of C=%d", (int)sh->m, (int)sh->c);
    const int64_t multiplier = sh->m / sh->c, image = (int64_t)sh->h * sh->w * sh->c;

    for (int64_t o = 0; o < (int64_t)sh->n * sh->e * sh->f; o++, ofmap += sh->m) {
        const int64_t f = o % sh->f, e = o / sh->f % sh->e;
        const float *from = ifmap + o / sh->f / sh->e * image;

        for (int64_t m = 0; m < sh->m; m++)
            ofmap[m] = bias != NULL ? bias[m] : 0;
        for (int64_t r = 0; r < sh->r; r++)
            for (int64_t s = 0; s < sh->s; s++) {
                const int64_t y = e * sh->stride_h + r * sh->dilation_h - sh->pad_top;
                const int64_t x = f * sh->stride_w + s * sh->dilation_w - sh->pad_left;
                const float *in = from + (y * sh->w + x) * sh->c, *w = filter + (r * sh->s + s) * sh->m;

                if (y < 0 || y >= sh->h || x < 0 || x >= sh->w)
                    continue;
                if (multiplier == 1)
                    for (int64_t m = 0; m < sh->m; m++)
                        ofmap[m] += w[m] * in[m];
                else
                    for (int64_t m = 0; m < sh->m; m++)
                        ofmap[m] += w[m] * in[m / multiplier];
            }
        for (int64_t m = 0; m < sh->m; m++)
            ofmap[m] = clamp_f32(ofmap[m], low, high);
    }
    return RS_OK;
}
