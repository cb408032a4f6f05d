/* board.c - see board.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "board.h"

/* ---- one edge ------------------------------------------------------------------------------ */

static struct axi_from_core from_core(const struct core_out *out)
{
    return (struct axi_from_core){
        .ar_valid = out->m_axi_gmem_ARVALID,
        .ar_addr = out->m_axi_gmem_ARADDR,
        .ar_len = (uint8_t)out->m_axi_gmem_ARLEN,
        .ar_size = (uint8_t)out->m_axi_gmem_ARSIZE,
        .ar_burst = (uint8_t)out->m_axi_gmem_ARBURST,
        .r_ready = out->m_axi_gmem_RREADY,
        .aw_valid = out->m_axi_gmem_AWVALID,
        .aw_addr = out->m_axi_gmem_AWADDR,
        .aw_len = (uint8_t)out->m_axi_gmem_AWLEN,
        .aw_size = (uint8_t)out->m_axi_gmem_AWSIZE,
        .aw_burst = (uint8_t)out->m_axi_gmem_AWBURST,
        .w_valid = out->m_axi_gmem_WVALID,
        .w_data = out->m_axi_gmem_WDATA,
        .w_strb = out->m_axi_gmem_WSTRB,
        .w_last = out->m_axi_gmem_WLAST,
        .b_ready = out->m_axi_gmem_BREADY,
    };
}

static void to_core(struct core_in *in, const struct axi_to_core *to)
{
    in->m_axi_gmem_ARREADY = to->ar_ready;
    in->m_axi_gmem_AWREADY = to->aw_ready;
    in->m_axi_gmem_WREADY = to->w_ready;
    in->m_axi_gmem_BVALID = to->b_valid;
    in->m_axi_gmem_BRESP = to->b_resp & 3u;
    in->m_axi_gmem_RVALID = to->r_valid;
    in->m_axi_gmem_RRESP = to->r_resp & 3u;
    in->m_axi_gmem_RLAST = to->r_last;
    if (to->r_valid)
        memcpy(in->m_axi_gmem_RDATA, to->r_data, RS_AXI_BYTES);
}

/* The AXI-Lite side of this edge, for the core that has a transfer under way. */
static void clock_reg(struct board *b, const struct core_out *before)
{
    struct core_in *in = &b->in[b->reg_core];

    if (in->s_axi_control_AWVALID && before->s_axi_control_AWREADY)
        in->s_axi_control_AWVALID = false;
    if (in->s_axi_control_WVALID && before->s_axi_control_WREADY)
        in->s_axi_control_WVALID = false;
    if (in->s_axi_control_ARVALID && before->s_axi_control_ARREADY)
        in->s_axi_control_ARVALID = false;
    if (in->s_axi_control_BREADY && before->s_axi_control_BVALID) {
        in->s_axi_control_BREADY = false;
        b->reg_resp = before->s_axi_control_BRESP;
        b->reg_done = true;
    }
    if (in->s_axi_control_RREADY && before->s_axi_control_RVALID) {
        in->s_axi_control_RREADY = false;
        b->reg_resp = before->s_axi_control_RRESP;
        b->reg_data = before->s_axi_control_RDATA;
        b->reg_done = true;
    }
}

bool board_clock(struct board *b)
{
    const uint32_t before = b->now, after = !b->now;
    struct axi_from_core from[BOARD_MAX_CORES];

    b->owner.clock_cores(b->owner.context, b->in, b->out[after]);
    b->now = after;
    if (b->in_reset)
        return ++b->clocks >= b->stop_at;
    for (uint32_t i = 0; i < b->n_cores; i++)
        from[i] = from_core(&b->out[before][i]);
    memory_clock(b->memory, from);
    for (uint32_t i = 0; i < b->n_cores; i++)
        to_core(&b->in[i], memory_output(b->memory, i));
    if (b->stop_on_reg)
        clock_reg(b, &b->out[before][b->reg_core]);
    b->clocks++;
    return b->clocks >= b->stop_at || (b->stop_on_reg && b->reg_done) ||
           (b->stop_on_interrupt && board_interrupts(b) != 0);
}

/* ---- what the host asks for ---------------------------------------------------------------- */

void board_init(struct board *b, const struct board_owner *owner, struct memory *memory,
                uint32_t n_cores)
{
    memset(b, 0, sizeof *b);
    b->owner = *owner;
    b->memory = memory;
    b->n_cores = n_cores;
    for (uint32_t i = 0; i < n_cores; i++)
        to_core(&b->in[i], memory_output(memory, i));
    b->in_reset = true;
    b->stop_at = BOARD_RESET_CLOCKS;
    owner->run(owner->context, b);
    b->in_reset = false;
    b->clocks = 0;
    for (uint32_t i = 0; i < n_cores; i++)
        b->in[i].ap_rst_n = true;
}

/* Runs the transfer that is on the pins of @core; false if it was not answered, or with an error. */
static bool transfer(struct board *b, uint32_t core)
{
    struct core_in *in = &b->in[core];

    b->reg_core = core;
    b->reg_done = false;
    b->stop_on_reg = true;
    b->stop_at = b->clocks + BOARD_REG_CLOCKS;
    b->owner.run(b->owner.context, b);
    b->stop_on_reg = false;
    in->s_axi_control_AWVALID = in->s_axi_control_WVALID = in->s_axi_control_ARVALID = false;
    in->s_axi_control_BREADY = in->s_axi_control_RREADY = false;
    return b->reg_done && b->reg_resp == AXI_OKAY;
}

bool board_reg_write(struct board *b, uint32_t core, uint32_t offset, uint32_t value)
{
    struct core_in *in;

    if (core >= b->n_cores || offset >= RS_REG_SPACE || offset % 4 != 0)
        return false;
    in = &b->in[core];
    in->s_axi_control_AWADDR = offset & (RS_REG_SPACE - 1);
    in->s_axi_control_AWVALID = true;
    in->s_axi_control_WDATA = value;
    in->s_axi_control_WSTRB = 0xF;
    in->s_axi_control_WVALID = true;
    in->s_axi_control_BREADY = true;
    return transfer(b, core);
}

bool board_reg_read(struct board *b, uint32_t core, uint32_t offset, uint32_t *value)
{
    struct core_in *in;

    if (core >= b->n_cores || offset >= RS_REG_SPACE || offset % 4 != 0)
        return false;
    in = &b->in[core];
    in->s_axi_control_ARADDR = offset & (RS_REG_SPACE - 1);
    in->s_axi_control_ARVALID = true;
    in->s_axi_control_RREADY = true;
    if (!transfer(b, core))
        return false;
    *value = b->reg_data;
    return true;
}

uint32_t board_interrupts(const struct board *b)
{
    uint32_t lines = 0;

    for (uint32_t i = 0; i < b->n_cores; i++)
        lines |= (uint32_t)b->out[b->now][i].interrupt << i;
    return lines;
}

uint64_t board_advance(struct board *b, uint64_t max_clocks)
{
    const uint64_t from = b->clocks;

    if (max_clocks == 0 || board_interrupts(b) != 0)
        return 0;
    b->stop_at = max_clocks < UINT64_MAX - from ? from + max_clocks : UINT64_MAX;
    b->stop_on_interrupt = true;
    b->owner.run(b->owner.context, b);
    b->stop_on_interrupt = false;
    return b->clocks - from;
}

/* ---- configuration ------------------------------------------------------------------------- */

bool board_options(struct rs_platform_options *options, char *text, size_t text_bytes)
{
    if (options->n_cores == 0)
        options->n_cores = 1;
    if (options->mem_bytes == 0)
        options->mem_bytes = UINT64_C(1) << 30;
    if (options->n_cores > BOARD_MAX_CORES) {
        snprintf(text, text_bytes, "%u cores; 1 or %d are possible", options->n_cores,
                 BOARD_MAX_CORES);
        return false;
    }
    if ((options->mem_base + options->mem_bytes - 1) >> (RS_ADDRESS_BITS - 1) > 1) {
        snprintf(text, text_bytes, "memory up to address %#llx; a device of this preset has %d address bits",
                 (unsigned long long)(options->mem_base + options->mem_bytes - 1), RS_ADDRESS_BITS);
        return false;
    }
    return true;
}

struct memory_options board_memory_options(const struct rs_platform_options *options)
{
    return (struct memory_options){
        .timing = options->timing, .base = options->mem_base, .bytes = options->mem_bytes,
        .n_ports = options->n_cores, .beat_bytes = RS_AXI_BYTES,
    };
}
