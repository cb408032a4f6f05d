/*
 * xrt_ipc.h - between back end `xrt` (xrt_backend.c) and rs_xrt_host (xrt/xrt_host.cpp), the process that holds XRT.
 *
 * Why a process of its own: XRT ends or hangs its process when a card (or an emulated one) goes away, leaves its C
 * API with std::terminate, installs signal handlers that kill the process group, crashes at exit if a device is
 * still open, and prints.  All of that stays in there; the library waits with a deadline, and a new process is the way
 * back to a usable device.  It also keeps librowstation free of XRT, and of C++.
 *
 * One request, one reply, over a socket (descriptor 3); data through a shared memory file (4), staged in pieces.
 */
#ifndef RS_XRT_IPC_H
#define RS_XRT_IPC_H
#include <stdint.h>

enum { XRT_IPC_SOCKET = 3, XRT_IPC_MEMORY = 4, XRT_IPC_STAGE_BYTES = 4 << 20, XRT_IPC_CORES = 2, XRT_IPC_BASES = 4 };

enum xrt_op {
    XRT_OPEN = 1,         /* the stage holds struct xrt_open                                     */
    XRT_ALLOC,            /* bytes -> value[0] handle, value[1] device address                   */
    XRT_FREE,             /* handle                                                              */
    XRT_WRITE,            /* stage -> handle, offset, bytes <= XRT_IPC_STAGE_BYTES               */
    XRT_READ,             /* handle, offset, bytes -> stage                                      */
    XRT_START,            /* core, base[]: handles with offsets, count                           */
    XRT_STEP,             /* cores, timeout_ms -> done; value[c]: cycles counted by core c       */
    XRT_REGISTERS,        /* core -> value[0] error, value[1] its address, value[2] cycles       */
    XRT_POWER,            /* -> value[0]: microwatts                                             */
    XRT_CLOSE
};

struct xrt_open {
    char xclbin[1024];
    char card[32];                      /* index or BDF                                          */
    char cu[XRT_IPC_CORES][96];         /* "rs:{rs_1}"                                           */
    uint8_t uuid[16], interface_uuid[16];
    uint32_t n_cus, shared_cu, emulation;
    uint32_t n_args, n_pointers;        /* arguments 0 .. n_pointers-1 are buffers               */
    uint32_t magic_register, version_register, config_register, status_register, address_register, cycles_register;
};

struct xrt_request {
    uint32_t op, core, cores, timeout_ms, count, pad;
    uint64_t handle, offset, bytes;
    struct { uint64_t handle, offset; } base[XRT_IPC_BASES];
};

/* What an OPEN found in the registers of each unit: value[3c] magic, version, configuration. */
struct xrt_reply {
    int32_t  status;                    /* rs_status                                             */
    uint32_t done, registers;           /* registers: they could be read                         */
    uint32_t pad;
    uint64_t value[8];
    char     text[480];
};
#endif
