/* group_queue.h - COMPUTE commands on their way through the array's stages. */
#ifndef RS_GROUP_QUEUE_H
#define RS_GROUP_QUEUE_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"

#define GROUP_SLOTS 4

/* The stages that each work through every group, some of them ahead of others. */
enum group_stage {
    STAGE_FILTER,             /* filter words and parameters out of the filter buffer        */
    STAGE_IFMAP,              /* ifmap words out of the global buffer                        */
    STAGE_LOAD,               /* ifmap words into the array                                  */
    STAGE_FILTER_LOAD,        /* filter words into the array                                 */
    STAGE_MAC,
    STAGE_FLUSH,
    GROUP_STAGES
};

struct group_view {           /* the next group of a stage: the words that it looks at, others 0 */
    bool     valid;
    uint32_t words[RS_COMMAND_WORDS];
};

struct group_queue_in {
    bool     rst;
    bool     write;           /* a beat of the group that comes next: moves at an edge where it is ready */
    uint32_t beat : 3;        /* which, in order; with the last one the group is there       */
    uint32_t words[RS_BEAT_WORDS];
    bool     take[GROUP_STAGES];
};
struct group_queue_out {
    bool     ready;
    bool     empty;
    struct group_view view[GROUP_STAGES];
};

/* A beat of a group on its way to the view of a stage: read at the next edge. */
struct group_fetch {
    bool     valid[GROUP_STAGES];
    bool     last;
    uint32_t slot : 2, beat : 3;
};
struct group_queue {
    uint32_t slot[GROUP_SLOTS * RS_COMMAND_BEATS][RS_BEAT_WORDS];
    bool     ready;
    uint32_t tail : 3;                       /* counts modulo 2 * GROUP_SLOTS                */
    uint8_t  next[GROUP_STAGES];             /* likewise: the group that follows the view    */
    uint8_t  left[GROUP_STAGES];             /* a bit for each of its beats still to read    */
    struct group_fetch fetch;
    struct group_view view[GROUP_STAGES];
};

void group_queue_clock(struct group_queue *r, const struct group_queue_in *in,
                       struct group_queue_out *out);

#endif
