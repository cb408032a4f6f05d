/*
 * explain.h - why a layer is mapped as it is: the best mappings that were considered, what each would cost, what bounds it.
 *
 * Give rs_plan_options.explain to rs_plan_graph() or rs_plan_layer(); it is filled when the layer is planned.  All numbers are
 * predicted, from the same closed forms as the plan's.
 */
#ifndef RS_EXPLAIN_H
#define RS_EXPLAIN_H
#include "plan.h"

#define RS_EXPLAIN_ROWS 64

/* Parts of the machine that can hold a layer up. */
enum rs_bound { RS_BOUND_COMPUTE, RS_BOUND_IFMAP, RS_BOUND_FILTER, RS_BOUND_OUTPUT, RS_BOUND_MEMORY, RS_BOUND_OVERHEAD, RS_N_BOUNDS };
const char *rs_bound_name(enum rs_bound bound);

struct rs_mapping_cost {
    struct rs_mapping map;
    int     groups;
    int64_t cycles;            /* the layer alone, operands on the chip: first wait over to last byte      */
    int64_t job_cycles;        /* the whole job, with this mapping here and the chosen ones elsewhere       */
    /* Clocks that each part is needed for: multipliers, ifmap port, filter port, output stage (psums, adders), device memory (one
     * direction, filters and what does not stay on the chip); OVERHEAD: of `cycles`, those beyond the greatest of the five. */
    int64_t need[RS_N_BOUNDS];
    enum rs_bound bound;       /* the greatest                                                             */
    /* Useful MACs = fill_rows * fill_cols * fill_lanes * fill_steps * PEs * 2 * clocks of the multipliers: array rows with real
     * channels; columns with real ofmap pixels and filters; lanes with real filters or positions; steps of a depthwise PE with a tap. */
    double  fill_rows, fill_cols, fill_lanes, fill_steps;
    /* Accesses: words read from PE spads; words that pass from PE to PE, psums counted once a row; blocks read and written in
     * the global buffer (a padding word counted as read); words of the filter buffer read; bytes of device memory. */
    int64_t spad, links, buffer, filter_buffer, memory_bytes;
    int     filter_fetches;    /* times each filter is read from device memory                              */
};

struct rs_explanation {
    int     node;              /* in: which                                                                 */
    int     max;               /* in: rows wanted, 1 .. RS_EXPLAIN_ROWS; the chosen one comes in addition   */
    bool    done;              /* out: the rest is filled.  Not where the node does not run on the array.   */
    int64_t considered;        /* mappings that kept every limit                                            */
    bool    pinned;            /* by hand                                                                   */
    int     n, chosen;         /* rows; which of them the plan has                                          */
    struct rs_mapping_cost row[RS_EXPLAIN_ROWS + 1];      /* by cycles of the layer alone                   */
    bool    in_resident, res_resident, out_resident;     /* stays in the global buffer; else passes through tile buffers */
    int     tiles;             /* load/store tiles                                                          */
    int     node_before, node_after;          /* the job's layers beside it, -1                             */
};
#endif
