/* counters.h - what the hardware counts: ports and registers. */
#ifndef RS_COUNTERS_H
#define RS_COUNTERS_H
#include "mac_sequencer.h"


struct counters_in {
    bool     clear;
    bool     running;
    uint32_t mac_state : 3;                /* enum mac_state                                     */
    bool     waiting_load, waiting_other;  /* what the next group waits for                      */
    uint32_t macs, gated, psums;
    bool     ifmap_read, ifmap_word, filter_word, drain, acc_update;
    uint32_t glb_reads : 5, glb_writes : 5;
    bool     wbuf_read;
    uint32_t outputs : 6;
    bool     axi_read, axi_write;
    uint32_t commands;
};
struct counters_out {
    uint64_t value[RS_N_COUNTERS];
};
struct counters {
    uint64_t value[RS_N_COUNTERS];
};

void counters_clock(struct counters *r, const struct counters_in *in, struct counters_out *out);

#endif
