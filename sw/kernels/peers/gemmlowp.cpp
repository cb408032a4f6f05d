/*
 * gemmlowp.cpp - gemmlowp as a peer: u8 filters (codes + 128) by u8 activations, windows gathered as columns.
 *
 * Its own output stage for a scale per channel is compiled for NEON only; so it gives int32, and a loop in floats (as the
 * other libraries round) makes the codes.  There is no depthwise convolution in it.
 */
#include "peer.h"
#include <gemmlowp/public/gemmlowp.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <new>
#include <tuple>
#include <vector>

namespace {

const rs_peer_variant variants[] = { { "u8_zp", RS_PEER_U8_ZP } };

struct Layer {
    rs_conv_shape sh;
    int zp_in, zp_out;                 /* of u8 */
    std::vector<uint8_t> in, filter, columns, out;
    std::vector<int32_t> bias, acc;
    std::vector<float> scale;
    gemmlowp::GemmContext context;
};

bool is_points(const rs_conv_shape &s)
{
    return s.r == 1 && s.s == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 && s.pad_left == 0 && s.pad_bottom == 0 &&
           s.pad_right == 0;
}

size_t pixels(const rs_conv_shape &s)
{
    return size_t(s.e) * size_t(s.f);
}

size_t depth(const rs_conv_shape &s)
{
    return size_t(s.r) * size_t(s.s) * size_t(s.c);
}

void *create(const rs_peer_layer *p, int, char *why, size_t why_bytes)
{
    const rs_conv_shape &s = p->sh;

    if (p->kind == RS_BENCH_DEPTHWISE) {
        snprintf(why, why_bytes, "no depthwise convolution");
        return nullptr;
    }
    try {
        auto *l = new Layer;

        l->sh = s;
        l->zp_in = p->zp_in + 128;
        l->zp_out = p->zp_out + 128;
        for (size_t i = 0; i < size_t(s.h) * size_t(s.w) * size_t(s.c); i++)
            l->in.push_back(uint8_t(p->ifmap[i] + 128));
        for (size_t i = 0; i < size_t(s.m) * depth(s); i++)
            l->filter.push_back(uint8_t(p->filter[i] + 128));
        l->bias.assign(p->bias, p->bias + s.m);
        l->scale.assign(p->scale, p->scale + s.m);
        l->columns.resize(is_points(s) ? 0 : pixels(s) * depth(s));
        l->acc.resize(pixels(s) * size_t(s.m));
        l->out.resize(pixels(s) * size_t(s.m));
        l->context.set_max_num_threads(p->threads);
        return l;
    } catch (const std::bad_alloc &) {
        snprintf(why, why_bytes, "no memory");
        return nullptr;
    }
}

/* A pixel's window, tap by tap; outside the ifmap real zero. */
void gather(const Layer &l, int e, int f, uint8_t *to)
{
    const rs_conv_shape &s = l.sh;

    for (int r = 0; r < s.r; r++)
        for (int k = 0; k < s.s; k++, to += s.c) {
            const int y = e * s.stride_h + r * s.dilation_h - s.pad_top, x = f * s.stride_w + k * s.dilation_w - s.pad_left;

            if (y >= 0 && y < s.h && x >= 0 && x < s.w)
                memcpy(to, &l.in[(size_t(y) * size_t(s.w) + size_t(x)) * size_t(s.c)], size_t(s.c));
            else
                memset(to, l.zp_in, size_t(s.c));
        }
}

bool run(void *handle)
{
    Layer &l = *static_cast<Layer *>(handle);
    const rs_conv_shape &s = l.sh;
    const int k = int(depth(s)), n = int(pixels(s));

    for (int e = 0; e < s.e && !is_points(s); e++)
        for (int f = 0; f < s.f; f++)
            gather(l, e, f, &l.columns[(size_t(e) * size_t(s.f) + size_t(f)) * depth(s)]);

    const gemmlowp::MatrixMap<const uint8_t, gemmlowp::MapOrder::RowMajor> filter(l.filter.data(), s.m, k);
    const gemmlowp::MatrixMap<const uint8_t, gemmlowp::MapOrder::ColMajor> in(is_points(s) ? l.in.data() : l.columns.data(), k, n);
    gemmlowp::MatrixMap<int32_t, gemmlowp::MapOrder::ColMajor> acc(l.acc.data(), s.m, n);

    gemmlowp::GemmWithOutputPipeline<uint8_t, int32_t, gemmlowp::DefaultL8R8BitDepthParams>(&l.context, filter, in, &acc, -128,
                                                                                            -l.zp_in, std::make_tuple());
    const int32_t *from = l.acc.data();
    const float lowest = float(-l.zp_out), highest = float(255 - l.zp_out);
    uint8_t *to = l.out.data();

    for (int i = 0; i < n; i++, from += s.m, to += s.m)
        for (int m = 0; m < s.m; m++) {
            const float y = float(from[m] + l.bias[size_t(m)]) * l.scale[size_t(m)];

            to[m] = uint8_t(int(std::rint(std::fmin(std::fmax(y, lowest), highest))) + l.zp_out);
        }
    return true;
}

void read(void *handle, int8_t *ofmap)
{
    const Layer &l = *static_cast<Layer *>(handle);

    for (size_t i = 0; i < l.out.size(); i++)
        ofmap[i] = int8_t(l.out[i] - 128);
}

void destroy(void *handle)
{
    delete static_cast<Layer *>(handle);
}

const char *version()
{
    return "Debian, AVX2";
}

const rs_peer peer = { "gemmlowp", 1, variants, version, create, run, read, destroy };

}

extern "C" __attribute__((visibility("default"))) const struct rs_peer *rs_peer(char *why, size_t why_bytes)
{
    if (!__builtin_cpu_supports("avx2")) {
        snprintf(why, why_bytes, "it was compiled for AVX2");
        return nullptr;
    }
    return &peer;
}
