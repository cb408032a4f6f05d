/* quant_internal.h - what the files of sw/quant share. */
#ifndef RS_QUANT_INTERNAL_H
#define RS_QUANT_INTERNAL_H
#include "quant.h"

/* A layer with filters, as rows of taps: filter element (m, tap) is data[m * step_m + tap * step_tap]. */
struct quant_filter {
    float  *data;
    int64_t m, taps, step_m, step_tap;
    int     axis;                      /* of the output channels                    */
};
bool quant_filter(const struct rs_graph *g, int node, struct quant_filter *f);     /* false: no layer with constant filters */

/* The layer's bias as a constant of its own, zeros where it had none; NULL: no memory. */
float *quant_bias(struct rs_graph *g, int node, struct rs_error *err);

/* Runs @n samples through @g in batches of its batch size, which divides n; @hook as rs_run_options.  @outputs: called
 * after each batch with the network's outputs; may be NULL. */
rs_status quant_run(const struct rs_graph *g, const float *const *samples, int n, rs_node_hook hook,
                    rs_status (*outputs)(void *context, int first, void *const *data), void *context, struct rs_error *err);

/* What was seen of a tensor. */
struct quant_range {
    float   low, high;                 /* the range to cover; holds 0 after quant_calibrate()            */
    double *mean;                      /* [elements of one sample]; NULL where no layer with filters reads it */
};
rs_status quant_calibrate(const struct rs_graph *g, const float *const *samples, int n, const struct rs_quant_options *options,
                          struct quant_range *ranges, struct rs_error *err);

/* The range of [low, high] with the least squared error in 8 bits, for a histogram of @bins equal parts. */
void quant_least_error(const double *count, int bins, float *low, float *high);

int quant_equalize(struct rs_graph *g);                                /* returns how many pairs         */

/* Scale and zero point of the int8 codes that cover [low, high], which holds 0. */
void quant_scale_of(float low, float high, float *scale, int32_t *zero_point);

/* The quantized graph; @wide: [node of g] kept in 16 bits, or NULL.  @corrected: how many channels' biases were corrected; NULL: correct none. */
rs_status quant_convert(const struct rs_graph *g, const struct quant_range *ranges, const bool *wide, bool least_error,
                        int *corrected, struct rs_graph **out, struct rs_error *err);

/* Fills sqnr_db of @report's layers. */
rs_status quant_compare(const struct rs_graph *g, const struct rs_graph *quantized, const float *const *samples, int n,
                        struct rs_quant_report *report, struct rs_error *err);

/* sensitivity[node] of every layer with filters, in dB; NAN elsewhere. */
rs_status quant_sensitivity(const struct rs_graph *g, const struct quant_range *ranges, const float *const *samples, int n,
                            double *sensitivity, struct rs_error *err);
#endif
