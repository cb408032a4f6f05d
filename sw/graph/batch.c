/*
 * batch.c - another batch size than the model's.
 *
 * The batch must stay the slowest dimension of every activation: then a batch of n is n networks side by side.  That is
 * checked, not assumed: after inference every activation's dim 0 has grown by the same factor and nothing else has, and
 * the operations that could mix two images without showing it in their sizes are refused by name.
 */
#include <stdlib.h>
#include <string.h>
#include "graph_internal.h"

struct saved_dims { int rank; int32_t dim[RS_MAX_RANK]; };

/* Operations along dimension 0 whose sizes look as if they were not: MEAN and TRANSPOSE of it do show in the sizes. */
static rs_status check_node(const struct rs_graph *g, const struct rs_node *n, const bool *varies, struct rs_error *err)
{
    const struct rs_tensor *in = &g->tensors[n->inputs[0]];

    if ((n->op == RS_OP_CONCAT && n->axis[0] == 0) || (n->op == RS_OP_SOFTMAX && in->rank < 2))
        return rs_node_fail(g, n, err, RS_ERR_SHAPE, "works along dimension 0, so the batch cannot be changed");
    if (n->n_inputs == 2 && n->inputs[1] >= 0 && varies[n->inputs[0]] && varies[n->inputs[1]] &&
        in->rank != g->tensors[n->inputs[1]].rank)       /* broadcast would line one's batch up with another dimension */
        return rs_node_fail(g, n, err, RS_ERR_SHAPE, "joins activations of rank %d and %d, so the batch cannot be changed",
                            in->rank, g->tensors[n->inputs[1]].rank);
    for (int i = 0; i < n->n_inputs; i++)
        if (n->op == RS_OP_CONCAT && !varies[n->inputs[i]])
            return rs_node_fail(g, n, err, RS_ERR_SHAPE, "a constant is joined to every image, so the batch cannot be changed");
    return RS_OK;
}

rs_status rs_graph_set_batch(struct rs_graph *g, int32_t batch, struct rs_error *err)
{
    if (g == NULL || batch < 1)
        return rs_fail(err, RS_ERR_ARG, "batch size %d, at least 1 is needed", batch);
    if (g->n_inputs == 0)
        return rs_fail(err, RS_ERR_SHAPE, "the network has no input, so it has no batch");
    const struct rs_tensor *first = &g->tensors[g->inputs[0]];
    const int32_t old = first->rank > 0 ? first->dim[0] : 0;

    for (int i = 0; i < g->n_inputs; i++) {
        const struct rs_tensor *t = &g->tensors[g->inputs[i]];

        if (t->rank < 1 || t->dim[0] != old)
            return rs_fail(err, RS_ERR_SHAPE, "input '%.80s' has batch %d, input '%.80s' %d: they must be equal", t->name,
                           t->rank > 0 ? t->dim[0] : 0, first->name, old);
        if (rs_tensor_elements(t) / old > INT32_MAX / batch)
            return rs_fail(err, RS_ERR_SHAPE, "batch %d: input '%.80s' would have more than 2^31 - 1 elements", batch, t->name);
    }
    if (batch == old)
        return RS_OK;

    rs_status status = RS_OK;
    struct saved_dims *saved = rs_alloc((size_t)g->n_tensors, sizeof *saved);
    int32_t *shape = rs_alloc((size_t)g->n_nodes, sizeof *shape);
    bool *varies = rs_alloc((size_t)g->n_tensors, sizeof *varies);         /* depends on a network input */

    if (saved == NULL || shape == NULL || varies == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "no memory to change the batch");
        goto done;
    }
    for (int i = 0; i < g->n_inputs; i++)
        varies[g->inputs[i]] = true;
    for (int i = 0; i < g->n_nodes && status == RS_OK; i++) {
        const struct rs_node *n = &g->nodes[i];
        bool any = false;

        for (int k = 0; k < n->n_inputs; k++)
            any |= n->inputs[k] >= 0 && varies[n->inputs[k]];
        varies[n->outputs[0]] = any;
        if (any)
            status = check_node(g, n, varies, err);
    }
    if (status != RS_OK)
        goto done;
    for (int t = 0; t < g->n_tensors; t++) {
        saved[t].rank = g->tensors[t].rank;
        memcpy(saved[t].dim, g->tensors[t].dim, sizeof saved[t].dim);
    }
    for (int i = 0; i < g->n_nodes; i++)
        shape[i] = g->nodes[i].shape[0];

    for (int i = 0; i < g->n_inputs; i++)
        g->tensors[g->inputs[i]].dim[0] = batch;
    for (int i = 0; i < g->n_nodes; i++) {
        struct rs_node *n = &g->nodes[i];
        const int in = n->inputs[0];

        if (!varies[in])
            continue;
        if (n->op == RS_OP_RESHAPE && n->n_shape > 0 && n->shape[0] > 0) {
            const int64_t grown = (int64_t)n->shape[0] * batch;

            if (grown % old != 0 || grown / old > INT32_MAX) {
                status = rs_node_fail(g, n, err, RS_ERR_SHAPE, "dimension 0 is %d, which does not grow with the batch from %d to %d",
                                      n->shape[0], old, batch);
                goto undo;
            }
            n->shape[0] = (int32_t)(grown / old);
        }
        if (n->op == RS_OP_SLICE && n->n_shape > 0 && n->before[0] == 0 && n->after[0] == 1 && n->shape[0] == saved[in].dim[0] &&
            (int64_t)n->shape[0] * batch % old == 0 && (int64_t)n->shape[0] * batch / old <= INT32_MAX)
            n->shape[0] = (int32_t)((int64_t)n->shape[0] * batch / old);
    }
    status = rs_graph_infer(g, false, err);
    for (int t = 0; t < g->n_tensors && status == RS_OK; t++) {
        const struct rs_tensor *now = &g->tensors[t];
        char text[80];

        if (!varies[t])
            continue;
        if (now->rank != saved[t].rank || now->rank < 1 || (int64_t)now->dim[0] * old != (int64_t)saved[t].dim[0] * batch ||
            memcmp(now->dim + 1, saved[t].dim + 1, sizeof now->dim - sizeof now->dim[0]) != 0)
            status = rs_fail(err, RS_ERR_SHAPE, "batch %d: tensor '%.80s' would become %s; only dimension 0 may grow, from %d by %d/%d",
                             batch, now->name, rs_tensor_dims(now, text, sizeof text), saved[t].dim[0], batch, old);
    }
    if (status == RS_OK)
        goto done;
undo:
    for (int t = 0; t < g->n_tensors; t++) {
        g->tensors[t].rank = saved[t].rank;
        memcpy(g->tensors[t].dim, saved[t].dim, sizeof saved[t].dim);
    }
    for (int i = 0; i < g->n_nodes; i++)
        g->nodes[i].shape[0] = shape[i];
    if (rs_graph_infer(g, false, NULL) != RS_OK)         /* SAME pads may have been set from the sizes refused */
        status = rs_fail(err, RS_ERR_SHAPE, "the graph does not fit itself: rs_graph_prepare() was not called");
done:
    free(saved);
    free(shape);
    free(varies);
    return status;
}
