/* check.c - guards shared by the kernels; see check.h. */
#include "check.h"
#include <inttypes.h>
#include <math.h>

rs_status rs_check_range(const char *what, int64_t value, int64_t lo, int64_t hi, struct rs_error *err)
{
    if (value < lo || value > hi)
        return rs_fail(err, RS_ERR_RANGE, "%s %" PRId64 " is not in [%" PRId64 ", %" PRId64 "]",
                       what, value, lo, hi);
    return RS_OK;
}

rs_status rs_check_extent(const char *what, int64_t value, struct rs_error *err)
{
    if (value < 1)
        return rs_fail(err, RS_ERR_ARG, "%s %" PRId64 " is less than 1", what, value);
    return RS_OK;
}

rs_status rs_check_code(const char *what, int32_t value, struct rs_error *err)
{
    return rs_check_range(what, value, INT8_MIN, INT8_MAX, err);
}

rs_status rs_check_activation(int32_t act_min, int32_t act_max, struct rs_error *err)
{
    RS_TRY(rs_check_code("act_min", act_min, err));
    RS_TRY(rs_check_code("act_max", act_max, err));
    if (act_min > act_max)
        return rs_fail(err, RS_ERR_RANGE, "act_min %d exceeds act_max %d", (int)act_min, (int)act_max);
    return RS_OK;
}

rs_status rs_check_scale(const char *what, float scale, struct rs_error *err)
{
    if (!(scale > 0.0f && isfinite(scale)))
        return rs_fail(err, RS_ERR_RANGE, "%s %g is not positive and finite", what, (double)scale);
    return RS_OK;
}

rs_status rs_check_multiplier(const char *what, int32_t mult, int32_t shift, struct rs_error *err)
{
    if (mult != 0 && mult < INT32_C(1) << 30)
        return rs_fail(err, RS_ERR_RANGE, "%s: multiplier %d is neither 0 nor in [2^30, 2^31)", what, (int)mult);
    if (shift < -31 || shift > 30)
        return rs_fail(err, RS_ERR_RANGE, "%s: shift %d is not in [-31, 30]", what, (int)shift);
    return RS_OK;
}

rs_status rs_check_product(const char *what, int64_t a, int64_t b, int64_t *product, struct rs_error *err)
{
    if (__builtin_mul_overflow(a, b, product) || *product > INT32_MAX)
        return rs_fail(err, RS_ERR_SHAPE, "%s: %" PRId64 " x %" PRId64 " exceeds 2^31 - 1 codes", what, a, b);
    return RS_OK;
}

static rs_status check_product4(const char *what, int32_t a, int32_t b, int32_t c, int32_t d,
                                struct rs_error *err)
{
    int64_t size;

    RS_TRY(rs_check_product(what, a, b, &size, err));
    RS_TRY(rs_check_product(what, size, c, &size, err));
    return rs_check_product(what, size, d, &size, err);
}

static rs_status check_out_extent(const char *what, int32_t given, int64_t right, struct rs_error *err)
{
    if (right < 1)
        return rs_fail(err, RS_ERR_SHAPE, "%s: the filter does not fit the padded ifmap", what);
    if (given != right)
        return rs_fail(err, RS_ERR_SHAPE, "%s is %d, must be %" PRId64, what, (int)given, right);
    return RS_OK;
}

rs_status rs_check_conv_shape(const struct rs_conv_shape *sh, struct rs_error *err)
{
    if (sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "null shape");

    const struct { const char *name; int32_t value; } extents[] = {
        { "batch N", sh->n }, { "ifmap height H", sh->h }, { "ifmap width W", sh->w },
        { "input channels C", sh->c }, { "filters M", sh->m }, { "filter height R", sh->r },
        { "filter width S", sh->s }, { "stride_h", sh->stride_h }, { "stride_w", sh->stride_w },
        { "dilation_h", sh->dilation_h }, { "dilation_w", sh->dilation_w },
    };
    const struct { const char *name; int32_t value; } pads[] = {
        { "pad_top", sh->pad_top }, { "pad_bottom", sh->pad_bottom },
        { "pad_left", sh->pad_left }, { "pad_right", sh->pad_right },
    };

    for (size_t i = 0; i < sizeof extents / sizeof extents[0]; i++)
        RS_TRY(rs_check_extent(extents[i].name, extents[i].value, err));
    for (size_t i = 0; i < sizeof pads / sizeof pads[0]; i++)
        if (pads[i].value < 0)
            return rs_fail(err, RS_ERR_ARG, "%s %d is negative", pads[i].name, (int)pads[i].value);

    RS_TRY(check_out_extent("ofmap height E", sh->e,
                            rs_conv_out_extent(sh->h, sh->r, sh->stride_h, sh->dilation_h,
                                               sh->pad_top, sh->pad_bottom), err));
    RS_TRY(check_out_extent("ofmap width F", sh->f,
                            rs_conv_out_extent(sh->w, sh->s, sh->stride_w, sh->dilation_w,
                                               sh->pad_left, sh->pad_right), err));
    RS_TRY(check_product4("ifmap", sh->n, sh->h, sh->w, sh->c, err));
    return check_product4("ofmap", sh->n, sh->e, sh->f, sh->m, err);
}

/* Some tap of every window is inside [0, in): true for the first and last window, thus for all between. */
static rs_status check_no_empty_window(const char *what, int32_t in, int32_t taps, int32_t stride, int32_t pad,
                                       int32_t out, struct rs_error *err)
{
    const int64_t last = (int64_t)(out - 1) * stride - pad;

    if (taps <= pad)
        return rs_fail(err, RS_ERR_SHAPE, "%s: padding %d leaves a window of %d empty", what, (int)pad, (int)taps);
    if (last >= in)
        return rs_fail(err, RS_ERR_SHAPE, "%s: the last window starts at %" PRId64 ", past the input of %d",
                       what, last, (int)in);
    return RS_OK;
}

rs_status rs_check_pool_shape(const struct rs_conv_shape *sh, struct rs_error *err)
{
    RS_TRY(rs_check_conv_shape(sh, err));
    if (sh->m != sh->c)
        return rs_fail(err, RS_ERR_SHAPE, "pooling: %d output channels, %d input channels",
                       (int)sh->m, (int)sh->c);
    if (sh->dilation_h != 1 || sh->dilation_w != 1)
        return rs_fail(err, RS_ERR_SHAPE, "pooling: dilation %d x %d, must be 1",
                       (int)sh->dilation_h, (int)sh->dilation_w);
    RS_TRY(check_no_empty_window("pool height", sh->h, sh->r, sh->stride_h, sh->pad_top, sh->e, err));
    return check_no_empty_window("pool width", sh->w, sh->s, sh->stride_w, sh->pad_left, sh->f, err);
}

rs_status rs_check_dims(const char *what, const struct rs_dims *d, int64_t *count, struct rs_error *err)
{
    int64_t size = 1;

    if (d == NULL)
        return rs_fail(err, RS_ERR_ARG, "%s: null extents", what);
    if (d->rank < 0 || d->rank > RS_MAX_RANK)
        return rs_fail(err, RS_ERR_ARG, "%s: rank %d is not in [0, %d]", what, (int)d->rank, RS_MAX_RANK);
    for (int i = 0; i < d->rank; i++) {
        RS_TRY(rs_check_extent(what, d->extent[i], err));
        RS_TRY(rs_check_product(what, size, d->extent[i], &size, err));
    }
    *count = size;
    return RS_OK;
}

rs_status rs_check_accumulators(const char *what, int64_t filters, int64_t taps, const int8_t *filter,
                                int64_t step_m, int64_t step_k, int32_t zp_filter, int32_t zp_in,
                                const int32_t *bias, struct rs_error *err)
{
    const int64_t reach = zp_in + 128 > 127 - zp_in ? zp_in + 128 : 127 - zp_in;
    const int64_t widest = zp_filter + 128 > 127 - zp_filter ? zp_filter + 128 : 127 - zp_filter;

    for (int64_t m = 0; m < filters; m++) {
        const int64_t b = bias == NULL ? 0 : bias[m] < 0 ? -(int64_t)bias[m] : bias[m];
        int64_t sum = 0;

        if (b + taps * widest * reach <= INT32_MAX)
            continue;
        for (int64_t k = 0; k < taps; k++) {
            const int64_t w = filter[m * step_m + k * step_k] - zp_filter;

            sum += w < 0 ? -w : w;
        }
        if (b + sum * reach > INT32_MAX)
            return rs_fail(err, RS_ERR_RANGE, "%s: the accumulator of output channel %" PRId64
                           " could reach %" PRId64 ", more than int32 holds", what, m, b + sum * reach);
    }
    return RS_OK;
}

rs_status rs_check_accumulators_s16(const char *what, int64_t filters, int64_t taps, const void *filter, bool wide,
                                    int64_t step_m, int64_t step_k, const int64_t *bias, struct rs_error *err)
{
    const int64_t limit = INT64_C(1) << 47, widest = wide ? 32768 : 128;

    for (int64_t m = 0; m < filters; m++) {
        int64_t sum = 0;

        if (bias != NULL && (bias[m] <= -limit || bias[m] >= limit))
            return rs_fail(err, RS_ERR_RANGE, "%s: bias %" PRId64 " of output channel %" PRId64
                           " is not within 2^47", what, bias[m], m);

        const int64_t b = bias == NULL ? 0 : bias[m] < 0 ? -bias[m] : bias[m];

        if (taps < limit / (widest * 32768) && b + taps * widest * 32768 < limit)
            continue;
        for (int64_t k = 0; k < taps; k++) {
            const int32_t w = rs_filter_code(filter, wide, m * step_m + k * step_k);

            sum += w < 0 ? -w : w;
        }
        if (b + sum * 32768 >= limit)
            return rs_fail(err, RS_ERR_RANGE, "%s: the accumulator of output channel %" PRId64
                           " could reach %" PRId64 ", 2^47 or more", what, m, b + sum * 32768);
    }
    return RS_OK;
}
