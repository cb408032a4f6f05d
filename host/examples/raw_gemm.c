/*
 * raw_gemm.c - a matrix product without a model: c = requantize(a * b + bias), checked against three loops.
 *
 *   cc raw_gemm.c $(pkg-config --cflags --libs rowstation) -o raw_gemm
 *   ROWSTATION_TARGET=emu ./raw_gemm
 */
#include <rowstation.h>
#include <stdio.h>

enum { M = 7, N = 24, K = 50 };

int main(void)
{
    static int8_t a[M * K], b[K * N], c[M * N];
    static int32_t bias[N];
    const int32_t mult = 1 << 30, shift = -6;          /* real multiplier 2^-7                            */
    const struct rs_requant q = {.zp_in = -3, .zp_out = 4, .act_min = -128, .act_max = 127, .count = 1, .mult = &mult,
                                 .shift = &shift};
    struct rs_device *device = NULL;
    struct rs_device_info info;
    struct rs_error err = {0};
    int wrong = 0;

    for (int i = 0; i < M * K; i++)
        a[i] = (int8_t)(i * 37 % 251 - 125);
    for (int i = 0; i < K * N; i++)
        b[i] = (int8_t)(i * 53 % 31 - 15);
    for (int i = 0; i < N; i++)
        bias[i] = 100 * i - 1000;
    if (rs_open(NULL, NULL, &device, &err) != RS_OK || rs_device_info(device, &info, &err) != RS_OK ||
        rs_run_gemm_s8(device, M, N, K, a, b, false, bias, &q, c, 60000, &err) != RS_OK) {
        fprintf(stderr, "raw_gemm: %s\n", err.text);
        rs_close(device);
        return 1;
    }
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            int32_t psum = bias[j], code;

            for (int k = 0; k < K; k++)
                psum += (a[i * K + k] + 3) * b[k * N + j];
            /* 2^-7 in two roundings: the doubling high multiply is exact halving, ties up; the shift rounds ties away from 0. */
            psum = (int32_t)(((int64_t)psum * mult + (psum >= 0 ? 1 << 30 : 1 - (1 << 30))) / ((int64_t)1 << 31));
            code = 4 + (psum + 32 - (psum < 0)) / 64 - ((psum + 32 - (psum < 0)) % 64 < 0);
            code = code < -128 ? -128 : code > 127 ? 127 : code;
            wrong += c[i * N + j] != code;
        }
    printf("%s: %d x %d x %d, %d of %d codes wrong\n", info.target, M, N, K, wrong, M * N);
    rs_close(device);
    return wrong != 0;
}
