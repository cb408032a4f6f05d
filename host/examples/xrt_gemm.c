/*
 * xrt_gemm.c - a matrix product on the accelerator with XRT alone: no Rowstation library, commands built by hand.
 *
 *   c[p][n] = clamp(ZP_OUT + requantize(bias[n] + SUM k of b[n][k] * (a[p][k] - ZP_IN)))       int8, checked here
 *
 *   gcc -I hw -I/usr/include/xrt xrt_gemm.c -o xrt_gemm -lxrt_coreutil
 *   rowstation emu-env --target sim -- ./xrt_gemm            an emulated card: preset `default`, the Verilated core
 *   ./xrt_gemm rs.xclbin                                     a card
 *
 * What the kernel `rs` is to XRT (hw/isa.h, docs/isa.md):
 *
 *   register    argument        what it holds
 *   0x00        -               CTRL: ap_start, ap_done, ap_idle; XRT's own
 *   0x10, 0x14  0 commands      address of the command stream: 32 words a command
 *   0x1C, 0x20  1 filters       address of packed filters and their parameters
 *   0x28, 0x2C  2 activations   address of inputs and outputs
 *   0x34, 0x38  3 status        address of the status block, written at the end: 32 words of 64 bit
 *   0x40        4 count         number of commands, END included
 *
 * A product is a 1x1 convolution over an image of one row: pixel p is row p of a, channel k its column k, filter n row n
 * of b.  It is small enough for one COMPUTE command, so the stream is: LOAD a, LOAD b, COMPUTE, STORE c, END.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xrt.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>
#include "config/config.h"

enum {
    P = 29, K = 44, N = 32,                        /* rows of a, depth, columns of c               */
    B = RS_BLOCK,                                  /* channels in a block: rows of the array       */
    KB = (K + B - 1) / B, NB = (N + B - 1) / B,    /* channel blocks of a and of c                 */
    FX = 8, FP = 4,                                /* 8 columns with 4 pixels each: 32 >= P        */
    MX = 2, PAIRS = N / MX / 2,                    /* 2 filter groups of 8 pairs: FX * MX columns  */
    ZP_IN = -3, ZP_OUT = 4, SHIFT = -7,
    FILTER_WORDS = MX * PAIRS * KB,                /* a word is one pair for one block: 2*B bytes  */
    PARAM_WORDS = MX * PAIRS * 2 * RS_PARAM_BYTES / (2 * B),
    COMMANDS = 5, TIMEOUT_MS = 60000
};
#define MULT (1 << 30)                             /* Q31: 1/2; times 2^SHIFT: 1/256               */

_Static_assert(FX * FP >= P && FX * MX <= RS_COLS && 2 * PAIRS <= B, "one group does it all: preset default");
_Static_assert(PAIRS * KB <= RS_FILTER_WORDS && FP * PAIRS <= RS_ACC_ENTRIES, "it fits spad and accumulator");

/* Field NAME of a command = VALUE; words, positions and widths are RS_FIELDS_* of isa.h. */
#define SET(command, NAME, value) \
    ((command)[RS_WORD_##NAME] |= ((uint32_t)(value) & (0xFFFFFFFFu >> (32 - RS_WIDTH_##NAME))) << RS_LSB_##NAME)

static int8_t a[P][K], b[N][K];
static int32_t bias[N];

static void make_commands(uint32_t command[COMMANDS][RS_COMMAND_WORDS])
{
    memset(command, 0, COMMANDS * sizeof command[0]);

    /* Activations to the global buffer, blocks 0 ..: [K/B][P][B], as they lie in memory. */
    SET(command[0], OP, RS_OP_LOAD);
    SET(command[0], BASE, 2);                      /* relative to argument 2, offset 0             */
    SET(command[0], LENGTH, KB * P);
    SET(command[0], RUNS, 1);

    /* Filters and parameters to the filter buffer.  COMPUTE waits for them word by word by itself. */
    SET(command[1], OP, RS_OP_LOAD);
    SET(command[1], BASE, 1);
    SET(command[1], TO_WBUF, 1);
    SET(command[1], LENGTH, FILTER_WORDS + PARAM_WORDS);
    SET(command[1], RUNS, 1);

    SET(command[2], OP, RS_OP_COMPUTE);
    SET(command[2], WAIT_LOAD, 1);                 /* the first load has finished                  */
    SET(command[2], MODE, RS_MODE_CONV);
    SET(command[2], S, 1);                         /* filter of one row and one column             */
    SET(command[2], RP, 1);
    SET(command[2], RP_LAST, 1);
    SET(command[2], Q, KB);                        /* all channel blocks in one pass               */
    SET(command[2], Q_LAST, KB);
    SET(command[2], N_CB, 1);
    SET(command[2], N_RC, 1);
    SET(command[2], ROWS_LAST, K - (KB - 1) * B);  /* array rows with real channels, last block    */
    SET(command[2], CHAIN, B);                     /* one chain of all rows                        */
    SET(command[2], CHAINS, 1);
    SET(command[2], PARAMS, PAIRS);
    SET(command[2], ROWS_MASK, (1 << B) - 1);      /* rows whose zeros count, all blocks but the last; the last */
    SET(command[2], ROWS_MASK_LAST, (1 << (K - (KB - 1) * B)) - 1);
    SET(command[2], WC, 2);                        /* window: two word columns of two pixels       */
    SET(command[2], NJ, FP / 2);                   /* word columns a tile reads                    */
    SET(command[2], E, 1);                         /* one ofmap row ...                            */
    SET(command[2], NS, 1);
    SET(command[2], IF_STRIP, 1);                  /* rows from strip to strip: there is one       */
    SET(command[2], OUT_STRIP, 1);
    SET(command[2], FX, FX);                       /* ... in FX tiles of FP pixels ...             */
    SET(command[2], FP, FP);
    SET(command[2], MX, MX);                       /* ... for MX groups of filters                 */
    SET(command[2], PAIRS, PAIRS);
    SET(command[2], M_VALID, N);
    SET(command[2], IF_ROW, P);                    /* the image: one row of P pixels               */
    SET(command[2], IF_CB, P);
    SET(command[2], IF_W, P);
    SET(command[2], IF_H, 1);
    SET(command[2], OUT_E, 1);
    SET(command[2], OUT_F, P);
    SET(command[2], OUT_BASE, KB * P);             /* behind the input, laid out like it           */
    SET(command[2], OUT_ROW, P);
    SET(command[2], OUT_MB, P);
    SET(command[2], FILTER_FIRST, FILTER_WORDS);
    SET(command[2], FILTER_WORDS, FILTER_WORDS);
    SET(command[2], RELEASE, 1);
    SET(command[2], ZP_IN, ZP_IN);
    SET(command[2], ZP_OUT, ZP_OUT);
    SET(command[2], ACT_MIN, -128);
    SET(command[2], ACT_MAX, 127);

    SET(command[3], OP, RS_OP_STORE);
    SET(command[3], WAIT_COMPUTE, 1);
    SET(command[3], BASE, 2);
    SET(command[3], OFFSET, KB * P * B);
    SET(command[3], LENGTH, NB * P);
    SET(command[3], RUNS, 1);
    SET(command[3], BUF_ADDR, KB * P);

    SET(command[4], OP, RS_OP_END);                /* status block to argument 3                   */
}

/* Pixel p, channel k of [blocks][P][B]. */
static size_t at(int p, int k)
{
    return ((size_t)(k / B) * P + (size_t)p) * B + (size_t)(k % B);
}

/* For each group and pair: one word a channel block, byte 2r+l is filter 2*pair+l, channel r; then the parameters. */
static void pack_filters(int8_t *to)
{
    for (int n = 0; n < N; n++)
        for (int k = 0; k < K; k++)
            to[((n / 2) * KB + k / B) * 2 * B + 2 * (k % B) + n % 2] = b[n][k];
    for (int n = 0; n < N; n++) {
        const int32_t parameters[4] = {bias[n], MULT, SHIFT, 0};

        memcpy(to + FILTER_WORDS * 2 * B + n * RS_PARAM_BYTES, parameters, sizeof parameters);
    }
}

/* gemmlowp: doubling high multiply, then a rounding shift, both half away from zero (MULT > 0). */
static int8_t reference(int p, int n)
{
    int32_t sum = bias[n];
    int64_t x;

    for (int k = 0; k < K; k++)
        sum += b[n][k] * (a[p][k] - ZP_IN);
    x = (int64_t)sum * MULT;
    x = (x + (x >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30))) / ((int64_t)1 << 31);
    x = (x >= 0 ? x + (1 << (-SHIFT - 1)) : x + (1 << (-SHIFT - 1)) - 1) >> -SHIFT;
    x += ZP_OUT;
    return (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
}

/* A buffer for argument @index with @bytes from @from in it (NULL: 0xA5, to see what was not written). */
static xrtBufferHandle buffer(xrtDeviceHandle device, xrtKernelHandle kernel, int index, const void *from, size_t bytes)
{
    const size_t whole = (bytes + 4095) / 4096 * 4096;
    xrtBufferHandle bo = xrtBOAlloc(device, whole, XRT_BO_FLAGS_NONE, (xrtMemoryGroup)xrtKernelArgGroupId(kernel, index));
    void *host = bo != NULL ? xrtBOMap(bo) : NULL;

    if (host == NULL)
        return NULL;
    if (from != NULL)
        memcpy(host, from, bytes);
    else
        memset(host, 0xA5, whole);
    return xrtBOSync(bo, XCL_BO_SYNC_BO_TO_DEVICE, whole, 0) == 0 ? bo : NULL;
}

static int product(xrtDeviceHandle device, xrtKernelHandle kernel)
{
    static uint32_t command[COMMANDS][RS_COMMAND_WORDS];
    static int8_t filters[(FILTER_WORDS + PARAM_WORDS) * 2 * B], activations[(KB + NB) * P * B];
    const int8_t *c;
    const uint64_t *status;
    xrtBufferHandle bo[4];
    xrtRunHandle run;
    enum ert_cmd_state state;
    int wrong = 0;

    make_commands(command);
    pack_filters(filters);
    memset(activations, ZP_IN, sizeof activations);            /* channels past K: zero            */
    for (int p = 0; p < P; p++)
        for (int k = 0; k < K; k++)
            activations[at(p, k)] = a[p][k];
    bo[0] = buffer(device, kernel, 0, command, sizeof command);
    bo[1] = buffer(device, kernel, 1, filters, sizeof filters);
    bo[2] = buffer(device, kernel, 2, activations, sizeof activations);
    bo[3] = buffer(device, kernel, 3, NULL, RS_STATUS_BYTES);
    if (bo[0] == NULL || bo[1] == NULL || bo[2] == NULL || bo[3] == NULL) {
        fprintf(stderr, "xrt_gemm: no device memory\n");
        return 1;
    }
    run = xrtKernelRun(kernel, bo[0], bo[1], bo[2], bo[3], COMMANDS);
    state = run != NULL ? xrtRunWaitFor(run, TIMEOUT_MS) : ERT_CMD_STATE_ERROR;
    if (state != ERT_CMD_STATE_COMPLETED) {
        fprintf(stderr, "xrt_gemm: the run ended in state %d, expected 4 (completed)\n", (int)state);
        return 1;
    }
    if (xrtBOSync(bo[2], XCL_BO_SYNC_BO_FROM_DEVICE, xrtBOSize(bo[2]), 0) != 0 ||
        xrtBOSync(bo[3], XCL_BO_SYNC_BO_FROM_DEVICE, xrtBOSize(bo[3]), 0) != 0)
        return 1;
    status = xrtBOMap(bo[3]);
    if ((uint32_t)status[0] != RS_ISA_MAGIC || (uint32_t)status[1] != RS_CONFIG_HASH || status[1] >> 32 != 0) {
        fprintf(stderr, "xrt_gemm: status block %016llx %016llx: expected magic %08x, configuration %08x, error 0\n",
                (unsigned long long)status[0], (unsigned long long)status[1], RS_ISA_MAGIC, RS_CONFIG_HASH);
        return 1;
    }
    c = (const int8_t *)xrtBOMap(bo[2]) + KB * P * B;
    for (int p = 0; p < P; p++)
        for (int n = 0; n < N; n++)
            if (c[at(p, n)] != reference(p, n) && wrong++ < 5)
                printf("c[%d][%d] is %d, expected %d\n", p, n, c[at(p, n)], reference(p, n));
    printf("%d x %d x %d product: %d of %d values wrong, %llu cycles, %llu MACs\n", P, K, N, wrong, P * N,
           (unsigned long long)status[RS_STATUS_COUNTERS + RS_COUNTER_cycles],
           (unsigned long long)status[RS_STATUS_COUNTERS + RS_COUNTER_macs]);
    xrtRunClose(run);
    for (int i = 0; i < 4; i++)
        xrtBOFree(bo[i]);
    return wrong != 0;
}

int main(int argc, char **argv)
{
    const char *xclbin = argc > 1 ? argv[1] : getenv("ROWSTATION_XCLBIN");
    const unsigned index = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    xrtDeviceHandle device;
    xrtKernelHandle kernel = NULL;
    xuid_t uuid;
    int result = 1;

    if (xclbin == NULL) {
        fprintf(stderr, "usage: xrt_gemm XCLBIN [DEVICE]   (or ROWSTATION_XCLBIN)\n");
        return 2;
    }
    for (int i = 0; i < P * K; i++)
        a[i / K][i % K] = (int8_t)(i * 37 % 251 - 125);
    for (int i = 0; i < N * K; i++)
        b[i / K][i % K] = (int8_t)(i * 53 % 61 - 30);
    for (int n = 0; n < N; n++)
        bias[n] = 100 * n - 1000;
    device = xrtDeviceOpen(index);
    if (device == NULL) {
        fprintf(stderr, "xrt_gemm: no device %u\n", index);
        return 1;
    }
    if (xrtDeviceLoadXclbinFile(device, xclbin) != 0 || xrtDeviceGetXclbinUUID(device, uuid) != 0)
        fprintf(stderr, "xrt_gemm: %s could not be loaded\n", xclbin);
    else if ((kernel = xrtPLKernelOpen(device, uuid, "rs:{rs_1}")) == NULL)
        fprintf(stderr, "xrt_gemm: no compute unit rs_1 of a kernel rs in %s\n", xclbin);
    else
        result = product(device, kernel);
    if (kernel != NULL)
        xrtKernelClose(kernel);
    xrtDeviceClose(device);                        /* always: XRT crashes at exit otherwise        */
    return result;
}
