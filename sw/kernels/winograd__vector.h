/*
 * winograd__vector.h - rows of tiles of a Winograd layer (winograd.h), for vectors of VECTOR_BYTES.
 *
 * Included once by the file of each instruction set, which has defined VECTOR_BYTES, TILES (in a product, at most), NV (vectors
 * of filters in a panel), CHAINS (sums that hide multiply_add()'s latency), TARGET, EACH_COUNT (X(1) .. X(TILES)), and
 *
 *      v16 widen(const int8_t *)                               codes to int16
 *      v32 pair(const int16_t *)                               two numbers in each lane
 *      v32 multiply_add(v32 sum, v32 pair, const int16_t *)    sum of two products added to each lane
 *      void store_tile(v32 acc[16][NV], stage, common, out)    codes of 16 pixels, densely
 */
#include "winograd.h"
#include <string.h>

#define INLINE TARGET __attribute__((always_inline)) static inline

typedef int16_t v16 __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t v32 __attribute__((vector_size(VECTOR_BYTES)));       /* sums modulo 2^32 */
typedef int32_t v32s __attribute__((vector_size(VECTOR_BYTES)));

enum { CHANNELS = VECTOR_BYTES / 2, LANES = VECTOR_BYTES / 4, NR = NV * LANES, PIXELS = WINOGRAD_TILE * WINOGRAD_TILE };

INLINE v16 widen(const int8_t *codes);
INLINE v32 pair(const int16_t *two);
INLINE v32 multiply_add(v32 sum, v32 two, const int16_t *filters);
INLINE void store_tile(v32 acc[PIXELS][NV], const struct stage *stage, const struct stage_common *c, int8_t *out);

INLINE v32 load32v(const void *from)
{
    v32 x;

    memcpy(&x, from, sizeof x);
    return x;
}

/* B' times six vectors. */
INLINE void input_1d(const v16 d[WINOGRAD_WINDOW], v16 v[WINOGRAD_WINDOW])
{
    const v16 c = d[4] - d[2], e = d[3] - d[1], e2 = e + e;
    const v16 a = d[4] - (d[2] << 2), b = d[3] - (d[1] << 2);

    v[0] = ((d[0] - d[2]) << 2) + c;
    v[1] = a + b;
    v[2] = a - b;
    v[3] = c + e2;
    v[4] = c - e2;
    v[5] = (d[5] - d[3]) - (e2 + e2);
}

/* A' times six vectors. */
INLINE void output_1d(const v32 m[WINOGRAD_WINDOW], v32 y[WINOGRAD_TILE])
{
    const v32 t = m[1] + m[2], u = m[1] - m[2], s = m[3] + m[4], w = m[3] - m[4];

    y[0] = m[0] + s - (t << 2);
    y[1] = w - (u + u);
    y[2] = s - t;
    y[3] = (w + w) - u + m[5];
}

/*
 * V of one row of tiles and CHANNELS channels from @c0 on: all columns first, which neighbouring tiles share.  @v: the first
 * tile of this row.
 */
TARGET static void input_row(const struct packed_layer *l, const int8_t *image, int64_t tile_row, int64_t c0, int16_t *columns,
                             int16_t *v)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t across = (sh->f + WINOGRAD_TILE - 1) / WINOGRAD_TILE, count = across * WINOGRAD_TILE + 2;
    const int64_t y0 = tile_row * WINOGRAD_TILE - sh->pad_top, position = l->block_tiles * sh->c;
    const v16 zp = (v16){ 0 } + (int16_t)l->zp_in, zero = { 0 };

    for (int64_t column = 0; column < count; column++) {
        const int64_t x = column - sh->pad_left;
        const bool inside = x >= 0 && x < sh->w;
        v16 d[WINOGRAD_WINDOW], t[WINOGRAD_WINDOW];

#pragma GCC unroll 6
        for (int i = 0; i < WINOGRAD_WINDOW; i++)
            d[i] = inside && y0 + i >= 0 && y0 + i < sh->h ? widen(image + ((y0 + i) * sh->w + x) * sh->c + c0) - zp : zero;
        input_1d(d, t);
        memcpy(columns + column * WINOGRAD_WINDOW * CHANNELS, t, sizeof t);
    }
    for (int64_t tile = 0; tile < across; tile++, v += sh->c)
#pragma GCC unroll 1
        for (int i = 0; i < WINOGRAD_WINDOW; i++) {
            const int16_t *from = columns + (tile * WINOGRAD_TILE * WINOGRAD_WINDOW + i) * CHANNELS;
            v16 d[WINOGRAD_WINDOW], t[WINOGRAD_WINDOW];

#pragma GCC unroll 6
            for (int j = 0; j < WINOGRAD_WINDOW; j++)
                memcpy(&d[j], from + j * WINOGRAD_WINDOW * CHANNELS, sizeof d[j]);
            input_1d(d, t);
#pragma GCC unroll 6
            for (int j = 0; j < WINOGRAD_WINDOW; j++)
                memcpy(v + (i * WINOGRAD_WINDOW + j) * position + c0, &t[j], sizeof t[j]);
        }
}

/*
 * One position of @tiles tiles, which are @step numbers apart, by the filters of a panel, over @pairs pairs of channels.  Few
 * accumulators would wait for each other's latency: then every other pair of channels has its own.
 */
INLINE void products(const int tiles, const int16_t *v, int64_t step, const int16_t *u, int64_t pairs, uint32_t *m)
{
    const int chains = tiles * NV < CHAINS ? 2 : 1;
    v32 acc[2][TILES][NV];

#pragma GCC unroll 2
    for (int c = 0; c < chains; c++)
#pragma GCC unroll 16
        for (int t = 0; t < tiles; t++)
#pragma GCC unroll 2
            for (int j = 0; j < NV; j++)
                acc[c][t][j] = (v32){ 0 };
    for (; pairs > 0; pairs -= chains)             /* even: C is a multiple of CHANNELS */
#pragma GCC unroll 2
        for (int c = 0; c < chains; c++, v += 2, u += 2 * NR)
#pragma GCC unroll 16
            for (int t = 0; t < tiles; t++) {
                const v32 x = pair(v + t * step);

#pragma GCC unroll 2
                for (int j = 0; j < NV; j++)
                    acc[c][t][j] = multiply_add(acc[c][t][j], x, u + 2 * LANES * j);
            }
#pragma GCC unroll 16
    for (int t = 0; t < tiles; t++)
#pragma GCC unroll 2
        for (int j = 0; j < NV; j++) {
            const v32 sum = chains == 2 ? acc[0][t][j] + acc[1][t][j] : acc[0][t][j];

            memcpy(m + (t * NV + j) * LANES, &sum, sizeof sum);
        }
}

#define PRODUCTS(tiles)                                                                                                \
    TARGET static void products_##tiles(const int16_t *v, int64_t step, const int16_t *u, int64_t pairs, uint32_t *m)  \
    {                                                                                                                  \
        products(tiles, v, step, u, pairs, m);                                                                         \
    }
EACH_COUNT(PRODUCTS)

/* M of @count tiles and one panel: [chunk of WINOGRAD_DEPTH channels][position][tile][NR]. */
static void all_products(const struct packed_layer *l, int count, const int16_t *v, const int16_t *u, uint32_t *m)
{
    typedef void products_fixed(const int16_t *, int64_t, const int16_t *, int64_t, uint32_t *);
#define NAME(tiles) products_##tiles,
    static products_fixed *const by_count[TILES] = { EACH_COUNT(NAME) };
    products_fixed *const fixed = by_count[count - 1];
    const int64_t channels = l->sh.c, position = l->block_tiles * channels;

    for (int64_t c = 0; c < channels; c += WINOGRAD_DEPTH) {
        const int64_t pairs = (channels - c < WINOGRAD_DEPTH ? channels - c : WINOGRAD_DEPTH) / 2;

        for (int64_t p = 0; p < WINOGRAD_POSITIONS; p++, m += count * NR)
            fixed(v + p * position + c, channels, u + (p * channels + c) * NR, pairs, m);
    }
}

/* The sums of tile @tile, LANES filters of them: added to @acc. */
INLINE void output(int tile, int vector, int count, const uint32_t *m, v32 acc[PIXELS][NV])
{
    enum { INVERSE_OF_9 = 0x38E38E39 };
    static const int e[WINOGRAD_TILE] = { 3, 2, 1, 1 };
    v32 rows[WINOGRAD_TILE][WINOGRAD_WINDOW];

#pragma GCC unroll 6
    for (int x = 0; x < WINOGRAD_WINDOW; x++) {
        v32 column[WINOGRAD_WINDOW], y[WINOGRAD_TILE];

#pragma GCC unroll 6
        for (int i = 0; i < WINOGRAD_WINDOW; i++)
            column[i] = load32v(m + ((i * WINOGRAD_WINDOW + x) * count + tile) * NR + vector * LANES);
        output_1d(column, y);
#pragma GCC unroll 4
        for (int i = 0; i < WINOGRAD_TILE; i++)
            rows[i][x] = y[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < WINOGRAD_TILE; i++) {
        v32 y[WINOGRAD_TILE];

        output_1d(rows[i], y);
#pragma GCC unroll 4
        for (int j = 0; j < WINOGRAD_TILE; j++)
            acc[i * WINOGRAD_TILE + j][vector] += (v32)((v32s)(y[j] * INVERSE_OF_9) >> (e[i] + e[j]));
    }
}

/* The codes of tile @tile of @count, for the filters of a panel. */
TARGET static void output_tile(const struct packed_layer *l, int tile, int count, const uint32_t *m, const struct stage *stage,
                               int8_t codes[PIXELS * NR])
{
    v32 acc[PIXELS][NV];

#pragma GCC unroll 16
    for (int i = 0; i < PIXELS; i++)
#pragma GCC unroll 2
        for (int j = 0; j < NV; j++)
            acc[i][j] = load32v(stage->bias + j * LANES);
    for (int64_t c = 0; c < l->sh.c; c += WINOGRAD_DEPTH, m += WINOGRAD_POSITIONS * count * NR)
#pragma GCC unroll 2
        for (int j = 0; j < NV; j++)
            output(tile, j, count, m, acc);
    store_tile(acc, stage, &l->common, codes);
}

/* The pixels of a tile that are in the ofmap; @out: its first. */
static void put_tile(const struct rs_conv_shape *sh, int64_t e, int64_t f, const int8_t codes[PIXELS * NR], int8_t *out)
{
    const int64_t rows = sh->e - e < WINOGRAD_TILE ? sh->e - e : WINOGRAD_TILE;
    const int64_t pixels = sh->f - f < WINOGRAD_TILE ? sh->f - f : WINOGRAD_TILE;

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < pixels; j++)
            memcpy(out + (i * sh->f + j) * sh->m, codes + (i * WINOGRAD_TILE + j) * NR, NR);
}

/* All filters by the tiles of rows [row, row + rows), whose V is there.  @image: of the ofmap. */
static void run_block(const struct packed_layer *l, int64_t row, int64_t rows, const int16_t *v, uint32_t *m, int8_t *image)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t across = (sh->f + WINOGRAD_TILE - 1) / WINOGRAD_TILE, tiles = rows * across;
    const int64_t groups = (tiles + TILES - 1) / TILES;
    int8_t codes[PIXELS * NR];

    for (int64_t panel = 0; panel < sh->m / NR; panel++) {
        const struct stage *stage = packed_stages(l) + panel;
        const int16_t *u = (const int16_t *)(const void *)((const char *)packed_b(l) + panel * l->panel_bytes);

        for (int64_t g = 0; g < groups; g++) {
            const int64_t first = tiles * g / groups, count = tiles * (g + 1) / groups - first;

            all_products(l, (int)count, v + first * sh->c, u, m);
            for (int64_t t = first; t < first + count; t++) {
                const int64_t e = (row + t / across) * WINOGRAD_TILE, f = t % across * WINOGRAD_TILE;

                output_tile(l, (int)(t - first), (int)count, m, stage, codes);
                put_tile(sh, e, f, codes, image + (e * sh->f + f) * sh->m + panel * NR);
            }
        }
    }
}

/* A depthwise_rows: rows of tiles, counted over all images. */
static void run_rows(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap, int64_t first, int64_t last, void *scratch)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t down = rs_winograd_rows(sh), across = (sh->f + WINOGRAD_TILE - 1) / WINOGRAD_TILE;
    int16_t *const v = scratch;
    void *const m = (char *)scratch + rs_winograd_v_bytes(l);
    int64_t rows;

    for (int64_t at = first; at < last; at += rows) {
        const int64_t n = at / down, row = at % down;

        rows = down - row < l->block_rows ? down - row : l->block_rows;
        rows = last - at < rows ? last - at : rows;
        for (int64_t i = 0; i < rows; i++)
            for (int64_t c = 0; c < sh->c; c += CHANNELS)
                input_row(l, ifmap + n * sh->h * sh->w * sh->c, row + i, c, m, v + i * across * sh->c);
        run_block(l, row, rows, v, m, ofmap + n * sh->e * sh->f * sh->m);
    }
}
