/* network_csv.c - layer tables of whole networks; see network_csv.h. */
#include "network_csv.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "status.h"

enum { MAX_COLUMNS = 32, MAX_LINE = 1024 };

enum column {
    COL_NAME, COL_TYPE, COL_FROM, COL_WITH, COL_N, COL_C, COL_H, COL_W, COL_M, COL_R, COL_S, COL_STRIDE,
    COL_PAD_TOP, COL_PAD_LEFT, COL_PAD_BOTTOM, COL_PAD_RIGHT, COL_ACT, COLUMNS
};
static const char *const column_name[COLUMNS] = {
    "name", "type", "from", "with", "N", "C", "H", "W", "M", "R", "S", "stride",
    "pad_top", "pad_left", "pad_bottom", "pad_right", "act"
};

struct layer_name { char text[64]; int tensor; };

struct reader {
    const char *path;
    FILE *file;
    int line;
    int place[COLUMNS];                 /* position of each column in a row; -1: not in the table */
    char text[MAX_LINE];
    char *cell[MAX_COLUMNS];
    int cells;
    int64_t macs;                       /* stated; -1: not */
    uint64_t rng;
    struct rs_graph *graph;
    struct layer_name *layers;
    int n_layers, cap_layers;
    struct rs_error *err;
};

static uint64_t draw(struct reader *r)                                      /* splitmix64 */
{
    uint64_t z = (r->rng += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static char *trim(char *s)
{
    char *end;

    while (isspace((unsigned char)*s))
        s++;
    end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return s;
}

/* The next row that is no comment and not blank, cut into cells.  false: the end, or *status is not RS_OK. */
static bool next_row(struct reader *r, rs_status *status)
{
    while (fgets(r->text, sizeof r->text, r->file) != NULL) {
        char *at;

        r->line++;
        if (strchr(r->text, '\n') == NULL && !feof(r->file)) {
            *status = rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: line longer than %d characters", r->path, r->line, MAX_LINE - 2);
            return false;
        }
        at = trim(r->text);
        if (*at == '#') {
            const char *macs = strstr(at, "MACs: ");

            if (macs != NULL)
                r->macs = strtoll(macs + 6, NULL, 10);
            continue;
        }
        if (*at == '\0')
            continue;
        for (r->cells = 0; at != NULL; r->cells++) {
            char *comma = strchr(at, ',');

            if (r->cells == MAX_COLUMNS) {
                *status = rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: more than %d columns", r->path, r->line, MAX_COLUMNS);
                return false;
            }
            if (comma != NULL)
                *comma = '\0';
            r->cell[r->cells] = trim(at);
            at = comma != NULL ? comma + 1 : NULL;
        }
        return true;
    }
    return false;
}

static const char *text_of(const struct reader *r, enum column c)
{
    return r->place[c] >= 0 && r->place[c] < r->cells ? r->cell[r->place[c]] : "";
}

static rs_status number_of(const struct reader *r, enum column c, int32_t fallback, int32_t min, int32_t *value)
{
    const char *text = text_of(r, c);
    char *end;
    long n;

    *value = fallback;
    if (*text == '\0') {
        if (fallback < min)
            return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: column %s is empty; a number >= %d is needed", r->path, r->line,
                           column_name[c], min);
        return RS_OK;
    }
    n = strtol(text, &end, 10);
    if (*end != '\0' || n < min || n > 1000000)
        return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: column %s is '%s'; a number in %d..1000000 is needed", r->path, r->line,
                       column_name[c], text, min);
    *value = (int32_t)n;
    return RS_OK;
}

static rs_status read_heading(struct reader *r)
{
    rs_status status = RS_OK;

    if (!next_row(r, &status))
        return status != RS_OK ? status : rs_fail(r->err, RS_ERR_FORMAT, "%s: no heading row", r->path);
    for (int c = 0; c < COLUMNS; c++) {
        r->place[c] = -1;
        for (int i = 0; i < r->cells; i++)
            if (strcmp(r->cell[i], column_name[c]) == 0)
                r->place[c] = i;
    }
    if (r->place[COL_NAME] < 0 || r->place[COL_TYPE] < 0)
        return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: the heading row needs the columns name and type", r->path, r->line);
    return RS_OK;
}

static int find_layer(const struct reader *r, const char *name)
{
    for (int i = 0; i < r->n_layers; i++)
        if (strcmp(r->layers[i].text, name) == 0)
            return r->layers[i].tensor;
    return -1;
}

static rs_status remember(struct reader *r, const char *name, int tensor)
{
    if (r->n_layers == r->cap_layers) {
        const int cap = r->cap_layers != 0 ? 2 * r->cap_layers : 64;
        struct layer_name *more = realloc(r->layers, (size_t)cap * sizeof *more);

        if (more == NULL)
            return rs_fail(r->err, RS_ERR_NOMEM, "%s: out of memory", r->path);
        r->layers = more;
        r->cap_layers = cap;
    }
    snprintf(r->layers[r->n_layers].text, sizeof r->layers[0].text, "%s", name);
    r->layers[r->n_layers++].tensor = tensor;
    return RS_OK;
}

/* Constant int8 filter of @count codes with one scale for each of @channels on axis @axis. */
enum { MAX_FILTER_BYTES = 1 << 28 };          /* a table of a few bytes must not make gigabytes; VGG-16's largest has 2^27 */

static rs_status add_filter(struct reader *r, const char *name, int rank, const int32_t *dim, int axis, double taps, int *id)
{
    const int32_t channels = dim[axis];
    size_t count = 1;
    int8_t *codes;
    float *scale;
    rs_status status;

    for (int d = 0; d < rank; d++)
        if (__builtin_mul_overflow(count, (size_t)dim[d], &count) || count > MAX_FILTER_BYTES)
            return rs_fail(r->err, RS_ERR_UNSUPPORTED, "%s: filter of '%.80s' has more than %d bytes", r->path, name, MAX_FILTER_BYTES);
    codes = malloc(count);
    scale = malloc((size_t)channels * sizeof *scale);
    if (codes == NULL || scale == NULL) {
        free(codes);
        free(scale);
        return rs_fail(r->err, RS_ERR_NOMEM, "%s: no memory for a filter of %zu bytes", r->path, count);
    }
    for (size_t i = 0; i < count; i++)
        codes[i] = (int8_t)((int)(draw(r) % 255) - 127);
    for (int32_t m = 0; m < channels; m++)
        scale[m] = (float)((0.7 + 0.7 * (double)(draw(r) % 1024) / 1024.0) / (73.0 * sqrt(taps)));
    status = rs_graph_add_tensor(r->graph, name, RS_TYPE_S8, rank, dim, codes, count, id, r->err);
    if (status == RS_OK)
        status = rs_graph_set_quant(r->graph, *id, channels, axis, scale, NULL, r->err);
    free(codes);
    free(scale);
    return status;
}

static rs_status add_bias(struct reader *r, const char *name, int32_t channels, float s_in, int filter, int *id)
{
    const struct rs_tensor *f = &r->graph->tensors[filter];
    int32_t *bias = malloc((size_t)channels * sizeof *bias);
    float *scale = malloc((size_t)channels * sizeof *scale);
    rs_status status;

    if (bias == NULL || scale == NULL) {
        free(bias);
        free(scale);
        return rs_fail(r->err, RS_ERR_NOMEM, "%s: out of memory", r->path);
    }
    for (int32_t m = 0; m < channels; m++) {
        bias[m] = (int32_t)(draw(r) % 4001) - 2000;
        scale[m] = s_in * f->quant.scale[f->quant.channels == 1 ? 0 : m];
    }
    status = rs_graph_add_tensor(r->graph, name, RS_TYPE_S32, 1, &channels, bias, (size_t)channels * sizeof *bias, id, r->err);
    if (status == RS_OK)
        status = rs_graph_set_quant(r->graph, *id, channels, 0, scale, NULL, r->err);
    free(bias);
    free(scale);
    return status;
}

static rs_status add_activation(struct reader *r, const char *name, int rank, const int32_t *dim, float scale, int32_t zp, int *id)
{
    rs_status status = rs_graph_add_tensor(r->graph, name, RS_TYPE_S8, rank, dim, NULL, 0, id, r->err);

    return status != RS_OK ? status : rs_graph_set_quant(r->graph, *id, 1, 0, &scale, &zp, r->err);
}

/* A node with one output, of @dim; @out may be one of @inputs. */
static rs_status add_node(struct reader *r, const char *layer, const char *part, struct rs_node node, const int *inputs, int n_inputs, const int32_t *dim,
                          float scale, int32_t zp, int *out)
{
    char label[96];
    int id;
    rs_status status;

    snprintf(label, sizeof label, "%.70s.%s", layer, part);
    node.source = r->line;
    status = add_activation(r, label, 4, dim, scale, zp, &id);
    if (status == RS_OK)
        status = rs_graph_add_node(r->graph, &node, inputs, n_inputs, &id, 1, NULL, r->err);
    *out = id;
    return status;
}

/* Channels [from, from + D) of N tokens as [1][heads][N][D / heads]. */
static rs_status add_heads(struct reader *r, const char *layer, const char *part, int x, int32_t from, int32_t depth, int32_t heads, int *out)
{
    const struct rs_tensor_quant q = r->graph->tensors[x].quant;
    const float scale = q.scale[0];
    const int32_t N = r->graph->tensors[x].dim[0], each = depth / heads, zp = q.zero_point[0];
    const struct rs_node slice = {.op = RS_OP_SLICE, .before = {0, 0, 0, from}, .after = {1, 1, 1, 1}, .shape = {N, 1, 1, depth}, .n_shape = 4};
    const struct rs_node split = {.op = RS_OP_RESHAPE, .shape = {1, N, heads, each}, .n_shape = 4};
    const struct rs_node turn = {.op = RS_OP_TRANSPOSE, .axis = {0, 2, 1, 3}, .n_axes = 4};
    char name[20];
    rs_status status;

    snprintf(name, sizeof name, "%s.slice", part);
    status = add_node(r, layer, name, slice, &x, 1, slice.shape, scale, zp, out);
    snprintf(name, sizeof name, "%s.heads", part);
    if (status == RS_OK)
        status = add_node(r, layer, name, split, out, 1, split.shape, scale, zp, out);
    return status != RS_OK ? status : add_node(r, layer, part, turn, out, 1, (const int32_t[]){1, heads, N, each}, scale, zp, out);
}

static rs_status add_attention(struct reader *r, const char *name, int from, int *out)
{
    const struct rs_tensor *t = &r->graph->tensors[from];
    const int32_t N = t->dim[0], depth = t->dim[3] / 3;
    int32_t heads;
    int q, k, v, x;
    rs_status status = number_of(r, COL_H, 0, 1, &heads);

    if (status != RS_OK)
        return status;
    if (t->rank != 4 || t->dim[1] != 1 || t->dim[2] != 1 || t->dim[3] % 3 != 0 || depth % heads != 0)
        return rs_fail(r->err, RS_ERR_SHAPE, "%s:%d: %d channels are not queries, keys and values of %d heads", r->path, r->line, t->dim[3], heads);
    const int32_t each = depth / heads, scores[4] = {1, heads, N, N}, values[4] = {1, heads, N, each}, joined[4] = {1, N, heads, each};
    const struct rs_node join = {.op = RS_OP_RESHAPE, .shape = {N, 1, 1, depth}, .n_shape = 4};

    status = add_heads(r, name, "q", from, 0, depth, heads, &q);
    if (status == RS_OK)
        status = add_heads(r, name, "k", from, depth, depth, heads, &k);
    if (status == RS_OK)
        status = add_heads(r, name, "v", from, 2 * depth, depth, heads, &v);
    if (status == RS_OK)
        status = add_node(r, name, "scores", (struct rs_node){.op = RS_OP_BATCH_MATMUL, .adjoint_y = true}, (const int[]){q, k}, 2, scores,
                          0.08f * (float)sqrt(each), 3, &x);
    if (status == RS_OK)
        status = add_node(r, name, "softmax", (struct rs_node){.op = RS_OP_SOFTMAX, .beta = 1.0f / (float)sqrt(each), .n_axes = 1, .axis = {3}}, &x, 1, scores,
                          1.0f / 256, -128, &x);
    if (status == RS_OK)
        status = add_node(r, name, "values", (struct rs_node){.op = RS_OP_BATCH_MATMUL}, (const int[]){x, v}, 2, values, 0.01f, -4, &x);
    if (status == RS_OK)
        status = add_node(r, name, "tokens", (struct rs_node){.op = RS_OP_TRANSPOSE, .axis = {0, 2, 1, 3}, .n_axes = 4}, &x, 1, joined, 0.01f, -4, &x);
    if (status != RS_OK)
        return status;
    status = add_activation(r, name, 4, join.shape, 0.01f, -4, out);
    return status != RS_OK ? status : rs_graph_add_node(r->graph, &join, &x, 1, out, 1, NULL, r->err);
}

static rs_status add_layer(struct reader *r, const char *name, const char *type, int from, int with, int *out)
{
    struct rs_node node = {0};
    const struct rs_tensor *t = &r->graph->tensors[from];
    const int32_t N = t->dim[0], H = t->rank == 4 ? t->dim[1] : 1, W = t->rank == 4 ? t->dim[2] : 1;
    const int32_t C = t->dim[t->rank - 1];
    const float s_in = t->quant.scale[0];
    const int32_t zp_in = t->quant.zero_point[0];
    const char *act = text_of(r, COL_ACT);
    int inputs[3] = {from, -1, -1}, n_inputs = 1;
    int32_t M, R, S, U, pads[4], dim[4], zp_out;
    float s_out;
    rs_status status = number_of(r, COL_M, C, 1, &M);

    if (status == RS_OK) status = number_of(r, COL_R, 1, 1, &R);
    if (status == RS_OK) status = number_of(r, COL_S, 1, 1, &S);
    if (status == RS_OK) status = number_of(r, COL_STRIDE, 1, 1, &U);
    for (int i = 0; i < 4 && status == RS_OK; i++)
        status = number_of(r, (enum column)(COL_PAD_TOP + i), 0, 0, &pads[i]);
    if (status != RS_OK)
        return status;
    if (strcmp(act, "") != 0 && strcmp(act, "relu") != 0 && strcmp(act, "relu6") != 0)
        return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: act is '%s'; relu, relu6 or nothing is expected", r->path, r->line, act);

    node.source = r->line;
    node.stride_h = node.stride_w = U;
    node.dilation_h = node.dilation_w = 1;
    node.pad_top = pads[0];
    node.pad_left = pads[1];
    node.pad_bottom = pads[2];
    node.pad_right = pads[3];
    node.kernel_h = R;
    node.kernel_w = S;
    node.depth_multiplier = 1;
    node.act = *act == '\0' ? RS_ACT_NONE : strcmp(act, "relu") == 0 ? RS_ACT_RELU : RS_ACT_RELU6;
    s_out = node.act == RS_ACT_RELU6 ? 6.0f / 255 : 0.025f;
    zp_out = node.act == RS_ACT_NONE ? 3 : -128;
    dim[0] = N;
    dim[1] = (H + pads[0] + pads[2] - R) / U + 1;
    dim[2] = (W + pads[1] + pads[3] - S) / U + 1;
    dim[3] = M;
    if (H + pads[0] + pads[2] < R || W + pads[1] + pads[3] < S)
        return rs_fail(r->err, RS_ERR_SHAPE, "%s:%d: a %dx%d window does not fit a padded map of %dx%d", r->path, r->line, R, S,
                       H + pads[0] + pads[2], W + pads[1] + pads[3]);

    if (strcmp(type, "conv") == 0 || strcmp(type, "depthwise") == 0 || strcmp(type, "fc") == 0) {
        const bool depthwise = *type == 'd', fc = *type == 'f';
        const int32_t conv_dim[4] = {M, R, S, C}, depthwise_dim[4] = {1, R, S, M}, fc_dim[2] = {M, C};
        const double taps = (double)R * S * (depthwise ? 1 : C);
        char label[96];

        if (fc && H * W != 1)
            return rs_fail(r->err, RS_ERR_SHAPE, "%s:%d: fc reads a %dx%d map; 1x1 is expected", r->path, r->line, H, W);
        if (depthwise && M % C != 0)
            return rs_fail(r->err, RS_ERR_SHAPE, "%s:%d: depthwise makes %d channels of %d: not a multiple", r->path, r->line, M, C);
        node.op = depthwise ? RS_OP_DEPTHWISE_CONV2D : fc ? RS_OP_FULLY_CONNECTED : RS_OP_CONV2D;
        node.depth_multiplier = depthwise ? M / C : 1;
        node.keep_dims = fc;
        snprintf(label, sizeof label, "%.70s.filter", name);
        status = add_filter(r, label, fc ? 2 : 4, fc ? fc_dim : depthwise ? depthwise_dim : conv_dim, depthwise ? 3 : 0, taps, &inputs[1]);
        if (status == RS_OK) {
            snprintf(label, sizeof label, "%.70s.bias", name);
            status = add_bias(r, label, M, s_in, inputs[1], &inputs[2]);
        }
        n_inputs = 3;
    } else if (strcmp(type, "maxpool") == 0 || strcmp(type, "avgpool") == 0) {
        node.op = *type == 'm' ? RS_OP_MAX_POOL_2D : RS_OP_AVERAGE_POOL_2D;
        s_out = s_in;
        zp_out = zp_in;
        dim[3] = C;
    } else if (strcmp(type, "add") == 0) {
        node.op = RS_OP_ADD;
        if (with < 0)
            return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: add needs a layer in the column with", r->path, r->line);
        inputs[1] = with;
        n_inputs = 2;
        s_out = 0.035f;
    } else {
        return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: type is '%s'; input, conv, depthwise, fc, maxpool, avgpool, add or attention is expected",
                       r->path, r->line, type);
    }
    if (status == RS_OK)
        status = add_activation(r, name, 4, dim, s_out, zp_out, out);
    return status != RS_OK ? status : rs_graph_add_node(r->graph, &node, inputs, n_inputs, out, 1, NULL, r->err);
}

static rs_status read_rows(struct reader *r)
{
    rs_status status = RS_OK;
    int last = -1;

    while (status == RS_OK && next_row(r, &status)) {
        const char *name = text_of(r, COL_NAME), *type = text_of(r, COL_TYPE);
        const char *from = text_of(r, COL_FROM), *with = text_of(r, COL_WITH);
        int a = last, b = -1, out = -1;

        if (*name == '\0' || strlen(name) >= sizeof r->layers[0].text || find_layer(r, name) >= 0)
            return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: name '%.40s' is %s", r->path, r->line, name,
                           *name == '\0' ? "empty" : find_layer(r, name) >= 0 ? "used twice" : "too long");
        if (*from != '\0' && (a = find_layer(r, from)) < 0)
            return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: from: no layer above is called '%s'", r->path, r->line, from);
        if (*with != '\0' && (b = find_layer(r, with)) < 0)
            return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: with: no layer above is called '%s'", r->path, r->line, with);
        if (strcmp(type, "input") == 0) {
            int32_t dim[4];

            if (last >= 0)
                return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: a second input; one is expected", r->path, r->line);
            if ((status = number_of(r, COL_N, 1, 1, &dim[0])) != RS_OK || (status = number_of(r, COL_H, 1, 1, &dim[1])) != RS_OK ||
                (status = number_of(r, COL_W, 1, 1, &dim[2])) != RS_OK || (status = number_of(r, COL_C, 0, 1, &dim[3])) != RS_OK)
                return status;
            status = add_activation(r, name, 4, dim, 0.025f, -5, &out);
            if (status == RS_OK)
                status = rs_graph_set_io(r->graph, &out, 1, NULL, 0, r->err);
        } else if (last < 0) {
            return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: the first row has type '%s'; input is expected", r->path, r->line, type);
        } else if (strcmp(type, "attention") == 0) {
            status = add_attention(r, name, a, &out);
        } else {
            status = add_layer(r, name, type, a, b, &out);
        }
        if (status == RS_OK)
            status = remember(r, name, out);
        last = out;
    }
    if (status == RS_OK && r->n_layers < 2)
        status = rs_fail(r->err, RS_ERR_FORMAT, "%s: no layers", r->path);
    return status;
}

/* Outputs: every tensor that nothing reads. */
static rs_status finish(struct reader *r)
{
    struct rs_graph *g = r->graph;
    const int input = g->inputs[0];
    int *outputs = malloc((size_t)r->n_layers * sizeof *outputs), n = 0;
    rs_status status;

    if (outputs == NULL)
        return rs_fail(r->err, RS_ERR_NOMEM, "%s: out of memory", r->path);
    for (int i = 0; i < r->n_layers; i++)
        if (rs_graph_consumers(g, r->layers[i].tensor) == 0)
            outputs[n++] = r->layers[i].tensor;
    status = rs_graph_set_io(g, &input, 1, outputs, n, r->err);
    free(outputs);
    if (status == RS_OK)
        status = rs_graph_prepare(g, r->err);
    if (status == RS_OK && r->macs >= 0 && rs_graph_total_macs(g) != r->macs)
        status = rs_fail(r->err, RS_ERR_FORMAT, "%s: the layers have %lld MACs, the table states %lld", r->path,
                         (long long)rs_graph_total_macs(g), (long long)r->macs);
    return status;
}

static rs_status open_table(struct reader *r, const char *path, struct rs_error *err)
{
    memset(r, 0, sizeof *r);
    r->path = path;
    r->err = err;
    r->macs = -1;
    r->file = fopen(path, "r");
    if (r->file == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: cannot be opened", path);
    return read_heading(r);
}

bool rs_network_csv_is(const char *path)
{
    struct reader r;
    rs_status status = open_table(&r, path, NULL);
    const bool is = status == RS_OK && next_row(&r, &status) && strcmp(text_of(&r, COL_TYPE), "input") == 0;

    if (r.file != NULL)
        fclose(r.file);
    return is;
}

rs_status rs_network_csv_load(const char *path, uint64_t seed, struct rs_graph **out, struct rs_error *err)
{
    struct reader r;
    rs_status status;

    *out = NULL;
    status = open_table(&r, path, err);
    r.rng = seed;
    if (status == RS_OK)
        status = rs_graph_create(path, &r.graph, err);
    if (status == RS_OK)
        status = read_rows(&r);
    if (status == RS_OK)
        status = finish(&r);
    if (r.file != NULL)
        fclose(r.file);
    free(r.layers);
    if (status == RS_OK)
        *out = r.graph;
    else
        rs_graph_destroy(r.graph);
    return status;
}
