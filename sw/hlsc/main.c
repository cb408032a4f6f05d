/*
 * main.c - hlsc [-w] [-I DIR] [-D X=Y] [--blackbox NAME] [--glue FILE.h] [--soa FILE.c --top NAME] [-o OUTDIR] FILE.c...
 *
 * Translates every module of the files; writes OUTDIR/<module>.v, and FILE.c for the module NAME and all below it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hlsc.h"

static int usage(void)
{
    fputs("usage: hlsc [-w] [-I DIR] [-D X=Y] [--blackbox MODULE] [--glue FILE.h] [--soa FILE.c --top NAME] [-o OUTDIR] FILE.c...\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    char **clang_args = calloc((size_t)argc + 1, sizeof *clang_args);
    const char **file = calloc((size_t)argc + 1, sizeof *file);
    struct options opt = { 0 };
    int nargs = 0, nfiles = 0, status = 0;
    struct design **design = NULL;
    struct unit **unit = NULL;
    int ndesign = 0, capdesign = 0, nunit = 0, capunit = 0;

    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];

        if (strcmp(a, "-o") == 0 && i + 1 < argc) {
            opt.outdir = argv[++i];
        } else if (strcmp(a, "--glue") == 0 && i + 1 < argc) {
            opt.glue = argv[++i];
        } else if (strcmp(a, "--soa") == 0 && i + 1 < argc) {
            opt.soa = argv[++i];
        } else if (strcmp(a, "--top") == 0 && i + 1 < argc) {
            opt.top = argv[++i];
        } else if (strcmp(a, "--blackbox") == 0 && i + 1 < argc) {
            map_set(&opt.blackbox, argv[++i], argv);
        } else if ((strcmp(a, "-I") == 0 || strcmp(a, "-D") == 0) && i + 1 < argc) {
            clang_args[nargs++] = argv[i];
            clang_args[nargs++] = argv[++i];
        } else if (strncmp(a, "-I", 2) == 0 || strncmp(a, "-D", 2) == 0 || strcmp(a, "-w") == 0) {
            clang_args[nargs++] = argv[i];
        } else if (a[0] != '-') {
            file[nfiles++] = a;
        } else {
            status = usage();
            goto done;
        }
    }
    if (nfiles == 0 || (opt.outdir == NULL && opt.glue == NULL && opt.soa == NULL) || (opt.soa == NULL) != (opt.top == NULL)) {
        status = usage();
        goto done;
    }
    for (int i = 0; i < nfiles; i++) {
        struct unit *u = read_unit(file[i], clang_args, nargs);
        int found = 0;

        check_unit(u);
        PUSH(unit, nunit, capunit, u);
        for (int j = 0; j < u->nfunc && (opt.outdir != NULL || opt.soa != NULL); j++) {
            struct record *a, *b, *c;

            if (!u->func[j]->in_main || !is_module(u, u->func[j]->name, &a, &b, &c))
                continue;
            found++;
            struct module_ports *ports = arena(sizeof *ports);

            *ports = (struct module_ports){ aggregates(u, u->func[j], 1), aggregates(u, u->func[j], 2) };
            map_set(&opt.module, a->tag, ports);
            if (map_get(&opt.blackbox, a->tag) != NULL)
                continue;
            struct design *d = lower(u, u->func[j]);

            flow(d);
            vectorize(d);
            comb(d);
            finish(d);
            PUSH(design, ndesign, capdesign, d);
        }
        if (found == 0 && (opt.outdir != NULL || opt.soa != NULL))
            error((struct loc){ file[i], 1, 1 }, "define void X_clock(struct X *r, const struct X_in *in, struct X_out *out)",
                  "no module in this file");
    }
    /* A module with two instances shares one C++ function in Verilator (facts/simulation_speed.md). */
    for (int i = 0; i < ndesign; i++) {
        struct map seen = { 0 };

        for (int j = 0; j < design[i]->ninst; j++) {
            const char *m = design[i]->inst[j]->module;

            if (map_get(&seen, m) != NULL)
                map_set(&opt.replicated, m, design[i]);
            map_set(&seen, m, design[i]);
        }
    }
    if (opt.soa != NULL)
        emit_soa(opt.soa, opt.top, design, ndesign);
    for (int i = 0; i < ndesign && opt.outdir != NULL; i++)
        emit(design[i], &opt);
    if (opt.glue != NULL)
        emit_glue(opt.glue, unit, nunit, clang_args, nargs);
done:
    diag_free();
    free(clang_args);
    free(file);
    return status;
}
