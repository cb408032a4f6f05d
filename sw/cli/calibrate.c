/* calibrate.c - layers to calibrate with, measured as a user runs them: through the runtime, target cpu (calibrate.h). */
#include "calibrate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "kernels.h"
#include "layers.h"
#include "measure.h"
#include "status.h"

enum { RUNS = 25 };

/* N C H W M R S stride pad; GEMM and FC: N rows, C taps, M columns.  Extents avoid those of ResNet-8, DS-CNN, MobileNet 0.25/96
 * and the autoencoder. */
static const struct { enum layer_type type; int N, C, H, W, M, R, S, stride, pad; } shapes[] = {
    {LAYER_CONV, 1, 24, 28, 28, 40, 3, 3, 1, 1}, {LAYER_CONV, 1, 8, 40, 40, 16, 3, 3, 1, 1}, {LAYER_CONV, 1, 48, 14, 14, 96, 3, 3, 1, 1},
    {LAYER_CONV, 1, 12, 20, 20, 20, 3, 3, 1, 1}, {LAYER_CONV, 1, 80, 10, 10, 48, 3, 3, 1, 1}, {LAYER_CONV, 1, 96, 7, 7, 96, 3, 3, 1, 1},
    {LAYER_CONV, 1, 20, 30, 30, 36, 3, 3, 2, 1}, {LAYER_CONV, 1, 40, 18, 18, 72, 3, 3, 2, 1}, {LAYER_CONV, 1, 56, 12, 12, 56, 3, 3, 2, 1},
    {LAYER_CONV, 1, 3, 64, 64, 16, 3, 3, 2, 1}, {LAYER_CONV, 1, 3, 40, 40, 12, 3, 3, 1, 1}, {LAYER_CONV, 1, 3, 56, 56, 24, 5, 5, 2, 2},
    {LAYER_CONV, 1, 3, 36, 36, 16, 3, 3, 1, 1}, {LAYER_CONV, 1, 3, 28, 28, 20, 3, 3, 1, 1}, {LAYER_CONV, 1, 18, 24, 24, 18, 3, 3, 1, 1},
    {LAYER_CONV, 1, 16, 28, 28, 16, 3, 3, 1, 1}, {LAYER_CONV, 1, 16, 20, 20, 32, 3, 3, 2, 1}, {LAYER_CONV, 1, 64, 10, 10, 64, 3, 3, 1, 1},
    {LAYER_CONV, 1, 1, 40, 12, 48, 9, 5, 2, 2}, {LAYER_CONV, 1, 1, 60, 8, 80, 7, 3, 2, 1}, {LAYER_CONV, 1, 1, 28, 28, 32, 5, 5, 1, 2},
    {LAYER_CONV, 1, 1, 44, 14, 56, 8, 5, 2, 3},
    {LAYER_CONV, 1, 48, 20, 6, 80, 1, 1, 1, 0}, {LAYER_CONV, 1, 72, 14, 14, 72, 1, 1, 1, 0}, {LAYER_CONV, 1, 20, 40, 40, 24, 1, 1, 1, 0},
    {LAYER_CONV, 1, 144, 10, 10, 40, 1, 1, 1, 0}, {LAYER_CONV, 1, 56, 28, 28, 112, 1, 1, 1, 0}, {LAYER_CONV, 1, 200, 7, 7, 160, 1, 1, 1, 0},
    {LAYER_CONV, 1, 12, 56, 56, 20, 1, 1, 1, 0}, {LAYER_CONV, 1, 24, 18, 18, 40, 1, 1, 2, 0}, {LAYER_CONV, 1, 96, 5, 5, 192, 1, 1, 1, 0},
    {LAYER_CONV, 1, 8, 44, 44, 16, 1, 1, 1, 0}, {LAYER_CONV, 1, 320, 4, 4, 320, 1, 1, 1, 0}, {LAYER_CONV, 1, 60, 22, 6, 60, 1, 1, 1, 0},
    {LAYER_CONV, 1, 16, 26, 26, 32, 1, 1, 2, 0}, {LAYER_CONV, 1, 36, 14, 14, 64, 1, 1, 2, 0},
    {LAYER_GEMM, 96, 96, 1, 1, 96, 1, 1, 1, 0}, {LAYER_GEMM, 256, 256, 1, 1, 256, 1, 1, 1, 0}, {LAYER_GEMM, 50, 300, 1, 1, 70, 1, 1, 1, 0},
    {LAYER_GEMM, 500, 40, 1, 1, 40, 1, 1, 1, 0}, {LAYER_GEMM, 20, 800, 1, 1, 100, 1, 1, 1, 0}, {LAYER_GEMM, 140, 56, 1, 1, 56, 1, 1, 1, 0},
    {LAYER_DEPTHWISE, 1, 48, 20, 6, 48, 3, 3, 1, 1}, {LAYER_DEPTHWISE, 1, 72, 14, 14, 72, 3, 3, 1, 1}, {LAYER_DEPTHWISE, 1, 24, 40, 40, 24, 3, 3, 1, 1},
    {LAYER_DEPTHWISE, 1, 160, 7, 7, 160, 3, 3, 1, 1}, {LAYER_DEPTHWISE, 1, 40, 28, 28, 40, 3, 3, 2, 1}, {LAYER_DEPTHWISE, 1, 96, 14, 14, 96, 3, 3, 2, 1},
    {LAYER_DEPTHWISE, 1, 12, 44, 44, 12, 3, 3, 1, 1}, {LAYER_DEPTHWISE, 1, 80, 10, 10, 80, 3, 3, 1, 1}, {LAYER_DEPTHWISE, 1, 56, 30, 8, 56, 3, 3, 1, 1},
    {LAYER_DEPTHWISE, 1, 320, 4, 4, 320, 3, 3, 1, 1}, {LAYER_DEPTHWISE, 1, 20, 56, 56, 20, 3, 3, 2, 1}, {LAYER_DEPTHWISE, 1, 200, 5, 5, 200, 3, 3, 1, 1},
    {LAYER_DEPTHWISE, 1, 8, 40, 40, 8, 3, 3, 1, 1}, {LAYER_DEPTHWISE, 1, 60, 22, 6, 60, 3, 3, 1, 1},
    {LAYER_GEMM, 1, 100, 1, 1, 20, 1, 1, 1, 0}, {LAYER_GEMM, 1, 256, 1, 1, 256, 1, 1, 1, 0}, {LAYER_GEMM, 1, 700, 1, 1, 96, 1, 1, 1, 0},
    {LAYER_GEMM, 1, 96, 1, 1, 700, 1, 1, 1, 0}, {LAYER_GEMM, 1, 32, 1, 1, 14, 1, 1, 1, 0}, {LAYER_GEMM, 1, 1000, 1, 1, 200, 1, 1, 1, 0},
    {LAYER_GEMM, 1, 160, 1, 1, 160, 1, 1, 1, 0}, {LAYER_GEMM, 1, 12, 1, 1, 96, 1, 1, 1, 0}, {LAYER_GEMM, 1, 96, 1, 1, 12, 1, 1, 1, 0},
    {LAYER_AVERAGE_POOL, 1, 48, 12, 12, 48, 12, 12, 12, 0}, {LAYER_AVERAGE_POOL, 1, 96, 7, 7, 96, 7, 7, 7, 0},
    {LAYER_AVERAGE_POOL, 1, 80, 20, 4, 80, 20, 4, 20, 0}, {LAYER_MAX_POOL, 1, 24, 28, 28, 24, 2, 2, 2, 0},
    {LAYER_AVERAGE_POOL, 1, 200, 4, 4, 200, 4, 4, 4, 0},
    {LAYER_ADD, 1, 24, 28, 28, 24, 1, 1, 1, 0}, {LAYER_ADD, 1, 48, 14, 14, 48, 1, 1, 1, 0}, {LAYER_ADD, 1, 80, 10, 10, 80, 1, 1, 1, 0},
    {LAYER_ADD, 1, 12, 44, 44, 12, 1, 1, 1, 0}, {LAYER_ADD, 1, 96, 6, 6, 96, 1, 1, 1, 0},
};

/* A softmax of @n values as a graph. */
static rs_status softmax_graph(int32_t n, struct rs_graph **g, struct rs_error *err)
{
    const int32_t dim[2] = {1, n}, zp_in = 0, zp_out = -128;
    const float s_in = 0.1f, s_out = 1.0f / 256;
    const struct rs_node node = {.op = RS_OP_SOFTMAX, .source = -1, .beta = 1, .n_axes = 1, .axis = {1}};
    int in = -1, out = -1;
    rs_status status = rs_graph_create("softmax", g, err);

    if (status == RS_OK)
        status = rs_graph_add_tensor(*g, "in", RS_TYPE_S8, 2, dim, NULL, 0, &in, err);
    if (status == RS_OK)
        status = rs_graph_set_quant(*g, in, 1, 0, &s_in, &zp_in, err);
    if (status == RS_OK)
        status = rs_graph_add_tensor(*g, "out", RS_TYPE_S8, 2, dim, NULL, 0, &out, err);
    if (status == RS_OK)
        status = rs_graph_set_quant(*g, out, 1, 0, &s_out, &zp_out, err);
    if (status == RS_OK)
        status = rs_graph_add_node(*g, &node, &in, 1, &out, 1, NULL, err);
    if (status == RS_OK)
        status = rs_graph_set_io(*g, &in, 1, &out, 1, err);
    if (status == RS_OK)
        status = rs_graph_prepare(*g, err);
    if (status != RS_OK) {
        rs_graph_destroy(*g);
        *g = NULL;
    }
    return status;
}

static void machine_name(struct rs_cpu_model *model)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");

    strcpy(model->machine, "this machine");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(model->machine, sizeof model->machine, "%.90s", strchr(line, ':') + 2);
            break;
        }
    if (file != NULL)
        fclose(file);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

rs_status calibrate(FILE *to, struct rs_cpu_model *model, struct rs_error *err)
{
    static const int32_t softmaxes[] = {8, 14, 40, 100, 1000};
    enum { N_SHAPES = sizeof shapes / sizeof shapes[0], N_SOFTMAX = sizeof softmaxes / sizeof softmaxes[0], N = N_SHAPES + N_SOFTMAX };
    static const double tile[RS_ISA_COUNT][4] = {
        [RS_ISA_REF] = {1, 1, 1, 1}, [RS_ISA_PORTABLE] = {4, 8, 4, 8}, [RS_ISA_AVX2] = {6, 16, 6, 16}, [RS_ISA_AVX512VNNI] = {14, 32, 28, 16},
        [RS_ISA_NEON] = {8, 8, 8, 8}};
    struct rs_cpu_sample *samples = calloc(N, sizeof *samples);
    double request[N];
    struct rs_device *device = NULL;
    enum rs_isa isa;
    int n = 0;
    rs_status status = samples == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory") : rs_isa_current(&isa, err);

    *model = (struct rs_cpu_model){0};
    if (status == RS_OK)
        status = cli_open("cpu", false, &device, err);
    if (status == RS_OK) {
        machine_name(model);
        snprintf(model->isa, sizeof model->isa, "%s", rs_isa_name(isa));
        model->MR = tile[isa][0];
        model->NR = tile[isa][1];
        model->MR_narrow = tile[isa][2];
        model->narrow = tile[isa][3];
    }
    for (int i = 0; status == RS_OK && i < N; i++) {
        struct rs_graph *graph = NULL;
        struct rs_work *works = NULL;
        struct measured m;
        int n_works = 0;

        if (i < N_SHAPES) {
            struct bench_layer l = {.type = shapes[i].type, .N = shapes[i].N, .C = shapes[i].C, .H = shapes[i].H, .W = shapes[i].W,
                                    .M = shapes[i].M, .R = shapes[i].R, .S = shapes[i].S, .stride_h = shapes[i].stride,
                                    .stride_w = shapes[i].stride, .pad_top = shapes[i].pad, .pad_left = shapes[i].pad,
                                    .pad_bottom = shapes[i].pad, .pad_right = shapes[i].pad, .dilation = 1,
                                    .groups = shapes[i].type == LAYER_DEPTHWISE ? shapes[i].C : 1};

            snprintf(l.name, sizeof l.name, "%s_%d", layer_type_name(l.type), i);
            status = layer_graph(&l, 7, &graph, err);
        } else {
            status = softmax_graph(softmaxes[i - N_SHAPES], &graph, err);
        }
        if (status == RS_OK)
            status = rs_work_of_graph(graph, &works, &n_works, err);
        if (status == RS_OK)
            status = measure_graph(device, graph, 7, 1, RUNS, false, &m, err);
        if (status == RS_OK) {
            samples[n].work = works[0];
            samples[n].seconds = m.layers[0].host_seconds;
            request[n] = fmax(0, m.report.seconds - m.layers[0].host_seconds);
            n++;
            measured_free(&m);
        }
        free(works);
    }
    if (status == RS_OK)
        status = rs_cpu_model_fit(model, samples, n, err);
    if (status == RS_OK) {
        for (int i = 0; i < n && to != NULL; i++)
            fprintf(to, "  %-10s P %6.0f K %5.0f M %4.0f  measured %9.2f us  fitted %9.2f us  %+6.1f %%\n",
                    rs_work_kind_name(samples[i].work.kind), samples[i].work.P, samples[i].work.K, samples[i].work.M,
                    1e6 * samples[i].seconds, 1e6 * rs_cpu_model_seconds(model, &samples[i].work),
                    100 * (rs_cpu_model_seconds(model, &samples[i].work) / samples[i].seconds - 1));
        qsort(request, (size_t)n, sizeof *request, ascending);
        model->request = request[n / 4];                   /* half of them may have woken a processor up */
        /* Operations that no layer was measured for: as an addition of as many values. */
        memcpy(model->coefficient[RS_WORK_OTHER], model->coefficient[RS_WORK_ADD], sizeof model->coefficient[0]);
    }
    free(samples);
    rs_close(device);
    return status;
}
