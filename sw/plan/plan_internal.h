/* plan_internal.h - what the files of sw/plan share; nobody else includes it. */
#ifndef RS_PLAN_INTERNAL_H
#define RS_PLAN_INTERNAL_H
#include "plan.h"
#include "requantize.h"

/* An activation that the array reads or writes. */
struct act {
    int  tensor;                 /* graph tensor id                                                  */
    int  pixels, channels, cbs;  /* P; C; ceil(C/B)                                                  */
    int  px;                     /* blocks of a pixel that lie together: 1, int16: 2, row_major: C/B */
    bool row_major;              /* as the host has it, [P][C]: cbs 1, and a channel block is a step of 1 */
    int  bc;                     /* channels of a block                                              */
    int  transposed_rows;        /* the host transposes its matrices of so many rows; 0: as they are  */
    int  stride;                 /* blocks between channel blocks, in the arena and when resident    */
    int  zp;
    bool from_host, to_host;     /* written by the host before the job, read by it after             */
    bool from_job, to_job;       /* crosses between jobs through the arena                           */
    int  last_node;              /* that reads it on the array, if it crosses                        */
    bool linear;                 /* a reader wants stride == pixels * px                             */
    bool spilled;                /* lives in the arena; rows come and go                             */
    int64_t arena;               /* byte offset, or -1                                               */
    int  glb;                    /* first block when resident                                        */
    int  first, last;            /* layers of the job between which it is live                       */
    int32_t *writers;            /* [cbs][pixels]: last group that writes the block, plus one; NULL: loaded */
};

/* How a filter tensor is indexed. */
enum filter_layout { FILTER_MRSC, FILTER_RSM, FILTER_LINEAR };

/* Clocks of one group. */
struct group_cost {
    int64_t mac;                 /* MAC micro-operations                                             */
    int64_t ifmap;               /* ifmap words                                                      */
    int64_t run;                 /* first to last, with ifmap and filter words and gaps              */
    int64_t flush;
    int64_t added;               /* of flush: after the last entry has been read, residuals are added  */
    int64_t first;               /* from the last wait to the first MAC, ifmap words only             */
    int64_t first_filters;       /* filter words before the first MAC                                */
    int64_t params;              /* parameter words                                                  */
    int64_t filters;             /* filter words and parameters of the group                         */
    int64_t last;                /* clocks of the last pass                                          */
};

/* One operation of the array, in the shape the mapping sees: 1x1 and FC have H = E = 1 and pixels in W = F. */
struct layer {
    int kind;                    /* enum rs_plan_kind                                                */
    int node;
    int N, C, H, W, M, R, S, U, E, F, pad_top, pad_left;
    int in_image, out_image;     /* pixels between images                                            */
    int block;                   /* B                                                                */
    int bc;                      /* channels in a block of the ifmap                                 */
    int cbs;                     /* channel blocks that one psum reduces                             */
    int n_cg, cg_m;              /* depthwise: blocks of ifmap channels, filters of each; else 1, M  */
    int multiplier;              /* FILTER_RSM: ofmap channels of an ifmap channel                   */
    enum filter_layout filter_layout;
    int linear_pixels;           /* FILTER_LINEAR: channel block cb is pixel cb % linear_pixels      */
    int zp_in, zp_out, act_min, act_max;
    bool wide;                   /* int16 activations: filters one by one, pixels of two blocks       */
    const int8_t  *filter;
    const int16_t *filter_s16;   /* instead of filter                                                */
    const struct rs_plan_filter *operand;   /* instead of filter, while it is packed; codes in filter, zero point filter_zp */
    int filter_zp;
    bool own_filters;            /* the host packs filters before the job, others for each image: a matrix product's second operand */
    int64_t own_image;           /* their place in the arena, bytes                                  */
    const int32_t *bias, *mult, *shift;
    const int64_t *bias_s64;     /* wide: instead of bias                                            */
    int n_mult;                  /* multipliers and shifts; 0: q_shift instead                       */
    int q_shift;
    bool add;
    int  add_zp_res, add_zp_out, add_min, add_max;
    int32_t add_mult_acc, add_mult_res, add_mult_out;
    int  add_shift_acc, add_shift_res, add_shift_out;
    int  in, res, out;           /* activations of the job; res -1: none                             */
    int64_t macs;

    struct rs_mapping map;
    bool pinned;                 /* its mapping is given                                             */
    bool matrix;                 /* pixels are the rows of a matrix                                  */
    int  in_px, out_px;          /* px of its activations                                            */
    int  tile_rows;              /* ofmap rows (E > 1) or columns (E = 1) between loads and stores; all of them if nothing is spilled */
    int  in_buf, res_buf, out_buf;          /* first block of the two tile buffers of a spilled activation */
    int  in_tile, res_tile, out_tile;       /* blocks of one channel block of a tile buffer          */
    int  kept_row;               /* of a tile buffer that keeps every U-th ifmap row only: blocks of a row; 0: all rows are there */

    struct group *groups;        /* made by rs_plan_groups()                                         */
    struct group_cost *costs;    /* [group]                                                          */
    int *need_in, *need_res;     /* [group]: groups of the producers that must be done before        */
    int  n_groups;
    struct chunk *chunks;        /* filters and parameters of one filter tile, in the image          */
    int  n_chunks;
};

/* One COMPUTE, or one POOL. */
struct group {
    int image, tile;             /* tile: which load/store tile                                      */
    int e0, ne, f0, nf;          /* ofmap rows, columns that exist                                   */
    int cg, m0, nm;              /* first filter of the whole ofmap, how many exist; POOL: first channel block in cg, how many in nm */
    int e, mx, pairs, ns, fp;    /* the mapping's, cut to what is needed                             */
    int chunk;                   /* index into the layer's chunks                                    */
};

struct chunk {
    int64_t image;               /* byte offset                                                      */
    int words, used;             /* filter-buffer words, even; of those, not padding                 */
    int filter_words, first_words;           /* of all passes, of the first; without parameters      */
    int cg, m0, nm, mx, pairs;
};

/* ---- map.c ---- */

/* When each part of the array is free; the same clockwork orders groups and predicts. */
struct timeline {
    int64_t mac_end, flush_end, read_end, flush_before, filter_free, pool_free;   /* read: the accumulators of the last group */
};
/* Starts a group whose waits are over at @ready: returns its first MAC, sets when its ofmap is written. */
int64_t rs_timeline_group(struct timeline *t, int64_t ready, const struct group_cost *cost, int64_t *done);
int64_t rs_timeline_pool(struct timeline *t, int64_t ready, int64_t cost, int64_t *done);
void rs_map_group_cost(const struct rs_hw_config *c, const struct layer *l, const struct group *g, struct group_cost *cost);
int64_t rs_pool_cost(const struct layer *l, const struct group *g);

enum { RS_MAP_LATENCY = REQUANTIZE_EDGES + 30 };    /* last MAC to last byte without the flush                          */

/* Every limit of docs/isa.md; on failure @why says which. */
bool rs_map_check(const struct rs_hw_config *c, const struct layer *l, const struct rs_mapping *m, struct rs_error *why);

/* The cheapest of all mappings that a search tried, for those who ask why. */
struct considered {
    int max, n;                  /* room for, so many are there                                      */
    int64_t tried;               /* mappings that kept every limit                                   */
    struct rs_mapping *map;      /* [max], cheapest first                                            */
    int64_t *cost;               /* [max] as the search ranks them                                   */
};

/* Up to @max mappings, best first, that differ in their number of row and column tiles. 0: none, with the reason in @why.
 * @all: filled, or NULL. */
int rs_map_search(const struct rs_hw_config *c, const struct layer *l, struct rs_mapping *out, int max, struct considered *all, struct rs_error *why);

/* T of pass k and how many passes there are. */
struct passes {
    int n_cb, n_rc, q_last, rp_last;
    int rows_last;               /* FLATTEN: rows of a chain that hold pairs, last pass              */
};
struct passes rs_map_passes(const struct layer *l, const struct rs_mapping *m, int rows);

/* FLATTEN's chains; the other modes have one of all rows (DEPTHWISE: each row its own, which these do not count). */
static inline int rs_map_chain(const struct rs_mapping *m, int rows) { return m->mode == RS_MODE_FLATTEN && m->chain > 0 ? m->chain : rows; }
static inline int rs_map_chains(const struct rs_mapping *m) { return m->mode == RS_MODE_FLATTEN && m->chains > 1 ? m->chains : 1; }
static inline int rs_map_images(const struct rs_mapping *m) { return m->mode == RS_MODE_FLATTEN && m->images > 1 ? m->images : 1; }
/* Ofmap rows of a strip; times the filters of a column that its chains have. */
static inline int rs_map_strip_rows(const struct rs_mapping *m) { return m->e * (m->by_rows ? rs_map_chains(m) : 1); }
static inline int rs_map_filter_chains(const struct rs_mapping *m) { return m->by_rows ? 1 : rs_map_chains(m); }
int rs_map_taps(const struct layer *l, const struct rs_mapping *m, const struct passes *p, int cb, int rc);

void rs_layer_free_groups(struct layer *l);

/* Cuts the layer into groups and chunks by l->map and l->tile_rows; frees what was there. */
rs_status rs_plan_groups(const struct rs_hw_config *c, struct layer *l, struct rs_error *err);

/* ---- pack.c ---- */
int  rs_chunk_words(const struct rs_hw_config *c, const struct layer *l, struct chunk *k);      /* sets its counts of words */
void rs_pack_chunk(const struct rs_hw_config *c, const struct layer *l, const struct chunk *k, uint8_t *to);

/* Rows that a filter needs for @zero_point (plan.h, struct rs_plan_filter), and the layer that its packing sees. */
int  rs_filter_planes(int zero_point);
struct layer rs_filter_layer(const struct rs_plan_filter *f, int block, int zero_point);
/* rs_layout_to_blocked() for t->filter: every byte of @to is written. */
void rs_pack_filters(const struct rs_plan_tensor *t, int block, const int8_t *codes, uint8_t *to);

/* rs_map_search() for a layer that is cut into load/store tiles. */
int rs_map_candidates(const struct rs_hw_config *c, const struct layer *l, struct rs_mapping *out, int max, struct considered *all, struct rs_error *why);

/* ---- schedule.c ---- */
struct job {
    struct layer *layers;
    int n_layers;
    struct act *acts;
    int n_acts;
    int64_t arena_end;           /* past its activations in the arena                                */
    size_t  live, live_dense;    /* as those of the arena, while this job runs                       */
    int bad;                     /* RS_ERR_UNSUPPORTED: the layer that cannot be done; else -1       */
};

/* ---- order.c ---- */
struct group_ref { int layer, group; };

/* First channel block of the ifmap that a group reads. */
int rs_first_block(const struct layer *l, const struct group *g);

/* Groups of all layers in an order that their operands permit; with @search, better mappings first.  Needs addresses.
 * free() *order. */
rs_status rs_order_job(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j, bool search,
                       struct group_ref **order, int *n_order, struct rs_error *err);

/* The end of the job with each of the @n mappings @maps at layer @i and the others as they are.  Leaves the layer as it was. */
rs_status rs_order_ends(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j, int i, const struct rs_mapping *maps,
                        int n, int64_t *ends, struct rs_error *err);

/* ---- explain.c ---- */

/* Fills o->explain for layer @i, whose mapping has been chosen. */
rs_status rs_explain_layer(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j, int i, struct rs_error *err);

/* The arena: what crosses between jobs keeps its place until its last reader has run; above it every job lays out its own anew. */
struct kept { size_t at, bytes, dense; int last; };          /* @last: node                            */
struct arena {
    struct kept *kept;           /* alive, in order of place                                         */
    int  n_kept, cap_kept;
    size_t most;                 /* bytes                                                            */
    size_t live, live_dense;     /* most that lives at once: in blocks, and element by element       */
};

struct growing {                 /* bytes that grow                                                  */
    uint8_t *data;
    size_t used, room;
};
rs_status rs_grow(struct growing *g, size_t more, struct rs_error *err);         /* zeroed room for more bytes */

/* GLB addresses or spills, tiles, mappings, groups, commands.  Appends to @commands and @image; fills @out and the layers'
 * steps (index: node).  @arena: of the plan; @status_used: bytes in use.  @forced: a mapping for every layer, or NULL. */
rs_status rs_plan_job(const struct rs_hw_config *c, const struct rs_plan_options *o, struct job *j,
                      struct growing *commands, struct growing *image, struct arena *arena, size_t *status_used,
                      const struct rs_mapping *forced, struct rs_plan_job *out, struct rs_plan_step *steps, struct rs_error *err);

/* Filters that a column makes of each `pairs` of its mapping, and the blocks of a pixel. */
static inline int rs_layer_lanes(const struct layer *l) { return l->wide ? 1 : 2; }
static inline int rs_layer_px(const struct layer *l) { return l->wide ? 2 : 1; }

/* Word columns that fp ofmap columns slide over, and that the window must hold at least. */
static inline int rs_word_columns(const struct layer *l, int fp) { return (((fp - 1) * l->U + l->S) * rs_layer_px(l) + 1) / 2; }
static inline int rs_least_window(const struct layer *l) { return l->wide ? l->S + 1 : (l->S + 2) / 2 + 1; }

/* Of the @words of the filter buffer those that may be in use: a line of two at each end is left alone. */
static inline int rs_wbuf_room(int words) { return words - 4; }

/* Filters of so many @words, parameters among them, stay in a buffer of @room (rs_wbuf_room()) from one use to the next. */
static inline bool rs_wbuf_keeps(int64_t room, int64_t words) { return words <= room - 2; }

/* Sets of filter tiles: one, or one an image. */
static inline int rs_filter_sets(const struct layer *l) { return l->own_filters ? l->N : 1; }

static inline int rs_div_up(int a, int b) { return (a + b - 1) / b; }
static inline int rs_min(int a, int b) { return a < b ? a : b; }
static inline int rs_max(int a, int b) { return a > b ? a : b; }
static inline int64_t rs_min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t rs_max64(int64_t a, int64_t b) { return a > b ? a : b; }
#endif
