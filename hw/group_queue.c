/*
 * group_queue.c - four groups, each seen by every stage in order.
 *
 * The groups lie in distributed RAM that is read a beat a clock.  Each stage's view is a register that takes up the
 * words it needs of the next group when the stage has taken the one it is shown; the stages that come first, first.
 * A slot is free again when all views have taken up the group in it.  A view is shown three clocks after a take or a push
 * into an empty queue and one more for every beat that it needs but the first, if no other wants beats in between: long before the stage
 * has done with the group that it took.
 */
#include "group_queue.h"
#include <assert.h>

#define WORD(field) (1u << RS_WORD_##field)

/* Words of a command that a stage looks at; LAYER is for traces of emu, nothing on a chip reads it. */
static const uint32_t words_of[GROUP_STAGES] = {
    [STAGE_FILTER] = WORD(E) | WORD(FILTER_ADDR) | WORD(RELEASE) | WORD(FILTER_WORDS) | WORD(PARAMS),
    [STAGE_IFMAP] = WORD(WAIT_LOAD) | WORD(WAIT_POOL) | WORD(MODE) | WORD(E) | WORD(FP) | WORD(N_CB) | WORD(IF_BASE) |
                    WORD(IF_CB) | WORD(IF_H) | WORD(X0) | WORD(MULTIPLIER) | WORD(CHAINS) | WORD(SPAN) | WORD(IF_STRIP),
    [STAGE_LOAD] = WORD(MODE) | WORD(E) | WORD(NJ) | WORD(N_CB) | WORD(SPAN),
    [STAGE_FILTER_LOAD] = WORD(MODE) | WORD(E) | WORD(N_CB),
    [STAGE_MAC] = WORD(LAYER) | WORD(MODE) | WORD(E) | WORD(FP) | WORD(N_CB) | WORD(CHAINS) | WORD(CHAIN_ENTRIES) | WORD(ROWS_MASK),
    [STAGE_FLUSH] = WORD(LAYER) | WORD(MODE) | WORD(E) | WORD(FP) | WORD(N_CB) | WORD(OUT_E) | WORD(OUT_F) | WORD(OUT_ROW) | WORD(ZP_OUT) |
                    WORD(RES_BASE) | WORD(RES_MB) | WORD(ADD_MULT_ACC) | WORD(ADD_MULT_RES) | WORD(ADD_MULT_OUT) |
                    WORD(ADD_SHIFT_ACC) | WORD(WIDE_MIN) | WORD(CHAINS) | WORD(CHAIN_ROWS) | WORD(OUT_STRIP) | WORD(CHAIN_OUT),
};

/* The beats that hold them, a bit each. */
static inline uint32_t beats_of(uint32_t words)
{
    uint32_t beats = 0;

    for (uint32_t b = 0; b < RS_COMMAND_BEATS; b++)
        beats |= ((words >> (b * RS_BEAT_WORDS)) & (0xFFFFFFFFu >> (32 - RS_BEAT_WORDS))) != 0 ? 1u << b : 0;
    return beats;
}

void group_queue_clock(struct group_queue *r, const struct group_queue_in *in,
                       struct group_queue_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->slot type=ram_2p impl=lutram
#pragma HLS ARRAY_PARTITION variable=r->next complete
#pragma HLS ARRAY_PARTITION variable=r->left complete
    const struct group_fetch fetch = r->fetch;
    const bool write = in->write && r->ready;
    uint32_t words[RS_BEAT_WORDS];
    uint8_t lefts[GROUP_STAGES];
    bool wants[GROUP_STAGES], fetching = false, empty = true;

    for (int s = 0; s < GROUP_STAGES; s++) {
        lefts[s] = r->left[s];
        wants[s] = !r->view[s].valid && r->left[s] != 0 && r->next[s] != r->tail;
    }

    /* The beat that was asked for at the last edge. */
    for (int i = 0; i < RS_BEAT_WORDS; i++)
        words[i] = r->slot[fetch.slot * RS_COMMAND_BEATS + fetch.beat][i];
    for (int s = 0; s < GROUP_STAGES; s++) {
        assert(in->rst || !in->take[s] || r->view[s].valid);
        for (int w = 0; w < RS_COMMAND_WORDS; w++)
            if (fetch.valid[s] && (int)fetch.beat == w / RS_BEAT_WORDS)
                r->view[s].words[w] = words[w % RS_BEAT_WORDS];
        if (fetch.valid[s] && fetch.last) {
            r->view[s].valid = true;
            r->next[s] = (r->next[s] + 1u) & (2u * GROUP_SLOTS - 1u);
        } else if (in->take[s]) {
            r->view[s].valid = false;
            r->left[s] = (uint8_t)beats_of(words_of[s]);
        }
    }

    /* The next one: the first beat that the first stage without a group has not got. */
    for (int s = 0; s < GROUP_STAGES; s++) {
        const bool grant = wants[s] && !fetching;
        bool found = false, more = false;

        r->fetch.valid[s] = grant;
        fetching = fetching || wants[s];
        for (uint32_t b = 0; b < RS_COMMAND_BEATS; b++) {
            const bool left = ((lefts[s] >> b) & 1u) != 0;

            if (grant && left && !found) {
                r->fetch.beat = b;
                r->left[s] = r->left[s] & (uint8_t)~(1u << b);
            }
            more = more || (left && found);
            found = found || left;
        }
        if (grant) {
            r->fetch.slot = r->next[s];
            r->fetch.last = !more;
        }
    }

    if (write)
        for (int i = 0; i < RS_BEAT_WORDS; i++)
            r->slot[(r->tail & (GROUP_SLOTS - 1u)) * RS_COMMAND_BEATS + in->beat][i] = in->words[i];
    r->tail = r->tail + (write && in->beat == RS_COMMAND_BEATS - 1);

    if (in->rst) {
        r->tail = 0;
        for (int s = 0; s < GROUP_STAGES; s++) {
            r->fetch.valid[s] = false;
            r->view[s].valid = false;
            r->next[s] = 0;
            r->left[s] = (uint8_t)beats_of(words_of[s]);
        }
    }

    r->ready = true;
    for (int s = 0; s < GROUP_STAGES; s++) {
        r->ready = r->ready && (r->next[s] ^ r->tail) != GROUP_SLOTS;
        empty = empty && r->next[s] == r->tail && !r->view[s].valid;
        out->view[s].valid = r->view[s].valid;
        for (int w = 0; w < RS_COMMAND_WORDS; w++)
            out->view[s].words[w] = ((words_of[s] >> w) & 1u) != 0 ? r->view[s].words[w] : 0;
    }
    out->ready = r->ready;
    out->empty = empty;
}
