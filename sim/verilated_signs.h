/*
 * verilated_signs.h - Verilator's signed helpers for narrow values, with the shifts that processors have.
 *
 * Included before what Verilator made.  Its own helpers extend a sign by masking, negating and merging (four instructions), and compare
 * through 64 bits; a pair of shifts does the same.  Every operand is clean, as Verilator keeps them: no bits beyond its width.
 */
#ifndef RS_SIM_VERILATED_SIGNS_H
#define RS_SIM_VERILATED_SIGNS_H
#include "verilated.h"

/* The low @bits bits of x (1 to 32, 1 to 64) as a signed number. */
static inline int32_t rs_signed(int bits, IData x)
{
    return static_cast<int32_t>(x << (32 - bits)) >> (32 - bits);
}

static inline int64_t rs_signed_long(int bits, QData x)
{
    return static_cast<int64_t>(x << (64 - bits)) >> (64 - bits);
}

#define VL_EXTENDS_II(to, bits, x)           static_cast<IData>(rs_signed(bits, x))
#define VL_EXTENDS_QI(to, bits, x)           static_cast<QData>(rs_signed_long(bits, x))
#define VL_EXTENDS_QQ(to, bits, x)           static_cast<QData>(rs_signed_long(bits, x))
#define VL_MULS_III(bits, x, y)              (static_cast<IData>(rs_signed(bits, x)) * static_cast<IData>(rs_signed(bits, y)))
#define VL_MULS_QQQ(bits, x, y)              (static_cast<QData>(rs_signed_long(bits, x)) * static_cast<QData>(rs_signed_long(bits, y)))
#define VL_SHIFTRS_III(to, bits, by, x, n)   static_cast<IData>(rs_signed(bits, x) >> (n))
#define VL_SHIFTRS_QQI(to, bits, by, x, n)   static_cast<QData>(rs_signed_long(bits, x) >> (n))
#define VL_GTS_III(bits, x, y)               static_cast<IData>(rs_signed(bits, x) > rs_signed(bits, y))
#define VL_GTES_III(bits, x, y)              static_cast<IData>(rs_signed(bits, x) >= rs_signed(bits, y))
#define VL_LTS_III(bits, x, y)               static_cast<IData>(rs_signed(bits, x) < rs_signed(bits, y))
#define VL_LTES_III(bits, x, y)              static_cast<IData>(rs_signed(bits, x) <= rs_signed(bits, y))
#define VL_GTS_IQQ(bits, x, y)               static_cast<IData>(rs_signed_long(bits, x) > rs_signed_long(bits, y))
#define VL_LTS_IQQ(bits, x, y)               static_cast<IData>(rs_signed_long(bits, x) < rs_signed_long(bits, y))

#endif
