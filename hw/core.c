/*
 * core.c - the accelerator: all modules and the wires between them.
 *
 *   m_axi --> load --> global buffer --> ifmap reader --> lanes --+
 *              \--> filter buffer --> filter reader --> lanes --+ |
 *                                       (parameters) \          v v
 *   commands --> group queue --> loaders, sequencer --> heads --> array --> feet, output stage
 *                                                                              |
 *   m_axi <-- store <-- global buffer <-- pooling <--> global buffer <---------+
 *
 * Only wires here, no logic but reset and the sums that counters and interlocks need.
 */
#include "core.h"

void core_clock(struct core *r, const struct core_in *in, struct core_out *out)
{
#pragma HLS INTERFACE mode=s_axilite port=return bundle=control
    struct control_in control;
    struct command_in command;
    struct axi_read_in axi_read;
    struct load_engine_in load;
    struct store_engine_in store;
    struct pool_in pool;
    struct glb_in glb;
    struct wbuf_in wbuf;
    struct group_queue_in groups;
    struct filter_reader_in filter_reader;
    struct ifmap_reader_in ifmap_reader;
    struct ifmap_loader_in ifmap_loader;
    struct filter_loader_in filter_loader;
    struct mac_sequencer_in mac;
    struct lane_in lane[RS_ROWS];
    struct column_head_in head[RS_COLS];
    struct array_in array;
    struct output_stage_in output;
    struct counters_in counters;
    struct engine_counts counts;
    const bool clear = r->rst || r->command_out.clear;
    const bool idle = r->load_engine_out.idle && r->store_engine_out.idle && r->pool_out.idle &&
                      r->group_queue_out.empty && r->output_stage_out.idle &&
                      r->mac_sequencer_out.idle && r->ifmap_reader_out.idle &&
                      r->filter_reader_out.idle && r->axi_read_out.idle;

    counts.load = r->load_engine_out.done;
    counts.compute = r->output_stage_out.done;
    counts.pool = r->pool_out.done;
    counts.store = r->store_engine_out.done;

    /* Registers. */
    control.rst = r->rst;
    control.awaddr = in->s_axi_control_AWADDR;
    control.awvalid = in->s_axi_control_AWVALID;
    control.wdata = in->s_axi_control_WDATA;
    control.wstrb = in->s_axi_control_WSTRB;
    control.wvalid = in->s_axi_control_WVALID;
    control.bready = in->s_axi_control_BREADY;
    control.araddr = in->s_axi_control_ARADDR;
    control.arvalid = in->s_axi_control_ARVALID;
    control.rready = in->s_axi_control_RREADY;
    control.finished = r->command_out.finished;
    control.status = r->command_out.status;
    control.error_addr = r->command_out.error_addr;
    control.cycles = r->counters_out.value[RS_COUNTER_cycles];

    /* Commands. */
    command.rst = r->rst;
    command.start = r->control_out.start;
    command.base = r->control_out.base[0];
    command.count = r->control_out.count;
    command.taken = r->axi_read_out.taken[AXI_COMMANDS];
    command.beat_valid = r->axi_read_out.beat_valid[AXI_COMMANDS];
    command.beat = r->axi_read_out.beat;
    command.ready[ENGINE_LOAD] = r->load_engine_out.ready;
    command.ready[ENGINE_COMPUTE] = r->group_queue_out.ready;
    command.ready[ENGINE_POOL] = r->pool_out.ready;
    command.ready[ENGINE_STORE] = r->store_engine_out.ready;
    command.idle = idle;
    command.store_idle = r->store_engine_out.idle;
    command.read_error = r->axi_read_out.error;
    command.read_error_addr = r->axi_read_out.error_addr;
    command.store_error = r->store_engine_out.error;
    command.store_error_addr = r->store_engine_out.error_addr;

    /* Memory. */
    axi_read.rst = clear;
    axi_read.burst[AXI_COMMANDS] = r->command_out.burst;
    axi_read.burst[AXI_LOADS] = r->load_engine_out.burst;
    axi_read.beat_ready[AXI_COMMANDS] = r->command_out.beat_ready;
    axi_read.beat_ready[AXI_LOADS] = r->load_engine_out.beat_ready;
    axi_read.arready = in->m_axi_gmem_ARREADY;
    axi_read.rvalid = in->m_axi_gmem_RVALID;
    for (int b = 0; b < RS_AXI_BYTES; b++)
        axi_read.rdata.byte[b] = in->m_axi_gmem_RDATA[b];
    axi_read.rresp = in->m_axi_gmem_RRESP;
    axi_read.rlast = in->m_axi_gmem_RLAST;

    load.rst = clear;
    load.push = r->command_out.push[ENGINE_LOAD];
    load.counts = counts;
    load.taken = r->axi_read_out.taken[AXI_LOADS];
    load.beat_valid = r->axi_read_out.beat_valid[AXI_LOADS];
    load.beat = r->axi_read_out.beat;
    load.write_ready = r->glb_out.write_ready[GLB_WRITE_LOAD];
    load.write_done = r->glb_out.write_done[GLB_WRITE_LOAD];
    load.released = r->filter_reader_out.released;
    store.rst = clear;
    store.push = r->command_out.push[ENGINE_STORE];
    store.counts = counts;
    store.read_ready = r->glb_out.read_ready[GLB_READ_STORE];
    store.data = r->glb_out.read_data[GLB_READ_STORE];
    store.awready = in->m_axi_gmem_AWREADY;
    store.wready = in->m_axi_gmem_WREADY;
    store.bvalid = in->m_axi_gmem_BVALID;
    store.bresp = in->m_axi_gmem_BRESP;
    for (int i = 0; i < MOVE_WORDS; i++) {
        load.command[i] = r->command_out.command[i];
        store.command[i] = r->command_out.command[i];
    }
    for (int b = 0; b < 4; b++) {
        load.base[b] = r->control_out.base[b];
        store.base[b] = r->control_out.base[b];
    }
    store.status[0] = RS_ISA_MAGIC | (uint64_t)RS_ISA_VERSION << 32;
    store.status[1] = RS_CONFIG_HASH | (uint64_t)r->command_out.status << 32;
    store.status[2] = r->command_out.error_addr;
    store.status[3] = r->command_out.taken_commands;
    for (int i = 0; i < RS_STATUS_WORDS - RS_STATUS_COUNTERS; i++)
        store.status[RS_STATUS_COUNTERS + i] = i < RS_N_COUNTERS ? r->counters_out.value[i < RS_N_COUNTERS ? i : 0] : 0;

    pool.rst = clear;
    pool.push = r->command_out.push[ENGINE_POOL];
    pool.counts = counts;
    pool.read_ready = r->glb_out.read_ready[GLB_READ_POOL];
    pool.data = r->glb_out.read_data[GLB_READ_POOL];
    pool.write_ready = r->glb_out.write_ready[GLB_WRITE_POOL];
    pool.write_done = r->glb_out.write_done[GLB_WRITE_POOL];
    groups.rst = clear;
    groups.write = r->command_out.write;
    groups.beat = r->command_out.beat;
    for (int i = 0; i < RS_BEAT_WORDS; i++)
        groups.words[i] = r->command_out.words[i];
    for (int i = 0; i < RS_COMMAND_WORDS; i++)
        pool.command[i] = i < COMMAND_WORDS ? r->command_out.command[i < COMMAND_WORDS ? i : 0] : 0;
    groups.take[STAGE_FILTER] = r->filter_reader_out.group_take;
    groups.take[STAGE_IFMAP] = r->ifmap_reader_out.group_take;
    groups.take[STAGE_LOAD] = r->ifmap_loader_out.group_take;
    groups.take[STAGE_FILTER_LOAD] = r->filter_loader_out.group_take;
    groups.take[STAGE_MAC] = r->mac_sequencer_out.group_take;
    groups.take[STAGE_FLUSH] = r->output_stage_out.group_take;

    glb.rst = clear;
    glb.read[GLB_READ_IFMAP] = r->ifmap_reader_out.read;
    glb.read[GLB_READ_RESIDUAL] = r->output_stage_out.read;
    glb.read[GLB_READ_POOL] = r->pool_out.read;
    glb.read[GLB_READ_STORE] = r->store_engine_out.read;
    glb.write[GLB_WRITE_OFMAP] = r->output_stage_out.write;
    glb.write[GLB_WRITE_POOL] = r->pool_out.write;
    glb.write[GLB_WRITE_LOAD] = r->load_engine_out.write;

    wbuf.read_addr = r->filter_reader_out.read_addr;
    wbuf.write = r->load_engine_out.wbuf_write;
    wbuf.write_line = r->load_engine_out.wbuf_line;
    for (int i = 0; i < 2; i++)
        wbuf.data_in[i] = r->load_engine_out.wbuf_data[i];

    /* Into the array. */
    filter_reader.rst = clear;
    filter_reader.group = r->group_queue_out.view[STAGE_FILTER];
    filter_reader.loaded = r->load_engine_out.loaded;
    filter_reader.data = r->wbuf_out.data;
    filter_reader.popped = r->lane_out[RS_ROWS - 1].op_s.filter_pop;
    filter_reader.flushed = r->output_stage_out.flushed;
    ifmap_reader.rst = clear;
    ifmap_reader.group = r->group_queue_out.view[STAGE_IFMAP];
    ifmap_reader.counts = counts;
    ifmap_reader.read_ready = r->glb_out.read_ready[GLB_READ_IFMAP];
    ifmap_reader.data = r->glb_out.read_data[GLB_READ_IFMAP];
    ifmap_reader.popped = r->lane_out[RS_ROWS - 1].op_s.ifmap_pop;
    ifmap_loader.rst = clear;
    ifmap_loader.group = r->group_queue_out.view[STAGE_LOAD];
    for (int y = 0; y < RS_ROWS; y++)
        ifmap_loader.push[y] = r->ifmap_reader_out.push[y];
    ifmap_loader.freed = r->mac_sequencer_out.freed;
    filter_loader.rst = clear;
    filter_loader.group = r->group_queue_out.view[STAGE_FILTER_LOAD];
    filter_loader.push = r->filter_reader_out.push;
    filter_loader.passes_done = r->mac_sequencer_out.passes_done;
    mac.rst = clear;
    mac.group = r->group_queue_out.view[STAGE_MAC];
    mac.loaded = r->ifmap_loader_out.loaded;
    mac.passes = r->filter_loader_out.passes;
    mac.flushed = r->output_stage_out.flushed;

    for (int y = 0; y < RS_ROWS; y++) {
        lane[y].rst = clear;
        if (y == 0) {
            lane[y].op_n.ifmap_pop = r->ifmap_loader_out.op.valid;
            lane[y].op_n.filter_pop = r->filter_loader_out.op.valid;
            lane[y].op_n.inject = r->mac_sequencer_out.inject;
            lane[y].op_n.chain_row = r->mac_sequencer_out.chain_row;
            lane[y].op_n.chain = r->mac_sequencer_out.chain;
            lane[y].op_n.count_rows = r->mac_sequencer_out.count_rows;
        } else {
            lane[y].op_n = r->lane_out[y - 1].op_s;
        }
        lane[y].ifmap_push = r->ifmap_reader_out.push[y];
        lane[y].even = r->ifmap_reader_out.word[y].even;
        lane[y].odd = r->ifmap_reader_out.word[y].odd;
        lane[y].filter_push = r->filter_reader_out.push;
        lane[y].filter0 = (int8_t)r->filter_reader_out.word.byte[2 * y];
        lane[y].filter1 = (int8_t)r->filter_reader_out.word.byte[2 * y + 1];
        array.west[y] = r->lane_out[y].east;
    }
    for (int x = 0; x < RS_COLS; x++) {
        if (x == 0) {
            head[x].op_w.load = r->ifmap_loader_out.op;
            head[x].op_w.filter = r->filter_loader_out.op;
            head[x].op_w.mac = r->mac_sequencer_out.op;
        } else {
            head[x].op_w = r->head_out[x - 1].op_e;
        }
        array.load[x] = r->head_out[x].load;
        array.mac[x] = r->head_out[x].mac;
        output.psum[x] = r->array_out.psum[x];
    }

    /* Out of it. */
    output.rst = clear;
    output.group = r->group_queue_out.view[STAGE_FLUSH];
    output.acc = r->mac_sequencer_out.acc;
    output.group_end = r->mac_sequencer_out.group_end;
    output.group_macs = r->mac_sequencer_out.group_macs;
    output.param = r->filter_reader_out.param;
    output.param_end = r->filter_reader_out.param_end;
    output.write_ready = r->glb_out.write_ready[GLB_WRITE_OFMAP];
    output.write_done = r->glb_out.write_done[GLB_WRITE_OFMAP];
    output.read_ready = r->glb_out.read_ready[GLB_READ_RESIDUAL];
    output.residual = r->glb_out.read_data[GLB_READ_RESIDUAL];

    counters.clear = r->rst || r->command_out.starting;
    counters.running = r->command_out.running;
    counters.mac_state = r->mac_sequencer_out.state;
    counters.waiting_load = r->ifmap_reader_out.waiting_load;
    counters.waiting_other = r->ifmap_reader_out.waiting_other;
    counters.macs = r->output_stage_out.macs;
    counters.gated = r->array_out.gated;
    counters.psums = r->output_stage_out.psums;
    counters.ifmap_read = r->ifmap_reader_out.read_taken;
    counters.ifmap_word = r->ifmap_loader_out.op.valid;
    counters.filter_word = r->filter_loader_out.op.valid;
    counters.drain = r->mac_sequencer_out.drained;
    counters.acc_update = r->mac_sequencer_out.acc.valid;
    counters.glb_reads = r->glb_out.blocks_read;
    counters.glb_writes = r->glb_out.blocks_written;
    counters.wbuf_read = r->filter_reader_out.reading;
    counters.outputs = r->output_stage_out.bytes_written;
    counters.axi_read = r->axi_read_out.moved;
    counters.axi_write = r->store_engine_out.moved;
    counters.commands = r->command_out.taken_commands;

    control_clock(&r->control, &control, &r->control_out);
    command_clock(&r->command, &command, &r->command_out);
    axi_read_clock(&r->axi_read, &axi_read, &r->axi_read_out);
    load_engine_clock(&r->load_engine, &load, &r->load_engine_out);
    store_engine_clock(&r->store_engine, &store, &r->store_engine_out);
    pool_clock(&r->pool, &pool, &r->pool_out);
    glb_clock(&r->glb, &glb, &r->glb_out);
    wbuf_clock(&r->wbuf, &wbuf, &r->wbuf_out);
    group_queue_clock(&r->group_queue, &groups, &r->group_queue_out);
    filter_reader_clock(&r->filter_reader, &filter_reader, &r->filter_reader_out);
    ifmap_reader_clock(&r->ifmap_reader, &ifmap_reader, &r->ifmap_reader_out);
    ifmap_loader_clock(&r->ifmap_loader, &ifmap_loader, &r->ifmap_loader_out);
    filter_loader_clock(&r->filter_loader, &filter_loader, &r->filter_loader_out);
    mac_sequencer_clock(&r->mac_sequencer, &mac, &r->mac_sequencer_out);
    for (int y = 0; y < RS_ROWS; y++)
        lane_clock(&r->lane[y], &lane[y], &r->lane_out[y]);
    for (int x = 0; x < RS_COLS; x++)
        column_head_clock(&r->head[x], &head[x], &r->head_out[x]);
    array_clock(&r->array, &array, &r->array_out);
    output_stage_clock(&r->output_stage, &output, &r->output_stage_out);
    counters_clock(&r->counters, &counters, &r->counters_out);

    r->rst = !in->ap_rst_n;

    out->s_axi_control_AWREADY = r->control_out.awready;
    out->s_axi_control_WREADY = r->control_out.wready;
    out->s_axi_control_BVALID = r->control_out.bvalid;
    out->s_axi_control_BRESP = 0;
    out->s_axi_control_ARREADY = r->control_out.arready;
    out->s_axi_control_RVALID = r->control_out.rvalid;
    out->s_axi_control_RDATA = r->control_out.rdata;
    out->s_axi_control_RRESP = 0;
    out->m_axi_gmem_ARVALID = r->axi_read_out.arvalid;
    out->m_axi_gmem_ARADDR = r->axi_read_out.araddr;
    out->m_axi_gmem_ARLEN = r->axi_read_out.arlen;
    out->m_axi_gmem_ARSIZE = RS_AXI_BYTES == 64 ? 6 : RS_AXI_BYTES == 32 ? 5 : 4;
    out->m_axi_gmem_ARBURST = 1;
    out->m_axi_gmem_RREADY = r->axi_read_out.rready;
    out->m_axi_gmem_AWVALID = r->store_engine_out.awvalid;
    out->m_axi_gmem_AWADDR = r->store_engine_out.awaddr;
    out->m_axi_gmem_AWLEN = r->store_engine_out.awlen;
    out->m_axi_gmem_AWSIZE = RS_AXI_BYTES == 64 ? 6 : RS_AXI_BYTES == 32 ? 5 : 4;
    out->m_axi_gmem_AWBURST = 1;
    out->m_axi_gmem_WVALID = r->store_engine_out.wvalid;
    for (int b = 0; b < RS_AXI_BYTES; b++)
        out->m_axi_gmem_WDATA[b] = r->store_engine_out.wdata.byte[b];
    out->m_axi_gmem_WSTRB = r->store_engine_out.wstrb;
    out->m_axi_gmem_WLAST = r->store_engine_out.wlast;
    out->m_axi_gmem_BREADY = r->store_engine_out.bready;
    out->interrupt = r->control_out.interrupt;
}
