/* read.c - rs_xclbin_read(): every offset and count is checked before it is used. */
#include "layout.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "xml.h"

static uint64_t get(const uint8_t *p, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static void text(char *to, size_t to_size, const uint8_t *from, size_t size)
{
    size_t n = 0;

    while (n < size && n + 1 < to_size && from[n] != '\0') {
        to[n] = (char)from[n];
        n++;
    }
    to[n] = '\0';
}

bool rs_xclbin_section(const uint8_t *bytes, size_t size, enum rs_xclbin_section_kind kind, const uint8_t **data,
                       size_t *data_size)
{
    const uint64_t n = get(bytes + AXLF_HEADER + HEADER_SECTIONS, 4);

    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *s = bytes + AXLF_HEAD + SECTION_HEAD * i;
        const uint64_t offset = get(s + 24, 8), length = get(s + 32, 8);

        if (get(s, 4) == kind && offset <= size && length <= size - offset) {
            *data = bytes + offset;
            *data_size = (size_t)length;
            return true;
        }
    }
    return false;
}

/* A section that is an array: @n entries of @entry bytes after @head bytes. */
static rs_status array(const uint8_t *bytes, size_t size, enum rs_xclbin_section_kind kind, const char *name, size_t head,
                       size_t entry, uint32_t max, const uint8_t **at, uint32_t *n, struct rs_error *err)
{
    size_t length;

    *n = 0;
    if (!rs_xclbin_section(bytes, size, kind, at, &length))
        return RS_OK;
    if (length < head)
        return rs_fail(err, RS_ERR_FORMAT, "xclbin: section %s of %zu bytes, at least %zu are expected", name, length, head);
    *n = (uint32_t)get(*at, kind == RS_XCLBIN_CLOCK_FREQ_TOPOLOGY ? 2 : 4);
    if (*n > max || *n > (length - head) / entry) {
        rs_status status = rs_fail(err, RS_ERR_FORMAT, "xclbin: section %s says %u entries in %zu bytes (at most %u are handled)",
                                   name, *n, length, max);
        *n = 0;
        return status;
    }
    *at += head;
    return RS_OK;
}

static uint32_t number(const struct rs_xml_tag *tag, const char *attribute)
{
    char value[32];

    return rs_xml_get(tag, attribute, value, sizeof value) ? (uint32_t)strtoul(value, NULL, 0) : 0;
}

static rs_status metadata(const uint8_t *bytes, size_t size, struct rs_xclbin *x, struct rs_error *err)
{
    const uint8_t *data;
    struct rs_xclbin_kernel *kernel = NULL;
    struct rs_xml_tag tag;
    struct rs_xml xml;
    size_t length;

    if (!rs_xclbin_section(bytes, size, RS_XCLBIN_EMBEDDED_METADATA, &data, &length))
        return RS_OK;
    xml = (struct rs_xml){(const char *)data, (const char *)data + length};
    while (rs_xml_next(&xml, &tag)) {
        if (tag.closing) {
            if (rs_xml_is(&tag, "kernel"))
                kernel = NULL;
        } else if (rs_xml_is(&tag, "project")) {
            rs_xml_get(&tag, "name", x->project, sizeof x->project);
        } else if (rs_xml_is(&tag, "device")) {
            rs_xml_get(&tag, "fpgaDevice", x->part, sizeof x->part);
        } else if (rs_xml_is(&tag, "kernel")) {
            if (x->n_kernels == RS_XCLBIN_MAX_KERNELS)
                return rs_fail(err, RS_ERR_FORMAT, "xclbin: more than %d kernels", RS_XCLBIN_MAX_KERNELS);
            kernel = &x->kernels[x->n_kernels++];
            rs_xml_get(&tag, "name", kernel->name, sizeof kernel->name);
        } else if (rs_xml_is(&tag, "arg") && kernel != NULL) {
            struct rs_xclbin_arg *a;

            if (kernel->n_args == RS_XCLBIN_MAX_ARGS)
                return rs_fail(err, RS_ERR_FORMAT, "xclbin: kernel %s has more than %d arguments", kernel->name,
                               RS_XCLBIN_MAX_ARGS);
            a = &kernel->args[kernel->n_args++];
            rs_xml_get(&tag, "name", a->name, sizeof a->name);
            rs_xml_get(&tag, "port", a->port, sizeof a->port);
            rs_xml_get(&tag, "type", a->type, sizeof a->type);
            a->id = number(&tag, "id");
            a->qualifier = number(&tag, "addressQualifier");
            a->offset = number(&tag, "offset");
            a->bytes = number(&tag, "size");
        }
    }
    return RS_OK;
}

static rs_status sections(const uint8_t *bytes, size_t size, struct rs_xclbin *x, struct rs_error *err)
{
    const uint8_t *p = NULL;
    rs_status status;

    status = array(bytes, size, RS_XCLBIN_MEM_TOPOLOGY, "MEM_TOPOLOGY", 8, 40, RS_XCLBIN_MAX_MEMORIES, &p, &x->n_memories, err);
    if (status != RS_OK)
        return status;
    for (uint32_t i = 0; i < x->n_memories; i++, p += 40) {
        x->memories[i] = (struct rs_xclbin_memory){.type = p[0], .used = p[1] != 0, .kilobytes = get(p + 8, 8),
                                                   .base = get(p + 16, 8)};
        text(x->memories[i].tag, sizeof x->memories[i].tag, p + 24, 16);
    }
    status = array(bytes, size, RS_XCLBIN_IP_LAYOUT, "IP_LAYOUT", 8, 80, RS_XCLBIN_MAX_CUS, &p, &x->n_cus, err);
    if (status != RS_OK)
        return status;
    for (uint32_t i = 0; i < x->n_cus; i++, p += 80) {
        x->cus[i].properties = (uint32_t)get(p + 4, 4);
        x->cus[i].base = get(p + 8, 8);
        if (get(p, 4) == IP_KERNEL)
            text(x->cus[i].name, sizeof x->cus[i].name, p + 16, 64);
    }
    status = array(bytes, size, RS_XCLBIN_CONNECTIVITY, "CONNECTIVITY", 4, 12, RS_XCLBIN_MAX_CONNECTIONS, &p,
                   &x->n_connections, err);
    if (status != RS_OK)
        return status;
    for (uint32_t i = 0; i < x->n_connections; i++, p += 12) {
        const struct rs_xclbin_connection c = {(uint32_t)get(p, 4), (uint32_t)get(p + 4, 4), (uint32_t)get(p + 8, 4)};

        if (c.cu >= x->n_cus || c.memory >= x->n_memories)
            return rs_fail(err, RS_ERR_FORMAT, "xclbin: connection %u joins unit %u of %u and memory %u of %u", i, c.cu, x->n_cus,
                           c.memory, x->n_memories);
        x->connections[i] = c;
    }
    status = array(bytes, size, RS_XCLBIN_CLOCK_FREQ_TOPOLOGY, "CLOCK_FREQ_TOPOLOGY", 2, 136, RS_XCLBIN_MAX_CLOCKS, &p,
                   &x->n_clocks, err);
    for (uint32_t i = 0; i < x->n_clocks; i++, p += 136) {
        x->clocks[i].mhz = (uint16_t)get(p, 2);
        x->clocks[i].type = p[2];
        text(x->clocks[i].name, sizeof x->clocks[i].name, p + 8, 128);
    }
    return status;
}

rs_status rs_xclbin_read(const uint8_t *bytes, size_t size, struct rs_xclbin *x, struct rs_error *err)
{
    const uint8_t *header = bytes + AXLF_HEADER;
    uint64_t n;
    rs_status status;

    memset(x, 0, sizeof *x);
    if (size < AXLF_HEAD || memcmp(bytes, AXLF_MAGIC, 8) != 0)
        return rs_fail(err, RS_ERR_FORMAT, "not an xclbin: it does not begin with \"xclbin2\"");
    if (get(header + HEADER_LENGTH, 8) != size)
        return rs_fail(err, RS_ERR_FORMAT, "xclbin: %zu bytes, its header says %llu; it was cut or damaged", size,
                       (unsigned long long)get(header + HEADER_LENGTH, 8));
    n = get(header + HEADER_SECTIONS, 4);
    if (n > (size - AXLF_HEAD) / SECTION_HEAD)
        return rs_fail(err, RS_ERR_FORMAT, "xclbin: %llu sections do not fit %zu bytes", (unsigned long long)n, size);
    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *s = bytes + AXLF_HEAD + SECTION_HEAD * i;
        const uint64_t offset = get(s + 24, 8), length = get(s + 32, 8);

        if (offset > size || length > size - offset)
            return rs_fail(err, RS_ERR_FORMAT, "xclbin: section %llu (kind %u) is bytes %llu to %llu of %zu",
                           (unsigned long long)i, (unsigned)get(s, 4), (unsigned long long)offset,
                           (unsigned long long)(offset + length), size);
    }
    x->mode = (uint16_t)get(header + HEADER_MODE, 2);
    x->timestamp = get(header + HEADER_TIMESTAMP, 8);
    memcpy(x->interface_uuid, header + HEADER_ROM_UUID, 16);
    memcpy(x->uuid, header + HEADER_UUID, 16);
    text(x->platform, sizeof x->platform, header + HEADER_VBNV, 64);
    status = metadata(bytes, size, x, err);
    return status != RS_OK ? status : sections(bytes, size, x, err);
}
