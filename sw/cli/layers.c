/* layers.c - layer tables, and layers as graphs of random numbers. */
#include "layers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "file.h"

#define MAX_EXTENT (1 << 20)
#define MAX_CELLS  64

/* ---- tables ----------------------------------------------------------------------------------------- */

const char *layer_type_name(enum layer_type type)
{
    static const char *const names[] = {"conv", "depthwise", "gemm", "maxpool", "avgpool", "add"};

    return names[type];
}

static rs_status append(struct bench_layers *layers, const struct bench_layer *l, struct rs_error *err)
{
    struct bench_layer *grown = realloc(layers->layer, (size_t)(layers->n + 1) * sizeof *grown);

    if (grown == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    layers->layer = grown;
    layers->layer[layers->n++] = *l;
    return RS_OK;
}

/* What no layer can be; @where names it. */
static rs_status check(struct bench_layer *l, const char *where, struct rs_error *err)
{
    const struct { const char *name; int32_t value; } extents[] = {
        {"N", l->N}, {"C", l->C}, {"H", l->H}, {"W", l->W}, {"M", l->M}, {"R", l->R}, {"S", l->S}, {"stride", l->stride_h},
        {"stride", l->stride_w}, {"dilation", l->dilation}, {"groups", l->groups}};
    int64_t e, f;

    for (size_t i = 0; i < sizeof extents / sizeof extents[0]; i++)
        if (extents[i].value < 1)
            return rs_fail(err, RS_ERR_RANGE, "%s: %s = %d, expected at least 1", where, extents[i].name, extents[i].value);
    if (l->type == LAYER_CONV && l->groups > 1) {
        if (l->groups != l->C)
            return rs_fail(err, RS_ERR_UNSUPPORTED, "%s: groups = %d with C = %d; 1, or C (depthwise), is what there is", where,
                           l->groups, l->C);
        l->type = LAYER_DEPTHWISE;
    }
    if (l->type == LAYER_DEPTHWISE && l->M % l->C != 0)
        return rs_fail(err, RS_ERR_SHAPE, "%s: depthwise with M = %d, no multiple of C = %d", where, l->M, l->C);
    e = rs_conv_out_extent(l->H, l->R, l->stride_h, l->dilation, l->pad_top, l->pad_bottom);
    f = rs_conv_out_extent(l->W, l->S, l->stride_w, l->dilation, l->pad_left, l->pad_right);
    if (e < 1 || f < 1)
        return rs_fail(err, RS_ERR_SHAPE, "%s: filter %d x %d does not fit ifmap %d x %d with its pads", where, l->R, l->S, l->H,
                       l->W);
    if ((int64_t)l->N * l->H * l->W * l->C > INT32_MAX || (int64_t)l->N * e * f * l->M > INT32_MAX ||
        (int64_t)l->M * l->R * l->S * (l->type == LAYER_DEPTHWISE ? 1 : l->C) > INT32_MAX)
        return rs_fail(err, RS_ERR_SHAPE, "%s: a tensor of more than 2^31 - 1 codes", where);
    return RS_OK;
}

static const struct bench_layer plain = {.type = LAYER_CONV, .N = 1, .C = 1, .H = 1, .W = 1, .M = 1, .R = 1, .S = 1, .stride_h = 1,
                                         .stride_w = 1, .dilation = 1, .groups = 1};

/* Cuts @line at commas, in place; spaces around cells go.  Returns the number of cells without empty ones at the end. */
static int cut(char *line, char *cell[MAX_CELLS])
{
    int n = 0, used = 0;

    for (char *at = line; n < MAX_CELLS;) {
        char *end = at + strcspn(at, ","), *last = end, stop = *end;

        at += strspn(at, " \t");
        while (last > at && strchr(" \t\r", last[-1]) != NULL)
            last--;
        *last = '\0';
        cell[n++] = at < last ? at : last;
        if (*cell[n - 1] != '\0')
            used = n;
        if (stop == '\0')
            break;
        at = end + 1;
    }
    return used;
}

static bool integer(const char *text, int32_t *value)
{
    char *end;
    const long n = strtol(text, &end, 10);

    *value = (int32_t)n;
    return end != text && *end == '\0' && n >= 0 && n <= MAX_EXTENT;
}

static rs_status not_a_number(const char *where, const char *column, const char *text, struct rs_error *err)
{
    return rs_fail(err, RS_ERR_FORMAT, "%s: %s '%.40s': a number from 0 to %d is expected", where, column, text, MAX_EXTENT);
}

static rs_status scale_sim_conv(char *cell[], int n, const char *where, struct bench_layer *l, struct rs_error *err)
{
    int32_t *const to[] = {&l->H, &l->W, &l->R, &l->S, &l->C, &l->M, &l->stride_h};

    if (n < 8)
        return rs_fail(err, RS_ERR_FORMAT, "%s: %d columns, a name and 7 numbers are expected", where, n);
    for (int i = 0; i < 7; i++)
        if (!integer(cell[i + 1], to[i]))
            return not_a_number(where, "column", cell[i + 1], err);
    l->stride_w = l->stride_h;
    return RS_OK;
}

static rs_status scale_sim_gemm(char *cell[], int n, const char *where, struct bench_layer *l, struct rs_error *err)
{
    l->type = LAYER_GEMM;
    if (n < 4)
        return rs_fail(err, RS_ERR_FORMAT, "%s: %d columns, a name, M, N and K are expected", where, n);
    if (!integer(cell[1], &l->N) || !integer(cell[2], &l->M) || !integer(cell[3], &l->C))
        return rs_fail(err, RS_ERR_FORMAT, "%s: M, N, K '%.20s', '%.20s', '%.20s': numbers are expected", where, cell[1], cell[2],
                       cell[3]);
    return RS_OK;
}

static rs_status own_format(char *const heading[], int columns, char *cell[], int n, const char *where, struct bench_layer *l,
                            struct rs_error *err)
{
    const char *type = "conv";
    int32_t k = 0;

    for (int i = 0; i < columns && i < n; i++) {
        const struct { const char *name; int32_t *to, *also; } fields[] = {
            {"N", &l->N, NULL}, {"C", &l->C, NULL}, {"H", &l->H, NULL}, {"W", &l->W, NULL}, {"M", &l->M, NULL},
            {"R", &l->R, NULL}, {"S", &l->S, NULL}, {"K", &k, NULL}, {"stride", &l->stride_h, &l->stride_w},
            {"stride_h", &l->stride_h, NULL}, {"stride_w", &l->stride_w, NULL}, {"dilation", &l->dilation, NULL},
            {"groups", &l->groups, NULL}, {"pad_top", &l->pad_top, NULL}, {"pad_left", &l->pad_left, NULL},
            {"pad_bottom", &l->pad_bottom, NULL}, {"pad_right", &l->pad_right, NULL}};
        int32_t value;

        if (*cell[i] == '\0' || strcasecmp(heading[i], "name") == 0)
            continue;
        if (strcasecmp(heading[i], "type") == 0) {
            type = cell[i];
            continue;
        }
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
            if (strcmp(heading[i], fields[f].name) == 0) {
                if (!integer(cell[i], &value))
                    return not_a_number(where, heading[i], cell[i], err);
                *fields[f].to = value;
                if (fields[f].also != NULL)
                    *fields[f].also = value;
            }
        if (strcmp(heading[i], "pad") == 0 || strcmp(heading[i], "add") == 0) {
            if (!integer(cell[i], &value))
                return not_a_number(where, heading[i], cell[i], err);
            if (heading[i][0] == 'p')
                l->pad_top = l->pad_left = l->pad_bottom = l->pad_right = value;
            else
                l->add = value != 0;
        }
    }
    if (strcasecmp(type, "conv") == 0)
        l->type = LAYER_CONV;
    else if (strcasecmp(type, "depthwise") == 0)
        l->type = LAYER_DEPTHWISE;
    else if (strcasecmp(type, "maxpool") == 0)
        l->type = LAYER_MAX_POOL;
    else if (strcasecmp(type, "avgpool") == 0)
        l->type = LAYER_AVERAGE_POOL;
    else if (strcasecmp(type, "add") == 0)
        l->type = LAYER_ADD;
    else if (strcasecmp(type, "fc") == 0)
        l->type = LAYER_GEMM;
    else if (strcasecmp(type, "gemm") == 0) {
        const int32_t m = l->M;

        l->type = LAYER_GEMM;
        l->M = l->N;
        l->N = m;
        l->C = k;
    } else {
        return rs_fail(err, RS_ERR_FORMAT, "%s: type '%.20s'; conv, depthwise, fc, gemm, maxpool, avgpool or add is expected",
                       where, type);
    }
    if (l->type == LAYER_DEPTHWISE && l->M == 1)
        l->M = l->C;
    if (l->type == LAYER_MAX_POOL || l->type == LAYER_AVERAGE_POOL || l->type == LAYER_ADD)
        l->M = l->C;
    if (l->type == LAYER_GEMM || l->type == LAYER_ADD)
        l->R = l->S = 1;
    if (l->add && l->type != LAYER_CONV)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "%s: add 1 goes with type conv", where);
    return RS_OK;
}

rs_status layers_read(const char *path, struct bench_layers *layers, struct rs_error *err)
{
    enum { NONE, SCALE_CONV, SCALE_GEMM, OWN } format = NONE;
    char *cell[MAX_CELLS], *heading[MAX_CELLS];
    uint8_t *bytes;
    size_t size;
    int columns = 0, line = 0;
    rs_status status = rs_file_read(path, 1 << 24, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    if (strlen((char *)bytes) != size)
        status = rs_fail(err, RS_ERR_FORMAT, "%s: not a text file", path);
    for (char *at = (char *)bytes; *at != '\0' && status == RS_OK;) {
        char *end = at + strcspn(at, "\n"), *row = at, where[200];
        struct bench_layer l = plain;
        int n;

        at = *end != '\0' ? end + 1 : end;
        *end = '\0';
        line++;
        if (strncmp(row, "\xEF\xBB\xBF", 3) == 0)
            row += 3;
        if (row[strspn(row, " \t")] == '#')
            continue;
        n = cut(row, cell);
        if (n == 0)
            continue;
        snprintf(where, sizeof where, "%.150s line %d", path, line);
        if (format == NONE) {
            memcpy(heading, cell, sizeof heading);
            columns = n;
            for (int i = 0; i < n; i++)
                if (strcasecmp(cell[i], "type") == 0)
                    format = OWN;
            if (format == NONE && n >= 8 && strncasecmp(cell[1], "IFMAP", 5) == 0)
                format = SCALE_CONV;
            if (format == NONE && n >= 4 && strcasecmp(cell[1], "M") == 0 && strcasecmp(cell[2], "N") == 0 &&
                strcasecmp(cell[3], "K") == 0)
                format = SCALE_GEMM;
            if (format == NONE)
                status = rs_fail(err, RS_ERR_FORMAT, "%s: no heading that is known: 'Layer name, IFMAP Height, ...', "
                                 "'Layer, M, N, K', or names with 'type' among them", where);
            continue;
        }
        for (int i = n; i < MAX_CELLS; i++)
            cell[i] = row + strlen(row);
        status = format == SCALE_CONV ? scale_sim_conv(cell, n, where, &l, err)
               : format == SCALE_GEMM ? scale_sim_gemm(cell, n, where, &l, err)
               : own_format(heading, columns, cell, n, where, &l, err);
        for (int i = 0; i < columns; i++)
            if (i == 0 || strcasecmp(heading[i], "name") == 0)
                snprintf(l.name, sizeof l.name, "%.63s", cell[i]);
        if (status == RS_OK)
            status = check(&l, where, err);
        if (status == RS_OK)
            status = append(layers, &l, err);
    }
    if (status == RS_OK && layers->n == 0)
        status = rs_fail(err, RS_ERR_FORMAT, "%s: no layer in it", path);
    free(bytes);
    return status;
}

/* Up to @max numbers of "a,b,c"; -1: malformed. */
static int numbers(const char *text, int32_t *to, int max)
{
    char copy[200], *cell[MAX_CELLS];
    int n;

    if (strlen(text) >= sizeof copy)
        return -1;
    strcpy(copy, text);
    n = cut(copy, cell);
    if (n > max)
        return -1;
    for (int i = 0; i < n; i++)
        if (!integer(cell[i], &to[i]))
            return -1;
    return n;
}

/* Apart from the name. */
static bool same_shape(const struct bench_layer *a, const struct bench_layer *b)
{
    return memcmp((const char *)a + sizeof a->name, (const char *)b + sizeof b->name, sizeof *a - sizeof a->name) == 0;
}

rs_status layers_add_graph(struct bench_layers *layers, const struct rs_graph *g, int *others, struct rs_error *err)
{
    rs_status status = RS_OK;

    *others = 0;
    for (int i = 0; i < g->n_nodes && status == RS_OK; i++) {
        const enum rs_op op = g->nodes[i].op;
        struct bench_layer l;
        struct rs_layer n;
        int residual;
        bool known = false;

        memset(&l, 0, sizeof l);                   /* what lies between the fields is compared too */
        if (!rs_graph_layer(g, i, &n) || n.dilation_h != n.dilation_w || (op == RS_OP_DEPTHWISE_CONV2D && n.M % n.C != 0)) {
            const int producer = op == RS_OP_ADD ? rs_graph_producer(g, g->nodes[i].inputs[0]) : -1;
            const int other = op == RS_OP_ADD && g->nodes[i].n_inputs == 2 ? rs_graph_producer(g, g->nodes[i].inputs[1]) : -1;
            const bool carried = (producer >= 0 && rs_graph_fusable_add(g, producer, &residual) == i) ||
                                 (other >= 0 && rs_graph_fusable_add(g, other, &residual) == i);

            *others += op != RS_OP_RESHAPE && !carried;
            continue;
        }
        l.type = op == RS_OP_FULLY_CONNECTED ? LAYER_GEMM : op == RS_OP_DEPTHWISE_CONV2D ? LAYER_DEPTHWISE
               : op == RS_OP_CONV2D ? LAYER_CONV : op == RS_OP_MAX_POOL_2D ? LAYER_MAX_POOL : LAYER_AVERAGE_POOL;
        l.N = n.N; l.C = n.C; l.H = n.H; l.W = n.W; l.M = n.M; l.R = n.R; l.S = n.S;
        l.stride_h = n.Uh; l.stride_w = n.Uw; l.dilation = n.dilation_h;
        l.pad_top = n.pad_top; l.pad_left = n.pad_left; l.pad_bottom = n.pad_bottom; l.pad_right = n.pad_right;
        l.groups = l.type == LAYER_DEPTHWISE ? n.C : 1;
        l.add = l.type == LAYER_CONV && rs_graph_fusable_add(g, i, &residual) >= 0;
        for (int k = 0; k < layers->n && !known; k++)
            known = same_shape(&layers->layer[k], &l);
        snprintf(l.name, sizeof l.name, "%.60s", g->tensors[n.ofmap].name);
        if (!known)
            status = append(layers, &l, err);
    }
    return status;
}

rs_status layers_add_gemm(struct bench_layers *layers, const char *text, struct rs_error *err)
{
    struct bench_layer l = plain;
    int32_t v[3];
    rs_status status;

    if (numbers(text, v, 3) != 3)
        return rs_fail(err, RS_ERR_ARG, "--gemm %.100s: M,N,K is expected", text);
    l.type = LAYER_GEMM;
    l.N = v[0];
    l.M = v[1];
    l.C = v[2];
    snprintf(l.name, sizeof l.name, "gemm_%dx%dx%d", v[0], v[1], v[2]);
    status = check(&l, l.name, err);
    return status != RS_OK ? status : append(layers, &l, err);
}

rs_status layers_add_conv(struct bench_layers *layers, const char *text, struct rs_error *err)
{
    struct bench_layer l = plain;
    int32_t v[9] = {0, 0, 0, 0, 0, 0, 1, 0, 1};
    rs_status status;

    if (numbers(text, v, 9) < 6)
        return rs_fail(err, RS_ERR_ARG, "--conv %.100s: C,H,W,M,R,S[,STRIDE[,PAD[,GROUPS]]] is expected", text);
    l.C = v[0];
    l.H = v[1];
    l.W = v[2];
    l.M = v[3];
    l.R = v[4];
    l.S = v[5];
    l.stride_h = l.stride_w = v[6];
    l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = v[7];
    l.groups = v[8];
    snprintf(l.name, sizeof l.name, "conv_%d_%dx%d_%d_%dx%d_s%d_p%d%s", v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7],
             v[8] > 1 ? "_dw" : "");
    status = check(&l, l.name, err);
    return status != RS_OK ? status : append(layers, &l, err);
}

/* ---- random data -------------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *state)              /* splitmix64                                     */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t start(const struct bench_layer *l, uint64_t seed)
{
    uint64_t state = seed;

    for (const char *c = l->name; *c != '\0'; c++)
        state = (state ^ (uint8_t)*c) * 1099511628211u;
    return state ^ (uint64_t)l->C << 40 ^ (uint64_t)l->M << 20 ^ (uint64_t)l->H;
}

static void codes(int8_t *to, size_t n, int least, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = (int8_t)(next(state) & 0xFF);
        if (to[i] < least)
            to[i] = (int8_t)least;
    }
}

void layer_fill(uint64_t seed, int8_t *to, size_t n)
{
    uint64_t state = ~seed;

    codes(to, n, -128, &state);
}

static rs_status add_tensor(struct rs_graph *g, const char *name, enum rs_type type, int rank, const int32_t *dim, const void *data,
                            const float *scale, int channels, int axis, const int32_t *zero_point, int *id, struct rs_error *err)
{
    size_t bytes = rs_type_bytes(type);
    rs_status status;

    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dim[i];
    status = rs_graph_add_tensor(g, name, type, rank, dim, data, data != NULL ? bytes : 0, id, err);
    return status != RS_OK ? status : rs_graph_set_quant(g, *id, channels, axis, scale, zero_point, err);
}

struct random_layer {
    int8_t  *filter;
    int32_t *bias;
    float   *scale, *bias_scale;                   /* [M]                                            */
    float    s_in, s_out;
    int32_t  zp_in, zp_out;
};

/* Scales such that the outputs spread over the codes: the psum's deviation comes to about 40 of them. */
static bool make_random(const struct bench_layer *l, uint64_t seed, size_t taps, struct random_layer *x)
{
    const size_t m = (size_t)l->M;
    uint64_t state = start(l, seed);

    x->filter = malloc(m * taps);
    x->bias = malloc(m * sizeof *x->bias);
    x->scale = malloc(m * sizeof *x->scale);
    x->bias_scale = malloc(m * sizeof *x->bias_scale);
    if (x->filter == NULL || x->bias == NULL || x->scale == NULL || x->bias_scale == NULL)
        return false;
    x->s_in = 0.05f;
    x->zp_in = (int32_t)(next(&state) % 41) - 20;
    x->zp_out = (int32_t)(next(&state) % 41) - 20;
    x->s_out = (float)(0.05 * 0.01 * 74 * 74 * sqrt((double)taps) / 40);
    codes(x->filter, m * taps, -127, &state);
    for (size_t i = 0; i < m; i++) {
        x->scale[i] = 0.01f * (0.5f + (float)(next(&state) % 1024) / 1024);
        x->bias_scale[i] = x->s_in * x->scale[i];
        x->bias[i] = (int32_t)(next(&state) % 8192) - 4096;
    }
    return true;
}

static rs_status build(const struct bench_layer *l, const struct random_layer *x, struct rs_graph *g, struct rs_error *err)
{
    const bool gemm = l->type == LAYER_GEMM, depthwise = l->type == LAYER_DEPTHWISE,
               filters = gemm || depthwise || l->type == LAYER_CONV;
    const int32_t e = (int32_t)rs_conv_out_extent(l->H, l->R, l->stride_h, l->dilation, l->pad_top, l->pad_bottom);
    const int32_t f = (int32_t)rs_conv_out_extent(l->W, l->S, l->stride_w, l->dilation, l->pad_left, l->pad_right);
    const int32_t in_dim[4] = {l->N, gemm ? l->C : l->H, l->W, l->C}, out_dim[4] = {l->N, gemm ? l->M : e, f, l->M};
    const int32_t gemm_filter[2] = {l->M, l->C}, conv_filter[4] = {l->M, l->R, l->S, l->C}, dw_filter[4] = {1, l->R, l->S, l->M};
    /* 1.9: with 2 every other sum would be a tie, as in no network. */
    const float s_out = filters ? x->s_out : l->type == LAYER_ADD ? 1.9f * x->s_in : x->s_in;
    const int32_t zp_out = filters || l->type == LAYER_ADD ? x->zp_out : x->zp_in;
    const int rank = gemm ? 2 : 4;
    struct rs_node node = {.source = -1, .stride_h = l->stride_h, .stride_w = l->stride_w, .dilation_h = l->dilation,
                           .dilation_w = l->dilation, .pad_top = l->pad_top, .pad_left = l->pad_left,
                           .pad_bottom = l->pad_bottom, .pad_right = l->pad_right, .kernel_h = l->R, .kernel_w = l->S};
    int ids[3] = {-1, -1, -1}, inputs[2], n_inputs = 1, out = -1;
    rs_status status = add_tensor(g, "ifmap", RS_TYPE_S8, rank, in_dim, NULL, &x->s_in, 1, 0, &x->zp_in, &ids[0], err);

    inputs[0] = ids[0];
    if (status == RS_OK && filters)
        status = add_tensor(g, "filter", RS_TYPE_S8, gemm ? 2 : 4, gemm ? gemm_filter : depthwise ? dw_filter : conv_filter,
                            x->filter, x->scale, l->M, depthwise ? 3 : 0, NULL, &ids[1], err);
    if (status == RS_OK && filters)
        status = add_tensor(g, "bias", RS_TYPE_S32, 1, &l->M, x->bias, x->bias_scale, l->M, 0, NULL, &ids[2], err);
    if (status == RS_OK && l->type == LAYER_ADD) {
        status = add_tensor(g, "residual", RS_TYPE_S8, rank, in_dim, NULL, &x->s_in, 1, 0, &x->zp_out, &ids[1], err);
        inputs[n_inputs++] = ids[1];
    }
    if (status == RS_OK)
        status = add_tensor(g, l->add ? "product" : "ofmap", RS_TYPE_S8, rank, out_dim, NULL, &s_out, 1, 0, &zp_out, &out, err);
    node.op = gemm ? RS_OP_FULLY_CONNECTED : depthwise ? RS_OP_DEPTHWISE_CONV2D : l->type == LAYER_CONV ? RS_OP_CONV2D
            : l->type == LAYER_MAX_POOL ? RS_OP_MAX_POOL_2D : l->type == LAYER_AVERAGE_POOL ? RS_OP_AVERAGE_POOL_2D : RS_OP_ADD;
    node.depth_multiplier = depthwise ? l->M / l->C : 0;
    if (status == RS_OK)
        status = rs_graph_add_node(g, &node, ids, filters ? 3 : n_inputs, &out, 1, NULL, err);
    if (status == RS_OK && l->add) {
        const float s_sum = 1.4f * s_out;
        const struct rs_node add = {.op = RS_OP_ADD, .source = -1};
        int operands[2] = {out, -1}, sum = -1;

        status = add_tensor(g, "residual", RS_TYPE_S8, rank, out_dim, NULL, &s_out, 1, 0, &x->zp_in, &operands[1], err);
        if (status == RS_OK)
            status = add_tensor(g, "ofmap", RS_TYPE_S8, rank, out_dim, NULL, &s_sum, 1, 0, &zp_out, &sum, err);
        if (status == RS_OK)
            status = rs_graph_add_node(g, &add, operands, 2, &sum, 1, NULL, err);
        inputs[n_inputs++] = operands[1];
        out = sum;
    }
    if (status == RS_OK)
        status = rs_graph_set_io(g, inputs, n_inputs, &out, 1, err);
    return status != RS_OK ? status : rs_graph_prepare(g, err);
}

rs_status layer_graph(const struct bench_layer *l, uint64_t seed, struct rs_graph **graph, struct rs_error *err)
{
    const size_t taps = (size_t)l->R * (size_t)l->S * (l->type == LAYER_DEPTHWISE ? 1 : (size_t)l->C);
    struct random_layer x = {0};
    rs_status status = rs_graph_create(l->name, graph, err);

    if (status != RS_OK)
        return status;
    status = make_random(l, seed, taps, &x) ? build(l, &x, *graph, err) : rs_fail(err, RS_ERR_NOMEM, "out of memory");
    free(x.filter);
    free(x.bias);
    free(x.scale);
    free(x.bias_scale);
    if (status != RS_OK) {
        rs_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}
