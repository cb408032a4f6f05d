/*
 * onnxruntime.c - ONNX Runtime as a peer, through the C interface of the library that PyPI's onnxruntime brings.
 *
 * The package has no header, so the functions are called by their places in the table that OrtGetApiBase() gives (a
 * table that only ever grows at its end).  A layer is a model of one node of the domain com.microsoft: QLinearConv with
 * channels_last = 1, which is what the library's own optimizer makes of a chain of layers (a Transpose on either side
 * would cost time that is not the layer's), or QGemm.
 * Which library: environment RS_ONNXRUNTIME, else the one that python3 imports.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "peer.h"

/* ------------------------------------------------------------------- its interface */

enum place {
    GET_ERROR_MESSAGE = 2, CREATE_ENV = 3, CREATE_SESSION_FROM_ARRAY = 8, RUN = 9, CREATE_SESSION_OPTIONS = 10,
    SET_INTRA_OP_NUM_THREADS = 24, CREATE_TENSOR_WITH_DATA = 49, CREATE_CPU_MEMORY_INFO = 69,
    RELEASE_STATUS = 93, RELEASE_MEMORY_INFO = 94, RELEASE_SESSION = 95, RELEASE_VALUE = 96, RELEASE_SESSION_OPTIONS = 100
};
enum { API_VERSION = 20, ELEMENT_U8 = 2, ELEMENT_S8 = 3, ERROR_ONLY = 3 };

struct api_base { const void *(*get_api)(uint32_t version); const char *(*version)(void); };

static void *const *api;
static const struct api_base *base;
static void *env;

#define CALL(place, type) ((type)api[place])
typedef void *status_of;                               /* OrtStatus *, NULL is good */

static bool good(status_of status, char *why, size_t why_bytes)
{
    if (status == NULL)
        return true;
    snprintf(why, why_bytes, "%s", CALL(GET_ERROR_MESSAGE, const char *(*)(void *))(status));
    CALL(RELEASE_STATUS, void (*)(void *))(status);
    return false;
}

/* ------------------------------------------------------------------- a model, as protobuf */

/* Bytes that grow; on lack of memory, failed. */
struct bytes { uint8_t *p; size_t n, room; bool failed; };

static void put(struct bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->room) {
        const size_t room = 2 * (b->n + n);
        uint8_t *more = realloc(b->p, room);

        if (more == NULL) {
            b->failed = true;
            return;
        }
        b->p = more;
        b->room = room;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_varint(struct bytes *b, uint64_t x)
{
    do {
        const uint8_t byte = (uint8_t)((x & 0x7F) | (x > 0x7F ? 0x80 : 0));

        put(b, &byte, 1);
        x >>= 7;
    } while (x != 0);
}

static void put_int(struct bytes *b, int field, int64_t x)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, (uint64_t)x);
}

static void put_block(struct bytes *b, int field, const void *p, size_t n)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, n);
    put(b, p, n);
}

static void put_text(struct bytes *b, int field, const char *text)
{
    put_block(b, field, text, strlen(text));
}

/* A message as a field of another; frees it. */
static void put_message(struct bytes *b, int field, struct bytes *message)
{
    put_block(b, field, message->p, message->n);
    b->failed = b->failed || message->failed;
    free(message->p);
}

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6 };

/* GraphProto.initializer: dims 1, data_type 2, name 8, raw_data 9. */
static void put_initializer(struct bytes *graph, const char *name, int type, int rank, const int64_t *dims, const void *data,
                            size_t n)
{
    struct bytes t = { 0 };

    for (int i = 0; i < rank; i++)
        put_int(&t, 1, dims[i]);
    put_int(&t, 2, type);
    put_text(&t, 8, name);
    put_block(&t, 9, data, n);
    put_message(graph, 5, &t);
}

/* ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }. */
static void put_value(struct bytes *graph, int field, const char *name, int type, int rank, const int64_t *dims)
{
    struct bytes value = { 0 }, type_proto = { 0 }, tensor = { 0 }, shape = { 0 };

    for (int i = 0; i < rank; i++) {
        struct bytes dim = { 0 };

        put_int(&dim, 1, dims[i]);
        put_message(&shape, 1, &dim);
    }
    put_int(&tensor, 1, type);
    put_message(&tensor, 2, &shape);
    put_message(&type_proto, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type_proto);
    put_message(graph, field, &value);
}

/* AttributeProto: name 1, type 20 (INT 2, INTS 7), i 3, ints 8. */
static void put_attribute(struct bytes *node, const char *name, bool list, int n, const int64_t *x)
{
    struct bytes a = { 0 };

    put_text(&a, 1, name);
    for (int i = 0; i < n; i++)
        put_int(&a, list ? 8 : 3, x[i]);
    put_int(&a, 20, list ? 7 : 2);
    put_message(node, 5, &a);
}

/* OHWI or HWM filters to what ONNX wants: [M][C][R][S], or [K][N] for a product. */
static int8_t *onnx_filter(const struct rs_peer_layer *l)
{
    const struct rs_conv_shape *s = &l->sh;
    const size_t c = l->kind == RS_BENCH_DEPTHWISE ? 1 : (size_t)s->c, m = (size_t)s->m, r = (size_t)s->r, w = (size_t)s->s;
    int8_t *out = malloc(m * c * r * w);

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < c; j++)
            for (size_t y = 0; y < r; y++)
                for (size_t x = 0; x < w; x++) {
                    const int8_t code = l->kind == RS_BENCH_DEPTHWISE ? l->filter[(y * w + x) * m + i]
                                                                      : l->filter[((i * r + y) * w + x) * c + j];

                    out[l->kind == RS_BENCH_GEMM ? j * m + i : ((i * c + j) * r + y) * w + x] = code;
                }
    return out;
}

/*
 * One node: x [1][H][W][C] (GEMM [M][K]) -> y.  Scales: x 1, filter scale[m], y 1.
 */
static struct bytes model(const struct rs_peer_layer *l, bool is_unsigned, const int8_t *filter)
{
    const struct rs_conv_shape *s = &l->sh;
    const bool gemm = l->kind == RS_BENCH_GEMM, dw = l->kind == RS_BENCH_DEPTHWISE;
    const int act = is_unsigned ? UINT8 : INT8, offset = is_unsigned ? 128 : 0;
    const int64_t in4[] = { 1, s->h, s->w, s->c }, out4[] = { 1, s->e, s->f, s->m }, in2[] = { s->f, s->c }, out2[] = { s->f, s->m };
    const int64_t w4[] = { s->m, dw ? 1 : s->c, s->r, s->s }, w2[] = { s->c, s->m }, m1[] = { s->m };
    const int64_t strides[] = { s->stride_h, s->stride_w }, pads[] = { s->pad_top, s->pad_left, s->pad_bottom, s->pad_right };
    const int64_t kernel[] = { s->r, s->s }, group = dw ? s->c : 1, one = 1;
    const float unit = 1.0f;
    const int8_t zx = (int8_t)(l->zp_in + offset), zy = (int8_t)(l->zp_out + offset);
    static const char *const conv_inputs[] = { "x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b" };
    static const char *const gemm_inputs[] = { "x", "xs", "xz", "w", "ws", "wz", "b", "ys", "yz" };
    int8_t *zeros = calloc((size_t)s->m, 1);
    struct bytes graph = { 0 }, node = { 0 }, whole = { 0 }, opset = { 0 }, contrib = { 0 };

    for (int i = 0; i < 9; i++)
        put_text(&node, 1, gemm ? gemm_inputs[i] : conv_inputs[i]);
    put_text(&node, 2, "y");
    put_text(&node, 4, gemm ? "QGemm" : "QLinearConv");
    put_text(&node, 7, "com.microsoft");
    if (!gemm) {
        put_attribute(&node, "channels_last", false, 1, &one);
        put_attribute(&node, "strides", true, 2, strides);
        put_attribute(&node, "pads", true, 4, pads);
        put_attribute(&node, "kernel_shape", true, 2, kernel);
        put_attribute(&node, "group", false, 1, &group);
    }
    put_message(&graph, 1, &node);
    put_text(&graph, 2, "layer");
    put_initializer(&graph, "xs", FLOAT, 0, NULL, &unit, 4);
    put_initializer(&graph, "xz", act, 0, NULL, &zx, 1);
    put_initializer(&graph, "w", INT8, gemm ? 2 : 4, gemm ? w2 : w4, filter, (size_t)s->m * (size_t)(dw ? 1 : s->c) * (size_t)(s->r * s->s));
    put_initializer(&graph, "ws", FLOAT, 1, m1, l->scale, 4 * (size_t)s->m);
    if (zeros != NULL)
        put_initializer(&graph, "wz", INT8, 1, m1, zeros, (size_t)s->m);
    put_initializer(&graph, "ys", FLOAT, 0, NULL, &unit, 4);
    put_initializer(&graph, "yz", act, 0, NULL, &zy, 1);
    put_initializer(&graph, "b", INT32, 1, m1, l->bias, 4 * (size_t)s->m);
    put_value(&graph, 11, "x", act, gemm ? 2 : 4, gemm ? in2 : in4);
    put_value(&graph, 12, "y", act, gemm ? 2 : 4, gemm ? out2 : out4);
    free(zeros);

    put_int(&whole, 1, 8);                             /* ir_version */
    put_message(&whole, 7, &graph);
    put_text(&opset, 1, "");
    put_int(&opset, 2, 13);
    put_message(&whole, 8, &opset);
    put_text(&contrib, 1, "com.microsoft");
    put_int(&contrib, 2, 1);
    put_message(&whole, 8, &contrib);
    return whole;
}

/* ------------------------------------------------------------------- the peer */

static const struct rs_peer_variant variants[] = { { "s8_zp", RS_PEER_S8_ZP }, { "u8_zp", RS_PEER_U8_ZP } };

struct layer {
    void *session, *x, *y;
    int8_t *in, *out;
    size_t out_bytes;
    bool is_unsigned;
};

static void destroy(void *handle)
{
    struct layer *l = handle;

    if (l == NULL)
        return;
    if (l->x != NULL)
        CALL(RELEASE_VALUE, void (*)(void *))(l->x);
    if (l->y != NULL)
        CALL(RELEASE_VALUE, void (*)(void *))(l->y);
    if (l->session != NULL)
        CALL(RELEASE_SESSION, void (*)(void *))(l->session);
    free(l->in);
    free(l->out);
    free(l);
}

static bool make_session(struct layer *l, const struct rs_peer_layer *p, char *why, size_t why_bytes)
{
    int8_t *filter = onnx_filter(p);
    struct bytes bytes = { 0 };
    void *options = NULL;
    bool ok = filter != NULL;

    if (ok) {
        bytes = model(p, l->is_unsigned, filter);
        ok = !bytes.failed && good(CALL(CREATE_SESSION_OPTIONS, status_of (*)(void **))(&options), why, why_bytes) &&
             good(CALL(SET_INTRA_OP_NUM_THREADS, status_of (*)(void *, int))(options, p->threads), why, why_bytes) &&
             good(CALL(CREATE_SESSION_FROM_ARRAY, status_of (*)(void *, const void *, size_t, void *, void **))(
                      env, bytes.p, bytes.n, options, &l->session), why, why_bytes);
    }
    if (options != NULL)
        CALL(RELEASE_SESSION_OPTIONS, void (*)(void *))(options);
    free(bytes.p);
    free(filter);
    return ok;
}

static void *create(const struct rs_peer_layer *p, int variant, char *why, size_t why_bytes)
{
    typedef status_of tensor(void *, void *, size_t, const int64_t *, size_t, int, void **);
    const struct rs_conv_shape *s = &p->sh;
    const bool gemm = p->kind == RS_BENCH_GEMM;
    const int64_t in4[] = { 1, s->h, s->w, s->c }, out4[] = { 1, s->e, s->f, s->m }, in2[] = { s->f, s->c }, out2[] = { s->f, s->m };
    const size_t in_bytes = (size_t)s->h * (size_t)s->w * (size_t)s->c;
    struct layer *l = calloc(1, sizeof *l);
    void *memory = NULL;
    bool ok;

    if (l == NULL)
        return NULL;
    l->is_unsigned = variants[variant].codes == RS_PEER_U8_ZP;
    l->out_bytes = (size_t)s->e * (size_t)s->f * (size_t)s->m;
    l->in = aligned_alloc(64, (in_bytes + 63) / 64 * 64);
    l->out = aligned_alloc(64, (l->out_bytes + 63) / 64 * 64);
    ok = l->in != NULL && l->out != NULL;
    for (size_t i = 0; ok && i < in_bytes; i++)
        l->in[i] = (int8_t)(p->ifmap[i] ^ (l->is_unsigned ? -128 : 0));
    ok = ok && make_session(l, p, why, why_bytes) &&
         good(CALL(CREATE_CPU_MEMORY_INFO, status_of (*)(int, int, void **))(0, 0, &memory), why, why_bytes) &&
         good(CALL(CREATE_TENSOR_WITH_DATA, tensor *)(memory, l->in, in_bytes, gemm ? in2 : in4, gemm ? 2 : 4,
                                                      l->is_unsigned ? ELEMENT_U8 : ELEMENT_S8, &l->x), why, why_bytes) &&
         good(CALL(CREATE_TENSOR_WITH_DATA, tensor *)(memory, l->out, l->out_bytes, gemm ? out2 : out4, gemm ? 2 : 4,
                                                      l->is_unsigned ? ELEMENT_U8 : ELEMENT_S8, &l->y), why, why_bytes);
    if (memory != NULL)
        CALL(RELEASE_MEMORY_INFO, void (*)(void *))(memory);
    if (!ok) {
        destroy(l);
        return NULL;
    }
    return l;
}

static bool run(void *handle)
{
    typedef status_of run_function(void *, const void *, const char *const *, const void *const *, size_t,
                                   const char *const *, size_t, void **);
    static const char *const x[] = { "x" }, *const y[] = { "y" };
    struct layer *l = handle;
    const void *inputs[] = { l->x };
    void *outputs[] = { l->y };
    char why[200];

    return good(CALL(RUN, run_function *)(l->session, NULL, x, inputs, 1, y, 1, outputs), why, sizeof why);
}

static void read_out(void *handle, int8_t *ofmap)
{
    struct layer *l = handle;

    for (size_t i = 0; i < l->out_bytes; i++)
        ofmap[i] = (int8_t)(l->out[i] ^ (l->is_unsigned ? -128 : 0));
}

static const char *version(void)
{
    return base->version();
}

static const struct rs_peer peer = { "onnxruntime", 2, variants, version, create, run, read_out, destroy };

/* The library's path by asking Python; false: none. */
static bool ask_python(char *path, size_t room)
{
    FILE *answer = popen("python3 -c 'import glob, os, onnxruntime\n"
                         "print(glob.glob(os.path.join(os.path.dirname(onnxruntime.__file__), \"capi\", \"libonnxruntime.so*\"))[0])' "
                         "2>/dev/null", "r");
    bool ok;

    if (answer == NULL)
        return false;
    ok = fgets(path, (int)room, answer) != NULL;
    path[strcspn(path, "\n")] = '\0';
    return pclose(answer) == 0 && ok;
}

__attribute__((visibility("default"))) const struct rs_peer *rs_peer(char *why, size_t why_bytes);
const struct rs_peer *rs_peer(char *why, size_t why_bytes)
{
    const char *path = getenv("RS_ONNXRUNTIME");
    char found[4096];
    void *library;

    if (path == NULL && ask_python(found, sizeof found))
        path = found;
    if (path == NULL) {
        snprintf(why, why_bytes, "python3 has no onnxruntime, and RS_ONNXRUNTIME names no library");
        return NULL;
    }
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(why, why_bytes, "%s", dlerror());
        return NULL;
    }

    const struct api_base *(*get_base)(void) = (const struct api_base *(*)(void))dlsym(library, "OrtGetApiBase");

    if (get_base == NULL || (base = get_base()) == NULL || (api = base->get_api(API_VERSION)) == NULL) {
        snprintf(why, why_bytes, "%s has no interface of version %d", path, API_VERSION);
        return NULL;
    }
    if (!good(CALL(CREATE_ENV, status_of (*)(int, const char *, void **))(ERROR_ONLY, "rowstation", &env), why, why_bytes))
        return NULL;
    return &peer;
}
