/* preset.c - presets by name.  A preset of hw/config/ that is to be known here has a preset_NAME.c and a line below. */
#include <string.h>
#include "plan.h"

void rs_preset_default(struct rs_hw_config *config);
void rs_preset_eyeriss(struct rs_hw_config *config);
void rs_preset_small(struct rs_hw_config *config);
void rs_preset_tiny(struct rs_hw_config *config);

static void (*const presets[])(struct rs_hw_config *) = { rs_preset_default, rs_preset_small, rs_preset_tiny, rs_preset_eyeriss };

bool rs_hw_config_named(const char *name, struct rs_hw_config *config)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        struct rs_hw_config c;

        presets[i](&c);
        if (strcmp(c.preset, name) == 0) {
            *config = c;
            return true;
        }
    }
    return false;
}
