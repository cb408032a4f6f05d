/* products_s16__avx512vnni.c - products of int16 codes with VPDPWSSD, which wraps and does not saturate; see layer_s16.h. */
#if defined(__x86_64__)
#include "layer_s16.h"
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { LANES16 = 32, PIXELS = 4 };
typedef __m512i CODES, SUMS;

INLINE SUMS zeros(void) { return _mm512_setzero_si512(); }
INLINE CODES load16(const int16_t *p) { return _mm512_loadu_si512(p); }
INLINE CODES high_of(CODES w) { return _mm512_srai_epi16(w, 8); }
INLINE CODES low_of(CODES w) { return _mm512_and_si512(w, _mm512_set1_epi16(255)); }
INLINE SUMS madd(SUMS s, CODES x, CODES w) { return _mm512_dpwssd_epi32(s, x, w); }
INLINE SUMS widen16(const int16_t *p) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const void *)p)); }
INLINE SUMS widen8(const int8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)); }
INLINE SUMS high32(SUMS w) { return _mm512_srai_epi32(w, 8); }
INLINE SUMS low32(SUMS w) { return _mm512_and_si512(w, _mm512_set1_epi32(255)); }
INLINE SUMS mla(SUMS s, SUMS x, SUMS w) { return _mm512_add_epi32(s, _mm512_mullo_epi32(x, w)); }
INLINE void spill(int32_t *to, SUMS s) { _mm512_storeu_si512(to, s); }

INLINE int64_t total(SUMS s)
{
    return _mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(s)),
                                                    _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(s, 1))));
}

#include "products_s16.h"

const struct s16_isa rs_s16_isa_avx512vnni = { .lanes = LANES16, .pixels = PIXELS, .products = products, .depthwise = depthwise };
#else
typedef int rs_products_s16__avx512vnni_is_empty;
#endif
