/* binary_f32.c - arithmetic on two broadcast float tensors. */
#include <math.h>
#include "broadcast.h"
#include "check.h"
#include "f32.h"
#include "kernels_f32.h"

static float apply(enum rs_binary op, float a, float b)
{
    switch (op) {
    case RS_BINARY_ADD:                return a + b;
    case RS_BINARY_SUB:                return a - b;
    case RS_BINARY_MUL:                return a * b;
    case RS_BINARY_DIV:                return a / b;
    case RS_BINARY_MAXIMUM:            return a > b || a != a ? a : b;
    case RS_BINARY_MINIMUM:            return a < b || a != a ? a : b;
    case RS_BINARY_SQUARED_DIFFERENCE: return (a - b) * (a - b);
    case RS_BINARY_POW:                return powf(a, b);
    case RS_BINARY_COUNT:              break;
    }
    return 0;
}

rs_status rs_binary_f32(enum rs_binary op, const struct rs_dims *d1, const float *in1, const struct rs_dims *d2,
                        const float *in2, float low, float high, const struct rs_dims *d_out, float *out,
                        struct rs_error *err)
{
    struct broadcast b;

    if ((unsigned)op >= RS_BINARY_COUNT || in1 == NULL || in2 == NULL || out == NULL)
        return rs_fail(err, RS_ERR_ARG, "elementwise: null argument or operation %d", (int)op);
    RS_TRY(rs_broadcast_init(d1, d2, d_out, &b, err));
    const int64_t step1 = b.step1[RS_MAX_RANK - 1], step2 = b.step2[RS_MAX_RANK - 1];

    for (int64_t row = 0; row < rs_broadcast_rows(&b); row++) {
        int64_t at1, at2;

        rs_broadcast_row(&b, row, &at1, &at2);
        for (int32_t i = 0; i < BROADCAST_ROW_CODES(&b); i++)
            *out++ = clamp_f32(apply(op, in1[at1 + i * step1], in2[at2 + i * step2]), low, high);
    }
    return RS_OK;
}
