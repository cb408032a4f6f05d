/*
 * tflite.h - TensorFlow Lite models (.tflite, schema version 3) become graphs.
 *
 * The reader is our own: no flatbuffers library.  Every offset, vector and size is checked against the file, memory
 * and time are bounded by the file's size, and nothing in a file can crash it.
 * One subgraph, the int8 and float32 and 16x8 operations of graph.h.  All unsupported operations are listed in one message, node by node.
 */
#ifndef RS_TFLITE_H
#define RS_TFLITE_H
#include "graph.h"

/**
 * rs_tflite_read() - make a graph of a model in memory.
 * @bytes, @size: the file; borrowed until return (constants are copied)
 * @out: the graph, prepared (rs_graph_prepare) and not yet optimized; owned by the caller (rs_graph_destroy)
 * Returns RS_OK; RS_ERR_FORMAT: not a TFLite file, truncated, or inconsistent; RS_ERR_UNSUPPORTED: an operation,
 * type or quantization that we do not do; RS_ERR_SHAPE; RS_ERR_NOMEM.  On error *out is NULL.
 */
RS_MUST_CHECK rs_status rs_tflite_read(const void *bytes, size_t size, struct rs_graph **out, struct rs_error *err);

/* Called for each operation that is not supported: its index in the file, its name, one of its outputs, and why. */
typedef void (*rs_tflite_refusal)(void *context, int operation, const char *op, const char *output, const char *why);

/* rs_tflite_read() that also hands every refusal to @each (may be NULL): the message has room for the first few only. */
RS_MUST_CHECK rs_status rs_tflite_read_listing(const void *bytes, size_t size, rs_tflite_refusal each, void *context,
                                               struct rs_graph **out, struct rs_error *err);

/* Operation @index of those that are done, as docs/operators.md lists them; false past the end.  @where: see rs_onnx_operator(). */
bool rs_tflite_operator(int index, const char **name, const char **where, const char **what);

/* The same from a file; RS_ERR_IO if it cannot be read. */
RS_MUST_CHECK rs_status rs_tflite_load(const char *path, struct rs_graph **out, struct rs_error *err);
#endif
