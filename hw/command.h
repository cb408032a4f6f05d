/* command.h - fetches commands and hands them to the engines: ports and registers. */
#ifndef RS_COMMAND_H
#define RS_COMMAND_H
#include "axi_read.h"

#define COMMAND_SLOTS RS_COMMAND_SLOTS
#define COMMAND_BATCH (COMMAND_SLOTS / 2)  /* commands of one burst                              */
#define COMMAND_WORDS 13                   /* those that engines look at: POOL_HALF is in the last */
#define COMMAND_RING  (COMMAND_SLOTS * RS_COMMAND_BEATS)                  /* beats: at most 64      */
_Static_assert(RS_COMMAND_BEATS >= 2 && RS_COMMAND_BEATS <= 8, "a command is handed out at most every second clock");
#define QUIET_CLOCKS  8                    /* idle that long is idle: longer than any hand-over  */

enum engine { ENGINE_LOAD, ENGINE_COMPUTE, ENGINE_POOL, ENGINE_STORE, ENGINES };

struct command_in {
    bool     rst;
    bool     start;                        /* level: run until finished                          */
    uint64_t base : RS_ADDRESS_BITS;
    uint32_t count;
    bool     taken;                        /* the burst we ask for                               */
    bool     beat_valid;
    struct axi_beat beat;
    bool     ready[ENGINES];
    bool     idle;                         /* all engines                                        */
    bool     store_idle;
    bool     read_error, store_error;
    uint64_t read_error_addr : RS_ADDRESS_BITS, store_error_addr : RS_ADDRESS_BITS;
};
struct command_out {
    struct axi_burst burst;
    bool     beat_ready;
    bool     push[ENGINES];                /* `command`; not for the array                       */
    uint32_t command[COMMAND_WORDS];
    bool     write;                        /* a beat of a command for the array: moves at an edge where it is ready */
    uint32_t beat : 3;                     /* which of its beats                                 */
    uint32_t words[RS_BEAT_WORDS];
    bool     clear;                        /* a run begins: engines forget the last one          */
    bool     starting;                     /* the first clock of that                            */
    bool     running;
    bool     finished;                     /* one clock                                          */
    uint32_t status : 2;                   /* enum rs_error_code of the first error              */
    uint64_t error_addr : RS_ADDRESS_BITS;
    uint32_t taken_commands;
};
enum command_state { COMMAND_IDLE, COMMAND_CLEAR, COMMAND_RUN, COMMAND_END, COMMAND_LAST, COMMAND_DONE };

struct command {
    uint32_t state : 3;
    struct axi_beat slot[COMMAND_RING];
    uint32_t head : 6, tail : 6;           /* beats, modulo 64                                   */
    uint32_t waiting : 7;                  /* beats here                                         */
    uint32_t held : 7;                     /* beats here or asked for                            */
    uint32_t beat : 3;                     /* of the command that is being put together: the next */
    bool     fresh;                        /* a beat was taken and has not been handed on:       */
    uint32_t front_beat : 3;               /* which                                              */
    uint32_t front[RS_BEAT_WORDS];
    uint64_t fetch_addr : RS_ADDRESS_BITS;
    uint32_t fetch_left;                   /* commands not asked for                             */
    struct axi_burst burst;
    bool     beat_ready;
    bool     push[ENGINES];
    uint32_t command[COMMAND_WORDS];
    uint32_t quiet : 4;
    bool     clear, starting, finished;
    uint32_t status : 2;                   /* enum rs_error_code of the first error              */
    uint64_t error_addr : RS_ADDRESS_BITS;
    uint32_t dispatched;
};

void command_clock(struct command *r, const struct command_in *in, struct command_out *out);

#endif
