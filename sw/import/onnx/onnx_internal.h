/*
 * onnx_internal.h - what the files of sw/import/onnx share; nobody else includes it.
 *
 * A value is a tensor of the file.  It is a constant, or a tensor of the graph in some layout, or codes that a
 * DequantizeLinear would make real and nobody has asked for yet.  Layouts are how NCHW becomes NHWC without work:
 * ONNX's Transpose only relabels dimensions, a convolution asks for the layout it wants, and a TRANSPOSE is emitted
 * where two of them differ at last.
 */
#ifndef RS_ONNX_INTERNAL_H
#define RS_ONNX_INTERNAL_H
#include "graph.h"
#include "onnx.h"
#include "onnx.pb-c.h"

enum onnx_type {                     /* TensorProto.DataType                                         */
    OX_NONE = 0, OX_FLOAT = 1, OX_UINT8 = 2, OX_INT8 = 3, OX_UINT16 = 4, OX_INT16 = 5, OX_INT32 = 6, OX_INT64 = 7,
    OX_STRING = 8, OX_BOOL = 9, OX_FLOAT16 = 10, OX_DOUBLE = 11, OX_UINT32 = 12, OX_UINT64 = 13
};

enum { OX_MAX_RANK = 8, OX_LAYOUTS = 4, OX_NAME = 128 };

#define TRY(expression) do { rs_status try_ = (expression); if (try_ != RS_OK) return try_; } while (0)

/* Elements as the machine holds them, dense, in the order that the file says. */
struct onnx_constant {
    enum onnx_type type;
    int      rank;
    int32_t  dim[OX_MAX_RANK];       /* may be 0                                                     */
    int64_t  count;
    const void *data;
};

/* Dimension i of the graph's tensor is dimension axis[i] of the value. */
struct onnx_layout { int rank; int8_t axis[RS_MAX_RANK]; };

struct onnx_value {
    const char *name;
    enum onnx_type type;
    bool     known;                  /* type and dims are set                                        */
    int      rank;
    int32_t  dim[OX_MAX_RANK];
    const struct onnx_constant *constant;
    int      n_layouts;              /* graph tensors that hold it; the first is the one it was made as */
    struct { struct onnx_layout layout; int tensor; } in[OX_LAYOUTS];
    /* Not made yet: scale * (codes - zero_point), three values; scale and zero_point are constants. */
    int      codes, scale, zero_point, axis;          /* codes -1: not such a value                  */
    int      flat_of;                /* its elements in the order of this value's layout would need no TRANSPOSE; -1 */
    int      readers, reader;        /* how many node inputs and network outputs read it; one of the nodes */
    int      producer;               /* node, or -1                                                  */
    bool     is_output;
    int      hint_scale, hint_zero_point;             /* an integer operator that reads it says so; or -1 */
};

struct onnx_node {
    const Onnx__NodeProto *proto;
    int   source;                    /* index of the operation in the file                           */
    const char *shown;               /* its operator there: more than one node may stand for it      */
    const struct onnx_operator *op;  /* NULL: not one of ours                                        */
    int  *in, *out;                  /* value ids, -1 absent                                         */
    int   n_in, n_out;
    bool  needed, done;
};

struct onnx_importer {
    const Onnx__GraphProto *file;
    struct rs_graph   *g;
    struct onnx_value *values;
    struct onnx_node  *nodes;
    int   n_values, n_nodes, cap_values;
    int  *table;                     /* names: value id + 1                                          */
    size_t table_slots;
    int   opset;
    int   node;                      /* operation being converted: the source of what is emitted     */
    uint64_t budget;                 /* bytes that may still be made: bounded by the file's size     */
    struct onnx_block *blocks;       /* what onnx_alloc() gave                                       */
    int   refused;
    char  refusals[360];
    rs_import_refusal each;
    void *context;
    struct rs_error *err;
};

/* ---- onnx_read.c ---- */
__attribute__((format(printf, 2, 3)))
rs_status onnx_unsupported(struct onnx_importer *im, const char *format, ...);
__attribute__((format(printf, 2, 3)))
rs_status onnx_malformed(struct onnx_importer *im, const char *format, ...);
/* Zeroed, charged to the budget, freed with the importer; NULL when either is used up (the message is then set). */
void *onnx_alloc(struct onnx_importer *im, uint64_t count, size_t size);
/* A value without a name in the file. */
rs_status onnx_new_value(struct onnx_importer *im, enum onnx_type type, int rank, const int32_t *dim, int *value);
const char *onnx_type_name(enum onnx_type type);

/* ---- attributes and constant operands (onnx_attribute.c) ---- */
int64_t     onnx_int(const struct onnx_node *n, const char *name, int64_t absent);
float       onnx_float(const struct onnx_node *n, const char *name, float absent);
bool        onnx_string_is(const struct onnx_node *n, const char *name, const char *value, const char *absent);
const Onnx__AttributeProto *onnx_attribute(const struct onnx_node *n, const char *name);
/* Input @k if it is there, else attribute @name: at most @max integers.  *count -1: neither is there. */
rs_status onnx_ints(struct onnx_importer *im, const struct onnx_node *n, int k, const char *name, int64_t *value, int max, int *count);
rs_status onnx_axis(struct onnx_importer *im, int64_t axis, int rank, int *out);               /* negative counts from the end */
/* Input @k is present. */
bool onnx_has(const struct onnx_node *n, int k);

/* ---- constants (onnx_constant.c, onnx_fold.c) ---- */
rs_status onnx_constant_of_proto(struct onnx_importer *im, const Onnx__TensorProto *t, struct onnx_constant **out);
/* Room for a result; its data may be written through the cast. */
rs_status onnx_constant_new(struct onnx_importer *im, enum onnx_type type, int rank, const int32_t *dim, struct onnx_constant **out);
size_t    onnx_type_bytes(enum onnx_type type);              /* 0: not a type of constants           */
bool      onnx_type_real(enum onnx_type type);
int64_t   onnx_constant_int(const struct onnx_constant *c, int64_t i);     /* reals are cut           */
double    onnx_constant_real(const struct onnx_constant *c, int64_t i);
void      onnx_constant_set(struct onnx_constant *c, int64_t i, int64_t integer, double real);   /* wraps as C does */
void      onnx_define_constant(struct onnx_importer *im, int value, const struct onnx_constant *c);
/* Makes the node's output a constant if it can; *done tells. */
rs_status onnx_fold(struct onnx_importer *im, const struct onnx_node *n, bool *done);
/* scale * (codes - zero_point) of a constant. */
rs_status onnx_dequantized(struct onnx_importer *im, const struct onnx_value *v, struct onnx_constant **out);

/* ---- values in the graph (onnx_value.c) ---- */
struct onnx_layout onnx_identity(int rank);
struct onnx_layout onnx_channels_last(int rank);             /* NC... becomes N...C                   */
bool onnx_same_layout(const struct onnx_layout *a, const struct onnx_layout *b);
int  onnx_position(const struct onnx_layout *layout, int axis);              /* of the value's axis in the graph's tensor */
bool onnx_is_codes(const struct onnx_value *v);              /* int8 or uint8                         */
/* Type and dims, for a value that a node makes. */
rs_status onnx_define(struct onnx_importer *im, int value, enum onnx_type type, int rank, const int32_t *dim);
/* The tensor a node is to write for @value in @layout; int8 where the value is uint8 (code - 128). */
rs_status onnx_output(struct onnx_importer *im, int value, const struct onnx_layout *layout, int *tensor);
/* The graph's tensor of @value in @layout, NULL: as it lies.  Emits what is needed for it. */
rs_status onnx_input(struct onnx_importer *im, int value, const struct onnx_layout *layout, int *tensor);
/* Its layout as it lies (identity for a constant). */
struct onnx_layout onnx_lies(const struct onnx_importer *im, int value);
/* onnx_input(), with leading dims of 1 up to the layout's rank. */
rs_status onnx_operand(struct onnx_importer *im, int value, const struct onnx_layout *layout, int *tensor);
/* Codes @value means (code - zero_point) * scale, ONNX's numbers: a tensor with that quantization. */
rs_status onnx_codes(struct onnx_importer *im, int value, const struct onnx_layout *layout, float scale, int32_t zero_point, int *tensor);
/* The same for the tensor a node writes. */
rs_status onnx_codes_output(struct onnx_importer *im, int value, const struct onnx_layout *layout, float scale, int32_t zero_point, int *tensor);
rs_status onnx_emit(struct onnx_importer *im, const struct rs_node *n, const int *in, int n_in, int out);
rs_status onnx_tensor(struct onnx_importer *im, const char *name, enum rs_type type, int rank, const int32_t *dim,
                      const void *data, size_t bytes, int *tensor);
/* Reshapes @from to the dims that are defined for @to. */
rs_status onnx_reshape(struct onnx_importer *im, int from, int to);
/* @to is @from with axis i of @to being axis perm[i] of @from. */
rs_status onnx_relabel(struct onnx_importer *im, int from, int to, const int *perm);
/* NumPy's broadcast of two lists of extents. */
rs_status onnx_broadcast(struct onnx_importer *im, const struct onnx_value *a, const struct onnx_value *b, int *rank, int32_t *dim);

/* ---- quantization (onnx_quantize.c) ---- */
struct onnx_quant { float scale; int32_t zero_point; };
/* One scale and zero point, constants.  false: not such. */
bool onnx_scalar_quant(const struct onnx_importer *im, int scale, int zero_point, struct onnx_quant *q);
/* The value is codes made real, with one scale: *codes is the value with the codes. */
bool onnx_dequantizes(const struct onnx_importer *im, int value, int *codes, struct onnx_quant *q);
/*
 * What follows @value is only QuantizeLinear with one scale, after Relu or Clip to [0, 6] or [-1, 1] if @act is not NULL: *out is
 * the value with its codes.  Nothing is changed; onnx_take_quantize() says that the caller has made *out.
 */
bool onnx_quantized_later(const struct onnx_importer *im, int value, int *out, struct onnx_quant *q, enum rs_activation *act);
enum onnx_type onnx_quantized_type(const struct onnx_importer *im, int out);         /* of the codes that a QuantizeLinear makes */
void onnx_take_quantize(struct onnx_importer *im, int value, int out);

/* The codes @codes, which mean @from, as codes @out, which mean @to. */
rs_status onnx_requantize(struct onnx_importer *im, int codes, struct onnx_quant from, int out, struct onnx_quant to);

/* ---- attributes of moving operators (onnx_move.c) ---- */
struct onnx_slice { int32_t begin[OX_MAX_RANK], size[OX_MAX_RANK], step[OX_MAX_RANK]; };     /* begin, step: may be negative steps */
rs_status onnx_read_slice(struct onnx_importer *im, const struct onnx_node *n, int rank, const int32_t *dim, struct onnx_slice *s);
rs_status onnx_read_perm(struct onnx_importer *im, const struct onnx_node *n, int rank, int *perm);
/* Reshape, Flatten, Squeeze, Unsqueeze. */
rs_status onnx_reshaped_dims(struct onnx_importer *im, const struct onnx_node *n, int rank, const int32_t *dim, int *out_rank, int32_t *out);

/* ---- operators (onnx_operators.c) ---- */
typedef rs_status (*onnx_converter)(struct onnx_importer *im, struct onnx_node *n);
struct onnx_operator {
    const char *name;                /* of the standard domain, or com.microsoft                     */
    bool microsoft;
    onnx_converter convert;
    const char *where, *what;        /* docs/operators.md                                            */
};
/*
 * ONNX Runtime's integer operators that are defined by what they are in float: the operator between DequantizeLinear and
 * QuantizeLinear.  NULL: not one of them.
 */
const char *onnx_between_quantizers(const char *domain, const char *name);
const struct onnx_operator *onnx_find_operator(const char *domain, const char *name, const char **why_not);

/* Converters, in the file named after their group. */
rs_status onnx_conv(struct onnx_importer *im, struct onnx_node *n);                 /* onnx_window.c      */
rs_status onnx_pool(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_global_pool(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_matmul(struct onnx_importer *im, struct onnx_node *n);               /* onnx_matrix.c      */
rs_status onnx_binary(struct onnx_importer *im, struct onnx_node *n);               /* onnx_elementwise.c */
rs_status onnx_unary(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_pow(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_softmax(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_reduce(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_batch_norm(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_layer_norm(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_only_constant(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_quantize_linear(struct onnx_importer *im, struct onnx_node *n);      /* onnx_quantize.c    */
rs_status onnx_dequantize_linear(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_reshaping(struct onnx_importer *im, struct onnx_node *n);            /* onnx_move.c        */
rs_status onnx_transpose(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_alias(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_slicing(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_split(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_gather(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_pad(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_concat(struct onnx_importer *im, struct onnx_node *n);
rs_status onnx_resize(struct onnx_importer *im, struct onnx_node *n);

/* An operator that is a function of one element: the names of its attributes ("": it has none) and what they are when absent. */
struct onnx_function { const char *name; enum rs_function f; const char *first_name, *second_name; float first, second; };
const struct onnx_function *onnx_function_of(enum rs_function f);    /* NULL: ONNX has no such operator */
/* f of each element of @from, in float32, as @to, whose dims are defined. */
rs_status onnx_function(struct onnx_importer *im, int from, int to, enum rs_function f, float a, float b);
/* A bias of @m int32 of scale s_in * s_filter: constant codes of that scale, or constant reals. */
rs_status onnx_bias_codes(struct onnx_importer *im, int value, int32_t m, float s_in, const struct onnx_constant *s_filter, const int32_t **out);
/*
 * An operator that moves @from to @to, of these dims: what to read and what to make.  Where @from is codes made real
 * (and @codes_too), it is their codes, and @to becomes codes made real.
 */
rs_status onnx_moved(struct onnx_importer *im, int from, int to, int rank, const int32_t *dim, bool codes_too, int *f, int *t);
/* Tensor @from with the elements index[0 .. count) along @axis of the graph's tensor, in that order, into @to. */
rs_status onnx_pick(struct onnx_importer *im, int from, int axis, const int32_t *index, int32_t count, int to);
/* onnx_output(), codes with the quantization of the graph's tensor @like. */
rs_status onnx_output_like(struct onnx_importer *im, int value, const struct onnx_layout *layout, int like, int *tensor);
#endif
