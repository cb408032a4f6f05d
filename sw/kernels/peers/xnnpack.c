/* xnnpack.c - XNNPACK as a peer: per-channel s8 convolution; a matrix product is a 1x1 one (its FC has one scale). */
#include "peer.h"
#include <pthreadpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

static const struct rs_peer_variant variants[] = { { "s8_zp", RS_PEER_S8_ZP } };

struct layer {
    xnn_operator_t op;
    pthreadpool_t pool;
    int8_t *in, *out;
    size_t out_bytes;
};

static void destroy(void *handle)
{
    struct layer *l = handle;

    if (l == NULL)
        return;
    if (l->op != NULL)
        xnn_delete_operator(l->op);
    if (l->pool != NULL)
        pthreadpool_destroy(l->pool);
    free(l->in);
    free(l->out);
    free(l);
}

static void *create(const struct rs_peer_layer *p, int variant, char *why, size_t why_bytes)
{
    const struct rs_conv_shape *s = &p->sh;
    const bool dw = p->kind == RS_BENCH_DEPTHWISE;
    const size_t in_bytes = (size_t)s->h * (size_t)s->w * (size_t)s->c;
    struct layer *l = calloc(1, sizeof *l);

    (void)variant;
    if (l == NULL)
        return NULL;
    l->out_bytes = (size_t)s->e * (size_t)s->f * (size_t)s->m;
    l->in = malloc(in_bytes + XNN_EXTRA_BYTES);        /* it reads past the end */
    l->out = malloc(l->out_bytes + XNN_EXTRA_BYTES);
    l->pool = p->threads > 1 ? pthreadpool_create((size_t)p->threads) : NULL;
    if (l->in == NULL || l->out == NULL) {
        destroy(l);
        return NULL;
    }
    memcpy(l->in, p->ifmap, in_bytes);

    const uint32_t groups = dw ? (uint32_t)s->c : 1;
    const size_t channels = (size_t)s->c, filters = (size_t)s->m;
    enum xnn_status status = xnn_create_convolution2d_nhwc_qc8(
        (uint32_t)s->pad_top, (uint32_t)s->pad_right, (uint32_t)s->pad_bottom, (uint32_t)s->pad_left, (uint32_t)s->r,
        (uint32_t)s->s, (uint32_t)s->stride_h, (uint32_t)s->stride_w, (uint32_t)s->dilation_h, (uint32_t)s->dilation_w,
        groups, channels / groups, filters / groups, channels, filters, (int8_t)p->zp_in, 1.0f, p->scale, p->filter, p->bias,
        (int8_t)p->zp_out, 1.0f, -128, 127, dw ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0, &l->op);

    if (status == xnn_status_success)
        status = xnn_setup_convolution2d_nhwc_qc8(l->op, 1, (size_t)s->h, (size_t)s->w, l->in, l->out, l->pool);
    if (status != xnn_status_success) {
        snprintf(why, why_bytes, "xnn_status %d", (int)status);
        destroy(l);
        return NULL;
    }
    return l;
}

static bool run(void *handle)
{
    struct layer *l = handle;

    return xnn_run_operator(l->op, l->pool) == xnn_status_success;
}

static void read_out(void *handle, int8_t *ofmap)
{
    struct layer *l = handle;

    memcpy(ofmap, l->out, l->out_bytes);
}

static const char *version(void)
{
    return "Debian";
}

static const struct rs_peer peer = { "xnnpack", 1, variants, version, create, run, read_out, destroy };

__attribute__((visibility("default"))) const struct rs_peer *rs_peer(char *why, size_t why_bytes);
const struct rs_peer *rs_peer(char *why, size_t why_bytes)
{
    if (xnn_initialize(NULL) != xnn_status_success) {
        snprintf(why, why_bytes, "xnn_initialize failed");
        return NULL;
    }
    return &peer;
}
