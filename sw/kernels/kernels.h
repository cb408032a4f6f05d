/*
 * kernels.h - int8 and int16 CPU kernels: what every layer computes, bit for bit.
 *
 * This header is the contract of sw/kernels/.  The `_ref` functions are plain and slow for good; the
 * same name without `_ref` gives the same bits faster, on the best instruction set that the machine has
 * (isa: rs_isa_select() below).  Functions without a `_ref` twin have one version.
 *
 * Common to all functions, unless one says otherwise:
 *   - Tensors are dense int8 in the axis order given, last axis fastest; real = scale * (code - zp).
 *   - An output must not overlap an input (rs_add_s8 and the other elementwise ones allow out == an input
 *     of the same shape).  Nothing is kept after return.
 *   - Guards come first: on any error the outputs are untouched.
 *   - @err may be NULL; it is written only on failure, and says what was expected and what was found.
 *   - Errors: RS_ERR_ARG (null pointer, extent < 1, unknown enum value); RS_ERR_SHAPE (extents that do not
 *     fit each other, or a tensor of more than 2^31 - 1 codes); RS_ERR_RANGE (a number outside its stated
 *     range).  More are listed where they exist.
 *   - Reentrant and thread safe.  They allocate nothing, except where said.
 * Sources: Jacob et al., CVPR 2018, section 2; TensorFlow Lite 8-bit quantization specification;
 * gemmlowp doc/quantization.md.  docs/numerics.md holds the formulas in one place.
 */
#ifndef RS_KERNELS_H
#define RS_KERNELS_H
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ numbers */

/* How an int32 accumulator becomes a code.  docs/numerics.md has the formulas. */
enum rs_rounding {
    RS_ROUND_DOUBLE = 0,   /* gemmlowp: doubling high multiply, then rounding shift. The default: TFLite, TFLM */
    RS_ROUND_SINGLE = 1,   /* one rounding of the 64-bit product, half up: XNNPACK, TFLITE_SINGLE_ROUNDING     */
    RS_ROUND_ONNX   = 2    /* float(acc) * scale, half to even: ONNX QLinear operators                         */
};

/* Fused activations, as TFLite names them. */
enum rs_activation { RS_ACT_NONE = 0, RS_ACT_RELU, RS_ACT_RELU6, RS_ACT_RELU_N1_TO_1 };

/**
 * rs_srdhm() - saturating rounding doubling high multiply, gemmlowp's.
 *
 * (a * b + nudge) / 2^31 truncated, nudge = a*b >= 0 ? 2^30 : 1 - 2^30: nearest, ties toward plus
 * infinity.  The one overflow, a == b == INT32_MIN, gives INT32_MAX.  Any arguments.
 */
int32_t rs_srdhm(int32_t a, int32_t b);

/**
 * rs_rounding_divide_by_pot() - x / 2^exponent, nearest, ties away from zero; gemmlowp's.
 * @exponent: [0, 31].  Any x.
 */
int32_t rs_rounding_divide_by_pot(int32_t x, int exponent);

/**
 * rs_multiply_by_quantized_multiplier() - x * mult * 2^(shift - 31), rounded as @rounding says.
 *
 * @mult:  [0, 2^31), Q31
 * @shift: [-31, 30]; positive shifts left, before the multiplication
 * @rounding: RS_ROUND_DOUBLE or RS_ROUND_SINGLE
 * The left shift (DOUBLE) and the result (SINGLE) saturate at int32; TFLite leaves both undefined.
 */
int32_t rs_multiply_by_quantized_multiplier(int32_t x, int32_t mult, int shift, enum rs_rounding rounding);

/**
 * rs_quantize_multiplier() - a real multiplier as mult * 2^(shift - 31), TFLite's QuantizeMultiplier().
 *
 * @real:  [0, 2^30), finite
 * @mult:  out, 0 or [2^30, 2^31).  @shift: out, [-31, 30].
 * real == 0, and real < 2^-32 once rounded to 31 bits, give mult = 0, shift = 0, as in TFLite.
 * Errors: RS_ERR_ARG, RS_ERR_RANGE.
 */
RS_MUST_CHECK
rs_status rs_quantize_multiplier(double real, int32_t *mult, int *shift, struct rs_error *err);

/**
 * rs_conv_real_multiplier() - (double)s_in * s_filter / s_out, as TFLite computes it for CONV_2D and
 * DEPTHWISE_CONV_2D (every filter, per tensor too) and for FULLY_CONNECTED with per-channel filters.
 */
double rs_conv_real_multiplier(float s_in, float s_filter, float s_out);

/**
 * rs_fc_real_multiplier() - (double)(s_in * s_filter) / s_out with the product rounded to float, as TFLite
 * computes it for FULLY_CONNECTED with a per-tensor filter.
 */
double rs_fc_real_multiplier(float s_in, float s_filter, float s_out);

/**
 * rs_activation_range() - the codes an activation clamps to, TFLite's CalculateActivationRangeQuantized().
 *
 * @scale: > 0, finite.  @zp: [-128, 127].  @act_min, @act_max: out, [-128, 127].
 * Errors: RS_ERR_ARG; RS_ERR_RANGE (also when the range would be empty).
 */
RS_MUST_CHECK
rs_status rs_activation_range(enum rs_activation act, float scale, int32_t zp,
                              int32_t *act_min, int32_t *act_max, struct rs_error *err);

/*
 * Output stage of convolution, FC and GEMM.
 * Channel m uses entry m when count > 1, entry 0 when count == 1.
 */
struct rs_quant {
    int32_t zp_in;               /* [-128, 127]                                                      */
    int32_t zp_out;              /* [-128, 127]                                                      */
    int32_t act_min, act_max;    /* [-128, 127], act_min <= act_max                                  */
    enum rs_rounding rounding;
    int32_t count;               /* 1, or the number of output channels                              */
    const int32_t *mult;         /* [count], 0 or [2^30, 2^31), Q31; unused by RS_ROUND_ONNX         */
    const int32_t *shift;        /* [count], [-31, 30], positive shifts left; unused by ONNX         */
    const float *scale;          /* [count], finite, >= 0; used by RS_ROUND_ONNX only                */
};

/**
 * rs_requantize_s32_s8() - one accumulator to one code.
 *
 *   DOUBLE, SINGLE: clamp(zp_out + rs_multiply_by_quantized_multiplier(acc, mult, shift), act_min, act_max)
 *   ONNX:           clamp(zp_out + round_half_even((float)acc * scale),                   act_min, act_max)
 *
 * @q: valid (rs_quant_check); @channel: < count, or anything if count == 1.  Any acc.
 */
int8_t rs_requantize_s32_s8(int32_t acc, const struct rs_quant *q, size_t channel);

/**
 * rs_quant_check() - every bound in struct rs_quant, for @channels output channels.
 * Errors: RS_ERR_ARG (null table, unknown rounding), RS_ERR_SHAPE (count), RS_ERR_RANGE.
 */
RS_MUST_CHECK
rs_status rs_quant_check(const struct rs_quant *q, int32_t channels, struct rs_error *err);

/* -------------------------------------------------------------- convolution */

/* Extents of a 2-D convolution or pooling.  R, S are the filter's own rows and columns, undilated. */
struct rs_conv_shape {
    int32_t n, h, w, c;                                /* ifmap  [N][H][W][C], each >= 1               */
    int32_t m, r, s;                                   /* filters, filter rows and columns, each >= 1  */
    int32_t stride_h, stride_w;                        /* >= 1                                         */
    int32_t dilation_h, dilation_w;                    /* >= 1; 1 is dense                             */
    int32_t pad_top, pad_bottom, pad_left, pad_right;  /* >= 0                                         */
    int32_t e, f;                                      /* ofmap rows and columns; must equal           */
};                                                     /* rs_conv_out_extent() of the fields above     */

/**
 * rs_conv_out_extent() - (in + pad_before + pad_after - ((taps - 1) * dilation + 1)) / stride + 1
 *
 * Rounds down.  Less than 1 when the filter does not fit.  int64 so that no field values overflow it.
 */
int64_t rs_conv_out_extent(int32_t in, int32_t taps, int32_t stride, int32_t dilation,
                           int32_t pad_before, int32_t pad_after);

/**
 * rs_conv_same_padding() - TFLite's (and TensorFlow's) SAME: out = ceil(in / stride); the odd pad goes after.
 * All inputs >= 1.  Errors: RS_ERR_ARG.
 */
RS_MUST_CHECK
rs_status rs_conv_same_padding(int32_t in, int32_t taps, int32_t stride, int32_t dilation,
                               int32_t *pad_before, int32_t *pad_after, struct rs_error *err);

/**
 * rs_conv2d_s8() - 2-D int8 convolution, requantized per output channel.
 *
 *   ofmap[n][e][f][m] = rs_requantize_s32_s8(acc, q, m)
 *   acc = bias[m] + SUM r,s,c of filter[m][r][s][c]
 *         * (ifmap[n][stride_h*e + dilation_h*r - pad_top][stride_w*f + dilation_w*s - pad_left][c] - zp_in)
 *
 * Taps outside the ifmap add nothing: padding is real 0, that is code zp_in.
 *
 * @ifmap:  [N][H][W][C].  @filter: [M][R][S][C], zero point 0, -128 allowed.
 * @bias:   [M] int32, scale s_in * s_filter[m], or NULL for all zero.
 *          |bias[m]| + SUM |filter[m]| * max(zp_in + 128, 127 - zp_in) < 2^31, so acc cannot overflow.
 * @ofmap:  [N][E][F][M], out.
 * RS_ROUND_DOUBLE is bit-exact with TensorFlow Lite's reference kernel and TFLite Micro.
 * rs_conv2d_s8() packs the filter and allocates room for it on every call (RS_ERR_NOMEM; RS_ERR_UNSUPPORTED
 * when environment RS_ISA asks for what this machine lacks); the _pack functions of pack.h do that once.
 */
RS_MUST_CHECK
rs_status rs_conv2d_s8(const struct rs_conv_shape *sh, const int8_t *ifmap, const int8_t *filter,
                       const int32_t *bias, const struct rs_quant *q, int8_t *ofmap, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_conv2d_s8_ref(const struct rs_conv_shape *sh, const int8_t *ifmap, const int8_t *filter,
                           const int32_t *bias, const struct rs_quant *q, int8_t *ofmap, struct rs_error *err);

/**
 * rs_depthwise_conv2d_s8() - depthwise 2-D convolution with a channel multiplier, M = C * multiplier.
 *
 *   ofmap[n][e][f][m] as rs_conv2d_s8(), with
 *   acc = bias[m] + SUM r,s of filter[r][s][m] * (ifmap[n][..][..][m / multiplier] - zp_in)
 *
 * @sh:     m must be a multiple of c; the quotient is the multiplier
 * @filter: [R][S][M], that is TFLite's [1][R][S][C*multiplier]
 * All else as rs_conv2d_s8().
 */
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s8(const struct rs_conv_shape *sh, const int8_t *ifmap, const int8_t *filter,
                                 const int32_t *bias, const struct rs_quant *q, int8_t *ofmap,
                                 struct rs_error *err);
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s8_ref(const struct rs_conv_shape *sh, const int8_t *ifmap, const int8_t *filter,
                                     const int32_t *bias, const struct rs_quant *q, int8_t *ofmap,
                                     struct rs_error *err);

/* ----------------------------------------------------------------- matrices */

enum rs_gemm_layout {
    RS_GEMM_B_NK = 0,      /* b is [N][K]: FC's filter, the transposed matrix */
    RS_GEMM_B_KN = 1       /* b is [K][N]                                     */
};

/* c[M][N] = a[M][K] * b */
struct rs_gemm_shape {
    int32_t m, n, k;                   /* each >= 1                                          */
    enum rs_gemm_layout layout;        /* of b                                               */
    int32_t zp_b;                      /* zero point of b, [-128, 127]; a's is q->zp_in      */
};

/**
 * rs_gemm_s8() - int8 matrix product, requantized per column.
 *
 *   c[i][j] = rs_requantize_s32_s8(acc, q, j)
 *   acc = bias[j] + SUM k of (a[i][k] - zp_in) * (b[k][j] - zp_b)
 *
 * @bias: [N] or NULL.  |bias[j]| + K * 255 * 255 < 2^31 (with the true zero points and b if need be).
 * rs_gemm_s8() allocates as rs_conv2d_s8() does.
 */
RS_MUST_CHECK
rs_status rs_gemm_s8(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                     const struct rs_quant *q, int8_t *c, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s8_ref(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                         const struct rs_quant *q, int8_t *c, struct rs_error *err);

/**
 * rs_gemm_s8_s32() - the accumulators of rs_gemm_s8(), not requantized.  @c: [M][N] int32, out.
 * @zp_a: [-128, 127].
 */
RS_MUST_CHECK
rs_status rs_gemm_s8_s32(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b, const int32_t *bias,
                         int32_t zp_a, int32_t *c, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s8_s32_ref(const struct rs_gemm_shape *sh, const int8_t *a, const int8_t *b,
                             const int32_t *bias, int32_t zp_a, int32_t *c, struct rs_error *err);

/**
 * rs_fully_connected_s8() - rs_gemm_s8() in a layer's words.
 *
 *   ofmap[n][m] = rs_requantize_s32_s8(bias[m] + SUM c of filter[m][c] * (ifmap[n][c] - zp_in), q, m)
 *
 * @n: rows, @c: inputs a row, @m: outputs a row; each >= 1.
 * @ifmap: [N][C].  @filter: [M][C], zero point 0.  @bias: [M] or NULL.  @ofmap: [N][M].
 */
RS_MUST_CHECK
rs_status rs_fully_connected_s8(int32_t n, int32_t c, int32_t m, const int8_t *ifmap, const int8_t *filter,
                                const int32_t *bias, const struct rs_quant *q, int8_t *ofmap,
                                struct rs_error *err);
RS_MUST_CHECK
rs_status rs_fully_connected_s8_ref(int32_t n, int32_t c, int32_t m, const int8_t *ifmap, const int8_t *filter,
                                    const int32_t *bias, const struct rs_quant *q, int8_t *ofmap,
                                    struct rs_error *err);

/* ---------------------------------------------------------------- 16 bits */

/*
 * Layers with int16 activations, zero points 0.  Two kinds:
 *
 *   _s16     int16 x int8 filters, per-channel multipliers: TensorFlow Lite's "16x8"
 *   _s16s16  int16 x int16 filters in Q formats: the result is shifted to its place
 *
 * Accumulators and biases are int64 and exact.  Shapes, axis orders, padding, overlap and errors as in the int8
 * function of the same name; *_ref are the plain loops.
 */

/* Output stage of 16x8.  Channel m uses entry m when count > 1, entry 0 when count == 1. */
struct rs_quant_s16 {
    int32_t act_min, act_max;    /* [-32768, 32767], act_min <= act_max                              */
    int32_t count;               /* 1, or the number of output channels                              */
    const int32_t *mult;         /* [count], 0 or [2^30, 2^31), Q31; its upper 16 bits are used      */
    const int32_t *shift;        /* [count], [-31, 7], positive shifts left                          */
};

/* Output stage of int16 x int16. */
struct rs_quant_s16s16 {
    int32_t act_min, act_max;    /* [-32768, 32767], act_min <= act_max                              */
    int32_t shift;               /* [0, 47]: fraction bits of ifmap and filter less those of ofmap   */
};

/**
 * rs_multiply_by_quantized_multiplier_s64() - x * mult * 2^(shift - 31) for a 48-bit x, rounded once, half up.
 *
 *   reduced = mult < 0x7FFF0000 ? (mult + 2^15) >> 16 : 0x7FFF
 *   (x * reduced + 2^(14 - shift)) >> (15 - shift)
 *
 * @x: (-2^47, 2^47).  @mult: [0, 2^31).  @shift: [-31, 7].
 * TFLite narrows the result to int32 and demands that it fits; here it is whole.
 */
int64_t rs_multiply_by_quantized_multiplier_s64(int64_t x, int32_t mult, int shift);

/* rs_requantize_s64_s16() - clamp(rs_multiply_by_quantized_multiplier_s64(acc, mult, shift), act_min, act_max). */
int16_t rs_requantize_s64_s16(int64_t acc, const struct rs_quant_s16 *q, size_t channel);

/* rs_shift_s64_s16() - clamp(shift == 0 ? acc : (acc + 2^(shift - 1)) >> shift, act_min, act_max).  @acc: (-2^47, 2^47) */
int16_t rs_shift_s64_s16(int64_t acc, const struct rs_quant_s16s16 *q);

/* Every bound of an output stage.  Errors: as rs_quant_check(). */
RS_MUST_CHECK
rs_status rs_quant_s16_check(const struct rs_quant_s16 *q, int32_t channels, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_quant_s16s16_check(const struct rs_quant_s16s16 *q, struct rs_error *err);

/**
 * rs_conv2d_s16_ref(), rs_conv2d_s16s16_ref() - 2-D convolution of int16 activations.
 *
 *   _s16:    ofmap[n][e][f][m] = rs_requantize_s64_s16(acc, q, m)
 *   _s16s16: ofmap[n][e][f][m] = rs_shift_s64_s16(acc, q)
 *   acc = bias[m] + SUM r,s,c of filter[m][r][s][c] * ifmap[n][..][..][c]       taps outside the ifmap add nothing
 *
 * @bias: [M] int64 or NULL.  |bias[m]| + SUM |filter[m]| * 2^15 < 2^47 (RS_ERR_RANGE).
 * _s16 is bit-exact with TensorFlow Lite's reference kernel with int64 bias.
 */
RS_MUST_CHECK
rs_status rs_conv2d_s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter,
                            const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_conv2d_s16s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter,
                               const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                               struct rs_error *err);

/* rs_depthwise_conv2d_s16_ref(), rs_depthwise_conv2d_s16s16_ref() - as rs_depthwise_conv2d_s8(), with the above. */
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter,
                                      const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap,
                                      struct rs_error *err);
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s16s16_ref(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter,
                                         const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                                         struct rs_error *err);

/**
 * rs_gemm_s16_ref(), rs_gemm_s16s16_ref() - c[i][j] = output stage of bias[j] + SUM k of a[i][k] * b[k][j].
 *
 * @sh: zp_b must be 0 (RS_ERR_RANGE).  @bias: [N] int64 or NULL, bounded as in convolution.
 */
RS_MUST_CHECK
rs_status rs_gemm_s16_ref(const struct rs_gemm_shape *sh, const int16_t *a, const int8_t *b, const int64_t *bias,
                          const struct rs_quant_s16 *q, int16_t *c, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s16s16_ref(const struct rs_gemm_shape *sh, const int16_t *a, const int16_t *b, const int64_t *bias,
                             const struct rs_quant_s16s16 *q, int16_t *c, struct rs_error *err);

/* rs_fully_connected_s16_ref(), rs_fully_connected_s16s16_ref() - the same in a layer's words, filter [M][C]. */
RS_MUST_CHECK
rs_status rs_fully_connected_s16_ref(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int8_t *filter,
                                     const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap,
                                     struct rs_error *err);
RS_MUST_CHECK
rs_status rs_fully_connected_s16s16_ref(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int16_t *filter,
                                        const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                                        struct rs_error *err);

/*
 * The same without _ref: by the instruction set in force (rs_isa_current()), same bits.  They allocate what the layer needs
 * laid out (RS_ERR_NOMEM, nothing written), and free it.
 */
RS_MUST_CHECK
rs_status rs_conv2d_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter,
                        const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_conv2d_s16s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter,
                           const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                           struct rs_error *err);
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int8_t *filter,
                                  const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap,
                                  struct rs_error *err);
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_s16s16(const struct rs_conv_shape *sh, const int16_t *ifmap, const int16_t *filter,
                                     const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                                     struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s16(const struct rs_gemm_shape *sh, const int16_t *a, const int8_t *b, const int64_t *bias,
                      const struct rs_quant_s16 *q, int16_t *c, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_gemm_s16s16(const struct rs_gemm_shape *sh, const int16_t *a, const int16_t *b, const int64_t *bias,
                         const struct rs_quant_s16s16 *q, int16_t *c, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_fully_connected_s16(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int8_t *filter,
                                 const int64_t *bias, const struct rs_quant_s16 *q, int16_t *ofmap,
                                 struct rs_error *err);
RS_MUST_CHECK
rs_status rs_fully_connected_s16s16(int32_t n, int32_t c, int32_t m, const int16_t *ifmap, const int16_t *filter,
                                    const int64_t *bias, const struct rs_quant_s16s16 *q, int16_t *ofmap,
                                    struct rs_error *err);

/* -------------------------------------------------------------- elementwise */

#define RS_MAX_RANK 5

/* A tensor's extents, slowest axis first.  rank 0 is one scalar. */
struct rs_dims {
    int32_t rank;                      /* [0, RS_MAX_RANK]     */
    int32_t extent[RS_MAX_RANK];       /* [rank], each >= 1    */
};

/* Parameters of ADD and SUB; rs_add_quant_init() makes them as TFLite does. */
struct rs_add_quant {
    int32_t zp1, zp2, zp_out;          /* [-128, 127]                                      */
    int32_t act_min, act_max;          /* [-128, 127], act_min <= act_max                  */
    int32_t left_shift;                /* [0, 22]: 255 << 22 fits int32; TFLite uses 20    */
    int32_t mult1, mult2, mult_out;    /* [0, 2^31), Q31                                   */
    int32_t shift1, shift2, shift_out; /* [-31, 0]                                         */
    enum rs_rounding rounding;         /* DOUBLE or SINGLE                                 */
};

/**
 * rs_add_quant_init() - TFLite's parameters of ADD and SUB from three scales.
 *
 * @s1, @s2, @s_out: > 0, finite.
 * Errors: RS_ERR_RANGE also where TFLite itself refuses: 2 * max(s1, s2) / (2^20 * s_out) must be < 1.
 */
RS_MUST_CHECK
rs_status rs_add_quant_init(float s1, int32_t zp1, float s2, int32_t zp2, float s_out, int32_t zp_out,
                            int32_t act_min, int32_t act_max, struct rs_add_quant *q, struct rs_error *err);

/**
 * rs_add_s8(), rs_sub_s8() - broadcasting sum and difference with rescaling.
 *
 *   x1 = rescale((in1 - zp1) << left_shift, mult1, shift1), x2 likewise
 *   out = clamp(zp_out + rescale(x1 +- x2, mult_out, shift_out), act_min, act_max)
 *
 * rescale() is rs_multiply_by_quantized_multiplier().  |x1| + |x2| < 2^31 holds for left_shift <= 22.
 * @d1, @d2: aligned at the last axis as in NumPy; an extent of 1 is repeated.  @d_out: must be the result's
 * extents.  @out may equal in1 (or in2) when its extents equal d_out.
 * Bit-exact with TFLite's reference kernel, left_shift 20.
 */
RS_MUST_CHECK
rs_status rs_add_s8(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                    const struct rs_add_quant *q, const struct rs_dims *d_out, int8_t *out,
                    struct rs_error *err);
RS_MUST_CHECK
rs_status rs_sub_s8(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                    const struct rs_add_quant *q, const struct rs_dims *d_out, int8_t *out,
                    struct rs_error *err);

/* Parameters of MUL; rs_mul_quant_init() makes them as TFLite does. */
struct rs_mul_quant {
    int32_t zp1, zp2, zp_out;          /* [-128, 127]                                */
    int32_t act_min, act_max;          /* [-128, 127], act_min <= act_max            */
    int32_t mult, shift;               /* 0 or [2^30, 2^31); [-31, 30]               */
    enum rs_rounding rounding;         /* DOUBLE or SINGLE                           */
};

/* rs_mul_quant_init() - TFLite's parameters of MUL.  @s1, @s2, @s_out: > 0, finite. */
RS_MUST_CHECK
rs_status rs_mul_quant_init(float s1, int32_t zp1, float s2, int32_t zp2, float s_out, int32_t zp_out,
                            int32_t act_min, int32_t act_max, struct rs_mul_quant *q, struct rs_error *err);

/* rs_mul_s8() - out = clamp(zp_out + rescale((in1 - zp1) * (in2 - zp2), mult, shift)); extents as rs_add_s8(). */
RS_MUST_CHECK
rs_status rs_mul_s8(const struct rs_dims *d1, const int8_t *in1, const struct rs_dims *d2, const int8_t *in2,
                    const struct rs_mul_quant *q, const struct rs_dims *d_out, int8_t *out,
                    struct rs_error *err);

/**
 * rs_requantize_s8() - from one scale and zero point to another; also RELU, RELU6 and friends by clamping.
 *
 *   out[i] = rs_requantize_s32_s8(in[i] - zp_in, q, 0)
 *
 * @count: >= 1.  @q: count must be 1.  out == in is allowed.
 * TFLite's QUANTIZE int8 -> int8 and its quantized RELU family: multiplier (double)s_in / (double)s_out.
 */
RS_MUST_CHECK
rs_status rs_requantize_s8(size_t count, const int8_t *in, const struct rs_quant *q, int8_t *out,
                           struct rs_error *err);

/**
 * rs_quantize_f32_s8() - out[i] = clamp(zp + round(in[i] / scale), -128, 127), division in float.
 *
 * @rounding: RS_ROUND_ONNX rounds half to even; the others half away from zero, as TFLite.
 * @scale: > 0, finite.  Infinities saturate.  Errors: RS_ERR_RANGE also for a NaN in @in.
 */
RS_MUST_CHECK
rs_status rs_quantize_f32_s8(size_t count, const float *in, float scale, int32_t zp, enum rs_rounding rounding,
                             int8_t *out, struct rs_error *err);

/* rs_dequantize_s8_f32() - out[i] = scale * (in[i] - zp), rounded once to float.  @scale: > 0, finite. */
RS_MUST_CHECK
rs_status rs_dequantize_s8_f32(size_t count, const int8_t *in, float scale, int32_t zp, float *out,
                               struct rs_error *err);

/* ------------------------------------------------------- functions of a code */

/* Parameters of LOGISTIC and TANH; the output is fixed: scale 1/256, zp -128; for TANH 1/128, zp 0. */
struct rs_sigmoid_quant {
    int32_t zp_in;                     /* [-128, 127]                                             */
    int32_t mult, shift;               /* input to Q4.27; 0 or [2^30, 2^31); [-31, 30]            */
    int32_t radius;                    /* >= 0; |code - zp_in| beyond it saturates                */
};

/* rs_sigmoid_quant_init() - TFLite's parameters of LOGISTIC and TANH.  @s_in: > 0, < 2^3. */
RS_MUST_CHECK
rs_status rs_sigmoid_quant_init(float s_in, int32_t zp_in, struct rs_sigmoid_quant *q, struct rs_error *err);

/* rs_logistic_s8() - 1 / (1 + exp(-x)), gemmlowp fixed point; output scale 1/256, zp -128.  out == in allowed. */
RS_MUST_CHECK
rs_status rs_logistic_s8(size_t count, const int8_t *in, const struct rs_sigmoid_quant *q, int8_t *out,
                         struct rs_error *err);

/* rs_tanh_s8() - tanh(x), gemmlowp fixed point; output scale 1/128, zp 0.  out == in allowed. */
RS_MUST_CHECK
rs_status rs_tanh_s8(size_t count, const int8_t *in, const struct rs_sigmoid_quant *q, int8_t *out,
                     struct rs_error *err);

/* Parameters of SOFTMAX; the output is fixed: scale 1/256, zp -128. */
struct rs_softmax_quant {
    int32_t mult, shift;               /* beta * s_in to Q5.26; [2^30, 2^31); [0, 30]    */
    int32_t diff_min;                  /* <= 0; codes further below the maximum give 0   */
};

/* rs_softmax_quant_init() - TFLite's parameters.  @beta, @s_in: > 0, finite; beta * s_in * 2^26 > 1. */
RS_MUST_CHECK
rs_status rs_softmax_quant_init(float beta, float s_in, struct rs_softmax_quant *q, struct rs_error *err);

/**
 * rs_softmax_s8() - softmax of each of @rows rows of @depth codes, in gemmlowp fixed point.
 *
 * @in, @out: [rows][depth]; out == in allowed.  @depth: [1, 4095], so that the Q12.19 sum cannot overflow.
 * Bit-exact with reference_ops::Softmax<int8, int8> of TFLite and TFLM.
 */
RS_MUST_CHECK
rs_status rs_softmax_s8(int32_t rows, int32_t depth, const int8_t *in, const struct rs_softmax_quant *q,
                        int8_t *out, struct rs_error *err);

/* ------------------------------------- int16 (16x8), zero points 0, besides layers */

/* rs_add_quant_init_s16() - rs_add_quant_init() for int16: left_shift 15, act_min and act_max in int16. */
RS_MUST_CHECK
rs_status rs_add_quant_init_s16(float s1, float s2, float s_out, int32_t act_min, int32_t act_max, struct rs_add_quant *q,
                                struct rs_error *err);

/* rs_add_s16(), rs_sub_s16(), rs_mul_s16() - as the _s8 functions, always double rounding; act_min, act_max in int16, no zero points. */
RS_MUST_CHECK
rs_status rs_add_s16(const struct rs_dims *d1, const int16_t *in1, const struct rs_dims *d2, const int16_t *in2,
                     const struct rs_add_quant *q, const struct rs_dims *d_out, int16_t *out, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_sub_s16(const struct rs_dims *d1, const int16_t *in1, const struct rs_dims *d2, const int16_t *in2,
                     const struct rs_add_quant *q, const struct rs_dims *d_out, int16_t *out, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_mul_s16(const struct rs_dims *d1, const int16_t *in1, const struct rs_dims *d2, const int16_t *in2,
                     const struct rs_mul_quant *q, const struct rs_dims *d_out, int16_t *out, struct rs_error *err);

/* rs_average_pool_s16(), rs_max_pool_s16() - as the _s8 functions; at most 65,534 taps, act_min and act_max in int16. */
RS_MUST_CHECK
rs_status rs_average_pool_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, int32_t act_min, int32_t act_max,
                              int16_t *ofmap, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_max_pool_s16(const struct rs_conv_shape *sh, const int16_t *ifmap, int32_t act_min, int32_t act_max,
                          int16_t *ofmap, struct rs_error *err);

/* SOFTMAX: beta * s_in in steps of 10 / 65535.  The output is fixed: scale 1/32768. */
struct rs_softmax_s16_quant { int32_t mult, shift; };
RS_MUST_CHECK
rs_status rs_softmax_s16_quant_init(float beta, float s_in, struct rs_softmax_s16_quant *q, struct rs_error *err);

/* rs_softmax_s16() - softmax of each of @rows rows of @depth codes, by tables; out == in allowed.  @depth: [1, 65535]. */
RS_MUST_CHECK
rs_status rs_softmax_s16(int32_t rows, int32_t depth, const int16_t *in, const struct rs_softmax_s16_quant *q, int16_t *out,
                         struct rs_error *err);

/* LOGISTIC and TANH: code * mult >> shift is the input in steps of 1 / 12288 (TANH: of half of it).  The output is fixed: scale 1/32768. */
struct rs_sigmoid_s16_quant { int32_t mult, shift; };

/* @s_in: > 0, < 1.  A power of two from 2^-12 up to 2^(-12 + @most_pot_shift) is exact: 0 for LOGISTIC, 1 for TANH. */
RS_MUST_CHECK
rs_status rs_sigmoid_s16_quant_init(float s_in, int most_pot_shift, struct rs_sigmoid_s16_quant *q, struct rs_error *err);

/* rs_logistic_s16(), rs_tanh_s16() - by a table of the sigmoid; out == in allowed.  Bit-exact with TFLite's reference, like all of these. */
RS_MUST_CHECK
rs_status rs_logistic_s16(size_t count, const int16_t *in, const struct rs_sigmoid_s16_quant *q, int16_t *out, struct rs_error *err);
RS_MUST_CHECK
rs_status rs_tanh_s16(size_t count, const int16_t *in, const struct rs_sigmoid_s16_quant *q, int16_t *out, struct rs_error *err);

/* ------------------------------------------------------------------ pooling */

/**
 * rs_average_pool_s8() - mean of the taps inside the ifmap, rounded half away from zero, then clamped.
 *
 * @sh: m == c, dilation 1; every window must hold at least one tap inside the ifmap
 * Input and output have one scale and zero point, as TFLite demands; requantize after if they do not.
 */
RS_MUST_CHECK
rs_status rs_average_pool_s8(const struct rs_conv_shape *sh, const int8_t *ifmap,
                             int32_t act_min, int32_t act_max, int8_t *ofmap, struct rs_error *err);

/* rs_max_pool_s8() - greatest code of the taps inside the ifmap, then clamped.  @sh: as rs_average_pool_s8(). */
RS_MUST_CHECK
rs_status rs_max_pool_s8(const struct rs_conv_shape *sh, const int8_t *ifmap,
                         int32_t act_min, int32_t act_max, int8_t *ofmap, struct rs_error *err);

/* Parameters of MEAN. */
struct rs_mean_quant {
    int32_t zp_in, zp_out;             /* [-128, 127]                                             */
    int32_t mult, shift;               /* s_in / s_out: 0 or [2^30, 2^31); [-31, 30]              */
};

/* rs_mean_quant_init() - TFLite's parameters of MEAN.  @s_in, @s_out: > 0, finite. */
RS_MUST_CHECK
rs_status rs_mean_quant_init(float s_in, int32_t zp_in, float s_out, int32_t zp_out, struct rs_mean_quant *q,
                             struct rs_error *err);

/**
 * rs_mean_s8() - mean over the axes in @axes, with rescaling.
 *
 *   sum  = SUM (in - zp_in) over @count = product of the reduced extents
 *   mult, shift divided by count in integers, as TFLite does (docs/numerics.md)
 *   out  = clamp(zp_out + rescale(sum, mult', shift'), -128, 127)
 *
 * @d:    input extents.  @axes: bit i set reduces axis i; at least one, none beyond rank.
 * @out:  the remaining axes in order; a reduced axis counts as extent 1 or is dropped, which is the same memory.
 * Errors: RS_ERR_RANGE also if count * 255 could overflow int32.
 */
RS_MUST_CHECK
rs_status rs_mean_s8(const struct rs_dims *d, const int8_t *in, uint32_t axes, const struct rs_mean_quant *q,
                     int8_t *out, struct rs_error *err);

/* ----------------------------------------------------------------- movement */

/* rs_reshape_s8() - copy of @count codes. */
RS_MUST_CHECK
rs_status rs_reshape_s8(size_t count, const int8_t *in, int8_t *out, struct rs_error *err);

/* rs_pad_s8() - @before[i] and @after[i] (each >= 0) codes of @value around axis i.  @value: [-128, 127], zp for real 0. */
RS_MUST_CHECK
rs_status rs_pad_s8(const struct rs_dims *d, const int8_t *in, const int32_t *before, const int32_t *after,
                    int32_t value, int8_t *out, struct rs_error *err);

/* rs_transpose_s8() - output axis i is input axis perm[i].  @perm: [rank], a permutation (RS_ERR_ARG if not). */
RS_MUST_CHECK
rs_status rs_transpose_s8(const struct rs_dims *d, const int8_t *in, const int32_t *perm, int8_t *out,
                          struct rs_error *err);

/* One input of rs_concat_s8(). */
struct rs_concat_input {
    struct rs_dims dims;
    const int8_t *data;
    const struct rs_quant *requant;    /* NULL: copied; else each code goes through rs_requantize_s32_s8(code - zp_in) */
};

/* rs_concat_s8() - inputs one after another along @axis; all other extents equal.  @count: >= 1. */
RS_MUST_CHECK
rs_status rs_concat_s8(int32_t count, const struct rs_concat_input *inputs, int32_t axis, int8_t *out,
                       struct rs_error *err);

/* --------------------------------------------------------- instruction sets */

enum rs_isa { RS_ISA_REF = 0, RS_ISA_PORTABLE, RS_ISA_AVX2, RS_ISA_AVX512VNNI, RS_ISA_NEON, RS_ISA_COUNT };

/* "ref", "portable", "avx2", "avx512vnni", "neon"; NULL for no member of the enum. */
const char *rs_isa_name(enum rs_isa isa);

/* Whether this machine (and its operating system) can run it. */
bool rs_isa_available(enum rs_isa isa);

/**
 * rs_isa_select() - choose the instruction set of every later call in this process.
 *
 * @name: one of rs_isa_name(), or NULL: environment RS_ISA if set and not empty, else the best available.
 * Errors: RS_ERR_ARG (no such name), RS_ERR_UNSUPPORTED (this machine lacks it); the choice then stays.
 * Without a call, the first kernel call does rs_isa_select(NULL) and returns its error.
 */
RS_MUST_CHECK
rs_status rs_isa_select(const char *name, struct rs_error *err);

/* rs_isa_current() - what is in force; selects as the first kernel call would.  @isa: out. */
RS_MUST_CHECK
rs_status rs_isa_current(enum rs_isa *isa, struct rs_error *err);

#ifdef __cplusplus
}
#endif
#endif
