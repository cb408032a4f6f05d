/*
 * html.c - a comparison as one HTML file: SVG figures, no script, nothing fetched; light and dark, phone and paper.
 *
 * Colours are CSS variables, so that figures follow the reader's scheme; every figure scales to the width there is, and has
 * its numbers in a table or in titles beside it.
 */
#include <math.h>
#include <string.h>
#include "cli.h"
#include "compare.h"
#include "json.h"

static const char style[] =
    ":root{--bg:#fff;--fg:#1b1f24;--mute:#5a6472;--line:#d5dae1;--card:#f6f8fa;--ours:#0b66c3;--cpu:#2e7d32;--other:#8a94a3;"
    "--c0:#0b66c3;--c1:#e07b00;--c2:#2e7d32;--c3:#b3261e;--c4:#7b4fb5;--c5:#8d6e63;--c6:#0097a7;--c7:#c2185b;--c8:#9aa4b1}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e6eaf0;--mute:#a2adbb;--line:#38414d;--card:#1d232b;--ours:#5aa9f5;"
    "--cpu:#66bb6a;--other:#75808f;--c0:#5aa9f5;--c1:#ffa94d;--c2:#66bb6a;--c3:#ef6a62;--c4:#b694e8;--c5:#bfa094;--c6:#4dd0e1;"
    "--c7:#f06292;--c8:#6b7684}}\n"
    "*{box-sizing:border-box}body{background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;"
    "padding:1.5rem 1rem 3rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:0}h2{font-size:1.15rem;margin:0 0 .8rem}p{margin:.4em 0}"
    ".mute{color:var(--mute);font-size:.88rem}\n"
    "section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1.1rem 1.2rem;margin:1.1rem 0}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.8rem;margin:1.1rem 0}\n"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.8rem 1rem}"
    ".tile b{display:block;font-size:1.7rem;line-height:1.25;color:var(--ours)}.tile span{color:var(--mute);font-size:.85rem}\n"
    "ul.said{padding-left:1.2em;margin:.8rem 0}.said li{margin:.3em 0}\n"
    ".bar{display:grid;grid-template:\"n b v\" auto \". c c\" auto/15rem 1fr var(--v,6rem);gap:0 .8rem;align-items:center;font-size:.88rem;"
    "min-height:1.45rem}\n"
    ".n{grid-area:n;text-align:right;overflow-wrap:anywhere;line-height:1.25}.v{grid-area:v;color:var(--mute);font-variant-numeric:tabular-nums;"
    "white-space:nowrap}.b{grid-area:b;width:100%;height:1rem;display:block}.c{grid-area:c;color:var(--mute);font-size:.85rem;"
    "padding-bottom:.5rem}.n.u{color:var(--mute)}\n"
    ".ticks{position:relative;color:var(--mute);font-size:.8rem}.ticks i{position:absolute;transform:translateX(-50%);font-style:normal;"
    "white-space:nowrap}.ticks i:last-child{transform:translateX(-100%)}.ticks i:first-child{transform:none}\n"
    "figure{margin:0;overflow-x:auto}figure svg{width:100%;min-width:56rem;height:auto;display:block}svg text{fill:var(--fg);font:13px system-ui,"
    "sans-serif}svg .m{fill:var(--mute)}svg .l{stroke:var(--line)}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;width:100%}\n"
    "th,td{padding:.35em .6em;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums}th{vertical-align:bottom;"
    "font-weight:600}td{white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left;white-space:normal;min-width:12rem}td:first-child{line-height:1.3}td small{display:block;"
    "color:var(--mute);font-weight:400}\n"
    "tr.ours td{color:var(--ours);font-weight:600}tr.unverified td{color:var(--mute)}tbody tr:last-child td{border-bottom:0}\n"
    ".key{display:flex;flex-wrap:wrap;gap:.2em 1em;font-size:.85rem;padding:0;margin:.7rem 0 0;list-style:none}\n"
    ".key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}\n"
    "@media(max-width:44rem){section{padding:.9rem .8rem}.bar{grid-template:\"n v\" auto \"b b\" auto \"c c\" auto/1fr auto;"
    "margin-bottom:.35rem}.n{text-align:left}}\n"
    "@media print{:root{--bg:#fff;--fg:#000;--mute:#333;--line:#999;--card:#fff;--ours:#0b66c3;--cpu:#2e7d32;--other:#8a94a3}body{max-width:none;"
    "padding:0;font-size:11pt}figure svg{min-width:0}section,figure,tr,.tile{break-inside:avoid}section.long{break-inside:auto}"
    ".scroll,figure{overflow:visible}table{font-size:.62rem}td{white-space:normal}th,td{padding:.2em .3em}"
    "th:first-child,td:first-child{min-width:6rem}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

static const char *esc(FILE *to, const char *text) { xml_text(to, text); return ""; }

static void text_at(FILE *to, double x, double y, const char *anchor, const char *class, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s%s%s>", x, y, anchor, *class ? " class=\"" : "", class, *class ? "\"" : "");
    esc(to, text);
    fputs("</text>\n", to);
}

static void key(FILE *to, const char *const names[], int n)
{
    fputs("<ul class=\"key\">", to);
    for (int i = 0; i < n; i++)
        fprintf(to, "<li><i style=\"background:var(--c%d)\"></i>%s</li>", i % 9, names[i]);
    fputs("</ul>\n", to);
}

/* ---- rows of bars: the names and numbers are the page's own text, so that a phone can show them; the bars stretch ------------ */

enum { BAR = 1000 };                   /* units of a bar's width */

static void bar_name(FILE *to, const char *name, const char *value, bool unverified)
{
    fprintf(to, "<div class=\"bar\"><span class=\"n%s\">", unverified ? " u" : "");
    esc(to, name);
    fputs("</span><span class=\"v\">", to);
    esc(to, value);
    fputs("</span><svg class=\"b\" viewBox=\"0 0 1000 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\">", to);
}

static void bar_part(FILE *to, double x, double width, const char *colour, double opacity, const char *what)
{
    fprintf(to, "<rect x=\"%.1f\" y=\"1\" width=\"%.1f\" height=\"14\" fill=\"var(--%s)\"", x, width, colour);
    if (opacity < 1)
        fprintf(to, " fill-opacity=\"%g\"", opacity);
    fputs("><title>", to);
    esc(to, what);
    fputs("</title></rect>", to);
}

/* From @low to @high, with ends. */
static void bar_band(FILE *to, double low, double high)
{
    fprintf(to, "<path d=\"M%.1f 4V12M%.1f 8H%.1fM%.1f 4V12\" stroke=\"var(--fg)\" stroke-width=\"1.5\" vector-effect=\"non-scaling-stroke\" "
            "fill=\"none\"/>", low, low, high, high);
}

static void bar_shares(FILE *to, double width, const double *share, int n, const char *const names[])
{
    double x = 0;

    for (int i = 0; i < n; i++) {
        char colour[8], what[80];

        if (share[i] <= 0)
            continue;
        snprintf(colour, sizeof colour, "c%d", i % 9);
        snprintf(what, sizeof what, "%.40s: %.1f %%", names[i], 100 * share[i]);
        bar_part(to, x, width * share[i], colour, 1, what);
        x += width * share[i];
    }
}

/* ---- devices: latency on a log axis, with the clock's band ------------------------------------------------- */

static void latency_figure(FILE *to, const struct compare *c)
{
    double low = INFINITY, high = 0, scale;

    for (int i = 0; i < c->n_rows; i++) {
        low = fmin(low, c->row[i].low[0]);
        high = fmax(high, c->row[i].high[0]);
    }
    low = pow(10, floor(log10(low)));
    high = pow(10, ceil(log10(high)));
    scale = BAR / log10(high / low);
    fputs("<div class=\"bars\" role=\"img\" aria-label=\"Latency of one inference, by device, on a logarithmic axis\">\n<div class=\"bar\"><div class=\"b ticks\">", to);
    for (double at = low; at <= high * 1.001; at *= 10)
        fprintf(to, "<i style=\"left:%.1f%%\">%s</i>", scale * log10(at / low) / BAR * 100, compare_seconds(at));
    fputs("</div></div>\n", to);
    for (int i = 0; i < c->n_rows; i++) {
        const struct compare_row *r = &c->row[i];
        const char *comma = strstr(r->name, ", preset"), *brace = strstr(r->name, " (");
        const char *end = comma != NULL ? comma : brace != NULL && brace > r->name + 12 ? brace : r->name + strlen(r->name);
        char name[80], value[48];

        snprintf(name, sizeof name, "%.*s", (int)(end - r->name < 70 ? end - r->name : 70), r->name);
        snprintf(value, sizeof value, r->unverified ? "[%s]" : "%s", compare_seconds(r->latency[0]));
        bar_name(to, name, value, r->unverified);
        for (double at = low; at <= high * 1.001; at *= 10)
            fprintf(to, "<line class=\"l\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"16\" vector-effect=\"non-scaling-stroke\"/>", scale * log10(at / low),
                    scale * log10(at / low));
        bar_part(to, 0, fmax(2, scale * log10(r->latency[0] / low)), r->ours ? "ours" : strcmp(r->kind, "measured") == 0 ? "cpu" : "other",
                 r->unverified ? 0.45 : 1, r->name);
        if (r->high[0] > r->low[0] * 1.001)
            bar_band(to, scale * log10(r->low[0] / low), scale * log10(r->high[0] / low));
        fputs("</svg></div>\n", to);
    }
    fputs("</div>\n", to);
}

/* ---- roofline ------------------------------------------------------------------------------------------------ */

static void roofline(FILE *to, const struct compare *c)
{
    const double left = 60, right = 920, top = 20, bottom = 330, peak = c->info.macs_per_cycle, beat = c->info.axi_bytes;
    double x0 = 0.1, x1 = 10 * peak / beat, y0 = peak, y1 = peak * 1.5;

    for (int i = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];

        if (l->cycles <= 0 || l->macs <= 0)
            continue;
        x0 = fmin(x0, l->macs / fmax(1, l->bytes) / 2);
        x1 = fmax(x1, l->macs / fmax(1, l->bytes) * 2);
        y0 = fmin(y0, l->macs / l->cycles / 2);
    }
    x1 = fmin(x1, 1e7);
    const double sx = (right - left) / log10(x1 / x0), sy = (bottom - top) / log10(y1 / y0);

    fprintf(to, "<figure><svg viewBox=\"0 0 960 380\" role=\"img\" aria-label=\"Roofline: each layer by its MACs a byte and MACs a clock\">\n"
            "<rect class=\"l\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"none\"/>\n", left, top, right - left, bottom - top);
    for (double at = pow(10, ceil(log10(x0))); at < x1; at *= 10) {
        char label[32];

        snprintf(label, sizeof label, "%g", at);
        fprintf(to, "<line class=\"l\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"/>\n", left + sx * log10(at / x0), left + sx * log10(at / x0), top, bottom);
        text_at(to, left + sx * log10(at / x0), bottom + 16, "middle", "m", label);
    }
    for (double at = pow(10, ceil(log10(y0))); at < y1; at *= 10) {
        char label[32];

        snprintf(label, sizeof label, "%g", at);
        fprintf(to, "<line class=\"l\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", left, right, bottom - sy * log10(at / y0), bottom - sy * log10(at / y0));
        text_at(to, left - 6, bottom - sy * log10(at / y0) + 4, "end", "m", label);
    }
    {
        const double knee = peak / beat, yk = bottom - sy * log10(peak / y0), xk = left + sx * log10(fmax(knee, x0) / x0);
        const double xs = fmax(x0, y0 / beat), ys = bottom - sy * log10(fmax(y0, xs * beat) / y0);

        fprintf(to, "<polyline points=\"%.1f,%.1f %.1f,%.1f %.0f,%.1f\" fill=\"none\" stroke=\"var(--c0)\" stroke-width=\"2\"/>\n",
                left + sx * log10(xs / x0), ys, xk, yk, right, yk);
    }
    for (int i = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];
        const double x = fmin(l->macs / fmax(1, l->bytes), x1);

        if (l->cycles <= 0 || l->macs <= 0)
            continue;
        fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"var(--c%d)\" fill-opacity=\".75\"><title>", left + sx * log10(x / x0),
                bottom - sy * log10(l->macs / l->cycles / y0), 4 + 5 * sqrt(l->cycles / (double)c->cycles),
                strncmp(l->op, "DEPTH", 5) == 0 ? 1 : strncmp(l->op, "FULLY", 5) == 0 ? 2 : 0);
        esc(to, l->name);
        fprintf(to, ": %.1f MACs a byte, %.1f MACs a clock</title></circle>\n", l->macs / fmax(1, l->bytes), l->macs / l->cycles);
    }
    text_at(to, (left + right) / 2, bottom + 38, "middle", "m", "MACs a byte of device memory (counted)");
    fprintf(to, "<text class=\"m\" transform=\"translate(14 %.0f) rotate(-90)\" text-anchor=\"middle\">MACs a clock (counted)</text>\n", (top + bottom) / 2);
    fputs("</svg></figure>\n", to);
    key(to, (const char *const[]){"convolution", "depthwise", "fully connected"}, 3);
}

/* ---- stacked bars ---------------------------------------------------------------------------------------------- */

static void stack(FILE *to, double x, double y, double width, double height, const double *share, int n, const char *const names[])
{
    for (int i = 0; i < n; i++) {
        if (share[i] <= 0)
            continue;
        fprintf(to, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"var(--c%d)\"><title>%s: %.1f %%</title></rect>\n", x, y,
                width * share[i], height, i % 9, names[i], 100 * share[i]);
        x += width * share[i];
    }
}

static void layers_figure(FILE *to, const struct compare *c)
{
    fputs("<div class=\"bars\" style=\"--v:10rem\" role=\"img\" aria-label=\"Where the clocks of each layer go\">\n", to);
    for (int i = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];
        char value[80];

        if (l->cycles <= 0)
            continue;
        snprintf(value, sizeof value, "%.1f %%, %s clocks", 100 * l->utilization, cli_count((uint64_t)l->cycles));
        bar_name(to, l->name, value, false);
        bar_shares(to, BAR, l->stall, COMPARE_STALLS, compare_stall_names);
        fputs("</svg></div>\n", to);
    }
    fputs("</div>\n", to);
    key(to, compare_stall_names, COMPARE_STALLS);
}

static const char *const level_names[] = {"MAC", "PE spads", "links", "accumulators", "output stage", "global buffer", "filter buffer", "DRAM"};
_Static_assert(sizeof level_names / sizeof level_names[0] == RS_N_ENERGY, "a name a level");

static void energy_figure(FILE *to, const struct compare *c)
{
    fputs("<div class=\"bars\" style=\"--v:0\" role=\"img\" aria-label=\"Energy of one inference by level, under each table of costs\">\n", to);
    for (int i = 0; i < c->n_tables; i++) {
        const struct rs_energy *e = &c->energy_of[i][1];
        const bool pj = strcmp(c->table[i].unit, "pJ") == 0;
        const double unit = pj ? 1e-12 : 1, full = BAR * e->total / fmax(e->high, e->total);
        double share[RS_N_ENERGY];
        char label[200], value[120];

        for (int l = 0; l < RS_N_ENERGY; l++)
            share[l] = e->level[l] / e->total;
        snprintf(label, sizeof label, "%s%s", c->table[i].title, c->table[i].worst == RS_RECALL ? " [unverified]" : "");
        snprintf(value, sizeof value, "%s (%s to %s); DRAM at 1/2: %+.0f %%, at 2: %+.0f %%", compare_number(e->total * unit, pj ? "J" : "MAC"),
                 compare_number(e->low * unit, pj ? "J" : "MAC"), compare_number(e->high * unit, pj ? "J" : "MAC"),
                 100 * (c->energy_of[i][0].total / e->total - 1), 100 * (c->energy_of[i][2].total / e->total - 1));
        bar_name(to, label, "", false);
        bar_shares(to, full, share, RS_N_ENERGY, level_names);
        if (e->high > e->low)
            bar_band(to, full * e->low / e->total, full * e->high / e->total);
        fprintf(to, "</svg><span class=\"c\">%s</span></div>\n", value);
    }
    fputs("</div>\n", to);
    key(to, level_names, RS_N_ENERGY);
}

static void layer_energy_figure(FILE *to, const struct compare *c)
{
    const bool pj = strcmp(c->table[0].unit, "pJ") == 0;
    double most = 0;

    for (int i = 0; i < c->n_layers; i++) {
        double sum = 0;

        for (int l = 0; l < RS_N_ENERGY; l++)
            sum += c->layer[i].energy[l];
        most = fmax(most, sum);
    }
    fputs("<div class=\"bars\" role=\"img\" aria-label=\"Energy of each layer by level\">\n", to);
    for (int i = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];
        double share[RS_N_ENERGY], sum = 0;

        if (l->cycles <= 0)
            continue;
        for (int k = 0; k < RS_N_ENERGY; k++) {
            share[k] = l->energy[k] / most;
            sum += l->energy[k];
        }
        bar_name(to, l->name, compare_number(sum * (pj ? 1e-12 : 1), pj ? "J" : "MAC"), false);
        bar_shares(to, BAR, share, RS_N_ENERGY, level_names);
        fputs("</svg></div>\n", to);
    }
    fputs("</div>\n", to);
    key(to, level_names, RS_N_ENERGY);
}

static void amdahl_figure(FILE *to, const struct compare *c)
{
    static const char *const parts[] = {"host", "transfers", "array"};
    const double all = c->part[0] + c->part[1] + c->part[2], left = 60, right = 920, top = 60, bottom = 230;
    const double share[3] = {c->part[0] / all, c->part[1] / all, c->part[2] / all}, bound = all / fmax(1e-12, c->part[0] + c->part[1]);
    const double most = fmin(fmax(2, bound * 1.15), 64);

    fputs("<figure><svg viewBox=\"0 0 960 270\" role=\"img\" aria-label=\"Where an inference goes, and Amdahl's bound\">\n", to);
    stack(to, 0, 4, 960, 22, share, 3, parts);
    for (int i = 0; i < 3; i++) {
        char label[64];

        snprintf(label, sizeof label, "%s %s, %.0f %%", parts[i], compare_seconds(c->part[i]), 100 * share[i]);
        text_at(to, 330 * i, 44, "start", "m", label);
    }
    fprintf(to, "<rect class=\"l\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"none\"/>\n<polyline fill=\"none\" stroke=\"var(--c2)\" "
            "stroke-width=\"2\" points=\"", left, top, right - left, bottom - top);
    for (int i = 0; i <= 60; i++) {
        const double faster = pow(2, i / 10.0), speed = all / (c->part[0] + c->part[1] + c->part[2] / faster);

        fprintf(to, "%.1f,%.1f ", left + (right - left) * i / 60, bottom - (bottom - top) * (fmin(speed, most) - 1) / (most - 1));
    }
    fputs("\"/>\n", to);
    for (int i = 0; i <= 6; i++) {
        char label[16];

        snprintf(label, sizeof label, "%dx", 1 << i);
        text_at(to, left + (right - left) * i / 6, bottom + 16, "middle", "m", label);
    }
    {
        char label[64];

        snprintf(label, sizeof label, "%.1fx", most);
        text_at(to, left - 6, top + 10, "end", "m", label);
        text_at(to, left - 6, bottom, "end", "m", "1x");
        snprintf(label, sizeof label, "the whole gets at most %.1f times faster", bound);
        text_at(to, right - 8, top + 16, "end", "", label);
        text_at(to, (left + right) / 2, bottom + 34, "middle", "m", "array this much faster");
    }
    fputs("</svg></figure>\n", to);
    key(to, parts, 3);
}

/* ---- the page ----------------------------------------------------------------------------------------------------- */

/* "Alveo U50", and under it what comes after the first comma. */
static void device_name(FILE *to, const char *name)
{
    const char *comma = strstr(name, ", ");
    char first[161];

    snprintf(first, sizeof first, "%.*s", (int)(comma != NULL ? comma - name : 160), name);
    esc(to, first);
    if (comma == NULL)
        return;
    fputs("<small>", to);
    esc(to, comma + 2);
    fputs("</small>", to);
}

static void device_table(FILE *to, const struct compare *c)
{
    fputs("<div class=\"scroll\"><table><thead><tr><th>device</th><th>number is</th>", to);
    for (int b = 0; b < c->n_batches; b++)
        fprintf(to, "<th>latency, batch %d</th><th>inferences/s</th>", c->batch[b]);
    fputs("<th>board energy, inference</th><th>$ a million</th></tr></thead><tbody>\n", to);
    for (int i = 0; i < c->n_rows; i++) {
        const struct compare_row *r = &c->row[i];
        const char *open = r->unverified ? "[" : "", *close = r->unverified ? "]" : "";

        fprintf(to, "<tr class=\"%s\"><td>", r->ours ? "ours" : r->unverified ? "unverified" : "");
        device_name(to, r->name);
        fprintf(to, "</td><td>%s</td>", r->kind);
        for (int b = 0; b < c->n_batches; b++)
            fprintf(to, "<td>%s%s%s</td><td>%s%s%s</td>", open, compare_seconds(r->latency[b]), close, open,
                    compare_number(r->throughput[b], ""), close);
        if (isfinite(r->joules[0]))
            fprintf(to, "<td>%s%s%s</td>", open, compare_number(r->joules[0], "J"), close);
        else
            fputs("<td>-</td>", to);
        if (isfinite(r->dollars))
            fprintf(to, "<td>%s%.4g%s</td></tr>\n", open, r->dollars, close);
        else
            fputs("<td>-</td></tr>\n", to);
    }
    fputs("</tbody></table></div>\n", to);
}

static void tile(FILE *to, const char *number, const char *what)
{
    fputs("<div class=\"tile\"><b>", to);
    esc(to, number);
    fputs("</b><span>", to);
    esc(to, what);
    fputs("</span></div>\n", to);
}

static void tiles(FILE *to, const struct compare *c)
{
    const double all = c->part[0] + c->part[1] + c->part[2], known = c->part[2] + c->host_seconds;
    char number[64], what[160];

    fputs("<div class=\"tiles\">\n", to);
    if (known > 0) {
        snprintf(what, sizeof what, "one inference: clocks counted, %g MHz assumed, host's operations measured", c->clock.value);
        tile(to, compare_seconds(known), what);
        snprintf(number, sizeof number, "%.3g x", c->cpu_seconds / known);
        snprintf(what, sizeof what, "of this machine's CPU on one thread, %s measured", compare_seconds(c->cpu_seconds));
        tile(to, number, what);
    }
    snprintf(number, sizeof number, "%.1f %%", 100 * (c->macs - c->macs_cpu) / ((double)c->info.macs_per_cycle * (double)c->cycles));
    snprintf(what, sizeof what, "of the array's %u MACs a clock, %s clocks counted", c->info.macs_per_cycle, cli_count(c->cycles));
    tile(to, number, what);
    if (c->part[0] + c->part[1] > 0) {
        snprintf(number, sizeof number, "%.3g x at most", all / (c->part[0] + c->part[1]));
        tile(to, number, "is what a faster array could still bring: driver and link [estimated] stay");
    }
    fputs("</div>\n", to);
}

void compare_html(FILE *to, const struct compare *c)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
          "<meta name=\"color-scheme\" content=\"light dark\"><title>", to);
    esc(to, c->name);
    fprintf(to, " - rowstation compare</title>\n<style>%s</style></head><body>\n<h1>", style);
    esc(to, c->name);
    fprintf(to, "</h1>\n<p class=\"mute\">%s MACs; array %s, %u x %u PEs; rowstation %s. The clock of %g MHz is an assumption, shown as a band %g "
            "to %g.</p>\n", cli_count((uint64_t)c->macs), c->info.target, c->info.rows, c->info.cols, rs_version(), c->clock.value,
            c->clock.low, c->clock.high);
    tiles(to, c);
    fputs("<ul class=\"said\">\n", to);
    for (int i = 0; i < c->n_headlines; i++) {
        fputs("<li>", to);
        esc(to, c->headline[i]);
        fputs("</li>\n", to);
    }
    fputs("</ul>\n<section><h2>One inference, by device</h2>\n", to);
    latency_figure(to, c);
    fputs("<p class=\"mute\">Counted: cycles from the hardware's counters at the assumed clock, the thin line is its band. Measured: here. "
          "Modelled: roofline and overheads. In brackets: rests on numbers nobody verified; no headline uses them.</p></section>\n<section class=\"long\"><h2>All numbers</h2>\n", to);
    device_table(to, c);
    fputs("</section>\n<section><h2>Where an inference goes</h2>\n", to);
    amdahl_figure(to, c);
    fputs("<p class=\"mute\">Array: counted clocks at the assumed clock. Host: measured operations and an estimated start. Transfers: modelled.</p>"
          "</section>\n<section><h2>Roofline of the array</h2>\n", to);
    roofline(to, c);
    fputs("<p class=\"mute\">The line is the array's peak and its memory port; a circle is a layer, its size its share of the clocks. A layer whose "
          "operands stayed on the chip lies right of where memory binds; layers overlap, and one that began under its predecessor's end may "
          "stand above the peak.</p></section>\n<section class=\"long\"><h2>Where the clocks go, layer by layer</h2>\n", to);
    layers_figure(to, c);
    fputs("<p class=\"mute\">Counted; each bar is all clocks of its layer; the number is the share of the array's MACs in use.</p></section>\n"
          "<section><h2>Energy of the array</h2>\n", to);
    energy_figure(to, c);
    fprintf(to, "<p class=\"mute\">Counted accesses times three tables; the lines are the tables' own bands. %.0f %% of the MACs were gated by a "
            "zero activation, counted. Board power is apart: in the table above, idle power included.</p>\n",
            100 * (double)c->counters.macs_gated / fmax(1, (double)c->counters.macs));
    fputs("</section>\n<section class=\"long\"><h2>Energy by layer</h2>\n", to);
    layer_energy_figure(to, c);
    fprintf(to, "<p class=\"mute\">%s.</p></section>\n</body></html>\n", c->table[0].title);
}
