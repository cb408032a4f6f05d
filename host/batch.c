/*
 * batch.c - whole batches planned as one: a model keeps a plan for each size that it was asked for.
 *
 * Such a plan is a model of its own, read again from the file and given the batch, whose one item is the whole batch.  Sizes for which
 * there is no such plan are remembered too.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include "import.h"
#include "runtime.h"

struct rs_batch {
    struct rs_batch *next;
    struct rs_model *model;                /* NULL: it cannot be planned                             */
    uint32_t batch;
    atomic_int requests;                   /* that use it                                            */
};

struct rs_model *rs_batch_model(const struct rs_batch *whole)
{
    return whole->model;
}

uint32_t rs_batch_size(const struct rs_batch *whole)
{
    return whole != NULL ? whole->batch : 1;
}

static struct rs_model *plan_batch(struct rs_model *m, uint32_t batch)
{
    const struct rs_import_options how = {.rounding = m->graph->rounding};
    const struct rs_load_options options = {.reference = m->options.reference};
    struct rs_graph *graph = NULL;
    struct rs_model *model = NULL;
    const struct rs_tensor *x = m->graph->n_inputs > 0 ? &m->graph->tensors[m->graph->inputs[0]] : NULL;
    const int64_t images = x != NULL && x->rank > 0 ? (int64_t)batch * x->dim[0] : INT64_MAX;      /* an item may be some already */
    rs_status status = images <= INT32_MAX ? rs_import(m->file, m->file_bytes, &how, &graph, NULL) : RS_ERR_RANGE;

    if (status == RS_OK)
        status = rs_graph_optimize(graph, RS_PASS_ALL, NULL, NULL);
    if (status == RS_OK)
        status = rs_graph_set_batch(graph, (int32_t)images, NULL);
    if (status != RS_OK) {
        rs_graph_destroy(graph);
        return NULL;
    }
    if (rs_model_from_graph(m->device, graph, &options, &model, NULL) == RS_OK && model->plan != NULL)
        m->plans_made++;
    return model;
}

static void discard(struct rs_batch *b)
{
    rs_model_free(b->model);
    free(b);
}

/* Takes the least recently used plan that no request uses out of the list, which is in order of use. */
static struct rs_batch *oldest_unused(struct rs_model *m)
{
    struct rs_batch **found = NULL, *b;

    for (struct rs_batch **link = &m->batches; *link != NULL; link = &(*link)->next)
        if (atomic_load(&(*link)->requests) == 0)
            found = link;
    if (found == NULL)
        return NULL;
    b = *found;
    *found = b->next;
    return b;
}

static struct rs_batch *make(struct rs_model *m, uint32_t batch)
{
    struct rs_batch *b, *old = NULL;
    uint32_t kept = 0;

    for (b = m->batches; b != NULL; b = b->next)
        kept++;
    if (kept >= m->options.batch_plans && (old = oldest_unused(m)) == NULL)
        return NULL;
    if (old != NULL)
        discard(old);
    b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->next = m->batches;
    b->batch = batch;
    b->model = plan_batch(m, batch);
    m->batches = b;
    return b;
}

struct rs_batch *rs_batch_take(struct rs_model *m, uint32_t batch)
{
    struct rs_batch *b = NULL;

    if (m->options.batch_plans == 0 || batch < 2 || m->plan == NULL || m->file == NULL || m->keep_all || m->options.hook != NULL)
        return NULL;
    pthread_mutex_lock(&m->batch_lock);
    for (struct rs_batch **link = &m->batches; *link != NULL && b == NULL; link = &(*link)->next)
        if ((*link)->batch == batch) {
            b = *link;
            *link = b->next;
            b->next = m->batches;          /* the first is the last used                             */
            m->batches = b;
            break;
        }
    if (b == NULL)
        b = make(m, batch);
    if (b != NULL && b->model == NULL)
        b = NULL;
    if (b != NULL)
        atomic_fetch_add(&b->requests, 1);
    pthread_mutex_unlock(&m->batch_lock);
    return b;
}

void rs_batch_give(struct rs_batch *b)
{
    if (b != NULL)
        atomic_fetch_sub(&b->requests, 1);
}

void rs_batches_free(struct rs_model *m)
{
    for (struct rs_batch *b = m->batches, *next; b != NULL; b = next) {
        next = b->next;
        discard(b);
    }
}

uint32_t rs_model_plans_made(const struct rs_model *m)
{
    struct rs_model *writable = (struct rs_model *)(uintptr_t)m;       /* its lock is */
    uint32_t made;

    if (m == NULL)
        return 0;
    pthread_mutex_lock(&writable->batch_lock);
    made = m->plans_made;
    pthread_mutex_unlock(&writable->batch_lock);
    return made;
}
