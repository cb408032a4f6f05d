/* softmax_f32.c - float softmax over the last axis. */
#include <math.h>
#include "check.h"
#include "kernels_f32.h"

rs_status rs_softmax_f32(int64_t rows, int32_t depth, const float *in, float beta, float *out, struct rs_error *err)
{
    if (in == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "softmax: null argument");
    RS_TRY(rs_check_extent("softmax: rows", rows, err));
    RS_TRY(rs_check_extent("softmax: depth", depth, err));
    for (int64_t r = 0; r < rows; r++, in += depth, out += depth) {
        float top = in[0];
        double sum = 0;

        for (int32_t i = 1; i < depth; i++)
            top = in[i] > top ? in[i] : top;
        for (int32_t i = 0; i < depth; i++)
            sum += out[i] = expf(beta * (in[i] - top));
        for (int32_t i = 0; i < depth; i++)
            out[i] = (float)(out[i] / sum);
    }
    return RS_OK;
}
