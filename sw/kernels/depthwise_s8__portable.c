/*
 * depthwise_s8__portable.c - rows of a packed depthwise convolution in portable C; any channel multiplier.
 *
 * Filters: one int16 tap a step, 16 channels a block; see packed.h.
 */
#include "depthwise_isa.h"

enum { BLOCK = 16 };

int64_t rs_dw_steps__portable(const struct rs_conv_shape *sh)
{
    return (int64_t)sh->r * sh->s;
}

bool rs_dw_tap__portable(const struct rs_conv_shape *sh, int64_t step, int k, int64_t *r, int64_t *s)
{
    *r = (step + k) / sh->s;
    *s = (step + k) % sh->s;
    return true;
}

int rs_dw_order__portable(int lane)
{
    return lane;
}

size_t rs_dw_scratch_bytes__portable(const struct rs_conv_shape *sh)
{
    (void)sh;
    return 64;
}

/* Channels c0 .. c0 + count - 1 of one ofmap pixel whose window starts at ifmap position (y0, x0). */
static void block(const struct packed_layer *l, const int8_t *image, int64_t y0, int64_t x0, int64_t c0, int count,
                  const int16_t *w, const struct stage *stage, int8_t *out)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t multiplier = sh->m / sh->c;
    int32_t acc[GEMM_MAX_NR];

    for (int j = 0; j < BLOCK; j++)
        acc[j] = stage->bias[j];
    for (int64_t r = 0; r < sh->r; r++)
        for (int64_t s = 0; s < sh->s; s++, w += BLOCK) {
            const int64_t y = y0 + r * sh->dilation_h, x = x0 + s * sh->dilation_w;

            if (y < 0 || y >= sh->h || x < 0 || x >= sh->w)
                continue;
            const int8_t *in = image + (y * sh->w + x) * sh->c;

            if (multiplier == 1)
                for (int j = 0; j < count; j++)
                    acc[j] += (in[c0 + j] - l->zp_in) * w[j];
            else
                for (int j = 0; j < count; j++)
                    acc[j] += (in[(c0 + j) / multiplier] - l->zp_in) * w[j];
        }
    rs_stage_general(1, count, acc, stage, &l->common, out, 0);
}

void rs_depthwise_s8_rows__portable(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap, int64_t first,
                                    int64_t last, void *scratch)
{
    const struct rs_conv_shape *sh = &l->sh;

    (void)scratch;
    for (int64_t row = first; row < last; row++) {
        const int8_t *image = ifmap + row / sh->e * sh->h * sh->w * sh->c;
        const int64_t y0 = row % sh->e * sh->stride_h - sh->pad_top;

        for (int64_t f = 0; f < sh->f; f++)
            for (int64_t b = 0; b < l->blocks; b++) {
                const int64_t rest = sh->m - b * BLOCK;

                block(l, image, y0, f * sh->stride_w - sh->pad_left, b * BLOCK, rest < BLOCK ? (int)rest : BLOCK,
                      (const int16_t *)(const void *)((const char *)packed_b(l) + b * l->panel_bytes),
                      packed_stages(l) + b, ofmap + (row * sh->f + f) * sh->m + b * BLOCK);
            }
    }
}
