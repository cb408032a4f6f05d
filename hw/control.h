/* control.h - s_axi_control: the ap_ctrl_hs registers of isa.h: ports and registers. */
#ifndef RS_CONTROL_H
#define RS_CONTROL_H
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"

struct control_in {
    bool     rst;
    uint32_t awaddr : 12;
    bool     awvalid;
    uint32_t wdata;
    uint32_t wstrb : 4;
    bool     wvalid;
    bool     bready;
    uint32_t araddr : 12;
    bool     arvalid;
    bool     rready;
    bool     finished;                     /* the run has ended: one clock                       */
    uint32_t status;                       /* enum rs_error_code of the first error              */
    uint64_t error_addr;
    uint64_t cycles;
};
struct control_out {
    bool     awready, wready, bvalid, arready, rvalid;
    uint32_t rdata;
    bool     interrupt;
    bool     start;                        /* ap_start, high until the run has ended             */
    uint64_t base[4];
    uint32_t count;
};
struct control {
    bool     up;                           /* out of reset: transfers are taken                  */
    bool     have_aw, have_w, bvalid, rvalid;
    uint32_t awaddr : 12, wstrb : 4;
    uint32_t wdata, rdata;
    bool     ap_start, ap_done, gie;
    uint32_t ier : 2, isr : 2;
    uint32_t base_lo[4], base_hi[4];
    uint32_t count;
};

void control_clock(struct control *r, const struct control_in *in, struct control_out *out);

#endif
