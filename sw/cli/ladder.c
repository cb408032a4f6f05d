/*
 * ladder.c - one matrix product, from the loops of a textbook to the kernel that is used; see ladder.h.
 *
 *   c[i][j] = codes of SUM over k of (a[i][k] - zp) * b[k][j]          int8, B as [K][N]
 *
 * Every rung does the same multiplications; what changes is the order in which memory is touched, and with that how
 * often.  Requantization is the same function for all but the last two, whose output stage is their own.
 */
#include "ladder.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pack.h"

enum { ZP = -5, BLOCK = 64 };

struct product {
    int n;                             /* M = N = K */
    int8_t *a, *b, *c, *want;
    int32_t *acc;                      /* [n][n]    */
    struct rs_quant q;
    void *packed, *scratch;
    struct rs_pack_sizes sizes;
};

/* i, j, k: b is read down its columns, n bytes from one to the next: a cache line for each multiplication. */
static void rung_ijk(struct product *p)
{
    const size_t n = (size_t)p->n;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int32_t sum = 0;

            for (size_t k = 0; k < n; k++)
                sum += (p->a[i * n + k] - ZP) * p->b[k * n + j];
            p->acc[i * n + j] = sum;
        }
}

/* i, k, j: rows of b and of the sums, in order; but all of b for each row of a. */
static void rung_ikj(struct product *p)
{
    const size_t n = (size_t)p->n;

    memset(p->acc, 0, n * n * sizeof *p->acc);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            const int32_t x = p->a[i * n + k] - ZP;

            for (size_t j = 0; j < n; j++)
                p->acc[i * n + j] += x * p->b[k * n + j];
        }
}

/* The same in blocks of b that stay in the first-level cache while every row of a passes. */
static void rung_blocked(struct product *p)
{
    const size_t n = (size_t)p->n;

    memset(p->acc, 0, n * n * sizeof *p->acc);
    for (size_t k0 = 0; k0 < n; k0 += BLOCK)
        for (size_t j0 = 0; j0 < n; j0 += BLOCK)
            for (size_t i = 0; i < n; i++)
                for (size_t k = k0; k < n && k < k0 + BLOCK; k++) {
                    const int32_t x = p->a[i * n + k] - ZP;

                    for (size_t j = j0; j < n && j < j0 + BLOCK; j++)
                        p->acc[i * n + j] += x * p->b[k * n + j];
                }
}

static void requantize(struct product *p)
{
    for (size_t i = 0; i < (size_t)p->n * (size_t)p->n; i++)
        p->c[i] = rs_requantize_s32_s8(p->acc[i], &p->q, 0);
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* The best of some runs that take about 0.2 s together; at least one. */
static rs_status measure(struct product *p, void (*loops)(struct product *), double *us, struct rs_error *err)
{
    const double end = now_us() + 2e5;

    *us = 1e30;
    memset(p->c, 0, (size_t)p->n * (size_t)p->n);
    do {
        const double before = now_us();

        if (loops != NULL) {
            loops(p);
            requantize(p);
        } else {
            const rs_status status = rs_packed_run(p->packed, p->a, p->c, 0, 1, p->scratch, p->sizes.scratch_bytes, err);

            if (status != RS_OK)
                return status;
        }
        const double took = now_us() - before;

        *us = took < *us ? took : *us;
    } while (now_us() < end);
    return RS_OK;
}

/* b packed for an instruction set. */
static rs_status pack(struct product *p, const char *isa, struct rs_error *err)
{
    const struct rs_gemm_shape sh = { .m = p->n, .n = p->n, .k = p->n, .layout = RS_GEMM_B_KN };
    rs_status status = rs_isa_select(isa, err);

    free(p->packed);
    free(p->scratch);
    p->packed = p->scratch = NULL;
    if (status == RS_OK)
        status = rs_gemm_s8_pack_bytes(&sh, &p->sizes, err);
    if (status != RS_OK)
        return status;
    p->packed = aligned_alloc(RS_PACK_ALIGNMENT, (p->sizes.packed_bytes + 63) / 64 * 64);
    p->scratch = aligned_alloc(RS_PACK_ALIGNMENT, (p->sizes.scratch_bytes + 63) / 64 * 64);
    if (p->packed == NULL || p->scratch == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "ladder: no memory");
    return rs_gemm_s8_pack(&sh, p->b, NULL, &p->q, p->packed, p->sizes.packed_bytes, err);
}

static rs_status climb(struct product *p, struct ladder *l, struct rs_error *err)
{
    const size_t codes = (size_t)p->n * (size_t)p->n;
    const struct { const char *name, *what, *isa; void (*loops)(struct product *); } rungs[] = {
        { "naive", "i, j, k: b down its columns", NULL, rung_ijk },
        { "ikj", "i, k, j: rows in order", NULL, rung_ikj },
        { "blocked", "64 x 64 of b at a time", NULL, rung_blocked },
        { "packed", "b in panels, tiles in registers, C", "portable", NULL },
        { "avx2", "the same with AVX2", "avx2", NULL },
        { "avx512vnni", "the same with AVX-512 VNNI", "avx512vnni", NULL },
        { "neon", "the same with NEON", "neon", NULL },
    };

    for (size_t i = 0; i < codes; i++) {
        p->a[i] = (int8_t)(i * 2654435761u >> 13);
        p->b[i] = (int8_t)(i * 2246822519u >> 15);
    }
    for (size_t i = 0; i < sizeof rungs / sizeof rungs[0]; i++) {
        rs_status status = RS_OK;

        if (rungs[i].isa != NULL) {
            status = pack(p, rungs[i].isa, err);
            if (status == RS_ERR_UNSUPPORTED)
                continue;                              /* not on this machine */
        }
        if (status == RS_OK)
            status = measure(p, rungs[i].loops, &l->rung[l->rungs].us, err);
        if (status != RS_OK)
            return status;
        if (i == 0)
            memcpy(p->want, p->c, codes);
        else if (memcmp(p->c, p->want, codes) != 0)
            return rs_fail(err, RS_ERR_MISMATCH, "ladder: '%s' gives other codes than '%s'", rungs[i].name, rungs[0].name);
        l->rung[l->rungs].name = rungs[i].name;
        l->rung[l->rungs++].what = rungs[i].what;
    }
    return RS_OK;
}

rs_status ladder_climb(int size, struct ladder *l, struct rs_error *err)
{
    const size_t codes = (size_t)size * (size_t)size;
    struct product p = { .n = size };
    int32_t mult;
    int shift;
    enum rs_isa isa;
    rs_status status = rs_isa_current(&isa, err);

    *l = (struct ladder){ .size = size };
    if (status == RS_OK)
        status = rs_quantize_multiplier(0.0005, &mult, &shift, err);
    if (status != RS_OK)
        return status;

    const int32_t right = shift;

    p.q = (struct rs_quant){ .zp_in = ZP, .zp_out = 3, .act_min = -128, .act_max = 127, .count = 1, .mult = &mult, .shift = &right };
    p.a = malloc(codes);
    p.b = malloc(codes);
    p.c = malloc(codes);
    p.want = malloc(codes);
    p.acc = malloc(codes * sizeof *p.acc);
    if (p.a == NULL || p.b == NULL || p.c == NULL || p.want == NULL || p.acc == NULL)
        status = rs_fail(err, RS_ERR_NOMEM, "ladder: no memory");
    else
        status = climb(&p, l, err);
    free(p.a);
    free(p.b);
    free(p.c);
    free(p.want);
    free(p.acc);
    free(p.packed);
    free(p.scratch);
    if (status == RS_OK)
        status = rs_isa_select(rs_isa_name(isa), err);
    return status;
}

void ladder_print(FILE *to, const struct ladder *l)
{
    const double ops = 2.0 * l->size * l->size * l->size;

    fprintf(to, "\nint8 matrix product %d x %d x %d, one thread\n%-12s %12s %9s %8s   %s\n", l->size, l->size, l->size, "", "us",
            "GOPS", "times", "");
    for (int i = 0; i < l->rungs; i++)
        fprintf(to, "%-12s %12.1f %9.2f %8.1f   %s\n", l->rung[i].name, l->rung[i].us, ops / l->rung[i].us / 1e3,
                l->rung[0].us / l->rung[i].us, l->rung[i].what);
}

void ladder_json(struct json *j, const struct ladder *l)
{
    json_array(j, "ladder", false);
    for (int i = 0; i < l->rungs; i++) {
        json_object(j, NULL, true);
        json_string(j, "name", l->rung[i].name);
        json_int(j, "size", l->size);
        json_real(j, "us", l->rung[i].us);
        json_real(j, "times", l->rung[0].us / l->rung[i].us);
        json_close(j);
    }
    json_close(j);
}
