/* cmd_info.c - `rowstation info`: versions and targets; with --self-test a known-answer run on one; --operators. */
#include <errno.h>
#include <string.h>
#include "cli.h"
#include "json.h"
#include "onnx.h"
#include "tflite.h"

#define COMMAND "info"

static const char *const presets[] = {"default", "small", "tiny"};

static void show_device(const struct rs_device_info *i)
{
    printf("target    %s%s%s\n", i->target, i->fallback ? ", fallback: " : "", i->fallback_reason);
    if (i->macs_per_cycle == 0)
        return;
    printf("array     %u x %u PEs x %u lanes = %u MACs a clock\n", i->rows, i->cols, i->lanes, i->macs_per_cycle);
    printf("memory    %u bytes a beat; %llu MiB at 0x%llx; %u core%s\n", i->axi_bytes, (unsigned long long)(i->mem_bytes >> 20),
           (unsigned long long)i->mem_base, i->cores, i->cores == 1 ? "" : "s");
    printf("version   command set %u, configuration 0x%08x\n", i->isa_version, i->config_hash);
    printf("clock     %u MHz assumed\n", i->clock_mhz);
    printf("object    %s\n", i->object);
}

/* Which of the known targets open here. */
static void show_targets(void)
{
    printf("targets   cpu");
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
            struct rs_device *device;
            char uri[32];

            snprintf(uri, sizeof uri, "%s:%s", k == 0 ? "emu" : "sim", presets[i]);
            if (rs_open(uri, NULL, &device, NULL) == RS_OK) {
                printf(" %s", uri);
                rs_close(device);
            }
        }
    printf("\n");
}

static rs_status info(const char *target, bool self_test, const char *json, struct rs_error *err)
{
    struct rs_device *device;
    struct rs_device_info i;
    enum rs_isa isa;
    double watts;
    rs_status status = cli_open(target, false, &device, err);

    if (status != RS_OK)
        return status;
    status = rs_device_info(device, &i, err);
    if (status == RS_OK)
        status = rs_isa_current(&isa, err);
    if (status == RS_OK && (json == NULL || strcmp(json, "-") != 0)) {
        printf("rowstation %s, CPU kernels: %s\n", rs_version(), rs_isa_name(isa));
        show_device(&i);
        if (rs_power(device, &watts, NULL) == RS_OK)
            printf("power     %.1f W, as the card measures it\n", watts);
        if (target == NULL)
            show_targets();
        fflush(stdout);
    }
    if (status == RS_OK && self_test) {
        status = rs_self_test(device, err);
        cli_progress_end();
        if (status == RS_OK && (json == NULL || strcmp(json, "-") != 0))
            printf("self-test passed: a convolution and a matrix product, bit-exact with the reference kernels\n");
    }
    if (status == RS_OK && json != NULL) {
        struct json j;
        FILE *file = cli_create(json, err);

        if (file == NULL) {
            status = RS_ERR_IO;
        } else {
            json_begin(&j, file);
            json_string(&j, "version", rs_version());
            json_string(&j, "kernels", rs_isa_name(isa));
            json_string(&j, "target", i.target);
            json_string(&j, "preset", i.preset);
            json_uint(&j, "rows", i.rows);
            json_uint(&j, "cols", i.cols);
            json_uint(&j, "macs_per_cycle", i.macs_per_cycle);
            json_uint(&j, "axi_bytes", i.axi_bytes);
            json_uint(&j, "config_hash", i.config_hash);
            json_uint(&j, "isa_version", i.isa_version);
            json_uint(&j, "clock_mhz_assumed", i.clock_mhz);
            if (self_test)
                json_bool(&j, "self_test", true);
            json_end(&j);
            if (!cli_finish(file))
                status = rs_fail(err, RS_ERR_IO, "%s: %s", json, strerror(errno));
        }
    }
    rs_close(device);
    return status;
}

/* docs/operators.md, from its first table on. */
static void show_operators(void)
{
    const char *domain, *name, *where, *what;

    printf("## TensorFlow Lite\n\n| operation | runs on | what |\n|---|---|---|\n");
    for (int i = 0; rs_tflite_operator(i, &name, &where, &what); i++)
        printf("| %s | %s | %s |\n", name, where, what);
    printf("\n## ONNX\n\n| operator | runs on | what |\n|---|---|---|\n");
    for (int i = 0; rs_onnx_operator(i, &domain, &name, &where, &what); i++)
        if (where != NULL)
            printf("| %s%s%s | %s | %s |\n", domain, *domain != 0 ? "." : "", name, where, what);
    printf("\n## ONNX operators that are refused\n\n| operator | why |\n|---|---|\n");
    for (int i = 0; rs_onnx_operator(i, &domain, &name, &where, &what); i++)
        if (where == NULL)
            printf("| %s | %s |\n", name, what);
}

int cmd_info(int argc, char **argv)
{
    static const struct option options[] = {
        {"target", 1, NULL, 't'}, {"self-test", 0, NULL, 's'}, {"operators", 0, NULL, 'o'}, {"json", 1, NULL, 'j'}, {NULL, 0, NULL, 0}};
    const char *target = NULL, *json = NULL;
    bool self_test = false, operators = false;
    struct rs_error err = {0};
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        switch (c) {
        case 't': target = optarg; break;
        case 's': self_test = true; break;
        case 'o': operators = true; break;
        case 'j': json = optarg; break;
        default:  return cli_bad_option(COMMAND, argc, argv, c);
        }
    if (optind < argc)
        return cli_usage(COMMAND, "nothing but options is expected, found '%s'", argv[optind]);
    if (operators) {
        show_operators();
        return fflush(stdout) == 0 ? CLI_GOOD : CLI_FAILED;
    }
    return info(target, self_test, json, &err) == RS_OK ? CLI_GOOD : cli_fail(COMMAND, "%s", err.text);
}
