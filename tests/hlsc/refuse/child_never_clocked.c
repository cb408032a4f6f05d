#include <stdbool.h>
#include <stdint.h>
struct c_in { bool rst; uint8_t x; };
struct c_out { uint8_t y; };
struct c { uint8_t a; };
void c_clock(struct c *r, const struct c_in *in, struct c_out *out);
struct m_in { bool rst; uint8_t x; };
struct m_out { uint8_t y; };
struct m { struct c c[2]; struct c_out c_out[2]; uint8_t a; };
void m_clock(struct m *r, const struct m_in *in, struct m_out *out)
{
    const struct c_in ci = {in->rst, in->x};

    c_clock(&r->c[0], &ci, &r->c_out[0]);
    out->y = r->c_out[1].y;
}
