/*
 * memory.h - the memory of a simulated card: an AXI4 slave for every core, clock by clock.
 *
 * emu and sim use this one model, so that a program takes the same number of clocks on both.
 * The bytes themselves are somewhere else, behind two callbacks (storage.h, or TLM-2.0).
 *
 * Timing.  A transfer happens at an edge before which VALID and READY were both high.
 *   latency      the first beat of a read can transfer `latency_cycles` edges after its address
 *                did, B as many edges after the last W beat; never earlier, and later only when
 *                the port or the bandwidth is busy.
 *   bandwidth    a beat costs a bus width of `bytes_per_cycle`, which all ports share (each way,
 *                or both ways together).  From idle, beat i of a stream can transfer
 *                floor(i * beat_bytes / bytes_per_cycle) clocks after beat 0.
 *   sharing      round robin over the ports (and directions, if those share), a burst at a time;
 *                a port that stalls in its burst leaves the bandwidth to others.
 *   outstanding  ARREADY (AWREADY) is high while fewer than max_outstanding reads (writes) of
 *                the port wait for their last beat (their B).
 *   W            WREADY comes only after the burst's address.
 * All outputs are registers.  A port's reads are answered in order, and so are its writes.
 *
 * Ordering.  A write is visible to reads when its B is offered, and not before; a read sees what
 * is there when its beat is offered.  Hostile mode (hostile_seed) draws every latency from
 * 1 .. 2 * latency_cycles (sometimes more), stalls every channel at random, and lets half of
 * the reads look at the memory when the address comes: whoever does not wait for B, or for the
 * last R before overwriting, reads the wrong data.
 *
 * Errors.  Outside the memory: DECERR for every beat (reads as 0; nothing is written).  At the
 * fault address: SLVERR for that beat, or for the write burst that holds it (then nothing of
 * the burst is written).  A request or burst that breaks a rule of the port is answered SLVERR
 * and described by memory_violation(): burst other than INCR, size other than the bus width,
 * across 4 KiB, WLAST in the wrong place, a strobe below an unaligned start, VALID withdrawn or
 * its payload changed before READY.
 *
 * No globals; one struct memory belongs to one thread at a time.
 */
#ifndef RS_SIM_MEMORY_H
#define RS_SIM_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "platform.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MEMORY_MAX_PORTS = 2,
    MEMORY_MAX_BEAT_BYTES = 64,
    MEMORY_MAX_OUTSTANDING = 256
};
enum { AXI_OKAY = 0, AXI_SLVERR = 2, AXI_DECERR = 3 };

struct axi_from_core {              /* what a core drives before the edge                  */
    bool     ar_valid, r_ready, aw_valid, w_valid, w_last, b_ready;
    uint8_t  ar_len, ar_size, ar_burst;
    uint8_t  aw_len, aw_size, aw_burst;
    uint64_t ar_addr, aw_addr;
    uint64_t w_strb;                /* one bit a byte                                      */
    const uint8_t *w_data;          /* beat_bytes bytes; looked at only if w_valid         */
};

struct axi_to_core {                /* what the memory drives, all from registers          */
    bool     ar_ready, r_valid, r_last, aw_ready, w_ready, b_valid;
    uint8_t  r_resp, b_resp;
    uint8_t  r_data[MEMORY_MAX_BEAT_BYTES];
};

struct memory_options {
    struct rs_mem_timing timing;    /* zeros mean the defaults of platform.h               */
    uint64_t base, bytes;           /* the device addresses that exist                     */
    uint32_t n_ports;               /* 1 or 2                                              */
    uint32_t beat_bytes;            /* width of the ports: 4, 8, 16, 32 or 64              */

    /* Bytes at offset..offset+bytes-1 from base; strobe bit i is byte i.  Always inside. */
    void (*read)(void *context, uint64_t offset, uint8_t *to, uint32_t bytes);
    void (*write)(void *context, uint64_t offset, const uint8_t *from, uint64_t strobe,
                  uint32_t bytes);
    void *context;
};

struct memory;

/* NULL: out of memory, or an option out of range; @text then says which.  Copies @options. */
struct memory *memory_create(const struct memory_options *options, char *text, size_t text_bytes);
void memory_destroy(struct memory *m);                              /* accepts NULL         */

/* One rising edge for all ports: @from[i] is what core i drove before the edge. */
void memory_clock(struct memory *m, const struct axi_from_core *from);

/* What the memory drives to @port now; valid until the next memory_clock. */
const struct axi_to_core *memory_output(const struct memory *m, uint32_t port);

/* Clocks in which @port had a beat to move and the bandwidth went to another port. */
uint64_t memory_contention(const struct memory *m, uint32_t port);

/* The first rule that a core broke or address outside that it used, with the clock (counted from
 * create), or NULL if there was none; and how many there were. */
const char *memory_violation(const struct memory *m);
uint64_t memory_violations(const struct memory *m);

#ifdef __cplusplus
}
#endif
#endif
