/* energy.c - counted accesses times a table (energy.h). */
#include "energy.h"
#include <stdio.h>
#include <string.h>
#include "status.h"

static const char *const keys[] = {"mac", "spad", "link", "acc", "out", "glb", "wbuf", "dram"};

const char *rs_energy_level_name(enum rs_energy_level level)
{
    static const char *const names[] = {"MAC", "PE spads", "links", "accumulators", "output stage", "global buffer", "filter buffer",
                                        "DRAM"};

    return names[level];
}

const char *rs_operand_name(enum rs_operand operand)
{
    static const char *const names[] = {"arithmetic", "ifmap", "filter", "psum and ofmap"};

    return names[operand];
}

rs_status rs_energy_table(const struct rs_data *data, const char *name, struct rs_energy_table *t, struct rs_error *err)
{
    const struct rs_section *s = rs_data_find(data, "energy", name);
    struct rs_constant c = {0};
    const char *text;
    rs_status status = RS_OK;

    *t = (struct rs_energy_table){0};
    if (s == NULL)
        return rs_fail(err, RS_ERR_FORMAT, "no section [energy %.60s]", name);
    text = rs_section_text(s, "unit");
    if (text == NULL || strlen(text) >= sizeof t->unit)
        return rs_fail(err, RS_ERR_FORMAT, "[energy %s]: 'unit' is missing", name);
    strcpy(t->unit, text);
    snprintf(t->name, sizeof t->name, "%.31s", name);
    text = rs_section_text(s, "title");
    snprintf(t->title, sizeof t->title, "%.159s", text != NULL ? text : name);
    for (int i = 0; i < RS_N_ENERGY + 1; i++) {
        const char *key = i < RS_N_ENERGY ? keys[i] : "gated";

        status = rs_section_constant(s, key, t->unit, &c, err);
        if (status == RS_OK && c.low < 0)
            status = rs_fail(err, RS_ERR_RANGE, "[energy %s] %s = %g: an energy is at least 0", name, key, c.low);
        if (status != RS_OK)
            return status;
        if (c.confidence > t->worst)
            t->worst = c.confidence;
        *(i < RS_N_ENERGY ? &t->cost[i] : &t->gated) = c.value;
        *(i < RS_N_ENERGY ? &t->low[i] : &t->gated_low) = c.low;
        *(i < RS_N_ENERGY ? &t->high[i] : &t->gated_high) = c.high;
    }
    return RS_OK;
}

void rs_energy_counts(const struct rs_counters *c, const struct rs_device_info *info, double filter_bytes, struct rs_energy_counts *n)
{
    const double rows = info->rows, cols = info->cols, block = info->rows;
    const double read = (double)c->axi_read * info->axi_bytes, filters = filter_bytes < read ? filter_bytes : read;

    memset(n, 0, sizeof *n);
    /* Counters of one layer are cut between layers that overlap: a few gated MACs may be on the other side of the cut. */
    n->count[RS_E_MAC][RS_OPERAND_NONE] = c->macs > c->macs_gated ? (double)(c->macs - c->macs_gated) : 0;
    n->gated = (double)c->macs_gated;
    n->count[RS_E_SPAD][RS_OPERAND_IFMAP] = (double)c->mac_uops * rows * cols + (double)c->ifmap_words * rows * cols;
    n->count[RS_E_SPAD][RS_OPERAND_FILTER] = (double)c->mac_uops * rows * cols + (double)c->filter_words * rows;
    n->count[RS_E_LINK][RS_OPERAND_IFMAP] = (double)c->ifmap_words * rows * cols;
    n->count[RS_E_LINK][RS_OPERAND_FILTER] = (double)c->filter_words * rows * (cols + 1) / 2;
    n->count[RS_E_LINK][RS_OPERAND_PSUM] = (double)c->drains * cols * rows * 4;
    n->count[RS_E_ACC][RS_OPERAND_PSUM] = (double)c->acc_updates * cols;
    n->count[RS_E_OUT][RS_OPERAND_PSUM] = (double)c->outputs;
    n->count[RS_E_GLB][RS_OPERAND_IFMAP] = (double)c->glb_reads * block + (read - filters);
    n->count[RS_E_GLB][RS_OPERAND_PSUM] = (double)c->glb_writes * block - (read - filters);
    if (n->count[RS_E_GLB][RS_OPERAND_PSUM] < 0)
        n->count[RS_E_GLB][RS_OPERAND_PSUM] = 0;
    n->count[RS_E_WBUF][RS_OPERAND_FILTER] = (double)c->wbuf_reads * 2 * block + filters;
    n->count[RS_E_DRAM][RS_OPERAND_IFMAP] = read - filters;
    n->count[RS_E_DRAM][RS_OPERAND_FILTER] = filters;
    n->count[RS_E_DRAM][RS_OPERAND_PSUM] = (double)c->axi_write * info->axi_bytes;
}

void rs_energy(const struct rs_energy_counts *n, const struct rs_energy_table *t, double dram_scale, struct rs_energy *e)
{
    memset(e, 0, sizeof *e);
    for (int l = 0; l < RS_N_ENERGY; l++)
        for (int o = 0; o < RS_N_OPERANDS; o++) {
            const double scale = l == RS_E_DRAM ? dram_scale : 1, count = n->count[l][o] * scale;

            e->cell[l][o] = count * t->cost[l];
            e->low += count * t->low[l];
            e->high += count * t->high[l];
        }
    e->cell[RS_E_MAC][RS_OPERAND_NONE] += n->gated * t->gated;
    e->low += n->gated * t->gated_low;
    e->high += n->gated * t->gated_high;
    for (int l = 0; l < RS_N_ENERGY; l++)
        for (int o = 0; o < RS_N_OPERANDS; o++) {
            e->level[l] += e->cell[l][o];
            e->operand[o] += e->cell[l][o];
            e->total += e->cell[l][o];
        }
}
