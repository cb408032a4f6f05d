/*
 * dataflow.h - what six dataflows cost under equal area: closed forms, and an exact search for the best blocking of each.
 *
 * Accesses of one layer at DRAM, global buffer, array (PE to PE) and register file follow from a blocking by closed forms
 * (facts of Chen, Emer, Sze, "Eyeriss", ISCA 2016, equations 3 and 4, as in the authors' published analysis); energy is
 * accesses times a relative cost, one multiply-accumulate being 1.  Nothing here knows a result.
 *
 *   rs   row stationary           a PE keeps a filter row, psums add up a column
 *   ws   weight stationary        a PE keeps one weight
 *   osa  output stationary A      one ofmap plane over the array          (SOC-MOP)
 *   osb  output stationary B      several planes, several pixels of each  (MOC-MOP)
 *   osc  output stationary C      one pixel of many planes                (MOC-SOP)
 *   nlr  no local reuse           no register file, all storage in the global buffer
 */
#ifndef RS_COST_DATAFLOW_H
#define RS_COST_DATAFLOW_H
#include <stdbool.h>
#include <stdint.h>
#include "rowstation.h"

enum rs_flow { RS_FLOW_RS, RS_FLOW_WS, RS_FLOW_OSA, RS_FLOW_OSB, RS_FLOW_OSC, RS_FLOW_NLR, RS_N_FLOWS };
enum rs_flow_level { RS_LEVEL_ALU, RS_LEVEL_DRAM, RS_LEVEL_GLB, RS_LEVEL_ARRAY, RS_LEVEL_RF, RS_N_LEVELS };

const char *rs_flow_name(enum rs_flow flow);          /* "RS", ... */
const char *rs_flow_level_name(enum rs_flow_level level);

/* One layer; H, W with their padding; C, M of one group.  E = (H - R + U) / U, F likewise (floor). */
struct rs_flow_layer {
    char    name[64];
    int64_t G, C, M, H, W, R, S, U, E, F;
    bool    fc;                                       /* counts as fully connected in sums */
};

/* The cost of one access of a word, and of one MAC. */
struct rs_flow_energy { double level[RS_N_LEVELS]; };

/* How storage grows in area, and how much a PE of each dataflow keeps. */
#define RS_FLOW_AREA_POINTS 16
struct rs_flow_area {
    int    n;
    double bytes[RS_FLOW_AREA_POINTS], area_per_byte[RS_FLOW_AREA_POINTS];    /* bytes rising; linear between, flat outside */
    double rf_bytes[RS_N_FLOWS];
    double word_bytes, budget_rf_bytes;               /* the budget: J * area(b) + area(J * b), b = budget_rf_bytes */
};

/* Memories of a dataflow on J PEs within the budget. */
struct rs_flow_machine { int64_t J, glb_words, rf_words; double glb_bytes; };

void rs_flow_machine(const struct rs_flow_area *area, enum rs_flow flow, int64_t J, struct rs_flow_machine *m);

/* Which values of a blocking are fixed; 0: free.  n images, m filters (ws: t), f ofmap columns in the global buffer. */
struct rs_flow_fixed { int64_t n, m, f; };

struct rs_flow_result {
    bool   feasible;
    double energy;                                    /* of the layer, MAC = 1                   */
    double level[RS_N_LEVELS];                        /* energy by level; sums to energy         */
    double accesses[RS_N_LEVELS];                     /* words; ALU: MACs                        */
    double macs;
    int64_t active_pes;
    int64_t m, n, e, f, p, q, r, t;                   /* the blocking found; 0: not of this flow */
};

/**
 * rs_flow_search() - the cheapest blocking of @layer for batch @N under @flow.
 * Exact: every variable that a ceiling holds is tried at the smallest value of each ceiling, every other at all values, and
 * a variable in which cost falls steadily is taken at its bound.
 * @fixed: or NULL.  @result: feasible is false when not even the smallest blocking fits.
 */
void rs_flow_search(const struct rs_flow_layer *layer, int64_t N, enum rs_flow flow, const struct rs_flow_machine *machine,
                    const struct rs_flow_energy *energy, const struct rs_flow_fixed *fixed, struct rs_flow_result *result);
#endif
