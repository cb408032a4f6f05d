/*
 * foot.c - the south end of a column.
 *
 * Psums go into one accumulator bank while entries of the other leave through two requantizers
 * into the collector, which gathers two neighbouring pixels of up to a block of channels, so
 * that the global buffer is written in pixel pairs.  The parameters of the filters come ahead of
 * their group into a memory of their own, banked like the accumulators.
 */
#include "foot.h"

void foot_clock(struct foot *r, const struct foot_in *in, struct foot_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->param0 type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->param1 type=ram_2p impl=lutram
    const struct flush_op flush = in->op_w.flush;
    const struct param_op param = in->op_w.param;
    const struct foot_place place = r->place[FOOT_EDGES - 2];
    struct accumulator_in ai;
    struct requantize_in qi[2];

    ai.rst = in->rst;
    ai.op = in->op_w.acc;
    ai.psum = in->psum;
    ai.read.bank = flush.bank;
    ai.read.addr = flush.addr;
    qi[0].psum = r->acc_out.entry.lane0;
    qi[0].param = r->now0;
    qi[0].range = r->range;
    qi[1].psum = r->acc_out.entry.lane1;
    qi[1].param = r->now1;
    qi[1].range = r->range;

    if (place.valid) {
        const uint8_t code0 = (uint8_t)r->lane_out[0].code;
        const uint8_t code1 = (uint8_t)r->lane_out[1].code;

        for (int b = 0; b < RS_BLOCK; b++) {
#pragma HLS UNROLL
            for (int p = 0; p < 2; p++) {
#pragma HLS UNROLL
                if (place.kind == FLUSH_FILTERS) {
                    if ((int)place.pixel == p && (int)place.index == b / 2)
                        r->pair.byte[p][b] = b % 2 == 0 ? code0 : code1;
                } else if ((int)place.index == b) {
                    if (place.kind == FLUSH_POSITIONS)
                        r->pair.byte[p][b] = p == 0 ? code0 : code1;
                    else if ((int)place.pixel == p)
                        r->pair.byte[p][b] = code0;
                }
            }
        }
    }
    for (int i = FOOT_EDGES - 2; i > 0; i--)
        r->place[i] = r->place[i - 1];
    r->place[0].valid = flush.valid;
    r->place[0].index = flush.index;
    r->place[0].kind = flush.kind;
    r->place[0].pixel = flush.pixel;

    accumulator_clock(&r->acc, &ai, &r->acc_out);
    for (int l = 0; l < 2; l++)
        requantize_clock(&r->lane[l], &qi[l], &r->lane_out[l]);

    r->now0 = r->param0[(flush.bank ? RS_MAX_PAIRS : 0) + flush.index];
    r->now1 = r->param1[(flush.bank ? RS_MAX_PAIRS : 0) + flush.index];
    r->range = flush.range;
    if (param.valid && param.place.g == param.group) {
        r->param0[(param.bank ? RS_MAX_PAIRS : 0) + param.index] = param.param[0];
        r->param1[(param.bank ? RS_MAX_PAIRS : 0) + param.index] = param.param[1];
    }

    r->op = in->op_w;
    r->op.param.place = column_place_next(param.place, param.shape);
    if (in->rst) {
        r->op.acc.valid = false;
        r->op.flush.valid = false;
        r->op.param.valid = false;
    }
    out->op_e = r->op;
    out->pair = r->pair;
}
