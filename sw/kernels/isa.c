/* isa.c - which instruction set the kernels use: chosen by name, by environment, or the best there is. */
#include "kernels.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[RS_ISA_COUNT] = { "ref", "portable", "avx2", "avx512vnni", "neon" };

/* The choice of this process; RS_ISA_COUNT until it is made. */
static atomic_int chosen = RS_ISA_COUNT;

const char *rs_isa_name(enum rs_isa isa)
{
    return (int)isa >= 0 && isa < RS_ISA_COUNT ? names[isa] : NULL;
}

bool rs_isa_available(enum rs_isa isa)
{
    switch (isa) {
    case RS_ISA_REF:
    case RS_ISA_PORTABLE:
        return true;
#if defined(__x86_64__)
    case RS_ISA_AVX2:                  /* the compiler's test includes what the operating system saves */
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case RS_ISA_AVX512VNNI:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2");
#elif defined(__aarch64__)
    case RS_ISA_NEON:                  /* every AArch64 has it */
        return true;
#endif
    default:
        return false;
    }
}

rs_status rs_isa_select(const char *name, struct rs_error *err)
{
    const char *where = "";

    if (name == NULL) {
        name = getenv("RS_ISA");
        where = "environment RS_ISA: ";
        if (name == NULL || name[0] == '\0') {
            int best = RS_ISA_COUNT - 1;

            while (!rs_isa_available((enum rs_isa)best))
                best--;
            atomic_store(&chosen, best);
            return RS_OK;
        }
    }
    for (int isa = 0; isa < RS_ISA_COUNT; isa++)
        if (strcmp(name, names[isa]) == 0) {
            if (!rs_isa_available((enum rs_isa)isa))
                return rs_fail(err, RS_ERR_UNSUPPORTED, "%sthis machine has no %s", where, name);
            atomic_store(&chosen, isa);
            return RS_OK;
        }
    return rs_fail(err, RS_ERR_ARG, "%sno instruction set '%s'; there are ref, portable, avx2, avx512vnni, neon", where,
                   name);
}

rs_status rs_isa_current(enum rs_isa *isa, struct rs_error *err)
{
    if (isa == NULL)
        return rs_fail(err, RS_ERR_ARG, "isa: null output");
    if (atomic_load(&chosen) == RS_ISA_COUNT) {
        const rs_status status = rs_isa_select(NULL, err);

        if (status != RS_OK)
            return status;
    }
    *isa = (enum rs_isa)atomic_load(&chosen);
    return RS_OK;
}
