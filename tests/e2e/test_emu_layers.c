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
    return test_exit();
}
