/* import.h - a model file of any kind becomes a graph. */
#ifndef RS_IMPORT_H
#define RS_IMPORT_H
#include "graph.h"

/* Called for each operation that is not supported: its index in the file, its name, one of its outputs, and why. */
typedef void (*rs_import_refusal)(void *context, int operation, const char *op, const char *output, const char *why);

/* How an int32 becomes a code in models that leave it open (ONNX); TFLite's is always RS_ROUND_DOUBLE. */
struct rs_import_options {
    enum rs_rounding  rounding;
    rs_import_refusal each;            /* or NULL */
    void             *context;
};

/**
 * rs_import() - read a TFLite or ONNX model, which is told from its bytes.
 * @options: or NULL: RS_ROUND_DOUBLE, which the array does
 * All else as rs_tflite_read() and rs_onnx_read().
 */
RS_MUST_CHECK rs_status rs_import(const void *bytes, size_t size, const struct rs_import_options *options,
                                  struct rs_graph **out, struct rs_error *err);
#endif
