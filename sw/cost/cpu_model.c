/* cpu_model.c - the fitted model of the CPU kernels (cpu_model.h). */
#include "cpu_model.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "status.h"

/* Outputs that the micro-kernel computes for P pixels of M filters, those it does not store among them. */
static double computed(const struct rs_cpu_model *m, const struct rs_work *w)
{
    const double rest = fmod(w->M, m->NR), MR = w->M <= m->narrow ? m->MR_narrow : m->MR;

    return ceil(w->P / MR) * MR * (w->M - rest + (rest == 0 ? 0 : rest <= m->narrow ? m->narrow : m->NR));
}

static void features(const struct rs_cpu_model *m, const struct rs_work *w, double f[RS_CPU_FEATURES])
{
    const double outputs = w->P * w->M, tiles = computed(m, w);

    memset(f, 0, RS_CPU_FEATURES * sizeof *f);
    f[0] = 1;
    switch (w->kind) {
    case RS_WORK_CONV:
        f[1] = tiles * ceil(w->K / 4) * 4;
        f[2] = tiles;
        f[3] = w->P * w->K;
        f[4] = outputs;
        f[5] = w->filter_bytes;
        break;
    case RS_WORK_DEPTHWISE:
        f[1] = w->P * ceil(w->M / 16) * 16 * w->taps;
        f[2] = outputs;
        f[3] = w->P;
        f[4] = w->in_bytes;
        f[5] = w->filter_bytes;
        break;
    case RS_WORK_FC:
        f[1] = w->K * w->M;
        f[2] = w->M;
        f[3] = w->K;
        break;
    case RS_WORK_POOL:
        f[1] = outputs * w->taps;
        f[2] = outputs;
        break;
    case RS_WORK_ADD: case RS_WORK_SOFTMAX: case RS_WORK_OTHER:
        f[1] = outputs;
        break;
    default:
        f[0] = 0;
    }
}

double rs_cpu_model_seconds(const struct rs_cpu_model *model, const struct rs_work *work)
{
    double f[RS_CPU_FEATURES], seconds = 0;

    features(model, work, f);
    for (int i = 0; i < RS_CPU_FEATURES; i++)
        seconds += f[i] * model->coefficient[work->kind][i];
    return seconds;
}

/* Coordinate descent on sum ((x.c - t) / t)^2 with c >= 0: the problem is convex and has at most six unknowns. */
static void fit(struct rs_cpu_model *m, int kind, const struct rs_cpu_sample *s, int n)
{
    double *c = m->coefficient[kind];

    memset(c, 0, RS_CPU_FEATURES * sizeof *c);
    for (int round = 0; round < 20000; round++) {
        double moved = 0;

        for (int i = 0; i < RS_CPU_FEATURES; i++) {
            double top = 0, bottom = 0, now;

            for (int k = 0; k < n; k++) {
                double f[RS_CPU_FEATURES], rest = 1;

                if ((int)s[k].work.kind != kind)
                    continue;
                features(m, &s[k].work, f);
                for (int j = 0; j < RS_CPU_FEATURES; j++)
                    rest -= j != i ? c[j] * f[j] / s[k].seconds : 0;
                top += rest * f[i] / s[k].seconds;
                bottom += f[i] * f[i] / (s[k].seconds * s[k].seconds);
            }
            now = bottom > 0 ? fmax(0, top / bottom) : 0;
            moved = fmax(moved, fabs(now - c[i]) * sqrt(bottom));
            c[i] = now;
        }
        if (moved < 1e-7)
            break;
    }
}

rs_status rs_cpu_model_fit(struct rs_cpu_model *m, const struct rs_cpu_sample *s, int n, struct rs_error *err)
{
    for (int k = 0; k < n; k++)
        if (!(s[k].seconds > 0) || !isfinite(s[k].seconds))
            return rs_fail(err, RS_ERR_RANGE, "layer %s took %g s: more than 0 is expected", s[k].work.name, s[k].seconds);
    for (int kind = 0; kind < RS_N_WORK; kind++) {
        int count = 0;

        for (int k = 0; k < n; k++)
            count += (int)s[k].work.kind == kind;
        if (count == 0)
            continue;
        m->samples[kind] = count;
        fit(m, kind, s, n);
        m->error[kind] = 0;
        for (int k = 0; k < n; k++)
            if ((int)s[k].work.kind == kind)
                m->error[kind] = fmax(m->error[kind], fabs(rs_cpu_model_seconds(m, &s[k].work) / s[k].seconds - 1));
    }
    return RS_OK;
}

/* ---- files ------------------------------------------------------------------------------------------- */

rs_status rs_cpu_model_write(const struct rs_cpu_model *m, const char *path, struct rs_error *err)
{
    FILE *file = fopen(path, "w");
    bool good;

    if (file == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    fprintf(file, "rowstation-cpu-model 2\nmachine %s\nisa %s\ntile %g %g %g %g\nrequest %.9g\n", m->machine, m->isa, m->MR, m->NR,
            m->MR_narrow, m->narrow, m->request);
    for (int k = 0; k < RS_N_WORK; k++) {
        fprintf(file, "%s %d %.4g", rs_work_kind_name((enum rs_work_kind)k), m->samples[k], m->error[k]);
        for (int i = 0; i < RS_CPU_FEATURES; i++)
            fprintf(file, " %.9g", m->coefficient[k][i]);
        fputc('\n', file);
    }
    good = !ferror(file);
    return fclose(file) == 0 && good ? RS_OK : rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
}

rs_status rs_cpu_model_read(const char *path, struct rs_cpu_model *m, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size;
    char *at;
    int used = 0;
    rs_status status = rs_file_read(path, 1 << 20, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    at = (char *)bytes;
    *m = (struct rs_cpu_model){0};
    if (sscanf(at, "rowstation-cpu-model 2\nmachine %95[^\n]\nisa %23s\ntile %lf %lf %lf %lf\nrequest %lf\n%n", m->machine, m->isa, &m->MR, &m->NR,
               &m->MR_narrow, &m->narrow, &m->request, &used) != 7 || used == 0 || !(m->MR >= 1) || !(m->NR >= 1) || !(m->MR_narrow >= 1) ||
        !(m->narrow >= 1) || !(m->request >= 0)) {
        status = rs_fail(err, RS_ERR_FORMAT, "%s: not a file of --calibrate", path);
    }
    at += used;
    for (int k = 0; k < RS_N_WORK && status == RS_OK; k++) {
        char kind[16] = "";
        double *c = m->coefficient[k];

        used = 0;
        if (sscanf(at, "%15s %d %lf %lf %lf %lf %lf %lf %lf\n%n", kind, &m->samples[k], &m->error[k], &c[0], &c[1], &c[2], &c[3], &c[4],
                   &c[5], &used) != 9 || strcmp(kind, rs_work_kind_name((enum rs_work_kind)k)) != 0)
            status = rs_fail(err, RS_ERR_FORMAT, "%s: the line of '%s' with %d numbers is expected", path,
                             rs_work_kind_name((enum rs_work_kind)k), RS_CPU_FEATURES + 2);
        for (int i = 0; i < RS_CPU_FEATURES && status == RS_OK; i++)
            if (!(c[i] >= 0) || !isfinite(c[i]))
                status = rs_fail(err, RS_ERR_FORMAT, "%s: '%s': a time of %g s", path, kind, c[i]);
        at += used;
    }
    free(bytes);
    return status;
}
