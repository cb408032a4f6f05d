/*
 * onnx.h - ONNX models (.onnx) become graphs.
 *
 * Operator sets up to 21 (10 to 19 by the data set, older ones as far as it has them, 17, 20 and 21 as onnx_write.h writes them), QDQ,
 * QOperator and float models; docs/operators.md has every operator and where it runs.  The file's wire format is protobuf-c's, everything else our own: sizes, memory and time are bounded by the file's size,
 * nothing recurses, and nothing in a file can crash it.  Activations come out [N][H][W][C]; the network's own inputs and
 * outputs keep ONNX's order.  A symbolic first dimension is a batch of 1 (rs_graph_set_batch() changes it).
 * Codes of uint8 tensors are held as int8, 128 less; the network's inputs and outputs stay uint8.
 */
#ifndef RS_ONNX_H
#define RS_ONNX_H
#include "graph.h"
#include "import.h"

/**
 * rs_onnx_read() - make a graph of a model in memory.
 * @bytes, @size: the file; borrowed until return (constants are copied)
 * @rounding: of the graph: RS_ROUND_ONNX gives ONNX Runtime's bits, on the CPU; RS_ROUND_DOUBLE is what the array does
 * @each: is told of each operation that is not supported, may be NULL; @context goes with it
 * @out: the graph, prepared (rs_graph_prepare) and not yet optimized; owned by the caller (rs_graph_destroy)
 * Returns RS_OK; RS_ERR_FORMAT: not an ONNX file, or inconsistent; RS_ERR_UNSUPPORTED: an operation, type or quantization
 * that we do not do (also: a library built without protobuf-c); RS_ERR_SHAPE; RS_ERR_NOMEM.  On error *out is NULL.
 */
RS_MUST_CHECK rs_status rs_onnx_read(const void *bytes, size_t size, enum rs_rounding rounding, rs_import_refusal each,
                                     void *context, struct rs_graph **out, struct rs_error *err);

/* Operator @index of the list that docs/operators.md shows; false past the end.  @domain: "" or "com.microsoft".
 * @where: "array", "CPU", "array or CPU", "constant", "none" (no work), or NULL: not done, and @what says why. */
bool rs_onnx_operator(int index, const char **domain, const char **name, const char **where, const char **what);
#endif
