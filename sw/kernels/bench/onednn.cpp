/*
 * onednn.cpp - the layers of bench.h by oneDNN and by our kernels, alternately, in one process; a comparison for
 * developers, not part of the build.
 *
 *   apt-get install libdnnl-dev; make lib
 *   c++ -O2 -Ihost -Isw/base -Isw/kernels sw/kernels/bench/onednn.cpp build/librowstation.a -ldnnl -o bench-onednn
 *   OMP_NUM_THREADS=1 ./bench-onednn [seconds]
 *
 * oneDNN: s8 or u8 activations, s8 filters, per-channel float scales, int8 out, nhwc, filter layout of its choice;
 * "zp": with source and destination zero points, as TFLite has them ("s8 zp" is like for like).  CPU time of the
 * thread, median of samples of some 200 us; ratio > 1: we are faster.
 */
#include "bench.h"
#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

using namespace dnnl;

static double now_ns()
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct Layer {
    primitive prim;
    std::unordered_map<int, memory> args;
};

static void fill(memory &m)
{
    auto *p = static_cast<uint8_t *>(m.get_data_handle());

    for (size_t i = 0; i < m.get_desc().get_size(); i++)
        p[i] = static_cast<uint8_t>(rand() % 100);
}

static Layer make(const engine &eng, const rs_bench_workload *w, bool is_signed, bool zero_points)
{
    const rs_conv_shape &s = w->sh;
    const bool dw = w->kind == RS_BENCH_DEPTHWISE;
    const auto act = is_signed ? memory::data_type::s8 : memory::data_type::u8;
    const auto s8 = memory::data_type::s8;
    primitive_attr attr;

    attr.set_output_scales(2, std::vector<float>(static_cast<size_t>(s.m), 0.001f));
    if (zero_points) {
        attr.set_zero_points(DNNL_ARG_SRC, 0, { 5 });
        attr.set_zero_points(DNNL_ARG_DST, 0, { 7 });
    }
    if (w->kind == RS_BENCH_GEMM) {
        const memory::dims a{ s.f, s.c }, b{ s.c, s.m }, c{ s.f, s.m };
        matmul::desc d(memory::desc(a, act, memory::format_tag::ab), memory::desc(b, s8, memory::format_tag::any),
                       memory::desc({ 1, s.m }, memory::data_type::s32, memory::format_tag::ab),
                       memory::desc(c, act, memory::format_tag::ab));
        matmul::primitive_desc pd(d, attr, eng);
        Layer l{ matmul(pd), { { DNNL_ARG_SRC, memory(pd.src_desc(), eng) },
                               { DNNL_ARG_WEIGHTS, memory(pd.weights_desc(), eng) },
                               { DNNL_ARG_BIAS, memory(pd.bias_desc(), eng) },
                               { DNNL_ARG_DST, memory(pd.dst_desc(), eng) } } };
        return l;
    }
    const memory::dims src{ 1, s.c, s.h, s.w }, dst{ 1, s.m, s.e, s.f }, bias{ s.m };
    const memory::dims filter = dw ? memory::dims{ s.c, 1, 1, s.r, s.s } : memory::dims{ s.m, s.c, s.r, s.s };
    convolution_forward::desc d(prop_kind::forward_inference, algorithm::convolution_direct,
                                memory::desc(src, act, memory::format_tag::nhwc),
                                memory::desc(filter, s8, memory::format_tag::any),
                                memory::desc(bias, memory::data_type::s32, memory::format_tag::a),
                                memory::desc(dst, act, memory::format_tag::nhwc), { s.stride_h, s.stride_w },
                                { s.pad_top, s.pad_left }, { s.pad_bottom, s.pad_right });
    convolution_forward::primitive_desc pd(d, attr, eng);
    Layer l{ convolution_forward(pd), { { DNNL_ARG_SRC, memory(pd.src_desc(), eng) },
                                        { DNNL_ARG_WEIGHTS, memory(pd.weights_desc(), eng) },
                                        { DNNL_ARG_BIAS, memory(pd.bias_desc(), eng) },
                                        { DNNL_ARG_DST, memory(pd.dst_desc(), eng) } } };
    return l;
}

static double time_layer(Layer &l, stream &st, double seconds)
{
    std::vector<double> ns;

    for (auto &a : l.args)
        fill(a.second);
    for (int i = 0; i < 3; i++)
        l.prim.execute(st, l.args);
    double t0 = now_ns();
    l.prim.execute(st, l.args);
    const double one = now_ns() - t0;
    const int calls = one > 200e3 ? 1 : static_cast<int>(200e3 / (one > 50 ? one : 50)) + 1;

    for (double spent = 0; spent < seconds * 1e9;) {
        t0 = now_ns();
        for (int i = 0; i < calls; i++)
            l.prim.execute(st, l.args);
        const double took = now_ns() - t0;

        spent += took;
        ns.push_back(took / calls);
    }
    std::nth_element(ns.begin(), ns.begin() + static_cast<long>(ns.size() / 2), ns.end());
    return ns[ns.size() / 2];
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? atof(argv[1]) : 0.1;
    const engine eng(engine::kind::cpu, 0);
    stream st(eng);

    printf("%-30s %9s  %9s %9s %9s %9s   ratio of s8 zp, of best\n", "us", "ours", "u8", "u8 zp", "s8", "s8 zp");
    for (int i = 0; i < rs_bench_count(); i++) {
        const rs_bench_workload *w = rs_bench_workload_at(i);
        rs_bench_result ours;
        rs_error err;
        double t[4], best = 1e30;

        if (rs_bench_run(i, false, seconds, &ours, &err) != RS_OK) {
            fprintf(stderr, "%s: %s\n", w->name, err.text);
            return 1;
        }
        for (int v = 0; v < 4; v++) {
            Layer l = make(eng, w, v >= 2, v % 2 != 0);

            t[v] = time_layer(l, st, seconds);
            best = std::min(best, t[v]);
        }
        printf("%-30s %9.2f  %9.2f %9.2f %9.2f %9.2f   %5.2f %5.2f\n", w->name, ours.ns / 1e3, t[0] / 1e3, t[1] / 1e3,
               t[2] / 1e3, t[3] / 1e3, t[3] / ours.ns, best / ours.ns);
        fflush(stdout);
    }
    return 0;
}
