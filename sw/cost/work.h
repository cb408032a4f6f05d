/* work.h - a network as a list of pieces of work: what models of time need to know of each operation. */
#ifndef RS_COST_WORK_H
#define RS_COST_WORK_H
#include "graph.h"

enum rs_work_kind { RS_WORK_CONV, RS_WORK_DEPTHWISE, RS_WORK_FC, RS_WORK_POOL, RS_WORK_ADD, RS_WORK_SOFTMAX, RS_WORK_OTHER,
                    RS_WORK_VIEW, RS_N_WORK };
const char *rs_work_kind_name(enum rs_work_kind kind);

struct rs_work {
    char    name[48];
    enum rs_work_kind kind;
    int     node;
    double  P, K, M;                   /* output pixels (rows), taps of one output, filters; GEMM-shaped kinds */
    double  taps;                      /* depthwise, pool: R*S                                                 */
    double  macs;                      /* padding taps counted                                                 */
    double  in_bytes, filter_bytes, out_bytes;
};

/* One piece a node; *works: free().  RS_ERR_NOMEM. */
RS_MUST_CHECK rs_status rs_work_of_graph(const struct rs_graph *g, struct rs_work **works, int *n, struct rs_error *err);
#endif
