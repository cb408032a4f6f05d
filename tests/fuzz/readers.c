/* readers.c - see fuzz.h. */
#define _GNU_SOURCE
#include "fuzz.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "model_file.h"
#include "network_csv.h"
#include "onnx.h"
#include "onnx_write.h"
#include "tflite.h"
#include "tflite_write.h"
#include "xclbin.h"

/* What a writer makes of a graph, its own reader takes. */
static void rewrite(const struct rs_graph *g)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct rs_graph *back = NULL;
    struct rs_error err;

    if (rs_onnx_write(g, false, NULL, &bytes, &size, &err) == RS_OK && rs_onnx_read(bytes, size, g->rounding, NULL, NULL, &back, &err) == RS_OK)
        rs_graph_destroy(back);
    free(bytes);
    bytes = NULL;
    if (rs_tflite_write(g, NULL, &bytes, &size, &err) == RS_OK && rs_tflite_read(bytes, size, &back, &err) == RS_OK)
        rs_graph_destroy(back);
    free(bytes);
}

/* Passes and writers run over whatever was accepted: they trust the readers. */
static void use(struct rs_graph *g)
{
    struct rs_memory_plan *memory;
    struct rs_error err;

    if (g != NULL)
        rewrite(g);
    if (g != NULL && rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK && rs_memory_plan_create(g, 64, &memory, &err) == RS_OK) {
        rs_memory_plan_destroy(memory);
        rewrite(g);
    }
    rs_graph_destroy(g);
}

void fuzz_tflite(const uint8_t *bytes, size_t size)
{
    struct rs_graph *g = NULL;
    struct rs_error err;

    if (size > 0 && rs_tflite_read(bytes, size, &g, &err) == RS_OK)
        use(g);
}

void fuzz_onnx(const uint8_t *bytes, size_t size)
{
    struct rs_graph *g = NULL;
    struct rs_error err;

    if (size > 0 && rs_onnx_read(bytes, size, RS_ROUND_ONNX, NULL, NULL, &g, &err) == RS_OK)
        use(g);
}

/* A file in memory with a name, for readers that want one; -1: none. */
static int named(const uint8_t *bytes, size_t size, char path[64])
{
    const int fd = memfd_create("fuzz", 0);

    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

void fuzz_plan(const uint8_t *bytes, size_t size)
{
    struct model_file file;
    struct rs_plan *plan = NULL;
    struct rs_error err;
    char path[64];
    const int fd = named(bytes, size, path);

    if (fd >= 0 && rs_plan_load(path, NULL, &plan, &err) == RS_OK)
        rs_plan_free(plan);
    if (fd >= 0)
        close(fd);
    if (size > 0 && model_file_parse(bytes, size, &file, &err) == RS_OK && file.plan_bytes != 0) {
        struct rs_hw_config config;

        if (rs_hw_config_named(file.preset, &config) && model_file_plan(&file, &config, &plan, &err) == RS_OK)
            rs_plan_free(plan);
    }
}

void fuzz_xclbin(const uint8_t *bytes, size_t size)
{
    struct rs_xclbin x;
    struct rs_error err;
    const uint8_t *data;
    size_t n;

    if (rs_xclbin_read(bytes, size, &x, &err) != RS_OK)
        return;
    for (int kind = 0; kind < 32; kind++)
        if (rs_xclbin_section(bytes, size, (enum rs_xclbin_section_kind)kind, &data, &n) && n > 0) {
            volatile uint8_t sum = 0;

            for (size_t i = 0; i < n; i++)
                sum = (uint8_t)(sum + data[i]);
        }
}

void fuzz_csv(const uint8_t *bytes, size_t size)
{
    struct rs_graph *g = NULL;
    struct rs_error err;
    char path[64];
    const int fd = named(bytes, size, path);

    if (fd < 0)
        return;
    if (rs_network_csv_is(path) && rs_network_csv_load(path, 1, &g, &err) == RS_OK)
        use(g);
    close(fd);
}
