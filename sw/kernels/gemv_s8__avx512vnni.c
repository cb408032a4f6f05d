/*
 * gemv_s8__avx512vnni.c - a row by a matrix: up to four panels of int8 filters at once, with VPDPBUSD.
 *
 *   acc[j] = bias[j] + SUM over k of (in[k] ^ 0x80) * b[k][j]        j < 128
 *
 * Each filter code is used once, so that what counts is how fast they come: eight loads of filters share one of the
 * input, which is made unsigned on the way; there is no copy of it.  Layouts and the quick output stage: packed.h.
 */
#if defined(__x86_64__)
#include "gemv_isa.h"
#include "requantize__avx512.h"
#include <string.h>

enum { NR = 32, KR = 4, VECTORS = 2 * GEMV_PANELS };

/* Four codes, or the last @count < 4 of the row, made unsigned; 128 beyond, where filters are 0. */
AVX512_INLINE __m512i four(const int8_t *in)
{
    int x;

    memcpy(&x, in, sizeof x);
    return _mm512_xor_si512(_mm512_set1_epi32(x), _mm512_set1_epi8((char)0x80));
}

AVX512_INLINE __m512i last_of(const int8_t *in, size_t count)
{
    int8_t x[4] = { 0 };

    memcpy(x, in, count);
    return four(x);
}

/*
 * nv vectors of 16 filters.  Few accumulators would wait for each other's latency: then several steps have their own.
 */
AVX512_INLINE void sums(const int nv, const int chains, const struct packed_layer *l, const int8_t *in, const char *b,
                        const struct stage *stage, __m512i acc[VECTORS])
{
    const int64_t whole = l->sh.c / KR;
    __m512i part[4][VECTORS];
    int64_t k = 0;

#pragma GCC unroll 4
    for (int c = 0; c < chains; c++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            part[c][v] = c == 0 ? _mm512_loadu_si512(stage[v / 2].bias + v % 2 * 16) : _mm512_setzero_si512();
    for (; k + chains <= whole; k += chains, b += chains * nv * 64)
#pragma GCC unroll 4
        for (int c = 0; c < chains; c++) {
            const __m512i x = four(in + KR * (k + c));

#pragma GCC unroll 8
            for (int v = 0; v < nv; v++)
                part[c][v] = _mm512_dpbusd_epi32(part[c][v], x, _mm512_loadu_si512(b + (c * nv + v) * 64));
        }
    for (; k < l->run_steps; k++, b += nv * 64) {
        const __m512i x = k < whole ? four(in + KR * k) : last_of(in + KR * k, (size_t)(l->sh.c % KR));

#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            part[0][v] = _mm512_dpbusd_epi32(part[0][v], x, _mm512_loadu_si512(b + v * 64));
    }
#pragma GCC unroll 8
    for (int v = 0; v < nv; v++) {
        acc[v] = part[0][v];
#pragma GCC unroll 4
        for (int c = 1; c < chains; c++)
            acc[v] = _mm512_add_epi32(acc[v], part[c][v]);
    }
}

/* @filters codes by lines, or by the quick stage; false: in doubt, nothing was stored. */
AVX512_INLINE bool store_floats(const enum stage_line line, const int nv, int filters, const __m512i acc[VECTORS], const struct stage *stage,
                                const struct stage_common *common, int8_t *out)
{
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i zp = zp_addend(line, common->zp_out);
    const __m512i act_min = _mm512_set1_epi8((char)common->act_min), act_max = _mm512_set1_epi8((char)common->act_max);
    __m512 doubt[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
    __m512i z[VECTORS];

#pragma GCC unroll 8
    for (int v = 0; v < nv; v++)
        z[v] = line != LINE_NONE
                   ? requantize16_line(line, acc[v], stage[v / 2].line_scale + v % 2 * 16, stage[v / 2].line_lean + v % 2 * 16)
                   : requantize16_quick(acc[v], stage[v / 2].scale + v % 2 * 16, stage[v / 2].slant + v % 2 * 16, &doubt[v % 2]);
    if (line == LINE_NONE && doubtful(_mm512_max_ps(doubt[0], doubt[1])))
        return false;
#pragma GCC unroll 2
    for (int v = 0; v < nv; v += 4, filters -= 64) {
#define Z(i) z[v + (i) < nv ? v + (i) : v]
        const __m512i h = _mm512_packs_epi16(narrow16(line, Z(0), Z(1), zp), narrow16(line, Z(2), Z(3), zp));
#undef Z
        const __m512i codes = _mm512_min_epi8(_mm512_max_epi8(h, act_min), act_max);

        _mm512_mask_storeu_epi8(out + 16 * v, filters < 64 ? _bzhi_u64(~UINT64_C(0), (unsigned)filters) : ~UINT64_C(0),
                                _mm512_permutexvar_epi32(order, codes));
    }
    return true;
}

AVX512 __attribute__((noinline)) static void store_plain(int nv, int filters, const __m512i acc[VECTORS], const struct stage *stage,
                                                         const struct stage_common *common, void *out)
{
    const int out_bytes = common->mode == STAGE_S32 ? 4 : 1;
    int32_t plain[GEMV_PANELS * NR];

    for (int v = 0; v < nv; v++)
        _mm512_storeu_si512(plain + 16 * v, acc[v]);
    for (int j = 0; j < filters; j += NR)
        rs_store_plain__avx512(1, filters - j < NR ? filters - j : NR, plain + j, stage + j / NR, common, (char *)out + j * out_bytes,
                               0);
}

AVX512_INLINE void group(const int nv, const int chains, const struct packed_layer *l, const int8_t *in, int64_t panel, int filters,
                         void *out)
{
    const struct stage *stage = packed_stages(l) + panel;
    __m512i acc[VECTORS];

    sums(nv, chains, l, in, (const char *)packed_b(l) + panel * l->panel_bytes, stage, acc);

    const enum stage_line line = stage->line;          /* of all panels of the layer */

    if (line == LINE_ONE_SIDED)
        store_floats(LINE_ONE_SIDED, nv, filters, acc, stage, &l->common, out);
    else if (line == LINE_TWO_SIDED)
        store_floats(LINE_TWO_SIDED, nv, filters, acc, stage, &l->common, out);
    else if (!l->common.quick || !store_floats(LINE_NONE, nv, filters, acc, stage, &l->common, out))
        store_plain(nv, filters, acc, stage, &l->common, out);
}

#define GROUP(nv, chains)                                                                                            \
    AVX512 static void group_##nv(const struct packed_layer *l, const int8_t *in, int64_t panel, int filters, void *out) \
    {                                                                                                                \
        group(nv, chains, l, in, panel, filters, out);                                                               \
    }
GROUP(1, 4) GROUP(2, 4) GROUP(3, 4) GROUP(4, 2) GROUP(5, 2) GROUP(6, 2) GROUP(7, 2) GROUP(8, 2)

void rs_gemv_s8__avx512vnni(const struct packed_layer *l, const int8_t *in, int64_t first, int64_t last, void *out)
{
    typedef void group_function(const struct packed_layer *, const int8_t *, int64_t, int, void *);
    static group_function *const groups[VECTORS] = { group_1, group_2, group_3, group_4, group_5, group_6, group_7, group_8 };
    const int64_t most = GEMV_PANELS * NR, out_bytes = l->common.mode == STAGE_S32 ? 4 : 1;

    for (int64_t g = first; g < last; g++) {
        const int64_t left = l->sh.m - g * most;
        const int filters = (int)(left < most ? left : most);

        groups[(filters - 1) / 16](l, in, g * GEMV_PANELS, filters, (char *)out + g * most * out_bytes);
    }
}
#else
typedef int rs_gemv_s8__avx512vnni_is_empty;
#endif
