/*
 * emu_platform.c - librs_emu_PRESET.so: hw/ compiled by the C compiler behind sim/platform.h.
 *
 * Everything is in struct rs_platform, so any number of platforms live in one process and in any
 * threads.  RS_CORES and RS_KIND choose other cores (cores.h): tests/lockstep does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "board.h"
#include "cores.h"
#include "storage.h"

#ifndef RS_CORES
#define RS_CORES emu_cores
#define RS_KIND  "emu"
#endif

struct rs_platform {
    struct board board;
    struct rs_platform_options options;
    struct memory *memory;
    struct storage storage;
    const struct cores_api *api;       /* of `cores`                                        */
    struct cores *cores;
};

static void clock_cores(void *context, const struct core_in *in, struct core_out *out)
{
    struct rs_platform *p = context;

    p->api->clock(p->cores, in, out);
}

static void run(void *context, struct board *b)
{
    (void)context;
    while (!board_clock(b))
        ;
}

static void destroy(struct rs_platform *p)
{
    if (p == NULL)
        return;
    if (p->api != NULL)
        p->api->destroy(p->cores);
    memory_destroy(p->memory);
    storage_close(&p->storage);
    free(p);
}

static struct rs_platform *create(const struct rs_platform_options *options, char *text,
                                  size_t text_bytes)
{
    struct rs_platform *p = calloc(1, sizeof *p);
    struct memory_options memory;

    if (p == NULL)
        goto err_text;
    p->options = *options;
    if (!board_options(&p->options, text, text_bytes))
        goto err_destroy;
    memory = board_memory_options(&p->options);
    memory.read = storage_read;
    memory.write = storage_write;
    memory.context = &p->storage;
    p->memory = memory_create(&memory, text, text_bytes);
    if (p->memory == NULL)
        goto err_destroy;
    if (!storage_open(&p->storage, p->options.mem_bytes, -1)) {
        snprintf(text, text_bytes, "no %llu bytes of host memory for the device memory: %s",
                 (unsigned long long)p->options.mem_bytes, strerror(errno));
        goto err_destroy;
    }
    /* Only plain hw/ has registers to look at. */
    p->api = options->trace != NULL && RS_CORES.trace == NULL ? &emu_cores : &RS_CORES;
    p->cores = p->api->create(p->options.n_cores);
    if (p->cores == NULL) {
        destroy(p);
        goto err_text;
    }
    if (options->trace != NULL)
        p->api->trace(p->cores, options->trace, options->trace_context);
    board_init(&p->board, &(struct board_owner){clock_cores, run, p}, p->memory,
               p->options.n_cores);
    return p;

err_destroy:
    destroy(p);
    return NULL;
err_text:
    snprintf(text, text_bytes, "out of host memory");
    return NULL;
}

static bool mem_write(struct rs_platform *p, uint64_t address, const void *from, size_t bytes)
{
    return storage_copy_in(&p->storage, address - p->options.mem_base, from, bytes);
}

static bool mem_read(struct rs_platform *p, uint64_t address, void *to, size_t bytes)
{
    return storage_copy_out(&p->storage, address - p->options.mem_base, to, bytes);
}

static bool reg_write(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t value)
{
    return board_reg_write(&p->board, core, offset, value);
}

static bool reg_read(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t *value)
{
    return board_reg_read(&p->board, core, offset, value);
}

static uint64_t advance(struct rs_platform *p, uint64_t max_clocks)
{
    return board_advance(&p->board, max_clocks);
}

static uint32_t interrupts(struct rs_platform *p)
{
    return board_interrupts(&p->board);
}

static uint64_t clocks(const struct rs_platform *p)
{
    return p->board.clocks;
}

static uint64_t contention(const struct rs_platform *p, uint32_t core)
{
    return core < p->options.n_cores ? memory_contention(p->memory, core) : 0;
}

static bool wave(struct rs_platform *p, const char *file)
{
    return p->api->wave != NULL ? p->api->wave(p->cores, file) : file == NULL;
}

static const char *violation(const struct rs_platform *p)
{
    const char *complaint = p->api->complaint != NULL ? p->api->complaint(p->cores) : NULL;

    return complaint != NULL ? complaint : memory_violation(p->memory);
}

__attribute__((visibility("default")))
const struct rs_platform_api *rs_platform_get(void)
{
    static const struct rs_platform_api api = {
        .abi = RS_PLATFORM_ABI, .kind = RS_KIND, .config = BOARD_CONFIG,
        .create = create, .destroy = destroy, .mem_write = mem_write, .mem_read = mem_read,
        .reg_write = reg_write, .reg_read = reg_read, .advance = advance,
        .interrupts = interrupts, .clocks = clocks, .contention = contention, .wave = wave,
        .violation = violation,
    };

    return &api;
}
