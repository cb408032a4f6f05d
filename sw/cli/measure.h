/* measure.h - run a graph on an open device with random inputs; keep what it reported. */
#ifndef RS_CLI_MEASURE_H
#define RS_CLI_MEASURE_H
#include "graph.h"
#include "rowstation.h"

struct measured {
    struct rs_report report;           /* layers and texts belong to this structure; batch items as run */
    struct rs_layer_report *layers;
    char   *texts;
    double  seconds;                   /* of host time an item: the median over the runs    */
    int     runs;
};

/**
 * measure_graph() - load @graph, run it @runs times with @batch items each.
 * @graph: given away, whatever is returned
 * The report is that of the fastest run, the least disturbed one; on emu and sim all runs count the same.
 */
RS_MUST_CHECK rs_status measure_graph(struct rs_device *device, struct rs_graph *graph, uint64_t seed, uint32_t batch, int runs,
                                      bool reference, struct measured *m, struct rs_error *err);
void measured_free(struct measured *m);
#endif
