/* winograd__avx512vnni.c - Winograd's 3x3 (winograd.h) with VPDPWSSD. */
#if defined(__x86_64__)
#include "store__avx512.h"

#define VECTOR_BYTES 64
#define TARGET AVX512
#define EACH_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
enum { TILES = 14, NV = 2, CHAINS = 10 };

#include "winograd__vector.h"

INLINE v16 widen(const int8_t *codes)
{
    return (v16)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)codes));
}

INLINE v32 pair(const int16_t *two)
{
    int x;

    memcpy(&x, two, sizeof x);
    return (v32)_mm512_set1_epi32(x);
}

INLINE v32 multiply_add(v32 sum, v32 two, const int16_t *filters)
{
    return (v32)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)two, _mm512_loadu_si512(filters));
}

INLINE void store_tile(v32 acc[PIXELS][NV], const struct stage *stage, const struct stage_common *c, int8_t *out)
{
    const struct rows to = { out, NULL, NR };

    store(PIXELS, 0, NV, NR, (__m512i (*)[2])(void *)acc, stage, c, &to);
}

TARGET void rs_winograd_rows__avx512vnni(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap, int64_t first,
                                         int64_t last, void *scratch)
{
    run_rows(l, ifmap, ofmap, first, last, scratch);
}
#else
typedef int rs_winograd__avx512vnni_is_empty;
#endif
