/* bench_peak.c - the rate of VPDPBUSD on registers: what no int8 kernel of this machine can exceed. */
#include "bench.h"
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum { ROUNDS = 2000, CHAINS = 16, MACS = 64 };

/* 16 independent chains, so that latency does not count.  Returns something that depends on all of them. */
__attribute__((target("avx512f,avx512vnni"), noinline))
static int burst(int seed)
{
    __m512i acc[CHAINS];
    const __m512i x = _mm512_set1_epi32(seed);

    for (int i = 0; i < CHAINS; i++)
        acc[i] = _mm512_set1_epi32(i);
    for (int n = 0; n < ROUNDS; n++)
#pragma GCC unroll 16
        for (int i = 0; i < CHAINS; i++)
            acc[i] = _mm512_dpbusd_epi32(acc[i], x, x);
    for (int i = 1; i < CHAINS; i++)
        acc[0] = _mm512_add_epi32(acc[0], acc[i]);
    return _mm512_reduce_add_epi32(acc[0]);
}

double rs_bench_peak_macs_per_ns(void)
{
    static volatile int sink;
    struct timespec a, b;

    if (!rs_isa_available(RS_ISA_AVX512VNNI))
        return 0.0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    sink = burst(0x01020304 + sink % 2);
    clock_gettime(CLOCK_MONOTONIC, &b);

    const double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);

    return (double)ROUNDS * CHAINS * MACS / ns;
}
#else
double rs_bench_peak_macs_per_ns(void)
{
    return 0.0;
}
#endif
