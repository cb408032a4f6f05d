/*
 * onnx_write_internal.h - what the files of the ONNX writer share; nobody else includes it.
 *
 * A tensor of the graph is there as float32 values in one or more layouts (onnx_internal.h: dimension i of the graph's tensor
 * is dimension axis[i] of the value).  Operators say in which layout they read; a Transpose is written where it is new.
 */
#ifndef RS_ONNX_WRITE_INTERNAL_H
#define RS_ONNX_WRITE_INTERNAL_H
#include "onnx_internal.h"

enum { OW_ATTRIBUTES = 6, OW_INTS = 2 * RS_MAX_RANK };

struct ow_form {                     /* one of a tensor's values                                     */
    struct onnx_layout layout;
    char *real;                      /* its name                                                     */
    char *codes;                     /* of the codes that it stands for, or NULL                     */
};

struct ow_tensor {
    char *own;                       /* name for its first value, or NULL: not chosen yet            */
    char *scale, *zero_point;        /* names of these constants, or NULL: not written yet           */
    int n_forms;
    struct ow_form form[OX_LAYOUTS];
};

/* A node in the making: no call below can fail. */
struct ow_node {
    Onnx__NodeProto proto;
    Onnx__AttributeProto attribute[OW_ATTRIBUTES], *list[OW_ATTRIBUTES];
    int64_t ints[OW_ATTRIBUTES][OW_INTS];
    char *output;
    char *input[];
};

struct onnx_writer {
    const struct rs_graph *g;
    bool any_batch;
    int opset;
    struct ow_tensor *tensor;        /* [tensor of the graph]                                        */
    Onnx__GraphProto file;
    size_t cap_nodes, cap_constants;
    uint64_t constant_bytes;
    char **names;                    /* every name of the file: a table with open addressing         */
    size_t n_names, name_slots;
    struct ow_block *blocks;         /* what ow_alloc() gave                                         */
    struct rs_error *err;
};

/* ---- onnx_write.c ---- */
void *ow_alloc(struct onnx_writer *w, size_t count, size_t size);        /* zeroed, freed with the writer; NULL: said so in *err */
__attribute__((format(printf, 3, 4)))
rs_status ow_refuse(struct onnx_writer *w, const struct rs_node *n, const char *format, ...);
/* A name that the file does not have yet: "BASE/SUFFIX", or BASE if @suffix is NULL. */
rs_status ow_name(struct onnx_writer *w, const char *base, const char *suffix, char **name);

/* A constant, copied. */
rs_status ow_constant(struct onnx_writer *w, const char *base, const char *suffix, enum onnx_type type, int rank, const int32_t *dim,
                      const void *data, char **name);
rs_status ow_floats(struct onnx_writer *w, int tensor, const char *suffix, const float *x, int count, char **name);  /* count 0: a scalar */
rs_status ow_int64s(struct onnx_writer *w, int tensor, const char *suffix, const int64_t *x, int count, char **name);

rs_status ow_node(struct onnx_writer *w, const char *op, char *const *in, int n_in, struct ow_node **out);
void ow_set_int(struct ow_node *n, const char *name, int64_t x);
void ow_set_float(struct ow_node *n, const char *name, float x);
void ow_set_string(struct ow_node *n, const char *name, const char *text);
void ow_set_ints(struct ow_node *n, const char *name, const int64_t *x, int count);
/* ow_node() whose result is between two operators: a value called TENSOR/OP. */
rs_status ow_step(struct onnx_writer *w, int tensor, const char *op, char *const *in, int n_in, char **out);

/* The layout in which @tensor lies; the graph's order for a constant. */
struct onnx_layout ow_lies(const struct onnx_writer *w, int tensor);
/* The float32 value of @tensor in @layout. */
rs_status ow_take(struct onnx_writer *w, int tensor, const struct onnx_layout *layout, char **name);
/* A value in which its elements lie in the graph's order, whatever the dimensions of 1; *codes NULL where it has none. */
rs_status ow_take_in_order(struct onnx_writer *w, int tensor, char **name, char **codes);
/* @last makes output 0 of @n in @layout: then its activation, and QuantizeLinear and DequantizeLinear if that is codes. */
rs_status ow_result(struct onnx_writer *w, const struct rs_node *n, struct ow_node *last, const struct onnx_layout *layout);
/* The same for a value that is not yet the output: *out. */
rs_status ow_inner_result(struct onnx_writer *w, const struct rs_node *n, struct ow_node *last, char **out);
/* @real through QuantizeLinear and DequantizeLinear of @tensor. */
rs_status ow_requantized(struct onnx_writer *w, int tensor, char *real, char **out);
/* Value @real is the tensor, but for QuantizeLinear and DequantizeLinear if that is codes. */
rs_status ow_result_value(struct onnx_writer *w, int tensor, char *real, const struct onnx_layout *layout);
/* Codes called @codes mean what @tensor's quantization says. */
rs_status ow_result_codes(struct onnx_writer *w, int tensor, char *codes, const struct onnx_layout *layout);
/* @to is every value that @from is, with dimension i of @to being dimension perm[i] of @from. */
void ow_alias(struct onnx_writer *w, int from, int to, const int32_t *perm);
/* Codes of a constant behind DequantizeLinear; one scale, or one an index of @axis.  @zero_point: of all, or NULL: none. */
rs_status ow_dequantized(struct onnx_writer *w, const char *base, enum onnx_type type, int rank, const int32_t *dim, const void *codes,
                         const float *scale, int channels, int axis, const int32_t *zero_point, char **real);
/* Elements of @width bytes of a tensor of these dims, from the graph's order into that of @layout's value. */
void ow_permute(int rank, const int32_t *dim, size_t width, const struct onnx_layout *layout, const void *from, void *to);
enum onnx_type ow_type(enum rs_type type);                   /* OX_NONE: no value of a network           */

/* ---- onnx_write_operators.c ---- */
rs_status ow_write_node(struct onnx_writer *w, const struct rs_node *n);
/* Whether @op reads and writes [N][C][H][W] in ONNX. */
bool ow_is_window(enum rs_op op);
/* Whether RESIZE_NEAREST from @x to @y has scales that are exact numbers; else its sizes are written, the batch with them. */
bool ow_whole_multiple(const struct rs_tensor *x, const struct rs_tensor *y);
#endif
