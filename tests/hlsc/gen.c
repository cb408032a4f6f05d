/*
 * gen.c - writes random clocked-C modules, for holding hlsc's Verilog against the C.
 *
 *   gen SEED COUNT DIR     writes DIR/m0.c .., DIR/batch.c, a parent of all of them, and DIR/many.c, a parent of
 *                          one, two or seventeen of each, with headers
 *
 * No module leaves anything undefined in C (signed overflow aside: compile with -fwrapv): indices are masked,
 * shifts are in range, divisors are not 0, memories are read before they are written.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../test.h"

static FILE *f;
static int indent_level;

static int pick(int n) { return (int)rnd_range(0, n - 1); }
static bool chance(int percent) { return rnd_range(0, 99) < percent; }

/* A readable place: how to write it in C, and whether it may be stored to. */
struct place { char text[80]; bool store, wide, boolean, local; };
static struct place place[256];
static int nplace;

static void add_place(bool store, bool wide, bool boolean, const char *fmt, ...)
{
    va_list ap;

    if (nplace == 256)
        return;
    va_start(ap, fmt);
    vsnprintf(place[nplace].text, sizeof place[nplace].text, fmt, ap);
    va_end(ap);
    place[nplace].store = store;
    place[nplace].wide = wide;
    place[nplace].boolean = boolean;
    place[nplace].local = false;
    nplace++;
}

static const char *const types[] = { "bool", "int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t",
                                     "int64_t", "uint64_t", "int", "unsigned" };

/* ---- expressions: text into a buffer that grows to the right ---- */

static char buf[1 << 16];
static size_t at;

static void out(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    at += (size_t)vsnprintf(buf + at, sizeof buf - at, fmt, ap);
    va_end(ap);
}

static void constant(void)
{
    static const char *const odd[] = { "0", "1", "(-1)", "127", "(-128)", "255", "32767", "65535", "2147483647",
                                       "0x80000000u", "0xffffffffu", "(-2147483647 - 1)", "0x123456789abcull",
                                       "3u", "1ll", "K_TWO", "K_NINE", "sizeof(int)" };

    if (chance(50))
        out("%s", odd[pick((int)(sizeof odd / sizeof *odd))]);
    else
        out("(%d%s)", (int)rnd_range(-300, 300), chance(30) ? "u" : chance(10) ? "ll" : "");
}

static bool have_helpers;
static bool plain_context;       /* no calls here */

static void expr(int depth)
{
    static const char *const arith[] = { "+", "-", "*", "&", "|", "^" };
    static const char *const cmp[] = { "<", "<=", ">", ">=", "==", "!=" };

    if (depth <= 0 || chance(12)) {
        if (nplace != 0 && chance(80)) {
            const struct place *p = &place[pick(nplace)];

            out(p->wide ? "(%s)%s" : "%s%s", p->wide ? types[7 + pick(2)] : "", p->text);
        } else {
            constant();
        }
        return;
    }
    switch (pick(14)) {
    case 0: case 1: case 2: case 3:
        out("(");
        expr(depth - 1);
        out(" %s ", arith[pick(6)]);
        expr(depth - 1);
        out(")");
        break;
    case 4: case 5:
        out("(");
        expr(depth - 1);
        out(" %s ", cmp[pick(6)]);
        expr(depth - 1);
        out(")");
        break;
    case 6: {
        const int left = chance(50);

        out("((%s)", types[1 + pick(10)]);
        expr(depth - 1);
        if (chance(60)) {
            out(left ? " << %d)" : " >> %d)", pick(32));
        } else {
            out(left ? " << (" : " >> (");
            expr(depth - 1);
            out(" & %d))", chance(50) ? 7 : 31);
        }
        break;
    }
    case 7:
        out("(%s", chance(33) ? "-" : chance(50) ? "~" : "!");
        expr(depth - 1);
        out(")");
        break;
    case 8:
        out("(");
        expr(depth - 1);
        out(chance(50) ? " && " : " || ");
        expr(depth - 1);
        out(")");
        break;
    case 9: case 10:
        out("(");
        expr(depth - 1);
        out(" ? ");
        expr(depth - 1);
        out(" : ");
        expr(depth - 1);
        out(")");
        break;
    case 11:
        out("((%s)", types[pick(11)]);
        expr(depth - 1);
        out(")");
        break;
    case 12:
        out("(");
        expr(depth - 1);
        out(chance(50) ? " / " : " %% ");
        if (chance(70)) {
            out("%d%s", (int)rnd_range(1, 40), chance(40) ? "u" : "");
        } else {
            out("((uint32_t)");
            expr(depth - 1);
            out(" | 1u)");
        }
        out(")");
        break;
    default:
        if (have_helpers && !plain_context) {
            const int k = pick(4);

            out(k == 0 ? "clampish(" : k == 1 ? "mix(" : k == 2 ? "early(" : "tabular(");
            expr(depth - 2);
            out(", ");
            expr(depth - 2);
            out(")");
        } else {
            expr(depth - 1);
        }
        break;
    }
}

static const char *text_of(int depth)
{
    at = 0;
    buf[0] = 0;
    expr(depth);
    return buf;
}

static void line(const char *fmt, ...)
{
    va_list ap;

    fprintf(f, "%*s", 4 * indent_level, "");
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fputc('\n', f);
}

static const struct place *target(void)
{
    for (int i = 0; i < 1000; i++) {
        const struct place *p = &place[pick(nplace)];

        if (p->store)
            return p;
    }
    return NULL;
}

static int nlocal, loop_depth, nloop;

static void statement(int depth);

static void statements(int n, int depth)
{
    const int saved = nplace;

    indent_level++;
    for (int i = 0; i < n; i++)
        statement(depth);
    indent_level--;
    nplace = saved;
}

static void statement(int depth)
{
    static const char *const ops[] = { "+=", "-=", "*=", "&=", "|=", "^=", "=" };
    const struct place *p = target();

    switch (pick(depth > 0 ? 14 : 8)) {
    case 0: case 1: case 2: case 3:
        line("%s = %s;", p->text, text_of(3));
        break;
    case 4:
        if (p->wide || p->boolean)
            line("%s = %s;", p->text, text_of(2));
        else if (chance(20))
            line("%s %s= %d;", p->text, chance(50) ? "<<" : ">>", pick(8));
        else
            line("%s %s %s;", p->text, ops[pick(7)], text_of(2));
        break;
    case 5:
        if (p->wide || p->boolean)
            line("%s = !%s;", p->text, p->text);
        else if (chance(50))
            line("%s%s;", p->text, chance(50) ? "++" : "--");
        else
            line("%s%s;", chance(50) ? "++" : "--", p->text);
        break;
    case 6: {
        const char *t = types[pick(11)];
        const char *e = text_of(3);

        line("%s%s v%d = %s;", chance(40) ? "const " : "", t, nlocal, e);
        add_place(false, false, strcmp(t, "bool") == 0, "v%d", nlocal++);
        break;
    }
    case 7:
        switch (pick(6)) {
        case 0: line("r->s = in->s;"); break;
        case 1: line("r->q[%d] = r->s;", pick(4)); break;
        case 2: line("r->s = (struct sub){.x = %s, .z = in->u[1]};", text_of(2)); break;
        case 3: line("r->q[in->u[0] & 3] = (in->u[1] & 1) ? r->s : in->s;"); break;
        case 4: line("bump(&r->q[%d], %d);", pick(4), pick(100)); break;
        default: line("r->s = swapped(&r->q[in->u[2] & 3]);"); break;
        }
        break;
    case 8: case 9:
        line("if (%s) {", text_of(3));
        statements(1 + pick(3), depth - 1);
        if (chance(30)) {
            line("} else if (%s) {", text_of(2));
            statements(1 + pick(2), depth - 1);
        }
        if (chance(50)) {
            line("} else {");
            statements(1 + pick(3), depth - 1);
        }
        line("}");
        break;
    case 10:
        line("switch (%s) {", chance(50) ? "in->u[0] & 7" : "r->st");
        for (int i = 0; i < 4; i++) {
            line("case %d:", 2 * i);
            if (chance(30))
                line("case %d:", 2 * i + 1);
            line("{");
            statements(1 + pick(2), depth - 1);
            line("}");
            line("    break;");
        }
        if (chance(60)) {
            line("default: {");
            statements(1 + pick(2), depth - 1);
            line("    break;");
            line("}");
        }
        line("}");
        break;
    default: {
        const int v = nloop++;
        const int saved = nplace;

        line("for (%s i%d = 0; i%d < %d; i%d++) {", chance(50) ? "int" : "unsigned", v, v, 2 + pick(3), v);
        add_place(false, false, false, "i%d", v);
        add_place(true, false, false, "r->g[i%d]", v);
        add_place(true, false, false, "r->h[i%d & 1][i%d]", v, v);
        add_place(false, false, false, "in->u[i%d & 3]", v);
        if (chance(25)) {
            indent_level++;
            line("if (%s)", text_of(2));
            line("    %s;", chance(50) ? "continue" : "break");
            indent_level--;
        }
        statements(1 + pick(3), depth - 1);
        line("}");
        nplace = saved;
        break;
    }
    }
}

static void header(const char *dir, int n, int child)
{
    char path[512];

    snprintf(path, sizeof path, "%s/m%d.h", dir, n);
    f = fopen(path, "w");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    fprintf(f, "#ifndef M%d_H\n#define M%d_H\n#include <stdbool.h>\n#include <stdint.h>\n#include \"common.h\"\n", n, n);
    if (child >= 0)
        fprintf(f, "#include \"m%d.h\"\n", child);
    fprintf(f, "struct m%d_in {\n    bool rst;\n    uint8_t u[4];\n    struct sub s, v[2];\n", n);
    for (int i = 0; i < 4; i++)
        if (chance(50))
            fprintf(f, "    %s a%d;\n", types[pick(11)], i);
        else
            fprintf(f, "    %s a%d : %d;\n", chance(50) ? "int32_t" : "uint32_t", i, 1 + pick(32));
    fprintf(f, "};\nstruct m%d_out {\n    int64_t sum;\n    uint8_t g[4];\n    int16_t h[2][4];\n    struct sub q[4];\n", n);
    fprintf(f, "    uint32_t lut;\n    uint8_t bytes[4];\n    int32_t b[4];\n    uint64_t w;\n    uint8_t st;\n};\n");
    fprintf(f, "struct m%d {\n    int8_t lut[16];\n    uint8_t bram[32][4];\n    uint8_t bytes[4];\n    uint8_t g[4];\n", n);
    fprintf(f, "    int16_t h[2][4];\n    struct sub s, q[4];\n    uint64_t w : %d;\n    uint8_t st : 3;\n    int32_t lutv;\n", 33 + pick(31));
    for (int i = 0; i < 4; i++)
        if (chance(50))
            fprintf(f, "    %s b%d;\n", types[pick(11)], i);
        else
            fprintf(f, "    %s b%d : %d;\n", chance(50) ? "int32_t" : "uint32_t", i, 1 + pick(32));
    if (child >= 0)
        fprintf(f, "    struct m%d c[2];\n    struct m%d_out c_out[2];\n", child, child);
    fprintf(f, "};\nvoid m%d_clock(struct m%d *r, const struct m%d_in *in, struct m%d_out *out);\n#endif\n", n, n, n, n);
    fclose(f);
}

static void body(const char *dir, int n, int child)
{
    char path[512];
    static const char *const impl[] = { "lutram", "bram" }, *const parameter[] = { "r", "in", "out" };

    snprintf(path, sizeof path, "%s/m%d.c", dir, n);
    f = fopen(path, "w");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    fprintf(f, "#include <assert.h>\n#include \"m%d.h\"\n\n", n);
    fprintf(f, "static const int16_t table[8] = {%d, %d, -3, 70, %d};\n\n", (int)rnd_range(-999, 999),
            (int)rnd_range(0, 999), (int)rnd_range(0, 99));
    have_helpers = false;
    nplace = 0;
    add_place(false, false, false, "a");
    add_place(false, false, false, "b");
    fprintf(f, "static int clampish(int a, int b)\n{\n    return a < b ? %s", text_of(2));
    fprintf(f, " : (int)%s;\n}\n\n", text_of(1));
    fprintf(f, "static int64_t mix(int16_t a, uint32_t b)\n{\n    int64_t t = %s;\n\n", text_of(2));
    fprintf(f, "    if (a & 1)\n        t += %s;\n    return t;\n}\n\n", text_of(1));
    fprintf(f, "static uint8_t early(int8_t a, int b)\n{\n    if (%s)\n", text_of(2));
    fprintf(f, "        return %s;\n    for (int i = 0; i < 3; i++)\n        if (((a >> i) & 1) != 0)\n", text_of(1));
    fprintf(f, "            return (uint8_t)(i + b);\n    return %s;\n}\n\n", text_of(2));
    fprintf(f, "static int tabular(unsigned a, unsigned b)\n{\n    return table[a & 7] - table[(b >> 1) & 7];\n}\n\n");
    fprintf(f, "static void bump(struct sub *p, int by)\n{\n    p->x += by;\n    p->z = (int8_t)(p->y - 1);\n}\n\n");
    fprintf(f, "static struct sub swapped(const struct sub *p)\n{\n    struct sub t = *p;\n\n    t.x = p->z;\n    t.z = p->x;\n    return t;\n}\n\n");
    have_helpers = true;

    nplace = 0;
    add_place(false, false, true, "in->rst");
    for (int i = 0; i < 4; i++) {
        add_place(false, false, false, "in->a%d", i);
        add_place(false, false, false, "in->u[%d]", i);
        add_place(true, false, true, "r->b%d", i);           /* may be bool: no ++ */
        add_place(true, false, false, "r->g[%d]", i);
    }
    add_place(false, false, false, "in->u[in->u[0] & 3]");
    add_place(false, false, false, "in->s.x");
    add_place(false, false, false, "in->s.y");
    add_place(false, false, false, "in->v[in->u[3] & 1].y");
    add_place(true, true, false, "r->w");
    add_place(true, false, false, "r->st");
    add_place(true, false, false, "r->s.x");
    add_place(true, false, false, "r->s.y");
    add_place(true, false, false, "r->g[in->u[1] & 3]");
    add_place(true, false, false, "r->h[1][2]");
    add_place(true, false, false, "r->h[in->u[2] & 1][r->st & 3]");
    add_place(true, false, false, "r->q[r->st & 3].z");
    add_place(false, false, false, "lut0");
    const int with_children = nplace;

    if (child >= 0) {
        add_place(false, false, false, "r->c_out[0].st");
        add_place(false, true, false, "r->c_out[1].sum");
        add_place(false, false, false, "r->c_out[1].b[2]");
        add_place(false, false, false, "r->c_out[0].g[in->u[3] & 3]");
        add_place(false, false, false, "r->c_out[1].q[in->u[2] & 3].x");
    }
    fprintf(f, "void m%d_clock(struct m%d *r, const struct m%d_in *in, struct m%d_out *out)\n{\n", n, n, n, n);
    fprintf(f, "#pragma HLS PIPELINE II=1\n#pragma HLS BIND_STORAGE variable=r->lut type=ram_2p impl=lutram\n");
    fprintf(f, "#pragma HLS BIND_STORAGE variable=r->bram type=ram_2p impl=%s\n", impl[pick(2)]);
    if (chance(50))
        fprintf(f, "#pragma HLS ARRAY_PARTITION variable=r->h complete dim=0\n");
    for (int i = 0; i < 3; i++)
        if (chance(50))
            fprintf(f, "#pragma HLS AGGREGATE variable=%s compact=bit\n", parameter[i]);
    indent_level = 1;
    line("const int lut0 = r->lut[in->u[3] & 15];");
    line("const uint8_t row = in->u[2] & 31, addr = r->st;");
    nlocal = loop_depth = nloop = 0;
    line("for (int i = 0; i < 4; i++)");
    line("    r->bytes[i] = r->bram[row][i];");
    if (child >= 0) {
        line("struct m%d_in ci[2];", child);
        for (int i = 0; i < 2; i++) {
            line("ci[%d] = (struct m%d_in){.rst = in->rst, .s = r->s, .v = {r->q[%d], in->s}};", i, child, i);
            for (int k = 0; k < 4; k++)
                line("ci[%d].a%d = %s;", i, k, text_of(2));
            line("for (int i = 0; i < 4; i++)");
            line("    ci[%d].u[i] = r->g[i] + in->u[3 - i];", i);
            if (chance(50)) {
                line("if (%s)", text_of(2));
                line("    ci[%d].u[in->u[3] & 3] = %s;", i, text_of(2));
            }
        }
    }
    for (int i = 0; i < 4 + pick(5); i++)
        statement(2);
    line("r->lutv = lut0 + r->g[0];");
    line("if (in->u[0] & 1)");
    line("    r->lut[addr] = %s;", text_of(2));
    line("for (int i = 0; i < 4; i++)");
    line("    if ((in->u[1] >> i) & 1)");
    line("        r->bram[in->u[3] & 31][i] = (uint8_t)(in->u[i] + i);");
    line("if (in->rst) {");
    line("    r->w = 0;");
    line("    r->st = 0;");
    line("    r->s = (struct sub){0};");
    for (int i = 0; i < 4; i++) {
        line("    r->b%d = %d;", i, i);
        line("    r->q[%d] = (struct sub){.y = %d};", i, i);
    }
    line("    for (int i = 0; i < 4; i++)");
    line("        r->g[i] = 0;");
    line("    for (int i = 0; i < 8; i++)");
    line("        r->h[i / 4][i %% 4] = (int16_t)i;");
    line("}");
    line("assert(r->st < 8);");
    const int saved = nplace;

    nplace = with_children;
    if (child >= 0)
        for (int i = 0; i < 2; i++)
            line("m%d_clock(&r->c[%d], &ci[%d], &r->c_out[%d]);", child, i, i, i);
    line("out->sum = %s;", text_of(3));
    nplace = saved;
    line("for (int i = 0; i < 4; i++) {");
    line("    out->g[i] = r->g[i];");
    line("    out->bytes[i] = r->bytes[i];");
    line("    out->h[0][i] = r->h[0][i];");
    line("    out->h[1][i] = r->h[1][i];");
    line("    out->q[i] = r->q[i];");
    line("}");
    line("out->lut = r->lutv;");
    line("out->b[0] = r->b0;");
    line("out->b[1] = r->b1;");
    if (child >= 0) {
        line("out->b[2] = r->c_out[0].b[2];");
        line("out->b[3] = r->c_out[1].lut + r->b3;");
    } else {
        line("out->b[2] = r->b2;");
        line("out->b[3] = r->b3;");
    }
    line("out->w = r->w;");
    line("out->st = r->st;");
    fprintf(f, "}\n");
    fclose(f);
}

/* A module that has copies[i] of each module i, and does nothing but wire them. */
static void parent(const char *dir, const char *name, int count, const int *copies)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s.h", dir, name);
    f = fopen(path, "w");
    fprintf(f, "#ifndef PARENT_H\n#define PARENT_H\n");
    for (int i = 0; i < count; i++)
        fprintf(f, "#include \"m%d.h\"\n", i);
    fprintf(f, "struct %s_in {\n", name);
    for (int i = 0; i < count; i++)
        fprintf(f, "    struct m%d_in m%d[%d];\n", i, i, copies[i]);
    fprintf(f, "};\nstruct %s_out {\n", name);
    for (int i = 0; i < count; i++)
        fprintf(f, "    struct m%d_out m%d[%d];\n", i, i, copies[i]);
    fprintf(f, "};\nstruct %s {\n", name);
    for (int i = 0; i < count; i++)
        fprintf(f, "    struct m%d m%d[%d];\n    struct m%d_out m%d_out[%d];\n", i, i, copies[i], i, i, copies[i]);
    fprintf(f, "};\nvoid %s_clock(struct %s *r, const struct %s_in *in, struct %s_out *out);\n#endif\n", name, name, name, name);
    fclose(f);
    snprintf(path, sizeof path, "%s/%s.c", dir, name);
    f = fopen(path, "w");
    fprintf(f, "#include \"%s.h\"\n\nvoid %s_clock(struct %s *r, const struct %s_in *in, struct %s_out *out)\n{\n", name, name, name, name, name);
    for (int i = 0; i < count; i++)
        fprintf(f, "    for (int i = 0; i < %d; i++)\n        m%d_clock(&r->m%d[i], &in->m%d[i], &r->m%d_out[i]);\n", copies[i], i, i, i, i);
    for (int i = 0; i < count; i++)
        fprintf(f, "    for (int i = 0; i < %d; i++)\n        out->m%d[i] = r->m%d_out[i];\n", copies[i], i, i);
    fprintf(f, "}\n");
    fclose(f);
}

int main(int argc, char **argv)
{
    static const int few_or_many[] = { 1, 2, 17 };
    char path[512];
    int copies[64];

    if (argc != 4) {
        fputs("usage: gen SEED COUNT DIR\n", stderr);
        return 2;
    }
    test_rng = strtoull(argv[1], NULL, 0);
    const int count = atoi(argv[2]);
    const char *dir = argv[3];

    if (count < 1 || count > (int)(sizeof copies / sizeof *copies)) {
        fputs("gen: COUNT is 1 to 64\n", stderr);
        return 2;
    }
    snprintf(path, sizeof path, "%s/common.h", dir);
    f = fopen(path, "w");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    fprintf(f, "#ifndef COMMON_H\n#define COMMON_H\n#include <stdbool.h>\n#include <stdint.h>\nenum { K_TWO = 2, K_NINE = 9 };\n"
               "struct sub { uint8_t x; int32_t y : 5; int8_t z; };\n#endif\n");
    fclose(f);
    for (int i = 0; i < count; i++) {
        const int child = i >= 3 && i % 3 == 0 ? i - 1 - pick(2) : -1;

        header(dir, i, child);
        body(dir, i, child);
    }
    for (int i = 0; i < count; i++)
        copies[i] = 1;
    parent(dir, "batch", count, copies);
    for (int i = 0; i < count; i++)
        copies[i] = few_or_many[pick(3)];
    parent(dir, "many", count, copies);
    return 0;
}
