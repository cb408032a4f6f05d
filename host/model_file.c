/* model_file.c - compiled models: one file with the network and its plan. */
#include "model_file.h"
#include "file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct header {                        /* little endian, as the machine                          */
    char     magic[8];
    char     version[16];              /* of the library that made it: node numbers depend on it */
    char     preset[32];
    uint32_t config_hash, zero;
    uint64_t tflite_bytes, plan_bytes;
    uint64_t checksum;                 /* FNV-1a of what follows                                 */
};

static const char magic[8] = {'R', 'S', 'M', 'O', 'D', 'E', 'L', '1'};

static uint64_t checksum(const uint8_t *bytes, size_t n)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

rs_status model_file_parse(const void *bytes, size_t size, struct model_file *file, struct rs_error *err)
{
    struct header h;

    if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0) {
        *file = (struct model_file){.tflite = bytes, .tflite_bytes = size};
        return RS_OK;
    }
    if (size < sizeof h)
        return rs_fail(err, RS_ERR_FORMAT, "compiled model cut off after %zu bytes", size);
    memcpy(&h, bytes, sizeof h);
    h.version[sizeof h.version - 1] = h.preset[sizeof h.preset - 1] = '\0';
    if (strcmp(h.version, RS_VERSION) != 0)
        return rs_fail(err, RS_ERR_MISMATCH, "compiled by version %s, this is %s; compile it again", h.version, RS_VERSION);
    size -= sizeof h;
    if (h.tflite_bytes > size || h.plan_bytes != size - h.tflite_bytes)
        return rs_fail(err, RS_ERR_FORMAT, "compiled model of %llu + %llu bytes in a file with %zu",
                       (unsigned long long)h.tflite_bytes, (unsigned long long)h.plan_bytes, size);
    if (checksum((const uint8_t *)bytes + sizeof h, size) != h.checksum)
        return rs_fail(err, RS_ERR_FORMAT, "compiled model is damaged: its checksum differs");
    *file = (struct model_file){.tflite = (const uint8_t *)bytes + sizeof h, .tflite_bytes = (size_t)h.tflite_bytes,
                                .plan = (const uint8_t *)bytes + sizeof h + h.tflite_bytes,
                                .plan_bytes = (size_t)h.plan_bytes, .config_hash = h.config_hash};
    memcpy(file->preset, h.preset, sizeof h.preset);
    return RS_OK;
}

/* A temporary file, since plans are read and written by name.  *path: unlink() and free(). */
static rs_status temporary(char **path, int *fd, struct rs_error *err)
{
    const char *folder = getenv("TMPDIR");

    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    *path = malloc(strlen(folder) + 32);
    if (*path == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    sprintf(*path, "%s/rowstation-plan-XXXXXX", folder);
    *fd = mkstemp(*path);
    if (*fd < 0) {
        const rs_status status = rs_fail(err, RS_ERR_IO, "%s: %s", *path, strerror(errno));

        free(*path);
        return status;
    }
    return RS_OK;
}

rs_status model_file_plan(const struct model_file *file, const struct rs_hw_config *config, struct rs_plan **plan,
                          struct rs_error *err)
{
    char *path;
    int fd;
    rs_status status;

    if (file->config_hash != config->config_hash)
        return rs_fail(err, RS_ERR_MISMATCH, "compiled for preset '%s' (configuration 0x%08x), the device is '%s' (0x%08x); "
                       "compile it for this device", file->preset, file->config_hash, config->preset, config->config_hash);
    status = temporary(&path, &fd, err);
    if (status != RS_OK)
        return status;
    close(fd);
    status = rs_file_write(path, file->plan, file->plan_bytes, err);
    if (status == RS_OK)
        status = rs_plan_load(path, config, plan, err);
    unlink(path);
    free(path);
    return status;
}

rs_status model_file_write(const char *path, const void *tflite, size_t tflite_bytes, const struct rs_plan *plan,
                           struct rs_error *err)
{
    struct header h = {.tflite_bytes = tflite_bytes, .config_hash = plan->config.config_hash};
    char *plan_path;
    uint8_t *plan_data = NULL;
    uint8_t *all;
    size_t plan_bytes = 0;
    int fd;
    rs_status status = temporary(&plan_path, &fd, err);

    if (status != RS_OK)
        return status;
    close(fd);
    status = rs_plan_save(plan, plan_path, err);
    if (status == RS_OK)
        status = rs_file_read(plan_path, MODEL_FILE_MAX_BYTES, &plan_data, &plan_bytes, err);
    unlink(plan_path);
    free(plan_path);
    if (status != RS_OK)
        return status;
    all = malloc(sizeof h + tflite_bytes + plan_bytes);
    if (all == NULL) {
        free(plan_data);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    memcpy(all + sizeof h, tflite, tflite_bytes);
    memcpy(all + sizeof h + tflite_bytes, plan_data, plan_bytes);
    free(plan_data);
    memcpy(h.magic, magic, sizeof magic);
    snprintf(h.version, sizeof h.version, "%s", RS_VERSION);
    snprintf(h.preset, sizeof h.preset, "%.31s", plan->config.preset);
    h.plan_bytes = plan_bytes;
    h.checksum = checksum(all + sizeof h, tflite_bytes + plan_bytes);
    memcpy(all, &h, sizeof h);
    status = rs_file_write(path, all, sizeof h + tflite_bytes + plan_bytes, err);
    free(all);
    return status;
}
