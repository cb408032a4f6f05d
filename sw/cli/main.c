/* main.c - the command line: which command, and what the commands share. */
#include "cli.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "device.h"
#include "emu_env.h"
#include "export.h"
#include "file.h"
#include "import.h"
#include "model_file.h"
#include "network_csv.h"
#include "uri.h"

static const struct command {
    const char *name, *usage, *what;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "run MODEL [--target T] --input FILE... [--labels FILE] [--expect FILE] [--top N] [--output DIR] [--json FILE]\n"
     "                      [--wave FILE[:LAYER]] [--trace FILE] [--mapping FILE] [--verify] [--fallback]",
     "run a model; results, and where the cycles went", cmd_run},
    {"plan", "plan MODEL [--target T] [--explain LAYER [--top N]] [--mapping FILE] [--write-mapping FILE] [--json [FILE]]\n"
     "                       [--disassemble]",
     "where each operation runs, and why; predicted cycles", cmd_plan},
    {"check", "check MODEL --input FILE [--golden FILE] [--input FILE --golden FILE]... [--target T] [--against T]",
     "compare with golden outputs or another target; name the first divergence", cmd_check},
    {"bench", "bench LAYERS.csv | --gemm M,N,K | --conv C,H,W,M,R,S[,STRIDE[,PAD[,GROUPS]]] [--target T] [--seed N]\n"
     "                        [--json FILE] [--junit FILE] [--baseline FILE] [--latency-table FILE] [--mapping FILE] [--batch N] [--trace FILE]",
     "run layers on random data, check them, count cycles", cmd_bench},
    {"bench-cpu", "bench-cpu [--threads N,...] [--isa NAME] [--seconds S] [--only PART] [--json FILE]\n"
     "                            [--ladder[=SIZE] | --network FILE.tflite...]",
     "the CPU kernels beside oneDNN, XNNPACK and ONNX Runtime", cmd_bench_cpu},
    {"study", "study [MODEL | LAYERS.csv] [--pes J,...] [--batch N,...] [--blocking] [--constants FILE] [--json FILE]",
     "dataflows under equal area, for AlexNet or any network", cmd_study},
    {"scalesim", "scalesim -t TOPOLOGY.csv [-c CONFIG.cfg] [-p DIR] [--as-systolic] [--target T]",
     "SCALE-Sim's files in, its reports out: for this array, or for its systolic machine", cmd_scalesim},
    {"compare", "compare MODEL|LAYERS.csv [--target T] [--batch N,...] [--devices FILE] [--calibrate] [--calibration FILE]\n"
     "                        [--json FILE] [--csv FILE] [--md FILE] [--html FILE]",
     "latency, throughput, energy, price beside CPUs and GPUs", cmd_compare},
    {"scenario", "scenario MODEL [--target T] [--scenario NAME] [--queries N] [--in-flight N] [--bound MS] [--wait MS] [--batch N]\n"
     "                         [--scale X,...] [--clock MHZ] [--seed N] [--json FILE] [--results FILE]",
     "MLPerf-style scenarios through the asynchronous runtime", cmd_scenario},
    {"explore", "explore NETWORK... [--points N] [--seed N] [--sweep KEY=V,...]... [--check N] [--count N [--folder DIR]]\n"
     "                          [--json FILE] [--html FILE] [--winner FILE]",
     "sweep array shapes and memories; predicted cycles, energy, FPGA resources; Pareto front", cmd_explore},
    {"info", "info [--target T] [--self-test] [--json FILE] | --operators",
     "versions, targets; a known-answer run; every operation and where it runs", cmd_info},
    {"compile", "compile MODEL -o FILE [--target T]",
     "keep a model with its plan and packed filters for a preset", cmd_compile},
    {"convert", "convert MODEL -o FILE.onnx|FILE.tflite",
     "a model as the other kind of file, float or int8", cmd_convert},
    {"quantize", "quantize MODEL --calib DIR|FILE|idx:FILE#A-B... -o FILE [--method minmax|percentile[=P]|mse] [--samples N] [--keep16 K]\n"
     "                         [--no-equalization] [--no-bias-correction] [--layers] [--input FILE... --expect LABELS] [--beside MODEL]...\n"
     "                         [--target T]",
     "an int8 model of a float one, calibrated on some inputs; error by layer, accuracy and cycles", cmd_quantize},
    {"xclbin", "xclbin -o FILE [--target emu|sim[:PRESET][?OPTIONS]] [--banks N] | --show FILE",
     "write an xclbin for XRT's hardware emulation; show and check any", cmd_xclbin},
    {"emu-env", "emu-env [--target T | --xclbin FILE] [--cards N] [--timeout SECONDS] [--keep] -- PROGRAM [ARGUMENT]...",
     "run any XRT program on emulated cards; it finds the xclbin in ROWSTATION_XCLBIN", cmd_emu_env},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const char *cli_usage_of(const char *command)
{
    const struct command *c = find(command);

    return c != NULL ? c->usage : NULL;
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "rowstation %s: ", command);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nusage: rowstation %s\n", cli_usage_of(command));
    va_end(args);
    return CLI_USAGE;
}

int cli_bad_option(const char *command, int argc, char **argv, int c)
{
    const char *word = optind >= 1 && optind <= argc ? argv[optind - 1] : "";

    if (c == ':')
        return cli_usage(command, "option %s wants a value", word);
    if (optopt != 0 && word[0] == '-' && word[1] == '-')
        return cli_usage(command, "option %s takes no value", word);
    if (optopt != 0)
        return cli_usage(command, "unknown option -%c", optopt);
    return cli_usage(command, "unknown option %s", word);
}

int cli_fail(const char *command, const char *format, ...)
{
    va_list args;

    cli_progress_end();
    va_start(args, format);
    fprintf(stderr, "rowstation %s: ", command);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return CLI_FAILED;
}

bool words_add(struct words *w, const char *word)
{
    const char **grown = realloc(w->word, (size_t)(w->n + 1) * sizeof *grown);

    if (grown == NULL)
        return false;
    w->word = grown;
    w->word[w->n++] = word;
    return true;
}

const char *cli_count(uint64_t n)
{
    static char texts[8][32];
    static unsigned turn;
    char digits[24], *text = texts[turn++ % 8];
    const int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    int at = 0;

    for (int i = 0; i < length; i++) {
        if (i != 0 && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

/* ---- files -------------------------------------------------------------------------------------------- */

FILE *cli_create(const char *path, struct rs_error *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");

    if (file == NULL)
        (void)rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    return file;
}

bool cli_finish(FILE *file)
{
    const bool good = !ferror(file);

    return file == stdout ? fflush(file) == 0 && good : fclose(file) == 0 && good;
}

/* ---- targets ------------------------------------------------------------------------------------------ */

static bool line_shown;                /* a progress line stands on the terminal                   */

void cli_progress_end(void)
{
    if (line_shown)
        fputs("\r\033[K", stderr);
    line_shown = false;
}

static void show_message(void *context, const char *text)
{
    (void)context;
    cli_progress_end();
    fprintf(stderr, "rowstation: %s\n", text);
}

/* On a terminal a line that is written over; elsewhere a line every ten seconds of a long job. */
static void show_progress(void *context, const struct rs_progress *p)
{
    static double next = 10;
    char eta[40] = "", expected[48] = "";
    const bool terminal = isatty(2);

    (void)context;
    if (p->seconds < 1)
        next = 10;
    if (!terminal && p->seconds < next)
        return;
    while (p->seconds >= next)
        next += 10;
    if (p->cycles_expected > p->cycles && p->cycles_per_second > 0) {
        snprintf(eta, sizeof eta, ", %.0f s left", (double)(p->cycles_expected - p->cycles) / p->cycles_per_second);
        snprintf(expected, sizeof expected, " of about %s", cli_count(p->cycles_expected));
    }
    fprintf(stderr, "%slayer %u/%u %.40s: %s cycles%s, %.3f MHz%s%s", terminal ? "\r\033[K" : "rowstation: ",
            p->layers_done + (p->layers_done < p->layers), p->layers, p->layer, cli_count(p->cycles), expected,
            p->cycles_per_second * 1e-6, eta, terminal ? "" : "\n");
    fflush(stderr);
    line_shown = terminal;
}

rs_status cli_open(const char *target, bool fallback, struct rs_device **device, struct rs_error *err)
{
    const struct rs_open_options options = {.message = show_message, .progress = show_progress, .cpu_fallback = fallback};

    return rs_open(target, &options, device, err);
}

rs_status cli_open_trace(const char *target, bool trace, bool fallback, struct rs_device **device, struct rs_error *err)
{
    const char *note, *name = trace ? rs_uri_choose(target, &note, err) : target;
    rs_status status;
    char *with;

    if (!trace)
        return cli_open(target, fallback, device, err);
    if (name == NULL)
        return RS_ERR_ARG;
    if (strncmp(name, "emu", 3) != 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "target %s has no trace of events; emu has", name);
    with = malloc(strlen(name) + 16);
    if (with == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    sprintf(with, "%s%strace=1", name, strchr(name, '?') != NULL ? "&" : "?");
    status = cli_open(with, fallback, device, err);
    free(with);
    return status;
}

rs_status cli_config(const char *target, struct rs_hw_config *config, struct rs_error *err)
{
    const struct rs_backend *backend;
    struct rs_uri uri;
    const char *note;
    void *handle;
    rs_status status;

    if (target == NULL) {
        target = rs_uri_choose(NULL, &note, err);
        if (target == NULL)
            return RS_ERR_ARG;
        if (strcmp(target, "cpu") == 0)
            target = "emu";
    }
    status = rs_uri_parse(target, &uri, err);
    if (status != RS_OK)
        return status;
    if (strcmp(uri.kind, "cpu") == 0)
        return rs_fail(err, RS_ERR_ARG, "target cpu has no array to plan for; expected emu[:PRESET] or sim[:PRESET]");
    if (rs_hw_config_named(uri.preset, config))
        return RS_OK;
    backend = rs_backend_named(uri.kind);
    status = backend->open(&uri, &handle, err);
    if (status != RS_OK)
        return status;
    *config = *backend->config(handle);
    backend->close(handle);
    return RS_OK;
}

static rs_status optimize(struct rs_graph **graph, struct rs_error *err)
{
    const rs_status status = rs_graph_optimize(*graph, RS_PASS_ALL, NULL, err);

    if (status != RS_OK) {
        rs_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

rs_status cli_graph(const char *path, struct rs_graph **graph, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    struct model_file file;
    struct rs_error why;
    uint8_t *all;
    size_t all_size;
    rs_status status;

    *graph = NULL;
    if (bytes == NULL && rs_network_csv_is(path)) {
        status = rs_network_csv_load(path, 1, graph, err);
        return status != RS_OK ? status : optimize(graph, err);
    }
    status = rs_file_read(path, MODEL_FILE_MAX_BYTES, &all, &all_size, err);
    if (status != RS_OK)
        return status;
    status = model_file_parse(all, all_size, &file, &why);
    if (status == RS_OK)
        status = rs_import(file.tflite, file.tflite_bytes, NULL, graph, &why);
    if (status == RS_OK)
        status = optimize(graph, &why);
    if (status == RS_OK && bytes != NULL) {
        memmove(all, file.tflite, file.tflite_bytes);
        *bytes = all;
        *size = file.tflite_bytes;
    } else {
        free(all);
    }
    return status == RS_OK ? status : rs_fail(err, status, "%.200s: %s", path, why.text);
}

rs_status cli_export(struct rs_graph *graph, const char *path, const char *about, size_t *size, struct rs_error *err)
{
    uint8_t *bytes = NULL;
    rs_status status = rs_export(graph, path, about, &bytes, size, err);

    if (status == RS_OK)
        status = rs_file_write(path, bytes, *size, err);
    free(bytes);
    return status;
}

/* ---- which command ------------------------------------------------------------------------------------ */

static void help(FILE *to)
{
    fprintf(to, "rowstation %s: quantized neural networks on a row-stationary array\n\n", rs_version());
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  rowstation %s\n        %s\n", commands[i].usage, commands[i].what);
    fputs("\nTargets: cpu, emu[:PRESET][?OPTIONS] (the array's C), sim[:PRESET][?OPTIONS] (its Verilog); presets default, small,\n"
          "tiny. Options of a target: latency=CYCLES bytes=PER_CYCLE cores=1|2 clock=MHZ timeout=CYCLES hostile=SEED and\n"
          "others (rowstation.h), e.g. 'emu:default?latency=200&bytes=32'. xrt:CARD?xclbin=FILE: a card through Xilinx XRT, or\n"
          "an emulated one (docs/deployment.md). Without --target: ROWSTATION_TARGET, else cpu.\n"
          "Inputs: raw int8, .npy, .png, idx:FILE[.gz]#A-B. Exit status: 0 good, 1 failed or different, 2 usage.\n", to);
}

int main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        fprintf(stderr, "rowstation: no command\nusage: rowstation run|plan|check|bench|study|scalesim|compare|explore|scenario|info|compile|convert|quantize|xclbin|emu-env|help ...\n");
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        if (argc > 2 && cli_usage_of(argv[2]) != NULL)
            printf("usage: rowstation %s\n", cli_usage_of(argv[2]));
        else
            help(stdout);
        return fflush(stdout) == 0 ? CLI_GOOD : CLI_FAILED;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("rowstation %s\n", rs_version());
        return CLI_GOOD;
    }
    command = find(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "rowstation: unknown command '%s'\nusage: rowstation run|plan|check|bench|study|scalesim|compare|explore|scenario|info|compile|convert|quantize|xclbin|emu-env|help ...\n",
                argv[1]);
        return CLI_USAGE;
    }
    opterr = 0;
    return command->run(argc - 1, argv + 1);
}
