/*
 * cpu_model.h - how long the CPU kernels take: for each kind of work a sum of features with coefficients >= 0, fitted to
 * measured layers, relative errors weighted alike.
 *
 *   conv       1, tiles*K, tiles, P*K (copies of ifmap), P*M (outputs), filter bytes
 *   depthwise  1, macs in whole vectors, outputs, pixels, ifmap bytes, filter bytes
 *   fc         1, K*M, M, K
 *   pool       1, outputs*taps, outputs         add, softmax, other  1, outputs
 * tiles: what the micro-kernel in force computes, in tiles of MR pixels x NR filters, not what is stored.  A last panel of at most `narrow` filters is
 * that wide; a layer of no more filters has tiles of MR_narrow pixels.
 */
#ifndef RS_COST_CPU_MODEL_H
#define RS_COST_CPU_MODEL_H
#include "work.h"

#define RS_CPU_FEATURES 6

struct rs_cpu_model {
    char   machine[96], isa[24];
    double MR, NR, MR_narrow, narrow;
    double coefficient[RS_N_WORK][RS_CPU_FEATURES];    /* seconds a unit of the feature            */
    double request;                    /* seconds a request costs beside its operations            */
    double error[RS_N_WORK];           /* largest relative error over the layers it was fitted to  */
    int    samples[RS_N_WORK];
};

struct rs_cpu_sample { struct rs_work work; double seconds; };

/* Sets coefficients and errors from @samples; kinds without samples keep theirs.  RS_ERR_RANGE: a time that is not above 0. */
RS_MUST_CHECK rs_status rs_cpu_model_fit(struct rs_cpu_model *model, const struct rs_cpu_sample *samples, int n, struct rs_error *err);
double rs_cpu_model_seconds(const struct rs_cpu_model *model, const struct rs_work *work);
/* Text of one line a number; rs_cpu_model_read() checks it whole.  RS_ERR_IO, RS_ERR_FORMAT. */
RS_MUST_CHECK rs_status rs_cpu_model_write(const struct rs_cpu_model *model, const char *path, struct rs_error *err);
RS_MUST_CHECK rs_status rs_cpu_model_read(const char *path, struct rs_cpu_model *model, struct rs_error *err);
#endif
