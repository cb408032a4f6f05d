/*
 * test_lanes.cpp - the products of a PE against plain arithmetic, in C and in Verilog.
 *
 * Two int8 lanes share one multiplier; what one of them carries into the other is where such a cell goes wrong.  So every
 * operand triple of both lane modes goes through the PE as it is compiled (filters of 8 bits, ifmap values of 9: a code less a zero
 * point, -255 to 255; -256 would overflow the packed operand, and cannot occur), one a clock; and corners, and accumulations of up to a spad's taps, through its Verilog too.
 * Wide products (16 x 16) have 2^32 operand pairs: corners, and random ones.
 */
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <verilated.h>
#include "Lpe.h"
#include "pe_glue.h"
#define _Static_assert static_assert
#include "pe.h"
#include "../test.h"

extern "C" void pe_clock(struct pe *r, const struct pe_in *in, struct pe_out *out);

namespace {

enum mode { FILTERS, POSITIONS, WIDE };          /* what the two lanes are */

struct in_c {
    struct pe pe;
    in_c() { memset(static_cast<void *>(&pe), 0, sizeof pe); }
    void clock(const struct pe_in &in, struct pe_out &out) { pe_clock(&pe, &in, &out); }
};

struct in_verilog {
    VerilatedContext context;
    Lpe pe;
    in_verilog() : pe(&context) { pe.ap_clk = 0; pe.eval(); }
    ~in_verilog() { pe.final(); }
    void clock(const struct pe_in &in, struct pe_out &out)
    {
        pe_set_in(pe, in);
        pe.ap_clk = 1;
        pe.eval();
        pe.ap_clk = 0;
        pe.eval();
        pe_get_out(pe, out);
    }
};

/* Feeds one tap a clock; knows what must come out. */
template <class T> struct bench {
    static const int DELAY = 6;              /* clocks from the words of a tap to its psum on the link */
    T device;
    struct pe_in in;
    struct pe_out out;
    bool have = false;                       /* an operation waits for its words: they go in one clock ahead */
    struct pe_mac next;
    struct { bool valid; int64_t low, high; } due[DELAY + 1];
    int64_t low = 0, high = 0;
    uint64_t n = 0, results = 0, wrong = 0;

    bench()
    {
        memset(static_cast<void *>(&in), 0, sizeof in);
        memset(static_cast<void *>(&out), 0, sizeof out);
        memset(due, 0, sizeof due);
        in.west.inject = true;
    }

    void clock(bool load, int even, int odd, int f0, int f1)
    {
        in.load_n.ifmap_we = in.load_n.filter_we = load;
        in.load_n.ifmap_addr = in.load_n.filter_addr = (n + 1) & 1;
        in.west.even = even;
        in.west.odd = odd;
        in.west.filter0 = f0;
        in.west.filter1 = f1;
        in.mac_n = next;
        in.mac_n.valid = have;
        in.mac_n.filter_addr = in.mac_n.even_addr = in.mac_n.odd_addr = n & 1;
        device.clock(in, out);
        n++;
        for (int i = DELAY; i > 0; i--)
            due[i] = due[i - 1];
        if (due[DELAY].valid) {
            results++;
            if (out.psum0_s != due[DELAY].low || out.psum1_s != due[DELAY].high)
                if (wrong++ == 0)
                    printf("  got %d, %d want %" PRId64 ", %" PRId64 "\n", (int)out.psum0_s, (int)out.psum1_s, due[DELAY].low, due[DELAY].high);
        }
        due[0].valid = false;
    }

    /* One tap: @x0, @x1 ifmap values, @w0, @w1 filters.  FILTERS: w0*x0, w1*x0; POSITIONS: w0*x0, w0*x1; WIDE: w0*x0 of 16 bits. */
    void tap(mode m, int x0, int x1, int w0, int w1, bool first, bool last)
    {
        if (m == WIDE)
            clock(true, (int8_t)x0, x0 >> 8, (int8_t)w0, w0 >> 8);
        else
            clock(true, x0, x1, w0, w1);
        next.first = first;
        next.last = last;
        next.depthwise = m == POSITIONS;
        next.wide = m == WIDE;
        next.odd = false;
        have = true;
        if (first)
            low = high = 0;
        low += (int64_t)w0 * x0;
        high += m == FILTERS ? (int64_t)w1 * x0 : m == POSITIONS ? (int64_t)w0 * x1 : 0;
        /* The operation goes in at the next clock. */
        due[0].valid = last;
        due[0].low = low;
        due[0].high = high;
        if (m == WIDE)                       /* its psum is in both: whoever calls joins them */
            due[0].valid = false;
    }

    void flush()
    {
        for (int i = 0; i < DELAY + 1; i++) {
            clock(false, 0, 0, 0, 0);
            have = false;
        }
    }
};

const int filters[] = { -128, -127, -1, 0, 1, 126, 127 }, values[] = { -255, -254, -128, -1, 0, 1, 127, 128, 254, 255 };
const int words[] = { -32768, -32767, -32641, -32640, -257, -256, -255, -129, -128, -127, -1, 0, 1, 127, 128, 129, 255, 256, 32639, 32640, 32766, 32767 };

template <class T> void corners(bench<T> &b)
{
    for (int w0 : filters)
        for (int w1 : filters)
            for (int x : values)
                b.tap(FILTERS, x, 0, w0, w1, true, true);
    for (int w : filters)
        for (int x0 : values)
            for (int x1 : values)
                b.tap(POSITIONS, x0, x1, w, 0, true, true);
    b.flush();
}

int pick(const int *list, size_t n, int lo, int hi)
{
    return rnd_range(0, 3) == 0 ? list[rnd_range(0, (int64_t)n - 1)] : (int)rnd_range(lo, hi);
}
#define PICK(list, lo, hi) pick(list, sizeof list / sizeof *list, lo, hi)

/* @n psums of 1 to a whole spad of taps; every 16th as far from zero as there is. */
template <class T> void accumulations(bench<T> &b, int n)
{
    for (int k = 0; k < n; k++) {
        const mode m = k & 1 ? POSITIONS : FILTERS;
        const int taps = k % 16 == 0 ? RS_FILTER_WORDS : 1 + (int)(rnd() % 8), far = k % 16 == 0 ? k / 16 % 4 : -1;

        for (int t = 0; t < taps; t++)
            b.tap(m, far < 0 ? PICK(values, -255, 255) : far & 1 ? 255 : -255, far < 0 ? PICK(values, -255, 255) : far & 1 ? -255 : 255,
                  far < 0 ? PICK(filters, -128, 127) : far & 2 ? 127 : -128, PICK(filters, -128, 127), t == 0, t + 1 == taps);
    }
    b.flush();
}

/* Wide: one product or a sum at a time, drained before the next, its halves joined. */
template <class T> uint64_t wide_psum(bench<T> &b, const int *x, const int *w, int taps, int64_t *got)
{
    for (int t = 0; t < taps; t++)
        b.tap(WIDE, x[t], 0, w[t], 0, t == 0, t + 1 == taps);
    b.flush();
    *got = (int64_t)b.out.psum1_s * 65536 + b.out.psum0_s;
    return (uint64_t)b.low;
}

template <class T> void wide(bench<T> &b, int n)
{
    int x[RS_FILTER_WORDS], w[RS_FILTER_WORDS];
    int64_t got;

    for (int i : words)
        for (int j : words) {
            x[0] = i, w[0] = j;
            const int64_t want = (int64_t)wide_psum(b, x, w, 1, &got);

            CHECK(got == want, "%d * %d: got %" PRId64 " want %" PRId64, i, j, got, want);
        }
    for (int k = 0; k < n; k++) {
        const int taps = k % 8 == 0 ? RS_FILTER_WORDS : 1 + (int)(rnd() % 6), far = k % 8 == 0 ? k / 8 % 4 : -1;

        for (int t = 0; t < taps; t++) {
            x[t] = far < 0 ? PICK(words, -32768, 32767) : far & 1 ? 32767 : -32768;
            w[t] = far < 0 ? PICK(words, -32768, 32767) : far & 2 ? 32767 : -32768;
        }
        const int64_t want = (int64_t)wide_psum(b, x, w, taps, &got);

        CHECK(got == want, "sum of %d products: got %" PRId64 " want %" PRId64, taps, got, want);
    }
}

TEST(every_triple_of_two_filters_and_an_activation)
{
    auto b = std::make_unique<bench<in_c>>();

    for (int x = -255; x < 256; x++)
        for (int w1 = -128; w1 < 128; w1++)
            for (int w0 = -128; w0 < 128; w0++)
                b->tap(FILTERS, x, 0, w0, w1, true, true);
    b->flush();
    CHECK(b->wrong == 0 && b->results == 511u * 256 * 256, "%" PRIu64 " of %" PRIu64 " wrong", b->wrong, b->results);
}

TEST(every_triple_of_two_activations_and_a_filter)
{
    auto b = std::make_unique<bench<in_c>>();

    for (int w = -128; w < 128; w++)
        for (int x1 = -255; x1 < 256; x1++)
            for (int x0 = -255; x0 < 256; x0++)
                b->tap(POSITIONS, x0, x1, w, 0, true, true);
    b->flush();
    CHECK(b->wrong == 0 && b->results == 256u * 511 * 511, "%" PRIu64 " of %" PRIu64 " wrong", b->wrong, b->results);
}

TEST(corners_and_accumulations_in_verilog)
{
    auto b = std::make_unique<bench<in_verilog>>();

    corners(*b);
    accumulations(*b, 1000000);
    CHECK(b->wrong == 0 && b->results > 1000000, "%" PRIu64 " of %" PRIu64 " wrong", b->wrong, b->results);
}

TEST(wide_products_in_c)
{
    auto b = std::make_unique<bench<in_c>>();

    wide(*b, 300000);
}

TEST(wide_products_in_verilog)
{
    auto b = std::make_unique<bench<in_verilog>>();

    wide(*b, 30000);
}

} // namespace

int main()
{
    RUN(every_triple_of_two_filters_and_an_activation);
    RUN(every_triple_of_two_activations_and_a_filter);
    RUN(corners_and_accumulations_in_verilog);
    RUN(wide_products_in_c);
    RUN(wide_products_in_verilog);
    return test_exit();
}
