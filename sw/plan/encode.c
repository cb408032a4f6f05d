/* encode.c - fields of a command, with their ranges; places and widths come from isa.h only. */
#include "plan.h"

static const struct field {
    const char *name;
    uint8_t word, lsb, width, sign;
} field_table[RS_N_FIELDS] = {
#define FIELD_ROW(name, word, lsb, width, sign) { #name, word, lsb, width, sign },
    RS_FIELDS_COMMON(FIELD_ROW)
    RS_FIELDS_MOVE(FIELD_ROW)
    RS_FIELDS_COMPUTE(FIELD_ROW)
    RS_FIELDS_POOL(FIELD_ROW)
#undef FIELD_ROW
};

rs_status rs_encode(uint32_t command[RS_COMMAND_WORDS], enum rs_field field, int64_t value, struct rs_error *err)
{
    const struct field *f = &field_table[field];
    const int64_t lo = f->sign ? -(INT64_C(1) << (f->width - 1)) : 0;
    const int64_t hi = (INT64_C(1) << (f->width - f->sign)) - 1;
    const uint32_t mask = (0xFFFFFFFFu >> (32 - f->width)) << f->lsb;

    if (value < lo || value > hi)
        return rs_fail(err, RS_ERR_RANGE, "%s = %lld does not fit %d %ssigned bits", f->name, (long long)value,
                       f->width, f->sign ? "" : "un");
    command[f->word] = (command[f->word] & ~mask) | ((uint32_t)value << f->lsb & mask);
    return RS_OK;
}
