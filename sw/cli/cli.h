/* cli.h - what the commands share: their entry points, messages, exit status, opening a target, progress. */
#ifndef RS_CLI_H
#define RS_CLI_H
#include <getopt.h>
#include "plan.h"
#include "rowstation.h"

enum { CLI_GOOD = 0, CLI_FAILED = 1, CLI_USAGE = 2 };      /* exit status                          */

int cmd_run(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_bench_cpu(int argc, char **argv);
int cmd_study(int argc, char **argv);
int cmd_scalesim(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_scenario(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_compile(int argc, char **argv);
int cmd_quantize(int argc, char **argv);
int cmd_convert(int argc, char **argv);

/* "rowstation run: TEXT", then the command's usage, to stderr; returns CLI_USAGE. */
__attribute__((format(printf, 2, 3)))
int cli_usage(const char *command, const char *format, ...);
/* What getopt_long() refused, in words.  Call with opterr = 0. */
int cli_bad_option(const char *command, int argc, char **argv, int c);
/* "rowstation run: TEXT" to stderr; returns CLI_FAILED. */
__attribute__((format(printf, 2, 3)))
int cli_fail(const char *command, const char *format, ...);
/* The usage line of a command; NULL: no such command. */
const char *cli_usage_of(const char *command);

/* A list of words from the command line; the words are borrowed. */
struct words { int n; const char **word; };
bool words_add(struct words *w, const char *word);         /* false: out of memory                 */

/* Opens @target (NULL: environment, else cpu) with messages and progress to stderr. */
RS_MUST_CHECK rs_status cli_open(const char *target, bool fallback, struct rs_device **device, struct rs_error *err);
/* The same for `--trace`, when @trace: with trace=1 in the target's options. */
RS_MUST_CHECK rs_status cli_open_trace(const char *target, bool trace, bool fallback, struct rs_device **device, struct rs_error *err);
void cli_progress_end(void);                               /* wipes the progress line              */

/* The configuration of a target's preset: by its name, else by opening it.  RS_ERR_ARG for `cpu`. */
RS_MUST_CHECK rs_status cli_config(const char *target, struct rs_hw_config *config, struct rs_error *err);

/* A .tflite file (or the one in a compiled model), or without @bytes a network's table, as an optimized graph; with @bytes also
 * the .tflite itself (free()). */
RS_MUST_CHECK rs_status cli_graph(const char *path, struct rs_graph **graph, uint8_t **bytes, size_t *size,
                                  struct rs_error *err);

/* Writes @graph as the kind of file that @path's ending says (rs_export()); *size: its bytes. */
RS_MUST_CHECK rs_status cli_export(struct rs_graph *graph, const char *path, const char *about, size_t *size, struct rs_error *err);

/* Opens @path for writing; "-" is stdout.  NULL: *err says why. */
FILE *cli_create(const char *path, struct rs_error *err);
/* false: some write failed. */
bool cli_finish(FILE *file);

/* 1234567 as "1,234,567", in one of a few static buffers. */
const char *cli_count(uint64_t n);
#endif
