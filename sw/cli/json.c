/* json.c - JSON as text, written front to back. */
#include "json.h"
#include <assert.h>
#include <math.h>

static void quoted(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7F)           /* names from files may be in any encoding: kept as bytes */
            fprintf(to, "\\u%04x", *c);
        else
            fputc(*c, to);
    fputc('"', to);
}

static void separate(struct json *j, const char *key)
{
    if (j->any[j->depth])
        fputc(',', j->to);
    if (j->depth != 0 && j->compact[j->depth]) {
        if (j->any[j->depth])
            fputc(' ', j->to);
    } else if (j->depth != 0) {
        fprintf(j->to, "\n%*s", 2 * j->depth, "");
    }
    j->any[j->depth] = true;
    if (key != NULL) {
        quoted(j->to, key);
        fputs(": ", j->to);
    }
}

static void open(struct json *j, const char *key, bool compact, const char *brackets)
{
    if (j->depth != 0)
        separate(j, key);
    fputc(brackets[0], j->to);
    assert(j->depth + 1 < RS_JSON_DEPTH);
    compact = compact || j->compact[j->depth];
    j->depth++;
    j->any[j->depth] = false;
    j->compact[j->depth] = compact;
    j->close[j->depth] = brackets[1];
}

void json_begin(struct json *j, FILE *to)
{
    *j = (struct json){.to = to};
    open(j, NULL, false, "{}");
}

void json_object(struct json *j, const char *key, bool compact)
{
    open(j, key, compact, "{}");
}

void json_array(struct json *j, const char *key, bool compact)
{
    open(j, key, compact, "[]");
}

void json_close(struct json *j)
{
    const int depth = j->depth--;

    assert(depth > 0);
    if (j->any[depth] && !j->compact[depth])
        fprintf(j->to, "\n%*s", 2 * (depth - 1), "");
    fputc(j->close[depth], j->to);
}

bool json_end(struct json *j)
{
    json_close(j);
    assert(j->depth == 0);
    fputc('\n', j->to);
    return fflush(j->to) == 0 && !ferror(j->to);
}

void json_string(struct json *j, const char *key, const char *value)
{
    separate(j, key);
    if (value != NULL)
        quoted(j->to, value);
    else
        fputs("null", j->to);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
    separate(j, key);
    fprintf(j->to, "%" PRIu64, value);
}

void json_int(struct json *j, const char *key, int64_t value)
{
    separate(j, key);
    fprintf(j->to, "%" PRId64, value);
}

void json_real(struct json *j, const char *key, double value)
{
    separate(j, key);
    if (isfinite(value))
        fprintf(j->to, "%.9g", value);
    else
        fputs("null", j->to);
}

void json_bool(struct json *j, const char *key, bool value)
{
    separate(j, key);
    fputs(value ? "true" : "false", j->to);
}

void xml_text(FILE *to, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        switch (*c) {
        case '&': fputs("&amp;", to); break;
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        case '"': fputs("&quot;", to); break;
        default:
            if ((unsigned char)*c >= 0x20)
                fputc(*c, to);
            else
                fputc(' ', to);
        }
}
