/* times.h - products too small for a multiplier of the target's. */
#ifndef RS_TIMES_H
#define RS_TIMES_H
#include <stdint.h>

/* a * b from additions; b in [0, 31]. */
static inline uint32_t times(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t i = 0; i < 5; i++)
        product += (b >> i & 1u) != 0 ? a << i : 0;
    return product;
}

#endif
