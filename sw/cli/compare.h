/*
 * compare.h - one workload on this array, on this machine's CPU, and on the devices of a table: gathered once, then printed
 * as text, Markdown, CSV, JSON or HTML.
 */
#ifndef RS_CLI_COMPARE_H
#define RS_CLI_COMPARE_H
#include <stdio.h>
#include "alternative.h"
#include "energy.h"
#include "rowstation.h"
#include "work.h"

#define COMPARE_BATCHES 4
#define COMPARE_TABLES  3
#define COMPARE_STALLS  9

struct compare_row {
    char   name[160];
    const char *kind;                          /* "counted", "predicted", "measured", "modelled"                  */
    bool   ours, unverified;                   /* unverified: printed in brackets, no headline                    */
    double latency[COMPARE_BATCHES], low[COMPARE_BATCHES], high[COMPARE_BATCHES];    /* seconds of a whole batch   */
    double throughput[COMPARE_BATCHES];        /* inferences a second                                             */
    double joules[COMPARE_BATCHES], joules_low, joules_high;                         /* an inference, of the board */
    double dollars;                            /* a million inferences, at the best batch; NAN: no price          */
};

struct compare_layer {
    char   name[64], op[48], where[8];
    double macs, cycles, bytes, seconds;       /* bytes: device memory, counted; seconds: on the host             */
    double utilization, stall[COMPARE_STALLS]; /* of the layer's cycles; stall[0] computing                       */
    double energy[RS_N_ENERGY];                /* in the first table's unit                                       */
};

struct compare {
    /* what is asked */
    const char *path, *target, *devices, *calibration, *energy;
    bool   calibrate;
    int    n_batches, batch[COMPARE_BATCHES];
    uint64_t seed;
    /* what was found */
    char   name[96];
    bool   network;
    struct rs_data data;
    struct rs_device_info info;
    int    n_works;
    struct rs_work *works;
    double macs, in_bytes, out_bytes;
    uint64_t cycles, cycles_predicted;
    struct rs_counters counters;
    double macs_cpu, host_seconds, simulated_seconds;
    double watts;                              /* of the card, as it says itself after the runs; 0: it does not   */
    double cpu_seconds;                        /* measured on this machine, one item                              */
    bool   has_model;
    struct rs_cpu_model cpu;
    double cpu_modelled;
    struct rs_constant clock;                  /* of the first board: the assumption                              */
    int    n_rows, n_layers;
    struct compare_row *row;
    struct compare_layer *layer;
    int    n_tables;
    struct rs_energy_table table[COMPARE_TABLES];
    struct rs_energy energy_of[COMPARE_TABLES][3];      /* DRAM at 1/2, 1, 2 */
    double flow[6], flow_ours;                 /* energy a MAC by ISCA 2016's costs: closed forms on as many PEs; counted here */
    double part[3];                            /* seconds of an inference on the first board: host, transfers, array */
    char   headline[5][600];
    int    n_headlines;
};

extern const char *const compare_stall_names[COMPARE_STALLS];

RS_MUST_CHECK rs_status compare_gather(struct compare *c, struct rs_error *err);
void compare_free(struct compare *c);
/* "1.23 ms": three digits and a prefix, into one of a few static buffers. */
const char *compare_seconds(double seconds);
const char *compare_number(double value, const char *unit);

/* html.c: the whole report in one file that needs no other. */
void compare_html(FILE *to, const struct compare *c);
#endif
