/*
 * test_emu_sim.c - emu and sim platforms around the accelerator: the same layers take the same clocks,
 * give the same bytes and the same status block.
 *
 *   test_emu_sim [PRESET [SEED [LAYERS [KIND]]]]
 */
#include "../random_layer.h"

static const char *preset = "tiny";
static uint64_t seed = 1000;
static int layers = 22, only_kind = -1;

struct outcome {
    struct job_result result;
    uint64_t clocks;
    uint8_t *bytes;
    size_t   n;
};

static bool run(const struct rs_platform_api *api, uint64_t layer_seed, enum layer_kind kind,
                struct outcome *o)
{
    struct rs_platform_options options = {.mem_base = 0x4000000000};
    struct random_layer l;
    struct rs_platform *p;
    char text[1024] = "";
    bool ok;

    test_rng = layer_seed;
    options.timing.latency_cycles = (uint32_t)rnd_range(1, 120);
    options.timing.hostile_seed = rnd_range(0, 2) == 0 ? rnd() : 0;
    p = api->create(&options, text, sizeof text);
    CHECK(p != NULL, "%s: %s", api->kind, text);
    if (p == NULL)
        return false;
    random_layer_make(&l, kind, 14, 24);
    ok = random_layer_run(&l, api, p, options.mem_base, text, sizeof text, &o->result);
    CHECK(ok, "%s, seed %llu: %s", api->kind, (unsigned long long)layer_seed, text);
    CHECK(api->violation(p) == NULL, "%s, seed %llu: %s", api->kind,
          (unsigned long long)layer_seed, api->violation(p));
    o->clocks = api->clocks(p);
    o->n = l.ofmap_bytes;
    o->bytes = malloc(o->n);
    if (o->bytes != NULL)
        memcpy(o->bytes, l.got, o->n);
    random_layer_free(&l);
    api->destroy(p);
    return ok && o->bytes != NULL;
}

TEST(emu_and_sim_agree_on_layers)
{
    const char *why = NULL;
    const struct rs_platform_api *api[2] = {platform_open("emu", preset, &why), NULL};

    MUST(api[0] != NULL, "%s", why);
    api[1] = platform_open("sim", preset, &why);
    MUST(api[1] != NULL, "%s", why);
    for (int i = 0; i < layers; i++) {
        const uint64_t layer_seed = seed + (uint64_t)i;
        const enum layer_kind kind = only_kind >= 0 ? (enum layer_kind)only_kind
                                                    : (enum layer_kind)(i % LAYER_KINDS);
        struct outcome o[2] = {{.bytes = NULL}, {.bytes = NULL}};
        bool ok = true;

        for (int k = 0; k < 2; k++)
            ok = run(api[k], layer_seed, kind, &o[k]) && ok;
        CHECK(o[0].clocks == o[1].clocks, "seed %llu: emu %llu clocks, sim %llu",
              (unsigned long long)layer_seed, (unsigned long long)o[0].clocks,
              (unsigned long long)o[1].clocks);
        CHECK(memcmp(o[0].result.status, o[1].result.status, sizeof o[0].result.status) == 0,
              "seed %llu: status blocks differ", (unsigned long long)layer_seed);
        CHECK(!ok || (o[0].n == o[1].n && memcmp(o[0].bytes, o[1].bytes, o[0].n) == 0),
              "seed %llu: ofmaps differ", (unsigned long long)layer_seed);
        free(o[0].bytes);
        free(o[1].bytes);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        preset = argv[1];
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 0);
    if (argc > 3)
        layers = atoi(argv[3]);
    if (argc > 4)
        only_kind = atoi(argv[4]);
    RUN(emu_and_sim_agree_on_layers);
    return test_exit();
}
