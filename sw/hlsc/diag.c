/*
 * diag.c - arena memory, strings, a map, source lines, and the one way to report an error.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hlsc.h"

struct chunk { struct chunk *next; size_t used, size; };
static struct chunk *chunks;

void *arena(size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (chunks == NULL || chunks->size - chunks->used < bytes) {
        const size_t size = bytes > (1u << 20) ? bytes : 1u << 20;
        struct chunk *c = calloc(1, sizeof *c + 16 + size);

        if (c == NULL) {
            fputs("hlsc: out of memory\n", stderr);
            exit(1);
        }
        c->next = chunks;
        c->size = size;
        chunks = c;
    }
    void *p = (char *)chunks + ((sizeof *chunks + 15) & ~(size_t)15) + chunks->used;

    chunks->used += bytes;
    return p;
}

void *grow(void *old, size_t old_bytes, size_t new_bytes)
{
    void *p = arena(new_bytes);

    if (old_bytes != 0)
        memcpy(p, old, old_bytes);
    return p;
}

char *fmt(const char *f, ...)
{
    va_list ap, again;

    va_start(ap, f);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, f, ap);
    char *s = arena((size_t)n + 1);

    vsnprintf(s, (size_t)n + 1, f, again);
    va_end(again);
    va_end(ap);
    return s;
}

static size_t hash(const char *s)
{
    size_t h = 1469598103934665603u;

    for (; *s != 0; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

static struct slot *find(const struct map *m, const char *key)
{
    size_t i = hash(key) & (m->cap - 1);

    while (m->slot[i].key != NULL && strcmp(m->slot[i].key, key) != 0)
        i = (i + 1) & (m->cap - 1);
    return &m->slot[i];
}

void *map_get(const struct map *m, const char *key)
{
    return m->cap == 0 ? NULL : find(m, key)->val;
}

void map_set(struct map *m, const char *key, void *val)
{
    if (2 * (m->n + 1) > m->cap) {
        struct map bigger = { .cap = m->cap ? 2 * m->cap : 64, .n = m->n };

        bigger.slot = arena(bigger.cap * sizeof *bigger.slot);
        for (size_t i = 0; i < m->cap; i++)
            if (m->slot[i].key != NULL)
                *find(&bigger, m->slot[i].key) = m->slot[i];
        *m = bigger;
    }
    struct slot *s = find(m, key);

    if (s->key == NULL) {
        m->n++;
        s->key = fmt("%s", key);
    }
    s->val = val;
}

static struct map strings, sources;

const char *intern(const char *s)
{
    char *p = map_get(&strings, s);

    if (p == NULL) {
        p = fmt("%s", s);
        map_set(&strings, p, p);
    }
    return p;
}

struct source { char *text; int n; int *start; };

static struct source *source(const char *file)
{
    struct source *s = map_get(&sources, file);

    if (s != NULL)
        return s;
    s = arena(sizeof *s);
    map_set(&sources, file, s);

    FILE *f = fopen(file, "rb");
    long size = 0;

    if (f == NULL)
        return s;
    if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > 0) {
        s->text = arena((size_t)size + 1);
        rewind(f);
        size = (long)fread(s->text, 1, (size_t)size, f);
        int cap = 0;

        for (long i = 0; i < size; i++)
            if (i == 0 || s->text[i - 1] == '\n')
                PUSH(s->start, s->n, cap, (int)i);
    }
    fclose(f);
    return s;
}

const char *source_line(const char *file, int line, int *len)
{
    const struct source *s = source(file);

    if (line < 1 || line > s->n)
        return NULL;
    const char *p = s->text + s->start[line - 1];

    *len = (int)strcspn(p, "\r\n");
    return p;
}

void diag_free(void)
{
    while (chunks != NULL) {
        struct chunk *next = chunks->next;

        free(chunks);
        chunks = next;
    }
}

void error(struct loc at, const char *advice, const char *f, ...)
{
    va_list ap;
    int len = 0;

    fprintf(stderr, "%s:%d:%d: error: ", at.file ? at.file : "?", at.line, at.col);
    va_start(ap, f);
    vfprintf(stderr, f, ap);
    va_end(ap);
    fputc('\n', stderr);

    const char *text = at.file ? source_line(at.file, at.line, &len) : NULL;

    if (text != NULL) {
        fprintf(stderr, "%.*s\n", len, text);
        for (int i = 0; i + 1 < at.col; i++)
            fputc(i < len && text[i] == '\t' ? '\t' : ' ', stderr);
        fputs("^\n", stderr);
    }
    if (advice != NULL)
        fprintf(stderr, "  instead: %s\n", advice);
    diag_free();
    exit(1);
}
