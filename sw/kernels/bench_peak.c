/* bench_peak.c - the rates of VPDPBUSD on registers and of loads: what no int8 kernel of this machine can exceed. */
#include "bench.h"
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum { ROUNDS = 2000, CHAINS = 16, MACS = 64, LOADED_BYTES = 2 << 20 };

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

__attribute__((target("avx512f"), noinline))
static int load_all(const char *from, size_t bytes)
{
    __m512i x[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512() };

    for (size_t at = 0; at + 256 <= bytes; at += 256)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            x[i] = _mm512_xor_si512(x[i], _mm512_loadu_si512(from + at + 64 * (size_t)i));
    return _mm512_reduce_add_epi32(_mm512_xor_si512(_mm512_xor_si512(x[0], x[1]), _mm512_xor_si512(x[2], x[3])));
}

double rs_bench_load_bytes_per_ns(const void *from, size_t bytes)
{
    const size_t times = bytes >= LOADED_BYTES ? 1 : LOADED_BYTES / (bytes + 1) + 1;
    volatile int sink;
    struct timespec a, b;

    if (!rs_isa_available(RS_ISA_AVX512VNNI))
        return 0.0;
    sink = load_all(from, bytes);      /* brings it where it stays */
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (size_t i = 0; i < times; i++)
        sink = load_all(from, bytes);
    clock_gettime(CLOCK_MONOTONIC, &b);
    (void)sink;
    return (double)times * (double)bytes / ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec));
}
#else
double rs_bench_load_bytes_per_ns(const void *from, size_t bytes)
{
    (void)from;
    (void)bytes;
    return 0.0;
}

double rs_bench_peak_macs_per_ns(void)
{
    return 0.0;
}
#endif
