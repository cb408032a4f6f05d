/*
 * cores.h - the cores of a platform, clocked together: one interface, four that implement it.
 *
 * Each behaves at every edge as core_clock() does.  One object belongs to one thread at a time.
 */
#ifndef RS_SIM_CORES_H
#define RS_SIM_CORES_H
#include "board.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cores;

struct cores_api {
    /* Powered up, not reset: registers hold anything.  NULL: out of memory. */
    struct cores *(*create)(uint32_t n_cores);
    void (*destroy)(struct cores *c);                            /* accepts NULL            */

    /* One rising edge of all of them; @in and @out have an element a core. */
    void (*clock)(struct cores *c, const struct core_in *in, struct core_out *out);

    /* Waveforms (FST) into @file from now on; NULL ends it.  false: cannot.  NULL: these cores never can. */
    bool (*wave)(struct cores *c, const char *file);
    bool can_wave;

    /* What the cores themselves found wrong, or NULL.  NULL: they do not look. */
    const char *(*complaint)(const struct cores *c);

    /* Events from now on to @hook; NULL: these cores do not show their registers. */
    void (*trace)(struct cores *c, rs_trace_hook hook, void *context);
};

extern const struct cores_api emu_cores;         /* hw/ as C: emu_cores.c                   */
extern const struct cores_api soa_cores;         /* hw/ as C that hlsc made: soa_cores.c     */
extern const struct cores_api rtl_cores;         /* hw/ as Verilog, Verilated: rtl_cores.cpp */
extern const struct cores_api lockstep_cores;    /* both, compared: tests/lockstep          */

#ifdef __cplusplus
}
#endif
#endif
