/* device.c - opening, describing, resetting and closing devices; buffers in their memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "runtime.h"

const char *rs_version(void)
{
    return RS_VERSION;
}

double rs_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void rs_turn_take(struct rs_turn *turn)
{
    uint64_t mine;

    pthread_mutex_lock(&turn->mutex);
    mine = turn->next++;
    while (turn->serving != mine)
        pthread_cond_wait(&turn->changed, &turn->mutex);
    pthread_mutex_unlock(&turn->mutex);
}

void rs_turn_give(struct rs_turn *turn)
{
    pthread_mutex_lock(&turn->mutex);
    turn->serving++;
    pthread_cond_broadcast(&turn->changed);
    pthread_mutex_unlock(&turn->mutex);
}

void rs_device_pace(struct rs_device *d, double pace, uint32_t replay)
{
    rs_turn_take(&d->turn);
    d->pace = pace;
    d->replay = replay;
    rs_turn_give(&d->turn);
}

void rs_device_message(const struct rs_device *d, const char *text)
{
    if (d->options.message != NULL)
        d->options.message(d->options.context, text);
}

void rs_device_hold(struct rs_device *d)
{
    pthread_mutex_lock(&d->lock);
    d->references++;
    pthread_mutex_unlock(&d->lock);
}

void rs_device_put(struct rs_device *d)
{
    bool last;

    pthread_mutex_lock(&d->lock);
    last = --d->references == 0;
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->turn.mutex);
    pthread_cond_destroy(&d->turn.changed);
    pthread_mutex_destroy(&d->hook_lock);
    free(d);
}

static rs_status gone(struct rs_device *d, struct rs_error *err)
{
    if (d->handle == NULL)
        return rs_fail(err, RS_ERR_DEVICE, "the device has been closed");
    if (d->dead)
        return rs_fail(err, RS_ERR_DEVICE, "the device is gone: its last reset failed");
    return RS_OK;
}

const struct rs_backend *rs_backend_named(const char *kind)
{
    return strcmp(kind, "xrt") == 0 ? &rs_backend_xrt : &rs_backend_platform;
}

static rs_status open_backend(struct rs_device *d, struct rs_error *err)
{
    rs_status status;

    d->backend = rs_backend_named(d->uri.kind);
    status = d->backend->open(&d->uri, &d->handle, err);
    if (status != RS_OK) {
        d->backend = NULL;
        return status;
    }
    d->config = *d->backend->config(d->handle);
    if (d->backend->refine != NULL)
        d->backend->refine(d->handle, &d->uri);
    return RS_OK;
}

rs_status rs_open(const char *uri, const struct rs_open_options *options, struct rs_device **device, struct rs_error *err)
{
    struct rs_error why;
    struct rs_device *d;
    struct rs_uri parsed;
    const char *note;
    pthread_condattr_t attributes;
    rs_status status;

    if (device == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_open: no place for the device");
    *device = NULL;
    uri = rs_uri_choose(uri, &note, err);
    if (uri == NULL)
        return RS_ERR_ARG;
    status = rs_uri_parse(uri, &parsed, err);
    if (status != RS_OK)
        return status;
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    d->uri = parsed;
    d->pace = 0.01 * parsed.pace;
    d->replay = parsed.replay;
    d->references = 1;
    d->generation = 1;
    if (options != NULL)
        d->options = *options;
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->hook_lock, NULL);
    pthread_mutex_init(&d->turn.mutex, NULL);
    pthread_cond_init(&d->turn.changed, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &attributes);
    pthread_condattr_destroy(&attributes);

    if (note == NULL && strcmp(parsed.kind, "xrt") == 0 && getenv("XCL_EMULATION_MODE") != NULL &&
        strcmp(getenv("XCL_EMULATION_MODE"), "sw_emu") == 0)
        note = "XCL_EMULATION_MODE=sw_emu: using hw_emu with emu in the device process";
    if (note != NULL)
        rs_device_message(d, note);
    if (strcmp(parsed.kind, "cpu") != 0) {
        status = open_backend(d, &why);
        if (status != RS_OK && d->options.cpu_fallback) {
            char text[320];

            d->fallback = true;
            snprintf(d->fallback_reason, sizeof d->fallback_reason, "%.255s", why.text);
            snprintf(text, sizeof text, "running on the CPU instead: %s", d->fallback_reason);
            rs_device_message(d, text);
            status = RS_OK;
        }
        if (status != RS_OK) {
            rs_device_put(d);
            return rs_fail(err, status, "%s", why.text);
        }
    }
    if (d->backend != NULL)
        snprintf(d->target, sizeof d->target, "%s:%s", parsed.kind, parsed.preset);
    else
        strcpy(d->target, "cpu");
    status = rs_workers_start(d, err);
    if (status == RS_OK && d->backend == &rs_backend_xrt &&
        (d->uri.self_test == 1 || (d->uri.self_test == 2 && getenv("XCL_EMULATION_MODE") == NULL))) {
        status = rs_self_test(d, &why);            /* a bitstream that missed its timing gives wrong answers */
        if (status != RS_OK)
            status = rs_fail(err, status, "%s: the known-answer test failed: %.400s", d->target, why.text);
    }
    if (status != RS_OK) {
        rs_close(d);
        return status;
    }
    *device = d;
    return RS_OK;
}

rs_status rs_power(struct rs_device *d, double *watts, struct rs_error *err)
{
    rs_status status;

    if (d == NULL || watts == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_power: null pointer");
    if (d->backend == NULL || d->backend->power == NULL)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "target %s has no power reading", d->target);
    rs_turn_take(&d->turn);
    status = gone(d, err);
    if (status == RS_OK)
        status = d->backend->power(d->handle, watts, err);
    rs_turn_give(&d->turn);
    return status;
}

void rs_close(struct rs_device *d)
{
    if (d == NULL)
        return;
    rs_workers_stop(d);
    rs_turn_take(&d->turn);
    if (d->backend != NULL) {
        d->backend->close(d->handle);
        d->handle = NULL;
    }
    rs_turn_give(&d->turn);
    rs_device_put(d);
}

rs_status rs_device_info(struct rs_device *d, struct rs_device_info *info, struct rs_error *err)
{
    if (d == NULL || info == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_device_info: null pointer");
    *info = (struct rs_device_info){.fallback = d->fallback, .clock_mhz = d->uri.clock_mhz, .cores = 0};
    snprintf(info->target, sizeof info->target, "%.31s", d->target);
    snprintf(info->fallback_reason, sizeof info->fallback_reason, "%s", d->fallback_reason);
    if (d->backend == NULL)
        return RS_OK;
    snprintf(info->preset, sizeof info->preset, "%.31s", d->config.preset);
    info->rows = d->config.rows;
    info->cols = d->config.cols;
    info->lanes = 2;
    info->macs_per_cycle = d->config.rows * d->config.cols * 2;
    info->axi_bytes = d->config.axi_bytes;
    info->config_hash = d->config.config_hash;
    info->isa_version = d->config.isa_version;
    info->cores = d->uri.cores;
    info->mem_bytes = d->uri.mem_bytes;
    info->mem_base = d->uri.mem_base;
    snprintf(info->object, sizeof info->object, "%.255s", d->backend->describe(d->handle));
    return RS_OK;
}

rs_status rs_reset(struct rs_device *d, struct rs_error *err)
{
    rs_status status = RS_OK;
    bool busy;

    if (d == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_reset: null pointer");
    if (d->backend == NULL)
        return RS_OK;
    rs_turn_take(&d->turn);
    pthread_mutex_lock(&d->lock);
    busy = d->unfinished != 0;
    pthread_mutex_unlock(&d->lock);
    if (busy) {
        status = rs_fail(err, RS_ERR_BUSY, "rs_reset: a request has not ended");
    } else {
        status = d->backend->reset(d->handle, err);
        pthread_mutex_lock(&d->lock);
        d->generation++;
        d->reset_wanted = false;
        d->dead = status != RS_OK;
        pthread_mutex_unlock(&d->lock);
    }
    rs_turn_give(&d->turn);
    return status;
}

rs_status rs_wave(struct rs_device *d, const char *file, const char *layer, struct rs_error *err)
{
    rs_status status = RS_OK;

    if (d == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_wave: null pointer");
    if (d->backend == NULL || strcmp(d->uri.kind, "sim") != 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "target %s has no waveforms; sim has", d->target);
    if (file != NULL && strlen(file) >= sizeof d->wave_file)
        return rs_fail(err, RS_ERR_RANGE, "waveform file name of more than %zu bytes", sizeof d->wave_file - 1);
    if (layer != NULL && strlen(layer) >= sizeof d->wave_layer)
        return rs_fail(err, RS_ERR_RANGE, "layer name of more than %zu bytes", sizeof d->wave_layer - 1);
    rs_turn_take(&d->turn);
    if (d->dead) {
        status = rs_fail(err, RS_ERR_DEVICE, "the device is gone: its last reset failed");
    } else if (file == NULL) {
        if (d->wave_on)
            status = d->backend->wave(d->handle, NULL, err);
        else if (d->wave_layer[0] != '\0' && !d->wave_seen)
            status = rs_fail(err, RS_ERR_IO, "no waveform was written to %.200s: layer '%.100s' did not run on the array, or the "
                             "file could not be made (`make sim-wave` builds the tracing simulator)", d->wave_file, d->wave_layer);
        d->wave_wanted = d->wave_on = false;
        d->wave_layer[0] = '\0';
    } else {
        strcpy(d->wave_file, file);
        strcpy(d->wave_layer, layer != NULL ? layer : "");
        d->wave_seen = false;
        if (layer == NULL)
            status = d->backend->wave(d->handle, file, err);
        d->wave_on = layer == NULL && status == RS_OK;
        d->wave_wanted = layer != NULL;
    }
    rs_turn_give(&d->turn);
    return status;
}

/* ---- buffers -------------------------------------------------------------------------------------- */

rs_status rs_buffer_alloc(struct rs_device *d, size_t bytes, struct rs_buffer **buffer, struct rs_error *err)
{
    struct rs_buffer *b;
    rs_status status = RS_OK;

    if (d == NULL || buffer == NULL || bytes == 0)
        return rs_fail(err, RS_ERR_ARG, "rs_buffer_alloc: %s", bytes == 0 ? "0 bytes" : "null pointer");
    *buffer = NULL;
    b = calloc(1, sizeof *b);
    if (b == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    b->device = d;
    b->bytes = bytes;
    if (d->backend == NULL) {
        b->host = bytes <= SIZE_MAX - 4096 ? aligned_alloc(4096, (bytes + 4095) / 4096 * 4096) : NULL;
        b->address = (uintptr_t)b->host;
        if (b->host == NULL)
            status = rs_fail(err, RS_ERR_NOMEM, "no host memory for a buffer of %zu bytes", bytes);
    } else {
        rs_turn_take(&d->turn);
        status = gone(d, err);
        if (status == RS_OK)
            status = d->backend->alloc(d->handle, bytes, &b->address, err);
        rs_turn_give(&d->turn);
    }
    if (status != RS_OK) {
        free(b);
        return status;
    }
    rs_device_hold(d);
    *buffer = b;
    return RS_OK;
}

static rs_status check_range(const struct rs_buffer *b, size_t offset, const void *data, size_t bytes, struct rs_error *err)
{
    if (b == NULL || data == NULL)
        return rs_fail(err, RS_ERR_ARG, "rs_buffer: null pointer");
    if (offset > b->bytes || bytes > b->bytes - offset)
        return rs_fail(err, RS_ERR_RANGE, "bytes %zu to %zu of a buffer of %zu bytes", offset, offset + bytes, b->bytes);
    return RS_OK;
}

rs_status rs_buffer_write(struct rs_buffer *b, size_t offset, const void *from, size_t bytes, struct rs_error *err)
{
    rs_status status = check_range(b, offset, from, bytes, err);

    if (status != RS_OK)
        return status;
    if (b->host != NULL) {
        memcpy(b->host + offset, from, bytes);
        return RS_OK;
    }
    rs_turn_take(&b->device->turn);
    status = gone(b->device, err);
    if (status == RS_OK)
        status = b->device->backend->write(b->device->handle, b->address + offset, from, bytes, err);
    if (status == RS_OK) {
        pthread_mutex_lock(&b->device->lock);
        b->generation = b->device->generation;
        pthread_mutex_unlock(&b->device->lock);
        b->written = true;
    }
    rs_turn_give(&b->device->turn);
    return status;
}

rs_status rs_buffer_read(struct rs_buffer *b, size_t offset, void *to, size_t bytes, struct rs_error *err)
{
    rs_status status = check_range(b, offset, to, bytes, err);

    if (status != RS_OK)
        return status;
    if (b->host != NULL) {
        memcpy(to, b->host + offset, bytes);
        return RS_OK;
    }
    rs_turn_take(&b->device->turn);
    status = gone(b->device, err);
    if (status == RS_OK) {
        bool lost;

        pthread_mutex_lock(&b->device->lock);
        lost = b->written && b->generation != b->device->generation;
        pthread_mutex_unlock(&b->device->lock);
        status = lost ? rs_fail(err, RS_ERR_DEVICE, "the buffer's content was lost when the device was reset; write it again")
                      : b->device->backend->read(b->device->handle, b->address + offset, to, bytes, err);
    }
    rs_turn_give(&b->device->turn);
    return status;
}

uint64_t rs_buffer_address(const struct rs_buffer *b)
{
    return b != NULL ? b->address : 0;
}

void rs_buffer_free(struct rs_buffer *b)
{
    if (b == NULL)
        return;
    if (b->host != NULL) {
        free(b->host);
    } else {
        rs_turn_take(&b->device->turn);
        if (b->device->handle != NULL)
            b->device->backend->release(b->device->handle, b->address);
        rs_turn_give(&b->device->turn);
    }
    rs_device_put(b->device);
    free(b);
}
