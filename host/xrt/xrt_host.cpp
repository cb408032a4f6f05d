/*
 * xrt_host.cpp - rs_xrt_host: holds one card through XRT's native C++ API for back end `xrt` (xrt_ipc.h).
 *
 * C++ because that is the interface that XRT keeps: since 2026 its manual has no C one.  Nothing but calls that 2.13 and
 * later releases have.
 *
 * Two processes: the one that the library starts keeps, the other holds XRT, in a session of its own because XRT answers a
 * crash with a signal to its whole group.  When the other has ended, or the library has closed its end of the socket (or is
 * gone), the keeper ends what is left, device processes included, waits for all of it, and removes the folder.
 */
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>
#include <csignal>

#include <xrt.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

#include "xrt_ipc.h"

extern "C" {
#include "status.h"
#include "xrt_diagnose.h"
}

namespace {

uint8_t *stage;
xrt_open settings;

struct unit {
    std::unique_ptr<xrt::kernel> kernel;
    std::unique_ptr<xrt::run> run;
    std::vector<xrt::bo> arguments;         // sub-buffers live as long as the run
    bool running = false;
};

std::unique_ptr<xrt::device> device;
xrt::uuid loaded;
unit units[XRT_IPC_CORES];
std::map<uint64_t, xrt::bo> buffers;
uint64_t next_handle = 1;
int group = -1;

struct failure {
    rs_status status;
    std::string text;
};

[[noreturn]] void fail(rs_status status, const std::string &text)
{
    throw failure{status, text};
}

std::string where()
{
    return std::string("card ") + settings.card;
}

/* ---- registers --------------------------------------------------------------------------------- */

uint32_t read_register(const unit &u, uint32_t offset)
{
    return u.kernel->read_register(offset);
}

uint64_t read_register64(const unit &u, uint32_t offset)
{
    return read_register(u, offset) | uint64_t(read_register(u, offset + 4)) << 32;
}

/* ---- opening ----------------------------------------------------------------------------------- */

void open_card()
{
    const std::string card = settings.card;

    try {
        if (card.find_first_not_of("0123456789") == std::string::npos)
            device = std::make_unique<xrt::device>(unsigned(std::stoul(card)));
        else
            device = std::make_unique<xrt::device>(card);
    } catch (const std::exception &e) {
        char text[400];

        rs_xrt_no_card("/", settings.card, e.what(), text, sizeof text);
        fail(RS_ERR_DEVICE, text);
    }
}

/* On a card: was the xclbin made for the shell that it has? */
void check_shell()
{
    static const uint8_t none[16] = {};
    std::string have, want;
    char text[37];

    if (settings.emulation || memcmp(settings.interface_uuid, none, 16) == 0)
        return;
    try {
        have = device->get_info<xrt::info::device::interface_uuid>().to_string();
    } catch (const std::exception &) {
        return;                              // XRT does not say: its own check comes with the load
    }
    rs_xrt_uuid_text(settings.interface_uuid, text);
    want = text;
    if (have.empty() || have == want || have == "00000000-0000-0000-0000-000000000000")
        return;
    std::string name;
    try {
        name = device->get_info<xrt::info::device::name>();
    } catch (const std::exception &) {
        name = "unknown";
    }
    fail(RS_ERR_MISMATCH, where() + " has shell " + name + " (interface " + have + "), the xclbin was made for interface " + want +
         ": rebuild it for this platform, or `xbmgmt program --base` / `--shell`; on a U250 again after each power cycle");
}

void load()
{
    char want[37];

    try {
        loaded = device->load_xclbin(std::string(settings.xclbin));
    } catch (const std::system_error &e) {
        char text[400];

        rs_xrt_load_error(settings.card, settings.xclbin, e.code().value(), e.what(), text, sizeof text);
        fail(abs(e.code().value()) == EBUSY ? RS_ERR_BUSY : RS_ERR_DEVICE, text);
    } catch (const std::exception &e) {
        fail(RS_ERR_DEVICE, where() + ": " + settings.xclbin + " could not be loaded: " + e.what());
    }
    rs_xrt_uuid_text(settings.uuid, want);
    if (loaded.to_string() != want)
        fail(RS_ERR_BUSY, where() + ": loaded is xclbin " + loaded.to_string() + ", wanted " + want + ": stop the other process");
}

void open_unit(unit &u, const char *name)
{
    const auto mode = settings.shared_cu ? xrt::kernel::cu_access_mode::shared : xrt::kernel::cu_access_mode::exclusive;

    try {
        u.kernel = std::make_unique<xrt::kernel>(*device, loaded, name, mode);
        u.run = std::make_unique<xrt::run>(*u.kernel);
    } catch (const std::system_error &e) {
        if (abs(e.code().value()) == EBUSY || abs(e.code().value()) == EAGAIN)
            fail(RS_ERR_BUSY, where() + ": another process holds compute unit " + name + ": stop it, use another unit (cu=), or "
                 "open it in all processes with shared_cu=1");
        fail(RS_ERR_DEVICE, where() + ": compute unit " + name + " could not be opened: " + e.what());
    } catch (const std::exception &e) {
        fail(RS_ERR_DEVICE, where() + ": compute unit " + name + " could not be opened: " + e.what());
    }
}

/* All pointers of all units in one group of memory banks: a buffer serves any of them. */
void find_group()
{
    for (uint32_t c = 0; c < settings.n_cus; c++)
        for (uint32_t i = 0; i < settings.n_pointers; i++) {
            int g;

            try {
                g = units[c].kernel->group_id(int(i));
            } catch (const std::exception &e) {
                fail(RS_ERR_MISMATCH, std::string(settings.cu[c]) + ": argument " + std::to_string(i) +
                     " is connected to no memory bank: " + e.what());
            }
            if (g < 0 || g == 65535)
                fail(RS_ERR_MISMATCH, std::string(settings.cu[c]) + ": argument " + std::to_string(i) +
                     " is connected to no memory bank (group " + std::to_string(g) + "); link it with sp=");
            if (group >= 0 && g != group)
                fail(RS_ERR_MISMATCH, std::string(settings.cu[c]) + ": argument " + std::to_string(i) + " is in memory group " +
                     std::to_string(g) + ", others are in group " + std::to_string(group) +
                     ": open the units as devices of their own, or link them to the same banks with sp=");
            group = g;
        }
}

void open_device(xrt_reply &reply)
{
    memcpy(&settings, stage, sizeof settings);
    open_card();
    check_shell();
    load();
    for (uint32_t c = 0; c < settings.n_cus; c++)
        open_unit(units[c], settings.cu[c]);
    find_group();
    reply.registers = !settings.shared_cu;
    for (uint32_t c = 0; c < settings.n_cus && reply.registers; c++) {
        reply.value[3 * c] = read_register(units[c], settings.magic_register);
        reply.value[3 * c + 1] = read_register(units[c], settings.version_register);
        reply.value[3 * c + 2] = read_register(units[c], settings.config_register);
    }
}

/* ---- memory ------------------------------------------------------------------------------------ */

xrt::bo &buffer(uint64_t handle)
{
    const auto found = buffers.find(handle);

    if (found == buffers.end())
        fail(RS_ERR_ARG, "no buffer " + std::to_string(handle));
    return found->second;
}

void allocate(const xrt_request &request, xrt_reply &reply)
{
    try {
        xrt::bo bo(*device, size_t(request.bytes), xrt::bo::flags::normal, xrt::memory_group(group));

        reply.value[1] = bo.address();
        reply.value[0] = next_handle;
        buffers.emplace(next_handle++, std::move(bo));
    } catch (const std::exception &e) {
        fail(RS_ERR_NOMEM, where() + ": no device buffer of " + std::to_string(request.bytes) + " bytes in memory group " +
             std::to_string(group) + ": " + e.what());
    }
}

/* ---- runs -------------------------------------------------------------------------------------- */

void start(const xrt_request &request)
{
    unit &u = units[request.core];

    u.arguments.clear();
    for (uint32_t i = 0; i < settings.n_pointers; i++) {
        xrt::bo &whole = buffer(request.base[i].handle);
        const size_t offset = size_t(request.base[i].offset);

        if (offset == 0)
            u.arguments.push_back(whole);
        else
            u.arguments.emplace_back(whole, whole.size() - offset, offset);
        u.run->set_arg(int(i), u.arguments.back());
    }
    u.run->set_arg(int(settings.n_pointers), request.count);
    u.run->start();
    u.running = true;
}

/* Has the run ended?  A state that is no success is an error with its name. */
bool ended(unit &u, uint32_t core, ert_cmd_state state)
{
    switch (state) {
    case ERT_CMD_STATE_NEW: case ERT_CMD_STATE_QUEUED: case ERT_CMD_STATE_RUNNING: case ERT_CMD_STATE_SUBMITTED:
        return false;
    case ERT_CMD_STATE_COMPLETED:
        u.running = false;
        return true;
    default:
        u.running = false;
        fail(RS_ERR_DEVICE, where() + ", " + settings.cu[core] + ": the run ended in state " + rs_xrt_state_name(int(state)) +
             ", expected COMPLETED; outputs not returned");
    }
}

void step(const xrt_request &request, xrt_reply &reply)
{
    using clock = std::chrono::steady_clock;
    const auto until = clock::now() + std::chrono::milliseconds(request.timeout_ms);
    unsigned running = 0;

    for (uint32_t c = 0; c < settings.n_cus; c++)
        running += units[c].running;
    /* In XRT's emulation wait() knows no timeout, so the state is asked for; a card's driver wakes us. */
    do {
        if (settings.emulation)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        for (uint32_t c = 0; c < settings.n_cus; c++) {
            unit &u = units[c];

            if (!u.running)
                continue;
            if (!settings.emulation)
                u.run->wait(std::chrono::milliseconds(running > 1 ? 1 : std::max(1u, request.timeout_ms)));
            if (ended(u, c, u.run->state()))
                reply.done |= 1u << c;
        }
    } while (reply.done == 0 && clock::now() < until);
    reply.registers = !settings.shared_cu;
    for (uint32_t c = 0; c < settings.n_cus && reply.registers; c++)
        reply.value[c] = read_register64(units[c], settings.cycles_register);
}

void registers(const xrt_request &request, xrt_reply &reply)
{
    if (settings.shared_cu)
        fail(RS_ERR_UNSUPPORTED, "registers of a shared compute unit cannot be read");
    reply.value[0] = read_register(units[request.core], settings.status_register);
    reply.value[1] = read_register64(units[request.core], settings.address_register);
    reply.value[2] = read_register64(units[request.core], settings.cycles_register);
}

void power(xrt_reply &reply)
{
    std::string text;
    double watts;

    try {
        text = device->get_info<xrt::info::device::electrical>();
    } catch (const std::exception &e) {
        fail(RS_ERR_UNSUPPORTED, where() + " gives no power reading: " + e.what());
    }
    if (!rs_xrt_power_of(text.c_str(), &watts))
        fail(RS_ERR_UNSUPPORTED, where() + " gives no power reading");
    reply.value[0] = uint64_t(watts * 1e6);
}

/* ---- requests ---------------------------------------------------------------------------------- */

void close_device()
{
    for (unit &u : units) {
        u.run.reset();
        u.kernel.reset();
        u.arguments.clear();
    }
    buffers.clear();
    device.reset();
}

void serve(const xrt_request &request, xrt_reply &reply)
{
    if (request.op != XRT_OPEN && request.op != XRT_CLOSE && !device)
        fail(RS_ERR_DEVICE, "no card is open");
    if (request.core >= XRT_IPC_CORES || request.bytes > XRT_IPC_STAGE_BYTES) {
        if (request.op != XRT_ALLOC)
            fail(RS_ERR_ARG, "request out of range");
    }
    switch (request.op) {
    case XRT_OPEN:  open_device(reply); break;
    case XRT_ALLOC: allocate(request, reply); break;
    case XRT_FREE:  buffers.erase(request.handle); break;
    case XRT_WRITE:
        buffer(request.handle).write(stage, size_t(request.bytes), size_t(request.offset));
        buffer(request.handle).sync(XCL_BO_SYNC_BO_TO_DEVICE, size_t(request.bytes), size_t(request.offset));
        break;
    case XRT_READ:
        buffer(request.handle).sync(XCL_BO_SYNC_BO_FROM_DEVICE, size_t(request.bytes), size_t(request.offset));
        buffer(request.handle).read(stage, size_t(request.bytes), size_t(request.offset));
        break;
    case XRT_START:     start(request); break;
    case XRT_STEP:      step(request, reply); break;
    case XRT_REGISTERS: registers(request, reply); break;
    case XRT_POWER:     power(reply); break;
    case XRT_CLOSE:     close_device(); break;
    default:            fail(RS_ERR_ARG, "unknown request " + std::to_string(request.op));
    }
}

bool transfer(void *data, size_t bytes, bool out)
{
    char *at = static_cast<char *>(data);

    while (bytes != 0) {
        const ssize_t n = out ? send(XRT_IPC_SOCKET, at, bytes, MSG_NOSIGNAL) : recv(XRT_IPC_SOCKET, at, bytes, 0);

        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? n : 0;
        bytes -= n > 0 ? size_t(n) : 0;
    }
    return true;
}

} // namespace

/* ---- the keeper -------------------------------------------------------------------------------- */

namespace {

void nothing(int)
{
}

/* Until nothing is left.  A device process ends by itself when XRT is gone; what does not is killed. */
void reap_all(pid_t worker)
{
    kill(worker, SIGKILL);
    for (int ms = 0; ms < 3000; ms++) {
        const pid_t pid = waitpid(-1, nullptr, WNOHANG);

        if (pid < 0 && errno == ECHILD)
            return;
        if (pid > 0)
            continue;
        if (ms == 500)
            kill(-worker, SIGKILL);
        usleep(1000);
    }
}

int keep(pid_t worker)
{
    const char *folder = getenv("ROWSTATION_EMU_DIR");
    struct pollfd p = {XRT_IPC_SOCKET, POLLRDHUP, 0};
    sigset_t none;
    int status = 0;

    sigemptyset(&none);
    while (waitpid(worker, &status, WNOHANG) != worker)
        if (ppoll(&p, 1, nullptr, &none) > 0) {
            status = 0;
            break;
        }
    reap_all(worker);
    if (folder != nullptr && strncmp(folder, "/tmp/rowstation-", 16) == 0 && poll(&p, 1, 0) > 0) {
        execlp("rm", "rm", "-rf", folder, nullptr);
        _exit(1);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

int main()
{
    xrt_request request;

    stage = static_cast<uint8_t *>(mmap(nullptr, XRT_IPC_STAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, XRT_IPC_MEMORY, 0));
    if (stage == MAP_FAILED) {
        fprintf(stderr, "rs_xrt_host: started by the back end `xrt` of librowstation, not by people\n");
        return 2;
    }
    /* SIGCHLD only while the keeper waits, so that none is missed. */
    sigset_t child, old;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &old);
    struct sigaction action = {};
    action.sa_handler = nothing;
    sigaction(SIGCHLD, &action, nullptr);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t worker = fork();
    if (worker != 0)
        return worker < 0 ? 3 : keep(worker);
    setsid();
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, nullptr);

    while (transfer(&request, sizeof request, false)) {
        xrt_reply reply = {};

        try {
            serve(request, reply);
        } catch (const failure &f) {
            reply.status = f.status;
            snprintf(reply.text, sizeof reply.text, "%s", f.text.c_str());
        } catch (const std::exception &e) {
            reply.status = RS_ERR_DEVICE;
            snprintf(reply.text, sizeof reply.text, "card %.31s: XRT: %s", settings.card, e.what());
        }
        if (!transfer(&reply, sizeof reply, true))
            break;
        if (request.op == XRT_CLOSE)
            break;
    }
    _exit(0);                                /* static destructors of XRT crash if a device is open */
}
