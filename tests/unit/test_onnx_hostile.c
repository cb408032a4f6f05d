/*
 * test_onnx_hostile.c - the ONNX reader against files that are wrong: the data set's models cut short, flipped, and
 * with lies about sizes.
 *
 * Whatever a file holds, reading, optimizing and running it must end in a status; the sanitizers that the tests are built
 * with say whether a byte was touched that should not be.  Arguments: a seed, how many changes a model, and one model of your own
 * instead.
 */
#include <dirent.h>
#include <time.h>
#include "graph.h"
#include "import.h"
#include "onnx.h"
#include "test.h"

#ifdef RS_HAVE_PROTOBUF
#define DATA "/usr/share/libonnx-testdata/data/"
enum { SMALL = 1 << 18 };

static int changes = 60, models, reads, runs;

static void run_small(struct rs_graph *g)
{
    struct rs_memory_plan *plan = NULL;
    struct rs_error err;
    void *in[8] = { NULL }, *out[8] = { NULL };
    bool fits = g->n_inputs <= 8 && g->n_outputs <= 8 && rs_graph_total_macs(g) < SMALL;
    int64_t work = 0;

    for (int t = 0; t < g->n_tensors && fits; t++)
        fits = (work += (int64_t)rs_tensor_bytes(&g->tensors[t])) < SMALL;
    if (!fits || rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) != RS_OK || rs_memory_plan_create(g, 64, &plan, &err) != RS_OK)
        return;
    void *arena = aligned_alloc(64, (plan->arena_bytes + 127) & ~(size_t)63);

    for (int i = 0; i < g->n_inputs; i++)
        in[i] = calloc(rs_tensor_bytes(&g->tensors[g->inputs[i]]), 1);
    for (int i = 0; i < g->n_outputs; i++)
        out[i] = calloc(rs_tensor_bytes(&g->tensors[g->outputs[i]]), 1);
    runs += rs_graph_run_cpu(g, plan, (const void *const *)in, out, arena, plan->arena_bytes, &(struct rs_run_options){ .reference = true },
                             &err) == RS_OK;
    free(arena);
    for (int i = 0; i < 8; i++) {
        free(in[i]);
        free(out[i]);
    }
    rs_memory_plan_destroy(plan);
}

static void use(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);                   /* so that one byte past the end is seen */
    struct rs_graph *g = NULL;
    struct rs_error err = { 0 };

    memcpy(exact, bytes, size);
    const rs_status status = rs_onnx_read(exact, size, rnd() % 2 == 0 ? RS_ROUND_ONNX : RS_ROUND_DOUBLE, NULL, NULL, &g, &err);

    free(exact);                                                     /* the graph must not keep a pointer */
    CHECK((status == RS_OK) == (g != NULL) && (status == RS_OK || (err.status == status && err.text[0] != 0)), "status %s, graph %p, message '%s'",
          rs_status_name(status), (void *)g, err.text);
    if (g != NULL) {
        reads++;
        run_small(g);
        rs_graph_destroy(g);
    }
}

/* A few bytes become others: any, or such as lengths, tags and large numbers have. */
static void change(uint8_t *bytes, size_t size)
{
    static const uint8_t telling[] = { 0, 1, 2, 0x7F, 0x80, 0xFF, 0x08, 0x0A, 0x12, 0x22, 0x2A, 0x3A };

    for (int64_t k = rnd_range(1, 4); k > 0; k--) {
        const size_t at = (size_t)rnd_range(0, (int64_t)size - 1);

        if (rnd() % 3 == 0)
            bytes[at] ^= (uint8_t)(1u << (rnd() % 8));
        else if (rnd() % 2 == 0)
            bytes[at] = telling[rnd() % sizeof telling];
        else if (at + 9 < size)
            memset(bytes + at, 0xFF, 9), bytes[at + 9] = (uint8_t)(rnd() % 2);      /* a number of 64 bits, -1 */
        else
            bytes[at] = (uint8_t)rnd();
    }
}

static void one_model(const char *path)
{
    FILE *f = fopen(path, "rb");
    static uint8_t bytes[1 << 18], copy[1 << 18];
    const size_t size = f != NULL ? fread(bytes, 1, sizeof bytes, f) : 0;

    if (f != NULL)
        fclose(f);
    if (size == 0 || size == sizeof bytes)
        return;
    models++;
    for (int i = 0; i < changes; i++) {
        memcpy(copy, bytes, size);
        if (i == 0) {
            use(copy, (size_t)rnd_range(0, (int64_t)size));
            continue;
        }
        change(copy, size);
        use(copy, size);
    }
}

TEST(ends_in_a_status_whatever_the_file_holds)
{
    static const char *const groups[] = { "node", "simple", "pytorch-operator", "pytorch-converted" };

    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        char path[600];
        struct dirent **list = NULL;

        snprintf(path, sizeof path, DATA "%s", groups[g]);
        const int n = scandir(path, &list, NULL, alphasort);

        for (int i = 0; i < n; i++) {
            snprintf(path, sizeof path, DATA "%s/%s/model.onnx", groups[g], list[i]->d_name);
            if (list[i]->d_name[0] != '.')
                one_model(path);
            free(list[i]);
        }
        free(list);
    }
    if (models == 0)
        SKIP("libonnx-testdata is not installed");
    printf("  %d models, %d changed ones each: %d read, %d run\n", models, changes, reads, runs);
    CHECK(4 * reads > models * changes / 12, "only %d changed models could be read: the changes are too coarse", reads);
}

/* A model whose graph lists @n empty nodes: two bytes each, and more than a hundred here. */
TEST(memory_is_bounded_by_the_files_size)
{
    enum { NODES = 200000 };
    uint8_t *bytes = malloc(2 * NODES + 32);
    struct rs_graph *g = NULL;
    struct rs_error err = { 0 };
    size_t size = 0;

    bytes[size++] = 0x08, bytes[size++] = 0x08;                      /* ir_version 8 */
    bytes[size++] = 0x3A;                                            /* graph */
    for (uint32_t length = 2 * NODES; ; length >>= 7) {
        bytes[size++] = (uint8_t)(length & 0x7F) | (length > 0x7F ? 0x80 : 0);
        if (length <= 0x7F)
            break;
    }
    for (int i = 0; i < NODES; i++)
        bytes[size++] = 0x0A, bytes[size++] = 0x00;                  /* a node without anything */
    CHECK(rs_onnx_read(bytes, size, RS_ROUND_DOUBLE, NULL, NULL, &g, &err) == RS_ERR_FORMAT && g == NULL, "%s", err.text);
    free(bytes);
}

/* A graph in an attribute in a node in a graph...: our messages do not contain themselves, so nothing descends. */
TEST(depth_is_bounded_by_the_format)
{
    enum { DEPTH = 20000 };
    static uint8_t bytes[DEPTH * 16];
    size_t at = sizeof bytes;
    struct rs_graph *g = NULL;
    struct rs_error err = { 0 };

    for (int level = 0; level < DEPTH && at > 64; level++) {
        static const uint8_t tags[3] = { 0x32, 0x2A, 0x0A };         /* attribute's graph, node's attribute, graph's node */

        for (int t = 0; t < 3; t++) {
            uint8_t head[8];
            int n = 0;
            size_t length = sizeof bytes - at;

            head[n++] = tags[t];
            for (; length > 0x7F; length >>= 7)
                head[n++] = (uint8_t)(length & 0x7F) | 0x80;
            head[n++] = (uint8_t)length;
            at -= (size_t)n;
            memcpy(bytes + at, head, (size_t)n);
        }
    }
    const size_t inner = sizeof bytes - at;

    bytes[--at] = (uint8_t)(inner >> 14 & 0x7F);
    bytes[--at] = (uint8_t)(inner >> 7 & 0x7F) | 0x80;
    bytes[--at] = (uint8_t)(inner & 0x7F) | 0x80;
    bytes[--at] = 0x3A;
    bytes[--at] = 0x08, bytes[--at] = 0x08;
    CHECK(rs_onnx_read(bytes + at, sizeof bytes - at, RS_ROUND_DOUBLE, NULL, NULL, &g, &err) != RS_OK && err.text[0] != 0, "it was read");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        test_rng = strtoull(argv[1], NULL, 0);
    if (getenv("RS_TEST_LONG") != NULL) {
        test_rng = (uint64_t)time(NULL);
        changes = 5000;
        printf("  seed %llu\n", (unsigned long long)test_rng);
    }
    if (argc > 2)
        changes = atoi(argv[2]);
    if (argc > 3) {
        one_model(argv[3]);
        return 0;
    }
    RUN(ends_in_a_status_whatever_the_file_holds);
    RUN(memory_is_bounded_by_the_files_size);
    RUN(depth_is_bounded_by_the_format);
    return test_exit();
}

#else

TEST(ends_in_a_status_whatever_the_file_holds)
{
    SKIP("built without protobuf-c");
}

int main(void)
{
    RUN(ends_in_a_status_whatever_the_file_holds);
    return test_exit();
}
#endif
