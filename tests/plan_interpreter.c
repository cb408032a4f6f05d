/* plan_interpreter.c - docs/isa.md in plain loops; see plan_interpreter.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "plan_interpreter.h"

enum { LOADS, COMPUTES, POOLS, STORES, ENGINES };
enum { MOST_COLS = 16, MOST_ENTRIES = 256 };

struct flight {                    /* a command that has started                                     */
    int      command;              /* -1: free                                                       */
    bool     read_late, captured;
    int64_t  words, total, address;          /* filter words read, to read; running address of the first */
    uint8_t *filters;
    int8_t  *glb;                  /* the global buffer as it was when the ifmap was read            */
    uint8_t *data;                 /* LOAD, STORE: in transit                                        */
};

struct machine {
    const struct rs_hw_config *c;
    const uint32_t *commands;
    int n, handed;                 /* commands; the next one to hand out                             */
    struct pi_memory *mem;
    int8_t *glb;
    uint8_t *wbuf;
    int64_t loaded, released;      /* running word addresses                                         */
    int queue[ENGINES][64], queued[ENGINES], depth;
    int count[ENGINES];            /* completed                                                      */
    struct flight fly[ENGINES][2];
    uint64_t rng;
    bool random;
    struct pi_result *result;
    bool failed;
    pi_hook hook;
    void *context;
};

__attribute__((format(printf, 3, 4)))
static void fail(struct machine *m, int command, const char *format, ...)
{
    va_list args;

    if (m->failed)
        return;
    m->failed = true;
    m->result->command = command;
    va_start(args, format);
    vsnprintf(m->result->text, sizeof m->result->text, format, args);
    va_end(args);
}

static uint64_t next_random(struct machine *m)
{
    uint64_t z = (m->rng += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static const uint32_t *words_of(const struct machine *m, int command) { return m->commands + (size_t)command * RS_COMMAND_WORDS; }

static int engine_of(uint32_t op)
{
    return op == RS_OP_LOAD ? LOADS : op == RS_OP_COMPUTE ? COMPUTES : op == RS_OP_POOL ? POOLS : op == RS_OP_STORE || op == RS_OP_SNAPSHOT ? STORES : -1;
}

static size_t glb_at(const struct machine *m, int64_t block)
{
    const int64_t n = m->c->glb_blocks;

    return (size_t)(((block % n) + n) % n) * m->c->block;
}

/* ---- COMPUTE ------------------------------------------------------------------------------------------------------ */

struct conv {                      /* a COMPUTE's fields                                             */
    int mode, u, s, rp, rp_last, q, q_last, wc, e, fx, mx, pairs, ns, chain, fp, nj, m_valid, n_cb, n_rc, rows_last;
    int zp_in, if_base, if_row, if_cb, if_w, if_h, h0, x0, out_e, out_f, out_base, out_row, out_mb, out_byte;
    int zp_out, act_min, act_max;
    int wide, lanes;               /* int16: a pixel is two byte columns, an entry is one filter       */
    int chains, params, chain_filters, chain_entries, chain_rows, chain_out, chain_params, block_channels, if_strip, out_strip;
};

static struct conv conv_of(const uint32_t *w)
{
    return (struct conv){
        .mode = (int)RS_GET_U(w, MODE), .u = 1 << RS_GET_U(w, LOG2_U), .s = (int)RS_GET_U(w, S), .rp = (int)RS_GET_U(w, RP),
        .rp_last = (int)RS_GET_U(w, RP_LAST), .q = (int)RS_GET_U(w, Q), .q_last = (int)RS_GET_U(w, Q_LAST), .wc = (int)RS_GET_U(w, WC),
        .e = (int)RS_GET_U(w, E), .fx = (int)RS_GET_U(w, FX), .mx = (int)RS_GET_U(w, MX), .pairs = (int)RS_GET_U(w, PAIRS),
        .ns = (int)RS_GET_U(w, NS), .chain = (int)RS_GET_U(w, CHAIN), .fp = (int)RS_GET_U(w, FP), .nj = (int)RS_GET_U(w, NJ),
        .m_valid = (int)RS_GET_U(w, M_VALID), .n_cb = (int)RS_GET_U(w, N_CB), .n_rc = (int)RS_GET_U(w, N_RC),
        .rows_last = (int)RS_GET_U(w, ROWS_LAST), .zp_in = RS_GET_S(w, ZP_IN), .if_base = (int)RS_GET_U(w, IF_BASE),
        .if_row = (int)RS_GET_U(w, IF_ROW), .if_cb = (int)RS_GET_U(w, IF_CB), .if_w = (int)RS_GET_U(w, IF_W), .if_h = (int)RS_GET_U(w, IF_H),
        .h0 = RS_GET_S(w, H0), .x0 = RS_GET_S(w, X0), .out_e = (int)RS_GET_U(w, OUT_E), .out_f = (int)RS_GET_U(w, OUT_F),
        .out_base = (int)RS_GET_U(w, OUT_BASE), .out_row = (int)RS_GET_U(w, OUT_ROW), .out_mb = (int)RS_GET_U(w, OUT_MB),
        .out_byte = (int)RS_GET_U(w, OUT_BYTE), .zp_out = RS_GET_S(w, ZP_OUT), .act_min = RS_GET_U(w, WIDE) ? RS_GET_S(w, WIDE_MIN) : RS_GET_S(w, ACT_MIN), .act_max = RS_GET_U(w, WIDE) ? RS_GET_S(w, WIDE_MAX) : RS_GET_S(w, ACT_MAX),
        .wide = (int)RS_GET_U(w, WIDE), .lanes = RS_GET_U(w, WIDE) ? 1 : 2,
        .chains = (int)RS_GET_U(w, CHAINS), .params = (int)RS_GET_U(w, PARAMS), .chain_filters = (int)RS_GET_U(w, CHAIN_FILTERS),
        .chain_entries = (int)RS_GET_U(w, CHAIN_ENTRIES), .chain_rows = (int)RS_GET_U(w, CHAIN_ROWS), .chain_out = (int)RS_GET_U(w, CHAIN_OUT),
        .chain_params = (int)RS_GET_U(w, CHAIN_PARAMS), .block_channels = (int)RS_GET_U(w, BLOCK_CHANNELS),
        .if_strip = (int)RS_GET_U(w, IF_STRIP), .out_strip = (int)RS_GET_U(w, OUT_STRIP),
    };
}

/* Ofmap columns that an entry covers. */
static int step_of(const struct conv *v) { return v->mode == RS_MODE_DEPTHWISE && v->u == 1 && !v->wide ? 2 : 1; }

static int taps_of(const struct conv *v, int cb, int rc)
{
    if (v->mode == RS_MODE_FLATTEN)
        return (cb == v->n_cb - 1 ? v->q_last : v->q) * v->s;
    if (v->mode == RS_MODE_DEPTHWISE)
        return v->rp * v->s;
    return (cb == v->n_cb - 1 ? v->q_last : v->q) * (rc == v->n_rc - 1 ? v->rp_last : v->rp) * v->s;
}

static int64_t param_words(const struct machine *m, const struct conv *v)
{
    return (int64_t)16 / m->c->block * v->mx * v->params;
}

/* Every limit that docs/isa.md states. */
static void check_compute(struct machine *m, int at, const uint32_t *w)
{
    const struct conv v = conv_of(w);
    const struct rs_hw_config *c = m->c;
    const int step = step_of(&v);
    int64_t all = 0, entries;
    int rows_in_window = 1;

#define LIMIT(cond, ...) do { if (!(cond)) fail(m, at, __VA_ARGS__); } while (0)
    LIMIT(v.mode <= 2 && RS_GET_U(w, LOG2_U) <= 2, "MODE %d LOG2_U %u", v.mode, RS_GET_U(w, LOG2_U));
    LIMIT(v.s >= 1 && v.s <= 11 && v.rp >= 1 && v.rp <= 11 && v.rp_last >= 1 && v.rp_last <= v.rp, "S %d RP %d RP_LAST %d", v.s, v.rp, v.rp_last);
    LIMIT(v.q >= 1 && v.q <= 16 && v.q_last >= 1 && v.q_last <= v.q, "Q %d Q_LAST %d", v.q, v.q_last);
    LIMIT(v.e >= 1 && v.fx >= 1 && v.mx >= 1 && v.e * v.fx * v.mx <= (int)c->cols, "E %d FX %d MX %d", v.e, v.fx, v.mx);
    LIMIT(v.pairs >= 1 && v.lanes * v.pairs <= (int)c->block && (v.pairs & (v.pairs - 1)) == 0, "PAIRS %d", v.pairs);
    LIMIT(v.out_byte % (v.lanes * v.pairs) == 0 && v.out_byte < (int)c->block, "OUT_BYTE %d with PAIRS %d", v.out_byte, v.pairs);
    LIMIT(v.ns >= 1 && v.fp >= 1 && v.fp <= 256 && v.n_cb >= 1 && v.n_rc >= 1, "NS %d FP %d", v.ns, v.fp);
    LIMIT(v.nj == (((v.fp - 1) * v.u + v.s) * (1 + v.wide) + 1) / 2, "NJ %d", v.nj);
    LIMIT(!v.wide || (v.zp_in == 0 && v.zp_out == 0 && v.x0 % 2 == 0 && v.if_w % 2 == 0 && !RS_GET_U(w, ADD)), "WIDE with zero points, odd columns or ADD");
    LIMIT(v.params == (v.mode == RS_MODE_DEPTHWISE ? (int)c->rows : v.pairs * (v.chain_filters > 0 ? v.chains : 1)), "PARAMS %d", v.params);
    LIMIT(v.chains >= 1 && (v.chains == 1 || v.mode == RS_MODE_FLATTEN), "CHAINS %d", v.chains);
    LIMIT((int)RS_GET_U(w, SPAN) == (v.e - 1 + (v.chains - 1) * v.chain_rows) * v.u, "SPAN %u", RS_GET_U(w, SPAN));
    LIMIT(v.out_e >= 1 && v.out_e <= v.ns * v.out_strip && v.out_f >= 1 && v.out_f <= v.fx * v.fp * (1 + v.wide), "OUT_E %d OUT_F %d", v.out_e, v.out_f);
    LIMIT(v.wc >= (v.wide ? v.s : (v.s + 2) / 2) + 1, "WC %d for S %d", v.wc, v.s);
    LIMIT(v.rows_last >= 1 && v.rows_last <= (int)c->rows, "ROWS_LAST %d", v.rows_last);
    if (m->failed)
        return;
    if (v.mode == RS_MODE_CONV) {
        LIMIT(v.chain == (int)c->rows, "CHAIN %d", v.chain);
        rows_in_window = v.q * v.rp;
        entries = (int64_t)v.ns * v.fp * v.pairs;
        LIMIT(v.m_valid >= 1 && v.m_valid <= v.mx * v.lanes * v.pairs, "M_VALID %d", v.m_valid);
        LIMIT(entries * taps_of(&v, v.n_cb - 1, v.n_rc - 1) >= 4, "a pass of %lld steps", (long long)entries * taps_of(&v, v.n_cb - 1, v.n_rc - 1));
    } else if (v.mode == RS_MODE_FLATTEN) {
        LIMIT(v.chain >= 1 && v.chain * v.chains <= (int)c->rows && v.n_rc == 1 && v.rp == v.rp_last, "CHAIN %d CHAINS %d N_RC %d", v.chain, v.chains, v.n_rc);
        LIMIT(v.q == 1 || (v.chain % v.rp == 0 && v.block_channels % (v.chain / v.rp * v.q) == 0), "Q %d CHAIN %d BLOCK_CHANNELS %d", v.q, v.chain, v.block_channels);
        LIMIT(v.chain_filters == 0 || (v.chain_filters == v.mx * v.lanes * v.pairs && v.chain_filters % (int)c->block == 0 && v.chain_rows == 0), "CHAIN_FILTERS %d CHAIN_ROWS %d", v.chain_filters, v.chain_rows);
        entries = (int64_t)v.ns * v.fp * v.pairs;
        LIMIT(v.chains == 1 || v.chain_entries == entries, "CHAIN_ENTRIES %d", v.chain_entries);
        LIMIT(v.m_valid >= 1 && v.m_valid <= v.mx * v.lanes * v.pairs * (v.chain_filters > 0 ? v.chains : 1), "M_VALID %d", v.m_valid);
        LIMIT(entries * taps_of(&v, v.n_cb - 1, 0) >= 4, "a pass of %lld steps", (long long)entries * taps_of(&v, v.n_cb - 1, 0));
        entries *= v.chains;
        rows_in_window = v.q;
    } else {
        LIMIT(v.chain == 1 && v.n_cb == 1 && v.n_rc == 1 && v.q == 1 && v.pairs == 1 && v.mx == 1 && v.out_byte == 0, "depthwise fields");
        LIMIT(step == 1 || v.fp % 2 == 0, "FP %d is odd", v.fp);
        LIMIT(v.m_valid >= 1 && v.m_valid <= (int)c->block, "M_VALID %d", v.m_valid);
        rows_in_window = v.rp;
        entries = (int64_t)v.ns * (v.fp / step) * (int)c->rows;
    }
    LIMIT(entries <= (int64_t)c->acc_entries, "%lld accumulator entries", (long long)entries);
    LIMIT(v.pairs * taps_of(&v, 0, 0) <= (int)c->filter_words, "%d filter words in a PE", v.pairs * taps_of(&v, 0, 0));
    LIMIT(rows_in_window * v.wc <= (int)c->window_words, "%d window words", rows_in_window * v.wc);
    for (int cb = 0; cb < v.n_cb; cb++)
        for (int rc = 0; rc < v.n_rc; rc++)
            all += (int64_t)v.mx * v.pairs * taps_of(&v, cb, rc);
    LIMIT((int64_t)RS_GET_U(w, FILTER_WORDS) == all, "FILTER_WORDS %u, not %lld", RS_GET_U(w, FILTER_WORDS), (long long)all);
    LIMIT((int)RS_GET_U(w, FILTER_FIRST) == v.mx * v.pairs * taps_of(&v, 0, 0), "FILTER_FIRST %u", RS_GET_U(w, FILTER_FIRST));
#undef LIMIT
}

/* ifmap code - zero point of (channel block, byte, row, column); outside: real zero.  Wide: column counts byte columns. */
static int32_t ifmap(const struct machine *m, const struct conv *v, const int8_t *glb, int cb, int byte, int h, int w)
{
    if (h < 0 || h >= v->if_h || w < 0 || w >= v->if_w)
        return 0;
    const int64_t at = (int64_t)v->if_base + (int64_t)cb * v->if_cb + (int64_t)h * v->if_row + w;

    if (v->wide)
        return glb[glb_at(m, at + 1) + (size_t)byte] * 256 + (uint8_t)glb[glb_at(m, at) + (size_t)byte];
    return glb[glb_at(m, at) + (size_t)byte] - v->zp_in;
}

static int32_t get_i32(const uint8_t *p)
{
    return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

static int32_t clamp(int32_t x, int32_t lo, int32_t hi) { return x < lo ? lo : x > hi ? hi : x; }

static int32_t shifted(int32_t x, int32_t mult, int right) { return rs_rounding_divide_by_pot(rs_srdhm(x, mult), right); }

/* Output stage: accumulator, its 16 parameter bytes, residual code -> code. */
static int8_t output(const struct conv *v, const uint32_t *w, int32_t acc, const uint8_t *param, int8_t residual)
{
    const int32_t x = rs_multiply_by_quantized_multiplier((int32_t)((uint32_t)acc + (uint32_t)get_i32(param)), get_i32(param + 4), get_i32(param + 8), RS_ROUND_DOUBLE);
    int64_t code = (int64_t)v->zp_out + x;

    code = code < v->act_min ? v->act_min : code > v->act_max ? v->act_max : code;
    if (RS_GET_U(w, ADD)) {
        const int32_t a = shifted(((int32_t)code - v->zp_out) * (1 << 20), RS_GET_S(w, ADD_MULT_ACC), (int)RS_GET_U(w, ADD_SHIFT_ACC));
        const int32_t b = shifted((residual - RS_GET_S(w, ADD_ZP_RES)) * (1 << 20), RS_GET_S(w, ADD_MULT_RES), (int)RS_GET_U(w, ADD_SHIFT_RES));

        code = clamp(RS_GET_S(w, ADD_ZP_OUT) + shifted(a + b, RS_GET_S(w, ADD_MULT_OUT), (int)RS_GET_U(w, ADD_SHIFT_OUT)), RS_GET_S(w, ADD_MIN), RS_GET_S(w, ADD_MAX));
    }
    return (int8_t)code;
}

/* What row @r takes in tap (@qi, filter row @i) of pass @cb: channel block, its byte, and filter row. */
struct place { int cb, byte, i; };

static struct place place_of(const struct conv *v, int cb, int nq, int qi, int r, int i)
{
    if (v->mode != RS_MODE_FLATTEN)
        return (struct place){ cb * v->q + qi, r, i };
    const int before = v->q > 1 ? cb * (v->chain / v->rp) * v->q : 0;              /* channels of the passes before */
    const int n = v->q > 1 ? r % v->chain : cb * v->chain + r % v->chain;
    const int c = v->q > 1 ? before + n / v->rp * nq + qi : n / v->rp;

    return (struct place){ c / v->block_channels, c % v->block_channels, n % v->rp };
}

/* The same for int16: the pair's 32 bytes are one filter's. */
static int16_t wide_output(const struct conv *v, int64_t acc, const uint8_t *param)
{
    const int64_t bias = (int64_t)((uint64_t)(uint32_t)get_i32(param + 16) << 32 | (uint32_t)get_i32(param));
    const int right = 15 - get_i32(param + 8);
    const int64_t scaled = (acc + bias) * get_i32(param + 4), code = right == 0 ? scaled : (scaled + (INT64_C(1) << (right - 1))) >> right;

    return (int16_t)(code < v->act_min ? v->act_min : code > v->act_max ? v->act_max : code);
}

static void compute(struct machine *m, struct flight *f)
{
    const uint32_t *w = words_of(m, f->command);
    const struct conv v = conv_of(w);
    const int rows = (int)m->c->rows, block = (int)m->c->block, per_param = 16 / block;
    const size_t word = 2 * (size_t)block;
    const int used = v.e * v.fx * v.mx, step = step_of(&v);
    int64_t (*psum)[MOST_ENTRIES][2] = calloc(MOST_COLS, sizeof *psum);
    uint8_t *params = calloc((size_t)param_words(m, &v) + 1, word);
    int64_t at = 0;

    if (psum == NULL || params == NULL) {
        fail(m, f->command, "no memory");
        free(psum);
        free(params);
        return;
    }
    for (int cb = 0; cb < v.n_cb; cb++)
        for (int rc = 0; rc < v.n_rc; rc++) {
            const int nq = cb == v.n_cb - 1 ? v.q_last : v.q;
            const int nr = v.mode == RS_MODE_FLATTEN ? 1 : v.mode == RS_MODE_DEPTHWISE ? v.rp : rc == v.n_rc - 1 ? v.rp_last : v.rp;

            for (int g = 0; g < v.mx; g++)
                for (int k = 0; k < v.pairs; k++)
                    for (int qi = 0; qi < nq; qi++)
                        for (int i = 0; i < nr; i++)
                            for (int j = 0; j < v.s; j++, at++) {
                                const int8_t *tap = (const int8_t *)f->filters + (size_t)at * word;

                                for (int x = g * v.e * v.fx; x < (g + 1) * v.e * v.fx; x++)
                                    for (int s = 0; s < v.ns; s++)
                                        for (int p = 0; p < v.fp; p += step)
                                            for (int r = 0; r < rows; r++) {
                                                const int y = x % v.e, tile = x / v.e % v.fx;
                                                const int h = v.h0 + s * v.if_strip + v.u * y, col = v.x0 + (v.u * (tile * v.fp + p) + j) * (1 + v.wide);
                                                const int32_t weight = v.wide ? (int16_t)(uint16_t)((uint8_t)tap[2 * r] | (uint8_t)tap[2 * r + 1] << 8) : tap[2 * r];

                                                if (v.mode == RS_MODE_DEPTHWISE) {
                                                    const int entry = (s * (v.fp / step) + p / step) * rows + r, n = (int)RS_GET_U(w, MULTIPLIER);
                                                    const int ch = n > 1 ? (int)RS_GET_U(w, CHANNEL0) + ((int)RS_GET_U(w, PHASE0) + r) / n : r;

                                                    if (ch >= block)             /* a row without a channel: its weights are zero */
                                                        continue;
                                                    psum[x][entry][0] += (int64_t)weight * ifmap(m, &v, f->glb, 0, ch, h + i, col);
                                                    if (step == 2)
                                                        psum[x][entry][1] += tap[2 * r] * ifmap(m, &v, f->glb, 0, ch, h + i, col + 1);
                                                } else {
                                                    const int chain = v.mode == RS_MODE_FLATTEN ? r / v.chain : 0;
                                                    const int entry = chain * v.chain_entries + (s * v.fp + p) * v.pairs + k;
                                                    const struct place at_row = place_of(&v, cb, nq, qi, r, i + rc * v.rp);
                                                    int32_t a;

                                                    if (chain >= v.chains || !(tap[2 * r] | tap[2 * r + 1]))     /* its weights are zero */
                                                        continue;
                                                    a = ifmap(m, &v, f->glb, at_row.cb, at_row.byte, h + chain * v.chain_rows * v.u + at_row.i, col);

                                                    psum[x][entry][0] += (int64_t)weight * a;
                                                    if (!v.wide)
                                                        psum[x][entry][1] += tap[2 * r + 1] * a;
                                                }
                                            }
                            }
            if (cb == 0 && rc == 0) {
                memcpy(params, f->filters + (size_t)at * word, (size_t)param_words(m, &v) * word);
                at += param_words(m, &v);
            }
        }
    for (int x = 0; x < used * v.chains; x++)
        for (int s = 0; s < v.ns; s++)
            for (int p = 0; p < v.fp; p++) {
                const int c = x / used, column = x % used;
                const int y = column % v.e, tile = column / v.e % v.fx, g = column / (v.e * v.fx);
                const int row = s * v.out_strip + y, col = (tile * v.fp + p) * (1 + v.wide);
                const int n = v.mode == RS_MODE_DEPTHWISE ? rows : v.lanes * v.pairs;

                if (row + c * v.chain_rows >= v.out_e || col >= v.out_f)
                    continue;
                for (int k = 0; k < n; k++) {
                    const int in_chain = v.mode == RS_MODE_DEPTHWISE ? k : g * v.lanes * v.pairs + k, filter = in_chain + c * v.chain_filters;
                    const int byte = v.out_byte + in_chain;
                    const size_t to = glb_at(m, (int64_t)v.out_base + (int64_t)c * v.chain_out + (int64_t)(byte / block) * v.out_mb + (int64_t)row * v.out_row + col) + (size_t)(byte % block);
                    const size_t res = glb_at(m, (int64_t)RS_GET_U(w, RES_BASE) + (int64_t)(byte / block) * RS_GET_U(w, RES_MB) + (int64_t)row * RS_GET_U(w, RES_ROW) + col) + (size_t)(byte % block);
                    const int pair = v.mode == RS_MODE_DEPTHWISE ? k : g * v.params + c * v.chain_params + k / v.lanes;
                    const uint8_t *param = params + (size_t)pair * 32 + (v.mode == RS_MODE_DEPTHWISE ? 0 : (size_t)(k % v.lanes) * 16);
                    int64_t acc;

                    if (filter >= v.m_valid)
                        continue;
                    if (v.mode == RS_MODE_DEPTHWISE)
                        acc = psum[column][(s * (v.fp / step) + p / step) * rows + k][p % step];
                    else
                        acc = psum[column][c * v.chain_entries + (s * v.fp + p) * v.pairs + k / v.lanes][k % v.lanes];
                    if (v.wide) {
                        const int16_t code = wide_output(&v, acc, param);

                        m->glb[to] = (int8_t)(uint8_t)((uint16_t)code & 0xFF);
                        m->glb[(to + (size_t)block) % ((size_t)m->c->glb_blocks * (size_t)block)] = (int8_t)(code >> 8);
                    } else {
                        m->glb[to] = output(&v, w, (int32_t)acc, param, m->glb[res]);
                    }
                }
            }
    (void)per_param;
    m->result->computes++;
    free(psum);
    free(params);
}

/* ---- POOL --------------------------------------------------------------------------------------------------------- */

static void pool(struct machine *m, int at, const int8_t *glb)
{
    const uint32_t *w = words_of(m, at);
    const int R = (int)RS_GET_U(w, POOL_R), S = (int)RS_GET_U(w, POOL_S), U = (int)RS_GET_U(w, POOL_U);
    const int H = (int)RS_GET_U(w, POOL_H), W = (int)RS_GET_U(w, POOL_W), block = (int)m->c->block;
    const bool average = RS_GET_U(w, AVERAGE);

    for (int cb = 0; cb < (int)RS_GET_U(w, POOL_N_CB); cb++)
        for (int e = 0; e < (int)RS_GET_U(w, POOL_E); e++)
            for (int x = 0; x < (int)RS_GET_U(w, POOL_F); x++)
                for (int b = 0; b < block; b++) {
                    int32_t sum = 0, most = -129;
                    int inside = 0;

                    for (int i = 0; i < R; i++)
                        for (int j = 0; j < S; j++) {
                            const int h = RS_GET_S(w, POOL_H0) + e * U + i, c = RS_GET_S(w, POOL_X0) + x * U + j;

                            if (h < 0 || h >= H || c < 0 || c >= W)
                                continue;
                            const int32_t v = glb[glb_at(m, (int64_t)RS_GET_U(w, POOL_IN) + (int64_t)cb * RS_GET_U(w, POOL_IN_CB) + (int64_t)h * RS_GET_U(w, POOL_IN_ROW) + c) + (size_t)b];

                            inside++;
                            sum += v;
                            most = v > most ? v : most;
                        }
                    if (inside == 0 || (average && inside != R * S)) {
                        fail(m, at, "a window with %d of %d taps inside", inside, R * S);
                        return;
                    }
                    if (average) {
                        const uint64_t q = ((uint64_t)(sum < 0 ? -sum : sum) + RS_GET_U(w, POOL_HALF)) * RS_GET_U(w, POOL_RECIP) >> 32;

                        most = sum < 0 ? -(int32_t)q : (int32_t)q;
                    }
                    m->glb[glb_at(m, (int64_t)RS_GET_U(w, POOL_OUT) + (int64_t)cb * RS_GET_U(w, POOL_OUT_CB) + (int64_t)e * RS_GET_U(w, POOL_OUT_ROW) + x) + (size_t)b] =
                        (int8_t)clamp(most, RS_GET_S(w, POOL_MIN), RS_GET_S(w, POOL_MAX));
                }
}

/* ---- LOAD and STORE ------------------------------------------------------------------------------------------------ */

static uint8_t *memory(struct machine *m, int at, uint32_t base, uint64_t offset, uint64_t bytes)
{
    if (offset + bytes > m->mem[base].size) {
        fail(m, at, "base %u: bytes %llu..%llu of %zu", base, (unsigned long long)offset, (unsigned long long)(offset + bytes), m->mem[base].size);
        return NULL;
    }
    return m->mem[base].data + offset;
}

/* Copies between memory or buffer and f->data: @first, the reading half; else the writing half. */
static void move(struct machine *m, struct flight *f, bool first)
{
    const uint32_t *w = words_of(m, f->command);
    const size_t block = m->c->block;
    const uint32_t length = RS_GET_U(w, LENGTH), runs = RS_GET_U(w, RUNS);
    const bool load = RS_GET_U(w, OP) == RS_OP_LOAD, memory_half = load == first;

    if (RS_GET_U(w, OP) == RS_OP_SNAPSHOT) {
        uint8_t *p = memory(m, f->command, RS_GET_U(w, BASE), RS_GET_U(w, OFFSET), RS_STATUS_BYTES);

        if (p != NULL && !first)
            memset(p, 0xAB, RS_STATUS_BYTES);
        return;
    }
    if (RS_GET_U(w, OFFSET) % block != 0 || RS_GET_U(w, STRIDE) % block != 0 || length < 1 || runs < 1) {
        fail(m, f->command, "OFFSET %u STRIDE %u LENGTH %u RUNS %u", RS_GET_U(w, OFFSET), RS_GET_U(w, STRIDE), length, runs);
        return;
    }
    if (first)
        f->data = malloc((size_t)length * runs * block);
    if (f->data == NULL) {
        fail(m, f->command, "no memory");
        return;
    }
    for (uint32_t k = 0; k < runs && !m->failed; k++)
        for (uint32_t i = 0; i < length; i++) {
            uint8_t *d = f->data + ((size_t)k * length + i) * block;

            if (memory_half) {
                uint8_t *p = memory(m, f->command, RS_GET_U(w, BASE), RS_GET_U(w, OFFSET) + (uint64_t)k * RS_GET_U(w, STRIDE) + (uint64_t)i * block, block);

                if (p == NULL)
                    return;
                memcpy(load ? d : p, load ? p : d, block);
            } else {
                int8_t *b = m->glb + glb_at(m, (int64_t)RS_GET_U(w, BUF_ADDR) + (int64_t)k * RS_GET_U(w, BUF_STRIDE) + i);

                memcpy(load ? (void *)b : (void *)d, load ? (void *)d : (void *)b, block);
            }
        }
    if (!first) {
        free(f->data);
        f->data = NULL;
    }
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

static bool waits_over(const struct machine *m, const uint32_t *w)
{
    const uint32_t wait[ENGINES] = { RS_GET_U(w, WAIT_LOAD), RS_GET_U(w, WAIT_COMPUTE), RS_GET_U(w, WAIT_POOL), RS_GET_U(w, WAIT_STORE) };

    for (int e = 0; e < ENGINES; e++)
        if ((int16_t)(uint16_t)((uint32_t)m->count[e] - wait[e]) < 0)
            return false;
    return true;
}

static int take(struct machine *m, int e)
{
    const int command = m->queue[e][0];

    memmove(m->queue[e], m->queue[e] + 1, (size_t)--m->queued[e] * sizeof m->queue[e][0]);
    return command;
}

enum event { HAND, START, CAPTURE, READ, PROGRESS, FINISH };
struct choice { enum event what; int engine, slot, command; };

static int possible(struct machine *m, struct choice *list)
{
    int n = 0;

    if (m->handed < m->n && RS_GET_U(words_of(m, m->handed), OP) != RS_OP_END) {
        const int e = engine_of(RS_GET_U(words_of(m, m->handed), OP));

        if (e < 0)
            fail(m, m->handed, "opcode %u", RS_GET_U(words_of(m, m->handed), OP));
        else if (m->queued[e] < m->depth)
            list[n++] = (struct choice){ HAND, e, 0, m->handed };
    }
    for (int e = 0; e < ENGINES; e++) {
        struct flight *f = m->fly[e];
        const int free_slot = f[0].command < 0 ? 0 : e == COMPUTES && f[1].command < 0 && f[0].captured ? 1 : -1;

        if (m->queued[e] > 0 && free_slot >= 0 && waits_over(m, words_of(m, m->queue[e][0])))
            list[n++] = (struct choice){ START, e, free_slot, m->queue[e][0] };
        for (int k = 0; k < 2 && f[k].command >= 0; k++) {
            const bool wbuf = e == LOADS && RS_GET_U(words_of(m, f[k].command), TO_WBUF);

            if (!f[k].captured)
                list[n++] = (struct choice){ CAPTURE, e, k, f[k].command };
            /* 16-bit running address -> the one next to what is loaded when the group's reading begins, as the hardware compares it. */
            if (e == COMPUTES && f[k].words == 0)
                f[k].address = m->loaded + (int16_t)(uint16_t)(RS_GET_U(words_of(m, f[k].command), FILTER_ADDR) - (uint32_t)m->loaded);
            if (e == COMPUTES && f[k].words < f[k].total && (k == 0 || f[0].words == f[0].total) && f[k].address + f[k].words < m->loaded)
                list[n++] = (struct choice){ READ, e, k, f[k].command };
            if (wbuf && f[k].words < f[k].total && m->loaded - m->released < (int64_t)m->c->wbuf_words)
                list[n++] = (struct choice){ PROGRESS, e, k, f[k].command };
            if (k == 0 && f[k].captured && f[k].words == f[k].total)
                list[n++] = (struct choice){ FINISH, e, k, f[k].command };
        }
    }
    return n;
}

static void act(struct machine *m, const struct choice *x)
{
    struct flight *f = &m->fly[x->engine][x->slot];
    const uint32_t *w = words_of(m, x->command);
    const size_t word = 2 * (size_t)m->c->block;
    const bool wbuf = x->engine == LOADS && RS_GET_U(w, TO_WBUF);

    switch (x->what) {
    case HAND:
        m->queue[x->engine][m->queued[x->engine]++] = m->handed++;
        break;
    case START:
        *f = (struct flight){ .command = take(m, x->engine), .read_late = m->random && next_random(m) % 2 };
        if (x->engine == COMPUTES) {
            const struct conv v = conv_of(w);

            check_compute(m, x->command, w);
            if (m->failed)
                return;
            f->total = (int64_t)RS_GET_U(w, FILTER_WORDS) + param_words(m, &v);
            f->filters = malloc((size_t)f->total * word);
            f->glb = malloc((size_t)m->c->glb_blocks * m->c->block);
            if (f->filters == NULL || f->glb == NULL)
                fail(m, x->command, "no memory");
        } else if (wbuf) {
            f->total = RS_GET_U(w, LENGTH);
            f->captured = true;
            if (RS_GET_U(w, BUF_ADDR) != (uint32_t)(m->loaded & 0xFFFF) || f->total % 2 != 0 || RS_GET_U(w, RUNS) != 1 || RS_GET_U(w, OFFSET) % m->c->axi_bytes != 0)
                fail(m, x->command, "BUF_ADDR %u LENGTH %u OFFSET %u: the stream is at %lld", RS_GET_U(w, BUF_ADDR), RS_GET_U(w, LENGTH), RS_GET_U(w, OFFSET), (long long)m->loaded);
        }
        if (!f->read_late && !f->captured)
            act(m, &(struct choice){ CAPTURE, x->engine, x->slot, x->command });
        break;
    case CAPTURE:
        if (f->captured)
            break;
        f->captured = true;
        if (x->engine == COMPUTES || x->engine == POOLS) {
            if (f->glb == NULL)
                f->glb = malloc((size_t)m->c->glb_blocks * m->c->block);
            if (f->glb == NULL)
                fail(m, x->command, "no memory");
            else
                memcpy(f->glb, m->glb, (size_t)m->c->glb_blocks * m->c->block);
        } else {
            move(m, f, true);
        }
        break;
    case READ:
        for (int64_t k = m->random ? 1 + (int64_t)(next_random(m) % 400) : f->total; k > 0 && f->words < f->total && f->address + f->words < m->loaded; k--) {
            const int64_t a = f->address + f->words;

            if (a < m->loaded - (int64_t)m->c->wbuf_words || a < m->released - 1) {
                fail(m, x->command, "filter word %lld is gone: released %lld, loaded %lld", (long long)a, (long long)m->released, (long long)m->loaded);
                return;
            }
            memcpy(f->filters + (size_t)f->words * word, m->wbuf + (size_t)(a % (int64_t)m->c->wbuf_words) * word, word);
            f->words++;
            if (RS_GET_U(w, RELEASE) && a + 1 > m->released)
                m->released = a + 1;
        }
        break;
    case PROGRESS:
        for (int64_t k = m->random ? 1 + (int64_t)(next_random(m) % 400) : f->total; k > 0 && f->words < f->total && m->loaded - m->released < (int64_t)m->c->wbuf_words; k--) {
            const uint8_t *p = memory(m, x->command, RS_GET_U(w, BASE), RS_GET_U(w, OFFSET) + (uint64_t)f->words * word, word);

            if (p == NULL)
                return;
            memcpy(m->wbuf + (size_t)(m->loaded % (int64_t)m->c->wbuf_words) * word, p, word);
            m->loaded++;
            f->words++;
        }
        break;
    case FINISH:
        if (x->engine == COMPUTES)
            compute(m, f);
        else if (x->engine == POOLS)
            pool(m, x->command, f->glb);
        else if (!wbuf)
            move(m, f, false);
        if (m->hook != NULL && (x->engine == COMPUTES || x->engine == POOLS) && !m->failed)
            m->hook(m->context, x->command, m->glb);
        m->count[x->engine]++;
        free(f->filters);
        free(f->glb);
        free(f->data);
        m->fly[x->engine][0] = m->fly[x->engine][1];
        m->fly[x->engine][1] = (struct flight){ .command = -1 };
        break;
    }
}

bool plan_interpret(const struct rs_hw_config *c, const uint32_t *commands, int n, struct pi_memory mem[4], uint64_t seed,
                    pi_hook hook, void *context, struct pi_result *result)
{
    struct machine m = { .c = c, .commands = commands, .n = n, .mem = mem, .rng = seed, .random = seed != 0, .result = result, .hook = hook, .context = context };
    const size_t glb_bytes = (size_t)c->glb_blocks * c->block, wbuf_bytes = (size_t)c->wbuf_words * 2 * c->block;
    bool done = false;

    *result = (struct pi_result){ .command = -1 };
    m.glb = malloc(glb_bytes);
    m.wbuf = malloc(wbuf_bytes);
    if (m.glb == NULL || m.wbuf == NULL)
        fail(&m, -1, "no memory");
    for (size_t i = 0; !m.failed && i < glb_bytes; i++)            /* power-up contents are garbage */
        m.glb[i] = (int8_t)next_random(&m);
    if (!m.failed)
        memset(m.wbuf, 0x55, wbuf_bytes);
    m.depth = m.random ? 1 + (int)(next_random(&m) % 8) : 8;
    for (int e = 0; e < ENGINES; e++)
        m.fly[e][0].command = m.fly[e][1].command = -1;
    while (!m.failed && !done) {
        struct choice list[32];
        int k = possible(&m, list), best = 0;

        if (m.failed)
            break;
        if (k == 0) {
            done = m.handed < m.n && RS_GET_U(words_of(&m, m.handed), OP) == RS_OP_END;
            for (int e = 0; e < ENGINES; e++)
                done = done && m.queued[e] == 0 && m.fly[e][0].command < 0;
            if (!done)
                fail(&m, m.handed, "deadlock: next command %d of %d, filter words loaded %lld, released %lld", m.handed, m.n, (long long)m.loaded, (long long)m.released);
            break;
        }
        if (m.random)
            best = (int)(next_random(&m) % (uint64_t)k);
        else
            for (int i = 1; i < k; i++)                            /* the oldest command that can go on */
                if (list[i].command < list[best].command)
                    best = i;
        act(&m, &list[best]);
    }
    for (int e = 0; e < ENGINES; e++)
        for (int k = 0; k < 2; k++) {
            free(m.fly[e][k].filters);
            free(m.fly[e][k].glb);
            free(m.fly[e][k].data);
        }
    free(m.glb);
    free(m.wbuf);
    return !m.failed;
}

bool plan_interpret_job(const struct rs_plan *plan, int job, uint8_t *arena, uint64_t seed, struct pi_result *result)
{
    const struct rs_plan_job *j = &plan->jobs[job];
    uint8_t *status = malloc(plan->status_bytes);
    struct pi_memory mem[4] = { { NULL, 0 }, { plan->image, plan->image_bytes }, { arena, plan->arena_bytes }, { status, plan->status_bytes } };
    const bool ok = status != NULL && plan_interpret(&plan->config, plan->commands + j->commands_offset_bytes / 4, j->n_commands, mem, seed, NULL, NULL, result);

    free(status);
    return ok;
}

bool plan_interpret_graph(const struct rs_plan *plan, const struct rs_graph *g, const void *const *inputs, void *const *outputs,
                          uint64_t seed, struct pi_result *result)
{
    const int block = (int)plan->config.block;
    void **data = calloc((size_t)g->n_tensors + 1, sizeof *data);
    uint8_t *arena = malloc(plan->arena_bytes + 1);
    struct rs_error err = { 0 };
    bool ok = data != NULL && arena != NULL;

    for (int t = 0; ok && t < g->n_tensors; t++)
        if (g->tensors[t].data == NULL && !g->tensors[t].dead) {
            data[t] = calloc(1, rs_tensor_bytes(&g->tensors[t]) + 1);
            ok = data[t] != NULL;
        }
    if (ok)
        memset(arena, 0x5A, plan->arena_bytes);
    for (int i = 0; ok && i < g->n_inputs; i++)
        memcpy(data[g->inputs[i]], inputs[i], rs_tensor_bytes(&g->tensors[g->inputs[i]]));
    for (int a = 0; ok && a < plan->n_actions; a++) {
        const struct rs_plan_action *x = &plan->actions[a];

        if (!x->is_job) {
            const size_t bytes = rs_graph_node_scratch_bytes(g, x->index);
            void *scratch = aligned_alloc(64, (bytes + 127) / 64 * 64);

            ok = scratch != NULL && rs_graph_run_node(g, x->index, data, scratch, true, &err) == RS_OK;
            free(scratch);
            if (!ok)
                snprintf(result->text, sizeof result->text, "node %d: %.200s", x->index, err.text);
            continue;
        }
        const struct rs_plan_job *j = &plan->jobs[x->index];

        for (int i = 0; i < j->n_inputs; i++) {
            const int t = j->inputs[i].tensor;

            rs_layout_to_blocked(&j->inputs[i], block, data[t] != NULL ? data[t] : g->tensors[t].data, (int8_t *)arena + j->inputs[i].offset_bytes);
        }
        ok = plan_interpret_job(plan, x->index, arena, seed, result);
        for (int i = 0; ok && i < j->n_outputs; i++)
            rs_layout_from_blocked(&j->outputs[i], block, (const int8_t *)arena + j->outputs[i].offset_bytes, data[j->outputs[i].tensor]);
    }
    for (int i = 0; ok && i < g->n_outputs; i++)
        memcpy(outputs[i], data[g->outputs[i]], rs_tensor_bytes(&g->tensors[g->outputs[i]]));
    for (int t = 0; data != NULL && t < g->n_tensors; t++)
        free(data[t]);
    free(data);
    free(arena);
    return ok;
}
