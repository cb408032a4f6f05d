#include <stdbool.h>
#include <stdint.h>
struct m_in { bool rst; uint8_t x; uint8_t v[4]; };
struct m_out { uint8_t y; };
struct m { uint8_t mem[4][16], q; };
void m_clock(struct m *r, const struct m_in *in, struct m_out *out)
{
#pragma HLS BIND_STORAGE variable=r->mem type=ram_2p impl=lutram
#pragma HLS ARRAY_PARTITION variable=r->mem complete dim=1
    r->q = r->mem[in->v[1] & 3][in->v[2] & 15];
    r->mem[0][in->v[0] & 15] = in->x;
    out->y = r->q;
}
