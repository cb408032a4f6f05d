/* export.c - which writer a file's name asks for. */
#include <string.h>
#include "export.h"
#include "onnx_write.h"
#include "tflite_write.h"

rs_status rs_export(struct rs_graph *g, const char *path, const char *description, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    if (g == NULL || path == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_export: null pointer");
    const size_t length = strlen(path);

    if (length < 5 || strcmp(path + length - 5, ".onnx") != 0)
        return rs_tflite_write(g, description, bytes, size, err);
    const int32_t batch = g->n_inputs > 0 && g->tensors[g->inputs[0]].rank > 0 ? g->tensors[g->inputs[0]].dim[0] : 0;
    const bool any_batch = batch > 0 && batch < INT32_MAX / 2 && rs_graph_set_batch(g, 2 * batch, NULL) == RS_OK;

    if (any_batch) {
        const rs_status status = rs_graph_set_batch(g, batch, err);

        if (status != RS_OK)
            return status;
    }
    return rs_onnx_write(g, any_batch, description, bytes, size, err);
}
