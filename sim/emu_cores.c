/* emu_cores.c - the cores as C: core.h defines struct core, all registers of one. */
#include <stdlib.h>
#include <string.h>
#include "cores.h"
#include "trace.h"

struct cores {
    uint32_t n;
    struct core *core[BOARD_MAX_CORES];
    bool traced;
    struct trace trace[BOARD_MAX_CORES];
};

static void destroy(struct cores *c)
{
    for (uint32_t i = 0; c != NULL && i < c->n; i++)
        free(c->core[i]);
    free(c);
}

/* Zeros; with RS_POWER_UP_GARBAGE, for tests without asserts, bytes of 0 and 1 (anything else
 * would have no meaning in a bool). */
static struct cores *create(uint32_t n_cores)
{
    struct cores *c = calloc(1, sizeof *c);
#ifdef RS_POWER_UP_GARBAGE
    uint32_t random = 1;
#endif

    if (c == NULL)
        return NULL;
    c->n = n_cores;
    for (uint32_t i = 0; i < n_cores; i++) {
        c->core[i] = calloc(1, sizeof *c->core[i]);
        if (c->core[i] == NULL) {
            destroy(c);
            return NULL;
        }
#ifdef RS_POWER_UP_GARBAGE
        for (size_t k = 0; k < sizeof *c->core[i]; k++) {
            random = random * 1664525u + 1013904223u;
            ((uint8_t *)c->core[i])[k] = random >> 31;
        }
        /* Channels past C in the last block are stored as they are: here, as Verilog has them. */
        for (int k = 0; k < RS_GLB_BANKS; k++) {
            memset(c->core[i]->glb.bank[k].mem, 0, sizeof c->core[i]->glb.bank[k].mem);
            c->core[i]->glb.bank[k].write_mask = 0;
        }
        for (int p = 0; p < GLB_WRITERS; p++)
            c->core[i]->glb.writer[p].done = false;
#endif
    }
    return c;
}

static void clock_cores(struct cores *c, const struct core_in *in, struct core_out *out)
{
    for (uint32_t i = 0; i < c->n; i++)
        core_clock(c->core[i], &in[i], &out[i]);
    if (c->traced)
        for (uint32_t i = 0; i < c->n; i++)
            trace_clock(&c->trace[i], c->core[i]);
}

static void trace(struct cores *c, rs_trace_hook hook, void *context)
{
    c->traced = hook != NULL;
    for (uint32_t i = 0; i < c->n; i++)
        c->trace[i] = (struct trace){.hook = hook, .context = context, .core = i};
}

const struct cores_api emu_cores = {
    .create = create, .destroy = destroy, .clock = clock_cores, .trace = trace,
};
