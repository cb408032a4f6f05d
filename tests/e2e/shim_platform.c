/*
 * shim_platform.c - platforms that do what no sound one does, around librs_emu_default.so; SHIM names which.
 *
 *   hang   the start is lost: the core says that it has started, and never finishes
 *   flip   one bit of the packed filters is wrong in device memory: byte RS_SHIM_BYTE of them (default 0)
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "isa.h"
#include "platform.h"

#ifndef SHIM
#error "-DSHIM=\"hang\" or \"flip\""
#endif

static const struct rs_platform_api *real;
static struct rs_platform_api shim;
static uint64_t image_base;
static bool lost[2];                       /* starts                                               */

static void flip(struct rs_platform *p)
{
    static uint64_t flipped_at;
    static uint8_t good;
    const char *text = getenv("RS_SHIM_BYTE");
    const uint64_t address = image_base + (text != NULL ? strtoull(text, NULL, 0) : 0);
    uint8_t bad;

    if (address != flipped_at)
        (void)real->mem_read(p, address, &good, 1);
    flipped_at = address;
    bad = good ^ 0x40;
    (void)real->mem_write(p, address, &bad, 1);
}

static bool reg_write(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t value)
{
    if (offset == RS_REG_BASE1)
        image_base = (image_base & ~(uint64_t)0xFFFFFFFF) | value;
    if (offset == RS_REG_BASE1 + 4)
        image_base = (image_base & 0xFFFFFFFF) | (uint64_t)value << 32;
    if (offset == RS_REG_CTRL && (value & 1) != 0 && strcmp(SHIM, "flip") == 0)
        flip(p);
    if (offset == RS_REG_CTRL && strcmp(SHIM, "hang") == 0) {
        lost[core & 1] = lost[core & 1] || (value & 1) != 0;
        return true;
    }
    return real->reg_write(p, core, offset, value);
}

static bool reg_read(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t *value)
{
    const bool good = real->reg_read(p, core, offset, value);

    if (offset == RS_REG_CTRL && lost[core & 1])
        *value = 1;
    return good;
}

const struct rs_platform_api *rs_platform_get(void);

__attribute__((visibility("default"))) const struct rs_platform_api *rs_platform_get(void)
{
    const struct rs_platform_api *(*get)(void);
    char path[4096];
    void *object;

    snprintf(path, sizeof path, "%s/librs_emu_default.so", getenv("RS_BUILD") != NULL ? getenv("RS_BUILD") : "build");
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return NULL;
    *(void **)&get = dlsym(object, "rs_platform_get");
    real = get();
    shim = *real;
    snprintf(shim.config.preset, sizeof shim.config.preset, "%s", SHIM);
    shim.reg_write = reg_write;
    shim.reg_read = reg_read;
    return &shim;
}
