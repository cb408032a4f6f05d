/* pool_f32.c - float average and max pools: what lies outside the ifmap does not count. */
#include <math.h>
#include "check.h"
#include "f32.h"
#include "kernels_f32.h"

static rs_status pool(const struct rs_conv_shape *sh, bool average, const float *ifmap, float low, float high, float *ofmap,
                      struct rs_error *err)
{
    RS_TRY(rs_check_pool_shape(sh, err));
    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "pool: null ifmap or ofmap");
    for (int64_t o = 0; o < (int64_t)sh->n * sh->e * sh->f; o++, ofmap += sh->c) {
        const int64_t top = o / sh->f % sh->e * sh->stride_h - sh->pad_top, left = o % sh->f * sh->stride_w - sh->pad_left;
        const float *image = ifmap + o / sh->f / sh->e * sh->h * sh->w * sh->c;
        int taps = 0;

        for (int64_t c = 0; c < sh->c; c++)
            ofmap[c] = average ? 0 : -INFINITY;
        for (int64_t y = top < 0 ? 0 : top; y < top + sh->r && y < sh->h; y++)
            for (int64_t x = left < 0 ? 0 : left; x < left + sh->s && x < sh->w; x++, taps++) {
                const float *in = image + (y * sh->w + x) * sh->c;

                for (int64_t c = 0; c < sh->c; c++)
                    ofmap[c] = average ? ofmap[c] + in[c] : in[c] > ofmap[c] || in[c] != in[c] ? in[c] : ofmap[c];
            }
        for (int64_t c = 0; c < sh->c; c++)
            ofmap[c] = clamp_f32(average ? ofmap[c] / (float)taps : ofmap[c], low, high);
    }
    return RS_OK;
}

rs_status rs_average_pool_f32(const struct rs_conv_shape *sh, const float *ifmap, float low, float high, float *ofmap,
                              struct rs_error *err)
{
    return pool(sh, true, ifmap, low, high, ofmap, err);
}

rs_status rs_max_pool_f32(const struct rs_conv_shape *sh, const float *ifmap, float low, float high, float *ofmap,
                          struct rs_error *err)
{
    return pool(sh, false, ifmap, low, high, ofmap, err);
}
