/*
 * optimize.c - rewrites that never change a bit of any output.
 *
 * Each pass walks the sorted node list, marks what it replaces, and reports how much it did; rs_graph_optimize() goes
 * round until nothing changes.  Convolution + ADD and convolution + pool stay separate nodes: whether the array takes
 * them together is the planner's choice (rs_graph_fusable_add, rs_graph_fusable_pool).
 */
#include <stdlib.h>
#include <string.h>
#include "graph_internal.h"

struct pass {
    struct rs_graph *g;
    struct rs_uses   uses;
    bool            *remove;         /* [node] */
    int             *alias;          /* [tensor]: the one to read instead, or -1; of pass_views */
    int              changed;
};

static bool is_output(const struct rs_graph *g, int tensor)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == tensor)
            return true;
    return false;
}

/*
 * Takes node @i, whose output holds the same codes as its input, out of the graph: later nodes are told by alias[].
 * A network output keeps its tensor: then the producer of the input writes it instead, and everybody reads that.
 */
static void bypass(struct pass *p, int i)
{
    struct rs_graph *g = p->g;
    const int in = g->nodes[i].inputs[0], out = g->nodes[i].outputs[0];

    if (!is_output(g, out)) {
        p->alias[out] = in;
    } else {
        const int producer = p->uses.producer[in];

        if (producer < 0 || is_output(g, in))
            return;
        for (int b = producer + 1; b < i; b++)
            for (int k = 0; k < g->nodes[b].n_inputs; k++)
                if (g->nodes[b].inputs[k] == in)
                    g->nodes[b].inputs[k] = out;
        for (int k = 0; k < g->nodes[producer].n_outputs; k++)
            if (g->nodes[producer].outputs[k] == in)
                g->nodes[producer].outputs[k] = out;
        p->uses.producer[out] = producer;
        p->uses.producer[in] = -1;
        p->alias[in] = out;
    }
    p->remove[i] = true;
    p->changed++;
}

/* ---- dead code ---- */

static rs_status pass_dead(struct pass *p, struct rs_error *err)
{
    struct rs_graph *g = p->g;
    bool *live = rs_alloc((size_t)g->n_tensors, sizeof *live);

    if (live == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d tensors", g->n_tensors);
    for (int i = 0; i < g->n_inputs; i++)
        live[g->inputs[i]] = true;
    for (int i = 0; i < g->n_outputs; i++)
        live[g->outputs[i]] = true;
    for (int i = g->n_nodes - 1; i >= 0; i--) {          /* sorted: readers come after writers */
        const struct rs_node *n = &g->nodes[i];
        bool needed = false;

        if (p->remove[i])
            continue;
        for (int k = 0; k < n->n_outputs; k++)
            needed |= live[n->outputs[k]];
        if (!needed) {
            p->remove[i] = true;
            p->changed++;
            continue;
        }
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] >= 0)
                live[n->inputs[k]] = true;
        for (int k = 0; k < n->n_outputs; k++)
            live[n->outputs[k]] = true;
    }
    for (int t = 0; t < g->n_tensors; t++) {
        struct rs_tensor *tensor = &g->tensors[t];

        if (live[t] || tensor->dead)
            continue;
        tensor->dead = true;
        free(tensor->data);                              /* ids and names stay valid, data do not */
        tensor->data = NULL;
        tensor->data_bytes = 0;
    }
    free(live);
    return RS_OK;
}

/* ---- constant folding ---- */

/* A file of a few bytes must not make constants of gigabytes. */
static bool worth_folding(const struct rs_graph *g, const struct rs_node *n)
{
    size_t in_bytes = 0;

    if (rs_op_has_macs(n->op) || n->n_inputs < 1)
        return false;
    for (int k = 0; k < n->n_inputs; k++) {
        if (n->inputs[k] < 0 || g->tensors[n->inputs[k]].data == NULL)
            return false;
        in_bytes += g->tensors[n->inputs[k]].data_bytes;
    }
    return rs_tensor_bytes(&g->tensors[n->outputs[0]]) <= 65536 + 16 * in_bytes;
}

static rs_status pass_fold(struct pass *p, struct rs_error *err)
{
    struct rs_graph *g = p->g;
    rs_status status = RS_OK;
    void **data = rs_alloc((size_t)g->n_tensors, sizeof *data);

    if (data == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d pointers", g->n_tensors);
    for (int i = 0; i < g->n_nodes && status == RS_OK; i++) {
        const struct rs_node *n = &g->nodes[i];

        if (p->remove[i] || !worth_folding(g, n))
            continue;
        struct rs_tensor *out = &g->tensors[n->outputs[0]];
        const size_t bytes = rs_tensor_bytes(out);
        void *result = rs_alloc(bytes, 1);

        if (result == NULL) {
            status = rs_fail(err, RS_ERR_NOMEM, "no memory for constant '%.80s' of %zu bytes", out->name, bytes);
            break;
        }
        data[n->outputs[0]] = result;
        status = rs_graph_run_node(g, i, data, NULL, true, err);
        data[n->outputs[0]] = NULL;
        if (status != RS_OK) {
            free(result);
            break;
        }
        out->data = result;
        out->data_bytes = bytes;
        p->uses.producer[n->outputs[0]] = -1;
        p->remove[i] = true;
        p->changed++;
    }
    free(data);
    return status;
}

/* ---- common subexpressions ---- */

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001B3u;                 /* FNV-1a */
    return h;
}

static bool same_constant(const struct rs_tensor *a, const struct rs_tensor *b)
{
    return a->type == b->type && rs_same_dims(a, b) && rs_same_quant(a, b) && a->data_bytes == b->data_bytes &&
           memcmp(a->data, b->data, a->data_bytes) == 0;
}

/* Everything that says what the node computes, and what its output means. */
static bool same_node(const struct rs_graph *g, const struct rs_node *a, const struct rs_node *b)
{
    const struct rs_tensor *x = &g->tensors[a->outputs[0]], *y = &g->tensors[b->outputs[0]];

    if (a->op != b->op || a->n_inputs != b->n_inputs || a->n_outputs != 1 || b->n_outputs != 1 ||
        memcmp(a->inputs, b->inputs, (size_t)a->n_inputs * sizeof *a->inputs) != 0)
        return false;
    return x->type == y->type && rs_same_dims(x, y) && rs_same_quant(x, y) &&
           a->stride_h == b->stride_h && a->stride_w == b->stride_w && a->dilation_h == b->dilation_h &&
           a->dilation_w == b->dilation_w && a->pad_top == b->pad_top && a->pad_left == b->pad_left &&
           a->pad_bottom == b->pad_bottom && a->pad_right == b->pad_right && a->kernel_h == b->kernel_h &&
           a->kernel_w == b->kernel_w && a->act_min == b->act_min && a->act_max == b->act_max &&
           a->n_axes == b->n_axes && memcmp(a->axis, b->axis, sizeof a->axis) == 0 && a->keep_dims == b->keep_dims &&
           a->n_shape == b->n_shape && memcmp(a->shape, b->shape, sizeof a->shape) == 0 &&
           memcmp(a->before, b->before, sizeof a->before) == 0 && memcmp(a->after, b->after, sizeof a->after) == 0 &&
           a->pad_code == b->pad_code && a->pad_value == b->pad_value && a->beta == b->beta && a->function == b->function && a->gamma == b->gamma && a->codes_u8 == b->codes_u8 && a->epsilon == b->epsilon &&
           a->approximate == b->approximate && a->act == b->act && a->adjoint_x == b->adjoint_x &&
           a->adjoint_y == b->adjoint_y && a->align_corners == b->align_corners && a->half_pixel == b->half_pixel;
}

/* Open addressing: the slot of an equal entry, or an empty one. */
static rs_status pass_cse(struct pass *p, struct rs_error *err)
{
    struct rs_graph *g = p->g;
    size_t slots = 16;

    while (slots < 2 * ((size_t)g->n_tensors + (size_t)g->n_nodes))
        slots *= 2;
    int *table = rs_alloc(slots, sizeof *table);         /* index + 1 */
    int *same = rs_alloc((size_t)g->n_tensors, sizeof *same);
    bool *out = rs_alloc((size_t)g->n_tensors, sizeof *out);

    if (table == NULL || same == NULL || out == NULL) {
        free(table);
        free(same);
        free(out);
        return rs_fail(err, RS_ERR_NOMEM, "no memory to compare %d nodes", g->n_nodes);
    }
    for (int t = 0; t < g->n_tensors; t++)
        same[t] = t;
    for (int i = 0; i < g->n_outputs; i++)
        out[g->outputs[i]] = true;
    for (int t = 0; t < g->n_tensors; t++) {             /* equal constants */
        const struct rs_tensor *x = &g->tensors[t];

        if (x->data == NULL || out[t])
            continue;
        size_t at = hash_bytes(hash_bytes(0xCBF29CE484222325u, x->dim, sizeof x->dim), x->data, x->data_bytes) & (slots - 1);

        while (table[at] != 0 && !same_constant(x, &g->tensors[table[at] - 1]))
            at = (at + 1) & (slots - 1);
        if (table[at] == 0)
            table[at] = t + 1;
        else
            same[t] = table[at] - 1;
    }
    memset(table, 0, slots * sizeof *table);
    for (int i = 0; i < g->n_nodes; i++) {               /* equal nodes; inputs are already the first of their kind */
        struct rs_node *n = &g->nodes[i];

        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] >= 0 && same[n->inputs[k]] != n->inputs[k]) {
                p->uses.count[n->inputs[k]]--;
                n->inputs[k] = same[n->inputs[k]];
                p->uses.count[n->inputs[k]]++;
                p->changed++;
            }
        if (p->remove[i])
            continue;
        size_t at = hash_bytes(hash_bytes(0xCBF29CE484222325u, &n->op, sizeof n->op), n->inputs,
                               (size_t)n->n_inputs * sizeof *n->inputs) & (slots - 1);

        while (table[at] != 0 && !same_node(g, n, &g->nodes[table[at] - 1]))
            at = (at + 1) & (slots - 1);
        if (table[at] == 0) {
            table[at] = i + 1;
        } else if (!out[n->outputs[0]]) {
            same[n->outputs[0]] = g->nodes[table[at] - 1].outputs[0];
            p->remove[i] = true;
            p->changed++;
            for (int k = 0; k < n->n_inputs; k++)
                if (n->inputs[k] >= 0)
                    p->uses.count[n->inputs[k]]--;
        }
    }
    free(table);
    free(same);
    free(out);
    return RS_OK;
}

/* ---- PAD into a window ---- */

/* Least code that the tensor can hold, as far as its producer tells. */
static int32_t least_code(const struct pass *p, int tensor)
{
    const int i = p->uses.producer[tensor];

    if (i < 0)
        return -128;
    const struct rs_node *n = &p->g->nodes[i];

    switch (n->op) {
    case RS_OP_CONV2D: case RS_OP_DEPTHWISE_CONV2D: case RS_OP_FULLY_CONNECTED: case RS_OP_ADD: case RS_OP_SUB: case RS_OP_MUL:
    case RS_OP_AVERAGE_POOL_2D: case RS_OP_MAX_POOL_2D: case RS_OP_RELU: case RS_OP_RELU6: case RS_OP_RELU_N1_TO_1:
        return n->act_min;
    default:
        return -128;
    }
}

/*
 * A convolution's own pads are real 0, code zp_in: exact when PAD writes that.  A max pool's own pads are skipped:
 * exact when no tap can be less than what PAD writes and no window lies in the pads alone.  An average pool's own
 * pads do not count in the divisor: never exact.
 */
static void pass_fuse_pad(struct pass *p)
{
    struct rs_graph *g = p->g;

    for (int i = 0; i < g->n_nodes; i++) {
        struct rs_node *n = &g->nodes[i];
        const bool conv = n->op == RS_OP_CONV2D || n->op == RS_OP_DEPTHWISE_CONV2D;

        if (p->remove[i] || (!conv && n->op != RS_OP_MAX_POOL_2D))
            continue;
        const int padded = n->inputs[0], pad_node = p->uses.producer[padded];

        if (pad_node < 0 || g->nodes[pad_node].op != RS_OP_PAD)
            continue;
        const struct rs_node *pad = &g->nodes[pad_node];
        const struct rs_tensor *in = &g->tensors[pad->inputs[0]], *out = &g->tensors[padded];
        const int32_t top = n->pad_top + pad->before[1], bottom = n->pad_bottom + pad->after[1];
        const int32_t left = n->pad_left + pad->before[2], right = n->pad_right + pad->after[2];

        if (in->rank != 4 || pad->before[0] != 0 || pad->after[0] != 0 || pad->before[3] != 0 || pad->after[3] != 0 ||
            !rs_same_quant(in, out))
            continue;
        if (rs_is_float_node(g, n) ? !conv || pad->pad_value != 0 : pad->pad_code != in->quant.zero_point[0])
            continue;
        const int64_t reach_h = (int64_t)(n->kernel_h - 1) * n->dilation_h, reach_w = (int64_t)(n->kernel_w - 1) * n->dilation_w;

        if (top > reach_h || bottom > reach_h || left > reach_w || right > reach_w)
            continue;                                    /* a window could lie in the pads alone: the array's feeder wants none */
        if (!conv && pad->pad_code > least_code(p, pad->inputs[0]))
            continue;
        n->pad_same = false;
        n->pad_top = top;
        n->pad_bottom = bottom;
        n->pad_left = left;
        n->pad_right = right;
        n->inputs[0] = pad->inputs[0];
        p->uses.count[padded]--;
        p->uses.count[pad->inputs[0]]++;
        p->changed++;
    }
}

/* ---- RELU into its producer ---- */

static bool has_clamp(enum rs_op op)
{
    return op == RS_OP_CONV2D || op == RS_OP_DEPTHWISE_CONV2D || op == RS_OP_FULLY_CONNECTED || op == RS_OP_ADD ||
           op == RS_OP_SUB || op == RS_OP_MUL || op == RS_OP_AVERAGE_POOL_2D || op == RS_OP_MAX_POOL_2D;
}

/* One activation that does what @first and then @second do; false: there is none. */
static bool combine(enum rs_activation first, enum rs_activation second, enum rs_activation *both)
{
    if (first == RS_ACT_NONE || first == second)
        *both = second;
    else if ((first == RS_ACT_RELU && second == RS_ACT_RELU6) || (first == RS_ACT_RELU6 && second == RS_ACT_RELU))
        *both = RS_ACT_RELU6;
    else
        return false;
    return true;
}

/* With equal scales RELU is a clamp of codes: requantizing by 1 is the identity in every rounding. */
static rs_status pass_fuse_act(struct pass *p, struct rs_error *err)
{
    struct rs_graph *g = p->g;

    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *relu = &g->nodes[i];
        enum rs_activation act = relu->op == RS_OP_RELU ? RS_ACT_RELU : relu->op == RS_OP_RELU6 ? RS_ACT_RELU6 :
                                 relu->op == RS_OP_RELU_N1_TO_1 ? RS_ACT_RELU_N1_TO_1 : RS_ACT_NONE;

        if (p->remove[i] || act == RS_ACT_NONE)
            continue;
        const int in = relu->inputs[0], out = relu->outputs[0], producer = p->uses.producer[in];

        if (producer < 0 || p->uses.count[in] != 1 || !has_clamp(g->nodes[producer].op) ||
            !combine(g->nodes[producer].act, act, &act) || !rs_same_quant(&g->tensors[in], &g->tensors[out]))
            continue;
        struct rs_node *n = &g->nodes[producer];

        n->act = act;
        n->outputs[0] = out;
        p->uses.producer[out] = producer;
        p->uses.producer[in] = -1;
        p->uses.count[in] = 0;
        p->remove[i] = true;
        p->changed++;
        const rs_status status = rs_requantize_node(g, n, err);

        if (status != RS_OK)
            return status;
    }
    return RS_OK;
}

/* ---- views and no-ops ---- */

static bool is_no_op(const struct rs_graph *g, const struct rs_node *n)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]], *out = &g->tensors[n->outputs[0]];

    if (in->type != out->type || !rs_same_dims(in, out) || !rs_same_quant(in, out))
        return false;
    switch (n->op) {
    case RS_OP_RESHAPE:
    case RS_OP_PAD:                                      /* same dims: nothing is added, kept, or left out */
    case RS_OP_QUANTIZE:
        return true;
    case RS_OP_SLICE:
        for (int i = 0; i < n->n_shape; i++)
            if (n->after[i] < 0 && n->shape[i] > 1)      /* backwards */
                return false;
        return true;
    case RS_OP_RESIZE_NEAREST:
        return !n->align_corners && !n->half_pixel;
    case RS_OP_CONCAT:
        return n->n_inputs == 1;
    case RS_OP_TRANSPOSE:
        for (int i = 0; i < n->n_axes; i++)
            if (n->axis[i] != i)
                return false;
        return true;
    case RS_OP_RELU:
    case RS_OP_RELU6:
    case RS_OP_RELU_N1_TO_1:
        return !rs_is_float_node(g, n) && n->act_min == -128 && n->act_max == 127;
    default:
        return false;
    }
}

/* A TRANSPOSE that only moves dimensions of extent 1 is a RESHAPE. */
static bool keeps_memory_order(const struct rs_graph *g, const struct rs_node *n)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]];
    int last = -1;

    for (int i = 0; i < n->n_axes; i++) {
        if (in->dim[n->axis[i]] == 1)
            continue;
        if (n->axis[i] < last)
            return false;
        last = n->axis[i];
    }
    return true;
}

static rs_status pass_views(struct pass *p, struct rs_error *err)
{
    struct rs_graph *g = p->g;

    p->alias = rs_alloc((size_t)g->n_tensors, sizeof *p->alias);
    if (p->alias == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d tensors", g->n_tensors);
    for (int t = 0; t < g->n_tensors; t++)
        p->alias[t] = -1;
    for (int i = 0; i < g->n_nodes; i++) {
        struct rs_node *n = &g->nodes[i];

        for (int k = 0; k < n->n_inputs; k++)
            while (n->inputs[k] >= 0 && p->alias[n->inputs[k]] >= 0)
                n->inputs[k] = p->alias[n->inputs[k]];
        if (is_no_op(g, n)) {
            bypass(p, i);
            continue;
        }
        if (n->op == RS_OP_TRANSPOSE && keeps_memory_order(g, n)) {
            const struct rs_tensor *out = &g->tensors[n->outputs[0]];

            n->op = RS_OP_RESHAPE;
            n->n_shape = out->rank;
            memcpy(n->shape, out->dim, sizeof n->shape);
            n->n_axes = 0;
            memset(n->axis, 0, sizeof n->axis);
            p->changed++;
        }
        const int before = p->uses.producer[n->inputs[0]];
        const bool after_view = before >= 0 && g->nodes[before].op == RS_OP_RESHAPE;

        if (!after_view || g->tensors[n->inputs[0]].type != g->tensors[g->nodes[before].inputs[0]].type)
            continue;
        /* RESHAPE of RESHAPE, and FULLY_CONNECTED, which sees only rows of C codes, read what the first one read. */
        if (n->op == RS_OP_RESHAPE || (n->op == RS_OP_FULLY_CONNECTED && !n->keep_dims)) {
            const int from = n->inputs[0], to = g->nodes[before].inputs[0];

            if (n->op == RS_OP_FULLY_CONNECTED && !rs_same_quant(&g->tensors[from], &g->tensors[to]))
                continue;
            n->inputs[0] = to;
            p->changed++;
        }
    }
    free(p->alias);
    return RS_OK;
}

static rs_status run_pass(struct rs_graph *g, unsigned pass, int *changed, struct rs_error *err)
{
    struct pass p = { .g = g, .remove = rs_alloc((size_t)g->n_nodes, sizeof *p.remove) };
    rs_status status;

    if (p.remove == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d nodes", g->n_nodes);
    status = rs_uses_create(g, &p.uses, err);
    if (status == RS_OK) {
        switch (pass) {
        case RS_PASS_FOLD:     status = pass_fold(&p, err); break;
        case RS_PASS_CSE:      status = pass_cse(&p, err); break;
        case RS_PASS_FUSE_PAD: pass_fuse_pad(&p); break;
        case RS_PASS_FUSE_ACT: status = pass_fuse_act(&p, err); break;
        case RS_PASS_VIEWS:    status = pass_views(&p, err); break;
        default:               status = pass_dead(&p, err); break;
        }
        rs_uses_destroy(&p.uses);
        rs_graph_remove_nodes(g, p.remove);
        *changed += p.changed;
    }
    free(p.remove);
    return status;
}

rs_status rs_graph_optimize(struct rs_graph *g, unsigned passes, int *changed, struct rs_error *err)
{
    /* Dead code goes first and last: a tensor's sole reader is known only when the dead ones are gone. */
    static const unsigned order[] = { RS_PASS_DEAD, RS_PASS_FOLD, RS_PASS_CSE, RS_PASS_FUSE_PAD, RS_PASS_DEAD, RS_PASS_FUSE_ACT,
                                      RS_PASS_VIEWS, RS_PASS_DEAD };
    int total = 0, before;

    if (g == NULL || passes > RS_PASS_ALL)
        return rs_fail(err, RS_ERR_ARG, "rs_graph_optimize: no graph, or unknown passes %u", passes);
    do {
        before = total;
        for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
            if ((passes & order[i]) == 0)
                continue;
            const rs_status status = run_pass(g, order[i], &total, err);

            if (status != RS_OK)
                return status;
        }
    } while (total != before);
    if (changed != NULL)
        *changed = total;
    return RS_OK;
}
