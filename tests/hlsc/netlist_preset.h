/* netlist_preset.h - the smallest configuration: a gate-level simulation of it ends in seconds. */
#define RS_PRESET_NAME    "netlist"
#define RS_ROWS            4
#define RS_COLS            2
#define RS_FILTER_WORDS   16
#define RS_WINDOW_WORDS   16
#define RS_ACC_ENTRIES    16
#define RS_GLB_BANK_DEPTH 64
#define RS_WBUF_DEPTH     64
#define RS_ADD_LANES       4
