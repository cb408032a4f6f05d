/* preset_eyeriss.c - the numbers of hw/config/eyeriss.h, for a planner without a device. */
#define RS_PRESET_FILE "eyeriss.h"
#define PRESET_FUNCTION rs_preset_eyeriss
#include "preset_row.h"
