/*
 * depthwise_s8__avx2.c - rows of a packed depthwise convolution with VPMADDWD, exact; channel multiplier 1.
 *
 * Two taps a step: 16 channels of each, widened, interleaved, multiplied and added in pairs.  A tap in the padding reads a row of
 * zp_in codes, so every tap is a pointer and nothing branches; and zp_in's share of the sum is always the same, in the bias.
 */
#if defined(__x86_64__)
#include "depthwise_isa.h"
#include "store__avx2.h"
#include <string.h>

enum { BLOCK = 16 };

int64_t rs_dw_steps__avx2(const struct rs_conv_shape *sh)
{
    return ((int64_t)sh->r * sh->s + 1) / 2;
}

bool rs_dw_tap__avx2(const struct rs_conv_shape *sh, int64_t step, int k, int64_t *r, int64_t *s)
{
    const int64_t tap = 2 * step + k;

    *r = tap / sh->s;
    *s = tap % sh->s;
    return tap < (int64_t)sh->r * sh->s;
}

/* Interleaving in 128-bit halves gives channels 0-3, 8-11 | 4-7, 12-15. */
int rs_dw_order__avx2(int lane)
{
    static const int order[BLOCK] = { 0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15 };

    return order[lane];
}

/* A row of zp_in codes, and the tap pointers (one more than R * S for an odd last step). */
static size_t zp_row_bytes(const struct rs_conv_shape *sh)
{
    return ((size_t)sh->c + 63) / 64 * 64;
}

size_t rs_dw_scratch_bytes__avx2(const struct rs_conv_shape *sh)
{
    return zp_row_bytes(sh) + ((size_t)sh->r * (size_t)sh->s + 1) * sizeof(const int8_t *);
}

/* Codes of a block, in the channels' order: what packs makes of the lanes' order. */
AVX2_INLINE __m128i codes16(const enum stage_line line, __m256i lo, __m256i hi, const struct stage *stage, const struct stage_common *c)
{
    const struct stage8x2 s = load_stage(line, stage, c);

    return narrow16(line, _mm256_packs_epi32(codes8(line, lo, &s, 0), codes8(line, hi, &s, 1)), &s);
}

/* 16 channels of one pixel; @taps: pointers to channel 0 of each tap, @count: channels that exist. */
AVX2 static void block(const struct packed_layer *l, const int8_t *const *taps, int64_t c0, int count,
                         const char *w, const struct stage *stage, int8_t *out)
{
    __m256i lo = _mm256_loadu_si256((const __m256i *)(const void *)stage->bias);
    __m256i hi = _mm256_loadu_si256((const __m256i *)(const void *)(stage->bias + 8));

    for (int64_t step = 0; step < l->steps; step++, w += 64) {
        __m128i x0, x1;

        if (count == BLOCK) {
            x0 = _mm_loadu_si128((const __m128i *)(const void *)(taps[2 * step] + c0));
            x1 = _mm_loadu_si128((const __m128i *)(const void *)(taps[2 * step + 1] + c0));
        } else {
            int8_t codes[2][BLOCK] = { { 0 } };

            memcpy(codes[0], taps[2 * step] + c0, (size_t)count);
            memcpy(codes[1], taps[2 * step + 1] + c0, (size_t)count);
            x0 = _mm_loadu_si128((const __m128i *)(const void *)codes[0]);
            x1 = _mm_loadu_si128((const __m128i *)(const void *)codes[1]);
        }
        const __m256i h0 = _mm256_cvtepi8_epi16(x0), h1 = _mm256_cvtepi8_epi16(x1);

        lo = _mm256_add_epi32(lo, _mm256_madd_epi16(_mm256_unpacklo_epi16(h0, h1),
                                                    _mm256_loadu_si256((const __m256i *)(const void *)w)));
        hi = _mm256_add_epi32(hi, _mm256_madd_epi16(_mm256_unpackhi_epi16(h0, h1),
                                                    _mm256_loadu_si256((const __m256i *)(const void *)(w + 32))));
    }
    if (stage->line == LINE_NONE && l->common.mode != STAGE_DOUBLE) {
        int32_t plain[BLOCK], acc[GEMM_MAX_NR];
        struct stage straight;

        _mm256_storeu_si256((__m256i *)(void *)plain, lo);
        _mm256_storeu_si256((__m256i *)(void *)(plain + 8), hi);
        for (int j = 0; j < BLOCK; j++) {
            const int c = rs_dw_order__avx2(j);

            acc[c] = plain[j];
            straight.mult[c] = stage->mult[j];
            straight.shift[c] = stage->shift[j];
            straight.scale[c] = stage->scale[j];
        }
        rs_stage_general(1, count, acc, &straight, &l->common, out, 0);
        return;
    }
    const __m128i q = stage->line == LINE_ONE_SIDED   ? codes16(LINE_ONE_SIDED, lo, hi, stage, &l->common)
                      : stage->line == LINE_TWO_SIDED ? codes16(LINE_TWO_SIDED, lo, hi, stage, &l->common)
                                                      : codes16(LINE_NONE, lo, hi, stage, &l->common);

    if (count == BLOCK) {
        _mm_storeu_si128((__m128i *)(void *)out, q);
    } else {
        int8_t codes[BLOCK];

        _mm_storeu_si128((__m128i *)(void *)codes, q);
        memcpy(out, codes, (size_t)count);
    }
}

void rs_depthwise_s8_rows__avx2(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap, int64_t first,
                                int64_t last, void *scratch)
{
    const struct rs_conv_shape *sh = &l->sh;
    int8_t *zp_row = scratch;
    const int8_t **taps = (const int8_t **)(void *)(zp_row + zp_row_bytes(sh));

    memset(zp_row, l->zp_in, zp_row_bytes(sh));
    taps[(int64_t)sh->r * sh->s] = zp_row;
    for (int64_t row = first; row < last; row++) {
        const int8_t *image = ifmap + row / sh->e * sh->h * sh->w * sh->c;
        const int64_t y0 = row % sh->e * sh->stride_h - sh->pad_top;

        for (int64_t f = 0; f < sh->f; f++) {
            const int64_t x0 = f * sh->stride_w - sh->pad_left;

            for (int64_t r = 0; r < sh->r; r++)
                for (int64_t s = 0; s < sh->s; s++) {
                    const int64_t y = y0 + r * sh->dilation_h, x = x0 + s * sh->dilation_w;
                    const bool inside = y >= 0 && y < sh->h && x >= 0 && x < sh->w;

                    taps[r * sh->s + s] = inside ? image + (y * sh->w + x) * sh->c : zp_row;
                }
            for (int64_t b = 0; b < l->blocks; b++) {
                const int64_t rest = sh->m - b * BLOCK;

                block(l, taps, b * BLOCK, rest < BLOCK ? (int)rest : BLOCK,
                      (const char *)packed_b(l) + b * l->panel_bytes, packed_stages(l) + b,
                      ofmap + (row * sh->f + f) * sh->m + b * BLOCK);
            }
        }
    }
}
#else
typedef int rs_depthwise_s8__avx2_is_empty;
#endif
