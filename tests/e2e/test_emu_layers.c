/* test_emu_layers.c [SEED [LAYERS [KIND [PRESET]]]] - random layers of all kinds on the emulated array, bit for bit. */
#include "../random_layer.h"

static uint64_t seed = 20261120;
static int layers = 300;
static int only_kind = -1;
static const char *preset = "default";

TEST(random_layers_are_bit_exact)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", preset, &why);
    struct rs_platform_options options = {0};
    char text[1024] = "";

    MUST(api != NULL, "%s", why);
    options.mem_base = 0x4000000000;
    for (int i = 0; i < layers; i++) {
        struct random_layer l;
        struct job_result result;
        struct rs_platform *p;
        const uint64_t layer_seed = seed + (uint64_t)i;

        test_rng = layer_seed;
        options.timing.latency_cycles = (uint32_t)rnd_range(1, 200);
        options.timing.hostile_seed = rnd_range(0, 3) == 0 ? rnd() : 0;
        p = api->create(&options, text, sizeof text);
        MUST(p != NULL, "%s", text);
        random_layer_make(&l, only_kind >= 0 ? (enum layer_kind)only_kind : (enum layer_kind)(i % LAYER_KINDS), 24, 80);
        CHECK(random_layer_run(&l, api, p, options.mem_base, text, sizeof text, &result),
              "seed %llu: %s%s", (unsigned long long)layer_seed, text, options.timing.hostile_seed ? " (hostile memory)" : "");
        random_layer_free(&l);
        api->destroy(p);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        layers = atoi(argv[2]);
    if (argc > 3)
        only_kind = atoi(argv[3]);
    if (argc > 4)
        preset = argv[4];
    RUN(random_layers_are_bit_exact);
    return test_exit();
}
