/*
 * gemm_s8_ukr_14x32__avx512vnni.c - int8 GEMM tile with VPDPBUSD.
 *
 *   acc[i][j] = bias[j] + SUM over k of a[k][i] * b[k][j]        i < mr <= 14, j < 32
 *
 * VPDPBUSD multiplies unsigned by signed bytes, four of each into a 32-bit lane.  Activations are made unsigned by
 * x ^ 0x80 = x + 128, and bias[j] holds -(128 + zp_in) * SUM b[.][j] for it.  Sums wrap modulo 2^32 on the way
 * (the instruction does not saturate), and end in range because the accumulator proper does.
 * 28 accumulators, 2 registers of b, 1 of a: 31 of 32.  Layouts: packed.h, kr = 4.
 *
 * The output stage is gemmlowp's double rounding in 32-bit lanes.  SRDHM: two 64-bit products for even and odd
 * lanes, plus 2^30, bits 31 to 62.  RDBP: (y + half - (y < 0)) >> right, where right > 0.  |acc| < 2^30
 * (STAGE_DOUBLE), so no sum leaves 32 bits.
 */
#if defined(__x86_64__)
#include "fixedpoint.h"
#include "depthwise_isa.h"
#include "packed.h"
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { MR = 14, NR = 32 };

/* ------------------------------------------------------------------ packing */

struct packer {
    char *row;
    size_t chunk_bytes;                /* mr * GEMM_CHUNK */
    __m512i fill;                      /* zp_in + 128 in each byte */
};

#define PACK_TARGET TARGET
#define PACK_ELEMENT_BYTES 1

/* The bytes [k, k + count) of a row, @data(position) giving 64 of them at a time. */
TARGET static inline void pack_copy(struct packer *p, int64_t k, const int8_t *src, int64_t count)
{
    char *dst = p->row + (size_t)k / GEMM_CHUNK * p->chunk_bytes;
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    int64_t at = k % GEMM_CHUNK;

    while (count > 0) {
        const int64_t n = count < GEMM_CHUNK - at ? count : GEMM_CHUNK - at;
        const __mmask64 mask = _bzhi_u64(~UINT64_C(0), (unsigned)n);

        _mm512_mask_storeu_epi8(dst + at, mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, src), flip));
        src += n;
        count -= n;
        dst += p->chunk_bytes;
        at = 0;
    }
}

TARGET static inline void pack_fill(struct packer *p, int64_t k, int64_t count)
{
    char *dst = p->row + (size_t)k / GEMM_CHUNK * p->chunk_bytes;
    int64_t at = k % GEMM_CHUNK;

    while (count > 0) {
        const int64_t n = count < GEMM_CHUNK - at ? count : GEMM_CHUNK - at;

        _mm512_mask_storeu_epi8(dst + at, _bzhi_u64(~UINT64_C(0), (unsigned)n), p->fill);
        count -= n;
        dst += p->chunk_bytes;
        at = 0;
    }
}

#include "gemm_pack_a.inc.h"

TARGET static void pack_a(const struct packed_layer *l, const int8_t *ifmap, int64_t first, int mr, void *a)
{
    struct packer p = { NULL, (size_t)mr * GEMM_CHUNK, _mm512_set1_epi8((char)(l->zp_in + 128)) };

    (void)pack_offset;
    pack_pixels(l, ifmap, first, mr, &p, a);
}

/* ------------------------------------------------------------- output stage */

struct lanes {                         /* of 16 filters */
    __m512i mult_even, mult_odd, half, right;
    __mmask16 rounds;                  /* right > 0 */
};

INLINE struct lanes load_lanes(const struct stage *stage, int v)
{
    struct lanes t;

    t.mult_even = _mm512_loadu_si512(stage->mult + 16 * v);
    t.mult_odd = _mm512_srli_epi64(t.mult_even, 32);
    t.half = _mm512_loadu_si512(stage->half + 16 * v);
    t.right = _mm512_loadu_si512(stage->right + 16 * v);
    t.rounds = _mm512_test_epi32_mask(t.right, t.right);
    return t;
}

INLINE __m512i requantize16(__m512i acc, const struct lanes *t, __m512i nudge)
{
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, t->mult_even), nudge);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(acc, 32), t->mult_odd), nudge);
    __m512i y = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_add_epi64(odd, odd));

    y = _mm512_mask_add_epi32(y, t->rounds, y, _mm512_srai_epi32(y, 31));
    return _mm512_srav_epi32(_mm512_add_epi32(y, t->half), t->right);
}

/* Two rows of up to 32 codes: 32-bit lanes to bytes with saturation, zero point, clamp, lanes back in order. */
INLINE void store_rows32(const __m512i row0[2], const __m512i row1[2], const struct stage_common *c, int8_t *out0,
                         int8_t *out1, __mmask32 mask)
{
    const __m512i zp = _mm512_set1_epi16((short)c->zp_out);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i h0 = _mm512_adds_epi16(_mm512_packs_epi32(row0[0], row0[1]), zp);
    const __m512i h1 = _mm512_adds_epi16(_mm512_packs_epi32(row1[0], row1[1]), zp);
    __m512i q = _mm512_packs_epi16(h0, h1);

    q = _mm512_max_epi8(q, _mm512_set1_epi8((char)c->act_min));
    q = _mm512_min_epi8(q, _mm512_set1_epi8((char)c->act_max));
    q = _mm512_permutexvar_epi32(order, q);
    _mm256_mask_storeu_epi8(out0, mask, _mm512_castsi512_si256(q));
    if (out1 != NULL)
        _mm256_mask_storeu_epi8(out1, mask, _mm512_extracti64x4_epi64(q, 1));
}

/* Four rows of up to 16 codes, likewise. */
INLINE void store_rows16(const __m512i rows[4], const struct stage_common *c, int count, int8_t *out, size_t ldo,
                         __mmask16 mask)
{
    const __m512i zp = _mm512_set1_epi16((short)c->zp_out);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i h0 = _mm512_adds_epi16(_mm512_packs_epi32(rows[0], rows[1]), zp);
    const __m512i h1 = _mm512_adds_epi16(_mm512_packs_epi32(rows[2], rows[3]), zp);
    __m512i q = _mm512_packs_epi16(h0, h1);

    q = _mm512_max_epi8(q, _mm512_set1_epi8((char)c->act_min));
    q = _mm512_min_epi8(q, _mm512_set1_epi8((char)c->act_max));
    q = _mm512_permutexvar_epi32(order, q);
    _mm_mask_storeu_epi8(out, mask, _mm512_castsi512_si128(q));
    if (count > 1)
        _mm_mask_storeu_epi8(out + ldo, mask, _mm512_extracti32x4_epi32(q, 1));
    if (count > 2)
        _mm_mask_storeu_epi8(out + 2 * ldo, mask, _mm512_extracti32x4_epi32(q, 2));
    if (count > 3)
        _mm_mask_storeu_epi8(out + 3 * ldo, mask, _mm512_extracti32x4_epi32(q, 3));
}

/* --------------------------------------------------------------------- tile */

INLINE int load32(const char *p)
{
    int x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* mr and nv (vectors of 16 filters) are constants at every use: all loops over them unroll. */
INLINE void tile(const int mr, const int nv, int filters, size_t steps, const char *a, const char *b,
                 const struct stage *stage, const struct stage_common *c, void *out, size_t ldo)
{
    __m512i acc[MR][2];

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
        for (int v = 0; v < nv; v++)
            acc[i][v] = _mm512_loadu_si512(stage->bias + 16 * v);

    for (size_t left = steps; left > 0; a += (size_t)mr * GEMM_CHUNK) {
        const size_t here = left < GEMM_CHUNK / 4 ? left : GEMM_CHUNK / 4;
        const char *ak = a, *end = a + 4 * here;

        left -= here;
        for (; ak != end; ak += 4, b += 64 * nv) {
            __m512i w[2];

#pragma GCC unroll 2
            for (int v = 0; v < nv; v++)
                w[v] = _mm512_loadu_si512(b + 64 * v);
#pragma GCC unroll 16
            for (int i = 0; i < mr; i++) {
                const __m512i x = _mm512_set1_epi32(load32(ak + i * GEMM_CHUNK));

#pragma GCC unroll 2
                for (int v = 0; v < nv; v++)
                    acc[i][v] = _mm512_dpbusd_epi32(acc[i][v], x, w[v]);
            }
        }
    }

    if (c->mode != STAGE_DOUBLE) {
        int32_t plain[MR][GEMM_MAX_NR];

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
            for (int v = 0; v < nv; v++)
                _mm512_storeu_si512(&plain[i][16 * v], acc[i][v]);
        rs_stage_general(mr, filters, plain[0], stage, c, out, ldo);
        return;
    }

    const __m512i nudge = _mm512_set1_epi64(1 << 30);
    const uint32_t mask = _bzhi_u32(~UINT32_C(0), (unsigned)filters);
    int8_t *codes = out;

    if (nv == 2) {
        const struct lanes t0 = load_lanes(stage, 0), t1 = load_lanes(stage, 1);

#pragma GCC unroll 8
        for (int i = 0; i < mr; i += 2) {
            const int j = i + 1 < mr ? i + 1 : i;
            const __m512i row0[2] = { requantize16(acc[i][0], &t0, nudge), requantize16(acc[i][1], &t1, nudge) };

            if (j == i) {
                store_rows32(row0, row0, c, codes + (size_t)i * ldo, NULL, mask);
            } else {
                const __m512i row1[2] = { requantize16(acc[j][0], &t0, nudge), requantize16(acc[j][1], &t1, nudge) };

                store_rows32(row0, row1, c, codes + (size_t)i * ldo, codes + (size_t)j * ldo, mask);
            }
        }
    } else {
        const struct lanes t0 = load_lanes(stage, 0);

#pragma GCC unroll 4
        for (int i = 0; i < mr; i += 4) {
            __m512i rows[4];

#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
                rows[j] = i + j < mr ? requantize16(acc[i + j][0], &t0, nudge) : rows[0];
            store_rows16(rows, c, mr - i, codes + (size_t)i * ldo, ldo, (__mmask16)mask);
        }
    }
}

#define TILE(mr) \
    TARGET static void tile_##mr##x16(int f, size_t k, const char *a, const char *b, const struct stage *s,        \
                                      const struct stage_common *c, void *out, size_t ldo)                        \
    { tile(mr, 1, f, k, a, b, s, c, out, ldo); }                                                                  \
    TARGET static void tile_##mr##x32(int f, size_t k, const char *a, const char *b, const struct stage *s,        \
                                      const struct stage_common *c, void *out, size_t ldo)                        \
    { tile(mr, 2, f, k, a, b, s, c, out, ldo); }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)

typedef void tile_fixed(int, size_t, const char *, const char *, const struct stage *, const struct stage_common *,
                        void *, size_t);
#define BOTH(mr) { tile_##mr##x16, tile_##mr##x32 }
static tile_fixed *const tiles[MR][2] = {
    BOTH(1), BOTH(2), BOTH(3), BOTH(4), BOTH(5), BOTH(6), BOTH(7), BOTH(8), BOTH(9), BOTH(10), BOTH(11), BOTH(12),
    BOTH(13), BOTH(14)
};

static void any_tile(int mr, int filters, size_t steps, const void *a, const void *b, const struct stage *stage,
                     const struct stage_common *common, void *out, size_t row_elements)
{
    assert(mr >= 1 && mr <= MR && filters >= 1 && filters <= NR);
    tiles[mr - 1][filters > 16](filters, steps, a, b, stage, common, out, row_elements);
}

const struct kernel_isa rs_kernel_isa_avx512vnni = {
    .mr = MR, .nr = NR, .kr = 4, .narrow = 16, .element_bytes = 1, .offset = 128, .tile = any_tile, .pack_a = pack_a,
    .dw = RS_DEPTHWISE_ISA_AVX512VNNI,
};
#else
typedef int rs_gemm_s8_ukr_14x32__avx512vnni_is_empty;
#endif
