/* fully_connected_s8_ref.c - a fully connected layer is a matrix product with a transposed filter. */
#include "check.h"

rs_status rs_fully_connected_s8_ref(int32_t n, int32_t c, int32_t m, const int8_t *ifmap, const int8_t *filter,
                                    const int32_t *bias, const struct rs_quant *q, int8_t *ofmap,
                                    struct rs_error *err)
{
    const struct rs_gemm_shape sh = { .m = n, .n = m, .k = c, .layout = RS_GEMM_B_NK, .zp_b = 0 };

    return rs_gemm_s8_ref(&sh, ifmap, filter, bias, q, ofmap, err);
}
