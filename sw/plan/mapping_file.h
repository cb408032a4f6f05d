/*
 * mapping_file.h - mappings of named layers in a text file, to be read, edited and given back to the planner.
 *
 *   # comment, to the end of the line
 *   preset default
 *   layer "conv1" mode=flatten e=1 fx=4 mx=4 pairs=4 ns=1 fp=28 q=1 rp=3 wc=31 filters=inner
 *   layer 7       mode=conv ...
 *
 * A layer is named as `plan --json` names it, in quotes (\" and \\ inside), or by its node number.  The keys are those of
 * struct rs_mapping; mode: conv, flatten or depthwise; filters: inner (all filter tiles of a row tile, then the next) or outer.
 * All keys are wanted, in any order, each once; with flatten, chain (rows whose psums add up), chains (of a column) and split (what
 * makes them differ: filters or rows) may follow.  Layers that are not named are searched as usual.  `preset`, if it is there, must
 * be the device's.
 */
#ifndef RS_MAPPING_FILE_H
#define RS_MAPPING_FILE_H
#include "plan.h"

/**
 * rs_mapping_read() - the pins in a file, for rs_plan_options.pins.
 * @g: whose layers are named; @config: the device's
 * @pins: owned by the caller (free()); NULL on error
 * That a mapping keeps the array's limits is checked when it is planned.
 * Returns RS_OK; RS_ERR_IO; RS_ERR_FORMAT with the line: what was expected there and what was found; RS_ERR_MISMATCH (another preset);
 * RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_mapping_read(const char *path, const struct rs_graph *g, const struct rs_hw_config *config,
                                        struct rs_plan_pin **pins, int *n_pins, struct rs_error *err);

/* What the plan chose, in that format.  A write that fails is seen by ferror(@to). */
void rs_mapping_write(const struct rs_plan *plan, const struct rs_graph *g, FILE *to);

const char *rs_mode_name(int mode);        /* "conv", "flatten", "depthwise"; else "pool"            */
#endif
