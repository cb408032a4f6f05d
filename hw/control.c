/*
 * control.c - AXI4-Lite slave with the register map of Vitis ap_ctrl_hs.
 *
 * Every address is answered; what is not a register reads 0 and ignores writes, gaps between
 * arguments included, because XRT writes them too.  ap_start reads back 1 until the run has ended;
 * ap_done is cleared by reading it; ISR bits toggle when 1 is written.
 */
#include "control.h"

#define HIGH_BITS (0xFFFFFFFFu >> (64 - RS_ADDRESS_BITS))       /* of a device address             */

/* Bytes of a register that a write carries. */
static inline uint32_t merge(uint32_t old, uint32_t data, uint32_t strobe)
{
    uint32_t value = old;

    if ((strobe & 1u) != 0)
        value = (value & ~0xFFu) | (data & 0xFFu);
    if ((strobe & 2u) != 0)
        value = (value & ~0xFF00u) | (data & 0xFF00u);
    if ((strobe & 4u) != 0)
        value = (value & ~0xFF0000u) | (data & 0xFF0000u);
    if ((strobe & 8u) != 0)
        value = (value & ~0xFF000000u) | (data & 0xFF000000u);
    return value;
}

void control_clock(struct control *r, const struct control_in *in, struct control_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS ARRAY_PARTITION variable=r->base_lo complete
#pragma HLS ARRAY_PARTITION variable=r->base_hi complete
    static const uint32_t base_reg[4] = {RS_REG_BASE0, RS_REG_BASE1, RS_REG_BASE2, RS_REG_BASE3};

    /* Reads, of what was there before this edge. */
    if (r->rvalid) {
        if (in->rready)
            r->rvalid = false;
    } else if (in->arvalid && r->up) {
        uint32_t data = 0;

        switch (in->araddr) {
        case RS_REG_CTRL:
            data = (r->ap_start ? 1u : 0u) | (r->ap_done ? 2u : 0u) | (r->ap_start ? 0u : 4u) |
                   (r->ap_done ? 8u : 0u);
            r->ap_done = false;
            break;
        case RS_REG_GIE:       data = r->gie ? 1u : 0u; break;
        case RS_REG_IER:       data = r->ier; break;
        case RS_REG_ISR:       data = r->isr; break;
        case RS_REG_COUNT:     data = r->count; break;
        case RS_REG_MAGIC:     data = RS_ISA_MAGIC; break;
        case RS_REG_VERSION:   data = RS_ISA_VERSION; break;
        case RS_REG_CONFIG:    data = RS_CONFIG_HASH; break;
        case RS_REG_STATUS:    data = in->status; break;
        case RS_REG_ERR_LO:    data = (uint32_t)in->error_addr; break;
        case RS_REG_ERR_HI:    data = (uint32_t)(in->error_addr >> 32); break;
        case RS_REG_CYCLES_LO: data = (uint32_t)in->cycles; break;
        case RS_REG_CYCLES_HI: data = (uint32_t)(in->cycles >> 32); break;
        default:
            for (int b = 0; b < 4; b++) {
                if (in->araddr == base_reg[b])
                    data = r->base_lo[b];
                if (in->araddr == base_reg[b] + 4)
                    data = r->base_hi[b];
            }
            break;
        }
        r->rdata = data;
        r->rvalid = true;
    }

    /* Writes: address and data come in any order. */
    if (r->bvalid && in->bready)
        r->bvalid = false;
    if (r->have_aw && r->have_w && !r->bvalid) {
        const uint32_t data = merge(0, r->wdata, r->wstrb);

        if (r->awaddr == RS_REG_CTRL && (data & 1u) != 0)
            r->ap_start = true;
        if (r->awaddr == RS_REG_GIE && (r->wstrb & 1u) != 0)
            r->gie = (data & 1u) != 0;
        if (r->awaddr == RS_REG_IER && (r->wstrb & 1u) != 0)
            r->ier = data & 3u;
        if (r->awaddr == RS_REG_ISR)
            r->isr = r->isr ^ (data & 3u);
        if (r->awaddr == RS_REG_COUNT)
            r->count = merge(r->count, r->wdata, r->wstrb);
        for (int b = 0; b < 4; b++) {
            if (r->awaddr == base_reg[b])
                r->base_lo[b] = merge(r->base_lo[b], r->wdata, r->wstrb);
            if (r->awaddr == base_reg[b] + 4)
                r->base_hi[b] = merge(r->base_hi[b], r->wdata, r->wstrb) & HIGH_BITS;
        }
        r->bvalid = true;
        r->have_aw = false;
        r->have_w = false;
    } else {
        if (in->awvalid && !r->have_aw && r->up) {
            r->have_aw = true;
            r->awaddr = in->awaddr;
        }
        if (in->wvalid && !r->have_w && r->up) {
            r->have_w = true;
            r->wdata = in->wdata;
            r->wstrb = in->wstrb;
        }
    }

    if (in->finished) {
        r->ap_start = false;
        r->ap_done = true;
        r->isr = r->isr | r->ier;
    }

    r->up = !in->rst;
    if (in->rst) {
        r->have_aw = false;
        r->have_w = false;
        r->bvalid = false;
        r->rvalid = false;
        r->ap_start = false;
        r->ap_done = false;
        r->gie = false;
        r->ier = 0;
        r->isr = 0;
        r->count = 0;
        for (int b = 0; b < 4; b++) {
            r->base_lo[b] = 0;
            r->base_hi[b] = 0;
        }
    }

    out->awready = r->up && !r->have_aw;
    out->wready = r->up && !r->have_w;
    out->bvalid = r->bvalid;
    out->arready = r->up && !r->rvalid;
    out->rvalid = r->rvalid;
    out->rdata = r->rdata;
    out->interrupt = r->gie && r->isr != 0;
    out->start = r->ap_start;
    for (int b = 0; b < 4; b++)
        out->base[b] = (uint64_t)r->base_hi[b] << 32 | r->base_lo[b];
    out->count = r->count;
}
