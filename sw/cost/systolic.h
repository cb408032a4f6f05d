/*
 * systolic.h - SCALE-Sim's machine: a systolic array with weight, output or input stationary dataflow, im2col operands.
 *
 * A layer is a product of [N pixels][K] by [K][M filters]; it folds over the array, and every fold fills, streams and drains:
 *   ws  rows K, columns M, streams N:  ceil(K/Ah) ceil(M/Aw) (2 Ah + Aw + N - 2) - 1 clocks
 *   is  rows K, columns N, streams M:  ceil(K/Ah) ceil(N/Aw) (2 Ah + Aw + M - 2) - 1
 *   os  rows N, columns M, streams K:  ceil(N/Ah) ceil(M/Aw) (Ah + Aw + K - 2) - 1
 * Cycles, SRAM accesses and utilizations are SCALE-Sim's own.  Its DRAM traffic comes out of a trace through double-buffered
 * memories; ours is a formula (dram_words), and the reports say so.
 * Source: github.com/scalesim-project/SCALE-Sim, outputs of its runs and formulas of its paper (ISPASS 2020).
 */
#ifndef RS_COST_SYSTOLIC_H
#define RS_COST_SYSTOLIC_H
#include <stdbool.h>
#include <stdint.h>
#include "rowstation.h"

enum rs_systolic_flow { RS_SYSTOLIC_WS, RS_SYSTOLIC_OS, RS_SYSTOLIC_IS };

struct rs_systolic {                   /* a .cfg file */
    char    run_name[64];
    int64_t rows, cols;
    int64_t ifmap_kb, filter_kb, ofmap_kb;
    enum rs_systolic_flow flow;
    bool    user_bandwidth;            /* InterfaceBandwidth: USER; else CALC       */
    int64_t bandwidth;                 /* words a clock                             */
};

/* RS_ERR_IO; RS_ERR_FORMAT with the line: unknown dataflow, not a number, a size missing. */
RS_MUST_CHECK rs_status rs_systolic_read(const char *path, struct rs_systolic *machine, struct rs_error *err);
RS_MUST_CHECK rs_status rs_systolic_parse(const char *text, const char *where, struct rs_systolic *machine, struct rs_error *err);

struct rs_systolic_gemm { int64_t N, M, K, ifmap_words; };     /* pixels, filters, taps; ifmap before im2col */

struct rs_systolic_result {
    int64_t folds, cycles, macs;
    double  overall_util, mapping_efficiency, compute_util;    /* percent */
    int64_t ifmap_reads, filter_reads, ofmap_writes;           /* SRAM, words */
    int64_t dram_words[3];             /* ifmap, filter, ofmap: once, or once a pass over it when half its SRAM is too small */
    int64_t prefetch_cycles;           /* first operands from DRAM, with the stated bandwidth */
    int64_t stall_cycles;              /* USER: what DRAM takes longer than computing; CALC: 0, by definition */
};
void rs_systolic_run(const struct rs_systolic *machine, const struct rs_systolic_gemm *g, struct rs_systolic_result *r);
#endif
