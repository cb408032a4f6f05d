/*
 * plan.h - the planner: which operation runs where, and everything the array needs to run its part.
 *
 * rs_plan_graph() takes a prepared graph and a device's configuration and makes a struct rs_plan: one step a graph
 * node (where and why), the actions in order (run a device job, run a node on the CPU), and four pieces of device memory:
 *
 *   base 0  commands   plan->commands      read only   job j starts at job->commands_offset_bytes
 *   base 1  image      plan->image         read only   filters and parameters of all jobs
 *   base 2  arena      plan->arena_bytes   read/write  activations, blocked (below); contents at start do not matter
 *   base 3  status     plan->status_bytes  written     END's status block at offset 0, snapshots after it
 *
 * All four want RS_PLAN_ALIGN bytes of alignment.  To run a job: write its inputs into the arena
 * (rs_layout_to_blocked), set BASE0 = commands + job->commands_offset_bytes, BASE1..3 to the buffers, ap_start,
 * wait, read its outputs (rs_layout_from_blocked).  Tensors that only other jobs read stay in the arena; what the host has
 * written or may read has its place from the start of the job to its end only.
 *
 * Matrices by rows: a tensor with channels == B and P * C/B pixels may be the rows [P][C] of a matrix, C a multiple of B: as a blocked
 * layout of one channel block it is the same bytes, so rs_layout_to_blocked() copies.
 *
 * Blocked layout [C/B][P][B]: B = config.block channels make a block, P = N*H*W pixels, N slowest; a channel block
 * has block_stride >= P blocks of room.  Channels past C hold the zero point going in, anything coming out.  An ifmap
 * of block_channels < B channels a block is padded likewise.
 * int16 activations are [C/B][P][2][B]: of each pixel a block of low bytes, then one of high bytes.
 *
 * Everything is checked when it is planned: a plan that exists fits the device.  Words: style.md 2; E, F are the
 * ofmap's rows and columns in struct rs_layer, and e, fx, mx ... of a mapping as in docs/isa.md.
 */
#ifndef RS_PLAN_H
#define RS_PLAN_H
#include <stdio.h>
#include "graph.h"
#include "platform.h"
#include "isa.h"

#define RS_PLAN_ALIGN 4096

enum rs_plan_where {
    RS_PLAN_CPU = 0,           /* rs_graph_run_node()                                                  */
    RS_PLAN_ARRAY,             /* commands of its own in a job                                         */
    RS_PLAN_FUSED,             /* done by another node's commands (an ADD by its convolution)          */
    RS_PLAN_VIEW               /* moves nothing: the same storage under another shape                  */
};

/* How a layer is cut over array and time; names as the COMPUTE fields of isa.h.  Row tiles of ns*e ofmap rows, column
 * tiles of fx*fp, filter tiles of mx*2*pairs: one group each; the last of each kind may be smaller. */
struct rs_mapping {
    int mode;                  /* enum rs_compute_mode; -1: a pool                                     */
    int e, fx, mx, pairs, ns, fp, q, rp, wc;
    int filters_outer;         /* 0: all filter tiles of a row tile, then the next; 1: the other way   */
    int chain, chains;         /* FLATTEN: rows whose psums add up, and how many such chains a column has; 0: one of all rows */
    int by_rows;               /* chains make 1: e ofmap rows each, one below the other; 0: other filters, mx*pairs further on */
    int images;                /* FLATTEN: images of a group, one a strip; 0, 1: one                    */
};

struct rs_plan_step {          /* one a graph node, same index                                         */
    enum rs_plan_where where;
    int      job;              /* ARRAY, FUSED, VIEW inside a job; else -1                             */
    int      carrier;          /* FUSED: the node whose commands do it; else -1                        */
    char     reason[128];      /* why there                                                            */
    struct rs_mapping map;     /* ARRAY                                                                */
    int      groups;           /* COMPUTE or POOL commands                                             */
    int64_t  macs;             /* published MACs                                                       */
    int64_t  cycles;           /* predicted: from the end of the layer before to its own end; 0 on CPU */
    int64_t  busy_cycles;      /* predicted: clocks its groups alone keep the array busy               */
    int64_t  filter_bytes;     /* packed filters and parameters                                        */
};

/*
 * The second operand of a matrix product of two activations: the host packs it as filters before the job.  It has matrices of [K][N], or
 * [N][K]; image i of the product reads number matrix[i].  Packed: @n_tiles filter tiles an image, image_bytes from one image to the next.
 * Filters of the array have zero point 0; what the operand's own takes off, code - zero point, is 9 bits: each filter has @planes rows,
 * the code and then its zero point's negative in as many int8 as it needs, and all of them meet the same ifmap pixel.
 */
struct rs_plan_filter_tile { uint64_t offset_bytes; int32_t m0, nm, mx, pairs; };     /* of an image's bytes; filters m0 .. m0 + nm - 1 */
struct rs_plan_filter {
    int32_t  K, N, planes;
    bool     transposed;       /* [N][K]                                                               */
    int32_t  mult, shift;      /* requantization, the same for every column                            */
    int32_t  rows;             /* of the array                                                         */
    struct rs_mapping map;
    int      n_images, n_tiles;
    int32_t *matrix;           /* [n_images]                                                           */
    struct rs_plan_filter_tile *tiles;           /* [n_tiles]                                          */
    uint64_t image_bytes;
};

struct rs_plan_tensor {        /* a tensor in the arena                                                */
    int      tensor;           /* graph tensor id                                                      */
    uint64_t offset_bytes;     /* multiple of 64 and of a beat                                         */
    int32_t  transposed_rows;  /* host: matrices [C][rows], device: [rows][C]; 0: the same on both      */
    struct rs_plan_filter *filter;               /* packed as filters, and not blocked; or NULL        */
    /* Of filters only zero_point and bytes. */
    int32_t  pixels, channels; /* P = N*H*W; C                                                         */
    int32_t  block_channels;   /* channels that a block holds, <= B                                    */
    int32_t  element_bytes;    /* 1: int8; 2: int16, a pixel is two blocks, low bytes and high bytes   */
    int32_t  block_stride;     /* blocks between channel blocks, >= P * element_bytes                  */
    int32_t  zero_point;
    uint64_t bytes;            /* ceil(C/B) * block_stride * B; of filters: n_images * image_bytes     */
};

struct rs_plan_snapshot {      /* counters right after a layer                                         */
    int      node;
    uint64_t offset_bytes;     /* in the status area; RS_STATUS_BYTES                                  */
};

struct rs_plan_job {
    size_t   commands_offset_bytes;
    int      n_commands;       /* END included                                                         */
    int      n_inputs, n_outputs, n_snapshots;
    struct rs_plan_tensor *inputs, *outputs;     /* what the host writes before, may read after        */
    struct rs_plan_snapshot *snapshots;          /* in order                                           */
    int      loads, computes, pools, stores;     /* commands by engine (snapshots are stores)          */
    int64_t  macs, cycles;     /* published MACs; predicted clocks, ap_start to ap_done                */
    int64_t  read_bytes, write_bytes;            /* device memory traffic, commands not counted        */
};

struct rs_plan_action { bool is_job; int index; };     /* a job, or a node for the CPU                 */

struct rs_plan {
    struct rs_hw_config config;
    int n_steps, n_actions, n_jobs;
    struct rs_plan_step   *steps;
    struct rs_plan_action *actions;
    struct rs_plan_job    *jobs;
    uint32_t *commands;  size_t commands_bytes;
    uint8_t  *image;     size_t image_bytes;     /* >= 64                                              */
    size_t    arena_bytes, status_bytes;
    size_t    used_bytes;                        /* of the arena, which is whole pages                   */
    size_t    live_bytes, live_dense_bytes;      /* most bytes that live in the arena at once: activations in blocks of B
                                                    channels, which no plan of these jobs can beat, and without that padding.  These three are not kept in files */
    int64_t   macs, array_macs;                  /* of the network; of those, on the array             */
    int64_t   cycles;                            /* sum over jobs, predicted                           */
};

struct rs_plan_pin { int node; struct rs_mapping map; };       /* a mapping by hand (mapping_file.h)     */

struct rs_plan_options {       /* all zero: the defaults                                               */
    bool no_snapshots;
    bool no_fusion;            /* every ADD on the CPU                                                 */
    bool barrier;              /* layers one after another, no overlap: to measure what chaining buys  */
    bool quick;                /* first good mapping instead of a search over the whole job            */
    int  glb_blocks;           /* use only so much of the global buffer; 0: all.  Same for the next:   */
    int  wbuf_words;
    const struct rs_plan_pin *pins;     /* @n_pins layers whose mapping is not searched                */
    int  n_pins;
    struct rs_explanation *explain;     /* filled for one node (explain.h), or NULL                    */
};

/**
 * rs_plan_graph() - plan a network.
 * @g:    prepared (rs_graph_prepare), normally optimized; not kept
 * @config: the device's; a copy is kept in the plan
 * @options: or NULL
 * @out:  owned by the caller (rs_plan_free); NULL on error
 * Operations that the array cannot do go to the CPU with the reason in their step; that is no error.
 * Returns RS_OK; RS_ERR_ARG (also: a pinned node that has no mapping of its own); RS_ERR_RANGE (a configuration no preset can have;
 * a pinned mapping that breaks a limit); RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_plan_graph(const struct rs_graph *g, const struct rs_hw_config *config,
                                      const struct rs_plan_options *options,
                                      struct rs_plan **out, struct rs_error *err);

enum rs_plan_kind { RS_PLAN_CONV = 0, RS_PLAN_DEPTHWISE, RS_PLAN_MAX_POOL, RS_PLAN_AVERAGE_POOL };
enum rs_plan_type {
    RS_PLAN_S8 = 0,            /* int8 activations and filters                                         */
    RS_PLAN_S16_S8,            /* int16 activations, int8 filters, int64 bias: TensorFlow Lite's 16x8  */
    RS_PLAN_S16_S16            /* int16 both, int64 bias; ofmap = (sum + bias) >> q_shift, half up     */
};

/*
 * One layer without a graph.  GEMM and FC: RS_PLAN_CONV with n = rows, h = w = r = s = e = f = 1, c = K.
 * The plan has one job; its inputs are tensor 0, the ifmap, and with @add tensor 1, the residual operand (of the ofmap's
 * extents); its output is tensor 2.
 * int16 layers: no pools, no @add; zero points are 0, @quant has act_min, act_max in int16 and (S16_S8) mult, shift in
 * Q31 as for int8: the array takes 16 bits of the multiplier, as TensorFlow Lite does for int64 sums.  At most 65,536 products a sum.
 */
struct rs_plan_layer {
    enum rs_plan_kind kind;
    enum rs_plan_type type;
    struct rs_conv_shape shape;
    const int8_t  *filter;            /* CONV [M][R][S][C], DEPTHWISE [R][S][M]; borrowed during the call     */
    const int32_t *bias;              /* [M] or NULL                                                          */
    const int16_t *filter_s16;        /* S16_S16: instead of filter                                           */
    const int64_t *bias_s64;          /* S16_*: instead of bias; each in [-2^46, 2^46)                        */
    int32_t q_shift;                  /* S16_S16: 0..46                                                       */
    struct rs_quant quant;            /* pools use act_min, act_max, zp_in                                    */
    int32_t block_channels;           /* channels in a block of the ifmap, <= B; 0: B                         */
    const struct rs_add_quant *add;   /* or NULL; operand 1 is this layer's own output                        */
    const struct rs_mapping *map;     /* or NULL: search                                                      */
};

/**
 * rs_plan_layer() - plan one layer for the array.
 * Returns RS_OK; RS_ERR_UNSUPPORTED with the reason if the array cannot do it; RS_ERR_RANGE if @layer->map breaks a limit;
 * RS_ERR_ARG; RS_ERR_SHAPE; RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_plan_layer(const struct rs_plan_layer *layer, const struct rs_hw_config *config,
                                      const struct rs_plan_options *options,
                                      struct rs_plan **out, struct rs_error *err);

void rs_plan_free(struct rs_plan *plan);                                  /* NULL is fine              */

/* A table for people: one line a node, one a job.  @g may be NULL (then nodes are numbers). */
void rs_plan_print(const struct rs_plan *plan, const struct rs_graph *g, FILE *to);

/* Where a tensor that crosses between host and device lies; NULL if job @job has no such input (output). */
const struct rs_plan_tensor *rs_plan_find(const struct rs_plan_tensor *list, int n, int tensor);

/* The numbers of a preset as a device would report them, by name: "default", "small", "tiny" (preset.c); false: no such. */
bool rs_hw_config_named(const char *name, struct rs_hw_config *config);

/**
 * rs_plan_save(), rs_plan_load() - a plan in a file: what a device needs, and the hash of the configuration.
 * rs_plan_load() checks the file against itself and against @config (NULL: not checked).
 * Returns RS_OK; RS_ERR_IO; RS_ERR_FORMAT; RS_ERR_MISMATCH (planned for another configuration); RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_plan_save(const struct rs_plan *plan, const char *path, struct rs_error *err);
RS_MUST_CHECK rs_status rs_plan_load(const char *path, const struct rs_hw_config *config,
                                     struct rs_plan **out, struct rs_error *err);

/* ---- layout.c ---- */

/**
 * rs_layout_to_blocked() - dense [P][C] (that is NHWC) to [C/B][block_stride][B]; channels past C get t->zero_point.
 * rs_layout_from_blocked() - the other way.
 * int8 or, with t->element_bytes 2, int16 elements.  Blocks past the pixels are not touched.  @block: B.
 * An input with t->transposed_rows is transposed on the way, one with t->filter is packed as filters (every byte is written).
 */
void rs_layout_to_blocked(const struct rs_plan_tensor *t, int block, const void *nhwc, void *blocked);
void rs_layout_from_blocked(const struct rs_plan_tensor *t, int block, const void *blocked, void *nhwc);

/* ---- encode.c, disassemble.c ---- */

/* Fields by name: enum value -> place, made from the X-macros of isa.h. */
enum rs_field {
#define RS_FIELD_ENUM(name, word, lsb, width, sign) RS_FIELD_##name,
    RS_FIELDS_COMMON(RS_FIELD_ENUM)
    RS_FIELDS_MOVE(RS_FIELD_ENUM)
    RS_FIELDS_COMPUTE(RS_FIELD_ENUM)
    RS_FIELDS_POOL(RS_FIELD_ENUM)
#undef RS_FIELD_ENUM
    RS_N_FIELDS
};

/**
 * rs_encode() - put @value into a field of a command.
 * RS_ERR_RANGE if it does not fit: "NS = 64 does not fit 6 unsigned bits"; the command is then unchanged.
 */
RS_MUST_CHECK rs_status rs_encode(uint32_t command[RS_COMMAND_WORDS], enum rs_field field, int64_t value,
                                  struct rs_error *err);

/* One command as text: "COMPUTE layer 3 wait 2,7,0,0 MODE=0 ...".  At most @size - 1 characters; returns @text. */
const char *rs_disassemble(const uint32_t command[RS_COMMAND_WORDS], char *text, size_t size);
/* A whole stream, a line each, until END or @n commands. */
void rs_disassemble_stream(const uint32_t *commands, int n, FILE *to);
#endif
