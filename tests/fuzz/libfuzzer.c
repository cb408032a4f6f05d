/* libfuzzer.c - one reader as a libFuzzer program; -DREADER=fuzz_tflite names it. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    READER(bytes, size);
    return 0;
}
