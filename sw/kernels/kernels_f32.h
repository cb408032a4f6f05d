/*
 * kernels_f32.h - float32 CPU kernels: what a float network computes, before it is quantized.
 *
 * Plain C for calibration, for error reports and for the float parts of a model; speed is second.  Sums run in the
 * order of the loops, so results may differ from other implementations in the last bits; NaN and infinity propagate.
 *
 * Common to all functions: tensors are dense float32 in the axis order given, last axis fastest; an output must not
 * overlap an input (rs_unary_f32(), rs_binary_f32(), rs_softmax_f32() and the norms allow out == an input of the same
 * extents).  @low, @high: results are clamped to [low, high], low <= high; -INFINITY and INFINITY clamp nothing.
 * Guards come first; @err may be NULL.  Errors: RS_ERR_ARG, RS_ERR_SHAPE as in kernels.h; RS_ERR_NOMEM where a function
 * says that it allocates.  Reentrant and thread safe.
 */
#ifndef RS_KERNELS_F32_H
#define RS_KERNELS_F32_H
#include "kernels.h"

/**
 * rs_conv2d_f32() - 2-D convolution.
 *
 *   ofmap[n][e][f][m] = clamp(bias[m] + SUM r,s,c of filter[m][r][s][c]
 *                       * ifmap[n][stride_h*e + dilation_h*r - pad_top][stride_w*f + dilation_w*s - pad_left][c])
 *
 * Taps outside the ifmap are 0.  @ifmap: [N][H][W][C].  @filter: [M][R][S][C].  @bias: [M] or NULL.
 * Allocates the reordered filter and one row of patches.
 */
RS_MUST_CHECK
rs_status rs_conv2d_f32(const struct rs_conv_shape *sh, const float *ifmap, const float *filter, const float *bias,
                        float low, float high, float *ofmap, struct rs_error *err);

/* rs_depthwise_conv2d_f32() - the same with filter[r][s][m] on channel m / (M / C).  @filter: [R][S][M].  Allocates nothing. */
RS_MUST_CHECK
rs_status rs_depthwise_conv2d_f32(const struct rs_conv_shape *sh, const float *ifmap, const float *filter, const float *bias,
                                  float low, float high, float *ofmap, struct rs_error *err);

/**
 * rs_gemm_f32() - c[i][j] = clamp(bias[j] + SUM k of a[i][k] * b[k][j]).
 * @sh: zp_b is not used.  @bias: [N] or NULL.  Allocates the reordered b.
 */
RS_MUST_CHECK
rs_status rs_gemm_f32(const struct rs_gemm_shape *sh, const float *a, const float *b, const float *bias,
                      float low, float high, float *c, struct rs_error *err);

enum rs_binary {
    RS_BINARY_ADD = 0, RS_BINARY_SUB, RS_BINARY_MUL, RS_BINARY_DIV, RS_BINARY_MAXIMUM, RS_BINARY_MINIMUM,
    RS_BINARY_SQUARED_DIFFERENCE, RS_BINARY_POW, RS_BINARY_COUNT
};

/* rs_binary_f32() - out = clamp(in1 op in2); extents broadcast as rs_add_s8(). */
RS_MUST_CHECK
rs_status rs_binary_f32(enum rs_binary op, const struct rs_dims *d1, const float *in1, const struct rs_dims *d2,
                        const float *in2, float low, float high, const struct rs_dims *d_out, float *out,
                        struct rs_error *err);

enum rs_unary {
    RS_UNARY_CLAMP = 0,        /* x, clamped to [low, high]: the RELU family            */
    RS_UNARY_LEAKY_RELU,       /* x >= 0 ? x : alpha * x                                */
    RS_UNARY_LOGISTIC,         /* 1 / (1 + exp(-x))                                     */
    RS_UNARY_TANH,
    RS_UNARY_HARD_SWISH,       /* x * clamp(x + 3, 0, 6) / 6                            */
    RS_UNARY_GELU,             /* x / 2 * (1 + erf(x / sqrt(2)))                        */
    RS_UNARY_GELU_TANH,        /* x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) */
    RS_UNARY_ERF,
    RS_UNARY_EXP,
    RS_UNARY_SQRT,
    RS_UNARY_RSQRT,            /* 1 / sqrt(x)                                           */
    RS_UNARY_COUNT
};

/* rs_unary_f32() - out[i] = op(in[i]).  @alpha: of LEAKY_RELU.  @low, @high: of CLAMP.  out == in is allowed. */
RS_MUST_CHECK
rs_status rs_unary_f32(enum rs_unary op, size_t count, const float *in, float alpha, float low, float high, float *out,
                       struct rs_error *err);

/* rs_average_pool_f32() - mean of the taps inside the ifmap, then clamped.  @sh: as rs_average_pool_s8(). */
RS_MUST_CHECK
rs_status rs_average_pool_f32(const struct rs_conv_shape *sh, const float *ifmap, float low, float high, float *ofmap,
                              struct rs_error *err);

/* rs_max_pool_f32() - greatest of the taps inside the ifmap, then clamped. */
RS_MUST_CHECK
rs_status rs_max_pool_f32(const struct rs_conv_shape *sh, const float *ifmap, float low, float high, float *ofmap,
                          struct rs_error *err);

/* rs_mean_f32() - mean over the axes in @axes, summed in double; extents as rs_mean_s8(). */
RS_MUST_CHECK
rs_status rs_mean_f32(const struct rs_dims *d, const float *in, uint32_t axes, float *out, struct rs_error *err);

/* rs_softmax_f32() - exp(beta * (x - max)) / SUM, in each of @rows rows of @depth.  out == in is allowed. */
RS_MUST_CHECK
rs_status rs_softmax_f32(int64_t rows, int32_t depth, const float *in, float beta, float *out, struct rs_error *err);

/**
 * rs_batch_norm_f32() - out[i][c] = (in[i][c] - mean[c]) / sqrt(variance[c] + epsilon) * gain[c] + offset[c]
 * @rows: [rows][channels].  @gain, @offset, @mean, @variance: [channels].  out == in is allowed.
 */
RS_MUST_CHECK
rs_status rs_batch_norm_f32(int64_t rows, int32_t channels, const float *in, const float *gain, const float *offset,
                            const float *mean, const float *variance, float epsilon, float *out, struct rs_error *err);

/**
 * rs_layer_norm_f32() - each row minus its mean, over the root of its variance + epsilon, times @gain plus @offset.
 * Mean and variance (of the row, not of a sample) in double.  @gain, @offset: [depth] or NULL.  out == in is allowed.
 */
RS_MUST_CHECK
rs_status rs_layer_norm_f32(int64_t rows, int32_t depth, const float *in, const float *gain, const float *offset,
                            float epsilon, float *out, struct rs_error *err);
#endif
