/*
 * core.h - ports of the accelerator: s_axi_control (AXI4-Lite), one m_axi_gmem (AXI4), interrupt.
 *
 * Port names are the Verilog port names that Vitis expects.  All handshakes are AXI: a transfer
 * happens at an edge where both VALID and READY were high before it.
 */
#ifndef RS_CORE_H
#define RS_CORE_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"

struct core_in {
    bool     ap_rst_n;                        /* synchronous, active low                   */

    uint32_t s_axi_control_AWADDR  : 12;
    bool     s_axi_control_AWVALID;
    uint32_t s_axi_control_WDATA;
    uint32_t s_axi_control_WSTRB   : 4;
    bool     s_axi_control_WVALID;
    bool     s_axi_control_BREADY;
    uint32_t s_axi_control_ARADDR  : 12;
    bool     s_axi_control_ARVALID;
    bool     s_axi_control_RREADY;

    bool     m_axi_gmem_ARREADY;
    bool     m_axi_gmem_RVALID;
    uint8_t  m_axi_gmem_RDATA[RS_AXI_BYTES];
    uint32_t m_axi_gmem_RRESP      : 2;
    bool     m_axi_gmem_RLAST;
    bool     m_axi_gmem_AWREADY;
    bool     m_axi_gmem_WREADY;
    bool     m_axi_gmem_BVALID;
    uint32_t m_axi_gmem_BRESP      : 2;
};

struct core_out {
    bool     s_axi_control_AWREADY;
    bool     s_axi_control_WREADY;
    bool     s_axi_control_BVALID;
    uint32_t s_axi_control_BRESP   : 2;
    bool     s_axi_control_ARREADY;
    bool     s_axi_control_RVALID;
    uint32_t s_axi_control_RDATA;
    uint32_t s_axi_control_RRESP   : 2;

    bool     m_axi_gmem_ARVALID;
    uint64_t m_axi_gmem_ARADDR;
    uint32_t m_axi_gmem_ARLEN      : 8;       /* beats - 1; never across 4 KiB             */
    uint32_t m_axi_gmem_ARSIZE     : 3;
    uint32_t m_axi_gmem_ARBURST    : 2;       /* INCR                                      */
    bool     m_axi_gmem_RREADY;
    bool     m_axi_gmem_AWVALID;
    uint64_t m_axi_gmem_AWADDR;
    uint32_t m_axi_gmem_AWLEN      : 8;
    uint32_t m_axi_gmem_AWSIZE     : 3;
    uint32_t m_axi_gmem_AWBURST    : 2;
    bool     m_axi_gmem_WVALID;
    uint8_t  m_axi_gmem_WDATA[RS_AXI_BYTES];
    uint64_t m_axi_gmem_WSTRB      : RS_AXI_BYTES;                  /* one bit a byte      */
    bool     m_axi_gmem_WLAST;
    bool     m_axi_gmem_BREADY;

    bool     interrupt;
};

struct core;
void core_clock(struct core *r, const struct core_in *in, struct core_out *out);

#endif
