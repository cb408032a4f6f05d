/* add_s8__avx512.c - sums of neighbours in two tensors: three double roundings in 16 lanes (requantize__avx512.h). */
#if defined(__x86_64__)
#include "requantize__avx512.h"

AVX512_INLINE struct lanes same_lanes(int32_t mult, int32_t shift)
{
    const int32_t half = shift < 0 ? (int32_t)(UINT32_C(1) << (-shift - 1)) : 0;
    const __m512i m = _mm512_set1_epi32(mult), nudge = _mm512_set1_epi64((INT64_C(1) << 31) + half * (INT64_C(1) << 32));

    return (struct lanes){ .mult_even = m, .mult_odd = m, .nudge_even = nudge, .nudge_odd = nudge,
                           .right = _mm512_set1_epi32(-shift), .rounds = shift < 0 ? 0xFFFF : 0 };
}

/* |code - zp| << left_shift is less than 2^30, and so is the sum of two of them rescaled by less than 1. */
AVX512 void rs_add_s8_row__avx512(int64_t count, const int8_t *in1, const int8_t *in2, const struct rs_add_quant *q,
                                  int8_t *out)
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
#else
typedef int rs_add_s8__avx512_is_empty;
#endif
