/*
 * test_plan_prediction.c [random [COUNT [SEED]] | NETWORK...] - the planner's clocks beside counted ones, layer by layer.
 *
 * Each layer stands alone: planned, run on the emulated array (64 B a clock each way, 100 clocks), counted from
 * ap_start to ap_done.  A prediction holds when
 * it is within 10 % or 200 clocks.  Random layers have a seed on which nothing was fitted (RS_TEST_SEED=time draws a new one); of
 * the published networks (tests/workloads) every distinct layer is run once.  make test runs the small networks and 44 random layers,
 * RS_TEST_LONG=1 all networks and 200.  With RS_SHOW=1 every layer is printed, not only those that miss.
 *
 * That the results are right is other tests' business (test_emu_layers.c, test_workloads.c).
 */
#include <time.h>
#include "../random_layer.h"
#include "network_csv.h"
#include "tflite.h"

static const char *const small_networks[] = { "resnet8", "kws", "ad", "vww" };
static const char *const large_networks[] = { "mobilenet_v2", "mobilenet_v1", "resnet18", "resnet50", "alexnet", "vgg16", "vit_s", "gpt2", "gemm" };

static uint64_t seed = 771177;
static int n_random = 44, n_only;
static char **only;
static bool show;

struct tally { int layers, missed; int64_t predicted, counted; double worst; };

/* Runs @layer alone and compares; false: it could not be run, @text says why. */
static bool compare(const struct rs_platform_api *api, const struct rs_plan_layer *layer, const char *what, struct tally *t, char *text, size_t size)
{
    const struct rs_platform_options options = { .mem_base = 0x4000000000 };
    struct rs_plan *plan = NULL;
    struct rs_error err = { 0 };
    struct rs_platform *p = api->create(&options, text, size);
    struct job_result result;
    bool ok = p != NULL;

    if (ok && rs_plan_layer(layer, &api->config, NULL, &plan, &err) != RS_OK) {
        snprintf(text, size, "%s: %s", what, err.text);
        ok = false;
    }
    if (ok && !platform_run(api, p, options.mem_base, plan, 1000000 + 40 * (uint64_t)plan->cycles, &result)) {
        snprintf(text, size, "%s: did not finish in %llu clocks", what, (unsigned long long)result.clocks);
        ok = false;
    }
    if (ok) {
        const int64_t counted = (int64_t)result.clocks, off = plan->cycles - counted;
        const double percent = 100.0 * (double)off / (double)counted;
        const bool holds = llabs((long long)off) <= 200 || llabs((long long)off) * 10 <= counted;
        const struct rs_mapping *m = &plan->steps[0].map;
        const uint64_t *c = &result.status[RS_STATUS_COUNTERS];

        t->layers++;
        t->missed += !holds;
        t->predicted += plan->cycles;
        t->counted += counted;
        if (off > 200 || off < -200)
            t->worst = percent * percent > t->worst * t->worst ? percent : t->worst;
        if (show || !holds)
            printf("  %s %-60s predicted %8lld, counted %8lld (%+6.1f %%) %d groups, mode %d e%d fx%d mx%d pairs%d ns%d fp%d q%d rp%d wc%d%s;"
                   " compute %llu ifmap %llu filter %llu psum %llu drain %llu overhead %llu load %llu depend %llu idle %llu\n", holds ? "    " : "MISS", what,
                   (long long)plan->cycles, (long long)counted, percent, plan->steps[0].groups, m->mode, m->e, m->fx, m->mx, m->pairs, m->ns, m->fp, m->q,
                   m->rp, m->wc, m->filters_outer ? " fo" : "",
                   (unsigned long long)c[RS_COUNTER_compute], (unsigned long long)c[RS_COUNTER_wait_ifmap], (unsigned long long)c[RS_COUNTER_wait_filter],
                   (unsigned long long)c[RS_COUNTER_wait_psum], (unsigned long long)c[RS_COUNTER_wait_drain], (unsigned long long)c[RS_COUNTER_overhead],
                   (unsigned long long)c[RS_COUNTER_wait_load], (unsigned long long)c[RS_COUNTER_wait_depend], (unsigned long long)c[RS_COUNTER_idle]);
    }
    rs_plan_free(plan);
    api->destroy(p);
    return ok;
}

static void print_tally(const char *name, const struct tally *t)
{
    printf("  %-14s %3d layers, %d beyond 10 %% and 200 clocks; all: predicted %lld, counted %lld (%+.2f %%); largest miss above 200 clocks %+.1f %%\n", name,
           t->layers, t->missed, (long long)t->predicted, (long long)t->counted,
           t->counted > 0 ? 100.0 * (double)(t->predicted - t->counted) / (double)t->counted : 0, t->worst);
    fflush(stdout);
}

TEST(random_layers_take_the_predicted_clocks)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "default", &why);
    struct tally t = { 0 };

    if (n_only > 0 && strcmp(only[0], "random") != 0)
        SKIP("not asked for");
    MUST(api != NULL, "%s", why);
    for (int i = 0; i < n_random; i++) {
        struct random_layer l;
        char text[512] = "", what[256];

        test_rng = seed + (uint64_t)i;
        random_layer_make(&l, (enum layer_kind)(i % LAYER_KINDS), 40, 160);
        random_layer_describe(&l, what, sizeof what);
        CHECK(compare(api, &l.layer, what, &t, text, sizeof text), "seed %llu: %s", (unsigned long long)(seed + (uint64_t)i), text);
        random_layer_free(&l);
    }
    print_tally("random", &t);
    CHECK(t.missed == 0, "seed %llu: %d of %d layers are neither within 10 %% nor within 200 clocks", (unsigned long long)seed, t.missed, t.layers);
}

/* Node @i of @g as a layer of its own; false: it is none. */
static bool layer_of(const struct rs_graph *g, int i, struct rs_plan_layer *layer, struct rs_layer *x)
{
    const struct rs_node *n = &g->nodes[i];
    int residual;
    const int add = rs_op_has_macs(n->op) ? rs_graph_fusable_add(g, i, &residual) : -1;

    if (!rs_graph_layer(g, i, x) || n->op == RS_OP_MEAN)
        return false;
    *layer = (struct rs_plan_layer){ .kind = n->op == RS_OP_DEPTHWISE_CONV2D ? RS_PLAN_DEPTHWISE : n->op == RS_OP_MAX_POOL_2D ? RS_PLAN_MAX_POOL
                                             : n->op == RS_OP_AVERAGE_POOL_2D ? RS_PLAN_AVERAGE_POOL : RS_PLAN_CONV };
    layer->shape = (struct rs_conv_shape){ .n = x->N, .h = x->H, .w = x->W, .c = x->C, .m = x->M, .r = x->R, .s = x->S, .e = x->E, .f = x->F,
                                           .stride_h = x->Uh, .stride_w = x->Uw, .dilation_h = 1, .dilation_w = 1, .pad_top = x->pad_top,
                                           .pad_left = x->pad_left, .pad_bottom = x->pad_bottom, .pad_right = x->pad_right };
    if (layer->kind == RS_PLAN_MAX_POOL || layer->kind == RS_PLAN_AVERAGE_POOL)
        layer->shape.m = x->C;
    layer->filter = x->filter >= 0 ? g->tensors[x->filter].data : NULL;
    layer->bias = x->bias >= 0 ? g->tensors[x->bias].data : NULL;
    layer->quant = (struct rs_quant){ .zp_in = x->zp_in, .zp_out = x->zp_out, .act_min = x->act_min, .act_max = x->act_max, .rounding = RS_ROUND_DOUBLE,
                                      .count = n->n_requant, .mult = n->mult, .shift = n->shift };
    if (add >= 0 && g->nodes[add].op == RS_OP_ADD)
        layer->add = &g->nodes[add].u.add;
    return true;
}

/* One matrix product a row: tables that are no networks. */
static void products(const char *name, const char *path)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "default", &why);
    FILE *f = fopen(path, "r");
    struct tally t = { 0 };
    char line[512], layer_name[64], text[512] = "", what[256];
    int n, c, m;

    MUST(api != NULL, "%s", why);
    MUST(f != NULL, "%s: cannot be opened", path);
    while (fgets(line, sizeof line, f) != NULL) {
        int32_t mult = 1518500250, shift = -11;
        struct rs_plan_layer layer = { .kind = RS_PLAN_CONV };
        int8_t *filter;

        if (sscanf(line, "%63[^,#],fc,,,%d,%d,,,%d,", layer_name, &n, &c, &m) != 4)
            continue;
        MUST((filter = calloc((size_t)c, (size_t)m)) != NULL, "out of memory");
        layer.filter = filter;
        layer.shape = (struct rs_conv_shape){ .n = n, .h = 1, .w = 1, .c = c, .m = m, .r = 1, .s = 1, .e = 1, .f = 1, .stride_h = 1, .stride_w = 1,
                                              .dilation_h = 1, .dilation_w = 1 };
        layer.quant = (struct rs_quant){ .act_min = -128, .act_max = 127, .rounding = RS_ROUND_DOUBLE, .count = 1, .mult = &mult, .shift = &shift };
        snprintf(what, sizeof what, "%s/%s", name, layer_name);
        CHECK(compare(api, &layer, what, &t, text, sizeof text), "%s", text);
        free(filter);
    }
    fclose(f);
    print_tally(name, &t);
    CHECK(t.layers > 0 && t.missed == 0, "%s: %d of %d layers are neither within 10 %% nor within 200 clocks", name, t.missed, t.layers);
}

static void network(const char *name)
{
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "default", &why);
    struct rs_conv_shape *known = NULL;
    struct rs_graph *g = NULL;
    struct rs_error err = { 0 };
    struct tally t = { 0 };
    int n_known = 0;
    char path[256];

    MUST(api != NULL, "%s", why);
    snprintf(path, sizeof path, "tests/workloads/%s.csv", name);
    if (!rs_network_csv_is(path)) {
        products(name, path);
        return;
    }
    MUST(rs_network_csv_load(path, 7, &g, &err) == RS_OK && rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK, "%s", err.text);
    known = calloc((size_t)g->n_nodes + 1, sizeof *known);
    MUST(known != NULL, "out of memory");
    for (int i = 0; i < g->n_nodes; i++) {
        struct rs_plan_layer layer;
        struct rs_layer x;
        char text[512] = "", what[256];
        bool seen = false;

        if (!layer_of(g, i, &layer, &x))
            continue;
        struct rs_conv_shape shape = layer.shape;

        shape.dilation_h = 1 + (int)layer.kind;             /* what else tells layers apart */
        shape.dilation_w = layer.add != NULL ? 2 : 1;
        for (int k = 0; k < n_known; k++)
            seen |= memcmp(&known[k], &shape, sizeof shape) == 0;
        known[n_known++] = shape;
        if (seen)
            continue;
        snprintf(what, sizeof what, "%s/%s", name, g->tensors[g->nodes[i].outputs[0]].name);
        CHECK(compare(api, &layer, what, &t, text, sizeof text), "%s", text);
    }
    print_tally(name, &t);
    CHECK(t.missed == 0, "%s: %d of %d layers are neither within 10 %% nor within 200 clocks", name, t.missed, t.layers);
    free(known);
    rs_graph_destroy(g);
}

TEST(layers_of_published_networks_take_the_predicted_clocks)
{
    const bool all = getenv("RS_TEST_LONG") != NULL;

    if (n_only > 0 && strcmp(only[0], "random") == 0)
        SKIP("not asked for");
    for (int i = 0; i < n_only; i++)
        network(only[i]);
    for (size_t i = 0; n_only == 0 && i < sizeof small_networks / sizeof *small_networks; i++)
        network(small_networks[i]);
    for (size_t i = 0; n_only == 0 && all && i < sizeof large_networks / sizeof *large_networks; i++)
        network(large_networks[i]);
}

/* Residual layers between layers that wait for their accumulators: nothing of this network was fitted either.  Clocks do not depend on codes. */
TEST(the_network_of_the_project_takes_the_predicted_clocks)
{
    const struct rs_platform_options options = { .mem_base = 0x4000000000 };
    const char *why = NULL;
    const struct rs_platform_api *api = platform_open("emu", "default", &why);
    struct rs_graph *g = NULL;
    struct rs_plan *plan = NULL;
    struct rs_platform *p = NULL;
    struct rs_error err = { 0 };
    struct job_result result;
    char text[512] = "";

    if (n_only > 0)
        SKIP("not asked for");
    MUST(api != NULL, "%s", why);
    MUST(rs_tflite_load("models/fashion_resnet.tflite", &g, &err) == RS_OK && rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK, "%s", err.text);
    MUST(rs_plan_graph(g, &api->config, NULL, &plan, &err) == RS_OK, "%s", err.text);
    MUST((p = api->create(&options, text, sizeof text)) != NULL, "%s", text);
    CHECK(platform_run(api, p, options.mem_base, plan, 100 * (uint64_t)plan->cycles, &result), "did not finish in %llu clocks", (unsigned long long)result.clocks);
    CHECK(llabs((long long)plan->jobs[0].cycles - (long long)result.clocks) * 100 <= 3 * (long long)result.clocks,
          "%lld clocks predicted, %llu counted: more than 3 %% apart", (long long)plan->jobs[0].cycles, (unsigned long long)result.clocks);
    api->destroy(p);
    rs_plan_free(plan);
    rs_graph_destroy(g);
}

int main(int argc, char **argv)
{
    const char *from = getenv("RS_TEST_SEED");

    only = argv + 1;
    n_only = argc - 1;
    show = getenv("RS_SHOW") != NULL;
    if (getenv("RS_TEST_LONG") != NULL)
        n_random = 200;
    if (from != NULL)
        seed = strcmp(from, "time") == 0 ? (uint64_t)time(NULL) * 1000003u : strtoull(from, NULL, 0);
    if (argc > 2 && strcmp(argv[1], "random") == 0)
        n_random = atoi(argv[2]);
    if (argc > 3 && strcmp(argv[1], "random") == 0)
        seed = strtoull(argv[3], NULL, 0);
    (void)random_layers_check;
    RUN(random_layers_take_the_predicted_clocks);
    RUN(layers_of_published_networks_take_the_predicted_clocks);
    RUN(the_network_of_the_project_takes_the_predicted_clocks);
    return test_exit();
}
