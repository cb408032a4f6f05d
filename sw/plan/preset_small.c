/* preset_small.c - the numbers of hw/config/small.h, for a planner without a device. */
#define RS_PRESET_FILE "small.h"
#define PRESET_FUNCTION rs_preset_small
#include "preset_row.h"
