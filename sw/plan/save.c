/*
 * save.c - a plan in a file, and back.
 *
 * Layout, all little endian: magic "RSPL", version, configuration hash, then the struct's numbers one after another as
 * 64-bit words and byte runs with their length in front, then a checksum (FNV-1a over all before).  A reader trusts nothing: every count
 * is bounded by what is left of the file before memory is asked for.
 */
#include <stdlib.h>
#include <string.h>
#include "plan_internal.h"

#define PLAN_MAGIC   0x4C505352u            /* "RSPL" */
#define PLAN_VERSION 3u

struct stream {
    FILE *file;
    bool writing, bad;                      /* bad: short, or a number out of range                  */
    uint64_t hash, left;                    /* left: bytes of the file not yet read                  */
};

static void bytes(struct stream *s, void *data, size_t n)
{
    uint8_t *p = data;

    if (s->bad || n == 0)
        return;
    if (!s->writing && n > s->left) {
        s->bad = true;
        return;
    }
    if (s->writing ? fwrite(data, 1, n, s->file) != n : fread(data, 1, n, s->file) != n) {
        s->bad = true;
        return;
    }
    s->left -= s->writing ? 0 : n;
    for (size_t i = 0; i < n; i++)
        s->hash = (s->hash ^ p[i]) * 1099511628211u;
}

/* A number in [lo, hi]. */
static int64_t number(struct stream *s, int64_t value, int64_t lo, int64_t hi)
{
    uint8_t b[8];

    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)((uint64_t)value >> 8 * i);
    bytes(s, b, sizeof b);
    if (!s->writing) {
        uint64_t v = 0;

        for (int i = 0; i < 8; i++)
            v |= (uint64_t)b[i] << 8 * i;
        value = (int64_t)v;
    }
    if (s->bad || value < lo || value > hi) {
        s->bad = true;
        return lo;
    }
    return value;
}

/* Fields: a saved plan is only read, it may be in use elsewhere. */
#define FIELD(s, field, type, lo, hi) do {                                                    \
        const int64_t number_ = number(s, (int64_t)(field), lo, hi);                          \
        if (!(s)->writing)                                                                    \
            (field) = (type)number_;                                                          \
    } while (0)
#define INT(s, field, lo, hi) FIELD(s, field, int, lo, hi)
#define I64(s, field)         FIELD(s, field, int64_t, INT64_MIN, INT64_MAX)
#define U32(s, field)         FIELD(s, field, uint32_t, 0, UINT32_MAX)
#define U64(s, field)         FIELD(s, field, uint64_t, 0, INT64_MAX)

/* A count of things of at least @each bytes in the file, and zeroed room for them. */
static void *room(struct stream *s, void *old, int *n, size_t each, size_t size)
{
    const int64_t count = number(s, *n, 0, s->writing ? INT32_MAX : (int64_t)(s->left / each));

    if (s->writing)
        return old;
    *n = (int)count;
    void *p = calloc((size_t)*n + 1, size);

    s->bad |= p == NULL;
    return p;
}

static void mapping(struct stream *s, struct rs_mapping *m)
{
    int *const fields[] = { &m->mode, &m->e, &m->fx, &m->mx, &m->pairs, &m->ns, &m->fp, &m->q, &m->rp, &m->wc, &m->filters_outer, &m->chain, &m->chains, &m->by_rows,
                            &m->images };

    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
        INT(s, *fields[k], -1, INT32_MAX);
    if (m->mode > 2)
        s->bad = true;
}

/* Whether packing @f writes its tiles, and nothing outside them, and reads what exists. */
static bool filter_fits(const struct rs_plan_filter *f, const struct rs_hw_config *c, int zero_point, uint64_t bytes)
{
    const struct layer l = rs_filter_layer(f, (int)c->block, zero_point);

    if (f->planes != rs_filter_planes(zero_point) || f->rows != (int)c->rows || c->rows > c->block || f->map.mode == RS_MODE_DEPTHWISE || !rs_map_check(c, &l, &f->map, NULL) ||
        f->image_bytes == 0 || f->image_bytes > bytes || bytes / f->image_bytes != (uint64_t)f->n_images || bytes % f->image_bytes != 0)
        return false;
    for (int k = 0; k < f->n_tiles; k++) {
        const struct rs_plan_filter_tile *t = &f->tiles[k];
        struct chunk h = { .mx = t->mx, .pairs = t->pairs };

        if (t->m0 > f->N - t->nm || t->offset_bytes > f->image_bytes ||
            (uint64_t)rs_chunk_words(c, &l, &h) * 2 * c->block > f->image_bytes - t->offset_bytes)
            return false;
    }
    return true;
}

static void filter(struct stream *s, struct rs_plan_tensor *t, const struct rs_hw_config *c, int64_t arena)
{
    struct rs_plan_filter *f = t->filter;

    if (!s->writing) {
        f = t->filter = calloc(1, sizeof *f);
        s->bad |= f == NULL;
    }
    if (s->bad)
        return;
    INT(s, f->K, 1, INT32_MAX / (255 * 255));
    INT(s, f->N, 1, 1 << 24);
    INT(s, f->planes, 1, 3);
    FIELD(s, f->transposed, bool, 0, 1);
    INT(s, f->mult, 0, INT32_MAX);
    INT(s, f->shift, -31, 31);
    INT(s, f->rows, 1, 16);
    mapping(s, &f->map);
    FIELD(s, f->image_bytes, uint64_t, 1, arena);
    int32_t *const matrix = room(s, f->matrix, &f->n_images, 8, sizeof *f->matrix);

    if (!s->writing)
        f->matrix = matrix;
    for (int i = 0; i < f->n_images && !s->bad; i++)
        INT(s, f->matrix[i], 0, INT32_MAX);
    struct rs_plan_filter_tile *const tiles = room(s, f->tiles, &f->n_tiles, 40, sizeof *f->tiles);

    if (!s->writing)
        f->tiles = tiles;
    for (int i = 0; i < f->n_tiles && !s->bad; i++) {
        struct rs_plan_filter_tile *x = &f->tiles[i];

        FIELD(s, x->offset_bytes, uint64_t, 0, arena);
        INT(s, x->m0, 0, f->N - 1);
        INT(s, x->nm, 1, f->N);
        INT(s, x->mx, 1, (int)c->cols);
        INT(s, x->pairs, 1, (int)c->block);
    }
    if (!s->bad && !s->writing && !filter_fits(f, c, t->zero_point, t->bytes))
        s->bad = true;
}

static void tensors(struct stream *s, struct rs_plan_tensor **list, int *n, uint64_t arena, const struct rs_hw_config *c)
{
    const int block = (int)c->block;
    struct rs_plan_tensor *const found = room(s, *list, n, 88, sizeof **list);

    if (!s->writing)
        *list = found;
    for (int i = 0; i < *n && !s->bad; i++) {
        struct rs_plan_tensor *t = &(*list)[i];

        INT(s, t->tensor, 0, INT32_MAX);
        U64(s, t->offset_bytes);
        INT(s, t->zero_point, -128, 127);
        U64(s, t->bytes);
        if (!s->bad && (t->bytes > arena || t->offset_bytes > arena - t->bytes))
            s->bad = true;
        if (number(s, t->filter != NULL, 0, 1) != 0) {
            filter(s, t, c, (int64_t)arena);
            continue;
        }
        INT(s, t->transposed_rows, 0, INT32_MAX);
        INT(s, t->pixels, 1, INT32_MAX);
        INT(s, t->channels, 1, INT32_MAX);
        INT(s, t->block_channels, 1, block);
        INT(s, t->element_bytes, 1, 2);
        INT(s, t->block_stride, t->pixels < INT32_MAX / 2 ? t->pixels * t->element_bytes : INT32_MAX, INT32_MAX);
        const uint64_t bc = s->bad ? 1 : (uint64_t)t->block_channels, blocks = ((uint64_t)t->channels + bc - 1) / bc;

        if (!s->bad && (t->bytes / (uint64_t)t->block_stride != blocks * (uint64_t)block || t->bytes % (uint64_t)t->block_stride != 0 ||
                        (t->transposed_rows != 0 && (t->pixels % t->transposed_rows != 0 || t->element_bytes != 1 || t->block_channels != block))))
            s->bad = true;
    }
}

static void plan_stream(struct stream *s, struct rs_plan *p)
{
    struct rs_hw_config *c = &p->config;

    bytes(s, c->preset, sizeof c->preset);
    c->preset[sizeof c->preset - 1] = '\0';
    U32(s, c->config_hash); U32(s, c->isa_version); U32(s, c->rows); U32(s, c->cols); U32(s, c->block); U32(s, c->axi_bytes);
    U32(s, c->filter_words); U32(s, c->window_words); U32(s, c->acc_entries); U32(s, c->glb_blocks); U32(s, c->wbuf_words); U32(s, c->add_lanes);
    U32(s, c->psum_words); U32(s, c->max_pairs); U32(s, c->wide); U32(s, c->requantize_clocks);
    if (c->block != 4 && c->block != 8 && c->block != 16)
        s->bad = true;
    if (s->bad)
        return;
    p->commands_bytes = (size_t)number(s, (int64_t)p->commands_bytes, 0, s->writing ? INT64_MAX : (int64_t)s->left);
    p->image_bytes = (size_t)number(s, (int64_t)p->image_bytes, 64, s->writing ? INT64_MAX : (int64_t)s->left);
    p->arena_bytes = (size_t)number(s, (int64_t)p->arena_bytes, 0, INT64_C(1) << 40);
    p->status_bytes = (size_t)number(s, (int64_t)p->status_bytes, RS_STATUS_BYTES, INT64_C(1) << 32);
    if (p->commands_bytes % RS_COMMAND_BYTES != 0)
        s->bad = true;
    if (!s->writing && !s->bad) {
        p->commands = malloc(p->commands_bytes + 1);
        p->image = malloc(p->image_bytes);
        s->bad = p->commands == NULL || p->image == NULL;
    }
    if (s->bad)
        return;
    for (size_t i = 0; i < p->commands_bytes / 4 && !s->bad; i++) {
        uint8_t b[4] = { (uint8_t)p->commands[i], (uint8_t)(p->commands[i] >> 8), (uint8_t)(p->commands[i] >> 16), (uint8_t)(p->commands[i] >> 24) };

        bytes(s, b, 4);
        if (!s->writing)
            p->commands[i] = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    }
    bytes(s, p->image, p->image_bytes);
    I64(s, p->macs); I64(s, p->array_macs); I64(s, p->cycles);

    p->jobs = room(s, p->jobs, &p->n_jobs, 100, sizeof *p->jobs);
    for (int i = 0; i < p->n_jobs && !s->bad; i++) {
        struct rs_plan_job *j = &p->jobs[i];

        FIELD(s, j->commands_offset_bytes, size_t, 0, (int64_t)p->commands_bytes);
        INT(s, j->n_commands, 1, INT32_MAX);
        if (j->commands_offset_bytes % RS_COMMAND_BYTES != 0 || (size_t)j->n_commands > (p->commands_bytes - j->commands_offset_bytes) / RS_COMMAND_BYTES)
            s->bad = true;
        INT(s, j->loads, 0, INT32_MAX); INT(s, j->computes, 0, INT32_MAX); INT(s, j->pools, 0, INT32_MAX); INT(s, j->stores, 0, INT32_MAX);
        I64(s, j->macs); I64(s, j->cycles); I64(s, j->read_bytes); I64(s, j->write_bytes);
        tensors(s, &j->inputs, &j->n_inputs, p->arena_bytes, c);
        tensors(s, &j->outputs, &j->n_outputs, p->arena_bytes, c);
        struct rs_plan_snapshot *const snapshots = room(s, j->snapshots, &j->n_snapshots, 16, sizeof *j->snapshots);

        if (!s->writing)
            j->snapshots = snapshots;
        for (int k = 0; k < j->n_snapshots && !s->bad; k++) {
            INT(s, j->snapshots[k].node, 0, INT32_MAX);
            FIELD(s, j->snapshots[k].offset_bytes, uint64_t, 0, (int64_t)p->status_bytes - RS_STATUS_BYTES);
        }
    }
    p->steps = room(s, p->steps, &p->n_steps, 200, sizeof *p->steps);
    for (int i = 0; i < p->n_steps && !s->bad; i++) {
        struct rs_plan_step *t = &p->steps[i];
        FIELD(s, t->where, enum rs_plan_where, 0, RS_PLAN_VIEW);
        INT(s, t->job, -1, p->n_jobs - 1);
        INT(s, t->carrier, -1, p->n_steps - 1);
        bytes(s, t->reason, sizeof t->reason);
        if (!s->writing)
            t->reason[sizeof t->reason - 1] = '\0';
        mapping(s, &t->map);
        INT(s, t->groups, -1, INT32_MAX);
        I64(s, t->macs); I64(s, t->cycles); I64(s, t->busy_cycles); I64(s, t->filter_bytes);
    }
    p->actions = room(s, p->actions, &p->n_actions, 16, sizeof *p->actions);
    for (int i = 0; i < p->n_actions && !s->bad; i++) {
        FIELD(s, p->actions[i].is_job, bool, 0, 1);
        INT(s, p->actions[i].index, 0, (p->actions[i].is_job ? p->n_jobs : p->n_steps) - 1);
    }
    for (int i = 0; i < p->n_jobs && !s->bad; i++)
        for (int k = 0; k < p->jobs[i].n_snapshots; k++)
            if (p->jobs[i].snapshots[k].node >= p->n_steps)
                s->bad = true;
}

rs_status rs_plan_save(const struct rs_plan *plan, const char *path, struct rs_error *err)
{
    struct stream s = { .writing = true, .hash = 14695981039346656037u };
    struct rs_plan copy;

    if (plan == NULL || path == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_plan_save: null pointer");
    copy = *plan;
    s.file = fopen(path, "wb");
    if (s.file == NULL)
        return rs_fail(err, RS_ERR_IO, "cannot write %s", path);
    (void)number(&s, PLAN_MAGIC, 0, UINT32_MAX);
    (void)number(&s, PLAN_VERSION, 0, UINT32_MAX);
    (void)number(&s, plan->config.config_hash, 0, UINT32_MAX);
    plan_stream(&s, &copy);
    (void)number(&s, (int64_t)s.hash, INT64_MIN, INT64_MAX);
    if (fclose(s.file) != 0 || s.bad)
        return rs_fail(err, RS_ERR_IO, "cannot write all of %s", path);
    return RS_OK;
}

rs_status rs_plan_load(const char *path, const struct rs_hw_config *config, struct rs_plan **out, struct rs_error *err)
{
    struct stream s = { .hash = 14695981039346656037u };
    struct rs_plan *plan;
    int64_t magic, version, hash, sum;
    long size;
    rs_status status;

    if (path == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_plan_load: null pointer");
    *out = NULL;
    s.file = fopen(path, "rb");
    if (s.file == NULL)
        return rs_fail(err, RS_ERR_IO, "cannot read %s", path);
    plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "no memory for a plan");
        goto err_close;
    }
    if (fseek(s.file, 0, SEEK_END) != 0 || (size = ftell(s.file)) < 0 || fseek(s.file, 0, SEEK_SET) != 0) {
        status = rs_fail(err, RS_ERR_IO, "cannot tell the size of %s", path);
        goto err_free;
    }
    s.left = (uint64_t)size;
    magic = number(&s, 0, 0, UINT32_MAX);
    version = number(&s, 0, 0, UINT32_MAX);
    hash = number(&s, 0, 0, UINT32_MAX);
    if (s.bad || magic != PLAN_MAGIC || version != PLAN_VERSION) {
        status = rs_fail(err, RS_ERR_FORMAT, "%s is no plan of version %u", path, PLAN_VERSION);
        goto err_free;
    }
    if (config != NULL && (uint32_t)hash != config->config_hash) {
        status = rs_fail(err, RS_ERR_MISMATCH, "%s is for configuration %08x, the device is %s, %08x: compile it again", path, (unsigned)hash, config->preset,
                         (unsigned)config->config_hash);
        goto err_free;
    }
    plan_stream(&s, plan);
    sum = (int64_t)s.hash;
    if (number(&s, 0, INT64_MIN, INT64_MAX) != sum || s.bad || s.left != 0 || plan->config.config_hash != (uint32_t)hash) {
        status = rs_fail(err, RS_ERR_FORMAT, "%s is damaged", path);
        goto err_free;
    }
    fclose(s.file);
    *out = plan;
    return RS_OK;

err_free:
    rs_plan_free(plan);
err_close:
    fclose(s.file);
    return status;
}
