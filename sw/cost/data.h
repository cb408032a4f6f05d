/*
 * data.h - constants with their sources, in text files that a user can read and extend.
 *
 *   # comment
 *   [device t4]                                              a section: kind and name
 *   title = NVIDIA T4                                        text
 *   peak_int8 = 130 TOPS | published | 2018 | data sheet     value, unit, confidence, date, source
 *   idle = 10 (8..14) W  | recall    | 2026 | ...            with a band
 *
 * Confidence: measured (by this project, here), published (read in the named source), derived (computed from published
 * values), assumed (a choice of ours), recall (from memory, nobody could verify it: printed in brackets, decides no
 * headline).  The files of sw/cost/data/ are inside the program; a user's file adds sections and replaces keys.
 */
#ifndef RS_COST_DATA_H
#define RS_COST_DATA_H
#include <stdbool.h>
#include <stddef.h>
#include "rowstation.h"

enum rs_confidence { RS_MEASURED = 0, RS_PUBLISHED, RS_DERIVED, RS_ASSUMED, RS_RECALL };
const char *rs_confidence_name(enum rs_confidence c);

struct rs_constant {
    double value, low, high;           /* low = high = value where no band is given */
    enum rs_confidence confidence;
    char unit[16], date[16], source[200];
};

struct rs_entry {
    char *key, *text;                  /* text: everything after the equals sign    */
    bool  is_constant;
    struct rs_constant c;
};
struct rs_section {
    char *kind, *name;
    int n;
    struct rs_entry *entry;
};
struct rs_data {
    int n;
    struct rs_section *section;        /* in the order of first appearance          */
};

/* The tables that come with the program.  Owned by the caller: rs_data_free(). */
RS_MUST_CHECK rs_status rs_data_builtin(struct rs_data *data, struct rs_error *err);
/* Adds @path to @data.  RS_ERR_IO; RS_ERR_FORMAT with the line; on an error @data may hold part of the file. */
RS_MUST_CHECK rs_status rs_data_add(struct rs_data *data, const char *path, struct rs_error *err);
/* The same from text; @where names it in messages. */
RS_MUST_CHECK rs_status rs_data_parse(struct rs_data *data, const char *text, const char *where, struct rs_error *err);
void rs_data_free(struct rs_data *data);

/* NULL: there is none. */
const struct rs_section *rs_data_find(const struct rs_data *data, const char *kind, const char *name);
const struct rs_entry *rs_section_entry(const struct rs_section *s, const char *key);
/* RS_ERR_FORMAT, naming section and key: missing, not a constant, or of another unit ("" takes any). */
RS_MUST_CHECK rs_status rs_section_constant(const struct rs_section *s, const char *key, const char *unit,
                                            struct rs_constant *out, struct rs_error *err);
/* NULL: absent. */
const char *rs_section_text(const struct rs_section *s, const char *key);

/* "130 TOPS", "[10 W]" when it is from memory; @text of @size bytes; returns @text. */
const char *rs_constant_text(const struct rs_constant *c, char *text, size_t size);
#endif
