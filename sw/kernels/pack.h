/*
 * pack.h - layers prepared once and run many times: the fast kernels without the work that does not depend on
 * the activations.
 *
 *   size, scratch <- rs_conv2d_s8_pack_bytes(shape)      once, when the network is planned;
 *   rs_conv2d_s8_pack(shape, filter, bias, q, packed)    checks everything that kernels.h asks for
 *   rs_packed_run(packed, ifmap, ofmap, 0, 1, scratch)   for each input
 *
 * The caller owns all memory.  @packed and @scratch are 64-byte aligned (RS_ERR_ARG if not).  A packed layer
 * keeps no pointer: it may be moved or copied (to an aligned place), is read-only while it runs, and may be run by
 * several threads at once, each with its own scratch.  It belongs to the instruction set that was in force
 * (rs_isa_current) when it was packed and keeps running on it; it is no file format.
 */
#ifndef RS_KERNELS_PACK_H
#define RS_KERNELS_PACK_H
#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RS_PACK_ALIGNMENT 64

/* What a packed layer needs. */
struct rs_pack_sizes {
    size_t packed_bytes;
    size_t scratch_bytes;              /* for each thread that runs it, at least 64 */
};

/**
 * rs_conv2d_s8_pack_bytes(), rs_depthwise_conv2d_s8_pack_bytes(), rs_gemm_s8_pack_bytes() - room for a layer.
 *
 * Errors: as the layer's own function, and those of rs_isa_current().
 */
RS_MUST_CHECK
rs_status rs_conv2d_s8_pack_bytes(const struct rs_conv_shape *sh, struct rs_pack_sizes *sizes,
                                  struct rs_error *err);
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s8_pack_bytes(const struct rs_conv_shape *sh, struct rs_pack_sizes *sizes,
                                            struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s8_pack_bytes(const struct rs_gemm_shape *sh, struct rs_pack_sizes *sizes,
                                struct rs_error *err);

/**
 * rs_conv2d_s8_pack(), rs_depthwise_conv2d_s8_pack(), rs_gemm_s8_pack() - prepare a layer.
 *
 * Arguments and checks as the functions of kernels.h.  @packed: at least packed_bytes (RS_ERR_SHAPE).
 * GEMM: b is the packed operand; zp_b must be 0 (RS_ERR_UNSUPPORTED).
 */
RS_MUST_CHECK
rs_status rs_conv2d_s8_pack(const struct rs_conv_shape *sh, const int8_t *filter, const int32_t *bias,
                            const struct rs_quant *q, void *packed, size_t packed_bytes, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s8_pack(const struct rs_conv_shape *sh, const int8_t *filter, const int32_t *bias,
                                      const struct rs_quant *q, void *packed, size_t packed_bytes,
                                      struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s8_pack(const struct rs_gemm_shape *sh, const int8_t *b, const int32_t *bias,
                          const struct rs_quant *q, void *packed, size_t packed_bytes, struct rs_error *err);

/* rs_gemm_s8_s32_pack() - as rs_gemm_s8_pack(), for int32 results: run writes int32_t[M][N] to @out. */
RS_MUST_CHECK
rs_status rs_gemm_s8_s32_pack(const struct rs_gemm_shape *sh, const int8_t *b, const int32_t *bias, int32_t zp_a,
                              void *packed, size_t packed_bytes, struct rs_error *err);

/**
 * rs_packed_run() - run a packed layer, or one of @parts equal shares of it.
 *
 * @in, @out:      as the layer's own function; @out int8_t, or int32_t for rs_gemm_s8_s32_pack()
 * @part, @parts:  0, 1 for all of it; else share @part < @parts.  Shares write disjoint parts of @out, so that
 *                 threads may run them together, each with its own scratch.
 * @scratch:       at least scratch_bytes (RS_ERR_SHAPE)
 * Errors: RS_ERR_ARG also if @packed holds no packed layer.
 */
RS_MUST_CHECK
rs_status rs_packed_run(const void *packed, const int8_t *in, void *out, int part, int parts,
                        void *scratch, size_t scratch_bytes, struct rs_error *err);

/*
 * An ADD of two tensors of the same extents, as floats: code = clamp(floor(in1 * scale1 + in2 * scale2 + offset)), where the products
 * are added from the right, each sum rounded down.
 */
struct rs_add_plane { float scale1, scale2, offset; };

/**
 * rs_add_s8_plane_find() - a plane that gives rs_add_s8()'s code for each of the 65536 pairs; all were tried.
 *
 * @q: valid (rs_add_s8() says what is)
 * Returns false, with *plane as it was, if there is none, or the instruction set in force has no use for it.  Takes up to a
 * millisecond.
 */
bool rs_add_s8_plane_find(const struct rs_add_quant *q, struct rs_add_plane *plane);

/* rs_add_s8_plane_run() - rs_add_s8() of @count pairs by their plane, on the same machine; @out may be an input. */
void rs_add_s8_plane_run(size_t count, const int8_t *in1, const int8_t *in2, const struct rs_add_quant *q,
                         const struct rs_add_plane *plane, int8_t *out);

#ifdef __cplusplus
}
#endif
#endif
