/* onednn.cpp - oneDNN 2.x as a peer: s8 or u8 activations, s8 filters in the layout of its choice, float scales per channel. */
#include "peer.h"
#include <oneapi/dnnl/dnnl.hpp>

#include <cstdio>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include <omp.h>

using namespace dnnl;

namespace {

const rs_peer_variant variants[] = {
    { "s8_zp", RS_PEER_S8_ZP }, { "s8", RS_PEER_S8 }, { "u8_zp", RS_PEER_U8_ZP }, { "u8", RS_PEER_U8 },
};

struct Layer {
    engine eng;
    stream st;
    primitive prim;
    std::unordered_map<int, memory> args;
    bool is_unsigned;
};

/* Codes into the memory of the primitive: s8 as they are, u8 with 128 added. */
void put_codes(memory &m, const int8_t *codes, size_t count, bool is_unsigned)
{
    auto *p = static_cast<uint8_t *>(m.get_data_handle());

    for (size_t i = 0; i < count; i++)
        p[i] = static_cast<uint8_t>(static_cast<uint8_t>(codes[i]) ^ (is_unsigned ? 0x80 : 0));
}

Layer *make(const rs_peer_layer *l, rs_peer_codes codes)
{
    const rs_conv_shape &s = l->sh;
    const bool is_unsigned = codes == RS_PEER_U8 || codes == RS_PEER_U8_ZP, dw = l->kind == RS_BENCH_DEPTHWISE;
    const auto act = is_unsigned ? memory::data_type::u8 : memory::data_type::s8;
    const auto s8 = memory::data_type::s8;
    const int offset = is_unsigned ? 128 : 0;
    engine eng(engine::kind::cpu, 0);
    stream st(eng);
    primitive_attr attr;
    memory::desc filter_desc, src_desc, weights_desc, bias_desc, dst_desc;
    primitive prim;

    attr.set_output_scales(2, std::vector<float>(l->scale, l->scale + s.m));
    if (codes == RS_PEER_S8_ZP || codes == RS_PEER_U8_ZP) {
        attr.set_zero_points(DNNL_ARG_SRC, 0, { l->zp_in + offset });
        attr.set_zero_points(DNNL_ARG_DST, 0, { l->zp_out + offset });
    }
    if (l->kind == RS_BENCH_GEMM) {
        filter_desc = memory::desc({ s.c, s.m }, s8, memory::dims{ 1, s.c });
        const matmul::primitive_desc pd(
            matmul::desc(memory::desc({ s.f, s.c }, act, memory::format_tag::ab),
                         memory::desc({ s.c, s.m }, s8, memory::format_tag::any),
                         memory::desc({ 1, s.m }, memory::data_type::s32, memory::format_tag::ab),
                         memory::desc({ s.f, s.m }, act, memory::format_tag::ab)), attr, eng);

        src_desc = pd.src_desc(), weights_desc = pd.weights_desc(), bias_desc = pd.bias_desc(), dst_desc = pd.dst_desc();
        prim = matmul(pd);
    } else {
        const memory::dims filter = dw ? memory::dims{ s.c, 1, 1, s.r, s.s } : memory::dims{ s.m, s.c, s.r, s.s };
        const memory::dims strides = dw ? memory::dims{ 1, 1, 1, int64_t{ s.s } * s.m, s.m }
                                        : memory::dims{ int64_t{ s.r } * s.s * s.c, 1, int64_t{ s.s } * s.c, s.c };

        filter_desc = memory::desc(filter, s8, strides);
        const convolution_forward::primitive_desc pd(
            convolution_forward::desc(prop_kind::forward_inference, algorithm::convolution_direct,
                                      memory::desc({ 1, s.c, s.h, s.w }, act, memory::format_tag::nhwc),
                                      memory::desc(filter, s8, memory::format_tag::any),
                                      memory::desc({ s.m }, memory::data_type::s32, memory::format_tag::a),
                                      memory::desc({ 1, s.m, s.e, s.f }, act, memory::format_tag::nhwc),
                                      { s.stride_h, s.stride_w }, { s.pad_top, s.pad_left }, { s.pad_bottom, s.pad_right }),
            attr, eng);

        src_desc = pd.src_desc(), weights_desc = pd.weights_desc(), bias_desc = pd.bias_desc(), dst_desc = pd.dst_desc();
        prim = convolution_forward(pd);
    }
    memory src(src_desc, eng), weights(weights_desc, eng), bias(bias_desc, eng), dst(dst_desc, eng);
    memory plain(filter_desc, eng, const_cast<int8_t *>(l->filter));

    reorder(plain, weights).execute(st, plain, weights);
    st.wait();
    put_codes(src, l->ifmap, static_cast<size_t>(s.h) * s.w * s.c, is_unsigned);
    memcpy(bias.get_data_handle(), l->bias, sizeof(int32_t) * static_cast<size_t>(s.m));
    return new Layer{ eng, st, prim, { { DNNL_ARG_SRC, src }, { DNNL_ARG_WEIGHTS, weights }, { DNNL_ARG_BIAS, bias },
                                       { DNNL_ARG_DST, dst } }, is_unsigned };
}

void *create(const rs_peer_layer *l, int variant, char *why, size_t why_bytes)
{
    omp_set_num_threads(l->threads);
    try {
        return make(l, variants[variant].codes);
    } catch (const std::exception &e) {
        snprintf(why, why_bytes, "%s", e.what());
        return nullptr;
    }
}

bool run(void *handle)
{
    auto *l = static_cast<Layer *>(handle);

    try {
        l->prim.execute(l->st, l->args);
        return true;
    } catch (const std::exception &) {
        return false;
    }
}

void read(void *handle, int8_t *ofmap)
{
    auto *l = static_cast<Layer *>(handle);
    const memory &dst = l->args.at(DNNL_ARG_DST);
    const auto *p = static_cast<const uint8_t *>(dst.get_data_handle());

    for (size_t i = 0; i < dst.get_desc().get_size(); i++)
        ofmap[i] = static_cast<int8_t>(p[i] ^ (l->is_unsigned ? 0x80 : 0));
}

void destroy(void *handle)
{
    delete static_cast<Layer *>(handle);
}

const char *version()
{
    static char text[64];
    const dnnl_version_t *v = dnnl_version();

    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

const rs_peer peer = { "onednn", 4, variants, version, create, run, read, destroy };

}

extern "C" __attribute__((visibility("default"))) const struct rs_peer *rs_peer(char *, size_t)
{
    return &peer;
}
