/*
 * requantize__neon.h - gemmlowp's double rounding on AArch64: SQRDMULH is its doubling high multiply, to the bit.
 * Internal to sw/kernels/.
 *
 * SRSHL with a negative shift rounds half up; gemmlowp's division half away from zero: so negative numbers are one less
 * before it, where there is a shift.
 */
#ifndef RS_KERNELS_REQUANTIZE__NEON_H
#define RS_KERNELS_REQUANTIZE__NEON_H
#include "packed.h"
#include <arm_neon.h>
#include <string.h>

static inline int32x4_t requantize4(int32x4_t acc, const struct stage *stage, int at)
{
    const int32x4_t right = vld1q_s32(stage->right + at);
    const int32x4_t y = vqrdmulhq_s32(acc, vld1q_s32(stage->mult + at));
    /* The sign of y, where right > 0: right & y has y's sign bit if right has one, so of -right. */
    const int32x4_t less = vshrq_n_s32(vandq_s32(y, vnegq_s32(right)), 31);

    return vrshlq_s32(vaddq_s32(y, less), vnegq_s32(right));
}

/* 8 codes from lane @at of the stage on; STAGE_DOUBLE. */
static inline int8x8_t requantize8(const int32x4_t acc[2], const struct stage *stage, int at, const struct stage_common *c)
{
    const int16x8_t h = vcombine_s16(vqmovn_s32(requantize4(acc[0], stage, at)), vqmovn_s32(requantize4(acc[1], stage, at + 4)));
    const int8x8_t q = vqmovn_s16(vqaddq_s16(h, vdupq_n_s16((int16_t)c->zp_out)));

    return vmin_s8(vmax_s8(q, vdup_n_s8((int8_t)c->act_min)), vdup_n_s8((int8_t)c->act_max));
}

static inline void store_codes(int8x8_t codes, int count, int8_t *out)
{
    int8_t plain[8];

    if (count >= 8) {
        vst1_s8(out, codes);
        return;
    }
    vst1_s8(plain, codes);
    memcpy(out, plain, (size_t)count);
}
#endif
