/* study.h - the dataflow study: constants and networks from tables, sums over a network's layers. */
#ifndef RS_COST_STUDY_H
#define RS_COST_STUDY_H
#include "dataflow.h"
#include "data.h"
#include "graph.h"

struct rs_flow_network { char title[160]; int n; struct rs_flow_layer *layer; };       /* free(layer) */

struct rs_flow_study {
    struct rs_flow_area area;
    struct rs_flow_energy energy;
    double claim[4];                   /* conv low, conv high, fc low, fc high */
};

/* [dataflow NAME].  RS_ERR_FORMAT: a constant is missing, of another unit, or cannot be (a negative cost). */
RS_MUST_CHECK rs_status rs_flow_study(const struct rs_data *data, const char *name, struct rs_flow_study *study,
                                      struct rs_error *err);
/* [network NAME] */
RS_MUST_CHECK rs_status rs_flow_network_named(const struct rs_data *data, const char *name, struct rs_flow_network *network,
                                              struct rs_error *err);
/* The convolutions, depthwise convolutions and fully connected layers of a graph, one image.  Dilated ones count with their
 * dilated extent's ifmap and the taps they have. */
RS_MUST_CHECK rs_status rs_flow_network_graph(const struct rs_graph *g, struct rs_flow_network *network, struct rs_error *err);

enum rs_flow_part { RS_FLOW_CONV = 1, RS_FLOW_FC = 2, RS_FLOW_ALL = 3 };

struct rs_flow_sum {
    bool   feasible;
    const char *misfit;                /* the first layer that does not fit; valid as long as the network */
    double macs, energy, level[RS_N_LEVELS], accesses[RS_N_LEVELS];
};
/* All layers of @part; @results: [network->n], or NULL. */
void rs_flow_network_search(const struct rs_flow_network *network, enum rs_flow_part part, int64_t N, enum rs_flow flow, int64_t J,
                            const struct rs_flow_study *study, const struct rs_flow_fixed *fixed, struct rs_flow_sum *sum,
                            struct rs_flow_result *results);

/*
 * Interstellar's question: does the choice of the dataflow or that of the blocking decide?  A blocking is what the global
 * buffer holds: n images, m filters, f ofmap columns; each dataflow then finds the rest of its best under it.  For a layer, over a grid
 * of blockings: least energy of each dataflow (best blocking), and of the blockings under which any dataflow fits, the best,
 * median and worst of the energy under the best dataflow for that blocking.
 */
struct rs_flow_question {
    double flow_best[RS_N_FLOWS];      /* energy a MAC; INFINITY: fits nowhere                    */
    int    wins[RS_N_FLOWS];           /* blockings where it is the best                          */
    int    blockings, fitting;
    double best, median, worst;        /* energy a MAC over blockings, best dataflow for each     */
};
RS_MUST_CHECK rs_status rs_flow_ask(const struct rs_flow_layer *layer, int64_t N, int64_t J, const struct rs_flow_study *study,
                                    struct rs_flow_question *q, struct rs_error *err);
#endif
