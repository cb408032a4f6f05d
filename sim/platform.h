/*
 * platform.h - one simulated accelerator card: cores, a memory, and a clock.
 *
 * Two kinds of shared object implement it for a preset: librs_emu_PRESET.so (hw/ compiled by
 * the C compiler) and librs_sim_PRESET.so (hw/ translated to Verilog, Verilated, in a SystemC
 * platform).  Both export rs_platform_get(); the host's back ends `emu` and `sim` dlopen them.
 * For the same calls both report the same data and the same number of clocks, always.
 * Not thread-safe for one platform; different platforms may run in different threads.
 */
#ifndef RS_PLATFORM_H
#define RS_PLATFORM_H
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define RS_PLATFORM_ABI 3

/* The configuration that was compiled in (hw/config/config.h), for planner and driver. */
struct rs_hw_config {
    char     preset[32];
    uint32_t config_hash, isa_version;
    uint32_t rows, cols, block, axi_bytes;
    uint32_t filter_words, window_words, acc_entries;
    uint32_t glb_blocks, wbuf_words, add_lanes;
    uint32_t psum_words, max_pairs;
    uint32_t wide, requantize_clocks;      /* int16: 0, 1; clocks for a psum pair        */
};

struct rs_mem_timing {              /* all zero means the defaults                         */
    uint32_t latency_cycles;        /* address accepted -> first data (or B); default 100  */
    uint32_t bytes_per_cycle;       /* each way; default 64 (at most the bus width counts) */
    bool     shared_bandwidth;      /* both ways together share bytes_per_cycle            */
    uint32_t max_outstanding;       /* bursts each way; default 16                         */
    uint64_t hostile_seed;          /* not 0: random latency and stalls, reads overtake
                                       writes, writes commit only at B                     */
    uint64_t fault_address;         /* with fault_read/fault_write: answer SLVERR there    */
    bool     fault_read, fault_write;
};

/* Something that an engine of a core did, from one clock since create to another. */
enum rs_trace_track { RS_TRACE_JOB, RS_TRACE_ARRAY, RS_TRACE_PASS, RS_TRACE_LOAD, RS_TRACE_OUTPUT, RS_TRACE_POOL,
                      RS_TRACE_STORE, RS_TRACE_TRACKS };
#define RS_TRACE_CATEGORIES 9       /* compute .. idle of isa.h                            */
struct rs_trace_event {
    uint32_t core, track;           /* enum rs_trace_track                                 */
    int32_t  layer;                 /* LAYER of the command; -1: none                      */
    uint32_t detail;                /* LOAD: 1 filters; STORE: 1 a snapshot                */
    uint32_t index;                 /* of its track, from the job's start                  */
    uint64_t begin, end;
    uint64_t spent[RS_TRACE_CATEGORIES];    /* JOB, ARRAY: clocks; they sum to end - begin */
    uint64_t macs;                          /* JOB, ARRAY: counted meanwhile               */
};
typedef void (*rs_trace_hook)(void *context, const struct rs_trace_event *event);

struct rs_platform_options {
    uint32_t n_cores;               /* 1 or 2; 0 means 1; they share the one memory        */
    uint64_t mem_bytes;             /* size of the memory; 0 means 1 GiB (grown lazily)    */
    uint64_t mem_base;              /* device address of its first byte, e.g. 0x4000000000 */
    struct rs_mem_timing timing;
    rs_trace_hook trace;            /* called when an event ends, or NULL; emu only: create()
                                       fails where it cannot be.  Costs nothing when NULL  */
    void *trace_context;
};

struct rs_platform;

struct rs_platform_api {
    uint32_t abi;                   /* RS_PLATFORM_ABI                                     */
    const char *kind;               /* "emu" or "sim"                                      */
    struct rs_hw_config config;

    /* Reset platform, cores out of reset.  NULL on failure, with a message in @text. */
    struct rs_platform *(*create)(const struct rs_platform_options *options,
                                  char *text, size_t text_bytes);
    void (*destroy)(struct rs_platform *p);                        /* accepts NULL          */

    /* Back-door access to the memory, no clocks pass.  false: outside the memory. */
    bool (*mem_write)(struct rs_platform *p, uint64_t address, const void *from, size_t bytes);
    bool (*mem_read)(struct rs_platform *p, uint64_t address, void *to, size_t bytes);

    /* One AXI4-Lite transfer on core's s_axi_control; clocks pass until it is answered
     * (at most 1000: then false). */
    bool (*reg_write)(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t value);
    bool (*reg_read)(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t *value);

    /* Clock until some core's interrupt line is high or max_clocks have passed; returns the
     * number of clocks that passed: 0 if a line is high already. */
    uint64_t (*advance)(struct rs_platform *p, uint64_t max_clocks);
    uint32_t (*interrupts)(struct rs_platform *p);                 /* bit a core            */
    uint64_t (*clocks)(const struct rs_platform *p);               /* since create          */

    /* Clocks that core @core's memory requests waited because the other core was served. */
    uint64_t (*contention)(const struct rs_platform *p, uint32_t core);

    /* Waveform (FST) of everything from now on into @file; NULL ends it.  false: this kind
     * or build has none, or it is too late (sim: docs/simulation.md, "Waveforms"). */
    bool (*wave)(struct rs_platform *p, const char *file);

    /* The first rule of AXI that a core broke, or address outside the memory that it used, as
     * text with core and clock; NULL: none so far.  Also answered SLVERR or DECERR on the bus. */
    const char *(*violation)(const struct rs_platform *p);
};

const struct rs_platform_api *rs_platform_get(void);

#endif
