/*
 * hostile.c - the readers against files made to hurt them: sound ones cut at every length, their bytes and words changed,
 * parts repeated; protobuf nested deep.  They must return, with sanitizers watching, and the memory they hold at once stays
 * bounded by the file's size.  A seed: an argument, or RS_TEST_SEED.
 */
#define _POSIX_C_SOURCE 200809L
#include <time.h>
#include <unistd.h>
#include "fuzz.h"
#include "model_file.h"
#include "test.h"
#include "tflite.h"
#include "xclbin.h"

/* The sanitizer runtime's interface; not every compiler installs its header. */
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t), void (*freed)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);

static uint64_t seed = 1;
static int64_t live, peak;

static void allocated(const volatile void *p, size_t size)
{
    (void)p;
    live += (int64_t)size;
    peak = live > peak ? live : peak;
}

static void freed(const volatile void *p)
{
    live -= p != NULL ? (int64_t)__sanitizer_get_allocated_size(p) : 0;
}

struct file { uint8_t *bytes; size_t size; };

static struct file load(const char *path)
{
    struct file f = { 0 };
    FILE *from = fopen(path, "rb");

    if (from == NULL)
        return f;
    fseek(from, 0, SEEK_END);
    f.size = (size_t)ftell(from);
    rewind(from);
    f.bytes = malloc(f.size + 1);
    if (fread(f.bytes, 1, f.size, from) != f.size)
        f.size = 0;
    fclose(from);
    return f;
}

typedef void reader(const uint8_t *bytes, size_t size);

/* The bytes lie at the very end of their own allocation: one past them is caught.  @factor 0: memory is not checked. */
static void feed(reader *read, const uint8_t *bytes, size_t size, int64_t factor, const char *what)
{
    uint8_t *copy = malloc(size + (size == 0));

    memcpy(copy, bytes, size);
    const int64_t before = live;

    peak = live;
    read(copy, size);
    CHECK(live == before, "%s, %zu bytes: %lld bytes not freed", what, size, (long long)(live - before));
    CHECK(factor == 0 || peak - before <= (1 << 21) + factor * (int64_t)size, "%s, %zu bytes: %lld bytes of memory at once", what, size,
          (long long)(peak - before));
    free(copy);
}

/* @rounds mutations of a sound file. */
static void mutate(reader *read, const struct file *f, int rounds, int64_t factor, const char *what)
{
    static const uint32_t words[] = { 0, 1, 2, 3, 4, 8, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF };
    uint8_t *bytes = malloc(2 * f->size + 64);

    MUST(f->size > 8, "%s: no sound file to start from", what);
    feed(read, f->bytes, f->size, factor, what);
    for (int i = 0; i < rounds; i++) {
        size_t size = f->size;

        test_rng = seed * 1000003 + (uint64_t)i;
        memcpy(bytes, f->bytes, size);
        for (int n = (int)rnd_range(1, 4); n > 0; n--) {
            const size_t at = (size_t)rnd_range(0, (int64_t)size - 5) & (rnd_range(0, 1) ? ~(size_t)3 : SIZE_MAX);

            switch (rnd_range(0, 5)) {
            case 0: bytes[at] ^= (uint8_t)(1 << rnd_range(0, 7)); break;
            case 1: bytes[at] = (uint8_t)rnd_range(0, 255); break;
            case 2: {
                const uint32_t word = words[rnd_range(0, 15)];

                memcpy(bytes + at, &word, sizeof word);
                break;
            }
            case 3: {                                    /* somewhat more or less: offsets and counts */
                uint32_t word;

                memcpy(&word, bytes + at, sizeof word);
                word += (uint32_t)rnd_range(-16, 16);
                memcpy(bytes + at, &word, sizeof word);
                break;
            }
            case 4: {
                const size_t from = (size_t)rnd_range(0, (int64_t)size - 5), n_bytes = (size_t)rnd_range(1, 32);

                if (from + n_bytes <= size && at + n_bytes <= size)
                    memmove(bytes + at, bytes + from, n_bytes);
                break;
            }
            default:
                if (rnd_range(0, 3) == 0)
                    size = (size_t)rnd_range(8, (int64_t)size);
            }
        }
        feed(read, bytes, size, factor, what);
    }
    free(bytes);
}

/* Every length of the first 600 bytes, then steps. */
static void cut(reader *read, const struct file *f, const char *what)
{
    for (size_t n = 0; n < f->size; n += n < 600 ? 1 : f->size / 97 + 1)
        feed(read, f->bytes, n, 0, what);
}

TEST(tflite_files)
{
    static const char *const paths[] = { "models/fashion_resnet.tflite", "models/fashion_resnet_float.tflite" };

    for (int i = 0; i < 2; i++) {
        struct file f = load(paths[i]);

        /* Most bytes are filters: the tables are where it hurts, at the ends of a file. */
        mutate(fuzz_tflite, &f, 200, 64, paths[i]);
        for (int k = 0; k < 600 && f.size > 16384; k++) {
            struct file g = { malloc(f.size), f.size };

            test_rng = seed * 7919 + (uint64_t)k;
            memcpy(g.bytes, f.bytes, f.size);
            for (int n = 0; n < 2; n++) {
                const size_t at = rnd_range(0, 1) ? (size_t)rnd_range(0, 8191) : f.size - 1 - (size_t)rnd_range(0, 8191);
                g.bytes[at] = (uint8_t)(rnd_range(0, 2) == 0 ? 0xFF : rnd_range(0, 1) ? g.bytes[at] + rnd_range(1, 8) : rnd_range(0, 255));
            }
            feed(fuzz_tflite, g.bytes, g.size, 64, paths[i]);
            free(g.bytes);
        }
        if (i == 0)
            cut(fuzz_tflite, &f, paths[i]);
        free(f.bytes);
    }
}

/* ---- protobuf, written by hand ---- */

struct message { uint8_t bytes[1 << 16]; size_t size; };

static void varint(struct message *m, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        m->bytes[m->size++] = (uint8_t)(v | 128);
    m->bytes[m->size++] = (uint8_t)v;
}

static void number(struct message *m, int field, uint64_t v)
{
    varint(m, (uint64_t)field << 3);
    varint(m, v);
}

static void bytes_of(struct message *m, int field, const void *data, size_t size)
{
    varint(m, (uint64_t)field << 3 | 2);
    varint(m, size);
    memcpy(m->bytes + m->size, data, size);
    m->size += size;
}

static void text(struct message *m, int field, const char *s) { bytes_of(m, field, s, strlen(s)); }

/* ValueInfoProto of float, rank 4. */
static void value(struct message *graph, int field, const char *name, const int *dim)
{
    struct message shape = { .size = 0 }, tensor = { .size = 0 }, type = { .size = 0 }, info = { .size = 0 };

    for (int i = 0; i < 4; i++) {
        struct message d = { .size = 0 };

        number(&d, 1, (uint64_t)dim[i]);
        bytes_of(&shape, 1, d.bytes, d.size);
    }
    number(&tensor, 1, 1);
    bytes_of(&tensor, 2, shape.bytes, shape.size);
    bytes_of(&type, 1, tensor.bytes, tensor.size);
    text(&info, 1, name);
    bytes_of(&info, 2, type.bytes, type.size);
    bytes_of(graph, field, info.bytes, info.size);
}

/* Relu(Conv(x, w)): what every converter writes. */
static void small_onnx(struct message *model)
{
    static const int in[4] = { 1, 2, 5, 5 }, out[4] = { 1, 3, 3, 3 };
    struct message graph = { .size = 0 }, node = { .size = 0 }, w = { .size = 0 }, opset = { .size = 0 };
    float weights[3 * 2 * 3 * 3];

    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = (float)i / 50;
    text(&node, 1, "x");
    text(&node, 1, "w");
    text(&node, 2, "y");
    text(&node, 4, "Conv");
    bytes_of(&graph, 1, node.bytes, node.size);
    node.size = 0;
    text(&node, 1, "y");
    text(&node, 2, "z");
    text(&node, 4, "Relu");
    bytes_of(&graph, 1, node.bytes, node.size);
    text(&graph, 2, "g");
    for (int i = 0; i < 4; i++)
        number(&w, 1, (uint64_t[]){ 3, 2, 3, 3 }[i]);
    number(&w, 2, 1);
    text(&w, 8, "w");
    bytes_of(&w, 9, weights, sizeof weights);
    bytes_of(&graph, 5, w.bytes, w.size);
    value(&graph, 11, "x", in);
    value(&graph, 12, "z", out);
    text(&opset, 1, "");
    number(&opset, 2, 13);
    number(model, 1, 8);
    bytes_of(model, 7, graph.bytes, graph.size);
    bytes_of(model, 8, opset.bytes, opset.size);
}

TEST(onnx_files)
{
    static struct message m;
    struct file f = { m.bytes, 0 };

    m.size = 0;
    small_onnx(&m);
    f.size = m.size;
    mutate(fuzz_onnx, &f, 20000, 4096, "a small ONNX model");
    cut(fuzz_onnx, &f, "a small ONNX model, cut");
}

/* Each level wraps the one before: node { attribute { g { node { ... } } } }, and type { sequence { type { ... } } }. */
TEST(onnx_files_nested_deep)
{
    static struct message inner, outer;

    for (int kind = 0; kind < 2; kind++) {
        inner.size = 0;
        for (int depth = 0; depth < 6000; depth++) {
            static const int fields[2][3] = { { 6, 5, 1 }, { 1, 4, 1 } };

            for (int level = 0; level < 3; level++) {
                outer.size = 0;
                bytes_of(&outer, fields[kind][level], inner.bytes, inner.size);
                inner = outer;
            }
            if (inner.size > sizeof inner.bytes - 64)
                break;
        }
        outer.size = 0;
        number(&outer, 1, 8);
        bytes_of(&outer, 7, inner.bytes, inner.size < sizeof outer.bytes - 32 ? inner.size : 0);
        feed(fuzz_onnx, outer.bytes, outer.size, 4096, "a nested ONNX model");
    }
}

TEST(plan_files)
{
    char path[] = "/tmp/rs_hostile_XXXXXX";
    struct rs_hw_config config;
    struct rs_graph *g;
    struct rs_plan *plan;
    struct rs_error err;
    struct file tflite = load("models/fashion_resnet.tflite"), f;

    MUST(rs_hw_config_named("default", &config) && rs_tflite_read(tflite.bytes, tflite.size, &g, &err) == RS_OK, "model");
    MUST(rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK && rs_plan_graph(g, &config, NULL, &plan, &err) == RS_OK, "%s", err.text);
    close(mkstemp(path));
    MUST(rs_plan_save(plan, path, &err) == RS_OK, "%s", err.text);
    f = load(path);
    mutate(fuzz_plan, &f, 300, 64, "a plan");
    cut(fuzz_plan, &f, "a plan, cut");
    free(f.bytes);
    MUST(model_file_write(path, tflite.bytes, tflite.size, plan, &err) == RS_OK, "%s", err.text);
    f = load(path);
    mutate(fuzz_plan, &f, 200, 64, "a compiled model");
    free(f.bytes);
    free(tflite.bytes);
    unlink(path);
    rs_plan_free(plan);
    rs_graph_destroy(g);
}

TEST(xclbin_files)
{
    struct rs_emulation e = { .kind = "emu", .cards_cores = 1, .banks = 1, .bank_bytes = 1 << 26, .memory_base = 0x1000000, .clock_mhz = 250 };
    struct rs_error err = { 0 };
    struct file f = { 0 };

    MUST(rs_hw_config_named("default", &e.config), "preset");
    MUST(rs_emulation_xclbin(&e, "rs_xrt_device", &f.bytes, &f.size, &err) == RS_OK, "%s", err.text);
    mutate(fuzz_xclbin, &f, 5000, 64, "an xclbin");
    cut(fuzz_xclbin, &f, "an xclbin, cut");
    free(f.bytes);
}

/* The table says how many filters to make up: their size is bounded by the reader, not by the file. */
TEST(network_tables)
{
    struct file f = load("tests/workloads/kws.csv");
    static const char *const rows[] = {
        "name,type,from,with,N,C,H,W,M,R,S,stride,pad_top,pad_left,pad_bottom,pad_right,act\nx,input,,,1,2147483647,2147483647,2147483647,,,,,,,,,\n",
        "name,type,from,with,N,C,H,W,M,R,S\nx,input,,,1,60000,1,1,,,\ny,fc,x,,,,,,60000,,\n",
        "name,type,from,with,N,C,H,W,M,R,S\nx,input,,,1,1,4,4,,,\nx,add,x,x,,,,,,,\ny,add,z,y,,,,,,,\n",
        "name,type\nx,input\n\n\n,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n#\n", "#\n#", "name\0,type\nx" };

    mutate(fuzz_csv, &f, 150, 0, "a network's table");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        feed(fuzz_csv, (const uint8_t *)rows[i], strlen(rows[i]) + (i == 5 ? 8 : 0), 1024, "a table of our own");
    free(f.bytes);
}

int main(int argc, char **argv)
{
    const char *from = argc > 1 ? argv[1] : getenv("RS_TEST_SEED");

    if (from != NULL) {
        seed = strcmp(from, "time") == 0 ? (uint64_t)time(NULL) : strtoull(from, NULL, 0);
        printf("seed %llu\n", (unsigned long long)seed);
    }
    __sanitizer_install_malloc_and_free_hooks(allocated, freed);
    RUN(tflite_files);
    RUN(onnx_files);
    RUN(onnx_files_nested_deep);
    RUN(plan_files);
    RUN(xclbin_files);
    RUN(network_tables);
    return test_exit();
}
