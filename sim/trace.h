/* trace.h - what the engines of a core do, read off its registers after every edge. */
#ifndef RS_SIM_TRACE_H
#define RS_SIM_TRACE_H
#include "core.h"
#include "platform.h"

enum { TRACE_GROUPS = 8 };                 /* groups between the start of their flush and their last byte  */

struct trace {
    rs_trace_hook hook;
    void    *context;
    uint32_t core;
    uint64_t clock;                        /* edges so far                                                 */
    uint64_t count[RS_N_COUNTERS];         /* at the start of the array's open slice                       */
    uint64_t cycles;                       /* of the job, after the last edge                              */
    struct rs_trace_event open[RS_TRACE_TRACKS];           /* begun, not ended: `end` is 0                 */
    bool     is_open[RS_TRACE_TRACKS];
    uint32_t n[RS_TRACE_TRACKS];           /* events of the job so far                                     */
    uint16_t passes_done;                  /* when the open pass began                                       */
    struct rs_trace_event flush[TRACE_GROUPS];             /* begun flushes, oldest first                  */
    uint32_t n_flush;
    uint64_t flush_end;                    /* of the last one                                              */
    uint32_t load_next, store_next;
    uint16_t flush_done, load_done, pool_done;
    bool     pool_active;
};

/* After an edge of @r.  A struct of zeros with hook, context and core set is a trace's start. */
void trace_clock(struct trace *t, const struct core *r);

#endif
