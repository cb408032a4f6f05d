/*
 * test_backend.c - back end `xrt` through Debian's XRT in hw_emu, and every failure that can be provoked without a card.
 *
 * The emulated cards hold `emu`; test_emu_env.sh has the Verilated core.  Expected results are the shared models' golden
 * vectors, and the same run on `emu` for cycles.  Everything is skipped where XRT is not installed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "plan.h"
#include "rowstation.h"
#include "runtime.h"
#include "test.h"
#include "xclbin.h"
#include "xrt_environment.h"

#ifndef SIM
#define SIM 0
#endif
#define KIND (SIM ? "sim" : "emu")

static char folder[] = "/tmp/rs-xrt-test-XXXXXX";
static bool have_xrt;
static const char *why_not = "";

#define NEED_XRT() do { if (!have_xrt) SKIP(why_not); } while (0)

/* ---- xclbins ------------------------------------------------------------------------------------- */

static struct rs_emulation emulation(const char *kind, const char *preset)
{
    struct rs_emulation e = {.cards_cores = 1, .banks = 1, .bank_bytes = 256u << 20, .memory_base = 0x4000000000, .clock_mhz = 250};

    if (!rs_hw_config_named(preset, &e.config)) {          /* a shim around the default                   */
        if (!rs_hw_config_named("default", &e.config))
            abort();
        snprintf(e.config.preset, sizeof e.config.preset, "%s", preset);
    }
    strcpy(e.kind, kind);
    return e;
}

static void keep(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
}

/* Writes @e's xclbin, after @change has had a look at the bytes; returns "xrt:0?xclbin=...OPTIONS". */
static const char *target(const struct rs_emulation *e, void (*change)(uint8_t *bytes, size_t size), const char *options)
{
    static char texts[8][600];
    static unsigned n;
    char *text = texts[n % 8], path[100];
    struct rs_error err;
    uint8_t *bytes;
    size_t size;

    if (rs_emulation_xclbin(e, "rs_xrt_device", &bytes, &size, &err) != RS_OK) {
        puts(err.text);
        abort();
    }
    if (change != NULL)
        change(bytes, size);
    snprintf(path, sizeof path, "%s/%u.xclbin", folder, n++);
    keep(path, bytes, size);
    free(bytes);
    snprintf(text, sizeof texts[0], "xrt:0?xclbin=%s%s", path, options);
    return text;
}

static const char *plain(const char *options)
{
    const struct rs_emulation e = emulation(KIND, "default");

    return target(&e, NULL, options);
}

/* ---- models -------------------------------------------------------------------------------------- */

static void *read_file(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    char *data = malloc(1 << 22);

    *bytes = f != NULL && data != NULL ? fread(data, 1, 1 << 22, f) : 0;
    if (f != NULL)
        fclose(f);
    return data;
}

static const char *models(void)                  /* from the root of the repository; NULL: not there */
{
    return access("../shared/models", R_OK) == 0 ? "../shared/models" : NULL;
}

/* Runs one vector; returns its cycles, 0 if anything is wrong (and says what). */
static uint64_t run_vector(struct rs_device *device, const char *model_name, const char *vector)
{
    char path[400];
    struct rs_model *model = NULL;
    struct rs_request *request = NULL;
    const struct rs_report *report;
    struct rs_error err = {0};
    size_t input_bytes, golden_bytes;
    int8_t output[64];
    uint64_t cycles = 0;
    void *input, *golden;

    snprintf(path, sizeof path, "%s/%s/%s.i8", models(), model_name, vector);
    input = read_file(path, &input_bytes);
    snprintf(path, sizeof path, "%s/%s/%s.golden.i8", models(), model_name, vector);
    golden = read_file(path, &golden_bytes);
    snprintf(path, sizeof path, "%s/%s/model.tflite", models(), model_name);
    memset(output, 0x55, sizeof output);
    if (golden_bytes == 0 || golden_bytes > sizeof output || rs_model_load(device, path, NULL, &model, &err) != RS_OK ||
        rs_submit(model, (const void *[]){input}, (void *[]){output}, 1, &request, &err) != RS_OK ||
        rs_wait(request, 60000, &err) != RS_OK || rs_request_report(request, &report, &err) != RS_OK)
        CHECK(false, "%s %s: %s", model_name, vector, err.text);
    else if (memcmp(output, golden, golden_bytes) != 0)
        CHECK(false, "%s %s: not the golden output", model_name, vector);
    else
        cycles = report->cycles;
    rs_request_free(request);
    rs_model_free(model);
    free(input);
    free(golden);
    return cycles;
}

TEST(models_are_bit_exact_in_the_same_cycles)
{
    static const char *const vectors[][2] = {
        {"resnet8", "airplane"}, {"resnet8", "bird"}, {"resnet8", "car"}, {"resnet8", "cat"}, {"resnet8", "deer"}, {"resnet8", "dog"},
        {"resnet8", "frog"}, {"resnet8", "horse"}, {"resnet8", "ship"}, {"resnet8", "truck"}, {"kws", "down_0"}, {"kws", "go_1"},
        {"kws", "left_2"}, {"kws", "no_3"}, {"kws", "off_4"}, {"kws", "on_5"}, {"kws", "right_6"}, {"kws", "stop_7"}, {"kws", "up_8"},
        {"kws", "yes_9"}, {"kws", "silence_10"}, {"kws", "unkown_11"}};
    struct rs_device *xrt = NULL, *same = NULL;
    struct rs_error err;
    size_t n = 0;

    NEED_XRT();
    if (models() == NULL)
        SKIP("no shared/models");
    MUST(rs_open(plain(""), NULL, &xrt, &err) == RS_OK, "%s", err.text);
    MUST(rs_open(KIND, NULL, &same, &err) == RS_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const uint64_t got = run_vector(xrt, vectors[i][0], vectors[i][1]);

        n += got != 0;
        if (i % 10 == 0) {
            const uint64_t want = run_vector(same, vectors[i][0], vectors[i][1]);

            CHECK(got == want, "%s: %llu cycles through XRT, %llu on %s", vectors[i][0], (unsigned long long)got, (unsigned long long)want, KIND);
            printf("  %s %s: %llu cycles through XRT and on %s\n", vectors[i][0], vectors[i][1], (unsigned long long)got, KIND);
        }
    }
    printf("  %zu of %zu vectors bit-exact\n", n, sizeof vectors / sizeof vectors[0]);
    rs_close(xrt);
    rs_close(same);
}

/* ---- a convolution as known work ------------------------------------------------------------------ */

enum { CM = 16, CK = 64, CN = 64 };

static rs_status multiply(struct rs_device *device, int repeat, struct rs_error *err)
{
    static int8_t a[CM * CK], b[CN * CK];
    int8_t got[CM * CN], want[CM * CN];
    const int32_t mult = 1 << 30, shift = -7;
    const struct rs_requant q = {.zp_in = 1, .zp_out = 2, .act_min = -128, .act_max = 127, .count = 1, .mult = &mult, .shift = &shift};
    struct rs_device *cpu = NULL;
    rs_status status;

    for (int i = 0; i < CM * CK; i++)
        a[i] = (int8_t)(i * 31 % 255 - 127);
    for (int i = 0; i < CN * CK; i++)
        b[i] = (int8_t)(i * 17 % 253 - 126);
    status = rs_open("cpu", NULL, &cpu, err);
    if (status == RS_OK)
        status = rs_run_gemm_s8(cpu, CM, CN, CK, a, b, true, NULL, &q, want, -1, err);
    for (int i = 0; i < repeat && status == RS_OK; i++) {
        memset(got, 0x55, sizeof got);
        status = rs_run_gemm_s8(device, CM, CN, CK, a, b, true, NULL, &q, got, 60000, err);
        if (status == RS_OK && memcmp(got, want, sizeof got) != 0)
            status = RS_ERR_MISMATCH;
    }
    rs_close(cpu);
    return status;
}

/* ---- several things at once ------------------------------------------------------------------------ */

struct worker { pthread_t thread; const char *target; rs_status status; struct rs_error err; double seconds; };

static void *work(void *argument)
{
    struct worker *w = argument;
    struct rs_device *device = NULL;
    const double start = rs_seconds();

    w->status = rs_open(w->target, NULL, &device, &w->err);
    if (w->status == RS_OK)
        w->status = multiply(device, 5, &w->err);
    rs_close(device);
    w->seconds = rs_seconds() - start;
    return NULL;
}

TEST(two_cards_and_two_units_work_at_once)
{
    struct rs_emulation two = emulation(KIND, "default");
    struct worker w[3];
    char second[600];

    NEED_XRT();
    two.cards_cores = 2;
    memset(w, 0, sizeof w);
    w[0].target = plain("");
    snprintf(second, sizeof second, "xrt:1%s", strchr(w[0].target, '?'));
    w[1].target = second;
    w[2].target = target(&two, NULL, "&cores=2");
    for (int i = 0; i < 3; i++)
        MUST(pthread_create(&w[i].thread, NULL, work, &w[i]) == 0, "no thread");
    for (int i = 0; i < 3; i++) {
        pthread_join(w[i].thread, NULL);
        CHECK(w[i].status == RS_OK, "%s: %s %s", w[i].target, rs_status_name(w[i].status), w[i].err.text);
    }
}

TEST(two_units_share_a_batch)
{
    struct rs_emulation two = emulation(KIND, "default");
    struct rs_device *device = NULL;
    struct rs_model *model = NULL;
    static int8_t in[16 * CM * CK], out[2][16 * CM * CN], b[CN * CK];
    const int32_t mult = 1 << 30, shift = -7;
    const struct rs_requant q = {.act_min = -128, .act_max = 127, .count = 1, .mult = &mult, .shift = &shift};
    const char *const targets[2] = {"cpu", NULL};
    struct rs_device_info info;
    struct rs_error err = {0};

    NEED_XRT();
    two.cards_cores = 2;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (int8_t)(i * 37);
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (int8_t)(i * 11 % 255 - 127);
    for (int i = 0; i < 2; i++) {
        MUST(rs_open(targets[i] != NULL ? targets[i] : target(&two, NULL, "&cu=rs_2,rs_1"), NULL, &device, &err) == RS_OK, "%s", err.text);
        if (i == 1)
            CHECK(rs_device_info(device, &info, &err) == RS_OK && info.cores == 2 && info.mem_bytes == 256u << 20 && info.mem_base == 0x4000000000 &&
                  info.clock_mhz == 250, "%u cores", info.cores);
        MUST(rs_gemm_model(device, CM, CN, CK, b, true, NULL, &q, NULL, &model, &err) == RS_OK, "%s", err.text);
        CHECK(rs_run(model, (const void *[]){in}, (void *[]){out[i]}, 16, 60000, &err) == RS_OK, "%s", err.text);
        rs_model_free(model);
        rs_close(device);
    }
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0, "a batch of 16 over two units differs from the CPU");
}

/* ---- memory ----------------------------------------------------------------------------------------- */

TEST(buffers_keep_every_byte)
{
    enum { BYTES = 9 << 20 };                     /* over two stages, not a multiple of one              */
    struct rs_device *device = NULL;
    struct rs_buffer *buffer[3] = {NULL, NULL, NULL};
    uint8_t *data, *back, few[100];
    struct rs_error err = {0};

    NEED_XRT();
    data = malloc(BYTES);
    back = malloc(BYTES);
    MUST(rs_open(plain(""), NULL, &device, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 3; i++)
        MUST(rs_buffer_alloc(device, BYTES - 13, &buffer[i], &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < 3; i++)
        CHECK(rs_buffer_address(buffer[i]) >= 0x4000000000 && rs_buffer_address(buffer[i]) % 4096 == 0, "0x%llx",
              (unsigned long long)rs_buffer_address(buffer[i]));
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < 3; i++)
        MUST(rs_buffer_write(buffer[i], 0, data + i, BYTES - 13, &err) == RS_OK, "%s", err.text);
    MUST(rs_buffer_write(buffer[1], 12345, data, 77, &err) == RS_OK, "%s", err.text);
    MUST(rs_buffer_read(buffer[1], 0, back, BYTES - 13, &err) == RS_OK, "%s", err.text);
    CHECK(memcmp(back, data + 1, 12345) == 0 && memcmp(back + 12345, data, 77) == 0 &&
          memcmp(back + 12345 + 77, data + 1 + 12345 + 77, BYTES - 13 - 12345 - 77) == 0, "bytes differ");
    CHECK(rs_buffer_read(buffer[2], 4097, few, sizeof few, &err) == RS_OK && memcmp(few, data + 2 + 4097, sizeof few) == 0, "a part");
    for (int i = 0; i < 3; i++)
        rs_buffer_free(buffer[i]);
    CHECK(rs_buffer_alloc(device, (size_t)300 << 20, &buffer[0], &err) == RS_ERR_NOMEM && strstr(err.text, "memory bank0") != NULL &&
          strstr(err.text, "268435456") != NULL, "%s", err.text);
    rs_close(device);
    free(data);
    free(back);
}

TEST(starts_in_two_seconds_and_moves_100_MB_a_second)
{
    enum { BYTES = 64 << 20 };
    struct rs_device *device = NULL;
    struct rs_buffer *buffer = NULL;
    struct rs_error err = {0};
    double start = rs_seconds(), opened, to, from;
    uint8_t *data;

    NEED_XRT();
    data = calloc(1, BYTES);
    MUST(rs_open(plain(""), NULL, &device, &err) == RS_OK, "%s", err.text);
    opened = rs_seconds() - start;
    MUST(rs_buffer_alloc(device, BYTES, &buffer, &err) == RS_OK, "%s", err.text);
    start = rs_seconds();
    MUST(rs_buffer_write(buffer, 0, data, BYTES, &err) == RS_OK, "%s", err.text);
    to = BYTES * 1e-6 / (rs_seconds() - start);
    start = rs_seconds();
    MUST(rs_buffer_read(buffer, 0, data, BYTES, &err) == RS_OK, "%s", err.text);
    from = BYTES * 1e-6 / (rs_seconds() - start);
    printf("  opened in %.2f s; %.0f MB/s to the card, %.0f MB/s from it\n", opened, to, from);
    CHECK(opened < 2, "%.2f s", opened);
    CHECK(to >= 100 && from >= 100, "%.0f and %.0f MB/s", to, from);
    rs_buffer_free(buffer);
    rs_close(device);
    free(data);
}

/* ---- what goes wrong at opening ---------------------------------------------------------------------- */

/* Opening @name must fail with @status and a message with @text in it, within @seconds. */
static void refused(const char *name, rs_status status, const char *text)
{
    struct rs_device *device = NULL;
    struct rs_error err = {0};
    const double start = rs_seconds();
    const rs_status got = rs_open(name, NULL, &device, &err);

    CHECK(got == status && device == NULL, "%s: got %s, want %s (%s)", name, rs_status_name(got), rs_status_name(status), err.text);
    CHECK(strstr(err.text, text) != NULL, "%s: expected to read '%s': %s", name, text, err.text);
    CHECK(rs_seconds() - start < 5, "%.1f s", rs_seconds() - start);
    rs_close(device);
}

static void make_hw(uint8_t *bytes, size_t size)
{
    (void)size;
    bytes[304 + 28] = RS_XCLBIN_HW;
}

static void make_sw(uint8_t *bytes, size_t size)
{
    (void)size;
    bytes[304 + 28] = RS_XCLBIN_SW_EMU;
}

static void replace(uint8_t *bytes, size_t size, const char *old, const char *new)
{
    const size_t length = strlen(old);

    for (uint8_t *p = bytes; (size_t)(p - bytes) + length <= size; p++)
        if (memcmp(p, old, length) == 0)
            memcpy(p, new, length);
}

static void move_register(uint8_t *bytes, size_t size)
{
    replace(bytes, size, "offset=\"0x28\"", "offset=\"0x2C\"");
}

static void rename_kernel(uint8_t *bytes, size_t size)
{
    replace(bytes, size, "<kernel name=\"rs\"", "<kernel name=\"sr\"");
}

/* The second connection: argument 1 of unit 0. */
static void other_bank(uint8_t *bytes, size_t size)
{
    const uint8_t *at;
    size_t n;

    if (rs_xclbin_section(bytes, size, RS_XCLBIN_CONNECTIVITY, &at, &n))
        bytes[at - bytes + 4 + 12 + 8] = 0;
}

TEST(refuses_wrong_xclbins)
{
    struct rs_emulation e = emulation(KIND, "default");
    char path[100], name[300], cut[600];
    const char *whole = target(&e, NULL, "");
    size_t bytes;
    uint8_t *data = read_file(strchr(whole, '=') + 1, &bytes);

    snprintf(path, sizeof path, "%s/not.xclbin", folder);
    keep(path, (const uint8_t *)"#!/bin/sh\necho this is no xclbin\n", 33);
    snprintf(name, sizeof name, "xrt:0?xclbin=%s", path);
    refused(name, RS_ERR_FORMAT, "not an xclbin");
    snprintf(path, sizeof path, "%s/cut.xclbin", folder);
    keep(path, data, bytes - 100);
    snprintf(cut, sizeof cut, "xrt:0?xclbin=%s", path);
    refused(cut, RS_ERR_FORMAT, "cut or damaged");
    free(data);
    refused("xrt:0?xclbin=/nonexistent.xclbin", RS_ERR_IO, "/nonexistent.xclbin");
    refused("xrt:0", RS_ERR_ARG, "ROWSTATION_XCLBIN");
    refused(target(&e, move_register, ""), RS_ERR_MISMATCH, "activations at 0x2c, expected 0x28");
    refused(target(&e, rename_kernel, ""), RS_ERR_MISMATCH, "no kernel 'rs'; it has: sr");
    refused(target(&e, NULL, "&kernel=vadd"), RS_ERR_MISMATCH, "no kernel 'vadd'");
    refused(target(&e, NULL, "&cu=rs_7"), RS_ERR_MISMATCH, "no compute unit 'rs_7' of kernel rs; it has: rs_1");
    refused(target(&e, NULL, "&cores=2"), RS_ERR_MISMATCH, "cores=2, but the xclbin has 1");
    refused(target(&e, NULL, "&clock=300"), RS_ERR_MISMATCH, "the xclbin reached 250 MHz");
    e.banks = 2;
    refused(target(&e, other_bank, ""), RS_ERR_MISMATCH, "argument filters is connected to banks 0x1, argument commands of rs:rs_1 to 0x2");
    e.banks = 1;
    e.config.isa_version = 99;
    refused(target(&e, NULL, ""), RS_ERR_MISMATCH, "command set version 99");
}

TEST(mode_and_environment_have_to_agree)
{
    const struct rs_emulation e = emulation(KIND, "default");

    refused(target(&e, make_hw, ""), RS_ERR_MISMATCH, "an xclbin for hw, but XCL_EMULATION_MODE=hw_emu");
    refused(target(&e, make_sw, ""), RS_ERR_UNSUPPORTED, "sw_emu");
    unsetenv("XCL_EMULATION_MODE");
    refused(target(&e, NULL, ""), RS_ERR_MISMATCH, "XCL_EMULATION_MODE is not set");
    if (have_xrt && access("/sys/module/xocl", F_OK) != 0)
        refused(target(&e, make_hw, "&wait=10"), RS_ERR_DEVICE, "no card 0: ");
    setenv("XCL_EMULATION_MODE", "hw", 1);
    refused(target(&e, NULL, ""), RS_ERR_ARG, "expected hw_emu");
    setenv("XCL_EMULATION_MODE", "hw_emu", 1);
}

TEST(a_device_process_that_cannot_start_says_why)
{
    struct rs_emulation e = emulation("emu", "nosuch");

    NEED_XRT();
    refused(target(&e, NULL, ""), RS_ERR_DEVICE, "no librs_emu_nosuch.so");
    e = emulation("emu", "default");
    e.config.config_hash ^= 1;
    refused(target(&e, NULL, ""), RS_ERR_DEVICE, "write the xclbin again");
}

TEST(cards_of_one_machine_hold_one_xclbin)
{
    struct rs_emulation e = emulation(KIND, "default");
    const char *first = plain(""), *other;
    struct rs_device *device = NULL, *second = NULL;
    struct rs_error err;
    char third[600];

    NEED_XRT();
    setenv("ROWSTATION_EMU_MACHINE", folder, 1);
    setenv("ROWSTATION_EMU_CARDS", "2", 1);
    MUST(rs_open(first, NULL, &device, &err) == RS_OK, "%s", err.text);
    CHECK(rs_open(first, NULL, &second, &err) == RS_OK, "the same xclbin: %s", err.text);
    e.clock_mhz++;
    other = target(&e, NULL, "");
    refused(other, RS_ERR_BUSY, "stop the other process");
    snprintf(third, sizeof third, "xrt:2%s", strchr(first, '?'));
    refused(third, RS_ERR_DEVICE, "--cards 2");
    rs_close(device);
    rs_close(second);
    CHECK(rs_open(other, NULL, &device, &err) == RS_OK, "after the others have gone: %s", err.text);
    rs_close(device);
    unsetenv("ROWSTATION_EMU_MACHINE");
    unsetenv("ROWSTATION_EMU_CARDS");
}

/* ---- what goes wrong while running --------------------------------------------------------------------- */

/* The parent of process @pid; 0: no such process. */
static long parent_of(long pid)
{
    char path[64], text[512] = "", *at;
    long parent = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    at = fgets(text, sizeof text, f) != NULL ? strrchr(text, ')') : NULL;
    fclose(f);
    return at != NULL && sscanf(at + 2, "%*c %ld", &parent) == 1 ? parent : 0;
}

/* Descendants, but not children, whose name begins with @name. */
static int our_processes(const char *name, pid_t *pids, int max)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int n = 0;

    while (proc != NULL && (entry = readdir(proc)) != NULL && n < max) {
        const long pid = atol(entry->d_name);
        long up = pid > 0 ? parent_of(pid) : 0;
        char path[64], text[64] = "";
        FILE *f;

        if (up == getpid())
            continue;
        while (up > 1 && up != getpid())
            up = parent_of(up);
        if (up != getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%ld/comm", pid);
        f = fopen(path, "r");
        if (f != NULL && fgets(text, sizeof text, f) != NULL && strncmp(text, name, strlen(name)) == 0)
            pids[n++] = (pid_t)pid;
        if (f != NULL)
            fclose(f);
    }
    if (proc != NULL)
        closedir(proc);
    return n;
}

struct killer { pthread_t thread; const char *name; int killed; };

static void *kill_soon(void *argument)
{
    struct killer *k = argument;
    pid_t pids[4];

    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    for (int i = our_processes(k->name, pids, 4); i-- > 0;)
        k->killed += kill(pids[i], SIGKILL) == 0;
    return NULL;
}

/* Many products until the killer strikes: an error that says so, soon; then the device works again. */
static void killed_in_mid_run(const char *process, const char *text)
{
    struct rs_device *device = NULL;
    struct killer k = {.name = process};
    struct rs_error err = {0};
    rs_status status = RS_OK;
    double start;

    MUST(rs_open(plain(""), NULL, &device, &err) == RS_OK, "%s", err.text);
    MUST(pthread_create(&k.thread, NULL, kill_soon, &k) == 0, "no thread");
    start = rs_seconds();
    while (status == RS_OK && rs_seconds() - start < 10)
        status = multiply(device, 10, &err);
    pthread_join(k.thread, NULL);
    CHECK(k.killed == 1, "%d processes killed", k.killed);
    CHECK(status == RS_ERR_DEVICE && strstr(err.text, text) != NULL, "%s: %s", rs_status_name(status), err.text);
    CHECK(rs_seconds() - start < 3, "noticed after %.1f s", rs_seconds() - start);
    status = multiply(device, 2, &err);
    CHECK(status == RS_OK, "not usable again: %s", err.text);
    rs_close(device);
}

TEST(a_killed_device_process_is_an_error_and_is_replaced)
{
    NEED_XRT();
    killed_in_mid_run("rs_xrt_device", "the device process of the emulated card is gone: it was killed");
}

TEST(a_killed_xrt_process_is_an_error_and_is_replaced)
{
    NEED_XRT();
    killed_in_mid_run("rs_xrt_host", "XRT ended its process (signal 9)");
}

TEST(a_kernel_that_never_finishes_is_a_timeout)
{
    const struct rs_emulation e = emulation("emu", "hang");
    struct rs_device *device = NULL;
    struct rs_error err = {0};
    const double start = rs_seconds();
    rs_status status;

    NEED_XRT();
    MUST(rs_open(target(&e, NULL, "&stall=1"), NULL, &device, &err) == RS_OK, "%s", err.text);
    status = multiply(device, 1, &err);
    CHECK(status == RS_ERR_TIMEOUT && strstr(err.text, "cycle counter has stood at 0 for 1 s; outputs not returned") != NULL, "%s: %s",
          rs_status_name(status), err.text);
    CHECK(rs_seconds() - start < 5, "%.1f s", rs_seconds() - start);
    rs_close(device);
}

TEST(a_kernel_that_takes_too_long_is_a_timeout)
{
    struct rs_emulation e = emulation(KIND, "default");
    struct rs_device *device = NULL;
    struct rs_error err = {0};
    rs_status status;

    NEED_XRT();
    e.timing.latency_cycles = 50000;               /* a memory that needs seconds                         */
    MUST(rs_open(target(&e, NULL, "&timeout=30000"), NULL, &device, &err) == RS_OK, "%s", err.text);
    status = multiply(device, 1, &err);
    CHECK(status == RS_ERR_TIMEOUT && strstr(err.text, "no ap_done after") != NULL && strstr(err.text, "core counts") != NULL, "%s: %s",
          rs_status_name(status), err.text);
    rs_close(device);
}

TEST(a_bus_error_names_its_address)
{
    struct rs_emulation e = emulation(KIND, "default");
    struct rs_device *device = NULL;
    struct rs_error err = {0};
    rs_status status;

    NEED_XRT();
    e.timing.fault_read = true;
    e.timing.fault_address = 0x4000000000;         /* the first buffer                                    */
    MUST(rs_open(target(&e, NULL, ""), NULL, &device, &err) == RS_OK, "%s", err.text);
    status = multiply(device, 1, &err);
    CHECK(status == RS_ERR_DEVICE && strstr(err.text, "bus error (SLVERR or DECERR) on a read") != NULL && strstr(err.text, " at address 0x4000000") != NULL,
          "%s: %s", rs_status_name(status), err.text);
    rs_close(device);
}

TEST(an_ended_run_leaves_a_usable_device)
{
    struct rs_emulation e = emulation(KIND, "default");
    struct rs_device *device = NULL;
    struct rs_buffer *kept = NULL;
    struct rs_error err = {0};
    uint8_t byte = 7;

    NEED_XRT();
    MUST(rs_open(target(&e, NULL, ""), NULL, &device, &err) == RS_OK, "%s", err.text);
    MUST(rs_buffer_alloc(device, 100, &kept, &err) == RS_OK && rs_buffer_write(kept, 0, &byte, 1, &err) == RS_OK, "%s", err.text);
    MUST(multiply(device, 1, &err) == RS_OK, "%s", err.text);
    CHECK(rs_reset(device, &err) == RS_OK, "%s", err.text);
    CHECK(rs_buffer_read(kept, 0, &byte, 1, &err) == RS_ERR_DEVICE && strstr(err.text, "lost") != NULL, "%s", err.text);
    CHECK(rs_buffer_write(kept, 0, &byte, 1, &err) == RS_OK && rs_buffer_read(kept, 0, &byte, 1, &err) == RS_OK, "%s", err.text);
    CHECK(multiply(device, 2, &err) == RS_OK, "%s", err.text);
    rs_buffer_free(kept);
    rs_close(device);
}

TEST(an_emulated_card_has_no_power_reading)
{
    struct rs_device *device = NULL;
    struct rs_error err = {0};
    double watts;

    NEED_XRT();
    MUST(rs_open(plain(""), NULL, &device, &err) == RS_OK, "%s", err.text);
    CHECK(rs_power(device, &watts, &err) == RS_ERR_UNSUPPORTED && strstr(err.text, "power") != NULL, "%s", err.text);
    rs_close(device);
}

/* Last: whatever happened above. */
TEST(nothing_is_left)
{
    pid_t pids[8];
    const double until = rs_seconds() + 2;
    DIR *tmp;
    struct dirent *entry;
    int n;

    while ((n = our_processes("", pids, 8)) != 0 && rs_seconds() < until)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    CHECK(n == 0, "%d processes are left, %ld is one", n, (long)pids[0]);
    tmp = opendir(folder);
    MUST(tmp != NULL, "%s", folder);
    while ((entry = readdir(tmp)) != NULL)
        CHECK(entry->d_name[0] == '.' || strstr(entry->d_name, ".xclbin") != NULL || strncmp(entry->d_name, "card", 4) == 0, "%s", entry->d_name);
    closedir(tmp);
}

/* The shims that do what no sound platform does lie in a folder of their own. */
static void add_shims(void)
{
    const char *build = getenv("RS_BUILD") != NULL ? getenv("RS_BUILD") : "build", *old = getenv("RS_PLATFORM_PATH");
    char list[4096];

    snprintf(list, sizeof list, "%s%s%s:%s/shim", old != NULL ? old : "", old != NULL ? ":" : "", build, build);
    setenv("RS_PLATFORM_PATH", list, 1);
}

int main(void)
{
    struct rs_xrt_environment environment;
    struct rs_device *device = NULL;
    struct rs_error err = {0};

    add_shims();

    if (mkdtemp(folder) == NULL)
        return 1;
    unsetenv("ROWSTATION_TARGET");
    unsetenv("ROWSTATION_XCLBIN");
    setenv("XCL_EMULATION_MODE", "hw_emu", 1);
    have_xrt = rs_xrt_environment_make(&environment, 1, false, &err) == RS_OK;
    if (have_xrt)
        rs_xrt_environment_remove(&environment);
    if (have_xrt && rs_open(plain(""), NULL, &device, &err) != RS_OK && strstr(err.text, "no rs_xrt_host") != NULL)
        have_xrt = false;
    rs_close(device);
    why_not = "XRT is not installed (libxrt1, libxrt-dev, unzip), or rs_xrt_host not built";
    RUN(models_are_bit_exact_in_the_same_cycles);
    RUN(two_cards_and_two_units_work_at_once);
    RUN(buffers_keep_every_byte);
    if (!SIM) {
        RUN(two_units_share_a_batch);
        RUN(starts_in_two_seconds_and_moves_100_MB_a_second);
        RUN(refuses_wrong_xclbins);
        RUN(mode_and_environment_have_to_agree);
        RUN(a_device_process_that_cannot_start_says_why);
        RUN(cards_of_one_machine_hold_one_xclbin);
        RUN(a_killed_device_process_is_an_error_and_is_replaced);
        RUN(a_killed_xrt_process_is_an_error_and_is_replaced);
        RUN(a_kernel_that_never_finishes_is_a_timeout);
        RUN(a_kernel_that_takes_too_long_is_a_timeout);
        RUN(a_bus_error_names_its_address);
        RUN(an_ended_run_leaves_a_usable_device);
        RUN(an_emulated_card_has_no_power_reading);
    }
    RUN(nothing_is_left);
    rs_remove_tree(folder);
    return test_exit();
}
