/* test_cost_models.c - devices, work, the CPU model: by hand-made cases, round trips and refusals. */
#include <math.h>
#include <unistd.h>
#include "cpu_model.h"
#include "alternative.h"
#include "test.h"

static struct rs_data data;

TEST(every_builtin_device_and_board_is_complete)
{
    int devices = 0, boards = 0;

    for (int i = 0; i < data.n; i++) {
        const struct rs_section *s = &data.section[i];
        struct rs_cost_device d;
        struct rs_cost_board b;
        struct rs_error err;

        if (strcmp(s->kind, "device") == 0) {
            CHECK(rs_cost_device(s, &d, &err) == RS_OK, "%s", err.text);
            devices++;
        } else if (strcmp(s->kind, "board") == 0) {
            CHECK(rs_cost_board(s, &b, &err) == RS_OK, "%s", err.text);
            boards++;
        }
    }
    CHECK(devices >= 12 && boards >= 5, "%d devices, %d boards", devices, boards);
}

static const char good[] =
    "[device x]\nkind = gpu\npeak = 2 TOPS | published | 1 | s\nceiling = 0.5 ratio | published | 1 | s\n"
    "fill = 100 outputs | published | 1 | s\nmemory = 1 GB/s | published | 1 | s\nlaunch = 3 us | published | 1 | s\n"
    "request = 5 us | published | 1 | s\nlink = 2 GB/s | published | 1 | s\nidle = 10 W | published | 1 | s\n"
    "max = 30 W | published | 1 | s\nprice = 1 $/h | published | 1 | s\n";

static void refuse(const char *more, const char *want)
{
    struct rs_data d = {0};
    struct rs_cost_device device;
    struct rs_error err = {0};

    MUST(rs_data_parse(&d, good, "f", &err) == RS_OK && rs_data_parse(&d, more, "g", &err) == RS_OK, "%s", err.text);
    CHECK(rs_cost_device(rs_data_find(&d, "device", "x"), &device, &err) != RS_OK && strstr(err.text, want) != NULL, "%s: '%s'", more,
          err.text);
    rs_data_free(&d);
}

TEST(refuses_devices_that_cannot_be)
{
    refuse("[device x]\nkind = fpga\n", "cpu, gpu, systolic or chip");
    refuse("[device x]\npeak = 2 TFLOPS | published | 1 | s\n", "'TFLOPS' where 'TOPS'");
    refuse("[device x]\nceiling = 1.5 ratio | published | 1 | s\n", "at most 1");
    refuse("[device x]\nmemory = 0 GB/s | published | 1 | s\n", "memory = 0");
    refuse("[device x]\nmax = 3 W | published | 1 | s\n", "below idle");
    refuse("[device x]\nkind = systolic\n", "'rows' is missing");
}

TEST(roofline_by_hand)
{
    struct rs_data d = {0};
    struct rs_cost_device device;
    struct rs_cost_time t;
    struct rs_error err;
    /* 50 outputs of 100: half filled.  Compute bound, then memory bound. */
    const struct rs_work works[] = {
        {.kind = RS_WORK_CONV, .P = 5, .M = 10, .macs = 1e6, .in_bytes = 10, .filter_bytes = 10, .out_bytes = 10},
        {.kind = RS_WORK_ADD, .P = 5, .M = 10, .in_bytes = 4000, .out_bytes = 2000},
        {.kind = RS_WORK_VIEW, .in_bytes = 1e9},
    };

    MUST(rs_data_parse(&d, good, "f", &err) == RS_OK && rs_cost_device(rs_data_find(&d, "device", "x"), &device, &err) == RS_OK, "%s",
         err.text);
    rs_cost_device_time(&device, works, 3, 1000, 1000, 1, &t);
    CHECK(fabs(t.operations - (2e6 / (2e12 * 0.5 * 0.5) + 6000 / 1e9)) < 1e-12, "%g", t.operations);
    CHECK(fabs(t.launches - 6e-6) < 1e-12 && fabs(t.request - 5e-6) < 1e-12 && fabs(t.transfer - 1e-6) < 1e-12, "%g", t.launches);
    CHECK(fabs(t.joules - t.seconds * (10 + 20 * 1e6 / (1e12 * t.seconds))) < 1e-12, "%g J", t.joules);
    rs_cost_device_time(&device, works, 3, 1000, 1000, 2, &t);            /* twice the work, filled: the same time */
    CHECK(fabs(t.operations - (2e6 * 2 / (2e12 * 0.5) + 12000 / 1e9)) < 1e-12, "%g", t.operations);
    rs_data_free(&d);
}

TEST(fit_finds_the_coefficients_it_was_made_from)
{
    struct rs_cpu_model truth = {.MR = 14, .NR = 32, .MR_narrow = 28, .narrow = 16}, found = truth;
    struct rs_cpu_sample samples[60];
    struct rs_error err;

    truth.coefficient[RS_WORK_CONV][0] = 1e-6;
    truth.coefficient[RS_WORK_CONV][1] = 2e-12;
    truth.coefficient[RS_WORK_CONV][4] = 1e-10;
    for (int i = 0; i < 60; i++) {
        const double P = (double)rnd_range(1, 2000), K = (double)rnd_range(1, 900), M = (double)rnd_range(1, 300);

        samples[i].work = (struct rs_work){.kind = RS_WORK_CONV, .P = P, .K = K, .M = M, .filter_bytes = K * M};
        samples[i].seconds = rs_cpu_model_seconds(&truth, &samples[i].work);
    }
    MUST(rs_cpu_model_fit(&found, samples, 60, &err) == RS_OK, "%s", err.text);
    CHECK(found.error[RS_WORK_CONV] < 0.02, "largest error %g", found.error[RS_WORK_CONV]);
    CHECK(fabs(found.coefficient[RS_WORK_CONV][1] / 2e-12 - 1) < 0.05, "%g", found.coefficient[RS_WORK_CONV][1]);
    samples[3].seconds = 0;
    CHECK(rs_cpu_model_fit(&found, samples, 60, &err) == RS_ERR_RANGE, "%s", err.text);
}

TEST(a_model_survives_its_file)
{
    struct rs_cpu_model m = {.machine = "A machine (R) @ 2 GHz", .isa = "avx2", .MR = 6, .NR = 16, .MR_narrow = 12, .narrow = 8, .request = 1.5e-6}, back;
    char path[64], text[4096];
    struct rs_error err;
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "/tmp/rs_test_cpu_model_%d", (int)getpid());
    for (int k = 0; k < RS_N_WORK; k++)
        for (int i = 0; i < RS_CPU_FEATURES; i++)
            m.coefficient[k][i] = k + i / 8.0;
    MUST(rs_cpu_model_write(&m, path, &err) == RS_OK && rs_cpu_model_read(path, &back, &err) == RS_OK, "%s", err.text);
    CHECK(strcmp(m.machine, back.machine) == 0 && strcmp(m.isa, back.isa) == 0 && back.MR == 6 && back.MR_narrow == 12 && back.narrow == 8 && back.request == 1.5e-6, "'%s' '%s'",
          back.machine, back.isa);
    CHECK(memcmp(m.coefficient, back.coefficient, sizeof m.coefficient) == 0, "coefficients differ");
    MUST((file = fopen(path, "r")) != NULL, "%s", path);
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    for (size_t cut = 0; cut < n; cut += 7) {                     /* cut short anywhere: refused, or it is whole */
        MUST((file = fopen(path, "w")) != NULL, "%s", path);
        fwrite(text, 1, cut, file);
        fclose(file);
        if (n - cut > 2)
            CHECK(rs_cpu_model_read(path, &back, &err) != RS_OK || cut + 14 > n, "cut at %zu of %zu is taken", cut, n);
    }
    remove(path);
}

int main(int argc, char **argv)
{
    struct rs_error err;

    if (argc > 1)
        test_rng = strtoull(argv[1], NULL, 0);
    if (rs_data_builtin(&data, &err) != RS_OK) {
        printf("%s\n", err.text);
        return 1;
    }
    RUN(every_builtin_device_and_board_is_complete);
    RUN(refuses_devices_that_cannot_be);
    RUN(roofline_by_hand);
    RUN(fit_finds_the_coefficients_it_was_made_from);
    RUN(a_model_survives_its_file);
    rs_data_free(&data);
    return test_exit();
}
