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
    "body{background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:64rem;padding:1rem}\n"
    "h1{font-size:1.6rem;margin:.2em 0}h2{font-size:1.2rem;margin:1.6em 0 .4em}p{margin:.4em 0}.mute{color:var(--mute);font-size:.9rem}\n"
    "ul{padding-left:1.2em}figure{margin:0;overflow-x:auto}svg{width:100%;min-width:42rem;height:auto;display:block}svg text{fill:var(--fg);font:12px system-ui,sans-serif}\n"
    "svg .m{fill:var(--mute)}svg .l{stroke:var(--line)}.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;width:100%}\n"
    "th,td{padding:.25em .6em;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left;white-space:normal;min-width:11rem}tr.ours td{color:var(--ours);font-weight:600}\n"
    "tr.unverified td{color:var(--mute)}.key{display:flex;flex-wrap:wrap;gap:.2em 1em;font-size:.85rem;padding:0;list-style:none}\n"
    ".key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}\n"
    "@media print{svg{min-width:0}:root{--bg:#fff;--fg:#000;--mute:#333;--line:#999;--card:#fff}figure,tr{break-inside:avoid}.scroll{overflow:visible}"
    "table{font-size:.62rem}th,td{white-space:normal;padding:.2em .3em}th:first-child,td:first-child{min-width:7rem}}\n";

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

/* ---- devices: latency on a log axis, with the clock's band ------------------------------------------------- */

static void latency_figure(FILE *to, const struct compare *c)
{
    const double left = 360, right = 870, row = 22, top = 26;
    double low = INFINITY, high = 0;

    for (int i = 0; i < c->n_rows; i++) {
        low = fmin(low, c->row[i].low[0]);
        high = fmax(high, c->row[i].high[0]);
    }
    low = pow(10, floor(log10(low)));
    high = pow(10, ceil(log10(high)));
    const double scale = (right - left) / log10(high / low), height = top + row * c->n_rows + 14;

    fprintf(to, "<figure><svg viewBox=\"0 0 960 %.0f\" role=\"img\" aria-label=\"Latency of one inference, by device\">\n", height);
    for (double at = low; at <= high * 1.001; at *= 10) {
        const double x = left + scale * log10(at / low);

        fprintf(to, "<line class=\"l\" x1=\"%.1f\" y1=\"%.0f\" x2=\"%.1f\" y2=\"%.0f\"/>\n", x, top - 6, x, height - 8);
        text_at(to, x, top - 12, "middle", "m", compare_seconds(at));
    }
    for (int i = 0; i < c->n_rows; i++) {
        const struct compare_row *r = &c->row[i];
        const double y = top + row * i, x = left + scale * log10(r->latency[0] / low);
        char name[56];

        snprintf(name, sizeof name, "%.50s%s", r->name, strlen(r->name) > 50 && strstr(r->name, ", preset") == NULL ? "..." : "");
        if (strstr(name, ", preset") != NULL)
            *strstr(name, ", preset") = '\0';
        text_at(to, left - 8, y + 14, "end", r->unverified ? "m" : "", name);
        fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" rx=\"2\" fill=\"var(--%s)\"%s><title>", left, y + 3,
                fmax(1, x - left), r->ours ? "ours" : strcmp(r->kind, "measured") == 0 ? "cpu" : "other",
                r->unverified ? " fill-opacity=\".45\"" : "");
        esc(to, r->name);
        fprintf(to, "</title></rect>\n");
        if (r->high[0] > r->low[0] * 1.001)
            fprintf(to, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"var(--fg)\" stroke-width=\"1.5\"/>\n",
                    left + scale * log10(r->low[0] / low), left + scale * log10(r->high[0] / low), y + 10, y + 10);
        {
            char label[48];

            snprintf(label, sizeof label, r->unverified ? "[%s]" : "%s", compare_seconds(r->latency[0]));
            text_at(to, fmax(x, left + scale * log10(r->high[0] / low)) + 6, y + 14, "start", r->unverified ? "m" : "", label);
        }
    }
    fputs("</svg></figure>\n", to);
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
    const double row = 17;
    int shown = 0;

    for (int i = 0; i < c->n_layers; i++)
        shown += c->layer[i].cycles > 0;
    fprintf(to, "<figure><svg viewBox=\"0 0 960 %.0f\" role=\"img\" aria-label=\"Where the clocks of each layer go\">\n", row * shown + 8);
    for (int i = 0, at = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];
        char label[80], name[28];

        if (l->cycles <= 0)
            continue;
        snprintf(name, sizeof name, "%.26s", strlen(l->name) > 26 ? l->name + strlen(l->name) - 26 : l->name);
        text_at(to, 200, row * at + 13, "end", "", name);
        stack(to, 208, row * at + 2, 560, row - 4, l->stall, COMPARE_STALLS, compare_stall_names);
        snprintf(label, sizeof label, "%.1f %%, %s clocks", 100 * l->utilization, cli_count((uint64_t)l->cycles));
        text_at(to, 776, row * at + 13, "start", "m", label);
        at++;
    }
    fputs("</svg></figure>\n", to);
    key(to, compare_stall_names, COMPARE_STALLS);
}

static const char *const level_names[] = {"MAC", "PE spads", "links", "accumulators", "output stage", "global buffer", "filter buffer", "DRAM"};
_Static_assert(sizeof level_names / sizeof level_names[0] == RS_N_ENERGY, "a name a level");

static void energy_figure(FILE *to, const struct compare *c)
{
    fprintf(to, "<figure><svg viewBox=\"0 0 960 %d\" role=\"img\" aria-label=\"Energy of one inference by level\">\n", 74 * c->n_tables);
    for (int i = 0; i < c->n_tables; i++) {
        const struct rs_energy *e = &c->energy_of[i][1];
        const bool pj = strcmp(c->table[i].unit, "pJ") == 0;
        const double unit = pj ? 1e-12 : 1, full = 720 * e->total / fmax(e->high, e->total), y = 74 * i;
        double share[RS_N_ENERGY];
        char label[160];

        for (int l = 0; l < RS_N_ENERGY; l++)
            share[l] = e->level[l] / e->total;
        snprintf(label, sizeof label, "%s%s", c->table[i].title, c->table[i].worst == RS_RECALL ? " [unverified]" : "");
        text_at(to, 0, y + 14, "start", "", label);
        stack(to, 0, y + 22, full, 20, share, RS_N_ENERGY, level_names);
        if (e->high > e->low)
            fprintf(to, "<path d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1fM%.1f %.1fV%.1f\" stroke=\"var(--fg)\" stroke-width=\"1.5\"/>\n",
                    full * e->low / e->total, y + 26, y + 38, full * e->low / e->total, y + 32, full * e->high / e->total,
                    full * e->high / e->total, y + 26, y + 38);
        snprintf(label, sizeof label, "%s (%s to %s); DRAM at 1/2: %+.0f %%, at 2: %+.0f %%", compare_number(e->total * unit, pj ? "J" : "MAC"),
                 compare_number(e->low * unit, pj ? "J" : "MAC"), compare_number(e->high * unit, pj ? "J" : "MAC"),
                 100 * (c->energy_of[i][0].total / e->total - 1), 100 * (c->energy_of[i][2].total / e->total - 1));
        text_at(to, 0, y + 58, "start", "m", label);
    }
    fputs("</svg></figure>\n", to);
    key(to, level_names, RS_N_ENERGY);
}

static void layer_energy_figure(FILE *to, const struct compare *c)
{
    const double row = 17;
    double most = 0;
    int shown = 0;

    for (int i = 0; i < c->n_layers; i++) {
        double sum = 0;

        for (int l = 0; l < RS_N_ENERGY; l++)
            sum += c->layer[i].energy[l];
        most = fmax(most, sum);
        shown += c->layer[i].cycles > 0;
    }
    fprintf(to, "<figure><svg viewBox=\"0 0 960 %.0f\" role=\"img\" aria-label=\"Energy of each layer by level\">\n", row * shown + 8);
    for (int i = 0, at = 0; i < c->n_layers; i++) {
        const struct compare_layer *l = &c->layer[i];
        double share[RS_N_ENERGY];
        char name[28];

        if (l->cycles <= 0)
            continue;
        for (int k = 0; k < RS_N_ENERGY; k++)
            share[k] = l->energy[k] / most;
        snprintf(name, sizeof name, "%.26s", strlen(l->name) > 26 ? l->name + strlen(l->name) - 26 : l->name);
        text_at(to, 200, row * at + 13, "end", "", name);
        stack(to, 208, row * at + 2, 740, row - 4, share, RS_N_ENERGY, level_names);
        at++;
    }
    fputs("</svg></figure>\n", to);
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
        esc(to, r->name);
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

void compare_html(FILE *to, const struct compare *c)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
          "<meta name=\"color-scheme\" content=\"light dark\"><title>", to);
    esc(to, c->name);
    fprintf(to, " - rowstation compare</title>\n<style>%s</style></head><body>\n<h1>", style);
    esc(to, c->name);
    fprintf(to, "</h1>\n<p class=\"mute\">%s MACs; array %s, %u x %u PEs; rowstation %s. The clock of %g MHz is an assumption, shown as a band %g "
            "to %g.</p>\n<ul>\n", cli_count((uint64_t)c->macs), c->info.target, c->info.rows, c->info.cols, rs_version(), c->clock.value,
            c->clock.low, c->clock.high);
    for (int i = 0; i < c->n_headlines; i++) {
        fputs("<li>", to);
        esc(to, c->headline[i]);
        fputs("</li>\n", to);
    }
    fputs("</ul>\n<section><h2>One inference, by device</h2>\n", to);
    latency_figure(to, c);
    fputs("<p class=\"mute\">Counted: cycles from the hardware's counters at the assumed clock, the black line is its band. Measured: here. "
          "Modelled: roofline and overheads. In brackets: rests on numbers nobody verified; no headline uses them.</p></section>\n<section>\n", to);
    device_table(to, c);
    fputs("</section>\n<section><h2>Where an inference goes</h2>\n", to);
    amdahl_figure(to, c);
    fputs("<p class=\"mute\">Array: counted clocks at the assumed clock. Host: measured operations and an estimated start. Transfers: modelled.</p>"
          "</section>\n<section><h2>Roofline of the array</h2>\n", to);
    roofline(to, c);
    fputs("<p class=\"mute\">The line is the array's peak and its memory port; a circle is a layer, its size its share of the clocks. A layer whose "
          "operands stayed on the chip lies right of where memory binds; layers overlap, and one that began under its predecessor's end may "
          "stand above the peak.</p></section>\n<section><h2>Where the clocks go, layer by layer</h2>\n", to);
    layers_figure(to, c);
    fputs("<p class=\"mute\">Counted; each bar is all clocks of its layer; the number is the share of the array's MACs in use.</p></section>\n"
          "<section><h2>Energy of the array</h2>\n", to);
    energy_figure(to, c);
    fprintf(to, "<p class=\"mute\">Counted accesses times three tables; the lines are the tables' own bands. %.0f %% of the MACs were gated by a "
            "zero activation, counted. Board power is apart: in the table above, idle power included.</p>\n",
            100 * (double)c->counters.macs_gated / fmax(1, (double)c->counters.macs));
    fputs("<h2>Energy by layer</h2>\n", to);
    layer_energy_figure(to, c);
    fprintf(to, "<p class=\"mute\">%s.</p></section>\n</body></html>\n", c->table[0].title);
}
