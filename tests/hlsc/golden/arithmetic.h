#ifndef ARITHMETIC_H
#define ARITHMETIC_H
#include <stdbool.h>
#include <stdint.h>
enum op { OP_ADD, OP_MUL, OP_SHIFT, OP_CLAMP = 8 };
struct arithmetic_in { bool rst; uint8_t op; int8_t a, b; uint8_t u; int32_t wide; };
struct arithmetic_out { int32_t y; uint8_t rom; bool less; };
struct arithmetic { int32_t y; int32_t small : 5; uint8_t rom; bool less; };

void arithmetic_clock(struct arithmetic *r, const struct arithmetic_in *in, struct arithmetic_out *out);
#endif
