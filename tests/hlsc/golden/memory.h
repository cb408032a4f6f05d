#ifndef MEMORY_H
#define MEMORY_H
#include <stdbool.h>
#include <stdint.h>
struct entry { uint8_t tag; int16_t value : 12; };
struct memory_in { uint8_t addr; uint8_t we; uint8_t lane[4]; uint8_t lanes[8]; struct entry e; };
struct memory_out { uint8_t word[4]; uint8_t row[4]; struct entry found; uint8_t sum; };
struct memory {
    uint8_t      block[64][4], q[4];   /* block RAM with byte enables */
    struct entry spad[16], e;          /* distributed RAM of structs */
    uint8_t      row[2][4], r[4];      /* registers, their rows indexed */
    uint8_t      bank[2][8], b;        /* two memories: the first index is constant */
};
void memory_clock(struct memory *r, const struct memory_in *in, struct memory_out *out);
#endif
