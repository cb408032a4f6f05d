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
/* Accesses at each level of the machine, from what the hardware counts (all of the array's PEs and columns work in step):
 *   pe_scratch   words read from filter spads and windows: two a MAC micro-operation in every PE, gated or not
 *   array_links  words from PE to PE: ifmap and filter words pass every column of every row, drained psums every row of every column
 *   accumulators entries updated at the feet of the columns (what is psum traffic to the global buffer on other machines)
 *   buffer, filter_buffer    blocks of the global buffer read and written; words of the filter buffer read
 *   memory       bytes of m_axi beats, both ways
 * Spad and filter-buffer writes are not counted by the hardware. */
struct accesses { uint64_t pe_scratch, array_links, accumulators, buffer, filter_buffer, memory; };
struct accesses report_accesses(const struct rs_counters *c, const struct rs_device_info *device);
void report_json_accesses(struct json *j, const struct rs_counters *c, const struct rs_device_info *device, uint32_t batch);

/* Two lines: the categories in percent, which sum to 100; accesses by level. */
void report_breakdown(FILE *to, const struct rs_counters *c, const struct rs_device_info *device);

/* Bytes that moved. */
void report_json_bytes(struct json *j, const struct rs_counters *c, const struct rs_device_info *device, uint32_t batch);
#endif
