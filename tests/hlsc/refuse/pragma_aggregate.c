#include <stdbool.h>
#include <stdint.h>
struct pair { uint8_t low, high; };
struct m_in { bool rst; uint8_t x; };
struct m_out { uint8_t y; };
struct m { struct pair a; };
void m_clock(struct m *r, const struct m_in *in, struct m_out *out)
{
#pragma HLS AGGREGATE variable=r->a compact=bit
    r->a.low = in->x;
    out->y = r->a.low;
}
