/* preset_row.h - included once a preset, with RS_PRESET_FILE and PRESET_FUNCTION set: the numbers of that preset. */
#include <string.h>
#include "plan.h"
#include "config/config.h"

void PRESET_FUNCTION(struct rs_hw_config *c);
void PRESET_FUNCTION(struct rs_hw_config *c)
{
    *c = (struct rs_hw_config){
        .preset = RS_PRESET_NAME, .config_hash = RS_CONFIG_HASH, .isa_version = RS_ISA_VERSION,
        .rows = RS_ROWS, .cols = RS_COLS, .block = RS_BLOCK, .axi_bytes = RS_AXI_BYTES,
        .filter_words = RS_FILTER_WORDS, .window_words = RS_WINDOW_WORDS, .acc_entries = RS_ACC_ENTRIES,
        .glb_blocks = RS_GLB_BLOCKS, .wbuf_words = RS_WBUF_WORDS, .add_lanes = RS_ADD_LANES,
        .psum_words = RS_PSUM_WORDS, .max_pairs = RS_MAX_PAIRS,
        .wide = RS_WIDE, .requantize_clocks = RS_REQUANTIZE_CLOCKS,
    };
}
