/* cmd_compile.c - `rowstation compile`: a model with its plan and packed filters in one file, for one preset. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "model_file.h"

#define COMMAND "compile"

static rs_status compile(const char *model, const char *output, const char *target, struct rs_error *err)
{
    struct rs_hw_config config;
    struct rs_graph *graph = NULL;
    struct rs_plan *plan = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    rs_status status = cli_config(target, &config, err);

    if (status == RS_OK)
        status = cli_graph(model, &graph, &bytes, &size, err);
    if (status == RS_OK)
        status = rs_plan_graph(graph, &config, NULL, &plan, err);
    if (status == RS_OK && plan->n_jobs == 0)
        status = rs_fail(err, RS_ERR_UNSUPPORTED, "%s: no operation runs on the array of preset '%s'; see `rowstation plan`",
                         model, config.preset);
    if (status == RS_OK)
        status = model_file_write(output, bytes, size, plan, err);
    if (status == RS_OK)
        printf("%s: preset %s (configuration 0x%08x), %d job%s, %s bytes of commands, %s bytes of filters and parameters, "
               "%s cycles predicted\n", output, config.preset, config.config_hash, plan->n_jobs, plan->n_jobs == 1 ? "" : "s",
               cli_count(plan->commands_bytes), cli_count(plan->image_bytes), cli_count((uint64_t)plan->cycles));
    rs_plan_free(plan);
    rs_graph_destroy(graph);
    free(bytes);
    return status;
}

int cmd_compile(int argc, char **argv)
{
    static const struct option options[] = {{"target", 1, NULL, 't'}, {"output", 1, NULL, 'o'}, {NULL, 0, NULL, 0}};
    const char *output = NULL, *target = NULL;
    struct rs_error err = {0};
    int c;

    while ((c = getopt_long(argc, argv, ":o:", options, NULL)) != -1)
        if (c == 'o')
            output = optarg;
        else if (c == 't')
            target = optarg;
        else
            return cli_bad_option(COMMAND, argc, argv, c);
    if (argc - optind != 1 || output == NULL)
        return cli_usage(COMMAND, output == NULL ? "no -o FILE given" : "one MODEL is expected, found %d", argc - optind);
    return compile(argv[optind], output, target, &err) == RS_OK ? CLI_GOOD : cli_fail(COMMAND, "%s", err.text);
}
