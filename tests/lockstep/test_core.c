/*
 * test_core.c - the whole core in lockstep, C against Verilated Verilog, every port at every clock,
 * over random layers, memory timings and hostile memory (librs_lockstep_PRESET.so).
 *
 *   test_core [PRESET [SEED [LAYERS [KIND]]]]
 *
 * The results are compared with the reference kernels too, by random_layer.h.
 */
#include "../random_layer.h"

static const char *preset = "tiny";
static uint64_t seed = 1;
static int layers = 44, only_kind = -1;

TEST(c_and_verilog_agree_at_every_clock)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("lockstep", preset, &why);
    uint64_t clocks = 0;

    MUST(api != NULL, "%s", why);
    for (int i = 0; i < layers; i++) {
        const uint64_t layer_seed = seed + (uint64_t)i;
        struct rs_platform_options options = {.mem_base = 0x4000000000};
        struct random_layer l;
        struct job_result result;
        struct rs_platform *p;
        char text[1024] = "";

        test_rng = layer_seed;
        options.timing.latency_cycles = (uint32_t)rnd_range(1, 120);
        options.timing.bytes_per_cycle = rnd_range(0, 2) == 0 ? (uint32_t)rnd_range(3, 64) : 0;
        options.timing.shared_bandwidth = rnd_range(0, 3) == 0;
        options.timing.max_outstanding = rnd_range(0, 3) == 0 ? (uint32_t)rnd_range(1, 4) : 0;
        options.timing.hostile_seed = rnd_range(0, 2) == 0 ? rnd() : 0;
        p = api->create(&options, text, sizeof text);
        MUST(p != NULL, "%s", text);
        random_layer_make(&l, only_kind >= 0 ? (enum layer_kind)only_kind
                                             : (enum layer_kind)(i % LAYER_KINDS), 14, 24);
        CHECK(random_layer_run(&l, api, p, options.mem_base, text, sizeof text, &result),
              "seed %llu: %s", (unsigned long long)layer_seed, text);
        CHECK(api->violation(p) == NULL, "seed %llu, %s: %s", (unsigned long long)layer_seed,
              layer_kind_name[l.kind], api->violation(p));
        clocks += api->clocks(p);
        random_layer_free(&l);
        api->destroy(p);
    }
    CHECK(clocks > 100u * (unsigned)layers, "%llu clocks only", (unsigned long long)clocks);
    printf("  %d layers, %llu clocks\n", layers, (unsigned long long)clocks);
}

/* Random register traffic, a start without commands among it, in both at once. */
TEST(registers_agree_at_every_clock)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("lockstep", preset, &why);
    struct rs_platform_options options = {.n_cores = 2, .mem_bytes = 1 << 20};
    char text[256] = "";
    struct rs_platform *p;

    MUST(api != NULL, "%s", why);
    p = api->create(&options, text, sizeof text);
    MUST(p != NULL, "%s", text);
    test_rng = seed;
    for (int i = 0; i < 2000; i++) {
        const uint32_t core = (uint32_t)(rnd() & 1);
        const uint32_t offset = (uint32_t)rnd_range(0, rnd() % 8 == 0 ? 1023 : 45) * 4;
        uint32_t value = 0;

        if (rnd() % 2 == 0) {
            CHECK(api->reg_read(p, core, offset, &value), "read 0x%x", offset);
            if (offset == RS_REG_MAGIC)
                CHECK(value == RS_ISA_MAGIC, "magic 0x%x", value);
        } else if (offset != RS_REG_COUNT) {     /* stays 0: a start finds no commands       */
            CHECK(api->reg_write(p, core, offset, (uint32_t)rnd()), "write 0x%x", offset);
        }
        if (rnd() % 8 == 0)
            api->advance(p, rnd() % 64);
    }
    CHECK(api->violation(p) == NULL || strstr(api->violation(p), "Verilog") == NULL, "%s",
          api->violation(p));
    api->destroy(p);
}

int main(int argc, char **argv)
{
    (void)random_layers_check;
    if (argc > 1)
        preset = argv[1];
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 0);
    if (argc > 3)
        layers = atoi(argv[3]);
    if (argc > 4)
        only_kind = atoi(argv[4]);
    RUN(registers_agree_at_every_clock);
    RUN(c_and_verilog_agree_at_every_clock);
    return test_exit();
}
