/*
 * products_s16.h - the loops of layer_s16.h for one instruction set, which says what these are:
 *
 *   INLINE, TARGET    how its functions are declared
 *   PIXELS            pixels of a tile
 *   CODES, LANES16    int16 codes in a vector (type CODES)
 *   SUMS              LANES16 / 2 lanes of 32 bits
 *   zeros(), load16(p), high_of(x), low_of(x)           w >> 8, w & 255
 *   madd(sums, x, w)  each lane plus two neighbouring products (which two is all the same)
 *   total(sums)       of all lanes, in 64 bits
 *   widen16(p), widen8(p), high32(x), low32(x), mla(sums, x, w), spill(p, sums)     codes one to a lane
 */
INLINE void products_tile(const int np, const bool wide, const struct s16_products *p, int64_t *sum)
{
    SUMS high[PIXELS][S16_FILTERS], low[PIXELS][S16_FILTERS];
    const int16_t *w = p->w;
    int64_t free_steps = S16_STEPS;

#define CLEAR()                                                                                                     \
    _Pragma("GCC unroll 4") for (int i = 0; i < np; i++)                                                            \
        _Pragma("GCC unroll 4") for (int f = 0; f < S16_FILTERS; f++)                                               \
            high[i][f] = low[i][f] = zeros()
#define ADD_UP()                                                                                                    \
    _Pragma("GCC unroll 4") for (int i = 0; i < np; i++)                                                            \
        _Pragma("GCC unroll 4") for (int f = 0; f < S16_FILTERS; f++)                                               \
            sum[i * S16_FILTERS + f] += wide ? total(high[i][f]) * 256 + total(low[i][f]) : total(high[i][f])

    for (int i = 0; i < np * S16_FILTERS; i++)
        sum[i] = 0;
    CLEAR();
    for (int64_t run = 0; run < p->runs; run++) {
        const int16_t *a = p->a + p->run_offset[run];

        for (int64_t left = p->run_steps; left > 0;) {
            int64_t steps = left < free_steps ? left : free_steps;

            left -= steps;
            free_steps -= steps;
            for (; steps > 0; steps--, a += LANES16, w += LANES16) {
                CODES x[PIXELS];

#pragma GCC unroll 4
                for (int i = 0; i < np; i++)
                    x[i] = load16(a + i * p->step);
#pragma GCC unroll 4
                for (int f = 0; f < S16_FILTERS; f++) {
                    const CODES y = load16(w + f * p->filter_codes);

#pragma GCC unroll 4
                    for (int i = 0; i < np; i++) {
                        high[i][f] = madd(high[i][f], x[i], wide ? high_of(y) : y);
                        if (wide)
                            low[i][f] = madd(low[i][f], x[i], low_of(y));
                    }
                }
            }
            if (free_steps == 0) {
                ADD_UP();
                CLEAR();
                free_steps = S16_STEPS;
            }
        }
    }
    ADD_UP();
#undef ADD_UP
#undef CLEAR
}

TARGET static void products_many(const struct s16_products *p, int64_t *sum) { products_tile(PIXELS, false, p, sum); }
TARGET static void products_one(const struct s16_products *p, int64_t *sum) { products_tile(1, false, p, sum); }
TARGET static void products_many_wide(const struct s16_products *p, int64_t *sum) { products_tile(PIXELS / 2, true, p, sum); }
TARGET static void products_one_wide(const struct s16_products *p, int64_t *sum) { products_tile(1, true, p, sum); }

static void products(int pixels, bool wide, const struct s16_products *p, int64_t *sum)
{
    if (wide)
        (pixels == 1 ? products_one_wide : products_many_wide)(p, sum);
    else
        (pixels == 1 ? products_one : products_many)(p, sum);
}

INLINE void depthwise_block(const bool wide, const struct s16_taps *t, int64_t c, int64_t *sum)
{
    int32_t high_sum[LANES16 / 2], low_sum[LANES16 / 2];
    SUMS high = zeros(), low = zeros();

    for (int64_t k = 0; k < t->taps; k++) {
        const SUMS x = widen16(t->x[k] + c);
        const SUMS w = wide ? widen16((const int16_t *)t->w[k] + c) : widen8((const int8_t *)t->w[k] + c);

        high = mla(high, x, wide ? high32(w) : w);
        if (wide)
            low = mla(low, x, low32(w));
    }
    spill(high_sum, high);
    spill(low_sum, low);
    for (int i = 0; i < LANES16 / 2; i++)
        sum[i] = wide ? (int64_t)high_sum[i] * 256 + low_sum[i] : high_sum[i];
}

TARGET static void depthwise_narrow(const struct s16_taps *t, int64_t c, int64_t *sum) { depthwise_block(false, t, c, sum); }
TARGET static void depthwise_wide(const struct s16_taps *t, int64_t c, int64_t *sum) { depthwise_block(true, t, c, sum); }

static void depthwise(bool wide, const struct s16_taps *t, int64_t c, int64_t *sum)
{
    (wide ? depthwise_wide : depthwise_narrow)(t, c, sum);
}
