/* winograd__avx2.c - Winograd's 3x3 (winograd.h) with VPMADDWD. */
#if defined(__x86_64__)
#include "store__avx2.h"

#define VECTOR_BYTES 32
#define TARGET AVX2
#define EACH_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6)
enum { TILES = 6, NV = 2, CHAINS = 2 };

#include "winograd__vector.h"

INLINE v16 widen(const int8_t *codes)
{
    return (v16)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)codes));
}

INLINE v32 pair(const int16_t *two)
{
    int x;

    memcpy(&x, two, sizeof x);
    return (v32)_mm256_set1_epi32(x);
}

INLINE v32 multiply_add(v32 sum, v32 two, const int16_t *filters)
{
    return sum + (v32)_mm256_madd_epi16((__m256i)two, _mm256_loadu_si256((const __m256i *)(const void *)filters));
}

INLINE void store_tile(v32 acc[PIXELS][NV], const struct stage *stage, const struct stage_common *c, int8_t *out)
{
    const struct rows to = { out, NULL, NR };

    store(PIXELS, 0, NR, (__m256i (*)[2])(void *)acc, stage, c, &to);
}

TARGET void rs_winograd_rows__avx2(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap, int64_t first, int64_t last,
                                   void *scratch)
{
    run_rows(l, ifmap, ofmap, first, last, scratch);
}
#else
typedef int rs_winograd__avx2_is_empty;
#endif
