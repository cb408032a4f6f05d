#include <stdbool.h>
#include <stdint.h>
struct m_in { bool rst; uint8_t x; uint8_t v[4]; };
struct m_out { uint8_t y; };
struct m { uint8_t a; };
void m_clock(struct m *r, const struct m_in *in, struct m_out *out)
{
#pragma HLS ARRAY_PARTITION variable=r->b complete
    r->a = in->x;
    out->y = r->a;
}
