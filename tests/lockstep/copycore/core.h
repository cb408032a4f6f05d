/*
 * core.h - the copy core: the accelerator's ports around an engine that copies memory.
 *
 * It stands in for hw/core.c where sim/ itself is tested: small, quick to build, and everything
 * about it is known.  Registers: CTRL, GIE, IER, ISR as ever; BASE0 is the source, BASE1 the
 * destination (both aligned to a burst), BASE2 (low word) the number of bursts; read-only words.
 */
#ifndef RS_COPY_CORE_H
#define RS_COPY_CORE_H
#define core       accelerator               /* its ports are wanted, its registers not    */
#define core_clock accelerator_clock
#include "../../../hw/core.h"
#undef core
#undef core_clock

#define COPY_BEATS 4                         /* beats in a burst                           */

struct copy_beat { uint8_t byte[RS_AXI_BYTES]; };

struct core {
    bool     aw_held, w_held, b_valid;       /* AXI-Lite                                   */
    uint32_t aw_addr : 12;
    uint32_t w_data;
    bool     r_valid;
    uint32_t r_data;

    bool     start, done, gie, ier_done, isr_done;
    uint64_t source, target;
    uint32_t bursts;

    bool     ar_valid, reading, aw_valid, writing, b_wait;
    uint64_t from, to;
    uint32_t left;
    uint32_t beat : 2;
    bool     error;
    struct copy_beat data[COPY_BEATS];
};

void core_clock(struct core *r, const struct core_in *in, struct core_out *out);

#endif
