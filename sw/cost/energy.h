/*
 * energy.h - energy from counted accesses: what the hardware's counters say, times a table of costs.
 *
 * Counters are of the whole array or of one row or column of it (isa.h); rs_energy_counts() says how they become accesses.
 */
#ifndef RS_COST_ENERGY_H
#define RS_COST_ENERGY_H
#include "data.h"
#include "rowstation.h"

enum rs_energy_level { RS_E_MAC, RS_E_SPAD, RS_E_LINK, RS_E_ACC, RS_E_OUT, RS_E_GLB, RS_E_WBUF, RS_E_DRAM, RS_N_ENERGY };
enum rs_operand { RS_OPERAND_NONE, RS_OPERAND_IFMAP, RS_OPERAND_FILTER, RS_OPERAND_PSUM, RS_N_OPERANDS };
const char *rs_energy_level_name(enum rs_energy_level level);
const char *rs_operand_name(enum rs_operand operand);

struct rs_energy_table {
    char   name[32], title[160], unit[16];
    double cost[RS_N_ENERGY], low[RS_N_ENERGY], high[RS_N_ENERGY], gated, gated_low, gated_high;
    enum rs_confidence worst;          /* the least trusted constant in it */
};
/* [energy NAME].  RS_ERR_FORMAT: no such section, a constant missing or of another unit; RS_ERR_RANGE: below 0. */
RS_MUST_CHECK rs_status rs_energy_table(const struct rs_data *data, const char *name, struct rs_energy_table *table,
                                        struct rs_error *err);

/* Accesses by level and operand, in the units of the table (words, entries, bytes). */
struct rs_energy_counts {
    double count[RS_N_ENERGY][RS_N_OPERANDS];
    double gated;
};

/**
 * rs_energy_counts() - accesses of a run.
 *   MAC    macs - macs_gated
 *   SPAD   two words read a MAC micro-operation in each PE (gated pixels' too: the word is read to be compared); one word
 *          written a PE that an ifmap word passes, one a filter word
 *   LINK   an ifmap word passes all columns of its row; a filter word half of them on average; a drained psum (four words)
 *          all rows of its column
 *   ACC    acc_updates in each column          OUT  output bytes
 *   GLB    blocks read (ifmap) and written (ofmap); loads into it are written once
 *   WBUF   words read, and once written        DRAM beats; reads of filters are @filter_bytes, the rest is ifmap
 * @info: rows, columns, beat of the device; @filter_bytes: packed filters of the layers counted, each once
 */
void rs_energy_counts(const struct rs_counters *c, const struct rs_device_info *info, double filter_bytes,
                      struct rs_energy_counts *counts);

struct rs_energy {
    double total, low, high;                                   /* in table->unit, with the constants' bands  */
    double level[RS_N_ENERGY], operand[RS_N_OPERANDS];
    double cell[RS_N_ENERGY][RS_N_OPERANDS];
};
/* @dram_scale: 1; 0.5 and 2 for the sensitivity. */
void rs_energy(const struct rs_energy_counts *counts, const struct rs_energy_table *table, double dram_scale, struct rs_energy *e);
#endif
