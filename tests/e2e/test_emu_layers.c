/*
 * test_emu_layers.c [SEED [LAYERS [KIND]]] - random layers of all kinds on the emulated array, bit for bit.
 * RS_TEST_LAYERS overrides LAYERS, RS_TEST_SEED the seed ("time" draws one); the seed is printed.
 */
#include <time.h>
#include "../random_layer.h"

static uint64_t seed = 20261120;
static int layers = 300, kind = -1;

static void run(const char *preset, int count, int max_extent, int max_channels)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", preset, &why);

    MUST(api != NULL, "%s", why);
    random_layers_check(api, NULL, seed, count, kind, max_extent, max_channels);
}

TEST(random_layers_on_default) { run("default", layers, 24, 80); }
TEST(random_layers_on_small)   { run("small", layers / 6, 20, 40); }
TEST(random_layers_on_tiny)    { run("tiny", layers / 6, 14, 20); }

/* Filter spads, filter buffer and global buffer give garbage for what is written at the same edge. */
TEST(nothing_is_read_while_it_is_written) { run("collide", layers / 6, 14, 20); }

/* A burst that is answered with SLVERR: the run ends, and the registers say which way and where. */
TEST(failed_bursts_are_reported_with_their_address)
{
    static const struct { bool write; uint64_t offset; } faults[] = {
        { false, JOB_COMMANDS }, { false, JOB_IMAGE }, { false, JOB_ARENA }, { true, JOB_STATUS },
    };
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "default", &why);

    MUST(api != NULL, "%s", why);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct rs_platform_options options = {.mem_base = 0x4000000000};
        const uint64_t at = options.mem_base + faults[i].offset;
        struct job_result result;
        struct random_layer l;
        struct rs_plan *plan;
        struct rs_error err;
        struct rs_platform *p;
        uint32_t status = 0, low = 0, high = 0;
        char text[256] = "";

        test_rng = 1;
        random_layer_make(&l, LAYER_CONV, 12, 32);
        MUST(rs_plan_layer(&l.layer, &api->config, NULL, &plan, &err) == RS_OK, "%s", err.text);
        options.timing.fault_address = at;
        options.timing.fault_read = !faults[i].write;
        options.timing.fault_write = faults[i].write;
        p = api->create(&options, text, sizeof text);
        MUST(p != NULL, "%s", text);
        CHECK(platform_run(api, p, options.mem_base, plan, 1000000, &result), "fault %zu: the run did not end", i);
        CHECK(api->reg_read(p, 0, RS_REG_STATUS, &status) && api->reg_read(p, 0, RS_REG_ERR_LO, &low) &&
              api->reg_read(p, 0, RS_REG_ERR_HI, &high), "fault %zu: registers", i);
        CHECK(status == (faults[i].write ? RS_HW_WRITE_ERROR : RS_HW_READ_ERROR), "fault %zu: status %u", i, status);
        CHECK(((uint64_t)high << 32 | low) == at, "fault %zu: got %x%08x, want %llx", i, high, low, (unsigned long long)at);
        api->destroy(p);
        rs_plan_free(plan);
        random_layer_free(&l);
    }
}

/* small has 40 address bits: memory may end at 2^40, not beyond. */
TEST(rejects_memory_past_the_address_bits)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "small", &why);
    struct rs_platform_options options = {.mem_base = ((uint64_t)1 << 40) - 4096, .mem_bytes = 4096};
    char text[256] = "";
    struct rs_platform *p;

    MUST(api != NULL, "%s", why);
    p = api->create(&options, text, sizeof text);
    CHECK(p != NULL, "%s", text);
    api->destroy(p);
    options.mem_base++;
    p = api->create(&options, text, sizeof text);
    CHECK(p == NULL && strstr(text, "40 address bits") != NULL, "said %s", text);
    api->destroy(p);
}

int main(int argc, char **argv)
{
    const char *count = getenv("RS_TEST_LAYERS"), *from = getenv("RS_TEST_SEED");

    if (from != NULL)
        seed = strcmp(from, "time") == 0 ? (uint64_t)time(NULL) * 1000003u : strtoull(from, NULL, 0);
    if (count != NULL)
        layers = atoi(count);
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        layers = atoi(argv[2]);
    if (argc > 3)
        kind = atoi(argv[3]);
    printf("seed %llu, %d layers\n", (unsigned long long)seed, layers);
    RUN(random_layers_on_default);
    RUN(random_layers_on_small);
    RUN(random_layers_on_tiny);
    RUN(nothing_is_read_while_it_is_written);
    RUN(failed_bursts_are_reported_with_their_address);
    RUN(rejects_memory_past_the_address_bits);
    return test_exit();
}
