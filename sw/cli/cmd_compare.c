/* cmd_compare.c - `rowstation compare`: the comparison of compare.h as text, Markdown, CSV, JSON and HTML. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "compare.h"
#include "dataflow.h"
#include "json.h"
#include "status.h"

#define COMMAND "compare"

/* An unverified row's number, in brackets. */
static const char *number(const struct compare_row *r, const char *text)
{
    static char texts[16][40];
    static unsigned turn;
    char *to = texts[turn++ % 16];

    snprintf(to, sizeof texts[0], r->unverified && strcmp(text, "-") != 0 ? "[%s]" : "%s", text);
    return to;
}

static const char *dollars(const struct compare_row *r)
{
    static char text[32];

    if (!isfinite(r->dollars))
        return "-";
    snprintf(text, sizeof text, "$%.*f", r->dollars < 1 ? 4 : 2, r->dollars);
    return text;
}

/* @mark: true for Markdown. */
static void table(FILE *to, const struct compare *c, bool mark)
{
    const char *open = mark ? "| " : "", *bar = mark ? " | " : "  ", *close = mark ? " |\n" : "\n";

    fprintf(to, "%s%-84s%s%-9s", open, "device", bar, "number");
    for (int b = 0; b < c->n_batches; b++) {
        char heading[2][32];

        snprintf(heading[0], sizeof heading[0], "latency b%d", c->batch[b]);
        snprintf(heading[1], sizeof heading[1], "inf/s b%d", c->batch[b]);
        fprintf(to, "%s%14s%s%14s", bar, heading[0], bar, heading[1]);
    }
    fprintf(to, "%s%16s%s%14s%s", bar, "board energy b1", bar, "$ a million", close);
    if (mark) {
        fputs("|---|---|", to);
        for (int b = 0; b < c->n_batches; b++)
            fputs("---:|---:|", to);
        fputs("---:|---:|\n", to);
    }
    for (int i = 0; i < c->n_rows; i++) {
        const struct compare_row *r = &c->row[i];

        fprintf(to, "%s%-84.84s%s%-9s", open, r->name, bar, r->kind);
        for (int b = 0; b < c->n_batches; b++)
            fprintf(to, "%s%14s%s%14s", bar, number(r, compare_seconds(r->latency[b])), bar,
                    number(r, compare_number(r->throughput[b], "")));
        fprintf(to, "%s%16s%s%14s%s", bar, number(r, compare_number(r->joules[0], "J")), bar, number(r, dollars(r)), close);
    }
}

static void energy(FILE *to, const struct compare *c, bool mark)
{
    const char *open = mark ? "| " : "  ", *bar = mark ? " | " : "  ", *close = mark ? " |\n" : "\n";

    fprintf(to, "%s%-34s%s%-12s%s%-23s", open, "table", bar, "inference", bar, "band");
    for (int l = 0; l < RS_N_ENERGY; l++)
        fprintf(to, "%s%6.6s", bar, rs_energy_level_name((enum rs_energy_level)l));
    fprintf(to, "%s%-22s%s", bar, "DRAM at 1/2, at 2", close);
    if (mark) {
        for (int l = 0; l < RS_N_ENERGY + 4; l++)
            fputs("|---", to);
        fputs("|\n", to);
    }
    for (int i = 0; i < c->n_tables; i++) {
        const struct rs_energy_table *t = &c->table[i];
        const struct rs_energy *e = &c->energy_of[i][1];
        const bool pj = strcmp(t->unit, "pJ") == 0;
        const double unit = pj ? 1e-12 : 1;
        char band[48], sweep[48];

        snprintf(band, sizeof band, "%s to %s", compare_number(e->low * unit, pj ? "J" : "MAC"), compare_number(e->high * unit, pj ? "J" : "MAC"));
        snprintf(sweep, sizeof sweep, "%+.0f %%, %+.0f %%", 100 * (c->energy_of[i][0].total / e->total - 1),
                 100 * (c->energy_of[i][2].total / e->total - 1));
        fprintf(to, "%s%-34.34s%s%-12s%s%-23s", open, t->title, bar, compare_number(e->total * unit, pj ? "J" : "MAC"), bar, band);
        for (int l = 0; l < RS_N_ENERGY; l++)
            fprintf(to, "%s%5.1f%%", bar, 100 * e->level[l] / e->total);
        fprintf(to, "%s%-22s%s", bar, sweep, close);
    }
}

static void text(FILE *to, const struct compare *c)
{
    fprintf(to, "%s: %s MACs, %s bytes in, %s out; array: %s\n", c->name, cli_count((uint64_t)c->macs), cli_count((uint64_t)c->in_bytes),
            cli_count((uint64_t)c->out_bytes), c->info.target);
    for (int i = 0; i < c->n_headlines; i++)
        fprintf(to, "  %s\n", c->headline[i]);
    fputc('\n', to);
    table(to, c, false);
    fputs("counted: cycles from the hardware's counters, seconds at the assumed clock; predicted: the planner's cycles; measured: here and now;\n"
          "modelled: roofline and overheads from the table of devices. [brackets]: rests on numbers nobody verified; no headline uses them.\n"
          "Energy is of the whole board, idle power included, except for chips; of the array alone, from counted accesses:\n\n", to);
    energy(to, c, false);
    fprintf(to, "  Zero activations gated %.0f %% of the MACs (counted). By operand, %s: ifmap %.0f %%, filters %.0f %%, psums and ofmap %.0f %%,\n"
            "  arithmetic %.0f %%.\n", 100 * (double)c->counters.macs_gated / fmax(1, (double)c->counters.macs), c->table[0].name,
            100 * c->energy_of[0][1].operand[RS_OPERAND_IFMAP] / c->energy_of[0][1].total,
            100 * c->energy_of[0][1].operand[RS_OPERAND_FILTER] / c->energy_of[0][1].total,
            100 * c->energy_of[0][1].operand[RS_OPERAND_PSUM] / c->energy_of[0][1].total,
            100 * c->energy_of[0][1].operand[RS_OPERAND_NONE] / c->energy_of[0][1].total);
    fprintf(to, "  A MAC by ISCA 2016's costs: %.2f here (counted accesses); closed forms on as many PEs, batch 1, 16 bit (modelled):", c->flow_ours);
    for (int f = 0; f < RS_N_FLOWS; f++)
        fprintf(to, isfinite(c->flow[f]) ? " %s %.2f" : " %s -", rs_flow_name((enum rs_flow)f), c->flow[f]);
    fputc('\n', to);
    fprintf(to, "\nWhere an inference goes on the first board: host %s (measured work, estimated start), transfers %s (modelled), array %s (counted).\n",
            compare_seconds(c->part[0]), compare_seconds(c->part[1]), compare_seconds(c->part[2]));
    if (c->has_model)
        fprintf(to, "CPU model against the measurement here: %s, measured %s (%+.1f %%).\n", compare_seconds(c->cpu_modelled),
                compare_seconds(c->cpu_seconds), 100 * (c->cpu_modelled / c->cpu_seconds - 1));
}

static void markdown(FILE *to, const struct compare *c)
{
    fprintf(to, "# %s\n\n", c->name);
    for (int i = 0; i < c->n_headlines; i++)
        fprintf(to, "- %s\n", c->headline[i]);
    fputc('\n', to);
    table(to, c, true);
    fputs("\nCounted: cycles from the hardware's counters, seconds at the assumed clock. Numbers in brackets rest on values nobody verified.\n\n"
          "## Energy of the array, counted accesses times a table\n\n", to);
    energy(to, c, true);
    fputs("\n## Layers\n\n| layer | operation | where | MACs | cycles | utilization % | computing % | bytes |\n|---|---|---|---:|---:|---:|---:|---:|\n", to);
    for (int i = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];

        fprintf(to, "| %s | %s | %s | %.0f | %.0f | %.1f | %.1f | %.0f |\n", l->name, l->op, l->where, l->macs, l->cycles,
                100 * l->utilization, 100 * l->stall[0], l->bytes);
    }
}

static void csv(FILE *to, const struct compare *c)
{
    fputs("device,number,unverified,batch,latency_s,latency_low_s,latency_high_s,inferences_per_s,board_j_per_inference,usd_per_million\n", to);
    for (int i = 0; i < c->n_rows; i++)
        for (int b = 0; b < c->n_batches; b++) {
            const struct compare_row *r = &c->row[i];

            fprintf(to, "\"%s\",%s,%d,%d,%.9g,%.9g,%.9g,%.9g,", r->name, r->kind, r->unverified, c->batch[b], r->latency[b], r->low[b],
                    r->high[b], r->throughput[b]);
            if (isfinite(r->joules[b]))
                fprintf(to, "%.9g", r->joules[b]);
            fputc(',', to);
            if (isfinite(r->dollars))
                fprintf(to, "%.9g", r->dollars);
            fputc('\n', to);
        }
}

static void json(FILE *to, const struct compare *c)
{
    struct json j;

    json_begin(&j, to);
    json_string(&j, "workload", c->name);
    json_string(&j, "target", c->info.target);
    json_real(&j, "macs", c->macs);
    json_uint(&j, "cycles_counted", c->cycles);
    json_uint(&j, "cycles_predicted", c->cycles_predicted);
    json_real(&j, "clock_mhz_assumed", c->clock.value);
    json_real(&j, "clock_mhz_low", c->clock.low);
    json_real(&j, "clock_mhz_high", c->clock.high);
    json_real(&j, "utilization", (c->macs - c->macs_cpu) / ((double)c->info.macs_per_cycle * (double)c->cycles));
    json_real(&j, "cpu_measured_s", c->cpu_seconds);
    json_real(&j, "cpu_modelled_s", c->has_model ? c->cpu_modelled : NAN);
    json_object(&j, "energy_per_mac_isca16", true);
    json_real(&j, "counted", c->flow_ours);
    for (int f = 0; f < RS_N_FLOWS; f++)
        json_real(&j, rs_flow_name((enum rs_flow)f), c->flow[f]);
    json_close(&j);
    json_array(&j, "headlines", false);
    for (int i = 0; i < c->n_headlines; i++)
        json_string(&j, NULL, c->headline[i]);
    json_close(&j);
    json_object(&j, "inference_s", true);
    json_real(&j, "host", c->part[0]);
    json_real(&j, "transfers", c->part[1]);
    json_real(&j, "array", c->part[2]);
    json_close(&j);
    json_array(&j, "devices", false);
    for (int i = 0; i < c->n_rows; i++)
        for (int b = 0; b < c->n_batches; b++) {
            const struct compare_row *r = &c->row[i];

            json_object(&j, NULL, true);
            json_string(&j, "device", r->name);
            json_string(&j, "number", r->kind);
            json_bool(&j, "unverified", r->unverified);
            json_int(&j, "batch", c->batch[b]);
            json_real(&j, "latency_s", r->latency[b]);
            json_real(&j, "latency_low_s", r->low[b]);
            json_real(&j, "latency_high_s", r->high[b]);
            json_real(&j, "inferences_per_s", r->throughput[b]);
            json_real(&j, "board_j_per_inference", r->joules[b]);
            json_real(&j, "usd_per_million", r->dollars);
            json_close(&j);
        }
    json_close(&j);
    json_array(&j, "energy", false);
    for (int i = 0; i < c->n_tables; i++) {
        const struct rs_energy *e = &c->energy_of[i][1];

        json_object(&j, NULL, true);
        json_string(&j, "table", c->table[i].name);
        json_string(&j, "title", c->table[i].title);
        json_string(&j, "unit", c->table[i].unit);
        json_string(&j, "least_trusted_constant", rs_confidence_name(c->table[i].worst));
        json_real(&j, "total", e->total);
        json_real(&j, "low", e->low);
        json_real(&j, "high", e->high);
        json_real(&j, "dram_halved", c->energy_of[i][0].total);
        json_real(&j, "dram_doubled", c->energy_of[i][2].total);
        for (int l = 0; l < RS_N_ENERGY; l++)
            json_real(&j, rs_energy_level_name((enum rs_energy_level)l), e->level[l]);
        for (int o = 0; o < RS_N_OPERANDS; o++)
            json_real(&j, rs_operand_name((enum rs_operand)o), e->operand[o]);
        json_close(&j);
    }
    json_close(&j);
    json_array(&j, "layers", false);
    for (int i = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];

        json_object(&j, NULL, true);
        json_string(&j, "name", l->name);
        json_string(&j, "op", l->op);
        json_string(&j, "where", l->where);
        json_real(&j, "macs", l->macs);
        json_real(&j, "cycles", l->cycles);
        json_real(&j, "memory_bytes", l->bytes);
        json_real(&j, "utilization", l->utilization);
        json_real(&j, "host_s", l->seconds);
        for (int s = 0; s < COMPARE_STALLS; s++)
            json_real(&j, compare_stall_names[s], l->stall[s]);
        json_object(&j, "energy", true);
        for (int k = 0; k < RS_N_ENERGY; k++)
            json_real(&j, rs_energy_level_name((enum rs_energy_level)k), l->energy[k]);
        json_close(&j);
        json_close(&j);
    }
    json_close(&j);
    json_end(&j);
}

static rs_status write_as(const char *path, void (*as)(FILE *, const struct compare *), const struct compare *c, struct rs_error *err)
{
    FILE *file;

    if (path == NULL)
        return RS_OK;
    file = cli_create(path, err);
    if (file == NULL)
        return RS_ERR_IO;
    as(file, c);
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
}

int cmd_compare(int argc, char **argv)
{
    enum { TARGET = 256, BATCH, DEVICES, CALIBRATE, CALIBRATION, ENERGY, JSON, CSV, MD, HTML, SEED };
    static const struct option options[] = {
        {"target", 1, NULL, TARGET}, {"batch", 1, NULL, BATCH}, {"devices", 1, NULL, DEVICES}, {"calibrate", 0, NULL, CALIBRATE},
        {"calibration", 1, NULL, CALIBRATION}, {"energy", 1, NULL, ENERGY}, {"json", 1, NULL, JSON}, {"csv", 1, NULL, CSV},
        {"md", 1, NULL, MD}, {"html", 1, NULL, HTML}, {"seed", 1, NULL, SEED}, {NULL, 0, NULL, 0}};
    struct compare c = {.target = "emu:default", .n_batches = 2, .batch = {1, 32}, .seed = 1};
    const char *to_json = NULL, *to_csv = NULL, *to_md = NULL, *to_html = NULL;
    struct rs_error err = {0};
    rs_status status;
    char *end;
    int o, result = CLI_GOOD;

    while (result == CLI_GOOD && (o = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (o) {
        case TARGET:      c.target = optarg; break;
        case DEVICES:     c.devices = optarg; break;
        case CALIBRATE:   c.calibrate = true; break;
        case CALIBRATION: c.calibration = optarg; break;
        case ENERGY:      c.energy = optarg; break;
        case JSON:        to_json = optarg; break;
        case CSV:         to_csv = optarg; break;
        case MD:          to_md = optarg; break;
        case HTML:        to_html = optarg; break;
        case SEED:
            c.seed = strtoull(optarg, &end, 0);
            if (end == optarg || *end != '\0')
                result = cli_usage(COMMAND, "--seed %s: a number is expected", optarg);
            break;
        case BATCH: {
            const char *at = optarg;

            c.n_batches = 0;
            while (result == CLI_GOOD) {
                const long v = strtol(at, &end, 10);

                if (end == at || v < 1 || v > 65536 || c.n_batches == COMPARE_BATCHES || (*end != ',' && *end != '\0'))
                    result = cli_usage(COMMAND, "--batch %s: up to %d numbers from 1 to 65536 are expected", optarg, COMPARE_BATCHES);
                else
                    c.batch[c.n_batches++] = (int)v;
                if (*end != ',')
                    break;
                at = end + 1;
            }
            break;
        }
        default:
            result = cli_bad_option(COMMAND, argc, argv, o);
        }
    if (result == CLI_GOOD && optind + 1 != argc)
        result = cli_usage(COMMAND, optind < argc ? "one MODEL or LAYERS.csv: '%s' is left over" : "MODEL or LAYERS.csv is expected%s",
                           optind < argc ? argv[optind + 1] : "");
    if (result != CLI_GOOD)
        return result;
    c.path = argv[optind];
    status = compare_gather(&c, &err);
    if (status == RS_OK) {
        const bool taken = (to_json != NULL && strcmp(to_json, "-") == 0) || (to_csv != NULL && strcmp(to_csv, "-") == 0) ||
                           (to_md != NULL && strcmp(to_md, "-") == 0) || (to_html != NULL && strcmp(to_html, "-") == 0);

        text(taken ? stderr : stdout, &c);
        status = write_as(to_json, json, &c, &err);
        if (status == RS_OK)
            status = write_as(to_csv, csv, &c, &err);
        if (status == RS_OK)
            status = write_as(to_md, markdown, &c, &err);
        if (status == RS_OK)
            status = write_as(to_html, compare_html, &c, &err);
    }
    compare_free(&c);
    return status == RS_OK ? CLI_GOOD : cli_fail(COMMAND, "%s", err.text);
}
