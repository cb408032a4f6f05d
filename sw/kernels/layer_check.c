/* layer_check.c - the guards of convolution, depthwise and GEMM, shared by every version of each. */
#include "check.h"

rs_status rs_conv2d_s8_check(const struct rs_conv_shape *sh, const int8_t *filter, const int32_t *bias,
                             const struct rs_quant *q, struct rs_error *err)
{
    int64_t taps, size;

    RS_TRY(rs_check_conv_shape(sh, err));
    RS_TRY(rs_check_product("filter", sh->r, sh->s, &taps, err));
    RS_TRY(rs_check_product("filter", taps, sh->c, &taps, err));
    RS_TRY(rs_check_product("filter", taps, sh->m, &size, err));
    if (filter == NULL)
        return rs_fail(err, RS_ERR_ARG, "conv2d: null filter");
    RS_TRY(rs_quant_check(q, sh->m, err));
    return rs_check_accumulators("conv2d", sh->m, taps, filter, taps, 1, 0, q->zp_in, bias, err);
}

rs_status rs_depthwise_conv2d_s8_check(const struct rs_conv_shape *sh, const int8_t *filter,
                                       const int32_t *bias, const struct rs_quant *q, struct rs_error *err)
{
    int64_t taps, size;

    RS_TRY(rs_check_conv_shape(sh, err));
    if (sh->m % sh->c != 0)
        return rs_fail(err, RS_ERR_SHAPE, "depthwise: %d output channels are no multiple of %d input channels",
                       (int)sh->m, (int)sh->c);
    RS_TRY(rs_check_product("filter", sh->r, sh->s, &taps, err));
    RS_TRY(rs_check_product("filter", taps, sh->m, &size, err));
    if (filter == NULL)
        return rs_fail(err, RS_ERR_ARG, "depthwise: null filter");
    RS_TRY(rs_quant_check(q, sh->m, err));
    return rs_check_accumulators("depthwise", sh->m, taps, filter, 1, sh->m, 0, q->zp_in, bias, err);
}

rs_status rs_gemm_s8_check(const struct rs_gemm_shape *sh, const int8_t *b, const int32_t *bias, int32_t zp_a,
                           struct rs_error *err)
{
    int64_t size;

    if (sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm: null shape");
    RS_TRY(rs_check_extent("gemm rows M", sh->m, err));
    RS_TRY(rs_check_extent("gemm columns N", sh->n, err));
    RS_TRY(rs_check_extent("gemm depth K", sh->k, err));
    if (sh->layout != RS_GEMM_B_NK && sh->layout != RS_GEMM_B_KN)
        return rs_fail(err, RS_ERR_ARG, "gemm: unknown layout %d of b", (int)sh->layout);
    RS_TRY(rs_check_code("gemm: zp_b", sh->zp_b, err));
    RS_TRY(rs_check_code("gemm: zp_a", zp_a, err));
    RS_TRY(rs_check_product("gemm: a", sh->m, sh->k, &size, err));
    RS_TRY(rs_check_product("gemm: b", sh->n, sh->k, &size, err));
    RS_TRY(rs_check_product("gemm: c", sh->m, sh->n, &size, err));
    if (b == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm: null b");
    return rs_check_accumulators("gemm", sh->n, sh->k, b, sh->layout == RS_GEMM_B_NK ? sh->k : 1,
                                 sh->layout == RS_GEMM_B_NK ? 1 : sh->n, sh->zp_b, zp_a, bias, err);
}
