/*
 * conv2d_s16.c - convolution, depthwise, GEMM and FC of int16 activations by the instruction set in force; layer_s16.h says
 * how.  Without vectors (ref, portable) the plain loops.
 */
#include "check.h"
#include "layer_s16.h"
#include <stdlib.h>
#include <string.h>

static const struct s16_isa *isa_of(enum rs_isa isa)
{
    switch (isa) {
#if defined(__x86_64__)
    case RS_ISA_AVX2:       return &rs_s16_isa_avx2;
    case RS_ISA_AVX512VNNI: return &rs_s16_isa_avx512vnni;
#elif defined(__aarch64__)
    case RS_ISA_NEON:       return &rs_s16_isa_neon;
#endif
    default:                return NULL;
    }
}

static int16_t stage(const struct layer_s16 *l, int64_t acc, int64_t m)
{
    acc += l->bias == NULL ? 0 : l->bias[m];
    return l->wide ? rs_shift_s64_s16(acc, l->stage16) : rs_requantize_s64_s16(acc, l->stage8, (size_t)m);
}

/* ------------------------------------------------------------ products of rows */

/* A layer laid out for products: filters of whole vectors, and an image with its padding. */
struct rows_s16 {
    int64_t runs, run_codes, run_steps, filter_codes, rows, columns;
    int64_t *run_offset;
    int16_t *filters, *image;          /* image NULL: the ifmap itself will do */
    void *memory;
};

/* 64-byte aligned parts of one allocation; what lies past the last pixel may be read up to a whole vector. */
static rs_status lay_out(const struct layer_s16 *l, const struct s16_isa *k, struct rows_s16 *r, struct rs_error *err)
{
    const struct rs_conv_shape *sh = l->sh;
    const int64_t panels = (sh->m + S16_FILTERS - 1) / S16_FILTERS;

    *r = (struct rows_s16){ .runs = sh->dilation_w == 1 ? sh->r : (int64_t)sh->r * sh->s,
                            .run_codes = sh->dilation_w == 1 ? (int64_t)sh->s * sh->c : sh->c };
    r->run_steps = (r->run_codes + k->lanes - 1) / k->lanes;
    r->filter_codes = r->runs * r->run_steps * k->lanes;
    r->rows = ((int64_t)sh->e - 1) * sh->stride_h + ((int64_t)sh->r - 1) * sh->dilation_h + 1;
    r->columns = ((int64_t)sh->f - 1) * sh->stride_w + ((int64_t)sh->s - 1) * sh->dilation_w + 1;

    const bool copied = sh->pad_top != 0 || sh->pad_left != 0 || r->rows > sh->h || r->columns != sh->w || r->run_codes % k->lanes != 0;
    const size_t offset_bytes = (size_t)(r->runs + 7) / 8 * 64;
    const size_t filter_bytes = (size_t)(panels * S16_FILTERS * r->filter_codes * 2 + 63) / 64 * 64;
    const size_t image_bytes = copied ? (size_t)((r->rows * r->columns * sh->c + S16_MOST_LANES) * 2 + 63) / 64 * 64 : 0;
    char *at = aligned_alloc(64, offset_bytes + filter_bytes + image_bytes);

    if (at == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %zu bytes of a layer of 16 bits", offset_bytes + filter_bytes + image_bytes);
    memset(at, 0, offset_bytes + filter_bytes + image_bytes);
    r->memory = at;
    r->run_offset = (void *)at;
    r->filters = (void *)(at + offset_bytes);
    r->image = copied ? (void *)(at + offset_bytes + filter_bytes) : NULL;
    for (int64_t run = 0; run < r->runs; run++)
        r->run_offset[run] = sh->dilation_w == 1 ? run * sh->dilation_h * r->columns * sh->c
                                                 : (run / sh->s * sh->dilation_h * r->columns + run % sh->s * sh->dilation_w) * sh->c;
    for (int64_t m = 0; m < sh->m; m++)
        for (int64_t run = 0; run < r->runs; run++) {
            int16_t *to = r->filters + m * r->filter_codes + run * r->run_steps * k->lanes;
            const int64_t from = m * l->step_m + run * r->run_codes * l->step_k;

            if (l->wide && l->step_k == 1)
                memcpy(to, (const int16_t *)l->filter + from, (size_t)r->run_codes * sizeof *to);
            else if (l->step_k == 1)
                for (int64_t i = 0; i < r->run_codes; i++)
                    to[i] = ((const int8_t *)l->filter)[from + i];
            else
                for (int64_t i = 0; i < r->run_codes; i++)
                    to[i] = (int16_t)rs_filter_code(l->filter, l->wide, from + i * l->step_k);
        }
    return RS_OK;
}

/* The part of an image that windows touch; padding stays 0. */
static void copy_image(const struct rs_conv_shape *sh, const struct rows_s16 *r, const int16_t *image)
{
    const int64_t before = sh->pad_left < r->columns ? sh->pad_left : r->columns;
    const int64_t inside = r->columns - before < sh->w ? r->columns - before : sh->w;

    for (int64_t i = 0; i < r->rows; i++) {
        const int64_t y = i - sh->pad_top;

        if (y >= 0 && y < sh->h)
            memcpy(r->image + (i * r->columns + before) * sh->c, image + y * sh->w * sh->c, (size_t)(inside * sh->c) * sizeof *image);
    }
}

static void run_rows(const struct layer_s16 *l, const struct s16_isa *k, const struct rows_s16 *r)
{
    const struct rs_conv_shape *sh = l->sh;
    const int most = l->wide ? k->pixels / 2 : k->pixels;
    int64_t sum[S16_MOST_PIXELS * S16_FILTERS];

    for (int64_t n = 0; n < sh->n; n++) {
        const int16_t *image = l->ifmap + n * sh->h * sh->w * sh->c;

        if (r->image != NULL)
            copy_image(sh, r, image);
        for (int64_t e = 0; e < sh->e; e++)
            for (int64_t f = 0, pixels; f < sh->f; f += pixels) {
                struct s16_products p = {
                    .a = (r->image != NULL ? r->image : image) + (e * sh->stride_h * r->columns + f * sh->stride_w) * sh->c,
                    .step = (int64_t)sh->stride_w * sh->c, .filter_codes = r->filter_codes, .run_offset = r->run_offset,
                    .runs = r->runs, .run_steps = r->run_steps,
                };
                int16_t *out = l->ofmap + ((n * sh->e + e) * sh->f + f) * sh->m;

                pixels = sh->f - f >= most ? most : 1;
                for (int64_t m = 0; m < sh->m; m += S16_FILTERS) {
                    p.w = r->filters + m * r->filter_codes;
                    k->products((int)pixels, l->wide, &p, sum);
                    for (int64_t i = 0; i < pixels; i++)
                        for (int64_t j = 0; j < S16_FILTERS && m + j < sh->m; j++)
                            out[i * sh->m + m + j] = stage(l, sum[i * S16_FILTERS + j], m + j);
                }
            }
    }
}

/* ------------------------------------------------------------------- depthwise */

/* The taps of ofmap pixel (n, e, f) that lie inside the ifmap. */
static int64_t taps_of(const struct layer_s16 *l, int64_t n, int64_t e, int64_t f, const int16_t **x, const void **w)
{
    const struct rs_conv_shape *sh = l->sh;
    int64_t taps = 0;

    for (int64_t r = 0; r < sh->r; r++)
        for (int64_t s = 0; s < sh->s; s++) {
            const int64_t y = e * sh->stride_h + r * sh->dilation_h - sh->pad_top;
            const int64_t at = f * sh->stride_w + s * sh->dilation_w - sh->pad_left;

            if (y < 0 || y >= sh->h || at < 0 || at >= sh->w)
                continue;
            x[taps] = l->ifmap + ((n * sh->h + y) * sh->w + at) * sh->c;
            w[taps++] = (const char *)l->filter + (r * sh->s + s) * sh->m * (l->wide ? 2 : 1);
        }
    return taps;
}

static void run_depthwise(const struct layer_s16 *l, const struct s16_isa *k)
{
    const struct rs_conv_shape *sh = l->sh;
    const int64_t lanes = k->lanes / 2;
    const int16_t *x[S16_STEPS];
    const void *w[S16_STEPS];
    int64_t sum[S16_MOST_LANES];
    int16_t *out = l->ofmap;

    for (int64_t n = 0; n < sh->n; n++)
        for (int64_t e = 0; e < sh->e; e++)
            for (int64_t f = 0; f < sh->f; f++, out += sh->m) {
                const struct s16_taps taps = { taps_of(l, n, e, f, x, w), x, w };
                int64_t c = 0;

                for (; c + lanes <= sh->c; c += lanes) {
                    k->depthwise(l->wide, &taps, c, sum);
                    for (int64_t i = 0; i < lanes; i++)
                        out[c + i] = stage(l, sum[i], c + i);
                }
                for (; c < sh->c; c++) {
                    int64_t acc = 0;

                    for (int64_t t = 0; t < taps.taps; t++)
                        acc += (int64_t)x[t][c] * rs_filter_code(w[t], l->wide, c);
                    out[c] = stage(l, acc, c);
                }
            }
}

/* ------------------------------------------------------------------ public names */

/* @l is checked. */
static rs_status run(const struct layer_s16 *l, const struct s16_isa *k, struct rs_error *err)
{
    struct rows_s16 r;

    if (l->depthwise) {
        run_depthwise(l, k);
        return RS_OK;
    }
    RS_TRY(lay_out(l, k, &r, err));
    run_rows(l, k, &r);
    free(r.memory);
    return RS_OK;
}

/*
 * What goes by the plain loops: depthwise of several filters a channel, or too many taps for 32 bits; convolution where the
 * padded image is beyond all measure.  @l is not checked yet.
 */
static bool is_plain(const struct layer_s16 *l, const struct s16_isa *k)
{
    const struct rs_conv_shape *sh = l->sh;

    if (k == NULL || sh == NULL)
        return true;
    if (l->depthwise)
        return sh->m != sh->c || (int64_t)sh->r * sh->s > S16_STEPS;
    return ((double)sh->h + sh->pad_top + sh->pad_bottom) * ((double)sh->w + sh->pad_left + sh->pad_right) * sh->c > INT32_MAX;
}

rs_status rs_conv2d_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter, const int64_t *bias,
                        const struct rs_quant_s16 *q, int16_t *ofmap, struct rs_error *err)
{
    struct layer_s16 l = { .sh = sh, .ifmap = ifmap, .filter = filter, .step_k = 1, .bias = bias, .stage8 = q, .ofmap = ofmap };
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (is_plain(&l, isa_of(isa)))
        return rs_conv2d_s16_ref(sh, ifmap, filter, bias, q, ofmap, err);
    RS_TRY(rs_layer_s16_check(&l, "conv2d s16", err));
    l.step_m = (int64_t)sh->r * sh->s * sh->c;
    return run(&l, isa_of(isa), err);
}

rs_status rs_conv2d_s16s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter, const int64_t *bias,
                           const struct rs_quant_s16s16 *q, int16_t *ofmap, struct rs_error *err)
{
    struct layer_s16 l = { .sh = sh, .wide = true, .ifmap = ifmap, .filter = filter, .step_k = 1, .bias = bias, .stage16 = q,
                           .ofmap = ofmap };
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (is_plain(&l, isa_of(isa)))
        return rs_conv2d_s16s16_ref(sh, ifmap, filter, bias, q, ofmap, err);
    RS_TRY(rs_layer_s16_check(&l, "conv2d s16s16", err));
    l.step_m = (int64_t)sh->r * sh->s * sh->c;
    return run(&l, isa_of(isa), err);
}

rs_status rs_depthwise_conv2d_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter, const int64_t *bias,
                                  const struct rs_quant_s16 *q, int16_t *ofmap, struct rs_error *err)
{
    const struct layer_s16 l = { .sh = sh, .depthwise = true, .ifmap = ifmap, .filter = filter, .bias = bias, .stage8 = q, .ofmap = ofmap };
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (is_plain(&l, isa_of(isa)))
        return rs_depthwise_conv2d_s16_ref(sh, ifmap, filter, bias, q, ofmap, err);
    RS_TRY(rs_layer_s16_check(&l, "depthwise s16", err));
    return run(&l, isa_of(isa), err);
}

rs_status rs_depthwise_conv2d_s16s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter, const int64_t *bias,
                                     const struct rs_quant_s16s16 *q, int16_t *ofmap, struct rs_error *err)
{
    const struct layer_s16 l = { .sh = sh, .depthwise = true, .wide = true, .ifmap = ifmap, .filter = filter, .bias = bias, .stage16 = q,
                                 .ofmap = ofmap };
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (is_plain(&l, isa_of(isa)))
        return rs_depthwise_conv2d_s16s16_ref(sh, ifmap, filter, bias, q, ofmap, err);
    RS_TRY(rs_layer_s16_check(&l, "depthwise s16s16", err));
    return run(&l, isa_of(isa), err);
}

/* A matrix product is a 1x1 convolution of M pixels in a row; @l has all but its shape and steps. */
static rs_status run_gemm(const struct rs_gemm_shape *sh, struct layer_s16 *l, const struct s16_isa *k, struct rs_error *err)
{
    const struct rs_conv_shape conv = { .n = 1, .h = 1, .w = sh->m, .c = sh->k, .m = sh->n, .r = 1, .s = 1, .stride_h = 1,
                                        .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .e = 1, .f = sh->m };

    l->sh = &conv;
    l->step_m = sh->layout == RS_GEMM_B_NK ? sh->k : 1;
    l->step_k = sh->layout == RS_GEMM_B_NK ? 1 : sh->n;
    return run(l, k, err);
}

rs_status rs_gemm_s16(const struct rs_gemm_shape *sh, const int16_t *a, const int8_t *b, const int64_t *bias,
                      const struct rs_quant_s16 *q, int16_t *c, struct rs_error *err)
{
    struct layer_s16 l = { .ifmap = a, .filter = b, .bias = bias, .stage8 = q, .ofmap = c };
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (isa_of(isa) == NULL || sh == NULL)
        return rs_gemm_s16_ref(sh, a, b, bias, q, c, err);
    RS_TRY(rs_check_extent("gemm columns N", sh->n, err));
    RS_TRY(rs_quant_s16_check(q, sh->n, err));
    RS_TRY(rs_gemm_s16_check(sh, a, b, false, bias, c, "gemm s16", err));
    return run_gemm(sh, &l, isa_of(isa), err);
}

rs_status rs_gemm_s16s16(const struct rs_gemm_shape *sh, const int16_t *a, const int16_t *b, const int64_t *bias,
                         const struct rs_quant_s16s16 *q, int16_t *c, struct rs_error *err)
{
    struct layer_s16 l = { .wide = true, .ifmap = a, .filter = b, .bias = bias, .stage16 = q, .ofmap = c };
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (isa_of(isa) == NULL || sh == NULL)
        return rs_gemm_s16s16_ref(sh, a, b, bias, q, c, err);
    RS_TRY(rs_check_extent("gemm columns N", sh->n, err));
    RS_TRY(rs_quant_s16s16_check(q, err));
    RS_TRY(rs_gemm_s16_check(sh, a, b, true, bias, c, "gemm s16s16", err));
    return run_gemm(sh, &l, isa_of(isa), err);
}

rs_status rs_fully_connected_s16(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int8_t *filter, const int64_t *bias,
                                 const struct rs_quant_s16 *q, int16_t *ofmap, struct rs_error *err)
{
    const struct rs_gemm_shape sh = { .m = n, .n = m, .k = c, .layout = RS_GEMM_B_NK };

    return rs_gemm_s16(&sh, ifmap, filter, bias, q, ofmap, err);
}

rs_status rs_fully_connected_s16s16(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int16_t *filter, const int64_t *bias,
                                    const struct rs_quant_s16s16 *q, int16_t *ofmap, struct rs_error *err)
{
    const struct rs_gemm_shape sh = { .m = n, .n = m, .k = c, .layout = RS_GEMM_B_NK };

    return rs_gemm_s16s16(&sh, ifmap, filter, bias, q, ofmap, err);
}
