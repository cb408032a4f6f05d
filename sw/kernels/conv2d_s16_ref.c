/*
 * conv2d_s16_ref.c - convolution and depthwise convolution of int16 activations, the plain loops, for int8 filters
 * (TensorFlow Lite's 16x8) and int16 filters (Q formats).
 *
 * Source: TensorFlow Lite reference_integer_ops::ConvPerChannel and DepthwiseConvPerChannel with int16 input.
 */
#include "check.h"
#include "layer_s16.h"

rs_status rs_layer_s16_check(const struct layer_s16 *l, const char *what, struct rs_error *err)
{
    const struct rs_conv_shape *sh = l->sh;
    int64_t taps, size;

    if (l->sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "%s: null shape", what);
    if (l->wide)
        RS_TRY(rs_quant_s16s16_check(l->stage16, err));
    else
        RS_TRY(rs_quant_s16_check(l->stage8, l->sh->m, err));
    RS_TRY(rs_check_conv_shape(sh, err));
    if (l->depthwise && sh->m % sh->c != 0)
        return rs_fail(err, RS_ERR_SHAPE, "%s: %d output channels are no multiple of %d input channels", what,
                       (int)sh->m, (int)sh->c);
    RS_TRY(rs_check_product("filter", sh->r, sh->s, &taps, err));
    RS_TRY(rs_check_product("filter", taps, l->depthwise ? 1 : sh->c, &taps, err));
    RS_TRY(rs_check_product("filter", taps, sh->m, &size, err));
    if (l->ifmap == NULL || l->filter == NULL || l->ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "%s: null ifmap, filter or ofmap", what);
    return rs_check_accumulators_s16(what, sh->m, taps, l->filter, l->wide, l->depthwise ? 1 : taps,
                                     l->depthwise ? sh->m : 1, l->bias, err);
}

static int64_t accumulate(const struct layer_s16 *l, int64_t n, int64_t e, int64_t f, int64_t m)
{
    const struct rs_conv_shape *sh = l->sh;
    const int64_t channel = l->depthwise ? m / (sh->m / sh->c) : 0, channels = l->depthwise ? 1 : sh->c;
    int64_t acc = l->bias == NULL ? 0 : l->bias[m];

    for (int64_t r = 0; r < sh->r; r++) {
        const int64_t y = e * sh->stride_h + r * sh->dilation_h - sh->pad_top;

        if (y < 0 || y >= sh->h)
            continue;
        for (int64_t s = 0; s < sh->s; s++) {
            const int64_t x = f * sh->stride_w + s * sh->dilation_w - sh->pad_left, tap = r * sh->s + s;

            if (x < 0 || x >= sh->w)
                continue;
            for (int64_t c = 0; c < channels; c++) {
                const int64_t i = l->depthwise ? tap * sh->m + m : (m * sh->r * sh->s + tap) * sh->c + c;

                acc += (int64_t)rs_filter_code(l->filter, l->wide, i) *
                       l->ifmap[((n * sh->h + y) * sh->w + x) * sh->c + channel + c];
            }
        }
    }
    return acc;
}

static void run(const struct layer_s16 *l)
{
    const struct rs_conv_shape *sh = l->sh;
    int16_t *out = l->ofmap;

    for (int64_t n = 0; n < sh->n; n++)
        for (int64_t e = 0; e < sh->e; e++)
            for (int64_t f = 0; f < sh->f; f++)
                for (int64_t m = 0; m < sh->m; m++) {
                    const int64_t acc = accumulate(l, n, e, f, m);

                    *out++ = l->wide ? rs_shift_s64_s16(acc, l->stage16)
                                     : rs_requantize_s64_s16(acc, l->stage8, (size_t)m);
                }
}

static rs_status run_s16(const struct layer_s16 *l, const char *what, struct rs_error *err)
{
    RS_TRY(rs_layer_s16_check(l, what, err));
    run(l);
    return RS_OK;
}

rs_status rs_conv2d_s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter,
                            const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap, struct rs_error *err)
{
    const struct layer_s16 l = { .sh = sh, .ifmap = ifmap, .filter = filter, .bias = bias, .stage8 = q, .ofmap = ofmap };

    return run_s16(&l, "conv2d s16", err);
}

rs_status rs_conv2d_s16s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter,
                               const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                               struct rs_error *err)
{
    const struct layer_s16 l = { .sh = sh, .wide = true, .ifmap = ifmap, .filter = filter, .bias = bias, .stage16 = q,
                             .ofmap = ofmap };

    return run_s16(&l, "conv2d s16s16", err);
}

rs_status rs_depthwise_conv2d_s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter,
                                      const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap,
                                      struct rs_error *err)
{
    const struct layer_s16 l = { .sh = sh, .depthwise = true, .ifmap = ifmap, .filter = filter, .bias = bias, .stage8 = q,
                             .ofmap = ofmap };

    return run_s16(&l, "depthwise s16", err);
}

rs_status rs_depthwise_conv2d_s16s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter,
                                         const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                                         struct rs_error *err)
{
    const struct layer_s16 l = { .sh = sh, .depthwise = true, .wide = true, .ifmap = ifmap, .filter = filter, .bias = bias,
                             .stage16 = q, .ofmap = ofmap };

    return run_s16(&l, "depthwise s16s16", err);
}
