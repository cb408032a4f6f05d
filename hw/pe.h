/* pe.h - processing element: ports and registers. */
#ifndef RS_PE_H
#define RS_PE_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "cells/mul2.h"

#define PE_PSUM_BITS 26       /* 64 taps * 2^15 (255*128, or half a wide product), 16 rows: 2^25 */

#define PE_ACC_BITS  (RS_FILTER_WORDS <= 64 ? 22 : PE_PSUM_BITS)      /* one row: 64 taps, 2^21  */

/* What a column does with the words of this clock; travels south. */
struct pe_load {
    uint32_t ifmap_we    : 1;
    uint32_t ifmap_addr  : 5;
    uint32_t filter_we    : 1;
    uint32_t filter_addr  : RS_FILTER_BITS;
};

/* One multiply-accumulate; travels south. */
struct pe_mac {
    uint32_t valid       : 1;
    uint32_t first       : 1;   /* starts a psum                                            */
    uint32_t last        : 1;   /* finishes it: into the holding register                   */
    uint32_t depthwise   : 1;   /* lanes are two positions, not two filters                 */
    uint32_t wide        : 1;   /* lanes are the two halves of a 16-bit product             */
    uint32_t odd         : 1;   /* the (first) pixel is the odd one of its word             */
    uint32_t filter_addr : RS_FILTER_BITS;
    uint32_t even_addr   : 5;   /* window words of the even and of the odd pixel            */
    uint32_t odd_addr    : 5;
};

/* Words of a row; they travel east. */
struct pe_row_link {
    int32_t  even : 9;          /* ifmap word, code - zero point                            */
    int32_t  odd  : 9;
    int32_t  filter0 : 8;       /* filter word: even, odd filter (depthwise: weight, 0)     */
    int32_t  filter1 : 8;
    bool     inject;            /* add this row's result to the psum that passes            */
    bool     count;             /* this row holds a real channel: count its zeros           */
};

struct pe_in {
    struct pe_load load_n;      /* 14  from the north                                       */
    struct pe_mac  mac_n;       /* 23                                                       */
    int32_t  psum0_n : PE_PSUM_BITS;
    int32_t  psum1_n : PE_PSUM_BITS;
    uint32_t gated_n : 6;       /*  6  zero activations of the rows above, lanes counted    */
    struct pe_row_link west;    /* 36  from the west                                        */
};

struct pe_out {
    struct pe_load load_s;
    struct pe_mac  mac_s;
    int32_t  psum0_s : PE_PSUM_BITS;
    int32_t  psum1_s : PE_PSUM_BITS;
    uint32_t gated_s : 6;
    struct pe_row_link east;
};

struct pe_filter { int32_t lane0 : 8; int32_t lane1 : 8; };

struct pe {
    struct pe_load load;                        /* the hop: everything that passes through  */
    struct pe_mac  mac;
    struct pe_row_link row;

    int16_t  window_even[RS_WINDOW_WORDS];      /*  9 bits used                             */
    int16_t  window_odd[RS_WINDOW_WORDS];
    struct pe_filter filter[2 * RS_FILTER_WORDS];

    int32_t  x_even : 9;                        /* spad reads                               */
    int32_t  x_odd  : 9;
    struct pe_filter w;
#ifdef RS_COLLISION_GARBAGE
    bool     hit;                               /* `w` was written when it was read         */
#endif
    struct pe_mac c2, c3, c4;                   /* control beside spad, operands, product   */
    uint32_t gated : 6;

    struct mul2 mul;
    struct mul2_out mul_out;

    int32_t  acc0 : PE_ACC_BITS;
    int32_t  acc1 : PE_ACC_BITS;
    int32_t  hold0 : PE_ACC_BITS;
    int32_t  hold1 : PE_ACC_BITS;
    int32_t  psum0 : PE_PSUM_BITS;
    int32_t  psum1 : PE_PSUM_BITS;
};

void pe_clock(struct pe *r, const struct pe_in *in, struct pe_out *out);

#endif
