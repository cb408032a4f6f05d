/*
 * pool.h - threads that run a packed layer together; as many as the caller says.
 *
 * The calling thread is one of them and takes shares like the others, so that a layer never waits for a thread that
 * the system does not run.  Between layers a worker looks out for the next one for some 20 us, then sleeps: an idle
 * pool takes no time.
 */
#ifndef RS_KERNELS_POOL_H
#define RS_KERNELS_POOL_H
#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rs_pool;

/**
 * rs_pool_create() - start @threads - 1 workers.
 * @threads: [1, 256].  Errors: RS_ERR_ARG, RS_ERR_RANGE, RS_ERR_NOMEM (memory or threads).
 */
RS_MUST_CHECK
rs_status rs_pool_create(int threads, struct rs_pool **pool, struct rs_error *err);

/* Ends the workers.  NULL is allowed; no run may be in progress. */
void rs_pool_destroy(struct rs_pool *pool);

/* Threads with the caller's; 1 for NULL. */
int rs_pool_threads(const struct rs_pool *pool);

/**
 * rs_pool_run() - @job(context, part) for each part in [0, parts), each once, in any order, on any of the threads.
 *
 * Returns when all have returned; what they wrote is then visible to the caller.  One run at a time: who calls it from
 * several threads sees them wait for each other.  @job must not call it.  @pool NULL: on this thread.
 */
void rs_pool_run(struct rs_pool *pool, int parts, void (*job)(void *context, int part), void *context);

/**
 * rs_packed_run_pool() - rs_packed_run() of all of a layer, by the threads of @pool if it is worth while.
 *
 * @scratch: rs_pool_threads(pool) times scratch_bytes of the layer, rounded up to RS_PACK_ALIGNMENT (RS_ERR_SHAPE)
 * Same bits whatever the number of threads.  Layers of less than some 2^21 multiplications stay on one thread: to wake
 * another takes longer.
 */
RS_MUST_CHECK
rs_status rs_packed_run_pool(const void *packed, const int8_t *in, void *out, struct rs_pool *pool, void *scratch,
                             size_t scratch_bytes, struct rs_error *err);

#ifdef __cplusplus
}
#endif
#endif
