/*
 * dataflow.c - closed forms of six dataflows, and the search over their blockings.
 *
 * I = G*N*C*H*W, W_ = G*M*C*R*S, O = G*N*M*E*F; av = E/H, ah = F/W; a tile of f ofmap columns reads w = U*f + S - U ifmap
 * columns, so the ifmap crosses a level (ah / (f/w)) times as often as it has useful pixels.
 */
#include "dataflow.h"
#include <math.h>
#include <string.h>

const char *rs_flow_name(enum rs_flow flow)
{
    static const char *const names[] = {"RS", "WS", "OSA", "OSB", "OSC", "NLR"};

    return names[flow];
}

const char *rs_flow_level_name(enum rs_flow_level level)
{
    static const char *const names[] = {"ALU", "DRAM", "GLB", "array", "RF"};

    return names[level];
}

/* ---- memories under one area ------------------------------------------------------------------------- */

static double area_of(const struct rs_flow_area *a, double bytes)
{
    int i = 0;

    if (bytes <= a->bytes[0])
        return a->area_per_byte[0] * bytes;
    if (bytes >= a->bytes[a->n - 1])
        return a->area_per_byte[a->n - 1] * bytes;
    while (bytes > a->bytes[i + 1])
        i++;
    return bytes * (a->area_per_byte[i] + (a->area_per_byte[i + 1] - a->area_per_byte[i]) *
                    (bytes - a->bytes[i]) / (a->bytes[i + 1] - a->bytes[i]));
}

/* Bytes that fit @area: area_of() rises, so by halving. */
static double bytes_in(const struct rs_flow_area *a, double area)
{
    double low = 0, high = 1;

    while (area_of(a, high) < area)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        const double middle = (low + high) / 2;

        if (area_of(a, middle) <= area)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void rs_flow_machine(const struct rs_flow_area *area, enum rs_flow flow, int64_t J, struct rs_flow_machine *m)
{
    const double total = (double)J * area_of(area, area->budget_rf_bytes) + area_of(area, (double)J * area->budget_rf_bytes);
    const double left = total - (double)J * area_of(area, area->rf_bytes[flow]);

    m->J = J;
    m->glb_bytes = left > 0 ? bytes_in(area, left) : 0;
    m->glb_words = (int64_t)(m->glb_bytes / area->word_bytes + 1e-6);        /* the halving ends just below a whole number */
    m->rf_words = (int64_t)(area->rf_bytes[flow] / area->word_bytes);
}

/* ---- one blocking ------------------------------------------------------------------------------------ */

struct search {
    const struct rs_flow_layer *l;
    const struct rs_flow_energy *cost;
    struct rs_flow_fixed fix;
    int64_t N, J, Q, RF;
    double I, W, O, av, ah, macs;
    struct rs_flow_result *best;
};

static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* The next value after @v that makes ceil(@total / v) smaller; past @total: the end. */
static int64_t next_ceil(int64_t total, int64_t v)
{
    const int64_t c = up(total, v);

    return c <= 1 ? total + 1 : up(total, c - 1);
}

/* Ifmap columns of f ofmap columns, and the ratio to useful ones. */
static int64_t span(int64_t tile, int64_t U, int64_t S) { return U * tile + S - U; }
static double again(double alpha, int64_t tile, int64_t U, int64_t S) { return alpha * (double)span(tile, U, S) / (double)tile; }

static void consider(struct search *s, double dram, double glb, double array, double rf, const struct rs_flow_result *blocking)
{
    const double accesses[RS_N_LEVELS] = {s->macs, dram, glb, array, rf};
    double energy = 0;

    for (int i = 0; i < RS_N_LEVELS; i++)
        energy += accesses[i] * s->cost->level[i];
    if (s->best->feasible && energy >= s->best->energy)
        return;
    *s->best = *blocking;
    s->best->feasible = true;
    s->best->energy = energy;
    s->best->macs = s->macs;
    for (int i = 0; i < RS_N_LEVELS; i++) {
        s->best->accesses[i] = accesses[i];
        s->best->level[i] = accesses[i] * s->cost->level[i];
    }
}

/* First and next value of a variable that is free or fixed. */
static int64_t first_of(int64_t fixed) { return fixed != 0 ? fixed : 1; }

#define FOR_CEIL(v, total, fixed) \
    for (int64_t v = first_of(least(fixed, total)); v <= (total); v = (fixed) != 0 ? (total) + 1 : next_ceil(total, v))
#define FOR_ALL(v, max, total, fixed) \
    for (int64_t v = first_of(least(fixed, total)); v <= (max); v = (fixed) != 0 ? (max) + 1 : v + 1)

static int64_t most_m(const struct search *s, int64_t room)      /* filters that fit, with what is fixed; 0: none */
{
    const int64_t m = least(room, s->l->M), want = least(s->fix.m, s->l->M);

    return want == 0 ? m : want <= m ? want : 0;
}

/* n*m*E*f + n*q*r*H*w <= Q; R*f*r*t <= J; p*q*S + q*S + p <= RF; q*r <= C; p*t <= m. */
static void row_stationary(struct search *s)
{
    const struct rs_flow_layer *l = s->l;

    FOR_CEIL(n, s->N, s->fix.n)
        FOR_ALL(f, least(l->F, s->J / l->R), l->F, s->fix.f) {
            const int64_t w = span(f, l->U, l->S), room = s->J / (l->R * f);
            const double over = again(s->ah, f, l->U, l->S);

            for (int64_t q = 1; q <= l->C; q = next_ceil(l->C, q)) {
                const int64_t p_room = (s->RF - q * l->S) / (q * l->S + 1);

                if (p_room < 1)
                    break;
                for (int64_t r = 1; r <= room && q * r <= l->C; r++) {
                    const int64_t left = s->Q - n * q * r * l->H * w, m = left > 0 ? most_m(s, left / (n * l->E * f)) : 0;

                    if (m < 1)
                        break;
                    for (int64_t t = 1; t <= room / r && t <= m; t++) {
                        const int64_t p = least(p_room, m / t);
                        const double dram = s->W * (double)(up(s->N, n) * up(l->F, f)) + s->I * (double)up(l->M, m) * over + s->O;
                        const double glb = s->I * (double)up(l->M, p * t) * over + 2 * s->O * (double)(up(l->C, q * r) - 1);
                        const double array = s->W * (double)(up(s->N, n) * l->F) +
                                             s->I * (double)(up(l->M, p) * l->S) * s->ah +
                                             2 * s->O * (double)(up(l->C, q) * l->R - up(l->C, q * r));
                        const double rf = 2 * s->macs + 2 * s->O * (double)(l->C * l->R * l->S - up(l->C, q) * l->R);

                        consider(s, dram, glb, array, rf, &(struct rs_flow_result){.active_pes = l->R * f * r * t, .m = m, .n = n,
                                 .f = f, .p = p, .q = q, .r = r, .t = t});
                    }
                }
            }
        }
}

/* N*t*E*F + r*t*(w - S)*(R - 1) <= Q; r*t*R*S <= J.  All images pass while a weight stays. */
static void weight_stationary(struct search *s)
{
    const struct rs_flow_layer *l = s->l;
    const int64_t room = s->J / (l->R * l->S);

    if (s->fix.n != 0 && s->fix.n < s->N)
        return;
    FOR_CEIL(t, l->M, s->fix.m)
        FOR_ALL(f, l->F, l->F, s->fix.f) {
            const int64_t w = span(f, l->U, l->S), psums = s->N * t * l->E * l->F;
            const double over = again(s->ah, f, l->U, l->S);

            for (int64_t r = 1; r <= l->C && r * t <= room; r = next_ceil(l->C, r)) {
                const double psum_trips = (double)(up(l->C, r) * l->R);

                if (psums + r * t * (w - l->S) * (l->R - 1) > s->Q)
                    break;
                consider(s, s->W + s->I * (double)up(l->M, t) * over + s->O, 2 * s->O * (psum_trips - 1),
                         s->macs + 2 * s->O * ((double)(l->C * l->R * l->S) - psum_trips), s->macs,
                         &(struct rs_flow_result){.active_pes = l->R * l->S * r * t, .t = t, .f = f, .r = r});
            }
        }
}

static double psum_rf(const struct search *s) { return 2 * s->O * (double)(s->l->C * s->l->R * s->l->S - 1); }

/* m*C*R*S + n*C*h*w <= Q; n*e*f <= J. */
static void output_stationary_a(struct search *s)
{
    const struct rs_flow_layer *l = s->l;

    FOR_CEIL(n, s->N, s->fix.n)
        for (int64_t e = 1; e <= l->E && n * e <= s->J; e++)
            FOR_ALL(f, least(l->F, s->J / (n * e)), l->F, s->fix.f) {
                const int64_t left = s->Q - n * l->C * span(e, l->U, l->R) * span(f, l->U, l->S);
                const int64_t m = left > 0 ? most_m(s, left / (l->C * l->R * l->S)) : 0;
                const double over = again(s->av, e, l->U, l->R) * again(s->ah, f, l->U, l->S);

                if (m < 1)
                    break;
                consider(s, s->W + s->I * (double)up(l->M, m) * over + s->O,
                         s->W * (double)(up(s->N, n) * up(l->E, e) * up(l->F, f)) + s->I * (double)l->M * over, 2 * s->macs,
                         psum_rf(s), &(struct rs_flow_result){.active_pes = n * e * f, .m = m, .n = n, .e = e, .f = f});
            }
}

/* m*C*R*S + n*C*R*w <= Q; n*p*f <= J; p <= m. */
static void output_stationary_b(struct search *s)
{
    const struct rs_flow_layer *l = s->l;

    FOR_CEIL(n, s->N, s->fix.n)
        FOR_ALL(f, least(l->F, s->J / n), l->F, s->fix.f) {
            const int64_t left = s->Q - n * l->C * l->R * span(f, l->U, l->S);
            const int64_t m = left > 0 ? most_m(s, left / (l->C * l->R * l->S)) : 0, p = least(s->J / (n * f), m);
            const double over = again(s->ah, f, l->U, l->S) * (double)l->R * s->av;

            if (m < 1)
                break;
            consider(s, s->W + s->I * (double)up(l->M, m) * over + s->O,
                     s->W * (double)(up(s->N, n) * l->E * up(l->F, f)) + s->I * (double)up(l->M, p) * over, 2 * s->macs,
                     psum_rf(s), &(struct rs_flow_result){.active_pes = n * p * f, .m = m, .n = n, .f = f, .p = p});
        }
}

/* (m + n)*C*R*S <= Q; n*p <= J; p <= m.  One pixel at a time: f plays no part. */
static void output_stationary_c(struct search *s)
{
    const struct rs_flow_layer *l = s->l;
    const double over = (double)(l->R * l->S) * s->av * s->ah;

    FOR_CEIL(n, s->N, s->fix.n) {
        const int64_t m = most_m(s, s->Q / (l->C * l->R * l->S) - n), p = least(s->J / n, m);

        if (m < 1 || p < 1)
            break;
        consider(s, s->W + s->I * (double)up(l->M, m) * over + s->O,
                 s->W * (double)(up(s->N, n) * l->E * l->F) + s->I * (double)up(l->M, p) * over, 2 * s->macs, psum_rf(s),
                 &(struct rs_flow_result){.active_pes = n * p, .m = m, .n = n, .p = p});
    }
}

/* n*q*h*w + m*q*R*S + n*m*e*f <= Q; p*q <= J; p <= m. */
static void no_local_reuse(struct search *s)
{
    const struct rs_flow_layer *l = s->l;

    FOR_CEIL(n, s->N, s->fix.n)
        for (int64_t e = 1; e <= l->E; e++)
            FOR_ALL(f, l->F, l->F, s->fix.f) {
                const int64_t hw = span(e, l->U, l->R) * span(f, l->U, l->S);
                const double over = again(s->av, e, l->U, l->R) * again(s->ah, f, l->U, l->S);

                for (int64_t q = 1; q <= l->C && q <= s->J; q = next_ceil(l->C, q)) {
                    const int64_t left = s->Q - n * q * hw, m = left > 0 ? most_m(s, left / (q * l->R * l->S + n * e * f)) : 0;
                    const int64_t p = least(s->J / q, m);
                    const double trips = (double)(up(l->C, q) * l->R * l->S);

                    if (m < 1)
                        break;
                    consider(s, s->W * (double)(up(s->N, n) * up(l->E, e) * up(l->F, f)) + s->I * (double)up(l->M, m) * over + s->O,
                             s->macs + s->I * (double)(up(l->M, p) * l->R * l->S) * s->av * s->ah + 2 * s->O * (trips - 1),
                             s->macs + 2 * s->O * ((double)(l->C * l->R * l->S) - trips), 0,
                             &(struct rs_flow_result){.active_pes = p * q, .m = m, .n = n, .e = e, .f = f, .p = p, .q = q});
                }
            }
}

void rs_flow_search(const struct rs_flow_layer *l, int64_t N, enum rs_flow flow, const struct rs_flow_machine *machine,
                    const struct rs_flow_energy *energy, const struct rs_flow_fixed *fixed, struct rs_flow_result *result)
{
    static void (*const searches[])(struct search *) = {row_stationary, weight_stationary, output_stationary_a,
                                                        output_stationary_b, output_stationary_c, no_local_reuse};
    struct search s = {.l = l, .cost = energy, .N = N, .J = machine->J, .Q = machine->glb_words, .RF = machine->rf_words,
                       .best = result};

    memset(result, 0, sizeof *result);
    if (fixed != NULL)
        s.fix = *fixed;
    s.I = (double)(l->G * N * l->C * l->H) * (double)l->W;
    s.W = (double)(l->G * l->M * l->C) * (double)(l->R * l->S);
    s.O = (double)(l->G * N * l->M) * (double)(l->E * l->F);
    s.macs = s.O * (double)(l->C * l->R * l->S);
    s.av = (double)l->E / (double)l->H;
    s.ah = (double)l->F / (double)l->W;
    searches[flow](&s);
}
