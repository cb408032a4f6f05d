/*
 * plan.c - which node runs where, and why; jobs and actions.
 *
 * A node goes to the array if a layer can be made of it (layer_of_node()); an ADD is fused into the later of the
 * convolutions that feed it; a RESHAPE that keeps the channels is a view.  Consecutive nodes of the array make a job.  When the
 * scheduler finds that a layer cannot be done after all, its node goes to the CPU and planning starts again.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "plan_internal.h"

enum { LEAST_MATRIX_ROWS = 64, MOST_MATRIX_ROWS = 32767, MOST_PIXELS = 10000000 };

static rs_status config_check(const struct rs_hw_config *c, struct rs_error *err)
{
    if ((c->block != 4 && c->block != 8 && c->block != 16) || c->rows < 2 || c->rows > c->block || c->cols < 2 || c->cols > 16)
        return rs_fail(err, RS_ERR_RANGE, "array of %u x %u, blocks of %u: blocks of 4, 8 or 16, 2 rows to a block, 2 to 16 columns",
                       c->rows, c->cols, c->block);
    if (c->isa_version != RS_ISA_VERSION)
        return rs_fail(err, RS_ERR_RANGE, "device has command set %u, this planner writes %u", c->isa_version, RS_ISA_VERSION);
    if (c->filter_words < 16 || c->window_words < 12 || c->acc_entries < 16 || c->psum_words < 1 || c->max_pairs < 16 || c->glb_blocks < 1024 || c->wbuf_words < 128 ||
        c->add_lanes == 0 || c->requantize_clocks == 0 || c->axi_bytes != 4 * c->block || c->glb_blocks > 65536 || c->wbuf_words > 32768)
        return rs_fail(err, RS_ERR_RANGE, "buffers of the configuration are out of range");
    return RS_OK;
}

__attribute__((format(printf, 3, 4)))
static bool no(char *reason, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reason, size, format, args);
    va_end(args);
    return false;
}
#define NO(...) return no(reason, size, __VA_ARGS__)

/* ---- layers ------------------------------------------------------------------------------------------------------- */

/* Sets what follows from the extents; drops strides that nothing sees; flattens pixels where filters are 1 x 1. */
static void finish_layer(struct layer *l, int block)
{
    l->block = block;
    l->in_image = l->H * l->W;
    l->out_image = l->E * l->F;
    l->bc = l->bc > 0 ? l->bc : block;
    l->cbs = l->filter_layout == FILTER_LINEAR ? rs_div_up(l->C, block) * l->linear_pixels : rs_div_up(l->C, l->bc);
    l->n_cg = 1;
    l->cg_m = l->M;
    l->in = l->res = l->out = -1;
    if (l->kind == RS_PLAN_MAX_POOL || l->kind == RS_PLAN_AVERAGE_POOL)
        return;
    if (l->filter_layout == FILTER_RSM) {
        l->n_cg = l->cbs;
        l->cg_m = l->multiplier * block;
        l->cbs = 1;
    } else if (l->own_filters) {
        l->matrix = l->R == 1;
    } else if (l->R == 1 && l->S == 1 && l->U == 1 && l->pad_top == 0 && l->pad_left == 0 && l->E == l->H && l->F == l->W &&
               l->filter_layout == FILTER_MRSC) {
        l->matrix = l->H == 1 && l->W == 1;
        l->W = l->F = l->N * l->H * l->W;
        l->N = l->H = l->E = 1;
        l->in_image = l->out_image = l->W;
    }
}

/* The limits that no mapping gets around. */
static bool shape_fits(struct layer *l, int Uh, int Uw, int dilation_h, int dilation_w, char *reason, size_t size)
{
    const bool pool = l->kind == RS_PLAN_MAX_POOL || l->kind == RS_PLAN_AVERAGE_POOL;
    const int most = pool ? 64 : 11;

    if (l->R == 1)
        dilation_h = 1;
    if (l->S == 1)
        dilation_w = 1;
    if (l->E == 1)
        Uh = l->F == 1 ? 1 : Uw;
    if (l->F == 1)
        Uw = l->E == 1 ? 1 : Uh;
    if (dilation_h != 1 || dilation_w != 1)
        NO("dilation %dx%d: the array has none", dilation_h, dilation_w);
    if (Uh != Uw)
        NO("strides %d and %d: the array has one for both ways", Uh, Uw);
    if (pool ? Uh > 64 : Uh != 1 && Uh != 2 && Uh != 4)
        NO("stride %d: %s", Uh, pool ? "pools go up to 64" : "the array has strides 1, 2, 4");
    if (l->R > most || l->S > most)
        NO("filter %dx%d: at most %dx%d", l->R, l->S, most, most);
    if (l->pad_top > 4096 || l->pad_left > 4096)
        NO("padding %d, %d", l->pad_top, l->pad_left);
    if (l->H > 32767 || l->W > 32767 / rs_layer_px(l) || l->E > 32767 || (int64_t)l->N * l->H * l->W > MOST_PIXELS)
        NO("ifmap %dx%dx%d is too large", l->N, l->H, l->W);
    if (l->kind == RS_PLAN_AVERAGE_POOL) {
        if (l->pad_top != 0 || l->pad_left != 0 || (l->E - 1) * Uh + l->R > l->H || (l->F - 1) * Uw + l->S > l->W)
            NO("average pool with padding: windows of the array have a fixed count");
        if (l->R * l->S == 1)
            l->kind = RS_PLAN_MAX_POOL;
    }
    if (l->wide && pool)
        NO("pools of the array are int8");
    if (l->wide && (int64_t)l->R * l->S * (l->filter_layout == FILTER_RSM ? 1 : (int64_t)l->C * rs_max(1, l->linear_pixels)) > 65536)
        NO("more than 65536 products of 16 bits in a sum");
    l->U = Uh;
    return true;
}

static bool is_s8(const struct rs_graph *g, int t) { return t >= 0 && g->tensors[t].type == RS_TYPE_S8; }
static bool is_s16(const struct rs_graph *g, int t) { return t >= 0 && g->tensors[t].type == RS_TYPE_S16; }
static int last_dim(const struct rs_tensor *t) { return t->rank == 0 ? 1 : t->dim[t->rank - 1]; }
static int zero_point(const struct rs_graph *g, int t)
{
    return g->tensors[t].quant.channels > 0 ? g->tensors[t].quant.zero_point[0] : 0;
}

/* Whether all matrices of a BATCH_MATMUL meet the same matrix of its second operand. */
static bool one_matrix(const struct rs_graph *g, const struct rs_node *n) { return rs_matrices(&g->tensors[n->inputs[1]]) == 1; }

/* The order in which the array reads the first operand: matrix after matrix, none twice. */
static bool first_operand_in_order(const struct rs_graph *g, const struct rs_node *n)
{
    return rs_matrices(&g->tensors[n->inputs[0]]) == rs_matrices(&g->tensors[n->outputs[0]]);
}

/* A layer of BATCH_MATMUL: the first operand's matrices are images of one row of pixels, the second's their filters. */
static bool layer_of_product(const struct rs_graph *g, int node, int block, struct layer *l, char *reason, size_t size)
{
    const struct rs_node *n = &g->nodes[node];
    const struct rs_tensor *a = &g->tensors[n->inputs[0]], *b = &g->tensors[n->inputs[1]], *out = &g->tensors[n->outputs[0]];
    const int64_t matrices = rs_matrices(out), rows = out->dim[out->rank - 2], k = a->dim[a->rank - (n->adjoint_x ? 2 : 1)];

    if (a->type != RS_TYPE_S8 || b->type != RS_TYPE_S8 || out->type != RS_TYPE_S8)
        NO("%s by %s to %s: the array multiplies two activations of int8", rs_type_name(a->type), rs_type_name(b->type), rs_type_name(out->type));
    if (g->rounding != RS_ROUND_DOUBLE)
        NO("the array rounds twice, as TensorFlow Lite does; this network wants another rounding");
    if (a->data != NULL)
        NO("its first operand is a constant");
    if (!first_operand_in_order(g, n))
        NO("its first operand is broadcast");
    if (k > INT32_MAX / (255 * 255))
        NO("sums of %lld products could leave 32 bits", (long long)k);
    if (matrices * rows > MOST_PIXELS || k > MOST_PIXELS || rows > 32767)
        NO("%lld matrices of %lld rows by %lld are too large", (long long)matrices, (long long)rows, (long long)k);
    l->kind = RS_PLAN_CONV;
    l->own_filters = true;
    l->N = one_matrix(g, n) && matrices * rows <= 32767 ? 1 : (int)matrices;
    l->W = l->F = (int)(matrices * rows / l->N);
    l->H = l->E = l->S = l->U = 1;
    l->C = (int)k;
    l->M = out->dim[out->rank - 1];
    l->filter_zp = zero_point(g, n->inputs[1]);
    l->R = rs_filter_planes(l->filter_zp);
    l->zp_in = zero_point(g, n->inputs[0]), l->zp_out = zero_point(g, n->outputs[0]);
    l->act_min = n->act_min, l->act_max = n->act_max;
    l->mult = n->mult, l->shift = n->shift, l->n_mult = 1;
    l->filter_layout = FILTER_MRSC;
    l->macs = rs_graph_macs(g, node);
    finish_layer(l, block);
    if (l->R > 1)
        snprintf(reason, size, "array; the host packs operand 2, its zero point as %d more rows of its filters", l->R - 1);
    else
        snprintf(reason, size, "array; the host packs operand 2");
    return true;
}

/* Makes a layer of a node that has filters or a window; false with the reason if the array cannot do it. */
static bool layer_of_node(const struct rs_graph *g, int node, const struct rs_hw_config *hw, struct layer *l, char *reason, size_t size)
{
    const struct rs_node *n = &g->nodes[node];
    struct rs_layer x;

    memset(l, 0, sizeof *l);
    l->node = node;
    switch (n->op) {
    case RS_OP_CONV2D:
    case RS_OP_FULLY_CONNECTED:   l->kind = RS_PLAN_CONV; break;
    case RS_OP_DEPTHWISE_CONV2D:  l->kind = RS_PLAN_DEPTHWISE; break;
    case RS_OP_MAX_POOL_2D:       l->kind = RS_PLAN_MAX_POOL; break;
    case RS_OP_AVERAGE_POOL_2D:   l->kind = RS_PLAN_AVERAGE_POOL; break;
    case RS_OP_BATCH_MATMUL:      return layer_of_product(g, node, (int)hw->block, l, reason, size);
    case RS_OP_MEAN:              NO("MEAN rescales; the array's average pool does not");
    default:                      NO("the array has no %s", rs_op_name(n->op));
    }
    if (!rs_graph_layer(g, node, &x))
        NO("%s without a layer's geometry", rs_op_name(n->op));
    l->wide = is_s16(g, x.ifmap) && is_s16(g, x.ofmap);
    if (l->wide && !hw->wide)
        NO("the array of preset %s has no int16", hw->preset);
    if (!l->wide && (!is_s8(g, x.ifmap) || !is_s8(g, x.ofmap)))
        NO("%s to %s: the array has int8 or int16 on both sides", rs_type_name(g->tensors[x.ifmap].type), rs_type_name(g->tensors[x.ofmap].type));
    if (g->tensors[x.ifmap].data != NULL)
        NO("its ifmap is a constant");
    l->N = x.N, l->C = x.C, l->H = x.H, l->W = x.W, l->M = x.M, l->R = x.R, l->S = x.S, l->E = x.E, l->F = x.F;
    l->pad_top = x.pad_top, l->pad_left = x.pad_left;
    l->zp_in = x.zp_in, l->zp_out = x.zp_out, l->act_min = x.act_min, l->act_max = x.act_max;
    l->macs = rs_graph_macs(g, node);
    if (l->kind == RS_PLAN_MAX_POOL || l->kind == RS_PLAN_AVERAGE_POOL) {
        const struct rs_tensor_quant *a = &g->tensors[x.ifmap].quant, *z = &g->tensors[x.ofmap].quant;

        if (a->channels != z->channels || (a->channels > 0 && (a->scale[0] != z->scale[0] || a->zero_point[0] != z->zero_point[0])))
            NO("the pool rescales");
        l->M = l->C;
    } else {
        if (g->rounding != RS_ROUND_DOUBLE)
            NO("the array rounds twice, as TensorFlow Lite does; this network wants another rounding");
        if (!is_s8(g, x.filter) || g->tensors[x.filter].data == NULL)
            NO("its filter is not a constant of int8");
        if (x.bias >= 0 && (g->tensors[x.bias].type != (l->wide ? RS_TYPE_S64 : RS_TYPE_S32) || g->tensors[x.bias].data == NULL))
            NO("its bias is not a constant of %s", l->wide ? "int64" : "int32");
        if (n->n_requant != x.M && n->n_requant != 1)
            NO("%d multipliers for %d filters", n->n_requant, x.M);
        l->filter = g->tensors[x.filter].data;
        if (l->wide)
            l->bias_s64 = x.bias >= 0 ? g->tensors[x.bias].data : NULL;
        else
            l->bias = x.bias >= 0 ? g->tensors[x.bias].data : NULL;
        for (int k = 0; l->wide && k < n->n_requant; k++)
            if (n->shift[k] > 7)
                NO("a multiplier above 128: the array has 15 bits left");
        for (int m = 0; l->bias_s64 != NULL && m < x.M; m++)
            if (l->bias_s64[m] < -(INT64_C(1) << 46) || l->bias_s64[m] >= INT64_C(1) << 46)
                NO("a bias of more than 47 bits");
        l->mult = n->mult;
        l->shift = n->shift;
        l->n_mult = n->n_requant;
        l->filter_layout = l->kind == RS_PLAN_DEPTHWISE ? FILTER_RSM : FILTER_MRSC;
        l->multiplier = l->kind == RS_PLAN_DEPTHWISE ? x.M / x.C : 0;
        if (n->op == RS_OP_FULLY_CONNECTED && last_dim(&g->tensors[x.ifmap]) != x.C) {
            const int c = last_dim(&g->tensors[x.ifmap]);

            if (x.C % c != 0)
                NO("rows of %d out of pixels of %d channels", x.C, c);
            if (x.N != 1)
                NO("%d rows, each of %d pixels", x.N, x.C / c);
            l->filter_layout = FILTER_LINEAR;
            l->linear_pixels = x.C / c;
            l->C = c;
        }
    }
    if (!shape_fits(l, x.Uh, x.Uw, x.dilation_h, x.dilation_w, reason, size))
        return false;
    finish_layer(l, (int)hw->block);
    return true;
}

static bool add_fits(const struct rs_add_quant *q, char *reason, size_t size)
{
    if (q->left_shift != 20 || q->rounding != RS_ROUND_DOUBLE)
        NO("ADD with another shift or rounding than TensorFlow Lite's");
    if (q->shift1 > 0 || q->shift2 > 0 || q->shift_out > 0)
        NO("ADD whose result scale is the smaller one");
    return true;
}

static void set_add(struct layer *l, const struct rs_add_quant *q, bool swapped)
{
    l->add = true;
    l->add_zp_res = swapped ? q->zp1 : q->zp2;
    l->add_mult_acc = swapped ? q->mult2 : q->mult1;
    l->add_mult_res = swapped ? q->mult1 : q->mult2;
    l->add_mult_out = q->mult_out;
    l->add_shift_acc = -(swapped ? q->shift2 : q->shift1);
    l->add_shift_res = -(swapped ? q->shift1 : q->shift2);
    l->add_shift_out = -q->shift_out;
    l->add_zp_out = q->zp_out;
    l->add_min = q->act_min;
    l->add_max = q->act_max;
}

/* ---- activations ---------------------------------------------------------------------------------------------------- */

static void init_act(struct act *a, int tensor, int pixels, int px, int channels, int zp, int bc)
{
    *a = (struct act){ .tensor = tensor, .pixels = pixels, .px = px, .channels = channels, .cbs = rs_div_up(channels, bc), .bc = bc,
                       .zp = zp, .arena = -1, .glb = -1, .first = INT32_MAX, .last = -1 };
}

/*
 * Matrices that the host writes or reads stay as it has them, [P][C], where every layer that touches them can: its pixels are then
 * ifmap rows of one column, C/B blocks apart, and no conversion is needed.  Few rows are better off as columns, two a word.
 */
static void choose_row_major(struct job *j, int block)
{
    for (int i = 0; i < j->n_acts; i++) {
        struct act *a = &j->acts[i];

        a->row_major = (a->from_host || a->to_host) && a->transposed_rows == 0 && !a->from_job && !a->to_job && a->px == 1 && a->channels % block == 0 &&
                       a->pixels >= LEAST_MATRIX_ROWS && a->pixels <= MOST_MATRIX_ROWS;
    }
    for (int i = 0; i < j->n_layers; i++) {
        const struct layer *l = &j->layers[i];
        const int ids[3] = { l->in, l->res, l->out };

        for (int k = 0; k < 3; k++)
            if (ids[k] >= 0 && (!l->matrix || l->res >= 0))
                j->acts[ids[k]].row_major = false;
    }
    for (int i = 0; i < j->n_acts; i++)
        if (j->acts[i].row_major) {
            j->acts[i].px = j->acts[i].cbs;
            j->acts[i].cbs = 1;
        }
    for (int i = 0; i < j->n_layers; i++) {
        struct layer *l = &j->layers[i];

        l->in_px = j->acts[l->in].px;
        l->out_px = j->acts[l->out].px;
        if (j->acts[l->in].row_major || j->acts[l->out].row_major) {
            l->H = l->E = l->W;
            l->W = l->F = 1;
        }
    }
}

/* After all layers are known: layouts, strides, and over which layers each activation lives. */
static void finish_acts(struct job *j, int block)
{
    choose_row_major(j, block);
    for (int i = 0; i < j->n_layers; i++) {
        struct layer *l = &j->layers[i];
        const int ids[3] = { l->in, l->res, l->out };

        if (l->filter_layout == FILTER_LINEAR)
            j->acts[l->in].linear = true;
        for (int k = 0; k < 3; k++)
            if (ids[k] >= 0) {
                struct act *a = &j->acts[ids[k]];

                a->first = rs_min(a->first, i);
                a->last = rs_max(a->last, i);
            }
    }
    for (int i = 0; i < j->n_acts; i++) {
        struct act *a = &j->acts[i];

        a->stride = a->pixels * a->px;
        if (!a->linear && a->pixels >= 16)
            a->stride = (a->stride + 3) / 4 * 4;
        if (a->from_host || a->from_job)
            a->first = 0;
    }
}

static void tensor_of_act(struct rs_plan_tensor *t, const struct act *a, int tensor, int block)
{
    *t = (struct rs_plan_tensor){ .tensor = tensor, .offset_bytes = (uint64_t)a->arena, .transposed_rows = a->transposed_rows, .pixels = a->row_major ? a->pixels * a->px : a->pixels,
                                  .channels = a->row_major ? block : a->channels, .block_channels = a->row_major ? block : a->bc,
                                  .element_bytes = a->row_major ? 1 : a->px, .block_stride = a->stride, .zero_point = a->zp,
                                  .bytes = (uint64_t)a->cbs * (uint64_t)a->stride * (uint64_t)block };
}

static void job_free(struct job *j)
{
    for (int i = 0; i < j->n_layers; i++)
        rs_layer_free_groups(&j->layers[i]);
    for (int i = 0; i < j->n_acts; i++)
        free(j->acts[i].writers);
    free(j->layers);
    free(j->acts);
    *j = (struct job){ .bad = -1 };
}

/* ---- the network ------------------------------------------------------------------------------------------------------ */

struct planning {
    const struct rs_graph *g;
    const struct rs_plan_options *o;
    struct rs_plan *plan;
    int *root;                   /* [tensor]: whose storage it is (views)                            */
    int *producer;               /* [tensor]: node that makes it, -1                                 */
    int64_t *arena;              /* [root tensor]: offset, -1                                        */
    char (*forced)[128];         /* [node]: "" or why it must stay on the CPU                        */
    struct growing commands, image;
    struct arena room;
    size_t status_used;
};

static bool on_array(enum rs_plan_where w) { return w != RS_PLAN_CPU; }

/* The node whose commands write tensor @t: its producer, or that one's carrier; -1 for the host. */
static int writer(const struct planning *x, int t)
{
    const int p = x->producer[x->root[t]];

    if (p < 0 || x->plan->steps[p].where == RS_PLAN_CPU)
        return -1;
    return x->plan->steps[p].where == RS_PLAN_FUSED ? x->plan->steps[p].carrier : p;
}

/* Whether array node @i takes its operand @k from the host, whoever made it: filters to pack, or a matrix to transpose. */
static bool from_host_memory(const struct planning *x, int i, int k)
{
    const struct rs_node *n = &x->g->nodes[i];

    return n->op == RS_OP_BATCH_MATMUL && on_array(x->plan->steps[i].where) && (k == 1 || n->adjoint_x);
}

/* Whether array node @i must be in a later job than what jobs from node @from on make. */
static bool needs_earlier_job(const struct planning *x, int i, int from)
{
    for (int k = 0; k < x->g->nodes[i].n_inputs; k++)
        if (from_host_memory(x, i, k) && writer(x, x->g->nodes[i].inputs[k]) >= from)
            return true;
    return false;
}

/* Can node @carrier run when tensor @other is there?  It can be put off within a job, and only an ADD reads its result. */
static bool may_follow(const struct planning *x, int carrier, int other)
{
    const int w = writer(x, other);
    const int made = x->producer[x->root[other]];

    if (made < carrier)
        return true;
    if (w < 0)                                             /* made on the CPU, later */
        return false;
    for (int k = carrier; k <= made; k++)
        if (x->plan->steps[k].where == RS_PLAN_CPU || needs_earlier_job(x, k, 0))
            return false;
    return true;
}

/* Do ifmap, ofmap and a residual of convolution @node fit the global buffer together? */
static bool fits_with_residual(const struct planning *x, int node)
{
    const int block = (int)x->plan->config.block;
    const struct rs_tensor *of[3] = { &x->g->tensors[x->g->nodes[node].inputs[0]] };
    int64_t blocks = 0;

    of[1] = of[2] = &x->g->tensors[x->g->nodes[node].outputs[0]];
    for (int k = 0; k < 3; k++)
        blocks += rs_tensor_elements(of[k]) / last_dim(of[k]) * rs_div_up(last_dim(of[k]), block);
    return blocks <= (int64_t)x->plan->config.glb_blocks;
}

static void decide(struct planning *x)
{
    const struct rs_graph *g = x->g;
    struct rs_plan *plan = x->plan;

    for (int t = 0; t < g->n_tensors; t++)
        x->root[t] = t;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_node *n = &g->nodes[i];
        struct rs_plan_step *s = &plan->steps[i];
        struct layer l;

        *s = (struct rs_plan_step){ .job = -1, .carrier = -1, .macs = rs_graph_macs(g, i) };
        if (x->forced[i][0] != '\0') {
            memcpy(s->reason, x->forced[i], sizeof s->reason);
            continue;
        }
        if (n->op == RS_OP_RESHAPE) {
            const int in = n->inputs[0], out = n->outputs[0], p = x->producer[in];

            if (p < 0 || !on_array(plan->steps[p].where))
                snprintf(s->reason, sizeof s->reason, "the host has its input");
            else if (last_dim(&g->tensors[in]) != last_dim(&g->tensors[out]))
                snprintf(s->reason, sizeof s->reason, "%d channels become %d: not the same blocks", last_dim(&g->tensors[in]), last_dim(&g->tensors[out]));
            else {
                s->where = RS_PLAN_VIEW;
                x->root[out] = x->root[in];
                snprintf(s->reason, sizeof s->reason, "same storage");
            }
            continue;
        }
        if (n->op == RS_OP_ADD) {
            int carrier = -1, acc = 0;
            bool carrier_fits = false;

            snprintf(s->reason, sizeof s->reason, "no convolution of the array feeds only this");
            if (x->o->no_fusion || n->n_inputs != 2)
                continue;
            for (int k = 0; k < 2; k++) {
                const int p = x->producer[n->inputs[k]], other = n->inputs[1 - k];
                int residual;

                if (p < 0 || plan->steps[p].where != RS_PLAN_ARRAY || !rs_op_has_macs(g->nodes[p].op) || !is_s8(g, other) || !is_s8(g, n->outputs[0]) ||
                    g->tensors[other].data != NULL || rs_graph_fusable_add(g, p, &residual) != i)
                    continue;
                if (n->inputs[0] == n->inputs[1] || !may_follow(x, p, other))
                    continue;
                /* The one with more MACs hides the adders' time better, if it need not work tile by tile for it. */
                const bool fits = fits_with_residual(x, p);

                if (carrier < 0 || (fits && !carrier_fits) || (fits == carrier_fits && rs_graph_macs(g, p) > rs_graph_macs(g, carrier))) {
                    carrier = p;
                    carrier_fits = fits;
                    acc = k;
                }
            }
            if (carrier < 0 || !add_fits(&n->u.add, s->reason, sizeof s->reason))
                continue;
            /* One ADD a convolution. */
            bool taken = false;

            for (int k = 0; k < i; k++)
                taken |= plan->steps[k].where == RS_PLAN_FUSED && plan->steps[k].carrier == carrier;
            if (taken)
                continue;
            s->where = RS_PLAN_FUSED;
            s->carrier = carrier;
            snprintf(s->reason, sizeof s->reason, "added while %s writes its ofmap (operand %d)", rs_op_name(g->nodes[carrier].op), acc);
            continue;
        }
        if (layer_of_node(g, i, &plan->config, &l, s->reason, sizeof s->reason)) {
            s->where = RS_PLAN_ARRAY;
            if (!l.own_filters)
                snprintf(s->reason, sizeof s->reason, "%s", rs_op_has_macs(n->op) ? "array" : "pool engine");
        }
    }
}

static int act_of(struct planning *x, struct job *j, int tensor)
{
    const struct rs_graph *g = x->g;
    const int root = x->root[tensor];

    for (int i = 0; i < j->n_acts; i++)
        if (j->acts[i].tensor == root && j->acts[i].transposed_rows == 0)
            return i;
    const int c = last_dim(&g->tensors[root]);

    init_act(&j->acts[j->n_acts], root, (int)(rs_tensor_elements(&g->tensors[root]) / c), (int)rs_type_bytes(g->tensors[root].type), c, zero_point(g, root), (int)x->plan->config.block);
    j->acts[j->n_acts].arena = x->arena[root];
    return j->n_acts++;
}

/* Matrices [K][rows] that the host transposes. */
static int transposed_act_of(struct planning *x, struct job *j, int tensor)
{
    const struct rs_tensor *t = &x->g->tensors[tensor];
    const int rows = last_dim(t), k = t->dim[t->rank - 2];

    for (int i = 0; i < j->n_acts; i++)
        if (j->acts[i].tensor == tensor && j->acts[i].transposed_rows != 0)
            return i;
    init_act(&j->acts[j->n_acts], tensor, (int)(rs_tensor_elements(t) / k), 1, k, zero_point(x->g, tensor), (int)x->plan->config.block);
    j->acts[j->n_acts].transposed_rows = rows;
    return j->n_acts++;
}

/* Does the host read @tensor: a network output, operand of a node on the CPU, or what it packs for the array? */
static bool host_reads(const struct planning *x, int tensor)
{
    const struct rs_graph *g = x->g;

    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == tensor)
            return true;
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_inputs; k++)
            if (g->nodes[i].inputs[k] == tensor && (x->plan->steps[i].where == RS_PLAN_CPU || from_host_memory(x, i, k)))
                return true;
    return false;
}

/* The tensor that the ADD carried by node @i adds; -1: it carries none.  @add: that node. */
static int residual_of(const struct planning *x, int i, int *add)
{
    for (int k = 0; k < x->g->n_nodes; k++)
        if (x->plan->steps[k].where == RS_PLAN_FUSED && x->plan->steps[k].carrier == i) {
            const struct rs_node *a = &x->g->nodes[k];

            *add = k;
            return x->producer[a->inputs[0]] == i ? a->inputs[1] : a->inputs[0];
        }
    return -1;
}

/* Appends array node @i to @list, unless it carries an ADD whose operand is written by a later node: then after that one. */
static int put_in_order(const struct planning *x, int i, int from, int to, int *list, int n)
{
    int add;

    list[n++] = i;
    for (int k = from; k < to; k++) {
        const int residual = x->plan->steps[k].where == RS_PLAN_ARRAY && k < i ? residual_of(x, k, &add) : -1;

        if (residual >= 0 && writer(x, residual) == i)
            n = put_in_order(x, k, from, to, list, n);
    }
    return n;
}

/* The input that holds a layer's packed filters.  What has been allocated is @t's, also on an error. */
static rs_status filters_of_layer(const struct planning *x, const struct layer *l, struct rs_plan_tensor *t, struct rs_error *err)
{
    const struct rs_node *n = &x->g->nodes[l->node];
    const struct rs_tensor *b = &x->g->tensors[n->inputs[1]], *out = &x->g->tensors[n->outputs[0]];
    struct rs_plan_filter *f = calloc(1, sizeof *f);
    uint64_t at = 0;

    *t = (struct rs_plan_tensor){ .tensor = n->inputs[1], .offset_bytes = (uint64_t)l->own_image, .filter = f, .zero_point = l->filter_zp };
    if (f == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for packed filters");
    *f = (struct rs_plan_filter){ .K = l->C, .N = l->M, .planes = l->R, .transposed = n->adjoint_y, .mult = n->mult[0], .shift = n->shift[0],
                                  .rows = (int)x->plan->config.rows, .map = l->map, .n_images = l->N, .n_tiles = l->n_chunks / l->N };
    f->matrix = calloc((size_t)f->n_images, sizeof *f->matrix);
    f->tiles = calloc((size_t)f->n_tiles, sizeof *f->tiles);
    if (f->matrix == NULL || f->tiles == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for packed filters");
    for (int i = 0; i < f->n_images; i++)
        f->matrix[i] = l->N == 1 ? 0 : (int32_t)rs_matrix_index(b, out, i);
    for (int k = 0; k < f->n_tiles; k++) {
        const struct chunk *h = &l->chunks[k];

        f->tiles[k] = (struct rs_plan_filter_tile){ at, h->m0, h->nm, h->mx, h->pairs };
        at += (uint64_t)h->words * 2 * x->plan->config.block;
    }
    f->image_bytes = at;
    t->bytes = at * (uint64_t)f->n_images;
    return RS_OK;
}

/* Plans nodes [from, to), all on the array, as one job. */
static rs_status plan_one_job(struct planning *x, int from, int to, int *bad_node, struct rs_error *err)
{
    const struct rs_graph *g = x->g;
    struct rs_plan *plan = x->plan;
    const int block = (int)plan->config.block;
    struct rs_plan_job *out = &plan->jobs[plan->n_jobs];
    struct job j = { .bad = -1 };
    rs_status s = RS_OK;
    char reason[128];
    int *list = NULL, n_list = 0, add = -1;

    j.layers = calloc((size_t)(to - from), sizeof *j.layers);
    j.acts = calloc((size_t)(to - from) * 3, sizeof *j.acts);
    list = calloc((size_t)(to - from) + 1, sizeof *list);
    out->inputs = calloc(2 * (size_t)g->n_tensors + (size_t)(to - from) + 1, sizeof *out->inputs);
    out->outputs = calloc((size_t)g->n_tensors + 1, sizeof *out->outputs);
    if (j.layers == NULL || j.acts == NULL || list == NULL || out->inputs == NULL || out->outputs == NULL) {
        free(list);
        job_free(&j);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d layers", to - from);
    }
    for (int i = from; i < to; i++) {
        const int residual = plan->steps[i].where == RS_PLAN_ARRAY ? residual_of(x, i, &add) : -1;

        plan->steps[i].job = plan->n_jobs;
        if (plan->steps[i].where == RS_PLAN_ARRAY && (residual < 0 || writer(x, residual) < i))
            n_list = put_in_order(x, i, from, to, list, n_list);
    }
    for (int at = 0; at < n_list; at++) {
        const int i = list[at], residual = residual_of(x, i, &add);
        const struct rs_node *n = &g->nodes[i];
        struct layer *l = &j.layers[j.n_layers];
        int result = n->outputs[0];

        if (!layer_of_node(g, i, &plan->config, l, reason, sizeof reason)) {
            s = rs_fail(err, RS_ERR_ARG, "node %d: %s", i, reason);
            break;
        }
        j.n_layers++;
        l->in = from_host_memory(x, i, 0) ? transposed_act_of(x, &j, n->inputs[0]) : act_of(x, &j, n->inputs[0]);
        if (residual >= 0) {
            set_add(l, &g->nodes[add].u.add, g->nodes[add].inputs[0] == residual);
            l->res = act_of(x, &j, residual);
            result = g->nodes[add].outputs[0];
        }
        l->out = act_of(x, &j, result);
    }
    free(list);
    for (int i = 0; s == RS_OK && i < j.n_acts; i++) {
        struct act *a = &j.acts[i];
        const int w = writer(x, a->tensor);

        a->from_host = w < 0 || a->transposed_rows != 0;
        if (a->from_host)            /* the host writes it again for each job */
            a->arena = -1;
        a->from_job = !a->from_host && (w < from || w >= to);
        if (a->from_host)
            continue;
        for (int t = 0; !a->from_job && t < g->n_tensors; t++)
            if (x->root[t] == a->tensor && host_reads(x, t))
                a->to_host = true;
        for (int k = to; k < g->n_nodes; k++)
            for (int m = 0; m < g->nodes[k].n_inputs; m++)
                if (plan->steps[k].where != RS_PLAN_CPU && !from_host_memory(x, k, m) && g->nodes[k].inputs[m] >= 0 && x->root[g->nodes[k].inputs[m]] == a->tensor) {
                    a->to_job = !a->from_job;
                    a->last_node = k;
                }
        /* An ADD may lie in a later run of nodes than its carrier; what it reads is the carrier's operand already. */
    }
    if (s == RS_OK) {
        finish_acts(&j, block);
        s = rs_plan_job(&plan->config, x->o, &j, &x->commands, &x->image, &x->room, &x->status_used, NULL, out, plan->steps, err);
    }
    for (int i = 0; s == RS_OK && i < j.n_acts; i++) {
        struct act *a = &j.acts[i];

        if (a->to_job || a->from_job)
            x->arena[a->tensor] = a->arena;
        if (a->from_host)
            tensor_of_act(&out->inputs[out->n_inputs++], a, a->tensor, block);
        for (int t = 0; a->to_host && t < g->n_tensors; t++)
            if (x->root[t] == a->tensor && host_reads(x, t))
                tensor_of_act(&out->outputs[out->n_outputs++], a, t, block);
    }
    for (int i = 0; s == RS_OK && i < j.n_layers; i++)
        if (j.layers[i].own_filters)
            s = filters_of_layer(x, &j.layers[i], &out->inputs[out->n_inputs++], err);
    *bad_node = (s == RS_ERR_UNSUPPORTED || s == RS_ERR_RANGE) && j.bad >= 0 ? j.layers[j.bad].node : -1;
    job_free(&j);
    return s;
}

static void filter_free(struct rs_plan_filter *f)
{
    if (f == NULL)
        return;
    free(f->matrix);
    free(f->tiles);
    free(f);
}

static void drop_jobs(struct rs_plan *plan)
{
    for (int i = 0; plan->jobs != NULL && i <= plan->n_jobs; i++) {        /* the one under way too */
        for (int k = 0; plan->jobs[i].inputs != NULL && k < plan->jobs[i].n_inputs; k++)
            filter_free(plan->jobs[i].inputs[k].filter);
        free(plan->jobs[i].inputs);
        free(plan->jobs[i].outputs);
        free(plan->jobs[i].snapshots);
        plan->jobs[i] = (struct rs_plan_job){ 0 };
    }
    plan->n_jobs = plan->n_actions = 0;
}

static rs_status finish_plan(struct rs_plan *plan, struct growing *commands, struct growing *image, const struct arena *arena, size_t status, struct rs_error *err)
{
    const rs_status s = rs_grow(image, 64, err);

    if (s != RS_OK)
        return s;
    plan->commands = (uint32_t *)(void *)commands->data;
    plan->commands_bytes = commands->used;
    plan->image = image->data;
    plan->image_bytes = (image->used + 63) / 64 * 64 + (image->used == 0 ? 64 : 0);
    plan->used_bytes = arena->most;
    plan->live_bytes = arena->live;
    plan->live_dense_bytes = arena->live_dense;
    plan->arena_bytes = (arena->most + RS_PLAN_ALIGN - 1) / RS_PLAN_ALIGN * RS_PLAN_ALIGN;
    plan->status_bytes = status;
    *commands = *image = (struct growing){ 0 };
    for (int i = 0; i < plan->n_steps; i++) {
        plan->macs += plan->steps[i].macs;
        if (plan->steps[i].where != RS_PLAN_CPU)
            plan->array_macs += plan->steps[i].macs;
    }
    for (int i = 0; i < plan->n_jobs; i++)
        plan->cycles += plan->jobs[i].cycles;
    return RS_OK;
}

static rs_status plan_create(const struct rs_hw_config *config, int n_steps, struct rs_plan **out, struct rs_error *err)
{
    struct rs_plan *plan = calloc(1, sizeof *plan);

    *out = NULL;
    if (plan == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "no memory for a plan");
    plan->config = *config;
    plan->n_steps = n_steps;
    plan->steps = calloc((size_t)n_steps + 1, sizeof *plan->steps);
    plan->actions = calloc((size_t)n_steps + 1, sizeof *plan->actions);
    plan->jobs = calloc((size_t)n_steps + 2, sizeof *plan->jobs);
    if (plan->steps == NULL || plan->actions == NULL || plan->jobs == NULL) {
        rs_plan_free(plan);
        return rs_fail(err, RS_ERR_NOMEM, "no memory for %d steps", n_steps);
    }
    *out = plan;
    return RS_OK;
}

static rs_status plan_jobs(struct planning *x, int *bad, struct rs_error *err)
{
    const struct rs_graph *g = x->g;
    struct rs_plan *plan = x->plan;

    *bad = -1;
    for (int i = 0; i < g->n_nodes;) {
        int to = i;
        bool work = false;

        if (plan->steps[i].where == RS_PLAN_CPU) {
            plan->actions[plan->n_actions++] = (struct rs_plan_action){ false, i++ };
            continue;
        }
        for (; to < g->n_nodes && plan->steps[to].where != RS_PLAN_CPU && !needs_earlier_job(x, to, i); to++)
            work |= plan->steps[to].where == RS_PLAN_ARRAY;
        if (work) {
            const rs_status s = plan_one_job(x, i, to, bad, err);

            if (s != RS_OK)
                return s;
            plan->actions[plan->n_actions++] = (struct rs_plan_action){ true, plan->n_jobs++ };
        }
        i = to;
    }
    return RS_OK;
}

/* A pin on a node without a mapping of its own would change nothing. */
static rs_status check_pins(const struct planning *x, struct rs_error *err)
{
    for (int i = 0; i < x->o->n_pins; i++) {
        const int node = x->o->pins[i].node;
        const char *name = node >= 0 && node < x->g->n_nodes ? x->g->tensors[x->g->nodes[node].outputs[0]].name : NULL;
        const struct rs_plan_step *s = name != NULL ? &x->plan->steps[node] : NULL;

        if (s == NULL)
            return rs_fail(err, RS_ERR_ARG, "mapping of node %d: the network has nodes 0 to %d", node, x->g->n_nodes - 1);
        if (s->where == RS_PLAN_FUSED)
            return rs_fail(err, RS_ERR_ARG, "mapping of '%s': it is done by the commands of '%s'; map that one", name,
                           x->g->tensors[x->g->nodes[s->carrier].outputs[0]].name);
        if (s->where != RS_PLAN_ARRAY || s->map.mode < 0)
            return rs_fail(err, RS_ERR_ARG, "mapping of '%s': it is not on the array's multipliers: %s", name, s->reason);
    }
    return RS_OK;
}

rs_status rs_plan_graph(const struct rs_graph *g, const struct rs_hw_config *config, const struct rs_plan_options *options,
                        struct rs_plan **out, struct rs_error *err)
{
    static const struct rs_plan_options none;
    struct planning x = { .g = g, .o = options != NULL ? options : &none };
    struct rs_error why = { 0 };
    rs_status s;

    if (out != NULL)
        *out = NULL;
    if (g == NULL || config == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_plan_graph: null pointer");
    if ((s = config_check(config, err)) != RS_OK || (s = plan_create(config, g->n_nodes, &x.plan, err)) != RS_OK)
        return s;
    x.root = calloc((size_t)g->n_tensors + 1, sizeof *x.root);
    x.producer = calloc((size_t)g->n_tensors + 1, sizeof *x.producer);
    x.arena = calloc((size_t)g->n_tensors + 1, sizeof *x.arena);
    x.forced = calloc((size_t)g->n_nodes + 1, sizeof *x.forced);
    if (x.root == NULL || x.producer == NULL || x.arena == NULL || x.forced == NULL)
        s = rs_fail(err, RS_ERR_NOMEM, "no memory for %d tensors", g->n_tensors);
    for (int t = 0; s == RS_OK && t < g->n_tensors; t++)
        x.producer[t] = rs_graph_producer(g, t);
    for (bool again = true; s == RS_OK && again;) {
        int bad;

        again = false;
        for (int t = 0; t < g->n_tensors; t++)
            x.arena[t] = -1;
        x.commands.used = x.image.used = 0;
        free(x.room.kept);
        x.room = (struct arena){ 0 };
        x.status_used = RS_STATUS_BYTES;
        if (x.commands.data != NULL)
            memset(x.commands.data, 0, x.commands.room);
        if (x.image.data != NULL)
            memset(x.image.data, 0, x.image.room);
        decide(&x);
        s = plan_jobs(&x, &bad, &why);
        if (s == RS_ERR_UNSUPPORTED && bad >= 0) {
            drop_jobs(x.plan);
            snprintf(x.forced[bad], sizeof x.forced[bad], "%.127s", why.text);
            s = RS_OK;
            again = true;
        } else if (s != RS_OK && bad >= 0) {
            s = rs_fail(err, s, "mapping of '%s': %s", g->tensors[g->nodes[bad].outputs[0]].name, why.text);
        } else if (s != RS_OK) {
            s = rs_fail(err, s, "%s", why.text);
        }
    }
    if (s == RS_OK)
        s = check_pins(&x, err);
    if (s == RS_OK)
        s = finish_plan(x.plan, &x.commands, &x.image, &x.room, x.status_used, err);
    free(x.root);
    free(x.producer);
    free(x.arena);
    free(x.forced);
    free(x.commands.data);
    free(x.image.data);
    free(x.room.kept);
    if (s != RS_OK) {
        rs_plan_free(x.plan);
        return s;
    }
    *out = x.plan;
    return RS_OK;
}

/* ---- one layer ---------------------------------------------------------------------------------------------------------- */

/* What the array needs of an int16 layer: zero points of 0, multipliers and shifts that its requantizer takes. */
static rs_status wide_check(const struct rs_plan_layer *p, struct rs_error *err)
{
    const struct rs_quant *q = &p->quant;

    if (p->add != NULL)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "residual adds of the array are int8");
    if (q->zp_in != 0 || q->zp_out != 0)
        return rs_fail(err, RS_ERR_RANGE, "int16 zero points %d, %d: 0", q->zp_in, q->zp_out);
    if (q->act_min < INT16_MIN || q->act_max > INT16_MAX || q->act_min > q->act_max)
        return rs_fail(err, RS_ERR_RANGE, "activation range %d..%d: within int16", q->act_min, q->act_max);
    for (int m = 0; p->bias_s64 != NULL && m < p->shape.m; m++)
        if (p->bias_s64[m] < -(INT64_C(1) << 46) || p->bias_s64[m] >= INT64_C(1) << 46)
            return rs_fail(err, RS_ERR_UNSUPPORTED, "bias[%d] = %" PRId64 ": the array has 47 bits", m, p->bias_s64[m]);
    if (p->type == RS_PLAN_S16_S16) {
        if (p->q_shift < 0 || p->q_shift > 46)
            return rs_fail(err, RS_ERR_RANGE, "q_shift %d: 0..46", p->q_shift);
        return RS_OK;
    }
    if ((q->count != 1 && q->count != p->shape.m) || q->mult == NULL || q->shift == NULL)
        return rs_fail(err, RS_ERR_ARG, "%d multipliers for %d filters", q->count, p->shape.m);
    for (int k = 0; k < q->count; k++)
        if (q->mult[k] < 0 || q->shift[k] < -31 || q->shift[k] > 7)
            return rs_fail(err, RS_ERR_RANGE, "multiplier %d, shift %d of filter %d: not negative, -31..7", q->mult[k], q->shift[k], k);
    return RS_OK;
}

static rs_status layer_check(const struct rs_plan_layer *p, const struct rs_hw_config *c, struct rs_error *err)
{
    const struct rs_conv_shape *x = &p->shape;
    const bool pool = p->kind == RS_PLAN_MAX_POOL || p->kind == RS_PLAN_AVERAGE_POOL;

    if (x->n < 1 || x->h < 1 || x->w < 1 || x->c < 1 || x->m < 1 || x->r < 1 || x->s < 1 || x->stride_h < 1 || x->stride_w < 1 ||
        x->dilation_h < 1 || x->dilation_w < 1 || x->pad_top < 0 || x->pad_left < 0 || x->pad_bottom < 0 || x->pad_right < 0)
        return rs_fail(err, RS_ERR_ARG, "an extent or stride below 1, or a negative pad");
    if (rs_conv_out_extent(x->h, x->r, x->stride_h, x->dilation_h, x->pad_top, x->pad_bottom) != x->e || x->e < 1 ||
        rs_conv_out_extent(x->w, x->s, x->stride_w, x->dilation_w, x->pad_left, x->pad_right) != x->f || x->f < 1)
        return rs_fail(err, RS_ERR_SHAPE, "ofmap %d x %d does not follow from ifmap, filter, stride and pads", x->e, x->f);
    if (p->kind == RS_PLAN_DEPTHWISE && x->m % x->c != 0)
        return rs_fail(err, RS_ERR_SHAPE, "%d filters for %d channels: a multiple", x->m, x->c);
    if (pool && (x->m != x->c || p->add != NULL))
        return rs_fail(err, RS_ERR_SHAPE, "a pool has as many ofmap channels as ifmap channels, and no residual");
    if (p->block_channels < 0 || p->block_channels > 16 || (p->block_channels != 0 && p->kind != RS_PLAN_CONV))
        return rs_fail(err, RS_ERR_RANGE, "block_channels %d: 1 to a block, of a convolution", p->block_channels);
    if (pool)
        return p->type == RS_PLAN_S8 ? RS_OK : rs_fail(err, RS_ERR_UNSUPPORTED, "pools of the array are int8");
    if ((p->type == RS_PLAN_S16_S16 ? (const void *)p->filter_s16 : p->filter) == NULL)
        return rs_fail(err, RS_ERR_ARG, "no filter");
    if (p->type != RS_PLAN_S8 && !c->wide)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "the array of preset %s has no int16", c->preset);
    if (p->type != RS_PLAN_S8)
        return wide_check(p, err);
    if (p->quant.rounding != RS_ROUND_DOUBLE)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "the array rounds twice (RS_ROUND_DOUBLE)");
    return rs_quant_check(&p->quant, x->m, err);
}

rs_status rs_plan_layer(const struct rs_plan_layer *p, const struct rs_hw_config *config, const struct rs_plan_options *options,
                        struct rs_plan **out, struct rs_error *err)
{
    static const struct rs_plan_options none;
    struct rs_plan *plan;
    struct job j = { .bad = -1 };
    struct growing commands = { 0 }, image = { 0 };
    struct arena arena = { 0 };
    size_t status = RS_STATUS_BYTES;
    char reason[128];
    rs_status s;

    if (out != NULL)
        *out = NULL;
    if (p == NULL || config == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_plan_layer: null pointer");
    if ((s = config_check(config, err)) != RS_OK || (s = layer_check(p, config, err)) != RS_OK || (s = plan_create(config, 1, &plan, err)) != RS_OK)
        return s;
    const struct rs_conv_shape *x = &p->shape;
    const bool pool = p->kind == RS_PLAN_MAX_POOL || p->kind == RS_PLAN_AVERAGE_POOL;
    struct rs_plan_job *job = &plan->jobs[0];

    j.layers = calloc(1, sizeof *j.layers);
    j.acts = calloc(3, sizeof *j.acts);
    job->inputs = calloc(2, sizeof *job->inputs);
    job->outputs = calloc(1, sizeof *job->outputs);
    if (j.layers == NULL || j.acts == NULL || job->inputs == NULL || job->outputs == NULL) {
        s = rs_fail(err, RS_ERR_NOMEM, "no memory for a layer");
        goto done;
    }
    struct layer *l = &j.layers[0];

    *l = (struct layer){ .kind = p->kind, .N = x->n, .C = x->c, .H = x->h, .W = x->w, .M = x->m, .R = x->r, .S = x->s, .E = x->e,
                         .F = x->f, .pad_top = x->pad_top, .pad_left = x->pad_left, .zp_in = p->quant.zp_in, .zp_out = p->quant.zp_out,
                         .act_min = p->quant.act_min, .act_max = p->quant.act_max, .wide = p->type != RS_PLAN_S8,
                         .filter = p->filter, .filter_s16 = p->filter_s16, .bias = p->bias, .bias_s64 = p->bias_s64,
                         .q_shift = p->q_shift,
                         .mult = p->quant.mult, .shift = p->quant.shift, .n_mult = p->type == RS_PLAN_S16_S16 ? 0 : p->quant.count,
                         .filter_layout = p->kind == RS_PLAN_DEPTHWISE ? FILTER_RSM : FILTER_MRSC,
                         .multiplier = p->kind == RS_PLAN_DEPTHWISE ? x->m / x->c : 0 };
    l->macs = pool ? 0 : (int64_t)x->n * x->e * x->f * x->m * x->r * x->s * (p->kind == RS_PLAN_DEPTHWISE ? 1 : x->c);
    if (!shape_fits(l, x->stride_h, x->stride_w, x->dilation_h, x->dilation_w, reason, sizeof reason) ||
        (p->add != NULL && !add_fits(p->add, reason, sizeof reason))) {
        s = rs_fail(err, RS_ERR_UNSUPPORTED, "%s", reason);
        goto done;
    }
    l->bc = p->block_channels;
    finish_layer(l, (int)config->block);
    j.n_layers = 1;
    init_act(&j.acts[0], 0, x->n * x->h * x->w, rs_layer_px(l), x->c, p->quant.zp_in, l->bc);
    init_act(&j.acts[1], 2, x->n * x->e * x->f, rs_layer_px(l), x->m, p->add != NULL ? p->add->zp_out : p->quant.zp_out, (int)config->block);
    l->in = 0;
    l->out = 1;
    j.n_acts = 2;
    j.acts[0].from_host = true;
    j.acts[1].to_host = true;
    if (p->add != NULL) {
        init_act(&j.acts[2], 1, x->n * x->e * x->f, 1, x->m, p->add->zp2, (int)config->block);
        j.acts[2].from_host = true;
        set_add(l, p->add, false);
        l->res = 2;
        j.n_acts = 3;
    }
    finish_acts(&j, (int)config->block);
    plan->steps[0] = (struct rs_plan_step){ .where = RS_PLAN_ARRAY, .carrier = -1, .macs = l->macs };
    snprintf(plan->steps[0].reason, sizeof plan->steps[0].reason, "%s", pool ? "pool engine" : "array");
    s = rs_plan_job(config, options != NULL ? options : &none, &j, &commands, &image, &arena, &status, p->map, job, plan->steps, err);
    if (s != RS_OK)
        goto done;
    plan->n_jobs = plan->n_actions = 1;
    plan->actions[0] = (struct rs_plan_action){ true, 0 };
    tensor_of_act(&job->inputs[job->n_inputs++], &j.acts[0], 0, (int)config->block);
    if (p->add != NULL)
        tensor_of_act(&job->inputs[job->n_inputs++], &j.acts[2], 1, (int)config->block);
    tensor_of_act(&job->outputs[job->n_outputs++], &j.acts[1], 2, (int)config->block);
    s = finish_plan(plan, &commands, &image, &arena, status, err);
done:
    job_free(&j);
    free(commands.data);
    free(image.data);
    if (s != RS_OK) {
        rs_plan_free(plan);
        return s;
    }
    *out = plan;
    return RS_OK;
}

/* ---- the rest --------------------------------------------------------------------------------------------------------------- */

void rs_plan_free(struct rs_plan *plan)
{
    if (plan == NULL)
        return;
    drop_jobs(plan);
    free(plan->steps);
    free(plan->actions);
    free(plan->jobs);
    free(plan->commands);
    free(plan->image);
    free(plan);
}

const struct rs_plan_tensor *rs_plan_find(const struct rs_plan_tensor *list, int n, int tensor)
{
    for (int i = 0; i < n; i++)
        if (list[i].tensor == tensor)
            return &list[i];
    return NULL;
}

void rs_plan_print(const struct rs_plan *plan, const struct rs_graph *g, FILE *to)
{
    static const char *const modes[] = { "pool", "channels", "flatten", "depthwise" };
    static const char *const where[] = { "CPU", "array", "fused", "view" };
    const double per_clock = 2.0 * plan->config.rows * plan->config.cols;

    fprintf(to, "preset %s, %u x %u PEs x 2 lanes\n", plan->config.preset, plan->config.rows, plan->config.cols);
    fprintf(to, "%4s %-18s %-6s %3s %10s %6s %8s %8s %6s %8s  %s\n", "node", "operation", "where", "job", "MACs", "groups", "busy", "cycles",
            "util%", "filter B", "mapping, or why");
    for (int i = 0; i < plan->n_steps; i++) {
        const struct rs_plan_step *s = &plan->steps[i];
        const struct rs_mapping *m = &s->map;

        fprintf(to, "%4d %-18s %-6s %3d %10" PRId64, i, g != NULL ? rs_op_name(g->nodes[i].op) : "layer", where[s->where], s->job, s->macs);
        if (s->where != RS_PLAN_ARRAY) {
            fprintf(to, " %6s %8s %8s %6s %8s  %s\n", "", "", "", "", "", s->reason);
            continue;
        }
        fprintf(to, " %6d %8" PRId64 " %8" PRId64 " %6.1f %8" PRId64 "  %s", s->groups, s->busy_cycles, s->cycles,
                s->cycles > 0 ? 100.0 * (double)s->macs / (per_clock * (double)s->cycles) : 0.0, s->filter_bytes, modes[m->mode + 1]);
        if (m->mode >= 0)
            fprintf(to, " e%d fx%d mx%d pairs%d ns%d fp%d q%d rp%d wc%d%s", m->e, m->fx, m->mx, m->pairs, m->ns, m->fp, m->q, m->rp, m->wc,
                    m->filters_outer ? " filters outer" : "");
        if (m->mode == RS_MODE_FLATTEN && m->chains > 1)
            fprintf(to, " chain%d x %d by %s", m->chain, m->chains, m->by_rows ? "rows" : "filters");
        fputc('\n', to);
    }
    for (int i = 0; i < plan->n_jobs; i++) {
        const struct rs_plan_job *j = &plan->jobs[i];

        fprintf(to, "job %d: %d commands (%d loads, %d computes, %d pools, %d stores), reads %" PRId64 " B, writes %" PRId64
                " B, %" PRId64 " MACs, predicted %" PRId64 " cycles (%.1f %%)\n", i, j->n_commands, j->loads, j->computes, j->pools, j->stores,
                j->read_bytes, j->write_bytes, j->macs, j->cycles, j->cycles > 0 ? 100.0 * (double)j->macs / (per_clock * (double)j->cycles) : 0.0);
    }
    fprintf(to, "network: %" PRId64 " MACs, %" PRId64 " on the array; predicted %" PRId64 " cycles; image %zu B, arena %zu B\n", plan->macs,
            plan->array_macs, plan->cycles, plan->image_bytes, plan->arena_bytes);
}
