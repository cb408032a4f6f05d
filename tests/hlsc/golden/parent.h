#ifndef PARENT_H
#define PARENT_H
#include "pe.h"
#define N 3
struct parent_in { bool rst; bool w_valid[N]; int8_t w; bool x_valid; int16_t x; };
struct parent_out { bool ready; int32_t sum; int32_t p[N]; };
struct parent {
    struct pe pe[N];
    struct pe_out pe_out[N];
    int16_t x[N];
    bool valid[N];
    int32_t sum;
};
void parent_clock(struct parent *r, const struct parent_in *in, struct parent_out *out);
#endif
