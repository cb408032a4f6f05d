/*
 * eyeriss.h - the Eyeriss chip's accesses on AlexNet from its published mapping, and the split of energy beside the chip's.
 *
 *   GLB words   ifmap G*N*C*strips*((e-1)U+R)*W*ceil(M/(p t)); psum 2*N*G*M*E*F*ceil(C/(q r)), as the chip counts
 *   NoC words   filters W*ceil(N/n)*F, ifmap I*ceil(M/p)*S*(F/W), psums 2*O*(ceil(C/q)*S - ceil(C/(q r)))
 *   RF words    2 a MAC (filter, ifmap) and 2*O*(C*R*S - ceil(C/q)*S)
 */
#ifndef RS_COST_EYERISS_H
#define RS_COST_EYERISS_H
#include "data.h"
#include "dataflow.h"

#define RS_EYERISS_LAYERS 8

struct rs_eyeriss_layer {
    char   name[32];
    double macs, glb_words, noc_words, rf_words, rf_gated_words;     /* of the batch; rf_gated: of a zero ifmap value  */
    double zeros;                                                    /* fraction of ifmap values                       */
    double glb_mb, chip_glb_mb;                                      /* 10^6 bytes: the formula's and the chip's       */
};
struct rs_eyeriss {
    int n;
    struct rs_eyeriss_layer layer[RS_EYERISS_LAYERS];
    /* Percent of chip energy in PE array, NoC, buffers: by the table of costs; with zero gating; the chip's. */
    double plain[3], gated[3], chip[3];
    double pe_saved, chip_pe_saved;    /* percent of PE energy that gating saves: computed, and the chip's             */
    double noc_cost_needed;            /* cost of a NoC word (MAC = 1) at which the gated split meets the chip's NoC share */
};
RS_MUST_CHECK rs_status rs_eyeriss(const struct rs_data *data, const struct rs_flow_energy *cost, struct rs_eyeriss *out,
                                   struct rs_error *err);
#endif
