/* replay.c - answers of jobs, kept to be given again (`replay` of rs_open()). */
#include "replay.h"
#include <stdlib.h>
#include <string.h>

bool rs_replays(const struct rs_model *m)
{
    return m->device->replay > 0 && m->plan->n_jobs == 1;
}

const struct rs_answer *rs_answer_find(const struct rs_model *m, const uint8_t *staging, size_t in_bytes)
{
    for (const struct rs_answer *a = m->answers; a != NULL; a = a->next)
        if (memcmp(a->staging, staging, in_bytes) == 0)
            return a;
    return NULL;
}

void rs_answer_keep(struct rs_model *m, const uint8_t *staging, size_t bytes, const struct rs_counters *job,
                    const struct rs_counters *layers, int n_layers)
{
    struct rs_answer *a;

    if (m->n_answers == (int)m->device->replay)
        return;
    a = calloc(1, sizeof *a);
    if (a == NULL)
        return;                                    /* it is clocked again, that is all */
    a->staging = malloc(bytes + 1);
    a->layers = malloc(((size_t)n_layers + 1) * sizeof *a->layers);
    if (a->staging == NULL || a->layers == NULL) {
        free(a->staging);
        free(a->layers);
        free(a);
        return;
    }
    memcpy(a->staging, staging, bytes);
    memcpy(a->layers, layers, (size_t)n_layers * sizeof *a->layers);
    a->job = *job;
    a->next = m->answers;
    m->answers = a;
    m->n_answers++;
}

void rs_answers_free(struct rs_model *m)
{
    while (m->answers != NULL) {
        struct rs_answer *a = m->answers;

        m->answers = a->next;
        free(a->staging);
        free(a->layers);
        free(a);
    }
}
