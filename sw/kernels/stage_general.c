/* stage_general.c - output stage for what the vector code does not do: one code at a time, or int32 out. */
#include "fixedpoint.h"
#include "packed.h"
#include <string.h>

static int8_t code(int32_t acc, const struct stage *stage, const struct stage_common *common, int j)
{
    const struct rs_quant q = {
        .zp_out = common->zp_out, .act_min = common->act_min, .act_max = common->act_max,
        .rounding = common->rounding, .count = 1,
        .mult = &stage->mult[j], .shift = &stage->shift[j], .scale = &stage->scale[j],
    };

    return rs_requantize_s32_s8(acc, &q, 0);
}

void rs_stage_general(int rows, int filters, const int32_t *acc, const struct stage *stage,
                      const struct stage_common *common, void *out, size_t row_elements)
{
    for (int i = 0; i < rows; i++, acc += GEMM_MAX_NR) {
        if (common->mode == STAGE_S32) {
            memcpy((int32_t *)out + (size_t)i * row_elements, acc, (size_t)filters * sizeof *acc);
            continue;
        }
        for (int j = 0; j < filters; j++)
            ((int8_t *)out)[(size_t)i * row_elements + (size_t)j] = code(acc[j], stage, common, j);
    }
}
