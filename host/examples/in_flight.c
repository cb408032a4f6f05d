/*
 * in_flight.c - several requests at once: host stages of one overlap the array's work on another.
 *
 *   cc in_flight.c $(pkg-config --cflags --libs rowstation) -o in_flight
 *   ROWSTATION_TARGET=emu ./in_flight model.tflite
 */
#include <rowstation.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 4, BATCH = 2 };

int main(int argc, char **argv)
{
    struct rs_device *device = NULL;
    struct rs_model *model = NULL;
    struct rs_request *request[REQUESTS] = {NULL};
    struct rs_tensor_info in, out;
    struct rs_error err = {0};
    int8_t *input = NULL, *output[REQUESTS] = {NULL}, *alone = NULL;
    int result = 1, finished = 0, different = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: in_flight MODEL.tflite\n");
        return 2;
    }
    if (rs_open(NULL, NULL, &device, &err) != RS_OK || rs_model_load(device, argv[1], NULL, &model, &err) != RS_OK ||
        rs_model_input(model, 0, &in, &err) != RS_OK || rs_model_output(model, 0, &out, &err) != RS_OK)
        goto done;
    input = malloc(REQUESTS * BATCH * in.bytes);
    alone = malloc(BATCH * out.bytes);
    if (input == NULL || alone == NULL)
        goto done;
    for (size_t i = 0; i < REQUESTS * BATCH * in.bytes; i++)
        input[i] = (int8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < REQUESTS; i++) {
        output[i] = malloc(BATCH * out.bytes);
        if (output[i] == NULL || rs_submit(model, (const void *[]){input + (size_t)i * BATCH * in.bytes}, (void *[]){output[i]}, BATCH,
                                           &request[i], &err) != RS_OK)
            goto done;
    }
    /* Free to do other things here; rs_poll() never waits. */
    for (int i = 0; i < REQUESTS; i++)
        finished += rs_poll(request[i]);
    printf("%d of %d finished at once\n", finished, REQUESTS);
    for (int i = 0; i < REQUESTS; i++)
        if (rs_wait(request[i], 600000, &err) != RS_OK)
            goto done;
    for (int i = 0; i < REQUESTS; i++) {               /* together or one by one: the same bits           */
        if (rs_run(model, (const void *[]){input + (size_t)i * BATCH * in.bytes}, (void *[]){alone}, BATCH, 600000, &err) != RS_OK)
            goto done;
        different += memcmp(alone, output[i], BATCH * out.bytes) != 0;
    }
    printf("%d requests of %d inputs, %d different from one by one\n", REQUESTS, BATCH, different);
    result = different != 0;
done:
    if (result != 0 && err.status != RS_OK)
        fprintf(stderr, "in_flight: %s\n", err.text);
    for (int i = 0; i < REQUESTS; i++) {
        rs_request_free(request[i]);
        free(output[i]);
    }
    free(input);
    free(alone);
    rs_model_free(model);
    rs_close(device);
    return result;
}
