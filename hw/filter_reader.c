/*
 * filter_reader.c - streams the filter words of each group's passes to the row lanes, and in
 * between, once a group, the parameters of its filters to the columns.
 *
 * Filters come first, so that a group's first pass can be loaded while the group before it
 * computes; its parameters follow the first pass, when the parameter bank is free, that is when
 * the group two before has left the accumulators.
 */
#include "filter_reader.h"

static inline int32_t word_at(const uint8_t *b, int at)
{
    return (int32_t)((uint32_t)b[at] | (uint32_t)b[at + 1] << 8 | (uint32_t)b[at + 2] << 16 |
                     (uint32_t)b[at + 3] << 24);
}

void filter_reader_clock(struct filter_reader *r, const struct filter_reader_in *in,
                         struct filter_reader_out *out)
{
#pragma HLS PIPELINE II=1
    const uint32_t *w = in->group.words;
    const bool bank_free = (uint16_t)(r->started - in->flushed) <= 2;

    /* Stage 3: data to their places. */
    r->push = r->got && !r->got_param;
    r->word = in->data;
    r->op = r->op2;
    r->op.valid = false;
    r->param_end = false;
    if (r->got && r->got_param) {
        for (uint32_t b = 0; b < 2 * RS_BLOCK; b++)
            for (uint32_t p = 0; p < PARAM_WORDS; p++)
                if (p == r->part2)
                    r->half[p * 2 * RS_BLOCK + b] = in->data.byte[b];
        if (r->part2 + 1 == PARAM_WORDS) {
            r->op.valid = true;
            r->param_end = r->end2;
        }
    }
    for (int l = 0; l < 2; l++) {
        r->op.param[l].bias = word_at(r->half, 16 * l);
        r->op.param[l].mult = word_at(r->half, 16 * l + 4);
        r->op.param[l].shift = (int8_t)r->half[16 * l + 8];
    }

    /* Stage 2. */
    r->got = r->reading;
    r->got_param = r->reading_param;
    r->op2 = r->op1;
    r->part2 = r->part1;
    r->end2 = r->end1;

    /* Stage 1: next address, if its word is there. */
    r->reading = false;
    r->end1 = false;
    r->space = r->space + in->popped;
    if (r->active && (uint16_t)(r->addr - in->loaded) >= 0x8000u) {
        if (r->params && bank_free) {
            const bool last_part = r->part + 1u == PARAM_WORDS;
            const bool last_index = r->index + 1u == r->n_params;

            r->reading = true;
            r->reading_param = true;
            r->op1.bank = r->bank;
            r->op1.index = r->index;
            r->op1.group = r->group;
            r->op1.shape = r->shape;
            r->part1 = r->part;
            r->part = last_part ? 0 : r->part + 1;
            if (last_part) {
                r->index = last_index ? 0 : r->index + 1;
                if (last_index) {
                    r->group = r->group + 1;
                    if (r->group == r->mx) {
                        r->end1 = true;
                        r->params = false;
                        r->active = !r->left_none;
                    }
                }
            }
        } else if (!r->params && r->space != 0) {
            r->reading = true;
            r->reading_param = false;
            r->space = r->space - 1;
            if (r->first_last)
                r->params = true;
            else
                r->active = !r->left_last;
            r->left_none = r->left_last;
            r->left_last = r->left == 2;
            r->left = r->left - 1;
            r->first_last = r->first == 2;
            r->first = r->first != 0 ? r->first - 1u : 0;
        }
    }
    if (r->reading) {
        r->read_addr = r->addr;
        r->addr = r->addr + 1;
        if (r->release)
            r->released = r->addr;
    }
    r->op1.place.y = 0;
    r->op1.place.f = 0;
    r->op1.place.g = 0;

    if (!r->active && !r->group_take && in->group.valid) {
        r->group_take = true;
        r->active = true;
        r->params = false;
        r->bank = (r->started & 1u) != 0;
        r->started++;
        r->addr = RS_GET_U(w, FILTER_ADDR);
        r->release = RS_GET_U(w, RELEASE) != 0;
        r->left = RS_GET_U(w, FILTER_WORDS);
        r->left_last = RS_GET_U(w, FILTER_WORDS) == 1;
        r->first = RS_GET_U(w, FILTER_FIRST);
        r->first_last = RS_GET_U(w, FILTER_FIRST) == 1;
        r->mx = RS_GET_U(w, MX);
        r->n_params = RS_GET_U(w, PARAMS);
        r->shape.e = RS_GET_U(w, E);
        r->shape.fx = RS_GET_U(w, FX);
        r->group = 0;
        r->index = 0;
        r->part = 0;
    } else {
        r->group_take = false;
    }

    if (in->rst) {
        r->group_take = false;
        r->active = false;
        r->params = false;
        r->started = 0;
        r->space = LANE_DEPTH - 1;
        r->reading = false;
        r->got = false;
        r->push = false;
        r->op.valid = false;
        r->param_end = false;
        r->end1 = false;
        r->end2 = false;
        r->released = 0;
    }

    out->group_take = r->group_take;
    out->read_addr = r->read_addr;
    out->push = r->push;
    out->word = r->word;
    out->param = r->op;
    out->param_end = r->param_end;
    out->reading = r->reading;
    out->released = r->released;
    out->idle = !r->active && !r->reading && !r->got && !r->push && !r->op.valid;
}
