#include <stdbool.h>
#include <stdint.h>
struct m_in { bool rst; uint8_t x; uint8_t v[4]; };
struct m_out { uint8_t y; };
struct m { uint32_t a; };
void m_clock(struct m *r, const struct m_in *in, struct m_out *out)
{
    r->a = (uint32_t)in->x << (8 * 4);
    out->y = r->a;
}
