/*
 * cmd_emu_env.c - `rowstation emu-env -- PROGRAM`: any XRT program on emulated cards, with nothing left behind.
 *
 * The program runs in a session of its own, because XRT answers a crash with a signal to the whole process group.  While it
 * runs, the logs of its device processes are watched: a device process holds a lock on its log and writes
 * "closed" at the end, so one that died is noticed, and the program, which XRT would let spin for ever, is ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "emu_env.h"
#include "xrt_environment.h"

#define COMMAND "emu-env"

static volatile sig_atomic_t caught;

static void on_signal(int signal_number)
{
    caught = signal_number;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Everything that descends from us: orphans come to us (subreaper).  First a moment to end by itself, then by force. */
static void end_descendants(void)
{
    const double until = seconds() + 2;
    char name[64], list[4096];

    for (;;) {
        const pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid < 0)
            return;
        if (pid > 0)
            continue;
        if (seconds() > until) {
            FILE *f;

            snprintf(name, sizeof name, "/proc/self/task/%ld/children", (long)getpid());
            f = fopen(name, "r");
            if (f == NULL)
                return;
            if (fgets(list, sizeof list, f) != NULL)
                for (char *word = strtok(list, " "); word != NULL; word = strtok(NULL, " "))
                    kill((pid_t)atol(word), SIGKILL);
            fclose(f);
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static int supervise(struct rs_xrt_environment *e, pid_t program, const char *program_name, double timeout)
{
    const double start = seconds();
    char why[512];
    int status, result = CLI_FAILED, bad_rounds = 0;

    for (unsigned round = 0;; round++) {
        const pid_t pid = waitpid(program, &status, WNOHANG);

        if (pid == program) {
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            if (WIFSIGNALED(status))
                cli_fail(COMMAND, "%s was ended by signal %d", program_name, WTERMSIG(status));
            break;
        }
        if (caught != 0) {
            kill(-program, caught);
            caught = 0;
        }
        if (timeout > 0 && seconds() - start > timeout) {
            cli_fail(COMMAND, "%s was not finished after %g s and has been ended", program_name, timeout);
            result = 124;
            break;
        }
        /* Twice in a row: between death and exit of a program there is a moment. */
        if (round % 20 == 19)
            bad_rounds = rs_xrt_device_died(e->folder, why, sizeof why) ? bad_rounds + 1 : 0;
        if (bad_rounds == 3) {
            cli_fail(COMMAND, "the device process of an emulated card is gone: %s; %s has been ended", why, program_name);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    kill(-program, SIGKILL);
    end_descendants();
    return result;
}

static rs_status prepare(struct rs_xrt_environment *e, const char *target, const char *xclbin, unsigned cards, bool emu,
                         struct rs_error *err)
{
    char path[4096], text[4200];
    rs_status status = rs_xrt_environment_make(e, cards, true, err);

    if (status != RS_OK)
        return status;
    snprintf(path, sizeof path, "%s/rs.xclbin", e->folder);
    if (xclbin == NULL) {
        status = emu_xclbin(target, 1, path, err);
    } else if (realpath(xclbin, path) == NULL) {
        status = rs_fail(err, RS_ERR_IO, "%s: %s", xclbin, strerror(errno));
    }
    snprintf(text, sizeof text, "xrt:0?xclbin=%s", path);
    if (status == RS_OK && !(rs_xrt_environment_set(e, "ROWSTATION_XCLBIN", path) &&
                             rs_xrt_environment_set(e, "ROWSTATION_EMU_MACHINE", e->folder) &&
                             (!emu || rs_xrt_environment_set(e, "ROWSTATION_XRT_KIND", "emu")) &&
                             (getenv("ROWSTATION_TARGET") != NULL || rs_xrt_environment_set(e, "ROWSTATION_TARGET", text))))
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    snprintf(text, sizeof text, "%u", cards);
    if (status == RS_OK && !rs_xrt_environment_set(e, "ROWSTATION_EMU_CARDS", text))
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    if (status != RS_OK)
        rs_xrt_environment_remove(e);
    return status;
}

int cmd_emu_env(int argc, char **argv)
{
    static const struct option options[] = {{"target", 1, NULL, 't'}, {"xclbin", 1, NULL, 'x'}, {"cards", 1, NULL, 'c'},
                                            {"timeout", 1, NULL, 'T'}, {"keep", 0, NULL, 'k'}, {NULL, 0, NULL, 0}};
    const char *target = "sim", *xclbin = NULL, *mode = getenv("XCL_EMULATION_MODE");
    const bool emu = mode != NULL && strcmp(mode, "sw_emu") == 0;
    struct rs_xrt_environment e;
    struct rs_error err = {0};
    double timeout = 0;
    bool keep = false;
    long cards = 1;
    pid_t program;
    int c, result;

    while ((c = getopt_long(argc, argv, "+:", options, NULL)) != -1)
        switch (c) {
        case 't': target = optarg; break;
        case 'x': xclbin = optarg; break;
        case 'T': timeout = strtod(optarg, NULL); break;
        case 'k': keep = true; break;
        case 'c':
            cards = strtol(optarg, NULL, 10);
            if (cards < 1 || cards > 16)
                return cli_usage(COMMAND, "--cards %s: 1 to 16 are possible", optarg);
            break;
        default:  return cli_bad_option(COMMAND, argc, argv, c);
        }
    if (optind == argc)
        return cli_usage(COMMAND, "no PROGRAM given");
    if (emu)
        fprintf(stderr, "rowstation: XCL_EMULATION_MODE=sw_emu: using hw_emu with emu in the device process\n");
    if (prepare(&e, target, xclbin, (unsigned)cards, emu, &err) != RS_OK)
        return cli_fail(COMMAND, "%s", err.text);

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int s = 0; s < 3; s++)
        sigaction((const int[]){SIGINT, SIGTERM, SIGHUP}[s], &(struct sigaction){.sa_handler = on_signal}, NULL);
    fflush(NULL);
    program = fork();
    if (program == 0) {
        setsid();
        for (int s = 0; s < 3; s++)
            signal((const int[]){SIGINT, SIGTERM, SIGHUP}[s], SIG_DFL);
        execvpe(argv[optind], argv + optind, e.variables);
        fprintf(stderr, "rowstation " COMMAND ": %s: %s\n", argv[optind], strerror(errno));
        _exit(127);
    }
    if (program < 0)
        result = cli_fail(COMMAND, "no process could be started: %s", strerror(errno));
    else
        result = supervise(&e, program, argv[optind], timeout);
    if (keep) {
        fprintf(stderr, "rowstation: left as asked: %s\n", e.folder);
        e.folder[0] = '\0';
    }
    rs_xrt_environment_remove(&e);
    return result;
}
