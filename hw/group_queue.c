/*
 * group_queue.c - four groups, each seen by every stage in order.
 *
 * The groups lie in distributed RAM; each stage's view is a register that takes up the next of them when the
 * stage has taken the one it is shown.  A slot is free again when all views have taken up the group in it.
 * After a take the next view is shown one clock later, after a push into an empty queue two.
 */
#include "group_queue.h"
#include <assert.h>

void group_queue_clock(struct group_queue *r, const struct group_queue_in *in,
                       struct group_queue_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->slot type=ram_2p impl=lutram
#pragma HLS ARRAY_PARTITION variable=r->next complete
    uint32_t oldest = 0;
    bool shown = false;

    for (int s = 0; s < GROUP_STAGES; s++) {
        const uint32_t next = r->next[s];

        assert(in->rst || !in->take[s] || r->view[s].valid);
        if (in->take[s] || !r->view[s].valid) {
            r->view[s].valid = next != r->tail;
            for (int w = 0; w < RS_COMMAND_WORDS; w++)
                r->view[s].words[w] = r->slot[next & (GROUP_SLOTS - 1u)][w];
            r->next[s] = (next + (next != r->tail)) & (2u * GROUP_SLOTS - 1u);
        }
        if (in->rst) {
            r->view[s].valid = false;
            r->next[s] = 0;
        }
    }
    if (in->push)
        for (int w = 0; w < RS_COMMAND_WORDS; w++)
            r->slot[r->tail & (GROUP_SLOTS - 1u)][w] = in->command[w];
    r->tail = in->rst ? 0 : r->tail + in->push;

    for (int s = 0; s < GROUP_STAGES; s++) {
        const uint32_t waiting = (r->tail - r->next[s]) & (2u * GROUP_SLOTS - 1u);

        oldest = waiting > oldest ? waiting : oldest;
        shown = shown || r->view[s].valid;
        out->view[s] = r->view[s];
    }
    out->ready = oldest != GROUP_SLOTS;
    out->empty = oldest == 0 && !shown;
}
