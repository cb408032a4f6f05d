/*
 * layers.h - layers to measure: from tables, or from words on the command line; as one-layer graphs with random data.
 *
 * Tables, told apart by their heading row:
 *   SCALE-Sim convolution  Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides
 *                          (no padding, one group: taken as it says)
 *   SCALE-Sim GEMM         Layer, M, N, K
 *   ours                   columns by name, in any order: name, type, and of N C H W M R S stride stride_h stride_w pad pad_top
 *                          pad_left pad_bottom pad_right dilation groups add K; what is not there has its default.
 *                          type: conv, depthwise, fc, gemm, maxpool, avgpool, add.  fc: C -> M for N rows; gemm: M, N, K.
 *                          add 1: a residual operand is added to the convolution's output.
 * Trailing commas, stray spaces, blank rows, extra columns and # comments are let pass; a row that cannot be read is an error
 * with its line.
 */
#ifndef RS_CLI_LAYERS_H
#define RS_CLI_LAYERS_H
#include "graph.h"

enum layer_type { LAYER_CONV, LAYER_DEPTHWISE, LAYER_GEMM, LAYER_MAX_POOL, LAYER_AVERAGE_POOL, LAYER_ADD };

struct bench_layer {
    char    name[64];
    enum layer_type type;
    int32_t N, C, H, W, M, R, S;       /* GEMM: N rows, C = K, M columns                           */
    int32_t stride_h, stride_w, pad_top, pad_left, pad_bottom, pad_right, dilation, groups;
    bool    add;
};

struct bench_layers { int n; struct bench_layer *layer; };

RS_MUST_CHECK rs_status layers_read(const char *path, struct bench_layers *layers, struct rs_error *err);
/* "M,N,K" */
RS_MUST_CHECK rs_status layers_add_gemm(struct bench_layers *layers, const char *text, struct rs_error *err);
/* "C,H,W,M,R,S[,STRIDE[,PAD[,GROUPS]]]" */
RS_MUST_CHECK rs_status layers_add_conv(struct bench_layers *layers, const char *text, struct rs_error *err);

/* Each operator shape of a graph that is not in @layers yet, once: convolutions (with the residual that they add), depthwise, FC,
 * pools.  *others: operations that have no such shape. */
RS_MUST_CHECK rs_status layers_add_graph(struct bench_layers *layers, const struct rs_graph *graph, int *others, struct rs_error *err);

const char *layer_type_name(enum layer_type type);

/**
 * layer_graph() - the layer as a graph with random filters, biases and quantization.
 * The same layer and @seed give the same graph on every machine.
 */
RS_MUST_CHECK rs_status layer_graph(const struct bench_layer *layer, uint64_t seed, struct rs_graph **graph,
                                    struct rs_error *err);

/* Random codes for inputs, likewise. */
void layer_fill(uint64_t seed, int8_t *codes, size_t n);
#endif
