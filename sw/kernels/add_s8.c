/*
 * add_s8.c - quantized ADD and SUB with broadcasting.
 *
 * Both inputs are brought to the scale 2 * max(s1, s2) / 2^left_shift, added, and rescaled to the output's.
 * SUB is ADD with input 2's multiplier negated, as in TFLite: a tie of the doubling high multiply then rounds
 * the other way than negating x2 afterwards would.
 * Source: TensorFlow Lite reference_integer_ops::Add, kernels/add.cc and sub.cc.
 */
#include "broadcast.h"
#include "check.h"
#include "fixedpoint.h"
#include "packed.h"
#include <string.h>

static rs_status check_rescale(const char *what, int32_t mult, int32_t shift, struct rs_error *err)
{
    if (mult < 0)
        return rs_fail(err, RS_ERR_RANGE, "%s: multiplier %d is negative", what, (int)mult);
    return rs_check_range(what, shift, -31, 0, err);
}

static rs_status check_quant(const struct rs_add_quant *q, struct rs_error *err)
{
    if (q == NULL)
        return rs_fail(err, RS_ERR_ARG, "add: null quantization");
    RS_TRY(rs_check_code("add: zp1", q->zp1, err));
    RS_TRY(rs_check_code("add: zp2", q->zp2, err));
    RS_TRY(rs_check_code("add: zp_out", q->zp_out, err));
    RS_TRY(rs_check_activation(q->act_min, q->act_max, err));
    RS_TRY(rs_check_range("add: left_shift", q->left_shift, 0, 22, err));
    RS_TRY(check_rescale("add: shift1", q->mult1, q->shift1, err));
    RS_TRY(check_rescale("add: shift2", q->mult2, q->shift2, err));
    RS_TRY(check_rescale("add: shift_out", q->mult_out, q->shift_out, err));
    if (q->rounding != RS_ROUND_DOUBLE && q->rounding != RS_ROUND_SINGLE)
        return rs_fail(err, RS_ERR_ARG, "add: rounding %d is neither double nor single", (int)q->rounding);
    return RS_OK;
}

static int32_t rescale(int32_t x, int32_t mult, int32_t shift, enum rs_rounding rounding)
{
    return rounding == RS_ROUND_SINGLE ? fx_multiply_single(x, mult, shift) : fx_multiply_double(x, mult, shift);
}

#if defined(__x86_64__)
/* What the vectors hold in 32 bits: sums of less than 2^30 (packed.h, STAGE_DOUBLE). */
static bool sums_fit(const struct rs_add_quant *q)
{
    return q->left_shift <= 20;        /* 2 * 255 * 2^20 < 2^29 */
}
#endif

static rs_status add(int sign2, const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2,
                     const int8_t *in2, const struct rs_add_quant *q, const struct rs_dims *d_out, int8_t *out,
                     struct rs_error *err)
{
    struct broadcast b;

    if (in1 == NULL || in2 == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "add: null tensor");
    RS_TRY(check_quant(q, err));
    RS_TRY(rs_broadcast_init(d1, d2, d_out, &b, err));

    const int64_t rows = rs_broadcast_rows(&b), codes = BROADCAST_ROW_CODES(&b);
    const int64_t step1 = b.step1[RS_MAX_RANK - 1], step2 = b.step2[RS_MAX_RANK - 1];

#if defined(__x86_64__)
    enum rs_isa isa;

    RS_TRY(rs_isa_current(&isa, err));
    if (isa == RS_ISA_AVX512VNNI && sign2 == 1 && q->rounding == RS_ROUND_DOUBLE && step1 == 1 && step2 == 1 &&
        sums_fit(q)) {
        if (memcmp(d1, d2, sizeof *d1) == 0) {         /* nothing is repeated: one row */
            rs_add_s8_row__avx512(rows * codes, in1, in2, q, out);
            return RS_OK;
        }
        for (int64_t row = 0; row < rows; row++) {
            int64_t i1, i2;

            rs_broadcast_row(&b, row, &i1, &i2);
            rs_add_s8_row__avx512(codes, in1 + i1, in2 + i2, q, out + row * codes);
        }
        return RS_OK;
    }
#endif
    /* Each input has 256 codes only: rescale each once. |x| <= 255 * 2^22 / 1, so x1 + x2 fits. */
    int32_t x1[256], x2[256];

    for (int32_t code = INT8_MIN; code <= INT8_MAX; code++) {
        x1[code + 128] = rescale((code - q->zp1) * (1 << q->left_shift), q->mult1, q->shift1, q->rounding);
        x2[code + 128] = rescale((code - q->zp2) * (1 << q->left_shift), sign2 * q->mult2, q->shift2,
                                 q->rounding);
    }

    const int32_t lo = q->act_min - q->zp_out, hi = q->act_max - q->zp_out;

    for (int64_t row = 0; row < rows; row++) {
        int64_t i1, i2;

        rs_broadcast_row(&b, row, &i1, &i2);
        for (int64_t i = 0; i < codes; i++, i1 += step1, i2 += step2) {
            const int32_t sum = x1[in1[i1] + 128] + x2[in2[i2] + 128];
            const int32_t y = rescale(sum, q->mult_out, q->shift_out, q->rounding);

            out[row * codes + i] = fx_code(q->zp_out + fx_clamp(y, lo, hi));
        }
    }
    return RS_OK;
}

bool rs_add_s8_plane_find(const struct rs_add_quant *q, struct rs_add_plane *plane)
{
#if defined(__x86_64__)
    enum rs_isa isa;

    return rs_isa_current(&isa, NULL) == RS_OK && isa == RS_ISA_AVX512VNNI && check_quant(q, NULL) == RS_OK &&
           q->rounding == RS_ROUND_DOUBLE && sums_fit(q) && rs_add_s8_plane_find__avx512(q, plane);
#else
    (void)q;
    (void)plane;
    return false;
#endif
}

void rs_add_s8_plane_run(size_t count, const int8_t *in1, const int8_t *in2, const struct rs_add_quant *q,
                         const struct rs_add_plane *plane, int8_t *out)
{
#if defined(__x86_64__)
    rs_add_s8_plane_run__avx512((int64_t)count, in1, in2, q, plane, out);
#else
    (void)count, (void)in1, (void)in2, (void)q, (void)plane, (void)out;
    assert(!"there is no plane");
#endif
}

rs_status rs_add_s8(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                    const struct rs_add_quant *q, const struct rs_dims *d_out, int8_t *out, struct rs_error *err)
{
    return add(1, d1, in1, d2, in2, q, d_out, out, err);
}

rs_status rs_sub_s8(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                    const struct rs_add_quant *q, const struct rs_dims *d_out, int8_t *out, struct rs_error *err)
{
    return add(-1, d1, in1, d2, in2, q, d_out, out, err);
}
