/*
 * fuzz.h - the readers of files, each as one function of some bytes.  Any bytes: they return, and what they return is freed.
 *
 * tests/fuzz/hostile.c calls them with files that we make (make test); libfuzzer.c makes a libFuzzer program of each
 * (make test-long).
 */
#ifndef FUZZ_H
#define FUZZ_H
#include <stddef.h>
#include <stdint.h>

void fuzz_tflite(const uint8_t *bytes, size_t size);
void fuzz_onnx(const uint8_t *bytes, size_t size);
void fuzz_plan(const uint8_t *bytes, size_t size);         /* plans and compiled models       */
void fuzz_xclbin(const uint8_t *bytes, size_t size);
void fuzz_csv(const uint8_t *bytes, size_t size);          /* a network's layer table         */
#endif
