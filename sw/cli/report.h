/* report.h - what a run cost, as a table for people and as JSON for machines; both per inference. */
#ifndef RS_CLI_REPORT_H
#define RS_CLI_REPORT_H
#include "json.h"
#include "rowstation.h"

/* The layer table: operation, where it ran, MACs, cycles, utilization, where the cycles went (sums to 100 %), bytes. */
void report_table(FILE *to, const struct rs_report *report, const struct rs_device_info *device);

/* Keys of the report into an open object. */
void report_json(struct json *j, const struct rs_report *report, const struct rs_device_info *device);

/* "compute" .. "idle" with what they count, into an open object. */
void report_json_stalls(struct json *j, const struct rs_counters *c, uint32_t batch);
void report_json_bytes(struct json *j, const struct rs_counters *c, const struct rs_device_info *device, uint32_t batch);
#endif
