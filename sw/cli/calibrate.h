/* calibrate.h - measure this machine's CPU kernels on layers of our own, and fit the model of cpu_model.h to them. */
#ifndef RS_CLI_CALIBRATE_H
#define RS_CLI_CALIBRATE_H
#include <stdio.h>
#include "cpu_model.h"

/* About 80 layers, none with the shape of one of MLPerf Tiny's networks.  @to: progress and a table, or NULL. */
RS_MUST_CHECK rs_status calibrate(FILE *to, struct rs_cpu_model *model, struct rs_error *err);
#endif
