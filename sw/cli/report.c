/* report.c - the layer table, and the report as JSON. */
#include "report.h"
#include <string.h>
#include "cli.h"

/* The categories that sum to the cycles: heading in the table, key in the JSON, field. */
#define CATEGORIES(X)                                                                            \
    X("comp", compute) X("ifmap", wait_ifmap) X("filt", wait_filter) X("psum", wait_psum)        \
    X("drain", wait_drain) X("ovhd", overhead) X("load", wait_load) X("dep", wait_depend) X("idle", idle)

static const char *const where_names[] = {[RS_WHERE_CPU] = "cpu", [RS_WHERE_ARRAY] = "array", [RS_WHERE_NOWHERE] = "none"};

/* Percentages with one digit that sum to exactly 100.0: the largest remainders are rounded up. */
static void percentages(const struct rs_counters *c, int tenths[9])
{
    const uint64_t part[9] = {
#define VALUE(heading, field) c->field,
        CATEGORIES(VALUE)
    };
    double remainder[9];
    uint64_t sum = 0;
    int left = 1000;

    for (int i = 0; i < 9; i++)
        sum += part[i];
    for (int i = 0; i < 9; i++) {
        const double exact = sum != 0 ? 1000.0 * (double)part[i] / (double)sum : 0;

        tenths[i] = (int)exact;
        remainder[i] = exact - tenths[i];
        left -= tenths[i];
    }
    for (; sum != 0 && left > 0; left--) {
        int most = 0;

        for (int i = 1; i < 9; i++)
            if (remainder[i] > remainder[most])
                most = i;
        tenths[most]++;
        remainder[most] = -1;
    }
}

static void counter_columns(FILE *to, const struct rs_counters *c, const struct rs_report *r)
{
    int tenths[9];

    percentages(c, tenths);
    for (int i = 0; i < 9; i++)
        if (tenths[i] == 0)
            fprintf(to, "     .");
        else
            fprintf(to, " %5.1f", tenths[i] / 10.0);
    fprintf(to, " %8.1f %8.1f\n", (double)c->axi_read * r->axi_bytes / r->batch / 1024,
            (double)c->axi_write * r->axi_bytes / r->batch / 1024);
}

void report_table(FILE *to, const struct rs_report *r, const struct rs_device_info *device)
{
    const double n = r->batch;

    fprintf(to, "%3s %-26s %-24s %-5s %11s %9s %6s", "#", "operation", "output", "where", "MACs", "cycles", "util%");
#define HEADING(heading, field) fprintf(to, " %5s", heading);
    if (r->cycles != 0) {
        CATEGORIES(HEADING)
        fprintf(to, " %8s %8s", "read KiB", "wrote KiB");
    }
    fputc('\n', to);
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const struct rs_layer_report *l = &r->layers[i];
        const size_t length = strlen(l->name);

        if (l->where == RS_WHERE_NOWHERE)
            continue;
        fprintf(to, "%3d %-26.26s %-24.24s %-5s %11s ", l->node, l->op, length > 24 ? l->name + length - 24 : l->name,
                where_names[l->where], l->macs != 0 ? cli_count(l->macs / r->batch) : "-");
        if (l->where == RS_WHERE_ARRAY) {
            fprintf(to, "%9s %6.1f", cli_count(l->counters.cycles / r->batch), 100 * l->utilization);
            counter_columns(to, &l->counters, r);
        } else {
            fprintf(to, "%9s %6s  %.3f ms on the CPU%s%.60s\n", "-", "-", 1e3 * l->host_seconds / n,
                    device->macs_per_cycle != 0 ? ": " : "", device->macs_per_cycle != 0 ? l->reason : "");
        }
    }
    fprintf(to, "%3s %-26s %-24s %-5s %11s ", "", "total", "", "", cli_count(r->macs / r->batch));
    if (r->cycles != 0) {
        fprintf(to, "%9s %6.1f", cli_count(r->cycles / r->batch), 100 * r->utilization);
        counter_columns(to, &r->counters, r);
        fprintf(to, "Per inference, %u run: %s cycles counted (%s predicted), %.1f us at an assumed %u MHz, utilization %.1f %% of "
                "%u MACs a clock.\n", r->batch, cli_count(r->cycles / r->batch), cli_count(r->cycles_predicted / r->batch),
                (double)r->cycles / n / r->clock_mhz, r->clock_mhz, 100 * r->utilization, device->macs_per_cycle);
        report_breakdown(to, &r->counters, device);
        fprintf(to, "Array: %s MACs counted, %s (%.0f %%) gated by zeros. %s MACs on the CPU.", cli_count(r->counters.macs / r->batch),
                cli_count(r->counters.macs_gated / r->batch),
                r->counters.macs != 0 ? 100 * (double)r->counters.macs_gated / (double)r->counters.macs : 0.0,
                cli_count(r->macs_cpu / r->batch));
        if (device->cores > 1)
            fprintf(to, " Memory requests waited %s clocks for the other core.", cli_count(r->contention / r->batch));
        fprintf(to, "\n%s: %s cycles in %.2f s, %.0f a second.\n", r->target, cli_count(r->cycles), r->seconds_simulated,
                r->seconds_simulated > 0 ? (double)r->cycles / r->seconds_simulated : 0);
    } else {
        fprintf(to, "\n%s: %u inferences in %.3f s.\n", r->target, r->batch, r->seconds);
    }
    if (r->fallback)
        fprintf(to, "FALLBACK: all of it ran on the CPU: %s\n", r->fallback_reason);
}

void report_json_stalls(struct json *j, const struct rs_counters *c, uint32_t batch)
{
    json_object(j, "stalls", true);
#define STALL(heading, field) if (strcmp(#field, "compute") != 0) json_uint(j, #field, c->field / batch);
    CATEGORIES(STALL)
    json_close(j);
}

struct accesses report_accesses(const struct rs_counters *c, const struct rs_device_info *device)
{
    const uint64_t rows = device->rows, cols = device->cols;

    return (struct accesses){.pe_scratch = 2 * c->mac_uops * rows * cols,
                             .array_links = (c->ifmap_words + c->filter_words + c->drains) * rows * cols,
                             .accumulators = c->acc_updates * cols, .buffer = c->glb_reads + c->glb_writes, .filter_buffer = c->wbuf_reads,
                             .memory = (c->axi_read + c->axi_write) * device->axi_bytes};
}

void report_json_accesses(struct json *j, const struct rs_counters *c, const struct rs_device_info *device, uint32_t batch)
{
    const struct accesses a = report_accesses(c, device);

    json_object(j, "accesses", true);
    json_uint(j, "pe_scratch_words", a.pe_scratch / batch);
    json_uint(j, "array_link_words", a.array_links / batch);
    json_uint(j, "accumulator_updates", a.accumulators / batch);
    json_uint(j, "buffer_blocks", a.buffer / batch);
    json_uint(j, "filter_buffer_words", a.filter_buffer / batch);
    json_uint(j, "memory_bytes", a.memory / batch);
    json_close(j);
}

void report_breakdown(FILE *to, const struct rs_counters *c, const struct rs_device_info *device)
{
    const struct accesses a = report_accesses(c, device);
    int tenths[9], i = 0;

    percentages(c, tenths);
    fputs("cycles:", to);
#define SHARE(heading, field) fprintf(to, "%s %s %.1f %%", i != 0 ? "," : "", #field, tenths[i] / 10.0), i++;
    CATEGORIES(SHARE)
    fprintf(to, "\naccesses: %s words of PE scratch read, %s words from PE to PE, %s accumulators updated, %s blocks of global buffer, "
            "%s words of filter buffer, %s bytes of memory; %.0f %% of the MACs gated by zeros\n", cli_count(a.pe_scratch), cli_count(a.array_links),
            cli_count(a.accumulators), cli_count(a.buffer), cli_count(a.filter_buffer), cli_count(a.memory),
            c->macs != 0 ? 100 * (double)c->macs_gated / (double)c->macs : 0.0);
}

void report_json_bytes(struct json *j, const struct rs_counters *c, const struct rs_device_info *device, uint32_t batch)
{
    const uint32_t block = device->rows;           /* channels in a block, bytes                     */

    json_object(j, "bytes", true);
    json_uint(j, "memory_read", c->axi_read * device->axi_bytes / batch);
    json_uint(j, "memory_written", c->axi_write * device->axi_bytes / batch);
    json_uint(j, "buffer_read", c->glb_reads * block / batch);
    json_uint(j, "buffer_written", c->glb_writes * block / batch);
    json_uint(j, "filter_buffer_read", c->wbuf_reads * 2 * block / batch);
    json_uint(j, "ofmap", c->outputs / batch);
    json_close(j);
}

void report_json(struct json *j, const struct rs_report *r, const struct rs_device_info *device)
{
    json_string(j, "target", r->target);
    json_string(j, "preset", r->preset);
    json_bool(j, "fallback", r->fallback);
    if (r->fallback)
        json_string(j, "fallback_reason", r->fallback_reason);
    json_uint(j, "clock_mhz_assumed", r->clock_mhz);
    json_uint(j, "inferences", r->batch);
    json_uint(j, "cycles", r->cycles / r->batch);
    json_uint(j, "cycles_predicted", r->cycles_predicted / r->batch);
    json_uint(j, "cycles_all_inferences", r->cycles);
    json_uint(j, "macs", r->macs / r->batch);
    json_uint(j, "macs_cpu", r->macs_cpu / r->batch);
    json_uint(j, "macs_counted", r->counters.macs / r->batch);
    json_uint(j, "macs_gated", r->counters.macs_gated / r->batch);
    json_uint(j, "macs_per_cycle", device->macs_per_cycle);
    json_real(j, "utilization", r->utilization);
    json_real(j, "seconds", r->seconds);
    json_real(j, "seconds_simulated", r->seconds_simulated);
    json_real(j, "cycles_per_second", r->seconds_simulated > 0 ? (double)r->cycles / r->seconds_simulated : 0);
    json_uint(j, "contention", r->contention / r->batch);
    json_uint(j, "compute", r->counters.compute / r->batch);
    report_json_stalls(j, &r->counters, r->batch);
    report_json_bytes(j, &r->counters, device, r->batch);
    report_json_accesses(j, &r->counters, device, r->batch);
    json_array(j, "layers", false);
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const struct rs_layer_report *l = &r->layers[i];

        json_object(j, NULL, true);
        json_string(j, "name", l->name);
        json_string(j, "op", l->op);
        json_string(j, "where", where_names[l->where]);
        json_string(j, "reason", l->reason);
        json_uint(j, "macs", l->macs / r->batch);
        json_uint(j, "macs_counted", l->counters.macs / r->batch);
        json_uint(j, "macs_gated", l->counters.macs_gated / r->batch);
        json_uint(j, "cycles", l->counters.cycles / r->batch);
        json_uint(j, "cycles_predicted", l->cycles_predicted / r->batch);
        json_real(j, "utilization", l->utilization);
        json_real(j, "host_seconds", l->host_seconds / r->batch);
        json_uint(j, "compute", l->counters.compute / r->batch);
        report_json_stalls(j, &l->counters, r->batch);
        report_json_bytes(j, &l->counters, device, r->batch);
        report_json_accesses(j, &l->counters, device, r->batch);
        json_close(j);
    }
    json_close(j);
}
