/* bench_network.h - whole networks on one thread of the CPU, beside TFLite and ONNX Runtime. */
#ifndef RS_CLI_BENCH_NETWORK_H
#define RS_CLI_BENCH_NETWORK_H
#include "json.h"
#include "status.h"

enum { NETWORK_WAYS = 4 };

struct network_result {
    const char *path;
    double ours_us;
    double macs, filter_bytes;         /* published MACs (padding counted); int8 filters          */
    double full_rate_us, loads_us;     /* what no kernel undercuts: the MACs by VPDPBUSD on registers, loading the filters once; 0: unknown */
    int ways;
    struct { char name[32], version[200]; double us; } way[NETWORK_WAYS];
};

/**
 * network_run() - time a .tflite file: medians of interleaved samples, CPU time of one thread.
 *
 * The others run in a process of their own (peers/networks.py, by the python3 that the path finds first); what it cannot
 * do it says on stderr.
 */
RS_MUST_CHECK
rs_status network_run(const char *path, double seconds, struct network_result *result, struct rs_error *err);
void network_print(FILE *to, const struct network_result *result);
void network_json(struct json *j, const struct network_result *result);
/* The fastest other way's time over ours; 0: there is none. */
double network_ratio(const struct network_result *result);
#endif
