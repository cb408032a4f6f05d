/* emulation.c - our accelerator in an xclbin: its description as text and as kernel, units and memories. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel.h"
#include "xclbin.h"

/* K(key, field, bytes): the numbers of struct rs_emulation, in the order of the text. */
#define CONFIG_KEYS(K)                                                                              \
    K(config_hash, config.config_hash) K(isa_version, config.isa_version) K(rows, config.rows)      \
    K(cols, config.cols) K(block, config.block) K(axi_bytes, config.axi_bytes)                      \
    K(filter_words, config.filter_words) K(window_words, config.window_words)                       \
    K(acc_entries, config.acc_entries) K(glb_blocks, config.glb_blocks)                             \
    K(wbuf_words, config.wbuf_words) K(add_lanes, config.add_lanes) \
    K(psum_words, config.psum_words) K(max_pairs, config.max_pairs) K(wide, config.wide) K(requantize_clocks, config.requantize_clocks)
#define DEVICE_KEYS(K)                                                                              \
    K(cores, cards_cores) K(banks, banks) K(bank_bytes, bank_bytes) K(memory_base, memory_base)     \
    K(latency, timing.latency_cycles) K(bytes, timing.bytes_per_cycle)                              \
    K(shared, timing.shared_bandwidth) K(outstanding, timing.max_outstanding)                       \
    K(hostile, timing.hostile_seed) K(fault_address, timing.fault_address)                          \
    K(fault_read, timing.fault_read) K(fault_write, timing.fault_write) K(clock, clock_mhz)

void rs_emulation_text(const struct rs_emulation *e, char text[RS_EMULATION_TEXT_MAX])
{
    size_t at = (size_t)snprintf(text, RS_EMULATION_TEXT_MAX, "rowstation 1\npreset %s\n", e->config.preset);

#define SAY(key, field) at += (size_t)snprintf(text + at, RS_EMULATION_TEXT_MAX - at, #key " 0x%" PRIx64 "\n", (uint64_t)e->field);
    CONFIG_KEYS(SAY)
    if (e->kind[0] == '\0')
        return;
    at += (size_t)snprintf(text + at, RS_EMULATION_TEXT_MAX - at, "kind %s\n", e->kind);
    DEVICE_KEYS(SAY)
}

rs_status rs_emulation_parse(const char *text, size_t size, struct rs_emulation *e, struct rs_error *err)
{
    const char *end = text + size;
    bool first = true, hash = false;

    memset(e, 0, sizeof *e);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const size_t length = (size_t)((newline != NULL ? newline : end) - text);
        char line[128], *value;
        bool known = false;

        if (length >= sizeof line)
            return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: a line of %zu characters", length);
        memcpy(line, text, length);
        line[length] = '\0';
        text += length + 1;
        if (length == 0)
            continue;
        value = strchr(line, ' ');
        if (value == NULL)
            return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: 'KEY VALUE' is expected, found '%.64s'", line);
        *value++ = '\0';
        if (first && (strcmp(line, "rowstation") != 0 || strcmp(value, "1") != 0))
            return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: 'rowstation 1' is expected, found '%.32s %.32s'",
                           line, value);
        first = false;
        if (strcmp(line, "rowstation") == 0)
            continue;
        if (strcmp(line, "preset") == 0 || strcmp(line, "kind") == 0) {
            const bool preset = line[0] == 'p';

            if (strlen(value) >= (preset ? sizeof e->config.preset : sizeof e->kind) ||
                strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(value))
                return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: %s '%.64s'", line, value);
            strcpy(preset ? e->config.preset : e->kind, value);
            continue;
        }
#define TAKE(key, field)                                                                                         \
        if (strcmp(line, #key) == 0) {                                                                           \
            const uint64_t n = strtoull(value, NULL, 0);                                                         \
            known = true;                                                                                        \
            if (n > (sizeof e->field == 8 ? UINT64_MAX : sizeof e->field == 4 ? UINT32_MAX : 1))                 \
                return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: %s %.32s", line, value);     \
            e->field = n;                                                                                        \
        }
        CONFIG_KEYS(TAKE)
        DEVICE_KEYS(TAKE)
        if (!known)
            return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: unknown key '%.64s'", line);
        hash = hash || strcmp(line, "config_hash") == 0;
    }
    if (first || !hash || e->config.preset[0] == '\0')
        return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: no preset or configuration hash in it");
    if (e->kind[0] != '\0' && (e->cards_cores < 1 || e->cards_cores > 2 || e->banks < 1 || e->banks > 4 ||
                               e->bank_bytes < 65536 || e->bank_bytes > (uint64_t)1 << 40))
        return rs_fail(err, RS_ERR_FORMAT, "description of the accelerator: %u compute units, %u banks of %llu bytes",
                       e->cards_cores, e->banks, (unsigned long long)e->bank_bytes);
    return RS_OK;
}

static void describe_arg(struct rs_xclbin_arg *a, uint32_t id, const char *name, uint32_t offset, uint32_t bytes,
                         uint32_t qualifier, const char *type)
{
    *a = (struct rs_xclbin_arg){.id = id, .qualifier = qualifier, .offset = offset, .bytes = bytes};
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(a->port, sizeof a->port, "%s", qualifier == 1 ? RS_KERNEL_MASTER : RS_KERNEL_CONTROL);
    snprintf(a->type, sizeof a->type, "%s", type);
}

static void describe_kernel(struct rs_xclbin_kernel *kernel)
{
    strcpy(kernel->name, RS_KERNEL_NAME);
#define ARG(index, name, offset, bytes, qualifier, type) \
    describe_arg(&kernel->args[index], index, #name, offset, bytes, qualifier, type);
    RS_KERNEL_ARGS(ARG)
    kernel->n_args = RS_KERNEL_N_ARGS;
}

/* XRT starts this in the folder that it has unpacked the xclbin into; the environment may name another device. */
#define SCRIPT "#!/bin/sh\n" \
    "# Made by rowstation: the device process of an emulated card.\n" \
    "exec \"${ROWSTATION_XRT_DEVICE:-%s}\" rowstation.cfg \"$@\" >/dev/null 2>&1\n"

rs_status rs_emulation_xclbin(const struct rs_emulation *e, const char *device, uint8_t **bytes, size_t *size,
                              struct rs_error *err)
{
    char text[RS_EMULATION_TEXT_MAX], script[4096 + sizeof SCRIPT];
    struct rs_zip_file files[2];
    struct rs_xclbin *x;
    rs_status status;

    if ((size_t)snprintf(script, sizeof script, SCRIPT, device) >= sizeof script || strpbrk(device, "\"$`\\\n") != NULL)
        return rs_fail(err, RS_ERR_RANGE, "device process '%.100s': a shorter name, without quotes, $ and \\, is expected", device);
    x = calloc(1, sizeof *x);
    if (x == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    rs_emulation_text(e, text);
    files[0] = (struct rs_zip_file){"behav_waveform/xsim/simulate.sh", script, strlen(script), true};
    files[1] = (struct rs_zip_file){"behav_waveform/xsim/rowstation.cfg", text, strlen(text), false};
    x->mode = RS_XCLBIN_HW_EMU;
    strcpy(x->platform, "rowstation:emulation:1:0");
    strcpy(x->project, "rowstation");
    strcpy(x->part, "virtexuplus:xcu250:figd2104:-2L-e");
    x->n_kernels = 1;
    describe_kernel(&x->kernels[0]);
    x->n_clocks = 1;
    x->clocks[0] = (struct rs_xclbin_clock){.name = "DATA_CLK", .mhz = (uint16_t)e->clock_mhz, .type = 1};
    x->n_memories = e->banks;
    for (uint32_t i = 0; i < e->banks; i++) {
        x->memories[i] = (struct rs_xclbin_memory){.type = RS_MEMORY_DDR4, .used = true, .kilobytes = e->bank_bytes / 1024,
                                                   .base = e->memory_base + i * e->bank_bytes};
        snprintf(x->memories[i].tag, sizeof x->memories[i].tag, "bank%u", i);
    }
    x->n_cus = e->cards_cores;
    for (uint32_t i = 0; i < x->n_cus; i++) {
        x->cus[i].base = RS_EMULATION_CU_BASE + i * RS_EMULATION_CU_STEP;
        snprintf(x->cus[i].name, sizeof x->cus[i].name, RS_KERNEL_NAME ":" RS_KERNEL_NAME "_%u", i + 1);
        for (uint32_t a = 0; a < RS_KERNEL_N_ARGS; a++)
            if (x->kernels[0].args[a].qualifier == 1)
                x->connections[x->n_connections++] = (struct rs_xclbin_connection){a, i, e->banks - 1};
    }
    status = rs_xclbin_write(x, files, 2, text, bytes, size, err);
    free(x);
    return status;
}

rs_status rs_xclbin_check_kernel(const struct rs_xclbin *x, const char *name, struct rs_error *err)
{
    static const struct { const char *name; uint32_t offset, bytes, qualifier; } want[] = {
#define WANT(index, arg_name, register_offset, arg_bytes, address_qualifier, c_type) \
        {#arg_name, register_offset, arg_bytes, address_qualifier},
        RS_KERNEL_ARGS(WANT)
    };
    const struct rs_xclbin_kernel *kernel = NULL;
    char list[400] = "";
    size_t at = 0;

    for (uint32_t i = 0; i < x->n_kernels; i++) {
        if (strcmp(x->kernels[i].name, name) == 0)
            kernel = &x->kernels[i];
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.64s", i != 0 ? ", " : "", x->kernels[i].name);
    }
    if (kernel == NULL)
        return rs_fail(err, RS_ERR_MISMATCH, "xclbin has no kernel '%s'; it has: %s", name, x->n_kernels != 0 ? list : "none");
    at = 0;
    list[0] = '\0';
#define DIFFERS(...) do { if (at < sizeof list) at += (size_t)snprintf(list + at, sizeof list - at, __VA_ARGS__); } while (0)
    if (kernel->n_args != RS_KERNEL_N_ARGS)
        DIFFERS("; %u arguments, expected %d", kernel->n_args, RS_KERNEL_N_ARGS);
    for (uint32_t i = 0; i < RS_KERNEL_N_ARGS && i < kernel->n_args; i++) {
        const struct rs_xclbin_arg *a = &kernel->args[i];

        if (strcmp(a->name, want[i].name) != 0)
            DIFFERS("; argument %u is '%s', expected '%s'", i, a->name, want[i].name);
        if (a->id != i)
            DIFFERS("; argument %s has id %u, expected %u", want[i].name, a->id, i);
        if (a->offset != want[i].offset)
            DIFFERS("; argument %s at 0x%x, expected 0x%x", want[i].name, a->offset, want[i].offset);
        if (a->bytes != want[i].bytes)
            DIFFERS("; argument %s has %u bytes, expected %u", want[i].name, a->bytes, want[i].bytes);
        if (a->qualifier != want[i].qualifier)
            DIFFERS("; argument %s has addressQualifier %u, expected %u", want[i].name, a->qualifier, want[i].qualifier);
    }
    return list[0] == '\0' ? RS_OK
        : rs_fail(err, RS_ERR_MISMATCH, "kernel '%s' of the xclbin is not the one this driver speaks to%s", name, list);
}

const char *rs_xclbin_mode_name(uint16_t mode)
{
    switch (mode) {
    case RS_XCLBIN_HW: case RS_XCLBIN_HW_PR:         return "hw";
    case RS_XCLBIN_HW_EMU: case RS_XCLBIN_HW_EMU_PR: return "hw_emu";
    case RS_XCLBIN_SW_EMU:                           return "sw_emu";
    }
    return "unknown";
}
