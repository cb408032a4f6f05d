/* conv2d_f32.c - 2-D float convolution: a matrix product over the patches of a few pixels at a time. */
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "f32.h"
#include "kernels_f32.h"

enum { PIXELS = 32 };                        /* of an ofmap row, gathered together */

/* patches[..][r][s][c] of the pixels [first, last) of ofmap row @e; taps outside the ifmap are 0. */
static void gather(const struct rs_conv_shape *sh, const float *image, int64_t e, int64_t first, int64_t last, float *patches)
{
    for (int64_t f = first; f < last; f++)
        for (int64_t r = 0; r < sh->r; r++)
            for (int64_t s = 0; s < sh->s; s++, patches += sh->c) {
                const int64_t y = e * sh->stride_h + r * sh->dilation_h - sh->pad_top;
                const int64_t x = f * sh->stride_w + s * sh->dilation_w - sh->pad_left;

                if (y < 0 || y >= sh->h || x < 0 || x >= sh->w)
                    memset(patches, 0, (size_t)sh->c * sizeof *patches);
                else
                    memcpy(patches, image + (y * sh->w + x) * sh->c, (size_t)sh->c * sizeof *patches);
            }
}

rs_status rs_conv2d_f32(const struct rs_conv_shape *sh, const float *ifmap, const float *filter, const float *bias,
                        float low, float high, float *ofmap, struct rs_error *err)
{
    RS_TRY(rs_check_conv_shape(sh, err));
    if (ifmap == NULL || filter == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "conv2d: null ifmap, filter or ofmap");
    const int64_t k = (int64_t)sh->r * sh->s * sh->c, image = (int64_t)sh->h * sh->w * sh->c;
    float *packed = rs_gemm_f32_pack(sh->m, k, filter, 1, k);
    float *patches = calloc((size_t)k, PIXELS * sizeof *patches);

    if (packed == NULL || patches == NULL) {
        free(packed);
        free(patches);
        return rs_fail(err, RS_ERR_NOMEM, "conv2d: no memory for %d filters of %lld taps", (int)sh->m, (long long)k);
    }
    for (int64_t n = 0; n < sh->n; n++)
        for (int64_t e = 0; e < sh->e; e++)
            for (int64_t f = 0; f < sh->f; f += PIXELS) {
                const int64_t last = f + PIXELS < sh->f ? f + PIXELS : sh->f;

                gather(sh, ifmap + n * image, e, f, last, patches);
                rs_gemm_f32_packed(last - f, sh->m, k, patches, packed, bias, low, high,
                                   ofmap + ((n * sh->e + e) * sh->f + f) * sh->m);
            }
    free(packed);
    free(patches);
    return RS_OK;
}
