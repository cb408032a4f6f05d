/* cmd_xclbin.c - `rowstation xclbin`: write an xclbin for XRT's emulation; show and check any. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "emu_env.h"
#include "file.h"
#include "find.h"
#include "uri.h"
#include "xclbin.h"
#include "xrt/xrt_diagnose.h"

#define COMMAND "xclbin"
#define MAX_XCLBIN_BYTES ((size_t)1 << 30)

rs_status emu_xclbin(const char *target, unsigned banks, const char *path, struct rs_error *err)
{
    struct rs_emulation e = {.banks = banks};
    char device[PATH_MAX], absolute[PATH_MAX], tried[300];
    struct rs_uri uri;
    uint8_t *bytes;
    size_t size;
    FILE *file;
    rs_status status = rs_uri_parse(target, &uri, err);

    if (status != RS_OK)
        return status;
    if (strcmp(uri.kind, "emu") != 0 && strcmp(uri.kind, "sim") != 0)
        return rs_fail(err, RS_ERR_ARG, "target %s: an emulated card holds emu[:PRESET] or sim[:PRESET]", target);
    status = cli_config(target, &e.config, err);
    if (status != RS_OK)
        return status;
    snprintf(e.kind, sizeof e.kind, "%.7s", uri.kind);
    e.cards_cores = uri.cores;
    e.bank_bytes = uri.mem_bytes / banks / 4096 * 4096;
    e.memory_base = uri.mem_base;
    e.clock_mhz = uri.clock_mhz;
    e.timing = (struct rs_mem_timing){
        .latency_cycles = uri.latency, .bytes_per_cycle = uri.bytes, .shared_bandwidth = uri.shared,
        .max_outstanding = uri.outstanding, .hostile_seed = uri.hostile, .fault_address = uri.fault_address,
        .fault_read = uri.fault_read, .fault_write = uri.fault_write};
    if (!rs_find_file("rs_xrt_device", device, tried, sizeof tried) || realpath(device, absolute) == NULL)
        strcpy(absolute, "rs_xrt_device");
    status = rs_emulation_xclbin(&e, absolute, &bytes, &size, err);
    if (status != RS_OK)
        return status;
    file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        status = rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    free(bytes);
    return status;
}

static void show(const struct rs_xclbin *x, const char *user, size_t user_bytes)
{
    char uuid[37];

    rs_xrt_uuid_text(x->uuid, uuid);
    printf("mode      %s\nuuid      %s\nplatform  %s\npart      %s\n", rs_xclbin_mode_name(x->mode), uuid, x->platform, x->part);
    for (uint32_t i = 0; i < x->n_clocks; i++)
        printf("clock     %s %u MHz\n", x->clocks[i].name, x->clocks[i].mhz);
    for (uint32_t i = 0; i < x->n_memories; i++)
        printf("memory    %u %s%s: %llu MiB at 0x%llx\n", i, x->memories[i].tag, x->memories[i].used ? "" : " (unused)",
               (unsigned long long)(x->memories[i].kilobytes >> 10), (unsigned long long)x->memories[i].base);
    for (uint32_t i = 0; i < x->n_cus; i++) {
        printf("unit      %u %s at 0x%llx, memories:", i, x->cus[i].name, (unsigned long long)x->cus[i].base);
        for (uint32_t k = 0; k < x->n_connections; k++)
            if (x->connections[k].cu == i)
                printf(" %u=%s", x->connections[k].arg, x->memories[x->connections[k].memory].tag);
        printf("\n");
    }
    for (uint32_t k = 0; k < x->n_kernels; k++)
        for (uint32_t i = 0; i < x->kernels[k].n_args; i++) {
            const struct rs_xclbin_arg *a = &x->kernels[k].args[i];

            printf("argument  %s.%s: %u, %s at 0x%02x, %u bytes, %s\n", x->kernels[k].name, a->name, a->id, a->type, a->offset,
                   a->bytes, a->port);
        }
    if (user_bytes != 0)
        printf("---\n%.*s", (int)user_bytes, user);
}

static rs_status inspect(const char *path, struct rs_error *err)
{
    struct rs_xclbin *x = malloc(sizeof *x);
    const uint8_t *user = NULL;
    size_t size, user_bytes = 0;
    struct rs_error why;
    uint8_t *bytes;
    rs_status status;

    if (x == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    status = rs_file_read(path, MAX_XCLBIN_BYTES, &bytes, &size, err);
    if (status == RS_OK) {
        status = rs_xclbin_read(bytes, size, x, &why);
        if (status == RS_OK) {
            (void)rs_xclbin_section(bytes, size, RS_XCLBIN_USER_METADATA, &user, &user_bytes);
            show(x, (const char *)user, user_bytes);
            status = rs_xclbin_check_kernel(x, "rs", &why);
            if (status == RS_OK && user_bytes > 11 && memcmp(user, "rowstation ", 11) == 0)
                status = rs_emulation_parse((const char *)user, user_bytes, &(struct rs_emulation){.banks = 0}, &why);
        }
        if (status != RS_OK)
            (void)rs_fail(err, status, "%.200s: %s", path, why.text);
        free(bytes);
    }
    free(x);
    return status;
}

int cmd_xclbin(int argc, char **argv)
{
    static const struct option options[] = {
        {"target", 1, NULL, 't'}, {"output", 1, NULL, 'o'}, {"banks", 1, NULL, 'b'}, {"show", 1, NULL, 's'}, {NULL, 0, NULL, 0}};
    const char *target = "sim", *output = NULL, *input = NULL;
    struct rs_error err = {0};
    long banks = 1;
    int c;

    while ((c = getopt_long(argc, argv, ":o:", options, NULL)) != -1)
        switch (c) {
        case 't': target = optarg; break;
        case 'o': output = optarg; break;
        case 's': input = optarg; break;
        case 'b':
            banks = strtol(optarg, NULL, 10);
            if (banks < 1 || banks > 4)
                return cli_usage(COMMAND, "--banks %s: 1 to 4 are possible", optarg);
            break;
        default:  return cli_bad_option(COMMAND, argc, argv, c);
        }
    if (optind < argc)
        return cli_usage(COMMAND, "nothing but options is expected, found '%s'", argv[optind]);
    if ((output == NULL) == (input == NULL))
        return cli_usage(COMMAND, "-o FILE or --show FILE is expected");
    if (output != NULL && emu_xclbin(target, (unsigned)banks, output, &err) != RS_OK)
        return cli_fail(COMMAND, "%s", err.text);
    if (input != NULL && inspect(input, &err) != RS_OK)
        return cli_fail(COMMAND, "%s", err.text);
    return CLI_GOOD;
}
