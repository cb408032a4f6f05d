/*
 * group_queue.c - four groups, each seen by every stage in order.
 *
 * A stage takes the group it is shown when it starts it; a slot is free again when all
 * stages have taken the group in it.  After a take the next view is shown one clock later.
 */
#include "group_queue.h"
#include <assert.h>

void group_queue_clock(struct group_queue *r, const struct group_queue_in *in,
                       struct group_queue_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->slot complete dim=0
#pragma HLS ARRAY_PARTITION variable=r->next complete
    uint32_t oldest = 0;

    if (in->push)
        for (int w = 0; w < RS_COMMAND_WORDS; w++)
            r->slot[r->tail & 3u][w] = in->command[w];
    if (in->rst)
        r->tail = 0;
    else
        r->tail += in->push;
    for (int s = 0; s < GROUP_STAGES; s++) {
        assert(in->rst || !in->take[s] || r->next[s] != ((r->tail - in->push) & 7u));
        if (in->rst)
            r->next[s] = 0;
        else if (in->take[s])
            r->next[s] = (r->next[s] + 1) & 7u;
    }

    for (int s = 0; s < GROUP_STAGES; s++) {
        const uint32_t waiting = (r->tail - r->next[s]) & 7u;

        oldest = waiting > oldest ? waiting : oldest;
        out->view[s].valid = waiting != 0;
        for (int w = 0; w < RS_COMMAND_WORDS; w++)
            out->view[s].words[w] = r->slot[r->next[s] & 3u][w];
    }
    out->ready = oldest != GROUP_SLOTS;
    out->empty = oldest == 0;
}
