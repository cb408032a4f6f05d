/* workload.c - models, network tables and layer tables as graphs (workload.h). */
#include "workload.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli.h"
#include "network_csv.h"

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);

    return n >= m && strcasecmp(text + n - m, end) == 0;
}

static rs_status append(struct workload *w, struct rs_graph *graph, struct rs_error *err)
{
    struct rs_graph **grown = realloc(w->graph, (size_t)(w->n + 1) * sizeof *grown);

    if (grown == NULL) {
        rs_graph_destroy(graph);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    w->graph = grown;
    w->graph[w->n++] = graph;
    return RS_OK;
}

rs_status workload_read(const char *path, uint64_t seed, struct workload *w, struct rs_error *err)
{
    const char *base = strrchr(path, '/');
    struct rs_graph *graph = NULL;
    rs_status status = RS_OK;

    *w = (struct workload){0};
    snprintf(w->name, sizeof w->name, "%.90s", base != NULL ? base + 1 : path);
    if (strncmp(w->name, "model.", 6) == 0 && base != NULL) {          /* kws/model.tflite is better called kws */
        const char *folder = base;

        while (folder > path && folder[-1] != '/')
            folder--;
        if (base > folder)
            snprintf(w->name, sizeof w->name, "%.*s", (int)(base - folder < 90 ? base - folder : 90), folder);
    } else if (strrchr(w->name, '.') != NULL) {
        *strrchr(w->name, '.') = '\0';
    }
    if (!ends_with(path, ".csv") || rs_network_csv_is(path)) {
        w->network = true;
        if (!ends_with(path, ".csv")) {
            status = cli_graph(path, &graph, NULL, NULL, err);
        } else {
            status = rs_network_csv_load(path, seed, &graph, err);
            if (status == RS_OK)
                status = rs_graph_optimize(graph, RS_PASS_ALL, NULL, err);
            if (status != RS_OK) {
                rs_graph_destroy(graph);
                graph = NULL;
            }
        }
        if (status == RS_OK)
            status = append(w, graph, err);
    } else {
        status = layers_read(path, &w->layers, err);
        for (int i = 0; status == RS_OK && i < w->layers.n; i++) {
            status = layer_graph(&w->layers.layer[i], seed, &graph, err);
            if (status == RS_OK)
                status = append(w, graph, err);
        }
    }
    if (status != RS_OK)
        workload_free(w);
    return status;
}

void workload_free(struct workload *w)
{
    for (int i = 0; i < w->n; i++)
        rs_graph_destroy(w->graph[i]);
    free(w->graph);
    free(w->layers.layer);
    *w = (struct workload){0};
}

struct rs_graph *workload_take(struct workload *w, int i)
{
    struct rs_graph *graph = w->graph[i];

    w->graph[i] = NULL;
    return graph;
}
