/* cmd_plan.c - `rowstation plan`: placement and mapping of each operation with the reason, predicted cycles. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "json.h"
#include "mapping_file.h"
#include "plan_explain.h"
#include "status.h"

#define COMMAND "plan"

static const char *const where_names[] = {
    [RS_PLAN_CPU] = "cpu", [RS_PLAN_ARRAY] = "array", [RS_PLAN_FUSED] = "fused", [RS_PLAN_VIEW] = "none"};

static void print_json(FILE *to, const char *model, const struct rs_graph *g, const struct rs_plan *p, const struct rs_memory_plan *memory,
                       const struct rs_explanation *x)
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
    json_uint(&j, "activation_bytes", memory->arena_bytes);
    json_uint(&j, "activation_bytes_lower_bound", memory->lower_bound_bytes);
    json_uint(&j, "arena_bytes_used", p->used_bytes);
    json_uint(&j, "arena_bytes_lower_bound", p->live_bytes);
    json_uint(&j, "arena_bytes_lower_bound_dense", p->live_dense_bytes);
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
            mapping_json(&j, &s->map);
        }
        json_close(&j);
    }
    json_close(&j);
    if (x != NULL)
        explain_json(&j, x, p, g);
    json_end(&j);
}

struct request {                       /* the command line                                         */
    const char *model, *target, *json, *explain, *mapping, *write_mapping;
    int  top;
    bool disassemble;
};

/* Writes what was planned where it was asked for. */
static rs_status show(const struct request *r, const struct rs_graph *graph, const struct rs_plan *p, const struct rs_explanation *x,
                      struct rs_error *err)
{
    struct rs_memory_plan *memory;
    rs_status status = rs_memory_plan_create(graph, 64, &memory, err);
    FILE *file = status != RS_OK ? NULL : r->json != NULL ? cli_create(r->json, err) : stdout;

    if (file == NULL) {
        rs_memory_plan_destroy(status == RS_OK ? memory : NULL);
        return status != RS_OK ? status : RS_ERR_IO;
    }
    if (r->json != NULL) {
        print_json(file, r->model, graph, p, memory, x);
    } else {
        printf("%s on preset %s: %u x %u PEs x 2 lanes, %u MACs a clock\n", r->model, p->config.preset, p->config.rows, p->config.cols,
               2 * p->config.rows * p->config.cols);
        rs_plan_print(p, graph, stdout);
        printf("memory: activations %zu B, %.2f of the %zu B that must live at once\n", memory->arena_bytes,
               memory->lower_bound_bytes > 0 ? (double)memory->arena_bytes / (double)memory->lower_bound_bytes : 1.0,
               memory->lower_bound_bytes);
        if (p->live_bytes > 0)
            printf("device memory: activations %zu B, %.2f of the %zu B that must live there at once in blocks of %d channels (%zu B without padding)\n",
                   p->used_bytes, (double)p->used_bytes / (double)p->live_bytes, p->live_bytes, (int)p->config.block, p->live_dense_bytes);
        if (x != NULL)
            explain_text(stdout, x, p, graph);
    }
    for (int i = 0; r->disassemble && i < p->n_jobs; i++) {
        printf("job %d\n", i);
        rs_disassemble_stream(p->commands + p->jobs[i].commands_offset_bytes / 4, p->jobs[i].n_commands, stdout);
    }
    rs_memory_plan_destroy(memory);
    if (!cli_finish(file) || (file != stdout && fflush(stdout) != 0))
        return rs_fail(err, RS_ERR_IO, "%s: %s", r->json != NULL ? r->json : "standard output", strerror(errno));
    return RS_OK;
}

static rs_status write_mapping(const char *path, const struct rs_plan *p, const struct rs_graph *graph, struct rs_error *err)
{
    FILE *file = cli_create(path, err);

    if (file == NULL)
        return RS_ERR_IO;
    rs_mapping_write(p, graph, file);
    return cli_finish(file) ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
}

static rs_status plan(const struct request *r, struct rs_error *err)
{
    struct rs_hw_config config;
    struct rs_graph *graph = NULL;
    struct rs_plan *p = NULL;
    struct rs_plan_pin *pins = NULL;
    struct rs_explanation *x = r->explain != NULL ? calloc(1, sizeof *x) : NULL;
    struct rs_plan_options options = {.explain = x};
    rs_status status = cli_config(r->target, &config, err);

    if (status == RS_OK && r->explain != NULL && x == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    if (status == RS_OK)
        status = cli_graph(r->model, &graph, NULL, NULL, err);
    if (status == RS_OK && x != NULL) {
        x->max = r->top;
        status = explain_find(graph, r->explain, &x->node, err);
    }
    if (status == RS_OK && r->mapping != NULL)
        status = rs_mapping_read(r->mapping, graph, &config, &pins, &options.n_pins, err);
    options.pins = pins;
    if (status == RS_OK)
        status = rs_plan_graph(graph, &config, &options, &p, err);
    if (status == RS_OK && r->write_mapping != NULL)
        status = write_mapping(r->write_mapping, p, graph, err);
    if (status == RS_OK && !(r->write_mapping != NULL && strcmp(r->write_mapping, "-") == 0))
        status = show(r, graph, p, x, err);
    rs_plan_free(p);
    rs_graph_destroy(graph);
    free(pins);
    free(x);
    return status;
}

int cmd_plan(int argc, char **argv)
{
    enum { EXPLAIN = 256, TOP, MAPPING, WRITE_MAPPING };
    static const struct option options[] = {
        {"target", 1, NULL, 't'}, {"json", 2, NULL, 'j'}, {"disassemble", 0, NULL, 'd'}, {"explain", 1, NULL, EXPLAIN}, {"top", 1, NULL, TOP},
        {"mapping", 1, NULL, MAPPING}, {"write-mapping", 1, NULL, WRITE_MAPPING}, {NULL, 0, NULL, 0}};
    struct request r = {.top = 10};
    struct rs_error err = {0};
    char *end;
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case 't': r.target = optarg; break;
        case 'j': r.json = optarg != NULL ? optarg : "-"; break;
        case 'd': r.disassemble = true; break;
        case EXPLAIN: r.explain = optarg; break;
        case MAPPING: r.mapping = optarg; break;
        case WRITE_MAPPING: r.write_mapping = optarg; break;
        case TOP:
            r.top = (int)strtol(optarg, &end, 10);
            if (*end != '\0' || end == optarg || r.top < 1 || r.top > RS_EXPLAIN_ROWS)
                return cli_usage(COMMAND, "--top %s: a number from 1 to %d is expected", optarg, RS_EXPLAIN_ROWS);
            break;
        default:  return cli_bad_option(COMMAND, argc, argv, c);
        }
    if (argc - optind == 2 && r.json != NULL && strcmp(r.json, "-") == 0)  /* --json FILE, in two words */
        r.json = argv[optind + 1];
    else if (argc - optind != 1)
        return cli_usage(COMMAND, "one MODEL is expected, found %d", argc - optind);
    r.model = argv[optind];
    return plan(&r, &err) == RS_OK ? CLI_GOOD : cli_fail(COMMAND, "%s", err.text);
}
