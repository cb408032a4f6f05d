/*
 * builtin.c - puts the files of sw/cost/data/ into the program, so that it finds them wherever it is installed.
 * The assembler includes them: paths are from the top of the tree, where the Makefile runs; cost.mk has the dependency.
 */
#include "builtin.h"
#include <stddef.h>

#define INCLUDE(symbol, path) \
    __asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n.popsection\n"); \
    extern const char symbol[] __attribute__((visibility("hidden")));

INCLUDE(rs_builtin_dataflow, "sw/cost/data/dataflow.txt")
INCLUDE(rs_builtin_energy, "sw/cost/data/energy.txt")
INCLUDE(rs_builtin_devices, "sw/cost/data/devices.txt")
INCLUDE(rs_builtin_eyeriss, "sw/cost/data/eyeriss.txt")

const struct rs_builtin rs_builtin[] = {
    {"dataflow.txt", rs_builtin_dataflow},
    {"energy.txt", rs_builtin_energy},
    {"devices.txt", rs_builtin_devices},
    {"eyeriss.txt", rs_builtin_eyeriss},
    {NULL, NULL},
};
