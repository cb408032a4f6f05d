/* export.h - graphs become model files of the kind that a file's name says. */
#ifndef RS_EXPORT_H
#define RS_EXPORT_H
#include "graph.h"

/**
 * rs_export() - make a file of a graph: ONNX (rs_onnx_write()) where @path ends in ".onnx", else TFLite (rs_tflite_write()).
 * @g: prepared; unchanged on return.  In ONNX its batch is symbolic if rs_graph_set_batch() can change it.
 * @path: only its ending is looked at
 * All else as those two.
 */
RS_MUST_CHECK rs_status rs_export(struct rs_graph *g, const char *path, const char *description, uint8_t **bytes, size_t *size,
                                  struct rs_error *err);
#endif
