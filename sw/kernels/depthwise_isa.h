/* depthwise_isa.h - the depthwise kernels, as initializers of struct depthwise_isa.  Internal to sw/kernels/. */
#ifndef RS_KERNELS_DEPTHWISE_ISA_H
#define RS_KERNELS_DEPTHWISE_ISA_H
#include "packed.h"

/* Declares the functions of one instruction set and makes their initializer. */
#define RS_DEPTHWISE_DECLARE(isa)                                                                               \
    int64_t rs_dw_steps__##isa(const struct rs_conv_shape *sh);                                                 \
    bool rs_dw_tap__##isa(const struct rs_conv_shape *sh, int64_t step, int k, int64_t *r, int64_t *s);         \
    int rs_dw_order__##isa(int lane);                                                                           \
    size_t rs_dw_scratch_bytes__##isa(const struct rs_conv_shape *sh);                                          \
    depthwise_rows rs_depthwise_s8_rows__##isa;

#define RS_DEPTHWISE_INIT(isa, block_, group_, plain, several)                                                         \
    { .block = block_, .group = group_, .steps = rs_dw_steps__##isa, .tap = rs_dw_tap__##isa,                   \
      .plain_codes = plain,                                                                                     \
      .order = rs_dw_order__##isa, .several_pixels = several,                                                   \
      .scratch_bytes = rs_dw_scratch_bytes__##isa, .rows = rs_depthwise_s8_rows__##isa }

RS_DEPTHWISE_DECLARE(portable)
RS_DEPTHWISE_DECLARE(avx2)
RS_DEPTHWISE_DECLARE(avx512vnni)
RS_DEPTHWISE_DECLARE(neon)
#define RS_DEPTHWISE_ISA_PORTABLE   RS_DEPTHWISE_INIT(portable, 16, 1, false, false)
#define RS_DEPTHWISE_ISA_AVX2       RS_DEPTHWISE_INIT(avx2, 16, 2, true, false)
#define RS_DEPTHWISE_ISA_NEON       RS_DEPTHWISE_INIT(neon, 16, 1, false, false)
#define RS_DEPTHWISE_ISA_AVX512VNNI RS_DEPTHWISE_INIT(avx512vnni, 64, 4, false, true)
#endif
