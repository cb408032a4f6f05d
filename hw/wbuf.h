/* wbuf.h - the filter buffer: filter words and parameters, in the order the array takes them. */
#ifndef RS_WBUF_H
#define RS_WBUF_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"

struct wbuf_word { uint8_t byte[2 * RS_BLOCK]; };

struct wbuf_in {
    uint32_t read_addr : 16;               /* words; modulo the size                         */
    bool     write;
    uint32_t write_line : 15;              /* a line is one beat, two words                  */
    struct wbuf_word data_in[2];
};
struct wbuf_out {
    struct wbuf_word data;                 /* what read_addr named at the last edge           */
};
struct wbuf {
    struct wbuf_word even[RS_WBUF_DEPTH];
    struct wbuf_word odd[RS_WBUF_DEPTH];
    struct wbuf_word data_even, data_odd;
    bool     read_odd;
#ifdef RS_COLLISION_GARBAGE
    bool     hit;                          /* the line was written when it was read           */
#endif
};

void wbuf_clock(struct wbuf *r, const struct wbuf_in *in, struct wbuf_out *out);

#endif
