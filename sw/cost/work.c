/* work.c - operations of a graph as pieces of work (work.h). */
#include "work.h"
#include <stdio.h>
#include <stdlib.h>
#include "status.h"

const char *rs_work_kind_name(enum rs_work_kind kind)
{
    static const char *const names[] = {"conv", "depthwise", "fc", "pool", "add", "softmax", "other", "view"};

    return names[kind];
}

rs_status rs_work_of_graph(const struct rs_graph *g, struct rs_work **works, int *n, struct rs_error *err)
{
    struct rs_work *all = calloc((size_t)g->n_nodes + 1, sizeof *all);

    *works = NULL;
    *n = 0;
    if (all == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *node = &g->nodes[i];
        const struct rs_tensor *in = &g->tensors[node->inputs[0]], *out = &g->tensors[node->outputs[0]];
        struct rs_work *w = &all[i];
        const double elements = (double)rs_tensor_elements(out);

        snprintf(w->name, sizeof w->name, "%.47s", out->name);
        w->node = i;
        w->out_bytes = (double)rs_tensor_bytes(out);
        for (int k = 0; k < node->n_inputs; k++)
            if (node->inputs[k] >= 0)
                *(g->tensors[node->inputs[k]].data != NULL ? &w->filter_bytes : &w->in_bytes) +=
                    (double)rs_tensor_bytes(&g->tensors[node->inputs[k]]);
        w->P = elements / out->dim[out->rank > 0 ? out->rank - 1 : 0];
        w->M = out->dim[out->rank > 0 ? out->rank - 1 : 0];
        w->taps = 1;
        switch (node->op) {
        case RS_OP_CONV2D: {
            const struct rs_tensor *f = &g->tensors[node->inputs[1]];

            w->kind = RS_WORK_CONV;
            w->taps = (double)f->dim[1] * f->dim[2];
            w->K = w->taps * f->dim[3];
            w->macs = w->P * w->K * w->M;
            break;
        }
        case RS_OP_DEPTHWISE_CONV2D: {
            const struct rs_tensor *f = &g->tensors[node->inputs[1]];

            w->kind = RS_WORK_DEPTHWISE;
            w->taps = w->K = (double)f->dim[1] * f->dim[2];
            w->macs = elements * w->K;
            break;
        }
        case RS_OP_FULLY_CONNECTED:
            w->K = g->tensors[node->inputs[1]].dim[1];
            w->P = (double)rs_tensor_elements(in) / w->K;
            w->M = g->tensors[node->inputs[1]].dim[0];
            w->kind = w->P > 1 ? RS_WORK_CONV : RS_WORK_FC;           /* a product of many rows is a 1x1 convolution */
            w->macs = w->P * w->K * w->M;
            break;
        case RS_OP_AVERAGE_POOL_2D: case RS_OP_MAX_POOL_2D:
            w->kind = RS_WORK_POOL;
            w->taps = (double)node->kernel_h * node->kernel_w;
            break;
        case RS_OP_MEAN:
            w->kind = RS_WORK_POOL;
            w->taps = (double)rs_tensor_elements(in) / elements;
            break;
        case RS_OP_ADD: case RS_OP_SUB: case RS_OP_MUL:
            w->kind = RS_WORK_ADD;
            break;
        case RS_OP_SOFTMAX:
            w->kind = RS_WORK_SOFTMAX;
            break;
        case RS_OP_RESHAPE:
            w->kind = RS_WORK_VIEW;
            break;
        default:
            w->kind = RS_WORK_OTHER;
        }
    }
    *works = all;
    *n = g->n_nodes;
    return RS_OK;
}
