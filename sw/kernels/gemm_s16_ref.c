/*
 * gemm_s16_ref.c - matrix products of int16 activations, the plain loops, by int8 matrices (TensorFlow Lite's 16x8)
 * and int16 matrices (Q formats); a fully connected layer is one with a transposed filter.
 */
#include "check.h"
#include "layer_s16.h"

rs_status rs_gemm_s16_check(const struct rs_gemm_shape *sh, const int16_t *a, const void *b, bool wide, const int64_t *bias,
                            const int16_t *c, const char *what, struct rs_error *err)
{
    int64_t size;

    RS_TRY(rs_check_extent("gemm rows M", sh->m, err));
    RS_TRY(rs_check_extent("gemm depth K", sh->k, err));
    if (sh->layout != RS_GEMM_B_NK && sh->layout != RS_GEMM_B_KN)
        return rs_fail(err, RS_ERR_ARG, "%s: unknown layout %d of b", what, (int)sh->layout);
    RS_TRY(rs_check_range("gemm of 16 bits: zp_b", sh->zp_b, 0, 0, err));
    RS_TRY(rs_check_product("gemm: a", sh->m, sh->k, &size, err));
    RS_TRY(rs_check_product("gemm: b", sh->n, sh->k, &size, err));
    RS_TRY(rs_check_product("gemm: c", sh->m, sh->n, &size, err));
    if (a == NULL || b == NULL || c == NULL)
        return rs_fail(err, RS_ERR_ARG, "%s: null a, b or c", what);
    return rs_check_accumulators_s16(what, sh->n, sh->k, b, wide, sh->layout == RS_GEMM_B_NK ? sh->k : 1,
                                     sh->layout == RS_GEMM_B_NK ? 1 : sh->n, bias, err);
}

static int64_t accumulate(const struct rs_gemm_shape *sh, const int16_t *a_row, const void *b, bool wide,
                          const int64_t *bias, int64_t j)
{
    int64_t acc = bias == NULL ? 0 : bias[j];

    for (int64_t k = 0; k < sh->k; k++)
        acc += (int64_t)a_row[k] *
               rs_filter_code(b, wide, sh->layout == RS_GEMM_B_NK ? j * sh->k + k : k * sh->n + j);
    return acc;
}

rs_status rs_gemm_s16_ref(const struct rs_gemm_shape *sh, const int16_t *a, const int8_t *b, const int64_t *bias,
                          const struct rs_quant_s16 *q, int16_t *c, struct rs_error *err)
{
    if (sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm s16: null shape");
    RS_TRY(rs_check_extent("gemm columns N", sh->n, err));
    RS_TRY(rs_quant_s16_check(q, sh->n, err));
    RS_TRY(rs_gemm_s16_check(sh, a, b, false, bias, c, "gemm s16", err));

    for (int64_t i = 0; i < sh->m; i++)
        for (int64_t j = 0; j < sh->n; j++)
            c[i * sh->n + j] = rs_requantize_s64_s16(accumulate(sh, a + i * sh->k, b, false, bias, j), q, (size_t)j);
    return RS_OK;
}

rs_status rs_gemm_s16s16_ref(const struct rs_gemm_shape *sh, const int16_t *a, const int16_t *b, const int64_t *bias,
                             const struct rs_quant_s16s16 *q, int16_t *c, struct rs_error *err)
{
    if (sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm s16s16: null shape");
    RS_TRY(rs_check_extent("gemm columns N", sh->n, err));
    RS_TRY(rs_quant_s16s16_check(q, err));
    RS_TRY(rs_gemm_s16_check(sh, a, b, true, bias, c, "gemm s16s16", err));

    for (int64_t i = 0; i < sh->m; i++)
        for (int64_t j = 0; j < sh->n; j++)
            c[i * sh->n + j] = rs_shift_s64_s16(accumulate(sh, a + i * sh->k, b, true, bias, j), q);
    return RS_OK;
}

rs_status rs_fully_connected_s16_ref(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int8_t *filter,
                                     const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap,
                                     struct rs_error *err)
{
    const struct rs_gemm_shape sh = { .m = n, .n = m, .k = c, .layout = RS_GEMM_B_NK, .zp_b = 0 };

    return rs_gemm_s16_ref(&sh, ifmap, filter, bias, q, ofmap, err);
}

rs_status rs_fully_connected_s16s16_ref(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int16_t *filter,
                                        const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                                        struct rs_error *err)
{
    const struct rs_gemm_shape sh = { .m = n, .n = m, .k = c, .layout = RS_GEMM_B_NK, .zp_b = 0 };

    return rs_gemm_s16s16_ref(&sh, ifmap, filter, bias, q, ofmap, err);
}
