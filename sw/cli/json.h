/* json.h - a small JSON writer: nesting, commas and escapes in one place. */
#ifndef RS_JSON_H
#define RS_JSON_H
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RS_JSON_DEPTH 16

struct json {
    FILE *to;
    int depth;
    bool any[RS_JSON_DEPTH];        /* something was written at this depth                     */
    bool compact[RS_JSON_DEPTH];    /* this object or array stays on one line                  */
    char close[RS_JSON_DEPTH];
};

void json_begin(struct json *j, FILE *to);                            /* opens the outermost object */
bool json_end(struct json *j);                                        /* closes it; false: a write failed */

/* @key: NULL inside an array. */
void json_object(struct json *j, const char *key, bool compact);
void json_array(struct json *j, const char *key, bool compact);
void json_close(struct json *j);
void json_string(struct json *j, const char *key, const char *value); /* NULL: null             */
void json_uint(struct json *j, const char *key, uint64_t value);
void json_int(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value);        /* not finite: null       */
void json_bool(struct json *j, const char *key, bool value);

/* @text with the characters that XML wants escaped, to @to (for JUnit files). */
void xml_text(FILE *to, const char *text);
#endif
