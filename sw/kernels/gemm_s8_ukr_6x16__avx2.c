/*
 * gemm_s8_ukr_6x16__avx2.c - int8 GEMM tile with VPMADDWD, exact.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[k][i] * b[k][j]        i < mr <= 6, j < 16
 *
 * Operands are int16: activations less zp_in (9 bits), and filters.  VPMADDWD adds two 17-bit products in 32 bits:
 * nothing can saturate, unlike VPMADDUBSW, whose 16-bit sums do.  12 accumulators, 2 registers of b, 1 of a, 1
 * product: all 16.  Layouts: packed.h, kr = 2.
 */
#if defined(__x86_64__)
#include "fixedpoint.h"
#include "depthwise_isa.h"
#include "packed.h"
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { MR = 6, NR = 16 };

struct packer {
    char *row;
    size_t chunk_bytes;
    __m256i zp;                        /* in each 16-bit lane */
    int32_t zp_scalar;
};

#define PACK_TARGET TARGET
#define PACK_ELEMENT_BYTES 2

TARGET static inline void pack_copy(struct packer *p, int64_t k, const int8_t *src, int64_t count)
{
    char *dst = p->row + (size_t)k / 32 * p->chunk_bytes;
    int64_t at = k % 32;

    while (count > 0) {
        const int64_t n = count < 32 - at ? count : 32 - at;
        int64_t i = 0;

        for (; i + 16 <= n; i += 16) {
            const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(src + i));

            _mm256_storeu_si256((__m256i *)(void *)(dst + 2 * (at + i)),
                                _mm256_sub_epi16(_mm256_cvtepi8_epi16(x), p->zp));
        }
        for (; i < n; i++)
            ((int16_t *)(void *)dst)[at + i] = (int16_t)(src[i] - p->zp_scalar);
        src += n;
        count -= n;
        dst += p->chunk_bytes;
        at = 0;
    }
}

TARGET static inline void pack_fill(struct packer *p, int64_t k, int64_t count)
{
    char *dst = p->row + (size_t)k / 32 * p->chunk_bytes;
    int64_t at = k % 32;

    while (count > 0) {
        const int64_t n = count < 32 - at ? count : 32 - at;

        for (int64_t i = 0; i < n; i++)
            ((int16_t *)(void *)dst)[at + i] = 0;
        count -= n;
        dst += p->chunk_bytes;
        at = 0;
    }
}

#include "gemm_pack_a.inc.h"

TARGET static void pack_a(const struct packed_layer *l, const int8_t *ifmap, int64_t first, int mr, void *a)
{
    struct packer p = { NULL, (size_t)mr * GEMM_CHUNK, _mm256_set1_epi16((short)l->zp_in), l->zp_in };

    (void)pack_offset;
    pack_pixels(l, ifmap, first, mr, &p, a);
}

/* 8 lanes of gemmlowp's double rounding; see gemm_s8_ukr_14x32__avx512vnni.c.  @rounds: -1 where right > 0. */
INLINE __m256i requantize8(__m256i acc, __m256i mult, __m256i half, __m256i right, __m256i rounds)
{
    const __m256i nudge = _mm256_set1_epi64x(1 << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(acc, mult), nudge);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(acc, 32), _mm256_srli_epi64(mult, 32)),
                                         nudge);
    __m256i y = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_add_epi64(odd, odd), 0xAA);

    y = _mm256_add_epi32(y, _mm256_and_si256(rounds, _mm256_srai_epi32(y, 31)));
    return _mm256_srav_epi32(_mm256_add_epi32(y, half), right);
}

INLINE int load32(const char *p)
{
    int x;

    memcpy(&x, p, sizeof x);
    return x;
}

INLINE void tile(const int mr, int filters, size_t steps, const char *a, const char *b, const struct stage *stage,
                 const struct stage_common *c, void *out, size_t ldo)
{
    __m256i acc[MR][2];

#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
        acc[i][0] = _mm256_loadu_si256((const __m256i *)(const void *)stage->bias);
        acc[i][1] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->bias + 8));
    }
    for (size_t left = steps; left > 0; a += (size_t)mr * GEMM_CHUNK) {
        const size_t here = left < GEMM_CHUNK / 4 ? left : GEMM_CHUNK / 4;
        const char *ak = a, *end = a + 4 * here;

        left -= here;
        for (; ak != end; ak += 4, b += 64) {
            const __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)b);
            const __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)(b + 32));

#pragma GCC unroll 6
            for (int i = 0; i < mr; i++) {
                const __m256i x = _mm256_set1_epi32(load32(ak + i * GEMM_CHUNK));

                acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(x, w0));
                acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(x, w1));
            }
        }
    }

    if (c->mode != STAGE_DOUBLE) {
        int32_t plain[MR][GEMM_MAX_NR];

#pragma GCC unroll 6
        for (int i = 0; i < mr; i++) {
            _mm256_storeu_si256((__m256i *)(void *)&plain[i][0], acc[i][0]);
            _mm256_storeu_si256((__m256i *)(void *)&plain[i][8], acc[i][1]);
        }
        rs_stage_general(mr, filters, plain[0], stage, c, out, ldo);
        return;
    }

    const __m256i zero = _mm256_setzero_si256();
    __m256i mult[2], half[2], right[2], rounds[2];

#pragma GCC unroll 2
    for (int v = 0; v < 2; v++) {
        mult[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->mult + 8 * v));
        half[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->half + 8 * v));
        right[v] = _mm256_loadu_si256((const __m256i *)(const void *)(stage->right + 8 * v));
        rounds[v] = _mm256_cmpgt_epi32(right[v], zero);
    }
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
        const __m256i y0 = requantize8(acc[i][0], mult[0], half[0], right[0], rounds[0]);
        const __m256i y1 = requantize8(acc[i][1], mult[1], half[1], right[1], rounds[1]);
        /* packs works in 128-bit halves: y0 low, y1 low | y0 high, y1 high */
        const __m256i h = _mm256_adds_epi16(_mm256_permute4x64_epi64(_mm256_packs_epi32(y0, y1), 0xD8),
                                            _mm256_set1_epi16((short)c->zp_out));
        __m128i q = _mm_packs_epi16(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
        int8_t *row = (int8_t *)out + (size_t)i * ldo;

        q = _mm_min_epi8(_mm_max_epi8(q, _mm_set1_epi8((char)c->act_min)), _mm_set1_epi8((char)c->act_max));
        if (filters == NR) {
            _mm_storeu_si128((__m128i *)(void *)row, q);
        } else {
            int8_t codes[NR];

            _mm_storeu_si128((__m128i *)(void *)codes, q);
            for (int j = 0; j < filters; j++)
                row[j] = codes[j];
        }
    }
}

#define TILE(mr) \
    TARGET static void tile_##mr(int f, size_t k, const char *a, const char *b, const struct stage *s,            \
                                 const struct stage_common *c, void *out, size_t ldo)                             \
    { tile(mr, f, k, a, b, s, c, out, ldo); }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)

static void any_tile(int mr, int filters, size_t steps, const void *a, const void *b, const struct stage *stage,
                     const struct stage_common *common, void *out, size_t row_elements)
{
    typedef void tile_fixed(int, size_t, const char *, const char *, const struct stage *,
                            const struct stage_common *, void *, size_t);
    static tile_fixed *const tiles[MR] = { tile_1, tile_2, tile_3, tile_4, tile_5, tile_6 };

    assert(mr >= 1 && mr <= MR && filters >= 1 && filters <= NR);
    tiles[mr - 1](filters, steps, a, b, stage, common, out, row_elements);
}

const struct kernel_isa rs_kernel_isa_avx2 = {
    .mr = MR, .nr = NR, .kr = 2, .narrow = NR, .element_bytes = 2, .offset = 0, .tile = any_tile, .pack_a = pack_a,
    .dw = RS_DEPTHWISE_ISA_AVX2,
};
#else
typedef int rs_gemm_s8_ukr_6x16__avx2_is_empty;
#endif
