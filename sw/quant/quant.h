/*
 * quant.h - post-training quantization: a float graph and some of its inputs become an int8 graph.
 *
 *   real = scale * (code - zero_point)
 * Activations: int8, one scale and zero point a tensor, from the values seen on the samples.  Filters: symmetric in
 * [-127, 127], one scale an output channel (FULLY_CONNECTED: one a tensor, which every reader of TFLite files knows).
 * Biases: int32, scale s_in * s_filter.  Operations that only move or choose elements keep their input's scale;
 * SOFTMAX, LOGISTIC and TANH have the output scales that TFLite prescribes.  An operation that has no int8 kernel
 * stays float between DEQUANTIZE and QUANTIZE.
 * Layers kept in 16 bits (@keep16) are TFLite's 16x8: int16 activations with zero point 0, int8 filters, int64 biases.
 *
 * Sources: TensorFlow Lite 8-bit quantization specification; Nagel et al., "Data-Free Quantization Through Weight
 * Equalization and Bias Correction", ICCV 2019 (equalization: section 4.1, bias correction: 4.2).
 */
#ifndef RS_QUANT_H
#define RS_QUANT_H
#include "graph.h"

enum rs_calibration {
    RS_CALIBRATE_MINMAX = 0,           /* least and greatest value seen                                        */
    RS_CALIBRATE_PERCENTILE,           /* the tails beyond @percentile are clipped                             */
    RS_CALIBRATE_MSE                   /* the range with the least mean squared error; filters too             */
};

/* All fields zero is a good default. */
struct rs_quant_options {
    enum rs_calibration calibration;
    double percentile;                 /* (50, 100], of PERCENTILE; 0: 99.99                                   */
    bool no_equalization, no_bias_correction;
    int keep16;                        /* so many of the layers with filters, the most sensitive, in 16x8; >= 0 */
};

/* One operation of the quantized graph, against the float graph on the samples. */
struct rs_quant_layer {
    int    node;                       /* of the quantized graph                                               */
    bool   wide;                       /* 16x8                                                                 */
    double sqnr_db;                    /* 10 log10 SUM x^2 / SUM (x - x')^2 of its output; INFINITY if equal   */
    double sensitivity_db;             /* SQNR of the network's outputs when this layer alone is int8; NAN: not measured */
};
struct rs_quant_report {
    int samples, equalized, corrected; /* samples seen; pairs of layers equalized; channels with a new bias    */
    int n_layers;
    struct rs_quant_layer *layers;     /* in order of execution                                                */
};
void rs_quant_report_free(struct rs_quant_report *report);          /* NULL is fine */

/**
 * rs_quant_graph() - quantize a network.
 *
 * @g:       float: every input and output is float32; prepared.  It is changed (batch normalization folded, layers
 *           equalized), never in what it computes but for rounding.
 * @samples: [g->n_inputs]; samples[i] holds @n of the network's input i, each as large as in a batch of 1; borrowed
 * @n:       >= 1
 * @options: or NULL
 * @out:     the quantized graph, prepared and optimized, batch as @g's; its tensors have the ids and names of @g's
 * @report:  or NULL; rs_quant_report_free()
 * Errors: RS_ERR_ARG; RS_ERR_UNSUPPORTED (not a float network); RS_ERR_RANGE (a NaN or infinity in an activation or a
 * filter, named); RS_ERR_SHAPE; RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_quant_graph(struct rs_graph *g, const float *const *samples, int n,
                                       const struct rs_quant_options *options, struct rs_graph **out,
                                       struct rs_quant_report **report, struct rs_error *err);

/* BATCH_NORM behind a convolution, depthwise convolution or FC whose output nobody else reads becomes part of its
 * filter and bias.  @folded: how many; may be NULL. */
RS_MUST_CHECK rs_status rs_quant_fold_batch_norm(struct rs_graph *g, int *folded, struct rs_error *err);
#endif
