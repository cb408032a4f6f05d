/* test_pool.c - the thread pool: every share once, many runs in a row, idle threads sleep; layers give the same bits. */
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include "pack.h"
#include "pool.h"
#include "test_kernels.h"

struct count { atomic_int of[64]; };

static void add_one(void *context, int part)
{
    atomic_fetch_add(&((struct count *)context)->of[part], 1);
}

TEST(every_share_runs_once)
{
    struct rs_error err;

    for (int threads = 1; threads <= 5; threads += 2) {
        struct rs_pool *pool;

        MUST(rs_pool_create(threads, &pool, &err) == RS_OK, "%s", err.text);
        CHECK(rs_pool_threads(pool) == threads, "%d", rs_pool_threads(pool));
        for (int n = 0; n < 3000; n++) {
            struct count count = { 0 };
            const int parts = n % 64;

            rs_pool_run(pool, parts, add_one, &count);
            for (int i = 0; i < 64; i++)
                MUST(atomic_load(&count.of[i]) == (i < parts), "%d threads, run %d: share %d of %d ran %d times", threads, n, i,
                     parts, atomic_load(&count.of[i]));
        }
        rs_pool_destroy(pool);
    }
}

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

TEST(idle_threads_sleep)
{
    struct rs_pool *pool;
    struct count count = { 0 };
    struct rs_error err;

    MUST(rs_pool_create(4, &pool, &err) == RS_OK, "%s", err.text);
    rs_pool_run(pool, 8, add_one, &count);
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    const double before = cpu_seconds();

    nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
    const double spent = cpu_seconds() - before;

    CHECK(spent < 0.02, "3 idle workers took %g s of 0.2", spent);
    rs_pool_run(pool, 8, add_one, &count);             /* and wake again */
    CHECK(atomic_load(&count.of[7]) == 2, "%d", atomic_load(&count.of[7]));
    rs_pool_destroy(pool);
    rs_pool_destroy(NULL);
}

/* Large enough to be shared; a fully connected layer of one row as well, which is shared by filters. */
TEST(layers_are_the_same_on_any_number_of_threads)
{
    static struct test_quant t;
    const struct rs_gemm_shape shapes[] = { { .m = 61, .n = 250, .k = 150 }, { .m = 1, .n = 500, .k = 4400 },
                                            { .m = 2, .n = 70, .k = 16000 } };
    struct rs_error err;

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct rs_gemm_shape *sh = &shapes[i];
        const size_t mk = (size_t)sh->m * (size_t)sh->k, nk = (size_t)sh->n * (size_t)sh->k, mn = (size_t)sh->m * (size_t)sh->n;
        int8_t *a = malloc(mk), *b = malloc(nk), *want = guarded_new(mn);
        struct rs_pack_sizes sizes;

        MUST(a != NULL && b != NULL, "memory");
        rnd_codes(a, mk, -128, 127);
        rnd_codes(b, nk, -128, 127);
        rnd_quant(&t, sh->n, 4000 * sh->k, RS_ROUND_DOUBLE);
        MUST(rs_gemm_s8_ref(sh, a, b, NULL, &t.q, want, &err) == RS_OK, "%s", err.text);
        for (int isa = RS_ISA_PORTABLE; isa < RS_ISA_COUNT; isa++) {
            if (rs_isa_select(rs_isa_name((enum rs_isa)isa), &err) != RS_OK)
                continue;
            MUST(rs_gemm_s8_pack_bytes(sh, &sizes, &err) == RS_OK, "%s", err.text);
            for (int threads = 1; threads <= 4; threads++) {
                const size_t each = (sizes.scratch_bytes + 63) / 64 * 64;
                void *packed = aligned_alloc(64, (sizes.packed_bytes + 63) / 64 * 64), *scratch = aligned_alloc(64, each * 4);
                int8_t *got = guarded_new(mn);
                struct rs_pool *pool;

                MUST(packed != NULL && scratch != NULL, "memory");
                MUST(rs_pool_create(threads, &pool, &err) == RS_OK, "%s", err.text);
                MUST(rs_gemm_s8_pack(sh, b, NULL, &t.q, packed, sizes.packed_bytes, &err) == RS_OK, "%s", err.text);
                MUST(rs_packed_run_pool(packed, a, got, pool, scratch, each * (size_t)threads, &err) == RS_OK, "%s", err.text);
                CHECK(memcmp(got, want, mn) == 0, "%s, %d threads, layer %zu differs", rs_isa_name((enum rs_isa)isa), threads, i);
                CHECK(guards_intact(got, mn), "wrote outside");
                if (threads > 1)
                    CHECK(rs_packed_run_pool(packed, a, got, pool, scratch, each, &err) == RS_ERR_SHAPE, "scratch of one thread");
                CHECK(rs_packed_run_pool(packed, NULL, got, pool, scratch, each * (size_t)threads, &err) == RS_ERR_ARG, "null");
                rs_pool_destroy(pool);
                guarded_free(got);
                free(packed);
                free(scratch);
            }
        }
        free(a);
        free(b);
        guarded_free(want);
    }
}

TEST(refuses_bad_arguments)
{
    struct rs_pool *pool = (struct rs_pool *)&pool;
    struct rs_error err;

    CHECK(rs_pool_create(0, &pool, &err) == RS_ERR_RANGE && pool == NULL, "0 threads");
    CHECK(rs_pool_create(257, &pool, &err) == RS_ERR_RANGE, "257 threads");
    CHECK(rs_pool_create(1, NULL, &err) == RS_ERR_ARG, "null");
    CHECK(rs_pool_threads(NULL) == 1, "no pool is the caller's thread");
}

int main(void)
{
    RUN(every_share_runs_once);
    RUN(idle_threads_sleep);
    RUN(layers_are_the_same_on_any_number_of_threads);
    RUN(refuses_bad_arguments);
    return test_exit();
}
