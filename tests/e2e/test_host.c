/*
 * test_host.c - the public API on `cpu`, and on `emu` where it is built: devices, buffers, requests, layers, failures.
 * Expected codes come from the reference kernels and from the golden file of our own model.
 */
#include <pthread.h>
#include <time.h>
#include "kernels.h"
#include "rowstation.h"
#include "test.h"

#define MODEL  "models/fashion_resnet.tflite"
#define IMAGE  784
#define SCORES 10

static const char *target;             /* of the tests that run on several                           */

static int8_t images[16 * IMAGE];

static void random_images(void)
{
    test_rng = 42;
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (int8_t)rnd_range(-128, 127);
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static bool emulated(void)
{
    struct rs_device *d;
    const bool there = rs_open("emu", NULL, &d, NULL) == RS_OK;

    if (there)
        rs_close(d);
    return there;
}

#define WANT(call) MUST((call) == RS_OK, "%s: %s", rs_status_name(err.status), err.text)

/* What the CPU's reference kernels say about the first @n images. */
static bool reference_scores(int8_t *scores, uint32_t n)
{
    struct rs_device *d = NULL;
    struct rs_model *m = NULL;
    const bool good = rs_open("cpu", NULL, &d, NULL) == RS_OK &&
        rs_model_load(d, MODEL, &(struct rs_load_options){.reference = true}, &m, NULL) == RS_OK &&
        rs_run(m, (const void *[]){images}, (void *[]){scores}, n, -1, NULL) == RS_OK;

    rs_model_free(m);
    rs_close(d);
    return good;
}

TEST(refuses_null_pointers)
{
    struct rs_device *d = (struct rs_device *)1;
    struct rs_model *m = (struct rs_model *)1;
    struct rs_request *r = (struct rs_request *)1;
    struct rs_error err;

    CHECK(rs_open("cpu", NULL, NULL, &err) == RS_ERR_ARG, "no place");
    CHECK(rs_open("nonsense", NULL, &d, &err) == RS_ERR_ARG && d == NULL, "out-parameters hold NULL");
    CHECK(rs_model_load(NULL, MODEL, NULL, &m, &err) == RS_ERR_ARG && m == NULL, "no device");
    CHECK(rs_submit(NULL, NULL, NULL, 1, &r, &err) == RS_ERR_ARG && r == NULL, "no model");
    CHECK(rs_wait(NULL, 0, &err) == RS_ERR_ARG, "no request");
    CHECK(rs_reset(NULL, &err) == RS_ERR_ARG && rs_self_test(NULL, &err) == RS_ERR_ARG, "no device");
    CHECK(rs_model_inputs(NULL) == 0 && rs_buffer_address(NULL) == 0, "nothing of nothing");
    rs_close(NULL);
    rs_model_free(NULL);
    rs_buffer_free(NULL);
    rs_request_free(NULL);
}

TEST(describes_the_model)
{
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_tensor_info info;

    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    CHECK(rs_model_inputs(m) == 1 && rs_model_outputs(m) == 1, "%d inputs", rs_model_inputs(m));
    WANT(rs_model_input(m, 0, &info, &err));
    CHECK(info.bytes == IMAGE && info.rank == 4 && info.dim[1] == 28 && info.scale > 0 && strcmp(info.type, "int8") == 0, "input");
    WANT(rs_model_output(m, 0, &info, &err));
    CHECK(info.bytes == SCORES, "output of %zu bytes", info.bytes);
    CHECK(rs_model_output(m, 1, &info, &err) == RS_ERR_RANGE, "there is no second output");
    rs_model_free(m);
    rs_close(d);
}

TEST(buffers_hold_what_was_written)
{
    static uint8_t out[10000], in[10000];
    struct rs_error err;
    struct rs_device *d;
    struct rs_buffer *b, *c;

    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)rnd();
    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_buffer_alloc(d, sizeof out, &b, &err));
    WANT(rs_buffer_alloc(d, 1, &c, &err));
    CHECK(rs_buffer_address(b) % 4096 == 0 && rs_buffer_address(b) != rs_buffer_address(c), "addresses");
    WANT(rs_buffer_write(b, 0, out, sizeof out, &err));
    WANT(rs_buffer_read(b, 1234, in, 5000, &err));
    CHECK(memcmp(in, out + 1234, 5000) == 0, "content");
    CHECK(rs_buffer_write(b, 9999, out, 2, &err) == RS_ERR_RANGE, "past the end");
    CHECK(rs_buffer_read(b, SIZE_MAX, in, 2, &err) == RS_ERR_RANGE, "far past the end");
    if (strcmp(target, "cpu") != 0) {
        WANT(rs_reset(d, &err));
        CHECK(rs_buffer_read(b, 0, in, 1, &err) == RS_ERR_DEVICE, "content is lost in a reset, and that is said");
        WANT(rs_buffer_write(b, 0, out, sizeof out, &err));
        WANT(rs_buffer_read(b, 0, in, sizeof in, &err));
        CHECK(memcmp(in, out, sizeof in) == 0, "content after the reset");
    }
    rs_close(d);
    rs_buffer_free(b);
    rs_buffer_free(c);
}

/* Batches of 3, 4 and 5 with room for two plans: a plan is made where none is kept, and only there. */
TEST(plans_whole_batches_once)
{
    static const struct { uint32_t batch, plans; } steps[] = { {3, 2}, {3, 2}, {4, 3}, {3, 3}, {1, 3}, {5, 4}, {3, 4}, {4, 5} };
    const bool cpu = strcmp(target, "cpu") == 0;
    int8_t want[5 * SCORES], got[5 * SCORES];
    uint64_t cycles[6] = {0};
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;

    MUST(reference_scores(want, 5), "reference");
    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, &(struct rs_load_options){.batch_plans = 2}, &m, &err));
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const uint32_t n = steps[i].batch;
        const struct rs_report *report;
        struct rs_request *r;

        memset(got, 0, sizeof got);
        WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, n, &r, &err));
        WANT(rs_wait(r, 300000, &err));
        WANT(rs_request_report(r, &report, &err));
        CHECK(memcmp(got, want, n * SCORES) == 0, "step %zu: batch of %u differs from the reference kernels", i, n);
        CHECK(report->batch == n && report->macs % n == 0, "step %zu: %u items", i, report->batch);
        CHECK(rs_model_plans_made(m) == (cpu ? 0 : steps[i].plans), "step %zu: %u plans made, want %u", i, rs_model_plans_made(m),
              cpu ? 0 : steps[i].plans);
        CHECK(cycles[n] == 0 || cycles[n] == report->cycles, "step %zu: %llu cycles, %llu before", i, (unsigned long long)report->cycles,
              (unsigned long long)cycles[n]);
        cycles[n] = report->cycles;
        rs_request_free(r);
    }
    CHECK(cpu || cycles[4] < 4 * cycles[1], "%llu cycles for one, %llu for four", (unsigned long long)cycles[1], (unsigned long long)cycles[4]);
    rs_model_free(m);
    rs_close(d);
}

TEST(runs_a_batch_like_one_by_one)
{
    int8_t want[5 * SCORES], got[5 * SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    const struct rs_report *report;

    MUST(reference_scores(want, 5), "reference");
    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 5, &r, &err));
    WANT(rs_wait(r, 300000, &err));
    CHECK(rs_poll(r), "ended");
    CHECK(memcmp(got, want, sizeof got) == 0, "batch differs from the reference kernels");
    WANT(rs_request_report(r, &report, &err));
    CHECK(report->batch == 5 && report->macs % 5 == 0 && report->macs > 0, "macs %llu", (unsigned long long)report->macs);
    if (strcmp(target, "cpu") == 0) {
        CHECK(report->cycles == 0 && report->macs_cpu == report->macs, "all on the CPU");
    } else {
        uint64_t sum = 0, macs = 0;
        const struct rs_counters *c = &report->counters;

        for (uint32_t i = 0; i < report->n_layers; i++) {
            const struct rs_counters *l = &report->layers[i].counters;

            CHECK(l->compute + l->wait_ifmap + l->wait_filter + l->wait_psum + l->wait_drain + l->overhead + l->wait_load +
                  l->wait_depend + l->idle == l->cycles, "layer %u: categories do not sum to its cycles", i);
            sum += l->cycles;
            macs += report->layers[i].macs;
        }
        CHECK(sum == report->cycles && report->cycles == c->cycles, "layers have %llu of %llu cycles", (unsigned long long)sum,
              (unsigned long long)report->cycles);
        CHECK(report->macs_cpu == 0 && c->macs == report->macs && macs == report->macs,
              "hardware counted %llu MACs, the network has %llu, the CPU did %llu", (unsigned long long)c->macs,
              (unsigned long long)report->macs, (unsigned long long)report->macs_cpu);
        CHECK(report->utilization > 0 && report->utilization <= 1, "utilization %f", report->utilization);
        CHECK(report->cycles_predicted > 0, "predicted");
    }
    rs_request_free(r);
    rs_model_free(m);
    rs_close(d);
}

TEST(keeps_requests_in_flight_on_two_devices)
{
    enum { N = 6 };
    int8_t want[N * SCORES], got[2][N][SCORES];
    struct rs_error err;
    struct rs_device *d[2];
    struct rs_model *m[2];
    struct rs_request *r[2][N];

    MUST(reference_scores(want, N), "reference");
    for (int k = 0; k < 2; k++) {
        WANT(rs_open(k == 0 ? target : "cpu", NULL, &d[k], &err));
        WANT(rs_model_load(d[k], MODEL, NULL, &m[k], &err));
    }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 2; k++)
            WANT(rs_submit(m[k], (const void *[]){images + i * IMAGE}, (void *[]){got[k][i]}, 1, &r[k][i], &err));
    for (int i = N; i-- > 0;)
        for (int k = 0; k < 2; k++) {
            WANT(rs_wait(r[k][i], -1, &err));
            CHECK(memcmp(got[k][i], want + i * SCORES, SCORES) == 0, "device %d, request %d", k, i);
        }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 2; k++)
            rs_request_free(r[k][i]);
    for (int k = 0; k < 2; k++) {
        rs_model_free(m[k]);
        rs_close(d[k]);
    }
}

struct submitter { struct rs_model *model; const int8_t *want; int wrong; };

static void *submit_many(void *argument)
{
    struct submitter *s = argument;

    for (int i = 0; i < 4; i++) {
        int8_t got[SCORES];

        if (rs_run(s->model, (const void *[]){images + i * IMAGE}, (void *[]){got}, 1, -1, NULL) != RS_OK ||
            memcmp(got, s->want + i * SCORES, SCORES) != 0)
            s->wrong++;
    }
    return NULL;
}

/* Requests beside each other, each layer by the pool that they share. */
TEST(threads_of_a_layer_change_no_code)
{
    enum { N = 6 };
    int8_t want[N * SCORES], got[N][SCORES], batch[N * SCORES];
    struct rs_request *r[N];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;

    MUST(reference_scores(want, N), "reference");
    for (int threads = 2; threads <= 3; threads++) {
        WANT(rs_open(threads == 2 ? "cpu?threads=2" : "cpu?threads=3", NULL, &d, &err));
        WANT(rs_model_load(d, MODEL, NULL, &m, &err));
        for (int i = 0; i < N; i++)
            WANT(rs_submit(m, (const void *[]){images + i * IMAGE}, (void *[]){got[i]}, 1, &r[i], &err));
        for (int i = 0; i < N; i++) {
            WANT(rs_wait(r[i], -1, &err));
            CHECK(memcmp(got[i], want + i * SCORES, SCORES) == 0, "%d threads, request %d", threads, i);
            rs_request_free(r[i]);
        }
        WANT(rs_run(m, (const void *[]){images}, (void *[]){batch}, N, -1, &err));
        CHECK(memcmp(batch, want, sizeof batch) == 0, "%d threads, a batch", threads);
        rs_model_free(m);
        rs_close(d);
    }
}

TEST(serves_several_threads)
{
    int8_t want[4 * SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    pthread_t thread[3];
    struct submitter s[3];

    MUST(reference_scores(want, 4), "reference");
    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    for (int i = 0; i < 3; i++) {
        s[i] = (struct submitter){m, want, 0};
        MUST(pthread_create(&thread[i], NULL, submit_many, &s[i]) == 0, "thread");
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        CHECK(s[i].wrong == 0, "thread %d: %d wrong", i, s[i].wrong);
    }
    rs_model_free(m);
    rs_close(d);
}

TEST(runs_layers_without_a_model)
{
    struct rs_error err;
    struct rs_device *d;
    static int8_t ifmap[2 * 10 * 9 * 20], filter[24 * 3 * 5 * 20], got[2 * 10 * 9 * 24], want[sizeof got];
    static int32_t bias[24], mult[24], shift[24];
    const struct rs_conv2d shape = {.N = 2, .H = 10, .W = 9, .C = 20, .M = 24, .R = 3, .S = 5, .stride_h = 1, .stride_w = 1,
                                    .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_bottom = 1, .pad_left = 2, .pad_right = 2,
                                    .groups = 1};
    const struct rs_requant q = {.zp_in = 127, .zp_out = -128, .act_min = -128, .act_max = 127, .count = 24, .mult = mult,
                                 .shift = shift};
    const struct rs_quant quant = {.zp_in = 127, .zp_out = -128, .act_min = -128, .act_max = 127, .count = 24, .mult = mult,
                                   .shift = shift};
    struct rs_conv_shape sh = {.n = 2, .h = 10, .w = 9, .c = 20, .m = 24, .r = 3, .s = 5, .stride_h = 1, .stride_w = 1,
                               .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_bottom = 1, .pad_left = 2, .pad_right = 2,
                               .e = 10, .f = 9};
    struct rs_conv2d bad = shape;
    struct rs_requant bad_q = q;

    for (size_t i = 0; i < sizeof ifmap; i++)
        ifmap[i] = (int8_t)rnd_range(-128, 127);
    for (size_t i = 0; i < sizeof filter; i++)
        filter[i] = (int8_t)rnd_range(-127, 127);
    for (int i = 0; i < 24; i++) {
        bias[i] = (int32_t)rnd_range(-100000, 100000);
        mult[i] = (int32_t)rnd_range(1 << 30, INT32_MAX);
        shift[i] = (int32_t)rnd_range(-12, -8);
    }
    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_conv2d_s8_ref(&sh, ifmap, filter, bias, &quant, want, &err));
    WANT(rs_run_conv2d_s8(d, &shape, ifmap, filter, bias, &q, got, -1, &err));
    CHECK(memcmp(got, want, sizeof got) == 0, "convolution");
    WANT(rs_gemm_s8_ref(&(struct rs_gemm_shape){.m = 9, .n = 24, .k = 37, .layout = RS_GEMM_B_KN}, ifmap, filter, bias, &quant,
                        want, &err));
    WANT(rs_run_gemm_s8(d, 9, 24, 37, ifmap, filter, false, bias, &q, got, -1, &err));
    CHECK(memcmp(got, want, 9 * 24) == 0, "matrix product");

    bad.stride_w = 0;
    CHECK(rs_run_conv2d_s8(d, &bad, ifmap, filter, bias, &q, got, -1, &err) == RS_ERR_ARG, "stride 0");
    bad = shape;
    bad.groups = 2;
    CHECK(rs_run_conv2d_s8(d, &bad, ifmap, filter, bias, &q, got, -1, &err) == RS_ERR_UNSUPPORTED, "two groups");
    bad = shape;
    bad.R = 13;
    CHECK(rs_run_conv2d_s8(d, &bad, ifmap, filter, bias, &q, got, -1, &err) == RS_ERR_SHAPE, "filter larger than the ifmap");
    bad_q.count = 23;
    CHECK(rs_run_conv2d_s8(d, &shape, ifmap, filter, bias, &bad_q, got, -1, &err) == RS_ERR_SHAPE, "23 multipliers");
    bad_q = q;
    bad_q.zp_in = 128;
    CHECK(rs_run_conv2d_s8(d, &shape, ifmap, filter, bias, &bad_q, got, -1, &err) == RS_ERR_RANGE, "zero point 128");
    CHECK(rs_run_gemm_s8(d, 9, 24, 0, ifmap, filter, false, bias, &q, got, -1, &err) == RS_ERR_ARG, "K = 0");
    rs_close(d);
}

TEST(closing_ends_what_runs)
{
    int8_t got[8 * SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    rs_status status;

    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 8, &r, &err));
    rs_close(d);
    status = rs_wait(r, 0, &err);
    CHECK(status == RS_OK || status == RS_ERR_DEVICE, "%s", rs_status_name(status));
    CHECK(rs_submit(m, (const void *[]){images}, (void *[]){got}, 1, &(struct rs_request *){NULL}, &err) == RS_ERR_DEVICE, "submit");
    rs_request_free(r);
    rs_model_free(m);
}

TEST(freeing_ends_what_runs)
{
    int8_t got[16 * SCORES], want[SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    struct rs_buffer *b;

    MUST(reference_scores(want, 1), "reference");
    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 16, &r, &err));
    rs_request_free(r);
    WANT(rs_run(m, (const void *[]){images}, (void *[]){got}, 1, -1, &err));
    CHECK(memcmp(got, want, SCORES) == 0, "the device works on");
    WANT(rs_buffer_alloc(d, 100, &b, &err));
    rs_buffer_free(b);
    rs_model_free(m);
    rs_close(d);
}

static int hooks;
static rs_status count_hooks(void *context, uint32_t item, int node, const char *name, const void *data, size_t bytes)
{
    hooks += item < 2 && node >= 0 && name != NULL && data != NULL && bytes != 0;
    return context != NULL && hooks == 3 ? RS_ERR_MISMATCH : RS_OK;
}

TEST(hands_every_layer_to_a_hook)
{
    int8_t got[2 * SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;

    WANT(rs_open(target, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, &(struct rs_load_options){.keep_all = true, .hook = count_hooks}, &m, &err));
    hooks = 0;
    WANT(rs_run(m, (const void *[]){images}, (void *[]){got}, 2, -1, &err));
    CHECK(hooks >= 2 * 10, "%d calls", hooks);
    rs_model_free(m);
    WANT(rs_model_load(d, MODEL, &(struct rs_load_options){.keep_all = true, .hook = count_hooks, .hook_context = &hooks}, &m, &err));
    hooks = 0;
    CHECK(rs_run(m, (const void *[]){images}, (void *[]){got}, 2, -1, &err) == RS_ERR_MISMATCH, "a hook ends the run");
    rs_model_free(m);
    rs_close(d);
}

/* ---- only with a device ------------------------------------------------------------------------------- */

static char last_message[400];
static void keep_message(void *context, const char *text)
{
    (void)context;
    snprintf(last_message, sizeof last_message, "%s", text);
}

TEST(absent_device_is_an_error_or_the_cpu)
{
    int8_t got[SCORES], want[SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    const struct rs_report *report;

    MUST(reference_scores(want, 1), "reference");
    CHECK(rs_open("emu:absent", NULL, &d, &err) == RS_ERR_DEVICE && d == NULL && strstr(err.text, "make emu") != NULL, "%s", err.text);
    last_message[0] = '\0';
    WANT(rs_open("emu:absent", &(struct rs_open_options){.cpu_fallback = true, .message = keep_message}, &d, &err));
    CHECK(strstr(last_message, "CPU") != NULL, "message '%s'", last_message);
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 1, &r, &err));
    WANT(rs_wait(r, -1, &err));
    WANT(rs_request_report(r, &report, &err));
    CHECK(report->fallback && strstr(report->fallback_reason, "librs_emu_absent") != NULL, "'%s'", report->fallback_reason);
    CHECK(memcmp(got, want, SCORES) == 0, "codes");
    rs_request_free(r);
    rs_model_free(m);
    rs_close(d);
}

/* On a device that fails: the error with its text; then the same with the CPU as the way out. */
static void failing_device(const char *uri, rs_status expected, const char *text)
{
    int8_t got[2 * SCORES], want[2 * SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    const struct rs_report *report;
    rs_status status;

    MUST(reference_scores(want, 2), "reference");
    WANT(rs_open(uri, NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    for (int i = 0; i < 2; i++) {              /* the second: after the reset                              */
        status = rs_run(m, (const void *[]){images}, (void *[]){got}, 2, -1, &err);
        CHECK(status == expected && strstr(err.text, text) != NULL, "got %s: %s", rs_status_name(status), err.text);
    }
    rs_model_free(m);
    rs_close(d);
    WANT(rs_open(uri, &(struct rs_open_options){.cpu_fallback = true}, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 2, &r, &err));
    WANT(rs_wait(r, -1, &err));
    WANT(rs_request_report(r, &report, &err));
    CHECK(report->fallback && strstr(report->fallback_reason, text) != NULL && report->macs_cpu == report->macs, "'%s', %llu of %llu",
          report->fallback_reason, (unsigned long long)report->macs_cpu, (unsigned long long)report->macs);
    CHECK(memcmp(got, want, sizeof got) == 0, "codes after the fallback");
    rs_request_free(r);
    rs_model_free(m);
    rs_close(d);
}

TEST(hung_device_times_out)
{
    failing_device("emu:hang?timeout=30000", RS_ERR_TIMEOUT, "no ap_done after");
}

TEST(bus_error_is_reported_with_its_address)
{
    failing_device("emu:default?fault_read=0x4000000000", RS_ERR_DEVICE, "on a read at address 0x4000000000");
    failing_device("emu:default?fault_write=0x4000000000&base=0x4000000000&mem=65536", RS_ERR_NOMEM, "no room");
}

TEST(hung_device_lets_go)
{
    int8_t got[SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    time_t start = time(NULL);

    WANT(rs_open("emu:hang?timeout=100000000000", NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    CHECK(rs_run(m, (const void *[]){images}, (void *[]){got}, 1, 300, &err) == RS_ERR_TIMEOUT, "%s", err.text);
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 1, &r, &err));
    CHECK(rs_wait(r, 100, &err) == RS_ERR_BUSY && !rs_poll(r), "still running");
    CHECK(rs_reset(d, &err) == RS_ERR_BUSY, "no reset under a run");
    rs_close(d);
    CHECK(rs_wait(r, 0, &err) == RS_ERR_DEVICE, "%s", err.text);
    rs_request_free(r);
    rs_model_free(m);
    CHECK(time(NULL) - start < 60, "took %ld s", (long)(time(NULL) - start));
}

TEST(two_cores_share_the_work_and_the_memory)
{
    enum { N = 6 };
    int8_t want[N * SCORES], got[N * SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    const struct rs_report *report;

    MUST(reference_scores(want, N), "reference");
    WANT(rs_open("emu:default?cores=2&bytes=8", NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, N, &r, &err));
    WANT(rs_wait(r, -1, &err));
    CHECK(memcmp(got, want, sizeof got) == 0, "codes");
    WANT(rs_request_report(r, &report, &err));
    CHECK(report->contention > 0, "two cores on a narrow memory wait for each other");
    rs_request_free(r);
    rs_model_free(m);
    rs_close(d);
}

TEST(counts_the_same_cycles_every_time)
{
    uint64_t cycles[3] = {0};
    int8_t got[SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;

    for (int i = 0; i < 3; i++) {
        struct rs_request *r;
        const struct rs_report *report;

        if (i != 1) {
            WANT(rs_open("emu", NULL, &d, &err));
            WANT(rs_model_load(d, MODEL, NULL, &m, &err));
        }
        WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 1, &r, &err));
        WANT(rs_wait(r, -1, &err));
        WANT(rs_request_report(r, &report, &err));
        cycles[i] = report->cycles;
        rs_request_free(r);
        if (i != 0) {
            rs_model_free(m);
            rs_close(d);
        }
    }
    CHECK(cycles[0] == cycles[1] && cycles[1] == cycles[2], "%llu, %llu, %llu", (unsigned long long)cycles[0],
          (unsigned long long)cycles[1], (unsigned long long)cycles[2]);
}

/* One image through @m; its report stays with *r. */
static bool one_image(struct rs_model *m, int image, int8_t *scores, struct rs_request **r, const struct rs_report **report)
{
    return rs_submit(m, (const void *[]){images + image * IMAGE}, (void *[]){scores}, 1, r, NULL) == RS_OK &&
           rs_wait(*r, 300000, NULL) == RS_OK && rs_request_report(*r, report, NULL) == RS_OK;
}

TEST(replayed_answers_are_the_same_and_not_clocked)
{
    int8_t want[2 * SCORES], got[3][SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r[3];
    const struct rs_report *t[3];

    MUST(reference_scores(want, 2), "reference");
    WANT(rs_open("emu?replay=2", NULL, &d, &err));
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    for (int i = 0; i < 3; i++)
        MUST(one_image(m, i / 2, got[i], &r[i], &t[i]), "run %d", i);
    CHECK(memcmp(got[0], want, SCORES) == 0 && memcmp(got[1], want, SCORES) == 0, "the image, twice");
    CHECK(memcmp(got[2], want + SCORES, SCORES) == 0, "another image is another answer");
    CHECK(t[0]->replayed == 0 && t[1]->replayed == 1 && t[2]->replayed == 0, "%u %u %u", t[0]->replayed, t[1]->replayed, t[2]->replayed);
    CHECK(t[0]->seconds_simulated > 0 && t[1]->seconds_simulated == 0, "%g s clocked", t[1]->seconds_simulated);
    CHECK(t[0]->cycles > 0 && memcmp(&t[0]->counters, &t[1]->counters, sizeof t[0]->counters) == 0, "counters");
    for (uint32_t i = 0; i < t[0]->n_layers; i++)
        CHECK(memcmp(&t[0]->layers[i].counters, &t[1]->layers[i].counters, sizeof t[0]->layers[i].counters) == 0, "layer %u", i);
    CHECK(t[1]->seconds_host > 0 && t[0]->seconds_transfer > 0, "host %g s, transfers %g s", t[1]->seconds_host, t[0]->seconds_transfer);
    for (int i = 0; i < 3; i++)
        rs_request_free(r[i]);
    rs_model_free(m);
    rs_close(d);
}

TEST(paced_device_takes_its_modelled_time)
{
    enum { FLIGHT = 4 };
    static const struct { const char *uri; double share; } cases[] = {
        {"emu?replay=1&clock=1&pace=200", 2}, {"emu?replay=1&clock=1&pace=50", 0.5}, {"emu?replay=1&clock=1", 0}};
    int8_t got[FLIGHT][SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r[FLIGHT];
    const struct rs_report *t;

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct timespec start;
        double modelled, took;

        WANT(rs_open(cases[k].uri, NULL, &d, &err));
        WANT(rs_model_load(d, MODEL, NULL, &m, &err));
        MUST(one_image(m, 0, got[0], &r[0], &t), "the first run");
        modelled = 1e-6 * (double)t->cycles * cases[k].share;
        rs_request_free(r[0]);
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (int i = 0; i < FLIGHT; i++)
            WANT(rs_submit(m, (const void *[]){images}, (void *[]){got[i]}, 1, &r[i], &err));
        for (int i = 0; i < FLIGHT; i++) {
            WANT(rs_wait(r[i], 300000, &err));
            rs_request_free(r[i]);
        }
        took = seconds_since(&start);
        CHECK(took >= FLIGHT * modelled, "%s: %d took %g s, %g s modelled", cases[k].uri, FLIGHT, took, FLIGHT * modelled);
        CHECK(took < FLIGHT * modelled + 2, "%s: %d took %g s, %g s modelled", cases[k].uri, FLIGHT, took, FLIGHT * modelled);
        rs_model_free(m);
        rs_close(d);
    }
}

TEST(held_answer_can_be_ended)
{
    int8_t got[SCORES];
    struct rs_error err;
    struct rs_device *d;
    struct rs_model *m;
    struct rs_request *r;
    struct timespec start;

    WANT(rs_open("emu?clock=1&pace=1000000", NULL, &d, &err));          /* two minutes */
    WANT(rs_model_load(d, MODEL, NULL, &m, &err));
    WANT(rs_submit(m, (const void *[]){images}, (void *[]){got}, 1, &r, &err));
    CHECK(rs_wait(r, 2000, &err) == RS_ERR_BUSY, "%s", err.text);
    clock_gettime(CLOCK_MONOTONIC, &start);
    rs_request_free(r);
    CHECK(seconds_since(&start) < 5, "ending it took %g s", seconds_since(&start));
    rs_model_free(m);
    rs_close(d);
}

TEST(numbers_go_to_codes_and_back)
{
    const float real[4] = {0.0f, 1.0f, -1.0f, 1000.0f};
    float back[4];
    int8_t codes[4];
    int32_t mult, shift;
    struct rs_error err;

    WANT(rs_quantize(4, real, 0.5f, 3, codes, &err));
    CHECK(codes[0] == 3 && codes[1] == 5 && codes[2] == 1 && codes[3] == 127, "%d %d %d %d", codes[0], codes[1], codes[2], codes[3]);
    WANT(rs_dequantize(4, codes, 0.5f, 3, back, &err));
    CHECK(back[1] == 1.0f && back[3] == 62.0f, "%f %f", (double)back[1], (double)back[3]);
    WANT(rs_requant_from_real(0.25, &mult, &shift, &err));
    CHECK(mult == 1 << 30 && shift == -1, "%d %d", mult, shift);
}

int main(void)
{
    const char *const targets[] = {"cpu", "emu"};
    char path[4096];
    bool emu;

    snprintf(path, sizeof path, "%s:%s/shim", getenv("RS_BUILD") != NULL ? getenv("RS_BUILD") : "build",
             getenv("RS_BUILD") != NULL ? getenv("RS_BUILD") : "build");
    setenv("RS_PLATFORM_PATH", path, 1);
    emu = emulated();
    random_images();
    RUN(refuses_null_pointers);
    RUN(numbers_go_to_codes_and_back);
    RUN(absent_device_is_an_error_or_the_cpu);
    RUN(threads_of_a_layer_change_no_code);
    for (int i = 0; i < (emu ? 2 : 1); i++) {
        target = targets[i];
        printf("on %s\n", target);
        RUN(describes_the_model);
        RUN(buffers_hold_what_was_written);
        RUN(runs_layers_without_a_model);
        RUN(plans_whole_batches_once);
        RUN(runs_a_batch_like_one_by_one);
        RUN(keeps_requests_in_flight_on_two_devices);
        RUN(serves_several_threads);
        RUN(hands_every_layer_to_a_hook);
        RUN(freeing_ends_what_runs);
        RUN(closing_ends_what_runs);
    }
    if (emu) {
        RUN(hung_device_times_out);
        RUN(hung_device_lets_go);
        RUN(bus_error_is_reported_with_its_address);
        RUN(counts_the_same_cycles_every_time);
        RUN(two_cores_share_the_work_and_the_memory);
        RUN(replayed_answers_are_the_same_and_not_clocked);
        RUN(paced_device_takes_its_modelled_time);
        RUN(held_answer_can_be_ended);
    } else {
        printf("SKIP emulation: librs_emu_default.so is not built\n");
    }
    return test_exit();
}
