/* data.c - reads files of constants (data.h). */
#include "data.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "builtin.h"
#include "file.h"
#include "status.h"

static const char *const confidences[] = {"measured", "published", "derived", "assumed", "recall"};

const char *rs_confidence_name(enum rs_confidence c) { return confidences[c]; }

/* ---- growing ----------------------------------------------------------------------------------------- */

static char *copy(const char *text, size_t n)
{
    char *to = malloc(n + 1);

    if (to != NULL) {
        memcpy(to, text, n);
        to[n] = '\0';
    }
    return to;
}

static struct rs_section *section(struct rs_data *data, const char *kind, const char *name)
{
    struct rs_section *grown;

    for (int i = 0; i < data->n; i++)
        if (strcmp(data->section[i].kind, kind) == 0 && strcmp(data->section[i].name, name) == 0)
            return &data->section[i];
    grown = realloc(data->section, (size_t)(data->n + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    data->section = grown;
    grown = &grown[data->n];
    *grown = (struct rs_section){.kind = copy(kind, strlen(kind)), .name = copy(name, strlen(name))};
    data->n++;
    return grown->kind != NULL && grown->name != NULL ? grown : NULL;
}

static struct rs_entry *entry(struct rs_section *s, const char *key)
{
    struct rs_entry *grown;

    for (int i = 0; i < s->n; i++)
        if (strcmp(s->entry[i].key, key) == 0)
            return &s->entry[i];
    grown = realloc(s->entry, (size_t)(s->n + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    s->entry = grown;
    grown = &grown[s->n++];
    *grown = (struct rs_entry){.key = copy(key, strlen(key))};
    return grown->key != NULL ? grown : NULL;
}

void rs_data_free(struct rs_data *data)
{
    if (data == NULL)
        return;
    for (int i = 0; i < data->n; i++) {
        struct rs_section *s = &data->section[i];

        for (int k = 0; k < s->n; k++) {
            free(s->entry[k].key);
            free(s->entry[k].text);
        }
        free(s->entry);
        free(s->kind);
        free(s->name);
    }
    free(data->section);
    *data = (struct rs_data){0};
}

/* ---- one value --------------------------------------------------------------------------------------- */

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return text;
}

/* "V [(LOW..HIGH)] UNIT | confidence | date | source", cut in place.  NULL: good; else what is wrong. */
static const char *constant(char *text, struct rs_constant *c)
{
    char *part[4], *at, *end;
    int n = 0;

    for (at = text; n < 4; n++) {
        char *bar = n < 3 ? strchr(at, '|') : NULL;

        part[n] = at;
        if (bar == NULL) {
            n++;
            break;
        }
        *bar = '\0';
        at = bar + 1;
    }
    if (n != 4)
        return "'VALUE UNIT | confidence | date | source' is expected";
    for (int i = 0; i < 4; i++)
        part[i] = trim(part[i]);
    c->value = c->low = c->high = strtod(part[0], &end);
    if (end == part[0] || !isfinite(c->value))
        return "a number is expected";
    at = trim(end);
    if (*at == '(') {
        char *dots = strstr(at, "..");

        if (dots == NULL)
            return "a band (LOW..HIGH) is expected";
        *dots = '\0';                               /* or "8..14" would read as "8." and ".14" */
        c->low = strtod(at + 1, &end);
        if (end == at + 1 || *end != '\0')
            return "a band (LOW..HIGH) is expected";
        at = dots + 2;
        c->high = strtod(at, &end);
        if (end == at || *end != ')' || !(c->low <= c->value && c->value <= c->high))
            return "a band (LOW..HIGH) around the value is expected";
        at = trim(end + 1);
    }
    if (strlen(at) >= sizeof c->unit || strlen(part[2]) >= sizeof c->date)
        return "unit or date is too long";
    strcpy(c->unit, at);
    strcpy(c->date, part[2]);
    snprintf(c->source, sizeof c->source, "%s", part[3]);
    for (int i = 0; i < 5; i++)
        if (strcmp(part[1], confidences[i]) == 0) {
            c->confidence = (enum rs_confidence)i;
            return *part[3] != '\0' ? NULL : "a source is expected";
        }
    return "confidence is measured, published, derived, assumed or recall";
}

/* ---- files ------------------------------------------------------------------------------------------- */

static rs_status line(struct rs_data *data, struct rs_section **in, char *text, const char *where, int number, struct rs_error *err)
{
    struct rs_entry *e;
    char *equals, *key, *value;
    const char *wrong;

    text = trim(text);
    if (*text == '\0' || *text == '#')
        return RS_OK;
    if (*text == '[') {
        char *close = strchr(text, ']'), *space;

        if (close == NULL || close[1] != '\0' || (space = strchr(text, ' ')) == NULL || space > close)
            return rs_fail(err, RS_ERR_FORMAT, "%s line %d: '%.60s': a section is [KIND NAME]", where, number, text);
        *close = *space = '\0';
        *in = section(data, text + 1, trim(space + 1));
        return *in != NULL ? RS_OK : rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    equals = strchr(text, '=');
    if (equals == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "%s line %d: '%.60s': KEY = VALUE or [KIND NAME] is expected", where, number, text);
    if (*in == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "%s line %d: '%.60s' stands before the first [KIND NAME]", where, number, text);
    *equals = '\0';
    key = trim(text);
    value = trim(equals + 1);
    e = entry(*in, key);
    if (e == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    free(e->text);
    e->text = copy(value, strlen(value));
    if (e->text == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    e->is_constant = strchr(value, '|') != NULL;
    if (!e->is_constant)
        return RS_OK;
    e->c = (struct rs_constant){0};
    wrong = constant(value, &e->c);
    return wrong == NULL ? RS_OK : rs_fail(err, RS_ERR_FORMAT, "%s line %d: [%s %s] %s: %s", where, number, (*in)->kind,
                                           (*in)->name, key, wrong);
}

rs_status rs_data_parse(struct rs_data *data, const char *text, const char *where, struct rs_error *err)
{
    struct rs_section *in = NULL;
    rs_status status = RS_OK;
    int number = 0;

    while (*text != '\0' && status == RS_OK) {
        const size_t n = strcspn(text, "\n");
        char *one = copy(text, n);

        if (one == NULL)
            return rs_fail(err, RS_ERR_NOMEM, "out of memory");
        status = line(data, &in, one, where, ++number, err);
        free(one);
        text += n + (text[n] == '\n');
    }
    return status;
}

rs_status rs_data_add(struct rs_data *data, const char *path, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size;
    rs_status status = rs_file_read(path, 1 << 22, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    status = strlen((char *)bytes) == size ? rs_data_parse(data, (char *)bytes, path, err)
                                           : rs_fail(err, RS_ERR_FORMAT, "%s: not a text file", path);
    free(bytes);
    return status;
}

rs_status rs_data_builtin(struct rs_data *data, struct rs_error *err)
{
    rs_status status = RS_OK;

    *data = (struct rs_data){0};
    for (int i = 0; status == RS_OK && rs_builtin[i].name != NULL; i++)
        status = rs_data_parse(data, rs_builtin[i].text, rs_builtin[i].name, err);
    if (status != RS_OK)
        rs_data_free(data);
    return status;
}

/* ---- asking ------------------------------------------------------------------------------------------ */

const struct rs_section *rs_data_find(const struct rs_data *data, const char *kind, const char *name)
{
    for (int i = 0; i < data->n; i++)
        if (strcmp(data->section[i].kind, kind) == 0 && strcmp(data->section[i].name, name) == 0)
            return &data->section[i];
    return NULL;
}

const struct rs_entry *rs_section_entry(const struct rs_section *s, const char *key)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->entry[i].key, key) == 0)
            return &s->entry[i];
    return NULL;
}

rs_status rs_section_constant(const struct rs_section *s, const char *key, const char *unit, struct rs_constant *out,
                              struct rs_error *err)
{
    const struct rs_entry *e = rs_section_entry(s, key);

    if (e == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "[%s %s]: '%s' is missing", s->kind, s->name, key);
    if (!e->is_constant)
        return rs_fail(err, RS_ERR_FORMAT, "[%s %s] %s = '%.60s': 'VALUE UNIT | confidence | date | source' is expected", s->kind,
                       s->name, key, e->text);
    if (*unit != '\0' && strcmp(unit, e->c.unit) != 0)
        return rs_fail(err, RS_ERR_FORMAT, "[%s %s] %s: unit '%s' where '%s' is expected", s->kind, s->name, key, e->c.unit, unit);
    *out = e->c;
    return RS_OK;
}

const char *rs_section_text(const struct rs_section *s, const char *key)
{
    const struct rs_entry *e = rs_section_entry(s, key);

    return e != NULL ? e->text : NULL;
}

const char *rs_constant_text(const struct rs_constant *c, char *text, size_t size)
{
    const bool memory = c->confidence == RS_RECALL;

    snprintf(text, size, "%s%.6g%s%s%s", memory ? "[" : "", c->value, *c->unit != '\0' ? " " : "", c->unit, memory ? "]" : "");
    return text;
}
