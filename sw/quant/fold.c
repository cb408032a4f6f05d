/* fold.c - batch normalization into the layer before it; and a layer's filter and bias as rows of taps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "quant_internal.h"

bool quant_filter(const struct rs_graph *g, int node, struct quant_filter *f)
{
    const struct rs_node *n = &g->nodes[node];

    if (n->op != RS_OP_CONV2D && n->op != RS_OP_DEPTHWISE_CONV2D && n->op != RS_OP_FULLY_CONNECTED)
        return false;
    const struct rs_tensor *w = &g->tensors[n->inputs[1]];
    const int bias = n->n_inputs > 2 ? n->inputs[2] : -1;

    if (w->type != RS_TYPE_F32 || w->data == NULL || (bias >= 0 && g->tensors[bias].data == NULL))
        return false;
    f->data = w->data;
    f->axis = n->op == RS_OP_DEPTHWISE_CONV2D ? 3 : 0;
    f->m = w->dim[f->axis];
    f->taps = rs_tensor_elements(w) / f->m;
    f->step_m = f->axis == 0 ? f->taps : 1;
    f->step_tap = f->axis == 0 ? 1 : f->m;
    return true;
}

/* Gives operand @k of @node a constant that no other node reads. */
static rs_status own_constant(struct rs_graph *g, int node, int k, struct rs_error *err)
{
    const int id = g->nodes[node].inputs[k];
    int copy;

    if (rs_graph_consumers(g, id) == 1)
        return RS_OK;
    const struct rs_tensor t = g->tensors[id];           /* copied: adding may move the array */
    const rs_status status = rs_graph_add_tensor(g, t.name, t.type, t.rank, t.dim, t.data, t.data_bytes, &copy, err);

    if (status == RS_OK)
        g->nodes[node].inputs[k] = copy;
    return status;
}

float *quant_bias(struct rs_graph *g, int node, struct rs_error *err)
{
    struct rs_node *n = &g->nodes[node];
    struct quant_filter f;

    if (!quant_filter(g, node, &f))
        return NULL;
    if (n->n_inputs > 2 && n->inputs[2] >= 0)
        return own_constant(g, node, 2, err) == RS_OK ? g->tensors[g->nodes[node].inputs[2]].data : NULL;
    const int32_t m = (int32_t)f.m;
    char name[300];
    float *zeros = calloc((size_t)m, sizeof *zeros);
    int *inputs = realloc(n->inputs, 3 * sizeof *inputs), id = -1;

    if (inputs != NULL)
        n->inputs = inputs;
    snprintf(name, sizeof name, "%.280s/bias", g->tensors[n->outputs[0]].name);
    if (zeros == NULL || inputs == NULL ||
        rs_graph_add_tensor(g, name, RS_TYPE_F32, 1, &m, zeros, (size_t)m * sizeof *zeros, &id, err) != RS_OK) {
        free(zeros);
        return NULL;
    }
    free(zeros);
    inputs[2] = id;
    n->n_inputs = 3;
    return g->tensors[id].data;
}

rs_status rs_quant_fold_batch_norm(struct rs_graph *g, int *folded, struct rs_error *err)
{
    int count = 0;

    if (g == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_quant_fold_batch_norm: no graph");
    for (int i = 0; i < g->n_nodes; i++) {
        struct rs_node *bn = &g->nodes[i];

        if (bn->op != RS_OP_BATCH_NORM)
            continue;
        const int in = bn->inputs[0], before = rs_graph_producer(g, in);
        struct quant_filter f;
        bool constant = true;

        for (int k = 1; k < 5; k++)
            constant &= g->tensors[bn->inputs[k]].data != NULL;
        if (before < 0 || !constant || rs_graph_sole_consumer(g, in) != i || g->nodes[before].act != RS_ACT_NONE ||
            !quant_filter(g, before, &f))
            continue;
        rs_status status = own_constant(g, before, 1, err);
        float *bias = status == RS_OK ? quant_bias(g, before, err) : NULL;

        if (bias == NULL)
            return status != RS_OK ? status : rs_fail(err, RS_ERR_NOMEM, "no memory for a bias");
        quant_filter(g, before, &f);
        const float *param[5];

        for (int k = 1; k < 5; k++)
            param[k] = g->tensors[bn->inputs[k]].data;
        for (int64_t m = 0; m < f.m; m++) {
            const double gain = param[1][m] / sqrt((double)param[4][m] + (double)bn->epsilon);

            for (int64_t t = 0; t < f.taps; t++)
                f.data[m * f.step_m + t * f.step_tap] = (float)(gain * f.data[m * f.step_m + t * f.step_tap]);
            bias[m] = (float)(param[2][m] + gain * (bias[m] - param[3][m]));
        }
        /* The layer writes what the normalization wrote; the latter, now without a reader, is a view that is swept up. */
        g->nodes[before].outputs[0] = bn->outputs[0];
        g->nodes[before].act = bn->act;
        bn->op = RS_OP_RESHAPE;
        bn->n_shape = g->tensors[in].rank;
        memcpy(bn->shape, g->tensors[in].dim, sizeof bn->shape);
        bn->n_inputs = 1;
        bn->inputs[0] = bn->outputs[0];
        bn->outputs[0] = in;
        bn->act = RS_ACT_NONE;
        count++;
    }
    if (folded != NULL)
        *folded = count;
    return rs_graph_optimize(g, RS_PASS_DEAD | RS_PASS_FUSE_ACT, NULL, err);
}
