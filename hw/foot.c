/*
 * foot.c - the south end of a column.
 *
 * Psums go into one accumulator bank while entries of the other leave through the requantizer
 * into the collector, which gathers two neighbouring pixels of up to a block of channels, so
 * that the global buffer is written in pixel pairs.  The parameters of the filters come ahead of
 * their group into a memory of their own, banked like the accumulators.
 */
#include "foot.h"

/* Which psum of its entry a step requantizes. */
static inline bool lane_of(uint32_t step)
{
    return step / REQUANTIZE_HALVES != 0;
}

/* Where the parameters of a pair's filter are, its second if so. */
static inline uint32_t param_place(bool bank, uint32_t pair, bool second)
{
    const uint32_t at = (bank ? RS_MAX_PAIRS : 0) + pair;

    return REQUANTIZE_LANES == 2 ? at : 2 * at + second;
}

void foot_clock(struct foot *r, const struct foot_in *in, struct foot_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS AGGREGATE variable=in compact=bit
#pragma HLS AGGREGATE variable=out compact=bit
#pragma HLS AGGREGATE variable=r compact=bit
#pragma HLS BIND_STORAGE variable=r->param type=ram_2p impl=lutram
    const struct flush_op flush = in->op_w.flush;
    const struct flush_op asked = r->op.flush;            /* the entry that is read now, and then with its parameters */
    const struct param_op param = in->op_w.param;
    const bool keep = param.valid && param.place.g == param.group;
    const struct foot_place place = r->place[FOOT_EDGES - 2];
    struct accumulator_in ai;
    struct requantize_in qi;

    ai.rst = in->rst;
    ai.op = in->op_w.acc;
    ai.psum = in->psum;
    ai.read.bank = flush.bank;
    ai.read.addr = flush.addr;
    for (int l = 0; l < REQUANTIZE_LANES; l++) {
        const bool second = REQUANTIZE_LANES == 2 ? l == 1 : lane_of(r->step);

        qi.psum[l] = second ? r->acc_out.entry.lane1 : r->acc_out.entry.lane0;
        qi.param[l] = r->now[l];
    }
    qi.half = REQUANTIZE_HALVES == 2 && (r->step & 1u) != 0;
    qi.range = r->range;
    qi.wide = r->wide;

    if (place.valid) {
        const uint8_t code0 = r->codes.code[0];
        const uint8_t code1 = r->codes.code[REQUANTIZE_LANES - 1];
        const bool due0 = REQUANTIZE_LANES == 2 || !place.lane;        /* lane 0's code has come, lane 1's */
        const bool due1 = REQUANTIZE_LANES == 2 || place.lane;

        for (int b = 0; b < RS_BLOCK; b++) {
#pragma HLS UNROLL
            for (int p = 0; p < 2; p++) {
#pragma HLS UNROLL
                if (place.kind == FLUSH_FILTERS) {
                    if ((int)place.pixel == p && (int)place.index == b / 2 && (b % 2 == 0 ? due0 : due1))
                        r->pair.byte[p][b] = b % 2 == 0 ? code0 : code1;
                } else if ((int)place.index == b) {
                    if (place.kind == FLUSH_POSITIONS ? (p == 0 ? due0 : due1) : (int)place.pixel == p && due0)
                        r->pair.byte[p][b] = place.kind == FLUSH_POSITIONS && p == 1 ? code1 : code0;
                }
            }
        }
    }
    for (int i = FOOT_EDGES - 2; i > 0; i--)
        r->place[i] = r->place[i - 1];
    r->place[0].valid = flush.valid && (REQUANTIZE_HALVES == 1 || (flush.step & 1u) != 0);
    r->place[0].lane = lane_of(flush.step);
    r->place[0].index = flush.index;
    r->place[0].kind = flush.kind;
    r->place[0].pixel = flush.pixel;

    accumulator_clock(&r->acc, &ai, &r->acc_out);
    requantize_clock(&r->requantize, &qi, &r->codes);

    for (int l = 0; l < REQUANTIZE_LANES; l++) {
        r->now[l] = r->read[l];
        r->read[l] = r->param[l][param_place(flush.bank, flush.param, lane_of(flush.step))];
    }
    r->range = asked.range;
    r->wide = asked.wide;
    r->step = asked.step;
    if (keep || (REQUANTIZE_LANES == 1 && r->param_second)) {
        const struct param_op from = keep ? param : r->op.param;

        for (int l = 0; l < REQUANTIZE_LANES; l++)
            r->param[l][param_place(from.bank, from.index, !keep)] = from.param[REQUANTIZE_LANES == 2 ? l : !keep];
    }
    r->param_second = keep;

    r->op = in->op_w;
    r->op.param.place = column_place_next(param.place, param.shape);
    if (in->rst) {
        r->param_second = false;
        r->op.acc.valid = false;
        r->op.flush.valid = false;
        r->op.param.valid = false;
    }
    out->op_e = r->op;
    out->pair = r->pair;
}
