/* The processing element of the style guide: one filter row, one window, one psum. */
#ifndef PE_H
#define PE_H
#include <stdbool.h>
#include <stdint.h>
#define PE_TAPS 12
struct pe_in {
    bool    rst;
    bool    w_valid;  int8_t  w;
    bool    x_valid;  int16_t x;
    bool    p_ready;
};
struct pe_out {
    bool    x_ready;
    bool    p_valid;  int32_t p;
};
struct pe {
    int8_t  filter[PE_TAPS];
    uint8_t taps, tap;
    bool    p_valid;
    int32_t psum;
};
void pe_clock(struct pe *r, const struct pe_in *in, struct pe_out *out);
#endif
