#include "arithmetic.h"

static const uint8_t squares[8] = {0, 1, 4, 9, 16, 25, 36, 49};

static int32_t clamp(int32_t x, int32_t lo, int32_t hi)
{
    if (x < lo)
        return lo;
    if (x > hi)
        return hi;
    return x;
}

static inline int32_t twice(int32_t x) { return x + x; }

void arithmetic_clock(struct arithmetic *r, const struct arithmetic_in *in, struct arithmetic_out *out)
{
    switch (in->op) {
    case OP_ADD:
        r->y = in->a + in->u;
        break;
    case OP_MUL:
    case 3:
        r->y = in->a * in->b;
        break;
    case OP_SHIFT:
        r->y = (in->wide >> 3) + (int32_t)((uint32_t)in->wide >> (in->u & 31));
        break;
    case OP_CLAMP:
        r->y = clamp(twice(in->wide), -128, 127);
        break;
    default:
        r->y = ~in->b / 10 - in->u % 7;
        break;
    }
    r->small += in->a;
    if (in->rst)
        r->small = -3;
    r->rom = squares[in->u & 7];
    r->less = in->a < in->u;
    for (int i = 0; i < 4; i++) {
        if (((in->u >> i) & 1) == 0)
            continue;
        r->y ^= r->small << i;
    }
    out->y = r->y;
    out->rom = r->rom;
    out->less = r->less;
}
