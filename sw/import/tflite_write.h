/* tflite_write.h - graphs become TensorFlow Lite models (.tflite, schema version 3). */
#ifndef RS_TFLITE_WRITE_H
#define RS_TFLITE_WRITE_H
#include "graph.h"

/**
 * rs_tflite_write() - make a file of a graph.
 *
 * @g:           prepared; int8, 16x8 and float32 nodes.  Explicit pads that are neither VALID nor SAME become a PAD.
 * @description: a sentence for people, or NULL
 * @bytes, @size: the file; free()
 * rs_tflite_read() of it gives a graph that computes the same, bit for bit.
 * Errors: RS_ERR_UNSUPPORTED, naming the node: TFLite has no such operation; RS_ERR_NOMEM; RS_ERR_RANGE: 2 GiB or more.
 */
RS_MUST_CHECK rs_status rs_tflite_write(const struct rs_graph *g, const char *description, uint8_t **bytes, size_t *size,
                                        struct rs_error *err);
#endif
