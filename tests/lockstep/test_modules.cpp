/*
 * test_modules.cpp - every module of hw/ in lockstep with its Verilog (module.cpp).
 *
 *   test_modules [SEED [CLOCKS [MODULE]]]
 */
#include <cinttypes>
#include "../test.h"
#include "lockstep.h"

lockstep_module *&lockstep_modules()
{
    static lockstep_module *first;

    return first;
}

static uint64_t seed = 1, clocks = 20000;
static const lockstep_module *module;

static void in_lockstep()
{
    const lockstep_result r = module->run(seed, clocks);

    CHECK(r.equal, "%s: output %s differs at clock %" PRIu64 " (seed %" PRIu64 ")", module->name,
          r.output, r.clock, seed);
    CHECK(r.edges_seen > clocks / 1000 || !r.equal, "%s: outputs changed %" PRIu64 " times only",
          module->name, r.edges_seen);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], nullptr, 0);
    if (argc > 2)
        clocks = strtoull(argv[2], nullptr, 0);
    for (module = lockstep_modules(); module != nullptr; module = module->next) {
        char name[80];

        if (argc > 3 && strcmp(argv[3], module->name) != 0)
            continue;
        snprintf(name, sizeof name, "%s_matches_its_verilog", module->name);
        test_run(name, in_lockstep);
    }
    return test_exit();
}
