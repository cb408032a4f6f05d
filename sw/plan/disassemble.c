/* disassemble.c - commands as text, from the same X-macros as the encoder. */
#include <inttypes.h>
#include <stdarg.h>
#include "plan.h"

struct writer { char *text; size_t size, used; };

__attribute__((format(printf, 2, 3)))
static void put(struct writer *w, const char *format, ...)
{
    va_list args;
    int n;

    if (w->used + 1 >= w->size)
        return;
    va_start(args, format);
    n = vsnprintf(w->text + w->used, w->size - w->used, format, args);
    va_end(args);
    if (n > 0)
        w->used = w->used + (size_t)n < w->size ? w->used + (size_t)n : w->size - 1;
}

const char *rs_disassemble(const uint32_t c[RS_COMMAND_WORDS], char *text, size_t size)
{
    static const char *const names[] = { "END", "LOAD", "COMPUTE", "POOL", "STORE", "SNAPSHOT" };
    struct writer w = { text, size, 0 };
    const uint32_t op = RS_GET_U(c, OP);

    if (size != 0)
        text[0] = '\0';
    put(&w, op < 6 ? "%-8s" : "opcode %s", op < 6 ? names[op] : "?");
    put(&w, " layer %" PRIu32 " wait %" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32, RS_GET_U(c, LAYER),
        RS_GET_U(c, WAIT_LOAD), RS_GET_U(c, WAIT_COMPUTE), RS_GET_U(c, WAIT_POOL), RS_GET_U(c, WAIT_STORE));

#define PUT_FIELD(name, word, lsb, width, sign)                                        \
    if (sign)                                                                          \
        put(&w, " " #name "=%" PRId32, RS_GET_S(c, name));                             \
    else                                                                               \
        put(&w, " " #name "=%" PRIu32, RS_GET_U(c, name));

    if (op == RS_OP_LOAD || op == RS_OP_STORE || op == RS_OP_SNAPSHOT) {
        RS_FIELDS_MOVE(PUT_FIELD)
    } else if (op == RS_OP_COMPUTE) {
        RS_FIELDS_COMPUTE(PUT_FIELD)
    } else if (op == RS_OP_POOL) {
        RS_FIELDS_POOL(PUT_FIELD)
    }
#undef PUT_FIELD
    return text;
}

void rs_disassemble_stream(const uint32_t *commands, int n, FILE *to)
{
    char text[1600];

    for (int i = 0; i < n; i++, commands += RS_COMMAND_WORDS) {
        fprintf(to, "%5d %s\n", i, rs_disassemble(commands, text, sizeof text));
        if (RS_GET_U(commands, OP) == RS_OP_END)
            break;
    }
}
