/*
 * module.cpp - one module of hw/ in lockstep: X_clock() against Verilated X, the same random inputs
 * at every clock, every output compared after every clock.  Compiled for each module, with
 *   -DMODULE=X -DMODEL=LX -DMODEL_HEADER="LX.h" -DGLUE_HEADER="X_glue.h" (made by hlsc --glue).
 *
 * Both start from all zeros, so that a register that reset leaves alone is the same in both.
 * Contract asserts are off (NDEBUG): random inputs break contracts, and must break them equally.
 */
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <verilated.h>
#include MODEL_HEADER
#define interrupt __SYM__interrupt               /* as Verilator calls a port of that name      */
#include GLUE_HEADER
#define _Static_assert static_assert
#include "config/config.h"
#include "constrain.h"
#include "lockstep.h"

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define STRING_(a) #a
#define STRING(a) STRING_(a)
#define IN struct PASTE(MODULE, _in)
#define OUT struct PASTE(MODULE, _out)

namespace {

/* Random words; the flavour changes with the phase: uniform, mostly zeros, mostly ones, a mixture. */
struct source {
    uint64_t state, flavour;

    uint64_t raw()
    {
        uint64_t z = (state += 0x9E3779B97F4A7C15u);

        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    uint64_t operator()()
    {
        const uint64_t a = raw();

        switch (flavour == 3 ? a & 3 : flavour) {
        case 0:  return raw();
        case 1:  return raw() & raw() & raw();
        case 2:  return raw() | raw() | raw();
        default: return (raw() & 7) != 0 ? 0 : raw();
        }
    }
};

/* Reset now and then, not at every other clock; a module without one has nothing to set. */
template <class T> auto set_reset(T &in, bool on, int) -> decltype(in.rst, void()) { in.rst = on; }
template <class T> auto set_reset(T &in, bool on, long) -> decltype(in.ap_rst_n, void()) { in.ap_rst_n = !on; }
template <class T> void set_reset(T &, bool, ...) {}

lockstep_result run(uint64_t seed, uint64_t clocks)
{
    std::unique_ptr<VerilatedContext> context(new VerilatedContext);
    std::unique_ptr<MODEL> rtl(new MODEL(context.get()));
    std::unique_ptr<struct MODULE> c(new struct MODULE);
    source rnd = {seed, 0};
    lockstep_result result = {true, 0, "", 0};
    uint64_t hold = 0;
    IN in;
    OUT want, got, last;

    memset(static_cast<void *>(c.get()), 0, sizeof *c);
    memset(static_cast<void *>(&in), 0, sizeof in);
    memset(static_cast<void *>(&want), 0, sizeof want);
    memset(static_cast<void *>(&got), 0, sizeof got);
    memset(static_cast<void *>(&last), 0, sizeof last);
    rtl->ap_clk = 0;
    rtl->eval();
    for (uint64_t n = 0; n < clocks; n++) {
        if (n % 256 == 0) {
            hold = rnd.raw() % 3 * 7;                /* of 16 clocks, those with old inputs  */
            rnd.flavour = rnd.raw() % 4;
        }
        if (rnd.raw() % 16 >= hold)
            PASTE(MODULE, _random_in)(in, std::ref(rnd));
        constrain(in);
        set_reset(in, n < 4 || rnd.raw() % 512 == 0, 0);

        PASTE(MODULE, _clock)(c.get(), &in, &want);
        PASTE(MODULE, _set_in)(*rtl, in);
        rtl->ap_clk = 1;
        rtl->eval();
        rtl->ap_clk = 0;
        rtl->eval();
        PASTE(MODULE, _get_out)(*rtl, got);
        result.output = PASTE(MODULE, _out_differ)(want, got);
        if (result.output != nullptr) {
            result.equal = false;
            result.clock = n;
            break;
        }
        result.edges_seen += PASTE(MODULE, _out_differ)(want, last) != nullptr;
        last = want;
    }
    rtl->final();
    return result;
}

struct enrol {
    lockstep_module module = {STRING(MODULE), run, lockstep_modules()};
    enrol() { lockstep_modules() = &module; }
} enrolled;

} // namespace
