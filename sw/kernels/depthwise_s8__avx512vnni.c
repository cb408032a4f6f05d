/*
 * depthwise_s8__avx512vnni.c - rows of a packed depthwise convolution with VPDPBUSD; channel multiplier 1.
 *
 * A step is four filter rows of one filter column.  For one ofmap row, each ifmap column is interleaved once,
 *
 *      q[group][column][channel] = x[4g][column], x[4g+1][column], x[4g+2][column], x[4g+3][column]
 *
 * as four unsigned bytes (code ^ 0x80), and then used by the S ofmap pixels that it touches.  Two levels of byte and
 * word unpacking leave channel 16*i + 4*v + j in lane 4*i + j of vector v; filters and stage are packed in that
 * order, and the two levels of saturating packs at the end undo it.
 *
 * With stride 1 and C a divisor of 64, a block of 64 lanes is 64 / C neighbouring pixels of all channels: the row is
 * one long vector, and a filter column is a step of C in it.
 */
#if defined(__x86_64__)
#include "depthwise_isa.h"
#include "fixedpoint.h"
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { BLOCK = 64, GROUP = 4, COLUMN_BYTES = 256 };

int64_t rs_dw_steps__avx512vnni(const struct rs_conv_shape *sh)
{
    return (int64_t)((sh->r + GROUP - 1) / GROUP) * sh->s;
}

bool rs_dw_tap__avx512vnni(const struct rs_conv_shape *sh, int64_t step, int k, int64_t *r, int64_t *s)
{
    *r = step / sh->s * GROUP + k;
    *s = step % sh->s;
    return *r < sh->r;
}

int rs_dw_order__avx512vnni(int lane)
{
    return lane % 16 / 4 * 16 + lane / 16 * 4 + lane % 4;
}

/* ifmap columns that one ofmap row reads, counted from its first window. */
static int64_t columns(const struct rs_conv_shape *sh)
{
    return ((int64_t)sh->f - 1) * sh->stride_w + ((int64_t)sh->s - 1) * sh->dilation_w + 1;
}

size_t rs_dw_scratch_bytes__avx512vnni(const struct rs_conv_shape *sh)
{
    return (size_t)((sh->r + GROUP - 1) / GROUP) * (size_t)columns(sh) * COLUMN_BYTES;
}

/* One ifmap column (or 64 bytes from it on) of four rows, interleaved.  rows[k] NULL: outside, real zero. */
INLINE void interleave(const int8_t *const rows[GROUP], int64_t offset, __mmask64 mask, __m512i zp, char *q)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    __m512i x[GROUP];

#pragma GCC unroll 4
    for (int k = 0; k < GROUP; k++)
        x[k] = rows[k] == NULL ? _mm512_xor_si512(zp, flip)
                               : _mm512_xor_si512(_mm512_mask_loadu_epi8(zp, mask, rows[k] + offset), flip);

    const __m512i lo01 = _mm512_unpacklo_epi8(x[0], x[1]), hi01 = _mm512_unpackhi_epi8(x[0], x[1]);
    const __m512i lo23 = _mm512_unpacklo_epi8(x[2], x[3]), hi23 = _mm512_unpackhi_epi8(x[2], x[3]);

    _mm512_store_si512(q, _mm512_unpacklo_epi16(lo01, lo23));
    _mm512_store_si512(q + 64, _mm512_unpackhi_epi16(lo01, lo23));
    _mm512_store_si512(q + 128, _mm512_unpacklo_epi16(hi01, hi23));
    _mm512_store_si512(q + 192, _mm512_unpackhi_epi16(hi01, hi23));
}

/* gemm_s8_ukr_14x32__avx512vnni.c has the same steps and their reason. */
INLINE __m512i requantize16(__m512i acc, const struct stage *stage, int at)
{
    const __m512i nudge = _mm512_set1_epi64(1 << 30);
    const __m512i mult = _mm512_loadu_si512(stage->mult + at), right = _mm512_loadu_si512(stage->right + at);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, mult), nudge);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(acc, 32), _mm512_srli_epi64(mult, 32)),
                                         nudge);
    __m512i y = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_add_epi64(odd, odd));

    y = _mm512_mask_add_epi32(y, _mm512_test_epi32_mask(right, right), y, _mm512_srai_epi32(y, 31));
    return _mm512_srav_epi32(_mm512_add_epi32(y, _mm512_loadu_si512(stage->half + at)), right);
}

/* One block of 64 lanes: @q: its first column; @w: its filters. */
INLINE void block(const struct packed_layer *l, const char *q, size_t group_bytes, const char *w,
                  const struct stage *stage, int8_t *out, __mmask64 mask)
{
    const struct rs_conv_shape *sh = &l->sh;
    const struct stage_common *c = &l->common;
    const size_t step = (size_t)sh->dilation_w * COLUMN_BYTES;
    __m512i acc[4];

#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
        acc[v] = _mm512_loadu_si512(stage->bias + 16 * v);
    for (int r = 0; r < sh->r; r += GROUP, q += group_bytes) {
        const char *column = q;

        for (int s = 0; s < sh->s; s++, column += step, w += COLUMN_BYTES)
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++)
                acc[v] = _mm512_dpbusd_epi32(acc[v], _mm512_load_si512(column + 64 * v), _mm512_loadu_si512(w + 64 * v));
    }

    if (c->mode != STAGE_DOUBLE) {
        int32_t plain[BLOCK];
        int8_t codes[BLOCK];

#pragma GCC unroll 4
        for (int v = 0; v < 4; v++)
            _mm512_storeu_si512(plain + 16 * v, acc[v]);
        for (int lane = 0; lane < BLOCK; lane++) {
            const struct rs_quant quant = {
                .zp_out = c->zp_out, .act_min = c->act_min, .act_max = c->act_max, .rounding = c->rounding,
                .count = 1, .mult = &stage->mult[lane], .shift = &stage->shift[lane], .scale = &stage->scale[lane],
            };

            codes[rs_dw_order__avx512vnni(lane)] = rs_requantize_s32_s8(plain[lane], &quant, 0);
        }
        _mm512_mask_storeu_epi8(out, mask, _mm512_loadu_si512(codes));
        return;
    }

    const __m512i zp = _mm512_set1_epi16((short)c->zp_out);
    const __m512i h0 = _mm512_packs_epi32(requantize16(acc[0], stage, 0), requantize16(acc[1], stage, 16));
    const __m512i h1 = _mm512_packs_epi32(requantize16(acc[2], stage, 32), requantize16(acc[3], stage, 48));
    __m512i y = _mm512_packs_epi16(_mm512_adds_epi16(h0, zp), _mm512_adds_epi16(h1, zp));

    y = _mm512_min_epi8(_mm512_max_epi8(y, _mm512_set1_epi8((char)c->act_min)), _mm512_set1_epi8((char)c->act_max));
    _mm512_mask_storeu_epi8(out, mask, y);
}

/* Lanes of 64 bytes from position @at of a row of @count bytes that lie inside it. */
INLINE __mmask64 inside(int64_t at, int64_t count)
{
    const int64_t from = at < 0 ? -at : 0, to = count - at < BLOCK ? count - at : BLOCK;

    if (from >= BLOCK || to <= from)
        return 0;
    return _bzhi_u64(~UINT64_C(0), (unsigned)to) & (~UINT64_C(0) << from);
}

/* One ofmap row of one block of channels, c0 .. c0 + 63. */
TARGET static void row_of_block(const struct packed_layer *l, const int8_t *image, int64_t y0, int64_t b, char *q,
                                int8_t *out)
{
    const struct rs_conv_shape *sh = &l->sh;
    const __m512i zp = _mm512_set1_epi8((char)l->zp_in);
    const size_t group_bytes = (size_t)columns(sh) * COLUMN_BYTES;
    const int64_t c0 = b * BLOCK, c_left = sh->c - c0;
    const char *w = (const char *)packed_b(l) + b * l->panel_bytes;
    const struct stage *stage = packed_stages(l) + b;
    int64_t column = 0;                /* those before it are interleaved, or not needed */

    for (int64_t f = 0; f < sh->f; f += l->pixels) {
        const int64_t begin = f * sh->stride_w, end = begin + (int64_t)(sh->s - 1) * sh->dilation_w + 1;

        for (column = column < begin ? begin : column; column < end; column++) {
            const int64_t x = column - sh->pad_left;
            const __mmask64 mask = l->pixels > 1 ? inside(x * sh->c, (int64_t)sh->w * sh->c)
                                                 : x < 0 || x >= sh->w ? 0 : inside(0, c_left);

            for (int r = 0; r < sh->r; r += GROUP) {
                const int8_t *rows[GROUP];

                for (int k = 0; k < GROUP; k++) {
                    const int64_t y = y0 + (int64_t)(r + k) * sh->dilation_h;

                    rows[k] = r + k < sh->r && y >= 0 && y < sh->h ? image + y * sh->w * sh->c + c0 : NULL;
                }
                interleave(rows, x * sh->c, mask, zp, q + (size_t)(r / GROUP) * group_bytes + (size_t)column * COLUMN_BYTES);
            }
        }
        const __mmask64 mask = l->pixels > 1 ? inside(f * sh->c, (int64_t)sh->f * sh->c) : inside(0, c_left);

        block(l, q + (size_t)(f * sh->stride_w) * COLUMN_BYTES, group_bytes, w, stage, out + f * sh->m + c0, mask);
    }
}

void rs_depthwise_s8_rows__avx512vnni(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap,
                                      int64_t first, int64_t last, void *scratch)
{
    const struct rs_conv_shape *sh = &l->sh;

    for (int64_t row = first; row < last; row++) {
        const int8_t *image = ifmap + row / sh->e * sh->h * sh->w * sh->c;
        const int64_t y0 = row % sh->e * sh->stride_h - sh->pad_top;

        for (int64_t b = 0; b < l->blocks; b++)
            row_of_block(l, image, y0, b, scratch, ofmap + row * sh->f * sh->m);
    }
}
#else
typedef int rs_depthwise_s8__avx512vnni_is_empty;
#endif
