/*
 * test_sim_layers.c [SEED [LAYERS]] - random layers of all kinds on the Verilated core, bit for bit, and clock for clock
 * the same as emulated.
 */
#include "../random_layer.h"

static uint64_t seed = 20261121;
static int layers = 4 * LAYER_KINDS;

TEST(random_layers_take_the_same_clocks_on_sim_and_emu)
{
    const char *why = NULL;
    const struct rs_platform_api *emu = platform_open("emu", "default", &why);
    const struct rs_platform_api *sim;

    MUST(emu != NULL, "%s", why);
    sim = platform_open("sim", "default", &why);
    if (sim == NULL)
        SKIP("sim:default is not built (make sim PRESET=default)");
    random_layers_check(sim, emu, seed, layers, -1, 20, 64);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        layers = atoi(argv[2]);
    RUN(random_layers_take_the_same_clocks_on_sim_and_emu);
    return test_exit();
}
