/*
 * config.h - everything that follows from a preset, derived here and nowhere else.
 *
 * RS_PRESET_FILE names the preset's header: one of hw/config/, or a user's own that defines
 * the same names.  Nothing but that file changes between configurations.
 */
#ifndef RS_CONFIG_H
#define RS_CONFIG_H

#ifndef RS_PRESET_FILE
#define RS_PRESET_FILE "default.h"
#endif
#include RS_PRESET_FILE
#include "../isa.h"

#ifndef RS_BLOCK
#define RS_BLOCK         RS_ROWS                 /* channels (bytes) in a block: one a row */
#endif
#ifndef RS_PSUM_WORDS
#define RS_PSUM_WORDS    RS_COLS                 /* psums that all columns exchange with their accumulators in a clock */
#endif
#ifndef RS_MAX_PAIRS
#define RS_MAX_PAIRS     16                      /* filter pairs a column holds parameters for */
#endif
#ifndef RS_WIDE
#define RS_WIDE          1                       /* int16 activations: 1, or 0 and int8 alone                    */
#endif
#ifndef RS_MULTIPLIERS
#define RS_MULTIPLIERS   1                       /* of a PE: one of 27 x 18 bits for both lanes; or two of 9 x 9, without int16    */
#endif
#ifndef RS_REQUANTIZE_CLOCKS
#define RS_REQUANTIZE_CLOCKS 1                   /* in which a column turns two psums into codes: with 8 multipliers, 4 (in 2) or 2 (in 4) */
#endif
#define RS_BEAT_BLOCKS   4                       /* blocks in one m_axi beat               */
#define RS_AXI_BYTES     (RS_BEAT_BLOCKS * RS_BLOCK)
#define RS_BEAT_WORDS    (RS_AXI_BYTES / 4)
#define RS_COMMAND_BEATS (RS_COMMAND_BYTES / RS_AXI_BYTES)
#ifndef RS_GLB_SEGMENTS
#define RS_GLB_SEGMENTS  4                       /* parts of the global buffer that serve readers and writers of their own */
#endif
#define RS_GLB_BANKS     (4 * RS_GLB_SEGMENTS)   /* 4 interleaved banks a segment          */
#define RS_GLB_BLOCKS    (RS_GLB_BANKS * RS_GLB_BANK_DEPTH)
#define RS_WBUF_WORDS    (2 * RS_WBUF_DEPTH)     /* filter words: 2 * RS_BLOCK bytes each  */
/* What the driver compares: any change of a preset's numbers or of the command set changes it. */
#define RS_HASH_STEP(h, x) (((h) ^ (x)) * 16777619u)
#define RS_CONFIG_HASH                                                                        \
    RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP( \
    RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(            \
    RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(RS_HASH_STEP(            \
    2166136261u, RS_ISA_VERSION), RS_BLOCK), RS_PSUM_WORDS), RS_MAX_PAIRS), RS_ROWS), RS_COLS), \
    RS_FILTER_WORDS), RS_WINDOW_WORDS), RS_ACC_ENTRIES), RS_GLB_BANK_DEPTH), RS_WBUF_DEPTH),  \
    RS_ADD_LANES), RS_GLB_SEGMENTS), RS_WIDE), RS_REQUANTIZE_CLOCKS), RS_MULTIPLIERS), \
    RS_ADDRESS_BITS), RS_COUNTER_BITS), RS_COMMAND_SLOTS)

/* Widths that a preset's numbers ask for. */
#define RS_FILTER_BITS   (RS_FILTER_WORDS <= 64 ? 7 : 9)      /* address in two banks of the filter spad */
#define RS_ACC_BITS      (RS_ACC_ENTRIES <= 256 ? 8 : 12)     /* in a bank of an accumulator    */
#define RS_PARAM_BITS    (RS_MAX_PAIRS <= 16 ? 4 : 5)
#define RS_GLB_ROW_BITS  (RS_GLB_BANK_DEPTH <= 2048 ? 11 : 12)
#ifndef RS_ADDRESS_BITS
#define RS_ADDRESS_BITS  64                      /* of a device address                        */
#endif
#ifndef RS_COUNTER_BITS
#define RS_COUNTER_BITS  48                      /* of 64: 512 MACs a clock for half an hour at 250 MHz */
#endif
#ifndef RS_COMMAND_SLOTS
#define RS_COMMAND_SLOTS 8                       /* commands that wait to be handed out        */
#endif
#define RS_GLB_ADDR_BITS (RS_GLB_ROW_BITS + (RS_GLB_SEGMENTS == 4 ? 4 : RS_GLB_SEGMENTS == 2 ? 3 : 2))    /* of a block; more than enough modulo RS_GLB_BLOCKS */

_Static_assert(RS_BLOCK == 4 || RS_BLOCK == 8 || RS_BLOCK == 16, "block: 4, 8 or 16");
_Static_assert(RS_ROWS >= 2 && RS_ROWS <= RS_BLOCK, "rows: 2 to a block");
_Static_assert(RS_PSUM_WORDS >= 1 && RS_PSUM_WORDS <= RS_COLS, "psum port: 1 word a clock to one a column");
_Static_assert(RS_MAX_PAIRS >= 16 && RS_MAX_PAIRS <= 32, "parameters: 16 to 32 pairs");
_Static_assert(RS_COLS >= 2 && RS_COLS <= 16, "columns: 2 to 16");
_Static_assert(RS_FILTER_WORDS >= 16 && RS_FILTER_WORDS <= 256, "filter spad: 16 to 256 words a bank");
_Static_assert(RS_WINDOW_WORDS >= 12 && RS_WINDOW_WORDS <= 32, "window: 12 to 32 words");
_Static_assert(RS_ACC_ENTRIES >= 16 && RS_ACC_ENTRIES <= 4096, "accumulator: 16 to 4096 entries");
_Static_assert(RS_GLB_SEGMENTS == 1 || RS_GLB_SEGMENTS == 2 || RS_GLB_SEGMENTS == 4, "segments: 1, 2 or 4");
_Static_assert(RS_GLB_BANK_DEPTH >= 64 && RS_GLB_BANK_DEPTH <= 4096, "bank: 64 to 4096 blocks");
_Static_assert((RS_GLB_BANK_DEPTH & (RS_GLB_BANK_DEPTH - 1)) == 0, "bank: a power of two");
_Static_assert(RS_WBUF_DEPTH >= 64 && RS_WBUF_DEPTH <= 16384, "filter buffer: 64 to 16384 lines");
_Static_assert((RS_WBUF_DEPTH & (RS_WBUF_DEPTH - 1)) == 0, "filter buffer: a power of two (running addresses wrap at 2^16)");
_Static_assert(RS_REQUANTIZE_CLOCKS == 1 || ((RS_REQUANTIZE_CLOCKS == 2 || RS_REQUANTIZE_CLOCKS == 4) && !RS_WIDE),
               "requantizers: 1 clock, or without int16, whose codes are both lanes, 2 or 4");
_Static_assert(RS_MULTIPLIERS == 1 || (RS_MULTIPLIERS == 2 && !RS_WIDE), "multipliers of a PE: 1, or without int16 2");
_Static_assert(RS_REQUANTIZE_CLOCKS == 1 || RS_BLOCK <= 8, "requantizers of several clocks: the parameters of a pair take two words of the filter buffer");
_Static_assert(RS_COMMAND_SLOTS == 4 || RS_COMMAND_SLOTS == 8, "command slots: 4 or 8");
_Static_assert(RS_ADDRESS_BITS > 32 && RS_ADDRESS_BITS <= 64, "device addresses: 33 to 64 bits");
_Static_assert((2 * RS_BLOCK) % RS_ADD_LANES == 0, "adders divide a pair of blocks");

#endif
