/*
 * pe.c - processing element: a filter spad, a sliding window, one two-lane multiplier.
 *
 * One call is one rising clock edge, II = 1.  The PE has no state machine: the operation that
 * arrives from the north says which words to keep, which two to multiply, and when a psum ends.
 *
 *   edge 0  hop: operation and words are registered (and passed on south and east)
 *   edge 1  window and filter spad are read
 *   edge 2  operands are packed and registered in the multiplier
 *   edge 3  product
 *   edge 4  product split into the two lane accumulators; the last tap fills `hold`
 *   edge 5  psum link: psum from the north, plus `hold` if inject is set
 *
 * `inject` comes 4 clocks after its multiply-accumulate, `count` 1 clock after.
 * Lanes, with one multiplier: a = high * 2^18 + low; the low 18 bits of the product are the low lane, the rest is the
 * high lane less the borrow that bit 17 shows.  Split at every product, so the lanes never meet.
 * A wide product (int16 activation, int16 weight) is split in the same way after 16 bits: its value is
 * high * 2^16 + low, and that of a psum lane 1 * 2^16 + lane 0.
 * No reset: registers are written before they are used, and what leaves the array is only looked
 * at when the accumulators expect it.
 */
#include "pe.h"

/* a + b + carry in one chain: the carry comes out of a bit below. */
static inline int32_t add_carry(int32_t a, int32_t b, uint32_t carry)
{
    return (int32_t)(((uint32_t)a << 1 | 1u) + ((uint32_t)b << 1 | carry)) >> 1;
}

void pe_clock(struct pe *r, const struct pe_in *in, struct pe_out *out)
{
    /* A hop is a few words: simulators move one, not its fields. */
#pragma HLS PIPELINE II=1
#pragma HLS AGGREGATE variable=in compact=bit
#pragma HLS AGGREGATE variable=out compact=bit
#pragma HLS AGGREGATE variable=r compact=bit
    /* Read at random, 16 and 32 deep: distributed RAM. */
#pragma HLS BIND_STORAGE variable=r->window_even type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->window_odd type=ram_2p impl=lutram
#pragma HLS BIND_STORAGE variable=r->filter type=ram_2p impl=lutram
    struct mul2_in mul;

#ifdef RS_COLLISION_GARBAGE
    r->w.lane0 = r->hit ? ~r->w.lane0 : r->w.lane0;
    r->w.lane1 = r->hit ? ~r->w.lane1 : r->w.lane1;
#endif
    /* Operands: two filters share an activation, or two activations share a weight. */
    const int32_t x0 = r->c2.odd ? r->x_odd : r->x_even;
    const int32_t x1 = r->c2.odd ? r->x_even : r->x_odd;
    const bool zero0 = x0 == 0;
    const bool zero1 = x1 == 0;
    const bool wide2 = RS_WIDE && r->c2.wide, wide4 = RS_WIDE && r->c4.wide;
    const bool both = r->c2.depthwise || wide2;

    mul.enable = r->c2.valid && !(both ? zero0 && zero1 : zero0);
    if (wide2) {
        mul.a = (x1 * 256) + (x0 & 255);
        mul.b = (r->w.lane1 * 256) + (r->w.lane0 & 255);
    } else if (r->c2.depthwise) {
        mul.a = mul2_pack(x1, x0);
        mul.b = r->w.lane0;
    } else {
        mul.a = mul2_pack(r->w.lane1, r->w.lane0);
        mul.b = x0;
    }

    /* Edge 5. */
    r->psum0 = in->psum0_n + (r->row.inject ? r->hold0 : 0);
    r->psum1 = in->psum1_n + (r->row.inject ? r->hold1 : 0);

    /* Edge 4. */
    if (r->c4.valid) {
        const int64_t product = r->mul_out.product;
        const int32_t low = wide4 ? (int16_t)product : (int32_t)((uint32_t)product << 14) >> 14;
        const int32_t high = (int32_t)(wide4 ? product >> 16 : product >> 18);
        const uint32_t carry = wide4 ? (uint32_t)(product >> 15) & 1u : mul2_borrow(product);
        const int32_t sum0 = r->acc0 + low;
        const int32_t sum1 = RS_MULTIPLIERS == 1 ? add_carry(r->acc1, high, carry) : r->acc1 + high;

        r->acc0 = sum0;
        r->acc1 = sum1;
        if (r->c4.last) {
            r->hold0 = sum0;
            r->hold1 = sum1;
        }
    }
    if (r->c3.valid && r->c3.first) {                        /* its product meets an empty accumulator */
        r->acc0 = 0;
        r->acc1 = 0;
    }

    /* Edges 3 and 2. */
    r->c4 = r->c3;
    r->c3 = r->c2;
    r->gated = in->gated_n;
    if (r->c2.valid && r->row.count)
        r->gated = in->gated_n + (wide2 ? (zero0 && zero1 ? 1u : 0u)
                                             : (zero0 ? 1u : 0u) + ((r->c2.depthwise ? zero1 : zero0) ? 1u : 0u));
    mul2_clock(&r->mul, &mul, &r->mul_out);

#ifdef RS_COLLISION_GARBAGE
    r->hit = r->load.filter_we && r->load.filter_addr == r->mac.filter_addr;
#endif
    /* Edge 1. */
    r->x_even = r->window_even[r->mac.even_addr];
    r->x_odd = r->window_odd[r->mac.odd_addr];
    r->w = r->filter[r->mac.filter_addr];
    r->c2 = r->mac;
    if (r->load.ifmap_we) {
        r->window_even[r->load.ifmap_addr] = (int16_t)r->row.even;
        r->window_odd[r->load.ifmap_addr] = (int16_t)r->row.odd;
    }
    if (r->load.filter_we) {
        r->filter[r->load.filter_addr].lane0 = r->row.filter0;
        r->filter[r->load.filter_addr].lane1 = r->row.filter1;
    }

    /* Edge 0. */
    r->load = in->load_n;
    r->mac = in->mac_n;
    r->row = in->west;

    out->load_s = r->load;
    out->mac_s = r->mac;
    out->psum0_s = r->psum0;
    out->psum1_s = r->psum1;
    out->gated_s = r->gated;
    out->east = r->row;
}
