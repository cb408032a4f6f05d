/*
 * lockstep.cc - a module's C against its Verilated Verilog, or with -DSOA against the structures of arrays that hlsc
 * makes of it, every output at every clock edge.
 *
 * Compiled with -DMODULE=name; arguments: SEED CYCLES.  Inputs are random; the two states start at 0.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#define STR2(x) #x
#define STR(x) STR2(x)
#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)
#ifndef SOA
#include STR(CAT(V, MODULE).h)
#endif
#include "glue.h"
extern "C" void CAT(MODULE, _clock)(struct MODULE *, const struct CAT(MODULE, _in) *, struct CAT(MODULE, _out) *);

#ifdef SOA
extern "C" size_t CAT(MODULE, _soa_bytes)(void);
extern "C" void CAT(MODULE, _soa_clock)(void *, const struct CAT(MODULE, _in) *, struct CAT(MODULE, _out) *);

struct other {
    void *const registers = memset(aligned_alloc(64, (CAT(MODULE, _soa_bytes)() + 63) / 64 * 64), 0, CAT(MODULE, _soa_bytes)());

    ~other() { free(registers); }
    void clock(const struct CAT(MODULE, _in) &in, struct CAT(MODULE, _out) &out) { CAT(MODULE, _soa_clock)(registers, &in, &out); }
};
#else
struct other {
    VerilatedContext context;
    CAT(V, MODULE) model{&context};

    other() { edge(0); }
    void edge(int level)
    {
        model.ap_clk = level;
        model.eval();
    }
    void clock(const struct CAT(MODULE, _in) &in, struct CAT(MODULE, _out) &out)
    {
        CAT(MODULE, _set_in)(model, in);
        model.eval();
        edge(1);
        edge(0);
        CAT(MODULE, _get_out)(model, out);
    }
};
#endif

static uint64_t seed;
static uint64_t rnd()
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int main(int argc, char **argv)
{
    other other;
    static struct MODULE state;
    static struct CAT(MODULE, _in) in;
    static struct CAT(MODULE, _out) want, got, last;
    const long cycles = argc > 2 ? atol(argv[2]) : 1000;
    long changes = 0;

    seed = argc > 1 ? strtoull(argv[1], nullptr, 0) : 1;
    for (long t = 0; t < cycles; t++) {
        CAT(MODULE, _random_in)(in, rnd);
        CAT(MODULE, _clock)(&state, &in, &want);
        other.clock(in, got);
        if (const char *field = CAT(MODULE, _out_differ)(want, got)) {
            printf("  %s: cycle %ld: out->%s differs\n", STR(MODULE), t, field);
            return 1;
        }
        changes += t != 0 && CAT(MODULE, _out_differ)(want, last) != nullptr;
        memcpy(&last, &want, sizeof last);
    }
    if (changes < cycles / 2) {
        printf("  %s: outputs changed in %ld of %ld cycles only\n", STR(MODULE), changes, cycles);
        return 1;
    }
    return 0;
}
