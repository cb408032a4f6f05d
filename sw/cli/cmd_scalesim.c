/*
 * cmd_scalesim.c - `rowstation scalesim`: SCALE-Sim's configuration and topology files in, its three reports out.
 *
 * With --as-systolic the machine of the configuration (systolic.h), else this array, counted by running every layer on random
 * data.  Extents are SCALE-Sim's: no padding, E = ceil((H - R + U) / U); for this array the same with floor, as everyone else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli.h"
#include "measure.h"
#include "status.h"
#include "systolic.h"
#include "workload.h"

#define COMMAND "scalesim"

struct scalesim {
    const char *config, *topology, *folder, *target;
    bool as_systolic;
    struct rs_systolic machine;
    struct bench_layers layers;
    FILE *compute, *bandwidth, *detail;
};

static rs_status create(const struct scalesim *s, const char *name, const char *heading, FILE **file, struct rs_error *err)
{
    char path[1024];

    snprintf(path, sizeof path, "%.900s/%s", s->folder, name);
    *file = fopen(path, "w");
    if (*file == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    fputs(heading, *file);
    return RS_OK;
}

static rs_status open_reports(struct scalesim *s, struct rs_error *err)
{
    rs_status status;

    if (mkdir(s->folder, 0777) != 0 && errno != EEXIST)
        return rs_fail(err, RS_ERR_IO, "%s: %s", s->folder, strerror(errno));
    status = create(s, "COMPUTE_REPORT.csv", "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, "
                    "Mapping Efficiency %, Compute Util %,\n", &s->compute, err);
    if (status == RS_OK)
        status = create(s, "BANDWIDTH_REPORT.csv", "LayerID, Avg IFMAP SRAM BW, Avg FILTER SRAM BW, Avg OFMAP SRAM BW, "
                        "Avg IFMAP DRAM BW, Avg FILTER DRAM BW, Avg OFMAP DRAM BW,\n", &s->bandwidth, err);
    if (status == RS_OK)
        status = create(s, "DETAILED_ACCESS_REPORT.csv", "LayerID, "
                        "SRAM IFMAP Start Cycle, SRAM IFMAP Stop Cycle, SRAM IFMAP Reads, "
                        "SRAM Filter Start Cycle, SRAM Filter Stop Cycle, SRAM Filter Reads, "
                        "SRAM OFMAP Start Cycle, SRAM OFMAP Stop Cycle, SRAM OFMAP Writes, "
                        "DRAM IFMAP Start Cycle, DRAM IFMAP Stop Cycle, DRAM IFMAP Reads, "
                        "DRAM Filter Start Cycle, DRAM Filter Stop Cycle, DRAM Filter Reads, "
                        "DRAM OFMAP Start Cycle, DRAM OFMAP Stop Cycle, DRAM OFMAP Writes,\n", &s->detail, err);
    return status;
}

/* One layer's lines: cycles with and without the first loads, stalls, three utilizations, accesses of SRAM and DRAM (words). */
static void lines(const struct scalesim *s, int id, int64_t all, int64_t cycles, int64_t stalls, const double util[3],
                  const int64_t sram[3], const int64_t dram[3])
{
    fprintf(s->compute, "%d, %lld, %lld, %lld, %.10g, %.10g, %.10g,\n", id, (long long)all, (long long)cycles, (long long)stalls,
            util[0], util[1], util[2]);
    fprintf(s->bandwidth, "%d", id);
    for (int i = 0; i < 3; i++)
        fprintf(s->bandwidth, ", %.10g", (double)sram[i] / (double)cycles);
    for (int i = 0; i < 3; i++)
        fprintf(s->bandwidth, ", %.10g", (double)dram[i] / (double)all);
    fputs(",\n", s->bandwidth);
    fprintf(s->detail, "%d", id);
    for (int i = 0; i < 3; i++)
        fprintf(s->detail, ", 0, %lld, %lld", (long long)cycles, (long long)sram[i]);
    for (int i = 0; i < 3; i++)
        fprintf(s->detail, ", 0, %lld, %lld", (long long)all, (long long)dram[i]);
    fputs(",\n", s->detail);
}

static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void systolic(struct scalesim *s, int id)
{
    const struct bench_layer *l = &s->layers.layer[id];
    const int64_t E = l->type == LAYER_GEMM ? l->N : up(l->H - l->R + l->stride_h, l->stride_h),
                  F = l->type == LAYER_GEMM ? 1 : up(l->W - l->S + l->stride_w, l->stride_w);
    const struct rs_systolic_gemm g = {.N = E * F, .M = l->M, .K = (int64_t)l->R * l->S * l->C,
                                       .ifmap_words = l->type == LAYER_GEMM ? (int64_t)l->N * l->C : (int64_t)l->H * l->W * l->C};
    struct rs_systolic_result r;

    rs_systolic_run(&s->machine, &g, &r);
    lines(s, id, r.prefetch_cycles + r.cycles + r.stall_cycles, r.cycles + r.stall_cycles, r.stall_cycles,
          (const double[]){100 * (double)r.macs / ((double)(r.cycles + r.stall_cycles) * (double)(s->machine.rows * s->machine.cols)),
                           r.mapping_efficiency, r.compute_util},
          (const int64_t[]){r.ifmap_reads, r.filter_reads, r.ofmap_writes}, r.dram_words);
    printf("%4d  %-24.24s %14s %10.2f %10.2f\n", id, l->name, cli_count((uint64_t)(r.cycles + r.stall_cycles)),
           100 * (double)r.macs / ((double)(r.cycles + r.stall_cycles) * (double)(s->machine.rows * s->machine.cols)),
           r.mapping_efficiency);
}

static rs_status counted(struct scalesim *s, struct rs_device *device, const struct rs_device_info *info, int id, struct rs_error *err)
{
    const struct bench_layer *l = &s->layers.layer[id];
    const uint64_t lanes = info->macs_per_cycle;
    struct rs_graph *graph;
    struct measured m;
    rs_status status = layer_graph(l, 1, &graph, err);

    if (status == RS_OK)
        status = rs_graph_optimize(graph, RS_PASS_ALL, NULL, err);
    if (status != RS_OK)
        return status;
    status = measure_graph(device, graph, 1, 1, 1, false, &m, err);
    if (status != RS_OK)
        return status;
    {
        const struct rs_counters *c = &m.report.counters;
        const uint64_t stalls = c->wait_ifmap + c->wait_filter + c->wait_psum + c->wait_drain + c->wait_depend;
        const uint64_t cycles = c->cycles - c->wait_load - c->idle, macs = m.report.macs - m.report.macs_cpu;
        const int64_t filter = (int64_t)l->M * l->R * l->S * (l->type == LAYER_DEPTHWISE ? 1 : l->C), block = info->rows;
        const int64_t ifmap = (int64_t)(l->type == LAYER_GEMM ? l->N : l->N * l->H * l->W) * l->C;

        if (c->cycles != 0)
            lines(s, id, (int64_t)c->cycles, (int64_t)cycles, (int64_t)stalls,
                  (const double[]){100 * (double)macs / ((double)c->cycles * (double)lanes),
                                   c->mac_uops != 0 ? 100 * (double)macs / ((double)c->mac_uops * (double)lanes) : 0,
                                   100 * (double)c->compute / (double)c->cycles},
                  (const int64_t[]){(int64_t)c->glb_reads * block, (int64_t)c->wbuf_reads * 2 * block, (int64_t)c->outputs},
                  (const int64_t[]){(int64_t)c->axi_read * info->axi_bytes - filter > 0 ? (int64_t)c->axi_read * info->axi_bytes - filter
                                                                                        : ifmap, filter,
                                    (int64_t)c->axi_write * info->axi_bytes});
        printf("%4d  %-24.24s %14s %10.2f %10.2f%s\n", id, l->name, cli_count(c->cycles),
               c->cycles != 0 ? 100 * (double)macs / ((double)c->cycles * (double)lanes) : 0,
               c->mac_uops != 0 ? 100 * (double)macs / ((double)c->mac_uops * (double)lanes) : 0,
               m.report.macs_cpu != 0 ? "  part of it on the CPU" : "");
        fflush(stdout);
    }
    measured_free(&m);
    return RS_OK;
}

static rs_status run(struct scalesim *s, struct rs_error *err)
{
    struct rs_device *device = NULL;
    struct rs_device_info info = {0};
    rs_status status = layers_read(s->topology, &s->layers, err);

    if (status == RS_OK && s->config != NULL)
        status = rs_systolic_read(s->config, &s->machine, err);
    if (status == RS_OK && !s->as_systolic) {
        status = cli_open(s->target, false, &device, err);
        if (status == RS_OK)
            status = rs_device_info(device, &info, err);
        if (status == RS_OK && info.macs_per_cycle == 0)
            status = rs_fail(err, RS_ERR_ARG, "target cpu has no array to count; expected emu[:PRESET] or sim[:PRESET], or --as-systolic");
    }
    if (status == RS_OK)
        status = open_reports(s, err);
    if (status == RS_OK) {
        static const char *const flows[] = {"weight", "output", "input"};

        if (s->as_systolic)
            printf("%s: SCALE-Sim's machine, %lld x %lld, %s stationary [modelled; DRAM words by our formula, not by its trace]\n",
                   s->machine.run_name, (long long)s->machine.rows, (long long)s->machine.cols, flows[s->machine.flow]);
        else
            printf("%s: %u x %u PEs, %u MACs a clock [counted]; every layer alone, its operands from memory%s\n", info.target, info.rows,
                   info.cols, info.macs_per_cycle, s->config != NULL ? "; of the configuration only the name is used" : "");
        printf("%4s  %-24s %14s %10s %10s\n", "id", "layer", "cycles", "util %", "mapping %");
    }
    for (int i = 0; status == RS_OK && i < s->layers.n; i++)
        if (s->as_systolic)
            systolic(s, i);
        else
            status = counted(s, device, &info, i, err);
    FILE *const files[] = {s->compute, s->bandwidth, s->detail};
    for (int i = 0; i < 3; i++)
        if (files[i] != NULL && !cli_finish(files[i]) && status == RS_OK)
            status = rs_fail(err, RS_ERR_IO, "%s: %s", s->folder, strerror(errno));
    if (status == RS_OK)
        printf("reports in %s\n", s->folder);
    rs_close(device);
    free(s->layers.layer);
    return status;
}

int cmd_scalesim(int argc, char **argv)
{
    enum { TARGET = 256, SYSTOLIC, CONFIG, TOPOLOGY, FOLDER };
    static const struct option options[] = {{"config", 1, NULL, CONFIG}, {"topology", 1, NULL, TOPOLOGY}, {"logs", 1, NULL, FOLDER},
                                            {"target", 1, NULL, TARGET}, {"as-systolic", 0, NULL, SYSTOLIC}, {NULL, 0, NULL, 0}};
    struct scalesim s = {.folder = "."};
    struct rs_error err = {0};
    int c, result = CLI_GOOD;

    while (result == CLI_GOOD && (c = getopt_long(argc, argv, ":c:t:p:", options, NULL)) != -1)
        switch (c) {
        case 'c': case CONFIG:   s.config = optarg; break;
        case 't': case TOPOLOGY: s.topology = optarg; break;
        case 'p': case FOLDER:   s.folder = optarg; break;
        case TARGET:             s.target = optarg; break;
        case SYSTOLIC:           s.as_systolic = true; break;
        default:                 result = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (result == CLI_GOOD && optind < argc)
        result = cli_usage(COMMAND, "'%s' is left over; the topology is given with -t", argv[optind]);
    if (result == CLI_GOOD && s.topology == NULL)
        result = cli_usage(COMMAND, "-t TOPOLOGY.csv is expected");
    if (result == CLI_GOOD && s.as_systolic && s.config == NULL)
        result = cli_usage(COMMAND, "--as-systolic needs -c CONFIG.cfg");
    if (result == CLI_GOOD && run(&s, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    return result;
}
