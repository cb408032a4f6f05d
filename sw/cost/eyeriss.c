/* eyeriss.c - the chip's accesses by its published mapping (eyeriss.h). */
#include "eyeriss.h"
#include <stdio.h>
#include <string.h>
#include "status.h"

static double up(double a, double b)
{
    const int64_t x = (int64_t)a, y = (int64_t)b;

    return (double)((x + y - 1) / y);
}

static rs_status layer(const struct rs_entry *entry, double N, struct rs_eyeriss_layer *l, struct rs_error *err)
{
    double G, C, M, H, W, R, S, U, n, e, p, q, r, t, m, zeros, glb, dram, ms;

    if (sscanf(entry->text, "%lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf", &G, &C, &M, &H, &W, &R, &S,
               &U, &n, &e, &p, &q, &r, &t, &m, &zeros, &glb, &dram, &ms) != 19)
        return rs_fail(err, RS_ERR_FORMAT, "[eyeriss alexnet] %s: 19 numbers are expected", entry->key);
    const double E = (H - R + U) / U, F = (W - S + U) / U, O = G * N * M * E * F, strips = up(E, e);
    const double filters = G * M * C * R * S, ifmap = G * N * C * H * W;

    snprintf(l->name, sizeof l->name, "%.31s", entry->key);
    l->macs = O * C * R * S;
    l->glb_words = G * N * C * strips * ((e - 1) * U + R) * W * up(M, p * t) + 2 * O * up(C, q * r);
    l->noc_words = filters * up(N, n) * F + ifmap * up(M, p) * S * (F / W) + 2 * O * (up(C, q) * S - up(C, q * r));
    l->rf_words = 2 * l->macs + 2 * O * (C * R * S - up(C, q) * S);
    /* A zero ifmap value is still read to be seen; filter read, multiplication and psum update do not happen. */
    l->rf_gated_words = l->rf_words - l->macs;
    l->zeros = zeros / 100;
    l->glb_mb = l->glb_words * 2 / 1e6;
    l->chip_glb_mb = glb;
    return RS_OK;
}

static void split(double pe, double noc, double glb, double percent[3])
{
    const double all = pe + noc + glb;

    percent[0] = 100 * pe / all;
    percent[1] = 100 * noc / all;
    percent[2] = 100 * glb / all;
}

rs_status rs_eyeriss(const struct rs_data *data, const struct rs_flow_energy *cost, struct rs_eyeriss *out, struct rs_error *err)
{
    static const char *const keys[] = {"pe_array", "noc", "buffers"};
    const struct rs_section *s = rs_data_find(data, "eyeriss", "alexnet"), *chip = rs_data_find(data, "eyeriss", "split");
    double N = 0, pe = 0, gated = 0, noc = 0, glb = 0;
    rs_status status = RS_OK;

    memset(out, 0, sizeof *out);
    if (s == NULL || chip == NULL || rs_section_text(s, "batch") == NULL || sscanf(rs_section_text(s, "batch"), "%lf", &N) != 1)
        return rs_fail(err, RS_ERR_FORMAT, "[eyeriss alexnet] with batch, and [eyeriss split], are expected");
    for (int i = 0; i < s->n && status == RS_OK; i++)
        if (strncmp(s->entry[i].key, "conv", 4) == 0) {
            if (out->n == RS_EYERISS_LAYERS)
                return rs_fail(err, RS_ERR_FORMAT, "[eyeriss alexnet]: more than %d layers", RS_EYERISS_LAYERS);
            status = layer(&s->entry[i], N, &out->layer[out->n++], err);
        }
    for (int i = 0; i < 4 && status == RS_OK; i++) {
        struct rs_constant c;

        status = rs_section_constant(chip, i < 3 ? keys[i] : "gating", "%", &c, err);
        if (status == RS_OK)
            *(i < 3 ? &out->chip[i] : &out->chip_pe_saved) = c.value;
    }
    if (status != RS_OK)
        return status;
    for (int i = 0; i < out->n; i++) {
        const struct rs_eyeriss_layer *l = &out->layer[i];
        const double all = l->macs * cost->level[RS_LEVEL_ALU] + l->rf_words * cost->level[RS_LEVEL_RF];

        pe += all;
        gated += all - l->zeros * (l->macs * cost->level[RS_LEVEL_ALU] + l->rf_gated_words * cost->level[RS_LEVEL_RF]);
        noc += l->noc_words;
        glb += l->glb_words * cost->level[RS_LEVEL_GLB];
    }
    split(pe, noc * cost->level[RS_LEVEL_ARRAY], glb, out->plain);
    split(gated, noc * cost->level[RS_LEVEL_ARRAY], glb, out->gated);
    out->pe_saved = 100 * (1 - gated / pe);
    /* x * noc = share * (gated + x * noc + glb), with shares among these three as the chip's are */
    const double share = out->chip[1] / (out->chip[0] + out->chip[1] + out->chip[2]);
    out->noc_cost_needed = share * (gated + glb) / ((1 - share) * noc);
    return RS_OK;
}
