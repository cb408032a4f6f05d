/*
 * write.c - rs_xclbin_write(): an xclbin for XRT's hw_emu.
 *
 * Sections in the order in which Vitis has them.  The uuid is a hash of all bytes, so that two different designs
 * never carry the same one, and the same design always does.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel.h"
#include "layout.h"
#include "zip.h"

#define XRT_CU_LIMIT 0x8000000000u                /* above, XRT's emulation takes registers for memory */

struct section { uint32_t kind; const char *name; uint8_t *data; size_t bytes; };

static void put(uint8_t *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* Text that grows; after a failed allocation it stays NULL. */
struct xml_text { char *text; size_t bytes, room; bool failed; };

__attribute__((format(printf, 2, 3)))
static void say(struct xml_text *t, const char *format, ...)
{
    va_list args;
    int length;

    for (int again = 0; again < 2 && !t->failed; again++) {
        va_start(args, format);
        length = vsnprintf(t->text != NULL ? t->text + t->bytes : NULL, t->room - t->bytes, format, args);
        va_end(args);
        if ((size_t)length < t->room - t->bytes) {
            t->bytes += (size_t)length;
            return;
        }
        const size_t room = 2 * t->room + (size_t)length + 1;
        char *grown = realloc(t->text, room);

        t->failed = grown == NULL;
        if (grown != NULL) {
            t->text = grown;
            t->room = room;
        }
    }
}

static void metadata(const struct rs_xclbin *x, struct xml_text *t)
{
    say(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<project name=\"%s\">\n"
        " <platform vendor=\"rowstation\" boardid=\"%s\" name=\"1\" featureRomTime=\"0\">\n"
        "  <version major=\"1\" minor=\"0\"/>\n"
        "  <device name=\"fpga0\" fpgaDevice=\"%s\" addrWidth=\"0\">\n"
        "   <core name=\"OCL_REGION_0\" target=\"hw_em\" type=\"clc_region\" clockFreq=\"0MHz\" numComputeUnits=\"60\">\n"
        "    <kernelClocks><clock port=\"KERNEL_CLK\" frequency=\"%u.0MHz\"/></kernelClocks>\n",
        x->project, x->project, x->part, x->n_clocks != 0 ? x->clocks[0].mhz : 300);
    for (uint32_t k = 0; k < x->n_kernels; k++) {
        const struct rs_xclbin_kernel *kernel = &x->kernels[k];
        const size_t length = strlen(kernel->name);

        say(t, "    <kernel name=\"%s\" language=\"ip_c\" vlnv=\"%s\" attributes=\"\" preferredWorkGroupSizeMultiple=\"0\" "
            "workGroupSize=\"1\" debug=\"false\" interrupt=\"true\" hwControlProtocol=\"ap_ctrl_hs\" type=\"pl\">\n"
            "     <port name=\"" RS_KERNEL_MASTER "\" mode=\"master\" range=\"0xFFFFFFFFFFFFFFFF\" dataWidth=\"512\" "
            "portType=\"addressable\" base=\"0x0\"/>\n"
            "     <port name=\"" RS_KERNEL_CONTROL "\" mode=\"slave\" range=\"0x%X\" dataWidth=\"32\" portType=\"addressable\" "
            "base=\"0x0\"/>\n", kernel->name, RS_KERNEL_VLNV, RS_REG_SPACE);
        for (uint32_t i = 0; i < kernel->n_args; i++) {
            const struct rs_xclbin_arg *a = &kernel->args[i];

            say(t, "     <arg name=\"%s\" addressQualifier=\"%u\" id=\"%u\" port=\"%s\" size=\"0x%X\" offset=\"0x%X\" "
                "hostOffset=\"0x0\" hostSize=\"0x%X\" type=\"%s\"/>\n", a->name, a->qualifier, a->id, a->port, a->bytes,
                a->offset, a->bytes, a->type);
        }
        for (uint32_t i = 0; i < x->n_cus; i++)
            if (strncmp(x->cus[i].name, kernel->name, length) == 0 && x->cus[i].name[length] == ':')
                say(t, "     <instance name=\"%s\"><addrRemap base=\"0x%" PRIX64 "\" port=\"" RS_KERNEL_CONTROL
                    "\"/></instance>\n", x->cus[i].name + length + 1, x->cus[i].base);
        say(t, "    </kernel>\n");
    }
    say(t, "   </core>\n  </device>\n </platform>\n</project>\n");
}

static rs_status check(const struct rs_xclbin *x, struct rs_error *err)
{
    if (x->n_kernels == 0 || x->n_kernels > RS_XCLBIN_MAX_KERNELS || x->n_cus == 0 || x->n_cus > RS_XCLBIN_MAX_CUS ||
        x->n_memories == 0 || x->n_memories > RS_XCLBIN_MAX_MEMORIES || x->n_connections > RS_XCLBIN_MAX_CONNECTIONS ||
        x->n_clocks > RS_XCLBIN_MAX_CLOCKS)
        return rs_fail(err, RS_ERR_RANGE, "xclbin: %u kernels, %u units, %u memories, %u connections", x->n_kernels, x->n_cus,
                       x->n_memories, x->n_connections);
    for (uint32_t i = 0; i < x->n_cus; i++)
        if (x->cus[i].base % 256 != 0 || x->cus[i].base >= XRT_CU_LIMIT || (i != 0 && x->cus[i].base <= x->cus[i - 1].base))
            return rs_fail(err, RS_ERR_RANGE, "xclbin: unit %s at 0x%llx: a multiple of 256 below 0x%llx, ascending, is expected",
                           x->cus[i].name, (unsigned long long)x->cus[i].base, (unsigned long long)XRT_CU_LIMIT);
    for (uint32_t i = 0; i < x->n_memories; i++)
        if (x->memories[i].base % 4096 != 0)
            return rs_fail(err, RS_ERR_RANGE, "xclbin: memory %s at 0x%llx is no multiple of 4096", x->memories[i].tag,
                           (unsigned long long)x->memories[i].base);
    if (strncmp(x->part, "versal:", 7) == 0)
        return rs_fail(err, RS_ERR_RANGE, "xclbin: part %s: XRT emulates Versal in another way", x->part);
    return RS_OK;
}

static void fill_memories(const struct rs_xclbin *x, uint8_t *p)
{
    put(p, x->n_memories, 4);
    for (uint32_t i = 0; i < x->n_memories; i++) {
        uint8_t *m = p + 8 + 40 * i;

        m[0] = x->memories[i].type;
        m[1] = x->memories[i].used;
        put(m + 8, x->memories[i].kilobytes, 8);
        put(m + 16, x->memories[i].base, 8);
        memcpy(m + 24, x->memories[i].tag, strnlen(x->memories[i].tag, 15));
    }
}

static void fill_units(const struct rs_xclbin *x, uint8_t *p)
{
    put(p, x->n_cus, 4);
    for (uint32_t i = 0; i < x->n_cus; i++) {
        uint8_t *u = p + 8 + 80 * i;

        put(u, IP_KERNEL, 4);
        put(u + 4, x->cus[i].properties, 4);
        put(u + 8, x->cus[i].base, 8);
        memcpy(u + 16, x->cus[i].name, strnlen(x->cus[i].name, 63));
    }
}

static void fill_connections(const struct rs_xclbin *x, uint8_t *p)
{
    put(p, x->n_connections, 4);
    for (uint32_t i = 0; i < x->n_connections; i++) {
        put(p + 4 + 12 * i, x->connections[i].arg, 4);
        put(p + 8 + 12 * i, x->connections[i].cu, 4);
        put(p + 12 + 12 * i, x->connections[i].memory, 4);
    }
}

static void fill_clocks(const struct rs_xclbin *x, uint8_t *p)
{
    put(p, x->n_clocks, 2);
    for (uint32_t i = 0; i < x->n_clocks; i++) {
        put(p + 2 + 136 * i, x->clocks[i].mhz, 2);
        p[4 + 136 * i] = x->clocks[i].type;
        memcpy(p + 10 + 136 * i, x->clocks[i].name, strnlen(x->clocks[i].name, 127));
    }
}

/* FNV-1a, four lanes with different starts: an identifier, not a signature. */
static void identify(const uint8_t *bytes, size_t size, uint8_t uuid[16])
{
    for (uint32_t lane = 0; lane < 4; lane++) {
        uint32_t h = 2166136261u + lane * 0x9E3779B9u;

        for (size_t i = 0; i < size; i++)
            h = (h ^ bytes[i]) * 16777619u;
        put(uuid + 4 * lane, h, 4);
    }
    uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x80);      /* version 8: custom, variant 1                */
    uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
}

rs_status rs_xclbin_write(const struct rs_xclbin *x, const struct rs_zip_file *files, size_t n_files, const char *user,
                          uint8_t **bytes, size_t *size, struct rs_error *err)
{
    struct xml_text xml = {NULL, 0, 0, false};
    rs_status status = check(x, err);
    uint8_t *out, *header;
    size_t at;

    if (status != RS_OK)
        return status;
    metadata(x, &xml);
    struct section sections[] = {
        {RS_XCLBIN_BITSTREAM, "emulation", NULL, rs_zip_bytes(files, n_files)},
        {RS_XCLBIN_EMBEDDED_METADATA, "metadata", (uint8_t *)xml.text, xml.bytes},
        {RS_XCLBIN_MEM_TOPOLOGY, "mem_topology", NULL, 8 + 40 * (size_t)x->n_memories},
        {RS_XCLBIN_CONNECTIVITY, "connectivity", NULL, 4 + 12 * (size_t)x->n_connections},
        {RS_XCLBIN_IP_LAYOUT, "ip_layout", NULL, 8 + 80 * (size_t)x->n_cus},
        {RS_XCLBIN_CLOCK_FREQ_TOPOLOGY, "clock_freq", NULL, 2 + 136 * (size_t)x->n_clocks},
        {RS_XCLBIN_USER_METADATA, "rowstation", NULL, strlen(user)},
    };
    const size_t n = sizeof sections / sizeof sections[0];

    at = AXLF_HEAD + SECTION_HEAD * n;
    for (size_t i = 0; i < n; i++)
        at = (at + 7) / 8 * 8 + sections[i].bytes;
    out = xml.failed ? NULL : calloc(1, at);
    if (out == NULL) {
        free(xml.text);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory for an xclbin of %zu bytes", at);
    }
    *size = at;
    memcpy(out, AXLF_MAGIC, 8);
    memset(out + 8, 0xFF, 32);                         /* no signature, and reserved bytes             */
    header = out + AXLF_HEADER;
    put(header + HEADER_LENGTH, *size, 8);
    put(header + HEADER_VERSION, 2, 2);
    header[HEADER_VERSION + 2] = 2;                    /* 2.13.2: the XRT that this was tried with     */
    header[HEADER_VERSION + 3] = 13;
    put(header + HEADER_MODE, x->mode, 2);
    memcpy(header + HEADER_ROM_UUID, x->interface_uuid, 16);
    memcpy(header + HEADER_VBNV, x->platform, strnlen(x->platform, 63));
    put(header + HEADER_SECTIONS, n, 4);
    at = AXLF_HEAD + SECTION_HEAD * n;
    for (size_t i = 0; i < n; i++) {
        uint8_t *s = out + AXLF_HEAD + SECTION_HEAD * i;

        at = (at + 7) / 8 * 8;
        put(s, sections[i].kind, 4);
        memcpy(s + 4, sections[i].name, strlen(sections[i].name));
        put(s + 24, at, 8);
        put(s + 32, sections[i].bytes, 8);
        sections[i].data = out + at;
        at += sections[i].bytes;
    }
    rs_zip_write(files, n_files, sections[0].data);
    memcpy(sections[1].data, xml.text, xml.bytes);
    fill_memories(x, sections[2].data);
    fill_connections(x, sections[3].data);
    fill_units(x, sections[4].data);
    fill_clocks(x, sections[5].data);
    memcpy(sections[6].data, user, strlen(user));
    identify(out, *size, header + HEADER_UUID);
    memcpy(out + AXLF_UNIQUE_ID, header + HEADER_UUID, 8);
    free(xml.text);
    *bytes = out;
    return RS_OK;
}
