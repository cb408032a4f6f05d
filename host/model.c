/* model.c - from a file to something that can run: graph, plan, host memory, report. */
#include "file.h"
#include "import.h"
#include "mapping_file.h"
#include "model_file.h"
#include "replay.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t align_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* ---- the plan ------------------------------------------------------------------------------------- */

static bool is_graph_output(const struct rs_graph *g, int tensor)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == tensor)
            return true;
    return false;
}

/* The tensor that step @i of the array writes: its own output, or that of the last node fused into it. */
static int array_output(const struct rs_graph *g, const struct rs_plan *plan, int i)
{
    int last = i;

    for (int k = 0; k < plan->n_steps; k++)
        if (plan->steps[k].where == RS_PLAN_FUSED && plan->steps[k].carrier == i && k > last)
            last = k;
    return g->nodes[last].outputs[0];
}

/* A plan in which every layer's output reaches the host: the plan of the same graph with those outputs added.  What is fused
 * stays fused, so the array computes exactly what it computes without. */
static rs_status plan_keeping_all(struct rs_model *m, const struct rs_hw_config *config, const struct rs_plan_options *plan, struct rs_error *err)
{
    struct rs_graph *g = m->graph;
    const int n_own = g->n_outputs;
    int n = n_own, *own = malloc((size_t)(n_own + 1) * sizeof *own),
        *all = malloc((size_t)(n_own + g->n_nodes + 1) * sizeof *all);
    int *inputs = malloc((size_t)(g->n_inputs + 1) * sizeof *inputs);
    rs_status status, restored;

    if (own == NULL || all == NULL || inputs == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        goto done;
    }
    memcpy(inputs, g->inputs, (size_t)g->n_inputs * sizeof *inputs);
    memcpy(own, g->outputs, (size_t)n_own * sizeof *own);
    memcpy(all, g->outputs, (size_t)n_own * sizeof *all);
    for (int i = 0; i < m->plan->n_steps; i++)
        if (m->plan->steps[i].where == RS_PLAN_ARRAY && !is_graph_output(g, array_output(g, m->plan, i)))
            all[n++] = array_output(g, m->plan, i);
    rs_plan_free(m->plan);
    m->plan = NULL;
    status = rs_graph_set_io(g, inputs, g->n_inputs, all, n, err);
    if (status == RS_OK)
        status = rs_plan_graph(g, config, plan, &m->plan, err);
    restored = rs_graph_set_io(g, inputs, g->n_inputs, own, n_own, err);
    if (status == RS_OK)
        status = restored;
done:
    free(inputs);
    free(own);
    free(all);
    return status;
}

static rs_status make_plan(struct rs_model *m, const struct model_file *file, struct rs_error *err)
{
    const struct rs_hw_config *config = &m->device->config;
    struct rs_plan_options plan = {0};
    struct rs_plan_pin *pins = NULL;
    rs_status status = RS_OK;

    if (m->device->backend == NULL || m->options.cpu_only)
        return RS_OK;
    if (m->options.mapping != NULL)
        status = rs_mapping_read(m->options.mapping, m->graph, config, &pins, &plan.n_pins, err);
    plan.pins = pins;
    if (status == RS_OK && file != NULL && file->plan_bytes != 0 && !m->keep_all && pins == NULL)
        status = model_file_plan(file, config, &m->plan, err);
    else if (status == RS_OK)
        status = rs_plan_graph(m->graph, config, &plan, &m->plan, err);
    if (status == RS_OK && m->keep_all)
        status = plan_keeping_all(m, config, &plan, err);
    free(pins);
    if (m->options.mapping != NULL)
        m->options.batch_plans = 0;        /* the mappings are for one item                             */
    m->options.mapping = NULL;             /* the caller's, not to be kept                              */
    if (status != RS_OK)
        return status;
    m->plans_made = 1;
    if (m->plan->n_steps != m->graph->n_nodes)
        return rs_fail(err, RS_ERR_MISMATCH, "the plan has %d operations, the network %d; compile it again", m->plan->n_steps,
                       m->graph->n_nodes);
    return RS_OK;
}

/* ---- host memory ---------------------------------------------------------------------------------- */

struct lifetimes { int *first, *last; };

static void touch(const struct rs_model *m, struct lifetimes *l, int tensor, int action)
{
    const struct rs_graph *g = m->graph;
    int root;

    if (tensor < 0 || g->tensors[tensor].data != NULL)
        return;
    root = m->root[tensor];
    if (l->first[root] < 0)
        l->first[root] = action;
    l->last[root] = action;
}

static size_t tensors_bytes(const struct rs_plan_tensor *list, int n)
{
    size_t bytes = 0;

    for (int i = 0; i < n; i++)
        bytes += align_up(list[i].bytes, 64);
    return bytes;
}

/* Lifetimes in the plan's actions, whose order need not be that of the nodes. */
static rs_status place_tensors(struct rs_model *m, struct rs_error *err)
{
    const struct rs_graph *g = m->graph;
    const struct rs_plan *p = m->plan;
    const size_t n = (size_t)g->n_tensors;
    size_t *bytes = calloc(n + 1, sizeof *bytes), scratch = 0;
    struct lifetimes l = {malloc((n + 1) * sizeof(int)), malloc((n + 1) * sizeof(int))};
    rs_status status;

    if (bytes == NULL || l.first == NULL || l.last == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        goto done;
    }
    for (size_t t = 0; t < n; t++)
        l.first[t] = l.last[t] = -1;
    for (int a = 0; a < p->n_actions; a++) {
        const int index = p->actions[a].index;

        if (p->actions[a].is_job) {
            const struct rs_plan_job *job = &p->jobs[index];
            const size_t staging = tensors_bytes(job->inputs, job->n_inputs) + tensors_bytes(job->outputs, job->n_outputs);

            for (int i = 0; i < job->n_inputs; i++)
                touch(m, &l, job->inputs[i].tensor, a);
            for (int i = 0; i < job->n_outputs; i++)
                touch(m, &l, job->outputs[i].tensor, a);
            m->staging_bytes = staging > m->staging_bytes ? staging : m->staging_bytes;
        } else {
            const struct rs_node *node = &g->nodes[index];
            const size_t need = rs_graph_node_scratch_bytes(g, index);

            for (int i = 0; i < node->n_inputs; i++)
                touch(m, &l, node->inputs[i], a);
            for (int i = 0; i < node->n_outputs; i++)
                touch(m, &l, node->outputs[i], a);
            scratch = need > scratch ? need : scratch;
        }
    }
    for (int i = 0; i < g->n_outputs; i++)
        touch(m, &l, g->outputs[i], p->n_actions);
    for (int i = 0; i < g->n_inputs; i++)          /* inputs are the caller's own buffers            */
        l.first[m->root[g->inputs[i]]] = -1;
    for (size_t t = 0; t < n; t++) {
        if (l.first[t] >= 0)
            bytes[t] = rs_tensor_bytes(&g->tensors[t]);
        else
            l.first[t] = l.last[t] = 0;
    }
    status = rs_pack_lifetimes(g->n_tensors, bytes, l.first, l.last, 64, m->offset, &m->scratch_offset, err);
    for (size_t t = 0; t < n; t++)
        if (bytes[t] == 0)
            m->offset[t] = RS_NO_OFFSET;
    m->scratch_offset = align_up(m->scratch_offset, 64);
    m->arena_bytes = m->scratch_offset + align_up(scratch, 64);
done:
    free(bytes);
    free(l.first);
    free(l.last);
    return status;
}

/* ---- the report ----------------------------------------------------------------------------------- */

static rs_status describe_layers(struct rs_model *m, struct rs_error *err)
{
    const struct rs_graph *g = m->graph;
    size_t room = 1, used = 0;
    const char *alone = m->device->backend == NULL ? "target is cpu" : "asked for the CPU";

    for (int i = 0; i < g->n_nodes; i++)
        room += 2 * strlen(rs_op_name(g->nodes[i].op)) + 8;
    m->layers = calloc((size_t)g->n_nodes + 1, sizeof *m->layers);
    m->layer_of = malloc(((size_t)g->n_nodes + 1) * sizeof *m->layer_of);
    m->names = calloc(room, 1);
    if (m->layers == NULL || m->layer_of == NULL || m->names == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    for (int i = 0; i < g->n_nodes; i++) {
        const struct rs_plan_step *step = m->plan != NULL ? &m->plan->steps[i] : NULL;
        struct rs_layer_report *layer = &m->layers[m->n_layers];
        char *op = m->names + used;
        int last = i;

        m->layer_of[i] = -1;
        if (step != NULL && step->where == RS_PLAN_FUSED)
            continue;
        m->layer_of[i] = m->n_layers++;
        used += (size_t)snprintf(op, room - used, "%s", rs_op_name(g->nodes[i].op));
        layer->macs = (uint64_t)rs_graph_macs(g, i);
        for (int k = 0; step != NULL && k < g->n_nodes; k++)
            if (m->plan->steps[k].where == RS_PLAN_FUSED && m->plan->steps[k].carrier == i) {
                used += (size_t)snprintf(m->names + used, room - used, "+%s", rs_op_name(g->nodes[k].op));
                layer->macs += (uint64_t)rs_graph_macs(g, k);
                last = k > last ? k : last;
            }
        used++;
        layer->op = op;
        layer->node = i;
        layer->name = g->tensors[g->nodes[last].outputs[0]].name;
        if (step == NULL) {
            layer->where = g->nodes[i].op == RS_OP_RESHAPE ? RS_WHERE_NOWHERE : RS_WHERE_CPU;
            layer->reason = alone;
        } else {
            layer->where = step->where == RS_PLAN_ARRAY ? RS_WHERE_ARRAY
                         : step->where == RS_PLAN_VIEW ? RS_WHERE_NOWHERE : RS_WHERE_CPU;
            layer->reason = step->reason;
            layer->cycles_predicted = (uint64_t)step->cycles;
        }
    }
    for (int i = 0; i < g->n_nodes; i++)
        if (m->layer_of[i] < 0 && m->plan->steps[i].carrier >= 0)
            m->layer_of[i] = m->layer_of[m->plan->steps[i].carrier];
    return RS_OK;
}

/* ---- loading -------------------------------------------------------------------------------------- */

/* @graph is the model's from here on, whatever happens. */
static rs_status finish(struct rs_device *device, struct rs_graph *graph, const struct model_file *file,
                        const struct rs_load_options *options, struct rs_model **model, struct rs_error *err)
{
    struct rs_model *m = calloc(1, sizeof *m);
    rs_status status;

    if (m == NULL) {
        rs_graph_destroy(graph);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    rs_device_hold(device);
    pthread_mutex_init(&m->batch_lock, NULL);
    m->device = device;
    m->graph = graph;
    if (options != NULL)
        m->options = *options;
    m->keep_all = m->options.keep_all;
    m->n_outputs = graph->n_outputs;
    if (file != NULL) {
        m->file = malloc(file->tflite_bytes + 1);
        if (m->file == NULL) {
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
            goto err_free;
        }
        memcpy(m->file, file->tflite, file->tflite_bytes);
        m->file_bytes = file->tflite_bytes;
    }
    status = rs_memory_plan_create(graph, 64, &m->memory, err);
    if (status != RS_OK)
        goto err_free;
    m->root = m->memory->root;
    status = make_plan(m, file, err);
    if (status == RS_OK)
        status = describe_layers(m, err);
    if (status != RS_OK)
        goto err_free;
    m->offset = malloc(((size_t)graph->n_tensors + 1) * sizeof *m->offset);
    if (m->offset == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        goto err_free;
    }
    if (m->plan != NULL && m->plan->n_jobs != 0) {
        status = place_tensors(m, err);
        m->n_slots = (int)device->uri.cores + RS_SLOTS_BESIDE_CORES;
    } else {
        if (!m->options.reference)
            status = rs_packed_graph_create(graph, &m->packed, err);
        m->arena_bytes = rs_graph_arena_bytes(m->memory, m->packed, rs_pool_threads(device->pool));
        m->n_slots = device->n_host_threads;
    }
    if (status != RS_OK)
        goto err_free;
    m->slots = calloc((size_t)m->n_slots, sizeof *m->slots);
    if (m->slots == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        goto err_free;
    }
    for (int i = 0; i < m->n_slots; i++)
        m->slots[i].model = m;
    *model = m;
    return RS_OK;

err_free:
    rs_model_free(m);
    return status;
}

rs_status rs_model_from_graph(struct rs_device *device, struct rs_graph *graph, const struct rs_load_options *options,
                              struct rs_model **model, struct rs_error *err)
{
    *model = NULL;
    return finish(device, graph, NULL, options, model, err);
}

rs_status rs_model_load_memory(struct rs_device *device, const void *bytes, size_t size,
                               const struct rs_load_options *options, struct rs_model **model, struct rs_error *err)
{
    struct model_file file;
    struct rs_graph *graph;
    rs_status status;

    if (model != NULL)
        *model = NULL;
    if (device == NULL || bytes == NULL || model == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_model_load: null pointer");
    const struct rs_import_options how = {.rounding = device->uri.round_onnx ? RS_ROUND_ONNX : RS_ROUND_DOUBLE};

    status = model_file_parse(bytes, size, &file, err);
    if (status == RS_OK)
        status = rs_import(file.tflite, file.tflite_bytes, &how, &graph, err);
    if (status != RS_OK)
        return status;
    status = rs_graph_optimize(graph, RS_PASS_ALL, NULL, err);
    if (status != RS_OK) {
        rs_graph_destroy(graph);
        return status;
    }
    return finish(device, graph, &file, options, model, err);
}

rs_status rs_model_load(struct rs_device *device, const char *path, const struct rs_load_options *options,
                        struct rs_model **model, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size;
    struct rs_error why;
    rs_status status;

    if (model != NULL)
        *model = NULL;
    if (device == NULL || path == NULL || model == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_model_load: null pointer");
    status = rs_file_read(path, MODEL_FILE_MAX_BYTES, &bytes, &size, err);
    if (status != RS_OK)
        return status;
    status = rs_model_load_memory(device, bytes, size, options, model, &why);
    free(bytes);
    return status == RS_OK ? status : rs_fail(err, status, "%.200s: %s", path, why.text);
}

rs_status rs_model_save(const struct rs_model *m, const char *path, struct rs_error *err)
{
    if (m == NULL || path == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_model_save: null pointer");
    if (m->file == NULL || m->keep_all)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "only a model loaded from a file, without keep_all, can be saved");
    if (m->plan == NULL || m->plan->n_jobs == 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "target %s has no plan to keep; compile for emu or sim", m->device->target);
    return model_file_write(path, m->file, m->file_bytes, m->plan, err);
}

rs_status rs_model_upload(struct rs_model *m, struct rs_error *err)
{
    struct rs_device *d = m->device;
    const struct rs_backend *b = d->backend;
    rs_status status;

    if (!m->on_device) {
        status = b->alloc(d->handle, m->plan->commands_bytes, &m->commands_address, err);
        if (status != RS_OK)
            return status;
        status = b->alloc(d->handle, m->plan->image_bytes, &m->image_address, err);
        if (status != RS_OK) {
            b->release(d->handle, m->commands_address);
            return status;
        }
        m->on_device = true;
        m->generation = 0;
    }
    if (m->generation == d->generation)
        return RS_OK;
    status = b->write(d->handle, m->commands_address, m->plan->commands, m->plan->commands_bytes, err);
    if (status == RS_OK)
        status = b->write(d->handle, m->image_address, m->plan->image, m->plan->image_bytes, err);
    if (status == RS_OK)
        m->generation = d->generation;
    return status;
}

void rs_model_free(struct rs_model *m)
{
    struct rs_device *d;

    if (m == NULL)
        return;
    rs_batches_free(m);
    pthread_mutex_destroy(&m->batch_lock);
    d = m->device;
    rs_turn_take(&d->turn);
    if (d->handle != NULL && m->on_device) {
        d->backend->release(d->handle, m->commands_address);
        d->backend->release(d->handle, m->image_address);
    }
    for (int i = 0; i < m->n_slots && m->slots != NULL; i++)
        if (d->handle != NULL && m->slots[i].on_device) {
            d->backend->release(d->handle, m->slots[i].device_arena);
            d->backend->release(d->handle, m->slots[i].device_status);
        }
    rs_turn_give(&d->turn);
    for (int i = 0; i < m->n_slots && m->slots != NULL; i++) {
        free(m->slots[i].arena);
        free(m->slots[i].data);
        free(m->slots[i].staging);
    }
    free(m->slots);
    rs_answers_free(m);
    free(m->layers);
    free(m->layer_of);
    free(m->names);
    free(m->offset);
    free(m->file);
    rs_plan_free(m->plan);
    rs_memory_plan_destroy(m->memory);
    rs_packed_graph_destroy(m->packed);
    rs_graph_destroy(m->graph);
    free(m);
    rs_device_put(d);
}

/* ---- inputs and outputs --------------------------------------------------------------------------- */

const struct rs_layer_report *rs_model_layers(const struct rs_model *m, uint32_t *n)
{
    if (n != NULL)
        *n = m != NULL ? (uint32_t)m->n_layers : 0;
    return m != NULL ? m->layers : NULL;
}

int rs_model_inputs(const struct rs_model *m)
{
    return m != NULL ? m->graph->n_inputs : 0;
}

int rs_model_outputs(const struct rs_model *m)
{
    return m != NULL ? m->n_outputs : 0;
}

static rs_status tensor_info(const struct rs_model *m, const char *what, const int *ids, int n, int index,
                             struct rs_tensor_info *info, struct rs_error *err)
{
    const struct rs_tensor *t;

    if (m == NULL || info == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_model_%s: null pointer", what);
    if (index < 0 || index >= n)
        return rs_fail(err, RS_ERR_RANGE, "%s %d of a model that has %d", what, index, n);
    t = &m->graph->tensors[ids[index]];
    *info = (struct rs_tensor_info){.name = t->name, .type = rs_type_name(t->type), .rank = t->rank,
                                    .elements = (size_t)rs_tensor_elements(t), .bytes = rs_tensor_bytes(t)};
    memcpy(info->dim, t->dim, sizeof info->dim);
    if (t->quant.channels == 1) {
        info->scale = t->quant.scale[0];
        info->zero_point = t->quant.zero_point[0];
    }
    return RS_OK;
}

rs_status rs_model_input(const struct rs_model *m, int index, struct rs_tensor_info *info, struct rs_error *err)
{
    return tensor_info(m, "input", m != NULL ? m->graph->inputs : NULL, rs_model_inputs(m), index, info, err);
}

rs_status rs_model_output(const struct rs_model *m, int index, struct rs_tensor_info *info, struct rs_error *err)
{
    return tensor_info(m, "output", m != NULL ? m->graph->outputs : NULL, rs_model_outputs(m), index, info, err);
}
