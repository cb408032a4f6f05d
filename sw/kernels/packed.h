/*
 * packed.h - what a packed layer is made of, and what an instruction set brings.  Internal to sw/kernels/.
 *
 * Convolution, 1x1, FC and GEMM are one implicit GEMM: rows are ofmap pixels, columns are filters, depth is
 * K = R * S * C.  Depthwise is a loop of its own.
 *
 * A (activations) is a copy of the ifmap rows that some ofmap rows need, with the padding filled in and the codes in
 * the form that the multiplier takes.  One pixel's depth is then a few runs of neighbouring codes: R runs of S * C
 * (dilation_w 1), or R * S runs of C.  The runs start at the same offsets from every pixel, and neighbouring pixels
 * are a fixed step apart, so nothing is gathered and nothing is packed again:
 *
 *      pixel i, run j, depth t:  a[p + i * step + run_offset[j] + t]
 *
 * B (filters) is packed once, in panels of nr filters; kr depth steps of one filter lie together, so that they
 * meet kr activations in one 32-bit lane:
 *
 *      panel p, step t: | filter 0: kr codes | filter 1: kr codes | .. | filter nr-1 |
 *
 * Each run is filled up to a multiple of kr.  Filters past M, and depth past the end of a run, are zero; A may hold
 * anything there, but must be readable.
 */
#ifndef RS_KERNELS_PACKED_H
#define RS_KERNELS_PACKED_H
#include "pack.h"

enum { GEMM_MAX_NR = 32, STAGE_LANES = 64, GEMV_PANELS = 4 };

/* Whether a line in floats tells all codes of a panel: with zp_out in it; with a lean of the accumulator's sign. */
enum stage_line { LINE_NONE, LINE_ONE_SIDED, LINE_TWO_SIDED };

/* The output stage of a panel (or depthwise block) of up to 64 channels, in the order of the lanes. */
struct stage {
    int32_t bias[STAGE_LANES];         /* with the zero point's share; modulo 2^32      */
    int32_t mult[STAGE_LANES];
    int32_t shift[STAGE_LANES];        /* as in struct rs_quant, positive shifts left   */
    int32_t right[STAGE_LANES];        /* max(-shift, 0)                                */
    int32_t half[STAGE_LANES];         /* right > 0 ? 2^(right - 1) : 0                 */
    float scale[STAGE_LANES];          /* ONNX: the scale; else mult * 2^(shift - 31)    */
    float slant[STAGE_LANES];          /* DOUBLE, right > 0: 2^-(right + 1); else 0     */
    /* For 64-bit products of even and odd lanes, in vectors of 16: 2^31 + half * 2^32, and odd lanes' mult. */
    int64_t nudge_even[STAGE_LANES / 2], nudge_odd[STAGE_LANES / 2];
    int32_t mult_odd[STAGE_LANES];     /* even positions: mult of the lane above         */
    float line_scale[STAGE_LANES], line_lean[STAGE_LANES];     /* line.h                 */
    int32_t line_shift[STAGE_LANES];   /* in the bias, if line is not LINE_NONE          */
    _Alignas(64) enum stage_line line; /* of all its lanes                               */
};

enum stage_mode {
    STAGE_DOUBLE,                      /* no left shift, |acc| < 2^30: nothing can overflow in 32-bit lanes */
    STAGE_GENERAL,                     /* anything else: one code at a time, by struct rs_quant's rules     */
    STAGE_S32                          /* accumulators out                                                  */
};

/* What every tile of a layer has in common, besides its panel. */
struct stage_common {
    enum stage_mode mode;
    enum rs_rounding rounding;
    bool quick;                        /* DOUBLE, SINGLE: floats tell the code, or that they cannot (QUICK_LIMIT) */
    bool clamps;                       /* act_min > -128 or act_max < 127                                      */
    int32_t zp_out, act_min, act_max;
};

/*
 * The quick output stage.  With v = acc * mult * 2^(shift - 31), exact, both integer roundings are
 *
 *   nearest(v + slant),  slant = copysign(2^-(right + 1), v) for DOUBLE with right > 0, else 0
 *
 * but for ties.  (DOUBLE, v >= 0: the code is at least k where SRDHM, floor(v * 2^right + 1/2), is at least
 * (k - 1/2) * 2^right, an integer: where v >= k - 1/2 - 2^-(right + 1).  v < 0: it is at most -k where that floor is
 * at most -(k - 1/2) * 2^right: where v - 2^-(right + 1) < -(k - 1/2).)
 *
 * In floats, fma((float)acc, scale, slant) is off by no more than 3 roundings of 2^-24, relative: by less than 2^-14
 * where |v| < 257; beyond, the code saturates either way.  So the nearest integer is right unless it is further away
 * than 1/2 - 2^-14.  Then (some 10^-4 of the codes) the integer stage decides.  |v| < 2^22, so that the nearest
 * integer is one.
 */
#define QUICK_DOUBT (0.5f - 0x1p-14f)
#define QUICK_LIMIT 0x1p22

/*
 * The operands of a strip: rows of equal tiles.  A tile is two groups of neighbouring pixels, which may lie in different rows of
 * the ofmap; p and q, out_p and out_q are those of the first one.
 */
struct gemm_operands {
    int64_t rows, tiles;               /* tiles in a row                                                   */
    int64_t row_bytes, tile_bytes;     /* in A, from a row to the next, from a tile to the next            */
    int64_t out_row_bytes, out_tile_bytes;
    const char *p, *q;                 /* first pixel of each group, in A                                  */
    size_t step;                       /* bytes from a pixel to the next                                   */
    const int64_t *run_offset;         /* [runs], bytes                                                    */
    int64_t runs, run_steps;           /* depth steps of kr in a run                                       */
    const char *b;                     /* the panel, from the first of these runs on                       */
    const int32_t *bias;               /* [nr], what the sums start from                                   */
    const struct stage *stage;         /* all but its bias                                                 */
    const struct stage_common *common;
    void *out_p, *out_q;               /* int8_t (or int32_t); pixels are row_elements apart               */
    size_t row_elements;
};

/* Where the codes of a tile's pixels go: the first of each group; neighbours are elements apart. */
struct rows { void *p, *q; size_t elements; };

/* A strip of tiles of np + nq <= mr (or mr_narrow) pixels by @filters <= nr filters; nq is np or np - 1. */
typedef void gemm_strip(int np, int nq, int filters, const struct gemm_operands *g);

/* A strip by a function that does one tile. */
typedef void gemm_tile(int filters, const struct gemm_operands *g);

static inline void gemm_each_tile(gemm_tile *tile, int filters, const struct gemm_operands *g)
{
    for (int64_t row = 0; row < g->rows; row++)
        for (int64_t i = 0; i < g->tiles; i++) {
            const int64_t at = row * g->row_bytes + i * g->tile_bytes, out = row * g->out_row_bytes + i * g->out_tile_bytes;
            struct gemm_operands one = *g;

            one.p += at;
            one.q += at;
            one.out_p = (char *)g->out_p + out;
            one.out_q = (char *)g->out_q + out;
            tile(filters, &one);
        }
}

/*
 * A single row by the filters of groups [first, last), to @out, the first filter of all.  A group is GEMV_PANELS panels, of
 * which B is one stream:
 *
 *      group g, step t: | filter 0: kr codes | filter 1: kr codes | .. | the group's last, rounded up to narrow |
 */
struct packed_layer;
typedef void gemv_groups(const struct packed_layer *l, const int8_t *in, int64_t first, int64_t last, void *out);

/* Codes in the form of A: each row has @before codes of real zero, @inside from src, @after of real zero. */
struct copy {
    int64_t rows, before, inside, after;
    const int8_t *src;                 /* not read if inside is 0 */
    int64_t src_row;                   /* codes from a row to the next */
    char *a;
    int64_t a_row;                     /* bytes */
};

typedef void gemm_copy(const struct packed_layer *l, const struct copy *c);

/* A run of codes; @src NULL: of real zero. */
typedef void copy_run(const struct packed_layer *l, const int8_t *src, int64_t count, void *a);

/* A copy by a function that does one run, of elements of @bytes. */
static inline void copy_by_runs(copy_run *run, int64_t bytes, const struct packed_layer *l, const struct copy *c)
{
    for (int64_t i = 0; i < c->rows; i++) {
        char *a = c->a + i * c->a_row;

        run(l, NULL, c->before, a);
        if (c->inside > 0)
            run(l, c->src + i * c->src_row, c->inside, a + c->before * bytes);
        run(l, NULL, c->after, a + (c->before + c->inside) * bytes);
    }
}

/* Runs rows [first, last) of a depthwise layer; a row is one (n, e). */
typedef void depthwise_rows(const struct packed_layer *l, const int8_t *ifmap, int8_t *ofmap, int64_t first,
                            int64_t last, void *scratch);

/*
 * Depthwise filters are packed as
 *
 *      block of channels, step, lane: group codes (int8 or int16, element_bytes)
 *
 * where lane l of a block is channel order(l), and the k-th code of a step is filter tap tap(step, k).  The lanes'
 * order is what the interleaving instructions of the kernel make of 64 (or 16) channels in a row.
 */
struct depthwise_isa {
    int block;                         /* channels in a block, <= STAGE_LANES                   */
    int group;                         /* codes in a 32-bit lane                                */
    int64_t (*steps)(const struct rs_conv_shape *sh);
    bool (*tap)(const struct rs_conv_shape *sh, int64_t step, int k, int64_t *r, int64_t *s);   /* false: none */
    int (*order)(int lane);
    bool plain_codes;                  /* zp_in is not taken from them: its share is in the bias */
    bool several_pixels;               /* stride 1, C < block: a block holds block / C pixels and a part of the next */
    size_t (*scratch_bytes)(const struct rs_conv_shape *sh);
    depthwise_rows *rows;
};

/* Winograd's 3x3 (winograd.h). */
struct winograd_isa {
    int channels, least_channels;      /* C is a multiple of; and at least                     */
    int nr, tiles;                     /* filters of a panel; tiles in a product, at most      */
    int64_t most_bytes;                /* of a layer's filters                                 */
    depthwise_rows *rows;              /* of tiles; NULL: none                                 */
};

struct kernel_isa {
    int mr, nr, kr;                    /* largest tile; depth steps in a lane                  */
    int mr_narrow;                     /* largest tile of a layer of at most narrow filters; 0: mr */
    int narrow;                        /* a last panel of at most this many filters is packed this wide; or nr */
    int element_bytes;                 /* of A and B: 1, or 2 (int16, activations less zp_in)  */
    int32_t offset;                    /* added to activation codes in A: 128 for u8           */
    bool lines;                        /* its output stages take lines (line.h)                */
    bool rounds_down;                  /* while a layer runs, floats must: lines without a rounding of their own */
    gemm_strip *strip;
    gemm_copy *copy;
    gemv_groups *row;                  /* or NULL                                              */
    struct depthwise_isa dw;
    struct winograd_isa winograd;
};

extern const struct kernel_isa rs_kernel_isa_portable;
#if defined(__x86_64__)
extern const struct kernel_isa rs_kernel_isa_avx2;
extern const struct kernel_isa rs_kernel_isa_avx512vnni;
#elif defined(__aarch64__)
extern const struct kernel_isa rs_kernel_isa_neon;
#endif

/* NULL for RS_ISA_REF, which has no packed form of its own and uses the portable one. */
const struct kernel_isa *rs_kernel_isa(enum rs_isa isa);

enum packed_kind { PACKED_GEMM, PACKED_DEPTHWISE, PACKED_WINOGRAD };

struct packed_layer {
    uint64_t magic;
    enum packed_kind kind;
    enum rs_isa isa;
    struct rs_conv_shape sh;
    int32_t zp_in;
    struct stage_common common;
    int64_t steps;                     /* of depth, in all runs; depthwise: of filter taps     */
    int64_t runs, run_codes, run_steps;
    int64_t scratch_bytes;             /* what rs_packed_run() asks for                        */
    int64_t pitch;                     /* bytes of one row of A                                */
    int64_t block_rows;                /* ofmap rows (1x1: pixels) whose A is held at once     */
    int64_t block_tiles;               /* Winograd: block_rows rows of tiles have so many      */
    int64_t panel_bytes;               /* of a full panel of B; of a depthwise block           */
    int64_t mr;                        /* pixels of a tile                                     */
    bool points;                       /* 1x1, stride 1, no padding: all pixels are one row    */
    bool row;                          /* points, but a single one, and the instruction set has a loop for it */
    bool panel_outer;                  /* filters do not fit beside A in a first-level cache   */
    int pixels;                        /* depthwise: pixels in a block of lanes                */
    int64_t blocks;                    /* depthwise: blocks of channels                        */
    size_t run_offset_offset, stage_offset, b_offset, share_offset;      /* from the start of the layer */
};

static inline const struct stage *packed_stages(const struct packed_layer *l)
{
    return (const struct stage *)(const void *)((const char *)l + l->stage_offset);
}

static inline const int64_t *packed_run_offsets(const struct packed_layer *l)
{
    return (const int64_t *)(const void *)((const char *)l + l->run_offset_offset);
}

/*
 * A run that is all padding for a tile is left out: it would add the zero point's share of its filter codes, which
 * bias[] takes back; so the tile starts from bias[] and that share, [panel][run][nr].
 */
static inline const int32_t *packed_shares(const struct packed_layer *l)
{
    return (const int32_t *)(const void *)((const char *)l + l->share_offset);
}

static inline const void *packed_b(const struct packed_layer *l)
{
    return (const char *)l + l->b_offset;
}

/* rs_add_s8() of @count neighbours, RS_ROUND_DOUBLE; shifts and bounds as checked there. */
#if defined(__x86_64__)
void rs_add_s8_row__avx512(int64_t count, const int8_t *in1, const int8_t *in2, const struct rs_add_quant *q, int8_t *out);
/* The same by a plane (pack.h), and whether it has one. */
bool rs_add_s8_plane_find__avx512(const struct rs_add_quant *q, struct rs_add_plane *plane);
void rs_add_s8_plane_run__avx512(int64_t count, const int8_t *in1, const int8_t *in2, const struct rs_add_quant *q,
                                 const struct rs_add_plane *plane, int8_t *out);
/* sum[c] += the codes of @rows x @pixels pixels, @channels of them from @at on; at most 64. */
void rs_sum_s8__avx512(int64_t rows, int64_t pixels, int64_t channels, int64_t row_step, int64_t pixel_step, const int8_t *at,
                       int32_t *sum);
#endif

/* Multiplications, padding counted. */
static inline int64_t packed_macs(const struct packed_layer *l)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t taps = (int64_t)sh->r * sh->s * (l->kind == PACKED_DEPTHWISE ? 1 : sh->c);

    return (int64_t)sh->n * sh->e * sh->f * sh->m * taps;
}

/* The general output stage: @acc rows x filters, row stride GEMM_MAX_NR. */
void rs_stage_general(int rows, int filters, const int32_t *acc, const struct stage *stage,
                      const struct stage_common *common, void *out, size_t row_elements);
#endif
