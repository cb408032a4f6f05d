/* command.h - fetches commands and hands them to the engines: ports and registers. */
#ifndef RS_COMMAND_H
#define RS_COMMAND_H
#include "axi_read.h"

#define COMMAND_SLOTS 8
#define COMMAND_BATCH 4                    /* commands of one burst                              */
#define COMMAND_BEATS (RS_COMMAND_BYTES / RS_AXI_BYTES)
#define COMMAND_RING  (COMMAND_SLOTS * COMMAND_BEATS)                  /* beats: at most 64      */
_Static_assert(COMMAND_BEATS >= 2 && COMMAND_BEATS <= 8, "a command is handed out at most every second clock");
#define QUIET_CLOCKS  8                    /* idle that long is idle: longer than any hand-over  */

enum engine { ENGINE_LOAD, ENGINE_COMPUTE, ENGINE_POOL, ENGINE_STORE, ENGINES };

struct command_in {
    bool     rst;
    bool     start;                        /* level: run until finished                          */
    uint64_t base;
    uint32_t count;
    bool     taken;                        /* the burst we ask for                               */
    bool     beat_valid;
    struct axi_beat beat;
    bool     beat_error;
    bool     ready[ENGINES];
    bool     idle;                         /* all engines                                        */
    bool     store_idle;
    bool     load_error, store_error;
    uint64_t load_error_addr, store_error_addr;
};
struct command_out {
    struct axi_burst burst;
    bool     beat_ready;
    bool     push[ENGINES];
    uint32_t command[RS_COMMAND_WORDS];
    bool     clear;                        /* a run begins: engines forget the last one          */
    bool     starting;                     /* the first clock of that                            */
    bool     running;
    bool     finished;                     /* one clock                                          */
    uint32_t status;
    uint64_t error_addr;
    uint32_t taken_commands;
};
enum command_state { COMMAND_IDLE, COMMAND_CLEAR, COMMAND_RUN, COMMAND_END, COMMAND_LAST, COMMAND_DONE };

struct command {
    uint32_t state : 3;
    struct axi_beat slot[COMMAND_RING];
    uint32_t head : 7, tail : 7;           /* beats, modulo 2 * COMMAND_RING                     */
    uint32_t beat : 3;                     /* of the command that is being put together          */
    uint64_t fetch_addr;
    uint64_t beat_addr;                    /* of the beat that comes next                        */
    uint32_t fetch_left;                   /* commands not asked for                             */
    uint32_t promised : 7;                 /* beats asked for, not yet here                      */
    struct axi_burst burst;
    bool     beat_ready;
    bool     push[ENGINES];
    uint32_t command[RS_COMMAND_WORDS];
    uint32_t quiet : 4;
    bool     clear, starting, finished;
    uint32_t status;
    uint64_t error_addr;
    uint32_t dispatched;
};

void command_clock(struct command *r, const struct command_in *in, struct command_out *out);

#endif
