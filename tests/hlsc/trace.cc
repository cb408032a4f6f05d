/*
 * trace.cc - runs a module's C on random inputs; writes a Verilog testbench and the vectors that it checks.
 *
 * Compiled with -DMODULE=name and perhaps -DHOOK=statement (changes `in` before each edge, may look at `state`).
 * Arguments: CYCLES TESTBENCH VECTORS.  Registers start unknown in Verilog and at 0 in C: an output bit that is
 * still unknown is not compared, but half the edges at least must be known altogether.
 */
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#include "glue.h"
#define STR2(x) #x
#define STR(x) STR2(x)
#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)
#ifndef HOOK
#define HOOK
#endif
extern "C" void CAT(MODULE, _clock)(struct MODULE *, const struct CAT(MODULE, _in) *, struct CAT(MODULE, _out) *);

static uint64_t seed = 7;
static uint64_t rnd()
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int main(int argc, char **argv)
{
    static struct MODULE state;
    static struct CAT(MODULE, _in) in;
    static struct CAT(MODULE, _out) out;
    static CAT(MODULE, _ports) ports;
    const long cycles = argc == 4 ? atol(argv[1]) : 0;
    FILE *tb = argc == 4 ? fopen(argv[2], "w") : nullptr, *hex = argc == 4 ? fopen(argv[3], "w") : nullptr;
    unsigned nin = 0, nout = 0;
    std::string connect;

    if (tb == nullptr || hex == nullptr)
        return 2;
    CAT(MODULE, _each_port)(ports, [&](const char *name, unsigned w, bool is_out, uint32_t *) {
        unsigned &at = is_out ? nout : nin;

        connect += std::string(", .") + name + "(" + (is_out ? "got[" : "in[") + std::to_string(at + w - 1) + ":" +
                   std::to_string(at) + "])";
        at += w;
    });
    fprintf(tb,
            "module tb;\n    reg clk = 0;\n    reg [%u:0] vector [0:%ld];\n    reg [%u:0] in;\n    reg [%u:0] want;\n    wire [%u:0] got;\n"
            "    integer t, known, bad;\n    " STR(MODULE) " dut (.ap_clk(clk)%s);\n    initial begin\n"
            "        $readmemb(\"%s\", vector);\n        known = 0;\n        bad = 0;\n"
            "        for (t = 0; t < %ld && bad < 5; t = t + 1) begin\n            {want, in} = vector[t];\n            #5 clk = 1;\n"
            "            #5 clk = 0;\n            if (^got !== 1'bx) known = known + 1;\n"
            "            if (|(got ^ want) === 1'b1) begin\n                bad = bad + 1;\n"
            "                $display(\"tb: cycle %%0d: got %%h want %%h\", t, got, want);\n            end\n        end\n"
            "        if (bad == 0 && 2 * known >= %ld) $display(\"tb: equal\");\n"
            "        else $display(\"tb: %%0d bad, %%0d known\", bad, known);\n        $finish;\n    end\nendmodule\n",
            nin + nout - 1, cycles - 1, nin - 1, nout - 1, nout - 1, connect.c_str(), argv[3], cycles, cycles);
    fclose(tb);
    for (long t = 0; t < cycles; t++) {
        CAT(MODULE, _random_in)(in, rnd);
        HOOK;
        CAT(MODULE, _clock)(&state, &in, &out);
        CAT(MODULE, _set_in)(ports, in);

        std::string bits[2];

        CAT(MODULE, _set_out)(ports, out);
        CAT(MODULE, _each_port)(ports, [&](const char *, unsigned w, bool is_out, uint32_t *v) {
            std::string s;

            for (unsigned i = w; i-- > 0;)
                s += (v[i / 32] >> (i % 32)) & 1 ? '1' : '0';
            bits[is_out] = s + bits[is_out];
        });
        fprintf(hex, "%s%s\n", bits[1].c_str(), bits[0].c_str());
    }
    fclose(hex);
    return 0;
}
