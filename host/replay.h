/*
 * replay.h - answers of jobs, kept to be given again without clocking the device (`replay` of rs_open()).
 *
 * What a job gives follows from its inputs alone where it is the only job of its model: nothing of an earlier run is read.  All of it
 * belongs to the array thread, and to rs_model_free().
 */
#ifndef RS_REPLAY_H
#define RS_REPLAY_H
#include "runtime.h"

bool rs_replays(const struct rs_model *m);
/* The answer to the first @in_bytes of a slot's staging; NULL: there is none. */
const struct rs_answer *rs_answer_find(const struct rs_model *m, const uint8_t *staging, size_t in_bytes);
/* Keeps @bytes of staging, inputs and outputs, with the counters, while there is room. */
void rs_answer_keep(struct rs_model *m, const uint8_t *staging, size_t bytes, const struct rs_counters *job,
                    const struct rs_counters *layers, int n_layers);
void rs_answers_free(struct rs_model *m);
#endif
