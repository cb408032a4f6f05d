/*
 * rtl_core.h - the Verilated cores of a platform, clocked together.
 *
 * Behaves at every edge as core_clock() does for the same inputs.  Not thread-safe.
 */
#ifndef RS_SIM_RTL_CORE_H
#define RS_SIM_RTL_CORE_H
#include "board.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rtl_cores;

struct rtl_cores *rtl_create(uint32_t n_cores, uint64_t power_up_seed);
void rtl_destroy(struct rtl_cores *r);                          /* accepts NULL            */

/* One rising edge of all of them; @in and @out have an element a core. */
void rtl_clock(struct rtl_cores *r, const struct core_in *in, struct core_out *out);

/* Waveforms (FST) into @file from now on; NULL ends it.  false: this is not the build that can,
 * or the file cannot be written. */
bool rtl_wave(struct rtl_cores *r, const char *file);
bool rtl_can_trace(void);

#ifdef __cplusplus
}
#endif
#endif
