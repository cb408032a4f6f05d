/*
 * soa_cores.c - the cores as C that hlsc made of hw/: structures of arrays, several times as fast as
 * hw/ compiled as it is (emu_cores.c), and the same at every clock (tests/lockstep/test_core).
 */
#include <stdlib.h>
#include <string.h>
#include "cores.h"

size_t core_soa_bytes(void);
void core_soa_clock(void *core, const struct core_in *in, struct core_out *out);

struct cores {
    uint32_t n;
    void *core[BOARD_MAX_CORES];
};

static void destroy(struct cores *c)
{
    for (uint32_t i = 0; c != NULL && i < c->n; i++)
        free(c->core[i]);
    free(c);
}

static struct cores *create(uint32_t n_cores)
{
    const size_t bytes = (core_soa_bytes() + 63) / 64 * 64;
    struct cores *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    for (; c->n < n_cores; c->n++) {
        c->core[c->n] = aligned_alloc(64, bytes);
        if (c->core[c->n] == NULL) {
            destroy(c);
            return NULL;
        }
        memset(c->core[c->n], 0, bytes);
    }
    return c;
}

static void clock_cores(struct cores *c, const struct core_in *in, struct core_out *out)
{
    for (uint32_t i = 0; i < c->n; i++)
        core_soa_clock(c->core[i], &in[i], &out[i]);
}

const struct cores_api soa_cores = {
    .create = create, .destroy = destroy, .clock = clock_cores,
};
