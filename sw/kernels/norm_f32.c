/* norm_f32.c - batch normalization with known statistics, and layer normalization. */
#include <math.h>
#include "check.h"
#include "kernels_f32.h"

rs_status rs_batch_norm_f32(int64_t rows, int32_t channels, const float *in, const float *gain, const float *offset,
                            const float *mean, const float *variance, float epsilon, float *out, struct rs_error *err)
{
    if (in == NULL || gain == NULL || offset == NULL || mean == NULL || variance == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "batch norm: null argument");
    RS_TRY(rs_check_extent("batch norm: rows", rows, err));
    RS_TRY(rs_check_extent("batch norm: channels", channels, err));
    for (int64_t r = 0; r < rows; r++)
        for (int32_t c = 0; c < channels; c++)
            out[r * channels + c] = (in[r * channels + c] - mean[c]) / sqrtf(variance[c] + epsilon) * gain[c] + offset[c];
    return RS_OK;
}

rs_status rs_layer_norm_f32(int64_t rows, int32_t depth, const float *in, const float *gain, const float *offset,
                            float epsilon, float *out, struct rs_error *err)
{
    if (in == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "layer norm: null argument");
    RS_TRY(rs_check_extent("layer norm: rows", rows, err));
    RS_TRY(rs_check_extent("layer norm: depth", depth, err));
    for (int64_t r = 0; r < rows; r++, in += depth, out += depth) {
        double mean = 0, variance = 0;

        for (int32_t i = 0; i < depth; i++)
            mean += in[i];
        mean /= depth;
        for (int32_t i = 0; i < depth; i++)
            variance += (in[i] - mean) * (in[i] - mean);
        const double root = sqrt(variance / depth + (double)epsilon);

        for (int32_t i = 0; i < depth; i++) {
            const float x = (float)((in[i] - mean) / root);

            out[i] = x * (gain != NULL ? gain[i] : 1) + (offset != NULL ? offset[i] : 0);
        }
    }
    return RS_OK;
}
