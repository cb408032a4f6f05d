/*
 * conv2d_s8.c - convolution, depthwise, GEMM and FC by the instruction set in force: pack, run, free.
 *
 * For a caller who has a layer once.  Who runs it again packs it once (pack.h).
 */
#include "check.h"
#include "pack.h"
#include <stdlib.h>

/* Aligned room for both parts of a packed layer; freed with free(). */
static rs_status room(const struct rs_pack_sizes *sizes, void **packed, void **scratch, struct rs_error *err)
{
    const size_t packed_bytes = (sizes->packed_bytes + 63) / 64 * 64, scratch_bytes = (sizes->scratch_bytes + 63) / 64 * 64;

    *packed = aligned_alloc(RS_PACK_ALIGNMENT, packed_bytes + scratch_bytes);
    if (*packed == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %zu bytes of packed layer", packed_bytes + scratch_bytes);
    *scratch = (char *)*packed + packed_bytes;
    return RS_OK;
}

rs_status rs_conv2d_s8(const struct rs_conv_shape *sh, const int8_t *ifmap, const int8_t *filter,
                       const int32_t *bias, const struct rs_quant *q, int8_t *ofmap, struct rs_error *err)
{
    struct rs_pack_sizes sizes;
    void *packed, *scratch = NULL;
    enum rs_isa isa;
    rs_status status;

    RS_TRY(rs_isa_current(&isa, err));
    if (isa == RS_ISA_REF)
        return rs_conv2d_s8_ref(sh, ifmap, filter, bias, q, ofmap, err);
    RS_TRY(rs_conv2d_s8_pack_bytes(sh, &sizes, err));
    RS_TRY(room(&sizes, &packed, &scratch, err));
    status = rs_conv2d_s8_pack(sh, filter, bias, q, packed, sizes.packed_bytes, err);
    if (status == RS_OK)
        status = rs_packed_run(packed, ifmap, ofmap, 0, 1, scratch, sizes.scratch_bytes, err);
    free(packed);
    return status;
}

rs_status rs_depthwise_conv2d_s8(const struct rs_conv_shape *sh, const int8_t *ifmap, const int8_t *filter,
                                 const int32_t *bias, const struct rs_quant *q, int8_t *ofmap, struct rs_error *err)
{
    struct rs_pack_sizes sizes;
    void *packed, *scratch = NULL;
    enum rs_isa isa;
    rs_status status;

    RS_TRY(rs_isa_current(&isa, err));
    if (isa == RS_ISA_REF)
        return rs_depthwise_conv2d_s8_ref(sh, ifmap, filter, bias, q, ofmap, err);
    RS_TRY(rs_depthwise_conv2d_s8_pack_bytes(sh, &sizes, err));
    RS_TRY(room(&sizes, &packed, &scratch, err));
    status = rs_depthwise_conv2d_s8_pack(sh, filter, bias, q, packed, sizes.packed_bytes, err);
    if (status == RS_OK)
        status = rs_packed_run(packed, ifmap, ofmap, 0, 1, scratch, sizes.scratch_bytes, err);
    free(packed);
    return status;
}

/* @q: NULL for int32 out. */
static rs_status gemm(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                      const struct rs_quant *q, int32_t zp_a, void *c, struct rs_error *err)
{
    struct rs_pack_sizes sizes;
    void *packed, *scratch = NULL;
    rs_status status;

    RS_TRY(rs_gemm_s8_check(sh, b, bias, zp_a, err));
    RS_TRY(rs_gemm_s8_pack_bytes(sh, &sizes, err));
    RS_TRY(room(&sizes, &packed, &scratch, err));
    status = q != NULL ? rs_gemm_s8_pack(sh, b, bias, q, packed, sizes.packed_bytes, err)
                       : rs_gemm_s8_s32_pack(sh, b, bias, zp_a, packed, sizes.packed_bytes, err);
    if (status == RS_OK)
        status = rs_packed_run(packed, a, c, 0, 1, scratch, sizes.scratch_bytes, err);
    free(packed);
    return status;
}

/* A zero point of b would need the sums of a's rows: the plain version does that. */
static bool plain(enum rs_isa isa, const struct rs_gemm_shape *sh)
{
    return isa == RS_ISA_REF || sh == NULL || sh->zp_b != 0;
}

rs_status rs_gemm_s8(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                     const struct rs_quant *q, int8_t *c, struct rs_error *err)
{
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (plain(isa, sh) || q == NULL)
        return rs_gemm_s8_ref(sh, a, b, bias, q, c, err);
    return gemm(sh, a, b, bias, q, q->zp_in, c, err);
}

rs_status rs_gemm_s8_s32(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                         int32_t zp_a, int32_t *c, struct rs_error *err)
{
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (plain(isa, sh))
        return rs_gemm_s8_s32_ref(sh, a, b, bias, zp_a, c, err);
    return gemm(sh, a, b, bias, NULL, zp_a, c, err);
}

rs_status rs_fully_connected_s8(int32_t n, int32_t c, int32_t m, const int8_t *ifmap, const int8_t *filter,
                                const int32_t *bias, const struct rs_quant *q, int8_t *ofmap, struct rs_error *err)
{
    const struct rs_gemm_shape sh = { .m = n, .n = m, .k = c, .layout = RS_GEMM_B_NK, .zp_b = 0 };

    return rs_gemm_s8(&sh, ifmap, filter, bias, q, ofmap, err);
}
