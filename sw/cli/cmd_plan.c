/* cmd_plan.c - `rowstation plan`: placement and mapping of each operation with the reason, predicted cycles. */
#include <errno.h>
#include <string.h>
#include "cli.h"
#include "json.h"

#define COMMAND "plan"

static const char *const where_names[] = {
    [RS_PLAN_CPU] = "cpu", [RS_PLAN_ARRAY] = "array", [RS_PLAN_FUSED] = "fused", [RS_PLAN_VIEW] = "none"};

static const char *mode_name(const struct rs_mapping *map)
{
    switch (map->mode) {
    case RS_MODE_CONV:      return "conv";
    case RS_MODE_FLATTEN:   return "flatten";
    case RS_MODE_DEPTHWISE: return "depthwise";
    }
    return "pool";
}

static void print_json(FILE *to, const char *model, const struct rs_graph *g, const struct rs_plan *p)
{
    struct json j;

    json_begin(&j, to);
    json_string(&j, "model", model);
    json_string(&j, "preset", p->config.preset);
    json_uint(&j, "config_hash", p->config.config_hash);
    json_int(&j, "macs", p->macs);
    json_int(&j, "macs_array", p->array_macs);
    json_int(&j, "cycles_predicted", p->cycles);
    json_uint(&j, "commands_bytes", p->commands_bytes);
    json_uint(&j, "image_bytes", p->image_bytes);
    json_uint(&j, "arena_bytes", p->arena_bytes);
    json_array(&j, "jobs", false);
    for (int i = 0; i < p->n_jobs; i++) {
        const struct rs_plan_job *job = &p->jobs[i];

        json_object(&j, NULL, true);
        json_int(&j, "commands", job->n_commands);
        json_int(&j, "macs", job->macs);
        json_int(&j, "cycles_predicted", job->cycles);
        json_int(&j, "read_bytes", job->read_bytes);
        json_int(&j, "write_bytes", job->write_bytes);
        json_close(&j);
    }
    json_close(&j);
    json_array(&j, "layers", false);
    for (int i = 0; i < p->n_steps; i++) {
        const struct rs_plan_step *s = &p->steps[i];

        json_object(&j, NULL, true);
        json_string(&j, "name", g->tensors[g->nodes[i].outputs[0]].name);
        json_string(&j, "op", rs_op_name(g->nodes[i].op));
        json_string(&j, "where", where_names[s->where]);
        json_string(&j, "reason", s->reason);
        json_int(&j, "macs", s->macs);
        json_int(&j, "job", s->job);
        if (s->where == RS_PLAN_FUSED)
            json_int(&j, "carrier", s->carrier);
        if (s->where == RS_PLAN_ARRAY) {
            json_int(&j, "cycles_predicted", s->cycles);
            json_int(&j, "busy_cycles", s->busy_cycles);
            json_int(&j, "groups", s->groups);
            json_int(&j, "filter_bytes", s->filter_bytes);
            json_object(&j, "mapping", true);
            json_string(&j, "mode", mode_name(&s->map));
#define KNOB(name) json_int(&j, #name, s->map.name);
            KNOB(e) KNOB(fx) KNOB(mx) KNOB(pairs) KNOB(ns) KNOB(fp) KNOB(q) KNOB(rp) KNOB(wc) KNOB(filters_outer)
            json_close(&j);
        }
        json_close(&j);
    }
    json_close(&j);
    json_end(&j);
}

static rs_status plan(const char *model, const char *target, const char *json, bool disassemble, struct rs_error *err)
{
    struct rs_hw_config config;
    struct rs_graph *graph = NULL;
    struct rs_plan *p = NULL;
    FILE *file = stdout;
    rs_status status = cli_config(target, &config, err);

    if (status == RS_OK)
        status = cli_graph(model, &graph, NULL, NULL, err);
    if (status == RS_OK)
        status = rs_plan_graph(graph, &config, NULL, &p, err);
    if (status == RS_OK && json != NULL) {
        file = cli_create(json, err);
        status = file != NULL ? RS_OK : RS_ERR_IO;
    }
    if (status == RS_OK) {
        if (json != NULL) {
            print_json(file, model, graph, p);
        } else {
            printf("%s on preset %s: %u x %u PEs x 2 lanes, %u MACs a clock\n", model, config.preset, config.rows, config.cols,
                   2 * config.rows * config.cols);
            rs_plan_print(p, graph, stdout);
        }
        for (int i = 0; disassemble && i < p->n_jobs; i++) {
            printf("job %d\n", i);
            rs_disassemble_stream(p->commands + p->jobs[i].commands_offset_bytes / 4, p->jobs[i].n_commands, stdout);
        }
        if (!cli_finish(file) || (file != stdout && fflush(stdout) != 0))
            status = rs_fail(err, RS_ERR_IO, "%s: %s", json != NULL ? json : "standard output", strerror(errno));
    }
    rs_plan_free(p);
    rs_graph_destroy(graph);
    return status;
}

int cmd_plan(int argc, char **argv)
{
    static const struct option options[] = {
        {"target", 1, NULL, 't'}, {"json", 2, NULL, 'j'}, {"disassemble", 0, NULL, 'd'}, {NULL, 0, NULL, 0}};
    const char *target = NULL, *json = NULL, *model;
    bool disassemble = false;
    struct rs_error err = {0};
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case 't': target = optarg; break;
        case 'j': json = optarg != NULL ? optarg : "-"; break;
        case 'd': disassemble = true; break;
        default:  return cli_bad_option(COMMAND, argc, argv, c);
        }
    if (argc - optind == 2 && json != NULL && strcmp(json, "-") == 0)      /* --json FILE, in two words */
        json = argv[optind + 1];
    else if (argc - optind != 1)
        return cli_usage(COMMAND, "one MODEL is expected, found %d", argc - optind);
    model = argv[optind];
    return plan(model, target, json, disassemble, &err) == RS_OK ? CLI_GOOD : cli_fail(COMMAND, "%s", err.text);
}
