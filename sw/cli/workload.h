/*
 * workload.h - what a command is asked about: a model, a network's table, or a list of single layers.
 *
 *   MODEL.tflite or a compiled model    one graph
 *   NETWORK.csv  (network_csv.h)        one graph with random filters
 *   LAYERS.csv   (layers.h)             a graph a layer, with random filters; run one after another
 */
#ifndef RS_CLI_WORKLOAD_H
#define RS_CLI_WORKLOAD_H
#include "layers.h"

struct workload {
    char name[96];                     /* the file's, without folder and ending             */
    bool network;                      /* one graph, whose layers follow each other         */
    int  n;
    struct rs_graph **graph;           /* prepared and optimized                            */
    struct bench_layers layers;        /* of a LAYERS.csv: layer i made graph i             */
};

/* Errors: those of the three readers. */
RS_MUST_CHECK rs_status workload_read(const char *path, uint64_t seed, struct workload *w, struct rs_error *err);
void workload_free(struct workload *w);

/* Takes graph @i out, to give away: workload_free() then leaves it alone. */
struct rs_graph *workload_take(struct workload *w, int i);
#endif
