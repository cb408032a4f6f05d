/* import.c - which reader a model file is for. */
#include <string.h>
#include "import.h"
#include "onnx.h"
#include "onnx_write.h"
#include "tflite.h"

/* A FlatBuffers file with TFLite's identifier, or a protobuf message that starts as ONNX's writers start it: field 1, a
 * small number (ir_version), and then another field. */
static bool is_onnx(const uint8_t *b, size_t size)
{
    if (size >= 8 && memcmp(b + 4, "TFL", 3) == 0)
        return false;
    return size >= 3 && b[0] == 0x08 && b[1] >= 1 && b[1] <= 0x7F && (b[2] & 7) != 7 && b[2] != 0;
}

rs_status rs_import(const void *bytes, size_t size, const struct rs_import_options *options, struct rs_graph **out,
                    struct rs_error *err)
{
    static const struct rs_import_options defaults = { .rounding = RS_ROUND_DOUBLE };

    if (bytes == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_import: null pointer");
    if (options == NULL)
        options = &defaults;
    if (is_onnx(bytes, size))
        return rs_onnx_read(bytes, size, options->rounding, options->each, options->context, out, err);
    return rs_tflite_read_listing(bytes, size, options->each, options->context, out, err);
}

#ifndef RS_HAVE_PROTOBUF
rs_status rs_onnx_read(const void *bytes, size_t size, enum rs_rounding rounding, rs_import_refusal each, void *context,
                       struct rs_graph **out, struct rs_error *err)
{
    (void)bytes, (void)size, (void)rounding, (void)each, (void)context;
    if (out != NULL)
        *out = NULL;
    return rs_fail(err, RS_ERR_UNSUPPORTED, "an ONNX model, and this library was built without protobuf-c; install it "
                   "(Debian: libprotobuf-c-dev protobuf-c-compiler) and build again");
}

rs_status rs_onnx_write(const struct rs_graph *g, bool any_batch, const char *description, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    (void)g, (void)any_batch, (void)description, (void)size;
    if (bytes != NULL)
        *bytes = NULL;
    return rs_fail(err, RS_ERR_UNSUPPORTED, "an ONNX model is to be written, and this library was built without protobuf-c; install "
                   "it (Debian: libprotobuf-c-dev protobuf-c-compiler) and build again, or write a .tflite");
}

bool rs_onnx_operator(int index, const char **domain, const char **name, const char **where, const char **what)
{
    (void)index, (void)domain, (void)name, (void)where, (void)what;
    return false;
}
#endif
