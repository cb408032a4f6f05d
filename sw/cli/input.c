/* input.c - readers of input files.  Every size is checked against the file; nothing in a file can crash them. */
#include "input.h"
#include "file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef RS_HAVE_PNG
#include <png.h>
#endif
#ifdef RS_HAVE_ZLIB
#include <zlib.h>
#endif

#define MAX_FILE_BYTES ((size_t)1 << 30)

static bool ends_with(const char *text, const char *end)
{
    const size_t a = strlen(text), b = strlen(end);

    return a >= b && strcmp(text + a - b, end) == 0;
}

/* The file's name without its folder and its last ending. */
static char *stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');

    return strndup(name, dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name));
}

/* Takes @name and @codes. */
static rs_status append(struct inputs *in, char *name, int8_t *codes, struct rs_error *err)
{
    struct input *grown = realloc(in->item, (size_t)(in->n + 1) * sizeof *grown);

    if (grown == NULL || name == NULL || codes == NULL) {
        if (grown != NULL)
            in->item = grown;
        free(name);
        free(codes);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    in->item = grown;
    in->item[in->n++] = (struct input){name, codes};
    return RS_OK;
}

void inputs_free(struct inputs *in)
{
    for (int i = 0; i < in->n; i++) {
        free(in->item[i].name);
        free(in->item[i].codes);
    }
    free(in->item);
    *in = (struct inputs){0};
}

static const char *dims_text(const struct rs_tensor_info *info, char text[64])
{
    int n = 0;

    text[0] = '\0';
    for (int i = 0; i < info->rank && n < 60; i++)
        n += snprintf(text + n, 64 - (size_t)n, "%s%d", i != 0 ? "x" : "", info->dim[i]);
    return text;
}

static bool is_float(const struct rs_tensor_info *info)
{
    return strcmp(info->type, "float32") == 0;
}

/* Element @i of the input is @real: as it is, or quantized. */
static rs_status put_real(const struct rs_tensor_info *info, int8_t *codes, size_t i, float real, struct rs_error *err)
{
    if (!is_float(info))
        return rs_quantize(1, &real, info->scale, info->zero_point, &codes[i], err);
    memcpy(codes + i * sizeof real, &real, sizeof real);
    return RS_OK;
}

/* Bytes 0..255 as reals byte / 255. */
static rs_status quantize_bytes(const uint8_t *bytes, const struct rs_tensor_info *info, int8_t *codes,
                                struct rs_error *err)
{
    for (size_t i = 0; i < info->elements; i++) {
        const rs_status status = put_real(info, codes, i, (float)bytes[i] / 255.0f, err);

        if (status != RS_OK)
            return status;
    }
    return RS_OK;
}

/* ---- .npy ----------------------------------------------------------------------------------------- */

/* The value of 'key' in the header's Python dictionary; NULL if it is not there. */
static const char *npy_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);

    if (at == NULL)
        return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    if (*at != ':')
        return NULL;
    return at + 1 + strspn(at + 1, " ");
}

static rs_status read_npy(const char *path, const struct rs_tensor_info *info, int8_t *codes, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size, start, length, elements = 1, wide;
    const char *descr, *order, *shape;
    char *header = NULL, dims[64];
    rs_status status = rs_file_read(path, MAX_FILE_BYTES, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0) {
        status = rs_fail(err, RS_ERR_FORMAT, "%s: not a NumPy file", path);
        goto done;
    }
    start = bytes[6] == 1 ? 10 : 12;
    length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] != 1)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > size - start) {
        status = rs_fail(err, RS_ERR_FORMAT, "%s: header of %zu bytes in a file of %zu", path, length, size);
        goto done;
    }
    header = strndup((const char *)bytes + start, length);
    if (header == NULL) {
        status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
        goto done;
    }
    descr = npy_value(header, "'descr'");
    order = npy_value(header, "'fortran_order'");
    shape = npy_value(header, "'shape'");
    if (descr == NULL || order == NULL || shape == NULL || *shape != '(') {
        status = rs_fail(err, RS_ERR_FORMAT, "%s: descr, fortran_order and shape are expected in its header", path);
        goto done;
    }
    if (strncmp(order, "False", 5) != 0) {
        status = rs_fail(err, RS_ERR_UNSUPPORTED, "%s: Fortran order; save it in C order (numpy.ascontiguousarray)", path);
        goto done;
    }
    wide = strncmp(descr, "'|i1'", 5) == 0 || strncmp(descr, "'<i1'", 5) == 0 ? 1
         : strncmp(descr, "'<f4'", 5) == 0 ? 4 : 0;
    if (wide == 0 || (wide == 1 && is_float(info))) {
        status = rs_fail(err, RS_ERR_UNSUPPORTED, "%s: element type %.10s; %sfloat32 ('<f4') is expected", path, descr,
                         is_float(info) ? "" : "int8 ('|i1') or ");
        goto done;
    }
    for (shape++; *shape != ')';) {
        char *end;
        const unsigned long extent = strtoul(shape, &end, 10);

        if (end == shape || extent > MAX_FILE_BYTES || elements > MAX_FILE_BYTES) {
            status = rs_fail(err, RS_ERR_FORMAT, "%s: malformed shape", path);
            goto done;
        }
        elements *= extent;
        shape = end + strspn(end, " ,");
    }
    if (elements != info->elements || size - start - length < elements * wide) {
        status = rs_fail(err, RS_ERR_SHAPE, "%s: %zu elements (%zu bytes of data), the model's input %s has %zu", path,
                         elements, size - start - length, dims_text(info, dims), info->elements);
        goto done;
    }
    if (wide == 1) {
        memcpy(codes, bytes + start + length, elements);
    } else {
        for (size_t i = 0; i < elements && status == RS_OK; i++) {
            float real;

            memcpy(&real, bytes + start + length + 4 * i, 4);
            status = put_real(info, codes, i, real, err);
        }
    }
done:
    free(header);
    free(bytes);
    return status;
}

/* ---- PNG ------------------------------------------------------------------------------------------ */

#ifdef RS_HAVE_PNG
static rs_status read_png(const char *path, const struct rs_tensor_info *info, int8_t *codes, struct rs_error *err)
{
    const int32_t channels = info->rank == 4 ? info->dim[3] : 1, h = info->rank >= 3 ? info->dim[1] : 0,
                  w = info->rank >= 3 ? info->dim[2] : 0;
    png_image image = {.version = PNG_IMAGE_VERSION};
    uint8_t *pixels;
    char dims[64];
    rs_status status;

    if ((channels != 1 && channels != 3) || h == 0)
        return rs_fail(err, RS_ERR_SHAPE, "%s: the model's input is %s, not an image of 1 or 3 channels", path,
                       dims_text(info, dims));
    if (!png_image_begin_read_from_file(&image, path))
        return rs_fail(err, RS_ERR_FORMAT, "%s: %s", path, image.message);
    if (image.width != (png_uint_32)w || image.height != (png_uint_32)h) {
        status = rs_fail(err, RS_ERR_SHAPE, "%s: %u x %u pixels, the model's input is %s", path, image.width, image.height,
                         dims_text(info, dims));
        png_image_free(&image);
        return status;
    }
    image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    pixels = malloc(PNG_IMAGE_SIZE(image));
    if (pixels == NULL) {
        png_image_free(&image);
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    if (!png_image_finish_read(&image, &(png_color){0, 0, 0}, pixels, 0, NULL))
        status = rs_fail(err, RS_ERR_FORMAT, "%s: %s", path, image.message);
    else
        status = quantize_bytes(pixels, info, codes, err);
    free(pixels);
    return status;
}
#else
static rs_status read_png(const char *path, const struct rs_tensor_info *info, int8_t *codes, struct rs_error *err)
{
    (void)info, (void)codes;
    return rs_fail(err, RS_ERR_UNSUPPORTED, "%s: built without libpng (package libpng-dev); give raw int8 or .npy", path);
}
#endif

/* ---- IDX ------------------------------------------------------------------------------------------ */

#ifdef RS_HAVE_ZLIB
static rs_status file_read_gz(const char *path, size_t max, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    gzFile file = gzopen(path, "rb");
    uint8_t *data = NULL;
    size_t n = 0;
    int got = 0;

    *bytes = NULL;
    if (file == NULL)
        return rs_fail(err, RS_ERR_IO, "%s: %s", path, strerror(errno));
    do {
        uint8_t *grown = n <= max ? realloc(data, n + 1048576 + 1) : NULL;

        if (grown == NULL) {
            gzclose(file);
            free(data);
            return rs_fail(err, n > max ? RS_ERR_FORMAT : RS_ERR_NOMEM, "%s: more than %zu bytes", path, n);
        }
        data = grown;
        got = gzread(file, data + n, 1048576);
        if (got > 0)
            n += (size_t)got;
    } while (got > 0);
    if (gzclose(file) != Z_OK || got < 0) {
        free(data);
        return rs_fail(err, RS_ERR_FORMAT, "%s: damaged gzip data", path);
    }
    data[n] = 0;
    *bytes = data;
    *size = n;
    return RS_OK;
}
#else
static rs_status file_read_gz(const char *path, size_t max, uint8_t **bytes, size_t *size, struct rs_error *err)
{
    if (!ends_with(path, ".gz"))
        return rs_file_read(path, max, bytes, size, err);
    *bytes = NULL;
    return rs_fail(err, RS_ERR_UNSUPPORTED, "%s: built without zlib (package zlib1g-dev); unpack it with gunzip", path);
}
#endif

struct idx {
    char    *path;
    uint8_t *bytes;
    const uint8_t *data;            /* of item 0                                               */
    size_t   count, item_bytes;     /* items; bytes of one                                     */
    size_t   first, last;           /* the items asked for                                     */
};

static uint32_t big_endian(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* @spec: [idx:]FILE[#A[-B]] */
static rs_status idx_open(const char *spec, struct idx *x, struct rs_error *err)
{
    const char *hash, *at = strncmp(spec, "idx:", 4) == 0 ? spec + 4 : spec;
    size_t size = 0, header;
    rs_status status;

    *x = (struct idx){0};
    hash = strrchr(at, '#');
    x->path = strndup(at, hash != NULL ? (size_t)(hash - at) : strlen(at));
    if (x->path == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    status = file_read_gz(x->path, MAX_FILE_BYTES, &x->bytes, &size, err);
    if (status != RS_OK)
        goto err_free;
    status = RS_ERR_FORMAT;
    if (size < 8 || x->bytes[0] != 0 || x->bytes[1] != 0 || x->bytes[2] != 8 || x->bytes[3] < 1 || x->bytes[3] > 4) {
        (void)rs_fail(err, status, "%s: not an IDX file of bytes", x->path);
        goto err_free;
    }
    header = 4 + 4 * (size_t)x->bytes[3];
    x->count = big_endian(x->bytes + 4);
    x->item_bytes = 1;
    for (int i = 1; i < x->bytes[3] && size >= header; i++) {
        const uint32_t extent = big_endian(x->bytes + 4 + 4 * i);

        x->item_bytes = extent <= MAX_FILE_BYTES && x->item_bytes <= MAX_FILE_BYTES ? x->item_bytes * extent : 0;
    }
    if (size < header || x->item_bytes == 0 || x->count == 0 || x->count > (size - header) / x->item_bytes) {
        (void)rs_fail(err, status, "%s: %zu items of %zu bytes do not fit a file of %zu bytes", x->path, x->count,
                      x->item_bytes, size);
        goto err_free;
    }
    x->data = x->bytes + header;
    x->last = x->count - 1;
    if (hash != NULL) {
        char *end;

        errno = 0;
        x->first = x->last = strtoull(hash + 1, &end, 10);
        if (end != hash + 1 && *end == '-') {
            const char *second = end + 1;

            x->last = strtoull(second, &end, 10);
            if (end == second)
                end = "bad";
        }
        if (errno != 0 || end == hash + 1 || *end != '\0' || hash[1] == '-' || x->first > x->last || x->last >= x->count) {
            status = rs_fail(err, RS_ERR_ARG, "%s: items '%s'; A or A-B within 0-%zu is expected", x->path, hash + 1,
                             x->count - 1);
            goto err_free;
        }
    }
    return RS_OK;

err_free:
    free(x->bytes);
    free(x->path);
    return status;
}

static rs_status add_idx(struct inputs *in, const char *spec, const struct rs_tensor_info *info, struct rs_error *err)
{
    struct idx x;
    char dims[64];
    rs_status status = idx_open(spec, &x, err);

    if (status != RS_OK)
        return status;
    if (x.item_bytes != info->elements)
        status = rs_fail(err, RS_ERR_SHAPE, "%s: items of %zu bytes, the model's input %s has %zu", x.path, x.item_bytes,
                         dims_text(info, dims), info->elements);
    for (size_t i = x.first; i <= x.last && status == RS_OK; i++) {
        int8_t *codes = malloc(info->bytes);
        char number[24];

        snprintf(number, sizeof number, "%zu", i);
        if (codes != NULL)
            status = quantize_bytes(x.data + i * x.item_bytes, info, codes, err);
        if (status == RS_OK)
            status = append(in, strdup(number), codes, err);
        else
            free(codes);
    }
    free(x.bytes);
    free(x.path);
    return status;
}

rs_status idx_labels(const char *spec, int *n, uint8_t **labels, struct rs_error *err)
{
    struct idx x;
    rs_status status = idx_open(spec, &x, err);

    *labels = NULL;
    if (status != RS_OK)
        return status;
    if (x.item_bytes != 1) {
        status = rs_fail(err, RS_ERR_SHAPE, "%s: items of %zu bytes are no labels", x.path, x.item_bytes);
    } else {
        *n = (int)(x.last - x.first + 1);
        *labels = malloc((size_t)*n);
        if (*labels != NULL)
            memcpy(*labels, x.data + x.first, (size_t)*n);
        else
            status = rs_fail(err, RS_ERR_NOMEM, "out of memory");
    }
    free(x.bytes);
    free(x.path);
    return status;
}

/* ---- all of them ---------------------------------------------------------------------------------- */

static rs_status read_raw(const char *path, const struct rs_tensor_info *info, int8_t *codes, struct rs_error *err)
{
    uint8_t *bytes;
    size_t size;
    char dims[64];
    rs_status status = rs_file_read(path, MAX_FILE_BYTES, &bytes, &size, err);

    if (status != RS_OK)
        return status;
    if (size != info->bytes)
        status = rs_fail(err, RS_ERR_SHAPE, "%s: %zu bytes, the model's input %s has %zu", path, size,
                         dims_text(info, dims), info->bytes);
    else
        memcpy(codes, bytes, size);
    free(bytes);
    return status;
}

rs_status inputs_add(struct inputs *in, const char *spec, const struct rs_tensor_info *info, struct rs_error *err)
{
    int8_t *codes;
    rs_status status;

    if (strcmp(info->type, "int8") != 0 && !is_float(info))
        return rs_fail(err, RS_ERR_UNSUPPORTED, "the model's input '%s' is %s; int8 or float32 is expected", info->name, info->type);
    if (strncmp(spec, "idx:", 4) == 0)
        return add_idx(in, spec, info, err);
    codes = malloc(info->bytes);
    if (codes == NULL)
        return rs_fail(err, RS_ERR_NOMEM, "out of memory");
    if (ends_with(spec, ".npy"))
        status = read_npy(spec, info, codes, err);
    else if (ends_with(spec, ".png") || ends_with(spec, ".PNG"))
        status = read_png(spec, info, codes, err);
    else
        status = read_raw(spec, info, codes, err);
    if (status != RS_OK) {
        free(codes);
        return status;
    }
    return append(in, stem(spec), codes, err);
}
