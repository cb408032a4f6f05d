/*
 * rowstation.h - the public C API of Rowstation: one header, C11.
 *
 * Open a device by name, load a model (or bring one convolution or matrix product), submit inputs,
 * wait, read outputs and counters.  The same program runs on the CPU (`cpu`), on the accelerator's own C
 * (`emu`) and on its Verilated Verilog (`sim`); the name is the only difference, and never a bit of a result.
 *
 *   struct rs_device *device;  struct rs_model *model;  struct rs_error err;
 *   if (rs_open("emu:default", NULL, &device, &err) != RS_OK ||
 *       rs_model_load(device, "net.tflite", NULL, &model, &err) != RS_OK ||
 *       rs_run(model, (const void *[]){image}, (void *[]){scores}, 1, -1, &err) != RS_OK)
 *           fprintf(stderr, "%s\n", err.text);
 *
 * Common to all functions, unless one says otherwise:
 *   - They return RS_OK or what failed; @err (may be NULL) then says what was expected and what was found.
 *     It is written only on failure.  The library never prints, never exits.
 *   - RS_ERR_ARG also means a null pointer where none is allowed.  On an error nothing has changed and
 *     out-parameters hold NULL.
 *   - Functions on one device or on its models, buffers and requests may be called from several threads at once;
 *     only closing or freeing an object must be the last call on it.
 *   - Callbacks run on threads of the library and must not call it back.
 *   - Every wait has an end: the caller's timeout, and for the device a bound on its clock cycles.
 * Words: N batch, C channels, M filters, HxW ifmap, RxS filter, ExF ofmap, U stride; real = scale * (code - zero point).
 */
#ifndef ROWSTATION_H
#define ROWSTATION_H
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define RS_MUST_CHECK __attribute__((warn_unused_result))

/* ---- status ------------------------------------------------------------------------------- */

typedef enum rs_status {
    RS_OK = 0,
    RS_ERR_ARG,           /* a null pointer, a value that can never be right           */
    RS_ERR_SHAPE,         /* extents that do not fit each other                        */
    RS_ERR_RANGE,         /* a number outside its stated range                         */
    RS_ERR_FORMAT,        /* a file or command stream that is not what it should be    */
    RS_ERR_UNSUPPORTED,   /* well-formed, and not something we do                      */
    RS_ERR_NOMEM,
    RS_ERR_IO,            /* open, read or write failed                                */
    RS_ERR_DEVICE,        /* the device is absent, refused or failed                   */
    RS_ERR_TIMEOUT,
    RS_ERR_BUSY,
    RS_ERR_MISMATCH       /* two results, hashes or versions differ                    */
} rs_status;

/* Short English name of a status, never NULL. */
const char *rs_status_name(rs_status status);

/* What went wrong, for people; written only when a call fails.  The caller owns it. */
struct rs_error {
    rs_status status;
    char      text[508];
};

/* "0.1.0": of the library that is running. */
const char *rs_version(void);

/* ---- devices ------------------------------------------------------------------------------ */

struct rs_device;

/* Where a running job stands.  Texts are valid during the callback only. */
struct rs_progress {
    const char *layer;            /* the layer being computed, or ""                          */
    uint32_t    layers_done, layers;
    uint64_t    cycles;           /* of this job so far                                       */
    uint64_t    cycles_expected;  /* the planner's prediction; 0: none                        */
    double      seconds;          /* of host time, this job so far                            */
    double      cycles_per_second;
};

/* All fields zero is a good default. */
struct rs_open_options {
    /* A sentence about something that is not an error (an alias used, a fallback taken).
     * Called from rs_open() or from a thread of the library. */
    void (*message)(void *context, const char *text);
    /* From a thread of the library, some times a second while a job runs on `emu` or `sim`. */
    void (*progress)(void *context, const struct rs_progress *progress);
    void *context;
    /* A device that cannot be opened, or a run that fails on it, ends on the CPU; the message callback and
     * the report's `fallback` say so.  Without it, that is an error. */
    bool cpu_fallback;
};

/**
 * rs_open() - open a device by its name.
 *
 * @uri: KIND[:PRESET][?OPTION=VALUE[&...]], or NULL: environment ROWSTATION_TARGET; if that is not set,
 *       XCL_EMULATION_MODE=sw_emu means `emu` and hw_emu means `sim` (a message says so); else `cpu`.
 *   cpu                 no device: every operation runs on the CPU kernels.  Its options are threads=N (1 to 256, default 1):
 *                       so many threads work on a large layer together, for the latency of one item; items of a request, and
 *                       requests, run beside each other anyway, one to a processor; and rounding=onnx: ONNX models are
 *                       computed with ONNX Runtime's rounding, where the array (and `cpu` without it) rounds twice
 *   emu[:PRESET]        the accelerator's C, clock by clock     (preset: default, small, tiny, or your own)
 *   sim[:PRESET]        the Verilated accelerator in its SystemC platform
 *   xrt[:CARD]          a card through Xilinx XRT, or XRT's own emulation; CARD is an index or a BDF
 *   options of emu and sim: latency=CYCLES bytes=PER_CYCLE shared=0|1 outstanding=BURSTS hostile=SEED
 *   (the memory), cores=1|2, mem=SIZE[K|M|G] and base=ADDRESS (its size and first address), clock=MHZ (what
 *   seconds are computed with), timeout=CYCLES (a job that takes longer is a hang; 0: from the plan),
 *   fault_read=ADDRESS fault_write=ADDRESS (that access is answered with an error), trace=0|1 (emu: rs_trace_write())
 *   pace=PERCENT  a device's answer is not given before PERCENT % of its modelled time, its clocks at clock=, have passed since
 *   the job was handed over and the modelled core free of the one before: 100 is the modelled device, 25 one four times as fast, 0 (the default) holds nothing back.  An emulation that
 *   itself takes longer is not made faster by it: for that,
 *   replay=N      the answers to N inputs a model are kept, outputs and counters; an input that was seen before is answered from
 *   there and not clocked again, without a difference in any byte or count.  Only for models whose array part is one job; without
 *   effect on others and while a waveform is wanted.
 * options of xrt: xclbin=FILE (else environment ROWSTATION_XCLBIN), kernel=NAME, cores=1|2 or cu=NAME[,NAME] (its compute
 * units), shared_cu=1 (other processes may use the unit too; no registers are read then), selftest=0|1 (rs_self_test()
 * first; default: on a card), clock=, timeout= as above, wait=SECONDS (any answer of XRT), stall=SECONDS (a running unit
 * whose cycle counter stands still)
 * `emu` and `sim` are shared objects librs_KIND_PRESET.so, looked for in RS_PLATFORM_PATH (folders with `:`
 * between them; if set, only there), beside the program and the library, in build/, and in PREFIX/lib/rowstation.
 * @options: copied; may be NULL
 * @device: closed by rs_close()
 * Errors: RS_ERR_ARG, RS_ERR_RANGE (the name or an option); RS_ERR_DEVICE (absent; the message says where it was
 * looked for and how to build it); RS_ERR_MISMATCH (not our core, or another version or configuration).
 */
RS_MUST_CHECK rs_status rs_open(const char *uri, const struct rs_open_options *options,
                                struct rs_device **device, struct rs_error *err);

/* Ends running requests (with RS_ERR_DEVICE) and closes the device.  Models, buffers and requests that are left can
 * only be freed.  NULL is fine. */
void rs_close(struct rs_device *device);

struct rs_device_info {
    char     target[32];          /* "cpu", "emu:default": what runs                          */
    char     preset[32];          /* "" for cpu                                               */
    bool     fallback;            /* asked for something else, and got the CPU                */
    char     fallback_reason[256];
    uint32_t rows, cols, lanes;   /* of the array; 0 for cpu                                  */
    uint32_t macs_per_cycle;      /* rows * cols * lanes                                      */
    uint32_t axi_bytes;           /* of a memory beat                                         */
    uint32_t config_hash, isa_version;
    uint32_t cores;
    uint32_t clock_mhz;           /* assumed, for seconds; not a measurement                  */
    uint64_t mem_bytes, mem_base;
    char     object[256];         /* the shared object behind emu or sim                      */
};
RS_MUST_CHECK rs_status rs_device_info(struct rs_device *device, struct rs_device_info *info, struct rs_error *err);

/**
 * rs_reset() - back to a usable device: the core is reset, its memory forgotten.
 * Models load themselves again; the content of buffers is lost (reading one before writing it is RS_ERR_DEVICE).
 * Also done by the library, before the next job, after a job that hung or failed.
 * Errors: RS_ERR_BUSY while a request is unfinished.
 */
RS_MUST_CHECK rs_status rs_reset(struct rs_device *device, struct rs_error *err);

/* Watts that the card draws now, as it says itself.  RS_ERR_UNSUPPORTED: it does not. */
RS_MUST_CHECK rs_status rs_power(struct rs_device *device, double *watts, struct rs_error *err);

/**
 * rs_self_test() - known answers: a convolution and a matrix product on the device, against the reference kernels.
 * Errors: RS_ERR_MISMATCH (the first difference), and whatever a run may return.
 */
RS_MUST_CHECK rs_status rs_self_test(struct rs_device *device, struct rs_error *err);

/**
 * rs_wave() - waveform (FST) of what runs from now on, into @file; NULL ends it.
 * @layer: NULL: everything; else only while this layer (its name or number in the report) is the oldest unfinished one
 * Errors: RS_ERR_UNSUPPORTED (only `sim` has waveforms); RS_ERR_IO, when it is ended: the layer's was never written.
 */
RS_MUST_CHECK rs_status rs_wave(struct rs_device *device, const char *file, const char *layer, struct rs_error *err);

/* ---- buffers in device memory ------------------------------------------------------------- */

struct rs_buffer;

/* @bytes >= 1, uninitialised, at a multiple of 4096.  RS_ERR_NOMEM: the device memory is full.  On `cpu` a
 * buffer is host memory. */
RS_MUST_CHECK rs_status rs_buffer_alloc(struct rs_device *device, size_t bytes, struct rs_buffer **buffer,
                                        struct rs_error *err);
/* RS_ERR_RANGE: past the end. */
RS_MUST_CHECK rs_status rs_buffer_write(struct rs_buffer *buffer, size_t offset, const void *from, size_t bytes,
                                        struct rs_error *err);
RS_MUST_CHECK rs_status rs_buffer_read(struct rs_buffer *buffer, size_t offset, void *to, size_t bytes,
                                       struct rs_error *err);
uint64_t rs_buffer_address(const struct rs_buffer *buffer);      /* as the device sees it */
void rs_buffer_free(struct rs_buffer *buffer);                   /* NULL is fine          */

/* ---- models ------------------------------------------------------------------------------- */

struct rs_model;

/* Called with each tensor that a node made and that reached the host; return non-RS_OK to end the request with it.
 * @node: index of the operation in the model as optimized; @data: [N][H][W][C], dense, of one batch item. */
typedef rs_status (*rs_tensor_hook)(void *context, uint32_t item, int node, const char *name,
                                    const void *data, size_t bytes);

/* All fields zero is a good default. */
struct rs_load_options {
    bool reference;               /* CPU operations by the reference kernels (slow)           */
    bool keep_all;                /* every layer's output comes back to the host (for @hook)  */
    bool cpu_only;                /* plan nothing for the array                               */
    const char *mapping;          /* file of mappings by hand (docs/mapping.md), or NULL; read before return */
    rs_tensor_hook hook;          /* from a thread of the library                             */
    void *hook_context;
    uint32_t batch_plans;         /* plans for whole batches that are kept at a time, see rs_submit(); 0: none */
};

/**
 * rs_model_load() - read a model, plan it for @device.
 * @path: a .tflite or .onnx file, or one that rs_model_save() wrote
 * Errors: RS_ERR_IO; RS_ERR_FORMAT, RS_ERR_UNSUPPORTED, RS_ERR_SHAPE (what the file asks for); RS_ERR_MISMATCH (compiled
 * for another configuration); RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_model_load(struct rs_device *device, const char *path,
                                      const struct rs_load_options *options,
                                      struct rs_model **model, struct rs_error *err);
/* The same from memory; @bytes are borrowed until return. */
RS_MUST_CHECK rs_status rs_model_load_memory(struct rs_device *device, const void *bytes, size_t size,
                                             const struct rs_load_options *options,
                                             struct rs_model **model, struct rs_error *err);
/**
 * rs_model_save() - keep a loaded model, its plan and its packed filters in a file for rs_model_load().
 * Errors: RS_ERR_IO; RS_ERR_UNSUPPORTED (a model without a file behind it, or with keep_all).
 */
RS_MUST_CHECK rs_status rs_model_save(const struct rs_model *model, const char *path, struct rs_error *err);
/* Frees the model and its device memory; its requests must be freed before.  NULL is fine. */
void rs_model_free(struct rs_model *model);

/* How many times the model has been planned: once by loading it, and once for each new size of a batch (rs_submit()).  0 on `cpu`. */
uint32_t rs_model_plans_made(const struct rs_model *model);

/* One input or output of a model. */
struct rs_tensor_info {
    const char *name;             /* valid as long as the model                               */
    const char *type;             /* "int8", "uint8", "int32", "float32"                      */
    int         rank;
    int32_t     dim[5];           /* dim[0] is N of one batch item, usually 1                 */
    size_t      elements, bytes;  /* of one batch item                                        */
    float       scale;            /* 0: not quantized                                         */
    int32_t     zero_point;
};
int rs_model_inputs(const struct rs_model *model);
int rs_model_outputs(const struct rs_model *model);
RS_MUST_CHECK rs_status rs_model_input(const struct rs_model *model, int index, struct rs_tensor_info *info,
                                       struct rs_error *err);
RS_MUST_CHECK rs_status rs_model_output(const struct rs_model *model, int index, struct rs_tensor_info *info,
                                        struct rs_error *err);

/* ---- float models ------------------------------------------------------------------------- */

enum rs_quantize_method { RS_QUANTIZE_MINMAX = 0, RS_QUANTIZE_PERCENTILE, RS_QUANTIZE_MSE };

/* All fields zero is a good default.  docs/quantization.md says what they do. */
struct rs_quantize_options {
    enum rs_quantize_method method;
    double   percentile;          /* of PERCENTILE, (50, 100]; 0: 99.99                       */
    bool     no_equalization, no_bias_correction;
    uint32_t keep16;              /* so many layers, the most sensitive, with 16-bit activations */
    /* Each operation of the quantized model, in order: SQNR of its output on the samples in dB (INFINITY: equal). */
    void (*layer)(void *context, const char *name, const char *op, double sqnr_db);
    void *context;
};

/**
 * rs_quantize_model() - an int8 model of a float one.
 *
 * @path:    a float .tflite or .onnx: every input and output is float32
 * @samples: samples[i] holds @n items of the model's input i (elements as rs_model_input() of the model says), dense;
 *           from the training data, some hundreds; borrowed until return
 * @out:     what is written: ONNX (QDQ, docs/quantization.md) if it ends in .onnx, else TFLite
 * Errors: RS_ERR_IO; those of rs_model_load(); RS_ERR_UNSUPPORTED (not a float model, or an operation that files of this kind have not);
 * RS_ERR_RANGE (a NaN or infinity on the way).
 */
RS_MUST_CHECK rs_status rs_quantize_model(const char *path, const float *const *samples, uint32_t n,
                                          const struct rs_quantize_options *options, const char *out, struct rs_error *err);

/* ---- one layer without a model ------------------------------------------------------------ */

/* How accumulators become codes: clamp(zp_out + round(acc * mult * 2^(shift - 31)), act_min, act_max), gemmlowp's
 * double rounding. */
struct rs_requant {
    int32_t zp_in, zp_out;        /* [-128, 127]                                              */
    int32_t act_min, act_max;     /* [-128, 127], act_min <= act_max                          */
    int32_t count;                /* 1, or one entry an output channel                        */
    const int32_t *mult;          /* [count], 0 or [2^30, 2^31), Q31                          */
    const int32_t *shift;         /* [count], [-31, 30], positive shifts left                 */
};

/* 2-D convolution.  groups: 1, or C (depthwise; M a multiple of C). */
struct rs_conv2d {
    int32_t N, H, W, C, M, R, S;  /* >= 1                                                     */
    int32_t stride_h, stride_w, dilation_h, dilation_w;                                /* >= 1 */
    int32_t pad_top, pad_bottom, pad_left, pad_right;                                  /* >= 0 */
    int32_t groups;
};

/**
 * rs_conv2d_model() - a model of one convolution: ifmap [N][H][W][C] int8 -> ofmap [N][E][F][M] int8.
 *
 *   E = floor((H + pad_top + pad_bottom - (R-1)*dilation_h - 1) / stride_h) + 1; F likewise
 *   ofmap[n][e][f][m] = requantize(bias[m] + SUM filter * (ifmap - zp_in)); padding is real 0
 *
 * @filter: [M][R][S][C] int8; depthwise [R][S][M].  @bias: [M] int32, or NULL: all zero.  Copied.
 * Errors: RS_ERR_ARG, RS_ERR_SHAPE, RS_ERR_RANGE, RS_ERR_UNSUPPORTED (other groups), RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_conv2d_model(struct rs_device *device, const struct rs_conv2d *shape,
                                        const int8_t *filter, const int32_t *bias, const struct rs_requant *requant,
                                        const struct rs_load_options *options,
                                        struct rs_model **model, struct rs_error *err);

/**
 * rs_gemm_model() - a model of one matrix product: a [M][K] int8 -> c [M][N] int8, with B inside.
 *
 *   c[i][j] = requantize(bias[j] + SUM k of b[j][k] * (a[i][k] - zp_in)), requant entry j
 *
 * @b: [N][K] int8, that is B transposed; @transposed false: [K][N].  @bias: [N], or NULL.  Copied.
 * Errors as rs_conv2d_model().
 */
RS_MUST_CHECK rs_status rs_gemm_model(struct rs_device *device, int32_t M, int32_t N, int32_t K,
                                      const int8_t *b, bool transposed, const int32_t *bias,
                                      const struct rs_requant *requant, const struct rs_load_options *options,
                                      struct rs_model **model, struct rs_error *err);

/* Load, run once, free.  @timeout_ms as rs_wait(). */
RS_MUST_CHECK rs_status rs_run_conv2d_s8(struct rs_device *device, const struct rs_conv2d *shape,
                                         const int8_t *ifmap, const int8_t *filter, const int32_t *bias,
                                         const struct rs_requant *requant, int8_t *ofmap,
                                         int64_t timeout_ms, struct rs_error *err);
RS_MUST_CHECK rs_status rs_run_gemm_s8(struct rs_device *device, int32_t M, int32_t N, int32_t K,
                                       const int8_t *a, const int8_t *b, bool transposed, const int32_t *bias,
                                       const struct rs_requant *requant, int8_t *c,
                                       int64_t timeout_ms, struct rs_error *err);

/* ---- runs --------------------------------------------------------------------------------- */

struct rs_request;

/**
 * rs_submit() - start a run; returns at once.
 *
 * @inputs:  [rs_model_inputs()]; inputs[i] holds @batch items of the model's input i, dense
 * @outputs: [rs_model_outputs()]; likewise; undefined until the request has ended with RS_OK
 * The buffers (not the two tables) are borrowed until the request has ended.  Any number of requests may be in flight, for several
 * models and devices.  On one device array jobs run in the order of submission, an item's host operations
 * while another item is on the array.
 * With `batch_plans` of rs_load_options, a batch of 2 or more is planned as a whole, so that the array loads each filter once for all
 * of its items: in the first call with that @batch, which takes as long as loading the model; the plan is kept for later calls, the
 * least recently used one makes room for a new one.  Outputs are the same, bit for bit.  Items go one by one all the same on `cpu`, with
 * keep_all, a hook or a mapping, for a model without a file behind it, and where the network or its size does not allow it.
 * @request: freed by rs_request_free()
 * Errors: RS_ERR_ARG, RS_ERR_NOMEM.  What goes wrong later is rs_wait()'s.
 */
RS_MUST_CHECK rs_status rs_submit(struct rs_model *model, const void *const *inputs, void *const *outputs,
                                  uint32_t batch, struct rs_request **request, struct rs_error *err);

/**
 * rs_wait() - wait until a request has ended.
 * @timeout_ms: >= 0, or -1: until it ends, which it does, since the device itself is bounded
 * Returns how the request ended; RS_ERR_BUSY: still running when the time was over (wait again, or free it).
 * RS_ERR_TIMEOUT means that the device hung: it took many times the clocks that its plan predicts; it is reset
 * before the next job.
 */
RS_MUST_CHECK rs_status rs_wait(struct rs_request *request, int64_t timeout_ms, struct rs_error *err);

/* Whether it has ended; never waits. */
bool rs_poll(struct rs_request *request);

/* A request that still runs is ended first, within a fraction of a second; the device is then reset before the next job. */
void rs_request_free(struct rs_request *request);

/* Submit, wait, free.  When @timeout_ms is over: RS_ERR_TIMEOUT, and the run has been ended. */
RS_MUST_CHECK rs_status rs_run(struct rs_model *model, const void *const *inputs, void *const *outputs,
                               uint32_t batch, int64_t timeout_ms, struct rs_error *err);

/* ---- what a run cost ---------------------------------------------------------------------- */

/* Counted by the hardware.  compute .. idle, nine of them, sum to cycles. */
struct rs_counters {
    uint64_t cycles;
    uint64_t compute, wait_ifmap, wait_filter, wait_psum, wait_drain, overhead, wait_load, wait_depend, idle;
    uint64_t macs, macs_gated, mac_uops, ifmap_words, filter_words, drains, glb_reads, glb_writes, wbuf_reads,
             acc_updates, outputs, axi_read, axi_write, commands, ifmap_reads, psums;
};

enum rs_where { RS_WHERE_CPU = 0, RS_WHERE_ARRAY = 1, RS_WHERE_NOWHERE = 2 /* a view: no work */ };

struct rs_layer_report {
    const char *name;             /* of its output tensor                                     */
    const char *op;               /* TFLite's name; "CONV_2D+ADD" where operations were fused */
    const char *reason;           /* why it runs there                                        */
    enum rs_where where;
    int      node;
    uint64_t macs;                /* published: padding taps counted                          */
    uint64_t cycles_predicted;
    double   utilization;         /* macs / (MACs per cycle * cycles); 0 off the array        */
    double   host_seconds;        /* measured, CPU operations                                 */
    struct rs_counters counters;  /* all zero off the array                                   */
};

struct rs_report {
    const char *target, *preset;
    bool        fallback;         /* all of it ran on the CPU because the device failed       */
    const char *fallback_reason;
    uint32_t    batch;            /* items that the sums below are over                       */
    uint32_t    clock_mhz;        /* assumed                                                  */
    uint64_t    cycles;           /* sum over array jobs, ap_start to ap_done                 */
    uint64_t    cycles_predicted;
    uint64_t    macs, macs_cpu;   /* published MACs; of these, done by the CPU                */
    uint64_t    contention;       /* clocks that its memory requests waited for the other core */
    uint32_t    axi_bytes;
    double      utilization;      /* (macs - macs_cpu) / (MACs per cycle * cycles)            */
    double      seconds;          /* host time from submission to end                         */
    double      seconds_simulated; /* host time in which the device was clocked               */
    double      seconds_host;     /* host threads: layouts, operations on the CPU             */
    double      seconds_transfer; /* array thread: inputs to the device, start, results back  */
    uint32_t    replayed;         /* jobs that were answered from memory (`replay`)           */
    struct rs_counters counters;  /* sums                                                     */
    uint32_t    n_layers;
    const struct rs_layer_report *layers;   /* sums over the batch                            */
};

/* The plan of a model, before anything has run: where each layer goes and why, its MACs and predicted cycles; all that is
 * counted or measured is zero.  *n layers; valid as long as the model. */
const struct rs_layer_report *rs_model_layers(const struct rs_model *model, uint32_t *n);

/* Of a request that has ended with RS_OK; valid until it is freed.  RS_ERR_BUSY before. */
RS_MUST_CHECK rs_status rs_request_report(struct rs_request *request, const struct rs_report **report,
                                          struct rs_error *err);

/**
 * rs_trace_write() - what the engines did in each clock, as trace events (JSON) for the Perfetto viewer, into @file ("-": stdout).
 * @model: whose layers are named; the device has run nothing else.  @device was opened with the option trace=1, on `emu`.
 * One microsecond of the trace is one clock.  Tracks: job, layers, array (groups; passes in them), load, output, pool, store.  The
 * array's slices follow each other without a gap and carry what the hardware counted in them: they sum to its counters.
 * No request may be running.  Errors: RS_ERR_UNSUPPORTED (opened without it, or another target); RS_ERR_BUSY; RS_ERR_IO; RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_trace_write(struct rs_device *device, const struct rs_model *model, const char *file, struct rs_error *err);

/* ---- numbers ------------------------------------------------------------------------------ */

/* codes[i] = clamp(zero_point + round(real[i] / scale), -128, 127), half away from zero, as TFLite.  A NaN is RS_ERR_RANGE. */
RS_MUST_CHECK rs_status rs_quantize(size_t count, const float *real, float scale, int32_t zero_point, int8_t *codes,
                                    struct rs_error *err);
/* real[i] = scale * (codes[i] - zero_point) */
RS_MUST_CHECK rs_status rs_dequantize(size_t count, const int8_t *codes, float scale, int32_t zero_point, float *real,
                                      struct rs_error *err);
/* real in [0, 2^30) as mult * 2^(shift - 31), TFLite's QuantizeMultiplier(); for a layer s_in * s_filter / s_out. */
RS_MUST_CHECK rs_status rs_requant_from_real(double real, int32_t *mult, int32_t *shift, struct rs_error *err);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
