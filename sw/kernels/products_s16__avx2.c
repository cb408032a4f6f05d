/* products_s16__avx2.c - products of int16 codes with VPMADDWD; see layer_s16.h. */
#if defined(__x86_64__)
#include "layer_s16.h"
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { LANES16 = 16, PIXELS = 2 };
typedef __m256i CODES, SUMS;

INLINE SUMS zeros(void) { return _mm256_setzero_si256(); }
INLINE CODES load16(const int16_t *p) { return _mm256_loadu_si256((const void *)p); }
INLINE CODES high_of(CODES w) { return _mm256_srai_epi16(w, 8); }
INLINE CODES low_of(CODES w) { return _mm256_and_si256(w, _mm256_set1_epi16(255)); }
INLINE SUMS madd(SUMS s, CODES x, CODES w) { return _mm256_add_epi32(s, _mm256_madd_epi16(x, w)); }
INLINE SUMS widen16(const int16_t *p) { return _mm256_cvtepi16_epi32(_mm_loadu_si128((const void *)p)); }
INLINE SUMS widen8(const int8_t *p) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)); }
INLINE SUMS high32(SUMS w) { return _mm256_srai_epi32(w, 8); }
INLINE SUMS low32(SUMS w) { return _mm256_and_si256(w, _mm256_set1_epi32(255)); }
INLINE SUMS mla(SUMS s, SUMS x, SUMS w) { return _mm256_add_epi32(s, _mm256_mullo_epi32(x, w)); }
INLINE void spill(int32_t *to, SUMS s) { _mm256_storeu_si256((void *)to, s); }

INLINE int64_t total(SUMS s)
{
    const __m256i four = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(s)),
                                          _mm256_cvtepi32_epi64(_mm256_extracti128_si256(s, 1)));
    const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));

    return _mm_cvtsi128_si64(two) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(two, two));
}

#include "products_s16.h"

const struct s16_isa rs_s16_isa_avx2 = { .lanes = LANES16, .pixels = PIXELS, .products = products, .depthwise = depthwise };
#else
typedef int rs_products_s16__avx2_is_empty;
#endif
