/*
 * test_graph_build.h - builds graphs by hand and at random, and runs them.
 * A random graph takes its numbers from test_rng: the seed replays it.
 */
#ifndef TEST_GRAPH_BUILD_H
#define TEST_GRAPH_BUILD_H
#include "graph.h"
#include "test.h"

#define OK(expression) do { const rs_status s_ = (expression); \
        if (s_ != RS_OK) { printf("  %s:%d: %s: %s\n", __FILE__, __LINE__, rs_status_name(s_), build_err.text); exit(1); } } while (0)

static struct rs_error build_err;

static inline int b_tensor(struct rs_graph *g, const char *name, int rank, const int32_t *dim, float scale, int32_t zp, const void *data)
{
    int id;
    int64_t n = 1;

    for (int i = 0; i < rank; i++)
        n *= dim[i];
    OK(rs_graph_add_tensor(g, name, RS_TYPE_S8, rank, dim, data, data != NULL ? (size_t)n : 0, &id, &build_err));
    OK(rs_graph_set_quant(g, id, 1, 0, &scale, &zp, &build_err));
    return id;
}

#define B_DIMS(...) (const int32_t[]){ __VA_ARGS__ }

/* A constant of random codes; per channel along @axis if @axis >= 0. */
static inline int b_weights(struct rs_graph *g, int rank, const int32_t *dim, int axis)
{
    int64_t n = 1;
    int id;

    for (int i = 0; i < rank; i++)
        n *= dim[i];
    int8_t *codes = malloc((size_t)n);

    for (int64_t i = 0; i < n; i++)
        codes[i] = (int8_t)rnd_range(-127, 127);
    const int channels = axis >= 0 ? dim[axis] : 1;
    float *scale = malloc((size_t)channels * sizeof *scale);

    for (int i = 0; i < channels; i++)
        scale[i] = 0.001f * (float)rnd_range(1, 30);
    OK(rs_graph_add_tensor(g, "weights", RS_TYPE_S8, rank, dim, codes, (size_t)n, &id, &build_err));
    OK(rs_graph_set_quant(g, id, channels, axis < 0 ? 0 : axis, scale, NULL, &build_err));
    free(codes);
    free(scale);
    return id;
}

static inline int b_bias(struct rs_graph *g, int32_t m)
{
    int32_t *b = malloc((size_t)m * sizeof *b);
    int id;

    for (int32_t i = 0; i < m; i++)
        b[i] = (int32_t)rnd_range(-3000, 3000);
    OK(rs_graph_add_tensor(g, "bias", RS_TYPE_S32, 1, &m, b, (size_t)m * sizeof *b, &id, &build_err));
    free(b);
    return id;
}

/* Adds a node whose output gets its dims by inference; returns the output. */
static inline int b_node(struct rs_graph *g, struct rs_node n, const int *in, int n_in, float scale, int32_t zp)
{
    const int out = b_tensor(g, rs_op_name(n.op), 0, NULL, scale, zp, NULL);
    static char name[64];

    snprintf(name, sizeof name, "%s_%d", rs_op_name(n.op), out);
    free(g->tensors[out].name);
    g->tensors[out].name = strdup(name);
    n.source = g->n_nodes;
    if (n.stride_h == 0)
        n.stride_h = n.stride_w = 1;
    if (n.dilation_h == 0)
        n.dilation_h = n.dilation_w = 1;
    OK(rs_graph_add_node(g, &n, in, n_in, &out, 1, NULL, &build_err));
    OK(rs_graph_infer(g, false, &build_err));
    return out;
}

static inline int b_conv(struct rs_graph *g, int in, int32_t m, int32_t r, int32_t u, bool same, enum rs_activation act, float scale, int32_t zp)
{
    const int32_t c = g->tensors[in].dim[3];
    const int w = b_weights(g, 4, B_DIMS(m, r, r, c), rnd_range(0, 1) ? 0 : -1), b = rnd_range(0, 3) ? b_bias(g, m) : -1;

    return b_node(g, (struct rs_node){ .op = RS_OP_CONV2D, .stride_h = u, .stride_w = u, .pad_same = same, .act = act },
                  (const int[]){ in, w, b }, 3, scale, zp);
}

static inline struct rs_graph *b_graph(void)
{
    struct rs_graph *g;

    OK(rs_graph_create("test", &g, &build_err));
    return g;
}

static inline void b_finish(struct rs_graph *g, int in, const int *out, int n_out)
{
    OK(rs_graph_set_io(g, &in, 1, out, n_out, &build_err));
    OK(rs_graph_prepare(g, &build_err));
}

static inline float b_scale(void)
{
    static const float scales[] = { 0.25f, 0.5f, 0.1f, 0.05f };

    return scales[rnd_range(0, 3)];
}

static inline int32_t b_zp(void)
{
    static const int32_t zps[] = { -128, 0, 5, -7, 127 };

    return zps[rnd_range(0, 4)];
}

/* One random operation on random activations of the list; returns its output, or -1 where it does not fit. */
static inline int b_random_node(struct rs_graph *g, const int *live, int n_live)
{
    const int x = live[rnd_range(0, n_live - 1)];
    const struct rs_tensor t = g->tensors[x];
    const bool map = t.rank == 4;
    const float s = t.quant.scale[0];
    const int32_t z = t.quant.zero_point[0];
    const bool same_quant = rnd_range(0, 2) != 0;
    const float s2 = same_quant ? s : b_scale();
    const int32_t z2 = same_quant ? z : b_zp();

    switch (rnd_range(0, 17)) {
    case 0: case 1: {
        const int32_t r = (int32_t)rnd_range(1, 3);

        if (!map || r > t.dim[1] || r > t.dim[2])
            return -1;
        return b_conv(g, x, (int32_t)rnd_range(1, 5), r, (int32_t)rnd_range(1, 2), rnd_range(0, 1), (enum rs_activation)rnd_range(0, 2),
                      b_scale(), b_zp());
    }
    case 2: {
        const int32_t k = (int32_t)rnd_range(1, 2), r = (int32_t)rnd_range(1, 3);

        if (!map || r > t.dim[1] || r > t.dim[2])
            return -1;
        const int w = b_weights(g, 4, B_DIMS(1, r, r, t.dim[3] * k), rnd_range(0, 1) ? 3 : -1);

        return b_node(g, (struct rs_node){ .op = RS_OP_DEPTHWISE_CONV2D, .pad_same = rnd_range(0, 1), .act = (enum rs_activation)rnd_range(0, 1) },
                      (const int[]){ x, w, -1 }, 3, b_scale(), b_zp());
    }
    case 3: case 4: {
        struct rs_node n = { .op = RS_OP_PAD, .pad_code = rnd_range(0, 3) ? z : 0 };

        if (!map)
            return -1;
        for (int i = 1; i < 3; i++) {
            n.before[i] = (int32_t)rnd_range(0, 2);
            n.after[i] = (int32_t)rnd_range(0, 2);
        }
        const int padded = b_node(g, n, &x, 1, s, z);

        if (rnd_range(0, 1))                              /* what PAD is for */
            return b_conv(g, padded, 2, g->tensors[padded].dim[1] > 2 && g->tensors[padded].dim[2] > 2 ? 3 : 1, 1, rnd_range(0, 1),
                          RS_ACT_NONE, b_scale(), b_zp());
        return padded;
    }
    case 5: case 6: {
        const int32_t r = (int32_t)rnd_range(1, 3);

        if (!map || r > t.dim[1] || r > t.dim[2])
            return -1;
        return b_node(g, (struct rs_node){ .op = rnd_range(0, 1) ? RS_OP_MAX_POOL_2D : RS_OP_AVERAGE_POOL_2D, .kernel_h = r, .kernel_w = r,
                                           .stride_h = (int32_t)rnd_range(1, 2), .stride_w = 1, .pad_same = rnd_range(0, 1),
                                           .act = (enum rs_activation)rnd_range(0, 1) }, &x, 1, s, z);
    }
    case 7: case 8: {
        const int y = live[rnd_range(0, n_live - 1)];
        static const enum rs_op ops[] = { RS_OP_ADD, RS_OP_SUB, RS_OP_MUL };

        if (g->tensors[y].rank != t.rank || memcmp(g->tensors[y].dim, t.dim, sizeof t.dim) != 0)
            return -1;
        return b_node(g, (struct rs_node){ .op = ops[rnd_range(0, 2)], .act = (enum rs_activation)rnd_range(0, 2) },
                      (const int[]){ x, y }, 2, b_scale(), b_zp());
    }
    case 9: case 10:
        return b_node(g, (struct rs_node){ .op = (enum rs_op)rnd_range(RS_OP_RELU, RS_OP_RELU_N1_TO_1) }, &x, 1, s2, z2);
    case 11: {
        struct rs_node n = { .op = RS_OP_RESHAPE };

        n.shape[n.n_shape++] = t.dim[0];                  /* rows stay whole images: batch tests use these graphs too */
        if (map && rnd_range(0, 1)) {
            n.shape[n.n_shape++] = t.dim[1] * t.dim[2];
            n.shape[n.n_shape++] = t.dim[3];
        } else if (rnd_range(0, 1)) {
            n.shape[n.n_shape++] = -1;
        } else {
            n.shape[n.n_shape++] = 1;
            n.shape[n.n_shape++] = 1;
            n.shape[n.n_shape++] = -1;
        }
        return b_node(g, n, &x, 1, s2, z2);
    }
    case 12: {
        const int32_t c = (int32_t)(rs_tensor_elements(&t) / t.dim[0]);

        if (c > 600)
            return -1;
        const int32_t m = (int32_t)rnd_range(1, 6);
        const int w = b_weights(g, 2, B_DIMS(m, c), -1);

        return b_node(g, (struct rs_node){ .op = RS_OP_FULLY_CONNECTED, .act = (enum rs_activation)rnd_range(0, 1) },
                      (const int[]){ x, w, -1 }, 3, b_scale(), b_zp());
    }
    case 13:
        if (!map)
            return -1;
        return b_node(g, (struct rs_node){ .op = RS_OP_MEAN, .n_axes = 2, .axis = { 1, 2 }, .keep_dims = rnd_range(0, 1) }, &x, 1, s2, z2);
    case 14: {
        struct rs_node n = { .op = RS_OP_TRANSPOSE, .n_axes = t.rank };

        if (t.rank < 2)
            return -1;
        for (int i = 0; i < t.rank; i++)
            n.axis[i] = i;
        for (int i = t.rank - 1; i > 1; i--) {            /* the batch stays first */
            const int k = (int)rnd_range(1, i);
            const int32_t a = n.axis[i];

            n.axis[i] = n.axis[k];
            n.axis[k] = a;
        }
        return b_node(g, n, &x, 1, s, z);
    }
    case 15: {
        struct rs_node n = { .op = RS_OP_SLICE, .n_shape = t.rank };

        for (int i = 0; i < t.rank; i++) {
            n.before[i] = i == 0 ? 0 : (int32_t)rnd_range(0, (t.dim[i] - 1) / 2);
            n.after[i] = i == 0 ? 1 : (int32_t)rnd_range(1, 2);
            n.shape[i] = i == 0 ? t.dim[0] : (t.dim[i] - n.before[i] + n.after[i] - 1) / n.after[i];
        }
        return b_node(g, n, &x, 1, s, z);
    }
    case 16:
        if (rnd_range(0, 1) || t.rank < 2)
            return b_node(g, (struct rs_node){ .op = RS_OP_QUANTIZE }, &x, 1, s2, z2);
        return b_node(g, (struct rs_node){ .op = RS_OP_CONCAT, .n_axes = 1, .axis = { t.rank - 1 } }, (const int[]){ x, x }, 2, s2, z2);
    default: {                                            /* constants that fold: PAD, then ADD to every pixel */
        if (!map || t.dim[3] < 3)
            return -1;
        int8_t codes[3] = { 1, -2, 3 };
        const int k = b_tensor(g, "constant", 1, B_DIMS(3), 0.5f, 0, codes);
        const int p = b_node(g, (struct rs_node){ .op = RS_OP_PAD, .after = { t.dim[3] - 3 } }, &k, 1, 0.5f, 0);

        return b_node(g, (struct rs_node){ .op = RS_OP_ADD }, (const int[]){ x, p }, 2, b_scale(), b_zp());
    }
    }
}

static inline struct rs_graph *b_random(int nodes)
{
    struct rs_graph *g = b_graph();
    int live[64], n_live = 0, out[3];
    const int32_t dim[4] = { 1, (int32_t)rnd_range(1, 7), (int32_t)rnd_range(1, 7), (int32_t)rnd_range(1, 5) };

    live[n_live++] = b_tensor(g, "in", 4, dim, b_scale(), b_zp(), NULL);
    for (int tries = 0; n_live < nodes && n_live < 64 && tries < 10 * nodes; tries++) {
        const uint64_t twin = test_rng;
        int id = b_random_node(g, live, n_live);

        if (id < 0 || rs_tensor_elements(&g->tensors[id]) > 4000)
            continue;
        live[n_live++] = id;
        if (rnd_range(0, 5) == 0 && n_live < 64) {        /* the same again, weights and all */
            const uint64_t after = test_rng;

            test_rng = twin;
            id = b_random_node(g, live, n_live - 1);
            test_rng = after;
            if (id >= 0)
                live[n_live++] = id;
        }
    }
    const int n_out = (int)rnd_range(1, 3);

    for (int i = 0; i < n_out; i++)
        out[i] = live[i == 0 ? n_live - 1 : rnd_range(n_live > 1, n_live - 1)];
    b_finish(g, live[0], out, n_out);
    return g;
}

/* Runs on @in; returns all outputs one after another (free it) and their length. */
static inline int8_t *b_run(const struct rs_graph *g, const int8_t *in, size_t *bytes)
{
    struct rs_memory_plan *plan;
    void *out[4] = { NULL };
    size_t at = 0;

    OK(rs_memory_plan_create(g, 16, &plan, &build_err));
    void *arena = aligned_alloc(64, (plan->arena_bytes + 127) / 64 * 64);

    memset(arena, 0x5A, plan->arena_bytes);
    *bytes = 0;
    for (int i = 0; i < g->n_outputs; i++)
        *bytes += rs_tensor_bytes(&g->tensors[g->outputs[i]]);
    int8_t *all = malloc(*bytes + 1);

    for (int i = 0; i < g->n_outputs; i++) {
        out[i] = all + at;
        at += rs_tensor_bytes(&g->tensors[g->outputs[i]]);
    }
    OK(rs_graph_run_cpu(g, plan, (const void *const[]){ in }, out, arena, plan->arena_bytes,
                        &(struct rs_run_options){ .reference = true }, &build_err));
    free(arena);
    rs_memory_plan_destroy(plan);
    return all;
}

static inline int8_t *b_random_input(const struct rs_graph *g)
{
    const size_t n = rs_tensor_bytes(&g->tensors[g->inputs[0]]);
    int8_t *in = malloc(n);

    for (size_t i = 0; i < n; i++)
        in[i] = (int8_t)rnd_range(-128, 127);
    return in;
}

static inline int b_count(const struct rs_graph *g, enum rs_op op)
{
    int n = 0;

    for (int i = 0; i < g->n_nodes; i++)
        n += g->nodes[i].op == op;
    return n;
}
#endif
