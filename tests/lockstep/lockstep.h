/* lockstep.h - how the modules' tests (module.cpp) and their program (test_modules.cpp) meet. */
#ifndef RS_TEST_LOCKSTEP_H
#define RS_TEST_LOCKSTEP_H
#include <cstdint>

struct lockstep_result {
    bool equal;
    uint64_t clock;                 /* of the first difference                              */
    const char *output;             /* its name                                             */
    uint64_t edges_seen;            /* how often some output changed: 0 would prove nothing */
};

struct lockstep_module {
    const char *name;
    lockstep_result (*run)(uint64_t seed, uint64_t clocks);
    lockstep_module *next;
};

/* Every module.cpp adds itself before main(). */
lockstep_module *&lockstep_modules();

#endif
