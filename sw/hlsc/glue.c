/*
 * glue.c - a C++ header that copies C port structs into and out of a Verilated model.
 *
 * For each module M of the files:
 *   template <class V> void M_set_in(V &model, const struct M_in &s);
 *   template <class V> void M_get_out(const V &model, struct M_out &s);
 *   template <class F> void M_random_in(struct M_in &s, F rnd);          rnd() gives 64 random bits
 *   struct M_ports: the ports as plain words, usable as a model; M_each_port(ports, f) calls
 *   f(name, width, is_output, words) for each
 *   const char *M_out_differ(const struct M_out &a, const struct M_out &b);   a field, or nullptr
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hlsc.h"

static const char prologue[] =
    "#include <cstddef>\n"
    "#include <cstdint>\n"
    "\n"
    "namespace hlsc_glue {\n"
    "/* Ports up to 64 bits are integers; wider ones are arrays of 32-bit words. */\n"
    "template <class T> struct bits {\n"
    "    static void put(T &p, unsigned lsb, unsigned w, uint64_t v)\n"
    "    {\n"
    "        const uint64_t m = w == 64 ? ~uint64_t{0} : (uint64_t{1} << w) - 1;\n"
    "        p = (T)((p & ~(m << lsb)) | ((v & m) << lsb));\n"
    "    }\n"
    "    static uint64_t get(const T &p, unsigned lsb, unsigned w)\n"
    "    {\n"
    "        const uint64_t m = w == 64 ? ~uint64_t{0} : (uint64_t{1} << w) - 1;\n"
    "        return ((uint64_t)p >> lsb) & m;\n"
    "    }\n"
    "};\n"
    "template <class T> struct words {\n"
    "    static void put(T &p, unsigned lsb, unsigned w, uint64_t v)\n"
    "    {\n"
    "        for (unsigned i = 0; i < w;) {          /* up to the next word boundary */\n"
    "            const unsigned at = (lsb + i) % 32, n = w - i < 32 - at ? w - i : 32 - at;\n"
    "            const uint64_t m = (uint64_t{1} << n) - 1;\n"
    "            p[(lsb + i) / 32] = (uint32_t)((p[(lsb + i) / 32] & ~(m << at)) | (((v >> i) & m) << at));\n"
    "            i += n;\n"
    "        }\n"
    "    }\n"
    "    static uint64_t get(const T &p, unsigned lsb, unsigned w)\n"
    "    {\n"
    "        uint64_t v = 0;\n"
    "        for (unsigned i = 0; i < w;) {\n"
    "            const unsigned at = (lsb + i) % 32, n = w - i < 32 - at ? w - i : 32 - at;\n"
    "            const uint64_t m = (uint64_t{1} << n) - 1;\n"
    "            v |= (((uint64_t)p[(lsb + i) / 32] >> at) & m) << i;\n"
    "            i += n;\n"
    "        }\n"
    "        return v;\n"
    "    }\n"
    "};\n"
    "/* Ports without a model, for traces. */\n"
    "template <std::size_t N> struct plain {\n"
    "    uint32_t w[N];\n"
    "    uint32_t &operator[](std::size_t i) { return w[i]; }\n"
    "    const uint32_t &operator[](std::size_t i) const { return w[i]; }\n"
    "};\n"
    "template <std::size_t N> struct bits<plain<N>> : words<plain<N>> {};\n"
    "#ifdef VERILATOR_VERILATED_H_\n"
    "template <std::size_t N> struct bits<VlWide<N>> : words<VlWide<N>> {};\n"
    "#endif\n"
    "template <class T> inline void put(T &p, unsigned lsb, unsigned w, uint64_t v) { bits<T>::put(p, lsb, w, v); }\n"
    "template <class T> inline uint64_t get(const T &p, unsigned lsb, unsigned w) { return bits<T>::get(p, lsb, w); }\n"
    "template <class T> inline int64_t get_signed(const T &p, unsigned lsb, unsigned w)\n"
    "{\n"
    "    return (int64_t)(get(p, lsb, w) << (64 - w)) >> (64 - w);\n"
    "}\n"
    "}\n";

enum what { IN, OUT, RANDOM, DIFFER };

struct glue { FILE *f; struct map port; };         /* port: name of a leaf -> struct port */

static void copy(const struct glue *g, const struct type *t, int bits, const char *path, const char *port, const char *elem, int depth, enum what what)
{
    FILE *f = g->f;

    if (t->k == T_ARRAY) {
        fprintf(f, "%*sfor (unsigned i%d = 0; i%d < %d; i%d++) {\n", 4 * depth, "", depth, depth, t->n, depth);
        copy(g, t->elem, 0, fmt("%s[i%d]", path, depth), port,
             *elem ? fmt("(%s) * %d + i%d", elem, t->n, depth) : fmt("i%d", depth), depth + 1, what);
        fprintf(f, "%*s}\n", 4 * depth, "");
    } else if (t->k == T_STRUCT) {
        for (int i = 0; i < t->rec->n; i++) {
            const struct field *x = &t->rec->f[i];

            copy(g, x->t, x->bits, x->name ? fmt("%s.%s", path, x->name) : path,
                 x->name == NULL ? port : *port ? fmt("%s_%s", port, x->name) : x->name, elem, depth, what);
        }
    } else {
        const int w = bits ? bits : t->width;
        const struct port *p = map_get(&g->port, port);
        const bool part = p != NULL && p->bundle != NULL;
        const char *lsb = *elem ? fmt("(%s) * %d + %d", elem, part ? p->bundle->w : w, part ? p->lsb : 0) : fmt("%d", part ? p->lsb : 0);

        if (part)
            port = p->bundle->port;

        if (what == DIFFER)
            fprintf(f, "%*sif (a%s != b%s)\n%*sreturn \"%s\";\n", 4 * depth, "", path, path, 4 * depth + 4, "", path + 1);
        else if (what == RANDOM)
            fprintf(f, "%*s%s = (decltype(%s + 0))(rnd() >> %d);\n", 4 * depth, "", path, path, 64 - w);
        else if (what == OUT && t->is_enum)
            fprintf(f, "%*s%s = (decltype(%s))hlsc_glue::get(m.%s, %s, %d);\n", 4 * depth, "", path, path, port, lsb, w);
        else if (what == OUT)
            fprintf(f, "%*s%s = hlsc_glue::%s(m.%s, %s, %d);\n", 4 * depth, "", path, t->sgn ? "get_signed" : "get", port, lsb, w);
        else
            fprintf(f, "%*shlsc_glue::put(m.%s, %s, %d, (uint64_t)%s);\n", 4 * depth, "", port, lsb, w, path);
    }
}

void emit_glue(const char *path, struct unit **u, int nu, char *const *args, int nargs)
{
    FILE *f = fopen(path, "w");
    struct map seen = { 0 };

    if (f == NULL) {
        fprintf(stderr, "hlsc: cannot write %s\n", path);
        diag_free();
        exit(1);
    }
    fprintf(f, "// Made by hlsc; do not edit.  C port structs <-> ports of Verilated models.\n"
               "// Include after the models' own headers, with the C headers' folders on the include path.\n"
               "#pragma once\n%s\nextern \"C\" {\n#ifndef _Static_assert\n#define _Static_assert static_assert\n#endif\n", prologue);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < nu; i++)
            for (int j = 0; j < u[i]->nfunc; j++) {
                struct record *s, *in, *out;
                const struct node *fn = u[i]->func[j];

                if (!fn->in_main || !is_module(u[i], fn->name, &s, &in, &out))
                    continue;
                if (pass == 0) {
                    const char *h = in->at.file;

                    for (int k = 0; k < nargs; k++) {       /* as the include path sees it */
                        const char *dir = strncmp(args[k], "-I", 2) != 0 ? "" : args[k][2] != 0 ? args[k] + 2 : args[k + 1];
                        const size_t n = strlen(dir);

                        if (n != 0 && strncmp(in->at.file, dir, n) == 0 && in->at.file[n] == '/' &&
                            strlen(in->at.file + n + 1) < strlen(h))
                            h = in->at.file + n + 1;
                    }
                    if (map_get(&seen, h) == NULL)
                        fprintf(f, "#include \"%s\"\n", h);
                    map_set(&seen, h, f);
                    continue;
                }
                struct glue g = { .f = f };
                struct port *p = NULL;
                int np = 0, cap = 0;

                flat_ports(in, false, aggregates(u[i], fn, 1), &p, &np, &cap);
                flat_ports(out, true, aggregates(u[i], fn, 2), &p, &np, &cap);
                for (int k = 0; k < np; k++)
                    map_set(&g.port, p[k].name, &p[k]);
                const struct type ti = { .k = T_STRUCT, .rec = in }, to = { .k = T_STRUCT, .rec = out };

                fprintf(f, "\ntemplate <class V> inline void %s_set_in(V &m, const struct %s_in &s)\n{\n", s->tag, s->tag);
                copy(&g, &ti, 0, "s", "", "", 1, IN);
                fprintf(f, "    (void)m;\n    (void)s;\n}\n");
                fprintf(f, "\ntemplate <class V> inline void %s_get_out(const V &m, struct %s_out &s)\n{\n", s->tag, s->tag);
                copy(&g, &to, 0, "s", "", "", 1, OUT);
                fprintf(f, "    (void)m;\n    (void)s;\n}\n");
                fprintf(f, "\ntemplate <class F> inline void %s_random_in(struct %s_in &s, F rnd)\n{\n", s->tag, s->tag);
                copy(&g, &ti, 0, "s", "", "", 1, RANDOM);
                fprintf(f, "}\n");
                fprintf(f, "\ninline const char *%s_out_differ(const struct %s_out &a, const struct %s_out &b)\n{\n", s->tag, s->tag, s->tag);
                copy(&g, &to, 0, "", "", "", 1, DIFFER);
                fprintf(f, "    return nullptr;\n}\n");

                fprintf(f, "\ntemplate <class V> inline void %s_set_out(V &m, const struct %s_out &s)\n{\n", s->tag, s->tag);
                copy(&g, &to, 0, "s", "", "", 1, IN);
                fprintf(f, "    (void)m;\n    (void)s;\n}\n");
                fprintf(f, "\nstruct %s_ports {\n", s->tag);
                for (int k = 0; k < np; k++)
                    if (first_of_port(&p[k]))
                        fprintf(f, "    hlsc_glue::plain<%d> %s;\n", (port_bits(&p[k]) + 31) / 32, port_name(&p[k]));
                fprintf(f, "};\ntemplate <class F> inline void %s_each_port(%s_ports &p, F f)\n{\n", s->tag, s->tag);
                for (int k = 0; k < np; k++)
                    if (first_of_port(&p[k]))
                        fprintf(f, "    f(\"%s\", %d, %s, p.%s.w);\n", port_name(&p[k]), port_bits(&p[k]),
                                p[k].is_out ? "true" : "false", port_name(&p[k]));
                fprintf(f, "}\n");
            }
        if (pass == 0)
            fprintf(f, "#undef _Static_assert\n}\n");
    }
    fclose(f);
}
