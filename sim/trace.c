/*
 * trace.c - see trace.h.
 *
 * The slices of JOB and ARRAY carry what the hardware counted between their ends, so they sum to its counters: ARRAY's are the
 * groups and, between them, the waits for one, without a gap from the job's first clock to its last counted one.
 */
#include "trace.h"
#include <assert.h>
#include <string.h>

static void begin(struct trace *t, enum rs_trace_track track, uint64_t at, int32_t layer, uint32_t detail)
{
    t->open[track] = (struct rs_trace_event){ .core = t->core, .track = track, .layer = layer, .detail = detail, .index = t->n[track]++, .begin = at };
    t->is_open[track] = true;
}

static void end(struct trace *t, enum rs_trace_track track, uint64_t at)
{
    struct rs_trace_event *e = &t->open[track];

    if (!t->is_open[track])
        return;
    t->is_open[track] = false;
    e->end = at;
    if (e->end > e->begin)
        t->hook(t->context, e);
}

/* Counted since the open slice of the array began; a new one begins. */
static void next_slice(struct trace *t, const uint64_t *value, int32_t layer)
{
    struct rs_trace_event *e = &t->open[RS_TRACE_ARRAY];

    for (int i = 0; i < RS_TRACE_CATEGORIES; i++)
        e->spent[i] = value[RS_COUNTER_compute + i] - t->count[RS_COUNTER_compute + i];
    e->macs = value[RS_COUNTER_macs] - t->count[RS_COUNTER_macs];
    end(t, RS_TRACE_ARRAY, t->clock);
    memcpy(t->count, value, sizeof t->count);
    begin(t, RS_TRACE_ARRAY, t->clock, layer, 0);
}

static void array(struct trace *t, const struct core *r)
{
    const struct mac_sequencer *m = &r->mac_sequencer;
    const bool in_group = t->open[RS_TRACE_ARRAY].layer >= 0;

    if (in_group && (m->group_take || !m->active)) {
        end(t, RS_TRACE_PASS, t->clock);
        next_slice(t, r->counters.value, -1);
    }
    if (m->group_take) {
        /* The queue moves on an edge later. */
        const uint32_t *words = r->group_queue_out.view[STAGE_MAC].words;

        next_slice(t, r->counters.value, (int32_t)RS_GET_U(words, LAYER));
    }
    if (m->active && (m->group_take || m->passes_done != t->passes_done)) {
        end(t, RS_TRACE_PASS, t->clock);
        begin(t, RS_TRACE_PASS, t->clock, t->open[RS_TRACE_ARRAY].layer, 0);
    }
    t->passes_done = m->passes_done;
}

static void output(struct trace *t, const struct core *r)
{
    const struct output_stage *o = &r->output_stage;

    if (o->group_take && t->n_flush < TRACE_GROUPS) {
        const uint32_t *words = r->group_queue_out.view[STAGE_FLUSH].words;

        t->flush[t->n_flush++] = (struct rs_trace_event){ .core = t->core, .track = RS_TRACE_OUTPUT, .layer = (int32_t)RS_GET_U(words, LAYER),
                                                          .index = t->n[RS_TRACE_OUTPUT]++, .begin = t->clock };
    }
    for (; t->flush_done != o->done; t->flush_done++) {
        assert(t->n_flush != 0);
        if (t->flush[0].begin < t->flush_end)              /* a flush may begin while the last one's pairs are on their way */
            t->flush[0].begin = t->flush_end;
        t->flush[0].end = t->flush_end = t->clock;
        if (t->flush[0].end > t->flush[0].begin)
            t->hook(t->context, &t->flush[0]);
        memmove(&t->flush[0], &t->flush[1], --t->n_flush * sizeof t->flush[0]);
    }
}

static void engines(struct trace *t, const struct core *r)
{
    const struct load_engine *l = &r->load_engine;
    const struct store_engine *s = &r->store_engine;
    const struct pool *p = &r->pool;

    if (l->done != t->load_done)
        end(t, RS_TRACE_LOAD, t->clock);
    if (l->take_next != t->load_next && l->take.active) {
        const uint32_t *words = l->queue[(l->take_next - 1u) & (LOAD_QUEUE - 1u)];

        begin(t, RS_TRACE_LOAD, t->clock, (int32_t)RS_GET_U(words, LAYER), RS_GET_U(words, TO_WBUF));
    }
    if (p->done != t->pool_done)
        end(t, RS_TRACE_POOL, t->clock);
    if (p->active && !t->pool_active)
        begin(t, RS_TRACE_POOL, t->clock, (int32_t)RS_GET_U(p->next.words, LAYER), 0);
    if (s->next != t->store_next || (!s->write_walk.active && s->burst_left == 0 && !s->wvalid && !s->awvalid))
        end(t, RS_TRACE_STORE, t->clock);
    if (s->next != t->store_next && s->write_walk.active) {
        const uint32_t *words = s->queue[(s->next - 1u) & (STORE_QUEUE - 1u)];

        begin(t, RS_TRACE_STORE, t->clock, (int32_t)RS_GET_U(words, LAYER), RS_GET_U(words, OP) == RS_OP_SNAPSHOT);
    }
    t->load_next = l->take_next;
    t->store_next = s->next;
    t->load_done = l->done;
    t->pool_done = p->done;
    t->pool_active = p->active;
}

void trace_clock(struct trace *t, const struct core *r)
{
    const uint64_t cycles = r->counters.value[RS_COUNTER_cycles];
    const bool running = cycles > t->cycles;

    t->clock++;
    if (running && !t->is_open[RS_TRACE_JOB]) {
        memset(t->count, 0, sizeof t->count);
        memset(t->n, 0, sizeof t->n);
        memset(t->is_open, 0, sizeof t->is_open);
        t->n_flush = 0;
        t->flush_end = 0;
        t->flush_done = r->output_stage.done;
        begin(t, RS_TRACE_JOB, t->clock - cycles, -1, 0);
        begin(t, RS_TRACE_ARRAY, t->clock - cycles, -1, 0);
    }
    if (t->is_open[RS_TRACE_JOB]) {
        if (running) {
            array(t, r);
            output(t, r);
            engines(t, r);
        } else {
            /* The counters stand still: the last clock they counted was the one before. */
            struct rs_trace_event *job = &t->open[RS_TRACE_JOB];

            t->clock--;
            end(t, RS_TRACE_PASS, t->clock);
            next_slice(t, r->counters.value, -1);
            t->is_open[RS_TRACE_ARRAY] = false;
            for (int k = RS_TRACE_LOAD; k < RS_TRACE_TRACKS; k++)
                end(t, (enum rs_trace_track)k, t->clock);
            for (int i = 0; i < RS_TRACE_CATEGORIES; i++)
                job->spent[i] = r->counters.value[RS_COUNTER_compute + i];
            job->macs = r->counters.value[RS_COUNTER_macs];
            end(t, RS_TRACE_JOB, t->clock);
            t->clock++;
        }
    }
    t->cycles = cycles;
}
