/* graph_internal.h - what the files of sw/graph share; nobody else includes it. */
#ifndef RS_GRAPH_INTERNAL_H
#define RS_GRAPH_INTERNAL_H
#include "graph.h"

/* How many operands an op takes, and which of them are data of the network. */
struct rs_op_info {
    const char *name;                 /* TFLite's                                 */
    int min_inputs, max_inputs;       /* max_inputs -1: any number                */
    bool macs;
};
extern const struct rs_op_info rs_op_table[RS_OP_COUNT];

/* rs_fail() with "CONV_2D (operation 3, output 'name'): " before the text. */
__attribute__((format(printf, 5, 6)))
rs_status rs_node_fail(const struct rs_graph *g, const struct rs_node *n, struct rs_error *err, rs_status status,
                       const char *format, ...);

/* Zeroed memory of count * size bytes, 64-byte aligned, never 0 bytes; NULL when it overflows or is not to be had.  free() it. */
void *rs_alloc(size_t count, size_t size);

void rs_tensor_free(struct rs_tensor *t);
void rs_node_free(struct rs_node *n);
bool rs_same_dims(const struct rs_tensor *a, const struct rs_tensor *b);
bool rs_same_quant(const struct rs_tensor *a, const struct rs_tensor *b);      /* scales and zero points, per tensor or channel */
bool rs_is_float_node(const struct rs_graph *g, const struct rs_node *n);       /* input and output are float32 */
bool rs_is_s16_node(const struct rs_graph *g, const struct rs_node *n);         /* input or output is int16 */
void rs_graph_remove_nodes(struct rs_graph *g, const bool *remove);          /* keeps the order of the others */
struct rs_dims rs_dims_of(const struct rs_tensor *t);

/* Output dims of one node (pads of SAME are set in it): writes dim[] and rank of output @k. */
rs_status rs_infer_node(struct rs_graph *g, struct rs_node *n, int k, int32_t dim[RS_MAX_RANK], int *rank, struct rs_error *err);
rs_status rs_requantize_node(struct rs_graph *g, struct rs_node *n, struct rs_error *err);

/* Where tensor @tensor's elements are: @data's, else the graph's own; NULL for tensor -1. */
const void *rs_data_of(const struct rs_graph *g, int tensor, void *const *data);
struct rs_conv_shape rs_conv_shape_of(const struct rs_layer *l);

/* One float node, checked by rs_graph_validate_node(); operands as rs_graph_run_node() wants them. */
rs_status rs_run_node_f32(const struct rs_graph *g, int node, void *const *data, void *scratch, struct rs_error *err);

/* The same for a node that reads or writes int16. */
rs_status rs_run_node_s16(const struct rs_graph *g, int node, void *const *data, bool reference, struct rs_error *err);

/* TFLite's HARD_SWISH of code i - 128.  RS_ERR_RANGE: scales that it cannot do. */
rs_status rs_hard_swish_table(float s_in, int32_t zp_in, float s_out, int32_t zp_out, int8_t table[256], struct rs_error *err);

/* Producer of each tensor (-1 none) and how many node inputs plus network outputs read it; one free() each. */
struct rs_uses { int *producer, *count; };
rs_status rs_uses_create(const struct rs_graph *g, struct rs_uses *u, struct rs_error *err);
void rs_uses_destroy(struct rs_uses *u);
#endif
