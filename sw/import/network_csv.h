/*
 * network_csv.h - a network's layer table (.csv) becomes a graph with random filters.
 *
 * For measuring: published shapes with deterministic data.  A table is a heading row of column names, then a row a layer:
 *   name    unique
 *   type    input (N C H W), conv, depthwise, fc, maxpool, avgpool, add,
 *           attention (H heads): reads queries, keys and values of N tokens side by side, C channels; writes C/3: softmax(Q K^T / sqrt(C/3/H)) V
 *   from    the layer it reads; empty: the row before
 *   with    add: the other operand
 *   M R S stride pad_top pad_left pad_bottom pad_right   defaults: C, 1, 1, 1, 0
 *   act     relu, relu6 or empty
 * Lines that start with # are comments.  A comment "MACs: NUMBER" states the total of the network, which is checked.
 * Depthwise and fc flatten nothing: fc after a 1x1 map.  The first row is the input; the last row's tensor is the output,
 * and so is every tensor that nothing reads.
 */
#ifndef RS_NETWORK_CSV_H
#define RS_NETWORK_CSV_H
#include "graph.h"

/* Whether a file is such a table: its first row after the comments has type `input`.  false also when it cannot be read. */
bool rs_network_csv_is(const char *path);

/**
 * rs_network_csv_load() - read a table and make the graph.
 * @seed: same seed, same filters, biases and scales, on every machine
 * @out: prepared (rs_graph_prepare); owned by the caller (rs_graph_destroy); NULL on error
 * Activations keep a spread of codes: weights are scaled by 1/sqrt(taps).
 * Returns RS_OK; RS_ERR_IO; RS_ERR_FORMAT with the line (unknown type, missing number, name used twice, `from` not found,
 * MACs differ from the stated total); RS_ERR_SHAPE; RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_network_csv_load(const char *path, uint64_t seed, struct rs_graph **out, struct rs_error *err);
#endif
