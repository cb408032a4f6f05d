/*
 * layer.c - one convolution or matrix product without a model file: a graph of one node, and then as any model.
 *
 * The node's requantization parameters are the caller's; the scales in the graph are all 1 and mean nothing.
 */
#include <stdlib.h>
#include <string.h>
#include "runtime.h"

struct layer {
    enum rs_op op;
    int32_t ifmap[4], ofmap[4], filter[4];         /* extents                                       */
    int rank, filter_rank;
    const int8_t *filter_data;
    const int32_t *bias;
    int32_t filters;                               /* M                                             */
    struct rs_node node;
};

static rs_status add_tensor(struct rs_graph *g, const char *name, enum rs_type type, int rank, const int32_t *dim,
                            const void *data, int32_t zero_point, int *id, struct rs_error *err)
{
    static const float one = 1.0f;
    size_t bytes = rs_type_bytes(type);
    rs_status status;

    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dim[i];
    status = rs_graph_add_tensor(g, name, type, rank, dim, data, data != NULL ? bytes : 0, id, err);
    return status != RS_OK ? status : rs_graph_set_quant(g, *id, 1, 0, &one, &zero_point, err);
}

static rs_status check_requant(const struct rs_requant *q, int32_t filters, struct rs_error *err)
{
    const struct rs_quant quant = {.zp_in = q->zp_in, .zp_out = q->zp_out, .act_min = q->act_min, .act_max = q->act_max,
                                   .rounding = RS_ROUND_DOUBLE, .count = q->count, .mult = q->mult, .shift = q->shift};

    return rs_quant_check(&quant, filters, err);
}

static rs_status make_model(struct rs_device *device, const struct layer *l, const struct rs_requant *q,
                            const struct rs_load_options *options, struct rs_model **model, struct rs_error *err)
{
    struct rs_graph *g;
    struct rs_node *node;
    int ids[4] = {-1, -1, -1, -1};                 /* ifmap, filter, bias, ofmap                    */
    rs_status status = check_requant(q, l->filters, err);

    if (status != RS_OK)
        return status;
    status = rs_graph_create("layer", &g, err);
    if (status != RS_OK)
        return status;
    status = add_tensor(g, "ifmap", RS_TYPE_S8, l->rank, l->ifmap, NULL, q->zp_in, &ids[0], err);
    if (status == RS_OK)
        status = add_tensor(g, "filter", RS_TYPE_S8, l->filter_rank, l->filter, l->filter_data, 0, &ids[1], err);
    if (status == RS_OK && l->bias != NULL)
        status = add_tensor(g, "bias", RS_TYPE_S32, 1, &l->filters, l->bias, 0, &ids[2], err);
    if (status == RS_OK)
        status = add_tensor(g, "ofmap", RS_TYPE_S8, l->rank, l->ofmap, NULL, q->zp_out, &ids[3], err);
    if (status == RS_OK)
        status = rs_graph_add_node(g, &l->node, ids, 3, &ids[3], 1, NULL, err);
    if (status == RS_OK)
        status = rs_graph_set_io(g, &ids[0], 1, &ids[3], 1, err);
    if (status == RS_OK)
        status = rs_graph_prepare(g, err);
    if (status != RS_OK) {
        rs_graph_destroy(g);
        return status;
    }
    node = &g->nodes[0];
    for (int32_t i = 0; i < node->n_requant; i++) {
        node->mult[i] = q->mult[q->count == 1 ? 0 : i];
        node->shift[i] = q->shift[q->count == 1 ? 0 : i];
    }
    node->act_min = q->act_min;
    node->act_max = q->act_max;
    return rs_model_from_graph(device, g, options, model, err);
}

static rs_status bad_extent(const char *what, int32_t value, int32_t least, struct rs_error *err)
{
    return rs_fail(err, RS_ERR_ARG, "%s = %d, expected at least %d", what, value, least);
}

rs_status rs_conv2d_model(struct rs_device *device, const struct rs_conv2d *sh, const int8_t *filter, const int32_t *bias,
                          const struct rs_requant *requant, const struct rs_load_options *options,
                          struct rs_model **model, struct rs_error *err)
{
    struct layer l = {.rank = 4, .filter_rank = 4, .filter_data = filter, .bias = bias};
    int64_t e, f;
    bool depthwise;

    if (model != NULL)
        *model = NULL;
    if (device == NULL || sh == NULL || filter == NULL || requant == NULL || model == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_conv2d_model: null pointer");
    const struct { const char *name; int32_t value, least; } fields[] = {
        {"N", sh->N, 1}, {"H", sh->H, 1}, {"W", sh->W, 1}, {"C", sh->C, 1}, {"M", sh->M, 1}, {"R", sh->R, 1}, {"S", sh->S, 1},
        {"stride_h", sh->stride_h, 1}, {"stride_w", sh->stride_w, 1}, {"dilation_h", sh->dilation_h, 1},
        {"dilation_w", sh->dilation_w, 1}, {"pad_top", sh->pad_top, 0}, {"pad_bottom", sh->pad_bottom, 0},
        {"pad_left", sh->pad_left, 0}, {"pad_right", sh->pad_right, 0}, {"groups", sh->groups, 1}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].value < fields[i].least)
            return bad_extent(fields[i].name, fields[i].value, fields[i].least, err);
    depthwise = sh->groups > 1;
    if (depthwise && sh->groups != sh->C)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "groups = %d: 1, or C = %d (depthwise), is what there is", sh->groups, sh->C);
    if (depthwise && sh->M % sh->C != 0)
        return rs_fail(err, RS_ERR_SHAPE, "depthwise with M = %d, no multiple of C = %d", sh->M, sh->C);
    e = rs_conv_out_extent(sh->H, sh->R, sh->stride_h, sh->dilation_h, sh->pad_top, sh->pad_bottom);
    f = rs_conv_out_extent(sh->W, sh->S, sh->stride_w, sh->dilation_w, sh->pad_left, sh->pad_right);
    if (e < 1 || f < 1 || e > INT32_MAX || f > INT32_MAX)
        return rs_fail(err, RS_ERR_SHAPE, "filter %d x %d does not fit ifmap %d x %d with its pads", sh->R, sh->S, sh->H, sh->W);
    l.op = depthwise ? RS_OP_DEPTHWISE_CONV2D : RS_OP_CONV2D;
    l.filters = sh->M;
    memcpy(l.ifmap, (int32_t[]){sh->N, sh->H, sh->W, sh->C}, sizeof l.ifmap);
    memcpy(l.ofmap, (int32_t[]){sh->N, (int32_t)e, (int32_t)f, sh->M}, sizeof l.ofmap);
    memcpy(l.filter, depthwise ? (int32_t[]){1, sh->R, sh->S, sh->M} : (int32_t[]){sh->M, sh->R, sh->S, sh->C}, sizeof l.filter);
    l.node = (struct rs_node){
        .op = l.op, .source = -1, .stride_h = sh->stride_h, .stride_w = sh->stride_w, .dilation_h = sh->dilation_h,
        .dilation_w = sh->dilation_w, .pad_top = sh->pad_top, .pad_bottom = sh->pad_bottom, .pad_left = sh->pad_left,
        .pad_right = sh->pad_right, .kernel_h = sh->R, .kernel_w = sh->S, .depth_multiplier = depthwise ? sh->M / sh->C : 0};
    return make_model(device, &l, requant, options, model, err);
}

rs_status rs_gemm_model(struct rs_device *device, int32_t M, int32_t N, int32_t K, const int8_t *b, bool transposed,
                        const int32_t *bias, const struct rs_requant *requant, const struct rs_load_options *options,
                        struct rs_model **model, struct rs_error *err)
{
    struct layer l = {.op = RS_OP_FULLY_CONNECTED, .rank = 2, .filter_rank = 2, .filter_data = b, .bias = bias, .filters = N,
                      .node = {.op = RS_OP_FULLY_CONNECTED, .source = -1, .stride_h = 1, .stride_w = 1, .dilation_h = 1,
                               .dilation_w = 1}};
    int8_t *turned = NULL;
    rs_status status;

    if (model != NULL)
        *model = NULL;
    if (device == NULL || b == NULL || requant == NULL || model == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_gemm_model: null pointer");
    if (M < 1 || N < 1 || K < 1)
        return rs_fail(err, RS_ERR_ARG, "M, N, K = %d, %d, %d, expected at least 1 each", M, N, K);
    if (!transposed) {
        turned = malloc((size_t)N * (size_t)K);
        if (turned == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "out of memory");
        for (size_t k = 0; k < (size_t)K; k++)
            for (size_t n = 0; n < (size_t)N; n++)
                turned[n * (size_t)K + k] = b[k * (size_t)N + n];
        l.filter_data = turned;
    }
    memcpy(l.ifmap, (int32_t[]){M, K, 1, 1}, sizeof l.ifmap);
    memcpy(l.ofmap, (int32_t[]){M, N, 1, 1}, sizeof l.ofmap);
    memcpy(l.filter, (int32_t[]){N, K, 1, 1}, sizeof l.filter);
    status = make_model(device, &l, requant, options, model, err);
    free(turned);
    return status;
}

static rs_status run_once(struct rs_model *model, const void *input, void *output, int64_t timeout_ms, struct rs_error *err)
{
    const rs_status status = rs_run(model, &input, &output, 1, timeout_ms, err);

    rs_model_free(model);
    return status;
}

rs_status rs_run_conv2d_s8(struct rs_device *device, const struct rs_conv2d *shape, const int8_t *ifmap,
                           const int8_t *filter, const int32_t *bias, const struct rs_requant *requant, int8_t *ofmap,
                           int64_t timeout_ms, struct rs_error *err)
{
    struct rs_model *model;
    rs_status status;

    if (ifmap == NULL || ofmap == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_run_conv2d_s8: null pointer");
    status = rs_conv2d_model(device, shape, filter, bias, requant, NULL, &model, err);
    return status != RS_OK ? status : run_once(model, ifmap, ofmap, timeout_ms, err);
}

rs_status rs_run_gemm_s8(struct rs_device *device, int32_t M, int32_t N, int32_t K, const int8_t *a, const int8_t *b,
                         bool transposed, const int32_t *bias, const struct rs_requant *requant, int8_t *c,
                         int64_t timeout_ms, struct rs_error *err)
{
    struct rs_model *model;
    rs_status status;

    if (a == NULL || c == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_run_gemm_s8: null pointer");
    status = rs_gemm_model(device, M, N, K, b, transposed, bias, requant, NULL, &model, err);
    return status != RS_OK ? status : run_once(model, a, c, timeout_ms, err);
}

/* ---- known answers ------------------------------------------------------------------------------------ */

/* A small generator with a fixed seed: the same layer everywhere. */
static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void fill(int8_t *to, size_t n, uint32_t *state)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (int8_t)(next(state) & 0xFF);
}

static rs_status compare(const char *what, const int8_t *got, const int8_t *want, size_t n, struct rs_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] != want[i])
            return rs_fail(err, RS_ERR_MISMATCH, "self-test failed: %s, byte %zu of %zu: got %d, want %d", what, i, n, got[i],
                           want[i]);
    return RS_OK;
}

#define TEST_MS 120000

static rs_status test_conv(struct rs_device *d, struct rs_error *err)
{
    enum { H = 9, W = 11, C = 19, M = 21, R = 3, S = 3 };
    static const int32_t mult[1] = {1518500250}, shift[1] = {-8};
    const struct rs_conv2d shape = {.N = 1, .H = H, .W = W, .C = C, .M = M, .R = R, .S = S, .stride_h = 1, .stride_w = 1,
                                    .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_bottom = 1, .pad_left = 1,
                                    .pad_right = 1, .groups = 1};
    const struct rs_conv_shape reference = {.n = 1, .h = H, .w = W, .c = C, .m = M, .r = R, .s = S, .stride_h = 1,
                                            .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_bottom = 1,
                                            .pad_left = 1, .pad_right = 1, .e = H, .f = W};
    const struct rs_requant q = {.zp_in = -7, .zp_out = 5, .act_min = -120, .act_max = 127, .count = 1, .mult = mult,
                                 .shift = shift};
    const struct rs_quant quant = {.zp_in = -7, .zp_out = 5, .act_min = -120, .act_max = 127, .rounding = RS_ROUND_DOUBLE,
                                   .count = 1, .mult = mult, .shift = shift};
    int8_t ifmap[H * W * C], filter[M * R * S * C], got[H * W * M], want[H * W * M];
    int32_t bias[M];
    uint32_t state = 1;
    rs_status status;

    fill(ifmap, sizeof ifmap, &state);
    fill(filter, sizeof filter, &state);
    for (int i = 0; i < M; i++)
        bias[i] = (int32_t)(next(&state) & 0xFFFF) - 0x8000;
    status = rs_conv2d_s8_ref(&reference, ifmap, filter, bias, &quant, want, err);
    if (status == RS_OK)
        status = rs_run_conv2d_s8(d, &shape, ifmap, filter, bias, &q, got, TEST_MS, err);
    return status != RS_OK ? status : compare("convolution 9x11x19 -> 21", got, want, sizeof got, err);
}

static rs_status test_gemm(struct rs_device *d, struct rs_error *err)
{
    enum { M = 5, N = 34, K = 70 };
    static const int32_t mult[1] = {1073741824}, shift[1] = {-9};
    const struct rs_requant q = {.zp_in = 3, .zp_out = -1, .act_min = -128, .act_max = 127, .count = 1, .mult = mult,
                                 .shift = shift};
    const struct rs_quant quant = {.zp_in = 3, .zp_out = -1, .act_min = -128, .act_max = 127, .rounding = RS_ROUND_DOUBLE,
                                   .count = 1, .mult = mult, .shift = shift};
    int8_t a[M * K], b[N * K], got[M * N], want[M * N];
    uint32_t state = 2;
    rs_status status;

    fill(a, sizeof a, &state);
    fill(b, sizeof b, &state);
    status = rs_gemm_s8_ref(&(struct rs_gemm_shape){.m = M, .n = N, .k = K, .layout = RS_GEMM_B_NK}, a, b, NULL, &quant, want, err);
    if (status == RS_OK)
        status = rs_run_gemm_s8(d, M, N, K, a, b, true, NULL, &q, got, TEST_MS, err);
    return status != RS_OK ? status : compare("matrix product 5x70 by 70x34", got, want, sizeof got, err);
}

rs_status rs_self_test(struct rs_device *device, struct rs_error *err)
{
    rs_status status;

    if (device == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_self_test: null pointer");
    status = test_conv(device, err);
    return status != RS_OK ? status : test_gemm(device, err);
}
