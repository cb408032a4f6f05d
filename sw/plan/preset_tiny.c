/* preset_tiny.c - the numbers of hw/config/tiny.h, for a planner without a device. */
#define RS_PRESET_FILE "tiny.h"
#define PRESET_FUNCTION rs_preset_tiny
#include "preset_row.h"
