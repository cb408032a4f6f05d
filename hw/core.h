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
#include "array.h"
#include "column_head.h"
#include "command.h"
#include "control.h"
#include "counters.h"
#include "filter_loader.h"
#include "filter_reader.h"
#include "glb.h"
#include "group_queue.h"
#include "ifmap_loader.h"
#include "ifmap_reader.h"
#include "lane.h"
#include "load_engine.h"
#include "mac_sequencer.h"
#include "output_stage.h"
#include "pool.h"
#include "store_engine.h"
#include "wbuf.h"

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

struct core {
    bool                     rst;              /* registered; all modules see it one clock late */
    struct control           control;
    struct control_out       control_out;
    struct command           command;
    struct command_out       command_out;
    struct axi_read          axi_read;
    struct axi_read_out      axi_read_out;
    struct load_engine       load_engine;
    struct load_engine_out   load_engine_out;
    struct store_engine      store_engine;
    struct store_engine_out  store_engine_out;
    struct pool              pool;
    struct pool_out          pool_out;
    struct glb               glb;
    struct glb_out           glb_out;
    struct wbuf              wbuf;
    struct wbuf_out          wbuf_out;
    struct group_queue       group_queue;
    struct group_queue_out   group_queue_out;
    struct filter_reader     filter_reader;
    struct filter_reader_out filter_reader_out;
    struct ifmap_reader      ifmap_reader;
    struct ifmap_reader_out  ifmap_reader_out;
    struct ifmap_loader      ifmap_loader;
    struct ifmap_loader_out  ifmap_loader_out;
    struct filter_loader     filter_loader;
    struct filter_loader_out filter_loader_out;
    struct mac_sequencer     mac_sequencer;
    struct mac_sequencer_out mac_sequencer_out;
    struct lane              lane[RS_ROWS];
    struct lane_out          lane_out[RS_ROWS];
    struct column_head       head[RS_COLS];
    struct column_head_out   head_out[RS_COLS];
    struct array             array;
    struct array_out         array_out;
    struct output_stage      output_stage;
    struct output_stage_out  output_stage_out;
    struct counters          counters;
    struct counters_out      counters_out;
};

void core_clock(struct core *r, const struct core_in *in, struct core_out *out);

#endif
