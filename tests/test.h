/*
 * test.h - the whole of our C test harness: named tests, checks that say what was got and wanted.
 *
 * A test program prints one line for each test: `PASS name`, `FAIL name`, or `SKIP name: reason`
 * (details of a failure come before its line), and exits 0 if nothing failed.
 * tests/run.sh adds the lines of all programs up.  Nothing here allocates or needs a library.
 *
 *   TEST(rejects_zero_extent) { CHECK(f(0) == RS_ERR_ARG, "got %d", f(0)); }
 *   int main(int argc, char **argv) { RUN(rejects_zero_extent); return test_exit(); }
 */
#ifndef RS_TEST_H
#define RS_TEST_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_failed_checks, test_failures;
static const char *test_skip_reason;
static uint64_t test_rng = 0x9E3779B97F4A7C15u;

#define TEST(name) static void name(void)

/* A failed CHECK is reported and the test goes on; at most ten are printed for each test. */
#define CHECK(cond, ...) do {                                                          \
        if (!(cond) && ++test_failed_checks <= 10) {                                   \
            fprintf(stdout, "  %s:%d: %s: ", __FILE__, __LINE__, #cond);               \
            fprintf(stdout, __VA_ARGS__);                                              \
            fputc('\n', stdout);                                                       \
        }                                                                              \
    } while (0)

/* A failed MUST ends the test: what follows would make no sense. */
#define MUST(cond, ...) do {                                                           \
        if (!(cond)) {                                                                 \
            test_failed_checks++;                                                      \
            fprintf(stdout, "  %s:%d: %s: ", __FILE__, __LINE__, #cond);               \
            fprintf(stdout, __VA_ARGS__);                                              \
            fputc('\n', stdout);                                                       \
            return;                                                                    \
        }                                                                              \
    } while (0)

#define SKIP(reason) do { test_skip_reason = (reason); return; } while (0)

#define RUN(name) test_run(#name, name)

static inline void test_run(const char *name, void (*body)(void))
{
    test_failed_checks = 0;
    test_skip_reason = NULL;
    body();
    if (test_failed_checks != 0) {
        test_failures++;
        printf("FAIL %s\n", name);
    } else if (test_skip_reason != NULL) {
        printf("SKIP %s: %s\n", name, test_skip_reason);
    } else {
        printf("PASS %s\n", name);
    }
    fflush(stdout);
}

static inline int test_exit(void)
{
    return test_failures != 0;
}

/* splitmix64: the same stream everywhere; set test_rng to replay a seed. */
static inline uint64_t rnd(void)
{
    uint64_t z = (test_rng += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in [lo, hi], both included; lo <= hi. */
static inline int64_t rnd_range(int64_t lo, int64_t hi)
{
    return lo + (int64_t)(rnd() % ((uint64_t)(hi - lo) + 1));
}

#endif
