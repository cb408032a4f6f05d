/*
 * add_s8__avx512.c - sums of neighbours in two tensors: quickly in floats where those can tell the code, else three
 * double roundings in 16 lanes (requantize__avx512.h).
 */
#if defined(__x86_64__)
#include "requantize__avx512.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 64 };

AVX512_INLINE struct lanes same_lanes(int32_t mult, int32_t shift)
{
    const int32_t half = shift < 0 ? (int32_t)(UINT32_C(1) << (-shift - 1)) : 0;
    const __m512i m = _mm512_set1_epi32(mult), nudge = _mm512_set1_epi64((INT64_C(1) << 31) + half * (INT64_C(1) << 32));

    return (struct lanes){ .mult_even = m, .mult_odd = m, .nudge_even = nudge, .nudge_odd = nudge,
                           .right = _mm512_set1_epi32(-shift), .rounds = shift < 0 ? 0xFFFF : 0 };
}

/* |code - zp| << left_shift is less than 2^30, and so is the sum of two of them rescaled by less than 1. */
AVX512 __attribute__((noinline)) static void add_exact(int64_t count, const int8_t *in1, const int8_t *in2,
                                                       const struct rs_add_quant *q, int8_t *out)
{
    const struct lanes t1 = same_lanes(q->mult1, q->shift1), t2 = same_lanes(q->mult2, q->shift2);
    const struct lanes t_out = same_lanes(q->mult_out, q->shift_out);
    const __m512i zp1 = _mm512_set1_epi32(q->zp1), zp2 = _mm512_set1_epi32(q->zp2), zp = _mm512_set1_epi32(q->zp_out);
    const __m512i lo = _mm512_set1_epi32(q->act_min - q->zp_out), hi = _mm512_set1_epi32(q->act_max - q->zp_out);
    const __m128i left = _mm_cvtsi32_si128(q->left_shift);

    for (int64_t i = 0; i < count; i += 16) {
        const __mmask16 mask = (__mmask16)_bzhi_u32(0xFFFF, (unsigned)(count - i < 16 ? count - i : 16));
        const __m512i x1 = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, in1 + i));
        const __m512i x2 = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, in2 + i));
        const __m512i sum = _mm512_add_epi32(requantize16(_mm512_sll_epi32(_mm512_sub_epi32(x1, zp1), left), &t1),
                                             requantize16(_mm512_sll_epi32(_mm512_sub_epi32(x2, zp2), left), &t2));
        const __m512i y = _mm512_min_epi32(_mm512_max_epi32(requantize16(sum, &t_out), lo), hi);

        _mm512_mask_cvtepi32_storeu_epi8(out + i, mask, _mm512_add_epi32(y, zp));
    }
}

/* code less zp_out = nearest(in1 * scale1 + in2 * scale2 + offset), if that is not within @doubt of a tie. */
struct quick_add { float scale1, scale2, offset, doubt; };

/*
 * The two inner roundings move the sum by less than 2 (each is off by 1/2 + 1/2 at most), the code by less than 2 *
 * scale_out; the outer one is nearest() but for a slant of 2^-(right + 1) (packed.h).  In floats, with u = 2^-24 and
 * S = scale1 + scale2: scales and offset are off by u each, their shares by 128 S u, 128 S u; the inner fma by 256 S u,
 * the outer by as much: 768 S u in all.  Beyond |code| 256 of either the code saturates.
 */
static bool quick_of(const struct rs_add_quant *q, struct quick_add *f)
{
    const double out = ldexp(q->mult_out, q->shift_out - 31);
    const double s1 = ldexp(q->mult1, q->left_shift + q->shift1 - 31) * out;
    const double s2 = ldexp(q->mult2, q->left_shift + q->shift2 - 31) * out;
    const double doubt = 2.0 * out + ldexp(0.5, q->shift_out) + ldexp(s1 + s2, -14);

    *f = (struct quick_add){ (float)s1, (float)s2, (float)-(s1 * q->zp1 + s2 * q->zp2), (float)(0.5 - doubt) };
    return doubt < 0x1p-8;             /* more often than that, trying costs more than it saves */
}

AVX512_INLINE __m512i quick16(__m128i in1, __m128i in2, const struct quick_add *f, __m512 *far)
{
    const __m512 x1 = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(in1)), x2 = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(in2));
    const __m512 v = _mm512_fmadd_ps(x1, _mm512_set1_ps(f->scale1),
                                     _mm512_fmadd_ps(x2, _mm512_set1_ps(f->scale2), _mm512_set1_ps(f->offset)));

    *far = _mm512_range_ps(*far, _mm512_reduce_ps(v, 0), 0x0B);         /* distance from the nearest; the greater magnitude */
    return _mm512_cvtps_epi32(v);
}

/* In registers: a store of codes could otherwise have changed them, for all the compiler knows. */
struct codes { __m512i zp, act_min, act_max; };

/* @count <= 64 sums; false: in doubt.  Reads all before it writes, so that @out may be an input. */
AVX512_INLINE bool quick64(__mmask64 mask, const int8_t *in1, const int8_t *in2, const struct quick_add *f,
                           const struct codes *c, int8_t *out)
{
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512 far[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
    __m512i y[4], codes;

#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
        const __mmask16 part = (__mmask16)(mask >> (16 * v));
        const bool all = mask == ~UINT64_C(0);
        const __m128i a = all ? _mm_loadu_si128((const void *)(in1 + 16 * v)) : _mm_maskz_loadu_epi8(part, in1 + 16 * v);
        const __m128i b = all ? _mm_loadu_si128((const void *)(in2 + 16 * v)) : _mm_maskz_loadu_epi8(part, in2 + 16 * v);

        y[v] = quick16(a, b, f, &far[v % 2]);
    }
    codes = _mm512_packs_epi16(_mm512_adds_epi16(_mm512_packs_epi32(y[0], y[1]), c->zp),
                               _mm512_adds_epi16(_mm512_packs_epi32(y[2], y[3]), c->zp));
    codes = _mm512_min_epi8(_mm512_max_epi8(codes, c->act_min), c->act_max);
    if (_mm512_cmp_ps_mask(_mm512_max_ps(far[0], far[1]), _mm512_set1_ps(f->doubt), _CMP_GE_OQ) != 0)
        return false;
    _mm512_mask_storeu_epi8(out, mask, _mm512_permutexvar_epi32(order, codes));
    return true;
}

AVX512 void rs_add_s8_row__avx512(int64_t count, const int8_t *in1, const int8_t *in2, const struct rs_add_quant *q,
                                  int8_t *out)
{
    const struct codes c = { _mm512_set1_epi16((short)q->zp_out), _mm512_set1_epi8((char)q->act_min),
                             _mm512_set1_epi8((char)q->act_max) };
    struct quick_add given;

    if (!quick_of(q, &given)) {
        add_exact(count, in1, in2, q, out);
        return;
    }
    const struct quick_add f = given;

    for (; count >= BLOCK; count -= BLOCK, in1 += BLOCK, in2 += BLOCK, out += BLOCK)
        if (!quick64(~UINT64_C(0), in1, in2, &f, &c, out))
            add_exact(BLOCK, in1, in2, q, out);
    if (count > 0 && !quick64(_bzhi_u64(~UINT64_C(0), (unsigned)count), in1, in2, &f, &c, out))
        add_exact(count, in1, in2, q, out);
}
/* ------------------------------------------------------------------- planes */

AVX512_INLINE __m512i plane16(__m128i in1, __m128i in2, __m512 scale1, __m512 scale2, __m512 offset)
{
    enum { DOWN = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC };
    const __m512 x1 = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(in1)), x2 = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(in2));

    return _mm512_cvt_roundps_epi32(_mm512_fmadd_round_ps(x1, scale1, _mm512_fmadd_round_ps(x2, scale2, offset, DOWN), DOWN), DOWN);
}

AVX512 void rs_add_s8_plane_run__avx512(int64_t count, const int8_t *in1, const int8_t *in2, const struct rs_add_quant *q,
                                        const struct rs_add_plane *plane, int8_t *out)
{
    const __m512 scale1 = _mm512_set1_ps(plane->scale1), scale2 = _mm512_set1_ps(plane->scale2);
    const __m512 offset = _mm512_set1_ps(plane->offset);
    const __m512i act_min = _mm512_set1_epi8((char)q->act_min), act_max = _mm512_set1_epi8((char)q->act_max);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const bool clamps = q->act_min > INT8_MIN || q->act_max < INT8_MAX;

    for (; count > 0; count -= BLOCK, in1 += BLOCK, in2 += BLOCK, out += BLOCK) {
        const bool whole = count >= BLOCK;
        const __mmask64 mask = whole ? ~UINT64_C(0) : _bzhi_u64(~UINT64_C(0), (unsigned)count);
        __m512i y[4], codes;

#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            const __mmask16 part = (__mmask16)(mask >> (16 * v));

            y[v] = plane16(whole ? _mm_loadu_si128((const void *)(in1 + 16 * v)) : _mm_maskz_loadu_epi8(part, in1 + 16 * v),
                           whole ? _mm_loadu_si128((const void *)(in2 + 16 * v)) : _mm_maskz_loadu_epi8(part, in2 + 16 * v),
                           scale1, scale2, offset);
        }
        codes = _mm512_packs_epi16(_mm512_packs_epi32(y[0], y[1]), _mm512_packs_epi32(y[2], y[3]));
        if (clamps)
            codes = _mm512_min_epi8(_mm512_max_epi8(codes, act_min), act_max);
        _mm512_mask_storeu_epi8(out, mask, _mm512_permutexvar_epi32(order, codes));
    }
}

enum { CODES = 256 };

/* All pairs: want[in1 + 128][in2 + 128] by integers, which what runs later must equal.  @refuter: the row that last did not. */
static bool proven(const struct rs_add_quant *q, const struct rs_add_plane *plane, int8_t (*const want)[CODES], int *refuter)
{
    int8_t all[CODES], same[CODES], got[CODES];

    for (int j = 0; j < CODES; j++)
        all[j] = (int8_t)(j - 128);
    for (int n = 0; n < CODES; n++) {
        const int i = (*refuter + n) % CODES;

        memset(same, i - 128, CODES);
        rs_add_s8_plane_run__avx512(CODES, same, all, q, plane, got);
        if (memcmp(got, want[i], CODES) != 0) {
            *refuter = i;
            return false;
        }
    }
    return true;
}

static float ulps_away(double x, int ulps)
{
    float y = (float)x;

    for (; ulps > 0; ulps--)
        y = nextafterf(y, INFINITY);
    for (; ulps < 0; ulps++)
        y = nextafterf(y, 0.0f);
    return y;
}

/* Scales within 2 ulps of the true ones, offsets within 2^-16: sums are rounded down by as much on the way. */
bool rs_add_s8_plane_find__avx512(const struct rs_add_quant *q, struct rs_add_plane *plane)
{
    enum { AROUND = 5, OFFSETS = 64 };
    const double out = ldexp(q->mult_out, q->shift_out - 31);
    const double s1 = ldexp(q->mult1, q->left_shift + q->shift1 - 31) * out;
    const double s2 = ldexp(q->mult2, q->left_shift + q->shift2 - 31) * out;
    int8_t want[CODES][CODES], all[CODES], same[CODES];
    int refuter = 0;

    for (int j = 0; j < CODES; j++)
        all[j] = (int8_t)(j - 128);
    for (int i = 0; i < CODES; i++) {
        memset(same, i - 128, CODES);
        add_exact(CODES, same, all, q, want[i]);
    }
    for (int n = 0; n < AROUND * AROUND * OFFSETS; n++) {
        const float scale1 = ulps_away(s1, n % AROUND - AROUND / 2), scale2 = ulps_away(s2, n / AROUND % AROUND - AROUND / 2);
        const int k = n / (AROUND * AROUND);           /* offsets last, from the middle outwards */
        const double offset = q->zp_out + 0.5 - (double)scale1 * q->zp1 - (double)scale2 * q->zp2;
        const struct rs_add_plane near = { scale1, scale2, (float)(offset + ldexp(k % 2 != 0 ? k : -k, -22)) };

        if (proven(q, &near, want, &refuter)) {
            *plane = near;
            return true;
        }
    }
    return false;
}
#else
typedef int rs_add_s8__avx512_is_empty;
#endif
