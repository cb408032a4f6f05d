/*
 * model_file.h - files that rs_model_load() accepts: a .tflite or .onnx, or a compiled model, which is such a file with its plan.
 *
 * Compiled: struct header of model_file.c, then the .tflite, then the plan as rs_plan_save() writes it.
 */
#ifndef RS_MODEL_FILE_H
#define RS_MODEL_FILE_H
#include "plan.h"

#define MODEL_FILE_MAX_BYTES ((size_t)1 << 30)

struct model_file {
    const uint8_t *tflite, *plan;      /* into the bytes that were parsed                        */
    size_t   tflite_bytes, plan_bytes; /* plan_bytes 0: a plain .tflite                          */
    char     preset[32];               /* what it was compiled for                               */
    uint32_t config_hash;
};

/* Which of the two it is, and where its parts lie.  RS_ERR_FORMAT (cut or changed), RS_ERR_MISMATCH (another version). */
RS_MUST_CHECK rs_status model_file_parse(const void *bytes, size_t size, struct model_file *file, struct rs_error *err);

/* The plan, if it was made for @config; else RS_ERR_MISMATCH names both. */
RS_MUST_CHECK rs_status model_file_plan(const struct model_file *file, const struct rs_hw_config *config,
                                        struct rs_plan **plan, struct rs_error *err);

RS_MUST_CHECK rs_status model_file_write(const char *path, const void *tflite, size_t tflite_bytes,
                                         const struct rs_plan *plan, struct rs_error *err);
#endif
