/*
 * backend_platform.c - back ends `emu` and `sim`: a simulated card in a shared object (sim/platform.h).
 *
 * Drives the core the way XRT drives a kernel: the whole argument image from 0x10 with its gap words, interrupts
 * enabled, CTRL = 1, then wait for the interrupt line.  The shared object stays loaded until the process ends:
 * SystemC keeps global state that does not survive unloading.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "device.h"
#include "device_memory.h"
#include "find.h"
#include "isa.h"

struct handle {
    const struct rs_platform_api *api;
    struct rs_platform *platform;
    struct rs_platform_options options;
    struct rs_device_memory memory;
    char object[PATH_MAX];
    struct rs_trace_event *event;      /* [n_events]                                             */
    size_t n_events, room_events;
    bool lost_events;                  /* for want of memory                                     */
};

static void record(void *context, const struct rs_trace_event *event)
{
    struct handle *h = context;

    if (h->n_events == h->room_events) {
        const size_t room = 2 * h->room_events + 1024;
        struct rs_trace_event *grown = realloc(h->event, room * sizeof *grown);

        if (grown == NULL) {
            h->lost_events = true;
            return;
        }
        h->event = grown;
        h->room_events = room;
    }
    h->event[h->n_events++] = *event;
}

const char *rs_core_error_text(uint32_t error)
{
    switch (error) {
    case RS_HW_OK:          return "no error";
    case RS_HW_READ_ERROR:  return "bus error (SLVERR or DECERR) on a read";
    case RS_HW_WRITE_ERROR: return "bus error (SLVERR or DECERR) on a write";
    case RS_HW_BAD_OPCODE:  return "unknown command";
    }
    return "unknown error code";
}

static rs_status find_object(const struct rs_uri *uri, char path[PATH_MAX], struct rs_error *err)
{
    char name[80], tried[300];

    snprintf(name, sizeof name, "librs_%s_%s.so", uri->kind, uri->preset);
    if (!rs_find_file(name, path, tried, sizeof tried))
        return rs_fail(err, RS_ERR_DEVICE, "target %s:%s: no %s in %s. Build it with `make %s`, or name its folder in "
                       "RS_PLATFORM_PATH", uri->kind, uri->preset, name, tried, uri->kind);
    return RS_OK;
}

/* ---- registers ---------------------------------------------------------------------------------- */

static rs_status reg_write(struct handle *h, uint32_t core, uint32_t offset, uint32_t value, struct rs_error *err)
{
    if (h->api->reg_write(h->platform, core, offset, value))
        return RS_OK;
    return rs_fail(err, RS_ERR_DEVICE, "%s:%s core %u: write to register 0x%02x was not answered", h->api->kind,
                   h->api->config.preset, core, offset);
}

static rs_status reg_read(struct handle *h, uint32_t core, uint32_t offset, uint32_t *value, struct rs_error *err)
{
    if (h->api->reg_read(h->platform, core, offset, value))
        return RS_OK;
    return rs_fail(err, RS_ERR_DEVICE, "%s:%s core %u: read of register 0x%02x was not answered", h->api->kind,
                   h->api->config.preset, core, offset);
}

static rs_status reg_read64(struct handle *h, uint32_t core, uint32_t low, uint64_t *value, struct rs_error *err)
{
    uint32_t word[2] = {0, 0};
    rs_status status = reg_read(h, core, low, &word[0], err);

    if (status == RS_OK)
        status = reg_read(h, core, low + 4, &word[1], err);
    *value = (uint64_t)word[1] << 32 | word[0];
    return status;
}

static rs_status check_core(struct handle *h, uint32_t core, struct rs_error *err)
{
    const struct {
        uint32_t offset, want;
        const char *what;
    } words[] = {
        {RS_REG_MAGIC,   RS_ISA_MAGIC,               "magic number"},
        {RS_REG_VERSION, h->api->config.isa_version, "command set version"},
        {RS_REG_CONFIG,  h->api->config.config_hash, "configuration hash"},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint32_t found;
        const rs_status status = reg_read(h, core, words[i].offset, &found, err);

        if (status != RS_OK)
            return status;
        if (found != words[i].want)
            return rs_fail(err, RS_ERR_MISMATCH, "%s core %u: %s is 0x%08x, expected 0x%08x", h->object, core,
                           words[i].what, found, words[i].want);
    }
    return RS_OK;
}

/* ---- the interface ------------------------------------------------------------------------------ */

static rs_status create(struct handle *h, struct rs_error *err)
{
    char text[256] = "";

    h->platform = h->api->create(&h->options, text, sizeof text);
    if (h->platform == NULL)
        return rs_fail(err, RS_ERR_DEVICE, "%s: %s", h->object, *text != '\0' ? text : "could not be created");
    for (uint32_t core = 0; core < h->options.n_cores; core++) {
        rs_status status = check_core(h, core, err);

        if (status == RS_OK)
            status = reg_write(h, core, RS_REG_GIE, 1, err);
        if (status == RS_OK)
            status = reg_write(h, core, RS_REG_IER, 1, err);
        if (status != RS_OK) {
            h->api->destroy(h->platform);
            h->platform = NULL;
            return status;
        }
    }
    return RS_OK;
}

static rs_status check_api(const struct handle *h, const struct rs_uri *uri, struct rs_error *err)
{
    if (h->api == NULL || h->api->abi != RS_PLATFORM_ABI)
        return rs_fail(err, RS_ERR_MISMATCH, "%s: platform interface version %u, expected %u; build it again", h->object,
                       h->api != NULL ? h->api->abi : 0, RS_PLATFORM_ABI);
    if (strcmp(h->api->kind, uri->kind) != 0 || strcmp(h->api->config.preset, uri->preset) != 0)
        return rs_fail(err, RS_ERR_MISMATCH, "%s holds %s:%s, expected %s:%s", h->object, h->api->kind,
                       h->api->config.preset, uri->kind, uri->preset);
    if (h->api->config.isa_version != RS_ISA_VERSION)
        return rs_fail(err, RS_ERR_MISMATCH, "%s: command set version %u, this library speaks %u; build both again",
                       h->object, h->api->config.isa_version, RS_ISA_VERSION);
    return RS_OK;
}

static void platform_close(void *handle)
{
    struct handle *h = handle;

    if (h == NULL)
        return;
    if (h->platform != NULL)
        h->api->destroy(h->platform);
    rs_device_memory_clear(&h->memory);
    free(h->event);
    free(h);
}

static rs_status platform_open(const struct rs_uri *uri, void **handle, struct rs_error *err)
{
    const struct rs_platform_api *(*get)(void);
    struct handle *h = calloc(1, sizeof *h);
    void *object;
    rs_status status;

    if (h == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of host memory");
    status = find_object(uri, h->object, err);
    if (status != RS_OK)
        goto err_close;
    object = dlopen(h->object, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        status = rs_fail(err, RS_ERR_DEVICE, "target %s:%s: %s", uri->kind, uri->preset, dlerror());
        goto err_close;
    }
    *(void **)&get = dlsym(object, "rs_platform_get");
    if (get == NULL) {
        status = rs_fail(err, RS_ERR_DEVICE, "%s: no rs_platform_get() in it", h->object);
        goto err_close;
    }
    h->api = get();
    status = check_api(h, uri, err);
    if (status != RS_OK)
        goto err_close;
    h->options = (struct rs_platform_options){
        .n_cores = uri->cores, .mem_bytes = uri->mem_bytes, .mem_base = uri->mem_base,
        .timing = {.latency_cycles = uri->latency, .bytes_per_cycle = uri->bytes, .shared_bandwidth = uri->shared,
                   .max_outstanding = uri->outstanding, .hostile_seed = uri->hostile,
                   .fault_address = uri->fault_address, .fault_read = uri->fault_read,
                   .fault_write = uri->fault_write},
    };
    if (uri->trace) {
        h->options.trace = record;
        h->options.trace_context = h;
    }
    rs_device_memory_init(&h->memory, uri->mem_base, uri->mem_bytes);
    status = create(h, err);
    if (status != RS_OK)
        goto err_close;
    *handle = h;
    return RS_OK;

err_close:
    platform_close(h);
    return status;
}

static const struct rs_hw_config *platform_config(const void *handle)
{
    return &((const struct handle *)handle)->api->config;
}

static const char *platform_describe(const void *handle)
{
    return ((const struct handle *)handle)->object;
}

static rs_status platform_alloc(void *handle, size_t bytes, uint64_t *address, struct rs_error *err)
{
    return rs_device_memory_alloc(&((struct handle *)handle)->memory, bytes, address, err);
}

static void platform_release(void *handle, uint64_t address)
{
    rs_device_memory_release(&((struct handle *)handle)->memory, address);
}

static rs_status platform_write(void *handle, uint64_t address, const void *from, size_t bytes, struct rs_error *err)
{
    struct handle *h = handle;

    if (bytes != 0 && !h->api->mem_write(h->platform, address, from, bytes))
        return rs_fail(err, RS_ERR_DEVICE, "%zu bytes to device address 0x%llx were refused", bytes,
                       (unsigned long long)address);
    return RS_OK;
}

static rs_status platform_read(void *handle, uint64_t address, void *to, size_t bytes, struct rs_error *err)
{
    struct handle *h = handle;

    if (bytes != 0 && !h->api->mem_read(h->platform, address, to, bytes))
        return rs_fail(err, RS_ERR_DEVICE, "%zu bytes from device address 0x%llx were refused", bytes,
                       (unsigned long long)address);
    return RS_OK;
}

static rs_status platform_start(void *handle, uint32_t core, const uint64_t base[RS_N_BASES], uint32_t commands,
                                struct rs_error *err)
{
    struct handle *h = handle;
    rs_status status = RS_OK;

    for (uint32_t i = 0; i < RS_N_BASES && status == RS_OK; i++) {
        const uint32_t words[3] = {(uint32_t)base[i], (uint32_t)(base[i] >> 32), 0};

        for (uint32_t k = 0; k < 3 && status == RS_OK; k++)
            status = reg_write(h, core, RS_REG_BASE0 + 12 * i + 4 * k, words[k], err);
    }
    if (status == RS_OK)
        status = reg_write(h, core, RS_REG_COUNT, commands, err);
    return status != RS_OK ? status : reg_write(h, core, RS_REG_CTRL, 1, err);
}

static rs_status platform_step(void *handle, uint64_t cycles, uint32_t *done, struct rs_error *err)
{
    struct handle *h = handle;
    uint32_t lines;

    *done = 0;
    lines = h->api->interrupts(h->platform);
    if (lines == 0) {
        const uint64_t passed = h->api->advance(h->platform, cycles);

        lines = h->api->interrupts(h->platform);
        if (passed == 0 && lines == 0)
            return rs_fail(err, RS_ERR_DEVICE, "%s:%s: its clock stands still", h->api->kind, h->api->config.preset);
    }
    for (uint32_t core = 0; core < h->options.n_cores; core++) {
        uint32_t pending, control;
        rs_status status;

        if ((lines >> core & 1) == 0)
            continue;
        status = reg_read(h, core, RS_REG_ISR, &pending, err);
        if (status == RS_OK)
            status = reg_write(h, core, RS_REG_ISR, pending, err);      /* toggle on write: clears */
        if (status == RS_OK)
            status = reg_read(h, core, RS_REG_CTRL, &control, err);
        if (status != RS_OK)
            return status;
        if ((pending & 1) != 0 && (control & 2) != 0)
            *done |= 1u << core;
    }
    return RS_OK;
}

static rs_status platform_status(void *handle, uint32_t core, struct rs_core_status *to, struct rs_error *err)
{
    struct handle *h = handle;
    rs_status status = reg_read(h, core, RS_REG_STATUS, &to->error, err);

    if (status == RS_OK)
        status = reg_read64(h, core, RS_REG_ERR_LO, &to->error_address, err);
    return status != RS_OK ? status : reg_read64(h, core, RS_REG_CYCLES_LO, &to->cycles, err);
}

static uint64_t platform_clocks(void *handle)
{
    struct handle *h = handle;

    return h->api->clocks(h->platform);
}

static uint64_t platform_contention(void *handle, uint32_t core)
{
    struct handle *h = handle;

    return h->api->contention != NULL ? h->api->contention(h->platform, core) : 0;
}

static rs_status platform_events(void *handle, const struct rs_trace_event **events, size_t *n, struct rs_error *err)
{
    struct handle *h = handle;

    if (h->options.trace == NULL)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "the target was opened without trace=1");
    if (h->lost_events)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for more than %zu events", h->n_events);
    *events = h->event;
    *n = h->n_events;
    return RS_OK;
}

static rs_status platform_reset(void *handle, struct rs_error *err)
{
    struct handle *h = handle;

    h->api->destroy(h->platform);
    h->n_events = 0;
    return create(h, err);
}

static rs_status platform_wave(void *handle, const char *file, struct rs_error *err)
{
    struct handle *h = handle;

    if (h->api->wave == NULL || !h->api->wave(h->platform, file))
        return rs_fail(err, RS_ERR_UNSUPPORTED, "%s:%s: no waveform%s%s (sim has them, once `make sim-wave` has built "
                       "its tracing simulator; is the folder writable?)",
                       h->api->kind, h->api->config.preset, file != NULL ? " into " : "", file != NULL ? file : "");
    return RS_OK;
}

const struct rs_backend rs_backend_platform = {
    .kind = "emu, sim", .open = platform_open, .close = platform_close, .config = platform_config,
    .describe = platform_describe, .alloc = platform_alloc, .release = platform_release, .write = platform_write,
    .read = platform_read, .start = platform_start, .step = platform_step, .status = platform_status,
    .clocks = platform_clocks, .contention = platform_contention, .reset = platform_reset, .wave = platform_wave,
    .events = platform_events,
};
