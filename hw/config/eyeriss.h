/*
 * eyeriss.h - preset `eyeriss`: the array of that chip (12 x 14, spads, psum port), to be held against its tables.
 *
 * Used with int16 activations and filters: one product a PE and clock.  Its rows are the published mapping's (FLATTEN).
 * Not the chip's: psums accumulate at the foot of each column, so a PE has no psum spad, and the accumulators stand for
 * the chip's psums in its global buffer; both filter banks have the chip's 224 words; the global buffer is larger, since
 * blocks of 16 channels pad what the chip packs.
 */
#define RS_PRESET_NAME    "eyeriss"
#define RS_ROWS           12   /* PE rows                                                  */
#define RS_COLS           14   /* PE columns                                               */
#define RS_BLOCK          16   /* bytes of a block; an ifmap uses as many as divide into sets of channels */
#define RS_FILTER_WORDS  224   /* filter spad of a PE: 16-bit words in each of two banks   */
#define RS_WINDOW_WORDS   16   /* window of a PE: the chip's 12 words of one int16 pixel, and 4 that are on their way */
#define RS_ACC_ENTRIES  2048   /* psums in each of a column's two accumulator banks        */
#define RS_PSUM_WORDS      4   /* psums that all columns exchange with them in a clock     */
#define RS_MAX_PAIRS      32   /* filters a column holds parameters for                    */
#define RS_GLB_BANK_DEPTH 4096 /* blocks in each of the 16 banks of the global buffer      */
#define RS_WBUF_DEPTH    1024  /* lines of 4 blocks in the filter buffer                   */
#define RS_ADD_LANES       4   /* residual adders                                          */
