/* cmd_study.c - `rowstation study`: dataflows under equal area, for AlexNet or any network; and dataflow against blocking. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "json.h"
#include "status.h"
#include "study.h"
#include "workload.h"

#define COMMAND "study"
#define MAX_POINTS 8

struct study {
    const char *json, *constants;
    bool ask;
    int n_J, n_N;
    int64_t J[MAX_POINTS], N[MAX_POINTS];
    struct rs_data data;
    struct rs_flow_study flows;
    struct rs_flow_network network;
    bool alexnet;
};

static double ratio(const struct rs_flow_sum *sum, const struct rs_flow_sum *rs)
{
    return sum->energy / sum->macs / (rs->energy / rs->macs);
}

/* ---- table -------------------------------------------------------------------------------------------- */

struct seen { double low, high; enum rs_flow low_flow, high_flow; int64_t low_J, low_N, high_J, high_N; };

static void note(struct seen *seen, double r, enum rs_flow flow, int64_t J, int64_t N)
{
    if (seen->low == 0 || r < seen->low) {
        seen->low = r; seen->low_flow = flow; seen->low_J = J; seen->low_N = N;
    }
    if (r > seen->high) {
        seen->high = r; seen->high_flow = flow; seen->high_J = J; seen->high_N = N;
    }
}

/* One table of J and N; *rows: JSON, or NULL. */
static void table(const struct study *s, FILE *to, struct json *j, enum rs_flow_part part, const char *title, struct seen *seen)
{
    fprintf(to, "\n%s: energy a MAC in MACs (ratio to RS), least over all blockings [modelled]\n%6s %5s", title, "PEs", "batch");
    for (int f = 0; f < RS_N_FLOWS; f++)
        fprintf(to, " %14s", rs_flow_name((enum rs_flow)f));
    fputs("   DRAM accesses a MAC, RS\n", to);
    for (int a = 0; a < s->n_J; a++)
        for (int b = 0; b < s->n_N; b++) {
            struct rs_flow_sum rs = {0};

            fprintf(to, "%6lld %5lld", (long long)s->J[a], (long long)s->N[b]);
            if (j != NULL) {
                json_object(j, NULL, true);
                json_string(j, "layers", title);
                json_int(j, "pes", s->J[a]);
                json_int(j, "batch", s->N[b]);
            }
            for (int f = 0; f < RS_N_FLOWS; f++) {
                const enum rs_flow flow = (enum rs_flow)f;
                struct rs_flow_sum sum;

                rs_flow_network_search(&s->network, part, s->N[b], flow, s->J[a], &s->flows, NULL, &sum, NULL);
                if (f == 0)
                    rs = sum;
                if (j != NULL) {
                    json_object(j, rs_flow_name(flow), true);
                    json_bool(j, "feasible", sum.feasible);
                    json_real(j, "energy_per_mac", sum.feasible ? sum.energy / sum.macs : NAN);
                    json_real(j, "ratio_to_rs", sum.feasible ? ratio(&sum, &rs) : NAN);
                    for (int k = 0; k < RS_N_LEVELS; k++)
                        json_real(j, rs_flow_level_name((enum rs_flow_level)k), sum.feasible ? sum.level[k] / sum.macs : NAN);
                    json_close(j);
                }
                if (!sum.feasible) {
                    fprintf(to, " %14s", "infeasible");
                    continue;
                }
                fprintf(to, " %6.2f (%5.2f)", sum.energy / sum.macs, ratio(&sum, &rs));
                if (f != 0)
                    note(seen, ratio(&sum, &rs), flow, s->J[a], s->N[b]);
            }
            fprintf(to, "   %.5f\n", rs.accesses[RS_LEVEL_DRAM] / rs.macs);
            if (j != NULL)
                json_close(j);
        }
}

static void breakdown(const struct study *s, FILE *to)
{
    fprintf(to, "\nWhere it goes, all layers, %lld PEs, batch %lld: energy a MAC by level [modelled]\n%6s", (long long)s->J[0],
            (long long)s->N[s->n_N > 1], "");
    for (int k = 0; k < RS_N_LEVELS; k++)
        fprintf(to, " %8s", rs_flow_level_name((enum rs_flow_level)k));
    fputs("   buffer KB\n", to);
    for (int f = 0; f < RS_N_FLOWS; f++) {
        struct rs_flow_machine machine;
        struct rs_flow_sum sum;

        rs_flow_machine(&s->flows.area, (enum rs_flow)f, s->J[0], &machine);
        rs_flow_network_search(&s->network, RS_FLOW_ALL, s->N[s->n_N > 1], (enum rs_flow)f, s->J[0], &s->flows, NULL, &sum, NULL);
        fprintf(to, "%6s", rs_flow_name((enum rs_flow)f));
        for (int k = 0; k < RS_N_LEVELS; k++)
            if (sum.feasible)
                fprintf(to, " %8.3f", sum.level[k] / sum.macs);
            else
                fprintf(to, " %8s", "-");
        fprintf(to, "   %.0f", machine.glb_bytes / 1024);
        if (!sum.feasible)
            fprintf(to, "   %s does not fit", sum.misfit);
        fputc('\n', to);
    }
}

/* What becomes of the ratios when an access of DRAM costs half as much, or twice: every blocking is searched again. */
static void sensitivity(const struct study *s, FILE *to, struct json *j)
{
    static const double scales[] = {0.5, 1, 2};

    fprintf(to, "\nDRAM at half and at double its energy, all layers, %lld PEs, batch %lld: ratio to RS [modelled]\n%6s", (long long)s->J[0],
            (long long)s->N[s->n_N > 1], "DRAM");
    for (int f = 0; f < RS_N_FLOWS; f++)
        fprintf(to, " %6s", rs_flow_name((enum rs_flow)f));
    fputc('\n', to);
    if (j != NULL)
        json_array(j, "dram_sensitivity", false);
    for (size_t k = 0; k < sizeof scales / sizeof scales[0]; k++) {
        struct rs_flow_study flows = s->flows;
        struct rs_flow_sum sum, rs = {0};
        const char *best = "RS";
        double least = 1;

        flows.energy.level[RS_LEVEL_DRAM] *= scales[k];
        fprintf(to, "%6g", flows.energy.level[RS_LEVEL_DRAM]);
        if (j != NULL) {
            json_object(j, NULL, true);
            json_real(j, "dram", flows.energy.level[RS_LEVEL_DRAM]);
        }
        for (int f = 0; f < RS_N_FLOWS; f++) {
            rs_flow_network_search(&s->network, RS_FLOW_ALL, s->N[s->n_N > 1], (enum rs_flow)f, s->J[0], &flows, NULL, &sum, NULL);
            if (f == RS_FLOW_RS)
                rs = sum;
            if (!sum.feasible || !rs.feasible) {
                fprintf(to, " %6s", "-");
                continue;
            }
            fprintf(to, " %6.2f", ratio(&sum, &rs));
            if (j != NULL)
                json_real(j, rs_flow_name((enum rs_flow)f), ratio(&sum, &rs));
            if (ratio(&sum, &rs) < least) {
                least = ratio(&sum, &rs);
                best = rs_flow_name((enum rs_flow)f);
            }
        }
        fprintf(to, "   least: %s\n", best);
        if (j != NULL)
            json_close(j);
    }
    if (j != NULL)
        json_close(j);
}

static void found(FILE *to, const char *what, const struct seen *seen)
{
    if (seen->high == 0)
        return;
    fprintf(to, "  %s: found %.2f (%s, %lld PEs, batch %lld) to %.2f (%s, %lld PEs, batch %lld)", what, seen->low,
            rs_flow_name(seen->low_flow), (long long)seen->low_J, (long long)seen->low_N, seen->high, rs_flow_name(seen->high_flow),
            (long long)seen->high_J, (long long)seen->high_N);
    fputc('\n', to);
}

/* What the paper claims of AlexNet, each at the points it claims it for, beside what the search finds there. */
static void claims(const struct study *s, FILE *to, struct json *j)
{
    static const struct {
        const char *text, *key;
        enum rs_flow_part part;
        int claim;                     /* index in study.claim                        */
        bool most;                     /* of the ratios the largest, else the least   */
        int n_J, n_N;
        int64_t J[3], N[3];
    } list[] = {
        {"convolutions, 256 to 1024 PEs, batch 1 to 64: at least", "conv_low", RS_FLOW_CONV, 0, false, 3, 3, {256, 512, 1024}, {1, 16, 64}},
        {"the same: at most", "conv_high", RS_FLOW_CONV, 1, true, 3, 3, {256, 512, 1024}, {1, 16, 64}},
        {"fully connected, 1024 PEs, batch 16: at least", "fc_low", RS_FLOW_FC, 2, false, 1, 1, {1024}, {16}},
        {"fully connected, 1024 PEs, batch 256: at most", "fc_high", RS_FLOW_FC, 3, true, 1, 1, {1024}, {256}},
    };

    fputs("Beside what the paper claims\n", to);
    if (j != NULL)
        json_array(j, "claims", false);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        double worst = 0;
        enum rs_flow which = RS_FLOW_RS;

        for (int at = 0; at < list[i].n_J * list[i].n_N; at++) {
            struct rs_flow_sum rs = {0}, sum;

            for (int f = 0; f < RS_N_FLOWS; f++) {
                rs_flow_network_search(&s->network, list[i].part, list[i].N[at / list[i].n_J], (enum rs_flow)f,
                                       list[i].J[at % list[i].n_J], &s->flows, NULL, f == 0 ? &rs : &sum, NULL);
                if (f == 0 || !sum.feasible)
                    continue;
                if (worst == 0 || (list[i].most ? ratio(&sum, &rs) > worst : ratio(&sum, &rs) < worst)) {
                    worst = ratio(&sum, &rs);
                    which = (enum rs_flow)f;
                }
            }
        }
        fprintf(to, "  %-58s %.1f claimed, %.2f found (%s): %+.1f %%\n", list[i].text, s->flows.claim[list[i].claim], worst,
                rs_flow_name(which), 100 * (worst / s->flows.claim[list[i].claim] - 1));
        if (j != NULL) {
            json_object(j, NULL, true);
            json_string(j, "claim", list[i].key);
            json_real(j, "paper", s->flows.claim[list[i].claim]);
            json_real(j, "found", worst);
            json_close(j);
        }
    }
    if (j != NULL)
        json_close(j);
    fputs("  Where we differ: the claims are rounded; their search was a genetic algorithm, which may miss a dataflow's best blocking,\n"
          "  this one is exact.  At batch 1 a fully connected layer is DRAM and nothing else, and every dataflow's ratio is near 1.\n", to);
}

/* ---- dataflow or blocking ------------------------------------------------------------------------------- */

static rs_status question(const struct study *s, FILE *to, struct json *j, struct rs_error *err)
{
    const int64_t J = s->J[0], N = s->N[s->n_N > 1];
    rs_status status = RS_OK;

    fprintf(to, "\nDataflow or blocking? %lld PEs, batch %lld, energy a MAC [modelled]\n"
            "best blocking for each dataflow, then the best dataflow for each blocking (n images, m filters, f columns in the buffer)\n"
            "%-20s", (long long)J, (long long)N, "layer");
    for (int f = 0; f < RS_N_FLOWS; f++)
        fprintf(to, " %7s", rs_flow_name((enum rs_flow)f));
    fprintf(to, "  spread |    best  median   worst  spread   winner of most\n");
    if (j != NULL)
        json_array(j, "dataflow_or_blocking", false);
    for (int i = 0; i < s->network.n && status == RS_OK; i++) {
        struct rs_flow_question q;
        double low = INFINITY, high = 0;
        int most = 0;

        status = rs_flow_ask(&s->network.layer[i], N, J, &s->flows, &q, err);
        if (status != RS_OK || q.fitting == 0)
            continue;
        fprintf(to, "%-20.20s", s->network.layer[i].name);
        for (int f = 0; f < RS_N_FLOWS; f++) {
            if (isfinite(q.flow_best[f])) {
                fprintf(to, " %7.2f", q.flow_best[f]);
                low = fmin(low, q.flow_best[f]);
                high = fmax(high, q.flow_best[f]);
            } else {
                fprintf(to, " %7s", "-");
            }
            most = q.wins[f] > q.wins[most] ? f : most;
        }
        fprintf(to, " %6.2fx | %7.2f %7.2f %7.2f %6.2fx   %s, %d of %d\n", high / low, q.best, q.median, q.worst, q.worst / q.best,
                rs_flow_name((enum rs_flow)most), q.wins[most], q.fitting);
        if (j != NULL) {
            json_object(j, NULL, true);
            json_string(j, "layer", s->network.layer[i].name);
            for (int f = 0; f < RS_N_FLOWS; f++)
                json_real(j, rs_flow_name((enum rs_flow)f), q.flow_best[f]);
            json_real(j, "spread_over_dataflows", high / low);
            json_real(j, "best", q.best);
            json_real(j, "median", q.median);
            json_real(j, "worst", q.worst);
            json_real(j, "spread_over_blockings", q.worst / q.best);
            json_string(j, "winner", rs_flow_name((enum rs_flow)most));
            json_int(j, "wins", q.wins[most]);
            json_int(j, "blockings", q.fitting);
            json_close(j);
        }
    }
    if (j != NULL)
        json_close(j);
    return status;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static rs_status study(struct study *s, const char *path, struct rs_error *err)
{
    FILE *to = s->json != NULL && strcmp(s->json, "-") == 0 ? stderr : stdout, *file = NULL;
    struct seen conv = {0}, fc = {0};
    struct json j, *json = NULL;
    bool any_conv = false, any_fc = false;
    rs_status status = rs_data_builtin(&s->data, err);

    if (status == RS_OK && s->constants != NULL)
        status = rs_data_add(&s->data, s->constants, err);
    if (status == RS_OK)
        status = rs_flow_study(&s->data, "isca16", &s->flows, err);
    if (status == RS_OK && path == NULL) {
        s->alexnet = true;
        status = rs_flow_network_named(&s->data, "alexnet", &s->network, err);
    } else if (status == RS_OK) {
        struct workload w;

        status = workload_read(path, 1, &w, err);
        for (int i = 0; status == RS_OK && i < w.n; i++) {
            struct rs_flow_network one;
            struct rs_flow_layer *grown;

            status = rs_flow_network_graph(w.graph[i], &one, err);
            if (status != RS_OK)
                break;
            grown = realloc(s->network.layer, (size_t)(s->network.n + one.n) * sizeof *grown);
            if (grown == NULL) {
                status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
            } else {
                memcpy(grown + s->network.n, one.layer, (size_t)one.n * sizeof *grown);
                s->network.layer = grown;
                if (!w.network)
                    snprintf(grown[s->network.n].name, sizeof grown->name, "%.63s", w.layers.layer[i].name);
                s->network.n += one.n;
                snprintf(s->network.title, sizeof s->network.title, "%s", w.name);
            }
            free(one.layer);
        }
        workload_free(&w);
    }
    if (status != RS_OK)
        return status;
    if (s->json != NULL) {
        file = cli_create(s->json, err);
        if (file == NULL)
            return RS_ERR_IO;
        json = &j;
        json_begin(json, file);
        json_string(json, "network", s->network.title);
        json_string(json, "kind", "modelled");
        json_array(json, "table", false);
    }
    for (int i = 0; i < s->network.n; i++) {
        any_conv = any_conv || !s->network.layer[i].fc;
        any_fc = any_fc || s->network.layer[i].fc;
    }
    fprintf(to, "%s: six dataflows under equal storage area, %g B a PE and %g B a PE of buffer for RS; %d layers\n"
            "closed forms of ISCA 2016, searched exactly; costs DRAM %g, buffer %g, array %g, register file %g, MAC %g\n",
            s->network.title, s->flows.area.rf_bytes[RS_FLOW_RS], s->flows.area.budget_rf_bytes, s->network.n,
            s->flows.energy.level[RS_LEVEL_DRAM], s->flows.energy.level[RS_LEVEL_GLB], s->flows.energy.level[RS_LEVEL_ARRAY],
            s->flows.energy.level[RS_LEVEL_RF], s->flows.energy.level[RS_LEVEL_ALU]);
    if (any_conv)
        table(s, to, json, RS_FLOW_CONV, "convolutions", &conv);
    if (any_fc)
        table(s, to, json, RS_FLOW_FC, "fully connected", &fc);
    if (json != NULL)
        json_close(json);
    breakdown(s, to);
    sensitivity(s, to, json);
    fputs("\nHow much better RS is than the others\n", to);
    found(to, "convolutions", &conv);
    found(to, "fully connected", &fc);
    if (s->alexnet)
        claims(s, to, json);
    if (s->ask)
        status = question(s, to, json, err);
    if (json != NULL) {
        json_end(json);
        if (!cli_finish(file) && status == RS_OK)
            status = rs_fail(err, RS_ERR_IO, "%s: %s", s->json, strerror(errno));
    }
    return status;
}

static bool points(const char *text, int64_t *to, int *n, int64_t most)
{
    *n = 0;
    while (*n < MAX_POINTS) {
        char *end;
        const long long v = strtoll(text, &end, 10);

        if (end == text || v < 1 || v > most || (*end != ',' && *end != '\0'))
            return false;
        to[(*n)++] = v;
        if (*end == '\0')
            return true;
        text = end + 1;
    }
    return false;
}

int cmd_study(int argc, char **argv)
{
    enum { PES = 256, BATCH, JSON, CONSTANTS, BLOCKING };
    static const struct option options[] = {{"pes", 1, NULL, PES}, {"batch", 1, NULL, BATCH}, {"json", 1, NULL, JSON},
                                            {"constants", 1, NULL, CONSTANTS}, {"blocking", 0, NULL, BLOCKING},
                                            {NULL, 0, NULL, 0}};
    struct study s = {.n_J = 3, .J = {256, 512, 1024}, .n_N = 3, .N = {1, 16, 64}};
    struct rs_error err = {0};
    int c, result = CLI_GOOD;

    while (result == CLI_GOOD && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case PES:
            if (!points(optarg, s.J, &s.n_J, 1 << 20))
                result = cli_usage(COMMAND, "--pes %s: up to %d numbers from 1 to 2^20 are expected", optarg, MAX_POINTS);
            break;
        case BATCH:
            if (!points(optarg, s.N, &s.n_N, 1 << 16))
                result = cli_usage(COMMAND, "--batch %s: up to %d numbers from 1 to 65536 are expected", optarg, MAX_POINTS);
            break;
        case JSON:      s.json = optarg; break;
        case CONSTANTS: s.constants = optarg; break;
        case BLOCKING:  s.ask = true; break;
        default:        result = cli_bad_option(COMMAND, argc, argv, c);
        }
    if (result == CLI_GOOD && argc - optind > 1)
        result = cli_usage(COMMAND, "one network at most: '%s' is left over", argv[optind + 1]);
    if (result == CLI_GOOD && study(&s, optind < argc ? argv[optind] : NULL, &err) != RS_OK)
        result = cli_fail(COMMAND, "%s", err.text);
    free(s.network.layer);
    rs_data_free(&s.data);
    return result;
}
