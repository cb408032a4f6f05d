/*
 * check.h - guards shared by the kernels.  Internal to sw/kernels/.
 *
 * Each returns RS_OK or an error with a message that names @what and the numbers; none has side effects.
 */
#ifndef RS_KERNELS_CHECK_H
#define RS_KERNELS_CHECK_H
#include "kernels.h"

/* Leave the function with the status of a guard that failed. */
#define RS_TRY(expression) do {                         \
        const rs_status try_status = (expression);      \
        if (try_status != RS_OK)                        \
            return try_status;                          \
    } while (0)

/* lo <= value <= hi, else RS_ERR_RANGE. */
RS_MUST_CHECK
rs_status rs_check_range(const char *what, int64_t value, int64_t lo, int64_t hi, struct rs_error *err);

/* value >= 1, else RS_ERR_ARG. */
RS_MUST_CHECK
rs_status rs_check_extent(const char *what, int64_t value, struct rs_error *err);

/* An int8 code or zero point. */
RS_MUST_CHECK
rs_status rs_check_code(const char *what, int32_t value, struct rs_error *err);

/* -128 <= act_min <= act_max <= 127. */
RS_MUST_CHECK
rs_status rs_check_activation(int32_t act_min, int32_t act_max, struct rs_error *err);

/* > 0 and finite. */
RS_MUST_CHECK
rs_status rs_check_scale(const char *what, float scale, struct rs_error *err);

/* mult 0 or [2^30, 2^31), shift [-31, 30]. */
RS_MUST_CHECK
rs_status rs_check_multiplier(const char *what, int32_t mult, int32_t shift, struct rs_error *err);

/* Product of two sizes, at most 2^31 - 1, else RS_ERR_SHAPE. */
RS_MUST_CHECK
rs_status rs_check_product(const char *what, int64_t a, int64_t b, int64_t *product, struct rs_error *err);

/* Every field of a convolution or pooling, its e and f, and the sizes of ifmap, filter and ofmap. */
RS_MUST_CHECK
rs_status rs_check_conv_shape(const struct rs_conv_shape *sh, struct rs_error *err);

/* The same, and what makes it a pooling: m == c, dilation 1, no empty window. */
RS_MUST_CHECK
rs_status rs_check_pool_shape(const struct rs_conv_shape *sh, struct rs_error *err);

/* rank and extents; *count: number of codes, at most 2^31 - 1. */
RS_MUST_CHECK
rs_status rs_check_dims(const char *what, const struct rs_dims *d, int64_t *count, struct rs_error *err);

/*
 * No accumulator of a layer can leave int32.
 *
 *   |bias[m]| + SUM over taps k of |filter[m*step_m + k*step_k] - zp_filter| * reach < 2^31, each m
 *
 * @reach: largest |activation - zp_in|, at most 255.
 * First tries |filter - zp| = its largest possible value, and reads the filter only if that does not fit.
 */
RS_MUST_CHECK
rs_status rs_check_accumulators(const char *what, int64_t filters, int64_t taps, const int8_t *filter,
                                int64_t step_m, int64_t step_k, int32_t zp_filter, int32_t zp_in,
                                const int32_t *bias, struct rs_error *err);

/*
 * No accumulator of a layer with int16 activations leaves 48 bits:
 *
 *   |bias[m]| + SUM over taps k of |filter[m*step_m + k*step_k]| * 2^15 < 2^47, each m
 *
 * @filter: int8_t, or int16_t if @wide.
 */
RS_MUST_CHECK
rs_status rs_check_accumulators_s16(const char *what, int64_t filters, int64_t taps, const void *filter, bool wide,
                                    int64_t step_m, int64_t step_k, const int64_t *bias, struct rs_error *err);

/* One filter code of a layer with int16 activations. */
static inline int32_t rs_filter_code(const void *filter, bool wide, int64_t i)
{
    return wide ? ((const int16_t *)filter)[i] : ((const int8_t *)filter)[i];
}

/* All that the contract of a layer says, but for its activation pointers (which a plan does not have yet). */
RS_MUST_CHECK
rs_status rs_conv2d_s8_check(const struct rs_conv_shape *sh, const int8_t *filter, const int32_t *bias,
                             const struct rs_quant *q, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s8_check(const struct rs_conv_shape *sh, const int8_t *filter,
                                       const int32_t *bias, const struct rs_quant *q, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s8_check(const struct rs_gemm_shape *sh, const int8_t *b, const int32_t *bias, int32_t zp_a,
                           struct rs_error *err);
#endif
