/*
 * xrt_backend.c - back end `xrt`: compute units of a card through Xilinx XRT, or through XRT's own hardware emulation.
 *
 * XRT itself runs in rs_xrt_host, a process of this back end's (xrt/xrt_ipc.h says why).  Here: the xclbin and its checks
 * before anything is started, where things are, deadlines, clocks, and the way back: reset() ends that process and starts
 * another, with the same buffers.  Each of the checks answers a failure that people have met (docs/deployment.md).
 *
 * Clocks are what the cores count themselves (register CYCLES), job after job; a core that is shared with other processes
 * cannot be asked, so its clocks are host time times frequency.
 */
#define _GNU_SOURCE                         /* memfd_create(), posix_spawn_file_actions_addchdir_np() */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "device.h"
#include "file.h"
#include "find.h"
#include "isa.h"
#include "kernel.h"
#include "plan.h"
#include "runtime.h"
#include "xclbin.h"
#include "xrt/xrt_diagnose.h"
#include "xrt/xrt_ipc.h"
#include "xrt_environment.h"

#define MAX_XCLBIN_BYTES ((size_t)1 << 30)
#define STEP_MS          20u
#define CLOSE_SECONDS    5.0
#define LOOK_SECONDS     0.1                  /* how often the logs of device processes are looked at  */

extern char **environ;

struct buffer {
    uint64_t address;                         /* as given out; stays through a reset                   */
    uint64_t real, handle, bytes;             /* real: where it is now                                 */
    struct buffer *next;
};

struct handle {
    struct rs_uri uri;
    struct rs_hw_config config;
    struct rs_xclbin *xclbin;
    char path[PATH_MAX], description[160];
    bool emulation, ours;                     /* XRT's emulation; with our device process              */
    uint32_t n_cus, cu[RS_MAX_CORES];         /* indices in the xclbin                                 */
    uint32_t clock_mhz;
    int lock;                                 /* an emulated card of a machine that others use too     */

    struct rs_xrt_environment environment;
    pid_t process;                            /* 0: none                                               */
    int socket, memory;
    uint8_t *stage;
    bool registers;
    struct buffer *buffers;

    bool running[RS_MAX_CORES];
    uint64_t total[RS_MAX_CORES], current[RS_MAX_CORES], previous[RS_MAX_CORES];
    double started[RS_MAX_CORES], moved[RS_MAX_CORES];
};

/* ---- the process that holds XRT ------------------------------------------------------------------ */

/* Its end of the socket is enough: its keeper ends all that it has started, and then itself. */
static void end_process(struct handle *h)
{
    const double until = rs_seconds() + CLOSE_SECONDS;

    if (h->socket >= 0)
        close(h->socket);
    h->socket = -1;
    while (h->process > 0) {
        const pid_t pid = waitpid(h->process, NULL, WNOHANG);

        if (pid == h->process || (pid < 0 && errno == ECHILD))
            break;
        if (rs_seconds() > until)
            kill(h->process, SIGKILL);
        poll(NULL, 0, 1);
    }
    h->process = 0;
    rs_xrt_environment_remove(&h->environment);
}

/* Above the descriptors that the child gets its own as. */
static int raised(int fd)
{
    const int high = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 10) : -1;

    if (fd >= 0)
        close(fd);
    return high;
}

static rs_status start_process(struct handle *h, struct rs_error *err)
{
    char path[PATH_MAX], tried[300], log[64];
    char *arguments[] = {path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int pair[2], theirs, code;

    if (!rs_find_file("rs_xrt_host", path, tried, sizeof tried))
        return rs_fail(err, RS_ERR_DEVICE, "target xrt: no rs_xrt_host in %s. It is built where XRT is installed: apt-get install "
                       "libxrt1 libxrt-dev uuid-dev unzip, then `make xrt`", tried);
    if (h->ours) {
        const char *mode = getenv("XCL_EMULATION_MODE");
        unsigned cards = (unsigned)strtoul(h->uri.preset, NULL, 10) + 1;
        rs_status status = rs_xrt_environment_make(&h->environment, cards, false, err);

        if (status == RS_OK && mode != NULL && strcmp(mode, "sw_emu") == 0 &&
            !rs_xrt_environment_set(&h->environment, "ROWSTATION_XRT_KIND", "emu"))
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        if (status != RS_OK)
            return status;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        rs_xrt_environment_remove(&h->environment);
        return rs_fail(err, RS_ERR_IO, "no socket: %s", strerror(errno));
    }
    h->socket = raised(pair[0]);
    theirs = raised(pair[1]);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, theirs, XRT_IPC_SOCKET);
    posix_spawn_file_actions_adddup2(&actions, h->memory, XRT_IPC_MEMORY);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (h->ours) {
        snprintf(log, sizeof log, "%s/xrt.log", h->environment.folder);
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        posix_spawn_file_actions_addchdir_np(&actions, h->environment.folder);   /* XRT deletes and leaves files there */
    } else {
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (realpath(path, tried) == NULL)        /* the child changes its folder first                    */
        snprintf(tried, sizeof tried, "%.299s", path);
    arguments[0] = tried;
    code = h->socket < 0 || theirs < 0 ? EMFILE
         : posix_spawn(&h->process, tried, &actions, &attributes, arguments, h->ours ? h->environment.variables : environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (theirs >= 0)
        close(theirs);
    if (code != 0) {
        h->process = 0;
        end_process(h);
        return rs_fail(err, RS_ERR_DEVICE, "%.200s could not be started: %s", tried, strerror(code));
    }
    return RS_OK;
}

/* The last line that XRT printed, for a message. */
static void last_words(const struct handle *h, char *text, size_t size)
{
    char path[80], line[256];
    FILE *f;

    text[0] = '\0';
    snprintf(path, sizeof path, "%s/xrt.log", h->environment.folder);
    f = h->ours ? fopen(path, "r") : NULL;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0')
            snprintf(text, size, "; XRT's last words: %s", line);
    }
    if (f != NULL)
        fclose(f);
}

/* It ended (@over), or the emulated card did, or neither answers: say which, and end the rest. */
static rs_status lost(struct handle *h, bool over, double waited, struct rs_error *err)
{
    char why[300], words[300];
    rs_status status;
    int ended = 0;
    pid_t pid;

    for (int i = 0; over && i < 100; i++) {               /* its keeper is about to end, too            */
        siginfo_t info = {.si_pid = 0};

        if (waitid(P_PID, (id_t)h->process, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
            break;
        poll(NULL, 0, 10);
    }
    last_words(h, words, sizeof words);
    if (h->ours && rs_xrt_device_died(h->environment.folder, why, sizeof why)) {
        status = rs_fail(err, RS_ERR_DEVICE, "card %s: the device process of the emulated card is gone: %s", h->uri.preset, why);
    } else if ((pid = waitpid(h->process, &ended, WNOHANG)) == h->process) {
        const int code = WIFSIGNALED(ended) ? 128 + WTERMSIG(ended) : WEXITSTATUS(ended);

        h->process = 0;
        if (code == 128 + SIGBUS)
            status = rs_fail(err, RS_ERR_DEVICE, "card %s: bus error in XRT: an AXI firewall has tripped? see `xrt-smi examine -r firewall`; "
                             "`xrt-smi reset -d BDF`", h->uri.preset);
        else
            status = rs_fail(err, RS_ERR_DEVICE, "card %s: XRT ended its process (%s %d)%s", h->uri.preset,
                             code > 128 ? "signal" : "status", code > 128 ? code - 128 : code, words);
    } else {
        status = rs_fail(err, RS_ERR_TIMEOUT, "card %s: XRT has not answered for %.1f s%s%s", h->uri.preset, waited,
                         h->emulation ? "" : "; if it happens again: `xrt-smi reset -d BDF`", words);
    }
    end_process(h);
    return status;
}

/* Sends @request and waits for @reply, at most @seconds.  Whatever goes wrong, the process is gone afterwards. */
static rs_status ask(struct handle *h, const struct xrt_request *request, struct xrt_reply *reply, double seconds,
                     struct rs_error *err)
{
    const double start = rs_seconds();
    double looked = start;
    size_t got = 0;
    char why[16];

    if (h->process <= 0)
        return rs_fail(err, RS_ERR_DEVICE, "card %s: gone since an earlier failure; it has to be reset", h->uri.preset);
    if (send(h->socket, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
        return lost(h, true, 0, err);
    while (got < sizeof *reply) {
        struct pollfd p = {.fd = h->socket, .events = POLLIN};
        const double now = rs_seconds();
        ssize_t n;

        if (now - start > seconds)
            return lost(h, false, now - start, err);
        if (h->ours && now - looked > LOOK_SECONDS) {
            looked = now;
            if (rs_xrt_device_died(h->environment.folder, why, sizeof why))
                return lost(h, false, now - start, err);
        }
        if (poll(&p, 1, 50) <= 0)
            continue;
        n = recv(h->socket, (char *)reply + got, sizeof *reply - got, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            return lost(h, true, now - start, err);
        got += n > 0 ? (size_t)n : 0;
    }
    reply->text[sizeof reply->text - 1] = '\0';
    return reply->status == RS_OK ? RS_OK : rs_fail(err, (rs_status)reply->status, "%s", reply->text);
}

/* ---- the xclbin ----------------------------------------------------------------------------------- */

static rs_status read_xclbin(struct handle *h, const char *name, const char **user, size_t *user_bytes, uint8_t **bytes,
                             struct rs_error *err)
{
    struct rs_error why;
    const uint8_t *data;
    size_t size;
    rs_status status = rs_file_read(name, MAX_XCLBIN_BYTES, bytes, &size, err);

    *user = NULL;
    *user_bytes = 0;
    if (status != RS_OK)
        return status;
    if (realpath(name, h->path) == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: %s", name, strerror(errno));
    status = rs_xclbin_read(*bytes, size, h->xclbin, &why);
    if (status != RS_OK)
        return rs_fail(err, status, "%.200s: %s", name, why.text);
    if (rs_xclbin_section(*bytes, size, RS_XCLBIN_USER_METADATA, &data, user_bytes))
        *user = (const char *)data;
    return RS_OK;
}

/* Real card or emulation: xclbin and environment have to agree. */
static rs_status check_mode(struct handle *h, const char *name, struct rs_error *err)
{
    const char *mode = getenv("XCL_EMULATION_MODE");
    const uint16_t m = h->xclbin->mode;
    const bool wanted = mode != NULL && *mode != '\0';

    h->emulation = m == RS_XCLBIN_HW_EMU || m == RS_XCLBIN_HW_EMU_PR;
    if (m == RS_XCLBIN_SW_EMU)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "%.200s is an xclbin for sw_emu, which XRT no longer has: build it for hw_emu or hw", name);
    if (wanted && strcmp(mode, "hw_emu") != 0 && strcmp(mode, "sw_emu") != 0)
        return rs_fail(err, RS_ERR_ARG, "XCL_EMULATION_MODE=%.32s: expected hw_emu or sw_emu, or unset for a card", mode);
    if (wanted && !h->emulation)
        return rs_fail(err, RS_ERR_MISMATCH, "%.200s is an xclbin for %s, but XCL_EMULATION_MODE=%s: unset it to use a card, or give an xclbin "
                       "for hw_emu (`rowstation xclbin -o FILE`)", name, rs_xclbin_mode_name(m), mode);
    if (!wanted && h->emulation)
        return rs_fail(err, RS_ERR_MISMATCH, "%.200s is an xclbin for hw_emu, but XCL_EMULATION_MODE is not set: set it to hw_emu, or give an "
                       "xclbin for hw to use a card", name);
    return RS_OK;
}

static rs_status choose_units(struct handle *h, struct rs_error *err)
{
    const struct rs_xclbin *x = h->xclbin;
    const size_t length = strlen(h->uri.kernel);
    const char *list = h->uri.cu;
    char all[200] = "";
    size_t at = 0;

    for (uint32_t i = 0; i < x->n_cus; i++)
        if (strncmp(x->cus[i].name, h->uri.kernel, length) == 0 && x->cus[i].name[length] == ':') {
            if (*list == '\0' && h->n_cus < h->uri.cores)
                h->cu[h->n_cus++] = i;
            at += (size_t)snprintf(all + at, at < sizeof all ? sizeof all - at : 0, "%s%s", at != 0 ? ", " : "",
                                   x->cus[i].name + length + 1);
        }
    if (*list == '\0' && h->n_cus < h->uri.cores)
        return rs_fail(err, RS_ERR_MISMATCH, "cores=%u, but the xclbin has %u compute units of kernel %s: %s", h->uri.cores, h->n_cus,
                       h->uri.kernel, all);
    while (*list != '\0') {
        const size_t bytes = strcspn(list, ",");
        uint32_t i = 0;

        while (i < x->n_cus && !(strncmp(x->cus[i].name, h->uri.kernel, length) == 0 && x->cus[i].name[length] == ':' &&
                                 strlen(x->cus[i].name + length + 1) == bytes &&
                                 memcmp(x->cus[i].name + length + 1, list, bytes) == 0))
            i++;
        if (i == x->n_cus)
            return rs_fail(err, RS_ERR_MISMATCH, "the xclbin has no compute unit '%.*s' of kernel %s; it has: %s", (int)bytes, list,
                           h->uri.kernel, all);
        if (h->n_cus == RS_MAX_CORES)
            return rs_fail(err, RS_ERR_RANGE, "cu=%s: at most %d units are driven as one device", h->uri.cu, RS_MAX_CORES);
        h->cu[h->n_cus++] = i;
        list += bytes;
        list += *list == ',';
    }
    return RS_OK;
}

/* The banks that pointer @arg of unit @cu reaches, as a bit mask. */
static uint64_t banks_of(const struct rs_xclbin *x, uint32_t cu, uint32_t arg)
{
    uint64_t mask = 0;

    for (uint32_t i = 0; i < x->n_connections; i++)
        if (x->connections[i].cu == cu && x->connections[i].arg == arg)
            mask |= (uint64_t)1 << x->connections[i].memory;
    return mask;
}

static rs_status check_banks(const struct handle *h, struct rs_error *err)
{
    static const char *const names[] = {
#define NAME(index, name, offset, bytes, qualifier, type) #name,
        RS_KERNEL_ARGS(NAME)
    };
    const struct rs_xclbin *x = h->xclbin;
    const uint64_t first = banks_of(x, h->cu[0], RS_KERNEL_ARG_commands);

    for (uint32_t c = 0; c < h->n_cus; c++)
        for (uint32_t a = 0; a < RS_KERNEL_ARG_count; a++) {
            const uint64_t banks = banks_of(x, h->cu[c], a);

            if (banks == 0)
                return rs_fail(err, RS_ERR_MISMATCH, "%s: argument %s is connected to no memory bank; link it with sp=", x->cus[h->cu[c]].name,
                               names[a]);
            if (banks != first)
                return rs_fail(err, RS_ERR_MISMATCH, "%s: argument %s is connected to banks 0x%llx, argument commands of %s to 0x%llx: open the "
                               "units as devices of their own (cu=), or link them to the same banks with sp=", x->cus[h->cu[c]].name,
                               names[a], (unsigned long long)banks, x->cus[h->cu[0]].name, (unsigned long long)first);
        }
    return RS_OK;
}

/* The size of the largest buffer: one bank, or, where a port reaches several, all of them. */
static uint64_t bank_bytes(const struct handle *h, uint64_t *base, char names[64])
{
    const struct rs_xclbin *x = h->xclbin;
    const uint64_t banks = banks_of(x, h->cu[0], RS_KERNEL_ARG_commands);
    uint64_t sum = 0;

    names[0] = '\0';
    for (uint32_t i = 0; i < x->n_memories; i++)
        if ((banks >> i & 1) != 0) {
            const size_t used = strlen(names);

            if (sum == 0)
                *base = x->memories[i].base;
            sum += x->memories[i].kilobytes << 10;
            snprintf(names + used, 64 - used, "%s%s", used != 0 ? "," : "", x->memories[i].tag);
        }
    return sum;
}

static rs_status check_clock(struct handle *h, struct rs_error *err)
{
    uint32_t mhz = 0;

    for (uint32_t i = 0; i < h->xclbin->n_clocks; i++)
        if (h->xclbin->clocks[i].type == 1)                 /* DATA: ap_clk                            */
            mhz = h->xclbin->clocks[i].mhz;
    if (h->uri.clock_mhz != 0 && mhz != 0 && mhz < h->uri.clock_mhz)
        return rs_fail(err, RS_ERR_MISMATCH, "clock=%u MHz was asked for, the xclbin reached %u MHz", h->uri.clock_mhz, mhz);
    h->clock_mhz = h->uri.clock_mhz != 0 ? h->uri.clock_mhz : mhz != 0 ? mhz : 250;
    return RS_OK;
}

/* ---- cards of a machine ----------------------------------------------------------------------------- */

/* Programs under one `rowstation emu-env` share its cards: as on a real one, all of them use the same xclbin. */
static rs_status lock_card(struct handle *h, struct rs_error *err)
{
    const char *machine = getenv("ROWSTATION_EMU_MACHINE"), *cards = getenv("ROWSTATION_EMU_CARDS");
    const unsigned long index = strtoul(h->uri.preset, NULL, 10);
    char path[4096], uuid[37], text[128] = "";

    if (strspn(h->uri.preset, "0123456789") != strlen(h->uri.preset) || index > 15)
        return rs_fail(err, RS_ERR_DEVICE, "no card %s: emulated cards are 0 to 15", h->uri.preset);
    if (machine == NULL || !h->ours)
        return RS_OK;
    if (cards != NULL && index >= strtoul(cards, NULL, 10))
        return rs_fail(err, RS_ERR_DEVICE, "no card %s: `rowstation emu-env` was told --cards %s", h->uri.preset, cards);
    rs_xrt_uuid_text(h->xclbin->uuid, uuid);
    snprintf(path, sizeof path, "%s/card%lu", machine, index);
    h->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (h->lock < 0)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    for (int i = 0; i < 100; i++) {
        if (flock(h->lock, LOCK_EX | LOCK_NB) == 0) {        /* nobody else: ours to say what is loaded */
            const int length = snprintf(text, sizeof text, "%s by process %ld\n", uuid, (long)getpid());

            if (ftruncate(h->lock, 0) != 0 || pwrite(h->lock, text, (size_t)length, 0) != length)
                return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
            (void)flock(h->lock, LOCK_SH);
            return RS_OK;
        }
        if (flock(h->lock, LOCK_SH | LOCK_NB) == 0 && pread(h->lock, text, sizeof text - 1, 0) > 36) {
            if (strncmp(text, uuid, 36) == 0)
                return RS_OK;
            text[strcspn(text, "\n")] = '\0';
            return rs_fail(err, RS_ERR_BUSY, "card %s: loaded is %s, wanted %s: stop the other process, or use the xclbin that it has loaded",
                           h->uri.preset, text, uuid);
        }
        poll(NULL, 0, 10);
    }
    return rs_fail(err, RS_ERR_BUSY, "card %s: its lock %s does not become free", h->uri.preset, path);
}

/* ---- opening ------------------------------------------------------------------------------------------ */

static rs_status check_core(const struct handle *h, uint32_t c, const uint64_t found[3], const struct rs_hw_config *expected,
                            struct rs_error *err)
{
    const char *name = h->xclbin->cus[h->cu[c]].name;

    if (found[0] != RS_ISA_MAGIC)
        return rs_fail(err, RS_ERR_MISMATCH, "card %s, %s: magic number is 0x%08x, expected 0x%08x%s", h->uri.preset, name,
                       (unsigned)found[0], RS_ISA_MAGIC, (uint32_t)found[0] == UINT32_MAX ? ": it does not answer; reset the card" : "");
    if (found[1] != RS_ISA_VERSION)
        return rs_fail(err, RS_ERR_MISMATCH, "card %s, %s: command set version %u, this library speaks %u; build the xclbin again",
                       h->uri.preset, name, (unsigned)found[1], RS_ISA_VERSION);
    if (expected != NULL && found[2] != expected->config_hash)
        return rs_fail(err, RS_ERR_MISMATCH, "card %s, %s: configuration hash is 0x%08x, the xclbin says 0x%08x (%s)", h->uri.preset, name,
                       (unsigned)found[2], expected->config_hash, expected->preset);
    return RS_OK;
}

static bool config_of_hash(uint32_t hash, struct rs_hw_config *config)
{
    static const char *const presets[] = {"default", "small", "tiny"};

    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (rs_hw_config_named(presets[i], config) && config->config_hash == hash)
            return true;
    return false;
}

/* Starts the process and opens the card in it. */
static rs_status connect_card(struct handle *h, struct rs_error *err)
{
    struct xrt_open open = {.n_cus = h->n_cus, .shared_cu = h->uri.shared_cu, .emulation = h->emulation,
                            .n_args = RS_KERNEL_N_ARGS, .n_pointers = RS_KERNEL_ARG_count, .magic_register = RS_REG_MAGIC,
                            .version_register = RS_REG_VERSION, .config_register = RS_REG_CONFIG,
                            .status_register = RS_REG_STATUS, .address_register = RS_REG_ERR_LO,
                            .cycles_register = RS_REG_CYCLES_LO};
    struct xrt_reply reply = {0};
    rs_status status = start_process(h, err);

    if (status != RS_OK)
        return status;
    if (strlen(h->path) >= sizeof open.xclbin)
        return rs_fail(err, RS_ERR_RANGE, "%.100s...: the name of the xclbin is longer than %zu", h->path, sizeof open.xclbin - 1);
    strcpy(open.xclbin, h->path);
    snprintf(open.card, sizeof open.card, "%s", h->uri.preset);
    memcpy(open.uuid, h->xclbin->uuid, 16);
    memcpy(open.interface_uuid, h->xclbin->interface_uuid, 16);
    for (uint32_t c = 0; c < h->n_cus; c++) {
        const char *name = h->xclbin->cus[h->cu[c]].name, *colon = strchr(name, ':');

        snprintf(open.cu[c], sizeof open.cu[c], "%.*s:{%s}", (int)(colon - name), name, colon + 1);
    }
    memcpy(h->stage, &open, sizeof open);
    status = ask(h, &(struct xrt_request){.op = XRT_OPEN}, &reply, h->uri.wait_seconds, err);
    h->registers = reply.registers != 0;
    for (uint32_t c = 0; c < h->n_cus && status == RS_OK && h->registers; c++) {
        if (h->config.config_hash == 0 && !config_of_hash((uint32_t)reply.value[2], &h->config))
            return rs_fail(err, RS_ERR_MISMATCH, "card %s: configuration hash 0x%08x is none that this library knows, and the xclbin does not "
                           "describe it (section USER_METADATA)", h->uri.preset, (unsigned)reply.value[2]);
        status = check_core(h, c, &reply.value[3 * c], &h->config, err);
    }
    return status;
}

static void xrt_close(void *handle)
{
    struct handle *h = handle;
    struct xrt_reply reply;

    if (h == NULL)
        return;
    if (h->process > 0)
        (void)!ask(h, &(struct xrt_request){.op = XRT_CLOSE}, &reply, CLOSE_SECONDS, NULL);
    end_process(h);
    for (struct buffer *b = h->buffers, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    if (h->stage != NULL)
        munmap(h->stage, XRT_IPC_STAGE_BYTES);
    if (h->memory >= 0)
        close(h->memory);
    if (h->lock >= 0)
        close(h->lock);
    free(h->xclbin);
    free(h);
}

static rs_status open_checked(struct handle *h, const char *name, struct rs_error *err)
{
    struct rs_emulation description = {0};
    const char *user;
    size_t user_bytes;
    uint8_t *bytes = NULL;
    struct rs_error why;
    rs_status status = read_xclbin(h, name, &user, &user_bytes, &bytes, err);

    if (status == RS_OK)
        status = check_mode(h, name, err);
    if (status == RS_OK) {
        status = rs_xclbin_check_kernel(h->xclbin, h->uri.kernel, &why);
        if (status != RS_OK)
            (void)rs_fail(err, status, "%.200s: %s", name, why.text);
    }
    if (status == RS_OK && user != NULL && user_bytes > 11 && memcmp(user, "rowstation ", 11) == 0) {
        status = rs_emulation_parse(user, user_bytes, &description, &why);
        if (status != RS_OK)
            (void)rs_fail(err, status, "%.200s: %s", name, why.text);
        h->config = description.config;
        h->ours = h->emulation && description.kind[0] != '\0';
    }
    free(bytes);
    if (status == RS_OK && h->config.preset[0] != '\0' && h->config.isa_version != RS_ISA_VERSION)
        status = rs_fail(err, RS_ERR_MISMATCH, "%.200s: command set version %u, this library speaks %u; build the xclbin again", name,
                         h->config.isa_version, RS_ISA_VERSION);
    if (status == RS_OK && h->config.preset[0] == '\0' && h->uri.shared_cu)
        status = rs_fail(err, RS_ERR_MISMATCH, "%.200s does not describe its configuration (section USER_METADATA), and with shared_cu=1 the "
                         "core cannot be asked", name);
    if (status == RS_OK)
        status = choose_units(h, err);
    if (status == RS_OK)
        status = check_banks(h, err);
    if (status == RS_OK)
        status = check_clock(h, err);
    if (status == RS_OK && h->emulation)
        status = lock_card(h, err);
    return status == RS_OK ? connect_card(h, err) : status;
}

static rs_status xrt_open_device(const struct rs_uri *uri, void **handle, struct rs_error *err)
{
    const char *name = uri->xclbin[0] != '\0' ? uri->xclbin : getenv("ROWSTATION_XCLBIN");
    struct handle *h;
    rs_status status;
    int fd;

    if (name == NULL || *name == '\0')
        return rs_fail(err, RS_ERR_ARG, "target xrt:%s: no xclbin: xrt:%s?xclbin=FILE, or environment ROWSTATION_XCLBIN", uri->preset,
                       uri->preset);
    h = calloc(1, sizeof *h);
    if (h == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    h->uri = *uri;
    h->socket = h->lock = -1;
    fd = memfd_create("rowstation-xrt", MFD_CLOEXEC);
    h->memory = raised(fd);
    h->xclbin = calloc(1, sizeof *h->xclbin);
    if (h->memory >= 0 && ftruncate(h->memory, XRT_IPC_STAGE_BYTES) == 0) {
        h->stage = mmap(NULL, XRT_IPC_STAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, h->memory, 0);
        if (h->stage == MAP_FAILED)
            h->stage = NULL;
    }
    if (h->xclbin == NULL || h->stage == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    else
        status = open_checked(h, name, err);
    if (status != RS_OK) {
        xrt_close(h);
        return status;
    }
    snprintf(h->description, sizeof h->description, "%.80s, %s%s%s", strrchr(h->path, '/') + 1, h->xclbin->cus[h->cu[0]].name,
             h->n_cus > 1 ? ", " : "", h->n_cus > 1 ? h->xclbin->cus[h->cu[1]].name : "");
    *handle = h;
    return RS_OK;
}

/* ---- the interface --------------------------------------------------------------------------------------- */

static const struct rs_hw_config *xrt_config(const void *handle)
{
    return &((const struct handle *)handle)->config;
}

static const char *xrt_describe(const void *handle)
{
    return ((const struct handle *)handle)->description;
}

static void xrt_refine(const void *handle, struct rs_uri *uri)
{
    const struct handle *h = handle;
    char names[64];

    uri->clock_mhz = h->clock_mhz;
    uri->cores = h->n_cus;
    uri->mem_bytes = bank_bytes(h, &uri->mem_base, names);
}

/* An address for a buffer that is at @real: that, unless a buffer from before a reset has it. */
static uint64_t free_address(const struct handle *h, uint64_t real, uint64_t bytes)
{
    uint64_t top = 0;
    bool taken = false;

    for (const struct buffer *b = h->buffers; b != NULL; b = b->next) {
        taken = taken || (real < b->address + b->bytes && b->address < real + bytes);
        top = b->address + b->bytes > top ? b->address + b->bytes : top;
    }
    return taken ? top : real;
}

static rs_status real_alloc(struct handle *h, uint64_t bytes, struct xrt_reply *reply, struct rs_error *err)
{
    return ask(h, &(struct xrt_request){.op = XRT_ALLOC, .bytes = bytes}, reply, h->uri.wait_seconds, err);
}

static rs_status xrt_alloc(void *handle, size_t bytes, uint64_t *address, struct rs_error *err)
{
    struct handle *h = handle;
    const uint64_t whole = ((uint64_t)bytes + 4095) / 4096 * 4096;
    struct xrt_reply reply;
    uint64_t base = 0, most, used = 0;
    char names[64];
    struct buffer *b;
    rs_status status;

    if (bytes == 0)
        return rs_fail(err, RS_ERR_ARG, "device buffer of 0 bytes");
    most = bank_bytes(h, &base, names);
    for (b = h->buffers; b != NULL; b = b->next)
        used += b->bytes;
    if (whole > most - (used < most ? used : most))
        return rs_fail(err, RS_ERR_NOMEM, "device buffer of %zu bytes: memory %s, which the kernel is connected to, has %llu bytes, %llu of them in "
                       "use; connect it to more banks (sp=%s.m_axi_gmem:HBM[a:b]), or split", bytes, names, (unsigned long long)most,
                       (unsigned long long)used, strchr(h->xclbin->cus[h->cu[0]].name, ':') + 1);
    b = malloc(sizeof *b);
    if (b == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    status = real_alloc(h, whole, &reply, err);
    if (status != RS_OK) {
        free(b);
        return status;
    }
    *b = (struct buffer){.address = free_address(h, reply.value[1], whole), .real = reply.value[1], .handle = reply.value[0],
                         .bytes = whole, .next = h->buffers};
    h->buffers = b;
    *address = b->address;
    return RS_OK;
}

static void xrt_release(void *handle, uint64_t address)
{
    struct handle *h = handle;
    struct xrt_reply reply;

    for (struct buffer **link = &h->buffers; *link != NULL; link = &(*link)->next)
        if ((*link)->address == address) {
            struct buffer *b = *link;

            *link = b->next;
            if (h->process > 0)
                (void)!ask(h, &(struct xrt_request){.op = XRT_FREE, .handle = b->handle}, &reply, h->uri.wait_seconds, NULL);
            free(b);
            return;
        }
}

/* The buffer that holds @bytes at @address. */
static const struct buffer *find_buffer(const struct handle *h, uint64_t address, uint64_t bytes)
{
    for (const struct buffer *b = h->buffers; b != NULL; b = b->next)
        if (address >= b->address && address - b->address <= b->bytes && bytes <= b->bytes - (address - b->address))
            return b;
    return NULL;
}

static rs_status move(struct handle *h, uint64_t address, const void *from, void *to, size_t bytes, struct rs_error *err)
{
    const struct buffer *b = find_buffer(h, address, bytes);
    struct xrt_reply reply;
    rs_status status = RS_OK;

    if (b == NULL)
        return rs_fail(err, RS_ERR_DEVICE, "%zu bytes at device address 0x%llx are in no buffer", bytes, (unsigned long long)address);
    for (size_t at = 0; at < bytes && status == RS_OK;) {
        const size_t n = bytes - at < XRT_IPC_STAGE_BYTES ? bytes - at : XRT_IPC_STAGE_BYTES;
        const struct xrt_request request = {.op = from != NULL ? XRT_WRITE : XRT_READ, .handle = b->handle,
                                            .offset = address - b->address + at, .bytes = n};

        if (from != NULL)
            memcpy(h->stage, (const char *)from + at, n);
        status = ask(h, &request, &reply, h->uri.wait_seconds, err);
        if (status == RS_OK && to != NULL)
            memcpy((char *)to + at, h->stage, n);
        at += n;
    }
    return status;
}

static rs_status xrt_write(void *handle, uint64_t address, const void *from, size_t bytes, struct rs_error *err)
{
    return bytes == 0 ? RS_OK : move(handle, address, from, NULL, bytes, err);
}

static rs_status xrt_read(void *handle, uint64_t address, void *to, size_t bytes, struct rs_error *err)
{
    return bytes == 0 ? RS_OK : move(handle, address, NULL, to, bytes, err);
}

static uint64_t xrt_clocks(void *handle)
{
    const struct handle *h = handle;
    uint64_t most = 0;

    for (uint32_t c = 0; c < h->n_cus; c++)
        most = h->total[c] + h->current[c] > most ? h->total[c] + h->current[c] : most;
    return most;
}

static rs_status xrt_start(void *handle, uint32_t core, const uint64_t base[RS_N_BASES], uint32_t commands, struct rs_error *err)
{
    struct handle *h = handle;
    struct xrt_request request = {.op = XRT_START, .core = core, .count = commands};
    struct xrt_reply reply;
    rs_status status;

    for (uint32_t i = 0; i < RS_N_BASES; i++) {
        const struct buffer *b = find_buffer(h, base[i], 1);

        if (b == NULL)
            return rs_fail(err, RS_ERR_DEVICE, "base %u, device address 0x%llx, is in no buffer", i, (unsigned long long)base[i]);
        request.base[i].handle = b->handle;
        request.base[i].offset = base[i] - b->address;
    }
    status = ask(h, &request, &reply, h->uri.wait_seconds, err);
    if (status == RS_OK) {
        h->total[core] = xrt_clocks(h);
        h->current[core] = 0;
        h->running[core] = true;
        h->started[core] = h->moved[core] = rs_seconds();
    }
    return status;
}

/* What core @c has counted since its start: @counted may still be of the job before. */
static rs_status follow(struct handle *h, uint32_t c, bool done, uint64_t counted, struct rs_error *err)
{
    const double now = rs_seconds();

    if (!h->registers)
        counted = (uint64_t)((now - h->started[c]) * 1e6 * (h->emulation ? 1 : h->clock_mhz));
    else if (!done && counted == h->previous[c])
        counted = 0;
    if (counted > h->current[c]) {
        h->current[c] = counted;
        h->moved[c] = now;
    }
    if (done) {
        h->previous[c] = counted;
        h->total[c] += h->current[c];
        h->current[c] = 0;
        h->running[c] = false;
        return RS_OK;
    }
    if (now - h->moved[c] > h->uri.stall_seconds)
        return rs_fail(err, RS_ERR_TIMEOUT, "card %s, %s: no ap_done, and its cycle counter has stood at %llu for %u s; outputs not returned; the "
                       "device is reset before the next job%s", h->uri.preset, h->xclbin->cus[h->cu[c]].name,
                       (unsigned long long)h->current[c], h->uri.stall_seconds,
                       h->emulation ? "" : ", and if it happens again: `xrt-smi reset -d BDF`");
    return RS_OK;
}

static rs_status xrt_step(void *handle, uint64_t cycles, uint32_t *done, struct rs_error *err)
{
    struct handle *h = handle;
    struct xrt_reply reply;
    rs_status status;

    (void)cycles;                             /* a card's clock does not wait for us                   */
    *done = 0;
    status = ask(h, &(struct xrt_request){.op = XRT_STEP, .timeout_ms = STEP_MS}, &reply, h->uri.wait_seconds, err);
    for (uint32_t c = 0; c < h->n_cus && status == RS_OK; c++)
        if (h->running[c])
            status = follow(h, c, (reply.done >> c & 1) != 0, reply.value[c], err);
    if (status == RS_OK)
        *done = reply.done;
    return status;
}

static rs_status xrt_status(void *handle, uint32_t core, struct rs_core_status *to, struct rs_error *err)
{
    struct handle *h = handle;
    struct xrt_reply reply;
    rs_status status = ask(h, &(struct xrt_request){.op = XRT_REGISTERS, .core = core}, &reply, h->uri.wait_seconds, err);

    if (status == RS_OK)
        *to = (struct rs_core_status){.error = (uint32_t)reply.value[0], .error_address = reply.value[1], .cycles = reply.value[2]};
    return status;
}

static uint64_t xrt_contention(void *handle, uint32_t core)
{
    (void)handle;
    (void)core;
    return 0;                                 /* a card does not count it                              */
}

static rs_status xrt_reset(void *handle, struct rs_error *err)
{
    struct handle *h = handle;
    rs_status status;

    end_process(h);
    for (uint32_t c = 0; c < RS_MAX_CORES; c++) {
        h->running[c] = false;
        h->total[c] = h->current[c] = h->previous[c] = 0;
    }
    status = connect_card(h, err);
    for (struct buffer *b = h->buffers; b != NULL && status == RS_OK; b = b->next) {
        struct xrt_reply reply;

        status = real_alloc(h, b->bytes, &reply, err);
        if (status == RS_OK) {
            b->handle = reply.value[0];
            b->real = reply.value[1];
        }
    }
    if (status != RS_OK)
        end_process(h);
    return status;
}

static rs_status xrt_wave(void *handle, const char *file, struct rs_error *err)
{
    (void)handle;
    (void)file;
    return rs_fail(err, RS_ERR_UNSUPPORTED, "target xrt has no waveforms; sim has");
}

static rs_status xrt_power(void *handle, double *watts, struct rs_error *err)
{
    struct handle *h = handle;
    struct xrt_reply reply;
    rs_status status = ask(h, &(struct xrt_request){.op = XRT_POWER}, &reply, h->uri.wait_seconds, err);

    if (status == RS_OK)
        *watts = 1e-6 * (double)reply.value[0];
    return status;
}

const struct rs_backend rs_backend_xrt = {
    .kind = "xrt", .open = xrt_open_device, .close = xrt_close, .config = xrt_config, .describe = xrt_describe,
    .alloc = xrt_alloc, .release = xrt_release, .write = xrt_write, .read = xrt_read, .start = xrt_start, .step = xrt_step,
    .status = xrt_status, .clocks = xrt_clocks, .contention = xrt_contention, .reset = xrt_reset, .wave = xrt_wave,
    .refine = xrt_refine, .power = xrt_power,
};
