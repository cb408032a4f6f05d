/*
 * kernel.h - the accelerator as XRT sees it: kernel name, arguments, ports; offsets come from hw/isa.h.
 *
 * The xclbin writer, the driver's check of an xclbin, kernel packaging and its dry run all read this table.
 */
#ifndef RS_KERNEL_H
#define RS_KERNEL_H
#include "isa.h"

#define RS_KERNEL_NAME     "rs"
#define RS_KERNEL_TOP      "core"            /* the Verilog module that hw/core.c becomes           */
#define RS_KERNEL_VLNV     "rowstation:RTLKernel:rs:1.0"
#define RS_KERNEL_CONTROL  "s_axi_control"
#define RS_KERNEL_MASTER   "m_axi_gmem"

/* A(index, name, register offset, bytes, addressQualifier, C type): 1 is a pointer through m_axi, 0 a scalar. */
#define RS_KERNEL_ARGS(A)                                                                     \
    A(0, commands,    RS_REG_BASE0, 8, 1, "void*")                                            \
    A(1, filters,     RS_REG_BASE1, 8, 1, "void*")                                            \
    A(2, activations, RS_REG_BASE2, 8, 1, "void*")                                            \
    A(3, status,      RS_REG_BASE3, 8, 1, "void*")                                            \
    A(4, count,       RS_REG_COUNT, 4, 0, "uint")

enum {
#define RS_KERNEL_ARG_INDEX(index, name, offset, bytes, qualifier, type) RS_KERNEL_ARG_##name = index,
    RS_KERNEL_ARGS(RS_KERNEL_ARG_INDEX)
    RS_KERNEL_N_ARGS
};
#endif
