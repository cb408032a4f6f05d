/* explore_count.c - points of a sweep built as emulators, networks run on them, clocks counted (explore.h). */
#include "explore.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli.h"
#include "measure.h"
#include "status.h"
#include "workload.h"

extern char **environ;

/* A preset's name holds all of its numbers: r16c16f64w32a256g1024b1024d8. */
static void name_of(const struct point *p, char *name, size_t size)
{
    snprintf(name, size, "r%dc%df%dw%da%dg%db%dd%d", p->v[ROWS], p->v[COLS], p->v[FILTER], p->v[WINDOW], p->v[ACC], p->v[GLB], p->v[WBUF],
             p->v[ADDERS]);
}

/* ---- what was counted before ------------------------------------------------------------------------------------ */

static const char heading[] = "preset,network,clocks\n";

static rs_status known(const char *path, const char *preset, const char *network, double *clocks, struct rs_error *err)
{
    FILE *file = fopen(path, "r");
    char line[256], wanted[200];
    rs_status status = RS_OK;

    if (file == NULL)
        return errno == ENOENT ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    snprintf(wanted, sizeof wanted, "%s,%s,", preset, network);
    for (int at = 1; status == RS_OK && fgets(line, sizeof line, file) != NULL; at++) {
        char *end;
        double v;

        if (at == 1 ? strcmp(line, heading) == 0 : strncmp(line, wanted, strlen(wanted)) != 0)
            continue;
        v = strtod(line + strlen(wanted), &end);
        if (at == 1 || *end != '\n' || !(v >= 1))
            status = rs_fail(err, RS_ERR_FORMAT, "%s:%d: not a line of --count", path, at);
        else
            *clocks = v;
    }
    fclose(file);
    return status;
}

static rs_status keep(const char *path, const char *preset, const char *network, double clocks, struct rs_error *err)
{
    FILE *file = fopen(path, "a");
    bool good;

    if (file == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    if (ftell(file) == 0)
        fputs(heading, file);
    fprintf(file, "%s,%s,%.0f\n", preset, network, clocks);
    good = !ferror(file);
    return fclose(file) == 0 && good ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: write failed", path);
}

/* ---- one point ------------------------------------------------------------------------------------------------------ */

static rs_status build(const struct explore *x, const struct point *p, const char *name, struct rs_error *err)
{
    char path[600], preset[640], folder[600];
    char *const arguments[] = {"make", "-s", "emu", preset, folder, NULL};
    posix_spawn_file_actions_t quiet;
    pid_t child;
    int status, failed;
    rs_status written;

    if ((size_t)snprintf(path, sizeof path, "%s/%s.h", x->folder, name) >= sizeof path)
        return rs_fail(err, RS_ERR_ARG, "--folder: shorter than 500 characters is expected");
    written = explore_write_preset(x, p, path, name, "a point", err);
    if (written != RS_OK)
        return written;
    snprintf(preset, sizeof preset, "PRESET=%s", path);
    snprintf(folder, sizeof folder, "BUILD=%s", x->folder);
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);     /* what fails says so on stderr */
    failed = posix_spawnp(&child, arguments[0], &quiet, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&quiet);
    if (failed != 0)
        return rs_fail(err, RS_ERR_DEVICE, "make: %s", strerror(failed));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return rs_fail(err, RS_ERR_DEVICE, "make: %s", strerror(errno));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RS_OK
         : rs_fail(err, RS_ERR_DEVICE, "make emu %s failed; --count builds emulators, and works in Rowstation's source folder", preset);
}

struct counting {
    struct explore *x;
    struct point **chosen;
    int    n, next;                                /* next: under lock, and so are make and the file */
    char   counts[600];
    pthread_mutex_t lock;
    rs_status status;
    struct rs_error err;
};

static rs_status count_point(struct counting *c, struct point *p, struct rs_error *err)
{
    const struct explore *x = c->x;
    struct rs_device *device = NULL;
    char name[64], target[80];
    rs_status status = RS_OK;

    name_of(p, name, sizeof name);
    snprintf(target, sizeof target, "emu:%s", name);
    for (int w = 0; w < x->n_networks && status == RS_OK; w++) {
        const struct explore_network *net = &x->network[w];
        struct workload load;
        struct measured m;

        status = known(c->counts, name, net->name, &p->counted[w], err);
        if (status != RS_OK || p->counted[w] > 0)
            continue;
        if (device == NULL) {
            pthread_mutex_lock(&c->lock);                      /* one make at a time in a folder */
            status = build(x, p, name, err);
            pthread_mutex_unlock(&c->lock);
        }
        if (status == RS_OK && device == NULL)
            status = cli_open(target, false, &device, err);
        if (status == RS_OK)
            status = workload_read(net->path, 1, &load, err);
        if (status != RS_OK)
            break;
        status = measure_graph(device, workload_take(&load, 0), 1, 1, 1, false, &m, err);
        workload_free(&load);
        if (status != RS_OK)
            break;
        if (m.report.macs_cpu > 0)
            status = rs_fail(err, RS_ERR_MISMATCH, "%s: %llu MACs ran on the CPU, and the planner had said none", name,
                             (unsigned long long)m.report.macs_cpu);
        p->counted[w] = (double)m.report.cycles;
        measured_free(&m);
        pthread_mutex_lock(&c->lock);
        if (status == RS_OK)
            status = keep(c->counts, name, net->name, p->counted[w], err);
        pthread_mutex_unlock(&c->lock);
    }
    rs_close(device);
    return status;
}

static void *work(void *context)
{
    struct counting *c = context;

    for (;;) {
        struct rs_error err = {0};
        rs_status status;
        int i;

        pthread_mutex_lock(&c->lock);
        i = c->status == RS_OK ? c->next++ : c->n;
        pthread_mutex_unlock(&c->lock);
        if (i >= c->n)
            return NULL;
        /* A best one, a drawn one, by turns: of a run that is cut off, --count with a smaller number has both. */
        status = count_point(c, c->chosen[i % 2 == 0 ? i / 2 : (c->n + i) / 2], &err);
        pthread_mutex_lock(&c->lock);
        if (status != RS_OK && c->status == RS_OK) {
            c->status = status;
            c->err = err;
        }
        pthread_mutex_unlock(&c->lock);
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------------- */

static void table(const struct counting *c, double *estimated, double *counted, FILE *to)
{
    const struct explore *x = c->x;

    fprintf(to, "\nBuilt and counted in emulation:\n%4s %4s %6s %6s %4s %5s %5s %6s", "rows", "cols", "filter", "window", "acc", "glb", "wbuf", "");
    for (int w = 0; w < x->n_networks; w++)
        fprintf(to, " %14.14s %12s %7s", x->network[w].name, "estimated", "error");
    fputc('\n', to);
    for (int i = 0; i < c->n; i++) {
        const struct point *p = c->chosen[i];

        estimated[i] = p->score;
        counted[i] = 1;
        fprintf(to, "%4d %4d %6d %6d %4d %5d %5d %6s", p->v[ROWS], p->v[COLS], p->v[FILTER], p->v[WINDOW], p->v[ACC], p->v[GLB], p->v[WBUF],
                p->random ? "random" : "best");
        for (int w = 0; w < x->n_networks; w++) {
            counted[i] *= pow(p->counted[w], 1.0 / x->n_networks);
            fprintf(to, " %14s %12s %+5.1f %%", cli_count((uint64_t)p->counted[w]), cli_count((uint64_t)p->cycles[w]),
                    100 * (p->cycles[w] / p->counted[w] - 1));
        }
        fputc('\n', to);
    }
}

static void verdict(const struct counting *c, double *estimated, double *counted, FILE *to)
{
    const struct explore *x = c->x;

    for (int w = -1; w < x->n_networks; w++) {
        struct explore_error e;

        for (int i = 0; w >= 0 && i < c->n; i++) {
            estimated[i] = c->chosen[i]->cycles[w];
            counted[i] = c->chosen[i]->counted[w];
        }
        explore_compare(estimated, counted, c->n, &e);
        fprintf(to, "%s, %d points: error %.1f %% on average, %.1f %% at most, rank correlation %.3f.\n",
                w < 0 ? "Estimated against counted, geometric mean over the networks" : x->network[w].name, e.n, 100 * e.mean, 100 * e.worst,
                e.rho);
    }
}

rs_status explore_count(struct explore *x, FILE *to, struct rs_error *err)
{
    struct counting c = {.x = x};
    const int most = 2 * x->count;
    double *estimated = calloc((size_t)most, sizeof *estimated), *counted = calloc((size_t)most, sizeof *counted);
    pthread_t thread[EXPLORE_THREADS];
    int n_threads = 0, off = 0;
    rs_status status;

    c.chosen = calloc((size_t)most, sizeof *c.chosen);
    if (c.chosen == NULL || estimated == NULL || counted == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    else if (mkdir(x->folder, 0777) != 0 && errno != EEXIST)
        status = rs_fail(err, RS_ERR_IO, "%s: %s", x->folder, strerror(errno));
    else
        status = explore_choose(x, x->count, c.chosen, &c.n, &off, err);
    if (status == RS_OK) {
        snprintf(c.counts, sizeof c.counts, "%s/counts.csv", x->folder);
        setenv("RS_PLATFORM_PATH", x->folder, 1);
        pthread_mutex_init(&c.lock, NULL);
        while (n_threads < x->threads && pthread_create(&thread[n_threads], NULL, work, &c) == 0)
            n_threads++;
        if (n_threads == 0)
            work(&c);
        for (int i = 0; i < n_threads; i++)
            pthread_join(thread[i], NULL);
        pthread_mutex_destroy(&c.lock);
        status = c.status == RS_OK ? RS_OK : rs_fail(err, c.status, "%s", c.err.text);
    }
    if (status == RS_OK) {
        table(&c, estimated, counted, to);
        if (off > 0)
            fprintf(to, "%d others were passed over: a layer of theirs goes to the CPU for lack of buffer.\n", off);
        verdict(&c, estimated, counted, to);
    }
    free(c.chosen);
    free(estimated);
    free(counted);
    return status;
}
