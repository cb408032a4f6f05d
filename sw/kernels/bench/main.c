/*
 * main.c - print how fast the kernels are on this machine.
 *
 *   make lib && cc -O2 -Ihost -Isw/base -Isw/kernels sw/kernels/bench/main.c build/librowstation.a -lm -o bench-kernels
 *   ./bench-kernels [-r] [-s seconds] [-w part-of-a-name]       RS_ISA=portable ./bench-kernels ...
 *
 * -r: time the _ref functions as well (slow).
 */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    bool reference = false;
    double seconds = 0.2;
    const char *only = "";
    struct rs_error err = { RS_OK, "" };
    enum rs_isa isa;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-r") == 0) {
            reference = true;
        } else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
            seconds = atof(argv[++i]);
        } else if (strcmp(argv[i], "-w") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else {
            fprintf(stderr, "usage: %s [-r] [-s seconds] [-w name]\n", argv[0]);
            return 2;
        }
    }
    if (rs_isa_current(&isa, &err) != RS_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%-30s %12s %8s %8s %8s%s   isa %s, 1 thread\n", "layer", "us", "GOPS", "of peak", "best us",
           reference ? "   times _ref" : "", rs_isa_name(isa));
    for (int i = 0; i < rs_bench_count(); i++) {
        const struct rs_bench_workload *w = rs_bench_workload_at(i);
        struct rs_bench_result r, ref;

        if (strstr(w->name, only) == NULL)
            continue;
        if (rs_bench_run(i, false, seconds, &r, &err) != RS_OK) {
            fprintf(stderr, "%s: %s\n", w->name, err.text);
            return 1;
        }
        printf("%-30s %12.2f %8.1f %8.3f %8.2f", w->name, r.ns / 1e3, 2.0 * (double)w->macs / r.ns, r.peak_ratio,
               r.best_ns / 1e3);
        if (reference) {
            if (rs_bench_run(i, true, 0.001, &ref, &err) != RS_OK) {
                fprintf(stderr, "%s: %s\n", w->name, err.text);
                return 1;
            }
            printf("   %10.1f", ref.ns / r.ns);
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
