/*
 * peer.h - another library behind one interface, so that `rowstation bench-cpu` can run its layers beside ours.
 *
 * A peer is a shared object, librs_peer_NAME.so, built where its library is installed (kernels.mk) and opened while the
 * program runs: the program itself needs none of them.  It exports rs_peer().
 */
#ifndef RS_KERNELS_PEER_H
#define RS_KERNELS_PEER_H
#include "bench.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Codes of a variant; its answers must be those of s8 codes with other zero points. */
enum rs_peer_codes {
    RS_PEER_S8_ZP,                     /* like ours: s8 with both zero points                                  */
    RS_PEER_S8,                        /* s8, zero points 0                                                    */
    RS_PEER_U8_ZP,                     /* u8 = s8 + 128, zero points + 128: the same real numbers              */
    RS_PEER_U8                         /* u8, zero points 0: s8 with zero points -128                          */
};

struct rs_peer_variant {
    const char *name;                  /* "s8_zp"                                                              */
    enum rs_peer_codes codes;
};

/* A layer as rs_conv2d_s8() takes it, with real multipliers.  Borrowed until destroy. */
struct rs_peer_layer {
    enum rs_bench_kind kind;
    struct rs_conv_shape sh;
    const int8_t *ifmap, *filter;      /* GEMM: filter [N][K]                                                  */
    const int32_t *bias;
    const float *scale;                /* [M]                                                                  */
    int32_t zp_in, zp_out;             /* of RS_PEER_S8_ZP                                                     */
    int threads;
};

struct rs_peer {
    const char *name;                  /* "onednn"                                                             */
    int variants;
    const struct rs_peer_variant *variant;
    /* Version and code path, for people. */
    const char *(*version)(void);
    /* NULL: cannot; @why says it.  Runs with @threads threads. */
    void *(*create)(const struct rs_peer_layer *layer, int variant, char *why, size_t why_bytes);
    bool (*run)(void *handle);
    /* The result as s8 codes (u8 less 128). */
    void (*read)(void *handle, int8_t *ofmap);
    void (*destroy)(void *handle);
};

/* The peer, or NULL if its library cannot be used; @why says why. */
typedef const struct rs_peer *rs_peer_function(char *why, size_t why_bytes);

#ifdef __cplusplus
}
#endif
#endif
