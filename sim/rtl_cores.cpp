/*
 * rtl_cores.cpp - the cores as Verilated Verilog.  The one file that knows Verilator; compiled
 * twice, for the fast build and (VM_TRACE) for the one that writes waveforms.
 */
#include <memory>
#include <vector>
#include "Vcore.h"
#define interrupt __SYM__interrupt           /* so Verilator calls a port of that name     */
#include "cores.h"
#include "core_glue.h"                       /* made by hlsc --glue                        */
#if VM_TRACE
#include <unistd.h>
#include "verilated_fst_c.h"
#endif

struct cores {
    VerilatedContext context;
    std::vector<std::unique_ptr<Vcore>> core;
#if VM_TRACE
    std::unique_ptr<VerilatedFstC> wave;
#endif
    uint64_t edges = 0;                      /* half clocks, the time of waveforms         */
};

static struct cores *create(uint32_t n_cores)
{
    std::unique_ptr<cores> r(new cores);

#if VM_TRACE
    r->context.traceEverOn(true);
#endif
    for (uint32_t i = 0; i < n_cores; i++) {
        r->core.emplace_back(new Vcore(&r->context, i == 0 ? "core0" : "core1"));
        r->core.back()->ap_clk = 0;
        r->core.back()->eval();
    }
    return r.release();
}

static bool wave(struct cores *r, const char *file);

static void destroy(struct cores *r)
{
    if (r == nullptr)
        return;
    wave(r, nullptr);
    for (auto &core : r->core)
        core->final();
    delete r;
}

#if VM_TRACE
/* As a person expects to see it: inputs change at the falling edge before. */
static void clock_and_dump(struct cores *r, const struct core_in *in)
{
    for (int level = 0; level < 2; level++) {
        for (size_t i = 0; i < r->core.size(); i++) {
            core_set_in(*r->core[i], in[i]);
            r->core[i]->ap_clk = level != 0;
            r->core[i]->eval();
        }
        r->wave->dump(2 * r->edges++);                       /* ns: a period of 4          */
    }
}
#endif

static void clock_cores(struct cores *r, const struct core_in *in, struct core_out *out)
{
#if VM_TRACE
    if (r->wave)
        clock_and_dump(r, in);
    else
#endif
    {
        for (size_t i = 0; i < r->core.size(); i++) {
            Vcore *core = r->core[i].get();

            core_set_in(*core, in[i]);
            core->ap_clk = 1;
            core->eval();
            core->ap_clk = 0;
            core->eval();
        }
        r->edges += 2;
    }
    for (size_t i = 0; i < r->core.size(); i++)
        core_get_out(*r->core[i], out[i]);
}

static bool wave(struct cores *r, const char *file)
{
#if VM_TRACE
    FILE *probe;

    if (r->wave)
        r->wave->close();
    r->wave.reset();
    if (file == nullptr)
        return true;
    probe = fopen(file, "wb");               /* Verilator only warns if it cannot          */
    if (probe == nullptr)
        return false;
    fclose(probe);
    r->wave.reset(new VerilatedFstC);
    r->wave->set_time_unit("1ns");
    r->wave->set_time_resolution("1ns");
    for (auto &core : r->core)
        core->trace(r->wave.get(), 99);
    r->wave->open(file);
    return true;
#else
    (void)r;
    return file == nullptr;
#endif
}

extern "C" {
const struct cores_api rtl_cores = {create, destroy, clock_cores, wave, VM_TRACE != 0, nullptr, nullptr};
}
