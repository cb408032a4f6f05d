/* onnx_write.h - graphs become ONNX models (.onnx): float32 networks as they are, quantized ones as QDQ. */
#ifndef RS_ONNX_WRITE_H
#define RS_ONNX_WRITE_H
#include "graph.h"

/**
 * rs_onnx_write() - make a file of a graph.
 *
 * @g:           prepared; nodes of int8, 16x8 and float32
 * @any_batch:   dimension 0 is symbolic ("N"): for a graph that rs_graph_set_batch() can change; else the graph's own size
 *               (and where a RESIZE_NEAREST to no whole multiple fixes it)
 * @description: a sentence for people, or NULL
 * @bytes, @size: the file; free()
 *
 * QDQ: every operator works on float32, and on every tensor that the graph holds as codes stand a QuantizeLinear and a
 * DequantizeLinear.  Inputs and outputs of the network are float32.  Filters are int8 constants with a scale an output
 * channel, biases int32 constants of scale s_in * s_filter, each behind a DequantizeLinear.
 * Layout: convolutions and pools work on [N][C][H][W].  A network input of rank 4 that reaches one of them is
 * [N][C][H][W] too, and so is an output that one of them leaves; all other tensors have the graph's order.
 * Operator set 17; 20 where there is a GELU; 21 where there are int16 codes.
 *
 * rs_onnx_read() of it gives a graph of the same codes; convolutions, matrix products, ADD, SUB, MUL, pools, means and what only
 * moves elements compute the same bits, functions on codes (SOFTMAX, LOGISTIC, TANH...) what ONNX defines, a step apart.
 * Errors: RS_ERR_UNSUPPORTED, naming the node (uint8 and integer activations), or a library built without protobuf-c;
 * RS_ERR_NOMEM; RS_ERR_RANGE: 2 GiB or more.
 */
RS_MUST_CHECK rs_status rs_onnx_write(const struct rs_graph *g, bool any_batch, const char *description, uint8_t **bytes,
                                      size_t *size, struct rs_error *err);
#endif
