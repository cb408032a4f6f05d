/* packed_run_pool.c - one packed layer by several threads: a share for each. */
#include "check.h"
#include "pack.h"
#include "packed.h"
#include "pool.h"
#include <stdatomic.h>

/* Below, another thread does not come in time to help. */
#define WORTH_WAKING (INT64_C(1) << 21)

struct run {
    const void *packed;
    const int8_t *in;
    void *out;
    int parts;
    char *scratch;
    size_t each;                       /* bytes of scratch for a share */
    atomic_int failed;                 /* part + 1 of a share that failed */
};

static void run_share(void *context, int part)
{
    struct run *r = context;

    if (rs_packed_run(r->packed, r->in, r->out, part, r->parts, r->scratch + (size_t)part * r->each, r->each, NULL) != RS_OK)
        atomic_store(&r->failed, part + 1);
}

rs_status rs_packed_run_pool(const void *packed, const int8_t *in, void *out, struct rs_pool *pool, void *scratch,
                             size_t scratch_bytes, struct rs_error *err)
{
    const int threads = rs_pool_threads(pool);
    const struct packed_layer *l = packed;

    if (packed == NULL || (uintptr_t)packed % RS_PACK_ALIGNMENT != 0 || threads == 1 || packed_macs(l) < WORTH_WAKING)
        return rs_packed_run(packed, in, out, 0, 1, scratch, scratch_bytes, err);

    struct run r = { .packed = packed, .in = in, .out = out, .parts = threads, .scratch = scratch,
                     .each = scratch_bytes / (size_t)threads / RS_PACK_ALIGNMENT * RS_PACK_ALIGNMENT };
    int part;

    rs_pool_run(pool, r.parts, run_share, &r);
    part = atomic_load(&r.failed);
    return part == 0 ? RS_OK       /* what failed was a guard: it fails again, with its message, and writes nothing */
                     : rs_packed_run(packed, in, out, part - 1, r.parts, scratch, r.each, err);
}
