/* hold_cpu.h - let libraries that are opened later believe in a lesser processor. */
#ifndef RS_CLI_HOLD_CPU_H
#define RS_CLI_HOLD_CPU_H
#include "status.h"

/**
 * hold_to_avx2() - from now on, CPUID on this thread and those that it starts shows no AVX-512, AVX-VNNI or AMX.
 *
 * By Linux's CPUID faulting (arch_prctl) and a handler of SIGSEGV that answers; for good.  Errors: RS_ERR_UNSUPPORTED.
 */
RS_MUST_CHECK
rs_status hold_to_avx2(struct rs_error *err);
#endif
