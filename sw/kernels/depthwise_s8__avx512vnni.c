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
 * With stride 1 and C < 64, a block of 64 lanes is 64 / C neighbouring pixels of all channels and a part of the next,
 * which the next block writes again: the row is one long vector, and a filter column is a step of C in it.
 */
#if defined(__x86_64__)
#include "depthwise_isa.h"
#include "fixedpoint.h"
#include "requantize__avx512.h"

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

/* Four rows of 64 unsigned codes, interleaved. */
AVX512_INLINE void interleave_store(const __m512i x[GROUP], char *q)
{
    const __m512i lo01 = _mm512_unpacklo_epi8(x[0], x[1]), hi01 = _mm512_unpackhi_epi8(x[0], x[1]);
    const __m512i lo23 = _mm512_unpacklo_epi8(x[2], x[3]), hi23 = _mm512_unpackhi_epi8(x[2], x[3]);

    _mm512_store_si512(q, _mm512_unpacklo_epi16(lo01, lo23));
    _mm512_store_si512(q + 64, _mm512_unpackhi_epi16(lo01, lo23));
    _mm512_store_si512(q + 128, _mm512_unpacklo_epi16(hi01, hi23));
    _mm512_store_si512(q + 192, _mm512_unpackhi_epi16(hi01, hi23));
}

/* One ifmap column (or 64 bytes from it on) of four rows, interleaved.  Bytes outside the masks are real zero. */
AVX512_INLINE void interleave(const int8_t *const rows[GROUP], const __mmask64 masks[GROUP], int64_t offset, __m512i zp,
                              char *q)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    __m512i x[GROUP];

#pragma GCC unroll 4
    for (int k = 0; k < GROUP; k++)
        x[k] = _mm512_xor_si512(_mm512_mask_loadu_epi8(zp, masks[k], rows[k] + offset), flip);
    interleave_store(x, q);
}

/* A block's codes in the channels' order, by the stage that the layer asks for. */
AVX512 __attribute__((noinline)) static __m512i exact64(const __m512i acc[4], const struct stage *stage,
                                                        const struct stage_common *c)
{
    const __m512i zp = _mm512_set1_epi16((short)c->zp_out);
    int32_t plain[BLOCK];
    int8_t codes[BLOCK];
    __m512i z[4];

    if (c->mode == STAGE_DOUBLE || c->rounding == RS_ROUND_ONNX) {
        for (int v = 0; v < 4; v++) {
            const struct lanes lanes = load_lanes(stage, v);

            z[v] = c->mode == STAGE_DOUBLE ? requantize16(acc[v], &lanes) : requantize16_onnx(acc[v], stage->scale + 16 * v, c);
        }
        return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(_mm512_adds_epi16(_mm512_packs_epi32(z[0], z[1]), zp),
                                                                  _mm512_adds_epi16(_mm512_packs_epi32(z[2], z[3]), zp)),
                                               _mm512_set1_epi8((char)c->act_min)), _mm512_set1_epi8((char)c->act_max));
    }
    for (int v = 0; v < 4; v++)
        _mm512_storeu_si512(plain + 16 * v, acc[v]);
    for (int lane = 0; lane < BLOCK; lane++) {
        const struct rs_quant quant = {
            .zp_out = c->zp_out, .act_min = c->act_min, .act_max = c->act_max, .rounding = c->rounding,
            .count = 1, .mult = &stage->mult[lane], .shift = &stage->shift[lane], .scale = &stage->scale[lane],
        };

        codes[rs_dw_order__avx512vnni(lane)] = rs_requantize_s32_s8(plain[lane], &quant, 0);
    }
    return _mm512_loadu_si512(codes);
}

/* Four vectors of codes to bytes. */
AVX512_INLINE __m512i narrow64(const enum stage_line line, const __m512i z[4], const struct stage_common *c)
{
    const __m512i zp = zp_addend(line, c->zp_out);
    const __m512i codes = _mm512_packs_epi16(narrow16(line, z[0], z[1], zp), narrow16(line, z[2], z[3], zp));

    return !c->clamps ? codes : _mm512_min_epi8(_mm512_max_epi8(codes, _mm512_set1_epi8((char)c->act_min)),
                                                _mm512_set1_epi8((char)c->act_max));
}

AVX512_INLINE __m512i line64(const enum stage_line line, const __m512i acc[4], const struct stage *stage, const struct stage_common *c)
{
    __m512i z[4];

#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
        z[v] = requantize16_line(line, acc[v], stage->line_scale + 16 * v, stage->line_lean + 16 * v);
    return narrow64(line, z, c);
}

/* The same: by lines, or quick where that is in no doubt. */
AVX512_INLINE __m512i codes64(const __m512i acc[4], const struct stage *stage, const struct stage_common *c)
{
    __m512 doubt[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
    __m512i z[4];

    if (stage->line == LINE_ONE_SIDED)
        return line64(LINE_ONE_SIDED, acc, stage, c);
    if (stage->line == LINE_TWO_SIDED)
        return line64(LINE_TWO_SIDED, acc, stage, c);
    if (!c->quick)
        return exact64(acc, stage, c);
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
        z[v] = requantize16_quick(acc[v], stage->scale + 16 * v, stage->slant + 16 * v, &doubt[v % 2]);
    if (__builtin_expect(doubtful(_mm512_max_ps(doubt[0], doubt[1])), 0))
        return exact64(acc, stage, c);
    return narrow64(LINE_NONE, z, c);
}

/* The sums of one block of 64 lanes: @q: its first column; @w: its filters. */
AVX512_INLINE void sum_block(const int rows, const int taps, const char *q, size_t group_bytes, size_t tap_bytes,
                             const char *w, const struct stage *stage, __m512i acc[4])
{
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
        acc[v] = _mm512_loadu_si512(stage->bias + 16 * v);
#pragma GCC unroll 2
    for (int r = 0; r < rows; r += GROUP, q += group_bytes) {
        const char *column = q;

#pragma GCC unroll 5
        for (int s = 0; s < taps; s++, column += tap_bytes, w += COLUMN_BYTES)
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++)
                acc[v] = _mm512_dpbusd_epi32(acc[v], _mm512_load_si512(column + 64 * v), _mm512_loadu_si512(w + 64 * v));
    }
}

/* Lanes of 64 bytes from position @at of a row of @count bytes that lie inside it. */
AVX512_INLINE __mmask64 inside(int64_t at, int64_t count)
{
    const int64_t from = at < 0 ? -at : 0, to = count - at < BLOCK ? count - at : BLOCK;

    if (from >= BLOCK || to <= from)
        return 0;
    return _bzhi_u64(~UINT64_C(0), (unsigned)to) & (~UINT64_C(0) << from);
}

/* One ofmap row of one block of channels, c0 .. c0 + 63, of any layer. */
AVX512 static void row_any(const struct packed_layer *l, const int8_t *image, int64_t y0, int64_t b, char *q, int8_t *out)
{
    const struct rs_conv_shape *sh = &l->sh;
    const __m512i zp = _mm512_set1_epi8((char)l->zp_in);
    const size_t group_bytes = (size_t)columns(sh) * COLUMN_BYTES;
    const size_t tap_bytes = (size_t)sh->dilation_w * COLUMN_BYTES;
    const int64_t c0 = b * BLOCK, pixels = l->pixels, row_bytes = (int64_t)sh->w * sh->c;
    const __mmask64 channels = inside(0, sh->c - c0);
    const struct stage *stage = packed_stages(l) + b;
    int64_t column = 0;                /* those before it are interleaved, or not needed */

    for (int64_t f = 0; f < sh->f; f += pixels) {
        const int64_t begin = f * sh->stride_w, end = begin + (int64_t)(sh->s - 1) * sh->dilation_w + 1;

        for (column = column < begin ? begin : column; column < end; column++) {
            const int64_t x = column - sh->pad_left, offset = x * sh->c;
            const __mmask64 mask = pixels > 1 ? inside(offset, row_bytes) : x < 0 || x >= sh->w ? 0 : channels;

            for (int r = 0; r < sh->r; r += GROUP) {
                const int8_t *row[GROUP];
                __mmask64 masks[GROUP];

                for (int k = 0; k < GROUP; k++) {
                    const int64_t y = y0 + (int64_t)(r + k) * sh->dilation_h;
                    const bool there = r + k < sh->r && y >= 0 && y < sh->h;

                    masks[k] = there ? mask : 0;
                    row[k] = there ? image + y * row_bytes + c0 : image;
                }
                interleave(row, masks, offset, zp,
                           q + (size_t)(r / GROUP) * group_bytes + (size_t)column * COLUMN_BYTES);
            }
        }
        const __mmask64 mask = pixels > 1 ? inside(f * sh->c, (int64_t)sh->f * sh->c) : channels;
        __m512i acc[4];

        sum_block(sh->r, sh->s, q + (size_t)begin * COLUMN_BYTES, group_bytes, tap_bytes,
                  (const char *)packed_b(l) + b * l->panel_bytes, stage, acc);
        _mm512_mask_storeu_epi8(out + f * sh->m + c0, mask, codes64(acc, stage, &l->common));
    }
}

/*
 * The same for R x S known to the compiler and dilation_w 1: row pointers and masks outside the loop,
 * columns in the middle of the row without masks.
 */
AVX512_INLINE void row_fixed(const int rows, const int taps, const struct packed_layer *l, const int8_t *image, int64_t y0,
                             int64_t b, char *q, int8_t *out)
{
    enum { MOST = 2 * GROUP };
    const struct rs_conv_shape *sh = &l->sh;
    const __m512i zp = _mm512_set1_epi8((char)l->zp_in), flip = _mm512_set1_epi8((char)0x80);
    const size_t group_bytes = (size_t)columns(sh) * COLUMN_BYTES;
    const int64_t c0 = b * BLOCK, pixels = l->pixels, row_bytes = (int64_t)sh->w * sh->c, last = sh->w;
    const int64_t c = sh->c, stride = sh->stride_w, pad = sh->pad_left, f_end = sh->f, m = sh->m;
    const __mmask64 channels = inside(0, c - c0);
    const char *w = (const char *)packed_b(l) + b * l->panel_bytes;
    const struct stage *stage = packed_stages(l) + b;
    const int8_t *row[MOST];
    __mmask64 there[MOST];
    bool all = true;
    int64_t column = 0;

    for (int k = 0; k < MOST; k++) {
        const int64_t y = y0 + (int64_t)k * sh->dilation_h;
        const bool is = k < rows && y >= 0 && y < sh->h;

        there[k] = is ? ~UINT64_C(0) : 0;
        row[k] = is ? image + y * row_bytes + c0 : image;
        all = all && (is || k >= rows);
    }
    for (int64_t f = 0; f < f_end; f += pixels) {
        const int64_t begin = f * stride, end = begin + taps;

        for (column = column < begin ? begin : column; column < end; column++) {
            const int64_t x = column - pad, offset = x * c;
            const bool full = all && x >= 0 && (pixels > 1 ? offset + BLOCK <= row_bytes : x < last && c - c0 >= BLOCK);
            char *to = q + (size_t)column * COLUMN_BYTES;

#pragma GCC unroll 2
            for (int r = 0; r < rows; r += GROUP, to += group_bytes) {
                if (full) {
                    __m512i in[GROUP];

#pragma GCC unroll 4
                    for (int k = 0; k < GROUP; k++)
                        in[k] = r + k < rows ? _mm512_xor_si512(_mm512_loadu_si512(row[r + k] + offset), flip)
                                             : _mm512_setzero_si512();
                    interleave_store(in, to);
                } else {
                    const __mmask64 mask = pixels > 1 ? inside(offset, row_bytes) : x < 0 || x >= last ? 0 : channels;
                    __mmask64 masks[GROUP];

                    for (int k = 0; k < GROUP; k++)
                        masks[k] = mask & there[r + k];
                    interleave(row + r, masks, offset, zp, to);
                }
            }
        }
        __m512i acc[4];
        int8_t *to = out + f * m + c0;

        sum_block(rows, taps, q + (size_t)begin * COLUMN_BYTES, group_bytes, COLUMN_BYTES, w, stage, acc);

        const __m512i codes = codes64(acc, stage, &l->common);

        if (pixels > 1 ? f * c + BLOCK <= f_end * c : c - c0 >= BLOCK)
            _mm512_storeu_si512(to, codes);
        else
            _mm512_mask_storeu_epi8(to, pixels > 1 ? inside(f * c, f_end * c) : channels, codes);
    }
}

/* Three filter rows of the ifmap; a row of padding is one pixel of real zero, again and again. */
struct strip {
    const int8_t *row[3];
    int64_t step[3];                   /* all ones; 0 in a row of padding */
};

/* 64 bytes of three rows from position @at on, interleaved with nothing as the fourth; outside @mask: real zero. */
AVX512_INLINE void window(const struct strip *s, int64_t at, bool full, __mmask64 mask, __m512i zp, __m512i w[4])
{
    const __m512i flip = _mm512_set1_epi8((char)0x80), none = _mm512_setzero_si512();
    __m512i x[3];

#pragma GCC unroll 3
    for (int k = 0; k < 3; k++) {
        const int8_t *from = s->row[k] + (at & s->step[k]);

        x[k] = _mm512_xor_si512(full ? _mm512_loadu_si512(from) : _mm512_mask_loadu_epi8(zp, mask, from), flip);
    }
    const __m512i lo01 = _mm512_unpacklo_epi8(x[0], x[1]), hi01 = _mm512_unpackhi_epi8(x[0], x[1]);
    const __m512i lo2 = _mm512_unpacklo_epi8(x[2], none), hi2 = _mm512_unpackhi_epi8(x[2], none);

    w[0] = _mm512_unpacklo_epi16(lo01, lo2);
    w[1] = _mm512_unpackhi_epi16(lo01, lo2);
    w[2] = _mm512_unpacklo_epi16(hi01, hi2);
    w[3] = _mm512_unpackhi_epi16(hi01, hi2);
}

/*
 * 3x3, dilation_w 1, columns in registers.  @lanes: 128-bit lanes of a pixel.  4: a window is one column of 64 channels,
 * and @stride new ones come for each pixel.  2 or 1 (C 32 or 16, stride 1): it is 2 or 4 neighbouring pixels, the next
 * one follows it, and those between are made of the two.
 */
AVX512_INLINE void row_3x3(const int lanes, const int stride, const struct packed_layer *l, const int8_t *image, int64_t y0,
                           int64_t b, int8_t *out)
{
    const struct rs_conv_shape *sh = &l->sh;
    const struct stage_common common = l->common;
    const struct stage *stage = packed_stages(l) + b;
    const char *w = (const char *)packed_b(l) + b * l->panel_bytes;
    const __m512i zp = _mm512_set1_epi8((char)l->zp_in);
    const int pixels = 4 / lanes;
    const int64_t c = sh->c, c0 = b * BLOCK, row_bytes = sh->w * c, m = sh->m, f_end = sh->f;
    const bool block_full = c - c0 >= BLOCK;
    const __mmask64 channels = inside(0, c - c0);
    int8_t zero[BLOCK];
    struct strip strip;
    __m512i x[3][4];

    _mm512_storeu_si512(zero, zp);
    for (int k = 0; k < 3; k++) {
        const int64_t y = y0 + (int64_t)k * sh->dilation_h;
        const bool is = y >= 0 && y < sh->h;

        strip.row[k] = is ? image + y * row_bytes + c0 : zero;
        strip.step[k] = is ? -1 : 0;
    }
#define WINDOW(column, to) do {                                                                                     \
        const int64_t column_ = (column), at_ = column_ * c;                                                        \
        const bool in_ = column_ >= 0 && (lanes < 4 ? at_ + BLOCK <= row_bytes : block_full && column_ < sh->w);    \
                                                                                                                    \
        if (__builtin_expect(in_, 1))                                                                               \
            window(&strip, at_, true, 0, zp, to);                                                                   \
        else                                                                                                        \
            window(&strip, at_, false, lanes < 4 ? inside(at_, row_bytes)                                           \
                                                 : column_ < 0 || column_ >= sh->w ? 0 : channels, zp, to);         \
    } while (0)

    WINDOW(-(int64_t)sh->pad_left, x[0]);
    if (lanes == 4 && stride == 1)
        WINDOW(1 - (int64_t)sh->pad_left, x[1]);
    for (int64_t f = 0; f < f_end; f += pixels) {
        const int64_t column = f * stride - sh->pad_left;
        __m512i acc[4], next[4];

        if (lanes == 4) {
            if (stride == 2)
                WINDOW(column + 1, x[1]);
            WINDOW(column + 2, x[2]);
        } else {
            WINDOW(column + pixels, next);
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++) {
                x[1][v] = lanes == 2 ? _mm512_alignr_epi64(next[v], x[0][v], 4) : _mm512_alignr_epi64(next[v], x[0][v], 2);
                x[2][v] = lanes == 2 ? next[v] : _mm512_alignr_epi64(next[v], x[0][v], 4);
            }
        }
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            acc[v] = _mm512_loadu_si512(stage->bias + 16 * v);
#pragma GCC unroll 3
            for (int s = 0; s < 3; s++)
                acc[v] = _mm512_dpbusd_epi32(acc[v], x[s][v], _mm512_loadu_si512(w + COLUMN_BYTES * s + 64 * v));
        }
        const __m512i codes = codes64(acc, stage, &common);
        int8_t *to = out + f * m + c0;

        if (lanes < 4 ? (f + pixels) * c <= f_end * c : block_full)
            _mm512_storeu_si512(to, codes);
        else
            _mm512_mask_storeu_epi8(to, lanes < 4 ? inside(f * c, f_end * c) : channels, codes);
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            x[0][v] = lanes < 4 ? next[v] : stride == 1 ? x[1][v] : x[2][v];
            x[1][v] = x[2][v];
        }
    }
#undef WINDOW
}

#define ROW_3X3(lanes, stride)                                                                                       \
    AVX512 static void row_3x3_##lanes##_##stride(const struct packed_layer *l, const int8_t *image, int64_t y0,      \
                                                  int64_t b, char *q, int8_t *out)                                   \
    {                                                                                                                \
        (void)q;                                                                                                     \
        row_3x3(lanes, stride, l, image, y0, b, out);                                                                \
    }
ROW_3X3(4, 1) ROW_3X3(4, 2) ROW_3X3(2, 1) ROW_3X3(1, 1)

AVX512 static void row_3x3_any(const struct packed_layer *l, const int8_t *image, int64_t y0, int64_t b, char *q, int8_t *out)
{
    row_fixed(3, 3, l, image, y0, b, q, out);
}

AVX512 static void row_5x5(const struct packed_layer *l, const int8_t *image, int64_t y0, int64_t b, char *q, int8_t *out)
{
    row_fixed(5, 5, l, image, y0, b, q, out);
}

typedef void row_function(const struct packed_layer *, const int8_t *, int64_t, int64_t, char *, int8_t *);

static row_function *choose_row(const struct packed_layer *l)
{
    const struct rs_conv_shape *sh = &l->sh;

    if (sh->dilation_w != 1)
        return row_any;
    if (sh->r == 5 && sh->s == 5)
        return row_5x5;
    if (sh->r != 3 || sh->s != 3)
        return row_any;
    if (l->pixels == 1)
        return sh->stride_w == 1 ? row_3x3_4_1 : sh->stride_w == 2 ? row_3x3_4_2 : row_3x3_any;
    return l->pixels * sh->c != BLOCK ? row_3x3_any : sh->c == 32 ? row_3x3_2_1 : sh->c == 16 ? row_3x3_1_1 : row_3x3_any;
}

void rs_depthwise_s8_rows__avx512vnni(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap,
                                      int64_t first, int64_t last, void *scratch)
{
    const struct rs_conv_shape *sh = &l->sh;
    row_function *const row_fn = choose_row(l);

    for (int64_t row = first; row < last; row++) {
        const int8_t *image = ifmap + row / sh->e * sh->h * sh->w * sh->c;
        const int64_t y0 = row % sh->e * sh->stride_h - sh->pad_top;

        for (int64_t b = 0; b < l->blocks; b++)
            row_fn(l, image, y0, b, scratch, ofmap + row * sh->f * sh->m);
    }
}
#else
typedef int rs_depthwise_s8__avx512vnni_is_empty;
#endif
