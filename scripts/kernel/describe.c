/*
 * describe.c - the kernel's registers and arguments, from hw/isa.h and sw/xclbin/kernel.h, for the tools that package it.
 *
 *   describe tcl    kernel.tcl, which package_kernel.tcl sources
 *   describe xml    kernel.xml, as package_xo makes it from the IP
 *   describe cfg    rs.cfg, section USER_METADATA of the xclbin: by it the driver knows the configuration
 */
#include <stdio.h>
#include <string.h>
#include "config/config.h"
#include "kernel.h"
#include "plan.h"
#include "xclbin.h"

static void tcl(void)
{
    printf("# Made by scripts/kernel/describe.c from hw/isa.h, preset %s; do not edit.\n", RS_PRESET_NAME);
    printf("set kernel_name %s\nset control_port %s\nset master_port %s\nset data_bits %d\nset control_range %d\n", RS_KERNEL_NAME,
           RS_KERNEL_CONTROL, RS_KERNEL_MASTER, 8 * RS_AXI_BYTES, RS_REG_SPACE);
    printf("# name, offset, bits, what: ctrl, pointer, scalar\nset registers {\n");
    printf("    {CTRL 0x%03X 32 ctrl}\n    {GIER 0x%03X 32 ctrl}\n    {IP_IER 0x%03X 32 ctrl}\n    {IP_ISR 0x%03X 32 ctrl}\n", RS_REG_CTRL,
           RS_REG_GIE, RS_REG_IER, RS_REG_ISR);
#define TCL(index, name, offset, bytes, qualifier, type) \
    printf("    {%s 0x%03X %d %s}\n", #name, offset, 8 * (bytes), (qualifier) == 1 ? "pointer" : "scalar");
    RS_KERNEL_ARGS(TCL)
    printf("}\n");
}

static void xml(void)
{
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root versionMajor=\"1\" versionMinor=\"6\">\n"
           "  <kernel name=\"%s\" language=\"ip_c\" vlnv=\"xilinx.com:RTLKernel:%s:1.0\" attributes=\"\" "
           "preferredWorkGroupSizeMultiple=\"0\" workGroupSize=\"1\" interrupt=\"true\" hwControlProtocol=\"ap_ctrl_hs\">\n    <ports>\n"
           "      <port name=\"%s\" mode=\"slave\" range=\"0x%X\" dataWidth=\"32\" portType=\"addressable\" base=\"0x0\"/>\n"
           "      <port name=\"%s\" mode=\"master\" range=\"0xFFFFFFFFFFFFFFFF\" dataWidth=\"%d\" portType=\"addressable\" base=\"0x0\"/>\n"
           "    </ports>\n    <args>\n", RS_KERNEL_NAME, RS_KERNEL_NAME, RS_KERNEL_CONTROL, RS_REG_SPACE, RS_KERNEL_MASTER,
           8 * RS_AXI_BYTES);
#define XML(index, name, offset, bytes, qualifier, type)                                                             \
    printf("      <arg name=\"%s\" addressQualifier=\"%d\" id=\"%d\" port=\"%s\" size=\"0x%X\" offset=\"0x%X\" type=\"%s\" "   \
           "hostOffset=\"0x0\" hostSize=\"0x%X\"/>\n", #name, qualifier, index,                                       \
           (qualifier) == 1 ? RS_KERNEL_MASTER : RS_KERNEL_CONTROL, bytes, offset, type, bytes);
    RS_KERNEL_ARGS(XML)
    printf("    </args>\n  </kernel>\n</root>\n");
}

static void cfg(void)
{
    static char text[RS_EMULATION_TEXT_MAX];
    struct rs_emulation e = {.config = {
        .preset = RS_PRESET_NAME, .config_hash = RS_CONFIG_HASH, .isa_version = RS_ISA_VERSION, .rows = RS_ROWS, .cols = RS_COLS,
        .block = RS_BLOCK, .axi_bytes = RS_AXI_BYTES, .filter_words = RS_FILTER_WORDS, .window_words = RS_WINDOW_WORDS,
        .acc_entries = RS_ACC_ENTRIES, .glb_blocks = RS_GLB_BLOCKS, .wbuf_words = RS_WBUF_WORDS, .add_lanes = RS_ADD_LANES,
        .psum_words = RS_PSUM_WORDS, .max_pairs = RS_MAX_PAIRS,
        .wide = RS_WIDE, .requantize_clocks = RS_REQUANTIZE_CLOCKS}};

    rs_emulation_text(&e, text);
    fputs(text, stdout);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";

    if (strcmp(what, "tcl") == 0)
        tcl();
    else if (strcmp(what, "xml") == 0)
        xml();
    else if (strcmp(what, "cfg") == 0)
        cfg();
    else
        return fprintf(stderr, "usage: describe tcl|xml|cfg\n"), 2;
    return fflush(stdout) == 0 ? 0 : 1;
}
