/*
 * rtl_core.cpp - see rtl_core.h.  The one file that knows Verilator; compiled twice, for the fast
 * build and (VM_TRACE) for the one that writes waveforms.
 */
#include <memory>
#include <new>
#include <vector>
#include "Vcore.h"
#include "Vcore___024root.h"
#include "rtl_core.h"
#include "core_glue.h"
#if VM_TRACE
#include <unistd.h>
#include "verilated_fst_c.h"
#endif

/*
 * Outputs come from registers, so nothing needs the falling edge but Verilator's memory of the
 * clock's last level.  Setting that by hand saves half of the evaluations; a Verilator that calls it
 * something else gets the falling edge.
 */
template <class Root>
static auto fall(Root *root, int) -> decltype(root->__Vtrigrprev__TOP__ap_clk, true)
{
    root->__Vtrigrprev__TOP__ap_clk = 0;
    return true;
}
template <class Root>
static bool fall(Root *, long)
{
    return false;
}

struct rtl_cores {
    VerilatedContext context;
    std::vector<std::unique_ptr<Vcore>> core;
#if VM_TRACE
    std::unique_ptr<VerilatedFstC> wave;
#endif
    uint64_t edges = 0;                      /* half clocks, the time of waveforms         */
};

struct rtl_cores *rtl_create(uint32_t n_cores, uint64_t power_up_seed)
{
    std::unique_ptr<rtl_cores> r(new rtl_cores);

    r->context.randReset(power_up_seed != 0 ? 2 : 0);
    r->context.randSeed(static_cast<int>(power_up_seed & 0x7FFFFFFF));
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

void rtl_destroy(struct rtl_cores *r)
{
    if (r == nullptr)
        return;
    rtl_wave(r, nullptr);
    for (auto &core : r->core)
        core->final();
    delete r;
}

#if VM_TRACE
/* As a person expects to see it: inputs change at the falling edge before. */
static void clock_and_dump(struct rtl_cores *r, const struct core_in *in)
{
    for (int level = 0; level < 2; level++) {
        for (size_t i = 0; i < r->core.size(); i++) {
            core_drive(r->core[i].get(), &in[i]);
            r->core[i]->ap_clk = level != 0;
            r->core[i]->eval();
        }
        r->wave->dump(2 * r->edges++);                       /* ns: a period of 4          */
    }
}
#endif

void rtl_clock(struct rtl_cores *r, const struct core_in *in, struct core_out *out)
{
#if VM_TRACE
    if (r->wave)
        clock_and_dump(r, in);
    else
#endif
    {
        for (size_t i = 0; i < r->core.size(); i++) {
            Vcore *core = r->core[i].get();

            if (!fall(core->rootp, 0)) {
                core->ap_clk = 0;
                core->eval();
            }
            core_drive(core, &in[i]);
            core->ap_clk = 1;
            core->eval();
        }
        r->edges += 2;
    }
    for (size_t i = 0; i < r->core.size(); i++)
        core_sample(r->core[i].get(), &out[i]);
}

bool rtl_wave(struct rtl_cores *r, const char *file)
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

bool rtl_can_trace(void)
{
    return VM_TRACE;
}
