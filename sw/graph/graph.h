/*
 * graph.h - the network as a graph: tensors, nodes, passes over them, memory plan, CPU execution.
 *
 * An importer (sw/import) makes a graph, rs_graph_prepare() and rs_graph_optimize() finish it, the planner
 * (sw/plan) reads it, and whatever the array does not do is run by rs_graph_run_node().
 *
 * Layouts: activations [N][H][W][C], C fastest.  Filters as sw/kernels/kernels.h wants them:
 * CONV2D [M][R][S][C]; DEPTHWISE_CONV2D [1][R][S][M], M = C * depth_multiplier; FULLY_CONNECTED [M][C].
 * Words: N batch, C input channels, M filters, HxW ifmap, RxS filter, ExF ofmap, U stride (style.md 2).
 *
 * A node whose input and output are float32 is a float node (QUANTIZE and DEQUANTIZE apart): all its operands are then
 * float32, it has no requantization, and `act` alone says its clamp.  It runs on the CPU: sw/kernels/kernels_f32.h.
 *
 * A node that reads or writes int16 is one of TFLite's 16x8: int16 activations with zero point 0, int8 filters, biases of
 * int64 (or int32).  On the CPU they have plain kernels; which operations there are is in rs_graph_validate().
 *
 * A graph is one owner's: no function here may run at the same time as one that changes the same graph.
 * Functions on a const graph are reentrant.  Every function that fails leaves its message in @err (may be NULL).
 */
#ifndef RS_GRAPH_H
#define RS_GRAPH_H
#include <stdio.h>
#include "function_f32.h"
#include "kernels.h"

enum rs_type {
    RS_TYPE_S8 = 0, RS_TYPE_U8, RS_TYPE_S16, RS_TYPE_S32, RS_TYPE_S64, RS_TYPE_F32, RS_TYPE_BOOL,
    RS_TYPE_COUNT
};

enum rs_op {
    RS_OP_CONV2D = 0,
    RS_OP_DEPTHWISE_CONV2D,
    RS_OP_FULLY_CONNECTED,
    RS_OP_BATCH_MATMUL,
    RS_OP_ADD,
    RS_OP_SUB,
    RS_OP_MUL,
    RS_OP_MAXIMUM,
    RS_OP_MINIMUM,
    RS_OP_AVERAGE_POOL_2D,
    RS_OP_MAX_POOL_2D,
    RS_OP_MEAN,
    RS_OP_RESHAPE,               /* SQUEEZE, EXPAND_DIMS and FLATTEN too                             */
    RS_OP_PAD,
    RS_OP_TRANSPOSE,
    RS_OP_CONCAT,
    RS_OP_SLICE,                 /* STRIDED_SLICE with positive steps too; SPLIT is one SLICE an output */
    RS_OP_RESIZE_NEAREST,
    RS_OP_SOFTMAX,
    RS_OP_LOGISTIC,
    RS_OP_TANH,
    RS_OP_HARD_SWISH,
    RS_OP_LEAKY_RELU,
    RS_OP_RELU,
    RS_OP_RELU6,
    RS_OP_RELU_N1_TO_1,
    RS_OP_QUANTIZE,              /* f32 -> s8, s8/u8 -> s8 at another scale and zero point, s8 -> u8 at the same reals */
    RS_OP_DEQUANTIZE,            /* s8 -> f32                                                        */
    /* Of float32 only: they are folded, or stay float, when a network is quantized. */
    RS_OP_DIV,
    RS_OP_SQUARED_DIFFERENCE,
    RS_OP_POW,
    RS_OP_GELU,
    RS_OP_ERF,
    RS_OP_EXP,
    RS_OP_SQRT,
    RS_OP_RSQRT,
    RS_OP_BATCH_NORM,            /* inputs x, gain, offset, mean, variance; channels are the last dimension */
    RS_OP_LAYER_NORM,            /* inputs x, gain and offset (may be absent), over the last dimension */
    RS_OP_FUNCTION,              /* of each element: rs_function() of a float, the table of 256 of a code */
    RS_OP_COUNT
};

/* real = scale[i] * (code - zero_point[i]).  channels: 0 not quantized, 1 per tensor, else one a channel of @axis. */
struct rs_tensor_quant {
    int      channels;
    int      axis;
    float   *scale;
    int32_t *zero_point;
};

struct rs_tensor {
    char       *name;                      /* never NULL                                             */
    enum rs_type type;
    int         rank;                      /* 0..RS_MAX_RANK; 0 is a scalar                          */
    int32_t     dim[RS_MAX_RANK];          /* all >= 1; dims past rank are 1                         */
    struct rs_tensor_quant quant;
    void       *data;                      /* constant, owned by the graph, 64-byte aligned; or NULL */
    size_t      data_bytes;
    bool        dead;                      /* no node reads or writes it any more                    */
};

/*
 * One operation.  Fields that an op does not use are zero.  Requantization is filled by rs_graph_requantize():
 *   mult[i], shift[i], real[i], 0 <= i < n_requant, as struct rs_quant of kernels.h wants them (positive shift is left).
 *     CONV2D, DEPTHWISE_CONV2D, FULLY_CONNECTED: n_requant = M always (a per-tensor filter scale is repeated);
 *     BATCH_MATMUL, QUANTIZE of s8/u8, RELU...: 1; LEAKY_RELU: 2, [0] for codes >= zp_in, [1] below;
 *     ADD with RS_ROUND_ONNX: 2, s1 / s_out and s2 / s_out; MUL: 1, s1 * s2 / s_out;
 *     CONCAT: one an input; n_requant = 0 where all inputs have the output's scale and zero point.
 *   u.add (ADD, SUB), u.mul, u.mean, u.softmax, u.sigmoid (LOGISTIC, TANH): the kernels' own parameters.
 */
struct rs_node {
    enum rs_op op;
    int        source;                     /* index of the operation in the model file, or -1        */
    int        n_inputs, n_outputs;
    int       *inputs, *outputs;           /* tensor ids; -1 is an optional input that is absent     */

    int32_t stride_h, stride_w;            /* U                                                      */
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    bool    pad_same;                      /* size inference makes the pads (SAME), then they are as good as explicit */
    int32_t kernel_h, kernel_w;            /* R, S: pools; filled for convolutions too               */
    int32_t depth_multiplier;
    enum rs_activation act;                /* fused activation, already expressed by ...             */
    int32_t act_min, act_max;              /* ... the clamp of output codes (always valid)           */

    int32_t n_axes, axis[RS_MAX_RANK];     /* MEAN: axes, ascending, >= 0; CONCAT, SOFTMAX: axis[0]; TRANSPOSE: perm */
    bool    keep_dims;                     /* MEAN; FULLY_CONNECTED: output keeps the rank of the input */
    int32_t shape[RS_MAX_RANK], n_shape;   /* RESHAPE: wanted dims; SLICE: size; RESIZE: H, W        */
    int32_t before[RS_MAX_RANK];           /* PAD: elements before; SLICE: begin                     */
    int32_t after[RS_MAX_RANK];            /* PAD: elements after;  SLICE: step, not 0               */
    int32_t pad_code;                      /* PAD: the code written                                  */
    float   pad_value;                     /* PAD of float32: the number written                     */
    float   beta;                          /* SOFTMAX beta; LEAKY_RELU alpha                         */
    float   epsilon;                       /* BATCH_NORM, LAYER_NORM: added to the variance, >= 0    */
    bool    approximate;                   /* GELU: by tanh instead of erf                           */
    bool    codes_u8;                      /* ADD, MUL with RS_ROUND_ONNX: the file's codes are uint8, 128 more (kernels_onnx.h) */
    enum rs_function function;             /* FUNCTION: with parameters beta and gamma               */
    float   gamma;
    bool    adjoint_x, adjoint_y;          /* BATCH_MATMUL                                           */
    bool    align_corners, half_pixel;     /* RESIZE_NEAREST                                         */

    int      n_requant;
    int32_t *mult, *shift;
    float   *real;
    union {
        struct rs_add_quant add;
        struct rs_mul_quant mul;
        struct rs_mean_quant mean;
        struct rs_softmax_quant softmax;
        struct rs_sigmoid_quant sigmoid;
        struct rs_softmax_s16_quant softmax_s16;
        struct rs_sigmoid_s16_quant sigmoid_s16;
        int8_t table[256];                 /* HARD_SWISH, FUNCTION: output of code i - 128               */
    } u;
};

struct rs_graph {
    char *name;                            /* never NULL                                             */
    int n_tensors, n_nodes, n_inputs, n_outputs;
    struct rs_tensor *tensors;             /* indexed by tensor id; ids stay valid through all passes */
    struct rs_node   *nodes;               /* in execution order after rs_graph_sort()               */
    int *inputs, *outputs;                 /* tensor ids of the network's own inputs and outputs     */
    enum rs_rounding rounding;             /* set before rs_graph_requantize(); DOUBLE unless changed */
    int  cap_tensors, cap_nodes;           /* private                                                */
};

/* ---- names and sizes ---- */
const char *rs_type_name(enum rs_type type);               /* "int8"...; never NULL                  */
size_t      rs_type_bytes(enum rs_type type);
const char *rs_op_name(enum rs_op op);                     /* "CONV_2D"...: TFLite's names           */
int64_t     rs_tensor_elements(const struct rs_tensor *t); /* product of dims                        */
size_t      rs_tensor_bytes(const struct rs_tensor *t);
/* "1x32x32x3"; @text of @size bytes receives it; returns @text. */
const char *rs_tensor_dims(const struct rs_tensor *t, char *text, size_t size);

/* ---- building ---- */
RS_MUST_CHECK rs_status rs_graph_create(const char *name, struct rs_graph **out, struct rs_error *err);
void rs_graph_destroy(struct rs_graph *g);                 /* NULL is fine                           */

/**
 * rs_graph_add_tensor() - add a tensor; its id is the number of tensors before.
 * @dim:    @rank extents >= 1; the product of all times the element size stays below 2^40
 * @data:   NULL, or @data_bytes = rs_tensor_bytes() of constant data, copied
 * Returns RS_OK; RS_ERR_ARG, RS_ERR_SHAPE, RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_graph_add_tensor(struct rs_graph *g, const char *name, enum rs_type type, int rank,
                                            const int32_t *dim, const void *data, size_t data_bytes,
                                            int *id, struct rs_error *err);

/* Copies @channels scales and zero points (@zero_point may be NULL: all 0).  Scales are finite and > 0. */
RS_MUST_CHECK rs_status rs_graph_set_quant(struct rs_graph *g, int tensor, int channels, int axis,
                                           const float *scale, const int32_t *zero_point, struct rs_error *err);

/**
 * rs_graph_add_node() - append a node.
 * @proto:  op, source and the attributes; its inputs, outputs, mult, shift and real are ignored
 * @inputs, @outputs: tensor ids, copied; -1 only for an absent optional input
 * @index:  receives the node's index; may be NULL
 */
RS_MUST_CHECK rs_status rs_graph_add_node(struct rs_graph *g, const struct rs_node *proto,
                                          const int *inputs, int n_inputs, const int *outputs, int n_outputs,
                                          int *index, struct rs_error *err);
RS_MUST_CHECK rs_status rs_graph_set_io(struct rs_graph *g, const int *inputs, int n_inputs,
                                        const int *outputs, int n_outputs, struct rs_error *err);

/* ---- passes ---- */

/* Puts nodes in an order in which every input is made before it is read (stable).  RS_ERR_FORMAT: a cycle,
 * a tensor made twice, read but never made. */
RS_MUST_CHECK rs_status rs_graph_sort(struct rs_graph *g, struct rs_error *err);

/* Ids, ranks, types, operand counts, attributes: everything that the later passes and the kernels trust.  Needs a sorted graph. */
RS_MUST_CHECK rs_status rs_graph_validate(const struct rs_graph *g, struct rs_error *err);

/* The same for one node. */
RS_MUST_CHECK rs_status rs_graph_validate_node(const struct rs_graph *g, int node, struct rs_error *err);

/* Computes every node's output dims (and SAME pads) from its inputs; with @check, a tensor that already has other
 * dims is RS_ERR_SHAPE, else it is overwritten. */
RS_MUST_CHECK rs_status rs_graph_infer(struct rs_graph *g, bool check, struct rs_error *err);

/* Fills mult, shift, real, u, act_min, act_max from scales and fused activations. */
RS_MUST_CHECK rs_status rs_graph_requantize(struct rs_graph *g, struct rs_error *err);

/* sort + infer(check) + validate + requantize: what an importer calls at its end. */
RS_MUST_CHECK rs_status rs_graph_prepare(struct rs_graph *g, struct rs_error *err);

enum {                                    /* for rs_graph_optimize()                                 */
    RS_PASS_FOLD     = 1,                 /* nodes with constant inputs become constants             */
    RS_PASS_CSE      = 2,                 /* equal nodes on equal inputs become one                  */
    RS_PASS_FUSE_PAD = 4,                 /* PAD into convolution, depthwise, max pool, where exact  */
    RS_PASS_FUSE_ACT = 8,                 /* RELU, RELU6 into the producer's clamp, where exact      */
    RS_PASS_VIEWS    = 16,                /* RESHAPE chains merged; RESHAPE before FULLY_CONNECTED removed */
    RS_PASS_DEAD     = 32,                /* nodes and tensors that no output needs are removed      */
    RS_PASS_ALL      = 63
};
/**
 * rs_graph_optimize() - run the chosen passes until nothing changes.  Never changes a bit of any output.
 * @changed: receives the number of rewrites; may be NULL
 */
RS_MUST_CHECK rs_status rs_graph_optimize(struct rs_graph *g, unsigned passes, int *changed, struct rs_error *err);

/* Gives the network batch size @batch >= 1 (dim 0 of every input).  RS_ERR_SHAPE, with the graph unchanged,
 * where the batch does not stay the slowest dimension of every activation. */
RS_MUST_CHECK rs_status rs_graph_set_batch(struct rs_graph *g, int32_t batch, struct rs_error *err);

/* ---- questions ---- */
int  rs_graph_producer(const struct rs_graph *g, int tensor);          /* node index; -1: input or constant */
int  rs_graph_consumers(const struct rs_graph *g, int tensor);         /* how many node inputs read it; a network output counts once more */
int  rs_graph_sole_consumer(const struct rs_graph *g, int tensor);     /* the one node that reads it, if it is no network output; or -1 */
/* Where the array may go on without storing: the node that alone reads the output of @node, if it is an ADD of
 * equal dims (@residual receives the other operand's tensor id) or a pool / global MEAN; else -1. */
int  rs_graph_fusable_add(const struct rs_graph *g, int node, int *residual);
int  rs_graph_fusable_pool(const struct rs_graph *g, int node);
int64_t rs_graph_macs(const struct rs_graph *g, int node);             /* published MACs: padding taps counted; 0 if none */
int64_t rs_graph_total_macs(const struct rs_graph *g);                 /* INT64_MAX if it does not fit      */
bool rs_op_has_macs(enum rs_op op);                                    /* convolutions, FC, BATCH_MATMUL */

/* BATCH_MATMUL: number of @t's matrices, and which of them the output's matrix @i reads (leading dims broadcast). */
int64_t rs_matrices(const struct rs_tensor *t);
int64_t rs_matrix_index(const struct rs_tensor *t, const struct rs_tensor *out, int64_t i);

/* A convolution, depthwise, FC, pool or global MEAN in the field's letters.  FC: H = W = R = S = E = F = 1, N = rows.
 * Depthwise: M = C * depth_multiplier.  zp_in, zp_out and tensor ids included; filter, bias -1 if absent. */
struct rs_layer {
    int32_t N, C, H, W, M, R, S, E, F;
    int32_t Uh, Uw, dilation_h, dilation_w, pad_top, pad_left, pad_bottom, pad_right;
    int32_t zp_in, zp_out, act_min, act_max;
    int ifmap, filter, bias, ofmap;
};
bool rs_graph_layer(const struct rs_graph *g, int node, struct rs_layer *layer);   /* false: not such a node; any type of activations */

void rs_graph_print(const struct rs_graph *g, FILE *to);               /* one line a node              */

/* ---- memory ---- */
#define RS_NO_OFFSET SIZE_MAX
struct rs_memory_plan {
    size_t  arena_bytes;                   /* peak: what the arena must have                          */
    size_t  lower_bound_bytes;             /* the largest sum of live tensors at any node             */
    size_t  alignment;
    int     n_tensors;
    size_t *offset_bytes;                  /* [tensor id]; RS_NO_OFFSET: constant, network input, dead */
    int    *root;                          /* [tensor id]: the tensor whose storage it is (RESHAPE is a view) */
    int    *first, *last;                  /* [tensor id]: nodes between which the storage lives, both included; network outputs live to n_nodes */
    size_t *scratch_offset;                /* [node]: its scratch in the arena; RS_NO_OFFSET: needs none */
};
/* Offsets for all activations but the network's inputs; @alignment a power of two.  Greedy by size. */
RS_MUST_CHECK rs_status rs_memory_plan_create(const struct rs_graph *g, size_t alignment,
                                              struct rs_memory_plan **out, struct rs_error *err);
void rs_memory_plan_destroy(struct rs_memory_plan *plan);

/* The allocator alone, for other users (device buffers): item i lives over [first[i], last[i]], needs bytes[i];
 * writes offset[i]; items with bytes 0 get offset 0.  Returns the peak through @peak. */
RS_MUST_CHECK rs_status rs_pack_lifetimes(int n, const size_t *bytes, const int *first, const int *last,
                                          size_t alignment, size_t *offset, size_t *peak, struct rs_error *err);

/* ---- execution on the CPU ---- */

/* Called after each node: the first output's data; return non-RS_OK to stop the run with that status. */
typedef rs_status (*rs_node_hook)(void *context, const struct rs_graph *g, int node, const void *output);

/*
 * Layers packed once for the fast kernels of this machine (sw/kernels/pack.h), for a graph that no longer changes.
 * Read-only while it runs: several threads may share it.
 */
struct rs_packed_graph {
    int    n_nodes;
    void **layer;                          /* [node]: packed layer, or NULL                           */
    struct rs_add_plane **plane;           /* [node]: of an ADD, or NULL                              */
    size_t packed_bytes;                   /* of all layers together                                  */
    size_t scratch_bytes;                  /* most that one layer needs; 0 if none is packed          */
};
RS_MUST_CHECK rs_status rs_packed_graph_create(const struct rs_graph *g, struct rs_packed_graph **out, struct rs_error *err);
void rs_packed_graph_destroy(struct rs_packed_graph *packed);

struct rs_pool;
struct rs_run_options {
    bool         reference;                /* use only the _ref kernels; @packed is then not used     */
    const struct rs_packed_graph *packed;  /* of the same graph, or NULL: layers are packed on every run */
    struct rs_pool *pool;                  /* packed layers by its threads (sw/kernels/pool.h); NULL: by this one */
    rs_node_hook hook;                     /* or NULL                                                 */
    void        *hook_context;
};

/* Scratch that rs_graph_run_node() needs for @node; 0 for most. */
size_t rs_graph_node_scratch_bytes(const struct rs_graph *g, int node);

/**
 * rs_graph_run_node() - run one node on the CPU.
 * @data:    [tensor id] where each tensor's elements are; needed for this node's inputs and outputs.  Constants may
 *           be NULL: the graph's own are then used.  A RESHAPE whose output pointer equals its input copies nothing.
 * @scratch: rs_graph_node_scratch_bytes() bytes, 64-byte aligned, or NULL if 0
 */
RS_MUST_CHECK rs_status rs_graph_run_node(const struct rs_graph *g, int node, void *const *data, void *scratch,
                                          bool reference, struct rs_error *err);

/* plan->arena_bytes, and room for the scratch of @packed (NULL: none) for each of @threads >= 1 threads. */
size_t rs_graph_arena_bytes(const struct rs_memory_plan *plan, const struct rs_packed_graph *packed, int threads);

/**
 * rs_graph_run_cpu() - run the whole network.
 * @inputs, @outputs: [g->n_inputs], [g->n_outputs] dense buffers of rs_tensor_bytes() each; outputs must not overlap inputs
 * @arena:   at least rs_graph_arena_bytes(plan, options->packed, threads of options->pool) bytes, aligned to plan->alignment
 * @options: or NULL
 * Allocates at most a table of pointers.  On error the outputs are undefined.
 */
RS_MUST_CHECK rs_status rs_graph_run_cpu(const struct rs_graph *g, const struct rs_memory_plan *plan,
                                         const void *const *inputs, void *const *outputs,
                                         void *arena, size_t arena_bytes,
                                         const struct rs_run_options *options, struct rs_error *err);
#endif
