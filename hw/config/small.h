/* small.h - preset `small`: 8 x 8 PEs x 2 lanes, for an ECP5-85F. */
#define RS_PRESET_NAME    "small"
#define RS_ROWS            8   /* PE rows; also channels in a block (config.h)             */
#define RS_COLS            8   /* PE columns                                               */
#define RS_FILTER_WORDS   64   /* filter spad of a PE: 16-bit words in each of two banks   */
#define RS_WINDOW_WORDS   16   /* window of a PE: words of two pixels                      */
#define RS_ACC_ENTRIES   256   /* psum pairs in each of a column's two accumulator banks   */
#define RS_GLB_SEGMENTS    2   /* of the global buffer, with four banks each               */
#define RS_GLB_BANK_DEPTH 2048 /* blocks in each of its banks                              */
#define RS_WBUF_DEPTH    1024  /* lines of 4 blocks in the filter buffer                   */
#define RS_ADD_LANES       1   /* residual adders                                          */
#define RS_ADDRESS_BITS   40   /* of a device address                                      */
#define RS_COUNTER_BITS   40   /* of 64: 128 MACs a clock, 100 s at 85 MHz                 */
#define RS_COMMAND_SLOTS   4   /* commands that wait to be handed out                      */
#define RS_WIDE            0   /* no int16                                                 */
#define RS_MULTIPLIERS     2   /* an ECP5 has none of 27 x 18 bits: two of its 18 x 18 either way */
#define RS_REQUANTIZE_CLOCKS 4 /* two of the 156 multipliers a column, 128 of which are PEs' */
