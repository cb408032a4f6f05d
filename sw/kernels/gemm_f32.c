/* gemm_f32.c - float matrix product in tiles of 4 rows by 8 columns. */
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "f32.h"
#include "kernels_f32.h"

enum { MR = 4, NR = GEMM_F32_NR };

typedef float vec __attribute__((vector_size(NR * sizeof(float))));

float *rs_gemm_f32_pack(int64_t n, int64_t k, const float *b, int64_t step_k, int64_t step_n)
{
    const int64_t panels = (n + NR - 1) / NR;
    float *packed = calloc((size_t)(panels * k), NR * sizeof *packed);

    if (packed == NULL)
        return NULL;
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < k; i++)
            packed[(j / NR * k + i) * NR + j % NR] = b[i * step_k + j * step_n];
    return packed;
}

/* One tile.  Rows that do not exist repeat row 0: the caller drops them. */
static void tile(int64_t k, const float *const a[MR], const float *b, float c[MR][NR])
{
    vec sum0 = {0}, sum1 = {0}, sum2 = {0}, sum3 = {0};

    for (int64_t i = 0; i < k; i++, b += NR) {
        vec v;

        memcpy(&v, b, sizeof v);
        sum0 += a[0][i] * v;
        sum1 += a[1][i] * v;
        sum2 += a[2][i] * v;
        sum3 += a[3][i] * v;
    }
    memcpy(c[0], &sum0, sizeof sum0);
    memcpy(c[1], &sum1, sizeof sum1);
    memcpy(c[2], &sum2, sizeof sum2);
    memcpy(c[3], &sum3, sizeof sum3);
}

void rs_gemm_f32_packed(int64_t m, int64_t n, int64_t k, const float *a, const float *packed, const float *bias,
                        float low, float high, float *c)
{
    for (int64_t i = 0; i < m; i += MR) {
        const float *rows[MR];

        for (int64_t r = 0; r < MR; r++)
            rows[r] = a + (i + r < m ? i + r : i) * k;
        for (int64_t j = 0; j < n; j += NR) {
            float sum[MR][NR];

            tile(k, rows, packed + j * k, sum);
            for (int64_t r = 0; r < MR && i + r < m; r++)
                for (int64_t s = 0; s < NR && j + s < n; s++)
                    c[(i + r) * n + j + s] = clamp_f32(sum[r][s] + (bias != NULL ? bias[j + s] : 0), low, high);
        }
    }
}

rs_status rs_gemm_f32(const struct rs_gemm_shape *sh, const float *a, const float *b, const float *bias,
                      float low, float high, float *c, struct rs_error *err)
{
    int64_t size;

    if (sh == NULL || a == NULL || b == NULL || c == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm: null argument");
    RS_TRY(rs_check_extent("gemm: M", sh->m, err));
    RS_TRY(rs_check_extent("gemm: N", sh->n, err));
    RS_TRY(rs_check_extent("gemm: K", sh->k, err));
    RS_TRY(rs_check_product("gemm: a", sh->m, sh->k, &size, err));
    RS_TRY(rs_check_product("gemm: b", sh->k, sh->n, &size, err));
    RS_TRY(rs_check_product("gemm: c", sh->m, sh->n, &size, err));
    float *packed = sh->layout == RS_GEMM_B_NK ? rs_gemm_f32_pack(sh->n, sh->k, b, 1, sh->k)
                                               : rs_gemm_f32_pack(sh->n, sh->k, b, sh->n, 1);

    if (packed == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "gemm: no memory for a %d x %d matrix", (int)sh->k, (int)sh->n);
    rs_gemm_f32_packed(sh->m, sh->n, sh->k, a, packed, bias, low, high, c);
    free(packed);
    return RS_OK;
}
