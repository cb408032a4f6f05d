/* mapping_file.c - mappings of named layers as text (mapping_file.h). */
#include "mapping_file.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "isa.h"
#include "status.h"

enum { LINE_BYTES = 4096, MOST_VALUE = 65535 };

static const char *const modes[] = { [RS_MODE_CONV] = "conv", [RS_MODE_FLATTEN] = "flatten", [RS_MODE_DEPTHWISE] = "depthwise" };
static const char *const loops[] = { "inner", "outer" }, *const splits[] = { "filters", "rows" };

/* The keys; those without words take a number.  Chains are for flatten only, and one of all rows where they are left out. */
static const struct key { const char *name; size_t at; const char *const *word; int n_words; bool optional; } keys[] = {
#define NUMBER(name) { #name, offsetof(struct rs_mapping, name), NULL, 0, false }
    { "mode", offsetof(struct rs_mapping, mode), modes, (int)(sizeof modes / sizeof *modes), false },
    NUMBER(e), NUMBER(fx), NUMBER(mx), NUMBER(pairs), NUMBER(ns), NUMBER(fp), NUMBER(q), NUMBER(rp), NUMBER(wc),
    { "filters", offsetof(struct rs_mapping, filters_outer), loops, 2, false },
    { "chain", offsetof(struct rs_mapping, chain), NULL, 0, true },
    { "chains", offsetof(struct rs_mapping, chains), NULL, 0, true },
    { "split", offsetof(struct rs_mapping, by_rows), splits, 2, true },
#undef NUMBER
};
enum { N_KEYS = sizeof keys / sizeof *keys };

const char *rs_mode_name(int mode)
{
    return mode >= 0 && mode < (int)(sizeof modes / sizeof *modes) ? modes[mode] : "pool";
}

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

void rs_mapping_write(const struct rs_plan *plan, const struct rs_graph *g, FILE *to)
{
    fprintf(to, "# rowstation mapping: edit, and give back with --mapping (sw/plan/mapping_file.h); layers left out are searched\n"
                "preset %s\n", plan->config.preset);
    for (int i = 0; i < plan->n_steps; i++) {
        const struct rs_mapping *m = &plan->steps[i].map;

        if (plan->steps[i].where != RS_PLAN_ARRAY || m->mode < 0)
            continue;
        fputs("layer \"", to);
        for (const char *c = g->tensors[g->nodes[i].outputs[0]].name; *c != '\0'; c++)
            fprintf(to, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        fputc('"', to);
        for (int k = 0; k < N_KEYS; k++) {
            const int value = *(const int *)((const char *)m + keys[k].at);

            if (keys[k].optional && (m->mode != RS_MODE_FLATTEN || m->chain == 0))
                continue;
            if (keys[k].word != NULL)
                fprintf(to, " %s=%s", keys[k].name, keys[k].word[value]);
            else
                fprintf(to, " %s=%d", keys[k].name, value);
        }
        fprintf(to, "  # node %d, %d groups, predicted %" PRId64 " cycles\n", i, plan->steps[i].groups, plan->steps[i].cycles);
    }
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

struct reader { const char *path; int line; const struct rs_graph *g; const char *preset; struct rs_error *err; };

__attribute__((format(printf, 2, 3)))
static rs_status bad(const struct reader *r, const char *format, ...)
{
    char text[180];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rs_fail(r->err, RS_ERR_FORMAT, "%s:%d: %s", r->path, r->line, text);
}

static char *skip_space(char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* The word at *at, ended with a zero; *at moves behind it. */
static char *word(char **at)
{
    char *from = skip_space(*at), *end = from + strcspn(from, " \t\r\n");

    *at = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return from;
}

/* A name in quotes, or a node's number. */
static rs_status layer(const struct reader *r, char **at, int *node)
{
    char *from = skip_space(*at), *to = from, *end;

    if (*from != '"') {
        char *text = word(at);
        const long number = strtol(text, &end, 10);

        if (end == text || *end != '\0')
            return bad(r, "a layer's name in quotes, or a node's number is expected, found '%.60s'", text);
        if (number < 0 || number >= r->g->n_nodes)
            return bad(r, "node %ld: the network has nodes 0 to %d", number, r->g->n_nodes - 1);
        *node = (int)number;
        return RS_OK;
    }
    for (end = from + 1; *end != '"'; end++) {
        if (*end == '\\' && (end[1] == '"' || end[1] == '\\'))
            end++;
        if (*end == '\0')
            return bad(r, "a layer's name without a closing quote");
        *to++ = *end;
    }
    *to = '\0';
    *at = end + 1;
    for (*node = 0; *node < r->g->n_nodes; ++*node)
        if (strcmp(r->g->tensors[r->g->nodes[*node].outputs[0]].name, from) == 0)
            return RS_OK;
    return bad(r, "no layer '%.60s' in this network (`rowstation plan MODEL --write-mapping FILE` writes the names)", from);
}

/* KEY=VALUE into @m; @seen: a bit a key. */
static rs_status pair(const struct reader *r, char *text, struct rs_mapping *m, unsigned *seen)
{
    char *value = strchr(text, '='), *end;
    int k = 0;

    if (value == NULL)
        return bad(r, "KEY=VALUE is expected, found '%.60s'", text);
    *value++ = '\0';
    while (k < N_KEYS && strcmp(keys[k].name, text) != 0)
        k++;
    if (k == N_KEYS)
        return bad(r, "unknown key '%.40s': mode, e, fx, mx, pairs, ns, fp, q, rp, wc, filters, chain, chains, split", text);
    if ((*seen & 1u << k) != 0)
        return bad(r, "%s is there twice", text);
    *seen |= 1u << k;
    if (keys[k].word != NULL) {
        for (int i = 0; i < keys[k].n_words; i++)
            if (strcmp(keys[k].word[i], value) == 0) {
                *(int *)((char *)m + keys[k].at) = i;
                return RS_OK;
            }
        return bad(r, "%s=%.40s: %s%s%s%s%s is expected", text, value, keys[k].word[0], keys[k].n_words > 2 ? ", " : " or ", keys[k].word[1],
                   keys[k].n_words > 2 ? " or " : "", keys[k].n_words > 2 ? keys[k].word[2] : "");
    }
    const long number = strtol(value, &end, 10);

    if (end == value || *end != '\0' || number < 1 || number > MOST_VALUE)
        return bad(r, "%s=%.40s: a number from 1 to %d is expected", text, value, MOST_VALUE);
    *(int *)((char *)m + keys[k].at) = (int)number;
    return RS_OK;
}

/* From a # that is not in a name. */
static void cut_comment(char *at)
{
    for (bool quoted = false; *at != '\0' && (quoted || *at != '#'); at++) {
        if (quoted && *at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            quoted = !quoted;
    }
    *at = '\0';
}

static rs_status one_line(const struct reader *r, char *at, struct rs_plan_pin *pin, bool *is_pin)
{
    unsigned seen = 0;
    rs_status s;
    char *what;

    *is_pin = false;
    cut_comment(at);
    what = word(&at);
    if (*what == '\0')
        return RS_OK;
    if (strcmp(what, "preset") == 0) {
        char *name = word(&at);

        if (*skip_space(at) != '\0' || *name == '\0')
            return bad(r, "preset NAME is expected");
        return strcmp(name, r->preset) == 0 ? RS_OK : rs_fail(r->err, RS_ERR_MISMATCH, "%s:%d: mappings for preset '%.40s', the device has '%s'",
                                                             r->path, r->line, name, r->preset);
    }
    if (strcmp(what, "layer") != 0)
        return bad(r, "'preset' or 'layer' is expected, found '%.60s'", what);
    s = layer(r, &at, &pin->node);
    while (s == RS_OK && *skip_space(at) != '\0')
        s = pair(r, word(&at), &pin->map, &seen);
    for (int k = 0; s == RS_OK && k < N_KEYS; k++)
        if ((seen & 1u << k) == 0 && !keys[k].optional)
            s = bad(r, "no %s: mode, e, fx, mx, pairs, ns, fp, q, rp, wc and filters are all needed", keys[k].name);
    *is_pin = s == RS_OK;
    return s;
}

rs_status rs_mapping_read(const char *path, const struct rs_graph *g, const struct rs_hw_config *config, struct rs_plan_pin **pins,
                          int *n_pins, struct rs_error *err)
{
    struct reader r = { .path = path, .g = g, .preset = config->preset, .err = err };
    struct rs_plan_pin *list = calloc((size_t)g->n_nodes + 1, sizeof *list);
    FILE *file = fopen(path, "r");
    char text[LINE_BYTES];
    rs_status s = RS_OK;

    *pins = NULL;
    *n_pins = 0;
    if (list == NULL)
        s = rs_fail(err, RS_ERR_NOMEM, "no memory for the mappings of %d layers", g->n_nodes);
    else if (file == NULL)
        s = rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    while (s == RS_OK && fgets(text, sizeof text, file) != NULL) {
        struct rs_plan_pin pin = { 0 };
        bool is_pin = false;

        r.line++;
        if (strlen(text) == sizeof text - 1 && text[sizeof text - 2] != '\n')
            s = bad(&r, "a line of %d characters or more", LINE_BYTES - 1);
        if (s == RS_OK)
            s = one_line(&r, text, &pin, &is_pin);
        for (int i = 0; is_pin && i < *n_pins; i++)
            if (list[i].node == pin.node) {
                s = bad(&r, "a second mapping for '%.60s'", g->tensors[g->nodes[pin.node].outputs[0]].name);
                is_pin = false;
            }
        if (is_pin)
            list[(*n_pins)++] = pin;
    }
    if (s == RS_OK && ferror(file))
        s = rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    if (s == RS_OK)
        *pins = list;
    else
        free(list);
    if (file != NULL)
        fclose(file);
    return s;
}
