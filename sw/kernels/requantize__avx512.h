/*
 * requantize__avx512.h - gemmlowp's double rounding in 16 lanes of 32 bits.  Internal to sw/kernels/.
 *
 *   y = floor((a * mult + 2^30) / 2^31)              SRDHM
 *   z = (y + half - (y < 0)) >> right                RDBP, where right > 0
 *
 * a * mult is 64 bits: two products, of even and of odd lanes.  With 2a for a, y is the upper half of
 * 2a * mult + 2^31, and y + half that of 2a * mult + (2^31 + half * 2^32): one addition for both.  The sign of a may
 * stand for that of y: they differ only where y = 0 for negative a, and there half - 1 >> right is 0 too.
 * STAGE_DOUBLE: |a| < 2^30 and no left shift, so that 2a and y + half fit 32 bits.
 */
#ifndef RS_KERNELS_REQUANTIZE__AVX512_H
#define RS_KERNELS_REQUANTIZE__AVX512_H
#include "packed.h"
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi2")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) static inline

struct lanes {                         /* of 16 channels */
    __m512i mult_even, mult_odd, nudge_even, nudge_odd, right;
    __mmask16 rounds;                  /* right > 0 */
};

AVX512_INLINE struct lanes load_lanes(const struct stage *stage, int v)
{
    struct lanes t;

    t.mult_even = _mm512_loadu_si512(stage->mult + 16 * v);
    t.mult_odd = _mm512_loadu_si512(stage->mult_odd + 16 * v);
    t.nudge_even = _mm512_loadu_si512(stage->nudge_even + 8 * v);
    t.nudge_odd = _mm512_loadu_si512(stage->nudge_odd + 8 * v);
    t.right = _mm512_loadu_si512(stage->right + 16 * v);
    t.rounds = _mm512_test_epi32_mask(t.right, t.right);
    return t;
}

AVX512_INLINE __m512i requantize16(__m512i acc, const struct lanes *t)
{
    const __m512i twice = _mm512_add_epi32(acc, acc);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, t->mult_even), t->nudge_even);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(twice, 32), t->mult_odd), t->nudge_odd);
    __m512i y = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);

    y = _mm512_mask_add_epi32(y, t->rounds, y, _mm512_srai_epi32(acc, 31));
    return _mm512_srav_epi32(y, t->right);
}

/* The quick stage (packed.h): 16 codes less zp_out, not clamped.  @doubt: greatest distance from a code, so far. */
AVX512_INLINE __m512i requantize16_quick(__m512i acc, const float *scale, const float *slant, __m512 *doubt)
{
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    const __m512 x = _mm512_cvtepi32_ps(acc);
    /* slant | (x & sign) */
    const __m512 tilt = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(_mm512_loadu_ps(slant)), acc, sign, 0xF8));
    const __m512 v = _mm512_fmadd_ps(x, _mm512_loadu_ps(scale), tilt);
    const __m512i code = _mm512_cvtps_epi32(v);

    *doubt = _mm512_range_ps(*doubt, _mm512_reduce_ps(v, 0), 0x0B);     /* v less the nearest; greater magnitude, sign 0 */
    return code;
}

/* By a line (line.h): 16 codes; of two sides, twice them and less than a half, less zp_out; not clamped. */
AVX512_INLINE __m512i requantize16_line(const enum stage_line line, __m512i acc, const float *scale, const float *lean)
{
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    const __m512 away = _mm512_loadu_ps(lean);
    const __m512 turned = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(away), acc, sign, 0xF8));

    enum { DOWN = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC };

    return _mm512_cvt_roundps_epi32(_mm512_fmadd_round_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale),
                                                          line == LINE_ONE_SIDED ? away : turned, DOWN), DOWN);
}

/* Lanes to 16 bits with saturation, in the order of packs; with zero point: @zp as of zp_addend(). */
AVX512_INLINE __m512i narrow16(const enum stage_line line, __m512i a, __m512i b, __m512i zp)
{
    const __m512i h = _mm512_packs_epi32(a, b);

    return line == LINE_ONE_SIDED ? h : line == LINE_NONE ? _mm512_adds_epi16(h, zp) : _mm512_srai_epi16(_mm512_adds_epi16(h, zp), 1);
}

AVX512_INLINE __m512i zp_addend(const enum stage_line line, int32_t zp_out)
{
    return _mm512_set1_epi16((short)(line == LINE_TWO_SIDED ? 2 * zp_out + 1 : zp_out));
}

/* Whether floats could not tell some code. */
AVX512_INLINE bool doubtful(__m512 doubt)
{
    return _mm512_cmp_ps_mask(doubt, _mm512_set1_ps(QUICK_DOUBT), _CMP_GE_OQ) != 0;
}

/* RS_ROUND_ONNX: 16 codes less zp_out, clamped to [lo, hi] before the conversion, as rs_requantize_s32_s8() does. */
AVX512_INLINE __m512i requantize16_onnx(__m512i acc, const float *scale, const struct stage_common *c)
{
    const __m512 lo = _mm512_set1_ps((float)(c->act_min - c->zp_out)), hi = _mm512_set1_ps((float)(c->act_max - c->zp_out));
    const __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale));

    return _mm512_cvt_roundps_epi32(_mm512_min_ps(_mm512_max_ps(y, lo), hi), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
#endif
