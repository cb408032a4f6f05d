#include <stdbool.h>
#include <stdint.h>
struct m_in { bool rst; uint8_t x; uint8_t v[4]; };
struct m_out { uint8_t y; };
struct m { uint8_t a; };
void m_clock(struct m *r, const struct m_in *in, struct m_out *out)
{
    r->a = (uint8_t)(in->x * 0.5f);
    out->y = r->a;
}
