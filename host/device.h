/*
 * device.h - the device interface: the few calls that every back end implements, and the runtime uses.
 *
 * A back end holds a core (or several that share a memory) and device memory.  It knows registers and addresses;
 * it knows nothing about layers or models.  The runtime calls it from one thread at a time.
 * `emu` and `sim` are backend_platform.c, `xrt` is xrt_backend.c.
 */
#ifndef RS_DEVICE_H
#define RS_DEVICE_H
#include "platform.h"
#include "status.h"
#include "uri.h"

#define RS_MAX_CORES 2
#define RS_N_BASES   4

/* What the core says of itself; read from the status block where there is one, else from registers. */
struct rs_core_status {
    uint32_t error;               /* enum rs_error_code, sticky                              */
    uint64_t error_address;
    uint64_t cycles;              /* of the last or current job                              */
};

struct rs_backend {
    const char *kind;

    /**
     * open() - find the device, check that it is our core in a known version and configuration.
     * Errors: RS_ERR_DEVICE (absent, or does not answer), RS_ERR_MISMATCH (what was expected and found).
     */
    rs_status (*open)(const struct rs_uri *uri, void **handle, struct rs_error *err);
    void (*close)(void *handle);                                   /* NULL is fine           */

    const struct rs_hw_config *(*config)(const void *handle);
    const char *(*describe)(const void *handle);                   /* e.g. the object's path */

    /* Device memory in multiples of 4096 bytes; RS_ERR_NOMEM. */
    rs_status (*alloc)(void *handle, size_t bytes, uint64_t *address, struct rs_error *err);
    void (*release)(void *handle, uint64_t address);
    rs_status (*write)(void *handle, uint64_t address, const void *from, size_t bytes, struct rs_error *err);
    rs_status (*read)(void *handle, uint64_t address, void *to, size_t bytes, struct rs_error *err);

    /* Starts a job of @commands commands (END included) on an idle core. */
    rs_status (*start)(void *handle, uint32_t core, const uint64_t base[RS_N_BASES], uint32_t commands,
                       struct rs_error *err);

    /* Lets at most @cycles pass, fewer if a core finishes; *done has a bit for each core that has. */
    rs_status (*step)(void *handle, uint64_t cycles, uint32_t *done, struct rs_error *err);

    rs_status (*status)(void *handle, uint32_t core, struct rs_core_status *status, struct rs_error *err);
    uint64_t (*clocks)(void *handle);                              /* since open or reset    */
    uint64_t (*contention)(void *handle, uint32_t core);           /* clocks, since open or reset */

    /* As after open, but what is allocated stays allocated, with undefined content. */
    rs_status (*reset)(void *handle, struct rs_error *err);
    rs_status (*wave)(void *handle, const char *file, struct rs_error *err);

    /* May be NULL.  What the device says in place of what @uri assumes: clock_mhz, mem_base, mem_bytes. */
    void (*refine)(const void *handle, struct rs_uri *uri);
    /* May be NULL.  What the cores have done since open or reset, if the target was opened with trace=1. */
    rs_status (*events)(void *handle, const struct rs_trace_event **events, size_t *n, struct rs_error *err);
    /* May be NULL.  Power that the card draws now; RS_ERR_UNSUPPORTED: it does not say. */
    rs_status (*power)(void *handle, double *watts, struct rs_error *err);
};

extern const struct rs_backend rs_backend_platform;                /* emu and sim            */
extern const struct rs_backend rs_backend_xrt;                     /* xrt_backend.c          */

/* The back end of a target's kind; not for `cpu`, which has none. */
const struct rs_backend *rs_backend_named(const char *kind);

/* "bus error on a read" and the like; never NULL. */
const char *rs_core_error_text(uint32_t error);
#endif
