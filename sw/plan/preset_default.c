/* preset_default.c - the numbers of hw/config/default.h, for a planner without a device. */
#define RS_PRESET_FILE "default.h"
#define PRESET_FUNCTION rs_preset_default
#include "preset_row.h"
