/*
 * input.h - files as a network's input: raw int8, .npy, PNG, or items of an IDX file.
 *
 *   FILE.npy            NumPy array, C order, int8 (as it is) or float32 (quantized with the model's input scale)
 *   FILE.png            8 bits a sample, grey or colour as the model wants; real value is sample / 255
 *   idx:FILE[.gz]#A-B   items A to B of an IDX file of bytes (MNIST and its kind); real value is byte / 255
 *   anything else       raw int8, exactly the input's size
 *
 * For a float32 input the same files give reals: .npy of float32, PNG, IDX, and raw float32.
 */
#ifndef RS_INPUT_H
#define RS_INPUT_H
#include "rowstation.h"
#include "status.h"

struct input {
    char   *name;                   /* for output files: the file's name without folder and ending; item number for IDX */
    int8_t *codes;                  /* info->bytes: int8, or float32 where the model's input is */
};
struct inputs {
    int n;
    struct input *item;
};

/**
 * inputs_add() - append what @spec names.
 * @info: the model's input; int8 or float32 (else RS_ERR_UNSUPPORTED)
 * Errors: RS_ERR_IO, RS_ERR_FORMAT, RS_ERR_SHAPE (expected and found sizes), RS_ERR_UNSUPPORTED (built without
 * libpng or zlib), RS_ERR_ARG, RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status inputs_add(struct inputs *inputs, const char *spec, const struct rs_tensor_info *info,
                                   struct rs_error *err);
void inputs_free(struct inputs *inputs);

/* Bytes of an IDX file of labels (one dimension), items @first to @last; *labels: free(). */
RS_MUST_CHECK rs_status idx_labels(const char *spec, int *n, uint8_t **labels, struct rs_error *err);
#endif
