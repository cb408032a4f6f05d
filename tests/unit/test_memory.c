/* test_memory.c - the AXI memory model: exact timing, ordering, sharing, refusals, hostility. */
#include <inttypes.h>
#include "../test.h"
#include "../../sim/memory.h"
#include "../../sim/storage.h"

#define BASE  UINT64_C(0x4000000000)
#define BYTES (UINT64_C(1) << 20)
#define BEAT  64

/* ---- a memory with ports that the test drives by hand ------------------------------------- */

static struct storage storage;
static struct memory *memory;
static struct axi_from_core port[2];
static uint8_t w_data[2][BEAT];
static uint64_t edge;                           /* number of the next edge                     */

static bool setup(struct rs_mem_timing timing, uint32_t n_ports, uint32_t beat_bytes)
{
    char text[200];
    struct memory_options o = {
        .timing = timing, .base = BASE, .bytes = BYTES, .n_ports = n_ports,
        .beat_bytes = beat_bytes, .read = storage_read, .write = storage_write,
        .context = &storage,
    };

    memset(port, 0, sizeof port);
    for (int i = 0; i < 2; i++) {
        port[i].ar_burst = port[i].aw_burst = 1;
        port[i].ar_size = port[i].aw_size = (uint8_t)__builtin_ctz(beat_bytes);
        port[i].w_data = w_data[i];
        port[i].w_strb = UINT64_MAX;
    }
    edge = 0;
    if (!storage_open(&storage, BYTES, -1))
        return false;
    for (uint64_t i = 0; i < BYTES; i++)
        storage.data[i] = (uint8_t)(i * 7 + i / 251);
    memory = memory_create(&o, text, sizeof text);
    return memory != NULL;
}

static void teardown(void)
{
    memory_destroy(memory);
    memory = NULL;
    storage_close(&storage);
}

static void step(void)
{
    memory_clock(memory, port);
    edge++;
}

static const struct axi_to_core *out(int i)
{
    return memory_output(memory, (uint32_t)i);
}

/* Drives one address until it has transferred; returns the edge at which it did. */
static uint64_t send_ar(int i, uint64_t address, uint32_t beats)
{
    bool taken = false;

    port[i].ar_valid = true;
    port[i].ar_addr = address;
    port[i].ar_len = (uint8_t)(beats - 1);
    for (int n = 0; n < 10000 && !taken; n++) {
        taken = out(i)->ar_ready;
        step();
    }
    port[i].ar_valid = false;
    return edge - 1;
}

static uint64_t send_aw(int i, uint64_t address, uint32_t beats)
{
    bool taken = false;

    port[i].aw_valid = true;
    port[i].aw_addr = address;
    port[i].aw_len = (uint8_t)(beats - 1);
    for (int n = 0; n < 10000 && !taken; n++) {
        taken = out(i)->aw_ready;
        step();
    }
    port[i].aw_valid = false;
    return edge - 1;
}

static uint64_t send_w(int i, uint8_t fill, bool last)
{
    bool taken = false;

    port[i].w_valid = true;
    port[i].w_last = last;
    memset(w_data[i], fill, BEAT);
    for (int n = 0; n < 10000 && !taken; n++) {
        taken = out(i)->w_ready;
        step();
    }
    port[i].w_valid = false;
    return edge - 1;
}

static uint64_t take_r(int i, struct axi_to_core *got)
{
    bool taken = false;

    port[i].r_ready = true;
    for (int n = 0; n < 10000 && !taken; n++) {
        taken = out(i)->r_valid;
        *got = *out(i);
        step();
    }
    port[i].r_ready = false;
    return edge - 1;
}

static uint64_t take_b(int i, uint8_t *resp)
{
    bool taken = false;

    port[i].b_ready = true;
    for (int n = 0; n < 10000 && !taken; n++) {
        taken = out(i)->b_valid;
        *resp = out(i)->b_resp;
        step();
    }
    port[i].b_ready = false;
    return edge - 1;
}

/* ---- timing -------------------------------------------------------------------------------- */

TEST(first_beat_comes_latency_edges_after_the_address)
{
    static const uint32_t cycles[] = {1, 2, 3, 40, 100, 1000};

    for (size_t k = 0; k < sizeof cycles / sizeof cycles[0]; k++) {
        struct axi_to_core r;
        uint64_t asked, got;

        MUST(setup((struct rs_mem_timing){.latency_cycles = cycles[k]}, 1, BEAT), "setup");
        asked = send_ar(0, BASE + 0x140, 1);
        got = take_r(0, &r);
        CHECK(got - asked == cycles[k], "latency %u: %" PRIu64, cycles[k], got - asked);
        CHECK(r.r_last && r.r_resp == AXI_OKAY, "last %d resp %d", r.r_last, r.r_resp);
        CHECK(memcmp(r.r_data, storage.data + 0x140, BEAT) == 0, "wrong data");
        teardown();
    }
}

TEST(b_comes_latency_edges_after_the_last_beat)
{
    static const uint32_t cycles[] = {1, 2, 3, 40, 100, 1000};

    for (size_t k = 0; k < sizeof cycles / sizeof cycles[0]; k++) {
        uint64_t sent, got;
        uint8_t resp;

        MUST(setup((struct rs_mem_timing){.latency_cycles = cycles[k]}, 1, BEAT), "setup");
        send_aw(0, BASE + 0x1000, 2);
        send_w(0, 0x11, false);
        sent = send_w(0, 0x22, true);
        CHECK(cycles[k] == 1 || storage.data[0x1000] != 0x11, "latency %u: visible before B", cycles[k]);
        got = take_b(0, &resp);
        CHECK(got - sent == cycles[k], "latency %u: %" PRIu64, cycles[k], got - sent);
        CHECK(resp == AXI_OKAY, "resp %d", resp);
        CHECK(storage.data[0x1000] == 0x11 && storage.data[0x107F] == 0x22, "not written");
        teardown();
    }
}

TEST(write_is_visible_when_b_is_offered_and_not_before)
{
    MUST(setup((struct rs_mem_timing){.latency_cycles = 50}, 1, BEAT), "setup");
    send_aw(0, BASE, 1);
    send_w(0, 0x5A, true);
    for (int n = 0; n < 1000 && !out(0)->b_valid; n++) {
        CHECK(storage.data[0] != 0x5A, "visible at edge %" PRIu64, edge);
        step();
    }
    CHECK(out(0)->b_valid && storage.data[0] == 0x5A, "not visible at B");
    teardown();
}

/* Beats of back-to-back bursts: beat i moves floor(i * beat / rate) clocks after beat 0. */
static void read_rate(uint32_t bytes_per_cycle, uint32_t beat_bytes)
{
    const uint32_t beats = 16, n_bursts = 12;
    uint64_t first = 0, sent = 0, got = 0;

    MUST(setup((struct rs_mem_timing){.latency_cycles = 20, .bytes_per_cycle = bytes_per_cycle},
               1, beat_bytes), "setup");
    port[0].r_ready = true;
    for (int n = 0; n < 20000 && got < n_bursts * beats; n++) {
        const bool take = out(0)->r_valid, taken = sent < n_bursts && out(0)->ar_ready;

        port[0].ar_valid = sent < n_bursts;
        port[0].ar_addr = BASE + sent * beats * beat_bytes;
        port[0].ar_len = (uint8_t)(beats - 1);
        if (take) {
            uint64_t want = got * beat_bytes / bytes_per_cycle;

            if (got == 0)
                first = edge;
            if (bytes_per_cycle > beat_bytes)
                want = got;
            CHECK(edge - first == want, "%u B/clock, bus %u, beat %" PRIu64 ": clock %" PRIu64
                  ", want %" PRIu64, bytes_per_cycle, beat_bytes, got, edge - first, want);
            CHECK(memcmp(out(0)->r_data, storage.data + got * beat_bytes, beat_bytes) == 0,
                  "beat %" PRIu64 ": wrong data", got);
            CHECK(out(0)->r_last == (got % beats == beats - 1), "beat %" PRIu64 ": last", got);
            got++;
        }
        step();
        sent += taken;
    }
    CHECK(got == n_bursts * beats, "got %" PRIu64 " beats", got);
    CHECK(memory_violation(memory) == NULL, "%s", memory_violation(memory));
    teardown();
}

TEST(reads_move_exactly_the_bandwidth)
{
    static const uint32_t rate[] = {1, 7, 13, 16, 32, 48, 63, 64, 128};

    for (size_t k = 0; k < sizeof rate / sizeof rate[0]; k++)
        for (uint32_t beat = 16; beat <= 64; beat *= 2)
            read_rate(rate[k], beat);
}

TEST(writes_move_exactly_the_bandwidth)
{
    static const uint32_t rate[] = {1, 16, 48, 64};
    const uint32_t beats = 8, n_bursts = 6;

    for (size_t k = 0; k < sizeof rate / sizeof rate[0]; k++) {
        uint64_t first = 0, sent = 0, moved = 0, finished = 0;

        MUST(setup((struct rs_mem_timing){.latency_cycles = 9, .bytes_per_cycle = rate[k]},
                   1, BEAT), "setup");
        port[0].b_ready = true;
        for (int n = 0; n < 20000 && finished < n_bursts; n++) {
            const bool aw = sent < n_bursts && out(0)->aw_ready;
            bool w;

            port[0].aw_valid = sent < n_bursts;
            port[0].aw_addr = BASE + sent * beats * BEAT;
            port[0].aw_len = (uint8_t)(beats - 1);
            port[0].w_valid = moved < n_bursts * beats;
            port[0].w_last = moved % beats == beats - 1;
            memset(w_data[0], (int)(moved + 1), BEAT);
            w = port[0].w_valid && out(0)->w_ready;
            if (w) {
                if (moved == 0)
                    first = edge;
                CHECK(edge - first == moved * BEAT / rate[k], "%u B/clock, beat %" PRIu64
                      ": clock %" PRIu64, rate[k], moved, edge - first);
            }
            finished += out(0)->b_valid;
            step();
            sent += aw;
            moved += w;
        }
        CHECK(finished == n_bursts, "%" PRIu64 " answered", finished);
        for (uint32_t b = 0; b < beats * n_bursts; b++)
            CHECK(storage.data[b * BEAT + 63] == b + 1, "beat %u", b);
        CHECK(memory_violation(memory) == NULL, "%s", memory_violation(memory));
        teardown();
    }
}

TEST(no_more_than_max_outstanding_are_accepted)
{
    struct axi_to_core r;
    uint32_t accepted = 0;
    uint8_t resp;

    MUST(setup((struct rs_mem_timing){.max_outstanding = 3}, 1, BEAT), "setup");
    port[0].ar_valid = true;
    port[0].ar_addr = BASE;
    for (int n = 0; n < 300; n++) {
        accepted += out(0)->ar_ready;
        step();
    }
    CHECK(accepted == 3, "%u reads", accepted);
    port[0].ar_valid = false;                   /* (a violation, and not what is tested)       */
    take_r(0, &r);
    CHECK(out(0)->ar_ready, "no room after a read has ended");
    accepted = 0;
    for (int n = 0; n < 3; n++, accepted++)
        send_aw(0, BASE, 1);
    CHECK(!out(0)->aw_ready, "a fourth write");
    send_w(0, 1, true);
    take_b(0, &resp);
    CHECK(out(0)->aw_ready, "no room after B");
    teardown();
}

/* Reads and writes at once: together or each at 64 bytes a clock. */
static void both_ways(bool shared)
{
    const uint32_t n_beats = 640, beats = 16;
    uint64_t ar = 0, aw = 0, r = 0, w = 0, start = 0, clocks;

    MUST(setup((struct rs_mem_timing){.latency_cycles = 5, .shared_bandwidth = shared}, 1, BEAT),
         "setup");
    port[0].r_ready = port[0].b_ready = true;
    for (int n = 0; n < 20000 && (r < n_beats || w < n_beats); n++) {
        const bool take_ar = ar < n_beats && out(0)->ar_ready;
        const bool take_aw = aw < n_beats && out(0)->aw_ready;
        const bool take_w = w < n_beats && out(0)->w_ready;

        port[0].ar_valid = ar < n_beats;
        port[0].ar_addr = BASE + ar * BEAT;
        port[0].ar_len = port[0].aw_len = (uint8_t)(beats - 1);
        port[0].aw_valid = aw < n_beats;
        port[0].aw_addr = BASE + BYTES / 2 + aw * BEAT;
        port[0].w_valid = w < n_beats;
        port[0].w_last = w % beats == beats - 1;
        if (w + r == 0)
            start = edge;
        r += out(0)->r_valid;
        step();
        ar += take_ar ? beats : 0;
        aw += take_aw ? beats : 0;
        w += take_w;
    }
    clocks = edge - start;
    CHECK(r == n_beats && w == n_beats, "moved %" PRIu64 " and %" PRIu64, r, w);
    CHECK(shared ? clocks >= 2 * n_beats && clocks < 2 * n_beats + 10
                 : clocks >= n_beats && clocks < n_beats + 10,
          "shared %d: %" PRIu64 " clocks", shared, clocks);
    CHECK(memory_contention(memory, 0) == 0, "contention with itself");
    CHECK(memory_violation(memory) == NULL, "%s", memory_violation(memory));
    teardown();
}

TEST(both_directions_share_only_if_asked) { both_ways(false); both_ways(true); }

/* ---- two ports ----------------------------------------------------------------------------- */

/* Both ports read @n bursts each as fast as they can; returns clocks from first beat to last. */
static uint64_t two_readers(uint32_t bytes_per_cycle, uint32_t n, int active, uint64_t *contention,
                            int *longest_run)
{
    const uint32_t beats = 16;
    uint32_t sent[2] = {0}, got[2] = {0};
    uint64_t start = 0;
    int run = 0, last = -1;

    *longest_run = 0;
    if (!setup((struct rs_mem_timing){.latency_cycles = 30, .bytes_per_cycle = bytes_per_cycle},
               2, BEAT))
        return 0;
    for (int k = 0; k < 100000; k++) {
        bool taken[2];

        if (got[0] + got[1] == (uint32_t)active * n * beats)
            break;
        for (int i = 0; i < 2; i++) {
            const bool more = i < active && sent[i] < n;

            port[i].r_ready = true;
            port[i].ar_valid = more;
            port[i].ar_addr = BASE + (uint64_t)i * BYTES / 2 + sent[i] * beats * BEAT;
            port[i].ar_len = (uint8_t)(beats - 1);
            taken[i] = more && out(i)->ar_ready;
            if (out(i)->r_valid) {
                CHECK(memcmp(out(i)->r_data, storage.data + (size_t)i * BYTES / 2 + got[i] * BEAT,
                             BEAT) == 0, "port %d beat %u", i, got[i]);
                if (got[0] + got[1] == 0)
                    start = edge;
                got[i]++;
                run = last == i ? run + 1 : 1;
                last = i;
                *longest_run = run > *longest_run ? run : *longest_run;
            }
        }
        step();
        sent[0] += taken[0];
        sent[1] += taken[1];
    }
    for (int i = 0; i < active; i++)
        CHECK(got[i] == n * beats, "port %d got %u", i, got[i]);
    for (uint32_t i = 0; i < 2; i++)
        contention[i] = memory_contention(memory, i);
    teardown();
    return edge - start;
}

TEST(two_ports_take_turns_burst_by_burst)
{
    uint64_t contention[2];
    int run;
    const uint64_t clocks = two_readers(64, 20, 2, contention, &run);

    CHECK(clocks == 2 * 20 * 16, "%" PRIu64 " clocks", clocks);
    CHECK(run == 16, "%d beats in a row", run);
    CHECK(contention[0] >= 19 * 16 && contention[0] <= 20 * 16, "%" PRIu64, contention[0]);
    CHECK(contention[1] >= 20 * 16 && contention[1] <= 21 * 16, "%" PRIu64, contention[1]);
}

TEST(two_ports_do_not_disturb_each_other_with_twice_the_bandwidth)
{
    uint64_t contention[2];
    int run;
    const uint64_t clocks = two_readers(128, 20, 2, contention, &run);

    CHECK(clocks == 20 * 16, "%" PRIu64 " clocks", clocks);
    CHECK(contention[0] == 0 && contention[1] == 0, "%" PRIu64 " and %" PRIu64, contention[0],
          contention[1]);
}

TEST(one_port_alone_has_no_contention)
{
    uint64_t contention[2];
    int run;
    const uint64_t clocks = two_readers(32, 20, 1, contention, &run);

    CHECK(clocks == 2 * 20 * 16 - 1, "%" PRIu64 " clocks", clocks);
    CHECK(contention[0] == 0 && contention[1] == 0, "%" PRIu64 " and %" PRIu64, contention[0],
          contention[1]);
}

TEST(a_stalled_port_leaves_the_bandwidth_to_the_other)
{
    uint32_t got = 0;

    MUST(setup((struct rs_mem_timing){.latency_cycles = 4}, 2, BEAT), "setup");
    send_ar(0, BASE, 16);                               /* never ready for R                   */
    for (int n = 0; n < 4; n++)
        send_ar(1, BASE, 16);
    port[1].r_ready = true;
    for (int n = 0; n < 80; n++) {
        got += out(1)->r_valid;
        step();
    }
    CHECK(got == 64, "%u beats", got);
    CHECK(out(0)->r_valid, "port 0 withdrew its beat");
    teardown();
}

/* ---- refusals ------------------------------------------------------------------------------ */

static void bad_read(const char *what, uint64_t address, uint32_t beats, uint8_t resp)
{
    struct axi_to_core r;

    send_ar(0, address, beats);
    for (uint32_t i = 0; i < beats; i++) {
        take_r(0, &r);
        CHECK(r.r_resp == resp, "%s: beat %u answers %u", what, i, r.r_resp);
        CHECK(r.r_last == (i == beats - 1), "%s: beat %u last %d", what, i, r.r_last);
    }
    CHECK(memory_violation(memory) != NULL && strstr(memory_violation(memory), what) != NULL,
          "want \"%s\", got: %s", what,
          memory_violation(memory) == NULL ? "nothing" : memory_violation(memory));
    teardown();
}

TEST(read_across_4_kib_is_refused)
{
    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    bad_read("AR burst of 128 bytes from 0x4000000fc0 crosses 4 KiB", BASE + 0xFC0, 2, AXI_SLVERR);
    MUST(setup((struct rs_mem_timing){0}, 1, 16), "setup");
    bad_read("AR burst of 4096 bytes from 0x4000000010 crosses 4 KiB", BASE + 0x10, 256,
             AXI_SLVERR);
}

TEST(narrow_or_fixed_bursts_are_refused)
{
    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    port[0].ar_size = 2;
    bad_read("ARSIZE says 4 bytes at 0x4000000000, the bus has 64", BASE, 1, AXI_SLVERR);
    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    port[0].ar_burst = 0;
    bad_read("ARBURST is 0 at 0x4000000040, only INCR (1) is allowed", BASE + 0x40, 3, AXI_SLVERR);
}

TEST(address_outside_is_a_decode_error)
{
    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    bad_read("AR 0x4000100000 is outside the memory, 0x4000000000 .. 0x40000fffff", BASE + BYTES,
             2, AXI_DECERR);
    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    bad_read("AR 0x3fffffffc0 is outside", BASE - 64, 1, AXI_DECERR);
    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    bad_read("AR 0x0 is outside", 0, 1, AXI_DECERR);
    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    bad_read("AR 0xffffffffffffffc0 is outside", UINT64_MAX - 63, 1, AXI_DECERR);
}

static void bad_write(const char *what, uint64_t address, uint32_t beats, uint32_t last_at,
                      uint64_t strobe, uint8_t want)
{
    uint8_t resp = 99, before[256];

    memcpy(before, storage.data, sizeof before);
    send_aw(0, address, beats);
    port[0].w_strb = strobe;
    for (uint32_t i = 0; i < beats; i++)
        send_w(0, 0xEE, i == last_at);
    take_b(0, &resp);
    CHECK(resp == want, "%s: answers %u", what, resp);
    CHECK(memcmp(before, storage.data, sizeof before) == 0, "%s: something was written", what);
    CHECK(memory_violation(memory) != NULL && strstr(memory_violation(memory), what) != NULL,
          "want \"%s\", got: %s", what,
          memory_violation(memory) == NULL ? "nothing" : memory_violation(memory));
    teardown();
}

TEST(bad_writes_are_refused_and_write_nothing)
{
    const struct rs_mem_timing t = {0};

    MUST(setup(t, 1, BEAT), "setup");
    bad_write("WLAST is 1 in beat 1 of a burst of 3", BASE, 3, 1, UINT64_MAX, AXI_SLVERR);
    MUST(setup(t, 1, BEAT), "setup");
    bad_write("WLAST is 0 in beat 2 of a burst of 3", BASE, 3, 9, UINT64_MAX, AXI_SLVERR);
    MUST(setup(t, 1, BEAT), "setup");
    bad_write("AW burst of 16384 bytes from 0x4000000000 crosses", BASE, 256, 255, UINT64_MAX,
              AXI_SLVERR);
    MUST(setup(t, 1, BEAT), "setup");
    bad_write("outside the memory", BASE + BYTES, 2, 1, UINT64_MAX, AXI_DECERR);
    MUST(setup(t, 1, BEAT), "setup");
    bad_write("WSTRB 0xf8 has bytes below the burst's address", BASE + 4, 1, 0, 0xF8, AXI_SLVERR);
    MUST(setup(t, 1, BEAT), "setup");
    port[0].aw_burst = 2;
    bad_write("AWBURST is 2", BASE, 1, 0, UINT64_MAX, AXI_SLVERR);
}

TEST(withdrawn_or_changed_requests_are_noticed)
{
    static const char *const want[] = {"AR at 0x4000000080 was withdrawn", "AR at",
                                       "AW at 0x4000000100 was withdrawn", "W was", "W was"};

    for (int k = 0; k < 5; k++) {
        uint8_t before;

        MUST(setup((struct rs_mem_timing){.max_outstanding = 1}, 1, BEAT), "setup");
        send_ar(0, BASE, 1);                            /* now ARREADY and AWREADY are low      */
        send_aw(0, BASE, 1);
        before = (uint8_t)memory_violations(memory);
        port[0].ar_valid = k < 2;
        port[0].ar_addr = BASE + 0x80;
        port[0].aw_valid = k == 2;
        port[0].aw_addr = BASE + 0x100;
        port[0].w_valid = false;
        step();
        if (k >= 3) {                                   /* a beat before there is an address    */
            send_w(0, 1, true);
            port[0].w_valid = true;
            step();
            memset(w_data[0], 2, 1);
            port[0].w_valid = k == 3;
        }
        port[0].ar_valid = k == 1;
        port[0].ar_len = 1;
        port[0].aw_valid = false;
        step();
        CHECK(before == 0, "%d: early: %s", k, memory_violation(memory));
        CHECK(memory_violations(memory) == 1, "%d: %d violations", k,
              (int)memory_violations(memory));
        CHECK(memory_violation(memory) != NULL &&
              strstr(memory_violation(memory), want[k]) != NULL, "%d: %s", k,
              memory_violation(memory));
        teardown();
    }
}

TEST(fault_address_answers_slverr_there_only)
{
    struct axi_to_core r;
    uint8_t resp;
    const struct rs_mem_timing t = {.fault_address = BASE + 0x210, .fault_read = true,
                                    .fault_write = true};

    MUST(setup(t, 1, BEAT), "setup");
    send_ar(0, BASE + 0x1C0, 3);
    for (int i = 0; i < 3; i++) {
        take_r(0, &r);
        CHECK(r.r_resp == (i == 1 ? AXI_SLVERR : AXI_OKAY), "beat %d: %u", i, r.r_resp);
    }
    for (int i = 0; i < 3; i++) {
        send_aw(0, BASE + 0x1C0 + (uint64_t)i * 64, 1);
        send_w(0, (uint8_t)(0xA0 + i), true);
        take_b(0, &resp);
        CHECK(resp == (i == 1 ? AXI_SLVERR : AXI_OKAY), "burst %d: %u", i, resp);
        CHECK((storage.data[0x1C0 + i * 64] == 0xA0 + i) == (i != 1), "burst %d: written?", i);
    }
    CHECK(memory_violation(memory) == NULL, "an injected fault is no violation of the core");
    teardown();
}

TEST(strobes_choose_bytes)
{
    uint8_t resp;

    MUST(setup((struct rs_mem_timing){0}, 1, BEAT), "setup");
    memset(storage.data, 0, 128);
    send_aw(0, BASE + 0x10, 1);                         /* unaligned start                      */
    port[0].w_strb = UINT64_C(0x8000000000F10000);
    send_w(0, 0x77, true);
    take_b(0, &resp);
    CHECK(resp == AXI_OKAY && memory_violation(memory) == NULL, "%s", memory_violation(memory));
    for (int i = 0; i < 64; i++)
        CHECK(storage.data[i] == (UINT64_C(0x8000000000F10000) >> i & 1 ? 0x77 : 0), "byte %d", i);
    teardown();
}

TEST(bad_options_are_refused_with_a_reason)
{
    char text[200];
    struct memory_options o = {.base = BASE, .bytes = BYTES, .n_ports = 1, .beat_bytes = 64};

    o.bytes = 100;
    CHECK(memory_create(&o, text, sizeof text) == NULL && strstr(text, "100 bytes"), "%s", text);
    o.bytes = BYTES, o.base = UINT64_MAX - 4095;
    CHECK(memory_create(&o, text, sizeof text) == NULL && strstr(text, "2^64"), "%s", text);
    o.base = 0, o.n_ports = 3;
    CHECK(memory_create(&o, text, sizeof text) == NULL && strstr(text, "3 memory"), "%s", text);
    o.n_ports = 1, o.beat_bytes = 48;
    CHECK(memory_create(&o, text, sizeof text) == NULL && strstr(text, "48 bytes"), "%s", text);
    o.beat_bytes = 64, o.timing.max_outstanding = 257;
    CHECK(memory_create(&o, text, sizeof text) == NULL && strstr(text, "257"), "%s", text);
    memory_destroy(NULL);
}

/* ---- hostile mode -------------------------------------------------------------------------- */

/* A well-behaved master with random stalls of its own, against a shadow copy: it writes only
 * where nothing is read or written, and reads only what has had its B. */
static void well_behaved(uint64_t seed, uint32_t n_ports, uint32_t beat_bytes, uint64_t *digest)
{
    enum { UNITS = 64, OPS = 400 };                     /* units of 256 bytes, half a port      */
    static uint8_t shadow[2][UNITS * 256];
    struct { int unit[16]; int first, count; uint32_t beat; } rd[2] = {{{0}, 0, 0, 0}},
                                                            wr[2] = {{{0}, 0, 0, 0}};
    int busy[2][UNITS] = {{0}}, w_sent[2] = {0}, ops[2] = {0}, done = 0;
    uint8_t fill[2][16] = {{0}};
    const uint32_t beats = 256 / beat_bytes;

    test_rng = seed;
    *digest = 0;
    MUST(setup((struct rs_mem_timing){.latency_cycles = 12, .hostile_seed = seed}, n_ports,
               beat_bytes), "setup");
    for (uint32_t i = 0; i < n_ports; i++)
        memcpy(shadow[i], storage.data + i * BYTES / 2, sizeof shadow[i]);
    for (int n = 0; n < 400000 && done < (int)n_ports * OPS; n++) {
        bool ar[2] = {0}, aw[2] = {0}, w[2] = {0};

        for (uint32_t i = 0; i < n_ports; i++) {
            struct axi_from_core *p = &port[i];
            const uint64_t base = BASE + i * BYTES / 2;
            const int unit = (int)(rnd() % UNITS);

            if (!p->ar_valid && rd[i].count < 8 && ops[i] < OPS && !busy[i][unit] &&
                rnd() % 3 == 0) {
                p->ar_valid = true;
                p->ar_addr = base + (uint64_t)unit * 256;
                p->ar_len = (uint8_t)(beats - 1);
                busy[i][unit] = 1;
                rd[i].unit[(rd[i].first + rd[i].count++) % 16] = unit;
                ops[i]++;
            } else if (!p->aw_valid && wr[i].count < 8 && ops[i] < OPS && !busy[i][unit] &&
                       rnd() % 3 == 0) {
                p->aw_valid = true;
                p->aw_addr = base + (uint64_t)unit * 256;
                p->aw_len = (uint8_t)(beats - 1);
                busy[i][unit] = 1;
                fill[i][(wr[i].first + wr[i].count) % 16] = (uint8_t)rnd();
                wr[i].unit[(wr[i].first + wr[i].count++) % 16] = unit;
                ops[i]++;
            }
            if (!p->w_valid && w_sent[i] < wr[i].count && rnd() % 4 != 0) {
                p->w_valid = true;
                p->w_last = wr[i].beat == beats - 1;
                memset(w_data[i], fill[i][(wr[i].first + w_sent[i]) % 16] + (int)wr[i].beat, BEAT);
            }
            p->r_ready = rnd() % 4 != 0;
            p->b_ready = rnd() % 4 != 0;
            ar[i] = p->ar_valid && out((int)i)->ar_ready;
            aw[i] = p->aw_valid && out((int)i)->aw_ready;
            w[i] = p->w_valid && out((int)i)->w_ready;
            if (p->r_ready && out((int)i)->r_valid) {
                const int u = rd[i].unit[rd[i].first];

                MUST(rd[i].count != 0, "seed %" PRIu64 ": a beat nobody asked for", seed);
                CHECK(memcmp(out((int)i)->r_data, shadow[i] + u * 256 + rd[i].beat * beat_bytes,
                             beat_bytes) == 0, "seed %" PRIu64 " port %u unit %d beat %u", seed, i,
                      u, rd[i].beat);
                if (++rd[i].beat == beats) {
                    busy[i][u] = 0;
                    rd[i].beat = 0;
                    rd[i].first = (rd[i].first + 1) % 16;
                    rd[i].count--;
                    done++;
                }
            }
            if (p->b_ready && out((int)i)->b_valid) {
                const int u = wr[i].unit[wr[i].first];

                for (uint32_t k = 0; k < beats; k++)
                    memset(shadow[i] + u * 256 + k * beat_bytes,
                           fill[i][wr[i].first] + (int)k, beat_bytes);
                busy[i][u] = 0;
                wr[i].first = (wr[i].first + 1) % 16;
                wr[i].count--;
                w_sent[i]--;
                done++;
            }
        }
        step();
        for (uint32_t i = 0; i < n_ports; i++) {
            *digest = *digest * 31 + out((int)i)->r_valid + 2 * out((int)i)->b_valid +
                      4 * out((int)i)->ar_ready + 8 * out((int)i)->w_ready;
            if (ar[i])
                port[i].ar_valid = false;
            if (aw[i])
                port[i].aw_valid = false;
            if (w[i]) {
                port[i].w_valid = false;
                if (++wr[i].beat == beats) {
                    wr[i].beat = 0;
                    w_sent[i]++;
                }
            }
        }
    }
    CHECK(done == (int)n_ports * OPS, "seed %" PRIu64 ": hung after %d", seed, done);
    CHECK(memory_violation(memory) == NULL, "seed %" PRIu64 ": %s", seed,
          memory_violation(memory));
    for (uint32_t i = 0; i < n_ports; i++)
        CHECK(memcmp(shadow[i], storage.data + i * BYTES / 2, sizeof shadow[i]) == 0,
              "seed %" PRIu64 ": memory differs", seed);
    teardown();
}

TEST(hostile_memory_is_right_for_those_who_wait)
{
    uint64_t digest;

    for (uint64_t seed = 1; seed <= 20; seed++)
        well_behaved(seed, 1 + seed % 2, 16u << seed % 3, &digest);
}

TEST(hostile_memory_repeats_with_its_seed)
{
    uint64_t a, b, c;

    well_behaved(7, 2, 64, &a);
    well_behaved(7, 2, 64, &b);
    well_behaved(8, 2, 64, &c);
    CHECK(a == b, "same seed, different clocks");
    CHECK(a != c, "different seed, same clocks");
}

/* Reading without waiting for B must go wrong sometimes, and right sometimes; so must writing
 * over what is still being read. */
TEST(hostile_memory_punishes_those_who_do_not_wait)
{
    int stale = 0, fresh = 0, overwritten = 0, kept = 0;

    for (uint64_t seed = 1; seed <= 64; seed++) {
        struct axi_to_core r;
        uint8_t resp, old;

        MUST(setup((struct rs_mem_timing){.latency_cycles = 12, .hostile_seed = seed}, 1, BEAT),
             "setup");
        send_aw(0, BASE, 1);                            /* write, then read before B            */
        send_w(0, 0x99, true);
        send_ar(0, BASE, 1);
        take_r(0, &r);
        take_b(0, &resp);
        stale += r.r_data[0] != 0x99;
        fresh += r.r_data[0] == 0x99;

        old = storage.data[0x400];
        send_ar(0, BASE + 0x400, 1);                    /* read, and write before R             */
        send_aw(0, BASE + 0x400, 1);
        send_w(0, (uint8_t)(old + 1), true);
        take_b(0, &resp);
        take_r(0, &r);
        overwritten += r.r_data[0] != old;
        kept += r.r_data[0] == old;
        teardown();
    }
    CHECK(stale > 8 && fresh > 8, "stale %d fresh %d", stale, fresh);
    CHECK(overwritten > 0 && kept > 8, "overwritten %d kept %d", overwritten, kept);
}

int main(void)
{
    RUN(first_beat_comes_latency_edges_after_the_address);
    RUN(b_comes_latency_edges_after_the_last_beat);
    RUN(write_is_visible_when_b_is_offered_and_not_before);
    RUN(reads_move_exactly_the_bandwidth);
    RUN(writes_move_exactly_the_bandwidth);
    RUN(no_more_than_max_outstanding_are_accepted);
    RUN(both_directions_share_only_if_asked);
    RUN(two_ports_take_turns_burst_by_burst);
    RUN(two_ports_do_not_disturb_each_other_with_twice_the_bandwidth);
    RUN(one_port_alone_has_no_contention);
    RUN(a_stalled_port_leaves_the_bandwidth_to_the_other);
    RUN(read_across_4_kib_is_refused);
    RUN(narrow_or_fixed_bursts_are_refused);
    RUN(address_outside_is_a_decode_error);
    RUN(bad_writes_are_refused_and_write_nothing);
    RUN(withdrawn_or_changed_requests_are_noticed);
    RUN(fault_address_answers_slverr_there_only);
    RUN(strobes_choose_bytes);
    RUN(bad_options_are_refused_with_a_reason);
    RUN(hostile_memory_is_right_for_those_who_wait);
    RUN(hostile_memory_repeats_with_its_seed);
    RUN(hostile_memory_punishes_those_who_do_not_wait);
    return test_exit();
}
