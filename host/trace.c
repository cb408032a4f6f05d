/*
 * trace.c - the back end's events as Chrome trace events, which the Perfetto viewer opens (rs_trace_write()).
 *
 * A core is a process, an engine a thread of it; slices of a thread nest or follow each other.  Layers overlap, so they are
 * asynchronous events: from the first thing an engine did for a layer to the last.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runtime.h"

static const char *const tracks[RS_TRACE_TRACKS] = {"job", "array", "array", "load", "output", "pool", "store"};
static const uint32_t thread_of[RS_TRACE_TRACKS] = {1, 2, 2, 3, 4, 5, 6};       /* passes lie in the array's groups  */
static const char *const categories[RS_TRACE_CATEGORIES] = {"compute", "wait_ifmap", "wait_filter", "wait_psum", "wait_drain", "overhead",
                                                            "wait_load", "wait_depend", "idle"};
_Static_assert(RS_COUNTER_idle - RS_COUNTER_compute + 1 == RS_TRACE_CATEGORIES, "the categories of isa.h");

struct span { uint64_t begin, end; bool any; };    /* of a layer in a job                                      */

static void text(FILE *to, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', to);
        if ((unsigned char)*s < 0x20)
            fprintf(to, "\\u%04x", (unsigned)(unsigned char)*s);
        else
            fputc(*s, to);
    }
}

static const char *layer_name(const struct rs_model *m, int32_t layer)
{
    const int at = layer >= 0 && layer < m->graph->n_nodes ? m->layer_of[layer] : -1;

    return at >= 0 ? m->layers[at].name : "?";
}

static void metadata(FILE *to, uint32_t core, uint32_t thread, const char *what, const char *name)
{
    fprintf(to, "{\"ph\":\"M\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"name\":\"%s\",\"args\":{\"name\":\"", core + 1, thread, what);
    text(to, name);
    fputs("\"}},\n", to);
}

static void counted(FILE *to, const struct rs_trace_event *e)
{
    fprintf(to, ",\"macs\":%" PRIu64, e->macs);
    for (int i = 0; i < RS_TRACE_CATEGORIES; i++)
        if (e->spent[i] != 0)
            fprintf(to, ",\"%s\":%" PRIu64, categories[i], e->spent[i]);
}

static void slice(FILE *to, const struct rs_model *m, const struct rs_trace_event *e)
{
    fprintf(to, "{\"ph\":\"X\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"ts\":%" PRIu64 ",\"dur\":%" PRIu64 ",\"cat\":\"%s\",\"name\":\"",
            e->core + 1, thread_of[e->track], e->begin, e->end - e->begin, tracks[e->track]);
    switch (e->track) {
    case RS_TRACE_JOB:
        text(to, m->graph->name != NULL ? m->graph->name : "job");
        break;
    case RS_TRACE_PASS:
        fprintf(to, "pass %" PRIu32, e->index);
        break;
    default:
        if (e->track == RS_TRACE_ARRAY && e->layer < 0)
            fputs("no group", to);
        else if (e->track == RS_TRACE_STORE && e->detail != 0)
            fputs("snapshot ", to);
        else if (e->track == RS_TRACE_LOAD)
            fputs(e->detail != 0 ? "filters of " : "ifmap of ", to);
        if (e->layer >= 0)
            text(to, layer_name(m, e->layer));
    }
    fprintf(to, "\",\"args\":{\"number\":%" PRIu32, e->index);
    if (e->layer >= 0)
        fprintf(to, ",\"node\":%" PRId32, e->layer);
    if (e->track == RS_TRACE_JOB || e->track == RS_TRACE_ARRAY)
        counted(to, e);
    fputs("}},\n", to);
}

/* The layers of a job that has ended, and forgets them. */
static void layers(FILE *to, const struct rs_model *m, struct span *span, uint32_t core, unsigned job)
{
    for (int i = 0; i < m->graph->n_nodes; i++) {
        if (!span[i].any)
            continue;
        for (int end = 0; end < 2; end++) {
            fprintf(to, "{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":0,\"id\":\"%u.%d\",\"ts\":%" PRIu64 ",\"cat\":\"layer\",\"name\":\"",
                    end ? "e" : "b", core + 1, job, i, end ? span[i].end : span[i].begin);
            text(to, layer_name(m, i));
            fputs(end ? "\"},\n" : "\",\"args\":{\"op\":\"", to);
            if (!end) {
                text(to, m->layer_of[i] >= 0 ? m->layers[m->layer_of[i]].op : "");
                fprintf(to, "\",\"macs\":%" PRIu64 "}},\n", m->layer_of[i] >= 0 ? m->layers[m->layer_of[i]].macs : 0);
            }
        }
        span[i] = (struct span){0};
    }
}

static void events(FILE *to, const struct rs_model *m, const char *target, const struct rs_trace_event *e, size_t n, struct span *span)
{
    unsigned jobs = 0;
    uint32_t cores = 1;

    for (size_t i = 0; i < n; i++)
        cores = e[i].core >= cores ? e[i].core + 1 : cores;
    fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"unit\":\"one microsecond is one clock\",\"target\":\"", to);
    text(to, target);
    fputs("\"},\"traceEvents\":[\n", to);
    for (uint32_t c = 0; c < cores; c++) {
        char name[32];

        snprintf(name, sizeof name, "core %" PRIu32, c);
        metadata(to, c, 0, "process_name", name);
        for (int k = 0; k < RS_TRACE_TRACKS; k++)
            if (k != RS_TRACE_PASS)
                metadata(to, c, thread_of[k], "thread_name", tracks[k]);
    }
    for (size_t i = 0; i < n; i++) {
        const bool shows = e[i].track == RS_TRACE_ARRAY || e[i].track == RS_TRACE_OUTPUT || e[i].track == RS_TRACE_POOL ||
                           (e[i].track == RS_TRACE_STORE && e[i].detail == 0);

        slice(to, m, &e[i]);
        if (shows && e[i].layer >= 0 && e[i].layer < m->graph->n_nodes) {
            struct span *s = &span[(size_t)e[i].core * (size_t)m->graph->n_nodes + (size_t)e[i].layer];

            s->begin = !s->any || e[i].begin < s->begin ? e[i].begin : s->begin;
            s->end = !s->any || e[i].end > s->end ? e[i].end : s->end;
            s->any = true;
        }
        if (e[i].track == RS_TRACE_JOB)
            layers(to, m, &span[(size_t)e[i].core * (size_t)m->graph->n_nodes], e[i].core, jobs++);
    }
    fprintf(to, "{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_sort_index\",\"args\":{\"sort_index\":0}}\n]}\n");
}

rs_status rs_trace_write(struct rs_device *d, const struct rs_model *m, const char *file, struct rs_error *err)
{
    const struct rs_trace_event *e = NULL;
    struct span *span = NULL;
    size_t n = 0;
    rs_status status;
    bool busy;
    FILE *to;

    if (d == NULL || m == NULL || file == NULL || m->device != d)
        return rs_fail(err, RS_ERR_ARG, "rs_trace_write: %s", d != NULL && m != NULL && file != NULL ? "a model of another device" : "null pointer");
    if (d->backend == NULL || d->backend->events == NULL)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "target %s has no trace of events; emu has", d->target);
    rs_turn_take(&d->turn);
    pthread_mutex_lock(&d->lock);
    busy = d->unfinished != 0;
    pthread_mutex_unlock(&d->lock);
    status = busy ? rs_fail(err, RS_ERR_BUSY, "rs_trace_write: a request has not ended") : d->backend->events(d->handle, &e, &n, err);
    if (status != RS_OK)
        goto give;
    span = calloc(RS_MAX_CORES * ((size_t)m->graph->n_nodes + 1), sizeof *span);
    to = strcmp(file, "-") == 0 ? stdout : fopen(file, "w");
    if (span == NULL || to == NULL) {
        status = span == NULL ? rs_fail(err, RS_ERR_NOMEM, "out of memory") : rs_fail(err, RS_ERR_IO, "%s: %s", file, strerror(errno));
        goto free;
    }
    events(to, m, d->target, e, n, span);
    if (ferror(to) != 0)
        status = rs_fail(err, RS_ERR_IO, "%s: %s", file, strerror(errno));
free:
    if (span != NULL && to != NULL && to != stdout && fclose(to) != 0 && status == RS_OK)
        status = rs_fail(err, RS_ERR_IO, "%s: %s", file, strerror(errno));
    free(span);
give:
    rs_turn_give(&d->turn);
    return status;
}
