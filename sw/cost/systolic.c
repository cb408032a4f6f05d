/* systolic.c - SCALE-Sim's machine in closed form, and its configuration files (systolic.h). */
#include "systolic.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "file.h"
#include "status.h"

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return text;
}

rs_status rs_systolic_parse(const char *text, const char *where, struct rs_systolic *m, struct rs_error *err)
{
    const struct { const char *key; int64_t *to; } sizes[] = {
        {"ArrayHeight", &m->rows}, {"ArrayWidth", &m->cols}, {"IfmapSramSzkB", &m->ifmap_kb}, {"FilterSramSzkB", &m->filter_kb},
        {"OfmapSramSzkB", &m->ofmap_kb}, {"Bandwidth", &m->bandwidth}};
    bool dataflow = false;
    int number = 0;

    *m = (struct rs_systolic){.run_name = "scalesim", .bandwidth = 10};
    while (*text != '\0') {
        const size_t n = strcspn(text, "\n");
        char line[256], *at, *split, *value, *end;

        number++;
        snprintf(line, sizeof line, "%.*s", (int)(n < 255 ? n : 255), text);
        text += n + (text[n] == '\n');
        at = trim(line);
        if (*at == '\0' || *at == '#' || *at == ';' || *at == '[')
            continue;
        split = at + strcspn(at, ":=");
        if (*split == '\0')
            return rs_fail(err, RS_ERR_FORMAT, "%s line %d: '%.60s': KEY: VALUE is expected", where, number, at);
        *split = '\0';
        at = trim(at);
        value = trim(split + 1);
        if (strcasecmp(at, "run_name") == 0) {
            snprintf(m->run_name, sizeof m->run_name, "%.63s", value);
        } else if (strcasecmp(at, "Dataflow") == 0) {
            dataflow = true;
            if (strcasecmp(value, "ws") == 0)
                m->flow = RS_SYSTOLIC_WS;
            else if (strcasecmp(value, "os") == 0)
                m->flow = RS_SYSTOLIC_OS;
            else if (strcasecmp(value, "is") == 0)
                m->flow = RS_SYSTOLIC_IS;
            else
                return rs_fail(err, RS_ERR_FORMAT, "%s line %d: Dataflow '%.20s': ws, os or is is expected", where, number, value);
        } else if (strcasecmp(at, "InterfaceBandwidth") == 0) {
            m->user_bandwidth = strcasecmp(value, "USER") == 0;
            if (!m->user_bandwidth && strcasecmp(value, "CALC") != 0)
                return rs_fail(err, RS_ERR_FORMAT, "%s line %d: InterfaceBandwidth '%.20s': USER or CALC is expected", where, number,
                               value);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            if (strcasecmp(at, sizes[i].key) == 0) {
                *sizes[i].to = strtoll(value, &end, 10);             /* "10, 10" gives one bandwidth for each core: the first */
                if (end == value || (*end != '\0' && *end != ',') || *sizes[i].to < 1 || *sizes[i].to > 1 << 24)
                    return rs_fail(err, RS_ERR_FORMAT, "%s line %d: %s '%.20s': a number from 1 to 2^24 is expected", where, number,
                                   sizes[i].key, value);
            }
    }
    for (size_t i = 0; i < 5; i++)
        if (*sizes[i].to == 0)
            return rs_fail(err, RS_ERR_FORMAT, "%s: %s is missing", where, sizes[i].key);
    return dataflow ? RS_OK : rs_fail(err, RS_ERR_FORMAT, "%s: Dataflow is missing", where);
}

rs_status rs_systolic_read(const char *path, struct rs_systolic *machine, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size;
    rs_status status = rs_file_read(path, 1 << 20, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    status = rs_systolic_parse((char *)bytes, path, machine, err);
    free(bytes);
    return status;
}

static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Words from DRAM: once if they fit the active half of their SRAM, else once each time the folds pass over them. */
static int64_t dram(int64_t words, int64_t kb, int64_t passes) { return words <= kb * 1024 / 2 ? words : words * passes; }

void rs_systolic_run(const struct rs_systolic *m, const struct rs_systolic_gemm *g, struct rs_systolic_result *r)
{
    const int64_t across = m->flow == RS_SYSTOLIC_OS ? g->N : g->K,         /* along the rows           */
                  along = m->flow == RS_SYSTOLIC_IS ? g->N : g->M,          /* along the columns        */
                  T = m->flow == RS_SYSTOLIC_WS ? g->N : m->flow == RS_SYSTOLIC_OS ? g->K : g->M;
    const int64_t fr = up(across, m->rows), fc = up(along, m->cols), words = g->N * g->M;
    const int64_t fold = m->flow == RS_SYSTOLIC_OS ? m->rows + m->cols + T - 2 : 2 * m->rows + m->cols + T - 2;
    /* What it calls the clocks of a fold in its compute utilization: rows of a demand matrix before its skew, and the skew. */
    const int64_t counted = m->flow == RS_SYSTOLIC_OS ? T - 1 + m->rows + m->cols - 1 : fold + m->cols - 1;
    const double cells = (double)(m->rows * m->cols);

    *r = (struct rs_systolic_result){.folds = fr * fc, .cycles = fr * fc * fold - 1, .macs = g->N * g->M * g->K};
    r->overall_util = 100 * (double)r->macs / ((double)r->cycles * cells);
    r->mapping_efficiency = 100 * (double)across * (double)along / (cells * (double)r->folds);
    r->compute_util = 100 * (double)across * (double)along * (double)T / (cells * (double)r->folds * (double)counted);
    r->ifmap_reads = g->N * g->K * (m->flow == RS_SYSTOLIC_IS ? 1 : fc);
    r->filter_reads = g->K * g->M * (m->flow == RS_SYSTOLIC_WS ? 1 : m->flow == RS_SYSTOLIC_OS ? fr : fc);
    r->ofmap_writes = words * (m->flow == RS_SYSTOLIC_OS ? 1 : fr);
    r->dram_words[0] = dram(g->ifmap_words, m->ifmap_kb, m->flow == RS_SYSTOLIC_IS ? 1 : fc);
    r->dram_words[1] = dram(g->K * g->M, m->filter_kb, m->flow == RS_SYSTOLIC_WS ? 1 : m->flow == RS_SYSTOLIC_OS ? fr : fc);
    r->dram_words[2] = words <= m->ofmap_kb * 1024 / 2 || m->flow == RS_SYSTOLIC_OS ? words : words * (2 * fr - 1);
    if (m->user_bandwidth) {
        const int64_t first = (g->K < m->rows ? g->K : m->rows) * (along < m->cols ? along : m->cols);

        r->prefetch_cycles = up(first, m->bandwidth);
        r->stall_cycles = most(0, up(r->dram_words[0] + r->dram_words[1] + r->dram_words[2], m->bandwidth) - r->cycles);
    }
}
