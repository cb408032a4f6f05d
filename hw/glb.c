/*
 * glb.c - the global buffer: four readers and three writers over 16 two-port banks.
 *
 * Every port has a queue of requests and is served in order.  At each edge the requests at the
 * heads are looked at in the order of the enums, the array's own ports first; one is served if all
 * the banks it needs are free.  Data come back three edges after the request, if nothing
 * is in the way, and without a gap for one request a clock.
 */
#include "glb.h"

/* Bank of block address a: segment in the high two bits. */
static inline uint32_t bank_of(uint32_t a)
{
    return ((a / (4 * RS_GLB_BANK_DEPTH)) & 3u) * 4u + (a & 3u);
}

static inline uint32_t row_of(uint32_t a)
{
    return (a >> 2) & (RS_GLB_BANK_DEPTH - 1u);
}

/* Blocks that one read of a port returns. */
static const uint32_t read_blocks[GLB_READERS] = {2, 2, 4, 4};

void glb_clock(struct glb *r, const struct glb_in *in, struct glb_out *out)
{
#pragma HLS PIPELINE II=1
    struct glb_bank_in bi[RS_GLB_BANKS];
    struct block data[RS_GLB_BANKS];
    struct glb_write_req req[GLB_WRITERS];
    uint32_t addr[GLB_READERS];
    uint32_t reads[GLB_READERS];            /* banks that a port reads at this edge          */
    uint32_t writes[GLB_WRITERS];
    uint32_t read_busy = 0, write_busy = 0;
    uint32_t n_read = 0, n_written = 0;

    for (int p = 0; p < GLB_READERS; p++) {
        uint32_t need = 0;

        addr[p] = r->reader[p].addr[r->reader[p].head];
        for (uint32_t i = 0; i < 4; i++)
            if (i < read_blocks[p])
                need |= 1u << bank_of(addr[p] + i);
        reads[p] = r->reader[p].count != 0 && (need & read_busy) == 0 ? need : 0;
        read_busy |= reads[p];
        n_read += reads[p] != 0 ? read_blocks[p] : 0;
    }
    for (int p = 0; p < GLB_WRITERS; p++) {
        uint32_t need = 0;

        req[p] = r->writer[p].req[r->writer[p].head];
        for (uint32_t i = 0; i < 4; i++)
            if (req[p].mask[i] != 0)
                need |= 1u << bank_of(req[p].addr + i);
        writes[p] = r->writer[p].count != 0 && (need & write_busy) == 0 ? need : 0;
        write_busy |= writes[p];
    }

    for (uint32_t b = 0; b < RS_GLB_BANKS; b++) {
        bi[b].read_row = 0;
        for (int p = 0; p < GLB_READERS; p++)
            if ((reads[p] >> b) & 1u)
                bi[b].read_row = row_of(addr[p] + ((b - addr[p]) & 3u));
        bi[b].write = ((write_busy >> b) & 1u) != 0;
        bi[b].write_row = 0;
        bi[b].write_mask = 0;
        bi[b].data_in = req[0].block[(b - req[0].addr) & 3u];
        for (int p = 0; p < GLB_WRITERS; p++) {
            if ((writes[p] >> b) & 1u) {
                bi[b].write_row = row_of(req[p].addr + ((b - req[p].addr) & 3u));
                bi[b].write_mask = req[p].mask[(b - req[p].addr) & 3u];
                bi[b].data_in = req[p].block[(b - req[p].addr) & 3u];
            }
        }
        n_written += (write_busy >> b) & 1u;
        data[b] = r->bank_out[b].data;
    }
    for (int b = 0; b < RS_GLB_BANKS; b++)
        glb_bank_clock(&r->bank[b], &bi[b], &r->bank_out[b]);

    for (int p = 0; p < GLB_READERS; p++) {
        const bool push = in->read[p].valid && r->reader[p].count != GLB_DEPTH;
        const bool pop = reads[p] != 0;

        /* Data of the read that was served at the last edge. */
        r->reader[p].data.valid = r->reader[p].pending;
        if (r->reader[p].pending)
            for (uint32_t i = 0; i < 4; i++)
                if (i < read_blocks[p])
                    r->reader[p].data.block[i] = data[bank_of(r->reader[p].pending_addr + i)];
        r->reader[p].pending = pop;
        r->reader[p].pending_addr = addr[p];
        if (push)
            r->reader[p].addr[r->reader[p].tail] = in->read[p].addr;
        r->reader[p].head += pop;
        r->reader[p].tail += push;
        r->reader[p].count = r->reader[p].count + push - pop;
        if (in->rst) {
            r->reader[p].pending = false;
            r->reader[p].data.valid = false;
            r->reader[p].head = 0;
            r->reader[p].tail = 0;
            r->reader[p].count = 0;
        }
        out->read_ready[p] = r->reader[p].count != GLB_DEPTH;
        out->read_data[p] = r->reader[p].data;
    }
    for (int p = 0; p < GLB_WRITERS; p++) {
        const bool push = in->write[p].valid && r->writer[p].count != GLB_DEPTH;
        const bool pop = writes[p] != 0;

        if (push)
            r->writer[p].req[r->writer[p].tail] = in->write[p];
        r->writer[p].head += pop;
        r->writer[p].tail += push;
        r->writer[p].count = r->writer[p].count + push - pop;
        r->writer[p].done = pop;
        if (in->rst) {
            r->writer[p].head = 0;
            r->writer[p].tail = 0;
            r->writer[p].count = 0;
            r->writer[p].done = false;
        }
        out->write_ready[p] = r->writer[p].count != GLB_DEPTH;
        out->write_done[p] = r->writer[p].done;
    }
    r->blocks_read = n_read;
    r->blocks_written = n_written;
    out->blocks_read = r->blocks_read;
    out->blocks_written = r->blocks_written;
}
