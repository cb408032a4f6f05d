/*
 * sim_server.cpp - rs_sim_PRESET: one simulated card, Verilated cores in a SystemC platform.
 *
 *     card (SC_METHOD on every clock edge: cores, AXI and timing of board.c and memory.c)
 *       | tlm_initiator_socket: one transaction a beat
 *     device_memory (tlm_target_socket: the bytes)
 *
 * Started by librs_sim_PRESET.so, a process for each platform: SystemC has one simulation context
 * a process, and this way platforms are independent, run in parallel, and cannot take the
 * host program down with them.  Ends when the other end of the socket is closed.
 */
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include "cores.h"
#include "sim_ipc.h"
#include "storage.h"

namespace {

constexpr unsigned bus_bits = 8 * RS_AXI_BYTES;

/* TLM-2.0 target: the bytes of the device memory, addressed from 0. */
class device_memory : public sc_core::sc_module {
public:
    tlm_utils::simple_target_socket<device_memory, bus_bits> socket{"socket"};

    device_memory(const sc_core::sc_module_name &name, const storage &bytes)
        : sc_module(name), bytes_(bytes)
    {
        socket.register_b_transport(this, &device_memory::transport);
    }

private:
    void transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &)
    {
        const uint64_t offset = payload.get_address();
        const unsigned length = payload.get_data_length();

        if (offset > bytes_.bytes || length > bytes_.bytes - offset || length > RS_AXI_BYTES) {
            payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            return;
        }
        if (payload.is_read()) {
            storage_read(&bytes_, offset, payload.get_data_ptr(), length);
        } else {
            uint64_t strobe = UINT64_MAX;

            if (payload.get_byte_enable_ptr() != nullptr) {
                strobe = 0;
                for (unsigned i = 0; i < length; i++)
                    if (payload.get_byte_enable_ptr()[i % payload.get_byte_enable_length()] != 0)
                        strobe |= UINT64_C(1) << i;
            }
            storage_write(&bytes_, offset, payload.get_data_ptr(), strobe, length);
        }
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
    }

    storage bytes_;
};

class card : public sc_core::sc_module {
public:
    tlm_utils::simple_initiator_socket<card, bus_bits> socket{"socket"};
    board pins{};
    memory *timing = nullptr;
    struct cores *cores = nullptr;

    card(const sc_core::sc_module_name &name, const rs_platform_options &options)
        : sc_module(name), options_(options), period_(4, sc_core::SC_NS)
    {
        SC_HAS_PROCESS(card);
        SC_METHOD(edge);
        sensitive << tick_;
        dont_initialize();
        tick_.notify(period_);
    }

    ~card() override
    {
        rtl_cores.destroy(cores);
        memory_destroy(timing);
    }

    /* Elaboration is over: build what is inside, and pass through reset. */
    bool start(char *text, size_t text_bytes)
    {
        memory_options m = board_memory_options(&options_);
        const board_owner owner = {clock_cores, run, this};

        m.read = read_beat;
        m.write = write_beat;
        m.context = this;
        timing = memory_create(&m, text, text_bytes);
        if (timing == nullptr)
            return false;
        cores = rtl_cores.create(options_.n_cores);
        board_init(&pins, &owner, timing, options_.n_cores);
        return true;
    }

private:
    void edge()
    {
        tick_.notify(period_);
        if (board_clock(&pins) || ((pins.clocks & 0xFFFF) == 0 && host_is_gone()))
            sc_core::sc_pause();
    }

    static bool host_is_gone()
    {
        pollfd p = {SIM_FD_SOCKET, 0, 0};

        if (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0)
            _exit(0);
        return false;
    }

    static void run(void *, board *)
    {
        sc_core::sc_start();
    }

    static void clock_cores(void *context, const core_in *in, core_out *out)
    {
        rtl_cores.clock(static_cast<card *>(context)->cores, in, out);
    }

    void transact(tlm::tlm_command command, uint64_t offset, uint8_t *data, uint32_t bytes,
                  uint8_t *enable)
    {
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;

        payload_.set_command(command);
        payload_.set_address(offset);
        payload_.set_data_ptr(data);
        payload_.set_data_length(bytes);
        payload_.set_streaming_width(bytes);
        payload_.set_byte_enable_ptr(enable);
        payload_.set_byte_enable_length(enable != nullptr ? bytes : 0);
        payload_.set_dmi_allowed(false);
        payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        socket->b_transport(payload_, delay);
        if (payload_.is_response_error())
            SC_REPORT_FATAL("card", payload_.get_response_string().c_str());
    }

    static void read_beat(void *context, uint64_t offset, uint8_t *to, uint32_t bytes)
    {
        static_cast<card *>(context)->transact(tlm::TLM_READ_COMMAND, offset, to, bytes, nullptr);
    }

    static void write_beat(void *context, uint64_t offset, const uint8_t *from, uint64_t strobe,
                           uint32_t bytes)
    {
        const uint64_t all = bytes == 64 ? UINT64_MAX : (UINT64_C(1) << bytes) - 1;
        uint8_t enable[MEMORY_MAX_BEAT_BYTES];

        for (uint32_t i = 0; i < bytes && (strobe & all) != all; i++)
            enable[i] = (strobe >> i & 1) != 0 ? TLM_BYTE_ENABLED : TLM_BYTE_DISABLED;
        static_cast<card *>(context)->transact(tlm::TLM_WRITE_COMMAND, offset,
                                               const_cast<uint8_t *>(from), bytes,
                                               (strobe & all) != all ? enable : nullptr);
    }

    rs_platform_options options_;
    sc_core::sc_time period_;
    sc_core::sc_event tick_;
    tlm::tlm_generic_payload payload_;
};

/* ---- the other process ------------------------------------------------------------------- */

bool receive(sim_request *request)
{
    char *at = reinterpret_cast<char *>(request);

    for (size_t n = 0; n < sizeof *request; ) {
        const ssize_t got = recv(SIM_FD_SOCKET, at + n, sizeof *request - n, 0);

        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        n += got > 0 ? static_cast<size_t>(got) : 0;
    }
    return true;
}

bool answer(sim_reply *reply, const card *c)
{
    const char *at = reinterpret_cast<const char *>(reply);

    reply->can_trace = rtl_cores.can_wave;
    if (c != nullptr && c->timing != nullptr) {
        reply->clocks = c->pins.clocks;
        reply->interrupts = board_interrupts(&c->pins);
        for (uint32_t i = 0; i < c->pins.n_cores; i++)
            reply->contention[i] = memory_contention(c->timing, i);
        if (reply->ok && memory_violation(c->timing) != nullptr) {
            reply->violated = true;
            snprintf(reply->text, sizeof reply->text, "%s", memory_violation(c->timing));
        }
    }
    for (size_t n = 0; n < sizeof *reply; ) {
        const ssize_t put = send(SIM_FD_SOCKET, at + n, sizeof *reply - n, MSG_NOSIGNAL);

        if (put < 0 && errno != EINTR)
            return false;
        n += put > 0 ? static_cast<size_t>(put) : 0;
    }
    return true;
}

bool obey(card &c, const sim_request &request, sim_reply *reply)
{
    switch (request.op) {
    case SIM_REG_WRITE:
        return board_reg_write(&c.pins, request.core, request.offset, request.value);
    case SIM_REG_READ:
        return board_reg_read(&c.pins, request.core, request.offset, &reply->value);
    case SIM_ADVANCE:
        board_advance(&c.pins, request.max_clocks);
        return true;
    case SIM_WAVE:
        return rtl_cores.wave(c.cores, request.file[0] != '\0' ? request.file : nullptr);
    default:
        return false;
    }
}

} // namespace

int sc_main(int, char **)
{
    sim_request request;
    sim_reply reply{};
    storage bytes{};

    signal(SIGINT, SIG_IGN);                         /* the host program decides           */
    if (!receive(&request)) {
        fprintf(stderr, "rs_sim: started by librs_sim_PRESET.so, not by hand\n");
        return 2;
    }
    if (request.op != SIM_CREATE || request.protocol != SIM_PROTOCOL) {
        snprintf(reply.text, sizeof reply.text, "the simulator process was built from another "
                 "configuration than the library that started it; build both again");
        return answer(&reply, nullptr) ? 2 : 1;
    }
    if (!storage_open(&bytes, request.options.mem_bytes, SIM_FD_MEMORY)) {
        snprintf(reply.text, sizeof reply.text, "cannot map the device memory: %s",
                 strerror(errno));
        return answer(&reply, nullptr) ? 2 : 1;
    }

    device_memory memory("memory", bytes);
    card c("card", request.options);

    c.socket.bind(memory.socket);
    reply.ok = c.start(reply.text, sizeof reply.text);
    if (!answer(&reply, &c) || !reply.ok)
        return 1;
    while (receive(&request)) {
        reply = sim_reply{};
        reply.ok = obey(c, request, &reply);
        if (!answer(&reply, &c))
            break;
    }
    rtl_cores.wave(c.cores, nullptr);
    return 0;
}
