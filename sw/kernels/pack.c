/*
 * pack.c - layers prepared once and run many times; see pack.h for the contract and packed.h for the layouts.
 *
 * No arithmetic on activations here: this lays out filters and output stages, and walks tiles.
 */
#include "pack.h"
#include "check.h"
#include "fixedpoint.h"
#include "line.h"
#include "winograd.h"
#include <fenv.h>
#include <math.h>
#include <string.h>

#define MAGIC UINT64_C(0x5EED0FF11A9E5001)

/*
 * A at once: well inside a second-level cache.  Filters of more than a first-level cache's share: panels are the
 * outer loop, so that one panel stays while A streams.
 */
enum { A_AT_ONCE_BYTES = 256 << 10, B_STAYS_BYTES = 24 << 10 };

/* A tile may read the last run of the last pixel up to a multiple of kr. */
enum { A_SLACK_BYTES = 64 };

const struct kernel_isa *rs_kernel_isa(enum rs_isa isa)
{
    switch (isa) {
#if defined(__x86_64__)
    case RS_ISA_AVX2:       return &rs_kernel_isa_avx2;
    case RS_ISA_AVX512VNNI: return &rs_kernel_isa_avx512vnni;
#elif defined(__aarch64__)
    case RS_ISA_NEON:       return &rs_kernel_isa_neon;
#endif
    default:                return &rs_kernel_isa_portable;
    }
}

static int64_t round_up(int64_t x, int64_t to)
{
    return (x + to - 1) / to * to;
}

static int64_t pixels_of(const struct rs_conv_shape *sh)
{
    return (int64_t)sh->n * sh->e * sh->f;
}

/* ---------------------------------------------------------------- geometry */

/*
 * Everything about a layer that follows from its shape.
 *
 * A 1x1 layer with stride 1 and no padding is one row of N * E * F pixels, so that tiles do not end with rows.
 */
static void lay_out_gemm(const struct rs_conv_shape *sh, enum rs_isa isa, struct packed_layer *l,
                         struct rs_pack_sizes *sizes)
{
    const struct kernel_isa *k = rs_kernel_isa(isa);
    const int64_t panels = (sh->m + k->nr - 1) / k->nr;
    const int64_t bytes = k->element_bytes;

    *l = (struct packed_layer){ .magic = MAGIC, .kind = PACKED_GEMM, .isa = isa, .sh = *sh };
    l->points = sh->r == 1 && sh->s == 1 && sh->stride_h == 1 && sh->stride_w == 1 && sh->pad_top == 0 &&
                sh->pad_bottom == 0 && sh->pad_left == 0 && sh->pad_right == 0;
    l->runs = sh->dilation_w == 1 ? sh->r : (int64_t)sh->r * sh->s;
    l->run_codes = sh->dilation_w == 1 ? (int64_t)sh->s * sh->c : sh->c;
    l->run_steps = (l->run_codes + k->kr - 1) / k->kr;
    l->steps = l->runs * l->run_steps;
    l->panel_bytes = l->steps * k->kr * k->nr * bytes;
    l->mr = sh->m <= k->narrow && k->mr_narrow != 0 ? k->mr_narrow : k->mr;
    l->row = l->points && pixels_of(sh) == 1 && k->row != NULL;
    l->panel_outer = panels > 1 && panels * l->panel_bytes > B_STAYS_BYTES;

    /* Rows of A for b ofmap rows: (b - 1) * stride_h + the window's height. */
    const int64_t columns = ((int64_t)sh->f - 1) * sh->stride_w + ((int64_t)sh->s - 1) * sh->dilation_w + 1;
    const int64_t window = ((int64_t)sh->r - 1) * sh->dilation_h + 1;
    const int64_t all = l->points ? pixels_of(sh) : sh->e;
    int64_t rows;

    l->pitch = l->points ? sh->c * bytes : round_up(columns * sh->c * bytes, 4);
    rows = A_AT_ONCE_BYTES / l->pitch;
    l->block_rows = l->points ? rows : rows <= window ? 1 : (rows - window) / sh->stride_h + 1;
    if (l->points)                     /* whole tiles */
        l->block_rows = round_up(l->block_rows, l->mr);
    if (l->block_rows < 2)             /* a tile may take two rows */
        l->block_rows = 2;
    if (l->block_rows > all)
        l->block_rows = all;
    rows = l->points ? l->block_rows : (l->block_rows - 1) * sh->stride_h + window;

    l->run_offset_offset = (size_t)round_up(sizeof *l, RS_PACK_ALIGNMENT);
    l->stage_offset = (size_t)round_up((int64_t)l->run_offset_offset + l->runs * 8, RS_PACK_ALIGNMENT);
    l->b_offset = (size_t)round_up((int64_t)l->stage_offset + panels * (int64_t)sizeof(struct stage), RS_PACK_ALIGNMENT);
    l->share_offset = (size_t)round_up((int64_t)l->b_offset + panels * l->panel_bytes, RS_PACK_ALIGNMENT);
    sizes->packed_bytes = (size_t)round_up((int64_t)l->share_offset + panels * l->runs * k->nr * 4, RS_PACK_ALIGNMENT);
    l->scratch_bytes = round_up(rows * l->pitch + A_SLACK_BYTES, RS_PACK_ALIGNMENT);
    sizes->scratch_bytes = (size_t)l->scratch_bytes;
}

static void lay_out_winograd(const struct rs_conv_shape *sh, enum rs_isa isa, struct packed_layer *l, struct rs_pack_sizes *sizes)
{
    const struct winograd_isa *w = &rs_kernel_isa(isa)->winograd;
    const int64_t panels = sh->m / w->nr;

    *l = (struct packed_layer){ .magic = MAGIC, .kind = PACKED_WINOGRAD, .isa = isa, .sh = *sh };
    rs_winograd_lay_out(w, l);
    l->stage_offset = (size_t)round_up(sizeof *l, RS_PACK_ALIGNMENT);
    l->b_offset = (size_t)round_up((int64_t)l->stage_offset + panels * (int64_t)sizeof(struct stage), RS_PACK_ALIGNMENT);
    sizes->packed_bytes = (size_t)round_up((int64_t)l->b_offset + panels * l->panel_bytes, RS_PACK_ALIGNMENT);
    l->scratch_bytes = round_up(l->scratch_bytes, RS_PACK_ALIGNMENT);
    sizes->scratch_bytes = (size_t)l->scratch_bytes;
}

static void lay_out_conv(const struct rs_conv_shape *sh, enum rs_isa isa, struct packed_layer *l, struct rs_pack_sizes *sizes)
{
    (rs_winograd_suits(sh, &rs_kernel_isa(isa)->winograd) ? lay_out_winograd : lay_out_gemm)(sh, isa, l, sizes);
}

static void lay_out_depthwise(const struct rs_conv_shape *sh, enum rs_isa isa, struct packed_layer *l,
                              struct rs_pack_sizes *sizes)
{
    /* The vector kernels read channel m for filter m; a channel multiplier leaves only the portable one. */
    const enum rs_isa used = sh->m == sh->c ? isa : RS_ISA_PORTABLE;
    const struct kernel_isa *k = rs_kernel_isa(used);

    *l = (struct packed_layer){ .magic = MAGIC, .kind = PACKED_DEPTHWISE, .isa = used, .sh = *sh };
    l->pixels = k->dw.several_pixels && sh->stride_w == 1 && sh->c < k->dw.block ? k->dw.block / sh->c : 1;
    l->blocks = (sh->m + k->dw.block - 1) / k->dw.block;
    l->steps = k->dw.steps(sh);
    l->panel_bytes = l->steps * k->dw.block * k->dw.group * k->element_bytes;
    l->stage_offset = (size_t)round_up(sizeof *l, RS_PACK_ALIGNMENT);
    l->b_offset = (size_t)round_up((int64_t)l->stage_offset + l->blocks * (int64_t)sizeof(struct stage),
                                   RS_PACK_ALIGNMENT);
    sizes->packed_bytes = (size_t)round_up((int64_t)l->b_offset + l->blocks * l->panel_bytes, RS_PACK_ALIGNMENT);
    l->scratch_bytes = round_up((int64_t)k->dw.scratch_bytes(sh), RS_PACK_ALIGNMENT);
    sizes->scratch_bytes = (size_t)l->scratch_bytes;
}

/* ----------------------------------------------------------------- packing */

/*
 * Lane @lane of a stage: channel @m with bias and the sum of its filter codes.  Unsigned arithmetic: what A holds is
 * code + offset, so (offset + zp) * sum has to go, and the wrap of the intermediate sums cancels.
 */
static void set_lane(struct stage *s, int lane, int64_t m, const int32_t *bias, const struct rs_quant *q,
                     uint32_t filter_sum, int32_t zp_share)
{
    const int64_t i = q->count == 1 ? 0 : m;

    s->bias[lane] = (int32_t)((bias == NULL ? 0u : (uint32_t)bias[m]) - filter_sum * (uint32_t)zp_share);
    if (q->rounding == RS_ROUND_ONNX) {
        s->scale[lane] = q->scale[i];
        return;
    }
    s->scale[lane] = (float)ldexp((double)q->mult[i], q->shift[i] - 31);
    s->slant[lane] = q->rounding == RS_ROUND_DOUBLE && q->shift[i] < 0 ? ldexpf(0.5f, q->shift[i]) : 0.0f;
    s->mult[lane] = q->mult[i];
    s->shift[lane] = q->shift[i];
    s->right[lane] = q->shift[i] < 0 ? -q->shift[i] : 0;
    s->half[lane] = s->right[lane] > 0 ? (int32_t)(UINT32_C(1) << (s->right[lane] - 1)) : 0;
    (lane % 2 == 0 ? s->nudge_even : s->nudge_odd)[lane / 2] = (INT64_C(1) << 31) + s->half[lane] * (INT64_C(1) << 32);
    if (lane % 2 != 0)
        s->mult_odd[lane - 1] = s->mult[lane];
}

/* How much of A's codes the filter sum must take back: int16 operands are less zp_in already. */
static int32_t zp_share(const struct kernel_isa *k, int32_t zp_in)
{
    return k->element_bytes == 1 ? zp_in + k->offset : 0;
}

static void put_element(char *p, int64_t index, int element_bytes, int8_t w)
{
    if (element_bytes == 1) {
        ((int8_t *)p)[index] = w;
    } else {
        const int16_t wide = w;

        memcpy(p + 2 * index, &wide, 2);
    }
}

/*
 * The vector stage may be used where no 32-bit lane can overflow in it: no left shift, and |acc| < 2^30, so that
 * y + half < 2^30 + 2^30.
 */
static enum stage_mode choose_mode(const struct rs_quant *q, int64_t greatest_acc)
{
    if (q->rounding != RS_ROUND_DOUBLE || greatest_acc >= INT64_C(1) << 30)
        return STAGE_GENERAL;
    for (int32_t i = 0; i < q->count; i++)
        if (q->shift[i] > 0)
            return STAGE_GENERAL;
    return STAGE_DOUBLE;
}

/* |bias| + SUM |filter| * reach of one channel. */
static int64_t greatest(const int32_t *bias, int64_t m, int64_t absolute_sum, int32_t zp_in)
{
    const int64_t b = bias == NULL ? 0 : bias[m];
    const int64_t reach = zp_in + 128 > 127 - zp_in ? zp_in + 128 : 127 - zp_in;

    return (b < 0 ? -b : b) + absolute_sum * reach;
}

/* How far the code of channel @m can be from zero, before it is clamped. */
static double greatest_code(const struct rs_quant *q, int64_t m, int64_t greatest_acc)
{
    const int64_t i = q->count == 1 ? 0 : m;

    return q->rounding == RS_ROUND_ONNX ? (double)greatest_acc * q->scale[i]
                                        : ldexp((double)greatest_acc * q->mult[i], q->shift[i] - 31);
}

static struct stage_common common_of(const struct rs_quant *q)
{
    return (struct stage_common){ .rounding = q->rounding,
                                  .clamps = q->act_min > INT8_MIN || q->act_max < INT8_MAX, .zp_out = q->zp_out, .act_min = q->act_min,
                                  .act_max = q->act_max };
}

/* What the layer's accumulators and codes can reach, over all its channels. */
struct reach { int64_t acc; double code; };

/* Channel @m, whose filter codes' absolute values sum up to @absolute_sum. */
static void widen_reach(struct reach *r, const int32_t *bias, const struct rs_quant *q, int64_t m, int64_t absolute_sum)
{
    const int64_t acc = greatest(bias, m, absolute_sum, q->zp_in);

    r->acc = acc > r->acc ? acc : r->acc;
    r->code = fmax(r->code, greatest_code(q, m, acc));
}

static bool same_channel(const struct stage *s, int a, int b)
{
    return s->mult[a] == s->mult[b] && s->shift[a] == s->shift[b] && memcmp(&s->scale[a], &s->scale[b], sizeof s->scale[a]) == 0;
}

/* Lines for the first @lanes lanes of a stage, unless one of them has none.  Neighbours are often alike. */
static void find_lines(struct stage *s, int lanes, const struct rs_quant *q, int64_t reach)
{
    struct line line[STAGE_LANES];

    for (int j = 0; j < lanes; j++) {
        const struct rs_quant channel = {
            .zp_out = q->zp_out, .act_min = q->act_min, .act_max = q->act_max, .rounding = q->rounding, .count = 1,
            .mult = &s->mult[j], .shift = &s->shift[j], .scale = &s->scale[j],
        };

        if (j > 0 && same_channel(s, j - 1, j))
            line[j] = line[j - 1];
        else if (!rs_line_find(&channel, reach, &line[j]))
            return;
    }
    for (int j = 0; j < lanes; j++) {
        s->line_scale[j] = line[j].scale;
        s->line_lean[j] = line[j].lean;
        s->line_shift[j] = line[j].shift;
    }
    s->line = rs_line_one_sided(q) ? LINE_ONE_SIDED : LINE_TWO_SIDED;
}

/* Lines need floats that round down; ONNX's own rounding, which is of floats too, the nearest. */
static bool rounds_down(const struct packed_layer *l)
{
    return rs_kernel_isa(l->isa)->rounds_down && l->common.rounding != RS_ROUND_ONNX;
}

/* How codes are made in all @stages of @lanes lanes each. */
static void choose_stage(struct packed_layer *l, int64_t stages, int lanes, const struct rs_quant *q, const struct reach *r)
{
    struct stage *stage = (struct stage *)(void *)((char *)l + l->stage_offset);
    bool all = true;

    l->common.mode = choose_mode(q, r->acc);
    l->common.quick = q->rounding != RS_ROUND_ONNX && r->code < QUICK_LIMIT;
    if (!rs_kernel_isa(l->isa)->lines || r->code >= QUICK_LIMIT || (rs_kernel_isa(l->isa)->rounds_down && !rounds_down(l)))
        return;
    for (int64_t i = 0; i < stages; i++) {
        find_lines(&stage[i], lanes, q, r->acc);
        all = all && stage[i].line != LINE_NONE;
    }
    for (int64_t i = 0; i < stages; i++) {
        if (l->row && !all)            /* its panels go through the output stage together */
            stage[i].line = LINE_NONE;
        for (int j = 0; j < lanes && stage[i].line != LINE_NONE; j++)
            stage[i].bias[j] = (int32_t)((uint32_t)stage[i].bias[j] + (uint32_t)stage[i].line_shift[j]);
    }
}

/* Filters that lie side by side in B where panel @p does: of the panel; of a row's group of panels, in vectors. */
static int64_t width_of(const struct packed_layer *l, const struct kernel_isa *k, int64_t p)
{
    const int64_t panels = l->row ? GEMV_PANELS : 1, left = l->sh.m - p / panels * panels * k->nr;

    if (l->row)
        return left < GEMV_PANELS * k->nr ? round_up(left, k->narrow) : GEMV_PANELS * k->nr;
    return left <= k->narrow ? k->narrow : k->nr;
}

/* Filters as [M][K] with any steps: convolution and B_NK (step_m K, step_k 1), B_KN (step_m 1, step_k N). */
static void pack_gemm(struct packed_layer *l, const int8_t *filter, int64_t step_m, int64_t step_k,
                      const int32_t *bias, const struct rs_quant *q)
{
    const struct kernel_isa *k = rs_kernel_isa(l->isa);
    struct stage *stages = (struct stage *)(void *)((char *)l + l->stage_offset);
    char *b = (char *)l + l->b_offset;
    int32_t *shares = (int32_t *)(void *)((char *)l + l->share_offset);
    struct reach reach = { 0 };

    int64_t *run_offset = (int64_t *)(void *)((char *)l + l->run_offset_offset);

    l->zp_in = q->zp_in;
    l->common = common_of(q);
    memset(b, 0, l->share_offset - l->b_offset);
    for (int64_t run = 0; run < l->runs; run++)
        run_offset[run] = l->sh.dilation_w == 1
                              ? run * l->sh.dilation_h * l->pitch
                              : run / l->sh.s * l->sh.dilation_h * l->pitch +
                                    run % l->sh.s * l->sh.dilation_w * l->sh.c * k->element_bytes;
    for (int64_t p = 0; p * k->nr < l->sh.m; p++, shares += l->runs * k->nr) {
        const int64_t filters = l->sh.m - p * k->nr < k->nr ? l->sh.m - p * k->nr : k->nr;
        const int64_t width = width_of(l, k, p);
        char *panel = l->row ? b + p / GEMV_PANELS * GEMV_PANELS * l->panel_bytes + p % GEMV_PANELS * k->nr * k->kr
                             : b + p * l->panel_bytes;

        memset(&stages[p], 0, sizeof stages[p]);
        memset(shares, 0, (size_t)(l->runs * k->nr) * sizeof *shares);
        for (int64_t j = 0; j < filters; j++) {
            const int64_t m = p * k->nr + j;
            int64_t sum = 0;
            int64_t absolute_sum = 0;

            for (int64_t d = 0; d < l->runs * l->run_codes; d++) {
                const int8_t w = filter[m * step_m + d * step_k];
                const int64_t in_run = d % l->run_codes, step = d / l->run_codes * l->run_steps + in_run / k->kr;

                sum += w;
                absolute_sum += w < 0 ? -w : w;
                put_element(panel, (step * width + j) * k->kr + in_run % k->kr, k->element_bytes, w);
                shares[d / l->run_codes * k->nr + j] += w * zp_share(k, q->zp_in);
            }
            set_lane(&stages[p], (int)j, m, bias, q, (uint32_t)sum, zp_share(k, q->zp_in));
            widen_reach(&reach, bias, q, m, absolute_sum);
        }
    }
    choose_stage(l, (l->sh.m + k->nr - 1) / k->nr, k->nr, q, &reach);
}

static void pack_winograd(struct packed_layer *l, const int8_t *filter, const int32_t *bias, const struct rs_quant *q)
{
    const int nr = rs_kernel_isa(l->isa)->winograd.nr;
    const int64_t codes = (int64_t)9 * l->sh.c;
    struct stage *stages = (struct stage *)(void *)((char *)l + l->stage_offset);
    struct reach reach = { 0 };

    l->zp_in = q->zp_in;
    l->common = common_of(q);
    memset(stages, 0, l->b_offset - l->stage_offset);
    for (int64_t m = 0; m < l->sh.m; m++, filter += codes) {
        const int lane = (int)(m % nr);
        int64_t absolute_sum = 0;

        for (int64_t i = 0; i < codes; i++)
            absolute_sum += filter[i] < 0 ? -filter[i] : filter[i];
        set_lane(&stages[m / nr], lane, m, bias, q, 0, 0);
        rs_winograd_filter(l, lane, filter, (int16_t *)(void *)((char *)l + l->b_offset + m / nr * l->panel_bytes));
        widen_reach(&reach, bias, q, m, absolute_sum);
    }
    choose_stage(l, l->sh.m / nr, nr, q, &reach);
}

static void pack_depthwise(struct packed_layer *l, const int8_t *filter, const int32_t *bias,
                           const struct rs_quant *q)
{
    const struct kernel_isa *k = rs_kernel_isa(l->isa);
    const struct depthwise_isa *dw = &k->dw;
    struct stage *stages = (struct stage *)(void *)((char *)l + l->stage_offset);
    struct reach reach = { 0 };

    l->zp_in = q->zp_in;
    l->common = common_of(q);
    for (int64_t b = 0; b < l->blocks; b++) {
        char *panel = (char *)l + l->b_offset + b * l->panel_bytes;

        memset(panel, 0, (size_t)l->panel_bytes);
        memset(&stages[b], 0, sizeof stages[b]);
        for (int lane = 0; lane < dw->block; lane++) {
            const int64_t at = b * dw->block + dw->order(lane);
            const int64_t m = l->pixels > 1 ? at % l->sh.m : at;
            int64_t sum = 0;
            int64_t absolute_sum = 0;

            if (m >= l->sh.m)
                continue;
            for (int64_t step = 0; step < l->steps; step++)
                for (int g = 0; g < dw->group; g++) {
                    int64_t r, s;

                    if (!dw->tap(&l->sh, step, g, &r, &s))
                        continue;
                    const int8_t w = filter[(r * l->sh.s + s) * l->sh.m + m];

                    sum += w;
                    absolute_sum += w < 0 ? -w : w;
                    put_element(panel, (step * dw->block + lane) * dw->group + g, k->element_bytes, w);
                }
            set_lane(&stages[b], lane, m, bias, q, (uint32_t)sum, dw->plain_codes ? q->zp_in : zp_share(k, q->zp_in));
            widen_reach(&reach, bias, q, m, absolute_sum);
        }
    }
    choose_stage(l, l->blocks, dw->block, q, &reach);
}

/* ------------------------------------------------------------- public names */

static rs_status check_memory(const void *packed, size_t bytes, size_t needed, const char *what, struct rs_error *err)
{
    if (packed == NULL || (uintptr_t)packed % RS_PACK_ALIGNMENT != 0)
        return rs_fail(err, RS_ERR_ARG, "%s: memory is null or not aligned to %d bytes", what, RS_PACK_ALIGNMENT);
    if (bytes < needed)
        return rs_fail(err, RS_ERR_SHAPE, "%s: %zu bytes given, %zu needed", what, bytes, needed);
    return RS_OK;
}

/* A matrix product is a 1x1 convolution of M pixels in a row. */
static struct rs_conv_shape gemm_as_conv(const struct rs_gemm_shape *sh)
{
    return (struct rs_conv_shape){
        .n = 1, .h = 1, .w = sh->m, .c = sh->k, .m = sh->n, .r = 1, .s = 1, .stride_h = 1, .stride_w = 1,
        .dilation_h = 1, .dilation_w = 1, .e = 1, .f = sh->m,
    };
}

rs_status rs_conv2d_s8_pack_bytes(const struct rs_conv_shape *sh, struct rs_pack_sizes *sizes, struct rs_error *err)
{
    struct packed_layer l;
    enum rs_isa isa;
    int64_t size;

    if (sizes == NULL)
        return rs_fail(err, RS_ERR_ARG, "conv2d pack: null output");
    RS_TRY(rs_check_conv_shape(sh, err));
    RS_TRY(rs_check_product("filter", (int64_t)sh->r * sh->s, sh->c, &size, err));
    RS_TRY(rs_check_product("filter", size, sh->m, &size, err));
    RS_TRY(rs_isa_current(&isa, err));
    lay_out_conv(sh, isa, &l, sizes);
    return RS_OK;
}

rs_status rs_depthwise_conv2d_s8_pack_bytes(const struct rs_conv_shape *sh, struct rs_pack_sizes *sizes,
                                            struct rs_error *err)
{
    struct packed_layer l;
    enum rs_isa isa;
    int64_t size;

    if (sizes == NULL)
        return rs_fail(err, RS_ERR_ARG, "depthwise pack: null output");
    RS_TRY(rs_check_conv_shape(sh, err));
    if (sh->m % sh->c != 0)
        return rs_fail(err, RS_ERR_SHAPE, "depthwise: %d output channels are no multiple of %d input channels",
                       (int)sh->m, (int)sh->c);
    RS_TRY(rs_check_product("filter", (int64_t)sh->r * sh->s, sh->m, &size, err));
    RS_TRY(rs_isa_current(&isa, err));
    lay_out_depthwise(sh, isa, &l, sizes);
    return RS_OK;
}

rs_status rs_gemm_s8_pack_bytes(const struct rs_gemm_shape *sh, struct rs_pack_sizes *sizes, struct rs_error *err)
{
    if (sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm pack: null shape");

    const struct rs_conv_shape conv = gemm_as_conv(sh);

    return rs_conv2d_s8_pack_bytes(&conv, sizes, err);
}

rs_status rs_conv2d_s8_pack(const struct rs_conv_shape *sh, const int8_t *filter, const int32_t *bias,
                            const struct rs_quant *q, void *packed, size_t packed_bytes, struct rs_error *err)
{
    struct rs_pack_sizes sizes;
    struct packed_layer l;
    enum rs_isa isa;

    RS_TRY(rs_conv2d_s8_check(sh, filter, bias, q, err));
    RS_TRY(rs_isa_current(&isa, err));
    lay_out_conv(sh, isa, &l, &sizes);
    RS_TRY(check_memory(packed, packed_bytes, sizes.packed_bytes, "conv2d pack", err));
    memcpy(packed, &l, sizeof l);
    if (l.kind == PACKED_WINOGRAD)
        pack_winograd(packed, filter, bias, q);
    else
        pack_gemm(packed, filter, l.runs * l.run_codes, 1, bias, q);
    return RS_OK;
}

rs_status rs_depthwise_conv2d_s8_pack(const struct rs_conv_shape *sh, const int8_t *filter, const int32_t *bias,
                                      const struct rs_quant *q, void *packed, size_t packed_bytes,
                                      struct rs_error *err)
{
    struct rs_pack_sizes sizes;
    struct packed_layer l;
    enum rs_isa isa;

    RS_TRY(rs_depthwise_conv2d_s8_check(sh, filter, bias, q, err));
    RS_TRY(rs_isa_current(&isa, err));
    lay_out_depthwise(sh, isa, &l, &sizes);
    RS_TRY(check_memory(packed, packed_bytes, sizes.packed_bytes, "depthwise pack", err));
    memcpy(packed, &l, sizeof l);
    pack_depthwise(packed, filter, bias, q);
    return RS_OK;
}

/* No output stage at all. */
static void give_accumulators(struct packed_layer *l)
{
    const int nr = rs_kernel_isa(l->isa)->nr;
    struct stage *stage = (struct stage *)(void *)((char *)l + l->stage_offset);

    l->common.mode = STAGE_S32;
    l->common.quick = false;
    for (int64_t panel = 0; panel * nr < l->sh.m; panel++)
        stage[panel].line = LINE_NONE;
}

static rs_status gemm_pack(const struct rs_gemm_shape *sh, const int8_t *b, const int32_t *bias,
                           const struct rs_quant *q, bool s32, void *packed, size_t packed_bytes,
                           struct rs_error *err)
{
    struct rs_pack_sizes sizes;
    struct packed_layer l;
    enum rs_isa isa;

    RS_TRY(rs_gemm_s8_check(sh, b, bias, q->zp_in, err));
    if (sh->zp_b != 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "gemm pack: zero point %d of b, must be 0", (int)sh->zp_b);
    RS_TRY(rs_isa_current(&isa, err));

    const struct rs_conv_shape conv = gemm_as_conv(sh);

    lay_out_gemm(&conv, isa, &l, &sizes);
    RS_TRY(check_memory(packed, packed_bytes, sizes.packed_bytes, "gemm pack", err));
    memcpy(packed, &l, sizeof l);
    pack_gemm(packed, b, sh->layout == RS_GEMM_B_NK ? sh->k : 1, sh->layout == RS_GEMM_B_NK ? 1 : sh->n, bias, q);
    if (s32)
        give_accumulators(packed);
    return RS_OK;
}

rs_status rs_gemm_s8_pack(const struct rs_gemm_shape *sh, const int8_t *b, const int32_t *bias,
                          const struct rs_quant *q, void *packed, size_t packed_bytes, struct rs_error *err)
{
    if (sh == NULL)
        return rs_fail(err, RS_ERR_ARG, "gemm pack: null shape");
    RS_TRY(rs_check_extent("gemm columns N", sh->n, err));
    RS_TRY(rs_quant_check(q, sh->n, err));
    return gemm_pack(sh, b, bias, q, false, packed, packed_bytes, err);
}

rs_status rs_gemm_s8_s32_pack(const struct rs_gemm_shape *sh, const int8_t *b, const int32_t *bias, int32_t zp_a,
                              void *packed, size_t packed_bytes, struct rs_error *err)
{
    const int32_t mult = 0, shift = 0;
    const struct rs_quant q = { .zp_in = zp_a, .act_min = INT8_MIN, .act_max = INT8_MAX, .count = 1, .mult = &mult,
                                .shift = &shift };

    return gemm_pack(sh, b, bias, &q, true, packed, packed_bytes, err);
}

/* ------------------------------------------------------------------ running */

/* Some ofmap rows whose A is in place, or (1x1) some pixels as one row. */
struct block {
    const char *a;
    char *out;                         /* first pixel                                        */
    int64_t e;                         /* ofmap row of the first                             */
    int64_t rows, pixels;              /* pixels in a row                                    */
    int64_t a_row, out_row;            /* bytes from an ofmap row to the next                */
    int64_t step, out_step;            /* bytes from a pixel to the next                     */
    int64_t out_bytes;                 /* of one output                                      */
};

/*
 * Rows of equal tiles: @tiles of @pixels pixels in each of @rows rows from (@row, @pixel) on; or, @two_rows, of as many from each of
 * two rows, in pairs of rows.  [@first, @last): the filter rows that touch the ifmap in them.
 */
struct strip {
    int64_t row, rows, pixel, pixels, tiles, first, last;
    bool two_rows;
};

/* The filter rows of an ofmap row that are not all padding. */
static void rows_inside(const struct rs_conv_shape *sh, int64_t e, int64_t *first, int64_t *last)
{
    const int64_t y = e * sh->stride_h - sh->pad_top, d = sh->dilation_h;

    *first = y < 0 ? (-y + d - 1) / d : 0;
    *last = y + (sh->r - 1) * d >= sh->h ? (sh->h - y + d - 1) / d : sh->r;
    if (*first >= *last)               /* nothing but padding: any one row */
        *first = 0, *last = 1;
}

static void run_strip(const struct packed_layer *l, const struct kernel_isa *k, const struct block *b, const struct strip *t,
                      int64_t panel)
{
    const int64_t m = panel * k->nr, left = l->sh.m - m, in_row = l->runs / l->sh.r, together = t->two_rows ? 2 : 1;
    const int64_t np = t->two_rows ? t->pixels : (t->pixels + 1) / 2, nq = t->two_rows ? t->pixels : t->pixels - np;
    const int64_t first = t->first * in_row, last = t->last * in_row, width = left <= k->narrow ? k->narrow : k->nr;
    const struct stage *stage = packed_stages(l) + panel;
    const char *p = b->a + t->row * b->a_row + t->pixel * b->step;
    char *out = b->out + t->row * b->out_row + t->pixel * b->out_step + m * b->out_bytes;
    int32_t bias[GEMM_MAX_NR];
    const struct gemm_operands g = {
        .rows = t->rows / together, .tiles = t->tiles, .row_bytes = b->a_row * together, .tile_bytes = t->pixels * b->step,
        .out_row_bytes = b->out_row * together, .out_tile_bytes = t->pixels * b->out_step,
        .p = p, .q = p + (t->two_rows ? b->a_row : np * b->step), .step = (size_t)b->step,
        .run_offset = packed_run_offsets(l) + first, .runs = last - first, .run_steps = l->run_steps,
        .b = (const char *)packed_b(l) + panel * l->panel_bytes + first * l->run_steps * k->kr * width * k->element_bytes,
        .bias = last - first == l->runs ? stage->bias : bias, .stage = stage, .common = &l->common,
        .out_p = out, .out_q = out + (t->two_rows ? b->out_row : np * b->out_step), .row_elements = (size_t)l->sh.m,
    };

    if (g.bias == bias) {
        const int32_t *share = packed_shares(l) + panel * l->runs * k->nr;

        memcpy(bias, stage->bias, sizeof bias);
        for (int64_t run = 0; run < l->runs; run++, share += k->nr)
            for (int j = 0; (run < first || run >= last) && j < k->nr; j++)
                bias[j] = (int32_t)((uint32_t)bias[j] + (uint32_t)share[j]);
    }
    k->strip((int)np, (int)nq, left < k->nr ? (int)left : k->nr, &g);
}

/* Rows of A in a strip: as many as stay in a first-level cache from panel to panel. */
enum { STRIP_BYTES = 16 << 10 };

/* Rows from @t->row on, up to @most, that have the same filter rows, [t->first, t->last). */
static int64_t alike(const struct packed_layer *l, const struct block *b, int64_t most, struct strip *t)
{
    int64_t rows = 1;

    if (l->points)
        return 1;
    rows_inside(&l->sh, b->e + t->row, &t->first, &t->last);
    for (; rows < most; rows++) {
        int64_t first, last;

        rows_inside(&l->sh, b->e + t->row + rows, &first, &last);
        if (first != t->first || last != t->last)
            break;
    }
    return rows;
}

/*
 * All tiles by the panels [first, last), all panels of a strip in turn.  Tiles of a row: as few as can be, and nearly
 * equal.  Rows of at most half a tile go two by two, one in each of the tile's groups, if padding leaves both the same
 * filter rows.
 */
static void run_tiles(const struct packed_layer *l, const struct kernel_isa *k, const struct block *b, int64_t first,
                      int64_t last)
{
    const bool paired = b->pixels <= l->mr / 2;
    const int64_t in_row = (b->pixels + l->mr - 1) / l->mr, least = b->pixels / in_row;
    const int64_t larger = b->pixels % in_row;         /* so many have one more */
    const int64_t strip_rows = l->points ? 1 : STRIP_BYTES / b->a_row < 2 ? 2 : STRIP_BYTES / b->a_row;
    const int64_t strip_tiles = STRIP_BYTES / ((least + 1) * b->step) + 1;

    for (struct strip t = { .last = 1 }; t.row < b->rows; t.row += t.rows) {
        t.rows = alike(l, b, b->rows - t.row < strip_rows ? b->rows - t.row : strip_rows, &t);
        t.two_rows = paired && t.rows > 1;
        if (t.two_rows)
            t.rows -= t.rows % 2;
        t.pixel = 0;
        for (int64_t i = 0; i < in_row; i += t.tiles, t.pixel += t.tiles * t.pixels) {
            const int64_t same = i < larger ? larger - i : in_row - i;

            t.pixels = least + (i < larger);
            t.tiles = same < strip_tiles ? same : strip_tiles;
            for (int64_t panel = first; panel < last; panel++)
                run_strip(l, k, b, &t, panel);
        }
    }
}

/* The panels that a share has: all of them, unless there are too few pixels to share. */
struct panels { int64_t first, last; };

static void run_block(const struct packed_layer *l, const struct kernel_isa *k, const struct block *b, struct panels p)
{
    if (!l->panel_outer) {
        run_tiles(l, k, b, p.first, p.last);
        return;
    }
    for (int64_t panel = p.first; panel < p.last; panel++)
        run_tiles(l, k, b, panel, panel + 1);
}

/* A for ofmap rows [e, e + rows) of one image: every column that a window touches, padding filled in. */
static void copy_rows(const struct packed_layer *l, const struct kernel_isa *k, const int8_t *image, int64_t e,
                      int64_t rows, char *a)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t columns = ((int64_t)sh->f - 1) * sh->stride_w + ((int64_t)sh->s - 1) * sh->dilation_w + 1;
    const int64_t before = sh->pad_left < columns ? sh->pad_left : columns;
    const int64_t inside = columns - before < sh->w ? columns - before : sh->w;
    const int64_t after = columns - before - inside;
    /* Rows between the windows of a filter of one row are not needed. */
    const int64_t step = sh->r == 1 ? sh->stride_h : 1;
    const int64_t count = ((rows - 1) * sh->stride_h + ((int64_t)sh->r - 1) * sh->dilation_h) / step + 1;
    const int64_t y0 = e * sh->stride_h - sh->pad_top;
    int64_t above = y0 < 0 ? (-y0 + step - 1) / step : 0, end = y0 < sh->h ? (sh->h - y0 + step - 1) / step : 0;

    above = above < count ? above : count;
    end = end < above ? above : end < count ? end : count;
    const int64_t a_row = step * l->pitch;
    const struct copy top = { .rows = above, .before = columns * sh->c, .a = a, .a_row = a_row };
    const struct copy middle = { .rows = end - above, .before = before * sh->c, .inside = inside * sh->c, .after = after * sh->c,
                                 .src = image + (y0 + above * step) * sh->w * sh->c, .src_row = step * sh->w * sh->c,
                                 .a = a + above * a_row, .a_row = a_row };
    const struct copy bottom = { .rows = count - end, .before = columns * sh->c, .a = a + end * a_row, .a_row = a_row };

    k->copy(l, &top);
    k->copy(l, &middle);
    k->copy(l, &bottom);
}

/* Pixels [begin, end) of a 1x1 layer. */
static void run_points(const struct packed_layer *l, const struct kernel_isa *k, const int8_t *ifmap, char *out,
                       int64_t begin, int64_t end, int64_t out_bytes, struct panels panels, char *scratch)
{
    const int64_t out_step = l->sh.m * out_bytes;

    for (int64_t at = begin; at < end; at += l->block_rows) {
        const int64_t pixels = end - at < l->block_rows ? end - at : l->block_rows;
        const struct block b = { .a = scratch, .out = out + at * out_step, .rows = 1, .pixels = pixels,
                                 .step = l->pitch, .out_step = out_step, .out_bytes = out_bytes };

        k->copy(l, &(struct copy){ .rows = 1, .inside = pixels * l->sh.c, .src = ifmap + at * l->sh.c, .a = scratch });
        run_block(l, k, &b, panels);
    }
}

/* ofmap rows [begin, end), counted over all images. */
static void run_rows(const struct packed_layer *l, const struct kernel_isa *k, const int8_t *ifmap, char *out,
                     int64_t begin, int64_t end, int64_t out_bytes, struct panels panels, char *scratch)
{
    const struct rs_conv_shape *sh = &l->sh;
    const int64_t out_step = sh->m * out_bytes;
    int64_t rows;

    for (int64_t row = begin; row < end; row += rows) {
        const int64_t n = row / sh->e, e = row % sh->e;

        rows = sh->e - e < l->block_rows ? sh->e - e : l->block_rows;
        rows = end - row < rows ? end - row : rows;

        const struct block b = {
            .a = scratch, .out = out + row * sh->f * out_step, .e = e, .rows = rows, .pixels = sh->f,
            .a_row = sh->stride_h * l->pitch, .out_row = sh->f * out_step,
            .step = (int64_t)sh->stride_w * sh->c * k->element_bytes, .out_step = out_step, .out_bytes = out_bytes,
        };

        copy_rows(l, k, ifmap + n * sh->h * sh->w * sh->c, e, rows, scratch);
        run_block(l, k, &b, panels);
    }
}

/* A fully connected layer of one row: groups of panels are shared. */
static void run_row(const struct packed_layer *l, const int8_t *in, void *out, int part, int parts)
{
    const struct kernel_isa *k = rs_kernel_isa(l->isa);
    const int64_t groups = (l->sh.m + GEMV_PANELS * k->nr - 1) / (GEMV_PANELS * k->nr);

    k->row(l, in, groups * part / parts, groups * (part + 1) / parts, out);
}

static void run_gemm(const struct packed_layer *l, const int8_t *ifmap, char *out, int part, int parts, char *scratch)
{
    const struct kernel_isa *k = rs_kernel_isa(l->isa);
    const int64_t out_bytes = l->common.mode == STAGE_S32 ? 4 : 1;
    const int64_t all = l->points ? pixels_of(&l->sh) : (int64_t)l->sh.n * l->sh.e;
    const int64_t unit = l->points ? l->mr : 1, units = (all + unit - 1) / unit;
    const int64_t count = (l->sh.m + k->nr - 1) / k->nr;
    const bool by_panel = units < parts;           /* a fully connected layer of few rows, above all */
    const int64_t begin = by_panel ? 0 : units * part / parts * unit, end = by_panel ? all : units * (part + 1) / parts * unit;
    const struct panels panels = { by_panel ? count * part / parts : 0, by_panel ? count * (part + 1) / parts : count };

    if (begin < all && panels.first < panels.last)
        (l->points ? run_points : run_rows)(l, k, ifmap, out, begin, end < all ? end : all, out_bytes, panels, scratch);
}

static void run_layer(const struct packed_layer *l, const int8_t *in, void *out, int part, int parts, void *scratch)
{
    const struct kernel_isa *k = rs_kernel_isa(l->isa);

    if (l->kind == PACKED_GEMM) {
        if (l->row)
            run_row(l, in, out, part, parts);
        else
            run_gemm(l, in, out, part, parts, scratch);
        return;
    }
    const bool winograd = l->kind == PACKED_WINOGRAD;
    const int64_t rows = l->sh.n * (winograd ? rs_winograd_rows(&l->sh) : l->sh.e);

    (winograd ? k->winograd.rows : k->dw.rows)(l, in, out, rows * part / parts, rows * (part + 1) / parts, scratch);
}

rs_status rs_packed_run(const void *packed, const int8_t *in, void *out, int part, int parts,
                        void *scratch, size_t scratch_bytes, struct rs_error *err)
{
    const struct packed_layer *l = packed;

    if (packed == NULL || in == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "packed run: null argument");
    if ((uintptr_t)packed % RS_PACK_ALIGNMENT != 0 || l->magic != MAGIC)
        return rs_fail(err, RS_ERR_ARG, "packed run: no packed layer there, or not aligned");
    if (parts < 1 || part < 0 || part >= parts)
        return rs_fail(err, RS_ERR_ARG, "packed run: share %d of %d", part, parts);
    RS_TRY(check_memory(scratch, scratch_bytes, (size_t)l->scratch_bytes, "packed run: scratch", err));

    const bool down = rounds_down(l);
    const int rounding = down ? fegetround() : 0;

    if (down)
        fesetround(FE_DOWNWARD);
    run_layer(l, in, out, part, parts, scratch);
    if (down)
        fesetround(rounding);
    return RS_OK;
}
