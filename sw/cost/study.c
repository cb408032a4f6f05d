/* study.c - the dataflow study over whole networks (study.h). */
#include "study.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "status.h"

/* ---- constants --------------------------------------------------------------------------------------- */

rs_status rs_flow_study(const struct rs_data *data, const char *name, struct rs_flow_study *study, struct rs_error *err)
{
    static const char *const levels[] = {"alu", "dram", "glb", "array", "rf"};
    static const char *const flows[] = {"rf_rs", "rf_ws", "rf_osa", "rf_osb", "rf_osc", "rf_nlr"};
    static const char *const claims[] = {"claim_conv_low", "claim_conv_high", "claim_fc_low", "claim_fc_high"};
    const struct rs_section *s = rs_data_find(data, "dataflow", name);
    struct rs_constant c = {0};
    rs_status status = RS_OK;

    *study = (struct rs_flow_study){0};
    if (s == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "no section [dataflow %s]", name);
    for (int i = 0; i < RS_N_LEVELS && status == RS_OK; i++) {
        status = rs_section_constant(s, levels[i], "MAC", &c, err);
        study->energy.level[i] = c.value;
        if (status == RS_OK && c.value < 0)
            status = rs_fail(err, RS_ERR_RANGE, "[dataflow %s] %s = %g: a cost is at least 0", name, levels[i], c.value);
    }
    for (int i = 0; i < RS_N_FLOWS && status == RS_OK; i++) {
        status = rs_section_constant(s, flows[i], "B", &c, err);
        study->area.rf_bytes[i] = c.value;
    }
    for (int i = 0; i < 4 && status == RS_OK; i++) {
        status = rs_section_constant(s, claims[i], "ratio", &c, err);
        study->claim[i] = c.value;
    }
    if (status == RS_OK)
        status = rs_section_constant(s, "word", "B", &c, err);
    study->area.word_bytes = c.value;
    if (status == RS_OK)
        status = rs_section_constant(s, "budget_rf", "B", &c, err);
    study->area.budget_rf_bytes = c.value;
    for (int i = 0; i < s->n && status == RS_OK; i++) {
        struct rs_flow_area *a = &study->area;
        double bytes;

        if (sscanf(s->entry[i].key, "area_%lf", &bytes) != 1)
            continue;
        status = rs_section_constant(s, s->entry[i].key, "um2/B", &c, err);
        if (status == RS_OK && (a->n == RS_FLOW_AREA_POINTS || (a->n > 0 && bytes <= a->bytes[a->n - 1]) || c.value <= 0))
            status = rs_fail(err, RS_ERR_FORMAT, "[dataflow %s] %s: at most %d sizes, rising, with areas above 0", name,
                             s->entry[i].key, RS_FLOW_AREA_POINTS);
        if (status == RS_OK) {
            a->bytes[a->n] = bytes;
            a->area_per_byte[a->n++] = c.value;
        }
    }
    if (status == RS_OK && (study->area.n < 2 || study->area.word_bytes <= 0 || study->area.budget_rf_bytes <= 0))
        status = rs_fail(err, RS_ERR_FORMAT, "[dataflow %s]: two area_SIZE constants, and sizes above 0, are expected", name);
    return status;
}

/* ---- networks ---------------------------------------------------------------------------------------- */

static rs_status add(struct rs_flow_network *network, const struct rs_flow_layer *l, struct rs_error *err)
{
    struct rs_flow_layer *grown = realloc(network->layer, (size_t)(network->n + 1) * sizeof *grown);

    if (grown == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    network->layer = grown;
    network->layer[network->n++] = *l;
    return RS_OK;
}

rs_status rs_flow_network_named(const struct rs_data *data, const char *name, struct rs_flow_network *network, struct rs_error *err)
{
    const struct rs_section *s = rs_data_find(data, "network", name);
    rs_status status = RS_OK;

    *network = (struct rs_flow_network){0};
    if (s == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "no section [network %s]", name);
    for (int i = 0; i < s->n && status == RS_OK; i++) {
        struct rs_flow_layer l = {0};
        long long v[8];

        if (strcmp(s->entry[i].key, "title") == 0) {
            snprintf(network->title, sizeof network->title, "%s", s->entry[i].text);
            continue;
        }
        if (sscanf(s->entry[i].text, "%lld %lld %lld %lld %lld %lld %lld %lld", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
                   &v[7]) != 8)
            status = rs_fail(err, RS_ERR_FORMAT, "[network %s] %s: G C M H W R S U is expected", name, s->entry[i].key);
        for (int k = 0; k < 8 && status == RS_OK; k++)
            if (v[k] < 1 || v[k] > 1 << 20)
                status = rs_fail(err, RS_ERR_RANGE, "[network %s] %s: %lld, expected 1 to 2^20", name, s->entry[i].key, v[k]);
        if (status != RS_OK)
            break;
        snprintf(l.name, sizeof l.name, "%s", s->entry[i].key);
        l.G = v[0]; l.C = v[1]; l.M = v[2]; l.H = v[3]; l.W = v[4]; l.R = v[5]; l.S = v[6]; l.U = v[7];
        l.E = (l.H - l.R + l.U) / l.U;
        l.F = (l.W - l.S + l.U) / l.U;
        l.fc = l.E == 1 && l.F == 1;
        if (l.R > l.H || l.S > l.W)
            status = rs_fail(err, RS_ERR_SHAPE, "[network %s] %s: the filter is larger than the ifmap", name, l.name);
        else
            status = add(network, &l, err);
    }
    if (status == RS_OK && network->n == 0)
        status = rs_fail(err, RS_ERR_FORMAT, "[network %s]: no layer", name);
    if (status != RS_OK) {
        free(network->layer);
        *network = (struct rs_flow_network){0};
    }
    return status;
}

rs_status rs_flow_network_graph(const struct rs_graph *g, struct rs_flow_network *network, struct rs_error *err)
{
    rs_status status = RS_OK;

    *network = (struct rs_flow_network){0};
    snprintf(network->title, sizeof network->title, "%s", g->name);
    for (int i = 0; i < g->n_nodes && status == RS_OK; i++) {
        const struct rs_node *node = &g->nodes[i];
        const struct rs_tensor *in, *filter, *out;
        struct rs_flow_layer l = {.G = 1};

        if (node->op != RS_OP_CONV2D && node->op != RS_OP_DEPTHWISE_CONV2D && node->op != RS_OP_FULLY_CONNECTED)
            continue;
        in = &g->tensors[node->inputs[0]];
        filter = &g->tensors[node->inputs[1]];
        out = &g->tensors[node->outputs[0]];
        snprintf(l.name, sizeof l.name, "%.63s", out->name);
        if (node->op == RS_OP_FULLY_CONNECTED) {
            l.C = filter->dim[1];
            l.M = filter->dim[0];
            l.R = l.S = l.U = l.W = l.F = 1;
            l.H = l.E = rs_tensor_elements(in) / l.C;           /* rows are pixels */
            l.fc = l.E == 1;
        } else {
            l.U = node->stride_h;
            l.E = out->dim[1];
            l.F = out->dim[2];
            l.R = filter->dim[1];
            l.S = filter->dim[2];
            l.H = (l.E - 1) * l.U + l.R;                        /* what is read, padding included */
            l.W = (l.F - 1) * l.U + l.S;
            l.C = in->dim[3];
            l.M = out->dim[3];
            if (node->op == RS_OP_DEPTHWISE_CONV2D) {
                l.G = l.C;
                l.M /= l.C;
                l.C = 1;
            }
        }
        status = add(network, &l, err);
    }
    if (status == RS_OK && network->n == 0)
        status = rs_fail(err, RS_ERR_FORMAT, "%s: no convolution and no matrix product in it", g->name);
    if (status != RS_OK) {
        free(network->layer);
        *network = (struct rs_flow_network){0};
    }
    return status;
}

/* ---- sums -------------------------------------------------------------------------------------------- */

static bool of_part(const struct rs_flow_layer *l, enum rs_flow_part part)
{
    return (part & (l->fc ? RS_FLOW_FC : RS_FLOW_CONV)) != 0;
}

void rs_flow_network_search(const struct rs_flow_network *network, enum rs_flow_part part, int64_t N, enum rs_flow flow, int64_t J,
                            const struct rs_flow_study *study, const struct rs_flow_fixed *fixed, struct rs_flow_sum *sum,
                            struct rs_flow_result *results)
{
    struct rs_flow_machine machine;

    *sum = (struct rs_flow_sum){.feasible = true};
    rs_flow_machine(&study->area, flow, J, &machine);
    for (int i = 0; i < network->n; i++) {
        struct rs_flow_result one;

        if (!of_part(&network->layer[i], part))
            continue;
        rs_flow_search(&network->layer[i], N, flow, &machine, &study->energy, fixed, &one);
        if (!one.feasible && sum->feasible) {
            sum->feasible = false;
            sum->misfit = network->layer[i].name;
        }
        sum->macs += one.macs;
        sum->energy += one.energy;
        for (int k = 0; k < RS_N_LEVELS; k++) {
            sum->level[k] += one.level[k];
            sum->accesses[k] += one.accesses[k];
        }
        if (results != NULL)
            results[i] = one;
    }
}

/* ---- blocking or dataflow ---------------------------------------------------------------------------- */

#define GRID 24

/* 1, 2, 3, 4, 6, 8, 12, ... and @total itself. */
static int grid(int64_t total, int64_t to[GRID])
{
    int n = 0;

    for (int64_t v = 1; v < total && n < GRID - 1; v = v == 1 ? 2 : (v & (v - 1)) == 0 ? v + v / 2 : v / 3 * 4)
        to[n++] = v;
    to[n++] = total;
    return n;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

rs_status rs_flow_ask(const struct rs_flow_layer *layer, int64_t N, int64_t J, const struct rs_flow_study *study,
                      struct rs_flow_question *q, struct rs_error *err)
{
    const double macs = (double)(layer->G * N * layer->M * layer->E) * (double)(layer->F * layer->C * layer->R * layer->S);
    struct rs_flow_machine machine[RS_N_FLOWS];
    int64_t ns[GRID], ms[GRID], fs[GRID];
    const int n_n = grid(N, ns), n_m = grid(layer->M, ms), n_f = grid(layer->F, fs);
    double *least = malloc((size_t)(n_n * n_m * n_f) * sizeof *least);

    *q = (struct rs_flow_question){.blockings = n_n * n_m * n_f};
    if (least == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int i = 0; i < RS_N_FLOWS; i++) {
        rs_flow_machine(&study->area, (enum rs_flow)i, J, &machine[i]);
        q->flow_best[i] = INFINITY;
    }
    for (int at = 0; at < q->blockings; at++) {
        const struct rs_flow_fixed fixed = {ns[at % n_n], ms[at / n_n % n_m], fs[at / (n_n * n_m)]};
        double best = INFINITY;
        int winner = -1;

        for (int i = 0; i < RS_N_FLOWS; i++) {
            struct rs_flow_result one;

            rs_flow_search(layer, N, (enum rs_flow)i, &machine[i], &study->energy, &fixed, &one);
            if (!one.feasible)
                continue;
            q->flow_best[i] = fmin(q->flow_best[i], one.energy / macs);
            if (one.energy / macs < best) {
                best = one.energy / macs;
                winner = i;
            }
        }
        if (winner >= 0) {
            q->wins[winner]++;
            least[q->fitting++] = best;
        }
    }
    if (q->fitting != 0) {
        qsort(least, (size_t)q->fitting, sizeof *least, ascending);
        q->best = least[0];
        q->median = least[q->fitting / 2];
        q->worst = least[q->fitting - 1];
    }
    free(least);
    return RS_OK;
}
