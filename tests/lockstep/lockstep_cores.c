/*
 * lockstep_cores.c - the cores three times, as C, as the structures of arrays that emu runs, and as Verilated
 * Verilog, given the same inputs; every port is compared at every clock.  The platform goes on with
 * what the C drives.
 *
 * C powers up with garbage, the others with zeros.  Compared from the second half of the reset on;
 * what a channel carries, only while its VALID is high: before, it may be what was never reset.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cores.h"

struct cores {
    struct cores *c, *soa, *rtl;
    uint32_t n;
    uint64_t edges;
    char     complaint[200];
    struct core_out out[BOARD_MAX_CORES];
};

static void destroy(struct cores *k)
{
    if (k == NULL)
        return;
    emu_cores.destroy(k->c);
    soa_cores.destroy(k->soa);
    rtl_cores.destroy(k->rtl);
    free(k);
}

static struct cores *create(uint32_t n_cores)
{
    struct cores *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->n = n_cores;
    k->c = emu_cores.create(n_cores);
    k->soa = soa_cores.create(n_cores);
    k->rtl = rtl_cores.create(n_cores);
    if (k->c == NULL || k->soa == NULL || k->rtl == NULL) {
        destroy(k);
        return NULL;
    }
    return k;
}

static void differ(struct cores *k, uint32_t core, const char *port, uint64_t c, uint64_t other, const char *what)
{
    if (k->complaint[0] == '\0')
        snprintf(k->complaint, sizeof k->complaint, "core %u, clock %" PRId64 ": %s is 0x%" PRIx64
                 " in C, 0x%" PRIx64 " in %s", core,
                 (int64_t)k->edges - BOARD_RESET_CLOCKS, port, c, other, what);
}

static void compare(struct cores *k, uint32_t i, const struct core_out *a,
                    const struct core_out *b, const char *what)
{
#define SAME(port) do { if (a->port != b->port) differ(k, i, #port, a->port, b->port, what); } while (0)
    SAME(s_axi_control_AWREADY);
    SAME(s_axi_control_WREADY);
    SAME(s_axi_control_BVALID);
    SAME(s_axi_control_ARREADY);
    SAME(s_axi_control_RVALID);
    SAME(m_axi_gmem_ARVALID);
    SAME(m_axi_gmem_RREADY);
    SAME(m_axi_gmem_AWVALID);
    SAME(m_axi_gmem_WVALID);
    SAME(m_axi_gmem_BREADY);
    SAME(interrupt);
    if (a->s_axi_control_BVALID)
        SAME(s_axi_control_BRESP);
    if (a->s_axi_control_RVALID) {
        SAME(s_axi_control_RDATA);
        SAME(s_axi_control_RRESP);
    }
    if (a->m_axi_gmem_ARVALID) {
        SAME(m_axi_gmem_ARADDR);
        SAME(m_axi_gmem_ARLEN);
        SAME(m_axi_gmem_ARSIZE);
        SAME(m_axi_gmem_ARBURST);
    }
    if (a->m_axi_gmem_AWVALID) {
        SAME(m_axi_gmem_AWADDR);
        SAME(m_axi_gmem_AWLEN);
        SAME(m_axi_gmem_AWSIZE);
        SAME(m_axi_gmem_AWBURST);
    }
    if (a->m_axi_gmem_WVALID) {
        SAME(m_axi_gmem_WSTRB);
        SAME(m_axi_gmem_WLAST);
        for (uint32_t byte = 0; byte < RS_AXI_BYTES; byte++)
            if (a->m_axi_gmem_WSTRB >> byte & 1)
                SAME(m_axi_gmem_WDATA[byte]);
    }
#undef SAME
}

static void clock_cores(struct cores *k, const struct core_in *in, struct core_out *out)
{
    emu_cores.clock(k->c, in, out);
    for (int other = 0; other < 2; other++) {
        if (other == 0)
            soa_cores.clock(k->soa, in, k->out);
        else
            rtl_cores.clock(k->rtl, in, k->out);
        for (uint32_t i = 0; i < k->n && k->edges >= BOARD_RESET_CLOCKS / 2; i++)
            compare(k, i, &out[i], &k->out[i], other == 0 ? "structures of arrays" : "Verilog");
    }
    k->edges++;
}

static bool wave(struct cores *k, const char *file)
{
    return rtl_cores.wave(k->rtl, file);
}

static const char *complaint(const struct cores *k)
{
    return k->complaint[0] != '\0' ? k->complaint : NULL;
}

const struct cores_api lockstep_cores = {
    .create = create, .destroy = destroy, .clock = clock_cores, .wave = wave,
    .complaint = complaint,
};
