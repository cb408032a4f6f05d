/*
 * read.c - runs clang, reads its JSON syntax tree, keeps what a hardware module can contain.
 *
 * Types, implicit conversions and constants are clang's.  Locations: clang leaves out a file or a
 * line that equals the one printed before it, so every node is visited in order, kept or not.
 * Refuses nothing but what clang refuses; unknown nodes become N_OTHER and check.c names them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <json-c/json.h>
#include "hlsc.h"

struct reader {
    struct unit *u;
    const char *file;                   /* last location printed */
    int line;
    struct map decl, typedefs, fields;  /* declaration id -> node, name -> type, id -> field */
    struct record *last_record;
};

static const char *str(json_object *o, const char *key)
{
    json_object *v;

    return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : NULL;
}

static bool flag(json_object *o, const char *key)
{
    json_object *v;

    return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

/* One location object; macro locations have two, and the place of use is what a reader wants. */
static struct loc location(struct reader *r, json_object *o)
{
    json_object *v;
    struct loc at = { r->file, r->line, 0 };

    if (json_object_object_get_ex(o, "spellingLoc", &v))
        at = location(r, v);
    if (json_object_object_get_ex(o, "expansionLoc", &v))
        return location(r, v);
    if (json_object_object_get_ex(o, "file", &v))
        r->file = intern(json_object_get_string(v));
    if (json_object_object_get_ex(o, "line", &v))
        r->line = json_object_get_int(v);
    if (json_object_object_get_ex(o, "col", &v))
        at = (struct loc){ r->file, r->line, json_object_get_int(v) };
    return at;
}

static struct type *int_type(int width, bool sgn)
{
    struct type *t = arena(sizeof *t);

    *t = (struct type){ .k = T_INT, .width = width, .sgn = sgn };
    return t;
}

static const struct { const char *name; int width; bool sgn, is_bool; } builtin[] = {
    { "_Bool", 1, false, true }, { "bool", 1, false, true }, { "char", 8, true, false },
    { "signed char", 8, true, false }, { "unsigned char", 8, false, false },
    { "short", 16, true, false }, { "unsigned short", 16, false, false },
    { "int", 32, true, false }, { "unsigned int", 32, false, false },
    { "long", 64, true, false }, { "unsigned long", 64, false, false },
    { "long long", 64, true, false }, { "unsigned long long", 64, false, false },
};

static struct record *record_of(struct reader *r, const char *tag)
{
    struct record *rec = map_get(&r->u->tag, tag);

    if (rec == NULL) {
        rec = arena(sizeof *rec);
        rec->tag = intern(tag);
        map_set(&r->u->tag, tag, rec);
    }
    return rec;
}

/* Base type names: no '*', no '[]', no qualifiers. */
static struct type *base_type(struct reader *r, const char *s)
{
    struct type *t;

    for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++)
        if (strcmp(s, builtin[i].name) == 0) {
            t = int_type(builtin[i].width, builtin[i].sgn);
            t->is_bool = builtin[i].is_bool;
            return t;
        }
    t = arena(sizeof *t);
    const char *unnamed = strstr(s, "(unnamed");

    if (unnamed == NULL)
        unnamed = strstr(s, "(anonymous");
    if (strncmp(s, "enum ", 5) == 0) {
        t = int_type(32, false);
        t->is_enum = true;
    } else if (unnamed != NULL && strncmp(s, "enum", 4) == 0) {
        t = int_type(32, false);
        t->is_enum = true;
    } else if (unnamed != NULL) {
        const char *at = strstr(unnamed, " at ");

        t->k = T_STRUCT;
        t->rec = record_of(r, at ? fmt("%.*s", (int)strcspn(at + 4, ")"), at + 4) : s);
    } else if (strncmp(s, "struct ", 7) == 0 || strncmp(s, "union ", 6) == 0) {
        t->k = T_STRUCT;
        t->rec = record_of(r, strchr(s, ' ') + 1);
    } else if (strcmp(s, "void") == 0) {
        t->k = T_VOID;
    } else if (strcmp(s, "float") == 0 || strcmp(s, "double") == 0 || strcmp(s, "long double") == 0) {
        t->k = T_FLOAT;
    } else {
        struct type *named = map_get(&r->typedefs, s);

        if (named != NULL)
            *t = *named;
        else
            t->k = T_OTHER;
    }
    return t;
}

static struct type *derived(enum tkind k, struct type *elem, int n)
{
    struct type *t = arena(sizeof *t);

    *t = (struct type){ .k = k, .elem = elem, .n = n };
    return t;
}

static void trim(char *s)
{
    size_t n = strlen(s);

    while (n != 0 && s[n - 1] == ' ')
        s[--n] = 0;
}

/* "[2][3]" -> array of 2 arrays of 3. */
static struct type *array_of(struct type *elem, const char *dims)
{
    const char *close = strchr(dims, ']');

    if (*dims != '[' || close == NULL)
        return elem;
    struct type *inner = array_of(elem, close + 1);
    const char *num = dims + 1;

    while (*num == ' ' || isalpha((unsigned char)*num))    /* "const", "static", "restrict" */
        num++;
    return derived(T_ARRAY, inner, isdigit((unsigned char)*num) ? atoi(num) : -1);
}

/* Reads a type as clang prints it: base, '*'s, "(*)" of a pointer to array, dimensions. */
static struct type *parse_type(struct reader *r, const char *text)
{
    char *s = fmt("%s", text), *p;
    bool cnst = false;

    for (;;) {
        if (strncmp(s, "const ", 6) == 0) {
            s += 6;
            cnst = true;
        } else if (strncmp(s, "volatile ", 9) == 0) {
            s += 9;
        } else {
            break;
        }
    }
    struct type *t;
    char *paren = strchr(s, '(');

    if (paren != NULL && strncmp(paren, "(unnamed", 8) == 0)
        paren = strchr(strchr(paren, ')') ? strchr(paren, ')') : paren + 1, '(');
    if (paren != NULL && strncmp(paren, "(anonymous", 10) == 0)
        paren = NULL;
    if (paren != NULL && strncmp(paren, "(*", 2) == 0 && strchr(paren, '[') != NULL &&
        strchr(paren + 2, '(') == NULL) {
        char *dims = strchr(paren, '[');

        *paren = 0;
        trim(s);
        t = parse_type(r, s);
        t->cnst |= cnst;
        t = derived(T_PTR, array_of(t, dims), 0);
        t->text = text;
        return t;
    }
    if (paren != NULL) {
        t = derived(T_OTHER, NULL, 0);
        t->text = intern(text);
        return t;
    }
    char *end = s;                                          /* first '*' or '[' after the base */
    int depth = 0;

    for (; *end != 0; end++) {
        depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
        if (depth == 0 && (*end == '*' || *end == '['))
            break;
    }
    char *base = fmt("%.*s", (int)(end - s), s);

    trim(base);
    t = base_type(r, base);
    t->cnst |= cnst;
    for (p = end; *p == '*' || *p == ' ' || isalpha((unsigned char)*p); p++)
        if (*p == '*')
            t = derived(T_PTR, t, 0);
    t = array_of(t, p);
    t->text = intern(text);
    return t;
}

static struct type *type_of(struct reader *r, json_object *o)
{
    json_object *v;

    if (!json_object_object_get_ex(o, "type", &v))
        return NULL;
    const char *sugar = str(v, "qualType"), *plain = str(v, "desugaredQualType");
    struct type *t = parse_type(r, plain ? plain : sugar);

    t->text = intern(sugar);
    return t;
}

static const struct { const char *name; enum nkind k; } kinds[] = {
    { "CompoundStmt", N_COMPOUND }, { "DeclStmt", N_DECLSTMT }, { "IfStmt", N_IF }, { "ForStmt", N_FOR },
    { "WhileStmt", N_WHILE }, { "DoStmt", N_DO }, { "SwitchStmt", N_SWITCH }, { "CaseStmt", N_CASE },
    { "DefaultStmt", N_DEFAULT }, { "BreakStmt", N_BREAK }, { "ContinueStmt", N_CONTINUE },
    { "ReturnStmt", N_RETURN }, { "NullStmt", N_NULL }, { "GotoStmt", N_GOTO },
    { "IndirectGotoStmt", N_GOTO }, { "LabelStmt", N_LABEL }, { "VarDecl", N_VAR },
    { "ParmVarDecl", N_PARAM }, { "FunctionDecl", N_FUNC }, { "IntegerLiteral", N_INT },
    { "CharacterLiteral", N_INT }, { "ParenExpr", N_PAREN }, { "ImplicitCastExpr", N_CAST },
    { "CStyleCastExpr", N_CAST }, { "DeclRefExpr", N_REF }, { "MemberExpr", N_MEMBER },
    { "ArraySubscriptExpr", N_INDEX }, { "UnaryOperator", N_UNARY }, { "BinaryOperator", N_BINARY },
    { "CompoundAssignOperator", N_COMPASSIGN }, { "ConditionalOperator", N_COND },
    { "CallExpr", N_CALL }, { "UnaryExprOrTypeTraitExpr", N_SIZEOF }, { "InitListExpr", N_INITLIST },
    { "CompoundLiteralExpr", N_COMPLIT }, { "ImplicitValueInitExpr", N_ZERO },
    { "EnumConstantDecl", N_ENUMCONST }, { "StmtExpr", N_STMTEXPR }, { "FloatingLiteral", N_FLOAT },
    { "StringLiteral", N_STRING }, { "ConstantExpr", N_CONSTEXPR }, { "StaticAssertDecl", N_STATICASSERT },
};

static void skip(struct reader *r, json_object *o)
{
    json_object_object_foreach(o, key, v) {
        json_object *e;

        if (strcmp(key, "loc") == 0) {
            location(r, v);
        } else if (strcmp(key, "range") == 0) {
            if (json_object_object_get_ex(v, "begin", &e))
                location(r, e);
            if (json_object_object_get_ex(v, "end", &e))
                location(r, e);
        } else if (strcmp(key, "inner") == 0 || strcmp(key, "array_filler") == 0) {
            for (size_t i = 0; i < json_object_array_length(v); i++)
                skip(r, json_object_array_get_idx(v, i));
        }
    }
}

static void read_record(struct reader *r, json_object *o);
static void read_enum(struct reader *r, json_object *o);

/* A node and everything below it. */
static struct node *convert(struct reader *r, json_object *o)
{
    const char *kind = str(o, "kind");
    json_object *v, *e;

    if (kind == NULL)
        return NULL;                                        /* an absent part: {} */
    struct node *n = arena(sizeof *n);

    n->kind = intern(kind);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].name) == 0)
            n->k = kinds[i].k;
    if (str(o, "id") != NULL && (n->k == N_VAR || n->k == N_PARAM || n->k == N_FUNC || n->k == N_ENUMCONST))
        map_set(&r->decl, str(o, "id"), n);
    n->t = type_of(r, o);
    if (str(o, "name") != NULL)
        n->name = intern(str(o, "name"));
    if (str(o, "opcode") != NULL)
        n->op = intern(str(o, "opcode"));
    if (str(o, "castKind") != NULL)
        n->op = intern(str(o, "castKind"));
    if (json_object_object_get_ex(o, "value", &v)) {
        const char *s = json_object_get_string(v);

        n->val = s[0] == '-' ? strtoll(s, NULL, 10) : (int64_t)strtoull(s, NULL, 10);
    }
    n->arrow = flag(o, "isArrow");
    n->postfix = flag(o, "isPostfix");
    n->has_else = flag(o, "hasElse");
    if (str(o, "storageClass") != NULL) {
        n->is_static = strcmp(str(o, "storageClass"), "static") == 0;
        n->is_extern = strcmp(str(o, "storageClass"), "extern") == 0;
    }
    if (json_object_object_get_ex(o, "referencedDecl", &v)) {
        n->ref = map_get(&r->decl, str(v, "id"));
        n->name = str(v, "name") ? intern(str(v, "name")) : NULL;
    }
    if (str(o, "referencedMemberDecl") != NULL)
        n->field = map_get(&r->fields, str(o, "referencedMemberDecl"));
    if (json_object_object_get_ex(o, "argType", &v))
        n->aux = parse_type(r, str(v, "desugaredQualType") ? str(v, "desugaredQualType")
                                                           : str(v, "qualType"));
    if (json_object_object_get_ex(o, "computeResultType", &v))
        n->aux = parse_type(r, str(v, "desugaredQualType") ? str(v, "desugaredQualType")
                                                           : str(v, "qualType"));
    if (n->k == N_FUNC && n->t != NULL) {
        const char *s = n->t->text, *p = strchr(s, '(');

        n->ret = parse_type(r, fmt("%.*s", (int)(p ? p - s : (long)strlen(s)), s));
        if (n->ret->k == T_OTHER || p == NULL) {
            char *t = fmt("%.*s", (int)(p ? p - s : (long)strlen(s)), s);

            trim(t);
            n->ret = parse_type(r, t);
        }
    }
    json_object_object_foreach(o, key, child) {
        if (strcmp(key, "loc") == 0) {
            n->at = location(r, child);
        } else if (strcmp(key, "range") == 0) {
            struct loc begin = { r->file, r->line, 0 };

            if (json_object_object_get_ex(child, "begin", &e))
                begin = location(r, e);
            if (json_object_object_get_ex(child, "end", &e))
                n->end = location(r, e);
            if (n->at.col == 0)
                n->at = begin;
        } else if (strcmp(key, "inner") == 0 || strcmp(key, "array_filler") == 0) {
            const bool fill = key[0] == 'a';

            for (size_t i = 0; i < json_object_array_length(child); i++) {
                json_object *c = json_object_array_get_idx(child, i);
                const char *ck = str(c, "kind");

                if (ck != NULL && strcmp(ck, "RecordDecl") == 0) {
                    read_record(r, c);
                } else if (ck != NULL && strcmp(ck, "EnumDecl") == 0) {
                    read_enum(r, c);
                } else if (ck != NULL && (strstr(ck, "Comment") != NULL ||
                                          (strlen(ck) > 4 && strcmp(ck + strlen(ck) - 4, "Attr") == 0))) {
                    skip(r, c);
                } else {
                    struct node *sub = convert(r, c);

                    if (!(fill && i == 0))                  /* the filler itself: zero */
                        PUSH(n->ch, n->n, n->cap, sub);
                }
            }
        }
    }
    if (n->k == N_FUNC && n->n != 0 && n->ch[n->n - 1]->k == N_COMPOUND)
        n->body = n->ch[--n->n];
    n->in_main = n->at.file != NULL && strcmp(n->at.file, r->u->file) == 0;
    return n;
}

static void read_record(struct reader *r, json_object *o)
{
    json_object *v, *e;
    const char *tag = str(o, "name");
    struct loc at = { NULL, 0, 0 };

    json_object_object_foreach(o, key, child) {
        if (strcmp(key, "loc") == 0) {
            at = location(r, child);
        } else if (strcmp(key, "range") == 0) {
            if (json_object_object_get_ex(child, "begin", &e))
                location(r, e);
            if (json_object_object_get_ex(child, "end", &e))
                location(r, e);
        } else if (strcmp(key, "inner") == 0) {
            struct record *rec =
                record_of(r, tag ? tag : fmt("%s:%d:%d", at.file, at.line, at.col));

            if (!flag(o, "completeDefinition")) {
                skip(r, o);
                return;
            }
            rec->at = at;
            rec->is_union = str(o, "tagUsed") != NULL && strcmp(str(o, "tagUsed"), "union") == 0;
            rec->n = 0;
            for (size_t i = 0; i < json_object_array_length(child); i++) {
                json_object *c = json_object_array_get_idx(child, i);
                const char *ck = str(c, "kind");

                if (ck != NULL && strcmp(ck, "RecordDecl") == 0) {
                    read_record(r, c);
                } else if (ck != NULL && strcmp(ck, "EnumDecl") == 0) {
                    read_enum(r, c);
                } else if (ck != NULL && strcmp(ck, "FieldDecl") == 0) {
                    struct field f = { .name = str(c, "name") ? intern(str(c, "name")) : NULL,
                                       .id = intern(str(c, "id")), .t = type_of(r, c) };
                    const bool bf = flag(c, "isBitfield");
                    struct node *n = convert(r, c);

                    f.at = n->at;
                    if (bf) {
                        f.bits = n->n != 0 ? (int)n->ch[0]->val : 0;
                        if (f.name == NULL)
                            continue;                       /* padding */
                    }
                    PUSH(rec->f, rec->n, rec->cap, f);
                } else if (c != NULL) {
                    skip(r, c);
                }
            }
            for (int i = 0; i < rec->n; i++)
                map_set(&r->fields, rec->f[i].id, &rec->f[i]);
        }
    }
    (void)v;
}

static void read_enum(struct reader *r, json_object *o)
{
    json_object *e;
    int64_t next = 0;

    json_object_object_foreach(o, key, child) {
        if (strcmp(key, "loc") == 0) {
            location(r, child);
        } else if (strcmp(key, "range") == 0) {
            if (json_object_object_get_ex(child, "begin", &e))
                location(r, e);
            if (json_object_object_get_ex(child, "end", &e))
                location(r, e);
        } else if (strcmp(key, "inner") == 0) {
            for (size_t i = 0; i < json_object_array_length(child); i++) {
                json_object *c = json_object_array_get_idx(child, i);
                struct node *n = convert(r, c);

                if (n != NULL && n->k == N_ENUMCONST) {
                    if (n->n != 0)
                        next = n->ch[0]->val;
                    n->val = next++;
                }
            }
        }
    }
}

static bool in_system_header(const char *file)
{
    return file == NULL || strncmp(file, "/usr/", 5) == 0;
}

static void read_top(struct reader *r, json_object *o)
{
    const char *kind = str(o, "kind");

    if (kind == NULL)
        return;
    if (strcmp(kind, "RecordDecl") == 0) {
        read_record(r, o);
    } else if (strcmp(kind, "EnumDecl") == 0) {
        read_enum(r, o);
    } else if (strcmp(kind, "TypedefDecl") == 0) {
        struct type *t = type_of(r, o);

        skip(r, o);
        map_set(&r->typedefs, str(o, "name"), t);
    } else if (strcmp(kind, "FunctionDecl") == 0 || strcmp(kind, "VarDecl") == 0) {
        struct node *n = convert(r, o);

        if (n->k == N_VAR) {
            map_set(&r->u->globals, n->name, n);
            return;
        }
        struct node *old = map_get(&r->u->decl, n->name);

        if (old == NULL || n->body != NULL)
            map_set(&r->u->decl, n->name, n);
        if (n->body != NULL && !in_system_header(n->at.file))
            PUSH(r->u->func, r->u->nfunc, r->u->capfunc, n);
    } else {
        skip(r, o);
    }
}

/* Pragmas are not in the tree: read them from every file that a function's body is in. */
static void read_pragmas(struct unit *u, const char *file)
{
    const char *p;
    int len;

    for (int line = 1; (p = source_line(file, line, &len)) != NULL; line++) {
        char *s = fmt("%.*s", len, p);
        char *h = s + strspn(s, " \t");

        if (*h++ != '#')
            continue;
        h += strspn(h, " \t");
        if (strncmp(h, "pragma", 6) != 0 || isalnum((unsigned char)h[6]))
            continue;
        struct pragma pr = { .at = { file, line, (int)strspn(s, " \t") + 1 } };

        h += 6;
        h += strspn(h, " \t");
        char *text = fmt("%s", h);
        int last = line;

        while (*text != 0 && text[strlen(text) - 1] == '\\') {      /* continued lines */
            text[strlen(text) - 1] = ' ';
            p = source_line(file, ++last, &len);
            text = fmt("%s%.*s", text, p ? len : 0, p ? p : "");
        }
        char *comment = strstr(text, "/*");

        if (comment == NULL)
            comment = strstr(text, "//");
        if (comment != NULL)
            *comment = 0;
        trim(text);
        pr.text = text;
        PUSH(u->pragma, u->npragma, u->cappragma, pr);
    }
}

static json_object *run_clang(const char *file, char *const *args, int nargs)
{
    char **argv = arena((size_t)(nargs + 12) * sizeof *argv);
    int n = 0, fd[2];

    argv[n++] = "clang";
    argv[n++] = "-std=c11";
    argv[n++] = "-fsyntax-only";
    argv[n++] = "-Wno-unknown-pragmas";
    argv[n++] = "-UNDEBUG";
    argv[n++] = "-D__HLSC__=1";
    for (int i = 0; i < nargs; i++)
        argv[n++] = args[i];
    argv[n++] = "-Xclang";
    argv[n++] = "-ast-dump=json";
    argv[n++] = fmt("%s", file);
    if (pipe(fd) != 0) {
        perror("hlsc: pipe");
        exit(1);
    }
    const pid_t pid = fork();

    if (pid == 0) {
        dup2(fd[1], 1);
        close(fd[0]);
        close(fd[1]);
        execvp("clang", argv);
        execvp("clang-14", argv);
        perror("hlsc: clang");
        _exit(127);
    }
    close(fd[1]);

    json_tokener *tok = json_tokener_new_ex(4096);
    json_object *o = NULL;
    static char buf[1 << 16];
    ssize_t got;

    while ((got = read(fd[0], buf, sizeof buf)) > 0)
        if (o == NULL)
            o = json_tokener_parse_ex(tok, buf, (int)got);
    close(fd[0]);
    json_tokener_free(tok);

    int status = 0;

    waitpid(pid, &status, 0);
    if (status != 0 || o == NULL) {
        fprintf(stderr, "hlsc: %s: clang does not accept it\n", file);
        if (o != NULL)
            json_object_put(o);
        diag_free();
        exit(1);
    }
    return o;
}

struct unit *read_unit(const char *file, char *const *clang_args, int nargs)
{
    struct reader r = { .u = arena(sizeof(struct unit)) };
    json_object *top = run_clang(file, clang_args, nargs), *inner;

    r.u->file = intern(file);
    if (json_object_object_get_ex(top, "inner", &inner))
        for (size_t i = 0; i < json_object_array_length(inner); i++)
            read_top(&r, json_object_array_get_idx(inner, i));
    json_object_put(top);

    struct map seen = { 0 };

    read_pragmas(r.u, r.u->file);
    map_set(&seen, r.u->file, r.u);
    for (int i = 0; i < r.u->nfunc; i++) {
        const char *f = r.u->func[i]->at.file;

        if (map_get(&seen, f) == NULL) {
            map_set(&seen, f, r.u);
            read_pragmas(r.u, f);
        }
    }
    return r.u;
}

static struct record *pointee(const struct unit *u, struct type *t, const char *want)
{
    (void)u;
    if (t == NULL || t->k != T_PTR || t->elem->k != T_STRUCT)
        return NULL;
    return strcmp(t->elem->rec->tag, want) == 0 ? t->elem->rec : NULL;
}

bool is_module(const struct unit *u, const char *name, struct record **state, struct record **in,
               struct record **out)
{
    const size_t n = strlen(name);
    const struct node *f = map_get(&u->decl, name);

    if (n < 7 || strcmp(name + n - 6, "_clock") != 0 || f == NULL || f->n != 3)
        return false;
    char *m = fmt("%.*s", (int)(n - 6), name);

    *state = pointee(u, f->ch[0]->t, m);
    *in = pointee(u, f->ch[1]->t, fmt("%s_in", m));
    *out = pointee(u, f->ch[2]->t, fmt("%s_out", m));
    return *state && *in && *out;
}
