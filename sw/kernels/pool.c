/*
 * pool.c - threads that take shares of a run; see pool.h.
 *
 * A run is a ticket: its number, how many shares it has and the next one, in one word.  Who advances it by
 * compare-and-swap owns that share, so that a thread that comes late, while the next run is being made even, can take
 * nothing twice and nothing that is not there.  What a run consists of is written before its ticket and read after a
 * share is owned; it cannot change while one is unfinished.
 */
#include "pool.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST_THREADS = 256, LOOKS = 2000 };             /* a look takes some 10 ns, with its pause */
enum { PART_BITS = 20, MOST_PARTS = (1 << PART_BITS) - 1 };

static uint32_t ticket_run(uint64_t ticket) { return (uint32_t)(ticket >> 2 * PART_BITS); }
static int ticket_parts(uint64_t ticket) { return (int)(ticket >> PART_BITS & MOST_PARTS); }
static int ticket_next(uint64_t ticket) { return (int)(ticket & MOST_PARTS); }

struct rs_pool {
    int threads;
    pthread_t worker[MOST_THREADS];
    pthread_mutex_t one_run, mutex;
    pthread_cond_t wake, finished;
    int sleeping;                      /* workers in wake; under mutex                 */
    bool end, waiting;                 /* under mutex                                  */
    _Atomic uint64_t ticket;           /* run, shares, next share: 24, 20, 20 bits     */
    atomic_int left;                   /* shares that have not returned                */
    void (*job)(void *context, int part);
    void *context;
};

static inline void pause_a_little(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Shares of run @run until none is left. */
static void take_shares(struct rs_pool *p, uint32_t run)
{
    for (;;) {
        uint64_t ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
        const int part = ticket_next(ticket);

        if (ticket_run(ticket) != run || part >= ticket_parts(ticket))
            return;
        if (!atomic_compare_exchange_weak_explicit(&p->ticket, &ticket, ticket + 1, memory_order_acq_rel,
                                                   memory_order_relaxed))
            continue;
        p->job(p->context, part);
        if (atomic_fetch_sub_explicit(&p->left, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&p->mutex);
            if (p->waiting)
                pthread_cond_signal(&p->finished);
            pthread_mutex_unlock(&p->mutex);
        }
    }
}

static uint32_t run_of(struct rs_pool *p)
{
    return ticket_run(atomic_load_explicit(&p->ticket, memory_order_acquire));
}

static void *work(void *argument)
{
    struct rs_pool *p = argument;
    uint32_t seen = 0;

    for (;;) {
        for (int look = 0; look < LOOKS && run_of(p) == seen; look++)
            pause_a_little();
        if (run_of(p) == seen) {
            pthread_mutex_lock(&p->mutex);
            p->sleeping++;
            while (run_of(p) == seen && !p->end)
                pthread_cond_wait(&p->wake, &p->mutex);
            p->sleeping--;

            const bool end = p->end;

            pthread_mutex_unlock(&p->mutex);
            if (end)
                return NULL;
        }
        seen = run_of(p);
        take_shares(p, seen);
    }
}

rs_status rs_pool_create(int threads, struct rs_pool **pool, struct rs_error *err)
{
    if (pool == NULL)
        return rs_fail(err, RS_ERR_ARG, "thread pool: null output");
    *pool = NULL;
    if (threads < 1 || threads > MOST_THREADS)
        return rs_fail(err, RS_ERR_RANGE, "thread pool: %d threads, must be in [1, %d]", threads, MOST_THREADS);

    struct rs_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "thread pool: no memory");
    pthread_mutex_init(&p->one_run, NULL);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->finished, NULL);
    for (p->threads = 1; p->threads < threads; p->threads++)
        if (pthread_create(&p->worker[p->threads], NULL, work, p) != 0) {
            const int started = p->threads;

            rs_pool_destroy(p);
            return rs_fail(err, RS_ERR_NOMEM, "thread pool: the system gave %d of %d threads", started, threads);
        }
    *pool = p;
    return RS_OK;
}

void rs_pool_destroy(struct rs_pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->mutex);
    p->end = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    for (int i = 1; i < p->threads; i++)
        pthread_join(p->worker[i], NULL);
    pthread_cond_destroy(&p->finished);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    pthread_mutex_destroy(&p->one_run);
    free(p);
}

int rs_pool_threads(const struct rs_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

void rs_pool_run(struct rs_pool *p, int parts, void (*job)(void *context, int part), void *context)
{
    if (p == NULL || p->threads == 1 || parts <= 1 || parts > MOST_PARTS) {
        for (int part = 0; part < parts; part++)
            job(context, part);
        return;
    }
    pthread_mutex_lock(&p->one_run);
    p->job = job;
    p->context = context;
    atomic_store_explicit(&p->left, parts, memory_order_relaxed);

    const uint64_t next = (uint64_t)(run_of(p) + 1) << 2 * PART_BITS;
    const uint32_t run = ticket_run(next);

    atomic_store(&p->ticket, next | (uint64_t)parts << PART_BITS);
    pthread_mutex_lock(&p->mutex);
    if (p->sleeping > 0)
        pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    take_shares(p, run);
    for (int look = 0; look < LOOKS && atomic_load_explicit(&p->left, memory_order_acquire) > 0; look++)
        pause_a_little();
    pthread_mutex_lock(&p->mutex);
    p->waiting = true;
    while (atomic_load_explicit(&p->left, memory_order_acquire) > 0)
        pthread_cond_wait(&p->finished, &p->mutex);
    p->waiting = false;
    pthread_mutex_unlock(&p->mutex);
    pthread_mutex_unlock(&p->one_run);
}
