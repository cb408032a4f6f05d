/*
 * board.h - what emu and sim have in common: cores' pins, AXI-Lite transfers, the memory, clocks.
 *
 * The owner gives a function that clocks a core and one that makes edges pass: a loop (emu), or
 * the SystemC kernel (sim).  At every edge the cores sample what the memory drove before it, and
 * the memory what the cores drove before it.
 */
#ifndef RS_SIM_BOARD_H
#define RS_SIM_BOARD_H

#ifdef __cplusplus
#define _Static_assert static_assert
extern "C" {
#endif
#include "core.h"
#include "memory.h"
#include "platform.h"

enum {
    BOARD_MAX_CORES = MEMORY_MAX_PORTS,
    BOARD_RESET_CLOCKS = 16,
    BOARD_REG_CLOCKS = 1000          /* a register transfer takes no longer               */
};

struct board;

struct board_owner {
    /* One rising edge of all cores: core i samples @in[i] and leaves in @out[i] what it drives. */
    void (*clock_cores)(void *context, const struct core_in *in, struct core_out *out);
    /* Calls board_clock() again and again, until it returns true. */
    void (*run)(void *context, struct board *b);
    void *context;
};

struct board {
    struct board_owner owner;
    struct memory *memory;
    uint32_t n_cores, now;
    bool     in_reset;
    uint64_t clocks;                 /* edges since reset                                 */
    struct core_in  in[BOARD_MAX_CORES];      /* what the cores sample at the next edge   */
    struct core_out out[2][BOARD_MAX_CORES];  /* out[now]: what they drive; else: drove   */

    uint64_t stop_at;                /* run() ends at this clock,                         */
    bool     stop_on_interrupt;      /* or when an interrupt line is high,                */
    bool     stop_on_reg;            /* or when the register transfer is answered:        */
    uint32_t reg_core;
    bool     reg_done;
    uint32_t reg_resp, reg_data;
};

/* @memory: of n_cores ports and RS_AXI_BYTES wide; the caller still owns it, and it must not have
 * been clocked.  Resets the cores: BOARD_RESET_CLOCKS edges, in which the memory stands still. */
void board_init(struct board *b, const struct board_owner *owner, struct memory *memory,
                uint32_t n_cores);

/* One rising edge of everything; true when run() should end. */
bool board_clock(struct board *b);

/* As in platform.h. */
bool     board_reg_write(struct board *b, uint32_t core, uint32_t offset, uint32_t value);
bool     board_reg_read(struct board *b, uint32_t core, uint32_t offset, uint32_t *value);
uint64_t board_advance(struct board *b, uint64_t max_clocks);
uint32_t board_interrupts(const struct board *b);

/* Initializer of a struct rs_hw_config: hw/config/config.h as compiled. */
#define BOARD_CONFIG {                                                                        \
    .preset = RS_PRESET_NAME, .config_hash = RS_CONFIG_HASH, .isa_version = RS_ISA_VERSION,   \
    .rows = RS_ROWS, .cols = RS_COLS, .block = RS_BLOCK, .axi_bytes = RS_AXI_BYTES,           \
    .filter_words = RS_FILTER_WORDS, .window_words = RS_WINDOW_WORDS,                         \
    .acc_entries = RS_ACC_ENTRIES, .glb_blocks = RS_GLB_BLOCKS, .wbuf_words = RS_WBUF_WORDS,  \
    .add_lanes = RS_ADD_LANES, \
    .psum_words = RS_PSUM_WORDS, .max_pairs = RS_MAX_PAIRS,                          \
    .wide = RS_WIDE, .requantize_clocks = RS_REQUANTIZE_CLOCKS }

/* Checks @options and fills in defaults of everything but the timing. */
bool board_options(struct rs_platform_options *options, char *text, size_t text_bytes);

/* Memory options for memory_create(), less the callbacks. */
struct memory_options board_memory_options(const struct rs_platform_options *options);

#ifdef __cplusplus
}
#undef _Static_assert
#endif
#endif
