/* gemv_isa.h - a row by a matrix, where an instruction set has a loop of its own for it.  Internal to sw/kernels/. */
#ifndef RS_KERNELS_GEMV_ISA_H
#define RS_KERNELS_GEMV_ISA_H
#include "packed.h"

gemv_groups rs_gemv_s8__avx512vnni;

/* Accumulators [rows][GEMM_MAX_NR] of a panel by the stage that the layer asks for, without floats where it asks for integers. */
void rs_store_plain__avx512(int rows, int filters, const int32_t *acc, const struct stage *stage, const struct stage_common *c,
                            void *out, size_t row_elements);
#endif
