/*
 * equalize.c - cross-layer equalization: channels that two layers share get ranges of like size in both.
 *
 *   y = act(W1 x + b1),  z = W2 y:  scaling channel c of y by 1 / s and column c of W2 by s changes nothing
 *   as long as act(a / s) = act(a) / s for s > 0: none, RELU
 *   s = sqrt(r1 / r2), r1 and r2 the greatest |weight| of channel c in W1 and W2, makes both sqrt(r1 * r2)
 *
 * Source: Nagel et al., ICCV 2019, section 4.1.
 */
#include <math.h>
#include <stdlib.h>
#include "quant_internal.h"

/* Multiplies what @node does with input channel @c; gives the greatest weight there is then. */
static float scale_input(const struct rs_graph *g, int node, int64_t channels, int64_t c, double scale)
{
    struct quant_filter f;
    float greatest = 0;

    quant_filter(g, node, &f);
    const bool depthwise = g->nodes[node].op == RS_OP_DEPTHWISE_CONV2D;
    const int64_t multiplier = f.m / channels;

    for (int64_t m = 0; m < f.m; m++)
        for (int64_t t = 0; t < f.taps; t++) {
            float *w = &f.data[m * f.step_m + t * f.step_tap];

            if (depthwise ? m / multiplier != c : t % channels != c)
                continue;
            *w = (float)(*w * scale);
            greatest = fabsf(*w) > greatest ? fabsf(*w) : greatest;
        }
    return greatest;
}

static float greatest_of_output(const struct quant_filter *f, int64_t m)
{
    float greatest = 0;

    for (int64_t t = 0; t < f->taps; t++) {
        const float w = fabsf(f->data[m * f->step_m + t * f->step_tap]);

        greatest = w > greatest ? w : greatest;
    }
    return greatest;
}

/* The layer behind @node that alone reads its output, channel by channel; -1: none. */
static int partner(const struct rs_graph *g, int node)
{
    const struct rs_node *n = &g->nodes[node];
    struct quant_filter f;

    if (!quant_filter(g, node, &f) || (n->act != RS_ACT_NONE && n->act != RS_ACT_RELU))
        return -1;
    const int next = rs_graph_sole_consumer(g, n->outputs[0]);

    if (next < 0 || g->nodes[next].inputs[0] != n->outputs[0] || !quant_filter(g, next, &f))
        return -1;
    /* A filter that others read too cannot change. */
    if (rs_graph_consumers(g, n->inputs[1]) != 1 || rs_graph_consumers(g, g->nodes[next].inputs[1]) != 1)
        return -1;
    return g->nodes[next].op != RS_OP_FULLY_CONNECTED || f.taps % g->tensors[n->inputs[1]].dim[0] == 0 ? next : -1;
}

int quant_equalize(struct rs_graph *g)
{
    enum { ROUNDS = 20 };
    int pairs = 0;

    for (int round = 0; round < ROUNDS; round++) {
        bool changed = false;

        pairs = 0;
        for (int i = 0; i < g->n_nodes; i++) {
            const int next = partner(g, i);
            float *bias = next >= 0 ? quant_bias(g, i, NULL) : NULL;
            struct quant_filter f;

            if (bias == NULL)
                continue;
            pairs++;
            quant_filter(g, i, &f);
            for (int64_t c = 0; c < f.m; c++) {
                const float r1 = greatest_of_output(&f, c), r2 = scale_input(g, next, f.m, c, 1);

                if (!(r1 > 0) || !(r2 > 0))
                    continue;                            /* a dead channel: nothing to balance */
                const double s = sqrt((double)r1 / r2);

                if (!(s > 1e-4 && s < 1e4) || fabs(s - 1) < 1e-3)
                    continue;
                changed = true;
                for (int64_t t = 0; t < f.taps; t++)
                    f.data[c * f.step_m + t * f.step_tap] = (float)(f.data[c * f.step_m + t * f.step_tap] / s);
                bias[c] = (float)(bias[c] / s);
                scale_input(g, next, f.m, c, s);
            }
        }
        if (!changed)
            break;
    }
    return pairs;
}
