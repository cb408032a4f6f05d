/*
 * pack.c - filters and parameters of one filter tile, in the order the array reads them (docs/isa.md, COMPUTE):
 * the first pass's filter words, the parameters, the other passes' filter words.
 *
 * A filter word holds two bytes for each row of the array: lane 0, lane 1.  What does not exist (channels past C, filters
 * past M, filter rows past R) is zero, which the array may multiply by anything.
 */
#include <assert.h>
#include <string.h>
#include "plan_internal.h"

int rs_chunk_words(const struct rs_hw_config *c, const struct layer *l, struct chunk *k)
{
    const int block = (int)c->block, per_pair = 16 / block;
    const struct passes p = rs_map_passes(l, &l->map, block);
    const int groups = k->mx * k->pairs;
    int taps;

    switch (l->map.mode) {
    case RS_MODE_CONV:      taps = l->cbs * l->R * l->S; break;
    case RS_MODE_FLATTEN:   taps = p.n_cb * l->S; break;
    default:                taps = l->R * l->S; break;
    }
    k->filter_words = groups * taps;
    k->first_words = groups * rs_map_taps(l, &l->map, &p, 0, 0);
    k->used = k->filter_words + (l->map.mode == RS_MODE_DEPTHWISE ? block : groups) * per_pair;
    k->words = k->used + (k->used & 1);
    return k->words;
}

/* Weight of filter m at (channel block cb of its own, row r of the array, filter row i, column j). */
static int8_t weight(const struct layer *l, int cg, int m, int cb, int r, int i, int j)
{
    int ch;

    if (m >= l->M)
        return 0;
    switch (l->filter_layout) {
    case FILTER_MRSC:
        ch = cb * l->block + r;
        return ch < l->C ? l->filter[(((size_t)m * (size_t)l->R + (size_t)i) * (size_t)l->S + (size_t)j) * (size_t)l->C + (size_t)ch] : 0;
    case FILTER_RSM:
        ch = cg * l->block + r;
        return m / l->multiplier == ch ? l->filter[((size_t)i * (size_t)l->S + (size_t)j) * (size_t)l->M + (size_t)m] : 0;
    default:
        ch = cb / l->linear_pixels * l->block + r;
        return ch < l->C ? l->filter[((size_t)m * (size_t)l->linear_pixels + (size_t)(cb % l->linear_pixels)) * (size_t)l->C + (size_t)ch] : 0;
    }
}

static void put_i32(uint8_t *to, int32_t value)
{
    const uint32_t v = (uint32_t)value;

    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

static uint8_t *put_param(uint8_t *to, const struct layer *l, int m, bool exists)
{
    if (exists) {
        const int k = l->n_mult == 1 ? 0 : m;

        put_i32(to, l->bias != NULL ? l->bias[m] : 0);
        put_i32(to + 4, l->mult[k]);
        put_i32(to + 8, l->shift[k]);
    }
    return to + RS_PARAM_BYTES;
}

/* @to holds k->words words of zeros. */
void rs_pack_chunk(const struct rs_hw_config *c, const struct layer *l, const struct chunk *k, uint8_t *to)
{
    const int block = (int)c->block;
    const size_t word = 2 * (size_t)block;
    const struct passes p = rs_map_passes(l, &l->map, block);
    uint8_t *const start = to;

    if (l->map.mode == RS_MODE_DEPTHWISE) {
        for (int i = 0; i < l->R; i++)
            for (int j = 0; j < l->S; j++, to += word)
                for (int r = 0; r < k->nm; r++)
                    to[2 * r] = (uint8_t)l->filter[((size_t)i * (size_t)l->S + (size_t)j) * (size_t)l->M + (size_t)(k->m0 + r)];
        for (int r = 0; r < block; r++) {
            to = put_param(to, l, k->m0 + r, r < k->nm);
            to = put_param(to, l, k->m0 + r, r < k->nm);
        }
        assert((size_t)(to - start) == (size_t)k->used * word);
        return;
    }
    for (int cb = 0; cb < p.n_cb; cb++)
        for (int rc = 0; rc < p.n_rc; rc++) {
            const bool flat = l->map.mode == RS_MODE_FLATTEN;
            const int nq = flat ? 1 : cb == p.n_cb - 1 ? p.q_last : l->map.q;
            const int nr = flat ? 1 : rc == p.n_rc - 1 ? p.rp_last : l->map.rp;

            for (int g = 0; g < k->mx; g++)
                for (int pair = 0; pair < k->pairs; pair++)
                    for (int q = 0; q < nq; q++)
                        for (int i = 0; i < nr; i++)
                            for (int j = 0; j < l->S; j++, to += word)
                                for (int r = 0; r < block; r++)
                                    for (int lane = 0; lane < 2; lane++) {
                                        const int f = (g * k->pairs + pair) * 2 + lane;

                                        if (f >= k->nm)
                                            continue;
                                        if (flat) {
                                            const int n = cb * block + r;

                                            if (n < l->C * l->R)
                                                to[2 * r + lane] = (uint8_t)l->filter[(((size_t)(k->m0 + f) * (size_t)l->R + (size_t)(n % l->R)) * (size_t)l->S + (size_t)j) * (size_t)l->C + (size_t)(n / l->R)];
                                        } else {
                                            to[2 * r + lane] = (uint8_t)weight(l, k->cg, k->m0 + f, cb * l->map.q + q, r, rc * l->map.rp + i, j);
                                        }
                                    }
            if (cb == 0 && rc == 0) {
                assert((size_t)(to - start) == (size_t)k->first_words * word);
                for (int f = 0; f < 2 * k->mx * k->pairs; f++)
                    to = put_param(to, l, k->m0 + f, f < k->nm);
            }
        }
    assert((size_t)(to - start) == (size_t)k->used * word);
}
