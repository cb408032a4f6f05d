/* core_glue.h - between the ports of hw/core.h and those of the Verilated core. */
#ifndef RS_SIM_CORE_GLUE_H
#define RS_SIM_CORE_GLUE_H
#include <cstring>
#include "board.h"

/* Bytes of a port wider than 64 bits: byte 0 in the lowest bits, as on this host. */
template <class Wide> static inline void set_bytes(Wide &port, const uint8_t *from)
{
    static_assert(sizeof port == RS_AXI_BYTES, "width of the data bus");
    memcpy(&port, from, RS_AXI_BYTES);
}
template <class Wide> static inline void get_bytes(uint8_t *to, const Wide &port)
{
    static_assert(sizeof port == RS_AXI_BYTES, "width of the data bus");
    memcpy(to, &port, RS_AXI_BYTES);
}

template <class Top> static inline void core_drive(Top *v, const struct core_in *in)
{
    v->ap_rst_n = in->ap_rst_n;
    v->s_axi_control_AWADDR = in->s_axi_control_AWADDR;
    v->s_axi_control_AWVALID = in->s_axi_control_AWVALID;
    v->s_axi_control_WDATA = in->s_axi_control_WDATA;
    v->s_axi_control_WSTRB = in->s_axi_control_WSTRB;
    v->s_axi_control_WVALID = in->s_axi_control_WVALID;
    v->s_axi_control_BREADY = in->s_axi_control_BREADY;
    v->s_axi_control_ARADDR = in->s_axi_control_ARADDR;
    v->s_axi_control_ARVALID = in->s_axi_control_ARVALID;
    v->s_axi_control_RREADY = in->s_axi_control_RREADY;
    v->m_axi_gmem_ARREADY = in->m_axi_gmem_ARREADY;
    v->m_axi_gmem_RVALID = in->m_axi_gmem_RVALID;
    set_bytes(v->m_axi_gmem_RDATA, in->m_axi_gmem_RDATA);
    v->m_axi_gmem_RRESP = in->m_axi_gmem_RRESP;
    v->m_axi_gmem_RLAST = in->m_axi_gmem_RLAST;
    v->m_axi_gmem_AWREADY = in->m_axi_gmem_AWREADY;
    v->m_axi_gmem_WREADY = in->m_axi_gmem_WREADY;
    v->m_axi_gmem_BVALID = in->m_axi_gmem_BVALID;
    v->m_axi_gmem_BRESP = in->m_axi_gmem_BRESP;
}

template <class Top> static inline void core_sample(const Top *v, struct core_out *out)
{
    out->s_axi_control_AWREADY = v->s_axi_control_AWREADY;
    out->s_axi_control_WREADY = v->s_axi_control_WREADY;
    out->s_axi_control_BVALID = v->s_axi_control_BVALID;
    out->s_axi_control_BRESP = v->s_axi_control_BRESP;
    out->s_axi_control_ARREADY = v->s_axi_control_ARREADY;
    out->s_axi_control_RVALID = v->s_axi_control_RVALID;
    out->s_axi_control_RDATA = v->s_axi_control_RDATA;
    out->s_axi_control_RRESP = v->s_axi_control_RRESP;
    out->m_axi_gmem_ARVALID = v->m_axi_gmem_ARVALID;
    out->m_axi_gmem_ARADDR = v->m_axi_gmem_ARADDR;
    out->m_axi_gmem_ARLEN = v->m_axi_gmem_ARLEN;
    out->m_axi_gmem_ARSIZE = v->m_axi_gmem_ARSIZE;
    out->m_axi_gmem_ARBURST = v->m_axi_gmem_ARBURST;
    out->m_axi_gmem_RREADY = v->m_axi_gmem_RREADY;
    out->m_axi_gmem_AWVALID = v->m_axi_gmem_AWVALID;
    out->m_axi_gmem_AWADDR = v->m_axi_gmem_AWADDR;
    out->m_axi_gmem_AWLEN = v->m_axi_gmem_AWLEN;
    out->m_axi_gmem_AWSIZE = v->m_axi_gmem_AWSIZE;
    out->m_axi_gmem_AWBURST = v->m_axi_gmem_AWBURST;
    out->m_axi_gmem_WVALID = v->m_axi_gmem_WVALID;
    get_bytes(out->m_axi_gmem_WDATA, v->m_axi_gmem_WDATA);
    out->m_axi_gmem_WSTRB = v->m_axi_gmem_WSTRB;
    out->m_axi_gmem_WLAST = v->m_axi_gmem_WLAST;
    out->m_axi_gmem_BREADY = v->m_axi_gmem_BREADY;
    out->interrupt = v->__SYM__interrupt;        /* a word that Verilator keeps from C++    */
}

#endif
