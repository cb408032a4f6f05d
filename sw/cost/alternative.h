/*
 * alternative.h - what the alternatives would take: roofline with overheads for CPUs and GPUs, closed form for systolic machines.
 *
 *   time of an operation on a batch = launch + max(2*MACs / (peak * ceiling * filled), bytes / memory)
 *   filled = min(1, outputs / fill): a small layer cannot keep a large device busy
 *   time of a batch = request + input and output over the link + operations
 *   energy = (idle + (max - idle) * share of peak in use) * time, idle included: a board serves one network
 */
#ifndef RS_COST_ALTERNATIVE_H
#define RS_COST_ALTERNATIVE_H
#include "cpu_model.h"
#include "data.h"
#include "work.h"

enum rs_device_kind { RS_DEVICE_CPU, RS_DEVICE_GPU, RS_DEVICE_SYSTOLIC, RS_DEVICE_CHIP, RS_DEVICE_CALIBRATED };

struct rs_cost_device {
    char   name[32], title[120];
    enum rs_device_kind kind;
    struct rs_constant peak, ceiling, fill, memory, launch, request, link, idle, max, price, rows, cols, clock;
    bool   headline;                   /* peak and memory are of a source, not from memory           */
    struct rs_cpu_model cpu;           /* CALIBRATED                                                 */
};
/* Section @s of kind `device`.  RS_ERR_FORMAT: a constant missing, of another unit; RS_ERR_RANGE: one that cannot be. */
RS_MUST_CHECK rs_status rs_cost_device(const struct rs_section *s, struct rs_cost_device *d, struct rs_error *err);

struct rs_cost_time { double seconds, operations, launches, request, transfer, joules; };
/* @works: of one item; @in_bytes, @out_bytes: the network's own input and output, one item. */
void rs_cost_device_time(const struct rs_cost_device *d, const struct rs_work *works, int n, double in_bytes, double out_bytes,
                         int batch, struct rs_cost_time *t);

/* Seconds of network @network at @batch, where the section has it measured (key latency_NETWORK_bBATCH, us); *seconds is 0 where not.
 * RS_ERR_FORMAT, RS_ERR_RANGE as above. */
RS_MUST_CHECK rs_status rs_cost_device_measured(const struct rs_section *s, const char *network, int batch, double *seconds,
                                                struct rs_error *err);

struct rs_cost_board {                 /* where a preset of this design goes                          */
    char   name[32], title[120], preset[32], note[80];
    struct rs_constant clock, link, request, static_power, price;
    struct rs_constant power;          /* measured, of the whole board at work; 0: static power and counted accesses stand for it */
};
RS_MUST_CHECK rs_status rs_cost_board(const struct rs_section *s, struct rs_cost_board *b, struct rs_error *err);
#endif
