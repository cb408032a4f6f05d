/*
 * test_tflite_writer.h - writes small TFLite models in memory, so that tests need no file.
 *
 * Forward only: a table's inline fields first, then what they point to, whose place is patched in.
 */
#ifndef TEST_TFLITE_WRITER_H
#define TEST_TFLITE_WRITER_H
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { W_CAPACITY = 1 << 16 };
struct writer { uint8_t bytes[W_CAPACITY]; size_t size; };
struct w_table { size_t vtable, at; };

static inline void w_put(struct writer *w, size_t at, uint64_t value, int n)
{
    assert(at + (size_t)n <= W_CAPACITY);
    for (int i = 0; i < n; i++)
        w->bytes[at + (size_t)i] = (uint8_t)(value >> (8 * i));
}

static inline size_t w_append(struct writer *w, uint64_t value, int n)
{
    const size_t at = w->size;

    w_put(w, at, value, n);
    w->size += (size_t)n;
    return at;
}

static inline void w_align(struct writer *w)
{
    while (w->size % 4 != 0)
        w_append(w, 0, 1);
}

static inline struct w_table w_begin(struct writer *w, int fields)
{
    struct w_table t;

    w_align(w);
    t.vtable = w->size;
    w_append(w, (uint64_t)(4 + 2 * fields), 2);
    w_append(w, 4, 2);
    for (int i = 0; i < fields; i++)
        w_append(w, 0, 2);
    w_align(w);
    t.at = w_append(w, 0, 4);
    w_put(w, t.at, (uint64_t)(t.at - t.vtable), 4);
    return t;
}

/* An inline field of 4 bytes (bytes and bools too: little endian). */
static inline size_t w_field(struct writer *w, struct w_table t, int field, uint32_t value)
{
    const size_t at = w_append(w, value, 4);

    w_put(w, t.vtable + 4 + 2 * (size_t)field, at - t.at, 2);
    w_put(w, t.vtable + 2, w->size - t.at, 2);
    return at;
}

/* What the offset field at @at points to comes next. */
static inline void w_here(struct writer *w, size_t at)
{
    w_align(w);
    w_put(w, at, w->size - at, 4);
}

/* The same for a table, whose place is not where its vtable starts. */
static inline void w_here_table(struct writer *w, size_t at, struct w_table t)
{
    w_put(w, at, t.at - at, 4);
}

static inline size_t w_vector(struct writer *w, size_t field_at, size_t count)
{
    w_here(w, field_at);
    w_append(w, count, 4);
    return w->size;
}

static inline void w_text(struct writer *w, size_t field_at, const char *text)
{
    w_vector(w, field_at, strlen(text));
    for (size_t i = 0; i <= strlen(text); i++)
        w_append(w, (uint8_t)text[i], 1);
}

static inline uint32_t w_float(float f)
{
    uint32_t u;

    memcpy(&u, &f, sizeof u);
    return u;
}

/* ---- TFLite ---- */

struct tw_tensor {
    const char *name;
    int type, rank;                  /* TensorType: 9 int8, 2 int32, 0 float32 */
    int32_t dim[6];
    const void *data; size_t bytes;  /* constant or NULL */
    int scales;                      /* 0: no quantization */
    float scale[16];
    int64_t zero[16];
    int axis;
};
struct tw_option { int field; uint32_t value; };
struct tw_op {
    int builtin;
    int n_in, in[6], n_out, out[4];
    int options_type, n_options;
    struct tw_option option[8];
};
struct tw_model {
    const char *identifier;          /* NULL: TFL3 */
    int version;                     /* 0: 3 */
    int n_tensors, n_ops, n_in, n_out;
    struct tw_tensor tensor[24];
    struct tw_op op[12];
    int in[4], out[4];
    int code_shift[12];              /* added to an operation's code index: to point past the list */
};

static inline void tw_ints(struct writer *w, size_t field_at, const int32_t *v, int n)
{
    w_vector(w, field_at, (size_t)n);
    for (int i = 0; i < n; i++)
        w_append(w, (uint32_t)v[i], 4);
}

static inline void tw_write(struct writer *w, const struct tw_model *m)
{
    size_t codes, subgraphs, buffers, tensors, in, out, ops;

    memset(w, 0, sizeof *w);
    w_append(w, 0, 4);
    for (int i = 0; i < 4; i++)
        w_append(w, (uint8_t)(m->identifier != NULL ? m->identifier : "TFL3")[i], 1);
    const struct w_table model = w_begin(w, 5);

    w_put(w, 0, model.at, 4);
    w_field(w, model, 0, (uint32_t)(m->version != 0 ? m->version : 3));
    codes = w_field(w, model, 1, 0);
    subgraphs = w_field(w, model, 2, 0);
    buffers = w_field(w, model, 4, 0);

    size_t slot = w_vector(w, codes, (size_t)m->n_ops);              /* one operator code an operation */

    w->size += 4 * (size_t)m->n_ops;
    for (int i = 0; i < m->n_ops; i++) {
        const struct w_table t = w_begin(w, 4);

        w_here_table(w, slot + 4 * (size_t)i, t);
        w_field(w, t, 0, (uint32_t)(m->op[i].builtin < 127 ? m->op[i].builtin : 127));
        w_field(w, t, 3, (uint32_t)m->op[i].builtin);
    }
    slot = w_vector(w, buffers, (size_t)m->n_tensors + 1);           /* buffer 0 is empty; tensor i has buffer i + 1 */
    w->size += 4 * ((size_t)m->n_tensors + 1);
    for (int i = 0; i <= m->n_tensors; i++) {
        const struct tw_tensor *x = i == 0 ? NULL : &m->tensor[i - 1];
        const struct w_table t = w_begin(w, 1);

        w_here_table(w, slot + 4 * (size_t)i, t);
        if (x != NULL && x->data != NULL) {
            const size_t data = w_field(w, t, 0, 0);

            w_vector(w, data, x->bytes);
            for (size_t k = 0; k < x->bytes; k++)
                w_append(w, ((const uint8_t *)x->data)[k], 1);
        }
    }
    slot = w_vector(w, subgraphs, 1);
    w->size += 4;
    const struct w_table sub = w_begin(w, 5);

    w_here_table(w, slot, sub);
    tensors = w_field(w, sub, 0, 0);
    in = w_field(w, sub, 1, 0);
    out = w_field(w, sub, 2, 0);
    ops = w_field(w, sub, 3, 0);
    tw_ints(w, in, (const int32_t *)m->in, m->n_in);
    tw_ints(w, out, (const int32_t *)m->out, m->n_out);
    slot = w_vector(w, tensors, (size_t)m->n_tensors);
    w->size += 4 * (size_t)m->n_tensors;
    for (int i = 0; i < m->n_tensors; i++) {
        const struct tw_tensor *x = &m->tensor[i];
        const struct w_table t = w_begin(w, 6);

        w_here_table(w, slot + 4 * (size_t)i, t);
        const size_t shape = w_field(w, t, 0, 0);

        w_field(w, t, 1, (uint32_t)x->type);
        w_field(w, t, 2, (uint32_t)i + 1);
        const size_t name = w_field(w, t, 3, 0), quant = x->scales != 0 ? w_field(w, t, 4, 0) : 0;

        tw_ints(w, shape, x->dim, x->rank);
        w_text(w, name, x->name);
        if (x->scales != 0) {
            const struct w_table q = w_begin(w, 7);

            w_here_table(w, quant, q);
            const size_t scale = w_field(w, q, 2, 0), zero = w_field(w, q, 3, 0);

            w_field(w, q, 6, (uint32_t)x->axis);
            w_vector(w, scale, (size_t)x->scales);
            for (int k = 0; k < x->scales; k++)
                w_append(w, w_float(x->scale[k]), 4);
            w_vector(w, zero, (size_t)x->scales);
            for (int k = 0; k < x->scales; k++)
                w_append(w, (uint64_t)x->zero[k], 8);
        }
    }
    slot = w_vector(w, ops, (size_t)m->n_ops);
    w->size += 4 * (size_t)m->n_ops;
    for (int i = 0; i < m->n_ops; i++) {
        const struct tw_op *o = &m->op[i];
        const struct w_table t = w_begin(w, 5);

        w_here_table(w, slot + 4 * (size_t)i, t);
        w_field(w, t, 0, (uint32_t)(i + m->code_shift[i]));
        const size_t op_in = w_field(w, t, 1, 0), op_out = w_field(w, t, 2, 0);

        w_field(w, t, 3, (uint32_t)o->options_type);
        const size_t options = o->options_type != 0 ? w_field(w, t, 4, 0) : 0;

        tw_ints(w, op_in, (const int32_t *)o->in, o->n_in);
        tw_ints(w, op_out, (const int32_t *)o->out, o->n_out);
        if (o->options_type != 0) {
            const struct w_table p = w_begin(w, 8);

            w_here_table(w, options, p);
            for (int k = 0; k < o->n_options; k++)
                w_field(w, p, o->option[k].field, o->option[k].value);
        }
    }
}
#endif
