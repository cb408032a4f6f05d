/* default.h - preset `default`: 16 x 16 PEs x 2 lanes, for UltraScale+ cards. */
#define RS_PRESET_NAME    "default"
#define RS_ROWS           16   /* PE rows; also channels in a block (config.h)             */
#define RS_COLS           16   /* PE columns                                               */
#define RS_FILTER_WORDS   64   /* filter spad of a PE: 16-bit words in each of two banks   */
#define RS_WINDOW_WORDS   32   /* window of a PE: words of two pixels                      */
#define RS_ACC_ENTRIES   256   /* psum pairs in each of a column's two accumulator banks   */
#define RS_GLB_BANK_DEPTH 1024 /* blocks in each of the 16 banks of the global buffer      */
#define RS_WBUF_DEPTH    1024  /* lines of 4 blocks in the filter buffer                   */
#define RS_ADD_LANES       8   /* residual adders                                          */
