/*
 * run_model.c - the shortest program: a model, one input, the best class.
 *
 *   cc run_model.c $(pkg-config --cflags --libs rowstation) -o run_model
 *   ROWSTATION_TARGET=emu ./run_model model.tflite input.i8
 */
#include <rowstation.h>
#include <stdio.h>
#include <stdlib.h>

static void *read_input(const char *path, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    void *data = malloc(bytes);
    const size_t n = file != NULL && data != NULL ? fread(data, 1, bytes, file) : 0;

    if (file != NULL)
        fclose(file);
    if (n == bytes)
        return data;
    fprintf(stderr, "%s: %zu bytes are expected\n", path, bytes);
    free(data);
    return NULL;
}

int main(int argc, char **argv)
{
    struct rs_device *device = NULL;
    struct rs_model *model = NULL;
    struct rs_request *request = NULL;
    const struct rs_report *report;
    struct rs_tensor_info in, out;
    struct rs_error err = {0};
    void *input = NULL;
    int8_t *output = NULL;
    int result = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: run_model MODEL.tflite INPUT.i8\n");
        return 2;
    }
    if (rs_open(NULL, NULL, &device, &err) != RS_OK || rs_model_load(device, argv[1], NULL, &model, &err) != RS_OK ||
        rs_model_input(model, 0, &in, &err) != RS_OK || rs_model_output(model, 0, &out, &err) != RS_OK)
        goto done;
    input = read_input(argv[2], in.bytes);
    output = malloc(out.bytes);
    if (input == NULL || output == NULL)
        goto done;
    if (rs_submit(model, (const void *[]){input}, (void *[]){output}, 1, &request, &err) != RS_OK ||
        rs_wait(request, 600000, &err) != RS_OK || rs_request_report(request, &report, &err) != RS_OK)
        goto done;

    size_t best = 0;
    for (size_t i = 1; i < out.elements; i++)
        if (output[i] > output[best])
            best = i;
    printf("%s: class %zu, %.3f; %llu cycles, utilization %.1f %%\n", report->target, best,
           (double)out.scale * (output[best] - out.zero_point), (unsigned long long)report->cycles, 100 * report->utilization);
    result = 0;
done:
    if (result != 0 && err.status != RS_OK)
        fprintf(stderr, "run_model: %s\n", err.text);
    rs_request_free(request);
    free(input);
    free(output);
    rs_model_free(model);
    rs_close(device);
    return result;
}
