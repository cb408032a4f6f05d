/*
 * counters.c - one counter each for the events of isa.h.
 *
 * Every clock of a run goes into exactly one of the categories compute .. idle, so they sum to
 * `cycles`.  A wait for ifmap words is blamed on the loads or engines that the reader itself
 * waits for.
 */
#include "counters.h"

void counters_clock(struct counters *r, const struct counters_in *in, struct counters_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->value complete
    const bool starved = in->mac_state == MAC_WAIT_IFMAP || in->mac_state == MAC_NO_GROUP ||
                         in->mac_state == MAC_OVERHEAD;
    const bool load = starved && in->waiting_load;
    const bool other = starved && !in->waiting_load && in->waiting_other;

    if (in->running) {
        r->value[RS_COUNTER_cycles] += 1;
        if (load)
            r->value[RS_COUNTER_wait_load] += 1;
        else if (other)
            r->value[RS_COUNTER_wait_depend] += 1;
        else if (in->mac_state == MAC_COMPUTE)
            r->value[RS_COUNTER_compute] += 1;
        else if (in->mac_state == MAC_WAIT_IFMAP)
            r->value[RS_COUNTER_wait_ifmap] += 1;
        else if (in->mac_state == MAC_WAIT_FILTER)
            r->value[RS_COUNTER_wait_filter] += 1;
        else if (in->mac_state == MAC_WAIT_PSUM)
            r->value[RS_COUNTER_wait_psum] += 1;
        else if (in->mac_state == MAC_WAIT_DRAIN)
            r->value[RS_COUNTER_wait_drain] += 1;
        else if (in->mac_state == MAC_OVERHEAD)
            r->value[RS_COUNTER_overhead] += 1;
        else
            r->value[RS_COUNTER_idle] += 1;
        r->value[RS_COUNTER_macs] += in->macs;
        r->value[RS_COUNTER_macs_gated] += in->gated;
        r->value[RS_COUNTER_mac_uops] += in->mac_state == MAC_COMPUTE;
        r->value[RS_COUNTER_ifmap_words] += in->ifmap_word;
        r->value[RS_COUNTER_filter_words] += in->filter_word;
        r->value[RS_COUNTER_drains] += in->drain;
        r->value[RS_COUNTER_glb_reads] += in->glb_reads;
        r->value[RS_COUNTER_glb_writes] += in->glb_writes;
        r->value[RS_COUNTER_wbuf_reads] += in->wbuf_read;
        r->value[RS_COUNTER_acc_updates] += in->acc_update;
        r->value[RS_COUNTER_outputs] += in->outputs;
        r->value[RS_COUNTER_axi_read] += in->axi_read;
        r->value[RS_COUNTER_axi_write] += in->axi_write;
        r->value[RS_COUNTER_commands] = in->commands;
        r->value[RS_COUNTER_ifmap_reads] += in->ifmap_read;
        r->value[RS_COUNTER_psums] += in->psums;
    }
    for (int i = 0; i < RS_N_COUNTERS; i++) {
        r->value[i] = in->clear ? 0 : r->value[i] & (((uint64_t)1 << RS_COUNTER_BITS) - 1u);
        out->value[i] = r->value[i];
    }
}
