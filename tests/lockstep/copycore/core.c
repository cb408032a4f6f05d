/* core.c - the copy core: one burst read, the same burst written, its B awaited, and again. */
#include "core.h"

void core_clock(struct core *r, const struct core_in *in, struct core_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->data complete dim=1
    const bool busy = r->ar_valid || r->reading || r->aw_valid || r->writing || r->b_wait;
    const bool write = r->aw_held && r->w_held && !r->b_valid;
    const bool read = in->s_axi_control_ARVALID && !r->r_valid;
    const bool finish = r->b_wait && in->m_axi_gmem_BVALID && r->left == 1;

    /* Copy engine. */
    if (finish)
        r->done = true;
    if (r->b_wait && in->m_axi_gmem_BVALID) {
        r->b_wait = false;
        r->left = r->left - 1;
        r->from = r->from + COPY_BEATS * RS_AXI_BYTES;
        r->to = r->to + COPY_BEATS * RS_AXI_BYTES;
        r->ar_valid = r->left != 0;
        if (in->m_axi_gmem_BRESP != 0)
            r->error = true;
    } else if (r->start && !busy) {
        r->start = false;
        r->from = r->source;
        r->to = r->target;
        r->left = r->bursts;
        r->ar_valid = true;
    } else if (r->ar_valid && in->m_axi_gmem_ARREADY) {
        r->ar_valid = false;
        r->reading = true;
        r->beat = 0;
    } else if (r->reading && in->m_axi_gmem_RVALID) {
        for (int i = 0; i < RS_AXI_BYTES; i++)
            r->data[r->beat].byte[i] = in->m_axi_gmem_RDATA[i];
        if (in->m_axi_gmem_RRESP != 0)
            r->error = true;
        if (in->m_axi_gmem_RLAST) {
            r->reading = false;
            r->aw_valid = true;
            r->writing = true;
            r->beat = 0;
        } else {
            r->beat = r->beat + 1u;
        }
    } else if (r->aw_valid || r->writing) {
        if (in->m_axi_gmem_AWREADY)
            r->aw_valid = false;
        if (r->writing && in->m_axi_gmem_WREADY) {
            if (r->beat == COPY_BEATS - 1)
                r->writing = false;
            else
                r->beat = r->beat + 1u;
        }
        if (!r->aw_valid && !r->writing)
            r->b_wait = true;
    }

    /* Registers: written when address and data are both there. */
    if (r->b_valid && in->s_axi_control_BREADY)
        r->b_valid = false;
    if (write) {
        r->aw_held = false;
        r->w_held = false;
        r->b_valid = true;
        if (r->aw_addr == RS_REG_CTRL && (r->w_data & 1u) != 0)
            r->start = true;
        if (r->aw_addr == RS_REG_GIE)
            r->gie = (r->w_data & 1u) != 0;
        if (r->aw_addr == RS_REG_IER)
            r->ier_done = (r->w_data & 1u) != 0;
        if (r->aw_addr == RS_REG_ISR && (r->w_data & 1u) != 0)
            r->isr_done = !r->isr_done;
        if (r->aw_addr == RS_REG_BASE0)
            r->source = (r->source & 0xFFFFFFFF00000000u) | r->w_data;
        if (r->aw_addr == RS_REG_BASE0 + 4)
            r->source = (r->source & 0xFFFFFFFFu) | ((uint64_t)r->w_data << 32);
        if (r->aw_addr == RS_REG_BASE1)
            r->target = (r->target & 0xFFFFFFFF00000000u) | r->w_data;
        if (r->aw_addr == RS_REG_BASE1 + 4)
            r->target = (r->target & 0xFFFFFFFFu) | ((uint64_t)r->w_data << 32);
        if (r->aw_addr == RS_REG_BASE2)
            r->bursts = r->w_data;
    } else {
        if (in->s_axi_control_AWVALID && !r->aw_held) {
            r->aw_held = true;
            r->aw_addr = in->s_axi_control_AWADDR;
        }
        if (in->s_axi_control_WVALID && !r->w_held) {
            r->w_held = true;
            r->w_data = in->s_axi_control_WDATA;
        }
    }
    if (finish && r->ier_done)
        r->isr_done = true;
    if (r->r_valid && in->s_axi_control_RREADY)
        r->r_valid = false;
    if (read) {
        r->r_valid = true;
        r->r_data = 0;
        if (in->s_axi_control_ARADDR == RS_REG_CTRL) {
            r->r_data = (r->start ? 1u : 0u) | (r->done ? 2u : 0u) | (busy ? 0u : 4u);
            r->done = finish;
        }
        if (in->s_axi_control_ARADDR == RS_REG_GIE)
            r->r_data = r->gie ? 1u : 0u;
        if (in->s_axi_control_ARADDR == RS_REG_IER)
            r->r_data = r->ier_done ? 1u : 0u;
        if (in->s_axi_control_ARADDR == RS_REG_ISR)
            r->r_data = r->isr_done ? 1u : 0u;
        if (in->s_axi_control_ARADDR == RS_REG_MAGIC)
            r->r_data = RS_ISA_MAGIC;
        if (in->s_axi_control_ARADDR == RS_REG_VERSION)
            r->r_data = RS_ISA_VERSION;
        if (in->s_axi_control_ARADDR == RS_REG_CONFIG)
            r->r_data = RS_CONFIG_HASH;
        if (in->s_axi_control_ARADDR == RS_REG_STATUS)
            r->r_data = r->error ? 1u : 0u;
    }

    if (!in->ap_rst_n) {
        r->aw_held = false;
        r->w_held = false;
        r->b_valid = false;
        r->r_valid = false;
        r->start = false;
        r->done = false;
        r->gie = false;
        r->ier_done = false;
        r->isr_done = false;
        r->ar_valid = false;
        r->reading = false;
        r->aw_valid = false;
        r->writing = false;
        r->b_wait = false;
        r->error = false;
        r->aw_addr = 0;
        r->r_data = 0;
        r->from = 0;
        r->to = 0;
        r->beat = 0;
    }

    out->s_axi_control_AWREADY = !r->aw_held;
    out->s_axi_control_WREADY = !r->w_held;
    out->s_axi_control_BVALID = r->b_valid;
    out->s_axi_control_BRESP = 0;
    out->s_axi_control_ARREADY = !r->r_valid;
    out->s_axi_control_RVALID = r->r_valid;
    out->s_axi_control_RDATA = r->r_data;
    out->s_axi_control_RRESP = 0;
    out->m_axi_gmem_ARVALID = r->ar_valid;
    out->m_axi_gmem_ARADDR = r->from;
    out->m_axi_gmem_ARLEN = COPY_BEATS - 1;
    out->m_axi_gmem_ARSIZE = RS_AXI_BYTES == 64 ? 6 : RS_AXI_BYTES == 32 ? 5 : 4;
    out->m_axi_gmem_ARBURST = 1;
    out->m_axi_gmem_RREADY = r->reading;
    out->m_axi_gmem_AWVALID = r->aw_valid;
    out->m_axi_gmem_AWADDR = r->to;
    out->m_axi_gmem_AWLEN = COPY_BEATS - 1;
    out->m_axi_gmem_AWSIZE = RS_AXI_BYTES == 64 ? 6 : RS_AXI_BYTES == 32 ? 5 : 4;
    out->m_axi_gmem_AWBURST = 1;
    out->m_axi_gmem_WVALID = r->writing;
    for (int i = 0; i < RS_AXI_BYTES; i++)
        out->m_axi_gmem_WDATA[i] = r->data[r->beat].byte[i];
    out->m_axi_gmem_WSTRB = 0xFFFFFFFFFFFFFFFFu >> (64 - RS_AXI_BYTES);
    out->m_axi_gmem_WLAST = r->beat == COPY_BEATS - 1;
    out->m_axi_gmem_BREADY = r->b_wait;
    out->interrupt = r->gie && r->ier_done && r->isr_done;
}
