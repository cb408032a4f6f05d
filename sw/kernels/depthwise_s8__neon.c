/*
 * depthwise_s8__neon.c - rows of a packed depthwise convolution on AArch64; channel multiplier 1.
 *
 * Filters lie as in depthwise_s8__portable.c: one int16 tap a step, 16 channels a block.
 */
#if defined(__aarch64__)
#include "depthwise_isa.h"
#include "requantize__neon.h"

enum { BLOCK = 16, HALF = 8 };

int64_t rs_dw_steps__neon(const struct rs_conv_shape *sh)
{
    return rs_dw_steps__portable(sh);
}

bool rs_dw_tap__neon(const struct rs_conv_shape *sh, int64_t step, int k, int64_t *r, int64_t *s)
{
    return rs_dw_tap__portable(sh, step, k, r, s);
}

int rs_dw_order__neon(int lane)
{
    return lane;
}

size_t rs_dw_scratch_bytes__neon(const struct rs_conv_shape *sh)
{
    return rs_dw_scratch_bytes__portable(sh);
}

/* Up to 8 codes less the zero point. */
static inline int16x8_t load_codes(const int8_t *p, int count, int16x8_t zp)
{
    int8_t plain[HALF] = { 0 };

    if (count >= HALF)
        return vsubq_s16(vmovl_s8(vld1_s8(p)), zp);
    memcpy(plain, p, (size_t)count);
    return vsubq_s16(vmovl_s8(vld1_s8(plain)), zp);
}

/* @count <= 8 channels from c0 on of one pixel whose window starts at (y0, x0); lanes @at of the block. */
static void half_block(const struct packed_layer *l, const int8_t *image, int64_t y0, int64_t x0, int64_t c0, int count,
                       const int16_t *w, const struct stage *stage, int at, int8_t *out)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int16x8_t zp = vdupq_n_s16((int16_t)l->zp_in);
    int32x4_t acc[2] = { vld1q_s32(stage->bias + at), vld1q_s32(stage->bias + at + 4) };

    for (int64_t r = 0; r < sh->r; r++)
        for (int64_t s = 0; s < sh->s; s++, w += BLOCK) {
            const int64_t y = y0 + r * sh->dilation_h, x = x0 + s * sh->dilation_w;

            if (y < 0 || y >= sh->h || x < 0 || x >= sh->w)
                continue;
            const int16x8_t codes = load_codes(image + (y * sh->w + x) * sh->c + c0, count, zp), taps = vld1q_s16(w + at);

            acc[0] = vmlal_s16(acc[0], vget_low_s16(codes), vget_low_s16(taps));
            acc[1] = vmlal_s16(acc[1], vget_high_s16(codes), vget_high_s16(taps));
        }
    if (l->common.mode == STAGE_DOUBLE) {
        store_codes(requantize8(acc, stage, at, &l->common), count, out);
    } else {
        int32_t plain[GEMM_MAX_NR] = { 0 };
        struct stage lanes;

        vst1q_s32(plain, acc[0]);
        vst1q_s32(plain + 4, acc[1]);
        memcpy(lanes.mult, stage->mult + at, sizeof lanes.mult[0] * HALF);
        memcpy(lanes.shift, stage->shift + at, sizeof lanes.shift[0] * HALF);
        memcpy(lanes.scale, stage->scale + at, sizeof lanes.scale[0] * HALF);
        rs_stage_general(1, count, plain, &lanes, &l->common, out, 0);
    }
}

void rs_depthwise_s8_rows__neon(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap, int64_t first, int64_t last,
                                void *scratch)
{
    const struct rs_conv_shape *sh = &l->sh;

    (void)scratch;
    for (int64_t row = first; row < last; row++) {
        const int8_t *image = ifmap + row / sh->e * sh->h * sh->w * sh->c;
        const int64_t y0 = row % sh->e * sh->stride_h - sh->pad_top;

        for (int64_t f = 0; f < sh->f; f++)
            for (int64_t m = 0; m < sh->m; m += HALF) {
                const int64_t b = m / BLOCK;

                half_block(l, image, y0, f * sh->stride_w - sh->pad_left, m, (int)(sh->m - m < HALF ? sh->m - m : HALF),
                           (const int16_t *)(const void *)((const char *)packed_b(l) + b * l->panel_bytes),
                           packed_stages(l) + b, (int)(m % BLOCK), ofmap + (row * sh->f + f) * sh->m + m);
            }
    }
}
#else
typedef int rs_depthwise_s8__neon_is_empty;
#endif
