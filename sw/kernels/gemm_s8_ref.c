/* gemm_s8_ref.c - int8 matrix product, the plain loops, to int8 and to int32. */
#include "check.h"

static int32_t accumulate(const struct rs_gemm_shape *sh, const int8_t *a_row, const int8_t *b, int64_t j,
                          int32_t zp_a)
{
    int32_t acc = 0;

    for (int64_t k = 0; k < sh->k; k++) {
        const int8_t w = sh->layout == RS_GEMM_B_NK ? b[j * sh->k + k] : b[k * sh->n + j];

        acc += (a_row[k] - zp_a) * (w - sh->zp_b);
    }
    return acc;
}

rs_status rs_gemm_s8_s32_ref(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b,
                             const int32_t *bias, int32_t zp_a, int32_t *c, struct rs_error *err)
{
    RS_TRY(rs_gemm_s8_check(sh, b, bias, zp_a, err));
    if (a == NULL || c == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm: null a or c");

    for (int64_t i = 0; i < sh->m; i++)
        for (int64_t j = 0; j < sh->n; j++)
            c[i * sh->n + j] = (bias == NULL ? 0 : bias[j]) + accumulate(sh, a + i * sh->k, b, j, zp_a);
    return RS_OK;
}

rs_status rs_gemm_s8_ref(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                         const struct rs_quant *q, int8_t *c, struct rs_error *err)
{
    if (sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm: null shape");
    RS_TRY(rs_check_extent("gemm columns N", sh->n, err));
    RS_TRY(rs_quant_check(q, sh->n, err));
    RS_TRY(rs_gemm_s8_check(sh, b, bias, q->zp_in, err));
    if (a == NULL || c == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm: null a or c");

    for (int64_t i = 0; i < sh->m; i++)
        for (int64_t j = 0; j < sh->n; j++) {
            const int32_t acc = accumulate(sh, a + i * sh->k, b, j, q->zp_in);

            c[i * sh->n + j] = rs_requantize_s32_s8((bias == NULL ? 0 : bias[j]) + acc, q, (size_t)j);
        }
    return RS_OK;
}
