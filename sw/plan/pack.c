/*
 * pack.c - filters and parameters of one filter tile, in the order the array reads them (docs/isa.md, COMPUTE):
 * the first pass's filter words, the parameters, the other passes' filter words.
 *
 * A filter word holds two bytes for each row of the array: lane 0, lane 1.  What does not exist (channels past C, filters
 * past M, filter rows past R) is zero, which the array may multiply by anything.
 *
 * The same for an operand that is known only when the job runs: rs_pack_filters(), by the host, into device memory.
 */
#include <assert.h>
#include <string.h>
#include "plan_internal.h"

int rs_chunk_words(const struct rs_hw_config *c, const struct layer *l, struct chunk *k)
{
    const int block = (int)c->block, per_pair = 16 / block;
    const struct passes p = rs_map_passes(l, &l->map, (int)c->rows);
    const int groups = k->mx * k->pairs;
    int taps;

    switch (l->map.mode) {
    case RS_MODE_CONV:      taps = l->cbs * l->R * l->S; break;
    case RS_MODE_FLATTEN:   taps = ((p.n_cb - 1) * l->map.q + p.q_last) * l->S; break;
    default:                taps = l->R * l->S; break;
    }
    k->filter_words = groups * taps;
    k->first_words = groups * rs_map_taps(l, &l->map, &p, 0, 0);
    k->used = k->filter_words + (l->map.mode == RS_MODE_DEPTHWISE ? (int)c->rows : groups * rs_map_filter_chains(&l->map)) * per_pair;
    k->words = k->used + (k->used & 1);
    return k->words;
}

static int filter_at(const struct layer *l, size_t at) { return l->filter_s16 != NULL ? l->filter_s16[at] : l->filter[at]; }

/* Rows of an operand's filters (rs_filter_planes()): row 0 the codes, *step apart from channel to channel, the others what its zero point
 * takes off, as much as an int8 holds, the same for all channels. */
static const int8_t *operand_row(const struct layer *l, int m, int i, int ch, size_t *step, int8_t *constant)
{
    const struct rs_plan_filter *f = l->operand;

    if (i != 0) {
        *step = 0;
        *constant = (int8_t)(i == 1 ? rs_min(-l->filter_zp, INT8_MAX) : -l->filter_zp - INT8_MAX);
        return constant;
    }
    *step = f->transposed ? 1 : (size_t)f->N;
    return l->filter + (f->transposed ? (size_t)m * (size_t)f->K + (size_t)ch : (size_t)ch * (size_t)f->N + (size_t)m);
}

static int operand_at(const struct layer *l, int m, int i, int ch)
{
    size_t step;
    int8_t constant;

    return *operand_row(l, m, i, ch, &step, &constant);
}

/* One lane of a word, all rows at once: the host packs operands again and again. */
static void pack_operand_word(uint8_t *word, const struct layer *l, int m, int i, int ch, int lane)
{
    const int n = rs_min(l->bc, l->C - ch);
    size_t step;
    int8_t constant;
    const int8_t *from = operand_row(l, m, i, ch, &step, &constant);

    for (int r = 0; r < n; r++)
        word[2 * r + lane] = (uint8_t)from[(size_t)r * step];
}

/* Of filters [M][R][S][C]. */
static int mrsc_at(const struct layer *l, int m, int i, int j, int ch)
{
    if (l->operand != NULL)
        return operand_at(l, m, i, ch);
    return filter_at(l, (((size_t)m * (size_t)l->R + (size_t)i) * (size_t)l->S + (size_t)j) * (size_t)l->C + (size_t)ch);
}

/* Weight of filter m at (channel block cb of its own, row r of the array, filter row i, column j). */
static int weight(const struct layer *l, int cg, int m, int cb, int r, int i, int j)
{
    int ch;

    if (m >= l->M)
        return 0;
    switch (l->filter_layout) {
    case FILTER_MRSC:
        ch = cb * l->bc + r;
        return r < l->bc && ch < l->C ? mrsc_at(l, m, i, j, ch) : 0;
    case FILTER_RSM:
        ch = cg * l->block + r;
        return m / l->multiplier == ch ? filter_at(l, ((size_t)i * (size_t)l->S + (size_t)j) * (size_t)l->M + (size_t)m) : 0;
    default:
        ch = cb / l->linear_pixels * l->block + r;
        return ch < l->C ? filter_at(l, ((size_t)m * (size_t)l->linear_pixels + (size_t)(cb % l->linear_pixels)) * (size_t)l->C + (size_t)ch) : 0;
    }
}

/* A weight to its row of a filter word: to one of the lanes, or to both if it is wide. */
static void put_weight(uint8_t *word, const struct layer *l, int row, int lane, int w)
{
    word[2 * row + lane] = (uint8_t)((unsigned)w & 0xFF);
    if (l->wide)
        word[2 * row + 1] = (uint8_t)((unsigned)w >> 8 & 0xFF);
}

static void put_i32(uint8_t *to, int32_t value)
{
    const uint32_t v = (uint32_t)value;

    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

/* TensorFlow Lite's 16-bit multiplier of int64 sums; without multipliers just the shift. */
static void put_wide_param(uint8_t *to, const struct layer *l, int m)
{
    const int64_t bias = l->bias_s64 != NULL ? l->bias_s64[m] : 0;
    const int k = l->n_mult == 1 ? 0 : m;

    put_i32(to, (int32_t)(uint32_t)((uint64_t)bias & 0xFFFFFFFFu));
    put_i32(to + RS_PARAM_BYTES, (int32_t)(bias >> 32));
    put_i32(to + 4, l->n_mult == 0 ? 1 : l->mult[k] < 0x7FFF0000 ? (l->mult[k] + (1 << 15)) >> 16 : 0x7FFF);
    put_i32(to + 8, l->n_mult == 0 ? 15 - l->q_shift : l->shift[k]);
}

/* Parameters of one lane's filter; of a wide one, both halves at once. */
static uint8_t *put_param(uint8_t *to, const struct layer *l, int m, bool exists)
{
    if (l->wide) {
        if (exists)
            put_wide_param(to, l, m);
        return to + 2 * RS_PARAM_BYTES;
    }
    if (exists) {
        const int k = l->n_mult == 1 ? 0 : m;

        put_i32(to, l->bias != NULL ? l->bias[m] : 0);
        put_i32(to + 4, l->mult[k]);
        put_i32(to + 8, l->shift[k]);
    }
    return to + RS_PARAM_BYTES;
}

/*
 * A word of FLATTEN: row r is pair r % chain of chain r / chain.  Pairs run over filter rows, then channels; with q > 1
 * a PE takes q consecutive channels, @qi of them now.  Chains that differ in filters are @apart filters apart.
 */
static void pack_flat_word(uint8_t *word, const struct layer *l, const struct chunk *k, int rows, int pass, int nq, int qi, int j, int filter, int lane,
                           int apart)
{
    const struct rs_mapping *m = &l->map;
    const int chain = rs_map_chain(m, rows), chains = rs_map_chains(m);
    const int first = m->q > 1 ? pass * (chain / l->R) * m->q * l->R : pass * chain;       /* pairs of the passes before */

    for (int r = 0; r < chain * chains; r++) {
        const int f = filter + r / chain * (m->by_rows ? 0 : apart), in_chain = r % chain, i = (first + in_chain) % l->R;
        const int c = m->q > 1 ? first / l->R + in_chain / l->R * nq + qi : (first + in_chain) / l->R;

        if (f < k->nm && c < l->C)
            put_weight(word, l, r, lane, mrsc_at(l, k->m0 + f, i, j, c));
    }
}

/* @to holds k->words words of zeros. */
void rs_pack_chunk(const struct rs_hw_config *c, const struct layer *l, const struct chunk *k, uint8_t *to)
{
    const int block = (int)c->block;
    const size_t word = 2 * (size_t)block;
    const int rows = (int)c->rows;
    const struct passes p = rs_map_passes(l, &l->map, rows);
    const int lanes = rs_layer_lanes(l);
    uint8_t *const start = to;

    if (l->map.mode == RS_MODE_DEPTHWISE) {
        for (int i = 0; i < l->R; i++)
            for (int j = 0; j < l->S; j++, to += word)
                for (int r = 0; r < k->nm; r++)
                    put_weight(to, l, r, 0, filter_at(l, ((size_t)i * (size_t)l->S + (size_t)j) * (size_t)l->M + (size_t)(k->m0 + r)));
        for (int r = 0; r < rows; r++) {
            for (int lane = 0; lane < lanes; lane++)
                to = put_param(to, l, k->m0 + r, r < k->nm);
        }
        assert((size_t)(to - start) == (size_t)k->used * word);
        return;
    }
    for (int cb = 0; cb < p.n_cb; cb++)
        for (int rc = 0; rc < p.n_rc; rc++) {
            const bool flat = l->map.mode == RS_MODE_FLATTEN;
            const int nq = cb == p.n_cb - 1 ? p.q_last : l->map.q;
            const int nr = flat ? 1 : rc == p.n_rc - 1 ? p.rp_last : l->map.rp;

            for (int f0 = 0; f0 < k->mx * k->pairs * lanes; f0 += lanes)
                for (int q = 0; q < nq; q++)
                    for (int i = 0; i < nr; i++)
                        for (int j = 0; j < l->S; j++, to += word)
                            for (int lane = 0; lane < lanes; lane++) {
                                const int f = f0 + lane;

                                if (flat)
                                    pack_flat_word(to, l, k, rows, cb, nq, q, j, f, lane, k->mx * k->pairs * lanes);
                                else if (l->operand != NULL && f < k->nm)
                                    pack_operand_word(to, l, k->m0 + f, rc * l->map.rp + i, (cb * l->map.q + q) * l->bc, lane);
                                for (int r = 0; r < rows && !flat && l->operand == NULL && f < k->nm; r++)
                                    put_weight(to, l, r, lane, weight(l, k->cg, k->m0 + f, cb * l->map.q + q, r, rc * l->map.rp + i, j));
                            }
            if (cb == 0 && rc == 0) {
                assert((size_t)(to - start) == (size_t)k->first_words * word);
                /* A column's filters together: of chain 0, of chain 1 ... */
                for (int g = 0; g < k->mx; g++)
                    for (int n = 0; n < rs_map_filter_chains(&l->map) * k->pairs * lanes; n++) {
                        const int in_chain = k->pairs * lanes, f = (n / in_chain * k->mx + g) * in_chain + n % in_chain;

                        to = put_param(to, l, k->m0 + f, f < k->nm);
                    }
            }
        }
    assert((size_t)(to - start) == (size_t)k->used * word);
}

/* ---- by the host ------------------------------------------------------------------------------------------------------ */

int rs_filter_planes(int zero_point) { return zero_point == 0 ? 1 : -zero_point <= INT8_MAX ? 2 : 3; }

struct layer rs_filter_layer(const struct rs_plan_filter *f, int block, int zero_point)
{
    return (struct layer){ .kind = RS_PLAN_CONV, .N = 1, .H = 1, .W = 1, .E = 1, .F = 1, .U = 1, .S = 1, .C = f->K, .M = f->N, .R = f->planes,
                           .block = block, .bc = block, .cbs = rs_div_up(f->K, block), .n_cg = 1, .cg_m = f->N, .filter_layout = FILTER_MRSC,
                           .operand = f, .filter_zp = zero_point, .own_filters = true, .n_mult = 1, .mult = &f->mult, .shift = &f->shift,
                           .map = f->map };
}

void rs_pack_filters(const struct rs_plan_tensor *t, int block, const int8_t *codes, uint8_t *to)
{
    const struct rs_plan_filter *f = t->filter;
    const struct rs_hw_config c = { .rows = (uint32_t)f->rows, .block = (uint32_t)block };
    struct layer l = rs_filter_layer(f, block, t->zero_point);

    memset(to, 0, t->bytes);
    for (int i = 0; i < f->n_images; i++, to += f->image_bytes) {
        l.filter = codes + (size_t)f->matrix[i] * (size_t)f->K * (size_t)f->N;
        for (int k = 0; k < f->n_tiles; k++) {
            const struct rs_plan_filter_tile *tile = &f->tiles[k];
            struct chunk h = { .m0 = tile->m0, .nm = tile->nm, .mx = tile->mx, .pairs = tile->pairs };

            (void)rs_chunk_words(&c, &l, &h);
            rs_pack_chunk(&c, &l, &h, to + tile->offset_bytes);
        }
    }
}
