/*
 * sim_ipc.h - what librs_sim_PRESET.so and the simulator process it starts say to each other.
 *
 * One request, one reply, over a socket; the device memory is common to both, so its bytes never
 * travel.  Both ends are built together: structs go as they are, the first request carries their
 * sizes and the configuration hash.
 */
#ifndef RS_SIM_IPC_H
#define RS_SIM_IPC_H
#include <stdbool.h>
#include <stdint.h>
#include "platform.h"

enum { SIM_FD_SOCKET = 3, SIM_FD_MEMORY = 4 };       /* in the simulator process           */

enum sim_op { SIM_CREATE, SIM_REG_WRITE, SIM_REG_READ, SIM_ADVANCE, SIM_WAVE };

struct sim_request {
    uint32_t op;                                     /* enum sim_op                        */
    uint32_t core, offset, value;                    /* SIM_REG_*                          */
    uint64_t max_clocks;                             /* SIM_ADVANCE                        */
    uint64_t protocol;                               /* SIM_CREATE: SIM_PROTOCOL           */
    struct rs_platform_options options;              /* SIM_CREATE                         */
    char     file[1024];                             /* SIM_WAVE; empty ends it            */
};

struct sim_reply {
    bool     ok, can_trace;
    uint32_t value;                                  /* SIM_REG_READ                       */
    uint32_t interrupts;
    uint64_t clocks, contention[2];
    bool     violated;
    char     text[256];                              /* the violation, or why not ok       */
};

#define SIM_PROTOCOL ((uint64_t)RS_CONFIG_HASH << 32 | sizeof(struct sim_request) << 12 |    \
                      sizeof(struct sim_reply))

#endif
