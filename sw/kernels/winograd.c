/* winograd.c - what does not depend on the instruction set: which layers, layouts, filters; see winograd.h. */
#include "winograd.h"

/*
 * Tiles of 4 x 4 cover some ofmaps badly, and the transforms cost less than the products saved only with enough channels on
 * both sides; filters take eight times their room, and should stay in the second-level cache.
 */
bool rs_winograd_suits(const struct rs_conv_shape *sh, const struct winograd_isa *isa)
{
    const int64_t covered = rs_winograd_rows(sh) * ((sh->f + WINOGRAD_TILE - 1) / WINOGRAD_TILE) * WINOGRAD_TILE * WINOGRAD_TILE;

    return isa->rows != NULL && sh->r == 3 && sh->s == 3 && sh->stride_h == 1 && sh->stride_w == 1 && sh->dilation_h == 1 &&
           sh->dilation_w == 1 && sh->c % isa->channels == 0 && sh->c >= isa->least_channels && sh->m % isa->nr == 0 &&
           (int64_t)sh->c * sh->m * WINOGRAD_POSITIONS * 2 <= isa->most_bytes && covered * 2 <= (int64_t)sh->e * sh->f * 3;
}

size_t rs_winograd_v_bytes(const struct packed_layer *l)
{
    return (size_t)(WINOGRAD_POSITIONS * l->block_tiles * l->sh.c * 2 + 63) / 64 * 64;
}

void rs_winograd_lay_out(const struct winograd_isa *isa, struct packed_layer *l)
{
    enum { V_AT_ONCE_BYTES = 192 << 10 };
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t across = (sh->f + WINOGRAD_TILE - 1) / WINOGRAD_TILE, rows = rs_winograd_rows(sh);
    const int64_t row_bytes = WINOGRAD_POSITIONS * across * sh->c * 2, chunks = (sh->c + WINOGRAD_DEPTH - 1) / WINOGRAD_DEPTH;
    const int64_t m_bytes = chunks * WINOGRAD_POSITIONS * isa->tiles * isa->nr * 4;
    const int64_t column_bytes = WINOGRAD_WINDOW * (across * WINOGRAD_TILE + 2) * isa->channels * 2;

    l->block_rows = V_AT_ONCE_BYTES / row_bytes < 1 ? 1 : V_AT_ONCE_BYTES / row_bytes;
    l->block_rows = l->block_rows < rows ? l->block_rows : rows;
    l->block_tiles = l->block_rows * across;
    l->panel_bytes = WINOGRAD_POSITIONS * sh->c * isa->nr * 2;
    l->scratch_bytes = (int64_t)rs_winograd_v_bytes(l) + (m_bytes > column_bytes ? m_bytes : column_bytes);
}

/* G times three numbers that are @step apart. */
static void filter_1d(const int *g, int step, int u[WINOGRAD_WINDOW])
{
    const int g0 = g[0], g1 = g[step], g2 = g[2 * step];

    u[0] = 6 * g0;
    u[1] = g0 + g1 + g2;
    u[2] = g0 - g1 + g2;
    u[3] = g0 + 2 * g1 + 4 * g2;
    u[4] = g0 - 2 * g1 + 4 * g2;
    u[5] = 6 * g2;
}

void rs_winograd_filter(const struct packed_layer *l, int lane, const int8_t *filter, int16_t *panel)
{
    const int64_t channels = l->sh.c, nr = l->panel_bytes / (WINOGRAD_POSITIONS * channels * 2);

    for (int64_t c = 0; c < channels; c++) {
        int g[9], rows[3][WINOGRAD_WINDOW], u[WINOGRAD_WINDOW];

        for (int i = 0; i < 9; i++)
            g[i] = filter[i * channels + c];
        for (int i = 0; i < 3; i++)
            filter_1d(g + 3 * i, 1, rows[i]);
        for (int x = 0; x < WINOGRAD_WINDOW; x++) {
            filter_1d(rows[0] + x, WINOGRAD_WINDOW, u);
            for (int y = 0; y < WINOGRAD_WINDOW; y++)
                panel[((y * WINOGRAD_WINDOW + x) * (channels / 2) + c / 2) * nr * 2 + lane * 2 + c % 2] = (int16_t)u[y];
        }
    }
}
