/* cmd_convert.c - `rowstation convert`: a model as the other kind of file, TFLite or ONNX. */
#include <stdlib.h>
#include "cli.h"

#define COMMAND "convert"

static rs_status convert(const char *model, const char *output, struct rs_error *err)
{
    struct rs_graph *graph = NULL;
    size_t size = 0;
    rs_status status = cli_graph(model, &graph, NULL, NULL, err);

    if (status == RS_OK)
        status = cli_export(graph, output, "Converted by rowstation " RS_VERSION, &size, err);
    if (status == RS_OK)
        printf("%s: %zu bytes, %d operations\n", output, size, graph->n_nodes);
    rs_graph_destroy(graph);
    return status;
}

int cmd_convert(int argc, char **argv)
{
    static const struct option options[] = {{"output", 1, NULL, 'o'}, {NULL, 0, NULL, 0}};
    const char *output = NULL;
    struct rs_error err = {0};
    int c;

    while ((c = getopt_long(argc, argv, ":o:", options, NULL)) != -1) {
        if (c != 'o')
            return cli_bad_option(COMMAND, argc, argv, c);
        output = optarg;
    }
    if (argc - optind != 1 || output == NULL)
        return cli_usage(COMMAND, output == NULL ? "no -o FILE given" : "one MODEL is expected, found %d", argc - optind);
    return convert(argv[optind], output, &err) == RS_OK ? CLI_GOOD : cli_fail(COMMAND, "%s", err.text);
}
