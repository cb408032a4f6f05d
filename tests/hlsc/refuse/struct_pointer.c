#include <stdbool.h>
#include <stdint.h>
struct m_in { bool rst; uint8_t x; };
struct m_out { uint8_t y; };
struct m { uint8_t *a; };
void m_clock(struct m *r, const struct m_in *in, struct m_out *out)
{
    out->y = in->x;
    (void)r;
}
