/* uri.c - names of devices: what they may hold, and what stands in for one that was not given. */
#include "uri.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEM_BASE 0x4000000000u      /* bank 0 of an Alveo U250: high, so that a cut address shows */
#define DEFAULT_CLOCK_MHZ 250u

/* A number, decimal or 0x, with an optional K, M or G; the whole of [text, end). */
static bool number(const char *text, size_t length, bool suffix, uint64_t *value)
{
    char copy[32], *end;
    unsigned shift = 0;

    if (length == 0 || length >= sizeof copy || text[0] < '0' || text[0] > '9')
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    errno = 0;
    *value = strtoull(copy, &end, 0);
    if (errno != 0)
        return false;
    if (suffix && *end != '\0') {
        shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
        if (shift == 0 || *value > UINT64_MAX >> shift)
            return false;
        *value <<= shift;
        end++;
    }
    return *end == '\0';
}

static rs_status set_option(struct rs_uri *u, const char *name, size_t name_length, const char *value,
                            size_t value_length, struct rs_error *err)
{
    const struct option {
        const char *name;
        void *to;
        unsigned bytes;                     /* of *to: 1, 4 or 8 */
        uint64_t min, max;
        bool *flag;
    } options[] = {
        {"latency",     &u->latency,        4, 1, 100000, NULL},
        {"bytes",       &u->bytes,          4, 1, 4096, NULL},
        {"shared",      &u->shared,         1, 0, 1, NULL},
        {"outstanding", &u->outstanding,    4, 1, 1024, NULL},
        {"hostile",     &u->hostile,        8, 0, UINT64_MAX, NULL},
        {"cores",       &u->cores,          4, 1, 2, NULL},
        {"mem",         &u->mem_bytes,      8, 65536, (uint64_t)1 << 40, NULL},
        {"base",        &u->mem_base,       8, 0, (uint64_t)1 << 62, NULL},
        {"clock",       &u->clock_mhz,      4, 1, 10000, NULL},
        {"timeout",     &u->timeout_cycles, 8, 0, UINT64_MAX, NULL},
        {"pace",        &u->pace,           4, 0, 1000000, NULL},
        {"trace",       &u->trace,          1, 0, 1, NULL},
        {"replay",      &u->replay,         4, 0, 1024, NULL},
        {"fault_read",  &u->fault_address,  8, 0, UINT64_MAX, &u->fault_read},
        {"fault_write", &u->fault_address,  8, 0, UINT64_MAX, &u->fault_write},
    }, cpu_options[] = {
        {"threads",     &u->threads,        4, 1, 256, NULL},
    }, xrt_options[] = {
        {"cores",       &u->cores,          4, 1, 2, NULL},
        {"clock",       &u->clock_mhz,      4, 1, 10000, NULL},
        {"timeout",     &u->timeout_cycles, 8, 0, UINT64_MAX, NULL},
        {"shared_cu",   &u->shared_cu,      4, 0, 1, NULL},
        {"selftest",    &u->self_test,      4, 0, 1, NULL},
        {"wait",        &u->wait_seconds,   4, 1, 3600, NULL},
        {"stall",       &u->stall_seconds,  4, 1, 3600, NULL},
    };
    const struct { const char *name; char *to; size_t size; } texts[] = {
        {"xclbin", u->xclbin, sizeof u->xclbin}, {"kernel", u->kernel, sizeof u->kernel}, {"cu", u->cu, sizeof u->cu}};
    const bool xrt = strcmp(u->kind, "xrt") == 0, cpu = strcmp(u->kind, "cpu") == 0;
    const struct option *const known = xrt ? xrt_options : cpu ? cpu_options : options;
    const size_t n_options = xrt ? sizeof xrt_options / sizeof xrt_options[0] :
                             cpu ? sizeof cpu_options / sizeof cpu_options[0] : sizeof options / sizeof options[0];

    for (size_t i = 0; xrt && i < sizeof texts / sizeof texts[0]; i++)
        if (strlen(texts[i].name) == name_length && memcmp(texts[i].name, name, name_length) == 0) {
            if (value_length == 0 || value_length >= texts[i].size)
                return rs_fail(err, RS_ERR_ARG, "target option %s: 1 to %zu characters are expected, found %zu", texts[i].name,
                               texts[i].size - 1, value_length);
            memcpy(texts[i].to, value, value_length);
            texts[i].to[value_length] = '\0';
            return RS_OK;
        }

    if (cpu && name_length == strlen("rounding") && memcmp(name, "rounding", name_length) == 0) {
        u->round_onnx = value_length == strlen("onnx") && memcmp(value, "onnx", value_length) == 0;
        if (!u->round_onnx && (value_length != strlen("double") || memcmp(value, "double", value_length) != 0))
            return rs_fail(err, RS_ERR_ARG, "target option rounding: onnx or double is expected, found '%.*s'", (int)value_length, value);
        return RS_OK;
    }

    for (size_t i = 0; i < n_options; i++) {
        const struct option *o = &known[i];
        uint64_t n;

        if (strlen(o->name) != name_length || memcmp(o->name, name, name_length) != 0)
            continue;
        if (!number(value, value_length, o->bytes == 8, &n))
            return rs_fail(err, RS_ERR_ARG, "target option %s=%.*s: a number is expected", o->name,
                           (int)value_length, value);
        if (n < o->min || n > o->max)
            return rs_fail(err, RS_ERR_RANGE, "target option %s=%.*s: expected %llu to %llu", o->name,
                           (int)value_length, value, (unsigned long long)o->min, (unsigned long long)o->max);
        if (o->bytes == 1)
            *(bool *)o->to = n != 0;
        else if (o->bytes == 4)
            *(uint32_t *)o->to = (uint32_t)n;
        else
            *(uint64_t *)o->to = n;
        if (o->flag != NULL)
            *o->flag = true;
        return RS_OK;
    }
    if (cpu)
        return rs_fail(err, RS_ERR_ARG, "unknown target option '%.*s'; known for cpu: rounding, threads", (int)name_length, name);
    if (xrt)
        return rs_fail(err, RS_ERR_ARG, "unknown target option '%.*s'; known for xrt: xclbin, kernel, cu, cores, clock, timeout, "
                       "shared_cu, selftest, wait, stall", (int)name_length, name);
    return rs_fail(err, RS_ERR_ARG, "unknown target option '%.*s'; known: latency, bytes, shared, outstanding, hostile, "
                   "cores, mem, base, clock, timeout, pace, replay, trace, fault_read, fault_write", (int)name_length, name);
}

rs_status rs_uri_parse(const char *text, struct rs_uri *uri, struct rs_error *err)
{
    struct rs_uri u = {.cores = 1, .threads = 1, .mem_base = DEFAULT_MEM_BASE, .mem_bytes = (uint64_t)1 << 30,
                       .clock_mhz = DEFAULT_CLOCK_MHZ, .kernel = "rs", .self_test = 2, .wait_seconds = 60, .stall_seconds = 5};
    const size_t kind = text != NULL ? strcspn(text, ":?") : 0;
    const char *at;
    bool cpu, xrt;

    if (text == NULL || uri == NULL)
        return rs_fail(err, RS_ERR_ARG, "no target name given");
    if (kind != 3 || (strncmp(text, "cpu", 3) != 0 && strncmp(text, "emu", 3) != 0 && strncmp(text, "sim", 3) != 0 &&
                      strncmp(text, "xrt", 3) != 0))
        return rs_fail(err, RS_ERR_ARG, "unknown target '%.*s'; expected cpu, emu[:PRESET], sim[:PRESET] or xrt:INDEX",
                       (int)(kind < 64 ? kind : 64), text);
    memcpy(u.kind, text, kind);
    cpu = strcmp(u.kind, "cpu") == 0;
    xrt = strcmp(u.kind, "xrt") == 0;
    if (xrt)
        u.clock_mhz = 0;                        /* the xclbin says */
    at = text + kind;
    if (*at == ':') {
        const size_t length = strcspn(++at, "?");

        if (cpu)
            return rs_fail(err, RS_ERR_ARG, "target 'cpu' takes no preset, found '%.64s'", at);
        if (xrt && (length == 0 || length >= sizeof u.preset ||
                    (strspn(at, "0123456789") != length && strspn(at, "0123456789abcdefABCDEF:.") != length)))
            return rs_fail(err, RS_ERR_ARG, "target '%.64s': a card is an index or a BDF such as 0000:3b:00.1", text);
        if (!xrt && (length == 0 || length >= sizeof u.preset || strspn(at, "abcdefghijklmnopqrstuvwxyz"
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") < length))
            return rs_fail(err, RS_ERR_ARG, "target '%.64s': a preset is 1 to %zu letters, digits, _ or -", text,
                           sizeof u.preset - 1);
        memcpy(u.preset, at, length);
        at += length;
    } else if (!cpu) {
        strcpy(u.preset, xrt ? "0" : "default");
    }
    if (*at == '?') {
        for (at++; *at != '\0';) {
            const size_t length = strcspn(at, "&");
            const size_t name = strcspn(at, "=&");
            rs_status status;

            if (name >= length)
                return rs_fail(err, RS_ERR_ARG, "target option '%.*s': NAME=VALUE is expected", (int)length, at);
            status = set_option(&u, at, name, at + name + 1, length - name - 1, err);
            if (status != RS_OK)
                return status;
            at += length;
            at += *at == '&';
        }
    }
    if (u.fault_read && u.fault_write)
        return rs_fail(err, RS_ERR_ARG, "target options fault_read and fault_write exclude each other");
    if (u.mem_base % 4096 != 0)
        return rs_fail(err, RS_ERR_RANGE, "target option base=0x%llx is no multiple of 4096",
                       (unsigned long long)u.mem_base);
    *uri = u;
    return RS_OK;
}

const char *rs_uri_choose(const char *uri, const char **note, struct rs_error *err)
{
    const char *environment;

    *note = NULL;
    if (uri != NULL)
        return uri;
    environment = getenv("ROWSTATION_TARGET");
    if (environment != NULL && *environment != '\0')
        return environment;
    environment = getenv("XCL_EMULATION_MODE");
    if (environment == NULL || *environment == '\0')
        return "cpu";
    if (strcmp(environment, "sw_emu") == 0) {
        *note = "XCL_EMULATION_MODE=sw_emu: using target emu";
        return "emu";
    }
    if (strcmp(environment, "hw_emu") == 0) {
        *note = "XCL_EMULATION_MODE=hw_emu: using target sim";
        return "sim";
    }
    (void)rs_fail(err, RS_ERR_ARG, "XCL_EMULATION_MODE=%.64s: expected sw_emu or hw_emu; or set ROWSTATION_TARGET",
                  environment);
    return NULL;
}
