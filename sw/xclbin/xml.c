/* xml.c - see xml.h. */
#include "xml.h"
#include <string.h>

static const char *find(const char *from, const char *end, const char *what)
{
    const size_t length = strlen(what);

    for (; (size_t)(end - from) >= length; from++)
        if (memcmp(from, what, length) == 0)
            return from;
    return NULL;
}

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool rs_xml_next(struct rs_xml *x, struct rs_xml_tag *tag)
{
    for (;;) {
        const char *start = memchr(x->at, '<', (size_t)(x->end - x->at)), *p;
        char quote = 0;

        if (start == NULL)
            return false;
        if (x->end - start >= 4 && memcmp(start, "<!--", 4) == 0) {
            p = find(start + 4, x->end, "-->");
            if (p == NULL)
                return false;
            x->at = p + 3;
            continue;
        }
        for (p = start + 1; p < x->end && (quote != 0 || *p != '>'); p++)
            if (quote != 0)
                quote = *p == quote ? 0 : quote;
            else if (*p == '"' || *p == '\'')
                quote = *p;
        if (p == x->end)
            return false;
        x->at = p + 1;
        if (start[1] == '?' || start[1] == '!')
            continue;
        tag->closing = start[1] == '/';
        tag->name = start + 1 + tag->closing;
        for (tag->attributes = tag->name; tag->attributes < p && !space(*tag->attributes) && *tag->attributes != '/';)
            tag->attributes++;
        tag->name_bytes = (size_t)(tag->attributes - tag->name);
        tag->attributes_bytes = (size_t)(p - tag->attributes);
        return true;
    }
}

bool rs_xml_is(const struct rs_xml_tag *tag, const char *name)
{
    return tag->name_bytes == strlen(name) && memcmp(tag->name, name, tag->name_bytes) == 0;
}

static void unescape(const char *from, const char *end, char *to, size_t size)
{
    static const struct { const char *entity; char c; } entities[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    size_t n = 0;

    while (from < end && n + 1 < size) {
        char c = *from;
        size_t used = 1;

        for (size_t i = 0; c == '&' && i < sizeof entities / sizeof entities[0]; i++)
            if ((size_t)(end - from) >= strlen(entities[i].entity) &&
                memcmp(from, entities[i].entity, strlen(entities[i].entity)) == 0) {
                c = entities[i].c;
                used = strlen(entities[i].entity);
                break;
            }
        to[n++] = c;
        from += used;
    }
    to[n] = '\0';
}

bool rs_xml_get(const struct rs_xml_tag *tag, const char *attribute, char *text, size_t size)
{
    const char *p = tag->attributes, *const end = p + tag->attributes_bytes;

    text[0] = '\0';
    while (p < end) {
        const char *name, *value;
        size_t name_bytes;
        char quote;

        while (p < end && (space(*p) || *p == '/'))
            p++;
        for (name = p; p < end && *p != '=' && !space(*p);)
            p++;
        name_bytes = (size_t)(p - name);
        while (p < end && (space(*p) || *p == '='))
            p++;
        if (p == end || (*p != '"' && *p != '\''))
            return false;
        quote = *p++;
        value = p;
        p = memchr(p, quote, (size_t)(end - p));
        if (p == NULL)
            return false;
        if (name_bytes == strlen(attribute) && memcmp(name, attribute, name_bytes) == 0) {
            unescape(value, p, text, size);
            return true;
        }
        p++;
    }
    return false;
}
