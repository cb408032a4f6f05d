/*
 * test_platform.c - emu and sim platforms around the copy core: same data, same clocks, always;
 * several platforms in one process; what goes wrong is said.
 *
 *   test_platform [FOLDER]     with librs_emu_default.so of the copy core;
 *   test_platform_sim [FOLDER] with librs_sim_default.so as well; default $RS_BUILD/lockstep/copy_default
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "../test.h"
#include "../../hw/isa.h"
#include "../../sim/platform.h"

#define BASE   UINT64_C(0x4000000000)
#define BYTES  (UINT64_C(1) << 20)
#define TARGET (BASE + BYTES / 2)

static const struct rs_platform_api *emu, *sim;
static char folder[400];

static const struct rs_platform_api *load(const char *kind)
{
    const struct rs_platform_api *(*get)(void);
    char path[600];
    void *object;

    snprintf(path, sizeof path, "%s/librs_%s_default.so", folder, kind);
    object = access(path, R_OK) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (object == NULL)
        return NULL;
    *(void **)&get = dlsym(object, "rs_platform_get");
    return get != NULL ? get() : NULL;
}

#define NEED(api) MUST((api) != NULL, "no " #api " platform in %s", folder)
#define BURST(api) (4 * (api)->config.axi_bytes)       /* bytes that the copy core moves at once */

/* ---- one job: copy @bursts, from BASE + 4096 * core to TARGET + the same -------------------- */

static struct rs_platform *make(const struct rs_platform_api *api, struct rs_mem_timing timing,
                                uint32_t n_cores)
{
    const struct rs_platform_options o = {
        .n_cores = n_cores, .mem_bytes = BYTES, .mem_base = BASE, .timing = timing,
    };
    char text[256] = "";
    struct rs_platform *p = api->create(&o, text, sizeof text);

    CHECK(p != NULL, "%s: %s", api->kind, text);
    return p;
}

static void fill(const struct rs_platform_api *api, struct rs_platform *p, uint8_t seed)
{
    static uint8_t bytes[BYTES / 2];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 199 + seed);
    CHECK(api->mem_write(p, BASE, bytes, sizeof bytes), "%s: mem_write", api->kind);
}

static bool start(const struct rs_platform_api *api, struct rs_platform *p, uint32_t core,
                  uint64_t source, uint64_t target, uint32_t bursts)
{
    return api->reg_write(p, core, RS_REG_BASE0, (uint32_t)source) &&
           api->reg_write(p, core, RS_REG_BASE0 + 4, (uint32_t)(source >> 32)) &&
           api->reg_write(p, core, RS_REG_BASE1, (uint32_t)target) &&
           api->reg_write(p, core, RS_REG_BASE1 + 4, (uint32_t)(target >> 32)) &&
           api->reg_write(p, core, RS_REG_BASE2, bursts) &&
           api->reg_write(p, core, RS_REG_GIE, 1) &&
           api->reg_write(p, core, RS_REG_IER, 1) &&
           api->reg_write(p, core, RS_REG_CTRL, 1);
}

static void acknowledge(const struct rs_platform_api *api, struct rs_platform *p, uint32_t core)
{
    uint32_t isr = 0, ctrl = 0;

    CHECK(api->reg_read(p, core, RS_REG_ISR, &isr) && isr == 1, "%s: ISR %u", api->kind, isr);
    CHECK(api->reg_write(p, core, RS_REG_ISR, isr), "%s: ISR", api->kind);
    CHECK(api->reg_read(p, core, RS_REG_CTRL, &ctrl) && ctrl == 6, "%s: CTRL %u", api->kind, ctrl);
    CHECK(api->reg_read(p, core, RS_REG_CTRL, &ctrl) && ctrl == 4, "%s: CTRL %u", api->kind, ctrl);
}

static bool copied(const struct rs_platform_api *api, struct rs_platform *p, uint64_t offset,
                   size_t bytes)
{
    static uint8_t a[BYTES / 2], b[BYTES / 2];

    return api->mem_read(p, BASE + offset, a, bytes) && api->mem_read(p, TARGET + offset, b, bytes) &&
           memcmp(a, b, bytes) == 0;
}

static uint64_t copy(const struct rs_platform_api *api, struct rs_mem_timing timing,
                     uint32_t bursts)
{
    struct rs_platform *p = make(api, timing, 1);
    uint64_t clocks;

    if (p == NULL)
        return 0;
    fill(api, p, 1);
    CHECK(start(api, p, 0, BASE, TARGET, bursts), "%s: start", api->kind);
    for (int n = 0; n < 100 && api->interrupts(p) == 0; n++)
        api->advance(p, 997);
    CHECK(api->interrupts(p) == 1, "%s: no interrupt", api->kind);
    clocks = api->clocks(p);
    CHECK(api->advance(p, 10) == 0 && api->clocks(p) == clocks, "%s: clocks pass", api->kind);
    acknowledge(api, p, 0);
    CHECK(api->interrupts(p) == 0, "%s: interrupt stays", api->kind);
    CHECK(copied(api, p, 0, bursts * (size_t)BURST(api)), "%s: wrong data", api->kind);
    CHECK(!copied(api, p, 0, bursts * (size_t)BURST(api) + 1), "%s: too much", api->kind);
    CHECK(api->violation(p) == NULL, "%s: %s", api->kind, api->violation(p));
    CHECK(api->contention(p, 0) == 0, "%s: contention", api->kind);
    CHECK(api->advance(p, 123) == 123, "%s: advance", api->kind);
    api->destroy(p);
    return clocks;
}

TEST(emu_copies) { NEED(emu); copy(emu, (struct rs_mem_timing){0}, 50); }
TEST(sim_copies) { NEED(sim); copy(sim, (struct rs_mem_timing){0}, 50); }

TEST(latency_and_bandwidth_count)
{
    uint64_t a, b, c;

    NEED(emu);
    a = copy(emu, (struct rs_mem_timing){.latency_cycles = 10}, 20);
    b = copy(emu, (struct rs_mem_timing){.latency_cycles = 110}, 20);
    c = copy(emu, (struct rs_mem_timing){.latency_cycles = 10,
                                         .bytes_per_cycle = emu->config.axi_bytes / 4}, 20);
    CHECK(b - a == 20 * 200, "%" PRIu64 " clocks more", b - a);
    CHECK(c - a == 20 * 2 * 9, "%" PRIu64 " clocks more", c - a);
}

TEST(emu_and_sim_take_the_same_clocks)
{
    static const struct rs_mem_timing t[] = {
        {0}, {.latency_cycles = 1}, {.latency_cycles = 33, .bytes_per_cycle = 24},
        {.bytes_per_cycle = 40, .shared_bandwidth = true}, {.max_outstanding = 1},
        {.hostile_seed = 1}, {.hostile_seed = 99, .latency_cycles = 5},
    };

    NEED(emu);
    NEED(sim);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        const uint64_t a = copy(emu, t[i], 30), b = copy(sim, t[i], 30);

        CHECK(a == b && a != 0, "timing %zu: emu %" PRIu64 ", sim %" PRIu64, i, a, b);
    }
    CHECK(emu->config.config_hash == sim->config.config_hash, "configurations differ");
}

static void two_cores(const struct rs_platform_api *api, uint64_t *clocks, uint64_t *contention)
{
    struct rs_platform *p = make(api, (struct rs_mem_timing){.latency_cycles = 2}, 2);

    MUST(p != NULL, "create");
    fill(api, p, 2);
    CHECK(start(api, p, 0, BASE, TARGET, 40), "start 0");
    CHECK(start(api, p, 1, BASE + BYTES / 4, TARGET + BYTES / 4, 60), "start 1");
    CHECK(api->advance(p, 100000) < 100000 && api->interrupts(p) == 1, "interrupts %u",
          api->interrupts(p));
    acknowledge(api, p, 0);
    CHECK(api->advance(p, 100000) < 100000 && api->interrupts(p) == 2, "interrupts %u",
          api->interrupts(p));
    acknowledge(api, p, 1);
    CHECK(copied(api, p, 0, 40 * (size_t)BURST(api)), "%s: core 0 data", api->kind);
    CHECK(copied(api, p, BYTES / 4, 60 * (size_t)BURST(api)), "%s: core 1 data", api->kind);
    CHECK(api->violation(p) == NULL, "%s: %s", api->kind, api->violation(p));
    *clocks = api->clocks(p);
    contention[0] = api->contention(p, 0);
    contention[1] = api->contention(p, 1);
    CHECK(contention[0] + contention[1] > 0, "%s: no contention", api->kind);
    CHECK(!api->reg_read(p, 2, 0, &(uint32_t){0}) && api->contention(p, 2) == 0, "core 2");
    api->destroy(p);
}

TEST(emu_cores_share_the_memory)
{
    uint64_t clocks, contention[2];

    NEED(emu);
    two_cores(emu, &clocks, contention);
}

TEST(sim_cores_share_the_memory_as_emu_cores_do)
{
    uint64_t clocks[2] = {0}, contention[2][2] = {{0}};

    NEED(emu);
    NEED(sim);
    two_cores(emu, &clocks[0], contention[0]);
    two_cores(sim, &clocks[1], contention[1]);
    CHECK(clocks[0] == clocks[1], "%" PRIu64 " and %" PRIu64, clocks[0], clocks[1]);
    CHECK(contention[0][0] == contention[1][0] && contention[0][1] == contention[1][1],
          "contention differs");
}

/* ---- several platforms in one process ------------------------------------------------------- */

static void interleaved(const struct rs_platform_api *api)
{
    struct rs_platform *p[3];
    const uint32_t bursts[3] = {10, 25, 40};
    uint64_t alone[3], done = 0;

    for (int i = 0; i < 3; i++)
        alone[i] = copy(api, (struct rs_mem_timing){.latency_cycles = 10 + (uint32_t)i}, bursts[i]);
    for (int i = 0; i < 3; i++) {
        p[i] = make(api, (struct rs_mem_timing){.latency_cycles = 10 + (uint32_t)i}, 1);
        MUST(p[i] != NULL, "create");
        fill(api, p[i], (uint8_t)i);
        CHECK(start(api, p[i], 0, BASE, TARGET, bursts[i]), "start");
    }
    for (int n = 0; n < 1000 && done != 7; n++)
        for (int i = 0; i < 3; i++) {
            api->advance(p[i], 37 + (uint64_t)i);
            done |= (uint64_t)api->interrupts(p[i]) << i;
        }
    for (int i = 0; i < 3; i++) {
        CHECK(api->clocks(p[i]) == alone[i], "%s %d: %" PRIu64 " clocks, alone %" PRIu64,
              api->kind, i, api->clocks(p[i]), alone[i]);
        CHECK(copied(api, p[i], 0, bursts[i] * (size_t)BURST(api)), "%s %d: data", api->kind, i);
        api->destroy(p[i]);
    }
}

TEST(three_emu_platforms_are_independent) { NEED(emu); interleaved(emu); }
TEST(three_sim_platforms_are_independent) { NEED(sim); interleaved(sim); }

static void again_and_again(const struct rs_platform_api *api)
{
    const uint64_t first = copy(api, (struct rs_mem_timing){0}, 3);

    for (int i = 0; i < 5; i++) {
        const uint64_t again = copy(api, (struct rs_mem_timing){0}, 3);

        CHECK(again == first, "%s: %" PRIu64 " clocks, then %" PRIu64, api->kind, first, again);
    }
    api->destroy(NULL);
}

TEST(emu_platforms_come_and_go) { NEED(emu); again_and_again(emu); }
TEST(sim_platforms_come_and_go) { NEED(sim); again_and_again(sim); }

struct worker { const struct rs_platform_api *api; uint32_t bursts; uint64_t clocks; };

static void *work(void *argument)
{
    struct worker *w = argument;
    const struct rs_platform_options o = {.mem_bytes = BYTES, .mem_base = BASE};
    char text[256];
    struct rs_platform *p = w->api->create(&o, text, sizeof text);

    if (p == NULL)
        return NULL;
    if (start(w->api, p, 0, BASE, TARGET, w->bursts))
        for (int n = 0; n < 10000 && w->api->interrupts(p) == 0; n++)
            w->api->advance(p, 101);
    w->clocks = w->api->interrupts(p) == 1 ? w->api->clocks(p) : 0;
    w->api->destroy(p);
    return NULL;
}

static void threads(const struct rs_platform_api *api)
{
    struct worker w[4];
    pthread_t thread[4];

    for (uint32_t i = 0; i < 4; i++) {
        w[i] = (struct worker){api, 20 + 10 * (i % 2), 0};
        MUST(pthread_create(&thread[i], NULL, work, &w[i]) == 0, "no thread");
    }
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    CHECK(w[0].clocks != 0 && w[0].clocks == w[2].clocks, "%s: %" PRIu64 ", %" PRIu64, api->kind,
          w[0].clocks, w[2].clocks);
    CHECK(w[1].clocks > w[0].clocks && w[1].clocks == w[3].clocks, "%s: %" PRIu64 ", %" PRIu64,
          api->kind, w[1].clocks, w[3].clocks);
}

TEST(emu_platforms_run_in_threads) { NEED(emu); threads(emu); }
TEST(sim_platforms_run_in_threads) { NEED(sim); threads(sim); }

/* ---- what goes wrong ------------------------------------------------------------------------ */

static void refusals(const struct rs_platform_api *api)
{
    struct rs_platform_options o = {.n_cores = 3, .mem_bytes = BYTES};
    struct rs_platform *p;
    char text[256] = "";
    uint32_t status = 0;
    uint8_t byte = 0;

    CHECK(api->create(&o, text, sizeof text) == NULL && strstr(text, "3 cores"), "%s", text);
    o.n_cores = 1, o.mem_bytes = 1000;
    CHECK(api->create(&o, text, sizeof text) == NULL && strstr(text, "1000 bytes"), "%s", text);

    p = make(api, (struct rs_mem_timing){0}, 1);
    MUST(p != NULL, "create");
    CHECK(!api->mem_write(p, BASE - 1, &byte, 1) && !api->mem_read(p, BASE + BYTES, &byte, 1) &&
          !api->mem_read(p, BASE, &byte, SIZE_MAX) && api->mem_read(p, BASE + BYTES - 1, &byte, 1) &&
          api->mem_read(p, BASE + BYTES, &byte, 0), "%s: back door", api->kind);
    CHECK(!api->reg_read(p, 0, 4096, &status) && !api->reg_write(p, 0, 2, 0), "%s: offset",
          api->kind);
    CHECK(start(api, p, 0, BASE + BYTES, TARGET, 1), "start");
    api->advance(p, 100000);
    CHECK(api->reg_read(p, 0, RS_REG_STATUS, &status) && status == 1, "%s: status %u", api->kind,
          status);
    CHECK(api->violation(p) != NULL &&
          strstr(api->violation(p), "AR 0x4000100000 is outside the memory"), "%s: %s", api->kind,
          api->violation(p));
    api->destroy(p);

    p = make(api, (struct rs_mem_timing){.fault_address = TARGET + 5, .fault_write = true}, 1);
    MUST(p != NULL, "create");
    CHECK(start(api, p, 0, BASE, TARGET, 1), "start");
    api->advance(p, 100000);
    CHECK(api->reg_read(p, 0, RS_REG_STATUS, &status) && status == 1, "%s: status %u", api->kind,
          status);
    CHECK(api->violation(p) == NULL, "%s: %s", api->kind, api->violation(p));
    api->destroy(p);
}

TEST(emu_says_what_is_wrong) { NEED(emu); refusals(emu); }
TEST(sim_says_what_is_wrong) { NEED(sim); refusals(sim); }

/* The process that @p started: the only child this test has. */
static long simulator_pid(void)
{
    char path[64], children[64] = "";
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    if (fgets(children, sizeof children, f) == NULL)
        children[0] = '\0';
    fclose(f);
    return strtol(children, NULL, 10);
}

TEST(sim_that_dies_is_reported)
{
    struct rs_platform *p;
    uint32_t value;
    long pid;

    NEED(sim);
    p = make(sim, (struct rs_mem_timing){0}, 1);
    MUST(p != NULL, "create");
    pid = simulator_pid();
    if (pid <= 0) {
        sim->destroy(p);
        SKIP("this kernel does not list children in /proc");
    }
    CHECK(sim->reg_read(p, 0, RS_REG_MAGIC, &value), "alive");
    kill((pid_t)pid, SIGKILL);
    CHECK(!sim->reg_read(p, 0, RS_REG_MAGIC, &value), "a dead core answers");
    CHECK(!sim->reg_write(p, 0, RS_REG_CTRL, 1), "a dead core answers");
    CHECK(sim->advance(p, 1000) == 1000 && sim->interrupts(p) == 0, "no time-out");
    CHECK(!sim->wave(p, "x.fst"), "wave");
    CHECK(sim->mem_write(p, BASE, &value, 4) && sim->mem_read(p, BASE, &value, 4), "memory");
    CHECK(sim->violation(p) != NULL && strstr(sim->violation(p), "process died"), "%s",
          sim->violation(p));
    sim->destroy(p);
    CHECK(copy(sim, (struct rs_mem_timing){0}, 2) > 0, "no new platform");
}

/* ---- waveforms, speed ----------------------------------------------------------------------- */

TEST(emu_has_no_waveforms)
{
    struct rs_platform *p;

    NEED(emu);
    p = make(emu, (struct rs_mem_timing){0}, 1);
    MUST(p != NULL, "create");
    CHECK(!emu->wave(p, "/dev/null") && emu->wave(p, NULL), "wave");
    emu->destroy(p);
}

TEST(sim_writes_waveforms_and_counts_on)
{
    char file[500], path[500];
    struct rs_platform *p;
    uint32_t value;
    uint64_t clocks;
    long size = 0;
    FILE *f;

    NEED(sim);
    snprintf(path, sizeof path, "%s/rs_sim_default_trace", folder);
    if (access(path, X_OK) != 0)
        SKIP("rs_sim_default_trace is not built");
    clocks = copy(sim, (struct rs_mem_timing){0}, 5);
    snprintf(file, sizeof file, "%s/test_%d.fst", folder, (int)getpid());
    p = make(sim, (struct rs_mem_timing){0}, 1);
    MUST(p != NULL, "create");
    CHECK(sim->wave(p, NULL), "no wave to end");
    CHECK(start(sim, p, 0, BASE, TARGET, 5), "start");
    CHECK(!sim->wave(p, file), "wave() after the start must be refused");
    sim->destroy(p);

    p = make(sim, (struct rs_mem_timing){0}, 1);
    MUST(p != NULL, "create");
    fill(sim, p, 1);
    CHECK(sim->reg_read(p, 0, RS_REG_MAGIC, &value) && value == RS_ISA_MAGIC, "magic");
    value = (uint32_t)sim->clocks(p);
    CHECK(sim->wave(p, file), "no waveform");
    CHECK(sim->clocks(p) == value, "clocks");
    CHECK(start(sim, p, 0, BASE, TARGET, 5), "start");
    sim->advance(p, 100000);
    CHECK(copied(sim, p, 0, 5 * (size_t)BURST(sim)), "wrong data");
    CHECK(sim->clocks(p) == clocks + value, "%" PRIu64 " clocks, without %" PRIu64,
          sim->clocks(p), clocks + value);
    CHECK(sim->wave(p, NULL), "end");
    CHECK(!sim->wave(p, "/nowhere/x.fst"), "a file that cannot be");
    sim->destroy(p);
    f = fopen(file, "rb");
    if (f != NULL && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    CHECK(size > 500, "waveform of %ld bytes", size);
    if (f != NULL)
        fclose(f);
    remove(file);
}

static void speed(const struct rs_platform_api *api)
{
    struct rs_platform *p = make(api, (struct rs_mem_timing){0}, 1);
    struct timespec t[2];
    const uint64_t n = 300000;
    double seconds;

    MUST(p != NULL, "create");
    CHECK(start(api, p, 0, BASE, TARGET, 100000), "start");
    clock_gettime(CLOCK_MONOTONIC, &t[0]);
    CHECK(api->advance(p, n) == n, "%s: stopped early", api->kind);
    clock_gettime(CLOCK_MONOTONIC, &t[1]);
    seconds = (double)(t[1].tv_sec - t[0].tv_sec) + (double)(t[1].tv_nsec - t[0].tv_nsec) / 1e9;
    printf("  %s: %.0f thousand clocks a second around the copy core\n", api->kind,
           (double)n / seconds / 1e3);
    api->destroy(p);
}

TEST(emu_speed) { NEED(emu); speed(emu); }
TEST(sim_speed) { NEED(sim); speed(sim); }

int main(int argc, char **argv)
{
    const char *build = getenv("RS_BUILD");

    snprintf(folder, sizeof folder, "%s", argc > 1 ? argv[1] : "");
    if (argc <= 1)
        snprintf(folder, sizeof folder, "%s/lockstep/copy_default", build != NULL ? build : "build");
    emu = load("emu");
    if (strstr(argv[0], "_sim") == NULL) {
        RUN(emu_copies);
        RUN(latency_and_bandwidth_count);
        RUN(emu_cores_share_the_memory);
        RUN(three_emu_platforms_are_independent);
        RUN(emu_platforms_come_and_go);
        RUN(emu_platforms_run_in_threads);
        RUN(emu_says_what_is_wrong);
        RUN(emu_has_no_waveforms);
        RUN(emu_speed);
    } else {
        sim = load("sim");
        RUN(sim_copies);
        RUN(emu_and_sim_take_the_same_clocks);
        RUN(sim_cores_share_the_memory_as_emu_cores_do);
        RUN(three_sim_platforms_are_independent);
        RUN(sim_platforms_come_and_go);
        RUN(sim_platforms_run_in_threads);
        RUN(sim_says_what_is_wrong);
        RUN(sim_that_dies_is_reported);
        RUN(sim_writes_waveforms_and_counts_on);
        RUN(sim_speed);
    }
    return test_exit();
}
