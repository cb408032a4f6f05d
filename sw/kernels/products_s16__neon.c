/* products_s16__neon.c - products of int16 codes with SMLAL; see layer_s16.h. */
#if defined(__aarch64__)
#include "layer_s16.h"
#include <arm_neon.h>

#define TARGET
#define INLINE __attribute__((always_inline)) static inline

enum { LANES16 = 8, PIXELS = 4 };
typedef int16x8_t CODES;
typedef int32x4_t SUMS;

INLINE SUMS zeros(void) { return vdupq_n_s32(0); }
INLINE CODES load16(const int16_t *p) { return vld1q_s16(p); }
INLINE CODES high_of(CODES w) { return vshrq_n_s16(w, 8); }
INLINE CODES low_of(CODES w) { return vandq_s16(w, vdupq_n_s16(255)); }
INLINE SUMS madd(SUMS s, CODES x, CODES w) { return vmlal_high_s16(vmlal_s16(s, vget_low_s16(x), vget_low_s16(w)), x, w); }
INLINE SUMS widen16(const int16_t *p) { return vmovl_s16(vld1_s16(p)); }
INLINE SUMS high32(SUMS w) { return vshrq_n_s32(w, 8); }
INLINE SUMS low32(SUMS w) { return vandq_s32(w, vdupq_n_s32(255)); }
INLINE SUMS mla(SUMS s, SUMS x, SUMS w) { return vmlaq_s32(s, x, w); }
INLINE void spill(int32_t *to, SUMS s) { vst1q_s32(to, s); }
INLINE int64_t total(SUMS s) { return vaddlvq_s32(s); }

INLINE SUMS widen8(const int8_t *p)
{
    const int32_t w[4] = { p[0], p[1], p[2], p[3] };

    return vld1q_s32(w);
}

#include "products_s16.h"

const struct s16_isa rs_s16_isa_neon = { .lanes = LANES16, .pixels = PIXELS, .products = products, .depthwise = depthwise };
#else
typedef int rs_products_s16__neon_is_empty;
#endif
