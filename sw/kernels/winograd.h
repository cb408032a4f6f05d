/*
 * winograd.h - 3x3 convolutions of stride 1 in a quarter of the multiplications, exact.  Internal to sw/kernels/.
 *
 * Winograd's minimal filtering F(4 x 4, 3 x 3): 4 x 4 ofmap pixels (a tile) come from 6 x 6 ifmap pixels by 36 products a
 * channel and filter, not 144:
 *
 *      V = B' d B       of each channel's 6 x 6 codes less zp_in
 *      U = G g G'       of each filter's 3 x 3 codes, once
 *      M = SUM over channels of U * V, position by position: 36 matrix products of int16
 *      Y = A' M A       4 x 4 sums
 *
 *           4  0 -5  0  1  0           6  0  0
 *           0 -4 -4  1  1  0           1  1  1             1 -4 -4  1  1  0
 *      B' = 0  4 -4 -1  1  0      G =  1 -1  1       A' =  0 -2  2  1 -1  0
 *           0 -2 -1  2  1  0           1  2  4             0 -1 -1  1  1  0
 *           0  2 -1 -2  1  0           1 -2  4             0 -1  1  2 -2  1
 *           0  4  0 -5  0  1           0  0  6
 *
 * No fractions: G and A' are those of the paper times 24 in all, rows of A' less powers of two, so that row i of A' gives 3 *
 * 2^e[i] times the sum, e = 3, 2, 1, 1; pixel (i, j) 9 * 2^(e[i] + e[j]) times.
 *
 * Nothing is rounded and nothing is lost:
 *   - |V| <= 10 * 10 * 255 = 25500 and |U| <= 7 * 7 * 128 = 6272 fit int16; on the way to V, 1D sums are at most 2550, and 4 *
 *     2 * 2550 + 2 * 2550 = 25500 too;
 *   - M and Y are sums modulo 2^32.  9 has an inverse modulo 2^32: times it, Y is 2^e times the sum, modulo 2^32.  That is the
 *     sum itself, shifted, where it is less than 2^(31 - 6): so channels are summed WINOGRAD_DEPTH at a time, of which 9 * 96 *
 *     128 * 255 < 2^25.
 *
 * Source: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016; the integer form is worked out here.
 */
#ifndef RS_KERNELS_WINOGRAD_H
#define RS_KERNELS_WINOGRAD_H
#include "packed.h"

enum {
    WINOGRAD_TILE = 4, WINOGRAD_WINDOW = 6, WINOGRAD_POSITIONS = 36,
    WINOGRAD_DEPTH = 96                /* channels in a sum; a multiple of every instruction set's channels */
};

/* Whether instruction set @isa has it for layers of this shape, and is faster so. */
bool rs_winograd_suits(const struct rs_conv_shape *sh, const struct winograd_isa *isa);

/* Ofmap rows of tiles in one image. */
static inline int64_t rs_winograd_rows(const struct rs_conv_shape *sh)
{
    return (sh->e + WINOGRAD_TILE - 1) / WINOGRAD_TILE;
}

/*
 * Sizes of @l: V and M of block_rows rows of tiles, filters as
 *
 *      panel of nr filters, position, pair of channels: | filter 0: 2 numbers | filter 1: 2 numbers | .. |
 */
void rs_winograd_lay_out(const struct winograd_isa *isa, struct packed_layer *l);

/* U of one filter, lane @lane of the panel that starts at @panel; @filter: [3][3][C]. */
void rs_winograd_filter(const struct packed_layer *l, int lane, const int8_t *filter, int16_t *panel);

/* Bytes of V, rounded up to 64: M follows it. */
size_t rs_winograd_v_bytes(const struct packed_layer *l);

depthwise_rows rs_winograd_rows__avx2, rs_winograd_rows__avx512vnni;
#define RS_WINOGRAD_AVX2                                                                                               \
    { .channels = 16, .least_channels = 16, .nr = 16, .tiles = 6, .most_bytes = 8 << 20, .rows = rs_winograd_rows__avx2 }
#define RS_WINOGRAD_AVX512VNNI                                                                                         \
    { .channels = 32, .least_channels = 64, .nr = 32, .tiles = 14, .most_bytes = 2 << 20,                              \
      .rows = rs_winograd_rows__avx512vnni }
#endif
