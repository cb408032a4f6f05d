/*
 * real_multiplier.c - a layer's real multiplier from three float scales, in the precision TFLite uses.
 *
 * TFLite computes it in double for convolutions and rounds the product to float for FC with one filter scale;
 * the Q31 multiplier can then differ in its last bits, and a code with it.
 * Source: TensorFlow Lite kernels/kernel_util.cc, PopulateConvolutionQuantizationParams() and
 * GetQuantizedConvolutionMultipler().
 */
#include "kernels.h"

double rs_conv_real_multiplier(float s_in, float s_filter, float s_out)
{
    return (double)s_in * (double)s_filter / (double)s_out;
}

double rs_fc_real_multiplier(float s_in, float s_filter, float s_out)
{
    const float product = s_in * s_filter;

    return (double)product / (double)s_out;
}
