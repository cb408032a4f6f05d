/*
 * sim_platform.c - librs_sim_PRESET.so: starts rs_sim_PRESET, a simulator process for each
 * platform, and speaks to it (sim_ipc.h).  The process lies beside the shared object.
 *
 * The device memory is a memory file that both map: back-door access costs no message.  If the
 * simulator process dies, register transfers fail, and advance() lets all its clocks "pass", so
 * that whoever waits for an interrupt runs into his timeout.
 *
 * Waveforms (docs/simulation.md) need the build rs_sim_PRESET_trace.  The simulator in use is replaced by it when
 * wave() is first called, and register transfers so far are repeated, to the same clock; this works
 * until the first advance() or write of CTRL.  With RS_SIM_TRACE=1 in the environment a platform uses
 * it from the beginning, and wave() works at any time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "board.h"
#include "sim_ipc.h"
#include "storage.h"
#include "whole_messages.h"

enum { MAX_HISTORY = 256 };

struct rs_platform {
    struct rs_platform_options options;
    struct storage storage;
    int      memory_fd, socket;
    pid_t    process;                        /* 0: none, or it has died                    */
    struct sim_reply state;                  /* the last reply                             */
    char     violation[256];

    /* Register transfers since create, while they are all that happened. */
    struct sim_request *history;
    uint32_t n_history;
    bool     replayable;
};

/* ---- the process --------------------------------------------------------------------------- */

/* rs_sim_PRESET[_trace], in the folder of this shared object. */
static bool find_program(bool trace, char path[PATH_MAX], char *text, size_t text_bytes)
{
    Dl_info info;
    char *slash;
    size_t room;

    if (dladdr(&find_program, &info) == 0 || info.dli_fname == NULL ||
        realpath(info.dli_fname, path) == NULL || (slash = strrchr(path, '/')) == NULL) {
        snprintf(text, text_bytes, "cannot find the folder of the simulator's library");
        return false;
    }
    room = PATH_MAX - (size_t)(slash + 1 - path);
    if ((size_t)snprintf(slash + 1, room, "rs_sim_%s%s", RS_PRESET_NAME,
                         trace ? "_trace" : "") >= room || access(path, X_OK) != 0) {
        snprintf(text, text_bytes, "%.180s is not there; it is built with librs_sim_%s.so", path,
                 RS_PRESET_NAME);
        return false;
    }
    return true;
}

static void end_process(struct rs_platform *p)
{
    if (p->socket >= 0)
        close(p->socket);                    /* its end of file: it ends                   */
    p->socket = -1;
    if (p->process > 0)
        while (waitpid(p->process, NULL, 0) < 0 && errno == EINTR)
            ;
    p->process = 0;
}

/* False if the process is gone. */
static bool ask(struct rs_platform *p, const struct sim_request *request)
{
    if (p->socket < 0)
        return false;
    if (send_all(p->socket, request, sizeof *request) &&
        receive_all(p->socket, &p->state, sizeof p->state)) {
        if (p->state.violated && p->violation[0] == '\0')
            memcpy(p->violation, p->state.text, sizeof p->violation);
        return true;
    }
    end_process(p);
    p->state.ok = false;
    p->state.interrupts = 0;
    snprintf(p->violation, sizeof p->violation, "the simulator process died at clock %llu",
             (unsigned long long)p->state.clocks);
    return false;
}

/* In the child, 3 is the socket and 4 the memory; everything else of ours closes on exec. */
static int spawn(struct rs_platform *p, const char *program, int far_end)
{
    char *const argv[] = {(char *)program, NULL};
    posix_spawn_file_actions_t actions;
    size_t n = 0;
    char **env;
    int error;

    while (environ[n] != NULL)
        n++;
    env = malloc((n + 2) * sizeof *env);
    if (env == NULL)
        return ENOMEM;
    memcpy(env, environ, n * sizeof *env);
    env[n] = (char *)"SYSTEMC_DISABLE_COPYRIGHT_MESSAGE=1";
    env[n + 1] = NULL;
    error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, far_end, SIM_FD_SOCKET);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&actions, p->memory_fd, SIM_FD_MEMORY);
        if (error == 0)
            error = posix_spawn(&p->process, program, &actions, NULL, argv, env);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(env);
    return error;
}

/* A descriptor above those that the child's are moved to. */
static int raise_fd(int fd)
{
    const int high = fcntl(fd, F_DUPFD_CLOEXEC, 16);

    close(fd);
    return high;
}

static bool start_process(struct rs_platform *p, bool trace, char *text, size_t text_bytes)
{
    const struct sim_request request = {
        .op = SIM_CREATE, .protocol = SIM_PROTOCOL, .options = p->options,
    };
    char program[PATH_MAX];
    int pair[2], error;

    if (!find_program(trace, program, text, text_bytes))
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        snprintf(text, text_bytes, "no socket for the simulator process: %s", strerror(errno));
        return false;
    }
    pair[1] = raise_fd(pair[1]);
    p->socket = pair[0];
    error = pair[1] < 0 ? errno : spawn(p, program, pair[1]);
    if (pair[1] >= 0)
        close(pair[1]);
    if (error != 0) {
        p->process = 0;
        end_process(p);
        snprintf(text, text_bytes, "cannot start %.180s: %s", program, strerror(error));
        return false;
    }
    if (!ask(p, &request)) {
        snprintf(text, text_bytes, "%.180s died when it was started", program);
        return false;
    }
    if (!p->state.ok) {
        snprintf(text, text_bytes, "%s", p->state.text);
        end_process(p);
        return false;
    }
    return true;
}

/* ---- the interface ------------------------------------------------------------------------- */

static void destroy(struct rs_platform *p)
{
    if (p == NULL)
        return;
    end_process(p);
    storage_close(&p->storage);
    if (p->memory_fd >= 0)
        close(p->memory_fd);
    free(p->history);
    free(p);
}

static struct rs_platform *create(const struct rs_platform_options *options, char *text,
                                  size_t text_bytes)
{
    const char *trace = getenv("RS_SIM_TRACE");
    struct rs_platform *p = calloc(1, sizeof *p);
    int fd;

    if (p == NULL || (p->history = malloc(MAX_HISTORY * sizeof *p->history)) == NULL) {
        free(p);
        snprintf(text, text_bytes, "out of host memory");
        return NULL;
    }
    p->socket = p->memory_fd = -1;
    p->options = *options;
    p->replayable = true;
    if (options->trace != NULL) {
        snprintf(text, text_bytes, "no trace of events from the Verilated core; emu has them");
        goto err_destroy;
    }
    if (!board_options(&p->options, text, text_bytes))
        goto err_destroy;
    fd = memfd_create("rowstation", MFD_CLOEXEC);
    p->memory_fd = fd < 0 ? fd : raise_fd(fd);
    if (p->memory_fd < 0 || ftruncate(p->memory_fd, (off_t)p->options.mem_bytes) != 0 ||
        !storage_open(&p->storage, p->options.mem_bytes, p->memory_fd)) {
        snprintf(text, text_bytes, "no %llu bytes of host memory for the device memory: %s",
                 (unsigned long long)p->options.mem_bytes, strerror(errno));
        goto err_destroy;
    }
    if (!start_process(p, trace != NULL && strcmp(trace, "1") == 0, text, text_bytes))
        goto err_destroy;
    return p;

err_destroy:
    destroy(p);
    return NULL;
}

static bool mem_write(struct rs_platform *p, uint64_t address, const void *from, size_t bytes)
{
    return storage_copy_in(&p->storage, address - p->options.mem_base, from, bytes);
}

static bool mem_read(struct rs_platform *p, uint64_t address, void *to, size_t bytes)
{
    return storage_copy_out(&p->storage, address - p->options.mem_base, to, bytes);
}

static bool reg_access(struct rs_platform *p, const struct sim_request *request)
{
    if (p->n_history == MAX_HISTORY || (request->op == SIM_REG_WRITE &&
                                        request->offset == RS_REG_CTRL))
        p->replayable = false;
    if (p->replayable)
        p->history[p->n_history++] = *request;
    return ask(p, request) && p->state.ok;
}

static bool reg_write(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t value)
{
    return reg_access(p, &(struct sim_request){.op = SIM_REG_WRITE, .core = core,
                                               .offset = offset, .value = value});
}

static bool reg_read(struct rs_platform *p, uint32_t core, uint32_t offset, uint32_t *value)
{
    if (!reg_access(p, &(struct sim_request){.op = SIM_REG_READ, .core = core,
                                             .offset = offset}))
        return false;
    *value = p->state.value;
    return true;
}

static uint64_t advance(struct rs_platform *p, uint64_t max_clocks)
{
    const uint64_t from = p->state.clocks;

    if (max_clocks == 0 || p->state.interrupts != 0)
        return 0;
    p->replayable = false;
    if (!ask(p, &(struct sim_request){.op = SIM_ADVANCE, .max_clocks = max_clocks})) {
        p->state.clocks += max_clocks;
        return max_clocks;
    }
    return p->state.clocks - from;
}

static uint32_t interrupts(struct rs_platform *p)
{
    return p->state.interrupts;
}

static uint64_t clocks(const struct rs_platform *p)
{
    return p->state.clocks;
}

static uint64_t contention(const struct rs_platform *p, uint32_t core)
{
    return core < p->options.n_cores ? p->state.contention[core] : 0;
}

/* Changes to the build that can trace: the same transfers bring it to the same state. */
static bool change_to_trace(struct rs_platform *p)
{
    const uint64_t want = p->state.clocks;
    const struct sim_reply last = p->state;
    struct rs_platform old = *p;
    char text[8];

    if (!p->replayable || p->socket < 0 || !find_program(true, (char[PATH_MAX]){0}, text, sizeof text))
        return false;
    p->process = 0;
    p->socket = -1;
    if (start_process(p, true, text, sizeof text)) {
        for (uint32_t i = 0; i < p->n_history; i++)
            ask(p, &p->history[i]);
        if (p->socket >= 0 && p->state.clocks == want) {
            end_process(&old);
            return true;
        }
        end_process(p);
    }
    p->process = old.process;
    p->socket = old.socket;
    p->state = last;
    return false;
}

static bool wave(struct rs_platform *p, const char *file)
{
    struct sim_request request = {.op = SIM_WAVE};

    if (file == NULL && !p->state.can_trace)
        return true;
    if (file != NULL && (*file == '\0' || strlen(file) >= sizeof request.file))
        return false;
    if (!p->state.can_trace && !change_to_trace(p))
        return false;
    if (file != NULL)
        strcpy(request.file, file);
    return ask(p, &request) && p->state.ok;
}

static const char *violation(const struct rs_platform *p)
{
    return p->violation[0] != '\0' ? p->violation : NULL;
}

__attribute__((visibility("default")))
const struct rs_platform_api *rs_platform_get(void)
{
    static const struct rs_platform_api api = {
        .abi = RS_PLATFORM_ABI, .kind = "sim", .config = BOARD_CONFIG,
        .create = create, .destroy = destroy, .mem_write = mem_write, .mem_read = mem_read,
        .reg_write = reg_write, .reg_read = reg_read, .advance = advance,
        .interrupts = interrupts, .clocks = clocks, .contention = contention, .wave = wave,
        .violation = violation,
    };

    return &api;
}
