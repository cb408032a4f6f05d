/*
 * isa.h - commands, registers, counters and status block: the one description that hardware,
 * planner, driver and disassembler share.
 *
 * A command is RS_COMMAND_WORDS 32-bit words, little endian, in device memory.  The command
 * processor reads commands in order and hands each to its engine's queue; engines run
 * concurrently, each in order.  A command starts when the four completion counters of the
 * engines have reached its wait_* fields (16-bit, compared modulo 2^16: at most 2^15 ahead):
 * that is the only synchronisation there is.
 *
 * Data layout: activations are stored as [C/B][H][W][B] ("blocked"), B = RS_BLOCK channels;
 * a block is the B bytes of one pixel; channels past C hold the zero point.
 * Global-buffer addresses count blocks; filter-buffer addresses count words of 2*B bytes.
 * All global-buffer address arithmetic is modulo RS_GLB_BLOCKS, so that a base may stand for
 * a row that is not there.
 */
#ifndef RS_ISA_H
#define RS_ISA_H

#define RS_ISA_MAGIC      0x52535441u            /* "RSTA"                                 */
#define RS_ISA_VERSION    2u
#define RS_COMMAND_WORDS  32
#define RS_COMMAND_BYTES  (4 * RS_COMMAND_WORDS)

enum rs_opcode {
    RS_OP_END = 0,       /* wait until all engines are idle, write the status block, finish  */
    RS_OP_LOAD = 1,      /* memory -> global buffer or filter buffer                         */
    RS_OP_COMPUTE = 2,   /* one group: all passes that finish one set of psums               */
    RS_OP_POOL = 3,      /* max or average pooling, global buffer -> global buffer           */
    RS_OP_STORE = 4,     /* global buffer -> memory                                          */
    RS_OP_SNAPSHOT = 5   /* counters -> memory, through the store engine                     */
};

enum rs_compute_mode {
    RS_MODE_CONV = 0,      /* row r takes channel r of a block; filter rows are inside the PE */
    RS_MODE_FLATTEN = 1,   /* rows take consecutive (channel, filter row) pairs              */
    RS_MODE_DEPTHWISE = 2  /* row r is channel r; lanes are two positions (U = 1) or one     */
};

/* ---- command fields: F(NAME, word, lsb, width, signed) ---------------------------------- */

#define RS_FIELDS_COMMON(F)                                                                   \
    F(OP,              0,  0,  4, 0)   /* enum rs_opcode                                    */ \
    F(LAYER,           0, 16, 16, 0)   /* for people: which layer this belongs to           */ \
    F(WAIT_LOAD,       1,  0, 16, 0)                                                          \
    F(WAIT_COMPUTE,    1, 16, 16, 0)                                                          \
    F(WAIT_POOL,       2,  0, 16, 0)                                                          \
    F(WAIT_STORE,      2, 16, 16, 0)

/* LOAD and STORE: `runs` runs of `length` blocks (global buffer) or words (filter buffer). */
#define RS_FIELDS_MOVE(F)                                                                     \
    F(BASE,            3,  0,  2, 0)   /* which base register the offset is relative to     */ \
    F(TO_WBUF,         3,  2,  1, 0)   /* LOAD: destination is the filter buffer            */ \
    F(OFFSET,          4,  0, 32, 0)   /* bytes; a multiple of B (of a beat for wbuf)       */ \
    F(LENGTH,          5,  0, 20, 0)   /* blocks (or wbuf words, even) in a run, >= 1       */ \
    F(RUNS,            6,  0, 16, 0)   /* >= 1                                              */ \
    F(STRIDE,          7,  0, 32, 0)   /* bytes between runs in memory                      */ \
    F(BUF_ADDR,        8,  0, 16, 0)   /* first block; filter buffer: running address       */ \
    F(BUF_STRIDE,      8, 16, 16, 0)   /* blocks (words) between runs in the buffer         */

#define RS_FIELDS_COMPUTE(F)                                                                  \
    F(MODE,            3,  0,  2, 0)   /* enum rs_compute_mode                              */ \
    F(LOG2_U,          3,  2,  2, 0)   /* stride 1, 2, 4                                    */ \
    F(S,               3,  4,  4, 0)   /* filter width, 1..11                               */ \
    F(RP,              3,  8,  4, 0)   /* filter rows in a PE a pass (FLATTEN: R)           */ \
    F(RP_LAST,         3, 12,  4, 0)   /* the same, last row chunk                          */ \
    F(Q,               3, 16,  5, 0)   /* channel blocks a pass, 1..16                      */ \
    F(Q_LAST,          3, 21,  5, 0)   /* the same, last channel step                       */ \
    F(WC,              3, 26,  5, 0)   /* word columns the window holds                     */ \
    F(WIDE,            3, 31,  1, 0)   /* int16: a pixel is two byte columns, low byte first */ \
    F(E,               4,  0,  5, 0)   /* ofmap rows across columns                         */ \
    F(FX,              4,  5,  5, 0)   /* ofmap column tiles across columns                 */ \
    F(MX,              4, 10,  5, 0)   /* filter groups across columns; E*FX*MX <= COLS     */ \
    F(PAIRS,           4, 15,  5, 0)   /* filter pairs a column, 1..8 (DEPTHWISE: 1)        */ \
    F(NS,              4, 20,  6, 0)   /* strips of E ofmap rows, 1..63                     */ \
    F(CHAIN,           4, 26,  5, 0)   /* rows of a chain: ROWS in CONV, 1 in DEPTHWISE     */ \
    F(FP,              5,  0,  9, 0)   /* ofmap columns in a tile, 1..256                   */ \
    F(NJ,              5,  9, 10, 0)   /* word columns a strip: ceil(((FP-1)*U + S) / 2)    */ \
    F(M_VALID,         5, 19,  9, 0)   /* filters of this group that exist, 1..256          */ \
    F(N_CB,            6,  0, 12, 0)   /* channel steps (FLATTEN: passes), >= 1             */ \
    F(N_RC,            6, 12,  4, 0)   /* filter row chunks, >= 1                           */ \
    F(ROWS_LAST,       6, 16,  5, 0)   /* rows of a chain that hold real channels, last block or pass */ \
    F(ZP_IN,           6, 24,  8, 1)                                                          \
    F(IF_BASE,         7,  0, 16, 0)   /* block of (first channel block, row 0, column 0)   */ \
    F(IF_ROW,          7, 16, 16, 0)   /* blocks between ifmap rows                         */ \
    F(IF_CB,           8,  0, 16, 0)   /* blocks between channel blocks                     */ \
    F(IF_W,            8, 16, 16, 0)   /* W: columns outside 0..W-1 read as padding         */ \
    F(IF_H,            9,  0, 16, 0)   /* H, likewise                                       */ \
    F(H0,              9, 16, 16, 1)   /* ifmap row of ofmap row 0 of the group, filter row 0 */ \
    F(X0,             10,  0, 16, 1)   /* ifmap column, likewise                            */ \
    F(OUT_E,          10, 16, 16, 0)   /* ofmap rows of the group that exist                */ \
    F(OUT_F,          11,  0, 16, 0)   /* ofmap columns of the group that exist             */ \
    F(OUT_BASE,       11, 16, 16, 0)   /* block of (first filter block, first row, first column) */ \
    F(OUT_ROW,        12,  0, 16, 0)   /* blocks between ofmap rows                         */ \
    F(OUT_MB,         12, 16, 16, 0)   /* blocks between ofmap channel blocks               */ \
    F(FILTER_ADDR,    13,  0, 16, 0)   /* running address of the group's words in the filter buffer */ \
    F(FILTER_FIRST,   13, 16, 16, 0)   /* filter words of the first pass: MX*PAIRS*taps     */ \
    F(ZP_OUT,         14,  0,  8, 1)                                                          \
    F(ACT_MIN,        14,  8,  8, 1)                                                          \
    F(ACT_MAX,        14, 16,  8, 1)                                                          \
    F(OUT_BYTE,       14, 24,  4, 0)   /* byte of the block where the first filter goes     */ \
    F(RELEASE,        14, 30,  1, 0)   /* the group's words leave the filter buffer as they are read */ \
    F(ADD,            14, 31,  1, 0)   /* residual add after requantization                 */ \
    F(RES_BASE,       15,  0, 16, 0)   /* the residual operand, laid out as the ofmap       */ \
    F(RES_ROW,        15, 16, 16, 0)                                                          \
    F(RES_MB,         16,  0, 16, 0)                                                          \
    F(ADD_ZP_RES,     16, 16,  8, 1)                                                          \
    F(ADD_ZP_OUT,     16, 24,  8, 1)                                                          \
    F(ADD_MULT_ACC,   17,  0, 32, 1)   /* Q31 multiplier of this layer's own output         */ \
    F(ADD_MULT_RES,   18,  0, 32, 1)                                                          \
    F(ADD_MULT_OUT,   19,  0, 32, 1)                                                          \
    F(ADD_SHIFT_ACC,  20,  0,  5, 0)   /* right shifts, 0..31                               */ \
    F(ADD_SHIFT_RES,  20,  5,  5, 0)                                                          \
    F(ADD_SHIFT_OUT,  20, 10,  5, 0)                                                          \
    F(ADD_MIN,        20, 16,  8, 1)                                                          \
    F(ADD_MAX,        20, 24,  8, 1)                                                          \
    F(FILTER_WORDS,   21,  0, 24, 0)   /* filter words of all passes, without parameters    */ \
    F(MULTIPLIER,     22,  0,  8, 0)   /* DEPTHWISE: ofmap channels of an ifmap channel; 0, 1: one */ \
    F(CHANNEL0,       22,  8,  4, 0)   /* with MULTIPLIER > 1: ifmap channel of row 0, in its block, */ \
    F(PHASE0,         22, 16,  8, 0)   /* and which of its ofmap channels row 0 is          */ \
    F(WIDE_MIN,       23,  0, 16, 1)   /* WIDE: the clamp of the int16 codes                */ \
    F(WIDE_MAX,       23, 16, 16, 1)                                                          \
    F(CHAINS,         24,  0,  5, 0)   /* chains of a column (FLATTEN; else 1)              */ \
    F(PARAMS,         24,  8,  6, 0)   /* parameter pairs of a column (DEPTHWISE: ROWS)     */ \
    F(CHAIN_FILTERS,  24, 16,  9, 0)   /* filters between chains; 0: they differ in rows    */ \
    F(BLOCK_CHANNELS, 24, 25,  5, 0)   /* FLATTEN: channels an ifmap block holds, 1..B      */ \
    F(CHAIN_ENTRIES,  25,  0, 13, 0)   /* psum entries of a chain: NS*FP*PAIRS              */ \
    F(CHAIN_ROWS,     25, 16,  8, 0)   /* ofmap rows between chains; 0: they differ in filters */ \
    F(SPAN,           25, 24,  8, 0)   /* ifmap rows of a strip, less those of one ofmap row */ \
    F(IF_STRIP,       26,  0, 16, 0)   /* ifmap rows between strips                         */ \
    F(OUT_STRIP,      26, 16, 16, 0)   /* ofmap rows between strips                         */ \
    F(CHAIN_OUT,      27,  0, 16, 0)   /* blocks between the ofmaps of two chains           */ \
    F(CHAIN_PARAMS,   27, 16,  6, 0)   /* parameter pairs between chains: PAIRS, or 0       */ \
    F(ROWS_MASK,      28,  0, 16, 0)   /* array rows that hold real channels                */ \
    F(ROWS_MASK_LAST, 28, 16, 16, 0)   /* the same, last block or pass                      */

#define RS_FIELDS_POOL(F)                                                                     \
    F(AVERAGE,         3,  0,  1, 0)   /* 0 maximum, 1 average                              */ \
    F(POOL_R,          3,  4,  7, 0)   /* window height, 1..64                              */ \
    F(POOL_S,          3, 12,  7, 0)                                                          \
    F(POOL_U,          3, 20,  7, 0)   /* stride, both ways, 1..64                          */ \
    F(POOL_IN,         4,  0, 16, 0)   /* as IF_BASE                                        */ \
    F(POOL_IN_ROW,     4, 16, 16, 0)                                                          \
    F(POOL_IN_CB,      5,  0, 16, 0)                                                          \
    F(POOL_W,          5, 16, 16, 0)   /* columns outside are left out of a maximum         */ \
    F(POOL_H,          6,  0, 16, 0)                                                          \
    F(POOL_H0,         6, 16, 16, 1)   /* ifmap row of the first output's window            */ \
    F(POOL_X0,         7,  0, 16, 1)                                                          \
    F(POOL_E,          7, 16, 16, 0)   /* output rows, columns, channel blocks              */ \
    F(POOL_F,          8,  0, 16, 0)                                                          \
    F(POOL_N_CB,       8, 16, 16, 0)                                                          \
    F(POOL_OUT,        9,  0, 16, 0)                                                          \
    F(POOL_OUT_ROW,    9, 16, 16, 0)                                                          \
    F(POOL_OUT_CB,    10,  0, 16, 0)                                                          \
    F(POOL_MIN,       10, 16,  8, 1)                                                          \
    F(POOL_MAX,       10, 24,  8, 1)                                                          \
    F(POOL_RECIP,     11,  0, 32, 0)   /* average: floor(2^32 / (R*S)) + 1, R*S >= 2        */ \
    F(POOL_HALF,      12,  0, 16, 0)   /* average: R*S / 2                                  */

/* RS_OP_SNAPSHOT uses BASE and OFFSET; it writes one status block. */

/* Word, low bit and width of a field: RS_WORD_S, RS_LSB_S, RS_WIDTH_S, RS_SIGNED_S. */
#define RS_DEFINE_FIELD(name, word, lsb, width, sign)                                         \
    RS_WORD_##name = word, RS_LSB_##name = lsb, RS_WIDTH_##name = width, RS_SIGNED_##name = sign,
enum {
    RS_FIELDS_COMMON(RS_DEFINE_FIELD)
    RS_FIELDS_MOVE(RS_DEFINE_FIELD)
    RS_FIELDS_COMPUTE(RS_DEFINE_FIELD)
    RS_FIELDS_POOL(RS_DEFINE_FIELD)
    RS_FIELD_END_
};

/* Value of a field in the command's words: unsigned, or sign-extended where it is signed. */
#define RS_GET_U(words, name)                                                                 \
    (((words)[RS_WORD_##name] >> RS_LSB_##name) & (0xFFFFFFFFu >> (32 - RS_WIDTH_##name)))
#define RS_GET_S(words, name)                                                                 \
    ((int32_t)((words)[RS_WORD_##name] << (32 - RS_LSB_##name - RS_WIDTH_##name)) >>          \
     (32 - RS_WIDTH_##name))

/* ---- parameter word of the filter buffer: one filter pair, 2 * 16 bytes -------------------
 * {int32 bias; int32 mult; int32 shift; int32 zero} for the even, then for the odd filter.
 * mult in [2^30, 2^31) or 0; shift in [-31, 30], positive shifts left.  A word of the buffer
 * holds 2*B bytes, so a pair takes 16/B words.  WIDE: one filter; its bias has 48 bits, the low
 * 32 in the first bias, the rest in the second; mult in [0, 2^15), shift in [-31, 15].      */
#define RS_PARAM_BYTES    16

/* ---- s_axi_control registers (byte offsets) ---------------------------------------------- */
#define RS_REG_CTRL       0x00   /* ap_start 0, ap_done 1 (clear on read), ap_idle 2, ap_ready 3 */
#define RS_REG_GIE        0x04
#define RS_REG_IER        0x08
#define RS_REG_ISR        0x0C
#define RS_REG_BASE0      0x10   /* 64 bit: commands, 512-byte aligned; 0x14 high           */
#define RS_REG_BASE1      0x1C   /* 64 bit: filters and parameters                          */
#define RS_REG_BASE2      0x28   /* 64 bit: activations                                     */
#define RS_REG_BASE3      0x34   /* 64 bit: status block and snapshots                      */
#define RS_REG_COUNT      0x40   /* commands in the stream at BASE0, END included           */
#define RS_REG_MAGIC      0x80   /* read only from here                                     */
#define RS_REG_VERSION    0x84
#define RS_REG_CONFIG     0x88   /* configuration hash: RS_CONFIG_HASH of the preset        */
#define RS_REG_STATUS     0x8C   /* sticky: enum rs_error_code of the first error           */
#define RS_REG_ERR_LO     0x90   /* its address                                             */
#define RS_REG_ERR_HI     0x94
#define RS_REG_CYCLES_LO  0x98
#define RS_REG_CYCLES_HI  0x9C
#define RS_REG_SPACE      4096   /* bytes of address space                                  */

enum rs_error_code {
    RS_HW_OK = 0,
    RS_HW_READ_ERROR = 1,     /* RRESP other than OKAY                                       */
    RS_HW_WRITE_ERROR = 2,    /* BRESP other than OKAY                                       */
    RS_HW_BAD_OPCODE = 3
};

/* ---- counters: C(name, what it counts); 64 bit each in the status block -------------------
 * The nine categories compute .. idle sum to `cycles`.                              */
#define RS_COUNTERS(C)                                                                        \
    C(cycles,        "clocks from ap_start")                                                  \
    C(compute,       "clocks in which a MAC micro-operation was issued")                      \
    C(wait_ifmap,    "clocks waiting for ifmap words")                                        \
    C(wait_filter,   "clocks waiting for filter words")                                       \
    C(wait_psum,     "clocks waiting for an accumulator bank")                                \
    C(wait_drain,    "clocks in which a column's results drained, MACs done")                 \
    C(overhead,      "sequencer clocks between steps, passes and groups")                     \
    C(wait_load,     "clocks with the next group waiting for a load")                         \
    C(wait_depend,   "clocks with the next group waiting for other engines")                  \
    C(idle,          "clocks with no group to run")                                           \
    C(macs,          "useful multiply-accumulates")                                           \
    C(macs_gated,    "of these, multiplier gated by a zero activation")                       \
    C(mac_uops,      "MAC micro-operations issued")                                           \
    C(ifmap_words,   "ifmap words into each array row")                                       \
    C(filter_words,  "filter words into each array row")                                      \
    C(drains,        "psums that left each column")                                           \
    C(glb_reads,     "blocks read from the global buffer")                                    \
    C(glb_writes,    "blocks written to the global buffer")                                   \
    C(wbuf_reads,    "words read from the filter buffer")                                     \
    C(acc_updates,   "accumulator entries updated in each column")                            \
    C(outputs,       "bytes of ofmap written")                                                \
    C(axi_read,      "m_axi beats read")                                                      \
    C(axi_write,     "m_axi beats written")                                                   \
    C(commands,      "commands taken")                                                        \
    C(ifmap_reads,   "reads of the global buffer for the array: a word of each channel of a block") \
    C(psums,         "psums of ofmap values added into accumulators, all columns and passes")

enum rs_counter {
#define RS_DEFINE_COUNTER(name, what) RS_COUNTER_##name,
    RS_COUNTERS(RS_DEFINE_COUNTER)
    RS_N_COUNTERS
};

/* Status block: 32 64-bit words.  Word 0: magic (low), version (high); word 1: configuration
 * hash (low), error code (high); word 2: error address; word 3: sequence number of commands
 * taken; then the counters in the order of RS_COUNTERS.                                     */
#define RS_STATUS_WORDS      32
#define RS_STATUS_BYTES      (8 * RS_STATUS_WORDS)
#define RS_STATUS_COUNTERS   4     /* index of the first counter                             */

#endif
